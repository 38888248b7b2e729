/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql-fixture.h"

static CupelTable *
make_table (CupelMetadata *metadata,
            const char    *name,
            ...)
{
  CupelTable *table = cupel_table_new (name);
  const char *target;
  GError *error = NULL;
  va_list args;

  cupel_column_set_primary_key (add_column (table, "id", cupel_sql_type_new (CUPEL_SQL_INT64)), TRUE);
  va_start (args, name);
  while ((target = va_arg (args, const char *)) != NULL)
    {
      g_autofree char *column = g_strdup_printf ("%s_id", target);
      g_autofree char *key = g_strdup_printf ("%s.id", target);

      cupel_column_set_foreign_key (add_column (table, column, cupel_sql_type_new (CUPEL_SQL_NULL)), key);
    }
  va_end (args);
  cupel_metadata_add_table (metadata, table, &error);
  g_assert_no_error (error);
  g_object_unref (table);

  return table;
}

static char *
join_names (GPtrArray *tables)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < tables->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? " " : "", cupel_table_get_name (g_ptr_array_index (tables, i)));

  return g_string_free (names, FALSE);
}

static void
check_sorted (CupelMetadata *metadata,
              const char    *expected)
{
  GError *error = NULL;
  g_autoptr(GPtrArray) tables = cupel_metadata_get_sorted_tables (metadata, &error);
  g_autofree char *names = NULL;

  g_assert_no_error (error);
  names = join_names (tables);
  g_assert_cmpstr (names, ==, expected);
}

static void
test_sorted (void)
{
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();

  check_sorted (metadata, "");
  make_table (metadata, "line", "order", "item", NULL);
  make_table (metadata, "zebra", NULL);
  make_table (metadata, "order", "customer", NULL);
  make_table (metadata, "item", "item", NULL);   /* refers to itself */
  make_table (metadata, "customer", NULL);
  make_table (metadata, "apple", NULL);
  check_sorted (metadata, "zebra item customer order line apple");
}

static void
test_cycle (void)
{
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(GError) error = NULL;

  make_table (metadata, "outside", "x", NULL);
  make_table (metadata, "x", "y", NULL);
  make_table (metadata, "y", "z", NULL);
  make_table (metadata, "z", "x", NULL);
  g_assert_null (cupel_metadata_get_sorted_tables (metadata, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING);
  g_assert_nonnull (strstr (error->message, "\"x\", \"y\", \"z\""));
  g_assert_null (strstr (error->message, "outside"));
}

static void
test_unknown_target (void)
{
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(GError) error = NULL;

  make_table (metadata, "x", "nowhere", NULL);
  g_assert_null (cupel_metadata_get_sorted_tables (metadata, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING);
  g_assert_nonnull (strstr (error->message, "x.nowhere_id"));
  g_assert_nonnull (strstr (error->message, "nowhere.id"));
}

static void
test_metadata (void)
{
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(CupelMetadata) other = cupel_metadata_new ();
  CupelTable *table = make_table (metadata, "x", NULL);
  g_autoptr(CupelTable) same = cupel_table_new ("x");
  g_autoptr(CupelTable) alias = cupel_table_new_alias (table, "y");
  GError *error = NULL;

  g_assert_true (cupel_metadata_get_table (metadata, "x") == table);
  g_assert_null (cupel_metadata_get_table (metadata, "z"));
  g_assert_false (cupel_metadata_add_table (metadata, same, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING);
  g_clear_error (&error);
  g_assert_true (cupel_metadata_add_table (other, table, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_metadata_get_table (other, "x") == table);
  g_assert_false (cupel_metadata_add_table (metadata, alias, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING);
  g_clear_error (&error);
}

static void
test_columns (SqlFixture    *fixture,
              gconstpointer  data)
{
  CupelColumn *id = cupel_table_get_column (fixture->a, "id");
  CupelColumn *a_id = cupel_table_get_column (fixture->b, "a_id");

  g_assert_cmpuint (cupel_table_get_n_columns (fixture->a), ==, 4);
  g_assert_true (cupel_table_get_nth_column (fixture->a, 0) == id);
  g_assert_cmpuint (cupel_column_get_position (a_id), ==, 1);
  g_assert_true (cupel_column_get_table (id) == fixture->a);
  g_assert_null (cupel_table_get_column (fixture->a, "none"));

  g_assert_true (cupel_column_get_foreign_column (a_id) == id);
  g_assert_cmpstr (cupel_column_get_foreign_key (a_id), ==, "a.id");
  g_assert_cmpint (cupel_sql_type_get_kind (cupel_column_get_sql_type (a_id)), ==, CUPEL_SQL_INT64);
  g_assert_false (cupel_column_get_nullable (id));
  g_assert_true (cupel_column_get_nullable (a_id));
  cupel_column_set_on_delete (a_id, "set null");
  g_assert_cmpstr (cupel_column_get_on_delete (a_id), ==, "SET NULL");

  /* without its metadata a table does not know its neighbours */
  g_clear_object (&fixture->metadata);
  g_assert_null (cupel_column_get_foreign_column (a_id));
  g_assert_cmpint (cupel_sql_type_get_kind (cupel_column_get_sql_type (a_id)), ==, CUPEL_SQL_NULL);
}

static void
test_autoincrement (void)
{
  g_autoptr(CupelTable) table = cupel_table_new ("t");
  CupelColumn *id = add_column (table, "id", cupel_sql_type_new (CUPEL_SQL_INT32));
  CupelColumn *other = add_column (table, "other", cupel_sql_type_new (CUPEL_SQL_INT32));

  g_assert_false (cupel_column_get_autoincrement (id));
  cupel_column_set_primary_key (id, TRUE);
  g_assert_true (cupel_column_get_autoincrement (id));
  cupel_column_set_primary_key (other, TRUE);
  g_assert_false (cupel_column_get_autoincrement (id));
  cupel_column_set_primary_key (other, FALSE);
  cupel_column_set_server_default (id, cupel_literal_int64 (5));
  g_assert_false (cupel_column_get_autoincrement (id));
  cupel_column_set_server_default (id, NULL);
  cupel_column_set_foreign_key (id, "x.id");
  g_assert_false (cupel_column_get_autoincrement (id));
  cupel_column_set_autoincrement (id, TRUE);
  g_assert_true (cupel_column_get_autoincrement (id));
}

static void
test_caller_errors (SqlFixture    *fixture,
                    gconstpointer  data)
{
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*has a column \"id\" already*");
  cupel_table_add_column (fixture->a, cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_TEXT)));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*has no column \"none\"*");
  g_assert_null (A ("none"));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*dot*");
  cupel_column_set_foreign_key (cupel_table_get_column (fixture->a, "n"), "nodot");
  g_test_assert_expected_messages ();
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*EXPLODE*");
  cupel_column_set_on_delete (cupel_table_get_column (fixture->b, "a_id"), "EXPLODE");
  g_test_assert_expected_messages ();
}

static void
test_life (void)
{
  CupelTable *table = cupel_table_new ("t");
  CupelColumn *column = g_object_ref (add_column (table, "x", cupel_sql_type_new (CUPEL_SQL_TEXT)));
  CupelExpression *expression = cupel_table_c (table, "x");

  /* an expression keeps its table */
  g_object_unref (table);
  g_assert_true (cupel_column_get_table (column) == table);
  cupel_expression_unref (expression);
  g_assert_null (cupel_column_get_table (column));
  g_object_unref (column);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sql/schema/sorted", test_sorted);
  g_test_add_func ("/sql/schema/cycle", test_cycle);
  g_test_add_func ("/sql/schema/unknown-target", test_unknown_target);
  g_test_add_func ("/sql/schema/metadata", test_metadata);
  g_test_add ("/sql/schema/columns", SqlFixture, NULL, sql_fixture_set_up, test_columns, sql_fixture_tear_down);
  g_test_add_func ("/sql/schema/autoincrement", test_autoincrement);
  g_test_add ("/sql/schema/caller-errors", SqlFixture, NULL, sql_fixture_set_up, test_caller_errors, sql_fixture_tear_down);
  g_test_add_func ("/sql/schema/life", test_life);

  return g_test_run ();
}
