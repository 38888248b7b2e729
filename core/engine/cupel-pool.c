/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-pool-private.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-task-group.h"

/* What a connection gets to become clean again; then it is ended. */
#define RESET_TIME (2 * G_USEC_PER_SEC)

typedef struct
{
  CupelPoolOptions      options;
  CupelPoolConnectFunc  connect;
  gpointer              connect_data;
  gboolean              drained;

  guint                 checked_out;
  guint                 peak;
  guint64               n_connects;
  guint64               n_checkouts;
} CupelPoolPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CupelPool, cupel_pool, G_TYPE_OBJECT)

static const CupelPoolOptions default_options = {
  .size = 5,
  .max_overflow = 10,
  .timeout = 30 * G_USEC_PER_SEC,
  .recycle = -1,
};

static void
cupel_pool_class_init (CupelPoolClass *klass)
{
}

static void
cupel_pool_init (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  priv->options = default_options;
}

/**
 * cupel_pool_set_up: (skip)
 * @self: a pool
 * @options: how it shall behave
 * @connect: makes a connection, in a fiber
 * @user_data: for @connect; it must outlive the last checkout
 *
 * Prepares a new pool, before its first use.
 *
 * Since: 1.0
 */
void
cupel_pool_set_up (CupelPool              *self,
                   const CupelPoolOptions *options,
                   CupelPoolConnectFunc    connect,
                   gpointer                user_data)
{
  CupelPoolPrivate *priv;

  g_return_if_fail (CUPEL_IS_POOL (self));
  g_return_if_fail (options != NULL);
  g_return_if_fail (connect != NULL);

  priv = cupel_pool_get_instance_private (self);
  priv->options = *options;
  priv->connect = connect;
  priv->connect_data = user_data;
}

/**
 * cupel_pool_get_options: (skip)
 * @self: a pool
 *
 * Gets how the pool shall behave.
 *
 * Returns: (transfer none): the options
 *
 * Since: 1.0
 */
const CupelPoolOptions *
cupel_pool_get_options (CupelPool *self)
{
  CupelPoolPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_POOL (self), NULL);

  priv = cupel_pool_get_instance_private (self);
  return &priv->options;
}

/**
 * cupel_pool_connect: (skip)
 * @self: a pool
 * @deadline: a g_get_monotonic_time() value, or -1
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Makes a new connection, ready for use. For implementations of checkout. Suspends the fiber that calls it.
 *
 * Returns: (transfer full): a connection, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelDriverConnection *
cupel_pool_connect (CupelPool     *self,
                    gint64         deadline,
                    GCancellable  *cancellable,
                    GError       **error)
{
  CupelPoolPrivate *priv;
  CupelDriverConnection *connection;

  g_return_val_if_fail (CUPEL_IS_POOL (self), NULL);

  priv = cupel_pool_get_instance_private (self);
  g_return_val_if_fail (priv->connect != NULL, NULL);

  connection = priv->connect (priv->connect_data, deadline, cancellable, error);
  if (connection != NULL)
    priv->n_connects++;

  return connection;
}

/**
 * cupel_pool_checkout: (skip)
 * @self: a pool
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection. Suspends the fiber that calls it.
 *
 * Returns: (transfer full): a connection, to be given to cupel_pool_release(); or %NULL with @error set
 *
 * Since: 1.0
 */
CupelDriverConnection *
cupel_pool_checkout (CupelPool     *self,
                     GCancellable  *cancellable,
                     GError       **error)
{
  CupelPoolPrivate *priv;
  CupelDriverConnection *connection;

  g_return_val_if_fail (CUPEL_IS_POOL (self), NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  priv = cupel_pool_get_instance_private (self);
  connection = CUPEL_POOL_GET_CLASS (self)->checkout (self, cancellable, error);
  if (connection == NULL)
    return NULL;

  priv->n_checkouts++;
  priv->checked_out++;
  priv->peak = MAX (priv->peak, priv->checked_out);

  return connection;
}

static void
check_in (CupelPool             *self,
          CupelDriverConnection *connection,
          gboolean               usable)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  priv->checked_out--;
  if (!usable)
    cupel_driver_connection_terminate (connection);
  CUPEL_POOL_GET_CLASS (self)->checkin (self, connection, usable);
}

typedef struct
{
  CupelPool             *pool;
  CupelDriverConnection *connection;
  CupelReleaseFlags      flags;
} Reset;

static gboolean
cancel_when_late (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* set_isolation is no clean-up by nature and takes no deadline: it gets one here. */
static gboolean
restore_isolation (CupelDriverConnection  *connection,
                   gint64                  deadline,
                   GError                **error)
{
  g_autoptr(GCancellable) late = g_cancellable_new ();
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr(GSource) timeout = g_timeout_source_new (1);
  gboolean restored;

  g_source_set_static_name (timeout, "cupel: time limit of a reset");
  g_source_set_ready_time (timeout, deadline);
  g_source_set_callback (timeout, cancel_when_late, late, NULL);
  g_source_attach (timeout, context);
  restored = cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, late, error);
  g_source_destroy (timeout);

  return restored;
}

static void
reset_and_check_in (gpointer data)
{
  Reset *reset = data;
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (reset->pool);
  CupelDriverConnection *connection = reset->connection;
  gint64 deadline = g_get_monotonic_time () + RESET_TIME;
  g_autoptr(GError) error = NULL;
  gboolean usable = FALSE;

  if (priv->drained)
    {
      cupel_driver_connection_close (connection, deadline);
    }
  else
    {
      usable = cupel_driver_connection_reset (connection, deadline, &error);
      if (usable && (reset->flags & CUPEL_RELEASE_RESTORE_ISOLATION))
        usable = restore_isolation (connection, deadline, &error);
      usable = usable && cupel_driver_connection_get_status (connection) == CUPEL_TRANSACTION_IDLE &&
               cupel_driver_connection_is_alive (connection) && !priv->drained;
      if (error != NULL)
        cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG,
                   "A connection could not be made clean and is ended: %s", error->message);
    }

  check_in (reset->pool, g_steal_pointer (&reset->connection), usable);
}

static void
reset_free (gpointer data)
{
  Reset *reset = data;

  /* The fiber never ran to its end: its context went away. */
  if (reset->connection != NULL)
    check_in (reset->pool, g_steal_pointer (&reset->connection), FALSE);
  g_object_unref (reset->pool);
  g_free (reset);
}

void
cupel_pool_release_full (CupelPool             *self,
                         CupelDriverConnection *connection,
                         CupelReleaseFlags      flags)
{
  CupelPoolPrivate *priv;
  CupelTransactionStatus status;
  Reset *reset;

  g_return_if_fail (CUPEL_IS_POOL (self));
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (connection));

  priv = cupel_pool_get_instance_private (self);
  status = cupel_driver_connection_get_status (connection);

  if ((flags & CUPEL_RELEASE_BROKEN) != 0 || status == CUPEL_TRANSACTION_UNKNOWN ||
      !cupel_driver_connection_is_alive (connection))
    {
      check_in (self, connection, FALSE);
      return;
    }
  if (status == CUPEL_TRANSACTION_IDLE && !priv->drained &&
      (flags & (CUPEL_RELEASE_FORCE_RESET | CUPEL_RELEASE_RESTORE_ISOLATION)) == 0 &&
      !cupel_driver_connection_needs_reset (connection))
    {
      check_in (self, connection, TRUE);
      return;
    }

  /* With neither a fiber to suspend nor a loop that would run one, ending it is all that can be done in no time. */
  if (!cupel_in_fiber () && g_main_depth () == 0)
    {
      check_in (self, connection, FALSE);
      return;
    }

  reset = g_new0 (Reset, 1);
  reset->pool = g_object_ref (self);
  reset->connection = connection;
  reset->flags = flags;
  if (cupel_in_fiber () && (flags & CUPEL_RELEASE_DETACHED) == 0)
    {
      reset_and_check_in (reset);
      reset_free (reset);
    }
  else
    {
      cupel_fiber_spawn (NULL, reset_and_check_in, reset, reset_free);
    }
}

/**
 * cupel_pool_release: (skip)
 * @self: a pool
 * @connection: (transfer full): a connection that cupel_pool_checkout() gave
 *
 * Gives a connection back. If the server says that it is idle it can be lent again at once. Otherwise it is reset within
 * 2 seconds: in a fiber that is suspended, elsewhere in the background. What cannot be reset is ended.
 *
 * Since: 1.0
 */
void
cupel_pool_release (CupelPool             *self,
                    CupelDriverConnection *connection)
{
  cupel_pool_release_full (self, connection, CUPEL_RELEASE_NONE);
}

typedef struct
{
  CupelDriverConnection *connection;
  gint64                 deadline;
} Closing;

static gboolean
close_one (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Closing *closing = data;

  cupel_driver_connection_close (closing->connection, closing->deadline);
  return TRUE;
}

static void
closing_free (gpointer data)
{
  Closing *closing = data;

  cupel_driver_connection_terminate (closing->connection);
  g_object_unref (closing->connection);
  g_free (closing);
}

static GPtrArray *
drain (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  priv->drained = TRUE;
  return CUPEL_POOL_GET_CLASS (self)->drain (self);
}

/**
 * cupel_pool_close: (skip)
 * @self: a pool
 * @deadline: a g_get_monotonic_time() value
 *
 * Closes every idle connection, all at the same time; those that are lent are closed when they come back. Suspends the fiber that calls it.
 *
 * Since: 1.0
 */
void
cupel_pool_close (CupelPool *self,
                  gint64     deadline)
{
  g_autoptr(CupelTaskGroup) group = NULL;
  g_autoptr(GPtrArray) idle = NULL;

  g_return_if_fail (CUPEL_IS_POOL (self));

  idle = drain (self);
  if (idle == NULL || idle->len == 0)
    return;

  group = cupel_task_group_new (NULL);
  for (guint i = 0; i < idle->len; i++)
    {
      Closing *closing = g_new (Closing, 1);

      closing->connection = g_object_ref (idle->pdata[i]);
      closing->deadline = deadline;
      cupel_task_group_spawn (group, close_one, closing, closing_free);
    }
  cupel_task_group_join (group, NULL);
}

/**
 * cupel_pool_terminate: (skip)
 * @self: a pool
 *
 * Ends every idle connection without any I/O; those that are lent end when they come back.
 *
 * Since: 1.0
 */
void
cupel_pool_terminate (CupelPool *self)
{
  g_autoptr(GPtrArray) idle = NULL;

  g_return_if_fail (CUPEL_IS_POOL (self));

  idle = drain (self);
  for (guint i = 0; idle != NULL && i < idle->len; i++)
    cupel_driver_connection_terminate (idle->pdata[i]);
}

/**
 * cupel_pool_get_checked_out:
 * @self: a pool
 *
 * Counts the connections that are lent, those that are being made clean included.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_pool_get_checked_out (CupelPool *self)
{
  CupelPoolPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  priv = cupel_pool_get_instance_private (self);
  return priv->checked_out;
}

/**
 * cupel_pool_get_checked_in:
 * @self: a pool
 *
 * Counts the connections that are idle.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_pool_get_checked_in (CupelPool *self)
{
  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  return CUPEL_POOL_GET_CLASS (self)->get_idle (self);
}

/**
 * cupel_pool_get_n_connects:
 * @self: a pool
 *
 * Counts the connections that were ever made.
 *
 * Returns: how many there were
 *
 * Since: 1.0
 */
guint64
cupel_pool_get_n_connects (CupelPool *self)
{
  CupelPoolPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  priv = cupel_pool_get_instance_private (self);
  return priv->n_connects;
}

/**
 * cupel_pool_get_n_checkouts:
 * @self: a pool
 *
 * Counts how often a connection was ever lent.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint64
cupel_pool_get_n_checkouts (CupelPool *self)
{
  CupelPoolPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  priv = cupel_pool_get_instance_private (self);
  return priv->n_checkouts;
}

/**
 * cupel_pool_get_peak_checked_out:
 * @self: a pool
 *
 * Gets the largest number of connections that were ever lent at the same time.
 *
 * Returns: the number
 *
 * Since: 1.0
 */
guint
cupel_pool_get_peak_checked_out (CupelPool *self)
{
  CupelPoolPrivate *priv;

  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  priv = cupel_pool_get_instance_private (self);
  return priv->peak;
}
