/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What statements leave in the session, and that the next borrower of the connection sees none of it. */

#include "mysql-fixture.h"

#include <string.h>

static void
reset (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (2000), &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_false (cupel_driver_connection_needs_reset (connection));
}

static void
test_traces (CupelDriverConnection *connection)
{
  /* what leaves something, how to see it (1: it is there), whether from outside, and what works only while it is there */
  static const struct
  {
    const char *sql;
    const char *visible;
    gboolean    from_outside;
    const char *fails;
  } traces[] = {
    { "SET @left = 1", "SELECT @left IS NOT NULL" },
    { "SELECT @left := 1", "SELECT @left IS NOT NULL" },
    { "SELECT 1 INTO @left", "SELECT @left IS NOT NULL" },
    { "CREATE TEMPORARY TABLE left_over (id INT)", NULL, FALSE, "SELECT * FROM left_over" },
    { "DO GET_LOCK('cupel-left', 1)", "SELECT IS_FREE_LOCK('cupel-left') = 0", TRUE },
    { "SELECT get_lock('cupel-left', 1)", "SELECT IS_FREE_LOCK('cupel-left') = 0", TRUE },
    { "SET SESSION sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'",
      "SELECT @@sql_mode LIKE '%ANSI%' OR @@sql_mode LIKE '%NO_BACK%' OR @@sql_mode NOT LIKE '%STRICT_TRANS%'" },
    { "SET time_zone = '+05:00'", "SELECT @@time_zone <> '+00:00'" },
    { "SET NAMES latin1", "SELECT @@character_set_client <> 'utf8mb4' OR @@character_set_results <> 'utf8mb4'" },
    { "USE information_schema", "SELECT database() = 'information_schema'" },
    { "SET autocommit = 1" },
    { "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SELECT @@tx_isolation = 'SERIALIZABLE'" },
    { "PREPARE left_over FROM 'SELECT 1'", NULL, FALSE, "EXECUTE left_over" },
    { "CALL sets_something ()", "SELECT @@max_statement_time <> 0" },
    { "/*!99999 nothing */ SELECT 1" },
    { "SELECT 1 /*M! + 0 */" },
    { "HANDLER plain OPEN", NULL, FALSE, "HANDLER plain READ FIRST" },
    { "LOCK TABLES plain WRITE" },
  };
  g_autoptr(CupelDriverConnection) other = connect_again ();

  run (connection, "CREATE TABLE plain (id INT)");
  run (connection, "CREATE PROCEDURE sets_something () SET SESSION max_statement_time = 100");
  g_assert_false (cupel_driver_connection_needs_reset (connection));

  for (guint i = 0; i < G_N_ELEMENTS (traces); i++)
    for (guint no_prepare = 0; no_prepare < 2; no_prepare++)
      {
        g_autoptr(CupelCompiled) compiled = compile (traces[i].sql, -1);
        CupelDriverConnection *viewer = traces[i].from_outside ? other : connection;
        g_auto(CupelReply) reply = { 0, };
        g_autoptr(GError) error = NULL;

        g_test_message ("%s", traces[i].sql);
        execute_full (connection, compiled, NULL, no_prepare ? CUPEL_REQUEST_NO_PREPARE : CUPEL_REQUEST_NONE, &reply, NULL, &error);
        g_assert_no_error (error);
        assert_status (connection, IDLE);
        g_assert_true (cupel_driver_connection_needs_reset (connection));
        if (traces[i].visible != NULL)
          g_assert_cmpint (query_int64 (viewer, traces[i].visible), ==, 1);
        if (traces[i].fails != NULL)
          run (connection, traces[i].fails);

        reset (connection);
        if (traces[i].visible != NULL)
          g_assert_cmpint (query_int64 (viewer, traces[i].visible), ==, 0);
        if (traces[i].fails != NULL)
          g_error_free (fail (connection, traces[i].fails, CUPEL_REQUEST_NO_PREPARE));
        run (other, "INSERT INTO plain VALUES (1)");
        reset (connection);
      }
  cupel_driver_connection_terminate (other);
}

/* What is in a function is not seen: who is told that it may be there takes it away. */
static void
test_hidden (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();

  run (connection, "CREATE FUNCTION hides_lock () RETURNS INT NOT DETERMINISTIC NO SQL RETURN GET_LOCK('cupel-hidden', 1)");
  reset (connection);
  run (connection, "SELECT hides_lock ()");
  g_assert_false (cupel_driver_connection_needs_reset (connection));
  g_assert_cmpint (query_int64 (other, "SELECT IS_FREE_LOCK('cupel-hidden')"), ==, 0);
  cupel_driver_connection_mark_dirty (connection);
  g_assert_true (cupel_driver_connection_needs_reset (connection));
  reset (connection);
  g_assert_cmpint (query_int64 (other, "SELECT IS_FREE_LOCK('cupel-hidden')"), ==, 1);
  cupel_driver_connection_terminate (other);
}

static void
test_plain (CupelDriverConnection *connection)
{
  static const char *const plain[] = {
    "SELECT 1", "  -- a comment\n (SELECT 1)", "WITH one AS (SELECT 1) SELECT * FROM one", "SHOW TABLES", "SELECT @@version",
    "CREATE TABLE plain (id INT)", "INSERT INTO plain VALUES (1)", "UPDATE plain SET id = 2", "DELETE FROM plain", "START TRANSACTION",
    "SAVEPOINT one", "RELEASE SAVEPOINT one", "COMMIT", "DO sleep(0)", "ALTER TABLE plain ADD COLUMN v INT", "TRUNCATE plain",
    "EXPLAIN SELECT 1", "ANALYZE TABLE plain", "DROP TABLE plain", "SELECT /* in it */ 1",
  };

  for (guint i = 0; i < G_N_ELEMENTS (plain); i++)
    {
      g_test_message ("%s", plain[i]);
      run (connection, plain[i]);
      g_assert_false (cupel_driver_connection_needs_reset (connection));
    }
  /* nor does what the library does by itself */
  run_in_transaction (connection, "SELECT 1");
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, NULL));
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, NULL));
  g_assert_false (cupel_driver_connection_needs_reset (connection));
}

/* Afterwards everything works as on a new connection. */
static void
test_afterwards (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(CupelCompiled) echo = compile ("SELECT :a", CUPEL_SQL_TEXT, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  const char *text = "\xf0\x9f\x98\x80 \xc3\xa9";
  gint64 id = query_int64 (connection, "SELECT connection_id()");

  cupel_row_block_set_text (set, cupel_row_block_add_row (set), CUPEL_CELL_TEXT, text, -1);
  run (connection, "CREATE TABLE aft (id INT) ENGINE=InnoDB");

  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      /* kept from before the reset */
      execute (connection, echo, set, &reply);
      g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, text);

      run_in_transaction (connection, "INSERT INTO aft VALUES (1)");
      g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM aft"), ==, i);
      g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
      g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM aft"), ==, i + 1);

      run (connection, i == 0 ? "SET @x = 1" : "SET autocommit = 1");
      run_in_transaction (connection, "INSERT INTO aft VALUES (1)");
      /* with what is still open */
      reset (connection);
      g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM aft"), ==, i + 1);
      g_assert_cmpint (query_int64 (connection, "SELECT connection_id()"), ==, id);
      g_assert_cmpint (query_int64 (connection, "SELECT @@collation_connection = @@global.collation_connection OR "
                                                "@@collation_connection LIKE 'utf8mb4%'"), ==, 1);
    }

  /* a stream, too */
  {
    g_autoptr(CupelCompiled) endless = compile ("SELECT a.seq, @y := 1 FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
                                                CUPEL_SQL_INT64, -1);
    g_auto(CupelReply) reply = { 0, };

    open_stream (connection, endless, &reply);
    g_assert_true (cupel_driver_connection_needs_reset (connection));
    reset (connection);
  }
  g_assert_cmpint (query_int64 (connection, "SELECT 5"), ==, 5);
  cupel_driver_connection_terminate (other);
}

/* Set by hand, the mode must not make a transaction into none. */
static void
test_autocommit (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();

  run (connection, "CREATE TABLE ac (id INT) ENGINE=InnoDB");
  for (guint i = 0; i < 2; i++)
    {
      run (connection, i == 0 ? "SET autocommit = 1" : "SET autocommit = 0");
      run_in_transaction (connection, "INSERT INTO ac VALUES (1)");
      g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
      g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM ac"), ==, i);
      run (connection, i == 0 ? "SET autocommit = 1" : "SET autocommit = 0");
      run (connection, "INSERT INTO ac VALUES (1)");
      assert_status (connection, IDLE);
      g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM ac"), ==, i + 1);
    }
  cupel_driver_connection_terminate (other);
}

static const Case cases[] = {
  { "traces", test_traces },
  { "hidden", test_hidden },
  { "plain", test_plain },
  { "afterwards", test_afterwards },
  { "autocommit", test_autocommit },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "session");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
