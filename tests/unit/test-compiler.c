/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What statements compile to. */

#include "dollar-compiler.h"

#define ALL_A "\"a\".\"id\", \"a\".\"data\", \"a\".\"n\", \"a\".\"create_date\""

static void
test_select (SqlFixture    *fixture,
             gconstpointer  data)
{
  CupelSelect *select;

  check_sql (fixture, cupel_select_new_from_table (fixture->a), "SELECT " ALL_A " FROM \"a\"");

  select = cupel_select_new_from_table (fixture->a);
  cupel_select_where (select, cupel_eq (A ("id"), cupel_bind ("id", NULL)));
  cupel_select_where (select, cupel_or (cupel_is_null (A ("n")), cupel_gt (A ("n"), cupel_literal_int64 (3))));
  cupel_select_order_by (select, A ("n"));
  cupel_select_order_by (select, cupel_desc (A ("id")));
  cupel_select_order_by (select, cupel_asc (A ("data")));
  cupel_select_limit (select, 10);
  cupel_select_offset (select, 20);
  check_sql (fixture, select,
             "SELECT " ALL_A " FROM \"a\" WHERE \"a\".\"id\" = ? AND (\"a\".\"n\" IS NULL OR \"a\".\"n\" > ?) "
             "ORDER BY \"a\".\"n\", \"a\".\"id\" DESC, \"a\".\"data\" ASC LIMIT ? OFFSET ?");

  select = cupel_select_new ();
  cupel_select_distinct (select, TRUE);
  cupel_select_add_column (select, A ("data"));
  cupel_select_add_column (select, cupel_label (cupel_count (NULL), "how many"));
  cupel_select_group_by (select, A ("data"));
  cupel_select_having (select, cupel_gt (cupel_count (NULL), cupel_literal_int64 (1)));
  cupel_select_having (select, cupel_lt (cupel_count (NULL), cupel_literal_int64 (9)));
  cupel_select_order_by (select, cupel_desc (cupel_label (cupel_count (NULL), "how many")));
  check_sql (fixture, select,
             "SELECT DISTINCT \"a\".\"data\", count(*) AS \"how many\" FROM \"a\" GROUP BY \"a\".\"data\" "
             "HAVING count(*) > ? AND count(*) < ? ORDER BY \"how many\" DESC");

  /* no table at all */
  select = cupel_select_new ();
  cupel_select_add_column (select, cupel_literal_int64 (1));
  check_sql (fixture, select, "SELECT ?");

  /* the limit is gone again */
  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_limit (select, 5);
  cupel_select_limit (select, -1);
  check_sql (fixture, select, "SELECT \"a\".\"id\" FROM \"a\"");

  check_error (fixture, cupel_select_new (), CUPEL_ERROR_PROGRAMMING, "no columns");
  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_where (select, cupel_desc (A ("id")));
  check_error (fixture, select, CUPEL_ERROR_PROGRAMMING, "ORDER BY");
}

static void
test_from (SqlFixture    *fixture,
           gconstpointer  data)
{
  g_autoptr(CupelTable) c = cupel_table_new ("c");
  g_autoptr(CupelTable) parent = cupel_table_new_alias (fixture->a, "parent");
  CupelSelect *select;
  CupelColumn *column;

  column = add_column (c, "x", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_column_set_foreign_key (column, "a.id");
  column = add_column (c, "y", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_column_set_foreign_key (column, "a.id");

  select = cupel_select_new ();
  cupel_select_add_column (select, B ("id"));
  cupel_select_where (select, cupel_eq (A ("id"), B ("a_id")));
  check_sql (fixture, select, "SELECT \"b\".\"id\" FROM \"b\", \"a\" WHERE \"a\".\"id\" = \"b\".\"a_id\"");

  select = cupel_select_new ();
  cupel_select_add_column (select, cupel_count (NULL));
  cupel_select_from (select, fixture->a);
  check_sql (fixture, select, "SELECT count(*) FROM \"a\"");

  /* by the foreign key, from either side */
  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_add_column (select, B ("id"));
  cupel_select_join (select, fixture->b, NULL);
  check_sql (fixture, select,
             "SELECT \"a\".\"id\", \"b\".\"id\" FROM \"a\" JOIN \"b\" ON \"a\".\"id\" = \"b\".\"a_id\"");
  select = cupel_select_new ();
  cupel_select_add_column (select, B ("id"));
  cupel_select_outer_join (select, fixture->a, NULL);
  check_sql (fixture, select,
             "SELECT \"b\".\"id\" FROM \"b\" LEFT OUTER JOIN \"a\" ON \"a\".\"id\" = \"b\".\"a_id\"");

  /* said; the left side comes from the condition */
  select = cupel_select_new ();
  cupel_select_add_column (select, B ("id"));
  cupel_select_join (select, fixture->b, cupel_and (cupel_eq (A ("id"), B ("a_id")), cupel_eq (A ("n"), cupel_literal_int64 (1))));
  check_sql (fixture, select,
             "SELECT \"b\".\"id\" FROM \"a\" JOIN \"b\" ON \"a\".\"id\" = \"b\".\"a_id\" AND \"a\".\"n\" = ?");

  /* none, two, nothing to join to */
  select = cupel_select_new ();
  cupel_select_add_column (select, B ("id"));
  cupel_select_join (select, c, NULL);
  check_error (fixture, select, CUPEL_ERROR_PROGRAMMING, "no foreign key between \"c\" and \"b\"");
  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_join (select, c, NULL);
  check_error (fixture, select, CUPEL_ERROR_PROGRAMMING, "2 foreign keys between \"c\" and \"a\"");
  select = cupel_select_new ();
  cupel_select_add_column (select, B ("id"));
  cupel_select_join (select, fixture->b, NULL);
  check_error (fixture, select, CUPEL_ERROR_PROGRAMMING, "\"b\" could be joined to");

  /* several tables before a join */
  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_from (select, c);
  cupel_select_join (select, fixture->b, NULL);
  check_sql (fixture, select,
             "SELECT \"a\".\"id\" FROM \"c\" CROSS JOIN \"a\" JOIN \"b\" ON \"a\".\"id\" = \"b\".\"a_id\"");

  /* a table twice */
  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_add_column (select, cupel_table_c (parent, "data"));
  cupel_select_where (select, cupel_eq (A ("n"), cupel_table_c (parent, "id")));
  check_sql (fixture, select,
             "SELECT \"a\".\"id\", \"parent\".\"data\" FROM \"a\", \"a\" AS \"parent\" WHERE \"a\".\"n\" = \"parent\".\"id\"");
  select = cupel_select_new ();
  cupel_select_add_column (select, B ("id"));
  cupel_select_join (select, parent, NULL);
  check_sql (fixture, select,
             "SELECT \"b\".\"id\" FROM \"b\" JOIN \"a\" AS \"parent\" ON \"parent\".\"id\" = \"b\".\"a_id\"");
}

static void
test_insert (SqlFixture    *fixture,
             gconstpointer  data)
{
  CupelInsert *insert = cupel_insert_new (fixture->a);
  GError *error = NULL;
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autofree char *slots = NULL;
  g_autofree char *multi = NULL;
  g_autofree char *single = NULL;

  cupel_insert_add_column (insert, cupel_table_get_column (fixture->a, "data"));
  cupel_insert_set (insert, "n", cupel_literal_int64 (4));
  cupel_insert_returning (insert, A ("id"));
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) insert, &error);
  g_assert_no_error (error);
  g_assert_cmpint (compiled->kind, ==, CUPEL_COMPILED_INSERT);
  g_assert_cmpstr (compiled->sql, ==, "INSERT INTO \"a\" (\"data\", \"n\") VALUES (?, ?) RETURNING \"id\"");
  g_assert_cmpstr (compiled->insert_prefix, ==, "INSERT INTO \"a\" (\"data\", \"n\") VALUES ");
  g_assert_cmpstr (compiled->insert_suffix, ==, " RETURNING \"id\"");
  g_assert_cmpstr (compiled->table_name, ==, "a");
  g_assert_true (compiled->returns_rows);
  g_assert_cmpuint (compiled->n_columns, ==, 1);
  g_assert_cmpstr (compiled->columns[0].name, ==, "id");
  g_assert_cmpint (cupel_sql_type_get_kind (compiled->columns[0].type), ==, CUPEL_SQL_INT64);
  g_assert_cmpuint (compiled->n_binds, ==, 1);
  g_assert_cmpint (cupel_compiled_find_bind (compiled, "data"), ==, 0);
  g_assert_cmpint (cupel_compiled_find_bind (compiled, "n"), ==, -1);
  slots = describe_slots (compiled);
  g_assert_cmpstr (slots, ==, ":0=8 0=3");
  single = cupel_compiled_dup_multi_insert (compiled, 1);
  g_assert_cmpstr (single, ==, compiled->sql);
  multi = cupel_compiled_dup_multi_insert (compiled, 3);
  g_assert_cmpstr (multi, ==, "INSERT INTO \"a\" (\"data\", \"n\") VALUES (?, ?), (?, ?), (?, ?) RETURNING \"id\"");
  g_object_unref (insert);

  check_sql (fixture, cupel_insert_new (fixture->a), "INSERT INTO \"a\" DEFAULT VALUES");

  insert = cupel_insert_new (fixture->a);
  cupel_insert_set (insert, "create_date", cupel_func ("now", NULL));
  cupel_insert_set (insert, "n", cupel_null ());
  cupel_insert_set (insert, "n", cupel_add (cupel_literal_int64 (1), cupel_literal_int64 (2)));
  check_sql (fixture, insert, "INSERT INTO \"a\" (\"create_date\", \"n\") VALUES (CURRENT_TIMESTAMP, ? + ?)");
}

static void
test_multi_insert (SqlFixture    *fixture,
                   gconstpointer  data)
{
  g_autoptr(CupelInsert) insert = cupel_insert_new (fixture->a);
  g_autoptr(CupelInsert) awkward = cupel_insert_new (fixture->a);
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autoptr(CupelCompiled) other = NULL;
  GError *error = NULL;

  use_dollars (fixture);
  cupel_insert_add_column (insert, cupel_table_get_column (fixture->a, "data"));
  cupel_insert_set (insert, "n", cupel_add (cupel_literal_int64 (1), cupel_bind ("more", NULL)));
  cupel_insert_returning (insert, A ("id"));
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) insert, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (compiled->sql, ==, "INSERT INTO [a] ([data], [n]) VALUES ($1, $2 + $3) RETURNING [id]");

  /* from the two that are kept, and pushed out again */
  for (guint round = 0; round < 2; round++)
    for (guint n = 2; n < 6; n++)
      {
        g_autofree char *sql = cupel_compiled_dup_multi_insert (compiled, n);
        g_autofree char *again = cupel_compiled_dup_multi_insert (compiled, n);
        g_autoptr(GString) expected = g_string_new ("INSERT INTO [a] ([data], [n]) VALUES ");

        for (guint i = 0; i < n; i++)
          g_string_append_printf (expected, "%s($%u, $%u + $%u)", i > 0 ? ", " : "", 3 * i + 1, 3 * i + 2, 3 * i + 3);
        g_string_append (expected, " RETURNING [id]");
        g_assert_cmpstr (sql, ==, expected->str);
        g_assert_cmpstr (again, ==, expected->str);
      }

  /* a parameter behind the group: only one row at a time */
  cupel_insert_add_column (awkward, cupel_table_get_column (fixture->a, "data"));
  cupel_insert_returning (awkward, cupel_add (A ("id"), cupel_literal_int64 (1)));
  other = cupel_compiler_compile (fixture->compiler, (CupelStatement *) awkward, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (other->sql, ==, "INSERT INTO [a] ([data]) VALUES ($1) RETURNING [id] + $2");
  g_assert_null (other->insert_prefix);
  g_assert_null (other->insert_suffix);
}

static void
test_update_and_delete (SqlFixture    *fixture,
                        gconstpointer  data)
{
  g_autoptr(CupelTable) alias = cupel_table_new_alias (fixture->a, "alias");
  g_autoptr(CupelSelect) inner = cupel_select_new ();
  CupelUpdate *update = cupel_update_new (fixture->a);
  CupelDelete *delete_;

  cupel_update_set (update, "data", cupel_bind ("data", NULL));
  cupel_update_set (update, "n", cupel_add (A ("n"), cupel_literal_int64 (1)));
  cupel_update_where (update, cupel_eq (A ("id"), cupel_bind ("key", NULL)));
  cupel_update_where (update, cupel_eq (A ("n"), cupel_literal_int64 (3)));
  cupel_update_returning (update, A ("n"));
  check_sql (fixture, update,
             "UPDATE \"a\" SET \"data\" = ?, \"n\" = \"n\" + ? WHERE \"a\".\"id\" = ? AND \"a\".\"n\" = ? RETURNING \"n\"");

  /* a select inside SET is qualified and correlated */
  cupel_select_add_column (inner, cupel_count (NULL));
  cupel_select_where (inner, cupel_eq (B ("a_id"), A ("id")));
  update = cupel_update_new (fixture->a);
  cupel_update_set (update, "n", cupel_scalar_subquery (inner));
  check_sql (fixture, update,
             "UPDATE \"a\" SET \"n\" = (SELECT count(*) FROM \"b\" WHERE \"b\".\"a_id\" = \"a\".\"id\")");

  check_error (fixture, cupel_update_new (fixture->a), CUPEL_ERROR_PROGRAMMING, "sets nothing");

  check_sql (fixture, cupel_delete_new (fixture->a), "DELETE FROM \"a\"");
  delete_ = cupel_delete_new (fixture->a);
  cupel_delete_where (delete_, cupel_exists (inner));
  cupel_delete_returning (delete_, cupel_label (A ("data"), "gone"));
  check_sql (fixture, delete_,
             "DELETE FROM \"a\" WHERE EXISTS (SELECT count(*) FROM \"b\" WHERE \"b\".\"a_id\" = \"a\".\"id\") "
             "RETURNING \"data\" AS \"gone\"");

  check_error (fixture, cupel_delete_new (alias), CUPEL_ERROR_PROGRAMMING, "alias");
}

static void
test_ddl (SqlFixture    *fixture,
          gconstpointer  data)
{
  g_autoptr(CupelTable) t = cupel_table_new ("t");
  g_autoptr(CupelTable) empty = cupel_table_new ("empty");
  g_autoptr(CupelTable) lost = cupel_table_new ("lost");
  g_autoptr(CupelTable) bound = cupel_table_new ("bound");
  CupelColumn *column;

  check_sql (fixture, cupel_create_table_new (fixture->a),
             "CREATE TABLE \"a\" (\"id\" BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY, \"data\" VARCHAR(50), "
             "\"n\" INTEGER, \"create_date\" TIMESTAMP DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (\"id\"))");
  cupel_column_set_on_delete (cupel_table_get_column (fixture->b, "a_id"), "CASCADE");
  check_sql (fixture, cupel_create_table_new (fixture->b),
             "CREATE TABLE \"b\" (\"id\" BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY, \"a_id\" BIGINT, \"data\" TEXT, "
             "PRIMARY KEY (\"id\"), FOREIGN KEY (\"a_id\") REFERENCES \"a\" (\"id\") ON DELETE CASCADE)");
  check_sql (fixture, cupel_drop_table_new (fixture->b), "DROP TABLE \"b\"");
  check_sql (fixture, cupel_create_index_new (cupel_table_get_column (fixture->b, "a_id")),
             "CREATE INDEX \"ix_b_a_id\" ON \"b\" (\"a_id\")");

  cupel_column_set_primary_key (add_column (t, "x", cupel_sql_type_new (CUPEL_SQL_INT16)), TRUE);
  cupel_column_set_primary_key (add_column (t, "y", cupel_sql_type_new (CUPEL_SQL_UUID)), TRUE);
  column = add_column (t, "text", cupel_sql_type_new (CUPEL_SQL_STRING));
  cupel_column_set_unique (column, TRUE);
  cupel_column_set_nullable (column, FALSE);
  cupel_column_set_server_default (column, cupel_literal_string ("it's \\ here"));
  column = add_column (t, "flag", cupel_sql_type_new (CUPEL_SQL_BOOLEAN));
  cupel_column_set_server_default (column, cupel_literal_boolean (TRUE));
  column = add_column (t, "price", cupel_sql_type_new_numeric (10, 2));
  cupel_column_set_server_default (column, cupel_literal_double (0.5));
  column = add_column (t, "raw", cupel_sql_type_new_sized (CUPEL_SQL_BYTES, 16));
  cupel_column_set_server_default (column, cupel_text ("gen_random()"));
  check_sql (fixture, cupel_create_table_new (t),
             "CREATE TABLE \"t\" (\"x\" SMALLINT NOT NULL, \"y\" UUID NOT NULL, "
             "\"text\" VARCHAR DEFAULT 'it''s \\ here' NOT NULL UNIQUE, \"flag\" BOOLEAN DEFAULT TRUE, "
             "\"price\" NUMERIC(10, 2) DEFAULT 0.5, \"raw\" BLOB(16) DEFAULT gen_random(), PRIMARY KEY (\"x\", \"y\"))");

  check_error (fixture, cupel_create_table_new (empty), CUPEL_ERROR_PROGRAMMING, "\"empty\"");
  cupel_column_set_foreign_key (add_column (lost, "x", cupel_sql_type_new (CUPEL_SQL_NULL)), "nowhere.id");
  check_error (fixture, cupel_create_table_new (lost), CUPEL_ERROR_PROGRAMMING, "type is not known");
  column = add_column (bound, "x", cupel_sql_type_new (CUPEL_SQL_TEXT));
  cupel_column_set_server_default (column, cupel_text (":x"));
  check_error (fixture, cupel_create_table_new (bound), CUPEL_ERROR_UNSUPPORTED, "parameters");
  cupel_column_set_server_default (column, cupel_literal_string ("\xff"));
  check_error (fixture, cupel_create_table_new (bound), CUPEL_ERROR_DATA, "UTF-8");
  cupel_column_set_server_default (column, cupel_literal_double (G_MAXDOUBLE * 10));
  check_error (fixture, cupel_create_table_new (bound), CUPEL_ERROR_UNSUPPORTED, "finite");

  use_dollars (fixture);
  check_sql (fixture, cupel_create_table_new (fixture->a),
             "CREATE TABLE [a] ([id] BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, [data] VARCHAR(50), "
             "[n] INTEGER, [create_date] TIMESTAMP DEFAULT CURRENT_TIMESTAMP) STRICT");
  cupel_column_set_server_default (column, cupel_literal_string ("it's \\ here"));
  check_sql (fixture, cupel_create_table_new (bound), "CREATE TABLE [bound] ([x] TEXT DEFAULT 'it''s \\\\ here') STRICT");
}

static void
test_identifiers (SqlFixture    *fixture,
                  gconstpointer  data)
{
  g_autofree char *longest = g_strnfill (63, 'x');
  g_autofree char *longer = g_strnfill (64, 'x');
  g_autofree char *sql = g_strdup_printf ("DROP TABLE \"%s\"", longest);
  struct { const char *name; CupelTable *table; } tables[] = {
    { "say \"hi\"; --", NULL }, { "straß", NULL }, { "", NULL }, { "\xff", NULL }, { longest, NULL }, { longer, NULL },
  };
  CupelColumn *column;

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    tables[i].table = cupel_table_new (tables[i].name);
  check_sql (fixture, cupel_drop_table_new (tables[0].table), "DROP TABLE \"say \"\"hi\"\"; --\"");
  check_sql (fixture, cupel_drop_table_new (tables[1].table), "DROP TABLE \"straß\"");
  check_error (fixture, cupel_drop_table_new (tables[2].table), CUPEL_ERROR_PROGRAMMING, "empty");
  check_error (fixture, cupel_drop_table_new (tables[3].table), CUPEL_ERROR_PROGRAMMING, "UTF-8");
  check_sql (fixture, cupel_drop_table_new (tables[4].table), sql);
  check_error (fixture, cupel_drop_table_new (tables[5].table), CUPEL_ERROR_PROGRAMMING, longer);

  use_dollars (fixture);
  column = add_column (tables[1].table, "öl-menge-x", cupel_sql_type_new (CUPEL_SQL_INT64));
  /* cut between characters, never within one, to 20 bytes */
  check_sql (fixture, cupel_create_index_new (column), "CREATE INDEX [ix_straß__19dc6d03] ON [straß] ([öl-menge-x])");
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    g_object_unref (tables[i].table);
}

static void
test_dialect_order (SqlFixture    *fixture,
                    gconstpointer  data)
{
  g_autoptr(CupelSelect) select = cupel_select_new ();
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autofree char *slots = NULL;
  GError *error = NULL;

  use_dollars (fixture);
  cupel_select_add_column (select, cupel_label (cupel_concat (cupel_concat (A ("data"), cupel_literal_string ("x")),
                                                              cupel_bind ("y", NULL)), "z"));
  cupel_select_limit (select, 10);
  cupel_select_offset (select, 20);
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) select, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (compiled->sql, ==,
                   "SELECT concat(concat([a].[data], $1), $2) AS [z] FROM [a] SKIP $3 TAKE $4");
  slots = describe_slots (compiled);
  g_assert_cmpstr (slots, ==, "0=9 :0=9 2=4 1=4");

  check_sql (fixture, cupel_insert_new (fixture->a), "INSERT INTO [a] () VALUES ()");
}

static void
test_result_columns (SqlFixture    *fixture,
                     gconstpointer  data)
{
  static const struct { const char *name; CupelSqlKind kind; } expected[] = {
    { "id", CUPEL_SQL_INT64 }, { "label", CUPEL_SQL_STRING }, { "count", CUPEL_SQL_INT64 }, { "max", CUPEL_SQL_DATETIME },
    { "column_5", CUPEL_SQL_TEXT }, { "a_id", CUPEL_SQL_INT64 }, { "column_7", CUPEL_SQL_NULL },
    { "column_8", CUPEL_SQL_INT64 }, { "n", CUPEL_SQL_DOUBLE }, { "column_10", CUPEL_SQL_BOOLEAN },
  };
  g_autoptr(CupelSelect) select = cupel_select_new ();
  g_autoptr(CupelCompiled) compiled = NULL;
  GError *error = NULL;

  cupel_select_add_column (select, A ("id"));
  cupel_select_add_column (select, cupel_label (A ("data"), "label"));
  cupel_select_add_column (select, cupel_count (NULL));
  cupel_select_add_column (select, cupel_func ("max", A ("create_date"), NULL));
  cupel_select_add_column (select, cupel_concat (A ("data"), A ("data")));
  cupel_select_add_column (select, B ("a_id"));
  cupel_select_add_column (select, cupel_text ("1"));
  cupel_select_add_column (select, cupel_literal_int64 (1));
  cupel_select_add_column (select, cupel_cast (A ("n"), cupel_sql_type_new (CUPEL_SQL_DOUBLE)));
  cupel_select_add_column (select, cupel_is_null (A ("n")));
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) select, &error);
  g_assert_no_error (error);
  g_assert_true (compiled->returns_rows);
  g_assert_cmpuint (compiled->n_columns, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_assert_cmpstr (compiled->columns[i].name, ==, expected[i].name);
      g_assert_cmpint (cupel_sql_type_get_kind (compiled->columns[i].type), ==, expected[i].kind);
    }
}

#define ADD(path, function) \
  g_test_add ("/sql/compiler/" path, SqlFixture, NULL, sql_fixture_set_up, function, sql_fixture_tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("select", test_select);
  ADD ("from", test_from);
  ADD ("insert", test_insert);
  ADD ("multi-insert", test_multi_insert);
  ADD ("update-and-delete", test_update_and_delete);
  ADD ("ddl", test_ddl);
  ADD ("identifiers", test_identifiers);
  ADD ("dialect-order", test_dialect_order);
  ADD ("result-columns", test_result_columns);

  return g_test_run ();
}
