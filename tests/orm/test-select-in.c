/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Relationships of more parents than one statement asks for: while one batch is dealt out, the next is on its way. Whatever happens in
 * between, all is dealt out or the whole load fails, and the session can go on. */

#include "session-fixture.h"
#include "runtime/cupel-fiber-private.h"

/* Three batches, of which the last is no whole one. */
#define N_AUTHORS 1100
#define N_STATEMENTS 4

static guint
count_books (guint author)
{
  return author % 4;
}

static void
make_authors (Fixture *f)
{
  for (guint i = 1; i <= N_AUTHORS; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %04u", i);
      g_autoptr(Author) author = new_author (name, count_books (i));

      add (f->session, author);
    }
  commit (f->session);
}

static GPtrArray *
load (CupelSession  *session,
      GCancellable  *cancellable,
      GError       **error)
{
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GPtrArray) authors = g_ptr_array_new_with_free_func (g_object_unref);
  Author *author;

  cupel_select_add_option (select, cupel_selectinload (author_get_type (), "books"));
  cupel_select_order_by (select, cupel_attr (author_get_type (), "name"));
  result = cupel_session_scalars (session, select, cancellable, error);
  if (result == NULL)
    return NULL;
  while ((author = cupel_result_next (result)) != NULL)
    g_ptr_array_add (authors, g_object_ref (author));
  return g_steal_pointer (&authors);
}

static void
check (GPtrArray *authors)
{
  g_assert_cmpuint (authors->len, ==, N_AUTHORS);
  for (guint i = 0; i < authors->len; i++)
    {
      Author *author = authors->pdata[i];
      GListModel *books = list_of (author, "books");
      gint64 last = 0;

      g_assert_cmpuint (g_list_model_get_n_items (books), ==, count_books (i + 1));
      for (guint b = 0; b < count_books (i + 1); b++)
        {
          g_autoptr(Book) book = g_list_model_get_item (books, b);
          g_autofree char *title = g_strdup_printf ("%s %u", author->name, b + 1);

          g_assert_cmpstr (book->title, ==, title);
          g_assert_cmpint (book->author_id, ==, author->id);
          g_assert_cmpint (book->id, >, last);
          g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", NULL) == author);
          last = book->id;
        }
    }
}

static void
on_statement (CupelEngine  *engine,
              const char   *sql,
              guint         n_sets,
              gboolean      cache_hit,
              gint64        duration,
              const GError *failure,
              guint        *n_statements)
{
  (*n_statements)++;
}

static void
test_batches (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) authors = NULL;
  g_autoptr(GPtrArray) again = NULL;
  guint n_statements = 0;
  gulong id;

  make_authors (f);
  id = g_signal_connect (f->engine, "execute", G_CALLBACK (on_statement), &n_statements);
  authors = load (f->session, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_statements, ==, N_STATEMENTS);
  check (authors);

  /* Who has them all asks for nothing more. */
  again = load (f->session, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (n_statements, ==, N_STATEMENTS + 1);
  g_assert_true (again->pdata[0] == authors->pdata[0]);
  check (again);
  g_signal_handler_disconnect (f->engine, id);
}

/* What was changed in a collection before it was loaded is kept. */
static void
test_changed_before (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) authors = NULL;
  g_autoptr(Author) author = NULL;
  g_autoptr(Book) book = NULL;
  g_autoptr(Book) fresh = g_object_new (book_get_type (), "title", "fresh", NULL);
  gint64 key;

  make_authors (f);
  key = query_int (f->session, "SELECT id FROM author WHERE name = 'author 0999'");
  author = cupel_session_get_int64 (f->session, author_get_type (), key, NULL, &error);
  g_assert_no_error (error);
  key = query_int (f->session, "SELECT id FROM book WHERE title = 'author 0999 2'");
  book = cupel_session_get_int64 (f->session, book_get_type (), key, NULL, &error);
  g_assert_no_error (error);
  cupel_session_set_autoflush (f->session, FALSE);
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (fresh));
  cupel_entity_remove (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));

  authors = load (f->session, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (authors->pdata[998] == author);
  g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 3);
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE title = 'fresh' AND author_id IS NOT NULL"), ==, 1);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE title = 'author 0999 2' AND author_id IS NULL"), ==, 1);
}

/* Rows that fit no entity, in the second of the batches. */
static void
test_bad_rows (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) authors = NULL;

  if (is_server (f))
    {
      g_test_skip ("a server keeps such rows out of its tables");
      return;
    }
  make_authors (f);
  execute (f->session, "UPDATE book SET title = x'ff00' WHERE title = 'author 0777 1'");
  authors = load (f->session, NULL, &error);
  g_assert_null (authors);
  g_assert_nonnull (error);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, N_AUTHORS);
  rollback (f->session);

  g_clear_error (&error);
  authors = load (f->session, NULL, &error);
  g_assert_no_error (error);
  check (authors);
}

/* A statement that fails in the middle of its rows, while those of the one before are dealt out. */
static void
test_bad_statement (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GPtrArray) authors = NULL;

  if (is_server (f))
    {
      g_test_skip ("the table would have to be replaced within the transaction");
      return;
    }
  make_authors (f);
  execute (f->session, "ALTER TABLE book RENAME TO old_book");
  execute (f->session, "CREATE VIEW book AS SELECT id, author_id, CASE WHEN title = 'author 0777 1' "
                       "THEN CAST(abs(-9223372036854775807 - 1) AS TEXT) ELSE title END AS title FROM old_book");
  authors = load (f->session, NULL, &error);
  g_assert_null (authors);
  g_assert_nonnull (error);
  rollback (f->session);

  g_clear_error (&error);
  authors = load (f->session, NULL, &error);
  g_assert_no_error (error);
  check (authors);
}

static gint64
count_prepared (Fixture    *f,
                const char *pattern)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%s' "
                                          "AND statement NOT LIKE '%%pg_prepared%%'", pattern);

  return query_int (f->session, sql);
}

/* Authors of whom @operand is one of @first, @first + 2 and so on, or NULL; the others if @negated, and then without NULL. */
static guint
count_listed (Fixture         *f,
              CupelExpression *operand,
              gint64           first,
              guint            n,
              gboolean         negated,
              CupelExpression *more)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_value_unref);
  g_autoptr(CupelResult) result = NULL;
  CupelExpression *condition;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (values, cupel_value_new_int64 (first + 2 * i));
  if (!negated)
    g_ptr_array_add (values, cupel_value_new_null ());
  condition = cupel_in (operand, (CupelValue **) values->pdata, values->len);
  cupel_select_where (select, negated ? cupel_not (condition) : condition);
  if (more != NULL)
    cupel_select_where (select, more);
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  return cupel_result_get_n_rows (result);
}

#define AUTHOR(name) cupel_attr (author_get_type (), name)

/* Lists of keys, of any length and as often as one likes. PostgreSQL gets them as one array. */
static void
test_lists (Fixture *f)
{
  for (guint i = 1; i <= N_AUTHORS; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %04u", i);
      g_autoptr(Author) author = g_object_new (author_get_type (), "id", (gint64) i, "name", name, "age", (int) i - 1000, NULL);

      add (f->session, author);
    }
  commit (f->session);
  for (gint64 first = -199; first < 800; first += 200)
    {
      const gboolean outside = first < 0;

      g_assert_cmpuint (count_listed (f, AUTHOR ("id"), first, 200, FALSE, NULL), ==, outside ? 100 : 200);
      g_assert_cmpuint (count_listed (f, AUTHOR ("id"), first, 200, TRUE, NULL), ==, outside ? N_AUTHORS - 100 : N_AUTHORS - 200);
      g_assert_cmpuint (count_listed (f, AUTHOR ("id"), first + 400, 3, FALSE, NULL), ==, 3);
      g_assert_cmpuint (count_listed (f, AUTHOR ("age"), first - 1000, 200, FALSE, NULL), ==, outside ? 100 : 200);
      g_assert_cmpuint (count_listed (f, AUTHOR ("id"), first, 200, FALSE,
                                      cupel_ge (AUTHOR ("id"), cupel_literal (cupel_value_new_int64 (first + 200)))),
                        ==, 100);
      g_assert_cmpuint (count_listed (f, cupel_text ("author.id + 0"), first, 200, FALSE, NULL), ==, outside ? 100 : 200);
      /* text that looks like a list */
      g_assert_cmpuint (count_listed (f, AUTHOR ("id"), first, 200, FALSE, cupel_text ("author.name <> '\"id\" IN ($1, $2)'")),
                        ==, outside ? 100 : 200);
    }

  if (g_str_has_prefix (f->url, "postgresql://"))
    {
      g_assert_cmpint (count_prepared (f, "%.\"id\" = ANY ($1)"), ==, 1);
      g_assert_cmpint (count_prepared (f, "%.\"age\" = ANY ($1)"), ==, 1);
      g_assert_cmpint (count_prepared (f, "%(author.id + 0) = ANY ($1)"), ==, 1);
      g_assert_cmpint (count_prepared (f, "%.\"id\" = ANY ($1) AND %IN ($1, $2)%"), ==, 1);
      g_assert_cmpint (count_prepared (f, "%.\"id\" IN ($1%"), ==, 2);
      g_assert_cmpint (count_prepared (f, "%.\"id\" NOT IN ($1%"), ==, 1);
    }
}

static struct
{
  GCancellable *cancellable;
  guint at;
  guint n;
} cancelling;

static CupelParkResult
on_park (CupelFiber   *fiber,
         gint64        deadline,
         GCancellable *cancellable)
{
  if (++cancelling.n == cancelling.at)
    g_cancellable_cancel (cancelling.cancellable);
  return CUPEL_PARK_READY;
}

/* Cancelled at each of its waits, of either fiber. */
static void
test_cancel (Fixture *f)
{
  gboolean done = FALSE;

  make_authors (f);
  for (guint at = 1; !done; at += 1 + at / 16)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GPtrArray) authors = NULL;

      cancelling.cancellable = cancellable;
      cancelling.at = at;
      cancelling.n = 0;
      cupel_fiber_set_park_hook (on_park);
      authors = load (f->session, cancellable, &error);
      cupel_fiber_set_park_hook (NULL);
      done = cancelling.n < at;

      if (authors != NULL)
        check (authors);
      else
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_true (authors != NULL || !done);
      g_clear_pointer (&authors, g_ptr_array_unref);
      rollback (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, N_AUTHORS);
      rollback (f->session);
    }
}

static struct
{
  CupelSession *session;
  CupelEntity *entity;
  guint at;
  guint n;
} meddling;

/* What a program may do while its session loads. */
static void
on_tick (gpointer data)
{
  g_autoptr(GError) error = NULL;

  if (++meddling.n % meddling.at != 0)
    return;
  cupel_session_expire_all (meddling.session);
  g_object_set (meddling.entity, "age", (int) meddling.n, NULL);
  g_assert_null (cupel_session_get_int64 (meddling.session, author_get_type (), 1, NULL, &error));
}

static void
test_meddle (Fixture *f)
{
  make_authors (f);
  for (guint at = 1; at < 4000; at *= 5)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GPtrArray) authors = NULL;
      g_autoptr(Author) author = NULL;

      author = cupel_session_get_int64 (f->session, author_get_type (),
                                        query_int (f->session, "SELECT id FROM author WHERE name = 'author 0600'"), NULL, &error);
      g_assert_no_error (error);
      meddling.session = f->session;
      meddling.entity = CUPEL_ENTITY (author);
      meddling.at = at;
      meddling.n = 0;
      cupel_fiber_set_tick_hook (on_tick);
      authors = load (f->session, NULL, &error);
      cupel_fiber_set_tick_hook (NULL);
      g_assert_no_error (error);
      g_assert_cmpuint (authors->len, ==, N_AUTHORS);
      g_assert_cmpuint (meddling.n, >, 0);
      rollback (f->session);

      g_clear_pointer (&authors, g_ptr_array_unref);
      authors = load (f->session, NULL, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < authors->len; i++)
        g_assert_cmpuint (g_list_model_get_n_items (list_of (authors->pdata[i], "books")), ==, count_books (i + 1));
      rollback (f->session);
    }
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/select-in/batches", G_CALLBACK (test_batches) },
    { "/orm/select-in/changed-before", G_CALLBACK (test_changed_before) },
    { "/orm/select-in/bad-rows", G_CALLBACK (test_bad_rows) },
    { "/orm/select-in/bad-statement", G_CALLBACK (test_bad_statement) },
    { "/orm/select-in/lists", G_CALLBACK (test_lists) },
    { "/orm/select-in/cancel", G_CALLBACK (test_cancel) },
    { "/orm/select-in/meddle", G_CALLBACK (test_meddle) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
