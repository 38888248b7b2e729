/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The conformance suite: scenarios that every dialect must pass, and the program that runs them. Register your own with
 * cupel_conformance_register() and call cupel_conformance_main(). */

#pragma once

#include <cupel-dialect.h>

#include "cupel-conformance-context.h"
#include "cupel-conformance-scenario.h"

G_BEGIN_DECLS

CUPEL_AVAILABLE_IN_1_0
void cupel_conformance_register_standard (void);
CUPEL_AVAILABLE_IN_1_0
int  cupel_conformance_main              (int    argc,
                                          char **argv);

G_END_DECLS
