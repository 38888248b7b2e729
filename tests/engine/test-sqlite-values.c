/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the SQLite driver writes and reads, one set of values or many. */

#include "sqlite-fixture.h"

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

int
main (int   argc,
      char *argv[])
{
  static const SqliteTest tests[] = {
    { "/sqlite/values/types", test_types },
    { "/sqlite/values/server-time", test_server_time },
    { "/sqlite/values/odd", test_odd_values },
    { "/sqlite/values/bad", test_bad_values },
    { "/sqlite/many/all", test_many },
    { "/sqlite/many/fails", test_many_fails },
    { "/sqlite/pipeline", test_pipeline },
  };

  sqlite_test_init (&argc, &argv);
  return sqlite_test_run (tests, G_N_ELEMENTS (tests));
}
