/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-dialect-class.h"
#include "runtime/cupel-error-details.h"

typedef struct
{
  CupelCompiler *probe_compiler;
} CupelDialectPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CupelDialect, cupel_dialect, G_TYPE_OBJECT)

static gboolean
cupel_dialect_real_initialize (CupelDialect           *self,
                               CupelDriverConnection  *connection,
                               CupelCapabilities      *capabilities,
                               GCancellable           *cancellable,
                               GError                **error)
{
  *capabilities = CUPEL_CAP_NONE;
  return TRUE;
}

static const char *const *
cupel_dialect_real_get_session_statements (CupelDialect *self)
{
  static const char *const none[] = { NULL };

  return none;
}

static GError *
cupel_dialect_real_create_error (CupelDialect *self,
                                 int           native_code,
                                 const char   *sqlstate,
                                 const char   *message)
{
  const CupelErrorDetails details = { .sqlstate = sqlstate, .native_code = native_code };
  g_autofree char *valid = g_utf8_make_valid (message != NULL ? message : "unknown error", -1);

  return cupel_error_new_with_details (CUPEL_ERROR_OPERATIONAL, &details, "%s", valid);
}

static void
cupel_dialect_finalize (GObject *object)
{
  CupelDialectPrivate *priv = cupel_dialect_get_instance_private (CUPEL_DIALECT (object));

  g_clear_object (&priv->probe_compiler);

  G_OBJECT_CLASS (cupel_dialect_parent_class)->finalize (object);
}

static void
cupel_dialect_class_init (CupelDialectClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_dialect_finalize;
  klass->initialize = cupel_dialect_real_initialize;
  klass->get_session_statements = cupel_dialect_real_get_session_statements;
  klass->create_error = cupel_dialect_real_create_error;
}

static void
cupel_dialect_init (CupelDialect *self)
{
}

/**
 * cupel_dialect_get_name:
 * @self: a dialect
 *
 * Gets the name of the dialect: "postgresql", say.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_dialect_get_name (CupelDialect *self)
{
  g_return_val_if_fail (CUPEL_IS_DIALECT (self), NULL);

  return CUPEL_DIALECT_GET_CLASS (self)->name;
}

/**
 * cupel_dialect_create_compiler: (skip)
 * @self: a dialect
 *
 * Makes a compiler for the SQL of this dialect.
 *
 * Returns: (transfer full): a new compiler
 *
 * Since: 1.0
 */
CupelCompiler *
cupel_dialect_create_compiler (CupelDialect *self)
{
  g_return_val_if_fail (CUPEL_IS_DIALECT (self), NULL);

  return CUPEL_DIALECT_GET_CLASS (self)->create_compiler (self);
}

/**
 * cupel_dialect_create_driver: (skip)
 * @self: a dialect
 *
 * Makes the native driver of this dialect.
 *
 * Returns: (transfer full) (nullable): a new driver, %NULL when the dialect has none of its own
 *
 * Since: 1.0
 */
CupelDriver *
cupel_dialect_create_driver (CupelDialect *self)
{
  CupelDialectClass *klass;

  g_return_val_if_fail (CUPEL_IS_DIALECT (self), NULL);

  klass = CUPEL_DIALECT_GET_CLASS (self);
  return klass->create_driver != NULL ? klass->create_driver (self) : NULL;
}

/**
 * cupel_dialect_initialize: (skip)
 * @self: a dialect
 * @connection: the first connection of an engine
 * @capabilities: (out): what the server can do
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Asks the live server what it can do, and the driver what of it gets through. Suspends the fiber that calls it.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_dialect_initialize (CupelDialect           *self,
                          CupelDriverConnection  *connection,
                          CupelCapabilities      *capabilities,
                          GCancellable           *cancellable,
                          GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DIALECT (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (connection), FALSE);
  g_return_val_if_fail (capabilities != NULL, FALSE);

  if (!CUPEL_DIALECT_GET_CLASS (self)->initialize (self, connection, capabilities, cancellable, error))
    return FALSE;
  *capabilities = (CupelCapabilities) cupel_driver_connection_adjust_capabilities (connection, *capabilities);
  return TRUE;
}

/**
 * cupel_dialect_existing_tables: (skip)
 * @self: a dialect
 * @names: (array zero-terminated=1): names of tables
 *
 * Makes the statement that tells which of @names exist as tables in the current schema.
 *
 * Returns: (transfer full): a statement with one column of text
 *
 * Since: 1.0
 */
CupelStatement *
cupel_dialect_existing_tables (CupelDialect       *self,
                               const char *const  *names)
{
  g_return_val_if_fail (CUPEL_IS_DIALECT (self), NULL);
  g_return_val_if_fail (names != NULL, NULL);

  return CUPEL_DIALECT_GET_CLASS (self)->existing_tables (self, names);
}

/**
 * cupel_dialect_get_session_statements: (skip)
 * @self: a dialect
 *
 * Gets the statements that a driver which is not the dialect's own executes on every new connection, so that the session is
 * in the state that the dialect counts on: its time zone, what a backslash means, and the like.
 *
 * Returns: (transfer none) (array zero-terminated=1): statements without parameters
 *
 * Since: 1.0
 */
const char *const *
cupel_dialect_get_session_statements (CupelDialect *self)
{
  g_return_val_if_fail (CUPEL_IS_DIALECT (self), NULL);

  return CUPEL_DIALECT_GET_CLASS (self)->get_session_statements (self);
}

/**
 * cupel_dialect_create_error: (skip)
 * @self: a dialect
 * @native_code: the server's or the client library's number, 0 when there is none
 * @sqlstate: (nullable): five characters
 * @message: (nullable): what the server says
 *
 * Makes the error that a code means, for a driver which is not the dialect's own. Any thread may call this.
 *
 * Returns: (transfer full): an error of the domain %CUPEL_ERROR
 *
 * Since: 1.0
 */
GError *
cupel_dialect_create_error (CupelDialect *self,
                            int           native_code,
                            const char   *sqlstate,
                            const char   *message)
{
  g_return_val_if_fail (CUPEL_IS_DIALECT (self), NULL);

  return CUPEL_DIALECT_GET_CLASS (self)->create_error (self, native_code, sqlstate, message);
}

/**
 * cupel_dialect_query: (skip)
 * @self: a dialect
 * @connection: a connection
 * @sql: SQL without parameters
 * @reply: (out caller-allocates): a zeroed reply, filled on success
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Executes @sql as it is, outside any transaction bookkeeping: for probes. Suspends the fiber that calls it.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_dialect_query (CupelDialect           *self,
                     CupelDriverConnection  *connection,
                     const char             *sql,
                     CupelReply             *reply,
                     GCancellable           *cancellable,
                     GError                **error)
{
  CupelDialectPrivate *priv;
  g_autoptr(CupelText) text = NULL;
  g_autoptr(CupelCompiled) compiled = NULL;
  CupelRequest request = { 0 };

  g_return_val_if_fail (CUPEL_IS_DIALECT (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (connection), FALSE);
  g_return_val_if_fail (sql != NULL, FALSE);
  g_return_val_if_fail (reply != NULL, FALSE);

  priv = cupel_dialect_get_instance_private (self);
  if (priv->probe_compiler == NULL)
    priv->probe_compiler = cupel_dialect_create_compiler (self);

  text = cupel_text_new (sql);
  compiled = cupel_compiler_compile (priv->probe_compiler, (CupelStatement *) text, error);
  if (compiled == NULL)
    return FALSE;

  request.compiled = compiled;
  request.flags = CUPEL_REQUEST_NO_PREPARE;
  return cupel_driver_connection_execute (connection, &request, reply, cancellable, error);
}
