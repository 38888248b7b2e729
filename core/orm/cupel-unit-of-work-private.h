/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-session-private.h"

G_BEGIN_DECLS

/* The flush gives the main loop its turn between any two entities, and waits for the database between any two statements: the program may do
 * to entities and collections what it likes meanwhile. So a walk holds what it walks over. Of attributes, the flush writes what they are when
 * their entity is written down: a later change stays one, and its entity dirty. Of collections, it writes what had come and gone when it began:
 * what is appended or removed meanwhile waits for the next flush, as does what is added to the session, and what is marked for deletion once it
 * is known what goes with the others. What was taken out of the session is not written any more. */
typedef struct
{
  CupelSession *session;
  GPtrArray *mappers;       /* parents first */
  GPtrArray *inserts;       /* what was new at the start; holds references */
  GHashTable *inserts_of;   /* the same by class, once it is known what is deleted; holds none */
  GPtrArray *parents;       /* what was dirty at the start, and has collections or references; holds references */
  GHashTable *adopted;      /* by relationship: the set of what collections got; NULL: nothing was taken out of any */
  GHashTable *pending;      /* by relationship: what may be in collections that are not loaded; NULL: nobody asked yet */
  GCancellable *cancellable;
} CupelFlush;

/* Of cupel-unit-of-work-keys.c: keys that travel between entities. */

/* @to.attribute = @from.attribute; NULL when @from is NULL. */
gboolean       cupel_flush_copy_key        (CupelEntity           *from,
                                            guint                  from_index,
                                            CupelEntity           *to,
                                            guint                  to_index,
                                            GError               **error);
/* At the start: what is to be written of all collections. What has left one may be in another. */
void           cupel_flush_take_children   (CupelFlush            *flush);
/* After a failure: what was not written is still to be. */
void           cupel_flush_give_back_children (CupelFlush         *flush);
gboolean       cupel_flush_sync_children   (CupelFlush            *flush,
                                            CupelEntity           *entity,
                                            GError               **error);
gboolean       cupel_flush_sync_references (CupelEntity           *entity,
                                            GError               **error);
/* Whether @child is to have @parent; @otherwise: what holds when that is not known. */
gboolean       cupel_flush_is_child        (CupelRelationship     *relationship,
                                            CupelEntity           *parent,
                                            CupelEntity           *child,
                                            gboolean               otherwise);
/* Collections were changed since. */
gboolean       cupel_flush_has_children    (CupelEntity           *entity);
/* It was made to refer to another since, or to one that is still to come, whose key it does not have. */
gboolean       cupel_flush_has_references  (CupelEntity           *entity);

/* Of cupel-unit-of-work-sets.c: entities as parameter sets. */

/* Whether the set of attributes @bits of @entity is @shape. If so, what is touched from now on differs from what will be written, or is no
 * part of it. */
gboolean       cupel_flush_has_shape       (CupelEntity           *entity,
                                            CupelMapper           *mapper,
                                            const CupelEntityBits *bits,
                                            const guint64         *shape);
/* The first @n_values binds are current values, the rest is the key as the row has it. */
CupelRowBlock *cupel_flush_make_sets       (CupelMapper           *mapper,
                                            CupelMapperStatement  *shape,
                                            guint                  n_values,
                                            CupelEntity          **entities,
                                            guint                  n_entities,
                                            GError               **error);
/* After the statement: what @row has is no change any more. On the main stack when the class is not native. */
void           cupel_flush_note_written    (CupelEntity           *entity,
                                            const guint           *binds,
                                            guint                  n_values,
                                            const CupelCell       *row);
gboolean       cupel_flush_check_row_count (CupelMapper           *mapper,
                                            const char            *verb,
                                            gint64                 matched,
                                            guint                  expected,
                                            GError               **error);
void           cupel_flush_sort_by_key     (GPtrArray             *entities);
gboolean       cupel_flush_refers_to_itself (CupelMapper          *mapper);

/* Of cupel-unit-of-work-write.c: the statements. */

/* Entities that are written together, a set each. */
typedef struct
{
  CupelEntity **entities;
  guint n_entities;
  CupelRowBlock *sets;
  CupelReply reply;
} CupelFlushBatch;

/* What follows of the reply for the entities. */
typedef gboolean (*CupelFlushTake)         (CupelFlushBatch       *batch,
                                            gpointer               data,
                                            GError               **error);

/* Has the database execute @shape for all entities, in batches, and calls @take for each. The first @n_values binds are current values,
 * the rest is the key as the row has it. */
gboolean       cupel_flush_write           (CupelFlush            *flush,
                                            CupelMapper           *mapper,
                                            CupelMapperStatement  *shape,
                                            guint                  n_values,
                                            CupelEntity          **entities,
                                            guint                  n_entities,
                                            CupelFlushTake         take,
                                            gpointer               data,
                                            GError               **error);

/* For tests: what is tried with a few entities then happens to batches. Returns what it was. */
guint          cupel_flush_set_batch_size  (guint                  size);

/* The phases, for the entities of one class each. */
gboolean       cupel_flush_inserts         (CupelFlush            *flush,
                                            CupelMapper           *mapper,
                                            GError               **error);
gboolean       cupel_flush_updates         (CupelFlush            *flush,
                                            CupelMapper           *mapper,
                                            GPtrArray             *dirty,
                                            GError               **error);
gboolean       cupel_flush_cascade_delete  (CupelFlush            *flush,
                                            CupelEntity           *entity,
                                            GError               **error);
gboolean       cupel_flush_deletes         (CupelFlush            *flush,
                                            CupelMapper           *mapper,
                                            GError               **error);

G_END_DECLS
