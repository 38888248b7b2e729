/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where an engine gets its connections from, and how it comes to rest. */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-engine-members-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-plugin.h"

/* What idle connections get to say good-bye. */
#define DISPOSE_TIME (5 * G_USEC_PER_SEC)

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

/* A pool with a size of its own. */
static gboolean
check_size (CupelEngine  *self,
            CupelPool    *pool,
            const char   *name,
            GError      **error)
{
  const CupelPoolOptions *wanted = &self->pool_options;
  const CupelPoolOptions *got = &cupel_pool_get_private (pool)->options;

  if (!got->permanent ||
      ((!self->size_given || got->size == wanted->size) && (!self->overflow_given || got->max_overflow == wanted->max_overflow)))
    return TRUE;
  if (self->pool_name != NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
                   "The pool \"%s\" has one connection: leave pool-size (%u) and max-overflow (%d) out, or choose another one by pool-name",
                   name, wanted->size, wanted->max_overflow);
      return FALSE;
    }
  cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_INFO,
             "The database is in its one connection: pool-size (%u) and max-overflow (%d) do not count", wanted->size, wanted->max_overflow);
  return TRUE;
}

static CupelPool *
ensure_pool (CupelEngine  *self,
             GError      **error)
{
  g_autoptr(CupelPool) pool = NULL;
  const char *name;
  GType type;

  if (self->pool != NULL)
    return self->pool;

  name = self->pool_name != NULL ? self->pool_name : cupel_driver_choose_pool (self->driver, self->url);
  type = cupel_plugin_find (CUPEL_PLUGIN_POOL, name, CUPEL_TYPE_POOL, error);
  if (type == G_TYPE_INVALID)
    return NULL;

  self->pool_options.connect_timeout = (gint64) (self->connect_timeout * G_USEC_PER_SEC);
  pool = g_object_new (type, NULL);
  cupel_pool_set_context (pool, self->context);
  cupel_pool_set_up (pool, &self->pool_options, make_connection, G_OBJECT (self));
  if (!check_size (self, pool, name, error))
    return NULL;
  self->pool = g_steal_pointer (&pool);
  return self->pool;
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

  if (!cupel_engine_check_owner (self, "cupel_engine_connect", error))
    return NULL;
  cupel_engine_take_in (self);

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
CUPEL_CALL_FORMS (cupel_engine_connect, CupelConnection *, CupelEngine, CUPEL_IS_ENGINE, connect_call)

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

  if (!cupel_engine_check_owner (self, "cupel_engine_drain", error))
    return GINT_TO_POINTER (FALSE);

  pool = g_steal_pointer (&self->pool);
  return GINT_TO_POINTER (pool == NULL ||
                          cupel_pool_drain (pool, g_get_monotonic_time () + (gint64) (CLAMP (*timeout, 0.0, 1e9) * G_USEC_PER_SEC), cancellable, error));
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

  if (!cupel_engine_check_owner (self, "cupel_engine_dispose", error))
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
CUPEL_CALL_FORMS_BOOLEAN (cupel_engine_dispose, CupelEngine, CUPEL_IS_ENGINE, dispose_call)
