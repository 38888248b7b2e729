/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-cursor.h"
#include "cupel-sqlite-here.h"

G_DEFINE_FINAL_TYPE (CupelSqliteConnection, cupel_sqlite_connection, CUPEL_TYPE_THREADED_CONNECTION)

static void
fill_reply (CupelSqliteConnection *self,
            CupelSqliteJob        *job,
            CupelReply            *reply)
{
  *reply = job->reply;
  memset (&job->reply, 0, sizeof job->reply);
  if (job->rows != NULL)
    reply->cursor = cupel_sqlite_cursor_new (self, g_steal_pointer (&job->rows));
}

static gboolean
cupel_sqlite_connection_execute (CupelDriverConnection  *base,
                                 const CupelRequest     *request,
                                 CupelReply             *reply,
                                 GCancellable           *cancellable,
                                 GError                **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);
  CupelSqliteJob *job;
  gboolean abandoned = FALSE;
  gboolean ok;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (cupel_sqlite_here_execute (self, request, reply, &ok, error))
    return ok;
  if ((job = cupel_sqlite_job_new (request, error)) == NULL)
    return FALSE;
  ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_sqlite_job_execute, job,
                                      (GDestroyNotify) cupel_sqlite_job_free, &abandoned, CUPEL_NO_DEADLINE, cancellable, error);
  if (ok)
    fill_reply (self, job, reply);
  if (!abandoned)
    cupel_sqlite_job_free (job);
  return ok;
}

static gboolean
cupel_sqlite_connection_pipeline (CupelDriverConnection  *base,
                                  const CupelRequest     *requests,
                                  CupelReply             *replies,
                                  guint                   n_requests,
                                  GCancellable           *cancellable,
                                  GError                **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);
  CupelSqlitePipeline *pipeline = cupel_sqlite_pipeline_new (requests, n_requests, error);
  gboolean abandoned = FALSE;
  gboolean ok;

  if (pipeline == NULL)
    return FALSE;
  ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_sqlite_job_pipeline, pipeline,
                                      (GDestroyNotify) cupel_sqlite_pipeline_free, &abandoned, CUPEL_NO_DEADLINE, cancellable,
                                      error);
  if (!abandoned)
    {
      for (guint i = 0; i < pipeline->n_done; i++)
        fill_reply (self, pipeline->jobs[i], &replies[i]);
      cupel_sqlite_pipeline_free (pipeline);
    }
  return ok;
}

/* No hop: which BEGIN it is to be is known when the first statement comes, and nothing is locked before. */
static gboolean
cupel_sqlite_connection_begin (CupelDriverConnection  *base,
                               GCancellable           *cancellable,
                               GError                **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (g_atomic_int_get (&self->autocommit))
    return TRUE;
  if (g_atomic_int_get (&self->status) == CUPEL_TRANSACTION_ACTIVE)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "A transaction is already open on this connection");
      return FALSE;
    }
  g_atomic_int_set (&self->begin_pending, TRUE);
  g_atomic_int_set (&self->status, CUPEL_TRANSACTION_ACTIVE);
  return TRUE;
}

static gboolean
cupel_sqlite_connection_commit (CupelDriverConnection  *base,
                                GCancellable           *cancellable,
                                GError                **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);
  gboolean abandoned = FALSE;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (g_atomic_int_compare_and_exchange (&self->begin_pending, TRUE, FALSE))
    {
      g_atomic_int_set (&self->status, CUPEL_TRANSACTION_IDLE);
      return TRUE;
    }
  if (cupel_sqlite_here_end (self, cupel_sqlite_job_commit))
    return TRUE;
  if (cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_sqlite_job_commit, NULL, NULL, &abandoned,
                                     CUPEL_NO_DEADLINE, cancellable, error))
    return TRUE;
  if (abandoned)
    {
      g_clear_error (error);
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN,
                   "COMMIT was started and could not be stopped: whether it took effect is not known");
    }
  return FALSE;
}

static gboolean
run_clean_up (CupelSqliteConnection  *self,
              CupelJobFunc            func,
              gint64                  deadline,
              GError                **error)
{
  return cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), func, NULL, NULL, NULL, deadline, NULL, error);
}

static gboolean
cupel_sqlite_connection_rollback (CupelDriverConnection  *base,
                                  gint64                  deadline,
                                  GError                **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);

  if (g_atomic_int_compare_and_exchange (&self->begin_pending, TRUE, FALSE))
    {
      g_atomic_int_set (&self->status, CUPEL_TRANSACTION_IDLE);
      return TRUE;
    }
  return cupel_sqlite_here_end (self, cupel_sqlite_job_rollback) ||
         run_clean_up (self, cupel_sqlite_job_rollback, deadline, error);
}

static gboolean
cupel_sqlite_connection_set_isolation (CupelDriverConnection  *base,
                                       CupelIsolationLevel     level,
                                       GCancellable           *cancellable,
                                       GError                **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);

  switch (level)
    {
    case CUPEL_ISOLATION_DEFAULT:
    case CUPEL_ISOLATION_SERIALIZABLE:
    case CUPEL_ISOLATION_AUTOCOMMIT:
    case CUPEL_ISOLATION_READ_UNCOMMITTED:
      break;
    case CUPEL_ISOLATION_READ_COMMITTED:
    case CUPEL_ISOLATION_REPEATABLE_READ:
    default:
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                   "SQLite has no isolation level %s: it has SERIALIZABLE, READ UNCOMMITTED and AUTOCOMMIT",
                   level == CUPEL_ISOLATION_READ_COMMITTED ? "READ COMMITTED" : "REPEATABLE READ");
      return FALSE;
    }

  if (g_atomic_int_get (&self->status) == CUPEL_TRANSACTION_ACTIVE)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                   "The isolation level cannot change while a transaction is open; commit or roll back first");
      return FALSE;
    }
  /* Without a change there is nothing to ask the worker for. */
  if (g_atomic_int_get (&self->read_uncommitted) != (level == CUPEL_ISOLATION_READ_UNCOMMITTED) &&
      !cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_sqlite_job_set_isolation,
                                      GINT_TO_POINTER (level), NULL, NULL, CUPEL_NO_DEADLINE, cancellable, error))
    return FALSE;
  g_atomic_int_set (&self->autocommit, level == CUPEL_ISOLATION_AUTOCOMMIT);
  return TRUE;
}

static gboolean
cupel_sqlite_connection_set_transaction (CupelDriverConnection          *base,
                                         const CupelTransactionOptions  *options,
                                         GError                        **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);

  if (options != NULL &&
      (options->isolation == CUPEL_ISOLATION_READ_COMMITTED || options->isolation == CUPEL_ISOLATION_REPEATABLE_READ))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                   "SQLite has no isolation level %s: it has SERIALIZABLE and READ UNCOMMITTED",
                   options->isolation == CUPEL_ISOLATION_READ_COMMITTED ? "READ COMMITTED" : "REPEATABLE READ");
      return FALSE;
    }
  /* Readers never lose a race here: deferrable is what they are. */
  g_atomic_int_set (&self->next_read_only, options != NULL && options->read_only);
  g_atomic_int_set (&self->next_uncommitted, options != NULL && options->isolation == CUPEL_ISOLATION_READ_UNCOMMITTED);
  return TRUE;
}

static gboolean
cupel_sqlite_connection_reset (CupelDriverConnection  *base,
                               gint64                  deadline,
                               GError                **error)
{
  return cupel_sqlite_here_end (CUPEL_SQLITE_CONNECTION (base), cupel_sqlite_job_reset) ||
         run_clean_up (CUPEL_SQLITE_CONNECTION (base), cupel_sqlite_job_reset, deadline, error);
}

/* There is no link that could be dead. */
static gboolean
cupel_sqlite_connection_ping (CupelDriverConnection  *base,
                              gint64                  deadline,
                              GError                **error)
{
  if (cupel_driver_connection_is_alive (base))
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED, "The connection to the SQLite database is closed or had an I/O error");
  return FALSE;
}

static gboolean
cupel_sqlite_connection_needs_reset (CupelDriverConnection *base)
{
  return g_atomic_int_get (&CUPEL_SQLITE_CONNECTION (base)->dirty);
}

static void
cupel_sqlite_connection_mark_dirty (CupelDriverConnection *base)
{
  g_atomic_int_set (&CUPEL_SQLITE_CONNECTION (base)->dirty, TRUE);
}

static CupelTransactionStatus
cupel_sqlite_connection_get_status (CupelDriverConnection *base)
{
  /* Asked several times for each statement: the class has called its own function, there is nothing to check. */
  CupelSqliteConnection *self = (CupelSqliteConnection *) base;
  CupelTransactionStatus status = g_atomic_int_get (&self->status);

  if (cupel_threaded_connection_is_given_up (&self->parent_instance))
    return CUPEL_TRANSACTION_UNKNOWN;
  if (status != CUPEL_TRANSACTION_IDLE)
    return status;

  /* A stream that was dropped without being closed holds a lock until the next job: a reset is due. */
  return g_atomic_pointer_get (&self->dropped) != NULL ? CUPEL_TRANSACTION_ACTIVE : CUPEL_TRANSACTION_IDLE;
}

static gboolean
cupel_sqlite_connection_is_alive (CupelDriverConnection *base)
{
  CupelSqliteConnection *self = (CupelSqliteConnection *) base;

  return !g_atomic_int_get (&self->broken) && g_atomic_int_get (&self->status) != CUPEL_TRANSACTION_UNKNOWN &&
         !cupel_threaded_connection_is_given_up (&self->parent_instance);
}

static void
cupel_sqlite_connection_terminate (CupelDriverConnection *base)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);

  g_atomic_int_set (&self->status, CUPEL_TRANSACTION_UNKNOWN);
  cupel_threaded_connection_shut_down (CUPEL_THREADED_CONNECTION (self), cupel_sqlite_job_close, NULL, NULL);
}

static void
cupel_sqlite_connection_close (CupelDriverConnection *base,
                               gint64                 deadline)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);
  g_autoptr(GError) error = NULL;

  if (!run_clean_up (self, cupel_sqlite_job_close, deadline, &error))
    g_debug ("Closing an SQLite database: %s", error->message);
  cupel_sqlite_connection_terminate (base);
}

/* Any thread. */
static void
cupel_sqlite_connection_interrupt (CupelThreadedConnection *base)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);

  g_mutex_lock (&self->mutex);
  g_atomic_int_set (&self->interrupted, TRUE);
  g_cond_signal (&self->woken);
  g_mutex_unlock (&self->mutex);
}

void
cupel_sqlite_connection_drop_rows (CupelSqliteConnection *self,
                                   CupelSqliteRows       *rows)
{
  g_mutex_lock (&self->mutex);
  g_atomic_pointer_set (&self->dropped, g_slist_prepend (self->dropped, rows));
  g_mutex_unlock (&self->mutex);
}

gboolean
cupel_sqlite_connection_is_memory (CupelSqliteConnection *self)
{
  return self->options.path == NULL;
}

static void
cupel_sqlite_connection_finalize (GObject *object)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (object);

  /* The handle was closed by the worker's last job, or never opened. */
  g_slist_free_full (g_steal_pointer (&self->dropped), (GDestroyNotify) cupel_sqlite_rows_unref);
  cupel_sqlite_statements_clear (&self->statements);
  g_clear_pointer (&self->open_rows, g_ptr_array_unref);
  g_clear_pointer (&self->scratch, g_byte_array_unref);
  cupel_sqlite_options_clear (&self->options);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->woken);

  G_OBJECT_CLASS (cupel_sqlite_connection_parent_class)->finalize (object);
}

/* A file has no other copy. */
static gboolean
cupel_sqlite_connection_get_role (CupelDriverConnection  *connection,
                                  CupelServerRole        *role,
                                  GCancellable           *cancellable,
                                  GError                **error)
{
  *role = CUPEL_SERVER_ROLE_PRIMARY;
  return TRUE;
}

static void
cupel_sqlite_connection_class_init (CupelSqliteConnectionClass *klass)
{
  CupelDriverConnectionClass *connection_class = CUPEL_DRIVER_CONNECTION_CLASS (klass);
  CupelThreadedConnectionClass *threaded_class = CUPEL_THREADED_CONNECTION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_sqlite_connection_finalize;

  connection_class->execute = cupel_sqlite_connection_execute;
  connection_class->pipeline = cupel_sqlite_connection_pipeline;
  connection_class->begin = cupel_sqlite_connection_begin;
  connection_class->get_role = cupel_sqlite_connection_get_role;
  connection_class->commit = cupel_sqlite_connection_commit;
  connection_class->rollback = cupel_sqlite_connection_rollback;
  connection_class->set_isolation = cupel_sqlite_connection_set_isolation;
  connection_class->set_transaction = cupel_sqlite_connection_set_transaction;
  connection_class->needs_reset = cupel_sqlite_connection_needs_reset;
  connection_class->mark_dirty = cupel_sqlite_connection_mark_dirty;
  connection_class->reset = cupel_sqlite_connection_reset;
  connection_class->ping = cupel_sqlite_connection_ping;
  connection_class->get_status = cupel_sqlite_connection_get_status;
  connection_class->is_alive = cupel_sqlite_connection_is_alive;
  connection_class->close = cupel_sqlite_connection_close;
  connection_class->terminate = cupel_sqlite_connection_terminate;

  threaded_class->interrupt = cupel_sqlite_connection_interrupt;
}

static void
cupel_sqlite_connection_init (CupelSqliteConnection *self)
{
  self->status = CUPEL_TRANSACTION_IDLE;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->woken);
  self->open_rows = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_sqlite_rows_unref);
  self->scratch = g_byte_array_new ();
}

CupelDriverConnection *
cupel_sqlite_connection_open (CupelUrl      *url,
                              gint64         deadline,
                              GCancellable  *cancellable,
                              GError       **error)
{
  g_autoptr(CupelSqliteConnection) self = g_object_new (CUPEL_SQLITE_TYPE_CONNECTION, NULL);

  if (!cupel_sqlite_options_parse (&self->options, url, error))
    return NULL;
  cupel_sqlite_statements_init (&self->statements, self->options.cache_size);
  /* To give it up would be to lose the data. */
  if (self->options.path == NULL)
    cupel_threaded_connection_set_grace (CUPEL_THREADED_CONNECTION (self), 10 * 60 * G_USEC_PER_SEC);

  if (!cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self), cupel_sqlite_job_open, NULL, NULL, NULL, deadline,
                                      cancellable, error))
    {
      cupel_sqlite_connection_terminate (CUPEL_DRIVER_CONNECTION (self));
      return NULL;
    }
  return CUPEL_DRIVER_CONNECTION (g_steal_pointer (&self));
}
