/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A stream. The protocol has one result at a time on the wire: when the connection is needed for something else, what is
 * left of it goes into memory, up to a limit at which that something else fails and the stream goes on. */

#include "cupel-mysql-private.h"

struct _CupelMysqlCursor
{
  CupelDriverCursor     parent_instance;
  CupelMysqlConnection *connection;
  CupelMysqlRows       *rows;         /* on the wire; NULL: all is in memory, or over */
  guint                 block_rows;
  GQueue                blocks;       /* what was taken out of the way */
  gsize                 bytes;        /* about what they take */
  GError               *error;        /* comes after the blocks */
  gboolean              closed;
};

G_DEFINE_TYPE (CupelMysqlCursor, cupel_mysql_cursor, CUPEL_TYPE_DRIVER_CURSOR)

CupelDriverCursor *
cupel_mysql_cursor_new (CupelMysqlConnection *connection,
                        CupelMysqlRows       *rows,
                        guint                 block_rows)
{
  CupelMysqlCursor *self = g_object_new (CUPEL_TYPE_MYSQL_CURSOR, NULL);

  self->connection = g_object_ref (connection);
  self->rows = rows;
  self->block_rows = block_rows > 0 ? block_rows : CUPEL_MYSQL_BLOCK_ROWS;
  connection->cursor = self;
  return CUPEL_DRIVER_CURSOR (self);
}

void
cupel_mysql_cursor_orphan (CupelMysqlCursor *self)
{
  self->rows = NULL;
  if (self->error == NULL)
    self->error = g_error_new (CUPEL_ERROR, self->connection->broken ? CUPEL_ERROR_DISCONNECTED : CUPEL_ERROR_CLOSED,
                               "The transaction or the connection of the stream ended before all rows were read");
}

/* One block from the wire; NULL at the end and on failure. */
static CupelRowBlock *
cupel_mysql_cursor_read (CupelMysqlCursor  *self,
                         GError           **error)
{
  CupelMysqlRows *rows = self->rows;
  CupelRowBlock *block;
  gboolean ok;

  rows->block = cupel_row_block_new (rows->n_columns, cupel_mysql_rows_reserve (rows, self->block_rows));
  ok = cupel_mysql_rows_read (rows, self->block_rows, error);
  block = g_steal_pointer (&rows->block);

  if (rows->done)
    {
      self->rows = NULL;
      cupel_mysql_rows_release (rows);
    }
  if (!ok || block->n_rows == 0)
    g_clear_pointer (&block, cupel_row_block_unref);
  return block;
}

gboolean
cupel_mysql_cursor_buffer (CupelMysqlCursor  *self,
                           GError           **error)
{
  GError *failure = NULL;

  while (self->rows != NULL && failure == NULL)
    {
      CupelMysqlRows *rows = self->rows;
      CupelRowBlock *block;

      if (self->bytes >= CUPEL_MYSQL_SETTLE_BYTES)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
                       "A stream that is open on this connection to the MySQL server has more than %d MiB left, and they would have to go "
                       "into memory before anything else can be done: read it to its end or close it first, or use another connection",
                       CUPEL_MYSQL_SETTLE_BYTES / (1024 * 1024));
          return FALSE;
        }
      block = cupel_mysql_cursor_read (self, &failure);
      if (block != NULL)
        {
          self->bytes += (gsize) block->n_rows * block->n_columns * sizeof (CupelCell) + (self->rows != NULL ? rows->bytes : 0);
          g_queue_push_tail (&self->blocks, block);
        }
    }
  if (failure == NULL)
    return TRUE;

  /* An error that the server put at the end of the rows is the reader's; one of the link is everybody's. */
  if (self->rows == NULL && !self->connection->broken && self->connection->op == CUPEL_MYSQL_OP_RUNNING)
    {
      cupel_mysql_connection_note_error (self->connection, &failure);
      self->error = failure;
      return TRUE;
    }
  self->rows = NULL;
  self->error = g_error_copy (failure);
  g_propagate_error (error, failure);
  return FALSE;
}

static CupelRowBlock *
cupel_mysql_cursor_fetch (CupelDriverCursor  *cursor,
                          GCancellable       *cancellable,
                          GError            **error)
{
  CupelMysqlCursor *self = CUPEL_MYSQL_CURSOR (cursor);
  CupelRowBlock *block = NULL;
  GError *failure = NULL;

  if (!g_queue_is_empty (&self->blocks))
    {
      block = g_queue_pop_head (&self->blocks);
      if (g_queue_is_empty (&self->blocks))
        self->bytes = 0;
      return block;
    }
  if (self->closed)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The stream is closed");
      return NULL;
    }
  if (self->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return NULL;
    }
  if (self->rows == NULL)
    return NULL;

  if (!cupel_mysql_connection_enter (self->connection, CUPEL_NO_DEADLINE, cancellable, TRUE, error))
    return NULL;

  g_object_ref (self);
  block = cupel_mysql_cursor_read (self, &failure);
  if (!cupel_mysql_connection_leave (self->connection, failure == NULL, &failure))
    {
      g_clear_pointer (&block, cupel_row_block_unref);
      self->rows = NULL;
      g_clear_error (&self->error);
      self->error = g_error_copy (failure);
      g_propagate_error (error, failure);
    }
  g_object_unref (self);
  return block;
}

static gboolean
cupel_mysql_cursor_close (CupelDriverCursor  *cursor,
                          gint64              deadline,
                          GError            **error)
{
  CupelMysqlCursor *self = CUPEL_MYSQL_CURSOR (cursor);
  CupelMysqlConnection *connection = self->connection;

  self->closed = TRUE;
  g_queue_clear_full (&self->blocks, (GDestroyNotify) cupel_row_block_unref);
  if (self->rows == NULL)
    return TRUE;

  if (!cupel_mysql_connection_enter (connection, deadline, NULL, TRUE, error))
    return FALSE;

  /* Nothing can interrupt this but its own time limit, after which the link is cut off. */
  self->rows = NULL;
  connection->op = CUPEL_MYSQL_OP_INTERRUPTED;
  connection->grace = deadline != CUPEL_NO_DEADLINE ? deadline : g_get_monotonic_time () + CUPEL_MYSQL_GRACE;
  cupel_mysql_connection_leave (connection, TRUE, NULL);
  if (!connection->broken)
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
               "The rest of the stream could not be stopped in time; the connection is given up");
  return FALSE;
}

static void
cupel_mysql_cursor_finalize (GObject *object)
{
  CupelMysqlCursor *self = CUPEL_MYSQL_CURSOR (object);

  if (self->connection != NULL && self->connection->cursor == self)
    self->connection->cursor = NULL;
  g_queue_clear_full (&self->blocks, (GDestroyNotify) cupel_row_block_unref);
  g_clear_error (&self->error);
  g_clear_object (&self->connection);
  G_OBJECT_CLASS (cupel_mysql_cursor_parent_class)->finalize (object);
}

static void
cupel_mysql_cursor_class_init (CupelMysqlCursorClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_mysql_cursor_finalize;
  CUPEL_DRIVER_CURSOR_CLASS (klass)->fetch = cupel_mysql_cursor_fetch;
  CUPEL_DRIVER_CURSOR_CLASS (klass)->close = cupel_mysql_cursor_close;
}

static void
cupel_mysql_cursor_init (CupelMysqlCursor *self)
{
  g_queue_init (&self->blocks);
}
