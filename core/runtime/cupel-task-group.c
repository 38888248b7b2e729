/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-task-group.h"

#include "runtime/cupel-scheduler-private.h"
#include "runtime/cupel-wait.h"

/* The last reference may be dropped by a handler of the parent in another thread, so the parts that it touches are thread-safe. */
struct _CupelTaskGroup
{
  gatomicrefcount  ref_count;
  GMutex           lock;
  GCancellable    *cancellable;
  GCancellable    *parent;
  gulong           parent_id;
  CupelCompletion *all_ended;
  guint            n_running;   /* under the lock, as is error */
  GError          *error;
  gboolean         joined;
};

typedef struct
{
  CupelTaskGroup *group;
  CupelRunFunc    func;
  gpointer        user_data;
  GDestroyNotify  destroy;
  GError         *error;
  gboolean        success;
} GroupTask;

static CupelTaskGroup *
cupel_task_group_ref (CupelTaskGroup *group)
{
  g_atomic_ref_count_inc (&group->ref_count);
  return group;
}

static void
cupel_task_group_unref (CupelTaskGroup *group)
{
  if (!g_atomic_ref_count_dec (&group->ref_count))
    return;

  g_clear_error (&group->error);
  g_clear_object (&group->cancellable);
  cupel_completion_unref (group->all_ended);
  g_mutex_clear (&group->lock);
  g_free (group);
}

static void
drop_group_closure (gpointer  group,
                    GClosure *closure)
{
  cupel_task_group_unref (group);
}

static void
on_parent_cancelled (GCancellable *parent,
                     gpointer      user_data)
{
  CupelTaskGroup *group = user_data;

  g_cancellable_cancel (group->cancellable);
}

/* Handlers of the cancellable are the user's. */
static void
cancel_group (gpointer user_data)
{
  CupelTaskGroup *group = user_data;

  g_cancellable_cancel (group->cancellable);
}

/**
 * cupel_task_group_new: (skip)
 * @parent: (nullable): a cancellable that cancels the group as well
 *
 * Makes a group without tasks.
 *
 * Returns: (transfer full): a new group
 *
 * Since: 1.0
 */
CupelTaskGroup *
cupel_task_group_new (GCancellable *parent)
{
  CupelTaskGroup *group;

  g_return_val_if_fail (parent == NULL || G_IS_CANCELLABLE (parent), NULL);

  group = g_new0 (CupelTaskGroup, 1);
  g_atomic_ref_count_init (&group->ref_count);
  g_mutex_init (&group->lock);
  group->cancellable = g_cancellable_new ();
  group->all_ended = cupel_completion_new ();

  if (parent != NULL)
    {
      group->parent = g_object_ref (parent);
      group->parent_id = g_signal_connect_data (parent, "cancelled", G_CALLBACK (on_parent_cancelled),
                                                cupel_task_group_ref (group), drop_group_closure, 0);
      if (g_cancellable_is_cancelled (parent))
        cupel_call_on_main_stack (cancel_group, group);
    }

  return group;
}

static void
group_task_run (gpointer user_data)
{
  GroupTask *task = user_data;
  GCancellable *cancellable = task->group->cancellable;

  if (g_cancellable_set_error_if_cancelled (cancellable, &task->error))
    return;

  task->success = task->func (task->user_data, cancellable, &task->error);
  if (!task->success && task->error == NULL)
    g_set_error_literal (&task->error, CUPEL_ERROR, CUPEL_ERROR_FAILED, "A task failed and did not say why");
}

/* On the main stack. */
static void
group_task_end (gpointer user_data)
{
  GroupTask *task = user_data;
  CupelTaskGroup *group = task->group;
  gboolean first_failure = FALSE;
  gboolean last;

  if (task->destroy != NULL)
    task->destroy (task->user_data);

  g_mutex_lock (&group->lock);
  if (!task->success && group->error == NULL)
    {
      group->error = g_steal_pointer (&task->error);
      first_failure = TRUE;
    }
  g_mutex_unlock (&group->lock);

  if (first_failure)
    g_cancellable_cancel (group->cancellable);

  g_mutex_lock (&group->lock);
  last = --group->n_running == 0;
  if (last)
    cupel_completion_complete (group->all_ended);
  g_mutex_unlock (&group->lock);

  g_clear_error (&task->error);
  cupel_task_group_unref (group);
  g_free (task);
}

/**
 * cupel_task_group_spawn: (skip)
 * @group: a group
 * @func: the task
 * @user_data: given to @func
 * @destroy: (nullable): called with @user_data when @func has returned, on the main stack
 *
 * Runs @func in a fiber of the thread-default context. It gets a cancellable that is cancelled when another task fails. If the group is
 * cancelled already, @func is not run and the task fails with %G_IO_ERROR_CANCELLED.
 *
 * Tasks may add tasks.
 *
 * Since: 1.0
 */
void
cupel_task_group_spawn (CupelTaskGroup *group,
                        CupelRunFunc    func,
                        gpointer        user_data,
                        GDestroyNotify  destroy)
{
  GroupTask *task;

  g_return_if_fail (group != NULL);
  g_return_if_fail (func != NULL);

  task = g_new0 (GroupTask, 1);
  task->group = cupel_task_group_ref (group);
  task->func = func;
  task->user_data = user_data;
  task->destroy = destroy;

  g_mutex_lock (&group->lock);
  group->n_running++;
  g_mutex_unlock (&group->lock);

  cupel_fiber_spawn_full (NULL, "cupel-task", 0, group_task_run, task, group_task_end);
}

/**
 * cupel_task_group_join: (skip)
 * @group: a group
 * @error: return location
 *
 * Suspends the fiber until every task has ended. The first one that fails cancels the others, and its error is
 * the one reported here, after the others have come to their ends.
 *
 * Cancelling the parent makes the tasks fail; the join itself always waits for them, unless the context is
 * destroyed. Outside a fiber the error is %CUPEL_ERROR_MISSING_FIBER.
 *
 * Returns: %TRUE if all tasks succeeded, %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_task_group_join (CupelTaskGroup  *group,
                       GError         **error)
{
  guint n_running;

  g_return_val_if_fail (group != NULL, FALSE);
  g_return_val_if_fail (!group->joined, FALSE);

  if (!cupel_in_fiber ())
    {
      cupel_set_error_not_in_fiber (error, G_STRFUNC);
      return FALSE;
    }

  for (;;)
    {
      g_mutex_lock (&group->lock);
      n_running = group->n_running;
      if (n_running > 0 && cupel_completion_is_done (group->all_ended))
        cupel_completion_reset (group->all_ended);
      g_mutex_unlock (&group->lock);

      if (n_running == 0)
        break;
      if (!cupel_completion_wait (group->all_ended, CUPEL_NO_DEADLINE, NULL, error))
        return FALSE;
    }

  group->joined = TRUE;
  if (group->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&group->error));
      return FALSE;
    }

  return TRUE;
}

/**
 * cupel_task_group_free: (skip)
 * @group: (transfer full): a group
 *
 * Frees the group. Tasks that still run are cancelled and end on their own.
 *
 * Since: 1.0
 */
void
cupel_task_group_free (CupelTaskGroup *group)
{
  gboolean running;

  g_return_if_fail (group != NULL);

  if (group->parent != NULL)
    {
      g_signal_handler_disconnect (group->parent, group->parent_id);
      g_clear_object (&group->parent);
    }

  g_mutex_lock (&group->lock);
  running = group->n_running > 0;
  g_mutex_unlock (&group->lock);
  if (running)
    cupel_call_on_main_stack (cancel_group, group);
  cupel_task_group_unref (group);
}
