/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-pool-private.h"
#include "engine/cupel-schema-sync-private.h"
#include "engine/cupel-stream-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-log-private.h"

G_DEFINE_FINAL_TYPE (CupelConnection, cupel_connection, G_TYPE_OBJECT)

static CupelReleaseFlags
release_flags (CupelConnection *self)
{
  CupelReleaseFlags flags = CUPEL_RELEASE_NONE;

  if (self->invalidated)
    flags |= CUPEL_RELEASE_BROKEN;
  if (self->cursors_used)
    flags |= CUPEL_RELEASE_FORCE_RESET;
  if (self->applied_isolation != CUPEL_ISOLATION_DEFAULT)
    flags |= CUPEL_RELEASE_RESTORE_ISOLATION;

  return flags;
}

static void
cupel_connection_dispose (GObject *object)
{
  CupelConnection *self = CUPEL_CONNECTION (object);

  if (self->driver != NULL)
    {
      cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "A connection was dropped without being closed%s",
                 self->begun ? "; its transaction is rolled back" : "");
      if (self->orphans != NULL && self->orphans->len > 0)
        self->cursors_used = TRUE;
      g_clear_pointer (&self->orphans, g_ptr_array_unref);
      cupel_pool_release_full (self->pool, g_steal_pointer (&self->driver),
                               release_flags (self) | CUPEL_RELEASE_DETACHED);
      cupel_engine_emit (self->engine, CUPEL_ENGINE_CHECKIN);
    }
  g_clear_pointer (&self->orphans, g_ptr_array_unref);

  G_OBJECT_CLASS (cupel_connection_parent_class)->dispose (object);
}

static void
cupel_connection_finalize (GObject *object)
{
  CupelConnection *self = CUPEL_CONNECTION (object);

  g_clear_pointer (&self->streams, g_ptr_array_unref);
  g_clear_object (&self->pool);
  g_clear_object (&self->engine);

  G_OBJECT_CLASS (cupel_connection_parent_class)->finalize (object);
}

static void
cupel_connection_class_init (CupelConnectionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = cupel_connection_dispose;
  object_class->finalize = cupel_connection_finalize;
}

static void
cupel_connection_init (CupelConnection *self)
{
}

CupelConnection *
cupel_connection_new (CupelEngine           *engine,
                      CupelPool             *pool,
                      CupelDriverConnection *driver_connection,
                      CupelIsolationLevel    isolation)
{
  CupelConnection *self = g_object_new (CUPEL_TYPE_CONNECTION, NULL);

  self->engine = g_object_ref (engine);
  self->pool = g_object_ref (pool);
  self->driver = driver_connection;
  self->isolation = isolation;

  return self;
}

/* state */

gboolean
cupel_connection_enter (CupelConnection  *self,
                        const char       *operation,
                        gboolean          clean_up,
                        GError          **error)
{
  if (G_UNLIKELY (!cupel_engine_is_owner (self->engine)))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT,
                   "%s() was called on a thread that does not own the connection: a connection belongs to the thread of its engine. "
                   "Make an engine per thread", operation);
      return FALSE;
    }
  if (G_UNLIKELY (self->operation != NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
                   "%s() was called while %s() is in progress on the same connection: await that first, or use another connection",
                   operation, self->operation);
      return FALSE;
    }
  if (G_UNLIKELY (self->driver == NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "%s() was called on a connection that is closed", operation);
      return FALSE;
    }
  if (G_UNLIKELY (!clean_up && (self->invalidated || self->aborted)))
    {
      const char *what = self->lost ? "the connection to the server is lost"
                         : self->invalidated ? "an operation on this connection was interrupted"
                                             : "the server ended the transaction after an error";

      if (self->begun)
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK, "%s() cannot be done: %s. Roll back%s",
                     operation, what, self->invalidated ? ", then close the connection and take another" : " first");
      else
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
                     "%s() cannot be done: %s. Close the connection and take another", operation, what);
      return FALSE;
    }

  self->operation = operation;
  return TRUE;
}

void
cupel_connection_leave (CupelConnection *self)
{
  self->operation = NULL;
}

void
cupel_connection_note_failure (CupelConnection *self,
                               const GError    *error)
{
  CupelTransactionStatus status = cupel_driver_connection_get_status (self->driver);
  gboolean lost = cupel_error_is_disconnect (error) || !cupel_driver_connection_is_alive (self->driver);

  if (status == CUPEL_TRANSACTION_UNKNOWN || lost)
    {
      self->invalidated = TRUE;
      self->lost |= lost;
    }
}

void
cupel_connection_note_begin (CupelConnection *self,
                             gboolean         implicit)
{
  if (self->begun)
    return;

  self->begun = TRUE;
  self->aborted = FALSE;
  if (cupel_engine_get_echo (self->engine))
    cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, implicit ? "BEGIN (implicit)" : "BEGIN");
  cupel_engine_emit (self->engine, CUPEL_ENGINE_BEGIN);
}

static void
note_end (CupelConnection   *self,
          CupelEngineSignal  signal)
{
  self->begun = FALSE;
  self->aborted = FALSE;
  if (cupel_engine_get_echo (self->engine))
    cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, signal == CUPEL_ENGINE_COMMIT ? "COMMIT" : "ROLLBACK");
  cupel_engine_emit (self->engine, signal);
}

void
cupel_connection_add_stream (CupelConnection *self,
                             CupelStream     *stream)
{
  if (self->streams == NULL)
    self->streams = g_ptr_array_new ();
  g_ptr_array_add (self->streams, stream);
}

void
cupel_connection_remove_stream (CupelConnection *self,
                                CupelStream     *stream)
{
  if (self->streams != NULL)
    g_ptr_array_remove_fast (self->streams, stream);
}

void
cupel_connection_adopt_cursor (CupelConnection   *self,
                               CupelDriverCursor *cursor)
{
  if (self->driver == NULL)
    {
      g_object_unref (cursor);
      return;
    }
  if (self->orphans == NULL)
    self->orphans = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->orphans, cursor);
}

gboolean
cupel_connection_close_orphans (CupelConnection  *self,
                                GError          **error)
{
  while (self->orphans != NULL && self->orphans->len > 0)
    {
      g_autoptr(CupelDriverCursor) cursor = g_ptr_array_steal_index_fast (self->orphans, self->orphans->len - 1);
      GError *local = NULL;

      if (self->invalidated)
        continue;
      if (!cupel_driver_cursor_close (cursor, g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME, &local))
        {
          cupel_connection_note_failure (self, local);
          g_propagate_error (error, local);
          return FALSE;
        }
    }

  return TRUE;
}

/* Before the transaction ends. Errors are of no interest: what comes next finds the state. */
static void
end_streams (CupelConnection *self)
{
  gint64 deadline = g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME;

  while (self->streams != NULL && self->streams->len > 0)
    {
      g_autoptr(CupelStream) stream = g_object_ref (self->streams->pdata[self->streams->len - 1]);
      g_autoptr(GError) error = NULL;

      if (!cupel_stream_end (stream, !self->invalidated, deadline, &error))
        {
          cupel_connection_note_failure (self, error);
          self->cursors_used = TRUE;
        }
    }
  cupel_connection_close_orphans (self, NULL);
}

/* What the server has to do to be rid of the transaction. */
static gboolean
do_rollback (CupelConnection  *self,
             GError          **error)
{
  gboolean success = TRUE;

  end_streams (self);
  if (!self->invalidated && cupel_driver_connection_get_status (self->driver) != CUPEL_TRANSACTION_IDLE)
    {
      GError *local = NULL;

      success = cupel_driver_connection_rollback (self->driver, g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME, &local);
      if (!success)
        {
          /* Whatever it was: nobody knows where the server stands. */
          cupel_connection_note_failure (self, local);
          self->invalidated = TRUE;
          g_propagate_error (error, local);
        }
    }
  if (self->begun)
    note_end (self, CUPEL_ENGINE_ROLLBACK);

  return success;
}

static gboolean
do_commit (CupelConnection  *self,
           GCancellable     *cancellable,
           GError          **error)
{
  g_autoptr(GError) local = NULL;
  CupelTransactionStatus status;

  if (self->streams != NULL && self->streams->len > 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                   "The transaction cannot be committed while %u of its streams %s open: read %s to the end or close %s first",
                   self->streams->len, self->streams->len == 1 ? "is" : "are",
                   self->streams->len == 1 ? "it" : "them", self->streams->len == 1 ? "it" : "them");
      return FALSE;
    }
  if (!cupel_connection_close_orphans (self, error))
    return FALSE;
  if (!self->begun)
    return TRUE;

  status = cupel_driver_connection_get_status (self->driver);
  if (status == CUPEL_TRANSACTION_FAILED)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
                           "The transaction cannot be committed: a statement in it failed. Roll back");
      return FALSE;
    }
  if (status == CUPEL_TRANSACTION_IDLE)
    {
      /* The server never heard of it, or ended it with a statement that commits by itself. */
      note_end (self, CUPEL_ENGINE_COMMIT);
      return TRUE;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (!cupel_driver_connection_is_alive (self->driver))
    {
      self->invalidated = self->lost = TRUE;
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
                           "The connection to the server was lost before COMMIT was sent: nothing was committed");
      return FALSE;
    }

  if (cupel_driver_connection_commit (self->driver, cancellable, &local))
    {
      note_end (self, CUPEL_ENGINE_COMMIT);
      return TRUE;
    }

  cupel_connection_note_failure (self, local);
  if (self->invalidated && !g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN,
                   "COMMIT was sent but its answer never came (%s): the transaction may have been committed or not", local->message);
      return FALSE;
    }
  if (!self->invalidated && cupel_driver_connection_get_status (self->driver) == CUPEL_TRANSACTION_IDLE)
    self->aborted = TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* properties */

/**
 * cupel_connection_get_engine:
 * @self: a connection
 *
 * Gets the engine that lent the connection.
 *
 * Returns: (transfer none): the engine
 *
 * Since: 1.0
 */
CupelEngine *
cupel_connection_get_engine (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return self->engine;
}

/**
 * cupel_connection_in_transaction:
 * @self: a connection
 *
 * Tells whether a transaction is open: begun by the first statement or by cupel_connection_begin(), and neither committed nor rolled back.
 *
 * Returns: %TRUE if one is
 *
 * Since: 1.0
 */
gboolean
cupel_connection_in_transaction (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return self->begun;
}

/**
 * cupel_connection_is_closed:
 * @self: a connection
 *
 * Tells whether the connection was given back.
 *
 * Returns: %TRUE after cupel_connection_close()
 *
 * Since: 1.0
 */
gboolean
cupel_connection_is_closed (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), TRUE);

  return self->driver == NULL;
}

/**
 * cupel_connection_is_invalidated:
 * @self: a connection
 *
 * Tells whether the link is lost, or an operation was interrupted so that nobody knows where the server stands. Nothing is left
 * but to roll back and to close; the pool makes a new connection for the next borrower.
 *
 * Returns: %TRUE if the connection is of no more use
 *
 * Since: 1.0
 */
gboolean
cupel_connection_is_invalidated (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return self->invalidated;
}

/* begin */

static gpointer
begin_body (gpointer       self_,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelConnection *self = self_;
  gboolean success = FALSE;

  if (!cupel_connection_enter (self, "cupel_connection_begin", FALSE, error))
    return GINT_TO_POINTER (FALSE);

  if (self->begun)
    g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                         "A transaction is already open on this connection (the first statement begins one): commit or roll back first");
  else if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      /* BEGIN travels with the first statement: it costs no round trip. */
      cupel_connection_note_begin (self, FALSE);
      success = TRUE;
    }

  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall begin_call = { "cupel_connection_begin", begin_body, NULL };

/**
 * cupel_connection_begin_async:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Begins a transaction. See cupel_connection_begin().
 *
 * Since: 1.0
 */
void
cupel_connection_begin_async (CupelConnection     *self,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&begin_call, self, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_connection_begin_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_begin_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_begin_finish (CupelConnection  *self,
                               GAsyncResult     *result,
                               GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&begin_call, self, result, error));
}

/**
 * cupel_connection_begin:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Begins a transaction. There is seldom a need for it: the first statement begins one by itself. The server hears of it together
 * with the first statement.
 *
 * Fails with %CUPEL_ERROR_INVALID_ARGUMENT when a transaction is open already.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_begin (CupelConnection  *self,
                        GCancellable     *cancellable,
                        GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&begin_call, self, NULL, cancellable, error));
}

/* commit */

static gpointer
commit_body (gpointer       self_,
             gpointer       args,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelConnection *self = self_;
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_commit", FALSE, error))
    return GINT_TO_POINTER (FALSE);

  success = do_commit (self, cancellable, error);
  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall commit_call = { "cupel_connection_commit", commit_body, NULL };

/**
 * cupel_connection_commit_async:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Commits the transaction. See cupel_connection_commit().
 *
 * Since: 1.0
 */
void
cupel_connection_commit_async (CupelConnection     *self,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&commit_call, self, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_connection_commit_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_commit_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_commit_finish (CupelConnection  *self,
                                GAsyncResult     *result,
                                GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&commit_call, self, result, error));
}

/**
 * cupel_connection_commit:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Commits the transaction. Without one it does nothing.
 *
 * Fails with %CUPEL_ERROR_PROGRAMMING while a stream is open, with %CUPEL_ERROR_PENDING_ROLLBACK after a statement made the server give the
 * transaction up, and with %CUPEL_ERROR_OUTCOME_UNKNOWN when COMMIT was sent and its answer never came: then the transaction may
 * have been committed or not. Cancelling a commit under way ends in the same way.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_commit (CupelConnection  *self,
                         GCancellable     *cancellable,
                         GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&commit_call, self, NULL, cancellable, error));
}

/* rollback */

static gpointer
rollback_body (gpointer       self_,
               gpointer       args,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelConnection *self = self_;
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_rollback", TRUE, error))
    return GINT_TO_POINTER (FALSE);

  success = do_rollback (self, error);
  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall rollback_call = { "cupel_connection_rollback", rollback_body, NULL };

/**
 * cupel_connection_rollback_async:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Rolls the transaction back. See cupel_connection_rollback().
 *
 * Since: 1.0
 */
void
cupel_connection_rollback_async (CupelConnection     *self,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&rollback_call, self, NULL, NULL, NULL, callback, user_data);
}

/**
 * cupel_connection_rollback_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_rollback_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_rollback_finish (CupelConnection  *self,
                                  GAsyncResult     *result,
                                  GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&rollback_call, self, result, error));
}

/**
 * cupel_connection_rollback:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @error: return location for an error
 *
 * Ends all streams and rolls the transaction back. Without one it does nothing. It is clean-up: it cannot be cancelled and
 * has a time limit of its own (10 seconds). On a connection whose link is lost it succeeds: the server rolls back by itself.
 *
 * Returns: %TRUE, or %FALSE with @error set; the transaction is over in either case
 *
 * Since: 1.0
 */
gboolean
cupel_connection_rollback (CupelConnection  *self,
                           GCancellable     *cancellable,
                           GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&rollback_call, self, NULL, NULL, error));
}

/* isolation level */

static gpointer
set_isolation_level_body (gpointer       self_,
                          gpointer       args,
                          GCancellable  *cancellable,
                          GError       **error)
{
  CupelConnection *self = self_;
  CupelIsolationLevel level = GPOINTER_TO_INT (args);
  gboolean success = FALSE;

  if (!cupel_connection_enter (self, "cupel_connection_set_isolation_level", FALSE, error))
    return GINT_TO_POINTER (FALSE);

  if (self->begun)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "The isolation level cannot be changed while a transaction is open: commit or roll back first");
    }
  else if (self->streams != NULL && self->streams->len > 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                           "The isolation level cannot be changed while a stream is open: close it first");
    }
  else if (level == self->applied_isolation)
    {
      self->isolation = level;
      success = TRUE;
    }
  else if (cupel_connection_close_orphans (self, error))
    {
      GError *local = NULL;

      /* Told at once, so that a level that the server does not have is refused here. */
      success = cupel_driver_connection_set_isolation (self->driver, level, cancellable, &local);
      if (success)
        {
          self->isolation = self->applied_isolation = level;
        }
      else
        {
          cupel_connection_note_failure (self, local);
          g_propagate_error (error, local);
        }
    }

  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall set_isolation_level_call = {
  "cupel_connection_set_isolation_level", set_isolation_level_body, NULL
};

/**
 * cupel_connection_set_isolation_level_async:
 * @self: a connection
 * @level: the level
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Sets the isolation level. See cupel_connection_set_isolation_level().
 *
 * Since: 1.0
 */
void
cupel_connection_set_isolation_level_async (CupelConnection     *self,
                                            CupelIsolationLevel  level,
                                            GCancellable        *cancellable,
                                            GAsyncReadyCallback  callback,
                                            gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&set_isolation_level_call, self, GINT_TO_POINTER (level), NULL, cancellable, callback, user_data);
}

/**
 * cupel_connection_set_isolation_level_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_set_isolation_level_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_set_isolation_level_finish (CupelConnection  *self,
                                             GAsyncResult     *result,
                                             GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&set_isolation_level_call, self, result, error));
}

/**
 * cupel_connection_set_isolation_level:
 * @self: a connection
 * @level: the level
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Sets the isolation level of the transactions of this connection, until it goes back to the pool.
 * With %CUPEL_ISOLATION_AUTOCOMMIT each statement stands on its own.
 *
 * Fails with %CUPEL_ERROR_INVALID_ARGUMENT when a transaction is open, and with %CUPEL_ERROR_UNSUPPORTED when the server does not
 * have such a level.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_set_isolation_level (CupelConnection      *self,
                                      CupelIsolationLevel   level,
                                      GCancellable         *cancellable,
                                      GError              **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&set_isolation_level_call, self, GINT_TO_POINTER (level), cancellable, error));
}

/* close */

static gpointer
close_body (gpointer       self_,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelConnection *self = self_;
  CupelDriverConnection *driver;

  if (self->driver == NULL && self->operation == NULL)
    return GINT_TO_POINTER (TRUE);
  if (!cupel_connection_enter (self, "cupel_connection_close", TRUE, error))
    return GINT_TO_POINTER (FALSE);

  end_streams (self);
  if (self->begun)
    note_end (self, CUPEL_ENGINE_ROLLBACK);

  /* The pool's reset rolls back; what was interrupted is ended there. */
  driver = g_steal_pointer (&self->driver);
  cupel_pool_release_full (self->pool, driver, release_flags (self));

  cupel_connection_leave (self);
  cupel_engine_emit (self->engine, CUPEL_ENGINE_CHECKIN);
  return GINT_TO_POINTER (TRUE);
}

static const CupelCall close_call = { "cupel_connection_close", close_body, NULL };

/**
 * cupel_connection_close_async:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Gives the connection back. See cupel_connection_close().
 *
 * Since: 1.0
 */
void
cupel_connection_close_async (CupelConnection     *self,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&close_call, self, NULL, NULL, NULL, callback, user_data);
}

/**
 * cupel_connection_close_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_close_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_close_finish (CupelConnection  *self,
                               GAsyncResult     *result,
                               GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&close_call, self, result, error));
}

/**
 * cupel_connection_close:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @error: return location for an error
 *
 * Rolls back what is open and gives the connection back to the pool. Calling it again does nothing.
 *
 * It fails only when an operation is in progress (%CUPEL_ERROR_BUSY) or on the wrong thread (%CUPEL_ERROR_WRONG_CONTEXT). A connection
 * that is dropped without being closed is given back all the same.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_close (CupelConnection  *self,
                        GCancellable     *cancellable,
                        GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  /* Nothing to await: fine anywhere. */
  if (self->driver == NULL && self->operation == NULL)
    return TRUE;

  return GPOINTER_TO_INT (cupel_call_sync (&close_call, self, NULL, NULL, error));
}
