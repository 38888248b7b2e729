/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The example async_orm_writeonly, and what else a write-only collection does. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

/* Three a with 2, 1 and 2 b */
static gboolean
insert_three (CupelConformanceContext  *c,
              CupelEngine              *engine,
              GError                  **error)
{
  g_autoptr(CupelSession) session = cupel_session_new (engine);
  static const guint n_children[] = { 2, 1, 2 };
  CupelConformanceCounts n;

  for (guint i = 0; i < 3; i++)
    {
      char name[] = { 'a', '1' + i, '\0' };
      g_autoptr(CupelEntity) a = model_new_parent (write_only_a_get_type (), name, n_children[i], FALSE);

      if (!cupel_session_add (session, a, error))
        return FALSE;
    }
  cupel_conformance_check_int (c, "4", "pending", cupel_session_get_n_new (session), 8);
  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_context_get_counts (c, &n);
  cupel_conformance_check_at_most (c, "4", "INSERTs", n.inserts, model_max_inserts (c, 2, 8));
  return cupel_session_close (session, NULL, error);
}

static gboolean
read_children (CupelConformanceContext  *c,
               CupelSession             *session,
               WriteOnlyA               *a,
               gboolean                  as_stream,
               GError                  **error)
{
  static const guint expected[] = { 0, 2, 1, 2 };
  g_autoptr(CupelSelect) select = NULL;
  CupelWriteOnlyCollection *bs = cupel_entity_get_write_only (CUPEL_ENTITY (a), "bs", error);
  guint n = 0, wrong = 0;
  WriteOnlyB *b;

  if (bs == NULL || (select = cupel_write_only_collection_select (bs, error)) == NULL)
    return FALSE;
  if (as_stream)
    {
      g_autoptr(CupelStream) stream = cupel_session_stream (session, select, 0, NULL, error);

      if (stream == NULL)
        return FALSE;
      for (; (b = cupel_stream_next (stream, NULL, error)) != NULL; n++)
        wrong += b->a_id != a->id;
      if (*error != NULL || !cupel_stream_close (stream, NULL, error))
        return FALSE;
    }
  else
    {
      g_autoptr(CupelResult) result = cupel_session_scalars (session, select, NULL, error);

      if (result == NULL)
        return FALSE;
      for (; (b = cupel_result_next (result)) != NULL; n++)
        wrong += b->a_id != a->id;
    }
  cupel_conformance_check (c, as_stream ? "7" : "6", a->id >= 1 && a->id <= 3 && n == expected[a->id] && wrong == 0,
                           "the rows of a %d: got %u, of another a %u", (int) a->id, n, wrong);
  return TRUE;
}

static gboolean
run (CupelConformanceContext  *c,
     gpointer                  data,
     GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (write_only_a_get_type (), write_only_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) ordered = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(WriteOnlyA) a1 = NULL;
  g_autoptr(GError) local = NULL;
  CupelConformanceCounts n, total = { 0, };
  WriteOnlyA *a;
  guint i;

  if (engine == NULL)
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if (!cupel_engine_begin (engine, model_drop_all, metadata, NULL, error) ||
      !cupel_engine_begin (engine, model_create_all, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "3", "CREATEs", n.creates, 2);
  if (!insert_three (c, engine, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);

  session = cupel_session_new (engine);
  select = cupel_entity_select (write_only_a_get_type ());
  if ((result = cupel_session_scalars (session, select, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "5", "SELECTs: no loader for bs", n.selects, 1);
  for (i = 0; (a = cupel_result_next (result)) != NULL; i++)
    {
      if (!read_children (c, session, a, FALSE, error))
        return FALSE;
      if (i == 0)
        {
          cupel_conformance_check (c, "8", cupel_entity_get_list (CUPEL_ENTITY (a), "bs", &local) == NULL, "iteration is refused");
          cupel_conformance_check_error (c, "8", "a read of bs", local, CUPEL_ERROR_NOT_LOADED, "WriteOnlyA.bs");
        }
    }
  g_clear_object (&result);
  cupel_conformance_check_int (c, "6", "objects", i, 3);
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "6", "SELECTs of collections", n.selects, 3);
  cupel_conformance_check (c, "6", n.cache_hits >= 2, "all but the first come from the cache: got %u hits", n.cache_hits);

  if ((stream = cupel_session_stream (session, select, 0, NULL, error)) == NULL)
    return FALSE;
  for (i = 0; (a = cupel_stream_next (stream, NULL, error)) != NULL; i++)
    if (!read_children (c, session, a, TRUE, error))
      return FALSE;
  if (*error != NULL || !cupel_stream_close (stream, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "7", "objects", i, 3);
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "7", "SELECTs of nested streams", n.selects, 4);

  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "9", "statements that change something", n.inserts + n.updates + n.deletes, 0);
  cupel_conformance_check_int (c, "9", "COMMITs", n.commits, 1);

  ordered = cupel_entity_select (write_only_a_get_type ());
  cupel_select_order_by (ordered, cupel_attr (write_only_a_get_type (), "id"));
  if ((result = cupel_session_scalars (session, ordered, NULL, error)) == NULL)
    return FALSE;
  a1 = cupel_result_first (result);
  if (!cupel_conformance_check (c, "10", a1 != NULL && a1->id == 1, "the first object is 1"))
    return TRUE;
  g_object_set (a1, "data", "new data", NULL);
  if (!cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "10", "UPDATEs when closed without a commit", n.updates, 0);
  cupel_conformance_check_int (c, "10", "ROLLBACKs", n.rollbacks, 1);
  cupel_conformance_check_returned (c, "10", engine);

  cupel_conformance_check_int (c, "all", "CREATEs", total.creates, 2);
  cupel_conformance_check_at_most (c, "all", "SELECTs", total.selects, 9 + model_default_selects (c, 1));
  cupel_conformance_check_int (c, "all", "UPDATEs", total.updates, 0);
  cupel_conformance_check_int (c, "all", "COMMITs", total.commits, 4);
  cupel_conformance_check_int (c, "all", "ROLLBACKs", total.rollbacks, 1);

  g_clear_object (&session);
  g_clear_object (&a1);
  session = cupel_session_new (engine);
  if ((a1 = cupel_session_get_int64 (session, write_only_a_get_type (), 1, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_check_string (c, "10", "data for a later session", a1->data, "a1");
  return cupel_session_close (session, NULL, error);
}

/* Runs a statement in the session and commits; the rows that it changed, -1 on failure */
static gint64
execute_and_commit (CupelSession     *session,
                    CupelStatement   *statement,
                    GError          **error)
{
  g_autoptr(CupelResult) result = cupel_session_execute (session, statement, NULL, NULL, error);

  if (result == NULL || !cupel_session_commit (session, NULL, error))
    return -1;
  return cupel_result_get_row_count (result);
}

static gboolean
run_extras (CupelConformanceContext  *c,
            gpointer                  data,
            GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (write_only_a_get_type (), write_only_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(WriteOnlyA) a = NULL;
  g_autoptr(WriteOnlyB) added = g_object_new (write_only_b_get_type (), "data", "added", NULL);
  g_autoptr(CupelInsert) insert = NULL;
  g_autoptr(CupelUpdate) update = NULL;
  g_autoptr(CupelDelete) delete_ = NULL;
  CupelWriteOnlyCollection *bs;
  CupelConformanceCounts n;
  gint64 changed;

  if (engine == NULL || !cupel_engine_create_all (engine, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if (!insert_three (c, engine, error))
    return FALSE;

  session = cupel_session_new (engine);
  if ((a = cupel_session_get_int64 (session, write_only_a_get_type (), 1, NULL, error)) == NULL ||
      (bs = cupel_entity_get_write_only (CUPEL_ENTITY (a), "bs", error)) == NULL)
    return FALSE;

  cupel_conformance_context_take_counts (c, NULL);
  cupel_write_only_collection_append (bs, CUPEL_ENTITY (added));
  cupel_conformance_check_int (c, "add", "statements before the flush", cupel_conformance_context_get_statements (c), 0);
  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "add", "INSERTs", n.inserts, 1);
  cupel_conformance_check_int (c, "add", "SELECTs", n.selects, 0);
  cupel_conformance_check_int (c, "add", "UPDATEs", n.updates, 0);
  cupel_conformance_check_int (c, "add", "a_id of the added", added->a_id, 1);
  cupel_conformance_check_int (c, "add", "rows of a 1", model_query_int (c, engine, "SELECT count(*) FROM b WHERE a_id = 1"), 3);

  cupel_write_only_collection_remove (bs, CUPEL_ENTITY (added));
  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "remove", "UPDATEs", n.updates, 1);
  cupel_conformance_check_int (c, "remove", "SELECTs", n.selects, 0);
  cupel_conformance_check_int (c, "remove", "rows of a 1", model_query_int (c, engine, "SELECT count(*) FROM b WHERE a_id = 1"), 2);
  cupel_conformance_check_int (c, "remove", "rows of nobody", model_query_int (c, engine, "SELECT count(*) FROM b WHERE a_id IS NULL"), 1);

  if ((insert = cupel_write_only_collection_insert (bs, error)) == NULL)
    return FALSE;
  cupel_insert_set (insert, "data", cupel_literal_string ("inserted"));
  if ((changed = execute_and_commit (session, CUPEL_STATEMENT (insert), error)) < 0)
    return FALSE;
  cupel_conformance_check_int (c, "insert", "rows inserted", changed, 1);
  cupel_conformance_check_int (c, "insert", "such rows of a 1",
                               model_query_int (c, engine, "SELECT count(*) FROM b WHERE a_id = 1 AND data = 'inserted'"), 1);

  if ((update = cupel_write_only_collection_update (bs, error)) == NULL)
    return FALSE;
  cupel_update_set (update, "data", cupel_literal_string ("updated"));
  if ((changed = execute_and_commit (session, CUPEL_STATEMENT (update), error)) < 0)
    return FALSE;
  cupel_conformance_check_int (c, "update", "rows updated", changed, 3);
  cupel_conformance_check_int (c, "update", "such rows in all", model_query_int (c, engine, "SELECT count(*) FROM b WHERE data = 'updated'"), 3);

  if ((delete_ = cupel_write_only_collection_delete (bs, error)) == NULL)
    return FALSE;
  if ((changed = execute_and_commit (session, CUPEL_STATEMENT (delete_), error)) < 0)
    return FALSE;
  cupel_conformance_check_int (c, "delete", "rows deleted", changed, 3);
  cupel_conformance_check_int (c, "delete", "rows left", model_query_int (c, engine, "SELECT count(*) FROM b"), 4);

  if (!cupel_session_delete (session, CUPEL_ENTITY (a), error) || !cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "parent", "parents left", model_query_int (c, engine, "SELECT count(*) FROM a"), 2);
  return cupel_session_close (session, NULL, error);
}

void
conformance_add_writeonly (void)
{
  conformance_add ("async_orm_writeonly", "the example async_orm_writeonly, with nested streams", CUPEL_CAP_NONE, run, NULL);
  conformance_add ("writeonly_extras", "add, remove, insert, update and delete of a write-only collection", CUPEL_CAP_NONE, run_extras, NULL);
}
