/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/**
 * CupelErrorDetails: (skip)
 *
 * What a driver knows of a failed statement; any member may be %NULL or 0.
 */
typedef struct
{
  const char *sqlstate;    /* five characters */
  int         native_code;
  const char *detail;      /* may hold row data: kept apart from the message */
  const char *constraint;
  const char *table;
  const char *column;
  gboolean    retryable;   /* running the whole unit again may help */
  gboolean    disconnect;  /* the connection is gone */
  CupelErrorCategory category;
} CupelErrorDetails;

CUPEL_AVAILABLE_IN_1_0
GError *cupel_error_new_with_details (CupelError               code,
                                      const CupelErrorDetails *details,
                                      const char              *format,
                                      ...) G_GNUC_PRINTF (3, 4);
CUPEL_AVAILABLE_IN_1_0
void    cupel_set_error_with_details (GError                 **error,
                                      CupelError               code,
                                      const CupelErrorDetails *details,
                                      const char              *format,
                                      ...) G_GNUC_PRINTF (4, 5);

G_END_DECLS
