/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-wait.h"

#include "runtime/cupel-scheduler-private.h"

struct _CupelCompletion
{
  gatomicrefcount  ref_count;
  GMutex           lock;
  int              done;     /* set under the lock, read without */
  CupelFiber      *waiter;   /* under the lock */
};

/**
 * cupel_completion_new: (skip)
 *
 * Makes a completion that is not done.
 *
 * Returns: (transfer full): a new completion
 *
 * Since: 1.0
 */
CupelCompletion *
cupel_completion_new (void)
{
  CupelCompletion *self = g_new0 (CupelCompletion, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);

  return self;
}

/**
 * cupel_completion_ref: (skip)
 * @completion: a completion
 *
 * Takes a reference; any thread may.
 *
 * Returns: (transfer full): @completion
 *
 * Since: 1.0
 */
CupelCompletion *
cupel_completion_ref (CupelCompletion *completion)
{
  g_return_val_if_fail (completion != NULL, NULL);

  g_atomic_ref_count_inc (&completion->ref_count);

  return completion;
}

/**
 * cupel_completion_unref: (skip)
 * @completion: (transfer full): a completion
 *
 * Drops a reference; any thread may.
 *
 * Since: 1.0
 */
void
cupel_completion_unref (CupelCompletion *completion)
{
  g_return_if_fail (completion != NULL);

  if (!g_atomic_ref_count_dec (&completion->ref_count))
    return;

  g_mutex_clear (&completion->lock);
  g_free (completion);
}

/**
 * cupel_completion_complete: (skip)
 * @completion: a completion
 *
 * Makes it done and resumes who waits. What the calling thread has written before is seen by the fiber after. Once it is done, this does
 * nothing. Any thread may call it; the caller needs a reference of its own.
 *
 * Since: 1.0
 */
void
cupel_completion_complete (CupelCompletion *completion)
{
  g_return_if_fail (completion != NULL);

  /* The waiter is alive as long as it is registered, and so under the lock. */
  g_mutex_lock (&completion->lock);
  if (!completion->done)
    {
      g_atomic_int_set (&completion->done, TRUE);
      if (completion->waiter != NULL)
        cupel_fiber_wake (completion->waiter);
    }
  g_mutex_unlock (&completion->lock);
}

/**
 * cupel_completion_is_done: (skip)
 * @completion: a completion
 *
 * Tells whether cupel_completion_complete() was called.
 *
 * Returns: %TRUE if a wait would return at once
 *
 * Since: 1.0
 */
gboolean
cupel_completion_is_done (CupelCompletion *completion)
{
  g_return_val_if_fail (completion != NULL, FALSE);

  return g_atomic_int_get (&completion->done);
}

/**
 * cupel_completion_wait: (skip)
 * @completion: a completion
 * @deadline: a time of g_get_monotonic_time(), or %CUPEL_NO_DEADLINE
 * @cancellable: (nullable): what ends the wait early
 * @error: return location
 *
 * Suspends the fiber until @completion is done. If it is, that is success, even past the deadline or cancelled.
 *
 * Fails with %G_IO_ERROR_CANCELLED, %CUPEL_ERROR_TIMEOUT, with %CUPEL_ERROR_BUSY if another fiber waits for it, or with
 * %CUPEL_ERROR_MISSING_FIBER outside a fiber. After a failure one can wait again.
 *
 * Returns: %TRUE when done, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_completion_wait (CupelCompletion  *completion,
                       gint64            deadline,
                       GCancellable     *cancellable,
                       GError          **error)
{
  CupelFiber *fiber;
  CupelParkResult result;
  gboolean busy;

  g_return_val_if_fail (completion != NULL, FALSE);

  fiber = cupel_fiber_get_current ();
  if (fiber == NULL)
    {
      cupel_set_error_not_in_fiber (error, G_STRFUNC);
      return FALSE;
    }

  g_mutex_lock (&completion->lock);
  busy = completion->waiter != NULL;
  if (!busy)
    completion->waiter = fiber;
  g_mutex_unlock (&completion->lock);
  if (busy)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_BUSY, "Another fiber is waiting for the same completion");
      return FALSE;
    }

  result = cupel_fiber_park (fiber, &completion->done, deadline, cancellable);

  g_mutex_lock (&completion->lock);
  completion->waiter = NULL;
  if (completion->done)
    result = CUPEL_PARK_READY;
  g_mutex_unlock (&completion->lock);

  return cupel_park_result_check (result, error);
}

/**
 * cupel_completion_reset: (skip)
 * @completion: a completion that is done and that nobody waits for
 *
 * Makes it usable again. The caller knows that whoever completed it is done with it.
 *
 * Since: 1.0
 */
void
cupel_completion_reset (CupelCompletion *completion)
{
  g_return_if_fail (completion != NULL);

  g_mutex_lock (&completion->lock);
  if (completion->done && completion->waiter == NULL)
    g_atomic_int_set (&completion->done, FALSE);
  else
    g_critical ("A completion was reset that is not done or that a fiber waits for");
  g_mutex_unlock (&completion->lock);
}
