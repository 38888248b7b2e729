/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-loader-private.h"
#include "runtime/cupel-plugin.h"

G_DEFINE_ABSTRACT_TYPE (CupelLoaderStrategy, cupel_loader_strategy, G_TYPE_OBJECT)

static void
cupel_loader_strategy_class_init (CupelLoaderStrategyClass *klass)
{
}

static void
cupel_loader_strategy_init (CupelLoaderStrategy *self)
{
}

G_DEFINE_FINAL_TYPE (CupelLoaderOption, cupel_loader_option, G_TYPE_OBJECT)

static void
cupel_loader_option_finalize (GObject *object)
{
  CupelLoaderOption *self = CUPEL_LOADER_OPTION (object);

  g_clear_object (&self->strategy);
  g_free (self->relationship);
  g_free (self->strategy_name);

  G_OBJECT_CLASS (cupel_loader_option_parent_class)->finalize (object);
}

static void
cupel_loader_option_class_init (CupelLoaderOptionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_loader_option_finalize;
}

static void
cupel_loader_option_init (CupelLoaderOption *self)
{
}

/**
 * cupel_loader_option_new:
 * @type: the mapped class that the statement selects, or one that is loaded with it
 * @relationship: the name of one of its relationships
 * @strategy: the name of a loader strategy
 *
 * Says how a relationship is loaded by one statement. Names are looked up when the statement is executed: it fails with
 * %CUPEL_ERROR_MAPPING if there is no such relationship, or if no relationship leads from the statement's class to @type.
 *
 * Returns: (transfer full): a new option
 *
 * Since: 1.0
 */
CupelLoaderOption *
cupel_loader_option_new (GType       type,
                         const char *relationship,
                         const char *strategy)
{
  CupelLoaderOption *self;

  g_return_val_if_fail (g_type_is_a (type, CUPEL_TYPE_ENTITY), NULL);
  g_return_val_if_fail (relationship != NULL, NULL);
  g_return_val_if_fail (strategy != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_LOADER_OPTION, NULL);
  self->type = type;
  self->relationship = g_strdup (relationship);
  self->strategy_name = g_strdup (strategy);
  return self;
}

CupelRelationship *
cupel_loader_option_resolve (CupelLoaderOption    *self,
                             CupelLoaderStrategy **strategy,
                             GError              **error)
{
  CupelMapper *mapper = cupel_mapper_for_type (self->type, error);
  CupelRelationship *relationship;

  if (mapper == NULL || (relationship = cupel_mapper_require_relationship (mapper, self->relationship, error)) == NULL)
    return NULL;
  if (CUPEL_LOADER_STRATEGY_GET_CLASS (relationship->strategy)->write_only)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING, "%s.%s is write-only: it cannot be loaded with a query",
                   g_type_name (self->type), self->relationship);
      return NULL;
    }
  if (self->strategy == NULL)
    {
      GType type = cupel_plugin_find (CUPEL_PLUGIN_LOADER, self->strategy_name, CUPEL_TYPE_LOADER_STRATEGY, error);

      if (type == G_TYPE_INVALID)
        return NULL;
      self->strategy = g_object_new (type, NULL);
    }
  *strategy = self->strategy;
  return relationship;
}

/**
 * cupel_selectinload:
 * @type: a mapped class
 * @relationship: the name of one of its relationships
 *
 * Loads a relationship with one more `SELECT ... IN` for each 500 parents.
 *
 * Returns: (transfer full): a new option
 *
 * Since: 1.0
 */
CupelLoaderOption *
cupel_selectinload (GType       type,
                    const char *relationship)
{
  return cupel_loader_option_new (type, relationship, "selectin");
}

/**
 * cupel_raiseload:
 * @type: a mapped class
 * @relationship: the name of one of its relationships
 *
 * Makes reading a relationship that is not loaded an error, even in a fiber.
 *
 * Returns: (transfer full): a new option
 *
 * Since: 1.0
 */
CupelLoaderOption *
cupel_raiseload (GType       type,
                 const char *relationship)
{
  return cupel_loader_option_new (type, relationship, "raise");
}

/**
 * cupel_lazyload:
 * @type: a mapped class
 * @relationship: the name of one of its relationships
 *
 * Loads a relationship when it is awaited, or read in a fiber.
 *
 * Returns: (transfer full): a new option
 *
 * Since: 1.0
 */
CupelLoaderOption *
cupel_lazyload (GType       type,
                const char *relationship)
{
  return cupel_loader_option_new (type, relationship, "lazy");
}

/**
 * cupel_select_add_option:
 * @select: a select of a mapped class
 * @option: (transfer full): how to load one of its relationships
 *
 * Says how the entities of a statement are loaded.
 *
 * Since: 1.0
 */
void
cupel_select_add_option (CupelSelect       *select,
                         CupelLoaderOption *option)
{
  g_return_if_fail (CUPEL_IS_SELECT (select));
  g_return_if_fail (CUPEL_IS_LOADER_OPTION (option));

  cupel_statement_add_option (CUPEL_STATEMENT (select), G_OBJECT (option));
  g_object_unref (option);
}
