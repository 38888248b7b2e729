/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepared statements of the PostgreSQL driver. */

#include "postgresql-fixture.h"

#include <string.h>

static void
test_cache (CupelDriverConnection *connection)
{
  CupelCompiled *statements[6];
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT CAST(:p1 AS int) + %u", i);

      statements[i] = compile (sql, CUPEL_SQL_INT32);
    }
  /* The URL says four: the server never has more than that and what waits to be deallocated. */
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
      {
        g_auto(CupelReply) reply = { 0 };

        exec (connection, statements[i], set, CUPEL_REQUEST_NONE, &reply);
        g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 1 + (int) i);
        g_assert_cmpuint (cupel_pg_statements_get_size (CUPEL_PG_CONNECTION (connection)->statements), <=, 4);
      }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_prepared_statements WHERE name NOT LIKE 'cupel%'"), ==, 4);
  for (guint i = 0; i < 5; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, statements[5], set, CUPEL_REQUEST_NONE, &reply);
    }
  g_assert_cmpint (query_int (connection, "SELECT max(generic_plans + custom_plans) FROM pg_prepared_statements"), >=, 6);
  /* somebody else throws them away: behind our back, and in our sight */
  exec_sql (connection, "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, statements[i], set, i % 2 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE, &reply);
      g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
    }
  exec_sql (connection, "DEALLOCATE ALL");
  g_assert_cmpuint (cupel_pg_statements_get_size (CUPEL_PG_CONNECTION (connection)->statements), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, statements[i], set, CUPEL_REQUEST_NONE, &reply);
      cupel_compiled_unref (statements[i]);
    }
}

static void
test_cache_off (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int)", CUPEL_SQL_INT32);
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);

  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, set, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 1);
    }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_prepared_statements"), ==, 0);
}

/* Not by us: what a pooler that gives each transaction another session looks like. */
static void
test_gone (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 'gone'");
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) lost = { 0 };

  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply);
    }
  exec_sql (connection, "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
  g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &lost, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION);
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_STALE_STATEMENT);
  g_assert_nonnull (strstr (error->message, "pooler=transaction"));
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
}

/* BEGIN, and ROLLBACK where it goes ahead, are prepared once as well, and again after they were lost. */
static void
test_commands (CupelDriverConnection *connection)
{
  static const char *const losing[] = {
    "DEALLOCATE ALL",
    "DISCARD ALL",
    "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$",
    "SELECT cupel_pg_lose ()",
  };
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 7");
  GError *error = NULL;

  exec_sql (connection, "CREATE OR REPLACE FUNCTION cupel_pg_lose () RETURNS void LANGUAGE plpgsql AS "
                        "'BEGIN EXECUTE ''DEALLOCATE ALL''; END'");
  g_assert_true (cupel_driver_connection_reset (connection, -1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (losing); i++)
    {
      for (guint k = 0; k < 5; k++)
        {
          g_auto(CupelReply) reply = { 0 };

          exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply);
          g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
          g_assert_true (cupel_driver_connection_roll_back_ahead (connection));
          g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
        }
      g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'cupel%'"), ==, 2);

      exec_sql (connection, losing[i]);
      cupel_driver_connection_begin (connection, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
      g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
      g_assert_true (cupel_driver_connection_reset (connection, -1, NULL));

      exec_sql (connection, losing[i]);
      {
        g_auto(CupelReply) reply = { 0 };

        exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply);
        g_assert_true (reply.began);
        g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
      }
      g_assert_true (cupel_driver_connection_reset (connection, -1, NULL));
    }
  exec_sql (connection, "DROP FUNCTION cupel_pg_lose ()");
}

/* Lost within the transaction that is rolled back ahead: what comes next has it done again. */
static void
test_lost_ahead (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 7");
  g_autoptr(CupelCompiled) insert = compile_plain ("INSERT INTO ahead VALUES (1)");
  g_autoptr(CupelCompiled) lose = compile_plain ("SELECT cupel_pg_lose_ahead ()");
  GError *error = NULL;

  exec_sql (connection, "CREATE OR REPLACE FUNCTION cupel_pg_lose_ahead () RETURNS void LANGUAGE plpgsql AS "
                        "'BEGIN EXECUTE ''DEALLOCATE ALL''; END'");
  exec_sql (connection, "CREATE TEMPORARY TABLE ahead (a int)");
  CUPEL_PG_CONNECTION (connection)->traces = 0;
  for (guint i = 0; i < 4; i++)
    {
      g_auto(CupelReply) first = { 0 }, second = { 0 }, third = { 0 }, fourth = { 0 }, fifth = { 0 };
      CupelRequest requests[] = { { .compiled = compiled, .flags = CUPEL_REQUEST_BEGIN }, { .compiled = compiled } };

      exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &first);
      g_assert_true (cupel_driver_connection_roll_back_ahead (connection));
      exec (connection, insert, NULL, CUPEL_REQUEST_BEGIN, &second);
      exec (connection, lose, NULL, CUPEL_REQUEST_NONE, &third);
      g_assert_true (cupel_driver_connection_roll_back_ahead (connection));
      if (i == 1)
        cupel_driver_connection_send_ahead (connection);
      if (i == 2)
        {
          cupel_driver_connection_begin (connection, NULL, &error);
        }
      else if (i == 3)
        {
          CupelReply replies[2] = { { 0 } };

          cupel_driver_connection_pipeline (connection, requests, replies, 2, NULL, &error);
          fourth = replies[0];
          fifth = replies[1];
        }
      else
        {
          exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &fourth);
        }
      g_assert_no_error (error);
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
      g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
      g_assert_cmpint (query_int (connection, "SELECT count(*) FROM ahead"), ==, 0);
    }
  exec_sql (connection, "DROP FUNCTION cupel_pg_lose_ahead ()");
}

static void
test_stale_plan (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT * FROM ps");
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "CREATE TEMPORARY TABLE ps (a int)");
  exec_sql (connection, "INSERT INTO ps VALUES (1)");
  for (guint i = 0; i < 2; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpuint (reply.n_columns, ==, 1);
    }
  exec_sql (connection, "ALTER TABLE ps ADD b text DEFAULT 'x'");
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_cmpuint (reply.n_columns, ==, 2);
    g_assert_true (reply.began);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  }
  /* within a transaction that has done something it cannot be helped */
  exec_sql (connection, "ALTER TABLE ps DROP COLUMN b");
  {
    g_auto(CupelReply) reply = { 0 };

    g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION);
    g_assert_true (cupel_error_is_retryable (error));
  }
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));

  /* a whole pipeline that began its transaction is done again */
  exec_sql (connection, "ALTER TABLE ps ADD c int");
  {
    CupelRequest requests[] = { { .compiled = compiled, .flags = CUPEL_REQUEST_BEGIN }, { .compiled = compiled } };
    CupelReply replies[2] = { { 0 } };

    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
    }
    exec_sql (connection, "ALTER TABLE ps DROP COLUMN c");
    g_clear_error (&error);
    cupel_driver_connection_pipeline (connection, requests, replies, 2, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (replies[0].began);
    g_assert_cmpuint (count_rows (&replies[1]), ==, 1);
    cupel_reply_clear (&replies[0]);
    cupel_reply_clear (&replies[1]);
  }
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
}

/* What changes in the catalog under a statement that is kept prepared: outside a transaction, and where the statement begins one, nobody
 * notices; in one that has begun, it is to be run again. */
static void
test_stale_catalog (CupelDriverConnection *connection)
{
  static const struct { const char *statement; const char *change[3]; const char *back[3]; gboolean fails; } cases[] = {
    { "SELECT * FROM cupel_pg_stale", { "ALTER TABLE cupel_pg_stale ALTER a TYPE bigint" },
      { "ALTER TABLE cupel_pg_stale ALTER a TYPE int" }, TRUE },
    { "SELECT * FROM cupel_pg_stale", { "DROP TABLE cupel_pg_stale", "CREATE TABLE cupel_pg_stale (b text, a int, k int)" },
      { "DROP TABLE cupel_pg_stale", "CREATE TABLE cupel_pg_stale (k int, a int)",
        "CREATE UNIQUE INDEX cupel_pg_stale_k ON cupel_pg_stale (k)" }, TRUE },
    { "INSERT INTO cupel_pg_stale (k, a) VALUES (1, 1) ON CONFLICT (k) DO NOTHING",
      { "DROP INDEX IF EXISTS cupel_pg_stale_k", "CREATE UNIQUE INDEX cupel_pg_stale_k ON cupel_pg_stale (k)" },
      { "DROP INDEX cupel_pg_stale_k", "CREATE UNIQUE INDEX cupel_pg_stale_k ON cupel_pg_stale (k)" }, FALSE },
    { "SELECT current_schema(), v FROM pg_stale_view", { "SET search_path = pg_temp, pg_catalog" },
      { "SET search_path = public" }, FALSE },
    { "SELECT 'a'::cupel_pg_mood", { "ALTER TYPE cupel_pg_mood ADD VALUE IF NOT EXISTS 'c'" }, { NULL }, FALSE },
    { "SELECT 'a'::cupel_pg_mood", { "DROP TYPE cupel_pg_mood", "CREATE TYPE cupel_pg_mood AS ENUM ('a', 'b')" }, { NULL }, TRUE },
    { "SELECT k FROM cupel_pg_stale", { "DISCARD ALL" }, { NULL }, FALSE },
    { "SELECT k FROM cupel_pg_stale", { "DEALLOCATE ALL" }, { NULL }, FALSE },
  };
  g_autoptr(CupelDriverConnection) other = connect_again ();

  exec_sql (connection, "DROP TABLE IF EXISTS cupel_pg_stale");
  exec_sql (connection, "DROP TYPE IF EXISTS cupel_pg_mood");
  exec_sql (connection, "CREATE TYPE cupel_pg_mood AS ENUM ('a', 'b')");
  exec_sql (connection, "CREATE TABLE cupel_pg_stale (k int, a int)");
  exec_sql (connection, "CREATE UNIQUE INDEX cupel_pg_stale_k ON cupel_pg_stale (k)");
  exec_sql (connection, "CREATE TEMPORARY VIEW pg_stale_view AS SELECT 1 AS v");

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile_plain (cases[i].statement);
      CupelDriverConnection *changer = g_str_has_prefix (cases[i].change[0], "D") && strstr (cases[i].change[0], " ALL") != NULL
                                       ? connection : g_str_has_prefix (cases[i].change[0], "SET") ? connection : other;

      for (guint round = 0; round < 3; round++)
        {
          g_auto(CupelReply) reply = { 0 };
          g_auto(CupelReply) again = { 0 };
          g_autoptr(GError) error = NULL;

          exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
          for (guint k = 0; k < 3 && cases[i].change[k] != NULL; k++)
            exec_sql (changer, cases[i].change[k]);
          if (round == 2)
            {
              /* the transaction has done something already */
              g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
              exec_sql (connection, "SELECT 1");
            }
          if (!try_exec (connection, compiled, NULL, round == 1 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE, &again, &error))
            {
              g_assert_cmpint (round, ==, 2);
              g_assert_true (cases[i].fails);
              g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_STALE_STATEMENT);
              g_assert_true (cupel_error_is_retryable (error));
              g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
              /* run again, as it says */
              exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &again);
            }
          else if (round == 2)
            g_assert_false (cases[i].fails);
          g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
          for (guint k = 0; k < 3 && cases[i].back[k] != NULL; k++)
            exec_sql (changer, cases[i].back[k]);
          if (cases[i].change[0][0] == 'D' && strcmp (cases[i].change[0], "DISCARD ALL") == 0)
            exec_sql (connection, "SET search_path = public");
        }
    }
  exec_sql (connection, "DROP TABLE cupel_pg_stale");
  exec_sql (connection, "DROP TYPE cupel_pg_mood");
  cupel_driver_connection_close (other, -1);
}

typedef struct
{
  gboolean stop;
  guint    n_executed;
  guint    n_changes;
} Change;

static const char *const changing[] = {
  "SELECT * FROM cupel_pg_changing WHERE k < 20",
  "INSERT INTO cupel_pg_changing (k, a) VALUES (1, 1) ON CONFLICT (k) DO UPDATE SET a = EXCLUDED.a RETURNING *",
  "SELECT 'a'::cupel_pg_changing_mood",
  "SELECT k, m FROM cupel_pg_changing ORDER BY k LIMIT 3",
  "UPDATE cupel_pg_changing SET a = a WHERE k = 7 RETURNING *",
};

static gboolean
run_changing (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Change *change = data;
  g_autoptr(CupelDriverConnection) connection = connect_again ();
  g_autoptr(GPtrArray) statements = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_compiled_unref);

  for (gsize i = 0; i < G_N_ELEMENTS (changing); i++)
    g_ptr_array_add (statements, compile_plain (changing[i]));
  for (guint i = 0; !change->stop; i++)
    {
      CupelRequest request = { .compiled = g_ptr_array_index (statements, i % statements->len) };
      /* with BEGIN along it is outside a transaction as well */
      g_auto(CupelReply) reply = { 0 };

      request.flags = i % 3 == 0 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE;
      if (!cupel_driver_connection_execute (connection, &request, &reply, NULL, error) ||
          !cupel_driver_connection_commit (connection, NULL, error))
        return FALSE;
      change->n_executed++;
    }
  return TRUE;
}

static gboolean
run_changes (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  static const char *const changes[] = {
    "ALTER TABLE cupel_pg_changing ADD b text DEFAULT 'x'",
    "DO $$ BEGIN DROP INDEX cupel_pg_changing_k; CREATE UNIQUE INDEX cupel_pg_changing_k ON cupel_pg_changing (k); END $$",
    "ALTER TABLE cupel_pg_changing ALTER a TYPE bigint",
    "DO $$ BEGIN ALTER TABLE cupel_pg_changing ALTER m DROP DEFAULT, ALTER m TYPE text; DROP TYPE cupel_pg_changing_mood; "
      "CREATE TYPE cupel_pg_changing_mood AS ENUM ('a', 'b'); "
      "ALTER TABLE cupel_pg_changing ALTER m TYPE cupel_pg_changing_mood USING m::cupel_pg_changing_mood, "
      "ALTER m SET DEFAULT 'a'; END $$",
    "ALTER TYPE cupel_pg_changing_mood ADD VALUE 'c'",
    "ALTER TABLE cupel_pg_changing DROP COLUMN b",
    "ALTER TABLE cupel_pg_changing ALTER a TYPE int",
  };
  Change *change = data;
  g_autoptr(CupelDriverConnection) connection = connect_again ();
  gint64 end = g_get_monotonic_time () + 2 * G_USEC_PER_SEC;

  while (!g_cancellable_is_cancelled (cancellable) &&
         (g_get_monotonic_time () < end || change->n_changes < G_N_ELEMENTS (changes) || change->n_executed < scale (200, 20)))
    {
      exec_sql (connection, changes[change->n_changes % G_N_ELEMENTS (changes)]);
      change->n_changes++;
      cupel_fiber_sleep (2000, NULL, NULL);
    }
  change->stop = TRUE;
  return TRUE;
}

/* Tables, indexes and types change all the time under eight connections that execute what they have prepared: none of them ever hears of
 * it, as long as no transaction has begun before. */
static void
test_stale_load (CupelDriverConnection *connection)
{
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  Change change = { FALSE };
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "DROP TABLE IF EXISTS cupel_pg_changing");
  exec_sql (connection, "DROP TYPE IF EXISTS cupel_pg_changing_mood");
  exec_sql (connection, "CREATE TYPE cupel_pg_changing_mood AS ENUM ('a', 'b')");
  exec_sql (connection, "CREATE TABLE cupel_pg_changing (k int, a int, m cupel_pg_changing_mood DEFAULT 'a')");
  exec_sql (connection, "CREATE UNIQUE INDEX cupel_pg_changing_k ON cupel_pg_changing (k)");
  exec_sql (connection, "INSERT INTO cupel_pg_changing SELECT generate_series(1, 10), 1");
  for (guint i = 0; i < 8; i++)
    cupel_task_group_spawn (group, run_changing, &change, NULL);
  cupel_task_group_spawn (group, run_changes, &change, NULL);
  cupel_task_group_join (group, &error);
  cupel_task_group_free (group);
  g_assert_no_error (error);
  g_test_message ("%u statements under %u changes", change.n_executed, change.n_changes);
  exec_sql (connection, "DROP TABLE cupel_pg_changing");
  exec_sql (connection, "DROP TYPE cupel_pg_changing_mood");
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/statements/cache", { test_cache, "statement_cache_size=4" } },
    { "/postgresql/statements/off", { test_cache_off, "statement_cache_size=0" } },
    { "/postgresql/statements/gone", { test_gone } },
    { "/postgresql/statements/commands", { test_commands } },
    { "/postgresql/statements/lost-ahead", { test_lost_ahead } },
    { "/postgresql/statements/stale", { test_stale_plan } },
    { "/postgresql/statements/stale-catalog", { test_stale_catalog } },
    { "/postgresql/statements/stale-load", { test_stale_load } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
