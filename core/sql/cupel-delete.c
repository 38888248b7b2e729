/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

G_DEFINE_TYPE (CupelDelete, cupel_delete, CUPEL_TYPE_STATEMENT)

static void
cupel_delete_finalize (GObject *object)
{
  CupelDelete *self = CUPEL_DELETE (object);

  g_clear_object (&self->table);
  g_clear_pointer (&self->where, cupel_expression_unref);
  g_ptr_array_unref (self->returning);

  G_OBJECT_CLASS (cupel_delete_parent_class)->finalize (object);
}

static void
cupel_delete_copy (CupelStatement *statement,
                   CupelStatement *copy)
{
  CupelDelete *from = CUPEL_DELETE (statement);
  CupelDelete *to = CUPEL_DELETE (copy);

  to->table = g_object_ref (from->table);
  to->where = from->where != NULL ? cupel_expression_ref (from->where) : NULL;
  g_ptr_array_unref (to->returning);
  to->returning = cupel_expressions_copy (from->returning);
}

static void
cupel_delete_class_init (CupelDeleteClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_delete_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_DELETE;
  klass->parent_class.copy = cupel_delete_copy;
}

static void
cupel_delete_init (CupelDelete *self)
{
  self->returning = cupel_expressions_new ();
}

/**
 * cupel_delete_new:
 * @table: a table
 *
 * Makes a DELETE for a table.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelDelete *
cupel_delete_new (CupelTable *table)
{
  CupelDelete *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  self = g_object_new (CUPEL_TYPE_DELETE, NULL);
  self->table = g_object_ref (table);

  return self;
}

/**
 * cupel_delete_where:
 * @delete_: a DELETE that is not frozen
 * @condition: (transfer full): a condition
 *
 * Narrows the rows down: with AND when there is a condition already. Without one it is all rows.
 *
 * Since: 1.0
 */
void
cupel_delete_where (CupelDelete     *delete_,
                    CupelExpression *condition)
{
  g_return_if_fail (CUPEL_IS_DELETE (delete_));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (delete_), condition, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&delete_->parent_instance, G_STRFUNC, condition))
    delete_->where = delete_->where != NULL ? cupel_and (delete_->where, condition) : condition;
}

/**
 * cupel_delete_returning:
 * @delete_: a DELETE that is not frozen
 * @expression: (transfer full): what the column holds
 *
 * Adds a column to the result: RETURNING. Not every database has it.
 *
 * Since: 1.0
 */
void
cupel_delete_returning (CupelDelete     *delete_,
                        CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_DELETE (delete_));
  if (!cupel_statement_accepts (CUPEL_STATEMENT (delete_), expression, G_STRFUNC))
    return;

  if (cupel_statement_check_mutable (&delete_->parent_instance, G_STRFUNC, expression))
    g_ptr_array_add (delete_->returning, expression);
}
