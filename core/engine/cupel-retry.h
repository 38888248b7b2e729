/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-connection.h"

G_BEGIN_DECLS

/**
 * CupelRetry:
 *
 * How often, and after which pauses, a function in a transaction is run again when it lost a race, and what the transaction is like.
 *
 * Properties: max-tries (8), time-limit (seconds for all of it; 0: none), first-delay (seconds, 0.01), max-delay (seconds, 1.0),
 * isolation-level, read-only, deferrable.
 */
#define CUPEL_TYPE_RETRY (cupel_retry_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelRetry, cupel_retry, CUPEL, RETRY, GObject)

CUPEL_AVAILABLE_IN_1_0
CupelRetry *cupel_retry_new (void);
/* Microseconds to wait before the next try, -1: no more of them */
CUPEL_AVAILABLE_IN_1_0
gint64 cupel_retry_get_delay (CupelRetry *self,
                              guint n_tries,
                              gint64 elapsed,
                              const GError *error);

G_END_DECLS
