/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-session.h"

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
