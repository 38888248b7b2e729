/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From rows to entities. */

#include "engine/cupel-connection-private.h"
#include "orm/cupel-loader-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-object-private.h"

/* How many rows of a class with setters of its own are built before the loop gets its turn. */
#define FOREIGN_SLICE 32
/* How many rows of any other, a microsecond at most each, are one tick. The end of a block is one, too: many queries of one row each need
 * not wait for anything. */
#define TICK 8

void
cupel_session_run_for_class (CupelMapper    *mapper,
                             CupelFiberFunc  func,
                             gpointer        data)
{
  if (mapper->native)
    func (data);
  else
    cupel_call_on_main_stack (func, data);
}

typedef struct
{
  CupelSliceFunc func;
  gpointer data;
  guint start;
  guint end;
  gboolean ok;
} SliceCall;

static void
call_slice (gpointer data)
{
  SliceCall *call = data;

  call->ok = call->func (call->data, call->start, call->end);
}

gboolean
cupel_session_run_slices (CupelMapper    *mapper,
                          guint           n,
                          CupelSliceFunc  func,
                          gpointer        data)
{
  SliceCall call = { .func = func, .data = data, .ok = TRUE };

  if (mapper->native)
    return n == 0 || func (data, 0, n);
  for (; call.start < n && call.ok; call.start = call.end)
    {
      call.end = MIN (call.start + FOREIGN_SLICE, n);
      cupel_call_on_main_stack (call_slice, &call);
      cupel_fiber_tick ();
    }
  return call.ok;
}

/* There is room for them then, without a call for each. */
static void
reserve (GPtrArray *array,
         guint      n_more)
{
  const guint n = array->len;

  g_ptr_array_set_size (array, (int) (n + n_more));
  array->len = n;
}

typedef struct
{
  CupelSession *session;
  CupelMapper *mapper;
  CupelRowBlock *block;
  guint start;
  guint end;
  gboolean populate_existing;
  GPtrArray *entities;
  GError **error;
  gboolean ok;
} Materialize;

/* A row of an entity that the session knows: what is in memory wins, but for what is not loaded. */
static gboolean
fill_in (Materialize     *m,
         CupelEntity     *entity,
         const CupelCell *row)
{
  CupelMapper *mapper = m->mapper;

  for (guint i = 0; i < mapper->attributes->len; i++)
    {
      if (cupel_entity_bit (mapper, &entity->loaded, i) &&
          (!m->populate_existing || cupel_entity_bit (mapper, &entity->modified, i)))
        continue;
      if (!cupel_entity_assign_cell (entity, i, &row[i], m->error))
        return FALSE;
    }
  entity->flags &= ~CUPEL_ENTITY_FLAG_EXPIRED;
  return TRUE;
}

static CupelEntity *
build (Materialize            *m,
       const CupelIdentityKey *key,
       const CupelCell        *row)
{
  CupelEntity *entity = g_object_new (m->mapper->type, NULL);
  gboolean ok;

  entity->flags |= CUPEL_ENTITY_FLAG_LOADING;
  ok = cupel_entity_load_row (entity, m->mapper, row, m->error);
  /* A class may add each of its objects to a session by itself, which would insert it. */
  if (G_UNLIKELY (entity->session != NULL))
    cupel_session_expunge (entity->session, entity, NULL);
  if (!ok)
    {
      g_object_unref (entity);
      return NULL;
    }
  entity->flags &= ~CUPEL_ENTITY_FLAG_LOADING;
  cupel_entity_bits_clear (m->mapper, &entity->modified);

  entity->flags |= CUPEL_ENTITY_FLAG_PERSISTENT;
  entity->identity = key->identity;
  entity->session = m->session;
  cupel_identity_map_insert (&m->session->identity, entity);
  return entity;
}

static void
materialize_slice (gpointer data)
{
  Materialize *m = data;
  CupelMapper *mapper = m->mapper;
  const CupelCell *cells[G_N_ELEMENTS (mapper->key)];

  m->ok = TRUE;
  for (guint i = m->start; i < m->end && m->ok; i++)
    {
      const CupelCell *row = cupel_row_block_get_row (m->block, i);
      CupelIdentityKey key;
      CupelEntity *entity;

      if (mapper->int_key)
        {
          cells[0] = &row[mapper->key[0]];
          if (cells[0]->kind == CUPEL_CELL_NULL)
            continue; /* the absent side of an outer join */
          key = (CupelIdentityKey) { mapper, cells[0]->v.i64, cells };
        }
      else
        {
          for (guint k = 0; k < mapper->n_key; k++)
            cells[k] = &row[mapper->key[k]];
          if (!cupel_identity_key_init (&key, mapper, cells))
            continue;
        }

      entity = cupel_identity_map_lookup (&m->session->identity, &key);
      if (entity != NULL)
        {
          g_object_ref (entity);
          m->ok = fill_in (m, entity, row);
          if (!m->ok)
            g_clear_object (&entity);
        }
      else
        {
          entity = build (m, &key, row);
          m->ok = entity != NULL;
        }
      if (entity != NULL)
        m->entities->pdata[m->entities->len++] = entity;
      if (mapper->native && (i % TICK == TICK - 1 || i + 1 == m->end))
        cupel_fiber_tick ();
    }
}

gboolean
cupel_session_materialize (CupelSession   *self,
                           CupelMapper    *mapper,
                           CupelRowBlock  *block,
                           gboolean        populate_existing,
                           GPtrArray      *entities,
                           GError        **error)
{
  const guint slice = mapper->native ? block->n_rows : FOREIGN_SLICE;

  if (block->n_columns < mapper->attributes->len)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "%s: the row has %u columns instead of %u",
                   g_type_name (mapper->type), block->n_columns, mapper->attributes->len);
      return FALSE;
    }
  cupel_identity_map_reserve (&self->identity, block->n_rows);
  reserve (entities, block->n_rows);
  for (guint start = 0; start < block->n_rows; start += slice)
    {
      Materialize m = {
        .session = self,
        .mapper = mapper,
        .block = block,
        .start = start,
        .end = MIN (start + slice, block->n_rows),
        .populate_existing = populate_existing,
        .entities = entities,
        .error = error,
      };

      cupel_session_run_for_class (mapper, materialize_slice, &m);
      if (!m.ok)
        return FALSE;
      if (!mapper->native)
        cupel_fiber_yield ();
    }
  return TRUE;
}

/* What a statement says, after what the statements above it said; NULL: nothing, as most do. */
static GPtrArray *
gather_options (CupelSession   *self,
                CupelStatement *statement)
{
  GPtrArray *own = statement != NULL ? cupel_statement_get_options (statement) : NULL;
  GPtrArray *all;

  if ((own == NULL || own->len == 0) && (self->inherited == NULL || self->inherited->len == 0))
    return NULL;

  all = g_ptr_array_new ();
  for (guint i = 0; self->inherited != NULL && i < self->inherited->len; i++)
    g_ptr_array_add (all, g_ptr_array_index (self->inherited, i));
  for (guint i = 0; own != NULL && i < own->len; i++)
    if (CUPEL_IS_LOADER_OPTION (g_ptr_array_index (own, i)))
      g_ptr_array_add (all, g_ptr_array_index (own, i));
  return all;
}

/* The option that concerns @relationship, if any: the last one wins. @deeper: the others, for what the relationship loads. */
static CupelLoaderStrategy *
strategy_for (GPtrArray         *options,
              CupelRelationship *relationship,
              GPtrArray         *deeper,
              gboolean          *failed,
              GError           **error)
{
  CupelLoaderStrategy *found = NULL;

  *failed = FALSE;
  for (guint i = 0; options != NULL && i < options->len; i++)
    {
      CupelLoaderOption *option = g_ptr_array_index (options, i);
      CupelLoaderStrategy *strategy;
      CupelRelationship *concerned = NULL;

      if (option->type == relationship->parent->type)
        {
          concerned = cupel_loader_option_resolve (option, &strategy, error);
          if (concerned == NULL)
            {
              *failed = TRUE;
              return NULL;
            }
        }
      if (concerned == relationship)
        found = strategy;
      else
        g_ptr_array_add (deeper, option);
    }
  return found;
}

static gboolean
reaches (CupelMapper *mapper,
         GType        type,
         GHashTable  *seen)
{
  if (mapper == NULL || !g_hash_table_add (seen, mapper))
    return FALSE;
  if (mapper->type == type)
    return TRUE;
  for (guint i = 0; i < mapper->relationships->len; i++)
    if (reaches (cupel_mapper_peek (((CupelRelationship *) g_ptr_array_index (mapper->relationships, i))->target_type), type, seen))
      return TRUE;
  return FALSE;
}

/* An option for a class that the statement cannot lead to is an error rather than silence. */
static gboolean
check_options (CupelMapper     *mapper,
               CupelStatement  *statement,
               GError         **error)
{
  GPtrArray *options = cupel_statement_get_options (statement);

  for (guint i = 0; options != NULL && i < options->len; i++)
    {
      GObject *option = g_ptr_array_index (options, i);
      g_autoptr(GHashTable) seen = NULL;

      if (!CUPEL_IS_LOADER_OPTION (option) || CUPEL_LOADER_OPTION (option)->type == mapper->type)
        continue;
      seen = g_hash_table_new (NULL, NULL);
      if (!reaches (mapper, CUPEL_LOADER_OPTION (option)->type, seen))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                       "The loader option for %s.%s does not fit a select of %s: no relationship leads there",
                       g_type_name (CUPEL_LOADER_OPTION (option)->type), CUPEL_LOADER_OPTION (option)->relationship,
                       g_type_name (mapper->type));
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
cupel_session_loads_more (CupelSession *self,
                          CupelMapper  *mapper)
{
  g_autoptr(GPtrArray) options = gather_options (self, NULL);

  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      g_autoptr(GPtrArray) deeper = options != NULL ? g_ptr_array_new () : NULL;
      CupelLoaderStrategy *strategy;
      gboolean failed;

      if (!cupel_relationship_resolve (relationship, NULL))
        return TRUE;
      strategy = strategy_for (options, relationship, deeper, &failed, NULL);
      if (failed || CUPEL_LOADER_STRATEGY_GET_CLASS (strategy != NULL ? strategy : relationship->strategy)->load_batch != NULL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
load_wanting (CupelSession         *self,
              CupelLoaderStrategy  *strategy,
              CupelRelationship    *relationship,
              GPtrArray            *wanting,
              GPtrArray            *deeper,
              GCancellable         *cancellable,
              GError              **error)
{
  GPtrArray *outer = self->inherited;
  gboolean ok;

  self->inherited = deeper;
  ok = CUPEL_LOADER_STRATEGY_GET_CLASS (strategy)->load_batch (strategy, self, relationship, (CupelEntity **) wanting->pdata,
                                                               wanting->len, cancellable, error);
  self->inherited = outer;
  return ok;
}

gboolean
cupel_session_run_loaders (CupelSession    *self,
                           CupelMapper     *mapper,
                           CupelStatement  *statement,
                           CupelEntity    **parents,
                           guint            n_parents,
                           GCancellable    *cancellable,
                           GError         **error)
{
  g_autoptr(GPtrArray) options = NULL;

  if (mapper->relationships->len == 0 || n_parents == 0)
    return TRUE;

  options = gather_options (self, statement);
  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);
      CupelLoaderStrategy *strategy;
      CupelLoaderStrategyClass *klass;
      g_autoptr(GPtrArray) wanting = NULL;
      g_autoptr(GPtrArray) deeper = options != NULL ? g_ptr_array_new () : NULL;
      gboolean failed;

      if (!cupel_relationship_resolve (relationship, error))
        return FALSE;
      strategy = strategy_for (options, relationship, deeper, &failed, error);
      if (failed)
        return FALSE;
      klass = CUPEL_LOADER_STRATEGY_GET_CLASS (strategy != NULL ? strategy : relationship->strategy);

      if (strategy != NULL && klass->load_batch == NULL)
        {
          /* How a later read behaves is remembered with each entity. */
          for (guint p = 0; p < n_parents; p++)
            {
              CupelEntityExtra *extra = cupel_entity_extra (parents[p]);

              if (extra->strategies == NULL)
                extra->strategies = g_new0 (CupelLoaderStrategy *, mapper->relationships->len);
              g_set_object (&extra->strategies[i], strategy);
            }
          continue;
        }
      if (klass->load_batch == NULL)
        continue;

      wanting = g_ptr_array_sized_new (n_parents);
      for (guint p = 0; p < n_parents; p++)
        if (!cupel_entity_related_loaded (parents[p], i))
          g_ptr_array_add (wanting, parents[p]);
      if (wanting->len > 0 &&
          !load_wanting (self, strategy != NULL ? strategy : relationship->strategy, relationship, wanting, deeper, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

typedef struct
{
  CupelSession *session;
  CupelMapper *mapper;
  gboolean populate_existing;
  GPtrArray *entities;
} Query;

static gboolean
materialize_as_read (CupelRowBlock  *block,
                     gpointer        data,
                     GError        **error)
{
  Query *query = data;

  return cupel_session_materialize (query->session, query->mapper, block, query->populate_existing, query->entities, error);
}

GPtrArray *
cupel_session_query (CupelSession   *self,
                     CupelSelect    *select,
                     CupelRowBlock  *sets,
                     gboolean        populate_existing,
                     GCancellable   *cancellable,
                     GError        **error)
{
  CupelMapper *mapper = cupel_mapper_for_type (cupel_select_get_entity_type (select), error);
  CupelConnection *connection;
  g_autoptr(GPtrArray) entities = NULL;

  if (mapper == NULL || !check_options (mapper, CUPEL_STATEMENT (select), error) ||
      (connection = cupel_session_acquire (self, cancellable, error)) == NULL)
    return NULL;

  entities = g_ptr_array_new_with_free_func (cupel_object_unref);
  if (mapper->native)
    {
      Query query = { self, mapper, populate_existing, entities };

      if (!cupel_connection_run_select (connection, CUPEL_STATEMENT (select), sets, materialize_as_read, &query, cancellable, error))
        return NULL;
    }
  else
    {
      /* Setters are the user's code: the connection is free again before they run. */
      g_auto(CupelReply) reply = { NULL, };

      if (!cupel_connection_run_request (connection, CUPEL_STATEMENT (select), sets, CUPEL_REQUEST_NONE, &reply, NULL, cancellable,
                                         error))
        return NULL;
      while (reply.blocks != NULL && reply.blocks->len > 0)
        {
          g_autoptr(CupelRowBlock) block = g_ptr_array_steal_index (reply.blocks, 0);

          if (!cupel_session_materialize (self, mapper, block, populate_existing, entities, error))
            return NULL;
        }
    }
  if (!cupel_session_run_loaders (self, mapper, CUPEL_STATEMENT (select), (CupelEntity **) entities->pdata, entities->len, cancellable, error))
    return NULL;
  return g_steal_pointer (&entities);
}

/**
 * cupel_session_load_entities: (skip)
 * @session: a session with an operation under way
 * @select: a select of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Runs a select for a loader strategy, inside the session's operation. Call it in a fiber.
 *
 * Returns: (transfer full) (element-type CupelEntity): the entities, or %NULL with @error set
 *
 * Since: 1.0
 */
GPtrArray *
cupel_session_load_entities (CupelSession  *session,
                             CupelSelect   *select,
                             GCancellable  *cancellable,
                             GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);
  g_return_val_if_fail (CUPEL_IS_SELECT (select), NULL);
  g_return_val_if_fail (session->operation != NULL, NULL);

  return cupel_session_query (session, select, NULL, FALSE, cancellable, error);
}

gboolean
cupel_session_do_refresh (CupelSession  *self,
                          CupelEntity   *entity,
                          gboolean       populate_existing,
                          GCancellable  *cancellable,
                          GError       **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (mapper->n_key, 1);
  const CupelCell *cells[G_N_ELEMENTS (mapper->key)];
  CupelIdentityKey key;
  g_autoptr(GPtrArray) found = NULL;

  if (!cupel_session_key_of (entity, sets, cells, &key))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DETACHED, "%s has no key, so that no row can be found for it", G_OBJECT_TYPE_NAME (entity));
      return FALSE;
    }
  found = cupel_session_query (self, cupel_mapper_get_statement (mapper), sets, populate_existing, cancellable, error);
  if (found == NULL)
    return FALSE;
  if (found->len == 0)
    {
      g_autofree char *what = cupel_entity_describe (entity);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NO_ROW, "%s: its row does not exist any more", what);
      return FALSE;
    }
  return TRUE;
}

gboolean
cupel_session_load_attribute (CupelSession  *self,
                              CupelEntity   *entity,
                              const char    *name,
                              GCancellable  *cancellable,
                              GError       **error)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelRelationship *relationship = cupel_mapper_find_relationship (mapper, name);
  CupelEntityExtra *extra = entity->extra;
  CupelLoaderStrategy *strategy;

  if (!(entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED, "%s.%s has no value yet: the entity was not flushed",
                   G_OBJECT_TYPE_NAME (entity), name);
      return FALSE;
    }
  if (!cupel_session_autoflush_now (self, cancellable, error))
    return FALSE;
  if (relationship == NULL)
    return cupel_session_do_refresh (self, entity, FALSE, cancellable, error);

  if (!cupel_relationship_resolve (relationship, error))
    return FALSE;
  strategy = extra != NULL && extra->strategies != NULL && extra->strategies[relationship->index] != NULL
               ? extra->strategies[relationship->index]
               : relationship->strategy;
  /* The reference itself may be expired. */
  if (!cupel_entity_bit (mapper, &entity->loaded, relationship->local) &&
      !cupel_session_do_refresh (self, entity, FALSE, cancellable, error))
    return FALSE;
  return CUPEL_LOADER_STRATEGY_GET_CLASS (strategy)->load (strategy, self, relationship, entity, cancellable, error);
}
