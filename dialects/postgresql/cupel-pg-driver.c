/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-driver.h"

#include "cupel-pg-connection.h"
#include "cupel-pg-error.h"
#include "cupel-pg-settings.h"

#include <string.h>

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

  return cupel_pg_settings_init (&settings, url, error);
}

/* Until there is a connection object, notices have nowhere to go; libpq would print them. */
static void
ignore_notice (void           *data,
               const PGresult *result)
{
}

static void
set_connect_error (const CupelPgSettings  *settings,
                   PGconn                 *conn,
                   GError                **error)
{
  g_autofree char *message = g_utf8_make_valid (conn != NULL ? PQerrorMessage (conn) : "out of memory", -1);
  char sqlstate[6];
  const CupelPgErrorClass *class;
  CupelErrorDetails details = { .disconnect = TRUE };

  if (!cupel_pg_error_split_verbose (message, sqlstate))
    {
      /* No word of a server: it is not there, or libpq gave up by itself. */
      if (conn != NULL && PQconnectionNeedsPassword (conn))
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION,
                     "PostgreSQL at %s asks for a password and the URL has none", settings->where);
      else
        {
          details.retryable = TRUE;
          cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &details,
                                        "Could not connect to PostgreSQL at %s: %s", settings->where, message);
        }
      return;
    }

  class = cupel_pg_error_classify (sqlstate);
  details.sqlstate = sqlstate;
  details.retryable = class->retryable;
  cupel_set_error_with_details (error,
                                class->code == CUPEL_ERROR_AUTHENTICATION ? CUPEL_ERROR_AUTHENTICATION : CUPEL_ERROR_CONNECTION,
                                &details, "Could not connect to the database “%s” of PostgreSQL at %s: %s (SQLSTATE %s)",
                                settings->database != NULL ? settings->database : "", settings->where, message, sqlstate);
}

/* One attempt at one address. */
static PGconn *
connect_address (const CupelPgSettings  *settings,
                 CupelUrl               *url,
                 const char             *address,
                 gint64                  deadline,
                 GCancellable           *cancellable,
                 GError                **error)
{
  g_autoptr(GPtrArray) keywords = g_ptr_array_new ();
  g_autoptr(GPtrArray) values = g_ptr_array_new ();
  PostgresPollingStatusType state = PGRES_POLLING_WRITING;
  PGconn *conn;

  cupel_pg_settings_get_keywords (settings, url, address, keywords, values);
  conn = PQconnectStartParams ((const char *const *) keywords->pdata, (const char *const *) values->pdata, 1);
  if (conn == NULL || PQstatus (conn) == CONNECTION_BAD)
    {
      set_connect_error (settings, conn, error);
      g_clear_pointer (&conn, PQfinish);
      return NULL;
    }
  PQsetErrorVerbosity (conn, PQERRORS_VERBOSE);
  PQsetNoticeReceiver (conn, ignore_notice, NULL);

  while (state != PGRES_POLLING_OK && state != PGRES_POLLING_FAILED)
    {
      /* Any poll may close the socket and open another one, with the same number even: a watch lives for one wait. */
      g_autoptr(CupelIoWatch) watch = cupel_io_watch_new (PQsocket (conn));

      if (cupel_io_watch_wait (watch, state == PGRES_POLLING_READING ? G_IO_IN : G_IO_OUT, deadline, cancellable, error) == 0)
        {
          if (error != NULL && g_error_matches (*error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
            g_prefix_error (error, "Connecting to PostgreSQL at %s: ", settings->where);
          g_clear_pointer (&watch, cupel_io_watch_free);
          PQfinish (conn);
          return NULL;
        }
      g_clear_pointer (&watch, cupel_io_watch_free);
      state = PQconnectPoll (conn);
    }

  if (state == PGRES_POLLING_FAILED)
    {
      set_connect_error (settings, conn, error);
      PQfinish (conn);
      return NULL;
    }
  return conn;
}

/* A look-up that may outlast the wait for it. */
typedef struct
{
  CupelCompletion *done;
  GAsyncResult    *result;
} Lookup;

static void
lookup_free (gpointer data)
{
  Lookup *lookup = data;

  cupel_completion_unref (lookup->done);
  g_clear_object (&lookup->result);
}

static void
lookup_ready (GObject      *resolver,
              GAsyncResult *result,
              gpointer      data)
{
  Lookup *lookup = data;

  lookup->result = g_object_ref (result);
  cupel_completion_complete (lookup->done);
  g_rc_box_release_full (lookup, lookup_free);
}

static GList *
look_up (const char    *host,
         gint64         deadline,
         GCancellable  *cancellable,
         GError       **error)
{
  g_autoptr(GResolver) resolver = g_resolver_get_default ();
  g_autoptr(GCancellable) stop = g_cancellable_new ();
  Lookup *lookup = g_rc_box_new0 (Lookup);
  GList *found = NULL;

  lookup->done = cupel_completion_new ();
  g_resolver_lookup_by_name_async (resolver, host, stop, lookup_ready, g_rc_box_acquire (lookup));
  if (cupel_completion_wait (lookup->done, deadline, cancellable, error))
    found = g_resolver_lookup_by_name_finish (resolver, lookup->result, error);
  else
    g_cancellable_cancel (stop);
  g_rc_box_release_full (lookup, lookup_free);
  return found;
}

/* Numeric addresses of a host name; one NULL when there is nothing to look up. */
static GPtrArray *
resolve (const CupelPgSettings  *settings,
         gint64                  deadline,
         GCancellable           *cancellable,
         GError                **error)
{
  g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GError) local = NULL;
  GList *found;

  if (settings->is_socket || g_hostname_is_ip_address (settings->host))
    {
      g_ptr_array_add (addresses, settings->is_socket ? NULL : g_strdup (settings->host));
      return g_steal_pointer (&addresses);
    }

  found = look_up (settings->host, deadline, cancellable, &local);
  for (GList *l = found; l != NULL; l = l->next)
    g_ptr_array_add (addresses, g_inet_address_to_string (l->data));
  g_resolver_free_addresses (found);
  if (addresses->len > 0)
    return g_steal_pointer (&addresses);

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED) || g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
    g_propagate_prefixed_error (error, g_steal_pointer (&local), "Looking up the PostgreSQL host “%s”: ", settings->host);
  else
    cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &(CupelErrorDetails) { .disconnect = TRUE, .retryable = TRUE },
                                  "Could not find the PostgreSQL host “%s”: %s", settings->host,
                                  local != NULL ? local->message : "it has no address");
  return NULL;
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
  g_autoptr(GPtrArray) addresses = NULL;
  g_autoptr(GError) local = NULL;
  PGconn *conn = NULL;
  gint64 now = g_get_monotonic_time ();

  if (!cupel_pg_settings_init (&settings, url, error) || g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (deadline < 0 || deadline > now + settings.connect_timeout * G_USEC_PER_SEC)
    deadline = now + settings.connect_timeout * G_USEC_PER_SEC;

  if (!(addresses = resolve (&settings, deadline, cancellable, error)))
    return NULL;
  for (guint i = 0; conn == NULL && i < addresses->len; i++)
    {
      gint64 left = deadline - g_get_monotonic_time ();

      /* An address that does not answer leaves time for those after it. */
      g_clear_error (&local);
      conn = connect_address (&settings, url, g_ptr_array_index (addresses, i),
                              deadline - left + left / (addresses->len - i), cancellable, &local);
      /* What a server said is the same at its other addresses. */
      if (conn == NULL && (cupel_error_get_sqlstate (local) != NULL || g_cancellable_is_cancelled (cancellable) ||
                           g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION)))
        break;
    }
  if (conn != NULL)
    {
      g_autoptr(CupelPgConnection) self = cupel_pg_connection_new (conn, settings.where, settings.statement_cache_size);

      if (cupel_pg_connection_settle (self, deadline, cancellable, error))
        return CUPEL_DRIVER_CONNECTION (g_steal_pointer (&self));
      return NULL;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

static void
cupel_pg_driver_class_init (CupelPgDriverClass *class)
{
  CupelDriverClass *driver_class = CUPEL_DRIVER_CLASS (class);

  driver_class->name = "libpq";
  driver_class->configure = cupel_pg_driver_configure;
  driver_class->connect = cupel_pg_driver_connect;
}

static void
cupel_pg_driver_init (CupelPgDriver *self)
{
}
