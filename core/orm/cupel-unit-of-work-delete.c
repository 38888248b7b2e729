/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The flush: DELETE, and what else goes with a row. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-unit-of-work-private.h"

/* A new child of an entity that goes is not written at all, and goes to @left, or is written without a parent. */
static gboolean
leave_behind (CupelFlush         *flush,
              CupelRelationship  *relationship,
              CupelEntity        *child,
              GPtrArray          *left,
              GError            **error)
{
  if (child->session != flush->session)
    return TRUE;
  if (relationship->cascade & (CUPEL_CASCADE_DELETE | CUPEL_CASCADE_DELETE_ORPHAN))
    {
      g_ptr_array_add (left, g_object_ref (child));
      g_ptr_array_remove (flush->inserts, child);
      return cupel_session_expunge (flush->session, child, error);
    }
  if (relationship->inverse != NULL)
    cupel_entity_unload_related (child, relationship->inverse->index);
  return cupel_flush_copy_key (NULL, 0, child, relationship->remote, error);
}

/* Of a relationship: what is to be written and may be in a collection that was never loaded. */
typedef struct
{
  GHashTable *of_parent;    /* by the entity that they were made to refer to: an array */
  GHashTable *by_key;       /* by the integer that they refer with: an array */
  GPtrArray *others;
} Pending;

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  g_hash_table_unref (pending->of_parent);
  g_hash_table_unref (pending->by_key);
  g_ptr_array_unref (pending->others);
  g_free (pending);
}

static void
add_to (GHashTable    *table,
        gconstpointer  key,
        gsize          key_size,    /* 0: it is the pointer itself */
        CupelEntity   *entity)
{
  GPtrArray *entities = g_hash_table_lookup (table, key);

  if (entities == NULL)
    {
      entities = g_ptr_array_new_with_free_func (g_object_unref);
      g_hash_table_insert (table, key_size > 0 ? g_memdup2 (key, key_size) : (gpointer) key, entities);
    }
  g_ptr_array_add (entities, g_object_ref (entity));
}

static void
note_pending (Pending            *pending,
              CupelRelationship  *relationship,
              GPtrArray          *entities)
{
  CupelMapper *target = relationship->target;
  const CupelRelationship *inverse = relationship->inverse;

  for (guint i = 0; i < entities->len; i++)
    {
      CupelEntity *child = g_ptr_array_index (entities, i);
      CupelEntityExtra *extra = child->extra;
      CupelCell key;

      if (cupel_mapper_of (child) != target)
        continue;
      if (inverse != NULL && extra != NULL && extra->related != NULL && extra->related[inverse->index] != NULL &&
          ((extra->related_changed >> inverse->index) & 1))
        add_to (pending->of_parent, extra->related[inverse->index], 0, child);
      else if (!cupel_entity_bit (target, (child->flags & CUPEL_ENTITY_FLAG_PERSISTENT) ? &child->modified : &child->loaded,
                                  relationship->remote))
        continue;
      else if (!target->native || !relationship->parent->native || !cupel_entity_peek_cell (child, target, relationship->remote, &key, NULL))
        g_ptr_array_add (pending->others, g_object_ref (child));
      else if (key.kind == CUPEL_CELL_INT64)
        add_to (pending->by_key, &key.v.i64, sizeof key.v.i64, child);
      else if (key.kind != CUPEL_CELL_NULL)
        g_ptr_array_add (pending->others, g_object_ref (child));
    }
}

/* What the program makes of them while the flush is at work is for the next one. */
static Pending *
get_pending (CupelFlush         *flush,
             CupelRelationship  *relationship)
{
  Pending *pending;

  if (flush->pending == NULL)
    flush->pending = g_hash_table_new_full (NULL, NULL, NULL, pending_free);
  pending = g_hash_table_lookup (flush->pending, relationship);
  if (pending == NULL)
    {
      pending = g_new (Pending, 1);
      pending->of_parent = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
      pending->by_key = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
      pending->others = g_ptr_array_new_with_free_func (g_object_unref);
      note_pending (pending, relationship, flush->inserts);
      note_pending (pending, relationship, flush->session->dirty);
      g_hash_table_insert (flush->pending, relationship, pending);
    }
  return pending;
}

static void
add_pending (GPtrArray          *entities,
             CupelRelationship  *relationship,
             CupelEntity        *parent,
             GPtrArray          *children)
{
  for (guint i = 0; entities != NULL && i < entities->len; i++)
    {
      CupelEntity *child = g_ptr_array_index (entities, i);

      if (child != parent && child->session == parent->session && cupel_flush_is_child (relationship, parent, child, FALSE))
        g_ptr_array_add (children, g_object_ref (child));
    }
}

/* Of @entity's collection: as it was loaded, or as the database has it and with what is to be written. Some may be in it twice. */
static GPtrArray *
find_children (CupelFlush         *flush,
               CupelRelationship  *relationship,
               CupelEntity        *entity,
               GError            **error)
{
  GObject *related = cupel_entity_peek_related (entity, relationship->index);
  GPtrArray *children = NULL;
  Pending *pending;
  CupelCell key;

  if (cupel_entity_related_loaded (entity, relationship->index) && CUPEL_IS_COLLECTION (related))
    {
      CupelCollection *collection = CUPEL_COLLECTION (related);

      children = g_ptr_array_new_with_free_func (g_object_unref);
      for (guint i = 0; i < collection->n_items; i++)
        if (cupel_flush_is_child (relationship, entity, collection->items[i], TRUE))
          g_ptr_array_add (children, g_object_ref (collection->items[i]));
      return children;
    }

  /* Without a row it has no key that others could have. */
  if (!(entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
    return g_ptr_array_new ();

  if (!relationship->passive_deletes)
    {
      g_autoptr(CupelSelect) select = cupel_relationship_select_for (relationship, &entity, 1);

      if (select != NULL && (children = cupel_session_query (flush->session, select, NULL, FALSE, flush->cancellable, error)) == NULL)
        return NULL;
    }
  if (children == NULL)
    children = g_ptr_array_new_with_free_func (g_object_unref);
  /* Those that were moved elsewhere, or into no collection at all, stay. */
  for (guint i = children->len; i > 0; i--)
    if (!cupel_flush_is_child (relationship, entity, g_ptr_array_index (children, i - 1), TRUE))
      g_ptr_array_remove_index (children, i - 1);
  pending = get_pending (flush, relationship);
  add_pending (g_hash_table_lookup (pending->of_parent, entity), relationship, entity, children);
  if (relationship->parent->native && cupel_entity_peek_cell (entity, relationship->parent, relationship->local, &key, NULL) &&
      key.kind == CUPEL_CELL_INT64)
    add_pending (g_hash_table_lookup (pending->by_key, &key.v.i64), relationship, entity, children);
  add_pending (pending->others, relationship, entity, children);
  return children;
}

static gboolean
cascade_one (CupelFlush   *flush,
             CupelEntity  *entity,
             GPtrArray    *left,
             GError      **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);

  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      g_autoptr(GPtrArray) children = NULL;

      if (relationship->kind != CUPEL_RELATIONSHIP_HAS_MANY)
        continue;
      if (!cupel_relationship_resolve (relationship, error))
        return FALSE;

      children = find_children (flush, relationship, entity, error);
      if (children == NULL)
        return FALSE;
      for (guint c = 0; c < children->len; c++)
        {
          CupelEntity *child = g_ptr_array_index (children, c);

          if (child->flags & CUPEL_ENTITY_FLAG_DELETED)
            continue;
          if (!(child->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
            {
              if (!leave_behind (flush, relationship, child, left, error))
                return FALSE;
              continue;
            }
          if (relationship->cascade & (CUPEL_CASCADE_DELETE | CUPEL_CASCADE_DELETE_ORPHAN))
            {
              if (!cupel_session_delete (flush->session, child, error))
                return FALSE;
            }
          else if (!cupel_flush_copy_key (NULL, 0, child, relationship->remote, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* What refers to an entity that goes: deleted with it, or left without a parent. Its children are loaded if need be. */
gboolean
cupel_flush_cascade_delete (CupelFlush   *flush,
                            CupelEntity  *entity,
                            GError      **error)
{
  g_autoptr(GPtrArray) left = g_ptr_array_new_with_free_func (g_object_unref);

  if (!cascade_one (flush, entity, left, error))
    return FALSE;
  /* What is not written has no children either. */
  for (guint i = 0; i < left->len; i++)
    {
      if (!cascade_one (flush, g_ptr_array_index (left, i), left, error))
        return FALSE;
      cupel_fiber_tick ();
    }
  return TRUE;
}

static gboolean
check_batch (CupelFlushBatch  *batch,
             gpointer          data,
             GError          **error)
{
  return cupel_flush_check_row_count (data, "DELETE", batch->reply.row_count, batch->n_entities, error);
}

static gboolean
delete_all (CupelFlush   *flush,
            CupelMapper  *mapper,
            GPtrArray    *going,
            GError      **error)
{
  CupelSession *session = flush->session;

  cupel_flush_sort_by_key (going);
  if (!cupel_flush_write (flush, mapper, cupel_mapper_delete_statement (mapper), 0, (CupelEntity **) going->pdata, going->len,
                          check_batch, mapper, error))
    return FALSE;

  for (guint i = 0; i < going->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (going, i);

      /* Taken out of the session meanwhile: nobody gives its row back to it. */
      if (entity->session != session)
        continue;
      cupel_identity_map_remove (&session->identity, entity);
      g_ptr_array_add (session->gone, g_object_ref (entity));
    }
  return TRUE;
}

/* The program may have taken it out of the session meanwhile. */
static gboolean
is_going (CupelFlush  *flush,
          CupelEntity *entity)
{
  return entity->session == flush->session && (entity->flags & CUPEL_ENTITY_FLAG_DELETED);
}

/* A part of an integer key as the row has it: what the program made of it since is not written any more. 0 for NULL. */
static gint64
fetch_row_int (CupelEntity  *entity,
               CupelMapper  *mapper,
               guint         index)
{
  const CupelCell *known = cupel_entity_row_cell (entity, index);

  if (known == NULL)
    return cupel_entity_fetch_int (entity, mapper, index);
  return known->kind == CUPEL_CELL_INT64 ? known->v.i64 : 0;
}

/* Marks those that others of the same class, on their way out too, still refer to. */
static void
mark_referred (CupelMapper *mapper,
               GPtrArray   *going)
{
  for (guint i = 0; i < going->len; i++)
    ((CupelEntity *) g_ptr_array_index (going, i))->flags &= ~CUPEL_ENTITY_FLAG_MARK;
  for (guint r = 0; r < mapper->relationships->len; r++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, r);
      const gboolean many = relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY;
      g_autoptr(GHashTable) keys = NULL;

      if (relationship->target_type != mapper->type || !mapper->int_key)
        continue;
      keys = g_hash_table_new (g_int64_hash, g_int64_equal);
      for (guint i = 0; i < going->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (going, i);

          g_hash_table_insert (keys, &entity->identity, entity);
        }
      for (guint i = 0; i < going->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (going, i);
          gint64 key = fetch_row_int (entity, mapper, many ? relationship->remote : relationship->local);
          CupelEntity *parent = g_hash_table_lookup (keys, &key);

          if (parent != NULL && parent != entity)
            parent->flags |= CUPEL_ENTITY_FLAG_MARK;
        }
    }
}

gboolean
cupel_flush_deletes (CupelFlush        *flush,
               CupelMapper  *mapper,
               GError      **error)
{
  CupelSession *session = flush->session;
  g_autoptr(GPtrArray) going = g_ptr_array_new_with_free_func (g_object_unref);
  const gboolean in_waves = cupel_flush_refers_to_itself (mapper);

  for (guint i = session->deleted->len; i > 0; i--)
    {
      CupelEntity *entity = g_ptr_array_index (session->deleted, i - 1);

      /* What was marked after the walk over what goes with each waits for the next flush. */
      if (cupel_mapper_of (entity) == mapper && (entity->flags & CUPEL_ENTITY_FLAG_CASCADED))
        g_ptr_array_add (going, g_ptr_array_steal_index (session->deleted, i - 1));
    }

  while (going->len > 0)
    {
      g_autoptr(GPtrArray) leaves = g_ptr_array_new_with_free_func (g_object_unref);
      g_autoptr(GPtrArray) rest = g_ptr_array_new_with_free_func (g_object_unref);

      if (in_waves)
        mark_referred (mapper, going);
      for (guint i = 0; i < going->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (going, i);

          if (is_going (flush, entity))
            g_ptr_array_add (entity->flags & CUPEL_ENTITY_FLAG_MARK ? rest : leaves, g_object_ref (entity));
          entity->flags &= ~CUPEL_ENTITY_FLAG_MARK;
        }
      /* A circle: the database decides. */
      if (leaves->len == 0)
        {
          g_clear_pointer (&leaves, g_ptr_array_unref);
          leaves = g_steal_pointer (&rest);
          rest = g_ptr_array_new_with_free_func (g_object_unref);
        }
      if (leaves->len > 0 && !delete_all (flush, mapper, leaves, error))
        {
          /* The rollback that follows brings them back. */
          for (guint i = 0; i < rest->len; i++)
            g_ptr_array_add (session->deleted, g_object_ref (g_ptr_array_index (rest, i)));
          for (guint i = 0; i < leaves->len; i++)
            g_ptr_array_add (session->deleted, g_object_ref (g_ptr_array_index (leaves, i)));
          return FALSE;
        }
      g_clear_pointer (&going, g_ptr_array_unref);
      going = g_steal_pointer (&rest);
    }
  return TRUE;
}

