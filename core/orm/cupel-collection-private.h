/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-entity-private.h"

G_BEGIN_DECLS

struct _CupelCollection
{
  GObject            parent_instance;

  CupelEntity       *owner;          /* weak: it unsets this when it goes */
  CupelRelationship *relationship;
  GPtrArray         *items;          /* (element-type CupelEntity) */
  GHashTable        *members;        /* the same as a set, made when there are many */
  GPtrArray         *added;          /* since the last flush; NULL: none */
  GPtrArray         *removed;
};

struct _CupelWriteOnlyCollection
{
  GObject            parent_instance;

  CupelEntity       *owner;
  CupelRelationship *relationship;
  GPtrArray         *added;
  GPtrArray         *removed;
};

CupelCollection          *cupel_collection_new            (CupelEntity        *owner,
                                                           CupelRelationship  *relationship);
CupelWriteOnlyCollection *cupel_write_only_collection_new (CupelEntity        *owner,
                                                           CupelRelationship  *relationship);
/* What the loader found: not a change. */
void                      cupel_collection_load           (CupelCollection    *self,
                                                           CupelEntity       **items,
                                                           guint               n_items);
/* Of one that is not loaded: whether @entity was in it shows when it is flushed. */
void                      cupel_collection_remove_unseen  (CupelCollection    *self,
                                                           CupelEntity        *entity);
/* The changes that a flush has to write: borrowed, NULL: none. */
GPtrArray                *cupel_related_get_added         (GObject            *collection);
/* For the flush that writes them */
GPtrArray                *cupel_related_steal_added       (GObject            *collection);
GPtrArray                *cupel_related_steal_removed     (GObject            *collection);
void                      cupel_related_disown            (GObject            *collection);

G_END_DECLS
