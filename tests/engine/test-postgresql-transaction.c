/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions of the PostgreSQL driver: isolation, savepoints, and COMMIT. */

#include "postgresql-fixture.h"

static void
test_transaction (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int)", CUPEL_SQL_INT32);
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) failed = NULL;
  g_autoptr(GError) refused = NULL;

  /* first use: BEGIN, Parse and Execute together */
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_true (reply.began);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  }
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_false (reply.began);
  }
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, &error));
  {
    g_autoptr(CupelCompiled) show = compile_plain ("SELECT current_setting('transaction_isolation')");
    g_auto(CupelReply) reply = { 0 };

    exec (connection, show, NULL, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, "serializable");
  }
  g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &refused));
  g_assert_error (refused, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  /* a failed statement fails the transaction, and COMMIT says so */
  g_clear_error (&failed);
  failed = fail_sql (connection, "SELECT 1 / 0");
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  g_clear_error (&failed);
  failed = fail_sql (connection, "SELECT 1");
  g_assert_error (failed, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_false (reply.began);
    g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  }
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &error));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), &error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
test_savepoints (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) set = compile_plain ("SAVEPOINT s1");
  g_autoptr(CupelCompiled) back = compile_plain ("ROLLBACK TO SAVEPOINT s1");
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (connection, "CREATE TEMPORARY TABLE psp (i int)");
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) one = { 0 };
      g_auto(CupelReply) other = { 0 };

      exec (connection, set, NULL, CUPEL_REQUEST_NONE, &one);
      exec_sql (connection, "INSERT INTO psp VALUES (1)");
      g_clear_error (&error);
      error = fail_sql (connection, "SELECT 1 / 0");
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
      exec (connection, back, NULL, CUPEL_REQUEST_NONE, &other);
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
    }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM psp"), ==, 0);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

static void
test_first_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 1 / 0");
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

/* What was asked for one transaction is what the server says of it, and of no other. */
static void
test_options (CupelDriverConnection *connection)
{
  static const struct { CupelTransactionOptions options; const char *found; } cases[] = {
    { { CUPEL_ISOLATION_SERIALIZABLE, TRUE, TRUE }, "serializable on on" },
    { { CUPEL_ISOLATION_REPEATABLE_READ, FALSE, FALSE }, "repeatable read off off" },
    { { CUPEL_ISOLATION_DEFAULT, TRUE, FALSE }, "read committed on off" },
    { { CUPEL_ISOLATION_READ_COMMITTED, FALSE, FALSE }, "read committed off off" },
    { { CUPEL_ISOLATION_READ_UNCOMMITTED, TRUE, FALSE }, "read uncommitted on off" },
  };
  g_autoptr(CupelCompiled) show = compile_plain ("SELECT current_setting('transaction_isolation') || ' ' || "
                                                 "current_setting('transaction_read_only') || ' ' || "
                                                 "current_setting('transaction_deferrable')");
  g_autoptr(CupelCompiled) write = compile_plain ("CREATE TABLE cupel_pg_never (i int)");
  g_autoptr(GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint way = 0; way < 2; way++)
      {
        g_auto(CupelReply) reply = { 0 };
        g_auto(CupelReply) next = { 0 };

        g_assert_true (cupel_driver_connection_set_transaction (connection, &cases[i].options, &error));
        g_assert_no_error (error);
        if (way == 1)
          g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
        exec (connection, show, NULL, CUPEL_REQUEST_BEGIN, &reply);
        g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, cases[i].found);
        g_assert_false (cupel_driver_connection_set_transaction (connection, &cases[i].options, &error));
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
        g_clear_error (&error);
        g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));

        exec (connection, show, NULL, CUPEL_REQUEST_BEGIN, &next);
        g_assert_cmpstr (get_cell (&next, 0, 0)->v.text, ==, "read committed off off");
        g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
      }

  /* read-only is more than a word */
  g_assert_true (cupel_driver_connection_set_transaction (connection, &cases[2].options, NULL));
  {
    g_auto(CupelReply) reply = { 0 };

    g_assert_false (try_exec (connection, write, NULL, CUPEL_REQUEST_BEGIN, &reply, &error));
    g_assert_cmpstr (cupel_error_get_sqlstate (error), ==, "25006");
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
  }
  /* taken back, by hand and by a reset; a value that does not fit sends nothing and takes nothing back */
  g_assert_true (cupel_driver_connection_set_transaction (connection, &cases[0].options, NULL));
  g_assert_true (cupel_driver_connection_set_transaction (connection, NULL, NULL));
  g_assert_false (cupel_driver_connection_needs_reset (connection));
  g_assert_true (cupel_driver_connection_set_transaction (connection, &cases[0].options, NULL));
  g_assert_true (cupel_driver_connection_needs_reset (connection));
  g_assert_true (cupel_driver_connection_reset (connection, -1, NULL));
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, show, NULL, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, "read committed off off");
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
  }
  /* the level of the connection holds where that of the transaction is not said */
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, NULL));
  g_assert_true (cupel_driver_connection_set_transaction (connection, &cases[2].options, NULL));
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, show, NULL, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, "serializable on off");
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
  }
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, NULL));
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_set_transaction (connection, &cases[0].options, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
}

/* A rollback to a savepoint takes the streams with it that were opened after it, and leaves those from before. Neither reading nor closing
 * one that is gone fails the transaction. */
static void
test_savepoint_streams (CupelDriverConnection *connection)
{
  const gint64 later = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  g_autoptr(CupelCompiled) rows = compile_plain ("SELECT i FROM generate_series(1, 1000) AS g(i)");
  g_autoptr(CupelDriverCursor) before = NULL;
  g_autoptr(CupelDriverCursor) closed = NULL;
  g_autoptr(CupelDriverCursor) read = NULL;
  g_autoptr(CupelDriverCursor) ahead = NULL;
  g_autoptr(GError) error = NULL;
  gint64 expected = 1;
  CupelRowBlock *block;

  before = open_stream (connection, rows, NULL, CUPEL_REQUEST_BEGIN, 100);
  for (guint i = 0; i < 3; i++, expected += 100)
    {
      g_autoptr(CupelRowBlock) one = fetch (before);

      g_assert_cmpint (cupel_row_block_get_row (one, 0)->v.i64, ==, expected);
    }
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_SET, "sp", -1, NULL, &error));
  g_assert_no_error (error);
  closed = open_stream (connection, rows, NULL, CUPEL_REQUEST_BEGIN, 10);
  read = open_stream (connection, rows, NULL, CUPEL_REQUEST_BEGIN, 10);
  ahead = open_stream (connection, rows, NULL, CUPEL_REQUEST_BEGIN, 10);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(CupelRowBlock) one = fetch (read);
      g_autoptr(CupelRowBlock) other = fetch (ahead);     /* with a block on its way when the savepoint goes */

      g_assert_cmpuint (one->n_rows + other->n_rows, ==, 20);
    }
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_ROLLBACK, "sp", later, NULL, &error));
  g_assert_no_error (error);
  close_stream (closed);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  /* the one block that was there already, and then the truth */
  while ((block = cupel_driver_cursor_fetch (read, NULL, &error)) != NULL)
    cupel_row_block_unref (block);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  close_stream (read);
  close_stream (ahead);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);

  /* the one from before misses no row, and a savepoint that is released leaves what was opened in it */
  while ((block = fetch (before)) != NULL)
    {
      g_assert_cmpint (cupel_row_block_get_row (block, 0)->v.i64, ==, expected);
      expected += block->n_rows;
      cupel_row_block_unref (block);
    }
  g_assert_cmpint (expected, ==, 1001);
  close_stream (before);
  g_clear_object (&read);
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_SET, "sp", -1, NULL, NULL));
  read = open_stream (connection, rows, NULL, CUPEL_REQUEST_BEGIN, 10);
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_RELEASE, "sp", later, NULL, NULL));
  close_stream (read);
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_cursors WHERE name LIKE 'cupel%'"), ==, 0);

  /* a transaction that failed in a savepoint comes back, and a cancelled one does */
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_SET, "sp", -1, NULL, NULL));
  g_clear_error (&error);
  error = fail_sql (connection, "SELECT 1 / 0");
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_ROLLBACK, "sp", later, NULL, NULL));
  g_assert_cmpint (query_int (connection, "SELECT 7"), ==, 7);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/transaction", { test_transaction } },
    { "/postgresql/transaction/savepoints", { test_savepoints } },
    { "/postgresql/transaction/first-fails", { test_first_fails } },
    { "/postgresql/transaction/options", { test_options } },
    { "/postgresql/transaction/savepoint-streams", { test_savepoint_streams } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
