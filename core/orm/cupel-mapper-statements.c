/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The statements of the unit of work, made once for each shape and kept frozen: executing one again compiles nothing. */

#include "orm/cupel-entity-private.h"

static void
mapper_statement_free (CupelMapperStatement *self)
{
  g_clear_object (&self->statement);
  g_free (self->binds);
  g_free (self->returning);
  g_free (self);
}

/* The key: what kind of statement, and which attributes take part. */
static CupelMapperStatement *
lookup (CupelMapper   *mapper,
        char           kind,
        const guint64 *set,
        GBytes       **key)
{
  GByteArray *bytes = g_byte_array_new ();
  CupelMapperStatement *found;

  if (mapper->statements == NULL)
    mapper->statements = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref,
                                                (GDestroyNotify) mapper_statement_free);
  g_byte_array_append (bytes, (guint8 *) &kind, 1);
  if (set != NULL)
    g_byte_array_append (bytes, (const guint8 *) set, mapper->n_words * sizeof (guint64));
  *key = g_byte_array_free_to_bytes (bytes);

  found = g_hash_table_lookup (mapper->statements, *key);
  if (found != NULL)
    g_clear_pointer (key, g_bytes_unref);
  return found;
}

static CupelMapperStatement *
remember (CupelMapper    *mapper,
          GBytes         *key,
          CupelStatement *statement,
          GArray         *binds,
          GArray         *returning)
{
  CupelMapperStatement *self = g_new0 (CupelMapperStatement, 1);

  self->statement = statement;
  self->n_binds = binds->len;
  self->binds = (guint *) g_array_free (binds, FALSE);
  if (returning != NULL)
    {
      self->n_returning = returning->len;
      self->returning = (guint *) g_array_free (returning, FALSE);
    }
  g_hash_table_insert (mapper->statements, key, self);
  return self;
}

static gboolean
in_set (const guint64 *set,
        guint          index)
{
  return (set[index / 64] >> (index % 64)) & 1;
}

CupelMapperStatement *
cupel_mapper_insert_statement (CupelMapper   *mapper,
                               const guint64 *set,
                               gboolean       returning)
{
  GBytes *key;
  CupelMapperStatement *self = lookup (mapper, returning ? 'R' : 'I', set, &key);
  CupelInsert *insert;
  GArray *binds;
  GArray *columns;

  if (self != NULL)
    return self;

  insert = cupel_insert_new (mapper->table);
  binds = g_array_new (FALSE, FALSE, sizeof (guint));
  columns = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < mapper->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, i);

      if (in_set (set, i))
        {
          cupel_insert_add_column (insert, attribute->column);
          g_array_append_val (binds, i);
        }
      else if (returning && (attribute->generated || attribute->server_default))
        {
          cupel_insert_returning (insert, cupel_column_expression (attribute->column));
          g_array_append_val (columns, i);
        }
    }
  return remember (mapper, key, CUPEL_STATEMENT (insert), binds, columns);
}

/* Binds of values and of the key must not share a name when a key column itself changes. */
static CupelExpression *
key_condition (CupelMapper *mapper,
               GArray      *binds)
{
  CupelExpression *condition = NULL;

  for (guint i = 0; i < mapper->n_key; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, mapper->key[i]);
      g_autofree char *name = g_strconcat ("key_", attribute->column_name, NULL);
      CupelExpression *term = cupel_eq (cupel_column_expression (attribute->column),
                                        cupel_bind (name, cupel_sql_type_ref (cupel_column_get_sql_type (attribute->column))));

      condition = condition == NULL ? term : cupel_and (condition, term);
      g_array_append_val (binds, mapper->key[i]);
    }
  return condition;
}

CupelMapperStatement *
cupel_mapper_update_statement (CupelMapper   *mapper,
                               const guint64 *modified)
{
  GBytes *key;
  CupelMapperStatement *self = lookup (mapper, 'U', modified, &key);
  CupelUpdate *update;
  GArray *binds;

  if (self != NULL)
    return self;

  update = cupel_update_new (mapper->table);
  binds = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < mapper->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, i);

      if (!in_set (modified, i))
        continue;
      cupel_update_set (update, attribute->column_name,
                        cupel_bind (attribute->column_name, cupel_sql_type_ref (cupel_column_get_sql_type (attribute->column))));
      g_array_append_val (binds, i);
    }
  cupel_update_where (update, key_condition (mapper, binds));
  return remember (mapper, key, CUPEL_STATEMENT (update), binds, NULL);
}

CupelMapperStatement *
cupel_mapper_delete_statement (CupelMapper *mapper)
{
  GBytes *key;
  CupelMapperStatement *self = lookup (mapper, 'D', NULL, &key);
  CupelDelete *delete_;
  GArray *binds;

  if (self != NULL)
    return self;

  delete_ = cupel_delete_new (mapper->table);
  binds = g_array_new (FALSE, FALSE, sizeof (guint));
  cupel_delete_where (delete_, key_condition (mapper, binds));
  return remember (mapper, key, CUPEL_STATEMENT (delete_), binds, NULL);
}

CupelSelect *
cupel_mapper_get_statement (CupelMapper *mapper)
{
  if (mapper->get_select == NULL)
    {
      GArray *binds = g_array_new (FALSE, FALSE, sizeof (guint));

      mapper->get_select = cupel_entity_select (mapper->type);
      cupel_select_where (mapper->get_select, key_condition (mapper, binds));
      g_array_unref (binds);
    }
  return mapper->get_select;
}

/**
 * cupel_entity_select:
 * @type: a mapped class
 *
 * Makes a `SELECT` of the entities of a class.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelSelect *
cupel_entity_select (GType type)
{
  CupelMapper *mapper = cupel_mapper_peek (type);
  CupelSelect *select;

  g_return_val_if_fail (mapper != NULL, NULL);

  select = cupel_select_new ();
  for (guint i = 0; i < mapper->attributes->len; i++)
    cupel_select_add_column (select, cupel_column_expression (cupel_mapper_attribute (mapper, i)->column));
  cupel_select_set_entity_type (select, type);
  return select;
}

/**
 * cupel_attr:
 * @type: a mapped class
 * @name: the name of an attribute
 *
 * The column of an attribute, for the conditions of a statement. A class that is not mapped, or a name that it does not have, is a mistake of
 * the caller; the condition is then missing from the statement.
 *
 * Returns: (transfer full): an expression
 *
 * Since: 1.0
 */
CupelExpression *
cupel_attr (GType       type,
            const char *name)
{
  CupelMapper *mapper = cupel_mapper_peek (type);
  int index;

  g_return_val_if_fail (mapper != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  index = cupel_mapper_find (mapper, name);
  if (index < 0)
    {
      g_critical ("%s has no attribute \"%s\"", g_type_name (type), name);
      return NULL;
    }
  return cupel_column_expression (cupel_mapper_attribute (mapper, index)->column);
}

/**
 * cupel_entity_get_table:
 * @type: a mapped class
 *
 * Gets the table of a class.
 *
 * Returns: (transfer none): the table
 *
 * Since: 1.0
 */
CupelTable *
cupel_entity_get_table (GType type)
{
  CupelMapper *mapper = cupel_mapper_peek (type);

  g_return_val_if_fail (mapper != NULL, NULL);

  return mapper->table;
}

/**
 * cupel_entity_metadatav: (rename-to cupel_entity_metadata)
 * @types: (array length=n_types): mapped classes
 * @n_types: how many
 * @error: return location for an error
 *
 * Makes metadata of the tables of some classes, to create or drop them.
 *
 * Returns: (transfer full): new metadata, or %NULL with @error set if a class is not mapped or two share a table name
 *
 * Since: 1.0
 */
CupelMetadata *
cupel_entity_metadatav (const GType  *types,
                        gsize         n_types,
                        GError      **error)
{
  g_autoptr(CupelMetadata) metadata = cupel_metadata_new ();

  for (gsize i = 0; i < n_types; i++)
    {
      CupelMapper *mapper = cupel_mapper_for_type (types[i], error);

      if (mapper == NULL || !cupel_metadata_add_table (metadata, mapper->table, error))
        return NULL;
    }
  return g_steal_pointer (&metadata);
}

/**
 * cupel_entity_metadata: (skip)
 * @first: a mapped class
 * @...: more of them, ended by %G_TYPE_INVALID
 *
 * Makes metadata of the tables of some classes, to create or drop them. That each is mapped is up to the caller.
 *
 * Name all classes that refer to each other.
 *
 * Returns: (transfer full): new metadata
 *
 * Since: 1.0
 */
CupelMetadata *
cupel_entity_metadata (GType first,
                       ...)
{
  g_autoptr(GArray) types = g_array_new (FALSE, FALSE, sizeof (GType));
  g_autoptr(GError) error = NULL;
  CupelMetadata *metadata;
  va_list args;

  va_start (args, first);
  for (GType type = first; type != G_TYPE_INVALID; type = va_arg (args, GType))
    g_array_append_val (types, type);
  va_end (args);

  metadata = cupel_entity_metadatav ((const GType *) types->data, types->len, &error);
  if (metadata == NULL)
    g_critical ("%s", error->message);
  return metadata;
}
