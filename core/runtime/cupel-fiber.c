/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-fiber.h"

#include "runtime/cupel-scheduler-private.h"

/**
 * cupel_in_fiber:
 *
 * Tells whether the caller runs on the stack of a fiber, where what suspends may be called.
 *
 * It does not in what cupel_call_on_main_stack() runs, nor in what a main loop dispatches that a fiber runs itself.
 *
 * Returns: %TRUE in a fiber
 *
 * Since: 1.0
 */
gboolean
cupel_in_fiber (void)
{
  return cupel_fiber_get_current () != NULL;
}

/**
 * cupel_fiber_spawn: (skip)
 * @context: (nullable): where it is to run, or %NULL for the thread-default context
 * @func: the body
 * @user_data: given to @func
 * @destroy: (nullable): called with @user_data when @func has returned, on the main stack of @context
 *
 * Starts a fiber: a function with a stack of its own, that the main context runs in turns with everything else.
 *
 * @func runs from the next iteration of @context on, never before this function has returned. A fiber stays with its
 * context. Any thread may call this.
 *
 * A fiber ends by returning from @func. When its context is destroyed before that, whatever it waits for, then and later, fails
 * with %G_IO_ERROR_CANCELLED, and it runs to its end in the thread that drops the context.
 *
 * Since: 1.0
 */
void
cupel_fiber_spawn (GMainContext   *context,
                   CupelFiberFunc  func,
                   gpointer        user_data,
                   GDestroyNotify  destroy)
{
  cupel_fiber_spawn_full (context, NULL, 0, func, user_data, destroy);
}

/**
 * cupel_fiber_spawn_full: (skip)
 * @context: (nullable): where it is to run, or %NULL for the thread-default context
 * @name: (nullable): a static string for messages
 * @stack_size: in bytes, or 0 for the default of 256 KiB
 * @func: the body
 * @user_data: given to @func
 * @destroy: (nullable): called with @user_data when @func has returned, on the main stack of @context
 *
 * Is cupel_fiber_spawn() with a name and a stack size. Memory of a stack is used as it is touched. Below each stack lies a page
 * that cannot be accessed: running over the end is a segmentation fault and not a corruption.
 *
 * Since: 1.0
 */
void
cupel_fiber_spawn_full (GMainContext   *context,
                        const char     *name,
                        gsize           stack_size,
                        CupelFiberFunc  func,
                        gpointer        user_data,
                        GDestroyNotify  destroy)
{
  g_return_if_fail (func != NULL);

  cupel_scheduler_spawn (cupel_scheduler_get_for_caller (context), name, stack_size, func, user_data, destroy);
}

/**
 * cupel_fiber_sleep: (skip)
 * @microseconds: for how long
 * @cancellable: (nullable): what ends it early
 * @error: return location
 *
 * Suspends the fiber for a time. The resolution is a millisecond.
 *
 * Fails with %G_IO_ERROR_CANCELLED, or with %CUPEL_ERROR_MISSING_FIBER outside a fiber.
 *
 * Returns: %TRUE when the time is over, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_fiber_sleep (guint64        microseconds,
                   GCancellable  *cancellable,
                   GError       **error)
{
  CupelFiber *fiber = cupel_fiber_get_current ();
  gint64 deadline;
  CupelParkResult result;

  if (fiber == NULL)
    {
      cupel_set_error_not_in_fiber (error, G_STRFUNC);
      return FALSE;
    }

  deadline = g_get_monotonic_time () + (gint64) MIN (microseconds, (guint64) G_MAXINT64 / 2);
  result = cupel_fiber_park (fiber, NULL, deadline, cancellable);

  return result == CUPEL_PARK_TIMEOUT || cupel_park_result_check (result, error);
}
