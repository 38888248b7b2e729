/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

#include <sys/socket.h>
#include <unistd.h>

#include "scale.h"

static gint64
in_milliseconds (int milliseconds)
{
  return g_get_monotonic_time () + milliseconds * 1000;
}

static gpointer
complete_later (gpointer completion)
{
  g_usleep (10000);
  cupel_completion_complete (completion);

  return NULL;
}

static void
complete_now (gpointer completion)
{
  cupel_completion_complete (completion);
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
completion_run (gpointer        data,
                GCancellable   *cancellable,
                GError        **error)
{
  g_autoptr(CupelCompletion) completion = cupel_completion_new ();
  GThread *thread;

  /* done beforehand, which wins over everything */
  g_assert_false (cupel_completion_is_done (completion));
  cupel_completion_complete (completion);
  cupel_completion_complete (completion);
  g_assert_true (cupel_completion_is_done (completion));
  g_cancellable_cancel (cancellable);
  g_assert_true (cupel_completion_wait (completion, 0, cancellable, error));
  g_cancellable_reset (cancellable);

  cupel_completion_reset (completion);
  g_assert_false (cupel_completion_is_done (completion));
  cupel_fiber_spawn (NULL, complete_now, completion, NULL);
  g_assert_true (cupel_completion_wait (completion, CUPEL_NO_DEADLINE, cancellable, error));

  cupel_completion_reset (completion);
  thread = g_thread_new ("complete", complete_later, completion);
  g_assert_true (cupel_completion_wait (completion, in_milliseconds (30000), cancellable, error));
  g_thread_join (thread);

  return TRUE;
}

static void
test_completion (void)
{
  g_autoptr(CupelCompletion) completion = cupel_completion_new ();
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (completion_run, NULL, cancellable, &error));
  g_assert_no_error (error);

  g_assert_false (cupel_completion_wait (completion, CUPEL_NO_DEADLINE, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
}

static gboolean
completion_fail_run (gpointer        data,
                     GCancellable   *cancellable,
                     GError        **error)
{
  g_autoptr(CupelCompletion) completion = cupel_completion_new ();
  gint64 deadline;

  deadline = in_milliseconds (10);
  g_assert_false (cupel_completion_wait (completion, deadline, NULL, error));
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpint (g_get_monotonic_time (), >=, deadline);
  g_clear_error (error);

  g_assert_false (cupel_completion_wait (completion, 0, NULL, error));
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_clear_error (error);

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
      g_assert_false (cupel_completion_wait (completion, in_milliseconds (30000), own, error));
      g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (error);
      if (thread != NULL)
        g_thread_join (thread);

      /* clean-up waits without a cancellable, and is not disturbed */
      g_assert_true (cupel_fiber_sleep (1000, NULL, error));
    }

  return TRUE;
}

static void
test_completion_fail (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (completion_fail_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
wait_fiber (gpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_completion_wait (data, CUPEL_NO_DEADLINE, NULL, &error));
}

static gboolean
busy_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  CupelCompletion *completion = cupel_completion_new ();

  cupel_fiber_spawn (NULL, wait_fiber, completion, (GDestroyNotify) cupel_completion_unref);
  cupel_fiber_yield ();
  g_assert_false (cupel_completion_wait (completion, CUPEL_NO_DEADLINE, NULL, error));
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (error);
  cupel_completion_complete (completion);
  cupel_fiber_yield ();
  cupel_fiber_yield ();

  return TRUE;
}

static void
test_completion_busy (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (busy_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* Another thread completes while a third cancels, and a deadline passes now and then. Some have a rival too late for the race. */
#define N_RACERS 2

typedef struct
{
  CupelCompletion *completion;
  GCancellable *cancellable;
  int ended;
} Heat;

typedef struct
{
  GAsyncQueue *queue;
  gboolean cancels;
} Racer;

static void
heat_unref (Heat *heat)
{
  if (g_atomic_int_add (&heat->ended, 1) != N_RACERS)
    return;

  cupel_completion_unref (heat->completion);
  g_object_unref (heat->cancellable);
  g_free (heat);
}

static gpointer
racer_thread (gpointer data)
{
  Racer *racer = data;
  Heat *heat;
  guint spin = 0;

  while ((heat = g_async_queue_pop (racer->queue)) != (gpointer) racer)
    {
      for (volatile guint i = 0; i < spin % 64; i++)
        ;
      spin = spin * 1103515245 + 12345;
      if (racer->cancels)
        g_cancellable_cancel (heat->cancellable);
      else
        cupel_completion_complete (heat->completion);
      heat_unref (heat);
    }

  return NULL;
}

static gboolean
race_run (gpointer        data,
          GCancellable   *cancellable,
          GError        **error)
{
  guint n = scale (100000, 3000);
  guint n_done = 0, n_cancelled = 0, n_timeouts = 0;
  Racer racers[N_RACERS];
  GThread *threads[N_RACERS];

  for (guint i = 0; i < N_RACERS; i++)
    {
      racers[i] = (Racer) { g_async_queue_new (), i == 0 };
      threads[i] = g_thread_new ("racer", racer_thread, &racers[i]);
    }

  for (guint i = 0; i < n; i++)
    {
      Heat *heat = g_new0 (Heat, 1);
      gboolean walkover = i % 16 == 7 || i % 16 == 8;
      gboolean waited;
      gint64 deadline = i % 16 == 0 ? g_get_monotonic_time () + 5 : CUPEL_NO_DEADLINE;

      heat->completion = cupel_completion_new ();
      heat->cancellable = g_cancellable_new ();
      g_async_queue_push (racers[i % 2].queue, heat);
      if (!walkover)
        g_async_queue_push (racers[1 - i % 2].queue, heat);
      waited = cupel_completion_wait (heat->completion, deadline, heat->cancellable, error);
      if (walkover)
        {
          g_assert_true (waited == !racers[i % 2].cancels);
          g_async_queue_push (racers[1 - i % 2].queue, heat);
        }
      if (waited)
        {
          g_assert_true (cupel_completion_is_done (heat->completion));
          n_done++;
        }
      else if (g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          g_assert_true (g_cancellable_is_cancelled (heat->cancellable));
          n_cancelled++;
        }
      else
        {
          g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
          g_assert_cmpint (deadline, !=, CUPEL_NO_DEADLINE);
          n_timeouts++;
        }
      g_clear_error (error);
      heat_unref (heat);
    }
  g_test_message ("done %u, cancelled %u, timed out %u", n_done, n_cancelled, n_timeouts);
  g_assert_cmpuint (n_done + n_cancelled + n_timeouts, ==, n);
  g_assert_cmpuint (n_done, >=, n / 16);
  g_assert_cmpuint (n_cancelled, >=, n / 16);

  for (guint i = 0; i < N_RACERS; i++)
    {
      g_async_queue_push (racers[i].queue, &racers[i]);
      g_thread_join (threads[i]);
      g_async_queue_unref (racers[i].queue);
    }

  return TRUE;
}

static void
test_race (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (race_run, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* A handler of the same cancellable iterates the loop, in which the fiber ends: disconnecting must not wait for the handler. */
typedef struct
{
  GCancellable *cancellable;
  gboolean ended;
} CancelInside;

static void
cancel_inside_fiber (gpointer data)
{
  CancelInside *inside = data;
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_fiber_sleep (G_MAXUINT64, inside->cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancel_inside_end (gpointer data)
{
  ((CancelInside *) data)->ended = TRUE;
}

static void
cancel_inside_handler (GCancellable *cancellable,
                       CancelInside *inside)
{
  while (!inside->ended)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_cancel_inside_handler (void)
{
  CancelInside inside = { g_cancellable_new (), FALSE };

  cupel_fiber_spawn (NULL, cancel_inside_fiber, &inside, cancel_inside_end);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_cancellable_connect (inside.cancellable, G_CALLBACK (cancel_inside_handler), &inside, NULL);
  g_cancellable_cancel (inside.cancellable);
  g_assert_true (inside.ended);
  g_object_unref (inside.cancellable);
}

static gpointer
write_later (gpointer data)
{
  g_usleep (10000);
  g_assert_cmpint (write (GPOINTER_TO_INT (data), "x", 1), ==, 1);

  return NULL;
}

static void
make_sockets (int fds[2])
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
}

static gboolean
io_run (gpointer        data,
        GCancellable   *cancellable,
        GError        **error)
{
  CupelIoWatch *watch;
  GThread *thread;
  int fds[2];
  char c;

  make_sockets (fds);
  watch = cupel_io_watch_new (fds[0]);
  g_assert_cmpint (cupel_io_watch_get_fd (watch), ==, fds[0]);

  g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_OUT, CUPEL_NO_DEADLINE, cancellable, error), ==, G_IO_OUT);
  for (int i = 0; i < 3; i++)
    {
      thread = g_thread_new ("write", write_later, GINT_TO_POINTER (fds[1]));
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, in_milliseconds (30000), cancellable, error), ==, G_IO_IN);
      g_thread_join (thread);
      /* both at once */
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN | G_IO_OUT, CUPEL_NO_DEADLINE, NULL, error), ==, G_IO_IN | G_IO_OUT);
      g_assert_cmpint (read (fds[0], &c, 1), ==, 1);
    }

  g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, in_milliseconds (10), cancellable, error), ==, 0);
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_clear_error (error);

  for (int i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) own = g_cancellable_new ();

      thread = NULL;
      if (i == 0)
        cupel_fiber_spawn (NULL, cancel_now, own, NULL);
      else if (i == 1)
        thread = g_thread_new ("cancel", cancel_later, own);
      else
        g_cancellable_cancel (own);
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, in_milliseconds (30000), own, error), ==, 0);
      g_assert_error (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (error);
      if (thread != NULL)
        g_thread_join (thread);
    }

  /* The peer goes: that is told, and again when asked again. */
  close (fds[1]);
  for (int i = 0; i < 3; i++)
    {
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, in_milliseconds (30000), NULL, error) & G_IO_HUP, ==, G_IO_HUP);
      g_assert_true (cupel_fiber_sleep (2000, NULL, error));
    }
  cupel_io_watch_free (watch);
  close (fds[0]);

  return TRUE;
}

static void
test_io (void)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;
  CupelIoWatch *watch;

  g_assert_true (cupel_run (io_run, NULL, cancellable, &error));
  g_assert_no_error (error);

  watch = cupel_io_watch_new (0);
  g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, CUPEL_NO_DEADLINE, NULL, &error), ==, 0);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER);
  cupel_io_watch_free (watch);
}

/* A descriptor that was hung up and that nobody waits for must not keep the loop busy. */
static gboolean
idle_hup_run (gpointer        data,
              GCancellable   *cancellable,
              GError        **error)
{
  CupelIoWatch *watch = data;

  return cupel_io_watch_wait (watch, G_IO_OUT, CUPEL_NO_DEADLINE, NULL, error) != 0;
}

static void
idle_hup_ready (GObject      *source,
                GAsyncResult *result,
                gpointer      data)
{
  g_assert_true (cupel_run_finish (result, NULL));
  *(gboolean *) data = TRUE;
}

static gboolean
set_flag (gpointer data)
{
  *(gboolean *) data = TRUE;

  return G_SOURCE_REMOVE;
}

static void
test_io_idle_hup (void)
{
  CupelIoWatch *watch;
  gboolean done = FALSE, over = FALSE;
  guint n_iterations = 0;
  int fds[2];

  make_sockets (fds);
  watch = cupel_io_watch_new (fds[0]);
  cupel_run_async (idle_hup_run, watch, NULL, NULL, idle_hup_ready, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  close (fds[1]);
  g_timeout_add (50, set_flag, &over);
  while (!over)
    {
      g_main_context_iteration (NULL, TRUE);
      n_iterations++;
    }
  g_assert_cmpuint (n_iterations, <, 20);

  done = FALSE;
  cupel_run_async (idle_hup_run, watch, NULL, NULL, idle_hup_ready, &done);
  while (!done)
    g_main_context_iteration (NULL, TRUE);
  cupel_io_watch_free (watch);
  close (fds[0]);
}

/* A watch moves from thread to thread, each with its own context. */
static gboolean
io_once_run (gpointer        data,
             GCancellable   *cancellable,
             GError        **error)
{
  CupelIoWatch *watch = data;
  char c;

  if (cupel_io_watch_wait (watch, G_IO_IN, in_milliseconds (30000), NULL, error) == 0)
    return FALSE;
  g_assert_cmpint (read (cupel_io_watch_get_fd (watch), &c, 1), ==, 1);

  return TRUE;
}

static gpointer
io_once_thread (gpointer watch)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (io_once_run, watch, NULL, &error));

  return NULL;
}

static void
test_io_move (void)
{
  g_autoptr(GError) error = NULL;
  CupelIoWatch *watch;
  int fds[2];

  make_sockets (fds);
  watch = cupel_io_watch_new (fds[0]);
  for (int i = 0; i < 50; i++)
    {
      GThread *thread = g_thread_new ("once", io_once_thread, watch);

      g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
      g_thread_join (thread);
      g_assert_cmpint (write (fds[1], "x", 1), ==, 1);
      g_assert_true (cupel_run (io_once_run, watch, NULL, &error));
    }
  cupel_io_watch_free (watch);
  close (fds[0]);
  close (fds[1]);
}

/* Two fibers play ball over sockets. */
typedef struct
{
  CupelIoWatch *watch;
  guint n;
  gboolean serves;
  guint *n_left;
} Player;

static void
player_run (gpointer data)
{
  Player *player = data;
  int fd = cupel_io_watch_get_fd (player->watch);
  g_autoptr(GError) error = NULL;
  char c = 'x';

  for (guint i = 0; i < player->n; i++)
    {
      if (i > 0 || !player->serves)
        {
          g_assert_cmpint (cupel_io_watch_wait (player->watch, G_IO_IN, in_milliseconds (30000), NULL, &error), ==, G_IO_IN);
          g_assert_cmpint (read (fd, &c, 1), ==, 1);
        }
      g_assert_cmpint (write (fd, &c, 1), ==, 1);
    }
  --*player->n_left;
}

static void
test_io_ping_pong (void)
{
  guint n_left = 2;
  Player players[2];
  int fds[2];

  make_sockets (fds);
  for (int i = 0; i < 2; i++)
    {
      players[i] = (Player) { cupel_io_watch_new (fds[i]), scale (20000, 500), i == 0, &n_left };
      cupel_fiber_spawn (NULL, player_run, &players[i], NULL);
    }
  while (n_left > 0)
    g_main_context_iteration (NULL, TRUE);
  for (int i = 0; i < 2; i++)
    {
      cupel_io_watch_free (players[i].watch);
      close (fds[i]);
    }
}

/* A context goes away while another thread completes what one of its fibers waits for. */

static CupelCompletion *to_complete;   /* of the thread; NULL: it did */

static void
wait_for_thread (gpointer data)
{
  CupelCompletion *completion = data;

  cupel_completion_wait (completion, CUPEL_NO_DEADLINE, NULL, NULL);
  cupel_completion_unref (completion);
}

static gpointer
complete_all (gpointer data)
{
  const guint n_rounds = GPOINTER_TO_UINT (data);

  for (guint n = 0; n < n_rounds; n++)
    {
      CupelCompletion *completion;

      while ((completion = g_atomic_pointer_get (&to_complete)) == NULL)
        g_thread_yield ();
      for (volatile guint i = 0; i < n % 64 * 20; i++)
        ;
      cupel_completion_complete (completion);
      g_atomic_pointer_set (&to_complete, NULL);
    }
  return NULL;
}

static void
test_context_gone (void)
{
  const guint n_rounds = scale (10000, 300);
  GThread *thread = g_thread_new ("complete", complete_all, GUINT_TO_POINTER (n_rounds));

  for (guint n = 0; n < n_rounds; n++)
    {
      GMainContext *context = g_main_context_new ();
      CupelCompletion *completion = cupel_completion_new ();

      cupel_fiber_spawn (context, wait_for_thread, cupel_completion_ref (completion), NULL);
      while (g_main_context_iteration (context, FALSE))
        ;
      g_atomic_pointer_set (&to_complete, completion);
      for (volatile guint i = 0; i < n % 97 * 10; i++)
        ;
      g_main_context_unref (context);
      while (g_atomic_pointer_get (&to_complete) != NULL)
        g_thread_yield ();
      cupel_completion_unref (completion);
    }
  g_thread_join (thread);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/completion/wait", test_completion);
  g_test_add_func ("/runtime/completion/fail", test_completion_fail);
  g_test_add_func ("/runtime/completion/busy", test_completion_busy);
  g_test_add_func ("/runtime/completion/race", test_race);
  g_test_add_func ("/runtime/completion/context-gone", test_context_gone);
  g_test_add_func ("/runtime/completion/cancel-inside-handler", test_cancel_inside_handler);
  g_test_add_func ("/runtime/io-watch/wait", test_io);
  g_test_add_func ("/runtime/io-watch/idle-hup", test_io_idle_hup);
  g_test_add_func ("/runtime/io-watch/move", test_io_move);
  g_test_add_func ("/runtime/io-watch/ping-pong", test_io_ping_pong);

  return g_test_run ();
}
