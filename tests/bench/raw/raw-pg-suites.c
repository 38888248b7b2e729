/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The suites with libpq: arrays where there are many rows, a cursor that reads ahead, prepared statements. */

#include "customers.h"
#include "raw-pg.h"

static gboolean
check (Bench  *bench,
       Raw    *raw,
       gint64  n,
       gint64  lengths)
{
  PGresult *result = raw_must (PQexec (raw->db, SUITE_CHECK_SQL));
  gboolean good = bench_check (bench, "rows", g_ascii_strtoll (PQgetvalue (result, 0, 0), NULL, 10), n) &&
                  bench_check (bench, "length of all", g_ascii_strtoll (PQgetvalue (result, 0, 1), NULL, 10), lengths);

  PQclear (result);
  return good;
}

typedef enum
{
  ALL,          /* one statement */
  KEYS_BACK,    /* a statement for each chunk, which returns the keys */
  KEYS_GIVEN,   /* a statement for each chunk */
} InsertForm;

static gboolean
insert_all (Bench      *bench,
            Raw        *raw,
            InsertForm  form)
{
  g_autoptr(GByteArray) keys = g_byte_array_new ();
  g_autoptr(GByteArray) names = g_byte_array_new ();
  g_autoptr(GByteArray) descriptions = g_byte_array_new ();
  guint chunk = form == ALL ? SUITE_BULK_ROWS : SUITE_CHUNK;
  gint64 n_keys = 0;

  raw_run (raw->db, suite_empty_sql ("postgresql"));
  raw_prepare (raw->db, "i",
               form == ALL ? "INSERT INTO bench_customer (name, description) SELECT * FROM unnest ($1::text[], $2::text[])"
               : form == KEYS_BACK ? "INSERT INTO bench_customer (name, description) SELECT n, d "
                                     "FROM unnest ($1::text[], $2::text[]) WITH ORDINALITY AS t (n, d, o) ORDER BY o RETURNING id"
                                   : "INSERT INTO bench_customer (name, description, id) "
                                     "SELECT * FROM unnest ($1::text[], $2::text[], $3::bigint[])");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  for (guint first = 0; first < SUITE_BULK_ROWS; first += chunk)
    {
      PGresult *result;

      raw_array_begin (names, RAW_OID_TEXT, chunk);
      raw_array_begin (descriptions, RAW_OID_TEXT, chunk);
      raw_array_begin (keys, RAW_OID_INT8, chunk);
      for (guint i = first; i < first + chunk; i++)
        {
          char text[64];

          raw_array_add_text (names, text, suite_customer_name (text, i));
          raw_array_add_text (descriptions, text, suite_customer_description (text, i));
          if (form == KEYS_GIVEN)
            raw_array_add_int64 (keys, (gint64) i + 1);
        }
      result = raw_execute (raw->db, "i", form == KEYS_GIVEN ? 3 : 2,
                            (const char *[]) { (const char *) names->data, (const char *) descriptions->data, (const char *) keys->data },
                            (int[]) { (int) names->len, (int) descriptions->len, (int) keys->len }, (int[]) { 1, 1, 1 });
      for (int i = 0; i < PQntuples (result); i++)
        n_keys += raw_get_int64 (result, i, 0) > 0;
      PQclear (result);
    }
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  return bench_check (bench, "keys", n_keys, form == KEYS_BACK ? SUITE_BULK_ROWS : 0) &&
         check (bench, raw, SUITE_BULK_ROWS, suite_sum_lengths (SUITE_BULK_ROWS));
}

static gboolean
bulk_insert (Bench    *bench,
             gpointer  data)
{
  return insert_all (bench, data, ALL);
}

static gboolean
bulk_insert_keys_back (Bench    *bench,
                       gpointer  data)
{
  return insert_all (bench, data, KEYS_BACK);
}

static gboolean
bulk_insert_with_keys (Bench    *bench,
                       gpointer  data)
{
  return insert_all (bench, data, KEYS_GIVEN);
}

static void
add_rows (const PGresult *result,
          RawCustomers   *customers)
{
  int n = PQntuples (result);

  for (int i = 0; i < n; i++)
    raw_customers_add (customers, raw_get_int64 (result, i, 0), PQgetvalue (result, i, 1), (gsize) PQgetlength (result, i, 1),
                       PQgetvalue (result, i, 2), (gsize) PQgetlength (result, i, 2));
}

/* Where no objects are asked for: straight from the result */
static void
sum_rows (const PGresult  *result,
          RawCustomerSums *sums)
{
  int n = PQntuples (result);

  for (int i = 0; i < n; i++)
    raw_customer_sums_add_row (sums, raw_get_int64 (result, i, 0), PQgetvalue (result, i, 1), PQgetvalue (result, i, 2));
}

static gboolean
bulk_update (Bench    *bench,
             gpointer  data)
{
  Raw *raw = data;
  g_autofree char *fill = suite_fill_sql ("postgresql", "bench_customer", SUITE_BULK_ROWS);
  g_auto(RawCustomers) customers = { 0 };
  g_autoptr(GByteArray) keys = g_byte_array_new ();
  g_autoptr(GByteArray) texts = g_byte_array_new ();
  gint64 n = 0;

  raw_run (raw->db, suite_empty_sql ("postgresql"));
  raw_run (raw->db, fill);
  raw_prepare (raw->db, "s", "SELECT id, name, description FROM bench_customer WHERE id BETWEEN $1::bigint AND $2::bigint");
  raw_prepare (raw->db, "u", "UPDATE bench_customer SET description = t.d FROM unnest ($1::bigint[], $2::text[]) AS t (i, d) "
               "WHERE id = t.i");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  for (guint first = 0; first < SUITE_BULK_ROWS; first += SUITE_CHUNK)
    {
      gint64 low = GINT64_TO_BE ((gint64) first), high = GINT64_TO_BE ((gint64) first + SUITE_CHUNK);
      PGresult *result = raw_execute (raw->db, "s", 2, (const char *[]) { (const char *) &low, (const char *) &high },
                                      (int[]) { 8, 8 }, (int[]) { 1, 1 });

      raw_customers_reset (&customers);
      add_rows (result, &customers);
      PQclear (result);
      raw_array_begin (keys, RAW_OID_INT8, customers.n);
      raw_array_begin (texts, RAW_OID_TEXT, customers.n);
      for (guint i = 0; i < customers.n; i++, n++)
        {
          char text[128];
          gsize length = g_strlcpy (text, customers.rows[i].description, sizeof (text));

          length += g_strlcpy (text + length, SUITE_APPENDED, sizeof (text) - length);
          raw_array_add_int64 (keys, customers.rows[i].id);
          raw_array_add_text (texts, text, (int) length);
        }
      PQclear (raw_execute (raw->db, "u", 2, (const char *[]) { (const char *) keys->data, (const char *) texts->data },
                            (int[]) { (int) keys->len, (int) texts->len }, (int[]) { 1, 1 }));
    }
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  return bench_check (bench, "updates", n, SUITE_UPDATES) &&
         check (bench, raw, SUITE_BULK_ROWS,
                suite_sum_lengths (SUITE_BULK_ROWS) + (gint64) SUITE_UPDATES * (gint64) (sizeof (SUITE_APPENDED) - 1));
}

static gboolean
fetch (Bench    *bench,
       Raw      *raw,
       gboolean  objects)
{
  g_auto(RawCustomers) customers = { 0 };
  RawCustomerSums sums = { 0 };
  gint64 limit = GINT64_TO_BE ((gint64) SUITE_LARGE_ROWS);
  PGresult *result;

  raw_prepare (raw->db, "s", "SELECT id, name, description FROM bench_customer_large LIMIT $1::bigint");
  bench_start (bench);
  result = raw_execute (raw->db, "s", 1, (const char *[]) { (const char *) &limit }, (int[]) { 8 }, (int[]) { 1 });
  if (objects)
    {
      add_rows (result, &customers);
      raw_customer_sums_add (&sums, &customers);
    }
  else
    {
      sum_rows (result, &sums);
    }
  PQclear (result);
  bench_stop (bench);

  raw_forget (raw);
  return raw_customer_sums_check (&sums, bench);
}

static gboolean
fetch_objects (Bench    *bench,
               gpointer  data)
{
  return fetch (bench, data, TRUE);
}

static gboolean
fetch_rows (Bench    *bench,
            gpointer  data)
{
  return fetch (bench, data, FALSE);
}

static gboolean
fetch_blocks (Bench      *bench,
              Raw        *raw,
              const char *statement,
              gboolean    objects)
{
  g_autofree char *declare = g_strdup_printf ("DECLARE c NO SCROLL CURSOR FOR SELECT id, name, description FROM bench_customer_large "
                                              "LIMIT %u", SUITE_LARGE_ROWS);
  g_auto(RawCustomers) customers = { 0 };
  RawCustomerSums sums = { 0 };
  int n;

  raw_run (raw->db, "BEGIN");
  raw_run (raw->db, declare);
  raw_prepare (raw->db, "f", statement);
  bench_mark_memory (bench);
  bench_start (bench);
  PQsendQueryPrepared (raw->db, "f", 0, NULL, NULL, NULL, 1);
  do
    {
      PGresult *result = raw_must (PQgetResult (raw->db));

      while (PQgetResult (raw->db) != NULL)
        ;
      n = PQntuples (result);
      /* The server works on the next ones while these are used. */
      if (n > 0)
        PQsendQueryPrepared (raw->db, "f", 0, NULL, NULL, NULL, 1);
      if (objects)
        {
          raw_customers_reset (&customers);
          add_rows (result, &customers);
          raw_customer_sums_add (&sums, &customers);
        }
      else
        {
          sum_rows (result, &sums);
        }
      PQclear (result);
    }
  while (n > 0);
  bench_stop (bench);

  raw_run (raw->db, "COMMIT");
  raw_forget (raw);
  return raw_customer_sums_check (&sums, bench);
}

static gboolean
fetch_objects_1000 (Bench    *bench,
                    gpointer  data)
{
  return fetch_blocks (bench, data, "FETCH 1000 FROM c", TRUE);
}

static gboolean
fetch_rows_10000 (Bench    *bench,
                  gpointer  data)
{
  return fetch_blocks (bench, data, "FETCH 10000 FROM c", FALSE);
}

static inline gint64
get_int32 (const PGresult *result,
           int             column)
{
  gint32 value;

  memcpy (&value, PQgetvalue (result, 0, column), sizeof (value));
  return GINT32_FROM_BE (value);
}

static gboolean
short_select (Bench    *bench,
              gpointer  data)
{
  Raw *raw = data;
  gint64 sum = 0, wrong = 0;

  raw_prepare (raw->db, "s", "SELECT id, name, description, q, p, x, y, z FROM bench_customer_short WHERE id = $1::bigint");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  for (guint i = 0; i < SUITE_SELECTS; i++)
    {
      gint64 key = GINT64_TO_BE (SUITE_KEY (i));
      PGresult *result = raw_execute (raw->db, "s", 1, (const char *[]) { (const char *) &key }, (int[]) { 8 }, (int[]) { 1 });
      gint64 id = raw_get_int64 (result, 0, 0), expected = id * (10 + 20 + 30 + 40);

      for (int column = 3; column < 7; column++)
        expected -= get_int32 (result, column);
      wrong += expected != 0 || PQgetlength (result, 0, 1) == 0 || PQgetlength (result, 0, 2) == 0 || !PQgetisnull (result, 0, 7);
      sum += id;
      PQclear (result);
    }
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  return bench_check (bench, "wrong rows", wrong, 0) && bench_check (bench, "sum of ids", sum, suite_sum_keys ());
}

/* A statement alone is a transaction. */
static gboolean
single_insert (Bench    *bench,
               gpointer  data)
{
  Raw *raw = data;
  gint64 n_keys = 0;

  raw_run (raw->db, suite_empty_sql ("postgresql"));
  raw_prepare (raw->db, "i", "INSERT INTO bench_customer (name, description) VALUES ($1::text, $2::text) RETURNING id");
  bench_start (bench);
  for (guint i = 0; i < SUITE_INSERTS; i++)
    {
      char name[64], description[64];
      int lengths[] = { suite_customer_name (name, i), suite_customer_description (description, i) };
      PGresult *result = raw_execute (raw->db, "i", 2, (const char *[]) { name, description }, lengths, (int[]) { 1, 1 });

      n_keys += raw_get_int64 (result, 0, 0) > 0;
      PQclear (result);
    }
  bench_stop (bench);

  raw_forget (raw);
  return bench_check (bench, "keys", n_keys, SUITE_INSERTS) &&
         check (bench, raw, SUITE_INSERTS, suite_sum_lengths (SUITE_INSERTS));
}

const BenchCase raw_pg_suites[] = {
  { "bulk_inserts/flush_no_pk", bulk_insert_keys_back },
  { "bulk_inserts/flush_pk_given", bulk_insert_with_keys },
  { "bulk_inserts/orm_bulk_insert", bulk_insert },
  { "bulk_inserts/core_insert", bulk_insert },
  { "bulk_updates/orm_flush", bulk_update },
  { "large_resultsets/orm_full_objects_list", fetch_objects },
  { "large_resultsets/orm_full_objects_chunks", fetch_objects_1000 },
  { "large_resultsets/orm_columns", fetch_rows_10000 },
  { "large_resultsets/core_fetchall", fetch_rows },
  { "large_resultsets/core_fetchall_mapping", fetch_rows },
  { "large_resultsets/core_fetchmany_w_streaming", fetch_rows_10000 },
  { "short_selects/orm_query_new_style", short_select },
  { "short_selects/orm_query_new_style_cache", short_select },
  { "short_selects/core_new_stmt_each_time", short_select },
  { "short_selects/core_new_stmt_each_time_compiled_cache", short_select },
  { "short_selects/core_reuse_stmt", short_select },
  { "short_selects/core_reuse_stmt_compiled_cache", short_select },
  { "single_inserts/orm_commit", single_insert },
  { "single_inserts/bulk_insert_dictionaries", single_insert },
  { "single_inserts/core", single_insert },
  { "single_inserts/core_query_caching", single_insert },
  { NULL }
};
