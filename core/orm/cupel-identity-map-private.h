/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "orm/cupel-entity-private.h"

G_BEGIN_DECLS

/* One object per row, not owned: entities leave it when they are finalized. Open addressing with linear probing; an entity carries its
 * own key (entity->identity: the integer key itself, or a hash), so that a slot is one pointer. */
typedef struct
{
  CupelEntity **slots;
  guint32      *hashes;   /* of the entities, so that others need not be touched */
  guint         size;     /* a power of two, or 0 */
  guint         count;
  guint         written;  /* the slots before this are in pages that are the map's own */

  /* What the map was before it grew. A large one moves with the insertions that come, not in one go: that would hold the loop for milliseconds. */
  struct
  {
    CupelEntity **slots;    /* NULL: all of it moved */
    guint32      *hashes;
    guint         size;
    guint         start;    /* the slot after an empty one: no run of slots goes over it */
    guint         moved;    /* how many slots from there on did */
  } old;
} CupelIdentityMap;

/* What identifies a row of a class. @cells: n_key cells, used when the key is not one integer. */
typedef struct
{
  CupelMapper      *mapper;
  gint64            identity;
  const CupelCell **cells;
} CupelIdentityKey;

void         cupel_identity_map_clear   (CupelIdentityMap       *map);
CupelEntity *cupel_identity_map_lookup  (const CupelIdentityMap *map,
                                         const CupelIdentityKey *key);
/* Makes room for so many more, so that inserting them does not grow the map again and again. */
void         cupel_identity_map_reserve (CupelIdentityMap       *map,
                                         guint                   n_more);
void         cupel_identity_map_insert  (CupelIdentityMap       *map,
                                         CupelEntity            *entity);   /* entity->identity is set */
/* The same for one that another may have the key of: that one leaves the map, and is returned. */
CupelEntity *cupel_identity_map_put     (CupelIdentityMap       *map,
                                         const CupelIdentityKey *key,
                                         CupelEntity            *entity);
gboolean     cupel_identity_map_remove  (CupelIdentityMap       *map,
                                         CupelEntity            *entity);
/* Each entity in turn, and NULL after the last. *@position is 0 at first. The map must not change meanwhile. */
CupelEntity *cupel_identity_map_next    (const CupelIdentityMap *map,
                                         guint                  *position);
/* FALSE: a part of the key is NULL. @cells: the key cells of a row by key position. */
gboolean     cupel_identity_key_init    (CupelIdentityKey       *key,
                                         CupelMapper            *mapper,
                                         const CupelCell       **cells);

G_END_DECLS
