/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-identity-map-private.h"

static inline guint
slot_of (const CupelIdentityMap *map,
         const CupelMapper      *mapper,
         gint64                  identity)
{
  /* Keys are often consecutive: eight neighbours share a line of the cache, and a multiplication spreads the lines. Which place
   * of its line a key gets depends on both, so that keys with gaps do not meet. */
  guint64 line = ((guint64) identity >> 3) ^ ((guint64) (gsize) mapper >> 4);
  guint h;

  line *= G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  h = (guint) (line >> 32);
  return ((h << 3) | (((guint) identity ^ (h >> 29)) & 7)) & (map->size - 1);
}

/* A key that is not one integer is compared as text: a server's UUID and an entity's string are the same key. */
static gboolean
same_text (const CupelCell *a,
           const CupelCell *b)
{
  g_autofree char *x = cupel_cell_to_string (a);
  g_autofree char *y = cupel_cell_to_string (b);

  return g_str_equal (x, y);
}

static gboolean
same_cells (CupelEntity            *entity,
            const CupelIdentityKey *key)
{
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);

  for (guint i = 0; i < key->mapper->n_key; i++)
    {
      guint index = key->mapper->key[i];
      const CupelCell *known = cupel_entity_row_cell (entity, index);
      CupelCell *cell;

      if (known != NULL)
        {
          if (!same_text (known, key->cells[i]))
            return FALSE;
          continue;
        }
      cell = cupel_row_block_add_row (block);
      if (!cupel_entity_fetch_cell (entity, key->mapper, index, block, cell, NULL) ||
          !same_text (cell, key->cells[i]))
        return FALSE;
    }
  return TRUE;
}

static inline gboolean
same_key (CupelEntity            *entity,
          const CupelIdentityKey *key)
{
  return entity->identity == key->identity && cupel_mapper_of (entity) == key->mapper &&
         (key->mapper->int_key || same_cells (entity, key));
}

static void
place (CupelIdentityMap *map,
       CupelEntity      *entity)
{
  guint i = slot_of (map, cupel_mapper_of (entity), entity->identity);

  while (map->slots[i] != NULL)
    i = (i + 1) & (map->size - 1);
  map->slots[i] = entity;
}

static void
grow (CupelIdentityMap *map,
      guint             size)
{
  CupelEntity **old = map->slots;
  guint old_size = map->size;

  map->size = size;
  map->slots = g_new0 (CupelEntity *, map->size);
  for (guint i = 0; i < old_size; i++)
    if (old[i] != NULL)
      place (map, old[i]);
  g_free (old);
}

void
cupel_identity_map_clear (CupelIdentityMap *map)
{
  g_clear_pointer (&map->slots, g_free);
  map->size = map->count = 0;
}

CupelEntity *
cupel_identity_map_lookup (const CupelIdentityMap *map,
                           const CupelIdentityKey *key)
{
  guint i;

  if (map->count == 0)
    return NULL;
  for (i = slot_of (map, key->mapper, key->identity); map->slots[i] != NULL; i = (i + 1) & (map->size - 1))
    if (same_key (map->slots[i], key))
      return map->slots[i];
  return NULL;
}

void
cupel_identity_map_reserve (CupelIdentityMap *map,
                            guint             n_more)
{
  guint size = MAX (64, map->size);

  while (n_more > size / 2 - MIN (map->count, size / 2) && size <= G_MAXUINT / 4)
    size *= 2;
  if (size > map->size)
    grow (map, size);
}

void
cupel_identity_map_insert (CupelIdentityMap *map,
                           CupelEntity      *entity)
{
  if (map->count + 1 > map->size / 2)
    grow (map, MAX (64, map->size * 2));
  place (map, entity);
  map->count++;
}

gboolean
cupel_identity_map_remove (CupelIdentityMap *map,
                           CupelEntity      *entity)
{
  guint mask = map->size - 1;
  guint hole;

  if (map->count == 0)
    return FALSE;
  for (hole = slot_of (map, cupel_mapper_of (entity), entity->identity);
       map->slots[hole] != entity;
       hole = (hole + 1) & mask)
    if (map->slots[hole] == NULL)
      return FALSE;

  /* Close the gap: whoever probed past it moves up, so that there are no tombstones. */
  for (guint i = (hole + 1) & mask; map->slots[i] != NULL; i = (i + 1) & mask)
    {
      guint home = slot_of (map, cupel_mapper_of (map->slots[i]), map->slots[i]->identity);

      if (((i - home) & mask) >= ((i - hole) & mask))
        {
          map->slots[hole] = map->slots[i];
          hole = i;
        }
    }
  map->slots[hole] = NULL;
  map->count--;
  return TRUE;
}

gboolean
cupel_identity_key_init (CupelIdentityKey  *key,
                         CupelMapper       *mapper,
                         const CupelCell  **cells)
{
  key->mapper = mapper;
  key->cells = cells;

  if (mapper->int_key)
    {
      key->identity = cells[0]->v.i64;
      return cells[0]->kind != CUPEL_CELL_NULL;
    }

  key->identity = 0;
  for (guint i = 0; i < mapper->n_key; i++)
    {
      g_autofree char *text = NULL;

      if (cells[i]->kind == CUPEL_CELL_NULL)
        return FALSE;
      text = cupel_cell_to_string (cells[i]);
      key->identity = key->identity * 31 + g_str_hash (text);
    }
  return TRUE;
}
