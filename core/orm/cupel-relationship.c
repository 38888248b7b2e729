/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-plugin.h"

void
cupel_relationship_free (CupelRelationship *relationship)
{
  g_clear_object (&relationship->strategy);
  g_free (relationship);
}

/* The attribute of @from that refers to a column of @to. */
static gboolean
find_foreign_key (CupelRelationship  *relationship,
                  CupelMapper        *from,
                  CupelMapper        *to,
                  guint              *referring,
                  guint              *referred,
                  GError            **error)
{
  const char *to_table = cupel_table_get_name (to->table);
  guint found = 0;

  for (guint i = 0; i < from->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (from, i);
      const char *target = cupel_column_get_foreign_key (attribute->column);
      const char *dot;

      if (target == NULL || (dot = strrchr (target, '.')) == NULL || strlen (to_table) != (gsize) (dot - target) ||
          strncmp (target, to_table, dot - target) != 0)
        continue;
      if (relationship->foreign_key != NULL && !g_str_equal (relationship->foreign_key, attribute->name))
        continue;
      for (guint j = 0; j < to->attributes->len; j++)
        if (g_str_equal (cupel_mapper_attribute (to, j)->column_name, dot + 1))
          {
            *referring = i;
            *referred = j;
            found++;
            break;
          }
    }

  if (found == 1)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
               found == 0 ? "%s.%s: %s has no foreign key to %s"
                          : "%s.%s: %s has more than one foreign key to %s; say which with .foreign_key",
               g_type_name (relationship->parent->type), relationship->name,
               cupel_table_get_name (from->table), to_table);
  return FALSE;
}

gboolean
cupel_relationship_resolve (CupelRelationship  *relationship,
                            GError            **error)
{
  CupelMapper *target;
  GType strategy_type;

  if (relationship->strategy != NULL)
    return TRUE;

  target = cupel_mapper_for_type (relationship->target_type, error);
  if (target == NULL)
    {
      g_prefix_error (error, "%s.%s: ", g_type_name (relationship->parent->type), relationship->name);
      return FALSE;
    }
  if (relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY
        ? !find_foreign_key (relationship, target, relationship->parent, &relationship->remote, &relationship->local, error)
        : !find_foreign_key (relationship, relationship->parent, target, &relationship->local, &relationship->remote, error))
    return FALSE;

  relationship->target = target;
  if (relationship->back_populates != NULL)
    {
      relationship->inverse = cupel_mapper_find_relationship (target, relationship->back_populates);
      if (relationship->inverse == NULL || relationship->inverse->kind == relationship->kind ||
          relationship->inverse->target_type != relationship->parent->type)
        {
          relationship->inverse = NULL;
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s.%s: %s has no relationship \"%s\" back to it",
                       g_type_name (relationship->parent->type), relationship->name,
                       g_type_name (relationship->target_type), relationship->back_populates);
          return FALSE;
        }
    }

  strategy_type = cupel_plugin_find (CUPEL_PLUGIN_LOADER, relationship->loader, CUPEL_TYPE_LOADER_STRATEGY, error);
  if (strategy_type == G_TYPE_INVALID)
    {
      g_prefix_error (error, "%s.%s: ", g_type_name (relationship->parent->type), relationship->name);
      return FALSE;
    }
  relationship->strategy = g_object_new (strategy_type, NULL);
  return relationship->inverse == NULL || cupel_relationship_resolve (relationship->inverse, error);
}

CupelRelationship *
cupel_mapper_require_relationship (CupelMapper  *mapper,
                                   const char   *name,
                                   GError      **error)
{
  CupelRelationship *relationship = cupel_mapper_find_relationship (mapper, name);

  if (relationship == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s has no relationship \"%s\"", g_type_name (mapper->type), name);
      return NULL;
    }
  return cupel_relationship_resolve (relationship, error) ? relationship : NULL;
}

/**
 * cupel_relationship_get_name: (skip)
 * @relationship: a relationship
 *
 * Gets its name.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_relationship_get_name (CupelRelationship *relationship)
{
  return relationship->name;
}

/**
 * cupel_relationship_get_kind: (skip)
 * @relationship: a relationship
 *
 * Gets its kind.
 *
 * Returns: to many, or to one
 *
 * Since: 1.0
 */
CupelRelationshipKind
cupel_relationship_get_kind (CupelRelationship *relationship)
{
  return relationship->kind;
}

/**
 * cupel_relationship_get_parent_type: (skip)
 * @relationship: a relationship
 *
 * Gets the class that has it.
 *
 * Returns: its type
 *
 * Since: 1.0
 */
GType
cupel_relationship_get_parent_type (CupelRelationship *relationship)
{
  return relationship->parent->type;
}

/**
 * cupel_relationship_get_target_type: (skip)
 * @relationship: a relationship
 *
 * Gets the class that it leads to.
 *
 * Returns: its type
 *
 * Since: 1.0
 */
GType
cupel_relationship_get_target_type (CupelRelationship *relationship)
{
  return relationship->target_type;
}

static guint
key_hash (gconstpointer cell)
{
  return cupel_cell_hash (cell);
}

static gboolean
key_equal (gconstpointer a,
           gconstpointer b)
{
  return cupel_cell_equal (a, b);
}

static gboolean
is_integer (CupelAttribute *attribute)
{
  return attribute->kind == CUPEL_SQL_INT64 || attribute->kind == CUPEL_SQL_INT32 || attribute->kind == CUPEL_SQL_INT16;
}

/* The distinct local keys of some parents, in order of appearance: what a batch asks for. */
typedef struct
{
  CupelRelationship *relationship;
  CupelEntity **parents;
  guint n_parents;
  GPtrArray *values;      /* CupelValue */
} CollectKeys;

static void
collect_keys (gpointer data)
{
  CollectKeys *collect = data;
  CupelRelationship *relationship = collect->relationship;
  g_autoptr(GHashTable) seen = g_hash_table_new (key_hash, key_equal);
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, collect->n_parents);

  for (guint i = 0; i < collect->n_parents; i++)
    {
      CupelCell *cell = cupel_row_block_add_row (block);
      CupelValue *value;

      if (!cupel_entity_fetch_cell (collect->parents[i], relationship->parent, relationship->local, block, cell, NULL) ||
          cell->kind == CUPEL_CELL_NULL || g_hash_table_contains (seen, cell))
        continue;
      value = cupel_value_new_from_cell (cell);
      g_ptr_array_add (collect->values, value);
      g_hash_table_add (seen, (gpointer) cupel_value_get_cell (value));
    }
}

static void
run_for_class (CupelMapper    *mapper,
               CupelFiberFunc  func,
               gpointer        data)
{
  /* Getters and setters of a class's own are user code. */
  if (mapper->native)
    func (data);
  else
    cupel_call_on_main_stack (func, data);
}

/**
 * cupel_relationship_select_for: (skip)
 * @relationship: a relationship
 * @parents: (array length=n_parents): entities that have it
 * @n_parents: how many
 *
 * Makes a `SELECT` of what these parents relate to: `target.fk IN (...)`, or `target.key IN (...)` for the one side; a plain comparison for one parent.
 *
 * Returns: (transfer full) (nullable): a new statement, or %NULL when no parent has a key to look for
 *
 * Since: 1.0
 */
CupelSelect *
cupel_relationship_select_for (CupelRelationship  *relationship,
                               CupelEntity       **parents,
                               guint               n_parents)
{
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_value_unref);
  CollectKeys collect = { relationship, parents, n_parents, values };
  CupelExpression *column;
  CupelSelect *select;

  run_for_class (relationship->parent, collect_keys, &collect);
  if (values->len == 0)
    return NULL;

  select = cupel_entity_select (relationship->target_type);
  column = cupel_column_expression (cupel_mapper_attribute (relationship->target, relationship->remote)->column);
  if (n_parents == 1)
    cupel_select_where (select, cupel_eq (column, cupel_literal (cupel_value_ref (g_ptr_array_index (values, 0)))));
  else
    cupel_select_where (select, cupel_in (column, (CupelValue **) values->pdata, values->len));
  if (relationship->order_by != NULL)
    cupel_select_order_by (select, cupel_attr (relationship->target_type, relationship->order_by));
  return select;
}

typedef struct
{
  CupelRelationship *relationship;
  CupelEntity **parents;
  guint n_parents;
  GPtrArray *related;
  CupelRowBlock *parent_keys;    /* a cell per parent */
  CupelRowBlock *related_keys;
} Populate;

static void
fetch_parent_keys (gpointer data)
{
  Populate *p = data;

  for (guint i = 0; i < p->n_parents; i++)
    cupel_entity_fetch_cell (p->parents[i], p->relationship->parent, p->relationship->local,
                             p->parent_keys, cupel_row_block_add_row (p->parent_keys), NULL);
}

static void
fetch_related_keys (gpointer data)
{
  Populate *p = data;

  for (guint i = 0; i < p->related->len; i++)
    cupel_entity_fetch_cell (g_ptr_array_index (p->related, i), p->relationship->target, p->relationship->remote,
                             p->related_keys, cupel_row_block_add_row (p->related_keys), NULL);
}

/* Deals the many out: a chain per parent through @next, so that order is kept and nothing is allocated per child. */
static void
populate_many (Populate *p)
{
  g_autoptr(GHashTable) index = g_hash_table_new (key_hash, key_equal);
  g_autofree int *next = g_new (int, p->related->len + 1);
  g_autofree int *first = g_new (int, p->n_parents + 1);
  g_autofree int *last = g_new (int, p->n_parents + 1);
  g_autoptr(GPtrArray) items = g_ptr_array_new ();

  for (guint i = 0; i < p->n_parents; i++)
    {
      first[i] = last[i] = -1;
      if (p->parent_keys->cells[i].kind != CUPEL_CELL_NULL)
        g_hash_table_insert (index, &p->parent_keys->cells[i], GUINT_TO_POINTER (i + 1));
    }
  for (guint i = 0; i < p->related->len; i++)
    {
      guint parent = GPOINTER_TO_UINT (g_hash_table_lookup (index, &p->related_keys->cells[i]));

      next[i] = -1;
      if (parent == 0)
        continue;
      if (first[parent - 1] < 0)
        first[parent - 1] = (int) i;
      else
        next[last[parent - 1]] = (int) i;
      last[parent - 1] = (int) i;
    }

  for (guint i = 0; i < p->n_parents; i++)
    {
      CupelCollection *collection = cupel_entity_ensure_collection (p->parents[i], p->relationship);

      g_ptr_array_set_size (items, 0);
      for (int child = first[i]; child >= 0; child = next[child])
        g_ptr_array_add (items, g_ptr_array_index (p->related, child));
      cupel_collection_load (collection, (CupelEntity **) items->pdata, items->len);
      cupel_entity_extra (p->parents[i])->related_loaded |= G_GUINT64_CONSTANT (1) << p->relationship->index;
      cupel_fiber_tick ();
    }
}

static void
populate_one (Populate *p)
{
  g_autoptr(GHashTable) index = g_hash_table_new (key_hash, key_equal);

  for (guint i = 0; i < p->related->len; i++)
    g_hash_table_insert (index, &p->related_keys->cells[i], g_ptr_array_index (p->related, i));
  for (guint i = 0; i < p->n_parents; i++)
    {
      cupel_entity_store_related (p->parents[i], p->relationship->index,
                                  p->parent_keys->cells[i].kind == CUPEL_CELL_NULL
                                    ? NULL
                                    : g_hash_table_lookup (index, &p->parent_keys->cells[i]),
                                  FALSE);
      cupel_fiber_tick ();
    }
}

/**
 * cupel_relationship_populate: (skip)
 * @relationship: a relationship
 * @parents: (array length=n_parents): entities that have it
 * @n_parents: how many
 * @related: (element-type CupelEntity): the entities that cupel_relationship_select_for() found
 *
 * Deals related entities out to their parents. A parent without any gets an empty collection, or nothing.
 *
 * Since: 1.0
 */
void
cupel_relationship_populate (CupelRelationship  *relationship,
                             CupelEntity       **parents,
                             guint               n_parents,
                             GPtrArray          *related)
{
  g_autoptr(CupelRowBlock) parent_keys = cupel_row_block_new (1, n_parents);
  g_autoptr(CupelRowBlock) related_keys = cupel_row_block_new (1, related->len);
  Populate p = { relationship, parents, n_parents, related, parent_keys, related_keys };

  run_for_class (relationship->parent, fetch_parent_keys, &p);
  run_for_class (relationship->target, fetch_related_keys, &p);
  if (relationship->kind == CUPEL_RELATIONSHIP_HAS_MANY)
    populate_many (&p);
  else
    populate_one (&p);
}

/**
 * cupel_relationship_populate_from_identity_map: (skip)
 * @relationship: a relationship to one
 * @session: a session
 * @parent: an entity of it
 *
 * Looks whether the session knows what @parent refers to, or whether it refers to nothing: then no I/O is needed.
 *
 * Returns: %TRUE if the attribute is loaded now
 *
 * Since: 1.0
 */
gboolean
cupel_relationship_populate_from_identity_map (CupelRelationship *relationship,
                                               CupelSession      *session,
                                               CupelEntity       *parent)
{
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);
  const CupelCell *cells[1] = { cell };
  CupelRowBlock *keys = block;
  Populate p = { relationship, &parent, 1, NULL, keys, NULL };
  CupelIdentityKey key;
  CupelEntity *found;

  if (relationship->kind != CUPEL_RELATIONSHIP_BELONGS_TO || relationship->target->n_key != 1 ||
      relationship->target->key[0] != relationship->remote)
    return FALSE;

  run_for_class (relationship->parent, fetch_parent_keys, &p);
  cells[0] = &block->cells[1];
  if (!cupel_identity_key_init (&key, relationship->target, cells))
    {
      cupel_entity_store_related (parent, relationship->index, NULL, FALSE);
      return TRUE;
    }
  if (relationship->target->int_key && !is_integer (cupel_mapper_attribute (relationship->parent, relationship->local)))
    return FALSE;
  found = cupel_identity_map_lookup (&session->identity, &key);
  if (found == NULL)
    return FALSE;
  cupel_entity_store_related (parent, relationship->index, G_OBJECT (found), FALSE);
  return TRUE;
}
