/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "model.h"

/* What a session must survive: being cancelled at each await, dropped at odd moments, cut off by the server, changed while it works. */
typedef struct
{
  const char *url;
  CupelEngine *engine;
  CupelSession *session;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

typedef struct
{
  TestFunc func;
  char *url;
} Case;

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const Case *test = data;
  Fixture f = { test->url, NULL, NULL };
  g_autoptr(GError) local = NULL;

  f.engine = model_engine (test->url);
  f.session = cupel_session_new (f.engine);

  test->func (&f);

  g_assert_true (cupel_session_close (f.session, NULL, &local));
  g_assert_no_error (local);
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f.engine)), ==, 0);
  g_assert_finalize_object (f.session);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, &local));
  g_assert_no_error (local);
  g_object_unref (f.engine);
  return TRUE;
}

static void
run_test (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (run_in_fiber, (gpointer) data, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
is_server (Fixture *f)
{
  return !g_str_has_prefix (f->url, "sqlite");
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
add (CupelSession *session,
     gpointer      entity)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_add (session, entity, &error));
  g_assert_no_error (error);
}

static void
flush (CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_flush (session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
commit (CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_commit (session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
rollback (CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_rollback (session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
execute (CupelSession *session,
         const char   *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
}

static gint64
query_int (CupelSession *session,
           const char   *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

/* Looks with other eyes than the session's: at what is committed. */
static gint64
count_committed (Fixture    *f,
                 const char *table)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSession) session = cupel_session_new (f->engine);
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);
  gint64 n = query_int (session, sql);

  g_assert_true (cupel_session_close (session, NULL, &error));
  g_assert_no_error (error);
  return n;
}

static void
wait_for_pool (Fixture *f)
{
  CupelPool *pool = cupel_engine_get_pool (f->engine);

  for (guint i = 0; i < 5000 && cupel_pool_get_checked_out (pool) > 0; i++)
    cupel_fiber_sleep (1000, NULL, NULL);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
}

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

static gboolean
sweep_flush (Fixture       *f,
             CupelSession  *session,
             GCancellable  *cancellable,
             GError       **error)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) author = new_author (name, i % 3);

      add (session, author);
    }
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
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) author = new_author (name, i % 3);

      add (session, author);
    }
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

static void
fill (Fixture *f,
      guint    n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) author = new_author (name, 2);

      add (f->session, author);
    }
  commit (f->session);
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

/* A server that goes away */

static void
kill_connection (Fixture *f,
                 gint64   id)
{
  g_autoptr(CupelSession) killer = cupel_session_new (f->engine);
  g_autofree char *sql = g_strdup_printf (g_str_has_prefix (f->url, "postgres") ? "SELECT pg_terminate_backend(%d)" : "KILL %d", (int) id);

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

/* Constraints */

static void
assert_refused (Fixture *f,
                int      code)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, code);
  g_clear_error (&error);
  g_assert_false (cupel_session_flush (f->session, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  rollback (f->session);
  g_assert_cmpuint (cupel_session_get_n_new (f->session), ==, 0);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author"), ==, 1);
}

static void
test_constraints (Fixture *f)
{
  g_autoptr(Author) author = new_author ("one", 0);
  g_autoptr(Author) same = new_author ("one", 3);
  g_autoptr(Author) nameless = g_object_new (author_get_type (), "age", 3, NULL);
  g_autoptr(Book) lost = g_object_new (book_get_type (), "title", "lost", "author-id", (gint64) 4711, NULL);
  g_autoptr(Author) key = g_object_new (author_get_type (), "id", (gint64) 1, "name", "key", NULL);

  add (f->session, author);
  commit (f->session);

  add (f->session, same);
  assert_refused (f, CUPEL_ERROR_UNIQUE);
  g_assert_cmpint (cupel_entity_get_state (CUPEL_ENTITY (same)), ==, CUPEL_ENTITY_TRANSIENT);

  add (f->session, nameless);
  assert_refused (f, CUPEL_ERROR_NOT_NULL);

  add (f->session, lost);
  assert_refused (f, CUPEL_ERROR_FOREIGN_KEY);

  add (f->session, key);
  assert_refused (f, CUPEL_ERROR_UNIQUE);

  g_object_set (author, "name", NULL, NULL);
  assert_refused (f, CUPEL_ERROR_NOT_NULL);
  g_assert_true (cupel_entity_require (CUPEL_ENTITY (author), "name", NULL));
  g_assert_cmpstr (author->name, ==, "one");

  /* What was refused is mended, and goes. */
  g_object_set (same, "name", "two", NULL);
  add (f->session, same);
  commit (f->session);
  g_assert_cmpint (count_committed (f, "author"), ==, 2);
  g_assert_cmpint (count_committed (f, "book"), ==, 3);
}

/* Relationships */

static GListModel *
list_of (gpointer    entity,
         const char *name)
{
  g_autoptr(GError) error = NULL;
  GListModel *list = cupel_entity_get_list (entity, name, &error);

  g_assert_no_error (error);
  return list;
}

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

/* Values and names */

static void
test_empty_in (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
  g_autoptr(CupelSelect) all = cupel_entity_select (author_get_type ());
  g_autoptr(CupelResult) result = NULL;

  fill (f, 3);
  cupel_select_where (select, cupel_in_int64 (cupel_attr (author_get_type (), "id"), NULL, 0));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (cupel_result_next (result));
  g_clear_object (&result);
  cupel_select_where (all, cupel_not (cupel_in (cupel_attr (author_get_type (), "name"), NULL, 0)));
  result = cupel_session_scalars (f->session, all, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 3);
}

static void
test_huge_values (Fixture *f)
{
  const gsize size = g_test_thorough () ? 64 * 1024 * 1024 : 12 * 1024 * 1024;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) create = NULL;
  g_autoptr(CupelText) insert = cupel_text_new ("INSERT INTO cupel_huge (id, b) VALUES (:id, :b)");
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GBytes) back = NULL;
  guint8 *data = g_malloc (size);
  g_autoptr(GBytes) bytes = g_bytes_new_take (data, size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) (i * 131);
  execute (f->session, "DROP TABLE IF EXISTS cupel_huge");
  execute (f->session, g_str_has_prefix (f->url, "postgres") ? "CREATE TABLE cupel_huge (id int, b bytea)"
                                                              : "CREATE TABLE cupel_huge (id int, b longblob)");
  commit (f->session);
  cupel_parameters_set_int64 (parameters, "id", 1);
  cupel_parameters_set_bytes (parameters, "b", bytes);
  result = cupel_session_execute (f->session, CUPEL_STATEMENT (insert), parameters, NULL, &error);
  if (result == NULL)
    {
      /* The server has a limit, and says so; the session goes on. */
      g_test_message ("%s", error->message);
      g_assert_cmpint (error->domain, ==, CUPEL_ERROR);
      g_clear_error (&error);
      cupel_session_rollback (f->session, NULL, NULL);
    }
  else
    {
      g_clear_object (&result);
      create = cupel_text_new ("SELECT b FROM cupel_huge");
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (create), NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (cupel_result_step (result));
      back = cupel_result_dup_bytes (result, 0);
      g_assert_true (g_bytes_equal (bytes, back));
      g_clear_object (&result);
    }
  rollback (f->session);
  g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM cupel_huge"), ==, 0);
  rollback (f->session);
  execute (f->session, "DROP TABLE cupel_huge");
  commit (f->session);
}

static void
test_bad_text (Fixture *f)
{
  static const char *const bad[] = { "\xff", "abc\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelSelect) select = cupel_entity_select (author_get_type ());
      g_autoptr(CupelText) text = cupel_text_new ("SELECT :v");
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelResult) result = NULL;
      g_autoptr(CupelValue) key = cupel_value_new_string (bad[i]);

      cupel_parameters_set_string (parameters, "v", bad[i]);
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), parameters, NULL, &error);
      g_assert_null (result);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
      rollback (f->session);

      cupel_select_where (select, cupel_eq (cupel_attr (author_get_type (), "name"), cupel_literal_string (bad[i])));
      result = cupel_session_scalars (f->session, select, NULL, &error);
      g_assert_null (result);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
      rollback (f->session);

      g_assert_null (cupel_session_get (f->session, tag_get_type (), key, NULL, &error));
      g_assert_nonnull (error);
    }
  g_assert_cmpint (query_int (f->session, "SELECT 1"), ==, 1);
}

static void
test_odd_names (Fixture *f)
{
  static const char *const names[] = { "select", "a\"b", "a`b", "it's", "two words", "žluťoučký kůň", "semi;colon--", "100%", ":bind", "?", "$1", "a\\b" };
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
      g_autoptr(CupelTable) table = cupel_table_new (names[i]);
      g_autoptr(CupelInsert) insert = NULL;
      g_autoptr(CupelSelect) select = cupel_select_new ();
      g_autoptr(CupelResult) result = NULL;
      CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
      CupelColumn *column = cupel_column_new (names[i], cupel_sql_type_new_sized (CUPEL_SQL_STRING, 20));

      cupel_column_set_primary_key (id, TRUE);
      cupel_table_add_column (table, id);
      cupel_column_set_index (column, TRUE);
      cupel_table_add_column (table, column);
      g_assert_true (cupel_metadata_add_table (metadata, table, &error));
      cupel_engine_drop_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);
      cupel_engine_create_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);
      cupel_engine_create_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);

      insert = cupel_insert_new (table);
      cupel_insert_set (insert, names[i], cupel_literal_string (names[i]));
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (insert), NULL, NULL, &error);
      g_assert_no_error (error);
      g_clear_object (&result);
      cupel_select_add_column (select, cupel_table_c (table, names[i]));
      cupel_select_where (select, cupel_eq (cupel_table_c (table, names[i]), cupel_literal_string (names[i])));
      result = cupel_session_execute (f->session, CUPEL_STATEMENT (select), NULL, NULL, &error);
      g_assert_no_error (error);
      g_assert_true (cupel_result_step (result));
      g_assert_cmpstr (cupel_result_get_string (result, 0), ==, names[i]);
      g_assert_cmpstr (cupel_result_get_column_name (result, 0), ==, names[i]);
      g_clear_object (&result);
      commit (f->session);
      cupel_engine_drop_all (f->engine, metadata, NULL, &error);
      g_assert_no_error (error);
    }
}

/* The loop lives while much is loaded */

typedef struct
{
  guint ticks;
  gint64 last;
  gint64 worst;
} Ticker;

static gboolean
on_tick (gpointer data)
{
  Ticker *ticker = data;
  gint64 now = g_get_monotonic_time ();

  ticker->ticks++;
  ticker->worst = MAX (ticker->worst, now - ticker->last);
  ticker->last = now;
  return G_SOURCE_CONTINUE;
}

static void
test_starvation (Fixture *f)
{
  const guint n_rows = g_test_thorough () ? 300000 : 20000;
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (node_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GSource) source = g_timeout_source_new (1);
  Ticker ticker = { 0, 0, 0 };
  gint64 began;

  g_autofree char *sql = g_strdup_printf ("INSERT INTO node (name) WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < %u) "
                                          "SELECT 'row' FROM r", n_rows);

  if (g_str_has_prefix (f->url, "mysql") || g_str_has_prefix (f->url, "mariadb"))
    execute (f->session, "SET SESSION max_recursive_iterations = 1000000");
  execute (f->session, sql);
  commit (f->session);

  g_source_set_callback (source, on_tick, &ticker, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  began = ticker.last = g_get_monotonic_time ();
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, n_rows);
  g_source_destroy (source);
  g_test_message ("%u rows in %" G_GINT64_FORMAT " ms, %u ticks, the longest pause %.1f ms", n_rows,
                  (g_get_monotonic_time () - began) / 1000, ticker.ticks, ticker.worst / 1000.0);
  /* A busy machine pauses too: what is caught here is a loop that gets no turn at all. */
  g_assert_cmpuint (ticker.ticks, >, 3);
  g_assert_cmpint (ticker.worst, <, 500000);
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
  const Case *test = data;
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
  const Case *test = data;
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
  const Case *test = data;
  CupelEngine *engine = model_engine (test->url);

  g_assert_true (cupel_engine_dispose (engine, NULL, error));
  g_object_unref (engine);
  return TRUE;
}

static void
test_blocking (gconstpointer data)
{
  const Case *test = data;
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
    GTestDataFunc outside;
  } tests[] = {
    { "/orm/abuse/cancel/flush", test_cancel_flush, NULL },
    { "/orm/abuse/cancel/commit", test_cancel_commit, NULL },
    { "/orm/abuse/cancel/selectin", test_cancel_selectin, NULL },
    { "/orm/abuse/cancel/stream", test_cancel_stream, NULL },
    { "/orm/abuse/cancel/get", test_cancel_get, NULL },
    { "/orm/abuse/cancel/create-all", test_cancel_create_all, NULL },
    { "/orm/abuse/drop/stream", test_drop_with_stream, NULL },
    { "/orm/abuse/drop/engine", test_drop_engine, NULL },
    { "/orm/abuse/drop/dispose-under-tasks", test_dispose_under_tasks, NULL },
    { "/orm/abuse/meddle/change", test_change_during_flush, NULL },
    { "/orm/abuse/meddle/expire", test_expire_during_flush, NULL },
    { "/orm/abuse/meddle/everything", test_meddle_with_flush, NULL },
    { "/orm/abuse/killed", test_killed, NULL },
    { "/orm/abuse/constraints", test_constraints, NULL },
    { "/orm/abuse/relationship/delete-loaded-parent", test_delete_loaded_parent, NULL },
    { "/orm/abuse/relationship/delete-with-pending-child", test_delete_with_pending_child, NULL },
    { "/orm/abuse/relationship/move-by-append", test_move_by_append, NULL },
    { "/orm/abuse/relationship/edges", test_collection_edges, NULL },
    { "/orm/abuse/relationship/by-key", test_reference_by_key, NULL },
    { "/orm/abuse/relationship/parent-of-child-only", test_parent_of_child_only, NULL },
    { "/orm/abuse/expunge-deleted", test_expunge_deleted, NULL },
    { "/orm/abuse/values/empty-in", test_empty_in, NULL },
    { "/orm/abuse/values/huge", test_huge_values, NULL },
    { "/orm/abuse/values/bad-text", test_bad_text, NULL },
    { "/orm/abuse/names", test_odd_names, NULL },
    { "/orm/abuse/starvation", test_starvation, NULL },
    { "/orm/abuse/chain", NULL, test_chain },
    { "/orm/abuse/blocking", NULL, test_blocking },
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
        g_test_add_data_func_full (path, test, tests[i].outside != NULL ? tests[i].outside : run_test, free_case);
      }
  return g_test_run ();
}
