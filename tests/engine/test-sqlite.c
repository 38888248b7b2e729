/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Opening, errors and transactions of the SQLite driver. */

#include "sqlite-fixture.h"

/* ---- URLs and opening ---- */

static void
test_url (void)
{
  static const struct { const char *url; const char *part; } bad[] = {
    { "sqlite:///f.db?foo=1", "busy_timeout, journal_mode, mode, statement_cache_size, synchronous" },
    { "sqlite:///f.db?mode=memory", "ro, rw, rwc" },
    { "sqlite:///f.db?journal_mode=OFF", "WAL" },
    { "sqlite:///f.db?busy_timeout=-1", "busy_timeout" },
    { "sqlite:///f.db?busy_timeout=x", "busy_timeout" },
    { "sqlite://f.db", "sqlite:///file" },
    { "sqlite://u@/f.db", "sqlite:///file" },
  };
  g_autoptr(CupelUrl) memory = cupel_url_new ("sqlite://", NULL);
  g_autoptr(CupelUrl) memory2 = cupel_url_new ("sqlite:///:memory:", NULL);
  g_autoptr(CupelUrl) file = cupel_url_new ("sqlite:///f.db?mode=ro&busy_timeout=100", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelUrl) url = cupel_url_new (bad[i].url, &error);

      g_assert_no_error (error);
      g_assert_false (cupel_driver_configure (driver, url, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
      g_assert_nonnull (strstr (error->message, bad[i].part));
    }

  g_assert_cmpstr (cupel_driver_choose_pool (driver, memory), ==, "static");
  g_assert_cmpstr (cupel_driver_choose_pool (driver, memory2), ==, "static");
  g_assert_cmpstr (cupel_driver_choose_pool (driver, file), !=, "static");
  g_assert_true (cupel_driver_configure (driver, file, NULL));
}

static void
assert_open_fails (const char *url,
                   const char *part)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (open_url (url, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, part);
}

static void
test_open_errors (void)
{
  g_autofree char *no_directory = file_url ("none/x.db", "");
  g_autofree char *is_directory = g_strdup_printf ("sqlite:///%s", directory);
  g_autofree char *missing = file_url ("missing.db", "?mode=rw");
  g_autofree char *garbage = file_url ("garbage.db", "");
  g_autofree char *garbage_ro = file_url ("garbage.db", "?mode=ro");
  g_autofree char *path = g_build_filename (directory, "garbage.db", NULL);
  g_autofree char *missing_path = g_build_filename (directory, "missing.db", NULL);
  g_autoptr(GString) text = g_string_new (NULL);

  for (guint i = 0; i < 1000; i++)
    g_string_append (text, "this is no database ");
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));

  assert_open_fails (no_directory, "does not exist");
  assert_open_fails (no_directory, "x.db");
  assert_open_fails (is_directory, "directory");
  assert_open_fails (missing, "mode=rwc");
  assert_open_fails (garbage, "garbage.db");
  assert_open_fails (garbage, "not a database");
  assert_open_fails (garbage_ro, "not a database");
  g_assert_false (g_file_test (missing_path, G_FILE_TEST_EXISTS));
}

static void
test_settings (void)
{
  CupelDriverConnection *connection = open_file ("settings.db", "?busy_timeout=700");
  CupelDriverConnection *other = open_file ("settings.db", "?synchronous=FULL");
  CupelDriverConnection *reader = open_file ("settings.db", "?mode=ro");
  g_autoptr(CupelCompiled) mode = compile ("PRAGMA journal_mode", -1);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) reply = { 0 };

  g_assert_cmpint (scalar (connection, "PRAGMA foreign_keys"), ==, 1);
  g_assert_cmpint (scalar (connection, "PRAGMA trusted_schema"), ==, 0);
  g_assert_cmpint (scalar (connection, "PRAGMA synchronous"), ==, 1);
  g_assert_cmpint (scalar (other, "PRAGMA synchronous"), ==, 2);
  execute (connection, mode, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (first_row (&reply)->v.text, ==, "wal");

  /* A text in double quotes is no string. */
  g_assert_false (try_sql (connection, "SELECT \"no such column\"", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&error);

  g_assert_false (try_sql (reader, "CREATE TABLE t (x)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&error);

  close_it (connection);
  close_it (other);
  close_it (reader);
}

static void
test_two_in_memory (void)
{
  CupelDriverConnection *a = open_memory ();
  CupelDriverConnection *b = open_memory ();
  CupelCapabilities capabilities = CUPEL_CAP_NONE;
  g_autoptr(GError) error = NULL;

  sql (a, "CREATE TABLE t (x)");
  g_assert_false (try_sql (b, "SELECT * FROM t", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&error);

  g_assert_true (cupel_dialect_initialize (dialect, a, &capabilities, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (capabilities & CUPEL_CAP_INSERT_RETURNING);
  g_assert_true (capabilities & CUPEL_CAP_NESTED_STREAMS);
  g_assert_false (capabilities & CUPEL_CAP_PERSISTENT);
  g_assert_false (capabilities & CUPEL_CAP_CONCURRENT_WRITERS);

  close_it (a);
  close_it (b);
}

static void
test_closed (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_is_alive (connection));
  g_assert_true (cupel_driver_connection_ping (connection, soon (), NULL));
  cupel_driver_connection_close (connection, soon ());
  cupel_driver_connection_terminate (connection);
  cupel_driver_connection_terminate (connection);
  g_assert_false (cupel_driver_connection_is_alive (connection));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (try_sql (connection, "SELECT 1", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_object_unref (connection);
}

/* ---- errors ---- */

static void
test_errors (void)
{
  static const struct
  {
    const char *sql;
    CupelError  code;
    const char *table;
    const char *column;
    const char *constraint;
  } cases[] = {
    { "INSERT INTO a (id, data) VALUES (1, 'y')", CUPEL_ERROR_UNIQUE, "a", "id", NULL },
    { "INSERT INTO a (id, data) VALUES (2, 'x')", CUPEL_ERROR_UNIQUE, "a", "data", NULL },
    { "INSERT INTO c (x, y) VALUES (1, 1)", CUPEL_ERROR_UNIQUE, "c", NULL, NULL },
    { "INSERT INTO d (x) VALUES ('ABC')", CUPEL_ERROR_UNIQUE, NULL, NULL, "ix_d" },
    { "INSERT INTO a (id, data) VALUES (3, NULL)", CUPEL_ERROR_NOT_NULL, "a", "data", NULL },
    { "INSERT INTO a (id, data, n) VALUES (3, 'z', -1)", CUPEL_ERROR_CHECK, NULL, NULL, "positive" },
    { "INSERT INTO b (a_id) VALUES (77)", CUPEL_ERROR_FOREIGN_KEY, NULL, NULL, NULL },
    { "DELETE FROM a WHERE id = 1", CUPEL_ERROR_FOREIGN_KEY, NULL, NULL, NULL },
    { "SELEC 1", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT * FROM nowhere", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT nothing FROM a", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "INSERT INTO a (id, data) VALUES ('no integer', 'q')", CUPEL_ERROR_DATA, NULL, NULL, NULL },
    { "SELECT abs(-9223372036854775807 - 1)", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT zeroblob(1000000001)", CUPEL_ERROR_DATA, NULL, NULL, NULL },
    { "SELECT 1; SELECT 2", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "  -- nothing", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT load_extension('x')", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT ?", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
  };
  CupelDriverConnection *connection = open_memory ();

  sql (connection, "CREATE TABLE a (id INTEGER PRIMARY KEY, data TEXT NOT NULL UNIQUE, n INT CONSTRAINT positive CHECK (n > 0))");
  sql (connection, "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INT REFERENCES a (id))");
  sql (connection, "CREATE TABLE c (x, y, UNIQUE (x, y))");
  sql (connection, "CREATE TABLE d (x)");
  sql (connection, "CREATE UNIQUE INDEX ix_d ON d (lower(x))");
  sql (connection, "INSERT INTO a (id, data) VALUES (1, 'x')");
  sql (connection, "INSERT INTO b (a_id) VALUES (1)");
  sql (connection, "INSERT INTO c VALUES (1, 1)");
  sql (connection, "INSERT INTO d VALUES ('abc')");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;

      g_assert_false (try_sql (connection, cases[i].sql, CUPEL_REQUEST_NONE, &error));
      if (!g_error_matches (error, CUPEL_ERROR, cases[i].code))
        g_error ("%s: %s %d: %s", cases[i].sql, g_quark_to_string (error->domain), error->code, error->message);
      g_assert_cmpstr (cupel_error_get_table (error), ==, cases[i].table);
      g_assert_cmpstr (cupel_error_get_column (error), ==, cases[i].column);
      g_assert_cmpstr (cupel_error_get_constraint (error), ==, cases[i].constraint);
      g_assert_false (cupel_error_is_retryable (error));
      g_assert_false (cupel_error_is_disconnect (error));
      g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }

  /* One statement and what ends it. */
  sql (connection, " ; SELECT 1 ; -- the end\n /* really */ ; ");
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM a"), ==, 1);
  close_it (connection);
}

/* ---- transactions ---- */

static void
test_transactions (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO t VALUES (1)", -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x PRIMARY KEY)");
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);

  /* BEGIN with the first statement */
  execute (connection, insert, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (reply.began);
  g_assert_cmpint (reply.row_count, ==, 1);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 0);

  /* a failed statement leaves the transaction open */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_false (try_sql (connection, "INSERT INTO t VALUES (1)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_clear_error (&error);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);

  /* one that holds nothing */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&error);

  /* savepoints are contained */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "SAVEPOINT s");
  sql (connection, "INSERT INTO t VALUES (2)");
  sql (connection, "RELEASE s");
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  sql (connection, "SAVEPOINT s");
  sql (connection, "INSERT INTO t VALUES (3)");
  sql (connection, "ROLLBACK TO s");
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 2);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);

  /* DDL is part of it, and what was prepared before survives it */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "CREATE TABLE u (x)");
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_false (try_sql (connection, "SELECT * FROM u", CUPEL_REQUEST_NONE, &error));
  g_clear_error (&error);
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "CREATE TABLE u (x)");
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_no_error (error);

  /* reset */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "INSERT INTO t VALUES (9)");
  g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);
  close_it (connection);
}

/* A full disk ends the statement, not the connection. */
static void
test_full (void)
{
  CupelDriverConnection *connection = open_file ("full.db", "");
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "PRAGMA max_page_count = 20");
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_false (try_sql (connection, "INSERT INTO t VALUES (zeroblob(1000000))", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_false (cupel_error_is_retryable (error));
  g_clear_error (&error);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);
  close_it (connection);
}

/* What reads by its argument leaves the session as it was. */
static void
test_pragmas (void)
{
  static const struct { const char *sql; gboolean changes; } pragmas[] = {
    { "PRAGMA table_info(t)", FALSE }, { "PRAGMA table_info = t", FALSE }, { "PRAGMA main.TABLE_XINFO(t)", FALSE },
    { "PRAGMA index_list(t)", FALSE }, { "PRAGMA index_info(t_x)", FALSE }, { "PRAGMA index_xinfo(t_x)", FALSE },
    { "PRAGMA foreign_key_list(t)", FALSE }, { "PRAGMA foreign_key_check(t)", FALSE }, { "PRAGMA integrity_check(10)", FALSE },
    { "PRAGMA quick_check(t)", FALSE }, { "PRAGMA table_list(t)", FALSE }, { "PRAGMA foreign_keys", FALSE },
    { "SELECT count(*) FROM pragma_table_info('t')", FALSE }, { "PRAGMA cache_size = 100", TRUE }, { "PRAGMA foreign_keys(0)", TRUE },
  };
  CupelDriverConnection *connection = open_memory ();

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "CREATE INDEX t_x ON t (x)");
  g_assert_false (cupel_driver_connection_needs_reset (connection));
  for (guint i = 0; i < G_N_ELEMENTS (pragmas); i++)
    {
      g_autoptr(GError) error = NULL;

      g_test_message ("%s", pragmas[i].sql);
      try_sql (connection, pragmas[i].sql, CUPEL_REQUEST_NONE, &error);
      g_assert_no_error (error);
      g_assert_cmpint (cupel_driver_connection_needs_reset (connection), ==, pragmas[i].changes);
      g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
    }
  close_it (connection);
}

/* Writing takes the rest of a stream into memory, but not any amount of it. */
static void
test_stream_too_long (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) compiled = compile ("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                                               "SELECT i, zeroblob(1000000) FROM n, t", -1);
  CupelRequest request = { .compiled = compiled, .flags = CUPEL_REQUEST_STREAM, .block_rows = 1 };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  gint64 n = 0;

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_true (cupel_driver_connection_execute (connection, &request, &reply, NULL, &error));
  g_assert_false (try_sql (connection, "INSERT INTO t VALUES (2)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (&error);
  for (CupelRowBlock *block; (block = cupel_driver_cursor_fetch (reply.cursor, NULL, &error)) != NULL; cupel_row_block_unref (block))
    g_assert_cmpint (block->cells[0].v.i64, ==, ++n);
  g_assert_no_error (error);
  g_assert_cmpint (n, ==, 100);
  sql (connection, "INSERT INTO t VALUES (2)");
  close_it (connection);
}

static void
test_raw_control (void)
{
  static const char *const refused[] = {
    "BEGIN", "begin immediate", " /* x */ BEGIN TRANSACTION", "COMMIT", "END", "ROLLBACK", ";ROLLBACK TRANSACTION", "EXPLAIN COMMIT",
  };
  CupelDriverConnection *connection = open_memory ();

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(GError) error = NULL;

      g_assert_false (try_sql (connection, refused[i], CUPEL_REQUEST_NONE, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      g_assert_nonnull (strstr (error->message, "cupel_connection_"));
      g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
  close_it (connection);
}

static void
test_isolation (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) select = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_REPEATABLE_READ, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, NULL, &error));
  g_assert_cmpint (scalar (connection, "PRAGMA read_uncommitted"), ==, 1);
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &error));
  g_assert_cmpint (scalar (connection, "PRAGMA read_uncommitted"), ==, 0);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  execute (connection, select, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (reply.began);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  sql (connection, "VACUUM");
  g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
  g_assert_true (try_sql (connection, "SELECT 1", CUPEL_REQUEST_BEGIN, &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  close_it (connection);
}

int
main (int   argc,
      char *argv[])
{
  static const SqliteTest tests[] = {
    { "/sqlite/open/errors", test_open_errors },
    { "/sqlite/open/settings", test_settings },
    { "/sqlite/open/two-in-memory", test_two_in_memory },
    { "/sqlite/open/closed", test_closed },
    { "/sqlite/errors", test_errors },
    { "/sqlite/transactions/all", test_transactions },
    { "/sqlite/streams/too-long", test_stream_too_long },
    { "/sqlite/reset/pragmas", test_pragmas },
    { "/sqlite/transactions/raw-control", test_raw_control },
    { "/sqlite/transactions/full", test_full },
    { "/sqlite/transactions/isolation", test_isolation },
  };

  sqlite_test_init (&argc, &argv);
  g_test_add_func ("/sqlite/url", test_url);
  return sqlite_test_run (tests, G_N_ELEMENTS (tests));
}
