/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workloads once more, for counting instead of timing: allocations here, instructions by callgrind around it. What would make
 * one run count other than the next is taken away: there is no timer, and the clock goes by how often it is asked.
 *
 *     bench-guard URL CASE,... DIVISOR
 *
 * Makes its tables itself. */

#include <stdlib.h>

#include "workloads.h"

/* glibc's own, under the names that what is below replaces in the whole process. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *memory, size_t size);

static guint64 allocations;

static inline void
count (void)
{
  __atomic_fetch_add (&allocations, 1, __ATOMIC_RELAXED);
}

__attribute__ ((visibility ("default"))) void *
malloc (size_t size)
{
  count ();
  return __libc_malloc (size);
}

__attribute__ ((visibility ("default"))) void *
calloc (size_t n,
        size_t size)
{
  count ();
  return __libc_calloc (n, size);
}

__attribute__ ((visibility ("default"))) void *
realloc (void  *memory,
         size_t size)
{
  count ();
  return __libc_realloc (memory, size);
}

static guint64
count_allocations (void)
{
  return __atomic_load_n (&allocations, __ATOMIC_RELAXED);
}

/* On a single one nobody spins, which would count by how long another thread takes. */
__attribute__ ((visibility ("default"))) guint
g_get_num_processors (void)
{
  return 1;
}

/* Slices of time, which depend on how busy the machine is, become slices of work. */
__attribute__ ((visibility ("default"))) gint64
g_get_monotonic_time (void)
{
  static gint64 now = G_USEC_PER_SEC;

  return __atomic_add_fetch (&now, 1, __ATOMIC_RELAXED);
}

static const BenchHooks hooks = { .count_allocations = count_allocations };

typedef struct
{
  Context     context;
  char      **arguments;
  int         status;
} Program;

static gboolean
run_case (Program    *self,
          const char *name)
{
  char *arguments[] = { self->arguments[0], self->arguments[1], (char *) name, (char *) "1", self->arguments[3], NULL };

  return bench_run ("cupel", G_N_ELEMENTS (arguments) - 1, arguments, workloads, &self->context) == EXIT_SUCCESS;
}

static gboolean
program (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Program *self = data;
  g_auto(GStrv) names = g_strsplit (self->arguments[2], ",", -1);
  gboolean good = run_case (self, "prepare");

  for (guint i = 0; good && names[i] != NULL; i++)
    good = run_case (self, names[i]);
  self->status = good ? EXIT_SUCCESS : EXIT_FAILURE;
  cupel_engine_dispose (self->context.engine, NULL, NULL);
  return TRUE;
}

static void
on_done (GObject      *source,
         GAsyncResult *result,
         gpointer      loop)
{
  g_autoptr(GError) error = NULL;

  if (!cupel_run_finish (result, &error))
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (loop);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  Program self = { .arguments = argv, .status = EXIT_FAILURE };

  if (argc != 4)
    {
      g_printerr ("usage: bench-guard URL CASE,... DIVISOR\n");
      return EXIT_FAILURE;
    }
  if ((self.context.engine = cupel_engine_new (argv[1], &error)) == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }

  bench_set_hooks (&hooks);
  cupel_run_async (program, &self, NULL, NULL, on_done, loop);
  g_main_loop_run (loop);
  g_object_unref (self.context.engine);
  return self.status;
}
