/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two objects for one row, and one object that two sessions want. */

#include "session-fixture.h"

#include <string.h>

static void
delete (Fixture *f,
        gpointer entity)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_delete (f->session, entity, &error));
  flush (f->session);
}

static gpointer
get (CupelSession *session,
     GType         type,
     gint64        id)
{
  g_autoptr(GError) error = NULL;
  gpointer entity = cupel_session_get_int64 (session, type, id, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (entity);
  return entity;
}

static CupelCollection *
get_books (gpointer author)
{
  g_autoptr(GError) error = NULL;
  GListModel *books = cupel_entity_get_list (author, "books", &error);

  g_assert_no_error (error);
  return CUPEL_COLLECTION (books);
}

static void
refuse (gpointer    book,
        gpointer    author,
        const char *message)
{
  g_autoptr(GError) error = NULL;
  gpointer before = cupel_entity_get_related (book, "author", &error);

  g_assert_no_error (error);
  g_assert_false (cupel_entity_set_related (book, "author", author, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_assert_true (g_str_has_prefix (error->message, "Book.author: "));
  if (strstr (error->message, message) == NULL)
    g_error ("\"%s\" is not in \"%s\"", message, error->message);
  g_assert_true (cupel_entity_get_related (book, "author", NULL) == before);
}

/* What belongs to another session is an error, and nothing has changed. */
static void
test_other_session (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSession) other = cupel_session_new (f->engine);
  g_autoptr(Author) here = new_author ("here", 1);
  g_autoptr(Author) there = new_author ("there", 1);
  g_autoptr(Author) elsewhere = NULL;
  g_autoptr(Book) book = g_list_model_get_item (G_LIST_MODEL (get_books (here)), 0);
  g_autoptr(Book) theirs = NULL;

  add (f->session, here);
  add (f->session, there);
  commit (f->session);
  g_assert_true (cupel_session_expunge (f->session, CUPEL_ENTITY (there), &error));
  elsewhere = get (other, author_get_type (), there->id);
  theirs = g_list_model_get_item (G_LIST_MODEL (get_books (elsewhere)), 0);
  g_assert_true (cupel_session_commit (other, NULL, &error));
  statements (f);

  refuse (book, elsewhere, "belongs to another session");
  refuse (theirs, here, "belongs to another session");
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (get_books (here))), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (get_books (elsewhere))), ==, 1);
  g_assert_cmpuint (cupel_session_get_n_dirty (f->session), ==, 0);
  g_assert_cmpuint (cupel_session_get_n_dirty (other), ==, 0);
  commit (f->session);
  g_assert_cmpuint (statements (f), ==, 0);

  /* Nor what brings such a one along. */
  {
    g_autoptr(Author) fresh = new_author ("fresh", 0);

    cupel_entity_append (CUPEL_ENTITY (fresh), "books", CUPEL_ENTITY (theirs));
    refuse (book, fresh, "belongs to another session");
    g_assert_false (cupel_session_add (f->session, CUPEL_ENTITY (fresh), &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
    g_clear_error (&error);
    g_assert_false (cupel_session_contains (f->session, CUPEL_ENTITY (fresh)));
    g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 0);
    g_assert_true (cupel_session_expunge (other, CUPEL_ENTITY (theirs), &error));
    cupel_entity_remove (CUPEL_ENTITY (fresh), "books", CUPEL_ENTITY (theirs));
  }

  /* The remedy that the message names. */
  g_assert_true (cupel_session_expunge (other, CUPEL_ENTITY (elsewhere), &error));
  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", CUPEL_ENTITY (elsewhere), &error));
  g_assert_no_error (error);
  g_assert_true (cupel_session_contains (f->session, CUPEL_ENTITY (elsewhere)));
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, there->id);
  g_assert_true (cupel_session_close (other, NULL, &error));
}

/* One that cannot come into the session for what it is. */
static void
test_unfit (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) first = new_author ("first", 0);
  g_autoptr(Author) second = new_author ("second", 0);
  g_autoptr(Author) same = NULL;
  g_autoptr(Book) book = g_object_new (book_get_type (), "title", "book", NULL);
  g_autoptr(Book) loose = g_object_new (book_get_type (), "title", "loose", NULL);

  add (f->session, first);
  add (f->session, second);
  add (f->session, book);
  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", CUPEL_ENTITY (second), &error));
  commit (f->session);

  g_assert_true (cupel_session_expunge (f->session, CUPEL_ENTITY (first), &error));
  same = get (f->session, author_get_type (), first->id);
  refuse (book, first, "another object for the same row");

  /* The one without a session goes where the other is, and back to nothing it goes alone. */
  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (loose), "author", CUPEL_ENTITY (first), &error));
  g_assert_false (cupel_session_contains (f->session, CUPEL_ENTITY (loose)));
  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (loose), "author", NULL, &error));
  g_assert_no_error (error);
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, second->id);
}

/* A rollback gives a deleted object its row back, whatever was loaded for its key meanwhile. */
static void
test_restored (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("first", 0);
  g_autofree char *insert = NULL;

  add (f->session, author);
  commit (f->session);
  insert = g_strdup_printf ("INSERT INTO author (id, name) VALUES (%d, 'second')", (int) author->id);

  for (guint n = 0; n < 3; n++)
    {
      g_autoptr(Author) again = NULL;
      g_autoptr(Author) found = NULL;

      delete (f, author);
      execute (f->session, insert);
      again = get (f->session, author_get_type (), author->id);
      g_assert_true (again != author);
      g_assert_cmpstr (again->name, ==, "second");
      if (n == 1)
        g_object_set (again, "age", 5, NULL);
      else if (n == 2)
        delete (f, again);
      g_assert_true (cupel_session_rollback (f->session, NULL, &error));

      g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (author)), ==, CUPEL_ENTITY_PERSISTENT);
      g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (again)), ==, CUPEL_ENTITY_DETACHED);
      g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 1);
      found = get (f->session, author_get_type (), author->id);
      g_assert_true (found == author);
      g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "name", &error));
      g_assert_cmpstr (author->name, ==, "first");
      statements (f);
      commit (f->session);
      g_assert_cmpuint (statements (f), ==, 0);
    }

  /* The object that stays can be used. */
  g_object_set (author, "age", 6, NULL);
  commit (f->session);
  delete (f, author);
  commit (f->session);
  g_assert_cmpint (count_rows (f, "author"), ==, 0);
}

static void
test_restored_nested (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "s", "name", "n", "weight", (gint64) 1, NULL);
  g_autoptr(Tag) other = g_object_new (tag_get_type (), "scope", "s", "name", "m", NULL);

  add (f->session, tag);
  add (f->session, other);
  commit (f->session);

  for (guint n = 0; n < 3; n++)
    {
      g_autoptr(CupelTransaction) nested = cupel_session_begin_nested (f->session, NULL, &error);
      g_autoptr(CupelSelect) select = cupel_entity_select (tag_get_type ());
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(CupelResult) rest = NULL;
      g_autoptr(Tag) again = NULL;

      g_assert_no_error (error);
      delete (f, tag);
      execute (f->session, "INSERT INTO tag (scope, name, weight) VALUES ('s', 'n', 2)");
      cupel_select_where (select, cupel_eq (cupel_attr (tag_get_type (), "name"), cupel_literal_string ("n")));
      result = cupel_session_scalars (f->session, select, NULL, &error);
      again = cupel_result_one (result, &error);
      g_assert_no_error (error);
      g_assert_true (again != tag);
      if (n == 1)
        g_object_set (again, "weight", (gint64) 5, NULL);
      else if (n == 2)
        delete (f, again);
      g_assert_true (cupel_transaction_rollback (nested, NULL, &error));

      g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (tag)), ==, CUPEL_ENTITY_PERSISTENT);
      g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (again)), ==, CUPEL_ENTITY_DETACHED);
      g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 2);
      rest = cupel_session_scalars (f->session, select, NULL, &error);
      g_assert_true (cupel_result_next (rest) == (gpointer) tag);
      g_assert_null (cupel_result_next (rest));
      g_assert_cmpint (tag->weight, ==, 1);
      statements (f);
      commit (f->session);
      g_assert_cmpuint (statements (f), ==, 0);
    }
}

/* The key that a deleted object had when the transaction began is what counts, not those that it and others had in it. */
static void
test_restored_rekeyed (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Tag) a = g_object_new (tag_get_type (), "scope", "s", "name", "a", NULL);
  g_autoptr(Tag) b = g_object_new (tag_get_type (), "scope", "s", "name", "b", NULL);

  add (f->session, a);
  add (f->session, b);
  commit (f->session);
  g_object_set (b, "name", "c", NULL);
  flush (f->session);
  g_object_set (a, "name", "b", NULL);
  flush (f->session);
  delete (f, a);
  g_object_set (b, "name", "b", NULL);
  flush (f->session);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_assert_no_error (error);

  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (a)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (b)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 2);
  g_assert_cmpstr (a->name, ==, "a");
  g_assert_cmpstr (b->name, ==, "b");
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/conflicts/other-session", G_CALLBACK (test_other_session) },
    { "/orm/conflicts/unfit", G_CALLBACK (test_unfit) },
    { "/orm/conflicts/restored", G_CALLBACK (test_restored) },
    { "/orm/conflicts/restored-nested", G_CALLBACK (test_restored_nested) },
    { "/orm/conflicts/restored-rekeyed", G_CALLBACK (test_restored_rekeyed) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run_counting);
}
