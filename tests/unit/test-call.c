/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-call-private.h"
#include "runtime/cupel-wait.h"

#include <string.h>

#include "main-stack.h"

typedef struct
{
  const char *answer;    /* NULL: none, without an error */
  gboolean fails;
  guint milliseconds;
  GMainContext *seen;
} Args;

static int n_results;   /* atomic: a second thread makes results as well */
static int n_args;

static void
free_result (gpointer result)
{
  g_free (result);
  g_atomic_int_add (&n_results, -1);
}

static void
free_args (gpointer args)
{
  g_assert_true (on_main_stack ());
  g_free (args);
  n_args--;
}

static gpointer
answer_body (gpointer       self,
             gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Args *args = data;

  g_assert_true (cupel_in_fiber ());
  args->seen = g_main_context_get_thread_default ();
  if (args->milliseconds > 0 && !cupel_fiber_sleep (args->milliseconds * 1000, cancellable, error))
    return NULL;
  if (args->fails)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE, "there is one already");
      return NULL;
    }
  if (args->answer == NULL)
    return NULL;
  g_atomic_int_inc (&n_results);

  return g_strdup (args->answer);
}

static const CupelCall answer_call = { "test_answer", answer_body, free_result };

static Args *
args_new (const char *answer,
          gboolean    fails,
          guint       milliseconds)
{
  Args *args = g_new0 (Args, 1);

  args->answer = answer;
  args->fails = fails;
  args->milliseconds = milliseconds;
  n_args++;

  return args;
}

typedef struct
{
  GObject *source;
  char *answer;
  GError *error;
  gboolean fetch;
  gboolean done;
} Outcome;

static void
on_ready (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  Outcome *outcome = data;

  g_assert_true (on_main_stack ());
  g_assert_false (cupel_in_fiber ());
  g_assert_true (source == outcome->source);
  if (outcome->fetch)
    outcome->answer = cupel_call_finish (&answer_call, source, result, &outcome->error);
  outcome->done = TRUE;
}

static void
wait_for (Outcome *outcome)
{
  while (!outcome->done)
    g_main_context_iteration (NULL, TRUE);
  /* the task drops what it holds after its callback */
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_async (void)
{
  GObject *self = g_object_new (G_TYPE_OBJECT, NULL);

  for (int i = 0; i < 4; i++)
    {
      Outcome outcome = { self, NULL, NULL, i < 3, FALSE };

      cupel_call_async (&answer_call, self, args_new (i != 1 ? "answer" : NULL, i == 2, i % 2), free_args, NULL, on_ready, &outcome);
      g_assert_false (outcome.done);
      wait_for (&outcome);
      if (i == 0)
        {
          g_assert_cmpstr (outcome.answer, ==, "answer");
          free_result (outcome.answer);
        }
      else
        {
          g_assert_null (outcome.answer);
        }
      if (i == 2)
        g_assert_error (outcome.error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
      else
        g_assert_no_error (outcome.error);
      g_clear_error (&outcome.error);
      g_assert_cmpint (n_results, ==, 0);
      g_assert_cmpint (n_args, ==, 0);
    }

  /* without a callback, and the object is let go of */
  cupel_call_async (&answer_call, self, args_new ("answer", FALSE, 1), free_args, NULL, NULL, NULL);
  g_object_add_weak_pointer (self, (gpointer *) &self);
  g_object_unref (self);
  g_assert_nonnull (self);
  while (self != NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (n_results, ==, 0);
  g_assert_cmpint (n_args, ==, 0);
}

static void
test_async_cancel (void)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Outcome outcome = { NULL, NULL, NULL, TRUE, FALSE };

  cupel_call_async (&answer_call, NULL, args_new ("answer", FALSE, 60000), free_args, cancellable, on_ready, &outcome);
  g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  wait_for (&outcome);
  g_assert_error (outcome.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&outcome.error);

  /* what was done all the same is reported */
  outcome = (Outcome) { NULL, NULL, NULL, TRUE, FALSE };
  cupel_call_async (&answer_call, NULL, args_new ("answer", FALSE, 0), free_args, cancellable, on_ready, &outcome);
  wait_for (&outcome);
  g_assert_no_error (outcome.error);
  g_assert_cmpstr (outcome.answer, ==, "answer");
  free_result (outcome.answer);
}

static void
test_sync (void)
{
  g_autoptr(GError) error = NULL;
  Args args = { "answer", FALSE, 1, NULL };
  char *answer;

  answer = cupel_call_sync (&answer_call, NULL, &args, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (answer, ==, "answer");
  free_result (answer);
  g_assert_nonnull (args.seen);
  g_assert_true (args.seen != g_main_context_default ());
  g_assert_null (g_main_context_get_thread_default ());

  args.answer = NULL;
  g_assert_null (cupel_call_sync (&answer_call, NULL, &args, NULL, &error));
  g_assert_no_error (error);

  args.fails = TRUE;
  g_assert_null (cupel_call_sync (&answer_call, NULL, &args, NULL, NULL));
  g_assert_null (cupel_call_sync (&answer_call, NULL, &args, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
}

/* Nothing of the application is dispatched while it blocks. */
static gboolean
on_idle_must_wait (gpointer data)
{
  *(gboolean *) data = TRUE;

  return G_SOURCE_REMOVE;
}

static void
test_sync_is_private (void)
{
  Args args = { NULL, FALSE, 10, NULL };
  gboolean dispatched = FALSE;

  g_idle_add (on_idle_must_wait, &dispatched);
  cupel_call_sync (&answer_call, NULL, &args, NULL, NULL);
  g_assert_false (dispatched);
  while (!dispatched)
    g_main_context_iteration (NULL, TRUE);
}

static gboolean
on_idle_blocks (gpointer data)
{
  Args args = { "answer", FALSE, 0, NULL };
  g_autoptr(GError) error = NULL;

  g_assert_null (cupel_call_sync (&answer_call, NULL, &args, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
  g_assert_nonnull (strstr (error->message, "test_answer()"));
  g_assert_nonnull (strstr (error->message, "test_answer_async()"));
  g_assert_nonnull (strstr (error->message, "cupel_run_async()"));
  *(gboolean *) data = TRUE;

  return G_SOURCE_REMOVE;
}

static void
closure_blocks (gpointer data)
{
  on_idle_blocks (data);
}

static gboolean
closure_run (gpointer        data,
             GCancellable   *cancellable,
             GError        **error)
{
  cupel_call_on_main_stack (closure_blocks, data);

  return TRUE;
}

static void
test_missing_fiber (void)
{
  gboolean done = FALSE;

  g_idle_add (on_idle_blocks, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);

  /* user code below a fiber is no better */
  done = FALSE;
  g_assert_true (cupel_run (closure_run, &done, NULL, NULL));
  g_assert_true (done);
}

/* One thread blocks while the main thread runs a loop. */
static gpointer
blocking_thread (gpointer data)
{
  for (int i = 0; i < 20; i++)
    {
      Args args = { "answer", FALSE, 1, NULL };
      g_autoptr(GError) error = NULL;
      char *answer = cupel_call_sync (&answer_call, NULL, &args, NULL, &error);

      g_assert_cmpstr (answer, ==, "answer");
      free_result (answer);
    }
  g_idle_add (on_idle_must_wait, data);

  return NULL;
}

static void
test_second_thread (void)
{
  gboolean done = FALSE;
  GThread *thread = g_thread_new ("blocking", blocking_thread, &done);

  while (!done)
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  g_assert_cmpint (n_results, ==, 0);
}

static gboolean
inner_run (gpointer        data,
           GCancellable   *cancellable,
           GError        **error)
{
  Args args = { "answer", FALSE, 1, NULL };
  char *answer = cupel_call_sync (&answer_call, NULL, &args, cancellable, error);

  g_assert_cmpstr (answer, ==, "answer");
  free_result (answer);
  if (GPOINTER_TO_INT (data) == 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_NO_ROW, "the innermost");
      return FALSE;
    }

  return cupel_run (inner_run, GINT_TO_POINTER (GPOINTER_TO_INT (data) - 1), cancellable, error);
}

static gboolean
says_nothing_run (gpointer        data,
                  GCancellable   *cancellable,
                  GError        **error)
{
  return FALSE;
}

static void
test_nested_run (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_run (inner_run, GINT_TO_POINTER (5), NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_NO_ROW);
  g_assert_cmpstr (error->message, ==, "the innermost");
  g_clear_error (&error);

  g_assert_false (cupel_run (says_nothing_run, NULL, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_FAILED);
}

/* Fibers left on the private context go on at the next blocking call, or when they are driven. */
typedef struct
{
  CupelCompletion *gate;
  int n;
} LeftOver;

static void
left_over_run (gpointer data)
{
  LeftOver *left = data;

  g_assert_true (cupel_fiber_sleep (1000, NULL, NULL));
  g_assert_true (cupel_completion_wait (left->gate, CUPEL_NO_DEADLINE, NULL, NULL));
  left->n++;
}

static gboolean
leave_run (gpointer        data,
           GCancellable   *cancellable,
           GError        **error)
{
  cupel_fiber_spawn (NULL, left_over_run, data, NULL);

  return TRUE;
}

static void
test_drain (void)
{
  Args args = { NULL, FALSE, 40, NULL };
  g_autoptr(CupelCompletion) gate = cupel_completion_new ();
  LeftOver left = { gate, 0 };

  g_assert_true (cupel_call_drain (-1));
  cupel_completion_complete (gate);
  g_assert_true (cupel_run (leave_run, &left, NULL, NULL));
  g_assert_cmpint (left.n, ==, 0);
  cupel_call_sync (&answer_call, NULL, &args, NULL, NULL);
  g_assert_cmpint (left.n, ==, 1);

  cupel_completion_reset (gate);
  g_assert_true (cupel_run (leave_run, &left, NULL, NULL));
  g_assert_false (cupel_call_drain (g_get_monotonic_time () + 20000));
  g_assert_cmpint (left.n, ==, 1);
  cupel_completion_complete (gate);
  g_assert_true (cupel_call_drain (g_get_monotonic_time () + 30 * G_TIME_SPAN_SECOND));
  g_assert_cmpint (left.n, ==, 2);
}

/* Its context goes, with nobody to iterate it: before it began, or while it waits. What it holds is let go of, and its callback told. */
static const char *taken;

static const char **
take (gpointer      self,
      gpointer      args,
      const char   *operation,
      GObject     **owner,
      GError      **error)
{
  taken = operation;
  *owner = g_object_ref (self);
  return &taken;
}

static void
test_context_goes (void)
{
  static const CupelCall claiming_call = { "test_claiming", answer_body, free_result, .claim = take };
  GObject *self = g_object_new (G_TYPE_OBJECT, NULL);

  for (int begun = 0; begun < 2; begun++)
    {
      GMainContext *context = g_main_context_new ();
      Outcome outcome = { self, NULL, NULL, FALSE, FALSE };

      g_main_context_push_thread_default (context);
      cupel_call_async (&claiming_call, self, args_new ("answer", FALSE, begun ? 60000 : 0), free_args, NULL, on_ready, &outcome);
      g_assert_nonnull (taken);
      if (begun)
        g_main_context_iteration (context, FALSE);
      g_main_context_pop_thread_default (context);
      g_assert_false (outcome.done);
      g_assert_cmpint (n_args, ==, 1);
      g_main_context_unref (context);
      g_assert_null (taken);
      g_assert_true (outcome.done);
      g_assert_cmpint (n_args, ==, 0);
      g_assert_cmpint (n_results, ==, 0);
    }
  g_assert_finalize_object (self);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/call/async", test_async);
  g_test_add_func ("/runtime/call/async-cancel", test_async_cancel);
  g_test_add_func ("/runtime/call/sync", test_sync);
  g_test_add_func ("/runtime/call/sync-is-private", test_sync_is_private);
  g_test_add_func ("/runtime/call/missing-fiber", test_missing_fiber);
  g_test_add_func ("/runtime/call/second-thread", test_second_thread);
  g_test_add_func ("/runtime/call/nested-run", test_nested_run);
  g_test_add_func ("/runtime/call/drain", test_drain);
  g_test_add_func ("/runtime/call/context-goes", test_context_goes);

  return g_test_run ();
}
