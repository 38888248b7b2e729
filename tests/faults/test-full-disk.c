/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server whose disk is full (ci/servers --small-disk): what the application hears, what is left, and that it goes on. */

#include "fault-backend.h"

#include <stdlib.h>
#include <string.h>

#define N_KEPT 3
#define N_IN_BATCH 500
/* InnoDB of MariaDB 10.11 ends the server when a value of its own pages finds no room */
#define ROW_BYTES 4000

static const char *server;
static char *folder;

/* Each is committed: room is made when a transaction ends, not before. */
static void
run_sql (CupelConnection *connection,
         const char      *sql)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(GError) error = NULL;
  G_GNUC_UNUSED g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  cupel_connection_commit (connection, NULL, &error);
  g_assert_no_error (error);
}

static gint64
count_rows (CupelConnection *connection)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT count(*) FROM full_disk");
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

/* That no server can make smaller. */
static char *
make_data (void)
{
  static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-";
  char *data = g_malloc (ROW_BYTES + 1);

  for (gsize i = 0; i < ROW_BYTES; i++)
    data[i] = digits[g_random_int () % 64];
  data[ROW_BYTES] = '\0';
  return data;
}

/* @n rows in one call */
static gboolean
insert_rows (CupelConnection  *connection,
             guint             n,
             GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new ("INSERT INTO full_disk (data) VALUES (:data)");
  g_autoptr(CupelParameters) sets = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *data = make_data ();

      if (i > 0)
        cupel_parameters_next (sets);
      cupel_parameters_set_string (sets, "data", data);
    }
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), sets, NULL, error);
  return result != NULL;
}

static void
assert_full (const GError *error)
{
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_FULL);
  g_assert_false (cupel_error_is_disconnect (error));
  g_assert_nonnull (cupel_error_get_sqlstate (error));
}

static gboolean
test_full (gpointer       url,
           GCancellable  *cancellable,
           GError       **error)
{
  const gboolean is_mysql = strcmp (server, "mysql") == 0;
  g_autofree char *create = is_mysql
    ? g_strdup_printf ("CREATE TABLE full_disk (id INTEGER AUTO_INCREMENT PRIMARY KEY, data LONGTEXT NOT NULL) DATA DIRECTORY='%s'", folder)
    : g_strdup ("CREATE TABLE full_disk (id SERIAL PRIMARY KEY, data TEXT NOT NULL) TABLESPACE small");
  g_autoptr(CupelEngine) engine = cupel_engine_new (url, error);
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, error);
  g_autoptr(GError) local = NULL;
  guint n_batches = 0;

  g_assert_nonnull (connection);
  run_sql (connection, "DROP TABLE IF EXISTS full_disk");
  run_sql (connection, create);
  g_assert_true (insert_rows (connection, N_KEPT, error));
  g_assert_true (cupel_connection_commit (connection, NULL, error));

  /* One at a time, and many in one call. */
  for (guint n = 1; n <= N_IN_BATCH; n *= N_IN_BATCH)
    {
      while (insert_rows (connection, n, &local))
        g_assert_cmpuint (++n_batches, <, 20000);
      assert_full (local);
      g_clear_error (&local);
      g_assert_true (cupel_connection_rollback (connection, NULL, error));
      g_assert_cmpint (count_rows (connection), ==, N_KEPT);
      g_assert_true (cupel_connection_rollback (connection, NULL, error));
    }
  g_assert_cmpuint (n_batches, >, 10);

  /* Room is made, by the same connection. */
  run_sql (connection, "DROP TABLE full_disk");
  run_sql (connection, create);
  g_assert_true (insert_rows (connection, N_KEPT, error));
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  g_assert_cmpint (count_rows (connection), ==, N_KEPT);
  run_sql (connection, "DROP TABLE full_disk");
  g_assert_true (cupel_connection_close (connection, NULL, error));
  return cupel_engine_dispose (engine, NULL, error);
}

static void
in_fiber (gconstpointer url)
{
  g_autoptr(GError) error = NULL;

  cupel_run (test_full, (gpointer) url, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  g_autofree char *upper = NULL;
  g_autofree char *variable = NULL;
  g_autofree char *folder_variable = NULL;

  if (argc < 2)
    {
      g_printerr ("usage: %s postgresql|mysql [OPTION OF GTest...]\n", argv[0]);
      return 2;
    }
  server = argv[1];
  memmove (argv + 1, argv + 2, (gsize) (argc - 1) * sizeof *argv);
  argc--;
  g_test_init (&argc, &argv, NULL);

  upper = g_ascii_strup (server, -1);
  variable = g_strdup_printf ("CUPEL_TEST_%s_URL", upper);
  folder_variable = g_strdup_printf ("CUPEL_TEST_%s_SMALL_DISK", upper);
  folder = g_strdup (g_getenv (folder_variable));
  if (g_getenv (variable) == NULL || folder == NULL)
    {
      g_print ("1..0 # SKIP %s\n", g_getenv ("CUPEL_TEST_SMALL_DISK_SKIP") != NULL ? g_getenv ("CUPEL_TEST_SMALL_DISK_SKIP")
                                                                                    : "no server has a small disk (ci/servers --small-disk)");
      return EXIT_SUCCESS;
    }
  g_test_add_data_func ("/full-disk", g_getenv (variable), in_fiber);
  return g_test_run ();
}
