/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-jobs.h"

static gboolean
cell_has_pointer (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return TRUE;
    case CUPEL_CELL_NULL:
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DOUBLE:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      return FALSE;
    }
}

gboolean
cupel_sqlite_job_check_binds (const CupelRequest  *request,
                              GError             **error)
{
  const CupelCompiled *compiled = request->compiled;

  for (guint i = 0; i < compiled->n_slots; i++)
    if (compiled->slots[i].source != CUPEL_SLOT_LITERAL &&
        (request->n_sets == 0 || request->sets == NULL || compiled->slots[i].index >= request->sets->n_columns))
      {
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "The bind \"%s\" has no value",
                     compiled->slots[i].index < compiled->n_binds ? compiled->bind_names[compiled->slots[i].index] : "?");
        return FALSE;
      }
  return TRUE;
}

/* One allocation: the job, the literals, what they point to. The literals belong to the statement, which the caller may
 * free while an abandoned job still runs; compiled and sets are reference-counted. */
CupelSqliteJob *
cupel_sqlite_job_new (const CupelRequest  *request,
                      GError             **error)
{
  const CupelCompiled *compiled = request->compiled;
  CupelSqliteJob *job;
  const CupelCell **pointers;
  CupelCell *cells;
  char *text;
  guint n_literals = 0;
  gsize text_size = 0;

  if (!cupel_sqlite_job_check_binds (request, error))
    return NULL;
  for (guint i = 0; i < compiled->n_slots; i++)
    if (compiled->slots[i].source == CUPEL_SLOT_LITERAL)
      n_literals = MAX (n_literals, compiled->slots[i].index + 1);
  for (guint i = 0; i < n_literals; i++)
    {
      if (request->literals[i] != NULL && cell_has_pointer (request->literals[i]))
        text_size += (gsize) request->literals[i]->length + 1;
    }

  job = g_try_malloc (sizeof (CupelSqliteJob) + n_literals * (sizeof (CupelCell) + sizeof (CupelCell *)) + text_size);
  if (job == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "Not enough memory for the values of the statement");
      return NULL;
    }

  cells = (CupelCell *) (job + 1);
  pointers = (const CupelCell **) (cells + n_literals);
  text = (char *) (pointers + n_literals);
  for (guint i = 0; i < n_literals; i++)
    {
      pointers[i] = &cells[i];
      if (request->literals[i] == NULL)
        {
          cells[i] = (CupelCell) { .kind = CUPEL_CELL_NULL };
          continue;
        }
      cells[i] = *request->literals[i];
      if (cell_has_pointer (&cells[i]))
        {
          if (cells[i].length > 0)
            memcpy (text, cells[i].v.text, cells[i].length);
          text[cells[i].length] = '\0';
          cells[i].v.text = text;
          text += (gsize) cells[i].length + 1;
        }
    }

  *job = (CupelSqliteJob) { .request = *request };
  g_atomic_ref_count_init (&job->ref_count);
  cupel_compiled_ref (job->request.compiled);
  if (job->request.sets != NULL)
    cupel_row_block_ref (job->request.sets);
  job->request.literals = pointers;
  job->reply.row_count = -1;
  return job;
}

CupelSqliteJob *
cupel_sqlite_job_ref (CupelSqliteJob *job)
{
  g_atomic_ref_count_inc (&job->ref_count);
  return job;
}

void
cupel_sqlite_job_unref (CupelSqliteJob *job)
{
  if (!g_atomic_ref_count_dec (&job->ref_count))
    return;

  cupel_reply_clear (&job->reply);
  g_clear_pointer (&job->request.sets, cupel_row_block_unref);
  cupel_compiled_unref (job->request.compiled);
  g_free (job);
}

/* Rows that nobody fetched hold the job in turn; the connection closes their handle. */
void
cupel_sqlite_job_free (CupelSqliteJob *job)
{
  g_clear_pointer (&job->rows, cupel_sqlite_rows_unref);
  cupel_sqlite_job_unref (job);
}

CupelSqlitePipeline *
cupel_sqlite_pipeline_new (const CupelRequest  *requests,
                           guint                n_requests,
                           GError             **error)
{
  CupelSqlitePipeline *pipeline = g_malloc (sizeof (CupelSqlitePipeline) + n_requests * sizeof (CupelSqliteJob *));

  pipeline->n_jobs = 0;
  pipeline->n_done = 0;
  for (guint i = 0; i < n_requests; i++)
    {
      CupelSqliteJob *job = cupel_sqlite_job_new (&requests[i], error);

      if (job == NULL)
        {
          cupel_sqlite_pipeline_free (pipeline);
          return NULL;
        }
      pipeline->jobs[pipeline->n_jobs++] = job;
    }
  return pipeline;
}

void
cupel_sqlite_pipeline_free (CupelSqlitePipeline *pipeline)
{
  for (guint i = 0; i < pipeline->n_jobs; i++)
    cupel_sqlite_job_free (pipeline->jobs[i]);
  g_free (pipeline);
}

CupelSqliteRows *
cupel_sqlite_rows_ref (CupelSqliteRows *rows)
{
  g_atomic_ref_count_inc (&rows->ref_count);
  return rows;
}

/* The handle was let go of before: by the end of the rows, by a close, or with the connection. */
void
cupel_sqlite_rows_unref (CupelSqliteRows *rows)
{
  if (!g_atomic_ref_count_dec (&rows->ref_count))
    return;

  g_clear_pointer (&rows->first_block, cupel_row_block_unref);
  g_queue_clear_full (&rows->waiting, (GDestroyNotify) cupel_row_block_unref);
  g_clear_pointer (&rows->job, cupel_sqlite_job_unref);
  g_free (rows);
}

CupelSqliteFetch *
cupel_sqlite_fetch_new (CupelSqliteRows *rows)
{
  CupelSqliteFetch *fetch = g_new0 (CupelSqliteFetch, 1);

  g_atomic_ref_count_init (&fetch->ref_count);
  fetch->rows = cupel_sqlite_rows_ref (rows);
  return fetch;
}

CupelSqliteFetch *
cupel_sqlite_fetch_ref (CupelSqliteFetch *fetch)
{
  g_atomic_ref_count_inc (&fetch->ref_count);
  return fetch;
}

void
cupel_sqlite_fetch_unref (CupelSqliteFetch *fetch)
{
  if (!g_atomic_ref_count_dec (&fetch->ref_count))
    return;

  g_clear_error (&fetch->error);
  g_clear_pointer (&fetch->block, cupel_row_block_unref);
  g_clear_pointer (&fetch->done, cupel_completion_unref);
  cupel_sqlite_rows_unref (fetch->rows);
  g_free (fetch);
}

void
cupel_sqlite_fetch_complete (CupelSqliteFetch *fetch)
{
  cupel_completion_complete (fetch->done);
  cupel_sqlite_fetch_unref (fetch);
}
