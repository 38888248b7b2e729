/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-schema-private.h"
#include "sql/cupel-sql-type-private.h"

#include <string.h>

/**
 * CupelColumn:
 *
 * A column of a table: a name, an SQL type and constraints.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (CupelColumn, cupel_column, G_TYPE_OBJECT)

/* A column that refers to a column that refers ... ends here at the latest. */
#define MAX_REFERENCES 16

static void
cupel_column_finalize (GObject *object)
{
  CupelColumn *self = CUPEL_COLUMN (object);

  g_free (self->name);
  g_clear_pointer (&self->type, cupel_sql_type_unref);
  g_clear_pointer (&self->server_default, cupel_expression_unref);
  g_free (self->foreign_key);
  g_free (self->foreign_table);

  G_OBJECT_CLASS (cupel_column_parent_class)->finalize (object);
}

static void
cupel_column_class_init (CupelColumnClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_column_finalize;
}

static void
cupel_column_init (CupelColumn *self)
{
  self->nullable = TRUE;
  self->autoincrement = -1;
}

/**
 * cupel_column_new:
 * @name: its name
 * @type: (transfer full): its SQL type; one of %CUPEL_SQL_NULL for that of the column that it will refer to
 *
 * Makes a column. It is nullable unless told otherwise.
 *
 * Returns: (transfer full): a new column
 *
 * Since: 1.0
 */
CupelColumn *
cupel_column_new (const char   *name,
                  CupelSqlType *type)
{
  CupelColumn *self;

  g_return_val_if_fail (name != NULL, NULL);
  g_return_val_if_fail (type != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_COLUMN, NULL);
  self->name = g_strdup (name);
  self->type = type;

  return self;
}

/**
 * cupel_column_get_name:
 * @column: a column
 *
 * Gets the name of a column.
 *
 * Returns: its name
 *
 * Since: 1.0
 */
const char *
cupel_column_get_name (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  return column->name;
}

/**
 * cupel_column_get_sql_type:
 * @column: a column
 *
 * Gets the SQL type of a column. A foreign key that was made with %CUPEL_SQL_NULL has the type of its target as soon as that
 * can be found.
 *
 * Returns: (transfer none): the type
 *
 * Since: 1.0
 */
CupelSqlType *
cupel_column_get_sql_type (CupelColumn *column)
{
  CupelColumn *target = column;

  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  for (guint i = 0; i < MAX_REFERENCES && target != NULL; i++)
    {
      if (cupel_sql_type_get_kind (target->type) != CUPEL_SQL_NULL)
        return target->type;
      target = cupel_column_get_foreign_column (target);
    }

  return column->type;
}

/**
 * cupel_column_get_table:
 * @column: a column
 *
 * Gets the table that a column belongs to.
 *
 * Returns: (transfer none) (nullable): the table
 *
 * Since: 1.0
 */
CupelTable *
cupel_column_get_table (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  return column->table;
}

/**
 * cupel_column_get_position:
 * @column: a column
 *
 * Gets where a column stands in its table.
 *
 * Returns: its place, from 0
 *
 * Since: 1.0
 */
guint
cupel_column_get_position (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), 0);

  return column->position;
}

/**
 * cupel_column_set_primary_key:
 * @column: a column
 * @primary_key: whether it is in the primary key
 *
 * Puts a column in the primary key of its table. Such a column is never NULL.
 *
 * Since: 1.0
 */
void
cupel_column_set_primary_key (CupelColumn *column,
                              gboolean     primary_key)
{
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  column->primary_key = primary_key != FALSE;
}

/**
 * cupel_column_get_primary_key:
 * @column: a column
 *
 * Tells whether a column is in the primary key of its table.
 *
 * Returns: whether it is
 *
 * Since: 1.0
 */
gboolean
cupel_column_get_primary_key (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), FALSE);

  return column->primary_key;
}

/**
 * cupel_column_set_nullable:
 * @column: a column
 * @nullable: whether it may be NULL
 *
 * Says whether a column may be NULL.
 *
 * Since: 1.0
 */
void
cupel_column_set_nullable (CupelColumn *column,
                           gboolean     nullable)
{
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  column->nullable = nullable != FALSE;
}

/**
 * cupel_column_get_nullable:
 * @column: a column
 *
 * Tells whether a column may be NULL.
 *
 * Returns: whether it may; %FALSE for a column in the primary key
 *
 * Since: 1.0
 */
gboolean
cupel_column_get_nullable (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), FALSE);

  return column->nullable && !column->primary_key;
}

/**
 * cupel_column_set_unique:
 * @column: a column
 * @unique: whether no two rows may have the same value
 *
 * Says whether the values of a column are unique.
 *
 * Since: 1.0
 */
void
cupel_column_set_unique (CupelColumn *column,
                         gboolean     unique)
{
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  column->unique = unique != FALSE;
}

/**
 * cupel_column_get_unique:
 * @column: a column
 *
 * Tells whether the values of a column are unique.
 *
 * Returns: whether they are
 *
 * Since: 1.0
 */
gboolean
cupel_column_get_unique (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), FALSE);

  return column->unique;
}

/**
 * cupel_column_set_index:
 * @column: a column
 * @index: whether it has an index of its own
 *
 * Says whether an index is created for a column, with its table.
 *
 * Since: 1.0
 */
void
cupel_column_set_index (CupelColumn *column,
                        gboolean     index)
{
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  column->index = index != FALSE;
}

/**
 * cupel_column_get_index:
 * @column: a column
 *
 * Tells whether an index is created for a column.
 *
 * Returns: whether it is
 *
 * Since: 1.0
 */
gboolean
cupel_column_get_index (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), FALSE);

  return column->index;
}

static gboolean
is_only_key_column (CupelColumn *column)
{
  if (!column->primary_key || column->table == NULL)
    return FALSE;

  for (guint i = 0; i < column->table->columns->len; i++)
    {
      CupelColumn *other = g_ptr_array_index (column->table->columns, i);

      if (other != column && other->primary_key)
        return FALSE;
    }

  return TRUE;
}

/**
 * cupel_column_get_autoincrement:
 * @column: a column
 *
 * Tells whether the server generates the values of a column.
 *
 * Unless said otherwise it does so for an integer that is alone the primary key of its table and has neither a server
 * default nor a foreign key.
 *
 * Returns: whether it does
 *
 * Since: 1.0
 */
gboolean
cupel_column_get_autoincrement (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), FALSE);

  if (column->autoincrement >= 0)
    return column->autoincrement;
  if (column->server_default != NULL || column->foreign_key != NULL || !is_only_key_column (column))
    return FALSE;

  switch (cupel_sql_type_get_kind (column->type))
    {
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      return TRUE;

    case CUPEL_SQL_NULL:
    case CUPEL_SQL_BOOLEAN:
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
    case CUPEL_SQL_NUMERIC:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_BYTES:
    case CUPEL_SQL_DATE:
    case CUPEL_SQL_TIME:
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
    case CUPEL_SQL_UUID:
    case CUPEL_SQL_JSON:
    default:
      return FALSE;
    }
}

/**
 * cupel_column_set_autoincrement:
 * @column: a column
 * @autoincrement: whether the server generates its values
 *
 * Says whether the server generates the values of a column, see cupel_column_get_autoincrement().
 *
 * Since: 1.0
 */
void
cupel_column_set_autoincrement (CupelColumn *column,
                                gboolean     autoincrement)
{
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  column->autoincrement = autoincrement != FALSE;
}

/**
 * cupel_column_set_server_default:
 * @column: a column
 * @expression: (transfer full) (nullable): the value, such as `cupel_func ("now", NULL)`, a literal or cupel_text()
 *
 * Sets what the server gives a column that an INSERT does not name.
 *
 * Since: 1.0
 */
void
cupel_column_set_server_default (CupelColumn     *column,
                                 CupelExpression *expression)
{
  g_return_if_fail (CUPEL_IS_COLUMN (column));

  g_clear_pointer (&column->server_default, cupel_expression_unref);
  column->server_default = expression;
}

/**
 * cupel_column_get_server_default:
 * @column: a column
 *
 * Gets what the server gives a column that an INSERT does not name.
 *
 * Returns: (transfer none) (nullable): the value
 *
 * Since: 1.0
 */
CupelExpression *
cupel_column_get_server_default (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  return column->server_default;
}

/**
 * cupel_column_set_foreign_key:
 * @column: a column
 * @target: "table.column"
 *
 * Makes a column refer to a column of another table, or of its own. The target is looked up when it is needed, so
 * tables can be made in any order.
 *
 * Since: 1.0
 */
void
cupel_column_set_foreign_key (CupelColumn *column,
                              const char  *target)
{
  const char *dot;

  g_return_if_fail (CUPEL_IS_COLUMN (column));
  g_return_if_fail (target != NULL);
  dot = strrchr (target, '.');
  g_return_if_fail (dot != NULL && dot != target && dot[1] != '\0');

  g_free (column->foreign_key);
  g_free (column->foreign_table);
  column->foreign_key = g_strdup (target);
  column->foreign_table = g_strndup (target, (gsize) (dot - target));
  column->foreign_column = column->foreign_key + (dot - target) + 1;
}

/**
 * cupel_column_get_foreign_key:
 * @column: a column
 *
 * Gets what a column refers to.
 *
 * Returns: (nullable): "table.column"
 *
 * Since: 1.0
 */
const char *
cupel_column_get_foreign_key (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  return column->foreign_key;
}

/**
 * cupel_column_get_foreign_column:
 * @column: a column
 *
 * Gets the column that a column refers to.
 *
 * Returns: (transfer none) (nullable): the column, or %NULL if it refers to none or the target is not in the metadata of its
 *   table (yet)
 *
 * Since: 1.0
 */
CupelColumn *
cupel_column_get_foreign_column (CupelColumn *column)
{
  CupelTable *table, *target;

  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  if (column->foreign_key == NULL || column->table == NULL)
    return NULL;

  table = column->table->original != NULL ? column->table->original : column->table;
  if (strcmp (table->name, column->foreign_table) == 0)
    target = table;
  else if (table->metadata != NULL)
    target = cupel_metadata_get_table (table->metadata, column->foreign_table);
  else
    target = NULL;

  return target != NULL ? g_hash_table_lookup (target->by_name, column->foreign_column) : NULL;
}

CupelColumn *
cupel_column_get_target_in (CupelColumn *column,
                            CupelTable  *table)
{
  CupelTable *original = table->original != NULL ? table->original : table;

  if (column->foreign_key == NULL || strcmp (column->foreign_table, original->name) != 0)
    return NULL;

  return g_hash_table_lookup (table->by_name, column->foreign_column);
}

/**
 * cupel_column_set_on_delete:
 * @column: a column with a foreign key
 * @action: (nullable): "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT" or "NO ACTION"; %NULL for what the server does by itself
 *
 * Sets what the server does with rows whose target is deleted.
 *
 * Since: 1.0
 */
void
cupel_column_set_on_delete (CupelColumn *column,
                            const char  *action)
{
  static const char *const actions[] = { "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION" };

  g_return_if_fail (CUPEL_IS_COLUMN (column));

  column->on_delete = NULL;
  if (action == NULL)
    return;

  for (guint i = 0; i < G_N_ELEMENTS (actions); i++)
    if (g_ascii_strcasecmp (action, actions[i]) == 0)
      {
        column->on_delete = actions[i];
        return;
      }
  g_critical ("%s: \"%s\" is no action of ON DELETE", G_STRFUNC, action);
}

/**
 * cupel_column_get_on_delete:
 * @column: a column
 *
 * Gets what the server does with rows whose target is deleted.
 *
 * Returns: (nullable): the action, %NULL when none was set
 *
 * Since: 1.0
 */
const char *
cupel_column_get_on_delete (CupelColumn *column)
{
  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);

  return column->on_delete;
}
