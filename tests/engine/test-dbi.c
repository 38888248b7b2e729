/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the driver for libdbi is told and tells: URLs, errors, capabilities, limits. */

#include "dbi-fixture.h"

/* Errors have the class that the dialect gives to their code. */
static void
test_errors (void)
{
  run ("DROP TABLE IF EXISTS dbi_child");
  run ("DROP TABLE IF EXISTS dbi_parent");
  run ("CREATE TABLE dbi_parent (id INTEGER PRIMARY KEY, v INTEGER NOT NULL, CONSTRAINT positive CHECK (v > 0))");
  run ("CREATE TABLE dbi_child (id INTEGER PRIMARY KEY, parent INTEGER, FOREIGN KEY (parent) REFERENCES dbi_parent (id))");
  run ("INSERT INTO dbi_parent VALUES (1, 1)");

  assert_fails ("INSERT INTO dbi_parent VALUES (1, 2)", CUPEL_ERROR_UNIQUE);
  assert_fails ("INSERT INTO dbi_parent VALUES (2, NULL)", CUPEL_ERROR_NOT_NULL);
  assert_fails ("INSERT INTO dbi_parent VALUES (2, -1)", CUPEL_ERROR_CHECK);
  assert_fails ("INSERT INTO dbi_child VALUES (1, 99)", CUPEL_ERROR_FOREIGN_KEY);
  assert_fails ("SELEKT 1", CUPEL_ERROR_PROGRAMMING);
  assert_fails ("SELECT * FROM dbi_nothing", CUPEL_ERROR_PROGRAMMING);

  run ("DROP TABLE dbi_child");
  run ("DROP TABLE dbi_parent");
}

/* What the engine is told is what is so. */
static void
test_capabilities (void)
{
  CupelCapabilities found = CUPEL_CAP_NONE;
  g_autoptr(CupelCompiled) many = compile (is_dialect ("postgresql") ? "SELECT generate_series(1, 900)"
                                           : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) "
                                             "SELECT i FROM n", CUPEL_SQL_INT64, -1);
  CupelRequest request = { .compiled = many, .flags = CUPEL_REQUEST_STREAM, .block_rows = 100 };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_dialect_initialize (dialect, connection, &found, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (found & (CUPEL_CAP_STREAMING | CUPEL_CAP_NESTED_STREAMS));
  g_assert_true (found & CUPEL_CAP_CANCEL);
  g_assert_true (found & CUPEL_CAP_MICROSECONDS);
  g_assert_true (found & CUPEL_CAP_FOREIGN_KEYS);
  g_assert_true (found & CUPEL_CAP_SAVEPOINTS);
  g_assert_true (found & CUPEL_CAP_PERSISTENT);

  /* no stream: the rows are there at once, in blocks */
  cupel_driver_connection_execute (connection, &request, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (reply.cursor);
  g_assert_cmpuint (reply.blocks->len, ==, 9);
  g_assert_cmpint (get_cell (&reply, 899, 0)->v.i64, ==, 900);
}

/* URLs */

/* @code: CUPEL_ERROR_FAILED for none */
static void
check_url (const char *text,
           CupelError  code)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = NULL;

  if (!g_str_has_prefix (text, cupel_dialect_get_name (dialect)))
    return;
  engine = cupel_engine_new (text, &error);
  g_test_message ("%s", error != NULL ? error->message : "no error");
  if (code == CUPEL_ERROR_FAILED)
    g_assert_no_error (error);
  else
    g_assert_error (error, CUPEL_ERROR, (int) code);
}

static void
test_urls (void)
{
  check_url ("mysql+dbi://u:p@db.example.com/d", CUPEL_ERROR_UNSUPPORTED);
  check_url ("mysql+dbi://u:p@db.example.com/d?tls=verify-full", CUPEL_ERROR_UNSUPPORTED);
  check_url ("mysql+dbi://u:p@db.example.com/d?tls=disable", CUPEL_ERROR_FAILED);
  check_url ("mysql+dbi://u@/d?local_infile=1", CUPEL_ERROR_INVALID_URL);
  check_url ("postgresql+dbi://u@/d?options=-c%20a", CUPEL_ERROR_INVALID_URL);
  check_url ("postgresql+dbi://u@/d?host=a,b", CUPEL_ERROR_INVALID_URL);
  check_url ("postgresql+dbi://u@localhost/d?tls=maybe", CUPEL_ERROR_INVALID_URL);
  check_url ("sqlite+dbi://host/file", CUPEL_ERROR_INVALID_URL);
  check_url ("sqlite+dbi:///file?mode=ro", CUPEL_ERROR_INVALID_URL);
  check_url ("sqlite+dbi:///file?busy_timeout=x", CUPEL_ERROR_INVALID_URL);
}

static void
test_no_such_place (void)
{
  const char *text = is_dialect ("sqlite") ? "sqlite+dbi:////nowhere/at/all.db"
                     : is_dialect ("mysql") ? "mysql+dbi://u@/d?unix_socket=/nowhere" : "postgresql+dbi://u@/d?host=/nowhere";
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelDriverConnection) none = connect_with (driver, text, &error);

  g_assert_null (none);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
}

int
main (int    argc,
      char **argv)
{
  static const Case cases[] = {
    { "errors", test_errors },
    { "capabilities", test_capabilities },
    { "urls", test_urls },
    { "no-such-place", test_no_such_place },
  };

  return dbi_test_main (argc, argv, cases, G_N_ELEMENTS (cases));
}
