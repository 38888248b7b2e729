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
    g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + G_USEC_PER_SEC, NULL));
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

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/stream/nested", { test_streams } },
    { "/postgresql/stream/ends", { test_stream_ends } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
