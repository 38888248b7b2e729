/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The example greenlet_orm, the synopsis of the documentation, and two older forms of async_orm. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

/* Three parents with 2, 1 and 2 children in one transaction */
static gboolean
insert_three (CupelConformanceContext  *c,
              CupelSession             *session,
              GType                     type,
              GPtrArray                *kept,
              GError                  **error)
{
  static const guint n_children[] = { 2, 1, 2 };

  for (guint i = 0; i < 3; i++)
    {
      char name[] = { 'a', '1' + i, '\0' };
      CupelEntity *a = model_new_parent (type, name, n_children[i], FALSE);

      g_ptr_array_add (kept, a);
      if (!cupel_session_add (session, a, error))
        return FALSE;
    }
  return cupel_session_commit (session, NULL, error);
}

typedef struct
{
  CupelConformanceContext *context;
  CupelEntity *entity;
  GError *error;
  gboolean answer;
  guint n_rows;
  gboolean fail;
} Work;

static void
require_outside (gpointer data)
{
  Work *work = data;

  work->answer = cupel_entity_require (work->entity, "data", &work->error);
}

static gboolean
query_in_straight_lines (CupelSession  *session,
                         gpointer       data,
                         GCancellable  *cancellable,
                         GError       **error)
{
  Work *work = data;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) ordered = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(ClassicA) a1 = NULL;
  ClassicA *a;

  if (work->fail)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "the function's own error");
      return FALSE;
    }

  select = cupel_entity_select (classic_a_get_type ());
  if ((result = cupel_session_scalars (session, select, cancellable, error)) == NULL)
    return FALSE;
  while ((a = cupel_result_next (result)) != NULL)
    {
      GListModel *bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", error);   /* suspends: it is not loaded */

      if (bs == NULL)
        return FALSE;
      work->n_rows += g_list_model_get_n_items (bs);
    }
  g_clear_object (&result);
  ordered = cupel_entity_select (classic_a_get_type ());
  cupel_select_order_by (ordered, cupel_attr (classic_a_get_type (), "id"));
  if ((result = cupel_session_scalars (session, ordered, cancellable, error)) == NULL)
    return FALSE;
  a1 = cupel_result_first (result);
  g_object_set (a1, "data", "new data", NULL);
  return TRUE;
}

static gboolean
run_greenlet (CupelConformanceContext  *c,
              gpointer                  data,
              GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (classic_a_get_type (), classic_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GError) local = NULL;
  Work work = { c, NULL, NULL, FALSE, 0, FALSE };
  CupelConformanceCounts n, total = { 0, };

  if (engine == NULL)
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if (!cupel_engine_begin (engine, model_drop_create_all, metadata, NULL, error))
    return FALSE;
  session = cupel_session_new (engine);
  cupel_session_set_expire_on_commit (session, TRUE);
  if (!insert_three (c, session, classic_a_get_type (), kept, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "1", "CREATEs", n.creates, 2);
  cupel_conformance_check_at_most (c, "1", "INSERTs", n.inserts, model_max_inserts (c, 2, 8));

  work.entity = kept->pdata[0];
  cupel_call_on_main_stack (require_outside, &work);
  cupel_conformance_check_error (c, "1", "an expired attribute, read outside a fiber", work.error, CUPEL_ERROR_NOT_LOADED, "ClassicA.data");
  g_clear_error (&work.error);
  cupel_conformance_check_int (c, "1", "statements of that read", cupel_conformance_context_get_statements (c), 0);
  g_ptr_array_set_size (kept, 0);

  if (!cupel_session_run (session, query_in_straight_lines, &work, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "2", "children read", work.n_rows, 5);
  cupel_conformance_check_int (c, "2", "SELECTs: 1 + 3 + 1", n.selects, 5);
  cupel_conformance_check_int (c, "2", "BEGINs", n.begins, 1);

  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "3", "UPDATEs", n.updates, 1);
  cupel_conformance_check_int (c, "3", "COMMITs", n.commits, 1);

  work.fail = TRUE;
  cupel_conformance_check (c, "2", !cupel_session_run (session, query_in_straight_lines, &work, NULL, &local) &&
                           g_error_matches (local, G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT), "the function's own error passes through: %s",
                           local != NULL ? local->message : "none");
  if (!cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "3", "ROLLBACKs at the end", n.rollbacks, 0);
  cupel_conformance_check_returned (c, "3", engine);

  cupel_conformance_check_int (c, "all", "SELECTs", total.selects, 5);
  cupel_conformance_check_int (c, "all", "UPDATEs", total.updates, 1);
  cupel_conformance_check_int (c, "all", "COMMITs", total.commits, 3);
  cupel_conformance_check_int (c, "all", "ROLLBACKs", total.rollbacks, 0);
  cupel_conformance_check_int (c, "3", "rows with the new data", model_query_int (c, engine, "SELECT count(*) FROM a WHERE data = 'new data'"), 1);
  return TRUE;
}

/* @data: FALSE for the form of 1.4.0b1, TRUE for that of February 2021 */
static gboolean
run_form (CupelConformanceContext  *c,
          gpointer                  data,
          GError                  **error)
{
  gboolean dated = GPOINTER_TO_INT (data);
  GType a_type = dated ? model_a_get_type () : classic_a_get_type ();
  GType b_type = dated ? model_b_get_type () : classic_b_get_type ();
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (a_type, b_type, G_TYPE_INVALID);
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) ordered = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(CupelEntity) a1 = NULL;
  CupelConformanceCounts n, total = { 0, };
  CupelEntity *a;
  guint objects = 0, children = 0, dates = 0, loaded = 0;

  if (engine == NULL)
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if (!cupel_engine_begin (engine, model_drop_create_all, metadata, NULL, error))
    return FALSE;
  if (dated)
    {
      g_autoptr(CupelSessionFactory) factory = cupel_session_factory_new (engine);

      g_object_set (factory, "expire-on-commit", FALSE, NULL);
      session = cupel_session_factory_create (factory);
    }
  else
    {
      session = cupel_session_new (engine);
      cupel_session_set_expire_on_commit (session, TRUE);
    }
  if (!insert_three (c, session, a_type, kept, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "ddl", "CREATEs", n.creates, 2);
  cupel_conformance_check_int (c, "ddl", "COMMITs of DDL and INSERTs", n.commits, 2);
  cupel_conformance_check_at_most (c, "insert", "INSERTs", n.inserts, model_max_inserts (c, 2, 8));
  for (guint i = 0; i < kept->len; i++)
    loaded += cupel_entity_is_loaded (kept->pdata[i], dated ? "create_date" : "id");
  if (dated)
    {
      cupel_conformance_check_int (c, "insert", "server defaults fetched at once (eager_defaults)", loaded, 3);
      cupel_conformance_check_int (c, "insert", "SELECTs for them", n.selects, model_default_selects (c, 1));
      total.selects -= n.selects;
    }
  g_ptr_array_set_size (kept, 0);

  select = cupel_entity_select (a_type);
  cupel_select_add_option (select, cupel_selectinload (a_type, "bs"));
  if ((result = cupel_session_execute (session, CUPEL_STATEMENT (select), NULL, NULL, error)) == NULL)
    return FALSE;
  while ((a = cupel_result_next (result)) != NULL)
    {
      GListModel *bs = cupel_entity_get_list (a, "bs", error);

      if (bs == NULL)
        return FALSE;
      objects++;
      children += g_list_model_get_n_items (bs);
      dates += dated && ((ModelA *) a)->create_date != NULL;
    }
  g_clear_object (&result);
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check (c, "select", objects == 3 && children == 5, "3 objects with 5 children: got %u with %u", objects, children);
  cupel_conformance_check_int (c, "select", "SELECTs", n.selects, 2);
  if (dated)
    cupel_conformance_check_int (c, "select", "objects with a date", dates, 3);

  if ((stream = cupel_session_stream (session, select, 0, NULL, error)) == NULL)
    return FALSE;
  for (objects = 0; cupel_stream_next (stream, NULL, error) != NULL; objects++)
    ;
  if (*error != NULL || !cupel_stream_close (stream, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "stream", "objects", objects, 3);

  ordered = cupel_entity_select (a_type);
  cupel_select_order_by (ordered, cupel_attr (a_type, "id"));
  if ((result = cupel_session_execute (session, CUPEL_STATEMENT (ordered), NULL, NULL, error)) == NULL)
    return FALSE;
  if ((a1 = cupel_result_first (result)) == NULL)
    return cupel_conformance_check (c, "change", FALSE, "no first object");
  g_object_set (a1, "data", "new data", NULL);
  if (!cupel_session_commit (session, NULL, error))
    return FALSE;
  if (!dated)
    cupel_conformance_check (c, "change", !cupel_entity_is_loaded (a1, "data"), "the object is expired after the commit");
  if (!cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_returned (c, "end", engine);

  cupel_conformance_check_int (c, "all", "CREATEs", total.creates, 2);
  cupel_conformance_check_int (c, "all", "SELECTs", total.selects, 5);
  cupel_conformance_check_int (c, "all", "UPDATEs", total.updates, 1);
  cupel_conformance_check_int (c, "all", "COMMITs", total.commits, 3);
  cupel_conformance_check_int (c, "all", "ROLLBACKs", total.rollbacks, 0);
  cupel_conformance_check_int (c, "end", "rows with the new data", model_query_int (c, engine, "SELECT count(*) FROM a WHERE data = 'new data'"), 1);
  return TRUE;
}

static gboolean
run_synopsis (CupelConformanceContext  *c,
              gpointer                  data,
              GError                  **error)
{
  static const guint n_children[] = { 2, 0, 2 };
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (strict_a_get_type (), strict_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSessionFactory) factory = NULL;
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelSession) reader = NULL;
  g_autoptr(CupelSelect) select = NULL;
  g_autoptr(CupelSelect) limited = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(StrictA) a1 = NULL;
  CupelConformanceCounts n;
  StrictA *a;
  GListModel *bs;
  guint i, right = 0;

  if (engine == NULL)
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if (!cupel_engine_begin (engine, model_create_all, metadata, NULL, error))
    return FALSE;
  factory = cupel_session_factory_new (engine);
  g_object_set (factory, "expire-on-commit", FALSE, NULL);

  session = cupel_session_factory_create (factory);
  for (i = 0; i < 3; i++)
    {
      char name[] = { 'a', '1' + i, '\0' };
      g_autoptr(CupelEntity) parent = model_new_parent (strict_a_get_type (), name, n_children[i], TRUE);

      if (!cupel_session_add (session, parent, error))
        return FALSE;
    }
  if (!cupel_session_commit (session, NULL, error) || !cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_at_most (c, "insert", "INSERTs", n.inserts, model_max_inserts (c, 2, 7));

  reader = cupel_session_factory_create (factory);
  select = cupel_entity_select (strict_a_get_type ());
  cupel_select_order_by (select, cupel_attr (strict_a_get_type (), "id"));
  cupel_select_add_option (select, cupel_selectinload (strict_a_get_type (), "bs"));
  if ((result = cupel_session_scalars (reader, select, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "select", "SELECTs", n.selects, 2);
  for (i = 0; (a = cupel_result_next (result)) != NULL; i++)
    {
      if ((bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", error)) == NULL)
        return FALSE;
      right += i < 3 && a->id == i + 1 && a->create_date != NULL && g_list_model_get_n_items (bs) == n_children[i];
    }
  g_clear_object (&result);
  cupel_conformance_check_int (c, "select", "objects", i, 3);
  cupel_conformance_check_int (c, "select", "objects in order, with 2, 0, 2 children", right, 3);
  cupel_conformance_check_int (c, "select", "statements to read them, the empty collection too", cupel_conformance_context_get_statements (c), 0);

  limited = cupel_entity_select (strict_a_get_type ());
  cupel_select_order_by (limited, cupel_attr (strict_a_get_type (), "id"));
  cupel_select_limit (limited, 1);
  if ((result = cupel_session_scalars (reader, limited, NULL, error)) == NULL || (a1 = cupel_result_one (result, error)) == NULL)
    return FALSE;
  cupel_conformance_check_int (c, "limit", "id", a1->id, 1);
  cupel_conformance_check (c, "limit", strstr (cupel_conformance_context_get_last_sql (c), "LIMIT") != NULL &&
                           strstr (cupel_conformance_context_get_last_sql (c), "LIMIT 1") == NULL, "the limit is bound: %s",
                           cupel_conformance_context_get_last_sql (c));
  g_object_set (a1, "data", "new data", NULL);
  if (!cupel_session_commit (reader, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "change", "UPDATEs", n.updates, 1);
  cupel_conformance_check_string (c, "change", "data", a1->data, "new data");
  cupel_conformance_check_int (c, "change", "statements to read it", cupel_conformance_context_get_statements (c), 0);
  if (!cupel_entity_load (CUPEL_ENTITY (a1), "bs", NULL, error) || (bs = cupel_entity_get_list (CUPEL_ENTITY (a1), "bs", error)) == NULL)
    return FALSE;
  right = 0;
  for (i = 0; i < g_list_model_get_n_items (bs); i++)
    {
      g_autoptr(StrictB) b = g_list_model_get_item (bs, i);

      right += g_strcmp0 (b->data, "a1 b1") == 0 || g_strcmp0 (b->data, "a1 b2") == 0;
    }
  cupel_conformance_check (c, "lazy", i == 2 && right == 2, "b1 and b2 of a1: got %u, right %u", i, right);
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "lazy", "SELECTs", n.selects, 1);
  if (!cupel_session_close (reader, NULL, error) || !cupel_engine_dispose (engine, NULL, error))
    return FALSE;
  cupel_conformance_check (c, "dispose", cupel_engine_get_pool (engine) == NULL ||
                           (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)) == 0 &&
                            cupel_pool_get_checked_out (cupel_engine_get_pool (engine)) == 0), "no connection is left");
  return TRUE;
}

void
conformance_add_forms (void)
{
  conformance_add ("greenlet_orm", "the example greenlet_orm: a function in straight lines that loads what it reads", CUPEL_CAP_NONE,
                   run_greenlet, NULL);
  conformance_add ("synopsis", "the longer synopsis: an empty collection, a limit, one object", CUPEL_CAP_NONE, run_synopsis, NULL);
  conformance_add ("async_orm_2020", "async_orm in its form of 1.4.0b1", CUPEL_CAP_NONE, run_form, NULL);
  conformance_add ("async_orm_2021", "async_orm in its form of February 2021, with server defaults fetched", CUPEL_CAP_NONE, run_form,
                   GINT_TO_POINTER (TRUE));
}
