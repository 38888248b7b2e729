/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "loop-watch.h"

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Turns by their length, in steps of 10 microseconds; the last is for all that are longer. */
#define STEP 10
#define N_STEPS 20000

static guint64 turns[N_STEPS];
static guint64 n_turns;
static gint64 longest;
static gint64 since;
static gint64 waited_before;
static gint64 worked_before;
static int schedstat = -1;

static gint64
read_worked (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* What the scheduler says that this thread waited for a processor; -1: nothing */
static gint64
read_waited (void)
{
  char text[128];
  gssize length = schedstat < 0 ? -1 : pread (schedstat, text, sizeof text - 1, 0);
  char *end;

  if (length <= 0)
    return -1;
  text[length] = '\0';
  if (g_ascii_strtoull (text, &end, 10) == 0)
    return -1;
  return (gint64) g_ascii_strtoull (end, NULL, 10) / 1000;
}

static void
account (void)
{
  gint64 took = g_get_monotonic_time () - since;

  if (since == 0)
    return;
  since = 0;
  if (took > 1000)
    {
      gint64 waited = read_waited ();

      took = waited >= 0 ? took - (waited - waited_before) : MIN (took, read_worked () - worked_before);
    }
  took = MAX (took, 0);
  longest = MAX (longest, took);
  turns[MIN (took / STEP, N_STEPS - 1)]++;
  n_turns++;
}

static int
watched_poll (GPollFD *fds,
              guint    n_fds,
              int      timeout)
{
  int n;

  account ();
  n = g_poll (fds, n_fds, timeout);
  waited_before = read_waited ();
  worked_before = read_worked ();
  since = g_get_monotonic_time ();
  return n;
}

void
loop_watch_start (GMainContext *context)
{
  memset (turns, 0, sizeof turns);
  n_turns = 0;
  longest = since = 0;
  if (schedstat < 0)
    schedstat = open ("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
  g_main_context_set_poll_func (context, watched_poll);
}

void
loop_watch_stop (GMainContext *context)
{
  g_main_context_set_poll_func (context, NULL);
  since = 0;
}

gint64
loop_watch_percentile (double share)
{
  guint64 seen = 0;

  for (guint i = 0; i < N_STEPS; i++)
    if ((seen += turns[i]) >= share * n_turns)
      return (i + 1) * STEP;
  return longest;
}

gint64
loop_watch_longest (void)
{
  return longest;
}
