/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the PostgreSQL driver makes of values, errors and URLs, without a server. */

#include <cupel-dialect.h>

#include <string.h>

#include "cupel-pg-decode.h"
#include "cupel-pg-encode.h"
#include "cupel-pg-error.h"
#include "cupel-pg-oid.h"
#include "cupel-pg-print.h"
#include "cupel-pg-settings.h"
#include "cupel-pg-statements.h"

static void
test_numeric (void)
{
  static const struct { guint length; guint8 bytes[24]; const char *text; } cases[] = {
    { 8, { 0, 0, 0, 0, 0, 0, 0, 0 }, "0" },
    { 8, { 0, 0, 0, 0, 0, 0, 0, 3 }, "0.000" },
    { 8, { 0, 0, 0, 0, 0xc0, 0, 0, 0 }, "NaN" },
    { 8, { 0, 0, 0, 0, 0xd0, 0, 0, 0 }, "Infinity" },
    { 8, { 0, 0, 0, 0, 0xf0, 0, 0, 0 }, "-Infinity" },
    { 10, { 0, 1, 0, 0, 0, 0, 0, 0, 0, 7 }, "7" },
    { 10, { 0, 1, 0, 1, 0, 0, 0, 0, 0, 7 }, "70000" },
    { 12, { 0, 2, 0, 0, 0x40, 0, 0, 2, 0, 12, 0x0d, 0x48 }, "-12.34" },           /* 12 . 3400 */
    { 10, { 0, 1, 0xff, 0xff, 0, 0, 0, 4, 0, 5 }, "0.0005" },
    { 10, { 0, 1, 0xff, 0xfe, 0, 0, 0, 8, 0, 5 }, "0.00000005" },
    { 12, { 0, 2, 0, 1, 0, 0, 0, 0, 0x27, 0x0f, 0x27, 0x0f }, "99999999" },
    { 7, { 0 }, NULL },
    { 9, { 0, 1, 0, 0, 0, 0, 0, 0, 0 }, NULL },
    { 10, { 0, 2, 0, 0, 0, 0, 0, 0, 0, 7 }, NULL },                                 /* says two digits */
    { 10, { 0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10 }, NULL },                           /* 10000 is no digit */
    { 8, { 0, 0, 0, 0, 0x12, 0x34, 0, 0 }, NULL },                                  /* no such sign */
    { 8, { 0, 0, 0, 0, 0, 0, 0xff, 0xff }, NULL },                                  /* no such scale */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
      guint length = 0;
      const char *text = cupel_pg_decode_numeric (block, (const char *) cases[i].bytes, cases[i].length, &length);

      g_assert_cmpstr (text, ==, cases[i].text);
      if (text != NULL)
        g_assert_cmpuint (length, ==, strlen (text));
    }
}

/* Nothing that a server sends may do harm. */
static void
test_garbage (void)
{
  static const Oid oids[] = {
    PG_OID_BOOL, PG_OID_BYTEA, PG_OID_CHAR, PG_OID_INT8, PG_OID_INT2, PG_OID_INT4, PG_OID_TEXT, PG_OID_OID, PG_OID_JSON,
    PG_OID_FLOAT4, PG_OID_FLOAT8, PG_OID_DATE, PG_OID_TIME, PG_OID_TIMESTAMP, PG_OID_TIMESTAMPTZ, PG_OID_INTERVAL,
    PG_OID_NUMERIC, PG_OID_UUID, PG_OID_JSONB, 1007, 1009, 1231, 1187, 1182, 3807, 99999
  };

  for (guint i = 0; i < 60000; i++)
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
      CupelCell *cell = cupel_row_block_add_row (block);
      Oid oid = oids[g_test_rand_int_range (0, G_N_ELEMENTS (oids))];
      guint length = (guint) g_test_rand_int_range (0, 64);
      /* of its very size, so that a step beyond it is seen */
      g_autofree char *value = g_malloc (length + 1);

      for (guint k = 0; k < length; k++)
        value[k] = (char) (g_test_rand_bit () ? g_test_rand_int_range (0, 3) : g_test_rand_int ());
      value[length] = '\0';
      /* now and then a head that an array may have */
      if (length >= 20 && g_test_rand_bit ())
        {
          memset (value, 0, 20);
          value[3] = (char) g_test_rand_int_range (0, 8);
          value[10] = oid == 1231 ? 1700 >> 8 : 0;
          value[11] = (char) (oid == 1007 ? PG_OID_INT4 : oid == 1009 ? PG_OID_TEXT : 1700 & 0xff);
          value[15] = (char) g_test_rand_int_range (0, 4);
          value[19] = 1;
        }
      if (!cupel_pg_decode_value (block, cell, oid, value, length))
        continue;
      if (cell->kind == CUPEL_CELL_TEXT || cell->kind == CUPEL_CELL_OTHER || cell->kind == CUPEL_CELL_JSON)
        g_assert_true (g_utf8_validate_len (cell->v.text, cell->length, NULL));
    }
}

static void
test_text (void)
{
  static const struct { const char *text; guint length; CupelCellKind kind; } cases[] = {
    { "", 0, CUPEL_CELL_TEXT },
    { "abcdefghijk", 11, CUPEL_CELL_TEXT },
    { "abcdefgh\xc3\xa4xyz", 13, CUPEL_CELL_TEXT },
    { "abcdefgh\xc3", 9, CUPEL_CELL_BYTES },
    { "abcdefghi\0k", 11, CUPEL_CELL_BYTES },
    { "abc\0efgh", 8, CUPEL_CELL_BYTES },
    { "\xff", 1, CUPEL_CELL_BYTES },
    { "\xed\xa0\x80", 3, CUPEL_CELL_BYTES },   /* a surrogate */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
      CupelCell *cell = cupel_row_block_add_row (block);

      g_assert_true (cupel_pg_decode_value (block, cell, PG_OID_TEXT, cases[i].text, cases[i].length));
      g_assert_cmpint (cell->kind, ==, cases[i].kind);
      g_assert_cmpuint (cell->length, ==, cases[i].length);
    }
}

static void
check_encoding (CupelSqlKind  kind,
                CupelCell     cell,
                const void   *bytes,
                int           length)
{
  CupelPgParams params = { 0 };
  g_autoptr(GError) error = NULL;

  cupel_pg_params_set_size (&params, 1);
  g_assert_true (cupel_pg_params_set_cell (&params, 0, kind, &cell, &error));
  g_assert_no_error (error);
  g_assert_cmpint (params.formats[0], ==, 1);
  g_assert_cmpmem (params.values[0], params.lengths[0], bytes, length);
  cupel_pg_params_clear (&params);
}

static void
test_encode (void)
{
  CupelPgParams params = { 0 };
  g_autoptr(GError) error = NULL;
  CupelCell with_nul = { .kind = CUPEL_CELL_TEXT, .length = 3, .v.text = "a\0b" };

  check_encoding (CUPEL_SQL_INT16, (CupelCell) { .kind = CUPEL_CELL_INT64, .v.i64 = -2 }, "\xff\xfe", 2);
  check_encoding (CUPEL_SQL_INT32, (CupelCell) { .kind = CUPEL_CELL_INT64, .v.i64 = 258 }, "\0\0\1\2", 4);
  check_encoding (CUPEL_SQL_INT64, (CupelCell) { .kind = CUPEL_CELL_INT64, .v.i64 = 258 }, "\0\0\0\0\0\0\1\2", 8);
  check_encoding (CUPEL_SQL_DATE, (CupelCell) { .kind = CUPEL_CELL_DATE, .v.i64 = PG_EPOCH_DAYS }, "\0\0\0\0", 4);
  check_encoding (CUPEL_SQL_TIMESTAMP, (CupelCell) { .kind = CUPEL_CELL_TIMESTAMP, .v.i64 = PG_EPOCH_USEC + 1 },
                  "\0\0\0\0\0\0\0\1", 8);
  check_encoding (CUPEL_SQL_DOUBLE, (CupelCell) { .kind = CUPEL_CELL_DOUBLE, .v.f64 = 1 }, "\x3f\xf0\0\0\0\0\0\0", 8);
  check_encoding (CUPEL_SQL_TEXT, (CupelCell) { .kind = CUPEL_CELL_TEXT, .length = 2, .v.text = "ab" }, "ab", 2);

  /* where the length is not told to the server, a NUL would cut the text */
  cupel_pg_params_set_size (&params, 1);
  g_assert_false (cupel_pg_params_set_cell (&params, 0, CUPEL_SQL_JSON, &with_nul, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  cupel_pg_params_clear (&params);
}

/* Lengths are added up before anything is sent or copied: nothing here is read. */
static void
test_lengths (void)
{
  static const struct { guint32 length; guint n; gboolean good; } cases[] = {
    { 0x3fff0000, 1, TRUE },
    { 0x3fffffff, 1, FALSE },
    { 0x40000000, 1, FALSE },
    { 0x7fffffff, 1, FALSE },
    { 0x80000000, 1, FALSE },
    { 0xffffffff, 1, FALSE },
    { 0x20000000, 1, TRUE },
    { 0x20000000, 2, FALSE },
    { 0x3fff0000, 16, FALSE },
  };
  CupelPgParams params = { 0 };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelRowBlock) sets = cupel_row_block_new (cases[i].n, 1);
      g_autoptr(CupelSqlType) type = cupel_sql_type_new (CUPEL_SQL_BYTES);
      CupelCell *cells = cupel_row_block_add_row (sets);
      g_autofree CupelSlot *slots = g_new0 (CupelSlot, cases[i].n);
      CupelCompiled compiled = { .n_slots = cases[i].n, .slots = slots };
      CupelRequest request = { .compiled = &compiled, .sets = sets, .n_sets = 1 };
      g_autoptr(GError) error = NULL;

      for (guint k = 0; k < cases[i].n; k++)
        {
          slots[k] = (CupelSlot) { .source = CUPEL_SLOT_BIND, .index = k, .type = type };
          cells[k] = (CupelCell) { .kind = CUPEL_CELL_BYTES, .length = cases[i].length, .v.text = "" };
        }
      g_assert_cmpint (cupel_pg_params_set_request (&params, &request, 0, &error), ==, cases[i].good);
      if (!cases[i].good)
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
    }
  cupel_pg_params_clear (&params);
}

static void
test_error_table (void)
{
  static const struct
  {
    const char        *state;
    CupelError         code;
    CupelErrorCategory category;
    gboolean           retryable;
    gboolean           disconnect;
  } cases[] = {
    { "40001", CUPEL_ERROR_SERIALIZATION, CUPEL_ERROR_CATEGORY_RETRY, TRUE, FALSE },
    { "40P01", CUPEL_ERROR_DEADLOCK, CUPEL_ERROR_CATEGORY_RETRY, TRUE, FALSE },
    { "40003", CUPEL_ERROR_OUTCOME_UNKNOWN, CUPEL_ERROR_CATEGORY_UNKNOWN, FALSE, FALSE },
    { "08007", CUPEL_ERROR_OUTCOME_UNKNOWN, CUPEL_ERROR_CATEGORY_UNKNOWN, FALSE, TRUE },
    { "08006", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE, TRUE },
    { "57P01", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE, TRUE },
    { "57P02", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE, TRUE },
    { "57P03", CUPEL_ERROR_CONNECTION, CUPEL_ERROR_CATEGORY_NOT_READY, TRUE, TRUE },
    { "57014", CUPEL_ERROR_TIMEOUT, CUPEL_ERROR_CATEGORY_NONE, FALSE, FALSE },
    { "53300", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_OVERLOAD, TRUE, FALSE },
    { "53100", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_FULL, FALSE, FALSE },
    { "25006", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_NOT_PRIMARY, TRUE, FALSE },
    { "25P02", CUPEL_ERROR_PENDING_ROLLBACK, CUPEL_ERROR_CATEGORY_NONE, FALSE, FALSE },
    { "08001", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, TRUE, TRUE },
    { "08P01", CUPEL_ERROR_INTERNAL, CUPEL_ERROR_CATEGORY_LOST, FALSE, FALSE },
    { "25P03", CUPEL_ERROR_DISCONNECTED, CUPEL_ERROR_CATEGORY_LOST, FALSE, TRUE },
    { "53200", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_OVERLOAD, TRUE, FALSE },
    { "55P03", CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_RETRY, TRUE, FALSE },
    { "23000", CUPEL_ERROR_INTEGRITY, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "23502", CUPEL_ERROR_NOT_NULL, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "23503", CUPEL_ERROR_FOREIGN_KEY, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "23505", CUPEL_ERROR_UNIQUE, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "23514", CUPEL_ERROR_CHECK, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "23P01", CUPEL_ERROR_INTEGRITY, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "22003", CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "28P01", CUPEL_ERROR_AUTHENTICATION, CUPEL_ERROR_CATEGORY_NONE, FALSE, FALSE },
    { "3D000", CUPEL_ERROR_CONNECTION, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "42601", CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "26000", CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_STALE_STATEMENT, FALSE, FALSE },
    { "0A000", CUPEL_ERROR_UNSUPPORTED, CUPEL_ERROR_CATEGORY_PROGRAM, FALSE, FALSE },
    { "XX000", CUPEL_ERROR_INTERNAL, CUPEL_ERROR_CATEGORY_NONE, FALSE, FALSE },
    { "ZZZZZ", CUPEL_ERROR_FAILED, CUPEL_ERROR_CATEGORY_NONE, FALSE, FALSE },
    { NULL, CUPEL_ERROR_FAILED, CUPEL_ERROR_CATEGORY_NONE, FALSE, FALSE },
  };
  const CupelPgErrorClass *table;
  gsize n_rows;

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const CupelPgErrorClass *class = cupel_pg_error_classify (cases[i].state);

      g_assert_cmpint (class->code, ==, cases[i].code);
      g_assert_cmpint (class->category, ==, cases[i].category);
      g_assert_cmpint (class->retryable, ==, cases[i].retryable);
      g_assert_cmpint (class->disconnect, ==, cases[i].disconnect);
    }
  /* No row hides another one that comes after it. */
  table = cupel_pg_error_get_table (&n_rows);
  for (gsize i = 0; i < n_rows; i++)
    g_assert_true (cupel_pg_error_classify (table[i].state) == &table[i]);
}

static void
test_verbose (void)
{
  char state[6];
  g_autofree char *refused = g_strdup ("connection to server on socket \"/x\" failed: FATAL:  28P01: password authentication failed\n"
                                       "LOCATION:  auth_failed, auth.c:335\n");
  g_autofree char *absent = g_strdup ("connection to server at \"h\" failed: Connection refused\n\tIs the server running?\n");

  g_assert_true (cupel_pg_error_split_verbose (refused, state));
  g_assert_cmpstr (state, ==, "28P01");
  g_assert_cmpstr (refused, ==, "connection to server on socket \"/x\" failed: FATAL: password authentication failed");
  g_assert_false (cupel_pg_error_split_verbose (absent, state));
  g_assert_cmpstr (absent, ==, "connection to server at \"h\" failed: Connection refused");
}

static const char *
find_keyword (GPtrArray  *keywords,
              GPtrArray  *values,
              const char *keyword)
{
  const char *found = NULL;

  for (guint i = 1; i + 1 < keywords->len; i++)   /* the first one is the constant */
    if (strcmp (g_ptr_array_index (keywords, i), keyword) == 0)
      found = g_ptr_array_index (values, i);
  return found;
}

static void
test_settings (void)
{
  static const struct { const char *url; const char *host; const char *mode; const char *where; } cases[] = {
    { "postgresql://u@/d", NULL, "disable", NULL },
    { "postgresql://u@/d?host=/tmp/x", "/tmp/x", "disable", "/tmp/x/.s.PGSQL.5432" },
    { "postgresql://u@127.0.0.1/d", "127.0.0.1", "verify-full", "127.0.0.1:5432" },
    { "postgresql://u@[::1]:77/d", "::1", "verify-full", "[::1]:77" },
    { "postgresql://u@localhost/d", "localhost", "verify-full", "localhost:5432" },
    { "postgresql://u@localhost.example.org/d", "localhost.example.org", "verify-full", "localhost.example.org:5432" },
    { "postgresql://u@db.example.org/d", "db.example.org", "verify-full", "db.example.org:5432" },
    { "postgresql://u@localhost/d?sslrootcert=/ca", "localhost", "verify-full", "localhost:5432" },
    { "postgresql://u@db.example.org/d?sslmode=require", "db.example.org", "require", "db.example.org:5432" },
    { "postgresql://u@192.0.2.1/d?sslmode=disable", "192.0.2.1", "disable", "192.0.2.1:5432" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelUrl) url = cupel_url_new (cases[i].url, &error);
      g_auto(CupelPgSettings) settings = { NULL };
      g_autoptr(GPtrArray) keywords = g_ptr_array_new ();
      g_autoptr(GPtrArray) values = g_ptr_array_new ();

      g_assert_no_error (error);
      g_assert_true (cupel_pg_settings_init (&settings, url, NULL, &error));
      g_assert_cmpstr (settings.host, ==, cases[i].host);
      if (cases[i].where != NULL)
        g_assert_cmpstr (settings.where, ==, cases[i].where);
      cupel_pg_settings_get_keywords (&settings, url, keywords, values);
      g_assert_cmpuint (keywords->len, ==, values->len);
      g_assert_cmpstr (find_keyword (keywords, values, "sslmode"), ==, cases[i].mode);
      g_assert_cmpstr (find_keyword (keywords, values, "gssencmode"), ==, "disable");
      g_assert_cmpstr (find_keyword (keywords, values, "client_encoding"), ==, "UTF8");
      g_assert_cmpstr (find_keyword (keywords, values, "user"), ==, "u");
      g_assert_cmpstr (find_keyword (keywords, values, "dbname"), ==, "d");
      /* What libpq parses is ours; what it would look for elsewhere is said to be nothing. */
      g_assert_cmpstr (g_ptr_array_index (keywords, 0), ==, "dbname");
      g_assert_nonnull (strstr (g_ptr_array_index (values, 0), "password=''"));
      g_assert_nonnull (strstr (g_ptr_array_index (values, 0), "hostaddr=''"));
    }
}

/* A database name that looks like a connection string stays a name. */
static void
test_injection (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new ("postgresql://u@/host%3Devil%20sslmode%3Ddisable?host=/tmp/x", &error);
  g_auto(CupelPgSettings) settings = { NULL };
  g_autoptr(GPtrArray) keywords = g_ptr_array_new ();
  g_autoptr(GPtrArray) values = g_ptr_array_new ();
  PGconn *conn;

  g_assert_no_error (error);
  g_assert_true (cupel_pg_settings_init (&settings, url, NULL, &error));
  cupel_pg_settings_get_keywords (&settings, url, keywords, values);
  conn = PQconnectStartParams ((const char *const *) keywords->pdata, (const char *const *) values->pdata, 1);
  g_assert_nonnull (conn);
  g_assert_cmpstr (PQdb (conn), ==, "host=evil sslmode=disable");
  g_assert_cmpstr (PQhost (conn), ==, "/tmp/x");
  PQfinish (conn);
}

static void
test_statements (void)
{
  CupelPgStatements *statements = cupel_pg_statements_new (2);
  const Oid types[] = { 20, 25 }, others[] = { 20, 23 };
  CupelPgStatement *first, *second;
  g_autofree char *name = NULL;
  g_autofree char *evicted = NULL;

  first = cupel_pg_statements_add (statements, 1, CUPEL_PG_FORM_PLAIN, types, 2);
  second = cupel_pg_statements_add (statements, 1, CUPEL_PG_FORM_PLAIN, others, 2);
  g_assert_true (cupel_pg_statements_find (statements, 1, CUPEL_PG_FORM_PLAIN, types, 2) == first);
  g_assert_true (cupel_pg_statements_find (statements, 1, CUPEL_PG_FORM_PLAIN, others, 2) == second);
  g_assert_null (cupel_pg_statements_find (statements, 1, CUPEL_PG_FORM_UNNEST, types, 2));
  g_assert_null (cupel_pg_statements_find (statements, 1, CUPEL_PG_FORM_PLAIN, types, 1));
  g_assert_null (cupel_pg_statements_find (statements, 2, CUPEL_PG_FORM_PLAIN, types, 2));

  /* The first one is now the one used longest ago. */
  name = g_strdup (first->name);
  cupel_pg_statements_add (statements, 3, CUPEL_PG_FORM_PLAIN, NULL, 0);
  g_assert_cmpuint (cupel_pg_statements_get_size (statements), ==, 2);
  g_assert_cmpuint (cupel_pg_statements_get_n_evicted (statements), ==, 1);
  evicted = cupel_pg_statements_take_evicted (statements);
  g_assert_cmpstr (evicted, ==, name);
  g_assert_null (cupel_pg_statements_find (statements, 1, CUPEL_PG_FORM_PLAIN, types, 2));
  cupel_pg_statements_forget (statements);
  g_assert_cmpuint (cupel_pg_statements_get_size (statements), ==, 0);
  g_assert_cmpuint (cupel_pg_statements_get_n_evicted (statements), ==, 0);
  cupel_pg_statements_free (statements);
}

int
main (int    argc,
      char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/postgresql-format/numeric", test_numeric);
  g_test_add_func ("/postgresql-format/garbage", test_garbage);
  g_test_add_func ("/postgresql-format/text", test_text);
  g_test_add_func ("/postgresql-format/encode", test_encode);
  g_test_add_func ("/postgresql-format/lengths", test_lengths);
  g_test_add_func ("/postgresql-format/error-table", test_error_table);
  g_test_add_func ("/postgresql-format/verbose", test_verbose);
  g_test_add_func ("/postgresql-format/settings", test_settings);
  g_test_add_func ("/postgresql-format/injection", test_injection);
  g_test_add_func ("/postgresql-format/statements", test_statements);
  return g_test_run ();
}
