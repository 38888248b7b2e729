/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include <cupel-dialect.h>

/* The engine on real databases: CUPEL_TEST_URLS names them, separated by spaces. */

#define N_ROWS 2500

typedef struct
{
  const char    *url;
  CupelMetadata *metadata;
  CupelTable    *table;
} Database;

static void
count_executed (CupelEngine *engine,
                const char  *sql,
                guint        n_sets,
                gboolean     cache_hit,
                gint64       duration,
                const GError *failure,
                guint       *n)
{
  (*n)++;
}

static CupelTable *
make_table (void)
{
  CupelTable *table = cupel_table_new ("cupel_test_engine");
  CupelColumn *column = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));

  cupel_column_set_primary_key (column, TRUE);
  cupel_column_set_autoincrement (column, FALSE);
  cupel_table_add_column (table, column);
  column = cupel_column_new ("name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));
  cupel_column_set_nullable (column, TRUE);
  cupel_column_set_index (column, TRUE);
  cupel_table_add_column (table, column);
  return table;
}

static CupelInsert *
make_insert (Database *db)
{
  CupelInsert *insert = cupel_insert_new (db->table);

  cupel_insert_add_column (insert, cupel_table_get_column (db->table, "id"));
  cupel_insert_add_column (insert, cupel_table_get_column (db->table, "name"));
  return insert;
}

static gint64
count_rows (CupelConnection *connection)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT count(*) FROM cupel_test_engine");
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelRow) row = NULL;
  GError *error = NULL;

  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);
  g_assert_no_error (error);
  row = cupel_result_one_row (result, &error);
  g_assert_no_error (error);
  return cupel_row_get_int64 (row, 0);
}

static gboolean
test_everything (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  Database *db = data;
  g_autoptr(CupelEngine) engine = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelInsert) insert = make_insert (db);
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (db->table);
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelParameters) duplicate = cupel_parameters_new ();
  g_autoptr(CupelText) wrong = cupel_text_new ("SELEKT 1");
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  CupelCapabilities capabilities;
  guint n_executed = 0;
  gint64 n = 0;
  GError *local = NULL;

  if ((engine = cupel_engine_new (db->url, error)) == NULL)
    return FALSE;
  g_signal_connect (engine, "execute", G_CALLBACK (count_executed), &n_executed);

  if (!cupel_engine_drop_all (engine, db->metadata, NULL, error) ||
      !cupel_engine_create_all (engine, db->metadata, NULL, error))
    return FALSE;
  n_executed = 0;
  if (!cupel_engine_create_all (engine, db->metadata, NULL, error))
    return FALSE;
  g_assert_cmpuint (n_executed, ==, 1);
  capabilities = cupel_engine_get_capabilities (engine);
  g_assert_cmpint (capabilities, !=, CUPEL_CAP_NONE);

  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;

  /* a "many" in one go, rolled back */
  for (gint64 i = 1; i <= N_ROWS; i++)
    {
      g_autofree char *name = g_strdup_printf ("näme %" G_GINT64_FORMAT, i);

      cupel_parameters_set_int64 (parameters, "id", i);
      cupel_parameters_set_string (parameters, "name", i % 7 == 0 ? NULL : name);
      cupel_parameters_next (parameters);
    }
  n_executed = 0;
  if ((result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, NULL, error)) == NULL)
    return FALSE;
  g_assert_cmpuint (n_executed, ==, 1);
  g_assert_cmpint (cupel_result_get_row_count (result), ==, N_ROWS);
  g_clear_object (&result);
  g_assert_cmpint (count_rows (connection), ==, N_ROWS);
  if (!cupel_connection_rollback (connection, NULL, error))
    return FALSE;
  g_assert_cmpint (count_rows (connection), ==, 0);
  if (!cupel_connection_rollback (connection, NULL, error))
    return FALSE;

  /* once more, kept */
  if ((result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, NULL, error)) == NULL ||
      !cupel_connection_commit (connection, NULL, error))
    return FALSE;
  g_clear_object (&result);

  /* buffered */
  cupel_select_order_by (select, cupel_table_c (db->table, "id"));
  if ((result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, error)) == NULL)
    return FALSE;
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, N_ROWS);
  g_assert_cmpstr (cupel_result_get_column_name (result, 1), ==, "name");
  while (cupel_result_step (result))
    {
      n++;
      g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, n);
      g_assert_cmpint (cupel_result_is_null (result, 1), ==, n % 7 == 0);
      if (n % 7 != 0)
        g_assert_true (g_str_has_prefix (cupel_result_get_string (result, 1), "näme "));
    }
  g_assert_cmpint (n, ==, N_ROWS);

  /* streamed: another statement and a second stream in between */
  if ((stream = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 100, NULL, error)) == NULL)
    return FALSE;
  for (n = 0; cupel_stream_step (stream, NULL, &local); )
    {
      g_assert_cmpint (cupel_stream_get_int64 (stream, 0), ==, ++n);
      if (n == 150)
        {
          g_autoptr(CupelStream) inner = NULL;

          g_assert_cmpint (count_rows (connection), ==, N_ROWS);
          inner = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 10, NULL, &local);
          g_assert_no_error (local);
          g_assert_true (cupel_stream_step (inner, NULL, &local));
          g_assert_cmpint (cupel_stream_get_int64 (inner, 0), ==, 1);
          /* dropped without closing */
        }
    }
  g_assert_no_error (local);
  g_assert_cmpint (n, ==, N_ROWS);
  if (!cupel_connection_commit (connection, NULL, error))
    return FALSE;

  /* errors */
  cupel_parameters_set_int64 (duplicate, "id", 1);
  cupel_parameters_set_string (duplicate, "name", "again");
  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (insert), duplicate, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_assert_true (cupel_error_is_integrity (local));
  g_clear_error (&local);
  if (!cupel_connection_rollback (connection, NULL, error))
    return FALSE;
  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (wrong), NULL, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&local);
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)), ==, 0);

  /* what was committed is there for the next borrower */
  g_clear_object (&connection);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  g_assert_cmpint (count_rows (connection), ==, N_ROWS);
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;

  /* AUTOCOMMIT lasts until the connection goes back */
  g_clear_object (&connection);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL ||
      !cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, error))
    return FALSE;
  cupel_parameters_set_int64 (duplicate, "id", N_ROWS + 1);
  g_clear_object (&result);
  if ((result = cupel_connection_execute (connection, CUPEL_STATEMENT (insert), duplicate, NULL, error)) == NULL)
    return FALSE;
  g_assert_false (cupel_connection_in_transaction (connection));
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;
  g_clear_object (&connection);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  g_assert_cmpint (count_rows (connection), ==, N_ROWS + 1);
  g_assert_true (cupel_connection_in_transaction (connection));
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;

  return cupel_engine_drop_all (engine, db->metadata, NULL, error) &&
         cupel_engine_dispose (engine, NULL, error);
}

static void
test_url (gconstpointer url)
{
  Database db = { .url = url, .metadata = cupel_metadata_new (), .table = make_table () };
  GError *error = NULL;

  cupel_metadata_add_table (db.metadata, db.table, &error);
  g_assert_no_error (error);
  cupel_run (test_everything, &db, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (db.table);
  g_object_unref (db.metadata);
}

int
main (int   argc,
      char *argv[])
{
  const char *urls = g_getenv ("CUPEL_TEST_URLS");
  g_auto(GStrv) list = NULL;

  g_test_init (&argc, &argv, NULL);
  list = g_strsplit (urls != NULL && *urls != '\0' ? urls : "sqlite://", " ", -1);
  for (guint i = 0; list[i] != NULL; i++)
    {
      g_autofree char *scheme = g_strdelimit (g_strndup (list[i], strcspn (list[i], ":")), "+", '-');
      g_autofree char *path = g_strdup_printf ("/engine/real/%u-%s", i, scheme);

      if (*list[i] != '\0')
        g_test_add_data_func_full (path, g_strdup (list[i]), (GTestDataFunc) test_url, g_free);
    }

  return g_test_run ();
}
