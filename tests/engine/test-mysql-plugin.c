/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The module as it is loaded. */

#include <cupel-dialect.h>

static void
test_other_name (void)
{
  g_autoptr(GError) error = NULL;
  GType mysql = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mysql", CUPEL_TYPE_DIALECT, &error);
  GType mariadb = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mariadb", CUPEL_TYPE_DIALECT, &error);

  g_assert_no_error (error);
  g_assert_true (mysql == mariadb);
  g_assert_true (g_type_is_a (mysql, CUPEL_TYPE_DIALECT));
}

static gint64
run_sql (CupelConnection *connection,
         const char      *sql,
         GError         **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);

  return result != NULL && cupel_result_step (result) ? cupel_result_get_int64 (result, 0) : 0;
}

static gint64
query (CupelConnection *connection,
       const char      *sql)
{
  g_autoptr(GError) error = NULL;
  gint64 number = run_sql (connection, sql, &error);

  g_assert_no_error (error);
  return number;
}

static const char questions[] = "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                "WHERE variable_name = 'QUESTIONS'";

/* What raw SQL left in the session is not there for the next who borrows the connection; and who leaves nothing pays nothing for it. */
static gboolean
borrow (gpointer       data,
        GCancellable  *cancellable,
        GError       **error)
{
  static const struct { const char *left; const char *visible; const char *fails; } cases[] = {
    { "SET @left_in_pool = 1", "SELECT @left_in_pool IS NOT NULL", NULL },
    { "SET SESSION group_concat_max_len = 77", "SELECT @@group_concat_max_len = 77", NULL },
    { "CREATE TEMPORARY TABLE left_in_pool (id INT)", NULL, "SELECT * FROM left_in_pool" },
    { "SELECT GET_LOCK('cupel-left-in-pool', 5)", "SELECT IS_USED_LOCK('cupel-left-in-pool') IS NOT NULL", NULL },
    { "LOCK TABLES pool_left WRITE", NULL, NULL },
    { "SELECT 1", NULL, NULL },
  };
  g_autoptr(CupelEngine) engine = cupel_engine_new (g_getenv ("CUPEL_TEST_MYSQL_URL"), error);
  gint64 id = 0;

  g_assert_nonnull (engine);
  g_object_set (engine, "pool-size", 1, "max-overflow", 0, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelConnection) first = cupel_engine_connect (engine, NULL, error);
      g_autoptr(CupelConnection) second = NULL;
      gint64 n_questions;

      g_assert_nonnull (first);
      if (i == 0)
        {
          id = query (first, "SELECT connection_id()");
          query (first, "CREATE TABLE IF NOT EXISTS pool_left (id INT) ENGINE=InnoDB");
        }
      query (first, cases[i].left);
      if (cases[i].visible != NULL)
        g_assert_cmpint (query (first, cases[i].visible), ==, 1);
      for (guint k = 0; k < 10; k++)
        query (first, cases[i].fails != NULL ? cases[i].fails : "SELECT 1");
      n_questions = query (first, questions);
      g_assert_true (cupel_connection_close (first, NULL, error));

      second = cupel_engine_connect (engine, NULL, error);
      g_assert_nonnull (second);
      g_assert_cmpint (query (second, "SELECT connection_id()"), ==, id);
      if (cases[i].visible != NULL)
        g_assert_cmpint (query (second, cases[i].visible), ==, 0);
      if (cases[i].fails != NULL)
        {
          g_autoptr(GError) gone = NULL;

          run_sql (second, cases[i].fails, &gone);
          g_assert_nonnull (gone);
        }
      /* begins anew with a reset; else ROLLBACK and these two have come */
      if (i + 1 < G_N_ELEMENTS (cases))
        g_assert_cmpint (query (second, questions), <, n_questions);
      else
        g_assert_cmpint (query (second, questions) - n_questions, <=, 4);
      if (i + 1 == G_N_ELEMENTS (cases))
        query (second, "DROP TABLE pool_left");
      g_assert_true (cupel_connection_close (second, NULL, error));
    }
  return TRUE;
}

static void
test_pool (void)
{
  g_autoptr(GError) error = NULL;

  if (g_getenv ("CUPEL_TEST_MYSQL_URL") == NULL)
    {
      g_test_skip ("CUPEL_TEST_MYSQL_URL is not set");
      return;
    }
  cupel_run (borrow, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/engine/mysql/plugin/other-name", test_other_name);
  g_test_add_func ("/engine/mysql/plugin/pool", test_pool);
  return g_test_run ();
}
