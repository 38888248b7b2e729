/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-retry-private.h"

#include "engine/cupel-time-limit-private.h"
#include "runtime/cupel-error-private.h"

G_DEFINE_FINAL_TYPE (CupelRetry, cupel_retry, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_MAX_TRIES,
  PROP_TIME_LIMIT,
  PROP_FIRST_DELAY,
  PROP_MAX_DELAY,
  PROP_ISOLATION_LEVEL,
  PROP_READ_ONLY,
  PROP_DEFERRABLE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
cupel_retry_get_property (GObject    *object,
                          guint       id,
                          GValue     *value,
                          GParamSpec *pspec)
{
  CupelRetry *self = CUPEL_RETRY (object);

  switch (id)
    {
    case PROP_MAX_TRIES:
      g_value_set_uint (value, self->max_tries);
      break;
    case PROP_TIME_LIMIT:
      g_value_set_double (value, (double) self->time_limit / G_USEC_PER_SEC);
      break;
    case PROP_FIRST_DELAY:
      g_value_set_double (value, (double) self->first_delay / G_USEC_PER_SEC);
      break;
    case PROP_MAX_DELAY:
      g_value_set_double (value, (double) self->max_delay / G_USEC_PER_SEC);
      break;
    case PROP_ISOLATION_LEVEL:
      g_value_set_enum (value, self->isolation);
      break;
    case PROP_READ_ONLY:
      g_value_set_boolean (value, (self->flags & CUPEL_BEGIN_READ_ONLY) != 0);
      break;
    case PROP_DEFERRABLE:
      g_value_set_boolean (value, (self->flags & CUPEL_BEGIN_DEFERRABLE) != 0);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static gint64
get_seconds (const GValue *value)
{
  return (gint64) (g_value_get_double (value) * G_USEC_PER_SEC);
}

static void
set_flag (CupelRetry      *self,
          CupelBeginFlags  flag,
          const GValue    *value)
{
  self->flags = g_value_get_boolean (value) ? self->flags | flag : self->flags & ~flag;
}

static void
cupel_retry_set_property (GObject      *object,
                          guint         id,
                          const GValue *value,
                          GParamSpec   *pspec)
{
  CupelRetry *self = CUPEL_RETRY (object);

  switch (id)
    {
    case PROP_MAX_TRIES:
      self->max_tries = g_value_get_uint (value);
      break;
    case PROP_TIME_LIMIT:
      self->time_limit = get_seconds (value);
      break;
    case PROP_FIRST_DELAY:
      self->first_delay = get_seconds (value);
      break;
    case PROP_MAX_DELAY:
      self->max_delay = get_seconds (value);
      break;
    case PROP_ISOLATION_LEVEL:
      self->isolation = g_value_get_enum (value);
      break;
    case PROP_READ_ONLY:
      set_flag (self, CUPEL_BEGIN_READ_ONLY, value);
      break;
    case PROP_DEFERRABLE:
      set_flag (self, CUPEL_BEGIN_DEFERRABLE, value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
cupel_retry_class_init (CupelRetryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS;

  object_class->get_property = cupel_retry_get_property;
  object_class->set_property = cupel_retry_set_property;

  /**
   * CupelRetry:max-tries:
   *
   * How often the function is run at most, the first time included.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_TRIES] = g_param_spec_uint ("max-tries", NULL, NULL, 1, 1000, 8, flags);
  /**
   * CupelRetry:time-limit:
   *
   * How long all tries and the pauses between them may take together, in seconds; 0 for no limit. A try that is under way then is cancelled.
   *
   * Since: 1.0
   */
  properties[PROP_TIME_LIMIT] = g_param_spec_double ("time-limit", NULL, NULL, 0.0, 1e9, 0.0, flags);
  /**
   * CupelRetry:first-delay:
   *
   * The pause before the second try, in seconds. Each one after it is twice as long, and all are shortened by chance by up to a half, so
   * that those who met once do not meet again.
   *
   * Since: 1.0
   */
  properties[PROP_FIRST_DELAY] = g_param_spec_double ("first-delay", NULL, NULL, 0.0, 1e6, 0.01, flags);
  /**
   * CupelRetry:max-delay:
   *
   * The longest pause, in seconds.
   *
   * Since: 1.0
   */
  properties[PROP_MAX_DELAY] = g_param_spec_double ("max-delay", NULL, NULL, 0.0, 1e6, 1.0, flags);
  /**
   * CupelRetry:isolation-level:
   *
   * The isolation level of the transactions.
   *
   * Since: 1.0
   */
  properties[PROP_ISOLATION_LEVEL] = g_param_spec_enum ("isolation-level", NULL, NULL, CUPEL_TYPE_ISOLATION_LEVEL,
                                                        CUPEL_ISOLATION_DEFAULT, flags);
  /**
   * CupelRetry:read-only:
   *
   * Whether the server refuses to write in the transactions.
   *
   * Since: 1.0
   */
  properties[PROP_READ_ONLY] = g_param_spec_boolean ("read-only", NULL, NULL, FALSE, flags);
  /**
   * CupelRetry:deferrable:
   *
   * Whether the transactions are deferrable, see #CupelBeginFlags.
   *
   * Since: 1.0
   */
  properties[PROP_DEFERRABLE] = g_param_spec_boolean ("deferrable", NULL, NULL, FALSE, flags);

  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cupel_retry_init (CupelRetry *self)
{
}

/**
 * cupel_retry_new:
 *
 * Makes one with the defaults: up to 8 tries.
 *
 * Returns: (transfer full): a new one
 *
 * Since: 1.0
 */
CupelRetry *
cupel_retry_new (void)
{
  return g_object_new (CUPEL_TYPE_RETRY, NULL);
}

/* Running the unit again is right when it is certain that nothing of it was committed, and there is hope. */
static gboolean
is_worth_it (const GError *error)
{
  switch (cupel_error_get_category (error))
    {
    case CUPEL_ERROR_CATEGORY_RETRY:
    case CUPEL_ERROR_CATEGORY_LOST:
    case CUPEL_ERROR_CATEGORY_NOT_READY:
    case CUPEL_ERROR_CATEGORY_OVERLOAD:
      return !g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN);
    case CUPEL_ERROR_CATEGORY_NONE:
    case CUPEL_ERROR_CATEGORY_PROGRAM:
    case CUPEL_ERROR_CATEGORY_NOT_PRIMARY:
    case CUPEL_ERROR_CATEGORY_UNKNOWN:
    case CUPEL_ERROR_CATEGORY_STALE_STATEMENT:
    case CUPEL_ERROR_CATEGORY_FULL:
    default:
      return FALSE;
    }
}

/**
 * cupel_retry_get_delay:
 * @self: how to try again
 * @n_tries: how many tries there were
 * @elapsed: microseconds since the first one began
 * @error: how the last one ended
 *
 * Tells whether a unit of work is to be run again, and when: what cupel_engine_run_transaction() does, for languages that have a loop of their
 * own. A unit is worth another try when it lost a race, its connection was lost before COMMIT was sent, or the server could not
 * take it at the moment; never when nobody knows whether it was committed.
 *
 * Returns: microseconds to wait before the next try; -1 when there is to be none
 *
 * Since: 1.0
 */
gint64
cupel_retry_get_delay (CupelRetry   *self,
                       guint         n_tries,
                       gint64        elapsed,
                       const GError *error)
{
  gint64 delay;

  g_return_val_if_fail (CUPEL_IS_RETRY (self), -1);

  if (n_tries >= self->max_tries || !is_worth_it (error))
    return -1;

  delay = MIN (self->first_delay << MIN (MAX (n_tries, 1) - 1, 20), self->max_delay);
  delay -= (gint64) (g_random_double () * 0.5 * (double) delay);
  return self->time_limit > 0 && elapsed + delay >= self->time_limit ? -1 : delay;
}

gboolean
cupel_retry_run (CupelRetry    *self_,
                 CupelTryFunc   func,
                 gpointer       data,
                 GCancellable  *cancellable,
                 GError       **error)
{
  g_autoptr(CupelRetry) self = self_ != NULL ? g_object_ref (self_) : cupel_retry_new ();
  g_autoptr(GString) earlier = g_string_new (NULL);
  const gint64 start = g_get_monotonic_time ();
  CupelTimeLimit limit = { 0 };
  GError *local = NULL;
  guint attempt = 1;
  gboolean success;

  if (self->time_limit > 0)
    cancellable = cupel_time_limit_start (&limit, self->time_limit, cancellable);

  while (!(success = func (self, attempt, data, cancellable, &local)))
    {
      gint64 delay = cupel_retry_get_delay (self, attempt, g_get_monotonic_time () - start, local);

      if (delay < 0)
        break;
      g_string_append_printf (earlier, "; try %u: %s", attempt, local->message);
      g_clear_error (&local);
      if (!cupel_fiber_sleep ((guint64) delay, cancellable, &local))
        break;
      attempt++;
    }

  /* A function may fail without a reason, and is then not run again. */
  if (local == NULL)
    {
      cupel_time_limit_end (&limit);
      return success;
    }
  cupel_time_limit_finish (&limit, "The transaction, with all tries,", "time-limit", &local);
  if (earlier->len > 0)
    cupel_error_append (local, " (after %u tries in %.2f s%s)", attempt,
                        (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC, earlier->str);
  g_propagate_error (error, local);
  return FALSE;
}
