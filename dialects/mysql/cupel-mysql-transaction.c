/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions. The server's begin by themselves, with the first statement, for its autocommit mode is off: BEGIN costs
 * nothing, and only a transaction that is to be unlike the others costs one round trip. */

#include "cupel-mysql-private.h"

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

gboolean
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
  self->read_only = FALSE;
}

/* A statement that commits by itself ended the transaction, which the server tells with its answer; with errors it does not. */
void
cupel_mysql_connection_notice_end (CupelMysqlConnection *self,
                                   gboolean              had_begun)
{
  if (had_begun && self->open == NULL && (self->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0)
    cupel_mysql_connection_forget_transaction (self);
}

/* What @error, of a statement, means for the transaction. */
void
cupel_mysql_connection_note_error (CupelMysqlConnection  *self,
                                   GError               **error)
{
  if (self->read_only && cupel_error_get_native_code (*error) == 1792)
    {
      CupelErrorDetails details = {
        .sqlstate = cupel_error_get_sqlstate (*error),
        .native_code = 1792,
        .category = CUPEL_ERROR_CATEGORY_PROGRAM,
      };
      GError *clearer = cupel_error_new_with_details (CUPEL_ERROR_PROGRAMMING, &details,
                                                      "The transaction was begun as read-only, and the statement writes "
                                                      "(MySQL error 1792)");

      g_error_free (*error);
      *error = clearer;
    }
  if (cupel_mysql_error_ends_transaction (*error) && cupel_mysql_connection_has_transaction (self))
    self->transaction_lost = TRUE;
}

gboolean
cupel_mysql_connection_set_autocommit (CupelMysqlConnection  *self,
                                       gboolean               autocommit,
                                       GError               **error)
{
  if (self->autocommit == autocommit)
    return TRUE;
  if (!cupel_mysql_connection_command (self, autocommit ? "SET autocommit=1" : "SET autocommit=0", error))
    return FALSE;
  self->autocommit = autocommit;
  return TRUE;
}

/* What holds for the next transaction alone is dropped by the server with any COMMIT or ROLLBACK: from here on one of them will be
 * sent, even if no statement follows. */
gboolean
cupel_mysql_connection_open_transaction (CupelMysqlConnection  *self,
                                         GError               **error)
{
  const char *level = cupel_mysql_isolation_name (self->next.isolation);
  gboolean read_only = self->next.read_only;
  g_autofree char *sql = NULL;

  if (!cupel_mysql_connection_set_autocommit (self, FALSE, error))
    return FALSE;

  self->next = (CupelTransactionOptions) { 0 };
  self->in_transaction = TRUE;
  if (level == NULL && !read_only)
    return TRUE;

  if (level == NULL)
    sql = g_strdup ("START TRANSACTION READ ONLY");
  else
    sql = g_strdup_printf ("SET TRANSACTION ISOLATION LEVEL %s%s", level, read_only ? ", READ ONLY" : "");
  self->read_only = read_only;
  if (cupel_mysql_connection_command (self, sql, error))
    return TRUE;

  /* Refused, it changed nothing; interrupted, nobody knows. */
  if (self->op == CUPEL_MYSQL_OP_RUNNING && !self->broken)
    cupel_mysql_connection_forget_transaction (self);
  return FALSE;
}

gboolean
cupel_mysql_connection_set_transaction (CupelDriverConnection         *connection,
                                        const CupelTransactionOptions *options,
                                        GError                       **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  gboolean plain = options == NULL || (options->isolation == CUPEL_ISOLATION_DEFAULT && !options->read_only);

  if (options != NULL && options->deferrable)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                   "MySQL has no DEFERRABLE transactions; begin one that is read-only, or serializable, without it");
      return FALSE;
    }
  if (!plain && (self->isolation == CUPEL_ISOLATION_AUTOCOMMIT || options->isolation == CUPEL_ISOLATION_AUTOCOMMIT))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                   "A transaction needs an isolation level of transactions, and the connection is in autocommit mode or the level is "
                   "AUTOCOMMIT");
      return FALSE;
    }

  self->next = plain ? (CupelTransactionOptions) { 0 } : *options;
  return TRUE;
}

gboolean
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
       cupel_mysql_connection_open_transaction (self, &failure);
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

/* Whether nobody can say what became of a COMMIT that ended with the error that the library has. That the server names an
 * interruption proves nothing: it may have come between the end of the work and the answer. */
static gboolean
cupel_mysql_connection_is_outcome_unknown (CupelMysqlConnection *self)
{
  guint code = mysql_errno (self->mysql);

  switch (code)
    {
    case CR_SERVER_GONE_ERROR: case CR_ERR_NET_WRITE:   /* it did not leave */
      return self->broken;
    case 1317: case 1969: case 3024:
      return TRUE;
    default:
      return self->broken || cupel_mysql_code_is_lost (code);
    }
}

gboolean
cupel_mysql_connection_send_commit (CupelMysqlConnection  *self,
                                    GError               **error)
{
  CupelErrorDetails details = { .category = CUPEL_ERROR_CATEGORY_UNKNOWN };
  GError *failure = NULL;

  if (cupel_mysql_connection_command (self, "COMMIT", &failure))
    return TRUE;
  if (!cupel_mysql_connection_is_outcome_unknown (self))
    {
      g_propagate_error (error, failure);
      return FALSE;
    }

  details.native_code = cupel_error_get_native_code (failure);
  details.sqlstate = cupel_error_get_sqlstate (failure);
  details.disconnect = self->broken || cupel_error_is_disconnect (failure);
  cupel_set_error_with_details (error, CUPEL_ERROR_OUTCOME_UNKNOWN, &details,
                                "COMMIT was sent and the answer of the MySQL server never came or tells nothing (%s); look whether the "
                                "work is there before doing it again", failure->message);
  g_error_free (failure);
  /* A server that still answers: whatever is open is rolled back before anything else. */
  self->transaction_lost = TRUE;
  return FALSE;
}

gboolean
cupel_mysql_connection_commit (CupelDriverConnection  *connection,
                               GCancellable           *cancellable,
                               GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  g_autoptr(GError) unknown = NULL;
  gboolean ok;

  if (self->transaction_lost)
    {
      cupel_mysql_connection_set_pending_rollback (error);
      return FALSE;
    }
  if (!self->broken && self->mysql != NULL && !cupel_mysql_connection_has_transaction (self))
    return TRUE;

  /* Not killable: a COMMIT that is under way gets its second, and then nobody can say what became of it. */
  if (!cupel_mysql_connection_enter (self, CUPEL_NO_DEADLINE, cancellable, FALSE, error))
    return FALSE;

  ok = cupel_mysql_connection_settle (self, &failure) &&
       cupel_mysql_connection_send_commit (self, &failure);
  if (g_error_matches (failure, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
    unknown = g_error_copy (failure);
  ok = cupel_mysql_connection_leave (self, ok, &failure);

  if (ok)
    {
      cupel_mysql_connection_forget_transaction (self);
      return TRUE;
    }
  /* This is more than the reason why it was given up. */
  if (unknown != NULL)
    {
      g_clear_error (&failure);
      failure = g_steal_pointer (&unknown);
    }
  g_propagate_error (error, failure);
  return FALSE;
}

gboolean
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

gboolean
cupel_mysql_connection_set_level (CupelMysqlConnection  *self,
                                  CupelIsolationLevel    level,
                                  GError               **error)
{
  const char *name = cupel_mysql_isolation_name (level);

  if (name != NULL)
    {
      g_autofree char *sql = g_strdup_printf ("SET SESSION TRANSACTION ISOLATION LEVEL %s", name);

      /* An interruption may leave it in force. */
      self->isolation_changed = TRUE;
      if (!cupel_mysql_connection_command (self, sql, error))
        return FALSE;
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

gboolean
cupel_mysql_connection_set_isolation (CupelDriverConnection  *connection,
                                      CupelIsolationLevel     level,
                                      GCancellable           *cancellable,
                                      GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  if (level == self->isolation && !self->broken && (level != CUPEL_ISOLATION_DEFAULT || !self->isolation_changed))
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

void
cupel_mysql_connection_set_pending_rollback (GError **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
               "The transaction cannot go on after a deadlock, a lock wait that timed out or the like; roll back and do all of it again");
}
