/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What borrowers wait for and how long, what is told of it, and how a transaction ends with its lease. */

#include <string.h>

#include "../unit/scale.h"
#include "pool-fixture.h"

/* Borrowers that come at the same time. */
typedef struct
{
  CupelEngine *engine;
  guint64      hold;
  guint        come;       /* keep what was got until so many know what they got; 0: no longer than that */
  guint        n_served;
  guint        n_late;
  guint        n_failed;
  gint64       longest;
  char        *message;
} Crowd;

static gboolean
run_one (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Crowd *crowd = data;
  g_autoptr(GError) local = NULL;
  gint64 begin = g_get_monotonic_time ();
  CupelConnection *connection = cupel_engine_connect (crowd->engine, NULL, &local);

  crowd->longest = MAX (crowd->longest, g_get_monotonic_time () - begin);
  if (connection != NULL)
    {
      crowd->n_served++;
      cupel_fiber_sleep (crowd->hold, NULL, NULL);
      for (guint i = 0; i < 30000 && crowd->n_served + crowd->n_late + crowd->n_failed < crowd->come; i++)
        cupel_fiber_sleep (1000, NULL, NULL);
      give_back (connection);
      return TRUE;
    }

  if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT))
    crowd->n_late++;
  else
    crowd->n_failed++;
  g_free (crowd->message);
  crowd->message = g_strdup (local->message);
  return TRUE;
}

static Crowd *
new_crowd (CupelEngine *engine,
           guint64      hold)
{
  Crowd *crowd = g_new0 (Crowd, 1);

  crowd->engine = engine;
  crowd->hold = hold;
  return crowd;
}

static void
crowd_free (Crowd *crowd)
{
  g_free (crowd->message);
  g_free (crowd);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Crowd, crowd_free)

static void
run_crowd (Crowd *crowd,
           guint  n)
{
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  GError *error = NULL;

  for (guint i = 0; i < n; i++)
    cupel_task_group_spawn (group, run_one, crowd, NULL);
  g_assert_true (cupel_task_group_join (group, &error));
  g_assert_no_error (error);
}

/* A crowd that comes at once, and what becomes of it. Times are in milliseconds; a timeout of -1 is the pool's default. */
typedef struct
{
  const char *path;
  guint       size;
  guint       overflow;
  int         pool_timeout;
  int         connect_timeout;
  guint       fails;             /* so many first attempts to connect are refused ... */
  guint       category;          /* ... for this reason */
  guint       fails_initialize;
  guint       connect_delay;
  guint       come;
  guint       hold;              /* for how long each keeps what he got ... */
  gboolean    together;          /* ... and until everybody has something or nothing */
  guint       served;
  guint       late;
  guint       failed;
  guint       connects;          /* 0: it does not matter */
  int         longest;           /* what the longest wait is about; 0: it does not matter */
  const char *message;           /* a part of what those were told who got nothing */
} Rush;

#define FOR_EVER G_MAXUINT

static const Rush rushes[] = {
  /* The server has no room for now, or is starting: who waits is served as soon as it takes connections. */
  { "overload", 2, 0, -1, -1, .fails = 3, .category = CUPEL_ERROR_CATEGORY_OVERLOAD, .come = 6, .hold = 1, .served = 6 },
  { "not-ready", 2, 0, -1, -1, .fails = 3, .category = CUPEL_ERROR_CATEGORY_NOT_READY, .come = 6, .hold = 1, .served = 6 },
  /* It never has: the limit of the wait is that of the pool, the cause is told, and the server is not run over. */
  { "overload-lasts", 5, 0, 500, -1, .fails = FOR_EVER, .category = CUPEL_ERROR_CATEGORY_OVERLOAD, .come = 20, .late = 20,
    .longest = 500, .message = "The fake server does not listen" },
  /* Not to wait in line is not the same as never to connect. */
  { "no-timeout-connects", 5, 10, 0, -1, .connect_delay = 20, .come = 15, .hold = 50, .served = 15 },
  /* More come than there is room for: those in front get theirs, for the rest the time is up. */
  { "no-timeout-burst", 2, 1, 0, -1, .connect_delay = 20, .come = 8, .together = TRUE, .served = 3, .late = 5 },
  { "connect-takes-longer", 5, 10, 30, -1, .connect_delay = 150, .come = 1, .served = 1 },
  /* Nobody waits for longer than both limits together, whatever the driver does. */
  { "both-limits", 5, 10, 50, 100, .connect_delay = 60000, .come = 3, .late = 3, .longest = 150 },
  /* A server that refuses for good is told at once, not at the end of some limit. */
  { "refused", 5, 10, 0, -1, .fails = FOR_EVER, .come = 4, .failed = 4, .message = "The fake server does not listen" },
  /* The first of many asks what the server can do; when it fails, another one asks. */
  { "one-initialize", 10, 10, -1, -1, .connect_delay = 10, .come = 10, .together = TRUE, .served = 10,
    .connects = 10 },
  { "initialize-fails", 10, 0, -1, -1, .fails_initialize = 1, .connect_delay = 10, .come = 10, .hold = 50, .served = 9, .failed = 1 },
};

static gboolean
test_rush (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  const Rush *rush = data;
  CupelEngine *engine = new_engine ("pool-size", rush->size, "max-overflow", rush->overflow, NULL);
  g_autoptr(Crowd) crowd = new_crowd (engine, rush->hold * 1000);
  g_autoptr(CupelPoolStatus) status = NULL;
  gint64 begin;

  crowd->come = rush->together ? rush->come : 0;
  if (rush->pool_timeout >= 0)
    g_object_set (engine, "pool-timeout", rush->pool_timeout / 1000.0, NULL);
  if (rush->connect_timeout >= 0)
    g_object_set (engine, "connect-timeout", rush->connect_timeout / 1000.0, NULL);
  fake_knobs.fail_connects = rush->fails;
  fake_knobs.connect_category = (CupelErrorCategory) rush->category;
  fake_knobs.fail_initialize = rush->fails_initialize;
  fake_knobs.connect_delay = rush->connect_delay * 1000;
  begin = g_get_monotonic_time ();
  run_crowd (crowd, rush->come);
  g_assert_cmpuint (crowd->n_served, ==, rush->served);
  g_assert_cmpuint (crowd->n_late, ==, rush->late);
  g_assert_cmpuint (crowd->n_failed, ==, rush->failed);
  g_assert_cmpint (crowd->longest, >=, (rush->longest - 10) * 1000);
  if (rush->longest > 0)
    g_assert_cmpint (crowd->longest, <, scale_bound (rush->longest));
  if (rush->connects > 0)
    g_assert_cmpuint (fake_figures.n_connects, ==, rush->connects);
  if (rush->message != NULL)
    g_assert_nonnull (strstr (crowd->message, rush->message));

  status = cupel_pool_get_status (cupel_engine_get_pool (engine));
  g_assert_cmpuint (status->n_timeouts, ==, rush->late);
  g_assert_cmpuint (fake_figures.n_initialized, ==, rush->served > 0 ? 1 + rush->fails_initialize : 0);
  /* At most ten in a second, after those that came first. */
  if (rush->fails == FOR_EVER)
    g_assert_cmpuint (status->n_connect_failures, <=, rush->size + rush->overflow + (guint) ((g_get_monotonic_time () - begin) / 100000) + 1);
  else if (rush->fails > 0)
    g_assert_cmpuint (status->n_connect_failures, ==, rush->fails);
  fake_knobs.fail_connects = 0;
  end_engine (engine);
  return TRUE;
}

static void
rush_in_fiber (gconstpointer rush)
{
  GError *error = NULL;

  cupel_run (test_rush, (gpointer) rush, NULL, &error);
  g_assert_no_error (error);
}

/* Who finds all of them lent, and does not wait. */
static gboolean
test_no_timeout_full (gpointer       data,
                      GCancellable  *cancellable,
                      GError       **error)
{
  CupelEngine *engine = new_engine ("pool-size", 2, "max-overflow", 0, "pool-timeout", 0.0, NULL);
  g_autoptr(Crowd) crowd = new_crowd (engine, 0);
  CupelConnection *one = borrow (engine);
  CupelConnection *two = borrow (engine);

  run_crowd (crowd, 5);
  g_assert_cmpuint (crowd->n_late, ==, 5);
  g_assert_cmpint (crowd->longest, <, scale_bound (0));
  give_back (one);
  run_crowd (crowd, 1);
  g_assert_cmpuint (crowd->n_served, ==, 1);
  give_back (two);
  end_engine (engine);
  return TRUE;
}

/* how long connections live */

static guint
borrow_twenty (CupelEngine *engine)
{
  CupelConnection *connections[20];

  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    connections[i] = borrow (engine);
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    give_back (connections[i]);
  return fake_figures.n_connects;
}

static void
sleep_until (gint64 time)
{
  cupel_fiber_sleep (MAX (time - g_get_monotonic_time (), 0), NULL, NULL);
}

/* Twenty of the same age are replaced between nine tenths of their time and its end. TRUE: in the middle of that some were, and others were
 * not. This process may have missed it. */
static gboolean
watch_twenty_age (void)
{
  CupelEngine *engine = new_engine ("pool-size", 20, "max-overflow", 0, "pool-max-lifetime", 2.0, NULL);
  gint64 begin = g_get_monotonic_time (), made;
  guint n_connects, n_replaced;

  g_assert_cmpuint (borrow_twenty (engine), ==, 20);
  made = g_get_monotonic_time ();
  sleep_until (begin + 1700 * 1000);
  n_connects = borrow_twenty (engine);
  if (g_get_monotonic_time () - begin < 1795 * 1000)
    g_assert_cmpuint (n_connects, ==, 20);
  sleep_until (begin + 1900 * 1000);
  n_replaced = borrow_twenty (engine) - 20;
  sleep_until (made + 2005 * 1000);
  g_assert_cmpuint (borrow_twenty (engine), >=, 40);
  end_engine (engine);
  return n_replaced > 0 && n_replaced < 20;
}

/* Connections that were made together are not replaced together. */
static gboolean
test_lifetime_spreads (gpointer       data,
                       GCancellable  *cancellable,
                       GError       **error)
{
  guint n_tries = 0;

  while (!watch_twenty_age ())
    g_assert_cmpuint (++n_tries, <, 20);
  return TRUE;
}

/* what is told */

/* A handler may use the pool: it is in order, and this is not a fiber's stack. */
static void
note (GString    *told,
      const char *what,
      gpointer    pool)
{
  g_assert_false (cupel_in_fiber ());
  if (CUPEL_IS_POOL (pool))
    {
      g_autofree char *description = cupel_pool_describe (pool);

      g_assert_nonnull (description);
    }
  g_string_append_printf (told, "%s%s", told->len > 0 ? " " : "", what);
}

#define NOTE(name) \
  static void \
  note_##name (gpointer sender, \
               GString *told) \
  { \
    note (told, #name, sender); \
  }

NOTE (connected)
NOTE (checkout)
NOTE (checkin)
NOTE (invalidated)
NOTE (closed)
NOTE (commit)
NOTE (rollback)

static void
check_told (GString    *told,
            const char *expected)
{
  g_assert_cmpstr (told->str, ==, expected);
  g_string_truncate (told, 0);
}

static gboolean
test_signals (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  CupelEngine *engine = new_engine (NULL);
  g_autoptr(GString) told = g_string_new (NULL);
  CupelConnection *connection = borrow (engine);
  CupelPool *pool = cupel_engine_get_pool (engine);

  g_signal_connect (pool, "connected", G_CALLBACK (note_connected), told);
  g_signal_connect (pool, "checkout", G_CALLBACK (note_checkout), told);
  g_signal_connect (pool, "checkin", G_CALLBACK (note_checkin), told);
  g_signal_connect (pool, "invalidated", G_CALLBACK (note_invalidated), told);
  g_signal_connect (pool, "closed", G_CALLBACK (note_closed), told);

  give_back (connection);
  check_told (told, "checkin");
  connection = borrow (engine);
  check_told (told, "checkout");
  give_back (connection);
  check_told (told, "checkin");
  cupel_pool_invalidate (pool);
  check_told (told, "closed invalidated");
  connection = borrow (engine);
  check_told (told, "connected checkout");

  /* One that is lost. */
  fake_knobs.disconnect = TRUE;
  {
    g_autoptr(CupelText) text = cupel_text_new ("fail");
    g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, NULL);

    g_assert_null (result);
  }
  check_told (told, "invalidated");
  give_back (connection);
  check_told (told, "checkin closed");
  fake_knobs.disconnect = FALSE;

  /* One that nobody waits for. */
  connection = borrow (engine);
  check_told (told, "connected checkout");
  g_object_unref (connection);
  check_told (told, "checkin");
  end_engine (engine);
  check_told (told, "closed");
  return TRUE;
}

/* How a transaction ends that is open when its connection goes back to a pool that commits. */
typedef enum
{
  SUCCEEDS,
  NOTHING_SENT,
  COMMIT_FAILS,
  COMMIT_LOSES_LINK,
  FAILED_BEFORE,
  LOST_A_RACE,
} End;

static guint n_warnings;

/* That what was open could not be committed is told in the log, for there is nobody else. */
static GLogWriterOutput
count_warnings (GLogLevelFlags   level,
                const GLogField *fields,
                gsize            n_fields,
                gpointer         user_data)
{
  for (gsize i = 0; i < n_fields; i++)
    if (g_str_equal (fields[i].key, "MESSAGE") && strstr (fields[i].value, "could not be committed when it came back") != NULL)
      {
        n_warnings++;
        return G_LOG_WRITER_HANDLED;
      }
  return g_log_writer_default (level, fields, n_fields, user_data);
}

static void
check_commit (End         end,
              const char *told_of,
              const char *heard)
{
  CupelEngine *engine = new_engine ("pool-reset-on-return", CUPEL_POOL_RESET_COMMIT, NULL);
  g_autoptr(GString) told = g_string_new (NULL);
  CupelConnection *connection = borrow (engine);
  g_autofree char *log = NULL;

  g_signal_connect (engine, "commit", G_CALLBACK (note_commit), told);
  g_signal_connect (engine, "rollback", G_CALLBACK (note_rollback), told);
  fake_knobs.fail_commit = end == COMMIT_FAILS || end == COMMIT_LOSES_LINK;
  fake_knobs.disconnect = end == COMMIT_LOSES_LINK;
  if (end == NOTHING_SENT)
    g_assert_true (cupel_connection_begin (connection, NULL, NULL));
  else
    execute (connection, "one");
  if (end == FAILED_BEFORE || end == LOST_A_RACE)
    {
      g_autoptr(CupelText) text = cupel_text_new ("fail");
      g_autoptr(CupelResult) result = NULL;

      /* On some servers a lost race leaves the transaction open, with a part of it undone. */
      if (end == LOST_A_RACE)
        {
          fake_knobs.category = CUPEL_ERROR_CATEGORY_RETRY;
          fake_knobs.status_after_error = CUPEL_TRANSACTION_ACTIVE;
        }
      result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, NULL);
      g_assert_null (result);
    }
  n_warnings = 0;
  give_back (connection);
  g_assert_cmpuint (n_warnings, ==, fake_knobs.fail_commit ? 1 : 0);
  check_told (told, told_of);
  log = fake_database_take_log ();
  g_assert_cmpstr (log, ==, heard);
  end_engine (engine);
}

static gboolean
test_commits (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  static const struct
  {
    End         end;
    const char *told_of;
    const char *heard;
  } commits[] = {
    { SUCCEEDS, "commit", "BEGIN; one; COMMIT; reset" },
    { NOTHING_SENT, "rollback", "" },
    { COMMIT_FAILS, "rollback", "BEGIN; one; COMMIT; reset" },
    { COMMIT_LOSES_LINK, "rollback", "BEGIN; one; COMMIT; reset" },
    { FAILED_BEFORE, "rollback", "BEGIN; one; fail; reset" },
    { LOST_A_RACE, "rollback", "BEGIN; one; fail; reset" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (commits); i++)
    check_commit (commits[i].end, commits[i].told_of, commits[i].heard);
  return TRUE;
}

/* Not even a server that takes no writes costs the connections when it was the program that asked for that. */
static gboolean
test_read_only (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  for (guint read_only = 0; read_only < 2; read_only++)
    {
      CupelEngine *engine = new_engine (NULL);
      CupelConnection *connection = borrow (engine);
      g_autoptr(CupelTransaction) transaction = NULL;
      g_autoptr(CupelPoolStatus) status = NULL;
      g_autoptr(CupelText) text = cupel_text_new ("fail");
      g_autoptr(CupelResult) result = NULL;

      fake_knobs.category = CUPEL_ERROR_CATEGORY_NOT_PRIMARY;
      transaction = cupel_connection_begin_transaction (connection, CUPEL_ISOLATION_DEFAULT,
                                                        read_only ? CUPEL_BEGIN_READ_ONLY : CUPEL_BEGIN_NONE, NULL, error);
      g_assert_nonnull (transaction);
      result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, NULL);
      g_assert_null (result);
      give_back (connection);
      status = cupel_pool_get_status (cupel_engine_get_pool (engine));
      g_assert_cmpuint (status->epoch, ==, read_only ? 0 : 1);
      g_assert_cmpuint (status->idle, ==, read_only ? 1 : 0);
      wait_for_closing (cupel_engine_get_pool (engine));
      end_engine (engine);
    }
  return TRUE;
}

/* A very long time of work leaves nothing behind. */
static guint
count_descriptors (void)
{
  g_autoptr(GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static gboolean
test_cycles (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  CupelEngine *engine = new_engine ("pool-name", "null", NULL);
  guint n = scale (100000, 2000);
  guint before = 0;

  for (guint i = 0; i < n; i++)
    {
      give_back (borrow (engine));
      if (i % 100 == 0)
        fake_database_forget_log ();
      if (i == 100)
        before = count_descriptors ();
    }
  wait_for_closing (cupel_engine_get_pool (engine));
  g_assert_cmpuint (count_descriptors (), ==, before);
  g_assert_cmpuint (fake_figures.n_connects, ==, n);
  g_assert_cmpuint (fake_figures.n_ended, ==, n);
  end_engine (engine);
  return TRUE;
}

/* What another thread drops is taken in by the next call, or by the loop. */
static gpointer
drop (gpointer connection)
{
  g_object_unref (connection);
  return NULL;
}

static void
test_dropped_blocking (void)
{
  CupelEngine *engine = new_engine ("pool-size", 1, "max-overflow", 0, NULL);

  for (guint i = 0; i < 20; i++)
    {
      CupelConnection *connection = borrow (engine);

      execute (connection, "one");
      g_thread_join (g_thread_new ("stranger", drop, connection));
      g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)), ==, 1);
      give_back (borrow (engine));
    }
  g_assert_cmpuint (fake_figures.n_connected, ==, 1);
  end_engine (engine);
}

static void
test_dropped_on_loop (void)
{
  CupelEngine *engine = new_engine (NULL);
  CupelConnection *connections[15];

  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    {
      connections[i] = borrow (engine);
      execute (connections[i], "one");
    }
  for (guint i = 0; i < G_N_ELEMENTS (connections); i++)
    g_thread_join (g_thread_new ("stranger", drop, connections[i]));
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)), ==, 15);
  while (cupel_pool_get_checked_out (cupel_engine_get_pool (engine)) > 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (cupel_pool_get_checked_in (cupel_engine_get_pool (engine)), ==, 5);
  end_engine (engine);
}

#define ADD(path, func) g_test_add_data_func ("/engine/pool-waiting/" path, func, in_fiber)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (count_warnings, NULL, NULL);
  fake_database_register ();

  for (guint i = 0; i < G_N_ELEMENTS (rushes); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/pool-waiting/", rushes[i].path, NULL);

      g_test_add_data_func (path, &rushes[i], rush_in_fiber);
    }
  ADD ("no-timeout-full", test_no_timeout_full);
  ADD ("lifetime-spreads", test_lifetime_spreads);
  ADD ("signals", test_signals);
  ADD ("commits", test_commits);
  ADD ("read-only", test_read_only);
  ADD ("cycles", test_cycles);
  g_test_add_func ("/engine/pool-waiting/dropped-blocking", test_dropped_blocking);
  g_test_add_func ("/engine/pool-waiting/dropped-on-loop", test_dropped_on_loop);

  return g_test_run ();
}
