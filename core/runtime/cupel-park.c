/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a fiber does to wait: everything here runs on its own stack. */

#include "runtime/cupel-fiber-private.h"

/* A look at the clock every so many ticks at most; fewer when ticks turn out to be slow. */
#define MAX_TICKS 64

/* Found without a call, from each tick: one pointer of the room that every process of the GNU C library has for libraries that are loaded
 * later. Others, musl among them, have none. */
#ifdef __GLIBC__
# define INITIAL_EXEC __attribute__ ((tls_model ("initial-exec")))
#else
# define INITIAL_EXEC
#endif

static __thread CupelFiber *current_fiber INITIAL_EXEC;

static CupelParkHook park_hook;
static CupelFiberFunc tick_hook;

void
cupel_fiber_set_park_hook (CupelParkHook hook)
{
  park_hook = hook;
}

/* The address of a thread-local variable must not survive a switch in a register: a closing context may run its last fibers in another thread. */
CupelFiber * G_GNUC_NO_INLINE
cupel_fiber_peek_current (void)
{
  return current_fiber;
}

void G_GNUC_NO_INLINE
cupel_fiber_set_current (CupelFiber *fiber)
{
  current_fiber = fiber;
}

void
cupel_fiber_forget_cancellable (CupelFiber *fiber)
{
  if (fiber->cancellable == NULL)
    return;

  /* Not g_cancellable_disconnect (), which waits for handlers that run and would wait for itself below one of them. A handler in
   * flight holds a reference to the fiber. */
  g_signal_handler_disconnect (fiber->cancellable, fiber->cancelled_id);
  fiber->cancelled_id = 0;
  g_clear_object (&fiber->cancellable);
}

static void
on_cancelled (GCancellable *cancellable,
              gpointer      fiber)
{
  cupel_fiber_wake (fiber);
}

static void
drop_fiber_closure (gpointer  fiber,
                    GClosure *closure)
{
  cupel_fiber_unref (fiber);
}

static void
watch_cancellable (CupelFiber   *fiber,
                   GCancellable *cancellable)
{
  if (fiber->cancellable == cancellable)
    return;

  cupel_fiber_forget_cancellable (fiber);
  fiber->cancellable = g_object_ref (cancellable);
  fiber->cancelled_id = g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                               cupel_fiber_ref (fiber), drop_fiber_closure, 0);
}

CupelFiber *
cupel_fiber_get_current (void)
{
  CupelFiber *fiber = cupel_fiber_peek_current ();

  if (fiber == NULL || g_main_depth () != fiber->frame->depth)
    return NULL;

  return fiber;
}

CupelScheduler *
cupel_fiber_get_scheduler (CupelFiber *fiber)
{
  return fiber->scheduler;
}

void
cupel_fiber_get_stack (CupelFiber *fiber,
                       gpointer   *base,
                       gsize      *size)
{
  cupel_stack_get_bounds (fiber->stack, base, size);
}

static gboolean
may_suspend (CupelFiber *fiber)
{
  return g_main_context_get_thread_default () == fiber->frame->thread_default && g_main_depth () == fiber->frame->depth;
}

static gboolean
check_may_suspend (CupelFiber *fiber)
{
  if (G_LIKELY (may_suspend (fiber)))
    return TRUE;

  g_critical ("The fiber \"%s\" cannot wait: %s", fiber->name ? fiber->name : "unnamed",
              g_main_depth () != fiber->frame->depth
              ? "it runs a main loop, and this is called from there"
              : "a thread-default main context was pushed and not popped; pop it before anything that suspends");

  return FALSE;
}

static void
requeue (CupelFiber *fiber)
{
  CupelScheduler *self = fiber->scheduler;

  g_mutex_lock (&self->lock);
  cupel_scheduler_enqueue_later (self, fiber);
  g_mutex_unlock (&self->lock);
  cupel_stack_exit (fiber->stack);
}

/**
 * cupel_fiber_yield: (skip)
 *
 * Lets the main loop and the other fibers have a turn. Outside a fiber it does nothing.
 *
 * Since: 1.0
 */
void
cupel_fiber_yield (void)
{
  CupelFiber *fiber = cupel_fiber_get_current ();

  if (fiber != NULL && check_may_suspend (fiber))
    requeue (fiber);
}

static void G_GNUC_NO_INLINE
look_at_clock (CupelFiber *fiber)
{
  gint64 now = g_get_monotonic_time ();
  gint64 elapsed = now - fiber->last_look;

  if (elapsed > CUPEL_SLICE / 8)
    fiber->ticks = MAX (1, fiber->ticks / 2);
  else if (elapsed < CUPEL_SLICE / 32)
    fiber->ticks = MIN (MAX_TICKS, fiber->ticks * 2);
  fiber->ticks_left = fiber->ticks;
  fiber->last_look = now;

  if (now >= fiber->slice_end && may_suspend (fiber))
    requeue (fiber);
  if (G_UNLIKELY (tick_hook != NULL) && may_suspend (fiber))
    {
      fiber->ticks_left = fiber->ticks = 1;
      cupel_call_on_main_stack (tick_hook, NULL);
    }
}

void
cupel_fiber_set_tick_hook (CupelFiberFunc hook)
{
  CupelFiber *fiber = cupel_fiber_get_current ();

  tick_hook = hook;
  if (fiber != NULL)
    fiber->ticks_left = fiber->ticks = 1;
}

/**
 * cupel_fiber_tick: (skip)
 *
 * Counts one step of a loop that may be long and has nothing to wait for: a row, say. When the fiber has held the loop for two
 * milliseconds, this is cupel_fiber_yield(). It costs a few nanoseconds. A wait for what is ready counts as a step by itself.
 *
 * Outside a fiber it does nothing.
 *
 * Since: 1.0
 */
void
cupel_fiber_tick (void)
{
  CupelFiber *fiber = current_fiber;

  if (fiber != NULL && --fiber->ticks_left <= 0)
    look_at_clock (fiber);
}

static void
suspend (CupelFiber *fiber,
         gint64      deadline)
{
  CupelScheduler *self = fiber->scheduler;

  g_mutex_lock (&self->lock);
  if (fiber->woken)
    {
      fiber->woken = FALSE;
      g_mutex_unlock (&self->lock);
      return;
    }
  fiber->state = FIBER_WAITING;
  g_mutex_unlock (&self->lock);

  if (deadline >= 0)
    cupel_deadlines_insert (&self->deadlines, &fiber->deadline, deadline);
  cupel_stack_exit (fiber->stack);
  if (deadline >= 0)
    cupel_deadlines_remove (&self->deadlines, &fiber->deadline);
}

CupelParkResult
cupel_fiber_park (CupelFiber   *fiber,
                  const int    *done,
                  gint64        deadline,
                  GCancellable *cancellable)
{
  gboolean suspended = FALSE;

  if (G_UNLIKELY (park_hook != NULL) && (done == NULL || !g_atomic_int_get (done)))
    {
      CupelParkResult result = park_hook (fiber, deadline, cancellable);

      if (result != CUPEL_PARK_READY)
        return result;
    }

  for (;;)
    {
      if (done != NULL && g_atomic_int_get (done))
        {
          if (!suspended)
            cupel_fiber_tick ();
          return CUPEL_PARK_READY;
        }
      if (g_cancellable_is_cancelled (cancellable))
        return CUPEL_PARK_CANCELLED;
      if (G_UNLIKELY (g_atomic_int_get (&fiber->scheduler->closing)))
        {
          cupel_fiber_tick ();
          return CUPEL_PARK_CANCELLED;
        }
      if (deadline >= 0 && g_get_monotonic_time () >= deadline)
        return CUPEL_PARK_TIMEOUT;
      if (!check_may_suspend (fiber))
        return CUPEL_PARK_FORBIDDEN;

      if (cancellable != NULL && fiber->cancellable != cancellable)
        {
          /* What is cancelled between the test above and the connection emits no signal: test again. */
          watch_cancellable (fiber, cancellable);
          continue;
        }

      suspend (fiber, deadline);
      suspended = TRUE;
    }
}

gboolean
cupel_park_result_check (CupelParkResult   result,
                         GError          **error)
{
  switch (result)
    {
    case CUPEL_PARK_READY:
      return TRUE;
    case CUPEL_PARK_TIMEOUT:
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "The operation timed out");
      return FALSE;
    case CUPEL_PARK_CANCELLED:
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The operation was cancelled");
      return FALSE;
    case CUPEL_PARK_FORBIDDEN:
    default:
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT,
                           "A fiber cannot wait while another thread-default main context is pushed, or in a main loop of its own");
      return FALSE;
    }
}

void
cupel_set_error_not_in_fiber (GError     **error,
                              const char  *function)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER,
               "%s() suspends and was called outside a fiber: run the caller with cupel_run_async()", function);
}

/**
 * cupel_call_on_main_stack: (skip)
 * @func: what to call
 * @user_data: given to @func
 *
 * Calls @func on the stack of the main loop and comes back; outside a fiber it just calls it. Nothing else runs in between.
 *
 * Code that the user wrote, or a language binding, goes through here: signals, notifications, property setters, virtual functions. The interpreters of
 * other languages do not bear a foreign stack, and C code would find less of it than it expects. @func is in no fiber
 * and cannot suspend. It may iterate the main context: other fibers go on then.
 *
 * Since: 1.0
 */
void
cupel_call_on_main_stack (CupelFiberFunc func,
                          gpointer       user_data)
{
  CupelFiber *fiber = cupel_fiber_get_current ();

  if (fiber == NULL)
    {
      func (user_data);
      return;
    }

  fiber->closure_data = user_data;
  fiber->closure = func;
  cupel_stack_exit (fiber->stack);
}
