/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-fork-private.h"

#include <pthread.h>

static guint generation;

static void
note_fork (void)
{
  generation++;
}

guint
cupel_fork_get_generation (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      pthread_atfork (NULL, NULL, note_fork);
      g_once_init_leave (&once, 1);
    }
  return generation;
}
