/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How transactions of a connection begin and end, those within others included. */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-pool-private.h"
#include "engine/cupel-stream-private.h"
#include "engine/cupel-time-limit-private.h"
#include "engine/cupel-transaction-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-error-details.h"
#include "runtime/cupel-error-private.h"
#include "runtime/cupel-log-private.h"

GType
cupel_begin_flags_get_type (void)
{
  static gsize once;
  static const GFlagsValue values[] = {
    { CUPEL_BEGIN_NONE, "CUPEL_BEGIN_NONE", "none" },
    { CUPEL_BEGIN_READ_ONLY, "CUPEL_BEGIN_READ_ONLY", "read-only" },
    { CUPEL_BEGIN_DEFERRABLE, "CUPEL_BEGIN_DEFERRABLE", "deferrable" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, g_flags_register_static ("CupelBeginFlags", values));
  return once;
}

/* what became of the transaction */

static void
echo (CupelConnection *self,
      const char      *what,
      const char      *name)
{
  if (cupel_engine_get_echo (self->engine))
    cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, "%s%s", what, name);
}

static void
end_handle (CupelTransaction    *transaction,
            CupelTransactionEnd  end)
{
  if (transaction->end == CUPEL_END_NONE)
    transaction->end = end;
}

/* Down to @n_left. */
static void
end_nested (CupelConnection     *self,
            guint                n_left,
            CupelTransactionEnd  end)
{
  while (self->nested != NULL && self->nested->len > n_left)
    {
      g_autoptr(CupelTransaction) transaction = g_ptr_array_steal_index (self->nested, self->nested->len - 1);

      end_handle (transaction, end);
    }
}

void
cupel_connection_end_handles (CupelConnection     *self,
                              CupelTransactionEnd  end)
{
  g_autoptr(CupelTransaction) transaction = g_steal_pointer (&self->transaction);

  end_nested (self, 0, end == CUPEL_END_CLOSED ? end : CUPEL_END_OUTER);
  if (transaction != NULL)
    end_handle (transaction, end);
}

/* Nothing but a rollback of the outermost one is left. */
static void
give_up (CupelConnection    *self,
         const char         *reason,
         CupelErrorCategory  category)
{
  self->aborted = TRUE;
  self->abort_reason = reason;
  self->abort_category = category;
  end_nested (self, 0, CUPEL_END_SERVER);
}

void
cupel_connection_note_failure (CupelConnection *self,
                               const GError    *error)
{
  CupelTransactionStatus status = cupel_driver_connection_get_status (self->driver);
  gboolean lost = cupel_error_is_disconnect (error) || !cupel_driver_connection_is_alive (self->driver);

  /* That a transaction which was begun as read-only takes no writes says nothing of the server. */
  if (!self->has_options || !self->options.read_only || cupel_error_get_category (error) != CUPEL_ERROR_CATEGORY_NOT_PRIMARY)
    cupel_pool_note_error (self->pool, self->driver, error);
  if (status != CUPEL_TRANSACTION_UNKNOWN && !lost)
    return;

  self->lost |= lost;
  if (self->invalidated)
    return;
  self->invalidated = TRUE;
  cupel_engine_emit (self->engine, CUPEL_ENGINE_INVALIDATED);
}

void
cupel_connection_note_failed_statement (CupelConnection        *self,
                                        CupelTransactionStatus  before,
                                        const GError           *error)
{
  CupelErrorCategory category = cupel_error_get_category (error);

  cupel_connection_note_failure (self, error);
  if (self->invalidated || !self->begun || before == CUPEL_TRANSACTION_IDLE || self->aborted)
    return;

  /* Not the statement only: everything before it is undone as well. The caller has to notice. */
  if (cupel_driver_connection_get_status (self->driver) == CUPEL_TRANSACTION_IDLE)
    give_up (self, "the server ended the transaction after an error", category);
  /* Some servers undo all of it, some the statement, and what they say of their state is not to be relied on. */
  else if (category == CUPEL_ERROR_CATEGORY_RETRY)
    give_up (self, "a statement of the transaction lost a race against another one (a deadlock, a lock, a conflict)", category);
}

void
cupel_connection_note_success (CupelConnection        *self,
                               CupelTransactionStatus  before)
{
  if (G_LIKELY (self->nested == NULL || self->nested->len == 0) || before == CUPEL_TRANSACTION_IDLE ||
      cupel_driver_connection_get_status (self->driver) != CUPEL_TRANSACTION_IDLE)
    return;

  give_up (self, "the server committed the transaction by itself, as it does with CREATE TABLE and the like, and its savepoints are gone",
           CUPEL_ERROR_CATEGORY_PROGRAM);
}

void
cupel_connection_note_begin (CupelConnection *self,
                             gboolean         implicit)
{
  if (self->begun)
    return;

  self->begun = TRUE;
  self->aborted = FALSE;
  self->n_savepoints = 0;
  echo (self, implicit ? "BEGIN (implicit)" : "BEGIN", "");
  cupel_engine_emit (self->engine, CUPEL_ENGINE_BEGIN);
}

void
cupel_connection_forget_options (CupelConnection *self)
{
  /* It may not have heard BEGIN. */
  if (self->has_options && self->driver != NULL)
    cupel_driver_connection_set_transaction (self->driver, NULL, NULL);
  self->has_options = FALSE;
}

void
cupel_connection_note_end (CupelConnection   *self,
                           CupelEngineSignal  signal)
{
  self->begun = FALSE;
  self->aborted = FALSE;
  cupel_connection_forget_options (self);
  cupel_connection_end_handles (self, signal == CUPEL_ENGINE_COMMIT ? CUPEL_END_COMMITTED : CUPEL_END_ROLLED_BACK);
  echo (self, signal == CUPEL_ENGINE_COMMIT ? "COMMIT" : "ROLLBACK", "");
  cupel_engine_emit (self->engine, signal);
}

/* the parts of operations, between enter and leave */

static gboolean
fail_pending (CupelConnection  *self,
              const char       *what,
              GError          **error)
{
  const gboolean nested = self->nested != NULL && self->nested->len > 0;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
               "%s: an earlier statement of the transaction failed, and this server then refuses everything else. Roll back%s", what,
               nested ? " the nested transaction"
                      : "; a nested transaction around statements that may fail (cupel_connection_begin_nested()) saves the rest");
  return FALSE;
}

gboolean
cupel_connection_make_ready (CupelConnection  *self,
                             gboolean         *begin,
                             GCancellable     *cancellable,
                             GError          **error)
{
  CupelTransactionStatus status;

  *begin = FALSE;
  if (G_UNLIKELY (self->orphans != NULL) && !cupel_connection_close_orphans (self, error))
    return FALSE;

  status = cupel_driver_connection_get_status (self->driver);
  if (G_UNLIKELY (status == CUPEL_TRANSACTION_FAILED && self->begun))
    return fail_pending (self, "The statement was not sent", error);
  if (status != CUPEL_TRANSACTION_IDLE)
    return TRUE;

  if (G_UNLIKELY (self->isolation != self->applied_isolation))
    {
      GError *local = NULL;

      if (!cupel_driver_connection_set_isolation (self->driver, self->isolation, cancellable, &local))
        {
          cupel_connection_note_failure (self, local);
          g_propagate_error (error, local);
          return FALSE;
        }
      self->applied_isolation = self->isolation;
    }
  if (self->isolation == CUPEL_ISOLATION_AUTOCOMMIT)
    return TRUE;
  if (G_UNLIKELY (self->has_options) && !cupel_driver_connection_set_transaction (self->driver, &self->options, error))
    return FALSE;

  *begin = TRUE;
  cupel_connection_note_begin (self, TRUE);
  return TRUE;
}

/* Errors are of no interest: what comes next finds the state. */
void
cupel_connection_end_streams (CupelConnection *self)
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

  cupel_connection_end_streams (self);
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
    cupel_connection_note_end (self, CUPEL_ENGINE_ROLLBACK);

  return success;
}

static gboolean
check_streams (CupelConnection  *self,
               GError          **error)
{
  if (self->streams != NULL && self->streams->len > 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                   "The transaction cannot be committed while %u of its streams %s open: read %s to the end or close %s first",
                   self->streams->len, self->streams->len == 1 ? "is" : "are",
                   self->streams->len == 1 ? "it" : "them", self->streams->len == 1 ? "it" : "them");
      return FALSE;
    }
  return cupel_connection_close_orphans (self, error);
}

/* Nothing was sent yet: that is certain. */
static gboolean
check_alive (CupelConnection  *self,
             const char       *command,
             GError          **error)
{
  const CupelErrorDetails details = { .disconnect = TRUE, .retryable = TRUE, .category = CUPEL_ERROR_CATEGORY_LOST };
  GError *local;

  if (cupel_driver_connection_is_alive (self->driver))
    return TRUE;

  local = cupel_error_new_with_details (CUPEL_ERROR_DISCONNECTED, &details,
                                        "The connection to the server was lost before %s was sent: nothing was committed", command);
  cupel_connection_note_failure (self, local);
  g_propagate_error (error, local);
  return FALSE;
}

static gboolean
do_commit (CupelConnection  *self,
           GCancellable     *cancellable,
           GError          **error)
{
  CupelTimeLimit limit = { 0 };
  g_autoptr(GError) local = NULL;
  CupelTransactionStatus status;
  gboolean success;

  if (!check_streams (self, error))
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
      cupel_connection_note_end (self, CUPEL_ENGINE_COMMIT);
      return TRUE;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !check_alive (self, "COMMIT", error))
    return FALSE;

  if (self->statement_timeout > 0)
    cancellable = cupel_time_limit_start (&limit, self->statement_timeout, cancellable);
  success = cupel_driver_connection_commit (self->driver, cancellable, &local);
  if (success)
    {
      cupel_time_limit_end (&limit);
      cupel_connection_note_end (self, CUPEL_ENGINE_COMMIT);
      return TRUE;
    }

  cupel_connection_note_failure (self, local);
  /* A driver that knows that COMMIT did not leave says so: the connection is lost, and trying again may help. */
  if (self->invalidated && !g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN) &&
      !(g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED) && cupel_error_is_retryable (local)))
    {
      const CupelErrorDetails details = { .disconnect = self->lost, .category = CUPEL_ERROR_CATEGORY_UNKNOWN };
      GError *unknown = cupel_error_new_with_details (CUPEL_ERROR_OUTCOME_UNKNOWN, &details,
                                                      "COMMIT was sent but its answer never came (%s): the transaction may have been "
                                                      "committed or not", local->message);

      g_error_free (local);
      local = unknown;
    }
  cupel_time_limit_finish (&limit, "COMMIT", "statement-timeout", &local);
  if (!self->invalidated && cupel_driver_connection_get_status (self->driver) == CUPEL_TRANSACTION_IDLE)
    give_up (self, "COMMIT failed, and the server rolled the transaction back", cupel_error_get_category (local));
  else if (!self->invalidated && cupel_error_get_category (local) == CUPEL_ERROR_CATEGORY_RETRY)
    give_up (self, "COMMIT lost a race against another transaction", CUPEL_ERROR_CATEGORY_RETRY);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* nested ones */

static CupelTransaction *
ensure_handle (CupelConnection *self)
{
  if (self->transaction == NULL && self->begun)
    self->transaction = cupel_transaction_new (self, NULL, NULL);
  return self->transaction;
}

CupelTransaction *
cupel_connection_open_nested (CupelConnection  *self,
                              GCancellable     *cancellable,
                              GError          **error)
{
  CupelTimeLimit limit = { 0 };
  g_autofree char *name = NULL;
  CupelTransaction *outer, *transaction;
  GError *local = NULL;
  gboolean begin, success;

  if (self->isolation == CUPEL_ISOLATION_AUTOCOMMIT)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "A connection with the isolation level AUTOCOMMIT has no transactions, and none within others");
      return NULL;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  if (self->statement_timeout > 0)
    cancellable = cupel_time_limit_start (&limit, self->statement_timeout, cancellable);
  success = cupel_connection_make_ready (self, &begin, cancellable, &local) &&
            (!begin || cupel_driver_connection_begin (self->driver, cancellable, &local));
  /* A server without savepoints fails the whole unit when a part of it does. */
  if (success && (cupel_engine_get_capabilities (self->engine) & CUPEL_CAP_SAVEPOINTS) != 0)
    {
      name = g_strdup_printf ("cupel_%u", ++self->n_savepoints);
      echo (self, "SAVEPOINT ", name);
      success = cupel_driver_connection_savepoint (self->driver, CUPEL_SAVEPOINT_SET, name, CUPEL_NO_DEADLINE, cancellable, &local);
    }
  if (!success)
    {
      cupel_time_limit_finish (&limit, "Setting a savepoint", "statement-timeout", &local);
      cupel_connection_note_failed_statement (self, begin ? CUPEL_TRANSACTION_IDLE : CUPEL_TRANSACTION_ACTIVE, local);
      g_propagate_error (error, local);
      return NULL;
    }
  cupel_time_limit_end (&limit);

  if (self->nested == NULL)
    self->nested = g_ptr_array_new_with_free_func (g_object_unref);
  outer = self->nested->len > 0 ? g_ptr_array_index (self->nested, self->nested->len - 1) : ensure_handle (self);
  transaction = cupel_transaction_new (self, outer, g_steal_pointer (&name));
  g_ptr_array_add (self->nested, g_object_ref (transaction));
  cupel_engine_emit_savepoint (self->engine, CUPEL_ENGINE_SAVEPOINT, transaction->name);
  return transaction;
}

static gboolean
release (CupelConnection   *self,
         CupelTransaction  *transaction_,
         guint              index,
         GCancellable      *cancellable,
         GError           **error)
{
  g_autoptr(CupelTransaction) transaction = g_object_ref (transaction_);
  GError *local = NULL;

  if (!check_streams (self, error))
    return FALSE;
  if (cupel_driver_connection_get_status (self->driver) == CUPEL_TRANSACTION_FAILED)
    return fail_pending (self, "The nested transaction cannot be committed", error);
  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !check_alive (self, "RELEASE SAVEPOINT", error))
    return FALSE;

  if (transaction->name != NULL)
    {
      echo (self, "RELEASE SAVEPOINT ", transaction->name);
      if (!cupel_driver_connection_savepoint (self->driver, CUPEL_SAVEPOINT_RELEASE, transaction->name,
                                              g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME, NULL, &local))
        {
          cupel_connection_note_failed_statement (self, CUPEL_TRANSACTION_ACTIVE, local);
          g_propagate_error (error, local);
          return FALSE;
        }
    }

  end_nested (self, index + 1, CUPEL_END_OUTER);
  end_nested (self, index, CUPEL_END_COMMITTED);
  cupel_engine_emit_savepoint (self->engine, CUPEL_ENGINE_RELEASE_SAVEPOINT, transaction->name);
  return TRUE;
}

static gboolean
roll_back_to (CupelConnection   *self,
              CupelTransaction  *transaction_,
              guint              index,
              GError           **error)
{
  g_autoptr(CupelTransaction) transaction = g_object_ref (transaction_);
  GError *local = NULL;

  cupel_connection_end_streams (self);
  if (transaction->name == NULL)
    {
      give_up (self, "a nested transaction was rolled back, and this server can only undo all of it: it has no savepoints",
               CUPEL_ERROR_CATEGORY_PROGRAM);
    }
  else if (!self->invalidated)
    {
      gint64 deadline = g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME;

      echo (self, "ROLLBACK TO SAVEPOINT ", transaction->name);
      /* Released too: in a loop they would pile up at the server. */
      if (!cupel_driver_connection_savepoint (self->driver, CUPEL_SAVEPOINT_ROLLBACK, transaction->name, deadline, NULL, &local) ||
          !cupel_driver_connection_savepoint (self->driver, CUPEL_SAVEPOINT_RELEASE, transaction->name, deadline, NULL, &local))
        {
          cupel_connection_note_failure (self, local);
          if (!self->invalidated)
            give_up (self, "it was not possible to go back to a savepoint", cupel_error_get_category (local));
        }
    }

  end_nested (self, index + 1, CUPEL_END_OUTER);
  end_nested (self, index, CUPEL_END_ROLLED_BACK);
  transaction->end = CUPEL_END_ROLLED_BACK;
  cupel_engine_emit_savepoint (self->engine, CUPEL_ENGINE_ROLLBACK_SAVEPOINT, transaction->name);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

gboolean
cupel_connection_commit_one (CupelConnection   *self,
                             CupelTransaction  *transaction,
                             GCancellable      *cancellable,
                             GError           **error)
{
  guint index;

  if (self->nested != NULL && g_ptr_array_find (self->nested, transaction, &index))
    return release (self, transaction, index, cancellable, error);
  return do_commit (self, cancellable, error);
}

gboolean
cupel_connection_roll_back_one (CupelConnection   *self,
                                CupelTransaction  *transaction,
                                GError           **error)
{
  guint index;

  if (transaction->end != CUPEL_END_NONE)
    return TRUE;
  if (self->nested != NULL && g_ptr_array_find (self->nested, transaction, &index))
    return roll_back_to (self, transaction, index, error);
  return do_rollback (self, error);
}

/* blocks */

void
cupel_connection_push_scope (CupelConnection  *self,
                             CupelScope       *scope,
                             CupelTransaction *transaction)
{
  scope->transaction = g_object_ref (transaction);
  scope->outer = self->scope;
  self->scope = scope;
}

gboolean
cupel_connection_pop_scope (CupelConnection  *self,
                            CupelScope       *scope,
                            gboolean          success,
                            GCancellable     *cancellable,
                            GError          **error)
{
  g_autoptr(CupelTransaction) transaction = g_steal_pointer (&scope->transaction);
  g_autoptr(GError) clean_up = NULL;

  self->scope = scope->outer;

  if (success && transaction->end == CUPEL_END_NONE)
    success = cupel_transaction_commit (transaction, cancellable, error);
  else if (success && (transaction->end == CUPEL_END_SERVER || transaction->end == CUPEL_END_FAILED))
    {
      const CupelErrorDetails details = { .category = self->aborted ? self->abort_category : CUPEL_ERROR_CATEGORY_NONE };

      /* The function did not mind, but what it did is undone. */
      success = FALSE;
      cupel_set_error_with_details (error, CUPEL_ERROR_PENDING_ROLLBACK, &details, "The nested transaction cannot be committed: %s",
                                    transaction->end == CUPEL_END_FAILED ? "a flush in it failed, and it was rolled back"
                                    : self->aborted ? self->abort_reason : "it is over");
    }
  if (success || (transaction->end != CUPEL_END_NONE && transaction->end != CUPEL_END_FAILED))
    return success;

  if (!cupel_transaction_rollback (transaction, NULL, &clean_up))
    {
      cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_INFO, "Rolling back after an error failed too: %s", clean_up->message);
      if (error != NULL && *error != NULL)
        cupel_error_append (*error, " (rolling back after that failed too: %s)", clean_up->message);
    }
  return FALSE;
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

/* begin in another way */

typedef struct
{
  CupelIsolationLevel  isolation;
  CupelBeginFlags      flags;
  CupelConnectionFunc  func;       /* of a block */
  gpointer             func_data;
  GDestroyNotify       destroy;
} BeginArgs;

static BeginArgs *
begin_args_copy (const BeginArgs *args)
{
  return g_memdup2 (args, sizeof *args);
}

static void
begin_args_free (gpointer data)
{
  BeginArgs *args = data;

  if (args->destroy != NULL)
    args->destroy (args->func_data);
  g_free (args);
}

static CupelTransaction *
open_with_options (CupelConnection  *self,
                   const BeginArgs  *args,
                   GCancellable     *cancellable,
                   GError          **error)
{
  const CupelTransactionOptions options = {
    .isolation = args->isolation,
    .read_only = (args->flags & CUPEL_BEGIN_READ_ONLY) != 0,
    .deferrable = (args->flags & CUPEL_BEGIN_DEFERRABLE) != 0,
  };
  const gboolean has_options = args->isolation != CUPEL_ISOLATION_DEFAULT || args->flags != CUPEL_BEGIN_NONE;

  if (self->begun)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "A transaction is already open on this connection (the first statement begins one): commit or roll back first, "
                           "or begin a nested one");
      return NULL;
    }
  if (args->isolation == CUPEL_ISOLATION_AUTOCOMMIT || (has_options && self->isolation == CUPEL_ISOLATION_AUTOCOMMIT))
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
  return g_object_ref (ensure_handle (self));
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

static const CupelCall begin_transaction_call = { "cupel_connection_begin_transaction", begin_transaction_body, g_object_unref };

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
  const BeginArgs args = { .isolation = isolation, .flags = flags };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&begin_transaction_call, self, begin_args_copy (&args), begin_args_free, cancellable, callback, user_data);
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
  BeginArgs args = { .isolation = isolation, .flags = flags };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_sync (&begin_transaction_call, self, &args, cancellable, error);
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

static const CupelCall begin_nested_call = { "cupel_connection_begin_nested", begin_nested_body, g_object_unref };

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
void
cupel_connection_begin_nested_async (CupelConnection     *self,
                                     GCancellable        *cancellable,
                                     GAsyncReadyCallback  callback,
                                     gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));

  cupel_call_async (&begin_nested_call, self, NULL, NULL, cancellable, callback, user_data);
}

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
CupelTransaction *
cupel_connection_begin_nested_finish (CupelConnection  *self,
                                      GAsyncResult     *result,
                                      GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_finish (&begin_nested_call, self, result, error);
}

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
CupelTransaction *
cupel_connection_begin_nested (CupelConnection  *self,
                               GCancellable     *cancellable,
                               GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_sync (&begin_nested_call, self, NULL, cancellable, error);
}

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

  return ensure_handle (self);
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
        const BeginArgs   *args,
        GCancellable      *cancellable,
        GError           **error)
{
  g_autoptr(CupelTransaction) transaction = transaction_;
  CupelScope scope;
  gboolean success;

  if (transaction == NULL)
    return GINT_TO_POINTER (FALSE);

  cupel_connection_push_scope (self, &scope, transaction);
  success = args->func (self, args->func_data, cancellable, error);
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

static const CupelCall run_transaction_call = { "cupel_connection_run_transaction", run_transaction_body, NULL };
static const CupelCall run_nested_call = { "cupel_connection_run_nested", run_nested_body, NULL };

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
  const BeginArgs args = { isolation, flags, func, func_data, destroy };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_transaction_call, self, begin_args_copy (&args), begin_args_free, cancellable, callback, user_data);
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
  BeginArgs args = { isolation, flags, func, func_data, NULL };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_transaction_call, self, &args, cancellable, error));
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
  const BeginArgs args = { .func = func, .func_data = func_data, .destroy = destroy };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_nested_call, self, begin_args_copy (&args), begin_args_free, cancellable, callback, user_data);
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
  BeginArgs args = { .func = func, .func_data = func_data };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_nested_call, self, &args, cancellable, error));
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
