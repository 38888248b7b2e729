/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-deadlines-private.h"
#include "runtime/cupel-fiber-private.h"
#include "runtime/cupel-scheduler-private.h"

#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scale.h"

#define FRAME 1024

static gsize
get_address_space (void)
{
  long pages = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%ld", &pages), ==, 1);
  fclose (file);

  return (gsize) pages * (gsize) sysconf (_SC_PAGESIZE);
}

static guint G_GNUC_NO_INLINE
recurse (guint depth)
{
  volatile char frame[FRAME];
  guint sum = 0;

  for (guint i = 0; i < FRAME; i++)
    frame[i] = (char) (depth + i);
  if (depth > 0)
    sum = recurse (depth - 1);
  for (guint i = 0; i < FRAME; i++)
    if (frame[i] != (char) (depth + i))
      return G_MAXUINT / 2;

  return sum + 1;
}

/* Goes down until only @left bytes are, and says how deep that was. */
static gsize G_GNUC_NO_INLINE
descend (char  *base,
         char  *top,
         gsize  left)
{
  volatile char frame[FRAME];

  frame[0] = frame[FRAME - 1] = 1;
  if ((char *) frame > base + left + 8 * FRAME)
    return descend (base, top, left) + (gsize) (frame[0] - frame[FRAME - 1]);

  return (gsize) (top - (char *) frame);
}

static void
deep_run (gpointer data)
{
  gpointer base;
  gsize size;
  char here;

  cupel_fiber_get_stack (cupel_fiber_get_current (), &base, &size);
  g_assert_cmpuint (size, ==, 256 * 1024);
  g_assert_true (&here > (char *) base || scale_is_slow ());
  if (!scale_is_slow ())
    {
      /* what is spent before the body of a fiber begins */
      g_assert_cmpuint ((gsize) ((char *) base + size - &here), <, 4096);
      g_assert_cmpuint (descend (base, (char *) base + size, 20 * 1024), >=, 200 * 1024);
      g_assert_cmpuint (recurse (180), ==, 181);
    }
  else
    {
      g_assert_cmpuint (recurse (60), ==, 61);
    }
  cupel_fiber_yield ();
  ++*(int *) data;
}

static void
test_deep (void)
{
  int n = 0;

  for (int i = 0; i < 40; i++)
    cupel_fiber_spawn (NULL, deep_run, &n, NULL);
  while (n < 40)
    g_main_context_iteration (NULL, TRUE);
}

static void
sized_run (gpointer data)
{
  gpointer base;
  gsize size;

  cupel_fiber_get_stack (cupel_fiber_get_current (), &base, &size);
  g_assert_cmpuint (size, ==, 4 * 1024 * 1024);
  g_assert_cmpuint (recurse (1000), ==, 1001);
  *(gboolean *) data = TRUE;
}

static void
test_size (void)
{
  gboolean done = FALSE;

  cupel_fiber_spawn_full (NULL, "sized", 4 * 1024 * 1024, sized_run, &done, NULL);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
}

static guint G_GNUC_NO_INLINE
recurse_for_ever (guint depth)
{
  volatile char frame[FRAME];

  for (guint i = 0; i < FRAME; i += 64)
    frame[i] = (char) depth;
  if (depth == G_MAXUINT)
    return 0;

  return recurse_for_ever (depth + 1) + (guint) frame[0];
}

static void
overflow_run (gpointer data)
{
  g_test_message ("%u", recurse_for_ever (0));
}

static void
neighbour_run (gpointer data)
{
  cupel_fiber_sleep (G_MAXUINT64, NULL, NULL);
}

static void
test_overflow (void)
{
  pid_t pid;
  int status;

  if (scale_is_slow ())
    {
      g_test_skip ("the tool takes the signal");
      return;
    }

  /* Between mapped neighbours it has to be the guard page that stops it. */
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      signal (SIGSEGV, SIG_DFL);
      for (int i = 0; i < 20; i++)
        cupel_fiber_spawn (NULL, neighbour_run, NULL, NULL);
      for (int i = 0; i < 20; i++)
        cupel_fiber_spawn (NULL, overflow_run, NULL, NULL);
      for (;;)
        g_main_context_iteration (NULL, TRUE);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGSEGV);
}

/* The system has no memory for so many stacks at once: some fibers begin when others have ended. */
static void
crowd_run (gpointer data)
{
  if (!cupel_fiber_sleep (20000, NULL, NULL))
    abort ();
  ++*(guint *) data;
}

static void
test_crowd (void)
{
  pid_t pid;
  int status;

  if (scale_is_slow ())
    {
      g_test_skip ("the tool needs the address space");
      return;
    }

  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      struct rlimit limit;
      guint n_done = 0;
      guint n_iterations = 0;
      gpointer spare;

      /* the heap grows beforehand */
      mallopt (M_TOP_PAD, 8 * 1024 * 1024);
      mallopt (M_TRIM_THRESHOLD, 64 * 1024 * 1024);
      spare = malloc (64 * 1024);
      free (spare);
      for (guint i = 0; i < 400; i++)
        cupel_fiber_spawn (NULL, crowd_run, &n_done, NULL);
      limit.rlim_cur = limit.rlim_max = get_address_space () + 20 * CUPEL_STACK_DEFAULT_SIZE;
      if (setrlimit (RLIMIT_AS, &limit) != 0)
        _exit (3);
      while (n_done < 400)
        {
          g_main_context_iteration (NULL, TRUE);
          n_iterations++;
        }
      /* and it was not by turning in circles */
      _exit (n_iterations < 20000 ? 0 : 4);
    }
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

static void
touch_run (gpointer data)
{
  volatile char frame[FRAME];

  frame[0] = frame[FRAME - 1] = 1;
  ++*(guint *) data;
}

static void
acquire_all (CupelStackPool  *pool,
             CupelStack     **stacks,
             guint            n)
{
  for (guint i = 0; i < n; i++)
    {
      stacks[i] = cupel_stack_pool_acquire (pool, 0);
      g_assert_nonnull (stacks[i]);
    }
}

/* Whether there is memory where the stack begins */
static gboolean
has_memory (CupelStack *stack)
{
  gsize page_size = (gsize) sysconf (_SC_PAGESIZE);
  unsigned char is_there = 0;
  gpointer base;
  gsize size;

  cupel_stack_get_bounds (stack, &base, &size);
  g_assert_cmpint (mincore ((char *) base + size - page_size, page_size, &is_there), ==, 0);
  return is_there & 1;
}

static void
test_trim (void)
{
  CupelStackPool pool = { { NULL }, };
  CupelStack *stacks[200], *again[45];
  CupelContext caller;
  guint n_ran = 0, n_with_memory = 0, n_idle, n_free;
  gint64 time;

  cupel_context_init_caller (&caller);
  acquire_all (&pool, stacks, G_N_ELEMENTS (stacks));
  g_assert_cmpuint (pool.n_idle, ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    cupel_stack_enter (stacks[i], &caller, touch_run, &n_ran);
  g_assert_cmpuint (n_ran, ==, G_N_ELEMENTS (stacks));

  /* One stays in use of each slab but the last ones. */
  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    if (i % 16 != 0 || i >= 160)
      cupel_stack_pool_release (&pool, g_steal_pointer (&stacks[i]), 1000);
  g_assert_cmpuint (pool.n_idle, ==, 190);
  time = pool.trim_time;
  g_assert_cmpint (time, >, 1000);

  cupel_stack_pool_trim (&pool, time);
  time = pool.trim_time;

  /* What was taken again in the meantime stays, */
  acquire_all (&pool, again, G_N_ELEMENTS (again));
  n_idle = pool.n_idle;
  g_assert_cmpuint (n_idle, >=, 140);
  for (guint i = 0; i < G_N_ELEMENTS (again); i++)
    cupel_stack_pool_release (&pool, again[i], time - 1);
  g_assert_cmpint (pool.trim_time, ==, time);
  n_free = pool.n_idle;
  cupel_stack_pool_trim (&pool, time);
  g_assert_cmpuint (pool.n_idle, ==, n_free - n_idle + 32);
  g_assert_cmpint (pool.trim_time, >, time);

  /* and after a time in which nothing was, some do. Then there is no more to do. */
  cupel_stack_pool_trim (&pool, pool.trim_time);
  g_assert_cmpuint (pool.n_idle, ==, 32);
  g_assert_cmpint (pool.trim_time, ==, 0);

  /* Those of slabs in use, too, gave their memory back, and can be used again; who has one did not lose it. */
  for (guint i = 0; i < 160; i += 16)
    {
      g_assert_true (has_memory (stacks[i]));
      acquire_all (&pool, stacks + i + 1, 15);
      for (guint k = 1; k < 16; k++)
        n_with_memory += has_memory (stacks[i + k]);
    }
  g_assert_cmpuint (n_with_memory, ==, 32);
  g_assert_cmpuint (pool.n_idle, ==, 0);
  n_ran = 0;
  for (guint i = 0; i < 160; i++)
    cupel_stack_enter (stacks[i], &caller, touch_run, &n_ran);
  g_assert_cmpuint (n_ran, ==, 160);
  for (guint i = 0; i < 160; i++)
    cupel_stack_pool_release (&pool, stacks[i], 2000);
  g_assert_cmpuint (pool.n_idle, ==, 160);
  cupel_stack_pool_clear (&pool);
}

static void
sleep_run (gpointer data)
{
  g_assert_true (cupel_fiber_sleep (1000, NULL, NULL));
  ++*(guint *) data;
}

/* The loop wakes up for it, and then sleeps. */
static void
test_give_back (void)
{
  CupelStackPool *pool = &cupel_scheduler_get (NULL)->stacks;
  guint n_done = 0, n_iterations = 0;
  gsize before = get_address_space ();

  for (guint i = 0; i < 1200; i++)
    cupel_fiber_spawn (NULL, sleep_run, &n_done, NULL);
  while (n_done < 1200)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (pool->n_idle, >=, 1000);

  while (pool->trim_time != 0)
    {
      g_main_context_iteration (NULL, TRUE);
      n_iterations++;
    }
  g_assert_cmpuint (pool->n_idle, <=, 32);
  g_assert_cmpuint (n_iterations, <, 100);
  g_assert_cmpuint (get_address_space (), <, before + 1000 * (gsize) CUPEL_STACK_DEFAULT_SIZE);
}

static void
test_deadlines (void)
{
  CupelDeadlines heap = { 0, };
  CupelDeadline items[500] = { { 0, }, };
  gint64 last = 0;
  guint n = 0;

  g_assert_null (cupel_deadlines_peek (&heap));
  for (guint round = 0; round < 20000; round++)
    {
      CupelDeadline *item = &items[g_test_rand_int_range (0, G_N_ELEMENTS (items))];

      if (item->index == 0)
        {
          cupel_deadlines_insert (&heap, item, g_test_rand_int_range (0, 1000));
          n++;
        }
      else
        {
          cupel_deadlines_remove (&heap, item);
          cupel_deadlines_remove (&heap, item);
          n--;
        }
      g_assert_cmpuint (heap.n_items, ==, n);
      if (round % 500 == 0)
        for (guint i = 0; i < G_N_ELEMENTS (items); i++)
          if (items[i].index != 0)
            g_assert_cmpint (cupel_deadlines_peek (&heap)->time, <=, items[i].time);
    }
  while (n-- > 0)
    {
      CupelDeadline *item = cupel_deadlines_peek (&heap);

      g_assert_cmpint (item->time, >=, last);
      last = item->time;
      cupel_deadlines_remove (&heap, item);
    }
  g_assert_null (cupel_deadlines_peek (&heap));
  cupel_deadlines_clear (&heap);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/stack/deep", test_deep);
  g_test_add_func ("/runtime/stack/size", test_size);
  g_test_add_func ("/runtime/stack/overflow", test_overflow);
  g_test_add_func ("/runtime/stack/crowd", test_crowd);
  g_test_add_func ("/runtime/stack/trim", test_trim);
  g_test_add_func ("/runtime/stack/give-back", test_give_back);
  g_test_add_func ("/runtime/deadlines", test_deadlines);

  return g_test_run ();
}
