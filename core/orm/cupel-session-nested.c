/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions within that of a session, and transactions with options. */

#include "engine/cupel-connection-private.h"
#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-args-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-error-private.h"
#include "runtime/cupel-log-private.h"

static void
level_free (gpointer data)
{
  CupelSessionLevel *level = data;

  g_object_unref (level->transaction);
  g_hash_table_unref (level->inserted);
  g_ptr_array_unref (level->changed);
  g_free (level);
}

static CupelSessionLevel *
innermost (CupelSession *self)
{
  return self->levels != NULL && self->levels->len > 0 ? g_ptr_array_index (self->levels, self->levels->len - 1) : NULL;
}

static gboolean
find_level (CupelSession     *self,
            CupelTransaction *transaction,
            guint            *index)
{
  for (guint i = 0; self->levels != NULL && i < self->levels->len; i++)
    if (((CupelSessionLevel *) g_ptr_array_index (self->levels, i))->transaction == transaction)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

void
cupel_session_note_inserted (CupelSession *self,
                             CupelEntity  *entity)
{
  CupelSessionLevel *level = innermost (self);

  if (level != NULL)
    g_hash_table_add (level->inserted, g_object_ref (entity));
}

void
cupel_session_note_changed (CupelSession *self,
                            GPtrArray    *entities)
{
  CupelSessionLevel *level = innermost (self);

  for (guint i = 0; level != NULL && i < entities->len; i++)
    g_ptr_array_add (level->changed, g_object_ref (g_ptr_array_index (entities, i)));
}

/* An entity whose key changed, and the key that its row had. */
typedef struct
{
  CupelEntity   *entity;
  CupelRowBlock *key;
} CupelRekeyed;

static void
rekeyed_free (gpointer data)
{
  CupelRekeyed *rekeyed = data;

  g_object_unref (rekeyed->entity);
  cupel_row_block_unref (rekeyed->key);
  g_free (rekeyed);
}

void
cupel_session_note_rekeyed (CupelSession *self,
                            CupelEntity  *entity)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (mapper->n_key, 1);
  const CupelCell *cells[G_N_ELEMENTS (mapper->key)];
  CupelIdentityKey key;
  CupelRekeyed *rekeyed;

  if (!cupel_session_key_of (entity, block, cells, &key))
    return;
  rekeyed = g_new (CupelRekeyed, 1);
  rekeyed->entity = g_object_ref (entity);
  rekeyed->key = g_steal_pointer (&block);
  if (self->rekeyed == NULL)
    self->rekeyed = g_ptr_array_new_with_free_func (rekeyed_free);
  g_ptr_array_add (self->rekeyed, rekeyed);
}

void
cupel_session_undo_rekeyed (CupelSession *self,
                            guint         n_left)
{
  g_autoptr(GHashTable) moved = NULL;
  GHashTableIter iter;
  gpointer entity;

  if (self->rekeyed == NULL || self->rekeyed->len <= n_left)
    return;

  /* All leave the map before one comes back: they may have changed places. */
  moved = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  for (guint i = self->rekeyed->len; i > n_left; i--)
    {
      CupelRekeyed *rekeyed = g_ptr_array_index (self->rekeyed, i - 1);
      CupelMapper *mapper = cupel_mapper_of (rekeyed->entity);
      const CupelCell *row = cupel_row_block_get_row (rekeyed->key, 0);

      if (rekeyed->entity->session != self)
        continue;
      if (!g_hash_table_contains (moved, rekeyed->entity) && cupel_identity_map_remove (&self->identity, rekeyed->entity))
        g_hash_table_add (moved, g_object_ref (rekeyed->entity));
      for (guint k = 0; k < mapper->n_key; k++)
        cupel_entity_assign_cell (rekeyed->entity, mapper->key[k], &row[k], NULL);
    }
  g_ptr_array_set_size (self->rekeyed, (int) n_left);

  g_hash_table_iter_init (&iter, moved);
  while (g_hash_table_iter_next (&iter, &entity, NULL))
    cupel_session_put_back (self, entity);
}

void
cupel_session_forget_levels (CupelSession *self)
{
  g_clear_pointer (&self->levels, g_ptr_array_unref);
}

/* What was done in it is from now on a part of the one around it. */
static void
merge_innermost (CupelSession *self)
{
  g_autofree CupelSessionLevel *level = g_ptr_array_steal_index (self->levels, self->levels->len - 1);
  CupelSessionLevel *outer = innermost (self);

  if (outer != NULL)
    {
      GHashTableIter iter;
      gpointer entity;

      g_hash_table_iter_init (&iter, level->inserted);
      while (g_hash_table_iter_next (&iter, &entity, NULL))
        g_hash_table_add (outer->inserted, g_object_ref (entity));
      g_ptr_array_extend_and_steal (outer->changed, g_steal_pointer (&level->changed));
    }
  g_clear_pointer (&level->changed, g_ptr_array_unref);
  g_hash_table_unref (level->inserted);
  g_object_unref (level->transaction);
}

static void
forget_and_expire (CupelEntity *entity)
{
  entity->flags &= ~(CUPEL_ENTITY_FLAG_DELETED | CUPEL_ENTITY_FLAG_DIRTY);
  cupel_entity_discard_changes (entity);
  cupel_entity_expire (entity);
}

/* Those that got their rows in it are transient again, those whose rows went in it are back, and of those that it changed nothing is known
 * any more. The others keep what they have. */
static void
undo_innermost (CupelSession *self)
{
  CupelSessionLevel *level = g_ptr_array_steal_index (self->levels, self->levels->len - 1);
  g_autoptr(GPtrArray) dirty = g_steal_pointer (&self->dirty);
  g_autoptr(GPtrArray) deleted = g_steal_pointer (&self->deleted);
  g_autoptr(GPtrArray) back = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  self->dirty = g_ptr_array_new_with_free_func (g_object_unref);
  self->deleted = g_ptr_array_new_with_free_func (g_object_unref);
  cupel_session_drop_new (self);

  while (self->gone->len > level->n_gone)
    {
      g_autoptr(CupelEntity) entity = g_ptr_array_steal_index (self->gone, self->gone->len - 1);

      if (g_hash_table_contains (level->inserted, entity))
        continue;
      g_ptr_array_add (back, entity);
      g_ptr_array_add (level->changed, g_object_ref (entity));
    }

  g_hash_table_iter_init (&iter, level->inserted);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      CupelEntity *entity = key;

      /* Taken out of the session since, it may be in another. */
      if (entity->session != NULL && entity->session != self)
        continue;
      cupel_identity_map_remove (&self->identity, entity);
      cupel_entity_forget_changes (entity);
      entity->session = NULL;
      entity->flags = 0;
    }

  /* What is to be written, or deleted, and was not yet, became so in it: beginning it flushed. */
  g_ptr_array_extend_and_steal (level->changed, g_steal_pointer (&dirty));
  g_ptr_array_extend_and_steal (level->changed, g_steal_pointer (&deleted));
  for (guint i = 0; i < level->changed->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (level->changed, i);

      if (entity->session == self && (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
        forget_and_expire (entity);
    }
  cupel_session_undo_rekeyed (self, level->n_rekeyed);
  /* The first that was deleted is the last here, and had the row before others with its key came. */
  for (guint i = 0; i < back->len; i++)
    cupel_session_put_back (self, g_ptr_array_index (back, i));
  level_free (level);
}

/* With the connection's part. Outer ones stay. */
static gboolean
roll_back_level (CupelSession  *self,
                 guint          index,
                 GError       **error)
{
  CupelSessionLevel *level = g_ptr_array_index (self->levels, index);
  g_autoptr(CupelTransaction) transaction = g_object_ref (level->transaction);
  gboolean ok = TRUE;

  if (self->connection != NULL && cupel_connection_enter (self->connection, self->operation, TRUE, error))
    {
      ok = cupel_connection_roll_back_one (self->connection, transaction, error);
      cupel_connection_leave (self->connection);
    }
  else
    ok = self->connection == NULL;
  while (self->levels != NULL && self->levels->len > index)
    undo_innermost (self);
  return ok;
}

void
cupel_session_fail (CupelSession *self,
                    const GError *failure)
{
  CupelSessionLevel *level = innermost (self);
  g_autofree char *message = g_strdup (failure->message);
  CupelErrorCategory category = cupel_error_get_category (failure);

  cupel_session_clear_failure (self);
  /* With a savepoint only what came after it is lost, unless the server gave up more. */
  if (level != NULL && level->transaction->end == CUPEL_END_NONE && !cupel_connection_is_invalidated (self->connection))
    {
      g_autoptr(CupelTransaction) transaction = g_object_ref (level->transaction);

      if (roll_back_level (self, self->levels->len - 1, NULL))
        {
          transaction->end = CUPEL_END_FAILED;
          self->failed = g_steal_pointer (&transaction);
        }
    }
  if (self->failed == NULL)
    cupel_session_do_rollback (self, NULL);
  self->failure = g_steal_pointer (&message);
  self->failure_category = category;
}

/* What CupelTransaction calls for the nested ones of a session. */

static gboolean
layer_commit (CupelTransaction  *transaction,
              gpointer           owner,
              GCancellable      *cancellable,
              GError           **error)
{
  CupelSession *self = owner;
  gboolean ok;
  guint index;

  if (!cupel_session_enter (self, "cupel_transaction_commit", error))
    return FALSE;

  ok = cupel_session_do_flush (self, cancellable, error);
  if (ok && cupel_connection_enter (self->connection, self->operation, FALSE, error))
    {
      ok = cupel_connection_commit_one (self->connection, transaction, cancellable, error);
      cupel_connection_leave (self->connection);
    }
  else
    ok = FALSE;
  if (ok && find_level (self, transaction, &index))
    while (self->levels->len > index)
      merge_innermost (self);

  cupel_session_leave (self);
  return ok;
}

static gboolean
layer_rollback (CupelTransaction  *transaction,
                gpointer           owner,
                GError           **error)
{
  CupelSession *self = owner;
  gboolean ok = TRUE;
  guint index;

  if (transaction->end != CUPEL_END_NONE && self->failed != transaction && !find_level (self, transaction, &index))
    return TRUE;
  if (!cupel_session_enter_cleanup (self, "cupel_transaction_rollback", error))
    return FALSE;

  if (self->failed == transaction)
    {
      cupel_session_clear_failure (self);
    }
  else if (find_level (self, transaction, &index))
    {
      ok = roll_back_level (self, index, error);
      /* What failed was within it. */
      if (self->failed != NULL)
        cupel_session_clear_failure (self);
    }

  cupel_session_leave (self);
  return ok;
}

static const CupelTransactionLayer layer = { layer_commit, layer_rollback, cupel_session_claim };

static gpointer
begin_nested_body (gpointer       data,
                   gpointer       args,
                   GCancellable  *cancellable,
                   GError       **error)
{
  CupelSession *self = data;
  CupelTransaction *transaction = NULL;

  if (!cupel_session_enter (self, "cupel_session_begin_nested", error))
    return NULL;

  if (cupel_session_do_flush (self, cancellable, error) && cupel_session_acquire (self, cancellable, error) != NULL &&
      cupel_connection_enter (self->connection, self->operation, FALSE, error))
    {
      transaction = cupel_connection_open_nested (self->connection, cancellable, error);
      cupel_connection_leave (self->connection);
    }
  if (transaction != NULL)
    {
      CupelSessionLevel *level = g_new0 (CupelSessionLevel, 1);

      level->transaction = g_object_ref (transaction);
      level->inserted = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
      level->changed = g_ptr_array_new_with_free_func (g_object_unref);
      level->n_gone = self->gone->len;
      level->n_rekeyed = self->rekeyed != NULL ? self->rekeyed->len : 0;
      if (self->levels == NULL)
        self->levels = g_ptr_array_new_with_free_func (level_free);
      g_ptr_array_add (self->levels, level);
      cupel_transaction_set_layer (transaction, &layer, self);
    }

  cupel_session_leave (self);
  return transaction;
}

static gpointer
begin_transaction_body (gpointer       data,
                        gpointer       args_data,
                        GCancellable  *cancellable,
                        GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;

  if (!cupel_session_enter (self, "cupel_session_begin_transaction", error))
    return NULL;
  cupel_session_leave (self);
  if (cupel_session_in_transaction (self))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "a transaction is in progress already in this session; commit or roll it back first, or begin a nested one");
      return NULL;
    }
  if (args->isolation == CUPEL_ISOLATION_AUTOCOMMIT)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "AUTOCOMMIT means no transactions: one cannot be begun with it");
      return NULL;
    }
  self->begun = TRUE;
  self->isolation = args->isolation;
  self->begin_flags = args->flags;
  return GINT_TO_POINTER (TRUE);
}

static gpointer
run_nested_body (gpointer       data,
                 gpointer       args_data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  g_autoptr(CupelTransaction) transaction = begin_nested_body (self, NULL, cancellable, error);
  g_autoptr(GError) clean_up = NULL;
  CupelSessionBlock block;
  gboolean ok;

  if (transaction == NULL)
    return GINT_TO_POINTER (FALSE);

  block = (CupelSessionBlock) { transaction, self->serial, self->block };
  self->block = &block;
  ok = args->func (self, args->func_data, cancellable, error);
  self->block = block.outer;

  if (ok && transaction->end == CUPEL_END_NONE)
    ok = cupel_transaction_commit (transaction, cancellable, error);
  else if (ok && (transaction->end == CUPEL_END_FAILED || self->failure != NULL))
    {
      /* The function did not mind, but what it did is undone. */
      ok = FALSE;
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK, "The nested transaction cannot be committed: %s",
                   self->failure != NULL ? self->failure : "it was rolled back");
    }
  if (!ok && !cupel_transaction_rollback (transaction, NULL, &clean_up))
    {
      cupel_log (CUPEL_LOG_ORM, G_LOG_LEVEL_INFO, "Rolling back after an error failed too: %s", clean_up->message);
      if (error != NULL && *error != NULL)
        cupel_error_append (*error, " (rolling back after that failed too: %s)", clean_up->message);
    }
  return GINT_TO_POINTER (ok);
}

/* the public calls */

static const CupelCall begin_transaction_call = { "cupel_session_begin_transaction", begin_transaction_body, .claim = cupel_session_claim };
static const CupelCall begin_nested_call = {
  "cupel_session_begin_nested", begin_nested_body, g_object_unref, .claim = cupel_session_claim
};
static const CupelCall run_nested_call = { "cupel_session_run_nested", run_nested_body, .claim = cupel_session_claim };

/**
 * cupel_session_begin_transaction:
 * @session: a session
 * @isolation: the isolation level of this transaction, %CUPEL_ISOLATION_DEFAULT for that of the engine
 * @flags: how it is to be
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Begins a transaction that differs from the session's others. No I/O is done yet: what the server does not have is refused with the first
 * statement, as %CUPEL_ERROR_UNSUPPORTED.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set if one is in progress
 *
 * Since: 1.0
 */
gboolean
cupel_session_begin_transaction (CupelSession         *session,
                                 CupelIsolationLevel   isolation,
                                 CupelBeginFlags       flags,
                                 GCancellable         *cancellable,
                                 GError              **error)
{
  CupelSessionArgs args = { .isolation = isolation, .flags = flags };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&begin_transaction_call, session, &args, cancellable, error));
}

/**
 * cupel_session_begin_transaction_async:
 * @session: a session
 * @isolation: the isolation level of this transaction, %CUPEL_ISOLATION_DEFAULT for that of the engine
 * @flags: how it is to be
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_begin_transaction().
 *
 * Since: 1.0
 */
void
cupel_session_begin_transaction_async (CupelSession        *session,
                                       CupelIsolationLevel  isolation,
                                       CupelBeginFlags      flags,
                                       GCancellable        *cancellable,
                                       GAsyncReadyCallback  callback,
                                       gpointer             user_data)
{
  CupelSessionArgs args = { .isolation = isolation, .flags = flags };

  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&begin_transaction_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback,
                    user_data);
}

/**
 * cupel_session_begin_transaction_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_begin_transaction_async().
 *
 * Returns: %TRUE, or %FALSE with @error set if one is in progress
 *
 * Since: 1.0
 */
gboolean
cupel_session_begin_transaction_finish (CupelSession  *session,
                                        GAsyncResult  *result,
                                        GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&begin_transaction_call, session, result, error));
}

/**
 * cupel_session_begin_nested:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes, and begins a transaction within the one in progress: sets a savepoint. When it is rolled back, the entities that it inserted are
 * transient again, those that it deleted are back, the attributes of those that it changed are expired, and everything else stays as it is.
 * A flush that fails in it undoes no more than it, and what is to be rolled back then is the nested transaction.
 *
 * The transaction is ended by cupel_transaction_commit() or cupel_transaction_rollback(). cupel_session_commit() and
 * cupel_session_rollback() end it together with everything around it.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full): the nested transaction, or %NULL with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_session_begin_nested_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_begin_nested().
 *
 * Since: 1.0
 */

/**
 * cupel_session_begin_nested_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_begin_nested_async().
 *
 * Returns: (transfer full): the nested transaction, or %NULL with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS (cupel_session_begin_nested, CupelTransaction *, CupelSession, CUPEL_IS_SESSION, begin_nested_call)

/**
 * cupel_session_get_nested_transaction:
 * @session: a session
 *
 * Gets the innermost nested transaction that is open.
 *
 * Returns: (transfer none) (nullable): the transaction; %NULL when none is nested
 *
 * Since: 1.0
 */
CupelTransaction *
cupel_session_get_nested_transaction (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return innermost (session) != NULL ? innermost (session)->transaction : NULL;
}

/**
 * cupel_session_get_attempt:
 * @session: a session
 *
 * Gets which try of a function the session was made for, see cupel_session_factory_run_transaction().
 *
 * Returns: the number, from 1; 1 for every other session
 *
 * Since: 1.0
 */
guint
cupel_session_get_attempt (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), 1);

  return session->attempt;
}

/**
 * cupel_session_run_nested: (skip)
 * @session: a session
 * @func: the work
 * @func_data: data for @func
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Runs a function in a nested transaction and commits it; when the function, the flush after it or the commit fails, the nested transaction is
 * rolled back, the first error is the one that is reported, and the transaction around it goes on. The function may end the nested
 * transaction itself: what it does with the session after that fails with %CUPEL_ERROR_CLOSED, until it has returned.
 *
 * Returns: %TRUE when the nested transaction was committed, or ended by the function without an error
 *
 * Since: 1.0
 */
gboolean
cupel_session_run_nested (CupelSession      *session,
                          CupelSessionFunc   func,
                          gpointer           func_data,
                          GCancellable      *cancellable,
                          GError           **error)
{
  CupelSessionArgs args = { .func = func, .func_data = func_data };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_nested_call, session, &args, cancellable, error));
}

/**
 * cupel_session_run_nested_async: (skip)
 * @session: a session
 * @func: the work
 * @func_data: data for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable
 * @callback: called when it is done, on the main stack
 * @user_data: data for @callback
 *
 * Runs a function in a nested transaction, in a fiber of its own. See cupel_session_run_nested().
 *
 * Since: 1.0
 */
void
cupel_session_run_nested_async (CupelSession        *session,
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

  cupel_call_async (&run_nested_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_run_nested_finish: (skip)
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_run_nested_async().
 *
 * Returns: %TRUE when the nested transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_session_run_nested_finish (CupelSession  *session,
                                 GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_nested_call, session, result, error));
}
