/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* A collection that is never loaded: it adds, removes, and makes statements. */

typedef struct
{
  CupelLoaderStrategy parent_instance;
} CupelWriteOnlyLoader;

typedef struct
{
  CupelLoaderStrategyClass parent_class;
} CupelWriteOnlyLoaderClass;

GType cupel_write_only_loader_get_type (void);

G_DEFINE_TYPE (CupelWriteOnlyLoader, cupel_write_only_loader, CUPEL_TYPE_LOADER_STRATEGY)

static gboolean
load_one (CupelLoaderStrategy  *strategy,
          CupelSession         *session,
          CupelRelationship    *relationship,
          CupelEntity          *parent,
          GCancellable         *cancellable,
          GError              **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED,
               "%s.%s is write-only and never loaded: query cupel_write_only_collection_select() instead",
               G_OBJECT_TYPE_NAME (parent), cupel_relationship_get_name (relationship));
  return FALSE;
}

static void
cupel_write_only_loader_class_init (CupelWriteOnlyLoaderClass *klass)
{
  CupelLoaderStrategyClass *strategy_class = CUPEL_LOADER_STRATEGY_CLASS (klass);

  strategy_class->name = "write-only";
  strategy_class->write_only = TRUE;
  strategy_class->load = load_one;
}

static void
cupel_write_only_loader_init (CupelWriteOnlyLoader *self)
{
}

CUPEL_PLUGIN_DEFINE (LOADER, loader, write_only, "write-only", NULL, CUPEL_VERSION_STRING, cupel_write_only_loader_get_type)
