/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the suites have in common: the classes and the data. */

#include "suites.h"

#define CUSTOMER_COLUMNS(Type)                                \
  CUPEL_COLUMN (Type, id, INT64, .primary_key = TRUE),        \
  CUPEL_COLUMN (Type, name, STRING, .length = 255),           \
  CUPEL_COLUMN (Type, description, STRING, .length = 255)

static const CupelColumnSpec customer_columns[] = { CUSTOMER_COLUMNS (Customer) };
CUPEL_DEFINE_ENTITY (Customer, customer, "bench_customer", customer_columns)

static const CupelColumnSpec large_customer_columns[] = { CUSTOMER_COLUMNS (LargeCustomer) };
CUPEL_DEFINE_ENTITY (LargeCustomer, large_customer, "bench_customer_large", large_customer_columns)

static const CupelColumnSpec short_customer_columns[] = {
  CUSTOMER_COLUMNS (ShortCustomer),
  CUPEL_COLUMN (ShortCustomer, q, INT32),
  CUPEL_COLUMN (ShortCustomer, p, INT32),
  CUPEL_COLUMN (ShortCustomer, x, INT32),
  CUPEL_COLUMN (ShortCustomer, y, INT32),
  CUPEL_COLUMN (ShortCustomer, z, INT32),
};
CUPEL_DEFINE_ENTITY (ShortCustomer, short_customer, "bench_customer_short", short_customer_columns)

static const char *
dialect_of (Context *context)
{
  return cupel_url_get_dialect (cupel_engine_get_url (context->engine));
}

gboolean
suite_prepare (Bench    *bench,
               gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (customer_get_type (), large_customer_get_type (),
                                                             short_customer_get_type (), G_TYPE_INVALID);
  g_autofree char *large = suite_fill_sql (dialect_of (context), "bench_customer_large", SUITE_LARGE_ROWS);
  g_autofree char *short_ = suite_short_sql (dialect_of (context));

  return (cupel_engine_drop_all (context->engine, metadata, NULL, &context->error) &&
          cupel_engine_create_all (context->engine, metadata, NULL, &context->error) &&
          execute (context, large) && execute (context, short_)) ||
         failed (bench, context);
}

gboolean
suite_empty (Context *context)
{
  return execute (context, suite_empty_sql (dialect_of (context)));
}

gboolean
suite_check (Bench   *bench,
             Context *context,
             gint64   n,
             gint64   lengths)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, &context->error);
  g_autoptr(CupelText) text = cupel_text_new (SUITE_CHECK_SQL);
  g_autoptr(CupelResult) result = NULL;

  if (connection == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &context->error)) == NULL ||
      !cupel_result_step (result))
    return failed (bench, context);
  return bench_check (bench, "rows", cupel_result_get_int64 (result, 0), n) &&
         bench_check (bench, "length of all", cupel_result_get_int64 (result, 1), lengths);
}
