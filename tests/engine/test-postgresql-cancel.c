/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cancelling and deadlines of the PostgreSQL driver. */

#include "postgresql-fixture.h"
#include "rogue-server.h"

#include <signal.h>

static void
test_cancel (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT pg_sleep(60)");
  g_autoptr(GCancellable) early = g_cancellable_new ();
  guint n_late = 0;
  gint64 start;

  for (guint round = 0; round < 3;)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, 100 };
      CupelRequest request = { .compiled = compiled, .flags = round == 1 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      start = g_get_monotonic_time ();
      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
      if (replace_given_up (&connection, start))
        {
          g_assert_cmpuint (++n_late, <, ROUNDS);
          continue;
        }
      /* The server answered, so the connection is clean. */
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==,
                       round == 1 ? CUPEL_TRANSACTION_FAILED : CUPEL_TRANSACTION_IDLE);
      g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
      g_assert_cmpint (query_int (connection, "SELECT 11"), ==, 11);
      round++;
    }

  /* before anything was sent */
  {
    CupelRequest request = { .compiled = compiled };
    g_auto(CupelReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_cancellable_cancel (early);
    g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, early, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpint (query_int (connection, "SELECT 12"), ==, 12);
  }
}

/* Stops the server's process of @connection; 0: it is not one that surely is the server's, on this machine. */
static pid_t
stop_backend (CupelDriverConnection *connection)
{
  g_autoptr(CupelUrl) url = get_url (NULL);
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  pid_t pid = (pid_t) query_int (connection, "SELECT pg_backend_pid()");

  path = g_strdup_printf ("/proc/%d/comm", (int) pid);
  if ((cupel_url_get_host (url) == NULL || g_path_is_absolute (cupel_url_get_host (url))) &&
      g_file_get_contents (path, &name, NULL, NULL) && g_str_has_prefix (name, "postgres") && kill (pid, SIGSTOP) == 0)
    return pid;
  g_test_skip ("The server's process cannot be stopped from here");
  return 0;
}

/* A server that does not answer at all, not even to a cancel request: the call comes back all the same. */
static void
test_cancel_stuck (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 1");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { cancellable, 100 };
  CupelRequest request = { .compiled = compiled };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  gint64 start;
  pid_t pid = stop_backend (connection);

  if (pid == 0)
    return;
  start = g_get_monotonic_time ();
  cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
  g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_clear_error (&error);
  start = g_get_monotonic_time ();
  g_assert_false (cupel_driver_connection_ping (connection, start + 10000, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (10));
  kill (pid, SIGCONT);
}

typedef struct
{
  pid_t pid;
  guint milliseconds;
} Waker;

static void
wake_later (gpointer data)
{
  Waker *waker = data;

  cupel_fiber_sleep (waker->milliseconds * 1000, NULL, NULL);
  kill (waker->pid, SIGCONT);
}

/* On a busy machine a request to cancel may be there before the statement has begun, and the server makes nothing of it. @wake: when the
 * server gets to reading the statement, in milliseconds; the request is sent after 100, and the connection is given up a second later.
 * TRUE: it was kept, or nothing can be told here. */
static gboolean
cancel_early (CupelDriverConnection *connection,
              guint                  wake)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT pg_sleep(60)");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { cancellable, 100 };
  Waker waker = { 0, wake };
  CupelRequest request = { .compiled = compiled };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  g_autofree char *sql = NULL;
  gboolean kept;
  gint64 start;

  if ((waker.pid = stop_backend (connection)) == 0)
    return TRUE;
  start = g_get_monotonic_time ();
  cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
  cupel_fiber_spawn (NULL, wake_later, &waker, NULL);
  g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
  kept = cupel_driver_connection_get_status (connection) != CUPEL_TRANSACTION_UNKNOWN;
  if (kept)
    g_assert_cmpint (query_int (connection, "SELECT 15"), ==, 15);
  else
    g_assert_cmpint (g_get_monotonic_time () - start, >, 1000 * 1000);
  cupel_fiber_sleep (MAX (start + (wake + 10) * 1000 - g_get_monotonic_time (), 0), NULL, NULL);

  /* It does not run on behind our back. */
  sql = g_strdup_printf ("SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND state = 'active'", (int) waker.pid);
  start = g_get_monotonic_time ();
  while (query_int (other, sql) > 0)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1000));
      cupel_fiber_sleep (50000, NULL, NULL);
    }
  return kept;
}

static void
test_cancel_early (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  guint n_late = 0;

  while (!cancel_early (connection, 300))
    {
      g_assert_cmpuint (++n_late, <, ROUNDS);
      g_object_unref (connection);
      connection = connect_again ();
    }
}

static void
test_cancel_given_up (CupelDriverConnection *connection)
{
  cancel_early (connection, 2000);
}

/* A server that is there for the one connection, and for no other does it ever anything. */
static void
serve_one (int      fd,
           gpointer data)
{
  static const char hello[] = "R\0\0\0\x08\0\0\0\0" "S\0\0\0\x19" "client_encoding\0UTF8\0" "S\0\0\0\x11TimeZone\0UTC\0"
    "S\0\0\0\x12" "DateStyle\0ISO\0" "K\0\0\0\x0c\0\0\0\x07\0\0\0\x09" "Z\0\0\0\x05I";
  char start[8];

  if (g_atomic_int_add ((gint *) data, 1) > 0)
    {
      rogue_stall (fd);
      return;
    }
  if (!rogue_read (fd, start, sizeof start))
    return;
  rogue_write (fd, hello, sizeof hello - 1);
  rogue_stall (fd);
}

static guint
count_cancel_threads (void)
{
  g_autoptr(GDir) folder = g_dir_open ("/proc/self/task", 0, NULL);
  const char *name;
  guint n = 0;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *path = g_build_filename ("/proc/self/task", name, "comm", NULL);
      g_autofree char *comm = NULL;

      n += g_file_get_contents (path, &comm, NULL, NULL) && g_str_has_prefix (comm, "cupel-pg-cancel");
    }
  return n;
}

static void
wait_for_threads (void)
{
  gint64 start = g_get_monotonic_time ();

  while (count_cancel_threads () > 0)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (5000));
      cupel_fiber_sleep (50000, NULL, NULL);
    }
}

/* Requests that nobody ever takes: the call ends in its time, and soon after it the threads do, and the socket is closed. */
static void
test_cancel_unheard (CupelDriverConnection *connection)
{
  gint n_links = 0;
  g_autoptr(RogueServer) server = rogue_server_new (serve_one, &n_links);
  g_autofree char *text = g_strdup_printf ("postgresql://u@127.0.0.1:%u/d?tls=disable", rogue_server_get_port (server));
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new (text, &error);
  g_autoptr(CupelDriverConnection) silent = connect_to (url, CUPEL_NO_DEADLINE, &error);
  gint64 start;

  g_assert_no_error (error);
  wait_for_threads ();
  start = g_get_monotonic_time ();
  g_assert_false (cupel_pg_connection_run_simple (CUPEL_PG_CONNECTION (silent), "test", "SELECT 1", start + 100000, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
  /* They try for five seconds. */
  if (g_get_monotonic_time () - start < 4 * G_USEC_PER_SEC)
    g_assert_cmpuint (count_cancel_threads (), >, 0);
  wait_for_threads ();
  g_assert_cmpint (g_atomic_int_get (&n_links), ==, 2);
}

/* The same with the library's own deadline. */
static void
test_deadline (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);

  for (guint round = 0;; round++)
    {
      g_autoptr(GError) error = NULL;
      gint64 start;

      exec_sql (connection, "CREATE TEMPORARY TABLE pd (i int)");
      g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
      start = g_get_monotonic_time ();
      g_assert_false (cupel_pg_connection_run_simple (CUPEL_PG_CONNECTION (connection), "test", "SELECT pg_sleep(60)",
                                                      start + 100000, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
      if (!replace_given_up (&connection, start))
        break;
      g_assert_cmpuint (round, <, ROUNDS);
    }
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
}

/* Cancels at any moment of a short statement: every answer belongs to its question. Which of them are hit is the machine's affair; one
 * in eleven is not over before it is. */
static void
test_cancel_race (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int), pg_sleep(CAST(:p2 AS int) / 1000.0)",
                                              CUPEL_SQL_INT32, CUPEL_SQL_INT32);
  guint n_cancelled = 0;

  for (guint i = 0; i < 150; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, i % 5 };
      gboolean lasts = i % 11 == 0;
      CupelCell cells[] = { make_int (i), make_int (lasts ? 60000 : 2) };
      g_autoptr(CupelRowBlock) set = make_set (cells, 2);
      CupelRequest request = { .compiled = compiled, .sets = set, .n_sets = 1 };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;
      gint64 start = g_get_monotonic_time ();

      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      if (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error))
        {
          g_assert_false (lasts);
          g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i);
        }
      else
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
      replace_given_up (&connection, start);
      g_assert_cmpint (query_int (connection, "SELECT 13"), ==, 13);
      while (!g_cancellable_is_cancelled (cancellable))
        cupel_fiber_sleep (500, NULL, NULL);
    }
  g_test_message ("%u cancelled", n_cancelled);
}

static void
test_busy (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;

  CUPEL_PG_CONNECTION (connection)->busy = TRUE;
  g_assert_false (cupel_driver_connection_ping (connection, -1, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  CUPEL_PG_CONNECTION (connection)->busy = FALSE;
  g_assert_cmpint (query_int (connection, "SELECT 14"), ==, 14);
}

/* A cancel in each phase: while a statement is prepared, executed, fetched, in a pipeline, in the middle of many sets, with BEGIN along.
 * Every statement after it is answered by its own answer, on the same connection as long as that is good. */
static void
test_cancel_phases (CupelDriverConnection *connection)
{
  static const CupelSqlKind kinds[] = { CUPEL_SQL_INT32, CUPEL_SQL_TEXT };
  const guint n_sets = scale (20000, 2000);
  g_autoptr(CupelCompiled) insert = compile_insert ("pcp", kinds, 2, "id");
  g_autoptr(CupelCompiled) rows = compile_plain ("SELECT i, repeat('x', 100) FROM generate_series(1, 20000) AS g(i)");
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, n_sets);
  g_autoptr(CupelDriverConnection) current = g_object_ref (connection);
  guint n_cancelled = 0, n_kept = 0;

  for (guint i = 0; i < n_sets; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      cells[0] = make_int (i);
      cupel_row_block_set_text (sets, &cells[1], CUPEL_CELL_TEXT, "some text for it", -1);
    }
  for (guint i = 0; i < 100; i++)
    {
      gboolean lasts = i % 12 >= 8 && i % 4 != 3;               /* one in three of these kinds */
      g_autofree char *sql = g_strdup_printf ("SELECT %u, pg_sleep(%s)", i, lasts ? "60" : "0.003");
      g_autoptr(CupelCompiled) fresh = compile_plain (sql);     /* is prepared first */
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, i % 7 };
      g_autoptr(GError) error = NULL;
      gint64 start;
      gboolean done;

      exec_sql (current, "CREATE TEMPORARY TABLE IF NOT EXISTS pcp (id bigint GENERATED BY DEFAULT AS IDENTITY, c1 int, c2 text)");
      start = g_get_monotonic_time ();
      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      switch (i % 4)
        {
        case 0:
        case 1:
          {
            CupelRequest request = { .compiled = fresh, .flags = i % 4 == 1 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE };
            g_auto(CupelReply) reply = { 0 };

            done = cupel_driver_connection_execute (current, &request, &reply, cancellable, &error);
            if (done)
              g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i);
            break;
          }
        case 2:
          {
            CupelRequest requests[] = {
              { .compiled = fresh, .flags = CUPEL_REQUEST_BEGIN }, { .compiled = fresh }, { .compiled = fresh }
            };
            CupelReply replies[3] = { { 0 } };

            done = cupel_driver_connection_pipeline (current, requests, replies, 3, cancellable, &error);
            for (guint k = 0; k < 3; k++)
              cupel_reply_clear (&replies[k]);
            break;
          }
        default:
          {
            CupelRequest request = { .compiled = insert, .sets = sets, .n_sets = n_sets, .flags = CUPEL_REQUEST_BEGIN };
            CupelRequest stream = { .compiled = rows, .flags = CUPEL_REQUEST_BEGIN | CUPEL_REQUEST_STREAM, .block_rows = 500 };
            g_auto(CupelReply) reply = { 0 };
            CupelRowBlock *block;

            if (i % 8 == 3)
              done = cupel_driver_connection_execute (current, &request, &reply, cancellable, &error);
            else
              {
                done = cupel_driver_connection_execute (current, &stream, &reply, cancellable, &error);
                while (done && (block = cupel_driver_cursor_fetch (reply.cursor, cancellable, &error)) != NULL)
                  cupel_row_block_unref (block);
                done = error == NULL;
              }
            break;
          }
        }
      if (!done)
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
      g_assert_false (done && lasts);
      while (!g_cancellable_is_cancelled (cancellable))
        cupel_fiber_sleep (500, NULL, NULL);
      if (replace_given_up (&current, start))
        continue;
      n_kept++;
      g_assert_true (cupel_driver_connection_rollback (current, g_get_monotonic_time () + scale_bound (5000), NULL));
      g_assert_cmpint (cupel_driver_connection_get_status (current), ==, CUPEL_TRANSACTION_IDLE);
      g_clear_pointer (&sql, g_free);
      sql = g_strdup_printf ("SELECT %u", 1000 + i);
      g_assert_cmpint (query_int (current, sql), ==, 1000 + i);
    }
  g_test_message ("%u cancelled, %u connections kept", n_cancelled, n_kept);
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/cancel/sleep", { test_cancel } },
    { "/postgresql/cancel/race", { test_cancel_race } },
    { "/postgresql/cancel/stuck", { test_cancel_stuck } },
    { "/postgresql/cancel/early", { test_cancel_early } },
    { "/postgresql/cancel/given-up", { test_cancel_given_up } },
    { "/postgresql/cancel/unheard", { test_cancel_unheard } },
    { "/postgresql/cancel/deadline", { test_deadline } },
    { "/postgresql/busy", { test_busy } },
    { "/postgresql/cancel/phases", { test_cancel_phases } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
