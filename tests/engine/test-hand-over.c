/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection that goes from one borrower to the next who waits for it, on real databases (CUPEL_TEST_URLS): nothing of the first
 * one's transaction is left for the second, although nobody waits for the answer to the ROLLBACK in between. */

#include <string.h>

#include "../each-url.h"
#include "client.h"

#define N_BORROWERS 40
#define COUNT       "SELECT count(*) FROM hand_over"

typedef struct
{
  CupelEngine *engine;     /* with one connection */
  CupelEngine *other;      /* NULL: the database is in memory, and nobody else can see it */
  guint        number;
  guint        n_committed;
} Fixture;

/* Each leaves the connection in another way. */
static gboolean
borrow_in_turn (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  const guint turn = f->number++;
  CupelConnection *connection = borrow (f->engine);
  g_autofree char *insert = g_strdup_printf ("INSERT INTO hand_over (id) VALUES (%u)", turn);
  g_autoptr(CupelTransaction) nested = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GError) failure = NULL;

  g_assert_cmpint (cupel_connection_in_transaction (connection), ==, FALSE);
  switch (turn % 5)
    {
    case 0:
      g_assert_cmpint (number (connection, COUNT), ==, f->n_committed);
      execute (connection, insert);
      break;
    case 1:
      execute (connection, insert);
      g_assert_cmpint (number (connection, COUNT), ==, f->n_committed + 1);
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      f->n_committed++;
      g_assert_cmpint (number (connection, COUNT), ==, f->n_committed);
      break;
    case 2:
      /* The first statement of a borrower fails: neither it nor what it was sent with does harm. */
      result = try_execute (connection, "SELECT no_such_column FROM hand_over", NULL, &failure);
      g_assert_error (failure, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      break;
    case 3:
      nested = cupel_connection_begin_nested (connection, NULL, error);
      g_assert_nonnull (nested);
      execute (connection, insert);
      break;
    case 4:
    default:
      /* Not used at all */
      break;
    }
  give_back (connection);
  return TRUE;
}

static gboolean
test_in_turn (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  CupelConnection *connection;

  for (guint i = 0; i < N_BORROWERS; i++)
    cupel_task_group_spawn (group, borrow_in_turn, f, NULL);
  g_assert_true (cupel_task_group_join (group, error));

  connection = borrow (f->engine);
  g_assert_cmpuint (f->n_committed, ==, N_BORROWERS / 5);
  g_assert_cmpint (number (connection, COUNT), ==, f->n_committed);
  give_back (connection);
  return TRUE;
}

/* Gets the connection after one who changed a row, and does nothing with it. */
static gboolean
borrow_idly (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = borrow (f->engine);
  CupelConnection *other = borrow (f->other);

  /* The row is free: what holds it went with the first one's transaction. */
  execute (other, "UPDATE hand_over SET id = 2 WHERE id = 1");
  g_assert_true (cupel_connection_commit (other, NULL, error));
  give_back (other);
  g_assert_cmpint (number (connection, COUNT), ==, 1);
  give_back (connection);
  return TRUE;
}

static gboolean
test_idle (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  CupelConnection *connection = borrow (f->engine);

  if (f->other == NULL)
    {
      g_test_skip ("nobody else can see a database in memory");
      give_back (connection);
      return TRUE;
    }
  execute (connection, "INSERT INTO hand_over (id) VALUES (1)");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  execute (connection, "UPDATE hand_over SET id = 3 WHERE id = 1");
  cupel_task_group_spawn (group, borrow_idly, f, NULL);
  g_assert_true (cupel_fiber_sleep (10000, NULL, error));
  give_back (connection);
  g_assert_true (cupel_task_group_join (group, error));
  return TRUE;
}

static gboolean
borrow_and_give_up (gpointer       data,
                    GCancellable  *cancellable,
                    GError       **error)
{
  Fixture *f = data;
  g_autoptr(GError) failure = NULL;
  g_autoptr(CupelConnection) connection = cupel_engine_connect (f->engine, cancellable, &failure);

  g_assert_null (connection);
  g_assert_error (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return TRUE;
}

/* Cancelled in the moment in which the connection becomes his. */
static gboolean
test_cancelled (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) cancel = g_cancellable_new ();
      g_autoptr(CupelTaskGroup) group = cupel_task_group_new (cancel);
      CupelConnection *connection = borrow (f->engine);

      execute (connection, "INSERT INTO hand_over (id) VALUES (1)");
      cupel_task_group_spawn (group, borrow_and_give_up, f, NULL);
      g_assert_true (cupel_fiber_sleep (5000, NULL, error));
      if (i == 1)
        g_cancellable_cancel (cancel);
      give_back (connection);
      if (i != 1)
        g_cancellable_cancel (cancel);
      cupel_task_group_join (group, NULL);
      if (i == 2)
        g_assert_true (cupel_fiber_sleep (5000, NULL, error));

      connection = borrow (f->engine);
      g_assert_cmpint (number (connection, COUNT), ==, 0);
      give_back (connection);
    }
  return TRUE;
}

/* A transaction that was only asked for, of a connection that nobody closed: the next one is not what it was to be. */
static gboolean
test_not_begun (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = borrow (f->engine);
  CupelTransaction *transaction;

  transaction = cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_SERIALIZABLE, CUPEL_BEGIN_READ_ONLY, NULL, error);
  g_assert_no_error (*error);
  g_object_unref (transaction);
  g_object_unref (connection);

  connection = borrow (f->engine);
  execute (connection, "INSERT INTO hand_over (id) VALUES (1)");
  g_assert_cmpint (number (connection, COUNT), ==, 1);
  give_back (connection);
  return TRUE;
}

typedef gboolean (*TestFunc) (gpointer       data,
                              GCancellable  *cancellable,
                              GError       **error);

static CupelEngine *
make_engine (const char *url,
             guint       size)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (url, &error);

  g_assert_no_error (error);
  if (size > 0)
    g_object_set (engine, "pool-size", size, "max-overflow", 0, NULL);
  return engine;
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const EachUrl *test = data;
  const gboolean in_memory = strcmp (test->url, "sqlite://") == 0;
  Fixture f = { .engine = make_engine (test->url, in_memory ? 0 : 1), .other = in_memory ? NULL : make_engine (test->url, 1) };
  CupelConnection *connection = borrow (f.engine);
  gboolean success;

  execute (connection, "DROP TABLE IF EXISTS hand_over");
  execute (connection, "CREATE TABLE hand_over (id INTEGER PRIMARY KEY)");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  give_back (connection);

  success = ((TestFunc) test->func) (&f, cancellable, error);

  connection = borrow (f.engine);
  execute (connection, "DROP TABLE hand_over");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  give_back (connection);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, error));
  if (f.other != NULL)
    g_assert_true (cupel_engine_dispose (f.other, NULL, error));
  g_object_unref (f.engine);
  g_clear_object (&f.other);
  return success;
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/engine/hand-over/in-turn", G_CALLBACK (test_in_turn) },
    { "/engine/hand-over/idle", G_CALLBACK (test_idle) },
    { "/engine/hand-over/cancelled", G_CALLBACK (test_cancelled) },
    { "/engine/hand-over/not-begun", G_CALLBACK (test_not_begun) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), run_in_fiber);
}
