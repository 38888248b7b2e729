/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values through libdbi: what one driver writes another one reads. */

#include "dbi-fixture.h"

#include <math.h>
#include <string.h>

/* Types. */

typedef struct
{
  CupelSqlKind kind;
  CupelCell    cell;
  const char  *refused_by;   /* dialects that cannot, or must not, take this value: an error comes, never another value */
} Value;

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
            g_assert_true (isnan (get_cell (&reply, 0, 0)->v.f64));
          else
            assert_cell (get_cell (&reply, 0, 0), &v->cell);
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
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_NULL);
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
    assert_cell (get_cell (&reply, i, 0), &batch[i]);
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
    assert_text (get_cell (&reply, i, 0), corpus->pdata[i]);

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
      g_assert_cmpint (get_cell (&one, 0, 0)->v.i64, ==, i);
      assert_text (get_cell (&one, 0, 1), corpus->pdata[i]);
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
  g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, 8);
  g_assert_cmpint (get_cell (&reply, 0, 1)->v.i64, ==, 13);
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
          g_assert_cmpint (get_cell (&reply, 0, 0)->kind, !=, CUPEL_CELL_DOUBLE);
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
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpmem (get_cell (&reply, 0, 0)->v.bytes, get_cell (&reply, 0, 0)->length, bytes, lengths[i]);
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
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpstr (get_cell (&reply, 0, 0)->v.text, ==, "infinity");
      g_assert_cmpint (get_cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (get_cell (&reply, 0, 2)->kind, ==, CUPEL_CELL_DOUBLE);
      g_assert_cmpint (get_cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (get_cell (&reply, 0, 4)->kind, ==, CUPEL_CELL_BOOLEAN);
      g_assert_cmpint (get_cell (&reply, 0, 5)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpstr (get_cell (&reply, 0, 5)->v.text, ==, "1.10");
    }
  else if (is_dialect ("mysql"))
    {
      compiled = compile ("SELECT CAST('2024-02-29' AS DATE), TIME('-25:00:01'), 18446744073709551615, 1.50, X'00ff', sum(a.n) "
                          "FROM (SELECT 1 AS n UNION ALL SELECT 2) a", -1);
      execute (connection, compiled, NULL, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_DATE);
      g_assert_cmpint (get_cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (get_cell (&reply, 0, 2)->kind, ==, CUPEL_CELL_UINT64);
      g_assert_cmpuint (get_cell (&reply, 0, 2)->v.u64, ==, G_MAXUINT64);
      g_assert_cmpint (get_cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_DECIMAL);
      g_assert_cmpint (get_cell (&reply, 0, 4)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpmem (get_cell (&reply, 0, 4)->v.bytes, get_cell (&reply, 0, 4)->length, "\0\xff", 2);
      g_assert_cmpint (get_cell (&reply, 0, 5)->kind, ==, CUPEL_CELL_DECIMAL);
    }
  else
    {
      compiled = compile ("SELECT 1.5, 'x', x'00', NULL, 0x7fffffffffffffff", CUPEL_SQL_INT64, CUPEL_SQL_DATE, -1);
      execute (connection, compiled, NULL, &reply);
      g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_DOUBLE);
      g_assert_cmpint (get_cell (&reply, 0, 1)->kind, ==, CUPEL_CELL_OTHER);
      g_assert_cmpint (get_cell (&reply, 0, 2)->kind, ==, CUPEL_CELL_BYTES);
      g_assert_cmpint (get_cell (&reply, 0, 3)->kind, ==, CUPEL_CELL_NULL);
      g_assert_cmpint (get_cell (&reply, 0, 4)->v.i64, ==, G_MAXINT64);
    }
}

int
main (int    argc,
      char **argv)
{
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
  };

  return dbi_test_main (argc, argv, cases, G_N_ELEMENTS (cases));
}
