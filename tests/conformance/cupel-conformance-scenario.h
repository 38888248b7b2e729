/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

#include "cupel-conformance-context.h"

G_BEGIN_DECLS

/**
 * CupelConformanceScenario:
 *
 * One thing that a program does with a database, with what must come of it.
 */
#define CUPEL_TYPE_CONFORMANCE_SCENARIO (cupel_conformance_scenario_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelConformanceScenario, cupel_conformance_scenario, CUPEL, CONFORMANCE_SCENARIO, GObject)

/* In a fiber of a running main loop, on an empty database. FALSE: it could not go on, which is a failure. */
typedef gboolean (*CupelConformanceFunc) (CupelConformanceContext  *context,
                                          gpointer                  user_data,
                                          GError                  **error);

CUPEL_AVAILABLE_IN_1_0
CupelConformanceScenario *cupel_conformance_scenario_new             (const char               *name,
                                                                      const char               *description,
                                                                      CupelCapabilities         required,
                                                                      CupelConformanceFunc      func,
                                                                      gpointer                  user_data,
                                                                      GDestroyNotify            destroy);
CUPEL_AVAILABLE_IN_1_0
const char               *cupel_conformance_scenario_get_name        (CupelConformanceScenario *self);
CUPEL_AVAILABLE_IN_1_0
const char               *cupel_conformance_scenario_get_description (CupelConformanceScenario *self);
CUPEL_AVAILABLE_IN_1_0
CupelCapabilities         cupel_conformance_scenario_get_required    (CupelConformanceScenario *self);
CUPEL_AVAILABLE_IN_1_0
gboolean                  cupel_conformance_scenario_run             (CupelConformanceScenario *self,
                                                                      CupelConformanceContext  *context,
                                                                      GError                  **error);
/* The registry takes a reference; a name is registered once. */
CUPEL_AVAILABLE_IN_1_0
void                      cupel_conformance_register                 (CupelConformanceScenario *scenario);
/* (transfer none) (element-type CupelConformanceScenario) */
CUPEL_AVAILABLE_IN_1_0
GPtrArray                *cupel_conformance_get_scenarios            (void);
/* "persistent, savepoints": the names of these flags, (transfer full) */
CUPEL_AVAILABLE_IN_1_0
char                     *cupel_conformance_capability_names         (CupelCapabilities         capabilities);

G_END_DECLS
