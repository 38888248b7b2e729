/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The operations of a session that read and execute, each in its three forms. */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-stream-private.h"
#include "orm/cupel-session-args-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-object-private.h"

/* A select over a mapped class gives entities, everything else rows. */
static CupelResult *
execute_entities (CupelSession     *self,
                  CupelSelect      *select,
                  CupelParameters  *parameters,
                  GCancellable     *cancellable,
                  GError          **error)
{
  g_autoptr(CupelRowBlock) sets = NULL;
  g_autoptr(GPtrArray) entities = NULL;
  CupelConnection *connection = cupel_session_acquire (self, cancellable, error);

  if (connection == NULL || !cupel_connection_bind (connection, CUPEL_STATEMENT (select), parameters, &sets, error))
    return NULL;
  entities = cupel_session_query (self, select, sets, FALSE, cancellable, error);
  if (entities == NULL)
    return NULL;
  return cupel_result_new_entities (g_steal_pointer (&entities), cupel_select_get_entity_type (select), NULL, NULL);
}

static gboolean
is_entity_select (CupelStatement *statement)
{
  return CUPEL_IS_SELECT (statement) && cupel_select_get_entity_type (CUPEL_SELECT (statement)) != G_TYPE_INVALID;
}

static gpointer
execute_body (gpointer       data,
              gpointer       args_data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  CupelResult *result = NULL;

  if (!cupel_session_enter (self, "cupel_session_execute", error))
    return NULL;
  if (cupel_session_autoflush_now (self, cancellable, error))
    {
      if (is_entity_select (args->statement))
        result = execute_entities (self, CUPEL_SELECT (args->statement), args->parameters, cancellable, error);
      else if (cupel_session_acquire (self, cancellable, error) != NULL)
        result = cupel_connection_execute (self->connection, args->statement, args->parameters, cancellable, error);
    }
  cupel_session_leave (self);
  return result;
}

static gpointer
scalars_body (gpointer       data,
              gpointer       args_data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  CupelResult *result = NULL;

  if (!is_entity_select (args->statement))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                           "cupel_session_scalars() needs a select of a mapped class, as cupel_entity_select() makes it; "
                           "use cupel_session_execute() for rows");
      return NULL;
    }
  if (!cupel_session_enter (self, "cupel_session_scalars", error))
    return NULL;
  if (cupel_session_autoflush_now (self, cancellable, error))
    result = execute_entities (self, CUPEL_SELECT (args->statement), NULL, cancellable, error);
  cupel_session_leave (self);
  return result;
}

/* What each block of a stream needs to become entities. */
typedef struct
{
  CupelSession *session;
  CupelSelect *select;
  CupelMapper *mapper;
} StreamPlan;

static void
stream_plan_free (gpointer data)
{
  StreamPlan *plan = data;

  g_object_unref (plan->session);
  g_object_unref (plan->select);
  g_free (plan);
}

static GPtrArray *
materialize_block (CupelRowBlock  *block,
                   gpointer        data,
                   GCancellable   *cancellable,
                   GError        **error)
{
  StreamPlan *plan = data;
  CupelSession *self = plan->session;
  g_autoptr(GPtrArray) entities = g_ptr_array_new_full (block->n_rows, cupel_object_unref);
  gboolean ok;

  if (!cupel_session_enter (self, "cupel_stream_next", error))
    return NULL;
  ok = cupel_session_materialize (self, plan->mapper, block, FALSE, entities, error) &&
       cupel_session_run_loaders (self, plan->mapper, CUPEL_STATEMENT (plan->select), (CupelEntity **) entities->pdata, entities->len,
                                  cancellable, error);
  cupel_session_leave (self);
  return ok ? g_steal_pointer (&entities) : NULL;
}

static gpointer
stream_body (gpointer       data,
             gpointer       args_data,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  CupelStream *stream = NULL;

  if (!cupel_session_enter (self, "cupel_session_stream", error))
    return NULL;
  if (cupel_session_autoflush_now (self, cancellable, error) && cupel_session_acquire (self, cancellable, error) != NULL)
    stream = cupel_connection_stream (self->connection, args->statement, NULL, args->block_rows, cancellable, error);
  if (stream != NULL && is_entity_select (args->statement))
    {
      CupelMapper *mapper = cupel_mapper_for_type (cupel_select_get_entity_type (CUPEL_SELECT (args->statement)), error);

      if (mapper == NULL)
        g_clear_object (&stream);
      else
        {
          StreamPlan *plan = g_new0 (StreamPlan, 1);

          plan->session = g_object_ref (self);
          plan->select = g_object_ref (CUPEL_SELECT (args->statement));
          plan->mapper = mapper;
          cupel_stream_set_materialize (stream, mapper->type, materialize_block, plan, stream_plan_free);
        }
    }
  cupel_session_leave (self);
  return stream;
}

/* By key: the session's own object without SQL, else one SELECT. */
static gpointer
get_body (gpointer       data,
          gpointer       args_data,
          GCancellable  *cancellable,
          GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  CupelMapper *mapper = cupel_mapper_for_type (args->type, error);
  const CupelCell *cell = cupel_value_get_cell (args->key);
  CupelIdentityKey key;
  CupelEntity *entity = NULL;

  if (mapper == NULL)
    return NULL;
  if (mapper->n_key != 1 || (mapper->int_key && cell->kind != CUPEL_CELL_INT64 && cell->kind != CUPEL_CELL_NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                   mapper->n_key != 1 ? "%s has a key of several columns: select it with conditions on each"
                                      : "%s has an integer key: give the key as an integer",
                   g_type_name (mapper->type));
      return NULL;
    }
  if (!cupel_session_enter (self, "cupel_session_get", error))
    return NULL;

  if (cupel_identity_key_init (&key, mapper, &cell))
    {
      entity = cupel_identity_map_lookup (&self->identity, &key);
      if (entity != NULL && (entity->flags & CUPEL_ENTITY_FLAG_DELETED))
        entity = NULL;
      else if (entity != NULL && !(entity->flags & CUPEL_ENTITY_FLAG_EXPIRED))
        g_object_ref (entity);
      else if (cupel_session_autoflush_now (self, cancellable, error))
        {
          g_autoptr(CupelRowBlock) sets = cupel_row_block_new (1, 1);
          g_autoptr(GPtrArray) found = NULL;

          cupel_row_block_copy_cell (sets, cupel_row_block_add_row (sets), cell);
          found = cupel_session_query (self, cupel_mapper_get_statement (mapper), sets, FALSE, cancellable, error);
          entity = found != NULL && found->len > 0 ? g_object_ref (g_ptr_array_index (found, 0)) : NULL;
        }
      else
        entity = NULL;
    }
  cupel_session_leave (self);
  return entity;
}

static gpointer
refresh_body (gpointer       data,
              gpointer       args_data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelSession *self = data;
  CupelSessionArgs *args = args_data;
  gboolean columns = args->names == NULL;
  gboolean ok = TRUE;

  if (args->entity->session != self)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DETACHED, "the %s is not in this session", G_OBJECT_TYPE_NAME (args->entity));
      return NULL;
    }
  if (!cupel_session_enter (self, "cupel_session_refresh", error))
    return NULL;

  g_object_ref (args->entity);
  for (guint i = 0; args->names != NULL && args->names[i] != NULL; i++)
    columns = columns || cupel_mapper_find_relationship (cupel_mapper_of (args->entity), args->names[i]) == NULL;
  if (!cupel_session_autoflush_now (self, cancellable, error))
    ok = FALSE;
  else if (columns)
    ok = cupel_session_do_refresh (self, args->entity, TRUE, cancellable, error);
  for (guint i = 0; ok && args->names != NULL && args->names[i] != NULL; i++)
    {
      CupelRelationship *relationship = cupel_mapper_find_relationship (cupel_mapper_of (args->entity), args->names[i]);

      if (relationship == NULL)
        continue;
      cupel_entity_unload_related (args->entity, relationship->index);
      ok = cupel_session_load_attribute (self, args->entity, args->names[i], cancellable, error);
    }
  g_object_unref (args->entity);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static const CupelCall execute_call = { "cupel_session_execute", execute_body, g_object_unref, .claim = cupel_session_claim };

/**
 * cupel_session_execute:
 * @session: a session
 * @statement: a statement
 * @parameters: (nullable): values for its binds
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes what is pending and executes a statement in the transaction of the session. A select over a mapped class gives entities, everything else rows.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full): a buffered result, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_session_execute (CupelSession     *session,
                       CupelStatement   *statement,
                       CupelParameters  *parameters,
                       GCancellable     *cancellable,
                       GError          **error)
{
  CupelSessionArgs args = { .statement = statement, .parameters = parameters };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  return cupel_call_sync (&execute_call, session, &args, cancellable, error);
}

/**
 * cupel_session_execute_async:
 * @session: a session
 * @statement: a statement
 * @parameters: (nullable): values for its binds
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_execute().
 *
 * Since: 1.0
 */
void
cupel_session_execute_async (CupelSession        *session,
                             CupelStatement      *statement,
                             CupelParameters     *parameters,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  CupelSessionArgs args = { .statement = statement, .parameters = parameters };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_STATEMENT (statement));

  cupel_call_async (&execute_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_execute_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_execute_async().
 *
 * Returns: (transfer full): a buffered result, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_session_execute_finish (CupelSession  *session,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&execute_call, session, result, error);
}

static const CupelCall scalars_call = { "cupel_session_scalars", scalars_body, g_object_unref, .claim = cupel_session_claim };

/**
 * cupel_session_scalars:
 * @session: a session
 * @select: a select of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes what is pending and loads the entities of a select, with what its loader options ask for. Reading the result does no I/O.
 * A select with cupel_bind() needs values: cupel_session_execute() takes them, and gives entities as well.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full): the entities, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_session_scalars (CupelSession  *session,
                       CupelSelect   *select,
                       GCancellable  *cancellable,
                       GError       **error)
{
  CupelSessionArgs args = { .statement = CUPEL_STATEMENT (select) };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);
  g_return_val_if_fail (CUPEL_IS_SELECT (select), NULL);

  return cupel_call_sync (&scalars_call, session, &args, cancellable, error);
}

/**
 * cupel_session_scalars_async:
 * @session: a session
 * @select: a select of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_scalars().
 *
 * Since: 1.0
 */
void
cupel_session_scalars_async (CupelSession        *session,
                             CupelSelect         *select,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  CupelSessionArgs args = { .statement = CUPEL_STATEMENT (select) };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_SELECT (select));

  cupel_call_async (&scalars_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_scalars_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_scalars_async().
 *
 * Returns: (transfer full): the entities, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_session_scalars_finish (CupelSession  *session,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&scalars_call, session, result, error);
}

static const CupelCall stream_call = { "cupel_session_stream", stream_body, g_object_unref, .claim = cupel_session_claim };

/**
 * cupel_session_stream:
 * @session: a session
 * @select: a select
 * @block_rows: rows per block, 0 for the default of about 1000
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes what is pending and opens a stream: entities, or rows, arrive by blocks while they are read. Loader options run once for each block.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full): an open stream, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelStream *
cupel_session_stream (CupelSession  *session,
                      CupelSelect   *select,
                      guint          block_rows,
                      GCancellable  *cancellable,
                      GError       **error)
{
  CupelSessionArgs args = { .statement = CUPEL_STATEMENT (select), .block_rows = block_rows };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);
  g_return_val_if_fail (CUPEL_IS_SELECT (select), NULL);

  return cupel_call_sync (&stream_call, session, &args, cancellable, error);
}

/**
 * cupel_session_stream_async:
 * @session: a session
 * @select: a select
 * @block_rows: rows per block, 0 for the default of about 1000
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_stream().
 *
 * Since: 1.0
 */
void
cupel_session_stream_async (CupelSession        *session,
                            CupelSelect         *select,
                            guint                block_rows,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  CupelSessionArgs args = { .statement = CUPEL_STATEMENT (select), .block_rows = block_rows };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_SELECT (select));

  cupel_call_async (&stream_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_stream_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_stream_async().
 *
 * Returns: (transfer full): an open stream, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelStream *
cupel_session_stream_finish (CupelSession  *session,
                             GAsyncResult  *result,
                             GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&stream_call, session, result, error);
}

static const CupelCall get_call = { "cupel_session_get", get_body, g_object_unref, .claim = cupel_session_claim };

/**
 * cupel_session_get:
 * @session: a session
 * @type: a mapped class
 * @key: the key
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets one entity by its primary key: the one that the session has, without SQL, else by a SELECT.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full) (nullable) (type CupelEntity): the entity; %NULL without @error set if there is no such row
 *
 * Since: 1.0
 */
gpointer
cupel_session_get (CupelSession  *session,
                   GType          type,
                   CupelValue    *key,
                   GCancellable  *cancellable,
                   GError       **error)
{
  CupelSessionArgs args = { .type = type, .key = key };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);
  g_return_val_if_fail (key != NULL, NULL);

  return cupel_call_sync (&get_call, session, &args, cancellable, error);
}

/**
 * cupel_session_get_async:
 * @session: a session
 * @type: a mapped class
 * @key: the key
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_get().
 *
 * Since: 1.0
 */
void
cupel_session_get_async (CupelSession        *session,
                         GType                type,
                         CupelValue          *key,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  CupelSessionArgs args = { .type = type, .key = key };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (key != NULL);

  cupel_call_async (&get_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_get_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_get_async().
 *
 * Returns: (transfer full) (nullable) (type CupelEntity): the entity; %NULL without @error set if there is no such row
 *
 * Since: 1.0
 */
gpointer
cupel_session_get_finish (CupelSession  *session,
                          GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&get_call, session, result, error);
}

static const CupelCall get_int64_call = { "cupel_session_get_int64", get_body, g_object_unref, .claim = cupel_session_claim };

/**
 * cupel_session_get_int64:
 * @session: a session
 * @type: a mapped class
 * @key: the key
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets one entity by its integer primary key: the one that the session has, without SQL, else by a SELECT.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full) (nullable) (type CupelEntity): the entity; %NULL without @error set if there is no such row
 *
 * Since: 1.0
 */
gpointer
cupel_session_get_int64 (CupelSession  *session,
                         GType          type,
                         gint64         key,
                         GCancellable  *cancellable,
                         GError       **error)
{
  g_autoptr(CupelValue) value = cupel_value_new_int64 (key);
  CupelSessionArgs args = { .type = type, .key = value };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_sync (&get_int64_call, session, &args, cancellable, error);
}

/**
 * cupel_session_get_int64_async:
 * @session: a session
 * @type: a mapped class
 * @key: the key
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_get_int64().
 *
 * Since: 1.0
 */
void
cupel_session_get_int64_async (CupelSession        *session,
                               GType                type,
                               gint64               key,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_autoptr(CupelValue) value = cupel_value_new_int64 (key);
  CupelSessionArgs args = { .type = type, .key = value };

  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&get_int64_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_get_int64_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_get_int64_async().
 *
 * Returns: (transfer full) (nullable) (type CupelEntity): the entity; %NULL without @error set if there is no such row
 *
 * Since: 1.0
 */
gpointer
cupel_session_get_int64_finish (CupelSession  *session,
                                GAsyncResult  *result,
                                GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&get_int64_call, session, result, error);
}

static const CupelCall refresh_call = { "cupel_session_refresh", refresh_body, .claim = cupel_session_claim };

/**
 * cupel_session_refresh:
 * @session: a session
 * @entity: an entity of the session
 * @names: (nullable) (array zero-terminated=1): attributes and relationships; %NULL: all columns
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Reads an entity again: its columns, and the relationships that are named.
 * If its row is gone, it fails with %CUPEL_ERROR_NO_ROW.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_refresh (CupelSession       *session,
                       CupelEntity        *entity,
                       const char *const  *names,
                       GCancellable       *cancellable,
                       GError            **error)
{
  CupelSessionArgs args = { .entity = entity, .names = (char **) names };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&refresh_call, session, &args, cancellable, error));
}

/**
 * cupel_session_refresh_async:
 * @session: a session
 * @entity: an entity of the session
 * @names: (nullable) (array zero-terminated=1): attributes and relationships; %NULL: all columns
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_refresh().
 *
 * Since: 1.0
 */
void
cupel_session_refresh_async (CupelSession        *session,
                             CupelEntity         *entity,
                             const char *const   *names,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  CupelSessionArgs args = { .entity = entity, .names = (char **) names };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_ENTITY (entity));

  cupel_call_async (&refresh_call, session, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_refresh_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_refresh_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_refresh_finish (CupelSession  *session,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&refresh_call, session, result, error));
}
