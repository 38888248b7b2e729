/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What an engine tells of its work: signals and the log. */

#include <string.h>

#include "engine/cupel-engine-members-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-log-private.h"

/* Of a bound value in the log; of sets. */
#define MAX_VALUE_BYTES 64
#define MAX_LOGGED_SETS 10

static guint signals[CUPEL_ENGINE_N_SIGNALS];

void
cupel_engine_install_signals (void)
{
  /**
   * CupelEngine::connected:
   * @self: the engine
   *
   * A connection to the server was made.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_CONNECTED] = g_signal_new ("connected", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                  G_TYPE_NONE, 0);
  /**
   * CupelEngine::checkout:
   * @self: the engine
   *
   * A connection was lent.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_CHECKOUT] = g_signal_new ("checkout", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                 G_TYPE_NONE, 0);
  /**
   * CupelEngine::checkin:
   * @self: the engine
   *
   * A connection was given back.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_CHECKIN] = g_signal_new ("checkin", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 0);
  /**
   * CupelEngine::invalidated:
   * @self: the engine
   *
   * A connection that is lent was found to be of no more use: its link is lost, or an operation was interrupted in the middle.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_INVALIDATED] = g_signal_new ("invalidated", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                    G_TYPE_NONE, 0);
  /**
   * CupelEngine::before-execute:
   * @self: the engine
   * @sql: the statement
   * @n_sets: how many sets of parameters it is executed with, 1 without any
   *
   * A statement is about to be sent.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_BEFORE_EXECUTE] = g_signal_new ("before-execute", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                       G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_UINT);
  /**
   * CupelEngine::execute:
   * @self: the engine
   * @sql: the statement
   * @n_sets: how many sets of parameters it was executed with, 1 without any
   * @cache_hit: whether it was compiled before
   * @duration: microseconds until the answer
   * @error: (nullable): what went wrong; of several statements in one flight, what went wrong with the flight
   *
   * A statement was sent to the server and answered, well or not.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_EXECUTE] = g_signal_new ("execute", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                G_TYPE_NONE, 5, G_TYPE_STRING, G_TYPE_UINT, G_TYPE_BOOLEAN, G_TYPE_INT64,
                                                G_TYPE_ERROR);
  /**
   * CupelEngine::begin:
   * @self: the engine
   *
   * A transaction begins.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_BEGIN] = g_signal_new ("begin", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                              G_TYPE_NONE, 0);
  /**
   * CupelEngine::commit:
   * @self: the engine
   *
   * A transaction was committed.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_COMMIT] = g_signal_new ("commit", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                               G_TYPE_NONE, 0);
  /**
   * CupelEngine::rollback:
   * @self: the engine
   *
   * A transaction was rolled back.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_ROLLBACK] = g_signal_new ("rollback", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                 G_TYPE_NONE, 0);
  /**
   * CupelEngine::savepoint:
   * @self: the engine
   * @name: (nullable): its name; %NULL where the server has none
   *
   * A nested transaction began.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_SAVEPOINT] = g_signal_new ("savepoint", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                  G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * CupelEngine::release-savepoint:
   * @self: the engine
   * @name: (nullable): its name; %NULL where the server has none
   *
   * A nested transaction was committed.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_RELEASE_SAVEPOINT] = g_signal_new ("release-savepoint", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                                          G_TYPE_NONE, 1, G_TYPE_STRING);
  /**
   * CupelEngine::rollback-savepoint:
   * @self: the engine
   * @name: (nullable): its name; %NULL where the server has none
   *
   * A nested transaction was rolled back.
   *
   * Since: 1.0
   */
  signals[CUPEL_ENGINE_ROLLBACK_SAVEPOINT] = g_signal_new ("rollback-savepoint", CUPEL_TYPE_ENGINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                                           NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

typedef struct
{
  CupelEngine       *engine;
  CupelEngineSignal  signal;
  const char        *sql;
  guint              n_sets;
  gboolean           cache_hit;
  gint64             duration;
  const GError      *error;
} Emission;

static void
emit_on_main_stack (gpointer data)
{
  Emission *emission = data;

  switch (emission->signal)
    {
    case CUPEL_ENGINE_EXECUTE:
      g_signal_emit (emission->engine, signals[CUPEL_ENGINE_EXECUTE], 0,
                     emission->sql, emission->n_sets, emission->cache_hit, emission->duration, emission->error);
      break;
    case CUPEL_ENGINE_BEFORE_EXECUTE:
      g_signal_emit (emission->engine, signals[CUPEL_ENGINE_BEFORE_EXECUTE], 0, emission->sql, emission->n_sets);
      break;
    case CUPEL_ENGINE_SAVEPOINT:
    case CUPEL_ENGINE_RELEASE_SAVEPOINT:
    case CUPEL_ENGINE_ROLLBACK_SAVEPOINT:
      g_signal_emit (emission->engine, signals[emission->signal], 0, emission->sql);
      break;
    default:
      g_signal_emit (emission->engine, signals[emission->signal], 0);
      break;
    }
}

/* Mostly there is none of any signal, which is found out in one look. */
static gboolean
has_handlers (CupelEngine *self)
{
  return g_signal_handler_find (self, G_SIGNAL_MATCH_UNBLOCKED, 0, 0, NULL, NULL, NULL) != 0;
}

static gboolean
has_handler (CupelEngine       *self,
             CupelEngineSignal  signal)
{
  return has_handlers (self) && g_signal_has_handler_pending (self, signals[signal], 0, TRUE);
}

void
cupel_engine_emit (CupelEngine       *self,
                   CupelEngineSignal  signal)
{
  Emission emission = { .engine = self, .signal = signal };

  if (has_handler (self, signal))
    cupel_call_on_main_stack (emit_on_main_stack, &emission);
}

void
cupel_engine_emit_savepoint (CupelEngine       *self,
                             CupelEngineSignal  signal,
                             const char        *name)
{
  Emission emission = { .engine = self, .signal = signal, .sql = name };

  if (has_handler (self, signal))
    cupel_call_on_main_stack (emit_on_main_stack, &emission);
}

gboolean
cupel_engine_observes (CupelEngine *self)
{
  if (G_LIKELY (!self->echo && !has_handlers (self)))
    return FALSE;
  return self->echo || has_handler (self, CUPEL_ENGINE_EXECUTE) || has_handler (self, CUPEL_ENGINE_BEFORE_EXECUTE);
}

gint64
cupel_engine_get_statement_timeout_us (CupelEngine *self)
{
  return self->statement_timeout;
}

static void
append_values (GString            *text,
               const CupelRequest *request)
{
  guint n_sets = MAX (request->n_sets, 1);

  for (guint set = 0; set < MIN (n_sets, MAX_LOGGED_SETS); set++)
    {
      g_string_append (text, set == 0 ? " (" : ", (");
      for (guint slot = 0; slot < request->compiled->n_slots; slot++)
        {
          const CupelCell *cell = cupel_request_get_cell (request, set, slot);
          g_autofree char *value = cupel_cell_to_string (cell);
          const char *end = NULL;
          g_autofree char *escaped = NULL;

          if (strlen (value) > MAX_VALUE_BYTES)
            value[MAX_VALUE_BYTES] = '\0';
          else
            end = value;
          escaped = g_utf8_make_valid (value, -1);
          g_string_append_printf (text, "%s%s%s", slot > 0 ? ", " : "", escaped, end == NULL ? "..." : "");
        }
      g_string_append_c (text, ')');
    }
  if (n_sets > MAX_LOGGED_SETS)
    g_string_append_printf (text, " and %u more", n_sets - MAX_LOGGED_SETS);
}

void
cupel_engine_log_request (CupelEngine        *self,
                          const CupelRequest *request,
                          gboolean            cache_hit)
{
  if (self->echo)
    cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, "%s", request->compiled->sql);

  if (has_handler (self, CUPEL_ENGINE_BEFORE_EXECUTE))
    {
      Emission emission = {
        .engine = self,
        .signal = CUPEL_ENGINE_BEFORE_EXECUTE,
        .sql = request->compiled->sql,
        .n_sets = MAX (request->n_sets, 1),
      };

      cupel_call_on_main_stack (emit_on_main_stack, &emission);
    }
}

void
cupel_engine_log_done (CupelEngine        *self,
                       const CupelRequest *request,
                       gboolean            cache_hit,
                       gint64              duration,
                       const GError       *error)
{
  if (self->echo)
    {
      g_autoptr(GString) text = g_string_new (NULL);

      g_string_append_printf (text, "[%s %.1f ms]", cache_hit ? "cached" : "compiled", (double) duration / 1000.0);
      if (request->n_sets > 1)
        g_string_append_printf (text, " %u sets", request->n_sets);
      if (self->echo_values && request->compiled->n_slots > 0)
        append_values (text, request);
      cupel_log (CUPEL_LOG_SQL, G_LOG_LEVEL_MESSAGE, "%s", text->str);
    }

  if (has_handler (self, CUPEL_ENGINE_EXECUTE))
    {
      Emission emission = {
        .engine = self,
        .signal = CUPEL_ENGINE_EXECUTE,
        .sql = request->compiled->sql,
        .n_sets = MAX (request->n_sets, 1),
        .cache_hit = cache_hit,
        .duration = duration,
        .error = error,
      };

      cupel_call_on_main_stack (emit_on_main_stack, &emission);
    }
}
