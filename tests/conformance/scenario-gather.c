/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The example gather_orm_statements: many statements at once, each in a session of its own, merged afterwards. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

#define N_ROWS  100
#define N_TASKS 30

CUPEL_DECLARE_ENTITY (GatherA, gather_a)

struct _GatherA
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
};

static const CupelColumnSpec gather_a_columns[] = {
  CUPEL_COLUMN (GatherA, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (GatherA, data, STRING, .length = 50, .not_null = TRUE),
};

CUPEL_DEFINE_ENTITY (GatherA, gather_a, "a", gather_a_columns)

typedef struct
{
  CupelSessionFactory *factory;
  guint pick;
  guint *n_arrived;     /* of all tasks: those that got their connection */
  guint n_expected;
  CupelFrozenResult *frozen;
} Task;

static gboolean
run_task (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  Task *task = data;
  g_autoptr(CupelSession) session = cupel_session_factory_create (task->factory);
  g_autoptr(CupelSelect) select = cupel_entity_select (gather_a_get_type ());
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  g_autofree char *text = g_strdup_printf ("a_%u", task->pick);

  if ((connection = cupel_session_connection (session, CUPEL_ISOLATION_AUTOCOMMIT, cancellable, error)) == NULL)
    return FALSE;
  /* None gives its connection back before as many are lent as the pool has: how many that is must not depend on the server's speed. */
  ++*task->n_arrived;
  for (guint i = 0; *task->n_arrived < task->n_expected && i < 60000; i++)
    if (!cupel_fiber_sleep (1000, cancellable, error))
      return FALSE;
  cupel_select_where (select, cupel_eq (cupel_attr (gather_a_get_type (), "data"), cupel_literal_string (text)));
  if ((result = cupel_session_scalars (session, select, cancellable, error)) != NULL)
    task->frozen = cupel_result_freeze (result);
  return cupel_session_close (session, cancellable, result != NULL ? error : NULL) && result != NULL;
}

static gboolean
run (CupelConformanceContext  *c,
     gpointer                  data,
     GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (gather_a_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSessionFactory) factory = NULL;
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(GPtrArray) merged = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelText) text = cupel_text_new ("SELECT count(*) FROM a");
  g_autoptr(CupelResult) counted = NULL;
  gboolean persistent = cupel_conformance_context_get_capabilities (c) & CUPEL_CAP_PERSISTENT;
  Task tasks[N_TASKS] = { { NULL, }, };
  CupelConformanceCounts n, total = { 0, };
  CupelPool *pool;
  guint i, rows = 0, numbered = 0, together = 0, thawed = 0, n_arrived = 0;
  gboolean joined;

  if (engine == NULL)
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if (!cupel_engine_begin (engine, model_drop_create_all, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_int (c, "1", "CREATEs", n.creates, 1);
  cupel_conformance_check_int (c, "1", "COMMITs", n.commits, 1);

  factory = cupel_session_factory_new (engine);
  session = cupel_session_factory_create (factory);
  for (i = 0; i < N_ROWS; i++)
    {
      g_autofree char *value = g_strdup_printf ("a_%u", i);
      g_autoptr(GatherA) a = g_object_new (gather_a_get_type (), "data", value, NULL);

      if (!cupel_session_add (session, CUPEL_ENTITY (a), error))
        return FALSE;
    }
  if (!cupel_session_commit (session, NULL, error) || !cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  cupel_conformance_check_at_most (c, "2", "INSERTs", n.inserts, model_max_inserts (c, 1, N_ROWS));
  cupel_conformance_check (c, "2", n.inserts >= 1, "INSERTs seen: got %u", n.inserts);
  cupel_conformance_check_int (c, "2", "COMMITs", n.commits, 1);

  /* Some are asked for twice. */
  for (i = 0; i < N_TASKS; i++)
    {
      tasks[i].factory = factory;
      tasks[i].n_arrived = &n_arrived;
      tasks[i].n_expected = persistent ? 15 : 1;
      tasks[i].pick = i >= N_TASKS - 3 ? tasks[i - N_TASKS / 2].pick : (guint) g_random_int_range (0, N_ROWS);
      cupel_task_group_spawn (group, run_task, &tasks[i], NULL);
    }
  joined = cupel_task_group_join (group, error);
  cupel_conformance_context_take_counts (c, &n);
  model_add_counts (&total, &n);
  pool = cupel_engine_get_pool (engine);
  cupel_conformance_check_int (c, "3", "SELECTs", n.selects, N_TASKS);
  cupel_conformance_check_int (c, "3", "connections lent at once", cupel_pool_get_peak_checked_out (pool), persistent ? 15 : 1);
  cupel_conformance_check_int (c, "3", "connects", total.connects, persistent ? 15 : 1);
  cupel_conformance_check_int (c, "3", "checkouts", total.checkouts, 2 + N_TASKS);
  cupel_conformance_check_returned (c, "3", engine);
  cupel_conformance_check_int (c, "4", "transactions that the SELECTs began", n.begins, 0);
  cupel_conformance_check_at_most (c, "4", "ROLLBACKs", n.rollbacks, N_TASKS);

  /* Every connection is at its own level again: a SELECT begins a transaction. */
  if (joined && (connection = cupel_engine_connect (engine, NULL, error)) != NULL &&
      (counted = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error)) != NULL)
    {
      cupel_conformance_check (c, "4", cupel_connection_in_transaction (connection), "the next use of a connection has its own level again");
      cupel_connection_close (connection, NULL, NULL);
    }
  cupel_conformance_context_take_counts (c, NULL);

  for (i = 0; joined && i < N_TASKS; i++)
    {
      g_autoptr(CupelResult) again = cupel_frozen_result_thaw (tasks[i].frozen);
      g_autoptr(CupelResult) result = cupel_session_merge_frozen (session, tasks[i].frozen, error);
      g_autoptr(GatherA) a = result != NULL ? cupel_result_one (result, error) : NULL;

      thawed += again != NULL && cupel_result_get_n_rows (again) == 1;
      rows += cupel_frozen_result_get_n_rows (tasks[i].frozen);
      if (a == NULL)
        {
          joined = FALSE;
          break;
        }
      numbered += a->id == tasks[i].pick + 1;
      for (guint k = 0; k < i; k++)
        if (tasks[k].pick == tasks[i].pick)
          {
            together += merged->pdata[k] == a;
            break;
          }
      g_ptr_array_add (merged, g_steal_pointer (&a));
    }
  for (i = 0; i < N_TASKS; i++)
    g_clear_object (&tasks[i].frozen);
  if (!joined)
    return FALSE;
  cupel_conformance_check_int (c, "5", "rows of the frozen results, after their sessions were closed", rows, N_TASKS);
  cupel_conformance_check_int (c, "5", "frozen results that can be read again", thawed, N_TASKS);
  cupel_conformance_check_int (c, "6", "statements to merge", cupel_conformance_context_get_statements (c), 0);
  cupel_conformance_check_int (c, "6", "objects with the right id", numbered, N_TASKS);
  cupel_conformance_check (c, "6", together >= 3 && cupel_session_get_n_persistent (session) == N_TASKS - together,
                           "equal keys are one object: %u of %u, %u in the session", together, N_TASKS,
                           cupel_session_get_n_persistent (session));

  cupel_conformance_check_int (c, "all", "CREATEs", total.creates, 1);
  cupel_conformance_check_int (c, "all", "SELECTs", total.selects, 30);
  cupel_conformance_check_int (c, "all", "COMMITs", total.commits, 2);
  cupel_conformance_check_at_most (c, "all", "ROLLBACKs", total.rollbacks, 30);
  return cupel_session_close (session, NULL, error);
}

void
conformance_add_gather (void)
{
  conformance_add ("gather_orm_statements", "the example gather_orm_statements: 30 sessions at once", CUPEL_CAP_NONE, run, NULL);
}
