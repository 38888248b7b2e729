/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-collection-private.h"
#include "orm/cupel-int-index-private.h"
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
  g_autoptr(GHashTable) seen = g_hash_table_new ((GHashFunc) cupel_cell_hash, (GEqualFunc) cupel_cell_equal);
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

/* The same of integers; how many. */
static guint
collect_ints (CupelRelationship *relationship,
              CupelEntity      **parents,
              guint              n_parents,
              gint64            *keys)
{
  g_auto(CupelIntIndex) seen = { NULL, };
  guint n = 0;

  cupel_int_index_init (&seen, n_parents);
  for (guint i = 0; i < n_parents; i++)
    {
      CupelIntSlot *slot;

      if (!cupel_entity_get_int (parents[i], relationship->parent, relationship->local, &keys[n]) ||
          (slot = cupel_int_index_find (&seen, keys[n]))->place != 0)
        continue;
      *slot = (CupelIntSlot) { keys[n], i + 1 };
      n++;
    }
  return n;
}

/* NULL: no parent has a key. Takes @column. */
static CupelExpression *
match_ints (CupelRelationship *relationship,
            CupelEntity      **parents,
            guint              n_parents,
            CupelExpression   *column)
{
  g_autofree gint64 *keys = g_new (gint64, n_parents + 1);
  guint n = collect_ints (relationship, parents, n_parents, keys);

  if (n == 0)
    g_clear_pointer (&column, cupel_expression_unref);
  else if (n_parents == 1)
    column = cupel_eq (column, cupel_literal (cupel_value_new_int64 (keys[0])));
  else
    column = cupel_in_int64 (column, keys, n);
  return column;
}

static CupelExpression *
match_values (CupelRelationship *relationship,
              CupelEntity      **parents,
              guint              n_parents,
              CupelExpression   *column)
{
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_value_unref);
  CollectKeys collect = { relationship, parents, n_parents, values };

  cupel_session_run_for_class (relationship->parent, collect_keys, &collect);
  if (values->len == 0)
    g_clear_pointer (&column, cupel_expression_unref);
  else if (n_parents == 1)
    column = cupel_eq (column, cupel_literal (cupel_value_ref (g_ptr_array_index (values, 0))));
  else
    column = cupel_in (column, (CupelValue **) values->pdata, values->len);
  return column;
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
  CupelExpression *condition = cupel_column_expression (cupel_mapper_attribute (relationship->target, relationship->remote)->column);
  CupelSelect *select;

  condition = cupel_int_index_is_possible (relationship->parent, relationship->local)
                ? match_ints (relationship, parents, n_parents, condition)
                : match_values (relationship, parents, n_parents, condition);
  if (condition == NULL)
    return NULL;

  select = cupel_entity_select (relationship->target_type);
  cupel_select_where (select, condition);
  if (relationship->order_by != NULL)
    cupel_select_order_by (select, cupel_attr (relationship->target_type, relationship->order_by));
  return select;
}
