/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Short leases on real databases, with and without transactions, one after the other on the same connection: CUPEL_TEST_URLS names the
 * databases, separated by spaces. */

#include <string.h>

#include <glib/gstdio.h>

#include "client.h"

typedef struct
{
  CupelEngine     *engine;        /* one connection, AUTOCOMMIT */
  CupelEngine     *outside;       /* another program, as it were */
  CupelConnection *watcher;       /* of that */
} Fixture;

typedef void (*TestFunc) (Fixture *f);

typedef struct
{
  TestFunc  func;
  char     *url;
} Case;

/* The first row, its columns with spaces between. */
static char *
look (CupelConnection *connection,
      const char      *sql)
{
  GError *error = NULL;
  g_autoptr(CupelResult) result = try_execute (connection, sql, NULL, &error);
  g_autoptr(GString) row = g_string_new (NULL);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  for (guint i = 0; i < cupel_result_get_n_columns (result); i++)
    if (cupel_result_get_string (result, i) != NULL)
      g_string_append_printf (row, "%s%s", i > 0 ? " " : "", cupel_result_get_string (result, i));
    else
      g_string_append_printf (row, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "", cupel_result_get_int64 (result, i));
  return g_string_free (g_steal_pointer (&row), FALSE);
}

/* One lease, one statement. */
static void
lease_execute (Fixture    *f,
               const char *sql)
{
  CupelConnection *connection = borrow (f->engine);

  execute (connection, sql);
  give_back (connection);
}

static char *
lease_look (Fixture    *f,
            const char *sql)
{
  CupelConnection *connection = borrow (f->engine);
  char *row = look (connection, sql);

  g_assert_false (cupel_connection_in_transaction (connection));
  give_back (connection);
  return row;
}

static gint64
lease_number (Fixture    *f,
              const char *sql)
{
  g_autofree char *row = lease_look (f, sql);

  return g_ascii_strtoll (row, NULL, 10);
}

#define N_ROWS "SELECT count(*) FROM cupel_lease"

static gint64
seen (Fixture *f)
{
  return number (f->watcher, N_ROWS);
}

/* Each statement of a lease stands on its own, on the one connection that there is. */
static void
assert_autocommit (Fixture *f)
{
  gint64 n = seen (f);

  lease_execute (f, "INSERT INTO cupel_lease (n) VALUES (1)");
  g_assert_cmpint (seen (f), ==, n + 1);
  lease_execute (f, "DELETE FROM cupel_lease WHERE n = 1");
  g_assert_cmpint (seen (f), ==, n);
  g_assert_cmpuint (cupel_pool_get_n_connects (cupel_engine_get_pool (f->engine)), ==, 1);
}

/* Of the session, as its server counts them: "Questions 12". */
static gint64
count_questions (Fixture *f)
{
  g_autofree char *row = lease_look (f, "SHOW SESSION STATUS LIKE 'Questions'");

  g_assert_nonnull (strchr (row, ' '));
  return g_ascii_strtoll (strchr (row, ' '), NULL, 10);
}

/* One question, one answer, and nothing when the connection goes back. */
static void
test_nothing_else (Fixture *f)
{
  static const char question[] = "SELECT 12345 AS question";
  enum { N = 10 };

  assert_autocommit (f);
  if (is_dialect (f->engine, "postgresql"))
    {
      gint64 pid = lease_number (f, "SELECT pg_backend_pid()");
      g_autofree char *sql = g_strdup_printf ("SELECT state, query FROM pg_stat_activity WHERE pid = %" G_GINT64_FORMAT, pid);

      for (guint i = 0; i < N; i++)
        {
          g_autofree char *last = NULL;

          g_assert_cmpint (lease_number (f, question), ==, 12345);
          last = look (f->watcher, sql);
          g_assert_cmpstr (last, ==, "idle SELECT 12345 AS question");
        }
    }
  else if (is_dialect (f->engine, "mysql"))
    {
      gint64 before;

      g_assert_cmpint (lease_number (f, question), ==, 12345);
      before = count_questions (f);
      for (guint i = 0; i < N; i++)
        g_assert_cmpint (lease_number (f, question), ==, 12345);
      /* and the one that asks */
      g_assert_cmpint (count_questions (f), ==, before + N + 1);
    }
  else
    {
      for (guint i = 0; i < N; i++)
        {
          g_autofree char *checkpoint = NULL;

          g_assert_cmpint (lease_number (f, question), ==, 12345);
          /* No lock is left. */
          checkpoint = look (f->watcher, "PRAGMA wal_checkpoint (TRUNCATE)");
          g_assert_cmpstr (checkpoint, ==, "0 0 0");
        }
    }
}

/* A lease with transactions between others without: whoever comes next finds what he expects. */
static void
test_mixed (Fixture *f)
{
  GError *error = NULL;

  for (guint i = 0; i < 3; i++)
    {
      CupelConnection *connection = borrow (f->engine);
      gint64 n = seen (f);

      g_assert_true (cupel_connection_set_isolation_level (connection, i == 1 ? CUPEL_ISOLATION_SERIALIZABLE : CUPEL_ISOLATION_DEFAULT,
                                                           NULL, &error));
      g_assert_no_error (error);
      execute (connection, "INSERT INTO cupel_lease (n) VALUES (2)");
      g_assert_true (cupel_connection_in_transaction (connection));
      g_assert_cmpint (seen (f), ==, n);
      if (i == 2)
        {
          g_assert_true (cupel_connection_commit (connection, NULL, &error));
          g_assert_no_error (error);
          n++;
        }
      give_back (connection);
      g_assert_cmpint (seen (f), ==, n);
      assert_autocommit (f);
    }

  /* The level of the engine is that of the leases to come. */
  g_object_set (f->engine, "isolation-level", CUPEL_ISOLATION_DEFAULT, NULL);
  for (guint i = 0; i < 2; i++)
    {
      gint64 n = seen (f);

      lease_execute (f, "INSERT INTO cupel_lease (n) VALUES (3)");
      g_assert_cmpint (seen (f), ==, n);
    }
  g_object_set (f->engine, "isolation-level", CUPEL_ISOLATION_AUTOCOMMIT, NULL);
  assert_autocommit (f);
}

static void
test_error (Fixture *f)
{
  CupelConnection *connection = borrow (f->engine);
  GError *error = NULL;

  execute (connection, "INSERT INTO cupel_lease (n) VALUES (4)");
  assert_refused (try_execute (connection, "SELECT n FROM cupel_lease WHERE nothing_like_it = 1", NULL, &error),
                  error, CUPEL_ERROR_PROGRAMMING);
  /* Nothing was open that it could have spoiled. */
  g_assert_cmpint (number (connection, N_ROWS), ==, 1);
  assert_refused (try_execute (connection, "INSERT INTO cupel_lease (n) VALUES (4)", NULL, &error), error, CUPEL_ERROR_UNIQUE);
  give_back (connection);

  g_assert_cmpint (seen (f), ==, 1);
  assert_autocommit (f);
}

static void
cancel (gpointer cancellable)
{
  cupel_fiber_sleep (20 * 1000, NULL, NULL);
  g_cancellable_cancel (cancellable);
}

static void
test_cancel (Fixture *f)
{
  const char *sql = is_dialect (f->engine, "postgresql") ? "SELECT pg_sleep(60)"
                    : is_dialect (f->engine, "mysql") ? "SELECT SLEEP(60)"
                    : "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
  CupelConnection *connection = borrow (f->engine);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  GError *error = NULL;
  gint64 n;

  execute (connection, "INSERT INTO cupel_lease (n) VALUES (5)");
  cupel_fiber_spawn (NULL, cancel, g_object_ref (cancellable), g_object_unref);
  g_assert_null (try_execute (connection, sql, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  give_back (connection);

  /* On the same connection or, when it was given up, on another one. */
  n = seen (f);
  g_assert_cmpint (n, ==, 1);
  lease_execute (f, "INSERT INTO cupel_lease (n) VALUES (6)");
  g_assert_cmpint (seen (f), ==, 2);
}

/* What a text leaves in the session is taken away, and the level is what it was. */
static void
test_traces (Fixture *f)
{
  const char *sql = is_dialect (f->engine, "postgresql") ? "SET application_name TO 'cupel-trace'"
                    : is_dialect (f->engine, "mysql") ? "SET @cupel_trace = 77"
                    : "CREATE TEMP TABLE cupel_trace (n INTEGER)";
  const char *trace = is_dialect (f->engine, "postgresql") ? "SELECT CASE current_setting('application_name') WHEN 'cupel-trace' THEN 77 ELSE 0 END"
                      : is_dialect (f->engine, "mysql") ? "SELECT COALESCE(@cupel_trace, 0)"
                      : "SELECT count(*) * 77 FROM sqlite_temp_master";

  for (guint i = 0; i < 2; i++)
    {
      CupelConnection *connection = borrow (f->engine);

      execute (connection, sql);
      g_assert_cmpint (number (connection, trace), ==, 77);
      give_back (connection);
      g_assert_cmpint (lease_number (f, trace), ==, 0);
      assert_autocommit (f);
    }
}

/* A row knows its columns when nothing else is left of where it came from. */
static void
test_row_stays (Fixture *f)
{
  GError *error = NULL;
  CupelConnection *connection = borrow (f->engine);
  CupelText *text = cupel_text_new ("SELECT 7, 8");
  CupelSelect *select = cupel_select_new ();
  CupelRow *rows[3];

  cupel_select_add_column (select, cupel_label (cupel_literal_int64 (7), "seven"));
  cupel_select_add_column (select, cupel_label (cupel_literal_int64 (8), "eight"));
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      CupelStatement *statement = i < 2 ? CUPEL_STATEMENT (select) : CUPEL_STATEMENT (text);
      g_autoptr(CupelResult) result = cupel_connection_execute (connection, statement, NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_true (cupel_result_step (result));
      rows[i] = cupel_result_dup_row (result);
    }
  g_object_unref (select);
  g_object_unref (text);
  give_back (connection);
  g_assert_true (cupel_engine_dispose (f->engine, NULL, &error));
  g_object_set (f->engine, "statement-cache-size", 0, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      if (i < 2)
        g_assert_cmpstr (cupel_row_get_column_name (rows[i], 0), ==, "seven");
      g_assert_cmpint (cupel_row_get_int64 (rows[i], 1), ==, 8);
      cupel_row_unref (rows[i]);
    }
}

typedef struct
{
  Fixture *fixture;
  gint64   sum;
} Crowd;

static gboolean
be_many (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Crowd *crowd = data;

  for (guint i = 0; i < 5; i++)
    {
      CupelConnection *connection = cupel_engine_connect (crowd->fixture->engine, cancellable, error);
      g_autoptr(CupelResult) result = NULL;

      if (connection == NULL ||
          (i == 2 && !cupel_connection_set_isolation_level (connection, CUPEL_ISOLATION_DEFAULT, cancellable, error)) ||
          (result = try_execute (connection, "UPDATE cupel_lease SET n = n + 1", cancellable, error)) == NULL)
        return FALSE;
      give_back (connection);
    }
  return TRUE;
}

/* From hand to hand: four of five leases of each are in AUTOCOMMIT, and count. */
static void
test_from_hand_to_hand (Fixture *f)
{
  enum { N_TASKS = 8 };
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  Crowd crowd = { .fixture = f };
  GError *error = NULL;

  lease_execute (f, "INSERT INTO cupel_lease (n) VALUES (1000)");
  for (guint i = 0; i < N_TASKS; i++)
    cupel_task_group_spawn (group, be_many, &crowd, NULL);
  g_assert_true (cupel_task_group_join (group, &error));
  g_assert_no_error (error);
  g_assert_cmpint (number (f->watcher, "SELECT n FROM cupel_lease"), ==, 1000 + 4 * N_TASKS);
  g_assert_cmpuint (cupel_pool_get_n_connects (cupel_engine_get_pool (f->engine)), ==, 1);
}

static CupelEngine *
open_engine (const char *url)
{
  GError *error = NULL;
  CupelEngine *engine = cupel_engine_new (url, &error);

  g_assert_no_error (error);
  g_object_set (engine, "pool-size", 1, "max-overflow", 0, "isolation-level", CUPEL_ISOLATION_AUTOCOMMIT, NULL);
  return engine;
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const Case *test = data;
  Fixture f = { open_engine (test->url), open_engine (test->url) };

  f.watcher = borrow (f.outside);
  execute (f.watcher, "DROP TABLE IF EXISTS cupel_lease");
  execute (f.watcher, "CREATE TABLE cupel_lease (n INTEGER PRIMARY KEY)");

  test->func (&f);

  g_assert_true (cupel_engine_dispose (f.engine, NULL, error));
  execute (f.watcher, "DROP TABLE cupel_lease");
  give_back (f.watcher);
  g_assert_true (cupel_engine_dispose (f.outside, NULL, error));
  g_object_unref (f.engine);
  g_object_unref (f.outside);
  return TRUE;
}

static void
run_test (gconstpointer data)
{
  GError *error = NULL;

  cupel_run (run_in_fiber, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

static void
case_free (gpointer data)
{
  Case *test = data;

  g_free (test->url);
  g_free (test);
}

static void
add_tests (const char *url,
           guint       number)
{
  const struct
  {
    const char *name;
    TestFunc    func;
  } tests[] = {
    { "nothing-else", test_nothing_else },
    { "mixed", test_mixed },
    { "error", test_error },
    { "cancel", test_cancel },
    { "traces", test_traces },
    { "row-stays", test_row_stays },
    { "from-hand-to-hand", test_from_hand_to_hand },
  };
  g_autofree char *dialect = g_strndup (url, strcspn (url, ":"));

  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/engine/lease/%u-%s/%s", number, dialect, tests[i].name);
      Case *test = g_new (Case, 1);

      *test = (Case) { tests[i].func, g_strdup (url) };
      g_test_add_data_func_full (path, test, run_test, case_free);
    }
}

int
main (int    argc,
      char **argv)
{
  const char *servers = g_getenv ("CUPEL_TEST_URLS");
  g_auto(GStrv) urls = g_strsplit (servers != NULL ? servers : "", " ", -1);
  g_autofree char *folder = g_dir_make_tmp ("cupel-lease-XXXXXX", NULL);
  g_autofree char *file = g_strdup_printf ("sqlite:///%s/lease.db", folder);
  int status;

  g_test_init (&argc, &argv, NULL);

  add_tests (file, 1);
  /* One in memory has a single connection, and nobody outside. */
  for (guint i = 0; urls[i] != NULL; i++)
    if (*urls[i] != '\0' && !g_str_has_prefix (urls[i], "sqlite"))
      add_tests (urls[i], i + 2);
  status = g_test_run ();
  g_remove (file + strlen ("sqlite:///"));
  g_rmdir (folder);
  return status;
}
