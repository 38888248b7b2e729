/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-dialect-class.h"

#include "engine/cupel-resolve-private.h"

/* What a connection to a server on the network gets when nobody says how long it may take. */
#define CONNECT_TIME (10 * G_USEC_PER_SEC)

GType
cupel_isolation_level_get_type (void)
{
  static gsize once;
  static const GEnumValue values[] = {
    { CUPEL_ISOLATION_DEFAULT, "CUPEL_ISOLATION_DEFAULT", "default" },
    { CUPEL_ISOLATION_READ_UNCOMMITTED, "CUPEL_ISOLATION_READ_UNCOMMITTED", "read-uncommitted" },
    { CUPEL_ISOLATION_READ_COMMITTED, "CUPEL_ISOLATION_READ_COMMITTED", "read-committed" },
    { CUPEL_ISOLATION_REPEATABLE_READ, "CUPEL_ISOLATION_REPEATABLE_READ", "repeatable-read" },
    { CUPEL_ISOLATION_SERIALIZABLE, "CUPEL_ISOLATION_SERIALIZABLE", "serializable" },
    { CUPEL_ISOLATION_AUTOCOMMIT, "CUPEL_ISOLATION_AUTOCOMMIT", "autocommit" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, g_enum_register_static ("CupelIsolationLevel", values));
  return once;
}

/* CupelReply */

/**
 * cupel_reply_clear: (skip)
 * @reply: a reply
 *
 * Drops what @reply holds and zeroes it. A cursor is dropped, not closed: close it before.
 *
 * Since: 1.0
 */
void
cupel_reply_clear (CupelReply *reply)
{
  g_return_if_fail (reply != NULL);

  g_clear_pointer (&reply->blocks, g_ptr_array_unref);
  g_clear_object (&reply->cursor);
  g_clear_pointer (&reply->column_names, g_strfreev);
  g_clear_pointer (&reply->insert_ids, g_array_unref);
  *reply = (CupelReply) { 0 };
}

/* CupelDriverCursor */

G_DEFINE_ABSTRACT_TYPE (CupelDriverCursor, cupel_driver_cursor, G_TYPE_OBJECT)

static void
cupel_driver_cursor_class_init (CupelDriverCursorClass *klass)
{
}

static void
cupel_driver_cursor_init (CupelDriverCursor *self)
{
}

/**
 * cupel_driver_cursor_fetch: (skip)
 * @self: a cursor
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Fetches the next block of rows. Suspends the fiber that calls it.
 *
 * Returns: (transfer full) (nullable): a block; %NULL with @error unset at the end mark of the server
 *
 * Since: 1.0
 */
CupelRowBlock *
cupel_driver_cursor_fetch (CupelDriverCursor  *self,
                           GCancellable       *cancellable,
                           GError            **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CURSOR (self), NULL);

  return CUPEL_DRIVER_CURSOR_GET_CLASS (self)->fetch (self, cancellable, error);
}

/**
 * cupel_driver_cursor_close: (skip)
 * @self: a cursor
 * @deadline: a g_get_monotonic_time() value
 * @error: return location for an error
 *
 * Ends the stream early. Calling it again does nothing.
 *
 * Returns: %TRUE when the connection is usable again
 *
 * Since: 1.0
 */
gboolean
cupel_driver_cursor_close (CupelDriverCursor  *self,
                           gint64              deadline,
                           GError            **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CURSOR (self), FALSE);

  return CUPEL_DRIVER_CURSOR_GET_CLASS (self)->close (self, deadline, error);
}

/* CupelDriver */

typedef struct
{
  CupelDialect *dialect;
} CupelDriverPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CupelDriver, cupel_driver, G_TYPE_OBJECT)

static gboolean
cupel_driver_real_configure (CupelDriver  *self,
                             CupelUrl     *url,
                             GError      **error)
{
  return TRUE;
}

static const char *
cupel_driver_real_choose_pool (CupelDriver *self,
                               CupelUrl    *url)
{
  return NULL;
}

static void
cupel_driver_finalize (GObject *object)
{
  CupelDriverPrivate *priv = cupel_driver_get_instance_private (CUPEL_DRIVER (object));

  g_clear_object (&priv->dialect);

  G_OBJECT_CLASS (cupel_driver_parent_class)->finalize (object);
}

static void
cupel_driver_class_init (CupelDriverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_driver_finalize;
  klass->configure = cupel_driver_real_configure;
  klass->choose_pool = cupel_driver_real_choose_pool;
}

static void
cupel_driver_init (CupelDriver *self)
{
}

/**
 * cupel_driver_get_name: (skip)
 * @self: a driver
 *
 * Gets the name of the driver, as it may stand after the `+` of a URL.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_driver_get_name (CupelDriver *self)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER (self), NULL);

  return CUPEL_DRIVER_GET_CLASS (self)->name;
}

/**
 * cupel_driver_set_dialect: (skip)
 * @self: a driver
 * @dialect: (nullable): the dialect that the URL names
 *
 * Tells the driver for which dialect it works. An engine does so before it calls cupel_driver_configure().
 *
 * Since: 1.0
 */
void
cupel_driver_set_dialect (CupelDriver  *self,
                          CupelDialect *dialect)
{
  CupelDriverPrivate *priv;

  g_return_if_fail (CUPEL_IS_DRIVER (self));
  g_return_if_fail (dialect == NULL || CUPEL_IS_DIALECT (dialect));

  priv = cupel_driver_get_instance_private (self);
  g_set_object (&priv->dialect, dialect);
}

/**
 * cupel_driver_get_dialect: (skip)
 * @self: a driver
 *
 * Gets the dialect for which the driver works.
 *
 * Returns: (transfer none) (nullable): the dialect; %NULL when the driver is used without an engine
 *
 * Since: 1.0
 */
CupelDialect *
cupel_driver_get_dialect (CupelDriver *self)
{
  CupelDriverPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_DRIVER (self), NULL);

  priv = cupel_driver_get_instance_private (self);
  return priv->dialect;
}

/**
 * cupel_driver_configure: (skip)
 * @self: a driver
 * @url: what is asked for
 * @error: return location for an error
 *
 * Checks @url without any I/O. Called once, when the engine is made.
 *
 * Returns: %FALSE with @error set when a connection to @url could never be made
 *
 * Since: 1.0
 */
gboolean
cupel_driver_configure (CupelDriver  *self,
                        CupelUrl     *url,
                        GError      **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER (self), FALSE);

  return CUPEL_DRIVER_GET_CLASS (self)->configure (self, url, error);
}

/* What a server answers is the same at its other addresses. */
static gboolean
is_final (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
         g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION) ||
         cupel_error_get_sqlstate (error) != NULL || cupel_error_get_native_code (error) != 0;
}

/* Each address gets its share of the time that is left, so that one that does not answer leaves some to those after it. */
static CupelDriverConnection *
connect_to_host (CupelDriver   *self,
                 CupelUrl      *url,
                 const char    *host,
                 int            port,
                 gint64         deadline,
                 GCancellable  *cancellable,
                 GError       **error)
{
  g_autoptr(GPtrArray) addresses = NULL;
  g_autoptr(GError) local = NULL;
  CupelDriverConnection *connection = NULL;

  if (port < 0)
    port = CUPEL_DRIVER_GET_CLASS (self)->default_port;
  if (deadline == CUPEL_NO_DEADLINE)
    deadline = g_get_monotonic_time () + CONNECT_TIME;

  addresses = cupel_resolve (host, deadline, cancellable, error);
  if (addresses == NULL)
    return NULL;
  for (guint i = 0; connection == NULL && i < addresses->len && !is_final (local); i++)
    {
      CupelEndpoint endpoint = { .host = host, .port = port, .address = addresses->pdata[i] };
      gint64 now = g_get_monotonic_time ();

      g_clear_error (&local);
      connection = CUPEL_DRIVER_GET_CLASS (self)->connect (self, url, &endpoint, now + (deadline - now) / (addresses->len - i),
                                                           cancellable, &local);
    }
  if (connection == NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return connection;
}

/**
 * cupel_driver_connect: (skip)
 * @self: a driver
 * @url: where to
 * @endpoint: (nullable): where on the network; %NULL for the first host of @url. If it has no address, its host is looked up and
 *   each of the addresses tried in turn
 * @deadline: a g_get_monotonic_time() value, or -1
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Makes a connection. Suspends the fiber that calls it.
 *
 * Returns: (transfer full): a connection, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelDriverConnection *
cupel_driver_connect (CupelDriver   *self,
                      CupelUrl      *url,
                      const CupelEndpoint *endpoint,
                      gint64         deadline,
                      GCancellable  *cancellable,
                      GError       **error)
{
  CupelDriverClass *klass;
  const char *host;
  int port = -1;

  g_return_val_if_fail (CUPEL_IS_DRIVER (self), NULL);

  klass = CUPEL_DRIVER_GET_CLASS (self);
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (endpoint != NULL && endpoint->address == NULL)
    return connect_to_host (self, url, endpoint->host, endpoint->port, deadline, cancellable, error);
  if (endpoint != NULL || klass->default_port == 0 || cupel_url_get_n_hosts (url) == 0)
    return klass->connect (self, url, endpoint, deadline, cancellable, error);

  host = cupel_url_get_nth_host (url, 0, &port);
  if (g_path_is_absolute (host))
    return klass->connect (self, url, NULL, deadline, cancellable, error);
  return connect_to_host (self, url, host, port, deadline, cancellable, error);
}

/**
 * cupel_driver_choose_pool: (skip)
 * @self: a driver
 * @url: where the connections go
 *
 * Gets the pool that suits connections to @url.
 *
 * Returns: the name of a pool, never %NULL
 *
 * Since: 1.0
 */
const char *
cupel_driver_choose_pool (CupelDriver *self,
                          CupelUrl    *url)
{
  CupelDriverClass *klass;
  const char *name;

  g_return_val_if_fail (CUPEL_IS_DRIVER (self), NULL);

  klass = CUPEL_DRIVER_GET_CLASS (self);
  if ((name = klass->choose_pool (self, url)) != NULL)
    return name;
  return klass->default_pool != NULL ? klass->default_pool : "queue";
}
