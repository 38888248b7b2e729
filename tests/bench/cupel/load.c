/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What reads: W1 entities, W2 with their children, W3 a stream, W5 by key, W9 rows. */

#include <string.h>

#include "workloads.h"

static gint64
to_unix (GDateTime *time)
{
  return g_date_time_to_unix (time);
}

gboolean
w1 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (many_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GPtrArray) entities = g_ptr_array_new_full (BENCH_ROWS, g_object_unref);
  gint64 ids = 0, lengths = 0, seconds = 0;
  Many *many;

  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((many = cupel_result_next (result)) != NULL)
    g_ptr_array_add (entities, g_object_ref (many));
  bench_stop (bench);

  for (guint i = 0; i < entities->len; i++)
    {
      many = entities->pdata[i];
      ids += many->id;
      lengths += (gint64) strlen (many->data);
      seconds += to_unix (many->create_date);
    }
  return bench_check (bench, "rows", entities->len, BENCH_ROWS) &&
         bench_check (bench, "sum of ids", ids, BENCH_SUM (BENCH_ROWS)) &&
         bench_check (bench, "length of all", lengths, bench_sum_lengths (BENCH_ROWS)) &&
         bench_check (bench, "sum of dates", seconds, BENCH_EPOCH * BENCH_ROWS + BENCH_SUM (BENCH_ROWS));
}

gboolean
w2 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (aa_get_type ());
  g_autoptr(CupelResult) result = NULL;
  gint64 sum = 0;
  Aa *a;

  cupel_select_add_option (select, cupel_selectinload (aa_get_type (), "bs"));
  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((a = cupel_result_next (result)) != NULL)
    {
      GListModel *bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", NULL);
      guint n = g_list_model_get_n_items (bs);

      for (guint i = 0; i < n; i++)
        {
          g_autoptr(Bb) b = g_list_model_get_item (bs, i);

          sum += b->id;
        }
    }
  bench_stop (bench);

  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS * BENCH_CHILDREN));
}

gboolean
w3 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (large_get_type ());
  g_autoptr(CupelStream) stream = NULL;
  gint64 n = 0, ids = 0, lengths = 0, seconds = 0;
  Large *large;

  bench_mark_memory (bench);
  bench_start (bench);
  if ((stream = cupel_session_stream (session, select, 0, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((large = cupel_stream_next (stream, NULL, &context->error)) != NULL)
    {
      n++;
      ids += large->id;
      lengths += (gint64) strlen (large->data);
      seconds += to_unix (large->create_date);
    }
  if (context->error != NULL)
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "rows", n, BENCH_ROWS_LARGE) &&
         bench_check (bench, "sum of ids", ids, BENCH_SUM (BENCH_ROWS_LARGE)) &&
         bench_check (bench, "length of all", lengths, bench_sum_lengths (BENCH_ROWS_LARGE)) &&
         bench_check (bench, "sum of dates", seconds, BENCH_EPOCH * BENCH_ROWS_LARGE + BENCH_SUM (BENCH_ROWS_LARGE));
}

gboolean
w5 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  gint64 sum = 0;

  bench_start (bench);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      g_autoptr(Aa) a = cupel_session_get_int64 (session, aa_get_type (), i, NULL, &context->error);

      if (a == NULL)
        return failed (bench, context);
      sum += a->id;
    }
  if (!cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS));
}

gboolean
w9 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (cupel_entity_get_table (many_get_type ()));
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  gint64 n = 0, ids = 0, lengths = 0, seconds = 0;

  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while (cupel_result_step (result))
    {
      n++;
      ids += cupel_result_get_int64 (result, 0);
      lengths += (gint64) strlen (cupel_result_get_string (result, 1));
      /* microseconds, as raw C has them */
      seconds += cupel_result_get_int64 (result, 2) / G_USEC_PER_SEC;
    }
  if (!cupel_connection_close (connection, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "rows", n, BENCH_ROWS) &&
         bench_check (bench, "sum of ids", ids, BENCH_SUM (BENCH_ROWS)) &&
         bench_check (bench, "length of all", lengths, bench_sum_lengths (BENCH_ROWS)) &&
         bench_check (bench, "sum of dates", seconds, BENCH_EPOCH * BENCH_ROWS + BENCH_SUM (BENCH_ROWS));
}
