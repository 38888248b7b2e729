/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-object-private.h"

static void cupel_collection_list_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CupelCollection, cupel_collection, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, cupel_collection_list_model_init))

/* What is finalized with an item may come by here. */
static void
drop_items (CupelCollection *self)
{
  g_autofree CupelEntity **items = g_steal_pointer (&self->items);
  const guint n = self->n_items;

  g_clear_pointer (&self->members, g_hash_table_unref);
  self->n_items = self->n_allocated = 0;
  for (guint i = 0; i < n; i++)
    cupel_object_unref (items[i]);
}

static void
cupel_collection_finalize (GObject *object)
{
  CupelCollection *self = (CupelCollection *) object;

  drop_items (self);
  cupel_collection_changes_clear (&self->changes);
  cupel_collection_changes_clear (&self->taken);

  ((GObjectClass *) cupel_collection_parent_class)->finalize (object);
}

static void
cupel_collection_class_init (CupelCollectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_collection_finalize;
}

static void
cupel_collection_init (CupelCollection *self)
{
}

static GType
cupel_collection_get_item_type (GListModel *list)
{
  return CUPEL_TYPE_ENTITY;
}

static guint
cupel_collection_get_n_items (GListModel *list)
{
  return ((CupelCollection *) list)->n_items;
}

static gpointer
cupel_collection_get_item (GListModel *list,
                           guint       position)
{
  CupelCollection *self = (CupelCollection *) list;

  return position < self->n_items ? g_object_ref (self->items[position]) : NULL;
}

static void
cupel_collection_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = cupel_collection_get_item_type;
  iface->get_n_items = cupel_collection_get_n_items;
  iface->get_item = cupel_collection_get_item;
}

CupelCollection *
cupel_collection_new (CupelEntity       *owner,
                      CupelRelationship *relationship)
{
  CupelCollection *self = g_object_new (CUPEL_TYPE_COLLECTION, NULL);

  self->owner = owner;
  self->relationship = relationship;
  return self;
}

/* items-changed is the user's: it runs on the main stack. */
typedef struct
{
  CupelCollection *self;
  guint position;
  guint removed;
  guint added;
} ItemsChanged;

static void
emit_items_changed (gpointer data)
{
  ItemsChanged *change = data;

  g_list_model_items_changed (G_LIST_MODEL (change->self), change->position, change->removed, change->added);
}

static void
items_changed (CupelCollection *self,
               guint            position,
               guint            removed,
               guint            added)
{
  static guint signal_id;
  ItemsChanged change = { self, position, removed, added };

  if (signal_id == 0)
    signal_id = g_signal_lookup ("items-changed", G_TYPE_LIST_MODEL);
  if (g_signal_has_handler_pending (self, signal_id, 0, FALSE))
    cupel_call_on_main_stack (emit_items_changed, &change);
}

static gboolean
find_item (CupelCollection *self,
           CupelEntity     *entity,
           guint           *position)
{
  for (*position = 0; *position < self->n_items; (*position)++)
    if (self->items[*position] == entity)
      return TRUE;
  return FALSE;
}

/* A scan while there are few; a set, kept from then on, when there are many. */
static gboolean
is_member (CupelCollection *self,
           CupelEntity     *entity)
{
  guint position;

  if (self->members == NULL && self->n_items > 32)
    {
      self->members = g_hash_table_new (NULL, NULL);
      for (guint i = 0; i < self->n_items; i++)
        g_hash_table_add (self->members, self->items[i]);
    }
  return self->members != NULL ? g_hash_table_contains (self->members, entity) : find_item (self, entity, &position);
}

static void
make_room (CupelCollection *self,
           guint            n_items)
{
  if (n_items <= self->n_allocated)
    return;
  self->items = g_renew (CupelEntity *, self->items, n_items);
  self->n_allocated = n_items;
}

static void
push_item (CupelCollection *self,
           CupelEntity     *entity)
{
  if (self->n_items == self->n_allocated)
    make_room (self, MAX (4, self->n_allocated * 2));
  self->items[self->n_items++] = g_object_ref (entity);
  if (self->members != NULL)
    g_hash_table_add (self->members, entity);
}

/* The child's side of a two-way pair. The collection owns the child, so the child's slot holds no reference. */
static void
point_back (CupelEntity       *child,
            CupelRelationship *relationship,
            CupelEntity       *owner,
            gboolean           loading)
{
  CupelRelationship *inverse = relationship->inverse;

  if (inverse == NULL)
    return;
  if (owner == NULL)
    cupel_entity_unload_related (child, inverse->index);
  else
    cupel_entity_store_owner (child, inverse, owner, !loading);
}

/* An entity is in one collection of a two-way pair at a time. */
static void
leave_other (CupelCollection *self,
             CupelEntity     *child)
{
  CupelRelationship *inverse = self->relationship->inverse;
  CupelEntity *old = inverse != NULL ? (CupelEntity *) cupel_entity_peek_related (child, inverse->index) : NULL;
  GObject *list;

  if (old == NULL || old == self->owner)
    return;
  list = cupel_entity_peek_related (old, self->relationship->index);
  if (CUPEL_IS_COLLECTION (list) && list != G_OBJECT (self))
    cupel_collection_remove (CUPEL_COLLECTION (list), child);
}

/* A member that was expired does not know its owner: put into another collection then, or into none, it is still listed here. */
static gboolean
is_elsewhere (CupelCollection *self,
              CupelEntity     *member)
{
  CupelRelationship *inverse = self->relationship->inverse;

  return inverse != NULL && self->owner != NULL && cupel_entity_peek_related (member, inverse->index) != G_OBJECT (self->owner);
}

static gboolean
contains (GPtrArray   *array,
          CupelEntity *entity)
{
  return array != NULL && g_ptr_array_find (array, entity, NULL);
}

static void
push_missing (CupelCollection *self,
              GPtrArray       *added)
{
  for (guint i = 0; added != NULL && i < added->len; i++)
    if (!is_member (self, g_ptr_array_index (added, i)) && !contains (self->changes.removed, g_ptr_array_index (added, i)))
      push_item (self, g_ptr_array_index (added, i));
}

static inline void
take_item (CupelCollection *self,
           CupelEntity     *item)
{
  self->items[self->n_items++] = item;
  if (self->owner != NULL)
    point_back (item, self->relationship, self->owner, TRUE);
}

/* The slot of a child holds no reference to the owner: it must not outlast its place in the collection. */
static void
point_nowhere (CupelCollection *self,
               CupelEntity     *child)
{
  CupelRelationship *inverse = self->relationship->inverse;

  if (inverse != NULL && self->owner != NULL && cupel_entity_peek_related (child, inverse->index) == G_OBJECT (self->owner))
    cupel_entity_unload_related (child, inverse->index);
}

void
cupel_collection_load (CupelCollection  *self,
                       CupelEntity     **items,
                       guint             n_items)
{
  g_autofree CupelEntity **old = g_steal_pointer (&self->items);
  const guint n_old = self->n_items;

  g_clear_pointer (&self->members, g_hash_table_unref);
  self->n_items = self->n_allocated = 0;
  make_room (self, n_items);
  for (guint i = 0; i < n_items; i++)
    {
      /* What was removed, or put elsewhere, before it was loaded stays away. */
      if (contains (self->changes.removed, items[i]) || contains (self->taken.removed, items[i]))
        cupel_object_unref (items[i]);
      else
        take_item (self, items[i]);
    }
  /* What was appended before it was loaded and is not flushed yet stays. */
  push_missing (self, self->taken.added);
  push_missing (self, self->changes.added);
  /* What was flushed since then, and is not there any more, does not. */
  for (guint i = 0; i < n_old; i++)
    if (!is_member (self, old[i]))
      point_nowhere (self, old[i]);
  if (n_old > 0 || self->n_items > 0)
    items_changed (self, 0, n_old, self->n_items);
  /* What is finalized with one may come by here. */
  for (guint i = 0; i < n_old; i++)
    cupel_object_unref (old[i]);
}

CupelCollection *
cupel_collection_new_loaded (CupelEntity        *owner,
                             CupelRelationship  *relationship,
                             CupelEntity       **items,
                             guint               n_items)
{
  CupelCollection *self = cupel_collection_new (owner, relationship);

  make_room (self, n_items);
  for (guint i = 0; i < n_items; i++)
    take_item (self, items[i]);
  return self;
}

static gboolean
drop (GPtrArray  **array,
      CupelEntity *entity)
{
  return *array != NULL && g_ptr_array_remove (*array, entity);
}

static void
note (GPtrArray  **array,
      CupelEntity *entity)
{
  if (*array == NULL)
    *array = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (*array, g_object_ref (entity));
}

/* The owner has something to flush, and what was appended goes where the owner is. */
static void
owner_changed (CupelEntity *owner,
               CupelEntity *appended)
{
  if (owner == NULL || owner->session == NULL)
    return;
  if (appended != NULL)
    cupel_session_cascade_add (owner->session, appended);
  if ((owner->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(owner->flags & CUPEL_ENTITY_FLAG_DIRTY))
    cupel_session_entity_dirty (owner->session, owner);
}

/* What is in another session cannot follow the owner into this one. */
static gboolean
can_follow (CupelEntity *owner,
            CupelEntity *entity)
{
  if (owner == NULL || owner->session == NULL || entity->session == NULL || entity->session == owner->session)
    return TRUE;
  g_critical ("the %s belongs to another session than the %s that it was to be appended to: load its row in that one, or take it out of its "
              "own with cupel_session_expunge() first", G_OBJECT_TYPE_NAME (entity), G_OBJECT_TYPE_NAME (owner));
  return FALSE;
}

/**
 * cupel_collection_append:
 * @collection: a collection
 * @entity: an entity of the target class
 *
 * Appends an entity. If the owner is in a session, @entity is added to it; the flush gives it the owner's key.
 * An entity that is there already stays where it is.
 *
 * @entity must not be in another session than that of the owner: this is a mistake of the program, which is told by a critical warning, and
 * @entity is not appended. Take it out of that with cupel_session_expunge() before, or load its row in this one. Where you cannot
 * know, call cupel_entity_set_related() from the other side, which fails with an error instead.
 *
 * Since: 1.0
 */
void
cupel_collection_append (CupelCollection *collection,
                         CupelEntity     *entity)
{
  gboolean was_member;

  g_return_if_fail (CUPEL_IS_COLLECTION (collection));
  g_return_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (entity, collection->relationship->target_type));

  was_member = is_member (collection, entity);
  if ((was_member && !is_elsewhere (collection, entity)) || !can_follow (collection->owner, entity))
    return;
  leave_other (collection, entity);
  if (!was_member)
    push_item (collection, entity);
  if (!drop (&collection->changes.removed, entity))
    note (&collection->changes.added, entity);
  if (collection->owner != NULL)
    point_back (entity, collection->relationship, collection->owner, FALSE);
  owner_changed (collection->owner, entity);
  if (!was_member)
    items_changed (collection, collection->n_items - 1, 0, 1);
}

/* It came here and goes again before a flush wrote that: its row still refers to whom it belonged to before, whose list may not be loaded.
 * As orphans are not meant to be, those stay there. */
static void
forget_former_owner (CupelCollection *self,
                     CupelEntity     *entity)
{
  CupelRelationship *relationship = self->relationship;

  if (entity->session != NULL && (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(relationship->cascade & CUPEL_CASCADE_DELETE_ORPHAN))
    cupel_entity_set_null (entity, cupel_mapper_attribute (relationship->target, relationship->remote)->name);
}

/**
 * cupel_collection_remove:
 * @collection: a collection
 * @entity: an entity
 *
 * Removes an entity. The flush sets its reference to NULL, or deletes it if the relationship says so.
 *
 * Returns: %TRUE if it was there
 *
 * Since: 1.0
 */
gboolean
cupel_collection_remove (CupelCollection *collection,
                         CupelEntity     *entity)
{
  g_autoptr(CupelEntity) held = NULL;
  g_autoptr(CupelEntity) owner = NULL;
  g_autoptr(CupelCollection) self = NULL;
  gboolean was_added;
  guint position;

  g_return_val_if_fail (CUPEL_IS_COLLECTION (collection), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  if (!is_member (collection, entity) || !find_item (collection, entity, &position))
    return FALSE;
  /* Any of them may be held by another of them only. */
  held = g_object_ref (entity);
  self = g_object_ref (collection);
  owner = collection->owner != NULL ? g_object_ref (collection->owner) : NULL;
  if (collection->members != NULL)
    g_hash_table_remove (collection->members, entity);
  was_added = drop (&collection->changes.added, entity);
  if (!was_added)
    note (&collection->changes.removed, entity);
  collection->n_items--;
  memmove (&collection->items[position], &collection->items[position + 1],
           (collection->n_items - position) * sizeof collection->items[0]);
  g_object_unref (entity);
  point_back (entity, collection->relationship, NULL, FALSE);
  if (was_added)
    forget_former_owner (collection, entity);
  owner_changed (collection->owner, NULL);
  items_changed (collection, position, 1, 0);
  return TRUE;
}

void
cupel_collection_remove_unseen (CupelCollection *self,
                                CupelEntity     *entity)
{
  if (contains (self->changes.removed, entity))
    return;
  note (&self->changes.removed, entity);
  owner_changed (self->owner, NULL);
}

/**
 * cupel_collection_contains:
 * @collection: a collection
 * @entity: an entity
 *
 * Tells whether an entity is in the collection.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_collection_contains (CupelCollection *collection,
                           CupelEntity     *entity)
{
  g_return_val_if_fail (CUPEL_IS_COLLECTION (collection), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  return is_member (collection, entity);
}

G_DEFINE_FINAL_TYPE (CupelWriteOnlyCollection, cupel_write_only_collection, G_TYPE_OBJECT)

static void
cupel_write_only_collection_finalize (GObject *object)
{
  CupelWriteOnlyCollection *self = CUPEL_WRITE_ONLY_COLLECTION (object);

  cupel_collection_changes_clear (&self->changes);
  cupel_collection_changes_clear (&self->taken);

  G_OBJECT_CLASS (cupel_write_only_collection_parent_class)->finalize (object);
}

static void
cupel_write_only_collection_class_init (CupelWriteOnlyCollectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_write_only_collection_finalize;
}

static void
cupel_write_only_collection_init (CupelWriteOnlyCollection *self)
{
}

CupelWriteOnlyCollection *
cupel_write_only_collection_new (CupelEntity       *owner,
                                 CupelRelationship *relationship)
{
  CupelWriteOnlyCollection *self = g_object_new (CUPEL_TYPE_WRITE_ONLY_COLLECTION, NULL);

  self->owner = owner;
  self->relationship = relationship;
  return self;
}

/**
 * cupel_write_only_collection_append:
 * @collection: a write-only collection
 * @entity: an entity of the target class
 *
 * Queues an entity for the owner: the flush gives it the owner's key. Nothing is loaded.
 *
 * Since: 1.0
 */
void
cupel_write_only_collection_append (CupelWriteOnlyCollection *collection,
                                    CupelEntity              *entity)
{
  g_return_if_fail (CUPEL_IS_WRITE_ONLY_COLLECTION (collection));
  g_return_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (entity, collection->relationship->target_type));

  if (!can_follow (collection->owner, entity))
    return;
  if (!drop (&collection->changes.removed, entity))
    note (&collection->changes.added, entity);
  owner_changed (collection->owner, entity);
}

/**
 * cupel_write_only_collection_remove:
 * @collection: a write-only collection
 * @entity: an entity of the target class
 *
 * Queues the removal of an entity: the flush sets its reference to NULL, or deletes it if the relationship says so.
 *
 * Since: 1.0
 */
void
cupel_write_only_collection_remove (CupelWriteOnlyCollection *collection,
                                    CupelEntity              *entity)
{
  g_return_if_fail (CUPEL_IS_WRITE_ONLY_COLLECTION (collection));
  g_return_if_fail (G_TYPE_CHECK_INSTANCE_TYPE (entity, collection->relationship->target_type));

  if (!drop (&collection->changes.added, entity))
    note (&collection->changes.removed, entity);
  owner_changed (collection->owner, NULL);
}

/* `child.fk = key of the owner`; NULL with an error if there is no owner with a row. */
static CupelExpression *
owner_condition (CupelWriteOnlyCollection  *self,
                 CupelValue               **key,
                 GError                   **error)
{
  CupelRelationship *relationship = self->relationship;
  CupelMapper *mapper = relationship->parent;
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);

  if (self->owner == NULL || !(self->owner->flags & CUPEL_ENTITY_FLAG_PERSISTENT) ||
      !cupel_entity_fetch_cell (self->owner, mapper, relationship->local, block, cell, NULL) || cell->kind == CUPEL_CELL_NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DETACHED,
                   "%s.%s: the owner has no row yet, so that nothing can refer to it; flush it first",
                   g_type_name (mapper->type), relationship->name);
      return NULL;
    }
  if (key != NULL)
    *key = cupel_value_new_from_cell (cell);
  return cupel_eq (cupel_column_expression (cupel_mapper_attribute (relationship->target, relationship->remote)->column),
                   cupel_literal (cupel_value_new_from_cell (cell)));
}

/**
 * cupel_write_only_collection_select:
 * @collection: a write-only collection
 * @error: return location for an error
 *
 * Makes a `SELECT` of the entities that refer to the owner. Nothing is remembered on the owner.
 *
 * Returns: (transfer full): a new statement, or %NULL with %CUPEL_ERROR_DETACHED if the owner has no row
 *
 * Since: 1.0
 */
CupelSelect *
cupel_write_only_collection_select (CupelWriteOnlyCollection  *collection,
                                    GError                   **error)
{
  CupelExpression *condition;
  CupelSelect *select;

  g_return_val_if_fail (CUPEL_IS_WRITE_ONLY_COLLECTION (collection), NULL);

  condition = owner_condition (collection, NULL, error);
  if (condition == NULL)
    return NULL;
  select = cupel_entity_select (collection->relationship->target_type);
  cupel_select_where (select, condition);
  if (collection->relationship->order_by != NULL)
    cupel_select_order_by (select, cupel_attr (collection->relationship->target_type, collection->relationship->order_by));
  return select;
}

/**
 * cupel_write_only_collection_update:
 * @collection: a write-only collection
 * @error: return location for an error
 *
 * Makes an `UPDATE` of the rows that refer to the owner.
 *
 * Returns: (transfer full): a new statement, or %NULL with %CUPEL_ERROR_DETACHED if the owner has no row
 *
 * Since: 1.0
 */
CupelUpdate *
cupel_write_only_collection_update (CupelWriteOnlyCollection  *collection,
                                    GError                   **error)
{
  CupelExpression *condition;
  CupelUpdate *update;

  g_return_val_if_fail (CUPEL_IS_WRITE_ONLY_COLLECTION (collection), NULL);

  condition = owner_condition (collection, NULL, error);
  if (condition == NULL)
    return NULL;
  update = cupel_update_new (collection->relationship->target->table);
  cupel_update_where (update, condition);
  return update;
}

/**
 * cupel_write_only_collection_delete:
 * @collection: a write-only collection
 * @error: return location for an error
 *
 * Makes a `DELETE` of the rows that refer to the owner.
 *
 * Returns: (transfer full): a new statement, or %NULL with %CUPEL_ERROR_DETACHED if the owner has no row
 *
 * Since: 1.0
 */
CupelDelete *
cupel_write_only_collection_delete (CupelWriteOnlyCollection  *collection,
                                    GError                   **error)
{
  CupelExpression *condition;
  CupelDelete *delete_;

  g_return_val_if_fail (CUPEL_IS_WRITE_ONLY_COLLECTION (collection), NULL);

  condition = owner_condition (collection, NULL, error);
  if (condition == NULL)
    return NULL;
  delete_ = cupel_delete_new (collection->relationship->target->table);
  cupel_delete_where (delete_, condition);
  return delete_;
}

/**
 * cupel_write_only_collection_insert:
 * @collection: a write-only collection
 * @error: return location for an error
 *
 * Makes an `INSERT` of rows that refer to the owner: its reference is set, the other columns come with cupel_insert_add_column() or
 * cupel_insert_set().
 *
 * Returns: (transfer full): a new statement, or %NULL with %CUPEL_ERROR_DETACHED if the owner has no row
 *
 * Since: 1.0
 */
CupelInsert *
cupel_write_only_collection_insert (CupelWriteOnlyCollection  *collection,
                                    GError                   **error)
{
  CupelRelationship *relationship;
  g_autoptr(CupelExpression) condition = NULL;
  CupelValue *key = NULL;
  CupelInsert *insert;

  g_return_val_if_fail (CUPEL_IS_WRITE_ONLY_COLLECTION (collection), NULL);

  condition = owner_condition (collection, &key, error);
  if (condition == NULL)
    return NULL;
  relationship = collection->relationship;
  insert = cupel_insert_new (relationship->target->table);
  cupel_insert_set (insert, cupel_mapper_attribute (relationship->target, relationship->remote)->column_name, cupel_literal (key));
  return insert;
}

void
cupel_collection_changes_clear (CupelCollectionChanges *changes)
{
  g_clear_pointer (&changes->added, g_ptr_array_unref);
  g_clear_pointer (&changes->removed, g_ptr_array_unref);
}

/* The changes of either kind of collection, and those that a flush has taken. */
static gboolean
find_changes (GObject                 *collection,
              CupelCollectionChanges **changes,
              CupelCollectionChanges **taken)
{
  if (CUPEL_IS_COLLECTION (collection))
    {
      *changes = &CUPEL_COLLECTION (collection)->changes;
      *taken = &CUPEL_COLLECTION (collection)->taken;
      return TRUE;
    }
  if (!CUPEL_IS_WRITE_ONLY_COLLECTION (collection))
    return FALSE;
  *changes = &CUPEL_WRITE_ONLY_COLLECTION (collection)->changes;
  *taken = &CUPEL_WRITE_ONLY_COLLECTION (collection)->taken;
  return TRUE;
}

static gboolean
is_empty (const CupelCollectionChanges *changes)
{
  return (changes->added == NULL || changes->added->len == 0) && (changes->removed == NULL || changes->removed->len == 0);
}

gboolean
cupel_related_is_changed (GObject *collection)
{
  CupelCollectionChanges *changes, *taken;

  return find_changes (collection, &changes, &taken) && !is_empty (changes);
}

GPtrArray *
cupel_related_get_added (GObject *collection)
{
  CupelCollectionChanges *changes, *taken;

  return find_changes (collection, &changes, &taken) ? changes->added : NULL;
}

gboolean
cupel_related_take_changes (GObject *collection)
{
  CupelCollectionChanges *changes, *taken;

  if (!find_changes (collection, &changes, &taken) || is_empty (changes))
    return FALSE;
  *taken = *changes;
  *changes = (CupelCollectionChanges) { NULL, NULL };
  return TRUE;
}

const CupelCollectionChanges *
cupel_related_get_taken (GObject *collection)
{
  CupelCollectionChanges *changes, *taken;

  return find_changes (collection, &changes, &taken) ? taken : NULL;
}

CupelCollectionChanges
cupel_related_steal_taken (GObject *collection)
{
  CupelCollectionChanges *changes, *taken;
  CupelCollectionChanges stolen = { NULL, NULL };

  if (find_changes (collection, &changes, &taken))
    {
      stolen = *taken;
      *taken = (CupelCollectionChanges) { NULL, NULL };
    }
  return stolen;
}

/* @later came after @earlier. What was undone in between is no change. */
static void
put_before (GPtrArray **earlier,
            GPtrArray **later,
            GPtrArray **opposite)
{
  g_autoptr(GPtrArray) both = g_steal_pointer (earlier);

  for (guint i = 0; both != NULL && i < both->len; )
    if (*opposite != NULL && g_ptr_array_remove (*opposite, g_ptr_array_index (both, i)))
      g_ptr_array_remove_index (both, i);
    else
      i++;
  for (guint i = 0; both != NULL && *later != NULL && i < (*later)->len; i++)
    g_ptr_array_add (both, g_object_ref (g_ptr_array_index (*later, i)));
  if (both == NULL)
    return;
  g_clear_pointer (later, g_ptr_array_unref);
  *later = g_steal_pointer (&both);
}

void
cupel_related_give_back (GObject *collection)
{
  CupelCollectionChanges *changes, *taken;

  if (!find_changes (collection, &changes, &taken))
    return;
  put_before (&taken->added, &changes->added, &changes->removed);
  put_before (&taken->removed, &changes->removed, &changes->added);
}

/* Its owner goes, or loads it anew: the children no longer point there. */
void
cupel_related_disown (GObject *object)
{
  if (CUPEL_IS_COLLECTION (object))
    {
      CupelCollection *self = CUPEL_COLLECTION (object);

      for (guint i = 0; i < self->n_items; i++)
        point_nowhere (self, self->items[i]);
      self->owner = NULL;
    }
  else if (CUPEL_IS_WRITE_ONLY_COLLECTION (object))
    CUPEL_WRITE_ONLY_COLLECTION (object)->owner = NULL;
}
