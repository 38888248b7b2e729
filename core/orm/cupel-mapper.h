/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "orm/cupel-mapping.h"

G_BEGIN_DECLS

/**
 * CupelMapper:
 *
 * How a class maps to a table. In C, CUPEL_DEFINE_ENTITY() makes one. A class of Python, JavaScript or Vala that has properties of its own
 * is mapped by a plain object: make it, add its columns and relationships, call cupel_mapper_register().
 */
#define CUPEL_TYPE_MAPPER (cupel_mapper_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelMapper, cupel_mapper, CUPEL, MAPPER, GObject)

CUPEL_AVAILABLE_IN_1_0
CupelMapper *cupel_mapper_new (GType type,
                               const char *table);
CUPEL_AVAILABLE_IN_1_0
CupelColumn *cupel_mapper_add_column (CupelMapper *mapper,
                                      const char *property,
                                      CupelSqlType *type);
CUPEL_AVAILABLE_IN_1_0
void cupel_mapper_add_relationship (CupelMapper *mapper,
                                    const char *name,
                                    CupelRelationshipKind kind,
                                    GType target,
                                    const char *loader);
CUPEL_AVAILABLE_IN_1_0
void cupel_mapper_set_relationship_options (CupelMapper *mapper,
                                            const char *name,
                                            const char *foreign_key,
                                            const char *back_populates,
                                            const char *order_by,
                                            CupelCascade cascade,
                                            gboolean passive_deletes);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_mapper_register (CupelMapper *mapper,
                                GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelMapper *cupel_mapper_for_type (GType type,
                                    GError **error);
CUPEL_AVAILABLE_IN_1_0
GType cupel_mapper_get_entity_type (CupelMapper *mapper);
CUPEL_AVAILABLE_IN_1_0
CupelTable *cupel_mapper_get_table (CupelMapper *mapper);
CUPEL_AVAILABLE_IN_1_0
guint cupel_mapper_get_n_relationships (CupelMapper *mapper);
CUPEL_AVAILABLE_IN_1_0
CupelRelationship *cupel_mapper_get_nth_relationship (CupelMapper *mapper,
                                                      guint nth);
CUPEL_AVAILABLE_IN_1_0
CupelRelationship *cupel_mapper_find_relationship (CupelMapper *mapper,
                                                   const char *name);

G_END_DECLS
