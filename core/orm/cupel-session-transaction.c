/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The operations of a session that begin, write and end its transaction, each in its three forms. */

#include "orm/cupel-session-args-private.h"
#include "runtime/cupel-call-private.h"

CupelSessionArgs *
cupel_session_args_copy (const CupelSessionArgs *from)
{
  CupelSessionArgs *args = g_memdup2 (from, sizeof *from);

  if (args->statement != NULL)
    g_object_ref (args->statement);
  if (args->parameters != NULL)
    cupel_parameters_ref (args->parameters);
  if (args->key != NULL)
    cupel_value_ref (args->key);
  if (args->entity != NULL)
    g_object_ref (args->entity);
  if (args->retry != NULL)
    g_object_ref (args->retry);
  args->names = g_strdupv (args->names);
  return args;
}

void
cupel_session_args_free (gpointer data)
{
  CupelSessionArgs *args = data;

  g_clear_object (&args->statement);
  g_clear_pointer (&args->parameters, cupel_parameters_unref);
  g_clear_pointer (&args->key, cupel_value_unref);
  g_clear_object (&args->entity);
  g_clear_object (&args->retry);
  g_strfreev (args->names);
  if (args->destroy != NULL)
    args->destroy (args->func_data);
  g_free (args);
}

static gpointer
flush_body (gpointer       data,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelSession *self = data;
  gboolean ok;

  if (!cupel_session_enter (self, "cupel_session_flush", error))
    return NULL;
  ok = cupel_session_do_flush (self, cancellable, error);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static gpointer
begin_body (gpointer       data,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelSession *self = data;

  if (!cupel_session_enter (self, "cupel_session_begin", error))
    return NULL;
  cupel_session_leave (self);
  if (cupel_session_in_transaction (self))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "a transaction is in progress already in this session; commit or roll it back first");
      return NULL;
    }
  self->begun = TRUE;
  return GINT_TO_POINTER (TRUE);
}

static gpointer
commit_body (gpointer       data,
             gpointer       args,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelSession *self = data;
  gboolean ok;

  if (!cupel_session_enter (self, "cupel_session_commit", error))
    return NULL;
  ok = cupel_session_do_commit (self, cancellable, error);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static gpointer
rollback_body (gpointer       data,
               gpointer       args,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelSession *self = data;
  gboolean ok;

  if (!cupel_session_enter_cleanup (self, "cupel_session_rollback", error))
    return NULL;
  cupel_session_clear_failure (self);
  ok = cupel_session_do_rollback (self, error);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static gpointer
close_body (gpointer       data,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelSession *self = data;

  if (!cupel_session_enter_cleanup (self, "cupel_session_close", error))
    return NULL;
  cupel_session_do_close (self);
  cupel_session_leave (self);
  return GINT_TO_POINTER (TRUE);
}

static gpointer
connection_body (gpointer       data,
                 gpointer       args_data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  CupelConnection *connection = NULL;

  if (!cupel_session_enter (self, "cupel_session_connection", error))
    return NULL;
  if (args->isolation != CUPEL_ISOLATION_DEFAULT && args->isolation != self->isolation)
    {
      if (self->connection != NULL)
        g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                             "the isolation level of a transaction is chosen before its first statement");
      else
        {
          self->isolation = args->isolation;
          self->own_isolation = TRUE;
          connection = cupel_session_acquire (self, cancellable, error);
          if (connection == NULL)
            {
              self->isolation = CUPEL_ISOLATION_DEFAULT;
              self->own_isolation = FALSE;
            }
        }
    }
  else
    connection = cupel_session_acquire (self, cancellable, error);
  cupel_session_leave (self);
  return connection != NULL ? g_object_ref (connection) : NULL;
}

static gpointer
run_body (gpointer       data,
          gpointer       args_data,
          GCancellable  *cancellable,
          GError       **error)
{
  CupelSessionArgs *args = args_data;

  return GINT_TO_POINTER (args->func (data, args->func_data, cancellable, error));
}

static const CupelCall flush_call = { "cupel_session_flush", flush_body, .claim = cupel_session_claim };

/**
 * cupel_session_flush:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Writes what is pending: INSERTs with parents first, UPDATEs of changed columns, DELETEs with children first. Alike ones go in batches. When one fails,
 * the transaction is rolled back, and every further call but cupel_session_rollback() and cupel_session_close() fails with %CUPEL_ERROR_PENDING_ROLLBACK.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_session_flush_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_flush().
 *
 * Since: 1.0
 */

/**
 * cupel_session_flush_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_flush_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_session_flush, CupelSession, CUPEL_IS_SESSION, flush_call)

static const CupelCall begin_call = { "cupel_session_begin", begin_body, .claim = cupel_session_claim };

/**
 * cupel_session_begin:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Begins a transaction by hand, where it would begin with the first statement. No I/O is done yet.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set if one is in progress
 *
 * Since: 1.0
 */

/**
 * cupel_session_begin_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_begin().
 *
 * Since: 1.0
 */

/**
 * cupel_session_begin_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_begin_async().
 *
 * Returns: %TRUE, or %FALSE with @error set if one is in progress
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_session_begin, CupelSession, CUPEL_IS_SESSION, begin_call)

static const CupelCall commit_call = { "cupel_session_commit", commit_body, .claim = cupel_session_claim };

/**
 * cupel_session_commit:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes and commits, and gives the connection back. If no transaction is in progress and nothing is pending, nothing is sent.
 * 
 * %CUPEL_ERROR_OUTCOME_UNKNOWN says that the commit was sent and its answer was lost.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_session_commit_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_commit().
 *
 * Since: 1.0
 */

/**
 * cupel_session_commit_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_commit_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_session_commit, CupelSession, CUPEL_IS_SESSION, commit_call)

static const CupelCall rollback_call = { "cupel_session_rollback", rollback_body, .claim = cupel_session_claim };

/**
 * cupel_session_rollback:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Undoes the transaction and gives the connection back. New entities are transient again: they are in no session,
 * keep their values and what they relate to, and may be added again. The attributes of all others are expired.
 * Cancelling does not keep the connection from being cleaned.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_session_rollback_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_rollback().
 *
 * Since: 1.0
 */

/**
 * cupel_session_rollback_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_rollback_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_session_rollback, CupelSession, CUPEL_IS_SESSION, rollback_call)

static const CupelCall close_call = { "cupel_session_close", close_body, .claim = cupel_session_claim };

/**
 * cupel_session_close:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Rolls back what is open, gives the connection back and detaches every entity. The session can be used again.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_session_close_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_close().
 *
 * Since: 1.0
 */

/**
 * cupel_session_close_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_close_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_session_close, CupelSession, CUPEL_IS_SESSION, close_call)

static const CupelCall connection_call = { "cupel_session_connection", connection_body, g_object_unref, .claim = cupel_session_claim };

/**
 * cupel_session_connection:
 * @session: a session
 * @isolation: the isolation level
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets the connection of the transaction, beginning one if there is none. With an isolation level other than the default, that is the level of this transaction.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full): the connection, which belongs to the session, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_session_connection (CupelSession         *session,
                          CupelIsolationLevel   isolation,
                          GCancellable         *cancellable,
                          GError              **error)
{
  CupelSessionArgs args = { .isolation = isolation };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_sync (&connection_call, session, &args, cancellable, error);
}

/**
 * cupel_session_connection_async:
 * @session: a session
 * @isolation: the isolation level
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_connection().
 *
 * Since: 1.0
 */
void
cupel_session_connection_async (CupelSession        *session,
                                CupelIsolationLevel  isolation,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  CupelSessionArgs args = { .isolation = isolation };

  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&connection_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_connection_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_connection_async().
 *
 * Returns: (transfer full): the connection, which belongs to the session, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_session_connection_finish (CupelSession  *session,
                                 GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&connection_call, session, result, error);
}

static const CupelCall run_call = { "cupel_session_run", run_body, NULL };

/**
 * cupel_session_run: (skip)
 * @session: a session
 * @func: the work
 * @func_data: data for @func
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Runs a function in straight lines: it may call everything that suspends, and reading an attribute that is not loaded loads it.
 *
 * Returns: what @func returned
 *
 * Since: 1.0
 */
gboolean
cupel_session_run (CupelSession      *session,
                   CupelSessionFunc   func,
                   gpointer           func_data,
                   GCancellable      *cancellable,
                   GError           **error)
{
  CupelSessionArgs args = { .func = func, .func_data = func_data };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_call, session, &args, cancellable, error));
}

/**
 * cupel_session_run_async: (skip)
 * @session: a session
 * @func: the work
 * @func_data: data for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable
 * @callback: called when it is done, on the main stack
 * @user_data: data for @callback
 *
 * Runs a function in straight lines in a fiber of its own. See cupel_session_run().
 *
 * Since: 1.0
 */
void
cupel_session_run_async (CupelSession        *session,
                         CupelSessionFunc     func,
                         gpointer             func_data,
                         GDestroyNotify       destroy,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  CupelSessionArgs args = { .func = func, .func_data = func_data, .destroy = destroy };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_run_finish: (skip)
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_run_async().
 *
 * Returns: what the function returned
 *
 * Since: 1.0
 */
gboolean
cupel_session_run_finish (CupelSession  *session,
                          GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_call, session, result, error));
}
