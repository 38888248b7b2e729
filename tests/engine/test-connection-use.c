/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Who may use a connection, how and when; engines. */

#include "connection-fixture.h"

#include <string.h>

#include "../unit/scale.h"

/* one operation at a time */

typedef struct
{
  CupelConnection *connection;
  GError          *error;
  gboolean         begun;
  gboolean         done;
} Slow;

static gboolean
run_slowly (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Slow *slow = data;
  g_autoptr(CupelResult) result = NULL;

  slow->begun = TRUE;
  result = try_execute (slow->connection, "slow", cancellable, &slow->error);
  slow->done = TRUE;
  return TRUE;
}

static void
assert_busy (GError     **error,
             const char  *operation)
{
  g_assert_error (*error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_assert_nonnull (strstr ((*error)->message, operation));
  g_assert_nonnull (strstr ((*error)->message, "cupel_connection_execute()"));
  g_clear_error (error);
}

static gboolean
test_busy (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelText) text = cupel_text_new ("other");
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  CupelStatement *statement = CUPEL_STATEMENT (text);
  Slow slow = { .connection = connection };
  GError *local = NULL;

  fake_knobs.hold = TRUE;
  cupel_task_group_spawn (group, run_slowly, &slow, NULL);
  while (!slow.begun)
    cupel_fiber_sleep (1000, NULL, NULL);
  g_assert_false (slow.done);

  g_assert_null (cupel_connection_execute (connection, statement, NULL, NULL, &local));
  assert_busy (&local, "cupel_connection_execute()");
  g_assert_null (cupel_connection_execute_many (connection, statement, NULL, NULL, &local));
  assert_busy (&local, "cupel_connection_execute_many()");
  g_assert_null (cupel_connection_stream (connection, statement, NULL, 0, NULL, &local));
  assert_busy (&local, "cupel_connection_stream()");
  g_assert_false (cupel_connection_begin (connection, NULL, &local));
  assert_busy (&local, "cupel_connection_begin()");
  g_assert_false (cupel_connection_commit (connection, NULL, &local));
  assert_busy (&local, "cupel_connection_commit()");
  g_assert_false (cupel_connection_rollback (connection, NULL, &local));
  assert_busy (&local, "cupel_connection_rollback()");
  g_assert_false (cupel_connection_close (connection, NULL, &local));
  assert_busy (&local, "cupel_connection_close()");
  g_assert_false (cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, &local));
  assert_busy (&local, "cupel_connection_set_isolation_level()");
  g_assert_false (cupel_connection_create_all (connection, metadata, NULL, &local));
  assert_busy (&local, "cupel_connection_create_all()");
  g_assert_false (cupel_connection_drop_all (connection, metadata, NULL, &local));
  assert_busy (&local, "cupel_connection_drop_all()");

  /* The first is unharmed. */
  fake_knobs.hold = FALSE;
  fake_knobs.delay = 1;
  g_assert_true (cupel_task_group_join (group, error));
  g_assert_no_error (slow.error);
  fake_knobs.delay = 0;
  assert_log ("BEGIN; slow");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  close_it (connection);
  return TRUE;
}

static gboolean
test_closed (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  GError *local = NULL;

  close_it (connection);
  assert_refused (try_execute (connection, "one", NULL, &local), local, CUPEL_ERROR_CLOSED);
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_CLOSED);
  assert_refused (cupel_connection_rollback (connection, NULL, &local), local, CUPEL_ERROR_CLOSED);
  assert_log ("");
  return TRUE;
}

static gpointer
on_wrong_thread (gpointer data)
{
  CupelConnection *connection = data;
  GError *error = NULL;

  assert_refused (try_execute (connection, "one", NULL, &error), error, CUPEL_ERROR_WRONG_CONTEXT);
  assert_refused (cupel_engine_connect (cupel_connection_get_engine (connection), NULL, &error), error, CUPEL_ERROR_WRONG_CONTEXT);
  return NULL;
}

static gboolean
test_wrong_thread (gpointer       data,
                   GCancellable  *cancellable,
                   GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);

  g_thread_join (g_thread_new ("wrong", on_wrong_thread, connection));
  assert_log ("");
  close_it (connection);
  return TRUE;
}

static gboolean
test_cancel (gpointer       data,
             GCancellable  *unused,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (cancellable);
  Slow slow = { .connection = connection };
  GError *local = NULL;

  cupel_task_group_spawn (group, run_slowly, &slow, NULL);
  while (!slow.begun)
    cupel_fiber_sleep (1000, NULL, NULL);
  g_cancellable_cancel (cancellable);
  cupel_task_group_join (group, NULL);
  g_assert_error (slow.error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&slow.error);

  g_assert_true (cupel_connection_is_invalidated (connection));
  assert_refused (try_execute (connection, "one", NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  close_it (connection);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  assert_log ("BEGIN; slow");
  return TRUE;
}

static gboolean
test_parameters (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelText) text = cupel_text_new ("put :a :b");
  g_autoptr(CupelText) plain = cupel_text_new ("plain");
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelParameters) bad = cupel_parameters_new ();
  g_autoptr(CupelParameters) many = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelResult) many_result = NULL;
  GError *local = NULL;

  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_nonnull (strstr (local->message, "\"a\""));
  g_clear_error (&local);

  cupel_parameters_set_int64 (parameters, "a", 1);
  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (text), parameters, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_nonnull (strstr (local->message, "\"b\""));
  g_clear_error (&local);

  cupel_parameters_set_string (parameters, "b", "x");
  cupel_parameters_set_null (parameters, "c");
  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (text), parameters, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_nonnull (strstr (local->message, "\"c\""));
  g_clear_error (&local);
  assert_refused (cupel_connection_execute (connection, CUPEL_STATEMENT (plain), parameters, NULL, &local), local, CUPEL_ERROR_PROGRAMMING);

  cupel_parameters_set_string (bad, "a", "canary \xff");
  cupel_parameters_set_string (bad, "b", "");
  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (text), bad, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_nonnull (strstr (local->message, "\"a\""));
  g_assert_null (strstr (local->message, "canary"));
  g_clear_error (&local);
  assert_log ("");
  g_assert_false (cupel_connection_in_transaction (connection));

  cupel_parameters_set_string (bad, "a", "good");
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), bad, NULL, error);
  g_assert_nonnull (result);
  g_assert_false (cupel_result_returns_rows (result));
  g_assert_cmpint (cupel_result_get_row_count (result), ==, 1);

  /* a text with many sets: one after another */
  for (guint i = 0; i < 100; i++)
    {
      cupel_parameters_set_int64 (many, "b", i);
      cupel_parameters_set_double (many, "a", i);
      cupel_parameters_next (many);
    }
  g_assert_cmpuint (cupel_parameters_get_n_sets (many), ==, 100);
  fake_figures.n_executed = 0;
  many_result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), many, NULL, error);
  g_assert_nonnull (many_result);
  g_assert_cmpint (cupel_result_get_row_count (many_result), ==, 100);
  g_assert_cmpuint (fake_figures.n_executed, ==, 100);
  close_it (connection);
  return TRUE;
}

static gboolean
test_cache (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelText) text = cupel_text_new ("one");
  guint64 misses = 0;

  for (guint i = 0; i < 10; i++)
    {
      g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);

      g_assert_nonnull (result);
    }
  g_assert_true (cupel_statement_is_frozen (CUPEL_STATEMENT (text)));
  cupel_engine_get_cache_stats (f->engine, NULL, &misses);
  g_assert_cmpuint (misses, ==, 1);
  close_it (connection);
  return TRUE;
}

static gboolean
work (CupelConnection  *connection,
      gpointer          data,
      GCancellable     *cancellable,
      GError          **error)
{
  g_autoptr(CupelResult) one = try_execute (connection, "one", cancellable, error);
  g_autoptr(CupelResult) two = one != NULL ? try_execute (connection, data, cancellable, error) : NULL;

  return two != NULL;
}

static gboolean
test_engine_begin (gpointer       data,
                   GCancellable  *cancellable,
                   GError       **error)
{
  Fixture *f = data;
  GError *local = NULL;

  g_assert_true (cupel_engine_begin (f->engine, work, (gpointer) "two", NULL, error));
  assert_log ("BEGIN; one; two; COMMIT");
  assert_refused (cupel_engine_begin (f->engine, work, (gpointer) "fail", NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  assert_log ("BEGIN; one; fail; ROLLBACK");
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);

  fake_knobs.fail_commit = TRUE;
  assert_refused (cupel_engine_begin (f->engine, work, (gpointer) "two", NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);
  return TRUE;
}

static CupelTable *
make_table (const char *name,
            const char *parent)
{
  CupelTable *table = cupel_table_new (name);
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *ref = cupel_column_new ("ref", cupel_sql_type_new (CUPEL_SQL_INT64));

  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (table, id);
  if (parent != NULL)
    cupel_column_set_foreign_key (ref, parent);
  cupel_column_set_index (ref, TRUE);
  cupel_table_add_column (table, ref);
  return table;
}

static gboolean
test_schema (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();
  g_autoptr(CupelTable) child = make_table ("child", "parent.id");
  g_autoptr(CupelTable) parent = make_table ("parent", NULL);
  g_autofree char *log = NULL;
  g_autofree char *drop_log = NULL;

  g_assert_true (cupel_metadata_add_table (metadata, child, error));
  g_assert_true (cupel_metadata_add_table (metadata, parent, error));

  g_assert_true (cupel_engine_create_all (f->engine, metadata, NULL, error));
  log = fake_database_take_log ();
  g_assert_true (g_str_has_prefix (log, "BEGIN; existing; CREATE TABLE \"parent\""));
  g_assert_nonnull (strstr (log, "CREATE TABLE \"child\""));
  g_assert_nonnull (strstr (log, "ix_child_ref"));
  g_assert_nonnull (strstr (log, "ix_parent_ref"));
  g_assert_true (g_str_has_suffix (log, "; COMMIT"));

  g_assert_true (cupel_engine_create_all (f->engine, metadata, NULL, error));
  assert_log ("BEGIN; existing; COMMIT");

  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, error));
  drop_log = fake_database_take_log ();
  g_assert_true (g_str_has_prefix (drop_log, "BEGIN; existing; DROP TABLE \"child\""));
  g_assert_true (g_str_has_suffix (drop_log, "; DROP TABLE \"parent\"; COMMIT"));
  return TRUE;
}

/* Dropped without closing: given back all the same, with and without a fiber around. */
static gboolean
drop_in_fiber (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = borrow (f->engine);

  execute (connection, "one");
  fake_database_forget_log ();
  g_object_unref (connection);
  /* It never suspends: the reset comes later. */
  assert_log ("");
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 1);
  for (guint i = 0; i < 30000 && cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)) > 0; i++)
    cupel_fiber_sleep (1000, NULL, NULL);
  assert_log ("reset");
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (f->engine)), ==, 1);
  return TRUE;
}

static void
test_drop_outside (Fixture       *f,
                   gconstpointer  data)
{
  GError *error = NULL;
  CupelConnection *connection = cupel_engine_connect (f->engine, NULL, &error);

  g_assert_no_error (error);
  execute (connection, "one");
  g_object_unref (connection);
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);

  connection = cupel_engine_connect (f->engine, NULL, &error);
  g_assert_no_error (error);
  g_object_unref (connection);
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (f->engine)), ==, 1);
}

/* the asynchronous form on a loop */

typedef struct
{
  GMainLoop       *loop;
  CupelConnection *connection;
  CupelText       *text;
  guint            steps;
} Async;

static void
on_async_closed (GObject      *source,
                 GAsyncResult *result,
                 gpointer      data)
{
  Async *async = data;
  GError *error = NULL;

  g_assert_true (cupel_connection_close_finish (CUPEL_CONNECTION (source), result, &error));
  g_assert_no_error (error);
  async->steps++;
  g_main_loop_quit (async->loop);
}

static void
on_async_executed (GObject      *source,
                   GAsyncResult *result,
                   gpointer      data)
{
  Async *async = data;
  GError *error = NULL;
  g_autoptr(CupelResult) rows = cupel_connection_execute_finish (CUPEL_CONNECTION (source), result, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (rows), ==, 2);
  g_assert_false (cupel_in_fiber ());

  /* The plain form would block this loop: it says so. */
  assert_refused (cupel_connection_execute (async->connection, CUPEL_STATEMENT (async->text), NULL, NULL, &error),
                  error, CUPEL_ERROR_MISSING_FIBER);

  async->steps++;
  cupel_connection_close_async (async->connection, NULL, on_async_closed, async);
}

static void
on_async_connected (GObject      *source,
                    GAsyncResult *result,
                    gpointer      data)
{
  Async *async = data;
  GError *error = NULL;

  async->connection = cupel_engine_connect_finish (CUPEL_ENGINE (source), result, &error);
  g_assert_no_error (error);
  async->text = cupel_text_new ("rows 2");
  async->steps++;
  cupel_connection_execute_async (async->connection, CUPEL_STATEMENT (async->text), NULL, NULL, on_async_executed, async);
}

static void
test_async (Fixture       *f,
            gconstpointer  data)
{
  Async async = { .loop = g_main_loop_new (NULL, FALSE) };

  cupel_engine_connect_async (f->engine, NULL, on_async_connected, &async);
  g_assert_cmpuint (async.steps, ==, 0);
  g_main_loop_run (async.loop);
  g_assert_cmpuint (async.steps, ==, 3);
  g_object_unref (async.connection);
  g_object_unref (async.text);
  g_main_loop_unref (async.loop);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* The main context of a call is dropped, before it began or while the server is at work: the connection is free again. */
static void
on_never (GObject      *source,
          GAsyncResult *result,
          gpointer      data)
{
  g_autoptr(CupelResult) rows = cupel_connection_execute_finish (CUPEL_CONNECTION (source), result, data);

  g_assert_null (rows);
}

static void
test_async_context_goes (Fixture       *f,
                         gconstpointer  data)
{
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelText) text = cupel_text_new ("one");

  for (guint begun = 0; begun < 2; begun++)
    {
      GMainContext *context = g_main_context_new ();
      GError *error = NULL;

      g_main_context_push_thread_default (context);
      fake_knobs.delay = 60 * G_USEC_PER_SEC;
      cupel_connection_execute_async (connection, CUPEL_STATEMENT (text), NULL, NULL, on_never, &error);
      if (begun)
        g_main_context_iteration (context, FALSE);
      g_main_context_pop_thread_default (context);
      g_main_context_unref (context);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);

      fake_knobs.delay = 0;
      g_assert_true (cupel_connection_rollback (connection, NULL, &error));
      g_assert_no_error (error);
      if (!begun)
        execute (connection, "one");
    }
  close_it (connection);
}

/* engines */

static void
test_engine_new (void)
{
  g_autoptr(CupelEngine) engine = NULL;
  g_autofree char *url = NULL;
  GError *error = NULL;

  fake_database_reset ();
  engine = cupel_engine_new ("fake://me:canary@host/db", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (cupel_engine_get_driver_name (engine), ==, "fakery");
  g_assert_cmpstr (cupel_dialect_get_name (cupel_engine_get_dialect (engine)), ==, "fake");
  g_assert_null (cupel_engine_get_pool (engine));
  g_assert_cmpint (cupel_engine_get_capabilities (engine), ==, CUPEL_CAP_NONE);
  g_object_get (engine, "url", &url, NULL);
  g_assert_null (strstr (url, "canary"));
  g_assert_cmpuint (fake_figures.n_connects, ==, 0);
  g_clear_object (&engine);

  engine = cupel_engine_new ("fake+fakery://", &error);
  g_assert_no_error (error);
  g_clear_object (&engine);

  g_assert_null (cupel_engine_new ("fake+nosuch://me:canary@host/", &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nosuch"));
  g_assert_null (strstr (error->message, "canary"));
  g_clear_error (&error);
  g_assert_null (cupel_engine_new ("nosuch://me:canary@host/", &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "nosuch:"));
  g_assert_null (strstr (error->message, "canary"));
  g_clear_error (&error);
  assert_refused (cupel_engine_new ("no url at all", &error), error, CUPEL_ERROR_INVALID_URL);
  assert_refused (cupel_engine_new ("fake://?bad=1", &error), error, CUPEL_ERROR_INVALID_URL);
}

static GLogWriterOutput
collect_log (GLogLevelFlags   level,
             const GLogField *fields,
             gsize            n_fields,
             gpointer         data)
{
  GString *text = data;

  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && level == G_LOG_LEVEL_MESSAGE)
      g_string_append_printf (text, "%s\n", (const char *) fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

static void
test_echo_subprocess (void)
{
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(CupelEngine) engine = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelText) put = cupel_text_new ("put :a");
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelResult) result = NULL;
  g_autofree char *longer = g_strnfill (200, 'v');
  GError *error = NULL;

  g_log_set_writer_func (collect_log, text, NULL);
  fake_database_reset ();
  engine = cupel_engine_new ("fake://me:canary@host/", &error);
  cupel_engine_set_echo (engine, TRUE);
  connection = cupel_engine_connect (engine, NULL, &error);
  cupel_parameters_set_string (parameters, "a", longer);
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (put), parameters, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_connection_commit (connection, NULL, &error));
  g_assert_nonnull (strstr (text->str, "BEGIN (implicit)\nput "));
  g_assert_nonnull (strstr (text->str, "[compiled "));
  g_assert_nonnull (strstr (text->str, "\nCOMMIT\n"));
  g_assert_null (strstr (text->str, "vvv"));
  g_assert_null (strstr (text->str, "canary"));

  g_string_truncate (text, 0);
  g_object_set (engine, "echo-values", TRUE, NULL);
  g_clear_object (&result);
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (put), parameters, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (text->str, "[cached "));
  g_assert_nonnull (strstr (text->str, "vvv..."));
  longer[65] = '\0';
  g_assert_null (strstr (text->str, longer));
  g_assert_true (cupel_connection_close (connection, NULL, &error));
  g_assert_nonnull (strstr (text->str, "\nROLLBACK\n"));
  cupel_engine_dispose (engine, NULL, &error);
  g_clear_object (&result);
  g_clear_object (&connection);
  g_clear_object (&engine);
}

static void
test_echo (void)
{
  if (g_test_subprocess ())
    {
      test_echo_subprocess ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("busy", test_busy);
  ADD ("closed", test_closed);
  ADD ("wrong-thread", test_wrong_thread);
  ADD ("cancel", test_cancel);
  ADD ("parameters", test_parameters);
  ADD ("cache", test_cache);
  ADD ("engine-begin", test_engine_begin);
  ADD ("schema", test_schema);
  ADD ("drop-in-fiber", drop_in_fiber);
  g_test_add ("/engine/connection/drop-outside", Fixture, NULL, set_up, test_drop_outside, tear_down);
  g_test_add ("/engine/connection/async", Fixture, NULL, set_up, test_async, tear_down);
  g_test_add ("/engine/connection/async-context-goes", Fixture, NULL, set_up, test_async_context_goes, tear_down);
  g_test_add_func ("/engine/new", test_engine_new);
  g_test_add_func ("/engine/echo", test_echo);

  return g_test_run ();
}
