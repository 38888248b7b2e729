/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-retry-private.h"
#include "orm/cupel-session-args-private.h"
#include "runtime/cupel-call-private.h"
#include "runtime/cupel-error-details.h"
#include "runtime/cupel-error-private.h"

struct _CupelSessionFactory
{
  GObject      parent_instance;

  CupelEngine *engine;
  gboolean     autoflush;
  gboolean     expire_on_commit;
};

G_DEFINE_FINAL_TYPE (CupelSessionFactory, cupel_session_factory, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ENGINE,
  PROP_AUTOFLUSH,
  PROP_EXPIRE_ON_COMMIT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
cupel_session_factory_finalize (GObject *object)
{
  CupelSessionFactory *self = CUPEL_SESSION_FACTORY (object);

  g_clear_object (&self->engine);

  G_OBJECT_CLASS (cupel_session_factory_parent_class)->finalize (object);
}

static void
cupel_session_factory_get_property (GObject    *object,
                                    guint       prop_id,
                                    GValue     *value,
                                    GParamSpec *pspec)
{
  CupelSessionFactory *self = CUPEL_SESSION_FACTORY (object);

  switch (prop_id)
    {
    case PROP_ENGINE:
      g_value_set_object (value, self->engine);
      break;
    case PROP_AUTOFLUSH:
      g_value_set_boolean (value, self->autoflush);
      break;
    case PROP_EXPIRE_ON_COMMIT:
      g_value_set_boolean (value, self->expire_on_commit);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
cupel_session_factory_set_property (GObject      *object,
                                    guint         prop_id,
                                    const GValue *value,
                                    GParamSpec   *pspec)
{
  CupelSessionFactory *self = CUPEL_SESSION_FACTORY (object);

  switch (prop_id)
    {
    case PROP_ENGINE:
      self->engine = g_value_dup_object (value);
      break;
    case PROP_AUTOFLUSH:
      self->autoflush = g_value_get_boolean (value);
      break;
    case PROP_EXPIRE_ON_COMMIT:
      self->expire_on_commit = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
cupel_session_factory_class_init (CupelSessionFactoryClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = cupel_session_factory_finalize;
  object_class->get_property = cupel_session_factory_get_property;
  object_class->set_property = cupel_session_factory_set_property;

  /**
   * CupelSessionFactory:engine:
   *
   * The engine of the sessions.
   *
   * Since: 1.0
   */
  properties[PROP_ENGINE] =
    g_param_spec_object ("engine", NULL, NULL, CUPEL_TYPE_ENGINE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * CupelSessionFactory:autoflush:
   *
   * What [property@Cupel.Session:autoflush] of the sessions is at first.
   *
   * Since: 1.0
   */
  properties[PROP_AUTOFLUSH] =
    g_param_spec_boolean ("autoflush", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  /**
   * CupelSessionFactory:expire-on-commit:
   *
   * What [property@Cupel.Session:expire-on-commit] of the sessions is at first.
   *
   * Since: 1.0
   */
  properties[PROP_EXPIRE_ON_COMMIT] =
    g_param_spec_boolean ("expire-on-commit", NULL, NULL, FALSE, G_PARAM_READWRITE | G_PARAM_CONSTRUCT | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cupel_session_factory_init (CupelSessionFactory *self)
{
}

/**
 * cupel_session_factory_new:
 * @engine: an engine
 *
 * Makes a factory of sessions. Set its properties for what the sessions have in common.
 *
 * Returns: (transfer full): a new factory
 *
 * Since: 1.0
 */
CupelSessionFactory *
cupel_session_factory_new (CupelEngine *engine)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (engine), NULL);

  return g_object_new (CUPEL_TYPE_SESSION_FACTORY, "engine", engine, NULL);
}

/**
 * cupel_session_factory_create:
 * @factory: a factory
 *
 * Makes a session with the factory's settings.
 *
 * Returns: (transfer full): a new session
 *
 * Since: 1.0
 */
CupelSession *
cupel_session_factory_create (CupelSessionFactory *factory)
{
  g_return_val_if_fail (CUPEL_IS_SESSION_FACTORY (factory), NULL);

  return g_object_new (CUPEL_TYPE_SESSION,
                       "engine", factory->engine,
                       "autoflush", factory->autoflush,
                       "expire-on-commit", factory->expire_on_commit,
                       NULL);
}

/* a function in a transaction, until it gets through */

typedef struct
{
  CupelSessionFactory    *factory;
  const CupelSessionArgs *args;
} Try;

static gboolean
try_once (CupelRetry    *retry,
          guint          attempt,
          gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  const Try *try = data;
  g_autoptr(CupelSession) session = cupel_session_factory_create (try->factory);
  g_autoptr(GError) clean_up = NULL;
  CupelSessionBlock block = { NULL, session->serial, NULL };
  gboolean ok;

  session->attempt = attempt;
  if (!cupel_session_begin_transaction (session, retry->isolation, retry->flags, cancellable, error))
    return FALSE;

  session->block = &block;
  ok = try->args->func (session, try->args->func_data, cancellable, error);
  session->block = NULL;

  if (ok && block.serial == session->serial)
    {
      ok = cupel_session_commit (session, cancellable, error);
    }
  else if (ok && session->failure != NULL)
    {
      const CupelErrorDetails details = { .category = session->failure_category };

      /* The function did not mind, but what it did is undone. */
      ok = FALSE;
      cupel_set_error_with_details (error, CUPEL_ERROR_PENDING_ROLLBACK, &details,
                                    "The transaction cannot be committed: %s", session->failure);
    }
  if (!ok && !cupel_session_rollback (session, NULL, &clean_up) && error != NULL && *error != NULL)
    cupel_error_append (*error, " (rolling back after that failed too: %s)", clean_up->message);
  /* The objects of a try that failed belong to no session. */
  cupel_session_close (session, NULL, NULL);
  return ok;
}

static gpointer
run_transaction_body (gpointer       self,
                      gpointer       args,
                      GCancellable  *cancellable,
                      GError       **error)
{
  Try try = { self, args };

  return GINT_TO_POINTER (cupel_retry_run (try.args->retry, try_once, &try, cancellable, error));
}

static const CupelCall run_transaction_call = { "cupel_session_factory_run_transaction", run_transaction_body, NULL };

/**
 * cupel_session_factory_run_transaction: (skip)
 * @factory: a factory
 * @retry: (nullable): how to try again, %NULL for the defaults
 * @func: the work
 * @func_data: data for @func
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Makes a session, begins a transaction, runs a function and commits. When that lost a race against another transaction, or the connection was
 * lost before COMMIT was sent, or the server could not take it at the moment, all of it is done again in another session, after a pause; the
 * entities of the try that failed are detached. So the function loads all that it needs itself, and does nothing outside of the database that
 * may not be done twice. cupel_session_get_attempt() tells which try it is.
 *
 * It is not run again when it is not known whether the transaction was committed, %CUPEL_ERROR_OUTCOME_UNKNOWN: then the program has to look.
 * The error is that of the last try; its message tells how many there were and how the others ended.
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_session_factory_run_transaction (CupelSessionFactory  *factory,
                                       CupelRetry           *retry,
                                       CupelSessionFunc      func,
                                       gpointer              func_data,
                                       GCancellable         *cancellable,
                                       GError              **error)
{
  CupelSessionArgs args = { .retry = retry, .func = func, .func_data = func_data };

  g_return_val_if_fail (CUPEL_IS_SESSION_FACTORY (factory), FALSE);
  g_return_val_if_fail (retry == NULL || CUPEL_IS_RETRY (retry), FALSE);
  g_return_val_if_fail (func != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&run_transaction_call, factory, &args, cancellable, error));
}

/**
 * cupel_session_factory_run_transaction_async: (skip)
 * @factory: a factory
 * @retry: (nullable): how to try again, %NULL for the defaults
 * @func: the work
 * @func_data: data for @func
 * @destroy: (nullable): frees @func_data
 * @cancellable: (nullable): a #GCancellable
 * @callback: called when it is done, on the main stack
 * @user_data: data for @callback
 *
 * Runs a function in a transaction until it gets through. See cupel_session_factory_run_transaction().
 *
 * Since: 1.0
 */
void
cupel_session_factory_run_transaction_async (CupelSessionFactory *factory,
                                             CupelRetry          *retry,
                                             CupelSessionFunc     func,
                                             gpointer             func_data,
                                             GDestroyNotify       destroy,
                                             GCancellable        *cancellable,
                                             GAsyncReadyCallback  callback,
                                             gpointer             user_data)
{
  const CupelSessionArgs args = { .retry = retry, .func = func, .func_data = func_data, .destroy = destroy };

  g_return_if_fail (CUPEL_IS_SESSION_FACTORY (factory));
  g_return_if_fail (retry == NULL || CUPEL_IS_RETRY (retry));
  g_return_if_fail (func != NULL);

  cupel_call_async (&run_transaction_call, factory, cupel_session_args_copy (&args), cupel_session_args_free, cancellable, callback,
                    user_data);
}

/**
 * cupel_session_factory_run_transaction_finish: (skip)
 * @factory: a factory
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_session_factory_run_transaction_async().
 *
 * Returns: %TRUE when the transaction was committed
 *
 * Since: 1.0
 */
gboolean
cupel_session_factory_run_transaction_finish (CupelSessionFactory  *factory,
                                              GAsyncResult         *result,
                                              GError              **error)
{
  g_return_val_if_fail (CUPEL_IS_SESSION_FACTORY (factory), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&run_transaction_call, factory, result, error));
}
