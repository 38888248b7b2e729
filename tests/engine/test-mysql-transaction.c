/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions: how they begin and end. */

#include "mysql-fixture.h"

#include <string.h>

static void
test_transactions (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(GError) error = NULL;

  run (connection, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
  assert_status (connection, IDLE);

  run_in_transaction (connection, "INSERT INTO t VALUES (1)");
  assert_status (connection, ACTIVE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 0);
  cupel_driver_connection_rollback (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM t"), ==, 0);

  run_in_transaction (connection, "INSERT INTO t VALUES (2)");
  run (connection, "INSERT INTO t VALUES (3)");
  cupel_driver_connection_commit (connection, NULL, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 2);

  /* outside of one, a statement stands by itself */
  run (connection, "INSERT INTO t VALUES (4)");
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 3);

  /* an error leaves the transaction open */
  run_in_transaction (connection, "INSERT INTO t VALUES (5)");
  g_error_free (fail (connection, "INSERT INTO t VALUES (5)", CUPEL_REQUEST_BEGIN));
  assert_status (connection, ACTIVE);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 3);

  /* one that the user opened by hand is seen too */
  run (connection, "START TRANSACTION");
  assert_status (connection, ACTIVE);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);

  /* AUTOCOMMIT: to begin does nothing */
  cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error);
  g_assert_no_error (error);
  {
    g_autoptr(CupelCompiled) compiled = compile ("INSERT INTO t VALUES (6)", -1);
    g_auto(CupelReply) reply = { 0, };

    execute_full (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
    g_assert_no_error (error);
    g_assert_false (reply.began);
  }
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 4);

  cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_SERIALIZABLE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (query_int64 (connection, "SELECT @@tx_isolation = 'SERIALIZABLE'"), ==, 1);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + SECOND, &error);
  g_assert_no_error (error);
  g_assert_cmpint (query_int64 (connection, "SELECT @@tx_isolation = @@global.tx_isolation"), ==, 1);

  cupel_driver_connection_close (other, g_get_monotonic_time () + SECOND);
}

typedef struct
{
  CupelDriverConnection *connection;
  GError                *error;
} Rival;

static gboolean
rival_run (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Rival *rival = data;
  g_autoptr(CupelCompiled) compiled = compile ("UPDATE dl SET v = v + 1 WHERE id = 1", -1);
  g_auto(CupelReply) reply = { 0, };

  execute_full (rival->connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &rival->error);
  return TRUE;
}

static void
test_deadlock (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(CupelCompiled) update = compile ("UPDATE dl SET v = v + 1 WHERE id = 2", -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) join_error = NULL;
  Rival rival = { other, NULL };
  CupelDriverConnection *victim;

  run (connection, "CREATE TABLE dl (id INT PRIMARY KEY, v INT) ENGINE=InnoDB");
  run (connection, "INSERT INTO dl VALUES (1, 0), (2, 0)");
  run_in_transaction (connection, "UPDATE dl SET v = v + 1 WHERE id = 1");
  run_in_transaction (other, "UPDATE dl SET v = v + 1 WHERE id = 2");

  cupel_task_group_spawn (group, rival_run, &rival, NULL);
  g_assert_true (cupel_fiber_sleep (100 * 1000, NULL, NULL));
  execute_full (connection, update, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  cupel_task_group_join (group, &join_error);
  g_assert_no_error (join_error);
  cupel_task_group_free (group);

  /* one of the two */
  g_assert_true ((error == NULL) != (rival.error == NULL));
  victim = error != NULL ? connection : other;
  if (error == NULL)
    error = g_steal_pointer (&rival.error);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DEADLOCK);
  g_assert_true (cupel_error_is_retryable (error));

  /* nothing may run as if the transaction were still there */
  assert_status (victim, FAILED);
  {
    g_autoptr(GError) pending = fail (victim, "UPDATE dl SET v = 100", CUPEL_REQUEST_NONE);
    g_autoptr(GError) commit = NULL;

    g_assert_error (pending, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
    g_assert_false (cupel_driver_connection_commit (victim, NULL, &commit));
    g_assert_error (commit, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  }
  g_assert_true (cupel_driver_connection_rollback (victim, g_get_monotonic_time () + SECOND, NULL));
  assert_status (victim, IDLE);
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + SECOND, NULL));
  g_assert_true (cupel_driver_connection_rollback (other, g_get_monotonic_time () + SECOND, NULL));
  g_clear_error (&rival.error);
  cupel_driver_connection_terminate (other);
}

static const Case cases[] = {
  { "transactions", test_transactions },
  { "deadlock", test_deadlock },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "transaction");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
