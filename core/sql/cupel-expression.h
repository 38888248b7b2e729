/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "sql/cupel-value.h"

G_BEGIN_DECLS

/**
 * CupelExpression:
 *
 * An SQL expression: an immutable, reference-counted tree. Functions that take one take ownership, so that nested
 * construction does not leak.
 */
typedef struct _CupelExpression CupelExpression;
typedef struct _CupelColumn     CupelColumn;
typedef struct _CupelTable      CupelTable;
typedef struct _CupelSelect     CupelSelect;

#define CUPEL_TYPE_EXPRESSION (cupel_expression_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType            cupel_expression_get_type (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_expression_ref      (CupelExpression     *expression);
CUPEL_AVAILABLE_IN_1_0
void             cupel_expression_unref    (CupelExpression     *expression);

/* leaves */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_column_expression   (CupelColumn         *column);          /* borrowed column */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_literal             (CupelValue          *value);           /* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_literal_int64       (gint64               value);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_literal_double      (double               value);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_literal_boolean     (gboolean             value);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_literal_string      (const char          *value);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_literal_datetime    (GDateTime           *value);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_null                (void);
/* A named parameter: its value comes with each execution. @type: (nullable) (transfer full) */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_bind                (const char          *name,
                                            CupelSqlType        *type);
/* Raw SQL: the only door for it, together with cupel_text_new(). */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_text                (const char          *sql);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_func                (const char          *name,             /* [A-Za-z_][A-Za-z0-9_.]* */
                                            ...) G_GNUC_NULL_TERMINATED;           /* CupelExpression* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_funcv               (const char          *name,             /* (rename-to cupel_func) */
                                            CupelExpression    **arguments,
                                            gsize                n_arguments);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_count               (CupelExpression     *expression);      /* NULL: count(*) */

/* comparison and logic; all (transfer full) */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_eq                  (CupelExpression     *left,
                                            CupelExpression     *right);           /* a NULL literal on the right becomes IS NULL */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_ne                  (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_lt                  (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_le                  (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_gt                  (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_ge                  (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_and                 (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_or                  (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_not                 (CupelExpression     *operand);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_is_null             (CupelExpression     *operand);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_like                (CupelExpression     *operand,
                                            CupelExpression     *pattern);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_between             (CupelExpression     *operand,
                                            CupelExpression     *low,
                                            CupelExpression     *high);
/* operand IN (values): an empty list is false. The list is padded to a few sizes so that statements stay few. */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_in                  (CupelExpression     *operand,
                                            CupelValue         **values,           /* borrowed array, each referenced */
                                            gsize                n_values);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_in_int64            (CupelExpression     *operand,
                                            const gint64        *values,
                                            gsize                n_values);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_in_select           (CupelExpression     *operand,
                                            CupelSelect         *select);          /* (transfer none) */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_exists              (CupelSelect         *select);          /* (transfer none) */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_scalar_subquery     (CupelSelect         *select);          /* (transfer none) */

/* arithmetic and text */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_add                 (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_subtract            (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_multiply            (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_divide              (CupelExpression     *left,
                                            CupelExpression     *right);           /* true division */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_concat              (CupelExpression     *left,
                                            CupelExpression     *right);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_cast                (CupelExpression     *operand,
                                            CupelSqlType        *type);            /* (transfer full) */

/* dressing */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_label               (CupelExpression     *operand,
                                            const char          *name);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_asc                 (CupelExpression     *operand);
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_desc                (CupelExpression     *operand);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelExpression, cupel_expression_unref)

G_END_DECLS
