/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "customers.h"

#include <string.h>

void
raw_customers_add (RawCustomers *customers,
                   gint64        id,
                   const char   *name,
                   gsize         name_length,
                   const char   *description,
                   gsize         description_length)
{
  if (customers->n == customers->allocated)
    {
      customers->allocated = customers->allocated > 0 ? customers->allocated * 2 : 1024;
      customers->rows = g_renew (RawCustomer, customers->rows, customers->allocated);
    }
  customers->rows[customers->n++] = (RawCustomer) {
    id, raw_arena_add (&customers->arena, name, name_length),
    raw_arena_add (&customers->arena, description, description_length)
  };
}

void
raw_customers_reset (RawCustomers *customers)
{
  customers->n = 0;
  raw_arena_clear (&customers->arena);
}

void
raw_customers_clear (RawCustomers *customers)
{
  raw_customers_reset (customers);
  g_clear_pointer (&customers->rows, g_free);
  customers->allocated = 0;
}

void
raw_customer_sums_add (RawCustomerSums    *sums,
                       const RawCustomers *customers)
{
  for (guint i = 0; i < customers->n; i++)
    {
      sums->ids += customers->rows[i].id;
      sums->lengths += (gint64) (strlen (customers->rows[i].name) + strlen (customers->rows[i].description));
    }
  sums->n += customers->n;
}

gboolean
raw_customer_sums_check (const RawCustomerSums *sums,
                         Bench                 *bench)
{
  return bench_check (bench, "rows", sums->n, SUITE_LARGE_ROWS) &&
         bench_check (bench, "sum of ids", sums->ids, BENCH_SUM (SUITE_LARGE_ROWS)) &&
         bench_check (bench, "length of all", sums->lengths, suite_sum_lengths (SUITE_LARGE_ROWS));
}
