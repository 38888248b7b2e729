/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-flight.h"

#include "cupel-pg-error.h"

#include <string.h>

void
cupel_pg_flight_init (CupelPgFlight     *flight,
                      CupelPgConnection *conn,
                      CupelPgTakeFunc    take,
                      gpointer           user_data)
{
  *flight = (CupelPgFlight) { .conn = conn, .take = take, .user_data = user_data, .synced = TRUE };
}

static void
clear_step (gpointer data)
{
  CupelPgStep *step = data;

  g_clear_pointer (&step->statement, cupel_pg_statement_unref);
}

static gboolean
add_step (CupelPgFlight    *flight,
          int               sent,
          CupelPgStepKind   kind,
          guint             tag,
          CupelPgStatement *statement,
          gboolean          cached)
{
  CupelPgConnection *self = flight->conn;
  CupelPgStep step = { .kind = kind, .tag = tag, .cached = cached };

  if (!sent)
    {
      cupel_pg_link_set_lost (self, flight->failure == NULL ? &flight->failure : NULL);
      return FALSE;
    }
  self->in_flight = TRUE;
  if (statement != NULL)
    step.statement = cupel_pg_statement_ref (statement);
  if (self->steps == NULL)
    {
      self->steps = g_array_new (FALSE, FALSE, sizeof (CupelPgStep));
      g_array_set_clear_func (self->steps, clear_step);
    }
  g_array_append_val (self->steps, step);
  flight->synced = kind == CUPEL_PG_STEP_SYNC;
  return TRUE;
}

gboolean
cupel_pg_flight_add_simple (CupelPgFlight   *flight,
                            CupelPgStepKind  kind,
                            guint            tag,
                            const char      *sql)
{
  return add_step (flight, PQsendQueryParams (flight->conn->conn, sql, 0, NULL, NULL, NULL, NULL, 1), kind, tag, NULL, FALSE);
}

static gboolean
add_command_step (CupelPgFlight   *flight,
                  int              sent,
                  CupelPgStepKind  kind,
                  guint            tag,
                  CupelPgCommand   command)
{
  GArray *steps;

  if (!add_step (flight, sent, kind, tag, NULL, FALSE))
    return FALSE;
  steps = flight->conn->steps;
  g_array_index (steps, CupelPgStep, steps->len - 1).command = command;
  return TRUE;
}

/* Behind a pooler the session may be another one by now. */
gboolean
cupel_pg_flight_add_command (CupelPgFlight   *flight,
                             CupelPgStepKind  kind,
                             guint            tag,
                             CupelPgCommand   command)
{
  CupelPgConnection *self = flight->conn;
  gboolean is_new;
  const char *name, *sql;

  if (self->pooler || !cupel_pg_statements_is_enabled (self->statements))
    return cupel_pg_flight_add_simple (flight, kind, tag, cupel_pg_command_get_sql (command));
  name = cupel_pg_statements_get_command (self->statements, command, &is_new);
  sql = cupel_pg_command_get_sql (command);
  return (!is_new ||
          add_command_step (flight, PQsendPrepare (self->conn, name, sql, 0, NULL), CUPEL_PG_STEP_PREPARE, tag, command)) &&
         add_command_step (flight, PQsendQueryPrepared (self->conn, name, 0, NULL, NULL, NULL, 1), kind, tag, command);
}

gboolean
cupel_pg_flight_add_statement_func (CupelPgFlight *flight,
                                    guint          tag,
                                    guint64        id,
                                    CupelPgForm    form,
                                    char        *(*make_sql) (gpointer data),
                                    gpointer       data)
{
  CupelPgConnection *self = flight->conn;
  CupelPgParams *p = &self->params;
  CupelPgStatement *statement = NULL;
  g_autofree char *sql = NULL;
  gboolean cached = FALSE;

  if (id != 0 && cupel_pg_statements_is_enabled (self->statements))
    {
      statement = cupel_pg_statements_find (self->statements, id, form, p->types, p->n);
      cached = statement != NULL;
    }
  else
    {
      sql = make_sql (data);
      self->traces |= cupel_pg_traces_of (sql);
      return add_step (flight,
                       PQsendQueryParams (self->conn, sql, (int) p->n, p->types, p->values, p->lengths, p->formats, 1),
                       CUPEL_PG_STEP_EXECUTE, tag, NULL, FALSE);
    }

  if (!cached)
    {
      statement = cupel_pg_statements_add (self->statements, id, form, p->types, p->n);
      sql = make_sql (data);
      statement->traces = cupel_pg_traces_of (sql);
      if (!add_step (flight, PQsendPrepare (self->conn, statement->name, sql, (int) p->n, p->types),
                     CUPEL_PG_STEP_PREPARE, tag, statement, FALSE))
        return FALSE;
    }
  self->traces |= statement->traces;
  return add_step (flight,
                   PQsendQueryPrepared (self->conn, statement->name, (int) p->n, p->values, p->lengths, p->formats, 1),
                   CUPEL_PG_STEP_EXECUTE, tag, statement, cached);
}

static char *
dup_sql (gpointer data)
{
  return g_strdup (data);
}

gboolean
cupel_pg_flight_add_statement (CupelPgFlight *flight,
                               guint          tag,
                               guint64        id,
                               CupelPgForm    form,
                               const char    *sql)
{
  return cupel_pg_flight_add_statement_func (flight, tag, id, form, dup_sql, (gpointer) sql);
}

gboolean
cupel_pg_flight_sync (CupelPgFlight *flight)
{
  return add_step (flight, PQpipelineSync (flight->conn->conn), CUPEL_PG_STEP_SYNC, 0, NULL, FALSE);
}

gboolean
cupel_pg_flight_nudge (CupelPgFlight *flight)
{
  if (PQsendFlushRequest (flight->conn->conn))
    return TRUE;
  cupel_pg_link_set_lost (flight->conn, flight->failure == NULL ? &flight->failure : NULL);
  return FALSE;
}

/* Deallocates what fell out of the cache. It has a sync of its own, so that its failure concerns nobody and a statement that must be
 * alone in its transaction stays so. Inside a transaction a failure would: there it waits, unless it has become a lot. */
gboolean
cupel_pg_flight_add_evicted (CupelPgFlight *flight)
{
  CupelPgConnection *self = flight->conn;
  guint n = cupel_pg_statements_get_n_evicted (self->statements);
  CupelTransactionStatus status;

  if (n == 0)
    return TRUE;
  status = cupel_pg_connection_status (self);
  if (status != CUPEL_TRANSACTION_IDLE && !(status == CUPEL_TRANSACTION_ACTIVE && n > 1000))
    return TRUE;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = cupel_pg_statements_take_evicted (self->statements);
      g_autofree char *sql = g_strconcat ("DEALLOCATE ", name, NULL);

      if (!cupel_pg_flight_add_simple (flight, CUPEL_PG_STEP_QUIET, 0, sql))
        return FALSE;
    }
  return cupel_pg_flight_sync (flight);
}

static void
fail (CupelPgFlight *flight,
      CupelPgStep   *step,
      GError        *failure)
{
  if (flight->failure != NULL)
    {
      g_error_free (failure);
      return;
    }
  flight->failure = failure;
  flight->failed_tag = step->tag;
}

/* It was not prepared. */
static void
drop_statement (CupelPgFlight *flight,
                CupelPgStep   *step)
{
  if (step->statement != NULL)
    cupel_pg_statements_drop (flight->conn->statements, step->statement, FALSE);
  else
    cupel_pg_statements_forget_command (flight->conn->statements, step->command);
}

/* Takes @result over. */
static void
take_result (CupelPgFlight *flight,
             CupelPgStep   *step,
             PGresult      *result)
{
  CupelPgConnection *self = flight->conn;
  ExecStatusType status = PQresultStatus (result);
  GError *error = NULL;

  switch (status)
    {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
      if (step->kind == CUPEL_PG_STEP_EXECUTE)
        {
          const char *tag = PQcmdStatus (result);

          if (tag[0] == 'D' && (strcmp (tag, "DEALLOCATE ALL") == 0 || strcmp (tag, "DISCARD ALL") == 0))
            cupel_pg_statements_forget (self->statements);
          else if (tag[0] == 'R' && strcmp (tag, "ROLLBACK") == 0)
            self->rollback_serial++;
          if (flight->take != NULL && flight->failure == NULL)
            {
              if (!flight->take (flight->user_data, step->tag, result, &error))
                fail (flight, step, error);
              return;
            }
        }
      else if (step->kind == CUPEL_PG_STEP_ROLLBACK_AHEAD)
        {
          self->rolling_back = FALSE;
          if (strcmp (PQcmdStatus (result), "ROLLBACK") == 0)
            self->rollback_serial++;
          else
            {
              self->broken = TRUE;
              fail (flight, step, g_error_new_literal (CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "The server did not say that it rolled back"));
            }
        }
      break;

    case PGRES_PIPELINE_ABORTED:
      if (step->kind == CUPEL_PG_STEP_PREPARE)
        drop_statement (flight, step);
      else if (step->kind == CUPEL_PG_STEP_ROLLBACK_AHEAD)
        self->broken = TRUE;
      break;

    case PGRES_FATAL_ERROR:
      if (step->kind == CUPEL_PG_STEP_QUIET)
        break;
      if (step->kind == CUPEL_PG_STEP_PREPARE)
        drop_statement (flight, step);
      else if ((step->statement != NULL || step->command != CUPEL_PG_COMMAND_NONE) && cupel_pg_error_is_stale (result))
        {
          const char *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);

          /* Nobody deallocates that alone. */
          if (step->command != CUPEL_PG_COMMAND_NONE)
            cupel_pg_statements_forget (self->statements);
          else
            cupel_pg_statements_drop (self->statements, step->statement, strcmp (state, "26000") != 0);
          if (flight->failure == NULL)
            flight->stale = step->cached || step->command != CUPEL_PG_COMMAND_NONE;
        }
      /* One that the session does not know any more can be done again. */
      if (cupel_pg_error_is_fatal (result) || (step->kind == CUPEL_PG_STEP_ROLLBACK_AHEAD && !flight->stale))
        self->broken = TRUE;
      else if (step->kind == CUPEL_PG_STEP_ROLLBACK_AHEAD)
        self->rolling_back = FALSE;
      fail (flight, step, cupel_pg_error_new_from_result (result));
      break;

    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      self->broken = TRUE;
      fail (flight, step, g_error_new (CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                                       "COPY from or to the client is not supported: insert many sets, or COPY a file on the server"));
      break;

    default:
      self->broken = TRUE;
      fail (flight, step, g_error_new (CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "Unexpected answer %s from libpq",
                                       PQresStatus (status)));
      break;
    }
  PQclear (result);
}

gboolean
cupel_pg_flight_collect (CupelPgFlight *flight)
{
  CupelPgConnection *self = flight->conn;

  while (!self->broken && self->steps != NULL && self->first_step < self->steps->len)
    {
      CupelPgStep *step = &g_array_index (self->steps, CupelPgStep, self->first_step);
      GError *lost = NULL;
      PGresult *result;

      if (!cupel_pg_link_get_result (self, &result, &lost))
        {
          if (flight->failure == NULL)
            flight->failure = lost;
          else
            g_clear_error (&lost);
          break;
        }
      if (result == NULL)
        {
          if (step->kind != CUPEL_PG_STEP_SYNC)
            {
              self->first_step++;
              continue;
            }
          /* libpq has nothing more although a sync is owed: its view of the stream and ours differ. */
          self->broken = TRUE;
          fail (flight, step, g_error_new_literal (CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "The answers of the server ended early"));
          break;
        }
      if (PQresultStatus (result) == PGRES_PIPELINE_SYNC)
        {
          gboolean expected = step->kind == CUPEL_PG_STEP_SYNC;

          PQclear (result);
          self->first_step++;
          if (expected)
            continue;
          self->broken = TRUE;
          fail (flight, step, g_error_new_literal (CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "The server ended a round trip early"));
          break;
        }
      take_result (flight, step, result);
    }

  if (self->steps != NULL)
    g_array_set_size (self->steps, 0);
  self->first_step = 0;
  return flight->failure == NULL && !self->broken;
}

gboolean
cupel_pg_flight_finish (CupelPgFlight  *flight,
                        GError        **error)
{
  CupelPgConnection *self = flight->conn;

  if (!self->broken && !flight->synced)
    cupel_pg_flight_sync (flight);
  cupel_pg_flight_collect (flight);
  if (!self->broken)
    self->in_flight = FALSE;
  /* Cancelled or out of time: that is what the caller wants to hear, and not how the server words it. But what was done before the
   * request came is done, and is not to be hidden. */
  if (self->stopped != NULL && (flight->failure != NULL || self->broken || self->pooler))
    {
      g_clear_error (&flight->failure);
      g_propagate_error (error, g_error_copy (self->stopped));
      return FALSE;
    }
  if (flight->failure != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&flight->failure));
      return FALSE;
    }
  if (self->broken)
    {
      cupel_pg_link_set_lost (self, error);
      return FALSE;
    }
  return TRUE;
}
