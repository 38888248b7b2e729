/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The current row of a stream. */

#include "engine/cupel-cell-access-private.h"
#include "engine/cupel-stream-private.h"

/**
 * cupel_stream_get_n_columns:
 * @self: a stream
 *
 * Counts the columns.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_stream_get_n_columns (CupelStream *self)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), 0);

  return self->shape->n_columns;
}

/**
 * cupel_stream_get_column_name:
 * @self: a stream
 * @column: which column, from 0
 *
 * Gets the name of a column.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_stream_get_column_name (CupelStream *self,
                              guint        column)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), NULL);
  g_return_val_if_fail (column < self->shape->n_columns, NULL);

  return self->shape->names[column];
}

#define CELL(self, column) CUPEL_ROW_CELL (CUPEL_IS_STREAM (self), self, column)

/**
 * cupel_stream_is_null:
 * @self: a stream that is at a row
 * @column: which column, from 0
 *
 * Tells whether a value of the current row is the SQL NULL.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_stream_is_null (CupelStream *self,
                      guint        column)
{
  return CELL (self, column)->kind == CUPEL_CELL_NULL;
}

/**
 * cupel_stream_get_int64:
 * @self: a stream that is at a row
 * @column: which column, from 0
 *
 * Gets an integer of the current row. See cupel_result_get_int64() for what is converted.
 *
 * Returns: the number; 0 for NULL and for what is no number
 *
 * Since: 1.0
 */
gint64
cupel_stream_get_int64 (CupelStream *self,
                        guint        column)
{
  return cupel_cell_get_int64 (CELL (self, column));
}

/**
 * cupel_stream_get_double:
 * @self: a stream that is at a row
 * @column: which column, from 0
 *
 * Gets a floating point number of the current row.
 *
 * Returns: the number; 0 for NULL and for what is no number
 *
 * Since: 1.0
 */
double
cupel_stream_get_double (CupelStream *self,
                         guint        column)
{
  return cupel_cell_get_double (CELL (self, column));
}

/**
 * cupel_stream_get_string:
 * @self: a stream that is at a row
 * @column: which column, from 0
 *
 * Gets a text of the current row, or an exact decimal or JSON as text.
 *
 * Returns: (transfer none) (nullable): the text, valid until the next step; %NULL for NULL and for what is no text
 *
 * Since: 1.0
 */
const char *
cupel_stream_get_string (CupelStream *self,
                         guint        column)
{
  return cupel_cell_get_string (CELL (self, column));
}

/**
 * cupel_stream_dup_datetime:
 * @self: a stream that is at a row
 * @column: which column, from 0
 *
 * Gets a date or a point in time of the current row, in UTC.
 *
 * Returns: (transfer full) (nullable): the date; %NULL for NULL and for what is none
 *
 * Since: 1.0
 */
GDateTime *
cupel_stream_dup_datetime (CupelStream *self,
                           guint        column)
{
  return cupel_cell_dup_datetime (CELL (self, column));
}

/**
 * cupel_stream_dup_bytes:
 * @self: a stream that is at a row
 * @column: which column, from 0
 *
 * Gets the bytes of a value of the current row.
 *
 * Returns: (transfer full) (nullable): the bytes; %NULL for NULL and for what has none
 *
 * Since: 1.0
 */
GBytes *
cupel_stream_dup_bytes (CupelStream *self,
                        guint        column)
{
  return cupel_cell_dup_bytes (CELL (self, column));
}

/**
 * cupel_stream_get_value:
 * @self: a stream that is at a row
 * @column: which column, from 0
 * @value: (out caller-allocates): where to put it. Zeroed, it gets the natural type; initialised, the value is converted to its type
 *
 * Gets a value of the current row, of whatever type.
 *
 * Returns: %FALSE for the SQL NULL, and when the value does not fit; @value is then left alone
 *
 * Since: 1.0
 */
gboolean
cupel_stream_get_value (CupelStream *self,
                        guint        column,
                        GValue      *value)
{
  g_return_val_if_fail (value != NULL, FALSE);

  return cupel_cell_get_value (CELL (self, column), value);
}

/**
 * cupel_stream_dup_row:
 * @self: a stream that is at a row
 *
 * Gets the current row as a thing of its own. It keeps the memory of its whole block.
 *
 * Returns: (transfer full): the row
 *
 * Since: 1.0
 */
CupelRow *
cupel_stream_dup_row (CupelStream *self)
{
  g_return_val_if_fail (CUPEL_IS_STREAM (self), NULL);
  g_return_val_if_fail (self->cells != NULL, NULL);

  return cupel_row_new (self->shape, self->block, self->row - 1);
}
