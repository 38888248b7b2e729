/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a third party writes: scenarios of its own, run by the library's program. test-runner.py looks at what comes of them. */

#include "cupel-conformance.h"

#include <time.h>

static gboolean
run_good (CupelConformanceContext  *context,
          gpointer                  data,
          GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (context, error);
  g_autoptr(CupelConnection) connection = NULL;

  if (engine == NULL || (connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_check_int (context, "1", "a number", 1, 1);
  return cupel_connection_close (connection, NULL, error);
}

static gboolean
run_bad (CupelConformanceContext  *context,
         gpointer                  data,
         GError                  **error)
{
  cupel_conformance_check_int (context, "step 7", "a <number>", 3, 4);
  return TRUE;
}

static gboolean
run_error (CupelConformanceContext  *context,
           gpointer                  data,
           GError                  **error)
{
  cupel_conformance_check (context, "1", TRUE, "this far");
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "the reason");
  return FALSE;
}

/* Keeps a connection. */
static gboolean
run_leak (CupelConformanceContext  *context,
          gpointer                  data,
          GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (context, error);
  CupelConnection **kept = data;

  if (engine == NULL || (*kept = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_check (context, "1", TRUE, "connected");
  return TRUE;
}

/* Its own time, which is what counts: on a machine that is busy little of that passes in 50 ms of the clock. */
static void
work (guint milliseconds)
{
  struct timespec now;
  gint64 end;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  end = now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec + milliseconds * G_GINT64_CONSTANT (1000000);
  do
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  while (now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec < end);
}

static gboolean
run_busy_loop (CupelConformanceContext  *context,
               gpointer                  data,
               GError                  **error)
{
  work (50);
  cupel_conformance_check (context, "1", TRUE, "late");
  return TRUE;
}

static gboolean
work_a_little (gpointer data)
{
  guint *n_left = data;

  work (1);
  return --*n_left > 0 ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* Never keeps the loop for long, and yet lets nobody of a lower priority have a turn. */
static gboolean
run_greedy (CupelConformanceContext  *context,
            gpointer                  data,
            GError                  **error)
{
  g_autoptr(GSource) source = g_idle_source_new ();
  guint n_left = 40;

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, work_a_little, &n_left, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  while (n_left > 0)
    cupel_fiber_yield ();
  cupel_conformance_check (context, "1", TRUE, "late");
  return TRUE;
}

static gboolean
run_nothing (CupelConformanceContext  *context,
             gpointer                  data,
             GError                  **error)
{
  return TRUE;
}

static void
add (const char           *name,
     CupelCapabilities     required,
     CupelConformanceFunc  func,
     gpointer              data)
{
  g_autoptr(CupelConformanceScenario) scenario = cupel_conformance_scenario_new (name, "of a third party", required, func, data, NULL);

  cupel_conformance_register (scenario);
}

int
main (int    argc,
      char **argv)
{
  CupelConnection *kept = NULL;
  int status;

  add ("good", CUPEL_CAP_NONE, run_good, NULL);
  add ("bad", CUPEL_CAP_NONE, run_bad, NULL);
  add ("error", CUPEL_CAP_NONE, run_error, NULL);
  add ("leak", CUPEL_CAP_NONE, run_leak, &kept);
  add ("busy-loop", CUPEL_CAP_NONE, run_busy_loop, NULL);
  add ("greedy", CUPEL_CAP_NONE, run_greedy, NULL);
  add ("nothing", CUPEL_CAP_NONE, run_nothing, NULL);
  add ("skipped", CUPEL_CAP_PERSISTENT | CUPEL_CAP_NATIVE_UUID, run_good, NULL);
  status = cupel_conformance_main (argc, argv);
  g_clear_object (&kept);
  return status;
}
