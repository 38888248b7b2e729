/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <pthread.h>

/* Whether the caller runs on the stack that its thread was started with. */
static inline gboolean
on_main_stack (void)
{
  pthread_attr_t attr;
  void *base = NULL;
  gsize size = 0;
  char *here = __builtin_frame_address (0);

  g_assert_cmpint (pthread_getattr_np (pthread_self (), &attr), ==, 0);
  g_assert_cmpint (pthread_attr_getstack (&attr, &base, &size), ==, 0);
  pthread_attr_destroy (&attr);

  return here >= (char *) base && here < (char *) base + size;
}
