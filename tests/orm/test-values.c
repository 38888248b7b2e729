/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session-fixture.h"

/* Constraints */

static void
assert_refused (Fixture *f,
                int      code)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, code);
  g_clear_error (&error);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  rollback (f->session);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 0);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 1);
}

static void
test_constraints (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) same = new_author ("one", 3);
  g_autoptr(Author) nameless = g_object_new (author_get_type (), "age", 3, NULL);
  g_autoptr(Book) lost = g_object_new (book_get_type (), "title", "lost", "author-id", (gint64) 4711, NULL);
  g_autoptr(Author) key = g_object_new (author_get_type (), "id", (gint64) 1, "name", "key", NULL);

  add (f->session, author);
  commit (f->session);

  add (f->session, same);
  assert_refused (f, CUPEL_ERROR_UNIQUE);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (same)), ==, CUPEL_ENTITY_TRANSIENT);

  add (f->session, nameless);
  assert_refused (f, CUPEL_ERROR_NOT_NULL);

  add (f->session, lost);
  assert_refused (f, CUPEL_ERROR_FOREIGN_KEY);

  add (f->session, key);
  assert_refused (f, CUPEL_ERROR_UNIQUE);

  g_object_set (author, "name", NULL, NULL);
  assert_refused (f, CUPEL_ERROR_NOT_NULL);
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "name", NULL));
  g_assert_cmpstr (author->name, ==, "one");

  /* What was refused is mended, and goes. */
  g_object_set (same, "name", "two", NULL);
  add (f->session, same);
  commit (f->session);
  g_assert_cmpint (count_committed (f, "author"), ==, 2);
  g_assert_cmpint (count_committed (f, "book"), ==, 3);
}

/* Values and names */

static void
test_empty_in (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelSelect) all = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;

  fill (f, 3);
  cupel_select_where (select, cupel_in_int64 (cupel_attr (author_get_type (), "id"), NULL, 0));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (cupel_result_next (result));
  g_clear_object (&result);
  cupel_select_where (all, cupel_not (cupel_in (cupel_attr (author_get_type (), "name"), NULL, 0)));
  result = cupel_session_scalars (f->session, all, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 3);
}

static void
test_huge_values (Fixture *f)
{
  const gsize size = g_test_thorough () ? 64 * 1024 * 1024 : 12 * 1024 * 1024;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) create = NULL;
  g_autoptr(CupelText) insert = cupel_text_new ("INSERT INTO cupel_huge (id, b) VALUES (:id, :b)");
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GBytes) back = NULL;
  guint8 *data = g_malloc (size);
  g_autoptr(GBytes) bytes = g_bytes_new_take (data, size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 131);
  execute (f->session, "DROP TABLE IF EXISTS cupel_huge");
  execute (f->session, g_str_has_prefix (f->url, "postgres") ? "CREATE TABLE cupel_huge (id int, b bytea)"
                                                              : "CREATE TABLE cupel_huge (id int, b longblob)");
  commit (f->session);
  cupel_parameters_set_int64 (parameters, "id", 1);
  cupel_parameters_set_bytes (parameters, "b", bytes);
  result = cupel_session_execute (f->session, CUPEL_STATEMENT (insert), parameters, NULL, &error);
  if (result == NULL)
    {
      /* The server has a limit, and says so; the session goes on. */
      g_test_message ("%s", error->message);
      g_assert_cmpint (error->domain, ==, CUPEL_ERROR);
      g_clear_error (&error);
      cupel_session_rollback (f->session, NULL, NULL);
    }
  else
    {
      g_clear_object (&result);
      create = cupel_text_new ("SELECT b FROM cupel_huge");
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (create), NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (cupel_result_step (result));
      back = cupel_result_dup_bytes (result, 0);
      g_assert_true (g_bytes_equal (bytes, back));
      g_clear_object (&result);
    }
  rollback (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM cupel_huge"), ==, 0);
  rollback (f->session);
  execute (f->session, "DROP TABLE cupel_huge");
  commit (f->session);
}

static void
test_bad_text (Fixture *f)
{
  static const char *const bad[] = { "\xff", "abc\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
      g_autoptr(CupelText) text = cupel_text_new ("SELECT :v");
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(CupelValue) key = cupel_value_new_string (bad[i]);

      cupel_parameters_set_string (parameters, "v", bad[i]);
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), parameters, NULL, &error);
      g_assert_null (result);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
      rollback (f->session);

      cupel_select_where (select, cupel_eq (cupel_attr (author_get_type (), "name"), cupel_literal_string (bad[i])));
      result = cupel_session_scalars (f->session, select, NULL, &error);
      g_assert_null (result);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
      rollback (f->session);

      g_assert_null (cupel_session_get (f->session, tag_get_type (), key, NULL, &error));
      g_assert_nonnull (error);
    }
  g_assert_cmpint (query_int (f->session, "SELECT 1"), ==, 1);
}

static void
test_odd_names (Fixture *f)
{
  static const char *const names[] = { "select", "a\"b", "a`b", "it's", "two words", "žluťoučký kůň", "semi;colon--", "100%", ":bind", "?", "$1", "a\\b" };
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
      g_autoptr(CupelTable) table = cupel_table_new (names[i]);
      g_autoptr(CupelInsert) insert = NULL;
      g_autoptr(CupelSelect) select = cupel_select_new ();
      g_autoptr(CupelResult) result = NULL;
      CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
      CupelColumn *column = cupel_column_new (names[i], cupel_sql_type_new_sized (CUPEL_SQL_STRING, 20));

      cupel_column_set_primary_key (id, TRUE);
      cupel_table_add_column (table, id);
      cupel_column_set_index (column, TRUE);
      cupel_table_add_column (table, column);
      g_assert_true (cupel_metadata_add_table (metadata, table, &error));
      cupel_engine_drop_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);
      cupel_engine_create_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);
      cupel_engine_create_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);

      insert = cupel_insert_new (table);
      cupel_insert_set (insert, names[i], cupel_literal_string (names[i]));
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (insert), NULL, NULL, &error);
      g_assert_no_error (error);
      g_clear_object (&result);
      cupel_select_add_column (select, cupel_table_c (table, names[i]));
      cupel_select_where (select, cupel_eq (cupel_table_c (table, names[i]), cupel_literal_string (names[i])));
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (select), NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (cupel_result_step (result));
      g_assert_cmpstr (cupel_result_get_string (result, 0), ==, names[i]);
      g_assert_cmpstr (cupel_result_get_column_name (result, 0), ==, names[i]);
      g_clear_object (&result);
      commit (f->session);
      cupel_engine_drop_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);
    }
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/values/constraints", G_CALLBACK (test_constraints) },
    { "/orm/values/empty-in", G_CALLBACK (test_empty_in) },
    { "/orm/values/huge", G_CALLBACK (test_huge_values) },
    { "/orm/values/bad-text", G_CALLBACK (test_bad_text) },
    { "/orm/values/names", G_CALLBACK (test_odd_names) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
