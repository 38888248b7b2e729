/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The wire of one connection. libpq is always in nonblocking and in pipeline mode; its rules are kept here and nowhere else:
 * while PQflush () has something left, wait for both directions and read what comes; ask for a result only when PQisBusy () says
 * that it is complete. Otherwise both ends can wait for each other for ever. */

#include "cupel-pg-connection.h"

#include "cupel-pg-auth.h"
#include "cupel-pg-cursor.h"
#include "cupel-pg-error.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* How long a stopped statement may take to answer before the connection is given up: who is cancelled wants to go on. */
#define CANCEL_GRACE G_USEC_PER_SEC
/* How long a block that nobody wants any more may take before the server is asked to stop. */
#define BLOCK_PATIENCE (G_USEC_PER_SEC / 10)
/* How often a late cancel request may be soaked up before something else must be wrong. */
#define MAX_PROBES 3

/* Bytes that TLS has decrypted and libpq has not taken: the socket says nothing of them. libpq does not tell either, so OpenSSL is
 * asked, the very one that libpq uses. */
static gboolean
has_pending (CupelPgConnection *self)
{
  static gsize once = 0;
  static int (*pending) (const void *ssl) = NULL;
  void *ssl = PQsslStruct (self->conn, "OpenSSL");

  if (ssl == NULL)
    return FALSE;
  if (g_once_init_enter (&once))
    {
      *(void **) &pending = cupel_pg_find_openssl ("SSL_pending");
      g_once_init_leave (&once, 1);
    }
  return pending != NULL && pending (ssl) > 0;
}

void
cupel_pg_link_set_lost (CupelPgConnection  *self,
                        GError            **error)
{
  g_autofree char *message = NULL;
  char *end;

  self->broken = TRUE;
  if (error == NULL || *error != NULL)
    return;
  message = g_utf8_make_valid (self->conn != NULL ? PQerrorMessage (self->conn) : "", -1);
  if ((end = strchr (message, '\n')) != NULL)
    *end = '\0';
  cupel_set_error_with_details (error, CUPEL_ERROR_DISCONNECTED,
                                &(CupelErrorDetails) {
                                  .disconnect = TRUE, .retryable = TRUE, .category = CUPEL_ERROR_CATEGORY_LOST
                                },
                                "The connection to PostgreSQL at %s was lost%s%s", self->where,
                                *message != '\0' ? ": " : "", message);
}

/* The answer of the fiber to a wait that failed. Once: ask the server to stop and go on waiting for its answer, for a short while.
 * After that the connection is given up. */
static gboolean
handle_stop (CupelPgConnection  *self,
             GError             *reason,
             GError            **error)
{
  if (self->stopped == NULL && !self->broken &&
      (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
       g_error_matches (reason, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT)) &&
      (self->cancel = cupel_pg_cancel_send (self->conn)) != NULL)
    {
      self->stopped = reason;
      self->cancellable = NULL;
      self->deadline = MAX (g_get_monotonic_time () + CANCEL_GRACE, self->grace_end);
      return TRUE;
    }

  self->broken = TRUE;
  if (self->stopped != NULL)
    {
      g_error_free (reason);
      reason = g_error_copy (self->stopped);
    }
  g_propagate_error (error, reason);
  return FALSE;
}

static GIOCondition
link_wait (CupelPgConnection  *self,
           GIOCondition        condition,
           GError            **error)
{
  for (;;)
    {
      GError *local = NULL;
      GIOCondition ready = cupel_io_watch_wait (self->watch, condition, self->deadline, self->cancellable, &local);

      if (ready != 0)
        return ready;
      if (!handle_stop (self, local, error))
        return 0;
    }
}

gboolean
cupel_pg_link_flush (CupelPgConnection  *self,
                     GError            **error)
{
  int left;

  self->in_flight = TRUE;
  while ((left = PQflush (self->conn)) == 1)
    {
      GIOCondition ready = link_wait (self, G_IO_IN | G_IO_OUT, error);

      if (ready == 0)
        return FALSE;
      if ((ready & (G_IO_IN | G_IO_HUP | G_IO_ERR)) != 0 && !PQconsumeInput (self->conn))
        return TRUE;   /* lost: the results say why */
    }
  /* A write that failed may have been answered with the reason before: reading finds out. */
  return TRUE;
}

gboolean
cupel_pg_link_get_result (CupelPgConnection  *self,
                          PGresult          **result,
                          GError            **error)
{
  *result = NULL;
  if (!cupel_pg_link_flush (self, error))
    return FALSE;
  while (PQisBusy (self->conn))
    {
      if (PQstatus (self->conn) == CONNECTION_BAD)
        break;         /* what is left to take does not block */
      if (!has_pending (self) && link_wait (self, G_IO_IN, error) == 0)
        return FALSE;
      if (!PQconsumeInput (self->conn))
        break;
    }
  *result = PQgetResult (self->conn);
  if (PQstatus (self->conn) == CONNECTION_BAD)
    {
      /* The server may have said why, before it went: a result with a SQLSTATE. In a pipeline NULLs stand between results. */
      PGresult *next = *result;

      for (int i = 0; i < 4; i++, next = PQgetResult (self->conn))
        {
          if (next != NULL && PQresultErrorField (next, PG_DIAG_SQLSTATE) != NULL && cupel_pg_error_is_fatal (next) &&
              error != NULL && *error == NULL)
            *error = cupel_pg_error_new_from_result (next);
          PQclear (next);
        }
      PQclear (next);
      *result = NULL;
      cupel_pg_link_set_lost (self, error);
      return FALSE;
    }
  return TRUE;
}

static gboolean
begin (CupelPgConnection  *self,
       const char         *name,
       gint64              deadline,
       GCancellable       *cancellable,
       GError            **error)
{
  if (self->busy)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
                   "%s: another operation is in progress on this connection: wait for its end", name);
      return FALSE;
    }
  if (self->conn == NULL || self->broken)
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_DISCONNECTED,
                                    &(CupelErrorDetails) { .disconnect = TRUE, .category = CUPEL_ERROR_CATEGORY_LOST },
                                    "%s: the connection to PostgreSQL at %s is over: take another one", name, self->where);
      return FALSE;
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  self->busy = TRUE;
  self->deadline = deadline;
  self->cancellable = cancellable;
  return TRUE;
}

gboolean
cupel_pg_link_begin (CupelPgConnection  *self,
                     const char         *name,
                     gint64              deadline,
                     GCancellable       *cancellable,
                     GError            **error)
{
  if (!begin (self, name, deadline, cancellable, error))
    return FALSE;
  if (!self->ahead || cupel_pg_cursor_take_ahead (self, error))
    return TRUE;
  return cupel_pg_link_end (self, FALSE, error);
}

/* On a busy machine the server's answer to a request to stop is late, and clean-up has the time: it gets most of what there is. Behind a
 * pooler that request costs the connection, so it is put off. */
void
cupel_pg_link_drop_ahead (CupelPgConnection *self,
                          gint64             deadline,
                          gboolean           goes_on)
{
  const gint64 now = g_get_monotonic_time ();
  const gint64 left = deadline == CUPEL_NO_DEADLINE ? 2 * G_USEC_PER_SEC : MAX (deadline - now, 1);

  const gint64 patience = goes_on || self->pooler ? left / 2 : MIN (left / 2, BLOCK_PATIENCE);

  if (!self->ahead || !begin (self, "rollback", now + patience, NULL, NULL))
    return;
  self->grace_end = now + left / 4 * 3;
  cupel_pg_link_end (self, cupel_pg_cursor_take_ahead (self, NULL), NULL);
}

static void
finish (CupelPgConnection *self)
{
  g_clear_pointer (&self->watch, cupel_io_watch_free);
  g_clear_pointer (&self->conn, PQfinish);
}

/* A statement that does nothing. Should a cancel request come late after all, it meets this one. TRUE: it was not met. */
static gboolean
probe (CupelPgConnection *self)
{
  gboolean met = FALSE;

  if (!PQsendQueryParams (self->conn, "", 0, NULL, NULL, NULL, NULL, 1) || !PQpipelineSync (self->conn))
    {
      self->broken = TRUE;
      return FALSE;
    }
  for (guint i = 0; i < 8; i++)
    {
      PGresult *result;
      ExecStatusType status;
      const char *state;

      if (!cupel_pg_link_get_result (self, &result, NULL))
        {
          self->broken = TRUE;
          return FALSE;
        }
      status = PQresultStatus (result);
      state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
      met = met || g_strcmp0 (state, "57014") == 0;
      PQclear (result);
      if (status == PGRES_PIPELINE_SYNC)
        return !met;
    }
  self->broken = TRUE;
  return FALSE;
}

/* A cancel request names the backend, not the statement. The connection is clean when the server has answered, the request has
 * arrived and gone, and a statement after that ran untouched. All of that within the time that was left for the answer. */
static void
leave_quarantine (CupelPgConnection *self)
{
  /* A pooler may have the request still, and give it to whoever has the server then. */
  if (!self->broken && (!cupel_pg_cancel_wait (self->cancel, self->deadline) || self->pooler))
    self->broken = TRUE;
  for (guint i = 0; !self->broken && !probe (self); i++)
    if (i + 1 == MAX_PROBES)
      self->broken = TRUE;
}

gboolean
cupel_pg_link_end (CupelPgConnection  *self,
                   gboolean            ok,
                   GError            **error)
{
  PGnotify *notify;

  if (self->cancel != NULL)
    {
      leave_quarantine (self);
      if (self->broken && self->conn != NULL && PQstatus (self->conn) == CONNECTION_OK)
        {
          g_clear_pointer (&self->watch, cupel_io_watch_free);
          cupel_pg_cancel_keep (self->cancel, g_steal_pointer (&self->conn));
        }
      g_clear_pointer (&self->cancel, cupel_pg_cancel_free);
    }

  if (self->conn != NULL && !self->broken)
    {
      self->in_flight = self->ahead || self->rolling_back;
      while ((notify = PQnotifies (self->conn)) != NULL)
        PQfreemem (notify);
      if (self->rolling_back || PQtransactionStatus (self->conn) == PQTRANS_IDLE)
        self->transaction_serial++;
      else
        self->has_next = FALSE;
    }
  else if (self->broken && self->conn != NULL && PQsocket (self->conn) >= 0)
    shutdown (PQsocket (self->conn), SHUT_RDWR);

  g_clear_error (&self->stopped);
  self->cancellable = NULL;
  self->deadline = CUPEL_NO_DEADLINE;
  self->grace_end = 0;
  self->busy = FALSE;
  if (self->broken)
    finish (self);
  return ok;
}

gboolean
cupel_pg_link_is_alive (CupelPgConnection *self)
{
  char byte;
  ssize_t got;

  if (self->conn == NULL || self->broken || PQstatus (self->conn) != CONNECTION_OK)
    return FALSE;
  /* What waits to be read may be a notice, or the reason for the end that follows. */
  while ((got = recv (PQsocket (self->conn), &byte, 1, MSG_PEEK | MSG_DONTWAIT)) > 0)
    {
      if (self->busy)
        return TRUE;
      if (!PQconsumeInput (self->conn))
        break;
      PQisBusy (self->conn);   /* parses */
      if (self->broken)
        break;
    }
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
    return TRUE;
  self->broken = TRUE;
  return FALSE;
}

void
cupel_pg_link_terminate (CupelPgConnection *self)
{
  self->broken = TRUE;
  if (self->conn == NULL)
    return;
  /* Nothing can block on a socket that is shut down. A fiber that waits for it wakes up, and finishes. */
  if (PQsocket (self->conn) >= 0)
    shutdown (PQsocket (self->conn), SHUT_RDWR);
  if (!self->busy)
    finish (self);
}
