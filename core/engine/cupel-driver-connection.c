/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-driver-connection-private.h"
#include "engine/cupel-time-limit-private.h"

#include <fcntl.h>
#include <unistd.h>

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CupelDriverConnection, cupel_driver_connection, G_TYPE_OBJECT)

#define GET_CLASS(self) CUPEL_DRIVER_CONNECTION_GET_CLASS (self)

static gboolean
cupel_driver_connection_real_pipeline (CupelDriverConnection  *self,
                                       const CupelRequest     *requests,
                                       CupelReply             *replies,
                                       guint                   n_requests,
                                       GCancellable           *cancellable,
                                       GError                **error)
{
  for (guint i = 0; i < n_requests; i++)
    if (!GET_CLASS (self)->execute (self, &requests[i], &replies[i], cancellable, error))
      return FALSE;

  return TRUE;
}

static gboolean
cupel_driver_connection_real_set_isolation (CupelDriverConnection  *self,
                                            CupelIsolationLevel     level,
                                            GCancellable           *cancellable,
                                            GError                **error)
{
  if (level == CUPEL_ISOLATION_DEFAULT)
    return TRUE;

  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                       "This driver cannot change the isolation level of a connection");
  return FALSE;
}

static gboolean
cupel_driver_connection_real_set_transaction (CupelDriverConnection          *self,
                                              const CupelTransactionOptions  *options,
                                              GError                        **error)
{
  if (options == NULL || (options->isolation == CUPEL_ISOLATION_DEFAULT && !options->read_only && !options->deferrable))
    return TRUE;

  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                       "This driver cannot begin one transaction in another way than the others");
  return FALSE;
}

static gboolean
cupel_driver_connection_real_savepoint (CupelDriverConnection    *self,
                                        CupelSavepointOperation   operation,
                                        const char               *name,
                                        gint64                    deadline,
                                        GCancellable             *cancellable,
                                        GError                  **error)
{
  static const char *const commands[] = {
    [CUPEL_SAVEPOINT_SET] = "SAVEPOINT",
    [CUPEL_SAVEPOINT_RELEASE] = "RELEASE SAVEPOINT",
    [CUPEL_SAVEPOINT_ROLLBACK] = "ROLLBACK TO SAVEPOINT",
  };
  g_autofree char *sql = g_strdup_printf ("%s %s", commands[operation], name);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_TYPE_COMPILER, NULL);
  g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), error);
  g_auto(CupelReply) reply = { 0 };
  CupelRequest request = { .compiled = compiled, .flags = CUPEL_REQUEST_NO_PREPARE };
  CupelTimeLimit limit = { 0 };
  GError *local = NULL;
  gboolean success;

  if (compiled == NULL)
    return FALSE;
  if (deadline >= 0)
    cancellable = cupel_time_limit_start (&limit, MAX (deadline - g_get_monotonic_time (), 0),
                                          operation == CUPEL_SAVEPOINT_SET ? cancellable : NULL);
  success = GET_CLASS (self)->execute (self, &request, &reply, cancellable, &local);
  if (!success)
    {
      cupel_time_limit_finish (&limit, commands[operation], "clean-up", &local);
      g_propagate_error (error, local);
    }
  cupel_time_limit_end (&limit);
  return success;
}

static int
cupel_driver_connection_real_get_socket (CupelDriverConnection *self)
{
  return -1;
}

static gboolean
cupel_driver_connection_real_get_role (CupelDriverConnection  *self,
                                       CupelServerRole        *role,
                                       GCancellable           *cancellable,
                                       GError                **error)
{
  *role = CUPEL_SERVER_ROLE_UNKNOWN;
  return TRUE;
}

static gboolean
cupel_driver_connection_real_needs_reset (CupelDriverConnection *self)
{
  return FALSE;
}

static void
cupel_driver_connection_real_mark_dirty (CupelDriverConnection *self)
{
}

static gboolean
cupel_driver_connection_real_roll_back_ahead (CupelDriverConnection *self)
{
  return FALSE;
}

static void
cupel_driver_connection_real_send_ahead (CupelDriverConnection *self)
{
}

static guint
cupel_driver_connection_real_adjust_capabilities (CupelDriverConnection *self,
                                                  guint                  found)
{
  return found;
}

static gboolean
cupel_driver_connection_real_reset (CupelDriverConnection  *self,
                                    gint64                  deadline,
                                    GError                **error)
{
  if (GET_CLASS (self)->get_status (self) == CUPEL_TRANSACTION_IDLE)
    return TRUE;
  return GET_CLASS (self)->rollback (self, deadline, error);
}

static gboolean
cupel_driver_connection_real_ping (CupelDriverConnection  *self,
                                   gint64                  deadline,
                                   GError                **error)
{
  if (GET_CLASS (self)->is_alive (self))
    return TRUE;

  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED, "The connection to the server is lost");
  return FALSE;
}

static gboolean
cupel_driver_connection_real_is_alive (CupelDriverConnection *self)
{
  return TRUE;
}

static void
cupel_driver_connection_real_close (CupelDriverConnection *self,
                                    gint64                 deadline)
{
  GET_CLASS (self)->terminate (self);
}

static void
cupel_driver_connection_real_abandon (CupelDriverConnection *self)
{
}

static void
cupel_driver_connection_class_init (CupelDriverConnectionClass *klass)
{
  klass->pipeline = cupel_driver_connection_real_pipeline;
  klass->set_isolation = cupel_driver_connection_real_set_isolation;
  klass->set_transaction = cupel_driver_connection_real_set_transaction;
  klass->savepoint = cupel_driver_connection_real_savepoint;
  klass->get_socket = cupel_driver_connection_real_get_socket;
  klass->get_role = cupel_driver_connection_real_get_role;
  klass->needs_reset = cupel_driver_connection_real_needs_reset;
  klass->mark_dirty = cupel_driver_connection_real_mark_dirty;
  klass->roll_back_ahead = cupel_driver_connection_real_roll_back_ahead;
  klass->send_ahead = cupel_driver_connection_real_send_ahead;
  klass->adjust_capabilities = cupel_driver_connection_real_adjust_capabilities;
  klass->reset = cupel_driver_connection_real_reset;
  klass->ping = cupel_driver_connection_real_ping;
  klass->is_alive = cupel_driver_connection_real_is_alive;
  klass->close = cupel_driver_connection_real_close;
  klass->abandon = cupel_driver_connection_real_abandon;
}

static void
cupel_driver_connection_init (CupelDriverConnection *self)
{
  CupelDriverConnectionPrivate *priv = cupel_driver_connection_get_instance_private (self);

  priv->process = cupel_fork_get_generation ();
}

CupelDriverConnectionPrivate *
cupel_driver_connection_get_private (CupelDriverConnection *self)
{
  return cupel_driver_connection_get_instance_private (self);
}

/**
 * cupel_driver_connection_execute: (skip)
 * @self: a connection
 * @request: what to execute
 * @reply: (out caller-allocates): a zeroed reply, filled on success
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Executes one statement. Suspends the fiber that calls it.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_execute (CupelDriverConnection  *self,
                                 const CupelRequest     *request,
                                 CupelReply             *reply,
                                 GCancellable           *cancellable,
                                 GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->execute (self, request, reply, cancellable, error);
}

/**
 * cupel_driver_connection_pipeline: (skip)
 * @self: a connection
 * @requests: (array length=n_requests): what to execute
 * @replies: (array length=n_requests): zeroed replies
 * @n_requests: how many there are
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Executes several statements, in one flight where the protocol has it. Stops at the first error; the replies before it are filled.
 *
 * Returns: %TRUE when all were executed
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_pipeline (CupelDriverConnection  *self,
                                  const CupelRequest     *requests,
                                  CupelReply             *replies,
                                  guint                   n_requests,
                                  GCancellable           *cancellable,
                                  GError                **error)
{
  CupelDriverConnectionClass *klass;

  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  klass = GET_CLASS (self);
  if (klass->pipeline == NULL)
    return cupel_driver_connection_real_pipeline (self, requests, replies, n_requests, cancellable, error);
  return klass->pipeline (self, requests, replies, n_requests, cancellable, error);
}

/**
 * cupel_driver_connection_begin: (skip)
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Opens a transaction.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_begin (CupelDriverConnection  *self,
                               GCancellable           *cancellable,
                               GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->begin (self, cancellable, error);
}

/**
 * cupel_driver_connection_commit: (skip)
 * @self: a connection
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Commits. When COMMIT was sent and its answer never came, the error is %CUPEL_ERROR_OUTCOME_UNKNOWN.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_commit (CupelDriverConnection  *self,
                                GCancellable           *cancellable,
                                GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->commit (self, cancellable, error);
}

/**
 * cupel_driver_connection_rollback: (skip)
 * @self: a connection
 * @deadline: a g_get_monotonic_time() value
 * @error: return location for an error
 *
 * Rolls back. It is clean-up and cannot be cancelled.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_rollback (CupelDriverConnection  *self,
                                  gint64                  deadline,
                                  GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->rollback (self, deadline, error);
}

/**
 * cupel_driver_connection_set_isolation: (skip)
 * @self: a connection
 * @level: the level of the transactions to come
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Sets the isolation level, outside a transaction.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_set_isolation (CupelDriverConnection  *self,
                                       CupelIsolationLevel     level,
                                       GCancellable           *cancellable,
                                       GError                **error)
{
  CupelDriverConnectionPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  priv = cupel_driver_connection_get_instance_private (self);
  priv->isolation = CUPEL_ISOLATION_UNKNOWN;
  if (!GET_CLASS (self)->set_isolation (self, level, cancellable, error))
    return FALSE;
  priv->isolation = (int) level;
  return TRUE;
}

/**
 * cupel_driver_connection_set_transaction: (skip)
 * @self: a connection
 * @options: (nullable): how the next transaction begins; %NULL: like all others
 * @error: return location for an error
 *
 * Tells how the next transaction, and only that one, is to begin. No I/O: it travels with BEGIN.
 *
 * Returns: %FALSE with %CUPEL_ERROR_UNSUPPORTED when the server has no such thing
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_set_transaction (CupelDriverConnection          *self,
                                         const CupelTransactionOptions  *options,
                                         GError                        **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->set_transaction (self, options, error);
}

/**
 * cupel_driver_connection_savepoint: (skip)
 * @self: a connection with an open transaction
 * @operation: what to do
 * @name: the name of the savepoint: a plain identifier
 * @deadline: a g_get_monotonic_time() value, or -1
 * @cancellable: (nullable): a #GCancellable; only for %CUPEL_SAVEPOINT_SET
 * @error: return location for an error
 *
 * Sets a savepoint, releases it, or rolls back to it. Suspends the fiber that calls it.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_savepoint (CupelDriverConnection    *self,
                                   CupelSavepointOperation   operation,
                                   const char               *name,
                                   gint64                    deadline,
                                   GCancellable             *cancellable,
                                   GError                  **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->savepoint (self, operation, name, deadline, cancellable, error);
}

/**
 * cupel_driver_connection_get_socket: (skip)
 * @self: a connection
 *
 * Gets the socket, to be watched while the connection is idle. It stays the driver's.
 *
 * Returns: a file descriptor, or -1 when there is none
 *
 * Since: 1.0
 */
int
cupel_driver_connection_get_socket (CupelDriverConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), -1);

  return GET_CLASS (self)->get_socket (self);
}

/**
 * cupel_driver_connection_get_role: (skip)
 * @self: a connection
 * @role: (out): the role
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Asks what part the server plays now. May suspend the fiber that calls it.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_get_role (CupelDriverConnection  *self,
                                  CupelServerRole        *role,
                                  GCancellable           *cancellable,
                                  GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->get_role (self, role, cancellable, error);
}

/**
 * cupel_driver_connection_needs_reset: (skip)
 * @self: a connection
 *
 * Tells whether statements left something in the server's session that cupel_driver_connection_reset() takes away: settings,
 * temporary tables, locks. Never suspends.
 *
 * Returns: %TRUE when the connection is to be reset before somebody else uses it
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_needs_reset (CupelDriverConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->needs_reset (self);
}

/**
 * cupel_driver_connection_mark_dirty: (skip)
 * @self: a connection
 *
 * Tells that statements may have left more in the server's session than can be seen, in a function for instance: the next
 * cupel_driver_connection_reset() takes away all that a session can hold. Never suspends.
 *
 * Since: 1.0
 */
void
cupel_driver_connection_mark_dirty (CupelDriverConnection *self)
{
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (self));

  GET_CLASS (self)->mark_dirty (self);
}

/**
 * cupel_driver_connection_adjust_capabilities: (skip)
 * @self: a connection
 * @found: a set of #CupelCapabilities that the dialect found
 *
 * Asks the driver what is left of what the server can do when it is asked by this way, and what the driver adds. No I/O.
 *
 * Returns: a set of #CupelCapabilities
 *
 * Since: 1.0
 */
guint
cupel_driver_connection_adjust_capabilities (CupelDriverConnection *self,
                                             guint                  found)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), found);

  return GET_CLASS (self)->adjust_capabilities (self, found);
}

/**
 * cupel_driver_connection_reset: (skip)
 * @self: a connection
 * @deadline: a g_get_monotonic_time() value
 * @error: return location for an error
 *
 * Makes the connection as good as new for its next borrower.
 *
 * Returns: %FALSE when it can only be terminated
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_reset (CupelDriverConnection  *self,
                               gint64                  deadline,
                               GError                **error)
{
  CupelDriverConnectionPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  priv = cupel_driver_connection_get_instance_private (self);
  /* Some restore the isolation level, to others it is nothing of the session's. */
  if (priv->isolation != CUPEL_ISOLATION_DEFAULT)
    priv->isolation = CUPEL_ISOLATION_UNKNOWN;
  return GET_CLASS (self)->reset (self, deadline, error);
}

/**
 * cupel_driver_connection_ping: (skip)
 * @self: a connection
 * @deadline: a g_get_monotonic_time() value
 * @error: return location for an error
 *
 * Asks the server for a sign of life.
 *
 * Returns: %TRUE if it gave one
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_ping (CupelDriverConnection  *self,
                              gint64                  deadline,
                              GError                **error)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->ping (self, deadline, error);
}

/**
 * cupel_driver_connection_get_status: (skip)
 * @self: a connection
 *
 * Gets what the server last said of the transaction. No I/O.
 *
 * Returns: the status
 *
 * Since: 1.0
 */
CupelTransactionStatus
cupel_driver_connection_get_status (CupelDriverConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), CUPEL_TRANSACTION_UNKNOWN);

  return GET_CLASS (self)->get_status (self);
}

/**
 * cupel_driver_connection_is_alive: (skip)
 * @self: a connection
 *
 * Tells whether the link may still work. No I/O beyond a peek.
 *
 * Returns: %FALSE when it is known to be dead
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_is_alive (CupelDriverConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->is_alive (self);
}

/**
 * cupel_driver_connection_close: (skip)
 * @self: a connection
 * @deadline: a g_get_monotonic_time() value
 *
 * Says good-bye to the server, or terminates when that takes too long. Suspends the fiber that calls it.
 *
 * Since: 1.0
 */
void
cupel_driver_connection_close (CupelDriverConnection *self,
                               gint64                 deadline)
{
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (self));

  if (!cupel_driver_connection_is_inherited (self))
    GET_CLASS (self)->close (self, deadline);
}

/**
 * cupel_driver_connection_terminate: (skip)
 * @self: a connection
 *
 * Ends the connection at once, in whatever state it is. Never blocks, never suspends; calling it again does nothing.
 *
 * Since: 1.0
 */
void
cupel_driver_connection_terminate (CupelDriverConnection *self)
{
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (self));

  if (!cupel_driver_connection_is_inherited (self))
    GET_CLASS (self)->terminate (self);
}

/**
 * cupel_driver_connection_roll_back_ahead: (skip)
 * @self: a connection that nobody uses
 *
 * Leaves rolling the transaction back to the next operation, when that is all that there is to be done: the ROLLBACK goes out with
 * it, and it fails when that is not answered well. Never suspends. For a pool that lends the connection again at once, and
 * calls cupel_driver_connection_send_ahead() if that is not used at once.
 *
 * Returns: %TRUE: from now on the connection counts as idle. %FALSE when cupel_driver_connection_reset() is needed
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_roll_back_ahead (CupelDriverConnection *self)
{
  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  return GET_CLASS (self)->roll_back_ahead (self);
}

/**
 * cupel_driver_connection_send_ahead: (skip)
 * @self: a connection
 *
 * Sends what cupel_driver_connection_roll_back_ahead() left to the next operation, if there was none. Never suspends.
 *
 * Since: 1.0
 */
void
cupel_driver_connection_send_ahead (CupelDriverConnection *self)
{
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (self));

  if (!cupel_driver_connection_is_inherited (self))
    GET_CLASS (self)->send_ahead (self);
}

/**
 * cupel_driver_connection_is_inherited: (skip)
 * @self: a connection
 *
 * Tells whether the connection was made by a process that this one is a child of. Nothing may be done with it then: the server's
 * answers are for the parent.
 *
 * Returns: %TRUE if it can only be abandoned
 *
 * Since: 1.0
 */
gboolean
cupel_driver_connection_is_inherited (CupelDriverConnection *self)
{
  CupelDriverConnectionPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_DRIVER_CONNECTION (self), FALSE);

  priv = cupel_driver_connection_get_instance_private (self);
  return priv->process != cupel_fork_get_generation ();
}

/**
 * cupel_driver_connection_abandon: (skip)
 * @self: (transfer full): a connection of the parent process
 *
 * Closes what this process has of the connection, without a word to the server. The reference is never given back, so that nothing
 * of the driver runs at its end.
 *
 * Since: 1.0
 */
void
cupel_driver_connection_abandon (CupelDriverConnection *self)
{
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (self));
  g_return_if_fail (cupel_driver_connection_is_inherited (self));

  GET_CLASS (self)->abandon (self);
}

/**
 * cupel_driver_abandon_descriptor: (skip)
 * @fd: a descriptor, or -1
 *
 * For abandon in a child process: lets go of what @fd is for, without shutting it down. The number stays taken, for sources of the parent's
 * loop may still look at it.
 *
 * Since: 1.0
 */
void
cupel_driver_abandon_descriptor (int fd)
{
  int null;

  if (fd < 0)
    return;

  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup3 (null, fd, O_CLOEXEC) < 0)
    close (fd);
  if (null >= 0)
    close (null);
}
