/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a session must survive: being cancelled at each await, dropped at odd moments, cut off by the server. */

#include "session-fixture.h"

#include <time.h>

/* Cancelling after so many turns of the loop */

typedef struct
{
  GCancellable *cancellable;
  guint left;
} Fuse;

static gboolean
burn (gpointer data)
{
  Fuse *fuse = data;

  if (fuse->left > 0 && --fuse->left > 0)
    return G_SOURCE_CONTINUE;
  g_cancellable_cancel (fuse->cancellable);
  return G_SOURCE_REMOVE;
}

typedef gboolean (*SweepFunc) (Fixture       *f,
                               CupelSession  *session,
                               GCancellable  *cancellable,
                               GError       **error);

typedef struct
{
  void (*prepare) (Fixture *f, CupelSession *session);   /* nullable */
  SweepFunc func;
  void (*check) (Fixture *f, gboolean done, const GError *error);
} Sweep;

/* Every await of @func in turn: error, session, pool and data are looked at after each. */
static void
sweep (Fixture     *f,
       const Sweep *what)
{
  gboolean done = FALSE;
  guint cancelled = 0;

  for (guint turns = 0; !done; turns += 1 + turns / 8)
    {
      g_autoptr(CupelSession) session = cupel_session_new (f->engine);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GError) error = NULL;
      g_autoptr(GSource) source = g_idle_source_new ();
      Fuse fuse = { cancellable, turns };

      if (what->prepare != NULL)
        what->prepare (f, session);

      g_source_set_priority (source, G_PRIORITY_DEFAULT);
      g_source_set_callback (source, burn, &fuse, NULL);
      if (turns == 0)
        g_cancellable_cancel (cancellable);
      else
        g_source_attach (source, g_main_context_get_thread_default ());
      done = what->func (f, session, cancellable, &error);
      g_source_destroy (source);

      if (!done)
        {
          cancelled++;
          if (!g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
            g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          rollback (session);
          g_assert_cmpint (query_int (session, "SELECT 41 + 1"), ==, 42);
        }
      else
        g_assert_no_error (error);
      g_assert_true (cupel_session_close (session, NULL, NULL));
      wait_for_pool (f);
      if (what->check != NULL)
        what->check (f, done, error);
      g_assert_finalize_object (g_steal_pointer (&session));
      g_assert_cmpuint (turns, <, 1000 * 1000);
    }
  g_test_message ("cancelled %u times", cancelled);
}

static void
add_authors (CupelSession *session)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) author = new_author (name, i % 3);

      add (session, author);
    }
}

static gboolean
sweep_flush (Fixture       *f,
             CupelSession  *session,
             GCancellable  *cancellable,
             GError       **error)
{
  add_authors (session);
  return cupel_session_flush (session, cancellable, error);
}

static void
check_nothing (Fixture      *f,
               gboolean      done,
               const GError *error)
{
  g_assert_cmpint (count_committed (f, "author"), ==, 0);
  g_assert_cmpint (count_committed (f, "book"), ==, 0);
}

static void
test_cancel_flush (Fixture *f)
{
  const Sweep what = { NULL, sweep_flush, check_nothing };

  sweep (f, &what);
}

static void
prepare_empty (Fixture      *f,
               CupelSession *session)
{
  execute (session, "DELETE FROM book");
  execute (session, "DELETE FROM author");
  commit (session);
}

static gboolean
sweep_commit (Fixture       *f,
              CupelSession  *session,
              GCancellable  *cancellable,
              GError       **error)
{
  add_authors (session);
  return cupel_session_commit (session, cancellable, error);
}

static void
check_all_or_nothing (Fixture      *f,
                      gboolean      done,
                      const GError *error)
{
  gint64 authors = count_committed (f, "author");
  gint64 books = count_committed (f, "book");

  if (done || (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN) && authors > 0))
    {
      g_assert_cmpint (authors, ==, 20);
      g_assert_cmpint (books, ==, 19);
    }
  else
    {
      g_assert_cmpint (authors, ==, 0);
      g_assert_cmpint (books, ==, 0);
    }
}

static void
test_cancel_commit (Fixture *f)
{
  const Sweep what = { prepare_empty, sweep_commit, check_all_or_nothing };

  sweep (f, &what);
}

static gboolean
sweep_selectin (Fixture       *f,
                CupelSession  *session,
                GCancellable  *cancellable,
                GError       **error)
{
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;
  Author *author;
  guint n = 0;

  cupel_select_add_option (select, cupel_selectinload (author_get_type (), "books"));
  result = cupel_session_scalars (session, select, cancellable, error);
  if (result == NULL)
    return FALSE;
  while ((author = cupel_result_next (result)) != NULL)
    {
      g_assert_cmpuint (g_list_model_get_n_items (cupel_entity_get_list (CUPEL_ENTITY (author), "books", NULL)), ==, 2);
      n++;
    }
  g_assert_cmpuint (n, ==, 600);
  return TRUE;
}

static void
test_cancel_selectin (Fixture *f)
{
  const Sweep what = { NULL, sweep_selectin, NULL };

  fill (f, 600);
  sweep (f, &what);
}

static gboolean
sweep_stream (Fixture       *f,
              CupelSession  *session,
              GCancellable  *cancellable,
              GError       **error)
{
  g_autoptr(GError) local = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelStream) stream = NULL;
  guint n = 0;

  cupel_select_add_option (select, cupel_selectinload (author_get_type (), "books"));
  stream = cupel_session_stream (session, select, 50, cancellable, error);
  if (stream == NULL)
    return FALSE;
  while (cupel_stream_next (stream, cancellable, &local) != NULL)
    n++;
  g_assert_true (cupel_stream_close (stream, NULL, NULL));
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_assert_cmpuint (n, ==, 300);
  return TRUE;
}

static void
test_cancel_stream (Fixture *f)
{
  const Sweep what = { NULL, sweep_stream, NULL };

  fill (f, 300);
  sweep (f, &what);
}

static gboolean
sweep_get (Fixture       *f,
           CupelSession  *session,
           GCancellable  *cancellable,
           GError       **error)
{
  g_autoptr(Author) author = cupel_session_get_int64 (session, author_get_type (), 1, cancellable, error);

  if (author == NULL)
    return FALSE;
  if (!cupel_entity_load (CUPEL_ENTITY (author), "books", cancellable, error))
    {
      g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (author), "books"));
      return FALSE;
    }
  return cupel_session_refresh (session, CUPEL_ENTITY (author), NULL, cancellable, error);
}

static void
test_cancel_get (Fixture *f)
{
  const Sweep what = { NULL, sweep_get, NULL };

  fill (f, 1);
  sweep (f, &what);
}

static void
prepare_no_tables (Fixture      *f,
                   CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (tag_get_type (), node_get_type (), G_TYPE_INVALID);

      cupel_engine_drop_all (f->engine, metadata, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
sweep_create_all (Fixture       *f,
                  CupelSession  *session,
                  GCancellable  *cancellable,
                  GError       **error)
{
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (tag_get_type (), node_get_type (), G_TYPE_INVALID);

  return cupel_engine_create_all (f->engine, metadata, cancellable, error);
}

static void
test_cancel_create_all (Fixture *f)
{
  const Sweep what = { prepare_no_tables, sweep_create_all, NULL };

  sweep (f, &what);
}

/* Dropping things at odd moments */

static void
test_drop_with_stream (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  CupelSession *session = cupel_session_new (f->engine);
  CupelStream *stream;
  CupelStream *other;
  g_autoptr(Author) author = NULL;

  fill (f, 200);

  /* The session first. */
  stream = cupel_session_stream (session, select, 10, NULL, &error);
  g_assert_no_error (error);
  author = g_object_ref (cupel_stream_next (stream, NULL, &error));
  g_object_unref (session);
  g_assert_nonnull (cupel_stream_next (stream, NULL, &error));
  g_assert_no_error (error);
  g_object_unref (stream);
  wait_for_pool (f);
  g_assert_null (cupel_entity_get_session (CUPEL_ENTITY (author)));

  /* The stream first, in the middle. */
  session = cupel_session_new (f->engine);
  stream = cupel_session_stream (session, select, 10, NULL, &error);
  g_assert_nonnull (cupel_stream_next (stream, NULL, &error));
  g_object_unref (stream);
  g_assert_cmpint (query_int (session, "SELECT count(*) FROM author"), ==, 200);

  /* Closed under it. */
  other = cupel_session_stream (session, select, 10, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (cupel_stream_next (other, NULL, &error));
  g_assert_true (cupel_session_close (session, NULL, &error));
  g_assert_no_error (error);
  while (cupel_stream_next (other, NULL, &error) != NULL)
    ;
  g_clear_error (&error);
  g_object_unref (other);
  g_assert_true (cupel_session_close (session, NULL, &error));
  g_object_unref (session);
  wait_for_pool (f);
}

static void
test_drop_engine (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (f->url, &error);
  CupelConnection *connection = cupel_engine_connect (engine, NULL, &error);
  CupelSession *session;
  g_autoptr(CupelText) text = cupel_text_new ("SELECT 1");
  g_autoptr(CupelResult) result = NULL;

  g_assert_no_error (error);
  g_object_unref (engine);
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (connection);
  cupel_fiber_sleep (5000, NULL, NULL);

  engine = cupel_engine_new (f->url, &error);
  session = cupel_session_new (engine);
  g_assert_cmpint (query_int (session, "SELECT 1"), ==, 1);
  g_object_unref (engine);
  g_assert_cmpint (query_int (session, "SELECT 1"), ==, 1);
  g_object_unref (session);
  cupel_fiber_sleep (5000, NULL, NULL);
}

static gboolean
long_task (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  CupelEngine *engine = data;
  g_autoptr(CupelSession) session = cupel_session_new (engine);

  for (guint i = 0; i < 50; i++)
    {
      g_autoptr(CupelText) text = cupel_text_new ("SELECT 1");
      g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, cancellable, NULL);

      if (result == NULL)
        break;
    }
  return cupel_session_close (session, NULL, error);
}

/* Tasks end one way or the other; nothing hangs and nothing is freed under them. */
static void
test_dispose_under_tasks (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (f->url, &error);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);

  for (guint i = 0; i < 4; i++)
    cupel_task_group_spawn (group, long_task, engine, NULL);
  cupel_fiber_sleep (3000, NULL, NULL);
  g_assert_true (cupel_engine_dispose (engine, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_task_group_join (group, &error));
  g_assert_no_error (error);
  g_object_unref (engine);
}

/* A server that goes away */

static void
kill_connection (Fixture *f,
                 gint64   id)
{
  g_autoptr(CupelSession) killer = cupel_session_new (f->engine);
  g_autofree char *sql = g_strdup_printf (g_str_has_prefix (f->url, "postgres") ? "SELECT pg_terminate_backend(%d, 60000)" : "KILL %d", (int) id);

  execute (killer, sql);
  g_assert_true (cupel_session_close (killer, NULL, NULL));
  cupel_fiber_sleep (20000, NULL, NULL);
}

static gint64
connection_id (Fixture      *f,
               CupelSession *session)
{
  return query_int (session, g_str_has_prefix (f->url, "postgres") ? "SELECT pg_backend_pid()" : "SELECT connection_id()");
}

static void
assert_lost (const GError *error)
{
  if (!g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
}

static void
test_killed (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Author) author = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelStream) stream = NULL;
  guint n = 0;

  if (!is_server (f))
    {
      g_test_skip ("no server to be cut off by");
      return;
    }

  /* before a flush */
  author = new_author ("one", 2);
  kill_connection (f, connection_id (f, f->session));
  add (f->session, author);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  assert_lost (error);
  g_clear_error (&error);
  cupel_session_rollback (f->session, NULL, NULL);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (author)), ==, CUPEL_ENTITY_TRANSIENT);
  add (f->session, author);
  commit (f->session);
  g_assert_cmpint (count_committed (f, "author"), ==, 1);
  g_assert_cmpint (count_committed (f, "book"), ==, 2);

  /* between flush and commit */
  g_object_set (author, "age", 50, NULL);
  flush (f->session);
  kill_connection (f, connection_id (f, f->session));
  g_assert_false (cupel_session_commit (f->session, NULL, &error));
  assert_lost (error);
  g_clear_error (&error);
  cupel_session_rollback (f->session, NULL, NULL);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE age = 50"), ==, 0);
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "age", &error));
  g_assert_no_error (error);
  g_assert_cmpint (author->age, ==, 0);

  /* in the middle of a stream */
  fill (f, 3000);
  n = (guint) connection_id (f, f->session);
  stream = cupel_session_stream (f->session, select, 10, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (cupel_stream_next (stream, NULL, &error));
  kill_connection (f, n);
  for (n = 1; cupel_stream_next (stream, NULL, &error) != NULL;)
    n++;
  /* What had arrived already may have been all. */
  if (error != NULL)
    assert_lost (error);
  else
    g_assert_cmpuint (n, ==, 3001);
  g_clear_error (&error);
  cupel_stream_close (stream, NULL, NULL);
  cupel_session_rollback (f->session, NULL, NULL);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 3001);
}

/* The loop lives while much is loaded */

typedef struct
{
  guint ticks;
  gint64 last;
  gint64 worst;
} Ticker;

/* What this thread worked, in microseconds: on a machine that is busy all waits for others, too. */
static gint64
get_thread_time (void)
{
  struct timespec time;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gboolean
on_tick (gpointer data)
{
  Ticker *ticker = data;
  gint64 now = get_thread_time ();

  ticker->ticks++;
  ticker->worst = MAX (ticker->worst, now - ticker->last);
  ticker->last = now;
  return G_SOURCE_CONTINUE;
}

static void
test_starvation (Fixture *f)
{
  const guint n_rows = g_test_thorough () ? 300000 : 100000;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (node_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GSource) source = g_timeout_source_new (1);
  Ticker ticker = { 0, 0, 0 };
  gint64 began, took;

  g_autofree char *sql = g_strdup_printf ("INSERT INTO node (name) WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %u) "
                                          "SELECT 'row' FROM r", n_rows);

  if (g_str_has_prefix (f->url, "mysql") || g_str_has_prefix (f->url, "mariadb"))
    execute (f->session, "SET /*M!100000 SESSION max_recursive_iterations */ /*!80000 SESSION cte_max_recursion_depth */ = 1000000");
  /* Not committed: SQLite would take hours to drop a table that refers to itself, with so many rows. */
  execute (f->session, sql);

  g_source_set_callback (source, on_tick, &ticker, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  began = ticker.last = get_thread_time ();
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, n_rows);
  g_source_destroy (source);
  took = (get_thread_time () - began) / 1000;
  g_test_message ("%u rows, of work %" G_GINT64_FORMAT " ms, %u ticks, the longest pause %.1f ms", n_rows, took, ticker.ticks,
                  ticker.worst / 1000.0);
  /* What is caught here is a loop that gets no turn at all. */
  g_assert_cmpint (ticker.ticks, >=, took / 50);
}

/* From a main loop that runs, with callbacks that start the next call */

typedef struct
{
  GMainLoop *loop;
  CupelMetadata *metadata;
  CupelEngine *engine;
  CupelSession *session;
  Author *author;
  guint step;
} Chain;

static void chain_next (GObject *source, GAsyncResult *result, gpointer data);

static void
chain_done (Chain *c)
{
  g_main_loop_quit (c->loop);
}

static void
chain_next (GObject      *source,
            GAsyncResult *result,
            gpointer      data)
{
  Chain *c = data;
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_in_fiber ());
  switch (c->step++)
    {
    case 0:
      g_assert_true (cupel_engine_drop_all_finish (c->engine, result, &error));
      g_assert_no_error (error);
      cupel_engine_create_all_async (c->engine, c->metadata, NULL, chain_next, c);
      break;
    case 1:
      g_assert_true (cupel_engine_create_all_finish (c->engine, result, &error));
      g_assert_no_error (error);
      c->session = cupel_session_new (c->engine);
      c->author = new_author ("one", 2);
      add (c->session, c->author);
      /* The form that would block says so. */
      g_assert_false (cupel_session_flush (c->session, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
      cupel_session_flush_async (c->session, NULL, chain_next, c);
      break;
    case 2:
      g_assert_true (cupel_session_flush_finish (c->session, result, &error));
      g_assert_no_error (error);
      {
        g_autoptr(Author) same = new_author ("one", 0);

        add (c->session, same);
      }
      cupel_session_commit_async (c->session, NULL, chain_next, c);
      break;
    case 3:
      g_assert_false (cupel_session_commit_finish (c->session, result, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
      cupel_session_get_int64_async (c->session, author_get_type (), 1, NULL, chain_next, c);
      break;
    case 4:
      g_assert_null (cupel_session_get_int64_finish (c->session, result, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      cupel_session_rollback_async (c->session, NULL, chain_next, c);
      break;
    case 5:
      g_assert_true (cupel_session_rollback_finish (c->session, result, &error));
      g_assert_no_error (error);
      add (c->session, c->author);
      cupel_session_commit_async (c->session, NULL, chain_next, c);
      break;
    case 6:
      g_assert_true (cupel_session_commit_finish (c->session, result, &error));
      g_assert_no_error (error);
      cupel_session_expire_all (c->session);
      cupel_entity_load_async (CUPEL_ENTITY (c->author), "books", NULL, chain_next, c);
      break;
    case 7:
      g_assert_true (cupel_entity_load_finish (CUPEL_ENTITY (c->author), result, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (g_list_model_get_n_items (list_of (c->author, "books")), ==, 2);
      {
        g_autoptr(GCancellable) cancelled = g_cancellable_new ();

        g_cancellable_cancel (cancelled);
        cupel_session_refresh_async (c->session, CUPEL_ENTITY (c->author), NULL, cancelled, chain_next, c);
      }
      break;
    case 8:
      g_assert_false (cupel_session_refresh_finish (c->session, result, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      /* The session is dropped in the callback of its own call, with another call under way. */
      cupel_session_refresh_async (c->session, CUPEL_ENTITY (c->author), NULL, NULL, chain_next, c);
      g_clear_object (&c->session);
      break;
    case 9:
      g_assert_true (cupel_session_refresh_finish (CUPEL_SESSION (source), result, &error));
      g_assert_no_error (error);
      cupel_engine_dispose_async (c->engine, NULL, chain_next, c);
      break;
    default:
      g_assert_true (cupel_engine_dispose_finish (c->engine, result, &error));
      g_assert_no_error (error);
      chain_done (c);
      break;
    }
}

static void
test_chain (gconstpointer data)
{
  const EachUrl *test = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (author_get_type (), book_get_type (), G_TYPE_INVALID);
  Chain c = { .loop = g_main_loop_new (NULL, FALSE), .metadata = metadata };

  c.engine = cupel_engine_new (test->url, &error);
  g_assert_no_error (error);
  cupel_engine_drop_all_async (c.engine, metadata, NULL, chain_next, &c);
  g_main_loop_run (c.loop);
  g_assert_cmpuint (c.step, ==, 11);
  g_assert_finalize_object (c.author);
  g_assert_finalize_object (c.engine);
  g_main_loop_unref (c.loop);
}

/* Without a loop, on two threads */

static gpointer
blocking_thread (gpointer data)
{
  const EachUrl *test = data;
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (test->url, &error);
  CupelSession *session = cupel_session_new (engine);
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(CupelResult) result = NULL;
  static int counter;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("thread %d", g_atomic_int_add (&counter, 1));
      g_autoptr(Author) author = new_author (name, 2);
      g_autoptr(Author) again = NULL;
      gint64 id;

      add (session, author);
      flush (session);
      commit (session);
      id = author->id;
      g_object_set (author, "age", 4, NULL);
      commit (session);
      cupel_session_expire_all (session);
      g_assert_true (cupel_entity_load (CUPEL_ENTITY (author), "books", NULL, &error));
      g_assert_no_error (error);
      g_assert_true (cupel_session_refresh (session, CUPEL_ENTITY (author), NULL, NULL, &error));
      g_clear_object (&author);
      again = cupel_session_get_int64 (session, author_get_type (), id, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (again->age, ==, 4);
      rollback (session);
    }
  select = cupel_entity_select (author_get_type ());
  stream = cupel_session_stream (session, select, 3, NULL, &error);
  g_assert_no_error (error);
  while (cupel_stream_next (stream, NULL, &error) != NULL)
    ;
  g_assert_no_error (error);
  g_clear_object (&stream);
  result = cupel_session_scalars (session, select, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&result);
  g_assert_true (cupel_session_close (session, NULL, &error));
  g_assert_finalize_object (session);
  g_assert_true (cupel_engine_dispose (engine, NULL, &error));
  g_assert_no_error (error);
  g_assert_finalize_object (engine);
  return NULL;
}

static gboolean
make_tables (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  const EachUrl *test = data;
  CupelEngine *engine = model_engine (test->url);

  g_assert_true (cupel_engine_dispose (engine, NULL, error));
  g_object_unref (engine);
  return TRUE;
}

static void
test_blocking (gconstpointer data)
{
  const EachUrl *test = data;
  GThread *threads[2];

  if (g_str_has_prefix (test->url, "sqlite"))
    {
      g_test_skip ("two engines would be two databases, or wait for each other's locks");
      return;
    }
  g_assert_true (cupel_run (make_tables, (gpointer) test, NULL, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("blocking", blocking_thread, (gpointer) test);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/abuse/cancel/flush", G_CALLBACK (test_cancel_flush) },
    { "/orm/abuse/cancel/commit", G_CALLBACK (test_cancel_commit) },
    { "/orm/abuse/cancel/selectin", G_CALLBACK (test_cancel_selectin) },
    { "/orm/abuse/cancel/stream", G_CALLBACK (test_cancel_stream) },
    { "/orm/abuse/cancel/get", G_CALLBACK (test_cancel_get) },
    { "/orm/abuse/cancel/create-all", G_CALLBACK (test_cancel_create_all) },
    { "/orm/abuse/drop/stream", G_CALLBACK (test_drop_with_stream) },
    { "/orm/abuse/drop/engine", G_CALLBACK (test_drop_engine) },
    { "/orm/abuse/drop/dispose-under-tasks", G_CALLBACK (test_dispose_under_tasks) },
    { "/orm/abuse/killed", G_CALLBACK (test_killed) },
    { "/orm/abuse/starvation", G_CALLBACK (test_starvation) },
    { "/orm/abuse/chain", NULL, test_chain },
    { "/orm/abuse/blocking", NULL, test_blocking },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
