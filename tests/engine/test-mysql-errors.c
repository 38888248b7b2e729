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
      g_assert_cmpint (cupel_error_get_native_code (error), ==, on_mysql && cases[i].native == 4025 ? 3819 : cases[i].native);
      g_assert_cmpstr (cupel_error_get_constraint (error), ==, cases[i].constraint);
      g_assert_cmpstr (cupel_error_get_column (error), ==, cases[i].column);
      g_assert_nonnull (cupel_error_get_sqlstate (error));
      g_assert_null (strstr (error->message, "secret-value"));
      g_assert_false (cupel_error_is_disconnect (error));
      assert_status (connection, IDLE);
    }
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM e_child"), ==, 1);
}

/* What can be done about an error, number by number. */
static void
test_categories (void)
{
  static const struct
  {
    guint              number;
    int                code;
    CupelErrorCategory category;
    gboolean           retryable;
    gboolean           disconnect;
    gboolean           ends;        /* the transaction */
  } rows[] = {
#define CATEGORY(name) CUPEL_ERROR_CATEGORY_##name
    { 1213, CUPEL_ERROR_DEADLOCK, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 1205, CUPEL_ERROR_OPERATIONAL, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 1020, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 1180, CUPEL_ERROR_OPERATIONAL, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 1613, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 1614, CUPEL_ERROR_DEADLOCK, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 3101, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 3572, CUPEL_ERROR_OPERATIONAL, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 8002, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 8022, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 8028, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 9007, CUPEL_ERROR_SERIALIZATION, CATEGORY (RETRY), TRUE, FALSE, TRUE },
    { 1206, CUPEL_ERROR_OPERATIONAL, CATEGORY (OVERLOAD), TRUE, FALSE, TRUE },
    { 1290, CUPEL_ERROR_OPERATIONAL, CATEGORY (NOT_PRIMARY), TRUE, FALSE, FALSE },
    { 1792, CUPEL_ERROR_OPERATIONAL, CATEGORY (NOT_PRIMARY), TRUE, FALSE, FALSE },
    { 1836, CUPEL_ERROR_OPERATIONAL, CATEGORY (NOT_PRIMARY), TRUE, FALSE, FALSE },
    { 1047, CUPEL_ERROR_OPERATIONAL, CATEGORY (NOT_READY), TRUE, FALSE, FALSE },
    { 1053, CUPEL_ERROR_DISCONNECTED, CATEGORY (NOT_READY), FALSE, TRUE, FALSE },
    { 2002, CUPEL_ERROR_CONNECTION, CATEGORY (NOT_READY), FALSE, TRUE, FALSE },
    { 2003, CUPEL_ERROR_CONNECTION, CATEGORY (NOT_READY), FALSE, TRUE, FALSE },
    { 1927, CUPEL_ERROR_DISCONNECTED, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 2006, CUPEL_ERROR_DISCONNECTED, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 2013, CUPEL_ERROR_DISCONNECTED, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 4031, CUPEL_ERROR_DISCONNECTED, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 2014, CUPEL_ERROR_INTERNAL, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 2027, CUPEL_ERROR_INTERNAL, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 2999, CUPEL_ERROR_INTERNAL, CATEGORY (LOST), FALSE, TRUE, FALSE },   /* not known */
    { 0, CUPEL_ERROR_INTERNAL, CATEGORY (LOST), FALSE, TRUE, FALSE },
    { 1243, CUPEL_ERROR_PROGRAMMING, CATEGORY (STALE_STATEMENT), FALSE, FALSE, FALSE },
    { 1615, CUPEL_ERROR_OPERATIONAL, CATEGORY (STALE_STATEMENT), TRUE, FALSE, FALSE },
    { 1040, CUPEL_ERROR_OPERATIONAL, CATEGORY (OVERLOAD), TRUE, FALSE, FALSE },
    { 1203, CUPEL_ERROR_OPERATIONAL, CATEGORY (OVERLOAD), TRUE, FALSE, FALSE },
    { 1226, CUPEL_ERROR_OPERATIONAL, CATEGORY (OVERLOAD), TRUE, FALSE, FALSE },
    { 1461, CUPEL_ERROR_OPERATIONAL, CATEGORY (OVERLOAD), FALSE, FALSE, FALSE },
    { 1021, CUPEL_ERROR_OPERATIONAL, CATEGORY (FULL), FALSE, FALSE, FALSE },
    { 1114, CUPEL_ERROR_OPERATIONAL, CATEGORY (FULL), FALSE, FALSE, FALSE },
    { 1062, CUPEL_ERROR_UNIQUE, CATEGORY (PROGRAM), FALSE, FALSE, FALSE },
    { 1452, CUPEL_ERROR_FOREIGN_KEY, CATEGORY (PROGRAM), FALSE, FALSE, FALSE },
    { 1048, CUPEL_ERROR_NOT_NULL, CATEGORY (PROGRAM), FALSE, FALSE, FALSE },
    { 4025, CUPEL_ERROR_CHECK, CATEGORY (PROGRAM), FALSE, FALSE, FALSE },
    { 1064, CUPEL_ERROR_PROGRAMMING, CATEGORY (PROGRAM), FALSE, FALSE, FALSE },
    { 1153, CUPEL_ERROR_DATA, CATEGORY (PROGRAM), FALSE, TRUE, FALSE },
    { 1045, CUPEL_ERROR_AUTHENTICATION, CATEGORY (NONE), FALSE, FALSE, FALSE },
    { 1317, CUPEL_ERROR_OPERATIONAL, CATEGORY (NONE), FALSE, FALSE, FALSE },
    { 1969, CUPEL_ERROR_TIMEOUT, CATEGORY (NONE), FALSE, FALSE, FALSE },
    { 1999, CUPEL_ERROR_OPERATIONAL, CATEGORY (NONE), FALSE, FALSE, FALSE },   /* not known */
#undef CATEGORY
  };
  /* not known by number, but by class */
  static const struct
  {
    const char        *state;
    int                code;
    CupelErrorCategory category;
  } states[] = {
    { "08S01", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST },
    { "22007", CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM },
    { "23000", CUPEL_ERROR_INTEGRITY, CUPEL_ERROR_CATEGORY_PROGRAM },
    { "28000", CUPEL_ERROR_AUTHENTICATION, CUPEL_ERROR_CATEGORY_NONE },
    { "40001", CUPEL_ERROR_SERIALIZATION, CUPEL_ERROR_CATEGORY_RETRY },
    { "42000", CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr(GError) error = cupel_mysql_error_new (rows[i].number, "HY000", "text", FALSE);

      g_test_message ("%u", rows[i].number);
      g_assert_error (error, CUPEL_ERROR, rows[i].code);
      g_assert_cmpint (cupel_error_get_category (error), ==, rows[i].category);
      g_assert_cmpint (cupel_error_get_native_code (error), ==, (int) rows[i].number);
      g_assert_cmpint (cupel_error_is_retryable (error), ==, rows[i].retryable);
      g_assert_cmpint (cupel_error_is_disconnect (error), ==, rows[i].disconnect);
      g_assert_cmpint (cupel_mysql_error_ends_transaction (error), ==, rows[i].ends);
    }
  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      g_autoptr(GError) error = cupel_mysql_error_new (1999, states[i].state, "text", FALSE);

      g_assert_error (error, CUPEL_ERROR, states[i].code);
      g_assert_cmpint (cupel_error_get_category (error), ==, states[i].category);
    }
}

static const Case cases[] = {
  { "errors", test_errors },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "errors");
  g_test_add_func ("/engine/mysql/errors/categories", test_categories);
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
