/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

G_DEFINE_TYPE (CupelSelect, cupel_select, CUPEL_TYPE_STATEMENT)

static void
join_free (gpointer data)
{
  CupelJoin *join = data;

  g_object_unref (join->table);
  g_clear_pointer (&join->on, cupel_expression_unref);
  g_free (join);
}

static void
cupel_select_finalize (GObject *object)
{
  CupelSelect *self = CUPEL_SELECT (object);

  g_ptr_array_unref (self->columns);
  g_ptr_array_unref (self->from);
  g_ptr_array_unref (self->joins);
  g_clear_pointer (&self->where, cupel_expression_unref);
  g_ptr_array_unref (self->group_by);
  g_clear_pointer (&self->having, cupel_expression_unref);
  g_ptr_array_unref (self->order_by);
  g_clear_pointer (&self->limit, cupel_expression_unref);
  g_clear_pointer (&self->offset, cupel_expression_unref);

  G_OBJECT_CLASS (cupel_select_parent_class)->finalize (object);
}

static void
add_all (GPtrArray *to,
         GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, cupel_expression_ref (g_ptr_array_index (from, i)));
}

static CupelExpression *
ref_or_null (CupelExpression *expression)
{
  return expression != NULL ? cupel_expression_ref (expression) : NULL;
}

static void
add_join (CupelSelect     *self,
          CupelTable      *table,
          CupelExpression *on,
          gboolean         outer)
{
  CupelJoin *join = g_new (CupelJoin, 1);

  join->table = g_object_ref (table);
  join->on = on;
  join->outer = outer;
  g_ptr_array_add (self->joins, join);
}

static void
cupel_select_copy (CupelStatement *statement,
                   CupelStatement *copy)
{
  CupelSelect *from = CUPEL_SELECT (statement);
  CupelSelect *to = CUPEL_SELECT (copy);

  add_all (to->columns, from->columns);
  for (guint i = 0; i < from->from->len; i++)
    g_ptr_array_add (to->from, g_object_ref (g_ptr_array_index (from->from, i)));
  for (guint i = 0; i < from->joins->len; i++)
    {
      CupelJoin *join = g_ptr_array_index (from->joins, i);

      add_join (to, join->table, ref_or_null (join->on), join->outer);
    }
  to->where = ref_or_null (from->where);
  add_all (to->group_by, from->group_by);
  to->having = ref_or_null (from->having);
  add_all (to->order_by, from->order_by);
  to->limit = ref_or_null (from->limit);
  to->offset = ref_or_null (from->offset);
  to->distinct = from->distinct;
  to->entity_type = from->entity_type;
}

static void
cupel_select_class_init (CupelSelectClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_select_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_SELECT;
  klass->parent_class.copy = cupel_select_copy;
}

static void
cupel_select_init (CupelSelect *self)
{
  self->columns = cupel_expressions_new ();
  self->from = g_ptr_array_new_with_free_func (g_object_unref);
  self->joins = g_ptr_array_new_with_free_func (join_free);
  self->group_by = cupel_expressions_new ();
  self->order_by = cupel_expressions_new ();
}

/**
 * cupel_select_new:
 *
 * Makes a SELECT without columns.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelSelect *
cupel_select_new (void)
{
  return g_object_new (CUPEL_TYPE_SELECT, NULL);
}

/**
 * cupel_select_new_from_table:
 * @table: a table
 *
 * Makes a SELECT of all columns of a table.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelSelect *
cupel_select_new_from_table (CupelTable *table)
{
  CupelSelect *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  self = cupel_select_new ();
  g_ptr_array_add (self->from, g_object_ref (table));
  for (guint i = 0; i < cupel_table_get_n_columns (table); i++)
    g_ptr_array_add (self->columns, cupel_column_expression (cupel_table_get_nth_column (table, i)));

  return self;
}

/**
 * cupel_select_add_column:
 * @select: a SELECT that is not frozen
 * @expression: (transfer full): what the column holds; see cupel_label() for its name
 *
 * Adds a column to the result.
 *
 * Since: 1.0
 */
void
cupel_select_add_column (CupelSelect     *select,
                         CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (select), expression, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, expression))
    g_ptr_array_add (select->columns, expression);
}

/**
 * cupel_select_from:
 * @select: a SELECT that is not frozen
 * @table: a table
 *
 * Adds a table to FROM. Tables whose columns are named anywhere come by themselves.
 *
 * Since: 1.0
 */
void
cupel_select_from (CupelSelect *select,
                   CupelTable  *table)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  g_return_if_fail (CUPEL_IS_TABLE (table));

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, NULL) &&
      !g_ptr_array_find (select->from, table, NULL))
    g_ptr_array_add (select->from, g_object_ref (table));
}

/**
 * cupel_select_join:
 * @select: a SELECT that is not frozen
 * @table: a table
 * @on: (transfer full) (nullable): which rows belong together; %NULL for those that the one foreign key between @table and the
 *   tables before it says
 *
 * Adds a table with JOIN.
 *
 * With @on %NULL the execution fails with %CUPEL_ERROR_PROGRAMMING if there is no such foreign key or more than one.
 *
 * Since: 1.0
 */
void
cupel_select_join (CupelSelect     *select,
                   CupelTable      *table,
                   CupelExpression *on)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  g_return_if_fail (CUPEL_IS_TABLE (table));

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, on))
    add_join (select, table, on, FALSE);
}

/**
 * cupel_select_outer_join:
 * @select: a SELECT that is not frozen
 * @table: a table
 * @on: (transfer full) (nullable): which rows belong together, as in cupel_select_join()
 *
 * Adds a table with LEFT OUTER JOIN: rows before it stay even when no row of @table belongs to them.
 *
 * Since: 1.0
 */
void
cupel_select_outer_join (CupelSelect     *select,
                         CupelTable      *table,
                         CupelExpression *on)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  g_return_if_fail (CUPEL_IS_TABLE (table));

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, on))
    add_join (select, table, on, TRUE);
}

/**
 * cupel_select_where:
 * @select: a SELECT that is not frozen
 * @condition: (transfer full): a condition
 *
 * Narrows the rows down: with AND when there is a condition already.
 *
 * Since: 1.0
 */
void
cupel_select_where (CupelSelect     *select,
                    CupelExpression *condition)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (select), condition, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, condition))
    select->where = select->where != NULL ? cupel_and (select->where, condition) : condition;
}

/**
 * cupel_select_group_by:
 * @select: a SELECT that is not frozen
 * @expression: (transfer full): what the rows of a group have in common
 *
 * Adds an expression to GROUP BY.
 *
 * Since: 1.0
 */
void
cupel_select_group_by (CupelSelect     *select,
                       CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (select), expression, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, expression))
    g_ptr_array_add (select->group_by, expression);
}

/**
 * cupel_select_having:
 * @select: a SELECT that is not frozen
 * @condition: (transfer full): a condition on groups
 *
 * Narrows the groups down: with AND when there is a condition already.
 *
 * Since: 1.0
 */
void
cupel_select_having (CupelSelect     *select,
                     CupelExpression *condition)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (select), condition, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, condition))
    select->having = select->having != NULL ? cupel_and (select->having, condition) : condition;
}

/**
 * cupel_select_order_by:
 * @select: a SELECT that is not frozen
 * @expression: (transfer full): what to sort by; see cupel_desc()
 *
 * Adds an expression to ORDER BY.
 *
 * Since: 1.0
 */
void
cupel_select_order_by (CupelSelect     *select,
                       CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (select), expression, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, expression))
    g_ptr_array_add (select->order_by, expression);
}

static void
set_count (CupelSelect      *select,
           const char       *function,
           CupelExpression **where,
           gint64            count)
{
  if (!cupel_statement_check_mutable (&select->parent_instance, function, NULL))
    return;
  g_clear_pointer (where, cupel_expression_unref);
  if (count >= 0)
    *where = cupel_literal_int64 (count);
}

/**
 * cupel_select_limit:
 * @select: a SELECT that is not frozen
 * @limit: the greatest number of rows, -1 for no limit
 *
 * Limits the number of rows. The number travels as a parameter.
 *
 * Since: 1.0
 */
void
cupel_select_limit (CupelSelect *select,
                    gint64       limit)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  g_return_if_fail (limit >= -1);

  set_count (select, G_STRFUNC, &select->limit, limit);
}

/**
 * cupel_select_offset:
 * @select: a SELECT that is not frozen
 * @offset: how many rows to leave out first, -1 for none
 *
 * Leaves out the first rows. The number travels as a parameter.
 *
 * Since: 1.0
 */
void
cupel_select_offset (CupelSelect *select,
                     gint64       offset)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  g_return_if_fail (offset >= -1);

  set_count (select, G_STRFUNC, &select->offset, offset);
}

/**
 * cupel_select_distinct:
 * @select: a SELECT that is not frozen
 * @distinct: whether equal rows come once
 *
 * Says whether equal rows come once.
 *
 * Since: 1.0
 */
void
cupel_select_distinct (CupelSelect *select,
                       gboolean     distinct)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, NULL))
    select->distinct = distinct != FALSE;
}

/**
 * cupel_select_set_entity_type:
 * @select: a SELECT that is not frozen
 * @type: a mapped class, or %G_TYPE_INVALID for plain rows
 *
 * Says that the first columns are those of a mapped class. The layer that maps classes does so.
 *
 * Since: 1.0
 */
void
cupel_select_set_entity_type (CupelSelect *select,
                              GType        type)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));

  if (cupel_statement_check_mutable (&select->parent_instance, G_STRFUNC, NULL))
    select->entity_type = type;
}

/**
 * cupel_select_get_entity_type:
 * @select: a SELECT
 *
 * Gets the mapped class whose columns come first.
 *
 * Returns: the class, %G_TYPE_INVALID for plain rows
 *
 * Since: 1.0
 */
GType
cupel_select_get_entity_type (CupelSelect *select)
{
  g_return_val_if_fail (CUPEL_IS_SELECT (select), G_TYPE_INVALID);

  return select->entity_type;
}
