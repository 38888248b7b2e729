/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fault-cell.h"

#include "../unit/scale.h"

#include <signal.h>
#include <string.h>

#define MS (G_USEC_PER_SEC / 1000)

/* What the application waits for before it gives up */
#define PATIENCE (300 * MS)
/* What a driver may take beyond that, for the cancel request and its own proof */
#define GRACE scale_bound (1500)
#define BOUND_ERROR scale_bound (1000)
/* Closing speaks to the server for 2 seconds at most. */
#define BOUND_CLOSING scale_bound (2500)
#define BOUND_RECOVERY scale_bound (2000)
/* Starting is the server's, and takes what it takes on a loaded machine. */
#define BOUND_START (60 * G_USEC_PER_SEC)
/* A statement of PostgreSQL that was given up is cancelled for five seconds, and its link kept for as long. */
#define BOUND_LEAKS scale_bound (6000)

static const char *const kind_names[N_FAULTS] = {
  "refuse", "reset", "fin", "blackhole", "ack-only", "drip", "terminate", "kill", "stop"
};
static const char *const state_names[N_STATES] = {
  "idle", "connecting", "auth", "query", "rows", "transaction", "commit", "cancel", "closing"
};

const char *
fault_kind_get_name (FaultKind kind)
{
  return kind_names[kind];
}

const char *
fault_state_get_name (FaultState state)
{
  return state_names[state];
}

gboolean
fault_kind_is_heavy (FaultKind kind)
{
  return kind == FAULT_KILL || kind == FAULT_STOP;
}

static gboolean
is_hang (FaultKind kind)
{
  return kind == FAULT_BLACKHOLE || kind == FAULT_ACK_ONLY || kind == FAULT_DRIP || kind == FAULT_STOP;
}

static gboolean
applies (FaultBackend *backend,
         FaultKind     kind,
         FaultState    state)
{
  switch (kind)
    {
    case FAULT_REFUSE:
      /* A link that is there is not touched. */
      return state == STATE_CONNECTING;
    case FAULT_TERMINATE:
      /* There is no session to end yet; and which comes first, a cancel or an end, is not a fault's to say */
      return state != STATE_CONNECTING && state != STATE_AUTH;
    case FAULT_KILL:
    case FAULT_STOP:
      return backend->pid_file != NULL && state != STATE_AUTH;
    default:
      return TRUE;
    }
}

typedef struct
{
  FaultBackend    *backend;
  FaultKind        kind;
  FaultState       state;
  FaultOutcome    *outcome;
  CupelEngine     *engine;
  CupelConnection *connection;
  GCancellable    *cancellable;   /* the application's patience */
  GRand           *random;
  gint64           struck;        /* when the fault began */
} Cell;

static void G_GNUC_PRINTF (2, 3)
complain (Cell       *cell,
          const char *format,
          ...)
{
  va_list arguments;
  GString *complaints = cell->outcome->complaints;

  if (complaints->len > 0)
    g_string_append (complaints, "; ");
  va_start (arguments, format);
  g_string_append_vprintf (complaints, format, arguments);
  va_end (arguments);
}

static ChaosMode
get_mode (FaultKind kind)
{
  switch (kind)
    {
    case FAULT_REFUSE: return CHAOS_REFUSE;
    case FAULT_RESET: return CHAOS_RESET;
    case FAULT_FIN: return CHAOS_FIN;
    case FAULT_BLACKHOLE: return CHAOS_BLACKHOLE;
    case FAULT_ACK_ONLY: return CHAOS_ACK_ONLY;
    case FAULT_DRIP: return CHAOS_DRIP;
    default: return CHAOS_PASS;
    }
}

static void
strike (Cell *cell)
{
  cell->struck = g_get_monotonic_time ();
  switch (cell->kind)
    {
    case FAULT_TERMINATE:
      fault_backend_terminate_sessions (cell->backend);
      break;
    case FAULT_KILL:
      fault_backend_signal (cell->backend, SIGKILL);
      break;
    case FAULT_STOP:
      fault_backend_signal (cell->backend, SIGSTOP);
      break;
    default:
      chaos_proxy_set_mode (cell->backend->proxy, get_mode (cell->kind));
      break;
    }
}

static gboolean
heal (Cell *cell)
{
  if (cell->kind == FAULT_STOP)
    fault_backend_signal (cell->backend, SIGCONT);
  if (cell->kind == FAULT_KILL && !fault_backend_wait_ready (cell->backend, BOUND_START))
    {
      complain (cell, "the server did not come back");
      return FALSE;
    }
  /* Such a box forgets the links of a server that is gone. Until then libpq, before version 17, waits in a thread for the end of
   * a request to cancel, and the client library of MySQL for that of a log-in within connect_timeout. */
  if (cell->kind == FAULT_ACK_ONLY)
    chaos_proxy_set_mode (cell->backend->proxy, CHAOS_RESET);
  chaos_proxy_set_mode (cell->backend->proxy, CHAOS_PASS);
  return TRUE;
}

static void
run_later (gpointer data)
{
  Cell *cell = data;

  cupel_fiber_sleep (100 * MS, NULL, NULL);
  strike (cell);
}

/* After a moment, when the operation is under way */
static void
strike_later (Cell *cell)
{
  cupel_fiber_spawn (NULL, run_later, cell, NULL);
}

static gboolean
on_patience_over (gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
  return G_SOURCE_REMOVE;
}

static GSource *
start_patience (Cell   *cell,
                gint64  microseconds)
{
  GSource *source = g_timeout_source_new (0);

  g_source_set_ready_time (source, g_get_monotonic_time () + microseconds);
  g_source_set_callback (source, on_patience_over, cell->cancellable, NULL);
  g_source_attach (source, g_main_context_get_thread_default ());
  return source;
}

/* Short enough for a session that cannot hear of its client's end to be over within the bound for leaks */
static gboolean
slow_query (Cell    *cell,
            GError **error)
{
  g_autoptr(CupelResult) result = fault_execute (cell->connection, cell->backend->is_mysql ? "SELECT SLEEP(1.5)" : "SELECT pg_sleep(1.5)",
                                                 cell->cancellable, error);

  return result != NULL;
}

static gboolean
read_rows (Cell    *cell,
           GError **error)
{
  g_autoptr(CupelText) text = cupel_text_new (cell->backend->is_mysql
                                              ? "SELECT seq, REPEAT('x', 100) FROM seq_1_to_1000000"
                                              : "SELECT g, repeat('x', 100) FROM generate_series(1, 1000000) g");
  g_autoptr(CupelStream) stream = cupel_connection_stream (cell->connection, CUPEL_STATEMENT (text), NULL, 10,
                                                           cell->cancellable, error);
  gint64 n = 0;
  gboolean ok = FALSE;

  if (stream == NULL)
    return FALSE;
  for (; (ok = cupel_stream_step (stream, cell->cancellable, error)); n++)
    {
      if (cupel_stream_get_int64 (stream, 0) != n + 1)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "Row %" G_GINT64_FORMAT " is not the one after the last", n + 1);
          break;
        }
      if (n == 20)
        {
          strike (cell);
          /* The news travels. */
          cupel_fiber_sleep (20 * MS, NULL, NULL);
        }
    }
  cupel_stream_close (stream, NULL, NULL);
  /* An end before the end would be rows that nobody misses. */
  if (n != 1000000 && error != NULL && *error == NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "The stream ended after %" G_GINT64_FORMAT " rows", n);
  return n == 1000000;
}

static gboolean
insert_one (Cell    *cell,
            GError **error)
{
  g_autoptr(CupelResult) result = fault_execute (cell->connection, "INSERT INTO faults_cell (id) VALUES (1)",
                                                 cell->cancellable, error);

  return result != NULL;
}

static gboolean
take_connection (Cell    *cell,
                 GError **error)
{
  cell->connection = cupel_engine_connect (cell->engine, cell->cancellable, error);
  return cell->connection != NULL;
}

/* A failure here is none of the fault. */
static gboolean
prepare (Cell *cell)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = TRUE;

  if (cell->state != STATE_CONNECTING && cell->state != STATE_AUTH)
    ok = take_connection (cell, &error) && fault_tagged_query (cell->connection, cell->random, NULL, &error) &&
         cupel_connection_commit (cell->connection, NULL, &error);
  if (ok && (cell->state == STATE_TRANSACTION || cell->state == STATE_COMMIT))
    ok = insert_one (cell, &error);
  if (ok && cell->state == STATE_IDLE)
    {
      ok = cupel_connection_close (cell->connection, NULL, &error);
      g_clear_object (&cell->connection);
    }
  if (!ok)
    complain (cell, "before the fault: %s", error->message);
  return ok;
}

static void
arm (Cell       *cell,
     const char *pattern,
     guint       after_messages)
{
  chaos_proxy_arm (cell->backend->proxy, &(ChaosTrigger) {
                     .mode = get_mode (cell->kind), .pattern = pattern, .after_messages = after_messages });
}

static gboolean
is_of_the_proxy (FaultKind kind)
{
  return kind != FAULT_TERMINATE && kind != FAULT_KILL && kind != FAULT_STOP;
}

/* COMMIT reaches the proxy, which never passes it on; then the fault strikes. */
static void
strike_on_commit (gpointer data)
{
  Cell *cell = data;

  while (chaos_proxy_get_triggered (cell->backend->proxy) == 0)
    if (!cupel_fiber_sleep (1 * MS, cell->cancellable, NULL))
      break;
  if (!is_of_the_proxy (cell->kind))
    strike (cell);
}

static gboolean
commit (Cell    *cell,
        GError **error)
{
  chaos_proxy_arm (cell->backend->proxy, &(ChaosTrigger) {
                     .mode = is_of_the_proxy (cell->kind) ? get_mode (cell->kind) : CHAOS_BLACKHOLE, .pattern = "COMMIT" });
  cupel_fiber_spawn (NULL, strike_on_commit, cell, NULL);
  return cupel_connection_commit (cell->connection, cell->cancellable, error);
}

/* What the application does while the fault strikes. */
static gboolean
operate (Cell    *cell,
         GError **error)
{
  switch (cell->state)
    {
    case STATE_IDLE:
      strike (cell);
      /* The news travels. */
      if (cell->kind == FAULT_TERMINATE && !fault_backend_wait_sessions (cell->backend, BOUND_LEAKS))
        complain (cell, "the session was not terminated");
      chaos_proxy_settle (cell->backend->proxy);
      cupel_fiber_sleep (50 * MS, NULL, NULL);
      return take_connection (cell, error) && fault_tagged_query (cell->connection, cell->random, cell->cancellable, error);
    case STATE_CONNECTING:
      strike (cell);
      return take_connection (cell, error) && fault_tagged_query (cell->connection, cell->random, cell->cancellable, error);
    case STATE_AUTH:
      arm (cell, NULL, 1);
      cell->struck = g_get_monotonic_time ();
      return take_connection (cell, error) && fault_tagged_query (cell->connection, cell->random, cell->cancellable, error);
    case STATE_QUERY:
      strike_later (cell);
      return slow_query (cell, error);
    case STATE_ROWS:
      return read_rows (cell, error);
    case STATE_TRANSACTION:
      strike (cell);
      cupel_fiber_sleep (50 * MS, NULL, NULL);
      return insert_one (cell, error);
    case STATE_COMMIT:
      return commit (cell, error);
    case STATE_CANCEL:
      /* The cancel request, on a link of its own, meets the fault as well. */
      if (is_of_the_proxy (cell->kind))
        chaos_proxy_arm (cell->backend->proxy, &(ChaosTrigger) { .mode = get_mode (cell->kind), .on_link = TRUE });
      else
        strike_later (cell);
      cell->struck = g_get_monotonic_time () + PATIENCE;
      return slow_query (cell, error);
    case STATE_CLOSING:
      strike (cell);
      return TRUE;
    default:
      g_assert_not_reached ();
    }
}

static gboolean
is_cancelled (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static gboolean
is_cupel (const GError *error,
          CupelError    code)
{
  return g_error_matches (error, CUPEL_ERROR, code);
}

/* What the application may hear; NULL: nothing went wrong. */
static gboolean
is_right_error (Cell         *cell,
                const GError *error)
{
  const gboolean hang = is_hang (cell->kind);
  const gboolean lost = is_cupel (error, CUPEL_ERROR_DISCONNECTED) && cupel_error_is_disconnect (error);

  switch (cell->state)
    {
    case STATE_IDLE:
      if (hang)
        return is_cancelled (error) || lost;
      /* A dead connection is replaced and the application does not notice; unless there is nobody to connect to. */
      if (cell->kind == FAULT_KILL || cell->kind == FAULT_RESET || cell->kind == FAULT_FIN)
        return error == NULL || is_cupel (error, CUPEL_ERROR_CONNECTION);
      return error == NULL;
    case STATE_CONNECTING:
    case STATE_AUTH:
      return hang ? is_cancelled (error) || is_cupel (error, CUPEL_ERROR_CONNECTION) : is_cupel (error, CUPEL_ERROR_CONNECTION);
    case STATE_QUERY:
    case STATE_ROWS:
    case STATE_TRANSACTION:
      return hang ? is_cancelled (error) || lost : lost;
    case STATE_COMMIT:
      return is_cupel (error, CUPEL_ERROR_OUTCOME_UNKNOWN);
    case STATE_CANCEL:
      return is_cancelled (error) || lost;
    case STATE_CLOSING:
    default:
      return error == NULL;
    }
}

static gint64
get_bound (Cell *cell)
{
  if (is_hang (cell->kind) || cell->state == STATE_CANCEL ||
      /* The answer is cut off by the proxy: nobody tells. */
      (cell->state == STATE_COMMIT && !is_of_the_proxy (cell->kind)))
    return PATIENCE + GRACE;
  return BOUND_ERROR;
}

static void
check_recovery (Cell *cell)
{
  const gint64 healed = g_get_monotonic_time ();
  g_autoptr(GError) error = NULL;
  guint n_tries = 0;

  for (;;)
    {
      g_autoptr(CupelConnection) connection = cupel_engine_connect (cell->engine, NULL, &error);
      gboolean ok = connection != NULL && fault_tagged_query (connection, cell->random, NULL, &error);

      n_tries++;
      if (connection != NULL)
        cupel_connection_close (connection, NULL, NULL);
      if (ok)
        break;
      if (is_cupel (error, CUPEL_ERROR_INTERNAL) || g_get_monotonic_time () - healed > BOUND_RECOVERY)
        {
          complain (cell, "no recovery after %u tries: %s", n_tries, error->message);
          return;
        }
      g_clear_error (&error);
      cupel_fiber_sleep (10 * MS, NULL, NULL);
    }
  cell->outcome->until_recovery = g_get_monotonic_time () - healed;
  /* What hung may hang in one more connection of the pool; what said that it is over is not lent again. */
  if (n_tries > 1 && !is_hang (cell->kind))
    complain (cell, "%u connections failed after the fault was over", n_tries - 1);
}

static void
close_connection (Cell *cell)
{
  const gint64 begin = g_get_monotonic_time ();
  gint64 took;

  if (cell->connection == NULL)
    return;
  if (cell->state != STATE_CLOSING && cell->outcome->error != NULL && strcmp (cell->outcome->error, "none") != 0 &&
      !cupel_connection_is_invalidated (cell->connection) && !is_hang (cell->kind) && cell->state != STATE_CANCEL)
    complain (cell, "the connection is not invalidated");
  cupel_connection_close (cell->connection, NULL, NULL);
  g_clear_object (&cell->connection);
  if (cell->state == STATE_CLOSING)
    {
      g_autoptr(GError) error = NULL;

      if (!cupel_engine_dispose (cell->engine, NULL, &error))
        complain (cell, "disposing of the engine: %s", error->message);
    }
  if ((took = g_get_monotonic_time () - begin) > BOUND_CLOSING)
    complain (cell, "closing took %.1f s", (double) took / G_USEC_PER_SEC);
}

static void
check_leaks (Cell  *cell,
             guint  n_fds)
{
  const gint64 deadline = g_get_monotonic_time () + BOUND_LEAKS;
  CupelPool *pool = cupel_engine_get_pool (cell->engine);
  g_autoptr(GError) error = NULL;
  guint lent, fds;

  /* A reset or a close may still be under way. */
  while ((lent = pool != NULL ? cupel_pool_get_checked_out (pool) : 0) > 0 && g_get_monotonic_time () < deadline)
    cupel_fiber_sleep (5 * MS, NULL, NULL);
  if (lent > 0)
    complain (cell, "%u leases leaked", lent);
  if (!cupel_engine_dispose (cell->engine, NULL, &error))
    complain (cell, "disposing of the engine: %s", error->message);
  g_clear_object (&cell->engine);

  while ((fds = fault_count_fds ()) > n_fds && g_get_monotonic_time () < deadline)
    cupel_fiber_sleep (5 * MS, NULL, NULL);
  if (fds > n_fds)
    complain (cell, "%u descriptors leaked", fds - n_fds);
  if (!fault_backend_wait_sessions (cell->backend, BOUND_LEAKS))
    {
      complain (cell, "%d sessions left at the server", fault_backend_count_sessions (cell->backend));
      cell->outcome->n_leaked++;
    }
  cell->outcome->n_leaked += (int) lent + (int) (fds > n_fds ? fds - n_fds : 0);
}

/* A COMMIT that the server never saw is not there, and no row is there twice. */
static void
check_rows (Cell *cell)
{
  g_autoptr(GError) error = NULL;
  gint64 n = fault_backend_query_int (cell->backend, "SELECT count(*) FROM faults_cell", &error);

  if (n != 0)
    complain (cell, "%" G_GINT64_FORMAT " rows of a transaction that was not committed%s%s", n,
              error != NULL ? ": " : "", error != NULL ? error->message : "");
}

static CupelEngine *
make_engine (Cell *cell)
{
  g_autoptr(GError) error = NULL;
  CupelEngine *engine = cupel_engine_new (cell->backend->url, &error);

  g_assert_no_error (error);
  g_object_set (engine, "pool-size", 2, "max-overflow", 0, "pool-timeout", 10.0, NULL);
  return engine;
}

void
fault_cell_run (FaultBackend *backend,
                FaultKind     kind,
                FaultState    state,
                FaultOutcome *outcome)
{
  Cell cell = { .backend = backend, .kind = kind, .state = state, .outcome = outcome };
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(GError) error = NULL;
  GSource *patience;
  guint n_fds;
  gint64 end;

  *outcome = (FaultOutcome) { .applies = applies (backend, kind, state), .until_error = -1, .until_recovery = -1 };
  if (!outcome->applies)
    return;
  outcome->complaints = g_string_new (NULL);

  if (!fault_backend_command (backend, "DELETE FROM faults_cell", &error))
    {
      complain (&cell, "before the fault: %s", error->message);
      return;
    }
  n_fds = fault_count_fds ();
  cell.cancellable = cancellable;
  cell.random = g_rand_new_with_seed (kind * 100 + state);
  cell.engine = make_engine (&cell);
  chaos_proxy_set_mode (backend->proxy, CHAOS_PASS);
  chaos_proxy_arm (backend->proxy, NULL);

  if (prepare (&cell))
    {
      /* Who hears of the fault needs no patience, and on a loaded machine the news takes a while. */
      patience = start_patience (&cell, get_bound (&cell) == BOUND_ERROR ? BOUND_ERROR + 10 * G_USEC_PER_SEC
                                        : state == STATE_QUERY || state == STATE_ROWS || state == STATE_COMMIT ? PATIENCE + 100 * MS
                                        : PATIENCE);
      operate (&cell, &error);
      end = g_get_monotonic_time ();
      g_source_destroy (patience);
      g_source_unref (patience);

      if (chaos_proxy_get_triggered (backend->proxy) != 0)
        cell.struck = chaos_proxy_get_triggered (backend->proxy);
      outcome->error = error != NULL ? g_strdup (error->message) : g_strdup ("none");
      if (error != NULL)
        outcome->until_error = MAX (0, end - cell.struck);
      if (!is_right_error (&cell, error))
        complain (&cell, "wrong error %s %d: %s", error != NULL ? g_quark_to_string (error->domain) : "",
                  error != NULL ? error->code : 0, outcome->error);
      if (outcome->until_error > get_bound (&cell))
        complain (&cell, "the error came after %.2f s", (double) outcome->until_error / G_USEC_PER_SEC);

      close_connection (&cell);
      if (heal (&cell))
        check_recovery (&cell);
    }
  else
    {
      g_clear_object (&cell.connection);
      heal (&cell);
    }
  check_leaks (&cell, n_fds);
  check_rows (&cell);
  g_rand_free (cell.random);
}

void
fault_outcome_clear (FaultOutcome *outcome)
{
  g_free (outcome->error);
  if (outcome->complaints != NULL)
    g_string_free (outcome->complaints, TRUE);
  *outcome = (FaultOutcome) { 0 };
}
