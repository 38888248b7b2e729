/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-call-private.h"

typedef struct
{
  CupelRunFunc   func;
  gpointer       user_data;
  GDestroyNotify destroy;
} RunArgs;

static void
run_args_free (gpointer data)
{
  RunArgs *args = data;

  if (args->destroy != NULL)
    args->destroy (args->user_data);
  g_free (args);
}

static gpointer
run_body (gpointer       self,
          gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  RunArgs *args = data;
  GError *local_error = NULL;

  if (args->func (args->user_data, cancellable, &local_error))
    {
      g_clear_error (&local_error);
      return GINT_TO_POINTER (TRUE);
    }

  if (local_error == NULL)
    g_set_error_literal (&local_error, CUPEL_ERROR, CUPEL_ERROR_FAILED, "The function failed and did not say why");
  g_propagate_error (error, local_error);

  return NULL;
}

static const CupelCall run_call = { "cupel_run", run_body, NULL };

/**
 * cupel_run_async: (skip)
 * @func: a function that may call anything that suspends
 * @user_data: given to @func
 * @destroy: (nullable): called with @user_data when @func has returned, on the main stack
 * @cancellable: (nullable): given to @func
 * @callback: (nullable): called on the main stack when @func has returned
 * @callback_data: given to @callback
 *
 * Runs @func in a fiber of the thread-default context, beginning with its next iteration.
 *
 * Since: 1.0
 */
void
cupel_run_async (CupelRunFunc         func,
                 gpointer             user_data,
                 GDestroyNotify       destroy,
                 GCancellable        *cancellable,
                 GAsyncReadyCallback  callback,
                 gpointer             callback_data)
{
  RunArgs *args;

  g_return_if_fail (func != NULL);
  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  args = g_new (RunArgs, 1);
  args->func = func;
  args->user_data = user_data;
  args->destroy = destroy;
  cupel_call_async (&run_call, NULL, args, run_args_free, cancellable, callback, callback_data);
}

/**
 * cupel_run_finish: (skip)
 * @result: what the callback got
 * @error: return location
 *
 * Ends cupel_run_async().
 *
 * Returns: what the function returned, %FALSE with @error set as it did
 *
 * Since: 1.0
 */
gboolean
cupel_run_finish (GAsyncResult  *result,
                  GError       **error)
{
  return GPOINTER_TO_INT (cupel_call_finish (&run_call, NULL, result, error));
}

/**
 * cupel_run: (skip)
 * @func: a function that may call anything that suspends
 * @user_data: given to @func
 * @cancellable: (nullable): given to @func
 * @error: return location
 *
 * Runs @func and returns when it has returned.
 *
 * In a fiber this just calls it. Outside, where no main loop is dispatching on this thread, it runs @func in a fiber of a private context
 * and blocks: nothing else of the application is dispatched meanwhile. Outside a fiber while a main loop is
 * dispatching on this thread it fails at once with %CUPEL_ERROR_MISSING_FIBER, for it would stand still.
 *
 * Returns: what the function returned, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_run (CupelRunFunc   func,
           gpointer       user_data,
           GCancellable  *cancellable,
           GError       **error)
{
  RunArgs args = { func, user_data, NULL };

  g_return_val_if_fail (func != NULL, FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_call, NULL, &args, cancellable, error));
}
