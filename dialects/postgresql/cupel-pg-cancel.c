/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-cancel.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

/* All requests for one statement together. */
#define LIMIT (5 * G_USEC_PER_SEC)
/* Between two requests at first, and at most. */
#define PAUSE (G_USEC_PER_SEC / 10)
#define LONGEST_PAUSE (G_USEC_PER_SEC / 2)

struct _CupelPgCancel
{
  gint             ref_count;
  CupelCompletion *done;
  gboolean         taken;      /* valid when done */
#ifdef LIBPQ_HAS_ASYNC_CANCEL
  PGcancelConn    *request;
#else
  PGcancel        *request;
#endif

  GMutex           lock;
  GCond            moved;
  gboolean         settled;    /* no more requests */
  gboolean         sent;       /* by the thread that sends one */
  PGconn          *kept;       /* nullable */
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
  g_mutex_clear (&cancel->lock);
  g_cond_clear (&cancel->moved);
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
  g_mutex_lock (&cancel->lock);
  cancel->kept = conn;
  g_cond_broadcast (&cancel->moved);
  g_mutex_unlock (&cancel->lock);
}

/* libpq opens a connection for it and blocks until the server closes that one. */
static gpointer
send_thread (gpointer data)
{
  CupelPgCancel *cancel = data;
  gboolean taken;

#ifdef LIBPQ_HAS_ASYNC_CANCEL
  PQcancelReset (cancel->request);
  taken = PQcancelBlocking (cancel->request) != 0;
#else
  char message[256];

  taken = PQcancel (cancel->request, message, sizeof message) != 0;
#endif
  g_mutex_lock (&cancel->lock);
  cancel->sent = TRUE;
  g_cond_broadcast (&cancel->moved);
  g_mutex_unlock (&cancel->lock);
  return GINT_TO_POINTER (taken);
}

typedef struct
{
  CupelPgCancel *cancel;
  gint64         deadline;
} Request;

/* The socket is libpq's and it does not tell which. But a thread can have a table of files for itself and for the threads that it
 * starts: what libpq opens there is all that there is, and can be shut down when it takes too long. */
static gpointer
request_thread (gpointer data)
{
  Request *request = data;
  CupelPgCancel *cancel = request->cancel;
  gboolean alone = FALSE, cut = FALSE;
  GThread *thread;

#ifdef CLOSE_RANGE_UNSHARE
  alone = close_range (STDERR_FILENO + 1, ~0U, CLOSE_RANGE_UNSHARE) == 0;
  if (alone)
    {
      int fd;

      while ((fd = open ("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 && fd <= STDERR_FILENO)
        ;
      if (fd >= 0)
        close (fd);
    }
#endif
  cancel->sent = FALSE;
  if ((thread = g_thread_try_new ("cupel-pg-cancel", send_thread, cancel, NULL)) == NULL)
    return GINT_TO_POINTER (FALSE);
  g_mutex_lock (&cancel->lock);
  while (alone && !cancel->sent)
    {
      gint64 until = cut ? g_get_monotonic_time () + PAUSE : request->deadline;

      if (g_cond_wait_until (&cancel->moved, &cancel->lock, until))
        continue;
      cut = TRUE;
      for (int fd = STDERR_FILENO + 1; fd < STDERR_FILENO + 8; fd++)
        shutdown (fd, SHUT_RDWR);
    }
  g_mutex_unlock (&cancel->lock);
  return GINT_TO_POINTER (GPOINTER_TO_INT (g_thread_join (thread)) && !cut);
}

/* The server answered, or is gone. */
static gboolean
has_answered (PGconn *conn)
{
  struct pollfd fd = { PQsocket (conn), POLLIN, 0 };

  return fd.fd < 0 || poll (&fd, 1, 0) != 0;
}

/* A request that comes before the server has begun with the statement has no effect, and on a busy machine that happens. So it is
 * repeated until there is an answer. Nobody may be waiting for that any more; what was given up must not run on for hours. */
static gpointer
cancel_thread (gpointer data)
{
  CupelPgCancel *cancel = data;
  Request request = { cancel, g_get_monotonic_time () + LIMIT };
  gint64 pause = PAUSE;
  gboolean over = FALSE;

  cancel->taken = TRUE;
  while (!over)
    {
      GThread *thread = g_thread_try_new ("cupel-pg-cancel", request_thread, &request, NULL);
      gint64 until;

      if (thread == NULL || !GPOINTER_TO_INT (g_thread_join (thread)))
        cancel->taken = FALSE;
      until = g_get_monotonic_time () + pause;
      pause = MIN (2 * pause, LONGEST_PAUSE);
      g_mutex_lock (&cancel->lock);
      while (!cancel->settled && g_cond_wait_until (&cancel->moved, &cancel->lock, until))
        ;
      over = cancel->settled || (cancel->kept != NULL && has_answered (cancel->kept)) ||
             g_get_monotonic_time () >= request.deadline;
      g_mutex_unlock (&cancel->lock);
    }
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
  g_mutex_init (&cancel->lock);
  g_cond_init (&cancel->moved);
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
  g_mutex_lock (&cancel->lock);
  cancel->settled = TRUE;
  g_cond_broadcast (&cancel->moved);
  g_mutex_unlock (&cancel->lock);
  return cupel_completion_wait (cancel->done, deadline, NULL, NULL) && cancel->taken;
}
