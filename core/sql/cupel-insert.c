/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

G_DEFINE_TYPE (CupelInsert, cupel_insert, CUPEL_TYPE_STATEMENT)

static void
cupel_insert_finalize (GObject *object)
{
  CupelInsert *self = CUPEL_INSERT (object);

  g_clear_object (&self->table);
  g_ptr_array_unref (self->assignments);
  g_ptr_array_unref (self->returning);

  G_OBJECT_CLASS (cupel_insert_parent_class)->finalize (object);
}

static void
cupel_insert_copy (CupelStatement *statement,
                   CupelStatement *copy)
{
  CupelInsert *from = CUPEL_INSERT (statement);
  CupelInsert *to = CUPEL_INSERT (copy);

  to->table = g_object_ref (from->table);
  g_ptr_array_unref (to->assignments);
  to->assignments = cupel_assignments_copy (from->assignments);
  g_ptr_array_unref (to->returning);
  to->returning = cupel_expressions_copy (from->returning);
}

static void
cupel_insert_class_init (CupelInsertClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_insert_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_INSERT;
  klass->parent_class.copy = cupel_insert_copy;
}

static void
cupel_insert_init (CupelInsert *self)
{
  self->assignments = cupel_assignments_new ();
  self->returning = cupel_expressions_new ();
}

/**
 * cupel_insert_new:
 * @table: a table
 *
 * Makes an INSERT for a table.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelInsert *
cupel_insert_new (CupelTable *table)
{
  CupelInsert *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  self = g_object_new (CUPEL_TYPE_INSERT, NULL);
  self->table = g_object_ref (table);

  return self;
}

/**
 * cupel_insert_set:
 * @insert: an INSERT that is not frozen
 * @column: the name of a column of its table
 * @value: (transfer full): its value
 *
 * Gives a column of the row a value. A later value for the same column replaces an earlier one.
 *
 * Since: 1.0
 */
void
cupel_insert_set (CupelInsert     *insert,
                  const char      *column,
                  CupelExpression *value)
{
  CupelColumn *found;

  g_return_if_fail (CUPEL_IS_INSERT (insert));
  g_return_if_fail (column != NULL);
  if (!cupel_statement_accepts (CUPEL_STATEMENT (insert), value, G_STRFUNC))
    return;

  if (!cupel_statement_check_mutable (&insert->parent_instance, G_STRFUNC, value))
    return;
  found = cupel_table_get_column (insert->table, column);
  if (found == NULL)
    {
      g_critical ("%s: the table \"%s\" has no column \"%s\"", G_STRFUNC, cupel_table_get_name (insert->table), column);
      cupel_expression_unref (value);
      return;
    }
  cupel_assignments_set (insert->assignments, found, value);
}

/**
 * cupel_insert_add_column:
 * @insert: an INSERT that is not frozen
 * @column: a column of its table
 *
 * Adds a column whose value comes with each execution, as the parameter of the same name. An INSERT without any column
 * makes a row of defaults.
 *
 * Since: 1.0
 */
void
cupel_insert_add_column (CupelInsert *insert,
                         CupelColumn *column)
{
  g_return_if_fail (CUPEL_IS_INSERT (insert));
  g_return_if_fail (CUPEL_IS_COLUMN (column));
  g_return_if_fail (cupel_column_get_table (column) == insert->table);

  if (cupel_statement_check_mutable (&insert->parent_instance, G_STRFUNC, NULL))
    cupel_assignments_set (insert->assignments, column, NULL);
}

/**
 * cupel_insert_returning:
 * @insert: an INSERT that is not frozen
 * @expression: (transfer full): what the column holds
 *
 * Adds a column to the result: RETURNING. Not every database has it.
 *
 * Since: 1.0
 */
void
cupel_insert_returning (CupelInsert     *insert,
                        CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_INSERT (insert));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (insert), expression, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&insert->parent_instance, G_STRFUNC, expression))
    g_ptr_array_add (insert->returning, expression);
}
