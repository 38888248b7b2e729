/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "scale.h"
#include "sql-fixture.h"

#define CUPEL_INSIDE
#include "sql/cupel-raw-sql-private.h"
#undef CUPEL_INSIDE

#include <time.h>

/* A dialect with other words. */

#define TYPE_DOLLAR_COMPILER (dollar_compiler_get_type ())
G_DECLARE_FINAL_TYPE (DollarCompiler, dollar_compiler, DOLLAR, COMPILER, CupelCompiler)

struct _DollarCompiler
{
  CupelCompiler parent_instance;
};

G_DEFINE_FINAL_TYPE (DollarCompiler, dollar_compiler, CUPEL_TYPE_COMPILER)

static void
dollar_placeholder (CupelCompiler      *self,
                    guint               number,
                    const CupelSqlType *type)
{
  cupel_compiler_append_printf (self, "$%u", number);
}

static void
dollar_binary (CupelCompiler   *self,
               const char      *op,
               CupelExpression *left,
               CupelExpression *right)
{
  if (strcmp (op, "||") != 0)
    {
      CUPEL_COMPILER_CLASS (dollar_compiler_parent_class)->binary (self, op, left, right);
      return;
    }
  cupel_compiler_append (self, "concat(");
  cupel_compiler_append_expression (self, left);
  cupel_compiler_append (self, ", ");
  cupel_compiler_append_expression (self, right);
  cupel_compiler_append (self, ")");
}

/* The offset first: slots do not follow the walk. */
static void
dollar_limit (CupelCompiler   *self,
              CupelExpression *limit,
              CupelExpression *offset)
{
  cupel_compiler_append (self, " SKIP ");
  cupel_compiler_append_expression (self, offset);
  cupel_compiler_append (self, " TAKE ");
  cupel_compiler_append_expression (self, limit);
}

static void
dollar_default_values (CupelCompiler *self)
{
  cupel_compiler_append (self, " () VALUES ()");
}

static void
dollar_boolean_literal (CupelCompiler *self,
                        gboolean       value)
{
  cupel_compiler_append (self, value ? "1" : "0");
}

static gboolean
dollar_inline_primary_key (CupelCompiler *self,
                           CupelColumn   *column)
{
  return TRUE;
}

static void
dollar_column_definition (CupelCompiler *self,
                          CupelColumn   *column)
{
  CUPEL_COMPILER_CLASS (dollar_compiler_parent_class)->column_definition (self, column);
  if (cupel_column_get_primary_key (column))
    cupel_compiler_append (self, " PRIMARY KEY");
}

static void
dollar_create_table_suffix (CupelCompiler *self,
                            CupelTable    *table)
{
  cupel_compiler_append (self, " STRICT");
}

static void
dollar_compiler_class_init (DollarCompilerClass *klass)
{
  CupelCompilerClass *compiler_class = CUPEL_COMPILER_CLASS (klass);

  compiler_class->quote_open = '[';
  compiler_class->quote_close = ']';
  compiler_class->max_identifier = 20;
  compiler_class->backslash_escapes = TRUE;
  compiler_class->placeholder = dollar_placeholder;
  compiler_class->binary = dollar_binary;
  compiler_class->limit = dollar_limit;
  compiler_class->default_values = dollar_default_values;
  compiler_class->boolean_literal = dollar_boolean_literal;
  compiler_class->inline_primary_key = dollar_inline_primary_key;
  compiler_class->column_definition = dollar_column_definition;
  compiler_class->create_table_suffix = dollar_create_table_suffix;
}

static void
dollar_compiler_init (DollarCompiler *self)
{
}

static void
use_dollars (SqlFixture *fixture)
{
  g_set_object (&fixture->compiler, NULL);
  fixture->compiler = g_object_new (TYPE_DOLLAR_COMPILER, NULL);
}

/* statements */

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

/* text */

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

/* freezing and caching */

static void
test_freeze (SqlFixture    *fixture,
             gconstpointer  data)
{
  g_autoptr(CupelSelect) select = select_where (fixture, cupel_eq (A ("n"), cupel_literal_int64 (1)));
  g_autoptr(CupelUpdate) update = cupel_update_new (fixture->a);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT :x");
  g_autoptr(GObject) option = g_object_new (G_TYPE_OBJECT, NULL);
  g_autoptr(CupelCompiled) compiled = NULL;
  CupelSelect *copy;
  GError *error = NULL;

  cupel_statement_add_option ((CupelStatement *) select, option);
  g_assert_false (cupel_statement_is_frozen ((CupelStatement *) select));
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) select, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_statement_is_frozen ((CupelStatement *) select));

  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "cupel_select_where: *was executed*");
  cupel_select_where (select, cupel_is_null (A ("n")));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "cupel_select_limit: *was executed*");
  cupel_select_limit (select, 1);
  g_test_assert_expected_messages ();

  copy = (CupelSelect *) cupel_statement_copy ((CupelStatement *) select);
  g_assert_false (cupel_statement_is_frozen ((CupelStatement *) copy));
  g_assert_cmpuint (cupel_statement_get_options ((CupelStatement *) copy)->len, ==, 1);
  cupel_select_where (copy, cupel_is_null (A ("data")));
  cupel_select_join (copy, fixture->b, NULL);
  check_sql (fixture, copy, "SELECT \"a\".\"id\" FROM \"a\" JOIN \"b\" ON \"a\".\"id\" = \"b\".\"a_id\" "
                            "WHERE \"a\".\"n\" = ? AND \"a\".\"data\" IS NULL");
  /* the original is what it was */
  check_sql (fixture, g_object_ref (select), "SELECT \"a\".\"id\" FROM \"a\" WHERE \"a\".\"n\" = ?");

  /* one that fails is frozen as well */
  g_assert_null (cupel_compiler_compile (fixture->compiler, (CupelStatement *) update, &error));
  g_clear_error (&error);
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "cupel_update_set: *was executed*");
  cupel_update_set (update, "n", cupel_null ());
  g_test_assert_expected_messages ();

  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*no bind \":z\"*");
  cupel_text_set_bind_type (text, "z", cupel_sql_type_new_numeric (5, 2));
  g_test_assert_expected_messages ();
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*has no column \"none\"*");
  {
    g_autoptr(CupelInsert) insert = cupel_insert_new (fixture->a);

    cupel_insert_set (insert, "none", cupel_literal_int64 (1));
  }
  g_test_assert_expected_messages ();
}

static void
test_copies (SqlFixture    *fixture,
             gconstpointer  data)
{
  g_autoptr(CupelInsert) insert = cupel_insert_new (fixture->a);
  g_autoptr(CupelUpdate) update = cupel_update_new (fixture->a);
  g_autoptr(CupelDelete) delete_ = cupel_delete_new (fixture->a);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT :x");
  g_autoptr(CupelDropTable) drop = cupel_drop_table_new (fixture->a);
  g_autoptr(CupelCreateIndex) index = cupel_create_index_new (cupel_table_get_column (fixture->a, "n"));

  cupel_insert_add_column (insert, cupel_table_get_column (fixture->a, "n"));
  cupel_insert_set (insert, "data", cupel_null ());
  cupel_insert_returning (insert, A ("id"));
  cupel_update_set (update, "n", cupel_null ());
  cupel_update_where (update, cupel_is_null (A ("n")));
  cupel_delete_where (delete_, cupel_is_null (A ("n")));
  cupel_text_set_bind_type (text, "x", cupel_sql_type_new_numeric (5, 2));
  cupel_text_add_result_type (text, cupel_sql_type_new_numeric (5, 2));

  check_sql (fixture, cupel_statement_copy ((CupelStatement *) insert),
             "INSERT INTO \"a\" (\"n\", \"data\") VALUES (?, NULL) RETURNING \"id\"");
  check_sql (fixture, cupel_statement_copy ((CupelStatement *) update), "UPDATE \"a\" SET \"n\" = NULL WHERE \"a\".\"n\" IS NULL");
  check_sql (fixture, cupel_statement_copy ((CupelStatement *) delete_), "DELETE FROM \"a\" WHERE \"a\".\"n\" IS NULL");
  check_sql (fixture, cupel_statement_copy ((CupelStatement *) text), "SELECT ?");
  check_sql (fixture, cupel_statement_copy ((CupelStatement *) drop), "DROP TABLE \"a\"");
  check_sql (fixture, cupel_statement_copy ((CupelStatement *) index), "CREATE INDEX \"ix_a_n\" ON \"a\" (\"n\")");
  g_assert_false (cupel_statement_is_frozen ((CupelStatement *) insert));
}

/* @statement: (transfer full) */
static guint64
prepared_id (CupelCompiledCache *cache,
             gpointer            statement,
             gboolean           *hit)
{
  CupelPrepared prepared;
  GError *error = NULL;
  guint64 id;

  g_assert_true (cupel_compiled_cache_prepare (cache, statement, &prepared, &error));
  g_assert_no_error (error);
  id = prepared.compiled->id;
  if (hit != NULL)
    *hit = prepared.cache_hit;
  g_object_unref (statement);

  return id;
}

#define WHERE(condition) select_where (fixture, (condition))
#define same(a, b) g_assert_cmpuint (prepared_id (cache, (a), NULL), ==, prepared_id (cache, (b), NULL))
#define differ(a, b) g_assert_cmpuint (prepared_id (cache, (a), NULL), !=, prepared_id (cache, (b), NULL))

static void
test_key (SqlFixture    *fixture,
          gconstpointer  data)
{
  static const gint64 ids[] = { 1, 2, 3, 4, 5 };
  CupelCompiledCache *cache = cupel_compiled_cache_new (fixture->compiler, 100);
  g_autoptr(CupelTable) twin = cupel_table_new ("a");
  g_autoptr(CupelTable) other = cupel_table_new ("a");
  g_autoptr(CupelTable) alias = cupel_table_new_alias (fixture->a, "b2");
  g_autoptr(CupelTable) alias2 = cupel_table_new_alias (fixture->b, "b2");

  /* values are no part of it */
  same (WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), WHERE (cupel_eq (A ("n"), cupel_literal_int64 (2))));
  same (WHERE (cupel_eq (A ("data"), cupel_literal_string ("x"))), WHERE (cupel_eq (A ("data"), cupel_literal_string ("y"))));
  same (WHERE (cupel_in_int64 (A ("n"), ids, 3)), WHERE (cupel_in_int64 (A ("n"), ids + 1, 4)));
  differ (WHERE (cupel_in_int64 (A ("n"), ids, 4)), WHERE (cupel_in_int64 (A ("n"), ids, 5)));
  differ (WHERE (cupel_in_int64 (A ("n"), ids, 0)), WHERE (cupel_in_int64 (A ("n"), ids, 1)));

  /* structure and types are */
  differ (WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), WHERE (cupel_ne (A ("n"), cupel_literal_int64 (1))));
  differ (WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), WHERE (cupel_eq (A ("id"), cupel_literal_int64 (1))));
  differ (WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), WHERE (cupel_eq (A ("n"), cupel_literal_double (1.5))));
  differ (WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), WHERE (cupel_eq (A ("n"), cupel_bind ("x", NULL))));
  differ (WHERE (cupel_eq (A ("n"), cupel_bind ("x", NULL))), WHERE (cupel_eq (A ("n"), cupel_bind ("y", NULL))));
  differ (WHERE (cupel_eq (A ("n"), cupel_bind ("x", NULL))),
          WHERE (cupel_eq (A ("n"), cupel_bind ("x", cupel_sql_type_new (CUPEL_SQL_INT64)))));
  differ (WHERE (cupel_is_null (A ("n"))), WHERE (cupel_not (cupel_is_null (A ("n")))));
  differ (WHERE (cupel_text ("x")), WHERE (cupel_text ("y")));
  differ (WHERE (cupel_eq (cupel_func ("f", A ("n"), NULL), A ("id"))), WHERE (cupel_eq (cupel_func ("g", A ("n"), NULL), A ("id"))));
  differ (WHERE (cupel_eq (cupel_cast (A ("n"), cupel_sql_type_new_sized (CUPEL_SQL_STRING, 5)), A ("id"))),
          WHERE (cupel_eq (cupel_cast (A ("n"), cupel_sql_type_new_sized (CUPEL_SQL_STRING, 6)), A ("id"))));
  differ (WHERE (cupel_and (cupel_or (A ("n"), A ("id")), A ("n"))), WHERE (cupel_or (cupel_and (A ("n"), A ("id")), A ("n"))));

  {
    CupelSelect *one = WHERE (A ("n")), *two = WHERE (A ("n")), *three = WHERE (A ("n"));

    cupel_select_limit (one, 1);
    cupel_select_limit (two, 2);
    cupel_select_offset (three, 1);
    g_object_ref (one);
    same (one, two);
    differ (one, three);
  }
  {
    CupelSelect *one = WHERE (A ("n")), *two = WHERE (A ("n"));

    cupel_select_order_by (one, A ("n"));
    cupel_select_order_by (two, cupel_desc (A ("n")));
    differ (one, two);
  }
  {
    CupelSelect *one = WHERE (A ("n")), *two = WHERE (A ("n"));

    cupel_select_join (one, fixture->b, NULL);
    cupel_select_outer_join (two, fixture->b, NULL);
    differ (one, two);
  }
  {
    /* an alias of the one is not an alias of the other */
    CupelSelect *one = cupel_select_new (), *two = cupel_select_new ();

    cupel_select_add_column (one, cupel_table_c (alias, "id"));
    cupel_select_add_column (two, cupel_table_c (alias2, "id"));
    differ (one, two);
  }
  {
    /* equal schemas share; other types do not */
    CupelSelect *one = WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), *two = cupel_select_new (), *three = cupel_select_new ();

    add_column (twin, "id", cupel_sql_type_new (CUPEL_SQL_INT64));
    add_column (twin, "n", cupel_sql_type_new (CUPEL_SQL_INT32));
    add_column (other, "id", cupel_sql_type_new (CUPEL_SQL_INT64));
    add_column (other, "n", cupel_sql_type_new (CUPEL_SQL_INT64));
    cupel_select_add_column (two, cupel_table_c (twin, "id"));
    cupel_select_where (two, cupel_eq (cupel_table_c (twin, "n"), cupel_literal_int64 (1)));
    cupel_select_add_column (three, cupel_table_c (other, "id"));
    cupel_select_where (three, cupel_eq (cupel_table_c (other, "n"), cupel_literal_int64 (1)));
    g_object_ref (one);
    same (one, two);
    differ (one, three);
  }
  {
    CupelInsert *one = cupel_insert_new (fixture->a), *two = cupel_insert_new (fixture->a);

    cupel_insert_add_column (one, cupel_table_get_column (fixture->a, "n"));
    cupel_insert_set (two, "n", cupel_bind ("n", NULL));
    g_object_ref (one);
    differ (one, two);
    same (cupel_statement_copy ((CupelStatement *) one), one);
  }
  {
    CupelText *one = cupel_text_new ("SELECT :x"), *two = cupel_text_new ("SELECT :x");

    g_object_ref (one);
    same (one, cupel_text_new ("SELECT :x"));
    cupel_text_set_bind_type (two, "x", cupel_sql_type_new (CUPEL_SQL_INT64));
    differ (one, two);
  }
  cupel_compiled_cache_free (cache);
}

static void
test_cache (SqlFixture    *fixture,
            gconstpointer  data)
{
  CupelCompiledCache *cache = cupel_compiled_cache_new (fixture->compiler, 2);
  CupelCompiledCache *none = cupel_compiled_cache_new (fixture->compiler, 0);
  CupelSelect *kept = WHERE (cupel_eq (A ("n"), cupel_literal_int64 (42)));
  CupelPrepared prepared;
  guint64 hits, misses, first, id;
  GError *error = NULL;
  gboolean hit;

  g_assert_true (cupel_compiled_cache_prepare (cache, (CupelStatement *) kept, &prepared, &error));
  g_assert_false (prepared.cache_hit);
  g_assert_cmpuint (prepared.n_literals, ==, 1);
  g_assert_cmpint (prepared.literals[0]->v.i64, ==, 42);
  first = prepared.compiled->id;

  /* the statement remembers, whatever becomes of the cache's entry */
  prepared_id (cache, WHERE (cupel_is_null (A ("n"))), &hit);
  g_assert_false (hit);
  prepared_id (cache, WHERE (cupel_is_null (A ("id"))), &hit);
  g_assert_false (hit);
  g_assert_true (cupel_compiled_cache_prepare (cache, (CupelStatement *) kept, &prepared, &error));
  g_assert_true (prepared.cache_hit);
  g_assert_cmpuint (prepared.compiled->id, ==, first);
  /* but the cache itself has forgotten the oldest */
  id = prepared_id (cache, WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1))), &hit);
  g_assert_false (hit);
  g_assert_cmpuint (id, !=, first);
  /* of two, the one that was used last stays */
  prepared_id (cache, WHERE (cupel_is_null (A ("id"))), &hit);
  g_assert_true (hit);
  prepared_id (cache, WHERE (cupel_is_null (A ("data"))), &hit);
  g_assert_false (hit);
  prepared_id (cache, WHERE (cupel_is_null (A ("id"))), &hit);
  g_assert_true (hit);
  cupel_compiled_cache_get_stats (cache, &hits, &misses);
  g_assert_cmpuint (hits, ==, 3);
  g_assert_cmpuint (misses, ==, 5);

  cupel_compiled_cache_clear (cache);
  g_assert_true (cupel_compiled_cache_prepare (cache, (CupelStatement *) kept, &prepared, &error));
  g_assert_false (prepared.cache_hit);

  /* without a cache every statement is compiled anew, but not every execution */
  prepared_id (none, WHERE (cupel_is_null (A ("n"))), &hit);
  g_assert_false (hit);
  prepared_id (none, WHERE (cupel_is_null (A ("n"))), &hit);
  g_assert_false (hit);
  g_assert_true (cupel_compiled_cache_prepare (none, (CupelStatement *) kept, &prepared, &error));
  g_assert_false (prepared.cache_hit);
  g_assert_true (cupel_compiled_cache_prepare (none, (CupelStatement *) kept, &prepared, &error));
  g_assert_true (prepared.cache_hit);
  g_assert_no_error (error);

  /* definitions are not cached, but remembered */
  {
    CupelCreateTable *create = cupel_create_table_new (fixture->a);

    prepared_id (cache, g_object_ref (create), &hit);
    g_assert_false (hit);
    prepared_id (cache, create, &hit);
    g_assert_true (hit);
    prepared_id (cache, cupel_create_table_new (fixture->a), &hit);
    g_assert_false (hit);
  }

  /* what is compiled outlives the cache as long as the statement does */
  cupel_compiled_cache_free (none);
  cupel_compiled_cache_free (cache);
  g_assert_cmpstr (prepared.compiled->sql, ==, "SELECT \"a\".\"id\" FROM \"a\" WHERE \"a\".\"n\" = ?");
  g_object_unref (kept);
}

static void
test_bad_literals (SqlFixture    *fixture,
                   gconstpointer  data)
{
  CupelCompiledCache *cache = cupel_compiled_cache_new (fixture->compiler, 10);
  CupelValue *bad = cupel_value_new_string ("secret \xff");
  g_autoptr(CupelSelect) select = WHERE (cupel_eq (A ("data"), cupel_literal (cupel_value_ref (bad))));
  CupelPrepared prepared;
  GError *error = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_assert_false (cupel_compiled_cache_prepare (cache, (CupelStatement *) select, &prepared, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_assert_null (strstr (error->message, "secret"));
      g_clear_error (&error);
    }
  check_error (fixture, WHERE (cupel_in (A ("data"), &bad, 1)), CUPEL_ERROR_DATA, "UTF-8");
  check_error (fixture, WHERE (cupel_eq (A ("n"), cupel_bind ("\xff", NULL))), CUPEL_ERROR_PROGRAMMING, "parameter");
  cupel_value_unref (bad);
  cupel_compiled_cache_free (cache);
}

typedef struct
{
  CupelStatement *statement;
  CupelCompiler  *compiler;
  CupelCompiled  *compiled;
} Race;

static gpointer
race (gpointer data)
{
  Race *r = data;

  for (guint i = 0; i < 300; i++)
    {
      CupelCompiledCache *cache = cupel_compiled_cache_new (r->compiler, 4);
      g_autofree char *sql = cupel_compiled_dup_multi_insert (r->compiled, i % 5 + 1);
      CupelPrepared prepared;
      GError *error = NULL;

      g_assert_true (cupel_compiled_cache_prepare (cache, r->statement, &prepared, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (prepared.n_literals, ==, 1);
      g_assert_true (g_str_has_prefix (sql, "INSERT INTO [a] ([data]) VALUES ($1)"));
      cupel_compiled_cache_free (cache);
    }

  return NULL;
}

static void
test_threads (SqlFixture    *fixture,
              gconstpointer  data)
{
  g_autoptr(CupelSelect) select = WHERE (cupel_eq (A ("n"), cupel_literal_int64 (1)));
  g_autoptr(CupelInsert) insert = cupel_insert_new (fixture->a);
  GThread *threads[3];
  Race r;

  use_dollars (fixture);
  cupel_insert_add_column (insert, cupel_table_get_column (fixture->a, "data"));
  r.statement = (CupelStatement *) select;
  r.compiler = fixture->compiler;
  r.compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) insert, NULL);
  g_assert_nonnull (r.compiled);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, race, &r);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  cupel_compiled_unref (r.compiled);
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
  g_test_add_func ("/sql/compiler/text-parser", test_text_parser);
  g_test_add_func ("/sql/compiler/text-rows", test_text_rows);
  g_test_add_func ("/sql/compiler/text-control", test_text_control);
  ADD ("text-statement", test_text_statement);
  ADD ("text-many-binds", test_text_many_binds);
  ADD ("freeze", test_freeze);
  ADD ("copies", test_copies);
  ADD ("key", test_key);
  ADD ("cache", test_cache);
  ADD ("bad-literals", test_bad_literals);
  ADD ("threads", test_threads);

  return g_test_run ();
}
