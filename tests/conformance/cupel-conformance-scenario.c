/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

struct _CupelConformanceScenario
{
  GObject parent_instance;
  char *name;
  char *description;
  CupelCapabilities required;
  CupelConformanceFunc func;
  gpointer user_data;
  GDestroyNotify destroy;
};

G_DEFINE_FINAL_TYPE (CupelConformanceScenario, cupel_conformance_scenario, G_TYPE_OBJECT)

static const struct
{
  CupelCapabilities flag;
  const char *name;
} capabilities_by_name[] = {
  { CUPEL_CAP_INSERT_RETURNING, "insert-returning" },
  { CUPEL_CAP_INSERT_MANY_RETURNING, "insert-many-returning" },
  { CUPEL_CAP_UPDATE_RETURNING, "update-returning" },
  { CUPEL_CAP_DELETE_RETURNING, "delete-returning" },
  { CUPEL_CAP_SAVEPOINTS, "savepoints" },
  { CUPEL_CAP_TRANSACTIONAL_DDL, "transactional-ddl" },
  { CUPEL_CAP_STREAMING, "streaming" },
  { CUPEL_CAP_NESTED_STREAMS, "nested-streams" },
  { CUPEL_CAP_CANCEL, "cancel" },
  { CUPEL_CAP_CONCURRENT_WRITERS, "concurrent-writers" },
  { CUPEL_CAP_NATIVE_UUID, "native-uuid" },
  { CUPEL_CAP_FOREIGN_KEYS, "foreign-keys" },
  { CUPEL_CAP_MICROSECONDS, "microseconds" },
  { CUPEL_CAP_PERSISTENT, "persistent" },
};

static GPtrArray *registry;

static void
cupel_conformance_scenario_finalize (GObject *object)
{
  CupelConformanceScenario *self = CUPEL_CONFORMANCE_SCENARIO (object);

  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_free (self->name);
  g_free (self->description);
  G_OBJECT_CLASS (cupel_conformance_scenario_parent_class)->finalize (object);
}

static void
cupel_conformance_scenario_class_init (CupelConformanceScenarioClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_conformance_scenario_finalize;
}

static void
cupel_conformance_scenario_init (CupelConformanceScenario *self)
{
}

CupelConformanceScenario *
cupel_conformance_scenario_new (const char           *name,
                                const char           *description,
                                CupelCapabilities     required,
                                CupelConformanceFunc  func,
                                gpointer              user_data,
                                GDestroyNotify        destroy)
{
  CupelConformanceScenario *self;

  g_return_val_if_fail (name != NULL && description != NULL && func != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_CONFORMANCE_SCENARIO, NULL);
  self->name = g_strdup (name);
  self->description = g_strdup (description);
  self->required = required;
  self->func = func;
  self->user_data = user_data;
  self->destroy = destroy;
  return self;
}

const char *
cupel_conformance_scenario_get_name (CupelConformanceScenario *self)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_SCENARIO (self), NULL);
  return self->name;
}

const char *
cupel_conformance_scenario_get_description (CupelConformanceScenario *self)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_SCENARIO (self), NULL);
  return self->description;
}

CupelCapabilities
cupel_conformance_scenario_get_required (CupelConformanceScenario *self)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_SCENARIO (self), CUPEL_CAP_NONE);
  return self->required;
}

gboolean
cupel_conformance_scenario_run (CupelConformanceScenario  *self,
                                CupelConformanceContext   *context,
                                GError                   **error)
{
  g_return_val_if_fail (CUPEL_IS_CONFORMANCE_SCENARIO (self), FALSE);
  return self->func (context, self->user_data, error);
}

GPtrArray *
cupel_conformance_get_scenarios (void)
{
  if (registry == NULL)
    registry = g_ptr_array_new_with_free_func (g_object_unref);
  return registry;
}

void
cupel_conformance_register (CupelConformanceScenario *scenario)
{
  GPtrArray *scenarios = cupel_conformance_get_scenarios ();

  g_return_if_fail (CUPEL_IS_CONFORMANCE_SCENARIO (scenario));

  for (guint i = 0; i < scenarios->len; i++)
    {
      CupelConformanceScenario *other = scenarios->pdata[i];

      g_return_if_fail (strcmp (other->name, scenario->name) != 0);
    }
  g_ptr_array_add (scenarios, g_object_ref (scenario));
}

char *
cupel_conformance_capability_names (CupelCapabilities capabilities)
{
  GString *names = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (capabilities_by_name); i++)
    if (capabilities & capabilities_by_name[i].flag)
      {
        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", capabilities_by_name[i].name);
        capabilities &= ~capabilities_by_name[i].flag;
      }
  if (capabilities != CUPEL_CAP_NONE)
    g_string_append_printf (names, "%s0x%x", names->len > 0 ? ", " : "", (guint) capabilities);
  return g_string_free (names, FALSE);
}
