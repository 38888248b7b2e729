/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-driver.h"

#include "cupel-pg-auth.h"
#include "cupel-pg-connection.h"
#include "cupel-pg-error.h"
#include "cupel-pg-settings.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

struct _CupelPgDriver
{
  CupelDriver parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelPgDriver, cupel_pg_driver, CUPEL_TYPE_DRIVER)

static gboolean
cupel_pg_driver_configure (CupelDriver  *driver,
                           CupelUrl     *url,
                           GError      **error)
{
  g_auto(CupelPgSettings) settings = { NULL };

  return cupel_pg_settings_init (&settings, url, NULL, error);
}

/* Until there is a connection object, notices have nowhere to go; libpq would print them. */
static void
ignore_notice (void           *data,
               const PGresult *result)
{
}

/* What was under way, by what libpq said before it gave up. */
static const char *
get_step (ConnStatusType status)
{
  switch (status)
    {
    case CONNECTION_STARTED:
    case CONNECTION_NEEDED:
      return "connecting";
    case CONNECTION_MADE:
    case CONNECTION_SSL_STARTUP:
      return "TLS";
    default:
      return "logging in";
    }
}

/* Whether the other end is gone, or was never there, and left no word: then it may be there later. What libpq gives up by itself, a
 * certificate say, is as wrong the next time. To be asked before libpq looks: it closes the socket. */
static gboolean
has_left (PGconn *conn)
{
  struct pollfd link = { .fd = PQsocket (conn), .events = POLLIN | POLLRDHUP };
  guint8 byte;

  if (link.fd < 0 || poll (&link, 1, 0) <= 0)
    return FALSE;
  /* An error is told once, and it is for libpq. */
  return (link.revents & POLLERR) != 0 ||
         ((link.revents & (POLLRDHUP | POLLHUP)) != 0 && recv (link.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0);
}

static void
set_connect_error (const CupelPgSettings  *settings,
                   PGconn                 *conn,
                   const char             *step,
                   gboolean                has_left,
                   GError                **error)
{
  g_autofree char *message = g_utf8_make_valid (conn != NULL ? PQerrorMessage (conn) : "out of memory", -1);
  char sqlstate[6];
  const CupelPgErrorClass *class;
  CupelErrorDetails details = { .disconnect = has_left, .retryable = has_left };

  g_strchomp (message);
  if (!cupel_pg_error_split_verbose (message, sqlstate))
    {
      /* No word of a server: it is not there, or libpq gave up by itself. */
      if (conn != NULL && PQconnectionNeedsPassword (conn))
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION,
                     "PostgreSQL at %s asks for a password and the URL has none", settings->where);
      else
        {
          cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &details,
                                        "Could not connect to PostgreSQL at %s (%s): %s", settings->where, step, message);
        }
      return;
    }

  class = cupel_pg_error_classify (sqlstate);
  details.sqlstate = sqlstate;
  details.retryable = details.disconnect = class->retryable;
  /* A database that does not exist, say: there is no statement that could be wrong, and no link that was lost. */
  details.category = class->category;
  if (class->category == CUPEL_ERROR_CATEGORY_PROGRAM || (class->category == CUPEL_ERROR_CATEGORY_LOST && !class->retryable))
    details.category = CUPEL_ERROR_CATEGORY_NONE;
  cupel_set_error_with_details (error,
                                class->code == CUPEL_ERROR_AUTHENTICATION ? CUPEL_ERROR_AUTHENTICATION : CUPEL_ERROR_CONNECTION,
                                &details, "Could not connect to the database \"%s\" of PostgreSQL at %s: %s (SQLSTATE %s)%s",
                                settings->database != NULL ? settings->database : "", settings->where, message, sqlstate,
                                strcmp (sqlstate, "08P01") == 0 && !settings->pooler
                                  ? ". If that is a pooler, as PgBouncer is, say so with the URL option pooler=transaction" : "");
}

/* One attempt. What blocks in libpq is looking up names, and it is given none. */
static PGconn *
start (const CupelPgSettings  *settings,
       CupelUrl               *url,
       GError                **error)
{
  g_autoptr(GPtrArray) keywords = g_ptr_array_new ();
  g_autoptr(GPtrArray) values = g_ptr_array_new ();
  PGconn *conn;

  cupel_pg_settings_get_keywords (settings, url, keywords, values);
  conn = PQconnectStartParams ((const char *const *) keywords->pdata, (const char *const *) values->pdata, 1);
  if (conn == NULL || PQstatus (conn) == CONNECTION_BAD)
    {
      set_connect_error (settings, conn, "connecting", conn != NULL, error);
      g_clear_pointer (&conn, PQfinish);
      return NULL;
    }
  PQsetErrorVerbosity (conn, PQERRORS_VERBOSE);
  PQsetNoticeReceiver (conn, ignore_notice, NULL);
  return conn;
}

/* FALSE: @error is set. */
static gboolean
drive (const CupelPgSettings  *settings,
       PGconn                 *conn,
       gint64                  deadline,
       GCancellable           *cancellable,
       GError                **error)
{
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  CupelPgAuthCheck check = { .allowed = settings->auth };

  while (state != PGRES_POLLING_OK)
    {
      /* Any poll may close the socket and open another one, with the same number even: a watch lives for one wait. */
      g_autoptr(CupelIoWatch) watch = cupel_io_watch_new (PQsocket (conn));
      const char *step = get_step (PQstatus (conn));
      gboolean left;
      GError *local = NULL;

      if (cupel_io_watch_wait (watch, state == PGRES_POLLING_READING ? G_IO_IN : G_IO_OUT, deadline, cancellable, &local) == 0)
        {
          if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
            g_prefix_error (&local, "Connecting to PostgreSQL at %s (%s): ", settings->where, step);
          g_propagate_error (error, local);
          return FALSE;
        }
      g_clear_pointer (&watch, cupel_io_watch_free);

      if (!cupel_pg_auth_check (&check, conn, settings->where, deadline, cancellable, error))
        return FALSE;
      left = has_left (conn);
      state = PQconnectPoll (conn);
      if (state == PGRES_POLLING_FAILED)
        {
          set_connect_error (settings, conn, step, left, error);
          return FALSE;
        }
    }

  if (settings->network.tls >= CUPEL_TLS_MODE_REQUIRE && !PQsslInUse (conn))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "The connection to PostgreSQL at %s is without TLS", settings->where);
      return FALSE;
    }
  return TRUE;
}

static CupelDriverConnection *
cupel_pg_driver_connect (CupelDriver   *driver,
                         CupelUrl      *url,
                         const CupelEndpoint *endpoint,
                         gint64         deadline,
                         GCancellable  *cancellable,
                         GError       **error)
{
  g_auto(CupelPgSettings) settings = { NULL };
  g_autoptr(CupelPgConnection) self = NULL;
  PGconn *conn;

  if (!cupel_pg_settings_init (&settings, url, endpoint, error) ||
      !cupel_network_options_check_files (&settings.network, error) ||
      (conn = start (&settings, url, error)) == NULL)
    return NULL;
  if (!drive (&settings, conn, deadline, cancellable, error))
    {
      PQfinish (conn);
      return NULL;
    }

  self = cupel_pg_connection_new (conn, settings.where, settings.statement_cache_size);
  if (settings.pooler)
    cupel_pg_connection_use_pooler (self, cupel_url_get_option (url, "search_path"));
  if (!cupel_pg_connection_settle (self, deadline, cancellable, error))
    return NULL;
  return CUPEL_DRIVER_CONNECTION (g_steal_pointer (&self));
}

static void
cupel_pg_driver_class_init (CupelPgDriverClass *class)
{
  CupelDriverClass *driver_class = CUPEL_DRIVER_CLASS (class);

  driver_class->name = "libpq";
  driver_class->default_port = 5432;
  driver_class->configure = cupel_pg_driver_configure;
  driver_class->connect = cupel_pg_driver_connect;
}

static void
cupel_pg_driver_init (CupelPgDriver *self)
{
}
