/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which entities are in a session, and how they come into it and out of it. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-private.h"

gboolean
cupel_session_key_of (CupelEntity       *entity,
                      CupelRowBlock     *block,
                      const CupelCell  **cells,
                      CupelIdentityKey  *key)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelCell *row;

  g_assert (block->n_columns == mapper->n_key);
  row = cupel_row_block_add_row (block);
  for (guint k = 0; k < mapper->n_key; k++)
    {
      guint index = mapper->key[k];
      const CupelCell *known = cupel_entity_row_cell (entity, index);

      /* The row is found by the key that it has, not by the one it is to get. */
      if (known != NULL)
        cupel_row_block_copy_cell (block, &row[k], known);
      else if (!cupel_entity_fetch_cell (entity, mapper, index, block, &row[k], NULL))
        return FALSE;
      cells[k] = &row[k];
    }
  return cupel_identity_key_init (key, mapper, cells);
}

/* @entity stands for the row of this key from now on. Another that did has no row any more: it went behind the session's back and the key
 * was used again, or all that it had to do with the row was rolled back. */
static void
take_place (CupelSession           *self,
            CupelEntity            *entity,
            const CupelIdentityKey *key)
{
  CupelEntity *other;

  entity->identity = key->identity;
  other = cupel_identity_map_put (&self->identity, key, entity);
  if (other != NULL)
    other->session = NULL;
}

void
cupel_session_put_back (CupelSession *self,
                        CupelEntity  *entity)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (mapper->n_key, 1);
  const CupelCell *cells[G_N_ELEMENTS (mapper->key)];
  CupelIdentityKey key;

  if (cupel_session_key_of (entity, block, cells, &key))
    take_place (self, entity, &key);
}

gboolean
cupel_session_adopt (CupelSession  *self,
                     CupelEntity   *entity,
                     GError       **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelIdentityKey key;

  if (mapper->int_key)
    {
      guint index = mapper->key[0];

      key = (CupelIdentityKey) { mapper, cupel_entity_fetch_int (entity, mapper, index), NULL };
      if (!cupel_entity_bit (mapper, &entity->loaded, index) || cupel_entity_bit (mapper, &entity->nulls, index))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "%s: a row was inserted, but its key is not known",
                       g_type_name (mapper->type));
          return FALSE;
        }
      take_place (self, entity, &key);
    }
  else
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_new (mapper->n_key, 1);
      const CupelCell *cells[G_N_ELEMENTS (mapper->key)];

      if (!cupel_session_key_of (entity, block, cells, &key))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "%s: a row was inserted, but its key is not known",
                       g_type_name (mapper->type));
          return FALSE;
        }
      take_place (self, entity, &key);
    }

  entity->session = self;
  entity->flags &= ~CUPEL_ENTITY_FLAG_PENDING;
  entity->flags |= CUPEL_ENTITY_FLAG_PERSISTENT | CUPEL_ENTITY_FLAG_BORN;
  entity->inserted_in = self->transaction;
  cupel_session_note_inserted (self, entity);
  return TRUE;
}

void
cupel_session_rekey (CupelSession *self,
                     CupelEntity  *entity)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (mapper->n_key, 1);
  const CupelCell *cells[G_N_ELEMENTS (mapper->key)];
  CupelIdentityKey key;

  if (!cupel_session_key_of (entity, block, cells, &key) || key.identity == entity->identity ||
      !cupel_identity_map_remove (&self->identity, entity))
    return;
  entity->identity = key.identity;
  cupel_identity_map_insert (&self->identity, entity);
}

void
cupel_session_entity_dirty (CupelSession *self,
                            CupelEntity  *entity)
{
  entity->flags |= CUPEL_ENTITY_FLAG_DIRTY;
  g_ptr_array_add (self->dirty, g_object_ref (entity));
}

void
cupel_session_entity_finalized (CupelSession *self,
                                CupelEntity  *entity)
{
  cupel_identity_map_remove (&self->identity, entity);
}

/* One entity, without what it refers to. */
static gboolean
attach_one (CupelSession  *self,
            CupelEntity   *entity,
            GError       **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  g_autoptr(CupelRowBlock) block = NULL;
  const CupelCell *cells[8];
  CupelIdentityKey key;

  if (mapper == NULL || mapper->type != G_OBJECT_TYPE (entity))
    return cupel_mapper_for_type (G_OBJECT_TYPE (entity), error) != NULL;
  if (entity->session != NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "the %s belongs to another session: load its row in this one, or take it out of the other with "
                   "cupel_session_expunge() first", g_type_name (mapper->type));
      return FALSE;
    }
  if (entity->flags & CUPEL_ENTITY_FLAG_DELETED)
    {
      g_autofree char *what = cupel_entity_describe (entity);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "%s: its row was deleted; make a new object to insert it again", what);
      return FALSE;
    }
  if (!(entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
    {
      entity->session = self;
      entity->flags |= CUPEL_ENTITY_FLAG_PENDING;
      g_ptr_array_add (self->new_, g_object_ref (entity));
      return TRUE;
    }

  /* Detached: it comes back as what it is. */
  block = cupel_row_block_new (mapper->n_key, 1);
  if (!cupel_session_key_of (entity, block, cells, &key) || cupel_identity_map_lookup (&self->identity, &key) != NULL)
    {
      g_autofree char *what = cupel_entity_describe (entity);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "%s: the session has another object for the same row", what);
      return FALSE;
    }
  entity->session = self;
  entity->identity = key.identity;
  entity->inserted_in = 0;
  cupel_identity_map_insert (&self->identity, entity);
  if (cupel_entity_bits_any (mapper, &entity->modified))
    cupel_session_entity_dirty (self, entity);
  return TRUE;
}

/* Children in the order of their collection, right after their parent. */
static void
push_related (CupelEntity *entity,
              GPtrArray   *stack)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;

  if (extra == NULL || extra->related == NULL)
    return;
  for (guint i = mapper->relationships->len; i > 0; i--)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i - 1);
      GObject *related = extra->related[i - 1];
      gpointer *children = NULL;
      guint n_children = 0;
      gpointer *top;

      if (related == NULL)
        continue;
      if (relationship->kind == CUPEL_RELATIONSHIP_BELONGS_TO)
        {
          children = (gpointer *) &extra->related[i - 1];
          n_children = 1;
        }
      else if (G_OBJECT_TYPE (related) == CUPEL_TYPE_COLLECTION)
        {
          children = (gpointer *) CUPEL_COLLECTION (related)->items;
          n_children = CUPEL_COLLECTION (related)->n_items;
        }
      else
        {
          GPtrArray *added = cupel_related_get_added (related);

          children = added != NULL ? added->pdata : NULL;
          n_children = added != NULL ? added->len : 0;
        }
      g_ptr_array_set_size (stack, (int) (stack->len + n_children));
      top = stack->pdata + stack->len;
      for (guint c = 0; c < n_children; c++)
        *--top = children[c];
    }
}

/* All that relates to @entity, or nothing of it. @stack is empty, before and after. */
static gboolean
attach_all (CupelSession  *self,
            CupelEntity   *entity,
            GPtrArray     *stack,
            GError       **error)
{
  g_autoptr(GPtrArray) back = NULL;   /* were detached, and are held by nobody here */
  guint first = self->new_->len;
  gboolean ok = TRUE;

  g_ptr_array_add (stack, entity);
  while (stack->len > 0)
    {
      CupelEntity *next = g_ptr_array_index (stack, --stack->len);

      if (next->session == self)
        continue;
      ok = attach_one (self, next, error);
      if (!ok)
        break;
      push_related (next, stack);
      if (!(next->flags & CUPEL_ENTITY_FLAG_PENDING))
        {
          if (back == NULL)
            back = g_ptr_array_new_with_free_func (g_object_unref);
          g_ptr_array_add (back, g_object_ref (next));
        }
    }
  if (!ok)
    {
      g_ptr_array_set_size (stack, 0);
      while (self->new_->len > first)
        cupel_session_expunge (self, g_ptr_array_index (self->new_, self->new_->len - 1), NULL);
      for (guint i = 0; back != NULL && i < back->len; i++)
        cupel_session_expunge (self, g_ptr_array_index (back, i), NULL);
      return FALSE;
    }
  /* The session holds the new ones now. */
  for (; first < self->new_->len; first++)
    cupel_entity_weaken_parents (g_ptr_array_index (self->new_, first));
  for (guint i = 0; back != NULL && i < back->len; i++)
    cupel_entity_weaken_parents (g_ptr_array_index (back, i));
  return TRUE;
}

gboolean
cupel_session_attach (CupelSession  *self,
                      CupelEntity   *entity,
                      GError       **error)
{
  g_autoptr(GPtrArray) stack = g_ptr_array_new ();

  return attach_all (self, entity, stack, error);
}

void
cupel_session_cascade_add (CupelSession *self,
                           CupelEntity  *entity)
{
  g_autoptr(GError) error = NULL;

  if (entity->session != self && !cupel_session_attach (self, entity, &error))
    g_critical ("%s", error->message);
}

/**
 * cupel_session_contains:
 * @session: a session
 * @entity: an entity
 *
 * Tells whether an entity is in the session.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_session_contains (CupelSession *session,
                        CupelEntity  *entity)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  return entity->session == session;
}

/**
 * cupel_session_add:
 * @session: a session
 * @entity: an entity
 * @error: return location for an error
 *
 * Adds an entity with all that it relates to. Nothing is sent before a flush. One that is in the session already stays as it is; a detached one
 * comes back with its changes.
 *
 * Returns: %TRUE, or %FALSE with @error set if its class is not mapped, it or what it relates to belongs to another session, or the
 *   session has another object for its row; nothing was added then
 *
 * Since: 1.0
 */
gboolean
cupel_session_add (CupelSession  *session,
                   CupelEntity   *entity,
                   GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  return cupel_session_attach (session, entity, error);
}

/**
 * cupel_session_add_all:
 * @session: a session
 * @entities: (array length=n_entities): entities
 * @n_entities: how many
 * @error: return location for an error
 *
 * Adds several entities. See cupel_session_add().
 *
 * Returns: %TRUE, or %FALSE with @error set at the first that cannot be added
 *
 * Since: 1.0
 */
gboolean
cupel_session_add_all (CupelSession  *session,
                       CupelEntity  **entities,
                       gsize          n_entities,
                       GError       **error)
{
  g_autoptr(GPtrArray) stack = NULL;

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (entities != NULL || n_entities == 0, FALSE);

  stack = g_ptr_array_new ();
  for (gsize i = 0; i < n_entities; i++)
    {
      g_return_val_if_fail (CUPEL_IS_ENTITY (entities[i]), FALSE);
      if (!attach_all (session, entities[i], stack, error))
        return FALSE;
    }
  return TRUE;
}

/**
 * cupel_session_delete:
 * @session: a session
 * @entity: an entity of the session that has a row
 * @error: return location for an error
 *
 * Marks an entity for deletion: the next flush deletes its row, and does with what refers to it as the relationships say.
 *
 * Returns: %TRUE, or %FALSE with @error set if the entity is not a persistent one of this session
 *
 * Since: 1.0
 */
gboolean
cupel_session_delete (CupelSession  *session,
                      CupelEntity   *entity,
                      GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  if (entity->session != session || !(entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                   "the %s has no row in this session, so that there is nothing to delete", G_OBJECT_TYPE_NAME (entity));
      return FALSE;
    }
  if (!(entity->flags & CUPEL_ENTITY_FLAG_DELETED))
    {
      entity->flags &= ~CUPEL_ENTITY_FLAG_CASCADED;
      entity->flags |= CUPEL_ENTITY_FLAG_DELETED;
      g_ptr_array_add (session->deleted, g_object_ref (entity));
    }
  return TRUE;
}

/**
 * cupel_session_expunge:
 * @session: a session
 * @entity: an entity of the session
 * @error: return location for an error
 *
 * Detaches an entity without any SQL: its pending changes are not written.
 *
 * Returns: %TRUE, or %FALSE with @error set if the entity is not in this session
 *
 * Since: 1.0
 */
gboolean
cupel_session_expunge (CupelSession  *session,
                       CupelEntity   *entity,
                       GError       **error)
{
  g_autoptr(CupelEntity) held = NULL;

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  if (entity->session != session)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "the %s is not in this session", G_OBJECT_TYPE_NAME (entity));
      return FALSE;
    }
  held = g_object_ref (entity);
  if (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT)
    cupel_identity_map_remove (&session->identity, entity);
  g_ptr_array_remove (session->new_, entity);
  g_ptr_array_remove (session->dirty, entity);
  g_ptr_array_remove (session->deleted, entity);
  g_ptr_array_remove (session->gone, entity);
  entity->session = NULL;
  entity->flags &= ~(CUPEL_ENTITY_FLAG_PENDING | CUPEL_ENTITY_FLAG_DIRTY | CUPEL_ENTITY_FLAG_DELETED);
  return TRUE;
}
