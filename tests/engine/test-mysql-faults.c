/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server that answers wrongly, late or never. Whatever it does ends in an error, in bounded time, and the connection is given
 * up unless it is proved clean. */

#include "mysql-fixture.h"

#include "fake-mysql.h"

#include <string.h>

typedef struct
{
  const char *name;
  void      (*answer) (FakeMysqlLink *link, gboolean binary);
  gboolean    keeps;      /* the connection is good afterwards */
} Answer;

typedef struct
{
  const char   *name;
  FakeMysqlFunc func;
  void        (*body) (FakeMysql *fake, CupelDriverConnection *connection);
} Fault;

/* rows that are wrong */

static void
answer_short_row (FakeMysqlLink *link,
                  gboolean       binary)
{
  fake_mysql_send_columns (link, 3, MYSQL_TYPE_VAR_STRING);
  if (binary)
    fake_mysql_send (link, "\0\0\1a", 4);
  else
    fake_mysql_send (link, "\1a", 2);
  fake_mysql_send_eof (link);
}

static void
answer_long_length (FakeMysqlLink *link,
                    gboolean       binary)
{
  fake_mysql_send_columns (link, 1, MYSQL_TYPE_VAR_STRING);
  if (binary)
    fake_mysql_send (link, "\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" "a", 12);
  else
    fake_mysql_send (link, "\xfe\xff\xff\xff\xff\xff\xff\xff\x7f" "a", 10);
  fake_mysql_send_eof (link);
}

static void
answer_length_past_end (FakeMysqlLink *link,
                        gboolean       binary)
{
  fake_mysql_send_columns (link, 2, MYSQL_TYPE_VAR_STRING);
  if (binary)
    fake_mysql_send (link, "\0\0\1a\x20" "b", 6);
  else
    fake_mysql_send (link, "\1a\x20" "b", 4);
  fake_mysql_send_eof (link);
}

static void
answer_no_end (FakeMysqlLink *link,
               gboolean       binary)
{
  fake_mysql_send_columns (link, 1, MYSQL_TYPE_VAR_STRING);
  for (guint i = 0; i < 10; i++)
    {
      if (binary)
        fake_mysql_send (link, "\0\0\1a", 4);
      else
        fake_mysql_send (link, "\1a", 2);
    }
}

static void
answer_half_packet (FakeMysqlLink *link,
                    gboolean       binary)
{
  fake_mysql_send_columns (link, 1, MYSQL_TYPE_VAR_STRING);
  fake_mysql_send_raw (link, "\xff\xff\0\5\1abc", 8);
}

static void
answer_many_columns (FakeMysqlLink *link,
                     gboolean       binary)
{
  fake_mysql_send (link, "\xfc\xff\xff", 3);
  fake_mysql_send_eof (link);
}

static void
answer_nothing_at_all (FakeMysqlLink *link,
                       gboolean       binary)
{
}

static void
answer_half_ok (FakeMysqlLink *link,
                gboolean       binary)
{
  fake_mysql_send (link, "\0", 1);
}

static void
answer_half_error (FakeMysqlLink *link,
                   gboolean       binary)
{
  fake_mysql_send (link, "\xff", 1);
}

static void
answer_error_in_rows (FakeMysqlLink *link,
                      gboolean       binary)
{
  fake_mysql_send_columns (link, 1, MYSQL_TYPE_VAR_STRING);
  fake_mysql_send_error (link, 1317, "Query execution was interrupted");
}

static void
answer_file_request (FakeMysqlLink *link,
                     gboolean       binary)
{
  g_autofree char *sent = NULL;
  gsize length = 0;

  fake_mysql_send (link, "\xfb/etc/passwd", 12);
  /* Nothing but the mark of the end may come. */
  sent = fake_mysql_receive (link, &length);
  g_assert_true (sent == NULL || length == 0);
  if (sent != NULL)
    fake_mysql_send_ok (link);
}

static const Answer answers[] = {
  { "short-row", answer_short_row },
  { "long-length", answer_long_length },
  { "length-past-end", answer_length_past_end },
  { "no-end", answer_no_end },
  { "half-packet", answer_half_packet },
  { "many-columns", answer_many_columns },
  { "nothing", answer_nothing_at_all },
  { "half-ok", answer_half_ok },
  { "half-error", answer_half_error },
  { "error-in-rows", answer_error_in_rows, TRUE },
  { "file-request", answer_file_request },
};

/* "nth" is the statement; the answer is closed after it but where the connection is to live. */
static gboolean
serve_answers (FakeMysqlLink *link,
               guint          command,
               const char    *text,
               gsize          length,
               gpointer       user_data)
{
  static _Thread_local guint prepared;

  switch (command)
    {
    case FAKE_COM_QUERY:
      if (!g_str_has_prefix (text, "SELECT "))
        {
          fake_mysql_send_ok (link);
          return TRUE;
        }
      answers[atoi (text + 7)].answer (link, FALSE);
      return answers[atoi (text + 7)].keeps;

    case FAKE_COM_STMT_PREPARE:
      prepared = (guint) atoi (text + 7);
      fake_mysql_send (link, "\0\1\0\0\0\0\0\0\0\0\0\0", 12);
      return TRUE;

    case FAKE_COM_STMT_EXECUTE:
      answers[prepared].answer (link, TRUE);
      return answers[prepared].keeps;

    default:
      return TRUE;
    }
}

static void
body_answers (FakeMysql             *fake,
              CupelDriverConnection *unused)
{
  g_autofree char *text = fake_mysql_dup_url (fake);
  g_autoptr(CupelUrl) of = cupel_url_new (text, NULL);

  for (guint i = 0; i < 2 * G_N_ELEMENTS (answers); i++)
    {
      const Answer *answer = &answers[i / 2];
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelDriverConnection) connection = connect_to (of, &error);
      g_autofree char *sql = g_strdup_printf ("SELECT %u", i / 2);
      g_autoptr(CupelCompiled) compiled = compile (sql, -1);
      g_auto(CupelReply) reply = { 0, };
      gint64 start = g_get_monotonic_time ();

      g_assert_no_error (error);
      g_test_message ("%s, %s", answer->name, i % 2 == 0 ? "text" : "binary");
      g_assert_false (execute_full (connection, compiled, NULL, i % 2 == 0 ? CUPEL_REQUEST_NO_PREPARE : CUPEL_REQUEST_NONE, &reply,
                                    NULL, &error));
      g_assert_nonnull (error);
      g_test_message ("%s", error->message);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1000));
      if (answer->keeps)
        assert_status (connection, IDLE);
      else
        assert_status (connection, UNKNOWN);
      cupel_driver_connection_terminate (connection);
    }
}

/* a COMMIT whose answer does not come, or tells nothing */

static gboolean
serve_commit (FakeMysqlLink *link,
              guint          command,
              const char    *text,
              gsize          length,
              gpointer       user_data)
{
  static _Thread_local guint mode;

  if (command != FAKE_COM_QUERY)
    return FALSE;
  if (g_str_has_prefix (text, "INSERT "))
    mode = (guint) atoi (text + 7);
  if (strcmp (text, "COMMIT") != 0)
    {
      fake_mysql_send_ok (link);
      return TRUE;
    }
  switch (mode)
    {
    case 0:
      return FALSE;
    case 1:
      fake_mysql_send_error (link, 1927, "Connection was killed");
      return FALSE;
    case 2:
      fake_mysql_send_error (link, 1317, "Query execution was interrupted");
      return TRUE;
    case 3:
      fake_mysql_send (link, "\0", 1);
      return TRUE;
    case 4:
      fake_mysql_send_error (link, 1053, "Server shutdown in progress");
      return FALSE;
    case 5:
      fake_mysql_stall (link);
      return FALSE;
    case 6:
      fake_mysql_send_error (link, 1213, "Deadlock found when trying to get lock");
      return TRUE;
    default:
      fake_mysql_send_error (link, 1062, "Duplicate entry 'x' for key 'y'");
      return TRUE;
    }
}

static gboolean
cancel_soon (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  if (!cupel_fiber_sleep (100 * 1000, NULL, error))
    return FALSE;
  g_cancellable_cancel (data);
  return TRUE;
}

static void
body_commit (FakeMysql             *fake,
             CupelDriverConnection *unused)
{
  g_autofree char *text = fake_mysql_dup_url (fake);
  g_autoptr(CupelUrl) of = cupel_url_new (text, NULL);

  for (guint mode = 0; mode < 8; mode++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) join_error = NULL;
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(CupelDriverConnection) connection = connect_to (of, &error);
      g_autofree char *sql = g_strdup_printf ("INSERT %u", mode);
      g_autoptr(CupelCompiled) compiled = compile (sql, -1);
      CupelTaskGroup *group = cupel_task_group_new (NULL);
      g_auto(CupelReply) reply = { 0, };
      gint64 start = g_get_monotonic_time ();

      g_assert_no_error (error);
      execute_full (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE | CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
      g_assert_no_error (error);
      if (mode == 5)
        cupel_task_group_spawn (group, cancel_soon, cancellable, NULL);

      g_assert_false (cupel_driver_connection_commit (connection, cancellable, &error));
      g_test_message ("%u: %s", mode, error->message);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
      if (mode < 6)
        {
          g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
          g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_UNKNOWN);
          g_assert_false (cupel_error_is_retryable (error));
        }
      else
        {
          int expected = mode == 6 ? CUPEL_ERROR_DEADLOCK : CUPEL_ERROR_UNIQUE;

          g_assert_error (error, CUPEL_ERROR, expected);
        }

      /* the server still answers: whatever is open is rolled back */
      if (mode == 2 || mode == 6)
        assert_status (connection, FAILED);
      else if (mode == 7)
        assert_status (connection, ACTIVE);
      else
        assert_status (connection, UNKNOWN);
      if (mode == 2 || mode > 5)
        {
          g_assert_true (cupel_driver_connection_rollback (connection, g_get_monotonic_time () + scale_bound (1000), NULL));
          assert_status (connection, IDLE);
        }
      cupel_driver_connection_terminate (connection);
      cupel_task_group_join (group, &join_error);
      g_assert_no_error (join_error);
      cupel_task_group_free (group);
    }
}

/* interruptions of a server that does not let itself be interrupted */

static gboolean
serve_stall (FakeMysqlLink *link,
             guint          command,
             const char    *text,
             gsize          length,
             gpointer       user_data)
{
  /* half a result, or nothing */
  if (command == FAKE_COM_QUERY && strcmp (text, "SELECT half") == 0)
    {
      fake_mysql_send_columns (link, 1, MYSQL_TYPE_VAR_STRING);
      fake_mysql_send (link, "\1a", 2);
    }
  else if (command == FAKE_COM_STMT_PREPARE && strcmp (text, "SELECT execute") == 0)
    {
      fake_mysql_send (link, "\0\1\0\0\0\0\0\0\0\0\0\0", 12);
      return TRUE;
    }
  fake_mysql_stall (link);
  return FALSE;
}

/* In each phase, with a KILL that is refused and, in two of them, one that gets no answer. */
static void
body_stall (FakeMysql             *fake,
            CupelDriverConnection *unused)
{
  static const char *const statements[] = { "SELECT prepare", "SELECT execute", "SELECT half", "SELECT text", "BEGIN" };
  g_autofree char *text = fake_mysql_dup_url (fake);
  g_autoptr(CupelUrl) of = cupel_url_new (text, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (statements) + 2; i++)
    {
      gboolean refused = i < G_N_ELEMENTS (statements);
      const char *sql = statements[i % G_N_ELEMENTS (statements)];
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) join_error = NULL;
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      g_autoptr(CupelDriverConnection) connection = connect_to (of, &error);
      g_autoptr(CupelCompiled) compiled = compile (sql, -1);
      CupelTaskGroup *group = cupel_task_group_new (NULL);
      g_auto(CupelReply) reply = { 0, };
      gint64 start = g_get_monotonic_time ();

      g_assert_no_error (error);
      fake_mysql_set_limit (fake, refused ? fake_mysql_get_n_links (fake) : G_MAXINT);
      cupel_task_group_spawn (group, cancel_soon, cancellable, NULL);
      g_assert_false (execute_full (connection, compiled, NULL, i % G_N_ELEMENTS (statements) < 2 ? CUPEL_REQUEST_NONE : CUPEL_REQUEST_NO_PREPARE,
                                    &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1100));
      assert_status (connection, UNKNOWN);
      g_assert_false (cupel_driver_connection_is_alive (connection));
      cupel_driver_connection_terminate (connection);
      cupel_task_group_join (group, &join_error);
      g_assert_no_error (join_error);
      cupel_task_group_free (group);
      fake_mysql_set_limit (fake, G_MAXINT);
    }
}

/* A KILL that comes too early is lost: the next one is not. */
static int n_kills;

static gboolean
serve_deaf (FakeMysqlLink *link,
            guint          command,
            const char    *text,
            gsize          length,
            gpointer       user_data)
{
  if (command != FAKE_COM_QUERY)
    {
      fake_mysql_stall (link);
      return FALSE;
    }
  if (strcmp (text, "SELECT deaf") == 0)
    {
      while (g_atomic_int_get (&n_kills) < 2)
        g_usleep (1000);
      fake_mysql_send_error (link, 1317, "Query execution was interrupted");
      return TRUE;
    }
  if (g_str_has_prefix (text, "KILL QUERY"))
    g_atomic_int_inc (&n_kills);
  fake_mysql_send_ok (link);
  return TRUE;
}

static void
body_deaf (FakeMysql             *fake,
           CupelDriverConnection *unused)
{
  g_autofree char *text = fake_mysql_dup_url (fake);
  g_autoptr(CupelUrl) of = cupel_url_new (text, NULL);
  g_autoptr(CupelCompiled) compiled = compile ("SELECT deaf", -1);
  gboolean kept = FALSE;

  for (guint round = 0; !kept; round++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(GError) join_error = NULL;
      g_autoptr(CupelDriverConnection) connection = connect_to (of, &error);
      g_autoptr(GCancellable) cancellable = g_cancellable_new ();
      CupelTaskGroup *group = cupel_task_group_new (NULL);
      g_auto(CupelReply) reply = { 0, };
      gint64 start = g_get_monotonic_time ();

      g_assert_no_error (error);
      g_atomic_int_set (&n_kills, 0);
      cupel_task_group_spawn (group, cancel_soon, cancellable, NULL);
      g_assert_false (execute_full (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply, cancellable, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      cupel_task_group_join (group, &join_error);
      g_assert_no_error (join_error);
      cupel_task_group_free (group);
      kept = cupel_driver_connection_is_alive (connection);
      if (kept)
        {
          /* It answered: nothing had to be given up. */
          assert_status (connection, IDLE);
        }
      else
        {
          /* on a machine that was too busy to answer within the second that it has */
          g_assert_cmpint (g_get_monotonic_time () - start, >, 900 * 1000);
          g_assert_cmpuint (round, <, 20);
        }
      cupel_driver_connection_terminate (connection);
    }
}

/* clean-up has a deadline of its own */
static void
body_deadlines (FakeMysql             *fake,
                CupelDriverConnection *unused)
{
  g_autofree char *text = fake_mysql_dup_url (fake);
  g_autoptr(CupelUrl) of = cupel_url_new (text, NULL);

  for (guint i = 0; i < 4; i++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelDriverConnection) connection = connect_to (of, &error);
      gint64 start = g_get_monotonic_time ();
      gint64 deadline = start + 300 * 1000;

      g_assert_no_error (error);
      g_assert_true (cupel_driver_connection_begin (connection, NULL, NULL));
      switch (i)
        {
        case 0:
          g_assert_false (cupel_driver_connection_rollback (connection, deadline, &error));
          break;
        case 1:
          g_assert_false (cupel_driver_connection_reset (connection, deadline, &error));
          break;
        case 2:
          g_assert_false (cupel_driver_connection_ping (connection, deadline, &error));
          break;
        default:
          /* says good-bye and waits for nothing */
          cupel_driver_connection_close (connection, deadline);
          error = g_error_new (CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "closed");
          break;
        }
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT);
      g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (300));
      assert_status (connection, UNKNOWN);
      cupel_driver_connection_terminate (connection);
    }
}

/* statements that the server has forgotten */

typedef struct
{
  int prepares;
  int executes;
} Forgetful;

static Forgetful forgetful;

static gboolean
serve_forgetful (FakeMysqlLink *link,
                 guint          command,
                 const char    *text,
                 gsize          length,
                 gpointer       user_data)
{
  switch (command)
    {
    case FAKE_COM_STMT_PREPARE:
      g_atomic_int_inc (&forgetful.prepares);
      fake_mysql_send (link, "\0\1\0\0\0\0\0\0\0\0\0\0", 12);
      return TRUE;
    case FAKE_COM_STMT_EXECUTE:
      /* the second and all from the fifth on */
      switch (g_atomic_int_add (&forgetful.executes, 1))
        {
        case 1:
          fake_mysql_send_error (link, 1243, "Unknown prepared statement handler");
          return TRUE;
        case 0: case 2: case 3:
          fake_mysql_send_ok (link);
          return TRUE;
        default:
          fake_mysql_send_error (link, 1615, "Prepared statement needs to be re-prepared");
          return TRUE;
        }
    case FAKE_COM_QUERY:
      fake_mysql_send_ok (link);
      return TRUE;
    default:
      return TRUE;
    }
}

static void
body_forgetful (FakeMysql             *fake,
                CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) compiled = compile ("UPDATE x SET y = 1", -1);
  g_autoptr(GError) error = NULL;

  forgetful = (Forgetful) { 0, 0 };
  for (guint i = 0; i < 3; i++)
    {
      g_auto(CupelReply) reply = { 0, };

      execute (connection, compiled, NULL, &reply);
    }
  g_assert_cmpint (forgetful.prepares, ==, 2);
  g_assert_cmpint (forgetful.executes, ==, 4);

  /* once, and no more */
  {
    g_auto(CupelReply) reply = { 0, };

    g_assert_false (execute_full (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  }
  g_assert_cmpint (cupel_error_get_native_code (error), ==, 1615);
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_STALE_STATEMENT);
  g_assert_cmpint (forgetful.prepares, ==, 3);
  g_assert_cmpint (forgetful.executes, ==, 6);
  assert_status (connection, IDLE);
}

static const Fault faults[] = {
  { "answers", serve_answers, body_answers },
  { "commit", serve_commit, body_commit },
  { "stall", serve_stall, body_stall },
  { "deaf", serve_deaf, body_deaf },
  { "deadlines", serve_stall, body_deadlines },
  { "forgetful", serve_forgetful, body_forgetful },
};

static gboolean
fault_run (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  const Fault *fault = data;
  g_autoptr(FakeMysql) fake = fake_mysql_new (fault->func, NULL);
  g_autofree char *text = fake_mysql_dup_url (fake);
  g_autoptr(CupelUrl) of = cupel_url_new (text, error);
  g_autoptr(CupelDriverConnection) connection = connect_to (of, error);

  if (connection == NULL)
    return FALSE;
  fault->body (fake, connection);
  cupel_driver_connection_terminate (connection);
  return TRUE;
}

static void
test_fault (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  cupel_run (fault_run, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "faults");
  for (guint i = 0; i < G_N_ELEMENTS (faults); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/mysql/faults/", faults[i].name, NULL);

      g_test_add_data_func (path, &faults[i], test_fault);
    }
  return mysql_test_run (NULL, 0);
}
