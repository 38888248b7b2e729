/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* An application that uses the sample dialect: `sample-program [URL]` prints "1" and "42 7". */

#include <cupel.h>

static gboolean
print_row (CupelConnection  *connection,
           const char       *sql,
           CupelParameters  *parameters,
           GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), parameters, NULL, error);

  if (result == NULL)
    return FALSE;
  while (cupel_result_step (result))
    for (guint i = 0; i < cupel_result_get_n_columns (result); i++)
      g_print ("%" G_GINT64_FORMAT "%s", cupel_result_get_int64 (result, i),
               i + 1 < cupel_result_get_n_columns (result) ? " " : "\n");
  return TRUE;
}

static gboolean
run (const char  *url,
     GError     **error)
{
  g_autoptr(CupelEngine) engine = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(GError) expected = NULL;

  if (!(engine = cupel_engine_new (url, error)) || !(connection = cupel_engine_connect (engine, NULL, error)))
    return FALSE;

  cupel_parameters_set_int64 (parameters, "a", 2);
  if (!print_row (connection, "SELECT 1", NULL, error) ||
      !print_row (connection, "SELECT :a + 40, 7", parameters, error))
    return FALSE;

  if (print_row (connection, "SELECT nonsense", NULL, &expected) ||
      !g_error_matches (expected, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_FAILED, "A syntax error was not reported as one");
      return FALSE;
    }

  return cupel_connection_rollback (connection, NULL, error) && cupel_connection_close (connection, NULL, error) &&
         cupel_engine_dispose (engine, NULL, error);
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GError) error = NULL;

  if (!run (argc > 1 ? argv[1] : "sample://", &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  return 0;
}
