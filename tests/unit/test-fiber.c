/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "main-stack.h"
#include "scale.h"

/* Runs the default context until *@done. */
static void
iterate_until (const gboolean *done)
{
  while (!*done)
    g_main_context_iteration (NULL, TRUE);
}

static gsize
get_resident_size (void)
{
  long pages = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%*s %ld", &pages), ==, 1);
  fclose (file);

  return (gsize) pages * (gsize) sysconf (_SC_PAGESIZE);
}

typedef struct
{
  GString *log;
  gboolean done;
} Order;

static void
order_run (gpointer data)
{
  Order *order = data;

  g_assert_true (cupel_in_fiber ());
  g_assert_false (on_main_stack ());
  g_string_append_c (order->log, 'r');
}

static void
order_end (gpointer data)
{
  Order *order = data;

  g_assert_false (cupel_in_fiber ());
  g_assert_true (on_main_stack ());
  g_string_append_c (order->log, 'd');
  order->done = TRUE;
}

static void
test_spawn (void)
{
  Order order = { g_string_new (NULL), FALSE };

  g_assert_false (cupel_in_fiber ());
  cupel_fiber_spawn (NULL, order_run, &order, order_end);
  g_string_append_c (order.log, 's');
  iterate_until (&order.done);
  g_assert_cmpstr (order.log->str, ==, "srd");
  g_string_free (order.log, TRUE);
}

typedef struct
{
  GString *log;
  char letter;
  guint *n_left;
} Turn;

static void
turn_run (gpointer data)
{
  Turn *turn = data;

  for (int i = 0; i < 3; i++)
    {
      g_string_append_c (turn->log, turn->letter);
      cupel_fiber_yield ();
    }
  --*turn->n_left;
}

static void
test_yield (void)
{
  GString *log = g_string_new (NULL);
  guint n_left = 3;
  Turn turns[3];

  cupel_fiber_yield ();
  for (int i = 0; i < 3; i++)
    {
      turns[i] = (Turn) { log, 'a' + i, &n_left };
      cupel_fiber_spawn (NULL, turn_run, &turns[i], NULL);
    }
  while (n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (log->str, ==, "abcabcabc");
  g_string_free (log, TRUE);
}

#define N_HANDS 100

typedef struct
{
  CupelCompletion *given[N_HANDS + 1];   /* from hand to hand */
  guint            n_passed;
  gboolean         yields;
  guint            n_left;
} Hands;

static void
hand_run (gpointer data)
{
  Hands *hands = data;
  guint number = hands->n_left++;

  g_assert_true (cupel_completion_wait (hands->given[number], CUPEL_NO_DEADLINE, NULL, NULL));
  g_assert_cmpuint (hands->n_passed, ==, number);
  hands->n_passed++;
  if (hands->yields)
    cupel_fiber_yield ();
  cupel_completion_complete (hands->given[number + 1]);
}

static guint
count_turns (gboolean yields)
{
  Hands hands = { .yields = yields };
  guint n_turns = 0;

  for (guint i = 0; i <= N_HANDS; i++)
    hands.given[i] = cupel_completion_new ();
  for (guint i = 0; i < N_HANDS; i++)
    cupel_fiber_spawn (NULL, hand_run, &hands, NULL);
  /* All wait. */
  while (hands.n_left < N_HANDS)
    g_main_context_iteration (NULL, TRUE);

  cupel_completion_complete (hands.given[0]);
  for (; !cupel_completion_is_done (hands.given[N_HANDS]); n_turns++)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (hands.n_passed, ==, N_HANDS);
  for (guint i = 0; i <= N_HANDS; i++)
    cupel_completion_unref (hands.given[i]);
  return n_turns;
}

/* Who is woken by another fiber goes on in the same turn of the loop, for as long as a slice is; who yields does not. */
static void
test_hands (void)
{
  g_assert_cmpuint (count_turns (FALSE), <, N_HANDS / 2);
  g_assert_cmpuint (count_turns (TRUE), >=, N_HANDS);
}

static guint n_counted;
static guint n_destroyed;

static void
count_run (gpointer data)
{
  n_counted++;
}

static void
count_destroy (gpointer data)
{
  n_destroyed++;
}

static void
test_spawn_many (void)
{
  guint n = scale (100000, 2000);
  gsize before = get_resident_size ();

  n_counted = n_destroyed = 0;
  for (guint i = 0; i < n; i++)
    cupel_fiber_spawn (NULL, count_run, NULL, count_destroy);
  while (n_destroyed < n)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_counted, ==, n);
  if (!scale_is_slow ())
    g_assert_cmpuint (get_resident_size (), <, before + 100 * 1024 * 1024);
}

static CupelCompletion *gate;

static void
suspended_run (gpointer data)
{
  gint64 value = GPOINTER_TO_SIZE (data);
  gint64 square = value * value;
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_fiber_sleep (1000, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (square, ==, value * value);
  n_counted++;
  while (!cupel_completion_is_done (gate))
    g_assert_true (cupel_fiber_sleep (20000, NULL, &error));
}

static gboolean
too_much_run (gpointer data)
{
  g_error ("The memory of stacks was not given back");
  return G_SOURCE_REMOVE;
}

static void
test_suspend_many (void)
{
  guint n = scale (10000, 300);
  gsize before = get_resident_size ();

  gate = cupel_completion_new ();
  n_counted = n_destroyed = 0;
  for (guint i = 0; i < n; i++)
    cupel_fiber_spawn (NULL, suspended_run, GSIZE_TO_POINTER (i), count_destroy);
  while (n_counted < n)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_destroyed, ==, 0);
  if (!scale_is_slow ())
    g_assert_cmpuint (get_resident_size (), <, before + (gsize) n * 24 * 1024);

  cupel_completion_complete (gate);
  while (n_destroyed < n)
    g_main_context_iteration (NULL, TRUE);
  cupel_completion_unref (g_steal_pointer (&gate));

  /* Their stacks are kept for a moment, for the next ones. */
  if (!scale_is_slow ())
    {
      guint timeout = g_timeout_add (20000, too_much_run, NULL);

      while (get_resident_size () >= before + 40 * 1024 * 1024)
        g_main_context_iteration (NULL, TRUE);
      g_source_remove (timeout);
    }
}

static gboolean
sleeper_run (gpointer        data,
             GCancellable   *cancellable,
             GError        **error)
{
  gint64 begin = g_get_monotonic_time ();
  gboolean success = cupel_fiber_sleep (GPOINTER_TO_SIZE (data), cancellable, error);

  if (success)
    g_assert_cmpint (g_get_monotonic_time () - begin, >=, (gint64) GPOINTER_TO_SIZE (data));

  return success;
}

static void
test_sleep (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (sleeper_run, GSIZE_TO_POINTER (0), NULL, &error));
  g_assert_true (cupel_run (sleeper_run, GSIZE_TO_POINTER (1), NULL, &error));
  g_assert_true (cupel_run (sleeper_run, GSIZE_TO_POINTER (30000), NULL, &error));
  g_assert_no_error (error);

  g_assert_false (cupel_fiber_sleep (1, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
}

static gpointer
cancel_later (gpointer cancellable)
{
  g_usleep (20000);
  g_cancellable_cancel (cancellable);

  return NULL;
}

static void
cancel_now (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

static gboolean
cancelled_sleep_run (gpointer        data,
                     GCancellable   *cancellable,
                     GError        **error)
{
  /* From the same thread, then from another, then beforehand. */
  for (int i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) own = g_cancellable_new ();
      GThread *thread = NULL;

      if (i == 0)
        cupel_fiber_spawn (NULL, cancel_now, own, NULL);
      else if (i == 1)
        thread = g_thread_new ("cancel", cancel_later, own);
      else
        g_cancellable_cancel (own);

      g_assert_false (cupel_fiber_sleep (G_MAXUINT64, own, error));
      g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (error);
      if (thread != NULL)
        g_thread_join (thread);
    }

  return TRUE;
}

static void
test_sleep_cancel (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (cancelled_sleep_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
note_main_stack (gpointer data)
{
  g_assert_true (on_main_stack ());
  g_assert_false (cupel_in_fiber ());
  ++*(int *) data;
}

static gboolean
main_stack_run (gpointer        data,
                GCancellable   *cancellable,
                GError        **error)
{
  int n = 0;

  g_assert_false (on_main_stack ());
  for (int i = 0; i < 100; i++)
    {
      cupel_call_on_main_stack (note_main_stack, &n);
      g_assert_true (cupel_in_fiber ());
    }
  g_assert_cmpint (n, ==, 100);

  return TRUE;
}

static void
test_main_stack (void)
{
  g_autoptr(GError) error = NULL;
  int n = 0;

  cupel_call_on_main_stack (note_main_stack, &n);
  g_assert_cmpint (n, ==, 1);
  g_assert_true (cupel_run (main_stack_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* A closure that runs a loop of its own, in which other fibers go on, and closures of those. */
typedef struct
{
  int n_ends;
  int level;
} Nested;

static void nested_fiber_run (gpointer data);

static void
nested_closure (gpointer data)
{
  Nested *nested = data;
  int n_ends = nested->n_ends;

  g_assert_true (on_main_stack ());
  if (nested->level >= 3)
    return;
  nested->level++;
  cupel_fiber_spawn (NULL, nested_fiber_run, nested, NULL);
  while (nested->n_ends == n_ends)
    g_main_context_iteration (NULL, TRUE);
}

static void
nested_fiber_run (gpointer data)
{
  Nested *nested = data;
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_fiber_sleep (1000, NULL, &error));
  cupel_call_on_main_stack (nested_closure, nested);
  g_assert_true (cupel_in_fiber ());
  g_assert_true (cupel_fiber_sleep (1000, NULL, &error));
  nested->n_ends++;
}

static void
test_main_stack_nested_loop (void)
{
  Nested nested = { 0, };

  cupel_fiber_spawn (NULL, nested_fiber_run, &nested, NULL);
  while (nested.n_ends < 4)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (nested.level, ==, 3);
}

/* A loop that a fiber itself runs: what is dispatched there is in no fiber. */
static gboolean
on_idle_in_fiber (gpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_in_fiber ());
  g_assert_false (cupel_run (sleeper_run, NULL, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
  *(gboolean *) data = TRUE;

  return G_SOURCE_REMOVE;
}

static void
loop_in_fiber_run (gpointer data)
{
  gboolean idle_ran = FALSE;
  g_autoptr(GError) error = NULL;

  n_counted = n_destroyed = 0;
  g_idle_add (on_idle_in_fiber, &idle_ran);
  cupel_fiber_spawn (NULL, count_run, NULL, count_destroy);
  while (!idle_ran || n_destroyed == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (cupel_in_fiber ());
  g_assert_true (cupel_fiber_sleep (1000, NULL, &error));
  *(gboolean *) data = TRUE;
}

static void
test_loop_in_fiber (void)
{
  gboolean done = FALSE;

  cupel_fiber_spawn (NULL, loop_in_fiber_run, &done, NULL);
  iterate_until (&done);
}

static gboolean
pushed_context_run (gpointer        data,
                    GCancellable   *cancellable,
                    GError        **error)
{
  GMainContext *context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, "*thread-default main context was pushed*");
  g_assert_false (cupel_fiber_sleep (1000, NULL, error));
  g_test_assert_expected_messages ();
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT);
  g_clear_error (error);
  g_main_context_pop_thread_default (context);
  g_main_context_unref (context);

  return cupel_fiber_sleep (1000, NULL, error);
}

static void
test_pushed_context (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (pushed_context_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* How late a timer of one millisecond comes while a fiber has always something to do: in time that this thread was
 * given, since a machine that is busy with something else makes everything late. */
typedef struct
{
  gboolean stop;
  gint64 last;
  gint64 worst;
  guint n_ticks;
  gboolean rows;
} Starve;

static gint64
get_thread_time (void)
{
  struct timespec time;

  g_assert_cmpint (clock_gettime (CLOCK_THREAD_CPUTIME_ID, &time), ==, 0);

  return time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static void
be_busy (gint64 microseconds)
{
  gint64 end = get_thread_time () + microseconds;

  while (get_thread_time () < end)
    ;
}

static void
starve_run (gpointer data)
{
  Starve *starve = data;
  CupelCompletion *ready = cupel_completion_new ();
  g_autoptr(GError) error = NULL;

  cupel_completion_complete (ready);
  while (!starve->stop)
    {
      if (starve->rows)
        cupel_fiber_tick ();
      else
        g_assert_true (cupel_completion_wait (ready, CUPEL_NO_DEADLINE, NULL, &error));
      /* some of them are slow */
      if (g_random_int_range (0, 20000) == 0)
        be_busy (500);
    }
  cupel_completion_unref (ready);
  n_destroyed++;
}

static gboolean
starve_tick (gpointer data)
{
  Starve *starve = data;
  gint64 now = get_thread_time ();

  starve->worst = MAX (starve->worst, now - starve->last - 1000);
  starve->last = now;
  if (++starve->n_ticks < 60)
    return G_SOURCE_CONTINUE;
  starve->stop = TRUE;

  return G_SOURCE_REMOVE;
}

static int
compare_times (gconstpointer a,
               gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;

  return first < second ? -1 : first > second;
}

/* The median of several runs is below @bound: one of them may have met something that is not this process's doing. */
static void
check_lateness (gint64 *worst,
                guint   n,
                gint64  bound)
{
  qsort (worst, n, sizeof (gint64), compare_times);
  g_test_message ("worst lateness of a 1 ms timer, median of %u runs: %" G_GINT64_FORMAT " us", n, worst[n / 2]);
  g_assert_cmpint (worst[n / 2], <, bound);
}

static void
test_starvation (gconstpointer data)
{
  gint64 worst[5];

  for (guint i = 0; i < G_N_ELEMENTS (worst); i++)
    {
      Starve starve = { FALSE, get_thread_time (), 0, 0, GPOINTER_TO_INT (data) };

      n_destroyed = 0;
      cupel_fiber_spawn (NULL, starve_run, &starve, NULL);
      g_timeout_add (1, starve_tick, &starve);
      while (n_destroyed == 0)
        g_main_context_iteration (NULL, TRUE);
      worst[i] = starve.worst;
    }
  check_lateness (worst, G_N_ELEMENTS (worst), scale (10000, 100000));
}

/* Many descriptors are ready at the same time, and each has a fiber with something to do. */
typedef struct
{
  Starve *starve;
  int fds[2];
} Reader;

static void
reader_run (gpointer data)
{
  Reader *reader = data;
  CupelIoWatch *watch = cupel_io_watch_new (reader->fds[0]);
  g_autoptr(GError) error = NULL;

  while (!reader->starve->stop)
    {
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, CUPEL_NO_DEADLINE, NULL, &error), ==, G_IO_IN);
      be_busy (1000);
    }
  cupel_io_watch_free (watch);
  n_destroyed++;
}

static gint64
starve_readers (void)
{
  Starve starve = { FALSE, 0, 0, 0, FALSE };
  Reader readers[40];

  n_destroyed = 0;
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      readers[i].starve = &starve;
      g_assert_cmpint (pipe (readers[i].fds), ==, 0);
      g_assert_cmpint (write (readers[i].fds[1], "x", 1), ==, 1);
      cupel_fiber_spawn (NULL, reader_run, &readers[i], NULL);
    }
  starve.last = get_thread_time ();
  g_timeout_add (1, starve_tick, &starve);
  while (n_destroyed < G_N_ELEMENTS (readers))
    g_main_context_iteration (NULL, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      close (readers[i].fds[0]);
      close (readers[i].fds[1]);
    }
  return starve.worst;
}

static void
test_starvation_io (void)
{
  gint64 worst[3];

  for (guint i = 0; i < G_N_ELEMENTS (worst); i++)
    worst[i] = starve_readers ();
  check_lateness (worst, G_N_ELEMENTS (worst), scale (15000, 100000));
}

typedef struct
{
  GMainContext *context;
  GThread *thread;
  gboolean done;
  int n_sleeps;
} Remote;

static void
remote_run (gpointer data)
{
  Remote *remote = data;
  g_autoptr(GError) error = NULL;

  g_assert_true (g_thread_self () == remote->thread);
  g_assert_true (g_main_context_get_thread_default () == remote->context);
  for (int i = 0; i < 5; i++)
    {
      g_assert_true (cupel_fiber_sleep (500, NULL, &error));
      g_assert_true (g_thread_self () == remote->thread);
      remote->n_sleeps++;
    }
}

static void
remote_end (gpointer data)
{
  Remote *remote = data;

  remote->done = TRUE;
}

/* It iterates the context without having made it the thread-default one. */
static gpointer
remote_thread (gpointer data)
{
  Remote *remote = data;

  remote->thread = g_thread_self ();
  while (!remote->done)
    g_main_context_iteration (remote->context, TRUE);
  g_assert_null (g_main_context_get_thread_default ());

  return NULL;
}

static void
test_spawn_remote (void)
{
  for (int i = 0; i < 20; i++)
    {
      Remote remote = { g_main_context_new (), };
      GThread *thread;

      thread = g_thread_new ("remote", remote_thread, &remote);
      if (i % 2)
        g_usleep (3000);
      cupel_fiber_spawn (remote.context, remote_run, &remote, remote_end);
      g_thread_join (thread);
      g_assert_cmpint (remote.n_sleeps, ==, 5);
      g_main_context_unref (remote.context);
    }
}

typedef struct
{
  int n_cancelled;
  int n_ends;
} Orphan;

static void
orphan_run (gpointer data)
{
  Orphan *orphan = data;
  g_autoptr(CupelCompletion) never = cupel_completion_new ();
  g_autoptr(GError) error = NULL;
  CupelIoWatch *watch;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_false (cupel_completion_wait (never, CUPEL_NO_DEADLINE, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  orphan->n_cancelled++;
  g_clear_error (&error);

  g_assert_false (cupel_fiber_sleep (1000000, NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  watch = cupel_io_watch_new (fds[0]);
  g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, CUPEL_NO_DEADLINE, NULL, &error), ==, 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  cupel_io_watch_free (watch);
  close (fds[0]);
  close (fds[1]);
}

static void
orphan_watch_run (gpointer data)
{
  Orphan *orphan = data;
  g_autoptr(GError) error = NULL;
  CupelIoWatch *watch;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  watch = cupel_io_watch_new (fds[0]);
  g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, CUPEL_NO_DEADLINE, NULL, &error), ==, 0);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  orphan->n_cancelled++;
  cupel_fiber_yield ();
  cupel_fiber_spawn (NULL, count_run, NULL, count_destroy);
  cupel_io_watch_free (watch);
  close (fds[0]);
  close (fds[1]);
}

static void
orphan_end (gpointer data)
{
  ((Orphan *) data)->n_ends++;
}

static void
test_context_destroyed (void)
{
  GMainContext *context = g_main_context_new ();
  Orphan orphan = { 0, };

  n_counted = n_destroyed = 0;
  cupel_fiber_spawn (context, orphan_run, &orphan, orphan_end);
  cupel_fiber_spawn (context, orphan_watch_run, &orphan, orphan_end);
  while (g_main_context_iteration (context, FALSE))
    ;
  cupel_fiber_spawn (context, count_run, NULL, count_destroy);
  g_assert_cmpint (orphan.n_cancelled, ==, 0);
  g_main_context_unref (context);
  g_assert_cmpint (orphan.n_cancelled, ==, 2);
  g_assert_cmpint (orphan.n_ends, ==, 2);
  g_assert_cmpuint (n_counted, ==, 2);
  g_assert_cmpuint (n_destroyed, ==, 2);
}

static gboolean
leave_fiber_run (gpointer        data,
                 GCancellable   *cancellable,
                 GError        **error)
{
  cupel_fiber_spawn (NULL, orphan_run, data, orphan_end);
  cupel_fiber_yield ();

  return TRUE;
}

static gpointer
ending_thread (gpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (leave_fiber_run, data, NULL, &error));

  return NULL;
}

static void
test_thread_ends (void)
{
  Orphan orphan = { 0, };

  g_thread_join (g_thread_new ("ending", ending_thread, &orphan));
  g_assert_cmpint (orphan.n_cancelled, ==, 1);
  g_assert_cmpint (orphan.n_ends, ==, 1);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/fiber/spawn", test_spawn);
  g_test_add_func ("/runtime/fiber/yield", test_yield);
  g_test_add_func ("/runtime/fiber/hands", test_hands);
  g_test_add_func ("/runtime/fiber/spawn-many", test_spawn_many);
  g_test_add_func ("/runtime/fiber/suspend-many", test_suspend_many);
  g_test_add_func ("/runtime/fiber/sleep", test_sleep);
  g_test_add_func ("/runtime/fiber/sleep-cancel", test_sleep_cancel);
  g_test_add_func ("/runtime/fiber/main-stack", test_main_stack);
  g_test_add_func ("/runtime/fiber/main-stack-nested-loop", test_main_stack_nested_loop);
  g_test_add_func ("/runtime/fiber/loop-in-fiber", test_loop_in_fiber);
  g_test_add_func ("/runtime/fiber/pushed-context", test_pushed_context);
  g_test_add_data_func ("/runtime/fiber/starvation/ready-waits", GINT_TO_POINTER (FALSE), test_starvation);
  g_test_add_data_func ("/runtime/fiber/starvation/rows", GINT_TO_POINTER (TRUE), test_starvation);
  g_test_add_func ("/runtime/fiber/starvation/descriptors", test_starvation_io);
  g_test_add_func ("/runtime/fiber/spawn-remote", test_spawn_remote);
  g_test_add_func ("/runtime/fiber/context-destroyed", test_context_destroyed);
  g_test_add_func ("/runtime/fiber/thread-ends", test_thread_ends);

  return g_test_run ();
}
