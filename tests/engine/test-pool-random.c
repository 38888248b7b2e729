/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many borrowers at once do what they like, on every kind of pool and under every kind of trouble: at each step the books must be right, and
 * at the end nothing may be left. One case for each pool and trouble; the seed of the test program repeats it. */

#include "../unit/scale.h"
#include "fake-database.h"

typedef enum
{
  NO_TROUBLE,
  CANCELS,
  CONNECTS_FAIL,
  CONNECTS_TAKE_LONG,
  LINKS_DIE,
  RESETS_FAIL,
  INVALIDATIONS,
  PINGS_FAIL,
  DROPS,
  EVERYTHING,
  N_TROUBLES,
} Trouble;

static const char *const troubles[N_TROUBLES] = {
  "no-trouble", "cancels", "connects-fail", "connects-take-long", "links-die", "resets-fail", "invalidations", "pings-fail", "drops", "everything",
};

typedef struct
{
  const char *pool;
  guint       size;
  int         max_overflow;
  gboolean    lifo;
} Shape;

static const Shape shapes[] = {
  { "queue", 1, 0, FALSE }, { "queue", 1, 1, TRUE }, { "queue", 2, 0, TRUE }, { "queue", 2, 3, FALSE }, { "queue", 5, 10, FALSE },
  { "queue", 5, -1, TRUE }, { "queue", 0, 0, FALSE }, { "static", 1, 0, FALSE }, { "null", 0, -1, FALSE },
};

typedef struct
{
  const Shape *shape;
  Trouble      trouble;
  CupelEngine *engine;
  guint        n_served;
  guint        n_refused;
} Case;

static gboolean
has (Case    *c,
     Trouble  trouble)
{
  return c->trouble == trouble || c->trouble == EVERYTHING;
}

static void
check_books (Case *c)
{
  CupelPool *pool = cupel_engine_get_pool (c->engine);
  g_autoptr(CupelPoolStatus) status = NULL;

  if (pool == NULL)
    return;
  status = cupel_pool_get_status (pool);
  g_assert_cmpuint (status->checked_out + status->idle + status->connecting, <=, status->max_connections);
  if (c->shape->size > 0)
    g_assert_cmpuint (status->idle, <=, c->shape->size);
  /* Nothing that is connected is outside the books. */
  g_assert_cmpuint (fake_figures.n_connected, <=, status->checked_out + status->idle + status->connecting + status->closing);
  g_assert_cmpuint (status->n_checkouts, >=, status->n_checkins);
}

static gboolean
cancel_it (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
borrow_often (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Case *c = data;

  for (guint i = 0; i < scale (12, 5); i++)
    {
      g_autoptr(GCancellable) own = g_cancellable_new ();
      g_autoptr(GError) local = NULL;
      g_autoptr(GSource) timer = NULL;
      g_autoptr(CupelConnection) connection = NULL;

      if (has (c, CANCELS) && g_test_rand_int_range (0, 3) == 0)
        {
          timer = g_timeout_source_new (0);
          g_source_set_ready_time (timer, g_get_monotonic_time () + g_test_rand_int_range (0, 600));
          g_source_set_callback (timer, cancel_it, own, NULL);
          g_source_attach (timer, g_main_context_get_thread_default ());
        }
      connection = cupel_engine_connect (c->engine, own, &local);
      check_books (c);
      if (connection != NULL)
        {
          g_autoptr(CupelText) text = cupel_text_new (has (c, LINKS_DIE) && g_test_rand_int_range (0, 8) == 0 ? "fail" : "one");
          g_autoptr(CupelResult) result = NULL;

          c->n_served++;
          fake_knobs.disconnect = has (c, LINKS_DIE);
          if (g_test_rand_int_range (0, 2) == 0)
            result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, own, NULL);
          cupel_fiber_sleep (g_test_rand_int_range (0, 300), NULL, NULL);
          if (!has (c, DROPS) || g_test_rand_int_range (0, 2) == 0)
            g_assert_true (cupel_connection_close (connection, NULL, NULL));
        }
      else
        {
          c->n_refused++;
          if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
            g_assert_true (has (c, CANCELS));
          else if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION))
            g_assert_true (has (c, CONNECTS_FAIL));
          else
            g_assert_no_error (local);
        }
      if (timer != NULL)
        g_source_destroy (timer);
      check_books (c);
    }

  return TRUE;
}

static gboolean
make_trouble (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Case *c = data;

  for (guint i = 0; i < scale (20, 8); i++)
    {
      CupelPool *pool = cupel_engine_get_pool (c->engine);
      guint die = (guint) g_test_rand_int_range (0, 4);

      cupel_fiber_sleep (g_test_rand_int_range (100, 1000), NULL, NULL);
      if (has (c, CONNECTS_FAIL) && die == 0 && i < 6)
        fake_knobs.fail_connects = 1;
      if (has (c, CONNECTS_TAKE_LONG))
        fake_knobs.connect_delay = die * 400;
      if (has (c, RESETS_FAIL))
        fake_knobs.fail_reset = die == 0;
      if (has (c, PINGS_FAIL))
        fake_knobs.fail_ping = die == 0;
      if (has (c, LINKS_DIE))
        fake_knobs.dead = die == 0;
      if (has (c, INVALIDATIONS) && die == 0 && pool != NULL)
        cupel_pool_invalidate (pool);
      check_books (c);
    }
  fake_knobs.dead = fake_knobs.fail_ping = fake_knobs.fail_reset = FALSE;
  return TRUE;
}

static gboolean
run_case (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  Case *c = data;
  g_autoptr(CupelTaskGroup) group = NULL;
  g_autoptr(CupelPoolStatus) status = NULL;
  g_autoptr(CupelPool) pool = NULL;
  guint n_tasks = scale (16, 6);

  fake_database_reset ();
  c->engine = cupel_engine_new ("fake://", error);
  g_assert_nonnull (c->engine);
  g_object_set (c->engine, "pool-name", c->shape->pool, "pool-size", c->shape->size, "max-overflow", c->shape->max_overflow,
                "pool-lifo", c->shape->lifo, "pool-pre-ping", has (c, PINGS_FAIL), "pool-ping-idle", 0.0, NULL);

  group = cupel_task_group_new (NULL);
  for (guint i = 0; i < n_tasks; i++)
    cupel_task_group_spawn (group, borrow_often, c, NULL);
  cupel_task_group_spawn (group, make_trouble, c, NULL);
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpuint (c->n_served + c->n_refused, ==, n_tasks * scale (12, 5));
  g_assert_cmpuint (c->n_served, >, 0);
  if (c->trouble == NO_TROUBLE)
    g_assert_cmpuint (c->n_refused, ==, 0);

  /* Whatever happened: one more borrower is served. */
  fake_knobs.fail_connects = 0;
  {
    g_autoptr(CupelConnection) last = cupel_engine_connect (c->engine, NULL, error);

    g_assert_nonnull (last);
    g_assert_true (cupel_connection_close (last, NULL, error));
  }

  pool = g_object_ref (cupel_engine_get_pool (c->engine));
  g_assert_true (cupel_engine_drain (c->engine, 60.0, NULL, error));
  status = cupel_pool_get_status (pool);
  g_assert_cmpuint (status->checked_out + status->idle + status->connecting + status->closing + status->waiters, ==, 0);
  g_assert_cmpuint (status->n_checkouts, ==, status->n_checkins);
  g_assert_cmpuint (status->n_connects, ==, fake_figures.n_connects);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  g_assert_finalize_object (c->engine);
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  Case c = *(const Case *) data;
  GError *error = NULL;

  g_assert_true (cupel_run (run_case, &c, NULL, &error));
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    for (guint trouble = 0; trouble < N_TROUBLES; trouble++)
      {
        Case *c = g_new0 (Case, 1);
        g_autofree char *path = g_strdup_printf ("/engine/pool-random/%s-%u-%d-%s/%s", shapes[i].pool, shapes[i].size,
                                                 shapes[i].max_overflow, shapes[i].lifo ? "lifo" : "fifo", troubles[trouble]);

        c->shape = &shapes[i];
        c->trouble = trouble;
        g_test_add_data_func_full (path, c, test_case, g_free);
      }

  return g_test_run ();
}
