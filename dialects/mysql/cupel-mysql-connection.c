/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

G_DEFINE_TYPE (CupelMysqlConnection, cupel_mysql_connection, CUPEL_TYPE_MYSQL_PARENT)

static gboolean
cupel_mysql_connection_ping (CupelDriverConnection  *connection,
                             gint64                  deadline,
                             GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  if (!cupel_mysql_connection_enter (self, deadline, NULL, FALSE, error))
    return FALSE;

  ok = cupel_mysql_connection_settle (self, &failure);
  if (ok)
    {
      ok = cupel_mysql_client_ping (self);
      if (!ok)
        cupel_mysql_set_error (&failure, self->mysql, NULL);
    }
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

static CupelTransactionStatus
cupel_mysql_connection_get_status (CupelDriverConnection *connection)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);

  if (self->mysql == NULL || self->broken || self->op != CUPEL_MYSQL_OP_NONE)
    return CUPEL_TRANSACTION_UNKNOWN;
  if (self->transaction_lost)
    return CUPEL_TRANSACTION_FAILED;
  /* Rows that nobody read are as good a reason not to lend it again. */
  if (self->open != NULL || cupel_mysql_connection_has_transaction (self))
    return CUPEL_TRANSACTION_ACTIVE;
  return CUPEL_TRANSACTION_IDLE;
}

static gboolean
cupel_mysql_connection_is_alive (CupelDriverConnection *connection)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN | POLLRDHUP };

  if (self->mysql == NULL || self->broken)
    return FALSE;
  if (poll (&poll_fd, 1, 0) <= 0)
    return TRUE;
  if ((poll_fd.revents & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0)
    return FALSE;
  /* A server that speaks unasked says good-bye. Under TLS it may be a record of the protocol itself. */
  return self->open != NULL || mysql_get_ssl_cipher (self->mysql) != NULL;
}

/* Before the handle goes: nobody may read from it any more. */
static void
cupel_mysql_connection_detach (CupelMysqlConnection *self)
{
  CupelMysqlRows *rows = g_steal_pointer (&self->open);

  if (self->cursor != NULL)
    cupel_mysql_cursor_orphan (self->cursor);
  self->cursor = NULL;
  if (rows == NULL)
    return;

  if (rows->statement != NULL)
    {
      if (!rows->statement->cached)
        self->stray = rows->statement;
      return;
    }
  if (rows->result != NULL)
    {
      /* the link is given up: nothing to read over */
      rows->result->handle = NULL;
      mysql_free_result (rows->result);
    }
  cupel_mysql_rows_clear (rows);
  g_free (rows);
}

/* After mysql_close (): what it left. */
static void
cupel_mysql_connection_closed (CupelMysqlConnection *self)
{
  self->mysql = NULL;
  if (self->stray != NULL)
    cupel_mysql_statement_close (self, g_steal_pointer (&self->stray));
  cupel_mysql_statements_clear (self);
  cupel_mysql_client_clear (self);
  if (self->fd >= 0)
    close (self->fd);
  self->fd = -1;
}

/* No call of the library is under way, and the socket is shut down. */
void
cupel_mysql_connection_free_handle (CupelMysqlConnection *self)
{
  if (self->mysql == NULL)
    return;
  cupel_mysql_connection_detach (self);
  cupel_mysql_client_drop (self);
  cupel_mysql_connection_closed (self);
}

static void
cupel_mysql_connection_terminate (CupelDriverConnection *connection)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);

  if (self->mysql == NULL)
    return;

  /* Shut down first: closing then finds nobody to talk to and cannot block. */
  cupel_mysql_connection_break (self);
  if (self->op != CUPEL_MYSQL_OP_NONE)
    self->terminated = TRUE;
  else
    cupel_mysql_connection_free_handle (self);
}

static int
cupel_mysql_connection_get_socket (CupelDriverConnection *connection)
{
  return CUPEL_MYSQL_CONNECTION (connection)->fd;
}

static void
cupel_mysql_connection_abandon (CupelDriverConnection *connection)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);

  /* mysql_close () would tell the server. */
  if (self->mysql != NULL)
    cupel_driver_abandon_descriptor (cupel_mysql_client_get_socket (self->mysql));
  cupel_driver_abandon_descriptor (self->fd);
  self->broken = TRUE;
}

static void
cupel_mysql_connection_close (CupelDriverConnection *connection,
                              gint64                 deadline)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);

  if (self->mysql != NULL && !self->broken && self->op == CUPEL_MYSQL_OP_NONE && self->open == NULL &&
      cupel_mysql_connection_enter (self, deadline, NULL, FALSE, NULL))
    {
      cupel_mysql_connection_detach (self);
      cupel_mysql_client_close (self);
      self->broken = TRUE;
      self->terminated = FALSE;
      cupel_mysql_connection_closed (self);
      cupel_mysql_connection_leave (self, TRUE, NULL);
    }
  cupel_mysql_connection_terminate (connection);
}

static void
cupel_mysql_connection_finalize (GObject *object)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (object);

  cupel_mysql_connection_terminate (CUPEL_DRIVER_CONNECTION (self));
  g_clear_pointer (&self->statements, g_hash_table_unref);
  g_clear_pointer (&self->params, cupel_mysql_params_unref);
  g_clear_error (&self->op_error);
  G_OBJECT_CLASS (cupel_mysql_connection_parent_class)->finalize (object);
}

static void
cupel_mysql_connection_class_init (CupelMysqlConnectionClass *klass)
{
  CupelDriverConnectionClass *connection_class = CUPEL_DRIVER_CONNECTION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_mysql_connection_finalize;
  connection_class->execute = cupel_mysql_connection_execute;
  connection_class->begin = cupel_mysql_connection_begin;
  connection_class->commit = cupel_mysql_connection_commit;
  connection_class->rollback = cupel_mysql_connection_rollback;
  connection_class->set_isolation = cupel_mysql_connection_set_isolation;
  connection_class->set_transaction = cupel_mysql_connection_set_transaction;
  connection_class->needs_reset = cupel_mysql_connection_needs_reset;
  connection_class->mark_dirty = cupel_mysql_connection_mark_dirty;
  connection_class->get_role = cupel_mysql_connection_get_role;
  connection_class->reset = cupel_mysql_connection_reset;
  connection_class->ping = cupel_mysql_connection_ping;
  connection_class->get_status = cupel_mysql_connection_get_status;
  connection_class->is_alive = cupel_mysql_connection_is_alive;
  connection_class->close = cupel_mysql_connection_close;
  connection_class->terminate = cupel_mysql_connection_terminate;
  connection_class->get_socket = cupel_mysql_connection_get_socket;
  connection_class->abandon = cupel_mysql_connection_abandon;
}

static void
cupel_mysql_connection_init (CupelMysqlConnection *self)
{
  self->fd = -1;
  self->deadline = CUPEL_NO_DEADLINE;
  self->statements = cupel_mysql_statements_new ();
  g_queue_init (&self->lru);
}

/* Takes @mysql, which is connected and idle. */
CupelDriverConnection *
cupel_mysql_connection_new (CupelMysqlParams *params,
                            MYSQL            *mysql)
{
  CupelMysqlConnection *self = g_object_new (CUPEL_TYPE_MYSQL_CONNECTION, NULL);
  MY_CHARSET_INFO charset = { 0, };
  const char *version;
  char *end;
  guint64 number;

  self->params = cupel_mysql_params_ref (params);
  self->mysql = mysql;
  self->fd = fcntl (cupel_mysql_client_get_socket (mysql), F_DUPFD_CLOEXEC, 0);
  self->autocommit = (mysql->server_status & SERVER_STATUS_AUTOCOMMIT) != 0;
  mysql_get_character_set_info (mysql, &charset);
  self->collation = charset.name;
  self->cache_size = cupel_mysql_params_get_statement_cache (params);
  cupel_mysql_client_init (self);
  /* "5.5.5-" stands before the version of a MariaDB, for replication's sake; not every library takes it away. */
  version = mysql_get_server_info (self->mysql);
  if (g_str_has_prefix (version, "5.5.5-"))
    version += strlen ("5.5.5-");
  number = g_ascii_strtoull (version, &end, 10) * 100;
  if (*end == '.')
    number += g_ascii_strtoull (end + 1, NULL, 10);
  self->has_returning = self->is_mariadb && number >= 1005;
  return CUPEL_DRIVER_CONNECTION (self);
}
