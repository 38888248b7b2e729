/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-here.h"
#include "cupel-sqlite-jobs.h"
#include "cupel-sqlite-vfs.h"

/* Much less than a frame: the worker takes over what is not done by then. */
#define TIME_LIMIT 300

/* After a statement had to be given to the worker, it is not tried here so many times, doubled at each failure. */
#define MAX_PAUSE 256

typedef struct
{
  const CupelRequest *request;
  CupelReply         *reply;
  gboolean            done;
} Execution;

static gboolean
can_be_here (CupelSqliteConnection *self)
{
  return self->can_be_here && self->db != NULL && self->open_rows->len == 0 && g_atomic_pointer_get (&self->dropped) == NULL;
}

static gboolean
execute_here (CupelThreadedConnection  *base,
              gpointer                  data,
              GError                  **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);
  Execution *execution = data;
  CupelSqliteStatement *statement;
  CupelSqliteJob job = { .request = *execution->request, .reply = { .row_count = -1 } };
  gboolean was_outside;
  gboolean late;
  gboolean ok;

  if (!can_be_here (self) || (statement = cupel_sqlite_statement_peek (self, job.request.compiled)) == NULL ||
      !statement->read_only)
    return FALSE;
  if (statement->pause_left > 0)
    {
      statement->pause_left--;
      return FALSE;
    }

  was_outside = sqlite3_get_autocommit (self->db) != 0;
  cupel_sqlite_vfs_begin_here (TIME_LIMIT);
  cupel_sqlite_connection_watch_closely (self, TRUE);
  ok = cupel_sqlite_job_read (self, statement, &job, error);
  cupel_sqlite_connection_watch_closely (self, FALSE);
  late = cupel_sqlite_vfs_is_late ();
  cupel_sqlite_vfs_end_here ();
  cupel_sqlite_connection_leave (self);

  if (ok)
    {
      if (!late)
        statement->pause = 0;
      else
        statement->pause = statement->pause_left = MIN (statement->pause * 2 + 1, MAX_PAUSE);
      *execution->reply = job.reply;
      execution->done = TRUE;
      return TRUE;
    }

  /* The worker finds out whether it is an error; but for one that took the transaction with it. */
  statement->pause = MIN (statement->pause * 2 + 1, MAX_PAUSE);
  statement->pause_left = statement->pause;
  cupel_reply_clear (&job.reply);
  execution->done = !was_outside && sqlite3_get_autocommit (self->db);
  return FALSE;
}

gboolean
cupel_sqlite_here_execute (CupelSqliteConnection  *self,
                           const CupelRequest     *request,
                           CupelReply             *reply,
                           gboolean               *ok,
                           GError                **error)
{
  Execution execution = { request, reply, FALSE };
  g_autoptr(GError) local = NULL;
  gboolean success = FALSE;

  if (request->compiled->kind != CUPEL_COMPILED_SELECT || request->n_sets > 1 ||
      (request->flags & (CUPEL_REQUEST_STREAM | CUPEL_REQUEST_NO_PREPARE)) != 0 ||
      !cupel_sqlite_job_check_binds (request, NULL) ||
      !cupel_threaded_connection_run_here (CUPEL_THREADED_CONNECTION (self), execute_here, &execution, &success, &local) ||
      !execution.done)
    return FALSE;

  *ok = success;
  if (!success)
    g_propagate_error (error, g_steal_pointer (&local));
  return TRUE;
}

typedef struct
{
  CupelJobFunc func;
  gboolean     done;
} Ending;

static gboolean
end_here (CupelThreadedConnection  *base,
          gpointer                  data,
          GError                  **error)
{
  CupelSqliteConnection *self = CUPEL_SQLITE_CONNECTION (base);
  Ending *ending = data;

  if (!can_be_here (self) || g_atomic_int_get (&self->dirty) || sqlite3_txn_state (self->db, NULL) == SQLITE_TXN_WRITE || g_atomic_int_get (&self->read_uncommitted))
    return FALSE;

  cupel_sqlite_vfs_begin_here (TIME_LIMIT);
  ending->done = ending->func (base, NULL, error);
  cupel_sqlite_vfs_end_here ();
  return ending->done;
}

gboolean
cupel_sqlite_here_end (CupelSqliteConnection *self,
                       CupelJobFunc           func)
{
  Ending ending = { func, FALSE };
  g_autoptr(GError) error = NULL;
  gboolean success = FALSE;

  return cupel_threaded_connection_run_here (CUPEL_THREADED_CONNECTION (self), end_here, &ending, &success, &error) && ending.done;
}
