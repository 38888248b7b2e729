/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib-object.h>

#include "orm/cupel-identity-map-private.h"

CUPEL_DECLARE_ENTITY (Thing, thing)

struct _Thing
{
  CupelEntity parent_instance;
  gint64 id;
};

static const CupelColumnSpec thing_columns[] = {
  CUPEL_COLUMN (Thing, id, INT64, .primary_key = TRUE),
};

CUPEL_DEFINE_ENTITY (Thing, thing, "thing", thing_columns)

static CupelEntity *
lookup (CupelIdentityMap *map,
        CupelMapper      *mapper,
        gint64            id)
{
  CupelCell cell = { .kind = CUPEL_CELL_INT64, .v.i64 = id };
  const CupelCell *cells[] = { &cell };
  CupelIdentityKey key;

  g_assert_true (cupel_identity_key_init (&key, mapper, cells));
  return cupel_identity_map_lookup (map, &key);
}

/* A new one with the key @id. *@other is whom it takes the place of. */
static CupelEntity *
put (CupelIdentityMap  *map,
     gint64             id,
     CupelEntity      **other)
{
  CupelEntity *entity = g_object_new (thing_get_type (), NULL);
  const CupelIdentityKey key = { cupel_mapper_of (entity), id, NULL };

  entity->identity = id;
  *other = cupel_identity_map_put (map, &key, entity);
  return entity;
}

/* Entities come and go at random: the map and a plain hash table always agree. Few distinct keys make long runs of slots. */
static void
test_random (void)
{
  CupelIdentityMap map = { NULL, };
  g_autoptr(GHashTable) model = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  g_autoptr(Thing) first = g_object_new (thing_get_type (), NULL);
  CupelMapper *mapper = cupel_mapper_of (first);

  for (guint i = 0; i < 200000; i++)
    {
      gint64 id = g_test_rand_int_range (0, 700) * (g_test_rand_bit () ? 1 : 1024);
      CupelEntity *found = lookup (&map, mapper, id);

      g_assert_true (found == g_hash_table_lookup (model, &id));
      if (found != NULL && g_test_rand_int_range (0, 3) > 0)
        {
          g_assert_true (cupel_identity_map_remove (&map, found));
          g_assert_false (cupel_identity_map_remove (&map, found));
          g_hash_table_remove (model, &id);
        }
      else if (found != NULL || g_test_rand_bit ())
        {
          CupelEntity *other;
          CupelEntity *entity = put (&map, id, &other);

          g_assert_true (other == found);
          g_hash_table_replace (model, g_memdup2 (&id, sizeof id), entity);
        }
      else
        {
          CupelEntity *entity = g_object_new (thing_get_type (), "id", id, NULL);

          entity->identity = id;
          cupel_identity_map_insert (&map, entity);
          g_hash_table_insert (model, g_memdup2 (&id, sizeof id), entity);
        }
      g_assert_cmpuint (map.count, ==, g_hash_table_size (model));
    }
  cupel_identity_map_clear (&map);
  g_assert_null (lookup (&map, mapper, 0));
}

/* A large one that grows, and whose entities come and go while it moves: all that is in it is found, by its key and by walking. */
static void
test_growing (void)
{
  const guint n = 100000;
  CupelIdentityMap map = { NULL, };
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GHashTable) seen = g_hash_table_new (NULL, NULL);
  CupelMapper *mapper = NULL;
  CupelEntity *entity;
  guint position = 0, n_moving = 0, n_removed = 0;

  for (guint i = 0; i < n; i++)
    {
      guint other = g_test_rand_int_range (0, i + 1);

      entity = g_object_new (thing_get_type (), NULL);
      mapper = cupel_mapper_of (entity);
      entity->identity = (gint64) i * (i % 3 == 0 ? 1 : 4096);
      cupel_identity_map_insert (&map, entity);
      g_ptr_array_add (all, entity);
      n_moving += map.old.slots != NULL;

      /* Whichever of the two tables it is in */
      entity = g_ptr_array_index (all, other);
      if (entity->identity >= 0)
        {
          g_assert_true (lookup (&map, mapper, entity->identity) == entity);
          if (i % 4 == 0)
            {
              g_assert_true (cupel_identity_map_remove (&map, entity));
              g_assert_false (cupel_identity_map_remove (&map, entity));
              g_assert_null (lookup (&map, mapper, entity->identity));
              entity->identity = -1;
              n_removed++;
            }
          else if (i % 4 == 1)
            {
              gint64 id = entity->identity;
              CupelEntity *former;
              CupelEntity *now = put (&map, id, &former);

              g_assert_true (former == entity);
              g_assert_true (lookup (&map, mapper, id) == now);
              g_assert_false (cupel_identity_map_remove (&map, entity));
              g_object_unref (entity);
              g_ptr_array_index (all, other) = now;
            }
        }
      g_assert_null (lookup (&map, mapper, -1 - (gint64) i));
      g_assert_cmpuint (map.count, ==, i + 1 - n_removed);
      if (i % 10000 == 0 || (map.old.slots != NULL && i % 500 == 0))
        {
          g_hash_table_remove_all (seen);
          for (position = 0; (entity = cupel_identity_map_next (&map, &position)) != NULL;)
            g_assert_true (g_hash_table_add (seen, entity));
          g_assert_cmpuint (g_hash_table_size (seen), ==, map.count);
        }
    }
  g_test_message ("%u of the insertions moved the map", n_moving);
  g_assert_cmpuint (n_moving, >, n / 100);
  g_assert_cmpuint (n_moving, <, n / 2);
  for (guint i = 0; i < n; i++)
    {
      entity = g_ptr_array_index (all, i);
      if (entity->identity >= 0)
        g_assert_true (lookup (&map, mapper, entity->identity) == entity);
    }
  cupel_identity_map_clear (&map);
}

/* Keys as they are in tables: one after the other, or with gaps. Neither makes long runs of slots. */
static void
test_spread (void)
{
  static const gint64 strides[] = { 1, 2, 8, 10, 64, 1000, 1024, 4096, G_GINT64_CONSTANT (1) << 32 };
  const guint n = 20000;

  for (guint s = 0; s < G_N_ELEMENTS (strides); s++)
    {
      CupelIdentityMap map = { NULL, };
      g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func (g_object_unref);
      guint longest = 0, run = 0, size;

      cupel_identity_map_reserve (&map, n);
      size = map.size;
      for (guint i = 0; i < n; i++)
        {
          CupelEntity *entity = g_object_new (thing_get_type (), NULL);

          entity->identity = strides[s] * i;
          cupel_identity_map_insert (&map, entity);
          g_ptr_array_add (all, entity);
        }
      g_assert_cmpuint (map.size, ==, size);
      for (guint i = 0; i < map.size; i++)
        {
          run = map.slots[i] != NULL ? run + 1 : 0;
          longest = MAX (longest, run);
        }
      if (longest > 400)
        g_error ("Keys that are %" G_GINT64_FORMAT " apart make a run of %u slots", strides[s], longest);
      for (guint i = 0; i < n; i++)
        g_assert_true (lookup (&map, cupel_mapper_of (all->pdata[i]), strides[s] * i) == all->pdata[i]);
      cupel_identity_map_clear (&map);
    }
}

static void
test_null_key (void)
{
  CupelCell cell = { .kind = CUPEL_CELL_NULL };
  const CupelCell *cells[] = { &cell };
  g_autoptr(Thing) thing = g_object_new (thing_get_type (), NULL);
  CupelIdentityKey key;

  g_assert_false (cupel_identity_key_init (&key, cupel_mapper_of (thing), cells));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/orm/identity-map/random", test_random);
  g_test_add_func ("/orm/identity-map/growing", test_growing);
  g_test_add_func ("/orm/identity-map/spread", test_spread);
  g_test_add_func ("/orm/identity-map/null-key", test_null_key);
  return g_test_run ();
}
