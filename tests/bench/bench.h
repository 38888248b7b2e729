/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>
#include <stdarg.h>

G_BEGIN_DECLS

/* What every program of the benchmark has in common: a command line, a clock, figures as lines of JSON.
 *
 *     PROGRAM URL CASE [REPETITIONS [DIVISOR]]
 *
 * The first repetition of a case warms up and is not reported. With a divisor there is so much less of everything, in the data
 * and to do. */

typedef struct _Bench Bench;

typedef gboolean (*BenchFunc) (Bench *bench, gpointer data);

typedef struct
{
  const char *name;
  BenchFunc   run;
} BenchCase;

/* What a program adds to each repetition; all optional. */
typedef struct
{
  void    (*before)            (void);
  void    (*stopped)           (void);   /* the clock has */
  guint64 (*count_allocations) (void);   /* since ever; of a repetition, they are reported */
} BenchHooks;

/* Around what is measured; between them nothing may be checked that the other programs do not do as well. */
void        bench_start       (Bench       *bench);
void        bench_stop        (Bench       *bench);

/* Says what is wrong; the figure is not reported and the program fails. */
gboolean    bench_wrong       (Bench       *bench,
                               const char  *format,
                               ...) G_GNUC_PRINTF (2, 3);
gboolean    bench_check       (Bench       *bench,
                               const char  *what,
                               gint64       is,
                               gint64       should_be);

/* What was written is there, by the answers to these; and so is what was changed. */
#define BENCH_COUNT_FAMILIES "SELECT count(*) FROM bench_wb JOIN bench_wa ON a_id = bench_wa.id"
#define BENCH_SUM_LENGTHS    "SELECT sum(length(data)) FROM bench_wa"
gboolean    bench_check_families (Bench    *bench,
                               gint64       n_children);
gboolean    bench_check_texts (Bench       *bench,
                               gint64       length);
gboolean    bench_check_changes (Bench     *bench,
                               gint64       n_changed);

/* Of single operations, for a distribution. */
void        bench_latency     (Bench       *bench,
                               gint64       microseconds);
/* How late a timer in the same loop was, and one of the priority that an interface is drawn at; counts between start and stop only. */
void        bench_late        (gint64       microseconds);
void        bench_frame_late  (gint64       microseconds);
/* Peak memory at this moment, in KiB: what comes later is growth. */
void        bench_mark_memory (Bench       *bench);

const char *bench_get_url     (Bench       *bench);
const char *bench_get_name    (Bench       *bench);

void        bench_set_hooks   (const BenchHooks *hooks);

/* The length of the command line is checked here, too. A case whose name begins with "prepare" is run once, without a figure.
 * @cases is a list of lists; NULL ends it, and a case without a name each of them. */
int         bench_run         (const char       *implementation,
                               int               argc,
                               char            **argv,
                               const BenchCase **cases,
                               gpointer          data);

/* The data that all of them read and write: 1 by the divisor of it. */
extern guint bench_divisor;
#define BENCH_ROWS_LARGE   (1000000 / bench_divisor)   /* bench_1m */
#define BENCH_ROWS         (100000 / bench_divisor)    /* bench_100k */
#define BENCH_PARENTS      (10000 / bench_divisor)     /* bench_a */
#define BENCH_CHILDREN     3                           /* of each, in bench_b */
#define BENCH_TASKS        64
#define BENCH_CONNECTIONS  8
#define BENCH_TASK_OPS     (200 / bench_divisor)
/* "data 1" ... : the length of all of them together */
gint64      bench_sum_lengths (guint            n_rows);
#define BENCH_SUM(n)       ((gint64) (n) * ((n) + 1) / 2)
/* create_date of row i: 2020-01-01 00:00:00 UTC and i seconds */
#define BENCH_EPOCH        G_GINT64_CONSTANT (1577836800)
/* The key that operation i of a task reads: all over the table, and the same in every program. */
#define BENCH_KEY(task, i) (1 + ((guint) (task) * 7919u + (guint) (i) * 104729u) % BENCH_PARENTS)

/* A server's address out of the URL, for programs that know no library of ours: `host` may be a folder with a socket. */
typedef struct
{
  char *user;
  char *host;
  char *database;
} BenchServer;

gboolean    bench_server_parse (const char   *url,
                                BenchServer  *server);
void        bench_server_clear (BenchServer  *server);

G_END_DECLS
