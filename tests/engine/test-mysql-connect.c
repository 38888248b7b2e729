/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reaching a server, and leaving it. */

#include "mysql-fixture.h"

#include <string.h>

static void
expect_no_connection (const char *text,
                      int         code)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) of = cupel_url_new (text, &error);
  g_autoptr(CupelDriverConnection) connection = NULL;

  g_assert_no_error (error);
  connection = connect_to (of, &error);
  g_assert_null (connection);
  g_test_message ("%s: %s", text, error->message);
  g_assert_error (error, CUPEL_ERROR, code);
  g_assert_null (strstr (error->message, "wrong-secret"));
}

static void
test_connect_errors (CupelDriverConnection *connection)
{
  g_autofree char *text = cupel_url_to_string (url);
  const char *question = strchr (text, '?');
  const char *host = cupel_url_get_host (url);
  g_autofree char *wrong = g_strdup_printf ("mysql://nobody:wrong-secret@%s:%d/nowhere%s", host != NULL ? host : "localhost",
                                            cupel_url_get_port (url) > 0 ? cupel_url_get_port (url) : 3306,
                                            question != NULL ? question : "");

  expect_no_connection ("mysql://nobody:wrong-secret@127.0.0.1:1/x?connect_timeout=2", CUPEL_ERROR_CONNECTION);
  expect_no_connection ("mysql://nobody:wrong-secret@/x?unix_socket=/nonexistent.sock", CUPEL_ERROR_CONNECTION);
  expect_no_connection ("mysql://nobody:wrong-secret@does-not-exist.invalid/x?sslmode=disable", CUPEL_ERROR_CONNECTION);
  /* a socket's path may be the host */
  if (host == NULL || *host != '/')
    expect_no_connection (wrong, CUPEL_ERROR_AUTHENTICATION);
}

static void
test_connect_cancel (CupelDriverConnection *connection)
{
  g_autoptr(CupelUrl) of = cupel_url_new ("mysql://nobody@192.0.2.1/x?sslmode=disable", NULL);
  g_autoptr(CupelDriver) driver = driver_for (of);
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_null (cupel_driver_connect (driver, of, NULL, start + 300 * 1000, NULL, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (300));
}

static void
test_close (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM information_schema.processlist WHERE id = %d",
                                          (int) query_int64 (other, "SELECT connection_id()"));

  g_assert_cmpint (query_int64 (connection, sql), ==, 1);
  cupel_driver_connection_close (other, g_get_monotonic_time () + scale_bound (1000));
  assert_status (other, UNKNOWN);
  for (guint i = 0; i < 3000 && query_int64 (connection, sql) != 0; i++)
    g_assert_true (cupel_fiber_sleep (20 * 1000, NULL, NULL));
  g_assert_cmpint (query_int64 (connection, sql), ==, 0);
  g_assert_true (cupel_driver_connection_ping (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
}

static void
test_configure (void)
{
  static const char *const bad[] = {
    "mysql://u:p@host/db?no_such_option=1",
    "mysql://u:p@host/db?statement_cache_size=many",
    "mysql://u:p@host/db?sslmode=perhaps",
    "mysql://u:p@host%3Bplugin-dir%3D%2Ftmp/db",
    "mysql://u:p@a%2Cb/db",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(CupelDriver) driver = cupel_dialect_create_driver (dialect);
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelUrl) of = cupel_url_new (bad[i], &error);

      if (of != NULL)
        g_assert_false (cupel_driver_configure (driver, of, &error));
      g_test_message ("%s: %s", bad[i], error->message);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
    }
}

/* The server keeps who has proved a password, and forgets it with FLUSH PRIVILEGES: the first time another way of proving it is
 * taken than after that. */
static void
test_caching_sha2 (CupelDriverConnection *connection)
{
  static const char *const variables[] = { "CUPEL_TEST_MYSQL_AUTH_URL", "CUPEL_TEST_MYSQL_TCP_URL" };

  if (!on_mysql)
    {
      g_test_skip ("the server has no caching_sha2_password");
      return;
    }
  for (guint i = 0; i < G_N_ELEMENTS (variables); i++)
    {
      const char *text = g_getenv (variables[i]);

      if (text == NULL || *text == '\0')
        continue;
      run (connection, "FLUSH PRIVILEGES");
      for (guint attempt = 0; attempt < 3; attempt++)
        {
          g_autoptr(GError) error = NULL;
          g_autoptr(CupelUrl) of = cupel_url_new (text, &error);
          g_autoptr(CupelDriverConnection) other = connect_to (of, &error);

          g_assert_no_error (error);
          g_assert_cmpint (query_int64 (other, "SELECT current_user() LIKE 'cupel\\_pw@%'"), ==, 1);
          cupel_driver_connection_close (other, g_get_monotonic_time () + scale_bound (1000));
        }
    }
}

static const Case cases[] = {
  { "errors", test_connect_errors },
  { "deadline", test_connect_cancel },
  { "close", test_close },
  { "caching-sha2", test_caching_sha2 },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "connect");
  g_test_add_func ("/engine/mysql/connect/configure", test_configure);
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
