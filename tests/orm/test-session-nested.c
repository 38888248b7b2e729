/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions within that of a session: what a rollback does to entities. Runs on each of CUPEL_TEST_URLS. */

#include <string.h>

#include "../engine/fake-database.h"
#include "session-fixture.h"

static Author *
add_author (CupelSession *session,
            const char   *name)
{
  Author *author = g_object_new (author_get_type (), "name", name, NULL);
  g_autoptr(GError) error = NULL;

  cupel_session_add (session, CUPEL_ENTITY (author), &error);
  g_assert_no_error (error);
  return author;
}

static CupelTransaction *
nest (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  CupelTransaction *transaction = cupel_session_begin_nested (f->session, NULL, &error);

  g_assert_no_error (error);
  return transaction;
}

static void
commit_one (CupelTransaction *transaction)
{
  g_autoptr(GError) error = NULL;

  cupel_transaction_commit (transaction, NULL, &error);
  g_assert_no_error (error);
}

static void
roll_back (CupelTransaction *transaction)
{
  g_autoptr(GError) error = NULL;

  cupel_transaction_rollback (transaction, NULL, &error);
  g_assert_no_error (error);
}

/* From outside, by another connection. */
static char *
names (Fixture *f)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT name FROM author ORDER BY name");
  g_autoptr(CupelSession) session = cupel_session_new (f->engine);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, NULL, &error);
  GString *all = g_string_new (NULL);

  g_assert_no_error (error);
  while (cupel_result_step (result))
    g_string_append_printf (all, "%s ", cupel_result_get_string (result, 0));
  cupel_session_close (session, NULL, NULL);
  return g_string_free (all, FALSE);
}

static void
assert_names (Fixture    *f,
              const char *expected)
{
  g_autofree char *found = names (f);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_inserted (Fixture *f)
{
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(Author) bob = NULL;
  g_autoptr(Author) cid = NULL;
  g_autoptr(Author) dan = NULL;
  g_autoptr(CupelTransaction) first = nest (f);
  g_autoptr(CupelTransaction) second = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 1);
  g_assert_true (cupel_session_get_nested_transaction (f->session) == first);
  bob = add_author (f->session, "Bob");
  flush (f->session);
  cid = add_author (f->session, "Cid");
  roll_back (first);
  g_assert_null (cupel_session_get_nested_transaction (f->session));

  /* Flushed or not, they are as before they were added; what came before stays. */
  g_assert_false (cupel_session_contains (f->session, CUPEL_ENTITY (bob)));
  g_assert_false (cupel_session_contains (f->session, CUPEL_ENTITY (cid)));
  g_assert_true (cupel_session_contains (f->session, CUPEL_ENTITY (ann)));
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (bob)), ==, CUPEL_ENTITY_TRANSIENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (cid)), ==, CUPEL_ENTITY_TRANSIENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (ann)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_true (cupel_entity_is_loaded (CUPEL_ENTITY (ann), "name"));
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 0);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 1);

  second = nest (f);
  dan = add_author (f->session, "Dan");
  commit_one (second);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (dan)), ==, CUPEL_ENTITY_PERSISTENT);
  commit (f->session);
  assert_names (f, "Ann Dan ");

  /* A commit of an inner one, then a rollback of the outer one. */
  g_clear_object (&first);
  g_clear_object (&second);
  first = nest (f);
  second = nest (f);
  g_clear_object (&bob);
  bob = add_author (f->session, "Eve");
  commit_one (second);
  g_assert_true (cupel_session_contains (f->session, CUPEL_ENTITY (bob)));
  roll_back (first);
  g_assert_false (cupel_session_contains (f->session, CUPEL_ENTITY (bob)));
  commit (f->session);
  assert_names (f, "Ann Dan ");

  /* And the whole: what nested ones kept is undone with it. */
  g_clear_object (&first);
  first = nest (f);
  g_clear_object (&bob);
  bob = add_author (f->session, "Fay");
  commit_one (first);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (bob)), ==, CUPEL_ENTITY_TRANSIENT);
  assert_names (f, "Ann Dan ");
}

static void
test_changed (Fixture *f)
{
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(Author) bob = add_author (f->session, "Bob");
  g_autoptr(Author) cid = add_author (f->session, "Cid");
  g_autoptr(CupelTransaction) nested = NULL;
  g_autoptr(GError) error = NULL;

  commit (f->session);
  g_object_set (cid, "name", "Cyd", NULL);
  nested = nest (f);
  g_object_set (ann, "name", "Anna", NULL);
  flush (f->session);
  g_object_set (bob, "name", "Bobby", NULL);
  roll_back (nested);

  /* Only what changed in it is expired. */
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (ann), "name"));
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (bob), "name"));
  g_assert_true (cupel_entity_is_loaded (CUPEL_ENTITY (cid), "name"));
  g_assert_cmpstr (cid->name, ==, "Cyd");
  g_assert_cmpuint (cupel_session_get_n_dirty (f->session), ==, 0);
  g_assert_true (cupel_session_refresh (f->session, CUPEL_ENTITY (ann), NULL, NULL, &error));
  g_assert_true (cupel_session_refresh (f->session, CUPEL_ENTITY (bob), NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (ann->name, ==, "Ann");
  g_assert_cmpstr (bob->name, ==, "Bob");
  commit (f->session);
  assert_names (f, "Ann Bob Cyd ");
}

static void
test_deleted (Fixture *f)
{
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(Author) bob = add_author (f->session, "Bob");
  g_autoptr(Author) cid = NULL;
  g_autoptr(Author) again = NULL;
  g_autoptr(CupelTransaction) first = NULL;
  g_autoptr(CupelTransaction) second = NULL;
  g_autoptr(GError) error = NULL;

  commit (f->session);
  first = nest (f);
  cid = add_author (f->session, "Cid");
  second = nest (f);
  /* One that was there, one of the nested one around it, and one that is only marked. */
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (ann), &error));
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (cid), &error));
  flush (f->session);
  g_assert_true (cupel_session_delete (f->session, CUPEL_ENTITY (bob), &error));
  g_assert_no_error (error);
  roll_back (second);

  g_assert_cmpuint (cupel_session_get_n_deleted (f->session), ==, 0);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (ann)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (bob)), ==, CUPEL_ENTITY_PERSISTENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (cid)), ==, CUPEL_ENTITY_PERSISTENT);
  again = cupel_session_get_int64 (f->session, author_get_type (), ann->id, NULL, &error);
  g_assert_true (again == ann);
  g_assert_cmpuint (cupel_session_get_n_persistent (f->session), ==, 3);

  roll_back (first);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (cid)), ==, CUPEL_ENTITY_TRANSIENT);
  commit (f->session);
  assert_names (f, "Ann Bob ");
}

/* Keys that were changed in what is rolled back are what they were, and so is what is found under them. */
static void
test_keys (Fixture *f)
{
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(Author) bob = add_author (f->session, "Bob");
  g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "old", "name", "red", NULL);
  g_autoptr(CupelTransaction) nested = NULL;
  Author *found;
  g_autoptr(GError) error = NULL;
  gint64 first, second;

  g_assert_true (cupel_session_add (f->session, CUPEL_ENTITY (tag), &error));
  commit (f->session);
  first = ann->id;
  second = bob->id;

  for (guint whole = 0; whole < 2; whole++)
    {
      g_autoptr(CupelTransaction) inner = NULL;

      g_clear_object (&nested);
      nested = nest (f);
      /* Two change places, by way of a third. */
      g_object_set (ann, "id", (gint64) 1001, NULL);
      flush (f->session);
      inner = nest (f);
      g_object_set (bob, "id", first, NULL);
      g_object_set (tag, "scope", "new", NULL);
      flush (f->session);
      commit_one (inner);
      g_object_set (ann, "id", second, NULL);
      flush (f->session);
      g_object_set (ann, "id", (gint64) 1002, NULL);
      found = cupel_session_get_int64 (f->session, author_get_type (), first, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (found == bob);
      g_clear_object (&found);

      if (whole)
        g_assert_true (cupel_session_rollback (f->session, NULL, &error));
      else
        roll_back (nested);
      g_assert_no_error (error);
      g_assert_cmpint (ann->id, ==, first);
      g_assert_cmpint (bob->id, ==, second);
      g_assert_cmpstr (tag->scope, ==, "old");
      found = cupel_session_get_int64 (f->session, author_get_type (), first, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (found == ann);
      g_clear_object (&found);
      found = cupel_session_get_int64 (f->session, author_get_type (), 1001, NULL, &error);
      g_assert_no_error (error);
      g_assert_null (found);
    }

  /* They are written by it. */
  g_object_set (ann, "name", "Anna", NULL);
  g_object_set (tag, "weight", (gint64) 3, NULL);
  commit (f->session);
  assert_names (f, "Anna Bob ");

  /* What was committed stays. */
  g_object_set (ann, "id", (gint64) 1001, NULL);
  commit (f->session);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (ann->id, ==, 1001);
}

/* Children that a collection got in it. */
static void
test_collection (Fixture *f)
{
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(Book) book = g_object_new (book_get_type (), "title", "One", NULL);
  g_autoptr(Book) two = g_object_new (book_get_type (), "title", "Two", NULL);
  g_autoptr(CupelTransaction) nested = NULL;
  g_autoptr(GError) error = NULL;
  GListModel *books;

  cupel_entity_append (CUPEL_ENTITY (ann), "books", CUPEL_ENTITY (book));
  commit (f->session);
  nested = nest (f);
  cupel_entity_append (CUPEL_ENTITY (ann), "books", CUPEL_ENTITY (two));
  flush (f->session);
  g_assert_cmpint (two->author_id, ==, ann->id);
  roll_back (nested);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (two)), ==, CUPEL_ENTITY_TRANSIENT);
  books = cupel_entity_get_list (CUPEL_ENTITY (ann), "books", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_list_model_get_n_items (books), ==, 1);
  commit (f->session);
}

static gboolean
insert_twice (CupelSession  *session,
              gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  gboolean *swallow = data;
  g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "a", "name", "b", NULL);
  g_autoptr(Tag) twin = g_object_new (tag_get_type (), "scope", "a", "name", "b", NULL);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT 1");
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GError) local = NULL;

  g_assert_true (cupel_session_add (session, CUPEL_ENTITY (tag), error));
  g_assert_true (cupel_session_flush (session, cancellable, error));
  g_assert_true (cupel_session_add (session, CUPEL_ENTITY (twin), error));
  g_assert_false (cupel_session_flush (session, cancellable, &local));
  g_assert_true (cupel_error_is_integrity (local));

  /* Until it is rolled back, nothing else is done. */
  result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, cancellable, error);
  g_assert_null (result);
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_clear_error (error);
  if (*swallow)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* A flush that fails costs the nested transaction, and no more. */
static void
test_failed_flush (Fixture *f)
{
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(CupelTransaction) nested = NULL;
  g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "a", "name", "b", NULL);
  g_autoptr(Tag) twin = g_object_new (tag_get_type (), "scope", "a", "name", "b", NULL);
  g_autoptr(GError) error = NULL;

  for (gboolean swallow = FALSE; swallow <= TRUE; swallow++)
    {
      g_assert_false (cupel_session_run_nested (f->session, insert_twice, &swallow, NULL, &error));
      if (swallow)
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      else
        g_assert_true (cupel_error_is_integrity (error));
      g_clear_error (&error);
      g_assert_true (cupel_entity_is_loaded (CUPEL_ENTITY (ann), "name"));
    }

  /* By hand. */
  nested = nest (f);
  g_assert_true (cupel_session_add (f->session, CUPEL_ENTITY (tag), &error));
  flush (f->session);
  g_assert_true (cupel_session_add (f->session, CUPEL_ENTITY (twin), &error));
  g_assert_false (cupel_transaction_commit (nested, NULL, &error));
  g_assert_true (cupel_error_is_integrity (error));
  g_clear_error (&error);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_nonnull (strstr (error->message, "cupel_transaction_rollback()"));
  g_clear_error (&error);
  roll_back (nested);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (tag)), ==, CUPEL_ENTITY_TRANSIENT);
  commit (f->session);
  assert_names (f, "Ann ");
}

typedef struct
{
  gboolean commits;
  gboolean goes_on;
  char     name[16];
} Block;

static gboolean
end_by_hand (CupelSession  *session,
             gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Block *block = data;
  g_autoptr(CupelTransaction) nested = g_object_ref (cupel_session_get_nested_transaction (session));
  g_autoptr(Author) author = add_author (session, block->name);

  g_assert_true (cupel_session_contains (session, CUPEL_ENTITY (author)));
  if (!(block->commits ? cupel_transaction_commit (nested, cancellable, error) : cupel_transaction_rollback (nested, NULL, error)))
    return FALSE;
  if (!block->goes_on)
    return TRUE;

  {
    g_autoptr(CupelText) text = cupel_text_new ("SELECT 1");
    g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, cancellable, error);

    return result != NULL;
  }
}

/* A block that ends its transaction by hand: work after that is refused, leaving it does nothing more, and the transaction around it goes on. */
static void
test_blocks (Fixture *f)
{
  for (guint i = 0; i < 4; i++)
    {
      Block block = { .commits = (i & 1) != 0, .goes_on = (i & 2) != 0 };
      g_autofree char *name = g_strdup_printf ("around %u", i);
      g_autoptr(Author) author = NULL;
      g_autoptr(GError) error = NULL;

      g_snprintf (block.name, sizeof block.name, "%s %u", block.commits ? "kept" : "lost", i);

      g_assert_cmpint (cupel_session_run_nested (f->session, end_by_hand, &block, NULL, &error), ==, !block.goes_on);
      if (block.goes_on)
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
      g_assert_true (cupel_session_in_transaction (f->session));
      author = add_author (f->session, name);
      commit (f->session);
    }
  assert_names (f, "around 0 around 1 around 2 around 3 kept 1 kept 3 ");
}

/* With the outermost one all of them end. */
static void
test_ended_outside (Fixture *f)
{
  g_autoptr(CupelTransaction) first = nest (f);
  g_autoptr(CupelTransaction) second = nest (f);
  g_autoptr(Author) ann = add_author (f->session, "Ann");
  g_autoptr(GError) error = NULL;

  commit (f->session);
  g_assert_false (cupel_transaction_is_active (first));
  g_assert_false (cupel_transaction_commit (second, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&error);
  roll_back (second);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (ann)), ==, CUPEL_ENTITY_PERSISTENT);
  assert_names (f, "Ann ");

  g_clear_object (&first);
  first = nest (f);
  g_assert_true (cupel_session_close (f->session, NULL, &error));
  g_assert_false (cupel_transaction_is_active (first));
  roll_back (first);
}

/* Read-only for one transaction. */
static void
test_options (Fixture *f)
{
  g_autoptr(Author) ann = NULL;
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_begin_transaction (f->session, CUPEL_ISOLATION_SERIALIZABLE, CUPEL_BEGIN_READ_ONLY, NULL, &error));
  g_assert_false (cupel_session_begin_transaction (f->session, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  ann = add_author (f->session, "Ann");
  if (!cupel_session_commit (f->session, NULL, &error))
    {
      g_assert_false (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK));
      g_test_message ("%s", error->message);
    }
  else
    {
      g_assert_not_reached ();
    }
  g_clear_error (&error);
  g_assert_true (cupel_session_rollback (f->session, NULL, &error));
  g_clear_object (&ann);
  ann = add_author (f->session, "Bob");
  commit (f->session);
  assert_names (f, "Bob ");
}

typedef struct
{
  CupelEngine *engine;
  Author      *seen[3];
  guint        n;
} Tries;

/* The first two tries meet a lost race. */
static gboolean
try_it (CupelSession  *session,
        gpointer       data,
        GCancellable  *cancellable,
        GError       **error)
{
  Tries *tries = data;
  g_autofree char *name = g_strdup_printf ("try %u", cupel_session_get_attempt (session));

  g_assert_cmpuint (cupel_session_get_attempt (session), ==, tries->n + 1);
  tries->seen[tries->n++] = add_author (session, name);
  if (!cupel_session_flush (session, cancellable, error))
    return FALSE;
  if (tries->n < 3)
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_SERIALIZATION, NULL, "lost race %u", tries->n);
      return FALSE;
    }
  return TRUE;
}

static void
test_run_transaction (Fixture *f)
{
  g_autoptr(CupelSessionFactory) factory = cupel_session_factory_new (f->engine);
  g_autoptr(CupelRetry) retry = g_object_new (CUPEL_TYPE_RETRY, "first-delay", 0.001, "max-tries", 2, NULL);
  Tries tries = { .engine = f->engine };
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_factory_run_transaction (factory, NULL, try_it, &tries, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (tries.n, ==, 3);
  assert_names (f, "try 3 ");
  /* What a try that failed made belongs to nobody; the last one's has its row. */
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (tries.seen[0])), ==, CUPEL_ENTITY_TRANSIENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (tries.seen[1])), ==, CUPEL_ENTITY_TRANSIENT);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (tries.seen[2])), ==, CUPEL_ENTITY_DETACHED);
  for (guint i = 0; i < 3; i++)
    g_object_unref (tries.seen[i]);

  tries.n = 0;
  g_assert_false (cupel_session_factory_run_transaction (factory, retry, try_it, &tries, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION);
  g_assert_nonnull (strstr (error->message, "lost race 2"));
  g_assert_nonnull (strstr (error->message, "after 2 tries"));
  g_assert_nonnull (strstr (error->message, "try 1: lost race 1"));
  for (guint i = 0; i < 2; i++)
    g_object_unref (tries.seen[i]);
  assert_names (f, "try 3 ");
}

/* One operation at a time: all pairs of those that write. */

typedef enum
{
  OP_FLUSH,
  OP_EXECUTE,
  OP_BEGIN_NESTED,
  OP_NESTED_COMMIT,
  OP_NESTED_ROLLBACK,
  OP_COMMIT,
  OP_ROLLBACK,
  OP_CLOSE,
  N_OPS
} Op;

static const char *const op_names[N_OPS] = {
  "cupel_session_flush", "cupel_session_execute", "cupel_session_begin_nested", "cupel_transaction_commit", "cupel_transaction_rollback",
  "cupel_session_commit", "cupel_session_rollback", "cupel_session_close",
};

static void
start_op (Fixture          *f,
          CupelTransaction *nested,
          Op                op,
          CupelAwait       *await)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT 1");

  switch (op)
    {
    case OP_FLUSH:
      cupel_session_flush_async (f->session, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_EXECUTE:
      cupel_session_execute_async (f->session, CUPEL_STATEMENT (text), NULL, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_BEGIN_NESTED:
      cupel_session_begin_nested_async (f->session, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_NESTED_COMMIT:
      cupel_transaction_commit_async (nested, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_NESTED_ROLLBACK:
      cupel_transaction_rollback_async (nested, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_COMMIT:
      cupel_session_commit_async (f->session, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_ROLLBACK:
      cupel_session_rollback_async (f->session, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case OP_CLOSE:
      cupel_session_close_async (f->session, NULL, cupel_await_ready, cupel_await_ref (await));
      break;
    case N_OPS:
    default:
      g_assert_not_reached ();
    }
}

/* What came of it, and the error. */
static void
finish_op (Fixture           *f,
           CupelTransaction  *nested,
           Op                 op,
           GAsyncResult      *result,
           GError           **error)
{
  g_autoptr(GObject) thing = NULL;

  switch (op)
    {
    case OP_FLUSH:
      cupel_session_flush_finish (f->session, result, error);
      break;
    case OP_EXECUTE:
      thing = (GObject *) cupel_session_execute_finish (f->session, result, error);
      break;
    case OP_BEGIN_NESTED:
      thing = (GObject *) cupel_session_begin_nested_finish (f->session, result, error);
      break;
    case OP_NESTED_COMMIT:
      cupel_transaction_commit_finish (nested, result, error);
      break;
    case OP_NESTED_ROLLBACK:
      cupel_transaction_rollback_finish (nested, result, error);
      break;
    case OP_COMMIT:
      cupel_session_commit_finish (f->session, result, error);
      break;
    case OP_ROLLBACK:
      cupel_session_rollback_finish (f->session, result, error);
      break;
    case OP_CLOSE:
      cupel_session_close_finish (f->session, result, error);
      break;
    case N_OPS:
    default:
      g_assert_not_reached ();
    }
}

/* On a database that is slow for certain. */
static gboolean
try_pairs (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Fixture f = { NULL, };

  f.engine = cupel_engine_new ("fake://", error);
  f.session = cupel_session_new (f.engine);
  for (Op first = 0; first < N_OPS; first++)
    for (Op second = 0; second < N_OPS; second++)
      {
        g_autoptr(CupelTransaction) nested = nest (&f);
        g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "a", "name", "b", NULL);
        g_autoptr(CupelAwait) one = cupel_await_new ();
        g_autoptr(CupelAwait) two = cupel_await_new ();
        g_autoptr(GAsyncResult) result_one = NULL;
        g_autoptr(GAsyncResult) result_two = NULL;
        g_autoptr(GError) error_one = NULL;
        g_autoptr(GError) error_two = NULL;

        g_assert_true (cupel_session_add (f.session, CUPEL_ENTITY (tag), error));
        fake_knobs.delay = fake_knobs.reset_delay = 2000;
        start_op (&f, nested, first, one);
        start_op (&f, nested, second, two);
        result_two = cupel_await_wait (two, NULL, NULL);
        result_one = cupel_await_wait (one, NULL, NULL);
        finish_op (&f, nested, first, result_one, &error_one);
        finish_op (&f, nested, second, result_two, &error_two);
        fake_knobs.delay = fake_knobs.reset_delay = 0;

        g_test_message ("%s, %s", op_names[first], op_names[second]);
        g_assert_no_error (error_one);
        /* Closing ends the nested transaction at once, and then there is nothing to roll back. */
        if (first != OP_CLOSE || (second != OP_NESTED_COMMIT && second != OP_NESTED_ROLLBACK))
          {
            g_assert_error (error_two, CUPEL_ERROR, CUPEL_ERROR_BUSY);
            g_assert_nonnull (strstr (error_two->message, op_names[first]));
          }
        g_assert_true (cupel_session_close (f.session, NULL, error));
      }

  /* What was called and has not begun is not overtaken by what would begin at once. */
  for (Op first = 0; first < N_OPS; first++)
    {
      g_autoptr(CupelTransaction) nested = nest (&f);
      g_autoptr(Tag) tag = g_object_new (tag_get_type (), "scope", "a", "name", "b", NULL);
      g_autoptr(CupelAwait) one = cupel_await_new ();
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error_one = NULL;
      g_autoptr(GError) error_two = NULL;

      g_assert_true (cupel_session_add (f.session, CUPEL_ENTITY (tag), error));
      start_op (&f, nested, first, one);
      g_assert_false (cupel_session_flush (f.session, NULL, &error_two));
      g_assert_error (error_two, CUPEL_ERROR, CUPEL_ERROR_BUSY);
      g_assert_nonnull (strstr (error_two->message, op_names[first]));
      result = cupel_await_wait (one, NULL, NULL);
      finish_op (&f, nested, first, result, &error_one);
      g_assert_no_error (error_one);
      g_assert_true (cupel_session_close (f.session, NULL, error));
    }
  g_object_unref (f.session);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, error));
  g_object_unref (f.engine);
  return TRUE;
}

static void
test_pairs (void)
{
  GError *error = NULL;

  fake_database_register ();
  cupel_run (try_pairs, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/nested/inserted", G_CALLBACK (test_inserted) },
    { "/orm/nested/changed", G_CALLBACK (test_changed) },
    { "/orm/nested/deleted", G_CALLBACK (test_deleted) },
    { "/orm/nested/keys", G_CALLBACK (test_keys) },
    { "/orm/nested/collection", G_CALLBACK (test_collection) },
    { "/orm/nested/failed-flush", G_CALLBACK (test_failed_flush) },
    { "/orm/nested/blocks", G_CALLBACK (test_blocks) },
    { "/orm/nested/ended-outside", G_CALLBACK (test_ended_outside) },
    { "/orm/nested/options", G_CALLBACK (test_options) },
    { "/orm/nested/run-transaction", G_CALLBACK (test_run_transaction) },
  };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/orm/nested/pairs", test_pairs);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
