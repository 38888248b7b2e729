/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A function in blocking style, on the loop: in a fiber, a relationship that is not loaded is loaded when it is read.
 *
 * greenlet_orm URL, for instance postgresql://scott:tiger@localhost/test or sqlite:// */

#include <cupel.h>

CUPEL_DECLARE_ENTITY (B, b)

struct _B
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 a_id;
  char *data;
};

static const CupelColumnSpec b_columns[] = {
  CUPEL_COLUMN (B, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (B, a_id, INT64, .foreign_key = "a.id"),
  CUPEL_COLUMN (B, data, STRING, .length = 50),
};

CUPEL_DEFINE_ENTITY (B, b, "b", b_columns)

CUPEL_DECLARE_ENTITY (A, a)

struct _A
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
};

static const CupelColumnSpec a_columns[] = {
  CUPEL_COLUMN (A, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (A, data, STRING, .length = 50),
};

CUPEL_DEFINE_ENTITY (A, a, "a", a_columns, CUPEL_HAS_MANY ("bs", b_get_type ()))

static gboolean
add_a (CupelSession *session, const char *data, guint n_bs, GError **error)
{
  g_autoptr(A) a = g_object_new (a_get_type (), "data", data, NULL);

  for (guint i = 0; i < n_bs; i++)
    {
      g_autoptr(B) b = g_object_new (b_get_type (), NULL);

      cupel_entity_append (CUPEL_ENTITY (a), "bs", CUPEL_ENTITY (b));
    }
  return cupel_session_add (session, CUPEL_ENTITY (a), error);
}

/* Knows nothing of main loops: it could be shared with a command-line program. */
static gboolean
run_queries (CupelSession *session, gpointer user_data, GCancellable *cancellable, GError **error)
{
  g_autoptr(CupelSelect) select = cupel_entity_select (a_get_type ());
  g_autoptr(CupelSelect) ordered = cupel_entity_select (a_get_type ());
  g_autoptr(CupelResult) result = cupel_session_scalars (session, select, cancellable, error);
  g_autoptr(CupelResult) first = NULL;
  g_autoptr(A) a1 = NULL;
  A *a;

  if (result == NULL)
    return FALSE;
  while ((a = cupel_result_next (result)))
    {
      /* A lazy load: one more SELECT for each A. */
      GListModel *bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", error);

      if (bs == NULL)
        return FALSE;
      g_print ("A %" G_GINT64_FORMAT " %s\n", a->id, a->data);
      for (guint i = 0; i < g_list_model_get_n_items (bs); i++)
        {
          g_autoptr(B) b = g_list_model_get_item (bs, i);

          g_print ("  B %" G_GINT64_FORMAT " of %s\n", b->id, a->data);
        }
    }

  cupel_select_order_by (ordered, cupel_attr (a_get_type (), "id"));
  if (!(first = cupel_session_scalars (session, ordered, cancellable, error)))
    return FALSE;
  a1 = cupel_result_first (first);
  g_object_set (a1, "data", "new data", NULL);
  return TRUE;
}

typedef struct
{
  GMainLoop *loop;
  CupelEngine *engine;
  CupelSession *session;
  int status;
} Program;

static void
quit (Program *program, GError *error)
{
  if (error != NULL)
    {
      g_printerr ("%s\n", error->message);
      program->status = 1;
    }
  g_main_loop_quit (program->loop);
}

static void
on_disposed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr(GError) error = NULL;

  cupel_engine_dispose_finish (CUPEL_ENGINE (source), result, &error);
  quit (user_data, error);
}

static void
on_closed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr(GError) error = NULL;

  if (!cupel_session_close_finish (CUPEL_SESSION (source), result, &error))
    return quit (program, error);
  cupel_engine_dispose_async (program->engine, NULL, on_disposed, program);
}

static void
on_committed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr(GError) error = NULL;

  /* What run_queries () changed is written here. */
  if (!cupel_session_commit_finish (CUPEL_SESSION (source), result, &error))
    return quit (program, error);
  cupel_session_close_async (program->session, NULL, on_closed, program);
}

static void
on_queried (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr(GError) error = NULL;

  if (!cupel_session_run_finish (CUPEL_SESSION (source), result, &error))
    return quit (program, error);
  cupel_session_commit_async (program->session, NULL, on_committed, program);
}

static gboolean
set_up (CupelSession *session, gpointer user_data, GCancellable *cancellable, GError **error)
{
  CupelEngine *engine = cupel_session_get_engine (session);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (a_get_type (), b_get_type (), G_TYPE_INVALID);

  return cupel_engine_drop_all (engine, metadata, cancellable, error) &&
         cupel_engine_create_all (engine, metadata, cancellable, error) &&
         add_a (session, "a1", 2, error) && add_a (session, "a2", 1, error) && add_a (session, "a3", 2, error) &&
         cupel_session_commit (session, cancellable, error);
}

static void
on_set_up (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Program *program = user_data;
  g_autoptr(GError) error = NULL;

  if (!cupel_session_run_finish (CUPEL_SESSION (source), result, &error))
    return quit (program, error);
  cupel_session_run_async (program->session, run_queries, NULL, NULL, NULL, on_queried, program);
}

/* The main function is that of any GLib program: callbacks on a loop. Only the functions given to run_async () are in a fiber. */
int
main (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(CupelEngine) engine = cupel_engine_new (argc > 1 ? argv[1] : "sqlite://", &error);
  g_autoptr(CupelSession) session = engine != NULL ? cupel_session_new (engine) : NULL;
  Program program = { .loop = loop, .engine = engine, .session = session };

  if (engine == NULL)
    return g_printerr ("%s\n", error->message), 1;
  cupel_session_set_expire_on_commit (session, TRUE);
  cupel_session_run_async (session, set_up, NULL, NULL, NULL, on_set_up, &program);
  g_main_loop_run (loop);
  return program.status;
}
