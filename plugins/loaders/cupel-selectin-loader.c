/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* One more SELECT .. IN for each batch of parents. */

#define BATCH 500

typedef struct
{
  CupelLoaderStrategy parent_instance;
} CupelSelectinLoader;

typedef struct
{
  CupelLoaderStrategyClass parent_class;
} CupelSelectinLoaderClass;

GType cupel_selectin_loader_get_type (void);

G_DEFINE_TYPE (CupelSelectinLoader, cupel_selectin_loader, CUPEL_TYPE_LOADER_STRATEGY)

static gboolean
load_batch (CupelLoaderStrategy  *strategy,
            CupelSession         *session,
            CupelRelationship    *relationship,
            CupelEntity         **parents,
            guint                 n_parents,
            GCancellable         *cancellable,
            GError              **error)
{
  return cupel_relationship_load (relationship, session, parents, n_parents, BATCH, cancellable, error);
}

static gboolean
load_one (CupelLoaderStrategy  *strategy,
          CupelSession         *session,
          CupelRelationship    *relationship,
          CupelEntity          *parent,
          GCancellable         *cancellable,
          GError              **error)
{
  return load_batch (strategy, session, relationship, &parent, 1, cancellable, error);
}

static void
cupel_selectin_loader_class_init (CupelSelectinLoaderClass *klass)
{
  CupelLoaderStrategyClass *strategy_class = CUPEL_LOADER_STRATEGY_CLASS (klass);

  strategy_class->name = "selectin";
  strategy_class->load_batch = load_batch;
  strategy_class->load = load_one;
}

static void
cupel_selectin_loader_init (CupelSelectinLoader *self)
{
}

CUPEL_PLUGIN_DEFINE (LOADER, loader, selectin, "selectin", NULL, CUPEL_VERSION_STRING, cupel_selectin_loader_get_type)
