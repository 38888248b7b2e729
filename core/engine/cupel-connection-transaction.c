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
  CupelTransactionStatus status = cupel_driver_connection_ask_status (self->driver);
  gboolean lost;

  self->failed = TRUE;
  lost = cupel_error_is_disconnect (error) || !cupel_driver_connection_ask_alive (self->driver);

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
cupel_connection_judge_failure (CupelConnection  *self,
                                GError          **error)
{
  CupelErrorDetails details = { .category = CUPEL_ERROR_CATEGORY_PROGRAM };
  GError *judged;

  if (G_LIKELY (!self->has_options || !self->options.read_only) ||
      cupel_error_get_category (*error) != CUPEL_ERROR_CATEGORY_NOT_PRIMARY)
    return;
  details.sqlstate = cupel_error_get_sqlstate (*error);
  details.native_code = cupel_error_get_native_code (*error);
  details.detail = cupel_error_get_detail (*error);
  judged = cupel_error_new_with_details (CUPEL_ERROR_PROGRAMMING, &details, "The transaction was begun as read-only: %s", (*error)->message);
  g_error_free (*error);
  *error = judged;
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
  if (cupel_driver_connection_ask_status (self->driver) == CUPEL_TRANSACTION_IDLE)
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
      cupel_driver_connection_ask_status (self->driver) != CUPEL_TRANSACTION_IDLE)
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

  status = cupel_driver_connection_ask_status (self->driver);
  if (G_UNLIKELY (status == CUPEL_TRANSACTION_FAILED && self->begun))
    return fail_pending (self, "The statement was not sent", error);
  if (status != CUPEL_TRANSACTION_IDLE)
    return TRUE;

  if (G_UNLIKELY (cupel_driver_connection_get_private (self->driver)->isolation != (int) self->isolation))
    {
      GError *local = NULL;

      if (!cupel_driver_connection_set_isolation (self->driver, self->isolation, cancellable, &local))
        {
          cupel_connection_note_failure (self, local);
          g_propagate_error (error, local);
          return FALSE;
        }
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
  gint64 deadline = CUPEL_NO_DEADLINE;

  while (self->streams != NULL && self->streams->len > 0)
    {
      g_autoptr(CupelStream) stream = g_object_ref (self->streams->pdata[self->streams->len - 1]);
      g_autoptr(GError) error = NULL;

      if (deadline == CUPEL_NO_DEADLINE)
        deadline = g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME;
      if (!cupel_stream_end (stream, !self->invalidated, deadline, &error))
        {
          cupel_connection_note_failure (self, error);
          self->cursors_used = TRUE;
        }
    }
  cupel_connection_close_orphans (self, NULL);
}

/* What the server has to do to be rid of the transaction. */
gboolean
cupel_connection_roll_back_all (CupelConnection  *self,
                                GError          **error)
{
  gboolean success = TRUE;

  cupel_connection_end_streams (self);
  if (!self->invalidated && cupel_driver_connection_ask_status (self->driver) != CUPEL_TRANSACTION_IDLE)
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

  if (cupel_driver_connection_ask_alive (self->driver))
    return TRUE;

  local = cupel_error_new_with_details (CUPEL_ERROR_DISCONNECTED, &details,
                                        "The connection to the server was lost before %s was sent: nothing was committed", command);
  cupel_connection_note_failure (self, local);
  g_propagate_error (error, local);
  return FALSE;
}

gboolean
cupel_connection_commit_all (CupelConnection  *self,
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

  status = cupel_driver_connection_ask_status (self->driver);
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
  if (!self->invalidated && cupel_driver_connection_ask_status (self->driver) == CUPEL_TRANSACTION_IDLE)
    give_up (self, "COMMIT failed, and the server rolled the transaction back", cupel_error_get_category (local));
  else if (!self->invalidated && cupel_error_get_category (local) == CUPEL_ERROR_CATEGORY_RETRY)
    give_up (self, "COMMIT lost a race against another transaction", CUPEL_ERROR_CATEGORY_RETRY);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* nested ones */

CupelTransaction *
cupel_connection_ensure_transaction (CupelConnection *self)
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
  outer = self->nested->len > 0 ? g_ptr_array_index (self->nested, self->nested->len - 1) : cupel_connection_ensure_transaction (self);
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
  if (cupel_driver_connection_ask_status (self->driver) == CUPEL_TRANSACTION_FAILED)
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
  return cupel_connection_commit_all (self, cancellable, error);
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
  return cupel_connection_roll_back_all (self, error);
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
