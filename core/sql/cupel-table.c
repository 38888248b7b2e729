/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-schema-private.h"

/**
 * CupelTable:
 *
 * A table: a name and columns.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (CupelTable, cupel_table, G_TYPE_OBJECT)

static void
cupel_table_finalize (GObject *object)
{
  CupelTable *self = CUPEL_TABLE (object);

  for (guint i = 0; i < self->columns->len; i++)
    ((CupelColumn *) g_ptr_array_index (self->columns, i))->table = NULL;
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->columns);
  g_clear_object (&self->original);
  g_free (self->name);

  G_OBJECT_CLASS (cupel_table_parent_class)->finalize (object);
}

static void
cupel_table_class_init (CupelTableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_table_finalize;
}

static void
cupel_table_init (CupelTable *self)
{
  self->columns = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
}

/**
 * cupel_table_new:
 * @name: its name
 *
 * Makes a table without columns.
 *
 * Returns: (transfer full): a new table
 *
 * Since: 1.0
 */
CupelTable *
cupel_table_new (const char *name)
{
  CupelTable *self;

  g_return_val_if_fail (name != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_TABLE, NULL);
  self->name = g_strdup (name);

  return self;
}

/**
 * cupel_table_new_alias:
 * @table: a table
 * @name: another name
 *
 * Makes a second name for a table, for a SELECT that needs the table twice: `"node" AS "parent"`. It has columns like those
 * that @table has now.
 *
 * Returns: (transfer full): a new table
 *
 * Since: 1.0
 */
CupelTable *
cupel_table_new_alias (CupelTable *table,
                       const char *name)
{
  CupelTable *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  self = cupel_table_new (name);
  self->original = g_object_ref (table->original != NULL ? table->original : table);
  for (guint i = 0; i < table->columns->len; i++)
    {
      CupelColumn *from = g_ptr_array_index (table->columns, i);
      CupelColumn *column = cupel_column_new (from->name, cupel_sql_type_ref (from->type));

      column->primary_key = from->primary_key;
      column->nullable = from->nullable;
      if (from->foreign_key != NULL)
        cupel_column_set_foreign_key (column, from->foreign_key);
      cupel_table_add_column (self, column);
    }

  return self;
}

void
cupel_table_set_metadata (CupelTable    *table,
                          CupelMetadata *metadata)
{
  table->metadata = metadata;
}

/**
 * cupel_table_get_name:
 * @table: a table
 *
 * Gets the name of a table.
 *
 * Returns: its name
 *
 * Since: 1.0
 */
const char *
cupel_table_get_name (CupelTable *table)
{
  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  return table->name;
}

/**
 * cupel_table_add_column:
 * @table: a table
 * @column: (transfer full): a column that belongs to no table
 *
 * Adds a column. No two may have the same name.
 *
 * Since: 1.0
 */
void
cupel_table_add_column (CupelTable  *table,
                        CupelColumn *column)
{
  g_return_if_fail (CUPEL_IS_TABLE (table));
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  if (column->table != NULL || g_hash_table_contains (table->by_name, column->name))
    {
      if (column->table != NULL)
        g_critical ("%s: the column \"%s\" belongs to the table \"%s\"", G_STRFUNC, column->name, column->table->name);
      else
        g_critical ("%s: the table \"%s\" has a column \"%s\" already", G_STRFUNC, table->name, column->name);
      g_object_unref (column);
      return;
    }

  column->table = table;
  column->position = table->columns->len;
  g_ptr_array_add (table->columns, column);
  g_hash_table_insert (table->by_name, column->name, column);
}

/**
 * cupel_table_get_column:
 * @table: a table
 * @name: the name of a column
 *
 * Finds a column by its name.
 *
 * Returns: (transfer none) (nullable): the column
 *
 * Since: 1.0
 */
CupelColumn *
cupel_table_get_column (CupelTable *table,
                        const char *name)
{
  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return g_hash_table_lookup (table->by_name, name);
}

/**
 * cupel_table_get_n_columns:
 * @table: a table
 *
 * Counts the columns of a table.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_table_get_n_columns (CupelTable *table)
{
  g_return_val_if_fail (CUPEL_IS_TABLE (table), 0);

  return table->columns->len;
}

/**
 * cupel_table_get_nth_column:
 * @table: a table
 * @nth: which one, from 0
 *
 * Gets a column by its place.
 *
 * Returns: (transfer none): the column
 *
 * Since: 1.0
 */
CupelColumn *
cupel_table_get_nth_column (CupelTable *table,
                            guint       nth)
{
  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);
  g_return_val_if_fail (nth < table->columns->len, NULL);

  return g_ptr_array_index (table->columns, nth);
}

/**
 * cupel_table_c:
 * @table: a table
 * @name: the name of one of its columns
 *
 * Makes an expression that stands for a column. That there is no such column is an error of the caller.
 *
 * Returns: (transfer full): a new expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_table_c (CupelTable *table,
               const char *name)
{
  CupelColumn *column;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  column = g_hash_table_lookup (table->by_name, name);
  if (column == NULL)
    {
      g_critical ("%s: the table \"%s\" has no column \"%s\"", G_STRFUNC, table->name, name);
      return NULL;
    }

  return cupel_column_expression (column);
}
