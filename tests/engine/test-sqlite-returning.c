/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* INSERT .. RETURNING of many sets: whatever the table is like, the rows are those that the statement gives when it is executed set by set. */

#include <cupel.h>
#include <glib/gstdio.h>
#include <string.h>

#define N_SETS 150

typedef struct
{
  const char *name;
  const char *table;       /* as the library names it */
  const char *setup[6];    /* after DROP of what was there */
  gboolean    fails;       /* with many sets: not every set returns a row */
} Variant;

static const Variant variants[] = {
  { "row-id", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')" } },
  { "autoincrement", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, x INT, y TEXT DEFAULT 'd')" } },
  { "other-key", "t", { "CREATE TABLE t (id BIGINT PRIMARY KEY, x INT, y TEXT DEFAULT 'd')" } },
  { "descending-key", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY DESC, x INT, y TEXT DEFAULT 'd')" } },
  { "two-keys", "t", { "CREATE TABLE t (id INTEGER, x INTEGER, y TEXT DEFAULT 'd', PRIMARY KEY (id, x))" } },
  { "no-key", "t", { "CREATE TABLE t (id INT DEFAULT 7, x INT, y TEXT DEFAULT 'd')" } },
  { "without-row-id", "t", { "CREATE TABLE t (id TEXT DEFAULT 'k', x INTEGER PRIMARY KEY, y TEXT DEFAULT 'd') WITHOUT ROWID" } },
  { "named-row-id", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, rowid TEXT DEFAULT 'r', y TEXT DEFAULT 'd')" } },
  { "quotes", "t\"\"t", { "CREATE TABLE \"t\"\"\"\"t\" (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')" } },
  { "trigger-after", "t",
    { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')",
      "CREATE TRIGGER tt AFTER INSERT ON T BEGIN UPDATE t SET y = 'changed' WHERE id = new.id; END" } },
  { "trigger-elsewhere", "t",
    { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')", "CREATE TABLE log (id INTEGER PRIMARY KEY, x INT)",
      "CREATE TRIGGER tt AFTER INSERT ON t BEGIN INSERT INTO log (id, x) VALUES (new.id + 1000, 1); END" } },
  { "trigger-deletes", "t",
    { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')",
      "CREATE TRIGGER tt AFTER INSERT ON t BEGIN DELETE FROM t WHERE id = new.id AND x % 2 = 0; END" } },
  { "temporary-trigger", "t",
    { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')",
      "CREATE TEMP TRIGGER tt AFTER INSERT ON main.t BEGIN UPDATE t SET y = 'changed' WHERE id = new.id; END" } },
  { "temporary-table", "t",
    { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'main')", "INSERT INTO t (id) VALUES (5)",
      "CREATE TEMP TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'temp')" } },
  { "view", "v",
    { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd')", "CREATE VIEW v AS SELECT id, x, y FROM t",
      "CREATE TRIGGER tt INSTEAD OF INSERT ON v BEGIN INSERT INTO t (x) VALUES (new.x); END" } },
  { "ignored", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT CHECK (x < 90), y TEXT DEFAULT 'd', z INT DEFAULT 1 UNIQUE ON CONFLICT IGNORE)" },
    TRUE },
  { "replaced", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT DEFAULT 'd', z INT DEFAULT 1 UNIQUE ON CONFLICT REPLACE)" } },
  { "generated", "t", { "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y TEXT AS ('g' || x))" } },
};

static void
sql (CupelConnection *connection,
     const char      *text)
{
  g_autoptr(CupelText) statement = cupel_text_new (text);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (statement), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
}

static void
set_up (CupelConnection *connection,
        const Variant   *variant)
{
  sql (connection, "DROP TRIGGER IF EXISTS tt");
  sql (connection, "DROP TABLE IF EXISTS temp.t");
  sql (connection, "DROP VIEW IF EXISTS v");
  sql (connection, "DROP TABLE IF EXISTS log");
  sql (connection, "DROP TABLE IF EXISTS t");
  sql (connection, "DROP TABLE IF EXISTS \"t\"\"\"\"t\"");
  for (guint i = 0; i < G_N_ELEMENTS (variant->setup) && variant->setup[i] != NULL; i++)
    sql (connection, variant->setup[i]);
}

/* RETURNING id, or id and y */
static CupelStatement *
make_insert (const char *name,
             gboolean    key_alone)
{
  g_autoptr(CupelTable) table = cupel_table_new (name);
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *x = cupel_column_new ("x", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *y = cupel_column_new ("y", cupel_sql_type_new (CUPEL_SQL_TEXT));
  CupelInsert *insert;

  cupel_table_add_column (table, id);
  cupel_table_add_column (table, x);
  cupel_table_add_column (table, y);
  insert = cupel_insert_new (table);
  cupel_insert_add_column (insert, x);
  cupel_insert_returning (insert, cupel_column_expression (id));
  if (!key_alone)
    cupel_insert_returning (insert, cupel_column_expression (y));
  return CUPEL_STATEMENT (insert);
}

static void
append_rows (GString     *text,
             CupelResult *result)
{
  while (cupel_result_step (result))
    {
      g_string_append_printf (text, "%" G_GINT64_FORMAT, cupel_result_get_int64 (result, 0));
      if (cupel_result_is_null (result, 0))
        g_string_append (text, " (null)");
      for (guint i = 1; i < cupel_result_get_n_columns (result); i++)
        g_string_append_printf (text, " %s", cupel_result_get_string (result, i));
      g_string_append_c (text, '\n');
    }
}

static char *
one_by_one (CupelConnection *connection,
            CupelStatement  *insert)
{
  GString *text = g_string_new (NULL);

  for (guint i = 1; i <= N_SETS; i++)
    {
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(GError) error = NULL;

      cupel_parameters_set_int64 (parameters, "x", i);
      result = cupel_connection_execute (connection, insert, parameters, NULL, &error);
      g_assert_no_error (error);
      append_rows (text, result);
    }
  return g_string_free (text, FALSE);
}

static CupelResult *
all_at_once (CupelConnection  *connection,
             CupelStatement   *insert,
             GError          **error)
{
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();

  for (guint i = 1; i <= N_SETS; i++)
    {
      cupel_parameters_set_int64 (parameters, "x", i);
      cupel_parameters_next (parameters);
    }
  return cupel_connection_execute_many (connection, insert, parameters, NULL, error);
}

static void
test_variant (gconstpointer data)
{
  const Variant *variant = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new ("sqlite://", &error);
  g_autoptr(CupelConnection) connection = NULL;

  g_assert_no_error (error);
  connection = cupel_engine_connect (engine, NULL, &error);
  g_assert_no_error (error);

  for (guint key_alone = 0; key_alone < 2; key_alone++)
    {
      g_autoptr(CupelStatement) insert = make_insert (variant->table, key_alone);
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(GString) got = g_string_new (NULL);
      g_autofree char *expected = NULL;

      set_up (connection, variant);
      if (variant->fails)
        {
          result = all_at_once (connection, insert, &error);
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
          g_assert_nonnull (strstr (error->message, "Set 2 of 150 returned 0 rows"));
          g_clear_error (&error);
          continue;
        }
      expected = one_by_one (connection, insert);
      set_up (connection, variant);
      result = all_at_once (connection, insert, &error);
      g_assert_no_error (error);
      /* SQLite counts no rows of a view. */
      g_assert_cmpint (cupel_result_get_row_count (result), ==, strcmp (variant->table, "v") == 0 ? 0 : N_SETS);
      append_rows (got, result);
      g_assert_cmpstr (got->str, ==, expected);
      g_assert_cmpuint (strlen (expected), >, N_SETS);
    }
  g_assert_true (cupel_connection_rollback (connection, NULL, &error));
  g_assert_no_error (error);
}

/* What was found out of a table is found out again when the schema changes, whoever changes it. */
static void
test_changes (void)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("cupel-returning-XXXXXX", &error);
  g_autofree char *file = g_build_filename (folder, "changes.db", NULL);
  g_autofree char *url = g_strconcat ("sqlite:///", file, NULL);
  g_autoptr(CupelEngine) engine = cupel_engine_new (url, &error);
  g_autoptr(CupelStatement) insert = make_insert ("t", FALSE);
  CupelConnection *connection = cupel_engine_connect (engine, NULL, &error);
  CupelConnection *other = cupel_engine_connect (engine, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (variants); i++)
    {
      const Variant *variant = &variants[(i * 7) % G_N_ELEMENTS (variants)];
      CupelConnection *changing = i % 2 == 0 || strstr (variant->name, "temporary") != NULL ? connection : other;
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(GString) got = g_string_new (NULL);
      g_autofree char *expected = NULL;

      if (strcmp (variant->table, "t") != 0 || variant->fails)
        continue;
      sql (connection, "DROP TRIGGER IF EXISTS temp.tt");
      sql (connection, "DROP TABLE IF EXISTS temp.t");
      g_assert_true (cupel_connection_commit (connection, NULL, &error));
      set_up (changing, variant);
      g_assert_true (cupel_connection_commit (changing, NULL, &error));

      result = all_at_once (connection, insert, &error);
      g_assert_no_error (error);
      append_rows (got, result);
      g_assert_true (cupel_connection_rollback (connection, NULL, &error));
      expected = one_by_one (connection, insert);
      g_assert_true (cupel_connection_rollback (connection, NULL, &error));
      g_assert_cmpstr (got->str, ==, expected);
    }

  g_assert_true (cupel_connection_close (connection, NULL, &error));
  g_assert_true (cupel_connection_close (other, NULL, &error));
  g_assert_true (cupel_engine_dispose (engine, NULL, &error));
  g_assert_no_error (error);
  g_object_unref (connection);
  g_object_unref (other);
  g_assert_cmpint (g_remove (file), ==, 0);
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* A set in the middle that is refused takes all others with it, and the error is that of the statement. */
static void
test_fails (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new ("sqlite://", &error);
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, &error);
  g_autoptr(CupelStatement) insert = make_insert ("t", FALSE);
  g_autoptr(CupelText) count = cupel_text_new ("SELECT count(*) FROM t");
  g_autoptr(CupelResult) result = NULL;

  g_assert_no_error (error);
  sql (connection, "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT CHECK (x < 120), y TEXT DEFAULT 'd')");
  sql (connection, "INSERT INTO t (x) VALUES (0)");
  g_assert_null (all_at_once (connection, insert, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CHECK);
  g_clear_error (&error);
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (count), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, 1);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++)
    {
      g_autofree char *path = g_strconcat ("/sqlite/returning/", variants[i].name, NULL);

      g_test_add_data_func (path, &variants[i], test_variant);
    }
  g_test_add_func ("/sqlite/returning/changes", test_changes);
  g_test_add_func ("/sqlite/returning/fails", test_fails);

  return g_test_run ();
}
