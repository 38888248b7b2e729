/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Faults in states, on every server that the environment names. */

#include "fault-cell.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static gboolean tap;
static gboolean quick;
static char *only_fault;
static char *only_state;
static char *only_server;

static const GOptionEntry entries[] = {
  { "tap", 0, 0, G_OPTION_ARG_NONE, &tap, "Print TAP instead of a table", NULL },
  { "quick", 0, 0, G_OPTION_ARG_NONE, &quick, "Leave out what takes long, and what needs servers of its own", NULL },
  { "fault", 0, 0, G_OPTION_ARG_STRING, &only_fault, "This fault alone", "NAME" },
  { "state", 0, 0, G_OPTION_ARG_STRING, &only_state, "This state alone", "NAME" },
  { "server", 0, 0, G_OPTION_ARG_STRING, &only_server, "This server alone: postgresql or mysql", "NAME" },
  { NULL }
};

static guint n_run;
static guint n_failed;

static gboolean
is_wanted (const char *only,
           const char *name)
{
  return only == NULL || strcmp (only, name) == 0;
}

static gboolean
is_quick (FaultKind  kind,
          FaultState state)
{
  /* What hangs waits for the application's patience: a few of those are enough. */
  if (kind == FAULT_ACK_ONLY)
    return state == STATE_AUTH || state == STATE_QUERY || state == STATE_COMMIT;
  if (kind == FAULT_BLACKHOLE)
    return state == STATE_AUTH;
  return !fault_kind_is_heavy (kind) && kind != FAULT_DRIP;
}

static void
print_time (gint64 microseconds)
{
  if (microseconds < 0)
    g_print (" %9s", "-");
  else
    g_print (" %6.1f ms", (double) microseconds / 1000);
}

static void
report (FaultBackend *backend,
        FaultKind     kind,
        FaultState    state,
        FaultOutcome *outcome)
{
  const gboolean passed = outcome->complaints->len == 0;
  g_autofree char *name = g_strdup_printf ("%s/%s/%s", backend->name, fault_kind_get_name (kind), fault_state_get_name (state));

  n_run++;
  n_failed += !passed;
  if (tap)
    {
      g_print ("%s %u - %s\n", passed ? "ok" : "not ok", n_run, name);
      if (!passed)
        g_print ("# %s\n", g_strdelimit (outcome->complaints->str, "\n", ' '));
      return;
    }
  g_print ("%-34s", name);
  print_time (outcome->until_error);
  print_time (outcome->until_recovery);
  g_print (" %5d  %s", outcome->n_leaked, passed ? "ok" : "FAILED: ");
  g_print ("%s\n", passed ? "" : outcome->complaints->str);
}

static gboolean
run_backend (FaultBackend  *backend,
             GError       **error)
{
  if (!fault_backend_command (backend, "DROP TABLE IF EXISTS faults_cell", error) ||
      !fault_backend_command (backend, backend->is_mysql ? "CREATE TABLE faults_cell (id INTEGER) ENGINE=InnoDB"
                                                         : "CREATE TABLE faults_cell (id INTEGER)", error))
    return FALSE;
  /* The admin owns it; what comes through the proxy is the same user, or has rights on the whole database. */
  if (!tap)
    g_print ("%-34s %9s %9s %6s\n", "fault in a state", "to error", "recovery", "leaks");
  for (guint kind = 0; kind < N_FAULTS; kind++)
    for (guint state = 0; state < N_STATES; state++)
      {
        FaultOutcome outcome;

        if (!is_wanted (only_fault, fault_kind_get_name (kind)) || !is_wanted (only_state, fault_state_get_name (state)) ||
            (quick && !is_quick (kind, state)))
          continue;
        fault_cell_run (backend, kind, state, &outcome);
        if (outcome.applies)
          report (backend, kind, state, &outcome);
        fault_outcome_clear (&outcome);
      }
  return fault_backend_command (backend, "DROP TABLE faults_cell", error);
}

static gboolean
run (gpointer       data,
     GCancellable  *cancellable,
     GError       **error)
{
  static const char *const names[] = { "postgresql", "mysql" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr(FaultBackend) backend = NULL;
      g_autoptr(GError) local = NULL;

      if (!is_wanted (only_server, names[i]))
        continue;
      backend = fault_backend_new (names[i], &local);
      if (local != NULL)
        {
          g_propagate_prefixed_error (error, g_steal_pointer (&local), "%s: ", names[i]);
          return FALSE;
        }
      if (backend == NULL)
        {
          g_autofree char *upper = g_ascii_strup (names[i], -1);

          if (tap)
            g_print ("ok %u - %s # SKIP CUPEL_TEST_%s_URL is not set\n", ++n_run, names[i], upper);
          else
            g_print ("%s: CUPEL_TEST_%s_URL is not set\n", names[i], upper);
          continue;
        }
      if (!run_backend (backend, error))
        return FALSE;
    }
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GOptionContext) context = g_option_context_new (NULL);
  g_autoptr(GError) error = NULL;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, "Does to servers and networks what happens to them, in each state of a connection.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || !cupel_run (run, NULL, NULL, &error))
    {
      g_printerr ("cupel-faults: %s\n", error->message);
      return 2;
    }
  if (tap)
    g_print ("1..%u\n", n_run);
  else
    g_print ("%u cells, %u failed\n", n_run, n_failed);
  return n_failed > 0 && !tap ? EXIT_FAILURE : EXIT_SUCCESS;
}
