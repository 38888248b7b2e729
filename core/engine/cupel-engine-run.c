/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions that an engine runs on a connection of their own. */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-engine-private.h"
#include "engine/cupel-retry-private.h"
#include "engine/cupel-schema-sync-private.h"
#include "engine/cupel-transaction-private.h"
#include "engine/cupel-work-private.h"
#include "runtime/cupel-call-private.h"

/* a function in a transaction */

static gpointer
begin_body (gpointer       self,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  const CupelWork *work = args;
  g_autoptr(CupelConnection) connection = NULL;
  gboolean success;

  if ((connection = cupel_engine_borrow (self, NULL, cancellable, error)) == NULL)
    return GINT_TO_POINTER (FALSE);

  success = cupel_connection_begin (connection, cancellable, error);
  if (success)
    {
      CupelScope scope;

      cupel_connection_push_scope (connection, &scope, cupel_connection_get_transaction (connection));
      success = work->func (connection, work->data, cancellable, error);
      success = cupel_connection_pop_scope (connection, &scope, success, cancellable, error);
    }

  cupel_connection_close (connection, NULL, NULL);
  return GINT_TO_POINTER (success);
}

static const CupelCall begin_call = { "cupel_engine_begin", begin_body, NULL };

/**
 * cupel_engine_begin_async: (skip)
 * @self: an engine
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a transaction. See cupel_engine_begin().
 *
 * Since: 1.0
 */
void
cupel_engine_begin_async (CupelEngine          *self,
                          CupelConnectionFunc   func,
                          gpointer              func_data,
                          GDestroyNotify        destroy,
                          GCancellable         *cancellable,
                          GAsyncReadyCallback   callback,
                          gpointer              user_data)
{
  const CupelWork work = { func, func_data, destroy };

  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (func != NULL);

  cupel_call_async (&begin_call, self, cupel_work_copy (&work), cupel_work_free, cancellable, callback, user_data);
}

/**
 * cupel_engine_begin_finish: (skip)
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_begin_async().
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_begin_finish (CupelEngine   *self,
                           GAsyncResult  *result,
                           GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&begin_call, self, result, error));
}

/**
 * cupel_engine_begin: (skip)
 * @self: an engine
 * @func: the work
 * @func_data: for @func
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @error: return location for an error
 *
 * Borrows a connection, begins a transaction, runs @func in a fiber and commits; when @func fails, the transaction is rolled back
 * and its error is the one that is reported. The connection is given back in every case.
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_begin (CupelEngine          *self,
                    CupelConnectionFunc   func,
                    gpointer              func_data,
                    GCancellable         *cancellable,
                    GError              **error)
{
  CupelWork work = { func, func_data, NULL };

  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&begin_call, self, &work, cancellable, error));
}

/* a function in a transaction, until it gets through */

typedef struct
{
  CupelEngine     *engine;
  const CupelWork *work;
} Try;

static gboolean
try_once (CupelRetry    *retry,
          guint          attempt,
          gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  const Try *try = data;
  g_autoptr(CupelConnection) connection = cupel_engine_borrow (try->engine, "cupel_engine_run_transaction", cancellable, error);
  gboolean success;

  if (connection == NULL)
    return FALSE;
  connection->attempt = attempt;
  success = cupel_connection_run_transaction (connection, retry->isolation, retry->flags, try->work->func, try->work->data,
                                             cancellable, error);
  cupel_connection_close (connection, NULL, NULL);
  return success;
}

static gpointer
run_transaction_body (gpointer       self,
                      gpointer       args,
                      GCancellable  *cancellable,
                      GError       **error)
{
  Try try = { self, args };

  return GINT_TO_POINTER (cupel_retry_run (try.work->retry, try_once, &try, cancellable, error));
}

static const CupelCall run_transaction_call = { "cupel_engine_run_transaction", run_transaction_body, NULL };

/**
 * cupel_engine_run_transaction_async: (skip)
 * @self: an engine
 * @retry: (nullable): how to try again, %NULL for the defaults
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a transaction until it gets through. See cupel_engine_run_transaction().
 *
 * Since: 1.0
 */
void
cupel_engine_run_transaction_async (CupelEngine          *self,
                                    CupelRetry           *retry,
                                    CupelConnectionFunc   func,
                                    gpointer              func_data,
                                    GDestroyNotify        destroy,
                                    GCancellable         *cancellable,
                                    GAsyncReadyCallback   callback,
                                    gpointer              user_data)
{
  const CupelWork work = { func, func_data, destroy, .retry = retry };

  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (retry == NULL || CUPEL_IS_RETRY (retry));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_transaction_call, self, cupel_work_copy (&work), cupel_work_free, cancellable, callback, user_data);
}

/**
 * cupel_engine_run_transaction_finish: (skip)
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_run_transaction_async().
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_run_transaction_finish (CupelEngine   *self,
                                     GAsyncResult  *result,
                                     GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_transaction_call, self, result, error));
}

/**
 * cupel_engine_run_transaction: (skip)
 * @self: an engine
 * @retry: (nullable): how to try again, %NULL for the defaults
 * @func: the work
 * @func_data: for @func
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection, begins a transaction, runs @func in a fiber and commits, as cupel_engine_begin() does. When that lost a race against
 * another transaction, or the connection was lost before COMMIT was sent, or the server could not take it at the moment, all of it is done
 * again on another connection, after a pause. So @func reads all that it needs in the transaction, and does nothing outside of it that may
 * not be done twice. It learns from cupel_transaction_get_attempt() which try it is.
 *
 * It is not run again when it is not known whether the transaction was committed, %CUPEL_ERROR_OUTCOME_UNKNOWN: then the program has to look.
 * The error is that of the last try; its message tells how many there were and how the others ended.
 *
 * The cancellable that @func is given is not @cancellable when there is a time limit: it is cancelled by both.
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_run_transaction (CupelEngine          *self,
                              CupelRetry           *retry,
                              CupelConnectionFunc   func,
                              gpointer              func_data,
                              GCancellable         *cancellable,
                              GError              **error)
{
  CupelWork work = { func, func_data, NULL, .retry = retry };

  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (retry == NULL || CUPEL_IS_RETRY (retry), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_transaction_call, self, &work, cancellable, error));
}

/* the schema */

static gboolean
create_all_func (CupelConnection  *connection,
                 gpointer          metadata,
                 GCancellable     *cancellable,
                 GError          **error)
{
  return cupel_connection_create_all (connection, metadata, cancellable, error);
}

static gboolean
drop_all_func (CupelConnection  *connection,
               gpointer          metadata,
               GCancellable     *cancellable,
               GError          **error)
{
  return cupel_connection_drop_all (connection, metadata, cancellable, error);
}

static gpointer
create_all_body (gpointer       self,
                 gpointer       metadata,
                 GCancellable  *cancellable,
                 GError       **error)
{
  CupelWork work = { create_all_func, metadata, NULL };

  return begin_body (self, &work, cancellable, error);
}

static gpointer
drop_all_body (gpointer       self,
               gpointer       metadata,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelWork work = { drop_all_func, metadata, NULL };

  return begin_body (self, &work, cancellable, error);
}

static const CupelCall create_all_call = { "cupel_engine_create_all", create_all_body, NULL };
static const CupelCall drop_all_call = { "cupel_engine_drop_all", drop_all_body, NULL };

/**
 * cupel_engine_create_all_async:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Creates the tables that do not exist. See cupel_engine_create_all().
 *
 * Since: 1.0
 */
void
cupel_engine_create_all_async (CupelEngine         *self,
                               CupelMetadata       *metadata,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (CUPEL_IS_METADATA (metadata));

  cupel_call_async (&create_all_call, self, g_object_ref (metadata), g_object_unref, cancellable, callback, user_data);
}

/**
 * cupel_engine_create_all_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_create_all_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_create_all_finish (CupelEngine   *self,
                                GAsyncResult  *result,
                                GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&create_all_call, self, result, error));
}

/**
 * cupel_engine_create_all:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Creates the tables of @metadata that do not exist, in a transaction of its own. See cupel_connection_create_all().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_create_all (CupelEngine    *self,
                         CupelMetadata  *metadata,
                         GCancellable   *cancellable,
                         GError        **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&create_all_call, self, metadata, cancellable, error));
}

/**
 * cupel_engine_drop_all_async:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Drops the tables that exist. See cupel_engine_drop_all().
 *
 * Since: 1.0
 */
void
cupel_engine_drop_all_async (CupelEngine         *self,
                             CupelMetadata       *metadata,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (CUPEL_IS_METADATA (metadata));

  cupel_call_async (&drop_all_call, self, g_object_ref (metadata), g_object_unref, cancellable, callback, user_data);
}

/**
 * cupel_engine_drop_all_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_drop_all_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_drop_all_finish (CupelEngine   *self,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&drop_all_call, self, result, error));
}

/**
 * cupel_engine_drop_all:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Drops the tables of @metadata that exist, in a transaction of its own. See cupel_connection_drop_all().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_drop_all (CupelEngine    *self,
                       CupelMetadata  *metadata,
                       GCancellable   *cancellable,
                       GError        **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&drop_all_call, self, metadata, cancellable, error));
}
