/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "leases.h"

void
raw_leases_begin (RawLeases *self,
                  Bench     *bench)
{
  *self = (RawLeases) { .bench = bench, .waiting = G_QUEUE_INIT };

  bench_start (bench);
  for (guint i = 0; i < BENCH_TASKS; i++)
    {
      self->tasks[i] = (RawTask) { i, 0, g_get_monotonic_time () };
      g_queue_push_tail (&self->waiting, &self->tasks[i]);
    }
}

RawTask *
raw_leases_take (RawLeases *self)
{
  return g_queue_pop_head (&self->waiting);
}

void
raw_leases_done (RawLeases *self,
                 RawTask   *task)
{
  gint64 now = g_get_monotonic_time ();

  self->sum += self->rows.rows[self->rows.n - 1].id;
  bench_latency (self->bench, now - task->ready);
  task->ready = now;
  if (++task->done < BENCH_TASK_OPS)
    g_queue_push_tail (&self->waiting, task);
}

gboolean
raw_leases_end (RawLeases *self)
{
  gint64 expected = 0;

  bench_stop (self->bench);
  raw_rows_clear (&self->rows);
  for (guint i = 0; i < BENCH_TASKS; i++)
    for (guint k = 0; k < BENCH_TASK_OPS; k++)
      expected += BENCH_KEY (i, k);
  return bench_check (self->bench, "sum of ids", self->sum, expected);
}
