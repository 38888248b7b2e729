/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <string.h>

#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
# define SCALE_SLOW_BUILD 1
#elif defined (__has_feature)
# if __has_feature (address_sanitizer) || __has_feature (thread_sanitizer)
#  define SCALE_SLOW_BUILD 1
# endif
#endif

/* Under valgrind and the sanitizers everything is slower, and ThreadSanitizer has room for 8000 fibers. */
static inline gboolean
scale_is_slow (void)
{
#ifdef SCALE_SLOW_BUILD
  return TRUE;
#else
  const char *preload = g_getenv ("LD_PRELOAD");

  return preload != NULL && strstr (preload, "vgpreload") != NULL;
#endif
}

/* A number for an ordinary build, and one for a slow one. */
static inline guint
scale (guint ordinary,
       guint slow)
{
  return scale_is_slow () ? slow : ordinary;
}

/* What should be over after @milliseconds is so after this many microseconds at the latest, also when nothing else than other work ran
 * for seconds. It tells a wait that ends from one that does not, so what it is not to be taken for must last a minute or more. */
static inline gint64
scale_bound (gint64 milliseconds)
{
  return milliseconds * 1000 + scale (5, 30) * G_USEC_PER_SEC;
}
