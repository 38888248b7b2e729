/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How a session loads: the loaders, many entities, what does not fit. */

#include "session-fixture.h"

#include <time.h>

static void
test_lazy (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 3);
  g_autoptr(Book) book = NULL;
  GListModel *books;

  add (f->session, author);
  commit (f->session);
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

  add (f->session, author);
  commit (f->session);
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

  add (f->session, author);
  commit (f->session);
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

      add (f->session, a);
    }
  commit (f->session);
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

      add (f->session, a);
    }
  commit (f->session);
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

      add (f->session, author);
    }
  commit (f->session);

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

  add (f->session, author);
  commit (f->session);
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

      add (f->session, tag);
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

static gint64
get_thread_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

/* One row after the other for a while, of this thread's work: where no query has to wait, the loop gets its turns all the same. */
static void
test_many_gets (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(GSource) source = g_idle_source_new ();
  guint iterations = 0;
  gint64 id, end;

  add (f->session, author);
  commit (f->session);
  id = author->id;
  g_clear_object (&author);

  g_source_set_callback (source, count_iteration, &iterations, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  end = get_thread_time () + 100 * 1000;
  while (get_thread_time () < end)
    {
      g_autoptr(Author) again = cupel_session_get_int64 (f->session, author_get_type (), id, NULL, &error);

      g_assert_no_error (error);
      g_assert_nonnull (again);
    }
  g_source_destroy (source);
  g_assert_cmpuint (iterations, >, 1);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/session/lazy", G_CALLBACK (test_lazy) },
    { "/orm/session/implicit-io", G_CALLBACK (test_implicit_io) },
    { "/orm/session/selectin", G_CALLBACK (test_selectin) },
    { "/orm/session/nested-selectin", G_CALLBACK (test_nested_selectin) },
    { "/orm/session/list", G_CALLBACK (test_list) },
    { "/orm/session/raise", G_CALLBACK (test_raise) },
    { "/orm/session/lost-condition", G_CALLBACK (test_lost_condition) },
    { "/orm/session/many-gets", G_CALLBACK (test_many_gets) },
    { "/orm/session/large", G_CALLBACK (test_large) },
    { "/orm/session/misfit", G_CALLBACK (test_misfit) },
    { "/orm/session/cancelled-load", G_CALLBACK (test_cancelled_load) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run_counting);
}
