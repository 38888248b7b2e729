/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql-fixture.h"

#define CUPEL_INSIDE
#include "sql/cupel-expression-private.h"
#undef CUPEL_INSIDE

static void
test_comparison (SqlFixture    *fixture,
                 gconstpointer  data)
{
  check_where (cupel_eq (A ("n"), cupel_literal_int64 (1)), "\"a\".\"n\" = ?");
  check_where (cupel_ne (A ("n"), cupel_literal_int64 (1)), "\"a\".\"n\" <> ?");
  check_where (cupel_lt (A ("n"), cupel_literal_int64 (1)), "\"a\".\"n\" < ?");
  check_where (cupel_le (A ("n"), cupel_literal_int64 (1)), "\"a\".\"n\" <= ?");
  check_where (cupel_gt (A ("n"), cupel_literal_int64 (1)), "\"a\".\"n\" > ?");
  check_where (cupel_ge (A ("n"), cupel_literal_int64 (1)), "\"a\".\"n\" >= ?");
  check_where (cupel_like (A ("data"), cupel_literal_string ("x%")), "\"a\".\"data\" LIKE ?");
  check_where (cupel_between (A ("n"), cupel_literal_int64 (1), cupel_literal_int64 (2)), "\"a\".\"n\" BETWEEN ? AND ?");
  check_where (cupel_eq (A ("n"), cupel_bind ("x", NULL)), "\"a\".\"n\" = ?");
}

static void
test_null (SqlFixture    *fixture,
           gconstpointer  data)
{
  check_where (cupel_eq (A ("n"), cupel_null ()), "\"a\".\"n\" IS NULL");
  check_where (cupel_eq (cupel_null (), A ("n")), "\"a\".\"n\" IS NULL");
  check_where (cupel_eq (A ("data"), cupel_literal_string (NULL)), "\"a\".\"data\" IS NULL");
  check_where (cupel_ne (A ("n"), cupel_null ()), "\"a\".\"n\" IS NOT NULL");
  check_where (cupel_ne (A ("n"), cupel_literal (cupel_value_new_null ())), "\"a\".\"n\" IS NOT NULL");
  check_where (cupel_is_null (A ("n")), "\"a\".\"n\" IS NULL");
  check_where (cupel_not (cupel_is_null (A ("n"))), "\"a\".\"n\" IS NOT NULL");
  check_where (cupel_not (cupel_ne (A ("n"), cupel_null ())), "\"a\".\"n\" IS NULL");
  check_where (cupel_lt (A ("n"), cupel_null ()), "\"a\".\"n\" < NULL");
}

static void
test_logic (SqlFixture    *fixture,
            gconstpointer  data)
{
#define X cupel_eq (A ("n"), cupel_literal_int64 (1))
#define S "\"a\".\"n\" = ?"
  check_where (cupel_and (X, X), S " AND " S);
  check_where (cupel_or (X, X), S " OR " S);
  check_where (cupel_and (cupel_and (X, X), X), S " AND " S " AND " S);
  check_where (cupel_and (X, cupel_and (X, X)), S " AND " S " AND " S);
  check_where (cupel_and (cupel_or (X, X), X), "(" S " OR " S ") AND " S);
  check_where (cupel_or (cupel_and (X, X), X), S " AND " S " OR " S);
  check_where (cupel_not (X), "NOT (" S ")");
  check_where (cupel_not (cupel_not (X)), "NOT (NOT (" S "))");
  check_where (cupel_and (cupel_not (cupel_or (X, X)), X), "NOT (" S " OR " S ") AND " S);
  check_where (cupel_not (cupel_and (X, X)), "NOT (" S " AND " S ")");
  check_where (cupel_not (cupel_like (A ("data"), cupel_literal_string ("x"))), "\"a\".\"data\" NOT LIKE ?");
  check_where (cupel_not (cupel_between (A ("n"), cupel_literal_int64 (1), cupel_literal_int64 (2))),
               "\"a\".\"n\" NOT BETWEEN ? AND ?");
  check_where (cupel_eq (X, X), "(" S ") = (" S ")");
  check_where (cupel_not (A ("n")), "NOT \"a\".\"n\"");
#undef X
#undef S
}

static void
test_arithmetic (SqlFixture    *fixture,
                 gconstpointer  data)
{
#define N A ("n")
#define S "\"a\".\"n\""
  check_where (cupel_gt (cupel_add (N, N), N), S " + " S " > " S);
  check_where (cupel_gt (cupel_add (cupel_add (N, N), N), N), S " + " S " + " S " > " S);
  check_where (cupel_gt (cupel_subtract (N, cupel_subtract (N, N)), N), S " - (" S " - " S ") > " S);
  check_where (cupel_gt (cupel_subtract (N, cupel_add (N, N)), N), S " - (" S " + " S ") > " S);
  check_where (cupel_gt (cupel_multiply (cupel_add (N, N), N), N), "(" S " + " S ") * " S " > " S);
  check_where (cupel_gt (cupel_add (cupel_multiply (N, N), N), N), S " * " S " + " S " > " S);
  check_where (cupel_gt (cupel_divide (N, cupel_multiply (N, N)), N), S " / (" S " * " S ") > " S);
  check_where (cupel_gt (cupel_divide (cupel_divide (N, N), N), N), "(" S " / " S ") / " S " > " S);
  check_where (cupel_eq (cupel_concat (A ("data"), cupel_literal_string ("x")), A ("data")),
               "\"a\".\"data\" || ? = \"a\".\"data\"");
  check_where (cupel_eq (cupel_concat (A ("data"), cupel_add (N, N)), A ("data")),
               "\"a\".\"data\" || (" S " + " S ") = \"a\".\"data\"");
#undef N
#undef S
}

static void
test_functions (SqlFixture    *fixture,
                gconstpointer  data)
{
  CupelExpression *arguments[2] = { A ("data"), cupel_literal_string ("x") };

  check_where (cupel_eq (cupel_func ("lower", A ("data"), NULL), cupel_literal_string ("x")), "lower(\"a\".\"data\") = ?");
  check_where (cupel_lt (A ("create_date"), cupel_func ("now", NULL)), "\"a\".\"create_date\" < CURRENT_TIMESTAMP");
  check_where (cupel_eq (cupel_func ("f", cupel_add (A ("n"), A ("n")), cupel_or (A ("n"), A ("n")), NULL), A ("n")),
               "f(\"a\".\"n\" + \"a\".\"n\", \"a\".\"n\" OR \"a\".\"n\") = \"a\".\"n\"");
  check_where (cupel_eq (cupel_funcv ("coalesce", arguments, 2), A ("data")), "coalesce(\"a\".\"data\", ?) = \"a\".\"data\"");
  check_where (cupel_eq (cupel_cast (A ("n"), cupel_sql_type_new (CUPEL_SQL_DOUBLE)), cupel_literal_double (1.5)),
               "CAST(\"a\".\"n\" AS DOUBLE PRECISION) = ?");
  check_where (cupel_gt (cupel_count (NULL), cupel_literal_int64 (1)), "count(*) > ?");
  check_where (cupel_gt (cupel_count (A ("n")), cupel_literal_int64 (1)), "count(\"a\".\"n\") > ?");
  /* nobody knows what raw SQL holds */
  check_where (cupel_and (cupel_text ("x = 1 OR y = 2"), cupel_is_null (A ("n"))),
               "(x = 1 OR y = 2) AND \"a\".\"n\" IS NULL");
  check_where (cupel_text ("x = :x OR y = :x::int"), "x = ? OR y = ?::int");

  cupel_expression_unref (arguments[0]);
  cupel_expression_unref (arguments[1]);

  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*is_function_name*");
  g_assert_null (cupel_func ("lower(x); --", NULL));
  g_test_assert_expected_messages ();
}

static void
test_in (SqlFixture    *fixture,
         gconstpointer  data)
{
  static const struct { gsize values; gsize padded; } sizes[] = {
    { 0, 0 }, { 1, 1 }, { 2, 2 }, { 3, 4 }, { 5, 8 }, { 9, 16 }, { 17, 32 }, { 100, 128 }, { 129, 256 }, { 257, 512 },
    { 500, 512 }, { 512, 512 }, { 513, 1000 }, { 1000, 1000 }, { 1001, 1500 }, { 64501, 65000 }, { 65001, 65001 },
    { 65535, 65535 },
  };
  static const gint64 ids[] = { 7, 8, 9 };
  CupelValue *values[3] = { cupel_value_new_string ("x"), cupel_value_new_null (), cupel_value_new_string ("z") };
  CupelCompiledCache *cache = cupel_compiled_cache_new (fixture->compiler, 10);
  g_autoptr(CupelSelect) select = NULL;
  CupelPrepared prepared;
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    g_assert_cmpuint (cupel_in_list_padded_size (sizes[i].values), ==, sizes[i].padded);

  check_where (cupel_in_int64 (A ("id"), ids, 1), "\"a\".\"id\" IN (?)");
  check_where (cupel_in_int64 (A ("id"), ids, 2), "\"a\".\"id\" IN (?, ?)");
  check_where (cupel_in_int64 (A ("id"), ids, 3), "\"a\".\"id\" IN (?, ?, ?, ?)");
  check_where (cupel_in_int64 (A ("id"), NULL, 0), "1 = 0");
  check_where (cupel_not (cupel_in_int64 (A ("id"), NULL, 0)), "1 = 1");
  check_where (cupel_not (cupel_in_int64 (A ("id"), ids, 1)), "\"a\".\"id\" NOT IN (?)");
  check_where (cupel_in (cupel_add (A ("n"), A ("n")), values, 3), "\"a\".\"n\" + \"a\".\"n\" IN (?, ?, ?, ?)");

  /* padding repeats the last value */
  select = select_where (fixture, cupel_and (cupel_in_int64 (A ("id"), ids, 3), cupel_in (A ("data"), values, 3)));
  for (guint i = 0; i < 3; i++)
    cupel_value_unref (values[i]);
  g_assert_true (cupel_compiled_cache_prepare (cache, (CupelStatement *) select, &prepared, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (prepared.n_literals, ==, 8);
  g_assert_cmpint (prepared.literals[0]->v.i64, ==, 7);
  g_assert_cmpint (prepared.literals[2]->v.i64, ==, 9);
  g_assert_cmpint (prepared.literals[3]->v.i64, ==, 9);
  g_assert_cmpstr (prepared.literals[4]->v.text, ==, "x");
  g_assert_cmpint (prepared.literals[5]->kind, ==, CUPEL_CELL_NULL);
  g_assert_cmpstr (prepared.literals[7]->v.text, ==, "z");
  cupel_compiled_cache_free (cache);
}

static void
test_subqueries (SqlFixture    *fixture,
                 gconstpointer  data)
{
  g_autoptr(CupelSelect) ids = cupel_select_new ();
  g_autoptr(CupelSelect) correlated = cupel_select_new ();
  g_autoptr(CupelSelect) same = cupel_select_new ();
  CupelSelect *select;

  cupel_select_add_column (ids, B ("a_id"));
  cupel_select_where (ids, cupel_eq (B ("data"), cupel_literal_string ("x")));
  check_where (cupel_in_select (A ("id"), ids),
               "\"a\".\"id\" IN (SELECT \"b\".\"a_id\" FROM \"b\" WHERE \"b\".\"data\" = ?)");
  check_where (cupel_not (cupel_in_select (A ("id"), ids)),
               "\"a\".\"id\" NOT IN (SELECT \"b\".\"a_id\" FROM \"b\" WHERE \"b\".\"data\" = ?)");
  g_assert_true (cupel_statement_is_frozen ((CupelStatement *) ids));

  cupel_select_where (correlated, cupel_eq (B ("a_id"), A ("id")));
  check_where (cupel_exists (correlated), "EXISTS (SELECT 1 FROM \"b\" WHERE \"b\".\"a_id\" = \"a\".\"id\")");
  check_where (cupel_not (cupel_exists (correlated)),
               "NOT EXISTS (SELECT 1 FROM \"b\" WHERE \"b\".\"a_id\" = \"a\".\"id\")");

  /* the same table only: it is not the one outside */
  cupel_select_add_column (same, cupel_func ("max", A ("n"), NULL));
  check_where (cupel_eq (A ("n"), cupel_scalar_subquery (same)),
               "\"a\".\"n\" = (SELECT max(\"a\".\"n\") FROM \"a\")");

  select = cupel_select_new ();
  cupel_select_add_column (select, A ("id"));
  cupel_select_add_column (select, cupel_label (cupel_scalar_subquery (same), "most"));
  check_sql (fixture, select,
             "SELECT \"a\".\"id\", (SELECT max(\"a\".\"n\") FROM \"a\") AS \"most\" FROM \"a\"");
}

static char *
slots_of (SqlFixture      *fixture,
          CupelExpression *condition)
{
  g_autoptr(CupelSelect) select = select_where (fixture, condition);
  GError *error = NULL;
  g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) select, &error);

  g_assert_no_error (error);

  return describe_slots (compiled);
}

#define check_slots(condition, expected)                                      \
  G_STMT_START {                                                              \
    g_autofree char *slots_ = slots_of (fixture, (condition));                \
    g_assert_cmpstr (slots_, ==, expected);                                   \
  } G_STMT_END

/* 2 int16 3 int32 4 int64 6 double 8 string 9 text 13 datetime */
static void
test_types (SqlFixture    *fixture,
            gconstpointer  data)
{
  g_autoptr(GDateTime) date_time = g_date_time_new_from_unix_utc (0);

  check_slots (cupel_eq (A ("n"), cupel_literal_int64 (1)), "0=3");
  check_slots (cupel_eq (cupel_literal_int64 (1), A ("n")), "0=3");
  check_slots (cupel_eq (A ("data"), cupel_literal_string ("x")), "0=8");
  check_slots (cupel_lt (A ("create_date"), cupel_literal_datetime (date_time)), "0=13");
  check_slots (cupel_lt (A ("create_date"), cupel_literal_string ("2024-01-01")), "0=13");
  check_slots (cupel_between (A ("n"), cupel_bind ("low", NULL), cupel_bind ("high", NULL)), ":0=3 :1=3");
  check_slots (cupel_eq (A ("n"), cupel_bind ("x", cupel_sql_type_new (CUPEL_SQL_INT16))), ":0=2");
  check_slots (cupel_eq (B ("a_id"), cupel_literal_int64 (1)), "0=4");
  /* 1.5 is no integer because it is compared with one */
  check_slots (cupel_gt (A ("n"), cupel_literal_double (1.5)), "0=6");
  check_slots (cupel_eq (cupel_add (A ("n"), cupel_literal_int64 (1)), cupel_literal_int64 (5)), "0=3 1=4");
  check_slots (cupel_like (A ("data"), cupel_literal_string ("x")), "0=9");
  check_slots (cupel_eq (cupel_func ("f", cupel_literal_string ("x"), NULL), cupel_literal_int64 (1)), "0=9 1=4");
  check_slots (cupel_eq (cupel_func ("f", cupel_bind ("x", NULL), NULL), cupel_null ()), ":0=0");
  check_slots (cupel_eq (cupel_func ("max", A ("n"), NULL), cupel_literal_int64 (1)), "0=3");
  check_slots (cupel_eq (cupel_literal_int64 (1), cupel_bind ("x", NULL)), "0=4 :0=4");
  check_slots (cupel_or (cupel_eq (A ("n"), cupel_bind ("x", NULL)), cupel_eq (A ("data"), cupel_bind ("x", NULL))),
               ":0=3 :0=8");
  check_slots (cupel_eq (A ("n"), cupel_cast (cupel_bind ("x", NULL), cupel_sql_type_new (CUPEL_SQL_INT64))), ":0=4");
  check_slots (cupel_text ("n = :n AND m = :m AND n = :n"), ":0=0 :1=0 :0=0");
}

static void
test_loops (SqlFixture    *fixture,
            gconstpointer  data)
{
  CupelExpression *condition = cupel_eq (A ("n"), cupel_literal_int64 (0));
  CupelExpression *sum = A ("n");
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelCompiled) compiled = NULL;
  GError *error = NULL;

  for (gint64 i = 1; i < 20000; i++)
    condition = cupel_or (condition, cupel_eq (A ("n"), cupel_literal_int64 (i)));
  g_assert_cmpuint (condition->depth, ==, 3);
  select = select_where (fixture, condition);
  compiled = cupel_compiler_compile (fixture->compiler, (CupelStatement *) select, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (compiled->n_slots, ==, 20000);

  /* what nests for real is refused, and freed without a deep stack */
  for (guint i = 0; i < 200000; i++)
    sum = cupel_add (sum, A ("n"));
  check_error (fixture, select_where (fixture, sum), CUPEL_ERROR_PROGRAMMING, "nested deeper");
}

static void
test_sharing (SqlFixture    *fixture,
              gconstpointer  data)
{
  CupelCompiledCache *cache = cupel_compiled_cache_new (fixture->compiler, 10);
  CupelExpression *shared = cupel_literal_int64 (5);
  g_autoptr(CupelSelect) one = NULL;
  g_autoptr(CupelSelect) two = NULL;
  CupelPrepared first, second;
  GError *error = NULL;

  /* the text is the same, the slots are not */
  one = select_where (fixture, cupel_or (cupel_eq (A ("n"), cupel_expression_ref (shared)), cupel_eq (A ("id"), shared)));
  two = select_where (fixture, cupel_or (cupel_eq (A ("n"), cupel_literal_int64 (1)), cupel_eq (A ("id"), cupel_literal_int64 (2))));
  g_assert_true (cupel_compiled_cache_prepare (cache, (CupelStatement *) one, &first, &error));
  g_assert_true (cupel_compiled_cache_prepare (cache, (CupelStatement *) two, &second, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (first.compiled->sql, ==, second.compiled->sql);
  g_assert_true (first.compiled != second.compiled);
  g_assert_cmpuint (first.n_literals, ==, 1);
  g_assert_cmpuint (first.compiled->slots[1].index, ==, 0);
  g_assert_cmpuint (second.n_literals, ==, 2);
  g_assert_cmpuint (second.compiled->slots[1].index, ==, 1);
  cupel_compiled_cache_free (cache);
}

static void
test_and_does_not_change_shared (SqlFixture    *fixture,
                                 gconstpointer  data)
{
  CupelExpression *base = cupel_and (cupel_is_null (A ("n")), cupel_is_null (A ("id")));

  check_where (cupel_and (cupel_expression_ref (base), cupel_is_null (A ("data"))),
               "\"a\".\"n\" IS NULL AND \"a\".\"id\" IS NULL AND \"a\".\"data\" IS NULL");
  check_where (base, "\"a\".\"n\" IS NULL AND \"a\".\"id\" IS NULL");
}

#define ADD(path, function) \
  g_test_add ("/sql/expression/" path, SqlFixture, NULL, sql_fixture_set_up, function, sql_fixture_tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("comparison", test_comparison);
  ADD ("null", test_null);
  ADD ("logic", test_logic);
  ADD ("arithmetic", test_arithmetic);
  ADD ("functions", test_functions);
  ADD ("in", test_in);
  ADD ("subqueries", test_subqueries);
  ADD ("types", test_types);
  ADD ("loops", test_loops);
  ADD ("sharing", test_sharing);
  ADD ("and-does-not-change-shared", test_and_does_not_change_shared);

  return g_test_run ();
}
