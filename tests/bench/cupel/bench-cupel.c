/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workloads with Cupel, as a program that uses it would have them: in a fiber, on a main loop in which two timers
 * tell how late the loop is.
 *
 *     bench-cupel URL CASE [REPETITIONS [DIVISOR]]
 *     bench-cupel URL prepare [1 [DIVISOR]]
 *
 * prepare makes the tables that all programs of the benchmark read and write. */

#include <stdlib.h>

#include "workloads.h"

typedef struct
{
  Context context;
  char  **arguments;
  int     n_arguments;
  int     status;
} Program;

/* A timer of the default priority, and one for the frames of an interface: it has the priority that GTK draws at */
typedef struct
{
  GSource base;
  gint64  interval;
  gint64  due;
  void  (*late) (gint64 microseconds);
} Timer;

static Timer *timers[2];

static gboolean
timer_dispatch (GSource     *source,
                GSourceFunc  callback,
                gpointer     user_data)
{
  Timer *self = (Timer *) source;
  gint64 now = g_get_monotonic_time ();

  self->late (now - self->due);
  self->due = now + self->interval;
  g_source_set_ready_time (source, self->due);
  return G_SOURCE_CONTINUE;
}

static void
add_timer (Timer **timer,
           int     priority,
           gint64  interval,
           void  (*late) (gint64 microseconds))
{
  static GSourceFuncs functions = { .dispatch = timer_dispatch };
  GSource *source = g_source_new (&functions, sizeof (Timer));

  *timer = (Timer *) source;
  (*timer)->interval = interval;
  (*timer)->late = late;
  g_source_set_priority (source, priority);
  g_source_set_ready_time (source, 0);
  g_source_attach (source, NULL);
}

/* What is overdue when a case ends was late as well. */
static void
on_stop (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    timers[i]->late (g_get_monotonic_time () - timers[i]->due);
}

/* Lets the timers fire before, so that the lateness is the case's own. */
static void
on_before (void)
{
  cupel_fiber_sleep (3000, NULL, NULL);
}

static const BenchHooks hooks = { .before = on_before, .stopped = on_stop };

static gboolean
program (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Program *self = data;

  self->status = bench_run ("cupel", self->n_arguments, self->arguments, workloads, &self->context);
  cupel_engine_dispose (self->context.engine, NULL, NULL);
  return TRUE;
}

static void
on_done (GObject      *source,
         GAsyncResult *result,
         gpointer      loop)
{
  g_autoptr(GError) error = NULL;

  if (!cupel_run_finish (result, &error))
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (loop);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  Program self = { .arguments = argv, .n_arguments = argc, .status = EXIT_FAILURE };

  if (argc < 3)
    return bench_run ("cupel", argc, argv, workloads, &self.context);   /* says how it is used */
  if ((self.context.engine = cupel_engine_new (argv[1], &error)) == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  g_object_set (self.context.engine, "pool-size", BENCH_CONNECTIONS, "max-overflow", 0, NULL);

  add_timer (&timers[0], G_PRIORITY_DEFAULT, 1000, bench_late);
  add_timer (&timers[1], G_PRIORITY_HIGH_IDLE + 20, 4000, bench_frame_late);
  bench_set_hooks (&hooks);
  cupel_run_async (program, &self, NULL, NULL, on_done, loop);
  g_main_loop_run (loop);
  for (guint i = 0; i < G_N_ELEMENTS (timers); i++)
    {
      g_source_destroy (&timers[i]->base);
      g_source_unref (&timers[i]->base);
    }
  g_object_unref (self.context.engine);
  return self.status;
}
