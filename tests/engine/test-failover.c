/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Two servers, of which one takes writes, until the other one does: see ci/servers --standby. PostgreSQL's is a streaming
 * standby that gets promoted; MariaDB's are independent, and exchange read_only. */

#include <cupel-dialect.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/scale.h"

#define N_WRITERS 8
#define N_READERS 4
#define RECOVERY  scale_bound (5000)

typedef struct _Pair Pair;

struct _Pair
{
  const char *name;
  const char *variable;
  const char *ask_port;
  const char *not_primary;      /* a piece of what the first host says when it takes no writes */
  void      (*stop_first)     (void);
  void      (*promote_second) (void);
  void      (*restore)        (void);   /* NULL: it cannot be */
  gboolean    is_replicated;
};

static CupelEngine *
new_engine (const char *url,
            const char *target)
{
  g_autofree char *full = target != NULL ? g_strconcat (url, "&target=", target, NULL) : g_strdup (url);
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (full, &error);

  g_assert_no_error (error);
  return engine;
}

static void
end_engine (CupelEngine *engine)
{
  g_assert_true (cupel_engine_dispose (engine, NULL, NULL));
  g_object_unref (engine);
}

/* One statement, which is committed. */
static gboolean
run (CupelEngine  *engine,
     const char   *sql,
     gint64       *number,
     GError      **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = NULL;
  CupelConnection *connection = cupel_engine_connect (engine, NULL, error);
  gboolean ok;

  if (connection == NULL)
    return FALSE;
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);
  ok = result != NULL;
  if (ok && number != NULL)
    {
      g_assert_true (cupel_result_step (result));
      *number = cupel_result_get_int64 (result, 0);
    }
  ok = ok && cupel_connection_commit (connection, NULL, error);
  g_assert_true (cupel_connection_close (connection, NULL, NULL));
  g_object_unref (connection);
  return ok;
}

/* As an administrator of the one server. */
static void
administer (const char *variable,
            const char *sql)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = new_engine (g_getenv (variable), NULL);

  run (engine, sql, NULL, &error);
  g_assert_no_error (error);
  end_engine (engine);
}

/* And not only there until its parent asks for it. */
static gboolean
is_running (pid_t pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", (int) pid);
  g_autofree char *text = NULL;
  const char *end;

  return g_file_get_contents (path, &text, NULL, NULL) && (end = strrchr (text, ')')) != NULL && !g_str_has_prefix (end, ") Z");
}

static void
stop_postgresql (void)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (g_getenv ("CUPEL_TEST_POSTGRESQL_PAIR_PID_FILE"), &text, NULL, NULL));
  /* At once, without a word to the standby */
  g_assert_cmpint (kill ((pid_t) atoi (text), SIGQUIT), ==, 0);
  for (guint i = 0; i < 6000 && is_running ((pid_t) atoi (text)); i++)
    cupel_fiber_sleep (10 * 1000, NULL, NULL);
  g_assert_false (is_running ((pid_t) atoi (text)));
}

static void
promote_postgresql (void)
{
  administer ("CUPEL_TEST_POSTGRESQL_PAIR_STANDBY_URL", "SELECT pg_promote()");
}

static void
stop_mariadb (void)
{
  administer ("CUPEL_TEST_MYSQL_PAIR_FIRST_URL", "SET GLOBAL read_only = 1");
}

static void
promote_mariadb (void)
{
  administer ("CUPEL_TEST_MYSQL_PAIR_SECOND_URL", "SET GLOBAL read_only = 0");
}

static void
restore_mariadb (void)
{
  administer ("CUPEL_TEST_MYSQL_PAIR_SECOND_URL", "SET GLOBAL read_only = 1");
  administer ("CUPEL_TEST_MYSQL_PAIR_FIRST_URL", "SET GLOBAL read_only = 0");
}

static void
check_target (const Pair *pair,
              const char *target,
              guint       chosen)
{
  CupelEngine *engine = new_engine (g_getenv (pair->variable), target);
  g_autoptr(GError) error = NULL;
  gint64 port = 0;
  int wanted;

  cupel_url_get_nth_host (cupel_engine_get_url (engine), chosen, &wanted);
  run (engine, pair->ask_port, &port, &error);
  g_assert_no_error (error);
  g_test_message ("%s: %s is at port %" G_GINT64_FORMAT, pair->name, target, port);
  g_assert_cmpint (port, ==, wanted);
  end_engine (engine);
}

/* An error that names each of the hosts, and why not that one, after the time that the pool has. */
static void
check_none (const Pair *pair,
            const char *target,
            const char *first_reason,
            const char *second_reason)
{
  CupelEngine *engine = new_engine (g_getenv (pair->variable), target);
  CupelUrl *url = cupel_engine_get_url (engine);
  const char *const reasons[] = { first_reason, second_reason };
  g_autoptr(GError) error = NULL;
  gint64 begin = g_get_monotonic_time ();

  g_object_set (engine, "pool-timeout", 1.5, NULL);
  g_assert_false (run (engine, pair->ask_port, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT);
  g_test_message ("%s: %s: %s", pair->name, target, error->message);
  for (guint i = 0; i < 2; i++)
    {
      int port;
      const char *host = cupel_url_get_nth_host (url, i, &port);
      g_autofree char *where = g_strdup_printf ("%s:%d", host, port);

      g_assert_nonnull (strstr (error->message, where));
      g_assert_nonnull (strstr (error->message, reasons[i]));
    }
  g_assert_cmpint (g_get_monotonic_time () - begin, <, scale_bound (1500));
  end_engine (engine);
}

static void
test_targets (const Pair *pair)
{
  check_target (pair, "any", 0);
  check_target (pair, "primary", 0);
  check_target (pair, "prefer-primary", 0);
  check_target (pair, "standby", 1);
  check_target (pair, "prefer-standby", 1);
}

/* What goes on meanwhile. */
typedef struct
{
  CupelEngine *writes;
  CupelEngine *reads;
  CupelEngine *new_reads;     /* each on a connection of its own */
  gboolean     over;
  gint64       n_rows;        /* so many were tried, kept or not */
  GArray      *kept;          /* their ids, where COMMIT said so */
  gint64       last_kept;
  guint        n_refused;
  guint        n_read;
  gint64       longest_read;
} Load;

/* A failover is no error of its own kind: each tells what became of the server, so that a retry makes sense. */
static void
check_refusal (const GError *error)
{
  switch (cupel_error_get_category (error))
    {
    case CUPEL_ERROR_CATEGORY_LOST:
    case CUPEL_ERROR_CATEGORY_NOT_PRIMARY:
    case CUPEL_ERROR_CATEGORY_NOT_READY:
    case CUPEL_ERROR_CATEGORY_UNKNOWN:
      break;
    default:
      g_error ("%s (category %d)", error->message, cupel_error_get_category (error));
    }
}

static gboolean
keep_writing (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Load *load = data;

  while (!load->over)
    {
      gint64 id = ++load->n_rows;
      g_autofree char *sql = g_strdup_printf ("INSERT INTO cupel_failover (id) VALUES (%" G_GINT64_FORMAT ")", id);
      g_autoptr(GError) refusal = NULL;

      if (run (load->writes, sql, NULL, &refusal))
        {
          g_array_append_val (load->kept, id);
          load->last_kept = g_get_monotonic_time ();
        }
      else
        {
          if (load->n_refused++ < 20)
            g_test_message ("refused: %s", refusal->message);
          check_refusal (refusal);
        }
      cupel_fiber_sleep (2 * 1000, NULL, NULL);
    }
  return TRUE;
}

/* The number of this one's turn says which engine it takes. */
static gboolean
keep_reading (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Load *load = data;

  while (!load->over)
    {
      CupelEngine *engine = load->n_read++ % 2 == 0 ? load->reads : load->new_reads;
      gint64 begin = g_get_monotonic_time ();
      gint64 n;

      if (!run (engine, "SELECT count(*) FROM cupel_failover", &n, error))
        return FALSE;
      load->longest_read = MAX (load->longest_read, g_get_monotonic_time () - begin);
      cupel_fiber_sleep (5 * 1000, NULL, NULL);
    }
  return TRUE;
}

/* Adds the rows that the server of @engine has. */
static void
collect (CupelEngine *engine,
         GHashTable  *found)
{
  g_autoptr(CupelText) text = cupel_text_new ("SELECT id FROM cupel_failover");
  g_autoptr(GError) error = NULL;
  CupelConnection *connection = cupel_engine_connect (engine, NULL, &error);
  g_autoptr(CupelResult) result = NULL;

  g_assert_no_error (error);
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &error);
  g_assert_no_error (error);
  while (cupel_result_step (result))
    g_hash_table_add (found, GSIZE_TO_POINTER (cupel_result_get_int64 (result, 0)));
  g_assert_true (cupel_connection_close (connection, NULL, NULL));
  g_object_unref (connection);
}

static void
check_kept (const Pair *pair,
            const Load *load)
{
  g_autoptr(GHashTable) found = g_hash_table_new (NULL, NULL);

  collect (load->writes, found);
  if (!pair->is_replicated)
    {
      CupelEngine *first = new_engine (g_getenv ("CUPEL_TEST_MYSQL_PAIR_FIRST_URL"), NULL);

      collect (first, found);
      end_engine (first);
    }
  for (guint i = 0; i < load->kept->len; i++)
    g_assert_true (g_hash_table_contains (found, GSIZE_TO_POINTER (g_array_index (load->kept, gint64, i))));
}

static void
wait_for (Load  *load,
          guint  n_kept)
{
  gint64 end = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;

  while (load->kept->len < n_kept && g_get_monotonic_time () < end)
    cupel_fiber_sleep (5 * 1000, NULL, NULL);
  g_assert_cmpuint (load->kept->len, >=, n_kept);
}

static void
make_table (const Pair *pair)
{
  static const char sql[] = "CREATE TABLE cupel_failover (id INTEGER PRIMARY KEY)";
  CupelEngine *engine;
  g_autoptr(GError) error = NULL;

  if (!pair->is_replicated)
    {
      administer ("CUPEL_TEST_MYSQL_PAIR_FIRST_URL", sql);
      administer ("CUPEL_TEST_MYSQL_PAIR_SECOND_URL", sql);
      return;
    }
  engine = new_engine (g_getenv (pair->variable), "primary");
  run (engine, sql, NULL, &error);
  g_assert_no_error (error);
  end_engine (engine);

  /* It gets to the standby a moment later. */
  engine = new_engine (g_getenv (pair->variable), "standby");
  for (guint i = 0; i < 6000 && !run (engine, "SELECT count(*) FROM cupel_failover", NULL, NULL); i++)
    cupel_fiber_sleep (10 * 1000, NULL, NULL);
  end_engine (engine);
}

static void
test_under_load (const Pair *pair)
{
  const char *url = g_getenv (pair->variable);
  g_autoptr(GArray) kept = g_array_new (FALSE, FALSE, sizeof (gint64));
  Load load = {
    .writes = new_engine (url, "primary"), .reads = new_engine (url, "prefer-standby"),
    .new_reads = new_engine (url, "prefer-standby"), .kept = kept,
  };
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(GError) error = NULL;
  gint64 begin, promoted, last;
  guint before;

  make_table (pair);
  g_object_set (load.writes, "pool-size", N_WRITERS, NULL);
  g_object_set (load.new_reads, "pool-name", "null", NULL);
  for (guint i = 0; i < N_WRITERS; i++)
    cupel_task_group_spawn (group, keep_writing, &load, NULL);
  for (guint i = 0; i < N_READERS; i++)
    cupel_task_group_spawn (group, keep_reading, &load, NULL);
  wait_for (&load, scale (500, 50));

  begin = g_get_monotonic_time ();
  pair->stop_first ();
  /* What it answered before is read. */
  for (guint i = 0; i < 2; i++)
    cupel_fiber_sleep (20 * 1000, NULL, NULL);
  last = load.last_kept;
  before = kept->len;
  check_none (pair, "primary", pair->not_primary, "is a standby");
  g_assert_cmpuint (kept->len, ==, before);
  pair->promote_second ();
  promoted = g_get_monotonic_time ();
  wait_for (&load, before + 1);
  g_test_message ("%s: no write for %.0f ms, of which %.0f ms after the promotion; %u kept before", pair->name,
                  (double) (g_get_monotonic_time () - last) / 1000, (double) (g_get_monotonic_time () - promoted) / 1000, before);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, RECOVERY);
  wait_for (&load, before + scale (500, 50));

  load.over = TRUE;
  cupel_task_group_join (group, &error);
  g_assert_no_error (error);
  g_test_message ("%s: %u rows kept, %u refused; %u reads, the longest %.0f ms", pair->name, kept->len, load.n_refused,
                  load.n_read, (double) load.longest_read / 1000);
  g_assert_cmpint (load.longest_read, <, scale_bound (2000));
  check_kept (pair, &load);

  check_target (pair, "primary", 1);
  end_engine (load.writes);
  end_engine (load.reads);
  end_engine (load.new_reads);
  if (pair->restore != NULL)
    {
      check_target (pair, "prefer-standby", 0);
      administer ("CUPEL_TEST_MYSQL_PAIR_FIRST_URL", "DROP TABLE cupel_failover");
      administer ("CUPEL_TEST_MYSQL_PAIR_SECOND_URL", "DROP TABLE cupel_failover");
      pair->restore ();
    }
  else
    {
      check_target (pair, "prefer-standby", 1);
      check_none (pair, "standby", pair->not_primary, "is a primary");
    }
}

static const Pair pairs[] = {
  { "postgresql", "CUPEL_TEST_POSTGRESQL_PAIR_URL", "SELECT inet_server_port()", "refused",
    stop_postgresql, promote_postgresql, NULL, TRUE },
  { "mysql", "CUPEL_TEST_MYSQL_PAIR_URL", "SELECT @@port", "is a standby",
    stop_mariadb, promote_mariadb, restore_mariadb, FALSE },
};

typedef struct
{
  const Pair *pair;
  void      (*func) (const Pair *pair);
} Case;

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const Case *c = data;

  c->func (c->pair);
  return TRUE;
}

static void
run_case (gconstpointer data)
{
  const Case *c = data;
  g_autoptr(GError) error = NULL;

  if (g_getenv (c->pair->variable) == NULL)
    {
      g_autofree char *reason = g_strdup_printf ("%s is not set", c->pair->variable);

      g_test_skip (reason);
      return;
    }
  cupel_run (run_in_fiber, (gpointer) c, NULL, &error);
  g_assert_no_error (error);
}

int
main (int    argc,
      char **argv)
{
  static Case cases[G_N_ELEMENTS (pairs)][2];

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autofree char *targets = g_strdup_printf ("/failover/%s/targets", pairs[i].name);
      g_autofree char *load = g_strdup_printf ("/failover/%s/under-load", pairs[i].name);

      cases[i][0] = (Case) { &pairs[i], test_targets };
      cases[i][1] = (Case) { &pairs[i], test_under_load };
      g_test_add_data_func (targets, &cases[i][0], run_case);
      g_test_add_data_func (load, &cases[i][1], run_case);
    }
  return g_test_run ();
}
