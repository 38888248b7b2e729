/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Many statements at the same time, each in a session and on a connection of its own; the results are merged into one session.
 * Such statements share no transaction: do this only where that does not matter.
 *
 * gather_orm_statements URL, for instance postgresql://scott:tiger@localhost/test or sqlite:// */

#include <cupel.h>

#define N_ROWS 100
#define N_STATEMENTS 30

CUPEL_DECLARE_ENTITY (A, a)

struct _A
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
};

static const CupelColumnSpec a_columns[] = {
  CUPEL_COLUMN (A, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (A, data, STRING, .length = 50, .not_null = TRUE),
};

CUPEL_DEFINE_ENTITY (A, a, "a", a_columns)

typedef struct
{
  CupelEngine *engine;
  CupelSelect *select;
  CupelFrozenResult *frozen;
} Task;

static gboolean
run_out_of_band (gpointer data, GCancellable *cancellable, GError **error)
{
  Task *task = data;
  g_autoptr(CupelSession) session = cupel_session_new (task->engine);
  g_autoptr(CupelConnection) connection = cupel_session_connection (session, CUPEL_ISOLATION_AUTOCOMMIT, cancellable, error);
  g_autoptr(CupelResult) result = NULL;

  if (connection == NULL || !(result = cupel_session_scalars (session, task->select, cancellable, error)))
    return FALSE;
  task->frozen = cupel_result_freeze (result);
  return cupel_session_close (session, cancellable, error);
}

static gboolean
create_and_fill (CupelEngine *engine, CupelSession *session, GCancellable *cancellable, GError **error)
{
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (a_get_type (), G_TYPE_INVALID);

  if (!cupel_engine_drop_all (engine, metadata, cancellable, error) ||
      !cupel_engine_create_all (engine, metadata, cancellable, error))
    return FALSE;
  for (guint i = 0; i < N_ROWS; i++)
    {
      g_autofree char *text = g_strdup_printf ("a_%u", i);
      g_autoptr(A) a = g_object_new (a_get_type (), "data", text, NULL);

      if (!cupel_session_add (session, CUPEL_ENTITY (a), error))
        return FALSE;
    }
  return cupel_session_commit (session, cancellable, error) && cupel_session_close (session, cancellable, error);
}

static gboolean
gather (Task *tasks, guint n_tasks, GCancellable *cancellable, GError **error)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (cancellable);

  for (guint i = 0; i < n_tasks; i++)
    cupel_task_group_spawn (group, run_out_of_band, &tasks[i], NULL);
  return cupel_task_group_join (group, error);
}

/* Without I/O: one object of @session for each row, however many results have it. */
static gboolean
merge_and_print (CupelSession *session, Task *tasks, guint n_tasks, GError **error)
{
  for (guint i = 0; i < n_tasks; i++)
    {
      g_autoptr(CupelResult) merged = cupel_session_merge_frozen (session, tasks[i].frozen, error);
      A *a;

      if (merged == NULL)
        return FALSE;
      g_print ("%s[", i == 0 ? "" : " ");
      for (guint n = 0; (a = cupel_result_next (merged)); n++)
        g_print ("%sA %" G_GINT64_FORMAT " %s", n == 0 ? "" : ", ", a->id, a->data);
      g_print ("]");
    }
  g_print ("\n");
  return TRUE;
}

/* Runs in a fiber: each call suspends, none blocks the loop. */
static gboolean
async_main (gpointer data, GCancellable *cancellable, GError **error)
{
  CupelEngine *engine = data;
  g_autoptr(CupelSession) session = cupel_session_new (engine);
  Task tasks[N_STATEMENTS] = { { NULL } };
  gboolean ok;

  if (!create_and_fill (engine, session, cancellable, error))
    return FALSE;
  for (guint i = 0; i < N_STATEMENTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("a_%d", g_random_int_range (0, N_ROWS));

      tasks[i].engine = engine;
      tasks[i].select = cupel_entity_select (a_get_type ());
      cupel_select_where (tasks[i].select, cupel_eq (cupel_attr (a_get_type (), "data"), cupel_literal_string (text)));
    }

  ok = gather (tasks, N_STATEMENTS, cancellable, error) && merge_and_print (session, tasks, N_STATEMENTS, error);

  for (guint i = 0; i < N_STATEMENTS; i++)
    {
      g_clear_object (&tasks[i].select);
      g_clear_object (&tasks[i].frozen);
    }
  return ok && cupel_session_close (session, cancellable, error) && cupel_engine_dispose (engine, cancellable, error);
}

int
main (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new (argc > 1 ? argv[1] : "sqlite://", &error);

  if (engine == NULL || !cupel_run (async_main, engine, NULL, &error))
    return g_printerr ("%s\n", error->message), 1;
  return 0;
}
