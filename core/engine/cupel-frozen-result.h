/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-result.h"

G_BEGIN_DECLS

/**
 * CupelFrozenResult:
 *
 * What a result held, detached from its connection and session: it can be thawed many times.
 */
#define CUPEL_TYPE_FROZEN_RESULT (cupel_frozen_result_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelFrozenResult, cupel_frozen_result, CUPEL, FROZEN_RESULT, GObject)

/* Consumes what is left of @result. */
CUPEL_AVAILABLE_IN_1_0
CupelFrozenResult *cupel_result_freeze (CupelResult *result);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_frozen_result_thaw (CupelFrozenResult *frozen);
CUPEL_AVAILABLE_IN_1_0
guint cupel_frozen_result_get_n_rows (CupelFrozenResult *frozen);

G_END_DECLS
