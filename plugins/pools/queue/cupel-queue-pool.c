/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* The usual pool: a bounded number of connections, some of them kept when idle, and a queue of those who wait for one.
 *
 * A place is the right to have a connection: n_places counts those that are lent, idle or being connected. Whoever gives
 * something back passes it on to the first waiter in the same step, so nobody can overtake and nothing can get lost. */

#define CUPEL_TYPE_QUEUE_POOL (cupel_queue_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelQueuePool, cupel_queue_pool, CUPEL, QUEUE_POOL, CupelPool)

#define PING_TIME (5 * G_USEC_PER_SEC)

struct _CupelQueuePool
{
  CupelPool parent_instance;

  GQueue    idle;      /* of CupelDriverConnection; the tail is the one that came back last */
  GQueue    waiters;   /* of Waiter.link */
  guint     n_places;
  gboolean  drained;
};

/* On the stack of the fiber that waits. */
typedef struct
{
  GList                  link;
  CupelCompletion       *completion;
  gboolean               served;
  CupelDriverConnection *connection;   /* what it was served with; NULL: a place, to make one */
} Waiter;

G_DEFINE_FINAL_TYPE (CupelQueuePool, cupel_queue_pool, CUPEL_TYPE_POOL)

static G_DEFINE_QUARK (cupel-queue-pool-birth, birth)

static gboolean
is_unlimited (const CupelPoolOptions *options)
{
  return options->size == 0 || options->max_overflow < 0;
}

static void
end_connection (CupelDriverConnection *connection)
{
  cupel_driver_connection_terminate (connection);
  g_object_unref (connection);
}

static gboolean
serve (CupelQueuePool        *self,
       CupelDriverConnection *connection)
{
  GList *link = g_queue_pop_head_link (&self->waiters);
  Waiter *waiter;

  if (link == NULL)
    return FALSE;

  waiter = link->data;
  waiter->served = TRUE;
  waiter->connection = connection;
  cupel_completion_complete (waiter->completion);
  return TRUE;
}

static void
give_place_back (CupelQueuePool *self)
{
  if (!serve (self, NULL))
    self->n_places--;
}

static void
cupel_queue_pool_checkin (CupelPool             *pool,
                          CupelDriverConnection *connection,
                          gboolean               usable)
{
  CupelQueuePool *self = CUPEL_QUEUE_POOL (pool);
  const CupelPoolOptions *options = cupel_pool_get_options (pool);

  if (!usable || self->drained)
    {
      end_connection (connection);
      give_place_back (self);
    }
  else if (serve (self, connection))
    {
      /* It has a new borrower. */
    }
  else if (options->size == 0 || self->idle.length < options->size)
    {
      g_queue_push_tail (&self->idle, connection);
    }
  else
    {
      end_connection (connection);
      self->n_places--;
    }
}

/* Waits for a connection or a place. */
static gboolean
wait_in_line (CupelQueuePool         *self,
              gint64                  deadline,
              CupelDriverConnection **connection,
              GCancellable           *cancellable,
              GError                **error)
{
  const CupelPoolOptions *options = cupel_pool_get_options (CUPEL_POOL (self));
  g_autoptr(CupelCompletion) completion = cupel_completion_new ();
  g_autoptr(GError) local = NULL;
  Waiter waiter = { .completion = completion };

  waiter.link.data = &waiter;
  g_queue_push_tail_link (&self->waiters, &waiter.link);

  if (cupel_completion_wait (completion, deadline, cancellable, &local))
    {
      *connection = waiter.connection;
      return TRUE;
    }

  if (waiter.served)
    {
      /* Served and interrupted at once: it goes to the next. */
      if (waiter.connection != NULL)
        cupel_queue_pool_checkin (CUPEL_POOL (self), waiter.connection, TRUE);
      else
        give_place_back (self);
    }
  else
    {
      g_queue_unlink (&self->waiters, &waiter.link);
    }

  if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT,
                 "No connection became free within %.1f s: the pool has %u and up to %d more, %u are lent, %u others wait. "
                 "Return connections sooner, or raise pool-size, max-overflow or pool-timeout",
                 (double) options->timeout / G_USEC_PER_SEC, options->size, options->max_overflow,
                 cupel_pool_get_checked_out (CUPEL_POOL (self)), self->waiters.length);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
is_still_good (CupelQueuePool        *self,
               CupelDriverConnection *connection,
               gint64                 deadline)
{
  const CupelPoolOptions *options = cupel_pool_get_options (CUPEL_POOL (self));
  const gint64 *birth = g_object_get_qdata (G_OBJECT (connection), birth_quark ());
  gint64 now = g_get_monotonic_time ();

  if (options->recycle >= 0 && birth != NULL && now - *birth > options->recycle)
    return FALSE;
  if (!cupel_driver_connection_is_alive (connection))
    return FALSE;
  if (options->pre_ping && !cupel_driver_connection_ping (connection, MIN (now + PING_TIME, deadline), NULL))
    return FALSE;

  return TRUE;
}

static CupelDriverConnection *
cupel_queue_pool_checkout (CupelPool     *pool,
                           GCancellable  *cancellable,
                           GError       **error)
{
  CupelQueuePool *self = CUPEL_QUEUE_POOL (pool);
  const CupelPoolOptions *options = cupel_pool_get_options (pool);
  gint64 now = g_get_monotonic_time ();
  gint64 deadline = now + options->timeout;
  CupelDriverConnection *connection;

  connection = options->lifo ? g_queue_pop_tail (&self->idle) : g_queue_pop_head (&self->idle);
  if (connection == NULL)
    {
      if (is_unlimited (options) || self->n_places < options->size + (guint) options->max_overflow)
        self->n_places++;
      else if (!wait_in_line (self, deadline, &connection, cancellable, error))
        return NULL;
    }

  if (connection != NULL)
    {
      if (is_still_good (self, connection, deadline))
        return connection;
      end_connection (connection);
    }

  connection = cupel_pool_connect (pool, deadline, cancellable, error);
  if (connection == NULL)
    {
      give_place_back (self);
      return NULL;
    }

  now = g_get_monotonic_time ();
  g_object_set_qdata_full (G_OBJECT (connection), birth_quark (), g_memdup2 (&now, sizeof (now)), g_free);
  return connection;
}

static GPtrArray *
cupel_queue_pool_drain (CupelPool *pool)
{
  CupelQueuePool *self = CUPEL_QUEUE_POOL (pool);
  GPtrArray *idle = g_ptr_array_new_full (self->idle.length, g_object_unref);
  CupelDriverConnection *connection;

  self->drained = TRUE;
  while ((connection = g_queue_pop_head (&self->idle)) != NULL)
    {
      g_ptr_array_add (idle, connection);
      self->n_places--;
    }

  return idle;
}

static guint
cupel_queue_pool_get_idle (CupelPool *pool)
{
  return CUPEL_QUEUE_POOL (pool)->idle.length;
}

static void
cupel_queue_pool_finalize (GObject *object)
{
  CupelQueuePool *self = CUPEL_QUEUE_POOL (object);

  g_queue_clear_full (&self->idle, (GDestroyNotify) end_connection);

  G_OBJECT_CLASS (cupel_queue_pool_parent_class)->finalize (object);
}

static void
cupel_queue_pool_class_init (CupelQueuePoolClass *klass)
{
  CupelPoolClass *pool_class = CUPEL_POOL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_queue_pool_finalize;
  pool_class->checkout = cupel_queue_pool_checkout;
  pool_class->checkin = cupel_queue_pool_checkin;
  pool_class->drain = cupel_queue_pool_drain;
  pool_class->get_idle = cupel_queue_pool_get_idle;
}

static void
cupel_queue_pool_init (CupelQueuePool *self)
{
  g_queue_init (&self->idle);
  g_queue_init (&self->waiters);
}

CUPEL_PLUGIN_DEFINE (POOL, pool, queue, "queue", NULL, "1.0", cupel_queue_pool_get_type)
