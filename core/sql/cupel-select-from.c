/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the FROM of a SELECT is: nobody spells it out. */

#include "sql/cupel-schema-private.h"
#include "sql/cupel-shape-private.h"
#include "sql/cupel-statement-private.h"

static gboolean
is_joined (CupelSelect *select,
           CupelTable  *table,
           guint        n_joins)
{
  for (guint i = 0; i < n_joins; i++)
    if (((CupelJoin *) g_ptr_array_index (select->joins, i))->table == table)
      return TRUE;

  return FALSE;
}

static void
add_table (CupelSelect *select,
           GPtrArray   *froms,
           CupelTable  *table)
{
  if (table != NULL && !is_joined (select, table, select->joins->len) && !g_ptr_array_find (froms, table, NULL))
    g_ptr_array_add (froms, table);
}

/* Selects inside bring their own. */
static void
add_tables (CupelSelect           *select,
            GPtrArray             *froms,
            const CupelExpression *expression)
{
  if (expression == NULL)
    return;
  if (expression->kind == CUPEL_EXPRESSION_COLUMN)
    add_table (select, froms, cupel_column_get_table (expression->v.column.column));
  for (guint i = 0; i < expression->n_children; i++)
    add_tables (select, froms, expression->children[i]);
}

static void
add_all_tables (CupelSelect *select,
                GPtrArray   *froms,
                GPtrArray   *expressions)
{
  for (guint i = 0; i < expressions->len; i++)
    add_tables (select, froms, g_ptr_array_index (expressions, i));
}

GPtrArray *
cupel_select_get_froms (CupelSelect *select,
                        GPtrArray   *scope)
{
  GPtrArray *froms = g_ptr_array_new ();
  guint n_explicit, n_kept;

  for (guint i = 0; i < select->from->len; i++)
    add_table (select, froms, g_ptr_array_index (select->from, i));
  n_explicit = froms->len;

  add_all_tables (select, froms, select->columns);
  add_tables (select, froms, select->where);
  for (guint i = 0; i < select->joins->len; i++)
    add_tables (select, froms, ((CupelJoin *) g_ptr_array_index (select->joins, i))->on);
  add_all_tables (select, froms, select->group_by);
  add_tables (select, froms, select->having);
  add_all_tables (select, froms, select->order_by);

  /* Correlation: a table of the statement around is that one, unless nothing would be left. */
  n_kept = n_explicit;
  for (guint i = n_explicit; i < froms->len; i++)
    if (!g_ptr_array_find (scope, g_ptr_array_index (froms, i), NULL))
      n_kept++;
  if (n_kept > 0 && n_kept < froms->len)
    for (guint i = froms->len; i > n_explicit; i--)
      if (g_ptr_array_find (scope, g_ptr_array_index (froms, i - 1), NULL))
        g_ptr_array_remove_index (froms, i - 1);

  return froms;
}

/* Foreign keys of @from to @to; the last one is put in @column and @target. */
static guint
find_foreign_keys (CupelTable   *from,
                   CupelTable   *to,
                   CupelColumn **column,
                   CupelColumn **target)
{
  guint n = 0;

  for (guint i = 0; i < from->columns->len; i++)
    {
      CupelColumn *candidate = g_ptr_array_index (from->columns, i);
      CupelColumn *found = cupel_column_get_target_in (candidate, to);

      if (found == NULL)
        continue;
      *column = candidate;
      *target = found;
      n++;
    }

  return n;
}

static void
append_name (GString    *names,
             CupelTable *table)
{
  g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", table->name);
}

CupelExpression *
cupel_select_get_join_condition (CupelSelect  *select,
                                 guint         nth,
                                 GPtrArray    *froms,
                                 GError      **error)
{
  CupelJoin *join = g_ptr_array_index (select->joins, nth);
  g_autoptr(GPtrArray) before = g_ptr_array_new ();
  g_autoptr(GString) names = NULL;
  CupelColumn *column = NULL, *target = NULL;
  guint n = 0;

  if (join->on != NULL)
    return cupel_expression_ref (join->on);

  for (guint i = 0; i < froms->len; i++)
    g_ptr_array_add (before, g_ptr_array_index (froms, i));
  for (guint i = 0; i < nth; i++)
    g_ptr_array_add (before, ((CupelJoin *) g_ptr_array_index (select->joins, i))->table);

  for (guint i = 0; i < before->len; i++)
    {
      CupelTable *table = g_ptr_array_index (before, i);

      n += find_foreign_keys (join->table, table, &column, &target);
      n += find_foreign_keys (table, join->table, &column, &target);
    }
  if (n == 1)
    return cupel_eq (cupel_column_expression (target), cupel_column_expression (column));

  names = g_string_new (NULL);
  for (guint i = 0; i < before->len; i++)
    append_name (names, g_ptr_array_index (before, i));
  if (before->len == 0)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "There is no table that \"%s\" could be joined to: name one with cupel_select_from()", join->table->name);
  else if (n == 0)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "There is no foreign key between \"%s\" and %s: say in the join which rows belong together",
                 join->table->name, names->str);
  else
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "There are %u foreign keys between \"%s\" and %s: say in the join which rows belong together",
                 n, join->table->name, names->str);

  return NULL;
}
