/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The flush: INSERT. */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-unit-of-work-private.h"

typedef struct
{
  CupelFlush *flush;
  CupelMapper *mapper;
  CupelMapperStatement *shape;
  CupelFlushBatch *batch;
  guint block_index;
  guint row_index;
  gboolean more_to_come;    /* the server has given them more than their keys */
  GError **error;
} TakeKeys;

/* What the server said of the next row, or NULL. */
static const CupelCell *
next_row (TakeKeys *t)
{
  GPtrArray *blocks = t->batch->reply.blocks;

  while (blocks != NULL && t->block_index < blocks->len)
    {
      CupelRowBlock *block = g_ptr_array_index (blocks, t->block_index);

      if (t->row_index < block->n_rows)
        return cupel_row_block_get_row (block, t->row_index++);
      t->block_index++;
      t->row_index = 0;
    }
  return NULL;
}

static gboolean
take_returned (TakeKeys *t,
               guint     i)
{
  CupelMapper *mapper = t->mapper;
  CupelEntity *entity = t->batch->entities[i];
  const CupelCell *row = next_row (t);

  if (row == NULL)
    {
      g_set_error (t->error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "%s: %u rows were inserted, and only %u came back",
                   g_type_name (mapper->type), t->batch->n_entities, i);
      return FALSE;
    }
  for (guint c = 0; c < t->shape->n_returning; c++)
    {
      guint index = t->shape->returning[c];

      /* The program may have given it another value by now. The key is the row's. */
      if (cupel_entity_bit (mapper, &entity->modified, index) && !cupel_mapper_attribute (mapper, index)->primary_key)
        continue;
      if (!cupel_entity_assign_cell (entity, index, &row[c], t->error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
take_insert_id (TakeKeys *t,
                guint     i)
{
  CupelMapper *mapper = t->mapper;
  CupelEntity *entity = t->batch->entities[i];
  gint64 id = t->batch->reply.insert_ids != NULL && i < t->batch->reply.insert_ids->len ? g_array_index (t->batch->reply.insert_ids, gint64, i)
              : t->batch->n_entities == 1                                          ? t->batch->reply.last_insert_id
                                                                            : 0;
  CupelCell cell = { .kind = CUPEL_CELL_INT64, .v.i64 = id };

  for (guint k = 0; k < mapper->n_key; k++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, mapper->key[k]);

      if (attribute->generated && id != 0 && !cupel_entity_bit (mapper, &entity->loaded, attribute->index) &&
          !cupel_entity_assign_cell (entity, attribute->index, &cell, t->error))
        return FALSE;
    }
  return TRUE;
}

/* Generated keys and server defaults come back into the entities, which have rows from now on. */
static gboolean
take_keys (gpointer data,
           guint    start,
           guint    end)
{
  TakeKeys *t = data;

  for (guint i = start; i < end; i++)
    {
      CupelEntity *entity = t->batch->entities[i];

      /* Taken out of the session meanwhile, and added to another: that one has it now. */
      if (entity->session != NULL && entity->session != t->flush->session)
        {
          next_row (t);
          continue;
        }
      if (!(t->shape->n_returning > 0 ? take_returned (t, i) : take_insert_id (t, i)) ||
          !cupel_session_adopt (t->flush->session, entity, t->error))
        return FALSE;
      cupel_flush_note_written (entity, t->shape->binds, t->shape->n_binds, cupel_row_block_get_row (t->batch->sets, i));
      cupel_fiber_tick ();
    }
  return TRUE;
}

static gboolean
is_persistent_here (CupelFlush  *flush,
                    CupelEntity *entity)
{
  return entity->session == flush->session && (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT);
}

/* What refers to those that were inserted learns their keys. */
static gboolean
tell_keys (CupelFlush   *flush,
           CupelEntity **entities,
           guint         n_entities,
           GError      **error)
{
  for (guint i = 0; i < n_entities; i++)
    {
      CupelEntity *entity = entities[i];

      if (!cupel_flush_sync_children (flush, entity, error))
        return FALSE;
      /* What it got, or was made to refer to, before it had a row, and after the flush began. */
      if (is_persistent_here (flush, entity) && !(entity->flags & CUPEL_ENTITY_FLAG_DIRTY) &&
          (cupel_flush_has_children (entity) || cupel_flush_has_references (entity)))
        cupel_session_entity_dirty (flush->session, entity);
      cupel_fiber_tick ();
    }
  return TRUE;
}

static gboolean
take_batch (CupelFlushBatch  *batch,
            gpointer          data,
            GError          **error)
{
  TakeKeys *t = data;

  t->batch = batch;
  t->block_index = t->row_index = 0;
  t->error = error;
  return cupel_session_run_slices (t->mapper, batch->n_entities, take_keys, t) &&
         (t->more_to_come || tell_keys (t->flush, batch->entities, batch->n_entities, error));
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

/* Whether it is still to be written: the program may have taken it out of the session meanwhile. */
static gboolean
is_pending (CupelFlush  *flush,
            CupelEntity *entity)
{
  return entity->session == flush->session && (entity->flags & CUPEL_ENTITY_FLAG_PENDING);
}

/* Those of @entities that are still to be written. Neighbours of the same shape go together, so that rows are inserted in the order of
 * adding. The array is scratch. */
static gboolean
insert_all (CupelFlush   *flush,
            CupelMapper  *mapper,
            GPtrArray    *entities,
            GError      **error)
{
  CupelCapabilities caps = cupel_engine_get_capabilities (flush->session->engine);
  guint next = 0;

  while (next < entities->len)
    {
      CupelEntity *first = g_ptr_array_index (entities, next);
      CupelEntity **same = (CupelEntity **) entities->pdata + next;
      g_autofree guint64 *set = NULL;
      CupelMapperStatement *shape;
      TakeKeys take;
      gboolean needs, returning;
      guint n = 0, limit;

      if (!is_pending (flush, first))
        {
          next++;
          cupel_fiber_tick ();
          continue;
        }
      if (!cupel_flush_sync_references (first, error))
        return FALSE;
      set = g_memdup2 (cupel_entity_peek_bits (mapper, &first->loaded), mapper->n_words * sizeof (guint64));
      needs = needs_returning (mapper, first);
      returning = needs && (caps & CUPEL_CAP_INSERT_RETURNING);
      limit = returning && !(caps & CUPEL_CAP_INSERT_MANY_RETURNING) ? 1 : G_MAXUINT;

      for (; next < entities->len && n < limit; next++)
        {
          CupelEntity *entity = g_ptr_array_index (entities, next);

          if (is_pending (flush, entity))
            {
              if (!cupel_flush_sync_references (entity, error))
                return FALSE;
              if (!cupel_flush_has_shape (entity, mapper, &entity->loaded, set))
                break;
              same[n++] = entity;
            }
          cupel_fiber_tick ();
        }

      shape = cupel_mapper_insert_statement (mapper, set, returning);
      take = (TakeKeys) { .flush = flush, .mapper = mapper, .shape = shape, .more_to_come = needs && !returning };
      cupel_identity_map_reserve (&flush->session->identity, n);
      if (!cupel_flush_write (flush, mapper, shape, shape->n_binds, same, n, take_batch, &take, error))
        return FALSE;
      if (take.more_to_come && (!cupel_session_fetch_defaults (flush->session, mapper, same, n, flush->cancellable, error) ||
                                !tell_keys (flush, same, n, error)))
        return FALSE;
    }
  return TRUE;
}

static void
mark_waiting_for (CupelEntity       *entity,
                  CupelRelationship *relationship,
                  GObject           *related)
{
  const CupelCollectionChanges *taken;
  GPtrArray *added;

  if (relationship->kind == CUPEL_RELATIONSHIP_BELONGS_TO)
    {
      if (((CupelEntity *) related)->flags & CUPEL_ENTITY_FLAG_WAITING)
        entity->flags |= CUPEL_ENTITY_FLAG_MARK;
      return;
    }
  taken = cupel_related_get_taken (related);
  added = taken != NULL ? taken->added : NULL;
  for (guint n = 0; added != NULL && n < added->len; n++)
    ((CupelEntity *) g_ptr_array_index (added, n))->flags |= CUPEL_ENTITY_FLAG_MARK;
}

/* Marks those that wait for another new one of their own class: one that will be written in this flush. */
static void
mark_waiting (CupelFlush  *flush,
              CupelMapper *mapper,
              GPtrArray   *waiting)
{
  for (guint i = 0; i < waiting->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (waiting, i);

      entity->flags &= ~(CUPEL_ENTITY_FLAG_MARK | CUPEL_ENTITY_FLAG_WAITING);
      if (is_pending (flush, entity))
        entity->flags |= CUPEL_ENTITY_FLAG_WAITING;
    }
  for (guint i = 0; i < waiting->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (waiting, i);
      CupelEntityExtra *extra = entity->extra;

      for (guint r = 0; extra != NULL && extra->related != NULL && r < mapper->relationships->len; r++)
        {
          CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, r);

          if ((entity->flags & CUPEL_ENTITY_FLAG_WAITING) && extra->related[r] != NULL && relationship->target_type == mapper->type)
            mark_waiting_for (entity, relationship, extra->related[r]);
        }
    }
  for (guint i = 0; i < waiting->len; i++)
    ((CupelEntity *) g_ptr_array_index (waiting, i))->flags &= ~CUPEL_ENTITY_FLAG_WAITING;
}

/* Those of @waiting that do not wait for others of their class; the rest is in *@rest. */
static GPtrArray *
take_wave (CupelFlush   *flush,
           CupelMapper  *mapper,
           GPtrArray    *waiting,
           GPtrArray   **rest)
{
  GPtrArray *ready = g_ptr_array_new ();

  *rest = g_ptr_array_new ();
  mark_waiting (flush, mapper, waiting);
  for (guint i = 0; i < waiting->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (waiting, i);

      if (is_pending (flush, entity))
        g_ptr_array_add (entity->flags & CUPEL_ENTITY_FLAG_MARK ? *rest : ready, entity);
    }
  return ready;
}

gboolean
cupel_flush_inserts (CupelFlush   *flush,
                     CupelMapper  *mapper,
                     GError      **error)
{
  GPtrArray *inserts = g_hash_table_lookup (flush->inserts_of, mapper);
  g_autoptr(GPtrArray) waiting = inserts != NULL ? g_ptr_array_ref (inserts) : NULL;

  if (waiting == NULL)
    return TRUE;
  if (!cupel_flush_refers_to_itself (mapper))
    return insert_all (flush, mapper, waiting, error);

  while (waiting->len > 0)
    {
      g_autoptr(GPtrArray) rest = NULL;
      g_autoptr(GPtrArray) ready = take_wave (flush, mapper, waiting, &rest);

      if (ready->len == 0 && rest->len > 0)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "new entities of %s refer to each other in a circle", g_type_name (mapper->type));
          return FALSE;
        }
      if (!insert_all (flush, mapper, ready, error))
        return FALSE;
      g_clear_pointer (&waiting, g_ptr_array_unref);
      waiting = g_steal_pointer (&rest);
    }
  return TRUE;
}
