/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The MySQL driver by itself, against the server of CUPEL_TEST_MYSQL_URL. */

#include <cupel-dialect.h>

#include <string.h>

#define SECOND G_USEC_PER_SEC

typedef struct
{
  const char *name;
  void      (*func) (CupelDriverConnection *connection);
} Case;

static CupelDialect *dialect;
static CupelCompiler *compiler;
static CupelUrl *url;

/* helpers */

static CupelDriver *
driver_for (CupelUrl *of)
{
  CupelDriver *driver = cupel_dialect_create_driver (dialect);
  g_autoptr(GError) error = NULL;

  cupel_driver_configure (driver, of, &error);
  g_assert_no_error (error);
  return driver;
}

static CupelDriverConnection *
connect_to (CupelUrl  *of,
            GError   **error)
{
  g_autoptr(CupelDriver) driver = driver_for (of);

  return cupel_driver_connect (driver, of, NULL, g_get_monotonic_time () + 20 * SECOND, NULL, error);
}

static CupelCompiled *
compile_statement (CupelStatement *statement)
{
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled = cupel_compiler_compile (compiler, statement, &error);

  g_assert_no_error (error);
  return compiled;
}

/* Text with binds, and the types of the first columns up to -1. */
static CupelCompiled *
compile (const char *sql,
         ...)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  va_list args;
  int kind;

  va_start (args, sql);
  while ((kind = va_arg (args, int)) >= 0)
    cupel_text_add_result_type (text, cupel_sql_type_new ((CupelSqlKind) kind));
  va_end (args);
  return compile_statement (CUPEL_STATEMENT (text));
}

static gboolean
execute_full (CupelDriverConnection  *connection,
              CupelCompiled          *compiled,
              CupelRowBlock          *sets,
              CupelRequestFlags       flags,
              CupelReply             *reply,
              GCancellable           *cancellable,
              GError                **error)
{
  CupelRequest request = {
    .compiled = compiled,
    .sets = sets,
    .n_sets = sets != NULL ? sets->n_rows : 0,
    .flags = flags,
  };

  return cupel_driver_connection_execute (connection, &request, reply, cancellable, error);
}

static void
execute (CupelDriverConnection *connection,
         CupelCompiled         *compiled,
         CupelRowBlock         *sets,
         CupelReply            *reply)
{
  g_autoptr(GError) error = NULL;

  execute_full (connection, compiled, sets, CUPEL_REQUEST_NONE, reply, NULL, &error);
  g_assert_no_error (error);
}

static void
run (CupelDriverConnection *connection,
     const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };

  execute (connection, compiled, NULL, &reply);
}

static void
run_in_transaction (CupelDriverConnection *connection,
                    const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

  execute_full (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (reply.began);
}

/* A second connection, to the database of the case. */
static CupelDriverConnection *
connect_again (void)
{
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *connection = connect_to (url, &error);

  g_assert_no_error (error);
  run (connection, "USE cupel_test_mysql");
  return connection;
}

static const CupelCell *
cell (const CupelReply *reply,
      guint             row,
      guint             column)
{
  for (guint i = 0; i < reply->blocks->len; i++)
    {
      CupelRowBlock *block = reply->blocks->pdata[i];

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

  for (guint i = 0; i < reply->blocks->len; i++)
    n += ((CupelRowBlock *) reply->blocks->pdata[i])->n_rows;
  return n;
}

static gint64
query_int64 (CupelDriverConnection *connection,
             const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0, };

  execute (connection, compiled, NULL, &reply);
  g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_INT64);
  return cell (&reply, 0, 0)->v.i64;
}

static GError *
fail (CupelDriverConnection *connection,
      const char            *sql,
      CupelRequestFlags      flags)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };
  GError *error = NULL;

  g_assert_false (execute_full (connection, compiled, NULL, flags, &reply, NULL, &error));
  g_assert_nonnull (error);
  return error;
}

static void
set_int64 (CupelCell *to,
           gint64     value)
{
  to->kind = CUPEL_CELL_INT64;
  to->v.i64 = value;
}

#define assert_status(connection, status) \
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_##status)

/* types */

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

      g_assert_cmpint (cell (&rows, 0, 0)->kind, ==, CUPEL_CELL_BOOLEAN);
      g_assert_cmpint (cell (&rows, 0, 0)->v.i64, ==, 1);
      g_assert_cmpint (cell (&rows, 0, 1)->v.i64, ==, G_MININT64);
      g_assert_cmpint (cell (&rows, 0, 2)->kind, ==, CUPEL_CELL_UINT64);
      g_assert_cmpuint (cell (&rows, 0, 2)->v.u64, ==, G_MAXUINT64);
      g_assert_cmpfloat (cell (&rows, 0, 3)->v.f64, ==, 0.1);
      g_assert_cmpint (cell (&rows, 0, 4)->kind, ==, CUPEL_CELL_TEXT);
      g_assert_cmpstr (cell (&rows, 0, 4)->v.text, ==, text);
      g_assert_cmpint (cell (&rows, 0, 5)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpmem (cell (&rows, 0, 5)->v.bytes, cell (&rows, 0, 5)->length, bytes, sizeof bytes);
      g_assert_cmpint (cell (&rows, 0, 6)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpstr (cell (&rows, 0, 6)->v.text, ==, decimal);
      g_assert_cmpint (cell (&rows, 0, 7)->kind, ==, CUPEL_CELL_DATE);
      g_assert_cmpint (cell (&rows, 0, 7)->v.i64, ==, -719162);
      g_assert_cmpint (cell (&rows, 0, 8)->kind, ==, CUPEL_CELL_TIME);
      g_assert_cmpint (cell (&rows, 0, 8)->v.i64, ==, G_GINT64_CONSTANT (86399999999));
      g_assert_cmpint (cell (&rows, 0, 9)->kind, ==, CUPEL_CELL_DATETIME);
      g_assert_cmpint (cell (&rows, 0, 9)->v.i64, ==, G_GINT64_CONSTANT (253402300799999999));
      g_assert_cmpint (cell (&rows, 0, 10)->kind, ==, CUPEL_CELL_TIMESTAMP);
      g_assert_cmpint (cell (&rows, 0, 10)->v.i64, ==, G_GINT64_CONSTANT (1709210096000001));
      g_assert_cmpint (cell (&rows, 0, 11)->kind, ==, CUPEL_CELL_UUID);
      g_assert_cmpmem (cell (&rows, 0, 11)->v.bytes, cell (&rows, 0, 11)->length, uuid, 16);
      g_assert_cmpint (cell (&rows, 0, 12)->kind, ==, CUPEL_CELL_JSON);
      g_assert_cmpstr (cell (&rows, 0, 12)->v.text, ==, "{\"a\": [1, null, \"\\\\\"]}");
      g_assert_cmpint (cell (&rows, 0, 13)->kind, ==, CUPEL_CELL_INT64);
      g_assert_cmpint (cell (&rows, 0, 13)->v.i64, ==, 0xabc);
      for (guint column = 0; column < 14; column++)
        g_assert_cmpint (cell (&rows, 1, column)->kind, ==, CUPEL_CELL_NULL);
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
  g_assert_cmpint (cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
  g_assert_cmpstr (cell (&reply, 0, 1)->v.text, ==, "-25:00:01");
  g_assert_cmpint (cell (&reply, 0, 2)->v.i64, ==, 0);
  g_assert_cmpint (cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_UINT64);
  g_assert_cmpint (cell (&reply, 0, 4)->kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpstr (cell (&reply, 0, 4)->v.text, ==, "1.50");
  g_assert_cmpfloat (cell (&reply, 0, 5)->v.f64, ==, 1e300);
  g_assert_cmpint (cell (&reply, 0, 6)->kind, ==, CUPEL_CELL_BYTES);
  g_assert_cmpint (cell (&reply, 0, 7)->kind, ==, CUPEL_CELL_TEXT);
  g_assert_cmpuint (cell (&reply, 0, 7)->length, ==, 0);
  g_assert_cmpint (cell (&reply, 0, 8)->kind, ==, CUPEL_CELL_DECIMAL);
  g_assert_cmpint (cell (&reply, 0, 9)->kind, ==, CUPEL_CELL_BYTES);   /* NUL is not text */
  g_assert_cmpuint (cell (&reply, 0, 9)->length, ==, 2);
  g_assert_cmpuint (cell (&reply, 0, 10)->v.u64, ==, G_GUINT64_CONSTANT (9223372036854775808));
  g_assert_nonnull (reply.column_names);
  g_assert_cmpuint (g_strv_length (reply.column_names), ==, 11);

  run (connection, "CREATE TABLE zeros (z DATETIME)");
  run (connection, "SET STATEMENT sql_mode='' FOR INSERT INTO zeros VALUES ('0000-00-00 00:00:00')");
  execute (connection, zero, NULL, &zeros);
  g_assert_cmpint (cell (&zeros, 0, 0)->kind, ==, CUPEL_CELL_OTHER);
  g_assert_cmpstr (cell (&zeros, 0, 0)->v.text, ==, "0000-00-00 00:00:00");
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
        g_assert_cmpuint (cell (&reply, 0, 0)->length, ==, lengths[i]);
        g_assert_cmpmem (cell (&reply, 0, 0)->v.text, cell (&reply, 0, 0)->length, text, lengths[i]);
        g_assert_cmpint (cell (&reply, 0, 1)->v.i64, ==, (gint64) lengths[i]);
      }
    cupel_driver_connection_terminate (fresh);
  }
}

/* errors */

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

/* transactions */

static void
test_transactions (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(GError) error = NULL;

  run (connection, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
  assert_status (connection, IDLE);

  run_in_transaction (connection, "INSERT INTO t VALUES (1)");
  assert_status (connection, ACTIVE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 0);
  cupel_driver_connection_rollback (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM t"), ==, 0);

  run_in_transaction (connection, "INSERT INTO t VALUES (2)");
  run (connection, "INSERT INTO t VALUES (3)");
  cupel_driver_connection_commit (connection, NULL, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 2);

  /* outside of one, a statement stands by itself */
  run (connection, "INSERT INTO t VALUES (4)");
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 3);

  /* an error leaves the transaction open */
  run_in_transaction (connection, "INSERT INTO t VALUES (5)");
  g_error_free (fail (connection, "INSERT INTO t VALUES (5)", CUPEL_REQUEST_BEGIN));
  assert_status (connection, ACTIVE);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 3);

  /* one that the user opened by hand is seen too */
  run (connection, "START TRANSACTION");
  assert_status (connection, ACTIVE);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);

  /* AUTOCOMMIT: to begin does nothing */
  cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error);
  g_assert_no_error (error);
  {
    g_autoptr(CupelCompiled) compiled = compile ("INSERT INTO t VALUES (6)", -1);
    g_auto(CupelReply) reply = { 0, };

    execute_full (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
    g_assert_no_error (error);
    g_assert_false (reply.began);
  }
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 4);

  cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (query_int64 (connection, "SELECT @@tx_isolation = 'SERIALIZABLE'"), ==, 1);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpint (query_int64 (connection, "SELECT @@tx_isolation = @@global.tx_isolation"), ==, 1);

  cupel_driver_connection_close (other, g_get_monotonic_time () + SECOND);
}

typedef struct
{
  CupelDriverConnection *connection;
  GError                *error;
} Rival;

static gboolean
rival_run (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Rival *rival = data;
  g_autoptr(CupelCompiled) compiled = compile ("UPDATE dl SET v = v + 1 WHERE id = 1", -1);
  g_auto(CupelReply) reply = { 0, };

  execute_full (rival->connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &rival->error);
  return TRUE;
}

static void
test_deadlock (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(CupelCompiled) update = compile ("UPDATE dl SET v = v + 1 WHERE id = 2", -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) join_error = NULL;
  Rival rival = { other, NULL };
  CupelDriverConnection *victim;

  run (connection, "CREATE TABLE dl (id INT PRIMARY KEY, v INT) ENGINE=InnoDB");
  run (connection, "INSERT INTO dl VALUES (1, 0), (2, 0)");
  run_in_transaction (connection, "UPDATE dl SET v = v + 1 WHERE id = 1");
  run_in_transaction (other, "UPDATE dl SET v = v + 1 WHERE id = 2");

  cupel_task_group_spawn (group, rival_run, &rival, NULL);
  g_assert_true (cupel_fiber_sleep (100 * 1000, NULL, NULL));
  execute_full (connection, update, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  cupel_task_group_join (group, &join_error);
  g_assert_no_error (join_error);
  cupel_task_group_free (group);

  /* one of the two */
  g_assert_true ((error == NULL) != (rival.error == NULL));
  victim = error != NULL ? connection : other;
  if (error == NULL)
    error = g_steal_pointer (&rival.error);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DEADLOCK);
  g_assert_true (cupel_error_is_retryable (error));

  /* nothing may run as if the transaction were still there */
  assert_status (victim, FAILED);
  {
    g_autoptr(GError) pending = fail (victim, "UPDATE dl SET v = 100", CUPEL_REQUEST_NONE);
    g_autoptr(GError) commit = NULL;

    g_assert_error (pending, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
    g_assert_false (cupel_driver_connection_commit (victim, NULL, &commit));
    g_assert_error (commit, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  }
  g_assert_true (cupel_driver_connection_rollback (victim, g_get_monotonic_time () + SECOND, NULL));
  assert_status (victim, IDLE);
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + SECOND, NULL));
  g_assert_true (cupel_driver_connection_rollback (other, g_get_monotonic_time () + SECOND, NULL));
  g_clear_error (&rival.error);
  cupel_driver_connection_terminate (other);
}

/* prepared statements */

static gint64
prepared_count (CupelDriverConnection *connection)
{
  return query_int64 (connection, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                  "WHERE variable_name = 'Com_stmt_prepare'");
}

static void
test_prepared (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) select = compile ("SELECT :a + 1", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  CupelCell *c = cupel_row_block_add_row (set);
  gint64 before = prepared_count (connection);

  if (cupel_url_get_option (url, "statement_cache_size") != NULL)
    {
      g_test_skip ("the URL says how many statements are kept");
      return;
    }

  for (gint64 i = 0; i < 20; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      set_int64 (c, i);
      execute (connection, select, set, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, i + 1);
    }
  /* this one, and the question itself */
  g_assert_cmpint (prepared_count (connection), ==, before + 2);

  /* more than the cache holds: each still works, and the server keeps no more than that */
  for (gint64 i = 0; i < 300; i++)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT :a + %d", (int) i);
      g_autoptr(CupelCompiled) other = compile (sql, CUPEL_SQL_INT64, -1);
      g_auto(CupelReply) reply = { 0, };

      set_int64 (c, 1);
      execute (connection, other, set, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, i + 1);
    }
  g_assert_cmpint (query_int64 (connection, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                            "WHERE variable_name = 'Com_stmt_prepare'") -
                   query_int64 (connection, "SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status "
                                            "WHERE variable_name = 'Com_stmt_close'"), <=, 129);
}

/* PREPARE and EXECUTE travel together: when the first fails, the second must not do anything. */
static void
test_prepare_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO pf VALUES (:a)", -1);
  g_autoptr(CupelCompiled) again = compile ("INSERT INTO pf VALUES (:a + 1)", -1);
  g_autoptr(CupelCompiled) wrong = compile ("INSERT INTO nowhere VALUES (:a)", -1);
  g_autoptr(CupelCompiled) right = compile ("SELECT :a", CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;
  g_autofree char *limit = NULL;

  if (cupel_url_get_option (url, "statement_cache_size") != NULL)
    {
      g_test_skip ("the URL says how many statements are kept");
      return;
    }

  set_int64 (cupel_row_block_add_row (set), 1);
  run (connection, "CREATE TABLE pf (a INT)");
  execute (connection, insert, set, &reply);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM pf"), ==, 1);

  g_assert_false (execute_full (connection, wrong, set, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_cmpint (cupel_error_get_native_code (error), ==, 1146);
  g_clear_error (&error);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM pf"), ==, 1);

  /* It concerns the whole server, so: only with -m thorough. */
  if (!g_test_thorough ())
    {
      cupel_driver_connection_terminate (other);
      return;
    }

  /* the server is full, and what it prepared last would have an effect */
  execute (connection, again, set, &reply);
  limit = g_strdup_printf ("SET GLOBAL max_prepared_stmt_count = %d",
                           (int) query_int64 (other, "SELECT @@global.max_prepared_stmt_count"));
  run (other, "SET GLOBAL max_prepared_stmt_count = 1");
  g_assert_false (execute_full (connection, right, set, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_cmpint (cupel_error_get_native_code (error), ==, 1461);
  {
    g_autoptr(CupelCompiled) restore = compile (limit, -1);
    g_auto(CupelReply) none = { 0, };

    execute_full (other, restore, NULL, CUPEL_REQUEST_NO_PREPARE, &none, NULL, NULL);
  }
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM pf"), ==, 2);
  execute (connection, right, set, &reply);
  cupel_driver_connection_terminate (other);
}

static void
test_stale (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) select = compile ("SELECT * FROM st", -1);

  run (connection, "CREATE TABLE st (a INT)");
  run (connection, "INSERT INTO st VALUES (1)");
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      execute (connection, select, NULL, &reply);
      g_assert_cmpuint (reply.n_columns, ==, i + 1);
      g_assert_cmpuint (count_rows (&reply), ==, 1);
      if (i == 0)
        run (connection, "ALTER TABLE st ADD COLUMN b VARCHAR(10) DEFAULT 'x'");
      else if (i == 1)
        run (connection, "ALTER TABLE st ADD COLUMN c DATETIME(6)");
    }
}

/* many */

static CupelCompiled *
compile_insert (const char *returning)
{
  g_autoptr(CupelTable) table = cupel_table_new ("many");
  g_autoptr(CupelInsert) insert = NULL;
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *a = cupel_column_new ("a", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *s = cupel_column_new ("s", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));

  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (table, id);
  cupel_table_add_column (table, a);
  cupel_table_add_column (table, s);
  insert = cupel_insert_new (table);
  cupel_insert_add_column (insert, a);
  cupel_insert_add_column (insert, s);
  if (returning != NULL)
    {
      cupel_insert_returning (insert, cupel_table_c (table, "id"));
      cupel_insert_returning (insert, cupel_table_c (table, returning));
    }
  return compile_statement (CUPEL_STATEMENT (insert));
}

static CupelRowBlock *
make_sets (guint n)
{
  CupelRowBlock *sets = cupel_row_block_new (2, n);

  for (guint i = 0; i < n; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);
      char text[32];

      set_int64 (&c[0], (gint64) i * 3);
      g_snprintf (text, sizeof text, "text %u", i);
      if (i % 7 != 0)
        cupel_row_block_set_text (sets, &c[1], CUPEL_CELL_TEXT, text, -1);
    }
  return sets;
}

static void
test_many_insert (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) returning = compile_insert ("a");
  g_autoptr(CupelCompiled) plain = compile_insert (NULL);
  g_autoptr(CupelRowBlock) sets = make_sets (5000);
  g_autoptr(CupelRowBlock) few = make_sets (3);
  g_auto(CupelReply) reply = { 0, };
  g_auto(CupelReply) bulk = { 0, };
  gint64 last = 0;

  run (connection, "CREATE TABLE many (id BIGINT AUTO_INCREMENT PRIMARY KEY, a BIGINT, s VARCHAR(50)) "
                   "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");

  execute (connection, returning, sets, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 5000);
  g_assert_cmpint (reply.row_count, ==, 5000);
  for (guint i = 0; i < 5000; i++)
    {
      g_assert_cmpint (cell (&reply, i, 1)->v.i64, ==, (gint64) i * 3);
      g_assert_cmpint (cell (&reply, i, 0)->v.i64, >, last);
      last = cell (&reply, i, 0)->v.i64;
    }
  cupel_reply_clear (&reply);

  execute (connection, returning, few, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 3);
  assert_status (connection, IDLE);

  execute (connection, plain, sets, &bulk);
  g_assert_null (bulk.blocks);
  g_assert_cmpint (bulk.row_count, ==, 5000);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM many"), ==, 10003);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM many WHERE s IS NULL"), ==, 715 + 715 + 1);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM many WHERE s = concat('text ', a DIV 3)"), ==, 4285 * 2 + 2);
}

static void
test_many_update (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) update = compile ("UPDATE mu SET v = :v WHERE id = :id", -1);
  g_autoptr(CupelCompiled) remove = compile ("DELETE FROM mu WHERE id = :id", -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 1000);
  g_autoptr(CupelRowBlock) ids = cupel_row_block_new (1, 500);
  g_auto(CupelReply) reply = { 0, };
  int v = cupel_compiled_find_bind (update, "v");
  int id = cupel_compiled_find_bind (update, "id");

  run (connection, "CREATE TABLE mu (id BIGINT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB");
  run (connection, "INSERT INTO mu SELECT seq, 'same' FROM seq_1_to_1000");

  /* "matched" counts, not "changed": half of them change nothing, and ten are not there */
  for (guint i = 1; i <= 1010; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);

      cupel_row_block_set_text (sets, &c[v], CUPEL_CELL_TEXT, i % 2 == 0 ? "same" : "new", -1);
      set_int64 (&c[id], i);
    }
  execute (connection, update, sets, &reply);
  g_assert_cmpint (reply.row_count, ==, 1000);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM mu WHERE v = 'new'"), ==, 500);
  cupel_reply_clear (&reply);

  for (guint i = 1; i <= 500; i++)
    set_int64 (cupel_row_block_add_row (ids), i);
  execute (connection, remove, ids, &reply);
  g_assert_cmpint (reply.row_count, ==, 500);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM mu"), ==, 500);
}

/* All sets or none, without a transaction of the caller's too; columns of more than one type. */
static void
test_many_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO mf (id, v) VALUES (:id, :v)", -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 100);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

  run (connection, "CREATE TABLE mf (id BIGINT PRIMARY KEY, v DECIMAL(10,2)) ENGINE=InnoDB");
  for (guint i = 0; i < 100; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);

      set_int64 (&c[0], i == 90 ? 5 : i);
      if (i % 2 == 0)
        set_int64 (&c[1], 1);
      else
        {
          c[1].kind = CUPEL_CELL_DOUBLE;
          c[1].v.f64 = 1.5;
        }
    }
  g_assert_false (execute_full (connection, insert, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM mf"), ==, 0);
  assert_status (connection, IDLE);

  set_int64 ((CupelCell *) cupel_row_block_get_row (sets, 90), 90);
  execute (connection, insert, sets, &reply);
  g_assert_cmpint (reply.row_count, ==, 100);
  g_assert_cmpint (query_int64 (connection, "SELECT CAST(sum(v) AS SIGNED) FROM mf"), ==, 125);
}

/* streams */

static CupelDriverCursor *
open_stream (CupelDriverConnection *connection,
             CupelCompiled         *compiled,
             CupelReply            *reply)
{
  CupelRequest request = { .compiled = compiled, .flags = CUPEL_REQUEST_STREAM, .block_rows = 100 };
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_execute (connection, &request, reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply->cursor);
  return reply->cursor;
}

static void
read_stream (CupelDriverCursor *cursor,
             gint64             from,
             gint64             to)
{
  g_autoptr(GError) error = NULL;
  CupelRowBlock *block;
  gint64 next = from;

  while (next <= to && (block = cupel_driver_cursor_fetch (cursor, NULL, &error)) != NULL)
    {
      g_assert_cmpuint (block->n_rows, <=, 100);
      for (guint i = 0; i < block->n_rows; i++)
        g_assert_cmpint (cupel_row_block_get_row (block, i)->v.i64, ==, next++);
      cupel_row_block_unref (block);
    }
  g_assert_no_error (error);
  g_assert_cmpint (next, ==, to + 1);
}

static void
test_streams (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) numbers = compile ("SELECT seq FROM seq_1_to_10000", CUPEL_SQL_INT64, -1);
  g_autoptr(GError) error = NULL;

  {
    g_auto(CupelReply) reply = { 0, };
    CupelDriverCursor *cursor = open_stream (connection, numbers, &reply);

    read_stream (cursor, 1, 10000);
    g_assert_null (cupel_driver_cursor_fetch (cursor, NULL, &error));
    g_assert_no_error (error);
    g_assert_true (cupel_driver_cursor_close (cursor, g_get_monotonic_time () + SECOND, NULL));
  }

  /* others while it is open: what is left of it goes into memory, the same statement among them */
  {
    g_auto(CupelReply) outer = { 0, };
    g_auto(CupelReply) inner = { 0, };

    open_stream (connection, numbers, &outer);
    read_stream (outer.cursor, 1, 200);
    g_assert_cmpint (query_int64 (connection, "SELECT 42"), ==, 42);
    open_stream (connection, numbers, &inner);
    read_stream (inner.cursor, 1, 300);
    read_stream (outer.cursor, 201, 5000);
    read_stream (inner.cursor, 301, 10000);
    read_stream (outer.cursor, 5001, 10000);
    g_assert_null (cupel_driver_cursor_fetch (outer.cursor, NULL, &error));
    g_assert_no_error (error);
    g_assert_true (cupel_driver_cursor_close (outer.cursor, g_get_monotonic_time () + SECOND, NULL));
    g_assert_true (cupel_driver_cursor_close (inner.cursor, g_get_monotonic_time () + SECOND, NULL));
  }
  assert_status (connection, IDLE);
}

static void
test_stream_early_close (CupelDriverConnection *connection)
{
  /* hours of rows */
  g_autoptr(CupelCompiled) endless = compile ("SELECT a.seq, repeat('x', 200) FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
                                              CUPEL_SQL_INT64, -1);
  g_autoptr(CupelCompiled) few = compile ("SELECT seq FROM seq_1_to_500", CUPEL_SQL_INT64, -1);

  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(CupelRowBlock) block = NULL;
      g_autoptr(GError) error = NULL;
      gint64 start;

      open_stream (connection, i == 2 ? few : endless, &reply);
      assert_status (connection, ACTIVE);
      block = cupel_driver_cursor_fetch (reply.cursor, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (block->n_rows, ==, 100);

      start = g_get_monotonic_time ();
      cupel_driver_cursor_close (reply.cursor, g_get_monotonic_time () + 2 * SECOND, &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 1500 * 1000);
      assert_status (connection, IDLE);
      g_assert_cmpint (query_int64 (connection, "SELECT 1"), ==, 1);
    }

  /* ended by its transaction */
  {
    g_auto(CupelReply) reply = { 0, };
    g_autoptr(GError) error = NULL;

    open_stream (connection, endless, &reply);
    cupel_driver_connection_rollback (connection, g_get_monotonic_time () + 2 * SECOND, &error);
    g_assert_no_error (error);
    assert_status (connection, IDLE);
    g_assert_null (cupel_driver_cursor_fetch (reply.cursor, NULL, &error));
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  }

  /* dropped without being closed */
  {
    g_auto(CupelReply) reply = { 0, };

    open_stream (connection, endless, &reply);
  }
  assert_status (connection, ACTIVE);
  g_assert_cmpint (query_int64 (connection, "SELECT 7"), ==, 7);
  assert_status (connection, IDLE);
}

/* interruption */

static gboolean
cancel_later (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  if (!cupel_fiber_sleep (200 * 1000, NULL, error))
    return FALSE;
  g_cancellable_cancel (data);
  return TRUE;
}

static void
test_cancel (CupelDriverConnection *connection)
{
  static const char *const statements[] = {
    "SELECT sleep(60)",
    "DO sleep(60)",
    "SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
  };

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile (statements[i], -1);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      CupelTaskGroup *group = cupel_task_group_new (NULL);
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) join_error = NULL;
      gint64 start = g_get_monotonic_time ();

      cupel_task_group_spawn (group, cancel_later, cancellable, NULL);
      g_assert_false (execute_full (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 1500 * 1000);
      cupel_task_group_join (group, &join_error);
      g_assert_no_error (join_error);
      cupel_task_group_free (group);

      /* proved clean again, and what follows is not hit */
      assert_status (connection, IDLE);
      for (gint64 n = 0; n < 20; n++)
        {
          g_autofree char *sql = g_strdup_printf ("SELECT %d", (int) n);

          g_assert_cmpint (query_int64 (connection, sql), ==, n);
        }
    }
}

static void
test_kill_connection (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) victim = connect_again ();
  g_autofree char *sql = g_strdup_printf ("KILL CONNECTION %d", (int) query_int64 (victim, "SELECT connection_id()"));
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_is_alive (victim));
  run (connection, sql);
  g_assert_true (cupel_fiber_sleep (100 * 1000, NULL, NULL));
  g_assert_false (cupel_driver_connection_is_alive (victim));
  error = fail (victim, "SELECT 1", CUPEL_REQUEST_NONE);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_true (cupel_error_is_disconnect (error));
  assert_status (victim, UNKNOWN);
  cupel_driver_connection_terminate (victim);
  cupel_driver_connection_terminate (victim);
}

static gboolean
terminate_later (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  if (!cupel_fiber_sleep (100 * 1000, NULL, error))
    return FALSE;
  cupel_driver_connection_terminate (data);
  return TRUE;
}

static void
test_terminate (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) victim = connect_again ();
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) join_error = NULL;

  cupel_task_group_spawn (group, terminate_later, victim, NULL);
  error = fail (victim, "SELECT sleep(60)", CUPEL_REQUEST_NONE);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  cupel_task_group_join (group, &join_error);
  g_assert_no_error (join_error);
  cupel_task_group_free (group);
  assert_status (victim, UNKNOWN);

  /* with a stream open */
  {
    g_autoptr(CupelDriverConnection) other = connect_again ();
    g_autoptr(CupelCompiled) numbers = compile ("SELECT seq FROM seq_1_to_100000", CUPEL_SQL_INT64, -1);
    g_auto(CupelReply) reply = { 0, };
    g_autoptr(GError) lost = NULL;

    open_stream (other, numbers, &reply);
    cupel_driver_connection_terminate (other);
    g_assert_null (cupel_driver_cursor_fetch (reply.cursor, NULL, &lost));
    g_assert_error (lost, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  }
}

static void
test_busy (CupelDriverConnection *connection)
{
  Rival rival = { connection, NULL };
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(GError) join_error = NULL;

  run (connection, "DROP TABLE IF EXISTS dl");
  cupel_task_group_spawn (group, rival_run, &rival, NULL);
  g_assert_cmpint (query_int64 (connection, "SELECT sleep(0.2)"), ==, 0);
  cupel_task_group_join (group, &join_error);
  cupel_task_group_free (group);
  g_assert_error (rival.error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (&rival.error);
}

/* connecting */

static void
expect_no_connection (const char *text,
                      int         code)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) of = cupel_url_new (text, &error);
  g_autoptr(CupelDriverConnection) connection = NULL;

  g_assert_no_error (error);
  connection = connect_to (of, &error);
  g_assert_null (connection);
  g_test_message ("%s: %s", text, error->message);
  g_assert_error (error, CUPEL_ERROR, code);
  g_assert_null (strstr (error->message, "wrong-secret"));
}

static void
test_connect_errors (CupelDriverConnection *connection)
{
  g_autofree char *text = cupel_url_to_string (url);
  const char *question = strchr (text, '?');
  const char *host = cupel_url_get_host (url);
  g_autofree char *wrong = g_strdup_printf ("mysql://nobody:wrong-secret@%s:%d/nowhere%s", host != NULL ? host : "localhost",
                                            cupel_url_get_port (url) > 0 ? cupel_url_get_port (url) : 3306,
                                            question != NULL ? question : "");

  expect_no_connection ("mysql://nobody:wrong-secret@127.0.0.1:1/x?connect_timeout=2", CUPEL_ERROR_CONNECTION);
  expect_no_connection ("mysql://nobody:wrong-secret@/x?unix_socket=/nonexistent.sock", CUPEL_ERROR_CONNECTION);
  expect_no_connection ("mysql://nobody:wrong-secret@does-not-exist.invalid/x?sslmode=disable", CUPEL_ERROR_CONNECTION);
  /* a socket's path may be the host */
  if (host == NULL || *host != '/')
    expect_no_connection (wrong, CUPEL_ERROR_AUTHENTICATION);
}

static void
test_connect_cancel (CupelDriverConnection *connection)
{
  g_autoptr(CupelUrl) of = cupel_url_new ("mysql://nobody@192.0.2.1/x?sslmode=disable", NULL);
  g_autoptr(CupelDriver) driver = driver_for (of);
  g_autoptr(GError) error = NULL;
  gint64 start = g_get_monotonic_time ();

  g_assert_null (cupel_driver_connect (driver, of, NULL, start + 300 * 1000, NULL, &error));
  g_assert_nonnull (error);
  g_assert_cmpint (g_get_monotonic_time () - start, <, SECOND);
}

static void
test_close (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM information_schema.processlist WHERE id = %d",
                                          (int) query_int64 (other, "SELECT connection_id()"));

  g_assert_cmpint (query_int64 (connection, sql), ==, 1);
  cupel_driver_connection_close (other, g_get_monotonic_time () + SECOND);
  assert_status (other, UNKNOWN);
  for (guint i = 0; i < 50 && query_int64 (connection, sql) != 0; i++)
    g_assert_true (cupel_fiber_sleep (20 * 1000, NULL, NULL));
  g_assert_cmpint (query_int64 (connection, sql), ==, 0);
  g_assert_true (cupel_driver_connection_ping (connection, g_get_monotonic_time () + SECOND, NULL));
}

/* the loop goes on while many rows come */

typedef struct
{
  gint64 last;
  gint64 worst;
} Watchdog;

static gboolean
watchdog_tick (gpointer data)
{
  Watchdog *watchdog = data;
  gint64 now = g_get_monotonic_time ();

  if (watchdog->last != 0)
    watchdog->worst = MAX (watchdog->worst, now - watchdog->last);
  watchdog->last = now;
  return G_SOURCE_CONTINUE;
}

static void
test_latency (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) many = compile ("SELECT seq, repeat('x', 50) FROM seq_1_to_300000", CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GSource) source = g_timeout_source_new (1);
  Watchdog watchdog = { 0, };

  g_source_set_callback (source, watchdog_tick, &watchdog, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  execute (connection, many, NULL, &reply);
  g_source_destroy (source);
  g_assert_cmpuint (count_rows (&reply), ==, 300000);
  g_test_message ("longest pause of the loop: %" G_GINT64_FORMAT " us", watchdog.worst);
  /* a slice is 2 ms; the rest is for a machine that is shared */
  g_assert_cmpint (watchdog.last, !=, 0);
  g_assert_cmpint (watchdog.worst, <, 250 * 1000);
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
  g_assert_true (capabilities & CUPEL_CAP_INSERT_MANY_RETURNING);
  g_assert_false (capabilities & CUPEL_CAP_TRANSACTIONAL_DDL);

  run (connection, "CREATE TABLE d_one (a INT)");
  run (connection, "CREATE TABLE `d two's` (a INT)");
  execute (connection, compiled, NULL, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 2);
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
  cupel_insert_returning (insert, cupel_table_c (table, "id"));
  cupel_insert_returning (insert, cupel_table_c (table, "at"));
  cupel_insert_returning (insert, cupel_table_c (table, "d"));
  dml = compile_statement (CUPEL_STATEMENT (insert));
  g_test_message ("%s", dml->sql);
  execute (connection, dml, NULL, &reply);
  g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, 1);
  g_assert_cmpint (cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_DATETIME);
  g_assert_cmpint (ABS (cell (&reply, 0, 1)->v.i64 - g_get_real_time ()), <, 60 * SECOND);
  g_assert_cmpstr (cell (&reply, 0, 2)->v.text, ==, "it's a \\ \xf0\x9f\x98\x80");
}

static const Case cases[] = {
  { "types", test_types },
  { "odd-values", test_odd_values },
  { "lengths", test_lengths },
  { "errors", test_errors },
  { "transactions", test_transactions },
  { "deadlock", test_deadlock },
  { "prepared", test_prepared },
  { "prepare-fails", test_prepare_fails },
  { "stale", test_stale },
  { "many/insert", test_many_insert },
  { "many/update", test_many_update },
  { "many/fails", test_many_fails },
  { "stream/blocks", test_streams },
  { "stream/early-close", test_stream_early_close },
  { "cancel", test_cancel },
  { "kill-connection", test_kill_connection },
  { "terminate", test_terminate },
  { "busy", test_busy },
  { "connect/errors", test_connect_errors },
  { "connect/deadline", test_connect_cancel },
  { "close", test_close },
  { "latency", test_latency },
  { "dialect", test_dialect },
  { "create-table", test_create_table },
};

/* Each case has a database of its own, and leaves nothing. */
static gboolean
case_run (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  const Case *test = data;
  g_autoptr(CupelDriverConnection) connection = connect_to (url, error);

  if (connection == NULL)
    return FALSE;

  run (connection, "SET SESSION lock_wait_timeout=20");
  run (connection, "DROP DATABASE IF EXISTS cupel_test_mysql");
  run (connection, "CREATE DATABASE cupel_test_mysql DEFAULT CHARSET utf8mb4");
  run (connection, "USE cupel_test_mysql");
  test->func (connection);
  if (cupel_driver_connection_get_status (connection) != CUPEL_TRANSACTION_IDLE &&
      !cupel_driver_connection_reset (connection, g_get_monotonic_time () + 2 * SECOND, error))
    return FALSE;
  run (connection, "DROP DATABASE cupel_test_mysql");
  cupel_driver_connection_close (connection, g_get_monotonic_time () + SECOND);
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  if (url == NULL)
    {
      g_test_skip ("CUPEL_TEST_MYSQL_URL is not set");
      return;
    }
  cupel_run (case_run, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

/* without a server */

static void
test_configure (void)
{
  static const char *const bad[] = {
    "mysql://u:p@host/db?no_such_option=1",
    "mysql://u:p@host/db?statement_cache_size=many",
    "mysql://u:p@host/db?sslmode=perhaps",
    "mysql://u:p@host%3Bplugin-dir%3D%2Ftmp/db",
    "mysql://u:p@a%2Cb/db",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr(CupelDriver) driver = cupel_dialect_create_driver (dialect);
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelUrl) of = cupel_url_new (bad[i], &error);

      if (of != NULL)
        g_assert_false (cupel_driver_configure (driver, of, &error));
      g_test_message ("%s: %s", bad[i], error->message);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
    }
}

static void
test_other_name (void)
{
  g_autoptr(GError) error = NULL;
  GType mysql = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mysql", CUPEL_TYPE_DIALECT, &error);
  GType mariadb = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mariadb", CUPEL_TYPE_DIALECT, &error);

  g_assert_no_error (error);
  g_assert_true (mysql == mariadb);
  g_assert_true (g_type_is_a (mysql, CUPEL_TYPE_DIALECT));
}

int
main (int    argc,
      char **argv)
{
  const char *text = g_getenv ("CUPEL_TEST_MYSQL_URL");
  g_autoptr(GError) error = NULL;
  GType type;
  int result;

  g_test_init (&argc, &argv, NULL);

  type = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "mysql", CUPEL_TYPE_DIALECT, &error);
  g_assert_no_error (error);
  dialect = g_object_new (type, NULL);
  compiler = cupel_dialect_create_compiler (dialect);
  if (text != NULL)
    {
      url = cupel_url_new (text, &error);
      g_assert_no_error (error);
    }

  g_test_add_func ("/engine/mysql/configure", test_configure);
  g_test_add_func ("/engine/mysql/other-name", test_other_name);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/mysql/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }

  result = g_test_run ();
  g_clear_pointer (&url, cupel_url_unref);
  g_clear_object (&compiler);
  g_clear_object (&dialect);
  return result;
}
