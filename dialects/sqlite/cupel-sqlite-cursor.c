/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-cursor.h"

struct _CupelSqliteCursor
{
  CupelDriverCursor parent_instance;

  CupelSqliteConnection *connection;
  CupelSqliteRows       *rows;      /* NULL when closed */
  CupelRowBlock         *next;      /* fetched, not yet handed out */
  CupelSqliteFetch      *ahead;     /* the block after that, being read */
  gboolean               at_end;
};

G_DEFINE_FINAL_TYPE (CupelSqliteCursor, cupel_sqlite_cursor, CUPEL_TYPE_DRIVER_CURSOR)

/* How long an interrupted reading ahead may take to end. */
#define GRACE_PERIOD G_USEC_PER_SEC

/* One block at most: with the one that the consumer works on, two are held. Other statements are queued between. */
static void
read_ahead (CupelSqliteCursor *self)
{
  if (self->at_end)
    return;

  self->ahead = cupel_sqlite_fetch_new (self->rows);
  self->ahead->done = cupel_completion_new ();
  cupel_threaded_connection_post (CUPEL_THREADED_CONNECTION (self->connection), cupel_sqlite_job_fetch_ahead,
                                  cupel_sqlite_fetch_ref (self->ahead), (GDestroyNotify) cupel_sqlite_fetch_complete);
}

/* What was read ahead is not wanted any more. The worker lets go of it soon. */
static void
drop_ahead (CupelSqliteCursor *self)
{
  if (self->ahead == NULL)
    return;

  if (cupel_completion_is_done (self->ahead->done))
    self->at_end = self->rows->at_end;
  else
    g_atomic_int_set (&self->rows->cancelled, TRUE);
  g_clear_pointer (&self->ahead, cupel_sqlite_fetch_unref);
}

static gboolean
take_ahead (CupelSqliteCursor  *self,
            CupelRowBlock     **block,
            GCancellable       *cancellable,
            GError            **error)
{
  CupelSqliteFetch *fetch = self->ahead;

  if (!cupel_completion_wait (fetch->done, CUPEL_NO_DEADLINE, cancellable, error))
    {
      g_atomic_int_set (&self->rows->cancelled, TRUE);
      cupel_completion_wait (fetch->done, g_get_monotonic_time () + GRACE_PERIOD, NULL, NULL);
      return FALSE;
    }

  if (!fetch->ok)
    {
      if (fetch->error != NULL)
        g_propagate_error (error, g_steal_pointer (&fetch->error));
      else
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The stream is closed");
    }
  else
    {
      *block = g_steal_pointer (&fetch->block);
      self->at_end = self->rows->at_end;
    }
  g_clear_pointer (&self->ahead, cupel_sqlite_fetch_unref);
  return *block != NULL || self->at_end;
}

static gboolean
fetch_now (CupelSqliteCursor  *self,
           CupelRowBlock     **block,
           GCancellable       *cancellable,
           GError            **error)
{
  CupelSqliteFetch *fetch = cupel_sqlite_fetch_new (self->rows);
  gboolean abandoned = FALSE;
  gboolean ok;

  ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self->connection), cupel_sqlite_job_fetch, fetch,
                                      (GDestroyNotify) cupel_sqlite_fetch_unref, &abandoned, CUPEL_NO_DEADLINE, cancellable,
                                      error);
  if (ok)
    {
      *block = g_steal_pointer (&fetch->block);
      self->at_end = self->rows->at_end;
    }
  if (!abandoned)
    cupel_sqlite_fetch_unref (fetch);
  return ok;
}

static CupelRowBlock *
cupel_sqlite_cursor_fetch (CupelDriverCursor  *base,
                           GCancellable       *cancellable,
                           GError            **error)
{
  CupelSqliteCursor *self = CUPEL_SQLITE_CURSOR (base);
  CupelRowBlock *block = NULL;

  /* Who reads only the first block is not read ahead for. */
  if (self->next != NULL)
    return g_steal_pointer (&self->next);
  if (self->at_end)
    return NULL;
  if (self->rows == NULL || g_atomic_int_get (&self->rows->cancelled))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The stream is closed");
      return NULL;
    }

  if (self->ahead != NULL ? take_ahead (self, &block, cancellable, error) : fetch_now (self, &block, cancellable, error))
    read_ahead (self);
  return block;
}

static gboolean
cupel_sqlite_cursor_close (CupelDriverCursor  *base,
                           gint64              deadline,
                           GError            **error)
{
  CupelSqliteCursor *self = CUPEL_SQLITE_CURSOR (base);
  gboolean abandoned = FALSE;
  gboolean ok = TRUE;

  g_clear_pointer (&self->next, cupel_row_block_unref);
  if (self->rows == NULL)
    return TRUE;

  drop_ahead (self);
  if (!self->at_end)
    {
      CupelSqliteFetch *fetch = cupel_sqlite_fetch_new (self->rows);

      ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self->connection), cupel_sqlite_job_close_rows, fetch,
                                          (GDestroyNotify) cupel_sqlite_fetch_unref, &abandoned, deadline, NULL, error);
      if (!abandoned)
        cupel_sqlite_fetch_unref (fetch);
    }
  /* Not closed in time: the next job does it. */
  if (!ok)
    cupel_sqlite_connection_drop_rows (self->connection, cupel_sqlite_rows_ref (self->rows));
  g_clear_pointer (&self->rows, cupel_sqlite_rows_unref);
  return ok;
}

static void
cupel_sqlite_cursor_finalize (GObject *object)
{
  CupelSqliteCursor *self = CUPEL_SQLITE_CURSOR (object);

  g_clear_pointer (&self->next, cupel_row_block_unref);
  drop_ahead (self);
  /* Not closed: the handle is the worker's, the next job closes it. */
  if (self->rows != NULL && !self->at_end)
    cupel_sqlite_connection_drop_rows (self->connection, g_steal_pointer (&self->rows));
  g_clear_pointer (&self->rows, cupel_sqlite_rows_unref);
  g_clear_object (&self->connection);

  G_OBJECT_CLASS (cupel_sqlite_cursor_parent_class)->finalize (object);
}

static void
cupel_sqlite_cursor_class_init (CupelSqliteCursorClass *klass)
{
  CupelDriverCursorClass *cursor_class = CUPEL_DRIVER_CURSOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_sqlite_cursor_finalize;
  cursor_class->fetch = cupel_sqlite_cursor_fetch;
  cursor_class->close = cupel_sqlite_cursor_close;
}

static void
cupel_sqlite_cursor_init (CupelSqliteCursor *self)
{
}

CupelDriverCursor *
cupel_sqlite_cursor_new (CupelSqliteConnection *connection,
                         CupelSqliteRows       *rows)
{
  CupelSqliteCursor *self = g_object_new (CUPEL_SQLITE_TYPE_CURSOR, NULL);

  self->connection = g_object_ref (connection);
  self->rows = rows;
  self->next = g_steal_pointer (&rows->first_block);
  self->at_end = rows->at_end;
  /* The first block is in the reply, and whoever asked wants all. */
  if (self->next == NULL)
    read_ahead (self);
  return CUPEL_DRIVER_CURSOR (self);
}
