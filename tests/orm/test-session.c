/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a session writes and undoes, and who may use it. */

#include "session-fixture.h"

static void
test_insert (Fixture *f)
{
  g_autoptr(Author) one = new_author ("one", 2);
  g_autoptr(Author) two = new_author ("two", 1);
  GListModel *books;

  add (f->session, one);
  add (f->session, two);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 5);
  g_assert_cmpuint (statements (f), ==, 0);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (one)), ==, CUPEL_ENTITY_PENDING);
  g_assert_false (cupel_session_in_transaction (f->session));

  commit (f->session);
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
  commit (f->session);
  g_assert_cmpuint (statements (f), ==, 0);
  g_assert_cmpuint (f->commits, ==, 1);
}

static void
test_update (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) other = new_author ("two", 0);

  add (f->session, author);
  add (f->session, other);
  commit (f->session);
  statements (f);

  g_object_set (author, "age", 40, NULL);
  g_assert_cmpuint (cupel_session_get_n_dirty (f->session), ==, 1);
  g_assert_true (cupel_entity_is_modified (CUPEL_ENTITY (author), "age"));
  g_assert_cmpuint (f->statements, ==, 0);
  flush (f->session);
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
  flush (f->session);
  g_assert_cmpuint (statements (f), ==, 0);

  /* Two of one shape go together. */
  g_object_set (author, "age", 41, NULL);
  g_object_set (other, "age", 42, NULL);
  flush (f->session);
  g_assert_cmpuint (statements (f), ==, 1);

  /* NULL is not 0. */
  g_assert_false (cupel_entity_is_null (CUPEL_ENTITY (author), "age"));
  cupel_entity_set_null (CUPEL_ENTITY (author), "age");
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (author), "age"));
  commit (f->session);
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

  add (f->session, author);
  commit (f->session);
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
  commit (f->session);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 0);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  g_assert_cmpint (author->age, ==, 5);
}

static void
test_rollback (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) kept = new_author ("kept", 0);
  g_autoptr(Author) lost = new_author ("lost", 1);
  g_autoptr(Author) deleted = new_author ("deleted", 0);

  add (f->session, kept);
  add (f->session, deleted);
  commit (f->session);

  add (f->session, lost);
  g_object_set (kept, "age", 7, NULL);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (deleted), &error));
  flush (f->session);
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

  add (f->session, author);
  commit (f->session);
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

  add (f->session, one);
  commit (f->session);
  add (f->session, two);
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
  add (f->session, two);
  commit (f->session);
  g_assert_cmpint (count_rows (f, "author"), ==, 2);
}

static void
test_delete (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = new_author ("one", 2);
  g_autoptr(Book) book = NULL;

  add (f->session, author);
  commit (f->session);
  g_clear_object (&author);
  author = cupel_session_get_int64 (f->session, author_get_type (), 1, NULL, &error);
  statements (f);

  /* Without a cascade the children stay, without their parent: loaded, one many-UPDATE, one DELETE. */
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (author), &error));
  flush (f->session);
  g_assert_cmpuint (statements (f), ==, 3);
  commit (f->session);
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

  add (f->session, leaf);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 4);
  commit (f->session);
  g_assert_cmpint (left->parent_id, ==, root->id);
  g_assert_cmpint (right->parent_id, ==, root->id);
  g_assert_cmpint (leaf->parent_id, ==, left->id);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (root), "parent_id"));

  /* An orphan is deleted. */
  children = cupel_entity_get_list (CUPEL_ENTITY (root), "children", &error);
  g_assert_true (cupel_collection_remove (CUPEL_COLLECTION (children), CUPEL_ENTITY (right)));
  commit (f->session);
  g_assert_cmpint (count_rows (f, "node"), ==, 3);

  /* The whole tree goes. */
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (root), &error));
  commit (f->session);
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

  add (f->session, from);
  add (f->session, to);
  commit (f->session);
  books = cupel_entity_get_list (CUPEL_ENTITY (from), "books", &error);
  book = g_list_model_get_item (books, 0);
  statements (f);

  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", CUPEL_ENTITY (to), &error));
  g_assert_cmpuint (g_list_model_get_n_items (books), ==, 0);
  g_assert_cmpuint (g_list_model_get_n_items (cupel_entity_get_list (CUPEL_ENTITY (to), "books", NULL)), ==, 1);
  g_assert_cmpuint (statements (f), ==, 0);
  commit (f->session);
  g_assert_cmpint (book->author_id, ==, to->id);
  g_assert_cmpuint (statements (f), ==, 1);

  g_assert_true (cupel_entity_set_related (CUPEL_ENTITY (book), "author", NULL, &error));
  commit (f->session);
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

  add (f->session, tag);
  add (f->session, other);
  commit (f->session);
  g_object_set (tag, "weight", (gint64) 4, NULL);
  commit (f->session);
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

  add (f->session, all);
  add (f->session, none);
  commit (f->session);
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

  add (f->session, author);
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

  add (f->session, author);
  commit (f->session);
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

  add (f->session, author);
  commit (f->session);
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
  add (f->session, author);
  commit (f->session);
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

  add (f->session, author);
  commit (f->session);
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

  add (f->session, author);
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
  add (f->session, author);
  commit (f->session);
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

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/session/insert", G_CALLBACK (test_insert) },
    { "/orm/session/update", G_CALLBACK (test_update) },
    { "/orm/session/identity", G_CALLBACK (test_identity) },
    { "/orm/session/rollback", G_CALLBACK (test_rollback) },
    { "/orm/session/rollback-of-another", G_CALLBACK (test_rollback_of_another) },
    { "/orm/session/failed-flush", G_CALLBACK (test_failed_flush) },
    { "/orm/session/delete", G_CALLBACK (test_delete) },
    { "/orm/session/tree", G_CALLBACK (test_tree) },
    { "/orm/session/move", G_CALLBACK (test_move) },
    { "/orm/session/composite-key", G_CALLBACK (test_composite_key) },
    { "/orm/session/types", G_CALLBACK (test_types) },
    { "/orm/session/bad-text", G_CALLBACK (test_bad_text) },
    { "/orm/session/stale", G_CALLBACK (test_stale) },
    { "/orm/session/refresh", G_CALLBACK (test_refresh) },
    { "/orm/session/expire-on-commit", G_CALLBACK (test_expire_on_commit) },
    { "/orm/session/merge-frozen", G_CALLBACK (test_merge_frozen) },
    { "/orm/session/busy", G_CALLBACK (test_busy) },
    { "/orm/session/wrong-thread", G_CALLBACK (test_wrong_thread) },
    { "/orm/session/notify", G_CALLBACK (test_notify) },
    { "/orm/session/notify-together", G_CALLBACK (test_notify_together) },
    { "/orm/session/end", G_CALLBACK (test_session_end) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run_counting);
}
