/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-driver-connection-private.h"
#include "engine/cupel-pool-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-log-private.h"

/* What a connection gets to become clean again; then it is ended. */
#define RESET_TIME (2 * G_USEC_PER_SEC)

/* A link on which a server has answered within so short a lease need not be looked at when it comes back. */
#define TRUST_TIME (5 * 1000)

/* @usable: it is clean, and was looked at just now */
static void
check_in_at (CupelPool             *self,
             CupelDriverConnection *connection,
             gboolean               usable,
             gint64                 now)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  CupelPlace *place = cupel_pool_get_place (connection);

  priv->figures.n_checkins++;
  priv->figures.lease_time += now - place->since;
  cupel_pool_note_signal (self, CUPEL_POOL_CHECKIN);
  if (usable && cupel_place_is_current (place, now))
    {
      place->trusted = TRUE;
      cupel_pool_put (self, place, now);
    }
  else
    {
      if (!usable || place->stale || place->epoch != priv->epoch)
        priv->figures.n_invalidated++;
      cupel_pool_end_place (self, place, usable);
      cupel_pool_settle (self);
    }
  cupel_pool_tell_quiet (self);
  cupel_pool_flush_signals (self);
}

static void
check_in (CupelPool             *self,
          CupelDriverConnection *connection,
          gboolean               usable)
{
  check_in_at (self, connection, usable, g_get_monotonic_time ());
}

static gboolean
is_alive (CupelDriverConnection *connection,
          CupelReleaseFlags      flags,
          gint64                 now)
{
  return ((flags & CUPEL_RELEASE_ANSWERED) != 0 && now - cupel_pool_get_place (connection)->since < TRUST_TIME) ||
         cupel_driver_connection_ask_alive (connection);
}

typedef struct
{
  CupelPool             *pool;
  CupelDriverConnection *connection;
  CupelReleaseFlags      flags;
  CupelIsolationLevel    isolation;
  gboolean               committed;
  gboolean               held;      /* the blocking call that it was left in waits for it */
} Reset;

static gboolean
cancel_when_late (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

/* What is no clean-up by nature takes no deadline: it gets one here. */
typedef gboolean (*LimitedFunc) (Reset         *reset,
                                 GCancellable  *late,
                                 GError       **error);

static gboolean
commit (Reset         *reset,
        GCancellable  *late,
        GError       **error)
{
  return cupel_driver_connection_commit (reset->connection, late, error);
}

static gboolean
restore_isolation (Reset         *reset,
                   GCancellable  *late,
                   GError       **error)
{
  return cupel_driver_connection_set_isolation (reset->connection, reset->isolation, late, error);
}

static gboolean
do_limited (Reset        *reset,
            LimitedFunc   func,
            gint64        deadline,
            GError      **error)
{
  g_autoptr(GCancellable) late = g_cancellable_new ();
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr(GSource) timeout = g_timeout_source_new (1);
  gboolean done;

  g_source_set_static_name (timeout, "cupel: time limit of a reset");
  g_source_set_ready_time (timeout, deadline);
  g_source_set_callback (timeout, cancel_when_late, late, NULL);
  g_source_attach (timeout, context);
  done = func (reset, late, error);
  g_source_destroy (timeout);

  return done;
}

/* Or the one that it had at first, from which its next borrower changes it by himself. */
static gboolean
has_isolation (CupelDriverConnection *connection,
               CupelIsolationLevel    isolation)
{
  int now = cupel_driver_connection_get_private (connection)->isolation;

  return now == CUPEL_ISOLATION_DEFAULT || now == (int) isolation;
}

static void
reset_and_check_in (gpointer data)
{
  Reset *reset = data;
  CupelPoolPrivate *priv = cupel_pool_get_private (reset->pool);
  CupelDriverConnection *connection = reset->connection;
  gint64 deadline = g_get_monotonic_time () + RESET_TIME;
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) commit_error = NULL;
  gboolean usable;

  if (priv->options.reset == CUPEL_POOL_RESET_COMMIT && (reset->flags & CUPEL_RELEASE_ROLL_BACK) == 0 &&
      cupel_driver_connection_ask_status (connection) == CUPEL_TRANSACTION_ACTIVE)
    {
      reset->committed = do_limited (reset, commit, deadline, &commit_error);
      if (!reset->committed)
        {
          cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_WARNING,
                     "What was left open on a connection could not be committed when it came back: %s", commit_error->message);
          cupel_pool_note_error (reset->pool, connection, commit_error);
        }
    }

  usable = cupel_driver_connection_reset (connection, deadline, &error);
  if (usable && !has_isolation (connection, reset->isolation))
    usable = do_limited (reset, restore_isolation, deadline, &error);
  usable = usable && cupel_driver_connection_ask_status (connection) == CUPEL_TRANSACTION_IDLE &&
           is_alive (connection, reset->flags, g_get_monotonic_time ());
  if (error != NULL)
    cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG,
               "A connection could not be made clean and is ended: %s", error->message);

  check_in (reset->pool, g_steal_pointer (&reset->connection), usable);
}

static void
reset_free (gpointer data)
{
  Reset *reset = data;

  /* The fiber never ran to its end: its context went away. */
  if (reset->connection != NULL)
    check_in (reset->pool, g_steal_pointer (&reset->connection), FALSE);
  if (reset->held)
    cupel_call_release ();
  g_object_unref (reset->pool);
  g_free (reset);
}

static gboolean
needs_reset (CupelPoolPrivate       *priv,
             CupelDriverConnection  *connection,
             CupelTransactionStatus  status,
             CupelReleaseFlags       flags)
{
  if ((flags & CUPEL_RELEASE_RESTORE_ISOLATION) != 0)
    return TRUE;
  if (priv->options.reset == CUPEL_POOL_RESET_NONE)
    return FALSE;
  return (flags & CUPEL_RELEASE_FORCE_RESET) != 0 || status != CUPEL_TRANSACTION_IDLE ||
         CUPEL_DRIVER_CONNECTION_GET_CLASS (connection)->needs_reset (connection);
}

typedef struct
{
  CupelDriverConnection *connection;
  gboolean               held;      /* a blocking call waits for it */
} SendAhead;

static void
send_ahead (gpointer data)
{
  SendAhead *self = data;

  cupel_driver_connection_send_ahead (self->connection);
}

static void
send_ahead_free (gpointer data)
{
  SendAhead *self = data;

  if (self->held)
    cupel_call_release ();
  g_object_unref (self->connection);
  g_free (self);
}

/* To somebody who waits for it, who need not wait for the answer to a ROLLBACK too: his first statement goes with it. */
static gboolean
pass_on (CupelPool             *self,
         CupelDriverConnection *connection,
         CupelReleaseFlags      flags,
         gint64                 now)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  SendAhead *sending;

  if (priv->waiters.length == 0 || !cupel_in_fiber () || priv->drained || priv->options.keep_none ||
      (priv->options.reset == CUPEL_POOL_RESET_COMMIT && (flags & CUPEL_RELEASE_ROLL_BACK) == 0) ||
      (flags & (CUPEL_RELEASE_FORCE_RESET | CUPEL_RELEASE_RESTORE_ISOLATION)) != 0 ||
      !is_alive (connection, flags, now) || !cupel_driver_connection_roll_back_ahead (connection))
    return FALSE;

  /* What a transaction holds is not held for long: this fiber runs as soon as his had its turn. */
  sending = g_new (SendAhead, 1);
  *sending = (SendAhead) { g_object_ref (connection), cupel_call_hold () };
  check_in_at (self, connection, TRUE, now);
  cupel_fiber_spawn_full (NULL, "cupel-pool-send-ahead", 0, send_ahead, sending, send_ahead_free);
  return TRUE;
}

gboolean
cupel_pool_release_full (CupelPool             *self,
                         CupelDriverConnection *connection,
                         CupelReleaseFlags      flags,
                         CupelIsolationLevel    isolation)
{
  CupelPoolPrivate *priv;
  CupelTransactionStatus status;
  CupelPlace *place;
  gint64 now;
  Reset *reset;

  cupel_pool_check_process (self);
  if (cupel_driver_connection_ask_inherited (connection))
    {
      cupel_driver_connection_abandon (connection);
      return FALSE;
    }

  priv = cupel_pool_get_private (self);
  place = cupel_pool_get_place (connection);
  g_return_val_if_fail (place != NULL && place->pool == self && place->state == CUPEL_PLACE_LEASED, FALSE);

  now = g_get_monotonic_time ();
  status = cupel_driver_connection_ask_status (connection);
  if ((flags & CUPEL_RELEASE_BROKEN) != 0 || status == CUPEL_TRANSACTION_UNKNOWN)
    {
      check_in (self, connection, FALSE);
      return FALSE;
    }
  if (priv->options.reset == CUPEL_POOL_RESET_SESSION)
    cupel_driver_connection_mark_dirty (connection);
  /* What is not lent again needs no reset, unless something is to be committed: the server rolls back by itself. */
  if (!needs_reset (priv, connection, status, flags) ||
      (priv->options.reset != CUPEL_POOL_RESET_COMMIT && (priv->drained || priv->options.keep_none)))
    {
      check_in_at (self, connection, (status == CUPEL_TRANSACTION_IDLE || priv->drained || priv->options.keep_none) &&
                                     is_alive (connection, flags, now), now);
      return FALSE;
    }
  if (pass_on (self, connection, flags, now))
    return FALSE;

  /* With neither a fiber to suspend nor a loop that would run one, ending it is all that can be done in no time. */
  if (!cupel_in_fiber () && g_main_depth () == 0)
    {
      check_in (self, connection, FALSE);
      return FALSE;
    }

  place->resetting = TRUE;
  if (cupel_in_fiber () && (flags & CUPEL_RELEASE_DETACHED) == 0)
    {
      Reset own = { g_object_ref (self), connection, flags, isolation };

      reset_and_check_in (&own);
      g_object_unref (self);
      return own.committed;
    }

  reset = g_new (Reset, 1);
  *reset = (Reset) { g_object_ref (self), connection, flags, isolation };
  reset->held = cupel_call_hold ();
  cupel_fiber_spawn_full (cupel_in_fiber () || reset->held ? NULL : priv->context, "cupel-pool-reset", 0,
                          reset_and_check_in, reset, reset_free);
  return FALSE;
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
  g_return_if_fail (CUPEL_IS_POOL (self));
  g_return_if_fail (CUPEL_IS_DRIVER_CONNECTION (connection));

  cupel_pool_release_full (self, connection, CUPEL_RELEASE_NONE, CUPEL_ISOLATION_DEFAULT);
}
