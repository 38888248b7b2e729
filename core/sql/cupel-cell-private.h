/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-value-private.h"

G_BEGIN_DECLS

/* What the conversions between cells and GValues share. */

#define CUPEL_USEC_PER_DAY (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

/* Set an error that names the kind and the target, never the value, and return FALSE. */
gboolean cupel_cell_no_conversion (CupelCellKind     kind,
                                   const char       *target,
                                   GError          **error);
gboolean cupel_cell_bad_text      (CupelCellKind     kind,
                                   const char       *target,
                                   GError          **error);
gboolean cupel_cell_out_of_range  (CupelCellKind     kind,
                                   const char       *target,
                                   GError          **error);

gboolean cupel_cell_to_int64      (const CupelCell  *cell,
                                   const char       *target,
                                   gint64            least,
                                   gint64            greatest,
                                   gint64           *value,
                                   GError          **error);
gboolean cupel_cell_to_double     (const CupelCell  *cell,
                                   const char       *target,
                                   double           *value,
                                   GError          **error);
/* [+-]digits[.digits][e[+-]digits], NaN, [+-]Infinity */
gboolean cupel_is_decimal         (const char       *text,
                                   gsize             length);

static inline gint64
cupel_floor_div (gint64 a,
                 gint64 b)
{
  return a / b - (a % b < 0);
}

G_END_DECLS
