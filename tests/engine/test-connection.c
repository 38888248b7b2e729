/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions of a connection as the driver hears of them, errors, lost links. */

#include "connection-fixture.h"

#include <time.h>

#include "../unit/scale.h"

static gboolean
test_autobegin (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);

  g_assert_false (cupel_connection_in_transaction (connection));
  /* Nothing is open: nothing happens. */
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("");

  execute (connection, "one");
  g_assert_true (cupel_connection_in_transaction (connection));
  execute (connection, "two");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  g_assert_false (cupel_connection_in_transaction (connection));
  assert_log ("BEGIN; one; two; COMMIT");

  execute (connection, "three");
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("BEGIN; three; ROLLBACK");

  execute (connection, "four");
  close_it (connection);
  assert_log ("BEGIN; four; reset");
  close_it (connection);
  g_assert_true (cupel_connection_is_closed (connection));
  assert_log ("");

  g_assert_cmpstr (f->signals->str, ==,
                   "connected checkout begin one*1 two*1 commit begin three*1 rollback begin four*1 rollback checkin ");
  return TRUE;
}

static gboolean
test_begin (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(GError) local = NULL;

  g_assert_true (cupel_connection_begin (connection, NULL, error));
  g_assert_true (cupel_connection_in_transaction (connection));
  assert_log ("");
  g_assert_false (cupel_connection_begin (connection, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  execute (connection, "one");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  assert_log ("BEGIN; one; COMMIT");

  /* An empty one costs nothing. */
  g_assert_true (cupel_connection_begin (connection, NULL, error));
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  assert_log ("");
  g_assert_cmpstr (f->signals->str, ==, "connected checkout begin one*1 commit begin commit ");
  close_it (connection);
  return TRUE;
}

static gboolean
test_implicit_commit (gpointer       data,
                      GCancellable  *cancellable,
                      GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);

  execute (connection, "implicit");
  g_assert_true (cupel_connection_in_transaction (connection));
  execute (connection, "one");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  assert_log ("BEGIN; implicit; BEGIN; one; COMMIT");
  g_assert_cmpstr (f->signals->str, ==, "connected checkout begin implicit*1 one*1 commit ");
  close_it (connection);
  return TRUE;
}

static gboolean
test_isolation (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelConnection) again = NULL;
  g_autoptr(GError) local = NULL;

  g_assert_true (cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, error));
  execute (connection, "one");
  g_assert_false (cupel_connection_in_transaction (connection));
  assert_log ("isolation 5; one");

  assert_refused (cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, NULL, &local),
                  local, CUPEL_ERROR_UNSUPPORTED);

  g_assert_true (cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, error));
  execute (connection, "two");
  assert_refused (cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &local),
                  local, CUPEL_ERROR_INVALID_ARGUMENT);
  close_it (connection);
  assert_log ("isolation 4; BEGIN; two; reset; isolation 0");

  /* The next borrower has the same connection, as new. */
  again = borrow (f->engine);
  execute (again, "three");
  close_it (again);
  assert_log ("BEGIN; three; reset");
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);

  g_object_set (f->engine, "isolation-level", CUPEL_ISOLATION_AUTOCOMMIT, NULL);
  g_clear_object (&again);
  again = borrow (f->engine);
  execute (again, "four");
  close_it (again);
  assert_log ("isolation 5; four");

  /* The engine's own level stays with the connection: one answer for one question, and nothing when it comes back. */
  g_clear_object (&again);
  again = borrow (f->engine);
  execute (again, "five");
  close_it (again);
  assert_log ("five");

  /* Another one does not, */
  g_clear_object (&again);
  again = borrow (f->engine);
  g_assert_true (cupel_connection_set_isolation_level (again, CUPEL_ISOLATION_SERIALIZABLE, NULL, error));
  execute (again, "six");
  close_it (again);
  assert_log ("isolation 4; BEGIN; six; reset; isolation 5");
  g_clear_object (&again);
  again = borrow (f->engine);
  g_assert_true (cupel_connection_set_isolation_level (again, CUPEL_ISOLATION_DEFAULT, NULL, error));
  execute (again, "seven");
  close_it (again);
  assert_log ("isolation 0; BEGIN; seven; reset");

  /* and who comes next gets his with his first statement. */
  g_clear_object (&again);
  again = borrow (f->engine);
  close_it (again);
  assert_log ("");
  g_clear_object (&again);
  again = borrow (f->engine);
  execute (again, "eight");
  assert_refused (try_execute (again, "fail", NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  execute (again, "nine");
  close_it (again);
  /* A reset may have restored it. */
  assert_log ("isolation 5; eight; fail; nine; reset; isolation 5");

  g_object_set (f->engine, "isolation-level", CUPEL_ISOLATION_DEFAULT, NULL);
  g_clear_object (&again);
  again = borrow (f->engine);
  execute (again, "ten");
  close_it (again);
  assert_log ("isolation 0; BEGIN; ten; reset");
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  return TRUE;
}

static gboolean
test_failed_statement (gpointer       data,
                       GCancellable  *cancellable,
                       GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(GError) local = NULL;

  /* The server says FAILED: it refuses by itself, but COMMIT is not even sent. */
  execute (connection, "one");
  assert_refused (try_execute (connection, "fail", NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("BEGIN; one; fail; ROLLBACK");

  /* The server keeps the transaction. */
  fake_knobs.status_after_error = CUPEL_TRANSACTION_ACTIVE;
  execute (connection, "one");
  g_assert_null (try_execute (connection, "fail", NULL, &local));
  g_clear_error (&local);
  execute (connection, "two");
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  assert_log ("BEGIN; one; fail; two; COMMIT");

  /* The server rolled everything back by itself: going on as if nothing had happened would lose "one". */
  fake_knobs.status_after_error = CUPEL_TRANSACTION_IDLE;
  execute (connection, "one");
  g_assert_null (try_execute (connection, "fail", NULL, &local));
  g_clear_error (&local);
  assert_refused (try_execute (connection, "two", NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("BEGIN; one; fail");
  execute (connection, "three");
  assert_log ("BEGIN; three");
  close_it (connection);
  g_assert_cmpuint (fake_figures.n_connects, ==, 1);
  return TRUE;
}

static gboolean
test_lost_link (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelConnection) other = NULL;
  g_autoptr(GError) local = NULL;

  fake_knobs.disconnect = TRUE;
  assert_refused (try_execute (connection, "fail", NULL, &local), local, CUPEL_ERROR_DISCONNECTED);
  g_assert_true (cupel_connection_is_invalidated (connection));
  fake_database_forget_log ();

  assert_refused (try_execute (connection, "one", NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  g_assert_null (try_execute (connection, "one", NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  assert_log ("");
  close_it (connection);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);

  fake_knobs.disconnect = FALSE;
  other = borrow (f->engine);
  execute (other, "one");
  close_it (other);
  g_assert_cmpuint (fake_figures.n_connects, ==, 2);
  return TRUE;
}

static gboolean
test_commit_errors (gpointer       data,
                    GCancellable  *unused,
                    GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelConnection) second = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) local = NULL;

  /* refused: the transaction is over on the server, and the caller has to say so too */
  fake_knobs.fail_commit = TRUE;
  fake_knobs.error = CUPEL_ERROR_FOREIGN_KEY;
  fake_knobs.status_after_error = CUPEL_TRANSACTION_IDLE;
  execute (connection, "one");
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_FOREIGN_KEY);
  g_assert_true (cupel_connection_in_transaction (connection));
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_log ("BEGIN; one; COMMIT");

  /* cancelled before: nothing is sent, the transaction lives */
  g_cancellable_cancel (cancellable);
  fake_knobs.fail_commit = FALSE;
  execute (connection, "two");
  g_assert_false (cupel_connection_commit (connection, cancellable, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&local);
  g_assert_true (cupel_connection_commit (connection, NULL, error));
  assert_log ("BEGIN; two; COMMIT");

  /* the answer is lost */
  fake_knobs.fail_commit = TRUE;
  fake_knobs.disconnect = TRUE;
  execute (connection, "three");
  assert_refused (cupel_connection_commit (connection, NULL, &local), local, CUPEL_ERROR_OUTCOME_UNKNOWN);
  close_it (connection);

  /* the link is found dead before */
  fake_knobs.fail_commit = fake_knobs.disconnect = FALSE;
  fake_database_forget_log ();
  second = borrow (f->engine);
  execute (second, "four");
  fake_knobs.dead = TRUE;
  g_assert_false (cupel_connection_commit (second, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  assert_log ("BEGIN; four");
  close_it (second);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  return TRUE;
}

/* As many values by name as a statement may have: found, not looked for. In time of the thread; the server is none. */
static gboolean
test_many_names (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  const guint n = scale (60000, 2000);
  Fixture *f = data;
  g_autoptr(CupelConnection) connection = borrow (f->engine);
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(GString) sql = g_string_new ("one");
  g_autoptr(CupelText) text = NULL;
  g_autoptr(CupelResult) result = NULL;
  struct timespec begin, end;

  for (guint i = 0; i < n; i++)
    g_string_append_printf (sql, " :a%u", i);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &begin);
  text = cupel_text_new (sql->str);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("a%u", n - 1 - i);

      cupel_parameters_set_int64 (parameters, name, i);
    }
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), parameters, NULL, error);
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &end);
  g_assert_no_error (*error);
  g_assert_nonnull (result);
  g_assert_cmpint (end.tv_sec - begin.tv_sec, <, 5);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  close_it (connection);
  return TRUE;
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("autobegin", test_autobegin);
  ADD ("begin", test_begin);
  ADD ("implicit-commit", test_implicit_commit);
  ADD ("isolation", test_isolation);
  ADD ("failed-statement", test_failed_statement);
  ADD ("lost-link", test_lost_link);
  ADD ("commit-errors", test_commit_errors);
  ADD ("many-names", test_many_names);

  return g_test_run ();
}
