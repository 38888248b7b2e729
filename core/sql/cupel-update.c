/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

G_DEFINE_TYPE (CupelUpdate, cupel_update, CUPEL_TYPE_STATEMENT)

static void
cupel_update_finalize (GObject *object)
{
  CupelUpdate *self = CUPEL_UPDATE (object);

  g_clear_object (&self->table);
  g_ptr_array_unref (self->assignments);
  g_clear_pointer (&self->where, cupel_expression_unref);
  g_ptr_array_unref (self->returning);

  G_OBJECT_CLASS (cupel_update_parent_class)->finalize (object);
}

static void
cupel_update_copy (CupelStatement *statement,
                   CupelStatement *copy)
{
  CupelUpdate *from = CUPEL_UPDATE (statement);
  CupelUpdate *to = CUPEL_UPDATE (copy);

  to->table = g_object_ref (from->table);
  g_ptr_array_unref (to->assignments);
  to->assignments = cupel_assignments_copy (from->assignments);
  to->where = from->where != NULL ? cupel_expression_ref (from->where) : NULL;
  g_ptr_array_unref (to->returning);
  to->returning = cupel_expressions_copy (from->returning);
}

static void
cupel_update_class_init (CupelUpdateClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_update_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_UPDATE;
  klass->parent_class.copy = cupel_update_copy;
}

static void
cupel_update_init (CupelUpdate *self)
{
  self->assignments = cupel_assignments_new ();
  self->returning = cupel_expressions_new ();
}

/**
 * cupel_update_new:
 * @table: a table
 *
 * Makes an UPDATE for a table.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelUpdate *
cupel_update_new (CupelTable *table)
{
  CupelUpdate *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  self = g_object_new (CUPEL_TYPE_UPDATE, NULL);
  self->table = g_object_ref (table);

  return self;
}

/**
 * cupel_update_set:
 * @update: an UPDATE that is not frozen
 * @column: the name of a column of its table
 * @value: (transfer full): its value; may be a cupel_bind()
 *
 * Gives a column of the rows a value. A later value for the same column replaces an earlier one.
 *
 * Since: 1.0
 */
void
cupel_update_set (CupelUpdate     *update,
                  const char      *column,
                  CupelExpression *value)
{
  CupelColumn *found;

  g_return_if_fail (CUPEL_IS_UPDATE (update));
  g_return_if_fail (column != NULL);
  if (!cupel_statement_accepts (CUPEL_STATEMENT (update), value, G_STRFUNC))
    return;

  if (!cupel_statement_check_mutable (&update->parent_instance, G_STRFUNC, value))
    return;
  found = cupel_table_get_column (update->table, column);
  if (found == NULL)
    {
      g_critical ("%s: the table \"%s\" has no column \"%s\"", G_STRFUNC, cupel_table_get_name (update->table), column);
      cupel_expression_unref (value);
      return;
    }
  cupel_assignments_set (update->assignments, found, value);
}

/**
 * cupel_update_where:
 * @update: an UPDATE that is not frozen
 * @condition: (transfer full): a condition
 *
 * Narrows the rows down: with AND when there is a condition already. Without one it is all rows.
 *
 * Since: 1.0
 */
void
cupel_update_where (CupelUpdate     *update,
                    CupelExpression *condition)
{
  g_return_if_fail (CUPEL_IS_UPDATE (update));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (update), condition, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&update->parent_instance, G_STRFUNC, condition))
    update->where = update->where != NULL ? cupel_and (update->where, condition) : condition;
}

/**
 * cupel_update_returning:
 * @update: an UPDATE that is not frozen
 * @expression: (transfer full): what the column holds
 *
 * Adds a column to the result: RETURNING. Not every database has it.
 *
 * Since: 1.0
 */
void
cupel_update_returning (CupelUpdate     *update,
                        CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_UPDATE (update));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (update), expression, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&update->parent_instance, G_STRFUNC, expression))
    g_ptr_array_add (update->returning, expression);
}
