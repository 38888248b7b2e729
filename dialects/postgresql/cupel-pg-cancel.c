/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-cancel.h"

struct _CupelPgCancel
{
  gint             ref_count;
  CupelCompletion *done;
  gboolean         taken;      /* valid when done */
  PGconn          *kept;       /* nullable */
#ifdef LIBPQ_HAS_ASYNC_CANCEL
  PGcancelConn    *request;
#else
  PGcancel        *request;
#endif
};

void
cupel_pg_cancel_free (CupelPgCancel *cancel)
{
  if (!g_atomic_int_dec_and_test (&cancel->ref_count))
    return;
#ifdef LIBPQ_HAS_ASYNC_CANCEL
  PQcancelFinish (cancel->request);
#else
  PQfreeCancel (cancel->request);
#endif
  cupel_completion_unref (cancel->done);
  if (cancel->kept != NULL)
    PQfinish (cancel->kept);
  g_free (cancel);
}

static void
ignore_notice (void           *data,
               const PGresult *result)
{
}

void
cupel_pg_cancel_keep (CupelPgCancel *cancel,
                      PGconn        *conn)
{
  PQsetNoticeReceiver (conn, ignore_notice, NULL);
  cancel->kept = conn;
}

/* It opens a connection of its own and blocks until the server closes it: a thread may take as long as that takes. The time
 * limits of the socket are those of the connection, so that it ends some time although nobody waits for it any more. */
static gpointer
cancel_thread (gpointer data)
{
  CupelPgCancel *cancel = data;

#ifdef LIBPQ_HAS_ASYNC_CANCEL
  cancel->taken = PQcancelBlocking (cancel->request) != 0;
#else
  char message[256];

  cancel->taken = PQcancel (cancel->request, message, sizeof message) != 0;
#endif
  cupel_completion_complete (cancel->done);
  cupel_pg_cancel_free (cancel);
  return NULL;
}

CupelPgCancel *
cupel_pg_cancel_send (PGconn *conn)
{
  CupelPgCancel *cancel = g_new0 (CupelPgCancel, 1);
  GThread *thread;

  cancel->ref_count = 2;
  cancel->done = cupel_completion_new ();
#ifdef LIBPQ_HAS_ASYNC_CANCEL
  cancel->request = PQcancelCreate (conn);
#else
  cancel->request = PQgetCancel (conn);
#endif
  if (cancel->request != NULL &&
      (thread = g_thread_try_new ("cupel-pg-cancel", cancel_thread, cancel, NULL)) != NULL)
    {
      g_thread_unref (thread);
      return cancel;
    }
  cancel->ref_count = 1;
  cupel_pg_cancel_free (cancel);
  return NULL;
}

gboolean
cupel_pg_cancel_wait (CupelPgCancel *cancel,
                      gint64         deadline)
{
  return cupel_completion_wait (cancel->done, deadline, NULL, NULL) && cancel->taken;
}
