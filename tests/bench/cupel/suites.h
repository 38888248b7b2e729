/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "../suites.h"
#include "workloads.h"

G_BEGIN_DECLS

CUPEL_DECLARE_ENTITY (Customer, customer)
struct _Customer
{
  CupelEntity parent_instance;
  gint64      id;
  char       *name;
  char       *description;
};

CUPEL_DECLARE_ENTITY (LargeCustomer, large_customer)
struct _LargeCustomer
{
  CupelEntity parent_instance;
  gint64      id;
  char       *name;
  char       *description;
};

CUPEL_DECLARE_ENTITY (ShortCustomer, short_customer)
struct _ShortCustomer
{
  CupelEntity parent_instance;
  gint64      id;
  char       *name;
  char       *description;
  int         q, p, x, y, z;
};

extern const BenchCase bulk_cases[];
extern const BenchCase large_cases[];
extern const BenchCase short_cases[];
extern const BenchCase single_cases[];

gboolean suite_prepare (Bench   *bench,
                        gpointer data);
/* Set-up and check of what writes bench_customer */
gboolean suite_empty   (Context *context);
gboolean suite_check   (Bench   *bench,
                        Context *context,
                        gint64   n,
                        gint64   lengths);

G_END_DECLS
