/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Streams of the PostgreSQL driver. */

#include "postgresql-fixture.h"

static void
test_streams (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT i FROM generate_series(1, CAST(:p1 AS int)) AS g(i)", CUPEL_SQL_INT32);
  CupelCell n = make_int (2500), few = make_int (10);
  g_autoptr(CupelRowBlock) set = make_set (&n, 1);
  g_autoptr(CupelRowBlock) few_set = make_set (&few, 1);
  g_autoptr(CupelDriverCursor) outer = open_stream (connection, compiled, set, CUPEL_REQUEST_BEGIN, 1000);
  gint64 expected = 1;
  CupelRowBlock *block;

  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  while ((block = fetch (outer)) != NULL)
    {
      g_autoptr(CupelDriverCursor) inner = open_stream (connection, compiled, few_set, CUPEL_REQUEST_BEGIN, 4);
      g_autoptr(CupelRowBlock) first = fetch (inner);

      g_assert_cmpuint (block->n_rows, <=, 1000);
      g_assert_cmpuint (first->n_rows, ==, 4);
      for (guint i = 0; i < block->n_rows; i++)
        g_assert_cmpint (cupel_row_block_get_row (block, i)->v.i64, ==, expected++);
      cupel_row_block_unref (block);
      g_assert_cmpint (query_int (connection, "SELECT 5"), ==, 5);
      close_stream (inner);
    }
  g_assert_cmpint (expected, ==, 2501);
  close_stream (outer);
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_cursors WHERE name LIKE 'cupel%'"), ==, 0);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

static void
test_stream_ends (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT i, 'text ' || i FROM generate_series(1, 100) AS g(i)");
  g_autoptr(CupelCompiled) insert = compile_plain ("INSERT INTO pt SELECT generate_series(1, 5) RETURNING i");
  g_autoptr(GError) error = NULL;

  /* over with its transaction, also when a new one has begun */
  {
    g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, 10);
    G_GNUC_UNUSED g_autoptr(CupelRowBlock) block = fetch (cursor);

    g_assert_cmpuint (block->n_rows, ==, 10);
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
    g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
    g_assert_null (CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->fetch (cursor, NULL, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
    close_stream (cursor);
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
  }
  /* without a transaction the cursor outlives the statement, and a reset closes it */
  {
    g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, NULL, CUPEL_REQUEST_NONE, 40);
    guint n = 0;
    CupelRowBlock *block;

    while ((block = fetch (cursor)) != NULL)
      {
        g_assert_cmpint (cupel_row_block_get_row (block, 0)[1].kind, ==, CUPEL_CELL_TEXT);
        n += block->n_rows;
        cupel_row_block_unref (block);
      }
    g_assert_cmpuint (n, ==, 100);
    close_stream (cursor);
  }
  {
    G_GNUC_UNUSED g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, NULL, CUPEL_REQUEST_NONE, 40);

    g_assert_nonnull (cursor);
    g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
    g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_cursors WHERE name LIKE 'cupel%'"), ==, 0);
  }
  /* a statement that changes something runs at once, and its rows come as a stream all the same */
  exec_sql (connection, "CREATE TEMPORARY TABLE pt (i int)");
  {
    g_autoptr(CupelDriverCursor) cursor = open_stream (connection, insert, NULL, CUPEL_REQUEST_NONE, 2);
    g_autoptr(CupelRowBlock) block = fetch (cursor);

    g_assert_cmpuint (block->n_rows, ==, 5);
    g_assert_null (fetch (cursor));
    close_stream (cursor);
  }
}

static gsize
get_rss (void)
{
  g_autofree char *text = NULL;
  char *at;

  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL) || (at = strstr (text, "VmRSS:")) == NULL)
    return 0;
  return (gsize) g_ascii_strtoull (at + 6, NULL, 10) * 1024;
}

/* A reader that is slower than the server: what waits stays with the server. Then one that leaves early. */
static void
test_pressure (CupelDriverConnection *connection)
{
  const gint64 n_rows = scale (1000000, 50000);
  g_autofree char *sql = g_strdup_printf ("SELECT i, repeat('x', 200) FROM generate_series(1, %" G_GINT64_FORMAT ") AS g(i)", n_rows);
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_autoptr(CupelCompiled) huge = compile_plain ("SELECT generate_series(1, 1000000000000)");
  g_autoptr(CupelDriverCursor) stream = open_stream (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, 0);
  g_autoptr(CupelDriverCursor) left = NULL;
  gint64 expected = 1, start;
  gsize before = 0;
  CupelRowBlock *block;

  for (guint n = 0; (block = fetch (stream)) != NULL; n++)
    {
      g_assert_cmpint (cupel_row_block_get_row (block, 0)->v.i64, ==, expected);
      expected += block->n_rows;
      cupel_row_block_unref (block);
      if (n == 20)
        before = get_rss ();
      if (n % 100 == 50)
        cupel_fiber_sleep (10000, NULL, NULL);
    }
  g_assert_cmpint (expected, ==, n_rows + 1);
  if (!scale_is_slow ())
    g_assert_cmpuint (get_rss (), <=, before + 4 * 1024 * 1024);
  close_stream (stream);

  left = open_stream (connection, huge, NULL, CUPEL_REQUEST_BEGIN, 0);
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr(CupelRowBlock) one = fetch (left);     /* the last one asks for another */

      g_assert_nonnull (one);
    }
  start = g_get_monotonic_time ();
  close_stream (left);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (100));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

/* Wide rows come in smaller blocks; a row that fails is told to its stream and to nobody else. */
static void
test_ahead (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) wide = compile_plain ("SELECT repeat('x', 100000) FROM generate_series(1, 300) AS g(i)");
  g_autoptr(CupelCompiled) failing = compile_plain ("SELECT 1 / (i - 350) FROM generate_series(1, 1000) AS g(i)");
  g_autoptr(CupelCompiled) slow = compile_plain ("SELECT i, pg_sleep(CASE WHEN i > 300 THEN 60 ELSE 0 END) "
                                                 "FROM generate_series(1, 1000) AS g(i)");
  g_autoptr(CupelDriverCursor) stream = open_stream (connection, wide, NULL, CUPEL_REQUEST_BEGIN, 0);
  g_autoptr(CupelDriverCursor) broken = NULL;
  g_autoptr(CupelDriverCursor) sleeper = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) refused = NULL;
  guint n = 0, n_blocks = 0;
  gint64 start;
  CupelRowBlock *block;

  while ((block = fetch (stream)) != NULL)
    {
      if (n_blocks++ > 0)
        g_assert_cmpuint (block->n_rows, <, 10);
      n += block->n_rows;
      cupel_row_block_unref (block);
    }
  g_assert_cmpuint (n, ==, 300);
  close_stream (stream);

  broken = open_stream (connection, failing, NULL, CUPEL_REQUEST_BEGIN, 100);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(CupelRowBlock) one = fetch (broken);

      g_assert_cmpuint (one->n_rows, ==, 100);
    }
  /* The block with the bad row is on its way. What comes after it in the transaction fails, and the stream says why. */
  refused = fail_sql (connection, "SELECT 1");
  g_assert_error (refused, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_null (cupel_driver_cursor_fetch (broken, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
  close_stream (broken);

  /* A block that takes its time holds up neither a rollback nor the end of the connection. */
  sleeper = open_stream (connection, slow, NULL, CUPEL_REQUEST_BEGIN, 100);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(CupelRowBlock) one = fetch (sleeper);

      g_assert_cmpuint (one->n_rows, ==, 100);
    }
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  start = g_get_monotonic_time ();
  g_assert_true (cupel_driver_connection_rollback (connection, start + 50 * G_USEC_PER_SEC, NULL));
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1000));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  close_stream (sleeper);
  g_assert_cmpint (query_int (connection, "SELECT 18"), ==, 18);
}

/* A server that is slow to hear that it shall stop, as on a busy machine, does not cost the connection: a rollback has time for that. */
static void
test_late_answer (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) late = compile_plain ("SELECT pg_temp.late(i) FROM generate_series(1, 1000) AS g(i)");
  g_autoptr(CupelDriverCursor) stream = NULL;

  exec_sql (connection, "CREATE FUNCTION pg_temp.late(i int) RETURNS int LANGUAGE plpgsql AS $$ "
                        "DECLARE until timestamptz := clock_timestamp() + '3 s'; BEGIN "
                        "WHILE i = 301 AND clock_timestamp() < until LOOP "
                        "BEGIN PERFORM pg_sleep(greatest(extract(epoch FROM until - clock_timestamp()), 0)); "
                        "EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; RETURN i; END $$");
  stream = open_stream (connection, late, NULL, CUPEL_REQUEST_BEGIN, 100);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(CupelRowBlock) one = fetch (stream);

      g_assert_cmpuint (one->n_rows, ==, 100);
    }
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + 60 * G_USEC_PER_SEC, NULL));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  close_stream (stream);
  g_assert_cmpint (query_int (connection, "SELECT 18"), ==, 18);
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/stream/nested", { test_streams } },
    { "/postgresql/stream/ends", { test_stream_ends } },
    { "/postgresql/stream/pressure", { test_pressure } },
    { "/postgresql/stream/ahead", { test_ahead } },
    { "/postgresql/stream/late-answer", { test_late_answer } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
