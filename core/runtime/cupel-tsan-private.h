/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Included before everything else in builds with ThreadSanitizer only. GLib is built without it and makes its locks of bare futexes, so that
 * each use of one would be reported: this tells what they order. */

#include <gio/gio.h>
#include <sanitizer/tsan_interface.h>

static inline void
cupel_tsan_mutex_lock (GMutex *mutex)
{
  g_mutex_lock (mutex);
  __tsan_acquire (mutex);
}

static inline gboolean
cupel_tsan_mutex_trylock (GMutex *mutex)
{
  if (!g_mutex_trylock (mutex))
    return FALSE;
  __tsan_acquire (mutex);
  return TRUE;
}

static inline void
cupel_tsan_mutex_unlock (GMutex *mutex)
{
  __tsan_release (mutex);
  g_mutex_unlock (mutex);
}

static inline void
cupel_tsan_cond_wait (GCond  *cond,
                      GMutex *mutex)
{
  __tsan_release (mutex);
  g_cond_wait (cond, mutex);
  __tsan_acquire (mutex);
}

static inline gboolean
cupel_tsan_cond_wait_until (GCond  *cond,
                            GMutex *mutex,
                            gint64  end_time)
{
  gboolean signalled;

  __tsan_release (mutex);
  signalled = g_cond_wait_until (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return signalled;
}

static inline void
cupel_tsan_async_queue_push (GAsyncQueue *queue,
                             gpointer     data)
{
  __tsan_release (queue);
  g_async_queue_push (queue, data);
}

static inline gpointer
cupel_tsan_async_queue_acquire (GAsyncQueue *queue,
                                gpointer     data)
{
  __tsan_acquire (queue);
  return data;
}

static inline gboolean
cupel_tsan_atomic_ref_count_dec (gatomicrefcount *count)
{
  __tsan_release (count);
  if (!g_atomic_ref_count_dec (count))
    return FALSE;
  __tsan_acquire (count);
  return TRUE;
}

/* Only the functions: their names are members of nothing. */
#define g_mutex_lock(mutex) cupel_tsan_mutex_lock (mutex)
#define g_mutex_trylock(mutex) cupel_tsan_mutex_trylock (mutex)
#define g_mutex_unlock(mutex) cupel_tsan_mutex_unlock (mutex)
#define g_cond_wait(cond, mutex) cupel_tsan_cond_wait (cond, mutex)
#define g_cond_wait_until(cond, mutex, end_time) cupel_tsan_cond_wait_until (cond, mutex, end_time)
#define g_async_queue_push(queue, data) cupel_tsan_async_queue_push (queue, data)
#define g_async_queue_pop(queue) cupel_tsan_async_queue_acquire (queue, g_async_queue_pop (queue))
#define g_async_queue_try_pop(queue) cupel_tsan_async_queue_acquire (queue, g_async_queue_try_pop (queue))
#define g_async_queue_timeout_pop(queue, timeout) cupel_tsan_async_queue_acquire (queue, g_async_queue_timeout_pop (queue, timeout))
#undef g_atomic_ref_count_dec
#define g_atomic_ref_count_dec(count) cupel_tsan_atomic_ref_count_dec (count)
