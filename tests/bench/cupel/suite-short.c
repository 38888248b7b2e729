/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* short_selects: one row by its key, again and again, on one session or connection. Without a cache the engine compiles
 * each statement. */

#include "suites.h"

typedef gint64 (*SelectFunc) (gpointer session_or_connection, gint64 key, CupelSelect *shared, GError **error);

static CupelEngine *
new_engine (Bench    *bench,
            guint     cache_size,
            GError  **error)
{
  CupelEngine *engine = cupel_engine_new (bench_get_url (bench), error);

  if (engine != NULL)
    g_object_set (engine, "statement-cache-size", cache_size, NULL);
  return engine;
}

static gint64
select_entity (gpointer      session,
               gint64        key,
               CupelSelect  *shared,
               GError      **error)
{
  GType type = short_customer_get_type ();
  g_autoptr(CupelSelect) select = cupel_entity_select (type);
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(ShortCustomer) customer = NULL;

  cupel_select_where (select, cupel_eq (cupel_attr (type, "id"), cupel_literal_int64 (key)));
  if ((result = cupel_session_scalars (session, select, NULL, error)) == NULL ||
      (customer = cupel_result_one (result, error)) == NULL)
    return -1;
  return customer->id;
}

static gint64
read_row (CupelConnection  *connection,
          CupelSelect      *select,
          CupelParameters  *parameters,
          GError          **error)
{
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), parameters, NULL, error);
  gint64 id, expected;

  if (result == NULL || !cupel_result_step (result))
    return -1;
  id = cupel_result_get_int64 (result, 0);
  /* As the original takes all eight columns of it */
  expected = id * (10 + 20 + 30 + 40);
  for (guint i = 3; i < 7; i++)
    expected -= cupel_result_get_int64 (result, i);
  return expected == 0 && cupel_result_get_string (result, 1) != NULL && cupel_result_get_string (result, 2) != NULL &&
                 cupel_result_is_null (result, 7)
           ? id : -1;
}

static gint64
select_row (gpointer      connection,
            gint64        key,
            CupelSelect  *shared,
            GError      **error)
{
  GType type = short_customer_get_type ();
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (cupel_entity_get_table (type));

  cupel_select_where (select, cupel_eq (cupel_attr (type, "id"), cupel_literal_int64 (key)));
  return read_row (connection, select, NULL, error);
}

static gint64
reuse_statement (gpointer      connection,
                 gint64        key,
                 CupelSelect  *shared,
                 GError      **error)
{
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();

  cupel_parameters_set_int64 (parameters, "id", key);
  return read_row (connection, shared, parameters, error);
}

static gboolean
run_selects (Bench      *bench,
             Context    *context,
             guint       cache_size,
             SelectFunc  func)
{
  g_autoptr(CupelEngine) engine = new_engine (bench, cache_size, &context->error);
  GType type = short_customer_get_type ();
  g_autoptr(CupelSelect) shared = cupel_select_new_from_table (cupel_entity_get_table (type));
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  gint64 sum = 0;
  gboolean good;

  cupel_select_where (shared, cupel_eq (cupel_attr (type, "id"), cupel_bind ("id", NULL)));
  if (engine == NULL)
    return failed (bench, context);
  if (func == select_entity)
    session = cupel_session_new (engine);
  else if ((connection = cupel_engine_connect (engine, NULL, &context->error)) == NULL)
    return failed (bench, context);

  bench_start (bench);
  for (guint i = 0; i < SUITE_SELECTS; i++)
    {
      gint64 id = func (session != NULL ? (gpointer) session : (gpointer) connection, SUITE_KEY (i), shared, &context->error);

      if (id < 0)
        return failed (bench, context);
      sum += id;
    }
  bench_stop (bench);

  good = session != NULL ? cupel_session_close (session, NULL, &context->error)
                         : cupel_connection_close (connection, NULL, &context->error);
  if (!good || !cupel_engine_dispose (engine, NULL, &context->error))
    return failed (bench, context);
  return bench_check (bench, "sum of ids", sum, suite_sum_keys ());
}

#define CACHE_SIZE 500

#define DEFINE(name, cache_size, func)      \
  static gboolean                           \
  name (Bench    *bench,                    \
        gpointer  data)                     \
  {                                         \
    return run_selects (bench, data, cache_size, func); \
  }

DEFINE (orm_query_new_style, 0, select_entity)
DEFINE (orm_query_new_style_cache, CACHE_SIZE, select_entity)
DEFINE (core_new_stmt_each_time, 0, select_row)
DEFINE (core_new_stmt_each_time_compiled_cache, CACHE_SIZE, select_row)
DEFINE (core_reuse_stmt, 0, reuse_statement)
DEFINE (core_reuse_stmt_compiled_cache, CACHE_SIZE, reuse_statement)

const BenchCase short_cases[] = {
  { "short_selects/orm_query_new_style", orm_query_new_style },
  { "short_selects/orm_query_new_style_cache", orm_query_new_style_cache },
  { "short_selects/core_new_stmt_each_time", core_new_stmt_each_time },
  { "short_selects/core_new_stmt_each_time_compiled_cache", core_new_stmt_each_time_compiled_cache },
  { "short_selects/core_reuse_stmt", core_reuse_stmt },
  { "short_selects/core_reuse_stmt_compiled_cache", core_reuse_stmt_compiled_cache },
  { NULL }
};
