/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "engine/cupel-engine-members-private.h"
#include "engine/cupel-network-options.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-plugin.h"

enum
{
  PROP_0,
  PROP_URL,
  PROP_ECHO,
  PROP_ECHO_VALUES,
  PROP_POOL_SIZE,
  PROP_MAX_OVERFLOW,
  PROP_POOL_TIMEOUT,
  PROP_POOL_RECYCLE,
  PROP_POOL_PRE_PING,
  PROP_POOL_LIFO,
  PROP_POOL_MAX_LIFETIME,
  PROP_POOL_PING_TIMEOUT,
  PROP_POOL_PING_IDLE,
  PROP_POOL_RESET,
  PROP_POOL_NAME,
  PROP_STATEMENT_CACHE_SIZE,
  PROP_ISOLATION_LEVEL,
  PROP_STATEMENT_TIMEOUT,
  PROP_CONNECT_TIMEOUT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void cupel_engine_initable_iface_init (GInitableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CupelEngine, cupel_engine, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_INITABLE, cupel_engine_initable_iface_init))

static void
wipe_url_string (CupelEngine *self)
{
  if (self->url_string != NULL)
    explicit_bzero (self->url_string, strlen (self->url_string));
  g_clear_pointer (&self->url_string, g_free);
}

static G_DEFINE_QUARK (cupel-engine-handed-over, handed_over)

void
cupel_engine_take_in (CupelEngine *self)
{
  g_autoptr(GPtrArray) objects = NULL;
  g_autoptr(GSource) source = NULL;

  if (G_LIKELY (g_atomic_int_get (&self->n_handed_over) == 0))
    return;

  g_mutex_lock (&self->lock);
  objects = g_steal_pointer (&self->handed_over);
  source = g_steal_pointer (&self->hand_over);
  g_atomic_int_set (&self->n_handed_over, 0);
  g_mutex_unlock (&self->lock);
  /* It keeps the engine, and a program that blocks never runs it. */
  if (source != NULL)
    g_source_destroy (source);
}

static gboolean
on_handed_over (gpointer data)
{
  cupel_engine_take_in (data);
  return G_SOURCE_REMOVE;
}

/* Whether the source ran or its context is gone. */
static void
end_hand_over (gpointer data)
{
  cupel_engine_take_in (data);
  g_object_unref (data);
}

gboolean
cupel_engine_hand_over (CupelEngine *self,
                        GObject     *object)
{
  if (g_object_get_qdata (object, handed_over_quark ()) != NULL)
    return FALSE;

  g_object_set_qdata (object, handed_over_quark (), GINT_TO_POINTER (TRUE));
  g_mutex_lock (&self->lock);
  if (object != (GObject *) self)
    {
      if (self->handed_over == NULL)
        self->handed_over = g_ptr_array_new_with_free_func (g_object_unref);
      g_ptr_array_add (self->handed_over, g_object_ref (object));
    }
  g_atomic_int_inc (&self->n_handed_over);
  if (self->hand_over == NULL)
    {
      self->hand_over = g_idle_source_new ();
      g_source_set_priority (self->hand_over, G_PRIORITY_DEFAULT);
      g_source_set_static_name (self->hand_over, "cupel: dropped on another thread");
      g_source_set_callback (self->hand_over, on_handed_over, g_object_ref (self), end_hand_over);
      g_source_attach (self->hand_over, self->context);
    }
  g_mutex_unlock (&self->lock);
  return TRUE;
}

static void
cupel_engine_dispose_object (GObject *object)
{
  CupelEngine *self = CUPEL_ENGINE (object);

  if (self->pool != NULL && !cupel_engine_is_owner (self) && cupel_engine_hand_over (self, object))
    return;

  G_OBJECT_CLASS (cupel_engine_parent_class)->dispose (object);
}

static void
cupel_engine_finalize (GObject *object)
{
  CupelEngine *self = CUPEL_ENGINE (object);

  if (self->pool != NULL)
    cupel_pool_terminate (self->pool);
  g_clear_object (&self->pool);
  g_clear_pointer (&self->cache, cupel_compiled_cache_free);
  g_clear_object (&self->compiler);
  g_clear_pointer (&self->hosts, cupel_host_list_free);
  g_clear_object (&self->driver);
  g_clear_object (&self->dialect);
  g_clear_pointer (&self->url, cupel_url_unref);
  wipe_url_string (self);
  g_clear_pointer (&self->pool_name, g_free);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (cupel_engine_parent_class)->finalize (object);
}

/* -1 stays what it is: never. */
static double
seconds (gint64 time)
{
  return time < 0 ? -1.0 : (double) time / G_USEC_PER_SEC;
}

static gint64
microseconds (double time)
{
  return time < 0.0 ? -1 : (gint64) (time * G_USEC_PER_SEC);
}

static void
cupel_engine_get_property (GObject    *object,
                           guint       id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  CupelEngine *self = CUPEL_ENGINE (object);

  switch (id)
    {
    case PROP_URL:
      g_value_take_string (value, self->url != NULL ? cupel_url_to_string (self->url) : NULL);
      break;
    case PROP_ECHO:
      g_value_set_boolean (value, self->echo);
      break;
    case PROP_ECHO_VALUES:
      g_value_set_boolean (value, self->echo_values);
      break;
    case PROP_POOL_SIZE:
      g_value_set_uint (value, self->pool_options.size);
      break;
    case PROP_MAX_OVERFLOW:
      g_value_set_int (value, self->pool_options.max_overflow);
      break;
    case PROP_POOL_TIMEOUT:
      g_value_set_double (value, seconds (self->pool_options.timeout));
      break;
    case PROP_POOL_RECYCLE:
      g_value_set_double (value, seconds (self->pool_options.recycle));
      break;
    case PROP_POOL_PRE_PING:
      g_value_set_boolean (value, self->pool_options.pre_ping);
      break;
    case PROP_POOL_LIFO:
      g_value_set_boolean (value, self->pool_options.lifo);
      break;
    case PROP_POOL_MAX_LIFETIME:
      g_value_set_double (value, seconds (self->pool_options.max_lifetime));
      break;
    case PROP_POOL_PING_TIMEOUT:
      g_value_set_double (value, seconds (self->pool_options.ping_timeout));
      break;
    case PROP_POOL_PING_IDLE:
      g_value_set_double (value, seconds (self->pool_options.ping_idle));
      break;
    case PROP_POOL_RESET:
      g_value_set_enum (value, self->pool_options.reset);
      break;
    case PROP_POOL_NAME:
      g_value_set_string (value, self->pool_name);
      break;
    case PROP_STATEMENT_CACHE_SIZE:
      g_value_set_uint (value, self->cache_size);
      break;
    case PROP_ISOLATION_LEVEL:
      g_value_set_enum (value, self->isolation);
      break;
    case PROP_STATEMENT_TIMEOUT:
      g_value_set_double (value, (double) self->statement_timeout / G_USEC_PER_SEC);
      break;
    case PROP_CONNECT_TIMEOUT:
      g_value_set_double (value, self->connect_timeout);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
cupel_engine_set_property (GObject      *object,
                           guint         id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  CupelEngine *self = CUPEL_ENGINE (object);

  switch (id)
    {
    case PROP_URL:
      self->url_string = g_value_dup_string (value);
      break;
    case PROP_ECHO:
      cupel_engine_set_echo (self, g_value_get_boolean (value));
      break;
    case PROP_ECHO_VALUES:
      self->echo_values = g_value_get_boolean (value);
      break;
    case PROP_POOL_SIZE:
      self->pool_options.size = g_value_get_uint (value);
      self->size_given = TRUE;
      break;
    case PROP_MAX_OVERFLOW:
      self->pool_options.max_overflow = g_value_get_int (value);
      self->overflow_given = TRUE;
      break;
    case PROP_POOL_TIMEOUT:
      self->pool_options.timeout = microseconds (g_value_get_double (value));
      break;
    case PROP_POOL_RECYCLE:
      self->pool_options.recycle = microseconds (g_value_get_double (value));
      break;
    case PROP_POOL_PRE_PING:
      self->pool_options.pre_ping = g_value_get_boolean (value);
      break;
    case PROP_POOL_LIFO:
      self->pool_options.lifo = g_value_get_boolean (value);
      break;
    case PROP_POOL_MAX_LIFETIME:
      self->pool_options.max_lifetime = microseconds (g_value_get_double (value));
      break;
    case PROP_POOL_PING_TIMEOUT:
      self->pool_options.ping_timeout = microseconds (g_value_get_double (value));
      break;
    case PROP_POOL_PING_IDLE:
      self->pool_options.ping_idle = microseconds (g_value_get_double (value));
      break;
    case PROP_POOL_RESET:
      self->pool_options.reset = g_value_get_enum (value);
      break;
    case PROP_POOL_NAME:
      g_free (self->pool_name);
      self->pool_name = g_value_dup_string (value);
      break;
    case PROP_STATEMENT_CACHE_SIZE:
      self->cache_size = g_value_get_uint (value);
      /* Frozen statements remember the cache that they met by its identity: a new one is made, none is changed. */
      g_clear_pointer (&self->cache, cupel_compiled_cache_free);
      break;
    case PROP_ISOLATION_LEVEL:
      self->isolation = g_value_get_enum (value);
      break;
    case PROP_STATEMENT_TIMEOUT:
      self->statement_timeout = (gint64) (g_value_get_double (value) * G_USEC_PER_SEC);
      break;
    case PROP_CONNECT_TIMEOUT:
      self->connect_timeout = g_value_get_double (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

/* Making one: no I/O but for loading modules. */

/* What the engine itself wants to know of a server on the network. */
static gboolean
check_network (CupelEngine  *self,
               GError      **error)
{
  const char *host = cupel_url_get_host (self->url);
  CupelNetworkOptions options;

  if (!cupel_network_options_parse (&options, self->url, host == NULL || g_path_is_absolute (host), NULL, error))
    return FALSE;

  if (options.connect_timeout > 0)
    self->connect_timeout = options.connect_timeout;
  if (cupel_url_get_n_hosts (self->url) > 0 && !g_path_is_absolute (host) && options.tls < CUPEL_TLS_MODE_VERIFY_FULL)
    {
      g_autoptr(GEnumClass) modes = g_type_class_ref (CUPEL_TYPE_TLS_MODE);

      cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_MESSAGE,
                 "The server at %s does not have to prove its name, by the URL option tls=%s: whoever is in between can be it",
                 host, g_enum_get_value (modes, (int) options.tls)->value_nick);
    }
  return TRUE;
}

static gboolean
cupel_engine_init_sync (GInitable     *initable,
                        GCancellable  *cancellable,
                        GError       **error)
{
  CupelEngine *self = CUPEL_ENGINE (initable);
  const char *driver_name;
  GType type;

  self->url = cupel_url_new (self->url_string != NULL ? self->url_string : "", error);
  wipe_url_string (self);
  if (self->url == NULL)
    return FALSE;

  type = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, cupel_url_get_dialect (self->url), CUPEL_TYPE_DIALECT, error);
  if (type == G_TYPE_INVALID)
    {
      g_prefix_error (error, "The URL begins with \"%s:\", but there is no such dialect: ",
                      cupel_url_get_dialect (self->url));
      return FALSE;
    }
  self->dialect = g_object_new (type, NULL);

  /* The dialect's own driver is asked for its name; any other one is a module. */
  driver_name = cupel_url_get_driver (self->url);
  self->driver = cupel_dialect_create_driver (self->dialect);
  if (self->driver == NULL && driver_name == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "The dialect \"%s\" has no driver of its own: name one in the URL, \"%s+DRIVER://\"",
                   cupel_url_get_dialect (self->url), cupel_url_get_dialect (self->url));
      return FALSE;
    }
  if (driver_name != NULL && (self->driver == NULL || g_strcmp0 (cupel_driver_get_name (self->driver), driver_name) != 0))
    {
      g_autofree char *own = self->driver != NULL ? g_strdup (cupel_driver_get_name (self->driver)) : NULL;

      g_clear_object (&self->driver);
      type = cupel_plugin_find (CUPEL_PLUGIN_DRIVER, driver_name, CUPEL_TYPE_DRIVER, error);
      if (type == G_TYPE_INVALID)
        {
          g_prefix_error (error, "The URL asks for the driver \"%s\" (the one of the dialect \"%s\" is \"%s\"): ",
                          driver_name, cupel_url_get_dialect (self->url), own != NULL ? own : "none");
          return FALSE;
        }
      self->driver = g_object_new (type, NULL);
    }

  cupel_driver_set_dialect (self->driver, self->dialect);
  if (!cupel_driver_configure (self->driver, self->url, error) ||
      (self->hosts = cupel_host_list_new (self->url, self->driver, error)) == NULL ||
      (CUPEL_DRIVER_GET_CLASS (self->driver)->default_port != 0 && !check_network (self, error)))
    return FALSE;

  self->compiler = cupel_dialect_create_compiler (self->dialect);
  return TRUE;
}

static void
cupel_engine_initable_iface_init (GInitableIface *iface)
{
  iface->init = cupel_engine_init_sync;
}

static void
cupel_engine_class_init (CupelEngineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->dispose = cupel_engine_dispose_object;
  object_class->finalize = cupel_engine_finalize;
  object_class->get_property = cupel_engine_get_property;
  object_class->set_property = cupel_engine_set_property;

  /**
   * CupelEngine:url:
   *
   * The database. Reading it gives "***" for a password.
   *
   * Since: 1.0
   */
  properties[PROP_URL] = g_param_spec_string ("url", NULL, NULL, NULL,
                                              G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * CupelEngine:echo:
   *
   * Whether the statements go to the log, at the level of messages.
   *
   * Since: 1.0
   */
  properties[PROP_ECHO] = g_param_spec_boolean ("echo", NULL, NULL, FALSE, rw | G_PARAM_EXPLICIT_NOTIFY);
  /**
   * CupelEngine:echo-values:
   *
   * Whether the log shows bound values, each cut at 64 bytes. They may be secrets.
   *
   * Since: 1.0
   */
  properties[PROP_ECHO_VALUES] = g_param_spec_boolean ("echo-values", NULL, NULL, FALSE, rw);
  /**
   * CupelEngine:pool-size:
   *
   * How many connections are kept; 0 for no limit. Like all settings of the pool it is taken at the first use.
   *
   * The pool "static" has one connection and no size: asked for by [property@Cupel.Engine:pool-name], together with a size that it cannot
   * have, it is refused with %CUPEL_ERROR_INVALID_ARGUMENT. For a database in memory, which has that pool by itself, the size does not count.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_SIZE] = g_param_spec_uint ("pool-size", NULL, NULL, 0, 1000000, 5, rw);
  /**
   * CupelEngine:max-overflow:
   *
   * How many more there may be for a while; -1 for no limit.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_OVERFLOW] = g_param_spec_int ("max-overflow", NULL, NULL, -1, 1000000, 10, rw);
  /**
   * CupelEngine:pool-timeout:
   *
   * How long to wait for one of the places of the pool, in seconds; 0: not at all. Who has one then, for the pool is not full, gets the
   * connection that is made for him: that is limited by [property@Cupel.Engine:connect-timeout]. Nobody waits for longer than both together.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_TIMEOUT] = g_param_spec_double ("pool-timeout", NULL, NULL, 0.0, 1e9, 30.0, rw);
  /**
   * CupelEngine:pool-recycle:
   *
   * The age in seconds at which a connection is replaced when it is borrowed; -1 for never.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_RECYCLE] = g_param_spec_double ("pool-recycle", NULL, NULL, -1.0, 1e9, -1.0, rw);
  /**
   * CupelEngine:pool-pre-ping:
   *
   * Whether the server is asked for a sign of life before a connection is lent.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_PRE_PING] = g_param_spec_boolean ("pool-pre-ping", NULL, NULL, FALSE, rw);
  /**
   * CupelEngine:pool-lifo:
   *
   * Whether the connection that came back last is lent first, so that the others may grow old and be dropped by the server.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_LIFO] = g_param_spec_boolean ("pool-lifo", NULL, NULL, FALSE, rw);
  /**
   * CupelEngine:pool-max-lifetime:
   *
   * The age in seconds at which a connection is replaced, as with #CupelEngine:pool-recycle, but each one up to a tenth earlier, by lot, so
   * that connections that were made together are not replaced together; -1 for never.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_MAX_LIFETIME] = g_param_spec_double ("pool-max-lifetime", NULL, NULL, -1.0, 1e9, 3600.0, rw);
  /**
   * CupelEngine:pool-ping-timeout:
   *
   * What the sign of life of #CupelEngine:pool-pre-ping may take, in seconds, 0.5 to 5. After that the connection counts as dead.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_PING_TIMEOUT] = g_param_spec_double ("pool-ping-timeout", NULL, NULL, 0.5, 5.0, 1.0, rw);
  /**
   * CupelEngine:pool-ping-idle:
   *
   * A connection that was idle for less than so many seconds is lent without a ping.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_PING_IDLE] = g_param_spec_double ("pool-ping-idle", NULL, NULL, 0.0, 1e9, 1.0, rw);
  /**
   * CupelEngine:pool-reset-on-return:
   *
   * What becomes of a transaction that is open, and of the session, when a connection goes back to the pool.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_RESET] = g_param_spec_enum ("pool-reset-on-return", NULL, NULL, CUPEL_TYPE_POOL_RESET,
                                                   CUPEL_POOL_RESET_ROLLBACK, rw);
  /**
   * CupelEngine:pool-name:
   *
   * The kind of pool: "queue", "static", "null", "assertion" or that of a module; %NULL for what suits the driver.
   *
   * Since: 1.0
   */
  properties[PROP_POOL_NAME] = g_param_spec_string ("pool-name", NULL, NULL, NULL, rw);
  /**
   * CupelEngine:statement-cache-size:
   *
   * How many compiled statements are kept; 0 for none.
   *
   * Since: 1.0
   */
  properties[PROP_STATEMENT_CACHE_SIZE] = g_param_spec_uint ("statement-cache-size", NULL, NULL, 0, 1000000, 500, rw);
  /**
   * CupelEngine:isolation-level:
   *
   * The isolation level that connections begin with.
   *
   * Since: 1.0
   */
  properties[PROP_ISOLATION_LEVEL] = g_param_spec_enum ("isolation-level", NULL, NULL, CUPEL_TYPE_ISOLATION_LEVEL,
                                                        CUPEL_ISOLATION_DEFAULT, rw);
  /**
   * CupelEngine:statement-timeout:
   *
   * How long one call to the server may take, in seconds; 0 for no limit. Connections take it over when they are borrowed, see
   * [method@Cupel.Connection.set_statement_timeout].
   *
   * Since: 1.0
   */
  properties[PROP_STATEMENT_TIMEOUT] = g_param_spec_double ("statement-timeout", NULL, NULL, 0.0, 1e9, 0.0, rw);
  /**
   * CupelEngine:connect-timeout:
   *
   * How long making one connection may take, in seconds: looking up the host, all its addresses, TLS and logging in. The URL
   * option `connect_timeout` sets it, too.
   *
   * Since: 1.0
   */
  properties[PROP_CONNECT_TIMEOUT] = g_param_spec_double ("connect-timeout", NULL, NULL, 0.001, 86400.0, 10.0, rw);

  g_object_class_install_properties (object_class, N_PROPS, properties);
  cupel_engine_install_signals ();
}

static void
cupel_engine_init (CupelEngine *self)
{
  self->thread = g_thread_self ();
  self->context = g_main_context_ref_thread_default ();
  g_mutex_init (&self->lock);
  self->cache_size = 500;
  self->connect_timeout = 10.0;
  self->pool_options = (CupelPoolOptions) {
    .size = 5,
    .max_overflow = 10,
    .timeout = 30 * G_USEC_PER_SEC,
    .recycle = -1,
    .max_lifetime = G_TIME_SPAN_HOUR,
    .ping_timeout = G_USEC_PER_SEC,
    .ping_idle = G_USEC_PER_SEC,
  };
}

/**
 * cupel_engine_new:
 * @url: `dialect[+driver]://user:password@host:port/database?option=value`
 * @error: return location for an error
 *
 * Makes an engine for a database. The modules that @url names are loaded; there is no other I/O: the server is first spoken to
 * when a connection is needed. The engine belongs to the thread that makes it.
 *
 * Returns: (transfer full): a new engine, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelEngine *
cupel_engine_new (const char  *url,
                  GError     **error)
{
  g_return_val_if_fail (url != NULL, NULL);

  return g_initable_new (CUPEL_TYPE_ENGINE, NULL, error, "url", url, NULL);
}

/**
 * cupel_engine_get_url:
 * @self: an engine
 *
 * Gets what database the engine is for.
 *
 * Returns: (transfer none): the URL
 *
 * Since: 1.0
 */
CupelUrl *
cupel_engine_get_url (CupelEngine *self)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return self->url;
}

/**
 * cupel_engine_get_dialect:
 * @self: an engine
 *
 * Gets the dialect.
 *
 * Returns: (transfer none): the dialect
 *
 * Since: 1.0
 */
CupelDialect *
cupel_engine_get_dialect (CupelEngine *self)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return self->dialect;
}

/**
 * cupel_engine_get_driver_name:
 * @self: an engine
 *
 * Gets the name of the driver.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_engine_get_driver_name (CupelEngine *self)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return cupel_driver_get_name (self->driver);
}

/**
 * cupel_engine_get_pool:
 * @self: an engine
 *
 * Gets the pool of connections, for its figures.
 *
 * Returns: (transfer none) (nullable): the pool; %NULL before the first use, and after cupel_engine_dispose()
 *
 * Since: 1.0
 */
CupelPool *
cupel_engine_get_pool (CupelEngine *self)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return self->pool;
}

/**
 * cupel_engine_get_capabilities:
 * @self: an engine
 *
 * Gets what the server can do. It is asked with the first connection.
 *
 * Returns: the capabilities; none before the first connection
 *
 * Since: 1.0
 */
CupelCapabilities
cupel_engine_get_capabilities (CupelEngine *self)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), CUPEL_CAP_NONE);

  return self->capabilities;
}

/**
 * cupel_engine_get_echo:
 * @self: an engine
 *
 * Tells whether the statements go to the log.
 *
 * Returns: %TRUE if they do
 *
 * Since: 1.0
 */
gboolean
cupel_engine_get_echo (CupelEngine *self)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return self->echo;
}

/**
 * cupel_engine_set_echo:
 * @self: an engine
 * @echo: whether the statements go to the log
 *
 * Sets whether the statements go to the log, at the level of messages.
 *
 * Since: 1.0
 */
void
cupel_engine_set_echo (CupelEngine *self,
                       gboolean     echo)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));

  echo = !!echo;
  if (self->echo == echo)
    return;
  self->echo = echo;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_ECHO]);
}

/**
 * cupel_engine_get_cache_stats:
 * @self: an engine
 * @hits: (out) (optional): how often a compiled statement was used again
 * @misses: (out) (optional): how often one was compiled
 *
 * Gets how well the cache of compiled statements does.
 *
 * Since: 1.0
 */
void
cupel_engine_get_cache_stats (CupelEngine *self,
                              guint64     *hits,
                              guint64     *misses)
{
  guint64 h = 0, m = 0;

  g_return_if_fail (CUPEL_IS_ENGINE (self));

  if (self->cache != NULL)
    cupel_compiled_cache_get_stats (self->cache, &h, &m);
  if (hits != NULL)
    *hits = h;
  if (misses != NULL)
    *misses = m;
}

/* private */

CupelCompiledCache *
cupel_engine_get_cache (CupelEngine *self)
{
  if (G_UNLIKELY (self->cache == NULL))
    self->cache = cupel_compiled_cache_new (self->compiler, self->cache_size);

  return self->cache;
}

gboolean
cupel_engine_is_owner (CupelEngine *self)
{
  return self->thread == g_thread_self ();
}

gboolean
cupel_engine_check_owner (CupelEngine  *self,
                          const char   *operation,
                          GError      **error)
{
  if (G_LIKELY (cupel_engine_is_owner (self)))
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT,
               "%s() was called on a thread that does not own the engine: make an engine per thread", operation);
  return FALSE;
}
