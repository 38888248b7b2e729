/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "suites.h"

#define DEFINE_B(Type, prefix, table, parent)                                                           \
  static const CupelColumnSpec prefix##_columns[] = {                                                   \
    CUPEL_COLUMN (Type, id, INT64, .primary_key = TRUE),                                                \
    CUPEL_COLUMN (Type, a_id, INT64, .foreign_key = parent ".id", .index = TRUE),                       \
    CUPEL_COLUMN (Type, data, STRING, .length = 255),                                                   \
  };                                                                                                    \
  CUPEL_DEFINE_ENTITY (Type, prefix, table, prefix##_columns)

DEFINE_A (Large, large, "bench_1m")
DEFINE_A (Many, many, "bench_100k")
DEFINE_A (Changed, changed, "bench_u")
DEFINE_B (Bb, bb, "bench_b", "bench_a")
DEFINE_A (Aa, aa, "bench_a", CUPEL_HAS_MANY ("bs", bb_get_type ()))
DEFINE_B (NewB, new_b, "bench_wb", "bench_wa")
DEFINE_A (NewA, new_a, "bench_wa", CUPEL_HAS_MANY ("bs", new_b_get_type ()))

gboolean
failed (Bench   *bench,
        Context *context)
{
  bench_wrong (bench, "%s", context->error != NULL ? context->error->message : "failed without an error");
  g_clear_error (&context->error);
  return FALSE;
}

gboolean
execute (Context    *context,
         const char *sql)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, &context->error);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = NULL;

  return connection != NULL &&
         (result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &context->error)) != NULL &&
         cupel_connection_commit (connection, NULL, &context->error) &&
         cupel_connection_close (connection, NULL, &context->error);
}

gint64
query_int64 (Context    *context,
             const char *sql)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, &context->error);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = NULL;

  cupel_text_add_result_type (text, cupel_sql_type_new (CUPEL_SQL_INT64));
  if (connection == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &context->error)) == NULL ||
      !cupel_result_step (result))
    return -1;
  return cupel_result_get_int64 (result, 0);
}

/* How late the loop is when nothing is done: what the other cases are compared with */
static gboolean
idle (Bench    *bench,
      gpointer  data)
{
  bench_start (bench);
  cupel_fiber_sleep (G_USEC_PER_SEC / 2, NULL, NULL);
  bench_stop (bench);
  return TRUE;
}

static const BenchCase own_cases[] = {
  { "prepare", prepare },
  { "prepare-suites", suite_prepare },
  { "idle", idle },
  { "W1", w1 },
  { "W2", w2 },
  { "W3", w3 },
  { "W4", w4 },
  { "W5", w5 },
  { "W6", w6 },
  { "W7", w7 },
  { "W7T", w7t },
  { "W8", w8 },
  { "W9", w9 },
  { NULL }
};

const BenchCase *workloads[] = { own_cases, bulk_cases, large_cases, short_cases, single_cases, scaling_cases, NULL };
