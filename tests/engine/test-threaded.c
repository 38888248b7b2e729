/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

#include "../unit/scale.h"

#define TEST_TYPE_WORKER (test_worker_get_type ())
G_DECLARE_FINAL_TYPE (TestWorker, test_worker, TEST, WORKER, CupelThreadedConnection)

struct _TestWorker
{
  CupelThreadedConnection parent_instance;
  int                     interrupted;   /* atomic */
  int                     n_jobs;        /* atomic */
};

G_DEFINE_FINAL_TYPE (TestWorker, test_worker, CUPEL_TYPE_THREADED_CONNECTION)

static int n_freed;       /* atomic */
static int n_finalized;   /* atomic */

static void
test_worker_interrupt (CupelThreadedConnection *connection)
{
  g_atomic_int_set (&TEST_WORKER (connection)->interrupted, 1);
}

static void
test_worker_finalize (GObject *object)
{
  g_atomic_int_inc (&n_finalized);
  G_OBJECT_CLASS (test_worker_parent_class)->finalize (object);
}

static void
test_worker_class_init (TestWorkerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_worker_finalize;
  CUPEL_THREADED_CONNECTION_CLASS (klass)->interrupt = test_worker_interrupt;
}

static void
test_worker_init (TestWorker *self)
{
}

typedef struct
{
  gboolean fail;
  guint    sleep;         /* ms, interruptible */
  gboolean late;          /* begins to work when it is interrupted, and succeeds */
  int     *gate;          /* atomic: not interruptible until it is 1 */
  GThread *thread;        /* atomic */
  int      result;
} Job;

static void
job_free (gpointer job)
{
  g_atomic_int_inc (&n_freed);
  g_free (job);
}

static gboolean
work (CupelThreadedConnection  *connection,
      gpointer                  data,
      GError                  **error)
{
  TestWorker *self = TEST_WORKER (connection);
  Job *job = data;

  g_atomic_int_set (&self->interrupted, 0);
  g_atomic_pointer_set (&job->thread, g_thread_self ());
  while (job->late && !g_atomic_int_get (&self->interrupted))
    g_usleep (1000);
  while (job->gate != NULL && !g_atomic_int_get (job->gate))
    g_usleep (1000);
  for (guint i = 0; i < job->sleep; i++)
    {
      g_usleep (1000);
      if (g_atomic_int_get (&self->interrupted))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "interrupted");
          return FALSE;
        }
    }
  if (job->fail)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "as told");
      return FALSE;
    }
  job->result = 42;
  g_atomic_int_inc (&self->n_jobs);
  return TRUE;
}

static void
in_fiber (gconstpointer func)
{
  GError *error = NULL;

  g_atomic_int_set (&n_freed, 0);
  g_atomic_int_set (&n_finalized, 0);
  cupel_run ((CupelRunFunc) func, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
wait_for (int *atomic,
          int  value)
{
  for (guint i = 0; i < 30000 && g_atomic_int_get (atomic) != value; i++)
    g_usleep (1000);
  g_assert_cmpint (g_atomic_int_get (atomic), ==, value);
}

static void
end_worker (TestWorker *worker)
{
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (worker);

  cupel_threaded_connection_shut_down (connection, NULL, NULL, NULL);
  cupel_threaded_connection_shut_down (connection, NULL, NULL, NULL);
  g_object_unref (worker);
  wait_for (&n_finalized, 1);
}

static gboolean
test_run (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  TestWorker *worker = g_object_new (TEST_TYPE_WORKER, NULL);
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (worker);
  GThread *thread = NULL;
  GError *local = NULL;

  for (guint i = 0; i < 1000; i++)
    {
      Job job = { .fail = i % 10 == 9 };
      gboolean abandoned = TRUE;
      gboolean success = cupel_threaded_connection_run (connection, work, &job, NULL, &abandoned, -1, NULL, &local);

      g_assert_false (abandoned);
      if (job.fail)
        {
          g_assert_false (success);
          g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DATA);
          g_clear_error (&local);
        }
      else
        {
          g_assert_true (success);
          g_assert_cmpint (job.result, ==, 42);
        }
      g_assert_true (job.thread != g_thread_self ());
      g_assert_true (thread == NULL || thread == job.thread);
      thread = job.thread;
    }
  g_assert_cmpint (worker->n_jobs, ==, 900);
  end_worker (worker);
  return TRUE;
}

typedef struct
{
  Job          *job;
  GCancellable *cancellable;
} Cancel;

static void
cancel_begun (gpointer data)
{
  Cancel *cancel = data;

  while (g_atomic_pointer_get (&cancel->job->thread) == NULL)
    cupel_fiber_sleep (1000, NULL, NULL);
  g_cancellable_cancel (cancel->cancellable);
}

static gboolean
test_cancel (gpointer       data,
             GCancellable  *unused,
             GError       **error)
{
  TestWorker *worker = g_object_new (TEST_TYPE_WORKER, NULL);
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (worker);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Job job = { .sleep = 60 * 1000 };
  Cancel cancel = { &job, cancellable };
  gint64 start = g_get_monotonic_time ();
  gboolean abandoned;
  GError *local = NULL;

  /* a deadline */
  g_assert_false (cupel_threaded_connection_run (connection, work, &job, NULL, &abandoned, start + 20 * 1000, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_clear_error (&local);
  g_assert_false (abandoned);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (20));
  g_assert_false (cupel_threaded_connection_is_given_up (connection));

  /* too late: what was done is done */
  job = (Job) { .late = TRUE };
  cupel_fiber_spawn (NULL, cancel_begun, &cancel, NULL);
  g_assert_true (cupel_threaded_connection_run (connection, work, &job, NULL, &abandoned, -1, cancellable, error));
  g_assert_cmpint (job.result, ==, 42);

  /* before the start: nothing runs */
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  job = (Job) { 0 };
  g_assert_false (cupel_threaded_connection_run (connection, work, &job, NULL, &abandoned, -1, cancellable, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&local);
  g_assert_null (job.thread);

  /* usable after all that */
  g_assert_true (cupel_threaded_connection_run (connection, work, &job, NULL, &abandoned, -1, NULL, error));
  end_worker (worker);
  return TRUE;
}

static gboolean
test_abandon (gpointer       data,
              GCancellable  *unused,
              GError       **error)
{
  TestWorker *worker = g_object_new (TEST_TYPE_WORKER, NULL);
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (worker);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Job *job = g_new0 (Job, 1);
  Cancel cancel = { job, cancellable };
  gint64 start = g_get_monotonic_time ();
  int gate = 0;
  gboolean abandoned = FALSE;
  GError *local = NULL;

  job->gate = &gate;
  cupel_fiber_spawn (NULL, cancel_begun, &cancel, NULL);
  g_assert_false (cupel_threaded_connection_run (connection, work, job, job_free, &abandoned, -1, cancellable, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&local);
  g_assert_true (abandoned);
  g_assert_true (cupel_threaded_connection_is_given_up (connection));
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1010));
  g_assert_cmpint (g_atomic_int_get (&n_freed), ==, 0);

  {
    Job other = { 0 };

    g_assert_false (cupel_threaded_connection_run (connection, work, &other, NULL, &abandoned, -1, NULL, &local));
    g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
    g_clear_error (&local);
    g_assert_false (abandoned);
  }
  g_atomic_int_set (&gate, 1);
  end_worker (worker);
  g_assert_cmpint (g_atomic_int_get (&n_freed), ==, 1);
  return TRUE;
}

typedef struct
{
  CupelThreadedConnection *connection;
  Job                      job;
  gboolean                 success;
  GError                  *error;
} Runner;

static gboolean
run_runner (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Runner *runner = data;

  runner->success = cupel_threaded_connection_run (runner->connection, work, &runner->job, NULL, NULL, -1, NULL, &runner->error);
  return TRUE;
}

/* While one job runs and another waits. */
static gboolean
test_shut_down (gpointer       data,
                GCancellable  *unused,
                GError       **error)
{
  TestWorker *worker = g_object_new (TEST_TYPE_WORKER, NULL);
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (worker);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  Runner running = { .connection = connection, .job = { .sleep = 60 * 1000 } };
  Runner waiting = { .connection = connection };
  Job *last = g_new0 (Job, 1);
  gint64 start = g_get_monotonic_time ();
  GError *local = NULL;

  cupel_task_group_spawn (group, run_runner, &running, NULL);
  cupel_task_group_spawn (group, run_runner, &waiting, NULL);
  while (g_atomic_pointer_get (&running.job.thread) == NULL)
    cupel_fiber_sleep (1000, NULL, NULL);
  cupel_fiber_sleep (1000, NULL, NULL);
  cupel_threaded_connection_shut_down (connection, work, last, job_free);
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (20));
  g_assert_false (running.success);
  g_assert_error (running.error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&running.error);
  g_assert_false (waiting.success);
  g_assert_error (waiting.error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&waiting.error);
  g_assert_null (waiting.job.thread);

  {
    Job late = { 0 };

    g_assert_false (cupel_threaded_connection_run (connection, work, &late, NULL, NULL, -1, NULL, &local));
    g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
    g_clear_error (&local);
  }
  wait_for (&n_freed, 1);
  end_worker (worker);
  return TRUE;
}

/* One that never ran anything. */
static gboolean
test_unused (gpointer       data,
             GCancellable  *unused,
             GError       **error)
{
  TestWorker *worker = g_object_new (TEST_TYPE_WORKER, NULL);
  Job *last = g_new0 (Job, 1);

  cupel_threaded_connection_shut_down (CUPEL_THREADED_CONNECTION (worker), work, last, job_free);
  wait_for (&n_freed, 1);
  g_object_unref (worker);
  wait_for (&n_finalized, 1);
  return TRUE;
}

static gboolean
test_race (gpointer       data,
           GCancellable  *unused,
           GError       **error)
{
  TestWorker *worker = g_object_new (TEST_TYPE_WORKER, NULL);
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (worker);

  /* The deadline falls into the end of the job, again and again. */
  for (guint i = 0; i < 300; i++)
    {
      Job job = { .sleep = 1 };
      GError *local = NULL;
      gboolean abandoned;

      if (!cupel_threaded_connection_run (connection, work, &job, NULL, &abandoned,
                                          g_get_monotonic_time () + 900 + (i % 40) * 10, NULL, &local))
        {
          g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
          g_clear_error (&local);
        }
      g_assert_false (abandoned);
    }
  end_worker (worker);
  return TRUE;
}

#define ADD(path, func) g_test_add_data_func ("/engine/threaded/" path, func, in_fiber)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("run", test_run);
  ADD ("cancel", test_cancel);
  ADD ("abandon", test_abandon);
  ADD ("shut-down", test_shut_down);
  ADD ("unused", test_unused);
  ADD ("race", test_race);

  return g_test_run ();
}
