/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-entity.h"
#include "orm/cupel-mapper-private.h"

G_BEGIN_DECLS

enum
{
  CUPEL_ENTITY_FLAG_PENDING    = 1 << 0,  /* in session->new */
  CUPEL_ENTITY_FLAG_PERSISTENT = 1 << 1,  /* has a row */
  CUPEL_ENTITY_FLAG_DELETED    = 1 << 2,  /* marked, or its row was deleted in this transaction */
  CUPEL_ENTITY_FLAG_DIRTY      = 1 << 3,  /* in session->dirty */
  CUPEL_ENTITY_FLAG_LOADING    = 1 << 4,  /* property changes are the loader's */
  CUPEL_ENTITY_FLAG_EXPIRED    = 1 << 6,
  CUPEL_ENTITY_FLAG_MARK       = 1 << 7,  /* scratch of one walk */
  CUPEL_ENTITY_FLAG_TOUCHED    = 1 << 9,  /* an attribute changed since its values were taken for a statement */
  CUPEL_ENTITY_FLAG_CASCADED   = 1 << 10, /* marked for deletion, and what goes with it is marked too */
  CUPEL_ENTITY_FLAG_WAITING    = 1 << 11, /* scratch of one walk */
  CUPEL_ENTITY_FLAG_BORN       = 1 << 8,  /* its row is the session's own: a collection that nobody touched is empty */
};

/* What only some entities have. */
typedef struct
{
  GObject    **related;         /* behind this, by relationship: CupelCollection, CupelWriteOnlyCollection, or the one side */
  guint64      related_loaded;
  guint64      related_weak;    /* the slot holds no reference: the one side owns this entity */
  guint64      related_changed; /* the one side was set by the program: the flush copies its key */
  CupelLoaderStrategy **strategies;  /* by relationship: what the query said, if not the mapping's */
  CupelValue **originals;       /* by attribute: what the row has, while the attribute is modified */
  CupelValue **snapshot;        /* classes with properties of their own: what was loaded */
} CupelEntityExtra;

static inline gboolean
cupel_entity_bit (CupelMapper           *mapper,
                  const CupelEntityBits *bits,
                  guint                  index)
{
  if (mapper->n_words == 1)
    return (bits->word >> index) & 1;
  return bits->words != NULL && ((bits->words[index / 64] >> (index % 64)) & 1);
}

static inline void
cupel_entity_set_bit (CupelMapper     *mapper,
                      CupelEntityBits *bits,
                      guint            index,
                      gboolean         value)
{
  guint64 *word = &bits->word;

  if (mapper->n_words > 1)
    {
      if (bits->words == NULL)
        bits->words = g_new0 (guint64, mapper->n_words);
      word = &bits->words[index / 64];
    }
  if (value)
    *word |= G_GUINT64_CONSTANT (1) << (index % 64);
  else
    *word &= ~(G_GUINT64_CONSTANT (1) << (index % 64));
}

/* The words of @bits, for reading: valid until they change. */
static inline const guint64 *
cupel_entity_peek_bits (CupelMapper           *mapper,
                        const CupelEntityBits *bits)
{
  static const guint64 zeros[64];

  return mapper->n_words == 1 ? &bits->word : bits->words != NULL ? bits->words : zeros;
}

gboolean          cupel_entity_bits_any        (CupelMapper            *mapper,
                                                const CupelEntityBits  *bits);
void              cupel_entity_bits_clear      (CupelMapper            *mapper,
                                                CupelEntityBits        *bits);

CupelEntityExtra *cupel_entity_extra           (CupelEntity            *self);   /* made when missing */

/* One attribute: from a row (no notify, no tracking), to a parameter set. On the main stack when the class is not native. */
gboolean          cupel_entity_store_cell      (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index,
                                                const CupelCell        *cell,
                                                GError                **error);
/* Like store_cell () for a value that the row does not have yet: to a class with properties of its own, what the row has stays known. */
gboolean          cupel_entity_change_cell     (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index,
                                                const CupelCell        *cell,
                                                GError                **error);
/* All attributes of a new entity, from a row: they count as loaded then. */
gboolean          cupel_entity_load_row        (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                const CupelCell        *row,
                                                GError                **error);
gboolean          cupel_entity_fetch_cell      (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index,
                                                CupelRowBlock          *block,
                                                CupelCell              *cell,
                                                GError                **error);
/* The same without a copy, for a struct member: the cell points into the entity and is good until that changes. */
gboolean          cupel_entity_peek_cell       (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index,
                                                CupelCell              *cell,
                                                GError                **error);
/* Whether an attribute has just this value. */
gboolean          cupel_entity_has_cell        (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index,
                                                const CupelCell        *cell);
/* What the row has in a column, as far as it is remembered apart from the attribute; else NULL. */
const CupelCell  *cupel_entity_row_cell        (CupelEntity            *self,
                                                guint                   index);
/* Sets an attribute as the flush does: loaded, not modified, without notify. */
gboolean          cupel_entity_assign_cell     (CupelEntity            *self,
                                                guint                   index,
                                                const CupelCell        *cell,
                                                GError                **error);
gint64            cupel_entity_fetch_int       (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index);
void              cupel_entity_expire          (CupelEntity            *self);
void              cupel_entity_forget_changes  (CupelEntity            *self);   /* what is in memory is what the row has */
/* The same for the attributes @binds alone. */
void              cupel_entity_forget_some     (CupelEntity            *self,
                                                const guint            *binds,
                                                guint                   n_binds);
/* After a statement wrote @row into the attributes @binds: those that have another value by now are modified. */
void              cupel_entity_keep_changes    (CupelEntity            *self,
                                                const guint            *binds,
                                                guint                   n_binds,
                                                const CupelCell        *row);
void              cupel_entity_discard_changes (CupelEntity            *self);   /* originals come back */
void              cupel_entity_touch           (CupelEntity            *self,
                                                CupelMapper            *mapper,
                                                guint                   index);  /* about to change: remembers the original, joins the dirty */
/* The related objects of a slot. */
GObject          *cupel_entity_peek_related    (CupelEntity            *self,
                                                guint                   relationship);
gboolean          cupel_entity_related_loaded  (CupelEntity            *self,
                                                guint                   relationship);
void              cupel_entity_store_related   (CupelEntity            *self,
                                                guint                   relationship,
                                                GObject                *related,     /* (transfer none) (nullable) */
                                                gboolean                weak);
/* The program said so, not a loader. */
void              cupel_entity_set_one         (CupelEntity            *self,
                                                guint                   relationship,
                                                CupelEntity            *related,     /* (nullable) */
                                                gboolean                weak);
/* The one whose collection it is in now. It is not held; where it was until now its session does, see cupel_session_keep (). */
void              cupel_entity_store_owner     (CupelEntity            *self,
                                                CupelRelationship      *relationship,
                                                CupelEntity            *owner,
                                                gboolean                changed);    /* the program said so, not a loader */
/* Somebody holds one of those in its collections. */
gboolean          cupel_entity_is_held_by_child (CupelEntity           *self);
/* They hold it again, and it has no collections: for when nobody else is left to hold it. */
void              cupel_entity_return_to_children (CupelEntity         *self);
/* A child that holds a parent which has it in its collection: each would keep the other alive. The parent owns it from now on. */
void              cupel_entity_weaken_parent   (CupelEntity            *self,
                                                CupelRelationship      *relationship);
void              cupel_entity_weaken_parents  (CupelEntity            *self);
void              cupel_entity_unload_related  (CupelEntity            *self,
                                                guint                   relationship);
/* The collection of a slot, made empty if there is none; whether it counts as loaded is the caller's business. */
CupelCollection  *cupel_entity_ensure_collection (CupelEntity          *self,
                                                CupelRelationship      *relationship);
/* The getter and setter of every class that is mapped in C; GObject does not inherit them. */
void              cupel_entity_get_property    (GObject                *object,
                                                guint                   prop_id,
                                                GValue                 *value,
                                                GParamSpec             *pspec);
void              cupel_entity_set_property    (GObject                *object,
                                                guint                   prop_id,
                                                const GValue           *value,
                                                GParamSpec             *pspec);
/* Of a class: whether it needs to know of notifications itself, as one with properties of its own does. */
void              cupel_entity_class_hear         (GObjectClass         *klass);
void              cupel_entity_class_hear_nothing (GObjectClass         *klass);
char             *cupel_entity_describe        (CupelEntity            *self);   /* "A with key 3", for messages */

G_END_DECLS
