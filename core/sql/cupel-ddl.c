/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

G_DEFINE_TYPE (CupelCreateTable, cupel_create_table, CUPEL_TYPE_STATEMENT)

static void
cupel_create_table_finalize (GObject *object)
{
  CupelCreateTable *self = CUPEL_CREATE_TABLE (object);

  g_clear_object (&self->table);

  G_OBJECT_CLASS (cupel_create_table_parent_class)->finalize (object);
}

static void
cupel_create_table_copy (CupelStatement *statement,
                         CupelStatement *copy)
{
  g_set_object (&CUPEL_CREATE_TABLE (copy)->table, CUPEL_CREATE_TABLE (statement)->table);
}

static void
cupel_create_table_class_init (CupelCreateTableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_create_table_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_CREATE_TABLE;
  klass->parent_class.copy = cupel_create_table_copy;
}

static void
cupel_create_table_init (CupelCreateTable *self)
{
}

/**
 * cupel_create_table_new:
 * @table: a table with columns
 *
 * Makes a CREATE TABLE. The indexes of the columns are statements of their own, see cupel_create_index_new().
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelCreateTable *
cupel_create_table_new (CupelTable *table)
{
  CupelCreateTable *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  self = g_object_new (CUPEL_TYPE_CREATE_TABLE, NULL);
  self->table = g_object_ref (table);

  return self;
}

G_DEFINE_TYPE (CupelDropTable, cupel_drop_table, CUPEL_TYPE_STATEMENT)

static void
cupel_drop_table_finalize (GObject *object)
{
  CupelDropTable *self = CUPEL_DROP_TABLE (object);

  g_clear_object (&self->table);

  G_OBJECT_CLASS (cupel_drop_table_parent_class)->finalize (object);
}

static void
cupel_drop_table_copy (CupelStatement *statement,
                       CupelStatement *copy)
{
  g_set_object (&CUPEL_DROP_TABLE (copy)->table, CUPEL_DROP_TABLE (statement)->table);
}

static void
cupel_drop_table_class_init (CupelDropTableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_drop_table_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_DROP_TABLE;
  klass->parent_class.copy = cupel_drop_table_copy;
}

static void
cupel_drop_table_init (CupelDropTable *self)
{
}

/**
 * cupel_drop_table_new:
 * @table: a table
 *
 * Makes a DROP TABLE.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelDropTable *
cupel_drop_table_new (CupelTable *table)
{
  CupelDropTable *self;

  g_return_val_if_fail (CUPEL_IS_TABLE (table), NULL);

  self = g_object_new (CUPEL_TYPE_DROP_TABLE, NULL);
  self->table = g_object_ref (table);

  return self;
}

G_DEFINE_TYPE (CupelCreateIndex, cupel_create_index, CUPEL_TYPE_STATEMENT)

static void
cupel_create_index_finalize (GObject *object)
{
  CupelCreateIndex *self = CUPEL_CREATE_INDEX (object);

  g_clear_object (&self->column);
  g_clear_object (&self->table);

  G_OBJECT_CLASS (cupel_create_index_parent_class)->finalize (object);
}

static void
cupel_create_index_copy (CupelStatement *statement,
                         CupelStatement *copy)
{
  g_set_object (&CUPEL_CREATE_INDEX (copy)->column, CUPEL_CREATE_INDEX (statement)->column);
  g_set_object (&CUPEL_CREATE_INDEX (copy)->table, CUPEL_CREATE_INDEX (statement)->table);
}

static void
cupel_create_index_class_init (CupelCreateIndexClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_create_index_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_CREATE_INDEX;
  klass->parent_class.copy = cupel_create_index_copy;
}

static void
cupel_create_index_init (CupelCreateIndex *self)
{
}

/**
 * cupel_create_index_new:
 * @column: a column of a table
 *
 * Makes a CREATE INDEX for one column. The index is named `ix_table_column`; a name that is too long for the server
 * is cut and ends in a checksum.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelCreateIndex *
cupel_create_index_new (CupelColumn *column)
{
  CupelCreateIndex *self;
  CupelTable *table;

  g_return_val_if_fail (CUPEL_IS_COLUMN (column), NULL);
  table = cupel_column_get_table (column);
  g_return_val_if_fail (table != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_CREATE_INDEX, NULL);
  self->column = g_object_ref (column);
  self->table = g_object_ref (table);

  return self;
}
