/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions on real databases: CUPEL_TEST_URLS names them, separated by spaces. */

#include <string.h>

#include "../each-url.h"
#include "../unit/scale.h"
#include "client.h"

typedef struct
{
  CupelEngine     *engine;
  CupelConnection *connection;
  CupelConnection *other;       /* looks from outside */
  const char      *url;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

static gboolean
is_in_memory (Fixture *f)
{
  const char *database = cupel_url_get_database (cupel_engine_get_url (f->engine));

  return is_dialect (f->engine, "sqlite") && (database == NULL || *database == '\0' || g_str_equal (database, ":memory:"));
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const EachUrl *test = data;
  Fixture f = { .url = test->url };

  f.engine = cupel_engine_new (test->url, error);
  g_assert_no_error (*error);
  f.connection = borrow (f.engine);
  execute (f.connection, "DROP TABLE IF EXISTS cupel_tx");
  execute (f.connection, "CREATE TABLE cupel_tx (id INTEGER PRIMARY KEY, n INTEGER)");
  g_assert_true (cupel_connection_commit (f.connection, NULL, error));
  if (!is_in_memory (&f))
    f.other = borrow (f.engine);

  ((TestFunc) test->func) (&f);

  g_assert_true (cupel_connection_close (f.connection, NULL, error));
  if (f.other != NULL)
    g_assert_true (cupel_connection_close (f.other, NULL, error));
  g_clear_object (&f.connection);
  g_clear_object (&f.other);
  f.connection = borrow (f.engine);
  execute (f.connection, "DROP TABLE cupel_tx");
  g_assert_true (cupel_connection_commit (f.connection, NULL, error));
  g_assert_true (cupel_connection_close (f.connection, NULL, error));
  g_object_unref (f.connection);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, error));
  g_object_unref (f.engine);
  return TRUE;
}

/* What another connection sees. */
static gint64
seen (Fixture    *f,
      const char *sql)
{
  GError *error = NULL;
  gint64 n;

  if (f->other == NULL)
    return number (f->connection, sql);
  n = number (f->other, sql);
  cupel_connection_rollback (f->other, NULL, &error);
  g_assert_no_error (error);
  return n;
}

/* A savepoint that was released is still undone by the rollback of the whole: nobody committed in between. */
static void
test_contained (Fixture *f)
{
  g_autoptr(CupelTransaction) nested = NULL;
  g_autoptr(CupelTransaction) inner = NULL;
  GError *error = NULL;

  execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 1)");
  nested = nest (f->connection);
  execute (f->connection, "INSERT INTO cupel_tx VALUES (2, 2)");
  g_assert_true (cupel_transaction_commit (nested, NULL, &error));
  g_assert_true (cupel_connection_rollback (f->connection, NULL, &error));
  g_assert_cmpint (seen (f, "SELECT count(*) FROM cupel_tx"), ==, 0);

  g_clear_object (&nested);
  nested = nest (f->connection);
  execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 1)");
  inner = nest (f->connection);
  execute (f->connection, "INSERT INTO cupel_tx VALUES (2, 2)");
  g_assert_true (cupel_transaction_rollback (inner, NULL, &error));
  execute (f->connection, "INSERT INTO cupel_tx VALUES (3, 3)");
  g_assert_true (cupel_transaction_commit (nested, NULL, &error));
  g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (seen (f, "SELECT sum(id) FROM cupel_tx"), ==, 4);
}

/* A statement that fails in a nested transaction does no harm to the rest, on any server. */
static void
test_failed_statement (Fixture *f)
{
  GError *error = NULL;

  execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 1)");
  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(CupelTransaction) nested = nest (f->connection);
      g_autoptr(CupelResult) result = try_execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 2)", NULL, &error);

      g_assert_null (result);
      g_assert_true (cupel_error_is_integrity (error));
      g_clear_error (&error);
      g_assert_true (cupel_transaction_rollback (nested, NULL, &error));
      g_assert_no_error (error);
    }
  execute (f->connection, "INSERT INTO cupel_tx VALUES (2, 2)");
  g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (seen (f, "SELECT sum(n) FROM cupel_tx"), ==, 3);
}

/* The server refuses to write, for this transaction only. */
static void
test_read_only (Fixture *f)
{
  g_autoptr(CupelTransaction) transaction = NULL;
  g_autoptr(CupelResult) result = NULL;
  GError *error = NULL;

  transaction = cupel_connection_begin_transaction (f->connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_READ_ONLY, NULL, &error);
  if (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED))
    {
      g_clear_error (&error);
      g_test_skip ("the driver has no options of one transaction");
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpint (number (f->connection, "SELECT count(*) FROM cupel_tx"), ==, 0);
  result = try_execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 1)", NULL, &error);
  g_assert_null (result);
  g_test_message ("%s", error->message);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_PROGRAM);
  g_assert_false (cupel_error_is_retryable (error));
  g_assert_nonnull (strstr (error->message, "begun as read-only"));
  g_clear_error (&error);
  g_assert_true (cupel_transaction_rollback (transaction, NULL, &error));

  execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 1)");
  g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (seen (f, "SELECT count(*) FROM cupel_tx"), ==, 1);
}

/* What runs too long is gone from the server as well, and the connection may go on or says that it may not. */
static void
test_timeout (Fixture *f)
{
  const char *slow, *list = NULL;
  g_autoptr(CupelResult) result = NULL;
  GError *error = NULL;
  gint64 start = g_get_monotonic_time ();

  if (is_dialect (f->engine, "postgresql"))
    {
      slow = "SELECT pg_sleep(60) /* cupel_tx */";
      list = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%/* cupel_tx */%'";
    }
  else if (is_dialect (f->engine, "mysql") || is_dialect (f->engine, "mariadb"))
    {
      slow = "SELECT SLEEP(60) /* cupel_tx */";
      list = "SELECT count(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE 'SELECT SLEEP(60)%cupel_tx%'";
    }
  else
    {
      slow = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    }

  cupel_connection_set_statement_timeout (f->connection, 0.2);
  result = try_execute (f->connection, slow, NULL, &error);
  g_assert_null (result);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "0.2 s"));
  g_clear_error (&error);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 190000);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1200));

  while (list != NULL && seen (f, list) != 0)
    {
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1200));
      cupel_fiber_sleep (20000, NULL, NULL);
    }

  g_assert_true (cupel_connection_rollback (f->connection, NULL, &error));
  g_assert_no_error (error);
  if (!cupel_connection_is_invalidated (f->connection))
    {
      cupel_connection_set_statement_timeout (f->connection, 0.0);
      g_assert_cmpint (number (f->connection, "SELECT 41 + 1"), ==, 42);
    }
}

/* Two that wait for each other: the server ends one, and it is run again. */

typedef struct
{
  Fixture *f;
  guint    first;
  guint    n_waiting;      /* have the first lock */
  guint    n_runs;
} Cross;

typedef struct
{
  Cross *cross;
  guint  number;
} Side;

static gboolean
cross_func (CupelConnection  *connection,
            gpointer          data,
            GCancellable     *cancellable,
            GError          **error)
{
  Side *side = data;
  Cross *cross = side->cross;
  g_autofree char *one = g_strdup_printf ("UPDATE cupel_tx SET n = n + 1 WHERE id = %u", 1 + side->number);
  g_autofree char *two = g_strdup_printf ("UPDATE cupel_tx SET n = n + 1 WHERE id = %u", 2 - side->number);
  g_autoptr(CupelResult) first = NULL;
  g_autoptr(CupelResult) second = NULL;

  cross->n_runs++;
  if ((first = try_execute (connection, one, cancellable, error)) == NULL)
    return FALSE;
  /* The first time both have one before they want the other. */
  cross->n_waiting++;
  while (cupel_transaction_get_attempt (cupel_connection_get_transaction (connection)) == 1 && cross->n_waiting < 2)
    if (!cupel_fiber_sleep (1000, cancellable, error))
      return FALSE;
  return (second = try_execute (connection, two, cancellable, error)) != NULL;
}

static gboolean
cross_side (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Side *side = data;

  return cupel_engine_run_transaction (side->cross->f->engine, NULL, cross_func, side, cancellable, error);
}

static void
test_deadlock (Fixture *f)
{
  Cross cross = { .f = f };
  Side sides[] = { { &cross, 0 }, { &cross, 1 } };
  g_autoptr(CupelTaskGroup) group = NULL;
  GError *error = NULL;

  if (is_dialect (f->engine, "sqlite"))
    {
      g_test_skip ("SQLite has one writer at a time: there is nothing to wait for crosswise");
      return;
    }
  execute (f->connection, "INSERT INTO cupel_tx VALUES (1, 0), (2, 0)");
  g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
  group = cupel_task_group_new (NULL);
  for (guint i = 0; i < 2; i++)
    cupel_task_group_spawn (group, cross_side, &sides[i], NULL);
  cupel_task_group_join (group, &error);
  g_assert_no_error (error);
  /* Each row was changed by both, once. */
  g_assert_cmpint (seen (f, "SELECT min(n) * 10 + max(n) FROM cupel_tx"), ==, 22);
  g_assert_cmpuint (cross.n_runs, >=, 3);
}

/* Retried when nothing was committed for certain, and never when nobody knows. */

typedef struct
{
  Fixture  *f;
  guint     n_runs;
  gboolean  at_commit;
} Kill;

static void
kill_backend (Fixture *f,
              gint64   id)
{
  g_autofree char *sql = is_dialect (f->engine, "postgresql") ? g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ", 60000)", id)
                                                      : g_strdup_printf ("KILL %" G_GINT64_FORMAT, id);
  GError *error = NULL;

  execute (f->other, sql);
  g_assert_true (cupel_connection_rollback (f->other, NULL, &error));
  g_assert_no_error (error);
}

static gboolean
killed_func (CupelConnection  *connection,
             gpointer          data,
             GCancellable     *cancellable,
             GError          **error)
{
  Kill *kill = data;
  g_autofree char *insert = g_strdup_printf ("INSERT INTO cupel_tx VALUES (%u, 1)", ++kill->n_runs);
  g_autoptr(CupelResult) result = try_execute (connection, insert, cancellable, error);

  if (result == NULL)
    return FALSE;
  if (kill->n_runs == 1)
    kill_backend (kill->f, number (connection, is_dialect (kill->f->engine, "postgresql") ? "SELECT pg_backend_pid()" : "SELECT connection_id()"));
  return TRUE;
}

static void
test_killed (Fixture *f)
{
  Kill kill = { .f = f };
  gboolean success;
  GError *error = NULL;

  if (is_dialect (f->engine, "sqlite"))
    {
      g_test_skip ("SQLite has no server that could be killed");
      return;
    }
  success = cupel_engine_run_transaction (f->engine, NULL, killed_func, &kill, NULL, &error);
  if (success)
    {
      /* It was seen before COMMIT was sent: the second run is the only one that counts. */
      g_assert_cmpuint (kill.n_runs, ==, 2);
      g_assert_cmpint (seen (f, "SELECT sum(id) FROM cupel_tx"), ==, 2);
    }
  else
    {
      g_test_message ("%s", error->message);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
      g_assert_cmpuint (kill.n_runs, ==, 1);
      g_clear_error (&error);
    }
}

/* The same while COMMIT is under way: the server has it, and its answer will never come. */

typedef struct
{
  Fixture *f;
  gint64   backend;
  guint    n_runs;
  gboolean over;
  gboolean seen;
} AtCommit;

static gboolean
at_commit_func (CupelConnection  *connection,
                gpointer          data,
                GCancellable     *cancellable,
                GError          **error)
{
  AtCommit *commit = data;
  g_autofree char *insert = g_strdup_printf ("INSERT INTO cupel_tx VALUES (%u, 1)", ++commit->n_runs);
  g_autoptr(CupelResult) result = try_execute (connection, insert, cancellable, error);

  if (result == NULL)
    return FALSE;
  commit->backend = number (connection, is_dialect (commit->f->engine, "postgresql") ? "SELECT pg_backend_pid()" : "SELECT connection_id()");
  return TRUE;
}

static gboolean
at_commit_run (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  AtCommit *commit = data;
  gboolean success = cupel_engine_run_transaction (commit->f->engine, NULL, at_commit_func, commit, cancellable, error);

  commit->over = TRUE;
  return success;
}

static gboolean
at_commit_kill (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  AtCommit *commit = data;

  while (!commit->over && !commit->seen)
    {
      g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s = %d",
                                              is_dialect (commit->f->engine, "postgresql")
                                                ? "pg_stat_activity WHERE state = 'active' AND query LIKE 'COMMIT%' AND pid"
                                                : "information_schema.processlist WHERE info LIKE 'COMMIT%' AND state LIKE 'Waiting%' AND id",
                                              (int) commit->backend);

      /* Not cancellable: what it holds is to be let go in any case. */
      cupel_fiber_sleep (20000, NULL, NULL);
      commit->seen = commit->backend != 0 && seen (commit->f, sql) == 1;
    }
  if (commit->seen)
    kill_backend (commit->f, commit->backend);
  return TRUE;
}

static void
test_killed_at_commit (Fixture *f)
{
  AtCommit commit = { .f = f };
  const gboolean postgresql = is_dialect (f->engine, "postgresql");
  g_autoptr(CupelTaskGroup) group = NULL;
  GError *error = NULL;

  if (is_dialect (f->engine, "sqlite"))
    {
      g_test_skip ("SQLite has no server that could be killed");
      return;
    }
  if (postgresql)
    {
      execute (f->connection, "CREATE OR REPLACE FUNCTION cupel_tx_wait() RETURNS trigger LANGUAGE plpgsql AS "
                              "'BEGIN PERFORM pg_sleep(60); RETURN NULL; END'");
      execute (f->connection, "CREATE CONSTRAINT TRIGGER cupel_tx_slow AFTER INSERT ON cupel_tx DEFERRABLE INITIALLY DEFERRED "
                              "FOR EACH ROW EXECUTE FUNCTION cupel_tx_wait()");
      g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
    }
  else
    {
      /* It lets the INSERT through, and COMMIT wait. */
      g_autoptr(CupelResult) result = try_execute (f->connection, "BACKUP STAGE START", NULL, &error);

      if (result == NULL)
        {
          g_test_skip_printf ("the server has nothing that holds a COMMIT up: %s", error->message);
          g_clear_error (&error);
          g_assert_true (cupel_connection_rollback (f->connection, NULL, &error));
          return;
        }
      execute (f->connection, "BACKUP STAGE BLOCK_COMMIT");
    }
  group = cupel_task_group_new (NULL);
  cupel_task_group_spawn (group, at_commit_run, &commit, NULL);
  cupel_task_group_spawn (group, at_commit_kill, &commit, NULL);
  cupel_task_group_join (group, &error);
  if (!postgresql)
    execute (f->connection, "BACKUP STAGE END");
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
  g_assert_false (cupel_error_is_retryable (error));
  g_clear_error (&error);
  g_assert_true (commit.seen);
  g_assert_cmpuint (commit.n_runs, ==, 1);
  g_assert_cmpint (seen (f, "SELECT count(*) FROM cupel_tx"), <=, 1);
  /* The one that was killed went nowhere but away. */
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 2);
  if (postgresql)
    execute (f->connection, "DROP FUNCTION cupel_tx_wait() CASCADE");
  g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
  g_assert_no_error (error);
}

/* What the server says of the transaction that is open. */
static char *
level_of (Fixture         *f,
          CupelConnection *connection)
{
  g_autofree char *own = NULL;
  const char *sql;
  g_autoptr(CupelResult) result = NULL;
  CupelConnection *asks = connection;
  GError *error = NULL;

  number (connection, "SELECT count(*) FROM cupel_tx");
  if (is_dialect (f->engine, "postgresql"))
    {
      sql = "SELECT upper(current_setting('transaction_isolation'))";
    }
  else if (is_dialect (f->engine, "sqlite"))
    {
      /* Everything else is serializable there. */
      return g_strdup (number (connection, "PRAGMA read_uncommitted") ? "READ UNCOMMITTED" : "SERIALIZABLE");
    }
  else
    {
      own = g_strdup_printf ("SELECT trx_isolation_level FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %d",
                             (int) number (connection, "SELECT connection_id()"));
      sql = own;
      asks = f->other;
      /* The server makes this table anew every 0.1 s only, and not while others keep looking at it. */
      cupel_fiber_sleep (150 * 1000, NULL, NULL);
    }
  result = try_execute (asks, sql, NULL, &error);
  g_assert_no_error (error);
  return cupel_result_step (result) ? g_strdup (cupel_result_get_string (result, 0)) : NULL;
}

static void
assert_level (Fixture         *f,
              CupelConnection *connection,
              const char      *expected)
{
  g_autofree char *level = level_of (f, connection);
  GError *error = NULL;

  for (guint i = 0; i < 200 && g_strcmp0 (level, expected) != 0 && f->other != NULL; i++)
    {
      g_free (level);
      level = level_of (f, connection);
    }
  g_assert_cmpstr (level, ==, expected);
  g_assert_true (cupel_connection_rollback (connection, NULL, &error));
  if (f->other != NULL)
    g_assert_true (cupel_connection_rollback (f->other, NULL, &error));
  g_assert_no_error (error);
}

/* One transaction, all of a connection, and all of an engine; and never the next transaction, or who borrows the connection next. */
static void
test_levels (Fixture *f)
{
  static const struct
  {
    CupelIsolationLevel  level;
    const char          *name;
  } levels[] = {
    { CUPEL_ISOLATION_READ_UNCOMMITTED, "READ UNCOMMITTED" },
    { CUPEL_ISOLATION_READ_COMMITTED, "READ COMMITTED" },
    { CUPEL_ISOLATION_REPEATABLE_READ, "REPEATABLE READ" },
    { CUPEL_ISOLATION_SERIALIZABLE, "SERIALIZABLE" },
  };
  g_autofree char *usual = level_of (f, f->connection);
  GError *error = NULL;
  guint n_levels = 0;

  assert_level (f, f->connection, usual);
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      g_autoptr(CupelTransaction) transaction = NULL;

      if (is_dialect (f->engine, "sqlite") && i != 0 && i != 3)
        continue;
      n_levels++;
      transaction = cupel_connection_begin_transaction (f->connection, levels[i].level, CUPEL_BEGIN_NONE, NULL, &error);
      if (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED))
        g_clear_error (&error);
      g_assert_no_error (error);
      if (transaction != NULL)
        assert_level (f, f->connection, levels[i].name);
      assert_level (f, f->connection, usual);

      g_assert_true (cupel_connection_set_isolation_level (f->connection, levels[i].level, NULL, &error));
      g_assert_no_error (error);
      assert_level (f, f->connection, levels[i].name);
      assert_level (f, f->connection, levels[i].name);
      g_assert_true (cupel_connection_close (f->connection, NULL, &error));
      g_clear_object (&f->connection);
      f->connection = borrow (f->engine);
      assert_level (f, f->connection, usual);

      if (!is_in_memory (f))
        {
          g_autoptr(CupelEngine) engine = cupel_engine_new (f->url, &error);
          g_autoptr(CupelConnection) own = NULL;

          g_assert_no_error (error);
          g_object_set (engine, "isolation-level", levels[i].level, NULL);
          own = borrow (engine);
          assert_level (f, own, levels[i].name);
          assert_level (f, own, levels[i].name);
          g_assert_true (cupel_connection_close (own, NULL, &error));
          g_assert_true (cupel_engine_dispose (engine, NULL, &error));
          g_assert_no_error (error);
        }
    }
  g_assert_cmpuint (n_levels, >=, 2);
}

/* A ledger: transfers by many at the same time, while connections are killed and tasks are cancelled. What was said to be committed is there
 * once, what was said to have failed is not, and the sum stays. */

#define N_ACCOUNTS  20
#define N_WORKERS   16
#define FIRST_ID    1000

typedef struct
{
  Fixture    *f;
  GHashTable *backends;        /* of those in a transfer */
  GArray     *committed;       /* ids of transfers */
  GArray     *failed;
  GArray     *unknown;
  guint       next_id;
  guint       n_left;          /* transfers to make */
  guint       n_workers;       /* at work */
  guint       n_aims;          /* one for so many transfers, neither more nor less often */
  guint       n_kills;
} Ledger;

#define AIM_MIN     8
#define AIM_MAX     40

typedef struct
{
  Ledger *ledger;
  guint   id;
  guint   from;
  guint   to;
} Transfer;

static gboolean
transfer_func (CupelConnection  *connection,
               gpointer          data,
               GCancellable     *cancellable,
               GError          **error)
{
  Transfer *transfer = data;
  Ledger *ledger = transfer->ledger;
  const char *who = is_dialect (ledger->f->engine, "postgresql") ? "SELECT pg_backend_pid()" : "SELECT connection_id()";
  g_autofree char *note = g_strdup_printf ("INSERT INTO cupel_tx (id, n) VALUES (%u, -1)", transfer->id);
  g_autofree char *take = g_strdup_printf ("UPDATE cupel_tx SET n = n - 1 WHERE id = %u", transfer->from);
  g_autofree char *give = g_strdup_printf ("UPDATE cupel_tx SET n = n + 1 WHERE id = %u", transfer->to);
  const char *statements[] = { note, take, give };
  g_autoptr(CupelResult) result = try_execute (connection, who, cancellable, error);
  gpointer backend;
  gboolean ok = TRUE;

  if (result == NULL || !cupel_result_step (result))
    return FALSE;
  backend = GINT_TO_POINTER ((int) cupel_result_get_int64 (result, 0));
  g_hash_table_add (ledger->backends, backend);
  for (guint i = 0; i < G_N_ELEMENTS (statements) && ok; i++)
    {
      g_autoptr(CupelResult) done = try_execute (connection, statements[i], cancellable, error);

      ok = done != NULL;
    }
  /* A killer that aims at it may meet it at COMMIT, too. */
  if (!ok)
    g_hash_table_remove (ledger->backends, backend);
  return ok;
}

static gboolean
on_cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static gboolean
ledger_worker (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  Ledger *ledger = data;
  g_autoptr(CupelRetry) retry = g_object_new (CUPEL_TYPE_RETRY, "max-tries", 20, "first-delay", 0.002, "max-delay", 0.05, NULL);

  while (ledger->n_left > 0)
    {
      Transfer transfer = { ledger, ledger->next_id++, (guint) g_test_rand_int_range (1, N_ACCOUNTS + 1), 0 };
      g_autoptr(GCancellable) mine = g_cancellable_new ();
      g_autoptr(GSource) timer = NULL;
      g_autoptr(GError) local = NULL;

      transfer.to = transfer.from % N_ACCOUNTS + 1;
      ledger->n_left--;
      while (transfer.id >= FIRST_ID + AIM_MAX * (ledger->n_aims + 1))
        cupel_fiber_sleep (1000, NULL, NULL);
      if (g_test_rand_int_range (0, 8) == 0)
        {
          timer = g_timeout_source_new ((guint) g_test_rand_int_range (0, 15));
          g_source_set_callback (timer, on_cancel, g_object_ref (mine), g_object_unref);
          g_source_attach (timer, g_main_context_get_thread_default ());
        }
      if (cupel_engine_run_transaction (ledger->f->engine, retry, transfer_func, &transfer, mine, &local))
        g_array_append_val (ledger->committed, transfer.id);
      else if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
        g_array_append_val (ledger->unknown, transfer.id);
      else
        g_array_append_val (ledger->failed, transfer.id);
      if (timer != NULL)
        g_source_destroy (timer);
    }
  ledger->n_workers--;
  return TRUE;
}

static gboolean
ledger_killer (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  Ledger *ledger = data;

  while (ledger->n_workers > 0)
    {
      GHashTableIter iter;
      gpointer backend = NULL;

      if (!cupel_fiber_sleep (ledger->next_id > FIRST_ID + AIM_MAX * (ledger->n_aims + 1) ? 1000 : 30000, cancellable, error))
        return FALSE;
      if (ledger->next_id < FIRST_ID + AIM_MIN * (ledger->n_aims + 1))
        continue;
      ledger->n_aims++;
      g_hash_table_iter_init (&iter, ledger->backends);
      if (g_hash_table_iter_next (&iter, &backend, NULL))
        {
          g_autofree char *sql = g_strdup_printf (is_dialect (ledger->f->engine, "postgresql") ? "SELECT pg_terminate_backend(%d)" : "KILL %d",
                                                  GPOINTER_TO_INT (backend));
          g_autoptr(CupelResult) result = NULL;

          g_hash_table_remove (ledger->backends, backend);
          /* It may be gone by itself. */
          result = try_execute (ledger->f->other, sql, NULL, NULL);
          ledger->n_kills += result != NULL;
          cupel_connection_rollback (ledger->f->other, NULL, NULL);
        }
    }
  return TRUE;
}

static gint64
count_of (Fixture *f,
          guint    id)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM cupel_tx WHERE id = %u", id);

  return number (f->connection, sql);
}

static void
test_ledger (Fixture *f)
{
  Ledger ledger = { .f = f, .next_id = FIRST_ID, .n_left = scale (400, 80), .n_workers = N_WORKERS };
  g_autoptr(CupelTaskGroup) group = NULL;
  gint64 start = g_get_monotonic_time ();
  gint64 unknown_there = 0;
  GError *error = NULL;

  if (is_dialect (f->engine, "sqlite"))
    {
      g_test_skip ("SQLite has no server whose connections could be killed");
      return;
    }
  for (guint i = 1; i <= N_ACCOUNTS; i++)
    {
      g_autofree char *sql = g_strdup_printf ("INSERT INTO cupel_tx (id, n) VALUES (%u, 100)", i);

      execute (f->connection, sql);
    }
  g_assert_true (cupel_connection_commit (f->connection, NULL, &error));
  ledger.backends = g_hash_table_new (NULL, NULL);
  ledger.committed = g_array_new (FALSE, FALSE, sizeof (guint));
  ledger.failed = g_array_new (FALSE, FALSE, sizeof (guint));
  ledger.unknown = g_array_new (FALSE, FALSE, sizeof (guint));

  group = cupel_task_group_new (NULL);
  for (guint i = 0; i < N_WORKERS; i++)
    cupel_task_group_spawn (group, ledger_worker, &ledger, NULL);
  cupel_task_group_spawn (group, ledger_killer, &ledger, NULL);
  cupel_task_group_join (group, &error);
  g_assert_no_error (error);

  g_test_message ("%u committed, %u failed, %u unknown, %u kills in %.1f s", ledger.committed->len, ledger.failed->len, ledger.unknown->len,
                  ledger.n_kills, (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC);
  g_assert_cmpuint (ledger.committed->len, >, 0);
  g_assert_cmpuint (ledger.n_kills, >, 0);
  g_assert_cmpint (number (f->connection, "SELECT sum(n) FROM cupel_tx WHERE id < 1000"), ==, N_ACCOUNTS * 100);
  for (guint i = 0; i < ledger.committed->len; i++)
    g_assert_cmpint (count_of (f, g_array_index (ledger.committed, guint, i)), ==, 1);
  for (guint i = 0; i < ledger.failed->len; i++)
    g_assert_cmpint (count_of (f, g_array_index (ledger.failed, guint, i)), ==, 0);
  for (guint i = 0; i < ledger.unknown->len; i++)
    unknown_there += count_of (f, g_array_index (ledger.unknown, guint, i));
  g_assert_cmpint (unknown_there, <=, ledger.unknown->len);
  g_assert_cmpint (number (f->connection, "SELECT count(*) FROM cupel_tx WHERE id >= 1000"), ==, ledger.committed->len + unknown_there);
  g_assert_true (cupel_connection_rollback (f->connection, NULL, &error));
  g_hash_table_unref (ledger.backends);
  g_array_unref (ledger.committed);
  g_array_unref (ledger.failed);
  g_array_unref (ledger.unknown);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/engine/transaction-real/contained", G_CALLBACK (test_contained) },
    { "/engine/transaction-real/failed-statement", G_CALLBACK (test_failed_statement) },
    { "/engine/transaction-real/read-only", G_CALLBACK (test_read_only) },
    { "/engine/transaction-real/timeout", G_CALLBACK (test_timeout) },
    { "/engine/transaction-real/deadlock", G_CALLBACK (test_deadlock) },
    { "/engine/transaction-real/killed", G_CALLBACK (test_killed) },
    { "/engine/transaction-real/killed-at-commit", G_CALLBACK (test_killed_at_commit) },
    { "/engine/transaction-real/levels", G_CALLBACK (test_levels) },
    { "/engine/transaction-real/ledger", G_CALLBACK (test_ledger) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), run_in_fiber);
}
