/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The SQL of the SQLite dialect, compiled and executed. */

#include "sqlite-fixture.h"

/* ---- SQL ---- */

/* Compiles and executes; the values of the literals in the order in which they stand. */
static void
run_statement (CupelDriverConnection *connection,
               CupelStatement        *statement,
               CupelReply            *reply,
               ...)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, statement, &error);
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_value_unref);
  g_autoptr(GPtrArray) cells = g_ptr_array_new ();
  CupelRequest request = { .compiled = compiled };
  CupelValue *value;
  va_list args;

  g_assert_no_error (error);
  va_start (args, reply);
  while ((value = va_arg (args, CupelValue *)) != NULL)
    {
      g_ptr_array_add (values, value);
      g_ptr_array_add (cells, (gpointer) cupel_value_get_cell (value));
    }
  va_end (args);
  request.literals = (const CupelCell *const *) cells->pdata;
  g_assert_cmpuint (compiled->n_slots, ==, cells->len);

  cupel_driver_connection_execute (connection, &request, reply, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (statement);
}

static CupelTable *
make_table (void)
{
  CupelTable *table = cupel_table_new ("t \"1\"");
  CupelColumn *column;

  column = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_column_set_primary_key (column, TRUE);
  cupel_table_add_column (table, column);
  column = cupel_column_new ("name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));
  cupel_column_set_nullable (column, FALSE);
  cupel_column_set_unique (column, TRUE);
  cupel_table_add_column (table, column);
  cupel_table_add_column (table, cupel_column_new ("price", cupel_sql_type_new_numeric (30, 2)));
  column = cupel_column_new ("created", cupel_sql_type_new (CUPEL_SQL_DATETIME));
  cupel_column_set_server_default (column, cupel_func ("now", NULL));
  cupel_table_add_column (table, column);
  column = cupel_column_new ("flag", cupel_sql_type_new (CUPEL_SQL_BOOLEAN));
  cupel_column_set_server_default (column, cupel_literal_boolean (TRUE));
  cupel_table_add_column (table, column);
  column = cupel_column_new ("note", cupel_sql_type_new (CUPEL_SQL_TEXT));
  cupel_column_set_server_default (column, cupel_literal_string ("it's"));
  cupel_table_add_column (table, column);
  cupel_table_add_column (table, cupel_column_new ("parent", cupel_sql_type_new (CUPEL_SQL_INT64)));
  return table;
}

static void
test_schema (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelTable) table = make_table ();
  CupelInsert *insert = cupel_insert_new (table);
  CupelSelect *select = cupel_select_new_from_table (table);
  g_auto(CupelReply) created = { 0 };
  g_auto(CupelReply) inserted = { 0 };
  g_auto(CupelReply) selected = { 0 };
  const CupelCell *cells;
  static const struct { const char *column; const char *type; } declared[] = {
    { "id", "INTEGER" }, { "name", "VARCHAR(50)" }, { "price", "DECIMAL_TEXT(30, 2)" }, { "created", "DATETIME" },
    { "flag", "BOOLEAN" }, { "note", "TEXT" }, { "parent", "INTEGER" },
  };

  run_statement (connection, CUPEL_STATEMENT (cupel_create_table_new (table)), &created, NULL);
  g_assert_cmpint (created.row_count, ==, -1);

  cupel_insert_set (insert, "name", cupel_literal_string ("n"));
  cupel_insert_set (insert, "price", cupel_literal_int64 (7));
  cupel_insert_returning (insert, cupel_table_c (table, "id"));
  run_statement (connection, CUPEL_STATEMENT (insert), &inserted, cupel_value_new_string ("n"), cupel_value_new_int64 (7), NULL);
  g_assert_cmpint (first_row (&inserted)->v.i64, ==, 1);
  g_assert_null (inserted.column_names);
  g_assert_cmpint (inserted.row_count, ==, 1);

  run_statement (connection, CUPEL_STATEMENT (select), &selected, NULL);
  cells = first_row (&selected);
  g_assert_cmpuint (selected.n_columns, ==, 7);
  g_assert_cmpint (cells[0].v.i64, ==, 1);
  g_assert_cmpstr (cells[1].v.text, ==, "n");
  g_assert_cmpint (cells[2].kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (cells[2].v.text, ==, "7.00");
  g_assert_cmpint (cells[3].kind, ==, CUPEL_CELL_DATETIME);
  g_assert_cmpint (cells[4].kind, ==, CUPEL_CELL_BOOLEAN);
  g_assert_cmpint (cells[4].v.i64, ==, 1);
  g_assert_cmpstr (cells[5].v.text, ==, "it's");
  g_assert_cmpint (cells[6].kind, ==, CUPEL_CELL_NULL);

  for (guint i = 0; i < G_N_ELEMENTS (declared); i++)
    {
      g_autofree char *text = g_strdup_printf ("SELECT count(*) FROM pragma_table_info('t \"1\"') WHERE name = '%s' AND type = '%s'",
                                               declared[i].column, declared[i].type);

      g_assert_cmpint (scalar (connection, text), ==, 1);
    }
  /* No second index for the key. */
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM sqlite_master WHERE type = 'index'"), ==, 1);
  close_it (connection);
}

static void
test_existing_tables (void)
{
  static const char *const names[] = { "A", "b'c", "missing", "temporary", "v", NULL };
  static const char *const none[] = { NULL };
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(GPtrArray) many = g_ptr_array_new_with_free_func (g_free);
  g_auto(CupelReply) reply = { 0 };
  g_auto(CupelReply) nothing = { 0 };
  g_auto(CupelReply) all = { 0 };
  CupelRowBlock *block;

  sql (connection, "CREATE TABLE a (x)");
  sql (connection, "CREATE TABLE \"b'c\" (x)");
  sql (connection, "CREATE TEMP TABLE temporary (x)");
  sql (connection, "CREATE VIEW v AS SELECT 1");
  run_statement (connection, cupel_dialect_existing_tables (dialect, names), &reply, NULL);
  g_assert_cmpuint (reply.blocks->len, ==, 1);
  block = g_ptr_array_index (reply.blocks, 0);
  g_assert_cmpuint (block->n_rows, ==, 3);
  g_assert_cmpstr (cupel_row_block_get_row (block, 0)->v.text, ==, "A");
  g_assert_cmpstr (cupel_row_block_get_row (block, 1)->v.text, ==, "b'c");
  g_assert_cmpstr (cupel_row_block_get_row (block, 2)->v.text, ==, "temporary");

  run_statement (connection, cupel_dialect_existing_tables (dialect, none), &nothing, NULL);
  g_assert_cmpuint (nothing.blocks->len, ==, 0);

  for (guint i = 0; i < 2000; i++)
    g_ptr_array_add (many, g_strdup (i == 1000 ? "a" : "nowhere"));
  g_ptr_array_add (many, NULL);
  run_statement (connection, cupel_dialect_existing_tables (dialect, (const char *const *) many->pdata), &all, NULL);
  g_assert_cmpuint (((CupelRowBlock *) g_ptr_array_index (all.blocks, 0))->n_rows, ==, 1);
  close_it (connection);
}

static void
test_expressions (void)
{
  CupelDriverConnection *connection = open_memory ();
  CupelSelect *select = cupel_select_new ();
  g_autoptr(CupelTable) table = make_table ();
  CupelSelect *page = cupel_select_new ();
  g_auto(CupelReply) created = { 0 };
  g_auto(CupelReply) reply = { 0 };
  g_auto(CupelReply) paged = { 0 };
  const CupelCell *cells;

  run_statement (connection, CUPEL_STATEMENT (cupel_create_table_new (table)), &created, NULL);
  sql (connection, "INSERT INTO \"t \"\"1\"\"\" (name) VALUES ('a'), ('b'), ('c')");

  cupel_select_add_column (select, cupel_divide (cupel_literal_int64 (1), cupel_literal_int64 (4)));
  cupel_select_add_column (select, cupel_concat (cupel_literal_string ("a"), cupel_literal_string ("b")));
  cupel_select_add_column (select, cupel_multiply (cupel_literal_int64 (3), cupel_add (cupel_literal_int64 (1), cupel_literal_int64 (1))));
  cupel_select_add_column (select, cupel_divide (cupel_literal_int64 (8), cupel_divide (cupel_literal_int64 (4), cupel_literal_int64 (2))));
  run_statement (connection, CUPEL_STATEMENT (select), &reply,
                 cupel_value_new_int64 (1), cupel_value_new_int64 (4), cupel_value_new_string ("a"), cupel_value_new_string ("b"),
                 cupel_value_new_int64 (3), cupel_value_new_int64 (1), cupel_value_new_int64 (1),
                 cupel_value_new_int64 (8), cupel_value_new_int64 (4), cupel_value_new_int64 (2), NULL);
  cells = first_row (&reply);
  g_assert_cmpfloat (cells[0].v.f64, ==, 0.25);
  g_assert_cmpstr (cells[1].v.text, ==, "ab");
  g_assert_cmpint (cells[2].v.i64, ==, 6);
  g_assert_cmpfloat (cells[3].v.f64, ==, 4.0);

  /* OFFSET without LIMIT */
  cupel_select_add_column (page, cupel_table_c (table, "name"));
  cupel_select_order_by (page, cupel_table_c (table, "id"));
  cupel_select_offset (page, 2);
  run_statement (connection, CUPEL_STATEMENT (page), &paged, cupel_value_new_int64 (2), NULL);
  g_assert_cmpstr (first_row (&paged)->v.text, ==, "c");
  close_it (connection);
}

/* Exact decimals are stored as text, and compare and sort as numbers all the same. */
static void
test_decimals (void)
{
  static const char *const stored[] = { "9.00", "10.00", "100.00", "-5.00", "2.50" };
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelTable) table = make_table ();
  CupelSelect *sorted = cupel_select_new ();
  CupelSelect *above = cupel_select_new ();
  CupelSelect *between = cupel_select_new ();
  CupelSelect *equal = cupel_select_new ();
  CupelSelect *largest = cupel_select_new ();
  g_auto(CupelReply) created = { 0 };
  g_auto(CupelReply) rows = { 0 };
  g_auto(CupelReply) n_above = { 0 };
  g_auto(CupelReply) n_between = { 0 };
  g_auto(CupelReply) n_equal = { 0 };
  g_auto(CupelReply) maximum = { 0 };
  static const char *const order[] = { "100.00", "10.00", "9.00", "2.50", "-5.00" };
  CupelRowBlock *block;

  run_statement (connection, CUPEL_STATEMENT (cupel_create_table_new (table)), &created, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (stored); i++)
    {
      g_autofree char *text = g_strdup_printf ("INSERT INTO \"t \"\"1\"\"\" (name, price) VALUES ('n%u', '%s')", i, stored[i]);

      sql (connection, text);
    }

  cupel_select_add_column (sorted, cupel_table_c (table, "price"));
  cupel_select_order_by (sorted, cupel_desc (cupel_table_c (table, "price")));
  run_statement (connection, CUPEL_STATEMENT (sorted), &rows, NULL);
  block = g_ptr_array_index (rows.blocks, 0);
  g_assert_cmpuint (block->n_rows, ==, 5);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_cmpint (cupel_row_block_get_row (block, i)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpstr (cupel_row_block_get_row (block, i)->v.text, ==, order[i]);
    }

  cupel_select_add_column (above, cupel_count (NULL));
  cupel_select_where (above, cupel_gt (cupel_table_c (table, "price"), cupel_literal_int64 (9)));
  run_statement (connection, CUPEL_STATEMENT (above), &n_above, cupel_value_new_int64 (9), NULL);
  g_assert_cmpint (first_row (&n_above)->v.i64, ==, 2);

  cupel_select_add_column (between, cupel_count (NULL));
  cupel_select_where (between, cupel_between (cupel_table_c (table, "price"), cupel_literal_int64 (-6), cupel_literal_int64 (10)));
  run_statement (connection, CUPEL_STATEMENT (between), &n_between, cupel_value_new_int64 (-6), cupel_value_new_int64 (10), NULL);
  g_assert_cmpint (first_row (&n_between)->v.i64, ==, 4);

  cupel_select_add_column (equal, cupel_count (NULL));
  cupel_select_where (equal, cupel_eq (cupel_table_c (table, "price"), cupel_literal_double (2.5)));
  cupel_select_where (equal, cupel_eq (cupel_table_c (table, "price"), cupel_literal_string ("2.5")));
  run_statement (connection, CUPEL_STATEMENT (equal), &n_equal, cupel_value_new_double (2.5), cupel_value_new_string ("2.5"), NULL);
  g_assert_cmpint (first_row (&n_equal)->v.i64, ==, 1);

  cupel_select_add_column (largest, cupel_func ("max", cupel_table_c (table, "price"), NULL));
  run_statement (connection, CUPEL_STATEMENT (largest), &maximum, NULL);
  g_assert_cmpint (first_row (&maximum)->kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (first_row (&maximum)->v.text, ==, "100.00");
  close_it (connection);
}

int
main (int   argc,
      char *argv[])
{
  static const SqliteTest tests[] = {
    { "/sqlite/sql/schema", test_schema },
    { "/sqlite/sql/existing-tables", test_existing_tables },
    { "/sqlite/sql/expressions", test_expressions },
    { "/sqlite/sql/decimals", test_decimals },
  };

  sqlite_test_init (&argc, &argv);
  return sqlite_test_run (tests, G_N_ELEMENTS (tests));
}
