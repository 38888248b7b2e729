/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* large_resultsets: half a million rows, in many forms. */

#include <string.h>

#include "suites.h"

typedef struct
{
  gint64 n;
  gint64 ids;
  gint64 lengths;
} Sums;

static void
add (Sums       *sums,
     gint64      id,
     const char *name,
     const char *description)
{
  sums->n++;
  sums->ids += id;
  sums->lengths += (gint64) (strlen (name) + strlen (description));
}

static gboolean
check (Bench *bench,
       Sums  *sums)
{
  return bench_check (bench, "rows", sums->n, SUITE_LARGE_ROWS) &&
         bench_check (bench, "sum of ids", sums->ids, BENCH_SUM (SUITE_LARGE_ROWS)) &&
         bench_check (bench, "length of all", sums->lengths, suite_sum_lengths (SUITE_LARGE_ROWS));
}

static CupelSelect *
entities (void)
{
  CupelSelect *select = cupel_entity_select (large_customer_get_type ());

  cupel_select_limit (select, SUITE_LARGE_ROWS);
  return select;
}

static CupelSelect *
rows (void)
{
  CupelSelect *select = cupel_select_new_from_table (cupel_entity_get_table (large_customer_get_type ()));

  cupel_select_limit (select, SUITE_LARGE_ROWS);
  return select;
}

static gboolean
orm_full_objects_list (Bench    *bench,
                       gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = entities ();
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GListModel) list = NULL;
  Sums sums = { 0 };

  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  list = cupel_result_to_list (result);
  bench_stop (bench);

  for (guint i = 0; i < g_list_model_get_n_items (list); i++)
    {
      g_autoptr(LargeCustomer) customer = g_list_model_get_item (list, i);

      add (&sums, customer->id, customer->name, customer->description);
    }
  return check (bench, &sums);
}

static gboolean
orm_full_objects_chunks (Bench    *bench,
                         gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = entities ();
  g_autoptr(CupelStream) stream = NULL;
  LargeCustomer *customer;
  Sums sums = { 0 };

  bench_mark_memory (bench);
  bench_start (bench);
  if ((stream = cupel_session_stream (session, select, 1000, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((customer = cupel_stream_next (stream, NULL, &context->error)) != NULL)
    add (&sums, customer->id, customer->name, customer->description);
  if (context->error != NULL)
    return failed (bench, context);
  bench_stop (bench);

  return check (bench, &sums);
}

static gboolean
orm_columns (Bench    *bench,
             gpointer  data)
{
  Context *context = data;
  GType type = large_customer_get_type ();
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_select_new ();
  g_autoptr(CupelStream) stream = NULL;
  Sums sums = { 0 };

  cupel_select_add_column (select, cupel_attr (type, "id"));
  cupel_select_add_column (select, cupel_attr (type, "name"));
  cupel_select_add_column (select, cupel_attr (type, "description"));
  cupel_select_limit (select, SUITE_LARGE_ROWS);
  bench_mark_memory (bench);
  bench_start (bench);
  if ((stream = cupel_session_stream (session, select, SUITE_FETCH, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while (cupel_stream_step (stream, NULL, &context->error))
    add (&sums, cupel_stream_get_int64 (stream, 0), cupel_stream_get_string (stream, 1), cupel_stream_get_string (stream, 2));
  if (context->error != NULL)
    return failed (bench, context);
  bench_stop (bench);

  return check (bench, &sums);
}

static void
add_rows (Sums      *sums,
          GPtrArray *array)
{
  for (guint i = 0; i < array->len; i++)
    add (sums, cupel_row_get_int64 (array->pdata[i], 0), cupel_row_get_string (array->pdata[i], 1),
         cupel_row_get_string (array->pdata[i], 2));
}

static gboolean
core_fetchall (Bench    *bench,
               gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSelect) select = rows ();
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GPtrArray) all = NULL;
  Sums sums = { 0 };

  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, &context->error)) == NULL)
    return failed (bench, context);
  all = cupel_result_all_rows (result);
  add_rows (&sums, all);
  bench_stop (bench);

  return check (bench, &sums);
}

/* By name, for each row anew */
static gboolean
core_fetchall_mapping (Bench    *bench,
                       gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSelect) select = rows ();
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  Sums sums = { 0 };

  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while (cupel_result_step (result))
    add (&sums, cupel_result_get_int64 (result, (guint) cupel_result_find_column (result, "id")),
         cupel_result_get_string (result, (guint) cupel_result_find_column (result, "name")),
         cupel_result_get_string (result, (guint) cupel_result_find_column (result, "description")));
  bench_stop (bench);

  return check (bench, &sums);
}

static gboolean
core_fetchmany_w_streaming (Bench    *bench,
                            gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSelect) select = rows ();
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelStream) stream = NULL;
  Sums sums = { 0 };
  GPtrArray *block;

  bench_mark_memory (bench);
  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (stream = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, SUITE_FETCH, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((block = cupel_stream_next_rows (stream, NULL, &context->error)) != NULL)
    {
      add_rows (&sums, block);
      g_ptr_array_unref (block);
    }
  if (context->error != NULL)
    return failed (bench, context);
  bench_stop (bench);

  return check (bench, &sums);
}

const BenchCase large_cases[] = {
  { "large_resultsets/orm_full_objects_list", orm_full_objects_list },
  { "large_resultsets/orm_full_objects_chunks", orm_full_objects_chunks },
  { "large_resultsets/orm_columns", orm_columns },
  { "large_resultsets/core_fetchall", core_fetchall },
  { "large_resultsets/core_fetchall_mapping", core_fetchall_mapping },
  { "large_resultsets/core_fetchmany_w_streaming", core_fetchmany_w_streaming },
  { NULL }
};
