/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-connection.h"

#include "cupel-pg-cursor.h"
#include "cupel-pg-error.h"
#include "cupel-pg-execute.h"

#include <string.h>

G_DEFINE_FINAL_TYPE (CupelPgConnection, cupel_pg_connection, CUPEL_TYPE_DRIVER_CONNECTION)

CupelTransactionStatus
cupel_pg_connection_status (CupelPgConnection *self)
{
  if (self->conn == NULL || self->broken)
    return CUPEL_TRANSACTION_UNKNOWN;
  if (self->ahead && !self->busy)
    return self->ahead_status;
  if (self->rolling_back)
    return CUPEL_TRANSACTION_IDLE;
  if (self->in_flight)
    return CUPEL_TRANSACTION_UNKNOWN;
  switch (PQtransactionStatus (self->conn))
    {
    case PQTRANS_IDLE:    return CUPEL_TRANSACTION_IDLE;
    case PQTRANS_INTRANS: return CUPEL_TRANSACTION_ACTIVE;
    case PQTRANS_INERROR: return CUPEL_TRANSACTION_FAILED;
    case PQTRANS_ACTIVE:
    case PQTRANS_UNKNOWN:
    default:              return CUPEL_TRANSACTION_UNKNOWN;
    }
}

const char *
cupel_pg_connection_get_begin (CupelPgConnection *self)
{
  static const char *const levels[] = {
    [CUPEL_ISOLATION_DEFAULT]          = "",
    [CUPEL_ISOLATION_READ_UNCOMMITTED] = " ISOLATION LEVEL READ UNCOMMITTED",
    [CUPEL_ISOLATION_READ_COMMITTED]   = " ISOLATION LEVEL READ COMMITTED",
    [CUPEL_ISOLATION_REPEATABLE_READ]  = " ISOLATION LEVEL REPEATABLE READ",
    [CUPEL_ISOLATION_SERIALIZABLE]     = " ISOLATION LEVEL SERIALIZABLE",
  };
  CupelIsolationLevel level = self->isolation;

  if (level == CUPEL_ISOLATION_AUTOCOMMIT)
    return NULL;
  if (!self->has_next)
    self->next = (CupelTransactionOptions) { CUPEL_ISOLATION_DEFAULT };
  else if (self->next.isolation != CUPEL_ISOLATION_DEFAULT)
    level = self->next.isolation;
  if (level == CUPEL_ISOLATION_DEFAULT && !self->next.read_only && !self->next.deferrable)
    return "BEGIN";
  g_snprintf (self->begin, sizeof self->begin, "BEGIN%s%s%s", levels[level], self->next.read_only ? " READ ONLY" : "",
              self->next.deferrable ? " DEFERRABLE" : "");
  return self->begin;
}

static gboolean
take_tag (gpointer    user_data,
          guint       tag,
          PGresult   *result,
          GError    **error)
{
  char *command = user_data;

  g_strlcpy (command, PQcmdStatus (result), 16);
  PQclear (result);
  return TRUE;
}

/* @command: 16 bytes for the command tag, "" when there was none */
static gboolean
run_tagged (CupelPgConnection  *self,
            const char         *name,
            const char         *sql,
            char               *command,
            gint64              deadline,
            GCancellable       *cancellable,
            GError            **error)
{
  CupelPgFlight flight;
  gboolean ok;

  command[0] = '\0';
  if (!cupel_pg_link_begin (self, name, deadline, cancellable, error))
    return FALSE;
  cupel_pg_flight_init (&flight, self, take_tag, command);
  if (cupel_pg_flight_add_evicted (&flight) &&
      (sql == NULL || cupel_pg_flight_add_simple (&flight, CUPEL_PG_STEP_EXECUTE, 0, sql)) &&
      cupel_pg_flight_sync (&flight))
    cupel_pg_flight_collect (&flight);
  ok = cupel_pg_flight_finish (&flight, error);
  return cupel_pg_link_end (self, ok, error);
}

gboolean
cupel_pg_connection_run_simple (CupelPgConnection  *self,
                                const char         *name,
                                const char         *sql,
                                gint64              deadline,
                                GCancellable       *cancellable,
                                GError            **error)
{
  char command[16];

  return run_tagged (self, name, sql, command, deadline, cancellable, error);
}

void
cupel_pg_connection_use_pooler (CupelPgConnection *self,
                                const char        *search_path)
{
  const char *zone = PQparameterStatus (self->conn, "TimeZone");
  const char *style = PQparameterStatus (self->conn, "DateStyle");
  GString *sql = g_string_new (NULL);

  self->pooler = TRUE;
  if (zone == NULL || (strcmp (zone, "UTC") != 0 && strcmp (zone, "Etc/UTC") != 0))
    g_string_append (sql, ", pg_catalog.set_config('TimeZone', 'UTC', true)");
  if (style == NULL || !g_str_has_prefix (style, "ISO"))
    g_string_append (sql, ", pg_catalog.set_config('DateStyle', 'ISO', true)");
  if (search_path != NULL)
    {
      char *quoted = PQescapeLiteral (self->conn, search_path, strlen (search_path));

      g_string_append_printf (sql, ", pg_catalog.set_config('search_path', %s, true)", quoted);
      PQfreemem (quoted);
      self->has_search_path = TRUE;
    }
  if (sql->len > 0)
    self->local_settings = g_strconcat ("SELECT", sql->str + 1, NULL);
  g_string_free (sql, TRUE);
}

gboolean
cupel_pg_connection_allows (CupelPgConnection   *self,
                            const CupelRequest  *request,
                            GError             **error)
{
  const char *sql = request->compiled->sql;
  const char *what;
  guint traces;

  if (!self->pooler)
    return TRUE;
  traces = cupel_pg_traces_of (sql);
  /* Such a table does not outlive its transaction. */
  if ((traces & CUPEL_PG_TRACE_TEMP) != 0 && strcasestr (sql, "ON COMMIT DROP") != NULL)
    traces &= ~(guint) CUPEL_PG_TRACE_TEMP;
  if ((what = cupel_pg_traces_get_name (traces)) == NULL)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
               "This needs a session and the URL says pooler=transaction: %s; connect to the server itself for it", what);
  return FALSE;
}

gboolean
cupel_pg_connection_settle (CupelPgConnection  *self,
                            gint64              deadline,
                            GCancellable       *cancellable,
                            GError            **error)
{
  static const struct { const char *name; const char *wanted; const char *sql; } settings[] = {
    { "client_encoding", "UTF8", "SET client_encoding TO 'UTF8'" },
    { "TimeZone", "UTC", "SET TimeZone TO 'UTC'" },
    { "DateStyle", "ISO", "SET DateStyle TO 'ISO'" },
  };
  const char *floats = PQparameterStatus (self->conn, "integer_datetimes");

  if (floats != NULL && strcmp (floats, "on") != 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                           "The server keeps times as floating-point numbers (integer_datetimes is off): it needs another build");
      return FALSE;
    }
  for (gsize i = 0; !self->pooler && i < G_N_ELEMENTS (settings); i++)
    {
      const char *value = PQparameterStatus (self->conn, settings[i].name);

      if (value != NULL && g_str_has_prefix (value, settings[i].wanted))
        continue;
      if (!cupel_pg_connection_run_simple (self, "connect", settings[i].sql, deadline, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
cupel_pg_connection_get_role (CupelDriverConnection  *connection,
                              CupelServerRole        *role,
                              GCancellable           *cancellable,
                              GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  const char *standby = self->conn != NULL ? PQparameterStatus (self->conn, "in_hot_standby") : NULL;
  const char *read_only = self->conn != NULL ? PQparameterStatus (self->conn, "default_transaction_read_only") : NULL;
  char command[16];

  /* Servers tell both by themselves since 14; some poolers keep them back. */
  if (standby == NULL || read_only == NULL)
    {
      if (!run_tagged (self, "get_role",
                       "SELECT WHERE pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'", command,
                       CUPEL_NO_DEADLINE, cancellable, error))
        return FALSE;
      *role = strcmp (command, "SELECT 0") == 0 ? CUPEL_SERVER_ROLE_PRIMARY : CUPEL_SERVER_ROLE_STANDBY;
      return TRUE;
    }
  *role = strcmp (standby, "on") == 0 || strcmp (read_only, "on") == 0 ? CUPEL_SERVER_ROLE_STANDBY : CUPEL_SERVER_ROLE_PRIMARY;
  return TRUE;
}

static gboolean
cupel_pg_connection_begin (CupelDriverConnection  *connection,
                           GCancellable           *cancellable,
                           GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  GError *local = NULL;
  CupelPgFlight flight;
  gboolean ok;

  if (self->isolation == CUPEL_ISOLATION_AUTOCOMMIT || cupel_pg_connection_status (self) == CUPEL_TRANSACTION_ACTIVE)
    return TRUE;
  if (!cupel_pg_link_begin (self, "begin", CUPEL_NO_DEADLINE, cancellable, error))
    return FALSE;
  /* Should the session have lost what was prepared in it, then it is prepared anew. */
  for (int attempt = 0; ; attempt++)
    {
      cupel_pg_flight_init (&flight, self, NULL, NULL);
      if (cupel_pg_flight_add_evicted (&flight))
        cupel_pg_flight_add_begin (&flight, TRUE, NULL);
      ok = cupel_pg_flight_finish (&flight, &local);
      if (ok || attempt > 0 || !flight.stale || self->broken || self->stopped != NULL)
        break;
      g_clear_error (&local);
      if (!cupel_pg_undo_flight (self, &local))
        break;
    }
  if (local != NULL)
    g_propagate_error (error, local);
  return cupel_pg_link_end (self, ok, error);
}

static gboolean
cupel_pg_connection_commit (CupelDriverConnection  *connection,
                            GCancellable           *cancellable,
                            GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  g_autoptr(GError) local = NULL;
  char command[16];

  if (cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE)
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  /* Found dead before anything was sent: then nothing was committed, and that is certain. */
  if (!self->busy && !cupel_pg_link_is_alive (self))
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_DISCONNECTED,
                                    &(CupelErrorDetails) {
                                      .disconnect = TRUE, .retryable = TRUE, .category = CUPEL_ERROR_CATEGORY_LOST
                                    },
                                    "The connection to PostgreSQL at %s was lost before COMMIT was sent", self->where);
      return FALSE;
    }

  if (run_tagged (self, "commit", "COMMIT", command, CUPEL_NO_DEADLINE, cancellable, &local) ||
      strcmp (command, "COMMIT") == 0)
    {
      if (strcmp (command, "COMMIT") == 0)
        return TRUE;
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
                           "The transaction had failed before: the server rolled it back instead of committing it");
      return FALSE;
    }
  if (self->broken && !g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_BUSY))
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_OUTCOME_UNKNOWN,
                                    &(CupelErrorDetails) { .disconnect = TRUE, .category = CUPEL_ERROR_CATEGORY_UNKNOWN },
                                    "COMMIT was sent and its answer never came (%s): the transaction may have been "
                                    "committed; look whether its effects are there", local->message);
      return FALSE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
cupel_pg_connection_rollback (CupelDriverConnection  *connection,
                              gint64                  deadline,
                              GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  if (cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE)
    return TRUE;
  /* A block that a stream asked for is of no use any more, and it may take its time. */
  cupel_pg_link_drop_ahead (self, deadline, FALSE);
  return cupel_pg_connection_run_simple (self, "rollback", "ROLLBACK", deadline, NULL, error);
}

static gboolean
cupel_pg_connection_savepoint (CupelDriverConnection    *connection,
                               CupelSavepointOperation   operation,
                               const char               *name,
                               gint64                    deadline,
                               GCancellable             *cancellable,
                               GError                  **error)
{
  static const char *const commands[] = {
    [CUPEL_SAVEPOINT_SET]      = "SAVEPOINT",
    [CUPEL_SAVEPOINT_RELEASE]  = "RELEASE SAVEPOINT",
    [CUPEL_SAVEPOINT_ROLLBACK] = "ROLLBACK TO SAVEPOINT",
  };
  g_autofree char *sql = g_strconcat (commands[operation], " ", name, NULL);

  return cupel_pg_connection_run_simple (CUPEL_PG_CONNECTION (connection), "savepoint", sql, deadline,
                                         operation == CUPEL_SAVEPOINT_SET ? cancellable : NULL, error);
}

static gboolean
cupel_pg_connection_set_isolation (CupelDriverConnection  *connection,
                                   CupelIsolationLevel     level,
                                   GCancellable           *cancellable,
                                   GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  CupelTransactionStatus status = cupel_pg_connection_status (self);

  if (status == CUPEL_TRANSACTION_ACTIVE || status == CUPEL_TRANSACTION_FAILED)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "The isolation level can be set only outside a transaction: commit or roll back first");
      return FALSE;
    }
  /* It goes with each BEGIN. */
  self->isolation = level;
  return TRUE;
}

static gboolean
cupel_pg_connection_set_transaction (CupelDriverConnection          *connection,
                                     const CupelTransactionOptions  *options,
                                     GError                        **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  CupelTransactionStatus status = cupel_pg_connection_status (self);

  self->has_next = FALSE;
  if (options == NULL || (options->isolation == CUPEL_ISOLATION_DEFAULT && !options->read_only && !options->deferrable))
    return TRUE;
  if (self->isolation == CUPEL_ISOLATION_AUTOCOMMIT || options->isolation == CUPEL_ISOLATION_AUTOCOMMIT ||
      status == CUPEL_TRANSACTION_ACTIVE || status == CUPEL_TRANSACTION_FAILED)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           status == CUPEL_TRANSACTION_ACTIVE || status == CUPEL_TRANSACTION_FAILED
                             ? "A transaction is open: how it begins can be said only before"
                             : "There are no transactions in AUTOCOMMIT: set another isolation level first");
      return FALSE;
    }
  self->next = *options;
  self->has_next = TRUE;
  return TRUE;
}

/* One round trip that takes out of the session what statements may have left in it. */
static gboolean
sweep (CupelPgConnection  *self,
       gint64              deadline,
       GError            **error)
{
  const guint traces = self->traces;
  const struct { gboolean wanted; const char *sql; } commands[] = {
    { TRUE, "SELECT pg_catalog.pg_advisory_unlock_all()" },
    { TRUE, "CLOSE ALL" },
    /* A standby that could not listen does not like this one. */
    { (traces & (CUPEL_PG_TRACE_LISTEN | CUPEL_PG_TRACE_OTHER)) != 0, "UNLISTEN *" },
    { (traces & (CUPEL_PG_TRACE_TEMP | CUPEL_PG_TRACE_OTHER)) != 0, "DISCARD TEMP" },
    { (traces & CUPEL_PG_TRACE_PREPARED) != 0, "DEALLOCATE ALL" },
    { traces == CUPEL_PG_TRACE_ALL, "DISCARD SEQUENCES" },
    { TRUE, "SET SESSION AUTHORIZATION DEFAULT" },
    { TRUE, "RESET ALL" },
  };
  CupelPgFlight flight;
  gboolean ok = TRUE;

  if (!cupel_pg_link_begin (self, "reset", deadline, NULL, error))
    return FALSE;
  cupel_pg_flight_init (&flight, self, NULL, NULL);
  for (gsize i = 0; ok && i < G_N_ELEMENTS (commands); i++)
    ok = !commands[i].wanted || cupel_pg_flight_add_simple (&flight, CUPEL_PG_STEP_EXECUTE, 0, commands[i].sql);
  ok = cupel_pg_flight_finish (&flight, error);
  if (ok)
    {
      self->traces = 0;
      self->n_hold_cursors = 0;
    }
  return cupel_pg_link_end (self, ok, error) && cupel_pg_connection_settle (self, deadline, NULL, error);
}

static gboolean
cupel_pg_connection_needs_reset (CupelDriverConnection *connection)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  /* What is left in a session behind a pooler is not ours to sweep: the session may be another one by now. */
  return (!self->pooler && (self->traces != 0 || self->n_hold_cursors > 0)) || self->has_next;
}

static void
cupel_pg_connection_mark_dirty (CupelDriverConnection *connection)
{
  CUPEL_PG_CONNECTION (connection)->traces |= CUPEL_PG_TRACE_ALL;
}

static gboolean
cupel_pg_connection_roll_back_ahead (CupelDriverConnection *connection)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  CupelTransactionStatus status = cupel_pg_connection_status (self);
  CupelPgFlight flight;

  if (self->busy || self->ahead || self->pooler || cupel_pg_connection_needs_reset (connection) ||
      (status != CUPEL_TRANSACTION_ACTIVE && status != CUPEL_TRANSACTION_FAILED))
    return FALSE;

  cupel_pg_flight_init (&flight, self, NULL, NULL);
  if (!cupel_pg_flight_add_command (&flight, CUPEL_PG_STEP_ROLLBACK_AHEAD, 0, CUPEL_PG_COMMAND_ROLLBACK))
    {
      g_clear_error (&flight.failure);
      return FALSE;
    }
  self->rolling_back = TRUE;
  self->transaction_serial++;
  return TRUE;
}

static void
cupel_pg_connection_send_ahead (CupelDriverConnection *connection)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  CupelPgFlight flight;

  if (self->conn == NULL || self->broken || self->busy || !self->rolling_back ||
      g_array_index (self->steps, CupelPgStep, self->steps->len - 1).kind == CUPEL_PG_STEP_SYNC)
    return;

  cupel_pg_flight_init (&flight, self, NULL, NULL);
  /* What does not go at once, which so little hardly ever does, goes with the next operation. */
  if (cupel_pg_flight_sync (&flight))
    PQflush (self->conn);
  g_clear_error (&flight.failure);
}

static gboolean
cupel_pg_connection_reset (CupelDriverConnection  *connection,
                           gint64                  deadline,
                           GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  if (!cupel_pg_connection_rollback (connection, deadline, error))
    return FALSE;
  self->has_next = FALSE;
  if (!self->pooler && (self->traces != 0 || self->n_hold_cursors > 0) && !sweep (self, deadline, error))
    return FALSE;
  return cupel_pg_connection_status (self) == CUPEL_TRANSACTION_IDLE;
}

static gboolean
cupel_pg_connection_ping (CupelDriverConnection  *connection,
                          gint64                  deadline,
                          GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  /* A sync alone: the server answers that it is ready. A pooler might answer that by itself. */
  return cupel_pg_connection_run_simple (self, "ping", self->pooler ? "" : NULL, deadline, NULL, error);
}

static CupelTransactionStatus
cupel_pg_connection_get_status (CupelDriverConnection *connection)
{
  return cupel_pg_connection_status (CUPEL_PG_CONNECTION (connection));
}

static gboolean
cupel_pg_connection_is_alive (CupelDriverConnection *connection)
{
  return cupel_pg_link_is_alive (CUPEL_PG_CONNECTION (connection));
}

static void
cupel_pg_connection_close (CupelDriverConnection *connection,
                           gint64                 deadline)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  if (self->conn == NULL)
    return;
  if (self->busy || self->broken || self->in_flight)
    {
      cupel_pg_link_terminate (self);
      return;
    }
  /* The socket is nonblocking: the good-bye goes into its buffer or nowhere. */
  self->broken = TRUE;
  g_clear_pointer (&self->watch, cupel_io_watch_free);
  g_clear_pointer (&self->conn, PQfinish);
}

static int
cupel_pg_connection_get_socket (CupelDriverConnection *connection)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  return self->conn != NULL ? PQsocket (self->conn) : -1;
}

static void
cupel_pg_connection_abandon (CupelDriverConnection *connection)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);

  /* PQfinish () would tell the server. */
  if (self->conn != NULL)
    cupel_driver_abandon_descriptor (PQsocket (self->conn));
  self->broken = TRUE;
}

static void
cupel_pg_connection_terminate (CupelDriverConnection *connection)
{
  cupel_pg_link_terminate (CUPEL_PG_CONNECTION (connection));
}

/* Notices, and errors that come while nothing is asked: an administrator ends the session, say. */
static void
receive_notice (void           *data,
                const PGresult *result)
{
  CupelPgConnection *self = data;

  if (self != NULL && cupel_pg_error_is_fatal (result))
    self->broken = TRUE;
}

CupelPgConnection *
cupel_pg_connection_new (PGconn     *conn,
                         const char *where,
                         guint       statement_cache_size)
{
  CupelPgConnection *self = g_object_new (CUPEL_PG_TYPE_CONNECTION, NULL);

  self->conn = conn;
  self->where = g_strdup (where);
  self->watch = cupel_io_watch_new (PQsocket (conn));
  self->statements = cupel_pg_statements_new (statement_cache_size);
  PQsetErrorVerbosity (conn, PQERRORS_DEFAULT);
  PQsetNoticeReceiver (conn, receive_notice, self);
  if (PQsetnonblocking (conn, 1) != 0 || !PQenterPipelineMode (conn))
    self->broken = TRUE;
  return self;
}

static void
cupel_pg_connection_finalize (GObject *object)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (object);

  cupel_pg_link_terminate (self);
  g_clear_pointer (&self->watch, cupel_io_watch_free);
  g_clear_pointer (&self->conn, PQfinish);
  g_clear_pointer (&self->statements, cupel_pg_statements_free);
  g_clear_pointer (&self->steps, g_array_unref);
  g_clear_error (&self->stopped);
  cupel_pg_params_clear (&self->params);
  g_free (self->where);
  g_free (self->local_settings);
  G_OBJECT_CLASS (cupel_pg_connection_parent_class)->finalize (object);
}

static gboolean
cupel_pg_connection_execute (CupelDriverConnection  *connection,
                             const CupelRequest     *request,
                             CupelReply             *reply,
                             GCancellable           *cancellable,
                             GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  gboolean ok;

  if (!cupel_pg_connection_allows (self, request, error) ||
      !cupel_pg_link_begin (self, "execute", CUPEL_NO_DEADLINE, cancellable, error))
    return FALSE;
  if (request->n_sets > 1)
    ok = cupel_pg_execute_many (self, request, reply, error);
  else if ((request->flags & CUPEL_REQUEST_STREAM) != 0 && cupel_pg_cursor_is_possible (request->compiled))
    ok = cupel_pg_cursor_open (self, request, reply, error);
  else
    {
      ok = cupel_pg_execute_one (self, request, reply, error);
      if (ok && (request->flags & CUPEL_REQUEST_STREAM) != 0)
        reply->cursor = cupel_pg_cursor_new_buffered (self, g_steal_pointer (&reply->blocks));
    }
  return cupel_pg_link_end (self, ok, error);
}

static gboolean
cupel_pg_connection_pipeline (CupelDriverConnection  *connection,
                              const CupelRequest     *requests,
                              CupelReply             *replies,
                              guint                   n_requests,
                              GCancellable           *cancellable,
                              GError                **error)
{
  CupelPgConnection *self = CUPEL_PG_CONNECTION (connection);
  gboolean together, ok;

  if (n_requests == 0)
    return TRUE;
  /* One round trip spans one transaction: where each statement is to have its own, they go one by one. */
  together = cupel_pg_wants_begin (self, &requests[0]) ||
             cupel_pg_connection_status (self) == CUPEL_TRANSACTION_ACTIVE;
  for (guint i = 0; i < n_requests; i++)
    together = together && requests[i].n_sets <= 1 && (requests[i].flags & CUPEL_REQUEST_STREAM) == 0;

  if (!together)
    {
      for (guint i = 0; i < n_requests; i++)
        if (!cupel_pg_connection_execute (connection, &requests[i], &replies[i], cancellable, error))
          return FALSE;
      return TRUE;
    }
  for (guint i = 0; i < n_requests; i++)
    if (!cupel_pg_connection_allows (self, &requests[i], error))
      return FALSE;
  if (!cupel_pg_link_begin (self, "pipeline", CUPEL_NO_DEADLINE, cancellable, error))
    return FALSE;
  ok = cupel_pg_execute_together (self, requests, replies, n_requests, cupel_pg_wants_begin (self, &requests[0]), error);
  return cupel_pg_link_end (self, ok, error);
}

static void
cupel_pg_connection_class_init (CupelPgConnectionClass *class)
{
  CupelDriverConnectionClass *connection_class = CUPEL_DRIVER_CONNECTION_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = cupel_pg_connection_finalize;
  connection_class->execute = cupel_pg_connection_execute;
  connection_class->pipeline = cupel_pg_connection_pipeline;
  connection_class->begin = cupel_pg_connection_begin;
  connection_class->commit = cupel_pg_connection_commit;
  connection_class->rollback = cupel_pg_connection_rollback;
  connection_class->set_isolation = cupel_pg_connection_set_isolation;
  connection_class->set_transaction = cupel_pg_connection_set_transaction;
  connection_class->savepoint = cupel_pg_connection_savepoint;
  connection_class->needs_reset = cupel_pg_connection_needs_reset;
  connection_class->mark_dirty = cupel_pg_connection_mark_dirty;
  connection_class->roll_back_ahead = cupel_pg_connection_roll_back_ahead;
  connection_class->send_ahead = cupel_pg_connection_send_ahead;
  connection_class->get_role = cupel_pg_connection_get_role;
  connection_class->reset = cupel_pg_connection_reset;
  connection_class->ping = cupel_pg_connection_ping;
  connection_class->get_status = cupel_pg_connection_get_status;
  connection_class->is_alive = cupel_pg_connection_is_alive;
  connection_class->close = cupel_pg_connection_close;
  connection_class->terminate = cupel_pg_connection_terminate;
  connection_class->get_socket = cupel_pg_connection_get_socket;
  connection_class->abandon = cupel_pg_connection_abandon;
}

static void
cupel_pg_connection_init (CupelPgConnection *self)
{
  self->deadline = CUPEL_NO_DEADLINE;
}
