/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server without room for prepared statements. It concerns every connection, so nothing else runs meanwhile. */

#include "mysql-fixture.h"

static void
set_limit (CupelDriverConnection *connection,
           gint64                 limit)
{
  g_autofree char *sql = g_strdup_printf ("SET GLOBAL max_prepared_stmt_count = %d", (int) limit);
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

  execute_full (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply, NULL, &error);
  g_assert_no_error (error);
}

static void
test_no_room (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) admin = connect_again ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO nr VALUES (:a)", -1);
  g_autoptr(CupelCompiled) update = compile ("UPDATE nr SET a = a + :a", -1);
  g_autoptr(CupelCompiled) select = compile ("SELECT a + :a FROM nr", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelCompiled) plain = compile ("SELECT a FROM nr", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  g_autoptr(GError) error = NULL;
  gint64 limit = query_int64 (admin, "SELECT @@global.max_prepared_stmt_count");
  gint64 used;

  set_int64 (cupel_row_block_add_row (set), 1);
  run (connection, "CREATE TABLE nr (a INT) ENGINE=InnoDB");
  run (connection, "SELECT 1");
  {
    g_auto(CupelReply) reply = { 0, };

    execute (connection, insert, set, &reply);
  }

  /* full: what this connection keeps goes. What was prepared last changes something, and must not be executed again. */
  used = query_int64 (admin, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status "
                             "WHERE variable_name = 'Prepared_stmt_count'");
  set_limit (admin, used);
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) changed = { 0, };
      g_auto(CupelReply) reply = { 0, };

      execute (connection, update, set, &changed);
      g_assert_cmpint (changed.row_count, ==, 1);
      execute (connection, select, set, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, 3 + i);
    }

  /* and when that does not help: without being prepared, or a clear error */
  set_limit (admin, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      execute (connection, plain, NULL, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, 4);
      /* makes room in the cache of what is kept, too */
      cupel_reply_clear (&reply);
      g_clear_error (&error);
      if (!execute_full (connection, i == 0 ? insert : update, set, CUPEL_REQUEST_NONE, &reply, NULL, &error))
        {
          g_assert_cmpint (cupel_error_get_native_code (error), ==, 1461);
          g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_OVERLOAD);
          g_assert_false (cupel_error_is_disconnect (error));
        }
      else
        {
          g_assert_not_reached ();
        }
      assert_status (connection, IDLE);
    }

  set_limit (admin, limit);
  {
    g_auto(CupelReply) reply = { 0, };

    execute (connection, select, set, &reply);
    g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, 5);
  }
  cupel_driver_connection_terminate (admin);
}

static const Case cases[] = {
  { "no-room", test_no_room },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "limits");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
