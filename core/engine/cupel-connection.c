/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-pool-private.h"
#include "engine/cupel-schema-sync-private.h"
#include "engine/cupel-stream-private.h"
#include "engine/cupel-time-limit-private.h"
#include "engine/cupel-transaction-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-error-details.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-object-private.h"

G_DEFINE_FINAL_TYPE (CupelConnection, cupel_connection, G_TYPE_OBJECT)

static CupelReleaseFlags
release_flags (CupelConnection *self)
{
  const int isolation = cupel_driver_connection_get_private (self->driver)->isolation;
  CupelReleaseFlags flags = CUPEL_RELEASE_NONE;

  if (self->invalidated)
    flags |= CUPEL_RELEASE_BROKEN;
  if (self->cursors_used)
    flags |= CUPEL_RELEASE_FORCE_RESET;
  if (isolation != CUPEL_ISOLATION_DEFAULT && isolation != (int) self->usual_isolation)
    flags |= CUPEL_RELEASE_RESTORE_ISOLATION;
  if (self->answered && !self->failed)
    flags |= CUPEL_RELEASE_ANSWERED;
  if (self->aborted)
    flags |= CUPEL_RELEASE_ROLL_BACK;

  return flags;
}

static void
cupel_connection_dispose (GObject *object)
{
  CupelConnection *self = CUPEL_CONNECTION (object);
  CupelReleaseFlags flags;

  /* On another thread than that of the pool: it comes back there. */
  if (self->driver != NULL && !cupel_engine_is_owner (self->engine) && cupel_engine_hand_over (self->engine, object))
    return;

  /* In a child process: a cursor would ask the server of the parent to close it. */
  if (self->driver != NULL && cupel_driver_connection_ask_inherited (self->driver))
    self->orphans = NULL;
  cupel_connection_end_handles (self, CUPEL_END_CLOSED);
  if (self->driver != NULL)
    {
      cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "A connection was dropped without being closed%s",
                 self->begun ? "; its transaction is rolled back" : "");
      if (self->orphans != NULL && self->orphans->len > 0)
        self->cursors_used = TRUE;
      g_clear_pointer (&self->orphans, g_ptr_array_unref);
      cupel_connection_forget_options (self);
      flags = release_flags (self) | CUPEL_RELEASE_DETACHED;
      cupel_pool_release_full (self->pool, g_steal_pointer (&self->driver), flags, self->usual_isolation);
      cupel_engine_emit (self->engine, CUPEL_ENGINE_CHECKIN);
    }
  g_clear_pointer (&self->orphans, g_ptr_array_unref);

  cupel_object_dispose (object);
}

static void
cupel_connection_finalize (GObject *object)
{
  CupelConnection *self = CUPEL_CONNECTION (object);

  g_clear_pointer (&self->streams, g_ptr_array_unref);
  g_clear_pointer (&self->nested, g_ptr_array_unref);
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
  self->isolation = self->usual_isolation = isolation;
  self->statement_timeout = cupel_engine_get_statement_timeout_us (engine);

  return self;
}

/* state */

static void
set_error_busy (CupelConnection  *self,
                const char       *operation,
                GError          **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
               "%s() was called while %s() is in progress on the same connection: await that first, or use another connection",
               operation, self->operation);
}

const char **
cupel_connection_claim (gpointer      self_,
                        gpointer      args,
                        const char   *operation,
                        GObject     **owner,
                        GError      **error)
{
  CupelConnection *self = self_;

  if (G_UNLIKELY (!cupel_engine_is_owner (self->engine)))
    return NULL;
  if (G_UNLIKELY (self->operation != NULL))
    {
      set_error_busy (self, operation, error);
      return NULL;
    }
  if (G_UNLIKELY (self->driver == NULL))
    return NULL;

  self->operation = operation;
  *owner = G_OBJECT (g_object_ref (self));
  return &self->operation;
}

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
      set_error_busy (self, operation, error);
      return FALSE;
    }
  if (G_UNLIKELY (self->driver == NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "%s() was called on a connection that is closed", operation);
      return FALSE;
    }
  if (G_UNLIKELY (cupel_driver_connection_ask_inherited (self->driver)))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
                   "%s() was called on a connection of the parent process: drop it, and take a new one from the engine", operation);
      return FALSE;
    }
  if (G_UNLIKELY (!clean_up && (self->invalidated || self->aborted)))
    {
      const char *what = self->lost ? "the connection to the server is lost"
                         : self->invalidated ? "an operation on this connection was interrupted"
                                             : self->abort_reason;
      CupelErrorDetails details = {
        .category = self->lost ? CUPEL_ERROR_CATEGORY_LOST : self->abort_category,
        .retryable = !self->invalidated && self->abort_category == CUPEL_ERROR_CATEGORY_RETRY,
      };

      if (self->begun)
        cupel_set_error_with_details (error, CUPEL_ERROR_PENDING_ROLLBACK, &details, "%s() cannot be done: %s. Roll back%s",
                                      operation, what,
                                      self->invalidated ? ", then close the connection and take another" : " first");
      else
        cupel_set_error_with_details (error, CUPEL_ERROR_DISCONNECTED, &details,
                                      "%s() cannot be done: %s. Close the connection and take another", operation, what);
      return FALSE;
    }
  if (G_UNLIKELY (!clean_up && self->scope != NULL && self->scope->transaction->end != CUPEL_END_NONE))
    {
      CupelTransactionEnd end = self->scope->transaction->end;

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
                   "%s() cannot be done: the transaction of the block in which it was called is over (it was %s). Leave the block first",
                   operation, end == CUPEL_END_COMMITTED ? "committed"
                              : end == CUPEL_END_ROLLED_BACK ? "rolled back"
                                                             : "ended together with the one around it");
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

/**
 * cupel_connection_get_statement_timeout:
 * @self: a connection
 *
 * Gets how long one call to the server may take.
 *
 * Returns: seconds; 0 when there is no limit
 *
 * Since: 1.0
 */
double
cupel_connection_get_statement_timeout (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), 0.0);

  return (double) self->statement_timeout / G_USEC_PER_SEC;
}

/**
 * cupel_connection_set_statement_timeout:
 * @self: a connection
 * @seconds: the limit, 0 for none
 *
 * Sets how long one call to the server may take: a statement, all statements of a flush, a block of a stream, BEGIN, SAVEPOINT, COMMIT. After
 * that it is cancelled, on the server too, and fails with %CUPEL_ERROR_TIMEOUT, or %CUPEL_ERROR_OUTCOME_UNKNOWN if it was a COMMIT. Clean-up
 * has limits of its own. It holds until the connection goes back; at first it is [property@Cupel.Engine:statement-timeout].
 *
 * Since: 1.0
 */
void
cupel_connection_set_statement_timeout (CupelConnection *self,
                                        double           seconds)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (seconds >= 0.0 && seconds <= 1e9);

  self->statement_timeout = (gint64) (seconds * G_USEC_PER_SEC);
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
  else if ((int) level == cupel_driver_connection_get_private (self->driver)->isolation)
    {
      self->isolation = level;
      success = TRUE;
    }
  else if (cupel_connection_close_orphans (self, error))
    {
      CupelTimeLimit limit = { 0 };
      GError *local = NULL;

      if (self->statement_timeout > 0)
        cancellable = cupel_time_limit_start (&limit, self->statement_timeout, cancellable);
      /* Told at once, so that a level that the server does not have is refused here. */
      success = cupel_driver_connection_set_isolation (self->driver, level, cancellable, &local);
      if (success)
        {
          self->isolation = level;
        }
      else
        {
          cupel_time_limit_finish (&limit, "Setting the isolation level", "statement-timeout", &local);
          cupel_connection_note_failure (self, local);
          g_propagate_error (error, local);
        }
      cupel_time_limit_end (&limit);
    }

  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall set_isolation_level_call = {
  "cupel_connection_set_isolation_level", set_isolation_level_body, .claim = cupel_connection_claim
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
  CupelReleaseFlags flags;
  gboolean committed;

  if (self->driver == NULL && self->operation == NULL)
    return GINT_TO_POINTER (TRUE);
  if (!cupel_connection_enter (self, "cupel_connection_close", TRUE, error))
    return GINT_TO_POINTER (FALSE);

  cupel_connection_end_streams (self);
  cupel_connection_forget_options (self);

  /* The pool's reset rolls back, or commits; what was interrupted is ended there. */
  flags = release_flags (self);
  committed = cupel_pool_release_full (self->pool, g_steal_pointer (&self->driver), flags, self->usual_isolation);
  if (self->begun)
    cupel_connection_note_end (self, committed ? CUPEL_ENGINE_COMMIT : CUPEL_ENGINE_ROLLBACK);
  cupel_connection_end_handles (self, CUPEL_END_CLOSED);

  cupel_connection_leave (self);
  cupel_engine_emit (self->engine, CUPEL_ENGINE_CHECKIN);
  return GINT_TO_POINTER (TRUE);
}

static const CupelCall close_call = { "cupel_connection_close", close_body, .claim = cupel_connection_claim };

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
