/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an interface is drawn by has a lower priority than fibers, and gets its turns all the same. */

#include <cupel-dialect.h>

/* In microseconds */
#define BUSY_TIME (200 * 1000)

static guint n_running;

static gboolean
count_turn (gpointer data)
{
  ++*(guint *) data;
  return G_SOURCE_CONTINUE;
}

static GSource *
add_source (int    priority,
            guint *n_turns)
{
  GSource *source = g_idle_source_new ();

  g_source_set_priority (source, priority);
  g_source_set_callback (source, count_turn, n_turns, NULL);
  g_source_attach (source, NULL);
  return source;
}

/* Has always something to do, and counts its steps. */
static void
busy_run (gpointer data)
{
  const gint64 end = g_get_monotonic_time () + BUSY_TIME;

  while (g_get_monotonic_time () < end)
    cupel_fiber_tick ();
  n_running--;
}

/* Is ready again at once each time. */
static void
yielding_run (gpointer data)
{
  const gint64 end = g_get_monotonic_time () + BUSY_TIME;

  while (g_get_monotonic_time () < end)
    cupel_fiber_yield ();
  n_running--;
}

static void
run_fibers (CupelFiberFunc func,
            guint          n)
{
  n_running = n;
  for (guint i = 0; i < n; i++)
    cupel_fiber_spawn (NULL, func, NULL, NULL);
  while (n_running > 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_turns (gconstpointer data)
{
  const guint n_fibers = GPOINTER_TO_UINT (data);
  guint n_turns = 0;
  GSource *source = add_source (G_PRIORITY_DEFAULT_IDLE, &n_turns);

  run_fibers (n_fibers == 1 ? busy_run : yielding_run, n_fibers);
  g_source_destroy (source);
  g_source_unref (source);
  g_test_message ("%u turns", n_turns);
  g_assert_cmpuint (n_turns, >=, 4);
}

/* Others of the fibers' own priority that are always ready keep those of a lower one away, but not the fibers. */
static void
test_crowd (void)
{
  guint n_turns = 0;
  guint n_idle = 0;
  GSource *other = add_source (G_PRIORITY_DEFAULT, &n_turns);
  GSource *idle = add_source (G_PRIORITY_DEFAULT_IDLE, &n_idle);

  run_fibers (busy_run, 2);
  g_source_destroy (other);
  g_source_unref (other);
  g_source_destroy (idle);
  g_source_unref (idle);
  g_assert_cmpuint (n_turns, >, 0);
  g_assert_cmpuint (n_idle, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/runtime/breath/one", GUINT_TO_POINTER (1), test_turns);
  g_test_add_data_func ("/runtime/breath/many", GUINT_TO_POINTER (100), test_turns);
  g_test_add_func ("/runtime/breath/crowd", test_crowd);
  return g_test_run ();
}
