/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The example basic: without classes. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

typedef struct
{
  CupelConformanceContext *context;
  CupelMetadata *metadata;
  CupelTable *t1;
} Basic;

static gboolean
set_up (CupelConnection  *connection,
        gpointer          data,
        GCancellable     *cancellable,
        GError          **error)
{
  Basic *basic = data;
  g_autoptr(CupelInsert) insert = cupel_insert_new (basic->t1);
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;

  if (!model_drop_create_all (connection, basic->metadata, cancellable, error))
    return FALSE;
  cupel_insert_add_column (insert, cupel_table_get_column (basic->t1, "name"));
  cupel_parameters_set_string (parameters, "name", "some name 1");
  cupel_parameters_next (parameters);
  cupel_parameters_set_string (parameters, "name", "some name 2");
  result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, cancellable, error);
  if (result == NULL)
    return FALSE;
  cupel_conformance_check (basic->context, "2", !cupel_result_returns_rows (result), "the INSERT returns no rows");
  cupel_conformance_check_int (basic->context, "2", "rows inserted", cupel_result_get_row_count (result), 2);
  return TRUE;
}

static gboolean
run (CupelConformanceContext  *c,
     gpointer                  data,
     GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(CupelTable) t1 = cupel_table_new ("t1");
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) equal = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GPtrArray) rows = NULL;
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  Basic basic = { c, metadata, t1 };
  CupelConformanceCounts n, total = { 0, };
  guint i;

  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (t1, id);
  cupel_table_add_column (t1, cupel_column_new ("name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50)));
  if (engine == NULL || !cupel_metadata_add_table (metadata, t1, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);

  if (!cupel_engine_begin (engine, set_up, &basic, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "1", "CREATEs", n.creates, 1);
  cupel_conformance_check_int (c, "1", "COMMITs", n.commits, 1);
  cupel_conformance_check_returned (c, "1", engine);
  cupel_conformance_check_int (c, "2", "INSERTs", n.inserts, 1);
  cupel_conformance_check_int (c, "2", "statements with many sets", n.many, 1);

  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_check (c, "3", !cupel_connection_in_transaction (connection), "no transaction before the first statement");
  select = cupel_select_new_from_table (t1);
  cupel_select_order_by (select, cupel_table_c (t1, "id"));
  if ((result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "3", "BEGINs", n.begins, 1);
  cupel_conformance_check (c, "3", cupel_connection_in_transaction (connection), "a transaction after it");
  cupel_conformance_check_int (c, "4", "SELECTs", n.selects, 1);
  cupel_conformance_check_int (c, "4", "the column name's place", cupel_result_find_column (result, "name"), 1);
  rows = cupel_result_all_rows (result);
  cupel_conformance_check_int (c, "4", "rows", rows->len, 2);
  for (i = 0; i < rows->len && i < 2; i++)
    {
      g_autofree char *expected = g_strdup_printf ("some name %u", i + 1);

      cupel_conformance_check_int (c, "4", "id", cupel_row_get_int64 (rows->pdata[i], 0), i + 1);
      cupel_conformance_check_string (c, "4", "name", cupel_row_get_string (rows->pdata[i], 1), expected);
    }
  cupel_conformance_check_int (c, "4", "statements while fetching", cupel_conformance_context_get_statements (c), 0);

  equal = cupel_select_new_from_table (t1);
  cupel_select_order_by (equal, cupel_table_c (t1, "id"));
  if ((stream = cupel_connection_stream (connection, CUPEL_STATEMENT (equal), NULL, 0, NULL, error)) == NULL)
    return FALSE;
  for (i = 0; cupel_stream_step (stream, NULL, error); i++)
    {
      g_autofree char *expected = g_strdup_printf ("some name %u", i + 1);

      cupel_conformance_check_int (c, "5", "id", cupel_stream_get_int64 (stream, 0), i + 1);
      cupel_conformance_check_string (c, "5", "name", cupel_stream_get_string (stream, 1), expected);
    }
  if (*error != NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "5", "rows", i, 2);
  cupel_conformance_check_int (c, "5", "SELECTs", n.selects, 1);
  cupel_conformance_check_int (c, "5", "cache hits of an equal statement", n.cache_hits, 1);
  cupel_conformance_check (c, "5", cupel_stream_is_closed (stream), "the stream is closed at its end");

  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "3", "ROLLBACKs at the end of the block", n.rollbacks, 1);
  cupel_conformance_check_returned (c, "3", engine);

  cupel_conformance_check_int (c, "all", "CREATEs", total.creates, 1);
  cupel_conformance_check_int (c, "all", "INSERTs", total.inserts, 1);
  cupel_conformance_check_int (c, "all", "SELECTs", total.selects, 2);
  cupel_conformance_check_int (c, "all", "UPDATEs", total.updates, 0);
  cupel_conformance_check_int (c, "all", "COMMITs", total.commits, 1);
  cupel_conformance_check_int (c, "all", "ROLLBACKs", total.rollbacks, 1);
  return TRUE;
}

void
conformance_add_basic (void)
{
  conformance_add ("basic", "the example basic: tables and rows without classes", CUPEL_CAP_NONE, run, NULL);
}
