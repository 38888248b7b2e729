/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "orm/cupel-entity.h"

G_BEGIN_DECLS

/**
 * CupelLoaderStrategy:
 *
 * How a relationship is loaded. Each is a module; a third party's are equals.
 */
#define CUPEL_TYPE_LOADER_STRATEGY (cupel_loader_strategy_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelLoaderStrategy, cupel_loader_strategy, CUPEL, LOADER_STRATEGY, GObject)

/**
 * CupelLoaderStrategyClass.load_batch: (skip)
 */
/**
 * CupelLoaderStrategyClass.load: (skip)
 */
struct _CupelLoaderStrategyClass
{
  GObjectClass parent_class;

  const char *name;
  gboolean    write_only;   /* the attribute is a CupelWriteOnlyCollection and never loads */

  /* After each batch of parents was loaded; NULL: nothing is done then. In a fiber. */
  gboolean (*load_batch) (CupelLoaderStrategy  *self,
                          CupelSession         *session,
                          CupelRelationship    *relationship,
                          CupelEntity         **parents,
                          guint                 n_parents,
                          GCancellable         *cancellable,
                          GError              **error);
  /* The attribute of one entity is wanted. In a fiber. */
  gboolean (*load)       (CupelLoaderStrategy  *self,
                          CupelSession         *session,
                          CupelRelationship    *relationship,
                          CupelEntity          *parent,
                          GCancellable         *cancellable,
                          GError              **error);
  gpointer _reserved[12];
};

/* relationships, for strategies */
CUPEL_AVAILABLE_IN_1_0
const char *cupel_relationship_get_name (CupelRelationship *relationship);
CUPEL_AVAILABLE_IN_1_0
CupelRelationshipKind cupel_relationship_get_kind (CupelRelationship *relationship);
CUPEL_AVAILABLE_IN_1_0
GType cupel_relationship_get_parent_type (CupelRelationship *relationship);
CUPEL_AVAILABLE_IN_1_0
GType cupel_relationship_get_target_type (CupelRelationship *relationship);
/* A select of the related entities of these parents: `target.fk IN (...)`, or `target.pk IN (...)` for the one side; NULL when no parent has a key. */
CUPEL_AVAILABLE_IN_1_0
CupelSelect *cupel_relationship_select_for (CupelRelationship *relationship,
                                            CupelEntity **parents,
                                            guint n_parents);
/* Deals @related out to their parents; a parent without any gets an empty collection, or nothing. */
CUPEL_AVAILABLE_IN_1_0
void cupel_relationship_populate (CupelRelationship *relationship,
                                  CupelEntity **parents,
                                  guint n_parents,
                                  GPtrArray *related);
/* Both, with the query between them, for so many parents at a time. In a fiber. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_relationship_load (CupelRelationship *relationship,
                                  CupelSession *session,
                                  CupelEntity **parents,
                                  guint n_parents,
                                  guint batch,
                                  GCancellable *cancellable,
                                  GError **error);
/* The one side from the identity map, without I/O. TRUE: the attribute is loaded now. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_relationship_populate_from_identity_map (CupelRelationship *relationship,
                                                        CupelSession *session,
                                                        CupelEntity *parent);
/* The entities of a select, inside an operation of the session that is under way. In a fiber. (transfer full) (element-type CupelEntity) */
CUPEL_AVAILABLE_IN_1_0
GPtrArray *cupel_session_load_entities (CupelSession *session,
                                        CupelSelect *select,
                                        GCancellable *cancellable,
                                        GError **error);

/**
 * CupelLoaderOption:
 *
 * Says with one statement how a relationship is loaded:
 *
 * |[<!-- language="C" -->
 *   cupel_select_add_option (select, cupel_selectinload (a_get_type (), "bs"));
 * ]|
 *
 * It is a relationship of the class that the statement selects, or of one that is loaded with it: several options load several
 * levels. What no option names is loaded as the mapping says.
 */
#define CUPEL_TYPE_LOADER_OPTION (cupel_loader_option_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelLoaderOption, cupel_loader_option, CUPEL, LOADER_OPTION, GObject)

CUPEL_AVAILABLE_IN_1_0
CupelLoaderOption *cupel_loader_option_new (GType type,
                                            const char *relationship,
                                            const char *strategy);
CUPEL_AVAILABLE_IN_1_0
CupelLoaderOption *cupel_selectinload (GType type,
                                       const char *relationship);
CUPEL_AVAILABLE_IN_1_0
CupelLoaderOption *cupel_raiseload (GType type,
                                    const char *relationship);
CUPEL_AVAILABLE_IN_1_0
CupelLoaderOption *cupel_lazyload (GType type,
                                   const char *relationship);
/* Adds and takes over @option: nests with the functions above. */
CUPEL_AVAILABLE_IN_1_0
void cupel_select_add_option (CupelSelect *select,
                              CupelLoaderOption *option);

G_END_DECLS
