/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The plain form, which suspends or blocks. */

#include "runtime/cupel-call-private.h"

#include "runtime/cupel-fiber-private.h"

/* What a thread that blocks iterates instead of the application's contexts. */
typedef struct
{
  GMainContext   *context;
  CupelScheduler *scheduler;
  gboolean        driving;
  guint           n_held;   /* what was begun in a blocking call and has to be seen through in it */
} Private;

static void
private_free (gpointer data)
{
  Private *self = data;

  /* Destroying the context makes the waits of fibers that are left fail. */
  g_main_context_unref (self->context);
  g_free (self);
}

static GPrivate thread_private = G_PRIVATE_INIT (private_free);

static Private *
private_get (void)
{
  Private *self = g_private_get (&thread_private);

  if (self == NULL)
    {
      self = g_new0 (Private, 1);
      self->context = g_main_context_new ();
      self->scheduler = cupel_scheduler_get (self->context);
      g_private_set (&thread_private, self);
    }

  return self;
}

/* A loop that dispatches now would stand still. */
static gboolean
may_block (void)
{
  Private *self = g_private_get (&thread_private);

  return g_main_depth () == 0 && (self == NULL || !self->driving);
}

typedef struct
{
  const CupelCall *call;
  gpointer         self;
  gpointer         args;
  GCancellable    *cancellable;
  gpointer         result;
  GError          *error;
  gboolean         done;
} SyncCall;

static void
sync_call_run (gpointer data)
{
  SyncCall *sync = data;

  sync->result = sync->call->body (sync->self, sync->args, sync->cancellable, &sync->error);
}

static void
sync_call_end (gpointer data)
{
  SyncCall *sync = data;

  sync->done = TRUE;
}

static void
drive (SyncCall *sync)
{
  Private *self = private_get ();

  self->driving = TRUE;
  g_main_context_push_thread_default (self->context);
  cupel_scheduler_spawn (self->scheduler, sync->call->name, 0, sync_call_run, sync, sync_call_end);
  /* Nobody goes on with what is left behind here until the next blocking call, which may never come. */
  while (!sync->done || self->n_held > 0)
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  self->driving = FALSE;
}

gboolean
cupel_call_hold (void)
{
  Private *self = g_private_get (&thread_private);

  if (self == NULL || !self->driving)
    return FALSE;
  self->n_held++;
  return TRUE;
}

void
cupel_call_release (void)
{
  Private *self = g_private_get (&thread_private);

  if (self != NULL && self->n_held > 0)
    self->n_held--;
}

gpointer
cupel_call_sync (const CupelCall  *call,
                 gpointer          self,
                 gpointer          args,
                 GCancellable     *cancellable,
                 GError          **error)
{
  SyncCall sync = { call, self, args, cancellable, };

  if (cupel_in_fiber ())
    return call->body (self, args, cancellable, error);

  if (!may_block ())
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER,
                   "%s() would block the main loop: call %s%s(), or run it in a fiber with cupel_run_async()",
                   call->name, call->async_name != NULL ? call->async_name : call->name,
                   call->async_name != NULL ? "" : "_async");
      return NULL;
    }

  drive (&sync);
  if (sync.error != NULL)
    g_propagate_error (error, sync.error);

  return sync.result;
}

gboolean
cupel_call_is_blocking (void)
{
  Private *self = g_private_get (&thread_private);

  return self != NULL && self->driving;
}

guint64
cupel_call_get_caller (const char **name)
{
  CupelFiber *fiber = cupel_fiber_get_current ();

  *name = fiber != NULL ? fiber->name : NULL;
  if (fiber == NULL)
    return 0;
  return fiber->func == sync_call_run ? CUPEL_CALLER_THREAD : fiber->id;
}

static gboolean
on_drain_deadline (gpointer data)
{
  *(gboolean *) data = TRUE;

  return G_SOURCE_REMOVE;
}

gboolean
cupel_call_drain (gint64 deadline)
{
  Private *self = g_private_get (&thread_private);
  gboolean over = FALSE;
  GSource *timer;

  if (self == NULL || cupel_scheduler_get_n_fibers (self->scheduler) == 0)
    return TRUE;
  if (!may_block ())
    return FALSE;

  timer = g_timeout_source_new (0);
  g_source_set_ready_time (timer, deadline);
  g_source_set_callback (timer, on_drain_deadline, &over, NULL);
  g_source_attach (timer, self->context);

  self->driving = TRUE;
  g_main_context_push_thread_default (self->context);
  while (!over && cupel_scheduler_get_n_fibers (self->scheduler) > 0)
    g_main_context_iteration (self->context, TRUE);
  g_main_context_pop_thread_default (self->context);
  self->driving = FALSE;

  g_source_destroy (timer);
  g_source_unref (timer);

  return cupel_scheduler_get_n_fibers (self->scheduler) == 0;
}
