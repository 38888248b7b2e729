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
  cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), &error);
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
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM t"), ==, 3);

  /* one that the user opened by hand is seen too */
  run (connection, "START TRANSACTION");
  assert_status (connection, ACTIVE);
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), &error);
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
  cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), &error);
  g_assert_no_error (error);
  g_assert_cmpint (query_int64 (connection, "SELECT @@tx_isolation = @@global.tx_isolation"), ==, 1);

  cupel_driver_connection_close (other, g_get_monotonic_time () + scale_bound (1000));
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
  g_assert_true (cupel_driver_connection_rollback (victim, g_get_monotonic_time () + scale_bound (1000), NULL));
  assert_status (victim, IDLE);
  g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
  g_assert_true (cupel_driver_connection_rollback (other, g_get_monotonic_time () + scale_bound (1000), NULL));
  g_clear_error (&rival.error);
  cupel_driver_connection_terminate (other);
}

/* options of one transaction */

static void
end_transaction (CupelDriverConnection *connection,
                 gboolean               commit)
{
  g_autoptr(GError) error = NULL;

  if (commit)
    cupel_driver_connection_commit (connection, NULL, &error);
  else
    cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), &error);
  g_assert_no_error (error);
  assert_status (connection, IDLE);
}

static void
set_options (CupelDriverConnection *connection,
             CupelIsolationLevel    isolation,
             gboolean               read_only)
{
  CupelTransactionOptions options = { isolation, read_only, FALSE };
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_set_transaction (connection, &options, &error);
  g_assert_no_error (error);
}

/* What the server says of the transaction that is open: "SERIALIZABLE", with " READ ONLY" if it is. */
static void
assert_transaction (CupelDriverConnection *connection,
                    const char            *expected)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autofree char *sql = g_strdup_printf (
    "SELECT concat(trx_isolation_level, if(trx_is_read_only, ' READ ONLY', '')) FROM information_schema.innodb_trx "
    "WHERE trx_mysql_thread_id = %d", (int) query_int64 (connection, "SELECT connection_id() FROM t LIMIT 1"));
  g_autoptr(CupelCompiled) compiled = compile (sql, CUPEL_SQL_STRING, -1);
  g_autofree char *found = NULL;

  /* The server makes this table anew every 0.1 s only, and not while others keep looking at it. */
  for (guint i = 0; i < 200 && g_strcmp0 (found, expected) != 0; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      g_assert_true (cupel_fiber_sleep (150 * 1000, NULL, NULL));
      execute (other, compiled, NULL, &reply);
      g_free (found);
      found = count_rows (&reply) == 1 ? g_strdup (get_cell (&reply, 0, 0)->v.text) : NULL;
    }
  g_assert_cmpstr (found, ==, expected);
  cupel_driver_connection_terminate (other);
}

static void
test_options (CupelDriverConnection *connection)
{
  static const struct
  {
    CupelIsolationLevel isolation;
    gboolean            read_only;
    const char         *expected;
  } options[] = {
    { CUPEL_ISOLATION_SERIALIZABLE, FALSE, "SERIALIZABLE" },
    { CUPEL_ISOLATION_READ_COMMITTED, TRUE, "READ COMMITTED READ ONLY" },
    { CUPEL_ISOLATION_READ_UNCOMMITTED, FALSE, "READ UNCOMMITTED" },
    { CUPEL_ISOLATION_DEFAULT, TRUE, "REPEATABLE READ READ ONLY" },
  };

  run (connection, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
  run (connection, "INSERT INTO t VALUES (1)");

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    for (guint commit = 0; commit < 2; commit++)
      {
        set_options (connection, options[i].isolation, options[i].read_only);
        run_in_transaction (connection, "SELECT * FROM t");
        assert_transaction (connection, options[i].expected);
        if (options[i].read_only)
          {
            g_autoptr(GError) writes = fail (connection, "INSERT INTO t VALUES (2)", CUPEL_REQUEST_BEGIN);

            /* its own doing, not that of a server that is no primary any more */
            g_assert_error (writes, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
            g_assert_cmpint (cupel_error_get_category (writes), ==, CUPEL_ERROR_CATEGORY_PROGRAM);
            g_assert_false (cupel_error_is_retryable (writes));
          }
        end_transaction (connection, commit);

        /* and the next one is as ever */
        run_in_transaction (connection, "SELECT * FROM t");
        assert_transaction (connection, "REPEATABLE READ");
        end_transaction (connection, commit);
      }
}

/* What was set for a transaction that never began must not reach another one. */
static void
test_options_unused (CupelDriverConnection *connection)
{
  CupelTransactionOptions deferrable = { CUPEL_ISOLATION_SERIALIZABLE, TRUE, TRUE };
  g_autoptr(GError) error = NULL;

  run (connection, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
  run (connection, "INSERT INTO t VALUES (1)");

  for (guint i = 0; i < 6; i++)
    {
      set_options (connection, CUPEL_ISOLATION_SERIALIZABLE, TRUE);
      switch (i)
        {
        case 0:     /* taken back */
          g_assert_true (cupel_driver_connection_set_transaction (connection, NULL, NULL));
          break;
        case 1:     /* the first statement fails */
          g_error_free (fail (connection, "SELECT * FROM nowhere", CUPEL_REQUEST_BEGIN));
          assert_status (connection, ACTIVE);
          end_transaction (connection, FALSE);
          break;
        case 2:     /* nothing follows */
        case 3:
          g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
          assert_status (connection, ACTIVE);
          end_transaction (connection, i == 3);
          break;
        case 4:     /* given back before it begins */
          g_assert_true (cupel_driver_connection_needs_reset (connection));
          g_assert_true (cupel_driver_connection_reset (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
          break;
        case 5:     /* cancelled before it begins */
          {
            g_autoptr(GCancellable) cancellable = g_cancellable_new ();
            g_autoptr(CupelCompiled) select = compile ("SELECT * FROM t", -1);
            g_auto(CupelReply) reply = { 0, };

            g_cancellable_cancel (cancellable);
            g_assert_false (execute_full (connection, select, NULL, CUPEL_REQUEST_BEGIN, &reply, cancellable, NULL));
            assert_status (connection, IDLE);
            g_assert_true (cupel_driver_connection_set_transaction (connection, NULL, NULL));
          }
          break;
        default:
          g_assert_not_reached ();
        }
      g_assert_false (cupel_driver_connection_needs_reset (connection));
      run_in_transaction (connection, "INSERT INTO t SELECT max(id) + 1 FROM t");
      assert_transaction (connection, "REPEATABLE READ");
      end_transaction (connection, TRUE);
    }

  g_assert_false (cupel_driver_connection_set_transaction (connection, &deferrable, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
}

static gint64
questions (CupelDriverConnection *connection)
{
  return session_status (connection, "Questions");
}

static void
test_round_trips (CupelDriverConnection *connection)
{
  gint64 before;

  run (connection, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
  for (guint i = 0; i < 3; i++)
    {
      /* once for the statements to be prepared */
      run_in_transaction (connection, "SELECT * FROM t");
      before = questions (connection);
      end_transaction (connection, TRUE);
      if (i > 0)
        set_options (connection, i == 1 ? CUPEL_ISOLATION_DEFAULT : CUPEL_ISOLATION_SERIALIZABLE, TRUE);
      run_in_transaction (connection, "SELECT * FROM t");
      /* COMMIT, what was set, SELECT, and the question */
      g_assert_cmpint (questions (connection), ==, before + (i > 0 ? 4 : 3));
      end_transaction (connection, TRUE);
    }
}

/* Statements that commit by themselves */
static void
test_implicit_commit (CupelDriverConnection *connection)
{
  run (connection, "CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
  run_in_transaction (connection, "INSERT INTO t VALUES (1)");
  assert_status (connection, ACTIVE);
  run (connection, "CREATE TABLE t2 (id INT)");
  assert_status (connection, IDLE);

  run_in_transaction (connection, "INSERT INTO t VALUES (2)");
  run (connection, "CREATE TEMPORARY TABLE t3 (id INT)");
  assert_status (connection, ACTIVE);
  /* one that fails may have committed first, which no error tells */
  g_error_free (fail (connection, "CREATE TABLE t2 (id INT)", CUPEL_REQUEST_BEGIN));
  assert_status (connection, ACTIVE);
  end_transaction (connection, FALSE);

  run_in_transaction (connection, "INSERT INTO t VALUES (3)");
  run (connection, "ROLLBACK");
  assert_status (connection, IDLE);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM t"), ==, 2);
}

/* A lock wait that timed out undoes a statement, or all: nothing but a rollback is let through. */
static void
test_lock_wait (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(GError) error = NULL;

  run (connection, "CREATE TABLE lw (id INT PRIMARY KEY, v INT) ENGINE=InnoDB");
  run (connection, "INSERT INTO lw VALUES (1, 0), (2, 0)");
  run (connection, "SET SESSION innodb_lock_wait_timeout=1");
  run_in_transaction (other, "UPDATE lw SET v = 1 WHERE id = 1");

  run_in_transaction (connection, "UPDATE lw SET v = 2 WHERE id = 2");
  run (connection, "SAVEPOINT one");
  run (connection, "SAVEPOINT two");
  error = fail (connection, "UPDATE lw SET v = 2 WHERE id = 1", CUPEL_REQUEST_BEGIN);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_assert_cmpint (cupel_error_get_native_code (error), ==, 1205);
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_RETRY);
  g_assert_true (cupel_error_is_retryable (error));

  assert_status (connection, FAILED);
  {
    static const char *const refused[] = { "SELECT 1", "ROLLBACK TO SAVEPOINT two", "SAVEPOINT three", "COMMIT" };

    for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
      {
        g_autoptr(GError) pending = fail (connection, refused[i], CUPEL_REQUEST_BEGIN);

        g_assert_error (pending, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      }
  }
  end_transaction (connection, FALSE);
  end_transaction (other, FALSE);
  g_assert_cmpint (query_int64 (connection, "SELECT CAST(sum(v) AS SIGNED) FROM lw"), ==, 0);

  /* outside of a transaction there is nothing to roll back */
  run_in_transaction (other, "UPDATE lw SET v = 1 WHERE id = 1");
  g_error_free (fail (connection, "UPDATE lw SET v = 2 WHERE id = 1", CUPEL_REQUEST_NONE));
  assert_status (connection, IDLE);
  end_transaction (other, FALSE);
  cupel_driver_connection_terminate (other);
}

static const Case cases[] = {
  { "transactions", test_transactions },
  { "deadlock", test_deadlock },
  { "options", test_options },
  { "options-unused", test_options_unused },
  { "round-trips", test_round_trips },
  { "implicit-commit", test_implicit_commit },
  { "lock-wait", test_lock_wait },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "transaction");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
