/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-cursor.h"

struct _CupelSqliteCursor
{
  CupelDriverCursor parent_instance;

  CupelSqliteConnection *connection;
  CupelSqliteRows       *rows;      /* NULL when closed */
  CupelRowBlock         *next;      /* fetched, not yet handed out */
  gboolean               at_end;
};

G_DEFINE_FINAL_TYPE (CupelSqliteCursor, cupel_sqlite_cursor, CUPEL_TYPE_DRIVER_CURSOR)

static CupelRowBlock *
cupel_sqlite_cursor_fetch (CupelDriverCursor  *base,
                           GCancellable       *cancellable,
                           GError            **error)
{
  CupelSqliteCursor *self = CUPEL_SQLITE_CURSOR (base);
  CupelSqliteFetch *fetch;
  CupelRowBlock *block = NULL;
  gboolean abandoned = FALSE;

  if (self->next != NULL)
    return g_steal_pointer (&self->next);
  if (self->at_end)
    return NULL;
  if (self->rows == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The stream is closed");
      return NULL;
    }

  fetch = cupel_sqlite_fetch_new (self->rows);
  if (cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self->connection), cupel_sqlite_job_fetch, fetch,
                                     (GDestroyNotify) cupel_sqlite_fetch_free, &abandoned, CUPEL_NO_DEADLINE, cancellable, error))
    {
      block = g_steal_pointer (&fetch->block);
      self->at_end = self->rows->at_end;
    }
  if (!abandoned)
    cupel_sqlite_fetch_free (fetch);
  return block;
}

static gboolean
cupel_sqlite_cursor_close (CupelDriverCursor  *base,
                           gint64              deadline,
                           GError            **error)
{
  CupelSqliteCursor *self = CUPEL_SQLITE_CURSOR (base);
  CupelSqliteFetch *fetch;
  gboolean abandoned = FALSE;
  gboolean ok = TRUE;

  g_clear_pointer (&self->next, cupel_row_block_unref);
  if (self->rows == NULL)
    return TRUE;

  if (!self->at_end)
    {
      fetch = cupel_sqlite_fetch_new (self->rows);
      ok = cupel_threaded_connection_run (CUPEL_THREADED_CONNECTION (self->connection), cupel_sqlite_job_close_rows, fetch,
                                          (GDestroyNotify) cupel_sqlite_fetch_free, &abandoned, deadline, NULL, error);
      if (!abandoned)
        cupel_sqlite_fetch_free (fetch);
    }
  g_clear_pointer (&self->rows, cupel_sqlite_rows_unref);
  return ok;
}

static void
cupel_sqlite_cursor_finalize (GObject *object)
{
  CupelSqliteCursor *self = CUPEL_SQLITE_CURSOR (object);

  g_clear_pointer (&self->next, cupel_row_block_unref);
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
  return CUPEL_DRIVER_CURSOR (self);
}
