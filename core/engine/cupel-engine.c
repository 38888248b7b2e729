/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "engine/cupel-connection-private.h"
#include "engine/cupel-host-list-private.h"
#include "engine/cupel-network-options.h"
#include "engine/cupel-pool-private.h"
#include "engine/cupel-retry-private.h"
#include "engine/cupel-schema-sync-private.h"
#include "engine/cupel-transaction-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-plugin.h"

/* What idle connections get to say good-bye. */
#define DISPOSE_TIME (5 * G_USEC_PER_SEC)

/* Of a bound value in the log; of sets. */
#define MAX_VALUE_BYTES 64
#define MAX_LOGGED_SETS 10

struct _CupelEngine
{
  GObject              parent_instance;

  GThread             *thread;
  GMainContext        *context;          /* that of the thread */
  GMutex               lock;
  GPtrArray           *handed_over;      /* under the lock; nullable */
  GSource             *hand_over;        /* takes them in when the loop runs; under the lock, nullable */
  int                  n_handed_over;    /* written under the lock, read without */
  char                *url_string;       /* until it is parsed: it holds the password */
  CupelUrl            *url;
  CupelDialect        *dialect;
  CupelDriver         *driver;
  CupelHostList       *hosts;
  CupelCompiler       *compiler;
  CupelCompiledCache  *cache;
  CupelPool           *pool;
  CupelCapabilities    capabilities;
  gboolean             initialized;      /* the server was asked what it can do */
  gboolean             initializing;
  GQueue               initialize_waiters;  /* of CupelCompletion */

  gboolean             echo;
  gboolean             echo_values;
  CupelPoolOptions     pool_options;
  char                *pool_name;
  guint                cache_size;
  CupelIsolationLevel  isolation;
  gint64               statement_timeout; /* microseconds, 0: none */
  double               connect_timeout;  /* seconds */
};

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
static guint signals[CUPEL_ENGINE_N_SIGNALS];

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

static void
take_in (CupelEngine *self)
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
  take_in (data);
  return G_SOURCE_REMOVE;
}

/* Whether the source ran or its context is gone. */
static void
end_hand_over (gpointer data)
{
  take_in (data);
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
      break;
    case PROP_MAX_OVERFLOW:
      self->pool_options.max_overflow = g_value_get_int (value);
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
   * What becomes of a transaction that is open when its connection goes back to the pool.
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

  /**
   * CupelEngine::connected:
   * @self: the engine
   *
   * A connection to the server was made.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_CONNECTED] = g_signal_new ("connected", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                  G_TYPE_NONE, 0);
  /**
   * CupelEngine::checkout:
   * @self: the engine
   *
   * A connection was lent.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_CHECKOUT] = g_signal_new ("checkout", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                 G_TYPE_NONE, 0);
  /**
   * CupelEngine::checkin:
   * @self: the engine
   *
   * A connection was given back.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_CHECKIN] = g_signal_new ("checkin", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 0);
  /**
   * CupelEngine::invalidated:
   * @self: the engine
   *
   * A connection that is lent was found to be of no more use: its link is lost, or an operation was interrupted in the middle.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_INVALIDATED] = g_signal_new ("invalidated", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                    G_TYPE_NONE, 0);
  /**
   * CupelEngine::before-execute:
   * @self: the engine
   * @sql: the statement
   * @n_sets: how many sets of parameters it is executed with, 1 without any
   *
   * A statement is about to be sent.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_BEFORE_EXECUTE] = g_signal_new ("before-execute", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                       G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_UINT);
  /**
   * CupelEngine::execute:
   * @self: the engine
   * @sql: the statement
   * @n_sets: how many sets of parameters it was executed with, 1 without any
   * @cache_hit: whether it was compiled before
   * @duration: microseconds until the answer
   * @error: (nullable): what went wrong; of several statements in one flight, what went wrong with the flight
   *
   * A statement was sent to the server and answered, well or not.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_EXECUTE] = g_signal_new ("execute", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 5, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_BOOLEAN, G_TYPE_INT64,
                                                G_TYPE_ERROR);
  /**
   * CupelEngine::begin:
   * @self: the engine
   *
   * A transaction begins.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_BEGIN] = g_signal_new ("begin", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                              G_TYPE_NONE, 0);
  /**
   * CupelEngine::commit:
   * @self: the engine
   *
   * A transaction was committed.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_COMMIT] = g_signal_new ("commit", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                               G_TYPE_NONE, 0);
  /**
   * CupelEngine::rollback:
   * @self: the engine
   *
   * A transaction was rolled back.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_ROLLBACK] = g_signal_new ("rollback", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                 G_TYPE_NONE, 0);
  /**
   * CupelEngine::savepoint:
   * @self: the engine
   * @name: (nullable): its name; %NULL where the server has none
   *
   * A nested transaction began.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_SAVEPOINT] = g_signal_new ("savepoint", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                  G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * CupelEngine::release-savepoint:
   * @self: the engine
   * @name: (nullable): its name; %NULL where the server has none
   *
   * A nested transaction was committed.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_RELEASE_SAVEPOINT] = g_signal_new ("release-savepoint", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                          G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * CupelEngine::rollback-savepoint:
   * @self: the engine
   * @name: (nullable): its name; %NULL where the server has none
   *
   * A nested transaction was rolled back.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_ROLLBACK_SAVEPOINT] = g_signal_new ("rollback-savepoint", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                           NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
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

typedef struct
{
  CupelEngine       *engine;
  CupelEngineSignal  signal;
  const char        *sql;
  guint              n_sets;
  gboolean           cache_hit;
  gint64             duration;
  const GError      *error;
} Emission;

static void
emit_on_main_stack (gpointer data)
{
  Emission *emission = data;

  switch (emission->signal)
    {
    case CUPEL_ENGINE_EXECUTE:
      g_signal_emit (emission->engine, signals[CUPEL_ENGINE_EXECUTE], 0,
                     emission->sql, emission->n_sets, emission->cache_hit, emission->duration, emission->error);
      break;
    case CUPEL_ENGINE_BEFORE_EXECUTE:
      g_signal_emit (emission->engine, signals[CUPEL_ENGINE_BEFORE_EXECUTE], 0, emission->sql, emission->n_sets);
      break;
    case CUPEL_ENGINE_SAVEPOINT:
    case CUPEL_ENGINE_RELEASE_SAVEPOINT:
    case CUPEL_ENGINE_ROLLBACK_SAVEPOINT:
      g_signal_emit (emission->engine, signals[emission->signal], 0, emission->sql);
      break;
    default:
      g_signal_emit (emission->engine, signals[emission->signal], 0);
      break;
    }
}

void
cupel_engine_emit (CupelEngine       *self,
                   CupelEngineSignal  signal)
{
  Emission emission = { .engine = self, .signal = signal };

  if (g_signal_has_handler_pending (self, signals[signal], 0, TRUE))
    cupel_call_on_main_stack (emit_on_main_stack, &emission);
}

void
cupel_engine_emit_savepoint (CupelEngine       *self,
                             CupelEngineSignal  signal,
                             const char        *name)
{
  Emission emission = { .engine = self, .signal = signal, .sql = name };

  if (g_signal_has_handler_pending (self, signals[signal], 0, TRUE))
    cupel_call_on_main_stack (emit_on_main_stack, &emission);
}

gboolean
cupel_engine_observes (CupelEngine *self)
{
  return self->echo || g_signal_has_handler_pending (self, signals[CUPEL_ENGINE_EXECUTE], 0, TRUE) ||
         g_signal_has_handler_pending (self, signals[CUPEL_ENGINE_BEFORE_EXECUTE], 0, TRUE);
}

gint64
cupel_engine_get_statement_timeout_us (CupelEngine *self)
{
  return self->statement_timeout;
}

static void
append_values (GString            *text,
               const CupelRequest *request)
{
  guint n_sets = MAX (request->n_sets, 1);

  for (guint set = 0; set < MIN (n_sets, MAX_LOGGED_SETS); set++)
    {
      g_string_append (text, set == 0 ? " (" : ", (");
      for (guint slot = 0; slot < request->compiled->n_slots; slot++)
        {
          const CupelCell *cell = cupel_request_get_cell (request, set, slot);
          g_autofree char *value = cupel_cell_to_string (cell);
          const char *end = NULL;
          g_autofree char *escaped = NULL;

          if (strlen (value) > MAX_VALUE_BYTES)
            value[MAX_VALUE_BYTES] = '\0';
          else
            end = value;
          escaped = g_utf8_make_valid (value, -1);
          g_string_append_printf (text, "%s%s%s", slot > 0 ? ", " : "", escaped, end == NULL ? "..." : "");
        }
      g_string_append_c (text, ')');
    }
  if (n_sets > MAX_LOGGED_SETS)
    g_string_append_printf (text, " and %u more", n_sets - MAX_LOGGED_SETS);
}

void
cupel_engine_log_request (CupelEngine        *self,
                          const CupelRequest *request,
                          gboolean            cache_hit)
{
  if (self->echo)
    cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, "%s", request->compiled->sql);

  if (g_signal_has_handler_pending (self, signals[CUPEL_ENGINE_BEFORE_EXECUTE], 0, TRUE))
    {
      Emission emission = {
        .engine = self,
        .signal = CUPEL_ENGINE_BEFORE_EXECUTE,
        .sql = request->compiled->sql,
        .n_sets = MAX (request->n_sets, 1),
      };

      cupel_call_on_main_stack (emit_on_main_stack, &emission);
    }
}

void
cupel_engine_log_done (CupelEngine        *self,
                       const CupelRequest *request,
                       gboolean            cache_hit,
                       gint64              duration,
                       const GError       *error)
{
  if (self->echo)
    {
      g_autoptr(GString) text = g_string_new (NULL);

      g_string_append_printf (text, "[%s %.1f ms]", cache_hit ? "cached" : "compiled", (double) duration / 1000.0);
      if (request->n_sets > 1)
        g_string_append_printf (text, " %u sets", request->n_sets);
      if (self->echo_values && request->compiled->n_slots > 0)
        append_values (text, request);
      cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, "%s", text->str);
    }

  if (g_signal_has_handler_pending (self, signals[CUPEL_ENGINE_EXECUTE], 0, TRUE))
    {
      Emission emission = {
        .engine = self,
        .signal = CUPEL_ENGINE_EXECUTE,
        .sql = request->compiled->sql,
        .n_sets = MAX (request->n_sets, 1),
        .cache_hit = cache_hit,
        .duration = duration,
        .error = error,
      };

      cupel_call_on_main_stack (emit_on_main_stack, &emission);
    }
}

/* connecting */

/* One of the first connections asks the server what it can do; the others wait for the answer, and one of them asks if it failed. */
static gboolean
initialize (CupelEngine            *self,
            CupelDriverConnection  *connection,
            gint64                  deadline,
            GCancellable           *cancellable,
            GError                **error)
{
  CupelCapabilities capabilities = CUPEL_CAP_NONE;

  while (self->initializing && !self->initialized)
    {
      g_autoptr(CupelCompletion) completion = cupel_completion_new ();
      gboolean told;

      g_queue_push_tail (&self->initialize_waiters, completion);
      told = cupel_completion_wait (completion, deadline, cancellable, error);
      g_queue_remove (&self->initialize_waiters, completion);
      if (!told)
        return FALSE;
    }
  if (self->initialized)
    return TRUE;

  self->initializing = TRUE;
  if (cupel_dialect_initialize (self->dialect, connection, &capabilities, cancellable, error))
    {
      self->capabilities = capabilities;
      self->initialized = TRUE;
    }
  self->initializing = FALSE;
  for (GList *l = self->initialize_waiters.head; l != NULL; l = l->next)
    cupel_completion_complete (l->data);
  return self->initialized;
}

static CupelDriverConnection *
make_connection (gpointer       user_data,
                 gint64         deadline,
                 GCancellable  *cancellable,
                 GError       **error)
{
  CupelEngine *self = user_data;
  const gint64 timeout = (gint64) (self->connect_timeout * G_USEC_PER_SEC);
  const gint64 limit = g_get_monotonic_time () + timeout;
  CupelDriverConnection *connection;

  if (deadline == CUPEL_NO_DEADLINE || deadline > limit)
    deadline = limit;
  connection = cupel_host_list_connect (self->hosts, timeout, deadline, cancellable, error);
  if (connection == NULL)
    return NULL;

  if (!self->initialized && !initialize (self, connection, deadline, cancellable, error))
    {
      cupel_driver_connection_terminate (connection);
      g_object_unref (connection);
      return NULL;
    }

  cupel_engine_emit (self, CUPEL_ENGINE_CONNECTED);
  return connection;
}

static CupelPool *
ensure_pool (CupelEngine  *self,
             GError      **error)
{
  const char *name;
  GType type;

  if (self->pool != NULL)
    return self->pool;

  name = self->pool_name != NULL ? self->pool_name : cupel_driver_choose_pool (self->driver, self->url);
  type = cupel_plugin_find (CUPEL_PLUGIN_POOL, name, CUPEL_TYPE_POOL, error);
  if (type == G_TYPE_INVALID)
    return NULL;

  self->pool_options.connect_timeout = (gint64) (self->connect_timeout * G_USEC_PER_SEC);
  self->pool = g_object_new (type, NULL);
  cupel_pool_set_context (self->pool, self->context);
  cupel_pool_set_up (self->pool, &self->pool_options, make_connection, G_OBJECT (self));
  return self->pool;
}

static gboolean
check_owner (CupelEngine  *self,
             const char   *operation,
             GError      **error)
{
  if (G_LIKELY (cupel_engine_is_owner (self)))
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT,
               "%s() was called on a thread that does not own the engine: make an engine per thread", operation);
  return FALSE;
}

CupelConnection *
cupel_engine_borrow (CupelEngine   *self,
                     const char    *site,
                     GCancellable  *cancellable,
                     GError       **error)
{
  g_autoptr(CupelPool) pool = NULL;
  g_autoptr(GError) local = NULL;
  CupelDriverConnection *driver_connection;
  CupelConnection *connection;

  if (!check_owner (self, "cupel_engine_connect", error))
    return NULL;
  take_in (self);

  do
    {
      g_clear_error (&local);
      g_clear_object (&pool);
      if (ensure_pool (self, error) == NULL)
        return NULL;
      /* The pool may be replaced while this one waits: then there is another one. */
      pool = g_object_ref (self->pool);
      driver_connection = cupel_pool_checkout (pool, site, cancellable, &local);
    }
  while (driver_connection == NULL && pool != self->pool && g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED));
  if (driver_connection == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }

  connection = cupel_connection_new (self, pool, driver_connection, self->isolation);
  cupel_engine_emit (self, CUPEL_ENGINE_CHECKOUT);
  return connection;
}

static gpointer
connect_body (gpointer       self,
              gpointer       args,
              GCancellable  *cancellable,
              GError       **error)
{
  return cupel_engine_borrow (self, args, cancellable, error);
}

static const CupelCall connect_call = { "cupel_engine_connect", connect_body, g_object_unref };

/**
 * cupel_engine_connect_async:
 * @self: an engine
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Borrows a connection. See cupel_engine_connect().
 *
 * Since: 1.0
 */
void
cupel_engine_connect_async (CupelEngine         *self,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));

  cupel_call_async (&connect_call, self, NULL, NULL, cancellable, callback, user_data);
}

/**
 * cupel_engine_connect_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_connect_async().
 *
 * Returns: (transfer full): a connection, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_engine_connect_finish (CupelEngine   *self,
                             GAsyncResult  *result,
                             GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return cupel_call_finish (&connect_call, self, result, error);
}

/**
 * cupel_engine_connect: (skip)
 * @self: an engine
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection from the pool. Give it back with cupel_connection_close().
 *
 * Fails with %CUPEL_ERROR_POOL_TIMEOUT when none becomes free in time, and with %CUPEL_ERROR_CONNECTION or
 * %CUPEL_ERROR_AUTHENTICATION when the server cannot be reached or refuses.
 *
 * Returns: (transfer full): a connection, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_engine_connect (CupelEngine   *self,
                      GCancellable  *cancellable,
                      GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return cupel_call_sync (&connect_call, self, NULL, cancellable, error);
}

/**
 * cupel_engine_connect_at: (skip)
 * @self: an engine
 * @site: where in the program, a string that lasts as long as the program, such as %G_STRLOC
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection, as cupel_engine_connect() does, and notes who did, for cupel_pool_describe() and for the error of those who wait
 * in vain. In a file that defines `CUPEL_TRACE_LEASES` before it includes `cupel.h`, every cupel_engine_connect() does this.
 *
 * Returns: (transfer full): a connection, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_engine_connect_at (CupelEngine   *self,
                         const char    *site,
                         GCancellable  *cancellable,
                         GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), NULL);

  return cupel_call_sync (&connect_call, self, (gpointer) site, cancellable, error);
}

/**
 * cupel_engine_connect_sync:
 * @self: an engine
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection from the pool, as cupel_engine_connect() does. It is for languages in which a method of that name connects
 * signal handlers.
 *
 * Returns: (transfer full): a connection, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelConnection *
cupel_engine_connect_sync (CupelEngine   *self,
                           GCancellable  *cancellable,
                           GError       **error)
{
  return cupel_engine_connect (self, cancellable, error);
}

/* a function in a transaction */

typedef struct
{
  CupelConnectionFunc  func;
  gpointer             data;
  GDestroyNotify       destroy;
} BeginArgs;

static void
begin_args_free (gpointer data)
{
  BeginArgs *args = data;

  if (args->destroy != NULL)
    args->destroy (args->data);
  g_free (args);
}

static gpointer
begin_body (gpointer       self,
            gpointer       args_,
            GCancellable  *cancellable,
            GError       **error)
{
  BeginArgs *args = args_;
  g_autoptr(CupelConnection) connection = NULL;
  gboolean success;

  if ((connection = cupel_engine_borrow (self, NULL, cancellable, error)) == NULL)
    return GINT_TO_POINTER (FALSE);

  success = cupel_connection_begin (connection, cancellable, error);
  if (success)
    {
      CupelScope scope;

      cupel_connection_push_scope (connection, &scope, cupel_connection_get_transaction (connection));
      success = args->func (connection, args->data, cancellable, error);
      success = cupel_connection_pop_scope (connection, &scope, success, cancellable, error);
    }

  cupel_connection_close (connection, NULL, NULL);
  return GINT_TO_POINTER (success);
}

static const CupelCall begin_call = { "cupel_engine_begin", begin_body, NULL };

/**
 * cupel_engine_begin_async: (skip)
 * @self: an engine
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a transaction. See cupel_engine_begin().
 *
 * Since: 1.0
 */
void
cupel_engine_begin_async (CupelEngine          *self,
                          CupelConnectionFunc   func,
                          gpointer              func_data,
                          GDestroyNotify        destroy,
                          GCancellable         *cancellable,
                          GAsyncReadyCallback   callback,
                          gpointer              user_data)
{
  BeginArgs *args;

  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (func != NULL);

  args = g_new (BeginArgs, 1);
  args->func = func;
  args->data = func_data;
  args->destroy = destroy;
  cupel_call_async (&begin_call, self, args, begin_args_free, cancellable, callback, user_data);
}

/**
 * cupel_engine_begin_finish: (skip)
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_begin_async().
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_begin_finish (CupelEngine   *self,
                           GAsyncResult  *result,
                           GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&begin_call, self, result, error));
}

/**
 * cupel_engine_begin: (skip)
 * @self: an engine
 * @func: the work
 * @func_data: for @func
 * @cancellable: (nullable): a #GCancellable, handed to @func
 * @error: return location for an error
 *
 * Borrows a connection, begins a transaction, runs @func in a fiber and commits; when @func fails, the transaction is rolled back
 * and its error is the one that is reported. The connection is given back in every case.
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_begin (CupelEngine          *self,
                    CupelConnectionFunc   func,
                    gpointer              func_data,
                    GCancellable         *cancellable,
                    GError              **error)
{
  BeginArgs args = { func, func_data, NULL };

  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&begin_call, self, &args, cancellable, error));
}

/* a function in a transaction, until it gets through */

typedef struct
{
  CupelEngine         *engine;     /* borrowed */
  CupelRetry          *retry;      /* nullable */
  CupelConnectionFunc  func;
  gpointer             data;
  GDestroyNotify       destroy;
} RunArgs;

static void
run_args_free (gpointer data)
{
  RunArgs *args = data;

  g_clear_object (&args->retry);
  if (args->destroy != NULL)
    args->destroy (args->data);
  g_free (args);
}

static gboolean
try_once (CupelRetry    *retry,
          guint          attempt,
          gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  RunArgs *args = data;
  g_autoptr(CupelConnection) connection = cupel_engine_borrow (args->engine, "cupel_engine_run_transaction", cancellable, error);
  gboolean success;

  if (connection == NULL)
    return FALSE;
  connection->attempt = attempt;
  success = cupel_connection_run_transaction (connection, retry->isolation, retry->flags, args->func, args->data, cancellable, error);
  cupel_connection_close (connection, NULL, NULL);
  return success;
}

static gpointer
run_transaction_body (gpointer       self,
                      gpointer       args_,
                      GCancellable  *cancellable,
                      GError       **error)
{
  RunArgs *args = args_;

  args->engine = self;
  return GINT_TO_POINTER (cupel_retry_run (args->retry, try_once, args, cancellable, error));
}

static const CupelCall run_transaction_call = { "cupel_engine_run_transaction", run_transaction_body, NULL };

/**
 * cupel_engine_run_transaction_async: (skip)
 * @self: an engine
 * @retry: (nullable): how to try again, %NULL for the defaults
 * @func: the work
 * @func_data: for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Runs @func in a transaction until it gets through. See cupel_engine_run_transaction().
 *
 * Since: 1.0
 */
void
cupel_engine_run_transaction_async (CupelEngine          *self,
                                    CupelRetry           *retry,
                                    CupelConnectionFunc   func,
                                    gpointer              func_data,
                                    GDestroyNotify        destroy,
                                    GCancellable         *cancellable,
                                    GAsyncReadyCallback   callback,
                                    gpointer              user_data)
{
  RunArgs *args;

  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (retry == NULL || CUPEL_IS_RETRY (retry));
  g_return_if_fail (func != NULL);

  args = g_new0 (RunArgs, 1);
  g_set_object (&args->retry, retry);
  args->func = func;
  args->data = func_data;
  args->destroy = destroy;
  cupel_call_async (&run_transaction_call, self, args, run_args_free, cancellable, callback, user_data);
}

/**
 * cupel_engine_run_transaction_finish: (skip)
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_run_transaction_async().
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_run_transaction_finish (CupelEngine   *self,
                                     GAsyncResult  *result,
                                     GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_transaction_call, self, result, error));
}

/**
 * cupel_engine_run_transaction: (skip)
 * @self: an engine
 * @retry: (nullable): how to try again, %NULL for the defaults
 * @func: the work
 * @func_data: for @func
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection, begins a transaction, runs @func in a fiber and commits, as cupel_engine_begin() does. When that lost a race against
 * another transaction, or the connection was lost before COMMIT was sent, or the server could not take it at the moment, all of it is done
 * again on another connection, after a pause. So @func reads all that it needs in the transaction, and does nothing outside of it that may
 * not be done twice. It learns from cupel_transaction_get_attempt() which try it is.
 *
 * It is not run again when it is not known whether the transaction was committed, %CUPEL_ERROR_OUTCOME_UNKNOWN: then the program has to look.
 * The error is that of the last try; its message tells how many there were and how the others ended.
 *
 * The cancellable that @func is given is not @cancellable when there is a time limit: it is cancelled by both.
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_engine_run_transaction (CupelEngine          *self,
                              CupelRetry           *retry,
                              CupelConnectionFunc   func,
                              gpointer              func_data,
                              GCancellable         *cancellable,
                              GError              **error)
{
  RunArgs args = { .retry = retry, .func = func, .data = func_data };

  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (retry == NULL || CUPEL_IS_RETRY (retry), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_transaction_call, self, &args, cancellable, error));
}

/* the schema */

static gboolean
create_all_func (CupelConnection  *connection,
                 gpointer          metadata,
                 GCancellable     *cancellable,
                 GError          **error)
{
  return cupel_connection_create_all (connection, metadata, cancellable, error);
}

static gboolean
drop_all_func (CupelConnection  *connection,
               gpointer          metadata,
               GCancellable     *cancellable,
               GError          **error)
{
  return cupel_connection_drop_all (connection, metadata, cancellable, error);
}

static gpointer
create_all_body (gpointer       self,
                 gpointer       metadata,
                 GCancellable  *cancellable,
                 GError       **error)
{
  BeginArgs args = { create_all_func, metadata, NULL };

  return begin_body (self, &args, cancellable, error);
}

static gpointer
drop_all_body (gpointer       self,
               gpointer       metadata,
               GCancellable  *cancellable,
               GError       **error)
{
  BeginArgs args = { drop_all_func, metadata, NULL };

  return begin_body (self, &args, cancellable, error);
}

static const CupelCall create_all_call = { "cupel_engine_create_all", create_all_body, NULL };
static const CupelCall drop_all_call = { "cupel_engine_drop_all", drop_all_body, NULL };

/**
 * cupel_engine_create_all_async:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Creates the tables that do not exist. See cupel_engine_create_all().
 *
 * Since: 1.0
 */
void
cupel_engine_create_all_async (CupelEngine         *self,
                               CupelMetadata       *metadata,
                               GCancellable        *cancellable,
                               GAsyncReadyCallback  callback,
                               gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (CUPEL_IS_METADATA (metadata));

  cupel_call_async (&create_all_call, self, g_object_ref (metadata), g_object_unref, cancellable, callback, user_data);
}

/**
 * cupel_engine_create_all_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_create_all_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_create_all_finish (CupelEngine   *self,
                                GAsyncResult  *result,
                                GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&create_all_call, self, result, error));
}

/**
 * cupel_engine_create_all:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Creates the tables of @metadata that do not exist, in a transaction of its own. See cupel_connection_create_all().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_create_all (CupelEngine    *self,
                         CupelMetadata  *metadata,
                         GCancellable   *cancellable,
                         GError        **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&create_all_call, self, metadata, cancellable, error));
}

/**
 * cupel_engine_drop_all_async:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Drops the tables that exist. See cupel_engine_drop_all().
 *
 * Since: 1.0
 */
void
cupel_engine_drop_all_async (CupelEngine         *self,
                             CupelMetadata       *metadata,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));
  g_return_if_fail (CUPEL_IS_METADATA (metadata));

  cupel_call_async (&drop_all_call, self, g_object_ref (metadata), g_object_unref, cancellable, callback, user_data);
}

/**
 * cupel_engine_drop_all_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_drop_all_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_drop_all_finish (CupelEngine   *self,
                              GAsyncResult  *result,
                              GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&drop_all_call, self, result, error));
}

/**
 * cupel_engine_drop_all:
 * @self: an engine
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Drops the tables of @metadata that exist, in a transaction of its own. See cupel_connection_drop_all().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_drop_all (CupelEngine    *self,
                       CupelMetadata  *metadata,
                       GCancellable   *cancellable,
                       GError        **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&drop_all_call, self, metadata, cancellable, error));
}

/* the pool */

/**
 * cupel_engine_invalidate_pool:
 * @self: an engine
 *
 * Replaces every connection that was made before now: idle ones are closed, those that are lent when they come back. It is for a program
 * that knows that the servers changed their parts. Never suspends. See cupel_pool_invalidate().
 *
 * Since: 1.0
 */
void
cupel_engine_invalidate_pool (CupelEngine *self)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));

  if (self->pool != NULL)
    cupel_pool_invalidate (self->pool);
}

static gpointer
drain_body (gpointer       self_,
            gpointer       args,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelEngine *self = self_;
  double *timeout = args;
  g_autoptr(CupelPool) pool = NULL;

  if (!check_owner (self, "cupel_engine_drain", error))
    return GINT_TO_POINTER (FALSE);

  pool = g_steal_pointer (&self->pool);
  return GINT_TO_POINTER (pool == NULL ||
                          cupel_pool_drain (pool, g_get_monotonic_time () + microseconds (MAX (*timeout, 0.0)), cancellable, error));
}

static const CupelCall drain_call = { "cupel_engine_drain", drain_body, NULL };

/**
 * cupel_engine_drain_async:
 * @self: an engine
 * @timeout: how long to wait for connections that are lent, in seconds
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Waits for the connections that are lent and closes all. See cupel_engine_drain().
 *
 * Since: 1.0
 */
void
cupel_engine_drain_async (CupelEngine         *self,
                          double               timeout,
                          GCancellable        *cancellable,
                          GAsyncReadyCallback  callback,
                          gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));

  cupel_call_async (&drain_call, self, g_memdup2 (&timeout, sizeof (timeout)), g_free, cancellable, callback, user_data);
}

/**
 * cupel_engine_drain_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_drain_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_drain_finish (CupelEngine   *self,
                           GAsyncResult  *result,
                           GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&drain_call, self, result, error));
}

/**
 * cupel_engine_drain:
 * @self: an engine
 * @timeout: how long to wait for connections that are lent, in seconds
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Comes to rest gracefully, before a program ends or a server is restarted: waits until the connections that are lent now came back, and
 * closes all. Who asks for a connection meanwhile gets a new one, of a new pool.
 *
 * Fails with %CUPEL_ERROR_TIMEOUT, naming who holds what, when that takes longer than @timeout; what is still lent is closed when it comes
 * back.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_drain (CupelEngine   *self,
                    double         timeout,
                    GCancellable  *cancellable,
                    GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&drain_call, self, &timeout, cancellable, error));
}

/* dispose */

static gpointer
dispose_body (gpointer       self_,
              gpointer       args,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelEngine *self = self_;
  g_autoptr(CupelPool) pool = NULL;

  if (!check_owner (self, "cupel_engine_dispose", error))
    return GINT_TO_POINTER (FALSE);

  pool = g_steal_pointer (&self->pool);
  if (pool != NULL)
    cupel_pool_close (pool, g_get_monotonic_time () + DISPOSE_TIME);
  return GINT_TO_POINTER (TRUE);
}

static const CupelCall dispose_call = { "cupel_engine_dispose", dispose_body, NULL };

/**
 * cupel_engine_dispose_async:
 * @self: an engine
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Closes the connections. See cupel_engine_dispose().
 *
 * Since: 1.0
 */
void
cupel_engine_dispose_async (CupelEngine         *self,
                            GCancellable        *cancellable,
                            GAsyncReadyCallback  callback,
                            gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENGINE (self));

  cupel_call_async (&dispose_call, self, NULL, NULL, NULL, callback, user_data);
}

/**
 * cupel_engine_dispose_finish:
 * @self: an engine
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_engine_dispose_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_dispose_finish (CupelEngine   *self,
                             GAsyncResult  *result,
                             GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&dispose_call, self, result, error));
}

/**
 * cupel_engine_dispose:
 * @self: an engine
 * @cancellable: (nullable): a #GCancellable; it has no effect
 * @error: return location for an error
 *
 * Closes every idle connection, all at the same time and within 5 seconds. Those that are lent are closed when they come back. The
 * engine may be used again: it then makes a new pool.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_engine_dispose (CupelEngine   *self,
                      GCancellable  *cancellable,
                      GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&dispose_call, self, NULL, NULL, error));
}
