/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* What is not loaded by the query is an error: no query ever hides behind an attribute. */

typedef struct
{
  CupelLoaderStrategy parent_instance;
} CupelRaiseLoader;

typedef struct
{
  CupelLoaderStrategyClass parent_class;
} CupelRaiseLoaderClass;

GType cupel_raise_loader_get_type (void);

G_DEFINE_TYPE (CupelRaiseLoader, cupel_raise_loader, CUPEL_TYPE_LOADER_STRATEGY)

static gboolean
load_one (CupelLoaderStrategy  *strategy,
          CupelSession         *session,
          CupelRelationship    *relationship,
          CupelEntity          *parent,
          GCancellable         *cancellable,
          GError              **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED,
               "%s.%s is not loaded, and its loader \"raise\" forbids to load it now; load it with the query",
               G_OBJECT_TYPE_NAME (parent), cupel_relationship_get_name (relationship));
  return FALSE;
}

static void
cupel_raise_loader_class_init (CupelRaiseLoaderClass *klass)
{
  CupelLoaderStrategyClass *strategy_class = CUPEL_LOADER_STRATEGY_CLASS (klass);

  strategy_class->name = "raise";
  strategy_class->load = load_one;
}

static void
cupel_raise_loader_init (CupelRaiseLoader *self)
{
}

CUPEL_PLUGIN_DEFINE (LOADER, loader, raise, "raise", NULL, CUPEL_VERSION_STRING, cupel_raise_loader_get_type)
