/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts: their binds, whether they return rows, and what they may not do. */

#include "dollar-compiler.h"
#include "scale.h"

#define CUPEL_INSIDE
#include "sql/cupel-raw-sql-private.h"
#undef CUPEL_INSIDE

#include <time.h>

static void
test_text_parser (void)
{
  static const struct { const char *sql; const char *text; const char *binds; } cases[] = {
    { "SELECT 1", "SELECT 1", "" },
    { "", "", "" },
    { ":x", "?", "x" },
    { "a = :x AND b = :y_2 OR c = :x", "a = ? AND b = ? OR c = ?", "x y_2" },
    { "':x'", "':x'", "" },
    { "'it''s :x'", "'it''s :x'", "" },
    { "'\\' = :x", "'\\' = ?", "x" },
    { "E'\\' :x' = :y", "E'\\' :x' = ?", "y" },
    { "name'\\' = :x", "name'\\' = ?", "x" },
    { "\":x\" = :y", "\":x\" = ?", "y" },
    { "`:x` = :y", "`:x` = ?", "y" },
    { "\"a\"\":x\" = :y", "\"a\"\":x\" = ?", "y" },
    { "$$ :x $$ || :y", "$$ :x $$ || ?", "y" },
    { "$t$ :x $$ $u$ $t$ || :y", "$t$ :x $$ $u$ $t$ || ?", "y" },
    { "a$b$ :x $b$", "a$b$ ? $b$", "x" },
    { "$1 + :x", "$1 + ?", "x" },
    { "-- :x\n:y", "-- :x\n?", "y" },
    { "/* :x */ :y", "/* :x */ ?", "y" },
    { "/* :x", "/* :x", "" },
    { "-- :x", "-- :x", "" },
    { "':x", "':x", "" },
    { "$t$ :x", "$t$ :x", "" },
    { "x::int", "x::int", "" },
    { ":x::int", "?::int", "x" },
    { "x:::y", "x::?", "y" },
    { "\\:x", ":x", "" },
    { "a[1:2]", "a[1:2]", "" },
    { "a[b:c]", "a[b:c]", "" },
    { "12:34", "12:34", "" },
    { "@v := 1", "@v := 1", "" },
    { ":1", ":1", "" },
    { ":", ":", "" },
    { "5 - :x / :y", "5 - ? / ?", "x y" },
    { "(:x,:y)", "(?,?)", "x y" },
    { ":x:y", "?:y", "x" },
    { "ü = :x", "ü = ?", "x" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CupelRawSql *raw = cupel_raw_sql_new (cases[i].sql);
      g_autofree char *binds = g_strjoinv (" ", raw->bind_names);
      g_autoptr(GString) text = g_string_new (NULL);

      for (guint j = 0; j < raw->n_pieces; j++)
        {
          if (raw->pieces[j].text != NULL)
            g_string_append (text, raw->pieces[j].text);
          if (raw->pieces[j].bind >= 0)
            g_string_append_c (text, '?');
        }
      g_assert_cmpstr (text->str, ==, cases[i].text);
      g_assert_cmpstr (binds, ==, cases[i].binds);
      cupel_raw_sql_unref (raw);
    }
}

static void
test_text_rows (void)
{
  static const struct { const char *sql; gboolean rows; } cases[] = {
    { "SELECT 1", TRUE }, { "  select 1", TRUE }, { "(SELECT 1)", TRUE }, { "WITH x AS (SELECT 1) SELECT 1", TRUE },
    { "VALUES (1)", TRUE }, { "PRAGMA x", TRUE }, { "EXPLAIN UPDATE x", TRUE }, { "SHOW x", TRUE }, { "CALL x()", TRUE },
    { "INSERT INTO x VALUES (1)", FALSE }, { "insert into x values (1) returning id", TRUE },
    { "INSERT INTO x VALUES ('RETURNING')", FALSE }, { "INSERT INTO x VALUES (1) -- RETURNING", FALSE },
    { "UPDATE x SET y = 1", FALSE }, { "UPDATE x SET y = 1 RETURNING y", TRUE }, { "DELETE FROM x", FALSE },
    { "DELETE FROM returning_x", FALSE }, { "CREATE TABLE x (y INT)", FALSE }, { "DROP TABLE x", FALSE },
    { "/* SELECT */ DROP TABLE x", FALSE }, { "-- x\nALTER TABLE x", FALSE }, { "begin", FALSE }, { "createx", TRUE },
    { "", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      CupelRawSql *raw = cupel_raw_sql_new (cases[i].sql);

      if (raw->returns_rows != cases[i].rows)
        g_error ("\"%s\" is said to return %s", cases[i].sql, raw->returns_rows ? "rows" : "no rows");
      cupel_raw_sql_unref (raw);
    }
}

static void
test_text_control (void)
{
  static const struct { CupelRawControl control; const char *sql; } cases[] = {
    { CUPEL_RAW_NOTHING, "" }, { CUPEL_RAW_NOTHING, " \t\n" }, { CUPEL_RAW_NOTHING, ";" }, { CUPEL_RAW_NOTHING, "-- x" },
    { CUPEL_RAW_NOTHING, "/* x */ -- y\n;" }, { CUPEL_RAW_NOTHING, "/* never ends" }, { CUPEL_RAW_NOTHING, "# x" },
    { CUPEL_RAW_BEGIN, "BEGIN" }, { CUPEL_RAW_BEGIN, "begin;" }, { CUPEL_RAW_BEGIN, "/* x */ Begin Work" },
    { CUPEL_RAW_BEGIN, "BEGIN ISOLATION LEVEL SERIALIZABLE" }, { CUPEL_RAW_BEGIN, "BEGIN NOT DEFERRABLE" },
    { CUPEL_RAW_BEGIN, "BEGIN IMMEDIATE" }, { CUPEL_RAW_BEGIN, "START /* x */ TRANSACTION READ ONLY" }, { CUPEL_RAW_BEGIN, "XA START 'x'" },
    { CUPEL_RAW_COMMIT, "COMMIT" }, { CUPEL_RAW_COMMIT, "-- x\n COMMIT AND CHAIN" }, { CUPEL_RAW_COMMIT, "END" },
    { CUPEL_RAW_COMMIT, "# x\nCOMMIT" }, { CUPEL_RAW_COMMIT, "/*!40000 COMMIT */" }, { CUPEL_RAW_COMMIT, "/*M! COMMIT */" },
    { CUPEL_RAW_COMMIT, "/* /* x */ */ COMMIT" }, { CUPEL_RAW_COMMIT, "PREPARE TRANSACTION 'x'" }, { CUPEL_RAW_COMMIT, "XA END 'x'" },
    { CUPEL_RAW_COMMIT, "XA PREPARE 'x'" }, { CUPEL_RAW_ROLLBACK, "ROLLBACK" }, { CUPEL_RAW_ROLLBACK, ";ROLLBACK WORK" },
    { CUPEL_RAW_ROLLBACK, "abort" }, { CUPEL_RAW_SAVEPOINT, "ROLLBACK TO x" }, { CUPEL_RAW_SAVEPOINT, "ROLLBACK WORK TO SAVEPOINT x" },
    { CUPEL_RAW_SAVEPOINT, "SAVEPOINT x" }, { CUPEL_RAW_SAVEPOINT, "RELEASE x" },
    { CUPEL_RAW_STATEMENT, "SELECT 1" }, { CUPEL_RAW_STATEMENT, "(SELECT 'COMMIT')" }, { CUPEL_RAW_STATEMENT, "commits" },
    { CUPEL_RAW_STATEMENT, "commit_all()" }, { CUPEL_RAW_STATEMENT, "'COMMIT'" }, { CUPEL_RAW_STATEMENT, "EXPLAIN SELECT 1" },
    { CUPEL_RAW_STATEMENT, "CREATE PROCEDURE p() BEGIN SELECT 1; COMMIT; END" }, { CUPEL_RAW_STATEMENT, "DO $$ BEGIN COMMIT; END $$" },
    { CUPEL_RAW_STATEMENT, "BEGIN NOT ATOMIC SELECT 1; END" }, { CUPEL_RAW_STATEMENT, "BEGIN SELECT 1; END" },
    { CUPEL_RAW_STATEMENT, "START REPLICA" }, { CUPEL_RAW_STATEMENT, "COMMIT PREPARED 'x'" },
    { CUPEL_RAW_STATEMENT, "ROLLBACK PREPARED 'x'" }, { CUPEL_RAW_STATEMENT, "PREPARE x AS SELECT 1" },
    { CUPEL_RAW_STATEMENT, "XA RECOVER" }, { CUPEL_RAW_STATEMENT, "XA COMMIT 'x'" }, { CUPEL_RAW_STATEMENT, "/*! SELECT 1 */" },
    { CUPEL_RAW_STATEMENT, "SET TRANSACTION READ ONLY" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    if (cupel_raw_control_of (cases[i].sql) != cases[i].control)
      g_error ("\"%s\" is taken for %d", cases[i].sql, cupel_raw_control_of (cases[i].sql));
}

static void
test_text_statement (SqlFixture    *fixture,
                     gconstpointer  data)
{
  g_autoptr(CupelText) text = cupel_text_new ("UPDATE a SET n = :n WHERE id = :id OR n = :n");
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autofree char *slots = NULL;
  GError *error = NULL;

  use_dollars (fixture);
  cupel_text_set_bind_type (text, "id", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_text_add_result_type (text, cupel_sql_type_new (CUPEL_SQL_DATE));
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) text, &error);
  g_assert_no_error (error);
  g_assert_cmpint (compiled->kind, ==, CUPEL_COMPILED_TEXT);
  g_assert_cmpstr (compiled->sql, ==, "UPDATE a SET n = $1 WHERE id = $2 OR n = $3");
  slots = describe_slots (compiled);
  g_assert_cmpstr (slots, ==, ":0=0 :1=4 :0=0");
  g_assert_cmpuint (compiled->n_columns, ==, 1);
  g_assert_null (compiled->columns[0].name);
  g_assert_true (compiled->returns_rows);

  check_error (fixture, cupel_text_new ("SELECT '\xff'"), CUPEL_ERROR_PROGRAMMING, "UTF-8");
}

/* As many binds as a statement may have, each with a name, twice: found, not looked for. In time of the thread. */
static void
test_text_many_binds (SqlFixture    *fixture,
                      gconstpointer  data)
{
  const guint n = scale (60000, 2000);
  g_autoptr(GString) sql = g_string_new ("SELECT 1");
  g_autoptr(CupelText) text = NULL;
  g_autoptr(CupelCompiled) compiled = NULL;
  struct timespec begin, end;
  GError *error = NULL;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &begin);
  for (guint i = 0; i < 2 * n; i++)
    g_string_append_printf (sql, ", :a%u", i % n);
  text = cupel_text_new (sql->str);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("a%u", i);

      cupel_text_set_bind_type (text, name, cupel_sql_type_new (i % 2 == 0 ? CUPEL_SQL_INT64 : CUPEL_SQL_TEXT));
    }
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) text, &error);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &end);
  g_assert_no_error (error);
  g_assert_cmpuint (compiled->n_binds, ==, n);
  g_assert_cmpuint (compiled->n_slots, ==, 2 * n);
  for (guint i = 0; i < 2 * n; i++)
    {
      g_assert_cmpuint (compiled->slots[i].index, ==, i % n);
      g_assert_cmpint (cupel_sql_type_get_kind (compiled->slots[i].type), ==, i % n % 2 == 0 ? CUPEL_SQL_INT64 : CUPEL_SQL_TEXT);
    }
  g_assert_cmpint (end.tv_sec - begin.tv_sec, <, 5);
}

#define ADD(path, function) \
  g_test_add ("/sql/compiler/" path, SqlFixture, NULL, sql_fixture_set_up, function, sql_fixture_tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sql/compiler/text-parser", test_text_parser);
  g_test_add_func ("/sql/compiler/text-rows", test_text_rows);
  g_test_add_func ("/sql/compiler/text-control", test_text_control);
  ADD ("text-statement", test_text_statement);
  ADD ("text-many-binds", test_text_many_binds);

  return g_test_run ();
}
