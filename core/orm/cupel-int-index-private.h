/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-entity-private.h"

G_BEGIN_DECLS

/* Entities by an integer of theirs that is a struct member, as nearly all keys are: found without a cell and without an allocation. */

/* @place: which entity it is, from 1; 0: empty. */
typedef struct
{
  gint64 key;
  guint  place;
} CupelIntSlot;

/* Open addressing. */
typedef struct
{
  CupelIntSlot *slots;
  guint         shift;   /* 64 less the logarithm of the size */
} CupelIntIndex;

static inline gboolean
cupel_attribute_is_integer (const CupelAttribute *attribute)
{
  return attribute->kind == CUPEL_SQL_INT64 || attribute->kind == CUPEL_SQL_INT32 || attribute->kind == CUPEL_SQL_INT16;
}

static inline gboolean
cupel_int_index_is_possible (CupelMapper *mapper,
                             guint        index)
{
  const CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);

  return cupel_attribute_is_integer (attribute) && (attribute->store == CUPEL_STORE_INT64 || attribute->store == CUPEL_STORE_INT);
}

static inline void
cupel_int_index_init (CupelIntIndex *self,
                      guint          n_keys)
{
  gsize size = 4;

  for (self->shift = 62; size < 2 * (gsize) n_keys; self->shift--)
    size *= 2;
  self->slots = g_new0 (CupelIntSlot, size);
}

static inline void
cupel_int_index_clear (CupelIntIndex *self)
{
  g_clear_pointer (&self->slots, g_free);
}

/* Where @key is, or may be put. */
static inline CupelIntSlot *
cupel_int_index_find (const CupelIntIndex *self,
                      gint64               key)
{
  const gsize mask = ((gsize) 1 << (64 - self->shift)) - 1;
  gsize i = (gsize) (((guint64) key * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)) >> self->shift);

  while (self->slots[i].place != 0 && self->slots[i].key != key)
    i = (i + 1) & mask;
  return &self->slots[i];
}

/* FALSE: NULL, or not loaded. */
static inline gboolean
cupel_entity_get_int (CupelEntity *entity,
                      CupelMapper *mapper,
                      guint        index,
                      gint64      *value)
{
  const CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);

  if (!cupel_entity_bit (mapper, &entity->loaded, index) || cupel_entity_bit (mapper, &entity->nulls, index))
    return FALSE;
  *value = attribute->store == CUPEL_STORE_INT64 ? G_STRUCT_MEMBER (gint64, entity, attribute->offset)
                                                 : G_STRUCT_MEMBER (int, entity, attribute->offset);
  return TRUE;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelIntIndex, cupel_int_index_clear)

G_END_DECLS
