/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

/* From poll's return to the next poll is what the loop's work keeps the loop. The time in which this thread could have run and the
 * machine was busy with others is not that work's fault. */
static gint64 since;       /* when poll returned; 0: not measured */
static gint64 longest;
static int schedstat = -1;
static gboolean has_schedstat;

typedef struct
{
  gint64 waited;      /* for a processor */
  gint64 worked;
} Reading;

static Reading before;     /* when poll returned */

/* What the scheduler says that this thread ran and that it waited for a processor, in microseconds. */
static gboolean
read_schedstat (gint64 *wait)
{
  char text[128];
  gssize length = schedstat < 0 ? -1 : pread (schedstat, text, sizeof text - 1, 0);
  char *end;
  guint64 ran;

  if (length <= 0)
    return FALSE;
  text[length] = '\0';
  ran = g_ascii_strtoull (text, &end, 10);
  *wait = (gint64) g_ascii_strtoull (end, NULL, 10) / 1000;
  return ran > 0;
}

/* What this thread worked, in microseconds */
static gint64
get_work (void)
{
  struct timespec worked;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &worked);
  return (gint64) worked.tv_sec * G_USEC_PER_SEC + worked.tv_nsec / 1000;
}

static void
take_reading (Reading *reading)
{
  *reading = (Reading) { 0, };
  if (has_schedstat)
    read_schedstat (&reading->waited);
  else
    reading->worked = get_work ();
}

/* Of @took microseconds, those that were this thread's own doing */
static gint64
get_own (gint64 took)
{
  Reading now;

  take_reading (&now);
  if (has_schedstat)
    return took - (now.waited - before.waited);
  /* A kernel without that figure cannot tell a thread that blocked from one that was put aside: only its work counts there. */
  return MIN (took, now.worked - before.worked);
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
    longest = MAX (longest, get_own (took));
}

static int
measured_poll (GPollFD *fds,
               guint    n_fds,
               int      timeout)
{
  int n;

  account ();
  n = g_poll (fds, n_fds, timeout);
  take_reading (&before);
  since = g_get_monotonic_time ();
  return n;
}

/* Stands for what draws an interface: ready every millisecond, at the priority of that. What it waits for is the work of this thread. */
#define FRAME_PRIORITY (G_PRIORITY_HIGH_IDLE + 20)
#define FRAME_INTERVAL 1000

static GSource *frames;
static gint64 frame_began;      /* what the thread had worked then */
static gint64 longest_frame;

static gboolean
frames_dispatch (GSource     *source,
                 GSourceFunc  callback,
                 gpointer     user_data)
{
  const gint64 now = get_work ();

  longest_frame = MAX (longest_frame, now - frame_began);
  frame_began = now;
  g_source_set_ready_time (source, g_get_monotonic_time () + FRAME_INTERVAL);
  return G_SOURCE_CONTINUE;
}

static void
start_frames (GMainContext *context)
{
  static GSourceFuncs functions = { .dispatch = frames_dispatch };

  longest_frame = 0;
  frame_began = get_work ();
  frames = g_source_new (&functions, sizeof (GSource));
  g_source_set_priority (frames, FRAME_PRIORITY);
  g_source_set_ready_time (frames, 0);
  g_source_attach (frames, context);
}

void
cupel_conformance_watchdog_start (GMainContext *context)
{
  start_frames (context);
  since = 0;
  longest = 0;
  schedstat = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  has_schedstat = read_schedstat (&before.waited);
  g_main_context_set_poll_func (context, measured_poll);
}

gint64
cupel_conformance_watchdog_stop (GMainContext *context,
                                 gint64       *frame)
{
  account ();
  *frame = MAX (longest_frame, get_work () - frame_began);
  g_source_destroy (frames);
  g_clear_pointer (&frames, g_source_unref);
  g_main_context_set_poll_func (context, NULL);
  if (schedstat >= 0)
    close (schedstat);
  schedstat = -1;
  return longest;
}
