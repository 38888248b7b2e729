/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One statement with many sets of values. An INSERT of plain columns goes as arrays, one per column, through unnest (): one prepared
 * statement for any number of rows. An UPDATE by key does likewise. Everything else is a pipeline of executions. Either way it is one round trip per page, and one
 * implicit transaction if none is open. */

#include "cupel-pg-execute.h"
#include "cupel-pg-update.h"

#include <string.h>

#define PAGE_ROWS   10000
#define PAGE_BYTES  (4 * 1024 * 1024)
#define PACE_STEPS  512
#define PACE_BYTES  (256 * 1024)
#define SAVEPOINT   "cupel_sets"

gboolean
cupel_pg_flight_pace (CupelPgFlight *flight,
                      gsize         *paced)
{
  CupelPgParams *params = &flight->conn->params;

  /* One number for both measures: bytes, with each statement counted for its share of the steps. */
  *paced += PACE_BYTES / PACE_STEPS;
  for (guint i = 0; i < params->n; i++)
    *paced += (gsize) params->lengths[i];
  if (*paced < PACE_BYTES)
    return TRUE;
  *paced = 0;
  return cupel_pg_flight_nudge (flight) && cupel_pg_flight_collect (flight);
}

/* The group is "($1, $2, ...)" and nothing else. */
static gboolean
is_plain_group (const CupelCompiled *compiled)
{
  const char *at, *end;

  if (compiled->insert_prefix == NULL || compiled->n_slots == 0 || compiled->n_slots > 1600)
    return FALSE;
  at = compiled->sql + strlen (compiled->insert_prefix);
  end = compiled->sql + compiled->sql_length - (compiled->insert_suffix != NULL ? strlen (compiled->insert_suffix) : 0);
  if (at >= end || *at++ != '(')
    return FALSE;
  for (guint i = 1; i <= compiled->n_slots; i++)
    {
      char expected[16];
      gsize length = (gsize) g_snprintf (expected, sizeof expected, "$%u", i);

      if ((gsize) (end - at) < length || strncmp (at, expected, length) != 0)
        return FALSE;
      at += length;
      if (i < compiled->n_slots)
        {
          if (*at++ != ',')
            return FALSE;
          while (*at == ' ')
            at++;
        }
    }
  return at + 1 == end && *at == ')';
}

static gboolean
fits_unnest (const CupelCompiled *compiled)
{
  const char *prefix = compiled->insert_prefix;

  if (compiled->kind != CUPEL_COMPILED_INSERT || !is_plain_group (compiled))
    return FALSE;
  for (guint i = 0; i < compiled->n_slots; i++)
    if (!cupel_pg_array_supports (cupel_sql_type_get_kind (compiled->slots[i].type)))
      return FALSE;
  return g_str_has_suffix (prefix, " VALUES ") || g_str_has_suffix (prefix, " VALUES");
}

static char *
make_unnest (gpointer data)
{
  const CupelCompiled *compiled = data;
  GString *sql = g_string_new_len (compiled->insert_prefix, g_strrstr (compiled->insert_prefix, "VALUES") - compiled->insert_prefix);

  g_string_append (sql, "SELECT ");
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      const char *array_type, *cast;

      cast = cupel_pg_array_get_cast (cupel_sql_type_get_kind (compiled->slots[i].type), &array_type);
      g_string_append_printf (sql, "%su.c%u%s%s", i > 0 ? ", " : "", i + 1, cast != NULL ? "::" : "", cast != NULL ? cast : "");
    }
  g_string_append (sql, " FROM unnest(");
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      const char *array_type;

      cupel_pg_array_get_cast (cupel_sql_type_get_kind (compiled->slots[i].type), &array_type);
      g_string_append_printf (sql, "%s$%u::%s[]", i > 0 ? ", " : "", i + 1, array_type);
    }
  g_string_append (sql, ") WITH ORDINALITY AS u(");
  for (guint i = 0; i < compiled->n_slots; i++)
    g_string_append_printf (sql, "c%u, ", i + 1);
  g_string_append (sql, "n) ORDER BY u.n");
  if (compiled->insert_suffix != NULL)
    g_string_append (sql, compiled->insert_suffix);
  return g_string_free (sql, FALSE);
}

/* One page of sets as arrays in conn->params. Returns how many sets it took; 0: @error, or without one: not possible this way. */
static guint
encode_page (CupelPgConnection   *self,
             const CupelRequest  *request,
             guint                first,
             CupelPgBuffer       *buffers,
             GError             **error)
{
  const CupelCompiled *compiled = request->compiled;
  guint n = MIN (request->n_sets - first, PAGE_ROWS), taken = 0;
  gsize bytes = 0;

  for (guint i = 0; i < compiled->n_slots; i++)
    cupel_pg_array_start (&buffers[i], cupel_sql_type_get_kind (compiled->slots[i].type), n);

  while (taken < n && bytes < PAGE_BYTES)
    {
      bytes = 0;
      for (guint i = 0; i < compiled->n_slots; i++)
        {
          cupel_pg_params_set_size (&self->params, 1);
          if (!cupel_pg_array_add (&buffers[i], &self->params, i, cupel_sql_type_get_kind (compiled->slots[i].type),
                                   cupel_request_get_cell (request, first + taken, i), error))
            return 0;
          bytes += buffers[i].length;
        }
      taken++;
      if (taken % 64 == 0)
        cupel_fiber_tick ();
    }

  cupel_pg_params_set_size (&self->params, compiled->n_slots);
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      guint32 count = GUINT32_TO_BE (taken);

      memcpy (buffers[i].data + 12, &count, 4);
      self->params.types[i] = cupel_pg_array_get_oid (cupel_sql_type_get_kind (compiled->slots[i].type));
      self->params.values[i] = (const char *) buffers[i].data;
      self->params.lengths[i] = (int) buffers[i].length;
      self->params.formats[i] = 1;
    }
  return taken;
}

static gboolean
add_command (CupelPgFlight *flight,
             const char    *sql)
{
  return cupel_pg_flight_add_simple (flight, CUPEL_PG_STEP_EXECUTE, CUPEL_PG_TAG_NONE, sql);
}

/* FALSE: this way is not possible, and nothing was sent. */
static gboolean
add_unnest (CupelPgConnection   *self,
            CupelPgFlight       *flight,
            const CupelRequest  *request,
            gboolean             wants_begin,
            gboolean             in_savepoint)
{
  const CupelCompiled *compiled = request->compiled;
  gboolean prepare = (request->flags & CUPEL_REQUEST_NO_PREPARE) == 0;
  CupelPgBuffer *buffers = g_new0 (CupelPgBuffer, compiled->n_slots);
  guint taken = encode_page (self, request, 0, buffers, &flight->failure);
  gboolean possible = taken > 0, one_page = taken == request->n_sets;

  /* More pages: all values are looked at before anything is sent. */
  for (guint probe = taken; possible && flight->failure == NULL && probe < request->n_sets; probe += taken)
    {
      taken = encode_page (self, request, probe, buffers, &flight->failure);
      possible = taken > 0;
    }

  if (possible && flight->failure == NULL && cupel_pg_flight_add_evicted (flight) &&
      cupel_pg_flight_add_begin (flight, wants_begin, request) && (!in_savepoint || add_command (flight, "SAVEPOINT " SAVEPOINT)))
    for (guint done = 0; done < request->n_sets; done += taken)
      {
        if (!one_page)
          taken = encode_page (self, request, done, buffers, &flight->failure);
        if (!cupel_pg_flight_add_statement_func (flight, 0, prepare ? compiled->id : 0, CUPEL_PG_FORM_UNNEST,
                                                 compiled->kind == CUPEL_COMPILED_UPDATE ? cupel_pg_update_make_sql : make_unnest,
                                                 (gpointer) compiled))
          break;
        if (!one_page && !(cupel_pg_flight_nudge (flight) && cupel_pg_flight_collect (flight)))
          break;
        if (in_savepoint && done + taken >= request->n_sets && !add_command (flight, "RELEASE SAVEPOINT " SAVEPOINT))
          break;
      }

  for (guint i = 0; i < compiled->n_slots; i++)
    cupel_pg_buffer_clear (&buffers[i]);
  g_free (buffers);
  return possible || flight->failure != NULL;
}

static void
add_one_by_one (CupelPgConnection  *self,
                CupelPgFlight      *flight,
                const CupelRequest *request,
                gboolean            wants_begin)
{
  gsize paced = 0;

  /* All values first: a set that does not fit must not leave the sets before it done. */
  for (guint set = 0; set < request->n_sets; set++)
    {
      if (!cupel_pg_params_set_request (&self->params, request, set, &flight->failure))
        {
          g_prefix_error (&flight->failure, "Set %u: ", set + 1);
          return;
        }
      if (set % 64 == 63)
        cupel_fiber_tick ();
    }
  if (!cupel_pg_flight_add_evicted (flight) || !cupel_pg_flight_add_begin (flight, wants_begin, request))
    return;
  for (guint set = 0; set < request->n_sets; set++)
    if (!cupel_pg_params_set_request (&self->params, request, set, &flight->failure) ||
        !cupel_pg_flight_add_encoded (flight, 0, request) ||
        !cupel_pg_flight_pace (flight, &paced))
      return;
}

/* Back to where an UPDATE of all sets began. */
static gboolean
undo_update (CupelPgConnection  *self,
             GError            **error)
{
  CupelPgFlight flight;

  cupel_pg_flight_init (&flight, self, NULL, NULL);
  if (add_command (&flight, "ROLLBACK TO SAVEPOINT " SAVEPOINT))
    add_command (&flight, "RELEASE SAVEPOINT " SAVEPOINT);
  return cupel_pg_flight_finish (&flight, error);
}

gboolean
cupel_pg_execute_many (CupelPgConnection   *self,
                       const CupelRequest  *request,
                       CupelReply          *reply,
                       GError             **error)
{
  gboolean idle = cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE;
  gboolean began = cupel_pg_wants_begin (self, request);
  gboolean wants_begin = began;
  gboolean updates = cupel_pg_update_fits (request);

  for (int attempt = 0; ; attempt++)
    {
      g_auto(CupelReply) local = { .row_count = -1 };
      CupelPgGather gather = { .requests = request, .replies = &local, .gather = TRUE };
      g_autoptr(GError) failure = NULL;
      CupelPgFlight flight;
      /* What the sets may fail with as one statement alone must not cost the transaction. */
      gboolean in_savepoint = updates && (wants_begin || !idle);
      guint n_rows = 0;

      cupel_pg_flight_init (&flight, self, cupel_pg_gather_take, &gather);
      if (!(updates || fits_unnest (request->compiled)) || !add_unnest (self, &flight, request, wants_begin, in_savepoint))
        {
          updates = FALSE;
          add_one_by_one (self, &flight, request, wants_begin);
        }
      if (!cupel_pg_flight_finish (&flight, &failure))
        {
          if (attempt == 0 && flight.stale && idle && !self->broken && self->stopped == NULL)
            {
              if (!cupel_pg_undo_flight (self, error))
                return FALSE;
              continue;
            }
          if (updates && !self->broken && self->stopped == NULL && cupel_pg_update_is_order (failure))
            {
              if (in_savepoint && !undo_update (self, error))
                return FALSE;
              updates = FALSE;
              wants_begin = FALSE;
              continue;
            }
          cupel_pg_propagate_failure (&flight, g_steal_pointer (&failure), error);
          return FALSE;
        }

      for (guint i = 0; local.blocks != NULL && i < local.blocks->len; i++)
        n_rows += ((CupelRowBlock *) g_ptr_array_index (local.blocks, i))->n_rows;
      if (local.blocks != NULL && request->compiled->kind == CUPEL_COMPILED_INSERT && n_rows != request->n_sets)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL,
                       "%u rows came back for %u that were inserted: a trigger or a rule swallows some", n_rows, request->n_sets);
          return FALSE;
        }
      *reply = local;
      memset (&local, 0, sizeof local);
      reply->began = began;
      return TRUE;
    }
}
