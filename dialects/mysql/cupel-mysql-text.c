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

  *out = NULL;
  if (!cupel_mysql_client_query (self, sql, length))
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

int
cupel_mysql_rows_fetch (CupelMysqlRows *rows,
                        guint           max)
{
  int result;

  if (rows->done)
    return MYSQL_NO_DATA;

  result = cupel_mysql_client_fetch (rows, max);
  if (rows->malformed)
    cupel_mysql_connection_break (rows->connection);
  if (result == 0)
    return 0;

  rows->done = TRUE;
  if (result == MYSQL_NO_DATA)
    {
      /* A procedure may have more results; they are not ours. */
      if (rows->result != NULL)
        mysql_free_result (g_steal_pointer (&rows->result));
      result = cupel_mysql_client_skip_results (rows);
    }
  return result;
}

gboolean
cupel_mysql_rows_read (CupelMysqlRows  *rows,
                       guint            max,
                       GError         **error)
{
  int result;

  rows->bytes = 0;
  result = cupel_mysql_rows_fetch (rows, max);
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
      cupel_mysql_set_error (error, rows->connection->mysql, rows->statement != NULL ? rows->statement->stmt : NULL);
      return FALSE;
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
