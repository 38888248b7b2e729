/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-execute.h"

#include "cupel-pg-cursor.h"
#include "cupel-pg-decode.h"
#include "cupel-pg-list.h"
#include "cupel-pg-result-cursor.h"

#include <string.h>

gboolean
cupel_pg_wants_begin (CupelPgConnection  *self,
                      const CupelRequest *request)
{
  return (request->flags & CUPEL_REQUEST_BEGIN) != 0 && self->isolation != CUPEL_ISOLATION_AUTOCOMMIT &&
         cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE;
}

/* Statements that may run in a transaction of several, which is what a round trip is. */
static gboolean
is_plain (const CupelCompiled *compiled)
{
  switch (compiled->kind)
    {
    case CUPEL_COMPILED_SELECT:
    case CUPEL_COMPILED_INSERT:
    case CUPEL_COMPILED_UPDATE:
    case CUPEL_COMPILED_DELETE:
      return TRUE;
    case CUPEL_COMPILED_TEXT:
    case CUPEL_COMPILED_DDL:
    default:
      return cupel_pg_cursor_is_possible (compiled);
    }
}

static gboolean
add_begin (CupelPgFlight *flight)
{
  const char *sql = cupel_pg_connection_get_begin (flight->conn);

  if (strcmp (sql, "BEGIN") == 0)
    return cupel_pg_flight_add_command (flight, CUPEL_PG_STEP_EXECUTE, CUPEL_PG_TAG_NONE, CUPEL_PG_COMMAND_BEGIN);
  return cupel_pg_flight_add_simple (flight, CUPEL_PG_STEP_EXECUTE, CUPEL_PG_TAG_NONE, sql);
}

gboolean
cupel_pg_flight_add_begin (CupelPgFlight      *flight,
                           gboolean            wanted,
                           const CupelRequest *request)
{
  CupelPgConnection *self = flight->conn;
  gboolean settings = self->local_settings != NULL &&
                      (wanted || (cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE &&
                                  (self->has_search_path || is_plain (request->compiled))));

  return (!wanted || add_begin (flight)) &&
         (!settings || cupel_pg_flight_add_simple (flight, CUPEL_PG_STEP_EXECUTE, CUPEL_PG_TAG_NONE, self->local_settings));
}

gboolean
cupel_pg_undo_flight (CupelPgConnection  *self,
                      GError            **error)
{
  CupelPgFlight flight;

  if (cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE)
    return TRUE;
  cupel_pg_flight_init (&flight, self, NULL, NULL);
  if (cupel_pg_flight_add_simple (&flight, CUPEL_PG_STEP_EXECUTE, CUPEL_PG_TAG_NONE, "ROLLBACK") &&
      cupel_pg_flight_sync (&flight))
    cupel_pg_flight_collect (&flight);
  return cupel_pg_flight_finish (&flight, error);
}

gboolean
cupel_pg_flight_add_encoded (CupelPgFlight      *flight,
                             guint               tag,
                             const CupelRequest *request)
{
  const CupelCompiled *compiled = request->compiled;
  gboolean prepare = (request->flags & CUPEL_REQUEST_NO_PREPARE) == 0 && compiled->kind != CUPEL_COMPILED_DDL;

  return cupel_pg_flight_add_statement (flight, tag, prepare ? compiled->id : 0, CUPEL_PG_FORM_PLAIN, compiled->sql);
}

gint64
cupel_pg_result_get_count (const PGresult *result)
{
  const char *command = PQcmdStatus ((PGresult *) result);
  static const char *const counted[] = { "INSERT ", "UPDATE ", "DELETE ", "MERGE " };

  for (gsize i = 0; i < G_N_ELEMENTS (counted); i++)
    if (g_str_has_prefix (command, counted[i]))
      return g_ascii_strtoll (PQcmdTuples ((PGresult *) result), NULL, 10);
  return -1;
}

static void
set_columns (CupelReply          *reply,
             const CupelCompiled *compiled,
             const PGresult      *result)
{
  reply->n_columns = (guint) PQnfields (result);
  if (compiled->n_columns == reply->n_columns || reply->column_names != NULL)
    return;
  reply->column_names = g_new0 (char *, reply->n_columns + 1);
  for (guint i = 0; i < reply->n_columns; i++)
    reply->column_names[i] = g_utf8_make_valid (PQfname (result, (int) i), -1);
}

gboolean
cupel_pg_gather_take (gpointer    user_data,
                      guint       tag,
                      PGresult   *result,
                      GError    **error)
{
  CupelPgGather *gather = user_data;
  CupelReply *reply = &gather->replies[gather->by_tag && tag != CUPEL_PG_TAG_NONE ? tag : 0];
  const CupelRequest *request = &gather->requests[gather->by_tag && tag != CUPEL_PG_TAG_NONE ? tag : 0];
  CupelRowBlock *block = NULL;
  gboolean copy = FALSE, ok;
  gint64 count;

  if (tag == CUPEL_PG_TAG_NONE)
    {
      PQclear (result);
      return TRUE;
    }
  if ((count = cupel_pg_result_get_count (result)) >= 0)
    reply->row_count = MAX (reply->row_count, 0) + count;
  if (PQresultStatus (result) != PGRES_TUPLES_OK)
    {
      PQclear (result);
      return TRUE;
    }

  set_columns (reply, request->compiled, result);
  if ((request->flags & CUPEL_REQUEST_BLOCKWISE) != 0 && PQntuples (result) > CUPEL_PG_BLOCK_ROWS && reply->blocks == NULL)
    {
      reply->cursor = cupel_pg_result_cursor_new (result);
      return TRUE;
    }
  if (reply->blocks == NULL)
    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  /* Results of a row or two would each keep a PGresult alive: copying is cheaper. */
  if (gather->gather && PQntuples (result) < 16)
    {
      copy = TRUE;
      if (reply->blocks->len > 0)
        block = g_ptr_array_index (reply->blocks, reply->blocks->len - 1);
      if (block != NULL && block->n_columns != reply->n_columns)
        block = NULL;
    }
  if (block == NULL)
    {
      block = cupel_row_block_new (reply->n_columns, (guint) PQntuples (result));
      g_ptr_array_add (reply->blocks, block);
    }
  ok = cupel_pg_decode_rows (block, result, 0, (guint) PQntuples (result), copy, error);
  if (copy)
    PQclear (result);
  else
    cupel_row_block_keep (block, result, (GDestroyNotify) PQclear);
  return ok;
}

void
cupel_pg_propagate_failure (CupelPgFlight  *flight,
                            GError         *failure,
                            GError        **error)
{
  const char *state = cupel_error_get_sqlstate (failure);
  if (flight->stale && state != NULL)
    {
      /* Within a transaction only the whole of it can be run again. */
      cupel_set_error_with_details (error, CUPEL_ERROR_SERIALIZATION,
                                    &(CupelErrorDetails) {
                                      .sqlstate = state, .retryable = TRUE,
                                      .category = CUPEL_ERROR_CATEGORY_STALE_STATEMENT
                                    },
                                    "%s: run the transaction again (%s)",
                                    strcmp (state, "26000") == 0 ? "A prepared statement is gone from the session"
                                         : "The tables changed under a prepared statement", failure->message);
      g_error_free (failure);
      return;
    }
  g_propagate_error (error, failure);
}

static gboolean
add_list (CupelPgFlight      *flight,
          const CupelRequest *request)
{
  const gboolean prepare = (request->flags & CUPEL_REQUEST_NO_PREPARE) == 0;

  return cupel_pg_flight_add_statement_func (flight, 0, prepare ? request->compiled->id : 0, CUPEL_PG_FORM_LIST, cupel_pg_list_make_sql,
                                             request->compiled);
}

gboolean
cupel_pg_execute_one (CupelPgConnection   *self,
                      const CupelRequest  *request,
                      CupelReply          *reply,
                      GError             **error)
{
  gboolean idle = cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE;
  gboolean wants_begin = cupel_pg_wants_begin (self, request);

  for (int attempt = 0; ; attempt++)
    {
      g_auto(CupelReply) local = { .row_count = -1 };
      CupelPgGather gather = { .requests = request, .replies = &local };
      g_autoptr(GError) failure = NULL;
      g_auto(CupelPgBuffer) list = { NULL, };
      gboolean is_list = cupel_pg_list_encode (self, request, &list);
      CupelPgFlight flight;

      cupel_pg_flight_init (&flight, self, cupel_pg_gather_take, &gather);
      /* Values first: when one does not fit, nothing was sent. */
      if (!is_list && !cupel_pg_params_set_request (&self->params, request, 0, error))
        return FALSE;
      if (cupel_pg_flight_add_evicted (&flight) &&
          cupel_pg_flight_add_begin (&flight, wants_begin, request) &&
          (is_list ? add_list (&flight, request) : cupel_pg_flight_add_encoded (&flight, 0, request)) &&
          cupel_pg_flight_sync (&flight))
        cupel_pg_flight_collect (&flight);
      if (cupel_pg_flight_finish (&flight, &failure))
        {
          *reply = local;
          memset (&local, 0, sizeof local);
          reply->began = wants_begin;
          return TRUE;
        }
      /* The plan of a cached statement no longer fits the tables. Nothing of it ran: prepare it anew, once. */
      if (attempt == 0 && flight.stale && idle && !self->broken && self->stopped == NULL)
        {
          if (!cupel_pg_undo_flight (self, error))
            return FALSE;
          continue;
        }
      cupel_pg_propagate_failure (&flight, g_steal_pointer (&failure), error);
      return FALSE;
    }
}

static gboolean
together_once (CupelPgConnection   *self,
               const CupelRequest  *requests,
               CupelReply          *replies,
               guint                n_requests,
               gboolean             wants_begin,
               gboolean            *stale,
               GError             **error)
{
  CupelPgGather gather = { .requests = requests, .replies = replies, .by_tag = TRUE };
  g_autoptr(GError) failure = NULL;
  CupelPgFlight flight;
  gsize paced = 0;

  /* All values first: when one does not fit, nothing is sent. */
  for (guint i = 0; i < n_requests; i++)
    {
      replies[i].row_count = -1;
      if (!cupel_pg_params_set_request (&self->params, &requests[i], 0, error))
        return FALSE;
    }

  cupel_pg_flight_init (&flight, self, cupel_pg_gather_take, &gather);
  if (cupel_pg_flight_add_evicted (&flight) && cupel_pg_flight_add_begin (&flight, wants_begin, &requests[0]))
    for (guint i = 0; i < n_requests; i++)
      if (!cupel_pg_params_set_request (&self->params, &requests[i], 0, &flight.failure) ||
          !cupel_pg_flight_add_encoded (&flight, i, &requests[i]) ||
          !cupel_pg_flight_pace (&flight, &paced))
        break;
  if (cupel_pg_flight_finish (&flight, &failure))
    {
      replies[0].began = wants_begin;
      return TRUE;
    }

  for (guint i = MIN (flight.failed_tag, n_requests); i < n_requests; i++)
    {
      cupel_reply_clear (&replies[i]);
      memset (&replies[i], 0, sizeof replies[i]);
    }
  *stale = flight.stale && !self->broken && self->stopped == NULL;
  cupel_pg_propagate_failure (&flight, g_steal_pointer (&failure), error);
  return FALSE;
}

gboolean
cupel_pg_execute_together (CupelPgConnection   *self,
                           const CupelRequest  *requests,
                           CupelReply          *replies,
                           guint                n_requests,
                           gboolean             wants_begin,
                           GError             **error)
{
  gboolean stale = FALSE;
  GError *local = NULL;

  if (together_once (self, requests, replies, n_requests, wants_begin, &stale, &local))
    return TRUE;
  /* In a transaction that began here, nothing but this was done: all of it can be done again. */
  if (stale && wants_begin)
    {
      for (guint i = 0; i < n_requests; i++)
        {
          cupel_reply_clear (&replies[i]);
          memset (&replies[i], 0, sizeof replies[i]);
        }
      g_clear_error (&local);
      return cupel_pg_undo_flight (self, error) &&
             together_once (self, requests, replies, n_requests, wants_begin, &stale, error);
    }
  g_propagate_error (error, local);
  return FALSE;
}
