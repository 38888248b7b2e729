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
  g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + G_USEC_PER_SEC, &error));
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
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + G_USEC_PER_SEC, NULL));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/transaction", { test_transaction } },
    { "/postgresql/transaction/savepoints", { test_savepoints } },
    { "/postgresql/transaction/first-fails", { test_first_fails } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
