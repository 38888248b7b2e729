/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of MariaDB Connector/C. One is never abandoned: it is driven to its end, by the server's answer or by
 * shutting the socket down. */

#include "cupel-mysql-private.h"

#include <dlfcn.h>
#include <fcntl.h>

void
cupel_mysql_client_init (CupelMysqlConnection *self)
{
  unsigned long server_capabilities = 0;
  unsigned long extended_capabilities = 0;

  /* The library asks not to block for each read and write, but not under TLS. */
  if (self->fd >= 0 && fcntl (self->fd, F_SETFL, fcntl (self->fd, F_GETFL) | O_NONBLOCK) == 0)
    self->client.watch = cupel_io_watch_new (self->fd);
  else
    self->broken = TRUE;

  mariadb_get_infov (self->mysql, MARIADB_CONNECTION_SERVER_CAPABILITIES, &server_capabilities);
  mariadb_get_infov (self->mysql, MARIADB_CONNECTION_EXTENDED_SERVER_CAPABILITIES, &extended_capabilities);
  self->is_mariadb = (server_capabilities & CLIENT_MYSQL) == 0;
  if (self->is_mariadb && (extended_capabilities & (MARIADB_CLIENT_STMT_BULK_OPERATIONS >> 32)) != 0)
    self->many_bulk = cupel_mysql_many_bulk;
  /* OpenSSL keeps errors per thread, and the library reads what another connection left there as its own: the end of one
   * connection would be that of the next. There is no name for it in a library that was built with another TLS. */
  if (mysql_get_ssl_cipher (self->mysql) != NULL)
    self->client.clear_tls_errors = (void (*) (void)) dlsym (RTLD_DEFAULT, "ERR_clear_error");

  cupel_mysql_direct_init (self);
}

int
cupel_mysql_client_get_socket (MYSQL *mysql)
{
  return mysql_get_socket (mysql);
}

void
cupel_mysql_client_clear (CupelMysqlConnection *self)
{
  g_clear_pointer (&self->client.watch, cupel_io_watch_free);
}

int
cupel_mysql_client_wait (CupelMysqlConnection *self,
                         int                   status)
{
  const int directions = status & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE | MYSQL_WAIT_EXCEPT);
  GIOCondition want = 0;
  GIOCondition got = 0;
  int ready = 0;

  if (status & MYSQL_WAIT_READ)
    want |= G_IO_IN;
  if (status & MYSQL_WAIT_WRITE)
    want |= G_IO_OUT;
  if (status & MYSQL_WAIT_EXCEPT)
    want |= G_IO_PRI;

  /* The library's own timeouts are not used: deadlines are ours. */
  if (want == 0)
    return MYSQL_WAIT_TIMEOUT;

  self->suspended = TRUE;
  while (got == 0 && !self->broken)
    {
      gboolean running = self->op == CUPEL_MYSQL_OP_RUNNING;
      GError *error = NULL;

      got = cupel_io_watch_wait (self->client.watch, want,
                                 running ? self->deadline : self->grace,
                                 running ? self->cancellable : NULL, &error);
      if (got == 0)
        cupel_mysql_connection_wait_failed (self, error);
    }
  self->suspended = FALSE;
  if (self->client.clear_tls_errors != NULL)
    self->client.clear_tls_errors ();

  /* A socket that is shut down lets everything return at once. */
  if (self->broken || (got & (G_IO_HUP | G_IO_ERR | G_IO_NVAL)) != 0)
    return directions;

  if (got & G_IO_IN)
    ready |= MYSQL_WAIT_READ;
  if (got & G_IO_OUT)
    ready |= MYSQL_WAIT_WRITE;
  if (got & G_IO_PRI)
    ready |= MYSQL_WAIT_EXCEPT;
  return ready;
}

gboolean
cupel_mysql_client_query (CupelMysqlConnection *self,
                          const char           *sql,
                          gsize                 length)
{
  int failed = 1;

  CUPEL_MYSQL_CALL (self,
                    mysql_real_query_start (&failed, self->mysql, sql, length),
                    mysql_real_query_cont (&failed, self->mysql, ready));
  return !failed;
}

gboolean
cupel_mysql_client_ping (CupelMysqlConnection *self)
{
  int failed = 1;

  CUPEL_MYSQL_CALL (self,
                    mysql_ping_start (&failed, self->mysql),
                    mysql_ping_cont (&failed, self->mysql, ready));
  return !failed;
}

/* The library knows then that the server has forgotten the statements. */
gboolean
cupel_mysql_client_reset (CupelMysqlConnection *self)
{
  int failed = 1;

  CUPEL_MYSQL_CALL (self,
                    mysql_reset_connection_start (&failed, self->mysql),
                    mysql_reset_connection_cont (&failed, self->mysql, ready));
  return !failed;
}

gboolean
cupel_mysql_client_select_db (CupelMysqlConnection *self,
                              const char           *database)
{
  int failed = 1;

  CUPEL_MYSQL_CALL (self,
                    mysql_select_db_start (&failed, self->mysql, database),
                    mysql_select_db_cont (&failed, self->mysql, ready));
  return !failed;
}

void
cupel_mysql_client_close (CupelMysqlConnection *self)
{
  MYSQL *mysql = self->mysql;

  mysql->methods = self->client.library_methods;
  CUPEL_MYSQL_CALL (self,
                    mysql_close_start (mysql),
                    mysql_close_cont (mysql, ready));
}

void
cupel_mysql_client_drop (CupelMysqlConnection *self)
{
  self->mysql->methods = self->client.library_methods;
  mysql_close (self->mysql);
  if (self->client.clear_tls_errors != NULL)
    self->client.clear_tls_errors ();
}

/* statements */

/* Called by the library for each column of a row, on the stack of its coroutine: no awaiting in here. */
static void
cupel_mysql_client_decode (void           *user_data,
                           unsigned int    column,
                           unsigned char **data)
{
  CupelMysqlRows *rows = user_data;
  const guint8 *next;

  if (column == 0 && rows->block != NULL)
    rows->cells = cupel_row_block_add_row (rows->block);
  if (data == NULL)
    return;
  next = cupel_mysql_decode_binary (rows, column, *data, rows->connection->client.row_end);
  if (next != NULL)
    *data = (unsigned char *) next;
}

/* In place of the library's, which hands a row on without its length: one that is shorter than its columns say would go on in what
 * the buffer held before. Whether there is a third argument depends on the version. */
static int
cupel_mysql_client_fetch_row (MYSQL_STMT     *stmt,
                              unsigned char **row,
                              unsigned long  *row_length)
{
  const gboolean takes_length = __builtin_types_compatible_p (mysql_stmt_fetch_row_func,
                                                              int (*) (MYSQL_STMT *, unsigned char **, unsigned long *));
  CupelMysqlRows *rows = stmt->user_data;
  MYSQL *mysql = stmt->mysql;
  unsigned long length = mysql_net_read_packet (mysql);

  if (length == packet_error)
    return 1;
  if (mysql->net.read_pos[0] == 254)
    {
      *row = NULL;
      return MYSQL_NO_DATA;
    }

  *row = mysql->net.read_pos;
  if (takes_length)
    *row_length = length;
  rows->connection->client.row_end = mysql->net.read_pos + length;
  /* the mark of a row, and a bit for each column */
  if (length < 1 + (stmt->field_count + 9) / 8)
    rows->malformed = TRUE;
  return 0;
}

static MYSQL_RES *
cupel_mysql_client_use_result (MYSQL_STMT *stmt)
{
  CupelMysqlRows *rows = stmt->user_data;
  MYSQL_RES *result = rows->connection->client.use_result (stmt);

  stmt->fetch_row_func = (mysql_stmt_fetch_row_func) (void (*) (void)) cupel_mysql_client_fetch_row;
  return result;
}

void
cupel_mysql_client_stmt_init (CupelMysqlStatement *statement)
{
  mysql_stmt_attr_set (statement->stmt, STMT_ATTR_CB_USER_DATA, &statement->rows);
  mysql_stmt_attr_set (statement->stmt, STMT_ATTR_CB_RESULT, (const void *) cupel_mysql_client_decode);
}

gboolean
cupel_mysql_client_prepare (CupelMysqlConnection *self,
                            CupelMysqlStatement  *statement)
{
  int failed = 1;

  CUPEL_MYSQL_CALL (self,
                    mysql_stmt_prepare_start (&failed, statement->stmt, statement->sql, statement->sql_length),
                    mysql_stmt_prepare_cont (&failed, statement->stmt, ready));
  return !failed;
}

gboolean
cupel_mysql_client_execute (CupelMysqlConnection *self,
                            CupelMysqlStatement  *statement)
{
  int failed = 1;

  if (mysql_stmt_bind_param (statement->stmt, statement->binds.binds) == 0)
    CUPEL_MYSQL_CALL (self,
                      mysql_stmt_execute_start (&failed, statement->stmt),
                      mysql_stmt_execute_cont (&failed, statement->stmt, ready));
  return !failed;
}

void
cupel_mysql_client_describe (CupelMysqlStatement *statement)
{
  MYSQL_STMT *stmt = statement->stmt;

  cupel_mysql_rows_describe (&statement->rows, mariadb_stmt_fetch_fields (stmt), mysql_stmt_field_count (stmt), statement->compiled);
  if (stmt->default_rset_handler != cupel_mysql_client_use_result)
    {
      statement->rows.connection->client.use_result = stmt->default_rset_handler;
      stmt->default_rset_handler = cupel_mysql_client_use_result;
    }
}

void
cupel_mysql_client_close_stmt (CupelMysqlConnection *self,
                               MYSQL_STMT           *stmt)
{
  my_bool failed;

  CUPEL_MYSQL_CALL (self,
                    mysql_stmt_close_start (&failed, stmt),
                    mysql_stmt_close_cont (&failed, stmt, ready));
}

/* rows */

static int
cupel_mysql_client_fetch_text (CupelMysqlRows *rows)
{
  MYSQL_ROW row = NULL;

  CUPEL_MYSQL_CALL (rows->connection,
                    mysql_fetch_row_start (&row, rows->result),
                    mysql_fetch_row_cont (&row, rows->result, ready));
  if (row == NULL)
    return mysql_errno (rows->connection->mysql) != 0 ? 1 : MYSQL_NO_DATA;
  cupel_mysql_decode_text_row (rows, row, mysql_fetch_lengths (rows->result));
  return 0;
}

int
cupel_mysql_client_fetch (CupelMysqlRows *rows,
                          guint           max)
{
  gsize end = rows->bytes + (rows->block != NULL ? CUPEL_MYSQL_BLOCK_BYTES : CUPEL_MYSQL_DRAIN_BYTES);

  for (guint n = 0; n < max && rows->bytes < end; n++)
    {
      int result = 1;

      if (rows->result != NULL)
        result = cupel_mysql_client_fetch_text (rows);
      else
        CUPEL_MYSQL_CALL (rows->connection,
                          mysql_stmt_fetch_start (&result, rows->statement->stmt),
                          mysql_stmt_fetch_cont (&result, rows->statement->stmt, ready));
      if (result != 0 || rows->malformed)
        return result;

      cupel_fiber_tick ();
      if (rows->block != NULL &&
          ((n % 64 == 63 && !cupel_mysql_connection_check (rows->connection)) ||
           rows->connection->op != CUPEL_MYSQL_OP_RUNNING))
        break;
    }
  return 0;
}

int
cupel_mysql_client_skip_results (CupelMysqlRows *rows)
{
  CupelMysqlConnection *self = rows->connection;
  MYSQL_STMT *stmt = rows->statement != NULL ? rows->statement->stmt : NULL;

  while (stmt != NULL ? mysql_stmt_more_results (stmt) : mysql_more_results (self->mysql))
    {
      MYSQL_RES *more;
      my_bool failed = 0;
      int next = 1;

      if (stmt != NULL)
        CUPEL_MYSQL_CALL (self,
                          mysql_stmt_next_result_start (&next, stmt),
                          mysql_stmt_next_result_cont (&next, stmt, ready));
      else
        CUPEL_MYSQL_CALL (self,
                          mysql_next_result_start (&next, self->mysql),
                          mysql_next_result_cont (&next, self->mysql, ready));
      if (next != 0)
        return next < 0 ? MYSQL_NO_DATA : 1;

      /* the library reads over it */
      if (stmt != NULL && mysql_stmt_field_count (stmt) > 0)
        CUPEL_MYSQL_CALL (self,
                          mysql_stmt_free_result_start (&failed, stmt),
                          mysql_stmt_free_result_cont (&failed, stmt, ready));
      else if (stmt == NULL && mysql_field_count (self->mysql) > 0 && (more = mysql_use_result (self->mysql)) != NULL)
        CUPEL_MYSQL_CALL (self,
                          mysql_free_result_start (more),
                          mysql_free_result_cont (more, ready));
      if (failed)
        return 1;
    }
  return MYSQL_NO_DATA;
}
