/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-entity-private.h"

G_DEFINE_FINAL_TYPE (CupelMapper, cupel_mapper, G_TYPE_OBJECT)

#define MAX_RELATIONSHIPS 64

static void
cupel_mapper_finalize (GObject *object)
{
  CupelMapper *self = CUPEL_MAPPER (object);

  g_clear_pointer (&self->attributes, g_array_unref);
  g_clear_pointer (&self->relationships, g_ptr_array_unref);
  g_clear_pointer (&self->statements, g_hash_table_unref);
  g_clear_object (&self->get_select);
  g_clear_object (&self->table);

  G_OBJECT_CLASS (cupel_mapper_parent_class)->finalize (object);
}

static void
cupel_mapper_class_init (CupelMapperClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_mapper_finalize;
}

static void
cupel_mapper_init (CupelMapper *self)
{
  self->attributes = g_array_new (FALSE, TRUE, sizeof (CupelAttribute));
  self->relationships = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_relationship_free);
}

/* Attribute and property names count '-' and '_' as one letter, as GObject does. */
static gboolean
same_name (const char *a,
           const char *b)
{
  for (; *a != '\0' && *b != '\0'; a++, b++)
    if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
      return FALSE;
  return *a == *b;
}

int
cupel_mapper_find (CupelMapper *mapper,
                   const char  *name)
{
  for (guint i = 0; i < mapper->attributes->len; i++)
    if (same_name (cupel_mapper_attribute (mapper, i)->name, name))
      return i;
  return -1;
}

CupelMapper *
cupel_mapper_peek (GType type)
{
  CupelEntityClass *klass;
  CupelMapper *mapper;

  if (!g_type_is_a (type, CUPEL_TYPE_ENTITY))
    return NULL;
  klass = g_type_class_peek (type);
  if (G_LIKELY (klass != NULL))
    {
      mapper = klass->mapper;
    }
  else
    {
      klass = g_type_class_ref (type);
      mapper = klass->mapper;
      g_type_class_unref (klass);
    }
  /* A class inherits the class struct: a mapper of the parent's is none of its own. */
  return mapper != NULL && mapper->type == type && mapper->registered ? mapper : NULL;
}

static const char *const store_names[] = { "gboolean", "int", "gint64", "double", "char *", "GBytes *", "GDateTime *", "GDate *" };

static CupelStore
store_for_kind (CupelSqlKind  kind,
                gsize        *size)
{
  switch (kind)
    {
    case CUPEL_SQL_BOOLEAN:
      *size = sizeof (gboolean);
      return CUPEL_STORE_BOOLEAN;
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
      *size = sizeof (int);
      return CUPEL_STORE_INT;
    case CUPEL_SQL_INT64:
    case CUPEL_SQL_TIME:
      *size = sizeof (gint64);
      return CUPEL_STORE_INT64;
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      *size = sizeof (double);
      return CUPEL_STORE_DOUBLE;
    case CUPEL_SQL_BYTES:
      *size = sizeof (GBytes *);
      return CUPEL_STORE_BYTES;
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
      *size = sizeof (GDateTime *);
      return CUPEL_STORE_DATETIME;
    case CUPEL_SQL_DATE:
      *size = sizeof (GDate *);
      return CUPEL_STORE_DATE;
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_NUMERIC:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_UUID:
    case CUPEL_SQL_JSON:
    default:
      *size = sizeof (char *);
      return CUPEL_STORE_STRING;
    }
}

static GParamSpec *
make_pspec (const char *name,
            CupelStore  store)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  switch (store)
    {
    case CUPEL_STORE_BOOLEAN:
      return g_param_spec_boolean (name, NULL, NULL, FALSE, flags);
    case CUPEL_STORE_INT:
      return g_param_spec_int (name, NULL, NULL, G_MININT, G_MAXINT, 0, flags);
    case CUPEL_STORE_INT64:
      return g_param_spec_int64 (name, NULL, NULL, G_MININT64, G_MAXINT64, 0, flags);
    case CUPEL_STORE_DOUBLE:
      return g_param_spec_double (name, NULL, NULL, -G_MAXDOUBLE, G_MAXDOUBLE, 0, flags);
    case CUPEL_STORE_BYTES:
      return g_param_spec_boxed (name, NULL, NULL, G_TYPE_BYTES, flags);
    case CUPEL_STORE_DATETIME:
      return g_param_spec_boxed (name, NULL, NULL, G_TYPE_DATE_TIME, flags);
    case CUPEL_STORE_DATE:
      return g_param_spec_boxed (name, NULL, NULL, G_TYPE_DATE, flags);
    case CUPEL_STORE_STRING:
    case CUPEL_STORE_PROPERTY:
    default:
      return g_param_spec_string (name, NULL, NULL, NULL, flags);
    }
}

/* now() is a function that every dialect knows; anything else is the author's own SQL. */
static CupelExpression *
server_default_expression (const char *text)
{
  if (g_ascii_strcasecmp (text, "now()") == 0)
    return cupel_func ("now", NULL);
  return cupel_text (text);
}

/* Takes over @column. */
static CupelAttribute *
append_attribute (CupelMapper *self,
                  const char  *name,
                  CupelColumn *column)
{
  CupelAttribute attribute = {
    .column = column,
    .name = g_intern_string (name),
    .column_name = g_intern_string (cupel_column_get_name (column)),
    .kind = cupel_sql_type_get_kind (cupel_column_get_sql_type (column)),
    .store = CUPEL_STORE_PROPERTY,
    .index = self->attributes->len,
  };

  cupel_table_add_column (self->table, column);
  g_array_append_val (self->attributes, attribute);
  return cupel_mapper_attribute (self, attribute.index);
}

/* What can be said only once all is known. */
static gboolean
complete (CupelMapper  *self,
          GError      **error)
{
  self->n_words = MAX (1, (self->attributes->len + 63) / 64);
  self->n_key = 0;
  self->native = TRUE;
  for (guint i = 0; i < self->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (self, i);

      attribute->kind = cupel_sql_type_get_kind (cupel_column_get_sql_type (attribute->column));
      attribute->primary_key = cupel_column_get_primary_key (attribute->column);
      attribute->generated = cupel_column_get_autoincrement (attribute->column);
      attribute->server_default = cupel_column_get_server_default (attribute->column) != NULL;
      if (attribute->store == CUPEL_STORE_PROPERTY)
        self->native = FALSE;
      if (attribute->primary_key)
        {
          if (self->n_key == G_N_ELEMENTS (self->key))
            {
              g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s: a primary key has at most %u columns",
                           g_type_name (self->type), (guint) G_N_ELEMENTS (self->key));
              return FALSE;
            }
          self->key[self->n_key++] = i;
        }
    }

  if (self->n_key == 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                   "%s: no column is a primary key; an entity needs one", g_type_name (self->type));
      return FALSE;
    }
  if (self->attributes->len > 64 * 64)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s: %u columns are too many",
                   g_type_name (self->type), self->attributes->len);
      return FALSE;
    }

  {
    CupelAttribute *key = cupel_mapper_attribute (self, self->key[0]);

    self->int_key = self->n_key == 1 &&
                    (key->kind == CUPEL_SQL_INT64 || key->kind == CUPEL_SQL_INT32 || key->kind == CUPEL_SQL_INT16);
  }
  self->registered = TRUE;
  return TRUE;
}

static void
append_relationship (CupelMapper                 *self,
                     const CupelRelationshipSpec *spec)
{
  CupelRelationship *relationship = g_new0 (CupelRelationship, 1);

  relationship->name = g_intern_string (spec->name);
  relationship->kind = spec->kind;
  relationship->parent = self;
  relationship->target_type = spec->target;
  relationship->index = self->relationships->len;
  relationship->foreign_key = g_intern_string (spec->foreign_key);
  relationship->back_populates = g_intern_string (spec->back_populates);
  relationship->loader = g_intern_string (spec->loader != NULL ? spec->loader : "lazy");
  relationship->order_by = g_intern_string (spec->order_by);
  relationship->cascade = spec->cascade;
  relationship->passive_deletes = spec->passive_deletes;
  g_ptr_array_add (self->relationships, relationship);
}

/**
 * cupel_entity_class_map: (skip)
 * @klass: (type gpointer): the class, a #CupelEntityClass
 * @table: the name of its table
 * @columns: (array length=n_columns): its columns
 * @n_columns: how many
 * @relationships: (array length=n_relationships): its relationships
 * @n_relationships: how many
 *
 * Maps a class from a table of columns, and gives it a property for each. CUPEL_DEFINE_ENTITY() calls this in class_init.
 *
 * Since: 1.0
 */
void
cupel_entity_class_map (gpointer                     klass,
                        const char                  *table,
                        const CupelColumnSpec       *columns,
                        gsize                        n_columns,
                        const CupelRelationshipSpec *relationships,
                        gsize                        n_relationships)
{
  CupelMapper *self;
  g_autoptr(GError) error = NULL;

  g_return_if_fail (CUPEL_IS_ENTITY_CLASS (klass));
  g_return_if_fail (table != NULL);
  g_return_if_fail (n_relationships <= MAX_RELATIONSHIPS);

  G_OBJECT_CLASS (klass)->get_property = cupel_entity_get_property;
  G_OBJECT_CLASS (klass)->set_property = cupel_entity_set_property;
  cupel_entity_class_hear_nothing (klass);

  /* Lives as long as its class: for ever. */
  self = g_object_new (CUPEL_TYPE_MAPPER, NULL);
  self->type = G_TYPE_FROM_CLASS (klass);
  self->table = cupel_table_new (table);

  for (gsize i = 0; i < n_columns; i++)
    {
      const CupelColumnSpec *spec = &columns[i];
      CupelSqlType *type = spec->kind == CUPEL_SQL_NUMERIC ? cupel_sql_type_new_numeric (spec->precision, spec->scale)
                           : spec->length > 0 ? cupel_sql_type_new_sized (spec->kind, spec->length)
                                              : cupel_sql_type_new (spec->kind);
      CupelColumn *column = cupel_column_new (spec->column != NULL ? spec->column : spec->name, type);
      CupelAttribute *attribute;
      g_autofree char *property = g_strdelimit (g_strdup (spec->name), "_", '-');
      gsize size;

      cupel_column_set_primary_key (column, spec->primary_key);
      if (spec->primary_key || spec->not_null)
        cupel_column_set_nullable (column, FALSE);
      if (spec->unique)
        cupel_column_set_unique (column, TRUE);
      if (spec->index)
        cupel_column_set_index (column, TRUE);
      if (spec->server_default != NULL)
        cupel_column_set_server_default (column, server_default_expression (spec->server_default));
      if (spec->foreign_key != NULL)
        cupel_column_set_foreign_key (column, spec->foreign_key);
      if (spec->on_delete != NULL)
        cupel_column_set_on_delete (column, spec->on_delete);
      if (spec->no_autoincrement)
        cupel_column_set_autoincrement (column, FALSE);

      attribute = append_attribute (self, spec->name, column);
      attribute->store = store_for_kind (spec->kind, &size);
      attribute->offset = spec->offset;
      if (size != spec->size)
        g_critical ("%s.%s: the struct member has %" G_GSIZE_FORMAT " bytes, but the column's kind needs a %s",
                    g_type_name (self->type), spec->name, spec->size, store_names[attribute->store]);

      attribute->pspec = make_pspec (g_intern_string (property), attribute->store);
      g_object_class_install_property (klass, i + 1, attribute->pspec);
    }
  for (gsize i = 0; i < n_relationships; i++)
    append_relationship (self, &relationships[i]);

  if (!complete (self, &error))
    g_critical ("%s", error->message);
  ((CupelEntityClass *) klass)->mapper = self;
}

/**
 * cupel_entity_type_register: (skip)
 * @name: the name of the struct
 * @instance_size: its size
 * @class_init: calls cupel_entity_class_map()
 *
 * Registers a class that is mapped in C. CUPEL_DEFINE_ENTITY() does this.
 *
 * Returns: the new type
 *
 * Since: 1.0
 */
GType
cupel_entity_type_register (const char     *name,
                            gsize           instance_size,
                            GClassInitFunc  class_init)
{
  g_autofree char *type_name = g_strconcat (name, strlen (name) < 3 ? "Entity" : "", NULL);

  return g_type_register_static_simple (CUPEL_TYPE_ENTITY, g_intern_string (type_name), sizeof (CupelEntityClass), class_init,
                                        (guint) instance_size, NULL, 0);
}

/**
 * cupel_mapper_new:
 * @type: a class that derives from #CupelEntity and has GObject properties of its own
 * @table: the name of its table
 *
 * Begins to map a class. Nothing is mapped before cupel_mapper_register().
 *
 * Returns: (transfer full): a new mapper
 *
 * Since: 1.0
 */
CupelMapper *
cupel_mapper_new (GType       type,
                  const char *table)
{
  CupelMapper *self;

  g_return_val_if_fail (g_type_is_a (type, CUPEL_TYPE_ENTITY), NULL);
  g_return_val_if_fail (table != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_MAPPER, NULL);
  self->type = type;
  self->table = cupel_table_new (table);
  return self;
}

/**
 * cupel_mapper_add_column:
 * @mapper: a mapper that is not registered yet
 * @property: the name of a property of the class, which becomes the column's name with `_` for `-`
 * @type: (transfer full): the column's type
 *
 * Maps a property to a column. Set what else the column needs (primary key, foreign key ...) on what is returned.
 *
 * Returns: (transfer none): the column
 *
 * Since: 1.0
 */
CupelColumn *
cupel_mapper_add_column (CupelMapper  *mapper,
                         const char   *property,
                         CupelSqlType *type)
{
  g_autofree char *name = NULL;

  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), NULL);
  g_return_val_if_fail (!mapper->registered, NULL);
  g_return_val_if_fail (property != NULL, NULL);
  g_return_val_if_fail (type != NULL, NULL);

  name = g_strdelimit (g_strdup (property), "-", '_');
  return append_attribute (mapper, name, cupel_column_new (name, type))->column;
}

/**
 * cupel_mapper_add_relationship:
 * @mapper: a mapper that is not registered yet
 * @name: the relationship's name
 * @kind: its kind
 * @target: the mapped class at the other end
 * @loader: (nullable): the name of its loader strategy, "lazy" if %NULL
 *
 * Adds a relationship. The foreign key between the two tables says how they are joined.
 *
 * Since: 1.0
 */
void
cupel_mapper_add_relationship (CupelMapper           *mapper,
                               const char            *name,
                               CupelRelationshipKind  kind,
                               GType                  target,
                               const char            *loader)
{
  CupelRelationshipSpec spec = { .name = name, .kind = kind, .target = target, .loader = loader };

  g_return_if_fail (CUPEL_IS_MAPPER (mapper));
  g_return_if_fail (!mapper->registered);
  g_return_if_fail (name != NULL);
  g_return_if_fail (mapper->relationships->len < MAX_RELATIONSHIPS);

  append_relationship (mapper, &spec);
}

/**
 * cupel_mapper_set_relationship_options:
 * @mapper: a mapper that is not registered yet
 * @name: a relationship that was added
 * @foreign_key: (nullable): the attribute that refers to the other class, needed when there are several
 * @back_populates: (nullable): the relationship of the other class that is the other side of this one
 * @order_by: (nullable): the attribute of the other class that a collection is sorted by
 * @cascade: what happens to the entities at the other end
 * @passive_deletes: leave it to the server what deleting does to those that are not loaded
 *
 * Says more of a relationship than cupel_mapper_add_relationship() does.
 *
 * Since: 1.0
 */
void
cupel_mapper_set_relationship_options (CupelMapper  *mapper,
                                       const char   *name,
                                       const char   *foreign_key,
                                       const char   *back_populates,
                                       const char   *order_by,
                                       CupelCascade  cascade,
                                       gboolean      passive_deletes)
{
  CupelRelationship *relationship;

  g_return_if_fail (CUPEL_IS_MAPPER (mapper));
  g_return_if_fail (!mapper->registered);
  g_return_if_fail (name != NULL);

  relationship = cupel_mapper_find_relationship (mapper, name);
  g_return_if_fail (relationship != NULL);

  relationship->foreign_key = g_intern_string (foreign_key);
  relationship->back_populates = g_intern_string (back_populates);
  relationship->order_by = g_intern_string (order_by);
  relationship->cascade = cascade;
  relationship->passive_deletes = passive_deletes != FALSE;
}

/**
 * cupel_mapper_register:
 * @mapper: a mapper with all its columns
 * @error: return location for an error
 *
 * Maps the class from now on. The class keeps the mapper.
 *
 * It fails with %CUPEL_ERROR_MAPPING if the class is mapped already, a property does not exist, or there is no primary key.
 *
 * Returns: %TRUE if it is mapped
 *
 * Since: 1.0
 */
gboolean
cupel_mapper_register (CupelMapper  *mapper,
                       GError      **error)
{
  CupelEntityClass *klass;

  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), FALSE);

  if (mapper->registered || cupel_mapper_peek (mapper->type) != NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s is mapped already", g_type_name (mapper->type));
      return FALSE;
    }

  /* The class is never unloaded: it keeps its mapper. */
  klass = g_type_class_ref (mapper->type);
  for (guint i = 0; i < mapper->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, i);
      GParamSpec *pspec = g_object_class_find_property (G_OBJECT_CLASS (klass), attribute->name);

      if (pspec == NULL || (pspec->flags & G_PARAM_READWRITE) != G_PARAM_READWRITE)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                       pspec == NULL ? "%s has no property \"%s\" for the column of this name"
                                     : "%s: the property \"%s\" cannot be both read and written",
                       g_type_name (mapper->type), attribute->name);
          g_type_class_unref (klass);
          return FALSE;
        }
      attribute->pspec = pspec;
    }
  if (!complete (mapper, error))
    {
      g_type_class_unref (klass);
      return FALSE;
    }

  /* Its parent may be a class that is mapped in C. */
  cupel_entity_class_hear (G_OBJECT_CLASS (klass));
  klass->mapper = g_object_ref (mapper);
  return TRUE;
}

/**
 * cupel_mapper_for_type:
 * @type: a class
 * @error: return location for an error
 *
 * Gets the mapper of a class.
 *
 * Returns: (transfer none): the mapper, or %NULL with %CUPEL_ERROR_MAPPING if the class is not mapped
 *
 * Since: 1.0
 */
CupelMapper *
cupel_mapper_for_type (GType    type,
                       GError **error)
{
  CupelMapper *mapper = cupel_mapper_peek (type);

  if (mapper == NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                 "%s is not a mapped class: derive it from CupelEntity and map it with CUPEL_DEFINE_ENTITY() or a CupelMapper",
                 type == G_TYPE_INVALID ? "(invalid type)" : g_type_name (type));
  return mapper;
}

/**
 * cupel_mapper_get_entity_type:
 * @mapper: a mapper
 *
 * Gets the class that is mapped.
 *
 * Returns: its type
 *
 * Since: 1.0
 */
GType
cupel_mapper_get_entity_type (CupelMapper *mapper)
{
  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), G_TYPE_INVALID);

  return mapper->type;
}

/**
 * cupel_mapper_get_table:
 * @mapper: a mapper
 *
 * Gets the table that the class is mapped to.
 *
 * Returns: (transfer none): the table
 *
 * Since: 1.0
 */
CupelTable *
cupel_mapper_get_table (CupelMapper *mapper)
{
  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), NULL);

  return mapper->table;
}

/**
 * cupel_mapper_get_n_relationships:
 * @mapper: a mapper
 *
 * Gets the number of relationships of the class.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
cupel_mapper_get_n_relationships (CupelMapper *mapper)
{
  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), 0);

  return mapper->relationships->len;
}

/**
 * cupel_mapper_get_nth_relationship: (skip)
 * @mapper: a mapper
 * @nth: from 0
 *
 * Gets a relationship by position.
 *
 * Returns: (transfer none): the relationship
 *
 * Since: 1.0
 */
CupelRelationship *
cupel_mapper_get_nth_relationship (CupelMapper *mapper,
                                   guint        nth)
{
  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), NULL);
  g_return_val_if_fail (nth < mapper->relationships->len, NULL);

  return g_ptr_array_index (mapper->relationships, nth);
}

/**
 * cupel_mapper_find_relationship: (skip)
 * @mapper: a mapper
 * @name: a relationship's name
 *
 * Gets a relationship by name.
 *
 * Returns: (transfer none) (nullable): the relationship, or %NULL
 *
 * Since: 1.0
 */
CupelRelationship *
cupel_mapper_find_relationship (CupelMapper *mapper,
                                const char  *name)
{
  g_return_val_if_fail (CUPEL_IS_MAPPER (mapper), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  for (guint i = 0; i < mapper->relationships->len; i++)
    {
      CupelRelationship *relationship = g_ptr_array_index (mapper->relationships, i);

      if (same_name (relationship->name, name))
        return relationship;
    }
  return NULL;
}
