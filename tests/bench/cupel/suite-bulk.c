/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bulk_inserts and bulk_updates: many rows in one transaction. */

#include "suites.h"

static gboolean
flush_rounds (Bench    *bench,
              Context  *context,
              gboolean  with_keys)
{
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  gint64 keyless = 0;

  if (!suite_empty (context))
    return failed (bench, context);

  bench_start (bench);
  for (guint first = 0; first < SUITE_BULK_ROWS; first += SUITE_CHUNK)
    {
      g_autoptr(GPtrArray) customers = g_ptr_array_new_full (SUITE_CHUNK, g_object_unref);

      for (guint i = first; i < first + SUITE_CHUNK; i++)
        {
          char name[64], description[64];

          suite_customer_name (name, i);
          suite_customer_description (description, i);
          g_ptr_array_add (customers, with_keys
                                        ? g_object_new (customer_get_type (), "id", (gint64) i + 1, "name", name,
                                                        "description", description, NULL)
                                        : g_object_new (customer_get_type (), "name", name, "description", description, NULL));
        }
      if (!cupel_session_add_all (session, (CupelEntity **) customers->pdata, customers->len, &context->error) ||
          !cupel_session_flush (session, NULL, &context->error))
        return failed (bench, context);
      for (guint i = 0; i < customers->len; i++)
        keyless += ((Customer *) customers->pdata[i])->id <= 0;
    }
  if (!cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "rows without a key", keyless, 0) &&
         suite_check (bench, context, SUITE_BULK_ROWS, suite_sum_lengths (SUITE_BULK_ROWS));
}

static gboolean
flush_no_pk (Bench    *bench,
             gpointer  data)
{
  return flush_rounds (bench, data, FALSE);
}

static gboolean
flush_pk_given (Bench    *bench,
                gpointer  data)
{
  return flush_rounds (bench, data, TRUE);
}

static CupelParameters *
all_rows (void)
{
  CupelParameters *parameters = cupel_parameters_new ();

  for (guint i = 0; i < SUITE_BULK_ROWS; i++)
    {
      char text[64];

      if (i > 0)
        cupel_parameters_next (parameters);
      suite_customer_name (text, i);
      cupel_parameters_set_string (parameters, "name", text);
      suite_customer_description (text, i);
      cupel_parameters_set_string (parameters, "description", text);
    }
  return parameters;
}

static CupelInsert *
customer_insert (void)
{
  CupelTable *table = cupel_entity_get_table (customer_get_type ());
  CupelInsert *insert = cupel_insert_new (table);

  cupel_insert_add_column (insert, cupel_table_get_column (table, "name"));
  cupel_insert_add_column (insert, cupel_table_get_column (table, "description"));
  return insert;
}

/* The dictionaries are made while the clock runs, as in the original. */
static gboolean
orm_bulk_insert (Bench    *bench,
                 gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelInsert) insert = customer_insert ();
  g_autoptr(CupelParameters) parameters = NULL;
  g_autoptr(CupelResult) result = NULL;

  if (!suite_empty (context))
    return failed (bench, context);

  bench_start (bench);
  parameters = all_rows ();
  if ((result = cupel_session_execute (session, CUPEL_STATEMENT (insert), parameters, NULL, &context->error)) == NULL ||
      !cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return suite_check (bench, context, SUITE_BULK_ROWS, suite_sum_lengths (SUITE_BULK_ROWS));
}

static gboolean
core_insert (Bench    *bench,
             gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelInsert) insert = customer_insert ();
  g_autoptr(CupelParameters) parameters = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;

  if (!suite_empty (context))
    return failed (bench, context);

  bench_start (bench);
  parameters = all_rows ();
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, NULL, &context->error)) == NULL ||
      !cupel_connection_commit (connection, NULL, &context->error) ||
      !cupel_connection_close (connection, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return suite_check (bench, context, SUITE_BULK_ROWS, suite_sum_lengths (SUITE_BULK_ROWS));
}

static gboolean
orm_flush (Bench    *bench,
           gpointer  data)
{
  Context *context = data;
  GType type = customer_get_type ();
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autofree char *fill = suite_fill_sql (cupel_url_get_dialect (cupel_engine_get_url (context->engine)), "bench_customer",
                                          SUITE_BULK_ROWS);
  gint64 n = 0;

  if (!suite_empty (context) || !execute (context, fill))
    return failed (bench, context);

  bench_start (bench);
  for (guint first = 0; first < SUITE_BULK_ROWS; first += SUITE_CHUNK)
    {
      g_autoptr(CupelSelect) select = cupel_entity_select (type);
      g_autoptr(CupelResult) result = NULL;
      Customer *customer;

      cupel_select_where (select, cupel_between (cupel_attr (type, "id"), cupel_literal_int64 (first),
                                                 cupel_literal_int64 (first + SUITE_CHUNK)));
      if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
        return failed (bench, context);
      while ((customer = cupel_result_next (result)) != NULL)
        {
          g_autofree char *longer = g_strconcat (customer->description, SUITE_APPENDED, NULL);

          g_object_set (customer, "description", longer, NULL);
          n++;
        }
      if (!cupel_session_flush (session, NULL, &context->error))
        return failed (bench, context);
    }
  if (!cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "updates", n, SUITE_UPDATES) &&
         suite_check (bench, context, SUITE_BULK_ROWS,
                      suite_sum_lengths (SUITE_BULK_ROWS) + (gint64) SUITE_UPDATES * (gint64) (sizeof (SUITE_APPENDED) - 1));
}

const BenchCase bulk_cases[] = {
  { "bulk_inserts/flush_no_pk", flush_no_pk },
  { "bulk_inserts/flush_pk_given", flush_pk_given },
  { "bulk_inserts/orm_bulk_insert", orm_bulk_insert },
  { "bulk_inserts/core_insert", core_insert },
  { "bulk_updates/orm_flush", orm_flush },
  { NULL }
};
