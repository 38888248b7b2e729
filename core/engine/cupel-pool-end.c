/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-pool-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-fork-private.h"
#include "runtime/cupel-log-private.h"

/* The end of connections, and of pools. */

/* What a good-bye may take that nobody waits for. */
#define CLOSE_TIME (2 * G_USEC_PER_SEC)

typedef struct
{
  CupelPool  *pool;
  CupelPlace *place;      /* NULL: done */
} Ending;

static void
finish (CupelPlace *place)
{
  CupelDriverConnection *connection = cupel_place_take_connection (place);

  cupel_driver_connection_terminate (connection);
  g_object_unref (connection);
  cupel_place_free (place);
}

static void
close_in_background (gpointer data)
{
  Ending *ending = data;
  CupelPlace *place = ending->place;

  cupel_driver_connection_close (place->connection, place->deadline);
  ending->place = NULL;
  finish (place);
  cupel_pool_tell_quiet (ending->pool);
  cupel_pool_flush_signals (ending->pool);
}

static void
ending_free (gpointer data)
{
  Ending *ending = data;

  /* The fiber never ran: its context went away. */
  if (ending->place != NULL)
    finish (ending->place);
  g_object_unref (ending->pool);
  g_free (ending);
}

void
cupel_pool_end_place (CupelPool  *self,
                      CupelPlace *place,
                      gboolean    polite)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  Ending *ending;
  gint64 now;

  cupel_place_unwatch (place);
  cupel_pool_note_signal (self, CUPEL_POOL_CLOSE);

  /* Without a fiber or a loop there is nothing that a good-bye could run in. */
  if (!polite || (!cupel_in_fiber () && g_main_depth () == 0) || !cupel_driver_connection_is_alive (place->connection))
    {
      finish (place);
      return;
    }

  now = g_get_monotonic_time ();
  cupel_place_move (place, CUPEL_PLACE_ENDING, now);
  place->deadline = now + CLOSE_TIME;
  place->blocking = cupel_call_is_blocking ();
  ending = g_new (Ending, 1);
  ending->pool = g_object_ref (self);
  ending->place = place;
  cupel_fiber_spawn_full (cupel_in_fiber () ? NULL : priv->context, "cupel-pool-close", 0,
                          close_in_background, ending, ending_free);
}

/* Fibers that do not go on, since the thread left the blocking call in which they began, or is in one now: what they do is given up,
 * and done anew by whoever needs it. */
void
cupel_pool_write_off (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  gboolean blocking;

  if (G_LIKELY (priv->places[CUPEL_PLACE_CONNECTING].length == 0 && priv->places[CUPEL_PLACE_ENDING].length == 0))
    return;

  blocking = cupel_call_is_blocking ();
  for (GList *l = priv->places[CUPEL_PLACE_CONNECTING].head, *next; l != NULL; l = next)
    {
      CupelPlace *place = l->data;

      next = l->next;
      if (place->blocking != blocking)
        cupel_place_forget (place);
    }
  for (GList *l = priv->places[CUPEL_PLACE_ENDING].head, *next; l != NULL; l = next)
    {
      CupelPlace *place = l->data;

      next = l->next;
      if (place->blocking == blocking)
        continue;
      cupel_driver_connection_terminate (place->connection);
      cupel_place_forget (place);
    }
}

void
cupel_pool_tell_quiet (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);

  for (GList *l = priv->quiet.head; l != NULL; l = l->next)
    cupel_completion_complete (l->data);
}

/* Until nothing is under way, or @deadline. */
static gboolean
wait_until_quiet (CupelPool     *self,
                  gboolean       leases,
                  gint64         deadline,
                  GCancellable  *cancellable,
                  GError       **error)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  gboolean quiet = FALSE;

  for (;;)
    {
      g_autoptr(CupelCompletion) completion = NULL;

      quiet = priv->places[CUPEL_PLACE_CONNECTING].length == 0 && priv->places[CUPEL_PLACE_ENDING].length == 0 &&
              (!leases || priv->places[CUPEL_PLACE_LEASED].length == 0);
      if (quiet)
        return TRUE;

      completion = cupel_completion_new ();
      g_queue_push_tail (&priv->quiet, completion);
      quiet = cupel_completion_wait (completion, deadline, cancellable, error);
      g_queue_remove (&priv->quiet, completion);
      if (!quiet)
        return FALSE;
    }
}

void
cupel_pool_stop (CupelPool *self,
                 gboolean   polite)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  g_autoptr(GError) error = NULL;

  priv->drained = TRUE;
  g_set_error_literal (&error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The pool of connections was closed while this waited for one");
  cupel_pool_fail_waiters (self, G_MAXUINT, error);

  cupel_pool_write_off (self);
  for (GList *l = priv->places[CUPEL_PLACE_CONNECTING].head; l != NULL; l = l->next)
    g_cancellable_cancel (((CupelPlace *) l->data)->cancellable);
  while (priv->places[CUPEL_PLACE_IDLE].length > 0)
    cupel_pool_end_place (self, priv->places[CUPEL_PLACE_IDLE].head->data, polite);
  if (!polite)
    for (GList *l = priv->places[CUPEL_PLACE_ENDING].head; l != NULL; l = l->next)
      cupel_driver_connection_terminate (((CupelPlace *) l->data)->connection);
}

/**
 * cupel_pool_close: (skip)
 * @self: a pool
 * @deadline: a g_get_monotonic_time() value
 *
 * Closes every idle connection, all at the same time; those that are lent are closed when they come back. Who waits for one gets
 * %CUPEL_ERROR_CLOSED. Suspends the fiber that calls it.
 *
 * Since: 1.0
 */
void
cupel_pool_close (CupelPool *self,
                  gint64     deadline)
{
  g_return_if_fail (CUPEL_IS_POOL (self));

  cupel_pool_check_process (self);
  cupel_pool_stop (self, TRUE);
  if (!wait_until_quiet (self, FALSE, deadline, NULL, NULL))
    cupel_pool_stop (self, FALSE);
  cupel_pool_flush_signals (self);
}

/**
 * cupel_pool_drain: (skip)
 * @self: a pool
 * @deadline: a g_get_monotonic_time() value
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Lends nothing more, waits until everything that is lent came back, and closes all. When that takes too long, the error names who
 * holds what; it is closed when it comes back. Suspends the fiber that calls it.
 *
 * Returns: %TRUE when no connection is left
 *
 * Since: 1.0
 */
gboolean
cupel_pool_drain (CupelPool     *self,
                  gint64         deadline,
                  GCancellable  *cancellable,
                  GError       **error)
{
  CupelPoolPrivate *priv;
  g_autoptr(GError) local = NULL;
  gboolean quiet;

  g_return_val_if_fail (CUPEL_IS_POOL (self), FALSE);

  priv = cupel_pool_get_private (self);
  cupel_pool_check_process (self);
  cupel_pool_stop (self, TRUE);
  quiet = wait_until_quiet (self, TRUE, deadline, cancellable, &local);
  if (!quiet)
    cupel_pool_stop (self, FALSE);
  cupel_pool_flush_signals (self);
  if (quiet)
    return TRUE;

  if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT) && priv->places[CUPEL_PLACE_LEASED].length > 0)
    {
      g_autoptr(GString) leases = g_string_new (NULL);

      cupel_pool_append_leases (self, leases, 5);
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "%u connections did not come back in time: %s",
                   priv->places[CUPEL_PLACE_LEASED].length, leases->str);
    }
  else
    {
      g_propagate_error (error, g_steal_pointer (&local));
    }
  return FALSE;
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
  g_return_if_fail (CUPEL_IS_POOL (self));

  cupel_pool_check_process (self);
  cupel_pool_stop (self, FALSE);
  cupel_pool_flush_signals (self);
}

/* In a child process: the connections are the parent's, and so are the fibers that wait and work. */
void
cupel_pool_check_process (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  g_autoptr(GError) error = NULL;

  if (G_LIKELY (!cupel_pool_is_inherited (self)))
    return;

  priv->process = cupel_fork_get_generation ();
  priv->n_failures = 0;
  cupel_pool_stop_watching (self);
  g_set_error_literal (&error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The process that waited for a connection is the parent of this one");
  cupel_pool_fail_waiters (self, G_MAXUINT, error);
  for (guint state = 0; state < CUPEL_PLACE_N_STATES; state++)
    while (priv->places[state].length > 0)
      {
        CupelPlace *place = priv->places[state].head->data;

        /* Borrowers, and fibers that will not go on, may still point to it. */
        cupel_place_forget (place);
        if (place->connection != NULL && state != CUPEL_PLACE_LEASED)
          cupel_driver_connection_abandon (place->connection);
      }
}
