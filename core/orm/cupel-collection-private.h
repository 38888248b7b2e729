/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-entity-private.h"

G_BEGIN_DECLS

/* What a flush has to write; NULL: nothing. */
typedef struct
{
  GPtrArray *added;
  GPtrArray *removed;
} CupelCollectionChanges;

struct _CupelCollection
{
  GObject            parent_instance;

  CupelEntity       *owner;          /* weak: it unsets this when it goes */
  CupelRelationship *relationship;
  CupelEntity      **items;          /* each a reference */
  guint              n_items;
  guint              n_allocated;
  GHashTable        *members;        /* the same as a set, made when there are many */
  CupelCollectionChanges changes;    /* since the last flush */
  CupelCollectionChanges taken;      /* by the flush under way */
};

struct _CupelWriteOnlyCollection
{
  GObject            parent_instance;

  CupelEntity       *owner;
  CupelRelationship *relationship;
  CupelCollectionChanges changes;
  CupelCollectionChanges taken;
};

CupelCollection          *cupel_collection_new            (CupelEntity        *owner,
                                                           CupelRelationship  *relationship);
CupelWriteOnlyCollection *cupel_write_only_collection_new (CupelEntity        *owner,
                                                           CupelRelationship  *relationship);
/* What the loader found: not a change. The second is for an owner that has no collection yet, so that nobody can have heard of it. */
void                      cupel_collection_load           (CupelCollection    *self,
                                                           CupelEntity       **items,     /* each reference is taken */
                                                           guint               n_items);
CupelCollection          *cupel_collection_new_loaded     (CupelEntity        *owner,
                                                           CupelRelationship  *relationship,
                                                           CupelEntity       **items,
                                                           guint               n_items);
/* Of one that is not loaded: whether @entity was in it shows when it is flushed. */
void                      cupel_collection_remove_unseen  (CupelCollection    *self,
                                                           CupelEntity        *entity);
/* Changes that no flush has taken. */
gboolean                  cupel_related_is_changed        (GObject            *collection);
GPtrArray                *cupel_related_get_added         (GObject            *collection);
/* The flush takes them all when it begins, and writes them one after the other: what the program does meanwhile is for the next one. */
gboolean                  cupel_related_take_changes      (GObject            *collection);   /* FALSE: there are none */
const CupelCollectionChanges *cupel_related_get_taken     (GObject            *collection);   /* nullable: no collection */
CupelCollectionChanges    cupel_related_steal_taken       (GObject            *collection);
/* The flush failed: they are still to be written. */
void                      cupel_related_give_back         (GObject            *collection);
void                      cupel_collection_changes_clear  (CupelCollectionChanges *changes);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelCollectionChanges, cupel_collection_changes_clear)

void                      cupel_related_disown            (GObject            *collection);

G_END_DECLS
