/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions on a database that does as it is told; test-transaction-real.c is about real ones. */

#include <string.h>

#include "fake-database.h"

typedef struct
{
  CupelEngine     *engine;
  CupelConnection *connection;
  GString         *signals;
} Fixture;

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  GError *error = NULL;

  fake_database_reset ();
  f->engine = cupel_engine_new ("fake://", &error);
  g_assert_no_error (error);
  f->signals = g_string_new (NULL);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  GError *error = NULL;

  g_clear_object (&f->connection);
  cupel_engine_dispose (f->engine, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  g_assert_finalize_object (f->engine);
  g_string_free (f->signals, TRUE);
}

/* Each test runs in a fiber, with a connection. */
static void
in_fiber (Fixture       *f,
          gconstpointer  data)
{
  GError *error = NULL;

  f->connection = cupel_engine_connect (f->engine, NULL, &error);
  g_assert_no_error (error);
  cupel_run ((CupelRunFunc) data, f, NULL, &error);
  g_assert_no_error (error);
  cupel_connection_close (f->connection, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
try_execute (CupelConnection  *connection,
             const char       *sql,
             GCancellable     *cancellable,
             GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, cancellable, error);

  return result != NULL;
}

static void
execute (CupelConnection *connection,
         const char      *sql)
{
  GError *error = NULL;

  try_execute (connection, sql, NULL, &error);
  g_assert_no_error (error);
}

static void
refuse (CupelConnection *connection,
        const char      *sql,
        CupelError       code)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (try_execute (connection, sql, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, (int) code);
}

static CupelTransaction *
nest (CupelConnection *connection)
{
  GError *error = NULL;
  CupelTransaction *transaction = cupel_connection_begin_nested (connection, NULL, &error);

  g_assert_no_error (error);
  return transaction;
}

static CupelStream *
open_stream (CupelConnection *connection)
{
  GError *error = NULL;
  g_autoptr(CupelText) text = cupel_text_new ("rows 50");
  CupelStream *stream = cupel_connection_stream (connection, CUPEL_STATEMENT (text), NULL, 10, NULL, &error);

  g_assert_no_error (error);
  return stream;
}

static void
assert_log (const char *expected)
{
  g_autofree char *log = fake_database_take_log ();

  g_assert_cmpstr (log, ==, expected);
}

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

  g_assert_null (cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_clear_error (&local);

  fake_database_forget_log ();
  execute (connection, "one");
  execute (connection, "two");
  g_assert_true (cupel_transaction_commit (transaction, NULL, error));
  g_assert_false (cupel_transaction_is_active (transaction));
  assert_log ("next 4 read-only deferrable; BEGIN; one; two; COMMIT; next as usual");
  g_assert_null (cupel_connection_get_transaction (connection));

  g_assert_false (cupel_transaction_commit (transaction, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&local);
  g_assert_true (cupel_transaction_rollback (transaction, NULL, error));
  execute (connection, "three");
  assert_log ("BEGIN; three");
  g_assert_true (cupel_connection_rollback (connection, NULL, error));

  g_clear_object (&transaction);
  g_assert_null (cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, CUPEL_BEGIN_NONE, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
  g_clear_error (&local);
  g_assert_null (cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_AUTOCOMMIT, CUPEL_BEGIN_NONE, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT);
  g_clear_error (&local);
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
  g_assert_false (cupel_transaction_commit (first, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&local);
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
  g_assert_false (try_execute (connection, "two", NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_assert_nonnull (strstr (local->message, "cupel_connection_begin_nested()"));
  g_clear_error (&local);
  g_assert_null (cupel_connection_begin_nested (connection, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
  g_clear_error (&local);
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

      g_assert_false (try_execute (connection, "two", NULL, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      /* Swallowed by a program, the cause is still known to what runs the unit again. */
      g_assert_cmpint (cupel_error_is_retryable (local), ==, cases[i].category == CUPEL_ERROR_CATEGORY_RETRY);
      g_clear_error (&local);
      g_assert_true (cupel_transaction_rollback (third, NULL, error));
      g_assert_true (cupel_transaction_rollback (second, NULL, error));
      g_assert_false (cupel_transaction_commit (first, NULL, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
      g_clear_error (&local);
      refuse (connection, "two", CUPEL_ERROR_PENDING_ROLLBACK);
      g_assert_false (cupel_transaction_commit (outer, NULL, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      g_clear_error (&local);
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

  g_assert_false (cupel_transaction_commit (nested, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&local);
  g_assert_false (cupel_connection_commit (connection, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&local);
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

/* blocks */

typedef enum
{
  BLOCK_NOTHING,
  BLOCK_COMMITS    = 1 << 0,   /* ends its transaction by hand */
  BLOCK_ROLLS_BACK = 1 << 1,
  BLOCK_GOES_ON    = 1 << 2,   /* and then tries another statement */
  BLOCK_FAILS      = 1 << 3,   /* a statement of it does */
  BLOCK_SWALLOWS   = 1 << 4,   /* and it does not mind */
  BLOCK_CANCELS    = 1 << 5,   /* while a statement is under way */
} BlockFlags;

typedef struct
{
  BlockFlags flags;
  gboolean   nested;
} Block;

static gboolean
on_cancel (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static void
cancel_soon (GCancellable *cancellable)
{
  g_autoptr(GSource) source = g_timeout_source_new (10);

  g_source_set_callback (source, on_cancel, g_object_ref (cancellable), g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static gboolean
block_func (CupelConnection  *connection,
            gpointer          data,
            GCancellable     *cancellable,
            GError          **error)
{
  Block *block = data;
  CupelTransaction *transaction = block->nested ? cupel_connection_get_nested_transaction (connection)
                                                : cupel_connection_get_transaction (connection);
  g_autoptr(CupelTransaction) held = g_object_ref (transaction);

  if (!try_execute (connection, "one", cancellable, error))
    return FALSE;
  if ((block->flags & BLOCK_CANCELS) != 0)
    {
      cancel_soon (cancellable);
      return try_execute (connection, "slow", cancellable, error);
    }
  if ((block->flags & BLOCK_FAILS) != 0)
    {
      gboolean swallows = (block->flags & BLOCK_SWALLOWS) != 0;

      return try_execute (connection, "fail", cancellable, swallows ? NULL : error) || swallows;
    }
  if ((block->flags & BLOCK_COMMITS) != 0 && !cupel_transaction_commit (held, cancellable, error))
    return FALSE;
  if ((block->flags & BLOCK_ROLLS_BACK) != 0 && !cupel_transaction_rollback (held, NULL, error))
    return FALSE;
  return (block->flags & BLOCK_GOES_ON) == 0 || try_execute (connection, "two", cancellable, error);
}

static gboolean
run_block (CupelConnection  *connection,
           BlockFlags        flags,
           gboolean          nested,
           GError          **error)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Block block = { flags, nested };

  if (nested)
    return cupel_connection_run_nested (connection, block_func, &block, cancellable, error);
  return cupel_connection_run_transaction (connection, CUPEL_ISOLATION_DEFAULT, CUPEL_BEGIN_NONE, block_func, &block, cancellable, error);
}

/* A block that ends its transaction by hand: leaving it does nothing more; a statement after that is refused and not sent; in the nested
 * form the transaction around it goes on. */
static gboolean
test_interrupted_blocks (gpointer       data,
                         GCancellable  *cancellable,
                         GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;

  for (guint i = 0; i < 8; i++)
    {
      const gboolean commits = (i & 1) != 0;
      const gboolean goes_on = (i & 2) != 0;
      const gboolean nested = (i & 4) != 0;
      const char *end = commits ? (nested ? "RELEASE SAVEPOINT cupel_1" : "COMMIT")
                                : (nested ? "ROLLBACK TO SAVEPOINT cupel_1; RELEASE SAVEPOINT cupel_1" : "ROLLBACK");
      g_autofree char *expected = nested ? g_strdup_printf ("BEGIN; zero; SAVEPOINT cupel_1; one; %s; after; COMMIT", end)
                                         : g_strdup_printf ("BEGIN; one; %s; BEGIN; after; COMMIT", end);
      g_autoptr(GError) local = NULL;

      if (nested)
        execute (connection, "zero");
      g_assert_cmpint (run_block (connection, (commits ? BLOCK_COMMITS : BLOCK_ROLLS_BACK) | (goes_on ? BLOCK_GOES_ON : 0), nested, &local),
                       ==, !goes_on);
      if (goes_on)
        g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
      g_assert_cmpint (cupel_connection_in_transaction (connection), ==, nested);
      execute (connection, "after");
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      assert_log (expected);
    }
  return TRUE;
}

static gboolean
test_blocks (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;

  for (guint nested = 0; nested < 2; nested++)
    {
      g_autoptr(GError) local = NULL;

      g_assert_true (run_block (connection, BLOCK_GOES_ON, nested, error));
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      assert_log (nested ? "BEGIN; SAVEPOINT cupel_1; one; two; RELEASE SAVEPOINT cupel_1; COMMIT" : "BEGIN; one; two; COMMIT");

      /* A statement fails. */
      g_assert_false (run_block (connection, BLOCK_FAILS, nested, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      g_clear_error (&local);
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      assert_log (nested ? "BEGIN; SAVEPOINT cupel_1; one; fail; ROLLBACK TO SAVEPOINT cupel_1; RELEASE SAVEPOINT cupel_1; COMMIT"
                         : "BEGIN; one; fail; ROLLBACK");

      /* The function does not mind, but the server does. */
      g_assert_false (run_block (connection, BLOCK_FAILS | BLOCK_SWALLOWS, nested, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK);
      g_clear_error (&local);
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      fake_database_forget_log ();

      /* Cancelled, and the driver proved that the connection is clean. */
      fake_knobs.clean_cancel = TRUE;
      g_assert_false (run_block (connection, BLOCK_CANCELS, nested, &local));
      g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&local);
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      assert_log (nested ? "BEGIN; SAVEPOINT cupel_1; one; slow; ROLLBACK TO SAVEPOINT cupel_1; RELEASE SAVEPOINT cupel_1; COMMIT"
                         : "BEGIN; one; slow; ROLLBACK");

      /* The clean-up fails too: the first error is the one that is told, with a note. */
      if (nested)
        fake_knobs.status_after_error = CUPEL_TRANSACTION_ACTIVE;
      fake_knobs.fail_rollback = TRUE;
      g_assert_false (run_block (connection, BLOCK_FAILS, FALSE, &local));
      g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      g_assert_nonnull (strstr (local->message, "rolling back after that failed too: The fake ROLLBACK"));
      g_clear_error (&local);
      fake_knobs.fail_rollback = FALSE;
      g_assert_true (cupel_connection_close (connection, NULL, error));
      g_clear_object (&f->connection);
      connection = f->connection = cupel_engine_connect (f->engine, NULL, error);
      fake_database_reset ();
      fake_figures.n_connected = fake_figures.n_connects = 1;
    }
  return TRUE;
}

/* Errors of BEGIN, SAVEPOINT, COMMIT and RELEASE themselves, and a link that is lost inside. */
static gboolean
test_blocks_fail_outside (gpointer       data,
                          GCancellable  *cancellable,
                          GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(GError) local = NULL;

  fake_knobs.fail_begin = TRUE;
  g_assert_false (run_block (connection, BLOCK_NOTHING, TRUE, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&local);
  g_assert_null (cupel_connection_get_nested_transaction (connection));
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  g_assert_false (run_block (connection, BLOCK_NOTHING, FALSE, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&local);
  g_assert_false (cupel_connection_in_transaction (connection));
  fake_knobs.fail_begin = FALSE;

  fake_knobs.fail_savepoint = TRUE;
  g_assert_false (run_block (connection, BLOCK_NOTHING, TRUE, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
  g_clear_error (&local);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  fake_knobs.fail_savepoint = FALSE;

  fake_knobs.fail_commit = TRUE;
  fake_knobs.status_after_error = CUPEL_TRANSACTION_ACTIVE;
  g_assert_false (run_block (connection, BLOCK_NOTHING, FALSE, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
  g_clear_error (&local);
  g_assert_false (cupel_connection_in_transaction (connection));
  fake_knobs.fail_commit = FALSE;
  fake_database_forget_log ();

  /* RELEASE fails, and so does going back: only the outermost one is left. */
  {
    g_autoptr(CupelTransaction) nested = nest (connection);

    fake_knobs.fail_savepoint = TRUE;
    g_assert_false (cupel_transaction_commit (nested, NULL, &local));
    g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
    g_clear_error (&local);
    g_assert_false (cupel_transaction_rollback (nested, NULL, &local));
    g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL);
    g_clear_error (&local);
    g_assert_false (cupel_transaction_is_active (nested));
    fake_knobs.fail_savepoint = FALSE;
    refuse (connection, "one", CUPEL_ERROR_PENDING_ROLLBACK);
    g_assert_true (cupel_connection_rollback (connection, NULL, error));
    execute (connection, "one");
    g_assert_true (cupel_connection_rollback (connection, NULL, error));
  }

  /* The link is lost inside: that is what is told, and rolling back is not tried. */
  fake_knobs.disconnect = TRUE;
  fake_database_forget_log ();
  g_assert_false (run_block (connection, BLOCK_FAILS, TRUE, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  assert_log ("BEGIN; SAVEPOINT cupel_1; one; fail");
  g_assert_true (cupel_connection_is_invalidated (connection));
  return TRUE;
}

/* limits of time */

static gboolean
test_statement_timeout (gpointer       data,
                        GCancellable  *cancellable,
                        GError       **error)
{
  Fixture *f = data;
  CupelConnection *connection = f->connection;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GCancellable) mine = g_cancellable_new ();
  g_autoptr(GError) local = NULL;
  gint64 start;

  g_assert_cmpfloat (cupel_connection_get_statement_timeout (connection), ==, 0.0);
  cupel_connection_set_statement_timeout (connection, 0.05);
  fake_knobs.clean_cancel = TRUE;

  start = g_get_monotonic_time ();
  g_assert_false (try_execute (connection, "slow", NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (local->message, "0.05 s"));
  g_assert_nonnull (strstr (local->message, "statement-timeout"));
  g_clear_error (&local);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50000);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 5 * G_USEC_PER_SEC);
  execute (connection, "one");

  /* Who cancels first is who is named. */
  cancel_soon (mine);
  g_assert_false (try_execute (connection, "slow", mine, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&local);

  stream = open_stream (connection);
  fake_knobs.delay = G_USEC_PER_SEC;
  g_assert_false (cupel_stream_step (stream, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_clear_error (&local);
  fake_knobs.delay = 0;
  g_assert_true (cupel_stream_step (stream, NULL, error));
  g_assert_true (cupel_stream_close (stream, NULL, error));

  fake_knobs.delay = G_USEC_PER_SEC;
  g_assert_null (cupel_connection_begin_nested (connection, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_clear_error (&local);

  /* A COMMIT that was sent is another matter. */
  g_assert_false (cupel_connection_commit (connection, NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
  g_assert_nonnull (strstr (local->message, "0.05 s"));
  fake_knobs.delay = 0;
  g_assert_true (cupel_connection_is_invalidated (connection));
  g_assert_true (cupel_connection_close (connection, NULL, error));
  g_clear_object (&f->connection);

  /* The engine's is taken over. */
  g_object_set (f->engine, "statement-timeout", 0.04, NULL);
  f->connection = cupel_engine_connect (f->engine, NULL, error);
  g_assert_cmpfloat (cupel_connection_get_statement_timeout (f->connection), ==, 0.04);
  refuse (f->connection, "slow", CUPEL_ERROR_TIMEOUT);
  return TRUE;
}

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
      g_assert_false (try_execute (connection, "two", NULL, &error_two));
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
  g_assert_false (try_execute (connection, "two", NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (&error);
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
  g_assert_false (cupel_transaction_commit (transaction, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
  g_clear_error (&error);
}

#define ADD(path, func) g_test_add ("/engine/transaction/" path, Fixture, func, set_up, in_fiber, tear_down)

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
  ADD ("interrupted-blocks", test_interrupted_blocks);
  ADD ("blocks", test_blocks);
  ADD ("blocks-fail-outside", test_blocks_fail_outside);
  ADD ("statement-timeout", test_statement_timeout);
  ADD ("pairs", test_pairs);
  ADD ("overtaking", test_overtaking);
  g_test_add ("/engine/transaction/not-begun", Fixture, NULL, set_up, test_not_begun, tear_down);
  ADD ("signals", test_signals);
  g_test_add ("/engine/transaction/dropped", Fixture, NULL, set_up, test_dropped, tear_down);

  return g_test_run ();
}
