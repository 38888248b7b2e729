/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The customers of the suites, as a driver expert keeps them by hand. */

#include <string.h>

#include "../suites.h"
#include "raw.h"

G_BEGIN_DECLS

typedef struct
{
  gint64      id;
  const char *name;
  const char *description;
} RawCustomer;

typedef struct
{
  RawCustomer *rows;
  guint        n;
  guint        allocated;
  RawArena     arena;
} RawCustomers;

typedef struct
{
  gint64 n;
  gint64 ids;
  gint64 lengths;
} RawCustomerSums;

void     raw_customers_add        (RawCustomers          *customers,
                                   gint64                 id,
                                   const char            *name,
                                   gsize                  name_length,
                                   const char            *description,
                                   gsize                  description_length);
void     raw_customers_reset      (RawCustomers          *customers);
void     raw_customers_clear      (RawCustomers          *customers);
void     raw_customer_sums_add    (RawCustomerSums       *sums,
                                   const RawCustomers    *customers);
static inline void
raw_customer_sums_add_row (RawCustomerSums *sums,
                           gint64           id,
                           const char      *name,
                           const char      *description)
{
  sums->n++;
  sums->ids += id;
  sums->lengths += (gint64) (strlen (name) + strlen (description));
}
gboolean raw_customer_sums_check  (const RawCustomerSums *sums,
                                   Bench                 *bench);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RawCustomers, raw_customers_clear)

G_END_DECLS
