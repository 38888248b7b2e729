/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Engine, connection and statements, without the ORM.
 *
 * basic URL, for instance postgresql://scott:tiger@localhost/test or sqlite:// */

#include <cupel.h>

static CupelTable *
make_t1 (void)
{
  CupelTable *t1 = cupel_table_new ("t1");
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));

  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (t1, id);
  cupel_table_add_column (t1, cupel_column_new ("name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50)));
  return t1;
}

/* In one transaction: it is committed when this succeeds, rolled back when it fails. */
static gboolean
set_up (CupelConnection *connection, gpointer user_data, GCancellable *cancellable, GError **error)
{
  CupelTable *t1 = user_data;
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(CupelInsert) insert = cupel_insert_new (t1);
  g_autoptr(CupelParameters) names = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;

  if (!cupel_metadata_add_table (metadata, t1, error) ||
      !cupel_connection_drop_all (connection, metadata, cancellable, error) ||
      !cupel_connection_create_all (connection, metadata, cancellable, error))
    return FALSE;

  /* One statement, executed for each set of parameters. */
  cupel_insert_add_column (insert, cupel_table_get_column (t1, "name"));
  cupel_parameters_set_string (names, "name", "some name 1");
  cupel_parameters_next (names);
  cupel_parameters_set_string (names, "name", "some name 2");
  result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), names, cancellable, error);
  return result != NULL;
}

/* Runs in a fiber: each call suspends, none blocks the loop. */
static gboolean
async_main (gpointer data, GCancellable *cancellable, GError **error)
{
  CupelEngine *engine = data;
  g_autoptr(CupelTable) t1 = make_t1 ();
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (t1);
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GPtrArray) rows = NULL;
  g_autoptr(GError) stream_error = NULL;

  if (!cupel_engine_begin (engine, set_up, t1, cancellable, error) ||
      !(connection = cupel_engine_connect (engine, cancellable, error)))
    return FALSE;

  /* Buffered: the rows are here when the call returns. */
  if (!(result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, cancellable, error)))
    return FALSE;
  rows = cupel_result_all_rows (result);
  for (guint i = 0; i < rows->len; i++)
    {
      g_autofree char *text = cupel_row_to_string (g_ptr_array_index (rows, i));

      g_print ("%s%s%s", i == 0 ? "[" : ", ", text, i + 1 == rows->len ? "]\n" : "");
    }

  /* Streamed: the rows arrive by blocks while they are read. */
  if (!(stream = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 0, cancellable, error)))
    return FALSE;
  while (cupel_stream_step (stream, cancellable, &stream_error))
    g_print ("(%" G_GINT64_FORMAT ", '%s')\n", cupel_stream_get_int64 (stream, 0), cupel_stream_get_string (stream, 1));
  if (stream_error != NULL)
    return g_propagate_error (error, g_steal_pointer (&stream_error)), FALSE;

  return cupel_connection_close (connection, cancellable, error) && cupel_engine_dispose (engine, cancellable, error);
}

int
main (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new (argc > 1 ? argv[1] : "sqlite://", &error);

  if (engine == NULL || !cupel_run (async_main, engine, NULL, &error))
    return g_printerr ("%s\n", error->message), 1;
  return 0;
}
