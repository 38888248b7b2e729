/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "orm/cupel-mapping.h"

G_BEGIN_DECLS

/**
 * CupelCollection:
 *
 * The many side of a relationship: a #GListModel of entities. Appending an entity to the collection of one that is in a session
 * adds it to that session.
 */
#define CUPEL_TYPE_COLLECTION (cupel_collection_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelCollection, cupel_collection, CUPEL, COLLECTION, GObject)

CUPEL_AVAILABLE_IN_1_0
void cupel_collection_append (CupelCollection *collection,
                              CupelEntity *entity);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_collection_remove (CupelCollection *collection,
                                  CupelEntity *entity);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_collection_contains (CupelCollection *collection,
                                    CupelEntity *entity);

/**
 * CupelWriteOnlyCollection:
 *
 * The many side of a relationship that is never loaded: it adds, removes, and makes statements for its rows.
 */
#define CUPEL_TYPE_WRITE_ONLY_COLLECTION (cupel_write_only_collection_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelWriteOnlyCollection, cupel_write_only_collection, CUPEL, WRITE_ONLY_COLLECTION, GObject)

CUPEL_AVAILABLE_IN_1_0
void cupel_write_only_collection_append (CupelWriteOnlyCollection *collection,
                                         CupelEntity *entity);
CUPEL_AVAILABLE_IN_1_0
void cupel_write_only_collection_remove (CupelWriteOnlyCollection *collection,
                                         CupelEntity *entity);
CUPEL_AVAILABLE_IN_1_0
CupelSelect *cupel_write_only_collection_select (CupelWriteOnlyCollection *collection,
                                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelUpdate *cupel_write_only_collection_update (CupelWriteOnlyCollection *collection,
                                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelDelete *cupel_write_only_collection_delete (CupelWriteOnlyCollection *collection,
                                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelInsert *cupel_write_only_collection_insert (CupelWriteOnlyCollection *collection,
                                                 GError **error);

G_END_DECLS
