/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls that begin and end transactions of a connection; what they do is in cupel-connection-transaction.c. */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-transaction-private.h"
#include "engine/cupel-work-private.h"
#include "runtime/cupel-call-private.h"

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

static const CupelCall begin_call = { "cupel_connection_begin", begin_body, .claim = cupel_connection_claim };

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
CUPEL_CALL_FORMS_BOOLEAN (cupel_connection_begin, CupelConnection, CUPEL_IS_CONNECTION, begin_call)

/* begin in another way */

static CupelTransaction *
open_with_options (CupelConnection  *self,
                   const CupelWork  *work,
                   GCancellable     *cancellable,
                   GError          **error)
{
  const CupelTransactionOptions options = {
    .isolation = work->isolation,
    .read_only = (work->flags & CUPEL_BEGIN_READ_ONLY) != 0,
    .deferrable = (work->flags & CUPEL_BEGIN_DEFERRABLE) != 0,
  };
  const gboolean has_options = work->isolation != CUPEL_ISOLATION_DEFAULT || work->flags != CUPEL_BEGIN_NONE;

  if (self->begun)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "A transaction is already open on this connection (the first statement begins one): commit or roll back first, "
                           "or begin a nested one");
      return NULL;
    }
  if (work->isolation == CUPEL_ISOLATION_AUTOCOMMIT || (has_options && self->isolation == CUPEL_ISOLATION_AUTOCOMMIT))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "AUTOCOMMIT means no transactions: it is a level of a connection, which then cannot begin one with options");
      return NULL;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  /* Told now, without I/O, so that what the server does not have is refused here. It travels with BEGIN. */
  if (has_options && !cupel_driver_connection_set_transaction (self->driver, &options, error))
    return NULL;
  self->options = options;
  self->has_options = has_options;
  cupel_connection_note_begin (self, FALSE);
  return g_object_ref (cupel_connection_ensure_transaction (self));
}

static gpointer
begin_transaction_body (gpointer       self_,
                        gpointer       args,
                        GCancellable  *cancellable,
                        GError       **error)
{
  CupelConnection *self = self_;
  CupelTransaction *transaction;

  if (!cupel_connection_enter (self, "cupel_connection_begin_transaction", FALSE, error))
    return NULL;
  transaction = open_with_options (self, args, cancellable, error);
  cupel_connection_leave (self);
  return transaction;
}

static const CupelCall begin_transaction_call = {
  "cupel_connection_begin_transaction", begin_transaction_body, g_object_unref, .claim = cupel_connection_claim
};

/**
 * cupel_connection_begin_transaction_async:
 * @self: a connection
 * @isolation: the level of this transaction, %CUPEL_ISOLATION_DEFAULT for that of the connection
 * @flags: how it is to be
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Begins a transaction. See cupel_connection_begin_transaction().
 *
 * Since: 1.0
 */
void
cupel_connection_begin_transaction_async (CupelConnection     *self,
                                          CupelIsolationLevel  isolation,
                                          CupelBeginFlags      flags,
                                          GCancellable        *cancellable,
                                          GAsyncReadyCallback  callback,
                                          gpointer             user_data)
{
  const CupelWork work = { .isolation = isolation, .flags = flags };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&begin_transaction_call, self, cupel_work_copy (&work), cupel_work_free, cancellable, callback, user_data);
}

/**
 * cupel_connection_begin_transaction_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_begin_transaction_async().
 *
 * Returns: (transfer full): the transaction, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelTransaction *
cupel_connection_begin_transaction_finish (CupelConnection  *self,
                                           GAsyncResult     *result,
                                           GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_finish (&begin_transaction_call, self, result, error);
}

/**
 * cupel_connection_begin_transaction:
 * @self: a connection
 * @isolation: the level of this transaction, %CUPEL_ISOLATION_DEFAULT for that of the connection
 * @flags: how it is to be
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Begins a transaction that differs from the connection's others: in its isolation level, read-only, deferrable. The next one is as usual.
 * No round trip is made: the server hears of it together with the first statement.
 *
 * Fails with %CUPEL_ERROR_INVALID_ARGUMENT when a transaction is open already, and with %CUPEL_ERROR_UNSUPPORTED when the server does not
 * have what is asked for.
 *
 * Returns: (transfer full): the transaction, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelTransaction *
cupel_connection_begin_transaction (CupelConnection      *self,
                                    CupelIsolationLevel   isolation,
                                    CupelBeginFlags       flags,
                                    GCancellable         *cancellable,
                                    GError              **error)
{
  CupelWork work = { .isolation = isolation, .flags = flags };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_sync (&begin_transaction_call, self, &work, cancellable, error);
}

static gpointer
begin_nested_body (gpointer       self_,
                   gpointer       args,
                   GCancellable  *cancellable,
                   GError       **error)
{
  CupelConnection *self = self_;
  CupelTransaction *transaction;

  if (!cupel_connection_enter (self, "cupel_connection_begin_nested", FALSE, error))
    return NULL;
  transaction = cupel_connection_open_nested (self, cancellable, error);
  cupel_connection_leave (self);
  return transaction;
}

static const CupelCall begin_nested_call = {
  "cupel_connection_begin_nested", begin_nested_body, g_object_unref, .claim = cupel_connection_claim
};

/**
 * cupel_connection_begin_nested_async:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Begins a nested transaction. See cupel_connection_begin_nested().
 *
 * Since: 1.0
 */

/**
 * cupel_connection_begin_nested_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_begin_nested_async().
 *
 * Returns: (transfer full): the nested transaction, or %NULL with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_connection_begin_nested:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Begins a transaction within the one that is open: sets a savepoint. If it is rolled back, what was done before it stays, and a statement
 * that failed in it does no harm to the rest. Without a transaction one begins.
 *
 * When the server gives the whole transaction up by itself, after a deadlock say, or commits it, as DDL does on some, the nested ones are over,
 * and everything but rolling back the outermost one fails with %CUPEL_ERROR_PENDING_ROLLBACK. A server without savepoints gives the whole
 * transaction up when a nested one is rolled back.
 *
 * Returns: (transfer full): the nested transaction, or %NULL with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS (cupel_connection_begin_nested, CupelTransaction *, CupelConnection, CUPEL_IS_CONNECTION, begin_nested_call)

/**
 * cupel_connection_get_transaction:
 * @self: a connection
 *
 * Gets the transaction that is open, the outermost one.
 *
 * Returns: (transfer none) (nullable): the transaction; %NULL when none is open
 *
 * Since: 1.0
 */
CupelTransaction *
cupel_connection_get_transaction (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_connection_ensure_transaction (self);
}

/**
 * cupel_connection_get_nested_transaction:
 * @self: a connection
 *
 * Gets the innermost nested transaction that is open.
 *
 * Returns: (transfer none) (nullable): the transaction; %NULL when none is nested
 *
 * Since: 1.0
 */
CupelTransaction *
cupel_connection_get_nested_transaction (CupelConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return self->nested != NULL && self->nested->len > 0 ? g_ptr_array_index (self->nested, self->nested->len - 1) : NULL;
}

/* blocks, the public calls */

static gpointer
run_in (CupelConnection   *self,
        CupelTransaction  *transaction_,
        const CupelWork   *work,
        GCancellable      *cancellable,
        GError           **error)
{
  g_autoptr(CupelTransaction) transaction = transaction_;
  CupelScope scope;
  gboolean success;

  if (transaction == NULL)
    return GINT_TO_POINTER (FALSE);

  cupel_connection_push_scope (self, &scope, transaction);
  success = work->func (self, work->data, cancellable, error);
  return GINT_TO_POINTER (cupel_connection_pop_scope (self, &scope, success, cancellable, error));
}

static gpointer
run_transaction_body (gpointer       self,
                      gpointer       args,
                      GCancellable  *cancellable,
                      GError       **error)
{
  return run_in (self, begin_transaction_body (self, args, cancellable, error), args, cancellable, error);
}

static gpointer
run_nested_body (gpointer       self,
                 gpointer       args,
                 GCancellable  *cancellable,
                 GError       **error)
{
  return run_in (self, begin_nested_body (self, NULL, cancellable, error), args, cancellable, error);
}

static const CupelCall run_transaction_call = { "cupel_connection_run_transaction", run_transaction_body, .claim = cupel_connection_claim };
static const CupelCall run_nested_call = { "cupel_connection_run_nested", run_nested_body, .claim = cupel_connection_claim };

/**
 * cupel_connection_run_transaction_async: (skip)
 * @self: a connection
 * @isolation: the level of this transaction, %CUPEL_ISOLATION_DEFAULT for that of the connection
 * @flags: how it is to be
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a transaction. See cupel_connection_run_transaction().
 *
 * Since: 1.0
 */
void
cupel_connection_run_transaction_async (CupelConnection      *self,
                                        CupelIsolationLevel   isolation,
                                        CupelBeginFlags       flags,
                                        CupelConnectionFunc   func,
                                        gpointer              func_data,
                                        GDestroyNotify        destroy,
                                        GCancellable         *cancellable,
                                        GAsyncReadyCallback   callback,
                                        gpointer              user_data)
{
  const CupelWork work = { func, func_data, destroy, isolation, flags };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_transaction_call, self, cupel_work_copy (&work), cupel_work_free, cancellable, callback, user_data);
}

/**
 * cupel_connection_run_transaction_finish: (skip)
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_run_transaction_async().
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_connection_run_transaction_finish (CupelConnection  *self,
                                         GAsyncResult     *result,
                                         GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_transaction_call, self, result, error));
}

/**
 * cupel_connection_run_transaction: (skip)
 * @self: a connection
 * @isolation: the level of this transaction, %CUPEL_ISOLATION_DEFAULT for that of the connection
 * @flags: how it is to be
 * @func: the work
 * @func_data: for @func
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @error: return location for an error
 *
 * Begins a transaction, runs @func in a fiber and commits; when @func or the commit fails, the transaction is rolled back, and the first error
 * is the one that is reported. @func may end the transaction itself: what it does on the connection after that fails with
 * %CUPEL_ERROR_CLOSED, until it has returned.
 *
 * Returns: %TRUE when the transaction was committed, or ended by @func without an error
 *
 * Since: 1.0
 */
gboolean
cupel_connection_run_transaction (CupelConnection      *self,
                                  CupelIsolationLevel   isolation,
                                  CupelBeginFlags       flags,
                                  CupelConnectionFunc   func,
                                  gpointer              func_data,
                                  GCancellable         *cancellable,
                                  GError              **error)
{
  CupelWork work = { func, func_data, NULL, isolation, flags };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_transaction_call, self, &work, cancellable, error));
}

/**
 * cupel_connection_run_nested_async: (skip)
 * @self: a connection
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a nested transaction. See cupel_connection_run_nested().
 *
 * Since: 1.0
 */
void
cupel_connection_run_nested_async (CupelConnection      *self,
                                   CupelConnectionFunc   func,
                                   gpointer              func_data,
                                   GDestroyNotify        destroy,
                                   GCancellable         *cancellable,
                                   GAsyncReadyCallback   callback,
                                   gpointer              user_data)
{
  const CupelWork work = { func, func_data, destroy };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_nested_call, self, cupel_work_copy (&work), cupel_work_free, cancellable, callback, user_data);
}

/**
 * cupel_connection_run_nested_finish: (skip)
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_run_nested_async().
 *
 * Returns: %TRUE when the nested transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_connection_run_nested_finish (CupelConnection  *self,
                                    GAsyncResult     *result,
                                    GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_nested_call, self, result, error));
}

/**
 * cupel_connection_run_nested: (skip)
 * @self: a connection
 * @func: the work
 * @func_data: for @func
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @error: return location for an error
 *
 * Runs @func in a nested transaction, as cupel_connection_run_transaction() does in an outermost one. When it fails, the transaction around it
 * goes on.
 *
 * Returns: %TRUE when the nested transaction was committed, or ended by @func without an error
 *
 * Since: 1.0
 */
gboolean
cupel_connection_run_nested (CupelConnection      *self,
                             CupelConnectionFunc   func,
                             gpointer              func_data,
                             GCancellable         *cancellable,
                             GError              **error)
{
  CupelWork work = { func, func_data, NULL };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_nested_call, self, &work, cancellable, error));
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

  success = cupel_connection_commit_all (self, cancellable, error);
  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall commit_call = { "cupel_connection_commit", commit_body, .claim = cupel_connection_claim };

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

/**
 * cupel_connection_commit:
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Commits the transaction, and with it those that are nested in it. Without one it does nothing.
 *
 * Fails with %CUPEL_ERROR_PROGRAMMING while a stream is open, with %CUPEL_ERROR_PENDING_ROLLBACK after a statement made the server give the
 * transaction up, and with %CUPEL_ERROR_OUTCOME_UNKNOWN when COMMIT was sent and its answer never came: then the transaction may
 * have been committed or not. Cancelling a commit under way ends in the same way.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_connection_commit, CupelConnection, CUPEL_IS_CONNECTION, commit_call)

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

  success = cupel_connection_roll_back_all (self, error);
  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall rollback_call = { "cupel_connection_rollback", rollback_body, .claim = cupel_connection_claim };

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
CUPEL_CALL_FORMS_BOOLEAN (cupel_connection_rollback, CupelConnection, CUPEL_IS_CONNECTION, rollback_call)
