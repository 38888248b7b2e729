/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-frozen-result-private.h"
#include "engine/cupel-result-private.h"

struct _CupelFrozenResult
{
  GObject     parent_instance;

  GPtrArray  *entities;    /* nullable: what the first column was, detached objects by now or not */
  GType       item_type;
  GPtrArray  *blocks;      /* nullable: rows */
  CupelRowShape *shape;
  guint       n_rows;
};

G_DEFINE_FINAL_TYPE (CupelFrozenResult, cupel_frozen_result, G_TYPE_OBJECT)

static void
cupel_frozen_result_finalize (GObject *object)
{
  CupelFrozenResult *self = CUPEL_FROZEN_RESULT (object);

  g_clear_pointer (&self->entities, g_ptr_array_unref);
  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  g_clear_pointer (&self->shape, cupel_row_shape_unref);

  G_OBJECT_CLASS (cupel_frozen_result_parent_class)->finalize (object);
}

static void
cupel_frozen_result_class_init (CupelFrozenResultClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_frozen_result_finalize;
}

static void
cupel_frozen_result_init (CupelFrozenResult *self)
{
}

/**
 * cupel_result_freeze:
 * @result: a result of which nothing was read
 *
 * Takes everything out of a result and detaches it from where it came from: it can be thawed many times, or merged into a session.
 * The result is consumed.
 *
 * Returns: (transfer full): a frozen result
 *
 * Since: 1.0
 */
CupelFrozenResult *
cupel_result_freeze (CupelResult *result)
{
  CupelFrozenResult *self;

  g_return_val_if_fail (CUPEL_IS_RESULT (result), NULL);

  self = g_object_new (CUPEL_TYPE_FROZEN_RESULT, NULL);
  self->shape = cupel_row_shape_ref (cupel_result_get_shape (result));
  if (cupel_result_has_entities (result))
    {
      gpointer entity;

      self->item_type = cupel_result_get_item_type (result);
      self->entities = g_ptr_array_new_with_free_func (g_object_unref);
      while ((entity = cupel_result_next (result)) != NULL)
        g_ptr_array_add (self->entities, g_object_ref (entity));
      self->n_rows = self->entities->len;
    }
  else
    {
      self->n_rows = cupel_result_get_n_rows (result);
      if (cupel_result_get_blocks (result) != NULL)
        self->blocks = g_ptr_array_ref (cupel_result_get_blocks (result));
    }
  cupel_result_close (result);
  return self;
}

/**
 * cupel_frozen_result_thaw:
 * @frozen: a frozen result
 *
 * Makes a result again, as often as wanted. Its entities are the ones that were frozen: use cupel_session_merge_frozen() to have a session's own.
 *
 * Returns: (transfer full): a result to read from its beginning
 *
 * Since: 1.0
 */
CupelResult *
cupel_frozen_result_thaw (CupelFrozenResult *frozen)
{
  CupelReply reply = { .row_count = -1 };

  g_return_val_if_fail (CUPEL_IS_FROZEN_RESULT (frozen), NULL);

  if (frozen->entities != NULL)
    {
      GPtrArray *entities = g_ptr_array_new_with_free_func (g_object_unref);

      for (guint i = 0; i < frozen->entities->len; i++)
        g_ptr_array_add (entities, g_object_ref (g_ptr_array_index (frozen->entities, i)));
      return cupel_result_new_entities (entities, frozen->item_type, NULL, NULL);
    }
  if (frozen->blocks != NULL)
    reply.blocks = g_ptr_array_ref (frozen->blocks);
  return cupel_result_new_with_shape (frozen->shape, &reply);
}

/**
 * cupel_frozen_result_get_n_rows:
 * @frozen: a frozen result
 *
 * Counts the rows, or entities.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
cupel_frozen_result_get_n_rows (CupelFrozenResult *frozen)
{
  g_return_val_if_fail (CUPEL_IS_FROZEN_RESULT (frozen), 0);

  return frozen->n_rows;
}

GPtrArray *
cupel_frozen_result_get_entities (CupelFrozenResult *self)
{
  return self->entities;
}

GType
cupel_frozen_result_get_item_type (CupelFrozenResult *self)
{
  return self->item_type;
}
