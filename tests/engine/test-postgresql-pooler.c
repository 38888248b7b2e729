/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The PostgreSQL driver behind a pooler of transactions: CUPEL_TEST_PGBOUNCER_ONE_URL names a PgBouncer with one connection to the
 * server for all of its clients. Two clients that take turns there would see all that one leaves in the session. */

#include "cupel-pg-driver.h"
#include "postgresql-fixture.h"

#include <string.h>

static CupelDriverConnection *
connect_through (const char *more)
{
  g_autofree char *text = g_strconcat (g_getenv ("CUPEL_TEST_PGBOUNCER_ONE_URL"), more != NULL ? "&" : NULL, more, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new (text, &error);
  CupelDriverConnection *connection;

  g_assert_no_error (error);
  connection = connect_to (url, CUPEL_NO_DEADLINE, &error);
  g_assert_no_error (error);
  return connection;
}

/* A pooler takes no settings for a session: who did not say that there is one is told. */
static void
test_not_said (CupelDriverConnection *connection)
{
  const char *text = g_getenv ("CUPEL_TEST_PGBOUNCER_ONE_URL");
  const char *option = strstr (text, "pooler=transaction");
  g_autoptr(GString) plain = g_string_new_len (text, option - text);
  g_autoptr(CupelUrl) url = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_nonnull (option);
  g_string_append (plain, "pooler=none");
  g_string_append (plain, option + strlen ("pooler=transaction"));
  url = cupel_url_new (plain->str, &error);
  g_assert_no_error (error);
  g_assert_null (connect_to (url, CUPEL_NO_DEADLINE, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_nonnull (strstr (error->message, "pooler=transaction"));
  g_assert_false (cupel_error_is_retryable (error));
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_NONE);
}

/* Statements of two clients in turns on one session: no name is in the other's way, and every answer belongs to its question. */
static void
test_turns (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) second = connect_through (NULL);
  CupelDriverConnection *both[] = { first, second };
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int)", CUPEL_SQL_INT32);

  g_assert_cmpint (query_int (first, "SELECT pg_backend_pid()"), ==, query_int (second, "SELECT pg_backend_pid()"));
  for (guint i = 0; i < 200; i++)
    {
      CupelCell tag = make_int (i);
      g_autoptr(CupelRowBlock) set = make_set (&tag, 1);
      g_auto(CupelReply) reply = { 0 };

      exec (both[i % 2], compiled, set, i % 3 == 0 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i);
      if (i % 3 == 0)
        g_assert_true (cupel_driver_connection_commit (both[i % 2], NULL, NULL));
      if (i % 50 == 0)
        g_assert_true (cupel_driver_connection_ping (both[i % 2], g_get_monotonic_time () + scale_bound (5000), NULL));
    }
  g_assert_cmpint (query_int (first, "SELECT count(*) FROM pg_prepared_statements"), ==, 0);
  g_assert_cmpint (query_int (first, "SELECT count(*) FROM pg_cursors WHERE name <> ''"), ==, 0);
}

/* Each client's settings hold in each of its statements, and in none of another's. */
static void
test_settings (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) second = connect_through ("search_path=pg_catalog");
  g_autoptr(CupelCompiled) path = compile_plain ("SELECT current_setting('search_path')");
  static const CupelRequestFlags flags[] = { CUPEL_REQUEST_NONE, CUPEL_REQUEST_BEGIN };

  for (guint i = 0; i < 6; i++)
    {
      g_auto(CupelReply) one = { 0 };
      g_auto(CupelReply) other = { 0 };
      g_autofree char *zone = NULL;

      exec (second, path, NULL, flags[i % 2], &other);
      g_assert_cmpstr (get_cell (&other, 0, 0)->v.text, ==, "pg_catalog");
      g_assert_true (cupel_driver_connection_commit (second, NULL, NULL));
      exec (first, path, NULL, flags[i % 2], &one);
      g_assert_cmpstr (get_cell (&one, 0, 0)->v.text, !=, "pg_catalog");
      g_assert_true (cupel_driver_connection_commit (first, NULL, NULL));
      g_assert_true (cupel_driver_connection_begin (second, NULL, NULL));
      zone = query_string (second, "SELECT to_char(timestamptz '2020-01-01 00:00Z', 'HH24 OF')", NULL);
      g_assert_cmpstr (zone, ==, "00 +00");
      g_assert_true (cupel_driver_connection_rollback (second, -1, NULL));
    }
}

static void
test_refused (CupelDriverConnection *connection)
{
  static const struct { const char *sql; const char *naming; } cases[] = {
    { "SET work_mem = '1MB'", "SET LOCAL" },
    { "SELECT set_config('work_mem', '1MB', false)", "SET LOCAL" },
    { "LISTEN x", "LISTEN" },
    { "CREATE TEMPORARY TABLE x (i int)", "temporary table" },
    { "SELECT pg_advisory_lock(1)", "pg_advisory_xact_lock" },
    { "PREPARE x AS SELECT 1", "prepared statement" },
    { "DECLARE x CURSOR WITH HOLD FOR SELECT 1", "WITH HOLD" },
  };
  g_autoptr(CupelCompiled) rows = compile_plain ("SELECT i FROM generate_series(1, 5000) AS g(i)");
  CupelRequest request = { .compiled = rows, .flags = CUPEL_REQUEST_STREAM };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) failure = NULL;
  g_autoptr(CupelDriverCursor) stream = NULL;
  gint64 expected = 1;
  CupelRowBlock *block;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = fail_sql (connection, cases[i].sql);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "pooler=transaction"));
      g_assert_nonnull (strstr (error->message, cases[i].naming));
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
  g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, NULL, &failure));
  g_assert_error (failure, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);

  /* What ends with its transaction works. */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (connection, "SET LOCAL work_mem = '1MB'");
  exec_sql (connection, "SELECT pg_advisory_xact_lock(900)");
  exec_sql (connection, "CREATE TEMPORARY TABLE x (i int) ON COMMIT DROP");
  stream = open_stream (connection, rows, NULL, CUPEL_REQUEST_BEGIN, 0);
  while ((block = fetch (stream)) != NULL)
    {
      g_assert_cmpint (cupel_row_block_get_row (block, 0)->v.i64, ==, expected);
      expected += block->n_rows;
      cupel_row_block_unref (block);
    }
  g_assert_cmpint (expected, ==, 5001);
  close_stream (stream);
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_SET, "s", -1, NULL, NULL));
  g_assert_true (cupel_driver_connection_savepoint (connection, CUPEL_SAVEPOINT_ROLLBACK, "s", -1, NULL, NULL));
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
  g_assert_false (cupel_driver_connection_needs_reset (connection));
}

/* A cancel request may meet whoever has the server by then: the connection that it came from ends, always. */
static void
test_cancel (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) nap = compile_plain ("SELECT pg_sleep(0.01)");
  g_autoptr(CupelCompiled) sleep = compile_plain ("SELECT pg_sleep(60)");

  for (guint i = 0; i < 20; i++)
    {
      gboolean lasts = i % 5 == 4;     /* and is hit surely */
      g_autoptr(CupelDriverConnection) victim = connect_through (NULL);
      g_autoptr(CupelDriverConnection) bystander = connect_through (NULL);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, i % 13 };
      CupelRequest request = { .compiled = lasts ? sleep : nap, .flags = i % 2 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      if (!cupel_driver_connection_execute (victim, &request, &reply, cancellable, &error))
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          if (cupel_driver_connection_is_alive (victim))
            {
              g_assert_false (lasts);
              g_assert_cmpint (cupel_driver_connection_get_status (victim), ==, CUPEL_TRANSACTION_IDLE);   /* nothing was sent */
            }
        }
      else
        g_assert_false (lasts);
      cupel_driver_connection_close (victim, g_get_monotonic_time () + scale_bound (1000));
      for (guint k = 0; k < 5; k++)
        g_assert_cmpint (query_int (bystander, "SELECT 21"), ==, 21);
      while (!g_cancellable_is_cancelled (cancellable))
        cupel_fiber_sleep (500, NULL, NULL);
      cupel_driver_connection_close (bystander, g_get_monotonic_time () + scale_bound (1000));
    }
}

static void
test_many (CupelDriverConnection *connection)
{
  static const CupelSqlKind kinds[] = { CUPEL_SQL_INT32 };
  const guint n = 12000;
  g_autoptr(CupelCompiled) compiled = compile_insert ("cupel_pg_pooler", kinds, 1, "id");
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (1, n);
  g_auto(CupelReply) reply = { 0 };

  exec_sql (connection, "DROP TABLE IF EXISTS cupel_pg_pooler");
  exec_sql (connection, "CREATE TABLE cupel_pg_pooler (id bigint GENERATED BY DEFAULT AS IDENTITY, c1 int)");
  for (guint i = 0; i < n; i++)
    *cupel_row_block_add_row (sets) = make_int (i);
  exec (connection, compiled, sets, CUPEL_REQUEST_BEGIN, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, n);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM cupel_pg_pooler WHERE c1 = id - 1"), ==, n);
  exec_sql (connection, "DROP TABLE cupel_pg_pooler");
}

static gboolean
run_body (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  g_autoptr(CupelDriverConnection) connection = connect_through (NULL);

  ((Body) data) (connection);
  cupel_driver_connection_close (connection, g_get_monotonic_time () + scale_bound (1000));
  return TRUE;
}

static void
run_test (gconstpointer body)
{
  g_autoptr(GError) error = NULL;

  if (g_getenv ("CUPEL_TEST_PGBOUNCER_ONE_URL") == NULL)
    {
      g_test_skip ("CUPEL_TEST_PGBOUNCER_ONE_URL is not set: ci/servers --pgbouncer");
      return;
    }
  cupel_run (run_body, (gpointer) body, NULL, &error);
  g_assert_no_error (error);
}

static void
test_options (void)
{
  static const struct { const char *url; gboolean good; } cases[] = {
    { "postgresql://u@/x?pooler=transaction", TRUE },
    { "postgresql://u@/x?pooler=transaction&statement_cache_size=0", TRUE },
    { "postgresql://u@/x?pooler=none", TRUE },
    { "postgresql://u@/x?pooler=statement", FALSE },
    { "postgresql://u@/x?pooler=transaction&statement_cache_size=10", FALSE },
  };
  g_autoptr(CupelDriver) driver = g_object_new (CUPEL_PG_TYPE_DRIVER, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelUrl) url = cupel_url_new (cases[i].url, NULL);

      g_assert_cmpint (cupel_driver_configure (driver, url, &error), ==, cases[i].good);
      if (!cases[i].good)
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
    }
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/postgresql/pooler/options", test_options);
  g_test_add_data_func ("/postgresql/pooler/not-said", test_not_said, run_test);
  g_test_add_data_func ("/postgresql/pooler/turns", test_turns, run_test);
  g_test_add_data_func ("/postgresql/pooler/settings", test_settings, run_test);
  g_test_add_data_func ("/postgresql/pooler/refused", test_refused, run_test);
  g_test_add_data_func ("/postgresql/pooler/cancel", test_cancel, run_test);
  g_test_add_data_func ("/postgresql/pooler/many", test_many, run_test);
  return g_test_run ();
}
