/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many tasks share a few connections, each with queries that carry a tag of their own; some are cancelled, some connections are
 * ended. No answer may be another's, and nothing may be left. */

#include "fault-backend.h"
#include "loop-watch.h"

#include "../unit/scale.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static int n_tasks = 100;
static int n_connections = 10;
static int n_queries = 10000;
static double cancels;
static double kills;
static int n_restarts;
static char *server;
static gboolean tap;
static int seed = 1;

static const GOptionEntry entries[] = {
  { "tasks", 0, 0, G_OPTION_ARG_INT, &n_tasks, "Fibers", "N" },
  { "connections", 0, 0, G_OPTION_ARG_INT, &n_connections, "Connections of the pool", "N" },
  { "queries", 0, 0, G_OPTION_ARG_INT, &n_queries, "Queries of all tasks together", "N" },
  { "cancels", 0, 0, G_OPTION_ARG_DOUBLE, &cancels, "Share of the queries that are cancelled", "SHARE" },
  { "kills", 0, 0, G_OPTION_ARG_DOUBLE, &kills, "Share of the queries whose connection is ended meanwhile", "SHARE" },
  { "restarts", 0, 0, G_OPTION_ARG_INT, &n_restarts, "How often the server is killed and started again meanwhile (ci/servers --restart)", "N" },
  { "server", 0, 0, G_OPTION_ARG_STRING, &server, "postgresql or mysql", "NAME" },
  { "seed", 0, 0, G_OPTION_ARG_INT, &seed, "Of the random numbers", "N" },
  { "tap", 0, 0, G_OPTION_ARG_NONE, &tap, "Print TAP", NULL },
  { NULL }
};

typedef struct
{
  FaultBackend *backend;
  CupelEngine  *engine;
  GRand        *random;
  int           n_left;          /* queries that no task has taken yet */
  guint64       n_right;
  guint64       n_cancelled;
  guint64       n_lost;
  guint64       n_wrong;
  guint64       n_other;         /* errors that nobody caused */
  guint64       n_down;          /* queries that met a server that was not there, and were asked again */
  guint64       n_after;         /* right answers since the last restart */
  gboolean      restarting;      /* from its end until it answers again, and all have noticed */
  int           n_restarted;
  char         *first;           /* of what must not be */
} Load;

static gboolean
on_cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static GSource *
cancel_soon (Load         *load,
             GCancellable *cancellable)
{
  GSource *source = g_timeout_source_new (0);

  /* Some before the query begins, some in the middle of it, some when the answer comes, some never */
  g_source_set_ready_time (source, g_get_monotonic_time () + g_rand_int_range (load->random, 0, 4000));
  g_source_set_callback (source, on_cancel, g_object_ref (cancellable), g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* A query of its own kind for each fate */
static char *
make_sql (Load     *load,
          gint64    tag,
          gboolean  cancelled,
          gboolean  killed)
{
  if (killed)
    return g_strdup_printf (load->backend->is_mysql ? "KILL CONNECTION_ID()" : "SELECT %" G_GINT64_FORMAT ", pg_terminate_backend(pg_backend_pid())", tag);
  if (cancelled && g_rand_boolean (load->random))
    return g_strdup_printf (load->backend->is_mysql ? "SELECT %" G_GINT64_FORMAT ", SLEEP(0.002)" : "SELECT %" G_GINT64_FORMAT ", pg_sleep(0.002)", tag);
  return g_strdup_printf ("SELECT %" G_GINT64_FORMAT, tag);
}

static void
note_first (Load       *load,
            const char *message)
{
  if (load->first == NULL)
    load->first = g_strdup (message);
}

static void
run_query (Load *load)
{
  const gint64 tag = (gint64) g_rand_int (load->random);
  const gboolean restarting = load->restarting;
  const gboolean cancelled = g_rand_double (load->random) < cancels;
  const gboolean killed = !cancelled && g_rand_double (load->random) < kills;
  g_autoptr(GCancellable) cancellable = cancelled ? g_cancellable_new () : NULL;
  g_autoptr(GSource) source = cancelled ? cancel_soon (load, cancellable) : NULL;
  g_autofree char *sql = make_sql (load, tag, cancelled, killed);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelConnection) connection = cupel_engine_connect (load->engine, cancellable, &error);
  g_autoptr(CupelResult) result = NULL;
  gboolean again = FALSE;

  if (connection != NULL)
    result = fault_execute (connection, sql, cancellable, &error);
  if (result != NULL && (!cupel_result_step (result) || cupel_result_get_int64 (result, 0) != tag))
    {
      load->n_wrong++;
      note_first (load, "an answer that is none to the query");
    }
  else if (result != NULL)
    {
      load->n_right++;
      load->n_after++;
    }
  else if ((load->restarting || restarting) && error->domain == CUPEL_ERROR &&
           (cupel_error_is_retryable (error) || cupel_error_is_disconnect (error) ||
            cupel_error_get_category (error) == CUPEL_ERROR_CATEGORY_NOT_READY))
    {
      load->n_down++;
      load->n_left++;
      again = TRUE;
    }
  else if (cancelled && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    load->n_cancelled++;
  else if (killed && cupel_error_is_disconnect (error))
    load->n_lost++;
  else
    {
      load->n_other++;
      note_first (load, error->message);
    }
  if (connection != NULL && !cupel_connection_close (connection, NULL, NULL))
    load->n_other++;
  if (source != NULL)
    g_source_destroy (source);
  if (again)
    cupel_fiber_sleep (20 * 1000, NULL, NULL);
}

/* The server is killed while all are at work, and comes back. */
static gboolean
run_restarts (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Load *load = data;
  guint64 mark;

  for (int i = 1; i <= n_restarts; i++)
    {
      while (load->n_left > n_queries - n_queries / (n_restarts + 1) * i)
        if (!cupel_fiber_sleep (1000, cancellable, error))
          return FALSE;
      load->restarting = TRUE;
      fault_backend_signal (load->backend, SIGKILL);
      if (!fault_backend_wait_ready (load->backend, 60 * G_USEC_PER_SEC))
        {
          g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "The server did not come back");
          return FALSE;
        }
      /* Idle connections of before are found out one after the other: by then each has been lent, or there is little left to do. */
      mark = load->n_right + 2 * (guint64) n_connections;
      for (int k = 0; k < 300 && (k < 20 || load->n_right < mark); k++)
        if (!cupel_fiber_sleep (100 * 1000, cancellable, error))
          return FALSE;
      load->restarting = FALSE;
      load->n_after = 0;
      load->n_restarted++;
    }
  return TRUE;
}

static gboolean
run_task (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  Load *load = data;

  while (load->n_left > 0)
    {
      /* Some are left for the time after. */
      if (load->restarting && load->n_left <= n_queries / (n_restarts + 1) / 2)
        {
          cupel_fiber_sleep (20 * 1000, NULL, NULL);
          continue;
        }
      load->n_left--;
      run_query (load);
    }
  return TRUE;
}

static gint64
get_rss (void)
{
  g_autofree char *text = NULL;
  gint64 pages = 0;

  malloc_trim (0);
  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    pages = g_ascii_strtoll (strchr (text, ' '), NULL, 10);
  return pages * 4096;
}

static guint n_results;
static guint n_failed;

static void G_GNUC_PRINTF (2, 3)
result (gboolean    ok,
        const char *format,
        ...)
{
  va_list arguments;
  g_autofree char *text = NULL;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  n_results++;
  n_failed += !ok;
  if (tap)
    g_print ("%s %u - %s\n", ok ? "ok" : "not ok", n_results, text);
  else
    g_print ("%-6s %s\n", ok ? "ok" : "FAILED", text);
}

static gboolean
run (gpointer       data,
     GCancellable  *cancellable,
     GError       **error)
{
  g_autoptr(FaultBackend) backend = fault_backend_new (server, error);
  g_autoptr(CupelTaskGroup) group = NULL;
  Load load = { .backend = backend, .n_left = n_queries };
  GMainContext *context = g_main_context_get_thread_default ();
  CupelPool *pool;
  gint64 rss, begin, took, limit;
  guint fds;

  if (backend == NULL)
    {
      if (error != NULL && *error != NULL)
        return FALSE;
      g_print ("1..0 # SKIP no server \"%s\" in the environment\n", server);
      exit (EXIT_SUCCESS);
    }
  load.random = g_rand_new_with_seed ((guint32) seed);
  load.engine = cupel_engine_new (backend->url, error);
  if (load.engine == NULL)
    return FALSE;
  if (n_restarts > 0 && backend->pid_file == NULL)
    {
      g_print ("1..0 # SKIP the server \"%s\" is not ours to kill: see ci/servers --restart\n", server);
      exit (EXIT_SUCCESS);
    }
  g_object_set (load.engine, "pool-size", (guint) n_connections, "max-overflow", 0, "pool-timeout", 600.0, NULL);
  /* What is made at first use is no leak. */
  run_query (&load);
  cupel_engine_dispose (load.engine, NULL, NULL);
  fault_backend_wait_sessions (backend, 60 * G_USEC_PER_SEC);
  load.n_right = load.n_cancelled = load.n_lost = 0;
  /* It keeps a file open. */
  loop_watch_start (context);
  loop_watch_stop (context);
  fds = fault_count_fds ();
  rss = get_rss ();

  loop_watch_start (context);
  begin = g_get_monotonic_time ();
  group = cupel_task_group_new (NULL);
  for (int i = 0; i < n_tasks; i++)
    cupel_task_group_spawn (group, run_task, &load, NULL);
  if (n_restarts > 0)
    cupel_task_group_spawn (group, run_restarts, &load, NULL);
  if (!cupel_task_group_join (group, error))
    return FALSE;
  took = g_get_monotonic_time () - begin;
  loop_watch_stop (context);

  result (load.n_wrong == 0, "%d tasks over %d connections of %s: %" G_GUINT64_FORMAT " right, %" G_GUINT64_FORMAT " wrong answers",
          n_tasks, n_connections, server, load.n_right, load.n_wrong);
  result (load.n_other == 0, "%" G_GUINT64_FORMAT " cancelled, %" G_GUINT64_FORMAT " connections ended, %" G_GUINT64_FORMAT " errors of other causes%s%s",
          load.n_cancelled, load.n_lost, load.n_other, load.first != NULL ? ": " : "", load.first != NULL ? load.first : "");
  result (load.n_right + load.n_wrong + load.n_cancelled + load.n_lost + load.n_other == (guint64) n_queries,
          "%d queries in %.1f s, %.0f per second", n_queries, (double) took / G_USEC_PER_SEC,
          (double) n_queries * G_USEC_PER_SEC / (double) took);

  if (n_restarts > 0)
    result (load.n_restarted == n_restarts && load.n_after > 0,
            "%d restarts, %" G_GUINT64_FORMAT " queries asked again, %" G_GUINT64_FORMAT " right answers after the last one",
            load.n_restarted, load.n_down, load.n_after);

  limit = scale_is_slow () ? 200000 : 10000;
  result (loop_watch_percentile (0.999) < limit, "the loop is kept for %.2f ms at p99.9, %.2f ms at most",
          (double) loop_watch_percentile (0.999) / 1000, (double) loop_watch_longest () / 1000);

  pool = cupel_engine_get_pool (load.engine);
  result (cupel_pool_get_checked_out (pool) == 0, "%u connections lent still, %" G_GUINT64_FORMAT " made",
          cupel_pool_get_checked_out (pool), cupel_pool_get_n_connects (pool));
  if (!cupel_engine_dispose (load.engine, NULL, error))
    return FALSE;
  g_object_unref (load.engine);
  fault_backend_wait_sessions (backend, 60 * G_USEC_PER_SEC);
  result (fault_backend_count_sessions (backend) == 0, "%d sessions left", fault_backend_count_sessions (backend));
  for (int i = 0; i < 6000 && fault_count_fds () > fds; i++)
    cupel_fiber_sleep (10000, NULL, NULL);
  result (fault_count_fds () <= fds, "%u descriptors, and %u before", fault_count_fds (), fds);
  /* Under a sanitizer memory that was freed is kept aside. */
  result (scale_is_slow () || get_rss () - rss < 32 * 1024 * 1024, "%.1f MiB resident, and %.1f before", (double) get_rss () / 1048576,
          (double) rss / 1048576);
  g_rand_free (load.random);
  g_free (load.first);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) context = g_option_context_new (NULL);
  g_autoptr(GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return g_printerr ("%s\n", error->message), 1;
  if (server == NULL)
    server = g_strdup ("postgresql");
  if (!cupel_run (run, NULL, NULL, &error))
    {
      g_printerr ("cupel-load: %s\n", error->message);
      return 2;
    }
  if (tap)
    g_print ("1..%u\n", n_results);
  return n_failed > 0 && !tap ? EXIT_FAILURE : EXIT_SUCCESS;
}
