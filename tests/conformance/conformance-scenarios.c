/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "conformance-scenarios.h"

void
conformance_add (const char           *name,
                 const char           *description,
                 CupelCapabilities     required,
                 CupelConformanceFunc  func,
                 gpointer              user_data)
{
  g_autoptr(CupelConformanceScenario) scenario = cupel_conformance_scenario_new (name, description, required, func, user_data, NULL);

  cupel_conformance_register (scenario);
}

/**
 * cupel_conformance_register_standard:
 *
 * Registers the scenarios that come with the library. Call it once, if at all.
 */
void
cupel_conformance_register_standard (void)
{
  conformance_add_async_orm ();
  conformance_add_writeonly ();
  conformance_add_basic ();
  conformance_add_gather ();
  conformance_add_forms ();
  conformance_add_streaming ();
  conformance_add_misuse ();
  conformance_add_errors ();
  conformance_add_transactions ();
}
