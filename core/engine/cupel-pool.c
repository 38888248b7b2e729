/* SPDX-License-Identifier: LGPL-2.1-or-later */


#include "engine/cupel-driver-connection-private.h"
#include "engine/cupel-pool-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-fork-private.h"
#include "runtime/cupel-log-private.h"

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CupelPool, cupel_pool, G_TYPE_OBJECT)

static guint signals[CUPEL_POOL_N_SIGNALS];

static const CupelPoolOptions default_options = {
  .size = 5,
  .max_overflow = 10,
  .timeout = 30 * G_USEC_PER_SEC,
  .recycle = -1,
  .max_lifetime = -1,
  .ping_timeout = G_USEC_PER_SEC,
  .ping_idle = G_USEC_PER_SEC,
  .connect_timeout = 10 * G_USEC_PER_SEC,
};

GType
cupel_pool_reset_get_type (void)
{
  static gsize once;
  static const GEnumValue values[] = {
    { CUPEL_POOL_RESET_ROLLBACK, "CUPEL_POOL_RESET_ROLLBACK", "rollback" },
    { CUPEL_POOL_RESET_COMMIT, "CUPEL_POOL_RESET_COMMIT", "commit" },
    { CUPEL_POOL_RESET_NONE, "CUPEL_POOL_RESET_NONE", "none" },
    { CUPEL_POOL_RESET_SESSION, "CUPEL_POOL_RESET_SESSION", "session" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, g_enum_register_static ("CupelPoolReset", values));
  return once;
}

static void
cupel_pool_finalize (GObject *object)
{
  CupelPool *self = CUPEL_POOL (object);
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  cupel_pool_check_process (self);
  cupel_pool_stop (self, FALSE);
  cupel_pool_stop_watching (self);
  g_clear_error (&priv->last_failure);
  g_clear_pointer (&priv->pending, g_array_unref);
  g_clear_pointer (&priv->context, g_main_context_unref);

  G_OBJECT_CLASS (cupel_pool_parent_class)->finalize (object);
}

static void
cupel_pool_class_init (CupelPoolClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_pool_finalize;

  /**
   * CupelPool::connected:
   * @self: the pool
   *
   * A connection was made.
   *
   * Since: 1.0
   */
  signals[CUPEL_POOL_CONNECT] = g_signal_new ("connected", CUPEL_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * CupelPool::checkout:
   * @self: the pool
   *
   * A connection was lent.
   *
   * Since: 1.0
   */
  signals[CUPEL_POOL_CHECKOUT] = g_signal_new ("checkout", CUPEL_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * CupelPool::checkin:
   * @self: the pool
   *
   * A connection came back.
   *
   * Since: 1.0
   */
  signals[CUPEL_POOL_CHECKIN] = g_signal_new ("checkin", CUPEL_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  /**
   * CupelPool::invalidated:
   * @self: the pool
   *
   * A connection was found dead or was invalidated, or all were.
   *
   * Since: 1.0
   */
  signals[CUPEL_POOL_INVALIDATE] = g_signal_new ("invalidated", CUPEL_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                 G_TYPE_NONE, 0);
  /**
   * CupelPool::closed:
   * @self: the pool
   *
   * A connection is ended, for whatever reason.
   *
   * Since: 1.0
   */
  signals[CUPEL_POOL_CLOSE] = g_signal_new ("closed", CUPEL_TYPE_POOL, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
cupel_pool_init (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  priv->options = default_options;
  priv->thread = g_thread_self ();
  priv->context = g_main_context_ref_thread_default ();
  priv->process = cupel_fork_get_generation ();
}

/**
 * cupel_pool_set_up: (skip)
 * @self: a pool
 * @options: how it shall behave
 * @connect: makes a connection, in a fiber
 * @owner: for @connect; it is referenced while a connection is being made, and must outlive the last checkout
 *
 * Prepares a new pool, before its first use.
 *
 * Since: 1.0
 */
void
cupel_pool_set_up (CupelPool              *self,
                   const CupelPoolOptions *options,
                   CupelPoolConnectFunc    connect,
                   GObject                *owner)
{
  CupelPoolPrivate *priv;

  g_return_if_fail (CUPEL_IS_POOL (self));
  g_return_if_fail (options != NULL);
  g_return_if_fail (connect != NULL);
  g_return_if_fail (G_IS_OBJECT (owner));

  priv = cupel_pool_get_instance_private (self);
  priv->options = *options;
  if (CUPEL_POOL_GET_CLASS (self)->configure != NULL)
    CUPEL_POOL_GET_CLASS (self)->configure (self, &priv->options);
  priv->options.ping_timeout = CLAMP (priv->options.ping_timeout, G_USEC_PER_SEC / 2, 5 * G_USEC_PER_SEC);
  if (priv->options.max_connecting == 0)
    priv->options.max_connecting = priv->options.size > 0 ? priv->options.size : 10;
  priv->connect = connect;
  priv->owner = owner;
}

/**
 * cupel_pool_get_options: (skip)
 * @self: a pool
 *
 * Gets how the pool behaves.
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

/* private */

CupelPoolPrivate *
cupel_pool_get_private (CupelPool *self)
{
  return cupel_pool_get_instance_private (self);
}

guint
cupel_pool_get_limit (CupelPoolPrivate *priv)
{
  return priv->options.size == 0 || priv->options.max_overflow < 0 ? G_MAXUINT
                                                                   : priv->options.size + (guint) priv->options.max_overflow;
}

guint
cupel_pool_count_places (CupelPoolPrivate *priv)
{
  return priv->places[CUPEL_PLACE_CONNECTING].length + priv->places[CUPEL_PLACE_IDLE].length +
         priv->places[CUPEL_PLACE_LEASED].length;
}

void
cupel_pool_set_context (CupelPool    *self,
                        GMainContext *context)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  g_main_context_ref (context);
  g_main_context_unref (priv->context);
  priv->context = context;
}

gboolean
cupel_pool_is_inherited (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  return priv->process != cupel_fork_get_generation ();
}

void
cupel_pool_note_signal (CupelPool *self,
                        guint      signal)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  /* Mostly there is none of any signal, which is found out in one look. */
  if (G_LIKELY (g_signal_handler_find (self, G_SIGNAL_MATCH_UNBLOCKED, 0, 0, NULL, NULL, NULL) == 0) ||
      !g_signal_has_handler_pending (self, signals[signal], 0, TRUE))
    return;
  if (priv->pending == NULL)
    priv->pending = g_array_new (FALSE, FALSE, sizeof (guint));
  g_array_append_val (priv->pending, signal);
}

static void
emit_pending (gpointer data)
{
  CupelPool *self = data;
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  g_object_ref (self);
  while (priv->pending->len > 0)
    {
      guint signal = g_array_index (priv->pending, guint, 0);

      g_array_remove_index (priv->pending, 0);
      g_signal_emit (self, signals[signal], 0);
    }
  g_object_unref (self);
}

void
cupel_pool_flush_signals (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  if (G_UNLIKELY (priv->pending != NULL && priv->pending->len > 0))
    cupel_call_on_main_stack (emit_pending, self);
}

/* places */

CupelPlace *
cupel_pool_get_place (CupelDriverConnection *connection)
{
  return cupel_driver_connection_get_private (connection)->place;
}

CupelPlace *
cupel_place_new (CupelPool       *self,
                 CupelPlaceState  state)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);
  CupelPlace *place = g_new0 (CupelPlace, 1);

  place->link.data = place;
  place->pool = self;
  place->state = state;
  place->epoch = priv->epoch;
  place->since = g_get_monotonic_time ();
  place->expires = G_MAXINT64;
  g_queue_push_tail_link (&priv->places[state], &place->link);

  return place;
}

void
cupel_place_set_connection (CupelPlace            *place,
                            CupelDriverConnection *connection)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (place->pool);
  gint64 now = g_get_monotonic_time ();

  place->connection = connection;
  cupel_driver_connection_get_private (connection)->place = place;
  if (priv->options.recycle >= 0)
    place->expires = now + priv->options.recycle;
  if (priv->options.max_lifetime >= 0)
    place->expires = MIN (place->expires,
                          now + (gint64) ((double) priv->options.max_lifetime * g_random_double_range (0.9, 1.0)));
}

void
cupel_place_move (CupelPlace      *place,
                  CupelPlaceState  state,
                  gint64           now)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (place->pool);

  g_queue_unlink (&priv->places[place->state], &place->link);
  place->state = state;
  place->since = now;
  g_queue_push_tail_link (&priv->places[state], &place->link);
  if (state == CUPEL_PLACE_LEASED)
    priv->figures.peak_checked_out = MAX (priv->figures.peak_checked_out, priv->places[CUPEL_PLACE_LEASED].length);
}

CupelDriverConnection *
cupel_place_take_connection (CupelPlace *place)
{
  cupel_driver_connection_get_private (place->connection)->place = NULL;
  return g_steal_pointer (&place->connection);
}

void
cupel_place_forget (CupelPlace *place)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (place->pool);

  cupel_place_unwatch (place);
  g_queue_unlink (&priv->places[place->state], &place->link);
  place->forgotten = TRUE;
  if (place->cancellable != NULL)
    g_cancellable_cancel (place->cancellable);
}

void
cupel_place_free (CupelPlace *place)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (place->pool);

  if (!place->forgotten)
    g_queue_unlink (&priv->places[place->state], &place->link);
  cupel_place_unwatch (place);
  if (place->patience != NULL)
    g_source_destroy (place->patience);
  g_clear_pointer (&place->patience, g_source_unref);
  g_clear_object (&place->cancellable);
  g_assert (place->connection == NULL);
  g_free (place);
}

gboolean
cupel_place_is_current (CupelPlace *place,
                        gint64      now)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (place->pool);

  return !place->stale && (priv->options.permanent || place->epoch == priv->epoch) &&
         now < place->expires;
}

gboolean
cupel_place_is_fit (CupelPlace *place,
                    gint64      now)
{
  return cupel_place_is_current (place, now) && cupel_driver_connection_ask_alive (place->connection);
}

/* invalidation */

static void
invalidate_all (CupelPool  *self,
                const char *why)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);
  GQueue *idle = &priv->places[CUPEL_PLACE_IDLE];

  priv->epoch++;
  priv->invalidated_at = g_get_monotonic_time ();
  cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "All connections are replaced, %u idle and %u lent ones: %s",
             idle->length, priv->places[CUPEL_PLACE_LEASED].length, why);
  while (idle->length > 0)
    {
      priv->figures.n_invalidated++;
      cupel_pool_end_place (self, idle->head->data, TRUE);
    }
  cupel_pool_note_signal (self, CUPEL_POOL_INVALIDATE);
  cupel_pool_settle (self);
}

/**
 * cupel_pool_invalidate:
 * @self: a pool
 *
 * Replaces every connection that was made before now, because the servers changed their parts, say. Idle ones are closed now, those that
 * are lent when they come back; one that is being made is looked at before it is lent.
 *
 * A pool does so by itself when an operation finds that the server went away or takes no writes any more. Never suspends.
 *
 * Since: 1.0
 */
void
cupel_pool_invalidate (CupelPool *self)
{
  CupelPoolPrivate *priv;

  g_return_if_fail (CUPEL_IS_POOL (self));

  priv = cupel_pool_get_instance_private (self);
  cupel_pool_check_process (self);
  for (GList *l = priv->places[CUPEL_PLACE_LEASED].head; l != NULL; l = l->next)
    ((CupelPlace *) l->data)->stale = TRUE;
  for (GList *l = priv->places[CUPEL_PLACE_IDLE].head; l != NULL; l = l->next)
    ((CupelPlace *) l->data)->stale = TRUE;
  invalidate_all (self, "the program wants it");
  cupel_pool_flush_signals (self);
}

/**
 * cupel_pool_invalidate_connection: (skip)
 * @self: a pool
 * @connection: a connection that is lent
 * @hard: whether to end it at once, whatever goes on
 *
 * Sees to it that the connection is not lent again. Never suspends.
 *
 * Since: 1.0
 */
void
cupel_pool_invalidate_connection (CupelPool             *self,
                                  CupelDriverConnection *connection,
                                  gboolean               hard)
{
  CupelPlace *place;

  g_return_if_fail (CUPEL_IS_POOL (self));
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (connection));

  place = cupel_pool_get_place (connection);
  if (place != NULL && !place->stale)
    {
      place->stale = TRUE;
      cupel_pool_note_signal (self, CUPEL_POOL_INVALIDATE);
    }
  if (hard)
    cupel_driver_connection_terminate (connection);
  cupel_pool_flush_signals (self);
}

void
cupel_pool_note_error (CupelPool             *self,
                       CupelDriverConnection *connection,
                       const GError          *error)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);
  CupelErrorCategory category = cupel_error_get_category (error);
  CupelPlace *place = cupel_pool_get_place (connection);
  /* A COMMIT without an answer may have been cancelled: that says nothing of the server. */
  gboolean lost = !g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN) &&
                  (category == CUPEL_ERROR_CATEGORY_LOST || cupel_error_is_disconnect (error));

  if (place == NULL || priv->options.permanent || (!lost && category != CUPEL_ERROR_CATEGORY_NOT_PRIMARY))
    return;

  place->stale = TRUE;
  /* A server that never takes writes must not cost all connections with each of them. */
  if (lost || priv->invalidated_at == 0 || g_get_monotonic_time () - priv->invalidated_at >= G_USEC_PER_SEC)
    cupel_pool_distrust (self, place, error->message);
  cupel_pool_flush_signals (self);
}

void
cupel_pool_distrust (CupelPool  *self,
                     CupelPlace *place,
                     const char *why)
{
  CupelPoolPrivate *priv = cupel_pool_get_instance_private (self);

  /* What an older connection finds was found before. */
  if (!priv->options.permanent && place->epoch == priv->epoch)
    invalidate_all (self, why);
}
