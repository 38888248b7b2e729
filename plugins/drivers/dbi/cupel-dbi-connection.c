/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-dbi-private.h"

#include <errno.h>
#include <sys/socket.h>

/* How soon a statement that does not stop is asked to stop once more. */
#define STOP_AGAIN (100 * 1000)

G_DEFINE_FINAL_TYPE (CupelDbiConnection, cupel_dbi_connection, CUPEL_TYPE_THREADED_CONNECTION)

gboolean
cupel_dbi_connection_check (CupelDbiConnection  *self,
                            GError             **error)
{
  if (!g_atomic_int_get (&self->broken))
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
                       "The connection was lost, or an operation on it was interrupted: it is not used any more");
  return FALSE;
}

static gboolean
run (CupelDbiConnection  *self,
     CupelJobFunc         func,
     gpointer             data,
     gint64               deadline,
     GCancellable        *cancellable,
     GError             **error)
{
  return cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), func, data, NULL, NULL, deadline, cancellable, error);
}

static gboolean
cupel_dbi_connection_execute (CupelDriverConnection  *base,
                              const CupelRequest     *request,
                              CupelReply             *reply,
                              GCancellable           *cancellable,
                              GError                **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  CupelDbiJob *job = cupel_dbi_job_new (request, error);
  gboolean abandoned = FALSE;
  gboolean ok;

  if (job == NULL)
    return FALSE;
  job->options = self->options;
  ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_dbi_job_execute, job,
                                      (GDestroyNotify) cupel_dbi_job_free, &abandoned, CUPEL_NO_DEADLINE, cancellable, error);
  if (abandoned)
    return FALSE;
  if (job->reply.began)
    self->options = (CupelTransactionOptions) { 0 };
  if (ok)
    {
      *reply = job->reply;
      memset (&job->reply, 0, sizeof job->reply);
    }
  cupel_dbi_job_free (job);
  return ok;
}

/* No hop: BEGIN goes with the first statement, and for SQLite that tells which BEGIN it is. */
static gboolean
cupel_dbi_connection_begin (CupelDriverConnection  *base,
                            GCancellable           *cancellable,
                            GError                **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!cupel_dbi_connection_check (self, error))
    return FALSE;
  if (g_atomic_int_get (&self->autocommit))
    return TRUE;
  if (g_atomic_int_get (&self->status) != CUPEL_TRANSACTION_IDLE)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "A transaction is already open on this connection");
      return FALSE;
    }
  g_atomic_int_set (&self->begin_pending, TRUE);
  g_atomic_int_set (&self->status, CUPEL_TRANSACTION_ACTIVE);
  return TRUE;
}

/* TRUE: there was nothing but the wish to begin. */
static gboolean
forget_begin (CupelDbiConnection *self)
{
  self->options = (CupelTransactionOptions) { 0 };
  if (!g_atomic_int_compare_and_exchange (&self->begin_pending, TRUE, FALSE))
    return FALSE;
  g_atomic_int_set (&self->status, CUPEL_TRANSACTION_IDLE);
  return TRUE;
}

static gboolean
cupel_dbi_connection_commit (CupelDriverConnection  *base,
                             GCancellable           *cancellable,
                             GError                **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  gboolean abandoned = FALSE;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  /* Here and not in the job: nothing was sent, so what becomes of the transaction is known. */
  if (!cupel_dbi_connection_check (self, error))
    return FALSE;
  if (forget_begin (self))
    return TRUE;
  if (cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_dbi_job_commit, NULL, NULL, &abandoned,
                                     CUPEL_NO_DEADLINE, cancellable, error))
    return TRUE;
  if (abandoned || (self->link.backend->is_server && g_atomic_int_get (&self->broken) &&
                    !g_error_matches (*error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN)))
    {
      g_clear_error (error);
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN,
                           "COMMIT was started and then interrupted: whether it took effect is not known");
    }
  return FALSE;
}

static gboolean
cupel_dbi_connection_rollback (CupelDriverConnection  *base,
                               gint64                  deadline,
                               GError                **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  if (!cupel_dbi_connection_check (self, error))
    return FALSE;
  return forget_begin (self) || run (self, cupel_dbi_job_rollback, NULL, deadline, NULL, error);
}

static gboolean
cupel_dbi_connection_set_isolation (CupelDriverConnection  *base,
                                    CupelIsolationLevel     level,
                                    GCancellable           *cancellable,
                                    GError                **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  if (g_atomic_int_get (&self->status) != CUPEL_TRANSACTION_IDLE)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                           "The isolation level cannot change while a transaction is open; commit or roll back first");
      return FALSE;
    }
  if (!run (self, cupel_dbi_job_isolation, GINT_TO_POINTER (level), CUPEL_NO_DEADLINE, cancellable, error))
    return FALSE;
  g_atomic_int_set (&self->autocommit, level == CUPEL_ISOLATION_AUTOCOMMIT);
  g_atomic_int_set (&self->isolated, level != CUPEL_ISOLATION_DEFAULT);
  return TRUE;
}

static gboolean
cupel_dbi_connection_set_transaction (CupelDriverConnection          *base,
                                      const CupelTransactionOptions  *options,
                                      GError                        **error)
{
  static const CupelTransactionOptions standard = { 0 };
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  g_autofree char *sql = self->link.backend->begin (&self->link, options != NULL ? options : &standard, NULL);

  if (sql == NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED, "The server cannot begin a transaction like this");
      return FALSE;
    }
  self->options = options != NULL ? *options : standard;
  return TRUE;
}

static gboolean
cupel_dbi_connection_savepoint (CupelDriverConnection    *base,
                                CupelSavepointOperation   operation,
                                const char               *name,
                                gint64                    deadline,
                                GCancellable             *cancellable,
                                GError                  **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  g_autoptr(CupelText) text = NULL;
  g_autoptr(CupelCompiler) compiler = cupel_dialect_create_compiler (self->link.dialect);
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autofree char *sql = NULL;
  gboolean abandoned = FALSE;
  CupelDbiJob *job;
  gboolean ok;

  switch (operation)
    {
    case CUPEL_SAVEPOINT_RELEASE:
      sql = g_strconcat ("RELEASE SAVEPOINT ", name, NULL);
      break;
    case CUPEL_SAVEPOINT_ROLLBACK:
      sql = g_strconcat ("ROLLBACK TO SAVEPOINT ", name, NULL);
      break;
    case CUPEL_SAVEPOINT_SET:
    default:
      sql = g_strconcat ("SAVEPOINT ", name, NULL);
      break;
    }
  text = cupel_text_new (sql);
  if ((compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), error)) == NULL)
    return FALSE;

  /* As a statement of its own, which opens the transaction that is still to be opened. */
  job = cupel_dbi_job_new (&(CupelRequest) { .compiled = compiled }, error);
  if (job == NULL)
    return FALSE;
  job->options = self->options;
  job->is_own = TRUE;
  ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_dbi_job_execute, job,
                                      (GDestroyNotify) cupel_dbi_job_free, &abandoned, deadline,
                                      operation == CUPEL_SAVEPOINT_SET ? cancellable : NULL, error);
  if (!abandoned)
    cupel_dbi_job_free (job);
  return ok;
}

static gboolean
cupel_dbi_connection_needs_reset (CupelDriverConnection *base)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  return g_atomic_int_get (&self->dirty) || g_atomic_int_get (&self->isolated);
}

static void
cupel_dbi_connection_mark_dirty (CupelDriverConnection *base)
{
  g_atomic_int_set (&CUPEL_DBI_CONNECTION (base)->dirty, TRUE);
}

static gboolean
cupel_dbi_connection_reset (CupelDriverConnection  *base,
                            gint64                  deadline,
                            GError                **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  self->options = (CupelTransactionOptions) { 0 };
  return run (self, cupel_dbi_job_reset, NULL, deadline, NULL, error);
}

/* Not dbi_conn_ping (): it connects anew when the link is lost, to a session that nobody has set up. */
static gboolean
cupel_dbi_connection_ping (CupelDriverConnection  *base,
                           gint64                  deadline,
                           GError                **error)
{
  return run (CUPEL_DBI_CONNECTION (base), cupel_dbi_job_run, (gpointer) "SELECT 1", deadline, NULL, error);
}

static CupelTransactionStatus
cupel_dbi_connection_get_status (CupelDriverConnection *base)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  if (g_atomic_int_get (&self->broken) || cupel_threaded_connection_is_given_up (CUPEL_THREADED_CONNECTION (self)))
    return CUPEL_TRANSACTION_UNKNOWN;
  return g_atomic_int_get (&self->status);
}

static gboolean
cupel_dbi_connection_is_alive (CupelDriverConnection *base)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  int fd = g_atomic_int_get (&self->socket);
  char byte;

  if (cupel_dbi_connection_get_status (base) == CUPEL_TRANSACTION_UNKNOWN)
    return FALSE;
  /* While nothing is under way a server says nothing but that it goes. */
  return fd < 0 || (recv (fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

static int
cupel_dbi_connection_get_socket (CupelDriverConnection *base)
{
  return g_atomic_int_get (&CUPEL_DBI_CONNECTION (base)->socket);
}

static void
cupel_dbi_connection_terminate (CupelDriverConnection *base)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  g_atomic_int_set (&self->broken, TRUE);
  cupel_threaded_connection_shut_down (CUPEL_THREADED_CONNECTION (self), cupel_dbi_job_close, NULL, NULL);
}

static void
cupel_dbi_connection_close (CupelDriverConnection *base,
                            gint64                 deadline)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  g_autoptr(GError) error = NULL;

  if (!run (self, cupel_dbi_job_close, NULL, deadline, NULL, &error))
    g_debug ("Closing a connection of libdbi: %s", error->message);
  cupel_dbi_connection_terminate (base);
}

/* All rows are fetched at once; a statement is cancelled from outside. Many sets are executed so that each has its row, in order. */
static guint
cupel_dbi_connection_adjust_capabilities (CupelDriverConnection *base,
                                          guint                  found)
{
  if ((found & CUPEL_CAP_INSERT_RETURNING) != 0)
    found |= CUPEL_CAP_INSERT_MANY_RETURNING;
  return (found & ~(guint) (CUPEL_CAP_STREAMING | CUPEL_CAP_NESTED_STREAMS)) | CUPEL_CAP_CANCEL;
}

static gpointer
stop_main (gpointer data)
{
  g_autoptr(CupelDbiConnection) self = data;

  self->link.backend->stop (&self->link);
  g_atomic_int_add (&self->n_stopping, -1);
  return NULL;
}

/* Any thread, one at a time. What stops a statement on a server takes a connection of its own, and that may block: hence a thread. */
static void
cupel_dbi_connection_interrupt (CupelThreadedConnection *base)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  gint64 now = g_get_monotonic_time ();
  GThread *thread;

  g_atomic_int_set (&self->link.interrupted, TRUE);
  if (self->link.backend->stop == NULL || !g_atomic_int_get (&self->opened) || g_atomic_int_get (&self->n_stopping) > 0 ||
      now < self->stopped_at + STOP_AGAIN)
    return;
  /* It may arrive late, and would stop another statement than its own: this connection has no other one. */
  g_atomic_int_set (&self->broken, TRUE);
  self->stopped_at = now;
  g_atomic_int_inc (&self->n_stopping);
  thread = g_thread_try_new ("cupel-dbi-stop", stop_main, g_object_ref (self), NULL);
  if (thread != NULL)
    {
      g_thread_unref (thread);
      return;
    }
  g_atomic_int_add (&self->n_stopping, -1);
  g_object_unref (self);
}

static void
cupel_dbi_connection_finalize (GObject *object)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (object);

  cupel_dbi_link_clear (&self->link);
  cupel_dbi_settings_clear (&self->link.settings);
  g_clear_object (&self->link.dialect);

  G_OBJECT_CLASS (cupel_dbi_connection_parent_class)->finalize (object);
}

static void
cupel_dbi_connection_class_init (CupelDbiConnectionClass *klass)
{
  CupelDriverConnectionClass *connection_class = CUPEL_DRIVER_CONNECTION_CLASS (klass);
  CupelThreadedConnectionClass *threaded_class = CUPEL_THREADED_CONNECTION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_dbi_connection_finalize;

  connection_class->execute = cupel_dbi_connection_execute;
  connection_class->begin = cupel_dbi_connection_begin;
  connection_class->commit = cupel_dbi_connection_commit;
  connection_class->rollback = cupel_dbi_connection_rollback;
  connection_class->set_isolation = cupel_dbi_connection_set_isolation;
  connection_class->set_transaction = cupel_dbi_connection_set_transaction;
  connection_class->savepoint = cupel_dbi_connection_savepoint;
  connection_class->needs_reset = cupel_dbi_connection_needs_reset;
  connection_class->mark_dirty = cupel_dbi_connection_mark_dirty;
  connection_class->reset = cupel_dbi_connection_reset;
  connection_class->ping = cupel_dbi_connection_ping;
  connection_class->get_status = cupel_dbi_connection_get_status;
  connection_class->is_alive = cupel_dbi_connection_is_alive;
  connection_class->close = cupel_dbi_connection_close;
  connection_class->terminate = cupel_dbi_connection_terminate;
  connection_class->get_socket = cupel_dbi_connection_get_socket;
  connection_class->adjust_capabilities = cupel_dbi_connection_adjust_capabilities;

  threaded_class->interrupt = cupel_dbi_connection_interrupt;
}

static void
cupel_dbi_connection_init (CupelDbiConnection *self)
{
  self->status = CUPEL_TRANSACTION_IDLE;
  self->socket = -1;
}

CupelDriverConnection *
cupel_dbi_connection_open (const CupelDbiBackend  *backend,
                           CupelDialect           *dialect,
                           CupelUrl               *url,
                           const CupelEndpoint    *endpoint,
                           gint64                  deadline,
                           GCancellable           *cancellable,
                           GError                **error)
{
  g_autoptr(CupelDbiConnection) self = g_object_new (CUPEL_TYPE_DBI_CONNECTION, NULL);

  self->link.backend = backend;
  self->link.dialect = g_object_ref (dialect);
  if (!cupel_dbi_settings_init (&self->link.settings, backend, url, endpoint, error) ||
      !cupel_dbi_settings_check_files (&self->link.settings, url, error))
    return NULL;
  if (!run (self, cupel_dbi_job_open, NULL, deadline, cancellable, error))
    {
      cupel_dbi_connection_terminate (CUPEL_DRIVER_CONNECTION (self));
      return NULL;
    }
  g_atomic_int_set (&self->opened, TRUE);
  return CUPEL_DRIVER_CONNECTION (g_steal_pointer (&self));
}
