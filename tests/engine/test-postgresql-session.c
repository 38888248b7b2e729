/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What statements leave in a session, and that the next borrower of a PostgreSQL connection sees none of it. */

#include "cupel-pg-dialect.h"
#include "postgresql-fixture.h"

static void
test_words (void)
{
  static const struct { const char *sql; guint traces; } cases[] = {
    { "SELECT 1", 0 },
    { "", 0 },
    { "-- SET x\n/* LISTEN */ SELECT temp, set FROM listen WHERE hold = 'x'", 0 },
    { "INSERT INTO temp (a) VALUES ($1)", 0 },
    { "SET LOCAL work_mem = '1MB'", 0 },
    { "set transaction isolation level serializable", 0 },
    { "SET CONSTRAINTS ALL DEFERRED", 0 },
    { "SET work_mem = '1MB'", CUPEL_PG_TRACE_SETTINGS },
    { "  /* why */ set search_path to x", CUPEL_PG_TRACE_SETTINGS },
    { "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", CUPEL_PG_TRACE_SETTINGS },
    { "SET ROLE x", CUPEL_PG_TRACE_SETTINGS },
    { "SELECT pg_catalog.set_config('a.b', 'c', false)", CUPEL_PG_TRACE_SETTINGS },
    { "UPDATE x SET a = 1", 0 },
    { "LISTEN x", CUPEL_PG_TRACE_LISTEN },
    { "NOTIFY x", 0 },
    { "CREATE TABLE t (temp int)", 0 },
    { "CREATE TEMP TABLE t (i int)", CUPEL_PG_TRACE_TEMP },
    { "create temporary table if not exists t (i int)", CUPEL_PG_TRACE_TEMP },
    { "CREATE LOCAL TEMPORARY TABLE t (i int)", CUPEL_PG_TRACE_TEMP },
    { "CREATE OR REPLACE TEMP VIEW v AS SELECT 1", CUPEL_PG_TRACE_TEMP },
    { "SELECT 1 INTO TEMP t", CUPEL_PG_TRACE_TEMP },
    { "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", CUPEL_PG_TRACE_TEMP },
    { "SELECT pg_advisory_lock(1)", CUPEL_PG_TRACE_LOCKS },
    { "SELECT pg_try_advisory_lock_shared(1, 2)", CUPEL_PG_TRACE_LOCKS },
    { "SELECT pg_advisory_xact_lock(1)", 0 },
    { "DECLARE c CURSOR FOR SELECT 1", 0 },
    { "DECLARE c CURSOR WITH HOLD FOR SELECT 1", CUPEL_PG_TRACE_CURSORS },
    { "PREPARE p AS SELECT 1", CUPEL_PG_TRACE_PREPARED },
    { "PREPARE TRANSACTION 'x'", 0 },
    { "DO $$ BEGIN END $$", CUPEL_PG_TRACE_OTHER },
    { "DO $$ BEGIN EXECUTE 'CREATE TEMP TABLE t (i int)'; END $$", CUPEL_PG_TRACE_OTHER | CUPEL_PG_TRACE_TEMP },
    { "CALL p()", CUPEL_PG_TRACE_OTHER },
    { "LOAD 'x'", CUPEL_PG_TRACE_OTHER },
    { "/* never ends", 0 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      if (cupel_pg_traces_of (cases[i].sql) != cases[i].traces)
        g_test_message ("%s", cases[i].sql);
      g_assert_cmpuint (cupel_pg_traces_of (cases[i].sql), ==, cases[i].traces);
    }
}

/* Each leaves something; the connection says so, and after a reset nothing of it is there and what the library set is. */
static void
test_reset (CupelDriverConnection *connection)
{
  static const struct { const char *sql; const char *left; } cases[] = {
    { "CREATE TEMPORARY TABLE pr (i int)", "SELECT count(*) FROM pg_class WHERE relname = 'pr'" },
    { "SET work_mem = '2MB'", "SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND source = 'session'" },
    { "SET TimeZone = 'Asia/Tokyo'", "SELECT count(*) FROM pg_settings WHERE name = 'TimeZone' AND setting <> 'UTC'" },
    { "SELECT set_config('search_path', 'pg_catalog', false)",
      "SELECT count(*) FROM pg_settings WHERE name = 'search_path' AND source = 'session'" },
    { "SET ROLE pg_monitor", "SELECT CAST(current_user <> session_user AS int)::bigint" },
    { "LISTEN cupel_pr", "SELECT count(*) FROM pg_listening_channels() AS c" },
    { "SELECT pg_advisory_lock(815, pg_backend_pid())",
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()" },
    { "DECLARE pr CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors WHERE name = 'pr'" },
    { "PREPARE pr AS SELECT 1", "SELECT count(*) FROM pg_prepared_statements WHERE name = 'pr'" },
    { "DO $$ BEGIN CREATE TEMP TABLE pr (i int); PERFORM pg_advisory_lock(816, pg_backend_pid()); END $$",
      "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()" },
  };
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);
  g_autoptr(CupelCompiled) cached = compile ("SELECT CAST(:p1 AS int)", CUPEL_SQL_INT32);
  g_autoptr(CupelCompiled) setting = compile_plain ("SELECT set_config('work_mem', '3MB', false)");
  g_autoptr(GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_auto(CupelReply) before = { 0 };
      g_auto(CupelReply) after = { 0 };

      exec (connection, cached, set, CUPEL_REQUEST_NONE, &before);
      g_assert_false (cupel_driver_connection_needs_reset (connection));
      exec_sql (connection, cases[i].sql);
      g_assert_cmpint (query_int (connection, cases[i].left), ==, 1);
      g_assert_true (cupel_driver_connection_needs_reset (connection));
      g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (10000), &error));
      g_assert_no_error (error);
      g_assert_cmpint (query_int (connection, cases[i].left), ==, 0);
      exec (connection, cached, set, CUPEL_REQUEST_NONE, &after);
    }
  /* a statement that was prepared before leaves it again */
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, setting, NULL, CUPEL_REQUEST_NONE, &reply);
      g_assert_true (cupel_driver_connection_needs_reset (connection));
      g_assert_true (cupel_driver_connection_reset (connection, -1, NULL));
      g_assert_false (cupel_driver_connection_needs_reset (connection));
    }
  /* what leaves nothing costs nothing */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (connection, "SET LOCAL work_mem = '4MB'");
  exec_sql (connection, "SELECT pg_advisory_xact_lock(817, pg_backend_pid())");
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
  g_assert_false (cupel_driver_connection_needs_reset (connection));
}

/* What a borrower leaves in the session; the first statement tells which backend it is. */
typedef struct
{
  CupelPoolReset  reset;
  const char     *left[6];
} Borrower;

static const Borrower borrowers[] = {
  { CUPEL_POOL_RESET_ROLLBACK,
    { "SELECT pg_backend_pid()", "CREATE TEMPORARY TABLE pb (i int)", "SET work_mem = '2MB'", "LISTEN cupel_pb",
      "SELECT pg_advisory_lock(818)" } },
  /* The lock is in a function, where nobody sees it. */
  { CUPEL_POOL_RESET_SESSION,
    { "SELECT pg_backend_pid()", "CREATE OR REPLACE FUNCTION cupel_hidden() RETURNS int LANGUAGE sql AS $$ "
      "SELECT pg_advisory_lock(819); SELECT 1 $$", "SELECT cupel_hidden()", "DROP FUNCTION cupel_hidden()" } },
};

/* Through a pool of one: the second borrower is on the same backend and sees nothing of the first. */
static gboolean
run_borrowers (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  g_autoptr(CupelEngine) engine = cupel_engine_new (g_getenv (URL_VARIABLE), error);
  const Borrower *what = data;
  gint64 pid = 0;

  if (engine == NULL)
    return FALSE;
  g_object_set (engine, "pool-size", 1, "pool-reset-on-return", what->reset, NULL);
  for (guint borrower = 0; borrower < 2; borrower++)
    {
      g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, error);
      const char *sql = "SELECT (SELECT count(*) FROM pg_class WHERE relname = 'pb') + "
                        "(SELECT count(*) FROM pg_settings WHERE name = 'work_mem' AND source = 'session') + "
                        "(SELECT count(*) FROM pg_listening_channels() AS c) + "
                        "(SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())";
      g_autoptr(CupelText) query = cupel_text_new (sql);
      g_autoptr(CupelResult) found = NULL;

      if (connection == NULL ||
          !(found = cupel_connection_execute (connection, CUPEL_STATEMENT (query), NULL, NULL, error)))
        return FALSE;
      g_assert_true (cupel_result_step (found));
      g_assert_cmpint (cupel_result_get_int64 (found, 0), ==, 0);
      for (guint i = 0; what->left[i] != NULL; i++)
        {
          g_autoptr(CupelText) text = cupel_text_new (what->left[i]);
          g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);

          if (result == NULL)
            return FALSE;
          if (i > 0)
            continue;
          g_assert_true (cupel_result_step (result));
          if (borrower == 1)
            g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, pid);
          pid = cupel_result_get_int64 (result, 0);
        }
      if (!cupel_connection_commit (connection, NULL, error) || !cupel_connection_close (connection, NULL, error))
        return FALSE;
    }
  return cupel_engine_dispose (engine, NULL, error);
}

static void
test_borrowers (void)
{
  g_autoptr(GError) error = NULL;

  if (g_getenv (URL_VARIABLE) == NULL)
    {
      g_test_skip (URL_VARIABLE " is not set");
      return;
    }
  cupel_plugin_register_type (CUPEL_PLUGIN_DIALECT, "postgresql", CUPEL_PG_TYPE_DIALECT, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (borrowers); i++)
    {
      cupel_run (run_borrowers, (gpointer) &borrowers[i], NULL, &error);
      g_assert_no_error (error);
    }
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/session/reset", { test_reset } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  g_test_add_func ("/postgresql/session/words", test_words);
  g_test_add_func ("/postgresql/session/borrowers", test_borrowers);
  return g_test_run ();
}
