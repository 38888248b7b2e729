/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-deadlines-private.h"
#include "runtime/cupel-scheduler-private.h"

G_BEGIN_DECLS

/* What the scheduler and the waits share; for nobody else. */

typedef enum
{
  FIBER_QUEUED,
  FIBER_RUNNING,
  FIBER_WAITING,
  FIBER_FINISHED,
} CupelFiberState;

/* One run of a scheduler. They nest when code on the main stack iterates the context again. */
typedef struct
{
  CupelContext  caller;
  CupelFiber   *outer;            /* not NULL when a fiber iterates a main loop itself */
  GMainContext *thread_default;
  int           depth;
  gboolean      pushed;
} CupelFrame;

struct _CupelFiber
{
  gatomicrefcount  ref_count;
  CupelScheduler  *scheduler;
  const char      *name;
  guint64          id;            /* never used again */
  gsize            stack_size;
  CupelFiberFunc   func;
  gpointer         user_data;
  GDestroyNotify   destroy;

  /* guarded by the lock of the scheduler */
  GList            link;          /* in all fibers */
  CupelFiber      *next;          /* in the queue */
  CupelFiberState  state;
  gboolean         woken;         /* while it was running */

  /* of the thread that runs the context */
  CupelStack      *stack;
  CupelFrame      *frame;         /* while running */
  CupelDeadline    deadline;
  CupelFiberFunc   closure;       /* to be run on the main stack */
  gpointer         closure_data;
  GCancellable    *cancellable;   /* connected: kept from one wait to the next, for it is mostly the same */
  gulong           cancelled_id;
  gint64           slice_end;
  gint64           last_look;
  int              ticks_left;
  int              ticks;
  gboolean         finished;
};

typedef struct
{
  CupelFiber *head;
  CupelFiber *tail;
} CupelFiberList;

struct _CupelScheduler
{
  gatomicrefcount  ref_count;
  GMainContext    *context;         /* not owned: it owns the source, which owns this */
  GSource         *waker;           /* what another thread wakes the context with; it is never ready */
  gint64           waker_time;      /* under the lock: when it is said to be */
  GMainContext    *thread_default;  /* how g_main_context_get_thread_default () names the context */

  GMutex           lock;
  CupelFiberList   queue;
  CupelFiberList   later;           /* those that yielded: not before the loop had a turn */
  int              n_queued;        /* in both; written under the lock, read without */
  GQueue           fibers;
  int              closing;         /* likewise */

  /* of the thread that runs the context */
  CupelStackPool   stacks;
  CupelDeadlines   deadlines;
  CupelFiberList   starved;         /* found no stack */
  gint64           retry_time;
  gint64           last_run;        /* when the last one ended */
  gint64           held;            /* how much time fibers took since sources of a lower priority surely had their turn */
  gint64           stand_back_end;  /* 0: fibers have the default priority */
};

/* The fiber on whose stack the thread is, even if a main loop that it runs has called. */
CupelFiber *cupel_fiber_peek_current       (void);
void        cupel_fiber_set_current        (CupelFiber     *fiber);
CupelFiber *cupel_fiber_ref                (CupelFiber     *fiber);
void        cupel_fiber_unref              (CupelFiber     *fiber);
void        cupel_fiber_forget_cancellable (CupelFiber     *fiber);
/* For tests that interrupt an operation at its nth wait: called before each wait that would suspend, on the fiber's stack. What it
 * returns, unless READY, is what becomes of the wait; it may also cancel. It may have no effect on anything but the wait. */
typedef CupelParkResult (*CupelParkHook) (CupelFiber   *fiber,
                                          gint64        deadline,
                                          GCancellable *cancellable);
void        cupel_fiber_set_park_hook      (CupelParkHook   hook);
/* For tests of what may happen when a tick yields: called at each one of the fiber that sets it, where other
 * code would run. */
void        cupel_fiber_set_tick_hook      (CupelFiberFunc  hook);
/* With the lock held. */
void        cupel_scheduler_enqueue_later  (CupelScheduler *self,
                                            CupelFiber     *fiber);

G_END_DECLS
