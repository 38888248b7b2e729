/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-list.h"

#include <string.h>

/* Fewer are planned as fast as an array. More would be too long for a message. */
#define FEWEST 16
#define MOST   (16 * 1024 * 1024)

#define BEFORE "\" IN ("   /* the name of a column ends there */

static CupelSqlKind
get_kind (const CupelCompiled *compiled)
{
  return cupel_sql_type_get_kind (compiled->slots[0].type);
}

/* Kinds of which each value is the same in an array. */
static gboolean
is_plain (CupelSqlKind kind)
{
  return kind == CUPEL_SQL_INT64 || kind == CUPEL_SQL_INT32 || kind == CUPEL_SQL_INT16 || kind == CUPEL_SQL_UUID;
}

static gboolean
is_list (const CupelCompiled *compiled)
{
  const CupelSlot *slots = compiled->slots;
  const guint n = compiled->n_slots;

  if (compiled->kind != CUPEL_COMPILED_SELECT || n < FEWEST || n > MOST || !is_plain (get_kind (compiled)) ||
      slots[0].offset < strlen (BEFORE) ||
      memcmp (compiled->sql + slots[0].offset - strlen (BEFORE), BEFORE, strlen (BEFORE)) != 0 ||
      compiled->sql[slots[n - 1].offset + slots[n - 1].length] != ')')
    return FALSE;
  for (guint i = 0; i < n; i++)
    {
      const guint end = slots[i].offset + slots[i].length;

      if (slots[i].source != CUPEL_SLOT_LITERAL || cupel_sql_type_get_kind (slots[i].type) != get_kind (compiled) ||
          (i + 1 < n && (slots[i + 1].offset != end + 2 || memcmp (compiled->sql + end, ", ", 2) != 0)))
        return FALSE;
    }
  return TRUE;
}

gboolean
cupel_pg_list_encode (CupelPgConnection  *self,
                      const CupelRequest *request,
                      CupelPgBuffer      *buffer)
{
  const CupelCompiled *compiled = request->compiled;
  CupelPgParams *params = &self->params;

  if (!is_list (compiled))
    return FALSE;

  cupel_pg_array_start (buffer, get_kind (compiled), compiled->n_slots);
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      g_autoptr(GError) error = NULL;

      cupel_pg_params_set_size (params, 1);
      /* What does not fit is refused, or taken, as it is by itself. */
      if (!cupel_pg_array_add (buffer, params, i, get_kind (compiled), cupel_request_get_cell (request, 0, i), &error))
        return FALSE;
      if (i % 64 == 63)
        cupel_fiber_tick ();
    }

  cupel_pg_params_set_size (params, 1);
  params->types[0] = cupel_pg_array_get_oid (get_kind (compiled));
  params->values[0] = (const char *) buffer->data;
  params->lengths[0] = (int) buffer->length;
  params->formats[0] = 1;
  return TRUE;
}

char *
cupel_pg_list_make_sql (gpointer data)
{
  const CupelCompiled *compiled = data;
  const CupelSlot *last = &compiled->slots[compiled->n_slots - 1];
  const char *name_end = compiled->sql + compiled->slots[0].offset - strlen (BEFORE) + 1;
  GString *sql = g_string_new_len (compiled->sql, name_end - compiled->sql);

  g_string_append (sql, " = ANY ($1");
  g_string_append (sql, compiled->sql + last->offset + last->length);
  return g_string_free (sql, FALSE);
}
