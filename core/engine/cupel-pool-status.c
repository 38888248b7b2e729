/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-pool-private.h"

G_DEFINE_BOXED_TYPE (CupelPoolStatus, cupel_pool_status, cupel_pool_status_copy, cupel_pool_status_free)

/* How many holders a report names. */
#define MAX_NAMED 5

/**
 * cupel_pool_status_copy:
 * @self: figures
 *
 * Copies the figures.
 *
 * Returns: (transfer full): a copy
 *
 * Since: 1.0
 */
CupelPoolStatus *
cupel_pool_status_copy (const CupelPoolStatus *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  return g_memdup2 (self, sizeof (*self));
}

/**
 * cupel_pool_status_free:
 * @self: (transfer full): figures
 *
 * Frees the figures.
 *
 * Since: 1.0
 */
void
cupel_pool_status_free (CupelPoolStatus *self)
{
  g_free (self);
}

/**
 * cupel_pool_get_status:
 * @self: a pool
 *
 * Gets the figures of this moment.
 *
 * Returns: (transfer full): the figures
 *
 * Since: 1.0
 */
CupelPoolStatus *
cupel_pool_get_status (CupelPool *self)
{
  CupelPoolPrivate *priv;
  CupelPoolStatus *status;
  guint n_places;

  g_return_val_if_fail (CUPEL_IS_POOL (self), NULL);

  priv = cupel_pool_get_private (self);
  n_places = cupel_pool_count_places (priv);
  status = cupel_pool_status_copy (&priv->figures);
  status->max_connections = cupel_pool_get_limit (priv);
  status->checked_out = priv->places[CUPEL_PLACE_LEASED].length;
  status->idle = priv->places[CUPEL_PLACE_IDLE].length;
  status->connecting = priv->places[CUPEL_PLACE_CONNECTING].length;
  status->closing = priv->places[CUPEL_PLACE_ENDING].length;
  status->overflow = priv->options.size > 0 && n_places > priv->options.size ? n_places - priv->options.size : 0;
  status->waiters = priv->waiters.length;
  status->epoch = priv->epoch;

  return status;
}

/* The oldest first: that is the order of the queue. */
void
cupel_pool_append_leases (CupelPool *self,
                          GString   *text,
                          guint      max)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  gint64 now = g_get_monotonic_time ();
  guint n = 0;

  for (GList *l = priv->places[CUPEL_PLACE_LEASED].head; l != NULL && n < max; l = l->next, n++)
    {
      CupelPlace *place = l->data;

      g_string_append_printf (text, "%s#%" G_GUINT64_FORMAT " for %.1f s", n > 0 ? ", " : "",
                              place->number, (double) (now - place->since) / G_USEC_PER_SEC);
      if (place->site != NULL)
        g_string_append_printf (text, " by %s", place->site);
      if (place->resetting)
        g_string_append (text, " (being made clean)");
    }
  if (priv->places[CUPEL_PLACE_LEASED].length > max)
    g_string_append_printf (text, " and %u more", priv->places[CUPEL_PLACE_LEASED].length - max);
}

/**
 * cupel_pool_describe:
 * @self: a pool
 *
 * Describes the pool in a sentence for people: its figures, and which connections are lent since when and to whom, the oldest first.
 * A borrower that is named too often or too long is where one was not given back.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
cupel_pool_describe (CupelPool *self)
{
  CupelPoolPrivate *priv;
  GString *text;
  guint limit;

  g_return_val_if_fail (CUPEL_IS_POOL (self), NULL);

  priv = cupel_pool_get_private (self);
  limit = cupel_pool_get_limit (priv);
  text = g_string_new (NULL);
  g_string_append_printf (text, "%u connections are lent, %u idle, %u being made, ", priv->places[CUPEL_PLACE_LEASED].length,
                          priv->places[CUPEL_PLACE_IDLE].length, priv->places[CUPEL_PLACE_CONNECTING].length);
  if (limit != G_MAXUINT)
    g_string_append_printf (text, "of at most %u; ", limit);
  g_string_append_printf (text, "%u wait", priv->waiters.length);
  if (priv->places[CUPEL_PLACE_LEASED].length > 0)
    {
      g_string_append (text, "; lent are ");
      cupel_pool_append_leases (self, text, MAX_NAMED);
    }
  if (priv->last_failure != NULL)
    g_string_append_printf (text, "; the last attempt to connect failed: %s", priv->last_failure->message);

  return g_string_free (text, FALSE);
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
  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  return cupel_pool_get_private (self)->places[CUPEL_PLACE_LEASED].length;
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

  return cupel_pool_get_private (self)->places[CUPEL_PLACE_IDLE].length;
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
  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  return cupel_pool_get_private (self)->figures.n_connects;
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
  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  return cupel_pool_get_private (self)->figures.n_checkouts;
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
  g_return_val_if_fail (CUPEL_IS_POOL (self), 0);

  return cupel_pool_get_private (self)->figures.peak_checked_out;
}
