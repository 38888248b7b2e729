/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The PostgreSQL driver by itself, against a real server: CUPEL_TEST_POSTGRESQL_URL names it. */

#include <cupel-dialect.h>

#include <signal.h>
#include <string.h>

#include "cupel-pg-compiler.h"
#include "cupel-pg-connection.h"
#include "cupel-pg-dialect.h"
#include "cupel-pg-driver.h"

#define URL_VARIABLE "CUPEL_TEST_POSTGRESQL_URL"

/* --- statements --- */

/* @kinds: of the binds :p1, :p2 ...; CUPEL_SQL_NULL leaves one untyped */
static CupelCompiled *
compile_full (const char         *sql,
              const CupelSqlKind *kinds,
              guint               n_kinds)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled;

  for (guint i = 0; i < n_kinds; i++)
    {
      g_autofree char *name = g_strdup_printf ("p%u", i + 1);

      if (kinds[i] != CUPEL_SQL_NULL)
        cupel_text_set_bind_type (text, name, cupel_sql_type_new (kinds[i]));
    }
  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (compiled->n_slots, ==, n_kinds);
  return compiled;
}

#define compile(sql, ...) \
  compile_full (sql, (const CupelSqlKind[]) { __VA_ARGS__ }, \
                sizeof ((const CupelSqlKind[]) { __VA_ARGS__ }) / sizeof (CupelSqlKind))

static CupelCompiled *
compile_plain (const char *sql)
{
  return compile_full (sql, NULL, 0);
}

/* INSERT INTO @table (c1, c2 ...) VALUES (:c1, :c2 ...) RETURNING @returning */
static CupelCompiled *
compile_insert (const char         *table_name,
                const CupelSqlKind *kinds,
                guint               n_kinds,
                const char         *returning)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
  g_autoptr(CupelTable) table = cupel_table_new (table_name);
  g_autoptr(CupelInsert) insert = NULL;
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled;

  cupel_table_add_column (table, cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64)));
  insert = cupel_insert_new (table);
  for (guint i = 0; i < n_kinds; i++)
    {
      g_autofree char *name = g_strdup_printf ("c%u", i + 1);

      cupel_table_add_column (table, cupel_column_new (name, cupel_sql_type_new (kinds[i])));
      cupel_insert_add_column (insert, cupel_table_get_column (table, name));
    }
  if (returning != NULL)
    cupel_insert_returning (insert, cupel_table_c (table, returning));
  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (insert), &error);
  g_assert_no_error (error);
  return compiled;
}

/* --- values --- */

static CupelCell
make_int (gint64 value)
{
  return (CupelCell) { .kind = CUPEL_CELL_INT64, .v.i64 = value };
}

static CupelCell
make_text (CupelCellKind  kind,
           const char    *text)
{
  return (CupelCell) { .kind = (guint8) kind, .length = (guint32) strlen (text), .v.text = text };
}

static CupelCell
make_scalar (CupelCellKind kind,
             gint64        value)
{
  return (CupelCell) { .kind = (guint8) kind, .v.i64 = value };
}

static CupelRowBlock *
make_set (const CupelCell *cells,
          guint            n_cells)
{
  CupelRowBlock *block = cupel_row_block_new (n_cells, 1);

  memcpy (cupel_row_block_add_row (block), cells, n_cells * sizeof (CupelCell));
  return block;
}

/* --- running --- */

typedef void (*Body) (CupelDriverConnection *connection);

typedef struct
{
  Body        body;
  const char *more;   /* options for the URL */
} Job;

static CupelUrl *
get_url (const char *more)
{
  const char *base = g_getenv (URL_VARIABLE);
  g_autofree char *text = g_strconcat (base, more != NULL ? strchr (base, '?') != NULL ? "&" : "?" : "", more, NULL);
  g_autoptr(GError) error = NULL;
  CupelUrl *url = cupel_url_new (text, &error);

  g_assert_no_error (error);
  return url;
}

static CupelDriverConnection *
connect_to (CupelUrl  *url,
            gint64     deadline,
            GError   **error)
{
  g_autoptr(CupelDriver) driver = g_object_new (CUPEL_PG_TYPE_DRIVER, NULL);

  if (!cupel_driver_configure (driver, url, error))
    return NULL;
  return cupel_driver_connect (driver, url, NULL, deadline, NULL, error);
}

static CupelDriverConnection *
connect_again (void)
{
  g_autoptr(CupelUrl) url = get_url (NULL);
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *connection = connect_to (url, CUPEL_NO_DEADLINE, &error);

  g_assert_no_error (error);
  return connection;
}

static gboolean
run_job (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Job *job = data;
  g_autoptr(CupelUrl) url = get_url (job->more);
  g_autoptr(CupelDriverConnection) connection = connect_to (url, CUPEL_NO_DEADLINE, error);

  if (connection == NULL)
    return FALSE;
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  job->body (connection);
  cupel_driver_connection_close (connection, g_get_monotonic_time () + G_USEC_PER_SEC);
  return TRUE;
}

static void
run_test (gconstpointer data)
{
  const Job *job = data;
  g_autoptr(GError) error = NULL;

  if (g_getenv (URL_VARIABLE) == NULL)
    {
      g_test_skip (URL_VARIABLE " is not set");
      return;
    }
  cupel_run (run_job, (gpointer) job, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
try_exec (CupelDriverConnection  *connection,
          CupelCompiled          *compiled,
          CupelRowBlock          *sets,
          CupelRequestFlags       flags,
          CupelReply             *reply,
          GError                **error)
{
  CupelRequest request = {
    .compiled = compiled, .sets = sets, .n_sets = sets != NULL ? sets->n_rows : 0, .flags = flags
  };

  return cupel_driver_connection_execute (connection, &request, reply, NULL, error);
}

static void
exec (CupelDriverConnection *connection,
      CupelCompiled         *compiled,
      CupelRowBlock         *sets,
      CupelRequestFlags      flags,
      CupelReply            *reply)
{
  g_autoptr(GError) error = NULL;

  try_exec (connection, compiled, sets, flags, reply, &error);
  g_assert_no_error (error);
}

static void
exec_sql (CupelDriverConnection *connection,
          const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };

  exec (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply);
}

static GError *
fail_sql (CupelDriverConnection *connection,
          const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };
  GError *error = NULL;

  g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, &error));
  g_assert_nonnull (error);
  g_assert_null (reply.blocks);
  return error;
}

static const CupelCell *
get_cell (const CupelReply *reply,
          guint             row,
          guint             column)
{
  for (guint i = 0; i < reply->blocks->len; i++)
    {
      CupelRowBlock *block = g_ptr_array_index (reply->blocks, i);

      if (row < block->n_rows)
        return cupel_row_block_get_row (block, row) + column;
      row -= block->n_rows;
    }
  g_assert_not_reached ();
}

static guint
count_rows (const CupelReply *reply)
{
  guint n = 0;

  for (guint i = 0; reply->blocks != NULL && i < reply->blocks->len; i++)
    n += ((CupelRowBlock *) g_ptr_array_index (reply->blocks, i))->n_rows;
  return n;
}

static gint64
query_int (CupelDriverConnection *connection,
           const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };

  exec (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 1);
  g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_INT64);
  return get_cell (&reply, 0, 0)->v.i64;
}

static char *
query_string (CupelDriverConnection *connection,
              const char            *sql,
              CupelCellKind         *kind)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };
  const CupelCell *cell;

  exec (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply);
  cell = get_cell (&reply, 0, 0);
  if (kind != NULL)
    *kind = cell->kind;
  g_assert_true (cell->kind == CUPEL_CELL_TEXT || cell->kind == CUPEL_CELL_DECIMAL || cell->kind == CUPEL_CELL_OTHER ||
                 cell->kind == CUPEL_CELL_JSON);
  return g_strndup (cell->v.text, cell->length);
}

/* --- bodies --- */

static void
test_connect (CupelDriverConnection *connection)
{
  g_autofree char *zone = query_string (connection, "SELECT current_setting('TimeZone')", NULL);
  g_autofree char *encoding = query_string (connection, "SELECT current_setting('client_encoding')", NULL);

  g_assert_cmpstr (zone, ==, "UTC");
  g_assert_cmpstr (encoding, ==, "UTF8");
  g_assert_true (cupel_driver_connection_is_alive (connection));
  g_assert_true (cupel_driver_connection_ping (connection, g_get_monotonic_time () + G_USEC_PER_SEC, NULL));
  cupel_driver_connection_terminate (connection);
  cupel_driver_connection_terminate (connection);
  g_assert_false (cupel_driver_connection_is_alive (connection));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (cupel_driver_connection_ping (connection, -1, NULL));
}

/* Each value goes out and comes back through a typed parameter, and so does a NULL. */
static void
test_types (CupelDriverConnection *connection)
{
  static const guint8 uuid[16] = { 0xa0, 0xee, 0xbc, 0x99, 0x9c, 0x0b, 0x4e, 0xf8, 0xbb, 0x6d, 0x6b, 0xb9, 0xbd, 0x38, 0x0a, 0x11 };
  static const guint8 bytes[5] = { 0, 1, 0xff, 0, '\\' };
  g_autofree char *long_text = g_strnfill (300000, 'x');
  const struct { CupelSqlKind kind; const char *type; CupelCell cell; } cases[] = {
    { CUPEL_SQL_BOOLEAN, "boolean", make_scalar (CUPEL_CELL_BOOLEAN, 1) },
    { CUPEL_SQL_BOOLEAN, "boolean", make_scalar (CUPEL_CELL_BOOLEAN, 0) },
    { CUPEL_SQL_INT16, "smallint", make_int (G_MININT16) },
    { CUPEL_SQL_INT32, "integer", make_int (G_MININT32) },
    { CUPEL_SQL_INT32, "integer", make_int (G_MAXINT32) },
    { CUPEL_SQL_INT64, "bigint", make_int (G_MININT64) },
    { CUPEL_SQL_INT64, "bigint", make_int (G_MAXINT64) },
    { CUPEL_SQL_FLOAT, "real", { .kind = CUPEL_CELL_DOUBLE, .v.f64 = -1.5 } },
    { CUPEL_SQL_DOUBLE, "double precision", { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 0.1 } },
    { CUPEL_SQL_DOUBLE, "double precision", { .kind = CUPEL_CELL_DOUBLE, .v.f64 = -5e-324 } },
    { CUPEL_SQL_NUMERIC, "numeric", make_text (CUPEL_CELL_DECIMAL, "-12.340") },
    { CUPEL_SQL_NUMERIC, "numeric", make_text (CUPEL_CELL_DECIMAL, "NaN") },
    { CUPEL_SQL_STRING, "varchar", make_text (CUPEL_CELL_TEXT, "") },
    { CUPEL_SQL_STRING, "varchar", make_text (CUPEL_CELL_TEXT, "Grüße 𝄞 'quoted' \\") },
    { CUPEL_SQL_TEXT, "text", make_text (CUPEL_CELL_TEXT, long_text) },
    { CUPEL_SQL_BYTES, "bytea", { .kind = CUPEL_CELL_BYTES, .length = 5, .v.bytes = bytes } },
    { CUPEL_SQL_BYTES, "bytea", { .kind = CUPEL_CELL_BYTES, .length = 0, .v.bytes = bytes } },
    { CUPEL_SQL_DATE, "date", make_scalar (CUPEL_CELL_DATE, -719162) },                  /* 0001-01-01 */
    { CUPEL_SQL_DATE, "date", make_scalar (CUPEL_CELL_DATE, 2932896) },                  /* 9999-12-31 */
    { CUPEL_SQL_TIME, "time", make_scalar (CUPEL_CELL_TIME, G_GINT64_CONSTANT (86399999999)) },
    { CUPEL_SQL_DATETIME, "timestamp", make_scalar (CUPEL_CELL_DATETIME, G_GINT64_CONSTANT (-62135596800000000)) },
    { CUPEL_SQL_DATETIME, "timestamp", make_scalar (CUPEL_CELL_DATETIME, G_GINT64_CONSTANT (253402300799999999)) },
    { CUPEL_SQL_TIMESTAMP, "timestamptz", make_scalar (CUPEL_CELL_TIMESTAMP, -1) },
    { CUPEL_SQL_UUID, "uuid", { .kind = CUPEL_CELL_UUID, .length = 16, .v.bytes = uuid } },
    { CUPEL_SQL_JSON, "jsonb", make_text (CUPEL_CELL_JSON, "{\"a\": [1, null]}") },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT CAST(:p1 AS %s)", cases[i].type);
      g_autoptr(CupelCompiled) compiled = compile (sql, cases[i].kind);
      g_autoptr(CupelRowBlock) set = make_set (&cases[i].cell, 1);
      g_autoptr(CupelRowBlock) null = make_set (&(CupelCell) { .kind = CUPEL_CELL_NULL }, 1);
      g_auto(CupelReply) reply = { 0 };
      g_auto(CupelReply) null_reply = { 0 };

      exec (connection, compiled, set, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpuint (count_rows (&reply), ==, 1);
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, cases[i].cell.kind);
      g_assert_true (cupel_cell_equal (get_cell (&reply, 0, 0), &cases[i].cell));
      exec (connection, compiled, null, CUPEL_REQUEST_NONE, &null_reply);
      g_assert_cmpint (get_cell (&null_reply, 0, 0)->kind, ==, CUPEL_CELL_NULL);
    }
}

/* What the server prints is what is decoded, without help from the encoder. */
static void
test_printed (CupelDriverConnection *connection)
{
  static const struct { const char *sql; CupelCellKind kind; const char *text; } cases[] = {
    { "12345678901234567890123456789012345678901234567890123456789012345::numeric", CUPEL_CELL_DECIMAL,
      "12345678901234567890123456789012345678901234567890123456789012345" },
    { "0.00000000000000000000000000000000000000000000000000000000000000001::numeric", CUPEL_CELL_DECIMAL,
      "0.00000000000000000000000000000000000000000000000000000000000000001" },
    { "-10000.0001::numeric", CUPEL_CELL_DECIMAL, "-10000.0001" },
    { "100000000::numeric", CUPEL_CELL_DECIMAL, "100000000" },
    { "1.50::numeric(30, 20)", CUPEL_CELL_DECIMAL, "1.50000000000000000000" },
    { "0::numeric(5, 2)", CUPEL_CELL_DECIMAL, "0.00" },
    { "0::numeric", CUPEL_CELL_DECIMAL, "0" },
    { "'NaN'::numeric", CUPEL_CELL_DECIMAL, "NaN" },
    { "'-Infinity'::numeric", CUPEL_CELL_DECIMAL, "-Infinity" },
    { "sum(x) FROM (VALUES (1.10), (2.205)) AS v(x)", CUPEL_CELL_DECIMAL, "3.305" },
    { "'infinity'::timestamptz", CUPEL_CELL_OTHER, "infinity" },
    { "'-infinity'::date", CUPEL_CELL_OTHER, "-infinity" },
    { "'abc'::name", CUPEL_CELL_TEXT, "abc" },
    { "'ab'::char(4)", CUPEL_CELL_TEXT, "ab  " },
    { "'{\"b\": 1}'::json", CUPEL_CELL_JSON, "{\"b\": 1}" },
    { "ARRAY[1, NULL, 3]", CUPEL_CELL_OTHER, "{1,NULL,3}" },
    { "ARRAY['a', 'b c', '', 'NULL', '\"']", CUPEL_CELL_OTHER, "{a,\"b c\",\"\",\"NULL\",\"\\\"\"}" },
    { "ARRAY[[1, 2], [3, 4]]", CUPEL_CELL_OTHER, "{{1,2},{3,4}}" },
    { "'[2:3]={7,8}'::int[]", CUPEL_CELL_OTHER, "[2:3]={7,8}" },
    { "'{}'::int[]", CUPEL_CELL_OTHER, "{}" },
    { "ARRAY[0.1::float4, 1e30]::float4[]", CUPEL_CELL_OTHER, "{0.1,1e+30}" },
    { "interval '1 year 2 months -3 days 04:05:06.7'", CUPEL_CELL_OTHER, "1 year 2 mons -3 days +04:05:06.7" },
    { "interval '-1 year'", CUPEL_CELL_OTHER, "-1 years" },
    { "interval '0'", CUPEL_CELL_OTHER, "00:00:00" },
    { "xmlelement(name a)", CUPEL_CELL_OTHER, "<a/>" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *sql = g_strconcat ("SELECT ", cases[i].sql, NULL);
      CupelCellKind kind;
      g_autofree char *text = query_string (connection, sql, &kind);

      g_assert_cmpstr (text, ==, cases[i].text);
      g_assert_cmpint (kind, ==, cases[i].kind);
    }
}

/* Random decimals: our text of the binary form is the server's text. */
static void
test_numeric_random (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (
    "SELECT n, n::text FROM (SELECT setseed(0.5)) AS s, LATERAL (SELECT ((random() - 0.5) * 10::numeric ^ (i % 60))::numeric "
    "* 10::numeric ^ -((i * 7) % 50) AS n FROM generate_series(1, 3000) AS g(i)) AS r");
  g_auto(CupelReply) reply = { 0 };

  exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 3000);
  for (guint i = 0; i < 3000; i++)
    g_assert_cmpstr (get_cell (&reply, i, 0)->v.text, ==, get_cell (&reply, i, 1)->v.text);
}

static void
test_conversions (CupelDriverConnection *connection)
{
  const struct { CupelSqlKind kind; CupelCell cell; const char *text; } good[] = {
    { CUPEL_SQL_NUMERIC, make_int (42), "42" },
    { CUPEL_SQL_NUMERIC, { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 0.1 }, "0.1" },
    { CUPEL_SQL_NUMERIC, { .kind = CUPEL_CELL_UINT64, .v.u64 = G_MAXUINT64 }, "18446744073709551615" },
    { CUPEL_SQL_DOUBLE, make_int (3), "3" },
    { CUPEL_SQL_INT64, { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 7 }, "7" },
    { CUPEL_SQL_INT32, make_text (CUPEL_CELL_TEXT, "12"), "12" },
    { CUPEL_SQL_DATE, make_text (CUPEL_CELL_TEXT, "2024-02-29"), "2024-02-29" },
    { CUPEL_SQL_UUID, make_text (CUPEL_CELL_TEXT, "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11" },
    { CUPEL_SQL_TEXT, make_int (-5), "-5" },
    { CUPEL_SQL_NULL, make_int (9), "9" },
    { CUPEL_SQL_NULL, make_text (CUPEL_CELL_TEXT, "plain"), "plain" },
  };
  const struct { CupelSqlKind kind; CupelCell cell; } bad[] = {
    { CUPEL_SQL_INT16, make_int (32768) },
    { CUPEL_SQL_INT32, make_int (G_GINT64_CONSTANT (2147483648)) },
    { CUPEL_SQL_INT64, { .kind = CUPEL_CELL_UINT64, .v.u64 = G_MAXUINT64 } },
    { CUPEL_SQL_INT64, { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 1.5 } },
    { CUPEL_SQL_INT64, { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 1e30 } },
    { CUPEL_SQL_BOOLEAN, make_int (2) },
    { CUPEL_SQL_FLOAT, { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 1e300 } },
    { CUPEL_SQL_UUID, { .kind = CUPEL_CELL_BYTES, .length = 3, .v.text = "abc" } },
    { CUPEL_SQL_TIME, make_int (5) },
    { CUPEL_SQL_INT32, make_text (CUPEL_CELL_TEXT, "S3cr3tCANARY") },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS text)", good[i].kind);
      g_autoptr(CupelRowBlock) set = make_set (&good[i].cell, 1);
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, set, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, good[i].text);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile ("SELECT :p1", bad[i].kind);
      g_autoptr(CupelRowBlock) set = make_set (&bad[i].cell, 1);
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      g_assert_false (try_exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_assert_null (strstr (error->message, "CANARY"));
      g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
}

static void
test_errors (CupelDriverConnection *connection)
{
  static const struct { const char *sql; CupelError code; const char *state; const char *constraint; const char *column; } cases[] = {
    { "SELEKT 1", CUPEL_ERROR_PROGRAMMING, "42601", NULL, NULL },
    { "SELECT * FROM no_such_table", CUPEL_ERROR_PROGRAMMING, "42P01", NULL, NULL },
    { "SELECT 1 / 0", CUPEL_ERROR_DATA, "22012", NULL, NULL },
    { "INSERT INTO pe VALUES (1, 1, 1)", CUPEL_ERROR_UNIQUE, "23505", "pe_pkey", NULL },
    { "INSERT INTO pe VALUES (2, NULL, 1)", CUPEL_ERROR_NOT_NULL, "23502", NULL, "n" },
    { "INSERT INTO pe VALUES (2, -1, 1)", CUPEL_ERROR_CHECK, "23514", "pe_n_check", NULL },
    { "INSERT INTO pe VALUES (2, 1, 99)", CUPEL_ERROR_FOREIGN_KEY, "23503", "pe_parent_fkey", NULL },
    { "SELECT 1; SELECT 2", CUPEL_ERROR_PROGRAMMING, "42601", NULL, NULL },
    { "COPY pe FROM STDIN", CUPEL_ERROR_UNSUPPORTED, NULL, NULL, NULL },
  };

  exec_sql (connection, "CREATE TEMPORARY TABLE pe (id int PRIMARY KEY, n int NOT NULL CHECK (n > 0), parent int REFERENCES pe)");
  exec_sql (connection, "INSERT INTO pe VALUES (1, 1, 1)");
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = fail_sql (connection, cases[i].sql);

      g_assert_error (error, CUPEL_ERROR, (int) cases[i].code);
      g_assert_cmpstr (cupel_error_get_sqlstate (error), ==, cases[i].state);
      if (cases[i].constraint != NULL)
        g_assert_cmpstr (cupel_error_get_constraint (error), ==, cases[i].constraint);
      if (cases[i].column != NULL)
        g_assert_cmpstr (cupel_error_get_column (error), ==, cases[i].column);
      if (cases[i].state != NULL)
        g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
    }
  /* COPY leaves libpq in a state that nothing leads out of. */
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
}

static void
test_transaction (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int)", CUPEL_SQL_INT32);
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) failed = NULL;
  g_autoptr(GError) refused = NULL;

  /* first use: BEGIN, Parse and Execute together */
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_true (reply.began);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  }
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_false (reply.began);
  }
  g_assert_true (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, &error));
  {
    g_autoptr(CupelCompiled) show = compile_plain ("SELECT current_setting('transaction_isolation')");
    g_auto(CupelReply) reply = { 0 };

    exec (connection, show, NULL, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, "serializable");
  }
  g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &refused));
  g_assert_error (refused, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  /* a failed statement fails the transaction, and COMMIT says so */
  g_clear_error (&failed);
  failed = fail_sql (connection, "SELECT 1 / 0");
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  g_clear_error (&failed);
  failed = fail_sql (connection, "SELECT 1");
  g_assert_error (failed, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, set, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_false (reply.began);
    g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  }
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &error));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + G_USEC_PER_SEC, &error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
test_savepoints (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) set = compile_plain ("SAVEPOINT s1");
  g_autoptr(CupelCompiled) back = compile_plain ("ROLLBACK TO SAVEPOINT s1");
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (connection, "CREATE TEMPORARY TABLE psp (i int)");
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) one = { 0 };
      g_auto(CupelReply) other = { 0 };

      exec (connection, set, NULL, CUPEL_REQUEST_NONE, &one);
      exec_sql (connection, "INSERT INTO psp VALUES (1)");
      g_clear_error (&error);
      error = fail_sql (connection, "SELECT 1 / 0");
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
      exec (connection, back, NULL, CUPEL_REQUEST_NONE, &other);
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
    }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM psp"), ==, 0);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

static void
exec_statement (CupelDriverConnection *connection,
                CupelStatement        *statement,
                CupelReply            *reply)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, statement, &error);

  g_assert_no_error (error);
  exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, reply);
}

/* What the compiler writes is what the server takes. */
static void
test_ddl (CupelDriverConnection *connection)
{
  static const CupelSqlKind kinds[] = {
    CUPEL_SQL_BOOLEAN, CUPEL_SQL_INT16, CUPEL_SQL_INT32, CUPEL_SQL_INT64, CUPEL_SQL_FLOAT, CUPEL_SQL_DOUBLE, CUPEL_SQL_NUMERIC,
    CUPEL_SQL_STRING, CUPEL_SQL_TEXT, CUPEL_SQL_BYTES, CUPEL_SQL_DATE, CUPEL_SQL_TIME, CUPEL_SQL_DATETIME, CUPEL_SQL_TIMESTAMP,
    CUPEL_SQL_UUID, CUPEL_SQL_JSON
  };
  static const char *const names[] = {
    "boolean", "smallint", "integer", "bigint", "real", "double precision", "numeric(12,3)", "character varying(50)", "text",
    "bytea", "date", "time without time zone", "timestamp without time zone", "timestamp with time zone", "uuid", "jsonb"
  };
  g_autoptr(CupelTable) table = cupel_table_new ("cupel_test_ddl");
  g_autoptr(CupelStatement) create = NULL;
  g_autoptr(CupelStatement) drop = NULL;
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));

  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (table, id);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *name = g_strdup_printf ("c%u", i);
      CupelSqlType *type = kinds[i] == CUPEL_SQL_NUMERIC ? cupel_sql_type_new_numeric (12, 3)
                         : kinds[i] == CUPEL_SQL_STRING  ? cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50)
                                                         : cupel_sql_type_new (kinds[i]);
      CupelColumn *column = cupel_column_new (name, type);

      if (kinds[i] == CUPEL_SQL_DATETIME)
        cupel_column_set_server_default (column, cupel_func ("now", NULL));
      if (kinds[i] == CUPEL_SQL_INT32)
        cupel_column_set_unique (column, TRUE);
      cupel_table_add_column (table, column);
    }
  create = CUPEL_STATEMENT (cupel_create_table_new (table));
  drop = CUPEL_STATEMENT (cupel_drop_table_new (table));

  /* rolled back: nothing stays behind */
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  {
    g_auto(CupelReply) reply = { 0 };

    exec_statement (connection, create, &reply);
    g_assert_null (reply.blocks);
  }
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "
                                              "'cupel_test_ddl'::regclass AND attname = 'c%u'", i);
      g_autofree char *found = query_string (connection, sql, NULL);

      g_assert_cmpstr (found, ==, names[i]);
    }
  {
    g_autoptr(CupelInsert) insert = cupel_insert_new (table);
    g_auto(CupelReply) reply = { 0 };

    cupel_insert_set (insert, "c2", cupel_text ("7"));
    cupel_insert_returning (insert, cupel_table_c (table, "id"));
    cupel_insert_returning (insert, cupel_table_c (table, "c12"));
    exec_statement (connection, CUPEL_STATEMENT (insert), &reply);
    g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 1);
    g_assert_cmpint (get_cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_DATETIME);
    g_assert_cmpint (reply.row_count, ==, 1);
  }
  {
    g_autoptr(CupelSelect) select = cupel_select_new ();
    g_auto(CupelReply) reply = { 0 };

    cupel_select_add_column (select, cupel_divide (cupel_table_c (table, "c2"), cupel_text ("2")));
    exec_statement (connection, CUPEL_STATEMENT (select), &reply);
    g_assert_cmpfloat (g_ascii_strtod (get_cell (&reply, 0, 0)->v.text, NULL), ==, 3.5);
  }
  {
    g_auto(CupelReply) reply = { 0 };

    exec_statement (connection, drop, &reply);
  }
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
}

static void
test_first_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 1 / 0");
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + G_USEC_PER_SEC, NULL));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
test_cache (CupelDriverConnection *connection)
{
  CupelCompiled *statements[6];
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT CAST(:p1 AS int) + %u", i);

      statements[i] = compile (sql, CUPEL_SQL_INT32);
    }
  /* The URL says four: the server never has more than that and what waits to be deallocated. */
  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
      {
        g_auto(CupelReply) reply = { 0 };

        exec (connection, statements[i], set, CUPEL_REQUEST_NONE, &reply);
        g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 1 + (int) i);
        g_assert_cmpuint (cupel_pg_statements_get_size (CUPEL_PG_CONNECTION (connection)->statements), <=, 4);
      }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_prepared_statements"), ==, 4);
  for (guint i = 0; i < 5; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, statements[5], set, CUPEL_REQUEST_NONE, &reply);
    }
  g_assert_cmpint (query_int (connection, "SELECT max(generic_plans + custom_plans) FROM pg_prepared_statements"), >=, 6);
  /* somebody else throws them away: behind our back, and in our sight */
  exec_sql (connection, "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, statements[i], set, i % 2 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE, &reply);
      g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
    }
  exec_sql (connection, "DEALLOCATE ALL");
  g_assert_cmpuint (cupel_pg_statements_get_size (CUPEL_PG_CONNECTION (connection)->statements), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, statements[i], set, CUPEL_REQUEST_NONE, &reply);
      cupel_compiled_unref (statements[i]);
    }
}

static void
test_cache_off (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int)", CUPEL_SQL_INT32);
  CupelCell one = make_int (1);
  g_autoptr(CupelRowBlock) set = make_set (&one, 1);

  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, set, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 1);
    }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_prepared_statements"), ==, 0);
}

static void
test_stale_plan (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT * FROM ps");
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "CREATE TEMPORARY TABLE ps (a int)");
  exec_sql (connection, "INSERT INTO ps VALUES (1)");
  for (guint i = 0; i < 2; i++)
    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpuint (reply.n_columns, ==, 1);
    }
  exec_sql (connection, "ALTER TABLE ps ADD b text DEFAULT 'x'");
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply);
    g_assert_cmpuint (reply.n_columns, ==, 2);
    g_assert_true (reply.began);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  }
  /* within a transaction that has done something it cannot be helped */
  exec_sql (connection, "ALTER TABLE ps DROP COLUMN b");
  {
    g_auto(CupelReply) reply = { 0 };

    g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_SERIALIZATION);
    g_assert_true (cupel_error_is_retryable (error));
  }
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));

  /* a whole pipeline that began its transaction is done again */
  exec_sql (connection, "ALTER TABLE ps ADD c int");
  {
    CupelRequest requests[] = { { .compiled = compiled, .flags = CUPEL_REQUEST_BEGIN }, { .compiled = compiled } };
    CupelReply replies[2] = { { 0 } };

    {
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
    }
    exec_sql (connection, "ALTER TABLE ps DROP COLUMN c");
    g_clear_error (&error);
    cupel_driver_connection_pipeline (connection, requests, replies, 2, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (replies[0].began);
    g_assert_cmpuint (count_rows (&replies[1]), ==, 1);
    cupel_reply_clear (&replies[0]);
    cupel_reply_clear (&replies[1]);
  }
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
}

static void
test_many_returning (CupelDriverConnection *connection)
{
  static const CupelSqlKind kinds[] = { CUPEL_SQL_INT32, CUPEL_SQL_STRING, CUPEL_SQL_NUMERIC, CUPEL_SQL_JSON, CUPEL_SQL_DATETIME };
  const guint n = 25000;
  g_autoptr(CupelCompiled) compiled = compile_insert ("pm", kinds, G_N_ELEMENTS (kinds), "id");
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (G_N_ELEMENTS (kinds), n);
  g_auto(CupelReply) reply = { 0 };

  exec_sql (connection, "CREATE TEMPORARY TABLE pm (id bigint GENERATED BY DEFAULT AS IDENTITY, c1 int, c2 varchar(20), "
                        "c3 numeric(10, 2), c4 jsonb, c5 timestamp)");
  for (guint i = 0; i < n; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);
      char text[32];

      cells[0] = make_int ((gint64) n - i);
      g_snprintf (text, sizeof text, "row %u", i);
      if (i % 3 != 0)
        cupel_row_block_set_text (sets, &cells[1], CUPEL_CELL_TEXT, text, -1);
      g_snprintf (text, sizeof text, "%u.25", i);
      cupel_row_block_set_text (sets, &cells[2], CUPEL_CELL_DECIMAL, text, -1);
      cupel_row_block_set_text (sets, &cells[3], CUPEL_CELL_JSON, "[1]", -1);
      cells[4] = make_scalar (CUPEL_CELL_DATETIME, i);
    }
  exec (connection, compiled, sets, CUPEL_REQUEST_BEGIN, &reply);
  g_assert_true (reply.began);
  g_assert_cmpint (reply.row_count, ==, n);
  g_assert_cmpuint (count_rows (&reply), ==, n);
  for (guint i = 0; i < n; i += 97)
    g_assert_cmpint (get_cell (&reply, i, 0)->v.i64, ==, i + 1);
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pm WHERE c1 = 25001 - id AND (c2 = 'row ' || (id - 1) OR "
                                          "c2 IS NULL AND (id - 1) % 3 = 0) AND c3 = id - 1 + 0.25 AND c4 = '[1]'"), ==, n);
  /* not row by row */
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%unnest(%'"), ==, 1);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

/* Texts for a date: no array, so a pipeline of single rows; the order stays. */
static void
test_many_single (CupelDriverConnection *connection)
{
  static const CupelSqlKind kinds[] = { CUPEL_SQL_INT32, CUPEL_SQL_DATE };
  const guint n = 1500;
  g_autoptr(CupelCompiled) compiled = compile_insert ("pn", kinds, G_N_ELEMENTS (kinds), "c1");
  g_autoptr(CupelCompiled) update = compile ("UPDATE pn SET c2 = NULL WHERE c1 = :p1", CUPEL_SQL_INT32);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, n);
  g_autoptr(CupelRowBlock) keys = cupel_row_block_new (1, n);
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "CREATE TEMPORARY TABLE pn (id bigint GENERATED BY DEFAULT AS IDENTITY, c1 int, c2 date)");
  for (guint i = 0; i < n; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      cells[0] = make_int (i);
      cells[1] = i == 0 ? make_scalar (CUPEL_CELL_DATE, 5) : make_text (CUPEL_CELL_TEXT, "2020-02-29");
      *cupel_row_block_add_row (keys) = make_int (i * 2);
    }
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, compiled, sets, CUPEL_REQUEST_NONE, &reply);
    g_assert_cmpuint (count_rows (&reply), ==, n);
    g_assert_cmpint (reply.row_count, ==, n);
    for (guint i = 0; i < n; i++)
      g_assert_cmpint (get_cell (&reply, i, 0)->v.i64, ==, i);
  }
  {
    g_auto(CupelReply) reply = { 0 };

    exec (connection, update, keys, CUPEL_REQUEST_NONE, &reply);
    g_assert_cmpint (reply.row_count, ==, n / 2);
  }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pn WHERE c2 IS NULL"), ==, n / 2);

  /* all or nothing, also without a transaction of the caller */
  {
    g_auto(CupelReply) reply = { 0 };

    ((CupelCell *) cupel_row_block_get_row (sets, n - 1))[1] = make_text (CUPEL_CELL_TEXT, "no date");
    g_assert_false (try_exec (connection, compiled, sets, CUPEL_REQUEST_NONE, &reply, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  }
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pn"), ==, n);
}

/* Both directions full at once: the deadlock that nonblocking libpq invites. */
static void
test_big_pipeline (CupelDriverConnection *connection)
{
  const guint n = 1000;
  const gsize size = 100 * 1024;
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS text)", CUPEL_SQL_TEXT);
  g_autofree char *text = g_strnfill (size, 'y');
  CupelCell cell = make_text (CUPEL_CELL_TEXT, text);
  g_autoptr(CupelRowBlock) set = make_set (&cell, 1);
  g_autofree CupelRequest *requests = g_new0 (CupelRequest, n);
  g_autofree CupelReply *replies = g_new0 (CupelReply, n);
  g_autoptr(GError) error = NULL;

  for (guint i = 0; i < n; i++)
    requests[i] = (CupelRequest) { .compiled = compiled, .sets = set, .n_sets = 1, .flags = i == 0 ? CUPEL_REQUEST_BEGIN : 0 };
  cupel_driver_connection_pipeline (connection, requests, replies, n, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (replies[0].began);
  for (guint i = 0; i < n; i++)
    {
      g_assert_cmpuint (count_rows (&replies[i]), ==, 1);
      g_assert_cmpuint (get_cell (&replies[i], 0, 0)->length, ==, size);
      cupel_reply_clear (&replies[i]);
    }
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

static void
test_pipeline_error (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) good = compile_plain ("SELECT 7");
  g_autoptr(CupelCompiled) bad = compile_plain ("SELECT 1 / 0");
  CupelRequest requests[] = {
    { .compiled = good, .flags = CUPEL_REQUEST_BEGIN }, { .compiled = good }, { .compiled = bad }, { .compiled = good }
  };
  CupelReply replies[4] = { { 0 } };
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_driver_connection_pipeline (connection, requests, replies, 4, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_cmpuint (count_rows (&replies[1]), ==, 1);
  g_assert_null (replies[2].blocks);
  g_assert_null (replies[3].blocks);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  for (guint i = 0; i < 4; i++)
    cupel_reply_clear (&replies[i]);
  g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
}

static CupelDriverCursor *
open_stream (CupelDriverConnection *connection,
             CupelCompiled         *compiled,
             CupelRowBlock         *set,
             CupelRequestFlags      flags,
             guint                  block_rows)
{
  CupelRequest request = {
    .compiled = compiled, .sets = set, .n_sets = set != NULL ? 1 : 0, .flags = flags | CUPEL_REQUEST_STREAM,
    .block_rows = block_rows
  };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_execute (connection, &request, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply.cursor);
  g_assert_null (reply.blocks);
  return g_object_ref (reply.cursor);
}

static CupelRowBlock *
fetch (CupelDriverCursor *cursor)
{
  g_autoptr(GError) error = NULL;
  CupelRowBlock *block = CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->fetch (cursor, NULL, &error);

  g_assert_no_error (error);
  return block;
}

static void
close_stream (CupelDriverCursor *cursor)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->close (cursor, g_get_monotonic_time () + G_USEC_PER_SEC, &error));
  g_assert_no_error (error);
  g_assert_true (CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->close (cursor, -1, &error));
}

static void
test_streams (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT i FROM generate_series(1, CAST(:p1 AS int)) AS g(i)", CUPEL_SQL_INT32);
  CupelCell n = make_int (2500), few = make_int (10);
  g_autoptr(CupelRowBlock) set = make_set (&n, 1);
  g_autoptr(CupelRowBlock) few_set = make_set (&few, 1);
  g_autoptr(CupelDriverCursor) outer = open_stream (connection, compiled, set, CUPEL_REQUEST_BEGIN, 1000);
  gint64 expected = 1;
  CupelRowBlock *block;

  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
  while ((block = fetch (outer)) != NULL)
    {
      g_autoptr(CupelDriverCursor) inner = open_stream (connection, compiled, few_set, CUPEL_REQUEST_BEGIN, 4);
      g_autoptr(CupelRowBlock) first = fetch (inner);

      g_assert_cmpuint (block->n_rows, <=, 1000);
      g_assert_cmpuint (first->n_rows, ==, 4);
      for (guint i = 0; i < block->n_rows; i++)
        g_assert_cmpint (cupel_row_block_get_row (block, i)->v.i64, ==, expected++);
      cupel_row_block_unref (block);
      g_assert_cmpint (query_int (connection, "SELECT 5"), ==, 5);
      close_stream (inner);
    }
  g_assert_cmpint (expected, ==, 2501);
  close_stream (outer);
  g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_cursors WHERE name LIKE 'cupel%'"), ==, 0);
  g_assert_true (cupel_driver_connection_commit (connection, NULL, NULL));
}

static void
test_stream_ends (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT i, 'text ' || i FROM generate_series(1, 100) AS g(i)");
  g_autoptr(CupelCompiled) insert = compile_plain ("INSERT INTO pt SELECT generate_series(1, 5) RETURNING i");
  g_autoptr(GError) error = NULL;

  /* over with its transaction, also when a new one has begun */
  {
    g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, 10);
    G_GNUC_UNUSED g_autoptr(CupelRowBlock) block = fetch (cursor);

    g_assert_cmpuint (block->n_rows, ==, 10);
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
    g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
    g_assert_null (CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->fetch (cursor, NULL, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
    g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
    close_stream (cursor);
    g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
  }
  /* without a transaction the cursor outlives the statement, and a reset closes it */
  {
    g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, NULL, CUPEL_REQUEST_NONE, 40);
    guint n = 0;
    CupelRowBlock *block;

    while ((block = fetch (cursor)) != NULL)
      {
        g_assert_cmpint (cupel_row_block_get_row (block, 0)[1].kind, ==, CUPEL_CELL_TEXT);
        n += block->n_rows;
        cupel_row_block_unref (block);
      }
    g_assert_cmpuint (n, ==, 100);
    close_stream (cursor);
  }
  {
    G_GNUC_UNUSED g_autoptr(CupelDriverCursor) cursor = open_stream (connection, compiled, NULL, CUPEL_REQUEST_NONE, 40);

    g_assert_nonnull (cursor);
    g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + G_USEC_PER_SEC, NULL));
    g_assert_cmpint (query_int (connection, "SELECT count(*) FROM pg_cursors WHERE name LIKE 'cupel%'"), ==, 0);
  }
  /* a statement that changes something runs at once, and its rows come as a stream all the same */
  exec_sql (connection, "CREATE TEMPORARY TABLE pt (i int)");
  {
    g_autoptr(CupelDriverCursor) cursor = open_stream (connection, insert, NULL, CUPEL_REQUEST_NONE, 2);
    g_autoptr(CupelRowBlock) block = fetch (cursor);

    g_assert_cmpuint (block->n_rows, ==, 5);
    g_assert_null (fetch (cursor));
    close_stream (cursor);
  }
}

typedef struct
{
  GCancellable *cancellable;
  guint         milliseconds;
} Canceller;

static void
cancel_later (gpointer data)
{
  Canceller *canceller = data;

  cupel_fiber_sleep (canceller->milliseconds * 1000, NULL, NULL);
  g_cancellable_cancel (canceller->cancellable);
}

static void
test_cancel (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT pg_sleep(60)");
  g_autoptr(GCancellable) early = g_cancellable_new ();
  gint64 start;

  for (guint round = 0; round < 3; round++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, 100 };
      CupelRequest request = { .compiled = compiled, .flags = round == 1 ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      start = g_get_monotonic_time ();
      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 1500000);
      /* The server answered, so the connection is clean. */
      g_assert_cmpint (cupel_driver_connection_get_status (connection), ==,
                       round == 1 ? CUPEL_TRANSACTION_FAILED : CUPEL_TRANSACTION_IDLE);
      g_assert_true (cupel_driver_connection_rollback (connection, -1, NULL));
      g_assert_cmpint (query_int (connection, "SELECT 11"), ==, 11);
    }

  /* before anything was sent */
  {
    CupelRequest request = { .compiled = compiled };
    g_auto(CupelReply) reply = { 0 };
    g_autoptr(GError) error = NULL;

    g_cancellable_cancel (early);
    g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, early, &error));
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpint (query_int (connection, "SELECT 12"), ==, 12);
  }
}

/* A server that does not answer at all, not even to a cancel request: the call comes back all the same. */
static void
test_cancel_stuck (CupelDriverConnection *connection)
{
  g_autoptr(CupelUrl) url = get_url (NULL);
  g_autoptr(CupelCompiled) compiled = compile_plain ("SELECT 1");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Canceller canceller = { cancellable, 100 };
  CupelRequest request = { .compiled = compiled };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *name = NULL;
  gint64 start;
  pid_t pid = (pid_t) query_int (connection, "SELECT pg_backend_pid()");

  /* Only a process that surely is the server's, on this machine. */
  path = g_strdup_printf ("/proc/%d/comm", (int) pid);
  if ((cupel_url_get_host (url) != NULL && !g_path_is_absolute (cupel_url_get_host (url))) ||
      !g_file_get_contents (path, &name, NULL, NULL) || !g_str_has_prefix (name, "postgres") || kill (pid, SIGSTOP) != 0)
    {
      g_test_skip ("The server's process cannot be stopped from here");
      return;
    }
  start = g_get_monotonic_time ();
  cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
  g_assert_false (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 1500000);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_clear_error (&error);
  start = g_get_monotonic_time ();
  g_assert_false (cupel_driver_connection_ping (connection, start + 10000, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 100000);
  kill (pid, SIGCONT);
}

/* The same with the library's own deadline. */
static void
test_deadline (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  exec_sql (connection, "CREATE TEMPORARY TABLE pd (i int)");
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  g_assert_false (cupel_pg_connection_run_simple (CUPEL_PG_CONNECTION (connection), "test", "SELECT pg_sleep(60)",
                                                  start + 100000, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpint (g_get_monotonic_time () - start, <, G_USEC_PER_SEC);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_FAILED);
  g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + G_USEC_PER_SEC, NULL));
}

/* Cancels at any moment of a short statement: every answer belongs to its question. */
static void
test_cancel_race (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("SELECT CAST(:p1 AS int), pg_sleep(0.002)", CUPEL_SQL_INT32);
  guint n_cancelled = 0;

  for (guint i = 0; i < 150; i++)
    {
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      Canceller canceller = { cancellable, i % 5 };
      CupelCell tag = make_int (i);
      g_autoptr(CupelRowBlock) set = make_set (&tag, 1);
      CupelRequest request = { .compiled = compiled, .sets = set, .n_sets = 1 };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      cupel_fiber_spawn (NULL, cancel_later, &canceller, NULL);
      if (cupel_driver_connection_execute (connection, &request, &reply, cancellable, &error))
        g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, i);
      else
        {
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          n_cancelled++;
        }
      g_assert_cmpint (query_int (connection, "SELECT 13"), ==, 13);
      while (!g_cancellable_is_cancelled (cancellable))
        cupel_fiber_sleep (500, NULL, NULL);
    }
  g_assert_cmpuint (n_cancelled, >, 0);
}

static void
test_busy (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;

  CUPEL_PG_CONNECTION (connection)->busy = TRUE;
  g_assert_false (cupel_driver_connection_ping (connection, -1, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  CUPEL_PG_CONNECTION (connection)->busy = FALSE;
  g_assert_cmpint (query_int (connection, "SELECT 14"), ==, 14);
}

static void
test_killed (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) killer = connect_again ();
  g_autoptr(CupelDriverConnection) second = connect_again ();
  g_autoptr(GError) error = NULL;
  g_autofree char *sql = NULL;
  g_autofree char *second_sql = NULL;

  /* in the middle of a transaction: the next statement says why */
  sql = g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ", 2000)",
                         query_int (connection, "SELECT pg_backend_pid()"));
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (killer, sql);
  error = fail_sql (connection, "SELECT 1");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_true (cupel_error_is_disconnect (error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (cupel_driver_connection_is_alive (connection));
  g_clear_error (&error);

  /* idle: seen by a look at the socket; a COMMIT that was not sent is not unknown */
  second_sql = g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ", 2000)",
                                query_int (second, "SELECT pg_backend_pid()"));
  g_assert_true (cupel_driver_connection_begin (second, NULL, NULL));
  exec_sql (killer, second_sql);
  g_assert_false (cupel_driver_connection_commit (second, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_false (cupel_driver_connection_is_alive (second));
  cupel_driver_connection_terminate (second);
  cupel_driver_connection_close (killer, -1);
}

static void
terminate_later (gpointer data)
{
  cupel_fiber_sleep (50000, NULL, NULL);
  cupel_driver_connection_terminate (data);
}

static void
test_terminate_busy (CupelDriverConnection *connection)
{
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  cupel_fiber_spawn (NULL, terminate_later, g_object_ref (connection), g_object_unref);
  error = fail_sql (connection, "SELECT pg_sleep(60)");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, G_USEC_PER_SEC);
}

static void
kill_later (gpointer data)
{
  g_autoptr(CupelDriverConnection) killer = connect_again ();

  cupel_fiber_sleep (100000, NULL, NULL);
  exec_sql (killer, data);
  cupel_driver_connection_close (killer, -1);
}

/* The COMMIT is under way (a deferred trigger sleeps in it) when the server goes. */
static void
test_commit_lost (CupelDriverConnection *connection)
{
  g_autofree char *sql = g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ")",
                                          query_int (connection, "SELECT pg_backend_pid()"));
  g_autoptr(GError) error = NULL;

  exec_sql (connection, "CREATE FUNCTION pg_temp.nap() RETURNS trigger LANGUAGE plpgsql AS "
                        "$$ BEGIN PERFORM pg_sleep(20); RETURN NULL; END $$");
  exec_sql (connection, "CREATE TEMPORARY TABLE pk (i int)");
  exec_sql (connection, "CREATE CONSTRAINT TRIGGER nap AFTER INSERT ON pk DEFERRABLE INITIALLY DEFERRED "
                        "FOR EACH ROW EXECUTE FUNCTION pg_temp.nap()");
  g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
  exec_sql (connection, "INSERT INTO pk VALUES (1)");
  cupel_fiber_spawn (NULL, kill_later, sql, NULL);
  g_assert_false (cupel_driver_connection_commit (connection, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_UNKNOWN);
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
  g_autofree char *text = g_strdup_printf ("postgresql://u@127.0.0.1:%u/x", port);
  g_autoptr(CupelUrl) url = cupel_url_new (text, error);
  g_autoptr(GError) local = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_null (connect_to (url, start + 300000, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 1000000);
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
  static const struct { const char *path; Job job; } tests[] = {
    { "/postgresql/connect/close", { test_connect } },
    { "/postgresql/types/round-trip", { test_types } },
    { "/postgresql/types/printed", { test_printed } },
    { "/postgresql/types/numeric-random", { test_numeric_random } },
    { "/postgresql/types/conversions", { test_conversions } },
    { "/postgresql/errors", { test_errors } },
    { "/postgresql/transaction", { test_transaction } },
    { "/postgresql/transaction/savepoints", { test_savepoints } },
    { "/postgresql/ddl", { test_ddl } },
    { "/postgresql/transaction/first-fails", { test_first_fails } },
    { "/postgresql/transaction/commit-lost", { test_commit_lost } },
    { "/postgresql/statements/cache", { test_cache, "statement_cache_size=4" } },
    { "/postgresql/statements/off", { test_cache_off, "statement_cache_size=0" } },
    { "/postgresql/statements/stale", { test_stale_plan } },
    { "/postgresql/many/returning", { test_many_returning } },
    { "/postgresql/many/single", { test_many_single } },
    { "/postgresql/many/single-unprepared", { test_many_single, "statement_cache_size=0" } },
    { "/postgresql/pipeline/big", { test_big_pipeline } },
    { "/postgresql/pipeline/error", { test_pipeline_error } },
    { "/postgresql/stream/nested", { test_streams } },
    { "/postgresql/stream/ends", { test_stream_ends } },
    { "/postgresql/cancel/sleep", { test_cancel } },
    { "/postgresql/cancel/race", { test_cancel_race } },
    { "/postgresql/cancel/stuck", { test_cancel_stuck } },
    { "/postgresql/cancel/deadline", { test_deadline } },
    { "/postgresql/busy", { test_busy } },
    { "/postgresql/killed", { test_killed } },
    { "/postgresql/terminate/busy", { test_terminate_busy } },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_data_func (tests[i].path, &tests[i].job, run_test);
  g_test_add_func ("/postgresql/connect/errors", test_connect_errors);
  g_test_add_func ("/postgresql/connect/silent", test_connect_silent);
  g_test_add_func ("/postgresql/connect/refused", test_server_refusals);
  g_test_add_func ("/postgresql/engine", test_engine);
  return g_test_run ();
}
