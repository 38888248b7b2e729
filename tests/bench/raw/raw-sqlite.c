/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What SQLite can do at best: hand-written C without a library between. Strings go to an arena, rows to a vector. */

#include <stdlib.h>
#include <string.h>

#include "raw-sqlite.h"

void
raw_must (int      code,
          sqlite3 *db)
{
  if (code != SQLITE_OK && code != SQLITE_DONE && code != SQLITE_ROW)
    g_error ("%s", sqlite3_errmsg (db));
}

static sqlite3 *
open_file (const char *file)
{
  sqlite3 *db;

  raw_must (sqlite3_open_v2 (file, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), db);
  raw_must (sqlite3_exec (db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON", NULL, NULL, NULL), db);
  return db;
}

sqlite3_stmt *
raw_prepare (sqlite3    *db,
             const char *sql)
{
  sqlite3_stmt *statement;

  raw_must (sqlite3_prepare_v3 (db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), db);
  return statement;
}

void
raw_step_done (sqlite3_stmt *statement)
{
  if (sqlite3_step (statement) != SQLITE_DONE)
    g_error ("%s", sqlite3_errmsg (sqlite3_db_handle (statement)));
  sqlite3_reset (statement);
}

static inline void
read_a (sqlite3_stmt *statement,
        RawArena     *arena,
        RawA         *row)
{
  row->id = sqlite3_column_int64 (statement, 0);
  row->data = raw_arena_add (arena, (const char *) sqlite3_column_text (statement, 1), sqlite3_column_bytes (statement, 1));
  row->create_date = raw_parse_time ((const char *) sqlite3_column_text (statement, 2));
}

static void
load (sqlite3_stmt *statement,
      RawRows      *rows)
{
  while (sqlite3_step (statement) == SQLITE_ROW)
    read_a (statement, &rows->arena, raw_rows_add (rows));
  sqlite3_reset (statement);
}

static gboolean
w1 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  sqlite3_stmt *statement = raw_prepare (raw->db, "SELECT id, data, create_date FROM bench_100k");

  bench_start (bench);
  load (statement, &rows);
  bench_stop (bench);

  sqlite3_finalize (statement);
  return raw_rows_check (&rows, bench, BENCH_ROWS);
}

static gboolean
w2 (Bench    *bench,
    gpointer  data)
{
  enum { CHUNK = 500 };
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  g_auto(RawChildren) children = { 0 };
  g_autoptr(GString) sql = g_string_new ("SELECT a_id, id, data FROM bench_b WHERE a_id IN (?");
  sqlite3_stmt *parents = raw_prepare (raw->db, "SELECT id, data, create_date FROM bench_a");
  sqlite3_stmt *statement;
  gint64 sum = 0;

  for (guint i = 1; i < CHUNK; i++)
    g_string_append (sql, ",?");
  g_string_append (sql, ")");
  statement = raw_prepare (raw->db, sql->str);

  bench_start (bench);
  load (parents, &rows);
  raw_children_set_parents (&children, &rows);
  for (guint first = 0; first < rows.n; first += CHUNK)
    {
      for (guint i = 0; i < CHUNK; i++)
        if (first + i < rows.n)
          sqlite3_bind_int64 (statement, (int) i + 1, rows.rows[first + i].id);
        else
          sqlite3_bind_null (statement, (int) i + 1);
      while (sqlite3_step (statement) == SQLITE_ROW)
        raw_children_add (&children, sqlite3_column_int64 (statement, 0), sqlite3_column_int64 (statement, 1),
                          (const char *) sqlite3_column_text (statement, 2), sqlite3_column_bytes (statement, 2));
      sqlite3_reset (statement);
    }
  sum = raw_children_sum (&children, &rows);
  bench_stop (bench);

  sqlite3_finalize (parents);
  sqlite3_finalize (statement);
  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS * BENCH_CHILDREN));
}

/* W3: a thread reads blocks, the caller uses them; two blocks at a time. */

typedef struct
{
  Raw         *raw;
  GAsyncQueue *filled;
  GAsyncQueue *empty;
} Stream;

static gpointer
stream_thread (gpointer data)
{
  Stream *stream = data;
  sqlite3 *db = open_file (stream->raw->file);
  sqlite3_stmt *statement = raw_prepare (db, "SELECT id, data, create_date FROM bench_1m");
  gboolean more = TRUE;

  while (more)
    {
      RawRows *rows = g_async_queue_pop (stream->empty);

      raw_rows_reset (rows);
      while (rows->n < RAW_BLOCK && (more = sqlite3_step (statement) == SQLITE_ROW))
        read_a (statement, &rows->arena, raw_rows_add (rows));
      g_async_queue_push (stream->filled, rows);
    }
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return NULL;
}

static gboolean
w3 (Bench    *bench,
    gpointer  data)
{
  g_autoptr(GAsyncQueue) filled = g_async_queue_new ();
  g_autoptr(GAsyncQueue) empty = g_async_queue_new ();
  Stream stream = { data, filled, empty };
  RawRows blocks[2] = { 0 };
  RawSums sums = { 0 };
  RawRows *rows;
  gboolean more;
  GThread *thread;

  bench_mark_memory (bench);
  bench_start (bench);
  g_async_queue_push (empty, &blocks[0]);
  g_async_queue_push (empty, &blocks[1]);
  thread = g_thread_new ("reader", stream_thread, &stream);
  do
    {
      rows = g_async_queue_pop (filled);
      more = rows->n == RAW_BLOCK;
      raw_sums_add (&sums, rows);
      g_async_queue_push (empty, rows);
    }
  while (more);
  g_thread_join (thread);
  bench_stop (bench);

  raw_rows_clear (&blocks[0]);
  raw_rows_clear (&blocks[1]);
  return raw_sums_check (&sums, bench, BENCH_ROWS_LARGE);
}

static void
empty_tables (Raw *raw)
{
  raw_must (sqlite3_exec (raw->db, "DELETE FROM bench_wb; DELETE FROM bench_wa", NULL, NULL, NULL), raw->db);
}

static gint64
query_int64 (Raw        *raw,
             const char *sql)
{
  sqlite3_stmt *statement = raw_prepare (raw->db, sql);
  gint64 value;

  sqlite3_step (statement);
  value = sqlite3_column_int64 (statement, 0);
  sqlite3_finalize (statement);
  return value;
}

static gboolean
w4 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  sqlite3_stmt *insert_a, *insert_b;
  g_autofree gint64 *ids = g_new0 (gint64, BENCH_PARENTS * (1 + BENCH_CHILDREN));
  gint64 *id = ids;

  empty_tables (raw);
  insert_a = raw_prepare (raw->db, "INSERT INTO bench_wa (data) VALUES (?)");
  insert_b = raw_prepare (raw->db, "INSERT INTO bench_wb (a_id, data) VALUES (?, ?)");

  bench_start (bench);
  raw_must (sqlite3_exec (raw->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), raw->db);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      char text[32];

      sqlite3_bind_text (insert_a, 1, text, bench_data (text, i), SQLITE_STATIC);
      raw_step_done (insert_a);
      *id++ = sqlite3_last_insert_rowid (raw->db);
    }
  for (guint i = 1; i <= BENCH_PARENTS * BENCH_CHILDREN; i++)
    {
      char text[32];

      sqlite3_bind_int64 (insert_b, 1, ids[(i - 1) / BENCH_CHILDREN]);
      sqlite3_bind_text (insert_b, 2, text, bench_data (text, i), SQLITE_STATIC);
      raw_step_done (insert_b);
      *id++ = sqlite3_last_insert_rowid (raw->db);
    }
  raw_must (sqlite3_exec (raw->db, "COMMIT", NULL, NULL, NULL), raw->db);
  bench_stop (bench);

  sqlite3_finalize (insert_a);
  sqlite3_finalize (insert_b);
  return bench_check_families (bench, query_int64 (raw, BENCH_COUNT_FAMILIES));
}

static gboolean
w5 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  sqlite3_stmt *statement = raw_prepare (raw->db, "SELECT id, data, create_date FROM bench_a WHERE id = ?");
  g_auto(RawRows) rows = { 0 };   /* all that were read, as one who wants them keeps them */
  gint64 sum = 0;

  bench_start (bench);
  raw_must (sqlite3_exec (raw->db, "BEGIN", NULL, NULL, NULL), raw->db);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      sqlite3_bind_int64 (statement, 1, i);
      load (statement, &rows);
      sum += rows.rows[rows.n - 1].id;
    }
  raw_must (sqlite3_exec (raw->db, "COMMIT", NULL, NULL, NULL), raw->db);
  bench_stop (bench);

  sqlite3_finalize (statement);
  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS));
}

static gboolean
w6 (Bench    *bench,
    gpointer  data)
{
  static guint generation;
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  sqlite3_stmt *select = raw_prepare (raw->db, "SELECT id, data, create_date FROM bench_u");
  sqlite3_stmt *update = raw_prepare (raw->db, "UPDATE bench_u SET data = ? WHERE id = ?");

  generation++;
  bench_start (bench);
  raw_must (sqlite3_exec (raw->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), raw->db);
  load (select, &rows);
  for (guint i = 0; i < rows.n; i++)
    {
      char text[48];

      sqlite3_bind_text (update, 1, text, bench_new_data (text, generation, rows.rows[i].id), SQLITE_STATIC);
      sqlite3_bind_int64 (update, 2, rows.rows[i].id);
      raw_step_done (update);
    }
  raw_must (sqlite3_exec (raw->db, "COMMIT", NULL, NULL, NULL), raw->db);
  bench_stop (bench);

  sqlite3_finalize (select);
  sqlite3_finalize (update);
  {
    g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = 'new ' || %u || ' ' || id", generation);

    return bench_check_changes (bench, query_int64 (raw, sql));
  }
}

/* W7 and W7T: a thread for each connection, the tasks queue for them. One thread for all takes longer: it has to ask the system for each
 * lock of the file, where threads find that another one has it. */

typedef struct
{
  guint   number;
  guint   done;
  gint64  ready;
  gint64 *latencies;
} Task;

typedef struct
{
  sqlite3     *db;
  gboolean     in_transaction;
  GAsyncQueue *queue;
  gint        *left;
  gint64       sum;
} Worker;

static gpointer
worker_thread (gpointer data)
{
  Worker *worker = data;
  g_auto(RawRows) rows = { 0 };   /* all that were read, as one who wants them keeps them */
  sqlite3_stmt *statement = raw_prepare (worker->db, "SELECT id, data, create_date FROM bench_a WHERE id = ?");
  sqlite3_stmt *begin = raw_prepare (worker->db, "BEGIN");
  sqlite3_stmt *rollback = raw_prepare (worker->db, "ROLLBACK");

  while (g_atomic_int_get (worker->left) > 0)
    {
      Task *task = g_async_queue_timeout_pop (worker->queue, 1000);
      gint64 now;

      if (task == NULL)
        continue;
      if (worker->in_transaction)
        raw_step_done (begin);
      sqlite3_bind_int64 (statement, 1, BENCH_KEY (task->number, task->done));
      load (statement, &rows);
      if (worker->in_transaction)
        raw_step_done (rollback);
      worker->sum += rows.rows[rows.n - 1].id;
      now = g_get_monotonic_time ();
      task->latencies[task->done++] = now - task->ready;
      task->ready = now;
      if (task->done < BENCH_TASK_OPS)
        g_async_queue_push (worker->queue, task);
      else
        (void) g_atomic_int_add (worker->left, -1);
    }
  sqlite3_finalize (statement);
  sqlite3_finalize (begin);
  sqlite3_finalize (rollback);
  return NULL;
}

static gboolean
lease (Bench    *bench,
       Raw      *raw,
       gboolean  in_transaction)
{
  g_autoptr(GAsyncQueue) queue = g_async_queue_new ();
  Worker workers[BENCH_CONNECTIONS];
  GThread *threads[BENCH_CONNECTIONS];
  Task tasks[BENCH_TASKS];
  int left = BENCH_TASKS;
  gint64 sum = 0, expected = 0;

  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    workers[i] = (Worker) { open_file (raw->file), in_transaction, queue, &left, 0 };

  bench_start (bench);
  for (guint i = 0; i < BENCH_TASKS; i++)
    {
      tasks[i] = (Task) { i, 0, g_get_monotonic_time (), g_new (gint64, BENCH_TASK_OPS) };
      g_async_queue_push (queue, &tasks[i]);
    }
  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    threads[i] = g_thread_new ("worker", worker_thread, &workers[i]);
  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    g_thread_join (threads[i]);
  bench_stop (bench);

  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    {
      sum += workers[i].sum;
      sqlite3_close (workers[i].db);
    }
  for (guint i = 0; i < BENCH_TASKS; i++)
    {
      for (guint k = 0; k < BENCH_TASK_OPS; k++)
        {
          bench_latency (bench, tasks[i].latencies[k]);
          expected += BENCH_KEY (i, k);
        }
      g_free (tasks[i].latencies);
    }
  return bench_check (bench, "sum of ids", sum, expected);
}

static gboolean
w7 (Bench    *bench,
    gpointer  data)
{
  return lease (bench, data, FALSE);
}

static gboolean
w7t (Bench    *bench,
     gpointer  data)
{
  return lease (bench, data, TRUE);
}

static gboolean
w8 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  sqlite3_stmt *insert;

  empty_tables (raw);
  insert = raw_prepare (raw->db, "INSERT INTO bench_wa (data) VALUES (?)");
  bench_start (bench);
  raw_must (sqlite3_exec (raw->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), raw->db);
  for (guint i = 1; i <= BENCH_ROWS; i++)
    {
      char text[32];

      sqlite3_bind_text (insert, 1, text, bench_data (text, i), SQLITE_STATIC);
      raw_step_done (insert);
    }
  raw_must (sqlite3_exec (raw->db, "COMMIT", NULL, NULL, NULL), raw->db);
  bench_stop (bench);

  sqlite3_finalize (insert);
  return bench_check_texts (bench, query_int64 (raw, BENCH_SUM_LENGTHS));
}

static gboolean
w9 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  sqlite3_stmt *statement = raw_prepare (raw->db, "SELECT id, data, create_date FROM bench_100k");
  RawSums sums = { 0 };

  bench_start (bench);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      sums.n++;
      sums.ids += sqlite3_column_int64 (statement, 0);
      /* As one who does not trust the length would */
      sums.lengths += (gint64) strlen ((const char *) sqlite3_column_text (statement, 1));
      sums.seconds += raw_parse_time ((const char *) sqlite3_column_text (statement, 2)) / G_USEC_PER_SEC;
    }
  bench_stop (bench);

  sqlite3_finalize (statement);
  return raw_sums_check (&sums, bench, BENCH_ROWS);
}

static const BenchCase cases[] = {
  { "W1", w1 },
  { "W2", w2 },
  { "W3", w3 },
  { "W4", w4 },
  { "W5", w5 },
  { "W6", w6 },
  { "W7", w7 },
  { "W7T", w7t },
  { "W8", w8 },
  { "W9", w9 },
  { NULL }
};

int
main (int    argc,
      char **argv)
{
  Raw raw = { 0 };
  int status;

  if (argc < 3 || !g_str_has_prefix (argv[1], "sqlite:///"))
    {
      g_printerr ("usage: raw-sqlite sqlite:///FILE CASE [REPETITIONS]\n");
      return EXIT_FAILURE;
    }
  raw.file = argv[1] + strlen ("sqlite:///");
  raw.db = open_file (raw.file);
  status = bench_run ("raw", argc, argv, (const BenchCase *[]) { cases, raw_sqlite_suites, NULL }, &raw);
  sqlite3_close (raw.db);
  return status;
}
