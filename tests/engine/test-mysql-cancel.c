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

/* A stopped statement has a second to be answered in; then the connection is given up, and not before. On a busy machine a server can need
 * longer, or has much to undo. TRUE: *@connection was given up since @start, and is another one now. */
static gboolean
replace_given_up (CupelDriverConnection **connection,
                  gint64                  start)
{
  if (cupel_driver_connection_get_status (*connection) != CUPEL_TRANSACTION_UNKNOWN)
    return FALSE;
  g_assert_cmpint (g_get_monotonic_time () - start, >, 900 * 1000);
  g_test_message ("given up");
  cupel_driver_connection_terminate (*connection);
  g_object_unref (*connection);
  *connection = connect_again ();
  return TRUE;
}

static void
test_cancel (CupelDriverConnection *first)
{
  static const char *const statements[] = {
    "SELECT sleep(60)",
    "DO sleep(60)",
    "SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
  };
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  guint n_late = 0;

  for (guint i = 0; i < G_N_ELEMENTS (statements);)
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
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1200));
      cupel_task_group_join (group, &join_error);
      g_assert_no_error (join_error);
      cupel_task_group_free (group);
      if (replace_given_up (&connection, start))
        {
          g_assert_cmpuint (++n_late, <, 20);   /* or it never answers */
          continue;
        }

      /* proved clean again, and what follows is not hit */
      assert_status (connection, IDLE);
      for (gint64 n = 0; n < 20; n++)
        {
          g_autofree char *sql = g_strdup_printf ("SELECT %d", (int) n);

          g_assert_cmpint (query_int64 (connection, sql), ==, n);
        }
      i++;
    }
}

typedef struct
{
  GCancellable *cancellable;
  gint64        after;      /* microseconds */
} Later;

static gboolean
cancel_after (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Later *later = data;

  if (!cupel_fiber_sleep (later->after, NULL, error))
    return FALSE;
  g_cancellable_cancel (later->cancellable);
  return TRUE;
}

/* Executes @compiled and cancels it after @after microseconds. TRUE: it came to its end before. */
static gboolean
execute_cancelled (CupelDriverConnection *connection,
                   CupelCompiled         *compiled,
                   CupelRowBlock         *sets,
                   CupelRequestFlags      flags,
                   gint64                 after,
                   CupelReply            *reply)
{
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  CupelTaskGroup *group = cupel_task_group_new (NULL);
  Later later = { cancellable, after };
  g_autoptr(GError) error = NULL;
  gboolean ok;

  cupel_task_group_spawn (group, cancel_after, &later, NULL);
  ok = execute_full (connection, compiled, sets, flags, reply, cancellable, &error);
  if (!ok)
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (cupel_task_group_join (group, NULL));
  cupel_task_group_free (group);
  return ok;
}

/* Cancelled about when they end: whatever the server did, no answer is another's, and no KILL hits what comes after. How many of them are
 * hit is the machine's affair; one in ten is not over before it is. */
static void
test_tagged (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  g_autoptr(CupelCompiled) tagged = compile ("SELECT :tag, sleep(:time)", CUPEL_SQL_INT64, CUPEL_SQL_INT64, -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (2, 1);
  CupelCell *c = cupel_row_block_add_row (set);
  guint cancelled = 0;

  for (guint i = 0; i < scale (150, 40); i++)
    {
      g_auto(CupelReply) reply = { 0, };
      g_auto(CupelReply) next = { 0, };
      gint64 tag = g_test_rand_int ();
      /* three in four are cancelled within a millisecond of their end */
      double time = g_test_rand_double_range (0.0005, 0.004);
      gboolean lasts = i % 10 == 9;
      gint64 start = g_get_monotonic_time ();
      gint64 after = i % 4 == 0 ? g_test_rand_int_range (0, 5000) : (gint64) (time * 1e6) + g_test_rand_int_range (-500, 1500);

      set_int64 (&c[0], tag);
      c[1].kind = CUPEL_CELL_DOUBLE;
      c[1].v.f64 = lasts ? 60 : time;
      if (execute_cancelled (connection, tagged, set, CUPEL_REQUEST_NONE, MAX (after, 0), &reply))
        {
          g_assert_false (lasts);
          g_assert_cmpint (get_cell (&reply, 0, 0)->v.i64, ==, tag);
        }
      else
        cancelled++;

      /* at once: what is on its way would hit this, and sleep () tells by another answer */
      replace_given_up (&connection, start);
      assert_status (connection, IDLE);
      set_int64 (&c[0], tag + 1);
      c[1].v.f64 = 0.002;
      execute (connection, tagged, set, &next);
      g_assert_cmpint (get_cell (&next, 0, 0)->v.i64, ==, tag + 1);
      g_assert_cmpint (get_cell (&next, 0, 1)->v.i64, ==, 0);
    }
  g_test_message ("%u were cancelled", cancelled);
}

/* Each phase in which a statement can be interrupted. */
static void
test_phases (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(CupelCompiled) blocked = compile ("SELECT * FROM ph WHERE id = :id", -1);
  g_autoptr(CupelCompiled) slow = compile ("SELECT seq, sleep(0.01), repeat('x', 20000) FROM seq_1_to_100000", -1);
  g_autoptr(CupelRowBlock) set = cupel_row_block_new (1, 1);
  gint64 start;

  set_int64 (cupel_row_block_add_row (set), 1);
  run (connection, "CREATE TABLE ph (id INT PRIMARY KEY, v INT) ENGINE=InnoDB");

  /* PREPARE waits for the lock of the table; alone, and in one flight with EXECUTE */
  for (guint i = 0; i < 2; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      run (connection, i == 0 ? "DO 1" : "SELECT 1");
      run (other, "LOCK TABLES ph WRITE");
      start = g_get_monotonic_time ();
      g_assert_false (execute_cancelled (connection, blocked, set, CUPEL_REQUEST_NONE, 50 * 1000, &reply));
      replace_given_up (&connection, start);
      assert_status (connection, IDLE);
      run (other, "UNLOCK TABLES");
      execute (connection, blocked, set, &reply);
      g_assert_cmpuint (count_rows (&reply), ==, 0);
    }

  /* the same statement once more, which is prepared by now */
  {
    g_auto(CupelReply) reply = { 0, };

    run (other, "LOCK TABLES ph WRITE");
    start = g_get_monotonic_time ();
    g_assert_false (execute_cancelled (connection, blocked, set, CUPEL_REQUEST_NONE, 50 * 1000, &reply));
    replace_given_up (&connection, start);
    assert_status (connection, IDLE);
    run (other, "UNLOCK TABLES");
  }

  /* rows, of both protocols, all at once and as a stream */
  for (guint i = 0; i < 4; i++)
    {
      CupelRequestFlags flags = (i & 1 ? CUPEL_REQUEST_NO_PREPARE : 0) | (i & 2 ? CUPEL_REQUEST_STREAM : 0);
      g_auto(CupelReply) reply = { 0, };

      start = g_get_monotonic_time ();
      if ((flags & CUPEL_REQUEST_STREAM) == 0)
        {
          g_assert_false (execute_cancelled (connection, slow, NULL, flags, 100 * 1000, &reply));
        }
      else
        {
          g_autoptr(GCancellable) cancellable = g_cancellable_new ();
          CupelTaskGroup *group = cupel_task_group_new (NULL);
          Later later = { cancellable, 100 * 1000 };
          g_autoptr(GError) error = NULL;

          g_assert_true (execute_full (connection, slow, NULL, flags, &reply, NULL, &error));
          cupel_task_group_spawn (group, cancel_after, &later, NULL);
          g_assert_null (cupel_driver_cursor_fetch (reply.cursor, cancellable, &error));
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
          g_assert_true (cupel_task_group_join (group, NULL));
          cupel_task_group_free (group);
          /* it is over, and says so */
          g_clear_error (&error);
          g_assert_null (cupel_driver_cursor_fetch (reply.cursor, NULL, &error));
          g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
        }
      replace_given_up (&connection, start);
      assert_status (connection, IDLE);
      g_assert_cmpint (query_int64 (connection, "SELECT 7"), ==, 7);
    }
  cupel_driver_connection_terminate (other);
}

/* All sets or none, and what follows is not a part of it. */
static void
test_many (CupelDriverConnection *first)
{
  g_autoptr(CupelDriverConnection) connection = g_object_ref (first);
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO cm (id) VALUES (:id)", -1);
  g_autoptr(CupelCompiled) update = compile ("UPDATE cm SET id = id + 0 * sleep(0.06) WHERE id = :id", -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (1, 0);
  gint64 expected = 0;

  run (connection, "CREATE TABLE cm (id INT PRIMARY KEY) ENGINE=InnoDB");
  for (guint i = 0; i < scale (20000, 5000); i++)
    set_int64 (cupel_row_block_add_row (sets), 1000 + i);

  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *sql = g_strdup_printf ("INSERT INTO cm (id) VALUES (%u)", i);
      g_auto(CupelReply) reply = { 0, };
      gboolean begin = i % 3 == 2;
      gint64 start;

      if (i == 9)
        run (connection, "INSERT INTO cm SELECT seq FROM seq_1000_to_1999"), expected += 1000;
      start = g_get_monotonic_time ();
      if (execute_cancelled (connection, i < 9 ? insert : update, sets, begin ? CUPEL_REQUEST_BEGIN : CUPEL_REQUEST_NONE,
                             i < 9 ? i * 3000 : 20 * 1000, &reply))
        {
          /* the machine was fast */
          g_assert_cmpint (i, <, 9);
          if (begin)
            g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (5000), NULL));
          else
            run (connection, "DELETE FROM cm WHERE id >= 1000");
        }
      else if (begin)
        {
          if (cupel_driver_connection_get_status (connection) != CUPEL_TRANSACTION_UNKNOWN)
            {
              assert_status (connection, ACTIVE);
              g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (5000), NULL));
            }
        }

      replace_given_up (&connection, start);
      assert_status (connection, IDLE);
      run (connection, sql);
      expected++;
      /* seen by others: nothing is left open */
      assert_status (connection, IDLE);
      for (guint n = 0; n < 600 && query_int64 (other, "SELECT count(*) FROM cm") != expected; n++)
        g_assert_true (cupel_fiber_sleep (100 * 1000, NULL, NULL));
      g_assert_cmpint (query_int64 (other, "SELECT count(*) FROM cm"), ==, expected);
    }
  cupel_driver_connection_terminate (other);
}

static void
test_kill_connection (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) victim = connect_again ();
  g_autofree char *sql = g_strdup_printf ("KILL CONNECTION %d", (int) query_int64 (victim, "SELECT connection_id()"));
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_driver_connection_is_alive (victim));
  run (connection, sql);
  for (guint i = 0; i < 600 && cupel_driver_connection_is_alive (victim); i++)
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
  { "tagged", test_tagged },
  { "phases", test_phases },
  { "many", test_many },
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
