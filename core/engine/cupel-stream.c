/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-stream-private.h"
#include "engine/cupel-time-limit-private.h"
#include "runtime/cupel-call-private.h"

G_DEFINE_FINAL_TYPE (CupelStream, cupel_stream, G_TYPE_OBJECT)

static void
drop_block (CupelStream *self)
{
  self->cells = NULL;
  self->row = 0;
  self->entity = 0;
  g_clear_pointer (&self->block, cupel_row_block_unref);
  g_clear_pointer (&self->entities, g_ptr_array_unref);
}

static void
unlink_from_connection (CupelStream *self)
{
  if (self->linked)
    cupel_connection_remove_stream (self->connection, self);
  self->linked = FALSE;
}

static void
end (CupelStream *self)
{
  self->over = TRUE;
  g_clear_object (&self->cursor);
  g_clear_pointer (&self->waiting, g_ptr_array_unref);
  unlink_from_connection (self);
}

static void
cupel_stream_dispose (GObject *object)
{
  CupelStream *self = CUPEL_STREAM (object);

  /* Closing would suspend: the connection does it before its next operation. */
  if (self->cursor != NULL)
    cupel_connection_adopt_cursor (self->connection, g_steal_pointer (&self->cursor));
  if (self->connection != NULL)
    end (self);
  drop_block (self);
  if (self->materialize_destroy != NULL)
    self->materialize_destroy (g_steal_pointer (&self->materialize_data));
  self->materialize_destroy = NULL;

  G_OBJECT_CLASS (cupel_stream_parent_class)->dispose (object);
}

static void
cupel_stream_finalize (GObject *object)
{
  CupelStream *self = CUPEL_STREAM (object);

  g_clear_object (&self->connection);
  g_clear_pointer (&self->shape, cupel_row_shape_unref);

  G_OBJECT_CLASS (cupel_stream_parent_class)->finalize (object);
}

static void
cupel_stream_class_init (CupelStreamClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = cupel_stream_dispose;
  object_class->finalize = cupel_stream_finalize;
}

static void
cupel_stream_init (CupelStream *self)
{
  self->item_type = G_TYPE_INVALID;
}

CupelStream *
cupel_stream_new_from_reply (gpointer       connection,
                             CupelCompiled *compiled,
                             CupelReply    *reply)
{
  CupelStream *self = g_object_new (CUPEL_TYPE_STREAM, NULL);

  self->connection = g_object_ref (CUPEL_CONNECTION (connection));
  self->shape = cupel_row_shape_new (compiled, reply);
  self->cursor = g_steal_pointer (&reply->cursor);
  if (self->cursor == NULL)
    {
      self->waiting = g_steal_pointer (&reply->blocks);
      self->over = self->waiting == NULL;
    }
  if (!self->over)
    {
      cupel_connection_add_stream (self->connection, self);
      self->linked = TRUE;
    }

  return self;
}

void
cupel_stream_set_materialize (CupelStream            *self,
                              GType                   item_type,
                              CupelStreamMaterialize  materialize,
                              gpointer                user_data,
                              GDestroyNotify          destroy)
{
  self->item_type = item_type;
  self->materialize = materialize;
  self->materialize_data = user_data;
  self->materialize_destroy = destroy;
}

gboolean
cupel_stream_end (CupelStream  *self,
                  gboolean      polite,
                  gint64        deadline,
                  GError      **error)
{
  gboolean success = TRUE;

  if (self->cursor != NULL && polite)
    success = cupel_driver_cursor_close (self->cursor, deadline, error);
  self->cut_short = !self->over;
  drop_block (self);
  end (self);

  return success;
}

/* The driver's part of a fetch. NULL without an error: the end. */
static CupelRowBlock *
take_block (CupelStream   *self,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelTimeLimit limit = { 0 };
  CupelTransactionStatus before;
  GError *local = NULL;
  CupelRowBlock *block;

  if (self->waiting != NULL)
    {
      /* All is here already, and for who gave up it might as well not be. */
      if (self->n_taken >= self->waiting->len || g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
      return cupel_row_block_ref (self->waiting->pdata[self->n_taken++]);
    }

  before = cupel_driver_connection_get_status (self->connection->driver);
  if (G_UNLIKELY (self->connection->statement_timeout > 0))
    cancellable = cupel_time_limit_start (&limit, self->connection->statement_timeout, cancellable);
  block = cupel_driver_cursor_fetch (self->cursor, cancellable, &local);
  if (block == NULL && local != NULL)
    {
      cupel_time_limit_finish (&limit, "Reading the stream", "statement-timeout", &local);
      cupel_connection_note_failed_statement (self->connection, before, local);
      g_propagate_error (error, local);
    }
  cupel_time_limit_end (&limit);

  return block;
}

/* Replaces the block by the next one that has rows. Between enter and leave; *has_block is FALSE at the end. */
static gboolean
next_block (CupelStream   *self,
            gboolean      *has_block,
            GCancellable  *cancellable,
            GError       **error)
{
  GError *local = NULL;

  *has_block = FALSE;
  drop_block (self);

  do
    {
      g_clear_pointer (&self->block, cupel_row_block_unref);
      self->block = take_block (self, cancellable, &local);
    }
  while (self->block != NULL && self->block->n_rows == 0);

  if (self->block != NULL)
    {
      if (G_UNLIKELY (self->block->n_columns < self->shape->n_columns))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL,
                       "The driver sent rows of %u columns where %u were announced",
                       self->block->n_columns, self->shape->n_columns);
          drop_block (self);
          return FALSE;
        }
      *has_block = TRUE;
      return TRUE;
    }

  if (local != NULL)
    {
      /* A cancelled fetch may be tried again; anything else ended the stream. */
      if (!(g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED) || g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT)) ||
          cupel_connection_is_invalidated (self->connection))
        {
          if (self->cursor != NULL)
            cupel_connection_adopt_cursor (self->connection, g_steal_pointer (&self->cursor));
          self->cut_short = TRUE;
          end (self);
        }
      g_propagate_error (error, local);
      return FALSE;
    }

  end (self);
  return TRUE;
}

/* For what reads: rows that are here need no connection. */
static const char **
claim_for_rows (gpointer      self_,
                gpointer      args,
                const char   *operation,
                GObject     **owner,
                GError      **error)
{
  CupelStream *self = self_;

  if (self->over || self->cut_short || (self->entities != NULL && self->entity < self->entities->len) ||
      (self->block != NULL && self->entities == NULL && self->row < self->block->n_rows))
    return NULL;
  return cupel_connection_claim (self->connection, NULL, operation, owner, error);
}

static const char **
claim (gpointer      self_,
       gpointer      args,
       const char   *operation,
       GObject     **owner,
       GError      **error)
{
  CupelStream *self = self_;

  return self->over ? NULL : cupel_connection_claim (self->connection, NULL, operation, owner, error);
}

static gboolean
check_readable (CupelStream  *self,
                const char   *operation,
                GError      **error)
{
  if (!self->cut_short)
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
               "%s() was called on a stream that ended early: it was closed, it failed, or its transaction is over", operation);
  return FALSE;
}

/* TRUE: a block with rows is there. FALSE without an error: the end. */
static gpointer
fetch_body (gpointer       self_,
            gpointer       operation,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelStream *self = self_;
  gboolean has_block = FALSE;

  if (!check_readable (self, operation, error))
    return GINT_TO_POINTER (FALSE);
  if (self->over)
    {
      drop_block (self);
      return GINT_TO_POINTER (FALSE);
    }
  if (!cupel_connection_enter (self->connection, operation, FALSE, error))
    return GINT_TO_POINTER (FALSE);

  next_block (self, &has_block, cancellable, error);
  cupel_connection_leave (self->connection);
  return GINT_TO_POINTER (has_block);
}

static const CupelCall step_call = { "cupel_stream_step", fetch_body, NULL, "cupel_stream_next_rows_async" };

/**
 * cupel_stream_step:
 * @self: a stream
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Moves to the next row; at first, to the first one. It suspends only where a block ends.
 *
 * Returns: %TRUE if there is one; %FALSE at the end, or with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_stream_step (CupelStream   *self,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), FALSE);

  if (self->block == NULL || self->row >= self->block->n_rows)
    {
      if (self->over && !self->cut_short)
        {
          drop_block (self);
          return FALSE;
        }
      if (!cupel_call_sync (&step_call, self, (gpointer) "cupel_stream_step", cancellable, error))
        return FALSE;
    }

  cupel_fiber_tick ();
  /* The tick may have let somebody close the stream. */
  if (G_UNLIKELY (self->block == NULL))
    {
      check_readable (self, "cupel_stream_step", error);
      return FALSE;
    }
  self->cells = cupel_row_block_get_row (self->block, self->row++);
  return TRUE;
}

/* entities */

/* Makes self->entities stand at an entity to hand out. FALSE without an error: the end. */
static gboolean
have_entity (CupelStream   *self,
             const char    *operation,
             GCancellable  *cancellable,
             GError       **error)
{
  for (;;)
    {
      GPtrArray *entities;

      if (self->entities != NULL && self->entity < self->entities->len)
        return TRUE;
      if (self->block == NULL || self->entities != NULL || self->row >= self->block->n_rows)
        {
          if (!fetch_body (self, (gpointer) operation, cancellable, error))
            return FALSE;
        }

      /* Outside of the operation slot: it may execute statements itself. The block is held: a rollback could drop it meanwhile. */
      {
        g_autoptr(CupelRowBlock) block = cupel_row_block_ref (self->block);

        entities = self->materialize (block, self->materialize_data, cancellable, error);
        if (entities == NULL)
          return FALSE;
        if (!check_readable (self, operation, error))
          {
            g_ptr_array_unref (entities);
            return FALSE;
          }
      }
      self->row = self->block->n_rows;
      self->entities = entities;
      self->entity = 0;
    }
}

static gboolean
check_entities (CupelStream  *self,
                const char   *operation,
                GError      **error)
{
  if (self->materialize != NULL)
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
               "%s() is for streams of a mapped class: use cupel_stream_step() or cupel_stream_next_rows()", operation);
  return FALSE;
}

static gpointer
have_entity_body (gpointer       self,
                  gpointer       operation,
                  GCancellable  *cancellable,
                  GError       **error)
{
  return GINT_TO_POINTER (have_entity (self, operation, cancellable, error));
}

static const CupelCall next_call = { "cupel_stream_next", have_entity_body, NULL, "cupel_stream_next_list_async" };

/**
 * cupel_stream_next:
 * @self: a stream of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets the next entity. It suspends only where a block ends.
 *
 * Returns: (transfer none) (nullable) (type GObject.Object): the entity, valid until the next block is read unless somebody else
 *   holds it; %NULL at the end, or with @error set
 *
 * Since: 1.0
 */
gpointer
cupel_stream_next (CupelStream   *self,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), NULL);

  if (self->entities == NULL || self->entity >= self->entities->len)
    {
      if (!check_entities (self, "cupel_stream_next", error))
        return NULL;
      if (self->over && !self->cut_short)
        {
          if (self->block == NULL || self->entities != NULL)
            {
              drop_block (self);
              return NULL;
            }
        }
      if (!cupel_call_sync (&next_call, self, (gpointer) "cupel_stream_next", cancellable, error))
        return NULL;
    }

  cupel_fiber_tick ();
  if (G_UNLIKELY (self->entities == NULL))
    {
      check_readable (self, "cupel_stream_next", error);
      return NULL;
    }
  return self->entities->pdata[self->entity++];
}

static gpointer
next_list_body (gpointer       self_,
                gpointer       args,
                GCancellable  *cancellable,
                GError       **error)
{
  CupelStream *self = self_;
  GListStore *list;

  if (!check_entities (self, "cupel_stream_next_list", error) ||
      !have_entity (self, "cupel_stream_next_list", cancellable, error))
    return NULL;

  list = g_list_store_new (self->item_type);
  g_list_store_splice (list, 0, 0, &self->entities->pdata[self->entity], self->entities->len - self->entity);
  self->entity = self->entities->len;
  return list;
}

static const CupelCall next_list_call = { "cupel_stream_next_list", next_list_body, g_object_unref, .claim = claim_for_rows };

/**
 * cupel_stream_next_list_async:
 * @self: a stream of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Gets the entities of the next block. See cupel_stream_next_list().
 *
 * Since: 1.0
 */

/**
 * cupel_stream_next_list_finish:
 * @self: a stream
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_stream_next_list_async().
 *
 * Returns: (transfer full) (nullable): the entities; %NULL at the end, or with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_stream_next_list:
 * @self: a stream of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets the entities of the next block, or those that are left of the block that is being read.
 *
 * Returns: (transfer full) (nullable): the entities; %NULL at the end, or with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS (cupel_stream_next_list, GListModel *, CupelStream, CUPEL_IS_STREAM, next_list_call)

static gpointer
next_rows_body (gpointer       self_,
                gpointer       args,
                GCancellable  *cancellable,
                GError       **error)
{
  CupelStream *self = self_;
  GPtrArray *rows;

  if (self->block == NULL || self->row >= self->block->n_rows)
    if (!fetch_body (self, (gpointer) "cupel_stream_next_rows", cancellable, error))
      return NULL;

  rows = g_ptr_array_new_full (self->block->n_rows - self->row, (GDestroyNotify) cupel_row_unref);
  while (self->row < self->block->n_rows)
    g_ptr_array_add (rows, cupel_row_new (self->shape, self->block, self->row++));
  self->cells = NULL;

  return rows;
}

static const CupelCall next_rows_call = {
  "cupel_stream_next_rows", next_rows_body, (GDestroyNotify) g_ptr_array_unref, .claim = claim_for_rows
};

/**
 * cupel_stream_next_rows_async:
 * @self: a stream
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Gets the rows of the next block. See cupel_stream_next_rows().
 *
 * Since: 1.0
 */

/**
 * cupel_stream_next_rows_finish:
 * @self: a stream
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_stream_next_rows_async().
 *
 * Returns: (transfer container) (nullable) (element-type CupelRow): the rows; %NULL at the end, or with @error set
 *
 * Since: 1.0
 */

/**
 * cupel_stream_next_rows:
 * @self: a stream
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets the rows of the next block, or those that are left of the block that is being read.
 *
 * Returns: (transfer container) (nullable) (element-type CupelRow): the rows; %NULL at the end, or with @error set
 *
 * Since: 1.0
 */
CUPEL_CALL_FORMS (cupel_stream_next_rows, GPtrArray *, CupelStream, CUPEL_IS_STREAM, next_rows_call)

/* closing */

static gpointer
close_body (gpointer       self_,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelStream *self = self_;
  gboolean success = TRUE;

  if (self->over)
    {
      drop_block (self);
      return GINT_TO_POINTER (TRUE);
    }
  if (!cupel_connection_enter (self->connection, "cupel_stream_close", TRUE, error))
    return GINT_TO_POINTER (FALSE);

  {
    GError *local = NULL;

    success = cupel_stream_end (self, !cupel_connection_is_invalidated (self->connection),
                                g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME, &local);
    if (!success)
      {
        cupel_connection_note_failure (self->connection, local);
        g_propagate_error (error, local);
      }
  }

  cupel_connection_leave (self->connection);
  return GINT_TO_POINTER (success);
}

static const CupelCall close_call = { "cupel_stream_close", close_body, .claim = claim };

/**
 * cupel_stream_close_async:
 * @self: a stream
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Ends the stream early. See cupel_stream_close().
 *
 * Since: 1.0
 */
void
cupel_stream_close_async (CupelStream         *self,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_STREAM (self));

  cupel_call_async (&close_call, self, NULL, NULL, NULL, callback, user_data);
}

/**
 * cupel_stream_close_finish:
 * @self: a stream
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_stream_close_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_stream_close_finish (CupelStream   *self,
                           GAsyncResult  *result,
                           GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&close_call, self, result, error));
}

/**
 * cupel_stream_close:
 * @self: a stream
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @error: return location for an error
 *
 * Ends the stream early. At the end of the rows it closes itself. Calling it again does nothing.
 *
 * Returns: %TRUE, or %FALSE with @error set; the stream is closed in either case, but for %CUPEL_ERROR_BUSY
 *
 * Since: 1.0
 */
gboolean
cupel_stream_close (CupelStream   *self,
                    GCancellable  *cancellable,
                    GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), FALSE);

  if (self->over)
    {
      drop_block (self);
      return TRUE;
    }
  return GPOINTER_TO_INT (cupel_call_sync (&close_call, self, NULL, NULL, error));
}

/**
 * cupel_stream_has_entities:
 * @self: a stream
 *
 * Tells whether the first column is a mapped class: cupel_stream_next_list() is for such a stream, cupel_stream_next_rows() for any other.
 *
 * Returns: %TRUE if it has entities
 *
 * Since: 1.0
 */
gboolean
cupel_stream_has_entities (CupelStream *self)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), FALSE);

  return self->item_type != G_TYPE_INVALID;
}

/**
 * cupel_stream_is_closed:
 * @self: a stream
 *
 * Tells whether nothing more will be fetched. Rows that were fetched before the end mark may still be read.
 *
 * Returns: %TRUE after the end of the rows, after cupel_stream_close(), and after the end of the transaction
 *
 * Since: 1.0
 */
gboolean
cupel_stream_is_closed (CupelStream *self)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), TRUE);

  return self->over;
}
