/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel.h>

typedef struct
{
  int n_ended;
  int n_cancelled;
  int n_destroyed;
  int n_begun;
} Tally;

typedef struct
{
  Tally *tally;
  guint milliseconds;
  const char *failure;
} Task;

static gboolean
task_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  Task *task = data;
  gboolean slept;

  task->tally->n_begun++;
  slept = cupel_fiber_sleep (task->milliseconds * 1000, cancellable, error);
  if (!slept)
    {
      task->tally->n_cancelled++;
      return FALSE;
    }
  task->tally->n_ended++;
  if (task->failure != NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, task->failure);
      return FALSE;
    }

  return TRUE;
}

static void
task_destroy (gpointer data)
{
  ((Task *) data)->tally->n_destroyed++;
}

/* Ends when all of the others have begun too. */
static gboolean
together_run (gpointer        data,
              GCancellable   *cancellable,
              GError        **error)
{
  Task *task = data;

  task->tally->n_begun++;
  for (guint i = 0; i < 30000 && task->tally->n_begun < 10; i++)
    if (!cupel_fiber_sleep (1000, cancellable, error))
      return FALSE;
  task->tally->n_ended++;

  return TRUE;
}

static gboolean
join_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (cancellable);
  Tally tally = { 0, };
  Task tasks[10];

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      tasks[i] = (Task) { &tally, 0, NULL };
      cupel_task_group_spawn (group, together_run, &tasks[i], task_destroy);
    }
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_cmpint (tally.n_ended, ==, 10);
  g_assert_cmpint (tally.n_destroyed, ==, 10);
  g_assert_cmpint (tally.n_begun, ==, 10);

  return TRUE;
}

static void
test_join (void)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (join_run, NULL, NULL, &error));
  g_assert_true (cupel_run (join_run, NULL, cancellable, &error));
  g_assert_no_error (error);
}

static gboolean
empty_run (gpointer        data,
           GCancellable   *cancellable,
           GError        **error)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);

  return cupel_task_group_join (group, error);
}

static void
test_empty (void)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (empty_run, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (cupel_task_group_join (group, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
}

static gboolean
first_error_run (gpointer        data,
                 GCancellable   *cancellable,
                 GError        **error)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  Tally tally = { 0, };
  Task tasks[] = {
    { &tally, 60000, NULL },
    { &tally, 1, NULL },
    { &tally, 20, "the first" },
    { &tally, 60000, "never" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    cupel_task_group_spawn (group, task_run, &tasks[i], task_destroy);
  g_assert_false (cupel_task_group_join (group, error));
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_cmpstr ((*error)->message, ==, "the first");
  g_clear_error (error);
  g_assert_cmpint (tally.n_ended, ==, 2);
  g_assert_cmpint (tally.n_cancelled, ==, 2);
  g_assert_cmpint (tally.n_destroyed, ==, 4);

  return TRUE;
}

static void
test_first_error (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (first_error_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

static gpointer
cancel_later (gpointer cancellable)
{
  g_usleep (10000);
  g_cancellable_cancel (cancellable);

  return NULL;
}

static void
cancel_now (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static gboolean
cancel_run (gpointer        data,
            GCancellable   *cancellable,
            GError        **error)
{
  for (int i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) parent = g_cancellable_new ();
      g_autoptr(CupelTaskGroup) group = NULL;
      Tally tally = { 0, };
      Task tasks[] = { { &tally, 60000, NULL }, { &tally, 60000, NULL } };
      GThread *thread = NULL;

      if (i == 2)
        g_cancellable_cancel (parent);
      group = cupel_task_group_new (parent);
      cupel_task_group_spawn (group, task_run, &tasks[0], task_destroy);
      cupel_task_group_spawn (group, task_run, &tasks[1], task_destroy);
      if (i == 0)
        cupel_fiber_spawn (NULL, cancel_now, parent, NULL);
      while (i == 1 && tally.n_begun < 2)
        cupel_fiber_yield ();
      if (i == 1)
        thread = g_thread_new ("cancel", cancel_later, parent);
      g_assert_false (cupel_task_group_join (group, error));
      g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (error);
      g_assert_cmpint (tally.n_destroyed, ==, 2);
      g_assert_cmpint (tally.n_cancelled, ==, i == 2 ? 0 : 2);
      if (thread != NULL)
        g_thread_join (thread);
    }

  return TRUE;
}

static void
test_cancel (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (cancel_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
forget_run (gpointer        data,
            GCancellable   *cancellable,
            GError        **error)
{
  Tally tally = { 0, };
  Task tasks[] = { { &tally, 60000, NULL }, { &tally, 60000, NULL } };

  {
    g_autoptr(CupelTaskGroup) group = cupel_task_group_new (cancellable);

    cupel_task_group_spawn (group, task_run, &tasks[0], task_destroy);
    cupel_task_group_spawn (group, task_run, &tasks[1], task_destroy);
    while (tally.n_begun < 2)
      g_assert_true (cupel_fiber_sleep (1000, NULL, error));
  }
  while (tally.n_destroyed < 2)
    g_assert_true (cupel_fiber_sleep (1000, NULL, error));
  g_assert_cmpint (tally.n_cancelled, ==, 2);

  return TRUE;
}

static void
test_forget (void)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (forget_run, NULL, cancellable, &error));
  g_assert_no_error (error);
}

typedef struct
{
  CupelTaskGroup *group;
  int depth;
  int n;
} Tree;

static gboolean
tree_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  Tree *tree = data;

  tree->n++;
  if (tree->n < 31)
    {
      cupel_task_group_spawn (tree->group, tree_run, tree, NULL);
      cupel_task_group_spawn (tree->group, tree_run, tree, NULL);
    }

  return cupel_fiber_sleep (500, cancellable, error);
}

static gboolean
grow_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  Tree tree = { cupel_task_group_new (NULL), 0, 0 };

  cupel_task_group_spawn (tree.group, tree_run, &tree, NULL);
  g_assert_true (cupel_task_group_join (tree.group, error));
  g_assert_cmpint (tree.n, ==, 61);
  cupel_task_group_free (tree.group);

  return TRUE;
}

static void
test_grow (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (grow_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/task-group/join", test_join);
  g_test_add_func ("/runtime/task-group/empty", test_empty);
  g_test_add_func ("/runtime/task-group/first-error", test_first_error);
  g_test_add_func ("/runtime/task-group/cancel", test_cancel);
  g_test_add_func ("/runtime/task-group/forget", test_forget);
  g_test_add_func ("/runtime/task-group/grow", test_grow);

  return g_test_run ();
}
