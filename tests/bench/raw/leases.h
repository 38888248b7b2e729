/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* W7 and W7T: tasks that queue for connections. What a lease does is the program's; here is who comes when, and what came of it. */

#include "raw.h"

G_BEGIN_DECLS

typedef struct
{
  guint  number;
  guint  done;
  gint64 ready;
} RawTask;

typedef struct
{
  Bench   *bench;
  RawTask  tasks[BENCH_TASKS];
  GQueue   waiting;
  RawRows  rows;               /* all that were read, as one who wants them keeps them */
  gint64   sum;
} RawLeases;

/* Starts the clock. */
void     raw_leases_begin (RawLeases *self,
                           Bench     *bench);
/* The first in the queue; NULL: it is empty. */
RawTask *raw_leases_take  (RawLeases *self);
/* Its row is the last one in rows. It queues again unless it is at its end. */
void     raw_leases_done  (RawLeases *self,
                           RawTask   *task);
/* Stops the clock. */
gboolean raw_leases_end   (RawLeases *self);

static inline gint64
raw_task_get_key (const RawTask *task)
{
  return BENCH_KEY (task->number, task->done);
}

G_END_DECLS
