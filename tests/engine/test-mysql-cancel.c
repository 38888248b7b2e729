/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interrupted, killed, cut off. */

#include "mysql-fixture.h"

#include <string.h>

static gboolean
cancel_later (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  if (!cupel_fiber_sleep (200 * 1000, NULL, error))
    return FALSE;
  g_cancellable_cancel (data);
  return TRUE;
}

static void
test_cancel (CupelDriverConnection *connection)
{
  static const char *const statements[] = {
    "SELECT sleep(60)",
    "DO sleep(60)",
    "SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
  };

  for (guint i = 0; i < G_N_ELEMENTS (statements); i++)
    {
      g_autoptr(CupelCompiled) compiled = compile (statements[i], -1);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      CupelTaskGroup *group = cupel_task_group_new (NULL);
      g_auto(CupelReply) reply = { 0, };
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) join_error = NULL;
      gint64 start = g_get_monotonic_time ();

      cupel_task_group_spawn (group, cancel_later, cancellable, NULL);
      g_assert_false (execute_full (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, 1500 * 1000);
      cupel_task_group_join (group, &join_error);
      g_assert_no_error (join_error);
      cupel_task_group_free (group);

      /* proved clean again, and what follows is not hit */
      assert_status (connection, IDLE);
      for (gint64 n = 0; n < 20; n++)
        {
          g_autofree char *sql = g_strdup_printf ("SELECT %d", (int) n);

          g_assert_cmpint (query_int64 (connection, sql), ==, n);
        }
    }
}

static void
test_kill_connection (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) victim = connect_again ();
  g_autofree char *sql = g_strdup_printf ("KILL CONNECTION %d", (int) query_int64 (victim, "SELECT connection_id()"));
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_is_alive (victim));
  run (connection, sql);
  g_assert_true (cupel_fiber_sleep (100 * 1000, NULL, NULL));
  g_assert_false (cupel_driver_connection_is_alive (victim));
  error = fail (victim, "SELECT 1", CUPEL_REQUEST_NONE);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  g_assert_true (cupel_error_is_disconnect (error));
  assert_status (victim, UNKNOWN);
  cupel_driver_connection_terminate (victim);
  cupel_driver_connection_terminate (victim);
}

static gboolean
terminate_later (gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  if (!cupel_fiber_sleep (100 * 1000, NULL, error))
    return FALSE;
  cupel_driver_connection_terminate (data);
  return TRUE;
}

static void
test_terminate (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) victim = connect_again ();
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(GError) join_error = NULL;

  cupel_task_group_spawn (group, terminate_later, victim, NULL);
  error = fail (victim, "SELECT sleep(60)", CUPEL_REQUEST_NONE);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  cupel_task_group_join (group, &join_error);
  g_assert_no_error (join_error);
  cupel_task_group_free (group);
  assert_status (victim, UNKNOWN);

  /* with a stream open */
  {
    g_autoptr(CupelDriverConnection) other = connect_again ();
    g_autoptr(CupelCompiled) numbers = compile ("SELECT seq FROM seq_1_to_100000", CUPEL_SQL_INT64, -1);
    g_auto(CupelReply) reply = { 0, };
    g_autoptr(GError) lost = NULL;

    open_stream (other, numbers, &reply);
    cupel_driver_connection_terminate (other);
    g_assert_null (cupel_driver_cursor_fetch (reply.cursor, NULL, &lost));
    g_assert_error (lost, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
  }
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
test_busy (CupelDriverConnection *connection)
{
  Rival rival = { connection, NULL };
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  g_autoptr(GError) join_error = NULL;

  run (connection, "DROP TABLE IF EXISTS dl");
  cupel_task_group_spawn (group, rival_run, &rival, NULL);
  g_assert_cmpint (query_int64 (connection, "SELECT sleep(0.2)"), ==, 0);
  cupel_task_group_join (group, &join_error);
  cupel_task_group_free (group);
  g_assert_error (rival.error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  g_clear_error (&rival.error);
}

static const Case cases[] = {
  { "cancel", test_cancel },
  { "kill-connection", test_kill_connection },
  { "terminate", test_terminate },
  { "busy", test_busy },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "cancel");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
