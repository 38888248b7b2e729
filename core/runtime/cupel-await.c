/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-await.h"

#include "runtime/cupel-scheduler-private.h"
#include "runtime/cupel-wait.h"

struct _CupelAwait
{
  gatomicrefcount  ref_count;
  CupelCompletion *completion;
  GAsyncResult    *result;
};

/**
 * cupel_await_new: (skip)
 *
 * Makes what connects one GIO call with the fiber that awaits it.
 *
 * Returns: (transfer full): a new await
 *
 * Since: 1.0
 */
CupelAwait *
cupel_await_new (void)
{
  CupelAwait *self = g_new0 (CupelAwait, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->completion = cupel_completion_new ();

  return self;
}

/**
 * cupel_await_ref: (skip)
 * @await: an await
 *
 * Takes a reference; any thread may. The one that cupel_await_ready() is given is needed by every call, for its callback may come
 * after the fiber has gone on.
 *
 * Returns: (transfer full): @await
 *
 * Since: 1.0
 */
CupelAwait *
cupel_await_ref (CupelAwait *await)
{
  g_return_val_if_fail (await != NULL, NULL);

  g_atomic_ref_count_inc (&await->ref_count);

  return await;
}

/**
 * cupel_await_unref: (skip)
 * @await: (transfer full): an await
 *
 * Drops a reference; any thread may.
 *
 * Since: 1.0
 */
void
cupel_await_unref (CupelAwait *await)
{
  g_return_if_fail (await != NULL);

  if (!g_atomic_ref_count_dec (&await->ref_count))
    return;

  g_clear_object (&await->result);
  cupel_completion_unref (await->completion);
  g_free (await);
}

/**
 * cupel_await_ready: (skip)
 * @source: (nullable): the object that the call was made on
 * @result: what its finish function wants
 * @await: (transfer full): an await, as user data
 *
 * Is the callback to give to the call, with a reference of its own as user data.
 *
 * Since: 1.0
 */
void
cupel_await_ready (GObject      *source,
                   GAsyncResult *result,
                   gpointer      await)
{
  CupelAwait *self = await;

  g_return_if_fail (self != NULL);
  g_return_if_fail (G_IS_ASYNC_RESULT (result));

  if (cupel_completion_is_done (self->completion))
    {
      g_critical ("One CupelAwait was given to two calls at the same time");
    }
  else
    {
      self->result = g_object_ref (result);
      cupel_completion_complete (self->completion);
    }
  cupel_await_unref (self);
}

/**
 * cupel_await_wait: (skip)
 * @await: an await that was given to a call
 * @cancellable: (nullable): what ends the wait early
 * @error: return location
 *
 * Suspends the fiber until the callback of the call came. After success, @await can be given to another call.
 *
 * A wait that is cancelled fails at once with %G_IO_ERROR_CANCELLED. The call itself ends when its own cancellable, mostly the same one,
 * tells it to, and nobody looks at its result: what it uses must live until then. To be sure that it has ended, wait without a
 * cancellable. Outside a fiber the error is %CUPEL_ERROR_MISSING_FIBER.
 *
 * Returns: (transfer full) (nullable): what the finish function of the call wants, or %NULL with @error set
 *
 * Since: 1.0
 */
GAsyncResult *
cupel_await_wait (CupelAwait    *await,
                  GCancellable  *cancellable,
                  GError       **error)
{
  GAsyncResult *result;

  g_return_val_if_fail (await != NULL, NULL);

  if (!cupel_in_fiber ())
    {
      cupel_set_error_not_in_fiber (error, G_STRFUNC);
      return NULL;
    }
  if (!cupel_completion_wait (await->completion, CUPEL_NO_DEADLINE, cancellable, error))
    return NULL;

  result = g_steal_pointer (&await->result);
  cupel_completion_reset (await->completion);

  return result;
}
