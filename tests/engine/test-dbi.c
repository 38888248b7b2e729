/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The driver for libdbi, under each dialect: what goes through it comes back as it was, or there is an error. */

#include <cupel-dialect.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

typedef struct
{
  const char *name;
  void      (*func) (void);
} Case;

typedef struct
{
  const Case *test;
  const char *url;
} Run;

/* Of the case that runs. */
static const char *url_text;
static CupelDialect *dialect;
static CupelDriver *driver;
static CupelCompiler *compiler;
static CupelDriverConnection *connection;

static gboolean
is_dialect (const char *name)
{
  return strcmp (cupel_dialect_get_name (dialect), name) == 0;
}

static gint64
soon (void)
{
  return g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
}

static CupelDriverConnection *
connect_with (CupelDriver  *with,
              const char   *text,
              GError      **error)
{
  g_autoptr(CupelUrl) url = cupel_url_new (text, error);

  if (url == NULL || !cupel_driver_configure (with, url, error))
    return NULL;
  return cupel_driver_connect (with, url, NULL, soon (), NULL, error);
}

/* @...: the types of the first columns, up to -1 */
static CupelCompiled *
compile (const char *sql,
         ...)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled;
  va_list arguments;
  int kind;

  va_start (arguments, sql);
  while ((kind = va_arg (arguments, int)) >= 0)
    cupel_text_add_result_type (text, cupel_sql_type_new (kind));
  va_end (arguments);
  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
  g_assert_no_error (error);
  return compiled;
}

/* @statement: (transfer full) */
static CupelCompiled *
compile_statement (gpointer statement)
{
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled = cupel_compiler_compile (compiler, statement, &error);

  g_assert_no_error (error);
  g_object_unref (statement);
  return compiled;
}

static gboolean
try_execute (CupelDriverConnection  *on,
             CupelCompiled          *compiled,
             CupelRowBlock          *sets,
             CupelReply             *reply,
             GError                **error)
{
  CupelRequest request = { .compiled = compiled, .sets = sets, .n_sets = sets != NULL ? sets->n_rows : 0 };

  return cupel_driver_connection_execute (on, &request, reply, NULL, error);
}

static void
execute (CupelDriverConnection *on,
         CupelCompiled         *compiled,
         CupelRowBlock         *sets,
         CupelReply            *reply)
{
  g_autoptr(GError) error = NULL;

  try_execute (on, compiled, sets, reply, &error);
  g_assert_no_error (error);
}

static void
run (const char *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0 };

  execute (connection, compiled, NULL, &reply);
}

static GError *
fail (const char *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0 };
  GError *error = NULL;

  g_assert_false (try_execute (connection, compiled, NULL, &reply, &error));
  g_assert_nonnull (error);
  return error;
}

static guint
count_rows (const CupelReply *reply)
{
  guint n = 0;

  for (guint i = 0; reply->blocks != NULL && i < reply->blocks->len; i++)
    n += ((CupelRowBlock *) reply->blocks->pdata[i])->n_rows;
  return n;
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

static gint64
query_int64 (const char *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0 };

  execute (connection, compiled, NULL, &reply);
  g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_INT64);
  return cell (&reply, 0, 0)->v.i64;
}

static void
assert_cell (const CupelCell *found,
             const CupelCell *expected)
{
  g_autofree char *a = cupel_cell_to_string (found);
  g_autofree char *b = cupel_cell_to_string (expected);

  g_assert_cmpstr (a, ==, b);
  g_assert_cmpint (found->kind, ==, expected->kind);
  g_assert_true (cupel_cell_equal (found, expected));
}

/* A table of one column, and what is written to it and read from it. */

static CupelTable *
make_table (const char   *name,
            CupelSqlType *type)
{
  CupelTable *table = cupel_table_new (name);
  g_autofree char *drop = g_strdup_printf ("DROP TABLE IF EXISTS %s", name);
  g_autoptr(CupelCompiled) create = NULL;
  g_auto(CupelReply) reply = { 0 };
  CupelColumn *column;

  column = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_column_set_primary_key (column, TRUE);
  cupel_column_set_autoincrement (column, FALSE);
  cupel_table_add_column (table, column);
  cupel_table_add_column (table, cupel_column_new ("v", type));
  run (drop);
  create = compile_statement (cupel_create_table_new (table));
  execute (connection, create, NULL, &reply);
  return table;
}

static CupelCompiled *
compile_insert (CupelTable *table)
{
  CupelInsert *insert = cupel_insert_new (table);

  cupel_insert_add_column (insert, cupel_table_get_column (table, "id"));
  cupel_insert_add_column (insert, cupel_table_get_column (table, "v"));
  return compile_statement (insert);
}

static CupelCompiled *
compile_select (CupelTable *table)
{
  CupelSelect *select = cupel_select_new ();

  cupel_select_add_column (select, cupel_table_c (table, "v"));
  cupel_select_order_by (select, cupel_table_c (table, "id"));
  return compile_statement (select);
}

static CupelRowBlock *
one_set (gint64           id,
         const CupelCell *value)
{
  CupelRowBlock *set = cupel_row_block_new (2, 1);
  CupelCell *cells = cupel_row_block_add_row (set);

  cells[0].kind = CUPEL_CELL_INT64;
  cells[0].v.i64 = id;
  g_assert_true (cupel_row_block_copy_cell (set, &cells[1], value));
  return set;
}

/* Types. */

typedef struct
{
  CupelSqlKind kind;
  CupelCell    cell;
  const char  *refused_by;   /* dialects that cannot, or must not, take this value: an error comes, never another value */
} Value;

#define I64(kind_, number)   { .kind = (kind_), .v.i64 = (number) }
#define F64(number)          { .kind = CUPEL_CELL_DOUBLE, .v.f64 = (number) }
#define STR(kind_, text_)    { .kind = (kind_), .length = sizeof (text_) - 1, .v.text = (text_) }
#define DAY                  (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

static const Value values[] = {
  { CUPEL_SQL_BOOLEAN, I64 (CUPEL_CELL_BOOLEAN, 0), NULL },
  { CUPEL_SQL_BOOLEAN, I64 (CUPEL_CELL_BOOLEAN, 1), NULL },
  { CUPEL_SQL_INT16, I64 (CUPEL_CELL_INT64, G_MININT16), NULL },
  { CUPEL_SQL_INT16, I64 (CUPEL_CELL_INT64, G_MAXINT16), NULL },
  { CUPEL_SQL_INT32, I64 (CUPEL_CELL_INT64, G_MININT32), NULL },
  { CUPEL_SQL_INT32, I64 (CUPEL_CELL_INT64, G_MAXINT32), NULL },
  { CUPEL_SQL_INT64, I64 (CUPEL_CELL_INT64, G_MININT64), NULL },
  { CUPEL_SQL_INT64, I64 (CUPEL_CELL_INT64, G_MAXINT64), NULL },
  { CUPEL_SQL_INT64, I64 (CUPEL_CELL_INT64, G_GINT64_CONSTANT (9007199254740993)), NULL },
  { CUPEL_SQL_INT64, I64 (CUPEL_CELL_INT64, -1), NULL },
  { CUPEL_SQL_INT64, { .kind = CUPEL_CELL_UINT64, .v.u64 = G_GUINT64_CONSTANT (9223372036854775808) }, "postgresql mysql sqlite" },
  { CUPEL_SQL_INT64, { .kind = CUPEL_CELL_UINT64, .v.u64 = G_MAXUINT64 }, "postgresql mysql sqlite" },
  { CUPEL_SQL_FLOAT, F64 (0.5), "mysql" },
  { CUPEL_SQL_FLOAT, F64 ((double) 0.1f), "mysql" },
  { CUPEL_SQL_FLOAT, F64 ((double) 16777217.0f), "mysql" },
  { CUPEL_SQL_DOUBLE, F64 (0.1), NULL },
  { CUPEL_SQL_DOUBLE, F64 (0.1 + 0.2), NULL },
  { CUPEL_SQL_DOUBLE, F64 (1e300), NULL },
  { CUPEL_SQL_DOUBLE, F64 (-1.7976931348623157e308), NULL },
  { CUPEL_SQL_DOUBLE, F64 (2.2250738585072014e-308), NULL },
  { CUPEL_SQL_DOUBLE, F64 (9007199254740993.0), NULL },
  { CUPEL_SQL_DOUBLE, F64 (-3), NULL },
  { CUPEL_SQL_DOUBLE, F64 (INFINITY), "mysql" },
  { CUPEL_SQL_DOUBLE, F64 (NAN), "mysql sqlite" },
  { CUPEL_SQL_NUMERIC, STR (CUPEL_CELL_DECIMAL, "0.0000000000"), NULL },
  { CUPEL_SQL_NUMERIC, STR (CUPEL_CELL_DECIMAL, "12345678901234567890.1234567890"), NULL },
  { CUPEL_SQL_NUMERIC, STR (CUPEL_CELL_DECIMAL, "-19999999999999999999.9999999999"), NULL },
  { CUPEL_SQL_TEXT, STR (CUPEL_CELL_TEXT, ""), NULL },
  { CUPEL_SQL_TEXT, STR (CUPEL_CELL_TEXT, "Gr\xc3\xbc\xc3\x9f" "e \xf0\x9f\x98\x80 \xe4\xb8\xad"), NULL },
  { CUPEL_SQL_TEXT, STR (CUPEL_CELL_TEXT, "a\0b"), "postgresql mysql sqlite" },
  { CUPEL_SQL_TEXT, STR (CUPEL_CELL_TEXT, "\xff"), "postgresql mysql sqlite" },
  { CUPEL_SQL_TEXT, STR (CUPEL_CELL_TEXT, "\xc0\xa7"), "postgresql mysql sqlite" },
  { CUPEL_SQL_TEXT, STR (CUPEL_CELL_TEXT, "\xbf\x27 OR 1=1"), "postgresql mysql sqlite" },
  { CUPEL_SQL_STRING, STR (CUPEL_CELL_TEXT, "t"), NULL },
  { CUPEL_SQL_BYTES, STR (CUPEL_CELL_BYTES, ""), NULL },
  { CUPEL_SQL_BYTES, STR (CUPEL_CELL_BYTES, "\0"), NULL },
  { CUPEL_SQL_BYTES, STR (CUPEL_CELL_BYTES, "a\0b\0"), NULL },
  { CUPEL_SQL_BYTES, STR (CUPEL_CELL_BYTES, "''\\\\''\\x00\\'\"\xff\xfe\x1a"), NULL },
  { CUPEL_SQL_BYTES, STR (CUPEL_CELL_BYTES, "\\x6162"), NULL },
  { CUPEL_SQL_DATE, I64 (CUPEL_CELL_DATE, 0), NULL },
  { CUPEL_SQL_DATE, I64 (CUPEL_CELL_DATE, -1), NULL },
  { CUPEL_SQL_DATE, I64 (CUPEL_CELL_DATE, -141428), NULL },               /* 1582-10-15 */
  { CUPEL_SQL_DATE, I64 (CUPEL_CELL_DATE, -719162), NULL },               /* 0001-01-01 */
  { CUPEL_SQL_DATE, I64 (CUPEL_CELL_DATE, 2932896), NULL },               /* 9999-12-31 */
  { CUPEL_SQL_TIME, I64 (CUPEL_CELL_TIME, 0), NULL },
  { CUPEL_SQL_TIME, I64 (CUPEL_CELL_TIME, 1), NULL },
  { CUPEL_SQL_TIME, I64 (CUPEL_CELL_TIME, DAY - 1), NULL },
  { CUPEL_SQL_DATETIME, I64 (CUPEL_CELL_DATETIME, 0), NULL },
  { CUPEL_SQL_DATETIME, I64 (CUPEL_CELL_DATETIME, -1), NULL },
  { CUPEL_SQL_DATETIME, I64 (CUPEL_CELL_DATETIME, G_GINT64_CONSTANT (1709210096000001)), NULL },
  { CUPEL_SQL_DATETIME, I64 (CUPEL_CELL_DATETIME, -719162 * DAY + 123456), NULL },
  { CUPEL_SQL_DATETIME, I64 (CUPEL_CELL_DATETIME, G_GINT64_CONSTANT (253402300799999999)), NULL },
  { CUPEL_SQL_TIMESTAMP, I64 (CUPEL_CELL_TIMESTAMP, G_GINT64_CONSTANT (1709210096000001)), NULL },
  { CUPEL_SQL_TIMESTAMP, I64 (CUPEL_CELL_TIMESTAMP, G_GINT64_CONSTANT (1729994399999999)), NULL },  /* the hour that is twice */
  { CUPEL_SQL_UUID, STR (CUPEL_CELL_UUID, "\x12\x3e\x00\x67\xe8\x9b\x12\xd3\xa4\x56\x42\x66\x14\x17\x40\x00"), NULL },
  { CUPEL_SQL_UUID, STR (CUPEL_CELL_UUID, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), NULL },
  { CUPEL_SQL_UUID, STR (CUPEL_CELL_UUID, "\0\0"), "postgresql mysql sqlite" },
  { CUPEL_SQL_JSON, STR (CUPEL_CELL_JSON, "[1, null, \"\\\\'\\\"\"]"), NULL },
  { CUPEL_SQL_JSON, STR (CUPEL_CELL_JSON, "null"), NULL },
};

static CupelSqlType *
make_type (CupelSqlKind kind)
{
  switch (kind)
    {
    case CUPEL_SQL_NUMERIC:
      return cupel_sql_type_new_numeric (30, 10);
    case CUPEL_SQL_STRING:
      return cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50);
    default:
      return cupel_sql_type_new (kind);
    }
}

/* What one driver writes and another one reads. FALSE: one of both said no. */
static gboolean
pass (CupelTable             *table,
      const CupelCell        *value,
      CupelDriverConnection  *writer,
      CupelDriverConnection  *reader,
      CupelReply             *reply,
      GError                **error)
{
  g_autoptr(CupelCompiled) insert = compile_insert (table);
  g_autoptr(CupelCompiled) select = compile_select (table);
  g_autoptr(CupelCompiled) delete = compile_statement (cupel_delete_new (table));
  g_autoptr(CupelRowBlock) set = one_set (1, value);
  g_auto(CupelReply) written = { 0 };
  g_auto(CupelReply) deleted = { 0 };

  execute (connection, delete, NULL, &deleted);
  if (!try_execute (writer, insert, set, &written, error))
    return FALSE;
  g_assert_cmpint (written.row_count, ==, 1);
  if (cupel_driver_connection_get_status (writer) != CUPEL_TRANSACTION_IDLE &&
      !cupel_driver_connection_commit (writer, NULL, error))
    return FALSE;
  if (!try_execute (reader, select, NULL, reply, error))
    return FALSE;
  g_assert_cmpuint (count_rows (reply), ==, 1);
  return cupel_driver_connection_get_status (reader) == CUPEL_TRANSACTION_IDLE ||
         cupel_driver_connection_commit (reader, NULL, error);
}

static CupelDriverConnection *
connect_native (void)
{
  g_autofree char *text = g_strdup (url_text);
  char *plus = strstr (text, "+dbi");
  g_autoptr(CupelDriver) native = cupel_dialect_create_driver (dialect);
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *result;

  memmove (plus, plus + 4, strlen (plus + 4) + 1);
  result = connect_with (native, text, &error);
  g_assert_no_error (error);
  return result;
}

/* What this driver writes is what the dialect's own reads, and the other way round. */
static void
test_types (void)
{
  g_autoptr(CupelDriverConnection) native = connect_native ();
  CupelSqlKind kind = CUPEL_SQL_NULL;
  g_autoptr(CupelTable) table = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    {
      const Value *v = &values[i];
      gboolean refused = v->refused_by != NULL && strstr (v->refused_by, cupel_dialect_get_name (dialect)) != NULL;
      CupelDriverConnection *writers[] = { connection, native, connection };
      CupelDriverConnection *readers[] = { connection, connection, native };

      if (kind != v->kind)
        {
          g_clear_object (&table);
          kind = v->kind;
          table = make_table ("dbi_types", make_type (kind));
        }
      for (guint k = 0; k < (refused ? 1 : 3); k++)
        {
          g_auto(CupelReply) reply = { 0 };
          g_autoptr(GError) error = NULL;
          gboolean ok = pass (table, &v->cell, writers[k], readers[k], &reply, &error);

          g_test_message ("value %u, way %u: %s", i, k, ok ? "passed" : error->message);
          g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
          g_assert_true (ok != refused);
          if (!ok)
            g_assert_true (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_DATA) ||
                           g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED));
          else if (v->cell.kind == CUPEL_CELL_DOUBLE && isnan (v->cell.v.f64))
            g_assert_true (isnan (cell (&reply, 0, 0)->v.f64));
          else
            assert_cell (cell (&reply, 0, 0), &v->cell);
        }
    }
  cupel_driver_connection_close (native, soon ());
  run ("DROP TABLE dbi_types");
}

static void
test_nulls (void)
{
  static const CupelSqlKind kinds[] = {
    CUPEL_SQL_BOOLEAN, CUPEL_SQL_INT64, CUPEL_SQL_DOUBLE, CUPEL_SQL_NUMERIC, CUPEL_SQL_TEXT, CUPEL_SQL_BYTES, CUPEL_SQL_DATE,
    CUPEL_SQL_TIME, CUPEL_SQL_DATETIME, CUPEL_SQL_TIMESTAMP, CUPEL_SQL_UUID, CUPEL_SQL_JSON,
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr(CupelTable) table = make_table ("dbi_nulls", make_type (kinds[i]));
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      pass (table, &(CupelCell) { .kind = CUPEL_CELL_NULL }, connection, connection, &reply, &error);
      g_assert_no_error (error);
      g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_NULL);
    }
  run ("DROP TABLE dbi_nulls");
}

/* A batch takes its types from the column, not from its first value. */
static void
test_batch_types (void)
{
  const CupelCell batch[] = { F64 (1), F64 (1.5), { .kind = CUPEL_CELL_NULL } };
  g_autoptr(CupelTable) table = make_table ("dbi_batch", cupel_sql_type_new (CUPEL_SQL_DOUBLE));
  g_autoptr(CupelCompiled) insert = compile_insert (table);
  g_autoptr(CupelCompiled) select = compile_select (table);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 3);
  g_auto(CupelReply) written = { 0 };
  g_auto(CupelReply) reply = { 0 };

  for (guint i = 0; i < 3; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      cells[0] = (CupelCell) I64 (CUPEL_CELL_INT64, i);
      cells[1] = batch[i];
    }
  execute (connection, insert, sets, &written);
  g_assert_cmpint (written.row_count, ==, 3);
  execute (connection, select, NULL, &reply);
  for (guint i = 0; i < 3; i++)
    assert_cell (cell (&reply, i, 0), &batch[i]);
  run ("DROP TABLE dbi_batch");
}

/* Texts that would be something else if they were not quoted well. */
static GPtrArray *
make_corpus (void)
{
  static const char *const pieces[] = {
    "'", "''", "'''", "\\", "\\\\", "\\'", "\\\\'", "'\\", "\"", "`", "?", "$1", ":name", "%", "_", "%s%n", ";", "--", "-- ", "#", "/*",
    "*/", "/*! 1 */", "(", ")", "((", "from", " from ", "select", "E'", "X'00'", "N'", "$$", "$a$", "\n", "\r\n", "\t", "\x01",
    "\x1a", "\x7f", "\x08", "\xc2\xa0", "\xc2\xbf'", "\xef\xbc\x87", "\xca\xbc", "\xe2\x80\x99", "\xf0\x9f\x98\x80", "\xed\x9f\xbf",
    "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf", "\\x27", "\\u0027", "\\0", "\\Z", "\\n", "{fn now()}", "NULL", "0", "1e5", "@@version", "'||'",
    "+ADw-",
  };
  static const char *const wholes[] = {
    "'; DROP TABLE dbi_corpus; --", "\\'; DROP TABLE dbi_corpus; --", "' OR '1'='1", "\\' OR 1=1 -- ", "'); DELETE FROM dbi_corpus; --",
    "x' UNION SELECT 1, version() --", "fromage from (select", "from_x", "a from b where c", "((((((((((((((((", "))))))))",
    "(select (select", "as as as from from", "\\\\\\\\\\\\\\'", "''''''''''''''''''", "'/**/OR/**/1=1", "",
  };
  GPtrArray *corpus = g_ptr_array_new_with_free_func (g_free);
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (wholes); i++)
    g_ptr_array_add (corpus, g_strdup (wholes[i]));
  for (guint i = 0; i < G_N_ELEMENTS (pieces); i++)
    {
      g_ptr_array_add (corpus, g_strdup (pieces[i]));
      g_ptr_array_add (corpus, g_strconcat ("a", pieces[i], NULL));
      g_ptr_array_add (corpus, g_strconcat (pieces[i], "b", NULL));
      g_ptr_array_add (corpus, g_strconcat (pieces[i], pieces[i], pieces[(i + 1) % G_N_ELEMENTS (pieces)], NULL));
      g_string_append (all, pieces[i]);
    }
  for (guint length = 1; length <= 4096; length *= 4)
    {
      g_autofree char *quotes = g_strnfill (length, '\'');
      g_autofree char *slashes = g_strnfill (length, '\\');
      g_autofree char *open = g_strnfill (length, '(');

      g_ptr_array_add (corpus, g_strconcat (quotes, slashes, open, NULL));
      g_ptr_array_add (corpus, g_strconcat (slashes, quotes, NULL));
      g_ptr_array_add (corpus, g_strconcat ("from ", open, " from", NULL));
    }
  g_ptr_array_add (corpus, g_string_free (all, FALSE));
  return corpus;
}

static void
assert_text (const CupelCell *found,
             const char      *expected)
{
  g_assert_cmpint (found->kind, ==, CUPEL_CELL_TEXT);
  g_assert_cmpmem (found->v.text, found->length, expected, strlen (expected));
}

static void
test_corpus (void)
{
  g_autoptr(GPtrArray) corpus = make_corpus ();
  g_autoptr(CupelTable) table = make_table ("dbi_corpus", cupel_sql_type_new (CUPEL_SQL_TEXT));
  g_autoptr(CupelCompiled) insert = compile_insert (table);
  g_autoptr(CupelCompiled) select = compile_select (table);
  g_autoptr(CupelCompiled) find = compile ("SELECT id, :a AS a FROM dbi_corpus WHERE id = :id AND v = :v", CUPEL_SQL_INT64,
                                           CUPEL_SQL_TEXT, -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, corpus->len);
  g_auto(CupelReply) written = { 0 };
  g_auto(CupelReply) reply = { 0 };

  g_assert_cmpuint (corpus->len, >=, 200);
  for (guint i = 0; i < corpus->len; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      cells[0] = (CupelCell) I64 (CUPEL_CELL_INT64, i);
      cupel_row_block_set_text (sets, &cells[1], CUPEL_CELL_TEXT, corpus->pdata[i], -1);
    }
  execute (connection, insert, sets, &written);
  g_assert_cmpint (written.row_count, ==, corpus->len);
  execute (connection, select, NULL, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, corpus->len);
  for (guint i = 0; i < corpus->len; i++)
    assert_text (cell (&reply, i, 0), corpus->pdata[i]);

  /* one by one, as a part of the statement's text: before FROM and after it */
  for (guint i = 0; i < corpus->len; i++)
    {
      g_autoptr(CupelRowBlock) set = cupel_row_block_new (find->n_binds, 1);
      CupelCell *cells = cupel_row_block_add_row (set);
      g_auto(CupelReply) one = { 0 };

      cells[cupel_compiled_find_bind (find, "id")] = (CupelCell) I64 (CUPEL_CELL_INT64, i);
      cupel_row_block_set_text (set, &cells[cupel_compiled_find_bind (find, "a")], CUPEL_CELL_TEXT, corpus->pdata[i], -1);
      cupel_row_block_set_text (set, &cells[cupel_compiled_find_bind (find, "v")], CUPEL_CELL_TEXT, corpus->pdata[i], -1);
      execute (connection, find, set, &one);
      g_assert_cmpuint (count_rows (&one), ==, 1);
      g_assert_cmpint (cell (&one, 0, 0)->v.i64, ==, i);
      assert_text (cell (&one, 0, 1), corpus->pdata[i]);
    }
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_corpus"), ==, corpus->len);
  run ("DROP TABLE dbi_corpus");
}

/* A number next to what stands before it makes no comment. */
static void
test_neighbours (void)
{
  g_autoptr(CupelCompiled) minus = compile ("SELECT 5 -:n, 7-:n*2", CUPEL_SQL_INT64, CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (minus->n_binds, 1);
  g_auto(CupelReply) reply = { 0 };

  cupel_row_block_add_row (set)[0] = (CupelCell) I64 (CUPEL_CELL_INT64, -3);
  execute (connection, minus, set, &reply);
  g_assert_cmpint (cell (&reply, 0, 0)->v.i64, ==, 8);
  g_assert_cmpint (cell (&reply, 0, 1)->v.i64, ==, 13);
}

/* One text is one statement, and quoting is never made unsafe by one. */
static void
test_texts (void)
{
  static const char *const unsafe[] = { "SET client_encoding TO 'LATIN1'", "SET standard_conforming_strings TO off", "SET NAMES latin1",
                                        "SET character_set_client = gbk" };
  g_autoptr(CupelTable) table = make_table ("dbi_texts", cupel_sql_type_new (CUPEL_SQL_TEXT));
  g_autoptr(GError) error = fail ("DELETE FROM dbi_texts; INSERT INTO dbi_texts VALUES (1, 'x')");

  g_assert_nonnull (table);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_texts"), ==, 0);
  run ("INSERT INTO dbi_texts VALUES (1, 'a;b')");
  run ("DROP TABLE dbi_texts");

  for (guint i = 0; i < (is_dialect ("sqlite") ? 0 : 2); i++)
    {
      g_autoptr(CupelCompiled) set = compile (unsafe[is_dialect ("mysql") ? i + 2 : i], -1);
      g_autoptr(CupelDriverConnection) other = NULL;
      g_auto(CupelReply) reply = { 0 };

      g_clear_error (&error);
      other = connect_with (driver, url_text, &error);
      g_assert_no_error (error);
      g_assert_false (try_execute (other, set, NULL, &reply, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
      cupel_driver_connection_terminate (other);
    }
}

/* Decimals are digits, or they are nothing. SQLite stores any text in any column. */
static void
test_decimals (void)
{
  static const char *const texts[] = { "1); DROP TABLE dbi_decimals; --", "1 -- ", "1e5 OR 1", "0x1F", "--1", "1.2.3", "", "-", "1'" };
  g_autoptr(CupelTable) table = make_table ("dbi_decimals", cupel_sql_type_new_numeric (30, 10));

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      const CupelCell value = { .kind = CUPEL_CELL_DECIMAL, .length = strlen (texts[i]), .v.text = texts[i] };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      if (!pass (table, &value, connection, connection, &reply, &error))
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      else
        {
          g_assert_true (is_dialect ("sqlite"));
          g_assert_cmpint (cell (&reply, 0, 0)->kind, !=, CUPEL_CELL_DOUBLE);
        }
    }
  run ("DROP TABLE dbi_decimals");
}

/* Blobs of every byte, and long ones. */
static void
test_blobs (void)
{
  static const guint lengths[] = { 0, 1, 65536, 200000 };
  g_autoptr(CupelTable) table = make_table ("dbi_blobs", cupel_sql_type_new (CUPEL_SQL_BYTES));
  g_autofree guint8 *bytes = g_malloc (200000);

  for (guint i = 0; i < 200000; i++)
    bytes[i] = (guint8) (i * 7 + i / 256);
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      const CupelCell value = { .kind = CUPEL_CELL_BYTES, .length = lengths[i], .v.bytes = bytes };
      g_auto(CupelReply) reply = { 0 };
      g_autoptr(GError) error = NULL;

      pass (table, &value, connection, connection, &reply, &error);
      g_assert_no_error (error);
      g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpmem (cell (&reply, 0, 0)->v.bytes, cell (&reply, 0, 0)->length, bytes, lengths[i]);
    }
  run ("DROP TABLE dbi_blobs");
}

/* What only some servers have: told by its own name, or by a text that says so. */
static void
test_odd_values (void)
{
  g_autoptr(CupelCompiled) compiled = NULL;
  g_auto(CupelReply) reply = { 0 };

  if (is_dialect ("postgresql"))
    {
      compiled = compile ("SELECT 'infinity'::timestamp, '0044-03-15 BC'::date, 'NaN'::float8, '{1,2}'::int4[], true, 1.10::numeric", -1);
      execute (connection, compiled, NULL, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpstr (cell (&reply, 0, 0)->v.text, ==, "infinity");
      g_assert_cmpint (cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (cell (&reply, 0, 2)->kind, ==, CUPEL_CELL_DOUBLE);
      g_assert_cmpint (cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (cell (&reply, 0, 4)->kind, ==, CUPEL_CELL_BOOLEAN);
      g_assert_cmpint (cell (&reply, 0, 5)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpstr (cell (&reply, 0, 5)->v.text, ==, "1.10");
    }
  else if (is_dialect ("mysql"))
    {
      compiled = compile ("SELECT CAST('2024-02-29' AS DATE), TIME('-25:00:01'), 18446744073709551615, 1.50, X'00ff', sum(a.n) "
                          "FROM (SELECT 1 AS n UNION ALL SELECT 2) a", -1);
      execute (connection, compiled, NULL, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_DATE);
      g_assert_cmpint (cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (cell (&reply, 0, 2)->kind, ==, CUPEL_CELL_UINT64);
      g_assert_cmpuint (cell (&reply, 0, 2)->v.u64, ==, G_MAXUINT64);
      g_assert_cmpint (cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpint (cell (&reply, 0, 4)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpmem (cell (&reply, 0, 4)->v.bytes, cell (&reply, 0, 4)->length, "\0\xff", 2);
      g_assert_cmpint (cell (&reply, 0, 5)->kind, ==, CUPEL_CELL_DECIMAL);
    }
  else
    {
      compiled = compile ("SELECT 1.5, 'x', x'00', NULL, 0x7fffffffffffffff", CUPEL_SQL_INT64, CUPEL_SQL_DATE, -1);
      execute (connection, compiled, NULL, &reply);
      g_assert_cmpint (cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_DOUBLE);
      g_assert_cmpint (cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (cell (&reply, 0, 2)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpint (cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_NULL);
      g_assert_cmpint (cell (&reply, 0, 4)->v.i64, ==, G_MAXINT64);
    }
}

/* Transactions. */

static void
begin (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
}

static void
commit (void)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_commit (connection, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
rollback (void)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_rollback (connection, soon (), &error);
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
savepoint (CupelSavepointOperation operation)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_savepoint (connection, operation, "s1", soon (), NULL, &error);
  g_assert_no_error (error);
}

static void
test_transaction (void)
{
  g_autoptr(CupelTable) table = make_table ("dbi_tx", cupel_sql_type_new (CUPEL_SQL_INT32));
  g_autoptr(GError) error = NULL;

  g_assert_nonnull (table);
  begin ();
  run ("INSERT INTO dbi_tx VALUES (1, 1)");
  rollback ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 0);

  begin ();
  run ("INSERT INTO dbi_tx VALUES (1, 1)");
  savepoint (CUPEL_SAVEPOINT_SET);
  run ("INSERT INTO dbi_tx VALUES (2, 2)");
  savepoint (CUPEL_SAVEPOINT_ROLLBACK);
  run ("INSERT INTO dbi_tx VALUES (3, 3)");
  savepoint (CUPEL_SAVEPOINT_RELEASE);
  commit ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx WHERE id <> 2"), ==, 2);
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 2);

  /* an error leaves the transaction as the server does */
  begin ();
  error = fail ("INSERT INTO dbi_tx VALUES (1, 1)");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==,
                   is_dialect ("postgresql") ? CUPEL_TRANSACTION_FAILED : CUPEL_TRANSACTION_ACTIVE);
  rollback ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 2);
  begin ();
  commit ();

  /* a text that opened a transaction is undone with the session; SQLite is asked before it does so */
  g_clear_error (&error);
  if (is_dialect ("sqlite"))
    {
      error = fail ("BEGIN");
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
    }
  else
    {
      run ("START TRANSACTION");
      run ("INSERT INTO dbi_tx VALUES (9, 9)");
      g_assert_true (cupel_driver_connection_needs_reset (connection));
      if (cupel_driver_connection_reset (connection, soon (), &error))
        g_assert_false (cupel_driver_connection_needs_reset (connection));
      else
        {
          /* MySQL's sessions cannot be reset by libdbi: a new one takes the place of such a one */
          g_assert_true (is_dialect ("mysql"));
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
        }
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 2);
    }
  run ("DROP TABLE dbi_tx");
}

static void
test_options (void)
{
  CupelTransactionOptions options = { .isolation = CUPEL_ISOLATION_SERIALIZABLE, .read_only = !is_dialect ("sqlite") };
  g_autoptr(CupelTable) table = make_table ("dbi_options", cupel_sql_type_new (CUPEL_SQL_INT32));
  g_autoptr(GError) error = NULL;

  g_assert_nonnull (table);
  g_assert_true (cupel_driver_connection_set_transaction (connection, &options, &error));
  g_assert_no_error (error);
  begin ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_options"), ==, 0);
  if (options.read_only)
    {
      error = fail ("INSERT INTO dbi_options VALUES (1, 1)");
      g_clear_error (&error);
    }
  rollback ();

  /* only that one */
  begin ();
  run ("INSERT INTO dbi_options VALUES (1, 1)");
  commit ();

  options.deferrable = TRUE;
  if (cupel_driver_connection_set_transaction (connection, &options, &error))
    {
      g_assert_true (is_dialect ("postgresql"));
      cupel_driver_connection_set_transaction (connection, NULL, NULL);
    }
  else
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, NULL, &error));
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &error));
  g_assert_no_error (error);
  if (is_dialect ("sqlite"))
    {
      g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_REPEATABLE_READ, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
    }
  run ("DROP TABLE dbi_options");
}

/* Many sets: all or none, inside a transaction and outside. */
static void
test_many (void)
{
  g_autoptr(CupelTable) table = make_table ("dbi_many", cupel_sql_type_new (CUPEL_SQL_INT32));
  g_autoptr(CupelCompiled) insert = compile_insert (table);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 1201);

  for (guint i = 0; i <= 1200; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      cells[0] = (CupelCell) I64 (CUPEL_CELL_INT64, i < 1200 ? i : 0);
      cells[1] = (CupelCell) I64 (CUPEL_CELL_INT64, i);
    }
  for (guint inside = 0; inside < 2; inside++)
    {
      CupelRequest request = { .compiled = insert, .sets = sets, .n_sets = 1200 };
      g_auto(CupelReply) none = { 0 };
      g_auto(CupelReply) all = { 0 };
      g_autoptr(GError) error = NULL;

      if (inside == 1)
        {
          begin ();
          run ("INSERT INTO dbi_many VALUES (5000, 1)");
        }
      g_assert_false (try_execute (connection, insert, sets, &none, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
      g_clear_error (&error);
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_many"), ==, inside);
      cupel_driver_connection_execute (connection, &request, &all, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (all.row_count, ==, 1200);
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_many"), ==, 1200 + inside);
      if (inside == 1)
        rollback ();
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_many"), ==, inside == 0 ? 1200 : 0);
      run ("DELETE FROM dbi_many");
    }
  run ("DROP TABLE dbi_many");
}

static void
assert_fails (const char *sql,
              CupelError  code)
{
  g_autoptr(GError) error = fail (sql);

  g_test_message ("%s", error->message);
  g_assert_error (error, CUPEL_ERROR, (int) code);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

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
  g_assert_cmpint (cell (&reply, 899, 0)->v.i64, ==, 900);
}

/* Ends. */

static const char *
slow_statement (void)
{
  if (is_dialect ("postgresql"))
    return "SELECT pg_sleep(60)";
  if (is_dialect ("mysql"))
    return "SELECT sleep(60)";
  return "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
}

static guint
count_threads (void)
{
  g_autoptr(GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;
  guint n = 0;

  while ((id = g_dir_read_name (tasks)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/comm", id);
      g_autofree char *name = NULL;

      if (g_file_get_contents (path, &name, NULL, NULL) && g_str_has_prefix (name, "cupel-db"))
        n++;
    }
  return n;
}

/* Threads end by themselves, but soon. */
static void
assert_threads (guint n)
{
  for (guint i = 0; i < 500 && count_threads () != n; i++)
    g_usleep (20000);
  g_assert_cmpuint (count_threads (), ==, n);
}

static gboolean
cancel_it (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
add_timeout (guint          milliseconds,
             GSourceFunc    func,
             gpointer       data)
{
  g_autoptr(GSource) source = g_timeout_source_new (milliseconds);

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
test_cancel (void)
{
  g_autoptr(CupelCompiled) slow = compile (slow_statement (), -1);
  CupelRequest request = { .compiled = slow };
  guint n_threads = count_threads ();

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_auto(CupelReply) reply = { 0 };
      gint64 start = g_get_monotonic_time ();

      g_assert_no_error (error);
      add_timeout (50 * (i + 1), cancel_it, cancellable);
      g_assert_false (cupel_driver_connection_execute (other, &request, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 30 * G_USEC_PER_SEC);
      /* a server may still be told to stop what is over: such a connection is not used again */
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==,
                       is_dialect ("sqlite") ? CUPEL_TRANSACTION_IDLE : CUPEL_TRANSACTION_UNKNOWN);
      cupel_driver_connection_terminate (other);
    }
  /* the threads did not take the 60 seconds of the statement: it was stopped where it ran */
  assert_threads (n_threads);
  g_assert_cmpint (query_int64 ("SELECT 1"), ==, 1);
}

static void
assert_unusable (CupelDriverConnection *other)
{
  g_autoptr(CupelCompiled) one = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (cupel_driver_connection_is_alive (other));
  g_assert_false (try_execute (other, one, NULL, &reply, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_ping (other, soon (), &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_begin (other, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  /* not "outcome unknown": nothing was sent */
  g_assert_false (cupel_driver_connection_commit (other, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_rollback (other, soon (), &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
}

/* A server is told to stop a statement that is over by then: the next one must not pay for it. */
static void
test_late_cancel (void)
{
  static const char *const deaf = "DO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $$";
  guint n_threads = count_threads ();
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);
  g_autoptr(CupelDriverConnection) third = NULL;
  g_autoptr(CupelCompiled) one = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0 };

  g_assert_no_error (error);
  execute (other, one, NULL, &reply);
  CUPEL_THREADED_CONNECTION_GET_CLASS (other)->interrupt (CUPEL_THREADED_CONNECTION (other));
  if (is_dialect ("sqlite"))
    {
      /* nothing is on its way to anywhere */
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_IDLE);
      g_assert_true (cupel_driver_connection_ping (other, soon (), &error));
      g_assert_no_error (error);
    }
  else
    assert_unusable (other);
  cupel_driver_connection_close (other, soon ());

  if (is_dialect ("postgresql"))
    {
      g_autoptr(CupelCompiled) compiled = compile (deaf, -1);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      CupelRequest request = { .compiled = compiled };
      g_auto(CupelReply) nothing = { 0 };

      third = connect_with (driver, url_text, &error);
      g_assert_no_error (error);
      add_timeout (50, cancel_it, cancellable);
      cupel_driver_connection_execute (third, &request, &nothing, cancellable, &error);
      g_assert_no_error (error);
      assert_unusable (third);
      cupel_driver_connection_terminate (third);
    }
  assert_threads (n_threads);
}

static void
test_copy (void)
{
  static const char *const texts[] = { "COPY dbi_copy FROM STDIN", "COPY dbi_copy TO STDOUT", "COPY (SELECT 1, 2) TO STDOUT" };
  g_autoptr(CupelTable) table = NULL;

  if (!is_dialect ("postgresql"))
    {
      g_autoptr(GError) error = fail (texts[0]);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      return;
    }
  table = make_table ("dbi_copy", cupel_sql_type_new (CUPEL_SQL_TEXT));
  run ("INSERT INTO dbi_copy VALUES (1, 'a')");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (guint j = 0; j < 2; j++)
      {
        g_autoptr(CupelCompiled) compiled = compile (texts[i], -1);
        g_auto(CupelReply) reply = { 0 };
        g_autoptr(GError) error = NULL;
        g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);

        g_assert_no_error (error);
        if (j == 1)
          g_assert_true (cupel_driver_connection_begin (other, NULL, &error));
        g_assert_false (try_execute (other, compiled, NULL, &reply, &error));
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
        assert_unusable (other);
        cupel_driver_connection_close (other, soon ());
      }
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_copy"), ==, 1);
  run ("DROP TABLE dbi_copy");
}

/* Transactions are made by autocommit: a text that sets it would turn ROLLBACK into nothing. */
static void
test_autocommit (void)
{
  static const char *const refused[] = { "SET autocommit=1", " set\t@@session.autocommit = 1", "SET SESSION autocommit = ON",
                                         "SET @a = 'it''s', AUTOCOMMIT=1", "SET `autocommit` = 1", "SET autocommit = 0" };
  static const char *const fine = "SET @autocommit = 1, @autocommit_is = 'autocommit'";
  g_autoptr(CupelTable) table = NULL;
  g_autoptr(CupelCompiled) insert = NULL;
  g_autoptr(GError) error = NULL;

  if (!is_dialect ("mysql"))
    {
      error = fail (refused[0]);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      return;
    }
  table = make_table ("dbi_autocommit", cupel_sql_type_new (CUPEL_SQL_INT64));
  insert = compile ("INSERT INTO dbi_autocommit VALUES (1, 1)", -1);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    for (guint inside = 0; inside < 2; inside++)
      {
        g_auto(CupelReply) nothing = { 0 };

        if (inside)
          {
            g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
            execute (connection, insert, NULL, &nothing);
          }
        error = fail (refused[i]);
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
        g_assert_nonnull (strstr (error->message, "isolation level AUTOCOMMIT"));
        g_clear_error (&error);
        g_assert_cmpint (cupel_driver_connection_get_status (connection), ==,
                         inside ? CUPEL_TRANSACTION_ACTIVE : CUPEL_TRANSACTION_IDLE);
        g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
        g_assert_no_error (error);
        g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_autocommit"), ==, 0);
      }
  run (fine);

  /* What does not say so in words is found when it is done. */
  for (guint inside = 0; inside < 2; inside++)
    {
      g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);
      g_autoptr(CupelCompiled) prepare = compile ("PREPARE dbi_sets FROM 'SET autocommit = @dbi_value'", -1);
      g_autoptr(CupelCompiled) value = compile (inside ? "SET @dbi_value = 1" : "SET @dbi_value = 0", -1);
      g_autoptr(CupelCompiled) set = compile ("EXECUTE dbi_sets", -1);
      g_auto(CupelReply) first = { 0 };
      g_auto(CupelReply) second = { 0 };
      g_auto(CupelReply) third = { 0 };

      g_assert_no_error (error);
      if (inside)
        g_assert_true (cupel_driver_connection_begin (other, NULL, &error));
      execute (other, value, NULL, &first);
      execute (other, prepare, NULL, &second);
      g_assert_false (try_execute (other, set, NULL, &third, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "autocommit"));
      g_clear_error (&error);
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
      cupel_driver_connection_terminate (other);
    }
  run ("DROP TABLE dbi_autocommit");
}

/* More than MySQL takes at once: told before it is sent, and the connection goes on. */
static void
test_packet (void)
{
  g_autoptr(CupelCompiled) insert = compile ("SELECT length(:a)", CUPEL_SQL_TEXT, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) nothing = { 0 };
  gsize size;

  if (!is_dialect ("mysql"))
    {
      g_test_skip ("only MySQL has a limit for a packet");
      return;
    }
  size = (gsize) query_int64 ("SELECT @@max_allowed_packet");
  text = g_strnfill (size, 'x');
  cupel_row_block_set_text (set, cupel_row_block_add_row (set), CUPEL_CELL_TEXT, text, (gssize) size);
  g_assert_false (try_execute (connection, insert, set, &nothing, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_nonnull (strstr (error->message, "max_allowed_packet"));
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_PROGRAM);
  g_assert_false (cupel_error_is_disconnect (error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (query_int64 ("SELECT 1"), ==, 1);
}

static void
test_close (void)
{
  guint n_threads = count_threads ();

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);

      g_assert_no_error (error);
      g_assert_true (cupel_driver_connection_is_alive (other));
      g_assert_true (cupel_driver_connection_ping (other, soon (), &error));
      if (i % 2 == 0)
        cupel_driver_connection_close (other, soon ());
      else
        cupel_driver_connection_terminate (other);
      cupel_driver_connection_terminate (other);
      g_assert_false (cupel_driver_connection_is_alive (other));
      g_assert_false (cupel_driver_connection_ping (other, soon (), &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
    }
  assert_threads (n_threads);
}

/* The server ends the session. */
static void
test_lost (void)
{
  g_autoptr(CupelCompiled) one = compile ("SELECT 1", -1);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelDriverConnection) other = NULL;
  g_autoptr(CupelCompiled) ask = NULL;
  g_auto(CupelReply) asked = { 0 };
  g_auto(CupelReply) reply = { 0 };
  g_autofree char *kill = NULL;

  if (is_dialect ("sqlite"))
    {
      g_test_skip ("SQLite has no server that could go");
      return;
    }
  other = connect_with (driver, url_text, &error);
  g_assert_no_error (error);
  ask = compile (is_dialect ("postgresql") ? "SELECT pg_backend_pid()" : "SELECT connection_id()", CUPEL_SQL_INT64, -1);
  execute (other, ask, NULL, &asked);
  kill = is_dialect ("postgresql") ? g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ")", cell (&asked, 0, 0)->v.i64)
                                   : g_strdup_printf ("KILL CONNECTION %" G_GINT64_FORMAT, cell (&asked, 0, 0)->v.i64);
  run (kill);
  for (guint i = 0; i < 500 && cupel_driver_connection_is_alive (other); i++)
    g_usleep (20000);
  g_assert_false (cupel_driver_connection_is_alive (other));
  g_assert_false (try_execute (other, one, NULL, &reply, &error));
  g_assert_true (cupel_error_is_disconnect (error));
  g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
  cupel_driver_connection_terminate (other);
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

static const Case cases[] = {
  { "types", test_types },
  { "nulls", test_nulls },
  { "batch-types", test_batch_types },
  { "corpus", test_corpus },
  { "neighbours", test_neighbours },
  { "texts", test_texts },
  { "decimals", test_decimals },
  { "blobs", test_blobs },
  { "odd-values", test_odd_values },
  { "transaction", test_transaction },
  { "options", test_options },
  { "many", test_many },
  { "errors", test_errors },
  { "capabilities", test_capabilities },
  { "cancel", test_cancel },
  { "late-cancel", test_late_cancel },
  { "copy", test_copy },
  { "autocommit", test_autocommit },
  { "packet", test_packet },
  { "close", test_close },
  { "lost", test_lost },
  { "urls", test_urls },
  { "no-such-place", test_no_such_place },
};

static gboolean
run_case (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  const Run *wanted = data;
  g_autoptr(CupelUrl) url = cupel_url_new (wanted->url, error);
  GType type;

  if (url == NULL)
    return FALSE;
  url_text = wanted->url;
  type = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, cupel_url_get_dialect (url), CUPEL_TYPE_DIALECT, error);
  if (type == G_TYPE_INVALID)
    return FALSE;
  dialect = g_object_new (type, NULL);
  type = cupel_plugin_find (CUPEL_PLUGIN_DRIVER, "dbi", CUPEL_TYPE_DRIVER, error);
  if (type == G_TYPE_INVALID)
    return FALSE;
  driver = g_object_new (type, NULL);
  cupel_driver_set_dialect (driver, dialect);
  compiler = cupel_dialect_create_compiler (dialect);
  connection = connect_with (driver, url_text, error);
  if (connection == NULL)
    return FALSE;

  wanted->test->func ();
  cupel_driver_connection_close (connection, soon ());
  g_clear_object (&connection);
  g_clear_object (&compiler);
  g_clear_object (&driver);
  g_clear_object (&dialect);
  assert_threads (0);
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_case, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  static const char *const endings[] = { "", "-wal", "-shm" };
  const char *list = g_getenv ("CUPEL_TEST_DBI_URLS");
  g_auto(GStrv) urls = g_strsplit (list != NULL ? list : "", " ", -1);
  g_autofree char *folder = g_dir_make_tmp ("cupel-dbi-XXXXXX", NULL);
  g_autofree char *file = g_strdup_printf ("sqlite+dbi:///%s/own.db", folder);
  g_autoptr(GArray) runs = g_array_new (FALSE, FALSE, sizeof (Run));
  int result;

  g_test_init (&argc, &argv, NULL);
  /* a file of its own: others use the one in the list */
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    g_array_append_val (runs, ((Run) { &cases[i], file }));
  for (guint u = 0; urls[u] != NULL; u++)
    for (guint i = 0; *urls[u] != '\0' && !g_str_has_prefix (urls[u], "sqlite") && i < G_N_ELEMENTS (cases); i++)
      g_array_append_val (runs, ((Run) { &cases[i], urls[u] }));
  for (guint i = 0; i < runs->len; i++)
    {
      const Run *wanted = &g_array_index (runs, Run, i);
      g_autofree char *path = g_strdup_printf ("/engine/dbi/%.*s/%s", (int) strcspn (wanted->url, "+"), wanted->url,
                                               wanted->test->name);

      g_test_add_data_func (path, wanted, test_case);
    }
  result = g_test_run ();

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *path = g_strconcat (folder, "/own.db", endings[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
  return result;
}
