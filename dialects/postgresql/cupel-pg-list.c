/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-list.h"

/* Fewer are planned as fast as an array. More would be too long for a message. */
#define FEWEST 16
#define MOST   (16 * 1024 * 1024)

/* Kinds of which each value is the same in an array. */
static gboolean
is_plain (CupelSqlKind kind)
{
  return kind == CUPEL_SQL_INT64 || kind == CUPEL_SQL_INT32 || kind == CUPEL_SQL_INT16 || kind == CUPEL_SQL_UUID;
}

static gboolean
is_list (const CupelCompiled *compiled)
{
  const CupelSlotList *list = compiled->lists;

  return compiled->kind == CUPEL_COMPILED_SELECT && compiled->n_lists == 1 && !list->negated && list->n_slots == compiled->n_slots &&
         list->n_slots >= FEWEST && list->n_slots <= MOST && is_plain (cupel_sql_type_get_kind (list->type));
}

gboolean
cupel_pg_list_encode (CupelPgConnection  *self,
                      const CupelRequest *request,
                      CupelPgBuffer      *buffer)
{
  const CupelCompiled *compiled = request->compiled;
  CupelPgParams *params = &self->params;
  CupelSqlKind kind;

  if (!is_list (compiled))
    return FALSE;

  kind = cupel_sql_type_get_kind (compiled->lists->type);
  cupel_pg_array_start (buffer, kind, compiled->n_slots);
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      g_autoptr(GError) error = NULL;

      cupel_pg_params_set_size (params, 1);
      /* What does not fit is refused, or taken, as it is by itself. */
      if (!cupel_pg_array_add (buffer, params, i, kind, cupel_request_get_cell (request, 0, i), &error))
        return FALSE;
      if (i % 64 == 63)
        cupel_fiber_tick ();
    }

  cupel_pg_params_set_size (params, 1);
  params->types[0] = cupel_pg_array_get_oid (kind);
  params->values[0] = (const char *) buffer->data;
  params->lengths[0] = (int) buffer->length;
  params->formats[0] = 1;
  return TRUE;
}

char *
cupel_pg_list_make_sql (gpointer data)
{
  const CupelCompiled *compiled = data;
  const CupelSlotList *list = compiled->lists;
  GString *sql = g_string_new_len (compiled->sql, list->start);

  g_string_append (sql, " = ANY ($1)");
  g_string_append (sql, compiled->sql + list->end);
  return g_string_free (sql, FALSE);
}
