/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys that travel between entities: from a parent to what was appended to its collections, and to what refers to it. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-unit-of-work-private.h"

typedef struct
{
  CupelEntity *from;
  guint from_index;
  CupelEntity *to;
  guint to_index;
  GError **error;
  gboolean ok;
} CopyKey;

static void
write_key (CopyKey         *c,
           CupelMapper     *to,
           const CupelCell *cell)
{
  const CupelCell now = *cell;

  if (cupel_entity_bit (to, &c->to->loaded, c->to_index) && cupel_entity_has_cell (c->to, to, c->to_index, cell))
    return;
  cupel_entity_touch (c->to, to, c->to_index);
  c->ok = cupel_entity_change_cell (c->to, to, c->to_index, &now, c->error);
  cupel_entity_set_bit (to, &c->to->loaded, c->to_index, TRUE);
  cupel_entity_set_bit (to, &c->to->modified, c->to_index, TRUE);
}

static void
copy_native_key (CopyKey *c)
{
  CupelCell cell = { .kind = CUPEL_CELL_NULL };

  c->ok = c->from == NULL || cupel_entity_peek_cell (c->from, cupel_mapper_of (c->from), c->from_index, &cell, c->error);
  if (c->ok)
    write_key (c, cupel_mapper_of (c->to), &cell);
}

static void
copy_key_func (gpointer data)
{
  CopyKey *c = data;
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);

  c->ok = c->from == NULL || cupel_entity_fetch_cell (c->from, cupel_mapper_of (c->from), c->from_index, block, cell, c->error);
  if (c->ok)
    write_key (c, cupel_mapper_of (c->to), cell);
}

gboolean
cupel_flush_copy_key (CupelEntity  *from,
                      guint         from_index,
                      CupelEntity  *to,
                      guint         to_index,
                      GError      **error)
{
  CopyKey c = { .from = from, .from_index = from_index, .to = to, .to_index = to_index, .error = error };

  if ((from == NULL || cupel_mapper_of (from)->native) && cupel_mapper_of (to)->native)
    copy_native_key (&c);
  else
    cupel_call_on_main_stack (copy_key_func, &c);
  if (c.ok && (to->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(to->flags & CUPEL_ENTITY_FLAG_DIRTY) && to->session != NULL)
    cupel_session_entity_dirty (to->session, to);
  return c.ok;
}

/* Calls @func for each collection that @entity has; TRUE if any call said so. */
static gboolean
for_collections (CupelEntity  *entity,
                 gboolean    (*func) (GObject *collection))
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;
  gboolean any = FALSE;

  for (guint r = 0; extra != NULL && extra->related != NULL && r < mapper->relationships->len; r++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, r);

      if (extra->related[r] != NULL && relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY)
        any |= func (extra->related[r]);
    }
  return any;
}

gboolean
cupel_flush_has_children (CupelEntity *entity)
{
  return for_collections (entity, cupel_related_is_changed);
}

gboolean
cupel_flush_has_references (CupelEntity *entity)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;

  if (extra == NULL || extra->related == NULL || extra->related_changed == 0)
    return FALSE;
  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      CupelEntity *related = (CupelEntity *) extra->related[i];

      if (related != NULL && relationship->kind == CUPEL_RELATIONSHIP_BELONGS_TO && ((extra->related_changed >> i) & 1) &&
          related->session == entity->session && !(related->flags & CUPEL_ENTITY_FLAG_DELETED))
        return TRUE;
    }
  return FALSE;
}

/* TRUE: something has left it. */
static gboolean
take_changes (GObject *collection)
{
  return cupel_related_take_changes (collection) && cupel_related_get_taken (collection)->removed != NULL;
}

static gboolean
give_back (GObject *collection)
{
  cupel_related_give_back (collection);
  return FALSE;
}

static void
collect_adopted (CupelFlush *flush,
                 GPtrArray  *entities)
{
  for (guint i = 0; i < entities->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (entities, i);
      CupelMapper *mapper = cupel_mapper_of (entity);
      CupelEntityExtra *extra = entity->extra;

      for (guint r = 0; extra != NULL && extra->related != NULL && r < mapper->relationships->len; r++)
        {
          CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, r);
          const CupelCollectionChanges *taken = extra->related[r] != NULL ? cupel_related_get_taken (extra->related[r]) : NULL;
          GHashTable *set = g_hash_table_lookup (flush->adopted, relationship);

          if (taken == NULL || taken->added == NULL)
            continue;
          if (set == NULL)
            {
              set = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
              g_hash_table_insert (flush->adopted, relationship, set);
            }
          for (guint n = 0; n < taken->added->len; n++)
            g_hash_table_add (set, g_object_ref (g_ptr_array_index (taken->added, n)));
        }
    }
}

/* In one go: nothing may change in between. */
void
cupel_flush_take_children (CupelFlush *flush)
{
  gboolean any_left = FALSE;

  for (guint i = 0; i < flush->parents->len; i++)
    any_left |= for_collections (g_ptr_array_index (flush->parents, i), take_changes);
  for (guint i = 0; i < flush->inserts->len; i++)
    any_left |= for_collections (g_ptr_array_index (flush->inserts, i), take_changes);
  if (!any_left)
    return;

  flush->adopted = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
  collect_adopted (flush, flush->parents);
  collect_adopted (flush, flush->inserts);
}

void
cupel_flush_give_back_children (CupelFlush *flush)
{
  for (guint i = 0; i < flush->parents->len; i++)
    for_collections (g_ptr_array_index (flush->parents, i), give_back);
  for (guint i = 0; i < flush->inserts->len; i++)
    for_collections (g_ptr_array_index (flush->inserts, i), give_back);
}

/* Whether a child that was taken out of a collection has found another parent. */
static gboolean
is_adopted (CupelFlush        *flush,
            CupelRelationship *relationship,
            CupelEntity       *parent,
            CupelEntity       *child)
{
  GHashTable *set = g_hash_table_lookup (flush->adopted, relationship);
  GObject *now = relationship->inverse != NULL ? cupel_entity_peek_related (child, relationship->inverse->index) : NULL;

  return (set != NULL && g_hash_table_contains (set, child)) || (now != NULL && now != G_OBJECT (parent));
}

typedef struct
{
  CupelRelationship *relationship;
  CupelEntity *parent;
  CupelEntity *child;
  gboolean known;
  gboolean equal;
} CompareKeys;

static void
compare_keys (gpointer data)
{
  CompareKeys *c = data;
  CupelRelationship *relationship = c->relationship;
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (2, 1);
  CupelCell *row = cupel_row_block_add_row (block);

  c->known = cupel_entity_fetch_cell (c->parent, cupel_mapper_of (c->parent), relationship->local, block, &row[0], NULL) &&
             cupel_entity_fetch_cell (c->child, cupel_mapper_of (c->child), relationship->remote, block, &row[1], NULL);
  c->equal = c->known && cupel_cell_equal (&row[0], &row[1]);
}

/* Whether @child has the key of @parent; @otherwise: what holds when that is not known. */
static gboolean
refers_to (CupelRelationship *relationship,
           CupelEntity       *parent,
           CupelEntity       *child,
           gboolean           otherwise)
{
  CupelMapper *mapper = relationship->target;
  CompareKeys c = { .relationship = relationship, .parent = parent, .child = child };
  CupelCell key;

  if (!cupel_entity_bit (mapper, &child->loaded, relationship->remote))
    return otherwise;
  if (mapper->native && relationship->parent->native)
    return cupel_entity_peek_cell (parent, relationship->parent, relationship->local, &key, NULL)
           ? cupel_entity_has_cell (child, mapper, relationship->remote, &key) : otherwise;
  cupel_call_on_main_stack (compare_keys, &c);
  return c.known ? c.equal : otherwise;
}

gboolean
cupel_flush_is_child (CupelRelationship *relationship,
                      CupelEntity       *parent,
                      CupelEntity       *child,
                      gboolean           otherwise)
{
  const CupelRelationship *inverse = relationship->inverse;
  const CupelEntityExtra *extra = child->extra;

  /* The key follows only when it is written down. */
  if (inverse != NULL && extra != NULL && extra->related != NULL && extra->related[inverse->index] != NULL &&
      ((extra->related_changed >> inverse->index) & 1))
    return extra->related[inverse->index] == G_OBJECT (parent);
  return refers_to (relationship, parent, child, otherwise);
}

static gboolean
let_go (CupelFlush         *flush,
        CupelRelationship  *relationship,
        CupelEntity        *entity,
        CupelEntity        *child,
        GError            **error)
{
  if (!(child->flags & CUPEL_ENTITY_FLAG_PERSISTENT) || (child->flags & CUPEL_ENTITY_FLAG_DELETED) ||
      is_adopted (flush, relationship, entity, child) || !refers_to (relationship, entity, child, TRUE))
    return TRUE;
  if (relationship->cascade & CUPEL_CASCADE_DELETE_ORPHAN)
    return child->session == NULL || cupel_session_delete (child->session, child, error);
  return cupel_flush_copy_key (NULL, 0, child, relationship->remote, error);
}

/* What was appended to this entity's collections gets its key, what was removed loses it. */
gboolean
cupel_flush_sync_children (CupelFlush   *flush,
                           CupelEntity  *entity,
                           GError      **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;

  if (extra == NULL || extra->related == NULL)
    return TRUE;
  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      g_auto(CupelCollectionChanges) taken = { NULL, NULL };

      if (extra->related[i] == NULL || relationship->kind != CUPEL_RELATIONSHIP_HAS_MANY)
        continue;
      taken = cupel_related_steal_taken (extra->related[i]);
      for (guint n = 0; taken.added != NULL && n < taken.added->len; n++)
        {
          if (!cupel_flush_copy_key (entity, relationship->local, g_ptr_array_index (taken.added, n), relationship->remote, error))
            return FALSE;
          cupel_fiber_tick ();
        }
      for (guint n = 0; taken.removed != NULL && n < taken.removed->len; n++)
        {
          if (!let_go (flush, relationship, entity, g_ptr_array_index (taken.removed, n), error))
            return FALSE;
          cupel_fiber_tick ();
        }
    }
  return TRUE;
}

/* What the program made this entity refer to has its key by now, or is of the same class and still to come. What a loader found is no news, and
 * must not undo what was done to the attribute itself. */
gboolean
cupel_flush_sync_references (CupelEntity  *entity,
                             GError      **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;

  if (extra == NULL || extra->related == NULL || extra->related_changed == 0)
    return TRUE;
  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      CupelEntity *related = (CupelEntity *) extra->related[i];

      if (related == NULL || relationship->kind != CUPEL_RELATIONSHIP_BELONGS_TO || !((extra->related_changed >> i) & 1) ||
          (related->flags & (CUPEL_ENTITY_FLAG_PERSISTENT | CUPEL_ENTITY_FLAG_DELETED)) != CUPEL_ENTITY_FLAG_PERSISTENT)
        continue;
      if (!cupel_flush_copy_key (related, relationship->remote, entity, relationship->local, error))
        return FALSE;
      extra->related_changed &= ~(G_GUINT64_CONSTANT (1) << i);
    }
  return TRUE;
}
