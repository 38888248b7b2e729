/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib-unix.h>
#include <poll.h>

#include "engine/cupel-pool-private.h"
#include "runtime/cupel-log-private.h"

/* Idle connections are watched, so that one that the server ended goes away at once and not when somebody wants to use it. In a busy
 * pool none is idle for long: only what was idle for a while gets a source. */
#define WATCH_DELAY_MS 250

/* Sources are attached to the context where the engine was made. Should another thread run it, that one must not look at the pool. */
typedef struct
{
  GThread    *thread;
  CupelPool  *pool;
  CupelPlace *place;
} Watch;

static gboolean
on_idle_socket (int          fd,
                GIOCondition condition,
                gpointer     data)
{
  Watch *watch = data;
  CupelPlace *place = watch->place;
  CupelPool *self = watch->pool;
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  if (watch->thread != g_thread_self () || cupel_pool_is_inherited (self))
    return G_SOURCE_REMOVE;

  if (cupel_driver_connection_is_alive (place->connection))
    {
      /* The driver took what there was, a notice say. If it leaves it, there is nothing to be learned from this socket any more. */
      if (poll (&poll_fd, 1, 0) > 0)
        cupel_place_unwatch (place);
      return G_SOURCE_CONTINUE;
    }

  g_object_ref (self);
  cupel_log (CUPEL_LOG_POOL, G_LOG_LEVEL_DEBUG, "The server ended a connection that was idle");
  cupel_pool_get_private (self)->figures.n_invalidated++;
  cupel_pool_note_signal (self, CUPEL_POOL_INVALIDATE);
  cupel_pool_end_place (self, place, FALSE);
  cupel_pool_tell_quiet (self);
  cupel_pool_flush_signals (self);
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

static void
watch_place (CupelPlace *place)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (place->pool);
  int fd = cupel_driver_connection_get_socket (place->connection);
  Watch *watch;

  if (fd < 0)
    return;

  watch = g_new (Watch, 1);
  watch->thread = priv->thread;
  watch->pool = place->pool;
  watch->place = place;
  place->watch = g_unix_fd_source_new (fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_set_static_name (place->watch, "cupel: idle connection");
  g_source_set_callback (place->watch, G_SOURCE_FUNC (on_idle_socket), watch, g_free);
  g_source_attach (place->watch, priv->context);
}

void
cupel_place_unwatch (CupelPlace *place)
{
  if (place->watch == NULL)
    return;

  g_source_destroy (place->watch);
  g_clear_pointer (&place->watch, g_source_unref);
}

static gboolean
on_watch_timer (gpointer data)
{
  Watch *watch = data;
  CupelPoolPrivate *priv;

  if (watch->thread != g_thread_self () || cupel_pool_is_inherited (watch->pool))
    return G_SOURCE_REMOVE;

  priv = cupel_pool_get_private (watch->pool);
  for (GList *l = priv->places[CUPEL_PLACE_IDLE].head; l != NULL; l = l->next)
    if (((CupelPlace *) l->data)->watch == NULL)
      watch_place (l->data);
  g_clear_pointer (&priv->watch_timer, g_source_unref);
  return G_SOURCE_REMOVE;
}

void
cupel_pool_watch_soon (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);
  Watch *watch;

  if (priv->watch_timer != NULL)
    return;

  watch = g_new (Watch, 1);
  watch->thread = priv->thread;
  watch->pool = self;
  watch->place = NULL;
  priv->watch_timer = g_timeout_source_new (WATCH_DELAY_MS);
  g_source_set_static_name (priv->watch_timer, "cupel: idle connections");
  g_source_set_callback (priv->watch_timer, on_watch_timer, watch, g_free);
  g_source_attach (priv->watch_timer, priv->context);
}

void
cupel_pool_stop_watching (CupelPool *self)
{
  CupelPoolPrivate *priv = cupel_pool_get_private (self);

  if (priv->watch_timer != NULL)
    {
      g_source_destroy (priv->watch_timer);
      g_clear_pointer (&priv->watch_timer, g_source_unref);
    }
  for (GList *l = priv->places[CUPEL_PLACE_IDLE].head; l != NULL; l = l->next)
    cupel_place_unwatch (l->data);
}
