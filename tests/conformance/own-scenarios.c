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

static gboolean
run_busy_loop (CupelConformanceContext  *context,
               gpointer                  data,
               GError                  **error)
{
  struct timespec now;
  gint64 end;

  /* Its own time, which is what counts: on a machine that is busy little of that passes in 50 ms of the clock. */
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  end = now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec + 50 * 1000 * 1000;
  do
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  while (now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec < end);
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
  add ("nothing", CUPEL_CAP_NONE, run_nothing, NULL);
  add ("skipped", CUPEL_CAP_PERSISTENT | CUPEL_CAP_NATIVE_UUID, run_good, NULL);
  status = cupel_conformance_main (argc, argv);
  g_clear_object (&kept);
  return status;
}
