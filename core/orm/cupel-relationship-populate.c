/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Deals loaded entities out to those that they are related to. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-int-index-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-object-private.h"

/* Finds the referred side by key. Integers that are members on both sides, as nearly all keys are, need no cells. */
typedef struct
{
  CupelIntIndex  by_int;         /* without slots: by cells */
  GHashTable    *by_cell;        /* CupelCell -> place */
  CupelRowBlock *parent_keys;    /* a cell per parent */
  CupelRowBlock *related_keys;
} KeyIndex;

static void
key_index_clear (KeyIndex *index)
{
  cupel_int_index_clear (&index->by_int);
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
  CupelEntity **related;
  guint n_related;
  KeyIndex *index;
} Populate;

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

  for (guint i = 0; i < p->n_related; i++)
    cupel_entity_fetch_cell (p->related[i], p->relationship->target, p->relationship->remote,
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

  if (p->index->by_int.slots == NULL)
    {
      if (keys->cells[i].kind != CUPEL_CELL_NULL)
        g_hash_table_insert (p->index->by_cell, &keys->cells[i], GUINT_TO_POINTER (i + 1));
    }
  else if (cupel_entity_get_int (entity, mapper, attribute, &key))
    *cupel_int_index_find (&p->index->by_int, key) = (CupelIntSlot) { key, i + 1 };
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

  if (p->index->by_int.slots == NULL)
    return keys->cells[i].kind != CUPEL_CELL_NULL ? GPOINTER_TO_UINT (g_hash_table_lookup (p->index->by_cell, &keys->cells[i])) : 0;
  return cupel_entity_get_int (entity, mapper, attribute, &key) ? cupel_int_index_find (&p->index->by_int, key)->place : 0;
}

/* In the order of the parents, and for each of them in the order of @related. What belongs to none comes first. */
static void
populate_many (Populate *p)
{
  CupelRelationship *relationship = p->relationship;
  g_autofree guint *parent_of = g_new (guint, p->n_related + 1);
  g_autofree guint *end = g_new0 (guint, p->n_parents + 1);   /* of the children of a parent, from 1; of no parent at 0 */
  g_autofree CupelEntity **dealt = g_new (CupelEntity *, p->n_related + 1);

  for (guint i = 0; i < p->n_parents; i++)
    add_key (p, p->parents[i], relationship->parent, relationship->local, p->index->parent_keys, i);
  for (guint i = 0; i < p->n_related; i++)
    {
      parent_of[i] = find_key (p, p->related[i], relationship->target, relationship->remote, p->index->related_keys, i);
      end[parent_of[i]]++;
    }
  for (guint i = 0, sum = 0; i <= p->n_parents; i++)
    {
      const guint n = end[i];

      end[i] = sum;
      sum += n;
    }
  for (guint i = 0; i < p->n_related; i++)
    dealt[end[parent_of[i]]++] = p->related[i];

  for (guint i = 0; i < end[0]; i++)
    cupel_object_unref (dealt[i]);
  for (guint i = 0; i < p->n_parents; i++)
    {
      CupelEntityExtra *extra = cupel_entity_extra (p->parents[i]);
      CupelEntity **items = &dealt[end[i]];
      const guint n_items = end[i + 1] - end[i];
      GObject **slot = &extra->related[relationship->index];

      if (*slot == NULL)
        *slot = (GObject *) cupel_collection_new_loaded (p->parents[i], relationship, items, n_items);
      else
        cupel_collection_load ((CupelCollection *) *slot, items, n_items);
      extra->related_loaded |= G_GUINT64_CONSTANT (1) << relationship->index;
      cupel_fiber_tick ();
    }
}

static void
populate_one (Populate *p)
{
  CupelRelationship *relationship = p->relationship;

  for (guint i = 0; i < p->n_related; i++)
    add_key (p, p->related[i], relationship->target, relationship->remote, p->index->related_keys, i);
  for (guint i = 0; i < p->n_parents; i++)
    {
      guint found = find_key (p, p->parents[i], relationship->parent, relationship->local, p->index->parent_keys, i);

      cupel_entity_store_related (p->parents[i], relationship->index, found != 0 ? (GObject *) p->related[found - 1] : NULL, FALSE);
      cupel_fiber_tick ();
    }
  for (guint i = 0; i < p->n_related; i++)
    cupel_object_unref (p->related[i]);
  if (relationship->inverse != NULL)
    for (guint i = 0; i < p->n_parents; i++)
      cupel_entity_weaken_parent (p->parents[i], relationship);
}

void
cupel_relationship_deal_out (CupelRelationship  *relationship,
                             CupelEntity       **parents,
                             guint               n_parents,
                             CupelEntity       **related,
                             guint               n_related)
{
  g_auto(KeyIndex) index = { 0, };
  Populate p = { relationship, parents, n_parents, related, n_related, &index };

  if (cupel_int_index_is_possible (relationship->parent, relationship->local) &&
      cupel_int_index_is_possible (relationship->target, relationship->remote))
    {
      cupel_int_index_init (&index.by_int, relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY ? n_parents : n_related);
    }
  else
    {
      index.parent_keys = cupel_row_block_new (1, n_parents);
      index.related_keys = cupel_row_block_new (1, n_related);
      index.by_cell = g_hash_table_new ((GHashFunc) cupel_cell_hash, (GEqualFunc) cupel_cell_equal);
      cupel_session_run_for_class (relationship->parent, fetch_parent_keys, &p);
      cupel_session_run_for_class (relationship->target, fetch_related_keys, &p);
    }
  if (relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY)
    populate_many (&p);
  else
    populate_one (&p);
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
  g_autofree CupelEntity **held = g_new (CupelEntity *, related->len + 1);

  for (guint i = 0; i < related->len; i++)
    held[i] = g_object_ref (g_ptr_array_index (related, i));
  cupel_relationship_deal_out (relationship, parents, n_parents, held, related->len);
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
  Populate p = { relationship, &parent, 1, NULL, 0, &index };
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
  if (relationship->target->int_key && !cupel_attribute_is_integer (cupel_mapper_attribute (relationship->parent, relationship->local)))
    return FALSE;
  found = cupel_identity_map_lookup (&session->identity, &key);
  if (found == NULL)
    return FALSE;
  cupel_entity_store_related (parent, relationship->index, G_OBJECT (found), FALSE);
  cupel_entity_weaken_parent (parent, relationship);
  return TRUE;
}
