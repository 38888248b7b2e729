/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Cancelling, closing and losing a connection of libdbi. */

#include "dbi-fixture.h"

/* Ends. */

static const char *
slow_statement (void)
{
  if (is_dialect ("postgresql"))
    return "SELECT pg_sleep(60)";
  if (is_dialect ("mysql"))
    return "SELECT sleep(60)";
  return "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
}

static gboolean
cancel_it (gpointer data)
{
  g_cancellable_cancel (data);
  return G_SOURCE_REMOVE;
}

static void
add_timeout (guint          milliseconds,
             GSourceFunc    func,
             gpointer       data)
{
  g_autoptr(GSource) source = g_timeout_source_new (milliseconds);

  g_source_set_callback (source, func, data, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
test_cancel (void)
{
  g_autoptr(CupelCompiled) slow = compile (slow_statement (), -1);
  CupelRequest request = { .compiled = slow };
  guint n_threads = count_threads ();

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_auto(CupelReply) reply = { 0 };
      gint64 start = g_get_monotonic_time ();

      g_assert_no_error (error);
      add_timeout (50 * (i + 1), cancel_it, cancellable);
      g_assert_false (cupel_driver_connection_execute (other, &request, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 30 * G_USEC_PER_SEC);
      /* a server may still be told to stop what is over: such a connection is not used again */
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==,
                       is_dialect ("sqlite") ? CUPEL_TRANSACTION_IDLE : CUPEL_TRANSACTION_UNKNOWN);
      cupel_driver_connection_terminate (other);
    }
  /* the threads did not take the 60 seconds of the statement: it was stopped where it ran */
  assert_threads (n_threads);
  g_assert_cmpint (query_int64 ("SELECT 1"), ==, 1);
}

static void
assert_unusable (CupelDriverConnection *other)
{
  g_autoptr(CupelCompiled) one = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
  g_assert_false (cupel_driver_connection_is_alive (other));
  g_assert_false (try_execute (other, one, NULL, &reply, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_ping (other, soon (), &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_begin (other, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  /* not "outcome unknown": nothing was sent */
  g_assert_false (cupel_driver_connection_commit (other, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (cupel_driver_connection_rollback (other, soon (), &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
}

/* A server is told to stop a statement that is over by then: the next one must not pay for it. */
static void
test_late_cancel (void)
{
  static const char *const deaf = "DO $$ BEGIN PERFORM pg_sleep(60); EXCEPTION WHEN query_canceled THEN NULL; END $$";
  guint n_threads = count_threads ();
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);
  g_autoptr(CupelDriverConnection) third = NULL;
  g_autoptr(CupelCompiled) one = compile ("SELECT 1", -1);
  g_auto(CupelReply) reply = { 0 };

  g_assert_no_error (error);
  execute (other, one, NULL, &reply);
  CUPEL_THREADED_CONNECTION_GET_CLASS (other)->interrupt (CUPEL_THREADED_CONNECTION (other));
  if (is_dialect ("sqlite"))
    {
      /* nothing is on its way to anywhere */
      g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_IDLE);
      g_assert_true (cupel_driver_connection_ping (other, soon (), &error));
      g_assert_no_error (error);
    }
  else
    assert_unusable (other);
  cupel_driver_connection_close (other, soon ());

  if (is_dialect ("postgresql"))
    {
      g_autoptr(CupelCompiled) compiled = compile (deaf, -1);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      CupelRequest request = { .compiled = compiled };
      g_auto(CupelReply) nothing = { 0 };

      third = connect_with (driver, url_text, &error);
      g_assert_no_error (error);
      add_timeout (50, cancel_it, cancellable);
      cupel_driver_connection_execute (third, &request, &nothing, cancellable, &error);
      g_assert_no_error (error);
      assert_unusable (third);
      cupel_driver_connection_terminate (third);
    }
  assert_threads (n_threads);
}

static void
test_copy (void)
{
  static const char *const texts[] = { "COPY dbi_copy FROM STDIN", "COPY dbi_copy TO STDOUT", "COPY (SELECT 1, 2) TO STDOUT" };
  g_autoptr(CupelTable) table = NULL;

  if (!is_dialect ("postgresql"))
    {
      g_autoptr(GError) error = fail (texts[0]);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      return;
    }
  table = make_table ("dbi_copy", cupel_sql_type_new (CUPEL_SQL_TEXT));
  run ("INSERT INTO dbi_copy VALUES (1, 'a')");
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    for (guint j = 0; j < 2; j++)
      {
        g_autoptr(CupelCompiled) compiled = compile (texts[i], -1);
        g_auto(CupelReply) reply = { 0 };
        g_autoptr(GError) error = NULL;
        g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);

        g_assert_no_error (error);
        if (j == 1)
          g_assert_true (cupel_driver_connection_begin (other, NULL, &error));
        g_assert_false (try_execute (other, compiled, NULL, &reply, &error));
        g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED);
        assert_unusable (other);
        cupel_driver_connection_close (other, soon ());
      }
  g_assert_cmpint (query_int64 ("SELECT count(*) FROM dbi_copy"), ==, 1);
  run ("DROP TABLE dbi_copy");
}

static void
test_close (void)
{
  guint n_threads = count_threads ();

  for (guint i = 0; i < 20; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelDriverConnection) other = connect_with (driver, url_text, &error);

      g_assert_no_error (error);
      g_assert_true (cupel_driver_connection_is_alive (other));
      g_assert_true (cupel_driver_connection_ping (other, soon (), &error));
      if (i % 2 == 0)
        cupel_driver_connection_close (other, soon ());
      else
        cupel_driver_connection_terminate (other);
      cupel_driver_connection_terminate (other);
      g_assert_false (cupel_driver_connection_is_alive (other));
      g_assert_false (cupel_driver_connection_ping (other, soon (), &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED);
    }
  assert_threads (n_threads);
}

/* The server ends the session. */
static void
test_lost (void)
{
  g_autoptr(CupelCompiled) one = compile ("SELECT 1", -1);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelDriverConnection) other = NULL;
  g_autoptr(CupelCompiled) ask = NULL;
  g_auto(CupelReply) asked = { 0 };
  g_auto(CupelReply) reply = { 0 };
  g_autofree char *kill = NULL;

  if (is_dialect ("sqlite"))
    {
      g_test_skip ("SQLite has no server that could go");
      return;
    }
  other = connect_with (driver, url_text, &error);
  g_assert_no_error (error);
  ask = compile (is_dialect ("postgresql") ? "SELECT pg_backend_pid()" : "SELECT connection_id()", CUPEL_SQL_INT64, -1);
  execute (other, ask, NULL, &asked);
  kill = is_dialect ("postgresql") ? g_strdup_printf ("SELECT pg_terminate_backend(%" G_GINT64_FORMAT ")", get_cell (&asked, 0, 0)->v.i64)
                                   : g_strdup_printf ("KILL CONNECTION %" G_GINT64_FORMAT, get_cell (&asked, 0, 0)->v.i64);
  run (kill);
  for (guint i = 0; i < 3000 && cupel_driver_connection_is_alive (other); i++)
    g_usleep (20000);
  g_assert_false (cupel_driver_connection_is_alive (other));
  g_assert_false (try_execute (other, one, NULL, &reply, &error));
  g_assert_true (cupel_error_is_disconnect (error));
  g_assert_cmpint (cupel_driver_connection_get_status (other), ==, CUPEL_TRANSACTION_UNKNOWN);
  cupel_driver_connection_terminate (other);
}

int
main (int    argc,
      char **argv)
{
  static const Case cases[] = {
    { "cancel", test_cancel },
    { "late-cancel", test_late_cancel },
    { "copy", test_copy },
    { "close", test_close },
    { "lost", test_lost },
  };

  return dbi_test_main (argc, argv, cases, G_N_ELEMENTS (cases));
}
