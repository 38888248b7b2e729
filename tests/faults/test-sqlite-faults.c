/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What happens to the file of an SQLite database, and to who waits for it. */

#include "../unit/scale.h"
#include "fail-vfs.h"
#include "fault-backend.h"

#include <glib/gstdio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder;
static const char *self_path;

typedef struct
{
  char *path;
  char *url;
} Fixture;

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  static int n;

  f->path = g_strdup_printf ("%s/%d.db", folder, n++);
  f->url = g_strconcat ("sqlite:///", f->path, NULL);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    {
      g_autofree char *path = g_strconcat (f->path, suffixes[i], NULL);

      g_unlink (path);
    }
  g_free (f->path);
  g_free (f->url);
}

static void
in_fiber (Fixture       *f,
          gconstpointer  func)
{
  g_autoptr(GError) error = NULL;

  cupel_run ((CupelRunFunc) func, f, NULL, &error);
  g_assert_no_error (error);
}

static CupelEngine *
make_engine (Fixture    *f,
             const char *options)
{
  g_autofree char *url = g_strconcat (f->url, options, NULL);
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (url, &error);

  g_assert_no_error (error);
  return engine;
}

static void
end_engine (CupelEngine *engine)
{
  g_autoptr(GError) error = NULL;
  CupelPool *pool = cupel_engine_get_pool (engine);

  if (pool != NULL)
    g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  cupel_engine_dispose (engine, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (engine);
}

static gboolean
run_sql (CupelConnection  *connection,
         const char       *sql,
         GError          **error)
{
  g_autoptr(CupelResult) result = fault_execute (connection, sql, NULL, error);

  return result != NULL;
}

/* A list of statements, in one transaction */
static gboolean
run_list (CupelConnection  *connection,
          gpointer          list,
          GCancellable     *cancellable,
          GError          **error)
{
  for (const char *const *sql = list; *sql != NULL; sql++)
    if (!run_sql (connection, *sql, error))
      return FALSE;
  return TRUE;
}

static const char *const create[] = { "CREATE TABLE t (id INTEGER PRIMARY KEY, data TEXT)", "INSERT INTO t (data) VALUES ('first')", NULL };
static const char *const insert[] = { "INSERT INTO t (data) VALUES ('one')", "INSERT INTO t (data) VALUES ('two')", NULL };

static void
make_table (Fixture *f)
{
  CupelEngine *engine = make_engine (f, "");
  g_autoptr(GError) error = NULL;

  cupel_engine_begin (engine, run_list, (gpointer) create, NULL, &error);
  g_assert_no_error (error);
  end_engine (engine);
}

/* By SQLite itself, without the library: -1 is an error */
static int
query_directly (Fixture    *f,
                const char *sql)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  int value = -1;

  /* A connection that was ended by force is closed by its thread, in a moment. */
  if (sqlite3_open (f->path, &db) == SQLITE_OK && sqlite3_busy_timeout (db, 10000) == SQLITE_OK && sqlite3_prepare_v2 (db, sql, -1, &statement, NULL) == SQLITE_OK &&
      sqlite3_step (statement) == SQLITE_ROW)
    value = strcmp ((const char *) sqlite3_column_text (statement, 0), "ok") == 0 ? 1 : sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return value;
}

static void
assert_integrity (Fixture *f)
{
  g_assert_cmpint (query_directly (f, "PRAGMA integrity_check"), ==, 1);
}

/* Every call of the file system fails in turn, once or from then on: a clear error or none, a sound file, all or nothing of each
 * transaction. */
static void
sweep_io (Fixture  *f,
          gboolean  lasting)
{
  const int step = scale (1, 7);
  guint n_failed = 0;

  for (int nth = 1;; nth += step)
    {
      g_autoptr(GError) error = NULL;
      CupelEngine *engine;
      int n_calls, n_rows;
      gint64 begin;
      gboolean ok;

      tear_down (f, NULL);
      set_up (f, NULL);
      make_table (f);
      engine = make_engine (f, nth % 2 == 0 ? "" : "?journal_mode=delete&synchronous=full");

      fail_vfs_arm (nth, lasting);
      begin = g_get_monotonic_time ();
      ok = cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, &error);
      if (g_get_monotonic_time () - begin > scale_bound (1000))
        g_error ("Call %d: the error came after %.1f s", nth, (double) (g_get_monotonic_time () - begin) / G_USEC_PER_SEC);
      end_engine (engine);
      n_calls = fail_vfs_disarm ();

      g_assert_true (ok == (error == NULL));
      if (!ok)
        {
          n_failed++;
          g_assert_true (error->domain == CUPEL_ERROR);
          if (error->code == CUPEL_ERROR_FAILED || error->code == CUPEL_ERROR_INTERNAL || error->code == CUPEL_ERROR_PROGRAMMING)
            g_error ("Call %d: error %d: %s", nth, error->code, error->message);
          g_assert_cmpuint (strlen (error->message), >, 5);
        }
      assert_integrity (f);
      n_rows = query_directly (f, "SELECT count(*) FROM t");
      /* A COMMIT that failed may have reached the file. */
      if (n_rows != 3 && (ok || n_rows != 1))
        g_error ("Call %d: %d rows after %s", nth, n_rows, ok ? "success" : error->message);

      /* The same file works again. */
      engine = make_engine (f, "");
      g_clear_error (&error);
      cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, &error);
      g_assert_no_error (error);
      end_engine (engine);
      if (n_calls < nth)
        break;
    }
  g_test_message ("%u of the calls failed", n_failed);
  g_assert_cmpuint (n_failed, >, scale (10, 0));
}

static gboolean
test_io_once (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  sweep_io (data, FALSE);
  return TRUE;
}

static gboolean
test_io_lasting (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  sweep_io (data, TRUE);
  return TRUE;
}

/* The child's part: holds the lock until it is told to let go of it. */
static int
hold (const char *path)
{
  sqlite3 *db;
  char byte;

  if (sqlite3_open (path, &db) != SQLITE_OK || sqlite3_exec (db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK)
    return 1;
  if (write (STDOUT_FILENO, "held\n", 5) != 5)
    return 1;
  if (read (STDIN_FILENO, &byte, 1) < 0)
    return 1;
  sqlite3_exec (db, "INSERT INTO t (data) VALUES ('of another process'); COMMIT", NULL, NULL, NULL);
  sqlite3_close (db);
  return 0;
}

static GSubprocess *
start_holder (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  GSubprocess *process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error,
                                           self_path, "--hold", f->path, NULL);
  char line[5];

  g_assert_no_error (error);
  g_input_stream_read_all (g_subprocess_get_stdout_pipe (process), line, sizeof line, NULL, NULL, &error);
  g_assert_no_error (error);
  return process;
}

typedef struct
{
  GSubprocess *holder;
  gboolean     over;
} Release;

static void
release (Release *self)
{
  self->over = TRUE;
  g_assert_true (g_output_stream_close (g_subprocess_get_stdin_pipe (self->holder), NULL, NULL));
}

static void
release_later (gpointer data)
{
  cupel_fiber_sleep (300 * 1000, NULL, NULL);
  release (data);
}

/* Another process has the lock: it is waited for, as long as busy_timeout says, and no longer. */
static gboolean
test_locked (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(GSubprocess) holder = NULL;
  g_autoptr(GError) local = NULL;
  Release way = { NULL };
  CupelEngine *engine;
  gint64 begin;

  make_table (f);
  engine = make_engine (f, "?busy_timeout=60000");
  way.holder = holder = start_holder (f);
  cupel_fiber_spawn (NULL, release_later, &way, NULL);
  g_assert_true (cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, error));
  g_assert_true (way.over);
  g_subprocess_wait (holder, NULL, error);
  end_engine (engine);
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t"), ==, 4);

  g_clear_object (&holder);
  way.holder = holder = start_holder (f);
  engine = make_engine (f, "?busy_timeout=100");
  begin = g_get_monotonic_time ();
  g_assert_false (cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, &local));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (100));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_true (cupel_error_is_retryable (local));
  g_assert_cmpint (cupel_error_get_category (local), ==, CUPEL_ERROR_CATEGORY_RETRY);
  g_assert_nonnull (strstr (local->message, "locked"));
  release (&way);
  g_subprocess_wait (holder, NULL, error);
  /* And then it goes. */
  g_assert_true (cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, error));
  end_engine (engine);
  assert_integrity (f);
  return TRUE;
}

/* A transaction that has read and then writes, after another has written: waiting would not help. */
static gboolean
test_snapshot (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  Fixture *f = data;
  CupelEngine *engine;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(GError) local = NULL;
  gint64 begin;

  make_table (f);
  engine = make_engine (f, "?busy_timeout=120000");
  connection = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (connection);
  g_assert_true (run_sql (connection, "SELECT count(*) FROM t", error));
  g_assert_true (cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, error));
  begin = g_get_monotonic_time ();
  g_assert_false (run_sql (connection, "INSERT INTO t (data) VALUES ('late')", &local));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (0));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION);
  g_assert_cmpint (cupel_error_get_category (local), ==, CUPEL_ERROR_CATEGORY_RETRY);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  g_assert_true (run_sql (connection, "INSERT INTO t (data) VALUES ('again')", error));
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  g_assert_true (cupel_connection_close (connection, NULL, error));
  end_engine (engine);
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t"), ==, 4);
  return TRUE;
}

typedef struct
{
  CupelEngine *engine;
  gint64       end;
  gboolean     writes;
  guint       *n_done;
} Crowd;

static gboolean
run_crowd (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  static const char *const reads[] = { "SELECT count(*), max(data) FROM t", NULL };
  Crowd *crowd = data;

  do
    {
      if (!cupel_engine_begin (crowd->engine, run_list, (gpointer) (crowd->writes ? insert : reads), NULL, error))
        return FALSE;
      ++*crowd->n_done;
    }
  while (g_get_monotonic_time () < crowd->end);
  return TRUE;
}

/* Fifty write and fifty read: nobody hears that the database is locked. */
static gboolean
test_crowd (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Fixture *f = data;
  const guint n = scale (50, 8);
  guint n_writes = 0, n_reads = 0;
  g_autoptr(CupelTaskGroup) group = NULL;
  CupelEngine *engine;

  make_table (f);
  engine = make_engine (f, "?busy_timeout=60000");
  g_object_set (engine, "pool-size", 2 * n, "max-overflow", 0, NULL);
  group = cupel_task_group_new (NULL);
  for (guint i = 0; i < 2 * n; i++)
    {
      Crowd *crowd = g_new (Crowd, 1);

      *crowd = (Crowd) { engine, g_get_monotonic_time () + 3 * G_USEC_PER_SEC, i % 2 == 0, i % 2 == 0 ? &n_writes : &n_reads };
      cupel_task_group_spawn (group, run_crowd, crowd, g_free);
    }
  if (!cupel_task_group_join (group, error))
    g_error ("%s", (*error)->message);
  end_engine (engine);
  g_test_message ("%u transactions that write, %u that read", n_writes, n_reads);
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t"), ==, (int) (1 + 2 * n_writes));
  assert_integrity (f);
  return TRUE;
}

/* What is done at once takes too long to be done there: only what was not done is left to the worker. SQLite looks at the clock once in
 * some hundred runs of so short a statement as COMMIT, and after it. */
static gboolean
test_late (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  static const char *const reads[] = { "SELECT count(*) FROM t", NULL };
  Fixture *f = data;
  CupelEngine *engine;
  g_autoptr(CupelConnection) connection = NULL;
  const guint n = scale (1200, 600);

  make_table (f);
  engine = make_engine (f, "");
  connection = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (connection);
  fail_vfs_delay (500);
  for (guint i = 0; i < n; i++)
    {
      g_assert_true (run_list (connection, (gpointer) reads, NULL, error));
      cupel_connection_commit (connection, NULL, error);
      g_assert_no_error (*error);
      g_assert_false (cupel_connection_in_transaction (connection));
    }
  fail_vfs_delay (0);
  g_assert_true (cupel_connection_close (connection, NULL, error));
  end_engine (engine);
  assert_integrity (f);
  return TRUE;
}

/* Disk full: the transaction is rolled back and the connection goes on. */
static gboolean
test_full (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Fixture *f = data;
  CupelEngine *engine;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(GError) local = NULL;
  guint n = 0;

  make_table (f);
  engine = make_engine (f, "");
  connection = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (connection);
  g_assert_true (run_sql (connection, "PRAGMA max_page_count = 20", error));
  while (run_sql (connection, "INSERT INTO t (data) VALUES (hex(zeroblob(4000)))", &local))
    g_assert_cmpuint (++n, <, 100);
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_cmpint (cupel_error_get_category (local), ==, CUPEL_ERROR_CATEGORY_FULL);
  g_assert_false (cupel_error_is_disconnect (local));
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  g_assert_true (run_sql (connection, "INSERT INTO t (data) VALUES ('small')", error));
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  g_assert_true (cupel_connection_close (connection, NULL, error));
  end_engine (engine);
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t"), ==, 2);
  assert_integrity (f);
  return TRUE;
}

/* Its file goes away while it is open: no crash, no hang, and who comes later finds a new database. */
static gboolean
test_removed (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  CupelEngine *engine;
  CupelEngine *later;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(GError) local = NULL;

  make_table (f);
  engine = make_engine (f, "");
  connection = cupel_engine_connect (engine, NULL, error);
  g_assert_true (run_sql (connection, "SELECT count(*) FROM t", error));
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  g_unlink (f->path);
  if (!run_sql (connection, "INSERT INTO t (data) VALUES ('into nowhere')", &local))
    g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&local);
  cupel_connection_rollback (connection, NULL, NULL);
  g_assert_true (cupel_connection_close (connection, NULL, error));
  end_engine (engine);

  later = make_engine (f, "");
  g_assert_false (cupel_engine_begin (later, run_list, (gpointer) insert, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  end_engine (later);
  return TRUE;
}

static void
write_over (Fixture    *f,
            goffset     offset,
            gsize       length)
{
  FILE *file = fopen (f->path, "r+b");

  g_assert_nonnull (file);
  fseek (file, (long) offset, SEEK_SET);
  for (gsize i = 0; i < length; i++)
    fputc ((int) ((i * 31 + 7) & 0xff), file);
  fclose (file);
}

/* Bytes that are no database, or pages that are none */
static gboolean
test_corrupt (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  static const char *const fill[] = { "CREATE TABLE t (id INTEGER PRIMARY KEY, data TEXT)", "CREATE INDEX t_data ON t (data)",
                                      "INSERT INTO t (data) SELECT hex(randomblob(100)) FROM "
                                      "(WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i FROM n)",
                                      NULL };
  static const char *const look[] = { "SELECT count(*), max(length(data)), sum(id) FROM t WHERE data > ''",
                                      "UPDATE t SET data = data || 'x'", NULL };
  const struct { goffset offset; gsize length; } wounds[] = { { 0, 100 }, { 4096, 4096 }, { 8192, 16384 }, { 100, 8 } };

  for (guint i = 0; i < G_N_ELEMENTS (wounds); i++)
    {
      g_autoptr(GError) local = NULL;
      CupelEngine *engine;

      tear_down (f, NULL);
      set_up (f, NULL);
      engine = make_engine (f, "?journal_mode=delete");
      g_assert_true (cupel_engine_begin (engine, run_list, (gpointer) fill, NULL, error));
      end_engine (engine);
      write_over (f, wounds[i].offset, wounds[i].length);

      engine = make_engine (f, "?journal_mode=delete");
      if (cupel_engine_begin (engine, run_list, (gpointer) look, NULL, &local))
        g_error ("Bytes from %d on are wrong and nobody noticed", (int) wounds[i].offset);
      if (!g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL) && !g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION))
        g_error ("Bytes from %d on: error %d: %s", (int) wounds[i].offset, local->code, local->message);
      end_engine (engine);
    }
  return TRUE;
}

/* The child's part: writes and is gone, without a good-bye. */
static int
crash (const char *path)
{
  sqlite3 *db;

  if (sqlite3_open (path, &db) != SQLITE_OK ||
      sqlite3_exec (db, "PRAGMA journal_mode=WAL; INSERT INTO t (data) VALUES ('committed'); BEGIN; "
                    "INSERT INTO t (data) VALUES ('not committed')", NULL, NULL, NULL) != SQLITE_OK)
    return 1;
  _exit (0);
}

static gboolean
test_left_wal (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  Fixture *f = data;
  g_autofree char *wal = g_strconcat (f->path, "-wal", NULL);
  g_autoptr(GSubprocess) child = NULL;
  CupelEngine *engine;

  make_table (f);
  child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, error, self_path, "--crash", f->path, NULL);
  g_assert_nonnull (child);
  g_assert_true (g_subprocess_wait_check (child, NULL, error));
  g_assert_true (g_file_test (wal, G_FILE_TEST_EXISTS));
  engine = make_engine (f, "");
  g_assert_true (cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, error));
  end_engine (engine);
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t WHERE data = 'committed'"), ==, 1);
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t"), ==, 4);
  assert_integrity (f);
  return TRUE;
}

/* A database that this process may read and not write, and a folder */
static gboolean
test_read_only (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  g_autoptr(GError) local = NULL;
  g_autofree char *nowhere = g_strconcat ("sqlite:///", folder, "/no-such-folder/x.db", NULL);
  g_autofree char *a_folder = g_strconcat ("sqlite:///", folder, NULL);
  const char *const urls[] = { nowhere, a_folder };
  CupelEngine *engine;
  g_autoptr(CupelConnection) connection = NULL;

  make_table (f);
  engine = make_engine (f, "?mode=ro");
  connection = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (connection);
  g_assert_true (run_sql (connection, "SELECT count(*) FROM t", error));
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  g_assert_false (run_sql (connection, "INSERT INTO t (data) VALUES ('no')", &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_nonnull (strstr (local->message, "readonly"));
  g_clear_error (&local);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  g_assert_true (run_sql (connection, "SELECT count(*) FROM t", error));
  g_assert_true (cupel_connection_close (connection, NULL, error));
  end_engine (engine);

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++)
    {
      engine = cupel_engine_new (urls[i], error);
      g_assert_nonnull (engine);
      g_assert_null (cupel_engine_connect (engine, NULL, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
      g_clear_error (&local);
      end_engine (engine);
    }
  return TRUE;
}

/* The child's part, as a user without the right to write: 0 is what is expected. */
static gboolean
write_as_nobody (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  g_autoptr(GError) local = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new (data, error);
  g_autoptr(CupelEngine) memory = cupel_engine_new ("sqlite://", error);
  g_autoptr(CupelConnection) warm = NULL;

  /* The modules are where another user may not look. */
  if (engine == NULL || memory == NULL || (warm = cupel_engine_connect (memory, NULL, error)) == NULL)
    return FALSE;
  cupel_connection_close (warm, NULL, NULL);
  cupel_engine_dispose (memory, NULL, NULL);
  if (geteuid () == 0 && (setgid (65534) != 0 || setuid (65534) != 0))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_FAILED, "setuid failed");
      return FALSE;
    }
  if (cupel_engine_begin (engine, run_list, (gpointer) insert, NULL, &local))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_FAILED, "It was written");
      return FALSE;
    }
  cupel_engine_dispose (engine, NULL, NULL);
  if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL) || g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
test_permissions (gpointer       data,
                  GCancellable  *cancellable,
                  GError       **error)
{
  Fixture *f = data;

  make_table (f);
  g_chmod (f->path, 0444);
  g_chmod (folder, 0555);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GSubprocess) child = g_subprocess_new (G_SUBPROCESS_FLAGS_NONE, error, self_path, "--nobody", f->url, NULL);
      gboolean ok = child != NULL && g_subprocess_wait_check (child, NULL, error);

      /* Then the file may be written and its folder not. */
      g_chmod (f->path, 0666);
      if (i == 1 || !ok)
        g_chmod (folder, 0700);
      g_assert_true (ok);
    }
  g_assert_cmpint (query_directly (f, "SELECT count(*) FROM t"), ==, 1);
  assert_integrity (f);
  return TRUE;
}

static gboolean
on_cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* A cancel that comes when the statement has just ended must not stop the next one. */
static gboolean
test_interrupt_race (gpointer       data,
                     GCancellable  *cancellable,
                     GError       **error)
{
  Fixture *f = data;
  CupelEngine *engine = make_engine (f, "");
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, error);
  GRand *random = g_rand_new_with_seed (5);
  guint n_cancelled = 0;

  g_assert_nonnull (connection);
  for (guint i = 0; i < scale (10000, 500); i++)
    {
      g_autoptr(GCancellable) mine = g_cancellable_new ();
      g_autoptr(GSource) source = g_timeout_source_new (0);
      g_autoptr(GError) local = NULL;
      g_autoptr(CupelResult) result = NULL;

      g_source_set_ready_time (source, g_get_monotonic_time () + g_rand_int_range (random, 0, 150));
      g_source_set_callback (source, on_cancel, mine, NULL);
      g_source_attach (source, g_main_context_get_thread_default ());
      result = fault_execute (connection, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
                              "SELECT count(*) FROM n", mine, &local);
      g_source_destroy (source);
      if (result == NULL)
        {
          g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
      else
        {
          g_assert_true (cupel_result_step (result));
          g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, 300);
        }
      if (cupel_connection_is_invalidated (connection))
        {
          cupel_connection_close (connection, NULL, NULL);
          g_object_unref (connection);
          connection = cupel_engine_connect (engine, NULL, error);
          g_assert_nonnull (connection);
        }
      if (!fault_tagged_query (connection, random, NULL, error))
        g_error ("After %u: %s", i, (*error)->message);
      cupel_connection_rollback (connection, NULL, NULL);
    }
  g_test_message ("%u were cancelled", n_cancelled);
  cupel_connection_close (connection, NULL, NULL);
  end_engine (engine);
  g_rand_free (random);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GError) error = NULL;
  int status;

  if (argc == 3 && strcmp (argv[1], "--hold") == 0)
    return hold (argv[2]);
  if (argc == 3 && strcmp (argv[1], "--crash") == 0)
    return crash (argv[2]);
  if (argc == 3 && strcmp (argv[1], "--nobody") == 0)
    {
      if (!cupel_run (write_as_nobody, argv[2], NULL, &error))
        g_printerr ("%s\n", error->message);
      return error != NULL;
    }

  g_test_init (&argc, &argv, NULL);
  self_path = argv[0];
  folder = g_dir_make_tmp ("cupel-faults-XXXXXX", &error);
  g_assert_no_error (error);
  fail_vfs_install ();

#define TEST(name) g_test_add ("/sqlite-faults/" #name, Fixture, test_##name, set_up, in_fiber, tear_down)
  TEST (io_once);
  TEST (io_lasting);
  TEST (locked);
  TEST (snapshot);
  TEST (crowd);
  TEST (late);
  TEST (full);
  TEST (removed);
  TEST (corrupt);
  TEST (left_wal);
  TEST (read_only);
  TEST (permissions);
  TEST (interrupt_race);
  status = g_test_run ();

  g_rmdir (folder);
  g_free (folder);
  return status;
}
