/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model.h"

/* Each test runs in a fiber on an empty database, and counts what reached the server. */
typedef struct
{
  CupelEngine *engine;
  CupelSession *session;
  guint statements;
  guint commits;
  guint rollbacks;
  GString *sql;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

typedef struct
{
  TestFunc func;
  char *url;
} Case;

static void
on_execute (CupelEngine *engine,
            const char  *sql,
            guint        n_sets,
            gboolean     cache_hit,
            gint64       duration,
            const GError *failure,
            Fixture     *f)
{
  g_assert_false (cupel_in_fiber ());
  f->statements++;
  g_string_append_printf (f->sql, "%s\n", sql);
}

static void
count (CupelEngine *engine,
       guint       *counter)
{
  ++*counter;
}

static void
on_commit (CupelEngine *engine,
           Fixture     *f)
{
  count (engine, &f->commits);
}

static void
on_rollback (CupelEngine *engine,
             Fixture     *f)
{
  count (engine, &f->rollbacks);
}

static guint
statements (Fixture *f)
{
  guint n = f->statements;

  f->statements = 0;
  g_string_truncate (f->sql, 0);
  return n;
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const Case *test = data;
  Fixture f = { NULL, };
  g_autoptr(GError) local = NULL;
  CupelPool *pool;

  f.engine = model_engine (test->url);
  f.sql = g_string_new (NULL);
  g_signal_connect (f.engine, "execute", G_CALLBACK (on_execute), &f);
  g_signal_connect (f.engine, "commit", G_CALLBACK (on_commit), &f);
  g_signal_connect (f.engine, "rollback", G_CALLBACK (on_rollback), &f);
  f.session = cupel_session_new (f.engine);

  test->func (&f);

  g_assert_true (cupel_session_close (f.session, NULL, &local));
  g_assert_no_error (local);
  pool = cupel_engine_get_pool (f.engine);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  g_assert_finalize_object (f.session);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, &local));
  g_assert_no_error (local);
  g_object_unref (f.engine);
  g_string_free (f.sql, TRUE);
  return TRUE;
}

static void
run_test (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (run_in_fiber, (gpointer) data, NULL, &error));
  g_assert_no_error (error);
}

static Author *
new_author (const char *name,
            guint       n_books)
{
  Author *author = g_object_new (author_get_type (), "name", name, NULL);

  for (guint i = 0; i < n_books; i++)
    {
      g_autofree char *title = g_strdup_printf ("%s %u", name, i + 1);
      g_autoptr(Book) book = g_object_new (book_get_type (), "title", title, NULL);

      cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
    }
  return author;
}

static void
add (Fixture *f,
     gpointer entity)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_add (f->session, entity, &error));
  g_assert_no_error (error);
}

static void
flush (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_flush (f->session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
commit (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_commit (f->session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static gint64
count_rows (Fixture    *f,
            const char *table)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

static void
test_insert (Fixture *f)
{
  g_autoptr(Author) one = new_author ("one", 2);
  g_autoptr(Author) two = new_author ("two", 1);
  GListModel *books;

  add (f, one);
  add (f, two);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 5);
  g_assert_cmpuint (statements (f), ==, 0);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (one)), ==, CUPEL_ENTITY_PENDING);
  g_assert_false (cupel_session_in_transaction (f->session));

  commit (f);
  if (cupel_engine_get_capabilities (f->engine) & CUPEL_CAP_INSERT_RETURNING)
    g_assert_cmpuint (statements (f), ==, 2);
  else
    g_assert_cmpuint (statements (f), ==, 3);   /* and one SELECT of what the server filled in */
  g_assert_cmpuint (f->commits, ==, 1);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 0);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 5);
  g_assert_cmpint (one->id, ==, 1);
  g_assert_cmpint (two->id, ==, 2);
  g_assert_true (cupel_entity_is_loaded (CUPEL_ENTITY (one), "born"));
  g_assert_nonnull (one->born);
  g_assert_cmpint (g_date_time_get_year (one->born), >=, 2024);

  books = cupel_entity_get_list (CUPEL_ENTITY (one), "books", NULL);
  g_assert_cmpuint (g_list_model_get_n_items (books), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(Book) book = g_list_model_get_item (books, i);

      g_assert_cmpint (book->id, ==, i + 1);
      g_assert_cmpint (book->author_id, ==, one->id);
      g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", NULL) == one);
    }
  g_assert_cmpuint (statements (f), ==, 0);

  /* Nothing to write: nothing is sent. */
  commit (f);
  g_assert_cmpuint (statements (f), ==, 0);
  g_assert_cmpuint (f->commits, ==, 1);
}

static void
test_update (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) other = new_author ("two", 0);

  add (f, author);
  add (f, other);
  commit (f);
  statements (f);

  g_object_set (author, "age", 40, NULL);
  g_assert_cmpuint (cupel_session_get_n_dirty (f->session), ==, 1);
  g_assert_true (cupel_entity_is_modified (CUPEL_ENTITY (author), "age"));
  g_assert_cmpuint (f->statements, ==, 0);
  flush (f);
  g_assert_nonnull (strstr (f->sql->str, "UPDATE"));
  g_assert_nonnull (strstr (f->sql->str, "age"));
  g_assert_null (strstr (f->sql->str, "name"));
  g_assert_cmpuint (statements (f), ==, 1);
  g_assert_cmpuint (cupel_session_get_n_dirty (f->session), ==, 0);

  /* The same value, and a change that is taken back, write nothing. */
  g_object_set (author, "age", 40, NULL);
  g_object_set (author, "name", "x", NULL);
  g_object_set (author, "name", "one", NULL);
  g_assert_false (cupel_entity_is_modified (CUPEL_ENTITY (author), "name"));
  flush (f);
  g_assert_cmpuint (statements (f), ==, 0);

  /* Two of one shape go together. */
  g_object_set (author, "age", 41, NULL);
  g_object_set (other, "age", 42, NULL);
  flush (f);
  g_assert_cmpuint (statements (f), ==, 1);

  /* NULL is not 0. */
  g_assert_false (cupel_entity_is_null (CUPEL_ENTITY (author), "age"));
  cupel_entity_set_null (CUPEL_ENTITY (author), "age");
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (author), "age"));
  commit (f);
  cupel_session_expire_all (f->session);
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "age", NULL));
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (author), "age"));
  g_assert_cmpint (other->age, ==, 42);
}

static void
test_identity (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) same = NULL;
  g_autoptr(Author) missing = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;

  add (f, author);
  commit (f);
  statements (f);

  same = cupel_session_get_int64 (f->session, author_get_type (), author->id, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (same == author);
  g_assert_cmpuint (statements (f), ==, 0);
  missing = cupel_session_get_int64 (f->session, author_get_type (), 4711, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (missing);
  g_assert_cmpuint (statements (f), ==, 1);

  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_result_next (result) == author);
  g_assert_null (cupel_result_next (result));
  g_clear_object (&result);

  /* Nobody holds it: the session lets go of it, and loads it anew. */
  g_clear_object (&same);
  g_clear_object (&author);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
  statements (f);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  g_assert_cmpuint (statements (f), ==, 1);
  g_assert_cmpstr (author->name, ==, "one");

  /* A modified one is held until it is flushed. */
  g_object_set (author, "age", 5, NULL);
  g_clear_object (&author);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 1);
  commit (f);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  g_assert_cmpint (author->age, ==, 5);
}

static void
test_lazy (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 3);
  g_autoptr(Book) book = NULL;
  GListModel *books;

  add (f, author);
  commit (f);
  g_clear_object (&author);
  statements (f);

  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (author), "books"));
  statements (f);
  books = cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (books), ==, 3);
  g_assert_cmpuint (statements (f), ==, 1);
  cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error);
  g_assert_cmpuint (statements (f), ==, 0);

  /* The one side is in the identity map: no SQL. */
  g_clear_object (&book);
  book = cupel_session_get_int64 (f->session, book_get_type (), 2, NULL, &error);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error) == author);
  g_assert_no_error (error);
  g_assert_cmpuint (statements (f), ==, 0);
}

/* A misspelt attribute is a critical warning, and never a DELETE without its condition. */
static void
test_lost_condition (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(CupelDelete) delete_ = cupel_delete_new (cupel_entity_get_table (author_get_type ()));
  g_autoptr(CupelStatement) copy = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());

  add (f, author);
  commit (f);
  statements (f);

  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*no attribute \"nmae\"*");
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*left expression is NULL*");
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*cupel_delete_where*");
  cupel_delete_where (delete_, cupel_eq (cupel_attr (author_get_type (), "nmae"), cupel_literal_string ("two")));
  g_test_assert_expected_messages ();
  g_assert_null (cupel_session_execute (f->session, CUPEL_STATEMENT (delete_), NULL, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "cupel_delete_where"));
  g_clear_error (&error);

  copy = cupel_statement_copy (CUPEL_STATEMENT (delete_));
  g_assert_null (cupel_session_execute (f->session, copy, NULL, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);

  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*cupel_select_where*");
  cupel_select_where (select, NULL);
  g_test_assert_expected_messages ();
  g_assert_null (cupel_session_scalars (f->session, select, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_assert_cmpuint (statements (f), ==, 0);
  g_assert_cmpint (count_rows (f, "author"), ==, 1);
}

typedef struct
{
  Fixture *f;
  CupelEntity *entity;
  GError *error;
} Outside;

static void
read_outside (gpointer data)
{
  Outside *o = data;

  g_assert_null (cupel_entity_get_list (o->entity, "books", &o->error));
}

static void
flush_outside (gpointer data)
{
  Outside *o = data;

  /* A callback of a loop that runs: a call that would block it is refused. */
  g_assert_false (cupel_session_flush (o->f->session, NULL, &o->error));
}

static void
test_implicit_io (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 1);
  g_autoptr(GError) error = NULL;
  Outside o = { f, NULL, NULL };

  add (f, author);
  commit (f);
  cupel_session_expire_all (f->session);
  statements (f);
  o.entity = CUPEL_ENTITY (author);

  cupel_call_on_main_stack (read_outside, &o);
  g_assert_error (o.error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED);
  g_assert_nonnull (strstr (o.error->message, "Author.books"));
  g_clear_error (&o.error);
  g_assert_cmpuint (statements (f), ==, 0);

  cupel_call_on_main_stack (flush_outside, &o);
  g_assert_error (o.error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
  g_assert_nonnull (strstr (o.error->message, "cupel_session_flush"));
  g_clear_error (&o.error);

  g_assert_true (cupel_session_close (f->session, NULL, &error));
  g_assert_null (cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DETACHED);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (author)), ==, CUPEL_ENTITY_DETACHED);
}

static void
test_selectin (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  Author *author;
  guint n = 0;

  for (guint i = 0; i < 1201; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) a = new_author (name, i % 3);

      add (f, a);
    }
  commit (f);
  statements (f);

  cupel_select_add_option (select, cupel_selectinload (author_get_type (), "books"));
  cupel_select_order_by (select, cupel_attr (author_get_type (), "id"));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (statements (f), ==, 4);
  while ((author = cupel_result_next (result)) != NULL)
    {
      GListModel *books = cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error);

      g_assert_no_error (error);
      g_assert_cmpuint (g_list_model_get_n_items (books), ==, n % 3);
      n++;
    }
  g_assert_cmpuint (n, ==, 1201);
  g_assert_cmpuint (statements (f), ==, 0);

  n = 0;
  stream = cupel_session_stream (f->session, select, 400, NULL, &error);
  g_assert_no_error (error);
  while ((author = cupel_stream_next (stream, NULL, &error)) != NULL)
    {
      GListModel *books = cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error);

      g_assert_no_error (error);
      g_assert_cmpuint (g_list_model_get_n_items (books), ==, n % 3);
      n++;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (n, ==, 1201);
  g_assert_cmpuint (statements (f), ==, 5);
}

/* Options for deeper levels go with the statement too. */
static void
test_nested_selectin (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) books = cupel_entity_select (book_get_type ());
  g_autoptr(CupelSelect) wrong = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(Book) book = NULL;
  Author *author;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) a = new_author (name, 2);

      add (f, a);
    }
  commit (f);
  statements (f);

  cupel_select_add_option (books, cupel_selectinload (book_get_type (), "author"));
  cupel_select_add_option (books, cupel_selectinload (author_get_type (), "books"));
  cupel_select_where (books, cupel_eq (cupel_attr (book_get_type (), "id"), cupel_literal_int64 (3)));
  result = cupel_session_scalars (f->session, books, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (statements (f), ==, 3);
  book = cupel_result_one (result, &error);
  g_assert_no_error (error);
  author = cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (author->name, ==, "author 1");
  g_assert_cmpuint (g_list_model_get_n_items (cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error)), ==, 2);
  g_assert_cmpuint (statements (f), ==, 0);

  /* The book holds its author, whose list holds the book: expiring lets both go. */
  cupel_session_expire_all (f->session);
  g_clear_object (&result);
  cupel_select_add_option (wrong, cupel_selectinload (node_get_type (), "children"));
  g_assert_null (cupel_session_scalars (f->session, wrong, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING);
}

/* What is left of a result, as a list that outlives it */
static void
test_list (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GListModel) list = NULL;
  g_autoptr(GListModel) empty = NULL;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) author = new_author (name, 0);

      add (f, author);
    }
  commit (f);

  cupel_select_order_by (select, cupel_attr (author_get_type (), "id"));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (cupel_result_next (result));
  g_assert_nonnull (cupel_result_next (result));

  list = cupel_result_to_list (result);
  g_assert_null (cupel_result_next (result));
  empty = cupel_result_to_list (result);
  g_clear_object (&result);

  g_assert_true (g_list_model_get_item_type (list) == author_get_type ());
  g_assert_cmpuint (g_list_model_get_n_items (list), ==, 3);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(Author) author = g_list_model_get_item (list, i);
      g_autofree char *name = g_strdup_printf ("author %u", i + 2);

      g_assert_cmpstr (author->name, ==, name);
    }
  g_assert_null (g_list_model_get_item (list, 3));
  g_assert_cmpuint (g_list_model_get_n_items (empty), ==, 0);
  g_assert_null (g_list_model_get_item (empty, 0));
}

static void
test_raise (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(Author) author = new_author ("one", 1);

  add (f, author);
  commit (f);
  g_clear_object (&author);

  cupel_select_add_option (select, cupel_raiseload (author_get_type (), "books"));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  author = cupel_result_first (result);
  statements (f);
  g_assert_null (cupel_entity_get_list (CUPEL_ENTITY (author), "books", &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED);
  g_assert_nonnull (strstr (error->message, "Author.books"));
  g_assert_cmpuint (statements (f), ==, 0);
}

static void
test_rollback (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) kept = new_author ("kept", 0);
  g_autoptr(Author) lost = new_author ("lost", 1);
  g_autoptr(Author) deleted = new_author ("deleted", 0);

  add (f, kept);
  add (f, deleted);
  commit (f);

  add (f, lost);
  g_object_set (kept, "age", 7, NULL);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (deleted), &error));
  flush (f);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (lost)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (deleted)), ==, CUPEL_ENTITY_DELETED);
  g_assert_cmpint (count_rows (f, "author"), ==, 2);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (f->rollbacks, ==, 1);

  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (lost)), ==, CUPEL_ENTITY_TRANSIENT);
  g_assert_cmpstr (lost->name, ==, "lost");
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (deleted)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (kept), "age"));
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (kept), "age", &error));
  g_assert_no_error (error);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (kept), "age"));
  g_assert_cmpint (count_rows (f, "author"), ==, 2);
  g_assert_cmpint (count_rows (f, "book"), ==, 0);
}

/* What one session inserted is a row like any other for the next, which does not undo it. */
static void
test_rollback_of_another (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSession) other = cupel_session_new (cupel_session_get_engine (f->session));
  g_autoptr(Author) author = new_author ("one", 0);

  add (f, author);
  commit (f);
  cupel_session_expunge (f->session, CUPEL_ENTITY (author), &error);
  g_assert_no_error (error);

  cupel_session_add (other, CUPEL_ENTITY (author), &error);
  g_assert_no_error (error);
  cupel_session_rollback (other, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_session_contains (other, CUPEL_ENTITY (author)));
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (author)), ==, CUPEL_ENTITY_PERSISTENT);
  cupel_session_close (other, NULL, &error);
  g_assert_no_error (error);
}

static void
test_failed_flush (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) one = new_author ("same", 0);
  g_autoptr(Author) two = new_author ("same", 0);

  add (f, one);
  commit (f);
  add (f, two);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_clear_error (&error);
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);

  g_assert_false (cupel_session_commit (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_clear_error (&error);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (two)), ==, CUPEL_ENTITY_TRANSIENT);
  g_object_set (two, "name", "other", NULL);
  add (f, two);
  commit (f);
  g_assert_cmpint (count_rows (f, "author"), ==, 2);
}

static void
test_delete (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 2);
  g_autoptr(Book) book = NULL;

  add (f, author);
  commit (f);
  g_clear_object (&author);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  statements (f);

  /* Without a cascade the children stay, without their parent: loaded, one many-UPDATE, one DELETE. */
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
  flush (f);
  g_assert_cmpuint (statements (f), ==, 3);
  commit (f);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (author)), ==, CUPEL_ENTITY_DETACHED);
  g_assert_cmpint (count_rows (f, "author"), ==, 0);
  g_assert_cmpint (count_rows (f, "book"), ==, 2);
  book = cupel_session_get_int64 (f->session, book_get_type (), 1, NULL, &error);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (book), "author_id"));
}

static Node *
new_node (Node       *parent,
          const char *name)
{
  Node *node = g_object_new (node_get_type (), "name", name, NULL);

  if (parent != NULL)
    cupel_entity_append (CUPEL_ENTITY (parent), "children", CUPEL_ENTITY (node));
  return node;
}

static void
test_tree (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Node) root = new_node (NULL, "root");
  g_autoptr(Node) left = new_node (root, "left");
  g_autoptr(Node) right = new_node (root, "right");
  g_autoptr(Node) leaf = new_node (left, "leaf");
  GListModel *children;

  add (f, leaf);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 4);
  commit (f);
  g_assert_cmpint (left->parent_id, ==, root->id);
  g_assert_cmpint (right->parent_id, ==, root->id);
  g_assert_cmpint (leaf->parent_id, ==, left->id);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (root), "parent_id"));

  /* An orphan is deleted. */
  children = cupel_entity_get_list (CUPEL_ENTITY (root), "children", &error);
  g_assert_true (cupel_collection_remove (CUPEL_COLLECTION (children), CUPEL_ENTITY (right)));
  commit (f);
  g_assert_cmpint (count_rows (f, "node"), ==, 3);

  /* The whole tree goes. */
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
  commit (f);
  g_assert_no_error (error);
  g_assert_cmpint (count_rows (f, "node"), ==, 0);
}

static void
test_move (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) from = new_author ("from", 1);
  g_autoptr(Author) to = new_author ("to", 0);
  g_autoptr(Book) book = NULL;
  GListModel *books;

  add (f, from);
  add (f, to);
  commit (f);
  books = cupel_entity_get_list (CUPEL_ENTITY (from), "books", &error);
  book = g_list_model_get_item (books, 0);
  statements (f);

  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", CUPEL_ENTITY (to), &error));
  g_assert_cmpuint (g_list_model_get_n_items (books), ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (cupel_entity_get_list (CUPEL_ENTITY (to), "books", NULL)), ==, 1);
  g_assert_cmpuint (statements (f), ==, 0);
  commit (f);
  g_assert_cmpint (book->author_id, ==, to->id);
  g_assert_cmpuint (statements (f), ==, 1);

  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", NULL, &error));
  commit (f);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (book), "author_id"));
}

static void
test_composite_key (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "s", "name", "n", "weight", (gint64) 3, NULL);
  g_autoptr(Tag) other = g_object_new (tag_get_type (), "scope", "s", "name", "m", NULL);
  g_autoptr(CupelSelect) select = cupel_entity_select (tag_get_type ());
  g_autoptr(CupelResult) result = NULL;
  Tag *found;

  add (f, tag);
  add (f, other);
  commit (f);
  g_object_set (tag, "weight", (gint64) 4, NULL);
  commit (f);
  cupel_select_where (select, cupel_eq (cupel_attr (tag_get_type (), "name"), cupel_literal_string ("n")));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  found = cupel_result_next (result);
  g_assert_true (found == tag);
  g_assert_cmpint (found->weight, ==, 4);
}

static void
test_types (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GDateTime) when = g_date_time_new_utc (2024, 2, 29, 12, 34, 56.5);
  g_autoptr(GBytes) blob = g_bytes_new ("\0\1\2", 3);
  g_autoptr(GDate) day = g_date_new_dmy (1, G_DATE_JANUARY, 1969);
  g_autoptr(Everything) all = g_object_new (everything_get_type (), "flag", TRUE, "small", -7, "ratio", 0.1, "text", "žluťoučký 🦄",
                                            "amount", "1234567890123456.7890", "blob", blob, "local", when, "instant", when,
                                            "day", day, "clock", (gint64) 3723000000, NULL);
  g_autoptr(Everything) none = g_object_new (everything_get_type (), NULL);

  add (f, all);
  add (f, none);
  commit (f);
  g_clear_object (&all);
  g_clear_object (&none);
  all = cupel_session_get_int64 (f->session, everything_get_type (), 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (all->flag);
  g_assert_cmpint (all->small, ==, -7);
  g_assert_cmpfloat (all->ratio, ==, 0.1);
  g_assert_cmpstr (all->text, ==, "žluťoučký 🦄");
  g_assert_cmpstr (all->amount, ==, "1234567890123456.7890");
  g_assert_true (g_bytes_equal (all->blob, blob));
  g_assert_true (g_date_time_equal (all->local, when));
  g_assert_true (g_date_time_equal (all->instant, when));
  g_assert_cmpint (g_date_compare (all->day, day), ==, 0);
  g_assert_cmpint (all->clock, ==, 3723000000);

  none = cupel_session_get_int64 (f->session, everything_get_type (), 2, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (none->text);
  g_assert_null (none->local);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (none), "flag"));
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (none), "ratio"));
}

static void
test_bad_text (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("\xff\xfe", 0);

  add (f, author);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_nonnull (strstr (error->message, "Author.name"));
  g_assert_true (cupel_session_rollback (f->session, NULL, NULL));
}

static void
test_stale (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(CupelText) text = cupel_text_new ("DELETE FROM author");
  g_autoptr(CupelResult) result = NULL;

  add (f, author);
  commit (f);
  result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cupel_result_get_row_count (result), ==, 1);
  g_object_set (author, "age", 3, NULL);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_STALE);
  g_clear_error (&error);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_assert_true (cupel_session_refresh (f->session, CUPEL_ENTITY (author), NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
test_refresh (Fixture *f)
{
  const char *names[] = { "books", NULL };
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(CupelText) text = cupel_text_new ("UPDATE author SET age = 99");
  g_autoptr(CupelText) book = cupel_text_new ("INSERT INTO book (author_id, title) VALUES (1, 'behind')");
  g_autoptr(CupelResult) result = NULL;

  add (f, author);
  commit (f);
  result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), NULL, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&result);
  result = cupel_session_execute (f->session, CUPEL_STATEMENT (book), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (author->age, ==, 0);
  g_assert_true (cupel_session_refresh (f->session, CUPEL_ENTITY (author), NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (author->age, ==, 99);
  g_assert_true (cupel_session_refresh (f->session, CUPEL_ENTITY (author), names, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (cupel_entity_get_list (CUPEL_ENTITY (author), "books", NULL)), ==, 1);
}

static void
test_expire_on_commit (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);

  cupel_session_set_expire_on_commit (f->session, TRUE);
  add (f, author);
  commit (f);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (author), "name"));
  statements (f);
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "name", NULL));
  g_assert_cmpuint (statements (f), ==, 1);
  g_assert_cmpstr (author->name, ==, "one");
}

static void
test_merge_frozen (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(CupelSession) target = cupel_session_new (f->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelResult) first = NULL;
  g_autoptr(CupelResult) second = NULL;
  g_autoptr(CupelFrozenResult) frozen = NULL;
  g_autoptr(Author) one = NULL;
  g_autoptr(Author) two = NULL;

  add (f, author);
  commit (f);
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  frozen = cupel_result_freeze (result);
  g_assert_cmpuint (cupel_frozen_result_get_n_rows (frozen), ==, 1);
  g_assert_true (cupel_session_close (f->session, NULL, &error));
  statements (f);

  first = cupel_session_merge_frozen (target, frozen, &error);
  g_assert_no_error (error);
  second = cupel_session_merge_frozen (target, frozen, &error);
  g_assert_no_error (error);
  one = cupel_result_one (first, &error);
  two = cupel_result_one (second, &error);
  g_assert_no_error (error);
  g_assert_true (one == two);
  g_assert_true (one != author);
  g_assert_cmpstr (one->name, ==, "one");
  g_assert_nonnull (one->born);
  g_assert_cmpuint (statements (f), ==, 0);
  g_assert_true (cupel_session_close (target, NULL, &error));
}

typedef struct
{
  Fixture *f;
  guint busy;
  guint done;
} Race;

static gboolean
race_task (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Race *race = data;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(GError) local = NULL;
  g_autoptr(CupelResult) result = cupel_session_scalars (race->f->session, select, cancellable, &local);

  if (result != NULL)
    race->done++;
  else if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_BUSY))
    race->busy++;
  else
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return TRUE;
}

static void
test_busy (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(Author) author = new_author ("one", 1);
  Race race = { f, 0, 0 };

  add (f, author);
  for (guint i = 0; i < 5; i++)
    cupel_task_group_spawn (group, race_task, &race, NULL);
  g_assert_true (cupel_task_group_join (group, &error));
  g_assert_no_error (error);
  /* A thread of SQLite's that is quicker than the loop leaves nothing to collide with. */
  g_assert_cmpuint (race.done, >=, 1);
  g_assert_cmpuint (race.done + race.busy, ==, 5);
  g_assert_cmpint (count_rows (f, "author"), ==, 1);
  g_assert_cmpint (count_rows (f, "book"), ==, 1);
}

static gpointer
other_thread (gpointer data)
{
  Fixture *f = data;
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT);
  return NULL;
}

static void
test_wrong_thread (Fixture *f)
{
  g_thread_join (g_thread_new ("other", other_thread, f));
}

static void
on_notify (GObject    *object,
           GParamSpec *pspec,
           guint      *counter)
{
  g_assert_false (cupel_in_fiber ());
  ++*counter;
}

static void
test_notify (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);
  guint counter = 0;

  g_signal_connect (author, "notify::age", G_CALLBACK (on_notify), &counter);
  g_object_set (author, "age", 1, NULL);
  g_object_set (author, "age", 1, NULL);
  g_assert_cmpuint (counter, ==, 1);
  add (f, author);
  commit (f);
  g_assert_cmpuint (counter, ==, 1);
}

typedef struct
{
  guint count;
  gint64 weight;
} Heard;

static void
on_tag_notify (Tag        *tag,
               GParamSpec *pspec,
               Heard      *heard)
{
  g_assert_false (cupel_in_fiber ());
  g_assert_cmpint (tag->weight, ==, heard->weight);
  heard->count++;
}

/* What is set together is heard when all of it is set, and frozen objects say nothing, in a fiber as anywhere. */
static void
test_notify_together (Fixture *f)
{
  g_autoptr(Tag) silent = g_object_new (tag_get_type (), "scope", "s", "name", "one", "weight", G_GINT64_CONSTANT (1), NULL);
  g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "s", "name", "two", NULL);
  g_autoptr(Tag) later = NULL;
  Heard heard = { 0, 7 };

  g_object_set (silent, "weight", G_GINT64_CONSTANT (2), NULL);
  g_signal_connect (tag, "notify", G_CALLBACK (on_tag_notify), &heard);
  g_object_set (tag, "name", "three", "weight", G_GINT64_CONSTANT (7), NULL);
  g_assert_cmpuint (heard.count, ==, 2);

  g_object_freeze_notify (G_OBJECT (tag));
  g_object_set (tag, "weight", G_GINT64_CONSTANT (8), NULL);
  g_assert_cmpuint (heard.count, ==, 2);
  heard.weight = 8;
  g_object_thaw_notify (G_OBJECT (tag));
  g_assert_cmpuint (heard.count, ==, 3);

  /* One that is made when somebody listens to another. */
  later = g_object_new (tag_get_type (), "scope", "s", "name", "four", "weight", G_GINT64_CONSTANT (3), NULL);
  heard.weight = 0;
  g_signal_connect (later, "notify::weight", G_CALLBACK (on_tag_notify), &heard);
  cupel_entity_set_null (CUPEL_ENTITY (later), "weight");
  g_assert_cmpuint (heard.count, ==, 4);
}

static void
test_session_end (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  CupelSession *session = cupel_session_new (f->engine);

  /* Dropped in a transaction: the connection goes back, nothing is written, the entity is free. */
  g_assert_true (cupel_session_add (session, CUPEL_ENTITY (author), &error));
  g_assert_true (cupel_session_flush (session, NULL, &error));
  g_assert_no_error (error);
  g_object_unref (session);
  g_assert_null (cupel_entity_get_session (CUPEL_ENTITY (author)));
  while (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)) > 0)
    cupel_fiber_sleep (1000, NULL, NULL);
  g_assert_cmpint (count_rows (f, "author"), ==, 0);
}

/* A class for the same table, with a member that not every row fits. */
CUPEL_DECLARE_ENTITY (Narrow, narrow)

struct _Narrow
{
  CupelEntity parent_instance;
  char *scope;
  char *name;
  int weight;
};

static const CupelColumnSpec narrow_columns[] = {
  CUPEL_COLUMN (Narrow, scope, STRING, .length = 20, .primary_key = TRUE),
  CUPEL_COLUMN (Narrow, name, STRING, .length = 20, .primary_key = TRUE),
  CUPEL_COLUMN (Narrow, weight, INT32),
};

CUPEL_DEFINE_ENTITY (Narrow, narrow, "tag", narrow_columns)

enum { N_TAGS = 4500 };

static void
add_tags (Fixture *f,
          guint    wide)
{
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < N_TAGS; i++)
    {
      g_autofree char *name = g_strdup_printf ("%05u", i);
      g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "s", "name", name, "weight",
                                         i == wide ? G_GINT64_CONSTANT (1) << 40 : (gint64) i, NULL);

      add (f, tag);
    }
  g_assert_true (cupel_session_commit (f->session, NULL, &error));
  g_assert_no_error (error);
}

static CupelResult *
load_all (Fixture       *f,
          GType          type,
          GCancellable  *cancellable,
          GError       **error)
{
  g_autoptr(CupelSelect) select = cupel_entity_select (type);

  cupel_select_order_by (select, cupel_attr (type, "name"));
  return cupel_session_scalars (f->session, select, cancellable, error);
}

/* A result of several blocks becomes entities while it is read on. */
static void
test_large (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  guint i = 0;
  Tag *tag;

  add_tags (f, N_TAGS);
  statements (f);
  {
    g_autoptr(CupelResult) result = load_all (f, tag_get_type (), NULL, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (cupel_result_get_n_rows (result), ==, N_TAGS);
    while ((tag = cupel_result_next (result)) != NULL)
      g_assert_cmpint (tag->weight, ==, i++);
  }
  g_assert_cmpuint (i, ==, N_TAGS);
  g_assert_cmpuint (statements (f), ==, 1);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
  g_assert_true (cupel_session_commit (f->session, NULL, &error));
  g_assert_no_error (error);
}

/* A row in the midst of a result that is no entity: nothing of the result stays open, and nothing of it in the session. */
static void
test_misfit (Fixture *f)
{
  g_autoptr(GError) error = NULL;

  add_tags (f, 2600);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(CupelResult) result = load_all (f, narrow_get_type (), NULL, &error);

      g_assert_null (result);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
      g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
      result = load_all (f, tag_get_type (), NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (cupel_result_get_n_rows (result), ==, N_TAGS);
      g_clear_object (&result);
      g_assert_true (cupel_session_commit (f->session, NULL, &error));
      g_assert_no_error (error);
    }
}

typedef struct
{
  GCancellable *cancellable;
  guint left;
} Countdown;

static gboolean
count_and_cancel (gpointer data)
{
  Countdown *countdown = data;

  if (countdown->left-- > 0)
    return G_SOURCE_CONTINUE;
  g_cancellable_cancel (countdown->cancellable);
  return G_SOURCE_REMOVE;
}

/* Cancelled at one iteration of the loop or another: it is whole or it is nothing, and the session goes on. */
static void
test_cancelled_load (Fixture *f)
{
  add_tags (f, N_TAGS);
  for (guint after = 0; after < 24; after++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Countdown countdown = { cancellable, after };
      g_autoptr(GSource) source = g_idle_source_new ();
      g_autoptr(CupelResult) result = NULL;

      g_source_set_callback (source, count_and_cancel, &countdown, NULL);
      g_source_attach (source, g_main_context_get_thread_default ());
      result = load_all (f, tag_get_type (), cancellable, &error);
      g_source_destroy (source);
      if (result == NULL)
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          g_clear_error (&error);
          g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
        }
      else
        g_assert_cmpuint (cupel_result_get_n_rows (result), ==, N_TAGS);
      g_clear_object (&result);
      g_assert_true (cupel_session_rollback (f->session, NULL, &error));
      g_assert_no_error (error);
      result = load_all (f, tag_get_type (), NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (cupel_result_get_n_rows (result), ==, N_TAGS);
    }
}

static gboolean
count_iteration (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

/* One row after the other for a while: where no query has to wait, the loop gets its turns all the same. */
static void
test_many_gets (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(GSource) source = g_idle_source_new ();
  guint iterations = 0;
  gint64 id, end;

  add (f, author);
  commit (f);
  id = author->id;
  g_clear_object (&author);

  g_source_set_callback (source, count_iteration, &iterations, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  end = g_get_monotonic_time () + 100 * 1000;
  while (g_get_monotonic_time () < end)
    {
      g_autoptr(Author) again = cupel_session_get_int64 (f->session, author_get_type (), id, NULL, &error);

      g_assert_no_error (error);
      g_assert_nonnull (again);
    }
  g_source_destroy (source);
  g_assert_cmpuint (iterations, >, 1);
}

static void
free_case (gpointer data)
{
  Case *test = data;

  g_free (test->url);
  g_free (test);
}

int
main (int   argc,
      char *argv[])
{
  static const struct
  {
    const char *path;
    TestFunc func;
  } tests[] = {
    { "/orm/session/insert", test_insert },
    { "/orm/session/update", test_update },
    { "/orm/session/identity", test_identity },
    { "/orm/session/lazy", test_lazy },
    { "/orm/session/implicit-io", test_implicit_io },
    { "/orm/session/selectin", test_selectin },
    { "/orm/session/nested-selectin", test_nested_selectin },
    { "/orm/session/list", test_list },
    { "/orm/session/raise", test_raise },
    { "/orm/session/lost-condition", test_lost_condition },
    { "/orm/session/rollback", test_rollback },
    { "/orm/session/rollback-of-another", test_rollback_of_another },
    { "/orm/session/failed-flush", test_failed_flush },
    { "/orm/session/delete", test_delete },
    { "/orm/session/tree", test_tree },
    { "/orm/session/move", test_move },
    { "/orm/session/composite-key", test_composite_key },
    { "/orm/session/types", test_types },
    { "/orm/session/bad-text", test_bad_text },
    { "/orm/session/stale", test_stale },
    { "/orm/session/refresh", test_refresh },
    { "/orm/session/expire-on-commit", test_expire_on_commit },
    { "/orm/session/merge-frozen", test_merge_frozen },
    { "/orm/session/busy", test_busy },
    { "/orm/session/wrong-thread", test_wrong_thread },
    { "/orm/session/notify", test_notify },
    { "/orm/session/notify-together", test_notify_together },
    { "/orm/session/many-gets", test_many_gets },
    { "/orm/session/large", test_large },
    { "/orm/session/misfit", test_misfit },
    { "/orm/session/cancelled-load", test_cancelled_load },
    { "/orm/session/end", test_session_end },
  };

  const char *list = g_getenv ("CUPEL_TEST_URLS");
  g_auto(GStrv) urls = g_strsplit (list != NULL ? list : "sqlite://", " ", -1);

  g_test_init (&argc, &argv, NULL);
  for (guint u = 0; urls[u] != NULL; u++)
    for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
      {
        Case *test = g_new0 (Case, 1);
        g_autofree char *scheme = g_uri_parse_scheme (urls[u]);
        g_autofree char *path = g_strdup_printf ("%s/%u-%s", tests[i].path, u + 1, scheme);

        test->func = tests[i].func;
        test->url = g_strdup (urls[u]);
        g_test_add_data_func_full (path, test, run_test, free_case);
      }
  return g_test_run ();
}
