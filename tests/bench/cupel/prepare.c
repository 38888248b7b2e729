/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The data that all programs of the benchmark read. */

#include <string.h>

#include "workloads.h"

static const struct
{
  const char *dialect;
  const char *numbers;   /* SELECT of i from 1 to a number */
  const char *data;
  const char *date;
} fills[] = {
  { "sqlite", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u) SELECT %s FROM n", "'data ' || i",
    "datetime(1577836800 + i, 'unixepoch')" },
  { "postgresql", "SELECT %2$s FROM generate_series(1, %1$u) AS n (i)", "'data ' || i",
    "timestamp '2020-01-01' + i * interval '1 second'" },
  { "mysql", "SELECT %2$s FROM (SELECT seq AS i FROM seq_1_to_%1$u) AS n", "CONCAT('data ', i)",
    "TIMESTAMPADD(SECOND, i, '2020-01-01')" },
};

static gboolean
fill (Context    *context,
      const char *table,
      guint       n_rows,
      gboolean    children)
{
  const char *dialect = cupel_url_get_dialect (cupel_engine_get_url (context->engine));
  g_autofree char *columns = NULL;
  g_autofree char *select = NULL;
  g_autofree char *sql = NULL;
  gsize i = 0;

  while (strcmp (fills[i].dialect, dialect) != 0)
    g_assert (++i < G_N_ELEMENTS (fills));
  columns = children ? g_strdup_printf ("i, (i + %d) / %d, %s", BENCH_CHILDREN - 1, BENCH_CHILDREN, fills[i].data)
                     : g_strdup_printf ("i, %s, %s", fills[i].data, fills[i].date);
  /* An integer division everywhere */
  if (children && i == 2)
    {
      g_free (columns);
      columns = g_strdup_printf ("i, (i + %d) DIV %d, %s", BENCH_CHILDREN - 1, BENCH_CHILDREN, fills[i].data);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  select = g_strdup_printf (fills[i].numbers, n_rows, columns);   /* of the table above */
#pragma GCC diagnostic pop
  sql = g_strdup_printf ("INSERT INTO %s (id, %s) %s", table, children ? "a_id, data" : "data, create_date", select);
  return execute (context, sql);
}

gboolean
prepare (Bench    *bench,
         gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (large_get_type (), many_get_type (), changed_get_type (), aa_get_type (),
                                                             bb_get_type (), new_a_get_type (), new_b_get_type (), G_TYPE_INVALID);

  if (!cupel_engine_drop_all (context->engine, metadata, NULL, &context->error) ||
      !cupel_engine_create_all (context->engine, metadata, NULL, &context->error) ||
      !fill (context, "bench_1m", BENCH_ROWS_LARGE, FALSE) || !fill (context, "bench_100k", BENCH_ROWS, FALSE) ||
      !fill (context, "bench_u", BENCH_PARENTS, FALSE) || !fill (context, "bench_a", BENCH_PARENTS, FALSE) ||
      !fill (context, "bench_b", BENCH_PARENTS * BENCH_CHILDREN, TRUE))
    return failed (bench, context);
  return TRUE;
}
