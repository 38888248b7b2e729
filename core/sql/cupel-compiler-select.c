/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-compiler-private.h"
#include "sql/cupel-schema-private.h"

#include <string.h>

void
cupel_compiler_append_column_list (CupelCompiler *compiler,
                                   GPtrArray     *expressions)
{
  for (guint i = 0; i < expressions->len; i++)
    {
      CupelExpression *expression = g_ptr_array_index (expressions, i);

      if (i > 0)
        cupel_compiler_append (compiler, ", ");
      cupel_compiler_append_expression (compiler, expression);
      if (expression->kind == CUPEL_EXPRESSION_LABEL)
        {
          cupel_compiler_append (compiler, " AS ");
          cupel_compiler_append_identifier (compiler, expression->name);
        }
    }
}

static void
append_table (CupelCompiler *compiler,
              CupelTable    *table)
{
  if (table->original != NULL)
    {
      cupel_compiler_append_identifier (compiler, table->original->name);
      cupel_compiler_append (compiler, " AS ");
    }
  cupel_compiler_append_identifier (compiler, table->name);
}

static void
append_from (CupelCompiler *compiler,
             CupelSelect   *select,
             GPtrArray     *froms)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  if (froms->len == 0 && select->joins->len == 0)
    return;
  if (froms->len == 0)
    {
      CupelJoin *join = g_ptr_array_index (select->joins, 0);

      cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING,
                           "There is no table that \"%s\" could be joined to: name one with cupel_select_from()",
                           join->table->name);
      return;
    }

  cupel_compiler_append (compiler, " FROM ");
  for (guint i = 0; i < froms->len; i++)
    {
      /* a comma binds weaker than JOIN: the ON of a join would not see what stands before it */
      if (i > 0)
        cupel_compiler_append (compiler, select->joins->len > 0 ? " CROSS JOIN " : ", ");
      append_table (compiler, g_ptr_array_index (froms, i));
    }

  for (guint i = 0; i < select->joins->len; i++)
    {
      CupelJoin *join = g_ptr_array_index (select->joins, i);
      g_autoptr(CupelExpression) on = NULL;
      GError *error = NULL;

      on = cupel_select_get_join_condition (select, i, froms, &error);
      if (on == NULL)
        {
          if (state->error == NULL)
            state->error = error;
          else
            g_error_free (error);
          return;
        }
      cupel_compiler_append (compiler, join->outer ? " LEFT OUTER JOIN " : " JOIN ");
      append_table (compiler, join->table);
      cupel_compiler_append (compiler, " ON ");
      cupel_compiler_append_expression (compiler, on);
    }
}

static void
append_list (CupelCompiler *compiler,
             const char    *keyword,
             GPtrArray     *expressions)
{
  for (guint i = 0; i < expressions->len; i++)
    {
      cupel_compiler_append (compiler, i == 0 ? keyword : ", ");
      cupel_compiler_append_expression (compiler, g_ptr_array_index (expressions, i));
    }
}

static gboolean
is_label_of (CupelSelect *select,
             const char  *name)
{
  for (guint i = 0; i < select->columns->len; i++)
    {
      const CupelExpression *column = g_ptr_array_index (select->columns, i);

      if (column->kind == CUPEL_EXPRESSION_LABEL && strcmp (column->name, name) == 0)
        return TRUE;
    }

  return FALSE;
}

static void
append_order_by (CupelCompiler *compiler,
                 CupelSelect   *select)
{
  for (guint i = 0; i < select->order_by->len; i++)
    {
      CupelExpression *expression = g_ptr_array_index (select->order_by, i);
      const char *direction = "";

      if (expression->kind == CUPEL_EXPRESSION_ASC || expression->kind == CUPEL_EXPRESSION_DESC)
        {
          direction = expression->kind == CUPEL_EXPRESSION_ASC ? " ASC" : " DESC";
          expression = expression->children[0];
        }
      cupel_compiler_append (compiler, i == 0 ? " ORDER BY " : ", ");
      if (expression->kind == CUPEL_EXPRESSION_LABEL && is_label_of (select, expression->name))
        cupel_compiler_append_identifier (compiler, expression->name);
      else
        CUPEL_COMPILER_GET_CLASS (compiler)->order_key (compiler, expression);
      cupel_compiler_append (compiler, direction);
    }
}

void
cupel_compiler_append_select (CupelCompiler *compiler,
                              CupelSelect   *select,
                              gboolean       exists)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  g_autoptr(GPtrArray) froms = cupel_select_get_froms (select, state->scope);
  guint n_scope = state->scope->len;
  gboolean qualify = state->qualify;
  guint parent = state->parent;

  state->qualify = TRUE;
  state->parent = 0;
  for (guint i = 0; i < froms->len; i++)
    g_ptr_array_add (state->scope, g_ptr_array_index (froms, i));
  for (guint i = 0; i < select->joins->len; i++)
    g_ptr_array_add (state->scope, ((CupelJoin *) g_ptr_array_index (select->joins, i))->table);

  cupel_compiler_append (compiler, select->distinct ? "SELECT DISTINCT " : "SELECT ");
  if (select->columns->len > 0)
    cupel_compiler_append_column_list (compiler, select->columns);
  else if (exists)
    cupel_compiler_append (compiler, "1");
  else
    cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "A SELECT has no columns: add some with cupel_select_add_column()");
  append_from (compiler, select, froms);
  if (select->where != NULL)
    {
      cupel_compiler_append (compiler, " WHERE ");
      cupel_compiler_append_expression (compiler, select->where);
    }
  append_list (compiler, " GROUP BY ", select->group_by);
  if (select->having != NULL)
    {
      cupel_compiler_append (compiler, " HAVING ");
      cupel_compiler_append_expression (compiler, select->having);
    }
  append_order_by (compiler, select);
  if (select->limit != NULL || select->offset != NULL)
    CUPEL_COMPILER_GET_CLASS (compiler)->limit (compiler, select->limit, select->offset);

  g_ptr_array_set_size (state->scope, (int) n_scope);
  state->parent = parent;
  state->qualify = qualify;
}
