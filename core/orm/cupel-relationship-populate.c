/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Deals loaded entities out to those that they are related to. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-private.h"

static guint
key_hash (gconstpointer cell)
{
  return cupel_cell_hash (cell);
}

static gboolean
key_equal (gconstpointer a,
           gconstpointer b)
{
  return cupel_cell_equal (a, b);
}

static gboolean
is_integer (CupelAttribute *attribute)
{
  return attribute->kind == CUPEL_SQL_INT64 || attribute->kind == CUPEL_SQL_INT32 || attribute->kind == CUPEL_SQL_INT16;
}

static gboolean
is_int_member (CupelMapper *mapper,
               guint        index)
{
  CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);

  return is_integer (attribute) && (attribute->store == CUPEL_STORE_INT64 || attribute->store == CUPEL_STORE_INT);
}

/* One key of the referred side. @place: which entity has it, from 1; 0: empty. */
typedef struct
{
  gint64 key;
  guint  place;
} KeySlot;

/* Finds the referred side by key. Integers that are members on both sides, as nearly all keys are, need no cells. */
typedef struct
{
  KeySlot       *slots;          /* open addressing; NULL: by cells */
  guint          shift;          /* 64 less the logarithm of the size */
  GHashTable    *by_cell;        /* CupelCell -> place */
  CupelRowBlock *parent_keys;    /* a cell per parent */
  CupelRowBlock *related_keys;
} KeyIndex;

static void
key_index_clear (KeyIndex *index)
{
  g_clear_pointer (&index->slots, g_free);
  g_clear_pointer (&index->by_cell, g_hash_table_unref);
  g_clear_pointer (&index->parent_keys, cupel_row_block_unref);
  g_clear_pointer (&index->related_keys, cupel_row_block_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KeyIndex, key_index_clear)

typedef struct
{
  CupelRelationship *relationship;
  CupelEntity **parents;
  guint n_parents;
  GPtrArray *related;
  KeyIndex *index;
} Populate;

static gsize
index_size (guint  n,
            guint *shift)
{
  gsize size = 4;

  for (*shift = 62; size < 2 * (gsize) n; (*shift)--)
    size *= 2;
  return size;
}

/* Where @key is, or may be put. */
static inline KeySlot *
find_slot (const KeyIndex *index,
           gint64          key)
{
  const gsize mask = ((gsize) 1 << (64 - index->shift)) - 1;
  gsize i = (gsize) (((guint64) key * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)) >> index->shift);

  while (index->slots[i].place != 0 && index->slots[i].key != key)
    i = (i + 1) & mask;
  return &index->slots[i];
}

/* FALSE: NULL, or not loaded. */
static inline gboolean
get_int_key (CupelEntity *entity,
             CupelMapper *mapper,
             guint        index,
             gint64      *key)
{
  const CupelAttribute *attribute = cupel_mapper_attribute (mapper, index);

  if (!cupel_entity_bit (mapper, &entity->loaded, index) || cupel_entity_bit (mapper, &entity->nulls, index))
    return FALSE;
  *key = attribute->store == CUPEL_STORE_INT64 ? G_STRUCT_MEMBER (gint64, entity, attribute->offset)
                                               : G_STRUCT_MEMBER (int, entity, attribute->offset);
  return TRUE;
}

static void
fetch_parent_keys (gpointer data)
{
  Populate *p = data;

  for (guint i = 0; i < p->n_parents; i++)
    cupel_entity_fetch_cell (p->parents[i], p->relationship->parent, p->relationship->local,
                             p->index->parent_keys, cupel_row_block_add_row (p->index->parent_keys), NULL);
}

static void
fetch_related_keys (gpointer data)
{
  Populate *p = data;

  for (guint i = 0; i < p->related->len; i++)
    cupel_entity_fetch_cell (g_ptr_array_index (p->related, i), p->relationship->target, p->relationship->remote,
                             p->index->related_keys, cupel_row_block_add_row (p->index->related_keys), NULL);
}

/* The last of several with one key wins. */
static void
add_key (Populate      *p,
         CupelEntity   *entity,
         CupelMapper   *mapper,
         guint          attribute,
         CupelRowBlock *keys,
         guint          i)
{
  gint64 key;

  if (p->index->slots == NULL)
    {
      if (keys->cells[i].kind != CUPEL_CELL_NULL)
        g_hash_table_insert (p->index->by_cell, &keys->cells[i], GUINT_TO_POINTER (i + 1));
    }
  else if (get_int_key (entity, mapper, attribute, &key))
    *find_slot (p->index, key) = (KeySlot) { key, i + 1 };
}

/* From 1; 0: there is none. */
static guint
find_key (Populate      *p,
          CupelEntity   *entity,
          CupelMapper   *mapper,
          guint          attribute,
          CupelRowBlock *keys,
          guint          i)
{
  gint64 key;

  if (p->index->slots == NULL)
    return keys->cells[i].kind != CUPEL_CELL_NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (p->index->by_cell, &keys->cells[i])) : 0;
  return get_int_key (entity, mapper, attribute, &key) ? find_slot (p->index, key)->place : 0;
}

/* Deals the many out: a chain per parent through @next, so that order is kept and nothing is allocated per child. */
static void
populate_many (Populate *p)
{
  CupelRelationship *relationship = p->relationship;
  g_autofree int *next = g_new (int, p->related->len + 1);
  g_autofree int *first = g_new (int, p->n_parents + 1);
  g_autofree int *last = g_new (int, p->n_parents + 1);
  g_autoptr(GPtrArray) items = g_ptr_array_new ();

  for (guint i = 0; i < p->n_parents; i++)
    {
      first[i] = last[i] = -1;
      add_key (p, p->parents[i], relationship->parent, relationship->local, p->index->parent_keys, i);
    }
  for (guint i = 0; i < p->related->len; i++)
    {
      guint parent = find_key (p, g_ptr_array_index (p->related, i), relationship->target, relationship->remote,
                               p->index->related_keys, i);

      next[i] = -1;
      if (parent == 0)
        continue;
      if (first[parent - 1] < 0)
        first[parent - 1] = (int) i;
      else
        next[last[parent - 1]] = (int) i;
      last[parent - 1] = (int) i;
    }

  for (guint i = 0; i < p->n_parents; i++)
    {
      CupelCollection *collection = cupel_entity_ensure_collection (p->parents[i], relationship);

      g_ptr_array_set_size (items, 0);
      for (int child = first[i]; child >= 0; child = next[child])
        g_ptr_array_add (items, g_ptr_array_index (p->related, child));
      cupel_collection_load (collection, (CupelEntity **) items->pdata, items->len);
      cupel_entity_extra (p->parents[i])->related_loaded |= G_GUINT64_CONSTANT (1) << relationship->index;
      cupel_fiber_tick ();
    }
}

static void
populate_one (Populate *p)
{
  CupelRelationship *relationship = p->relationship;

  for (guint i = 0; i < p->related->len; i++)
    add_key (p, g_ptr_array_index (p->related, i), relationship->target, relationship->remote, p->index->related_keys, i);
  for (guint i = 0; i < p->n_parents; i++)
    {
      guint found = find_key (p, p->parents[i], relationship->parent, relationship->local, p->index->parent_keys, i);

      cupel_entity_store_related (p->parents[i], relationship->index,
                                  found != 0 ? g_ptr_array_index (p->related, found - 1) : NULL, FALSE);
      cupel_fiber_tick ();
    }
}

/**
 * cupel_relationship_populate: (skip)
 * @relationship: a relationship
 * @parents: (array length=n_parents): entities that have it
 * @n_parents: how many
 * @related: (element-type CupelEntity): the entities that cupel_relationship_select_for() found
 *
 * Deals related entities out to their parents. A parent without any gets an empty collection, or nothing.
 *
 * Since: 1.0
 */
void
cupel_relationship_populate (CupelRelationship  *relationship,
                             CupelEntity       **parents,
                             guint               n_parents,
                             GPtrArray          *related)
{
  g_auto(KeyIndex) index = { 0, };
  Populate p = { relationship, parents, n_parents, related, &index };

  if (is_int_member (relationship->parent, relationship->local) && is_int_member (relationship->target, relationship->remote))
    {
      guint n = relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY ? n_parents : related->len;

      index.slots = g_new0 (KeySlot, index_size (n, &index.shift));
    }
  else
    {
      index.parent_keys = cupel_row_block_new (1, n_parents);
      index.related_keys = cupel_row_block_new (1, related->len);
      index.by_cell = g_hash_table_new (key_hash, key_equal);
      cupel_session_run_for_class (relationship->parent, fetch_parent_keys, &p);
      cupel_session_run_for_class (relationship->target, fetch_related_keys, &p);
    }
  if (relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY)
    populate_many (&p);
  else
    populate_one (&p);
}

/**
 * cupel_relationship_populate_from_identity_map: (skip)
 * @relationship: a relationship to one
 * @session: a session
 * @parent: an entity of it
 *
 * Looks whether the session knows what @parent refers to, or whether it refers to nothing: then no I/O is needed.
 *
 * Returns: %TRUE if the attribute is loaded now
 *
 * Since: 1.0
 */
gboolean
cupel_relationship_populate_from_identity_map (CupelRelationship *relationship,
                                               CupelSession      *session,
                                               CupelEntity       *parent)
{
  g_auto(KeyIndex) index = { .parent_keys = cupel_row_block_new (1, 1) };
  Populate p = { relationship, &parent, 1, NULL, &index };
  const CupelCell *cells[1];
  CupelIdentityKey key;
  CupelEntity *found;

  if (relationship->kind != CUPEL_RELATIONSHIP_BELONGS_TO || relationship->target->n_key != 1 ||
      relationship->target->key[0] != relationship->remote)
    return FALSE;

  cupel_session_run_for_class (relationship->parent, fetch_parent_keys, &p);
  cells[0] = index.parent_keys->cells;
  if (!cupel_identity_key_init (&key, relationship->target, cells))
    {
      cupel_entity_store_related (parent, relationship->index, NULL, FALSE);
      return TRUE;
    }
  if (relationship->target->int_key && !is_integer (cupel_mapper_attribute (relationship->parent, relationship->local)))
    return FALSE;
  found = cupel_identity_map_lookup (&session->identity, &key);
  if (found == NULL)
    return FALSE;
  cupel_entity_store_related (parent, relationship->index, G_OBJECT (found), FALSE);
  return TRUE;
}
