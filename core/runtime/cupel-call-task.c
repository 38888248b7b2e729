/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The asynchronous form. This is no GTask, for one keeps its context: a context that somebody drops with calls under way would live on,
 * and with it the calls and what they hold. Here they are cancelled. */

#include "runtime/cupel-call-private.h"

#include "runtime/cupel-scheduler-private.h"

#define CUPEL_TYPE_CALL_TASK (cupel_call_task_get_type ())
G_DECLARE_FINAL_TYPE (CupelCallTask, cupel_call_task, CUPEL, CALL_TASK, GObject)

struct _CupelCallTask
{
  GObject              parent_instance;

  const CupelCall     *call;
  gpointer             source;       /* nullable */
  gpointer             args;
  GDestroyNotify       free_args;
  GCancellable        *cancellable;
  GAsyncReadyCallback  callback;
  gpointer             user_data;
  const char         **slot;         /* claimed for the first step; nullable */
  GObject             *owner;        /* of the slot */
  gpointer             result;
  GError              *error;
};

static GObject *
cupel_call_task_get_source_object (GAsyncResult *result)
{
  CupelCallTask *self = CUPEL_CALL_TASK (result);

  return self->source != NULL ? g_object_ref (self->source) : NULL;
}

static gpointer
cupel_call_task_get_user_data (GAsyncResult *result)
{
  return CUPEL_CALL_TASK (result)->user_data;
}

static gboolean
cupel_call_task_is_tagged (GAsyncResult *result,
                           gpointer      tag)
{
  return CUPEL_CALL_TASK (result)->call == tag;
}

static void
cupel_call_task_async_result_init (GAsyncResultIface *iface)
{
  iface->get_source_object = cupel_call_task_get_source_object;
  iface->get_user_data = cupel_call_task_get_user_data;
  iface->is_tagged = cupel_call_task_is_tagged;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (CupelCallTask, cupel_call_task, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_ASYNC_RESULT, cupel_call_task_async_result_init))

static void
cupel_call_task_finalize (GObject *object)
{
  CupelCallTask *self = CUPEL_CALL_TASK (object);

  if (self->result != NULL && self->call->free_result != NULL)
    self->call->free_result (self->result);
  g_clear_error (&self->error);
  g_clear_object (&self->owner);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->source);

  G_OBJECT_CLASS (cupel_call_task_parent_class)->finalize (object);
}

static void
cupel_call_task_class_init (CupelCallTaskClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_call_task_finalize;
}

static void
cupel_call_task_init (CupelCallTask *self)
{
}

static void
call_task_run (gpointer data)
{
  CupelCallTask *self = data;

  if (self->error != NULL)
    return;
  /* The body takes it itself before it suspends. */
  if (self->slot != NULL)
    *self->slot = NULL;
  if (cupel_scheduler_get_context (cupel_fiber_get_scheduler (cupel_fiber_get_current ())) == NULL)
    g_set_error (&self->error, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                 "%s_async() was called, and its main context was destroyed before it began", self->call->name);
  else
    self->result = self->call->body (self->source, self->args, self->cancellable, &self->error);
}

/* On the main stack: the arguments and what they own are the user's as well as the callback. */
static void
call_task_end (gpointer data)
{
  CupelCallTask *self = data;

  if (self->free_args != NULL)
    self->free_args (self->args);
  if (self->callback != NULL)
    self->callback (self->source, G_ASYNC_RESULT (self), self->user_data);
  g_object_unref (self);
}

void
cupel_call_async (const CupelCall     *call,
                  gpointer             self,
                  gpointer             args,
                  GDestroyNotify       free_args,
                  GCancellable        *cancellable,
                  GAsyncReadyCallback  callback,
                  gpointer             user_data)
{
  CupelCallTask *task = g_object_new (CUPEL_TYPE_CALL_TASK, NULL);

  task->call = call;
  g_set_object (&task->source, self);
  task->args = args;
  task->free_args = free_args;
  g_set_object (&task->cancellable, cancellable);
  task->callback = callback;
  task->user_data = user_data;
  if (call->claim != NULL)
    task->slot = call->claim (self, args, call->name, &task->owner, &task->error);

  cupel_fiber_spawn_full (NULL, call->name, 0, call_task_run, task, call_task_end);
}

/* What was done is reported, even if it was cancelled a moment later. */
gpointer
cupel_call_finish (const CupelCall  *call,
                   gpointer          self,
                   GAsyncResult     *result,
                   GError          **error)
{
  CupelCallTask *task;

  g_return_val_if_fail (CUPEL_IS_CALL_TASK (result), NULL);
  task = CUPEL_CALL_TASK (result);
  g_return_val_if_fail (task->call == call && task->source == self, NULL);

  if (task->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&task->error));
      return NULL;
    }
  return g_steal_pointer (&task->result);
}
