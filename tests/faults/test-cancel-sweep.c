/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Interrupts every public call that suspends at its first wait, at its second, and so on until it comes to its end undisturbed. After
 * each: the right error or success, no lease lost, no transaction left at the server, and the right answer for the next borrower. */

#include "../engine/fake-database.h"
#include "../unit/scale.h"
#include "fault-backend.h"
#include "runtime/cupel-fiber-private.h"
#include "sweep-model.h"

#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>

/* More waits than any call has */
#define MOST 400

typedef enum
{
  SWEEP_BEFORE,      /* cancelled when the wait begins */
  SWEEP_DURING,      /* when the fiber is suspended */
  SWEEP_LATE,        /* the deadline of the wait, if it has one, has passed */
  N_WAYS,
} SweepWay;

static const char *const way_names[N_WAYS] = { "before", "during", "late" };

static struct
{
  gboolean      active;
  guint         at;
  guint         n;
  SweepWay      way;
  GCancellable *cancellable;
} sweep;

static gboolean
on_during (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static CupelParkResult
on_park (CupelFiber   *fiber,
         gint64        deadline,
         GCancellable *cancellable)
{
  if (!sweep.active || ++sweep.n != sweep.at)
    return CUPEL_PARK_READY;

  switch (sweep.way)
    {
    case SWEEP_BEFORE:
      g_cancellable_cancel (sweep.cancellable);
      break;
    case SWEEP_DURING:
      {
        g_autoptr(GSource) source = g_idle_source_new ();

        g_source_set_priority (source, G_PRIORITY_HIGH);
        g_source_set_callback (source, on_during, g_object_ref (sweep.cancellable), g_object_unref);
        g_source_attach (source, g_main_context_get_thread_default ());
        break;
      }
    case SWEEP_LATE:
    default:
      if (deadline >= 0)
        return CUPEL_PARK_TIMEOUT;
      break;
    }
  return CUPEL_PARK_READY;
}

typedef struct
{
  const char   *name;
  const char   *url;
  FaultBackend *backend;    /* NULL: no server */
  CupelEngine  *helper;     /* looks at what is there; NULL: the fake */
  GRand        *random;
} SweepTarget;

static SweepTarget target;

static gint64
count_rows (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  gint64 n;

  if (target.helper == NULL)
    return 0;
  connection = cupel_engine_connect (target.helper, NULL, &error);
  g_assert_no_error (error);
  result = fault_execute (connection, "SELECT count(*) FROM sweep_parent", NULL, &error);
  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  n = cupel_result_get_int64 (result, 0);
  cupel_connection_close (connection, NULL, NULL);
  return n;
}

static gboolean
delete_rows (CupelConnection  *connection,
             gpointer          user_data,
             GCancellable     *cancellable,
             GError          **error)
{
  g_autoptr(CupelResult) result = fault_execute (connection, "DELETE FROM sweep_parent", cancellable, error);

  return result != NULL;
}

static void
context_clear (SweepContext *context)
{
  if (context->stream != NULL)
    cupel_stream_close (context->stream, NULL, NULL);
  g_clear_object (&context->stream);
  g_clear_object (&context->entity);
  g_clear_object (&context->transaction);
  if (context->session != NULL)
    cupel_session_close (context->session, NULL, NULL);
  g_clear_object (&context->session);
  if (context->connection != NULL)
    cupel_connection_close (context->connection, NULL, NULL);
  g_clear_object (&context->connection);
}

static void
wait_returned (CupelEngine *engine,
               const char  *what)
{
  gint64 deadline = g_get_monotonic_time () + scale_bound (3000);
  CupelPool *pool = cupel_engine_get_pool (engine);

  while (pool != NULL && cupel_pool_get_checked_out (pool) > 0)
    {
      if (g_get_monotonic_time () > deadline)
        g_error ("%s: %u connections are lent still", what, cupel_pool_get_checked_out (pool));
      cupel_fiber_sleep (500, NULL, NULL);
    }
}

static void
check_next_borrower (CupelEngine *engine,
                     const char  *what)
{
  const gint64 deadline = g_get_monotonic_time () + scale_bound (3000);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, &error);

  if (connection == NULL)
    g_error ("%s: the next borrower gets no connection: %s", what, error->message);
  if (target.helper != NULL)
    {
      if (!fault_tagged_query (connection, target.random, NULL, &error))
        g_error ("%s: the next borrower: %s", what, error->message);
    }
  else
    {
      g_autoptr(CupelResult) result = fault_execute (connection, "rows 3", NULL, &error);

      g_assert_no_error (error);
      for (gint64 i = 1; i <= 3; i++)
        {
          g_assert_true (cupel_result_step (result));
          g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, i);
        }
      g_assert_false (cupel_result_step (result));
    }
  cupel_connection_close (connection, NULL, &error);
  g_assert_no_error (error);
  /* The server takes a moment to notice that a client is gone. */
  while (target.backend != NULL && fault_backend_count_transactions (target.backend) != 0)
    {
      if (g_get_monotonic_time () > deadline)
        g_error ("%s: a session is in a transaction still", what);
      cupel_fiber_sleep (5000, NULL, NULL);
    }
}

static gboolean
is_right_error (const SweepSubject *subject,
                SweepWay            way,
                const GError       *error)
{
  if (error == NULL)
    return TRUE;
  if ((subject->flags & (SWEEP_COMMITS | SWEEP_ENDS)) != 0 &&
      g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN))
    return TRUE;
  if (way != SWEEP_LATE)
    return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  return g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT) ||
         g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_POOL_TIMEOUT) ||
         g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION) ||
         g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED);
}

static CupelEngine *
make_engine (const char *pool)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (target.url, &error);

  g_assert_no_error (error);
  g_object_set (engine, "pool-size", 1, "max-overflow", 0, "pool-timeout", 5.0, NULL);
  if (pool != NULL)
    g_object_set (engine, "pool-name", pool, NULL);
  return engine;
}

/* One call, interrupted at its @at-th wait. FALSE: it has not so many. */
static gboolean
run_once (const SweepSubject *subject,
          CupelMetadata      *metadata,
          CupelEngine       **engine,
          SweepWay            way,
          guint               at,
          guint              *n_failed)
{
  g_autofree char *what = g_strdup_printf ("%s on %s, %s wait %u", subject->name, target.name, way_names[way], at);
  SweepContext context = { .url = target.url, .metadata = metadata };
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;
  gboolean ok, reached;
  gint64 rows;

  /* A connection that was there already is what most calls find. */
  if (*engine == NULL || subject->prepare == NULL)
    {
      if (*engine != NULL)
        {
          cupel_engine_dispose (*engine, NULL, NULL);
          g_object_unref (*engine);
        }
      *engine = make_engine (NULL);
    }
  context.engine = *engine;
  if (subject->prepare != NULL && !subject->prepare (&context, &error))
    g_error ("%s: before the call: %s", what, error->message);

  sweep.way = way;
  sweep.at = at;
  sweep.n = 0;
  sweep.cancellable = cancellable;
  sweep.active = TRUE;
  ok = subject->call (&context, cancellable, &error);
  sweep.active = FALSE;
  reached = sweep.n >= at;

  g_assert_true (ok == (error == NULL));
  if (!is_right_error (subject, way, error))
    g_error ("%s: wrong error: %s %d: %s", what, g_quark_to_string (error->domain), error->code, error->message);
  *n_failed += !ok;

  context_clear (&context);
  wait_returned (*engine, what);
  check_next_borrower (*engine, what);

  rows = count_rows ();
  if ((subject->flags & SWEEP_COMMITS) != 0 && target.helper != NULL)
    {
      if (ok ? rows != 1 : g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN) ? rows > 1 : rows != 0)
        g_error ("%s: %" G_GINT64_FORMAT " rows after %s", what, rows, ok ? "success" : error->message);
      g_clear_error (&error);
      cupel_engine_begin (target.helper, delete_rows, NULL, NULL, &error);
      g_assert_no_error (error);
    }
  else if (rows != 0)
    g_error ("%s: %" G_GINT64_FORMAT " rows of a transaction that was not committed", what, rows);
  return reached;
}

static gboolean
run_subject (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  const SweepSubject *subject = data;
  g_autoptr(CupelMetadata) metadata = sweep_made_metadata ();
  guint n_waits = 0;
  guint n_failed = 0;

  for (SweepWay way = 0; way < N_WAYS; way++)
    {
      CupelEngine *engine = NULL;
      guint at = 1;

      while (run_once (subject, metadata, &engine, way, at, &n_failed))
        if (++at > MOST)
          g_error ("%s on %s has no end of waits", subject->name, target.name);
      n_waits = MAX (n_waits, at - 1);
      cupel_engine_drop_all (engine, metadata, NULL, error);
      cupel_engine_dispose (engine, NULL, error);
      g_object_unref (engine);
    }
  g_test_message ("%u waits, %u calls failed as they were to", n_waits, n_failed);
  /* A call that waits and cannot be interrupted at all is one whose wait has not got the cancellable. */
  return *error == NULL;
}

static void
test_subject (gconstpointer subject)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_subject, (gpointer) subject, NULL, &error);
  g_assert_no_error (error);
}

/* from another thread */

typedef struct
{
  const SweepSubject *subject;
  SweepContext        context;
  gboolean            ok;
  GError             *error;
  CupelCompletion    *done;
} Intruder;

static gboolean
call_there (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  Intruder *self = data;

  self->ok = self->subject->call (&self->context, NULL, &self->error);
  return TRUE;
}

static gpointer
intrude (gpointer data)
{
  Intruder *self = data;

  cupel_run (call_there, self, NULL, NULL);
  cupel_completion_complete (self->done);
  return NULL;
}

static gboolean
run_intruder (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const SweepSubject *subject = data;
  g_autoptr(CupelMetadata) metadata = sweep_made_metadata ();
  g_autoptr(CupelEngine) engine = make_engine (NULL);
  SweepContext context = { .url = target.url, .metadata = metadata, .engine = engine };
  Intruder intruder = { .subject = subject };
  GThread *thread;

  if (subject->prepare != NULL)
    g_assert_true (subject->prepare (&context, error));
  intruder.context = context;
  intruder.done = cupel_completion_new ();
  thread = g_thread_new ("intruder", intrude, &intruder);
  g_assert_true (cupel_completion_wait (intruder.done, CUPEL_NO_DEADLINE, NULL, NULL));
  g_thread_join (thread);
  cupel_completion_unref (intruder.done);

  if (intruder.ok || !g_error_matches (intruder.error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT))
    g_error ("%s on %s from another thread: %s", subject->name, target.name,
             intruder.error != NULL ? intruder.error->message : "it succeeded");
  g_clear_error (&intruder.error);

  /* It did no harm. */
  context_clear (&context);
  wait_returned (engine, subject->name);
  check_next_borrower (engine, subject->name);
  g_assert_cmpint (count_rows (), ==, 0);
  cupel_engine_drop_all (engine, metadata, NULL, error);
  cupel_engine_dispose (engine, NULL, error);
  return *error == NULL;
}

static void
test_intruder (gconstpointer subject)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_intruder, (gpointer) subject, NULL, &error);
  g_assert_no_error (error);
}

static void
list (void)
{
  for (const SweepSubject *subject = sweep_subjects; subject->name != NULL; subject++)
    g_print ("%s\n", subject->name);
  for (const SweepExemption *exemption = sweep_exemptions; exemption->name != NULL; exemption++)
    g_print ("%s\n", exemption->name);
}

static gboolean
set_up (gpointer       data,
        GCancellable  *cancellable,
        GError       **error)
{
  target.random = g_rand_new_with_seed (1);
  if (strcmp (target.name, "fake") == 0)
    {
      fake_database_register ();
      fake_knobs.delay = fake_knobs.connect_delay = fake_knobs.reset_delay = 50;
      return TRUE;
    }
  if (target.url == NULL)
    {
      if ((target.backend = fault_backend_new (target.name, error)) == NULL)
        return FALSE;
      target.url = target.backend->url;
    }
  target.helper = make_engine ("null");
  return sweep_make_tables (target.helper, error);
}

static gboolean
tear_down (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  if (target.helper != NULL && (!sweep_drop_tables (target.helper, error) || !cupel_engine_dispose (target.helper, NULL, error)))
    return FALSE;
  g_clear_object (&target.helper);
  g_clear_pointer (&target.backend, fault_backend_free);
  g_clear_pointer (&target.random, g_rand_free);
  return TRUE;
}

int
main (int    argc,
      char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *folder = NULL;
  g_autofree char *url = NULL;
  const gboolean fake = argc > 1 && strcmp (argv[1], "fake") == 0;
  int status;

  if (argc > 1 && strcmp (argv[1], "--list") == 0)
    {
      list ();
      return EXIT_SUCCESS;
    }
  if (argc < 2)
    {
      g_printerr ("usage: %s --list|fake|sqlite|postgresql|mysql [OPTION OF GTest...]\n", argv[0]);
      return 2;
    }
  target.name = argv[1];
  memmove (argv + 1, argv + 2, (gsize) (argc - 1) * sizeof *argv);
  argc--;
  g_test_init (&argc, &argv, NULL);

  if (fake)
    target.url = "fake://";
  else if (strcmp (target.name, "sqlite") == 0)
    {
      folder = g_dir_make_tmp ("cupel-sweep-XXXXXX", &error);
      g_assert_no_error (error);
      target.url = url = g_strdup_printf ("sqlite:///%s/sweep.db", folder);
    }
  else
    {
      g_autofree char *upper = g_ascii_strup (target.name, -1);
      g_autofree char *variable = g_strdup_printf ("CUPEL_TEST_%s_URL", upper);

      if (g_getenv (variable) == NULL)
        {
          g_print ("1..0 # SKIP %s is not set\n", variable);
          return EXIT_SUCCESS;
        }
    }
  if (!cupel_run (set_up, NULL, NULL, &error))
    g_error ("%s", error->message);
  cupel_fiber_set_park_hook (on_park);

  for (const SweepSubject *subject = sweep_subjects; subject->name != NULL; subject++)
    {
      g_autofree char *path = g_strdup_printf ("/sweep/%s/%u/%s", target.name, (guint) (subject - sweep_subjects), subject->name + strlen ("cupel_"));
      g_autofree char *thread_path = g_strdup_printf ("/thread/%s/%u/%s", target.name, (guint) (subject - sweep_subjects),
                                                      subject->name + strlen ("cupel_"));

      if (fake && (subject->flags & SWEEP_ROWS) != 0)
        continue;
      g_test_add_data_func (path, subject, test_subject);
      g_test_add_data_func (thread_path, subject, test_intruder);
    }
  status = g_test_run ();

  cupel_fiber_set_park_hook (NULL);
  if (!cupel_run (tear_down, NULL, NULL, &error))
    g_error ("%s", error->message);
  if (folder != NULL)
    {
      static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

      for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
        {
          g_autofree char *path = g_strdup_printf ("%s/sweep.db%s", folder, suffixes[i]);

          g_unlink (path);
        }
      g_rmdir (folder);
    }
  return status;
}
