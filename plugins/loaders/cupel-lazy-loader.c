/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* Nothing is loaded with the parents; one SELECT when the attribute is wanted, none if the one side is in the session. */

typedef struct
{
  CupelLoaderStrategy parent_instance;
} CupelLazyLoader;

typedef struct
{
  CupelLoaderStrategyClass parent_class;
} CupelLazyLoaderClass;

GType cupel_lazy_loader_get_type (void);

G_DEFINE_TYPE (CupelLazyLoader, cupel_lazy_loader, CUPEL_TYPE_LOADER_STRATEGY)

static gboolean
load_one (CupelLoaderStrategy  *strategy,
          CupelSession         *session,
          CupelRelationship    *relationship,
          CupelEntity          *parent,
          GCancellable         *cancellable,
          GError              **error)
{
  return cupel_relationship_populate_from_identity_map (relationship, session, parent) ||
         cupel_relationship_load (relationship, session, &parent, 1, 1, cancellable, error);
}

static void
cupel_lazy_loader_class_init (CupelLazyLoaderClass *klass)
{
  CupelLoaderStrategyClass *strategy_class = CUPEL_LOADER_STRATEGY_CLASS (klass);

  strategy_class->name = "lazy";
  strategy_class->load = load_one;
}

static void
cupel_lazy_loader_init (CupelLazyLoader *self)
{
}

CUPEL_PLUGIN_DEFINE (LOADER, loader, lazy, "lazy", NULL, CUPEL_VERSION_STRING, cupel_lazy_loader_get_type)
