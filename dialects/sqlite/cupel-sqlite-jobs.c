/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-jobs.h"
#include "cupel-sqlite-decode.h"
#include "cupel-sqlite-error.h"
#include "cupel-sqlite-returning.h"

#define DEFAULT_BLOCK_ROWS 1000
#define FIRST_RESERVE      4
/* The sooner the first block is there, the sooner both threads have something to do. */
#define FIRST_BLOCKWISE    128
/* What may wait in memory of a stream because something else is to be written. */
#define MAX_WAITING_BYTES  (64 * 1024 * 1024)

/* From so many sets on it pays to ask what RETURNING can be done without. */
#define MANY_RETURNING 100

/* Steps until @max_rows rows are decoded or the end. @block stays NULL when there is no row. */
static gboolean
step_block (CupelSqliteConnection  *connection,
            CupelSqliteStatement   *statement,
            guint                   reserve,
            guint                   max_rows,
            CupelRowBlock         **block,
            gboolean               *at_end,
            GError                **error)
{
  g_autoptr(CupelRowBlock) rows = NULL;
  int code;

  *at_end = FALSE;
  while ((code = sqlite3_step (statement->handle)) == SQLITE_ROW)
    {
      if (rows == NULL)
        {
          cupel_sqlite_statement_check_plan (statement);
          rows = cupel_row_block_new (statement->n_columns, reserve);
        }
      if (G_UNLIKELY (!cupel_sqlite_decode_row (statement, rows)))
        {
          g_propagate_error (error, cupel_sqlite_error_new (SQLITE_NOMEM, NULL));
          return FALSE;
        }
      if (rows->n_rows >= max_rows)
        {
          *block = g_steal_pointer (&rows);
          return TRUE;
        }
    }

  if (code != SQLITE_DONE)
    return cupel_sqlite_connection_fail (connection, error);
  *at_end = TRUE;
  *block = g_steal_pointer (&rows);
  return TRUE;
}

static guint
get_block_rows (const CupelRequest *request)
{
  return request->block_rows > 0 ? request->block_rows : DEFAULT_BLOCK_ROWS;
}

/* Names that the compiled statement does not know: those of a text. After the first step, which may have met another schema. */
static void
describe (CupelSqliteStatement *statement,
          CupelReply           *reply)
{
  const CupelCompiled *compiled = statement->compiled;

  reply->n_columns = statement->n_columns;
  if (statement->n_columns > 0 && (compiled->kind == CUPEL_COMPILED_TEXT || compiled->n_columns != statement->n_columns))
    reply->column_names = cupel_sqlite_statement_dup_names (statement);
}

static gboolean
execute_once (CupelSqliteConnection  *connection,
              CupelSqliteStatement   *statement,
              CupelSqliteJob         *job,
              GError                **error)
{
  CupelReply *reply = &job->reply;
  guint block_rows = get_block_rows (&job->request);
  guint reserve = FIRST_RESERVE;
  gboolean at_end = FALSE;

  if (statement->inserts)
    sqlite3_set_last_insert_rowid (connection->db, 0);

  while (!at_end)
    {
      CupelRowBlock *block = NULL;

      if (!step_block (connection, statement, MIN (reserve, block_rows), block_rows, &block, &at_end, error))
        return FALSE;
      reserve = block_rows;
      if (block == NULL)
        continue;
      if (reply->blocks == NULL)
        reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
      g_ptr_array_add (reply->blocks, block);
    }

  cupel_sqlite_statement_check_plan (statement);
  describe (statement, reply);
  if (statement->n_columns > 0 && reply->blocks == NULL)
    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  if (statement->counts)
    reply->row_count = sqlite3_changes64 (connection->db);
  if (statement->inserts)
    reply->last_insert_id = sqlite3_last_insert_rowid (connection->db);
  return TRUE;
}

/* Where the row of the next set of a many execution goes: the last block while it has room. */
static CupelRowBlock *
get_block (CupelSqliteStatement *statement,
           CupelSqliteJob       *job,
           guint                 set,
           guint                 block_rows)
{
  GPtrArray *blocks = job->reply.blocks;
  CupelRowBlock *block;

  if (blocks == NULL)
    {
      cupel_sqlite_statement_check_plan (statement);
      blocks = job->reply.blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
    }
  block = blocks->len > 0 ? g_ptr_array_index (blocks, blocks->len - 1) : NULL;
  if (block == NULL || block->n_rows >= block_rows)
    {
      block = cupel_row_block_new (statement->n_columns, MIN (block_rows, job->request.n_sets - set));
      g_ptr_array_add (blocks, block);
    }
  return block;
}

static gboolean
check_one_row (CupelSqliteJob  *job,
               guint            set,
               guint            n_rows,
               GError         **error)
{
  if (n_rows == 1)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
               "Set %u of %u returned %u rows: a statement that is executed with many sets returns one row for each",
               set + 1, job->request.n_sets, n_rows);
  return FALSE;
}

/* One set of a many execution. */
static gboolean
execute_set (CupelSqliteConnection  *connection,
             CupelSqliteStatement   *statement,
             CupelSqliteJob         *job,
             guint                   set,
             guint                   block_rows,
             GError                **error)
{
  guint n_rows = 0;
  int code;

  while ((code = sqlite3_step (statement->handle)) == SQLITE_ROW)
    {
      if (G_UNLIKELY (!cupel_sqlite_decode_row (statement, get_block (statement, job, set, block_rows))))
        {
          g_propagate_error (error, cupel_sqlite_error_new (SQLITE_NOMEM, NULL));
          return FALSE;
        }
      n_rows++;
    }

  if (code != SQLITE_DONE)
    return cupel_sqlite_connection_fail (connection, error);
  return statement->n_columns == 0 || check_one_row (job, set, n_rows, error);
}

/* The same in two steps. */
static gboolean
execute_and_read (CupelSqliteConnection  *connection,
                  CupelSqliteReturning   *returning,
                  CupelSqliteJob         *job,
                  guint                   set,
                  guint                   block_rows,
                  GError                **error)
{
  if (sqlite3_step (returning->insert.handle) != SQLITE_DONE)
    return cupel_sqlite_connection_fail (connection, error);
  return check_one_row (job, set, (guint) sqlite3_changes (connection->db), error) &&
         cupel_sqlite_returning_read (returning, connection, get_block (&returning->insert, job, set, block_rows), error);
}

static gboolean
execute_sets (CupelSqliteConnection  *connection,
              CupelSqliteStatement   *statement,
              CupelSqliteReturning  **in_two_steps,
              CupelSqliteJob         *job,
              GError                **error)
{
  const CupelRequest *request = &job->request;
  CupelReply *reply = &job->reply;
  CupelSqliteReturning *returning = NULL;
  guint block_rows = get_block_rows (request);
  gboolean wants_ids = statement->inserts && statement->n_columns == 0;

  reply->row_count = 0;
  if (wants_ids)
    {
      reply->insert_ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), request->n_sets);
      g_array_set_size (reply->insert_ids, request->n_sets);
    }

  for (guint set = 0; set < request->n_sets; set++)
    {
      CupelSqliteStatement *current = returning != NULL ? &returning->insert : statement;
      gint64 id;

      if (set > 0)
        sqlite3_reset (current->handle);
      if (cupel_sqlite_connection_is_interrupted (connection))
        return cupel_sqlite_connection_fail (connection, error);
      if (statement->inserts)
        sqlite3_set_last_insert_rowid (connection->db, 0);
      if (!cupel_sqlite_bind (connection, current, request, set, FALSE, error) ||
          !(returning != NULL ? execute_and_read (connection, returning, job, set, block_rows, error)
                              : execute_set (connection, statement, job, set, block_rows, error)))
        return FALSE;

      if (statement->counts)
        reply->row_count += sqlite3_changes64 (connection->db);
      if (!statement->inserts)
        continue;
      id = sqlite3_last_insert_rowid (connection->db);
      if (set == 0)
        {
          reply->last_insert_id = id;
          if (statement->n_columns > 0 && request->n_sets >= MANY_RETURNING)
            {
              sqlite3_reset (statement->handle);
              *in_two_steps = returning = cupel_sqlite_returning_get (connection, statement);
            }
        }
      /* A table without row ids, or a row that was not inserted: then ids say nothing. */
      if (id == 0)
        wants_ids = FALSE;
      if (wants_ids)
        g_array_index (reply->insert_ids, gint64, set) = id;
    }

  if (!wants_ids)
    g_clear_pointer (&reply->insert_ids, g_array_unref);
  if (!statement->counts)
    reply->row_count = -1;
  describe (statement, reply);
  return TRUE;
}

/* All sets or none: what was there before the first one is there again after an error. */
static gboolean
execute_many (CupelSqliteConnection  *connection,
              CupelSqliteStatement   *statement,
              CupelSqliteJob         *job,
              GError                **error)
{
  gboolean outside = sqlite3_get_autocommit (connection->db) != 0;
  /* A transaction that began with this very statement is rolled back as a whole. */
  gboolean began = job->reply.began;
  CupelSqliteReturning *returning = NULL;
  gboolean ok;

  if (!began && !cupel_sqlite_connection_run_own (connection, outside ? CUPEL_SQLITE_BEGIN_IMMEDIATE : CUPEL_SQLITE_SAVEPOINT,
                                                  error))
    return FALSE;

  ok = execute_sets (connection, statement, &returning, job, error);
  if (returning != NULL)
    cupel_sqlite_returning_reset (returning);
  if (ok)
    {
      sqlite3_reset (statement->handle);
      if (began)
        return TRUE;
      if (cupel_sqlite_connection_run_own (connection, outside ? CUPEL_SQLITE_COMMIT : CUPEL_SQLITE_RELEASE, error))
        return TRUE;
    }

  sqlite3_reset (statement->handle);
  if (sqlite3_get_autocommit (connection->db))
    return FALSE;   /* SQLite has rolled it back */
  if (began || outside)
    {
      cupel_sqlite_connection_run_own (connection, CUPEL_SQLITE_ROLLBACK, NULL);
    }
  else
    {
      /* Rather nothing of the transaction than a half of this. */
      if (!cupel_sqlite_connection_run_own (connection, CUPEL_SQLITE_ROLLBACK_TO, NULL) ||
          !cupel_sqlite_connection_run_own (connection, CUPEL_SQLITE_RELEASE, NULL))
        cupel_sqlite_connection_run_own (connection, CUPEL_SQLITE_ROLLBACK, NULL);
    }
  return FALSE;
}

/* The first block comes in this hop. Takes over @statement when rows are left; when none are, what is read block by block is whole. */
static gboolean
open_rows (CupelSqliteConnection   *connection,
           CupelSqliteStatement   **statement,
           CupelSqliteJob          *job,
           GError                 **error)
{
  CupelSqliteRows *rows = g_new0 (CupelSqliteRows, 1);

  g_atomic_ref_count_init (&rows->ref_count);
  rows->most_rows = get_block_rows (&job->request);
  rows->block_rows = (job->request.flags & CUPEL_REQUEST_STREAM) != 0 ? rows->most_rows : MIN (FIRST_BLOCKWISE, rows->most_rows);
  if (!step_block (connection, *statement, MIN (64, rows->block_rows), rows->block_rows, &rows->first_block, &rows->at_end, error))
    {
      cupel_sqlite_rows_unref (rows);
      return FALSE;
    }

  cupel_sqlite_statement_check_plan (*statement);
  describe (*statement, &job->reply);
  if ((job->request.flags & CUPEL_REQUEST_STREAM) == 0)
    {
      job->reply.blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
      if (rows->first_block != NULL)
        g_ptr_array_add (job->reply.blocks, g_steal_pointer (&rows->first_block));
      if (rows->at_end)
        {
          cupel_sqlite_rows_unref (rows);
          return TRUE;
        }
    }
  if (!rows->at_end)
    {
      rows->statement = g_steal_pointer (statement);
      rows->job = cupel_sqlite_job_ref (job);
      g_ptr_array_add (connection->open_rows, cupel_sqlite_rows_ref (rows));
    }
  job->rows = rows;
  return TRUE;
}

void
cupel_sqlite_rows_close (CupelSqliteConnection *connection,
                         CupelSqliteRows       *rows)
{
  if (rows->statement == NULL)
    return;

  g_clear_pointer (&rows->statement, cupel_sqlite_statement_release);
  g_clear_pointer (&rows->job, cupel_sqlite_job_unref);
  g_ptr_array_remove_fast (connection->open_rows, rows);
}

static gsize
measure (const CupelRowBlock *block)
{
  const gsize n_cells = (gsize) block->n_rows * block->n_columns;
  gsize bytes = n_cells * sizeof (CupelCell);

  for (gsize i = 0; i < n_cells; i++)
    if (block->cells[i].kind == CUPEL_CELL_TEXT || block->cells[i].kind == CUPEL_CELL_BYTES)
      bytes += block->cells[i].length;
  return bytes;
}

/* A stream shows the table as it was when it began, as on a server: before the connection writes, the rest is read. */
static gboolean
buffer_rows (CupelSqliteConnection  *connection,
             CupelSqliteRows        *rows,
             GError                **error)
{
  while (!rows->read)
    {
      CupelRowBlock *block = NULL;

      if (rows->bytes >= MAX_WAITING_BYTES)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
                       "A stream that is open on this connection has more than %d MiB left, and they would have to go into memory before "
                       "something is written: read it to its end or close it first, or use another connection",
                       MAX_WAITING_BYTES / (1024 * 1024));
          return FALSE;
        }
      if (!step_block (connection, rows->statement, rows->block_rows, rows->block_rows, &block, &rows->read, error))
        {
          cupel_sqlite_rows_close (connection, rows);
          return FALSE;
        }
      if (block != NULL)
        {
          rows->bytes += measure (block);
          g_queue_push_tail (&rows->waiting, block);
        }
    }
  rows->at_end = g_queue_is_empty (&rows->waiting);
  cupel_sqlite_rows_close (connection, rows);
  return TRUE;
}

static gboolean
buffer_open_rows (CupelSqliteConnection  *connection,
                  GError                **error)
{
  while (connection->open_rows->len > 0)
    {
      CupelSqliteRows *rows = g_ptr_array_index (connection->open_rows, connection->open_rows->len - 1);

      if (g_atomic_int_get (&rows->cancelled))
        cupel_sqlite_rows_close (connection, rows);
      else if (!buffer_rows (connection, rows, error))
        return FALSE;
    }
  return TRUE;
}

/* What the transaction that is open now was asked to be, until cupel_sqlite_connection_leave () finds it over. */
static gboolean
apply_options (CupelSqliteConnection  *connection,
               GError                **error)
{
  if (g_atomic_int_compare_and_exchange (&connection->next_read_only, TRUE, FALSE))
    {
      if (sqlite3_exec (connection->db, "PRAGMA query_only = 1", NULL, NULL, NULL) != SQLITE_OK)
        return cupel_sqlite_connection_fail (connection, error);
      connection->in_read_only = TRUE;
    }
  if (g_atomic_int_compare_and_exchange (&connection->next_uncommitted, TRUE, FALSE) &&
      !g_atomic_int_get (&connection->read_uncommitted))
    {
      if (sqlite3_exec (connection->db, "PRAGMA read_uncommitted = 1", NULL, NULL, NULL) != SQLITE_OK)
        return cupel_sqlite_connection_fail (connection, error);
      connection->in_uncommitted = TRUE;
    }
  return TRUE;
}

/* Opens the transaction that was asked for: deferred to read, immediate to write, so that writers queue for the lock
 * instead of failing at the upgrade. */
static gboolean
begin_for (CupelSqliteConnection  *connection,
           CupelSqliteStatement   *statement,
           CupelSqliteJob         *job,
           GError                **error)
{
  gboolean pending = g_atomic_int_get (&connection->begin_pending) != 0;
  gboolean asked = (job->request.flags & CUPEL_REQUEST_BEGIN) != 0 && !g_atomic_int_get (&connection->autocommit);

  if ((!pending && !asked) || !sqlite3_get_autocommit (connection->db))
    return TRUE;
  if (!cupel_sqlite_connection_run_own (connection,
                                        statement->read_only || g_atomic_int_get (&connection->next_read_only)
                                          ? CUPEL_SQLITE_BEGIN : CUPEL_SQLITE_BEGIN_IMMEDIATE, error) ||
      !apply_options (connection, error))
    return FALSE;
  g_atomic_int_set (&connection->begin_pending, FALSE);
  job->reply.began = TRUE;
  return TRUE;
}

static gboolean
execute (CupelSqliteConnection  *connection,
         CupelSqliteJob         *job,
         GError                **error)
{
  const CupelRequest *request = &job->request;
  CupelSqliteStatement *statement;
  gboolean pending = g_atomic_int_get (&connection->begin_pending) != 0;
  gboolean ok;

  statement = cupel_sqlite_statement_acquire (connection, request->compiled,
                                              (request->flags & CUPEL_REQUEST_NO_PREPARE) == 0 &&
                                              request->compiled->kind != CUPEL_COMPILED_DDL, error);
  if (statement == NULL)
    return FALSE;

  ok = (G_LIKELY (connection->open_rows->len == 0) || statement->read_only || buffer_open_rows (connection, error)) &&
       begin_for (connection, statement, job, error);
  if (ok && request->n_sets > 1)
    {
      ok = execute_many (connection, statement, job, error);
      /* The transaction that begin () opened is still the caller's. */
      if (!ok && pending && sqlite3_get_autocommit (connection->db) && !cupel_sqlite_connection_is_interrupted (connection))
        g_atomic_int_set (&connection->begin_pending, TRUE);
    }
  else if (ok)
    {
      gboolean streams = statement->n_columns > 0 &&
                         ((request->flags & CUPEL_REQUEST_STREAM) != 0 ||
                          ((request->flags & CUPEL_REQUEST_BLOCKWISE) != 0 && statement->read_only));

      ok = cupel_sqlite_bind (connection, statement, request, 0, streams, error);
      if (ok && streams)
        ok = open_rows (connection, &statement, job, error);
      else if (ok)
        ok = execute_once (connection, statement, job, error);
    }

  if (statement != NULL)
    cupel_sqlite_statement_release (statement);
  if (ok && !job->reply.began && (request->flags & CUPEL_REQUEST_BEGIN) != 0)
    job->reply.began = !sqlite3_get_autocommit (connection->db);
  return ok;
}

gboolean
cupel_sqlite_job_read (CupelSqliteConnection  *connection,
                       CupelSqliteStatement   *statement,
                       CupelSqliteJob         *job,
                       GError                **error)
{
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  statement->busy = TRUE;
  ok = begin_for (connection, statement, job, error) &&
       cupel_sqlite_bind (connection, statement, &job->request, 0, FALSE, error) &&
       execute_once (connection, statement, job, error);
  cupel_sqlite_statement_release (statement);
  if (ok && !job->reply.began && (job->request.flags & CUPEL_REQUEST_BEGIN) != 0)
    job->reply.began = !sqlite3_get_autocommit (connection->db);
  return ok;
}

gboolean
cupel_sqlite_job_execute (CupelThreadedConnection  *base,
                          gpointer                  data,
                          GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  ok = execute (connection, data, error);
  cupel_sqlite_connection_leave (connection);
  return ok;
}

gboolean
cupel_sqlite_job_pipeline (CupelThreadedConnection  *base,
                           gpointer                  data,
                           GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  CupelSqlitePipeline *pipeline = data;
  gboolean ok = TRUE;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  for (guint i = 0; i < pipeline->n_jobs && ok; i++)
    {
      if (cupel_sqlite_connection_is_interrupted (connection))
        ok = cupel_sqlite_connection_fail (connection, error);
      else
        ok = execute (connection, pipeline->jobs[i], error);
      if (ok)
        pipeline->n_done++;
    }
  cupel_sqlite_connection_leave (connection);
  return ok;
}

gboolean
cupel_sqlite_job_fetch (CupelThreadedConnection  *base,
                        gpointer                  data,
                        GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  CupelSqliteFetch *fetch = data;
  CupelSqliteRows *rows = fetch->rows;
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  if (rows->at_end)
    {
      ok = TRUE;
    }
  else if (!g_queue_is_empty (&rows->waiting))
    {
      fetch->block = g_queue_pop_head (&rows->waiting);
      rows->at_end = rows->read && g_queue_is_empty (&rows->waiting);
      rows->bytes -= measure (fetch->block);
      ok = TRUE;
    }
  else if (rows->statement == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
                   "The stream was closed by the end of its transaction, a reset or an earlier error");
      ok = FALSE;
    }
  else
    {
      rows->block_rows = MIN (rows->block_rows * 2, rows->most_rows);
      ok = step_block (connection, rows->statement, rows->block_rows, rows->block_rows, &fetch->block, &rows->at_end, error);
      if (!ok || rows->at_end)
        cupel_sqlite_rows_close (connection, rows);
    }
  cupel_sqlite_connection_leave (connection);
  return ok;
}

/* While the consumer works on the block before. Its failure is told when the consumer comes for it. */
gboolean
cupel_sqlite_job_fetch_ahead (CupelThreadedConnection  *base,
                              gpointer                  data,
                              GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  CupelSqliteFetch *fetch = data;

  if (g_atomic_int_get (&fetch->rows->cancelled))
    return TRUE;
  connection->ahead = fetch->rows;
  fetch->ok = cupel_sqlite_job_fetch (base, fetch, &fetch->error);
  connection->ahead = NULL;
  return TRUE;
}

gboolean
cupel_sqlite_job_close_rows (CupelThreadedConnection  *base,
                             gpointer                  data,
                             GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  CupelSqliteFetch *fetch = data;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  cupel_sqlite_rows_close (connection, fetch->rows);
  cupel_sqlite_connection_leave (connection);
  return TRUE;
}

gboolean
cupel_sqlite_job_commit (CupelThreadedConnection  *base,
                         gpointer                  data,
                         GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  if (sqlite3_get_autocommit (connection->db))
    {
      ok = g_atomic_int_get (&connection->autocommit) != 0;
      if (!ok)
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL,
                     "Nothing was committed: SQLite has rolled the transaction back, after an error or a cancellation");
    }
  else
    {
      ok = cupel_sqlite_connection_run_own (connection, CUPEL_SQLITE_COMMIT, error);
    }
  cupel_sqlite_connection_leave (connection);
  return ok;
}

static gboolean
roll_back (CupelSqliteConnection  *connection,
           GError                **error)
{
  cupel_sqlite_connection_close_rows (connection);
  g_atomic_int_set (&connection->begin_pending, FALSE);
  return sqlite3_get_autocommit (connection->db) || cupel_sqlite_connection_run_own (connection, CUPEL_SQLITE_ROLLBACK, error);
}

gboolean
cupel_sqlite_job_rollback (CupelThreadedConnection  *base,
                           gpointer                  data,
                           GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  ok = roll_back (connection, error);
  cupel_sqlite_connection_leave (connection);
  return ok;
}

static gboolean
set_read_uncommitted (CupelSqliteConnection  *connection,
                      gboolean                wanted,
                      GError                **error)
{
  if (g_atomic_int_get (&connection->read_uncommitted) == wanted)
    return TRUE;
  if (sqlite3_exec (connection->db, wanted ? "PRAGMA read_uncommitted = 1" : "PRAGMA read_uncommitted = 0",
                    NULL, NULL, NULL) != SQLITE_OK)
    return cupel_sqlite_connection_fail (connection, error);
  g_atomic_int_set (&connection->read_uncommitted, wanted);
  return TRUE;
}

/* Whatever a text changed is not there for the next borrower. A file is opened anew; one in memory would be lost by that. */
static gboolean
clean (CupelSqliteConnection  *connection,
       GError                **error)
{
  gboolean ok = TRUE;

  if (connection->options.path != NULL)
    {
      cupel_sqlite_connection_close_handle (connection);
      cupel_sqlite_statements_init (&connection->statements, connection->options.cache_size);
      ok = cupel_sqlite_connection_open_handle (connection, error);
    }
  else
    {
      cupel_sqlite_statements_clear (&connection->statements);
      cupel_sqlite_statements_init (&connection->statements, connection->options.cache_size);
      ok = cupel_sqlite_connection_restore_handle (connection, error);
    }
  g_atomic_int_set (&connection->dirty, !ok);
  return ok;
}

gboolean
cupel_sqlite_job_reset (CupelThreadedConnection  *base,
                        gpointer                  data,
                        GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  ok = roll_back (connection, error) && set_read_uncommitted (connection, FALSE, error);
  if (ok && g_atomic_int_get (&connection->dirty))
    ok = clean (connection, error);
  if (ok)
    g_atomic_int_set (&connection->autocommit, FALSE);
  if (connection->db != NULL)
    cupel_sqlite_connection_leave (connection);
  return ok;
}

gboolean
cupel_sqlite_job_set_isolation (CupelThreadedConnection  *base,
                                gpointer                  data,
                                GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);
  gboolean ok;

  if (!cupel_sqlite_connection_enter (connection, error))
    return FALSE;
  ok = set_read_uncommitted (connection, GPOINTER_TO_INT (data) == CUPEL_ISOLATION_READ_UNCOMMITTED, error);
  cupel_sqlite_connection_leave (connection);
  return ok;
}

gboolean
cupel_sqlite_job_open (CupelThreadedConnection  *base,
                       gpointer                  data,
                       GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);

  g_atomic_int_set (&connection->interrupted, FALSE);
  return cupel_sqlite_connection_open_handle (connection, error);
}

gboolean
cupel_sqlite_job_close (CupelThreadedConnection  *base,
                        gpointer                  data,
                        GError                  **error)
{
  CupelSqliteConnection *connection = CUPEL_SQLITE_CONNECTION (base);

  g_atomic_int_set (&connection->interrupted, FALSE);
  cupel_sqlite_connection_close_handle (connection);
  return TRUE;
}
