/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the PostgreSQL driver makes of errors of the server, and of a server that goes. */

#include "postgresql-fixture.h"

static void
test_errors (CupelDriverConnection *connection)
{
  static const struct { const char *sql; CupelError code; const char *state; const char *constraint; const char *column; } cases[] = {
    { "SELEKT 1", CUPEL_ERROR_PROGRAMMING, "42601", NULL, NULL },
    { "SELECT * FROM no_such_table", CUPEL_ERROR_PROGRAMMING, "42P01", NULL, NULL },
    { "SELECT 1 / 0", CUPEL_ERROR_DATA, "22012", NULL, NULL },
    { "INSERT INTO pe VALUES (1, 1, 1)", CUPEL_ERROR_UNIQUE, "23505", "pe_pkey", NULL },
    { "INSERT INTO pe VALUES (2, NULL, 1)", CUPEL_ERROR_NOT_NULL, "23502", NULL, "n" },
    { "INSERT INTO pe VALUES (2, -1, 1)", CUPEL_ERROR_CHECK, "23514", "pe_n_check", NULL },
    { "INSERT INTO pe VALUES (2, 1, 99)", CUPEL_ERROR_FOREIGN_KEY, "23503", "pe_parent_fkey", NULL },
    { "SELECT 1; SELECT 2", CUPEL_ERROR_PROGRAMMING, "42601", NULL, NULL },
    { "COPY pe FROM STDIN", CUPEL_ERROR_UNSUPPORTED, NULL, NULL, NULL },
  };

  exec_sql (connection, "CREATE TEMPORARY TABLE pe (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0), parent int REFERENCES pe)");
  exec_sql (connection, "INSERT INTO pe VALUES (1, 1, 1)");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = fail_sql (connection, cases[i].sql);

      g_assert_error (error, CUPEL_ERROR, (int) cases[i].code);
      g_assert_cmpstr (cupel_error_get_sqlstate (error), ==, cases[i].state);
      if (cases[i].constraint != NULL)
        g_assert_cmpstr (cupel_error_get_constraint (error), ==, cases[i].constraint);
      if (cases[i].column != NULL)
        g_assert_cmpstr (cupel_error_get_column (error), ==, cases[i].column);
      if (cases[i].state != NULL)
        g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
  /* COPY leaves libpq in a state that nothing leads out of. */
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
}

static void
test_killed (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) killer = connect_again ();
  g_autoptr(CupelDriverConnection) second = connect_again ();
  g_autoptr(GError) error = NULL;
  g_autofree char *sql = NULL;
  g_autofree char *second_sql = NULL;

  /* in the middle of a transaction: the next statement says why */
  sql = g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ", 60000)",
                         query_int (connection, "SELECT pg_backend_pid()"));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (killer, sql);
  error = fail_sql (connection, "SELECT 1");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_true (cupel_error_is_disconnect (error));
  g_assert_cmpstr (cupel_error_get_sqlstate (error), ==, "57P01");
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_LOST);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (cupel_driver_connection_is_alive (connection));
  g_clear_error (&error);

  /* idle: seen by a look at the socket; a COMMIT that was not sent is not unknown */
  second_sql = g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ", 60000)",
                                query_int (second, "SELECT pg_backend_pid()"));
  g_assert_true (cupel_driver_connection_begin (second, NULL, NULL));
  exec_sql (killer, second_sql);
  g_assert_false (cupel_driver_connection_commit (second, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_false (cupel_driver_connection_is_alive (second));
  cupel_driver_connection_terminate (second);
  cupel_driver_connection_close (killer, -1);
}

static void
terminate_later (gpointer data)
{
  cupel_fiber_sleep (50000, NULL, NULL);
  cupel_driver_connection_terminate (data);
}

static void
test_terminate_busy (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  cupel_fiber_spawn (NULL, terminate_later, g_object_ref (connection), g_object_unref);
  error = fail_sql (connection, "SELECT pg_sleep(60)");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (50));
}

static void
kill_later (gpointer data)
{
  g_autoptr(CupelDriverConnection) killer = connect_again ();

  cupel_fiber_sleep (100000, NULL, NULL);
  exec_sql (killer, data);
  cupel_driver_connection_close (killer, -1);
}

/* The COMMIT is under way (a deferred trigger sleeps in it) when the server goes. */
static void
test_commit_lost (CupelDriverConnection *connection)
{
  g_autofree char *sql = g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ")",
                                          query_int (connection, "SELECT pg_backend_pid()"));
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "CREATE FUNCTION pg_temp.nap() RETURNS trigger LANGUAGE plpgsql AS "
                        "$$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$");
  exec_sql (connection, "CREATE TEMPORARY TABLE pk (i int)");
  exec_sql (connection, "CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON pk DEFERRABLE INITIALLY DEFERRED "
                        "FOR EACH ROW EXECUTE FUNCTION pg_temp.nap()");
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (connection, "INSERT INTO pk VALUES (1)");
  cupel_fiber_spawn (NULL, kill_later, sql, NULL);
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_UNKNOWN);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
}

/* Every class of what can be done about an error, as a server sends it: the details arrive, and no data is in the message. */
static void
test_categories (CupelDriverConnection *connection)
{
  static const struct { const char *state; CupelError code; CupelErrorCategory category; gboolean retryable; } cases[] = {
    { "40001", CUPEL_ERROR_SERIALIZATION, CUPEL_ERROR_CATEGORY_RETRY, TRUE },
    { "40P01", CUPEL_ERROR_DEADLOCK, CUPEL_ERROR_CATEGORY_RETRY, TRUE },
    { "25006", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_NOT_PRIMARY, TRUE },
    { "57P03", CUPEL_ERROR_CONNECTION, CUPEL_ERROR_CATEGORY_NOT_READY, TRUE },
    { "08000", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE },
    { "08006", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE },
    { "57P01", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE },
    { "57P02", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE },
    { "40003", CUPEL_ERROR_OUTCOME_UNKNOWN, CUPEL_ERROR_CATEGORY_UNKNOWN, FALSE },
    { "08007", CUPEL_ERROR_OUTCOME_UNKNOWN, CUPEL_ERROR_CATEGORY_UNKNOWN, FALSE },
    { "26000", CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_STALE_STATEMENT, FALSE },
    { "0A000", CUPEL_ERROR_UNSUPPORTED, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
    { "42P10", CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
    { "53300", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_OVERLOAD, TRUE },
    { "53200", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_OVERLOAD, TRUE },
    { "53100", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_FULL, FALSE },
    { "23000", CUPEL_ERROR_INTEGRITY, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
    { "23505", CUPEL_ERROR_UNIQUE, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
    { "42703", CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
    { "22012", CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
    { "57014", CUPEL_ERROR_TIMEOUT, CUPEL_ERROR_CATEGORY_NONE, FALSE },
    { "P0001", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sql = g_strdup_printf ("DO $$ BEGIN RAISE EXCEPTION 'said \"S3cr3tCANARY\" aloud' USING ERRCODE = '%s', "
                                              "DETAIL = 'Key (a)=(S3cr3tCANARY)', CONSTRAINT = 'k', TABLE = 't', COLUMN = 'c'; "
                                              "END $$", cases[i].state);
      g_autoptr(GError) error = fail_sql (connection, sql);

      g_assert_error (error, CUPEL_ERROR, (int) cases[i].code);
      g_assert_cmpint (cupel_error_get_category (error), ==, cases[i].category);
      g_assert_cmpint (cupel_error_is_retryable (error), ==, cases[i].retryable);
      g_assert_cmpstr (cupel_error_get_sqlstate (error), ==, cases[i].state);
      g_assert_cmpstr (cupel_error_get_constraint (error), ==, "k");
      g_assert_cmpstr (cupel_error_get_table (error), ==, "t");
      g_assert_cmpstr (cupel_error_get_column (error), ==, "c");
      g_assert_nonnull (strstr (cupel_error_get_detail (error), "Key (a)"));
      g_assert_null (strstr (error->message, "Key (a)"));
      if (g_str_has_prefix (cases[i].state, "22"))
        g_assert_null (strstr (error->message, "CANARY"));
      for (const char *at = error->message; *at != '\0'; at++)
        g_assert_cmpint (*at, >, 0);
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
}

/* "Query canceled" is only our own cancel when we sent one. */
static void
test_canceled_by_others (CupelDriverConnection *connection)
{
  g_autofree char *sql = g_strdup_printf ("SELECT pg_cancel_backend(%" G_GINT64_FORMAT ")",
                                          query_int (connection, "SELECT pg_backend_pid()"));
  g_autoptr(GError) error = NULL;

  cupel_fiber_spawn (NULL, kill_later, sql, NULL);
  error = fail_sql (connection, "SELECT pg_sleep(60)");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpstr (cupel_error_get_sqlstate (error), ==, "57014");
  g_clear_error (&error);

  exec_sql (connection, "SET statement_timeout = '20ms'");
  error = fail_sql (connection, "SELECT pg_sleep(60)");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

/* A flood of notices, a notice and an error of a megabyte each: nothing breaks, nothing is printed. */
static void
test_noise (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "SET client_min_messages = 'notice'");
  exec_sql (connection, "DO $$ BEGIN FOR i IN 1..20000 LOOP RAISE NOTICE 'notice %', i; END LOOP; "
                        "RAISE WARNING '%', repeat('x', 1000000); END $$");
  g_assert_cmpint (query_int (connection, "SELECT 15"), ==, 15);
  error = fail_sql (connection, "DO $$ BEGIN RAISE EXCEPTION '%', repeat('y', 1000000); END $$");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_cmpuint (strlen (error->message), >, 1000000);
  g_assert_cmpint (query_int (connection, "SELECT 16"), ==, 16);
}

/* Notices without an end: cancelling works as ever. */
static void
test_endless_notices (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  g_autoptr(CupelCompiled) compiled = compile_plain ("DO $$ BEGIN LOOP RAISE NOTICE 'again'; END LOOP; END $$");

  for (guint round = 0;; round++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, 50 };
      CupelRequest request = { .compiled = compiled };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;
      gint64 start;

      exec_sql (connection, "SET client_min_messages = 'notice'");
      start = g_get_monotonic_time ();
      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1050));
      if (!replace_given_up (&connection, start))
        break;
      g_assert_cmpuint (round, <, ROUNDS);
    }
  g_assert_cmpint (query_int (connection, "SELECT 17"), ==, 17);
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/errors", { test_errors } },
    { "/postgresql/transaction/commit-lost", { test_commit_lost } },
    { "/postgresql/killed", { test_killed } },
    { "/postgresql/terminate/busy", { test_terminate_busy } },
    { "/postgresql/errors/categories", { test_categories } },
    { "/postgresql/errors/canceled-by-others", { test_canceled_by_others } },
    { "/postgresql/errors/noise", { test_noise } },
    { "/postgresql/errors/endless-notices", { test_endless_notices } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
