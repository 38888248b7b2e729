/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Functions in a transaction, and the time that a statement may take. */

#include "../unit/scale.h"
#include "transaction-fixture.h"

#include <string.h>

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

  if (!can_execute (connection, "one", cancellable, error))
    return FALSE;
  if ((block->flags & BLOCK_CANCELS) != 0)
    {
      cancel_soon (cancellable);
      return can_execute (connection, "slow", cancellable, error);
    }
  if ((block->flags & BLOCK_FAILS) != 0)
    {
      gboolean swallows = (block->flags & BLOCK_SWALLOWS) != 0;

      return can_execute (connection, "fail", cancellable, swallows ? NULL : error) || swallows;
    }
  if ((block->flags & BLOCK_COMMITS) != 0 && !cupel_transaction_commit (held, cancellable, error))
    return FALSE;
  if ((block->flags & BLOCK_ROLLS_BACK) != 0 && !cupel_transaction_rollback (held, NULL, error))
    return FALSE;
  return (block->flags & BLOCK_GOES_ON) == 0 || can_execute (connection, "two", cancellable, error);
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
      assert_refused (run_block (connection, BLOCK_FAILS, nested, &local), local, CUPEL_ERROR_PROGRAMMING);
      g_assert_true (cupel_connection_commit (connection, NULL, error));
      assert_log (nested ? "BEGIN; SAVEPOINT cupel_1; one; fail; ROLLBACK TO SAVEPOINT cupel_1; RELEASE SAVEPOINT cupel_1; COMMIT"
                         : "BEGIN; one; fail; ROLLBACK");

      /* The function does not mind, but the server does. */
      assert_refused (run_block (connection, BLOCK_FAILS | BLOCK_SWALLOWS, nested, &local), local, CUPEL_ERROR_PENDING_ROLLBACK);
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
  assert_refused (run_block (connection, BLOCK_NOTHING, TRUE, &local), local, CUPEL_ERROR_OPERATIONAL);
  g_assert_null (cupel_connection_get_nested_transaction (connection));
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  assert_refused (run_block (connection, BLOCK_NOTHING, FALSE, &local), local, CUPEL_ERROR_OPERATIONAL);
  g_assert_false (cupel_connection_in_transaction (connection));
  fake_knobs.fail_begin = FALSE;

  fake_knobs.fail_savepoint = TRUE;
  assert_refused (run_block (connection, BLOCK_NOTHING, TRUE, &local), local, CUPEL_ERROR_OPERATIONAL);
  g_assert_true (cupel_connection_rollback (connection, NULL, error));
  fake_knobs.fail_savepoint = FALSE;

  fake_knobs.fail_commit = TRUE;
  fake_knobs.status_after_error = CUPEL_TRANSACTION_ACTIVE;
  assert_refused (run_block (connection, BLOCK_NOTHING, FALSE, &local), local, CUPEL_ERROR_PROGRAMMING);
  g_assert_false (cupel_connection_in_transaction (connection));
  fake_knobs.fail_commit = FALSE;
  fake_database_forget_log ();

  /* RELEASE fails, and so does going back: only the outermost one is left. */
  {
    g_autoptr(CupelTransaction) nested = nest (connection);

    fake_knobs.fail_savepoint = TRUE;
    assert_refused (cupel_transaction_commit (nested, NULL, &local), local, CUPEL_ERROR_OPERATIONAL);
    assert_refused (cupel_transaction_rollback (nested, NULL, &local), local, CUPEL_ERROR_OPERATIONAL);
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
  g_assert_false (can_execute (connection, "slow", NULL, &local));
  g_assert_error (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (local->message, "0.05 s"));
  g_assert_nonnull (strstr (local->message, "statement-timeout"));
  g_clear_error (&local);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50000);
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (50));
  execute (connection, "one");

  /* Who cancels first is who is named. */
  cupel_connection_set_statement_timeout (connection, 300.0);
  cancel_soon (mine);
  g_assert_false (can_execute (connection, "slow", mine, &local));
  g_assert_error (local, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&local);
  cupel_connection_set_statement_timeout (connection, 0.05);

  stream = open_stream (connection);
  fake_knobs.delay = 600 * G_USEC_PER_SEC;
  assert_refused (cupel_stream_step (stream, NULL, &local), local, CUPEL_ERROR_TIMEOUT);
  fake_knobs.delay = 0;
  g_assert_true (cupel_stream_step (stream, NULL, error));
  g_assert_true (cupel_stream_close (stream, NULL, error));

  fake_knobs.delay = 600 * G_USEC_PER_SEC;
  assert_refused (cupel_connection_begin_nested (connection, NULL, &local), local, CUPEL_ERROR_TIMEOUT);

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

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("interrupted-blocks", test_interrupted_blocks);
  ADD ("blocks", test_blocks);
  ADD ("blocks-fail-outside", test_blocks_fail_outside);
  ADD ("statement-timeout", test_statement_timeout);

  return g_test_run ();
}
