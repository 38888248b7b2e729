/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* single_inserts: one row and a commit, again and again. */

#include "suites.h"

typedef gboolean (*InsertFunc) (Context *context, guint i, CupelInsert *shared);

static CupelInsert *
new_insert (void)
{
  CupelTable *table = cupel_entity_get_table (customer_get_type ());
  CupelInsert *insert = cupel_insert_new (table);

  cupel_insert_add_column (insert, cupel_table_get_column (table, "name"));
  cupel_insert_add_column (insert, cupel_table_get_column (table, "description"));
  return insert;
}

static CupelParameters *
new_parameters (guint i)
{
  CupelParameters *parameters = cupel_parameters_new ();
  char name[64], description[64];

  suite_customer_name (name, i);
  suite_customer_description (description, i);
  cupel_parameters_set_string (parameters, "name", name);
  cupel_parameters_set_string (parameters, "description", description);
  return parameters;
}

static gboolean
insert_entity (Context     *context,
               guint        i,
               CupelInsert *shared)
{
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(Customer) customer = NULL;
  char name[64], description[64];

  suite_customer_name (name, i);
  suite_customer_description (description, i);
  customer = g_object_new (customer_get_type (), "name", name, "description", description, NULL);
  return cupel_session_add (session, CUPEL_ENTITY (customer), &context->error) &&
         cupel_session_commit (session, NULL, &context->error) &&
         customer->id > 0;
}

static gboolean
insert_dictionary (Context     *context,
                   guint        i,
                   CupelInsert *shared)
{
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelInsert) insert = new_insert ();
  g_autoptr(CupelParameters) parameters = new_parameters (i);
  g_autoptr(CupelResult) result = NULL;

  return (result = cupel_session_execute (session, CUPEL_STATEMENT (insert), parameters, NULL, &context->error)) != NULL &&
         cupel_session_commit (session, NULL, &context->error);
}

static gboolean
insert_row (Context     *context,
            guint        i,
            CupelInsert *insert)
{
  g_autoptr(CupelParameters) parameters = new_parameters (i);
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, &context->error);
  g_autoptr(CupelResult) result = NULL;

  return connection != NULL &&
         (result = cupel_connection_execute (connection, CUPEL_STATEMENT (insert), parameters, NULL, &context->error)) != NULL &&
         cupel_connection_commit (connection, NULL, &context->error) &&
         cupel_connection_close (connection, NULL, &context->error);
}

static gboolean
insert_row_new (Context     *context,
                guint        i,
                CupelInsert *shared)
{
  g_autoptr(CupelInsert) insert = new_insert ();

  return insert_row (context, i, insert);
}

static gboolean
run_inserts (Bench      *bench,
             Context    *context,
             InsertFunc  func)
{
  g_autoptr(CupelInsert) shared = new_insert ();

  if (!suite_empty (context))
    return failed (bench, context);

  bench_start (bench);
  for (guint i = 0; i < SUITE_INSERTS; i++)
    if (!func (context, i, shared))
      return failed (bench, context);
  bench_stop (bench);

  return suite_check (bench, context, SUITE_INSERTS, suite_sum_lengths (SUITE_INSERTS));
}

#define DEFINE(name, func)                  \
  static gboolean                           \
  name (Bench    *bench,                    \
        gpointer  data)                     \
  {                                         \
    return run_inserts (bench, data, func); \
  }

DEFINE (orm_commit, insert_entity)
DEFINE (bulk_insert_dictionaries, insert_dictionary)
DEFINE (core, insert_row_new)
DEFINE (core_query_caching, insert_row)

const BenchCase single_cases[] = {
  { "single_inserts/orm_commit", orm_commit },
  { "single_inserts/bulk_insert_dictionaries", bulk_insert_dictionaries },
  { "single_inserts/core", core },
  { "single_inserts/core_query_caching", core_query_caching },
  { NULL }
};
