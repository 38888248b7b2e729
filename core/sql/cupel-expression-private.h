/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-compiler.h"
#include "sql/cupel-expression.h"
#include "sql/cupel-raw-sql-private.h"

G_BEGIN_DECLS

typedef enum
{
  CUPEL_EXPRESSION_COLUMN,
  CUPEL_EXPRESSION_LITERAL,
  CUPEL_EXPRESSION_NULL,         /* the keyword */
  CUPEL_EXPRESSION_BIND,
  CUPEL_EXPRESSION_TEXT,
  CUPEL_EXPRESSION_FUNCTION,
  CUPEL_EXPRESSION_COUNT_ALL,
  CUPEL_EXPRESSION_BINARY,
  CUPEL_EXPRESSION_AND,          /* two and more children */
  CUPEL_EXPRESSION_OR,
  CUPEL_EXPRESSION_NOT,
  CUPEL_EXPRESSION_IS_NULL,
  CUPEL_EXPRESSION_BETWEEN,
  CUPEL_EXPRESSION_IN,
  CUPEL_EXPRESSION_IN_SELECT,
  CUPEL_EXPRESSION_EXISTS,
  CUPEL_EXPRESSION_SUBQUERY,
  CUPEL_EXPRESSION_CAST,
  CUPEL_EXPRESSION_LABEL,
  CUPEL_EXPRESSION_ASC,
  CUPEL_EXPRESSION_DESC,
} CupelExpressionKind;

typedef enum
{
  CUPEL_OP_EQ,
  CUPEL_OP_NE,
  CUPEL_OP_LT,
  CUPEL_OP_LE,
  CUPEL_OP_GT,
  CUPEL_OP_GE,
  CUPEL_OP_LIKE,
  CUPEL_OP_ADD,
  CUPEL_OP_SUBTRACT,
  CUPEL_OP_MULTIPLY,
  CUPEL_OP_DIVIDE,
  CUPEL_OP_CONCAT,
} CupelOp;

/* How deep expressions may be nested: the walks recurse, on the stack of a fiber. AND and OR do not nest. */
#define CUPEL_MAX_DEPTH 120

struct _CupelExpression
{
  guint             ref_count;
  guint8            kind;          /* CupelExpressionKind */
  guint8            op;            /* BINARY: CupelOp */
  guint8            negated;       /* IS_NULL */
  guint16           depth;         /* of the tree below, itself included; selects inside count as 1 */
  guint             n_children;
  guint             n_allocated;   /* of children, when they are not the inline ones */
  CupelExpression **children;
  CupelExpression  *inline_children[2];
  CupelSqlType     *type;          /* BIND (nullable), CAST */
  char             *name;          /* BIND, FUNCTION, LABEL */
  union
  {
    struct
    {
      CupelColumn *column;
      CupelTable  *table;          /* kept alive; nullable */
    } column;
    CupelValue    *value;          /* LITERAL */
    CupelRawSql   *raw;            /* TEXT */
    CupelRowBlock *list;           /* IN */
    CupelSelect   *select;         /* IN_SELECT, EXISTS, SUBQUERY */
  } v;
};

/* (transfer full); a node without children */
CupelExpression *cupel_expression_new        (CupelExpressionKind    kind);
/* @operand: (transfer full) */
CupelExpression *cupel_expression_new_unary  (CupelExpressionKind    kind,
                                              CupelExpression       *operand);
/* @child: (transfer full) */
void          cupel_expression_add_child     (CupelExpression       *self,
                                              CupelExpression       *child);
/* "=", "||" ... */
const char   *cupel_op_get_text              (CupelOp                op);
gboolean      cupel_expression_is_null_value (const CupelExpression *expression);
/* The padded length of an IN list. */
gsize         cupel_in_list_padded_size      (gsize                  n_values);
/* The name that a result column of this expression has; NULL: none of its own. */
const char   *cupel_expression_get_name      (const CupelExpression *expression);

G_END_DECLS
