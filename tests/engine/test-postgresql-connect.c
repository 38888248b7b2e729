/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connecting by the PostgreSQL driver, and the engine on top of it. */

#include "cupel-pg-dialect.h"
#include "postgresql-fixture.h"

#include <string.h>

static void
test_connect (CupelDriverConnection *connection)
{
  g_autofree char *zone = query_string (connection, "SELECT current_setting('TimeZone')", NULL);
  g_autofree char *encoding = query_string (connection, "SELECT current_setting('client_encoding')", NULL);

  g_assert_cmpstr (zone, ==, "UTC");
  g_assert_cmpstr (encoding, ==, "UTF8");
  g_assert_true (cupel_driver_connection_is_alive (connection));
  g_assert_true (cupel_driver_connection_ping (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
  cupel_driver_connection_terminate (connection);
  cupel_driver_connection_terminate (connection);
  g_assert_false (cupel_driver_connection_is_alive (connection));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (cupel_driver_connection_ping (connection, -1, NULL));
}

static gboolean
run_connects (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const struct { const char *url; CupelError code; } cases[] = {
    { "postgresql://nobody@/x?host=/nonexistent/folder", CUPEL_ERROR_CONNECTION },
    { "postgresql://nobody:S3cr3tCANARY@127.0.0.1:1/x", CUPEL_ERROR_CONNECTION },
    { "postgresql://nobody:S3cr3tCANARY@localhost:1/x", CUPEL_ERROR_CONNECTION },
    { "postgresql://nobody@host.invalid/x?connect_timeout=20", CUPEL_ERROR_CONNECTION },
    { "postgresql://u@/x?no_such_option=1", CUPEL_ERROR_INVALID_URL },
    { "postgresql://u@/x?sslmode=maybe", CUPEL_ERROR_INVALID_URL },
    { "postgresql://u@/x?statement_cache_size=-1", CUPEL_ERROR_INVALID_URL },
    { "postgresql://u@/x?connect_timeout=soon", CUPEL_ERROR_INVALID_URL },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) local = NULL;
      g_autoptr(CupelUrl) url = cupel_url_new (cases[i].url, &local);

      g_assert_no_error (local);
      g_assert_null (connect_to (url, CUPEL_NO_DEADLINE, &local));
      g_assert_error (local, CUPEL_ERROR, (int) cases[i].code);
      g_assert_null (strstr (local->message, "CANARY"));
    }
  return TRUE;
}

static void
test_connect_errors (void)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_connects, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* A server that accepts and says nothing. */
static gboolean
run_silent (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  g_autoptr(GSocketListener) listener = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (listener, NULL, error);
  g_autofree char *text = g_strdup_printf ("postgresql://u@127.0.0.1:%u/x?tls=disable", port);
  g_autoptr(CupelUrl) url = cupel_url_new (text, error);
  g_autoptr(GError) local = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_null (connect_to (url, start + 300000, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (300));
  return TRUE;
}

static void
test_connect_silent (void)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_silent, NULL, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
run_server_refusals (gpointer       data,
                     GCancellable  *cancellable,
                     GError       **error)
{
  g_autoptr(CupelUrl) good = cupel_url_new (g_getenv (URL_VARIABLE), error);
  const char *auth = g_getenv ("CUPEL_TEST_POSTGRESQL_AUTH_URL");
  g_autofree char *directory = g_uri_escape_string (cupel_url_get_host (good) ? cupel_url_get_host (good) : "", NULL, FALSE);
  g_autofree char *port = cupel_url_get_port (good) > 0 ? g_strdup_printf (":%d", cupel_url_get_port (good)) : g_strdup ("");
  g_autofree char *no_database = NULL;
  g_autoptr(GError) local = NULL;
  g_autoptr(CupelUrl) url = NULL;

  no_database = g_strdup_printf ("postgresql://%s@%s%s/no_such_database", cupel_url_get_user (good), directory, port);
  url = cupel_url_new (no_database, error);
  g_assert_nonnull (url);
  g_assert_null (connect_to (url, CUPEL_NO_DEADLINE, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_cmpstr (cupel_error_get_sqlstate (local), ==, "3D000");
  g_assert_nonnull (strstr (local->message, "no_such_database"));
  g_clear_error (&local);

  if (auth != NULL)
    {
      g_autoptr(CupelUrl) right = cupel_url_new (auth, error);
      g_autoptr(CupelDriverConnection) connection = connect_to (right, CUPEL_NO_DEADLINE, &local);
      g_autofree char *wrong_text = g_strdup_printf ("postgresql://%s:S3cr3tCANARY@%s%s/%s", cupel_url_get_user (right),
                                                     directory, port, cupel_url_get_database (right));
      g_autofree char *none_text = g_strdup_printf ("postgresql://%s@%s%s/%s", cupel_url_get_user (right),
                                                    directory, port, cupel_url_get_database (right));
      g_autoptr(CupelUrl) wrong = cupel_url_new (wrong_text, error);
      g_autoptr(CupelUrl) none = cupel_url_new (none_text, error);

      g_assert_no_error (local);
      cupel_driver_connection_close (connection, -1);
      g_assert_null (connect_to (wrong, CUPEL_NO_DEADLINE, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION);
      g_assert_cmpstr (cupel_error_get_sqlstate (local), ==, "28P01");
      g_assert_null (strstr (local->message, "CANARY"));
      g_clear_error (&local);
      /* The environment does not help out, and does not lead elsewhere. */
      g_setenv ("PGPASSWORD", cupel_url_get_password (right), TRUE);
      g_setenv ("PGHOSTADDR", "203.0.113.1", TRUE);
      g_setenv ("PGOPTIONS", "-c timezone=Asia/Tokyo", TRUE);
      g_assert_null (connect_to (none, CUPEL_NO_DEADLINE, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION);
      g_unsetenv ("PGPASSWORD");
      g_unsetenv ("PGHOSTADDR");
      g_unsetenv ("PGOPTIONS");
    }
  return TRUE;
}

static void
test_server_refusals (void)
{
  g_autoptr(GError) error = NULL;

  if (g_getenv (URL_VARIABLE) == NULL)
    {
      g_test_skip (URL_VARIABLE " is not set");
      return;
    }
  cupel_run (run_server_refusals, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* Through the engine: the dialect, a pool, and tables that come and go. The dialect is the one in this program. */
static gboolean
run_engine (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  g_autoptr(CupelEngine) engine = cupel_engine_new (g_getenv (URL_VARIABLE), error);
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(CupelTable) table = cupel_table_new ("cupel_test_engine");
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelInsert) insert = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelResult) rows = NULL;
  g_autoptr(CupelStream) stream = NULL;
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  guint n = 0;

  if (engine == NULL)
    return FALSE;
  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (table, id);
  cupel_table_add_column (table, cupel_column_new ("name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 30)));
  if (!cupel_metadata_add_table (metadata, table, error) ||
      !cupel_engine_drop_all (engine, metadata, NULL, error) ||
      !cupel_engine_create_all (engine, metadata, NULL, error) ||
      !cupel_engine_create_all (engine, metadata, NULL, error))      /* finds that it exists */
    return FALSE;
  g_assert_true (cupel_engine_get_capabilities (engine) & CUPEL_CAP_INSERT_MANY_RETURNING);

  if (!(connection = cupel_engine_connect (engine, NULL, error)))
    return FALSE;
  insert = cupel_insert_new (table);
  cupel_insert_add_column (insert, cupel_table_get_column (table, "name"));
  cupel_insert_returning (insert, cupel_table_c (table, "id"));
  for (guint i = 0; i < 3000; i++)
    {
      g_autofree char *name = g_strdup_printf ("name %u", i + 1);

      if (i > 0)
        cupel_parameters_next (parameters);
      cupel_parameters_set_string (parameters, "name", name);
    }
  if (!(result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, NULL, error)))
    return FALSE;
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 3000);
  for (gint64 i = 1; cupel_result_step (result); i++)
    g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, i);

  select = cupel_select_new_from_table (table);
  cupel_select_where (select, cupel_gt (cupel_table_c (table, "id"), cupel_literal_int64 (2990)));
  cupel_select_order_by (select, cupel_desc (cupel_table_c (table, "id")));
  cupel_select_limit (select, 3);
  if (!(rows = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, error)))
    return FALSE;
  g_assert_true (cupel_result_step (rows));
  g_assert_cmpstr (cupel_result_get_string (rows, 1), ==, "name 3000");
  g_assert_cmpuint (cupel_result_get_n_rows (rows), ==, 3);

  g_clear_object (&select);
  select = cupel_select_new_from_table (table);
  if (!(stream = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 700, NULL, error)))
    return FALSE;
  while (cupel_stream_step (stream, NULL, error))
    n++;
  g_assert_cmpuint (n, ==, 3000);
  return cupel_stream_close (stream, NULL, error) &&
         cupel_connection_commit (connection, NULL, error) &&
         cupel_connection_close (connection, NULL, error) &&
         cupel_engine_drop_all (engine, metadata, NULL, error) &&
         cupel_engine_dispose (engine, NULL, error);
}

static void
test_engine (void)
{
  g_autoptr(GError) error = NULL;

  if (g_getenv (URL_VARIABLE) == NULL)
    {
      g_test_skip (URL_VARIABLE " is not set");
      return;
    }
  cupel_plugin_register_type (CUPEL_PLUGIN_DIALECT, "postgresql", CUPEL_PG_TYPE_DIALECT, &error);
  g_assert_no_error (error);
  cupel_run (run_engine, NULL, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/connect/close", { test_connect } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  g_test_add_func ("/postgresql/connect/errors", test_connect_errors);
  g_test_add_func ("/postgresql/connect/silent", test_connect_silent);
  g_test_add_func ("/postgresql/connect/refused", test_server_refusals);
  g_test_add_func ("/postgresql/engine", test_engine);
  return g_test_run ();
}
