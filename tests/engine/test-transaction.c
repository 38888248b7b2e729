/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions as objects: options, nested ones, what the server does to them, signals. */

#include "transaction-fixture.h"

#include <string.h>

/* Isolation, read-only and deferrable belong to one transaction. */
static gboolean
test_options (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(CupelTransaction) transaction = NULL;
  g_autoptr(GError) local = NULL;

  transaction = cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_SERIALIZABLE,
                                                    CUPEL_BEGIN_READ_ONLY | CUPEL_BEGIN_DEFERRABLE, NULL, error);
  g_assert_nonnull (transaction);
  g_assert_true (cupel_transaction_is_active (transaction));
  g_assert_false (cupel_transaction_is_nested (transaction));
  g_assert_cmpuint (cupel_transaction_get_attempt (transaction), ==, 1);
  g_assert_null (cupel_transaction_get_parent (transaction));
  g_assert_true (cupel_transaction_get_connection (transaction) == connection);
  g_assert_true (cupel_connection_get_transaction (connection) == transaction);

  assert_refused (cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE, NULL, &local),
                  local, CUPEL_ERROR_INVALID_ARGUMENT);

  fake_database_forget_log ();
  execute (connection, "one");
  execute (connection, "two");
  g_assert_true (cupel_transaction_commit (transaction, NULL, error));
  g_assert_false (cupel_transaction_is_active (transaction));
  assert_log ("next 4 read-only deferrable; BEGIN; one; two; COMMIT; next as usual");
  g_assert_null (cupel_connection_get_transaction (connection));

  assert_refused (cupel_transaction_commit (transaction, NULL, &local), local, CUPEL_ERROR_CLOSED);
  g_assert_true (cupel_transaction_rollback (transaction, NULL, error));
  execute (connection, "three");
  assert_log ("BEGIN; three");
  g_assert_true (cupel_connection_rollback (connection, NULL, error));

  g_clear_object (&transaction);
  assert_refused (cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, CUPEL_BEGIN_NONE, NULL, &local),
                  local, CUPEL_ERROR_UNSUPPORTED);
  assert_refused (cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_AUTOCOMMIT, CUPEL_BEGIN_NONE, NULL, &local),
                  local, CUPEL_ERROR_INVALID_ARGUMENT);
  g_assert_false (cupel_connection_in_transaction (connection));

  /* A server that commits by itself in the middle: what begins after it is as was asked for. */
  transaction = cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_READ_ONLY, NULL, error);
  fake_database_forget_log ();
  execute (connection, "implicit");
  execute (connection, "one");
  assert_log ("next 0 read-only; BEGIN; implicit; next 0 read-only; BEGIN; one");
  return cupel_transaction_rollback (transaction, NULL, error);
}

static gboolean
test_nested (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(CupelTransaction) first = NULL;
  g_autoptr(CupelTransaction) second = NULL;
  g_autoptr(CupelTransaction) third = NULL;
  g_autoptr(CupelTransaction) outer = NULL;
  g_autoptr(GError) local = NULL;

  g_assert_null (cupel_connection_get_transaction (connection));
  g_assert_null (cupel_connection_get_nested_transaction (connection));
  first = nest (connection);
  outer = g_object_ref (cupel_connection_get_transaction (connection));
  g_assert_true (cupel_transaction_is_nested (first));
  g_assert_true (cupel_transaction_get_parent (first) == outer);
  g_assert_true (cupel_connection_get_nested_transaction (connection) == first);
  execute (connection, "one");
  g_assert_true (cupel_transaction_commit (first, NULL, error));
  g_assert_null (cupel_connection_get_nested_transaction (connection));
  g_assert_true (cupel_connection_in_transaction (connection));
  assert_log ("BEGIN; SAVEPOINT cupel_1; one; RELEASE SAVEPOINT cupel_1");

  /* Ending an outer one ends those within; using one of them after that is an error that says why. */
  g_clear_object (&first);
  first = nest (connection);
  second = nest (connection);
  third = nest (connection);
  g_assert_true (cupel_transaction_get_parent (third) == second);
  g_assert_true (cupel_transaction_rollback (second, NULL, error));
  g_assert_false (cupel_transaction_is_active (second));
  g_assert_false (cupel_transaction_is_active (third));
  g_assert_true (cupel_transaction_is_active (first));
  g_assert_true (cupel_connection_get_nested_transaction (connection) == first);
  g_assert_false (cupel_transaction_commit (third, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_assert_nonnull (strstr (local->message, "the one around it ended"));
  g_clear_error (&local);
  g_assert_true (cupel_transaction_rollback (third, NULL, error));
  assert_log ("SAVEPOINT cupel_2; SAVEPOINT cupel_3; SAVEPOINT cupel_4; ROLLBACK TO SAVEPOINT cupel_3; RELEASE SAVEPOINT cupel_3");

  g_assert_true (cupel_transaction_commit (outer, NULL, error));
  g_assert_false (cupel_transaction_is_active (first));
  assert_refused (cupel_transaction_commit (first, NULL, &local), local, CUPEL_ERROR_CLOSED);
  assert_log ("COMMIT");

  /* Closing ends all of them. */
  g_clear_object (&first);
  first = nest (connection);
  g_assert_true (cupel_connection_close (connection, NULL, error));
  g_assert_false (cupel_transaction_is_active (first));
  g_assert_true (cupel_transaction_rollback (first, NULL, error));
  g_assert_null (cupel_connection_begin_nested (connection, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  return TRUE;
}

/* A server that refuses everything after an error is saved by a nested transaction; without one the next statement is not even sent. */
static gboolean
test_failed_statement (gpointer       data,
                       GCancellable  *cancellable,
                       GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(CupelTransaction) nested = NULL;
  g_autoptr(GError) local = NULL;

  execute (connection, "one");
  refuse (connection, "fail", CUPEL_ERROR_PROGRAMMING);
  g_assert_false (can_execute (connection, "two", NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_nonnull (strstr (local->message, "cupel_connection_begin_nested()"));
  g_clear_error (&local);
  assert_refused (cupel_connection_begin_nested (connection, NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("BEGIN; one; fail; ROLLBACK");

  nested = nest (connection);
  refuse (connection, "fail", CUPEL_ERROR_PROGRAMMING);
  refuse (connection, "two", CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_false (cupel_transaction_commit (nested, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_true (cupel_transaction_is_active (nested));
  g_assert_true (cupel_transaction_rollback (nested, NULL, error));
  execute (connection, "two");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  assert_log ("BEGIN; SAVEPOINT cupel_1; fail; ROLLBACK TO SAVEPOINT cupel_1; RELEASE SAVEPOINT cupel_1; two; COMMIT");
  return TRUE;
}

/* A deadlock at depth 3, DDL at depth 2: the stack is gone at once, and nothing is done until the outermost one was rolled back. */
static gboolean
test_server_ends_it (gpointer       data,
                     GCancellable  *cancellable,
                     GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  static const struct { const char *sql; CupelTransactionStatus status; CupelErrorCategory category; } cases[] = {
    { "fail", CUPEL_TRANSACTION_IDLE, CUPEL_ERROR_CATEGORY_RETRY },
    /* Servers whose error packets do not tell that the transaction is gone, or where only the statement is. */
    { "fail", CUPEL_TRANSACTION_ACTIVE, CUPEL_ERROR_CATEGORY_RETRY },
    { "fail", CUPEL_TRANSACTION_FAILED, CUPEL_ERROR_CATEGORY_RETRY },
    { "fail", CUPEL_TRANSACTION_IDLE, CUPEL_ERROR_CATEGORY_NONE },
    { "implicit", CUPEL_TRANSACTION_IDLE, CUPEL_ERROR_CATEGORY_NONE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(CupelTransaction) first = nest (connection);
      g_autoptr(CupelTransaction) second = nest (connection);
      g_autoptr(CupelTransaction) third = nest (connection);
      g_autoptr(CupelTransaction) outer = g_object_ref (cupel_connection_get_transaction (connection));
      g_autoptr(GError) local = NULL;

      fake_knobs.status_after_error = cases[i].status;
      fake_knobs.category = cases[i].category;
      if (g_str_equal (cases[i].sql, "fail"))
        refuse (connection, "fail", CUPEL_ERROR_PROGRAMMING);
      else
        execute (connection, cases[i].sql);
      g_assert_false (cupel_transaction_is_active (third));
      g_assert_false (cupel_transaction_is_active (first));
      g_assert_true (cupel_transaction_is_active (outer));
      fake_database_forget_log ();

      g_assert_false (can_execute (connection, "two", NULL, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      /* Swallowed by a program, the cause is still known to what runs the unit again. */
      g_assert_cmpint (cupel_error_is_retryable (local), ==, cases[i].category == CUPEL_ERROR_CATEGORY_RETRY);
      g_clear_error (&local);
      g_assert_true (cupel_transaction_rollback (third, NULL, error));
      g_assert_true (cupel_transaction_rollback (second, NULL, error));
      assert_refused (cupel_transaction_commit (first, NULL, &local), local, CUPEL_ERROR_CLOSED);
      refuse (connection, "two", CUPEL_ERROR_PENDING_ROLLBACK);
      assert_refused (cupel_transaction_commit (outer, NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
      g_assert_true (cupel_transaction_rollback (outer, NULL, error));
      assert_log (cases[i].status == CUPEL_TRANSACTION_IDLE ? "" : "ROLLBACK");
      execute (connection, "three");
      g_assert_true (cupel_connection_rollback (connection, NULL, error));
      fake_database_forget_log ();
    }
  return TRUE;
}

/* Streams: none is open at a commit, all are ended by a rollback. */
static gboolean
test_streams (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(CupelTransaction) nested = nest (connection);
  g_autoptr(CupelStream) stream = open_stream (connection);
  g_autoptr(GError) local = NULL;

  assert_refused (cupel_transaction_commit (nested, NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  g_assert_true (cupel_stream_step (stream, NULL, error));
  g_assert_true (cupel_transaction_is_active (nested));
  g_assert_true (cupel_transaction_rollback (nested, NULL, error));
  g_assert_true (cupel_stream_is_closed (stream));
  g_assert_false (cupel_stream_step (stream, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  assert_log ("BEGIN; SAVEPOINT cupel_1; rows 50; fetch; close cursor; ROLLBACK TO SAVEPOINT cupel_1; RELEASE SAVEPOINT cupel_1");
  return cupel_connection_commit (connection, NULL, error);
}

/* Where the server has no savepoints, a part that fails fails the whole. */
static gboolean
test_no_savepoints (gpointer       data,
                    GCancellable  *cancellable,
                    GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelEngine) engine = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelTransaction) nested = NULL;

  fake_knobs.no_savepoints = TRUE;
  engine = cupel_engine_new ("fake://", error);
  connection = cupel_engine_connect (engine, NULL, error);
  g_assert_nonnull (connection);
  nested = nest (connection);
  execute (connection, "one");
  g_assert_true (cupel_transaction_commit (nested, NULL, error));
  g_clear_object (&nested);
  nested = nest (connection);
  execute (connection, "two");
  g_assert_true (cupel_transaction_rollback (nested, NULL, error));
  refuse (connection, "three", CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("BEGIN; one; two; ROLLBACK");
  g_assert_true (cupel_connection_close (connection, NULL, error));
  g_assert_nonnull (f->connection);
  return cupel_engine_dispose (engine, NULL, error);
}

/* signals */

static void
on_plain (CupelEngine *engine,
          Fixture     *f)
{
  GSignalInvocationHint *hint = g_signal_get_invocation_hint (engine);

  g_assert_false (cupel_in_fiber ());
  g_string_append_printf (f->signals, "%s ", g_signal_name (hint->signal_id));
}

static void
on_named (CupelEngine *engine,
          const char  *name,
          Fixture     *f)
{
  GSignalInvocationHint *hint = g_signal_get_invocation_hint (engine);

  g_assert_false (cupel_in_fiber ());
  g_string_append_printf (f->signals, "%s(%s) ", g_signal_name (hint->signal_id), name);
}

static void
on_before (CupelEngine *engine,
           const char  *sql,
           guint        n_sets,
           Fixture     *f)
{
  g_assert_false (cupel_in_fiber ());
  g_string_append_printf (f->signals, "before(%s,%u) ", sql, n_sets);
}

static void
on_after (CupelEngine  *engine,
          const char   *sql,
          guint         n_sets,
          gboolean      cache_hit,
          gint64        duration,
          const GError *failure,
          Fixture      *f)
{
  g_assert_false (cupel_in_fiber ());
  g_string_append_printf (f->signals, "after(%s,%s) ", sql, failure != NULL ? "failed" : "fine");
}

static gboolean
test_signals (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(CupelTransaction) first = NULL;
  g_autoptr(CupelTransaction) second = NULL;

  g_signal_connect (f->engine, "begin", G_CALLBACK (on_plain), f);
  g_signal_connect (f->engine, "commit", G_CALLBACK (on_plain), f);
  g_signal_connect (f->engine, "rollback", G_CALLBACK (on_plain), f);
  g_signal_connect (f->engine, "invalidated", G_CALLBACK (on_plain), f);
  g_signal_connect (f->engine, "savepoint", G_CALLBACK (on_named), f);
  g_signal_connect (f->engine, "release-savepoint", G_CALLBACK (on_named), f);
  g_signal_connect (f->engine, "rollback-savepoint", G_CALLBACK (on_named), f);
  g_signal_connect (f->engine, "before-execute", G_CALLBACK (on_before), f);
  g_signal_connect (f->engine, "execute", G_CALLBACK (on_after), f);

  first = nest (connection);
  second = nest (connection);
  g_assert_true (cupel_transaction_rollback (second, NULL, error));
  g_assert_true (cupel_transaction_commit (first, NULL, error));
  execute (connection, "one");
  refuse (connection, "fail", CUPEL_ERROR_PROGRAMMING);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  fake_knobs.disconnect = TRUE;
  refuse (connection, "fail", CUPEL_ERROR_DISCONNECTED);
  g_assert_cmpstr (f->signals->str, ==,
                   "begin savepoint(cupel_1) savepoint(cupel_2) rollback-savepoint(cupel_2) release-savepoint(cupel_1) "
                   "before(one,1) after(one,fine) before(fail,1) after(fail,failed) rollback "
                   "begin before(fail,1) invalidated after(fail,failed) ");
  return TRUE;
}

/* A connection that is dropped does not live on in its transactions. */
static void
test_dropped (Fixture       *f,
              gconstpointer  data)
{
  GError *error = NULL;
  CupelConnection *connection = cupel_engine_connect (f->engine, NULL, &error);
  g_autoptr(CupelTransaction) transaction = cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE,
                                                                               NULL, &error);

  g_assert_no_error (error);
  g_assert_finalize_object (connection);
  g_assert_null (cupel_transaction_get_connection (transaction));
  g_assert_false (cupel_transaction_is_active (transaction));
  assert_refused (cupel_transaction_commit (transaction, NULL, &error), error, CUPEL_ERROR_CLOSED);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("options", test_options);
  ADD ("nested", test_nested);
  ADD ("failed-statement", test_failed_statement);
  ADD ("server-ends-it", test_server_ends_it);
  ADD ("streams", test_streams);
  ADD ("no-savepoints", test_no_savepoints);
  ADD ("signals", test_signals);
  g_test_add ("/engine/transaction/dropped", Fixture, NULL, set_up, test_dropped, tear_down);

  return g_test_run ();
}
