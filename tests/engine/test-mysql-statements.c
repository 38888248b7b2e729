/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepared statements. */

#include "mysql-fixture.h"

#include <string.h>

static gint64
prepared_count (CupelDriverConnection *connection)
{
  return query_int64 (connection, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                  "WHERE variable_name = 'Com_stmt_prepare'");
}

static void
test_prepared (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) select = compile ("SELECT :a + 1", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  CupelCell *c = cupel_row_block_add_row (set);
  gint64 before = prepared_count (connection);

  if (cupel_url_get_option (url, "statement_cache_size") != NULL)
    {
      g_test_skip ("the URL says how many statements are kept");
      return;
    }

  for (gint64 i = 0; i < 20; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      set_int64 (c, i);
      execute (connection, select, set, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, i + 1);
    }
  /* this one, and the question itself */
  g_assert_cmpint (prepared_count (connection), ==, before + 2);

  /* more than the cache holds: each still works, and the server keeps no more than that */
  for (gint64 i = 0; i < 300; i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT :a + %d", (int) i);
      g_autoptr(CupelCompiled) other = compile (sql, CUPEL_SQL_INT64, -1);
      g_auto(CupelReply) reply = { 0, };

      set_int64 (c, 1);
      execute (connection, other, set, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, i + 1);
    }
  g_assert_cmpint (query_int64 (connection, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                            "WHERE variable_name = 'Com_stmt_prepare'") -
                   query_int64 (connection, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                            "WHERE variable_name = 'Com_stmt_close'"), <=, 129);
}

/* PREPARE and EXECUTE travel together: when the first fails, the second must not do anything. */
static void
test_prepare_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO pf VALUES (:a)", -1);
  g_autoptr(CupelCompiled) again = compile ("INSERT INTO pf VALUES (:a + 1)", -1);
  g_autoptr(CupelCompiled) wrong = compile ("INSERT INTO nowhere VALUES (:a)", -1);
  g_autoptr(CupelCompiled) right = compile ("SELECT :a", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;
  g_autofree char *limit = NULL;

  if (cupel_url_get_option (url, "statement_cache_size") != NULL)
    {
      g_test_skip ("the URL says how many statements are kept");
      return;
    }

  set_int64 (cupel_row_block_add_row (set), 1);
  run (connection, "CREATE TABLE pf (a INT)");
  execute (connection, insert, set, &reply);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM pf"), ==, 1);

  g_assert_false (execute_full (connection, wrong, set, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_cmpint (cupel_error_get_native_code (error), ==, 1146);
  g_clear_error (&error);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM pf"), ==, 1);

  /* It concerns the whole server, so: only with -m thorough. */
  if (!g_test_thorough ())
    {
      cupel_driver_connection_terminate (other);
      return;
    }

  /* the server is full, and what it prepared last would have an effect */
  execute (connection, again, set, &reply);
  limit = g_strdup_printf ("SET GLOBAL max_prepared_stmt_count = %d",
                           (int) query_int64 (other, "SELECT @@global.max_prepared_stmt_count"));
  run (other, "SET GLOBAL max_prepared_stmt_count = 1");
  g_assert_false (execute_full (connection, right, set, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_cmpint (cupel_error_get_native_code (error), ==, 1461);
  {
    g_autoptr(CupelCompiled) restore = compile (limit, -1);
    g_auto(CupelReply) none = { 0, };

    execute_full (other, restore, NULL, CUPEL_REQUEST_NO_PREPARE, &none, NULL, NULL);
  }
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM pf"), ==, 2);
  execute (connection, right, set, &reply);
  cupel_driver_connection_terminate (other);
}

static void
test_stale (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) select = compile ("SELECT * FROM st", -1);

  run (connection, "CREATE TABLE st (a INT)");
  run (connection, "INSERT INTO st VALUES (1)");
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      execute (connection, select, NULL, &reply);
      g_assert_cmpuint (reply.n_columns, ==, i + 1);
      g_assert_cmpuint (count_rows (&reply), ==, 1);
      if (i == 0)
        run (connection, "ALTER TABLE st ADD COLUMN b VARCHAR(10) DEFAULT 'x'");
      else if (i == 1)
        run (connection, "ALTER TABLE st ADD COLUMN c DATETIME(6)");
    }
}

static const Case cases[] = {
  { "prepared", test_prepared },
  { "prepare-fails", test_prepare_fails },
  { "stale", test_stale },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "statements");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
