/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "sql/cupel-statement.h"

G_BEGIN_DECLS

typedef struct _CupelEntity              CupelEntity;
typedef struct _CupelMapper              CupelMapper;

/**
 * CupelRelationship: (skip)
 *
 * A relationship of a mapped class, as loader strategies see it. It lives as long as the class.
 *
 * Since: 1.0
 */
typedef struct _CupelRelationship        CupelRelationship;

/**
 * CupelColumnSpec: (skip)
 *
 * One column of a class that is mapped in C. Use CUPEL_COLUMN().
 *
 * The struct member has the C type of the kind: gboolean; int for INT16 and INT32; gint64 for INT64 and TIME; double for FLOAT and DOUBLE;
 * char * for STRING, TEXT, NUMERIC, UUID and JSON; GBytes * for BYTES; GDateTime * for DATETIME and TIMESTAMP; GDate * for DATE.
 *
 * Both kinds of GDateTime are converted to UTC when they are written, and are UTC when they are read. A number has no place for NULL:
 * the member is 0 then, and cupel_entity_is_null() tells the two apart.
 */
typedef struct
{
  const char   *name;
  CupelSqlKind  kind;
  gsize         offset;
  gsize         size;
  guint         length;
  guint         precision;
  guint         scale;
  gboolean      primary_key;
  gboolean      not_null;
  gboolean      unique;
  gboolean      index;
  gboolean      no_autoincrement;
  const char   *column;          /* the name in the table, if another */
  const char   *server_default;  /* "now()", or SQL */
  const char   *foreign_key;     /* "table.column" */
  const char   *on_delete;       /* of the foreign key: "CASCADE", "SET NULL", ... */
} CupelColumnSpec;

#define CUPEL_COLUMN(Struct, member, KIND, ...)                                                       \
  { .name = #member, .kind = CUPEL_SQL_##KIND, .offset = G_STRUCT_OFFSET (Struct, member),            \
    .size = sizeof (((Struct *) 0)->member), ##__VA_ARGS__ }

/**
 * CupelRelationshipKind:
 * @CUPEL_RELATIONSHIP_HAS_MANY: the other class has the foreign key: a collection
 * @CUPEL_RELATIONSHIP_BELONGS_TO: this class has the foreign key: one entity or none
 *
 * Which side of a relationship a class has.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_RELATIONSHIP_HAS_MANY,
  CUPEL_RELATIONSHIP_BELONGS_TO,
} CupelRelationshipKind;

/**
 * CupelCascade:
 * @CUPEL_CASCADE_SAVE_UPDATE: they are added to the session together; always so
 * @CUPEL_CASCADE_DELETE: they are deleted together
 * @CUPEL_CASCADE_DELETE_ORPHAN: one that is taken out of the collection is deleted
 *
 * What happens to the entities at the other end of a relationship.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_CASCADE_SAVE_UPDATE   = 0,
  CUPEL_CASCADE_DELETE        = 1 << 0,
  CUPEL_CASCADE_DELETE_ORPHAN = 1 << 1,
} CupelCascade;

/**
 * CupelRelationshipSpec: (skip)
 *
 * One relationship of a class that is mapped in C. Use CUPEL_HAS_MANY() or CUPEL_BELONGS_TO().
 */
typedef struct
{
  const char            *name;
  CupelRelationshipKind  kind;
  GType                  target;
  const char            *foreign_key;      /* the attribute that refers, when there are several */
  const char            *back_populates;   /* the relationship of the target that is the other side of this one */
  const char            *loader;           /* "lazy" if NULL */
  const char            *order_by;         /* an attribute of the target */
  CupelCascade           cascade;
  gboolean               passive_deletes;  /* those that are not loaded are deleted by the database: see on_delete of the column */
} CupelRelationshipSpec;

#define CUPEL_HAS_MANY(name_, target_, ...)                                                           \
  { .name = name_, .kind = CUPEL_RELATIONSHIP_HAS_MANY, .target = target_, ##__VA_ARGS__ }
#define CUPEL_BELONGS_TO(name_, target_, ...)                                                         \
  { .name = name_, .kind = CUPEL_RELATIONSHIP_BELONGS_TO, .target = target_, ##__VA_ARGS__ }

/**
 * CUPEL_DECLARE_ENTITY: (skip)
 * @Struct: the struct's name; `struct _Struct` starts with a #CupelEntity
 * @prefix: the same in lower case
 *
 * Declares a mapped class.
 */
#define CUPEL_DECLARE_ENTITY(Struct, prefix)                                                          \
  typedef struct _##Struct Struct;                                                                    \
  typedef CupelEntityClass Struct##Class;                                                             \
  GType prefix##_get_type (void) G_GNUC_CONST;                                                        \
  G_DEFINE_AUTOPTR_CLEANUP_FUNC (Struct, g_object_unref)

/**
 * CUPEL_DEFINE_ENTITY: (skip)
 * @Struct: the struct's name
 * @prefix: the same in lower case
 * @table: the table's name
 * @columns: a static array of #CupelColumnSpec
 * @...: relationships
 *
 * Defines a mapped class: the type, its properties, their getters, setters and change tracking. The type is named as the struct; a name that is
 * too short for GObject gets "Entity" appended.
 */
#define CUPEL_DEFINE_ENTITY(Struct, prefix, table, columns, ...)                                      \
  static void                                                                                         \
  prefix##_class_init (gpointer klass, G_GNUC_UNUSED gpointer data)                                   \
  {                                                                                                   \
    /* An array must not be empty: the first element is not used. */                                  \
    const CupelRelationshipSpec relationships[] = { { .name = NULL }, ##__VA_ARGS__ };                \
                                                                                                      \
    cupel_entity_class_map (klass, table, columns, G_N_ELEMENTS (columns),                            \
                            relationships + 1, G_N_ELEMENTS (relationships) - 1);                     \
  }                                                                                                   \
  GType                                                                                               \
  prefix##_get_type (void)                                                                            \
  {                                                                                                   \
    static gsize type_id;                                                                             \
                                                                                                      \
    if (g_once_init_enter (&type_id))                                                                 \
      g_once_init_leave (&type_id, cupel_entity_type_register (#Struct, sizeof (Struct), prefix##_class_init)); \
    return type_id;                                                                                   \
  }

CUPEL_AVAILABLE_IN_1_0
GType cupel_entity_type_register (const char *name,
                                  gsize instance_size,
                                  GClassInitFunc class_init);
CUPEL_AVAILABLE_IN_1_0
void cupel_entity_class_map (gpointer klass,
                             const char *table,
                             const CupelColumnSpec *columns,
                             gsize n_columns,
                             const CupelRelationshipSpec *relationships,
                             gsize n_relationships);
CUPEL_AVAILABLE_IN_1_0
CupelMetadata *cupel_entity_metadata (GType first,
                                      ...);                     /* ends with G_TYPE_INVALID */
CUPEL_AVAILABLE_IN_1_0
CupelMetadata *cupel_entity_metadatav (const GType *types,
                                       gsize n_types,
                                       GError **error);
/* a select of all columns of a mapped class */
CUPEL_AVAILABLE_IN_1_0
CupelSelect *cupel_entity_select (GType type);
/* the expression of an attribute */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_attr (GType type,
                             const char *name);
CUPEL_AVAILABLE_IN_1_0
CupelTable *cupel_entity_get_table (GType type);

G_END_DECLS
