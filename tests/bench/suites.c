/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "suites.h"
#include "texts.h"

#include <string.h>

gint64
suite_sum_lengths (guint n)
{
  /* bench_sum_lengths () counts "data 1" to "data n" */
  gint64 digits = 1 + bench_sum_lengths (n - 1) - (gint64) (n - 1) * (gint64) strlen ("data ");

  return (gint64) n * (gint64) (strlen ("customer name ") + strlen ("customer description ")) + 2 * digits;
}

gint64
suite_sum_keys (void)
{
  gint64 sum = 0;

  for (guint i = 0; i < SUITE_SELECTS; i++)
    sum += SUITE_KEY (i);
  return sum;
}

guint64
suite_count_ops (const char *name)
{
  if (g_str_has_prefix (name, "bulk_inserts/"))
    return SUITE_BULK_ROWS;
  if (g_str_has_prefix (name, "bulk_updates/"))
    return SUITE_UPDATES;
  if (g_str_has_prefix (name, "large_resultsets/"))
    return SUITE_LARGE_ROWS;
  if (g_str_has_prefix (name, "short_selects/"))
    return SUITE_SELECTS;
  if (g_str_has_prefix (name, "single_inserts/"))
    return SUITE_INSERTS;
  return 0;
}

const char *
suite_empty_sql (const char *dialect)
{
  return strcmp (dialect, "postgresql") == 0 ? "TRUNCATE bench_customer" : "DELETE FROM bench_customer";
}

/* SELECT of @what from @first to @last, which are called i */
static char *
numbers_sql (const char *dialect,
             const char *what,
             guint       first,
             guint       last)
{
  return strcmp (dialect, "postgresql") == 0
           ? g_strdup_printf ("SELECT %s FROM generate_series(%u, %u) AS n (i)", what, first, last)
           : g_strdup_printf ("WITH RECURSIVE n (i) AS (SELECT %u UNION ALL SELECT i + 1 FROM n WHERE i < %u) SELECT %s FROM n",
                              first, last, what);
}

char *
suite_fill_sql (const char *dialect,
                const char *table,
                guint       n)
{
  g_autofree char *numbers = numbers_sql (dialect, "i + 1, 'customer name ' || i, 'customer description ' || i", 0, n - 1);

  return g_strdup_printf ("INSERT INTO %s (id, name, description) %s", table, numbers);
}

char *
suite_short_sql (const char *dialect)
{
  g_autofree char *numbers = numbers_sql (dialect, "i, 'c' || i, 'c' || i, i * 10, i * 20, i * 30, i * 40", 1, SUITE_SHORT_ROWS);

  return g_strdup_printf ("INSERT INTO bench_customer_short (id, name, description, q, p, x, y) %s", numbers);
}

int
suite_customer_name (char  *text,
                     guint  i)
{
  return bench_text (text, "customer name ", i);
}

int
suite_customer_description (char  *text,
                            guint  i)
{
  return bench_text (text, "customer description ", i);
}
