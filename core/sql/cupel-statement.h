/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "sql/cupel-schema.h"

G_BEGIN_DECLS

/* A type that only the library derives from: its structs are private. */
#define CUPEL_DECLARE_INTERNAL_TYPE(Name, prefix, MODULE, NAME)                                    \
  GType prefix##_get_type (void) G_GNUC_CONST;                                                     \
  typedef struct _##Name      Name;                                                                \
  typedef struct _##Name##Class Name##Class;                                                       \
  G_DEFINE_AUTOPTR_CLEANUP_FUNC (Name, g_object_unref)                                             \
  G_GNUC_UNUSED static inline Name *MODULE##_##NAME (gpointer ptr)                                 \
  { return G_TYPE_CHECK_INSTANCE_CAST (ptr, prefix##_get_type (), Name); }                         \
  G_GNUC_UNUSED static inline gboolean MODULE##_IS_##NAME (gpointer ptr)                           \
  { return G_TYPE_CHECK_INSTANCE_TYPE (ptr, prefix##_get_type ()); }

/**
 * CupelStatement:
 *
 * A builder of one SQL statement. It freezes at its first execution: executing it again compiles nothing, and changing it
 * then is an error of the caller. cupel_statement_copy() gives a builder again.
 */
#define CUPEL_TYPE_STATEMENT (cupel_statement_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelStatement, cupel_statement, CUPEL, STATEMENT)

CUPEL_AVAILABLE_IN_1_0
gboolean        cupel_statement_is_frozen    (CupelStatement   *statement);
CUPEL_AVAILABLE_IN_1_0
CupelStatement *cupel_statement_copy         (CupelStatement   *statement);     /* (transfer full), not frozen */
/* What a layer above wants to know with this statement: a loader option, say. The statement takes a reference. */
CUPEL_AVAILABLE_IN_1_0
void            cupel_statement_add_option   (CupelStatement   *statement,
                                              GObject          *option);
CUPEL_AVAILABLE_IN_1_0
GPtrArray      *cupel_statement_get_options  (CupelStatement   *statement);     /* (transfer none) (nullable) (element-type GObject) */

/**
 * CupelSelect:
 *
 * A SELECT.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_SELECT (cupel_select_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelSelect, cupel_select, CUPEL, SELECT)

CUPEL_AVAILABLE_IN_1_0
CupelSelect    *cupel_select_new             (void);
CUPEL_AVAILABLE_IN_1_0
CupelSelect    *cupel_select_new_from_table  (CupelTable       *table);         /* all its columns */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_add_column      (CupelSelect      *select,
                                              CupelExpression  *expression);    /* (transfer full) */
/* Tables named by columns come by themselves; this adds one that is not. */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_from            (CupelSelect      *select,
                                              CupelTable       *table);
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_join            (CupelSelect      *select,
                                              CupelTable       *table,
                                              CupelExpression  *on);            /* (transfer full) (nullable): by the foreign key */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_outer_join      (CupelSelect      *select,
                                              CupelTable       *table,
                                              CupelExpression  *on);
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_where           (CupelSelect      *select,
                                              CupelExpression  *condition);     /* (transfer full), AND with what is there */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_group_by        (CupelSelect      *select,
                                              CupelExpression  *expression);
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_having          (CupelSelect      *select,
                                              CupelExpression  *condition);
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_order_by        (CupelSelect      *select,
                                              CupelExpression  *expression);    /* (transfer full); cupel_desc () for descending */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_limit           (CupelSelect      *select,
                                              gint64            limit);         /* bound; -1: none */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_offset          (CupelSelect      *select,
                                              gint64            offset);
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_distinct        (CupelSelect      *select,
                                              gboolean          distinct);
/* The mapped class whose columns come first, G_TYPE_INVALID for plain rows. Set by the layer above. */
CUPEL_AVAILABLE_IN_1_0
void            cupel_select_set_entity_type (CupelSelect      *select,
                                              GType             type);
CUPEL_AVAILABLE_IN_1_0
GType           cupel_select_get_entity_type (CupelSelect      *select);

/**
 * CupelInsert:
 *
 * An INSERT into one table, of one row or of many.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_INSERT (cupel_insert_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelInsert, cupel_insert, CUPEL, INSERT)
CUPEL_AVAILABLE_IN_1_0
CupelInsert    *cupel_insert_new             (CupelTable       *table);
/* A column with a value in the statement itself. */
CUPEL_AVAILABLE_IN_1_0
void            cupel_insert_set             (CupelInsert      *insert,
                                              const char       *column,
                                              CupelExpression  *value);         /* (transfer full) */
/* A column whose value comes with each execution, as the bind of the same name. No column at all: DEFAULT VALUES. */
CUPEL_AVAILABLE_IN_1_0
void            cupel_insert_add_column      (CupelInsert      *insert,
                                              CupelColumn      *column);
CUPEL_AVAILABLE_IN_1_0
void            cupel_insert_returning       (CupelInsert      *insert,
                                              CupelExpression  *expression);    /* (transfer full) */

/**
 * CupelUpdate:
 *
 * An UPDATE of one table.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_UPDATE (cupel_update_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelUpdate, cupel_update, CUPEL, UPDATE)
CUPEL_AVAILABLE_IN_1_0
CupelUpdate    *cupel_update_new             (CupelTable       *table);
CUPEL_AVAILABLE_IN_1_0
void            cupel_update_set             (CupelUpdate      *update,
                                              const char       *column,
                                              CupelExpression  *value);         /* (transfer full): may be a bind */
CUPEL_AVAILABLE_IN_1_0
void            cupel_update_where           (CupelUpdate      *update,
                                              CupelExpression  *condition);
CUPEL_AVAILABLE_IN_1_0
void            cupel_update_returning       (CupelUpdate      *update,
                                              CupelExpression  *expression);

/**
 * CupelDelete:
 *
 * A DELETE from one table.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_DELETE (cupel_delete_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelDelete, cupel_delete, CUPEL, DELETE)
CUPEL_AVAILABLE_IN_1_0
CupelDelete    *cupel_delete_new             (CupelTable       *table);
CUPEL_AVAILABLE_IN_1_0
void            cupel_delete_where           (CupelDelete      *delete_,
                                              CupelExpression  *condition);
CUPEL_AVAILABLE_IN_1_0
void            cupel_delete_returning       (CupelDelete      *delete_,
                                              CupelExpression  *expression);

/**
 * CupelText:
 *
 * Raw SQL, with `:name` for a bind and `\:` for a colon. What is quoted, comments and `::` are left alone.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_TEXT (cupel_text_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelText, cupel_text, CUPEL, TEXT)
CUPEL_AVAILABLE_IN_1_0
CupelText      *cupel_text_new               (const char       *sql);
/* Types a bind, or a column of the result by position (and then says that rows come back). */
CUPEL_AVAILABLE_IN_1_0
void            cupel_text_set_bind_type     (CupelText        *text,
                                              const char       *name,
                                              CupelSqlType     *type);          /* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
void            cupel_text_add_result_type   (CupelText        *text,
                                              CupelSqlType     *type);          /* (transfer full) */

/**
 * CupelCreateTable:
 *
 * A CREATE TABLE.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_CREATE_TABLE (cupel_create_table_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelCreateTable, cupel_create_table, CUPEL, CREATE_TABLE)
CUPEL_AVAILABLE_IN_1_0
CupelCreateTable *cupel_create_table_new     (CupelTable       *table);

/**
 * CupelDropTable:
 *
 * A DROP TABLE.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_DROP_TABLE (cupel_drop_table_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelDropTable, cupel_drop_table, CUPEL, DROP_TABLE)
CUPEL_AVAILABLE_IN_1_0
CupelDropTable *cupel_drop_table_new         (CupelTable       *table);

/**
 * CupelCreateIndex:
 *
 * A CREATE INDEX.
 *
 * Since: 1.0
 */
#define CUPEL_TYPE_CREATE_INDEX (cupel_create_index_get_type ())
CUPEL_AVAILABLE_IN_1_0
CUPEL_DECLARE_INTERNAL_TYPE (CupelCreateIndex, cupel_create_index, CUPEL, CREATE_INDEX)
CUPEL_AVAILABLE_IN_1_0
CupelCreateIndex *cupel_create_index_new     (CupelColumn      *column);        /* "ix_<table>_<column>" */

G_END_DECLS
