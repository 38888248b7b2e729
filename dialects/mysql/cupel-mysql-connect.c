/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The two things that block: connecting, and KILL QUERY, which needs a connection of its own. Each has a thread; whoever waits
 * may give up, and the thread cleans up after itself. */

#include "cupel-mysql-private.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CUPEL_MYSQL_CONNECT_TIME    (10 * G_USEC_PER_SEC)
#define CUPEL_MYSQL_KILL_TIME       (2 * G_USEC_PER_SEC)
#define CUPEL_MYSQL_KILL_PAUSE      (G_USEC_PER_SEC / 10)   /* between two at first */
#define CUPEL_MYSQL_PLUGIN_REFUSED  5010    /* an error of Connector/C */

/* A LOAD DATA LOCAL that a server asks for by itself. */
static int
cupel_mysql_refuse_infile (void      **ptr,
                           const char *filename,
                           void       *user_data)
{
  *ptr = NULL;
  return 1;
}

static int
cupel_mysql_refuse_infile_read (void         *ptr,
                                char         *buffer,
                                unsigned int  length)
{
  return -1;
}

static void
cupel_mysql_refuse_infile_end (void *ptr)
{
}

static int
cupel_mysql_refuse_infile_error (void         *ptr,
                                 char         *buffer,
                                 unsigned int  length)
{
  if (length > 0)
    g_strlcpy (buffer, "LOAD DATA LOCAL is off", length);
  return CR_UNKNOWN_ERROR;
}

/* Errors that the library has by itself: no server said anything. */
static gboolean
cupel_mysql_code_is_local (guint code)
{
  return (code >= 2000 && code < 3000) || (code >= 5000 && code < 6000);
}

static const char *
cupel_mysql_step_name (int step)
{
  static const char *const names[] = { "connecting", "logging in", "TLS" };

  return names[step];
}

static void
cupel_mysql_set_connect_error (CupelMysqlAttempt  *attempt,
                               GError            **error)
{
  guint code = mysql_errno (attempt->mysql);
  g_autofree char *refusal = NULL;
  g_autoptr(GError) local = NULL;
  GError *told = NULL;

  /* The name that the library would tell is what happens to be in its buffer by then. */
  if (code == CUPEL_MYSQL_PLUGIN_REFUSED)
    refusal = g_strdup_printf ("the server asks user \"%s\" for an authentication plugin that is not allowed here; MySQL asks a user "
                               "that it does not know for any of its plugins", attempt->params->user);
  local = cupel_mysql_error_new (code, mysql_sqlstate (attempt->mysql),
                                 refusal != NULL ? refusal : mysql_error (attempt->mysql), TRUE);

  if (!cupel_mysql_code_is_local (code))
    {
      told = g_steal_pointer (&local);
      g_prefix_error (&told, "Could not connect to MySQL at %s: ", attempt->params->where);
    }
  else
    {
      /* Nobody there, or somebody who left: later, perhaps. A certificate is as wrong then. */
      const gboolean may_pass = local->code == CUPEL_ERROR_CONNECTION && (code != CR_SSL_CONNECTION_ERROR || attempt->lost);
      CupelErrorDetails details = { .disconnect = may_pass, .retryable = may_pass };
      int step = code == CR_SSL_CONNECTION_ERROR ? CUPEL_MYSQL_STEP_TLS : g_atomic_int_get (&attempt->step);

      /* The library calls it a lost link; this thread may be the first to tell. */
      if (g_get_monotonic_time () >= attempt->deadline)
        told = g_error_new (CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "Connecting to MySQL at %s (%s): The operation timed out",
                            attempt->params->where, cupel_mysql_step_name (step));
      else
        told = cupel_error_new_with_details (local->code, &details, "Could not connect to MySQL at %s (%s): %s",
                                             attempt->params->where, cupel_mysql_step_name (step), local->message);
    }
  g_propagate_error (error, told);
}

/* A link that is dead shall not look alive for hours. */
static void
cupel_mysql_keep_alive (MYSQL *mysql)
{
  static const struct { int option; int value; } options[] = {
    { TCP_KEEPIDLE, 60 }, { TCP_KEEPINTVL, 10 }, { TCP_KEEPCNT, 5 }, { TCP_USER_TIMEOUT, 30000 },
  };
  int fd = cupel_mysql_client_get_socket (mysql);
  int on = 1;

  setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  for (gsize i = 0; i < G_N_ELEMENTS (options); i++)
    setsockopt (fd, IPPROTO_TCP, options[i].option, &options[i].value, sizeof options[i].value);
}

/* Blocks. */
static gboolean
cupel_mysql_attempt_run (CupelMysqlAttempt  *attempt,
                         GError            **error)
{
  MYSQL *mysql = mysql_init (NULL);

  if (mysql == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "Out of memory while connecting to the MySQL server");
      return FALSE;
    }

  attempt->mysql = mysql;
  mysql_set_local_infile_handler (mysql, cupel_mysql_refuse_infile, cupel_mysql_refuse_infile_read,
                                  cupel_mysql_refuse_infile_end, cupel_mysql_refuse_infile_error, NULL);

  if (cupel_mysql_client_set_options (attempt, error))
    {
      if (!cupel_mysql_client_connect (attempt))
        cupel_mysql_set_connect_error (attempt, error);
      else if (cupel_mysql_client_verify (attempt, error))
        {
          if (attempt->params->host != NULL)
            cupel_mysql_keep_alive (mysql);
          return TRUE;
        }
    }
  g_clear_pointer (&attempt->mysql, mysql_close);
  return FALSE;
}

/* connecting */

typedef struct
{
  gatomicrefcount    refs;
  CupelMysqlParams  *params;
  CupelCompletion   *completion;
  CupelMysqlAttempt  attempt;     /* attempt.mysql: written before the completion, read after */
  GError            *error;
} Connect;

static void
connect_unref (Connect *connect)
{
  if (!g_atomic_ref_count_dec (&connect->refs))
    return;

  /* Nobody waits any more: this is the thread, or there is nothing to close. */
  if (connect->attempt.mysql != NULL)
    mysql_close (connect->attempt.mysql);
  if (connect->attempt.stop_fd >= 0)
    close (connect->attempt.stop_fd);
  g_clear_error (&connect->error);
  cupel_completion_unref (connect->completion);
  cupel_mysql_params_unref (connect->params);
  g_free (connect);
}

static gpointer
connect_thread (gpointer data)
{
  Connect *connect = data;

  cupel_mysql_attempt_run (&connect->attempt, &connect->error);
  cupel_completion_complete (connect->completion);
  connect_unref (connect);
  mysql_thread_end ();
  return NULL;
}

MYSQL *
cupel_mysql_params_connect (CupelMysqlParams  *params,
                            gint64             deadline,
                            GCancellable      *cancellable,
                            GError           **error)
{
  g_autoptr(GError) local = NULL;
  Connect *connect;
  GThread *thread;
  MYSQL *mysql = NULL;

  if (deadline == CUPEL_NO_DEADLINE)
    deadline = g_get_monotonic_time () + CUPEL_MYSQL_CONNECT_TIME;

  connect = g_new0 (Connect, 1);
  g_atomic_ref_count_init (&connect->refs);
  connect->params = cupel_mysql_params_ref (params);
  connect->completion = cupel_completion_new ();
  connect->attempt.params = params;
  connect->attempt.deadline = deadline;
  connect->attempt.stop_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);

  g_atomic_ref_count_inc (&connect->refs);
  thread = g_thread_try_new ("cupel-mysql-connect", connect_thread, connect, error);
  if (thread == NULL)
    {
      connect_unref (connect);
      connect_unref (connect);
      return NULL;
    }
  g_thread_unref (thread);

  if (cupel_completion_wait (connect->completion, deadline, cancellable, &local))
    {
      mysql = g_steal_pointer (&connect->attempt.mysql);
      if (mysql == NULL)
        g_propagate_error (error, g_steal_pointer (&connect->error));
    }
  else
    {
      const guint64 stop = 1;

      if (write (connect->attempt.stop_fd, &stop, sizeof stop) < 0)
        g_debug ("A thread that connects goes on to the end of its time");
      if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
        g_prefix_error (&local, "Connecting to MySQL at %s (%s): ", params->where,
                        cupel_mysql_step_name (g_atomic_int_get (&connect->attempt.step)));
      g_propagate_error (error, g_steal_pointer (&local));
    }
  connect_unref (connect);
  return mysql;
}

/* KILL QUERY */

struct _CupelMysqlKill
{
  gatomicrefcount   refs;
  CupelMysqlParams *params;
  CupelCompletion  *completion;
  gulong            thread_id;
  gboolean          answered;

  GMutex            lock;
  GCond             moved;
  gboolean          settled;   /* the statement has ended: no more of them */
};

static void
cupel_mysql_kill_unref (CupelMysqlKill *kill)
{
  if (!g_atomic_ref_count_dec (&kill->refs))
    return;
  cupel_completion_unref (kill->completion);
  cupel_mysql_params_unref (kill->params);
  g_mutex_clear (&kill->lock);
  g_cond_clear (&kill->moved);
  g_free (kill);
}

/* TRUE: it was taken, and should be repeated. */
static gboolean
cupel_mysql_kill_once (CupelMysqlKill *kill,
                       MYSQL          *mysql)
{
  char sql[64];

  g_snprintf (sql, sizeof sql, "KILL QUERY %lu", kill->thread_id);
  if (mysql_real_query (mysql, sql, strlen (sql)) == 0)
    {
      kill->answered = TRUE;
      return TRUE;
    }
  /* 1094: no such thread, so there is nothing left to kill */
  kill->answered = mysql_errno (mysql) == 1094;
  return FALSE;
}

/* One that comes before the server has begun with the statement has no effect, and on a busy machine that happens. So it is repeated
 * until there is an answer. Nobody may be waiting for that any more; what was given up must not run on for hours. */
static gpointer
cupel_mysql_kill_thread (gpointer data)
{
  CupelMysqlKill *kill = data;
  CupelMysqlAttempt attempt = {
    .params = kill->params, .deadline = g_get_monotonic_time () + CUPEL_MYSQL_KILL_TIME, .stop_fd = -1
  };

  if (cupel_mysql_attempt_run (&attempt, NULL))
    {
      gint64 pause = CUPEL_MYSQL_KILL_PAUSE;
      gboolean over = FALSE;

      while (!over && cupel_mysql_kill_once (kill, attempt.mysql))
        {
          gint64 until = MIN (g_get_monotonic_time () + pause, attempt.deadline);

          pause *= 2;
          g_mutex_lock (&kill->lock);
          while (!kill->settled && g_cond_wait_until (&kill->moved, &kill->lock, until))
            ;
          over = kill->settled || g_get_monotonic_time () >= attempt.deadline;
          g_mutex_unlock (&kill->lock);
        }
      mysql_close (attempt.mysql);
    }
  cupel_completion_complete (kill->completion);
  cupel_mysql_kill_unref (kill);
  mysql_thread_end ();
  return NULL;
}

CupelMysqlKill *
cupel_mysql_kill_start (CupelMysqlParams *params,
                        gulong            thread_id)
{
  CupelMysqlKill *kill = g_new0 (CupelMysqlKill, 1);
  GThread *thread;

  g_atomic_ref_count_init (&kill->refs);
  kill->params = cupel_mysql_params_ref (params);
  kill->completion = cupel_completion_new ();
  kill->thread_id = thread_id;
  g_mutex_init (&kill->lock);
  g_cond_init (&kill->moved);

  g_atomic_ref_count_inc (&kill->refs);
  thread = g_thread_try_new ("cupel-mysql-kill", cupel_mysql_kill_thread, kill, NULL);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    {
      cupel_completion_complete (kill->completion);
      cupel_mysql_kill_unref (kill);
    }
  return kill;
}

gboolean
cupel_mysql_kill_finish (CupelMysqlKill *kill,
                         gboolean        ended,
                         gint64          deadline)
{
  gboolean answered = FALSE;

  if (ended)
    {
      g_mutex_lock (&kill->lock);
      kill->settled = TRUE;
      g_cond_broadcast (&kill->moved);
      g_mutex_unlock (&kill->lock);
      answered = cupel_completion_wait (kill->completion, deadline, NULL, NULL) && kill->answered;
    }

  cupel_mysql_kill_unref (kill);
  return answered;
}
