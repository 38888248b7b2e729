/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A URL brings in the client library of its own dialect and no other. */

#include <cupel.h>

#include <string.h>

static char *
read_maps (void)
{
  char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  return maps;
}

static void
test_sqlite (void)
{
  static const char *const others[] = {
    "libpq.so", "libmariadb.so", "libmysqlclient.so", "libdbi.so", "libcupel-dialect-postgresql.so", "libcupel-dialect-mysql.so",
    "libcupel-driver-dbi.so",
  };
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelText) text = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autofree char *before = read_maps ();
  g_autofree char *after = NULL;

  g_assert_null (strstr (before, "libsqlite3.so"));

  engine = cupel_engine_new ("sqlite://", &error);
  g_assert_no_error (error);
  connection = cupel_engine_connect (engine, NULL, &error);
  g_assert_no_error (error);
  text = cupel_text_new ("SELECT 1");
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, 1);

  after = read_maps ();
  g_assert_nonnull (strstr (after, "libsqlite3.so"));
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_null (strstr (after, others[i]));

  g_assert_true (cupel_connection_close (connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_engine_dispose (engine, NULL, &error));
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/plugin/one-client/sqlite", test_sqlite);
  return g_test_run ();
}
