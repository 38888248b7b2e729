/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The example async_orm, step by step. Its last read of the collection costs nothing when the program still holds what it read
 * before, and one SELECT when it does not: one scenario for each. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

static gboolean
insert_and_fail (CupelConnection  *connection,
                 gpointer          data,
                 GCancellable     *cancellable,
                 GError          **error)
{
  g_autoptr(CupelInsert) insert = cupel_insert_new (cupel_entity_get_table (model_a_get_type ()));
  g_autoptr(CupelResult) result = NULL;

  cupel_insert_set (insert, "data", cupel_literal_string ("never"));
  if ((result = cupel_connection_execute (connection, CUPEL_STATEMENT (insert), NULL, cancellable, error)) == NULL)
    return FALSE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "the program's own error");
  return FALSE;
}

static gboolean
run_error (CupelConformanceContext  *c,
           gpointer                  data,
           GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (model_a_get_type (), model_b_get_type (), G_TYPE_INVALID);
  g_autoptr(GError) local = NULL;
  CupelConformanceCounts n;

  if (engine == NULL || !cupel_engine_create_all (engine, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  cupel_conformance_context_take_counts (c, NULL);

  cupel_conformance_check (c, "2b", !cupel_engine_begin (engine, insert_and_fail, NULL, NULL, &local), "the block fails");
  cupel_conformance_check (c, "2b", g_error_matches (local, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT), "with the program's own error: got %s",
                           local != NULL ? local->message : "none");
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "2b", "INSERTs sent", n.inserts, 1);
  cupel_conformance_check_int (c, "2b", "ROLLBACKs", n.rollbacks, 1);
  cupel_conformance_check_int (c, "2b", "COMMITs", n.commits, 0);
  cupel_conformance_check_returned (c, "2b", engine);
  cupel_conformance_check_int (c, "2b", "rows left of the block", model_query_int (c, engine, "SELECT count(*) FROM a"), 0);
  return TRUE;
}

/* a.data null, a.create_date with its default, and b.a_id not null and referring */
static void
check_tables (CupelConformanceContext *c,
              CupelEngine             *engine)
{
  static const struct
  {
    const char *sql;
    CupelError code;
    const char *what;
  } refused[] = {
    { "INSERT INTO b (id, a_id, data) VALUES (1, NULL, 'x')", CUPEL_ERROR_NOT_NULL, "b.a_id is not null" },
    { "INSERT INTO b (id, a_id, data) VALUES (1, 4711, 'x')", CUPEL_ERROR_FOREIGN_KEY, "b.a_id refers to a" },
    { "INSERT INTO a (id, create_date) VALUES (4711, NULL)", CUPEL_ERROR_NOT_NULL, "a.create_date is not null" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, &error);
      g_autoptr(CupelText) text = cupel_text_new (refused[i].sql);
      g_autoptr(CupelResult) result = NULL;

      if (refused[i].code == CUPEL_ERROR_FOREIGN_KEY && !(cupel_conformance_context_get_capabilities (c) & CUPEL_CAP_FOREIGN_KEYS))
        continue;
      if (connection != NULL)
        result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);
      cupel_conformance_check_error (c, "3", refused[i].what, error, refused[i].code, NULL);
      if (connection != NULL)
        cupel_connection_close (connection, NULL, NULL);
    }
  cupel_conformance_context_take_counts (c, NULL);
}

static gboolean
run (CupelConformanceContext  *c,
     gpointer                  data,
     GError                  **error)
{
  gboolean held = GPOINTER_TO_INT (data);
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (model_a_get_type (), model_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSessionFactory) factory = NULL;
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelSession) other = NULL;
  g_autoptr(CupelSession) reader = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) ordered = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(ModelA) a1 = NULL;
  CupelEntity *parents[3] = { NULL, };
  CupelConformanceCounts n, total = { 0, };
  ModelA *a;
  GListModel *bs;
  guint i, sizes[4] = { 0, }, same = 0;
  gint64 next_b = 1;
  gboolean added, dates = TRUE, numbers = TRUE;
  static const guint n_children[] = { 2, 1, 2 };

  if (engine == NULL)
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  cupel_conformance_context_get_counts (c, &n);
  cupel_conformance_check_int (c, "1", "connections after construction", n.connects, 0);
  cupel_conformance_check (c, "1", cupel_dialect_get_name (cupel_engine_get_dialect (engine)) != NULL, "the dialect has a name: %s",
                           cupel_dialect_get_name (cupel_engine_get_dialect (engine)));
  cupel_conformance_check (c, "1", cupel_engine_get_driver_name (engine) != NULL, "the driver has a name: %s",
                           cupel_engine_get_driver_name (engine));

  /* drop_all has nothing to drop the first time; the second time, what create_all made */
  if (!cupel_engine_begin (engine, model_drop_all, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "2", "DROPs where nothing exists", n.drops, 0);
  if (!cupel_engine_begin (engine, model_create_all, metadata, NULL, error))
    return FALSE;
  check_tables (c, engine);
  if (!cupel_engine_begin (engine, model_drop_all, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "2", "DROPs of what exists", n.drops, 2);
  cupel_conformance_check (c, "2", strstr (cupel_conformance_context_get_last_sql (c), "b") == NULL, "the child first, a last: %s",
                           cupel_conformance_context_get_last_sql (c));
  cupel_conformance_check_int (c, "2", "COMMITs", n.commits, 1);
  cupel_conformance_check_returned (c, "2", engine);

  if (!cupel_engine_begin (engine, model_create_all, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "3", "CREATEs", n.creates, 2);
  cupel_conformance_check_int (c, "3", "COMMITs", n.commits, 1);
  if (!cupel_engine_begin (engine, model_create_all, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "3", "DDL of a second create_all", n.creates + n.drops + n.others, 0);

  factory = cupel_session_factory_new (engine);
  g_object_set (factory, "expire-on-commit", FALSE, NULL);
  session = cupel_session_factory_create (factory);
  other = cupel_session_factory_create (factory);
  cupel_conformance_check (c, "4", session != other, "two sessions of one factory are distinct");
  cupel_conformance_check (c, "4", !cupel_session_get_expire_on_commit (session) && !cupel_session_get_expire_on_commit (other),
                           "expire-on-commit is off in each");
  g_clear_object (&other);

  if (!cupel_session_begin (session, NULL, error))
    return FALSE;
  for (i = 0; i < 3; i++)
    {
      char name[] = { 'a', '1' + i, '\0' };

      parents[i] = model_new_parent (model_a_get_type (), name, n_children[i], FALSE);
    }
  added = cupel_session_add_all (session, parents, 3, error);
  cupel_conformance_check_int (c, "5", "pending before the flush", cupel_session_get_n_new (session), 8);
  cupel_conformance_check_int (c, "5", "statements before the flush", cupel_conformance_context_get_statements (c), 0);
  if (!added || !cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "5", "pending after the commit", cupel_session_get_n_new (session), 0);
  cupel_conformance_check_int (c, "5", "persistent after the commit", cupel_session_get_n_persistent (session), 8);

  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check (c, "6", n.inserts >= 2, "INSERTs into two tables: got %u", n.inserts);
  cupel_conformance_check_at_most (c, "6", "INSERTs", n.inserts, model_max_inserts (c, 2, 8));
  cupel_conformance_check_int (c, "6", "SELECTs to fetch keys and defaults", n.selects, model_default_selects (c, 1));
  cupel_conformance_check_int (c, "6", "BEGINs", n.begins, 1);
  cupel_conformance_check_int (c, "6", "COMMITs", n.commits, 1);
  for (i = 0; i < 3; i++)
    {
      a = (ModelA *) parents[i];
      numbers = numbers && a->id == i + 1;
      bs = cupel_entity_get_list (parents[i], "bs", NULL);
      for (guint k = 0; k < n_children[i]; k++)
        {
          g_autoptr(ModelB) b = bs != NULL ? g_list_model_get_item (bs, k) : NULL;

          numbers = numbers && b != NULL && b->id == next_b++ && b->a_id == a->id &&
                    cupel_entity_is_null (CUPEL_ENTITY (b), "data");
        }
      dates = dates && cupel_entity_is_loaded (parents[i], "create_date") && a->create_date != NULL &&
              g_date_time_get_year (a->create_date) > 2000;
    }
  cupel_conformance_check (c, "6", numbers, "a.id is 1..3, b.id 1..5, b.a_id 1, 1, 2, 3, 3 in the order of add, b.data NULL");
  cupel_conformance_check (c, "7", dates, "create_date is a date and time in each");
  cupel_conformance_check_int (c, "7", "statements to read it", cupel_conformance_context_get_statements (c), 0);
  if (!cupel_session_close (session, NULL, error))
    return FALSE;
  for (i = 0; i < 3; i++)
    g_clear_object (&parents[i]);
  cupel_conformance_check_int (c, "7", "b.a_id 1, 1, 2, 3, 3 on the server",
                               model_query_int (c, engine, "SELECT sum(a_id * id) FROM b"), 1 + 2 + 6 + 12 + 15);

  g_clear_object (&session);
  session = cupel_session_factory_create (factory);
  select = cupel_entity_select (model_a_get_type ());
  cupel_select_add_option (select, cupel_selectinload (model_a_get_type (), "bs"));
  if ((result = cupel_session_scalars (session, select, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "8", "SELECTs", n.selects, 2);
  cupel_conformance_check_int (c, "8", "BEGINs", n.begins, 1);
  while ((a = cupel_result_next (result)) != NULL)
    {
      bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", error);
      if (bs == NULL)
        return FALSE;
      if (a->id >= 1 && a->id <= 3)
        sizes[a->id] = g_list_model_get_n_items (bs);
      if (held)
        g_ptr_array_add (kept, g_object_ref (a));
    }
  cupel_conformance_check (c, "8", sizes[1] == 2 && sizes[2] == 1 && sizes[3] == 2, "collections of 2, 1, 2: got %u, %u, %u", sizes[1],
                           sizes[2], sizes[3]);
  cupel_conformance_check_int (c, "9", "statements during the iteration", cupel_conformance_context_get_statements (c), 0);
  cupel_conformance_check (c, "9", cupel_result_next (result) == NULL, "a second iteration gives nothing more");
  g_clear_object (&result);
  cupel_conformance_check_int (c, "9", "objects that live on", cupel_session_get_n_persistent (session), held ? 8 : 0);

  if ((stream = cupel_session_stream (session, select, 0, NULL, error)) == NULL)
    return FALSE;
  memset (sizes, 0, sizeof sizes);
  i = 0;
  while ((a = cupel_stream_next (stream, NULL, error)) != NULL)
    {
      if ((bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", error)) == NULL)
        return FALSE;
      if (a->id >= 1 && a->id <= 3)
        sizes[a->id] = g_list_model_get_n_items (bs);
      same += held && g_ptr_array_find (kept, a, NULL);
      i++;
    }
  if (*error != NULL || !cupel_stream_close (stream, NULL, error))
    return FALSE;
  g_clear_object (&stream);
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "10", "objects streamed", i, 3);
  cupel_conformance_check (c, "10", sizes[1] == 2 && sizes[2] == 1 && sizes[3] == 2, "collections of 2, 1, 2: got %u, %u, %u", sizes[1],
                           sizes[2], sizes[3]);
  cupel_conformance_check_at_most (c, "10", "SELECTs", n.selects, 2);
  cupel_conformance_check (c, "10", n.selects >= (held ? 1 : 2), "SELECTs seen: got %u", n.selects);
  cupel_conformance_check (c, "10", n.cache_hits >= 1, "the compiled statement came from the cache: got %u hits", n.cache_hits);
  cupel_conformance_check_int (c, "10", "BEGINs", n.begins, 0);
  if (held)
    cupel_conformance_check_int (c, "10", "the same objects as in step 8", same, 3);

  ordered = cupel_entity_select (model_a_get_type ());
  cupel_select_order_by (ordered, cupel_attr (model_a_get_type (), "id"));
  if ((result = cupel_session_scalars (session, ordered, NULL, error)) == NULL)
    return FALSE;
  a1 = cupel_result_first (result);
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "11", "SELECTs", n.selects, 1);
  if (!cupel_conformance_check (c, "11", a1 != NULL && a1->id == 1, "the first object is 1: got %d", a1 != NULL ? (int) a1->id : -1))
    return TRUE;
  cupel_conformance_check (c, "11", cupel_result_is_closed (result), "the result is closed");
  cupel_conformance_check (c, "11", cupel_entity_is_loaded (CUPEL_ENTITY (a1), "bs") == held, "its collection is %s", held ? "loaded" : "not loaded");

  g_object_set (a1, "data", "new data", NULL);
  cupel_conformance_check_int (c, "12", "dirty objects", cupel_session_get_n_dirty (session), 1);
  cupel_conformance_check (c, "12", cupel_entity_is_modified (CUPEL_ENTITY (a1), "data"), "a1 is the one");
  cupel_conformance_check_int (c, "12", "statements", cupel_conformance_context_get_statements (c), 0);

  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "13", "UPDATEs", n.updates, 1);
  cupel_conformance_check_int (c, "13", "COMMITs", n.commits, 1);
  cupel_conformance_check (c, "13", strstr (cupel_conformance_context_get_last_sql (c), "data") != NULL &&
                           strstr (cupel_conformance_context_get_last_sql (c), "create_date") == NULL, "only the changed column: %s",
                           cupel_conformance_context_get_last_sql (c));

  cupel_conformance_check_string (c, "14", "data after the commit", a1->data, "new data");
  cupel_conformance_check_int (c, "14", "statements to read it", cupel_conformance_context_get_statements (c), 0);

  if (!cupel_entity_load (CUPEL_ENTITY (a1), "bs", NULL, error) || (bs = cupel_entity_get_list (CUPEL_ENTITY (a1), "bs", error)) == NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "15", "objects in bs", g_list_model_get_n_items (bs), 2);
  cupel_conformance_check_int (c, "15", "SELECTs", n.selects, held ? 0 : 1);

  if (!cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "16", "ROLLBACKs", n.rollbacks, held ? 0 : 1);
  cupel_conformance_check_returned (c, "16", engine);
  cupel_conformance_check_int (c, "16", "the state of a1 (detached)", cupel_entity_get_state (CUPEL_ENTITY (a1)), CUPEL_ENTITY_DETACHED);
  cupel_conformance_check_string (c, "16", "data of the detached", a1->data, "new data");

  cupel_conformance_check_int (c, "all", "CREATEs", total.creates, 2);
  cupel_conformance_check_at_most (c, "all", "INSERTs", total.inserts, model_max_inserts (c, 2, 8));
  cupel_conformance_check_at_most (c, "all", "SELECTs", total.selects,
                                  (held ? 5 : 6) + model_default_selects (c, 1));
  cupel_conformance_check_int (c, "all", "UPDATEs", total.updates, 1);
  cupel_conformance_check_int (c, "all", "COMMITs", total.commits, 4);
  cupel_conformance_check_int (c, "all", "ROLLBACKs", total.rollbacks, held ? 0 : 1);

  /* An equal value, and a change that is taken back, send nothing. */
  reader = cupel_session_factory_create (factory);
  g_clear_object (&a1);
  if ((a1 = cupel_session_get_int64 (reader, model_a_get_type (), 1, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_check_string (c, "13", "data for another session", a1->data, "new data");
  g_object_set (a1, "data", "new data", NULL);
  g_object_set (a1, "data", "another", NULL);
  g_object_set (a1, "data", "new data", NULL);
  cupel_conformance_context_take_counts (c, NULL);
  if (!cupel_session_commit (reader, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "13", "UPDATEs for an equal value and a change taken back", n.updates, 0);
  return cupel_session_close (reader, NULL, error);
}

void
conformance_add_async_orm (void)
{
  conformance_add ("async_orm_held", "the example async_orm, with what it read kept: no lazy SELECT", CUPEL_CAP_NONE, run,
                   GINT_TO_POINTER (TRUE));
  conformance_add ("async_orm_released", "the example async_orm, with what it read let go: one lazy SELECT", CUPEL_CAP_NONE, run, NULL);
  conformance_add ("async_orm_error", "an error inside of a begin block", CUPEL_CAP_NONE, run_error, NULL);
}
