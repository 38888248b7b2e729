/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows by blocks, and the loop that goes on while they come. */

#include "mysql-fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void
test_streams (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) numbers = compile ("SELECT seq FROM seq_1_to_10000", CUPEL_SQL_INT64, -1);
  g_autoptr(GError) error = NULL;

  {
    g_auto(CupelReply) reply = { 0, };
    CupelDriverCursor *cursor = open_stream (connection, numbers, &reply);

    read_stream (cursor, 1, 10000);
    g_assert_null (cupel_driver_cursor_fetch (cursor, NULL, &error));
    g_assert_no_error (error);
    g_assert_true (cupel_driver_cursor_close (cursor, g_get_monotonic_time () + scale_bound (1000), NULL));
  }

  /* others while it is open: what is left of it goes into memory, the same statement among them */
  {
    g_auto(CupelReply) outer = { 0, };
    g_auto(CupelReply) inner = { 0, };

    open_stream (connection, numbers, &outer);
    read_stream (outer.cursor, 1, 200);
    g_assert_cmpint (query_int64 (connection, "SELECT 42"), ==, 42);
    open_stream (connection, numbers, &inner);
    read_stream (inner.cursor, 1, 300);
    read_stream (outer.cursor, 201, 5000);
    read_stream (inner.cursor, 301, 10000);
    read_stream (outer.cursor, 5001, 10000);
    g_assert_null (cupel_driver_cursor_fetch (outer.cursor, NULL, &error));
    g_assert_no_error (error);
    g_assert_true (cupel_driver_cursor_close (outer.cursor, g_get_monotonic_time () + scale_bound (1000), NULL));
    g_assert_true (cupel_driver_cursor_close (inner.cursor, g_get_monotonic_time () + scale_bound (1000), NULL));
  }
  assert_status (connection, IDLE);
}

static void
test_stream_early_close (CupelDriverConnection *connection)
{
  /* hours of rows */
  g_autoptr(CupelCompiled) endless = compile ("SELECT a.seq, repeat('x', 200) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
                                              CUPEL_SQL_INT64, -1);
  g_autoptr(CupelCompiled) few = compile ("SELECT seq FROM seq_1_to_500", CUPEL_SQL_INT64, -1);

  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(CupelRowBlock) block = NULL;
      g_autoptr(GError) error = NULL;
      gint64 start;

      open_stream (connection, i == 2 ? few : endless, &reply);
      assert_status (connection, ACTIVE);
      block = cupel_driver_cursor_fetch (reply.cursor, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (block->n_rows, ==, 100);

      start = g_get_monotonic_time ();
      cupel_driver_cursor_close (reply.cursor, g_get_monotonic_time () + scale_bound (2000), &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1000));
      assert_status (connection, IDLE);
      g_assert_cmpint (query_int64 (connection, "SELECT 1"), ==, 1);
    }

  /* ended by its transaction */
  {
    g_auto(CupelReply) reply = { 0, };
    g_autoptr(GError) error = NULL;

    open_stream (connection, endless, &reply);
    cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (2000), &error);
    g_assert_no_error (error);
    assert_status (connection, IDLE);
    g_assert_null (cupel_driver_cursor_fetch (reply.cursor, NULL, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  }

  /* dropped without being closed */
  {
    g_auto(CupelReply) reply = { 0, };

    open_stream (connection, endless, &reply);
  }
  assert_status (connection, ACTIVE);
  g_assert_cmpint (query_int64 (connection, "SELECT 7"), ==, 7);
  assert_status (connection, IDLE);
}

typedef struct
{
  gint64 last;
  gint64 worst;
  gint64 last_cpu;
  gint64 worst_cpu;
} Watchdog;

static gint64
cpu_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

static gboolean
watchdog_tick (gpointer data)
{
  Watchdog *watchdog = data;
  gint64 now = g_get_monotonic_time ();

  watchdog->worst = MAX (watchdog->worst, now - watchdog->last);
  watchdog->worst_cpu = MAX (watchdog->worst_cpu, cpu_time () - watchdog->last_cpu);
  watchdog->last_cpu = cpu_time ();
  watchdog->last = now;
  return G_SOURCE_CONTINUE;
}

static void
test_latency (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) many = compile ("SELECT seq, repeat('x', 50) FROM seq_1_to_300000", CUPEL_SQL_INT64, -1);
  gint64 least = G_MAXINT64;

  /* The best of several counts: what a machine does that is shared is not in each of them. */
  for (guint i = 0; i < 5; i++)
    {
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(GSource) source = g_timeout_source_new (1);
      Watchdog watchdog = { g_get_monotonic_time (), 0, cpu_time (), 0 };

      g_source_set_callback (source, watchdog_tick, &watchdog, NULL);
      g_source_attach (source, g_main_context_get_thread_default ());
      execute (connection, many, NULL, &reply);
      watchdog_tick (&watchdog);
      g_source_destroy (source);
      g_assert_cmpuint (count_rows (&reply), ==, 300000);
      g_test_message ("longest pause of the loop: %" G_GINT64_FORMAT " us, of which the thread worked %" G_GINT64_FORMAT " us",
                      watchdog.worst, watchdog.worst_cpu);
      least = MIN (least, watchdog.worst_cpu);
    }
  /* A slice is 2 ms. What the thread worked is told apart from what it waited for a processor of a machine that is shared. */
  g_assert_cmpint (least, <, scale (5, 100) * 1000);
}

/* What is in the way of another statement goes into memory, up to a limit: then the other one fails, and the stream goes on. */
static void
test_settle_limit (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) large = compile ("SELECT seq, repeat('x', 10000) FROM seq_1_to_12000", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelCompiled) other = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0, };
  g_auto(CupelReply) none = { 0, };
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) again = NULL;
  g_autoptr(GError) commit = NULL;

  run (connection, "CREATE TABLE sl (id INT) ENGINE=InnoDB");
  run_in_transaction (connection, "INSERT INTO sl VALUES (1)");
  open_stream (connection, large, &reply);
  read_stream (reply.cursor, 1, 100);

  g_assert_false (execute_full (connection, other, NULL, CUPEL_REQUEST_NONE, &none, NULL, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  assert_status (connection, ACTIVE);
  g_assert_false (execute_full (connection, other, NULL, CUPEL_REQUEST_NONE, &none, NULL, &again));
  g_assert_error (again, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  /* COMMIT was not sent */
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &commit));
  g_assert_error (commit, CUPEL_ERROR, CUPEL_ERROR_BUSY);

  read_stream (reply.cursor, 101, 12000);
  g_assert_null (cupel_driver_cursor_fetch (reply.cursor, NULL, NULL));
  cupel_driver_connection_commit (connection, NULL, &commit);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM sl"), ==, 1);
}

/* A block has a bound in bytes, too. */
static void
test_large_rows (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) large = compile ("SELECT seq, repeat('x', 1000000) FROM seq_1_to_50", CUPEL_SQL_INT64, -1);

  for (guint i = 0; i < 2; i++)
    {
      CupelRequest request = { .compiled = large, .flags = CUPEL_REQUEST_STREAM | (i > 0 ? CUPEL_REQUEST_NO_PREPARE : 0) };
      g_auto(CupelReply) reply = { 0, };
      CupelRowBlock *block;
      guint rows = 0;

      g_assert_true (cupel_driver_connection_execute (connection, &request, &reply, NULL, NULL));
      while ((block = cupel_driver_cursor_fetch (reply.cursor, NULL, NULL)) != NULL)
        {
          g_assert_cmpuint (block->n_rows, <=, 2);
          g_assert_cmpuint (cupel_row_block_get_row (block, 0)[1].length, ==, 1000000);
          rows += block->n_rows;
          cupel_row_block_unref (block);
        }
      g_assert_cmpuint (rows, ==, 50);
    }
}

static gsize
resident_size (void)
{
  g_autofree char *text = NULL;
  guint64 total = 0, resident = 0;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  g_assert_cmpint (sscanf (text, "%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, &total, &resident), ==, 2);
  return (gsize) resident * 4096;
}

/* 200 MB and more through a stream, of which one block is held: memory does not grow. */
static void
test_memory (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) large = compile ("SELECT a.seq, repeat('x', 500) FROM seq_1_to_1000000 a LIMIT 400000", CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0, };
  CupelRowBlock *block;
  gsize before = 0, after;
  guint blocks = 0;

  if (scale_is_slow ())
    {
      g_test_skip ("memory is measured in an ordinary build only");
      return;
    }
  open_stream (connection, large, &reply);
  while ((block = cupel_driver_cursor_fetch (reply.cursor, NULL, NULL)) != NULL)
    {
      cupel_row_block_unref (block);
      if (++blocks == 100)
        before = resident_size ();
    }
  after = resident_size ();
  g_assert_cmpuint (blocks, ==, 4000);
  g_assert_cmpuint (after, <, before + 4 * 1024 * 1024);
}

/* The end comes from the server: a link that breaks in the middle of a stream is an error, never a short result. */
static void
test_lost (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) numbers = compile ("SELECT seq, repeat('x', 100) FROM seq_1_to_1000000", CUPEL_SQL_INT64, -1);

  for (guint i = 0; i < 2; i++)
    {
      CupelRequest request = { .compiled = numbers, .flags = CUPEL_REQUEST_STREAM | (i > 0 ? CUPEL_REQUEST_NO_PREPARE : 0) };
      g_autoptr(CupelDriverConnection) victim = connect_again ();
      g_autofree char *kill = g_strdup_printf ("KILL CONNECTION %d", (int) query_int64 (victim, "SELECT connection_id()"));
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(GError) error = NULL;
      CupelRowBlock *block;
      guint rows = 0;

      g_assert_true (cupel_driver_connection_execute (victim, &request, &reply, NULL, NULL));
      run (connection, kill);
      while ((block = cupel_driver_cursor_fetch (reply.cursor, NULL, &error)) != NULL)
        {
          rows += block->n_rows;
          cupel_row_block_unref (block);
        }
      g_assert_cmpuint (rows, <, 1000000);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
      assert_status (victim, UNKNOWN);
      cupel_driver_connection_terminate (victim);
    }
}

static const Case cases[] = {
  { "blocks", test_streams },
  { "early-close", test_stream_early_close },
  { "latency", test_latency },
  { "settle-limit", test_settle_limit },
  { "large-rows", test_large_rows },
  { "memory", test_memory },
  { "lost", test_lost },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "stream");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
