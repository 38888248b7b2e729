/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an interface is drawn by has a lower priority than fibers, and gets its turns all the same. */

#include <cupel-dialect.h>

#include <glib-unix.h>
#include <unistd.h>

/* How many turns the others are to have */
#define N_TURNS 10

/* How many waits it is without others; they take several times what fibers may hold the loop for. */
#define N_STEPS 100000

/* In microseconds: for what is shown by nothing that happens */
#define CROWD_TIME (200 * 1000)

static guint n_running;
static guint n_turns;
static guint n_steps;
static guint n_iterations;
static gboolean (*is_over) (void);

static gboolean
had_turns (void)
{
  return n_turns >= N_TURNS;
}

static gboolean
had_steps (void)
{
  return n_steps >= N_STEPS;
}

static gboolean
count_turn (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

static GSource *
add_source (int    priority,
            guint *counter)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, count_turn, counter, NULL);
  g_source_attach (source, NULL);
  return source;
}

static void
remove_source (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* Has always something to do, and counts its steps. */
static void
busy_run (gpointer data)
{
  while (!is_over ())
    cupel_fiber_tick ();
  n_running--;
}

/* Is ready again at once each time. */
static void
yielding_run (gpointer data)
{
  while (!is_over ())
    cupel_fiber_yield ();
  n_running--;
}

/* Waits for a descriptor that is always ready. */
static void
reading_run (gpointer data)
{
  g_autoptr(GError) error = NULL;
  CupelIoWatch *watch;
  int fds[2];

  g_unix_open_pipe (fds, FD_CLOEXEC, &error);
  g_assert_no_error (error);
  g_assert_cmpint (write (fds[1], "", 1), ==, 1);
  watch = cupel_io_watch_new (fds[0]);
  while (!is_over ())
    {
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, CUPEL_NO_DEADLINE, NULL, &error), ==, G_IO_IN);
      n_steps++;
    }
  cupel_io_watch_free (watch);
  close (fds[0]);
  close (fds[1]);
  n_running--;
}

/* Hung up, with something left to be read */
static void
hung_up_run (gpointer data)
{
  g_autoptr(GError) error = NULL;
  CupelIoWatch *watch;
  int fds[2];

  g_unix_open_pipe (fds, FD_CLOEXEC, &error);
  g_assert_no_error (error);
  g_assert_cmpint (write (fds[1], "", 1), ==, 1);
  close (fds[1]);
  watch = cupel_io_watch_new (fds[0]);
  while (!is_over ())
    {
      g_assert_cmpint (cupel_io_watch_wait (watch, G_IO_IN, CUPEL_NO_DEADLINE, NULL, &error), ==, G_IO_IN | G_IO_HUP);
      n_steps++;
    }
  cupel_io_watch_free (watch);
  close (fds[0]);
  n_running--;
}

static void
run_fibers (CupelFiberFunc func,
            guint          n,
            gboolean     (*over) (void))
{
  is_over = over;
  n_running = n;
  n_steps = n_turns = n_iterations = 0;
  for (guint i = 0; i < n; i++)
    cupel_fiber_spawn (NULL, func, NULL, NULL);
  for (; n_running > 0; n_iterations++)
    g_main_context_iteration (NULL, TRUE);
}

typedef struct
{
  const char     *name;
  CupelFiberFunc  func;
  guint           n_fibers;
} Case;

static const Case cases[] = {
  { "busy", busy_run, 1 },
  { "yielding", yielding_run, 1 },
  { "many", yielding_run, 100 },
  { "reading", reading_run, 1 },
  { "readers", reading_run, 20 },
  { "hung-up", hung_up_run, 1 },
};

static const int priorities[] = {
  G_PRIORITY_HIGH_IDLE + 20,   /* GTK draws at it */
  G_PRIORITY_DEFAULT_IDLE,
};

/* They end when the other had its turns, and never if it has none. */
static void
test_turns (gconstpointer data)
{
  const Case *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (priorities); i++)
    {
      GSource *source = add_source (priorities[i], &n_turns);

      run_fibers (self->func, self->n_fibers, had_turns);
      remove_source (source);
    }
}

/* Where nobody else has anything to do, standing back costs no turn of the loop in which nothing happens. */
static void
test_no_idle_turns (gconstpointer data)
{
  const Case *self = data;

  run_fibers (self->func, self->n_fibers, had_steps);
  g_test_message ("%u turns of the loop for %u waits", n_iterations, n_steps);
  g_assert_cmpuint (n_iterations, <, n_steps + n_steps / 10);
}

static gint64 crowd_end;

static gboolean
was_crowded (void)
{
  return g_get_monotonic_time () >= crowd_end;
}

/* Others of the fibers' own priority that are always ready keep those of a lower one away, but not the fibers. */
static void
test_crowd (void)
{
  guint n_other = 0;
  guint n_idle = 0;
  GSource *other = add_source (G_PRIORITY_DEFAULT, &n_other);
  GSource *idle = add_source (G_PRIORITY_DEFAULT_IDLE, &n_idle);

  crowd_end = g_get_monotonic_time () + CROWD_TIME;
  run_fibers (busy_run, 2, was_crowded);
  remove_source (other);
  remove_source (idle);
  g_assert_cmpuint (n_other, >, 0);
  g_assert_cmpuint (n_idle, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/runtime/priorities/turns/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_turns);
    }
  g_test_add_data_func ("/runtime/priorities/no-idle-turns/reading", &cases[3], test_no_idle_turns);
  g_test_add_data_func ("/runtime/priorities/no-idle-turns/hung-up", &cases[5], test_no_idle_turns);
  g_test_add_func ("/runtime/priorities/crowd", test_crowd);
  return g_test_run ();
}
