/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Conditions, arithmetic and what else is made of other expressions. */

#include "sql/cupel-expression-private.h"
#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-statement-private.h"
#include "sql/cupel-value-private.h"

/* What was given is ours even if the other side is missing. */
static gboolean
both_given (CupelExpression *left,
            CupelExpression *right,
            const char      *function)
{
  if (G_LIKELY (left != NULL && right != NULL))
    return TRUE;
  g_critical ("%s: the %s expression is NULL", function, left == NULL ? "left" : "right");
  g_clear_pointer (&left, cupel_expression_unref);
  g_clear_pointer (&right, cupel_expression_unref);
  return FALSE;
}

static CupelExpression *
binary_new (CupelOp          op,
            CupelExpression *left,
            CupelExpression *right)
{
  CupelExpression *self = cupel_expression_new (CUPEL_EXPRESSION_BINARY);

  self->op = op;
  cupel_expression_add_child (self, left);
  cupel_expression_add_child (self, right);

  return self;
}

/* comparison and logic */

gboolean
cupel_expression_is_null_value (const CupelExpression *expression)
{
  return expression->kind == CUPEL_EXPRESSION_NULL ||
         (expression->kind == CUPEL_EXPRESSION_LITERAL &&
          cupel_value_get_cell (expression->v.value)->kind == CUPEL_CELL_NULL);
}

static CupelExpression *
compare_null_safely (CupelOp          op,
                     CupelExpression *left,
                     CupelExpression *right)
{
  CupelExpression *self;

  if (cupel_expression_is_null_value (left))
    {
      CupelExpression *swap = left;

      left = right;
      right = swap;
    }
  if (!cupel_expression_is_null_value (right))
    return binary_new (op, left, right);

  cupel_expression_unref (right);
  self = cupel_expression_new_unary (CUPEL_EXPRESSION_IS_NULL, left);
  self->negated = op == CUPEL_OP_NE;

  return self;
}

/**
 * cupel_eq:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a comparison for equality. With a NULL on one side it becomes `IS NULL`.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_eq (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return compare_null_safely (CUPEL_OP_EQ, left, right);
}

/**
 * cupel_ne:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a comparison for inequality. With a NULL on one side it becomes `IS NOT NULL`.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_ne (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return compare_null_safely (CUPEL_OP_NE, left, right);
}

/**
 * cupel_lt:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes the comparison @left < @right.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_lt (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_LT, left, right);
}

/**
 * cupel_le:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes the comparison @left <= @right.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_le (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_LE, left, right);
}

/**
 * cupel_gt:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes the comparison @left > @right.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_gt (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_GT, left, right);
}

/**
 * cupel_ge:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes the comparison @left >= @right.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_ge (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_GE, left, right);
}

/* @part: (transfer full) */
static void
add_part (CupelExpression *self,
          CupelExpression *part)
{
  if (part->kind != self->kind)
    {
      cupel_expression_add_child (self, part);
      return;
    }
  for (guint i = 0; i < part->n_children; i++)
    cupel_expression_add_child (self, cupel_expression_ref (part->children[i]));
  cupel_expression_unref (part);
}

/* One node with many children instead of a deep tree, so that a condition can be built in a loop. */
static CupelExpression *
join_parts (CupelExpressionKind  kind,
            CupelExpression     *left,
            CupelExpression     *right)
{
  CupelExpression *self = left;

  /* nobody else sees it: it may grow */
  if (left->kind != kind || g_atomic_int_get (&left->ref_count) != 1)
    {
      self = cupel_expression_new (kind);
      add_part (self, left);
    }
  add_part (self, right);

  return self;
}

/**
 * cupel_and:
 * @left: (transfer full): a condition
 * @right: (transfer full): another
 *
 * Makes a condition that holds when both do.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_and (CupelExpression *left,
           CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return join_parts (CUPEL_EXPRESSION_AND, left, right);
}

/**
 * cupel_or:
 * @left: (transfer full): a condition
 * @right: (transfer full): another
 *
 * Makes a condition that holds when at least one of both does.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_or (CupelExpression *left,
          CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return join_parts (CUPEL_EXPRESSION_OR, left, right);
}

/**
 * cupel_not:
 * @operand: (transfer full): a condition
 *
 * Makes a condition that holds when @operand does not.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_not (CupelExpression *operand)
{
  g_return_val_if_fail (operand != NULL, NULL);

  return cupel_expression_new_unary (CUPEL_EXPRESSION_NOT, operand);
}

/**
 * cupel_is_null:
 * @operand: (transfer full): an expression
 *
 * Makes the condition `IS NULL`.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_is_null (CupelExpression *operand)
{
  g_return_val_if_fail (operand != NULL, NULL);

  return cupel_expression_new_unary (CUPEL_EXPRESSION_IS_NULL, operand);
}

/**
 * cupel_like:
 * @operand: (transfer full): an expression
 * @pattern: (transfer full): a pattern with `%` and `_`
 *
 * Makes the comparison `LIKE`. Whether it minds case is the database's choice.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_like (CupelExpression *operand,
            CupelExpression *pattern)
{
  g_return_val_if_fail (operand != NULL && pattern != NULL, NULL);

  return binary_new (CUPEL_OP_LIKE, operand, pattern);
}

/**
 * cupel_between:
 * @operand: (transfer full): an expression
 * @low: (transfer full): the least that it may be
 * @high: (transfer full): the greatest that it may be
 *
 * Makes the condition `BETWEEN`, both ends included.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_between (CupelExpression *operand,
               CupelExpression *low,
               CupelExpression *high)
{
  CupelExpression *self;

  g_return_val_if_fail (operand != NULL && low != NULL && high != NULL, NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_BETWEEN);
  cupel_expression_add_child (self, operand);
  cupel_expression_add_child (self, low);
  cupel_expression_add_child (self, high);

  return self;
}

gsize
cupel_in_list_padded_size (gsize n_values)
{
  gsize size = 1;

  if (n_values == 0)
    return 0;
  /* Databases take 65535 parameters: a list that they can take must not be made longer than that. */
  if (n_values > 65000)
    return n_values;
  if (n_values > 512)
    return (n_values + 499) / 500 * 500;
  while (size < n_values)
    size *= 2;

  return size;
}

/**
 * cupel_in:
 * @operand: (transfer full): an expression
 * @values: (array length=n_values) (transfer none) (nullable): what it may be
 * @n_values: how many; none at all is a condition that never holds
 *
 * Makes the condition `IN` a list of values, which travel as parameters. The list is filled up to one of a few lengths by
 * repeating its last value, so that statements which differ in nothing else are the same to the server.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_in (CupelExpression  *operand,
          CupelValue      **values,
          gsize             n_values)
{
  CupelExpression *self;

  g_return_val_if_fail (operand != NULL, NULL);
  g_return_val_if_fail (values != NULL || n_values == 0, NULL);
  g_return_val_if_fail (n_values < G_MAXUINT / 2, NULL);

  self = cupel_expression_new_unary (CUPEL_EXPRESSION_IN, operand);
  self->v.list = cupel_row_block_new (1, (guint) n_values);
  for (gsize i = 0; i < n_values; i++)
    {
      CupelCell *cell = cupel_row_block_add_row (self->v.list);

      /* the block keeps the value, so that text and bytes need no copy */
      *cell = *cupel_value_get_cell (values[i]);
      if (cell->kind == CUPEL_CELL_TEXT || cell->kind >= CUPEL_CELL_BYTES)
        cupel_row_block_keep (self->v.list, cupel_value_ref (values[i]), (GDestroyNotify) cupel_value_unref);
    }

  return self;
}

/**
 * cupel_in_int64:
 * @operand: (transfer full): an expression
 * @values: (array length=n_values) (transfer none) (nullable): what it may be
 * @n_values: how many; none at all is a condition that never holds
 *
 * Makes the condition `IN` a list of integers; see cupel_in().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_in_int64 (CupelExpression *operand,
                const gint64    *values,
                gsize            n_values)
{
  CupelExpression *self;

  g_return_val_if_fail (operand != NULL, NULL);
  g_return_val_if_fail (values != NULL || n_values == 0, NULL);
  g_return_val_if_fail (n_values < G_MAXUINT / 2, NULL);

  self = cupel_expression_new_unary (CUPEL_EXPRESSION_IN, operand);
  self->v.list = cupel_row_block_new (1, (guint) n_values);
  for (gsize i = 0; i < n_values; i++)
    {
      CupelCell *cell = cupel_row_block_add_row (self->v.list);

      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = values[i];
    }

  return self;
}

/**
 * cupel_in_select:
 * @operand: (transfer full): an expression
 * @select: a SELECT of one column
 *
 * Makes the condition `IN (SELECT ...)`. Tables of the statement around it are left out of the inner FROM, so that it can
 * refer to their rows. @select freezes when the statement around it does.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_in_select (CupelExpression *operand,
                 CupelSelect     *select)
{
  CupelExpression *self;

  g_return_val_if_fail (operand != NULL, NULL);
  g_return_val_if_fail (CUPEL_IS_SELECT (select), NULL);

  self = cupel_expression_new_unary (CUPEL_EXPRESSION_IN_SELECT, operand);
  self->v.select = g_object_ref (select);

  return self;
}

static CupelExpression *
select_expression_new (CupelExpressionKind  kind,
                       CupelSelect         *select)
{
  CupelExpression *self = cupel_expression_new (kind);

  self->v.select = g_object_ref (select);

  return self;
}

/**
 * cupel_exists:
 * @select: a SELECT
 *
 * Makes the condition `EXISTS (SELECT ...)`; see cupel_in_select().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_exists (CupelSelect *select)
{
  g_return_val_if_fail (CUPEL_IS_SELECT (select), NULL);

  return select_expression_new (CUPEL_EXPRESSION_EXISTS, select);
}

/**
 * cupel_scalar_subquery:
 * @select: a SELECT of one column and at most one row
 *
 * Makes an expression of the value that a SELECT finds; see cupel_in_select().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_scalar_subquery (CupelSelect *select)
{
  g_return_val_if_fail (CUPEL_IS_SELECT (select), NULL);

  return select_expression_new (CUPEL_EXPRESSION_SUBQUERY, select);
}

/* arithmetic and text */

/**
 * cupel_add:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a sum.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_add (CupelExpression *left,
           CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_ADD, left, right);
}

/**
 * cupel_subtract:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a difference.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_subtract (CupelExpression *left,
                CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_SUBTRACT, left, right);
}

/**
 * cupel_multiply:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a product.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_multiply (CupelExpression *left,
                CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_MULTIPLY, left, right);
}

/**
 * cupel_divide:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a quotient that is not cut to an integer, whatever the operands are.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_divide (CupelExpression *left,
              CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_DIVIDE, left, right);
}

/**
 * cupel_concat:
 * @left: (transfer full): an expression
 * @right: (transfer full): another
 *
 * Makes a text of two.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_concat (CupelExpression *left,
              CupelExpression *right)
{
  if (!both_given (left, right, G_STRFUNC))
    return NULL;

  return binary_new (CUPEL_OP_CONCAT, left, right);
}

/**
 * cupel_cast:
 * @operand: (transfer full): an expression
 * @type: (transfer full): an SQL type
 *
 * Makes a conversion that the server does.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_cast (CupelExpression *operand,
            CupelSqlType    *type)
{
  CupelExpression *self;

  g_return_val_if_fail (operand != NULL, NULL);
  g_return_val_if_fail (type != NULL, NULL);

  self = cupel_expression_new_unary (CUPEL_EXPRESSION_CAST, operand);
  self->type = type;

  return self;
}
