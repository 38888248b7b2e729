/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How an operation begins, is interrupted and, when nothing else helps, cut off, and how it is proved that nothing of it is left. */

#include "cupel-mysql-private.h"

#include <sys/socket.h>

gboolean
cupel_mysql_connection_enter (CupelMysqlConnection  *self,
                              gint64                 deadline,
                              GCancellable          *cancellable,
                              gboolean               killable,
                              GError               **error)
{
  if (self->op != CUPEL_MYSQL_OP_NONE || self->suspended)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
                   "Another operation is in progress on this connection to the MySQL server; await it first");
      return FALSE;
    }
  if (self->mysql == NULL || self->broken)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
                   "The connection to the MySQL server is lost or closed; use a new one");
      return FALSE;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  self->op = CUPEL_MYSQL_OP_RUNNING;
  self->deadline = deadline;
  self->cancellable = cancellable;
  self->killable = killable;
  return TRUE;
}

void
cupel_mysql_connection_break (CupelMysqlConnection *self)
{
  self->broken = TRUE;
  if (self->fd >= 0)
    shutdown (self->fd, SHUT_RDWR);
}

/* Takes @reason. */
void
cupel_mysql_connection_interrupt (CupelMysqlConnection *self,
                                  GError               *reason)
{
  if (self->op != CUPEL_MYSQL_OP_RUNNING)
    {
      g_error_free (reason);
      return;
    }

  self->op = CUPEL_MYSQL_OP_INTERRUPTED;
  self->op_error = reason;
  self->grace = g_get_monotonic_time ();
  /* Clean-up that is out of time has had its time. */
  if (self->killable || !g_error_matches (reason, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
    self->grace += CUPEL_MYSQL_GRACE;
  if (self->killable && self->mysql != NULL)
    self->kill = cupel_mysql_kill_start (self->params, mysql_thread_id (self->mysql));
}

gboolean
cupel_mysql_connection_check (CupelMysqlConnection *self)
{
  GError *error = NULL;

  if (self->op != CUPEL_MYSQL_OP_RUNNING)
    return FALSE;
  if (g_cancellable_set_error_if_cancelled (self->cancellable, &error))
    {
      cupel_mysql_connection_interrupt (self, error);
      return FALSE;
    }
  return TRUE;
}

void
cupel_mysql_connection_wait_failed (CupelMysqlConnection *self,
                                    GError               *error)
{
  if (!self->broken && self->op == CUPEL_MYSQL_OP_RUNNING)
    {
      cupel_mysql_connection_interrupt (self, error);
      return;
    }
  g_error_free (error);
  if (!self->broken)
    cupel_mysql_connection_break (self);
}

gboolean
cupel_mysql_connection_command (CupelMysqlConnection  *self,
                                const char            *sql,
                                GError               **error)
{
  gboolean ok = cupel_mysql_client_query (self, sql, strlen (sql));

  /* Our own statements change nothing in the session that is not known. */
  self->mysql->server_status &= ~(unsigned int) SERVER_SESSION_STATE_CHANGED;
  if (ok)
    return TRUE;

  cupel_mysql_set_error (error, self->mysql, NULL);
  return FALSE;
}

void
cupel_mysql_connection_soak (CupelMysqlConnection *self)
{
  CupelMysqlKill *kill = g_steal_pointer (&self->kill);

  if (kill == NULL)
    return;

  /* The kill may have come after the end of the statement that it was meant for: let it hit this one. */
  if (!cupel_mysql_kill_finish (kill, !self->broken, self->grace))
    cupel_mysql_connection_break (self);
  else if (!self->broken &&
           !cupel_mysql_client_query (self, "DO 0", strlen ("DO 0")) &&
           cupel_mysql_code_is_lost (mysql_errno (self->mysql)))
    cupel_mysql_connection_break (self);
}

/* Reads and drops what is left of the open result. A little is read as it is; of much the rest is cut off at the server. */
gboolean
cupel_mysql_connection_abandon_rows (CupelMysqlConnection *self)
{
  CupelMysqlRows *rows = self->open;
  gint64 start = g_get_monotonic_time ();
  int result;

  if (rows == NULL)
    return !self->broken;

  g_clear_pointer (&rows->block, cupel_row_block_unref);
  rows->bytes = 0;
  self->cursor = NULL;

  while ((result = cupel_mysql_rows_fetch (rows, 64)) == 0)
    if (self->kill == NULL && !self->broken &&
        (rows->bytes > CUPEL_MYSQL_DRAIN_BYTES || g_get_monotonic_time () - start > CUPEL_MYSQL_DRAIN_TIME))
      self->kill = cupel_mysql_kill_start (self->params, mysql_thread_id (self->mysql));
  if (result != MYSQL_NO_DATA && cupel_mysql_code_is_lost (mysql_errno (self->mysql)))
    cupel_mysql_connection_break (self);

  cupel_mysql_rows_release (rows);
  return !self->broken;
}

gboolean
cupel_mysql_connection_settle (CupelMysqlConnection  *self,
                               GError               **error)
{
  if (self->open == NULL)
    return TRUE;
  if (self->cursor != NULL)
    return cupel_mysql_cursor_buffer (self->cursor, error);

  /* Its reader went away without closing it. */
  self->grace = g_get_monotonic_time () + CUPEL_MYSQL_GRACE;
  cupel_mysql_connection_abandon_rows (self);
  cupel_mysql_connection_soak (self);
  if (!self->broken)
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
               "A stream was dropped without being closed, and the connection to the MySQL server could not be cleaned up");
  return FALSE;
}

/* After an interruption: proves that nothing of it is left, or gives the link up. */
static void
cupel_mysql_connection_prove_clean (CupelMysqlConnection *self)
{
  if (self->open != NULL && !cupel_mysql_connection_abandon_rows (self))
    cupel_mysql_connection_break (self);
  cupel_mysql_connection_soak (self);
  /* Nobody but the batch knows of it: what follows must not become a part of it. */
  if (self->own_transaction && !self->broken && !cupel_mysql_client_query (self, "ROLLBACK", strlen ("ROLLBACK")))
    cupel_mysql_connection_break (self);
}

gboolean
cupel_mysql_connection_leave (CupelMysqlConnection  *self,
                              gboolean               ok,
                              GError               **error)
{
  g_autoptr(GError) reason = NULL;

  if (self->op == CUPEL_MYSQL_OP_INTERRUPTED)
    cupel_mysql_connection_prove_clean (self);

  reason = g_steal_pointer (&self->op_error);
  if (!ok && error != NULL && cupel_error_is_disconnect (*error))
    cupel_mysql_connection_break (self);
  if (!ok && error != NULL && *error != NULL)
    cupel_mysql_connection_note_error (self, error);

  self->own_transaction = FALSE;
  self->op = CUPEL_MYSQL_OP_NONE;
  self->cancellable = NULL;
  self->deadline = CUPEL_NO_DEADLINE;

  if (self->terminated)
    cupel_mysql_connection_free_handle (self);

  if (reason != NULL && (!ok || self->killable))
    {
      g_clear_error (error);
      g_propagate_error (error, g_steal_pointer (&reason));
      return FALSE;
    }
  return ok;
}
