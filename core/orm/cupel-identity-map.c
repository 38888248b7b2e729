/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-identity-map-private.h"

/* A map of so few slots moves in one go when it grows: that is a matter of microseconds. */
#define MOVED_AT_ONCE 8192

/* Of a larger one so many slots move with each insertion: all have before it grows again. */
#define MOVED_PER_INSERTION 8

/* Memory that is new is written to before it is read, so many slots at once and a step with each insertion. A page that is read first
 * is the system's page of zeros; the write after it faults once more, and makes the other threads' processors forget the first. */
#define WRITTEN_AT_ONCE 65536
#define WRITTEN_STEP    (4096 / sizeof (CupelEntity *))

/* Keys are often consecutive: eight neighbours share two lines of the cache, every other slot of them, and a multiplication spreads the
 * pairs of lines. Which slots of its lines a key may get depends on both, so that keys with gaps do not meet, and two sets of eight
 * that do meet fit between each other. */
static inline guint32
hash_of (const CupelMapper *mapper,
         gint64             identity)
{
  guint64 line = ((guint64) identity >> 3) ^ ((guint64) (gsize) mapper >> 4);
  guint32 h;

  line *= G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  h = (guint32) (line >> 32);
  return h << 4 | (((guint32) identity ^ h >> 28) & 7) << 1 | h >> 31;
}

static inline guint32
hash_of_entity (CupelEntity *entity)
{
  return hash_of (cupel_mapper_of (entity), entity->identity);
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
       CupelEntity      *entity,
       guint32           hash)
{
  const guint mask = map->size - 1;
  guint i = hash & mask;

  while (map->slots[i] != NULL)
    i = (i + 1) & mask;
  map->slots[i] = entity;
  map->hashes[i] = hash;
}

/* Slots of the old map are counted from its start. */
static inline guint
old_slot (const CupelIdentityMap *map,
          guint                   position)
{
  return (map->old.start + position) & (map->old.size - 1);
}

/* Where a run begins that the hash is in. What was before the slots that have moved has moved as well. */
static inline guint
old_home (const CupelIdentityMap *map,
          guint32                 hash)
{
  return MAX ((hash - map->old.start) & (map->old.size - 1), map->old.moved);
}

/* Without a look at the entities, which are anywhere in memory. */
static void
move (CupelIdentityMap *map,
      guint             n_slots)
{
  const guint end = map->old.moved + MIN (n_slots, map->old.size - map->old.moved);

  for (; map->old.moved < end; map->old.moved++)
    {
      guint i = old_slot (map, map->old.moved);

      if (map->old.slots[i] != NULL)
        place (map, map->old.slots[i], map->old.hashes[i]);
    }
  if (end == map->old.size)
    {
      g_free (map->old.slots);
      g_free (map->old.hashes);
      memset (&map->old, 0, sizeof map->old);
    }
}

/* Slots from @map->written on are as they were allocated. */
static inline void
write_ahead (CupelIdentityMap *map,
             guint             end)
{
  /* An exchange asks for the page to write it, whatever is there. */
  for (; map->written < MIN (end, map->size); map->written += WRITTEN_STEP)
    g_atomic_pointer_compare_and_exchange (&map->slots[map->written], NULL, NULL);
}

static void
grow (CupelIdentityMap *map,
      guint             size)
{
  if (map->old.slots != NULL)
    move (map, G_MAXUINT);

  map->old.slots = map->slots;
  map->old.hashes = map->hashes;
  map->old.size = map->size;
  map->old.start = map->old.moved = 0;
  map->size = size;
  map->slots = g_new0 (CupelEntity *, map->size);
  map->hashes = g_new (guint32, map->size);
  map->written = 0;
  write_ahead (map, WRITTEN_AT_ONCE);
  if (map->old.slots == NULL)
    return;

  while (map->old.slots[(map->old.start - 1) & (map->old.size - 1)] != NULL)
    map->old.start++;
  if (map->old.size <= MOVED_AT_ONCE)
    move (map, map->old.size);
}

void
cupel_identity_map_clear (CupelIdentityMap *map)
{
  g_free (map->slots);
  g_free (map->hashes);
  g_free (map->old.slots);
  g_free (map->old.hashes);
  memset (map, 0, sizeof *map);
}

static CupelEntity *
lookup_old (const CupelIdentityMap *map,
            const CupelIdentityKey *key,
            guint32                 hash)
{
  for (guint p = old_home (map, hash); p < map->old.size; p++)
    {
      guint i = old_slot (map, p);

      if (map->old.slots[i] == NULL)
        break;
      if (map->old.hashes[i] == hash && same_key (map->old.slots[i], key))
        return map->old.slots[i];
    }
  return NULL;
}

CupelEntity *
cupel_identity_map_lookup (const CupelIdentityMap *map,
                           const CupelIdentityKey *key)
{
  const guint mask = map->size - 1;
  guint32 hash;

  if (map->count == 0)
    return NULL;
  hash = hash_of (key->mapper, key->identity);
  for (guint i = hash & mask; map->slots[i] != NULL; i = (i + 1) & mask)
    if (map->hashes[i] == hash && same_key (map->slots[i], key))
      return map->slots[i];
  return G_UNLIKELY (map->old.slots != NULL) ? lookup_old (map, key, hash) : NULL;
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

static void
make_room (CupelIdentityMap *map)
{
  if (map->count + 1 > map->size / 2)
    grow (map, MAX (64, map->size * 2));
  if (G_UNLIKELY (map->old.slots != NULL))
    {
      write_ahead (map, map->written + WRITTEN_STEP);
      move (map, MOVED_PER_INSERTION);
    }
}

void
cupel_identity_map_insert (CupelIdentityMap *map,
                           CupelEntity      *entity)
{
  make_room (map);
  place (map, entity, hash_of_entity (entity));
  map->count++;
}

static gboolean
remove_old (CupelIdentityMap *map,
            CupelEntity      *entity,
            guint32           hash)
{
  guint hole;

  for (hole = old_home (map, hash); hole < map->old.size; hole++)
    {
      CupelEntity *other = map->old.slots[old_slot (map, hole)];

      if (other == entity)
        break;
      if (other == NULL)
        return FALSE;
    }
  if (hole == map->old.size)
    return FALSE;

  for (guint p = hole + 1; p < map->old.size; p++)
    {
      guint i = old_slot (map, p);

      if (map->old.slots[i] == NULL)
        break;
      if (old_home (map, map->old.hashes[i]) <= hole)
        {
          map->old.slots[old_slot (map, hole)] = map->old.slots[i];
          map->old.hashes[old_slot (map, hole)] = map->old.hashes[i];
          hole = p;
        }
    }
  map->old.slots[old_slot (map, hole)] = NULL;
  map->count--;
  return TRUE;
}

CupelEntity *
cupel_identity_map_put (CupelIdentityMap       *map,
                        const CupelIdentityKey *key,
                        CupelEntity            *entity)
{
  const guint32 hash = hash_of (key->mapper, key->identity);
  CupelEntity *other;
  guint mask, i;

  make_room (map);
  mask = map->size - 1;
  for (i = hash & mask; map->slots[i] != NULL; i = (i + 1) & mask)
    if (map->hashes[i] == hash && same_key (map->slots[i], key))
      {
        other = map->slots[i];
        map->slots[i] = entity;
        return other != entity ? other : NULL;
      }

  other = G_UNLIKELY (map->old.slots != NULL) ? lookup_old (map, key, hash) : NULL;
  if (other != NULL)
    remove_old (map, other, hash);
  map->slots[i] = entity;
  map->hashes[i] = hash;
  map->count++;
  return other != entity ? other : NULL;
}

gboolean
cupel_identity_map_remove (CupelIdentityMap *map,
                           CupelEntity      *entity)
{
  const guint mask = map->size - 1;
  guint32 hash;
  guint hole;

  if (map->count == 0)
    return FALSE;
  hash = hash_of_entity (entity);
  for (hole = hash & mask; map->slots[hole] != entity; hole = (hole + 1) & mask)
    if (map->slots[hole] == NULL)
      return map->old.slots != NULL && remove_old (map, entity, hash);

  /* Close the gap: whoever probed past it moves up, so that there are no tombstones. */
  for (guint i = (hole + 1) & mask; map->slots[i] != NULL; i = (i + 1) & mask)
    {
      guint home = map->hashes[i] & mask;

      if (((i - home) & mask) >= ((i - hole) & mask))
        {
          map->slots[hole] = map->slots[i];
          map->hashes[hole] = map->hashes[i];
          hole = i;
        }
    }
  map->slots[hole] = NULL;
  map->count--;
  return TRUE;
}

CupelEntity *
cupel_identity_map_next (const CupelIdentityMap *map,
                         guint                  *position)
{
  CupelEntity *entity = NULL;

  while (entity == NULL && *position < map->size)
    entity = map->slots[(*position)++];
  /* Those that have moved are among the former. */
  while (entity == NULL && *position - map->size < map->old.size - map->old.moved)
    entity = map->old.slots[old_slot (map, map->old.moved + (*position)++ - map->size)];

  return entity;
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
