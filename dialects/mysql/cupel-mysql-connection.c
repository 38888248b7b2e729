/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

G_DEFINE_TYPE (CupelMysqlConnection, cupel_mysql_connection, CUPEL_TYPE_MYSQL_PARENT)

static const char *
cupel_mysql_isolation_name (CupelIsolationLevel level)
{
  switch (level)
    {
    case CUPEL_ISOLATION_READ_UNCOMMITTED:
      return "READ UNCOMMITTED";
    case CUPEL_ISOLATION_READ_COMMITTED:
      return "READ COMMITTED";
    case CUPEL_ISOLATION_REPEATABLE_READ:
      return "REPEATABLE READ";
    case CUPEL_ISOLATION_SERIALIZABLE:
      return "SERIALIZABLE";
    case CUPEL_ISOLATION_DEFAULT:
    case CUPEL_ISOLATION_AUTOCOMMIT:
    default:
      return NULL;
    }
}

static gboolean
cupel_mysql_connection_has_transaction (CupelMysqlConnection *self)
{
  return self->in_transaction || self->transaction_lost ||
         (self->mysql != NULL && (self->mysql->server_status & SERVER_STATUS_IN_TRANS) != 0);
}

static void
cupel_mysql_connection_forget_transaction (CupelMysqlConnection *self)
{
  self->in_transaction = FALSE;
  self->transaction_lost = FALSE;
}

static gboolean
cupel_mysql_connection_begin (CupelDriverConnection  *connection,
                              GCancellable           *cancellable,
                              GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  if (self->isolation == CUPEL_ISOLATION_AUTOCOMMIT || cupel_mysql_connection_has_transaction (self))
    return TRUE;
  if (!cupel_mysql_connection_enter (self, CUPEL_NO_DEADLINE, cancellable, TRUE, error))
    return FALSE;

  ok = cupel_mysql_connection_settle (self, &failure) &&
       cupel_mysql_connection_set_autocommit (self, FALSE, &failure);
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (ok)
    self->in_transaction = TRUE;
  else
    g_propagate_error (error, failure);
  return ok;
}

static gboolean
cupel_mysql_connection_commit (CupelDriverConnection  *connection,
                               GCancellable           *cancellable,
                               GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean sent = FALSE;
  gboolean ok;

  if (self->transaction_lost)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
                   "The MySQL server has rolled the transaction back because of a deadlock; roll back and do all of it again");
      return FALSE;
    }
  if (!self->broken && self->mysql != NULL && !cupel_mysql_connection_has_transaction (self))
    return TRUE;

  /* Not killable: a COMMIT that is under way gets its second, and then nobody can say what became of it. */
  if (!cupel_mysql_connection_enter (self, CUPEL_NO_DEADLINE, cancellable, FALSE, error))
    return FALSE;

  ok = cupel_mysql_connection_settle (self, &failure);
  if (ok)
    {
      ok = cupel_mysql_connection_command (self, "COMMIT", &failure);
      /* 5014 and 2006: it did not leave */
      sent = !ok && (self->broken || mysql_errno (self->mysql) == CR_SERVER_LOST || mysql_errno (self->mysql) == CR_ERR_NET_READ);
    }
  ok = cupel_mysql_connection_leave (self, ok, &failure);

  if (ok)
    {
      cupel_mysql_connection_forget_transaction (self);
      return TRUE;
    }
  if (sent)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN,
                   "COMMIT was sent and the answer of the MySQL server never came (%s); look whether the work is there before "
                   "doing it again", failure->message);
      g_error_free (failure);
      return FALSE;
    }
  if (g_error_matches (failure, CUPEL_ERROR, CUPEL_ERROR_DEADLOCK))
    self->transaction_lost = TRUE;
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
cupel_mysql_connection_rollback (CupelDriverConnection  *connection,
                                 gint64                  deadline,
                                 GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  if (!self->broken && self->mysql != NULL && self->open == NULL && !cupel_mysql_connection_has_transaction (self))
    return TRUE;
  if (!cupel_mysql_connection_enter (self, deadline, NULL, FALSE, error))
    return FALSE;

  /* A stream ends with its transaction: nobody gets the rest. */
  if (self->cursor != NULL)
    cupel_mysql_cursor_orphan (self->cursor);
  self->cursor = NULL;
  ok = cupel_mysql_connection_settle (self, &failure) &&
       cupel_mysql_connection_command (self, "ROLLBACK", &failure);
  /* Galera may answer with the certification failure once more: it is rolled back. */
  if (!ok && !self->broken && g_error_matches (failure, CUPEL_ERROR, CUPEL_ERROR_DEADLOCK))
    {
      g_clear_error (&failure);
      ok = TRUE;
    }
  ok = cupel_mysql_connection_leave (self, ok, &failure);

  if (ok)
    cupel_mysql_connection_forget_transaction (self);
  else
    g_propagate_error (error, failure);
  return ok;
}

static gboolean
cupel_mysql_connection_set_level (CupelMysqlConnection  *self,
                                  CupelIsolationLevel    level,
                                  GError               **error)
{
  const char *name = cupel_mysql_isolation_name (level);

  if (name != NULL)
    {
      g_autofree char *sql = g_strdup_printf ("SET SESSION TRANSACTION ISOLATION LEVEL %s", name);

      if (!cupel_mysql_connection_command (self, sql, error))
        return FALSE;
      self->isolation_changed = TRUE;
    }
  else if (self->isolation_changed)
    {
      if (!cupel_mysql_connection_command (self, self->is_mariadb ? "SET SESSION tx_isolation=DEFAULT"
                                                                  : "SET SESSION transaction_isolation=DEFAULT", error))
        return FALSE;
      self->isolation_changed = FALSE;
    }
  if (!cupel_mysql_connection_set_autocommit (self, level == CUPEL_ISOLATION_AUTOCOMMIT, error))
    return FALSE;
  self->isolation = level;
  return TRUE;
}

static gboolean
cupel_mysql_connection_set_isolation (CupelDriverConnection  *connection,
                                      CupelIsolationLevel     level,
                                      GCancellable           *cancellable,
                                      GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  if (level == self->isolation && !self->broken)
    return TRUE;
  if (cupel_mysql_connection_has_transaction (self))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                   "The isolation level can be set only outside of a transaction");
      return FALSE;
    }
  if (!cupel_mysql_connection_enter (self, CUPEL_NO_DEADLINE, cancellable, TRUE, error))
    return FALSE;

  ok = cupel_mysql_connection_settle (self, &failure) &&
       cupel_mysql_connection_set_level (self, level, &failure);
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

static gboolean
cupel_mysql_connection_reset (CupelDriverConnection  *connection,
                              gint64                  deadline,
                              GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  /* What is left of a stream interests nobody. */
  if (self->cursor != NULL &&
      !CUPEL_DRIVER_CURSOR_GET_CLASS (self->cursor)->close (CUPEL_DRIVER_CURSOR (self->cursor), deadline, error))
    return FALSE;
  if (!cupel_mysql_connection_rollback (connection, deadline, error))
    return FALSE;
  if (self->isolation == CUPEL_ISOLATION_DEFAULT && !self->isolation_changed)
    return TRUE;

  if (!cupel_mysql_connection_enter (self, deadline, NULL, FALSE, error))
    return FALSE;
  ok = cupel_mysql_connection_set_level (self, CUPEL_ISOLATION_DEFAULT, &failure);
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

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
  connection_class->reset = cupel_mysql_connection_reset;
  connection_class->ping = cupel_mysql_connection_ping;
  connection_class->get_status = cupel_mysql_connection_get_status;
  connection_class->is_alive = cupel_mysql_connection_is_alive;
  connection_class->close = cupel_mysql_connection_close;
  connection_class->terminate = cupel_mysql_connection_terminate;
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

  self->params = cupel_mysql_params_ref (params);
  self->mysql = mysql;
  self->fd = fcntl (cupel_mysql_client_get_socket (mysql), F_DUPFD_CLOEXEC, 0);
  self->autocommit = (mysql->server_status & SERVER_STATUS_AUTOCOMMIT) != 0;
  self->cache_size = cupel_mysql_params_get_statement_cache (params);
  cupel_mysql_client_init (self);
  return CUPEL_DRIVER_CONNECTION (self);
}
