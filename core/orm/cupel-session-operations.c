/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The suspending operations of a session, each in its three forms. */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-stream-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-call-private.h"

/* What an operation was called with; an asynchronous call owns a copy. */
typedef struct
{
  CupelStatement      *statement;
  CupelParameters     *parameters;
  CupelValue          *key;
  CupelEntity         *entity;
  char               **names;
  GType                type;
  guint                block_rows;
  CupelIsolationLevel  isolation;
  CupelSessionFunc     func;
  gpointer             func_data;
  GDestroyNotify       destroy;
} Args;

static Args *
args_copy (const Args *from)
{
  Args *args = g_memdup2 (from, sizeof *from);

  if (args->statement != NULL)
    g_object_ref (args->statement);
  if (args->parameters != NULL)
    cupel_parameters_ref (args->parameters);
  if (args->key != NULL)
    cupel_value_ref (args->key);
  if (args->entity != NULL)
    g_object_ref (args->entity);
  args->names = g_strdupv (args->names);
  return args;
}

static void
args_free (gpointer data)
{
  Args *args = data;

  g_clear_object (&args->statement);
  g_clear_pointer (&args->parameters, cupel_parameters_unref);
  g_clear_pointer (&args->key, cupel_value_unref);
  g_clear_object (&args->entity);
  g_strfreev (args->names);
  if (args->destroy != NULL)
    args->destroy (args->func_data);
  g_free (args);
}

static gpointer
flush_body (gpointer       data,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelSession *self = data;
  gboolean ok;

  if (!cupel_session_enter (self, "cupel_session_flush", error))
    return NULL;
  ok = cupel_session_do_flush (self, cancellable, error);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static gpointer
begin_body (gpointer       data,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelSession *self = data;

  if (!cupel_session_enter (self, "cupel_session_begin", error))
    return NULL;
  cupel_session_leave (self);
  if (cupel_session_in_transaction (self))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                           "a transaction is in progress already in this session; commit or roll it back first");
      return NULL;
    }
  self->begun = TRUE;
  return GINT_TO_POINTER (TRUE);
}

static gpointer
commit_body (gpointer       data,
             gpointer       args,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelSession *self = data;
  gboolean ok;

  if (!cupel_session_enter (self, "cupel_session_commit", error))
    return NULL;
  ok = cupel_session_do_commit (self, cancellable, error);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static gpointer
rollback_body (gpointer       data,
               gpointer       args,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelSession *self = data;
  gboolean ok;

  if (!cupel_session_enter_cleanup (self, "cupel_session_rollback", error))
    return NULL;
  g_clear_pointer (&self->failure, g_free);
  ok = cupel_session_do_rollback (self, error);
  cupel_session_leave (self);
  return GINT_TO_POINTER (ok);
}

static gpointer
close_body (gpointer       data,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelSession *self = data;

  if (!cupel_session_enter_cleanup (self, "cupel_session_close", error))
    return NULL;
  cupel_session_do_close (self);
  cupel_session_leave (self);
  return GINT_TO_POINTER (TRUE);
}

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
  Args *args = args_data;
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
  Args *args = args_data;
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
  g_autoptr(GPtrArray) entities = g_ptr_array_new_with_free_func (g_object_unref);
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
  Args *args = args_data;
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
  Args *args = args_data;
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
  Args *args = args_data;
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

static gpointer
connection_body (gpointer       data,
                 gpointer       args_data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  CupelSession *self = data;
  Args *args = args_data;
  CupelConnection *connection = NULL;

  if (!cupel_session_enter (self, "cupel_session_connection", error))
    return NULL;
  if (args->isolation != CUPEL_ISOLATION_DEFAULT && args->isolation != self->isolation)
    {
      if (self->connection != NULL)
        g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                             "the isolation level of a transaction is chosen before its first statement");
      else
        {
          self->isolation = args->isolation;
          connection = cupel_session_acquire (self, cancellable, error);
          if (connection == NULL)
            self->isolation = CUPEL_ISOLATION_DEFAULT;
        }
    }
  else
    connection = cupel_session_acquire (self, cancellable, error);
  cupel_session_leave (self);
  return connection != NULL ? g_object_ref (connection) : NULL;
}

static gpointer
run_body (gpointer       data,
          gpointer       args_data,
          GCancellable  *cancellable,
          GError       **error)
{
  Args *args = args_data;

  return GINT_TO_POINTER (args->func (data, args->func_data, cancellable, error));
}

static const CupelCall flush_call = { "cupel_session_flush", flush_body, NULL };

/**
 * cupel_session_flush:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Writes what is pending: INSERTs with parents first, UPDATEs of changed columns, DELETEs with children first. Alike ones go in batches. When one fails,
 * the transaction is rolled back, and every further call but cupel_session_rollback() and cupel_session_close() fails with %CUPEL_ERROR_PENDING_ROLLBACK.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_flush (CupelSession  *session,
                     GCancellable  *cancellable,
                     GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&flush_call, session, NULL, cancellable, error));
}

/**
 * cupel_session_flush_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_flush().
 *
 * Since: 1.0
 */
void
cupel_session_flush_async (CupelSession        *session,
                           GCancellable        *cancellable,
                           GAsyncReadyCallback  callback,
                           gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&flush_call, session, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_session_flush_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_flush_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_flush_finish (CupelSession  *session,
                            GAsyncResult  *result,
                            GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&flush_call, session, result, error));
}

static const CupelCall begin_call = { "cupel_session_begin", begin_body, NULL };

/**
 * cupel_session_begin:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Begins a transaction by hand, where it would begin with the first statement. No I/O is done yet.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set if one is in progress
 *
 * Since: 1.0
 */
gboolean
cupel_session_begin (CupelSession  *session,
                     GCancellable  *cancellable,
                     GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&begin_call, session, NULL, cancellable, error));
}

/**
 * cupel_session_begin_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_begin().
 *
 * Since: 1.0
 */
void
cupel_session_begin_async (CupelSession        *session,
                           GCancellable        *cancellable,
                           GAsyncReadyCallback  callback,
                           gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&begin_call, session, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_session_begin_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_begin_async().
 *
 * Returns: %TRUE, or %FALSE with @error set if one is in progress
 *
 * Since: 1.0
 */
gboolean
cupel_session_begin_finish (CupelSession  *session,
                            GAsyncResult  *result,
                            GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&begin_call, session, result, error));
}

static const CupelCall commit_call = { "cupel_session_commit", commit_body, NULL };

/**
 * cupel_session_commit:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes and commits, and gives the connection back. If no transaction is in progress and nothing is pending, nothing is sent.
 * 
 * %CUPEL_ERROR_OUTCOME_UNKNOWN says that the commit was sent and its answer was lost.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_commit (CupelSession  *session,
                      GCancellable  *cancellable,
                      GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&commit_call, session, NULL, cancellable, error));
}

/**
 * cupel_session_commit_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_commit().
 *
 * Since: 1.0
 */
void
cupel_session_commit_async (CupelSession        *session,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&commit_call, session, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_session_commit_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_commit_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_commit_finish (CupelSession  *session,
                             GAsyncResult  *result,
                             GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&commit_call, session, result, error));
}

static const CupelCall rollback_call = { "cupel_session_rollback", rollback_body, NULL };

/**
 * cupel_session_rollback:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Undoes the transaction and gives the connection back. New entities are transient again, and the attributes of all others are expired.
 * Cancelling does not keep the connection from being cleaned.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_rollback (CupelSession  *session,
                        GCancellable  *cancellable,
                        GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&rollback_call, session, NULL, cancellable, error));
}

/**
 * cupel_session_rollback_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_rollback().
 *
 * Since: 1.0
 */
void
cupel_session_rollback_async (CupelSession        *session,
                              GCancellable        *cancellable,
                              GAsyncReadyCallback  callback,
                              gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&rollback_call, session, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_session_rollback_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_rollback_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_rollback_finish (CupelSession  *session,
                               GAsyncResult  *result,
                               GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&rollback_call, session, result, error));
}

static const CupelCall close_call = { "cupel_session_close", close_body, NULL };

/**
 * cupel_session_close:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Rolls back what is open, gives the connection back and detaches every entity. The session can be used again.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_close (CupelSession  *session,
                     GCancellable  *cancellable,
                     GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&close_call, session, NULL, cancellable, error));
}

/**
 * cupel_session_close_async:
 * @session: a session
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_close().
 *
 * Since: 1.0
 */
void
cupel_session_close_async (CupelSession        *session,
                           GCancellable        *cancellable,
                           GAsyncReadyCallback  callback,
                           gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&close_call, session, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_session_close_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_close_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_session_close_finish (CupelSession  *session,
                            GAsyncResult  *result,
                            GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&close_call, session, result, error));
}

static const CupelCall execute_call = { "cupel_session_execute", execute_body, g_object_unref };

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
  Args args = { .statement = statement, .parameters = parameters };

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
  Args args = { .statement = statement, .parameters = parameters };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_STATEMENT (statement));

  cupel_call_async (&execute_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
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

static const CupelCall scalars_call = { "cupel_session_scalars", scalars_body, g_object_unref };

/**
 * cupel_session_scalars:
 * @session: a session
 * @select: a select of a mapped class
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Flushes what is pending and loads the entities of a select, with what its loader options ask for. Reading the result does no I/O.
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
  Args args = { .statement = CUPEL_STATEMENT (select) };

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
  Args args = { .statement = CUPEL_STATEMENT (select) };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_SELECT (select));

  cupel_call_async (&scalars_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
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

static const CupelCall stream_call = { "cupel_session_stream", stream_body, g_object_unref };

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
  Args args = { .statement = CUPEL_STATEMENT (select), .block_rows = block_rows };

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
  Args args = { .statement = CUPEL_STATEMENT (select), .block_rows = block_rows };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_SELECT (select));

  cupel_call_async (&stream_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
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

static const CupelCall get_call = { "cupel_session_get", get_body, g_object_unref };

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
  Args args = { .type = type, .key = key };

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
  Args args = { .type = type, .key = key };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (key != NULL);

  cupel_call_async (&get_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
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

static const CupelCall get_int64_call = { "cupel_session_get_int64", get_body, g_object_unref };

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
  Args args = { .type = type, .key = value };

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
  Args args = { .type = type, .key = value };

  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&get_int64_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
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

static const CupelCall refresh_call = { "cupel_session_refresh", refresh_body, NULL };

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
  Args args = { .entity = entity, .names = (char **) names };

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
  Args args = { .entity = entity, .names = (char **) names };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (CUPEL_IS_ENTITY (entity));

  cupel_call_async (&refresh_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
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

static const CupelCall connection_call = { "cupel_session_connection", connection_body, g_object_unref };

/**
 * cupel_session_connection:
 * @session: a session
 * @isolation: the isolation level
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Gets the connection of the transaction, beginning one if there is none. With an isolation level other than the default, that is the level of this transaction.
 *
 * It suspends in a fiber, and blocks where no main loop is running.
 *
 * Returns: (transfer full): the connection, which belongs to the session, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_session_connection (CupelSession         *session,
                          CupelIsolationLevel   isolation,
                          GCancellable         *cancellable,
                          GError              **error)
{
  Args args = { .isolation = isolation };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_sync (&connection_call, session, &args, cancellable, error);
}

/**
 * cupel_session_connection_async:
 * @session: a session
 * @isolation: the isolation level
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * The asynchronous form of cupel_session_connection().
 *
 * Since: 1.0
 */
void
cupel_session_connection_async (CupelSession        *session,
                                CupelIsolationLevel  isolation,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  Args args = { .isolation = isolation };

  g_return_if_fail (CUPEL_IS_SESSION (session));

  cupel_call_async (&connection_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_connection_finish:
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_connection_async().
 *
 * Returns: (transfer full): the connection, which belongs to the session, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_session_connection_finish (CupelSession  *session,
                                 GAsyncResult  *result,
                                 GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return cupel_call_finish (&connection_call, session, result, error);
}

static const CupelCall run_call = { "cupel_session_run", run_body, NULL };

/**
 * cupel_session_run: (skip)
 * @session: a session
 * @func: the work
 * @func_data: data for @func
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Runs a function in straight lines: it may call everything that suspends, and reading an attribute that is not loaded loads it.
 *
 * Returns: what @func returned
 *
 * Since: 1.0
 */
gboolean
cupel_session_run (CupelSession      *session,
                   CupelSessionFunc   func,
                   gpointer           func_data,
                   GCancellable      *cancellable,
                   GError           **error)
{
  Args args = { .func = func, .func_data = func_data };

  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_call, session, &args, cancellable, error));
}

/**
 * cupel_session_run_async: (skip)
 * @session: a session
 * @func: the work
 * @func_data: data for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable
 * @callback: called when it is done, on the main stack
 * @user_data: data for @callback
 *
 * Runs a function in straight lines in a fiber of its own. See cupel_session_run().
 *
 * Since: 1.0
 */
void
cupel_session_run_async (CupelSession        *session,
                         CupelSessionFunc     func,
                         gpointer             func_data,
                         GDestroyNotify       destroy,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  Args args = { .func = func, .func_data = func_data, .destroy = destroy };

  g_return_if_fail (CUPEL_IS_SESSION (session));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_call, session, args_copy (&args), args_free, cancellable, callback, user_data);
}

/**
 * cupel_session_run_finish: (skip)
 * @session: a session
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_run_async().
 *
 * Returns: what the function returned
 *
 * Since: 1.0
 */
gboolean
cupel_session_run_finish (CupelSession  *session,
                          GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_call, session, result, error));
}
