/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-pool-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-log-private.h"
#include "runtime/cupel-profile-private.h"
#include "runtime/cupel-scheduler-private.h"

/* Who waits does not connect: connections are made by fibers of their own, as many as there are waiters (and no more than the pool may),
 * and whatever becomes free first, a new connection or one that comes back, goes to the first in line. So nobody overtakes, a borrower
 * who is cancelled takes nothing with him, and a burst is served by what there is while new connections are still being made. */

/* After a connect failed, between attempts: at most ten in a second, and one at a time. */
#define BACK_OFF (G_USEC_PER_SEC / 10)

/* A connection that is being made when the borrower goes away: often it is there in a moment, and is kept. One that hangs would keep
 * its place from others until its own time limit. */
#define PATIENCE G_USEC_PER_SEC

/* For the cause to arrive when a borrower and the connection that is made for him run out of time together. */
#define LAST_WORD (G_USEC_PER_SEC / 5)

/* On the stack of the fiber that waits. */
typedef struct
{
  GList            link;
  CupelFiber      *fiber;
  guint64          holder;
  const char      *site;
  CupelPlace      *place;     /* what it was served with, lent; or */
  GError          *error;     /* why not */
  int              served;    /* it waits for this */
  gboolean         late;      /* there is room for him, so that he waits for a connection that is made, but no longer for the next one */
} Waiter;

static void
lend (CupelPool  *self,
      CupelPlace *place,
      guint64     holder,
      const char *site,
      gint64      now)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);

  cupel_place_unwatch (place);
  cupel_place_move (place, CUPEL_PLACE_LEASED, now);
  place->number = ++priv->last_lease;
  place->holder = holder;
  place->site = site;
  place->resetting = FALSE;
}

/* He is in the queue no more, and knows what with. */
static void
serve (Waiter *waiter)
{
  g_atomic_int_set (&waiter->served, TRUE);
  cupel_fiber_wake (waiter->fiber);
}

/* NULL: nobody waits. */
static Waiter *
take_waiter (CupelPoolPrivate *priv)
{
  GList *link = g_queue_pop_head_link (&priv->waiters);

  return link != NULL ? link->data : NULL;
}

static void
serve_first (CupelPool  *self,
             CupelPlace *place,
             gint64      now)
{
  Waiter *waiter = take_waiter (cupel_pool_get_private (self));

  lend (self, place, waiter->holder, waiter->site, now);
  waiter->place = place;
  serve (waiter);
}

/* An idle connection that may be lent, not looked at by the server yet. */
static CupelPlace *
take_idle (CupelPool *self,
           gint64     now)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  GQueue *idle = &priv->places[CUPEL_PLACE_IDLE];

  while (idle->length > 0)
    {
      CupelPlace *place = priv->options.lifo ? idle->tail->data : idle->head->data;

      if (place->trusted || cupel_place_is_fit (place, now))
        return place;
      cupel_pool_end_place (self, place, TRUE);
    }

  return NULL;
}

static void
set_timeout_error (CupelPool  *self,
                   GError    **error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  const CupelPoolOptions *options = &priv->options;
  g_autofree char *description = cupel_pool_describe (self);

  priv->figures.n_timeouts++;
  if (options->permanent)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT,
                   "The one connection that all share did not become free within %.1f s: %s. Return it sooner, or raise pool-timeout; there "
                   "can be no other, for the database is in it. One in a file may have several",
                   (double) options->timeout / G_USEC_PER_SEC, description);
      return;
    }
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT,
               "No connection became free within %.1f s (pool-size %u, max-overflow %d): %s. "
               "Return connections sooner, or raise pool-size, max-overflow or pool-timeout",
               (double) options->timeout / G_USEC_PER_SEC, options->size, options->max_overflow, description);
}

/* Those whose time was up while a connection was made that now failed. */
static void
fail_late_waiters (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);

  for (GList *l = priv->waiters.head, *next; l != NULL; l = next)
    {
      Waiter *waiter = l->data;

      next = l->next;
      if (!waiter->late)
        continue;
      set_timeout_error (self, &waiter->error);
      g_queue_unlink (&priv->waiters, l);
      serve (waiter);
    }
}

void
cupel_pool_fail_waiters (CupelPool    *self,
                         guint         n,
                         const GError *error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  Waiter *waiter;

  while (n-- > 0 && (waiter = take_waiter (priv)) != NULL)
    {
      waiter->error = g_error_copy (error);
      serve (waiter);
    }
}

/* making connections */

typedef struct
{
  CupelPool  *pool;
  GObject    *owner;
  CupelPlace *place;      /* NULL: done */
} Connecting;

static gboolean
on_patience_over (gpointer data)
{
  CupelPlace *place = data;

  g_cancellable_cancel (place->cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
is_impatient (CupelPlace *place)
{
  return place->patience != NULL && g_cancellable_is_cancelled (place->cancellable);
}

/* After a borrower went away unserved. */
static void
hurry_surplus (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  guint n_surplus = priv->places[CUPEL_PLACE_CONNECTING].length;

  n_surplus -= MIN (n_surplus, priv->waiters.length);
  for (GList *l = priv->places[CUPEL_PLACE_CONNECTING].head; l != NULL && n_surplus > 0; l = l->next, n_surplus--)
    {
      CupelPlace *place = l->data;
      g_autoptr(GMainContext) context = NULL;

      if (place->patience != NULL)
        continue;
      context = g_main_context_ref_thread_default ();
      place->patience = g_timeout_source_new (1);
      g_source_set_static_name (place->patience, "cupel: patience with a connection that nobody waits for");
      g_source_set_ready_time (place->patience, g_get_monotonic_time () + PATIENCE);
      g_source_set_callback (place->patience, on_patience_over, place, NULL);
      g_source_attach (place->patience, context);
    }
}

/* The server refuses for now: those who wait had better go on waiting, while they may. */
static gboolean
may_pass (const GError *error)
{
  CupelErrorCategory category = cupel_error_get_category (error);

  return category == CUPEL_ERROR_CATEGORY_OVERLOAD || category == CUPEL_ERROR_CATEGORY_NOT_READY;
}

static void
connect_failed (CupelPool    *self,
                CupelPlace   *place,
                const GError *error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  guint limit = cupel_pool_get_limit (priv);
  guint n = G_MAXUINT;

  cupel_place_free (place);
  priv->n_failures++;
  priv->figures.n_connect_failures++;
  priv->retry_time = g_get_monotonic_time () + BACK_OFF;
  g_clear_error (&priv->last_failure);
  priv->last_failure = g_error_copy (error);

  /* It is told to all who waited for it. Where others may still bring something, that is those who would have had a place of their own. */
  if (may_pass (error))
    {
      fail_late_waiters (self);
      n = 0;
    }
  else if (priv->places[CUPEL_PLACE_LEASED].length + priv->places[CUPEL_PLACE_CONNECTING].length > 0 && limit != G_MAXUINT)
    n = limit - cupel_pool_count_places (priv);
  else if (priv->places[CUPEL_PLACE_CONNECTING].length > 0)
    n = 1;
  cupel_pool_fail_waiters (self, n, error);
  cupel_pool_settle (self);
}

/* All connections were invalidated while this one was being made: nobody knows whether it is from before or after. */
static gboolean
look_again (CupelPool   *self,
            CupelPlace  *place,
            GError     **error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);

  while (place->epoch != priv->epoch && !place->forgotten)
    {
      place->epoch = priv->epoch;
      if (!cupel_driver_connection_ping (place->connection, g_get_monotonic_time () + priv->options.ping_timeout, error))
        return FALSE;
    }

  return TRUE;
}

static void
connect_in_background (gpointer data)
{
  Connecting *connecting = data;
  CupelPool *self = connecting->pool;
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  CupelPlace *place = connecting->place;
  CupelDriverConnection *connection = NULL;
  gint64 pause = priv->n_failures > 0 ? priv->retry_time - g_get_monotonic_time () : 0;
  g_autoptr(GError) error = NULL;
  gboolean doubtful = FALSE;

  if (pause <= 0 || cupel_fiber_sleep (pause, place->cancellable, &error))
    connection = priv->connect (connecting->owner, CUPEL_NO_DEADLINE, place->cancellable, &error);

  connecting->place = NULL;
  if (connection != NULL)
    {
      if (place->patience != NULL)
        g_source_destroy (place->patience);
      cupel_place_set_connection (place, connection);
      priv->figures.n_connects++;
      cupel_pool_note_signal (self, CUPEL_POOL_CONNECT);
      cupel_pool_flush_signals (self);
      if (!look_again (self, place, &error))
        {
          doubtful = TRUE;
          cupel_driver_connection_terminate (connection);
          g_object_unref (cupel_place_take_connection (place));
          connection = NULL;
        }
    }

  if (connection == NULL && !place->forgotten && is_impatient (place))
    {
      cupel_place_free (place);
      cupel_pool_settle (self);
    }
  else if (place->forgotten)
    {
      if (connection != NULL)
        {
          cupel_driver_connection_terminate (connection);
          g_object_unref (cupel_place_take_connection (place));
        }
      cupel_place_free (place);
    }
  else if (doubtful)
    {
      /* Made before the server went away: no reason to refuse anybody, but to try anew. */
      cupel_place_free (place);
      priv->n_failures++;
      priv->retry_time = g_get_monotonic_time () + BACK_OFF;
      cupel_pool_settle (self);
    }
  else if (connection == NULL)
    {
      connect_failed (self, place, error);
    }
  else
    {
      priv->n_failures = 0;
      g_clear_error (&priv->last_failure);
      place->trusted = TRUE;
      cupel_pool_put (self, place, g_get_monotonic_time ());
    }
  cupel_pool_tell_quiet (self);
  cupel_pool_flush_signals (self);
}

static void
connecting_free (gpointer data)
{
  Connecting *connecting = data;

  /* The fiber never ran: its context went away. */
  if (connecting->place != NULL)
    {
      cupel_place_free (connecting->place);
      cupel_pool_settle (connecting->pool);
    }
  g_object_unref (connecting->owner);
  g_object_unref (connecting->pool);
  g_free (connecting);
}

static void
make_connection (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  Connecting *connecting = g_new (Connecting, 1);
  CupelPlace *place = cupel_place_new (self, CUPEL_PLACE_CONNECTING);

  place->cancellable = g_cancellable_new ();
  place->blocking = cupel_call_is_blocking ();
  connecting->pool = g_object_ref (self);
  connecting->owner = g_object_ref (priv->owner);
  connecting->place = place;
  cupel_fiber_spawn_full (cupel_in_fiber () ? NULL : priv->context, "cupel-pool-connect", 0,
                          connect_in_background, connecting, connecting_free);
}

static gboolean
may_connect (CupelPoolPrivate *priv)
{
  guint n_connecting = priv->places[CUPEL_PLACE_CONNECTING].length;

  return n_connecting < priv->waiters.length && cupel_pool_count_places (priv) < cupel_pool_get_limit (priv) &&
         n_connecting < (priv->n_failures > 0 ? 1 : priv->options.max_connecting);
}

static void
settle (CupelPool *self,
        gint64     now)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  CupelPlace *place;

  cupel_pool_write_off (self);
  if (priv->drained)
    return;

  while (priv->waiters.length > 0 && (place = take_idle (self, now)) != NULL)
    serve_first (self, place, now);
  while (may_connect (priv))
    make_connection (self);
}

void
cupel_pool_settle (CupelPool *self)
{
  settle (self, g_get_monotonic_time ());
}

void
cupel_pool_put (CupelPool  *self,
                CupelPlace *place,
                gint64      now)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  const CupelPoolOptions *options = &priv->options;
  /* One that was just made for somebody who went away meanwhile is kept like any other. */
  gboolean returned = place->state == CUPEL_PLACE_LEASED;

  if (priv->drained || (returned && options->keep_none))
    {
      cupel_pool_end_place (self, place, TRUE);
      cupel_pool_settle (self);
      return;
    }

  /* In a busy pool it goes from hand to hand. */
  if (place->trusted && priv->waiters.length > 0 && priv->places[CUPEL_PLACE_IDLE].length == 0)
    {
      serve_first (self, place, now);
      settle (self, now);
      return;
    }

  cupel_place_move (place, CUPEL_PLACE_IDLE, now);
  settle (self, now);
  /* Lent by now, or found unfit and gone. */
  if (g_queue_find (&priv->places[CUPEL_PLACE_IDLE], place) == NULL)
    return;

  place->trusted = FALSE;
  if (options->keep_none || (options->size > 0 && priv->places[CUPEL_PLACE_IDLE].length > options->size))
    cupel_pool_end_place (self, place, TRUE);
  else
    cupel_pool_watch_soon (self);
}

/* waiting */

/* A fiber that holds all there is would wait for itself. */
static gboolean
check_own_leases (CupelPool   *self,
                  guint64      holder,
                  GError     **error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  const GQueue *leased = &priv->places[CUPEL_PLACE_LEASED];
  guint limit = cupel_pool_get_limit (priv);
  guint n = 0;

  if (holder == 0 || leased->length == 0 || cupel_pool_count_places (priv) < limit)
    return TRUE;

  for (GList *l = leased->head; l != NULL; l = l->next)
    if (((CupelPlace *) l->data)->holder == holder && !((CupelPlace *) l->data)->resetting)
      n++;
  if (n == limit)
    {
      g_autoptr(GString) leases = g_string_new (NULL);

      cupel_pool_append_leases (self, leases, 5);
      priv->figures.n_timeouts++;
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT,
                   "%s asks for one more connection while it holds all of the pool: it would wait for itself. %u are lent: %s. "
                   "Close a connection or session before, or pass on the one that there is%s",
                   holder == CUPEL_CALLER_THREAD ? "This thread" : "This fiber", n, leases->str,
                   priv->options.permanent ? ": all share the one connection, for the database is in it"
                                           : ", or raise pool-size or max-overflow");
      return FALSE;
    }
  if (n > 0)
    cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG,
               "A fiber that holds %u of %u connections waits for one more: several that do so wait for each other", n, limit);

  return TRUE;
}

/* Whether a connection can be made for the one who waits, even if everything that is lent stays out. */
static gboolean
has_room (CupelPoolPrivate *priv,
          Waiter           *waiter)
{
  const guint n_before = (guint) g_queue_link_index (&priv->waiters, &waiter->link);

  return n_before + priv->places[CUPEL_PLACE_LEASED].length < cupel_pool_get_limit (priv);
}

/* If he is served after all, that counts. */
static gboolean
wait_for_turn (Waiter        *waiter,
               gint64         deadline,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelParkResult result = cupel_fiber_park (waiter->fiber, &waiter->served, deadline, cancellable);

  return waiter->served || cupel_park_result_check (result, error);
}

static CupelPlace *
wait_in_line (CupelPool     *self,
              guint64        holder,
              const char    *site,
              gboolean       first,
              gint64         begin,
              gint64         deadline,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  g_autoptr(GError) local = NULL;
  gint64 time;
  Waiter waiter = { .fiber = cupel_fiber_get_current (), .holder = holder, .site = site };
  CUPEL_PROFILE_BEGIN (mark);

  if (waiter.fiber == NULL)
    {
      cupel_set_error_not_in_fiber (error, "cupel_pool_checkout");
      return NULL;
    }

  waiter.link.data = &waiter;
  if (first)
    g_queue_push_head_link (&priv->waiters, &waiter.link);
  else
    g_queue_push_tail_link (&priv->waiters, &waiter.link);
  settle (self, begin);

  if (!waiter.served && !wait_for_turn (&waiter, deadline, cancellable, &local) &&
      g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT) && has_room (priv, &waiter))
    {
      waiter.late = TRUE;
      g_clear_error (&local);
      wait_for_turn (&waiter, deadline + priv->options.connect_timeout + LAST_WORD, cancellable, &local);
    }

  time = (waiter.place != NULL ? waiter.place->since : g_get_monotonic_time ()) - begin;
  priv->figures.wait_time += time;
  priv->figures.max_wait_time = MAX (priv->figures.max_wait_time, time);
  CUPEL_PROFILE_END (mark, "checkout wait", site);

  if (waiter.served)
    {
      if (waiter.error != NULL)
        g_propagate_error (error, waiter.error);
      return waiter.place;
    }

  g_queue_unlink (&priv->waiters, &waiter.link);
  hurry_surplus (self);
  if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
    set_timeout_error (self, error);
  else
    g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

/* FALSE: it was ended. */
static gboolean
is_well (CupelPool  *self,
         CupelPlace *place,
         gint64      idle_time,
         gint64      deadline)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  g_autoptr(GError) error = NULL;
  gint64 now;

  if (place->trusted || !priv->options.pre_ping || idle_time < priv->options.ping_idle)
    {
      place->trusted = FALSE;
      return TRUE;
    }
  /* The limit is that of the ping alone: whether the server is well does not depend on how little time the borrower has left. */
  now = g_get_monotonic_time ();
  if (cupel_driver_connection_ping (place->connection, now + priv->options.ping_timeout, &error) &&
      cupel_place_is_fit (place, g_get_monotonic_time ()))
    return TRUE;

  priv->figures.n_invalidated++;
  if (error != NULL)
    {
      cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "A connection that was idle for %.1f s is replaced: %s",
                 (double) idle_time / G_USEC_PER_SEC, error->message);
      cupel_pool_distrust (self, place, error->message);
    }
  cupel_pool_end_place (self, place, FALSE);
  return FALSE;
}

/**
 * cupel_pool_checkout: (skip)
 * @self: a pool
 * @site: (nullable): where the program asks, a string that lasts as long as the program: for reports
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Borrows a connection. Suspends the fiber that calls it.
 *
 * Fails with %CUPEL_ERROR_POOL_TIMEOUT when none becomes free in time or when the fiber would wait for itself, with %CUPEL_ERROR_CLOSED
 * when the pool was closed, and with the error of the driver when the server cannot be reached or refuses.
 *
 * Returns: (transfer full): a connection, to be given to cupel_pool_release(); or %NULL with @error set
 *
 * Since: 1.0
 */
CupelDriverConnection *
cupel_pool_checkout (CupelPool     *self,
                     const char    *site,
                     GCancellable  *cancellable,
                     GError       **error)
{
  CupelPoolPrivate *priv;
  const char *name;
  guint64 holder;
  gint64 now, deadline;

  g_return_val_if_fail (CUPEL_IS_POOL (self), NULL);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  priv = cupel_pool_get_private (self);
  g_return_val_if_fail (priv->connect != NULL, NULL);

  cupel_pool_check_process (self);
  if (CUPEL_POOL_GET_CLASS (self)->admit != NULL && !CUPEL_POOL_GET_CLASS (self)->admit (self, error))
    return NULL;

  holder = cupel_call_get_caller (&name);
  if (site == NULL)
    site = name;
  now = g_get_monotonic_time ();
  deadline = now + priv->options.timeout;

  for (gboolean again = FALSE; ; again = TRUE, now = g_get_monotonic_time ())
    {
      CupelPlace *place = NULL;
      gint64 since;

      if (priv->drained)
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The pool of connections was closed");
          return NULL;
        }

      if ((again || priv->waiters.length == 0) && (place = take_idle (self, now)) != NULL)
        {
          since = place->since;
          lend (self, place, holder, site, now);
        }
      else
        {
          if (!check_own_leases (self, holder, error) ||
              (place = wait_in_line (self, holder, site, again, now, deadline, cancellable, error)) == NULL)
            {
              cupel_pool_flush_signals (self);
              return NULL;
            }
          since = place->since;
        }

      if (!is_well (self, place, place->since - since, deadline))
        continue;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        {
          cupel_pool_put (self, place, g_get_monotonic_time ());
          cupel_pool_flush_signals (self);
          return NULL;
        }

      priv->figures.n_checkouts++;
      cupel_pool_note_signal (self, CUPEL_POOL_CHECKOUT);
      cupel_pool_flush_signals (self);
      return place->connection;
    }
}
