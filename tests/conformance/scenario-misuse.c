/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Several fibers on one session, connection or stream: the first goes on unharmed, each that comes while it is at work is told that it is
 * busy. What the first does takes some milliseconds on every database, so that the others really come in between; unless the loop is
 * kept from them for so long, by a busy machine, that the answer is there already. */

#include <stdlib.h>

#include "conformance-model.h"
#include "conformance-scenarios.h"

#define N_BEFORE  60      /* rows of a: 60 x 60 x 60 combinations take a while */
#define N_PARENTS 300     /* objects of one flush, each with two children */

static const char slow_sql[] = "SELECT count(*) FROM a AS p, a AS q, a AS r "
                               "WHERE p.id <= 60 AND q.id <= 60 AND r.id <= 60 AND p.id + q.id + r.id < 0";

typedef enum
{
  SESSION_EXECUTE,
  SESSION_COMMIT,
  SESSION_CLOSE,
  SESSION_FLUSH,
  CONNECTION_EXECUTE,
  STREAM_NEXT,
} Kind;

static const char *const call_prefixes[] = {
  [SESSION_EXECUTE] = "cupel_session_",
  [SESSION_COMMIT] = "cupel_session_",
  [SESSION_CLOSE] = "cupel_session_",
  [SESSION_FLUSH] = "cupel_session_",
  [CONNECTION_EXECUTE] = "cupel_connection_",
  [STREAM_NEXT] = "cupel_",
};

typedef struct
{
  CupelConformanceContext *context;
  CupelSession *session;
  CupelConnection *connection;
  CupelStream *stream;
  Kind kinds[5];
  guint n;
  guint next;
  guint done;
  guint busy;
  guint under_way;    /* how many are at work */
  guint overlapping;  /* how many began when another one was */
  guint overlapped;   /* that, of all races */
  guint first;        /* which was done */
  GString *others;    /* errors that were not expected */
} Race;

static gboolean
perform (Race          *race,
         Kind           kind,
         GCancellable  *cancellable,
         GError       **error)
{
  g_autoptr(CupelText) text = cupel_text_new (slow_sql);
  g_autoptr(CupelResult) result = NULL;

  switch (kind)
    {
    case SESSION_EXECUTE:
      result = cupel_session_execute (race->session, CUPEL_STATEMENT (text), NULL, cancellable, error);
      return result != NULL;
    case SESSION_COMMIT:
      return cupel_session_commit (race->session, cancellable, error);
    case SESSION_CLOSE:
      return cupel_session_close (race->session, cancellable, error);
    case SESSION_FLUSH:
      return cupel_session_flush (race->session, cancellable, error);
    case CONNECTION_EXECUTE:
      result = cupel_connection_execute (race->connection, CUPEL_STATEMENT (text), NULL, cancellable, error);
      return result != NULL;
    case STREAM_NEXT:
      {
        g_autoptr(GPtrArray) rows = cupel_stream_next_rows (race->stream, cancellable, error);

        return rows != NULL;
      }
    default:
      g_return_val_if_reached (FALSE);
    }
}

static gboolean
run_one (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Race *race = data;
  guint i = race->next++;
  g_autoptr(GError) local = NULL;
  gboolean done;

  if (race->under_way++ > 0)
    race->overlapping++;
  done = perform (race, race->kinds[i], cancellable, &local);
  race->under_way--;
  if (done)
    {
      if (race->done++ == 0)
        race->first = i;
    }
  /* It names the call on the object that the program shared, not on one below it. */
  else if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_BUSY) && strstr (local->message, call_prefixes[race->kinds[i]]) != NULL)
    race->busy++;
  else
    g_string_append_printf (race->others, "%s; ", local != NULL ? local->message : "no error told");
  return TRUE;
}

/* All at once: the first does its work, each other is told BUSY. */
static gboolean
run_race (Race        *race,
          const char  *step,
          GError     **error)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);

  race->next = race->done = race->busy = race->overlapping = 0;
  race->others = g_string_new (NULL);
  for (guint i = 0; i < race->n; i++)
    cupel_task_group_spawn (group, run_one, race, NULL);
  if (!cupel_task_group_join (group, error))
    return FALSE;
  cupel_conformance_check_int (race->context, step, "operations done", race->done, race->n - race->overlapping);
  cupel_conformance_check_int (race->context, step, "which of them", race->first, 0);
  cupel_conformance_check_int (race->context, step, "operations that were told BUSY", race->busy, race->overlapping);
  cupel_conformance_check (race->context, step, race->others->len == 0, "no other error: %s", race->others->len > 0 ? race->others->str : "none");
  race->overlapped += race->overlapping;
  g_string_free (g_steal_pointer (&race->others), TRUE);
  return TRUE;
}

static gboolean
add_parents (CupelSession  *session,
             guint          n,
             GError       **error)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr(CupelEntity) a = model_new_parent (model_a_get_type (), "a", 2, FALSE);

      if (!cupel_session_add (session, a, error))
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
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(CupelText) text = cupel_text_new ("SELECT id FROM b");
  Race race = { .context = c };
  CupelConformanceCounts n;

  if (engine == NULL || !cupel_engine_create_all (engine, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);

  session = cupel_session_new (engine);
  race.session = session;
  if (!add_parents (session, N_BEFORE, error) || !cupel_session_commit (session, NULL, error) || !add_parents (session, 1, error))
    return FALSE;
  cupel_conformance_context_take_counts (c, NULL);
  race.n = 5;
  if (!run_race (&race, "1", error))   /* all SESSION_EXECUTE */
    return FALSE;
  cupel_conformance_context_get_counts (c, &n);
  cupel_conformance_check_int (c, "1", "SELECTs sent, and for server defaults", n.selects, race.done + model_default_selects (c, 1));
  cupel_conformance_check_at_most (c, "1", "INSERTs of the one autoflush", n.inserts, model_max_inserts (c, 2, 3));
  if (!cupel_session_commit (session, NULL, error) || !cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "1", "rows in a", model_query_int (c, engine, "SELECT count(*) FROM a"), N_BEFORE + 1);
  cupel_conformance_check_int (c, "1", "rows in b", model_query_int (c, engine, "SELECT count(*) FROM b"), 2 * (N_BEFORE + 1));

  if (!add_parents (session, 1, error))
    return FALSE;
  race.n = 4;
  memcpy (race.kinds, (Kind[5]) { SESSION_EXECUTE, SESSION_COMMIT, SESSION_EXECUTE, SESSION_CLOSE }, sizeof race.kinds);
  if (!run_race (&race, "2", error))
    return FALSE;
  cupel_conformance_check (c, "2", cupel_session_in_transaction (session) || race.overlapping < race.n - 1, "the transaction of the first is open still");
  if (!cupel_session_commit (session, NULL, error) || !cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "2", "rows in a", model_query_int (c, engine, "SELECT count(*) FROM a"), N_BEFORE + 2);
  cupel_conformance_check_returned (c, "2", engine);

  if (!add_parents (session, N_PARENTS, error))
    return FALSE;
  race.n = 3;
  memcpy (race.kinds, (Kind[5]) { SESSION_FLUSH, SESSION_FLUSH, SESSION_FLUSH }, sizeof race.kinds);
  if (!run_race (&race, "3", error))
    return FALSE;
  if (!cupel_session_commit (session, NULL, error) || !cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "3", "rows in a", model_query_int (c, engine, "SELECT count(*) FROM a"), N_BEFORE + 2 + N_PARENTS);
  cupel_conformance_check_int (c, "3", "rows in b", model_query_int (c, engine, "SELECT count(*) FROM b"), 2 * (N_BEFORE + 2 + N_PARENTS));

  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL)
    return FALSE;
  race.connection = connection;
  race.n = 5;
  for (guint i = 0; i < 5; i++)
    race.kinds[i] = CONNECTION_EXECUTE;
  cupel_conformance_context_take_counts (c, NULL);
  if (!run_race (&race, "4", error))
    return FALSE;
  cupel_conformance_context_take_counts (c, &n);
  cupel_conformance_check_int (c, "4", "SELECTs sent", n.selects, race.done);

  cupel_conformance_check (c, "4", race.overlapped > 0, "operations met: %u", race.overlapped);

  if ((stream = cupel_connection_stream (connection, CUPEL_STATEMENT (text), NULL, 1, NULL, error)) == NULL)
    return FALSE;
  race.stream = stream;
  race.n = 3;
  /* A block may be there already; then nobody waits. */
  for (guint i = 0; i < 3; i++)
    race.kinds[i] = STREAM_NEXT;
  {
    g_autoptr(GPtrArray) block = cupel_stream_next_rows (stream, NULL, error);

    if (block == NULL)
      return FALSE;
  }
  race.next = race.done = race.busy = 0;
  race.others = g_string_new (NULL);
  {
    g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);

    for (guint i = 0; i < race.n; i++)
      cupel_task_group_spawn (group, run_one, &race, NULL);
    if (!cupel_task_group_join (group, error))
      return FALSE;
  }
  cupel_conformance_check (c, "stream", race.done >= 1 && race.done + race.busy == 3 && race.others->len == 0,
                           "each reader of one stream gets rows of its own or is told BUSY: %u and %u; %s", race.done, race.busy, race.others->str);
  g_string_free (race.others, TRUE);
  if (!cupel_stream_close (stream, NULL, error) || !cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_check_returned (c, "all", engine);
  return TRUE;
}

static gboolean
cancel_soon (gpointer       cancellable,
             GCancellable  *group_cancellable,
             GError       **error)
{
  if (!cupel_fiber_sleep (100 * 1000, group_cancellable, error))
    return FALSE;
  g_cancellable_cancel (cancellable);
  return TRUE;
}

static gboolean
insert_rows (CupelConnection  *connection,
             gpointer          metadata,
             GCancellable     *cancellable,
             GError          **error)
{
  CupelTable *table = cupel_entity_get_table (classic_a_get_type ());
  g_autoptr(CupelInsert) insert = cupel_insert_new (table);
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;

  if (!model_create_all (connection, metadata, cancellable, error))
    return FALSE;
  cupel_insert_add_column (insert, cupel_table_get_column (table, "id"));
  for (guint i = 0; i < 300; i++)
    {
      if (i > 0)
        cupel_parameters_next (parameters);
      cupel_parameters_set_int64 (parameters, "id", i + 1);
    }
  result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, cancellable, error);
  return result != NULL;
}

/* The fifth row of the table of misuse: a statement that is interrupted, and what may be used afterwards */
static gboolean
run_cancel (CupelConformanceContext  *c,
            gpointer                  data,
            GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (classic_a_get_type (), classic_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(CupelText) slow = cupel_text_new ("SELECT count(*) FROM a AS p, a AS q, a AS r, a AS s WHERE p.id + q.id + r.id + s.id < 0");
  g_autoptr(CupelText) insert = cupel_text_new ("INSERT INTO a (id, data) VALUES (1000, 'before')");
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GError) local = NULL;
  const char *factor = g_getenv ("CUPEL_TEST_SLOW");   /* under memcheck all takes longer */
  gint64 begin;

  if (engine == NULL || !cupel_engine_begin (engine, insert_rows, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (insert), NULL, NULL, error)) == NULL)
    return FALSE;
  g_clear_object (&result);

  cupel_task_group_spawn (group, cancel_soon, cancellable, NULL);
  begin = g_get_monotonic_time ();
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (slow), NULL, cancellable, &local);
  cupel_conformance_check (c, "cancel", result == NULL && g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED),
                           "the statement ends as cancelled: %s", local != NULL ? local->message : "it ended well");
  cupel_conformance_check_at_most (c, "cancel", "milliseconds until it ended", (g_get_monotonic_time () - begin) / 1000,
                                  15000 * (factor != NULL ? MAX (1, atoi (factor)) : 1));
  if (!cupel_task_group_join (group, error) || !cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_check_returned (c, "after", engine);
  cupel_conformance_check_int (c, "after", "rows of the transaction that it was in",
                               model_query_int (c, engine, "SELECT count(*) FROM a WHERE id = 1000"), 0);
  return TRUE;
}

/* What is no statement, or would go behind the back of the connection, is told before a server hears of it. */
static gboolean
run_texts (CupelConformanceContext  *c,
           gpointer                  data,
           GError                  **error)
{
  static const struct { const char *sql; const char *call; } refused[] = {
    { "", NULL }, { " ; ", NULL }, { "-- nothing", NULL }, { "/* nothing */", NULL },
    { "BEGIN", "cupel_connection_begin()" }, { "START TRANSACTION", "cupel_connection_begin()" },
    { "/* x */ commit", "cupel_connection_commit()" }, { "END", "cupel_connection_commit()" },
    { "-- x\nROLLBACK", "cupel_connection_rollback()" }, { "ROLLBACK TO SAVEPOINT x", "cupel_connection_begin_nested()" },
    { "SAVEPOINT x", "cupel_connection_begin_nested()" }, { "RELEASE SAVEPOINT x", "cupel_connection_begin_nested()" },
  };
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (classic_a_get_type (), classic_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelText) insert = cupel_text_new ("INSERT INTO a (id, data) VALUES (1000, 'before')");
  g_autoptr(CupelResult) result = NULL;

  if (engine == NULL || !cupel_engine_begin (engine, insert_rows, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);
  if ((connection = cupel_engine_connect (engine, NULL, error)) == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (insert), NULL, NULL, error)) == NULL)
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    for (guint streams = 0; streams < 2; streams++)
      {
        g_autoptr(CupelText) text = cupel_text_new (refused[i].sql);
        g_autoptr(GError) local = NULL;
        g_autoptr(CupelResult) none = NULL;
        g_autoptr(CupelStream) stream = NULL;

        if (streams)
          stream = cupel_connection_stream (connection, CUPEL_STATEMENT (text), NULL, 0, NULL, &local);
        else
          none = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &local);
        cupel_conformance_check (c, "refused", none == NULL && stream == NULL && g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING) &&
                                 cupel_error_get_category (local) == CUPEL_ERROR_CATEGORY_PROGRAM,
                                 "\"%s\" is refused: %s", refused[i].sql, local != NULL ? local->message : "it was done");
        if (local != NULL)
          cupel_conformance_check (c, "refused", strstr (local->message, refused[i].call != NULL ? refused[i].call : "no statement") != NULL,
                                   "and it is said what to do instead: %s", local->message);
      }
  if (!cupel_connection_commit (connection, NULL, error) || !cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "after", "rows of the transaction, which went on",
                               model_query_int (c, engine, "SELECT count(*) FROM a WHERE id = 1000"), 1);
  return TRUE;
}

void
conformance_add_misuse (void)
{
  conformance_add ("misuse", "one session, connection or stream in several fibers: the first works, the others are BUSY", CUPEL_CAP_NONE,
                   run, NULL);
  conformance_add ("texts", "an empty text, and one that begins or ends a transaction, is refused by what it says", CUPEL_CAP_PERSISTENT,
                   run_texts, NULL);
  conformance_add ("cancel", "a statement is cancelled, its transaction undone, the pool clean", CUPEL_CAP_CANCEL | CUPEL_CAP_PERSISTENT,
                   run_cancel, NULL);
}
