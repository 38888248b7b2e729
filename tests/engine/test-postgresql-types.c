/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What values become on the way to PostgreSQL and back, and the tables that the compiler makes. */

#include "postgresql-fixture.h"

#include <string.h>

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
    { "'infinity'::timestamp", CUPEL_CELL_OTHER, "infinity" },
    { "'-infinity'::timestamp", CUPEL_CELL_OTHER, "-infinity" },
    { "'-infinity'::timestamptz", CUPEL_CELL_OTHER, "-infinity" },
    /* the last ones of the server, which microseconds since 1970 do not reach */
    { "'294276-12-31 00:00:00'::timestamp", CUPEL_CELL_OTHER, "294276-12-31 00:00:00" },
    { "'294276-12-31 23:59:59.99999'::timestamp", CUPEL_CELL_OTHER, "294276-12-31 23:59:59.99999" },
    { "'294276-12-31 23:59:59.999999+00'::timestamptz", CUPEL_CELL_OTHER, "294276-12-31 23:59:59.999999+00" },
    { "ARRAY['294276-12-31 00:00:00'::timestamp]", CUPEL_CELL_OTHER, "{\"294276-12-31 00:00:00\"}" },
    { "'294247-01-10 04:00:54.775808'::timestamp", CUPEL_CELL_OTHER, "294247-01-10 04:00:54.775808" },
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

/* The last and the first timestamps that microseconds since 1970 reach; all that the server has before 1970 is among them. */
static void
test_timestamp_ends (CupelDriverConnection *connection)
{
  const struct { const char *sql; CupelCellKind kind; gint64 value; } cases[] = {
    { "SELECT '294247-01-10 04:00:54.775807'::timestamp", CUPEL_CELL_DATETIME, G_MAXINT64 },
    { "SELECT '294247-01-10 04:00:54.775807+00'::timestamptz", CUPEL_CELL_TIMESTAMP, G_MAXINT64 },
    { "SELECT '4714-11-24 00:00:00 BC'::timestamp", CUPEL_CELL_DATETIME, G_GINT64_CONSTANT (-210866803200000000) },
    { "SELECT '4714-11-24 00:00:00+00 BC'::timestamptz", CUPEL_CELL_TIMESTAMP, G_GINT64_CONSTANT (-210866803200000000) },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile_plain (cases[i].sql);
      g_auto(CupelReply) reply = { 0 };

      exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, cases[i].kind);
      g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, cases[i].value);
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

int
main (int    argc,
      char **argv)
{
  static const NamedJob tests[] = {
    { "/postgresql/types/round-trip", { test_types } },
    { "/postgresql/types/printed", { test_printed } },
    { "/postgresql/types/timestamp-ends", { test_timestamp_ends } },
    { "/postgresql/types/numeric-random", { test_numeric_random } },
    { "/postgresql/types/conversions", { test_conversions } },
    { "/postgresql/ddl", { test_ddl } },
  };

  g_test_init (&argc, &argv, NULL);
  add_tests (tests, G_N_ELEMENTS (tests));
  return g_test_run ();
}
