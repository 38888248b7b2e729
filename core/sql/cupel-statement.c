/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

G_DEFINE_ABSTRACT_TYPE (CupelStatement, cupel_statement, G_TYPE_OBJECT)

static void
cupel_statement_finalize (GObject *object)
{
  CupelStatement *self = CUPEL_STATEMENT (object);

  for (guint i = 0; i < CUPEL_N_REMEMBERED; i++)
    g_clear_pointer (&self->remembered[i].compiled, cupel_compiled_unref);
  g_clear_pointer (&self->shape, cupel_shape_free);
  g_clear_pointer (&self->options, g_ptr_array_unref);
  g_mutex_clear (&self->lock);

  G_OBJECT_CLASS (cupel_statement_parent_class)->finalize (object);
}

static void
cupel_statement_class_init (CupelStatementClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_statement_finalize;
}

static void
cupel_statement_init (CupelStatement *self)
{
  g_mutex_init (&self->lock);
}

void
cupel_statement_freeze (CupelStatement *statement)
{
  g_atomic_int_set (&statement->frozen, TRUE);
}

gboolean
cupel_statement_check_mutable (CupelStatement  *statement,
                               const char      *function,
                               CupelExpression *expression)
{
  if (G_LIKELY (!g_atomic_int_get (&statement->frozen)))
    return TRUE;

  g_critical ("%s: the statement was executed and cannot change any more; use cupel_statement_copy()", function);
  g_clear_pointer (&expression, cupel_expression_unref);

  return FALSE;
}

gboolean
cupel_statement_check (CupelStatement  *statement,
                       GError         **error)
{
  if (G_LIKELY (statement->broken == NULL))
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT,
               "The statement is not executed: %s() was given no expression, perhaps because of a misspelt name, "
               "and without it the statement would mean something else", statement->broken);
  return FALSE;
}

CupelShape *
cupel_statement_get_shape (CupelStatement  *statement,
                           GError         **error)
{
  /* the caller holds the lock */
  cupel_statement_freeze (statement);
  if (!cupel_statement_check (statement, error))
    return NULL;
  if (statement->shape == NULL)
    statement->shape = cupel_shape_new (statement, error);

  return statement->shape;
}

/**
 * cupel_statement_is_frozen:
 * @statement: a statement
 *
 * Tells whether a statement was executed and therefore cannot be changed any more.
 *
 * Returns: whether it is frozen
 *
 * Since: 1.0
 */
gboolean
cupel_statement_is_frozen (CupelStatement *statement)
{
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), FALSE);

  return g_atomic_int_get (&statement->frozen);
}

/**
 * cupel_statement_copy:
 * @statement: a statement
 *
 * Copies a statement, frozen or not. Statements inside it are shared.
 *
 * Returns: (transfer full): a statement that can be changed
 *
 * Since: 1.0
 */
CupelStatement *
cupel_statement_copy (CupelStatement *statement)
{
  CupelStatement *copy;

  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  copy = g_object_new (G_OBJECT_TYPE (statement), NULL);
  copy->broken = statement->broken;
  if (statement->options != NULL)
    for (guint i = 0; i < statement->options->len; i++)
      cupel_statement_add_option (copy, g_ptr_array_index (statement->options, i));
  ((CupelStatementClass *) ((GTypeInstance *) statement)->g_class)->copy (statement, copy);

  return copy;
}

/**
 * cupel_statement_add_option:
 * @statement: a statement that is not frozen
 * @option: what a layer above wants to know when it executes @statement, a loader option for instance
 *
 * Hangs an object on a statement. It is no part of the SQL.
 *
 * Since: 1.0
 */
void
cupel_statement_add_option (CupelStatement *statement,
                            GObject        *option)
{
  g_return_if_fail (CUPEL_IS_STATEMENT (statement));
  g_return_if_fail (G_IS_OBJECT (option));

  if (!cupel_statement_check_mutable (statement, G_STRFUNC, NULL))
    return;
  if (statement->options == NULL)
    statement->options = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (statement->options, g_object_ref (option));
}

/**
 * cupel_statement_get_options:
 * @statement: a statement
 *
 * Gets the objects that cupel_statement_add_option() hung on a statement, in order.
 *
 * Returns: (transfer none) (nullable) (element-type GObject): the objects, %NULL when there are none
 *
 * Since: 1.0
 */
GPtrArray *
cupel_statement_get_options (CupelStatement *statement)
{
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  return statement->options;
}

/* what the statements share */

GPtrArray *
cupel_expressions_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_expression_unref);
}

GPtrArray *
cupel_expressions_copy (GPtrArray *expressions)
{
  return g_ptr_array_copy (expressions, (GCopyFunc) (GCallback) cupel_expression_ref, NULL);
}

static void
assignment_free (gpointer data)
{
  CupelAssignment *assignment = data;

  g_object_unref (assignment->column);
  g_clear_pointer (&assignment->value, cupel_expression_unref);
  g_free (assignment);
}

GPtrArray *
cupel_assignments_new (void)
{
  return g_ptr_array_new_with_free_func (assignment_free);
}

void
cupel_assignments_set (GPtrArray       *assignments,
                       CupelColumn     *column,
                       CupelExpression *value)
{
  CupelAssignment *assignment;

  for (guint i = 0; i < assignments->len; i++)
    {
      assignment = g_ptr_array_index (assignments, i);
      if (assignment->column == column)
        {
          g_clear_pointer (&assignment->value, cupel_expression_unref);
          assignment->value = value;
          return;
        }
    }

  assignment = g_new (CupelAssignment, 1);
  assignment->column = g_object_ref (column);
  assignment->value = value;
  g_ptr_array_add (assignments, assignment);
}

GPtrArray *
cupel_assignments_copy (GPtrArray *assignments)
{
  GPtrArray *copy = cupel_assignments_new ();

  for (guint i = 0; i < assignments->len; i++)
    {
      CupelAssignment *assignment = g_ptr_array_index (assignments, i);

      cupel_assignments_set (copy, assignment->column,
                             assignment->value != NULL ? cupel_expression_ref (assignment->value) : NULL);
    }

  return copy;
}
