/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

#define FIRST_RESERVE 8
#define FIRST_ROWS    64

/* Most results are small, and the others soon show that they are not. */
static gboolean
cupel_mysql_rows_read_first (CupelMysqlRows  *rows,
                             GPtrArray       *blocks,
                             GError         **error)
{
  gboolean ok;

  rows->block = cupel_row_block_new (rows->n_columns, FIRST_RESERVE);
  ok = cupel_mysql_rows_read (rows, FIRST_ROWS, error);
  if (ok && rows->block->n_rows > 0)
    g_ptr_array_add (blocks, g_steal_pointer (&rows->block));
  else
    g_clear_pointer (&rows->block, cupel_row_block_unref);
  return ok;
}

gboolean
cupel_mysql_connection_read_all (CupelMysqlConnection  *self,
                                 CupelMysqlRows        *rows,
                                 guint                  block_rows,
                                 GPtrArray             *blocks,
                                 GError               **error)
{
  guint most = cupel_mysql_rows_reserve (rows, block_rows);
  gboolean ok = rows->done || cupel_mysql_rows_read_first (rows, blocks, error);

  while (ok && !rows->done)
    {
      rows->block = cupel_row_block_new (rows->n_columns, most);
      ok = cupel_mysql_rows_read (rows, block_rows, error);
      if (ok && rows->block->n_rows > 0)
        g_ptr_array_add (blocks, g_steal_pointer (&rows->block));
      else
        g_clear_pointer (&rows->block, cupel_row_block_unref);
    }

  /* Not at its end: it was interrupted, and leave () sees to the rest. */
  if (rows->done)
    cupel_mysql_rows_release (rows);
  return ok;
}

static gint64
cupel_mysql_count_rows (GPtrArray *blocks)
{
  gint64 n = 0;

  for (guint i = 0; i < blocks->len; i++)
    n += ((CupelRowBlock *) blocks->pdata[i])->n_rows;
  return n;
}

static gboolean
cupel_mysql_connection_take_rows (CupelMysqlConnection  *self,
                                  const CupelRequest    *request,
                                  CupelMysqlRows        *rows,
                                  CupelReply            *reply,
                                  GError               **error)
{
  gboolean ok;

  reply->n_columns = rows->n_columns;
  reply->column_names = g_steal_pointer (&rows->names);
  reply->row_count = -1;

  if (request->flags & CUPEL_REQUEST_STREAM)
    {
      reply->cursor = cupel_mysql_cursor_new (self, rows, request->block_rows);
      return TRUE;
    }

  reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  if ((request->flags & CUPEL_REQUEST_BLOCKWISE) != 0)
    {
      /* While the caller uses a block, the server sends the next. */
      ok = cupel_mysql_rows_read_first (rows, reply->blocks, error);
      if (rows->done)
        cupel_mysql_rows_release (rows);
      else if (ok)
        reply->cursor = cupel_mysql_cursor_new (self, rows, 0);
      return ok;
    }
  if (!cupel_mysql_connection_read_all (self, rows, CUPEL_MYSQL_BLOCK_ROWS, reply->blocks, error))
    return FALSE;
  if (request->compiled->kind != CUPEL_COMPILED_SELECT && request->compiled->kind != CUPEL_COMPILED_TEXT)
    reply->row_count = cupel_mysql_count_rows (reply->blocks);
  return TRUE;
}

/* As it is: DDL, and text without parameters that is not worth a prepared statement. */
static gboolean
cupel_mysql_connection_execute_text (CupelMysqlConnection  *self,
                                     const CupelRequest    *request,
                                     CupelReply            *reply,
                                     GError               **error)
{
  const CupelCompiled *compiled = request->compiled;
  CupelMysqlRows *rows;

  self->dirty |= compiled->kind == CUPEL_COMPILED_TEXT && cupel_mysql_sql_leaves_traces (compiled->sql);
  if (!cupel_mysql_connection_check_packet (self, request, 0, error) ||
      !cupel_mysql_connection_query (self, compiled->sql, compiled->sql_length, compiled, &rows, error))
    return FALSE;
  if (rows != NULL)
    return cupel_mysql_connection_take_rows (self, request, rows, reply, error);

  reply->row_count = (gint64) mysql_affected_rows (self->mysql);
  reply->last_insert_id = (gint64) mysql_insert_id (self->mysql);
  return TRUE;
}

static gboolean
cupel_mysql_connection_execute_prepared (CupelMysqlConnection  *self,
                                         const CupelRequest    *request,
                                         CupelReply            *reply,
                                         GError               **error)
{
  CupelCompiled *compiled = request->compiled;
  CupelMysqlStatement *statement;
  GError *failure = NULL;
  int code;

  if (!cupel_mysql_connection_check_packet (self, request, 0, error))
    return FALSE;
  statement = cupel_mysql_statement_get (self, compiled, 1, (request->flags & CUPEL_REQUEST_NO_PREPARE) == 0);
  for (guint i = 0; i < compiled->n_slots; i++)
    if (!cupel_mysql_binds_set (&statement->binds, i, compiled->slots[i].type,
                                cupel_request_get_cell (request, 0, i), error))
      {
        cupel_mysql_statement_done (self, statement);
        return FALSE;
      }

  if (!cupel_mysql_connection_run (self, statement, &failure))
    {
      cupel_mysql_statement_done (self, statement);
      /* The server is full, or does not prepare such a statement: what has no parameters can do without. */
      code = cupel_error_get_native_code (failure);
      if ((code == 1461 || code == 1295) && compiled->n_slots == 0 && self->op == CUPEL_MYSQL_OP_RUNNING)
        {
          g_error_free (failure);
          return cupel_mysql_connection_execute_text (self, request, reply, error);
        }
      g_propagate_error (error, failure);
      return FALSE;
    }
  if (self->open == &statement->rows)
    return cupel_mysql_connection_take_rows (self, request, &statement->rows, reply, error);

  reply->row_count = (gint64) mysql_stmt_affected_rows (statement->stmt);
  reply->last_insert_id = (gint64) mysql_stmt_insert_id (statement->stmt);
  cupel_mysql_statement_done (self, statement);
  return TRUE;
}

static gboolean
cupel_mysql_connection_execute_inner (CupelMysqlConnection  *self,
                                      const CupelRequest    *request,
                                      CupelReply            *reply,
                                      GError               **error)
{
  const CupelCompiled *compiled = request->compiled;
  gboolean begin = (request->flags & CUPEL_REQUEST_BEGIN) != 0 && self->isolation != CUPEL_ISOLATION_AUTOCOMMIT;
  gboolean had_begun;
  gboolean ok;

  if (!cupel_mysql_connection_settle (self, error))
    return FALSE;

  /* The mode is right already unless a caller mixes: a transaction then begins by itself, with its first statement. */
  had_begun = (self->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0;
  if (!self->in_transaction && !had_begun &&
      !(begin ? cupel_mysql_connection_open_transaction (self, error)
              : cupel_mysql_connection_set_autocommit (self, TRUE, error)))
    return FALSE;

  /* One that the user began by hand is as good. */
  if (begin)
    self->in_transaction = TRUE;

  if (request->n_sets > 1)
    ok = cupel_mysql_connection_execute_many (self, request, reply, error);
  else if (compiled->n_slots == 0 &&
           (compiled->kind == CUPEL_COMPILED_DDL ||
            (compiled->kind == CUPEL_COMPILED_TEXT &&
             ((request->flags & CUPEL_REQUEST_NO_PREPARE) != 0 || self->cache_size == 0))))
    ok = cupel_mysql_connection_execute_text (self, request, reply, error);
  else
    ok = cupel_mysql_connection_execute_prepared (self, request, reply, error);

  cupel_mysql_connection_note_session (self);
  if (ok)
    cupel_mysql_connection_notice_end (self, had_begun || compiled->kind == CUPEL_COMPILED_DDL);
  reply->began = begin;
  return ok;
}

gboolean
cupel_mysql_connection_execute (CupelDriverConnection  *connection,
                                const CupelRequest     *request,
                                CupelReply             *reply,
                                GCancellable           *cancellable,
                                GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  if (self->transaction_lost)
    {
      cupel_mysql_connection_set_pending_rollback (error);
      return FALSE;
    }
  if (!cupel_mysql_connection_enter (self, CUPEL_NO_DEADLINE, cancellable, TRUE, error))
    return FALSE;

  ok = cupel_mysql_connection_execute_inner (self, request, reply, &failure);

  g_object_ref (self);
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  g_object_unref (self);

  if (ok)
    {
      g_clear_error (&failure);
      return TRUE;
    }
  cupel_reply_clear (reply);
  g_propagate_error (error, failure);
  return FALSE;
}
