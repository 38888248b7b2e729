/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-value.h"

G_BEGIN_DECLS

/* Lenient readers, shared by rows, results and streams. */
gint64      cupel_cell_get_int64    (const CupelCell *cell);
double      cupel_cell_get_double   (const CupelCell *cell);
const char *cupel_cell_get_string   (const CupelCell *cell);
GDateTime  *cupel_cell_dup_datetime (const CupelCell *cell);
GBytes     *cupel_cell_dup_bytes    (const CupelCell *cell);
gboolean    cupel_cell_get_value    (const CupelCell *cell,
                                     GValue          *value);

G_END_DECLS
