/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-stream-private.h"
#include "engine/cupel-time-limit-private.h"
#include "engine/cupel-work-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-profile-private.h"

/* Statements that the drivers do not know as "many" go out in flights of so many. */
#define FLIGHT 64

static gboolean
prepare_once (CupelConnection  *self,
              CupelBatchItem   *item,
              GError          **error)
{
  if (item->prepared.compiled == NULL &&
      !cupel_compiled_cache_prepare (cupel_engine_get_cache (self->engine), item->statement, &item->prepared, error))
    return FALSE;

  item->compiled = item->prepared.compiled;
  return TRUE;
}

static gboolean
prepare_item (CupelConnection    *self,
              CupelBatchItem     *item,
              CupelRequestFlags   flags,
              guint               block_rows,
              CupelRequest       *request,
              gboolean           *cache_hit,
              GError            **error)
{
  const CupelCompiled *compiled;

  if (!prepare_once (self, item, error))
    return FALSE;

  compiled = item->compiled;
  *cache_hit = item->prepared.cache_hit;
  *request = (CupelRequest) {
    .compiled = item->compiled,
    .literals = item->prepared.literals,
    .sets = item->sets,
    .n_sets = item->sets != NULL ? item->sets->n_rows : 0,
    .flags = flags,
    .block_rows = block_rows,
  };
  if (item->take != NULL)
    request->flags |= CUPEL_REQUEST_BLOCKWISE;
  if (compiled->kind == CUPEL_COMPILED_DDL)
    request->flags |= CUPEL_REQUEST_NO_PREPARE;

  if (request->n_sets > 1 && (flags & CUPEL_REQUEST_STREAM) != 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                           "A statement that is streamed takes one set of parameters");
      return FALSE;
    }
  if (request->n_sets > 1 &&
      (compiled->kind == CUPEL_COMPILED_SELECT || compiled->kind == CUPEL_COMPILED_DDL))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                           "Only INSERT, UPDATE, DELETE and text take more than one set of parameters");
      return FALSE;
    }

  return TRUE;
}

/* A text or the like with many sets, which drivers need not know how to do at once. */
static gboolean
execute_set_by_set (CupelConnection    *self,
                    const CupelRequest *request,
                    CupelReply         *reply,
                    GCancellable       *cancellable,
                    GError            **error)
{
  CupelRequest requests[FLIGHT];
  CupelReply replies[FLIGHT];
  gboolean success = TRUE;

  for (guint done = 0; done < request->n_sets && success; done += FLIGHT)
    {
      guint n = MIN (FLIGHT, request->n_sets - done);

      for (guint i = 0; i < n; i++)
        {
          requests[i] = *request;
          requests[i].first_set = request->first_set + done + i;
          requests[i].n_sets = 1;
          if (done + i > 0)
            requests[i].flags &= ~CUPEL_REQUEST_BEGIN;
          replies[i] = (CupelReply) { 0 };
        }

      success = cupel_driver_connection_pipeline (self->driver, requests, replies, n, cancellable, error);

      for (guint i = 0; i < n; i++)
        {
          CupelReply *part = &replies[i];

          if (success && done + i == 0)
            {
              *reply = *part;
              *part = (CupelReply) { 0 };
            }
          else if (success)
            {
              if (part->blocks != NULL)
                {
                  if (reply->blocks == NULL)
                    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
                  g_ptr_array_extend_and_steal (reply->blocks, g_steal_pointer (&part->blocks));
                }
              if (part->row_count >= 0 && reply->row_count >= 0)
                reply->row_count += part->row_count;
              else
                reply->row_count = -1;
            }
          cupel_reply_clear (part);
        }
    }

  if (!success)
    cupel_reply_clear (reply);
  return success;
}

static gboolean
is_set_by_set (const CupelRequest *request)
{
  return request->n_sets > 1 && request->compiled->kind == CUPEL_COMPILED_TEXT;
}

static gboolean
execute_one (CupelConnection    *self,
             const CupelRequest *request,
             CupelReply         *reply,
             GCancellable       *cancellable,
             GError            **error)
{
  if (G_UNLIKELY (is_set_by_set (request)))
    return execute_set_by_set (self, request, reply, cancellable, error);
  return CUPEL_DRIVER_CONNECTION_GET_CLASS (self->driver)->execute (self->driver, request, reply, cancellable, error);
}

/* Gives the rows of a statement that succeeded away. *@used is how long the receiver took. @failed: the error is that of the receiver,
 * not of the statement. */
static gboolean
hand_over (CupelConnection  *self,
           CupelBatchItem   *item,
           gint64           *used,
           gboolean         *failed,
           GCancellable     *cancellable,
           GError          **error)
{
  GPtrArray *blocks = item->reply.blocks;
  CupelDriverCursor *cursor = item->reply.cursor;
  gboolean ok = TRUE;

  while (ok)
    {
      g_autoptr(CupelRowBlock) block = NULL;
      gint64 start;

      /* A block is given back as soon as its rows are used. */
      if (blocks != NULL && blocks->len > 0)
        {
          block = g_ptr_array_steal_index (blocks, 0);
        }
      else if (cursor != NULL)
        {
          GError *local = NULL;

          block = cupel_driver_cursor_fetch (cursor, cancellable, &local);
          ok = local == NULL;
          if (!ok)
            g_propagate_error (error, local);
        }
      if (block == NULL)
        break;

      start = g_get_monotonic_time ();
      ok = item->take (block, item->take_data, error);
      *used += g_get_monotonic_time () - start;
      *failed = !ok;
    }

  if (cursor != NULL && !ok)
    {
      GError *local = NULL;

      if (!cupel_driver_cursor_close (cursor, g_get_monotonic_time () + CUPEL_CLEAN_UP_TIME, &local))
        cupel_connection_note_failure (self, local);
      g_clear_error (&local);
    }
  g_clear_object (&item->reply.cursor);
  return ok;
}

gboolean
cupel_connection_perform (CupelConnection    *self,
                          CupelBatchItem     *items,
                          guint               n_items,
                          CupelRequestFlags   flags,
                          guint               block_rows,
                          GCancellable       *cancellable,
                          GError            **error)
{
  CupelRequest requests_stack[1];
  gboolean hits_stack[1];
  g_autofree CupelRequest *requests_heap = NULL;
  g_autofree gboolean *hits_heap = NULL;
  CupelRequest *requests = requests_stack;
  gboolean *hits = hits_stack;
  CupelTransactionStatus status_before;
  CupelTimeLimit limit = { 0 };
  GError *local = NULL;
  gboolean observed, begin = FALSE, success = TRUE;
  gboolean one_by_one = n_items == 1;
  gboolean receiver_failed = FALSE;
  gint64 start = 0, used = 0;
  guint n_prepared = 0;
  CUPEL_PROFILE_BEGIN (mark);

  if (n_items == 0)
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  if (n_items > 1)
    {
      requests = requests_heap = g_new0 (CupelRequest, n_items);
      hits = hits_heap = g_new0 (gboolean, n_items);
    }
  for (; n_prepared < n_items; n_prepared++)
    {
      if (!prepare_item (self, &items[n_prepared], flags, block_rows, &requests[n_prepared], &hits[n_prepared], error))
        {
          success = FALSE;
          break;
        }
      cupel_compiled_ref (requests[n_prepared].compiled);
      one_by_one |= is_set_by_set (&requests[n_prepared]);
    }
  if (G_UNLIKELY (success && self->statement_timeout > 0))
    cancellable = cupel_time_limit_start (&limit, self->statement_timeout, cancellable);
  success = success && cupel_connection_make_ready (self, &begin, cancellable, &local);
  if (!success)
    {
      if (local != NULL)
        {
          cupel_time_limit_finish (&limit, "The statement", "statement-timeout", &local);
          g_propagate_error (error, local);
        }
      goto out;
    }
  if (begin)
    requests[0].flags |= CUPEL_REQUEST_BEGIN;

  status_before = cupel_driver_connection_ask_status (self->driver);
  observed = cupel_engine_observes (self->engine);
  if (observed)
    {
      start = g_get_monotonic_time ();
      for (guint i = 0; i < n_items; i++)
        cupel_engine_log_request (self->engine, &requests[i], hits[i]);
    }

  if (one_by_one)
    {
      for (guint i = 0; i < n_items && success; i++)
        success = execute_one (self, &requests[i], &items[i].reply, cancellable, &local);
    }
  else
    {
      g_autofree CupelReply *replies = g_new0 (CupelReply, n_items);

      success = cupel_driver_connection_pipeline (self->driver, requests, replies, n_items, cancellable, &local);
      for (guint i = 0; i < n_items; i++)
        items[i].reply = replies[i];
    }

  CUPEL_PROFILE_END (mark, "execute", requests[0].compiled->sql);
  if (G_LIKELY (success))
    {
      self->answered = TRUE;
      cupel_connection_note_success (self, status_before);
    }
  else
    {
      cupel_time_limit_finish (&limit, "The statement", "statement-timeout", &local);
      cupel_connection_judge_failure (self, &local);
      cupel_connection_note_failed_statement (self, status_before, local);
    }
  if (success && items[0].take != NULL)
    {
      status_before = cupel_driver_connection_ask_status (self->driver);
      success = hand_over (self, &items[0], &used, &receiver_failed, cancellable, &local);
      if (!success && !receiver_failed)
        {
          cupel_time_limit_finish (&limit, "The statement", "statement-timeout", &local);
          cupel_connection_note_failed_statement (self, status_before, local);
        }
    }
  if (observed)
    {
      gint64 duration = g_get_monotonic_time () - start - used;

      for (guint i = 0; i < n_items; i++)
        cupel_engine_log_done (self->engine, &requests[i], hits[i], duration, receiver_failed ? NULL : local);
    }
  if (!success)
    g_propagate_error (error, local);

out:
  cupel_time_limit_end (&limit);
  for (guint i = 0; i < n_prepared; i++)
    cupel_compiled_unref (requests[i].compiled);
  return success;
}

gboolean
cupel_connection_run_request (CupelConnection      *self,
                              CupelStatement       *statement,
                              CupelRowBlock        *sets,
                              CupelRequestFlags     flags,
                              CupelReply           *reply,
                              const CupelCompiled **compiled,
                              GCancellable         *cancellable,
                              GError              **error)
{
  CupelBatchItem item = { .statement = statement, .sets = sets };
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_execute", FALSE, error))
    return FALSE;

  success = cupel_connection_perform (self, &item, 1, flags, 0, cancellable, error);
  if (success)
    *reply = item.reply;
  else
    cupel_reply_clear (&item.reply);
  if (compiled != NULL)
    *compiled = item.compiled;

  cupel_connection_leave (self);
  return success;
}

gboolean
cupel_connection_run_select (CupelConnection  *self,
                             CupelStatement   *statement,
                             CupelRowBlock    *sets,
                             CupelTakeBlock    take,
                             gpointer          user_data,
                             GCancellable     *cancellable,
                             GError          **error)
{
  CupelBatchItem item = { .statement = statement, .sets = sets, .take = take, .take_data = user_data };
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_execute", FALSE, error))
    return FALSE;

  success = cupel_connection_perform (self, &item, 1, CUPEL_REQUEST_NONE, 0, cancellable, error);
  cupel_reply_clear (&item.reply);
  cupel_connection_leave (self);
  return success;
}

gboolean
cupel_connection_run_batch (CupelConnection  *self,
                            CupelBatchItem   *items,
                            guint             n_items,
                            GCancellable     *cancellable,
                            GError          **error)
{
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_execute", FALSE, error))
    return FALSE;

  success = cupel_connection_perform (self, items, n_items, CUPEL_REQUEST_NONE, 0, cancellable, error);
  cupel_connection_leave (self);
  return success;
}

gboolean
cupel_connection_bind (CupelConnection  *self,
                       CupelStatement   *statement,
                       CupelParameters  *parameters,
                       CupelRowBlock   **sets,
                       GError          **error)
{
  CupelBatchItem item = { .statement = statement };
  guint n_sets = 0;

  *sets = NULL;
  return prepare_once (self, &item, error) && cupel_parameters_bind (parameters, item.compiled, sets, &n_sets, error);
}

/* the public calls */

typedef struct
{
  CupelStatement  *statement;
  CupelParameters *parameters;
  guint            block_rows;
} ExecuteArgs;

static ExecuteArgs *
execute_args_new (CupelStatement  *statement,
                  CupelParameters *parameters,
                  guint            block_rows)
{
  ExecuteArgs *args = g_new (ExecuteArgs, 1);

  args->statement = g_object_ref (statement);
  args->parameters = parameters != NULL ? cupel_parameters_ref (parameters) : NULL;
  args->block_rows = block_rows;
  return args;
}

static void
execute_args_free (gpointer data)
{
  ExecuteArgs *args = data;

  g_object_unref (args->statement);
  g_clear_pointer (&args->parameters, cupel_parameters_unref);
  g_free (args);
}

static gboolean
bind_and_perform (CupelConnection    *self,
                  const ExecuteArgs  *args,
                  CupelRequestFlags   flags,
                  CupelBatchItem     *item,
                  GCancellable       *cancellable,
                  GError            **error)
{
  g_autoptr(CupelRowBlock) sets = NULL;
  guint n_sets = 0;

  item->statement = args->statement;
  if (!prepare_once (self, item, error) || !cupel_parameters_bind (args->parameters, item->compiled, &sets, &n_sets, error))
    return FALSE;
  item->sets = sets;
  return cupel_connection_perform (self, item, 1, flags, args->block_rows, cancellable, error);
}

static CupelResult *
do_execute (CupelConnection  *self,
            const char       *operation,
            ExecuteArgs      *args,
            GCancellable     *cancellable,
            GError          **error)
{
  CupelBatchItem item = { 0 };
  CupelResult *result = NULL;

  if (!cupel_connection_enter (self, operation, FALSE, error))
    return NULL;

  if (bind_and_perform (self, args, CUPEL_REQUEST_NONE, &item, cancellable, error))
    result = cupel_result_new_from_reply (item.compiled, &item.reply);
  cupel_reply_clear (&item.reply);

  cupel_connection_leave (self);
  return result;
}

static gpointer
execute_body (gpointer       self,
              gpointer       args,
              GCancellable  *cancellable,
              GError       **error)
{
  return do_execute (self, "cupel_connection_execute", args, cancellable, error);
}

static const CupelCall execute_call = { "cupel_connection_execute", execute_body, g_object_unref, .claim = cupel_connection_claim };

/**
 * cupel_connection_execute_async:
 * @self: a connection
 * @statement: what to execute
 * @parameters: (nullable): the values of its binds
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Executes a statement. See cupel_connection_execute(). Neither @statement nor @parameters may be changed before it is finished.
 *
 * Since: 1.0
 */
void
cupel_connection_execute_async (CupelConnection     *self,
                                CupelStatement      *statement,
                                CupelParameters     *parameters,
                                GCancellable        *cancellable,
                                GAsyncReadyCallback  callback,
                                gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (CUPEL_IS_STATEMENT (statement));

  cupel_call_async (&execute_call, self, execute_args_new (statement, parameters, 0), execute_args_free,
                    cancellable, callback, user_data);
}

/**
 * cupel_connection_execute_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_execute_async().
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_connection_execute_finish (CupelConnection  *self,
                                 GAsyncResult     *result,
                                 GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_finish (&execute_call, self, result, error);
}

/**
 * cupel_connection_execute:
 * @self: a connection
 * @statement: what to execute
 * @parameters: (nullable): the values of its binds; with several sets it is cupel_connection_execute_many()
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Executes a statement and fetches all its rows. The first statement begins a transaction.
 *
 * Every bind of the statement needs a value, and every value a bind: otherwise nothing is sent, and the error is
 * %CUPEL_ERROR_PROGRAMMING. A text that is not UTF-8 is %CUPEL_ERROR_DATA. What the server refuses has the class of its reason.
 * After a cancellation the connection may be invalidated.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_connection_execute (CupelConnection  *self,
                          CupelStatement   *statement,
                          CupelParameters  *parameters,
                          GCancellable     *cancellable,
                          GError          **error)
{
  ExecuteArgs args = { statement, parameters, 0 };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  return cupel_call_sync (&execute_call, self, &args, cancellable, error);
}

static gpointer
execute_many_body (gpointer       self,
                   gpointer       args,
                   GCancellable  *cancellable,
                   GError       **error)
{
  return do_execute (self, "cupel_connection_execute_many", args, cancellable, error);
}

static const CupelCall execute_many_call = {
  "cupel_connection_execute_many", execute_many_body, g_object_unref, .claim = cupel_connection_claim
};

/**
 * cupel_connection_execute_many_async:
 * @self: a connection
 * @statement: what to execute
 * @parameters: (nullable): the sets of values of its binds
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Executes a statement for each set of parameters. See cupel_connection_execute_many().
 *
 * Since: 1.0
 */
void
cupel_connection_execute_many_async (CupelConnection     *self,
                                     CupelStatement      *statement,
                                     CupelParameters     *parameters,
                                     GCancellable        *cancellable,
                                     GAsyncReadyCallback  callback,
                                     gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (CUPEL_IS_STATEMENT (statement));

  cupel_call_async (&execute_many_call, self, execute_args_new (statement, parameters, 0), execute_args_free,
                    cancellable, callback, user_data);
}

/**
 * cupel_connection_execute_many_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_execute_many_async().
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_connection_execute_many_finish (CupelConnection  *self,
                                      GAsyncResult     *result,
                                      GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_finish (&execute_many_call, self, result, error);
}

/**
 * cupel_connection_execute_many:
 * @self: a connection
 * @statement: an INSERT, UPDATE or DELETE, or a text
 * @parameters: (nullable): the sets of values of its binds
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Executes a statement for each set of parameters, in the fastest way that the driver has. If it returns rows, there is one for each
 * set, in the order of the sets. The row count is the sum.
 *
 * Returns: (transfer full): the result, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_connection_execute_many (CupelConnection  *self,
                               CupelStatement   *statement,
                               CupelParameters  *parameters,
                               GCancellable     *cancellable,
                               GError          **error)
{
  ExecuteArgs args = { statement, parameters, 0 };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  return cupel_call_sync (&execute_many_call, self, &args, cancellable, error);
}

static gpointer
stream_body (gpointer       self_,
             gpointer       args_,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelConnection *self = self_;
  ExecuteArgs *args = args_;
  CupelBatchItem item = { 0 };
  CupelStream *stream = NULL;

  if (!cupel_connection_enter (self, "cupel_connection_stream", FALSE, error))
    return NULL;

  if (bind_and_perform (self, args, CUPEL_REQUEST_STREAM, &item, cancellable, error))
    stream = cupel_stream_new_from_reply (self, item.compiled, &item.reply);
  cupel_reply_clear (&item.reply);

  cupel_connection_leave (self);
  return stream;
}

static const CupelCall stream_call = { "cupel_connection_stream", stream_body, g_object_unref, .claim = cupel_connection_claim };

/**
 * cupel_connection_stream_async:
 * @self: a connection
 * @statement: what to execute
 * @parameters: (nullable): the values of its binds
 * @block_rows: rows per block, 0 for the default
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Executes a statement whose rows arrive while they are read. See cupel_connection_stream().
 *
 * Since: 1.0
 */
void
cupel_connection_stream_async (CupelConnection     *self,
                               CupelStatement      *statement,
                               CupelParameters     *parameters,
                               guint                block_rows,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (CUPEL_IS_STATEMENT (statement));

  cupel_call_async (&stream_call, self, execute_args_new (statement, parameters, block_rows), execute_args_free,
                    cancellable, callback, user_data);
}

/**
 * cupel_connection_stream_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_stream_async().
 *
 * Returns: (transfer full): the stream, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelStream *
cupel_connection_stream_finish (CupelConnection  *self,
                                GAsyncResult     *result,
                                GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);

  return cupel_call_finish (&stream_call, self, result, error);
}

/**
 * cupel_connection_stream:
 * @self: a connection
 * @statement: what to execute
 * @parameters: (nullable): the values of its binds
 * @block_rows: rows per block, 0 for the default (about 1000)
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Executes a statement whose rows arrive by blocks while they are read, for results of any size.
 *
 * The connection may execute other statements, and open more streams, while one is read. On SQLite the stream may see what they change:
 * read it to the end before writing to the tables that it reads. It cannot commit before all are read to
 * the end or closed.
 *
 * Returns: (transfer full): the stream, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelStream *
cupel_connection_stream (CupelConnection  *self,
                         CupelStatement   *statement,
                         CupelParameters  *parameters,
                         guint             block_rows,
                         GCancellable     *cancellable,
                         GError          **error)
{
  ExecuteArgs args = { statement, parameters, block_rows };

  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), NULL);
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  return cupel_call_sync (&stream_call, self, &args, cancellable, error);
}

/* a function of the user in a fiber */

static gpointer
run_body (gpointer       self,
          gpointer       args,
          GCancellable  *cancellable,
          GError       **error)
{
  const CupelWork *work = args;

  return GINT_TO_POINTER (work->func (self, work->data, cancellable, error));
}

static const CupelCall run_call = { "cupel_connection_run", run_body, NULL };

/**
 * cupel_connection_run_async: (skip)
 * @self: a connection
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a fiber: it may use the plain calls in straight lines, and none blocks the main loop.
 *
 * Since: 1.0
 */
void
cupel_connection_run_async (CupelConnection      *self,
                            CupelConnectionFunc   func,
                            gpointer              func_data,
                            GDestroyNotify        destroy,
                            GCancellable         *cancellable,
                            GAsyncReadyCallback   callback,
                            gpointer              user_data)
{
  const CupelWork work = { func, func_data, destroy };

  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_call, self, cupel_work_copy (&work), cupel_work_free, cancellable, callback, user_data);
}

/**
 * cupel_connection_run_finish: (skip)
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_run_async().
 *
 * Returns: what the function returned
 *
 * Since: 1.0
 */
gboolean
cupel_connection_run_finish (CupelConnection  *self,
                             GAsyncResult     *result,
                             GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_call, self, result, error));
}
