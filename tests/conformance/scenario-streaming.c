/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rows that arrive while they are read. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

#define N_ROWS 1200
#define BLOCK  400

static gboolean
fill (CupelConnection  *connection,
      gpointer          metadata,
      GCancellable     *cancellable,
      GError          **error)
{
  CupelTable *tables[] = { cupel_entity_get_table (model_a_get_type ()), cupel_entity_get_table (model_b_get_type ()) };
  const char *const columns[] = { "data", "a_id" };

  if (!model_create_all (connection, metadata, cancellable, error))
    return FALSE;
  for (guint t = 0; t < 2; t++)
    {
      g_autoptr(CupelInsert) insert = cupel_insert_new (tables[t]);
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelResult) result = NULL;

      cupel_insert_add_column (insert, cupel_table_get_column (tables[t], "id"));
      cupel_insert_add_column (insert, cupel_table_get_column (tables[t], columns[t]));
      for (guint i = 0; i < N_ROWS; i++)
        {
          if (i > 0)
            cupel_parameters_next (parameters);
          cupel_parameters_set_int64 (parameters, "id", i + 1);
          if (t == 0)
            cupel_parameters_set_string (parameters, "data", "some text");
          else
            cupel_parameters_set_int64 (parameters, "a_id", i + 1);
        }
      result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, cancellable, error);
      if (result == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
run (CupelConformanceContext  *c,
     gpointer                  data,
     GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (model_a_get_type (), model_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) plain = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(CupelStream) lists = NULL;
  g_autoptr(GError) local = NULL;
  /* The last row cannot be computed: whoever reads all of it first delivers none. */
  g_autoptr(CupelText) text = cupel_text_new ("SELECT id, abs(CASE WHEN id = 1200 THEN -9223372036854775807 - 1 ELSE 0 END) AS x FROM a");
  GListModel *list;
  CupelConformanceCounts n;
  ModelA *a;
  guint i, wrong = 0, peak = 0, largest = 0;

  if (engine == NULL || !cupel_engine_begin (engine, fill, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);

  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  if ((stream = cupel_connection_stream (connection, CUPEL_STATEMENT (text), NULL, 100, NULL, &local)) != NULL)
    {
      for (i = 0; cupel_stream_step (stream, NULL, &local); i++)
        ;
      cupel_conformance_check (c, "rows", i >= 1 && i < N_ROWS, "rows came before the last was read: got %u of %u", i, N_ROWS);
      cupel_conformance_check (c, "rows", local != NULL, "the row that fails says so: %s", local != NULL ? local->message : "it did not");
      cupel_stream_close (stream, NULL, NULL);
      g_clear_object (&stream);
    }
  else
    cupel_conformance_check (c, "rows", FALSE, "rows came before the last was read: none did: %s", local->message);
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_check_returned (c, "rows", engine);

  session = cupel_session_new (engine);
  select = cupel_entity_select (model_a_get_type ());
  cupel_select_order_by (select, cupel_attr (model_a_get_type (), "id"));
  cupel_select_add_option (select, cupel_selectinload (model_a_get_type (), "bs"));
  cupel_conformance_context_take_counts (c, NULL);
  if ((stream = cupel_session_stream (session, select, BLOCK, NULL, error)) == NULL)
    return FALSE;
  for (i = 0; (a = cupel_stream_next (stream, NULL, error)) != NULL; i++)
    {
      GListModel *bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", error);

      if (bs == NULL)
        return FALSE;
      wrong += a->id != i + 1 || g_list_model_get_n_items (bs) != 1;
      peak = MAX (peak, cupel_session_get_n_persistent (session));
    }
  if (*error != NULL)
    return FALSE;
  cupel_conformance_check (c, "objects", i == N_ROWS && wrong == 0, "%u objects in order, each with its child: got %u, wrong %u", N_ROWS, i, wrong);
  cupel_conformance_check_at_most (c, "objects", "parents and children in memory at once", peak, 2 * BLOCK);
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "objects", "SELECTs: one, and one of children per batch", n.selects, 1 + N_ROWS / BLOCK);

  /* without a number of rows, too */
  g_clear_object (&stream);
  plain = cupel_entity_select (model_a_get_type ());
  if ((lists = cupel_session_stream (session, plain, 100, NULL, error)) == NULL)
    return FALSE;
  for (i = 0; (list = cupel_stream_next_list (lists, NULL, error)) != NULL;)
    {
      largest = MAX (largest, g_list_model_get_n_items (list));
      i += g_list_model_get_n_items (list);
      g_object_unref (list);
    }
  if (*error != NULL)
    return FALSE;
  cupel_conformance_check_int (c, "lists", "objects", i, N_ROWS);
  cupel_conformance_check_at_most (c, "lists", "objects in one batch", largest, 100);

  /* A stream that is left early gives back what it has. */
  g_clear_object (&lists);
  if ((stream = cupel_session_stream (session, plain, 0, NULL, error)) == NULL)
    return FALSE;
  if (cupel_stream_next (stream, NULL, error) == NULL || !cupel_stream_close (stream, NULL, error))
    return FALSE;
  cupel_conformance_check (c, "early", cupel_stream_is_closed (stream), "the stream is closed");
  if (!cupel_session_commit (session, NULL, error) || !cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_check_returned (c, "early", engine);
  cupel_conformance_check_int (c, "early", "rows for the next user", model_query_int (c, engine, "SELECT count(*) FROM a"), N_ROWS);
  return TRUE;
}

/* What the program writes on the connection of a stream is not in it: not a new row, not a changed one, not one less. */
static gboolean
run_writing (CupelConformanceContext  *c,
             gpointer                  data,
             GError                  **error)
{
  static const char *const writes[] = {
    "INSERT INTO a (id, data) VALUES (5000, 'new')", "UPDATE a SET data = 'changed'", "DELETE FROM a WHERE id > 600",
    "INSERT INTO a (id, data) VALUES (5001, 'new')",
  };
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (model_a_get_type (), model_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelText) select = cupel_text_new ("SELECT id, data FROM a ORDER BY id");
  g_autoptr(CupelText) clear = cupel_text_new ("DELETE FROM b");
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) cleared = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(CupelStream) other = NULL;
  gint64 n = 0, n_other = 0, wrong = 0;

  if (engine == NULL || !cupel_engine_begin (engine, fill, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL ||
      (cleared = cupel_connection_execute (connection, CUPEL_STATEMENT (clear), NULL, NULL, error)) == NULL ||
      (stream = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 100, NULL, error)) == NULL)
    return FALSE;
  while (cupel_stream_step (stream, NULL, error))
    {
      n++;
      wrong += cupel_stream_get_int64 (stream, 0) != n || g_strcmp0 (cupel_stream_get_string (stream, 1), "some text") != 0;
      if (n % 250 == 50 && n / 250 < (gint64) G_N_ELEMENTS (writes))
        {
          g_autoptr(CupelText) write = cupel_text_new (writes[n / 250]);
          g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (write), NULL, NULL, error);

          if (result == NULL)
            return FALSE;
        }
    }
  if (*error != NULL)
    return FALSE;
  cupel_conformance_check_int (c, "stream", "rows", n, N_ROWS);
  cupel_conformance_check_int (c, "stream", "rows that were not there, or not so, when it began", wrong, 0);

  if ((other = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 100, NULL, error)) == NULL)
    return FALSE;
  while (cupel_stream_step (other, NULL, error))
    n_other++;
  cupel_conformance_check_int (c, "after", "rows of a stream that began later", n_other, 601);
  return *error == NULL && cupel_connection_commit (connection, NULL, error) && cupel_connection_close (connection, NULL, error);
}

/* Who gives up reading is told so, whether the rows are still to come or here already. */
static gboolean
run_cancelling (CupelConformanceContext  *c,
                gpointer                  data,
                GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (model_a_get_type (), model_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelText) select = cupel_text_new ("SELECT id, data FROM a ORDER BY id");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GError) local = NULL;
  gint64 n = 0;

  if (engine == NULL || !cupel_engine_begin (engine, fill, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL ||
      (stream = cupel_connection_stream (connection, CUPEL_STATEMENT (select), NULL, 100, cancellable, error)) == NULL)
    return FALSE;
  while (cupel_stream_step (stream, cancellable, &local))
    if (++n == 50)
      g_cancellable_cancel (cancellable);
  cupel_conformance_check (c, "cancel", g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED), "reading ends as cancelled: %s",
                           local != NULL ? local->message : "it went on");
  cupel_conformance_check_at_most (c, "cancel", "rows until then", n, N_ROWS - 1);
  g_clear_object (&stream);
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "after", "rows for the next user", model_query_int (c, engine, "SELECT count(*) FROM a"), N_ROWS);
  return TRUE;
}

void
conformance_add_streaming (void)
{
  conformance_add ("stream-cancel", "reading a stream ends when it is cancelled", CUPEL_CAP_NONE, run_cancelling, NULL);
  conformance_add ("stream-writing", "a stream shows what was there when it began, whatever its connection writes", CUPEL_CAP_STREAMING,
                   run_writing, NULL);
  conformance_add ("streaming", "rows and objects arrive while they are read, a bounded number at a time", CUPEL_CAP_STREAMING, run, NULL);
}
