/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-expression-private.h"
#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-statement-private.h"
#include "sql/cupel-value-private.h"

#include <string.h>

G_DEFINE_BOXED_TYPE (CupelExpression, cupel_expression, cupel_expression_ref, cupel_expression_unref)

static const char *const op_texts[] = {
  [CUPEL_OP_EQ] = "=",
  [CUPEL_OP_NE] = "<>",
  [CUPEL_OP_LT] = "<",
  [CUPEL_OP_LE] = "<=",
  [CUPEL_OP_GT] = ">",
  [CUPEL_OP_GE] = ">=",
  [CUPEL_OP_LIKE] = "LIKE",
  [CUPEL_OP_ADD] = "+",
  [CUPEL_OP_SUBTRACT] = "-",
  [CUPEL_OP_MULTIPLY] = "*",
  [CUPEL_OP_DIVIDE] = "/",
  [CUPEL_OP_CONCAT] = "||",
};

const char *
cupel_op_get_text (CupelOp op)
{
  return op_texts[op];
}

CupelExpression *
cupel_expression_new (CupelExpressionKind kind)
{
  CupelExpression *self = g_new0 (CupelExpression, 1);

  self->ref_count = 1;
  self->kind = kind;
  self->depth = 1;
  self->children = self->inline_children;

  return self;
}

static void
reserve_children (CupelExpression *self,
                  guint            n)
{
  if (n <= G_N_ELEMENTS (self->inline_children) || n <= self->n_allocated)
    return;

  if (self->n_allocated == 0)
    {
      self->n_allocated = MAX (n, 4);
      self->children = g_new (CupelExpression *, self->n_allocated);
      memcpy (self->children, self->inline_children, self->n_children * sizeof (CupelExpression *));
    }
  else
    {
      self->n_allocated = MAX (n, self->n_allocated * 2);
      self->children = g_renew (CupelExpression *, self->children, self->n_allocated);
    }
}

void
cupel_expression_add_child (CupelExpression *self,
                            CupelExpression *child)
{
  reserve_children (self, self->n_children + 1);
  self->children[self->n_children++] = child;
  if (child->depth >= self->depth)
    self->depth = child->depth < G_MAXUINT16 ? child->depth + 1 : G_MAXUINT16;
}

CupelExpression *
cupel_expression_new_unary (CupelExpressionKind  kind,
                            CupelExpression     *operand)
{
  CupelExpression *self = cupel_expression_new (kind);

  cupel_expression_add_child (self, operand);

  return self;
}

/**
 * cupel_expression_ref:
 * @expression: an expression
 *
 * Adds a reference, so that an expression can be used once more. Any thread may do so.
 *
 * Returns: (transfer full): @expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_expression_ref (CupelExpression *expression)
{
  g_return_val_if_fail (expression != NULL, NULL);

  g_atomic_int_inc (&expression->ref_count);

  return expression;
}

static void
expression_clear (CupelExpression *self)
{
  switch ((CupelExpressionKind) self->kind)
    {
    case CUPEL_EXPRESSION_COLUMN:
      g_clear_object (&self->v.column.column);
      g_clear_object (&self->v.column.table);
      break;

    case CUPEL_EXPRESSION_LITERAL:
      cupel_value_unref (self->v.value);
      break;

    case CUPEL_EXPRESSION_TEXT:
      cupel_raw_sql_unref (self->v.raw);
      break;

    case CUPEL_EXPRESSION_IN:
      cupel_row_block_unref (self->v.list);
      break;

    case CUPEL_EXPRESSION_IN_SELECT:
    case CUPEL_EXPRESSION_EXISTS:
    case CUPEL_EXPRESSION_SUBQUERY:
      g_object_unref (self->v.select);
      break;

    case CUPEL_EXPRESSION_NULL:
    case CUPEL_EXPRESSION_BIND:
    case CUPEL_EXPRESSION_FUNCTION:
    case CUPEL_EXPRESSION_COUNT_ALL:
    case CUPEL_EXPRESSION_BINARY:
    case CUPEL_EXPRESSION_AND:
    case CUPEL_EXPRESSION_OR:
    case CUPEL_EXPRESSION_NOT:
    case CUPEL_EXPRESSION_IS_NULL:
    case CUPEL_EXPRESSION_BETWEEN:
    case CUPEL_EXPRESSION_CAST:
    case CUPEL_EXPRESSION_LABEL:
    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
    default:
      break;
    }

  if (self->children != self->inline_children)
    g_free (self->children);
  g_clear_pointer (&self->type, cupel_sql_type_unref);
  g_free (self->name);
  g_free (self);
}

/**
 * cupel_expression_unref:
 * @expression: (transfer full): an expression
 *
 * Drops a reference. Any thread may do so.
 *
 * Since: 1.0
 */
void
cupel_expression_unref (CupelExpression *expression)
{
  CupelExpression *dead = NULL;

  g_return_if_fail (expression != NULL);

  /* Not recursive: a tree may be deeper than the stack. The dead are chained through their own name. */
  while (expression != NULL || dead != NULL)
    {
      if (expression != NULL && g_atomic_int_dec_and_test (&expression->ref_count))
        {
          g_free (expression->name);
          expression->name = (char *) dead;
          dead = expression;
        }
      expression = NULL;

      if (dead != NULL)
        {
          if (dead->n_children > 0)
            expression = dead->children[--dead->n_children];
          else
            {
              CupelExpression *next = (CupelExpression *) dead->name;

              dead->name = NULL;
              expression_clear (dead);
              dead = next;
            }
        }
    }
}

/* leaves */

/**
 * cupel_column_expression:
 * @column: a column
 *
 * Makes an expression that stands for a column.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_column_expression (CupelColumn *column)
{
  CupelExpression *self;
  CupelTable *table;

  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_COLUMN);
  self->v.column.column = g_object_ref (column);
  table = cupel_column_get_table (column);
  if (table != NULL)
    self->v.column.table = g_object_ref (table);

  return self;
}

/**
 * cupel_literal:
 * @value: (transfer full): a value
 *
 * Makes an expression of a value that travels with the statement, as a parameter and never in its text. It takes the SQL
 * type of the column that it is compared with or assigned to.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_literal (CupelValue *value)
{
  CupelExpression *self;

  g_return_val_if_fail (value != NULL, NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_LITERAL);
  self->v.value = value;

  return self;
}

/**
 * cupel_literal_int64:
 * @value: a number
 *
 * Makes an expression of an integer; see cupel_literal().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_literal_int64 (gint64 value)
{
  return cupel_literal (cupel_value_new_int64 (value));
}

/**
 * cupel_literal_double:
 * @value: a number
 *
 * Makes an expression of a floating-point number; see cupel_literal().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_literal_double (double value)
{
  return cupel_literal (cupel_value_new_double (value));
}

/**
 * cupel_literal_boolean:
 * @value: a truth value
 *
 * Makes an expression of a truth value; see cupel_literal().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_literal_boolean (gboolean value)
{
  return cupel_literal (cupel_value_new_boolean (value));
}

/**
 * cupel_literal_string:
 * @value: (nullable): a text in UTF-8, or %NULL for an SQL NULL
 *
 * Makes an expression of a text; see cupel_literal() and cupel_value_new_string().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_literal_string (const char *value)
{
  return cupel_literal (cupel_value_new_string (value));
}

/**
 * cupel_literal_datetime:
 * @value: (nullable): a point in time, or %NULL for an SQL NULL
 *
 * Makes an expression of a date and time; see cupel_literal() and cupel_value_new_datetime().
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_literal_datetime (GDateTime *value)
{
  return cupel_literal (cupel_value_new_datetime (value));
}

/**
 * cupel_null:
 *
 * Makes the expression `NULL`.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_null (void)
{
  return cupel_expression_new (CUPEL_EXPRESSION_NULL);
}

/**
 * cupel_bind:
 * @name: the name of a parameter
 * @type: (nullable) (transfer full): its SQL type; %NULL for that of the column that it is compared with or assigned to
 *
 * Makes an expression whose value comes with each execution.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_bind (const char   *name,
            CupelSqlType *type)
{
  CupelExpression *self;

  g_return_val_if_fail (name != NULL && *name != '\0', NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_BIND);
  self->name = g_strdup (name);
  self->type = type;

  return self;
}

/**
 * cupel_text:
 * @sql: SQL in the words of the database
 *
 * Makes an expression of raw SQL. This and cupel_text_new() are the only doors for it: never build @sql from input of others,
 * but write `:name` where a value belongs and give the value with the execution. See cupel_text_new() for how binds
 * are found.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_text (const char *sql)
{
  CupelExpression *self;

  g_return_val_if_fail (sql != NULL, NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_TEXT);
  self->v.raw = cupel_raw_sql_new (sql);

  return self;
}

static gboolean
is_function_name (const char *name)
{
  if (!g_ascii_isalpha (*name) && *name != '_')
    return FALSE;
  for (; *name != '\0'; name++)
    if (!g_ascii_isalnum (*name) && *name != '_' && *name != '.')
      return FALSE;

  return TRUE;
}

/**
 * cupel_func: (skip)
 * @name: the name of an SQL function: letters, digits, `_` and `.`
 * @...: (transfer full): its arguments, and a %NULL
 *
 * Makes a call of an SQL function.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_func (const char *name,
            ...)
{
  CupelExpression *self, *argument;
  va_list args;

  g_return_val_if_fail (name != NULL && is_function_name (name), NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_FUNCTION);
  self->name = g_strdup (name);
  va_start (args, name);
  while ((argument = va_arg (args, CupelExpression *)) != NULL)
    cupel_expression_add_child (self, argument);
  va_end (args);

  return self;
}

/**
 * cupel_funcv: (rename-to cupel_func)
 * @name: the name of an SQL function: letters, digits, `_` and `.`
 * @arguments: (array length=n_arguments) (transfer none) (nullable): its arguments; the call takes a reference on each
 * @n_arguments: how many
 *
 * Makes a call of an SQL function.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_funcv (const char       *name,
             CupelExpression **arguments,
             gsize             n_arguments)
{
  CupelExpression *self;

  g_return_val_if_fail (name != NULL && is_function_name (name), NULL);
  g_return_val_if_fail (arguments != NULL || n_arguments == 0, NULL);

  self = cupel_expression_new (CUPEL_EXPRESSION_FUNCTION);
  self->name = g_strdup (name);
  for (gsize i = 0; i < n_arguments; i++)
    cupel_expression_add_child (self, cupel_expression_ref (arguments[i]));

  return self;
}

/**
 * cupel_count:
 * @expression: (nullable) (transfer full): what to count, or %NULL for rows
 *
 * Makes a call of `count`.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_count (CupelExpression *expression)
{
  if (expression == NULL)
    return cupel_expression_new (CUPEL_EXPRESSION_COUNT_ALL);

  return cupel_func ("count", expression, NULL);
}

/* dressing */

/**
 * cupel_label:
 * @operand: (transfer full): an expression
 * @name: the name of its column in the result
 *
 * Names a column of a result: `AS`.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_label (CupelExpression *operand,
             const char      *name)
{
  CupelExpression *self;

  g_return_val_if_fail (operand != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  self = cupel_expression_new_unary (CUPEL_EXPRESSION_LABEL, operand);
  self->name = g_strdup (name);

  return self;
}

/**
 * cupel_asc:
 * @operand: (transfer full): an expression
 *
 * Says that an ORDER BY goes from the least up. It does so anyway.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_asc (CupelExpression *operand)
{
  g_return_val_if_fail (operand != NULL, NULL);

  return cupel_expression_new_unary (CUPEL_EXPRESSION_ASC, operand);
}

/**
 * cupel_desc:
 * @operand: (transfer full): an expression
 *
 * Says that an ORDER BY goes from the greatest down.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_desc (CupelExpression *operand)
{
  g_return_val_if_fail (operand != NULL, NULL);

  return cupel_expression_new_unary (CUPEL_EXPRESSION_DESC, operand);
}

static CupelSqlType *
function_type (const CupelExpression *self)
{
  static const struct { const char *name; CupelSqlKind kind; } known[] = {
    { "count", CUPEL_SQL_INT64 },
    { "length", CUPEL_SQL_INT64 },
    { "now", CUPEL_SQL_TIMESTAMP },
    { "lower", CUPEL_SQL_TEXT },
    { "upper", CUPEL_SQL_TEXT },
    { "trim", CUPEL_SQL_TEXT },
    { "replace", CUPEL_SQL_TEXT },
    { "concat", CUPEL_SQL_TEXT },
  };
  static const char *const as_argument[] = { "max", "min", "coalesce", "nullif" };

  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    if (g_ascii_strcasecmp (self->name, known[i].name) == 0)
      return cupel_sql_type_plain (known[i].kind);

  for (guint i = 0; i < G_N_ELEMENTS (as_argument); i++)
    if (g_ascii_strcasecmp (self->name, as_argument[i]) == 0)
      for (guint j = 0; j < self->n_children; j++)
        {
          CupelSqlType *type = cupel_expression_get_sql_type (self->children[j]);

          if (cupel_sql_type_get_kind (type) != CUPEL_SQL_NULL)
            return type;
        }

  return cupel_sql_type_plain (CUPEL_SQL_NULL);
}

static CupelSqlType *
binary_type (const CupelExpression *self)
{
  CupelSqlType *type;

  switch ((CupelOp) self->op)
    {
    case CUPEL_OP_ADD:
    case CUPEL_OP_SUBTRACT:
    case CUPEL_OP_MULTIPLY:
      /* the server decides when the two differ */
      type = cupel_expression_get_sql_type (self->children[0]);
      if (cupel_sql_type_get_kind (type) != cupel_sql_type_get_kind (cupel_expression_get_sql_type (self->children[1])))
        return cupel_sql_type_plain (CUPEL_SQL_NULL);
      return type;

    case CUPEL_OP_DIVIDE:
      return cupel_sql_type_plain (CUPEL_SQL_NULL);

    case CUPEL_OP_CONCAT:
      return cupel_sql_type_plain (CUPEL_SQL_TEXT);

    case CUPEL_OP_EQ:
    case CUPEL_OP_NE:
    case CUPEL_OP_LT:
    case CUPEL_OP_LE:
    case CUPEL_OP_GT:
    case CUPEL_OP_GE:
    case CUPEL_OP_LIKE:
    default:
      return cupel_sql_type_plain (CUPEL_SQL_BOOLEAN);
    }
}

/**
 * cupel_expression_get_sql_type: (skip)
 * @expression: an expression
 *
 * Tells what is known of the type of an expression: for dialects that write some types in another way.
 *
 * Returns: (transfer none): the type; its kind is %CUPEL_SQL_NULL when it is not known
 *
 * Since: 1.0
 */
CupelSqlType *
cupel_expression_get_sql_type (const CupelExpression *expression)
{
  switch ((CupelExpressionKind) expression->kind)
    {
    case CUPEL_EXPRESSION_COLUMN:
      return cupel_column_get_sql_type (expression->v.column.column);

    case CUPEL_EXPRESSION_LITERAL:
      return cupel_sql_type_plain (cupel_cell_kind_to_sql_kind (cupel_value_get_cell (expression->v.value)->kind));

    case CUPEL_EXPRESSION_BIND:
      return expression->type != NULL ? expression->type : cupel_sql_type_plain (CUPEL_SQL_NULL);

    case CUPEL_EXPRESSION_FUNCTION:
      return function_type (expression);

    case CUPEL_EXPRESSION_COUNT_ALL:
      return cupel_sql_type_plain (CUPEL_SQL_INT64);

    case CUPEL_EXPRESSION_BINARY:
      return binary_type (expression);

    case CUPEL_EXPRESSION_AND:
    case CUPEL_EXPRESSION_OR:
    case CUPEL_EXPRESSION_NOT:
    case CUPEL_EXPRESSION_IS_NULL:
    case CUPEL_EXPRESSION_BETWEEN:
    case CUPEL_EXPRESSION_IN:
    case CUPEL_EXPRESSION_IN_SELECT:
    case CUPEL_EXPRESSION_EXISTS:
      return cupel_sql_type_plain (CUPEL_SQL_BOOLEAN);

    case CUPEL_EXPRESSION_SUBQUERY:
      if (expression->v.select->columns->len > 0)
        return cupel_expression_get_sql_type (g_ptr_array_index (expression->v.select->columns, 0));
      return cupel_sql_type_plain (CUPEL_SQL_NULL);

    case CUPEL_EXPRESSION_CAST:
      return expression->type;

    case CUPEL_EXPRESSION_LABEL:
    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
      return cupel_expression_get_sql_type (expression->children[0]);

    case CUPEL_EXPRESSION_NULL:
    case CUPEL_EXPRESSION_TEXT:
    default:
      return cupel_sql_type_plain (CUPEL_SQL_NULL);
    }
}

const char *
cupel_expression_get_name (const CupelExpression *self)
{
  switch ((CupelExpressionKind) self->kind)
    {
    case CUPEL_EXPRESSION_COLUMN:
      return cupel_column_get_name (self->v.column.column);

    case CUPEL_EXPRESSION_FUNCTION:
    case CUPEL_EXPRESSION_LABEL:
    case CUPEL_EXPRESSION_BIND:
      return self->name;

    case CUPEL_EXPRESSION_COUNT_ALL:
      return "count";

    case CUPEL_EXPRESSION_CAST:
      return cupel_expression_get_name (self->children[0]);

    case CUPEL_EXPRESSION_LITERAL:
    case CUPEL_EXPRESSION_NULL:
    case CUPEL_EXPRESSION_TEXT:
    case CUPEL_EXPRESSION_BINARY:
    case CUPEL_EXPRESSION_AND:
    case CUPEL_EXPRESSION_OR:
    case CUPEL_EXPRESSION_NOT:
    case CUPEL_EXPRESSION_IS_NULL:
    case CUPEL_EXPRESSION_BETWEEN:
    case CUPEL_EXPRESSION_IN:
    case CUPEL_EXPRESSION_IN_SELECT:
    case CUPEL_EXPRESSION_EXISTS:
    case CUPEL_EXPRESSION_SUBQUERY:
    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
    default:
      return NULL;
    }
}
