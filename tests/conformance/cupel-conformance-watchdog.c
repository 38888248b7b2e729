/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* From poll's return to the next poll is what the loop's work keeps the loop. The time in which this thread could have run and the
 * machine was busy with others is not that work's fault. */
static gint64 since;       /* when poll returned; 0: not measured */
static gint64 waited;      /* what the thread had waited for a processor then */
static gint64 longest;
static int schedstat = -1;

/* In microseconds: what the scheduler says that this thread ran and that it waited for a processor. FALSE: it does not say. */
static gboolean
read_schedstat (gint64 *ran,
                gint64 *wait)
{
  char text[128];
  gssize length = schedstat < 0 ? -1 : pread (schedstat, text, sizeof text - 1, 0);
  char *end;

  if (length <= 0)
    return FALSE;
  text[length] = '\0';
  *ran = (gint64) g_ascii_strtoull (text, &end, 10) / 1000;
  *wait = (gint64) g_ascii_strtoull (end, NULL, 10) / 1000;
  return *ran > 0;
}

static gint64
get_waited (void)
{
  gint64 ran, wait;
  struct timespec time;

  if (read_schedstat (&ran, &wait))
    return wait;
  /* A kernel without these figures: only what the thread worked is told from what it did not. */
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return g_get_monotonic_time () - ((gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000);
}

static void
account (void)
{
  gint64 now, took;

  if (since == 0)
    return;
  now = g_get_monotonic_time ();
  took = now - since;
  since = 0;
  /* Reading the file is dear: only when it can matter. */
  if (took > longest)
    longest = MAX (longest, took - (get_waited () - waited));
}

static int
measured_poll (GPollFD *fds,
               guint    n_fds,
               int      timeout)
{
  int n;

  account ();
  n = g_poll (fds, n_fds, timeout);
  waited = get_waited ();
  since = g_get_monotonic_time ();
  return n;
}

void
cupel_conformance_watchdog_start (GMainContext *context)
{
  since = 0;
  longest = 0;
  schedstat = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  g_main_context_set_poll_func (context, measured_poll);
}

gint64
cupel_conformance_watchdog_stop (GMainContext *context)
{
  account ();
  g_main_context_set_poll_func (context, NULL);
  if (schedstat >= 0)
    close (schedstat);
  schedstat = -1;
  return longest;
}
