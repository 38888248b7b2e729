/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Transactions through libdbi, and what texts could do to them. */

#include "dbi-fixture.h"

#include <string.h>

/* Transactions. */

static void
begin (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_ACTIVE);
}

static void
commit (void)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_commit (connection, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
rollback (void)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_rollback (connection, soon (), &error);
  g_assert_no_error (error);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

static void
savepoint (CupelSavepointOperation operation)
{
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_savepoint (connection, operation, "s1", soon (), NULL, &error);
  g_assert_no_error (error);
}

static void
test_transaction (void)
{
  g_autoptr(CupelTable) table = make_table ("dbi_tx", cupel_sql_type_new (CUPEL_SQL_INT32));
  g_autoptr(GError) error = NULL;

  g_assert_nonnull (table);
  begin ();
  run ("INSERT INTO dbi_tx VALUES (1, 1)");
  rollback ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 0);

  begin ();
  run ("INSERT INTO dbi_tx VALUES (1, 1)");
  savepoint (CUPEL_SAVEPOINT_SET);
  run ("INSERT INTO dbi_tx VALUES (2, 2)");
  savepoint (CUPEL_SAVEPOINT_ROLLBACK);
  run ("INSERT INTO dbi_tx VALUES (3, 3)");
  savepoint (CUPEL_SAVEPOINT_RELEASE);
  commit ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx WHERE id <> 2"), ==, 2);
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 2);

  /* an error leaves the transaction as the server does */
  begin ();
  error = fail ("INSERT INTO dbi_tx VALUES (1, 1)");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==,
                   is_dialect ("postgresql") ? CUPEL_TRANSACTION_FAILED : CUPEL_TRANSACTION_ACTIVE);
  rollback ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 2);
  begin ();
  commit ();

  /* a text that opened a transaction is undone with the session; SQLite is asked before it does so */
  g_clear_error (&error);
  if (is_dialect ("sqlite"))
    {
      error = fail ("BEGIN");
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
    }
  else
    {
      run ("START TRANSACTION");
      run ("INSERT INTO dbi_tx VALUES (9, 9)");
      g_assert_true (cupel_driver_connection_needs_reset (connection));
      if (cupel_driver_connection_reset (connection, soon (), &error))
        g_assert_false (cupel_driver_connection_needs_reset (connection));
      else
        {
          /* MySQL's sessions cannot be reset by libdbi: a new one takes the place of such a one */
          g_assert_true (is_dialect ("mysql"));
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
        }
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_tx"), ==, 2);
    }
  run ("DROP TABLE dbi_tx");
}

static void
test_options (void)
{
  CupelTransactionOptions options = { .isolation = CUPEL_ISOLATION_SERIALIZABLE, .read_only = !is_dialect ("sqlite") };
  g_autoptr(CupelTable) table = make_table ("dbi_options", cupel_sql_type_new (CUPEL_SQL_INT32));
  g_autoptr(GError) error = NULL;

  g_assert_nonnull (table);
  g_assert_true (cupel_driver_connection_set_transaction (connection, &options, &error));
  g_assert_no_error (error);
  begin ();
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_options"), ==, 0);
  if (options.read_only)
    {
      error = fail ("INSERT INTO dbi_options VALUES (1, 1)");
      g_clear_error (&error);
    }
  rollback ();

  /* only that one */
  begin ();
  run ("INSERT INTO dbi_options VALUES (1, 1)");
  commit ();

  options.deferrable = TRUE;
  if (cupel_driver_connection_set_transaction (connection, &options, &error))
    {
      g_assert_true (is_dialect ("postgresql"));
      cupel_driver_connection_set_transaction (connection, NULL, NULL);
    }
  else
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
  g_clear_error (&error);

  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_READ_UNCOMMITTED, NULL, &error));
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_AUTOCOMMIT, NULL, &error));
  g_assert_no_error (error);
  g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_true (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_DEFAULT, NULL, &error));
  g_assert_no_error (error);
  if (is_dialect ("sqlite"))
    {
      g_assert_false (cupel_driver_connection_set_isolation (connection, CUPEL_ISOLATION_REPEATABLE_READ, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
    }
  run ("DROP TABLE dbi_options");
}

/* Many sets: all or none, inside a transaction and outside. */
static void
test_many (void)
{
  g_autoptr(CupelTable) table = make_table ("dbi_many", cupel_sql_type_new (CUPEL_SQL_INT32));
  g_autoptr(CupelCompiled) insert = compile_insert (table);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 1201);

  for (guint i = 0; i <= 1200; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (sets);

      cells[0] = (CupelCell) I64 (CUPEL_CELL_INT64, i < 1200 ? i : 0);
      cells[1] = (CupelCell) I64 (CUPEL_CELL_INT64, i);
    }
  for (guint inside = 0; inside < 2; inside++)
    {
      CupelRequest request = { .compiled = insert, .sets = sets, .n_sets = 1200 };
      g_auto(CupelReply) none = { 0 };
      g_auto(CupelReply) all = { 0 };
      g_autoptr(GError) error = NULL;

      if (inside == 1)
        {
          begin ();
          run ("INSERT INTO dbi_many VALUES (5000, 1)");
        }
      g_assert_false (try_execute (connection, insert, sets, &none, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
      g_clear_error (&error);
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_many"), ==, inside);
      cupel_driver_connection_execute (connection, &request, &all, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpint (all.row_count, ==, 1200);
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_many"), ==, 1200 + inside);
      if (inside == 1)
        rollback ();
      g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_many"), ==, inside == 0 ? 1200 : 0);
      run ("DELETE FROM dbi_many");
    }
  run ("DROP TABLE dbi_many");
}

/* Transactions are made by autocommit: a text that sets it would turn ROLLBACK into nothing. */
static void
test_autocommit (void)
{
  static const char *const refused[] = { "SET autocommit=1", " set\t@@session.autocommit = 1", "SET SESSION autocommit = ON",
                                         "SET @a = 'it''s', AUTOCOMMIT=1", "SET `autocommit` = 1", "SET autocommit = 0" };
  static const char *const fine = "SET @autocommit = 1, @autocommit_is = 'autocommit'";
  g_autoptr(CupelTable) table = NULL;
  g_autoptr(CupelCompiled) insert = NULL;
  g_autoptr(GError) error = NULL;

  if (!is_dialect ("mysql"))
    {
      error = fail (refused[0]);
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      return;
    }
  table = make_table ("dbi_autocommit", cupel_sql_type_new (CUPEL_SQL_INT64));
  insert = compile ("INSERT INTO dbi_autocommit VALUES (1, 1)", -1);

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    for (guint inside = 0; inside < 2; inside++)
      {
        g_auto(CupelReply) nothing = { 0 };

        if (inside)
          {
            g_assert_true (cupel_driver_connection_begin (connection, NULL, &error));
            execute (connection, insert, NULL, &nothing);
          }
        error = fail (refused[i]);
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
        g_assert_nonnull (strstr (error->message, "isolation level AUTOCOMMIT"));
        g_clear_error (&error);
        g_assert_cmpint (cupel_driver_connection_get_status (connection), ==,
                         inside ? CUPEL_TRANSACTION_ACTIVE : CUPEL_TRANSACTION_IDLE);
        g_assert_true (cupel_driver_connection_rollback (connection, soon (), &error));
        g_assert_no_error (error);
        g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_autocommit"), ==, 0);
      }
  run (fine);

  /* What does not say so in words is found when it is done. */
  for (guint inside = 0; inside < 2; inside++)
    {
      g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);
      g_autoptr(CupelCompiled) prepare = compile ("PREPARE dbi_sets FROM 'SET autocommit = @dbi_value'", -1);
      g_autoptr(CupelCompiled) value = compile (inside ? "SET @dbi_value = 1" : "SET @dbi_value = 0", -1);
      g_autoptr(CupelCompiled) set = compile ("EXECUTE dbi_sets", -1);
      g_auto(CupelReply) first = { 0 };
      g_auto(CupelReply) second = { 0 };
      g_auto(CupelReply) third = { 0 };

      g_assert_no_error (error);
      if (inside)
        g_assert_true (cupel_driver_connection_begin (other, NULL, &error));
      execute (other, value, NULL, &first);
      execute (other, prepare, NULL, &second);
      g_assert_false (try_execute (other, set, NULL, &third, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
      g_assert_nonnull (strstr (error->message, "autocommit"));
      g_clear_error (&error);
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
      cupel_driver_connection_terminate (other);
    }
  run ("DROP TABLE dbi_autocommit");
}

/* More than MySQL takes at once: told before it is sent, and the connection goes on. */
static void
test_packet (void)
{
  g_autoptr(CupelCompiled) insert = compile ("SELECT length(:a)", CUPEL_SQL_TEXT, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  g_autofree char *text = NULL;
  g_autoptr(GError) error = NULL;
  g_auto(CupelReply) nothing = { 0 };
  gsize size;

  if (!is_dialect ("mysql"))
    {
      g_test_skip ("only MySQL has a limit for a packet");
      return;
    }
  size = (gsize) query_int64 ("SELECT @@max_allowed_packet");
  text = g_strnfill (size, 'x');
  cupel_row_block_set_text (set, cupel_row_block_add_row (set), CUPEL_CELL_TEXT, text, (gssize) size);
  g_assert_false (try_execute (connection, insert, set, &nothing, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
  g_assert_nonnull (strstr (error->message, "max_allowed_packet"));
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_PROGRAM);
  g_assert_false (cupel_error_is_disconnect (error));
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  g_assert_cmpint (query_int64 ("SELECT 1"), ==, 1);
}

int
main (int    argc,
      char **argv)
{
  static const Case cases[] = {
    { "transaction", test_transaction },
    { "options", test_options },
    { "many", test_many },
    { "autocommit", test_autocommit },
    { "packet", test_packet },
  };

  return dbi_test_main (argc, argv, cases, G_N_ELEMENTS (cases));
}
