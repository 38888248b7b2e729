/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is between a client and a server, byte by byte and message by message; and what the application does to itself: signals, a
 * loop that stands still, an end without a good-bye. */

#include "../unit/scale.h"
#include "fault-backend.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *self_path;
static const char *server;
static FaultBackend *backend;

static CupelEngine *
make_engine (const char *url)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (url, &error);

  g_assert_no_error (error);
  g_object_set (engine, "pool-size", 1, "max-overflow", 0, "pool-timeout", 20.0, NULL);
  return engine;
}

static void
end_engine (CupelEngine *engine)
{
  g_autoptr(GError) error = NULL;

  if (cupel_engine_get_pool (engine) != NULL)
    g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)), ==, 0);
  cupel_engine_dispose (engine, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (engine);
}

static const char *
rows_sql (void)
{
  return backend->is_mysql ? "SELECT 1 AS n, 'one', 1.5 UNION ALL SELECT 2, 'two', NULL UNION ALL SELECT 3, 'three', -0.25"
                           : "SELECT 1 AS n, 'one'::text, 1.5::numeric UNION ALL SELECT 2, 'two', NULL UNION ALL SELECT 3, 'three', -0.25";
}

/* All rows as one text */
static char *
read_rows (CupelConnection  *connection,
           GError          **error)
{
  G_GNUC_UNUSED g_autoptr(CupelResult) result = fault_execute (connection, rows_sql (), NULL, error);
  g_autoptr(GString) text = g_string_new (NULL);

  if (result == NULL)
    return NULL;
  while (cupel_result_step (result))
    for (guint i = 0; i < 3; i++)
      g_string_append_printf (text, "%s|", cupel_result_is_null (result, i) ? "NULL" : cupel_result_get_string (result, i));
  return g_strdup (text->str);
}

/* An answer that comes in two pieces, cut anywhere, is the same answer. */
static gboolean
test_segments (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelEngine *engine = make_engine (backend->url);
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, error);
  g_autofree char *expected = NULL;
  guint64 length, at;

  g_assert_nonnull (connection);
  for (guint i = 0; i < 2; i++)
    {
      /* The first prepares, and is another conversation. */
      chaos_proxy_split (backend->proxy, 0);
      g_clear_pointer (&expected, g_free);
      expected = read_rows (connection, error);
      g_assert_nonnull (expected);
      g_assert_true (cupel_connection_rollback (connection, NULL, error));
    }
  length = chaos_proxy_get_n_bytes (backend->proxy);
  g_assert_cmpuint (length, >, 50);
  for (at = 1; at < length; at += scale (1, 7))
    {
      g_autofree char *text = NULL;

      chaos_proxy_split (backend->proxy, at);
      text = read_rows (connection, error);
      if (g_strcmp0 (text, expected) != 0)
        g_error ("Cut after %d bytes: %s instead of %s", (int) at, text != NULL ? text : (*error)->message, expected);
      g_assert_true (cupel_connection_rollback (connection, NULL, error));
    }
  chaos_proxy_split (backend->proxy, 0);
  g_test_message ("%d bytes", (int) length);
  g_assert_true (cupel_connection_close (connection, NULL, error));
  end_engine (engine);
  return TRUE;
}

/* The link ends after so many bytes of the server: an error of the right class, never fewer rows. From connecting on. */
static gboolean
test_cuts (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  g_autofree char *expected = NULL;
  guint n_failed = 0;
  guint64 at;

  for (at = 1;; at += scale (3, 40))
    {
      CupelEngine *engine = make_engine (backend->url);
      g_autoptr(CupelConnection) connection = NULL;
      g_autoptr(GError) local = NULL;
      g_autofree char *text = NULL;
      const gint64 begin = g_get_monotonic_time ();
      gboolean cut;

      chaos_proxy_set_mode (backend->proxy, CHAOS_PASS);
      chaos_proxy_arm (backend->proxy, &(ChaosTrigger) { .mode = at % 2 == 0 ? CHAOS_RESET : CHAOS_FIN, .after_bytes = at });
      if ((connection = cupel_engine_connect (engine, NULL, &local)) == NULL)
        {
          if (!g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION))
            g_error ("Cut after %d bytes: error %d after %.1f s: %s", (int) at, local->code,
                     (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC, local->message);
        }
      else if ((text = read_rows (connection, &local)) == NULL)
        g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
      if (g_get_monotonic_time () - begin > scale_bound (3000))
        g_error ("Cut after %d bytes: it took %.1f s: %s", (int) at, (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC,
                 local != NULL ? local->message : "success");
      cut = chaos_proxy_get_triggered (backend->proxy) != 0;
      n_failed += local != NULL;
      if (text != NULL && expected != NULL)
        g_assert_cmpstr (text, ==, expected);
      if (connection != NULL)
        cupel_connection_close (connection, NULL, NULL);
      g_clear_object (&connection);
      chaos_proxy_set_mode (backend->proxy, CHAOS_PASS);
      end_engine (engine);
      if (!cut)
        {
          /* Undisturbed: that is what all that came through must have been. */
          g_assert_nonnull (text);
          break;
        }
      if (text != NULL && expected == NULL)
        expected = g_steal_pointer (&text);
    }
  g_test_message ("%d bytes, %u attempts failed", (int) at, n_failed);
  g_assert_cmpuint (n_failed, >, 5);
  return TRUE;
}

/* The server falls silent after so many messages, from connecting on: the application's patience bounds all. */
static gboolean
on_cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
test_silence (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  for (guint n = 1; n <= 6; n++)
    {
      CupelEngine *engine = make_engine (backend->url);
      g_autoptr(CupelConnection) connection = NULL;
      g_autoptr(GCancellable) patience = g_cancellable_new ();
      g_autoptr(GSource) source = g_timeout_source_new (100);
      g_autoptr(GError) local = NULL;
      const gint64 begin = g_get_monotonic_time ();

      g_source_set_callback (source, on_cancel, patience, NULL);
      g_source_attach (source, g_main_context_get_thread_default ());
      chaos_proxy_set_mode (backend->proxy, CHAOS_PASS);
      chaos_proxy_arm (backend->proxy, &(ChaosTrigger) { .mode = CHAOS_BLACKHOLE, .after_messages = n });
      connection = cupel_engine_connect (engine, patience, &local);
      if (connection != NULL)
        {
          G_GNUC_UNUSED g_autoptr(CupelResult) result = fault_execute (connection, rows_sql (), patience, &local);

          cupel_connection_close (connection, NULL, NULL);
        }
      g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (3000));
      if (chaos_proxy_get_triggered (backend->proxy) != 0 && local != NULL)
        g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_source_destroy (source);
      chaos_proxy_set_mode (backend->proxy, CHAOS_PASS);
      end_engine (engine);
    }
  return TRUE;
}

/* The server has no room for another: the pool waits or says so, and does not storm the server. */
static gboolean
test_too_many (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  const guint before = chaos_proxy_get_n_accepted (backend->proxy);
  g_autofree char *limit = NULL;
  g_autofree char *drop = NULL;
  CupelEngine *engine;
  g_autoptr(CupelConnection) first = NULL;
  g_autoptr(CupelConnection) second = NULL;
  g_autoptr(GError) local = NULL;
  gint64 begin;

  limit = g_strdup_printf ("ALTER USER %s@localhost WITH MAX_USER_CONNECTIONS 1", backend->mark);
  drop = g_strdup_printf ("ALTER USER %s@localhost WITH MAX_USER_CONNECTIONS 0", backend->mark);
  g_assert_true (fault_backend_wait_sessions (backend, 60 * G_USEC_PER_SEC));
  g_assert_true (fault_backend_command (backend, limit, error));
  engine = make_engine (backend->url);
  g_object_set (engine, "pool-size", 5, "pool-timeout", 1.0, NULL);
  first = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (first);
  begin = g_get_monotonic_time ();
  second = cupel_engine_connect (engine, NULL, &local);
  g_assert_null (second);
  g_assert_true (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION) ||
                 g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL) ||
                 g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (3000));
  /* Ten attempts in a second at most, the first of them, and the one that is there */
  g_assert_cmpuint (chaos_proxy_get_n_accepted (backend->proxy) - before, <=, (g_get_monotonic_time () - begin) / 100000 + 2);
  /* The one that is there is as good as before. */
  {
    g_autoptr(GRand) random = g_rand_new_with_seed (1);

    g_assert_true (fault_tagged_query (first, random, NULL, error));
  }
  g_assert_true (cupel_connection_close (first, NULL, error));
  g_assert_true (fault_backend_command (backend, drop, error));
  end_engine (engine);
  return TRUE;
}

static int n_signals;     /* atomic: any thread may be the one that is interrupted */

static void
on_signal (int number)
{
  g_atomic_int_inc (&n_signals);
}

/* A thousand signals a second, each of which interrupts a system call */
static gboolean
test_signals (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelEngine *engine = make_engine (backend->url);
  struct sigaction action = { .sa_handler = on_signal }, old;
  timer_t timer;
  struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2 };
  const struct itimerspec every = { { 0, 1000000 }, { 0, 1000000 } };
  const gint64 end = g_get_monotonic_time () + (gint64) scale (1500, 3000) * 1000;
  GRand *random = g_rand_new_with_seed (3);
  guint n = 0;

  /* Without SA_RESTART: EINTR is what the calls return. */
  sigaction (SIGUSR2, &action, &old);
  g_assert_cmpint (timer_create (CLOCK_MONOTONIC, &event, &timer), ==, 0);
  timer_settime (timer, 0, &every, NULL);
  while (g_get_monotonic_time () < end || g_atomic_int_get (&n_signals) <= 100)
    {
      g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, error);

      g_assert_no_error (*error);
      if (!fault_tagged_query (connection, random, NULL, error))
        g_error ("%s", (*error)->message);
      if (n % 10 == 0)
        {
          G_GNUC_UNUSED g_autofree char *text = read_rows (connection, error);

          g_assert_no_error (*error);
        }
      g_assert_true (cupel_connection_close (connection, NULL, error));
      /* Connecting and closing, too */
      if (++n % 20 == 0)
        cupel_engine_dispose (engine, NULL, error);
    }
  timer_delete (timer);
  sigaction (SIGUSR2, &old, NULL);
  g_test_message ("%d signals, %u queries", g_atomic_int_get (&n_signals), n);
  g_rand_free (random);
  end_engine (engine);
  return TRUE;
}

typedef struct
{
  CupelConnection *connection;
  gboolean         ok;
  GError          *error;
  gboolean         done;
} Blocked;

static void
run_blocked (gpointer data)
{
  Blocked *blocked = data;
  g_autofree char *text = read_rows (blocked->connection, &blocked->error);

  blocked->ok = text != NULL;
}

static void
end_blocked (gpointer data)
{
  ((Blocked *) data)->done = TRUE;
}

/* The application keeps the loop for seconds, and the answer has long been there: it is taken, whatever the clock says. */
static gboolean
test_blocked_loop (gpointer       data,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_autofree char *url = g_strconcat (backend->url, "&connect_timeout=1", NULL);
  CupelEngine *engine = make_engine (url);
  Blocked blocked = { NULL };

  blocked.connection = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (blocked.connection);
  cupel_fiber_spawn (NULL, run_blocked, &blocked, end_blocked);
  /* It has sent its statement. */
  cupel_fiber_sleep (1000, NULL, NULL);
  g_usleep (2 * G_USEC_PER_SEC);
  while (!blocked.done)
    cupel_fiber_yield ();
  g_assert_no_error (blocked.error);
  g_assert_true (blocked.ok);
  cupel_connection_close (blocked.connection, NULL, NULL);
  g_object_unref (blocked.connection);
  end_engine (engine);
  return TRUE;
}

/* The child's part: leaves with open sessions, in the middle of something. */
static gboolean
leave_things_open (gpointer       data,
                   GCancellable  *cancellable,
                   GError       **error)
{
  const char *url = data;
  CupelEngine *engine = cupel_engine_new (url, error);
  CupelEngine *idle = cupel_engine_new (url, error);
  CupelConnection *connection, *other;

  /* Nothing of this is ever given back. */
  if (engine == NULL || idle == NULL || (connection = cupel_engine_connect (engine, NULL, error)) == NULL ||
      (other = cupel_engine_connect (idle, NULL, error)) == NULL || !cupel_connection_close (other, NULL, error))
    return FALSE;
  g_clear_object (&other);
  return fault_execute (connection, "SELECT 1", NULL, error) != NULL;
}

static gboolean
test_exit (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  const char *const urls[] = { backend->url, "sqlite://" };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      g_autoptr(GSubprocess) child = NULL;
      const gint64 begin = g_get_monotonic_time ();
      g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);

      /* What is not freed is not freed on purpose. */
      g_subprocess_launcher_setenv (launcher, "ASAN_OPTIONS", "detect_leaks=0", TRUE);
      child = g_subprocess_launcher_spawn (launcher, error, self_path, "--leave", urls[i], NULL);
      g_assert_nonnull (child);
      g_assert_true (g_subprocess_wait (child, NULL, error));
      g_assert_true (g_subprocess_get_if_exited (child));
      g_assert_cmpint (g_subprocess_get_exit_status (child), ==, 0);
      g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (3000));
    }
  g_assert_true (fault_backend_wait_sessions (backend, 60 * G_USEC_PER_SEC));
  return TRUE;
}

static void
in_fiber (gconstpointer func)
{
  g_autoptr(GError) error = NULL;

  chaos_proxy_set_mode (backend->proxy, CHAOS_PASS);
  chaos_proxy_arm (backend->proxy, NULL);
  cupel_run ((CupelRunFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
open_backend (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  return (backend = fault_backend_new (server, error)) != NULL;
}

static gboolean
close_backend (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  g_clear_pointer (&backend, fault_backend_free);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *upper = NULL;
  g_autofree char *variable = NULL;
  int status;

  if (argc == 3 && strcmp (argv[1], "--leave") == 0)
    {
      if (cupel_run (leave_things_open, argv[2], NULL, &error))
        return EXIT_SUCCESS;
      g_printerr ("%s\n", error->message);
      return 3;
    }
  if (argc < 2)
    {
      g_printerr ("usage: %s postgresql|mysql [OPTION OF GTest...]\n", argv[0]);
      return 2;
    }
  self_path = argv[0];
  server = argv[1];
  memmove (argv + 1, argv + 2, (gsize) (argc - 1) * sizeof *argv);
  argc--;
  g_test_init (&argc, &argv, NULL);

  upper = g_ascii_strup (server, -1);
  variable = g_strdup_printf ("CUPEL_TEST_%s_URL", upper);
  if (g_getenv (variable) == NULL)
    {
      g_print ("1..0 # SKIP %s is not set\n", variable);
      return EXIT_SUCCESS;
    }
  if (!cupel_run (open_backend, NULL, NULL, &error))
    g_error ("%s", error->message);

  g_test_add_data_func ("/links/segments", test_segments, in_fiber);
  g_test_add_data_func ("/links/cuts", test_cuts, in_fiber);
  g_test_add_data_func ("/links/silence", test_silence, in_fiber);
  /* A limit of PostgreSQL's is one of a role, and the role is that of all tests. */
  if (backend->is_mysql)
    g_test_add_data_func ("/links/too-many", test_too_many, in_fiber);
  g_test_add_data_func ("/links/signals", test_signals, in_fiber);
  g_test_add_data_func ("/links/blocked-loop", test_blocked_loop, in_fiber);
  g_test_add_data_func ("/links/exit", test_exit, in_fiber);
  status = g_test_run ();
  if (!cupel_run (close_backend, NULL, NULL, &error))
    g_error ("%s", error->message);
  return status;
}
