/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bench.h"
#include "scaling.h"
#include "suites.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Under callgrind the instructions between start and stop are a profile of their own. */
#ifdef CUPEL_HAVE_VALGRIND
# include <valgrind/callgrind.h>
#else
# define CALLGRIND_ZERO_STATS
# define CALLGRIND_DUMP_STATS_AT(name)
#endif

struct _Bench
{
  const char *implementation;
  const char *url;
  const char *name;
  gint64      started;
  gint64      elapsed;
  double      cpu;
  gint64      late;
  gint64      frame_late;
  guint64     memory_mark;
  guint64     allocations;
  gint64      heap;
  GArray     *latencies;
  gboolean    wrong;
};

guint bench_divisor = 1;

static Bench *running;
static const BenchHooks *hooks;

static guint64
peak_memory (void)
{
  g_autofree char *status = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/self/status", &status, NULL, NULL) || (line = strstr (status, "VmHWM:")) == NULL)
    return 0;
  return g_ascii_strtoull (line + strlen ("VmHWM:"), NULL, 10);
}

/* So that each repetition has a peak of its own. */
static void
forget_peak_memory (void)
{
  FILE *file = fopen ("/proc/self/clear_refs", "w");

  if (file == NULL)
    return;
  fputs ("5", file);
  fclose (file);
}

/* What is allocated, or 0 if that is not known */
static gint64
heap_in_use (void)
{
#if defined (__GLIBC__) && __GLIBC_PREREQ (2, 33)
  struct mallinfo2 info = mallinfo2 ();

  return (gint64) (info.uordblks + info.hblkhd);
#else
  return 0;
#endif
}

/* Of all threads */
static double
cpu_seconds (void)
{
  struct timespec used;

  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &used);
  return (double) used.tv_sec + (double) used.tv_nsec / 1e9;
}

void
bench_start (Bench *bench)
{
  running = bench;
  bench->heap = heap_in_use ();
  bench->allocations = hooks != NULL && hooks->count_allocations != NULL ? hooks->count_allocations () : 0;
  CALLGRIND_ZERO_STATS;
  bench->cpu = cpu_seconds ();
  bench->started = g_get_monotonic_time ();
}

void
bench_stop (Bench *bench)
{
  bench->elapsed = g_get_monotonic_time () - bench->started;
  bench->cpu = cpu_seconds () - bench->cpu;
  CALLGRIND_DUMP_STATS_AT (bench->name);
  bench->heap = heap_in_use () - bench->heap;
  if (hooks != NULL && hooks->count_allocations != NULL)
    bench->allocations = hooks->count_allocations () - bench->allocations;
  if (hooks != NULL && hooks->stopped != NULL)
    hooks->stopped ();
  running = NULL;
}

gboolean
bench_wrong (Bench      *bench,
             const char *format,
             ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);

  fprintf (stderr, "%s %s on %s: %s\n", bench->implementation, bench->name, bench->url, text);
  bench->wrong = TRUE;
  return FALSE;
}

gboolean
bench_check (Bench      *bench,
             const char *what,
             gint64      is,
             gint64      should_be)
{
  if (is == should_be)
    return TRUE;

  return bench_wrong (bench, "%s is %" G_GINT64_FORMAT ", not %" G_GINT64_FORMAT, what, is, should_be);
}

gboolean
bench_check_families (Bench  *bench,
                      gint64  n_children)
{
  return bench_check (bench, "rows", n_children, BENCH_PARENTS * BENCH_CHILDREN);
}

gboolean
bench_check_texts (Bench  *bench,
                   gint64  length)
{
  return bench_check (bench, "length of all", length, bench_sum_lengths (BENCH_ROWS));
}

gboolean
bench_check_changes (Bench  *bench,
                     gint64  n_changed)
{
  return bench_check (bench, "rows changed", n_changed, BENCH_PARENTS);
}

void
bench_latency (Bench  *bench,
               gint64  microseconds)
{
  g_array_append_val (bench->latencies, microseconds);
}

/* What was before the start is not the case's. */
static void
note_late (gint64 *longest,
           gint64  microseconds)
{
  *longest = MAX (*longest, MIN (microseconds, g_get_monotonic_time () - running->started));
}

void
bench_late (gint64 microseconds)
{
  if (running != NULL)
    note_late (&running->late, microseconds);
}

void
bench_frame_late (gint64 microseconds)
{
  if (running != NULL)
    note_late (&running->frame_late, microseconds);
}

void
bench_set_hooks (const BenchHooks *of_program)
{
  hooks = of_program;
}

void
bench_mark_memory (Bench *bench)
{
  bench->memory_mark = peak_memory ();
}

const char *
bench_get_url (Bench *bench)
{
  return bench->url;
}

const char *
bench_get_name (Bench *bench)
{
  return bench->name;
}

static int
compare_times (gconstpointer a,
               gconstpointer b)
{
  const gint64 *x = a, *y = b;

  return *x < *y ? -1 : *x > *y;
}

static gint64
percentile (GArray *sorted,
            double  share)
{
  return sorted->len > 0 ? g_array_index (sorted, gint64, (guint) ((sorted->len - 1) * share)) : 0;
}

static guint64
count_ops (const char *name)
{
  const struct
  {
    const char *name;
    guint64     ops;
  } all[] = {
    { "idle", 1 },
    { "W1", BENCH_ROWS },
    { "W2", BENCH_PARENTS * (1 + BENCH_CHILDREN) },
    { "W3", BENCH_ROWS_LARGE },
    { "W4", BENCH_PARENTS * (1 + BENCH_CHILDREN) },
    { "W5", BENCH_PARENTS },
    { "W6", BENCH_PARENTS },
    { "W7", BENCH_TASKS * BENCH_TASK_OPS },
    { "W7T", BENCH_TASKS * BENCH_TASK_OPS },
    { "W8", BENCH_ROWS },
    { "W9", BENCH_ROWS },
  };
  const struct
  {
    const char *prefix;
    guint64     ops;
  } scaling[] = {
    { "identity-map/", SCALING_GETS },
    { "flush/", SCALING_FLUSHES },
    { "fibers/", SCALING_TASK_OPS },
    { "pool/", SCALING_TASK_OPS / BENCH_TASKS * BENCH_TASKS },
  };

  if (g_str_has_prefix (name, "rows/"))
    return g_ascii_strtoull (name + strlen ("rows/"), NULL, 10);
  for (guint i = 0; i < G_N_ELEMENTS (scaling); i++)
    if (g_str_has_prefix (name, scaling[i].prefix))
      return scaling[i].ops;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (strcmp (all[i].name, name) == 0)
      return all[i].ops;
  if (suite_count_ops (name) == 0)
    g_error ("It is not known how much %s does", name);
  return suite_count_ops (name);
}

static void
report (Bench           *bench,
        const BenchCase *c,
        guint            repetition)
{
  guint64 peak = peak_memory ();

  g_array_sort (bench->latencies, compare_times);
  printf ("{\"implementation\": \"%s\", \"case\": \"%s\", \"repetition\": %u, \"ops\": %" G_GUINT64_FORMAT ", \"seconds\": %.6f, \"cpu_seconds\": %.6f",
          bench->implementation, c->name, repetition, count_ops (c->name), (double) bench->elapsed / G_USEC_PER_SEC, bench->cpu);
  printf (", \"peak_kib\": %" G_GUINT64_FORMAT ", \"growth_kib\": %" G_GUINT64_FORMAT ", \"heap_bytes\": %" G_GINT64_FORMAT
          ", \"allocations\": %" G_GUINT64_FORMAT,
          peak, bench->memory_mark > 0 && peak > bench->memory_mark ? peak - bench->memory_mark : 0, bench->heap, bench->allocations);
  printf (", \"late_us\": %" G_GINT64_FORMAT ", \"frame_us\": %" G_GINT64_FORMAT ", \"p50_us\": %" G_GINT64_FORMAT ", \"p99_us\": %" G_GINT64_FORMAT "}\n",
          bench->late, bench->frame_late, percentile (bench->latencies, 0.5), percentile (bench->latencies, 0.99));
  fflush (stdout);
}

int
bench_run (const char       *implementation,
           int               argc,
           char            **argv,
           const BenchCase **cases,
           gpointer          data)
{
  const BenchCase *c = NULL;
  g_autoptr(GArray) latencies = g_array_new (FALSE, FALSE, sizeof (gint64));
  guint64 repetitions = 3, divisor = 1;

  if (argc < 3 || argc > 5 ||
      (argc > 3 && !g_ascii_string_to_unsigned (argv[3], 10, 1, 1000, &repetitions, NULL)) ||
      (argc > 4 && !g_ascii_string_to_unsigned (argv[4], 10, 1, 200, &divisor, NULL)))
    {
      fprintf (stderr, "usage: %s URL CASE [REPETITIONS [DIVISOR]]\n", argv[0]);
      return EXIT_FAILURE;
    }
  bench_divisor = (guint) divisor;
  for (guint i = 0; c == NULL && cases[i] != NULL; i++)
    for (const BenchCase *one = cases[i]; c == NULL && one->name != NULL; one++)
      if (strcmp (one->name, argv[2]) == 0)
        c = one;
  if (c == NULL)
    {
      fprintf (stderr, "There is no case \"%s\"; those that there are:", argv[2]);
      for (guint i = 0; cases[i] != NULL; i++)
        for (const BenchCase *one = cases[i]; one->name != NULL; one++)
          fprintf (stderr, " %s", one->name);
      fputc ('\n', stderr);
      return EXIT_FAILURE;
    }
  if (g_str_has_prefix (c->name, "prepare"))
    repetitions = 0;

  for (guint i = 0; i <= repetitions; i++)
    {
      Bench bench = { .implementation = implementation, .url = argv[1], .name = c->name, .latencies = latencies };

      g_array_set_size (latencies, 0);
      forget_peak_memory ();
      if (hooks != NULL && hooks->before != NULL)
        hooks->before ();
      if (!c->run (&bench, data) || bench.wrong)
        {
          running = NULL;
          return EXIT_FAILURE;
        }
      if (i > 0)
        report (&bench, c, i);
    }

  return EXIT_SUCCESS;
}

gint64
bench_sum_lengths (guint n_rows)
{
  gint64 sum = 0;

  for (guint digits = 1, first = 1; first <= n_rows; digits++, first *= 10)
    sum += (gint64) (MIN (n_rows, first * 10 - 1) - first + 1) * (gint64) (strlen ("data ") + digits);

  return sum;
}

gboolean
bench_server_parse (const char  *url,
                    BenchServer *server)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GUri) uri = g_uri_parse (url, G_URI_FLAGS_HAS_PASSWORD, &error);
  g_autoptr(GHashTable) options = NULL;

  if (uri == NULL)
    {
      fprintf (stderr, "%s\n", error->message);
      return FALSE;
    }
  options = g_uri_parse_params (g_uri_get_query (uri) != NULL ? g_uri_get_query (uri) : "", -1, "&",
                                G_URI_PARAMS_NONE, NULL);
  server->user = g_strdup (g_uri_get_user (uri));
  server->host = g_strdup (options != NULL ? g_hash_table_lookup (options, "host") : NULL);
  server->database = g_strdup (g_uri_get_path (uri) + 1);
  if (server->host == NULL)
    fprintf (stderr, "The benchmark speaks to servers on a UNIX socket: ?host=/FOLDER\n");
  return server->host != NULL;
}

void
bench_server_clear (BenchServer *server)
{
  g_clear_pointer (&server->user, g_free);
  g_clear_pointer (&server->host, g_free);
  g_clear_pointer (&server->database, g_free);
}
