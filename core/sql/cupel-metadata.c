/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-schema-private.h"

struct _CupelMetadata
{
  GObject     parent_instance;

  GPtrArray  *tables;     /* CupelTable, in the order of their adding */
  GHashTable *by_name;
};

/**
 * CupelMetadata:
 *
 * A set of tables that refer to each other: a schema.
 *
 * Since: 1.0
 */
G_DEFINE_FINAL_TYPE (CupelMetadata, cupel_metadata, G_TYPE_OBJECT)

static void
cupel_metadata_finalize (GObject *object)
{
  CupelMetadata *self = CUPEL_METADATA (object);

  for (guint i = 0; i < self->tables->len; i++)
    {
      CupelTable *table = g_ptr_array_index (self->tables, i);

      if (table->metadata == self)
        cupel_table_set_metadata (table, NULL);
    }
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->tables);

  G_OBJECT_CLASS (cupel_metadata_parent_class)->finalize (object);
}

static void
cupel_metadata_class_init (CupelMetadataClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_metadata_finalize;
}

static void
cupel_metadata_init (CupelMetadata *self)
{
  self->tables = g_ptr_array_new_with_free_func (g_object_unref);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
}

/**
 * cupel_metadata_new:
 *
 * Makes an empty set of tables.
 *
 * Returns: (transfer full): a new object
 *
 * Since: 1.0
 */
CupelMetadata *
cupel_metadata_new (void)
{
  return g_object_new (CUPEL_TYPE_METADATA, NULL);
}

/**
 * cupel_metadata_add_table:
 * @metadata: a set of tables
 * @table: a table
 * @error: return location for an error, or %NULL
 *
 * Adds a table. Foreign keys may refer to tables that are added later. A table may be in several sets: its foreign keys are
 * looked up in the one that was used last.
 *
 * Returns: %FALSE with %CUPEL_ERROR_MAPPING if the name is taken, or if @table is an alias
 *
 * Since: 1.0
 */
gboolean
cupel_metadata_add_table (CupelMetadata  *metadata,
                          CupelTable     *table,
                          GError        **error)
{
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);
  g_return_val_if_fail (CUPEL_IS_TABLE (table), FALSE);

  if (g_hash_table_contains (metadata->by_name, table->name))
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "There is a table \"%s\" in this metadata already",
                 table->name);
  else if (table->original != NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "\"%s\" is an alias of the table \"%s\", not a table", table->name,
                 table->original->name);
  else
    {
      g_ptr_array_add (metadata->tables, g_object_ref (table));
      g_hash_table_insert (metadata->by_name, table->name, table);
      cupel_table_set_metadata (table, metadata);
      return TRUE;
    }

  return FALSE;
}

/**
 * cupel_metadata_get_table:
 * @metadata: a set of tables
 * @name: the name of a table
 *
 * Finds a table by its name.
 *
 * Returns: (transfer none) (nullable): the table
 *
 * Since: 1.0
 */
CupelTable *
cupel_metadata_get_table (CupelMetadata *metadata,
                          const char    *name)
{
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  return g_hash_table_lookup (metadata->by_name, name);
}

/* Whether everything that @table refers to, but itself, is in @done. */
static gboolean
is_ready (CupelTable *table,
          GHashTable *done)
{
  for (guint i = 0; i < table->columns->len; i++)
    {
      CupelColumn *target = cupel_column_get_foreign_column (g_ptr_array_index (table->columns, i));

      if (target != NULL && target->table != table && !g_hash_table_contains (done, target->table))
        return FALSE;
    }

  return TRUE;
}

static gboolean
check_targets (CupelMetadata  *metadata,
               GError        **error)
{
  for (guint i = 0; i < metadata->tables->len; i++)
    {
      CupelTable *table = g_ptr_array_index (metadata->tables, i);

      for (guint j = 0; j < table->columns->len; j++)
        {
          CupelColumn *column = g_ptr_array_index (table->columns, j);

          if (column->foreign_key != NULL && cupel_column_get_foreign_column (column) == NULL)
            {
              g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                           "The column \"%s.%s\" refers to \"%s\", which is not in this metadata: add its table, or correct the name",
                           table->name, column->name, column->foreign_key);
              return FALSE;
            }
        }
    }

  return TRUE;
}

/* Leaves in @remaining the tables of a cycle only: those that merely refer to one are no news. */
static char *
describe_cycle (GPtrArray *remaining)
{
  g_autoptr(GHashTable) seen = g_hash_table_new (NULL, NULL);
  CupelTable *table = g_ptr_array_index (remaining, 0);
  GString *text = g_string_new (NULL);
  CupelTable *start = NULL;

  /* every one of them refers to another: following that, one comes by twice */
  while (table != NULL && start == NULL)
    {
      CupelTable *next = NULL;

      g_hash_table_add (seen, table);
      for (guint i = 0; i < table->columns->len && next == NULL; i++)
        {
          CupelColumn *target = cupel_column_get_foreign_column (g_ptr_array_index (table->columns, i));

          if (target != NULL && target->table != table && g_ptr_array_find (remaining, target->table, NULL))
            next = target->table;
        }
      if (next != NULL && g_hash_table_contains (seen, next))
        start = next;
      table = next;
    }

  table = start;
  while (table != NULL)
    {
      CupelTable *next = NULL;

      g_string_append_printf (text, "%s\"%s\"", text->len > 0 ? ", " : "", table->name);
      for (guint i = 0; i < table->columns->len && next == NULL; i++)
        {
          CupelColumn *target = cupel_column_get_foreign_column (g_ptr_array_index (table->columns, i));

          if (target != NULL && target->table != table && g_ptr_array_find (remaining, target->table, NULL))
            next = target->table;
        }
      table = next != start ? next : NULL;
    }

  return g_string_free (text, FALSE);
}

/**
 * cupel_metadata_get_sorted_tables:
 * @metadata: a set of tables
 * @error: return location for an error, or %NULL
 *
 * Lists the tables so that each comes after those that it refers to, and in the order of their adding otherwise. A table that
 * refers to itself is no problem.
 *
 * Returns: (transfer container) (element-type CupelTable): the tables; %NULL with %CUPEL_ERROR_MAPPING if a foreign key has
 *   no target, or if tables refer to each other in a circle
 *
 * Since: 1.0
 */
GPtrArray *
cupel_metadata_get_sorted_tables (CupelMetadata  *metadata,
                                  GError        **error)
{
  g_autoptr(GPtrArray) sorted = NULL;
  g_autoptr(GPtrArray) remaining = NULL;
  g_autoptr(GHashTable) done = NULL;

  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), NULL);

  for (guint i = 0; i < metadata->tables->len; i++)
    cupel_table_set_metadata (g_ptr_array_index (metadata->tables, i), metadata);
  if (!check_targets (metadata, error))
    return NULL;

  sorted = g_ptr_array_new ();
  remaining = g_ptr_array_copy (metadata->tables, NULL, NULL);
  /* the copy inherits the free function of the tables' owner */
  g_ptr_array_set_free_func (remaining, NULL);
  done = g_hash_table_new (NULL, NULL);

  while (remaining->len > 0)
    {
      guint i = 0;

      while (i < remaining->len && !is_ready (g_ptr_array_index (remaining, i), done))
        i++;
      if (i == remaining->len)
        {
          g_autofree char *names = describe_cycle (remaining);

          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                       "The tables %s refer to each other in a circle: create them by hand, or drop one of the foreign keys",
                       names);
          return NULL;
        }
      g_hash_table_add (done, g_ptr_array_index (remaining, i));
      g_ptr_array_add (sorted, g_ptr_array_remove_index (remaining, i));
    }

  return g_steal_pointer (&sorted);
}
