/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sweep-model.h"

#include "fault-backend.h"

#include <string.h>

/* model */

CUPEL_DECLARE_ENTITY (SweepParent, sweep_parent)
CUPEL_DECLARE_ENTITY (SweepChild, sweep_child)

struct _SweepParent
{
  CupelEntity parent_instance;
  gint64 id;
  char *name;
};

struct _SweepChild
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 parent_id;
};

static const CupelColumnSpec parent_columns[] = {
  CUPEL_COLUMN (SweepParent, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (SweepParent, name, STRING, .length = 50),
};

static const CupelColumnSpec child_columns[] = {
  CUPEL_COLUMN (SweepChild, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (SweepChild, parent_id, INT64, .foreign_key = "sweep_parent.id"),
};

CUPEL_DEFINE_ENTITY (SweepParent, sweep_parent, "sweep_parent", parent_columns,
                     CUPEL_HAS_MANY ("children", sweep_child_get_type (), .order_by = "id"))
CUPEL_DEFINE_ENTITY (SweepChild, sweep_child, "sweep_child", child_columns)

gboolean
sweep_make_tables (CupelEngine  *engine,
                   GError      **error)
{
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (sweep_parent_get_type (), sweep_child_get_type (), G_TYPE_INVALID);

  return cupel_engine_drop_all (engine, metadata, NULL, error) && cupel_engine_create_all (engine, metadata, NULL, error);
}

gboolean
sweep_drop_tables (CupelEngine  *engine,
                   GError      **error)
{
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (sweep_parent_get_type (), sweep_child_get_type (), G_TYPE_INVALID);

  return cupel_engine_drop_all (engine, metadata, NULL, error);
}

CupelMetadata *
sweep_made_metadata (void)
{
  CupelMetadata *metadata = cupel_metadata_new ();
  CupelTable *table = cupel_table_new ("sweep_made");
  CupelColumn *column = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));

  cupel_column_set_primary_key (column, TRUE);
  cupel_table_add_column (table, column);
  cupel_metadata_add_table (metadata, table, NULL);
  g_object_unref (table);
  return metadata;
}

/* pieces */

static gboolean
is_fake (SweepContext *context)
{
  return g_str_has_prefix (context->url, "fake:");
}

static gboolean
run_sql (CupelConnection  *connection,
         const char       *sql,
         GCancellable     *cancellable,
         GError          **error)
{
  g_autoptr(CupelResult) result = fault_execute (connection, sql, cancellable, error);

  return result != NULL;
}

#define INSERT "INSERT INTO sweep_parent (id, name) VALUES (7, 'seven')"

static gboolean
take_connection (SweepContext  *context,
                 GError       **error)
{
  return (context->connection = cupel_engine_connect (context->engine, NULL, error)) != NULL;
}

static gboolean
take_transaction (SweepContext  *context,
                  GError       **error)
{
  return take_connection (context, error) && run_sql (context->connection, INSERT, NULL, error);
}

static gboolean
have_idle (SweepContext  *context,
           GError       **error)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, error);

  return connection != NULL && cupel_connection_close (connection, NULL, error);
}

/* More than a socket holds at once */
static const char *
many_rows (SweepContext *context)
{
#define NUMBERS "(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6)"
  if (is_fake (context))
    return "rows 50";
  if (g_str_has_prefix (context->url, "sqlite:"))
    return "SELECT a.n * 7 + b.n AS id, hex(zeroblob(10000)) FROM " NUMBERS " a, " NUMBERS " b";
  return "SELECT a.n * 7 + b.n AS id, repeat('x', 20000) FROM " NUMBERS " a, " NUMBERS " b";
}

static gboolean
take_stream (SweepContext  *context,
             GError       **error)
{
  g_autoptr(CupelText) text = cupel_text_new (many_rows (context));

  return take_connection (context, error) &&
         (context->stream = cupel_connection_stream (context->connection, CUPEL_STATEMENT (text), NULL, 10, NULL, error)) != NULL &&
         cupel_stream_step (context->stream, NULL, error);
}

static void
take_session (SweepContext *context)
{
  context->session = cupel_session_new (context->engine);
}

static CupelSelect *
select_parents (void)
{
  CupelSelect *select = cupel_entity_select (sweep_parent_get_type ());

  cupel_select_add_option (select, cupel_selectinload (sweep_parent_get_type (), "children"));
  return select;
}

/* In the session's transaction: nothing of it is there afterwards. */
static gboolean
put_parent (SweepContext  *context,
            GError       **error)
{
  take_session (context);
  context->entity = g_object_new (sweep_parent_get_type (), "name", "of a session", NULL);
  return cupel_session_add (context->session, context->entity, error);
}

static gboolean
flush_parent (SweepContext  *context,
              GError       **error)
{
  return put_parent (context, error) && cupel_session_flush (context->session, NULL, error);
}

static gboolean
take_entity_stream (SweepContext  *context,
                    GError       **error)
{
  g_autoptr(CupelSelect) select = cupel_entity_select (sweep_parent_get_type ());

  for (guint i = 0; i < 5; i++)
    {
      g_autoptr(CupelEntity) entity = g_object_new (sweep_parent_get_type (), "name", "one of five", NULL);

      if (context->session == NULL)
        take_session (context);
      if (!cupel_session_add (context->session, entity, error))
        return FALSE;
    }
  return cupel_session_flush (context->session, NULL, error) &&
         (context->stream = cupel_session_stream (context->session, select, 2, NULL, error)) != NULL;
}

static gboolean
insert_in_transaction (CupelConnection  *connection,
                       gpointer          user_data,
                       GCancellable     *cancellable,
                       GError          **error)
{
  return run_sql (connection, INSERT, cancellable, error);
}

static gboolean
add_to_session (CupelSession  *session,
                gpointer       user_data,
                GCancellable  *cancellable,
                GError       **error)
{
  g_autoptr(CupelEntity) entity = g_object_new (sweep_parent_get_type (), "name", "added", NULL);

  return cupel_session_add (session, entity, error) && cupel_session_flush (session, cancellable, error);
}

static gboolean
create_made (SweepContext  *context,
             GError       **error)
{
  return cupel_engine_create_all (context->engine, context->metadata, NULL, error);
}

static gboolean
drop_made (SweepContext  *context,
           GError       **error)
{
  return cupel_engine_drop_all (context->engine, context->metadata, NULL, error);
}

static gboolean
drop_made_and_take (SweepContext  *context,
                    GError       **error)
{
  return drop_made (context, error) && take_connection (context, error);
}

static gboolean
create_made_and_take (SweepContext  *context,
                      GError       **error)
{
  return create_made (context, error) && take_connection (context, error);
}

/* calls */

#define CALL(name) static gboolean call_##name (SweepContext *context, GCancellable *cancellable, GError **error)

CALL (engine_connect)
{
  return (context->connection = cupel_engine_connect (context->engine, cancellable, error)) != NULL;
}

CALL (engine_connect_sync)
{
  return (context->connection = cupel_engine_connect_sync (context->engine, cancellable, error)) != NULL;
}

CALL (engine_connect_at)
{
  return (context->connection = cupel_engine_connect_at (context->engine, G_STRLOC, cancellable, error)) != NULL;
}

CALL (engine_drain)
{
  return cupel_engine_drain (context->engine, 5.0, cancellable, error);
}

CALL (engine_begin)
{
  return cupel_engine_begin (context->engine, insert_in_transaction, NULL, cancellable, error);
}

CALL (engine_create_all)
{
  return cupel_engine_create_all (context->engine, context->metadata, cancellable, error);
}

CALL (engine_drop_all)
{
  return cupel_engine_drop_all (context->engine, context->metadata, cancellable, error);
}

CALL (engine_dispose)
{
  return cupel_engine_dispose (context->engine, cancellable, error);
}

CALL (connection_execute)
{
  return run_sql (context->connection, is_fake (context) ? "rows 3" : INSERT, cancellable, error);
}

CALL (connection_execute_many)
{
  g_autoptr(CupelText) text = cupel_text_new ("INSERT INTO sweep_parent (id, name) VALUES (:id, :name)");
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;

  for (int i = 0; i < 3; i++)
    {
      if (i > 0)
        cupel_parameters_next (parameters);
      cupel_parameters_set_int64 (parameters, "id", i + 1);
      cupel_parameters_set_string (parameters, "name", "one of three");
    }
  result = cupel_connection_execute_many (context->connection, CUPEL_STATEMENT (text), parameters, cancellable, error);
  return result != NULL;
}

CALL (connection_stream)
{
  g_autoptr(CupelText) text = cupel_text_new (many_rows (context));

  return (context->stream = cupel_connection_stream (context->connection, CUPEL_STATEMENT (text), NULL, 10, cancellable, error)) != NULL;
}

CALL (connection_begin)
{
  return cupel_connection_begin (context->connection, cancellable, error);
}

CALL (connection_commit)
{
  return cupel_connection_commit (context->connection, cancellable, error);
}

CALL (connection_rollback)
{
  return cupel_connection_rollback (context->connection, cancellable, error);
}

CALL (connection_close)
{
  return cupel_connection_close (context->connection, cancellable, error);
}

CALL (connection_set_isolation_level)
{
  return cupel_connection_set_isolation_level (context->connection, CUPEL_ISOLATION_SERIALIZABLE, cancellable, error) &&
         run_sql (context->connection, is_fake (context) ? "rows 3" : INSERT, cancellable, error);
}

CALL (connection_create_all)
{
  return cupel_connection_create_all (context->connection, context->metadata, cancellable, error);
}

CALL (connection_drop_all)
{
  return cupel_connection_drop_all (context->connection, context->metadata, cancellable, error);
}

/* It has only the asynchronous form. */
CALL (connection_run)
{
  g_autoptr(GAsyncResult) result = NULL;
  CupelAwait *await = cupel_await_new ();
  gboolean ok = FALSE;

  cupel_connection_run_async (context->connection, insert_in_transaction, NULL, NULL, cancellable, cupel_await_ready,
                              cupel_await_ref (await));
  /* To its end, whatever becomes of it */
  if ((result = cupel_await_wait (await, NULL, error)) != NULL)
    ok = cupel_connection_run_finish (context->connection, result, error);
  cupel_await_unref (await);
  return ok;
}

CALL (stream_step)
{
  g_autoptr(GError) local = NULL;

  while (cupel_stream_step (context->stream, cancellable, &local))
    continue;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

CALL (stream_next)
{
  g_autoptr(GError) local = NULL;

  while (cupel_stream_next (context->stream, cancellable, &local) != NULL)
    continue;
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

CALL (stream_next_list)
{
  for (;;)
    {
      g_autoptr(GError) local = NULL;
      g_autoptr(GListModel) list = cupel_stream_next_list (context->stream, cancellable, &local);

      if (list != NULL)
        continue;
      if (local == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
}

CALL (stream_next_rows)
{
  for (;;)
    {
      g_autoptr(GError) local = NULL;
      g_autoptr(GPtrArray) rows = cupel_stream_next_rows (context->stream, cancellable, &local);

      if (rows != NULL)
        continue;
      if (local == NULL)
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
}

CALL (stream_close)
{
  return cupel_stream_close (context->stream, cancellable, error);
}

CALL (session_flush)
{
  return cupel_session_flush (context->session, cancellable, error);
}

CALL (session_begin)
{
  return cupel_session_begin (context->session, cancellable, error);
}

CALL (session_commit)
{
  return cupel_session_commit (context->session, cancellable, error);
}

CALL (session_rollback)
{
  return cupel_session_rollback (context->session, cancellable, error);
}

CALL (session_close)
{
  return cupel_session_close (context->session, cancellable, error);
}

CALL (session_execute)
{
  g_autoptr(CupelSelect) select = select_parents ();
  g_autoptr(CupelResult) result = cupel_session_execute (context->session, CUPEL_STATEMENT (select), NULL, cancellable, error);

  return result != NULL;
}

CALL (session_scalars)
{
  g_autoptr(CupelSelect) select = select_parents ();
  g_autoptr(CupelResult) result = cupel_session_scalars (context->session, select, cancellable, error);

  return result != NULL;
}

CALL (session_stream)
{
  g_autoptr(CupelSelect) select = select_parents ();

  return (context->stream = cupel_session_stream (context->session, select, 2, cancellable, error)) != NULL;
}

CALL (session_get)
{
  g_autoptr(CupelValue) key = cupel_value_new_int64 (4711);
  g_autoptr(GError) local = NULL;
  G_GNUC_UNUSED g_autoptr(CupelEntity) entity = cupel_session_get (context->session, sweep_parent_get_type (), key, cancellable, &local);

  /* There is none. */
  if (local == NULL || g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_NO_ROW))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

CALL (session_get_int64)
{
  g_autoptr(GError) local = NULL;
  G_GNUC_UNUSED g_autoptr(CupelEntity) entity = cupel_session_get_int64 (context->session, sweep_parent_get_type (), 4711, cancellable, &local);

  if (local == NULL || g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_NO_ROW))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

CALL (session_refresh)
{
  return cupel_session_refresh (context->session, context->entity, NULL, cancellable, error);
}

CALL (session_connection)
{
  g_autoptr(CupelConnection) connection = cupel_session_connection (context->session, CUPEL_ISOLATION_DEFAULT, cancellable, error);

  return connection != NULL;
}

CALL (session_run)
{
  return cupel_session_run (context->session, add_to_session, NULL, cancellable, error);
}

CALL (entity_load)
{
  return cupel_entity_load (context->entity, "children", cancellable, error);
}

CALL (connection_begin_transaction)
{
  g_autoptr(CupelTransaction) transaction = cupel_connection_begin_transaction (context->connection, CUPEL_ISOLATION_SERIALIZABLE,
                                                                                CUPEL_BEGIN_NONE, cancellable, error);

  return transaction != NULL && run_sql (context->connection, is_fake (context) ? "rows 3" : INSERT, cancellable, error);
}

CALL (connection_begin_nested)
{
  return (context->transaction = cupel_connection_begin_nested (context->connection, cancellable, error)) != NULL;
}

CALL (connection_run_transaction)
{
  return cupel_connection_run_transaction (context->connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE, insert_in_transaction, NULL,
                                           cancellable, error);
}

CALL (connection_run_nested)
{
  return cupel_connection_run_nested (context->connection, insert_in_transaction, NULL, cancellable, error);
}

CALL (transaction_commit)
{
  return cupel_transaction_commit (context->transaction, cancellable, error);
}

CALL (transaction_rollback)
{
  return cupel_transaction_rollback (context->transaction, cancellable, error);
}

CALL (engine_run_transaction)
{
  return cupel_engine_run_transaction (context->engine, NULL, insert_in_transaction, NULL, cancellable, error);
}

CALL (session_begin_transaction)
{
  return cupel_session_begin_transaction (context->session, CUPEL_ISOLATION_SERIALIZABLE, CUPEL_BEGIN_NONE, cancellable, error);
}

CALL (session_begin_nested)
{
  return (context->transaction = cupel_session_begin_nested (context->session, cancellable, error)) != NULL;
}

CALL (session_run_nested)
{
  return cupel_session_run_nested (context->session, add_to_session, NULL, cancellable, error);
}

CALL (session_factory_run_transaction)
{
  g_autoptr(CupelSessionFactory) factory = cupel_session_factory_new (context->engine);

  return cupel_session_factory_run_transaction (factory, NULL, add_to_session, NULL, cancellable, error);
}

static gboolean
take_whole (SweepContext  *context,
            GError       **error)
{
  return take_connection (context, error) &&
         (context->transaction = cupel_connection_begin_transaction (context->connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE,
                                                                     NULL, error)) != NULL &&
         run_sql (context->connection, INSERT, NULL, error);
}

/* A savepoint, with a row after it */
static gboolean
take_nested (SweepContext  *context,
             GError       **error)
{
  return take_connection (context, error) &&
         (context->transaction = cupel_connection_begin_nested (context->connection, NULL, error)) != NULL &&
         run_sql (context->connection, INSERT, NULL, error);
}

static gboolean
have_session (SweepContext  *context,
              GError       **error)
{
  take_session (context);
  return TRUE;
}

/* Loaded anew, so that its children are not */
static gboolean
have_loaded (SweepContext  *context,
             GError       **error)
{
  if (!flush_parent (context, error))
    return FALSE;
  cupel_session_expire_all (context->session);
  return cupel_session_refresh (context->session, context->entity, NULL, NULL, error);
}

const SweepSubject sweep_subjects[] = {
  { "cupel_engine_connect", SWEEP_NONE, NULL, call_engine_connect },
  { "cupel_engine_connect", SWEEP_NONE, have_idle, call_engine_connect },
  { "cupel_engine_connect_sync", SWEEP_NONE, NULL, call_engine_connect_sync },
  { "cupel_engine_connect_at", SWEEP_NONE, have_idle, call_engine_connect_at },
  { "cupel_engine_drain", SWEEP_NONE, have_idle, call_engine_drain },
  { "cupel_engine_begin", SWEEP_COMMITS, have_idle, call_engine_begin },
  { "cupel_engine_create_all", SWEEP_ENDS, drop_made, call_engine_create_all },
  { "cupel_engine_drop_all", SWEEP_ENDS, create_made, call_engine_drop_all },
  { "cupel_engine_dispose", SWEEP_NONE, have_idle, call_engine_dispose },
  { "cupel_connection_execute", SWEEP_NONE, take_connection, call_connection_execute },
  { "cupel_connection_execute_many", SWEEP_NONE, take_connection, call_connection_execute_many },
  { "cupel_connection_stream", SWEEP_NONE, take_connection, call_connection_stream },
  { "cupel_connection_begin", SWEEP_NONE, take_connection, call_connection_begin },
  { "cupel_connection_commit", SWEEP_COMMITS, take_transaction, call_connection_commit },
  { "cupel_connection_rollback", SWEEP_NONE, take_transaction, call_connection_rollback },
  { "cupel_connection_close", SWEEP_NONE, take_transaction, call_connection_close },
  { "cupel_connection_set_isolation_level", SWEEP_NONE, take_connection, call_connection_set_isolation_level },
  { "cupel_connection_create_all", SWEEP_NONE, drop_made_and_take, call_connection_create_all },
  { "cupel_connection_drop_all", SWEEP_NONE, create_made_and_take, call_connection_drop_all },
  { "cupel_connection_run", SWEEP_NONE, take_connection, call_connection_run },
  { "cupel_connection_begin_transaction", SWEEP_NONE, take_connection, call_connection_begin_transaction },
  { "cupel_connection_begin_nested", SWEEP_NONE, take_transaction, call_connection_begin_nested },
  { "cupel_connection_run_transaction", SWEEP_COMMITS, take_connection, call_connection_run_transaction },
  { "cupel_connection_run_nested", SWEEP_NONE, take_connection, call_connection_run_nested },
  { "cupel_transaction_commit", SWEEP_COMMITS, take_whole, call_transaction_commit },
  { "cupel_transaction_commit", SWEEP_NONE, take_nested, call_transaction_commit },
  { "cupel_transaction_rollback", SWEEP_NONE, take_whole, call_transaction_rollback },
  { "cupel_transaction_rollback", SWEEP_NONE, take_nested, call_transaction_rollback },
  { "cupel_engine_run_transaction", SWEEP_COMMITS, NULL, call_engine_run_transaction },
  { "cupel_stream_step", SWEEP_NONE, take_stream, call_stream_step },
  { "cupel_stream_next", SWEEP_ROWS, take_entity_stream, call_stream_next },
  { "cupel_stream_next_list", SWEEP_ROWS, take_entity_stream, call_stream_next_list },
  { "cupel_stream_next_rows", SWEEP_NONE, take_stream, call_stream_next_rows },
  { "cupel_stream_close", SWEEP_NONE, take_stream, call_stream_close },
  { "cupel_session_flush", SWEEP_ROWS, put_parent, call_session_flush },
  { "cupel_session_begin", SWEEP_ROWS, have_session, call_session_begin },
  { "cupel_session_begin_transaction", SWEEP_ROWS, have_session, call_session_begin_transaction },
  { "cupel_session_begin_nested", SWEEP_ROWS, put_parent, call_session_begin_nested },
  { "cupel_session_run_nested", SWEEP_ROWS, have_session, call_session_run_nested },
  { "cupel_session_factory_run_transaction", SWEEP_ROWS | SWEEP_COMMITS, NULL, call_session_factory_run_transaction },
  { "cupel_session_commit", SWEEP_ROWS | SWEEP_COMMITS, put_parent, call_session_commit },
  { "cupel_session_rollback", SWEEP_ROWS, flush_parent, call_session_rollback },
  { "cupel_session_close", SWEEP_ROWS, flush_parent, call_session_close },
  { "cupel_session_begin_nested", SWEEP_ROWS, flush_parent, call_session_begin_nested },
  { "cupel_session_execute", SWEEP_ROWS, flush_parent, call_session_execute },
  { "cupel_session_scalars", SWEEP_ROWS, flush_parent, call_session_scalars },
  { "cupel_session_stream", SWEEP_ROWS, flush_parent, call_session_stream },
  { "cupel_session_get", SWEEP_ROWS, have_session, call_session_get },
  { "cupel_session_get_int64", SWEEP_ROWS, have_session, call_session_get_int64 },
  { "cupel_session_refresh", SWEEP_ROWS, flush_parent, call_session_refresh },
  { "cupel_session_connection", SWEEP_ROWS, have_session, call_session_connection },
  { "cupel_session_run", SWEEP_ROWS, have_session, call_session_run },
  { "cupel_entity_load", SWEEP_ROWS, have_loaded, call_entity_load },
  { NULL }
};

const SweepExemption sweep_exemptions[] = {
  { "cupel_await_wait", "waits for what the caller began; tests/unit/test-await.c" },
  { "cupel_fiber_sleep", "has one wait; tests/unit/test-fiber.c" },
  { "cupel_relationship_load", "is for loaders, as the next" },
  { "cupel_session_load_entities", "is for loaders, within an operation of the session: cupel_session_scalars () comes by there" },
  { "cupel_run", "runs what the caller wrote" },
  { "cupel_task_group_new", "does not suspend" },
  { NULL }
};
