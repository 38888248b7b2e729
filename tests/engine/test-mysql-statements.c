/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepared statements. */

#include "mysql-fixture.h"

#include <string.h>

static gint64
prepared_count (CupelDriverConnection *connection)
{
  return session_status (connection, "Com_stmt_prepare");
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
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i + 1);
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
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i + 1);
    }
  g_assert_cmpint (session_status (connection, "Com_stmt_prepare") - session_status (connection, "Com_stmt_close"), <=, 129);
}

/* PREPARE and EXECUTE travel together: when the first fails, the second must not do anything. */
static void
test_prepare_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO pf VALUES (:a)", -1);
  g_autoptr(CupelCompiled) wrong = compile ("INSERT INTO nowhere VALUES (:a)", -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

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

  cupel_driver_connection_terminate (other);
}

static gint64
resident_kib (void)
{
  g_autofree char *text = NULL;
  g_auto(GStrv) words = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL));
  words = g_strsplit (text, " ", 3);
  return g_ascii_strtoll (words[1], NULL, 10) * 4;
}

/* Statements that never come again: neither the server nor this process keeps more of them than the cache holds. */
static void
test_distinct (CupelDriverConnection *connection)
{
  guint n = scale (5000, 500);
  gint64 before = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT %u", i);

      g_assert_cmpint (query_int64 (connection, sql), ==, i);
      if (i == n / 5)
        before = resident_kib ();
    }
  if (!scale_is_slow ())
    g_assert_cmpint (resident_kib (), <, before + 2048);
  g_assert_cmpuint (CUPEL_MYSQL_CONNECTION (connection)->lru.length, <=, 128);
  g_assert_cmpint (prepared_count (connection) -
                   session_status (connection, "Com_stmt_close"), <=, 130);
}

/* Off by the URL: nothing is kept, and all of it works. */
static void
test_off (CupelDriverConnection *unused)
{
  g_autoptr(CupelUrl) of = url_with_option ("statement_cache_size=0");
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelDriverConnection) connection = connect_to (of, &error);
  g_autoptr(CupelCompiled) select = compile ("SELECT :a + 1", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  CupelCell *c = cupel_row_block_add_row (set);

  g_assert_no_error (error);
  for (gint64 i = 0; i < 20; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      set_int64 (c, i);
      execute (connection, select, set, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i + 1);
      g_assert_cmpint (query_int64 (connection, "SELECT 3"), ==, 3);
      g_assert_cmpuint (CUPEL_MYSQL_CONNECTION (connection)->lru.length, ==, 0);
    }
  /* of the 20 with a parameter; the others are not prepared at all */
  g_assert_cmpint (prepared_count (connection), ==, 20);
  cupel_driver_connection_terminate (connection);
}

/* A column that becomes another type between two executions. */
static void
test_altered (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) select = compile ("SELECT v FROM alt WHERE id = :id", -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);

  set_int64 (cupel_row_block_add_row (set), 1);
  run (connection, "CREATE TABLE alt (id INT PRIMARY KEY, v INT)");
  run (connection, "INSERT INTO alt VALUES (1, 42)");
  for (guint i = 0; i < 4; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      execute (connection, select, set, &reply);
      switch (i)
        {
        case 0:
          g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 42);
          run (connection, "ALTER TABLE alt MODIFY v VARCHAR(30)");
          break;
        case 1:
          g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, "42");
          run (connection, "ALTER TABLE alt MODIFY v DOUBLE");
          break;
        case 2:
          g_assert_cmpfloat (get_cell (&reply, 0, 0)->v.f64, ==, 42);
          run (connection, "ALTER TABLE alt MODIFY v BIGINT UNSIGNED");
          run (connection, "UPDATE alt SET v = 18446744073709551615");
          break;
        default:
          g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_UINT64);
          g_assert_cmpuint (get_cell (&reply, 0, 0)->v.u64, ==, G_MAXUINT64);
          break;
        }
    }
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
  { "altered", test_altered },
  { "distinct", test_distinct },
  { "off", test_off },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "statements");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
