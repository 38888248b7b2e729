/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What writes: W4 a unit of work, W6 changes, W8 rows. */

#include <string.h>

#include "../texts.h"
#include "workloads.h"

static gboolean
empty_tables (Context *context)
{
  if (strcmp (cupel_url_get_dialect (cupel_engine_get_url (context->engine)), "postgresql") == 0)
    return execute (context, "TRUNCATE bench_wa, bench_wb");
  return execute (context, "DELETE FROM bench_wb") && execute (context, "DELETE FROM bench_wa");
}

gboolean
w4 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(GPtrArray) entities = g_ptr_array_new_full (BENCH_PARENTS, g_object_unref);
  guint child = 0;

  if (!empty_tables (context))
    return failed (bench, context);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("data %u", i);
      NewA *a = g_object_new (new_a_get_type (), "data", text, NULL);

      for (guint k = 0; k < BENCH_CHILDREN; k++)
        {
          g_autofree char *child_text = g_strdup_printf ("data %u", ++child);
          g_autoptr(NewB) b = g_object_new (new_b_get_type (), "data", child_text, NULL);

          cupel_entity_append (CUPEL_ENTITY (a), "bs", CUPEL_ENTITY (b));
        }
      g_ptr_array_add (entities, a);
    }

  bench_start (bench);
  if (!cupel_session_add_all (session, (CupelEntity **) entities->pdata, entities->len, &context->error) ||
      !cupel_session_flush (session, NULL, &context->error) ||
      !cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  for (guint i = 0; i < entities->len; i++)
    if (((NewA *) entities->pdata[i])->id <= 0)
      return bench_wrong (bench, "no key came back");
  return bench_check_families (bench, query_int64 (context, BENCH_COUNT_FAMILIES));
}

gboolean
w6 (Bench    *bench,
    gpointer  data)
{
  static guint generation;
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (changed_get_type ());
  g_autoptr(CupelResult) result = NULL;
  Changed *a;

  generation++;
  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((a = cupel_result_next (result)) != NULL)
    {
      char text[64];

      bench_new_data (text, generation, a->id);
      g_object_set (a, "data", text, NULL);
    }
  if (!cupel_session_flush (session, NULL, &context->error) || !cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  {
    const char *dialect = cupel_url_get_dialect (cupel_engine_get_url (context->engine));
    g_autofree char *sql =
      strcmp (dialect, "mysql") == 0
        ? g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = CONCAT('new %u ', id)", generation)
        : g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = 'new %u ' || id", generation);

    return bench_check_changes (bench, query_int64 (context, sql));
  }
}

gboolean
w8 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  CupelTable *table = cupel_entity_get_table (new_a_get_type ());
  g_autoptr(CupelInsert) insert = cupel_insert_new (table);
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;

  if (!empty_tables (context))
    return failed (bench, context);
  cupel_insert_add_column (insert, cupel_table_get_column (table, "data"));
  for (guint i = 1; i <= BENCH_ROWS; i++)
    {
      char text[32];

      if (i > 1)
        cupel_parameters_next (parameters);
      bench_data (text, i);
      cupel_parameters_set_string (parameters, "data", text);
    }

  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, NULL, &context->error)) == NULL ||
      !cupel_connection_commit (connection, NULL, &context->error) ||
      !cupel_connection_close (connection, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check_texts (bench, query_int64 (context, BENCH_SUM_LENGTHS));
}
