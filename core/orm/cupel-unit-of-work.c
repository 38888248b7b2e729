/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The flush: what changed becomes INSERTs, UPDATEs and DELETEs, parents before children, each shape in one batch. */

#include "orm/cupel-unit-of-work-private.h"
#include "runtime/cupel-profile-private.h"

/* So many new entities hold the loop long enough that it gets its turn before anything else is done with them. */
#define MANY_NEW 10000

/* Sorting classes */

static gboolean
depends_on (CupelMapper *child,
            CupelMapper *parent)
{
  const char *table = cupel_table_get_name (parent->table);
  gsize length = strlen (table);

  if (child == parent)
    return FALSE;
  for (guint i = 0; i < child->attributes->len; i++)
    {
      const char *target = cupel_column_get_foreign_key (cupel_mapper_attribute (child, i)->column);

      if (target != NULL && strncmp (target, table, length) == 0 && target[length] == '.')
        return TRUE;
    }
  return FALSE;
}

static gboolean
visit (CupelMapper *mapper,
       GPtrArray   *all,
       GPtrArray   *path,
       GPtrArray   *sorted,
       GError     **error)
{
  if (g_ptr_array_find (sorted, mapper, NULL))
    return TRUE;
  if (g_ptr_array_find (path, mapper, NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "the foreign keys of %s and %s form a cycle",
                   g_type_name (mapper->type), g_type_name (((CupelMapper *) g_ptr_array_index (path, path->len - 1))->type));
      return FALSE;
    }
  g_ptr_array_add (path, mapper);
  for (guint i = 0; i < all->len; i++)
    {
      CupelMapper *other = g_ptr_array_index (all, i);

      if (depends_on (mapper, other) && !visit (other, all, path, sorted, error))
        return FALSE;
    }
  g_ptr_array_set_size (path, path->len - 1);
  g_ptr_array_add (sorted, mapper);
  return TRUE;
}

static void
gather (GPtrArray *mappers,
        GPtrArray *entities)
{
  CupelMapper *last = NULL;

  for (guint i = 0; i < entities->len; i++)
    {
      CupelMapper *mapper = cupel_mapper_of (g_ptr_array_index (entities, i));

      if (mapper != last && !g_ptr_array_find (mappers, mapper, NULL))
        g_ptr_array_add (mappers, mapper);
      last = mapper;
    }
}

/* What is new, by class. */
static void
gather_inserts (GPtrArray  *mappers,
                CupelFlush *flush)
{
  CupelMapper *last = NULL;
  GPtrArray *entities = NULL;

  flush->inserts_of = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < flush->inserts->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (flush->inserts, i);
      CupelMapper *mapper = cupel_mapper_of (entity);

      if (mapper != last)
        entities = g_hash_table_lookup (flush->inserts_of, mapper);
      if (entities == NULL)
        {
          entities = g_ptr_array_new ();
          g_hash_table_insert (flush->inserts_of, mapper, entities);
          g_ptr_array_add (mappers, mapper);
        }
      g_ptr_array_add (entities, entity);
      last = mapper;
      cupel_fiber_tick ();
    }
}

static GPtrArray *
sorted_mappers (CupelFlush  *flush,
                GError     **error)
{
  CupelSession *session = flush->session;
  g_autoptr(GPtrArray) all = g_ptr_array_new ();
  g_autoptr(GPtrArray) path = g_ptr_array_new ();
  g_autoptr(GPtrArray) sorted = g_ptr_array_new ();

  gather_inserts (all, flush);
  gather (all, session->dirty);
  gather (all, session->deleted);
  for (guint i = 0; i < all->len; i++)
    if (!visit (g_ptr_array_index (all, i), all, path, sorted, error))
      return NULL;
  return g_steal_pointer (&sorted);
}

/* Those whose collections or references have changed, held: they are walked while the program may do anything to the list. */
static GPtrArray *
with_relations (GPtrArray *entities)
{
  GPtrArray *found = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < entities->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (entities, i);
      CupelEntityExtra *extra = entity->extra;

      if (extra != NULL && extra->related != NULL)
        g_ptr_array_add (found, g_object_ref (entity));
    }
  return found;
}

static gboolean
sync_dirty_children (CupelFlush  *flush,
                     GError     **error)
{
  for (guint i = 0; i < flush->parents->len; i++)
    {
      if (!cupel_flush_sync_children (flush, g_ptr_array_index (flush->parents, i), error))
        return FALSE;
      cupel_fiber_tick ();
    }
  return TRUE;
}

/* Deleting decides what else goes or changes. The list grows while it is walked, and when the program takes one out, the others move up. */
static gboolean
cascade_deletes (CupelFlush  *flush,
                 GError     **error)
{
  GPtrArray *deleted = flush->session->deleted;
  gboolean any;

  do
    {
      any = FALSE;
      for (guint i = 0; i < deleted->len; i++)
        {
          g_autoptr(CupelEntity) entity = g_object_ref (g_ptr_array_index (deleted, i));

          if (entity->flags & CUPEL_ENTITY_FLAG_CASCADED)
            continue;
          any = TRUE;
          entity->flags |= CUPEL_ENTITY_FLAG_CASCADED;
          if (!cupel_flush_cascade_delete (flush, entity, error))
            return FALSE;
          cupel_fiber_tick ();
        }
    }
  while (any);
  return TRUE;
}

/* Inserting gave keys to some that had rows already. */
static gboolean
sync_dirty_references (CupelFlush  *flush,
                       GError     **error)
{
  g_autoptr(GPtrArray) referring = with_relations (flush->session->dirty);

  for (guint i = 0; i < referring->len; i++)
    {
      if (!cupel_flush_sync_references (g_ptr_array_index (referring, i), error))
        return FALSE;
      cupel_fiber_tick ();
    }
  return TRUE;
}

/* Takes the list. Whose collections or references were changed while the flush was at work stays dirty. */
static GPtrArray *
take_dirty (CupelSession *session)
{
  GPtrArray *dirty = g_steal_pointer (&session->dirty);

  session->dirty = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < dirty->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (dirty, i);

      entity->flags &= ~CUPEL_ENTITY_FLAG_DIRTY;
      if (cupel_flush_has_children (entity) || cupel_flush_has_references (entity))
        cupel_session_entity_dirty (session, entity);
    }
  cupel_session_note_changed (session, dirty);
  return dirty;
}

/* Lets go of many, each of which may be the last reference. */
static void
release_slowly (GPtrArray **entities)
{
  g_autoptr(GPtrArray) array = g_steal_pointer (entities);

  while (array->len > 0)
    {
      g_object_unref (g_ptr_array_steal_index_fast (array, array->len - 1));
      cupel_fiber_tick ();
    }
}

static gboolean
flush_in_order (CupelFlush  *flush,
                GError     **error)
{
  g_autoptr(GPtrArray) dirty = NULL;
  g_autoptr(GPtrArray) changed = g_ptr_array_new ();

  cupel_flush_take_children (flush);
  if (!sync_dirty_children (flush, error) || !cascade_deletes (flush, error))
    return FALSE;

  flush->mappers = sorted_mappers (flush, error);
  if (flush->mappers == NULL)
    return FALSE;
  for (guint i = 0; i < flush->mappers->len; i++)
    if (!cupel_flush_inserts (flush, g_ptr_array_index (flush->mappers, i), error))
      return FALSE;

  if (!sync_dirty_references (flush, error))
    return FALSE;
  dirty = take_dirty (flush->session);
  gather (changed, dirty);
  for (guint i = 0; i < changed->len; i++)
    if (!cupel_flush_updates (flush, g_ptr_array_index (changed, i), dirty, error))
      return FALSE;
  release_slowly (&dirty);

  for (guint i = flush->mappers->len; i > 0; i--)
    if (!cupel_flush_deletes (flush, g_ptr_array_index (flush->mappers, i - 1), error))
      return FALSE;
  return TRUE;
}

static gboolean
is_clean (CupelSession *self)
{
  if (self->new_->len > 0 || self->deleted->len > 0)
    return FALSE;
  for (guint i = 0; i < self->dirty->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (self->dirty, i);
      CupelMapper *mapper = cupel_mapper_of (entity);
      CupelEntityExtra *extra = entity->extra;

      if (cupel_entity_bits_any (mapper, &entity->modified))
        return FALSE;
      for (guint r = 0; extra != NULL && extra->related != NULL && r < mapper->relationships->len; r++)
        if (extra->related[r] != NULL)
          return FALSE;
    }
  return TRUE;
}

/* Takes what is new: those that arrive meanwhile wait for the next flush. */
static GPtrArray *
take_new (CupelSession *self)
{
  GPtrArray *inserts = g_steal_pointer (&self->new_);

  self->new_ = g_ptr_array_new_with_free_func (g_object_unref);
  return inserts;
}

static void
unmark (GPtrArray *entities)
{
  for (guint i = 0; i < entities->len; i++)
    ((CupelEntity *) g_ptr_array_index (entities, i))->flags &= ~CUPEL_ENTITY_FLAG_MARK;
}

/* Those that are marked are there already. */
static void
move_pending (CupelSession *self,
              GPtrArray    *from)
{
  for (guint i = 0; i < from->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (from, i);

      if (entity->session != self || (entity->flags & (CUPEL_ENTITY_FLAG_PENDING | CUPEL_ENTITY_FLAG_MARK)) != CUPEL_ENTITY_FLAG_PENDING)
        continue;
      entity->flags |= CUPEL_ENTITY_FLAG_MARK;
      g_ptr_array_add (self->new_, g_object_ref (entity));
    }
}

/* What has no row yet is new again, in the order of adding. One that was taken out of the session and added again is in both lists. */
static void
give_back_new (CupelSession *self,
               GPtrArray    *inserts)
{
  g_autoptr(GPtrArray) later = take_new (self);

  unmark (inserts);
  unmark (later);
  move_pending (self, inserts);
  move_pending (self, later);
  unmark (self->new_);
}

gboolean
cupel_session_do_flush (CupelSession  *self,
                        GCancellable  *cancellable,
                        GError       **error)
{
  CupelFlush flush = { .session = self, .cancellable = cancellable };
  g_autoptr(GError) failure = NULL;
  gboolean ok;
  CUPEL_PROFILE_BEGIN (mark);

  if (self->flushing)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_BUSY, "the session is flushing already");
      return FALSE;
    }
  if (is_clean (self))
    return TRUE;
  if (cupel_session_acquire (self, cancellable, error) == NULL)
    return FALSE;

  self->flushing = TRUE;
  /* Adding many took its time, and what many have in their collections is taken in one go. */
  if (self->new_->len >= MANY_NEW)
    cupel_fiber_yield ();
  flush.inserts = take_new (self);
  flush.parents = with_relations (self->dirty);
  ok = flush_in_order (&flush, &failure);
  /* Others still hold them: the session, or nobody. After a flush that went well, only what was added meanwhile is new. */
  if (!ok || self->new_->len > 0)
    give_back_new (self, flush.inserts);
  if (!ok)
    cupel_flush_give_back_children (&flush);
  release_slowly (&flush.inserts);
  release_slowly (&flush.parents);
  self->flushing = FALSE;
  CUPEL_PROFILE_END (mark, "flush", NULL);

  g_clear_pointer (&flush.mappers, g_ptr_array_unref);
  g_clear_pointer (&flush.adopted, g_hash_table_unref);
  g_clear_pointer (&flush.pending, g_hash_table_unref);
  g_clear_pointer (&flush.inserts_of, g_hash_table_unref);
  if (self->expire_later)
    cupel_session_expire_all (self);
  if (ok)
    return TRUE;

  /* Half a flush is no state to go on from. */
  cupel_session_fail (self, failure);
  g_propagate_prefixed_error (error, g_steal_pointer (&failure), "flush: ");
  return FALSE;
}
