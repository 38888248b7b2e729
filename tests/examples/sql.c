/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* sql URL STATEMENT: executes one statement without a transaction and prints its rows. */

#include <cupel.h>

static gboolean
run (gpointer user_data, GCancellable *cancellable, GError **error)
{
  char **argv = user_data;
  g_autoptr(CupelEngine) engine = cupel_engine_new (argv[1], error);
  g_autoptr(CupelConnection) connection = engine != NULL ? cupel_engine_connect (engine, cancellable, error) : NULL;
  g_autoptr(CupelText) text = cupel_text_new (argv[2]);
  g_autoptr(CupelResult) result = NULL;

  if (connection == NULL ||
      !cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_AUTOCOMMIT, cancellable, error) ||
      !(result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, cancellable, error)))
    return FALSE;
  if (cupel_result_returns_rows (result))
    {
      g_autoptr(GPtrArray) rows = cupel_result_all_rows (result);

      for (guint i = 0; i < rows->len; i++)
        {
          g_autofree char *row = cupel_row_to_string (g_ptr_array_index (rows, i));

          g_print ("%s\n", row);
        }
    }
  return cupel_connection_close (connection, cancellable, error) && cupel_engine_dispose (engine, cancellable, error);
}

int
main (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;

  if (argc != 3)
    return g_printerr ("usage: sql URL STATEMENT\n"), 2;
  if (!cupel_run (run, argv, NULL, &error))
    return g_printerr ("%s\n", error->message), 1;
  return 0;
}
