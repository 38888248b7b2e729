/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a thing costs when there is more of it: a case is SERIES/SIZE, and its time by what it does must not grow with the size. */

#include <string.h>

#include "../scaling.h"
#include "workloads.h"

DECLARE_A (ScaleRow, scale_row)
DEFINE_A (ScaleRow, scale_row, "bench_scale")

static guint
get_size (Bench *bench)
{
  return (guint) g_ascii_strtoull (strchr (bench_get_name (bench), '/') + 1, NULL, 10);
}

/* Ten times bench_1m, without room for it on the disk. */
static gboolean
scaling_prepare (Bench    *bench,
                 gpointer  data)
{
  Context *context = data;
  g_autofree char *view =
    g_strdup_printf ("CREATE VIEW bench_scale AS SELECT a.id + d.k * %u AS id, a.data AS data, a.create_date AS create_date "
                     "FROM (SELECT 0 AS k UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 "
                     "UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS d CROSS JOIN bench_1m AS a",
                     BENCH_ROWS_LARGE);

  if (!execute (context, "DROP VIEW IF EXISTS bench_scale"))
    return failed (bench, context);
  return prepare (bench, data) && (execute (context, view) || failed (bench, context));
}

static gboolean
scale_rows (Bench    *bench,
            gpointer  data)
{
  Context *context = data;
  guint size = get_size (bench);
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (scale_row_get_type ());
  g_autoptr(CupelStream) stream = NULL;
  ScaleRow *row;
  gint64 n = 0, lengths = 0;

  cupel_select_limit (select, size);
  bench_mark_memory (bench);
  bench_start (bench);
  if ((stream = cupel_session_stream (session, select, 0, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((row = cupel_stream_next (stream, NULL, &context->error)) != NULL)
    {
      n++;
      lengths += (gint64) strlen (row->data);
    }
  if (context->error != NULL)
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "rows", n, size) &&
         bench_check (bench, "rows of no length", lengths < n * (gint64) strlen ("data "), FALSE);
}

/* Few and the same number of them, side by side: what a processor's cache holds is not what is looked for. */
static guint
pick (guint i,
      guint size)
{
  return (size / 2 + i % SCALING_TOUCHED) % size;
}

/* The entities of bench_1m up to @size, which the array keeps in the session's map */
static GPtrArray *
hold (Context      *context,
      CupelSession *session,
      guint         size)
{
  g_autoptr(CupelSelect) select = cupel_entity_select (large_get_type ());
  g_autoptr(GPtrArray) entities = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(CupelResult) result = NULL;
  Large *large;

  cupel_select_where (select, cupel_le (cupel_attr (large_get_type (), "id"), cupel_literal_int64 (size)));
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return NULL;
  while ((large = cupel_result_next (result)) != NULL)
    g_ptr_array_add (entities, g_object_ref (large));
  return g_steal_pointer (&entities);
}

static gboolean
scale_identity_map (Bench    *bench,
                    gpointer  data)
{
  Context *context = data;
  guint size = get_size (bench);
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(GPtrArray) entities = hold (context, session, size);
  gint64 sum = 0, expected = 0;

  if (entities == NULL)
    return failed (bench, context);
  bench_start (bench);
  for (guint i = 0; i < SCALING_GETS; i++)
    {
      gint64 key = 1 + (gint64) pick (i, size);
      g_autoptr(Large) large = cupel_session_get_int64 (session, large_get_type (), key, NULL, &context->error);

      if (large == NULL)
        return failed (bench, context);
      sum += large->id;
      expected += key;
    }
  bench_stop (bench);

  return bench_check (bench, "entities", entities->len, size) && bench_check (bench, "sum of ids", sum, expected);
}

static gboolean
scale_flush (Bench    *bench,
             gpointer  data)
{
  Context *context = data;
  guint size = get_size (bench);
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(GPtrArray) entities = hold (context, session, size);

  if (entities == NULL)
    return failed (bench, context);
  bench_start (bench);
  for (guint i = 0; i < SCALING_FLUSHES; i++)
    {
      char text[32];

      g_snprintf (text, sizeof (text), "changed %u", i);
      g_object_set (entities->pdata[pick (i, size)], "data", text, NULL);
      if (!cupel_session_flush (session, NULL, &context->error))
        return failed (bench, context);
    }
  bench_stop (bench);

  if (!cupel_session_rollback (session, NULL, &context->error))
    return failed (bench, context);
  return bench_check (bench, "entities", entities->len, size);
}

typedef struct
{
  CupelEngine *engine;
  CupelSelect *select;
  guint        number;
  guint        n_ops;
  gint64      *sum;
} Task;

static gboolean
task_func (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Task *task = data;

  for (guint i = 0; i < task->n_ops; i++)
    {
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelConnection) connection = NULL;
      g_autoptr(CupelResult) result = NULL;

      cupel_parameters_set_int64 (parameters, "id", BENCH_KEY (task->number, i));
      if ((connection = cupel_engine_connect (task->engine, cancellable, error)) == NULL ||
          (result = cupel_connection_execute (connection, CUPEL_STATEMENT (task->select), parameters, cancellable, error)) == NULL ||
          !cupel_result_step (result))
        return FALSE;
      *task->sum += cupel_result_get_int64 (result, 0);
      if (!cupel_connection_close (connection, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run_tasks (Bench       *bench,
           Context     *context,
           CupelEngine *engine,
           guint        n_tasks,
           guint        n_ops)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (cupel_entity_get_table (aa_get_type ()));
  g_autofree Task *tasks = g_new (Task, n_tasks);
  gint64 sum = 0, expected = 0;

  cupel_select_where (select, cupel_eq (cupel_attr (aa_get_type (), "id"), cupel_bind ("id", NULL)));
  bench_start (bench);
  for (guint i = 0; i < n_tasks; i++)
    {
      tasks[i] = (Task) { engine, select, i, n_ops, &sum };
      cupel_task_group_spawn (group, task_func, &tasks[i], NULL);
    }
  if (!cupel_task_group_join (group, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  for (guint i = 0; i < n_tasks; i++)
    for (guint k = 0; k < n_ops; k++)
      expected += BENCH_KEY (i, k);
  return bench_check (bench, "sum of ids", sum, expected);
}

static gboolean
scale_fibers (Bench    *bench,
              gpointer  data)
{
  Context *context = data;
  guint size = get_size (bench);

  return run_tasks (bench, context, context->engine, size, SCALING_TASK_OPS / size);
}

/* Opening them, and what each reads for the first time, is not what is measured. */
static gboolean
open_all (CupelEngine  *engine,
          guint         n,
          GError      **error)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT sum(length(data)) FROM bench_a");
  g_autoptr(GPtrArray) connections = g_ptr_array_new_with_free_func (g_object_unref);

  while (connections->len < n)
    {
      CupelConnection *connection = cupel_engine_connect (engine, NULL, error);
      g_autoptr(CupelResult) result = NULL;

      if (connection == NULL)
        return FALSE;
      g_ptr_array_add (connections, connection);
      if ((result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error)) == NULL)
        return FALSE;
    }
  for (guint i = 0; i < n; i++)
    if (!cupel_connection_close (connections->pdata[i], NULL, error))
      return FALSE;
  return TRUE;
}

static gboolean
scale_pool (Bench    *bench,
            gpointer  data)
{
  Context *context = data;
  guint size = get_size (bench);
  g_autoptr(CupelEngine) engine = cupel_engine_new (bench_get_url (bench), &context->error);
  gboolean good;

  if (engine == NULL)
    return failed (bench, context);
  g_object_set (engine, "pool-size", size, "max-overflow", 0, NULL);
  if (!open_all (engine, size, &context->error))
    return failed (bench, context);
  good = run_tasks (bench, context, engine, BENCH_TASKS, SCALING_TASK_OPS / BENCH_TASKS);
  return (cupel_engine_dispose (engine, NULL, &context->error) || failed (bench, context)) && good;
}

const BenchCase scaling_cases[] = {
  { "prepare-scaling", scaling_prepare },
  { "rows/1000", scale_rows },
  { "rows/10000", scale_rows },
  { "rows/100000", scale_rows },
  { "rows/1000000", scale_rows },
  { "rows/10000000", scale_rows },
  { "identity-map/1000", scale_identity_map },
  { "identity-map/10000", scale_identity_map },
  { "identity-map/100000", scale_identity_map },
  { "identity-map/1000000", scale_identity_map },
  { "flush/1000", scale_flush },
  { "flush/10000", scale_flush },
  { "flush/100000", scale_flush },
  { "flush/1000000", scale_flush },
  { "fibers/1", scale_fibers },
  { "fibers/10", scale_fibers },
  { "fibers/100", scale_fibers },
  { "fibers/1000", scale_fibers },
  { "fibers/10000", scale_fibers },
  { "pool/1", scale_pool },
  { "pool/2", scale_pool },
  { "pool/4", scale_pool },
  { "pool/8", scale_pool },
  { "pool/16", scale_pool },
  { "pool/32", scale_pool },
  { "pool/64", scale_pool },
  { NULL }
};
