/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-wait.h"

#include "runtime/cupel-fork-private.h"
#include "runtime/cupel-scheduler-private.h"

/* Everything that the source touches is in the source: the watch may have moved on to another thread when an old context
 * notices that the descriptor was hung up. */
typedef struct
{
  GSource     base;
  GPollFD     poll;
  CupelFiber *waiter;
  int         revents;
  guint       generation;   /* of the process that waits */
} WatchSource;

struct _CupelIoWatch
{
  int             fd;
  gboolean        waiting;
  CupelScheduler *scheduler;   /* of the source; for comparison only */
  GSource        *source;
};

static gboolean
watch_source_prepare (GSource *source,
                      int     *timeout)
{
  *timeout = -1;
  return FALSE;
}

static gboolean
watch_source_check (GSource *source)
{
  WatchSource *self = (WatchSource *) source;

  return (self->poll.revents & (self->poll.events | G_IO_HUP | G_IO_ERR | G_IO_NVAL)) != 0;
}

static gboolean
watch_source_dispatch (GSource     *source,
                       GSourceFunc  callback,
                       gpointer     user_data)
{
  WatchSource *self = (WatchSource *) source;
  CupelScheduler *scheduler;
  gboolean hung_up;

  /* Nobody waits, and the peer hung up: poll() would report it for ever. The next wait makes a new source. */
  if (self->waiter == NULL)
    return G_SOURCE_REMOVE;
  /* In a child process: what there is to be read is the parent's. */
  if (G_UNLIKELY (self->generation != cupel_fork_get_generation ()))
    return G_SOURCE_REMOVE;

  /* Of a wait that ended since the poll: this one is another. */
  if (self->poll.revents == 0)
    return G_SOURCE_CONTINUE;

  hung_up = (self->poll.revents & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) != 0;
  /* A hang-up that comes before the fiber's turn must not hide what there is to be read. */
  g_atomic_int_or ((guint *) &self->revents, self->poll.revents);
  self->poll.revents = 0;
  scheduler = cupel_fiber_get_scheduler (self->waiter);
  cupel_fiber_wake (self->waiter);

  /* Saves the turn of the loop that the scheduler's own source would need; but not for each of many that are ready at once, or timers would wait
   * for all of them. */
  if (g_get_monotonic_time () - g_source_get_time (source) >= CUPEL_SLICE || cupel_scheduler_dispatch (scheduler))
    return G_SOURCE_CONTINUE;

  /* The fiber runs after those of a lower priority, which a descriptor that is reported again and again would keep from their turn. */
  if (hung_up)
    return G_SOURCE_REMOVE;
  self->poll.events = 0;
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs watch_source_funcs = {
  watch_source_prepare,
  watch_source_check,
  watch_source_dispatch,
  NULL,
  NULL,
  NULL,
};

static void
drop_source (CupelIoWatch *self)
{
  if (self->source == NULL)
    return;

  g_source_destroy (self->source);
  g_clear_pointer (&self->source, g_source_unref);
  self->scheduler = NULL;
}

static WatchSource *
ensure_source (CupelIoWatch   *self,
               CupelScheduler *scheduler)
{
  WatchSource *source;

  if (self->source != NULL && self->scheduler == scheduler && !g_source_is_destroyed (self->source))
    return (WatchSource *) self->source;

  drop_source (self);
  self->source = g_source_new (&watch_source_funcs, sizeof (WatchSource));
  self->scheduler = scheduler;
  g_source_set_static_name (self->source, "cupel-io-watch");
  /* Also spares GLib taking the descriptor out of the set and back for each dispatch. */
  g_source_set_can_recurse (self->source, TRUE);

  /* Not g_source_add_unix_fd (): changing its condition wakes the context up, three system calls for each wait. The events of an own
   * GPollFD are read anew before each poll, by the thread that changes them here. */
  source = (WatchSource *) self->source;
  source->generation = cupel_fork_get_generation ();
  source->poll.fd = self->fd;
  g_source_add_poll (self->source, &source->poll);
  g_source_attach (self->source, cupel_scheduler_get_context (scheduler));

  return source;
}

/**
 * cupel_io_watch_new: (skip)
 * @fd: an open file descriptor, which stays the caller's
 *
 * Makes a watch of a descriptor. It costs nothing until someone waits.
 *
 * Returns: (transfer full): a new watch
 *
 * Since: 1.0
 */
CupelIoWatch *
cupel_io_watch_new (int fd)
{
  CupelIoWatch *self;

  g_return_val_if_fail (fd >= 0, NULL);

  self = g_new0 (CupelIoWatch, 1);
  self->fd = fd;

  return self;
}

/**
 * cupel_io_watch_free: (skip)
 * @watch: (transfer full): a watch that no fiber waits on
 *
 * Frees the watch. Do this before the descriptor is closed.
 *
 * Since: 1.0
 */
void
cupel_io_watch_free (CupelIoWatch *watch)
{
  g_return_if_fail (watch != NULL);
  g_return_if_fail (!watch->waiting);

  drop_source (watch);
  g_free (watch);
}

/**
 * cupel_io_watch_get_fd: (skip)
 * @watch: a watch
 *
 * Gets the descriptor.
 *
 * Returns: the descriptor
 *
 * Since: 1.0
 */
int
cupel_io_watch_get_fd (CupelIoWatch *watch)
{
  g_return_val_if_fail (watch != NULL, -1);

  return watch->fd;
}

/**
 * cupel_io_watch_wait: (skip)
 * @watch: a watch
 * @condition: what to wait for
 * @deadline: a time of g_get_monotonic_time(), or %CUPEL_NO_DEADLINE
 * @cancellable: (nullable): what ends the wait early
 * @error: return location
 *
 * Suspends the fiber until the descriptor is ready. %G_IO_HUP, %G_IO_ERR and %G_IO_NVAL end the wait whether asked for or not.
 *
 * A watch may be used from different threads one after the other, as its owner may. When the process forks while a fiber waits, it goes on in
 * the parent only: in the child it stays suspended, whatever happens.
 *
 * Fails with %G_IO_ERROR_CANCELLED, %CUPEL_ERROR_TIMEOUT, with %CUPEL_ERROR_BUSY if another fiber waits on it, or with
 * %CUPEL_ERROR_MISSING_FIBER outside a fiber.
 *
 * Returns: the conditions that hold, or 0 with @error set
 *
 * Since: 1.0
 */
GIOCondition
cupel_io_watch_wait (CupelIoWatch  *watch,
                     GIOCondition   condition,
                     gint64         deadline,
                     GCancellable  *cancellable,
                     GError       **error)
{
  CupelFiber *fiber;
  WatchSource *source;
  CupelParkResult result;
  GIOCondition revents;

  g_return_val_if_fail (watch != NULL, 0);
  g_return_val_if_fail (condition != 0, 0);

  fiber = cupel_fiber_get_current ();
  if (fiber == NULL)
    {
      cupel_set_error_not_in_fiber (error, G_STRFUNC);
      return 0;
    }
  if (watch->waiting)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_BUSY, "Another fiber is waiting for the same descriptor");
      return 0;
    }
  if (cupel_scheduler_get_context (cupel_fiber_get_scheduler (fiber)) == NULL)
    {
      cupel_park_result_check (CUPEL_PARK_CANCELLED, error);
      return 0;
    }

  source = ensure_source (watch, cupel_fiber_get_scheduler (fiber));
  source->poll.events = condition;
  source->poll.revents = 0;
  source->revents = 0;
  source->waiter = fiber;
  watch->waiting = TRUE;

  result = cupel_fiber_park (fiber, &source->revents, deadline, cancellable);
  /* Woken in a child process, by a timer or a cancellable: going on would mean to talk to the parent's server. */
  if (G_UNLIKELY (source->generation != cupel_fork_get_generation ()))
    result = cupel_fiber_park (fiber, NULL, CUPEL_NO_DEADLINE, NULL);

  watch->waiting = FALSE;
  source->waiter = NULL;
  source->poll.events = 0;
  revents = (GIOCondition) source->revents;

  if (revents == 0 && !cupel_park_result_check (result, error))
    return 0;

  return revents;
}
