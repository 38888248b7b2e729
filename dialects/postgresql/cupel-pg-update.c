/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-update.h"

#include <string.h>

/* Fewer go one by one, which takes locks in the order of the sets. */
#define FEWEST 16

#define SETS "\"cupel sets\""

/* Past @text, or NULL; all of these hand a NULL through. */
static const char *
skip (const char *at,
      const char *text)
{
  return at != NULL && g_str_has_prefix (at, text) ? at + strlen (text) : NULL;
}

/* Past a quoted name. */
static const char *
skip_name (const char *at)
{
  if (at == NULL || *at != '"')
    return NULL;
  for (at++; *at != '\0'; at++)
    if (*at == '"' && *++at != '"')
      return at;
  return NULL;
}

static const char *
skip_placeholder (const char *at,
                  guint       number)
{
  char text[16];

  g_snprintf (text, sizeof text, "$%u", number);
  at = skip (at, text);
  return at != NULL && !g_ascii_isdigit (*at) ? at : NULL;
}

static gboolean
same_name (const char *a,
           const char *b)
{
  gsize length = (gsize) (skip_name (a) - a);

  return length == (gsize) (skip_name (b) - b) && memcmp (a, b, length) == 0;
}

/* UPDATE "table" SET "a" = $1, "b" = $2 WHERE "table"."key" = $3 and nothing else. Returns where WHERE begins, or NULL. */
static const char *
find_where (const CupelCompiled *compiled)
{
  const char *table = skip (compiled->sql, "UPDATE ");
  const char *first = skip (skip_name (table), " SET ");
  const char *at = first, *where, *key, *end;
  guint n_values = 0;

  do
    at = skip_placeholder (skip (skip_name (n_values > 0 ? skip (at, ", ") : at), " = "), n_values + 1);
  while (at != NULL && ++n_values + 1 < compiled->n_slots);

  where = at;
  at = skip (at, " WHERE ");
  key = skip (skip_name (at), ".");
  end = skip_placeholder (skip (skip_name (key), " = "), compiled->n_slots);
  if (end == NULL || *end != '\0' || !same_name (at, table))
    return NULL;

  at = first;
  for (guint i = 0; i < n_values; i++)
    {
      if (same_name (at, key))
        return NULL;
      at = skip (skip_placeholder (skip (skip_name (at), " = "), i + 1), ", ");
    }
  return where;
}

gboolean
cupel_pg_update_fits (const CupelRequest *request)
{
  const CupelCompiled *compiled = request->compiled;
  const guint key = compiled->n_slots - 1;

  if (compiled->kind != CUPEL_COMPILED_UPDATE || compiled->n_columns > 0 || request->n_sets < FEWEST || compiled->n_slots < 2 ||
      compiled->n_slots > 1600 || find_where (compiled) == NULL)
    return FALSE;
  for (guint i = 0; i < compiled->n_slots; i++)
    if (!cupel_pg_array_supports (cupel_sql_type_get_kind (compiled->slots[i].type)))
      return FALSE;
  if (cupel_sql_type_get_kind (compiled->slots[key].type) != CUPEL_SQL_INT64 &&
      cupel_sql_type_get_kind (compiled->slots[key].type) != CUPEL_SQL_INT32 &&
      cupel_sql_type_get_kind (compiled->slots[key].type) != CUPEL_SQL_INT16)
    return FALSE;

  for (guint set = 0; set < request->n_sets; set++)
    {
      const CupelCell *cell = cupel_request_get_cell (request, set, key);

      if (cell->kind != CUPEL_CELL_INT64 || (set > 0 && cell->v.i64 <= cupel_request_get_cell (request, set - 1, key)->v.i64))
        return FALSE;
      if (set % 64 == 63)
        cupel_fiber_tick ();
    }
  return TRUE;
}

char *
cupel_pg_update_make_sql (gpointer data)
{
  const CupelCompiled *compiled = data;
  const char *where = find_where (compiled), *rest = compiled->sql;
  GString *sql = g_string_new (NULL);
  const char *array_type;

  for (guint i = 0; i < compiled->n_slots; i++)
    {
      const CupelSlot *slot = &compiled->slots[i];
      const char *cast = cupel_pg_array_get_cast (cupel_sql_type_get_kind (slot->type), &array_type);
      const char *placeholder = compiled->sql + slot->offset;

      if (i == compiled->n_slots - 1)
        {
          g_string_append_len (sql, rest, where - rest);
          g_string_append (sql, " FROM unnest(");
          for (guint k = 0; k < compiled->n_slots; k++)
            {
              cupel_pg_array_get_cast (cupel_sql_type_get_kind (compiled->slots[k].type), &array_type);
              g_string_append_printf (sql, "%s$%u::%s[]", k > 0 ? ", " : "", k + 1, array_type);
            }
          g_string_append (sql, ") AS " SETS "(");
          for (guint k = 0; k < compiled->n_slots; k++)
            g_string_append_printf (sql, "%sc%u", k > 0 ? ", " : "", k + 1);
          g_string_append_c (sql, ')');
          rest = where;
        }
      g_string_append_len (sql, rest, placeholder - rest);
      g_string_append_printf (sql, SETS ".c%u%s%s", i + 1, cast != NULL ? "::" : "", cast != NULL ? cast : "");
      rest = placeholder + slot->length;
    }
  g_string_append (sql, rest);
  return g_string_free (sql, FALSE);
}

gboolean
cupel_pg_update_is_order (const GError *error)
{
  /* The others: an exclusion constraint; a trigger that changed a row which was still to come; one that raises an error for what it sees. */
  static const char *const states[] = { "23P01", "27000", "P0001", NULL };
  const char *state = cupel_error_get_sqlstate (error);

  return g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE) || (state != NULL && g_strv_contains (states, state));
}
