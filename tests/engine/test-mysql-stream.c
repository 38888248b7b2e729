/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows by blocks, and the loop that goes on while they come. */

#include "mysql-fixture.h"

#include <string.h>

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
    g_assert_true (cupel_driver_cursor_close (cursor, g_get_monotonic_time () + SECOND, NULL));
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
    g_assert_true (cupel_driver_cursor_close (outer.cursor, g_get_monotonic_time () + SECOND, NULL));
    g_assert_true (cupel_driver_cursor_close (inner.cursor, g_get_monotonic_time () + SECOND, NULL));
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
      cupel_driver_cursor_close (reply.cursor, g_get_monotonic_time () + 2 * SECOND, &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 1500 * 1000);
      assert_status (connection, IDLE);
      g_assert_cmpint (query_int64 (connection, "SELECT 1"), ==, 1);
    }

  /* ended by its transaction */
  {
    g_auto(CupelReply) reply = { 0, };
    g_autoptr(GError) error = NULL;

    open_stream (connection, endless, &reply);
    cupel_driver_connection_rollback (connection, g_get_monotonic_time () + 2 * SECOND, &error);
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
} Watchdog;

static gboolean
watchdog_tick (gpointer data)
{
  Watchdog *watchdog = data;
  gint64 now = g_get_monotonic_time ();

  if (watchdog->last != 0)
    watchdog->worst = MAX (watchdog->worst, now - watchdog->last);
  watchdog->last = now;
  return G_SOURCE_CONTINUE;
}

static void
test_latency (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) many = compile ("SELECT seq, repeat('x', 50) FROM seq_1_to_300000", CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GSource) source = g_timeout_source_new (1);
  Watchdog watchdog = { 0, };

  g_source_set_callback (source, watchdog_tick, &watchdog, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  execute (connection, many, NULL, &reply);
  g_source_destroy (source);
  g_assert_cmpuint (count_rows (&reply), ==, 300000);
  g_test_message ("longest pause of the loop: %" G_GINT64_FORMAT " us", watchdog.worst);
  /* a slice is 2 ms; the rest is for a machine that is shared */
  g_assert_cmpint (watchdog.last, !=, 0);
  g_assert_cmpint (watchdog.worst, <, 250 * 1000);
}

static const Case cases[] = {
  { "blocks", test_streams },
  { "early-close", test_stream_early_close },
  { "latency", test_latency },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "stream");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
