/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values of every type, both ways, and the SQL of tables. */

#include "mysql-fixture.h"

#include <string.h>

static void
test_types (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) insert = NULL;
  g_autoptr(CupelCompiled) select = NULL;
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (14, 1);
  g_auto(CupelReply) reply = { 0, };
  g_auto(CupelReply) rows = { 0, };
  const char *text = "Gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80 \xe4\xb8\xad";
  const char *decimal = "-12345678901234567890123456789012345.123456789012345678901234567890";
  const guint8 bytes[] = { 0x00, 0xff, 0x27, 0x5c, 0x00 };
  const guint8 uuid[16] = { 0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00 };
  CupelCell *c;

  run (connection,
       "CREATE TABLE types (id BIGINT AUTO_INCREMENT PRIMARY KEY, b BOOLEAN, i BIGINT, u BIGINT UNSIGNED, d DOUBLE, "
       "s VARCHAR(100), bl LONGBLOB, n DECIMAL(65,30), da DATE, t TIME(6), dt DATETIME(6), ts TIMESTAMP(6) NULL, "
       "uu CHAR(36), j JSON, bi BIT(12)) DEFAULT CHARSET=utf8mb4");
  insert = compile ("INSERT INTO types (b, i, u, d, s, bl, n, da, t, dt, ts, uu, j, bi) "
                    "VALUES (:b, :i, :u, :d, :s, :bl, :n, :da, :t, :dt, :ts, :uu, :j, :bi)", -1);
  g_assert_cmpuint (insert->n_slots, ==, 14);

  c = cupel_row_block_add_row (set);
  c[0].kind = CUPEL_CELL_BOOLEAN;
  c[0].v.i64 = 1;
  set_int64 (&c[1], G_MININT64);
  c[2].kind = CUPEL_CELL_UINT64;
  c[2].v.u64 = G_MAXUINT64;
  c[3].kind = CUPEL_CELL_DOUBLE;
  c[3].v.f64 = 0.1;
  cupel_row_block_set_text (set, &c[4], CUPEL_CELL_TEXT, text, -1);
  cupel_row_block_set_bytes (set, &c[5], CUPEL_CELL_BYTES, bytes, sizeof bytes);
  cupel_row_block_set_text (set, &c[6], CUPEL_CELL_DECIMAL, decimal, -1);
  c[7].kind = CUPEL_CELL_DATE;
  c[7].v.i64 = -719162;                                     /* 0001-01-01 */
  c[8].kind = CUPEL_CELL_TIME;
  c[8].v.i64 = G_GINT64_CONSTANT (86399999999);
  c[9].kind = CUPEL_CELL_DATETIME;
  c[9].v.i64 = G_GINT64_CONSTANT (253402300799999999);      /* 9999-12-31 23:59:59.999999 */
  c[10].kind = CUPEL_CELL_TIMESTAMP;
  c[10].v.i64 = G_GINT64_CONSTANT (1709210096000001);
  cupel_row_block_set_bytes (set, &c[11], CUPEL_CELL_UUID, uuid, 16);
  cupel_row_block_set_text (set, &c[12], CUPEL_CELL_JSON, "{\"a\": [1, null, \"\\\\\"]}", -1);
  set_int64 (&c[13], 0xabc);

  execute (connection, insert, set, &reply);
  g_assert_cmpint (reply.row_count, ==, 1);
  g_assert_cmpint (reply.last_insert_id, ==, 1);
  cupel_reply_clear (&reply);

  memset (c, 0, 14 * sizeof *c);                            /* all NULL */
  execute (connection, insert, set, &reply);
  cupel_reply_clear (&reply);

  select = compile ("SELECT b, i, u, d, s, bl, n, da, t, dt, ts, uu, j, bi FROM types ORDER BY id",
                    CUPEL_SQL_BOOLEAN, CUPEL_SQL_NULL, CUPEL_SQL_NULL, CUPEL_SQL_DOUBLE, CUPEL_SQL_STRING, CUPEL_SQL_BYTES,
                    CUPEL_SQL_NUMERIC, CUPEL_SQL_DATE, CUPEL_SQL_TIME, CUPEL_SQL_DATETIME, CUPEL_SQL_TIMESTAMP, CUPEL_SQL_UUID,
                    CUPEL_SQL_JSON, CUPEL_SQL_NULL, -1);
  /* both protocols read alike */
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(GError) error = NULL;

      execute_full (connection, select, NULL, i == 0 ? CUPEL_REQUEST_NONE : CUPEL_REQUEST_NO_PREPARE, &rows, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (count_rows (&rows), ==, 2);
      g_assert_cmpuint (rows.n_columns, ==, 14);

      g_assert_cmpint (get_cell (&rows, 0, 0)->kind, ==, CUPEL_CELL_BOOLEAN);
      g_assert_cmpint (get_cell (&rows, 0, 0)->v.i64, ==, 1);
      g_assert_cmpint (get_cell (&rows, 0, 1)->v.i64, ==, G_MININT64);
      g_assert_cmpint (get_cell (&rows, 0, 2)->kind, ==, CUPEL_CELL_UINT64);
      g_assert_cmpuint (get_cell (&rows, 0, 2)->v.u64, ==, G_MAXUINT64);
      g_assert_cmpfloat (get_cell (&rows, 0, 3)->v.f64, ==, 0.1);
      g_assert_cmpint (get_cell (&rows, 0, 4)->kind, ==, CUPEL_CELL_TEXT);
      g_assert_cmpstr (get_cell (&rows, 0, 4)->v.text, ==, text);
      g_assert_cmpint (get_cell (&rows, 0, 5)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpmem (get_cell (&rows, 0, 5)->v.bytes, get_cell (&rows, 0, 5)->length, bytes, sizeof bytes);
      g_assert_cmpint (get_cell (&rows, 0, 6)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpstr (get_cell (&rows, 0, 6)->v.text, ==, decimal);
      g_assert_cmpint (get_cell (&rows, 0, 7)->kind, ==, CUPEL_CELL_DATE);
      g_assert_cmpint (get_cell (&rows, 0, 7)->v.i64, ==, -719162);
      g_assert_cmpint (get_cell (&rows, 0, 8)->kind, ==, CUPEL_CELL_TIME);
      g_assert_cmpint (get_cell (&rows, 0, 8)->v.i64, ==, G_GINT64_CONSTANT (86399999999));
      g_assert_cmpint (get_cell (&rows, 0, 9)->kind, ==, CUPEL_CELL_DATETIME);
      g_assert_cmpint (get_cell (&rows, 0, 9)->v.i64, ==, G_GINT64_CONSTANT (253402300799999999));
      g_assert_cmpint (get_cell (&rows, 0, 10)->kind, ==, CUPEL_CELL_TIMESTAMP);
      g_assert_cmpint (get_cell (&rows, 0, 10)->v.i64, ==, G_GINT64_CONSTANT (1709210096000001));
      g_assert_cmpint (get_cell (&rows, 0, 11)->kind, ==, CUPEL_CELL_UUID);
      g_assert_cmpmem (get_cell (&rows, 0, 11)->v.bytes, get_cell (&rows, 0, 11)->length, uuid, 16);
      g_assert_cmpint (get_cell (&rows, 0, 12)->kind, ==, CUPEL_CELL_JSON);
      g_assert_cmpstr (get_cell (&rows, 0, 12)->v.text, ==, "{\"a\": [1, null, \"\\\\\"]}");
      g_assert_cmpint (get_cell (&rows, 0, 13)->kind, ==, CUPEL_CELL_INT64);
      g_assert_cmpint (get_cell (&rows, 0, 13)->v.i64, ==, 0xabc);
      for (guint column = 0; column < 14; column++)
        g_assert_cmpint (get_cell (&rows, 1, column)->kind, ==, CUPEL_CELL_NULL);
      cupel_reply_clear (&rows);
    }
}

static void
test_odd_values (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) select = compile (
    "SELECT CAST('0000-00-00' AS DATE), TIME('-25:00:01'), CAST(0 AS UNSIGNED), 18446744073709551615, 1.50, 1e300, x'00ff', "
    "'', sum(a.n), concat('a', char(0 using utf8mb4)), 9223372036854775808 FROM (SELECT 1 AS n UNION ALL SELECT 2) a", -1);
  g_autoptr(CupelCompiled) zero = compile ("SELECT z FROM zeros", -1);
  g_auto(CupelReply) reply = { 0, };
  g_auto(CupelReply) zeros = { 0, };

  execute (connection, select, NULL, &reply);
  g_assert_cmpint (get_cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
  g_assert_cmpstr (get_cell (&reply, 0, 1)->v.text, ==, "-25:00:01");
  g_assert_cmpint (get_cell (&reply, 0, 2)->v.i64, ==, 0);
  g_assert_cmpint (get_cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_UINT64);
  g_assert_cmpint (get_cell (&reply, 0, 4)->kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (get_cell (&reply, 0, 4)->v.text, ==, "1.50");
  g_assert_cmpfloat (get_cell (&reply, 0, 5)->v.f64, ==, 1e300);
  g_assert_cmpint (get_cell (&reply, 0, 6)->kind, ==, CUPEL_CELL_BYTES);
  g_assert_cmpint (get_cell (&reply, 0, 7)->kind, ==, CUPEL_CELL_TEXT);
  g_assert_cmpuint (get_cell (&reply, 0, 7)->length, ==, 0);
  g_assert_cmpint (get_cell (&reply, 0, 8)->kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpint (get_cell (&reply, 0, 9)->kind, ==, CUPEL_CELL_BYTES);   /* NUL is not text */
  g_assert_cmpuint (get_cell (&reply, 0, 9)->length, ==, 2);
  g_assert_cmpuint (get_cell (&reply, 0, 10)->v.u64, ==, G_GUINT64_CONSTANT (9223372036854775808));
  g_assert_nonnull (reply.column_names);
  g_assert_cmpuint (g_strv_length (reply.column_names), ==, 11);

  run (connection, "CREATE TABLE zeros (z DATETIME)");
  run (connection, "SET SESSION sql_mode=''");
  run (connection, "INSERT INTO zeros VALUES ('0000-00-00 00:00:00')");
  execute (connection, zero, NULL, &zeros);
  g_assert_cmpint (get_cell (&zeros, 0, 0)->kind, ==, CUPEL_CELL_OTHER);
  g_assert_cmpstr (get_cell (&zeros, 0, 0)->v.text, ==, "0000-00-00 00:00:00");
}

/* Values at the edges, by both protocols alike. */
static void
test_edges (CupelDriverConnection *connection)
{
  static const struct
  {
    const char   *sql;
    CupelCellKind kind;
    const char   *text;     /* NULL: the number */
    guint64       number;
  } edges[] = {
    { "9223372036854775807", CUPEL_CELL_INT64, NULL, G_MAXINT64 },
    { "u63", CUPEL_CELL_UINT64, NULL, G_GUINT64_CONSTANT (9223372036854775808) },
    { "u64", CUPEL_CELL_UINT64, NULL, G_MAXUINT64 },
    { "small", CUPEL_CELL_INT64, NULL, 255 },
    { "y", CUPEL_CELL_INT64, NULL, 2155 },
    { "y0", CUPEL_CELL_INT64, NULL, 0 },
    { "bits", CUPEL_CELL_UINT64, NULL, G_MAXUINT64 },
    { "n", CUPEL_CELL_DECIMAL, "99999999999999999999999999999999999999999999999999999999999999999", 0 },
    { "sum(n0)", CUPEL_CELL_DECIMAL, "-0.000000000000000000000000000001", 0 },
    { "t", CUPEL_CELL_OTHER, "838:59:59", 0 },
    { "t6", CUPEL_CELL_OTHER, "-00:00:00.000001", 0 },
    { "t3", CUPEL_CELL_OTHER, "24:00:00.500", 0 },
    { "d0", CUPEL_CELL_OTHER, "0000-00-00", 0 },
    { "d1", CUPEL_CELL_OTHER, "2024-00-10", 0 },
    { "d2", CUPEL_CELL_OTHER, "2023-02-29", 0 },
    { "dt0", CUPEL_CELL_OTHER, "0000-00-00 00:00:00.000000", 0 },
    { "j", CUPEL_CELL_TEXT, "{\"a\": \"\xf0\x9f\x98\x80\"}", 0 },
    { "s", CUPEL_CELL_TEXT, "\xf0\x9f\x98\x80", 0 },
  };

  run (connection, "CREATE TABLE edges (u63 BIGINT UNSIGNED, u64 BIGINT UNSIGNED, small TINYINT UNSIGNED, y YEAR, y0 YEAR, bits BIT(64), "
                   "n DECIMAL(65), n0 DECIMAL(65,30), t TIME, t6 TIME(6), t3 TIME(3), d0 DATE, d1 DATE, d2 DATE, dt0 DATETIME(6), "
                   "j JSON, s VARCHAR(10)) DEFAULT CHARSET=utf8mb4");
  run (connection, "SET STATEMENT sql_mode='ALLOW_INVALID_DATES' FOR INSERT INTO edges VALUES (9223372036854775808, "
                   "18446744073709551615, 255, 2155, 0, 18446744073709551615, "
                   "99999999999999999999999999999999999999999999999999999999999999999, -0.000000000000000000000000000001, "
                   "'838:59:59', '-00:00:00.000001', '24:00:00.5', '0000-00-00', '2024-00-10', '2023-02-29', 0, "
                   "'{\"a\": \"\xf0\x9f\x98\x80\"}', '\xf0\x9f\x98\x80')");

  for (guint i = 0; i < 2 * G_N_ELEMENTS (edges); i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT %s FROM edges", edges[i / 2].sql);
      g_autoptr(CupelCompiled) compiled = compile (sql, -1);
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(GError) error = NULL;

      g_test_message ("%s, %s", sql, i % 2 == 0 ? "binary" : "text");
      execute_full (connection, compiled, NULL, i % 2 == 0 ? CUPEL_REQUEST_NONE : CUPEL_REQUEST_NO_PREPARE, &reply, NULL, &error);
      g_assert_no_error (error);
      /* JSON is a type of its own there, and a text here. */
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==,
                       on_mysql && strcmp (edges[i / 2].sql, "j") == 0 ? CUPEL_CELL_JSON : edges[i / 2].kind);
      if (edges[i / 2].text != NULL)
        g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, edges[i / 2].text);
      else
        g_assert_cmpuint (get_cell (&reply, 0, 0)->v.u64, ==, edges[i / 2].number);
    }
}

/* every length around the steps of the protocol's length codes and of a packet */
static void
test_lengths (CupelDriverConnection *connection)
{
  static const gsize lengths[] = { 0, 1, 250, 251, 252, 65535, 65536, 16777210, 16777215, 16777216 };
  g_autoptr(CupelCompiled) echo = compile ("SELECT :a, length(:b)", CUPEL_SQL_TEXT, CUPEL_SQL_INT64, -1);

  run (connection, "SET GLOBAL max_allowed_packet=67108864");
  {
    g_autoptr(CupelDriverConnection) fresh = connect_again ();

    for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
      {
        g_autoptr(CupelRowBlock) set = cupel_row_block_new (2, 1);
        g_autofree char *text = g_malloc (lengths[i] + 1);
        g_auto(CupelReply) reply = { 0, };
        CupelCell *c = cupel_row_block_add_row (set);

        memset (text, 'x', lengths[i]);
        text[lengths[i]] = '\0';
        cupel_row_block_set_text (set, &c[0], CUPEL_CELL_TEXT, text, lengths[i]);
        cupel_row_block_set_text (set, &c[1], CUPEL_CELL_TEXT, text, lengths[i]);
        execute (fresh, echo, set, &reply);
        g_assert_cmpuint (get_cell (&reply, 0, 0)->length, ==, lengths[i]);
        g_assert_cmpmem (get_cell (&reply, 0, 0)->v.text, get_cell (&reply, 0, 0)->length, text, lengths[i]);
        g_assert_cmpint (get_cell (&reply, 0, 1)->v.i64, ==, (gint64) lengths[i]);
      }
    cupel_driver_connection_terminate (fresh);
  }
}

static void
test_create_table (CupelDriverConnection *connection)
{
  g_autoptr(CupelTable) table = cupel_table_new ("create `it`");
  g_autoptr(CupelCreateTable) create = NULL;
  g_autoptr(CupelInsert) insert = NULL;
  g_autoptr(CupelCompiled) ddl = NULL;
  g_autoptr(CupelCompiled) dml = NULL;
  g_auto(CupelReply) reply = { 0, };

  for (int kind = CUPEL_SQL_BOOLEAN; kind <= CUPEL_SQL_JSON; kind++)
    {
      g_autofree char *name = g_strdup_printf ("c%d", kind);

      cupel_table_add_column (table, cupel_column_new (name, cupel_sql_type_new ((CupelSqlKind) kind)));
    }
  {
    CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
    CupelColumn *at = cupel_column_new ("at", cupel_sql_type_new (CUPEL_SQL_DATETIME));
    CupelColumn *text = cupel_column_new ("d", cupel_sql_type_new (CUPEL_SQL_TEXT));

    cupel_column_set_primary_key (id, TRUE);
    cupel_column_set_server_default (at, cupel_func ("now", NULL));
    cupel_column_set_server_default (text, cupel_literal_string ("it's a \\ \xf0\x9f\x98\x80"));
    cupel_table_add_column (table, id);
    cupel_table_add_column (table, at);
    cupel_table_add_column (table, text);
  }

  create = cupel_create_table_new (table);
  ddl = compile_statement (CUPEL_STATEMENT (create));
  g_test_message ("%s", ddl->sql);
  execute (connection, ddl, NULL, &reply);
  cupel_reply_clear (&reply);

  insert = cupel_insert_new (table);
  if (!on_mysql)
    {
      cupel_insert_returning (insert, cupel_table_c (table, "id"));
      cupel_insert_returning (insert, cupel_table_c (table, "at"));
      cupel_insert_returning (insert, cupel_table_c (table, "d"));
    }
  dml = compile_statement (CUPEL_STATEMENT (insert));
  g_test_message ("%s", dml->sql);
  execute (connection, dml, NULL, &reply);
  if (on_mysql)
    {
      g_autoptr(CupelCompiled) select = compile ("SELECT id, at, d FROM `create ``it```", CUPEL_SQL_INT64, CUPEL_SQL_DATETIME,
                                                 CUPEL_SQL_TEXT, -1);

      cupel_reply_clear (&reply);
      execute (connection, select, NULL, &reply);
    }
  g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 1);
  g_assert_cmpint (get_cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_DATETIME);
  g_assert_cmpint (ABS (get_cell (&reply, 0, 1)->v.i64 - g_get_real_time ()), <, 60 * SECOND);
  g_assert_cmpstr (get_cell (&reply, 0, 2)->v.text, ==, "it's a \\ \xf0\x9f\x98\x80");
}

static void
test_dialect (CupelDriverConnection *connection)
{
  static const char *const names[] = { "d_one", "d two's", "d_nowhere", NULL };
  CupelCapabilities capabilities = CUPEL_CAP_NONE;
  g_autoptr(CupelStatement) statement = cupel_dialect_existing_tables (dialect, names);
  g_autoptr(CupelCompiled) compiled = compile_statement (statement);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

  cupel_dialect_initialize (dialect, connection, &capabilities, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (capabilities & CUPEL_CAP_SAVEPOINTS);
  g_assert_cmpint ((capabilities & CUPEL_CAP_INSERT_MANY_RETURNING) == 0, ==, on_mysql);
  g_assert_false (capabilities & CUPEL_CAP_TRANSACTIONAL_DDL);

  run (connection, "CREATE TABLE d_one (a INT)");
  run (connection, "CREATE TABLE `d two's` (a INT)");
  execute (connection, compiled, NULL, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 2);
}

static const Case cases[] = {
  { "types", test_types },
  { "odd-values", test_odd_values },
  { "edges", test_edges },
  { "lengths", test_lengths },
  { "create-table", test_create_table },
  { "dialect", test_dialect },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "types");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
