/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-call-private.h"
#include "runtime/cupel-fiber-private.h"

/* When the system refuses one more stack: how long until the next attempt, in microseconds. */
#define STARVED_RETRY 10000

/* Fibers have the default priority, that of input. What an interface is drawn by has a lower one, and would get no turn for as long as there is
 * something to do for fibers. So when they took this time, in microseconds, they stand back: they have low priority until
 * they had a turn there, which everything above has had before; but no longer than that time again, for others of the default
 * priority may never let it come. */
#define STAND_BACK_INTERVAL (4 * CUPEL_SLICE)

typedef struct
{
  GSource         base;
  CupelScheduler *scheduler;
} SchedulerSource;

static GMutex schedulers_lock;
static GHashTable *schedulers;   /* GMainContext -> CupelScheduler, neither owned */

static void
list_push (CupelFiberList  *list,
           CupelFiber *fiber)
{
  fiber->next = NULL;
  if (list->tail != NULL)
    list->tail->next = fiber;
  else
    list->head = fiber;
  list->tail = fiber;
}

static CupelFiber *
list_pop (CupelFiberList *list)
{
  CupelFiber *fiber = list->head;

  if (fiber != NULL)
    {
      list->head = fiber->next;
      if (list->head == NULL)
        list->tail = NULL;
      fiber->next = NULL;
    }

  return fiber;
}

static CupelScheduler *
cupel_scheduler_ref (CupelScheduler *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

static void
cupel_scheduler_unref (CupelScheduler *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  g_source_unref (self->waker);
  cupel_stack_pool_clear (&self->stacks);
  cupel_deadlines_clear (&self->deadlines);
  g_mutex_clear (&self->lock);
  g_free (self);
}

CupelFiber *
cupel_fiber_ref (CupelFiber *fiber)
{
  g_atomic_ref_count_inc (&fiber->ref_count);
  return fiber;
}

/* The last reference may be that of a signal connection that another thread drops: nothing but memory is freed here. */
void
cupel_fiber_unref (CupelFiber *fiber)
{
  if (!g_atomic_ref_count_dec (&fiber->ref_count))
    return;

  cupel_scheduler_unref (fiber->scheduler);
  g_free (fiber);
}

/* With the lock held, like what follows. */
static void
enqueue (CupelScheduler *self,
         CupelFiber     *fiber)
{
  fiber->state = FIBER_QUEUED;
  list_push (&self->queue, fiber);
  g_atomic_int_inc (&self->n_queued);
}

void
cupel_scheduler_enqueue_later (CupelScheduler *self,
                               CupelFiber     *fiber)
{
  fiber->state = FIBER_QUEUED;
  list_push (&self->later, fiber);
  g_atomic_int_inc (&self->n_queued);
}

static void
append_later (CupelScheduler *self)
{
  if (self->later.head == NULL)
    return;
  if (self->queue.tail != NULL)
    self->queue.tail->next = self->later.head;
  else
    self->queue.head = self->later.head;
  self->queue.tail = self->later.tail;
  self->later = (CupelFiberList) { NULL };
}

/* With the lock held: whoever dispatches this context comes by the queue before it polls; others may be polling now. */
static void
wake_context (CupelScheduler *self)
{
  if (g_atomic_int_get (&self->closing) || self->n_queued != 1)
    return;
  if (g_main_depth () > 0 && g_main_context_is_owner (self->context))
    return;
  /* g_main_context_wakeup () complains of a context that is on its way out. A source is told of that; to change when it is ready, which
   * it never is, wakes the context that it still has. */
  self->waker_time = self->waker_time == G_MAXINT64 ? -1 : G_MAXINT64;
  g_source_set_ready_time (self->waker, self->waker_time);
}

void
cupel_fiber_wake (CupelFiber *fiber)
{
  CupelScheduler *self = fiber->scheduler;

  g_mutex_lock (&self->lock);
  switch (fiber->state)
    {
    case FIBER_WAITING:
      enqueue (self, fiber);
      wake_context (self);
      break;
    case FIBER_RUNNING:
      fiber->woken = TRUE;
      break;
    case FIBER_QUEUED:
    case FIBER_FINISHED:
    default:
      break;
    }
  g_mutex_unlock (&self->lock);
}

static CupelFiber *
dequeue (CupelScheduler *self,
         gboolean        first)
{
  CupelFiber *fiber;

  g_mutex_lock (&self->lock);
  if (first)
    append_later (self);
  fiber = list_pop (&self->queue);
  if (fiber != NULL)
    {
      g_atomic_int_add (&self->n_queued, -1);
      fiber->state = FIBER_RUNNING;
      fiber->woken = FALSE;
    }
  g_mutex_unlock (&self->lock);

  return fiber;
}

static void
unstarve (CupelScheduler *self)
{
  CupelFiber *fiber = list_pop (&self->starved);

  if (fiber == NULL)
    return;
  g_mutex_lock (&self->lock);
  enqueue (self, fiber);
  g_mutex_unlock (&self->lock);
}

static void
expire (CupelScheduler *self,
        gint64          now)
{
  CupelDeadline *deadline;

  while ((deadline = cupel_deadlines_peek (&self->deadlines)) != NULL && deadline->time <= now)
    {
      cupel_deadlines_remove (&self->deadlines, deadline);
      cupel_fiber_wake ((CupelFiber *) ((char *) deadline - G_STRUCT_OFFSET (CupelFiber, deadline)));
    }

  if (self->starved.head != NULL && self->retry_time <= now)
    {
      self->retry_time = now + STARVED_RETRY;
      unstarve (self);
    }
  if (self->stacks.trim_time != 0 && self->stacks.trim_time <= now)
    cupel_stack_pool_trim (&self->stacks, now);
}

/* On the stack of the fiber. */
static void
fiber_main (gpointer data)
{
  CupelFiber *fiber = data;

  fiber->func (fiber->user_data);
  fiber->finished = TRUE;
}

/* On the main stack. */
static void
finish (CupelScheduler *self,
        CupelFiber     *fiber,
        gint64          now)
{
  cupel_stack_pool_release (&self->stacks, g_steal_pointer (&fiber->stack), now);
  cupel_fiber_forget_cancellable (fiber);
  if (self->starved.head != NULL)
    unstarve (self);

  g_mutex_lock (&self->lock);
  fiber->state = FIBER_FINISHED;
  g_queue_unlink (&self->fibers, &fiber->link);
  g_mutex_unlock (&self->lock);

  if (fiber->destroy != NULL)
    fiber->destroy (fiber->user_data);
  cupel_fiber_unref (fiber);
}

static void
resume (CupelScheduler *self,
        CupelFrame          *frame,
        CupelFiber     *fiber,
        gint64          now)
{
  if (fiber->stack == NULL && !(fiber->stack = cupel_stack_pool_acquire (&self->stacks, fiber->stack_size)))
    {
      if (self->starved.head == NULL)
        self->retry_time = now + STARVED_RETRY;
      list_push (&self->starved, fiber);
      return;
    }

  fiber->frame = frame;
  fiber->last_look = now;
  fiber->slice_end = now + CUPEL_SLICE;
  fiber->ticks_left = fiber->ticks;

  for (;;)
    {
      CupelFiberFunc closure;

      cupel_fiber_set_current (fiber);
      cupel_stack_enter (fiber->stack, &frame->caller, fiber_main, fiber);
      cupel_fiber_set_current (NULL);

      closure = g_steal_pointer (&fiber->closure);
      if (closure == NULL)
        break;
      closure (fiber->closure_data);
    }

  if (fiber->finished)
    finish (self, fiber, now);
}

static void
run (CupelScheduler *self,
     gint64          start)
{
  gint64 now = start;
  gint64 end = start + CUPEL_SLICE;
  CupelFiber *fiber;
  CupelFrame frame;

  expire (self, now);
  if (g_atomic_int_get (&self->n_queued) == 0)
    return;

  cupel_context_init_caller (&frame.caller);
  frame.outer = cupel_fiber_peek_current ();
  frame.depth = g_main_depth ();
  frame.pushed = FALSE;
  frame.thread_default = g_main_context_get_thread_default ();
  if (frame.thread_default != self->thread_default && !g_atomic_int_get (&self->closing))
    {
      /* What fibers start with GIO has to come back to this context. */
      g_main_context_push_thread_default (self->context);
      frame.thread_default = self->thread_default;
      frame.pushed = TRUE;
    }

  /* With those that are woken meanwhile: one that gets what another one had is not to wait for a turn of the loop, which would poll. */
  for (gboolean first = TRUE; (fiber = dequeue (self, first)) != NULL; first = FALSE)
    {
      resume (self, &frame, fiber, now);
      now = g_get_monotonic_time ();
      if (now >= end)
        break;
    }

  if (frame.pushed)
    g_main_context_pop_thread_default (self->context);
  cupel_fiber_set_current (frame.outer);

  /* With the turn of the loop that came before, unless the loop slept then */
  self->held += now - start + MIN (start - self->last_run, CUPEL_SLICE);
  self->last_run = now;
  if (self->held > STAND_BACK_INTERVAL)
    self->stand_back_end = now + STAND_BACK_INTERVAL;
}

static void
end_stand_back (CupelScheduler *self)
{
  self->stand_back_end = 0;
  self->held = 0;
}

gboolean
cupel_scheduler_dispatch (CupelScheduler *self)
{
  gint64 now = g_get_monotonic_time ();

  if (self->stand_back_end != 0)
    {
      if (now < self->stand_back_end)
        return FALSE;
      end_stand_back (self);
    }

  run (self, now);
  return TRUE;
}

/* The thread that attached the source may be another one. GLib's locks order that, but ThreadSanitizer does not see those. */
static CupelScheduler *
source_get_scheduler (GSource *source)
{
  return g_atomic_pointer_get (&((SchedulerSource *) source)->scheduler);
}

static gboolean
is_runnable (CupelScheduler *self,
             GSource        *source,
             int            *timeout)
{
  CupelDeadline *deadline;
  gint64 next = G_MAXINT64;

  *timeout = -1;
  if (g_atomic_int_get (&self->n_queued) > 0)
    {
      *timeout = 0;
      return TRUE;
    }

  /* Not g_source_set_ready_time (): it would wake the context up for each wait that has a deadline. */
  if ((deadline = cupel_deadlines_peek (&self->deadlines)) != NULL)
    next = deadline->time;
  if (self->starved.head != NULL)
    next = MIN (next, self->retry_time);
  if (self->stacks.trim_time != 0)
    next = MIN (next, self->stacks.trim_time);
  if (next < G_MAXINT64)
    {
      gint64 now = g_source_get_time (source);

      if (next <= now)
        {
          *timeout = 0;
          return TRUE;
        }
      *timeout = (int) MIN ((next - now + 999) / 1000, G_MAXINT);
    }

  return FALSE;
}

static gboolean
scheduler_source_prepare (GSource *source,
                          int     *timeout)
{
  CupelScheduler *self = source_get_scheduler (source);

  if (G_LIKELY (self->stand_back_end == 0) || g_source_get_time (source) >= self->stand_back_end)
    return is_runnable (self, source, timeout);

  *timeout = -1;
  return FALSE;
}

static gboolean
scheduler_source_check (GSource *source)
{
  int timeout;

  return scheduler_source_prepare (source, &timeout);
}

static gboolean
scheduler_source_dispatch (GSource     *source,
                           GSourceFunc  callback,
                           gpointer     user_data)
{
  CupelScheduler *self = source_get_scheduler (source);

  if (self->stand_back_end != 0)
    end_stand_back (self);
  run (self, g_get_monotonic_time ());

  return G_SOURCE_CONTINUE;
}

static void
scheduler_source_finalize (GSource *source)
{
  CupelScheduler *self = source_get_scheduler (source);

  cupel_scheduler_close (self);
  cupel_scheduler_unref (self);
}

static GSourceFuncs scheduler_source_funcs = {
  scheduler_source_prepare,
  scheduler_source_check,
  scheduler_source_dispatch,
  scheduler_source_finalize,
  NULL,
  NULL,
};

/* The one of low priority, for while fibers stand back */

static gboolean
low_source_prepare (GSource *source,
                    int     *timeout)
{
  CupelScheduler *self = source_get_scheduler (source);

  *timeout = -1;
  return G_UNLIKELY (self->stand_back_end != 0) && is_runnable (self, source, timeout);
}

static gboolean
low_source_check (GSource *source)
{
  CupelScheduler *self = source_get_scheduler (source);
  int timeout;

  if (G_LIKELY (self->stand_back_end == 0))
    return FALSE;
  if (is_runnable (self, source, &timeout))
    return TRUE;
  /* Nothing above it is ready, or it would not be asked. */
  end_stand_back (self);
  return FALSE;
}

static gboolean
low_source_dispatch (GSource     *source,
                     GSourceFunc  callback,
                     gpointer     user_data)
{
  CupelScheduler *self = source_get_scheduler (source);

  end_stand_back (self);
  run (self, g_get_monotonic_time ());

  return G_SOURCE_CONTINUE;
}

static void
low_source_finalize (GSource *source)
{
  cupel_scheduler_unref (source_get_scheduler (source));
}

static GSourceFuncs low_source_funcs = {
  low_source_prepare,
  low_source_check,
  low_source_dispatch,
  low_source_finalize,
  NULL,
  NULL,
};

static gboolean
waker_dispatch (GSource     *source,
                GSourceFunc  callback,
                gpointer     user_data)
{
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs waker_funcs = { NULL, NULL, waker_dispatch, NULL, NULL, NULL };

/* The context lets go of what its sources have to call before it is freed, and finalizes the sources after that. */
static void
waker_destroyed (gpointer data)
{
  CupelScheduler *self = data;

  g_mutex_lock (&schedulers_lock);
  g_hash_table_remove (schedulers, self->context);
  g_mutex_unlock (&schedulers_lock);

  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->closing, TRUE);
  g_mutex_unlock (&self->lock);
}

static void
attach_source (CupelScheduler *self,
               GSourceFuncs   *funcs,
               const char     *name,
               int             priority)
{
  GSource *source = g_source_new (funcs, sizeof (SchedulerSource));

  g_atomic_pointer_set (&((SchedulerSource *) source)->scheduler, self);
  g_source_set_static_name (source, name);
  g_source_set_priority (source, priority);
  /* A loop nested in a signal handler has to run fibers, too, or a dialog there would never see its data. */
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, self->context);
  g_source_unref (source);
}

static CupelScheduler *
cupel_scheduler_new (GMainContext *context)
{
  CupelScheduler *self = g_new0 (CupelScheduler, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->lock);
  g_queue_init (&self->fibers);
  self->context = context;
  self->thread_default = context == g_main_context_default () ? NULL : context;

  attach_source (self, &scheduler_source_funcs, "cupel-fibers", G_PRIORITY_DEFAULT);
  attach_source (cupel_scheduler_ref (self), &low_source_funcs, "cupel-fibers-standing-back", G_PRIORITY_DEFAULT_IDLE);

  self->waker = g_source_new (&waker_funcs, sizeof (GSource));
  self->waker_time = -1;
  g_source_set_callback (self->waker, NULL, self, waker_destroyed);
  g_source_set_static_name (self->waker, "cupel-fibers-waker");
  g_source_attach (self->waker, context);

  return self;
}

CupelScheduler *
cupel_scheduler_get (GMainContext *context)
{
  CupelScheduler *self;

  if (context == NULL)
    context = g_main_context_default ();

  g_mutex_lock (&schedulers_lock);
  if (schedulers == NULL)
    schedulers = g_hash_table_new (NULL, NULL);
  self = g_hash_table_lookup (schedulers, context);
  if (self == NULL)
    {
      self = cupel_scheduler_new (context);
      g_hash_table_insert (schedulers, context, self);
    }
  g_mutex_unlock (&schedulers_lock);

  return self;
}

GMainContext *
cupel_scheduler_get_context (CupelScheduler *self)
{
  return g_atomic_int_get (&self->closing) ? NULL : self->context;
}

guint
cupel_scheduler_get_n_fibers (CupelScheduler *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->fibers.length;
  g_mutex_unlock (&self->lock);

  return n;
}

void
cupel_scheduler_spawn (CupelScheduler *self,
                       const char     *name,
                       gsize           stack_size,
                       CupelFiberFunc  func,
                       gpointer        user_data,
                       GDestroyNotify  destroy)
{
  static guint64 last_id = CUPEL_CALLER_THREAD;
  CupelFiber *fiber = g_new0 (CupelFiber, 1);

  fiber->id = __atomic_add_fetch (&last_id, 1, __ATOMIC_RELAXED);
  g_atomic_ref_count_init (&fiber->ref_count);
  fiber->scheduler = cupel_scheduler_ref (self);
  fiber->name = name;
  fiber->stack_size = stack_size;
  fiber->func = func;
  fiber->user_data = user_data;
  fiber->destroy = destroy;
  fiber->ticks = 1;
  fiber->link.data = fiber;

  g_mutex_lock (&self->lock);
  g_queue_push_tail_link (&self->fibers, &fiber->link);
  enqueue (self, fiber);
  wake_context (self);
  g_mutex_unlock (&self->lock);
}

void
cupel_scheduler_close (CupelScheduler *self)
{
  guint n_left = 0;

  g_mutex_lock (&self->lock);
  g_atomic_int_set (&self->closing, TRUE);
  for (GList *l = self->fibers.head; l != NULL; l = l->next)
    {
      CupelFiber *fiber = l->data;

      if (fiber->state == FIBER_WAITING)
        enqueue (self, fiber);
    }
  g_mutex_unlock (&self->lock);

  /* A fiber that does not take no for an answer is left where it is after a while. */
  for (guint i = 0; i < 1000; i++)
    {
      n_left = cupel_scheduler_get_n_fibers (self);
      if (n_left == 0)
        break;
      run (self, g_get_monotonic_time ());
    }
  if (n_left > 0)
    g_critical ("A main context was destroyed, and %u fibers go on although every wait fails", n_left);
}

CupelScheduler *
cupel_scheduler_get_for_caller (GMainContext *context)
{
  CupelFiber *fiber = cupel_fiber_get_current ();

  if (context == NULL)
    context = g_main_context_get_thread_default ();

  /* Saves the look-up, and is the only way to a context that is being destroyed. */
  if (fiber != NULL &&
      (context == fiber->scheduler->thread_default || context == fiber->scheduler->context ||
       (context == fiber->frame->thread_default && g_atomic_int_get (&fiber->scheduler->closing))))
    return fiber->scheduler;

  return cupel_scheduler_get (context);
}
