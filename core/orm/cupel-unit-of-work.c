/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The flush: what changed becomes INSERTs, UPDATEs and DELETEs, parents before children, each shape in one batch. */

#include "engine/cupel-connection-private.h"
#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-profile-private.h"

typedef struct
{
  CupelSession *session;
  GPtrArray *mappers;       /* parents first */
  GPtrArray *inserts;       /* what was new at the start */
  GHashTable *adopted;      /* by relationship: the set of what collections got; made when first asked for */
  GCancellable *cancellable;
} Flush;

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

static GPtrArray *
sorted_mappers (CupelSession  *session,
                GError       **error)
{
  g_autoptr(GPtrArray) all = g_ptr_array_new ();
  g_autoptr(GPtrArray) path = g_ptr_array_new ();
  g_autoptr(GPtrArray) sorted = g_ptr_array_new ();

  gather (all, session->new_);
  gather (all, session->dirty);
  gather (all, session->deleted);
  for (guint i = 0; i < all->len; i++)
    if (!visit (g_ptr_array_index (all, i), all, path, sorted, error))
      return NULL;
  return g_steal_pointer (&sorted);
}

/* Keys that travel between entities */

typedef struct
{
  CupelEntity *from;
  guint from_index;
  CupelEntity *to;
  guint to_index;
  gboolean clear;
  GError **error;
  gboolean ok;
} CopyKey;

static void
copy_key_func (gpointer data)
{
  CopyKey *c = data;
  CupelMapper *to = cupel_mapper_of (c->to);
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 2);
  CupelCell *cell = cupel_row_block_add_row (block);
  CupelCell now;

  c->ok = FALSE;
  if (c->from != NULL &&
      !cupel_entity_fetch_cell (c->from, cupel_mapper_of (c->from), c->from_index, block, cell, c->error))
    return;
  c->ok = TRUE;

  cupel_row_block_add_row (block);
  cell = &block->cells[0];
  if (cupel_entity_bit (to, &c->to->loaded, c->to_index) &&
      cupel_entity_fetch_cell (c->to, to, c->to_index, block, &block->cells[1], NULL) &&
      cupel_cell_equal (cell, &block->cells[1]))
    return;
  now = *cell;
  cupel_entity_touch (c->to, to, c->to_index);
  c->ok = cupel_entity_change_cell (c->to, to, c->to_index, &now, c->error);
  cupel_entity_set_bit (to, &c->to->loaded, c->to_index, TRUE);
  cupel_entity_set_bit (to, &c->to->modified, c->to_index, TRUE);
}

/* to.attribute = from.attribute; NULL when @from is NULL. */
static gboolean
copy_key (CupelEntity  *from,
          guint         from_index,
          CupelEntity  *to,
          guint         to_index,
          GError      **error)
{
  CopyKey c = { .from = from, .from_index = from_index, .to = to, .to_index = to_index, .error = error };

  if ((from == NULL || cupel_mapper_of (from) == NULL || ((CupelMapper *) cupel_mapper_of (from))->native) &&
      ((CupelMapper *) cupel_mapper_of (to))->native)
    copy_key_func (&c);
  else
    cupel_call_on_main_stack (copy_key_func, &c);
  if (c.ok && (to->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(to->flags & CUPEL_ENTITY_FLAG_DIRTY) && to->session != NULL)
    cupel_session_entity_dirty (to->session, to);
  return c.ok;
}

static void
collect_adopted (Flush     *flush,
                 GPtrArray *entities)
{
  for (guint i = 0; i < entities->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (entities, i);
      CupelMapper *mapper = cupel_mapper_of (entity);
      CupelEntityExtra *extra = entity->extra;

      for (guint r = 0; extra != NULL && extra->related != NULL && r < mapper->relationships->len; r++)
        {
          CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, r);
          GPtrArray *added = extra->related[r] != NULL && relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY
                               ? cupel_related_get_added (extra->related[r]) : NULL;
          GHashTable *set = g_hash_table_lookup (flush->adopted, relationship);

          if (added == NULL || added->len == 0)
            continue;
          if (set == NULL)
            {
              set = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
              g_hash_table_insert (flush->adopted, relationship, set);
            }
          for (guint n = 0; n < added->len; n++)
            g_hash_table_add (set, g_object_ref (g_ptr_array_index (added, n)));
        }
    }
}

/* Whether a child that was taken out of a collection has found another parent. */
static gboolean
is_adopted (Flush             *flush,
            CupelRelationship *relationship,
            CupelEntity       *parent,
            CupelEntity       *child)
{
  GHashTable *set = g_hash_table_lookup (flush->adopted, relationship);
  GObject *now = relationship->inverse != NULL ? cupel_entity_peek_related (child, relationship->inverse->index) : NULL;

  return (set != NULL && g_hash_table_contains (set, child)) || (now != NULL && now != G_OBJECT (parent));
}

/* Whether the row of @child refers to @parent, as far as is known. */
static gboolean
refers_to (CupelRelationship *relationship,
           CupelEntity       *parent,
           CupelEntity       *child)
{
  CupelMapper *mapper = relationship->target;
  g_autoptr(CupelRowBlock) block = NULL;

  if (!mapper->native || !relationship->parent->native || !cupel_entity_bit (mapper, &child->loaded, relationship->remote))
    return TRUE;
  block = cupel_row_block_new (1, 2);
  cupel_row_block_add_row (block);
  cupel_row_block_add_row (block);
  return !cupel_entity_fetch_cell (parent, relationship->parent, relationship->local, block, &block->cells[0], NULL) ||
         !cupel_entity_fetch_cell (child, mapper, relationship->remote, block, &block->cells[1], NULL) ||
         cupel_cell_equal (&block->cells[0], &block->cells[1]);
}

/* What was appended to this entity's collections gets its key, what was removed loses it. */
static gboolean
sync_children (Flush        *flush,
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
      GObject *related = extra->related[i];
      g_autoptr(GPtrArray) added = NULL;
      g_autoptr(GPtrArray) removed = NULL;

      if (related == NULL || relationship->kind != CUPEL_RELATIONSHIP_HAS_MANY)
        continue;
      /* Taken away first: copying a key may call setters, which may do anything to the collection. */
      added = cupel_related_steal_added (related);
      removed = cupel_related_steal_removed (related);
      for (guint n = 0; added != NULL && n < added->len; n++)
        if (!copy_key (entity, relationship->local, g_ptr_array_index (added, n), relationship->remote, error))
          return FALSE;
      for (guint n = 0; removed != NULL && n < removed->len; n++)
        {
          CupelEntity *child = g_ptr_array_index (removed, n);

          if (!(child->flags & CUPEL_ENTITY_FLAG_PERSISTENT) || (child->flags & CUPEL_ENTITY_FLAG_DELETED) ||
              is_adopted (flush, relationship, entity, child) || !refers_to (relationship, entity, child))
            continue;
          if (relationship->cascade & CUPEL_CASCADE_DELETE_ORPHAN)
            {
              if (child->session != NULL && !cupel_session_delete (child->session, child, error))
                return FALSE;
            }
          else if (!copy_key (NULL, 0, child, relationship->remote, error))
            return FALSE;
        }
    }
  return TRUE;
}

/* What the program made this entity refer to has its key by now, or is of the same class and still to come. What a loader found is no news, and
 * must not undo what was done to the attribute itself. */
static gboolean
sync_references (CupelEntity  *entity,
                 GError      **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;

  if (extra == NULL || extra->related == NULL)
    return TRUE;
  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      CupelEntity *related = (CupelEntity *) extra->related[i];

      if (related == NULL || relationship->kind != CUPEL_RELATIONSHIP_BELONGS_TO || !((extra->related_changed >> i) & 1) ||
          (related->flags & (CUPEL_ENTITY_FLAG_PERSISTENT | CUPEL_ENTITY_FLAG_DELETED)) != CUPEL_ENTITY_FLAG_PERSISTENT)
        continue;
      if (!copy_key (related, relationship->remote, entity, relationship->local, error))
        return FALSE;
      extra->related_changed &= ~(G_GUINT64_CONSTANT (1) << i);
    }
  return TRUE;
}

/* Parameter sets */

typedef struct
{
  CupelMapperStatement *shape;
  CupelEntity **entities;
  guint n_entities;
  guint n_values;        /* the first so many binds are current values, the rest the key as the row has it */
  CupelRowBlock *sets;
  GError **error;
  gboolean ok;
} FillSets;

static void
fill_sets (gpointer data)
{
  FillSets *f = data;

  f->ok = TRUE;
  for (guint i = 0; i < f->n_entities && f->ok; i++)
    {
      CupelEntity *entity = f->entities[i];
      CupelMapper *mapper = cupel_mapper_of (entity);
      CupelCell *row = cupel_row_block_add_row (f->sets);

      entity->flags &= ~CUPEL_ENTITY_FLAG_TOUCHED;
      for (guint b = 0; b < f->shape->n_binds && f->ok; b++)
        {
          guint index = f->shape->binds[b];
          const CupelCell *known = b >= f->n_values ? cupel_entity_row_cell (entity, index) : NULL;

          if (known != NULL)
            cupel_row_block_copy_cell (f->sets, &row[b], known);
          else
            f->ok = cupel_entity_fetch_cell (entity, mapper, index, f->sets, &row[b], f->error);
        }
      if (mapper->native)
        cupel_fiber_tick ();
    }
}

static CupelRowBlock *
make_sets (CupelMapper           *mapper,
           CupelMapperStatement  *shape,
           guint                  n_values,
           CupelEntity          **entities,
           guint                  n_entities,
           GError               **error)
{
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (shape->n_binds, n_entities);
  FillSets f = { shape, entities, n_entities, n_values, sets, error, TRUE };

  cupel_session_run_for_class (mapper, fill_sets, &f);
  return f.ok ? g_steal_pointer (&sets) : NULL;
}

typedef struct
{
  CupelEntity *entity;
  const guint *binds;
  guint n_values;
  const CupelCell *row;
} Written;

/* What was written is what the row has; what changed meanwhile is still to be written. */
static void
take_snapshot (gpointer data)
{
  Written *w = data;
  CupelMapper *mapper = cupel_mapper_of (w->entity);
  CupelEntityExtra *extra = cupel_entity_extra (w->entity);

  if (extra->snapshot == NULL)
    extra->snapshot = g_new0 (CupelValue *, mapper->attributes->len);
  for (guint b = 0; b < w->n_values; b++)
    {
      g_clear_pointer (&extra->snapshot[w->binds[b]], cupel_value_unref);
      extra->snapshot[w->binds[b]] = cupel_value_new_from_cell (&w->row[b]);
    }
  if (w->entity->flags & CUPEL_ENTITY_FLAG_TOUCHED)
    cupel_entity_keep_changes (w->entity, w->binds, w->n_values, w->row);
}

/* INSERT */

typedef struct
{
  CupelSession *session;
  CupelMapperStatement *shape;
  CupelEntity **entities;
  guint n_entities;
  CupelRowBlock *sets;
  CupelReply *reply;
  GError **error;
  gboolean ok;
} TakeKeys;

/* Generated keys and server defaults come back into the entities, which have rows from now on. */
static void
take_keys (gpointer data)
{
  TakeKeys *t = data;
  guint block_index = 0, row_index = 0;

  t->ok = TRUE;
  for (guint i = 0; i < t->n_entities && t->ok; i++)
    {
      CupelEntity *entity = t->entities[i];
      CupelMapper *mapper = cupel_mapper_of (entity);

      if (t->shape->n_returning > 0)
        {
          CupelRowBlock *block = NULL;
          const CupelCell *row;

          while (t->reply->blocks != NULL && block_index < t->reply->blocks->len &&
                 row_index >= (block = g_ptr_array_index (t->reply->blocks, block_index))->n_rows)
            {
              block_index++;
              row_index = 0;
              block = NULL;
            }
          if (block == NULL)
            {
              g_set_error (t->error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "%s: %u rows were inserted, and only %u came back",
                           g_type_name (mapper->type), t->n_entities, i);
              t->ok = FALSE;
              return;
            }
          row = cupel_row_block_get_row (block, row_index++);
          for (guint c = 0; c < t->shape->n_returning && t->ok; c++)
            t->ok = cupel_entity_assign_cell (entity, t->shape->returning[c], &row[c], t->error);
        }
      else
        for (guint k = 0; k < mapper->n_key; k++)
          {
            CupelAttribute *attribute = cupel_mapper_attribute (mapper, mapper->key[k]);
            gint64 id = t->reply->insert_ids != NULL && i < t->reply->insert_ids->len
                          ? g_array_index (t->reply->insert_ids, gint64, i)
                        : t->n_entities == 1 ? t->reply->last_insert_id
                                             : 0;
            CupelCell cell = { .kind = CUPEL_CELL_INT64, .v.i64 = id };

            if (attribute->generated && id != 0 && !cupel_entity_bit (mapper, &entity->loaded, attribute->index))
              t->ok = cupel_entity_assign_cell (entity, attribute->index, &cell, t->error);
          }
      if (t->ok)
        t->ok = cupel_session_adopt (t->session, entity, t->error);
      if (t->ok && !mapper->native)
        take_snapshot (&(Written) { entity, t->shape->binds, t->shape->n_binds, cupel_row_block_get_row (t->sets, i) });
      else if (t->ok && (entity->flags & CUPEL_ENTITY_FLAG_TOUCHED))
        cupel_entity_keep_changes (entity, t->shape->binds, t->shape->n_binds, cupel_row_block_get_row (t->sets, i));
      if (mapper->native)
        cupel_fiber_tick ();
    }
}

static gboolean
insert_batch (Flush                 *flush,
              CupelMapper           *mapper,
              CupelMapperStatement  *shape,
              CupelEntity          **entities,
              guint                  n_entities,
              GError               **error)
{
  g_auto(CupelReply) reply = { NULL, };
  g_autoptr(CupelRowBlock) sets = NULL;
  TakeKeys take = { flush->session, shape, entities, n_entities, NULL, &reply, error, TRUE };

  sets = make_sets (mapper, shape, shape->n_binds, entities, n_entities, error);
  if (sets == NULL ||
      !cupel_connection_run_request (flush->session->connection, shape->statement, sets, CUPEL_REQUEST_NONE, &reply, NULL,
                                     flush->cancellable, error))
    return FALSE;
  take.sets = sets;
  cupel_session_run_for_class (mapper, take_keys, &take);
  return take.ok;
}

static gboolean
needs_returning (CupelMapper *mapper,
                 CupelEntity *entity)
{
  for (guint i = 0; i < mapper->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, i);

      if ((attribute->generated || attribute->server_default) && !cupel_entity_bit (mapper, &entity->loaded, i))
        return TRUE;
    }
  return FALSE;
}

/* Neighbours of the same shape go together, so that rows are inserted in the order of adding. */
static gboolean
insert_all (Flush        *flush,
            CupelMapper  *mapper,
            GPtrArray    *entities,
            GError      **error)
{
  CupelCapabilities caps = cupel_engine_get_capabilities (flush->session->engine);
  guint start = 0;

  while (start < entities->len)
    {
      CupelEntity *first = g_ptr_array_index (entities, start);
      const guint64 *set = cupel_entity_peek_bits (mapper, &first->loaded);
      gboolean needs = needs_returning (mapper, first);
      gboolean returning = needs && (caps & CUPEL_CAP_INSERT_RETURNING);
      CupelMapperStatement *shape;
      guint end = start + 1;

      while (end < entities->len &&
             memcmp (set, cupel_entity_peek_bits (mapper, &((CupelEntity *) g_ptr_array_index (entities, end))->loaded),
                     mapper->n_words * sizeof (guint64)) == 0)
        end++;
      if (returning && !(caps & CUPEL_CAP_INSERT_MANY_RETURNING))
        end = start + 1;

      shape = cupel_mapper_insert_statement (mapper, set, returning);
      if (!insert_batch (flush, mapper, shape, (CupelEntity **) entities->pdata + start, end - start, error))
        return FALSE;
      if (needs && !returning &&
          !cupel_session_fetch_defaults (flush->session, mapper, (CupelEntity **) entities->pdata + start, end - start,
                                         flush->cancellable, error))
        return FALSE;
      start = end;
    }
  return TRUE;
}

/* Marks those that wait for another new one of their own class. */
static void
mark_waiting (CupelMapper *mapper,
              GPtrArray   *waiting)
{
  for (guint i = 0; i < waiting->len; i++)
    ((CupelEntity *) g_ptr_array_index (waiting, i))->flags &= ~CUPEL_ENTITY_FLAG_MARK;
  for (guint i = 0; i < waiting->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (waiting, i);
      CupelEntityExtra *extra = entity->extra;

      if (extra == NULL || extra->related == NULL)
        continue;
      for (guint r = 0; r < mapper->relationships->len; r++)
        {
          CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, r);
          GObject *related = extra->related[r];

          if (related == NULL || relationship->target_type != mapper->type)
            continue;
          if (relationship->kind == CUPEL_RELATIONSHIP_BELONGS_TO)
            {
              if (!(((CupelEntity *) related)->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
                entity->flags |= CUPEL_ENTITY_FLAG_MARK;
            }
          else
            {
              GPtrArray *added = cupel_related_get_added (related);

              for (guint n = 0; added != NULL && n < added->len; n++)
                ((CupelEntity *) g_ptr_array_index (added, n))->flags |= CUPEL_ENTITY_FLAG_MARK;
            }
        }
    }
}

static gboolean
refers_to_itself (CupelMapper *mapper)
{
  for (guint i = 0; i < mapper->relationships->len; i++)
    if (((CupelRelationship *) g_ptr_array_index (mapper->relationships, i))->target_type == mapper->type)
      return TRUE;
  return FALSE;
}

static gboolean
flush_inserts (Flush        *flush,
               CupelMapper  *mapper,
               GError      **error)
{
  g_autoptr(GPtrArray) waiting = g_ptr_array_new ();
  const gboolean in_waves = refers_to_itself (mapper);

  for (guint i = 0; i < flush->inserts->len; i++)
    if (cupel_mapper_of (g_ptr_array_index (flush->inserts, i)) == mapper)
      g_ptr_array_add (waiting, g_ptr_array_index (flush->inserts, i));

  while (waiting->len > 0)
    {
      g_autoptr(GPtrArray) ready = g_ptr_array_new ();
      g_autoptr(GPtrArray) rest = g_ptr_array_new ();

      if (in_waves)
        mark_waiting (mapper, waiting);
      for (guint i = 0; i < waiting->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (waiting, i);

          g_ptr_array_add (entity->flags & CUPEL_ENTITY_FLAG_MARK ? rest : ready, entity);
        }
      if (ready->len == 0)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "new entities of %s refer to each other in a circle", g_type_name (mapper->type));
          return FALSE;
        }
      for (guint i = 0; i < ready->len; i++)
        if (!sync_references (g_ptr_array_index (ready, i), error))
          return FALSE;
      if (!insert_all (flush, mapper, ready, error))
        return FALSE;
      for (guint i = 0; i < ready->len; i++)
        if (!sync_children (flush, g_ptr_array_index (ready, i), error))
          return FALSE;
      g_clear_pointer (&waiting, g_ptr_array_unref);
      waiting = g_steal_pointer (&rest);
    }
  return TRUE;
}

/* UPDATE */

static int
compare_identity (gconstpointer a,
                  gconstpointer b)
{
  const CupelEntity *x = *(CupelEntity *const *) a;
  const CupelEntity *y = *(CupelEntity *const *) b;

  return x->identity < y->identity ? -1 : x->identity > y->identity;
}

static gboolean
check_row_count (CupelMapper  *mapper,
                 const char   *verb,
                 gint64        matched,
                 guint         expected,
                 GError      **error)
{
  if (matched < 0 || matched == expected)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_STALE,
               "%s of %s was to change %u rows, but %" G_GINT64_FORMAT " matched: somebody else changed or deleted them; "
               "roll back and read again",
               verb, g_type_name (mapper->type), expected, matched);
  return FALSE;
}

/* The parameters of classes with snapshots may be what they were. */
static void
drop_equal_values (gpointer data)
{
  CupelEntity *entity = data;
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);

  if (extra == NULL || extra->snapshot == NULL)
    return;
  for (guint i = 0; i < mapper->attributes->len; i++)
    if (cupel_entity_bit (mapper, &entity->modified, i) && extra->snapshot[i] != NULL &&
        cupel_entity_fetch_cell (entity, mapper, i, block, cell, NULL) &&
        cupel_cell_equal (cell, cupel_value_get_cell (extra->snapshot[i])))
      cupel_entity_set_bit (mapper, &entity->modified, i, FALSE);
}

static gboolean
flush_updates (Flush        *flush,
               CupelMapper  *mapper,
               GPtrArray    *dirty,
               GError      **error)
{
  g_autoptr(GPtrArray) changed = g_ptr_array_new ();
  guint start = 0;

  for (guint i = 0; i < dirty->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (dirty, i);

      if (cupel_mapper_of (entity) != mapper || (entity->flags & CUPEL_ENTITY_FLAG_DELETED))
        continue;
      if (!mapper->native)
        cupel_call_on_main_stack (drop_equal_values, entity);
      if (cupel_entity_bits_any (mapper, &entity->modified))
        g_ptr_array_add (changed, entity);
    }
  g_ptr_array_sort (changed, compare_identity);

  /* Each shape once: those that have it are moved together, in the order of their keys. */
  while (start < changed->len)
    {
      CupelEntity *first = g_ptr_array_index (changed, start);
      g_autofree guint64 *modified = g_memdup2 (cupel_entity_peek_bits (mapper, &first->modified), mapper->n_words * sizeof (guint64));
      g_autoptr(GPtrArray) same = g_ptr_array_new ();
      g_autoptr(GPtrArray) others = g_ptr_array_new ();
      CupelMapperStatement *shape;
      g_autoptr(CupelRowBlock) sets = NULL;
      g_auto(CupelReply) reply = { NULL, };
      gboolean new_key = FALSE;

      for (guint k = 0; k < mapper->n_key; k++)
        new_key = new_key || ((modified[mapper->key[k] / 64] >> (mapper->key[k] % 64)) & 1);
      for (guint i = start; i < changed->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (changed, i);
          gboolean equal = memcmp (modified, cupel_entity_peek_bits (mapper, &entity->modified), mapper->n_words * sizeof (guint64)) == 0;

          /* Its change may have been taken back, or forgotten, while others were written. */
          if (cupel_entity_bits_any (mapper, &entity->modified))
            g_ptr_array_add (equal ? same : others, entity);
        }
      if (same->len == 0)
        {
          g_clear_pointer (&changed, g_ptr_array_unref);
          changed = g_steal_pointer (&others);
          continue;
        }
      shape = cupel_mapper_update_statement (mapper, modified);
      sets = make_sets (mapper, shape, shape->n_binds - mapper->n_key, (CupelEntity **) same->pdata, same->len, error);
      if (sets == NULL ||
          !cupel_connection_run_request (flush->session->connection, shape->statement, sets, CUPEL_REQUEST_NONE, &reply, NULL,
                                         flush->cancellable, error) ||
          !check_row_count (mapper, "UPDATE", reply.row_count, same->len, error))
        return FALSE;
      for (guint i = 0; i < same->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (same, i);

          if (new_key && entity->session == flush->session)
            cupel_session_note_rekeyed (flush->session, entity);
          cupel_entity_forget_changes (entity);
          if (!mapper->native)
            {
              Written written = { entity, shape->binds, shape->n_binds - mapper->n_key, cupel_row_block_get_row (sets, i) };

              cupel_call_on_main_stack (take_snapshot, &written);
            }
          else if (entity->flags & CUPEL_ENTITY_FLAG_TOUCHED)
            cupel_entity_keep_changes (entity, shape->binds, shape->n_binds - mapper->n_key, cupel_row_block_get_row (sets, i));
          if (new_key && entity->session == flush->session)
            cupel_session_rekey (flush->session, entity);
        }
      g_clear_pointer (&changed, g_ptr_array_unref);
      changed = g_steal_pointer (&others);
      start = 0;
    }
  return TRUE;
}

/* DELETE */

/* A new child of an entity that goes is not written at all, or without a parent. */
static gboolean
leave_behind (Flush              *flush,
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
  return copy_key (NULL, 0, child, relationship->remote, error);
}

/* What refers to an entity that goes: deleted with it, or left without a parent. Its children are loaded if need be. */
static gboolean
cascade_delete (Flush        *flush,
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
          for (guint c = 0; c < collection->items->len; c++)
            g_ptr_array_add (children, g_object_ref (g_ptr_array_index (collection->items, c)));
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
          else if (!copy_key (NULL, 0, child, relationship->remote, error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
delete_batch (Flush        *flush,
              CupelMapper  *mapper,
              GPtrArray    *going,
              GError      **error)
{
  CupelSession *session = flush->session;
  CupelMapperStatement *shape = cupel_mapper_delete_statement (mapper);
  g_autoptr(CupelRowBlock) sets = NULL;
  g_auto(CupelReply) reply = { NULL, };

  g_ptr_array_sort (going, compare_identity);
  sets = make_sets (mapper, shape, 0, (CupelEntity **) going->pdata, going->len, error);
  if (sets == NULL ||
      !cupel_connection_run_request (session->connection, shape->statement, sets, CUPEL_REQUEST_NONE, &reply, NULL, flush->cancellable, error) ||
      !check_row_count (mapper, "DELETE", reply.row_count, going->len, error))
    return FALSE;

  for (guint i = 0; i < going->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (going, i);

      cupel_identity_map_remove (&session->identity, entity);
      g_ptr_array_add (session->gone, g_object_ref (entity));
    }
  return TRUE;
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

static gboolean
flush_deletes (Flush        *flush,
               CupelMapper  *mapper,
               GError      **error)
{
  CupelSession *session = flush->session;
  g_autoptr(GPtrArray) going = g_ptr_array_new_with_free_func (g_object_unref);
  const gboolean in_waves = refers_to_itself (mapper);

  for (guint i = session->deleted->len; i > 0; i--)
    if (cupel_mapper_of (g_ptr_array_index (session->deleted, i - 1)) == mapper)
      g_ptr_array_add (going, g_ptr_array_steal_index (session->deleted, i - 1));

  while (going->len > 0)
    {
      g_autoptr(GPtrArray) leaves = g_ptr_array_new_with_free_func (g_object_unref);
      g_autoptr(GPtrArray) rest = g_ptr_array_new_with_free_func (g_object_unref);

      if (in_waves)
        mark_referred (mapper, going);
      for (guint i = 0; i < going->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (going, i);

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
      if (!delete_batch (flush, mapper, leaves, error))
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

static gboolean
flush_in_order (Flush   *flush,
                GError **error)
{
  CupelSession *session = flush->session;
  g_autoptr(GPtrArray) dirty = NULL;
  g_autoptr(GPtrArray) changed = g_ptr_array_new ();

  flush->adopted = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_hash_table_unref);
  collect_adopted (flush, session->dirty);
  collect_adopted (flush, flush->inserts);
  for (guint i = 0; i < session->dirty->len; i++)
    if (!sync_children (flush, g_ptr_array_index (session->dirty, i), error))
      return FALSE;
  /* Deleting decides what else goes or changes. The list grows while it is walked. */
  for (guint i = 0; i < session->deleted->len; i++)
    if (!cascade_delete (flush, g_ptr_array_index (session->deleted, i), error))
      return FALSE;

  flush->mappers = sorted_mappers (session, error);
  if (flush->mappers == NULL)
    return FALSE;
  for (guint i = 0; i < flush->mappers->len; i++)
    if (!flush_inserts (flush, g_ptr_array_index (flush->mappers, i), error))
      return FALSE;

  /* Inserting gave keys to some that had rows already. */
  for (guint i = 0; i < session->dirty->len; i++)
    if (!sync_references (g_ptr_array_index (session->dirty, i), error))
      return FALSE;
  dirty = g_steal_pointer (&session->dirty);
  session->dirty = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < dirty->len; i++)
    ((CupelEntity *) g_ptr_array_index (dirty, i))->flags &= ~CUPEL_ENTITY_FLAG_DIRTY;
  cupel_session_note_changed (session, dirty);
  gather (changed, dirty);
  for (guint i = 0; i < changed->len; i++)
    if (!flush_updates (flush, g_ptr_array_index (changed, i), dirty, error))
      return FALSE;

  for (guint i = flush->mappers->len; i > 0; i--)
    if (!flush_deletes (flush, g_ptr_array_index (flush->mappers, i - 1), error))
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

gboolean
cupel_session_do_flush (CupelSession  *self,
                        GCancellable  *cancellable,
                        GError       **error)
{
  Flush flush = { .session = self, .cancellable = cancellable };
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
  /* New ones that arrive meanwhile wait for the next flush. */
  flush.inserts = g_steal_pointer (&self->new_);
  self->new_ = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < flush.inserts->len; i++)
    g_ptr_array_add (self->new_, g_object_ref (g_ptr_array_index (flush.inserts, i)));
  ok = flush_in_order (&flush, &failure);
  self->flushing = FALSE;
  CUPEL_PROFILE_END (mark, "flush", NULL);

  g_clear_pointer (&flush.mappers, g_ptr_array_unref);
  g_clear_pointer (&flush.adopted, g_hash_table_unref);
  if (ok)
    {
      g_autoptr(GPtrArray) later = g_ptr_array_new_with_free_func (g_object_unref);

      for (guint i = 0; i < self->new_->len; i++)
        {
          CupelEntity *entity = g_ptr_array_index (self->new_, i);

          if (entity->flags & CUPEL_ENTITY_FLAG_PENDING)
            g_ptr_array_add (later, g_object_ref (entity));
        }
      g_clear_pointer (&self->new_, g_ptr_array_unref);
      self->new_ = g_steal_pointer (&later);
    }
  g_clear_pointer (&flush.inserts, g_ptr_array_unref);
  if (self->expire_later)
    cupel_session_expire_all (self);
  if (ok)
    return TRUE;

  /* Half a flush is no state to go on from. */
  cupel_session_fail (self, failure);
  g_propagate_prefixed_error (error, g_steal_pointer (&failure), "flush: ");
  return FALSE;
}
