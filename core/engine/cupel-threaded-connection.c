/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-threaded-connection.h"

#include "runtime/cupel-spin-private.h"

/* How long an interrupted job may take to come back before the connection is given up. */
#define GRACE_PERIOD G_USEC_PER_SEC

typedef enum
{
  JOB_QUEUED,
  JOB_RUNNING,
  JOB_DONE,
} JobState;

/* Shared by the fiber that waits and the worker, which may outlast the wait. */
typedef struct
{
  GList            link;
  gatomicrefcount  ref_count;
  CupelCompletion *done;

  CupelJobFunc     func;
  gpointer         data;
  GDestroyNotify   free_data;

  /* under the lock */
  JobState         state;
  gboolean         abandoned;

  /* the worker's until DONE, then the waiter's */
  gboolean         success;
  GError          *error;
} Job;

typedef struct
{
  GMutex   lock;
  GCond    cond;
  GQueue   queue;         /* of Job.link; each holds the worker's reference */
  int      n_queued;      /* written under the lock, read without */
  gboolean asleep;        /* the worker is, until someone signals */
  gint64   took;          /* the job before */
  CupelSpin spin;         /* the waiter's side only */
  Job     *running;
  Job     *last;
  Job     *spare;         /* the waiter's side only: saves an allocation and a completion per hop */
  gboolean started;
  gboolean shut_down;
  int      given_up;      /* atomic: written under the lock, read without */
  gint64   grace;         /* what an interrupted job gets to come back */
  gboolean here;          /* a job runs on the thread of its caller: the worker keeps off */
} CupelThreadedConnectionPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (CupelThreadedConnection, cupel_threaded_connection, CUPEL_TYPE_DRIVER_CONNECTION)

static Job *
job_new (void)
{
  Job *job = g_new0 (Job, 1);

  g_atomic_ref_count_init (&job->ref_count);
  job->link.data = job;
  job->done = cupel_completion_new ();

  return job;
}

static void
job_unref (Job *job)
{
  if (!g_atomic_ref_count_dec (&job->ref_count))
    return;

  g_clear_error (&job->error);
  cupel_completion_unref (job->done);
  g_free (job);
}

static void
job_free_data (Job *job)
{
  if (job->free_data != NULL && job->data != NULL)
    job->free_data (job->data);
  job->data = NULL;
}

static void
push_job_locked (CupelThreadedConnectionPrivate *priv,
                 Job                            *job)
{
  g_queue_push_tail_link (&priv->queue, &job->link);
  g_atomic_int_inc (&priv->n_queued);
}

static Job *
pop_job_locked (CupelThreadedConnectionPrivate *priv)
{
  GList *link = g_queue_pop_head_link (&priv->queue);

  if (link == NULL)
    return NULL;
  g_atomic_int_add (&priv->n_queued, -1);
  return link->data;
}

/* Lets go of the lock before it signals, or the worker would wake up to wait for that. */
static void
unlock_and_signal (CupelThreadedConnectionPrivate *priv)
{
  const gboolean asleep = priv->asleep;

  g_mutex_unlock (&priv->lock);
  if (asleep)
    g_cond_signal (&priv->cond);
}

/* The worker's reference ends here. */
static void
run_job (CupelThreadedConnection *self,
         Job                     *job,
         gint64                   began)
{
  CupelThreadedConnectionPrivate *priv = cupel_threaded_connection_get_instance_private (self);
  gboolean abandoned;

  job->success = job->func == NULL || job->func (self, job->data, &job->error);

  g_mutex_lock (&priv->lock);
  job->state = JOB_DONE;
  priv->running = NULL;
  priv->took = g_get_monotonic_time () - began;
  abandoned = job->abandoned;
  g_mutex_unlock (&priv->lock);

  if (abandoned)
    job_free_data (job);
  else
    cupel_completion_complete (job->done);

  job_unref (job);
}

static gpointer
worker_main (gpointer data)
{
  CupelThreadedConnection *self = data;
  CupelThreadedConnectionPrivate *priv = cupel_threaded_connection_get_instance_private (self);
  gint64 ended = g_get_monotonic_time ();
  gboolean eager = FALSE;
  CupelSpin spin = { 0 };
  Job *last = NULL;

  for (;;)
    {
      gint64 began;
      Job *job = NULL;

      if (eager && cupel_spin_may (&spin))
        cupel_spin_for_int (&spin, &priv->n_queued);
      g_mutex_lock (&priv->lock);
      while (priv->here || (priv->queue.head == NULL && !priv->shut_down))
        {
          priv->asleep = TRUE;
          g_cond_wait (&priv->cond, &priv->lock);
          priv->asleep = FALSE;
        }
      if (priv->queue.head != NULL)
        {
          job = pop_job_locked (priv);
          job->state = JOB_RUNNING;
          priv->running = job;
        }
      else
        {
          last = g_steal_pointer (&priv->last);
        }
      g_mutex_unlock (&priv->lock);

      if (job == NULL)
        break;
      began = g_get_monotonic_time ();
      /* Jobs that come one upon the other: the next one may, too. */
      eager = began - ended <= CUPEL_SPIN_TIME;
      run_job (self, job, began);
      ended = g_get_monotonic_time ();
    }

  if (last != NULL)
    {
      last->abandoned = TRUE;
      run_job (self, last, g_get_monotonic_time ());
    }

  /* This may finalize the instance, here on its own thread: nothing joins it. */
  g_object_unref (self);
  return NULL;
}

static gboolean
start_worker_locked (CupelThreadedConnection  *self,
                     GError                  **error)
{
  CupelThreadedConnectionPrivate *priv = cupel_threaded_connection_get_instance_private (self);
  g_autoptr(GError) local = NULL;
  GThread *thread;

  if (priv->started)
    return TRUE;

  thread = g_thread_try_new ("cupel-db", worker_main, g_object_ref (self), &local);
  if (thread == NULL)
    {
      g_object_unref (self);
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL,
                   "Could not start the thread of a database connection: %s", local->message);
      return FALSE;
    }

  g_thread_unref (thread);
  priv->started = TRUE;
  return TRUE;
}

static void
cupel_threaded_connection_finalize (GObject *object)
{
  CupelThreadedConnection *self = CUPEL_THREADED_CONNECTION (object);
  CupelThreadedConnectionPrivate *priv = cupel_threaded_connection_get_instance_private (self);

  g_clear_pointer (&priv->spare, job_unref);
  g_mutex_clear (&priv->lock);
  g_cond_clear (&priv->cond);

  G_OBJECT_CLASS (cupel_threaded_connection_parent_class)->finalize (object);
}

static void
cupel_threaded_connection_class_init (CupelThreadedConnectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_threaded_connection_finalize;
}

static void
cupel_threaded_connection_init (CupelThreadedConnection *self)
{
  CupelThreadedConnectionPrivate *priv = cupel_threaded_connection_get_instance_private (self);

  priv->grace = GRACE_PERIOD;
  priv->took = G_MAXINT64;
  g_mutex_init (&priv->lock);
  g_cond_init (&priv->cond);
  g_queue_init (&priv->queue);
}

static void
interrupt_locked (CupelThreadedConnection *self)
{
  CupelThreadedConnectionClass *klass = CUPEL_THREADED_CONNECTION_GET_CLASS (self);

  if (klass->interrupt != NULL)
    klass->interrupt (self);
}

/* Whether the job that was pushed last may be over before who waits for it would be asleep */
static gboolean
is_next_short_locked (CupelThreadedConnectionPrivate *priv)
{
  return priv->took <= CUPEL_SPIN_TIME && g_atomic_int_get (&priv->n_queued) == 1 && priv->running == NULL;
}

/* The wait for @job failed. Returns TRUE when the job is over after all. */
static gboolean
bring_back (CupelThreadedConnection *self,
            Job                     *job)
{
  CupelThreadedConnectionPrivate *priv = cupel_threaded_connection_get_instance_private (self);
  gint64 give_up_time = g_get_monotonic_time () + priv->grace;
  gint64 pause = 1000;
  gboolean back;

  for (;;)
    {
      gint64 now;

      g_mutex_lock (&priv->lock);
      if (job->state == JOB_QUEUED)
        {
          /* It never began. */
          g_queue_unlink (&priv->queue, &job->link);
          g_atomic_int_add (&priv->n_queued, -1);
          g_mutex_unlock (&priv->lock);
          job->success = FALSE;
          job_unref (job);
          return TRUE;
        }
      /* Asked again and again: a job that had only just begun may have cleared the flag after the first time. */
      if (job->state == JOB_RUNNING)
        interrupt_locked (self);
      g_mutex_unlock (&priv->lock);

      now = g_get_monotonic_time ();
      if (cupel_completion_wait (job->done, MIN (now + pause, give_up_time), NULL, NULL))
        return TRUE;
      if (now + pause >= give_up_time)
        break;
      pause = MIN (pause * 2, 50 * 1000);
    }

  g_mutex_lock (&priv->lock);
  back = job->state == JOB_DONE;
  if (!back)
    {
      job->abandoned = TRUE;
      g_atomic_int_set (&priv->given_up, TRUE);
    }
  g_mutex_unlock (&priv->lock);

  return back;
}

/**
 * cupel_threaded_connection_run: (skip)
 * @self: a connection
 * @func: the work
 * @job: what it works on: heap memory
 * @free_job: (nullable): frees @job when it had to be abandoned
 * @abandoned: (out) (optional): whether the worker kept @job
 * @deadline: a g_get_monotonic_time() value, or -1
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Suspends the fiber that calls it until @func ran on the worker thread of the connection.
 *
 * When the wait is cancelled or times out, the job is interrupted and gets one second to come back. If it ended with success
 * in the meantime, that is what is returned: what was done is done. If it failed, the error is that of the wait. If it did not come
 * back, the connection is given up, and @job is the worker's: it is freed with @free_job when @func returns at last.
 *
 * Jobs run one at a time, in the order in which they came.
 *
 * Returns: %TRUE if @func returned %TRUE; else %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_threaded_connection_run (CupelThreadedConnection  *self,
                               CupelJobFunc              func,
                               gpointer                  job_data,
                               GDestroyNotify            free_job,
                               gboolean                 *abandoned,
                               gint64                    deadline,
                               GCancellable             *cancellable,
                               GError                  **error)
{
  CupelThreadedConnectionPrivate *priv;
  GError *wait_error = NULL;
  gboolean short_job;
  gboolean success;
  Job *job;

  if (abandoned != NULL)
    *abandoned = FALSE;

  g_return_val_if_fail (CUPEL_IS_THREADED_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  priv = cupel_threaded_connection_get_instance_private (self);

  g_mutex_lock (&priv->lock);
  if (priv->given_up || priv->shut_down)
    {
      gboolean given_up = priv->given_up;

      g_mutex_unlock (&priv->lock);
      if (given_up)
        g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED,
                             "The connection was given up: an operation on it could not be stopped");
      else
        g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The connection is closed");
      return FALSE;
    }
  if (!start_worker_locked (self, error))
    {
      g_mutex_unlock (&priv->lock);
      return FALSE;
    }

  job = g_steal_pointer (&priv->spare);
  if (job == NULL)
    job = job_new ();
  job->func = func;
  job->data = job_data;
  job->free_data = free_job;
  job->state = JOB_QUEUED;
  g_atomic_ref_count_inc (&job->ref_count);
  push_job_locked (priv, job);
  short_job = is_next_short_locked (priv);
  unlock_and_signal (priv);

  if (short_job && cupel_spin_may (&priv->spin))
    cupel_spin_for_completion (&priv->spin, job->done);
  if (!cupel_completion_wait (job->done, deadline, cancellable, &wait_error) && !bring_back (self, job))
    {
      if (abandoned != NULL)
        *abandoned = TRUE;
      g_propagate_error (error, wait_error);
      job_unref (job);
      return FALSE;
    }

  success = job->success;
  if (success)
    {
      g_clear_error (&wait_error);
    }
  else if (wait_error != NULL)
    {
      g_clear_error (&job->error);
      g_propagate_error (error, wait_error);
    }
  else if (job->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&job->error));
    }
  else
    {
      g_critical ("A job of a %s failed without an error", G_OBJECT_TYPE_NAME (self));
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "The driver reported a failure without a reason");
    }

  /* Reused only when the worker has let go of it: it might still be inside of cupel_completion_complete (). */
  if (cupel_completion_is_done (job->done) && g_atomic_ref_count_compare (&job->ref_count, 1))
    {
      g_clear_error (&job->error);
      cupel_completion_reset (job->done);
      job->abandoned = FALSE;
      job->success = FALSE;
      job->data = NULL;
      g_mutex_lock (&priv->lock);
      if (priv->spare == NULL)
        priv->spare = g_steal_pointer (&job);
      g_mutex_unlock (&priv->lock);
    }
  if (job != NULL)
    job_unref (job);

  return success;
}

/**
 * cupel_threaded_connection_set_grace: (skip)
 * @self: a connection
 * @grace: microseconds that an interrupted job gets to come back before the connection is given up; one second at first
 *
 * Sets how patient the connection is, for those that would lose more than themselves: a database in memory.
 *
 * Since: 1.0
 */
void
cupel_threaded_connection_set_grace (CupelThreadedConnection *self,
                                     gint64                   grace)
{
  CupelThreadedConnectionPrivate *priv;

  g_return_if_fail (CUPEL_IS_THREADED_CONNECTION (self));

  priv = cupel_threaded_connection_get_instance_private (self);
  priv->grace = grace;
}

/**
 * cupel_threaded_connection_run_here: (skip)
 * @self: a connection
 * @func: the work, which must not wait for anything
 * @job: what it works on
 * @success: (out): what @func returned
 * @error: return location for the error of @func
 *
 * Runs @func on the calling thread, without suspending, if the worker is started and has nothing to do: for work that is many times
 * shorter than a hop to the worker and back.
 *
 * Returns: %FALSE if @func did not run
 *
 * Since: 1.0
 */
gboolean
cupel_threaded_connection_run_here (CupelThreadedConnection  *self,
                                    CupelJobFunc              func,
                                    gpointer                  job_data,
                                    gboolean                 *success,
                                    GError                  **error)
{
  CupelThreadedConnectionPrivate *priv;
  gboolean free;

  g_return_val_if_fail (CUPEL_IS_THREADED_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);
  g_return_val_if_fail (success != NULL, FALSE);

  priv = cupel_threaded_connection_get_instance_private (self);

  g_mutex_lock (&priv->lock);
  free = priv->started && !priv->shut_down && !priv->given_up && !priv->here && priv->running == NULL && priv->queue.head == NULL;
  if (free)
    priv->here = TRUE;
  g_mutex_unlock (&priv->lock);
  if (!free)
    return FALSE;

  *success = func (self, job_data, error);

  g_mutex_lock (&priv->lock);
  priv->here = FALSE;
  /* What came meanwhile, from another thread, was not begun. */
  if (priv->queue.head != NULL || priv->shut_down)
    unlock_and_signal (priv);
  else
    g_mutex_unlock (&priv->lock);
  return TRUE;
}

/**
 * cupel_threaded_connection_post: (skip)
 * @self: a connection
 * @func: the work
 * @job: what it works on: heap memory
 * @free_job: (nullable): frees @job after @func ran, or when it never will
 *
 * Queues a job that nobody waits for: reading ahead, say. Whoever wants its result puts a #CupelCompletion into @job
 * and completes it in @free_job. It is interrupted only when the connection is shut down.
 *
 * Returns: %FALSE if the connection takes no jobs any more; @job is freed then, too
 *
 * Since: 1.0
 */
gboolean
cupel_threaded_connection_post (CupelThreadedConnection *self,
                                CupelJobFunc             func,
                                gpointer                 job_data,
                                GDestroyNotify           free_job)
{
  CupelThreadedConnectionPrivate *priv;
  gboolean queued;
  Job *job;

  g_return_val_if_fail (CUPEL_IS_THREADED_CONNECTION (self), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  priv = cupel_threaded_connection_get_instance_private (self);

  job = job_new ();
  job->func = func;
  job->data = job_data;
  job->free_data = free_job;
  job->abandoned = TRUE;

  g_mutex_lock (&priv->lock);
  queued = !priv->given_up && !priv->shut_down && start_worker_locked (self, NULL);
  if (queued)
    push_job_locked (priv, job);
  unlock_and_signal (priv);

  if (!queued)
    {
      job_free_data (job);
      job_unref (job);
    }
  return queued;
}

/**
 * cupel_threaded_connection_shut_down: (skip)
 * @self: a connection
 * @last: (nullable): what the worker does at its end: closing the handle, usually
 * @job: what @last works on
 * @free_job: (nullable): frees @job, after @last ran
 *
 * Interrupts what is under way, queues @last, and forgets the thread, which ends after it. Never blocks.
 *
 * Calling it again does nothing but to free @job. Jobs that wait behind the one under way fail with %CUPEL_ERROR_CLOSED.
 *
 * Since: 1.0
 */
void
cupel_threaded_connection_shut_down (CupelThreadedConnection *self,
                                     CupelJobFunc             last,
                                     gpointer                 job_data,
                                     GDestroyNotify           free_job)
{
  CupelThreadedConnectionPrivate *priv;
  g_autoptr(GError) error = NULL;
  GQueue dropped = G_QUEUE_INIT;
  Job *job = NULL;
  GList *link;

  g_return_if_fail (CUPEL_IS_THREADED_CONNECTION (self));

  priv = cupel_threaded_connection_get_instance_private (self);

  job = job_new ();
  job->func = last;
  job->data = job_data;
  job->free_data = free_job;

  g_mutex_lock (&priv->lock);
  if (!priv->shut_down)
    {
      priv->shut_down = TRUE;
      dropped = priv->queue;
      g_queue_init (&priv->queue);
      g_atomic_int_set (&priv->n_queued, 0);
      for (link = dropped.head; link != NULL; link = link->next)
        {
          Job *waiting = link->data;

          waiting->state = JOB_DONE;
          waiting->success = FALSE;
          if (!waiting->abandoned)
            g_set_error_literal (&waiting->error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The connection was closed");
        }

      if (last != NULL && !priv->started)
        {
          if (!start_worker_locked (self, &error))
            g_debug ("%s", error->message);
        }
      if (last != NULL && priv->started)
        priv->last = g_steal_pointer (&job);
      if (priv->running != NULL)
        interrupt_locked (self);
    }
  unlock_and_signal (priv);

  while ((link = g_queue_pop_head_link (&dropped)) != NULL)
    {
      Job *waiting = link->data;

      if (waiting->abandoned)
        job_free_data (waiting);
      else
        cupel_completion_complete (waiting->done);
      job_unref (waiting);
    }

  if (job != NULL)
    {
      job_free_data (job);
      job_unref (job);
    }
}

/**
 * cupel_threaded_connection_is_given_up: (skip)
 * @self: a connection
 *
 * Tells whether a job did not come back in time. The status of such a connection is %CUPEL_TRANSACTION_UNKNOWN.
 *
 * Returns: %TRUE if nothing is left but to shut it down
 *
 * Since: 1.0
 */
gboolean
cupel_threaded_connection_is_given_up (CupelThreadedConnection *self)
{
  CupelThreadedConnectionPrivate *priv;

  /* Not more: drivers ask it with their status, several times for each statement. */
  g_return_val_if_fail (self != NULL, TRUE);

  priv = cupel_threaded_connection_get_instance_private (self);
  return g_atomic_int_get (&priv->given_up);
}
