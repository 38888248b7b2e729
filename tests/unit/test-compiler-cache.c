/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Statements that are frozen, copied, compared and compiled once. */

#include "dollar-compiler.h"

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
  ADD ("freeze", test_freeze);
  ADD ("copies", test_copies);
  ADD ("key", test_key);
  ADD ("cache", test_cache);
  ADD ("bad-literals", test_bad_literals);
  ADD ("threads", test_threads);

  return g_test_run ();
}
