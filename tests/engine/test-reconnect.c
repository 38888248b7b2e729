/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connections that the server ends, processes that fork, threads that drop what is not theirs: on real databases. */

#include <cupel-dialect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../unit/scale.h"
#include "client.h"

typedef struct
{
  const char *name;
  const char *url;        /* NULL: this server is not there */
  const char *variable;
  const char *who_am_i;   /* NULL: there is no server whose end of the connection could end */
  const char *kill;       /* an ID follows */
  const char *lives;      /* NULL: what is killed is gone */
  const char *slow;       /* takes 0.4 s */
  const char *limited[4]; /* make a user or a database that may have one connection; the first drops it */
  const char *limited_user;
  const char *limited_path;
} Database;

/* In the child of a process with several threads, which it takes fibers for, it sees some switches and not others. */
#ifdef __has_feature
# if __has_feature (thread_sanitizer)
#  define CANNOT_FORK TRUE
# endif
#endif
#ifndef CANNOT_FORK
# define CANNOT_FORK FALSE
#endif

static char *directory;

static CupelEngine *
new_engine (const Database *database)
{
  GError *error = NULL;
  CupelEngine *engine = cupel_engine_new (database->url, &error);

  g_assert_no_error (error);
  return engine;
}

static gboolean
query (CupelConnection  *connection,
       const char       *sql,
       gint64           *value,
       GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);

  if (result == NULL)
    return FALSE;
  if (value != NULL && cupel_result_step (result))
    *value = cupel_result_get_int64 (result, 0);
  return TRUE;
}

static gint64
who_am_i (const Database  *database,
          CupelConnection *connection)
{
  GError *error = NULL;
  gint64 id = 0;

  query (connection, database->who_am_i != NULL ? database->who_am_i : "SELECT 1", &id, &error);
  g_assert_no_error (error);
  return id;
}

/* From another engine, as an administrator does. The server has ended it when this returns. */
static void
kill_backend (const Database *database,
              gint64          id)
{
  g_autoptr(CupelEngine) engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  g_autofree char *kill = g_strdup_printf ("%s %d", database->kill, (int) id);
  g_autofree char *lives = database->lives != NULL ? g_strdup_printf ("%s %d", database->lives, (int) id) : NULL;
  gint64 n = 0;
  GError *error = NULL;

  query (connection, kill, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; lives != NULL && (i == 0 || n > 0); i++)
    {
      g_assert_cmpuint (i, <, 6000);
      g_assert_true (cupel_fiber_sleep (10 * 1000, NULL, NULL));
      query (connection, lives, &n, &error);
      g_assert_no_error (error);
    }
  give_back (connection);
  g_assert_true (cupel_engine_dispose (engine, NULL, NULL));
}

static void
end_engine (CupelEngine *engine)
{
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)), ==, 0);
  g_assert_true (cupel_engine_dispose (engine, NULL, NULL));
  g_assert_finalize_object (engine);
}

static guint
count_descriptors (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_idle (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  gint64 id = who_am_i (database, connection);

  give_back (connection);
  kill_backend (database, id);
  connection = borrow (engine);
  g_assert_cmpint (who_am_i (database, connection), !=, id);
  give_back (connection);
  end_engine (engine);
}

/* Nobody asks for it: it goes away by itself. */
static void
test_idle_watch (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  gint64 id = who_am_i (database, connection);
  CupelPool *pool = cupel_engine_get_pool (engine);
  gint64 end;

  give_back (connection);
  g_assert_cmpuint (cupel_pool_get_checked_in (pool), ==, 1);
  cupel_fiber_sleep (400 * 1000, NULL, NULL);
  kill_backend (database, id);
  end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  while (cupel_pool_get_checked_in (pool) > 0 && g_get_monotonic_time () < end)
    cupel_fiber_sleep (10 * 1000, NULL, NULL);
  g_assert_cmpuint (cupel_pool_get_checked_in (pool), ==, 0);
  end_engine (engine);
}

static void
test_pre_ping (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection;
  gint64 id;

  g_object_set (engine, "pool-pre-ping", TRUE, "pool-ping-idle", 0.0, NULL);
  connection = borrow (engine);
  id = who_am_i (database, connection);
  give_back (connection);
  connection = borrow (engine);
  g_assert_cmpint (who_am_i (database, connection), ==, id);
  give_back (connection);
  kill_backend (database, id);
  connection = borrow (engine);
  g_assert_cmpint (who_am_i (database, connection), !=, id);
  give_back (connection);
  end_engine (engine);
}

static void
check_lost (const Database  *database,
            CupelEngine     *engine,
            CupelConnection *connection,
            GError          *error)
{
  g_assert_nonnull (error);
  g_assert_true (cupel_error_is_disconnect (error));
  g_clear_error (&error);
  g_assert_true (cupel_connection_is_invalidated (connection));
  g_assert_false (query (connection, "SELECT 1", NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  give_back (connection);
  connection = borrow (engine);
  who_am_i (database, connection);
  give_back (connection);
  end_engine (engine);
}

static void
test_in_transaction (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  GError *error = NULL;

  kill_backend (database, who_am_i (database, connection));
  g_assert_false (query (connection, "SELECT 1", NULL, &error));
  check_lost (database, engine, connection, error);
}

static void
test_at_commit (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  GError *error = NULL;

  kill_backend (database, who_am_i (database, connection));
  g_assert_false (cupel_connection_commit (connection, NULL, &error));
  check_lost (database, engine, connection, error);
}

/* One borrower finds it: the idle ones of the same age are replaced, and those that are lent when they come back. */
static void
test_others (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connections[3];
  g_autoptr(CupelPoolStatus) status = NULL;
  gint64 ids[3];
  gint64 id;
  GError *error = NULL;

  for (guint i = 0; i < 3; i++)
    connections[i] = borrow (engine);
  for (guint i = 0; i < 3; i++)
    ids[i] = who_am_i (database, connections[i]);
  give_back (connections[2]);
  kill_backend (database, ids[0]);
  g_assert_false (query (connections[0], "SELECT 1", NULL, &error));
  g_assert_true (cupel_error_is_disconnect (error));
  g_clear_error (&error);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)), ==, 0);
  g_assert_cmpint (who_am_i (database, connections[1]), ==, ids[1]);
  give_back (connections[1]);
  give_back (connections[0]);
  connections[0] = borrow (engine);
  id = who_am_i (database, connections[0]);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (id, !=, ids[i]);
  give_back (connections[0]);
  status = cupel_pool_get_status (cupel_engine_get_pool (engine));
  g_assert_cmpuint (status->epoch, ==, 1);
  end_engine (engine);
}

static void
test_invalidate (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *idle = borrow (engine);
  CupelConnection *lent = borrow (engine);

  give_back (idle);
  cupel_engine_invalidate_pool (engine);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)), ==, 0);
  who_am_i (database, lent);
  give_back (lent);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)), ==, 0);
  idle = borrow (engine);
  who_am_i (database, idle);
  give_back (idle);
  g_assert_cmpuint (cupel_pool_get_n_connects (cupel_engine_get_pool (engine)), ==, 3);
  end_engine (engine);
}

static void
test_cycles (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  guint before = 0;

  g_object_set (engine, "pool-name", "null", NULL);
  for (guint i = 0; i < scale (2000, 60); i++)
    {
      CupelConnection *connection = borrow (engine);

      who_am_i (database, connection);
      give_back (connection);
      if (i == 20)
        before = count_descriptors ();
    }
  /* What says good-bye does so in the background. */
  for (guint i = 0; i < 6000 && count_descriptors () > before + 2; i++)
    cupel_fiber_sleep (10 * 1000, NULL, NULL);
  g_assert_cmpuint (count_descriptors (), <=, before + 2);
  end_engine (engine);
}

static gpointer
drop (gpointer connection)
{
  g_object_unref (connection);
  return NULL;
}

static void
test_foreign_thread (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  CupelPool *pool;

  who_am_i (database, connection);
  pool = cupel_engine_get_pool (engine);
  g_thread_join (g_thread_new ("stranger", drop, connection));
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 1);
  for (guint i = 0; i < 6000 && cupel_pool_get_checked_out (pool) > 0; i++)
    cupel_fiber_sleep (10 * 1000, NULL, NULL);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  connection = borrow (engine);
  who_am_i (database, connection);
  give_back (connection);
  end_engine (engine);
}

/* With no loop that would run: the next call of the thread takes it in. */
static void
test_foreign_thread_blocking (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  CupelPool *pool;
  gint64 end;

  who_am_i (database, connection);
  pool = cupel_engine_get_pool (engine);
  g_thread_join (g_thread_new ("stranger", drop, connection));
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 1);
  connection = borrow (engine);
  /* It is made clean while calls go on. */
  end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  while (cupel_pool_get_checked_out (pool) > 1 && g_get_monotonic_time () < end)
    who_am_i (database, connection);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 1);
  give_back (connection);
  end_engine (engine);
}

/* With a loop and no call at all. */
static void
test_foreign_thread_loop (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  CupelPool *pool;

  who_am_i (database, connection);
  pool = cupel_engine_get_pool (engine);
  g_thread_join (g_thread_new ("stranger", drop, connection));
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 1);
  while (cupel_pool_get_checked_out (pool) > 0 && g_get_monotonic_time () < end)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  end_engine (engine);
}

/* While it sends rows: those that are here already may still be read, then the loss is told. */
static void
test_in_stream (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  gint64 id = who_am_i (database, connection);
  g_autoptr(CupelText) text = NULL;
  g_autoptr(CupelStream) stream = NULL;
  GError *error = NULL;
  guint n = 0;

  text = cupel_text_new ("WITH d AS (SELECT 0 AS n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL "
                         "SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) "
                         "SELECT a.n, repeat('x', 1000) AS filler FROM d a, d b, d c, d e, d f");
  stream = cupel_connection_stream (connection, CUPEL_STATEMENT (text), NULL, 100, NULL, &error);
  g_assert_no_error (error);
  for (; n < 250; n++)
    g_assert_true (cupel_stream_step (stream, NULL, &error));
  kill_backend (database, id);
  while (cupel_stream_step (stream, NULL, &error))
    n++;
  g_assert_cmpuint (n, <, 100000);
  cupel_stream_close (stream, NULL, NULL);
  g_clear_object (&stream);
  check_lost (database, engine, connection, error);
}

/* The first attempts find no room on the server: who waits goes on waiting, and is served as soon as there is some. */
typedef struct
{
  CupelEngine *engine;
  guint        n_served;
} Crowd;

static gboolean
borrow_once (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Crowd *crowd = data;
  CupelConnection *connection = cupel_engine_connect (crowd->engine, NULL, error);

  if (connection == NULL)
    return FALSE;
  crowd->n_served++;
  give_back (connection);
  return TRUE;
}

static void
test_too_many (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *admin = borrow (engine);
  g_autoptr(GUri) uri = g_uri_parse (database->url, G_URI_FLAGS_ENCODED, NULL);
  g_autofree char *limited_url = NULL;
  g_autoptr(CupelEngine) other = NULL;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelPoolStatus) status = NULL;
  CupelConnection *first;
  CupelPool *pool;
  Crowd crowd = { NULL, 0 };
  gint64 begin;
  GError *error = NULL;

  g_assert_true (cupel_connection_set_isolation_level (admin, CUPEL_ISOLATION_AUTOCOMMIT, NULL, NULL));
  for (guint i = 0; database->limited[i] != NULL; i++)
    {
      query (admin, database->limited[i], NULL, &error);
      g_assert_no_error (error);
    }

  g_assert_nonnull (uri);
  limited_url = g_uri_join (G_URI_FLAGS_ENCODED, g_uri_get_scheme (uri),
                            database->limited_user != NULL ? database->limited_user : g_uri_get_userinfo (uri),
                            g_uri_get_host (uri), g_uri_get_port (uri),
                            database->limited_path != NULL ? database->limited_path : g_uri_get_path (uri), g_uri_get_query (uri), NULL);
  other = cupel_engine_new (limited_url, &error);
  g_assert_no_error (error);
  crowd.engine = cupel_engine_new (limited_url, &error);
  g_assert_no_error (error);
  first = borrow (other);
  begin = g_get_monotonic_time ();
  for (guint i = 0; i < 4; i++)
    cupel_task_group_spawn (group, borrow_once, &crowd, NULL);
  for (;;)
    {
      g_assert_true (cupel_fiber_sleep (350 * 1000, NULL, NULL));
      g_assert_cmpuint (crowd.n_served, ==, 0);
      pool = cupel_engine_get_pool (crowd.engine);
      status = pool != NULL ? cupel_pool_get_status (pool) : NULL;
      if (status != NULL && status->n_connect_failures > 0 && status->waiters == 4)
        break;
      g_assert_cmpint (g_get_monotonic_time () - begin, <, 25 * G_USEC_PER_SEC);
      g_clear_pointer (&status, cupel_pool_status_free);
    }
  /* At most ten in a second, after those that came first. */
  g_assert_cmpint (status->n_connect_failures, <=, 5 + (g_get_monotonic_time () - begin) / 100000 + 1);
  g_assert_cmpuint (status->waiters, ==, 4);
  give_back (first);
  g_assert_true (cupel_engine_dispose (other, NULL, NULL));
  g_assert_true (cupel_task_group_join (group, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (crowd.n_served, ==, 4);
  end_engine (crowd.engine);
  query (admin, database->limited[0], NULL, &error);
  g_assert_no_error (error);
  give_back (admin);
  end_engine (engine);
}

/* That a transaction which was begun as read-only takes no writes is the program's mistake, and says nothing of the server. */
static void
test_read_only (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *connection = borrow (engine);
  CupelConnection *idle = borrow (engine);
  g_autoptr(CupelPoolStatus) status = NULL;
  gint64 id = who_am_i (database, connection);
  GError *error = NULL;

  g_assert_true (cupel_connection_rollback (connection, NULL, NULL));
  give_back (idle);
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(CupelTransaction) transaction = cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_DEFAULT,
                                                                                    CUPEL_BEGIN_READ_ONLY, NULL, &error);

      g_assert_no_error (error);
      g_assert_false (query (connection, "CREATE TABLE reconnect_read_only (id int)", NULL, &error));
      g_assert_nonnull (error);
      g_assert_false (cupel_error_is_disconnect (error));
      g_clear_error (&error);
      g_assert_false (cupel_connection_is_invalidated (connection));
      g_assert_true (cupel_transaction_rollback (transaction, NULL, &error));
      g_assert_no_error (error);
    }
  status = cupel_pool_get_status (cupel_engine_get_pool (engine));
  g_assert_cmpuint (status->epoch, ==, 0);
  g_assert_cmpuint (status->n_invalidated, ==, 0);
  g_assert_cmpuint (status->idle, ==, 1);
  g_assert_cmpint (who_am_i (database, connection), ==, id);
  give_back (connection);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)), ==, 2);
  end_engine (engine);
}

/* The answer is the parent's, even if the child is quicker: it must not read it, nor ask for more. */
static gboolean
ask_slowly (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  const Database *database = ((gpointer *) data)[0];

  return query (((gpointer *) data)[1], database->slow, NULL, error);
}

static void
test_fork_in_flight (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *busy = borrow (engine);
  gint64 busy_id = who_am_i (database, busy);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  gpointer data[2] = { (gpointer) database, busy };
  GError *error = NULL;
  int status = 0;
  pid_t child;

  /* So that in the child a timer would end the wait, too. */
  cupel_connection_set_statement_timeout (busy, 60.0);
  cupel_task_group_spawn (group, ask_slowly, data, NULL);
  cupel_fiber_sleep (50 * 1000, NULL, NULL);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      CupelConnection *own;
      gint64 id;

      if (query (busy, "SELECT 1", NULL, &error))
        _exit (2);
      own = cupel_engine_connect (engine, NULL, NULL);
      if (own == NULL)
        _exit (3);
      id = who_am_i (database, own);
      if (database->who_am_i != NULL && id == busy_id)
        _exit (4);
      /* Its loop runs on until after the answer came. */
      cupel_fiber_sleep (700 * 1000, NULL, NULL);
      if (!query (own, "SELECT 1", NULL, NULL))
        _exit (5);
      give_back (own);
      _exit (0);
    }

  /* It stands still, and leaves the answer to whoever comes first. */
  g_usleep (600 * 1000);
  g_assert_true (cupel_task_group_join (group, &error));
  g_assert_no_error (error);
  while (waitpid (child, &status, WNOHANG) == 0)
    cupel_fiber_sleep (10 * 1000, NULL, NULL);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
  g_assert_cmpint (who_am_i (database, busy), ==, busy_id);
  give_back (busy);
  end_engine (engine);
}

/* Outside a fiber: the child does what a child of a server program does. */
static void
test_fork (const Database *database)
{
  CupelEngine *engine = new_engine (database);
  CupelConnection *lent = borrow (engine);
  CupelConnection *idle = borrow (engine);
  gint64 lent_id = who_am_i (database, lent);
  gint64 idle_id = who_am_i (database, idle);
  GError *error = NULL;
  int status = 0;
  pid_t child;

  g_assert_true (cupel_connection_commit (lent, NULL, &error));
  g_assert_no_error (error);
  give_back (idle);
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      CupelConnection *own;
      gint64 id;

      if (query (lent, "SELECT 1", NULL, &error) || !g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED))
        _exit (2);
      g_object_unref (lent);
      own = cupel_engine_connect (engine, NULL, NULL);
      if (own == NULL)
        _exit (3);
      id = who_am_i (database, own);
      if (database->who_am_i != NULL && (id == lent_id || id == idle_id))
        _exit (4);
      give_back (own);
      if (!cupel_engine_dispose (engine, NULL, NULL))
        _exit (5);
      g_object_unref (engine);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);

  g_assert_cmpint (who_am_i (database, lent), ==, lent_id);
  idle = borrow (engine);
  g_assert_cmpint (who_am_i (database, idle), ==, idle_id);
  give_back (idle);
  give_back (lent);
  g_assert_cmpuint (cupel_pool_get_n_connects (cupel_engine_get_pool (engine)), ==, 2);
  end_engine (engine);
}

/* An engine that nobody disposes of must not keep the process. */
static void
test_exit (const Database *database)
{
  gint64 begin = g_get_monotonic_time ();

  if (g_test_subprocess ())
    {
      /* It still has it at its end, and so it is no leak. */
      static CupelConnection *lent;

      lent = borrow (new_engine (database));
      who_am_i (database, lent);
      exit (0);
    }
  /* It ends with fibers and threads that live: nothing that the leak sanitizer could look through. */
  g_setenv ("ASAN_OPTIONS", "detect_leaks=0", TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (0));
}

typedef struct
{
  const char *name;
  void      (*func) (const Database *database);
  gboolean    server;     /* has to be able to end connections */
  gboolean    plain;      /* not in a fiber */
  gboolean    forks;
} Test;

static const Test tests[] = {
  { "killed-while-idle", test_idle, TRUE, FALSE },
  { "killed-while-idle-and-watched", test_idle_watch, TRUE, FALSE },
  { "killed-before-ping", test_pre_ping, TRUE, FALSE },
  { "killed-in-transaction", test_in_transaction, TRUE, FALSE },
  { "killed-at-commit", test_at_commit, TRUE, FALSE },
  { "killed-in-stream", test_in_stream, TRUE, FALSE },
  { "others-of-its-age", test_others, TRUE, FALSE },
  { "invalidate", test_invalidate, FALSE, FALSE },
  { "cycles", test_cycles, FALSE, FALSE },
  { "foreign-thread", test_foreign_thread, FALSE, FALSE },
  { "foreign-thread-blocking", test_foreign_thread_blocking, FALSE, TRUE },
  { "foreign-thread-loop", test_foreign_thread_loop, FALSE, TRUE },
  { "server-has-no-room", test_too_many, TRUE, FALSE },
  { "read-only", test_read_only, TRUE, FALSE },
  { "fork-in-flight", test_fork_in_flight, TRUE, FALSE, TRUE },
  { "fork", test_fork, FALSE, TRUE, TRUE },
  { "exit", test_exit, FALSE, TRUE },
};

typedef struct
{
  const Test     *test;
  const Database *database;
} Case;

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Case *c = data;

  c->test->func (c->database);
  return TRUE;
}

static void
run_case (gconstpointer data)
{
  Case *c = (Case *) data;
  GError *error = NULL;

  if (c->database->url == NULL)
    {
      g_autofree char *reason = g_strdup_printf ("%s is not set", c->database->variable);

      g_test_skip (reason);
      return;
    }
  if (c->test->forks && CANNOT_FORK)
    {
      g_test_skip ("ThreadSanitizer does not follow fork()");
      return;
    }
  if (c->test->plain)
    c->test->func (c->database);
  else
    cupel_run (run_in_fiber, c, NULL, &error);
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  static Database databases[] = {
    { "postgresql", NULL, "CUPEL_TEST_POSTGRESQL_URL", "SELECT pg_backend_pid()",
      "SELECT pg_terminate_backend (pid, 60000) FROM pg_stat_activity WHERE pid =", NULL,
      "SELECT 7 FROM pg_sleep(0.4)",
      { "DROP DATABASE IF EXISTS cupel_limited", "CREATE DATABASE cupel_limited CONNECTION LIMIT 1" }, NULL, "/cupel_limited" },
    { "mysql", NULL, "CUPEL_TEST_MYSQL_URL", "SELECT connection_id()", "KILL CONNECTION",
      "SELECT count(*) FROM information_schema.processlist WHERE id =",
      "SELECT sleep(0.4)",
      { "DROP USER IF EXISTS cupel_limited@localhost", "CREATE USER cupel_limited@localhost WITH MAX_USER_CONNECTIONS 1",
        "GRANT ALL ON *.* TO cupel_limited@localhost" }, "cupel_limited", NULL },
    { "sqlite", NULL, NULL, NULL, NULL },
  };
  g_autofree char *file = NULL;
  gboolean owns_directory = FALSE;
  int status;

  g_test_init (&argc, &argv, NULL);
  /* A child that this program starts of itself does not come to the end of main. */
  directory = g_strdup (g_getenv ("CUPEL_TEST_RECONNECT_FOLDER"));
  if (directory == NULL)
    {
      directory = g_dir_make_tmp ("cupel-reconnect-XXXXXX", NULL);
      g_setenv ("CUPEL_TEST_RECONNECT_FOLDER", directory, TRUE);
      owns_directory = TRUE;
    }
  file = g_strdup_printf ("sqlite:///%s/reconnect.db", directory);
  databases[0].url = g_getenv (databases[0].variable);
  databases[1].url = g_getenv (databases[1].variable);
  databases[2].url = file;

  for (guint i = 0; i < G_N_ELEMENTS (databases); i++)
    for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
      {
        g_autofree char *path = g_strdup_printf ("/engine/reconnect/%s/%s", databases[i].name, tests[j].name);
        Case *c;

        if (tests[j].server && databases[i].who_am_i == NULL)
          continue;
        c = g_new (Case, 1);
        c->test = &tests[j];
        c->database = &databases[i];
        g_test_add_data_func_full (path, c, run_case, g_free);
      }

  status = g_test_run ();
  if (owns_directory)
    {
      static const char *const names[] = { "reconnect.db", "reconnect.db-wal", "reconnect.db-shm" };

      for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autofree char *path = g_build_filename (directory, names[i], NULL);

          unlink (path);
        }
      rmdir (directory);
    }
  g_free (directory);
  return status;
}
