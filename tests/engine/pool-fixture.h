/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "client.h"
#include "fake-database.h"

/* Engines on the fake database, and what their pools are used for. */

static inline CupelEngine *
new_engine (const char *first_property,
            ...)
{
  GError *error = NULL;
  CupelEngine *engine;
  va_list args;

  fake_database_reset ();
  engine = cupel_engine_new ("fake://", &error);
  g_assert_no_error (error);
  va_start (args, first_property);
  if (first_property != NULL)
    g_object_set_valist (G_OBJECT (engine), first_property, args);
  va_end (args);
  return engine;
}

static inline void
end_engine (CupelEngine *engine)
{
  GError *error = NULL;
  g_autoptr(CupelPool) pool = g_object_ref (cupel_engine_get_pool (engine));

  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  g_assert_true (cupel_engine_dispose (engine, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  g_assert_cmpuint (cupel_pool_get_checked_in (pool), ==, 0);
  g_assert_finalize_object (engine);
}

static inline void
in_fiber (gconstpointer func)
{
  GError *error = NULL;

  cupel_run ((CupelRunFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* What says good-bye does so in the background. */
static inline void
wait_for_closing (CupelPool *pool)
{
  for (guint i = 0; i < 30000; i++)
    {
      g_autoptr(CupelPoolStatus) status = cupel_pool_get_status (pool);

      if (status->closing == 0)
        return;
      cupel_fiber_sleep (1000, NULL, NULL);
    }
  g_assert_not_reached ();
}
