/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the numbers of the server become. */

#include "mysql-fixture.h"

#include <string.h>

static void
test_errors (CupelDriverConnection *connection)
{
  static const struct
  {
    const char *sql;
    int         code;
    int         native;
    const char *constraint;
    const char *column;
  } cases[] = {
    { "INSERT INTO e_child (id, u) VALUES (2, 'secret-value')", CUPEL_ERROR_UNIQUE, 1062, "e_unique", NULL },
    { "INSERT INTO e_child (id, p) VALUES (3, 99)", CUPEL_ERROR_FOREIGN_KEY, 1452, "e_fk", NULL },
    { "DELETE FROM e_parent", CUPEL_ERROR_FOREIGN_KEY, 1451, "e_fk", NULL },
    { "INSERT INTO e_child (id, nn) VALUES (4, NULL)", CUPEL_ERROR_NOT_NULL, 1048, NULL, "nn" },
    { "INSERT INTO e_child (id, c) VALUES (5, -1)", CUPEL_ERROR_CHECK, 4025, "e_check", NULL },
    { "SELEC 1", CUPEL_ERROR_PROGRAMMING, 1064, NULL, NULL },
    { "SELECT 1 FROM e_nowhere", CUPEL_ERROR_PROGRAMMING, 1146, NULL, NULL },
    { "SELECT nothing FROM e_child", CUPEL_ERROR_PROGRAMMING, 1054, NULL, NULL },
    { "INSERT INTO e_child (id, u) VALUES (6, repeat('x', 100))", CUPEL_ERROR_DATA, 1406, NULL, "u" },
    { "INSERT INTO e_child (id, c) VALUES (7, 99999999999)", CUPEL_ERROR_DATA, 1264, NULL, "c" },
    { "INSERT INTO e_child (id, c) VALUES (8, 'secret-value')", CUPEL_ERROR_DATA, 1366, NULL, "c" },
  };

  run (connection, "CREATE TABLE e_parent (id INT PRIMARY KEY) ENGINE=InnoDB");
  run (connection, "CREATE TABLE e_child (id INT PRIMARY KEY, p INT, u VARCHAR(20), nn INT NOT NULL DEFAULT 1, c INT, "
                   "CONSTRAINT e_unique UNIQUE (u), CONSTRAINT e_fk FOREIGN KEY (p) REFERENCES e_parent (id), "
                   "CONSTRAINT e_check CHECK (c >= 0)) ENGINE=InnoDB");
  run (connection, "INSERT INTO e_parent VALUES (1)");
  run (connection, "INSERT INTO e_child (id, p, u) VALUES (1, 1, 'secret-value')");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = fail (connection, cases[i].sql, CUPEL_REQUEST_NONE);

      g_test_message ("%s: %s", cases[i].sql, error->message);
      g_assert_error (error, CUPEL_ERROR, cases[i].code);
      g_assert_cmpint (cupel_error_get_native_code (error), ==, cases[i].native);
      g_assert_cmpstr (cupel_error_get_constraint (error), ==, cases[i].constraint);
      g_assert_cmpstr (cupel_error_get_column (error), ==, cases[i].column);
      g_assert_nonnull (cupel_error_get_sqlstate (error));
      g_assert_null (strstr (error->message, "secret-value"));
      g_assert_false (cupel_error_is_disconnect (error));
      assert_status (connection, IDLE);
    }
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM e_child"), ==, 1);
}

static const Case cases[] = {
  { "errors", test_errors },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "errors");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
