/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server without room for prepared statements, or for long ones. It concerns every connection, so nothing else runs meanwhile. */

#include "mysql-fixture.h"

#include <string.h>

static void
set_global (CupelDriverConnection *connection,
            const char            *name,
            gint64                 limit)
{
  g_autofree char *sql = g_strdup_printf ("SET GLOBAL %s = %" G_GINT64_FORMAT, name, limit);
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
  set_global (admin, "max_prepared_stmt_count", used);
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) changed = { 0, };
      g_auto(CupelReply) reply = { 0, };

      execute (connection, update, set, &changed);
      g_assert_cmpint (changed.row_count, ==, 1);
      execute (connection, select, set, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 3 + i);
    }

  /* and when that does not help: without being prepared, or a clear error */
  set_global (admin, "max_prepared_stmt_count", 0);
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      execute (connection, plain, NULL, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 4);
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

  set_global (admin, "max_prepared_stmt_count", limit);
  {
    g_auto(CupelReply) reply = { 0, };

    execute (connection, select, set, &reply);
    g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 5);
  }
  cupel_driver_connection_terminate (admin);
}

/* Whatever is too large is refused before it is sent, and the connection goes on; of what is a byte smaller nothing is refused. */
static void
try_packet (CupelDriverConnection *connection,
            CupelCompiled         *compiled,
            guint                  n_sets,
            const char            *text,
            gsize                  length,
            gboolean               fits)
{
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, n_sets);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;
  gboolean ok;

  for (guint i = 0; i < n_sets; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      set_int64 (&cells[0], i);
      cupel_row_block_set_text (sets, &cells[1], CUPEL_CELL_TEXT, text, i == 1 || n_sets == 1 ? (gssize) length : 1);
    }
  ok = execute_full (connection, compiled, sets, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_test_message ("%" G_GSIZE_FORMAT ": %s", length, ok ? "passed" : error->message);
  g_assert_cmpint (ok, ==, fits);
  if (!ok)
    {
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_assert_nonnull (strstr (error->message, "max_allowed_packet"));
      g_assert_false (cupel_error_is_disconnect (error));
      g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_PROGRAM);
    }
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (10000), NULL));
  g_assert_cmpint (query_int64 (connection, "SELECT 5"), ==, 5);
}

static void
test_packet (CupelDriverConnection *connection)
{
  const gint64 limit = 2 * 1024 * 1024;
  /* the values of one set, beside the text */
  const gsize around = 11 + 1 + 4 + 12 + 4;
  gint64 before = query_int64 (connection, "SELECT @@global.max_allowed_packet");
  g_autofree char *text = g_strnfill ((gsize) limit + 1, 'x');
  g_autofree char *long_text = NULL;
  g_autoptr(CupelDriverConnection) other = NULL;
  const char *const statements[] = { "SELECT length(:b) + :a", "INSERT INTO packets (a, b) VALUES (:a, :b)",
                                     "UPDATE packets SET a = :a WHERE b = :b" };

  run (connection, "CREATE TABLE packets (a INT, b LONGTEXT) ENGINE=InnoDB");
  set_global (connection, "max_allowed_packet", limit);
  other = connect_again ();
  for (gsize i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile (statements[i], -1);

      for (guint n_sets = 1; n_sets <= (i == 0 ? 1 : 3); n_sets += 2)
        {
          try_packet (other, compiled, n_sets, text, 1000000, TRUE);
          try_packet (other, compiled, n_sets, text, (gsize) limit - around - 20, TRUE);
          try_packet (other, compiled, n_sets, text, (gsize) limit - around, FALSE);
          try_packet (other, compiled, n_sets, text, (gsize) limit, FALSE);
        }
    }

  /* Next to the limit: what is not refused the server takes. */
  for (gsize i = 0; i < 6; i++)
    {
      g_autoptr(CupelCompiled) compiled = compile ("SELECT length(:b)", CUPEL_SQL_INT64, -1);
      g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(GError) error = NULL;
      const gsize length = (gsize) limit - (11 + 1 + 2 + 4) - 4 + i;
      gboolean ok;

      cupel_row_block_set_text (set, cupel_row_block_add_row (set), CUPEL_CELL_TEXT, text, (gssize) length);
      ok = execute_full (other, compiled, set, CUPEL_REQUEST_NONE, &reply, NULL, &error);
      g_test_message ("%" G_GSIZE_FORMAT ": %s", i, ok ? "passed" : error->message);
      g_assert_cmpint (ok, ==, i < 4);
      g_assert_cmpint (query_int64 (other, "SELECT 5"), ==, 5);
    }

  long_text = g_strdup_printf ("SELECT 7 /* %s */", text);
  g_error_free (fail (other, long_text, CUPEL_REQUEST_NO_PREPARE));
  g_error_free (fail (other, long_text, CUPEL_REQUEST_NONE));
  g_assert_cmpint (query_int64 (other, "SELECT 5"), ==, 5);
  long_text[limit - 100] = '*';
  long_text[limit - 99] = '/';
  long_text[limit - 98] = '\0';
  g_assert_cmpint (query_int64 (other, long_text), ==, 7);

  set_global (connection, "max_allowed_packet", before);
  cupel_driver_connection_terminate (other);
}

static const Case cases[] = {
  { "no-room", test_no_room },
  { "packet", test_packet },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "limits");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
