/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* W7 and W7T: many tasks share few connections. A single read needs no transaction: who has only such tells the engine, with the isolation
 * level AUTOCOMMIT. W7T leaves the engine as it is: each lease is a transaction, which is rolled back when the connection goes back. */

#include "workloads.h"

typedef struct
{
  Context     *context;
  Bench       *bench;
  CupelSelect *select;
  guint        number;
  gint64      *sum;
} Task;

static gboolean
task_func (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Task *task = data;
  gint64 ready = g_get_monotonic_time ();

  for (guint i = 0; i < BENCH_TASK_OPS; i++)
    {
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelConnection) connection = NULL;
      g_autoptr(CupelResult) result = NULL;
      gint64 now;

      cupel_parameters_set_int64 (parameters, "id", BENCH_KEY (task->number, i));
      if ((connection = cupel_engine_connect (task->context->engine, cancellable, error)) == NULL ||
          (result = cupel_connection_execute (connection, CUPEL_STATEMENT (task->select), parameters, cancellable, error)) == NULL ||
          !cupel_result_step (result))
        return FALSE;
      *task->sum += cupel_result_get_int64 (result, 0);
      if (!cupel_connection_close (connection, cancellable, error))
        return FALSE;
      now = g_get_monotonic_time ();
      bench_latency (task->bench, now - ready);
      ready = now;
    }
  return TRUE;
}

static gboolean
lease (Bench               *bench,
       Context             *context,
       CupelIsolationLevel  isolation)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (cupel_entity_get_table (aa_get_type ()));
  Task tasks[BENCH_TASKS];
  gint64 sum = 0, expected = 0;

  g_object_set (context->engine, "isolation-level", isolation, NULL);
  cupel_select_where (select, cupel_eq (cupel_attr (aa_get_type (), "id"), cupel_bind ("id", NULL)));
  bench_start (bench);
  for (guint i = 0; i < BENCH_TASKS; i++)
    {
      tasks[i] = (Task) { context, bench, select, i, &sum };
      cupel_task_group_spawn (group, task_func, &tasks[i], NULL);
    }
  if (!cupel_task_group_join (group, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  for (guint i = 0; i < BENCH_TASKS; i++)
    for (guint k = 0; k < BENCH_TASK_OPS; k++)
      expected += BENCH_KEY (i, k);
  return bench_check (bench, "sum of ids", sum, expected);
}

gboolean
w7 (Bench    *bench,
    gpointer  data)
{
  return lease (bench, data, CUPEL_ISOLATION_AUTOCOMMIT);
}

gboolean
w7t (Bench    *bench,
     gpointer  data)
{
  return lease (bench, data, CUPEL_ISOLATION_DEFAULT);
}
