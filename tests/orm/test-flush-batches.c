/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A flush of so many entities that they go to the database in batches, the next of which is made while it has the last. */

#include "session-fixture.h"
#include "orm/cupel-unit-of-work-private.h"
#include "runtime/cupel-fiber-private.h"

#define BATCH     100
#define N_AUTHORS 950

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

static guint
count_statements_of_flush (Fixture *f)
{
  guint n = 0;
  gulong id = g_signal_connect (f->engine, "execute", G_CALLBACK (on_statement), &n);

  flush (f->session);
  g_signal_handler_disconnect (f->engine, id);
  return n;
}

static GPtrArray *
make_authors (guint n_books)
{
  GPtrArray *authors = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 1; i <= N_AUTHORS; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %03u", i);

      g_ptr_array_add (authors, new_author (name, n_books));
    }
  return authors;
}

static void
add_all (Fixture   *f,
         GPtrArray *authors)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_add_all (f->session, (CupelEntity **) authors->pdata, authors->len, &error));
  g_assert_no_error (error);
}

static guint
batches_of (guint n)
{
  return (n + BATCH - 1) / BATCH;
}

/* Each row has what its entity has, its key first of all. */
static void
check (Fixture   *f,
       GPtrArray *authors,
       guint      n_books)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) text = cupel_text_new ("SELECT a.id, a.name, a.age, b.id, b.title FROM author a LEFT JOIN book b ON b.author_id = a.id "
                                              "ORDER BY a.name, b.title");
  g_autoptr(CupelResult) result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < authors->len; i++)
    {
      Author *author = authors->pdata[i];

      g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (author)), ==, CUPEL_ENTITY_PERSISTENT);
      for (guint b = 0; b < MAX (n_books, 1); b++)
        {
          g_autoptr(Book) book = n_books > 0 ? g_list_model_get_item (list_of (author, "books"), b) : NULL;

          g_assert_true (cupel_result_step (result));
          g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, author->id);
          g_assert_cmpstr (cupel_result_get_string (result, 1), ==, author->name);
          g_assert_cmpint (cupel_result_is_null (result, 2) ? 0 : cupel_result_get_int64 (result, 2), ==, author->age);
          if (book == NULL)
            continue;
          g_assert_cmpint (cupel_result_get_int64 (result, 3), ==, book->id);
          g_assert_cmpstr (cupel_result_get_string (result, 4), ==, book->title);
          g_assert_cmpint (book->author_id, ==, author->id);
        }
    }
  g_assert_false (cupel_result_step (result));
}

static void
test_phases (Fixture *f)
{
  g_autoptr(GPtrArray) authors = make_authors (2);
  g_autoptr(GError) error = NULL;
  guint n;

  add_all (f, authors);
  n = count_statements_of_flush (f);
  g_assert_cmpuint (n, >=, batches_of (N_AUTHORS) + batches_of (2 * N_AUTHORS));
  check (f, authors, 2);
  commit (f->session);
  check (f, authors, 2);

  for (guint i = 0; i < authors->len; i++)
    g_object_set (authors->pdata[i], "age", (int) i + 1, NULL);
  g_assert_cmpuint (count_statements_of_flush (f), ==, batches_of (N_AUTHORS));
  check (f, authors, 2);
  commit (f->session);
  check (f, authors, 2);

  /* One more than nine batches. */
  for (guint i = authors->len; i > authors->len - (9 * BATCH + 1); i--)
    g_assert_true (cupel_session_delete (f->session, authors->pdata[i - 1], &error));
  commit (f->session);
  g_assert_cmpint (count_committed (f, "author"), ==, N_AUTHORS - (9 * BATCH + 1));
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE name > 'author 049'"), ==, 0);
}

/* The database refuses a row: of the second batch, of one in the middle, of the last. */
static void
test_refused (Fixture *f)
{
  static const guint places[] = { BATCH, 5 * BATCH + 7, N_AUTHORS - 1 };

  for (guint p = 0; p < G_N_ELEMENTS (places); p++)
    {
      g_autoptr(GPtrArray) authors = make_authors (1);
      g_autoptr(GError) error = NULL;

      execute (f->session, "DELETE FROM book");
      execute (f->session, "DELETE FROM author");
      execute (f->session, "INSERT INTO author (name) VALUES ('taken')");
      commit (f->session);
      g_object_set (authors->pdata[places[p]], "name", "taken", NULL);
      add_all (f, authors);
      g_assert_false (cupel_session_flush (f->session, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
      rollback (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 1);
      for (guint i = 0; i < authors->len; i++)
        g_assert_cmpint (cupel_entity_get_state (authors->pdata[i]), ==, CUPEL_ENTITY_TRANSIENT);

      g_object_set (authors->pdata[places[p]], "name", "author free", NULL);
      g_ptr_array_add (authors, g_ptr_array_steal_index (authors, places[p]));
      execute (f->session, "DELETE FROM author");
      add_all (f, authors);
      commit (f->session);
      check (f, authors, 1);
    }
}

/* A row is not there any more. */
static void
test_stale (Fixture *f)
{
  g_autoptr(GPtrArray) authors = make_authors (0);
  g_autoptr(GError) error = NULL;

  add_all (f, authors);
  commit (f->session);
  execute (f->session, "DELETE FROM author WHERE name = 'author 777'");
  for (guint i = 0; i < authors->len; i++)
    g_object_set (authors->pdata[i], "age", (int) i + 1, NULL);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_STALE);
  rollback (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE coalesce(age, 0) = 0"), ==, N_AUTHORS);

  g_clear_error (&error);
  execute (f->session, "DELETE FROM author WHERE name = 'author 777'");
  for (guint i = 0; i < authors->len; i++)
    g_assert_true (cupel_session_delete (f->session, authors->pdata[i], &error));
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_STALE);
  rollback (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE coalesce(age, 0) = 0"), ==, N_AUTHORS);
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

/* Cancelled at its waits, of either fiber: all of it is written then, or nothing. */
static void
test_cancel (Fixture *f)
{
  gboolean done = FALSE;

  for (guint at = 1; !done; at += 1 + at / 8)
    {
      g_autoptr(GPtrArray) authors = make_authors (1);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GError) error = NULL;
      gboolean ok;

      add_all (f, authors);
      cancelling.cancellable = cancellable;
      cancelling.at = at;
      cancelling.n = 0;
      cupel_fiber_set_park_hook (on_park);
      ok = cupel_session_flush (f->session, cancellable, &error);
      cupel_fiber_set_park_hook (NULL);
      done = cancelling.n < at;

      if (ok)
        check (f, authors, 1);
      else
        g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_true (ok || !done);
      rollback (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 0);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book"), ==, 0);
      rollback (f->session);
    }
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/flush-batches/phases", G_CALLBACK (test_phases) },
    { "/orm/flush-batches/refused", G_CALLBACK (test_refused) },
    { "/orm/flush-batches/stale", G_CALLBACK (test_stale) },
    { "/orm/flush-batches/cancel", G_CALLBACK (test_cancel) },
  };

  cupel_flush_set_batch_size (BATCH);
  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
