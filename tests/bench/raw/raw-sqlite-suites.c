/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The suites on SQLite: prepared statements, one step for each row, no thread. */

#include <string.h>

#include "customers.h"
#include "raw-sqlite.h"

static void
exec (Raw        *raw,
      const char *sql)
{
  raw_must (sqlite3_exec (raw->db, sql, NULL, NULL, NULL), raw->db);
}

static gboolean
check (Bench  *bench,
       Raw    *raw,
       gint64  n,
       gint64  lengths)
{
  sqlite3_stmt *statement = raw_prepare (raw->db, SUITE_CHECK_SQL);
  gboolean good;

  raw_must (sqlite3_step (statement), raw->db);
  good = bench_check (bench, "rows", sqlite3_column_int64 (statement, 0), n) &&
         bench_check (bench, "length of all", sqlite3_column_int64 (statement, 1), lengths);
  sqlite3_finalize (statement);
  return good;
}

static void
insert_customer (sqlite3_stmt *insert,
                 guint         i)
{
  char name[64], description[64];

  sqlite3_bind_text (insert, 1, name, suite_customer_name (name, i), SQLITE_STATIC);
  sqlite3_bind_text (insert, 2, description, suite_customer_description (description, i), SQLITE_STATIC);
  raw_step_done (insert);
}

static gboolean
insert_all (Bench    *bench,
            Raw      *raw,
            gboolean  with_keys)
{
  sqlite3_stmt *insert;
  gint64 keyless = 0;

  exec (raw, suite_empty_sql ("sqlite"));
  insert = raw_prepare (raw->db, with_keys ? "INSERT INTO bench_customer (name, description, id) VALUES (?, ?, ?)"
                                           : "INSERT INTO bench_customer (name, description) VALUES (?, ?)");
  bench_start (bench);
  exec (raw, "BEGIN IMMEDIATE");
  for (guint i = 0; i < SUITE_BULK_ROWS; i++)
    {
      if (with_keys)
        sqlite3_bind_int64 (insert, 3, (gint64) i + 1);
      insert_customer (insert, i);
      keyless += sqlite3_last_insert_rowid (raw->db) <= 0;
    }
  exec (raw, "COMMIT");
  bench_stop (bench);

  sqlite3_finalize (insert);
  return bench_check (bench, "rows without a key", keyless, 0) &&
         check (bench, raw, SUITE_BULK_ROWS, suite_sum_lengths (SUITE_BULK_ROWS));
}

static gboolean
bulk_insert (Bench    *bench,
             gpointer  data)
{
  return insert_all (bench, data, FALSE);
}

static gboolean
bulk_insert_with_keys (Bench    *bench,
                       gpointer  data)
{
  return insert_all (bench, data, TRUE);
}

static void
add_row (sqlite3_stmt *statement,
         RawCustomers *customers)
{
  raw_customers_add (customers, sqlite3_column_int64 (statement, 0),
                     (const char *) sqlite3_column_text (statement, 1), (gsize) sqlite3_column_bytes (statement, 1),
                     (const char *) sqlite3_column_text (statement, 2), (gsize) sqlite3_column_bytes (statement, 2));
}

static gboolean
bulk_update (Bench    *bench,
             gpointer  data)
{
  Raw *raw = data;
  g_autofree char *fill = suite_fill_sql ("sqlite", "bench_customer", SUITE_BULK_ROWS);
  g_auto(RawCustomers) customers = { 0 };
  sqlite3_stmt *select, *update;
  gint64 n = 0;

  exec (raw, suite_empty_sql ("sqlite"));
  exec (raw, fill);
  select = raw_prepare (raw->db, "SELECT id, name, description FROM bench_customer WHERE id BETWEEN ? AND ?");
  update = raw_prepare (raw->db, "UPDATE bench_customer SET description = ? WHERE id = ?");
  bench_start (bench);
  exec (raw, "BEGIN IMMEDIATE");
  for (guint first = 0; first < SUITE_BULK_ROWS; first += SUITE_CHUNK)
    {
      raw_customers_reset (&customers);
      sqlite3_bind_int64 (select, 1, first);
      sqlite3_bind_int64 (select, 2, first + SUITE_CHUNK);
      while (sqlite3_step (select) == SQLITE_ROW)
        add_row (select, &customers);
      sqlite3_reset (select);
      for (guint i = 0; i < customers.n; i++, n++)
        {
          char text[128];
          gsize length = g_strlcpy (text, customers.rows[i].description, sizeof (text));

          length += g_strlcpy (text + length, SUITE_APPENDED, sizeof (text) - length);
          sqlite3_bind_text (update, 1, text, (int) length, SQLITE_STATIC);
          sqlite3_bind_int64 (update, 2, customers.rows[i].id);
          raw_step_done (update);
        }
    }
  exec (raw, "COMMIT");
  bench_stop (bench);

  sqlite3_finalize (select);
  sqlite3_finalize (update);
  return bench_check (bench, "updates", n, SUITE_UPDATES) &&
         check (bench, raw, SUITE_BULK_ROWS,
                suite_sum_lengths (SUITE_BULK_ROWS) + (gint64) SUITE_UPDATES * (gint64) (sizeof (SUITE_APPENDED) - 1));
}

/* @block: how many are kept at a time, 0 for all of them */
static gboolean
fetch (Bench    *bench,
       Raw      *raw,
       guint     block)
{
  g_auto(RawCustomers) customers = { 0 };
  RawCustomerSums sums = { 0 };
  sqlite3_stmt *statement = raw_prepare (raw->db, "SELECT id, name, description FROM bench_customer_large LIMIT ?");

  sqlite3_bind_int64 (statement, 1, SUITE_LARGE_ROWS);
  bench_mark_memory (bench);
  bench_start (bench);
  while (sqlite3_step (statement) == SQLITE_ROW)
    {
      if (block == 1)   /* straight from the statement */
        {
          raw_customer_sums_add_row (&sums, sqlite3_column_int64 (statement, 0), (const char *) sqlite3_column_text (statement, 1),
                                     (const char *) sqlite3_column_text (statement, 2));
          continue;
        }
      add_row (statement, &customers);
      if (customers.n == block)
        {
          raw_customer_sums_add (&sums, &customers);
          raw_customers_reset (&customers);
        }
    }
  raw_customer_sums_add (&sums, &customers);
  bench_stop (bench);

  sqlite3_finalize (statement);
  return raw_customer_sums_check (&sums, bench);
}

static gboolean
fetch_objects (Bench    *bench,
               gpointer  data)
{
  return fetch (bench, data, 0);
}

static gboolean
fetch_objects_1000 (Bench    *bench,
                    gpointer  data)
{
  return fetch (bench, data, 1000);
}

static gboolean
fetch_rows (Bench    *bench,
            gpointer  data)
{
  return fetch (bench, data, 1);
}

static gboolean
short_select (Bench    *bench,
              gpointer  data)
{
  Raw *raw = data;
  sqlite3_stmt *statement = raw_prepare (raw->db, "SELECT id, name, description, q, p, x, y, z FROM bench_customer_short WHERE id = ?");
  gint64 sum = 0, wrong = 0;

  bench_start (bench);
  exec (raw, "BEGIN");
  for (guint i = 0; i < SUITE_SELECTS; i++)
    {
      gint64 id, expected;

      sqlite3_bind_int64 (statement, 1, SUITE_KEY (i));
      raw_must (sqlite3_step (statement), raw->db);
      id = sqlite3_column_int64 (statement, 0);
      expected = id * (10 + 20 + 30 + 40);
      for (int column = 3; column < 7; column++)
        expected -= sqlite3_column_int64 (statement, column);
      wrong += expected != 0 || sqlite3_column_text (statement, 1) == NULL || sqlite3_column_text (statement, 2) == NULL ||
               sqlite3_column_type (statement, 7) != SQLITE_NULL;
      sum += id;
      sqlite3_reset (statement);
    }
  exec (raw, "COMMIT");
  bench_stop (bench);

  sqlite3_finalize (statement);
  return bench_check (bench, "wrong rows", wrong, 0) && bench_check (bench, "sum of ids", sum, suite_sum_keys ());
}

static gboolean
single_insert (Bench    *bench,
               gpointer  data)
{
  Raw *raw = data;
  sqlite3_stmt *insert;

  exec (raw, suite_empty_sql ("sqlite"));
  insert = raw_prepare (raw->db, "INSERT INTO bench_customer (name, description) VALUES (?, ?)");
  bench_start (bench);
  for (guint i = 0; i < SUITE_INSERTS; i++)
    insert_customer (insert, i);
  bench_stop (bench);

  sqlite3_finalize (insert);
  return check (bench, raw, SUITE_INSERTS, suite_sum_lengths (SUITE_INSERTS));
}

const BenchCase raw_sqlite_suites[] = {
  { "bulk_inserts/flush_no_pk", bulk_insert },
  { "bulk_inserts/flush_pk_given", bulk_insert_with_keys },
  { "bulk_inserts/orm_bulk_insert", bulk_insert },
  { "bulk_inserts/core_insert", bulk_insert },
  { "bulk_updates/orm_flush", bulk_update },
  { "large_resultsets/orm_full_objects_list", fetch_objects },
  { "large_resultsets/orm_full_objects_chunks", fetch_objects_1000 },
  { "large_resultsets/orm_columns", fetch_rows },
  { "large_resultsets/core_fetchall", fetch_rows },
  { "large_resultsets/core_fetchall_mapping", fetch_rows },
  { "large_resultsets/core_fetchmany_w_streaming", fetch_rows },
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
