/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-value.h"

G_BEGIN_DECLS

/* The cell of a row, or of the row at which a result or a stream is: @self has cells and a shape, @is_self tells whether it is one at
 * all. Whoever asks for a cell that is not there is told so, and gets the SQL NULL. */
#define CUPEL_ROW_CELL(is_self, self, column)                                                                     \
  (G_LIKELY ((is_self) && (self)->cells != NULL && (column) < (self)->shape->n_columns)                           \
   ? &(self)->cells[column]                                                                                       \
   : (is_self) ? cupel_cell_refuse (G_STRFUNC, (self)->cells != NULL, column, (self)->shape->n_columns)           \
   : cupel_cell_refuse_self (G_STRFUNC, #is_self))

const CupelCell *cupel_cell_refuse      (const char *function,
                                         gboolean    is_at_row,
                                         guint       column,
                                         guint       n_columns) G_GNUC_NO_INLINE;
const CupelCell *cupel_cell_refuse_self (const char *function,
                                         const char *check) G_GNUC_NO_INLINE;

/* Lenient readers. */
gint64      cupel_cell_convert_int64 (const CupelCell *cell);
double      cupel_cell_get_double   (const CupelCell *cell);
const char *cupel_cell_get_string   (const CupelCell *cell);
GDateTime  *cupel_cell_dup_datetime (const CupelCell *cell);
GBytes     *cupel_cell_dup_bytes    (const CupelCell *cell);
gboolean    cupel_cell_get_value    (const CupelCell *cell,
                                     GValue          *value);

static inline gint64
cupel_cell_get_int64 (const CupelCell *cell)
{
  return G_LIKELY (cell->kind == CUPEL_CELL_INT64) ? cell->v.i64 : cupel_cell_convert_int64 (cell);
}

G_END_DECLS
