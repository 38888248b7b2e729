/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-transaction-private.h"

#include "engine/cupel-connection-private.h"
#include "runtime/cupel-call-private.h"

G_DEFINE_FINAL_TYPE (CupelTransaction, cupel_transaction, G_TYPE_OBJECT)

static void
cupel_transaction_finalize (GObject *object)
{
  CupelTransaction *self = CUPEL_TRANSACTION (object);

  g_clear_weak_pointer (&self->connection);
  g_clear_weak_pointer (&self->owner);
  g_clear_object (&self->outer);
  g_free (self->name);

  G_OBJECT_CLASS (cupel_transaction_parent_class)->finalize (object);
}

static void
cupel_transaction_class_init (CupelTransactionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_transaction_finalize;
}

static void
cupel_transaction_init (CupelTransaction *self)
{
  self->attempt = 1;
}

CupelTransaction *
cupel_transaction_new (CupelConnection  *connection,
                       CupelTransaction *outer,
                       char             *name)
{
  CupelTransaction *self = g_object_new (CUPEL_TYPE_TRANSACTION, NULL);

  g_set_weak_pointer (&self->connection, connection);
  g_set_object (&self->outer, outer);
  self->name = name;
  self->attempt = MAX (connection->attempt, 1);

  return self;
}

void
cupel_transaction_set_layer (CupelTransaction            *self,
                             const CupelTransactionLayer *layer,
                             gpointer                     owner)
{
  self->layer = layer;
  g_set_weak_pointer (&self->owner, owner);
}

/**
 * cupel_transaction_get_connection:
 * @self: a transaction
 *
 * Gets the connection that it is on.
 *
 * Returns: (transfer none) (nullable): the connection; %NULL when it is gone
 *
 * Since: 1.0
 */
CupelConnection *
cupel_transaction_get_connection (CupelTransaction *self)
{
  g_return_val_if_fail (CUPEL_IS_TRANSACTION (self), NULL);

  return self->connection;
}

/**
 * cupel_transaction_get_parent:
 * @self: a transaction
 *
 * Gets the transaction around a nested one.
 *
 * Returns: (transfer none) (nullable): that transaction; %NULL for the outermost one
 *
 * Since: 1.0
 */
CupelTransaction *
cupel_transaction_get_parent (CupelTransaction *self)
{
  g_return_val_if_fail (CUPEL_IS_TRANSACTION (self), NULL);

  return self->outer;
}

/**
 * cupel_transaction_is_nested:
 * @self: a transaction
 *
 * Tells whether it is one within another: a savepoint.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_transaction_is_nested (CupelTransaction *self)
{
  g_return_val_if_fail (CUPEL_IS_TRANSACTION (self), FALSE);

  return self->outer != NULL;
}

/**
 * cupel_transaction_is_active:
 * @self: a transaction
 *
 * Tells whether it was neither committed nor rolled back, nor ended with the one around it. One whose statement failed is active until it is
 * rolled back.
 *
 * Returns: %TRUE if it was not
 *
 * Since: 1.0
 */
gboolean
cupel_transaction_is_active (CupelTransaction *self)
{
  g_return_val_if_fail (CUPEL_IS_TRANSACTION (self), FALSE);

  return self->end == CUPEL_END_NONE;
}

/**
 * cupel_transaction_get_attempt:
 * @self: a transaction
 *
 * Gets which try this is of a function that is run again after a lost race, see cupel_engine_run_transaction().
 *
 * Returns: the number, from 1; 1 for every other transaction
 *
 * Since: 1.0
 */
guint
cupel_transaction_get_attempt (CupelTransaction *self)
{
  g_return_val_if_fail (CUPEL_IS_TRANSACTION (self), 1);

  return self->attempt;
}

/* Why it cannot be committed any more. */
static gboolean
fail_ended (CupelTransaction  *self,
            GError           **error)
{
  static const char *const how[] = {
    [CUPEL_END_NONE] = "its connection is gone",
    [CUPEL_END_COMMITTED] = "it was committed",
    [CUPEL_END_ROLLED_BACK] = "it was rolled back",
    [CUPEL_END_OUTER] = "the one around it ended, and ended it too: end inner ones first",
    [CUPEL_END_SERVER] = "the server ended the whole transaction by itself: roll the outermost one back",
    [CUPEL_END_CLOSED] = "its connection was closed",
    [CUPEL_END_FAILED] = "a flush in it failed, and it was rolled back",
  };

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "cupel_transaction_commit() was called on a%s transaction that is over: %s",
               self->outer != NULL ? " nested" : "", how[self->end]);
  return FALSE;
}

static const char **
claim (gpointer      self_,
       gpointer      args,
       const char   *operation,
       GObject     **owner,
       GError      **error)
{
  CupelTransaction *self = self_;

  if (self->end != CUPEL_END_NONE && self->end != CUPEL_END_FAILED)
    return NULL;
  if (self->layer != NULL && self->owner != NULL)
    return self->layer->claim (self->owner, NULL, operation, owner, error);
  if (self->end != CUPEL_END_NONE || self->connection == NULL)
    return NULL;
  return cupel_connection_claim (self->connection, NULL, operation, owner, error);
}

static gpointer
commit_body (gpointer       self_,
             gpointer       args,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelTransaction *self = self_;
  g_autoptr(CupelConnection) connection = NULL;
  gboolean success;

  if (self->end != CUPEL_END_NONE || self->connection == NULL)
    return GINT_TO_POINTER (fail_ended (self, error));

  connection = g_object_ref (self->connection);
  if (self->layer != NULL && self->owner != NULL)
    {
      g_autoptr(GObject) owner = g_object_ref (self->owner);

      return GINT_TO_POINTER (self->layer->commit (self, owner, cancellable, error));
    }

  if (!cupel_connection_enter (connection, "cupel_transaction_commit", FALSE, error))
    return GINT_TO_POINTER (FALSE);
  success = cupel_connection_commit_one (connection, self, cancellable, error);
  cupel_connection_leave (connection);
  return GINT_TO_POINTER (success);
}

static const CupelCall commit_call = { "cupel_transaction_commit", commit_body, .claim = claim };

/**
 * cupel_transaction_commit_async:
 * @self: a transaction
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Commits the transaction, or releases the savepoint. See cupel_transaction_commit().
 *
 * Since: 1.0
 */

/**
 * cupel_transaction_commit_finish:
 * @self: a transaction
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_transaction_commit_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_transaction_commit:
 * @self: a transaction
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Commits the transaction. What is nested in it, and still open, is committed with it. Committing a nested transaction keeps what was done in
 * it until the one around it ends, and is not cancelled half-way.
 *
 * Fails with %CUPEL_ERROR_CLOSED when it is over already, perhaps because one around it ended; else as cupel_connection_commit() does.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_transaction_commit, CupelTransaction, CUPEL_IS_TRANSACTION, commit_call)

static gpointer
rollback_body (gpointer       self_,
               gpointer       args,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelTransaction *self = self_;
  g_autoptr(CupelConnection) connection = NULL;
  gboolean success;

  if (self->layer != NULL && self->owner != NULL)
    {
      g_autoptr(GObject) owner = g_object_ref (self->owner);

      return GINT_TO_POINTER (self->layer->rollback (self, owner, error));
    }
  if (self->end != CUPEL_END_NONE || self->connection == NULL)
    return GINT_TO_POINTER (TRUE);

  connection = g_object_ref (self->connection);
  if (!cupel_connection_enter (connection, "cupel_transaction_rollback", TRUE, error))
    return GINT_TO_POINTER (FALSE);
  success = cupel_connection_roll_back_one (connection, self, error);
  cupel_connection_leave (connection);
  return GINT_TO_POINTER (success);
}

static const CupelCall rollback_call = { "cupel_transaction_rollback", rollback_body, .claim = claim };

/**
 * cupel_transaction_rollback_async:
 * @self: a transaction
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Rolls back. See cupel_transaction_rollback().
 *
 * Since: 1.0
 */

/**
 * cupel_transaction_rollback_finish:
 * @self: a transaction
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_transaction_rollback_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_transaction_rollback:
 * @self: a transaction
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @error: return location for an error
 *
 * Undoes what was done in the transaction and in those nested in it, and ends them and their streams. After a nested one the transaction
 * around it goes on. It is clean-up: it cannot be cancelled, has a time limit of its own (10 seconds), and does nothing to a transaction
 * that is over.
 *
 * Returns: %TRUE, or %FALSE with @error set; the transaction is over in either case, but for %CUPEL_ERROR_BUSY
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS_BOOLEAN (cupel_transaction_rollback, CupelTransaction, CUPEL_IS_TRANSACTION, rollback_call)
