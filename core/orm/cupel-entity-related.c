/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The relationship slots of an entity. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-object-private.h"

GObject *
cupel_entity_peek_related (CupelEntity *self,
                           guint        relationship)
{
  CupelEntityExtra *extra = self->extra;

  return extra != NULL && extra->related != NULL ? extra->related[relationship] : NULL;
}

gboolean
cupel_entity_related_loaded (CupelEntity *self,
                             guint        relationship)
{
  CupelEntityExtra *extra = self->extra;

  if (extra != NULL && ((extra->related_loaded >> relationship) & 1))
    return TRUE;
  if (self->flags & CUPEL_ENTITY_FLAG_BORN)
    {
      CupelMapper *mapper = cupel_mapper_of (self);

      return ((CupelRelationship *) g_ptr_array_index (mapper->relationships, relationship))->kind == CUPEL_RELATIONSHIP_HAS_MANY;
    }
  return FALSE;
}

void
cupel_entity_unload_related (CupelEntity *self,
                             guint        relationship)
{
  CupelEntityExtra *extra = self->extra;
  const guint64 bit = G_GUINT64_CONSTANT (1) << relationship;
  GObject *old;
  gboolean weak;

  self->flags &= ~CUPEL_ENTITY_FLAG_BORN;
  if (extra == NULL || extra->related == NULL)
    return;
  old = g_steal_pointer (&extra->related[relationship]);
  weak = (extra->related_weak & bit) != 0;
  extra->related_loaded &= ~bit;
  extra->related_weak &= ~bit;
  extra->related_changed &= ~bit;
  if (old == NULL)
    return;
  if (!CUPEL_IS_ENTITY (old))
    cupel_related_disown (old);
  if (!weak)
    cupel_object_unref (old);
}

void
cupel_entity_store_related (CupelEntity *self,
                            guint        relationship,
                            GObject     *related,
                            gboolean     weak)
{
  CupelEntityExtra *extra = cupel_entity_extra (self);
  const guint64 bit = G_GUINT64_CONSTANT (1) << relationship;

  const guint born = self->flags & CUPEL_ENTITY_FLAG_BORN;

  if (related != NULL && !weak)
    g_object_ref (related);
  cupel_entity_unload_related (self, relationship);
  self->flags |= born;
  extra->related[relationship] = related;
  extra->related_loaded |= bit;
  if (weak)
    extra->related_weak |= bit;
}

void
cupel_entity_set_one (CupelEntity *self,
                      guint        relationship,
                      CupelEntity *related,
                      gboolean     weak)
{
  cupel_entity_store_related (self, relationship, (GObject *) related, weak);
  ((CupelEntityExtra *) self->extra)->related_changed |= G_GUINT64_CONSTANT (1) << relationship;
}

void
cupel_entity_store_owner (CupelEntity       *self,
                          CupelRelationship *relationship,
                          CupelEntity       *owner,
                          gboolean           changed)
{
  CupelEntityExtra *extra = cupel_entity_extra (self);
  const guint64 bit = G_GUINT64_CONSTANT (1) << relationship->index;

  if (extra->related[relationship->index] != (GObject *) owner || (extra->related_weak & bit))
    {
      cupel_entity_store_related (self, relationship->index, (GObject *) owner, TRUE);
    }
  else if (owner->session != NULL)
    {
      /* The program may have come to the owner from here, and hold nothing but this entity. */
      extra->related_weak |= bit;
      cupel_session_keep (owner->session, owner);
    }
  if (changed)
    extra->related_changed |= bit;
  else
    extra->related_changed &= ~bit;
}

gboolean
cupel_entity_is_held_by_child (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);

  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *inverse = ((CupelRelationship *) g_ptr_array_index (mapper->relationships, i))->inverse;
      GObject *list = cupel_entity_peek_related (self, i);

      if (inverse == NULL || !CUPEL_IS_COLLECTION (list))
        continue;
      for (guint c = 0; c < CUPEL_COLLECTION (list)->n_items; c++)
        {
          CupelEntity *child = CUPEL_COLLECTION (list)->items[c];

          if (cupel_entity_peek_related (child, inverse->index) == G_OBJECT (self) &&
              g_atomic_int_get (&G_OBJECT (child)->ref_count) > 1)
            return TRUE;
        }
    }
  return FALSE;
}

void
cupel_entity_return_to_children (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);

  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *inverse = ((CupelRelationship *) g_ptr_array_index (mapper->relationships, i))->inverse;
      GObject *list = cupel_entity_peek_related (self, i);
      g_autoptr(GPtrArray) children = g_ptr_array_new_with_free_func (g_object_unref);

      if (inverse == NULL || !CUPEL_IS_COLLECTION (list))
        continue;
      for (guint c = 0; c < CUPEL_COLLECTION (list)->n_items; c++)
        {
          CupelEntity *child = CUPEL_COLLECTION (list)->items[c];

          if (cupel_entity_peek_related (child, inverse->index) == G_OBJECT (self) &&
              g_atomic_int_get (&G_OBJECT (child)->ref_count) > 1)
            g_ptr_array_add (children, g_object_ref (child));
        }
      cupel_entity_unload_related (self, i);
      for (guint c = 0; c < children->len; c++)
        cupel_entity_store_related (g_ptr_array_index (children, c), inverse->index, G_OBJECT (self), FALSE);
    }
}

void
cupel_entity_weaken_parent (CupelEntity       *self,
                            CupelRelationship *relationship)
{
  CupelEntityExtra *extra = self->extra;
  const guint64 bit = G_GUINT64_CONSTANT (1) << relationship->index;
  CupelEntity *parent = (CupelEntity *) cupel_entity_peek_related (self, relationship->index);
  GObject *list;

  if (relationship->kind != CUPEL_RELATIONSHIP_BELONGS_TO || relationship->inverse == NULL || parent == NULL ||
      (extra->related_weak & bit))
    return;
  list = cupel_entity_peek_related (parent, relationship->inverse->index);
  if (!CUPEL_IS_COLLECTION (list) || !cupel_collection_contains (CUPEL_COLLECTION (list), self))
    return;
  /* One that nobody else holds would be gone at once. */
  if (g_atomic_int_get (&G_OBJECT (parent)->ref_count) > 1)
    {
      extra->related_weak |= bit;
      g_object_unref (parent);
    }
  else if (parent->session != NULL)
    {
      extra->related_weak |= bit;
      cupel_session_keep (parent->session, parent);
    }
}

void
cupel_entity_weaken_parents (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);

  for (guint i = 0; i < mapper->relationships->len; i++)
    cupel_entity_weaken_parent (self, g_ptr_array_index (mapper->relationships, i));
}

CupelCollection *
cupel_entity_ensure_collection (CupelEntity       *self,
                                CupelRelationship *relationship)
{
  CupelEntityExtra *extra = cupel_entity_extra (self);

  if (extra->related[relationship->index] == NULL)
    extra->related[relationship->index] = (GObject *) cupel_collection_new (self, relationship);
  return (CupelCollection *) extra->related[relationship->index];
}

static gboolean
is_write_only (CupelRelationship *relationship)
{
  return relationship->strategy != NULL && CUPEL_LOADER_STRATEGY_GET_CLASS (relationship->strategy)->write_only;
}

static CupelRelationship *
require_kind (CupelEntity            *entity,
              const char             *name,
              CupelRelationshipKind   kind,
              GError                **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelRelationship *relationship;

  if (mapper == NULL)
    {
      cupel_mapper_for_type (G_OBJECT_TYPE (entity), error);
      return NULL;
    }
  relationship = cupel_mapper_require_relationship (mapper, name, error);
  if (relationship != NULL && relationship->kind != kind)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s.%s is a relationship to %s, not to %s",
                   g_type_name (mapper->type), name, kind == CUPEL_RELATIONSHIP_HAS_MANY ? "one" : "many",
                   kind == CUPEL_RELATIONSHIP_HAS_MANY ? "many" : "one");
      return NULL;
    }
  return relationship;
}

/* A new entity has empty, loaded collections: nothing can refer to a row that does not exist. */
static gboolean
load_if_new (CupelEntity       *entity,
             CupelRelationship *relationship)
{
  if (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT)
    return FALSE;
  if (relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY)
    cupel_entity_ensure_collection (entity, relationship);
  cupel_entity_extra (entity)->related_loaded |= G_GUINT64_CONSTANT (1) << relationship->index;
  return TRUE;
}

/**
 * cupel_entity_get_list:
 * @entity: an entity
 * @name: the name of a relationship to many
 * @error: return location for an error
 *
 * Gets the entities of a relationship, as a live list. A new entity has an empty one. Outside a fiber nothing is loaded: it fails with
 * %CUPEL_ERROR_NOT_LOADED unless it was; in a fiber it is loaded by its strategy, suspending.
 *
 * Returns: (transfer none): a #CupelCollection, or %NULL with @error set
 *
 * Since: 1.0
 */
GListModel *
cupel_entity_get_list (CupelEntity  *entity,
                       const char   *name,
                       GError      **error)
{
  CupelRelationship *relationship;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  relationship = require_kind (entity, name, CUPEL_RELATIONSHIP_HAS_MANY, error);
  if (relationship == NULL)
    return NULL;
  if (is_write_only (relationship))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED,
                   "%s.%s is write-only and never loaded: query cupel_write_only_collection_select() instead",
                   G_OBJECT_TYPE_NAME (entity), name);
      return NULL;
    }
  if (!cupel_entity_related_loaded (entity, relationship->index) && !load_if_new (entity, relationship) &&
      !cupel_entity_require (entity, name, error))
    return NULL;
  return G_LIST_MODEL (cupel_entity_ensure_collection (entity, relationship));
}

/**
 * cupel_entity_get_write_only:
 * @entity: an entity
 * @name: the name of a write-only relationship
 * @error: return location for an error
 *
 * Gets the collection of a relationship whose loader is "write-only". It never does I/O.
 *
 * Returns: (transfer none): the collection, or %NULL with @error set if the relationship is of another kind
 *
 * Since: 1.0
 */
CupelWriteOnlyCollection *
cupel_entity_get_write_only (CupelEntity  *entity,
                             const char   *name,
                             GError      **error)
{
  CupelRelationship *relationship;
  CupelEntityExtra *extra;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  relationship = require_kind (entity, name, CUPEL_RELATIONSHIP_HAS_MANY, error);
  if (relationship == NULL)
    return NULL;
  if (!is_write_only (relationship))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s.%s is not write-only: read it with cupel_entity_get_list()",
                   G_OBJECT_TYPE_NAME (entity), name);
      return NULL;
    }
  extra = cupel_entity_extra (entity);
  if (extra->related[relationship->index] == NULL)
    extra->related[relationship->index] = G_OBJECT (cupel_write_only_collection_new (entity, relationship));
  return CUPEL_WRITE_ONLY_COLLECTION (extra->related[relationship->index]);
}

/**
 * cupel_entity_get_related:
 * @entity: an entity
 * @name: the name of a relationship to one
 * @error: return location for an error
 *
 * Gets the entity that this one refers to. Outside a fiber nothing is loaded: it fails with %CUPEL_ERROR_NOT_LOADED unless it was.
 *
 * Returns: (transfer none) (nullable) (type CupelEntity): the entity; %NULL without @error set if it refers to none
 *
 * Since: 1.0
 */
gpointer
cupel_entity_get_related (CupelEntity  *entity,
                          const char   *name,
                          GError      **error)
{
  CupelRelationship *relationship;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  relationship = require_kind (entity, name, CUPEL_RELATIONSHIP_BELONGS_TO, error);
  if (relationship == NULL)
    return NULL;
  if (!cupel_entity_related_loaded (entity, relationship->index) && !load_if_new (entity, relationship) &&
      !cupel_entity_require (entity, name, error))
    return NULL;
  return cupel_entity_peek_related (entity, relationship->index);
}

/* What refers to each other is in one session: the one without follows the other. Before anything is changed, as this may fail.
 * @listed: @entity will be in a list of @related, which takes it where @related is */
static gboolean
join_session (CupelEntity        *entity,
              CupelEntity        *related,
              gboolean            listed,
              CupelRelationship  *relationship,
              GError            **error)
{
  CupelEntity *outsider = entity->session != NULL ? related : entity;
  CupelSession *session = entity->session != NULL ? entity->session : related->session;

  if (session == NULL || outsider->session == session || (outsider == entity && !listed) ||
      cupel_session_attach (session, outsider, error))
    return TRUE;

  g_prefix_error (error, "%s.%s: ", g_type_name (relationship->parent->type), relationship->name);
  return FALSE;
}

/**
 * cupel_entity_set_related:
 * @entity: an entity
 * @name: the name of a relationship to one
 * @related: (nullable): what it refers to from now on
 * @error: return location for an error
 *
 * Makes the entity refer to another. Nothing is loaded; the flush writes the key. The other side of a two-way pair follows if it is loaded.
 *
 * While neither is in a session each keeps the other alive: add one of them to a session, or set the relationship back to %NULL.
 *
 * Returns: %TRUE, or %FALSE with @error set if there is no such relationship, or @related is of another class, in another session or
 *   cannot come into that of @entity; @entity then refers to what it did before
 *
 * Since: 1.0
 */
gboolean
cupel_entity_set_related (CupelEntity  *entity,
                          const char   *name,
                          CupelEntity  *related,
                          GError      **error)
{
  CupelRelationship *relationship;
  CupelRelationship *inverse;
  CupelEntity *old;
  gboolean listed;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (related == NULL || CUPEL_IS_ENTITY (related), FALSE);

  relationship = require_kind (entity, name, CUPEL_RELATIONSHIP_BELONGS_TO, error);
  if (relationship == NULL)
    return FALSE;
  if (related != NULL && !g_type_is_a (G_OBJECT_TYPE (related), relationship->target_type))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s.%s refers to %s, not to %s",
                   G_OBJECT_TYPE_NAME (entity), name, g_type_name (relationship->target_type), G_OBJECT_TYPE_NAME (related));
      return FALSE;
    }

  inverse = relationship->inverse;
  old = (CupelEntity *) cupel_entity_peek_related (entity, relationship->index);
  if (old == related && cupel_entity_related_loaded (entity, relationship->index))
    return TRUE;
  listed = related != NULL && inverse != NULL && (cupel_entity_related_loaded (related, inverse->index) || load_if_new (related, inverse));
  if (related != NULL && !join_session (entity, related, listed, relationship, error))
    return FALSE;

  g_object_ref (entity);
  if (old != NULL && inverse != NULL)
    {
      GObject *list = cupel_entity_peek_related (old, inverse->index);

      if (CUPEL_IS_COLLECTION (list))
        cupel_collection_remove (CUPEL_COLLECTION (list), entity);
    }
  if (listed)
    {
      cupel_collection_append (cupel_entity_ensure_collection (related, inverse), entity);
      /* Nobody else may hold the parent before a session does. */
      if (entity->session == NULL && related->session == NULL && !(related->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
        cupel_entity_set_one (entity, relationship->index, related, FALSE);
    }
  else
    cupel_entity_set_one (entity, relationship->index, related, FALSE);

  /* The key is copied at flush; a reference that is known already, or none, is written down at once. */
  if (related == NULL)
    cupel_entity_set_null (entity, cupel_mapper_attribute (relationship->parent, relationship->local)->name);
  if (entity->session != NULL && (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(entity->flags & CUPEL_ENTITY_FLAG_DIRTY))
    cupel_session_entity_dirty (entity->session, entity);
  g_object_unref (entity);
  return TRUE;
}

/**
 * cupel_entity_append:
 * @entity: an entity
 * @name: the name of a relationship to many
 * @related: an entity of the target class
 *
 * Appends to a relationship, write-only or not, without loading it.
 *
 * @related must not be in another session than that of the owner: this is a mistake of the program, which is told by a critical warning, and
 * @related is not appended. Take it out of that with cupel_session_expunge() before, or load its row in this one. Where you cannot
 * know, call cupel_entity_set_related() from the other side, which fails with an error instead.
 *
 * Since: 1.0
 */
void
cupel_entity_append (CupelEntity *entity,
                     const char  *name,
                     CupelEntity *related)
{
  g_autoptr(GError) error = NULL;
  CupelRelationship *relationship;

  g_return_if_fail (CUPEL_IS_ENTITY (entity));
  g_return_if_fail (name != NULL);
  g_return_if_fail (CUPEL_IS_ENTITY (related));

  relationship = require_kind (entity, name, CUPEL_RELATIONSHIP_HAS_MANY, &error);
  if (relationship == NULL)
    g_critical ("%s", error->message);
  else if (is_write_only (relationship))
    cupel_write_only_collection_append (cupel_entity_get_write_only (entity, name, NULL), related);
  else
    {
      load_if_new (entity, relationship);
      cupel_collection_append (cupel_entity_ensure_collection (entity, relationship), related);
    }
}

/**
 * cupel_entity_remove:
 * @entity: an entity
 * @name: the name of a relationship to many
 * @related: an entity of the target class
 *
 * Removes from a relationship, write-only or not, without loading it.
 *
 * Since: 1.0
 */
void
cupel_entity_remove (CupelEntity *entity,
                     const char  *name,
                     CupelEntity *related)
{
  g_autoptr(GError) error = NULL;
  CupelRelationship *relationship;

  g_return_if_fail (CUPEL_IS_ENTITY (entity));
  g_return_if_fail (name != NULL);
  g_return_if_fail (CUPEL_IS_ENTITY (related));

  relationship = require_kind (entity, name, CUPEL_RELATIONSHIP_HAS_MANY, &error);
  if (relationship == NULL)
    g_critical ("%s", error->message);
  else if (is_write_only (relationship))
    cupel_write_only_collection_remove (cupel_entity_get_write_only (entity, name, NULL), related);
  else
    {
      CupelCollection *collection = cupel_entity_ensure_collection (entity, relationship);

      if (!cupel_collection_remove (collection, related) && !cupel_entity_related_loaded (entity, relationship->index) &&
          !load_if_new (entity, relationship))
        cupel_collection_remove_unseen (collection, related);
    }
}
