/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The SQLite driver as a pool or an engine uses it: requests and replies, in a fiber. */

#include <cupel-dialect.h>
#include <glib/gstdio.h>
#include <time.h>

typedef void (*TestBody) (void);

static CupelDialect *dialect;
static CupelDriver *driver;
static CupelCompiler *compiler;
static char *directory;

static gboolean
run_body (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  TestBody body = *(TestBody *) data;

  body ();
  return TRUE;
}

static void
in_fiber (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_body, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

static gint64
soon (void)
{
  return g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
}

static gboolean
under_valgrind (void)
{
  const char *preload = g_getenv ("LD_PRELOAD");

  return preload != NULL && strstr (preload, "valgrind") != NULL;
}

/* Within a second of @start; valgrind runs one thread at a time, and slowly. */
static void
assert_quick (gint64 start)
{
  g_assert_cmpint (g_get_monotonic_time () - start, <, (under_valgrind () ? 30 : 1) * G_USEC_PER_SEC);
}

static CupelDriverConnection *
open_url (const char  *text,
          GError     **error)
{
  g_autoptr(CupelUrl) url = cupel_url_new (text, error);

  if (url == NULL || !cupel_driver_configure (driver, url, error))
    return NULL;
  return cupel_driver_connect (driver, url, NULL, soon (), NULL, error);
}

static CupelDriverConnection *
open_memory (void)
{
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *connection = open_url ("sqlite://", &error);

  g_assert_no_error (error);
  g_assert_nonnull (connection);
  return connection;
}

static char *
file_url (const char *name,
          const char *options)
{
  return g_strdup_printf ("sqlite:///%s/%s%s", directory, name, options);
}

static CupelDriverConnection *
open_file (const char *name,
           const char *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *url = file_url (name, options);
  CupelDriverConnection *connection = open_url (url, &error);

  g_assert_no_error (error);
  g_assert_nonnull (connection);
  return connection;
}

static void
close_it (CupelDriverConnection *connection)
{
  cupel_driver_connection_close (connection, soon ());
  g_object_unref (connection);
}

/* A text; the kinds are those of its columns, ended by -1. */
static CupelCompiled *
compile (const char *sql,
         ...)
{
  g_autoptr(GError) error = NULL;
  CupelText *text = cupel_text_new (sql);
  CupelCompiled *compiled;
  va_list args;
  int kind;

  va_start (args, sql);
  while ((kind = va_arg (args, int)) >= 0)
    cupel_text_add_result_type (text, kind == CUPEL_SQL_NUMERIC ? cupel_sql_type_new_numeric (20, 2)
                                                                : cupel_sql_type_new (kind));
  va_end (args);

  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
  g_assert_no_error (error);
  g_assert_nonnull (compiled);
  g_object_unref (text);
  return compiled;
}

static gboolean
execute (CupelDriverConnection  *connection,
         CupelCompiled          *compiled,
         CupelRowBlock          *sets,
         CupelRequestFlags       flags,
         CupelReply             *reply,
         GCancellable           *cancellable,
         GError                **error)
{
  CupelRequest request = { .compiled = compiled, .sets = sets, .n_sets = sets != NULL ? sets->n_rows : 0, .flags = flags };

  return cupel_driver_connection_execute (connection, &request, reply, cancellable, error);
}

static gboolean
try_sql (CupelDriverConnection  *connection,
         const char             *sql,
         CupelRequestFlags       flags,
         GError                **error)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0 };

  return execute (connection, compiled, NULL, flags, &reply, NULL, error);
}

static void
sql (CupelDriverConnection *connection,
     const char            *text)
{
  g_autoptr(GError) error = NULL;

  try_sql (connection, text, CUPEL_REQUEST_NONE, &error);
  g_assert_no_error (error);
}

static gint64
scalar (CupelDriverConnection *connection,
        const char            *text)
{
  g_autoptr(CupelCompiled) compiled = compile (text, -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  const CupelCell *cell;

  execute (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reply.blocks->len, ==, 1);
  cell = cupel_row_block_get_row (g_ptr_array_index (reply.blocks, 0), 0);
  g_assert_cmpint (cell->kind, ==, CUPEL_CELL_INT64);
  return cell->v.i64;
}

static CupelTransactionStatus
status (CupelDriverConnection *connection)
{
  return cupel_driver_connection_get_status (connection);
}

static const CupelCell *
first_row (CupelReply *reply)
{
  g_assert_nonnull (reply->blocks);
  g_assert_cmpuint (reply->blocks->len, >, 0);
  return cupel_row_block_get_row (g_ptr_array_index (reply->blocks, 0), 0);
}

/* ---- URLs and opening ---- */

static void
test_url (void)
{
  static const struct { const char *url; const char *part; } bad[] = {
    { "sqlite:///f.db?foo=1", "busy_timeout, journal_mode, mode, statement_cache_size, synchronous" },
    { "sqlite:///f.db?mode=memory", "ro, rw, rwc" },
    { "sqlite:///f.db?journal_mode=OFF", "WAL" },
    { "sqlite:///f.db?busy_timeout=-1", "busy_timeout" },
    { "sqlite:///f.db?busy_timeout=x", "busy_timeout" },
    { "sqlite://f.db", "sqlite:///file" },
    { "sqlite://u@/f.db", "sqlite:///file" },
  };
  g_autoptr(CupelUrl) memory = cupel_url_new ("sqlite://", NULL);
  g_autoptr(CupelUrl) memory2 = cupel_url_new ("sqlite:///:memory:", NULL);
  g_autoptr(CupelUrl) file = cupel_url_new ("sqlite:///f.db?mode=ro&busy_timeout=100", NULL);

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelUrl) url = cupel_url_new (bad[i].url, &error);

      g_assert_no_error (error);
      g_assert_false (cupel_driver_configure (driver, url, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
      g_assert_nonnull (strstr (error->message, bad[i].part));
    }

  g_assert_cmpstr (cupel_driver_choose_pool (driver, memory), ==, "static");
  g_assert_cmpstr (cupel_driver_choose_pool (driver, memory2), ==, "static");
  g_assert_cmpstr (cupel_driver_choose_pool (driver, file), !=, "static");
  g_assert_true (cupel_driver_configure (driver, file, NULL));
}

static void
assert_open_fails (const char *url,
                   const char *part)
{
  g_autoptr(GError) error = NULL;

  g_assert_null (open_url (url, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, part);
}

static void
test_open_errors (void)
{
  g_autofree char *no_directory = file_url ("none/x.db", "");
  g_autofree char *is_directory = g_strdup_printf ("sqlite:///%s", directory);
  g_autofree char *missing = file_url ("missing.db", "?mode=rw");
  g_autofree char *garbage = file_url ("garbage.db", "");
  g_autofree char *garbage_ro = file_url ("garbage.db", "?mode=ro");
  g_autofree char *path = g_build_filename (directory, "garbage.db", NULL);
  g_autofree char *missing_path = g_build_filename (directory, "missing.db", NULL);
  g_autoptr(GString) text = g_string_new (NULL);

  for (guint i = 0; i < 1000; i++)
    g_string_append (text, "this is no database ");
  g_assert_true (g_file_set_contents (path, text->str, -1, NULL));

  assert_open_fails (no_directory, "does not exist");
  assert_open_fails (no_directory, "x.db");
  assert_open_fails (is_directory, "directory");
  assert_open_fails (missing, "mode=rwc");
  assert_open_fails (garbage, "garbage.db");
  assert_open_fails (garbage, "not a database");
  assert_open_fails (garbage_ro, "not a database");
  g_assert_false (g_file_test (missing_path, G_FILE_TEST_EXISTS));
}

static void
test_settings (void)
{
  CupelDriverConnection *connection = open_file ("settings.db", "?busy_timeout=700");
  CupelDriverConnection *other = open_file ("settings.db", "?synchronous=FULL");
  CupelDriverConnection *reader = open_file ("settings.db", "?mode=ro");
  g_autoptr(CupelCompiled) mode = compile ("PRAGMA journal_mode", -1);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) reply = { 0 };

  g_assert_cmpint (scalar (connection, "PRAGMA foreign_keys"), ==, 1);
  g_assert_cmpint (scalar (connection, "PRAGMA trusted_schema"), ==, 0);
  g_assert_cmpint (scalar (connection, "PRAGMA synchronous"), ==, 1);
  g_assert_cmpint (scalar (other, "PRAGMA synchronous"), ==, 2);
  execute (connection, mode, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (first_row (&reply)->v.text, ==, "wal");

  /* A text in double quotes is no string. */
  g_assert_false (try_sql (connection, "SELECT \"no such column\"", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&error);

  g_assert_false (try_sql (reader, "CREATE TABLE t (x)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&error);

  close_it (connection);
  close_it (other);
  close_it (reader);
}

static void
test_two_in_memory (void)
{
  CupelDriverConnection *a = open_memory ();
  CupelDriverConnection *b = open_memory ();
  CupelCapabilities capabilities = CUPEL_CAP_NONE;
  g_autoptr(GError) error = NULL;

  sql (a, "CREATE TABLE t (x)");
  g_assert_false (try_sql (b, "SELECT * FROM t", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&error);

  g_assert_true (cupel_dialect_initialize (dialect, a, &capabilities, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (capabilities & CUPEL_CAP_INSERT_RETURNING);
  g_assert_true (capabilities & CUPEL_CAP_NESTED_STREAMS);
  g_assert_false (capabilities & CUPEL_CAP_PERSISTENT);
  g_assert_false (capabilities & CUPEL_CAP_CONCURRENT_WRITERS);

  close_it (a);
  close_it (b);
}

static void
test_closed (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_is_alive (connection));
  g_assert_true (cupel_driver_connection_ping (connection, soon (), NULL));
  cupel_driver_connection_close (connection, soon ());
  cupel_driver_connection_terminate (connection);
  cupel_driver_connection_terminate (connection);
  g_assert_false (cupel_driver_connection_is_alive (connection));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (try_sql (connection, "SELECT 1", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_object_unref (connection);
}

/* ---- values ---- */

static void
set_cell (CupelRowBlock *sets,
          CupelCell     *cell,
          CupelCellKind  kind,
          gint64         number,
          const char    *text,
          gsize          length)
{
  if (kind == CUPEL_CELL_NULL)
    return;
  if (kind == CUPEL_CELL_BYTES || kind == CUPEL_CELL_UUID)
    cupel_row_block_set_bytes (sets, cell, kind, text, length);
  else if (text != NULL)
    cupel_row_block_set_text (sets, cell, kind, text, -1);
  else
    {
      cell->kind = kind;
      cell->v.i64 = number;
    }
}

/* Stored through a bind of the type, in a column of the type, and read as the type. */
static void
test_types (void)
{
  static const struct
  {
    CupelSqlKind  type;
    const char   *column;
    CupelCellKind kind;
    gint64        number;
    const char   *text;
    gsize         length;
    const char   *stored;   /* NULL: not looked at */
  } cases[] = {
    { CUPEL_SQL_BOOLEAN,   "BOOLEAN",        CUPEL_CELL_BOOLEAN, 1, .stored = "1" },
    { CUPEL_SQL_BOOLEAN,   "BOOLEAN",        CUPEL_CELL_BOOLEAN, 0, .stored = "0" },
    { CUPEL_SQL_INT64,     "INTEGER",        CUPEL_CELL_INT64, G_MAXINT64, .stored = "9223372036854775807" },
    { CUPEL_SQL_INT64,     "INTEGER",        CUPEL_CELL_INT64, G_MININT64, .stored = "-9223372036854775808" },
    { CUPEL_SQL_INT16,     "SMALLINT",       CUPEL_CELL_INT64, -7 },
    { CUPEL_SQL_STRING,    "VARCHAR(50)",    CUPEL_CELL_TEXT, .text = "" },
    { CUPEL_SQL_STRING,    "VARCHAR(50)",    CUPEL_CELL_TEXT, .text = "12.50" },
    { CUPEL_SQL_TEXT,      "TEXT",           CUPEL_CELL_TEXT, .text = "Größe, 数据, 🙂; DROP TABLE t; -- '" },
    { CUPEL_SQL_BYTES,     "BLOB",           CUPEL_CELL_BYTES, .text = "a\0b\xff", .length = 4 },
    { CUPEL_SQL_BYTES,     "BLOB",           CUPEL_CELL_BYTES, .text = "", .length = 0 },
    { CUPEL_SQL_DATE,      "DATE",           CUPEL_CELL_DATE, 19782, .stored = "2024-02-29" },
    { CUPEL_SQL_DATE,      "DATE",           CUPEL_CELL_DATE, -1, .stored = "1969-12-31" },
    { CUPEL_SQL_TIME,      "TIME",           CUPEL_CELL_TIME, 45296000000, .stored = "12:34:56" },
    { CUPEL_SQL_TIME,      "TIME",           CUPEL_CELL_TIME, 45296000001, .stored = "12:34:56.000001" },
    { CUPEL_SQL_DATETIME,  "DATETIME",       CUPEL_CELL_DATETIME, 1709210096000000, .stored = "2024-02-29 12:34:56" },
    { CUPEL_SQL_DATETIME,  "DATETIME",       CUPEL_CELL_DATETIME, 1709210096789012, .stored = "2024-02-29 12:34:56.789012" },
    { CUPEL_SQL_DATETIME,  "DATETIME",       CUPEL_CELL_DATETIME, -62135596800000000, .stored = "0001-01-01 00:00:00" },
    { CUPEL_SQL_DATETIME,  "DATETIME",       CUPEL_CELL_DATETIME, 253402300799999999, .stored = "9999-12-31 23:59:59.999999" },
    { CUPEL_SQL_TIMESTAMP, "TIMESTAMP",      CUPEL_CELL_TIMESTAMP, 1709210096000001 },
    { CUPEL_SQL_NUMERIC,   "DECIMAL_TEXT(20, 2)", CUPEL_CELL_DECIMAL, .text = "12345678901234567890.12", .stored = "12345678901234567890.12" },
    { CUPEL_SQL_NUMERIC,   "DECIMAL_TEXT(20, 2)", CUPEL_CELL_DECIMAL, .text = "-0.10", .stored = "-0.10" },
    { CUPEL_SQL_STRING,    "VARCHAR",        CUPEL_CELL_TEXT, .text = "1.5", .stored = "1.5" },
    { CUPEL_SQL_UUID,      "CHAR(36)",       CUPEL_CELL_UUID, .text = "\x12\x34\x56\x78\x9a\xbc\xde\xf0\x00\x01\x02\x03\x04\x05\x06\x07",
      .length = 16, .stored = "12345678-9abc-def0-0001-020304050607" },
    { CUPEL_SQL_JSON,      "JSON_TEXT",      CUPEL_CELL_JSON, .text = "{\"a\": [1, 2.50, null]}" },
    { CUPEL_SQL_JSON,      "JSON_TEXT",      CUPEL_CELL_JSON, .text = "12345678901234567890" },
    { CUPEL_SQL_JSON,      "JSON_TEXT",      CUPEL_CELL_JSON, .text = "null" },
    { CUPEL_SQL_DATETIME,  "DATETIME",       CUPEL_CELL_NULL },
    { CUPEL_SQL_NULL,      "TEXT",           CUPEL_CELL_NULL },
  };
  CupelDriverConnection *connection = open_memory ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *create = g_strdup_printf ("CREATE TABLE t%u (x %s)", i, cases[i].column);
      g_autofree char *insert = g_strdup_printf ("INSERT INTO t%u (x) VALUES (:x)", i);
      g_autofree char *select = g_strdup_printf ("SELECT x, CAST(x AS TEXT) FROM t%u WHERE x = :x OR :x IS NULL", i);
      g_autoptr(CupelText) text = cupel_text_new (insert);
      g_autoptr(CupelRowBlock) sets = cupel_row_block_new (1, 1);
      g_autoptr(CupelCompiled) inserting = NULL;
      g_autoptr(CupelCompiled) selecting = compile (select, cases[i].type, CUPEL_SQL_TEXT, -1);
      g_autoptr(GError) error = NULL;
      g_auto(CupelReply) reply = { 0 };
      g_auto(CupelReply) rows = { 0 };
      const CupelCell *cells;

      set_cell (sets, cupel_row_block_add_row (sets), cases[i].kind, cases[i].number, cases[i].text, cases[i].length);
      cupel_text_set_bind_type (text, "x", cupel_sql_type_new (cases[i].type));
      inserting = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
      g_assert_no_error (error);

      sql (connection, create);
      execute (connection, inserting, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (reply.row_count, ==, 1);
      g_assert_cmpint (reply.last_insert_id, ==, 1);

      execute (connection, selecting, sets, CUPEL_REQUEST_NONE, &rows, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (rows.n_columns, ==, 2);
      g_assert_cmpstr (rows.column_names[0], ==, "x");
      cells = first_row (&rows);
      g_assert_cmpint (cells[0].kind, ==, cases[i].kind);
      if (cases[i].kind == CUPEL_CELL_NULL)
        continue;
      g_assert_true (cupel_cell_equal (&cells[0], cupel_row_block_get_row (sets, 0)));
      if (cases[i].stored != NULL)
        g_assert_cmpstr (cells[1].v.text, ==, cases[i].stored);
    }

  close_it (connection);
}

static void
test_server_time (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, CURRENT_DATE", CUPEL_SQL_DATETIME,
                                               CUPEL_SQL_TIMESTAMP, CUPEL_SQL_DATE, -1);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) reply = { 0 };
  const CupelCell *cells;

  execute (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error);
  g_assert_no_error (error);
  cells = first_row (&reply);
  g_assert_cmpint (cells[0].kind, ==, CUPEL_CELL_DATETIME);
  g_assert_cmpint (ABS (cells[0].v.i64 - g_get_real_time ()), <, 60 * G_USEC_PER_SEC);
  g_assert_cmpint (cells[1].kind, ==, CUPEL_CELL_TIMESTAMP);
  g_assert_cmpint (cells[2].kind, ==, CUPEL_CELL_DATE);
  close_it (connection);
}

/* What is no value of the type that was expected is there all the same, as what it is. */
static void
test_odd_values (void)
{
  static const struct
  {
    const char   *expression;
    CupelSqlKind  type;
    CupelCellKind kind;
    const char   *text;
  } cases[] = {
    { "'yesterday'",   CUPEL_SQL_DATETIME, CUPEL_CELL_OTHER, "yesterday" },
    { "20240229",      CUPEL_SQL_DATE,     CUPEL_CELL_OTHER, "20240229" },
    { "'2024-02-30'",  CUPEL_SQL_DATE,     CUPEL_CELL_OTHER, "2024-02-30" },
    { "'x'",           CUPEL_SQL_INT64,    CUPEL_CELL_OTHER, "x" },
    { "'yes'",         CUPEL_SQL_BOOLEAN,  CUPEL_CELL_OTHER, "yes" },
    { "'1e5x'",        CUPEL_SQL_NUMERIC,  CUPEL_CELL_OTHER, "1e5x" },
    { "'not-a-uuid'",  CUPEL_SQL_UUID,     CUPEL_CELL_OTHER, "not-a-uuid" },
    { "0.1 + 0.2",     CUPEL_SQL_NUMERIC,  CUPEL_CELL_DECIMAL, "0.30" },
    { "7",             CUPEL_SQL_NUMERIC,  CUPEL_CELL_DECIMAL, "7" },
    { "12",            CUPEL_SQL_TEXT,     CUPEL_CELL_TEXT, "12" },
    { "2.0",           CUPEL_SQL_INT64,    CUPEL_CELL_INT64, NULL },
    { "2.5",           CUPEL_SQL_INT64,    CUPEL_CELL_DOUBLE, NULL },
    { "2",             CUPEL_SQL_DOUBLE,   CUPEL_CELL_DOUBLE, NULL },
    { "'2024-02-29'",  CUPEL_SQL_DATETIME, CUPEL_CELL_DATETIME, NULL },
    { "x'ff00'",       CUPEL_SQL_TEXT,     CUPEL_CELL_BYTES, NULL },
    { "CAST(x'c328' AS TEXT)", CUPEL_SQL_TEXT, CUPEL_CELL_BYTES, NULL },
    { "CAST(x'61006200' AS TEXT)", CUPEL_SQL_NULL, CUPEL_CELL_BYTES, NULL },
    { "CAST(x'6161616161616161616100' AS TEXT)", CUPEL_SQL_DATETIME, CUPEL_CELL_BYTES, NULL },
    { "1.5",           CUPEL_SQL_NULL,     CUPEL_CELL_DOUBLE, NULL },
    { "9e999",         CUPEL_SQL_NULL,     CUPEL_CELL_DOUBLE, NULL },
    { "9e999",         CUPEL_SQL_NUMERIC,  CUPEL_CELL_DECIMAL, "Infinity" },
    { "x'000102030405060708090a0b0c0d0e0f'", CUPEL_SQL_UUID, CUPEL_CELL_UUID, NULL },
    { "'abcdefgh' || char(228)", CUPEL_SQL_NULL, CUPEL_CELL_TEXT, "abcdefghä" },
  };
  CupelDriverConnection *connection = open_memory ();

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *select = g_strdup_printf ("SELECT %s", cases[i].expression);
      g_autoptr(CupelCompiled) compiled = compile (select, cases[i].type, -1);
      g_autoptr(GError) error = NULL;
      g_auto(CupelReply) reply = { 0 };
      const CupelCell *cell;

      execute (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error);
      g_assert_no_error (error);
      cell = first_row (&reply);
      g_assert_cmpint (cell->kind, ==, cases[i].kind);
      if (cases[i].text != NULL)
        g_assert_cmpstr (cell->v.text, ==, cases[i].text);
    }

  close_it (connection);
}

static void
test_bad_values (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) compiled = compile ("SELECT :a", -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (sets);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  cell->kind = CUPEL_CELL_UINT64;
  cell->v.u64 = G_GUINT64_CONSTANT (9223372036854775808);
  g_assert_false (execute (connection, compiled, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_clear_error (&error);

  cell->kind = CUPEL_CELL_DOUBLE;
  cell->v.f64 = g_ascii_strtod ("nan", NULL);
  g_assert_false (execute (connection, compiled, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_clear_error (&error);

  g_assert_false (execute (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_nonnull (strstr (error->message, "\"a\""));
  g_clear_error (&error);

  cell->kind = CUPEL_CELL_UINT64;
  cell->v.u64 = G_MAXINT64;
  execute (connection, compiled, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (first_row (&reply)->v.i64, ==, G_MAXINT64);
  close_it (connection);
}

/* ---- errors ---- */

static void
test_errors (void)
{
  static const struct
  {
    const char *sql;
    CupelError  code;
    const char *table;
    const char *column;
    const char *constraint;
  } cases[] = {
    { "INSERT INTO a (id, data) VALUES (1, 'y')", CUPEL_ERROR_UNIQUE, "a", "id", NULL },
    { "INSERT INTO a (id, data) VALUES (2, 'x')", CUPEL_ERROR_UNIQUE, "a", "data", NULL },
    { "INSERT INTO c (x, y) VALUES (1, 1)", CUPEL_ERROR_UNIQUE, "c", NULL, NULL },
    { "INSERT INTO d (x) VALUES ('ABC')", CUPEL_ERROR_UNIQUE, NULL, NULL, "ix_d" },
    { "INSERT INTO a (id, data) VALUES (3, NULL)", CUPEL_ERROR_NOT_NULL, "a", "data", NULL },
    { "INSERT INTO a (id, data, n) VALUES (3, 'z', -1)", CUPEL_ERROR_CHECK, NULL, NULL, "positive" },
    { "INSERT INTO b (a_id) VALUES (77)", CUPEL_ERROR_FOREIGN_KEY, NULL, NULL, NULL },
    { "DELETE FROM a WHERE id = 1", CUPEL_ERROR_FOREIGN_KEY, NULL, NULL, NULL },
    { "SELEC 1", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT * FROM nowhere", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT nothing FROM a", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "INSERT INTO a (id, data) VALUES ('no integer', 'q')", CUPEL_ERROR_DATA, NULL, NULL, NULL },
    { "SELECT abs(-9223372036854775807 - 1)", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT zeroblob(1000000001)", CUPEL_ERROR_DATA, NULL, NULL, NULL },
    { "SELECT 1; SELECT 2", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "  -- nothing", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT load_extension('x')", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
    { "SELECT ?", CUPEL_ERROR_PROGRAMMING, NULL, NULL, NULL },
  };
  CupelDriverConnection *connection = open_memory ();

  sql (connection, "CREATE TABLE a (id INTEGER PRIMARY KEY, data TEXT NOT NULL UNIQUE, n INT CONSTRAINT positive CHECK (n > 0))");
  sql (connection, "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INT REFERENCES a (id))");
  sql (connection, "CREATE TABLE c (x, y, UNIQUE (x, y))");
  sql (connection, "CREATE TABLE d (x)");
  sql (connection, "CREATE UNIQUE INDEX ix_d ON d (lower(x))");
  sql (connection, "INSERT INTO a (id, data) VALUES (1, 'x')");
  sql (connection, "INSERT INTO b (a_id) VALUES (1)");
  sql (connection, "INSERT INTO c VALUES (1, 1)");
  sql (connection, "INSERT INTO d VALUES ('abc')");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;

      g_assert_false (try_sql (connection, cases[i].sql, CUPEL_REQUEST_NONE, &error));
      if (!g_error_matches (error, CUPEL_ERROR, cases[i].code))
        g_error ("%s: %s %d: %s", cases[i].sql, g_quark_to_string (error->domain), error->code, error->message);
      g_assert_cmpstr (cupel_error_get_table (error), ==, cases[i].table);
      g_assert_cmpstr (cupel_error_get_column (error), ==, cases[i].column);
      g_assert_cmpstr (cupel_error_get_constraint (error), ==, cases[i].constraint);
      g_assert_false (cupel_error_is_retryable (error));
      g_assert_false (cupel_error_is_disconnect (error));
      g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }

  /* One statement and what ends it. */
  sql (connection, " ; SELECT 1 ; -- the end\n /* really */ ; ");
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM a"), ==, 1);
  close_it (connection);
}

/* ---- transactions ---- */

static void
test_transactions (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO t VALUES (1)", -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x PRIMARY KEY)");
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);

  /* BEGIN with the first statement */
  execute (connection, insert, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (reply.began);
  g_assert_cmpint (reply.row_count, ==, 1);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 0);

  /* a failed statement leaves the transaction open */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_false (try_sql (connection, "INSERT INTO t VALUES (1)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_clear_error (&error);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);

  /* one that holds nothing */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&error);

  /* savepoints are contained */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "SAVEPOINT s");
  sql (connection, "INSERT INTO t VALUES (2)");
  sql (connection, "RELEASE s");
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  sql (connection, "SAVEPOINT s");
  sql (connection, "INSERT INTO t VALUES (3)");
  sql (connection, "ROLLBACK TO s");
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 2);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);

  /* DDL is part of it, and what was prepared before survives it */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "CREATE TABLE u (x)");
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_false (try_sql (connection, "SELECT * FROM u", CUPEL_REQUEST_NONE, &error));
  g_clear_error (&error);
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "CREATE TABLE u (x)");
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_no_error (error);

  /* reset */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "INSERT INTO t VALUES (9)");
  g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);
  close_it (connection);
}

/* A full disk ends the statement, not the connection. */
static void
test_full (void)
{
  CupelDriverConnection *connection = open_file ("full.db", "");
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "PRAGMA max_page_count = 20");
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_false (try_sql (connection, "INSERT INTO t VALUES (zeroblob(1000000))", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_false (cupel_error_is_retryable (error));
  g_clear_error (&error);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);
  close_it (connection);
}

/* What reads by its argument leaves the session as it was. */
static void
test_pragmas (void)
{
  static const struct { const char *sql; gboolean changes; } pragmas[] = {
    { "PRAGMA table_info(t)", FALSE }, { "PRAGMA table_info = t", FALSE }, { "PRAGMA main.TABLE_XINFO(t)", FALSE },
    { "PRAGMA index_list(t)", FALSE }, { "PRAGMA index_info(t_x)", FALSE }, { "PRAGMA index_xinfo(t_x)", FALSE },
    { "PRAGMA foreign_key_list(t)", FALSE }, { "PRAGMA foreign_key_check(t)", FALSE }, { "PRAGMA integrity_check(10)", FALSE },
    { "PRAGMA quick_check(t)", FALSE }, { "PRAGMA table_list(t)", FALSE }, { "PRAGMA foreign_keys", FALSE },
    { "SELECT count(*) FROM pragma_table_info('t')", FALSE }, { "PRAGMA cache_size = 100", TRUE }, { "PRAGMA foreign_keys(0)", TRUE },
  };
  CupelDriverConnection *connection = open_memory ();

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "CREATE INDEX t_x ON t (x)");
  g_assert_false (cupel_driver_connection_needs_reset (connection));
  for (guint i = 0; i < G_N_ELEMENTS (pragmas); i++)
    {
      g_autoptr(GError) error = NULL;

      g_test_message ("%s", pragmas[i].sql);
      try_sql (connection, pragmas[i].sql, CUPEL_REQUEST_NONE, &error);
      g_assert_no_error (error);
      g_assert_cmpint (cupel_driver_connection_needs_reset (connection), ==, pragmas[i].changes);
      g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
    }
  close_it (connection);
}

/* Writing takes the rest of a stream into memory, but not any amount of it. */
static void
test_stream_too_long (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) compiled = compile ("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) "
                                               "SELECT i, zeroblob(1000000) FROM n, t", -1);
  CupelRequest request = { .compiled = compiled, .flags = CUPEL_REQUEST_STREAM, .block_rows = 1 };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  gint64 n = 0;

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "INSERT INTO t VALUES (1)");
  g_assert_true (cupel_driver_connection_execute (connection, &request, &reply, NULL, &error));
  g_assert_false (try_sql (connection, "INSERT INTO t VALUES (2)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (&error);
  for (CupelRowBlock *block; (block = cupel_driver_cursor_fetch (reply.cursor, NULL, &error)) != NULL; cupel_row_block_unref (block))
    g_assert_cmpint (block->cells[0].v.i64, ==, ++n);
  g_assert_no_error (error);
  g_assert_cmpint (n, ==, 100);
  sql (connection, "INSERT INTO t VALUES (2)");
  close_it (connection);
}

static void
test_raw_control (void)
{
  static const char *const refused[] = {
    "BEGIN", "begin immediate", " /* x */ BEGIN TRANSACTION", "COMMIT", "END", "ROLLBACK", ";ROLLBACK TRANSACTION", "EXPLAIN COMMIT",
  };
  CupelDriverConnection *connection = open_memory ();

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(GError) error = NULL;

      g_assert_false (try_sql (connection, refused[i], CUPEL_REQUEST_NONE, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      g_assert_nonnull (strstr (error->message, "cupel_connection_"));
      g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
  close_it (connection);
}

static void
test_isolation (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) select = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_REPEATABLE_READ, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, NULL, &error));
  g_assert_cmpint (scalar (connection, "PRAGMA read_uncommitted"), ==, 1);
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &error));
  g_assert_cmpint (scalar (connection, "PRAGMA read_uncommitted"), ==, 0);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  execute (connection, select, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (reply.began);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  sql (connection, "VACUUM");
  g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
  g_assert_true (try_sql (connection, "SELECT 1", CUPEL_REQUEST_BEGIN, &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  close_it (connection);
}

/* ---- many ---- */

static CupelRowBlock *
numbers (gint64 first,
         guint  n)
{
  CupelRowBlock *sets = cupel_row_block_new (1, n);

  for (guint i = 0; i < n; i++)
    {
      CupelCell *cell = cupel_row_block_add_row (sets);

      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = first + i;
    }
  return sets;
}

static void
test_many (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO t (x) VALUES (:x) RETURNING id, x", -1);
  g_autoptr(CupelCompiled) plain = compile ("INSERT INTO t (x) VALUES (:x)", -1);
  g_autoptr(CupelCompiled) update = compile ("UPDATE t SET y = 1 WHERE x <= :x", -1);
  g_autoptr(CupelRowBlock) sets = numbers (1, 2500);
  g_autoptr(CupelRowBlock) more = numbers (5000, 3);
  g_autoptr(CupelRowBlock) two = numbers (1, 2);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) reply = { 0 };
  g_auto(CupelReply) ids = { 0 };
  g_auto(CupelReply) updated = { 0 };
  gint64 next = 1;

  sql (connection, "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT UNIQUE, y INT)");
  execute (connection, insert, sets, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (reply.began);
  g_assert_cmpint (reply.row_count, ==, 2500);
  g_assert_cmpuint (reply.blocks->len, ==, 3);
  for (guint i = 0; i < reply.blocks->len; i++)
    {
      CupelRowBlock *block = g_ptr_array_index (reply.blocks, i);

      for (guint row = 0; row < block->n_rows; row++, next++)
        {
          g_assert_cmpint (cupel_row_block_get_row (block, row)[0].v.i64, ==, next);
          g_assert_cmpint (cupel_row_block_get_row (block, row)[1].v.i64, ==, next);
        }
    }
  g_assert_cmpint (next, ==, 2501);

  execute (connection, plain, more, CUPEL_REQUEST_NONE, &ids, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ids.insert_ids->len, ==, 3);
  g_assert_cmpint (g_array_index (ids.insert_ids, gint64, 2), ==, 2503);
  g_assert_cmpint (ids.last_insert_id, ==, 2501);
  g_assert_null (ids.blocks);

  execute (connection, update, two, CUPEL_REQUEST_NONE, &updated, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (updated.row_count, ==, 3);
  g_assert_null (updated.insert_ids);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  close_it (connection);
}

/* All or nothing: in a transaction, outside of one, and when it would have begun one. */
static void
test_many_fails (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO t (x) VALUES (:x)", -1);
  g_autoptr(CupelRowBlock) sets = numbers (1, 100);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) reply = { 0 };

  sql (connection, "CREATE TABLE t (x INT UNIQUE)");
  sql (connection, "INSERT INTO t VALUES (60)");

  g_assert_false (execute (connection, insert, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_clear_error (&error);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);

  g_assert_false (execute (connection, insert, sets, CUPEL_REQUEST_BEGIN, &reply, NULL, &error));
  g_clear_error (&error);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 1);

  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_false (execute (connection, insert, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_clear_error (&error);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  sql (connection, "INSERT INTO t VALUES (1000)");
  g_assert_false (execute (connection, insert, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_clear_error (&error);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 2);
  close_it (connection);
}

static void
test_pipeline (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO t (x) VALUES (:x) RETURNING x", -1);
  g_autoptr(CupelRowBlock) a = numbers (1, 1);
  g_autoptr(CupelRowBlock) b = numbers (2, 2);
  CupelRequest requests[] = {
    { .compiled = insert, .sets = a, .n_sets = 1, .flags = CUPEL_REQUEST_BEGIN },
    { .compiled = insert, .sets = b, .n_sets = 2 },
    { .compiled = insert, .sets = a, .n_sets = 1 },
    { .compiled = insert, .sets = b, .n_sets = 2 },
  };
  CupelReply replies[4] = { { 0 } };
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x INT UNIQUE)");
  g_assert_false (cupel_driver_connection_pipeline (connection, requests, replies, 4, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_assert_true (replies[0].began);
  g_assert_cmpint (first_row (&replies[0])->v.i64, ==, 1);
  g_assert_cmpint (replies[1].row_count, ==, 2);
  g_assert_null (replies[2].blocks);
  g_assert_null (replies[3].blocks);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  for (guint i = 0; i < 4; i++)
    cupel_reply_clear (&replies[i]);
  close_it (connection);
}

/* ---- streams ---- */

static gpointer
cancel_later (gpointer cancellable)
{
  g_usleep (100 * 1000);
  g_cancellable_cancel (cancellable);
  g_object_unref (cancellable);
  return NULL;
}

static void
cancel_soon (GCancellable *cancellable)
{
  g_thread_unref (g_thread_new ("cancel", cancel_later, g_object_ref (cancellable)));
}

#define COUNT_TO(n) "WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < " n ") SELECT x FROM c"

static CupelDriverCursor *
open_stream (CupelDriverConnection *connection,
             CupelCompiled         *compiled,
             guint                  block_rows)
{
  CupelRequest request = { .compiled = compiled, .flags = CUPEL_REQUEST_STREAM, .block_rows = block_rows };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_execute (connection, &request, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (reply.blocks);
  g_assert_nonnull (reply.cursor);
  g_assert_cmpuint (reply.n_columns, ==, 1);
  return g_steal_pointer (&reply.cursor);
}

static gint64
fetch_sum (CupelDriverCursor *cursor,
           guint             *n_blocks)
{
  g_autoptr(GError) error = NULL;
  gint64 sum = 0;

  for (;;)
    {
      g_autoptr(CupelRowBlock) block = cupel_driver_cursor_fetch (cursor, NULL, &error);

      g_assert_no_error (error);
      if (block == NULL)
        return sum;
      (*n_blocks)++;
      for (guint i = 0; i < block->n_rows; i++)
        sum += cupel_row_block_get_row (block, i)->v.i64;
    }
}

static void
test_streams (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) count = compile (COUNT_TO ("2500"), -1);
  g_autoptr(CupelCompiled) none = compile ("SELECT 1 WHERE 0", -1);
  g_autoptr(CupelDriverCursor) outer = open_stream (connection, count, 1000);
  g_autoptr(CupelDriverCursor) inner = open_stream (connection, count, 500);
  g_autoptr(CupelDriverCursor) empty = open_stream (connection, none, 0);
  g_autoptr(CupelDriverCursor) early = NULL;
  g_autoptr(CupelRowBlock) block = NULL;
  g_autoptr(GError) error = NULL;
  guint n_blocks = 0;

  /* the same statement, nested, with others between */
  block = cupel_driver_cursor_fetch (outer, NULL, &error);
  g_assert_cmpuint (block->n_rows, ==, 1000);
  g_assert_cmpint (fetch_sum (inner, &n_blocks), ==, 2500 * 2501 / 2);
  g_assert_cmpuint (n_blocks, ==, 5);
  g_assert_cmpint (scalar (connection, "SELECT 42"), ==, 42);
  g_assert_cmpint (fetch_sum (outer, &n_blocks), ==, 2500 * 2501 / 2 - 1000 * 1001 / 2);
  g_assert_null (cupel_driver_cursor_fetch (outer, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (fetch_sum (empty, &n_blocks), ==, 0);

  /* early close; the handle is good for the next */
  early = open_stream (connection, count, 10);
  g_clear_pointer (&block, cupel_row_block_unref);
  block = cupel_driver_cursor_fetch (early, NULL, &error);
  g_assert_true (cupel_driver_cursor_close (early, soon (), &error));
  g_assert_true (cupel_driver_cursor_close (early, soon (), &error));
  g_assert_null (cupel_driver_cursor_fetch (early, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&error);
  g_clear_object (&early);
  early = open_stream (connection, count, 2000);
  g_assert_cmpint (fetch_sum (early, &n_blocks), ==, 2500 * 2501 / 2);

  g_assert_true (cupel_driver_cursor_close (outer, soon (), &error));
  g_assert_true (cupel_driver_cursor_close (inner, soon (), &error));
  close_it (connection);
}

/* A stream that was dropped holds no lock for long; one whose transaction is over says so. */
static void
test_dropped_streams (void)
{
  CupelDriverConnection *connection = open_file ("dropped.db", "?journal_mode=DELETE");
  CupelDriverConnection *other = open_file ("dropped.db", "?journal_mode=DELETE&busy_timeout=50");
  g_autoptr(CupelCompiled) select = compile ("SELECT x FROM t", -1);
  CupelDriverCursor *dropped;
  g_autoptr(CupelDriverCursor) stale = NULL;
  g_autoptr(CupelRowBlock) block = NULL;
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "INSERT INTO t SELECT x FROM (" COUNT_TO ("5000") ")");
  dropped = open_stream (connection, select, 10);
  g_object_unref (dropped);
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_reset (connection, soon (), &error));
  g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
  sql (other, "INSERT INTO t VALUES (0)");

  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  stale = open_stream (connection, select, 10);
  g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
  block = cupel_driver_cursor_fetch (stale, NULL, &error);
  g_assert_nonnull (block);
  g_assert_null (cupel_driver_cursor_fetch (stale, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&error);
  sql (other, "INSERT INTO t VALUES (0)");

  /* closed under an open stream */
  g_clear_object (&stale);
  stale = open_stream (connection, select, 10);
  close_it (connection);
  close_it (other);
}

/* What is read ahead: an error in it comes when the consumer does; a close or a cancellation does not wait for it. */
static void
test_read_ahead (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) failing = compile ("WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c WHERE x < 100) "
                                              "SELECT CASE WHEN x < 25 THEN x ELSE abs(-9223372036854775807 - 1) END FROM c", -1);
  g_autoptr(CupelCompiled) sparse = compile ("WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) "
                                             "SELECT x FROM c WHERE x <= 25", -1);
  g_autoptr(CupelCompiled) count = compile (COUNT_TO ("2500"), -1);
  g_autoptr(CupelDriverCursor) cursor = open_stream (connection, failing, 10);
  g_autoptr(GError) error = NULL;
  gint64 start;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(CupelRowBlock) block = cupel_driver_cursor_fetch (cursor, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (cupel_row_block_get_row (block, 9)->v.i64, ==, (i + 1) * 10);
    }
  g_assert_null (cupel_driver_cursor_fetch (cursor, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_nonnull (strstr (error->message, "overflow"));
  g_clear_error (&error);
  g_assert_null (cupel_driver_cursor_fetch (cursor, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_true (cupel_driver_cursor_close (cursor, soon (), &error));

  /* The third block never comes to an end. */
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(CupelRowBlock) first = NULL;
      g_autoptr(CupelRowBlock) second = NULL;

      start = g_get_monotonic_time ();
      g_clear_object (&cursor);
      cursor = open_stream (connection, sparse, 10);
      first = cupel_driver_cursor_fetch (cursor, NULL, &error);
      second = cupel_driver_cursor_fetch (cursor, NULL, &error);
      g_assert_nonnull (second);
      if (i == 0)
        {
          g_assert_true (cupel_driver_cursor_close (cursor, soon (), &error));
        }
      else if (i == 1)
        {
          cancel_soon (cancellable);
          g_assert_null (cupel_driver_cursor_fetch (cursor, cancellable, &error));
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          g_clear_error (&error);
          g_assert_null (cupel_driver_cursor_fetch (cursor, NULL, &error));
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
          g_clear_error (&error);
        }
      else
        {
          g_clear_object (&cursor);
        }
      g_assert_cmpint (scalar (connection, "SELECT 5"), ==, 5);
      assert_quick (start);
      g_assert_cmpint (status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }

  /* The connection ends while it reads ahead. */
  g_clear_object (&cursor);
  cursor = open_stream (connection, count, 1);
  for (guint i = 0; i < 3; i++)
    cupel_row_block_unref (cupel_driver_cursor_fetch (cursor, NULL, &error));
  cupel_driver_connection_terminate (connection);
  g_clear_object (&cursor);
  g_object_unref (connection);
}

/* ---- kept statements ---- */

static void
test_schema_change (void)
{
  CupelDriverConnection *connection = open_file ("schema.db", "?statement_cache_size=2");
  CupelDriverConnection *other = open_file ("schema.db", "");
  g_autoptr(CupelCompiled) all = compile ("SELECT * FROM t", -1);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) before = { 0 };
  g_auto(CupelReply) after = { 0 };

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "INSERT INTO t VALUES (1)");
  execute (connection, all, NULL, CUPEL_REQUEST_NONE, &before, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (before.n_columns, ==, 1);
  sql (other, "ALTER TABLE t ADD COLUMN y DEFAULT 7");
  execute (connection, all, NULL, CUPEL_REQUEST_NONE, &after, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (after.n_columns, ==, 2);
  g_assert_cmpstr (after.column_names[1], ==, "y");
  g_assert_cmpint (first_row (&after)[1].v.i64, ==, 7);

  /* more statements than are kept, streams among them */
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *text = g_strdup_printf ("SELECT %u FROM t", i);
      g_autoptr(CupelCompiled) compiled = compile (text, -1);
      g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, 1);

      g_assert_cmpint (scalar (connection, text), ==, i);
      g_assert_true (cupel_driver_cursor_close (cursor, soon (), &error));
    }
  close_it (connection);
  close_it (other);
}

/* ---- waiting and cancelling ---- */

static void
test_cancel (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) endless = compile ("WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) "
                                              "SELECT count(*) FROM c", -1);
  g_autoptr(CupelCompiled) writing = compile ("INSERT INTO t WITH RECURSIVE c(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM c) "
                                              "SELECT max(x) FROM c", -1);

  sql (connection, "CREATE TABLE t (x)");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GError) error = NULL;
      g_auto(CupelReply) reply = { 0 };
      gint64 start = g_get_monotonic_time ();

      cancel_soon (cancellable);
      g_assert_false (execute (connection, i == 1 ? writing : endless, NULL, i == 2 ? CUPEL_REQUEST_STREAM : CUPEL_REQUEST_BEGIN,
                               &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      assert_quick (start);
      g_assert_cmpint (status (connection), !=, CUPEL_TRANSACTION_UNKNOWN);
      g_clear_error (&error);

      /* usable, and a late interruption does not hit the next */
      g_assert_cmpint (scalar (connection, "SELECT 5"), ==, 5);
      g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
      g_assert_no_error (error);
      g_assert_cmpint (scalar (connection, "SELECT count(*) FROM t"), ==, 0);
    }

  close_it (connection);
}

/* A cancellation that comes when the statement is just ending never hits the one after it. */
static void
test_cancel_race (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) compiled = compile (COUNT_TO ("200"), -1);
  g_autoptr(CupelCompiled) next = compile (COUNT_TO ("300"), -1);
  guint n_cancelled = 0;

  for (guint i = 0; i < 3000; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(GError) error = NULL;
      g_auto(CupelReply) reply = { 0 };
      g_auto(CupelReply) after = { 0 };

      if (i % 3 == 0)
        g_cancellable_cancel (cancellable);
      if (!execute (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, cancellable, &error))
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
      g_clear_error (&error);
      execute (connection, next, NULL, CUPEL_REQUEST_NONE, &after, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (first_row (&after)->v.i64, ==, 1);
    }
  g_assert_cmpuint (n_cancelled, >=, 1000);
  close_it (connection);
}

static void
test_locked (void)
{
  CupelDriverConnection *a = open_file ("locked.db", "");
  CupelDriverConnection *b = open_file ("locked.db", "?busy_timeout=300");
  CupelDriverConnection *c = open_file ("locked.db", "?busy_timeout=30000");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO t VALUES (3)", -1);
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) reply = { 0 };
  gint64 start;

  sql (a, "CREATE TABLE t (x)");
  g_assert_true (try_sql (a, "INSERT INTO t VALUES (1)", CUPEL_REQUEST_BEGIN, &error));

  /* readers are not held up */
  g_assert_cmpint (scalar (b, "SELECT count(*) FROM t"), ==, 0);

  start = g_get_monotonic_time ();
  g_assert_false (try_sql (b, "INSERT INTO t VALUES (2)", CUPEL_REQUEST_BEGIN, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_true (cupel_error_is_retryable (error));
  g_assert_nonnull (strstr (error->message, "locked"));
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 290 * 1000);
  assert_quick (start);
  g_assert_cmpint (status (b), ==, CUPEL_TRANSACTION_IDLE);
  g_clear_error (&error);

  start = g_get_monotonic_time ();
  cancel_soon (cancellable);
  g_assert_false (execute (c, insert, NULL, CUPEL_REQUEST_BEGIN, &reply, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_quick (start);
  g_assert_cmpint (status (c), ==, CUPEL_TRANSACTION_IDLE);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_commit (a, NULL, &error));
  g_assert_true (try_sql (c, "INSERT INTO t VALUES (3)", CUPEL_REQUEST_BEGIN, &error));
  g_assert_true (cupel_driver_connection_commit (c, NULL, &error));

  /* read, then another writes, then write: only the whole unit can be run again */
  g_assert_true (try_sql (a, "SELECT * FROM t", CUPEL_REQUEST_BEGIN, &error));
  sql (b, "INSERT INTO t VALUES (4)");
  start = g_get_monotonic_time ();
  g_assert_false (try_sql (a, "INSERT INTO t VALUES (5)", CUPEL_REQUEST_NONE, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION);
  g_assert_true (cupel_error_is_retryable (error));
  assert_quick (start);
  g_clear_error (&error);
  g_assert_true (cupel_driver_connection_rollback (a, soon (), &error));

  close_it (a);
  close_it (b);
  close_it (c);
}

static gboolean
write_twenty (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelDriverConnection *connection = open_file ("writers.db", "?busy_timeout=20000");
  gboolean ok = TRUE;

  for (guint i = 0; i < 20 && ok; i++)
    {
      ok = try_sql (connection, "UPDATE t SET x = x + 1", CUPEL_REQUEST_BEGIN, error) &&
           try_sql (connection, "UPDATE t SET x = x + 1", CUPEL_REQUEST_NONE, error) &&
           cupel_driver_connection_commit (connection, cancellable, error);
    }
  close_it (connection);
  return ok;
}

static void
test_writers (void)
{
  CupelDriverConnection *connection = open_file ("writers.db", "");
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(GError) error = NULL;

  sql (connection, "CREATE TABLE t (x)");
  sql (connection, "INSERT INTO t VALUES (0)");
  for (guint i = 0; i < 6; i++)
    cupel_task_group_spawn (group, write_twenty, NULL, NULL);
  cupel_task_group_join (group, &error);
  cupel_task_group_free (group);
  g_assert_no_error (error);
  g_assert_cmpint (scalar (connection, "SELECT x FROM t"), ==, 6 * 20 * 2);
  close_it (connection);
}

/* ---- the loop ---- */

typedef struct
{
  GMainLoop *loop;
  gint64     expected;
  gint64     worst;
  gint64     busy_since;
  gint64     busiest;
  guint      n_ticks;
  GError    *error;
} Latency;

/* What this thread has worked, in microseconds. */
static gint64
get_thread_time (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (gint64) t.tv_sec * G_USEC_PER_SEC + t.tv_nsec / 1000;
}

static gboolean
on_tick (gpointer data)
{
  Latency *latency = data;
  gint64 now = g_get_monotonic_time ();
  gint64 busy = get_thread_time ();

  if (latency->n_ticks > 0)
    latency->busiest = MAX (latency->busiest, busy - latency->busy_since);
  latency->busy_since = busy;

  if (latency->expected > 0)
    latency->worst = MAX (latency->worst, now - latency->expected);
  latency->expected = now + 1000;
  latency->n_ticks++;
  return G_SOURCE_CONTINUE;
}

static gboolean
read_million (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelCompiled) count = compile (COUNT_TO ("1000000"), -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(CupelDriverCursor) cursor = NULL;
  guint n_blocks = 0;

  if (!execute (connection, count, NULL, CUPEL_REQUEST_NONE, &reply, cancellable, error))
    return FALSE;
  g_assert_cmpuint (reply.blocks->len, ==, 1000);

  cursor = open_stream (connection, count, 0);
  g_assert_cmpint (fetch_sum (cursor, &n_blocks), ==, G_GINT64_CONSTANT (500000500000));
  close_it (connection);
  return TRUE;
}

static void
on_read (GObject      *source,
         GAsyncResult *result,
         gpointer      data)
{
  Latency *latency = data;

  cupel_run_finish (result, &latency->error);
  g_main_loop_quit (latency->loop);
}

static void
test_latency (void)
{
  Latency latency = { .loop = g_main_loop_new (NULL, FALSE) };
  guint id = g_timeout_add (1, on_tick, &latency);

  cupel_run_async (read_million, NULL, NULL, NULL, on_read, &latency);
  g_main_loop_run (latency.loop);
  g_source_remove (id);
  g_main_loop_unref (latency.loop);
  g_assert_no_error (latency.error);
  g_test_message ("%u ticks, the worst %" G_GINT64_FORMAT " us late, the loop busy for %" G_GINT64_FORMAT " us at most",
                  latency.n_ticks, latency.worst, latency.busiest);
  g_assert_cmpuint (latency.n_ticks, >, 50);
  /* In the time that the thread was given: on a loaded machine it waits for others, too. Sanitizers and valgrind are slow. */
#if defined (__SANITIZE_ADDRESS__) || defined (__SANITIZE_THREAD__)
  g_assert_cmpint (latency.busiest, <, 200 * 1000);
#else
  g_assert_cmpint (latency.busiest, <, (under_valgrind () ? 1000 : 10) * 1000);
#endif
  if (g_getenv ("CUPEL_TEST_TIMING") != NULL)
    g_assert_cmpint (latency.worst, <, 10 * 1000);
}

/* ---- SQL ---- */

/* Compiles and executes; the values of the literals in the order in which they stand. */
static void
run_statement (CupelDriverConnection *connection,
               CupelStatement        *statement,
               CupelReply            *reply,
               ...)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, statement, &error);
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_value_unref);
  g_autoptr(GPtrArray) cells = g_ptr_array_new ();
  CupelRequest request = { .compiled = compiled };
  CupelValue *value;
  va_list args;

  g_assert_no_error (error);
  va_start (args, reply);
  while ((value = va_arg (args, CupelValue *)) != NULL)
    {
      g_ptr_array_add (values, value);
      g_ptr_array_add (cells, (gpointer) cupel_value_get_cell (value));
    }
  va_end (args);
  request.literals = (const CupelCell *const *) cells->pdata;
  g_assert_cmpuint (compiled->n_slots, ==, cells->len);

  cupel_driver_connection_execute (connection, &request, reply, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (statement);
}

static CupelTable *
make_table (void)
{
  CupelTable *table = cupel_table_new ("t \"1\"");
  CupelColumn *column;

  column = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_column_set_primary_key (column, TRUE);
  cupel_table_add_column (table, column);
  column = cupel_column_new ("name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));
  cupel_column_set_nullable (column, FALSE);
  cupel_column_set_unique (column, TRUE);
  cupel_table_add_column (table, column);
  cupel_table_add_column (table, cupel_column_new ("price", cupel_sql_type_new_numeric (30, 2)));
  column = cupel_column_new ("created", cupel_sql_type_new (CUPEL_SQL_DATETIME));
  cupel_column_set_server_default (column, cupel_func ("now", NULL));
  cupel_table_add_column (table, column);
  column = cupel_column_new ("flag", cupel_sql_type_new (CUPEL_SQL_BOOLEAN));
  cupel_column_set_server_default (column, cupel_literal_boolean (TRUE));
  cupel_table_add_column (table, column);
  column = cupel_column_new ("note", cupel_sql_type_new (CUPEL_SQL_TEXT));
  cupel_column_set_server_default (column, cupel_literal_string ("it's"));
  cupel_table_add_column (table, column);
  cupel_table_add_column (table, cupel_column_new ("parent", cupel_sql_type_new (CUPEL_SQL_INT64)));
  return table;
}

static void
test_schema (void)
{
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelTable) table = make_table ();
  CupelInsert *insert = cupel_insert_new (table);
  CupelSelect *select = cupel_select_new_from_table (table);
  g_auto(CupelReply) created = { 0 };
  g_auto(CupelReply) inserted = { 0 };
  g_auto(CupelReply) selected = { 0 };
  const CupelCell *cells;
  static const struct { const char *column; const char *type; } declared[] = {
    { "id", "INTEGER" }, { "name", "VARCHAR(50)" }, { "price", "DECIMAL_TEXT(30, 2)" }, { "created", "DATETIME" },
    { "flag", "BOOLEAN" }, { "note", "TEXT" }, { "parent", "INTEGER" },
  };

  run_statement (connection, CUPEL_STATEMENT (cupel_create_table_new (table)), &created, NULL);
  g_assert_cmpint (created.row_count, ==, -1);

  cupel_insert_set (insert, "name", cupel_literal_string ("n"));
  cupel_insert_set (insert, "price", cupel_literal_int64 (7));
  cupel_insert_returning (insert, cupel_table_c (table, "id"));
  run_statement (connection, CUPEL_STATEMENT (insert), &inserted, cupel_value_new_string ("n"), cupel_value_new_int64 (7), NULL);
  g_assert_cmpint (first_row (&inserted)->v.i64, ==, 1);
  g_assert_null (inserted.column_names);
  g_assert_cmpint (inserted.row_count, ==, 1);

  run_statement (connection, CUPEL_STATEMENT (select), &selected, NULL);
  cells = first_row (&selected);
  g_assert_cmpuint (selected.n_columns, ==, 7);
  g_assert_cmpint (cells[0].v.i64, ==, 1);
  g_assert_cmpstr (cells[1].v.text, ==, "n");
  g_assert_cmpint (cells[2].kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (cells[2].v.text, ==, "7.00");
  g_assert_cmpint (cells[3].kind, ==, CUPEL_CELL_DATETIME);
  g_assert_cmpint (cells[4].kind, ==, CUPEL_CELL_BOOLEAN);
  g_assert_cmpint (cells[4].v.i64, ==, 1);
  g_assert_cmpstr (cells[5].v.text, ==, "it's");
  g_assert_cmpint (cells[6].kind, ==, CUPEL_CELL_NULL);

  for (guint i = 0; i < G_N_ELEMENTS (declared); i++)
    {
      g_autofree char *text = g_strdup_printf ("SELECT count(*) FROM pragma_table_info('t \"1\"') WHERE name = '%s' AND type = '%s'",
                                               declared[i].column, declared[i].type);

      g_assert_cmpint (scalar (connection, text), ==, 1);
    }
  /* No second index for the key. */
  g_assert_cmpint (scalar (connection, "SELECT count(*) FROM sqlite_master WHERE type = 'index'"), ==, 1);
  close_it (connection);
}

static void
test_existing_tables (void)
{
  static const char *const names[] = { "A", "b'c", "missing", "temporary", "v", NULL };
  static const char *const none[] = { NULL };
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(GPtrArray) many = g_ptr_array_new_with_free_func (g_free);
  g_auto(CupelReply) reply = { 0 };
  g_auto(CupelReply) nothing = { 0 };
  g_auto(CupelReply) all = { 0 };
  CupelRowBlock *block;

  sql (connection, "CREATE TABLE a (x)");
  sql (connection, "CREATE TABLE \"b'c\" (x)");
  sql (connection, "CREATE TEMP TABLE temporary (x)");
  sql (connection, "CREATE VIEW v AS SELECT 1");
  run_statement (connection, cupel_dialect_existing_tables (dialect, names), &reply, NULL);
  g_assert_cmpuint (reply.blocks->len, ==, 1);
  block = g_ptr_array_index (reply.blocks, 0);
  g_assert_cmpuint (block->n_rows, ==, 3);
  g_assert_cmpstr (cupel_row_block_get_row (block, 0)->v.text, ==, "A");
  g_assert_cmpstr (cupel_row_block_get_row (block, 1)->v.text, ==, "b'c");
  g_assert_cmpstr (cupel_row_block_get_row (block, 2)->v.text, ==, "temporary");

  run_statement (connection, cupel_dialect_existing_tables (dialect, none), &nothing, NULL);
  g_assert_cmpuint (nothing.blocks->len, ==, 0);

  for (guint i = 0; i < 2000; i++)
    g_ptr_array_add (many, g_strdup (i == 1000 ? "a" : "nowhere"));
  g_ptr_array_add (many, NULL);
  run_statement (connection, cupel_dialect_existing_tables (dialect, (const char *const *) many->pdata), &all, NULL);
  g_assert_cmpuint (((CupelRowBlock *) g_ptr_array_index (all.blocks, 0))->n_rows, ==, 1);
  close_it (connection);
}

static void
test_expressions (void)
{
  CupelDriverConnection *connection = open_memory ();
  CupelSelect *select = cupel_select_new ();
  g_autoptr(CupelTable) table = make_table ();
  CupelSelect *page = cupel_select_new ();
  g_auto(CupelReply) created = { 0 };
  g_auto(CupelReply) reply = { 0 };
  g_auto(CupelReply) paged = { 0 };
  const CupelCell *cells;

  run_statement (connection, CUPEL_STATEMENT (cupel_create_table_new (table)), &created, NULL);
  sql (connection, "INSERT INTO \"t \"\"1\"\"\" (name) VALUES ('a'), ('b'), ('c')");

  cupel_select_add_column (select, cupel_divide (cupel_literal_int64 (1), cupel_literal_int64 (4)));
  cupel_select_add_column (select, cupel_concat (cupel_literal_string ("a"), cupel_literal_string ("b")));
  cupel_select_add_column (select, cupel_multiply (cupel_literal_int64 (3), cupel_add (cupel_literal_int64 (1), cupel_literal_int64 (1))));
  cupel_select_add_column (select, cupel_divide (cupel_literal_int64 (8), cupel_divide (cupel_literal_int64 (4), cupel_literal_int64 (2))));
  run_statement (connection, CUPEL_STATEMENT (select), &reply,
                 cupel_value_new_int64 (1), cupel_value_new_int64 (4), cupel_value_new_string ("a"), cupel_value_new_string ("b"),
                 cupel_value_new_int64 (3), cupel_value_new_int64 (1), cupel_value_new_int64 (1),
                 cupel_value_new_int64 (8), cupel_value_new_int64 (4), cupel_value_new_int64 (2), NULL);
  cells = first_row (&reply);
  g_assert_cmpfloat (cells[0].v.f64, ==, 0.25);
  g_assert_cmpstr (cells[1].v.text, ==, "ab");
  g_assert_cmpint (cells[2].v.i64, ==, 6);
  g_assert_cmpfloat (cells[3].v.f64, ==, 4.0);

  /* OFFSET without LIMIT */
  cupel_select_add_column (page, cupel_table_c (table, "name"));
  cupel_select_order_by (page, cupel_table_c (table, "id"));
  cupel_select_offset (page, 2);
  run_statement (connection, CUPEL_STATEMENT (page), &paged, cupel_value_new_int64 (2), NULL);
  g_assert_cmpstr (first_row (&paged)->v.text, ==, "c");
  close_it (connection);
}

/* Exact decimals are stored as text, and compare and sort as numbers all the same. */
static void
test_decimals (void)
{
  static const char *const stored[] = { "9.00", "10.00", "100.00", "-5.00", "2.50" };
  CupelDriverConnection *connection = open_memory ();
  g_autoptr(CupelTable) table = make_table ();
  CupelSelect *sorted = cupel_select_new ();
  CupelSelect *above = cupel_select_new ();
  CupelSelect *between = cupel_select_new ();
  CupelSelect *equal = cupel_select_new ();
  CupelSelect *largest = cupel_select_new ();
  g_auto(CupelReply) created = { 0 };
  g_auto(CupelReply) rows = { 0 };
  g_auto(CupelReply) n_above = { 0 };
  g_auto(CupelReply) n_between = { 0 };
  g_auto(CupelReply) n_equal = { 0 };
  g_auto(CupelReply) maximum = { 0 };
  static const char *const order[] = { "100.00", "10.00", "9.00", "2.50", "-5.00" };
  CupelRowBlock *block;

  run_statement (connection, CUPEL_STATEMENT (cupel_create_table_new (table)), &created, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (stored); i++)
    {
      g_autofree char *text = g_strdup_printf ("INSERT INTO \"t \"\"1\"\"\" (name, price) VALUES ('n%u', '%s')", i, stored[i]);

      sql (connection, text);
    }

  cupel_select_add_column (sorted, cupel_table_c (table, "price"));
  cupel_select_order_by (sorted, cupel_desc (cupel_table_c (table, "price")));
  run_statement (connection, CUPEL_STATEMENT (sorted), &rows, NULL);
  block = g_ptr_array_index (rows.blocks, 0);
  g_assert_cmpuint (block->n_rows, ==, 5);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_cmpint (cupel_row_block_get_row (block, i)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpstr (cupel_row_block_get_row (block, i)->v.text, ==, order[i]);
    }

  cupel_select_add_column (above, cupel_count (NULL));
  cupel_select_where (above, cupel_gt (cupel_table_c (table, "price"), cupel_literal_int64 (9)));
  run_statement (connection, CUPEL_STATEMENT (above), &n_above, cupel_value_new_int64 (9), NULL);
  g_assert_cmpint (first_row (&n_above)->v.i64, ==, 2);

  cupel_select_add_column (between, cupel_count (NULL));
  cupel_select_where (between, cupel_between (cupel_table_c (table, "price"), cupel_literal_int64 (-6), cupel_literal_int64 (10)));
  run_statement (connection, CUPEL_STATEMENT (between), &n_between, cupel_value_new_int64 (-6), cupel_value_new_int64 (10), NULL);
  g_assert_cmpint (first_row (&n_between)->v.i64, ==, 4);

  cupel_select_add_column (equal, cupel_count (NULL));
  cupel_select_where (equal, cupel_eq (cupel_table_c (table, "price"), cupel_literal_double (2.5)));
  cupel_select_where (equal, cupel_eq (cupel_table_c (table, "price"), cupel_literal_string ("2.5")));
  run_statement (connection, CUPEL_STATEMENT (equal), &n_equal, cupel_value_new_double (2.5), cupel_value_new_string ("2.5"), NULL);
  g_assert_cmpint (first_row (&n_equal)->v.i64, ==, 1);

  cupel_select_add_column (largest, cupel_func ("max", cupel_table_c (table, "price"), NULL));
  run_statement (connection, CUPEL_STATEMENT (largest), &maximum, NULL);
  g_assert_cmpint (first_row (&maximum)->kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (first_row (&maximum)->v.text, ==, "100.00");
  close_it (connection);
}

static void
remove_directory (void)
{
  g_autoptr(GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (directory);
  g_free (directory);
}

int
main (int   argc,
      char *argv[])
{
  static const struct { const char *path; TestBody body; } tests[] = {
    { "/sqlite/open/errors", test_open_errors },
    { "/sqlite/open/settings", test_settings },
    { "/sqlite/open/two-in-memory", test_two_in_memory },
    { "/sqlite/open/closed", test_closed },
    { "/sqlite/values/types", test_types },
    { "/sqlite/values/server-time", test_server_time },
    { "/sqlite/values/odd", test_odd_values },
    { "/sqlite/values/bad", test_bad_values },
    { "/sqlite/errors", test_errors },
    { "/sqlite/transactions/all", test_transactions },
    { "/sqlite/streams/too-long", test_stream_too_long },
    { "/sqlite/reset/pragmas", test_pragmas },
    { "/sqlite/transactions/raw-control", test_raw_control },
    { "/sqlite/transactions/full", test_full },
    { "/sqlite/transactions/isolation", test_isolation },
    { "/sqlite/many/all", test_many },
    { "/sqlite/many/fails", test_many_fails },
    { "/sqlite/pipeline", test_pipeline },
    { "/sqlite/streams/nested", test_streams },
    { "/sqlite/streams/dropped", test_dropped_streams },
    { "/sqlite/streams/read-ahead", test_read_ahead },
    { "/sqlite/statements/schema-change", test_schema_change },
    { "/sqlite/cancel/endless", test_cancel },
    { "/sqlite/cancel/race", test_cancel_race },
    { "/sqlite/sql/schema", test_schema },
    { "/sqlite/sql/existing-tables", test_existing_tables },
    { "/sqlite/sql/expressions", test_expressions },
    { "/sqlite/sql/decimals", test_decimals },
    { "/sqlite/locked/timeout-and-cancel", test_locked },
    { "/sqlite/locked/writers", test_writers },
  };
  g_autoptr(GError) error = NULL;
  GType type;
  int result;

  g_test_init (&argc, &argv, NULL);

  type = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "sqlite", CUPEL_TYPE_DIALECT, &error);
  g_assert_no_error (error);
  dialect = g_object_new (type, NULL);
  driver = cupel_dialect_create_driver (dialect);
  compiler = cupel_dialect_create_compiler (dialect);
  directory = g_dir_make_tmp ("cupel-sqlite-XXXXXX", &error);
  g_assert_no_error (error);

  g_test_add_func ("/sqlite/url", test_url);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_data_func (tests[i].path, &tests[i].body, in_fiber);
  g_test_add_func ("/sqlite/loop/latency", test_latency);

  result = g_test_run ();

  g_object_unref (compiler);
  g_object_unref (driver);
  g_object_unref (dialect);
  remove_directory ();
  return result;
}
