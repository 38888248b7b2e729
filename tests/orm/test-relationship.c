/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session-fixture.h"

/* Somebody else's code, called on the main stack after each statement: in the middle of a flush. */
typedef struct
{
  Fixture *f;
  CupelEntity *entity;
  CupelEntity *other;
  void (*act) (gpointer meddler);
  guint calls;
} Meddler;

static void
on_statement (CupelEngine *engine,
              const char  *sql,
              guint        n_sets,
              gboolean     cache_hit,
              gint64       duration,
              const GError *failure,
              Meddler     *m)
{
  g_assert_false (cupel_in_fiber ());
  m->calls++;
  m->act (m);
}

static void
meddle_with_flush (Meddler *m)
{
  gulong id = g_signal_connect (m->f->engine, "execute", G_CALLBACK (on_statement), m);

  m->calls = 0;
  flush (m->f->session);
  g_signal_handler_disconnect (m->f->engine, id);
  g_assert_cmpuint (m->calls, >, 0);
}

static void
act_change (gpointer data)
{
  Meddler *m = data;

  if (m->calls == 1)
    g_object_set (m->entity, "age", 77, NULL);
}

static void
act_set_back (gpointer data)
{
  Meddler *m = data;

  g_object_set (m->entity, "age", 1, NULL);
  g_object_set (m->other, "name", "two", NULL);
}

/* What is changed while it is being written is not lost: it is written later, by the next flush at the latest. */
static void
test_change_during_flush (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) other = new_author ("two", 0);
  Meddler m = { f, CUPEL_ENTITY (author), CUPEL_ENTITY (other), act_change, 0 };

  g_object_set (author, "age", 1, NULL);
  add (f->session, author);
  meddle_with_flush (&m);
  g_assert_cmpint (author->age, ==, 77);
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT age FROM author WHERE name = 'one'"), ==, 77);

  /* The same with an UPDATE. */
  g_object_set (author, "age", 5, NULL);
  meddle_with_flush (&m);
  g_assert_cmpint (author->age, ==, 77);
  g_assert_true (cupel_entity_is_modified (CUPEL_ENTITY (author), "age"));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT age FROM author WHERE name = 'one'"), ==, 77);

  /* Set back before its turn came: nothing is left to write. */
  g_object_set (author, "age", 1, NULL);
  add (f->session, other);
  commit (f->session);
  g_object_set (author, "age", 2, NULL);
  g_object_set (other, "name", "three", NULL);
  m.act = act_set_back;
  meddle_with_flush (&m);
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT age FROM author WHERE name = 'one'"), ==, 1);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE name = 'two'"), ==, 1);
}

static void
act_expire (gpointer data)
{
  Meddler *m = data;

  cupel_session_expire_all (m->f->session);
}

static void
test_expire_during_flush (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) other = new_author ("two", 0);
  Meddler m = { f, NULL, NULL, act_expire, 0 };

  add (f->session, author);
  add (f->session, other);
  commit (f->session);
  g_object_set (author, "age", 3, NULL);
  g_object_set (other, "name", "three", NULL);
  meddle_with_flush (&m);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (author), "age"));
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (other), "name"));
  commit (f->session);
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "age", &error));
  g_assert_no_error (error);
  g_assert_cmpint (author->age, ==, 3);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE name = 'three'"), ==, 1);
}

static void
act_everything (gpointer data)
{
  Meddler *m = data;
  g_autoptr(Author) fresh = NULL;
  g_autofree char *name = NULL;

  g_clear_object (&m->other);
  if (m->calls > 2)
    return;
  name = g_strdup_printf ("late %u", m->calls);
  fresh = new_author (name, 1);
  add (m->f->session, fresh);
  if (m->entity != NULL)
    {
      g_assert_true (cupel_session_expunge (m->f->session, m->entity, NULL));
      g_clear_object (&m->entity);
    }
}

/* Entities are dropped, taken out and added while the flush is at work. */
static void
test_meddle_with_flush (Fixture *f)
{
  Author *author = new_author ("one", 2);
  Author *other = new_author ("two", 2);
  Meddler m = { f, CUPEL_ENTITY (author), CUPEL_ENTITY (other), act_everything, 0 };

  add (f->session, author);
  add (f->session, other);
  commit (f->session);
  g_object_set (author, "age", 3, NULL);
  g_object_set (other, "name", "three", NULL);
  meddle_with_flush (&m);
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE name LIKE 'late%'"), ==, 2);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE name = 'three'"), ==, 1);
}

/* Relationships */

/* Its collection is loaded, and its children know it. */
static void
test_delete_loaded_parent (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 2);

  add (f->session, author);
  commit (f->session);
  g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 2);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id IS NULL"), ==, 2);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 0);
}

static void
test_delete_with_pending_child (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 1);
  g_autoptr(Book) book = g_object_new (book_get_type (), "title", "new", NULL);
  g_autoptr(Node) root = g_object_new (node_get_type (), "name", "root", NULL);
  g_autoptr(Node) leaf = g_object_new (node_get_type (), "name", "leaf", NULL);

  add (f->session, author);
  add (f->session, root);
  commit (f->session);
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id IS NULL"), ==, 2);

  /* With the cascade it goes with its parent: it is never written. */
  cupel_entity_append (CUPEL_ENTITY (root), "children", CUPEL_ENTITY (leaf));
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 0);
  g_assert_null (cupel_entity_get_session (CUPEL_ENTITY (leaf)));
}

static void
test_move_by_append (Fixture *f)
{
  g_autoptr(Author) from = new_author ("from", 1);
  g_autoptr(Author) to = new_author ("to", 0);
  g_autoptr(Node) a = g_object_new (node_get_type (), "name", "a", NULL);
  g_autoptr(Node) b = g_object_new (node_get_type (), "name", "b", NULL);
  g_autoptr(Node) leaf = g_object_new (node_get_type (), "name", "leaf", NULL);
  g_autoptr(Book) book = NULL;
  g_autoptr(GError) error = NULL;

  add (f->session, from);
  add (f->session, to);
  cupel_entity_append (CUPEL_ENTITY (a), "children", CUPEL_ENTITY (leaf));
  add (f->session, a);
  add (f->session, b);
  commit (f->session);

  book = g_list_model_get_item (list_of (from, "books"), 0);
  cupel_entity_append (CUPEL_ENTITY (to), "books", CUPEL_ENTITY (book));
  g_assert_cmpuint (g_list_model_get_n_items (list_of (from, "books")), ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (list_of (to, "books")), ==, 1);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", NULL) == to);
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, to->id);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (from), &error));
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, to->id);

  /* Taken out here and put in there is no orphan. */
  g_assert_true (cupel_collection_remove (CUPEL_COLLECTION (list_of (a, "children")), CUPEL_ENTITY (leaf)));
  cupel_entity_append (CUPEL_ENTITY (b), "children", CUPEL_ENTITY (leaf));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 3);
  g_assert_cmpint (leaf->parent_id, ==, b->id);
  /* and back, in the other order */
  cupel_entity_append (CUPEL_ENTITY (a), "children", CUPEL_ENTITY (leaf));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 3);
  g_assert_cmpint (leaf->parent_id, ==, a->id);
  /* to a parent that is new */
  {
    g_autoptr(Node) c = g_object_new (node_get_type (), "name", "c", NULL);

    cupel_entity_append (CUPEL_ENTITY (c), "children", CUPEL_ENTITY (leaf));
    add (f->session, c);
    commit (f->session);
    g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 4);
    g_assert_cmpint (leaf->parent_id, ==, c->id);
  }
}

static void
test_collection_edges (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 2);
  g_autoptr(Book) book = NULL;
  g_autoptr(Book) stranger = g_object_new (book_get_type (), "title", "stranger", NULL);
  GListModel *books;

  add (f->session, author);
  commit (f->session);
  books = list_of (author, "books");
  book = g_list_model_get_item (books, 0);
  cupel_collection_append (CUPEL_COLLECTION (books), CUPEL_ENTITY (book));
  cupel_collection_append (CUPEL_COLLECTION (books), CUPEL_ENTITY (book));
  g_assert_cmpuint (g_list_model_get_n_items (books), ==, 2);
  g_assert_false (cupel_collection_remove (CUPEL_COLLECTION (books), CUPEL_ENTITY (stranger)));
  cupel_entity_remove (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (stranger));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id = 1"), ==, 2);

  /* Out and in again, in and out again. */
  g_assert_true (cupel_collection_remove (CUPEL_COLLECTION (books), CUPEL_ENTITY (book)));
  cupel_collection_append (CUPEL_COLLECTION (books), CUPEL_ENTITY (book));
  cupel_collection_append (CUPEL_COLLECTION (books), CUPEL_ENTITY (stranger));
  g_assert_true (cupel_collection_remove (CUPEL_COLLECTION (books), CUPEL_ENTITY (stranger)));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id = 1"), ==, 2);

  /* From one that is not loaded. */
  cupel_session_expire_all (f->session);
  cupel_entity_remove (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id = 1"), ==, 1);
  g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 1);
}

/* The attribute that refers was set, and the object that it referred to is in memory. */
static void
test_reference_by_key (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) one = new_author ("one", 1);
  g_autoptr(Author) two = new_author ("two", 0);
  g_autoptr(Book) book = NULL;

  add (f->session, one);
  add (f->session, two);
  commit (f->session);
  book = g_list_model_get_item (list_of (one, "books"), 0);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error) == one);
  g_object_set (book, "author-id", two->id, NULL);
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, two->id);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id = 2"), ==, 1);
}

/* A new parent that only its child knows. */
static void
test_parent_of_child_only (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  Book *book = g_object_new (book_get_type (), "title", "b", NULL);

  {
    g_autoptr(Author) author = new_author ("one", 0);

    g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", CUPEL_ENTITY (author), &error));
    g_assert_no_error (error);
  }
  add (f->session, book);
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, 1);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 1);
  g_assert_finalize_object (book);
}

static void
test_expunge_deleted (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) other = new_author ("two", 0);

  add (f->session, author);
  add (f->session, other);
  commit (f->session);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
  flush (f->session);
  g_assert_true (cupel_session_expunge (f->session, CUPEL_ENTITY (author), &error));
  g_assert_no_error (error);
  rollback (f->session);
  g_assert_null (cupel_entity_get_session (CUPEL_ENTITY (author)));
  g_clear_object (&author);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (author);
  g_assert_true (cupel_entity_get_session (CUPEL_ENTITY (author)) == f->session);

  /* Its row is gone for good: there is nothing to come back to. */
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
  commit (f->session);
  g_assert_false (cupel_session_add (f->session, CUPEL_ENTITY (author), &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
}

/* What was appended before the rest was loaded, and has no row there any more, knows nothing of its former owner. */
static void
test_reload_without_appended (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Book) book = g_object_new (book_get_type (), "title", "b", NULL);
  g_autoptr(Book) kept = g_object_new (book_get_type (), "title", "k", NULL);
  g_autoptr(Author) fresh = new_author ("one", 0);
  Author *author;

  add (f->session, fresh);
  commit (f->session);
  g_clear_object (&fresh);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  g_assert_no_error (error);
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (kept));
  commit (f->session);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (author), "books"));
  execute (f->session, "UPDATE book SET author_id = NULL WHERE title = 'b'");
  g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 1);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (book), "author"));
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (kept), "author", &error) == author);

  g_assert_finalize_object (author);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (kept), "author"));
}

/* A child whose parent has it in a loaded collection does not hold the parent, whichever of the two was loaded last. */
static void
test_parent_loaded_again (Fixture *f)
{
  const char *const names[] = { "author", NULL };
  g_autoptr(GError) error = NULL;
  g_autoptr(Book) book = NULL;
  Author *author = new_author ("one", 1);

  add (f->session, author);
  commit (f->session);
  book = g_list_model_get_item (list_of (author, "books"), 0);
  g_assert_true (cupel_session_refresh (f->session, CUPEL_ENTITY (book), names, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error) == author);
  g_assert_finalize_object (author);

  /* And when nobody else does it is there all the same. */
  author = cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (author->name, ==, "one");
}

/* From a child to its parent, and from there to all of its children, without a reference to the parent. */
static void
test_there_and_back (Fixture *f)
{
  for (guint way = 0; way < 3; way++)
    {
      g_autoptr(GError) error = NULL;
      g_autofree char *name = g_strdup_printf ("author %u", way);
      g_autoptr(Author) fresh = new_author (name, 3);
      g_autoptr(Book) first = g_list_model_get_item (list_of (fresh, "books"), 0);
      const gint64 id = (add (f->session, fresh), commit (f->session), first->id);
      Author *author;
      Book *book;

      g_clear_object (&first);
      g_clear_object (&fresh);
      g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
      book = cupel_session_get_int64 (f->session, book_get_type (), id, NULL, &error);
      g_assert_no_error (error);
      author = cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error);
      g_assert_no_error (error);
      if (way == 0)
        g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 3);
      else
        cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
      g_assert_cmpstr (author->name, ==, name);
      commit (f->session);
      g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error) == author);
      g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 3);
      if (way == 2)
        rollback (f->session);
      g_object_unref (book);
      commit (f->session);
      g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
    }
}

/* The same when the session is closed: who holds the child has the parent, and nothing is left when he lets go of it. */
static void
test_there_and_closed (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) fresh = new_author ("one", 3);
  Author *author;
  Book *book;

  add (f->session, fresh);
  commit (f->session);
  g_clear_object (&fresh);
  book = cupel_session_get_int64 (f->session, book_get_type (), 2, NULL, &error);
  g_assert_no_error (error);
  author = cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 3);
  g_assert_true (cupel_session_close (f->session, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error) == author);
  g_assert_cmpstr (author->name, ==, "one");
  g_object_ref (author);
  g_assert_finalize_object (book);
  g_assert_finalize_object (author);
}

/* What is no entity, or one of another class, is a caller's mistake, and nothing worse. */
static void
test_no_entity (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 1);
  g_autoptr(GObject) other = g_object_new (G_TYPE_OBJECT, NULL);
  gpointer bad[] = { NULL, other, author };
  CupelCollection *books = CUPEL_COLLECTION (list_of (author, "books"));

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*target_type*");
      cupel_collection_append (books, bad[i]);
      g_test_assert_expected_messages ();
      if (bad[i] == author)
        continue;
      g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*CUPEL_IS_ENTITY*");
      g_assert_false (cupel_session_add_all (f->session, (CupelEntity **) &bad[i], 1, NULL));
      g_test_assert_expected_messages ();
    }
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (books)), ==, 1);
}

/* A child of another session stays there. */
static void
test_child_of_other_session (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSession) other = cupel_session_new (f->engine);
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Book) book = g_object_new (book_get_type (), "title", "elsewhere", NULL);

  add (f->session, author);
  add (other, book);
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*another session*cupel_session_expunge*");
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  g_test_assert_expected_messages ();
  g_assert_cmpuint (g_list_model_get_n_items (list_of (author, "books")), ==, 0);
  g_assert_null (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error));
  g_assert_no_error (error);
  g_assert_true (cupel_entity_get_session (CUPEL_ENTITY (book)) == other);
  g_assert_true (cupel_session_expunge (other, CUPEL_ENTITY (book), &error));
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, author->id);
  g_assert_true (cupel_session_close (other, NULL, &error));
  g_assert_no_error (error);
}

static void
test_new_parent_of_detached (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  Author *author = new_author ("one", 0);
  Book *book = g_object_new (book_get_type (), "title", "b", NULL);

  add (f->session, book);
  commit (f->session);
  g_assert_true (cupel_session_expunge (f->session, CUPEL_ENTITY (book), &error));
  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", CUPEL_ENTITY (author), &error));
  g_assert_no_error (error);
  add (f->session, author);
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id = 1"), ==, 1);
  g_assert_finalize_object (author);
  g_assert_finalize_object (book);
}

typedef enum
{
  MOVE_APPEND,
  MOVE_REFERENCE,
  MOVE_KEY,
  MOVE_NOWHERE,
  N_MOVES
} Move;

static void
move_child (Move         move,
            CupelEntity *child,
            const char  *reference,
            const char  *key,
            CupelEntity *to,
            const char  *list,
            gint64       id)
{
  g_autoptr(GError) error = NULL;

  switch (move)
    {
    case MOVE_APPEND:
      cupel_entity_append (to, list, child);
      break;
    case MOVE_REFERENCE:
      g_assert_true (cupel_entity_set_related (child, reference, to, &error));
      break;
    case MOVE_KEY:
      g_object_set (child, key, id, NULL);
      break;
    default:
      g_assert_true (cupel_entity_set_related (child, reference, NULL, &error));
    }
  g_assert_no_error (error);
}

/* Its collection was never loaded: the database has those in it that were moved elsewhere since, and they stay. */
static void
test_delete_after_move (Fixture *f)
{
  for (Move move = 0; move < N_MOVES; move++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(Author) author = NULL, other = NULL;
      g_autoptr(Book) book = NULL;
      g_autoptr(Node) root = NULL, tree = NULL, leaf = NULL;

      execute (f->session, "INSERT INTO author (id, name) VALUES (10, 'from'), (11, 'to')");
      execute (f->session, "INSERT INTO book (id, author_id, title) VALUES (10, 10, 'b')");
      execute (f->session, "INSERT INTO node (id, name) VALUES (10, 'from'), (11, 'to')");
      execute (f->session, "INSERT INTO node (id, parent_id, name) VALUES (12, 10, 'leaf')");
      author = cupel_session_get_int64 (f->session, author_get_type (), 10, NULL, &error);
      other = cupel_session_get_int64 (f->session, author_get_type (), 11, NULL, &error);
      book = cupel_session_get_int64 (f->session, book_get_type (), 10, NULL, &error);
      root = cupel_session_get_int64 (f->session, node_get_type (), 10, NULL, &error);
      tree = cupel_session_get_int64 (f->session, node_get_type (), 11, NULL, &error);
      leaf = cupel_session_get_int64 (f->session, node_get_type (), 12, NULL, &error);
      g_assert_no_error (error);

      move_child (move, CUPEL_ENTITY (book), "author", "author-id", CUPEL_ENTITY (other), "books", 11);
      move_child (move, CUPEL_ENTITY (leaf), "parent", "parent-id", CUPEL_ENTITY (tree), "children", 11);
      g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
      g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
      flush (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 1);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 2);
      g_assert_cmpint (query_int (f->session, "SELECT coalesce(max(author_id), 0) FROM book"), ==, move == MOVE_NOWHERE ? 0 : 11);
      g_assert_cmpint (query_int (f->session, "SELECT coalesce(max(parent_id), 0) FROM node"), ==, move == MOVE_NOWHERE ? 0 : 11);
      rollback (f->session);
    }
}

/* The same the other way round: what was put into it goes with it, or stays without a parent. */
static void
test_delete_after_append (Fixture *f)
{
  for (Move move = 0; move < MOVE_NOWHERE; move++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(Author) author = NULL;
      g_autoptr(Book) book = NULL, new_book = g_object_new (book_get_type (), "title", "new", NULL);
      g_autoptr(Node) root = NULL, leaf = NULL, new_leaf = g_object_new (node_get_type (), "name", "new", NULL);

      execute (f->session, "INSERT INTO author (id, name) VALUES (10, 'a')");
      execute (f->session, "INSERT INTO book (id, title) VALUES (10, 'b')");
      execute (f->session, "INSERT INTO node (id, name) VALUES (10, 'root'), (11, 'leaf')");
      author = cupel_session_get_int64 (f->session, author_get_type (), 10, NULL, &error);
      book = cupel_session_get_int64 (f->session, book_get_type (), 10, NULL, &error);
      root = cupel_session_get_int64 (f->session, node_get_type (), 10, NULL, &error);
      leaf = cupel_session_get_int64 (f->session, node_get_type (), 11, NULL, &error);
      g_assert_no_error (error);

      move_child (move, CUPEL_ENTITY (book), "author", "author-id", CUPEL_ENTITY (author), "books", 10);
      move_child (move, CUPEL_ENTITY (new_book), "author", "author-id", CUPEL_ENTITY (author), "books", 10);
      move_child (move, CUPEL_ENTITY (leaf), "parent", "parent-id", CUPEL_ENTITY (root), "children", 10);
      move_child (move, CUPEL_ENTITY (new_leaf), "parent", "parent-id", CUPEL_ENTITY (root), "children", 10);
      add (f->session, new_book);
      add (f->session, new_leaf);
      g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
      g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
      flush (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 0);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 0);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book"), ==, 2);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id IS NOT NULL"), ==, 0);
      rollback (f->session);
    }
}

/* A tree of new ones below one that goes is not written, and what was moved into it goes too. */
static void
test_delete_above_new_ones (Fixture *f)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(Node) root = g_object_new (node_get_type (), "name", "root", NULL);
      g_autoptr(Node) moved = g_object_new (node_get_type (), "name", "moved", NULL);
      g_autoptr(Node) stays = g_object_new (node_get_type (), "name", "stays", NULL);
      g_autoptr(Node) first = g_object_new (node_get_type (), "name", "first", NULL);
      g_autoptr(Node) second = g_object_new (node_get_type (), "name", "second", NULL);
      g_autoptr(Node) third = g_object_new (node_get_type (), "name", "third", NULL);

      add (f->session, root);
      add (f->session, moved);
      add (f->session, stays);
      commit (f->session);
      if (i == 1)
        cupel_session_expire_all (f->session);
      cupel_entity_append (CUPEL_ENTITY (first), "children", CUPEL_ENTITY (second));
      cupel_entity_append (CUPEL_ENTITY (second), "children", CUPEL_ENTITY (third));
      cupel_entity_append (CUPEL_ENTITY (root), "children", CUPEL_ENTITY (first));
      cupel_entity_append (CUPEL_ENTITY (second), "children", CUPEL_ENTITY (moved));
      g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
      commit (f->session);
      g_assert_cmpint (count_committed (f, "node"), ==, 1);
      g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (third)), ==, CUPEL_ENTITY_TRANSIENT);
      g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (stays), &error));
      commit (f->session);
    }
}

/* Both go by the program's own word: the row of the leaf still has the parent that the leaf itself has left. */
static void
test_delete_both_after_move (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Node) root = NULL, leaf = NULL;

  execute (f->session, "INSERT INTO node (id, name) VALUES (10, 'from'), (11, 'to')");
  execute (f->session, "INSERT INTO node (id, parent_id, name) VALUES (12, 10, 'leaf')");
  root = cupel_session_get_int64 (f->session, node_get_type (), 10, NULL, &error);
  leaf = cupel_session_get_int64 (f->session, node_get_type (), 12, NULL, &error);
  g_assert_no_error (error);
  g_object_set (leaf, "parent-id", (gint64) 11, NULL);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (leaf), &error));
  commit (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 1);
}

/* Put into a list and taken out of it at once: it is in none, wherever its row says it was before. */
static void
test_append_and_remove (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = NULL;
  g_autoptr(Book) book = NULL;

  execute (f->session, "INSERT INTO author (id, name) VALUES (10, 'from'), (11, 'to')");
  execute (f->session, "INSERT INTO book (id, author_id, title) VALUES (10, 10, 'b')");
  author = cupel_session_get_int64 (f->session, author_get_type (), 11, NULL, &error);
  book = cupel_session_get_int64 (f->session, book_get_type (), 10, NULL, &error);
  g_assert_no_error (error);
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  cupel_entity_remove (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
  flush (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id IS NULL"), ==, 1);
  g_assert_null (cupel_entity_get_related (CUPEL_ENTITY (book), "author", &error));
  g_assert_no_error (error);
}

/* A child that was expired does not know which list it is in: it is moved out of that one all the same, be it back, or away from a parent
 * that goes. */
static void
test_move_after_expiry (Fixture *f)
{
  for (guint i = 0; i < 16; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(Node) from = g_object_new (node_get_type (), "name", "from", NULL);
      g_autoptr(Node) to = g_object_new (node_get_type (), "name", "to", NULL);
      g_autoptr(Node) leaf = g_object_new (node_get_type (), "name", "leaf", NULL);
      g_autoptr(CupelTransaction) nested = NULL;
      const gboolean goes = (i & 8) != 0;

      cupel_entity_append (CUPEL_ENTITY (from), "children", CUPEL_ENTITY (leaf));
      add (f->session, from);
      add (f->session, to);
      nested = cupel_session_begin_nested (f->session, NULL, &error);
      g_assert_no_error (error);
      g_object_set (leaf, "name", "other", NULL);
      g_assert_true (cupel_transaction_rollback (nested, NULL, &error));

      move_child (i & 1 ? MOVE_APPEND : MOVE_REFERENCE, CUPEL_ENTITY (leaf), "parent", "parent-id", CUPEL_ENTITY (to), "children", 0);
      if (i & 4)
        flush (f->session);
      if (goes)
        g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (from), &error));
      else
        move_child (i & 2 ? MOVE_APPEND : MOVE_REFERENCE, CUPEL_ENTITY (leaf), "parent", "parent-id", CUPEL_ENTITY (from), "children", 0);
      flush (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, goes ? 2 : 3);
      g_assert_cmpint (query_int (f->session, "SELECT max(parent_id) FROM node"), ==, goes ? to->id : from->id);
      rollback (f->session);
    }
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/relationship/meddle/change", G_CALLBACK (test_change_during_flush) },
    { "/orm/relationship/meddle/expire", G_CALLBACK (test_expire_during_flush) },
    { "/orm/relationship/meddle/everything", G_CALLBACK (test_meddle_with_flush) },
    { "/orm/relationship/delete-loaded-parent", G_CALLBACK (test_delete_loaded_parent) },
    { "/orm/relationship/delete-with-pending-child", G_CALLBACK (test_delete_with_pending_child) },
    { "/orm/relationship/delete-after-move", G_CALLBACK (test_delete_after_move) },
    { "/orm/relationship/delete-after-append", G_CALLBACK (test_delete_after_append) },
    { "/orm/relationship/delete-above-new-ones", G_CALLBACK (test_delete_above_new_ones) },
    { "/orm/relationship/delete-both-after-move", G_CALLBACK (test_delete_both_after_move) },
    { "/orm/relationship/move-after-expiry", G_CALLBACK (test_move_after_expiry) },
    { "/orm/relationship/append-and-remove", G_CALLBACK (test_append_and_remove) },
    { "/orm/relationship/move-by-append", G_CALLBACK (test_move_by_append) },
    { "/orm/relationship/edges", G_CALLBACK (test_collection_edges) },
    { "/orm/relationship/by-key", G_CALLBACK (test_reference_by_key) },
    { "/orm/relationship/parent-of-child-only", G_CALLBACK (test_parent_of_child_only) },
    { "/orm/relationship/expunge-deleted", G_CALLBACK (test_expunge_deleted) },
    { "/orm/relationship/reload-without-appended", G_CALLBACK (test_reload_without_appended) },
    { "/orm/relationship/parent-loaded-again", G_CALLBACK (test_parent_loaded_again) },
    { "/orm/relationship/there-and-back", G_CALLBACK (test_there_and_back) },
    { "/orm/relationship/there-and-closed", G_CALLBACK (test_there_and_closed) },
    { "/orm/relationship/no-entity", G_CALLBACK (test_no_entity) },
    { "/orm/relationship/child-of-other-session", G_CALLBACK (test_child_of_other_session) },
    { "/orm/relationship/new-parent-of-detached", G_CALLBACK (test_new_parent_of_detached) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
