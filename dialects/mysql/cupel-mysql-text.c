/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows as they come: of a prepared statement or, by the text protocol, of a statement sent as it is. */

#include "cupel-mysql-private.h"

gboolean
cupel_mysql_connection_query (CupelMysqlConnection  *self,
                              const char            *sql,
                              gsize                  length,
                              const CupelCompiled   *compiled,
                              CupelMysqlRows       **out,
                              GError               **error)
{
  CupelMysqlRows *rows;
  MYSQL_RES *result;
  int failed = 1;

  *out = NULL;
  CUPEL_MYSQL_CALL (self,
                    mysql_real_query_start (&failed, self->mysql, sql, length),
                    mysql_real_query_cont (&failed, self->mysql, ready));
  if (failed)
    {
      cupel_mysql_set_error (error, self->mysql, NULL);
      return FALSE;
    }
  if (mysql_field_count (self->mysql) == 0)
    return TRUE;

  result = mysql_use_result (self->mysql);
  if (result == NULL)
    {
      cupel_mysql_set_error (error, self->mysql, NULL);
      return FALSE;
    }

  rows = g_new0 (CupelMysqlRows, 1);
  rows->connection = self;
  rows->result = result;
  cupel_mysql_rows_describe (rows, mysql_fetch_fields (result), mysql_num_fields (result), compiled);
  cupel_mysql_rows_open (rows);
  *out = rows;
  return TRUE;
}

void
cupel_mysql_rows_open (CupelMysqlRows *rows)
{
  rows->connection->open = rows;
}

/* A procedure may have more results; they are not ours. */
static int
cupel_mysql_rows_end (CupelMysqlRows *rows,
                      int             result)
{
  CupelMysqlConnection *self = rows->connection;

  rows->done = TRUE;
  if (result == MYSQL_NO_DATA && rows->statement != NULL)
    {
      while (mysql_stmt_more_results (rows->statement->stmt))
        {
          int next = 1;

          CUPEL_MYSQL_CALL (self,
                            mysql_stmt_next_result_start (&next, rows->statement->stmt),
                            mysql_stmt_next_result_cont (&next, rows->statement->stmt, ready));
          if (next != 0)
            return next < 0 ? MYSQL_NO_DATA : 1;
          if (mysql_stmt_field_count (rows->statement->stmt) == 0)
            continue;

          /* the library reads over it */
          {
            my_bool failed = 1;

            CUPEL_MYSQL_CALL (self,
                              mysql_stmt_free_result_start (&failed, rows->statement->stmt),
                              mysql_stmt_free_result_cont (&failed, rows->statement->stmt, ready));
            if (failed)
              return 1;
          }
        }
    }
  else if (result == MYSQL_NO_DATA)
    {
      mysql_free_result (g_steal_pointer (&rows->result));
      while (mysql_more_results (self->mysql))
        {
          MYSQL_RES *more;
          int next = 1;

          CUPEL_MYSQL_CALL (self,
                            mysql_next_result_start (&next, self->mysql),
                            mysql_next_result_cont (&next, self->mysql, ready));
          if (next != 0)
            return next < 0 ? MYSQL_NO_DATA : 1;
          if (mysql_field_count (self->mysql) > 0 && (more = mysql_use_result (self->mysql)) != NULL)
            CUPEL_MYSQL_CALL (self,
                              mysql_free_result_start (more),
                              mysql_free_result_cont (more, ready));
        }
    }
  return result;
}

static int
cupel_mysql_rows_next_text (CupelMysqlRows *rows)
{
  MYSQL_ROW row = NULL;
  const unsigned long *lengths;

  CUPEL_MYSQL_CALL (rows->connection,
                    mysql_fetch_row_start (&row, rows->result),
                    mysql_fetch_row_cont (&row, rows->result, ready));
  if (row == NULL)
    return mysql_errno (rows->connection->mysql) != 0 ? 1 : MYSQL_NO_DATA;

  lengths = mysql_fetch_lengths (rows->result);
  if (rows->block == NULL)
    {
      for (guint i = 0; i < rows->n_columns; i++)
        rows->skipped += lengths[i] + 1;
      return 0;
    }
  rows->cells = cupel_row_block_add_row (rows->block);
  for (guint i = 0; i < rows->n_columns; i++)
    cupel_mysql_decode_text (rows, i, row[i], lengths[i]);
  return 0;
}

int
cupel_mysql_rows_next (CupelMysqlRows *rows)
{
  int result = 1;

  if (rows->done)
    return MYSQL_NO_DATA;

  if (rows->result != NULL)
    result = cupel_mysql_rows_next_text (rows);
  else
    CUPEL_MYSQL_CALL (rows->connection,
                      mysql_stmt_fetch_start (&result, rows->statement->stmt),
                      mysql_stmt_fetch_cont (&result, rows->statement->stmt, ready));

  if (rows->malformed)
    cupel_mysql_connection_break (rows->connection);
  return result == 0 ? 0 : cupel_mysql_rows_end (rows, result);
}

gboolean
cupel_mysql_rows_read (CupelMysqlRows  *rows,
                       guint            max,
                       GError         **error)
{
  for (guint n = 0; n < max; n++)
    {
      int result = cupel_mysql_rows_next (rows);

      if (rows->malformed)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL,
                       "The MySQL server sent a row that does not fit its own description");
          return FALSE;
        }
      if (result == MYSQL_NO_DATA)
        return TRUE;
      if (result != 0)
        {
          cupel_mysql_set_error (error, rows->connection->mysql,
                                 rows->statement != NULL ? rows->statement->stmt : NULL);
          return FALSE;
        }

      cupel_fiber_tick ();
      if (n % 64 == 63 && !cupel_mysql_connection_check (rows->connection))
        break;
      if (rows->connection->op != CUPEL_MYSQL_OP_RUNNING)
        break;
    }

  if (rows->connection->op == CUPEL_MYSQL_OP_RUNNING)
    return TRUE;
  /* The reason is known to the connection and takes the place of this. */
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "Reading rows was interrupted");
  return FALSE;
}

void
cupel_mysql_rows_release (CupelMysqlRows *rows)
{
  CupelMysqlConnection *self = rows->connection;

  if (self->open == rows)
    {
      self->open = NULL;
      self->cursor = NULL;
    }
  if (rows->statement != NULL)
    {
      cupel_mysql_statement_done (self, rows->statement);
      return;
    }
  if (rows->result != NULL)
    mysql_free_result (rows->result);
  cupel_mysql_rows_clear (rows);
  g_free (rows);
}
