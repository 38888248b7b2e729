/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "../unit/scale.h"
#include "pool-fixture.h"

/* One task: borrow, work, give back; it notes when its turn came. */
typedef struct
{
  CupelEngine *engine;
  guint        number;
  GArray      *order;
  guint64      hold;
  guint       *failures;
  guint        crowd;       /* keep what was got until so many have got one */
} Task;

static gboolean
run_task (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  Task *task = data;
  g_autoptr(GError) local = NULL;
  CupelConnection *connection = cupel_engine_connect (task->engine, cancellable, &local);

  if (connection == NULL)
    {
      if (task->failures != NULL)
        (*task->failures)++;
      return TRUE;
    }
  if (task->order != NULL)
    g_array_append_val (task->order, task->number);
  for (guint i = 0; i < 30000 && task->crowd > 0 && task->order->len < task->crowd; i++)
    cupel_fiber_sleep (1000, NULL, NULL);
  cupel_fiber_sleep (task->hold, NULL, NULL);
  give_back (connection);
  return TRUE;
}

static void
spawn_in_crowd (CupelTaskGroup *group,
                CupelEngine    *engine,
                guint           number,
                guint64         hold,
                GArray         *order,
                guint          *failures,
                guint           crowd)
{
  Task *task = g_new0 (Task, 1);

  task->engine = engine;
  task->number = number;
  task->hold = hold;
  task->order = order;
  task->failures = failures;
  task->crowd = crowd;
  cupel_task_group_spawn (group, run_task, task, g_free);
}

static void
spawn (CupelTaskGroup *group,
       CupelEngine    *engine,
       guint           number,
       guint64         hold,
       GArray         *order,
       guint          *failures)
{
  spawn_in_crowd (group, engine, number, hold, order, failures, 0);
}

static gboolean
test_gather (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelEngine *engine = new_engine (NULL);
  g_autoptr(GArray) order = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr(CupelTaskGroup) group = NULL;
  CupelPool *pool;

  give_back (borrow (engine));
  give_back (borrow (engine));
  pool = cupel_engine_get_pool (engine);
  g_assert_cmpuint (cupel_pool_get_n_connects (pool), ==, 1);

  group = cupel_task_group_new (NULL);
  for (guint i = 0; i < 30; i++)
    spawn_in_crowd (group, engine, i, 2000, order, NULL, 15);
  g_assert_true (cupel_task_group_join (group, error));

  g_assert_cmpuint (cupel_pool_get_peak_checked_out (pool), ==, 15);
  g_assert_cmpuint (cupel_pool_get_n_connects (pool), ==, 15);
  g_assert_cmpuint (cupel_pool_get_n_checkouts (pool), ==, 32);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  wait_for_closing (pool);
  /* The overflow is gone. */
  g_assert_cmpuint (cupel_pool_get_checked_in (pool), ==, 5);
  g_assert_cmpuint (fake_figures.n_connected, ==, 5);
  /* first come, first served */
  g_assert_cmpuint (order->len, ==, 30);
  for (guint i = 15; i < 30; i++)
    g_assert_cmpuint (g_array_index (order, guint, i), ==, i);
  end_engine (engine);
  return TRUE;
}

static gboolean
test_timeout (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 1, "max-overflow", 1, "pool-timeout", 0.02, NULL);
  CupelConnection *one = borrow (engine);
  CupelConnection *two = borrow (engine);
  GError *local = NULL;

  g_assert_null (cupel_engine_connect (engine, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT);
  g_assert_nonnull (strstr (local->message, "it would wait for itself. 2 are lent"));
  g_clear_error (&local);
  give_back (one);
  give_back (borrow (engine));
  give_back (two);
  end_engine (engine);
  return TRUE;
}

/* A waiter that is cancelled in the very moment in which it is served must not take the connection with it. */
typedef struct
{
  CupelEngine  *engine;
  GCancellable *cancellable;
} Racer;

static gboolean
run_racer (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Racer *racer = data;
  CupelConnection *connection = cupel_engine_connect (racer->engine, racer->cancellable, NULL);

  if (connection != NULL)
    give_back (connection);
  return TRUE;
}

static gboolean
test_cancel_when_served (gpointer       data,
                         GCancellable  *cancellable,
                         GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 1, "max-overflow", 0, NULL);

  for (guint i = 0; i < scale (100000, 1000); i++)
    {
      CupelConnection *connection = borrow (engine);
      g_autoptr(GCancellable) cancel = g_cancellable_new ();
      g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
      Racer racer = { engine, cancel };
      Racer patient = { engine, NULL };

      cupel_task_group_spawn (group, run_racer, &racer, NULL);
      cupel_task_group_spawn (group, run_racer, &patient, NULL);
      cupel_fiber_yield ();
      if (i % 2 == 0)
        {
          g_cancellable_cancel (cancel);
          give_back (connection);
        }
      else
        {
          give_back (connection);
          g_cancellable_cancel (cancel);
        }
      g_assert_true (cupel_task_group_join (group, error));
      g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)), ==, 0);
    }
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  end_engine (engine);
  return TRUE;
}

static gboolean
test_connect_failures (gpointer       data,
                       GCancellable  *cancellable,
                       GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 1, "max-overflow", 1, NULL);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  guint failures = 0;

  fake_knobs.fail_connects = 3;
  fake_knobs.connect_delay = 300 * 1000;     /* by then all of them wait */
  for (guint i = 0; i < 6; i++)
    spawn (group, engine, i, 1000, NULL, &failures);
  g_assert_true (cupel_task_group_join (group, error));
  /* A failure is that of all who wait for it, and eats no place. */
  g_assert_cmpuint (failures, ==, 6);
  g_clear_pointer (&group, cupel_task_group_free);
  group = cupel_task_group_new (NULL);
  fake_knobs.fail_connects = 0;
  fake_knobs.connect_delay = 0;
  for (guint i = 0; i < 6; i++)
    spawn (group, engine, i, 1000, NULL, NULL);
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpuint (cupel_pool_get_n_checkouts (cupel_engine_get_pool (engine)), ==, 6);
  end_engine (engine);
  return TRUE;
}

static gboolean
test_recycle (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelEngine *engine = new_engine ("pool-recycle", 600.0, NULL);

  give_back (borrow (engine));
  give_back (borrow (engine));
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  end_engine (engine);

  engine = new_engine ("pool-recycle", 0.01, NULL);
  give_back (borrow (engine));
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  cupel_fiber_sleep (15 * 1000, NULL, NULL);
  give_back (borrow (engine));
  g_assert_cmpuint (fake_figures.n_connects, ==, 2);
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);
  end_engine (engine);
  return TRUE;
}

static gboolean
test_pre_ping (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelEngine *engine = new_engine ("pool-pre-ping", TRUE, "pool-ping-idle", 0.0, NULL);
  g_autofree char *log = NULL;

  give_back (borrow (engine));
  give_back (borrow (engine));
  log = fake_database_take_log ();
  g_assert_cmpstr (log, ==, "ping");
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  fake_knobs.fail_ping = TRUE;
  give_back (borrow (engine));
  g_assert_cmpuint (fake_figures.n_connects, ==, 2);
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);

  /* A link that is known to be dead needs no ping. */
  fake_knobs.fail_ping = FALSE;
  fake_knobs.dead = TRUE;
  fake_database_forget_log ();
  {
    CupelConnection *connection = borrow (engine);
    g_autofree char *quiet = fake_database_take_log ();

    g_assert_cmpstr (quiet, ==, "");
    g_assert_cmpuint (fake_figures.n_connects, ==, 3);
    give_back (connection);
  }
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  end_engine (engine);
  return TRUE;
}

static gboolean
test_order (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  for (guint lifo = 0; lifo < 2; lifo++)
    {
      CupelEngine *engine = new_engine ("pool-lifo", lifo, NULL);
      CupelConnection *a = borrow (engine);
      CupelDriverConnection *first = fake_database_last ();
      CupelConnection *b = borrow (engine);
      CupelDriverConnection *second = fake_database_last ();
      CupelPool *pool = cupel_engine_get_pool (engine);
      CupelDriverConnection *got;

      g_assert_true (first != second);
      give_back (a);
      give_back (b);
      got = cupel_pool_checkout (pool, NULL, NULL, error);
      g_assert_true (got == (lifo ? second : first));
      cupel_pool_release (pool, got);
      end_engine (engine);
    }
  return TRUE;
}

static gboolean
test_reset_failure (gpointer       data,
                    GCancellable  *cancellable,
                    GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 1, "max-overflow", 0, NULL);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  CupelConnection *connection = borrow (engine);
  guint failures = 0;

  execute (connection, "one");
  fake_knobs.fail_reset = TRUE;
  fake_knobs.reset_delay = 5000;
  spawn (group, engine, 0, 0, NULL, &failures);
  cupel_fiber_yield ();
  give_back (connection);
  /* The one that waited got the place, not the broken connection. */
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpuint (failures, ==, 0);
  g_assert_cmpuint (fake_figures.n_connects, ==, 2);
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);
  end_engine (engine);
  return TRUE;
}

static gboolean
test_dispose (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelEngine *engine = new_engine (NULL);
  CupelConnection *lent = borrow (engine);
  CupelConnection *other = borrow (engine);
  CupelConnection *fresh;

  give_back (other);
  g_assert_cmpuint (fake_figures.n_connected, ==, 2);
  fake_database_forget_log ();
  g_assert_true (cupel_engine_dispose (engine, NULL, error));
  g_assert_null (cupel_engine_get_pool (engine));
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);

  /* The lent one still works, and is closed when it comes back. */
  execute (lent, "one");
  fresh = borrow (engine);
  g_assert_cmpuint (fake_figures.n_connected, ==, 2);
  give_back (lent);
  for (guint i = 0; i < 30000 && fake_figures.n_connected > 1; i++)
    cupel_fiber_sleep (1000, NULL, NULL);
  {
    g_autofree char *log = fake_database_take_log ();

    g_assert_cmpstr (log, ==, "close; BEGIN; one; close");
  }
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);
  give_back (fresh);
  end_engine (engine);
  return TRUE;
}

static gboolean
borrow_once (gpointer       engine,
             GCancellable  *cancellable,
             GError       **error)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, cancellable, error);

  return connection != NULL && cupel_connection_close (connection, NULL, error);
}

static gboolean
test_static (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelEngine *engine = new_engine ("pool-name", "static", "pool-timeout", 0.02, NULL);
  g_autoptr(GArray) order = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelTaskGroup) other = NULL;
  CupelConnection *connection = borrow (engine);
  GError *local = NULL;

  g_assert_null (cupel_engine_connect (engine, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT);
  g_assert_nonnull (strstr (local->message, "share the one connection"));
  g_assert_null (strstr (local->message, "pool-size"));
  g_clear_error (&local);
  other = cupel_task_group_new (NULL);
  cupel_task_group_spawn (other, borrow_once, engine, NULL);
  g_assert_false (cupel_task_group_join (other, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT);
  g_assert_nonnull (strstr (local->message, "The one connection that all share"));
  g_assert_null (strstr (local->message, "pool-size"));
  g_clear_error (&local);
  give_back (connection);
  end_engine (engine);

  engine = new_engine ("pool-name", "static", NULL);
  for (guint i = 0; i < 10; i++)
    spawn (group, engine, i, 0, order, NULL);
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpuint (order->len, ==, 10);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (g_array_index (order, guint, i), ==, i);
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  g_assert_cmpuint (cupel_pool_get_peak_checked_out (cupel_engine_get_pool (engine)), ==, 1);
  end_engine (engine);

  /* A size that it cannot have is not forgotten in silence. */
  engine = new_engine ("pool-name", "static", "pool-size", 5, NULL);
  g_assert_null (cupel_engine_connect (engine, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (local->message, "pool-size"));
  g_clear_error (&local);
  g_object_unref (engine);
  engine = new_engine ("pool-name", "static", "pool-size", 1, NULL);
  give_back (borrow (engine));
  end_engine (engine);
  return TRUE;
}

static gboolean
test_null (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  CupelEngine *engine = new_engine ("pool-name", "null", NULL);

  give_back (borrow (engine));
  wait_for_closing (cupel_engine_get_pool (engine));
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  give_back (borrow (engine));
  g_assert_cmpuint (fake_figures.n_connects, ==, 2);
  end_engine (engine);

  engine = new_engine ("pool-name", "no-such-pool", NULL);
  {
    GError *local = NULL;

    assert_refused (cupel_engine_connect (engine, NULL, &local), local, CUPEL_ERROR_PLUGIN_NOT_FOUND);
  }
  g_object_unref (engine);
  return TRUE;
}

/* A burst: it is served by what there is, while new connections are still being made. */
static gboolean
test_spike (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 5, "max-overflow", 45, NULL);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelPoolStatus) status = NULL;
  CupelConnection *connections[5];
  gint64 begin;

  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    connections[i] = borrow (engine);
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    give_back (connections[i]);
  g_assert_cmpuint (fake_figures.n_connects, ==, 5);
  fake_knobs.connect_delay = 60 * G_USEC_PER_SEC;
  begin = g_get_monotonic_time ();
  for (guint i = 0; i < 50; i++)
    spawn (group, engine, i, 2000, NULL, NULL);
  g_assert_true (cupel_task_group_join (group, error));
  /* Nobody waited for a new connection. */
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (40));
  status = cupel_pool_get_status (cupel_engine_get_pool (engine));
  g_assert_cmpuint (status->n_connects + status->connecting, <=, 10);
  end_engine (engine);
  return TRUE;
}

/* A server that is down is asked ten times in a second at most, and nobody waits long when it is back. */
static gboolean
test_down_and_up (gpointer       data,
                  GCancellable  *cancellable,
                  GError       **error)
{
  CupelEngine *engine = new_engine (NULL);
  gint64 begin = g_get_monotonic_time ();
  g_autoptr(CupelPoolStatus) status = NULL;
  guint failures = 0;

  fake_knobs.fail_connects = G_MAXUINT;
  while (g_get_monotonic_time () - begin < G_USEC_PER_SEC)
    {
      g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);

      for (guint i = 0; i < 50; i++)
        spawn (group, engine, i, 0, NULL, &failures);
      g_assert_true (cupel_task_group_join (group, error));
    }
  status = cupel_pool_get_status (cupel_engine_get_pool (engine));
  g_assert_cmpuint (status->n_connect_failures, <=, 5 + (g_get_monotonic_time () - begin) / 100000 + 1);
  g_assert_cmpuint (failures, >=, 50);
  g_assert_cmpuint (status->connecting, ==, 0);
  fake_knobs.fail_connects = 0;
  begin = g_get_monotonic_time ();
  give_back (borrow (engine));
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (200));
  end_engine (engine);
  return TRUE;
}

static gboolean
test_reset_on_return (gpointer       data,
                      GCancellable  *cancellable,
                      GError       **error)
{
  /* of a transaction that is open, and of one that is over */
  static const char *const heard[][2] = {
    { "BEGIN; one; reset", "BEGIN; one; COMMIT" },
    { "BEGIN; one; COMMIT; reset", "BEGIN; one; COMMIT" },
    { "BEGIN; one", "BEGIN; one; COMMIT" },
    { "BEGIN; one; reset", "BEGIN; one; COMMIT; reset" },
  };

  for (guint mode = 0; mode < G_N_ELEMENTS (heard); mode++)
    for (guint over = 0; over < 2; over++)
      {
        CupelEngine *engine = new_engine ("pool-reset-on-return", mode, NULL);
        CupelConnection *connection = borrow (engine);
        guint n_left = mode == CUPEL_POOL_RESET_NONE && !over ? 0 : 1;
        g_autofree char *log = NULL;

        execute (connection, "one");
        if (over)
          g_assert_true (cupel_connection_commit (connection, NULL, NULL));
        give_back (connection);
        log = fake_database_take_log ();
        g_assert_cmpstr (log, ==, heard[mode][over]);
        g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)), ==, n_left);
        end_engine (engine);
      }
  return TRUE;
}

static gboolean
test_assertion (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  CupelEngine *engine = new_engine ("pool-name", "assertion", NULL);
  CupelConnection *connection = cupel_engine_connect_at (engine, "here.c:1", NULL, error);
  GError *local = NULL;

  g_assert_nonnull (connection);
  g_assert_null (cupel_engine_connect (engine, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_assert_nonnull (strstr (local->message, "by here.c:1"));
  g_clear_error (&local);
  give_back (connection);
  give_back (borrow (engine));
  end_engine (engine);
  return TRUE;
}

static gboolean
test_drain (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  CupelEngine *engine = new_engine (NULL);
  CupelConnection *connection = cupel_engine_connect_at (engine, "leak.c:7", NULL, error);
  GError *local = NULL;

  g_assert_false (cupel_engine_drain (engine, 0.02, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (local->message, "by leak.c:7"));
  g_clear_error (&local);
  give_back (connection);
  give_back (borrow (engine));
  g_assert_true (cupel_engine_drain (engine, 60.0, NULL, error));
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  g_assert_finalize_object (engine);
  return TRUE;
}

/* First come, first served, however many they are. */
static gboolean
test_fairness (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 10, "max-overflow", 0, NULL);
  g_autoptr(GArray) order = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  guint n = scale (1000, 200);

  for (guint i = 0; i < n; i++)
    spawn_in_crowd (group, engine, i, 1000, order, NULL, 10);
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpuint (order->len, ==, n);
  for (guint i = 10; i < n; i++)
    g_assert_cmpuint (g_array_index (order, guint, i), ==, i);
  end_engine (engine);
  return TRUE;
}

/* No main loop, no fiber: programs that block. */
static void
test_blocking (void)
{
  CupelEngine *engine = new_engine (NULL);

  for (guint i = 0; i < 3; i++)
    {
      CupelConnection *connection = borrow (engine);

      execute (connection, "one");
      give_back (connection);
    }
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  end_engine (engine);
}

/* An engine that is dropped without being disposed of. */
static void
test_dropped (void)
{
  CupelEngine *engine = new_engine (NULL);
  CupelConnection *connection = borrow (engine);

  g_object_unref (connection);
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);
  g_assert_finalize_object (engine);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
}

#define ADD(path, func) g_test_add_data_func ("/engine/pool/" path, func, in_fiber)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("gather", test_gather);
  ADD ("timeout", test_timeout);
  ADD ("cancel-when-served", test_cancel_when_served);
  ADD ("connect-failures", test_connect_failures);
  ADD ("recycle", test_recycle);
  ADD ("pre-ping", test_pre_ping);
  ADD ("order", test_order);
  ADD ("reset-failure", test_reset_failure);
  ADD ("dispose", test_dispose);
  ADD ("static", test_static);
  ADD ("null", test_null);
  ADD ("spike", test_spike);
  ADD ("fairness", test_fairness);
  ADD ("down-and-up", test_down_and_up);
  ADD ("reset-on-return", test_reset_on_return);
  ADD ("assertion", test_assertion);
  ADD ("drain", test_drain);
  g_test_add_func ("/engine/pool/blocking", test_blocking);
  g_test_add_func ("/engine/pool/dropped", test_dropped);

  return g_test_run ();
}
