/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* Exactly one connection, for a database that is that connection: SQLite in memory. It is lent to one borrower at a time;
 * the others wait in line. */

#define CUPEL_TYPE_STATIC_POOL (cupel_static_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelStaticPool, cupel_static_pool, CUPEL, STATIC_POOL, CupelPool)

struct _CupelStaticPool
{
  CupelPool              parent_instance;

  CupelDriverConnection *idle;      /* nullable */
  gboolean               lent;      /* or being connected */
  gboolean               drained;
  GQueue                 waiters;   /* of Waiter.link */
};

/* On the stack of the fiber that waits. */
typedef struct
{
  GList            link;
  CupelCompletion *completion;
  gboolean         served;
} Waiter;

G_DEFINE_FINAL_TYPE (CupelStaticPool, cupel_static_pool, CUPEL_TYPE_POOL)

static void
end_connection (CupelDriverConnection *connection)
{
  cupel_driver_connection_terminate (connection);
  g_object_unref (connection);
}

/* The turn goes to the next in line, who finds the connection in idle or makes one. */
static void
pass_on (CupelStaticPool *self)
{
  GList *link = g_queue_pop_head_link (&self->waiters);
  Waiter *waiter;

  if (link == NULL)
    {
      self->lent = FALSE;
      return;
    }

  waiter = link->data;
  waiter->served = TRUE;
  cupel_completion_complete (waiter->completion);
}

static gboolean
wait_in_line (CupelStaticPool  *self,
              gint64            deadline,
              GCancellable     *cancellable,
              GError          **error)
{
  const CupelPoolOptions *options = cupel_pool_get_options (CUPEL_POOL (self));
  g_autoptr(CupelCompletion) completion = cupel_completion_new ();
  g_autoptr(GError) local = NULL;
  Waiter waiter = { .completion = completion };

  waiter.link.data = &waiter;
  g_queue_push_tail_link (&self->waiters, &waiter.link);

  if (cupel_completion_wait (completion, deadline, cancellable, &local))
    return TRUE;

  if (waiter.served)
    pass_on (self);
  else
    g_queue_unlink (&self->waiters, &waiter.link);

  if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT,
                 "The only connection to this database did not become free within %.1f s; %u others wait. "
                 "Close one connection or session before another is used",
                 (double) options->timeout / G_USEC_PER_SEC, self->waiters.length);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static CupelDriverConnection *
cupel_static_pool_checkout (CupelPool     *pool,
                            GCancellable  *cancellable,
                            GError       **error)
{
  CupelStaticPool *self = CUPEL_STATIC_POOL (pool);
  gint64 deadline = g_get_monotonic_time () + cupel_pool_get_options (pool)->timeout;
  CupelDriverConnection *connection;

  if (!self->lent)
    self->lent = TRUE;
  else if (!wait_in_line (self, deadline, cancellable, error))
    return NULL;

  connection = g_steal_pointer (&self->idle);
  if (connection != NULL && !cupel_driver_connection_is_alive (connection))
    g_clear_pointer (&connection, end_connection);
  if (connection == NULL)
    connection = cupel_pool_connect (pool, deadline, cancellable, error);
  if (connection == NULL)
    pass_on (self);

  return connection;
}

static void
cupel_static_pool_checkin (CupelPool             *pool,
                           CupelDriverConnection *connection,
                           gboolean               usable)
{
  CupelStaticPool *self = CUPEL_STATIC_POOL (pool);

  if (usable && !self->drained)
    self->idle = connection;
  else
    end_connection (connection);
  pass_on (self);
}

static GPtrArray *
cupel_static_pool_drain (CupelPool *pool)
{
  CupelStaticPool *self = CUPEL_STATIC_POOL (pool);
  GPtrArray *idle = g_ptr_array_new_with_free_func (g_object_unref);

  self->drained = TRUE;
  if (self->idle != NULL)
    g_ptr_array_add (idle, g_steal_pointer (&self->idle));

  return idle;
}

static guint
cupel_static_pool_get_idle (CupelPool *pool)
{
  return CUPEL_STATIC_POOL (pool)->idle != NULL ? 1 : 0;
}

static void
cupel_static_pool_finalize (GObject *object)
{
  CupelStaticPool *self = CUPEL_STATIC_POOL (object);

  g_clear_pointer (&self->idle, end_connection);

  G_OBJECT_CLASS (cupel_static_pool_parent_class)->finalize (object);
}

static void
cupel_static_pool_class_init (CupelStaticPoolClass *klass)
{
  CupelPoolClass *pool_class = CUPEL_POOL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_static_pool_finalize;
  pool_class->checkout = cupel_static_pool_checkout;
  pool_class->checkin = cupel_static_pool_checkin;
  pool_class->drain = cupel_static_pool_drain;
  pool_class->get_idle = cupel_static_pool_get_idle;
}

static void
cupel_static_pool_init (CupelStaticPool *self)
{
  g_queue_init (&self->waiters);
}

CUPEL_PLUGIN_DEFINE (POOL, pool, static, "static", NULL, "1.0", cupel_static_pool_get_type)
