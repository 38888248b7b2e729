/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workloads with Cupel, as a program that uses it would have them: in a fiber, on a main loop in which a timer of a millisecond
 * tells how late the loop is.
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

static gint64 timer_due;

static gboolean
on_timer (gpointer data)
{
  GSource *source = g_main_current_source ();
  gint64 now = g_get_monotonic_time ();

  bench_late (now - timer_due);
  timer_due = now + 1000;
  g_source_set_ready_time (source, timer_due);
  return G_SOURCE_CONTINUE;
}

/* What is overdue when a case ends was late as well. */
static void
on_stop (void)
{
  bench_late (g_get_monotonic_time () - timer_due);
}

/* Lets the timer fire before, so that the lateness is the case's own. */
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

static gboolean
dispatch (GSource     *source,
          GSourceFunc  callback,
          gpointer     user_data)
{
  return callback (user_data);
}

int
main (int    argc,
      char **argv)
{
  static GSourceFuncs functions = { .dispatch = dispatch };
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  g_autoptr(GSource) timer = NULL;
  Program self = { .arguments = argv, .n_arguments = argc, .status = EXIT_FAILURE };

  if (argc < 3)
    return bench_run ("cupel", argc, argv, workloads, &self.context);   /* says how it is used */
  if ((self.context.engine = cupel_engine_new (argv[1], &error)) == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  g_object_set (self.context.engine, "pool-size", BENCH_CONNECTIONS, "max-overflow", 0, NULL);

  timer = g_source_new (&functions, sizeof (GSource));
  g_source_set_callback (timer, on_timer, NULL, NULL);
  g_source_set_ready_time (timer, 0);
  g_source_attach (timer, NULL);
  bench_set_hooks (&hooks);
  cupel_run_async (program, &self, NULL, NULL, on_done, loop);
  g_main_loop_run (loop);
  g_source_destroy (timer);
  g_object_unref (self.context.engine);
  return self.status;
}
