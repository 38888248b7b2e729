/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The flush: DELETE, and what else goes with a row. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-unit-of-work-private.h"

/* A new child of an entity that goes is not written at all, or without a parent. */
static gboolean
leave_behind (CupelFlush              *flush,
              CupelRelationship  *relationship,
              CupelEntity        *child,
              GError            **error)
{
  if (child->session != flush->session)
    return TRUE;
  if (relationship->cascade & (CUPEL_CASCADE_DELETE | CUPEL_CASCADE_DELETE_ORPHAN))
    {
      g_ptr_array_remove (flush->inserts, child);
      return cupel_session_expunge (flush->session, child, error);
    }
  if (relationship->inverse != NULL)
    cupel_entity_unload_related (child, relationship->inverse->index);
  return cupel_flush_copy_key (NULL, 0, child, relationship->remote, error);
}

/* What refers to an entity that goes: deleted with it, or left without a parent. Its children are loaded if need be. */
gboolean
cupel_flush_cascade_delete (CupelFlush        *flush,
                CupelEntity  *entity,
                GError      **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);

  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      g_autoptr(CupelSelect) select = NULL;
      g_autoptr(GPtrArray) children = NULL;
      GObject *related;

      if (relationship->kind != CUPEL_RELATIONSHIP_HAS_MANY)
        continue;
      if (!cupel_relationship_resolve (relationship, error))
        return FALSE;

      related = cupel_entity_peek_related (entity, i);
      if (cupel_entity_related_loaded (entity, i) && CUPEL_IS_COLLECTION (related))
        {
          CupelCollection *collection = CUPEL_COLLECTION (related);

          children = g_ptr_array_new_with_free_func (g_object_unref);
          for (guint c = 0; c < collection->n_items; c++)
            g_ptr_array_add (children, g_object_ref (collection->items[c]));
        }
      else if (!relationship->passive_deletes)
        {
          select = cupel_relationship_select_for (relationship, &entity, 1);
          children = select != NULL ? cupel_session_query (flush->session, select, NULL, FALSE, flush->cancellable, error)
                                    : g_ptr_array_new ();
          if (children == NULL)
            return FALSE;
        }

      for (guint c = 0; children != NULL && c < children->len; c++)
        {
          CupelEntity *child = g_ptr_array_index (children, c);

          if (child->flags & CUPEL_ENTITY_FLAG_DELETED)
            continue;
          if (!(child->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
            {
              if (!leave_behind (flush, relationship, child, error))
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
          gint64 key = cupel_entity_fetch_int (entity, mapper, many ? relationship->remote : relationship->local);
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

