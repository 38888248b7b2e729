/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One operation at a time: every pair of them, from the moment of the call. */

#include "transaction-fixture.h"

#include <string.h>

/* one operation at a time: all pairs */

typedef enum
{
  OP_EXECUTE,
  OP_EXECUTE_MANY,
  OP_STREAM,
  OP_BEGIN_NESTED,
  OP_NESTED_COMMIT,
  OP_NESTED_ROLLBACK,
  OP_FETCH,
  OP_STREAM_CLOSE,
  OP_ROLLBACK,
  OP_COMMIT,
  OP_CLOSE,
  /* these do not wait: they are only tried as the second one */
  OP_BEGIN,
  OP_BEGIN_TRANSACTION,
  OP_SET_ISOLATION,
  N_OPS
} Op;

static const char *const op_names[N_OPS] = {
  "cupel_connection_execute", "cupel_connection_execute_many", "cupel_connection_stream", "cupel_connection_begin_nested",
  "cupel_transaction_commit", "cupel_transaction_rollback", "cupel_stream_next_rows", "cupel_stream_close",
  "cupel_connection_rollback", "cupel_connection_commit", "cupel_connection_close",
  "cupel_connection_begin", "cupel_connection_begin_transaction", "cupel_connection_set_isolation_level",
};

typedef struct
{
  CupelConnection  *connection;
  CupelTransaction *nested;
  CupelStream      *stream;
} Pair;

static void
start_op (Pair                *pair,
          Op                   op,
          GAsyncReadyCallback  callback,
          gpointer             data)
{
  g_autoptr(CupelText) text = cupel_text_new (op == OP_STREAM ? "rows 5" : op == OP_EXECUTE_MANY ? "one :a" : "one");
  g_autoptr(CupelParameters) sets = cupel_parameters_new ();

  switch (op)
    {
    case OP_EXECUTE:
      cupel_connection_execute_async (pair->connection, CUPEL_STATEMENT (text), NULL, NULL, callback, data);
      break;
    case OP_EXECUTE_MANY:
      cupel_parameters_set_int64 (sets, "a", 1);
      cupel_connection_execute_many_async (pair->connection, CUPEL_STATEMENT (text), sets, NULL, callback, data);
      break;
    case OP_STREAM:
      cupel_connection_stream_async (pair->connection, CUPEL_STATEMENT (text), NULL, 0, NULL, callback, data);
      break;
    case OP_BEGIN_NESTED:
      cupel_connection_begin_nested_async (pair->connection, NULL, callback, data);
      break;
    case OP_NESTED_COMMIT:
      cupel_transaction_commit_async (pair->nested, NULL, callback, data);
      break;
    case OP_NESTED_ROLLBACK:
      cupel_transaction_rollback_async (pair->nested, NULL, callback, data);
      break;
    case OP_FETCH:
      cupel_stream_next_rows_async (pair->stream, NULL, callback, data);
      break;
    case OP_STREAM_CLOSE:
      cupel_stream_close_async (pair->stream, NULL, callback, data);
      break;
    case OP_ROLLBACK:
      cupel_connection_rollback_async (pair->connection, NULL, callback, data);
      break;
    case OP_COMMIT:
      cupel_connection_commit_async (pair->connection, NULL, callback, data);
      break;
    case OP_CLOSE:
      cupel_connection_close_async (pair->connection, NULL, callback, data);
      break;
    case OP_BEGIN:
      cupel_connection_begin_async (pair->connection, NULL, callback, data);
      break;
    case OP_BEGIN_TRANSACTION:
      cupel_connection_begin_transaction_async (pair->connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE, NULL, callback, data);
      break;
    case OP_SET_ISOLATION:
      cupel_connection_set_isolation_level_async (pair->connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, callback, data);
      break;
    case N_OPS:
    default:
      g_assert_not_reached ();
    }
}

static void
finish_op (Pair          *pair,
           Op             op,
           GAsyncResult  *result,
           GError       **error)
{
  switch (op)
    {
    case OP_EXECUTE:
      g_clear_object (&(gpointer) { cupel_connection_execute_finish (pair->connection, result, error) });
      break;
    case OP_EXECUTE_MANY:
      g_clear_object (&(gpointer) { cupel_connection_execute_many_finish (pair->connection, result, error) });
      break;
    case OP_STREAM:
      {
        g_autoptr(CupelStream) stream = cupel_connection_stream_finish (pair->connection, result, error);

        if (stream != NULL)
          cupel_stream_close (stream, NULL, NULL);
      }
      break;
    case OP_BEGIN_NESTED:
      g_clear_object (&(gpointer) { cupel_connection_begin_nested_finish (pair->connection, result, error) });
      break;
    case OP_NESTED_COMMIT:
      cupel_transaction_commit_finish (pair->nested, result, error);
      break;
    case OP_NESTED_ROLLBACK:
      cupel_transaction_rollback_finish (pair->nested, result, error);
      break;
    case OP_FETCH:
      g_clear_pointer (&(GPtrArray *) { cupel_stream_next_rows_finish (pair->stream, result, error) }, g_ptr_array_unref);
      break;
    case OP_STREAM_CLOSE:
      cupel_stream_close_finish (pair->stream, result, error);
      break;
    case OP_ROLLBACK:
      cupel_connection_rollback_finish (pair->connection, result, error);
      break;
    case OP_COMMIT:
      cupel_connection_commit_finish (pair->connection, result, error);
      break;
    case OP_CLOSE:
      cupel_connection_close_finish (pair->connection, result, error);
      break;
    case OP_BEGIN:
      cupel_connection_begin_finish (pair->connection, result, error);
      break;
    case OP_BEGIN_TRANSACTION:
      g_clear_object (&(gpointer) { cupel_connection_begin_transaction_finish (pair->connection, result, error) });
      break;
    case OP_SET_ISOLATION:
      cupel_connection_set_isolation_level_finish (pair->connection, result, error);
      break;
    case N_OPS:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
test_pairs (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Fixture *f = data;

  for (Op first = 0; first < OP_BEGIN; first++)
    for (Op second = 0; second < N_OPS; second++)
      {
        const gboolean needs_stream = first == OP_FETCH || first == OP_STREAM_CLOSE || second == OP_FETCH || second == OP_STREAM_CLOSE;
        g_autoptr(CupelConnection) connection = cupel_engine_connect (f->engine, NULL, error);
        g_autoptr(CupelTransaction) nested = nest (connection);
        g_autoptr(CupelStream) stream = needs_stream ? open_stream (connection) : NULL;
        Pair pair = { connection, nested, stream };
        g_autoptr(CupelAwait) one = cupel_await_new ();
        g_autoptr(CupelAwait) two = cupel_await_new ();
        g_autoptr(GAsyncResult) result_one = NULL;
        g_autoptr(GAsyncResult) result_two = NULL;
        g_autoptr(GError) error_one = NULL;
        g_autoptr(GError) error_two = NULL;

        /* A commit with an open stream does not even begin; closing ends the transactions at once. */
        if ((needs_stream && (first == OP_COMMIT || first == OP_NESTED_COMMIT)) ||
            (first == OP_CLOSE && (second == OP_NESTED_COMMIT || second == OP_NESTED_ROLLBACK)))
          {
            g_assert_true (cupel_connection_close (connection, NULL, error));
            continue;
          }
        fake_knobs.delay = fake_knobs.reset_delay = 2000;
        start_op (&pair, first, cupel_await_ready, cupel_await_ref (one));
        start_op (&pair, second, cupel_await_ready, cupel_await_ref (two));
        result_two = cupel_await_wait (two, NULL, error);
        result_one = cupel_await_wait (one, NULL, error);
        finish_op (&pair, first, result_one, &error_one);
        finish_op (&pair, second, result_two, &error_two);
        fake_knobs.delay = fake_knobs.reset_delay = 0;

        g_test_message ("%s, %s", op_names[first], op_names[second]);
        g_assert_no_error (error_one);
        g_assert_error (error_two, CUPEL_ERROR, CUPEL_ERROR_BUSY);
        g_assert_nonnull (strstr (error_two->message, op_names[first]));
        g_assert_nonnull (strstr (error_two->message, op_names[second]));
        g_assert_true (cupel_connection_close (connection, NULL, error));
      }
  return TRUE;
}

/* What was called and has not begun is not overtaken by what would begin at once. */
static gboolean
test_overtaking (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  Fixture *f = data;

  for (Op first = 0; first < N_OPS; first++)
    {
      g_autoptr(CupelConnection) connection = cupel_engine_connect (f->engine, NULL, error);
      const gboolean begins = first == OP_BEGIN || first == OP_BEGIN_TRANSACTION || first == OP_SET_ISOLATION;
      g_autoptr(CupelTransaction) nested = begins ? NULL : nest (connection);
      g_autoptr(CupelStream) stream = first == OP_FETCH || first == OP_STREAM_CLOSE ? open_stream (connection) : NULL;
      Pair pair = { connection, nested, stream };
      g_autoptr(CupelAwait) await = cupel_await_new ();
      g_autoptr(GAsyncResult) result = NULL;
      g_autoptr(GError) error_one = NULL;
      g_autoptr(GError) error_two = NULL;

      start_op (&pair, first, cupel_await_ready, cupel_await_ref (await));
      g_assert_false (can_execute (connection, "two", NULL, &error_two));
      g_assert_error (error_two, CUPEL_ERROR, CUPEL_ERROR_BUSY);
      g_assert_nonnull (strstr (error_two->message, op_names[first]));
      result = cupel_await_wait (await, NULL, error);
      finish_op (&pair, first, result, &error_one);
      g_assert_no_error (error_one);
      g_clear_object (&stream);
      g_assert_true (cupel_connection_close (connection, NULL, error));
    }
  return TRUE;
}

static void
on_overtaken (GObject      *source,
              GAsyncResult *result,
              gpointer      data)
{
  g_autoptr(CupelResult) rows = NULL;
  GError **error = data;

  rows = cupel_connection_execute_finish (CUPEL_CONNECTION (source), result, error);
  if (rows != NULL)
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_EXIST, "done");
}

/* Without a fiber: a call that blocks, and one that is cancelled before it begins. */
static void
test_not_begun (Fixture       *f,
                gconstpointer  data)
{
  g_autoptr(CupelText) text = cupel_text_new ("one");
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) first = NULL;
  g_autoptr(CupelConnection) connection = cupel_engine_connect (f->engine, NULL, &error);

  g_assert_no_error (error);
  cupel_connection_execute_async (connection, CUPEL_STATEMENT (text), NULL, NULL, on_overtaken, &first);
  assert_refused (can_execute (connection, "two", NULL, &error), error, CUPEL_ERROR_BUSY);
  while (first == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (first, G_FILE_ERROR, G_FILE_ERROR_EXIST);
  g_clear_error (&first);

  cupel_connection_execute_async (connection, CUPEL_STATEMENT (text), NULL, cancellable, on_overtaken, &first);
  g_cancellable_cancel (cancellable);
  while (first == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_error (first, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&first);
  g_assert_true (cupel_connection_rollback (connection, NULL, &error));

  g_assert_true (cupel_connection_close (connection, NULL, &error));
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("pairs", test_pairs);
  ADD ("overtaking", test_overtaking);
  g_test_add ("/engine/transaction/not-begun", Fixture, NULL, set_up, test_not_begun, tear_down);

  return g_test_run ();
}
