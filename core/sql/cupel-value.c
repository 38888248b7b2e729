/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-value-private.h"

#include <string.h>

struct _CupelValue
{
  guint     ref_count;
  CupelCell cell;
  /* text or bytes follow */
};

G_DEFINE_BOXED_TYPE (CupelValue, cupel_value, cupel_value_ref, cupel_value_unref)

/* Not UTF-8, so that it can never reach a server. */
const char cupel_text_too_long[] = "\xff";

static CupelValue *
cupel_value_alloc (CupelCellKind kind,
                   gsize         extra)
{
  CupelValue *value = g_malloc (sizeof (CupelValue) + extra);

  value->ref_count = 1;
  memset (&value->cell, 0, sizeof value->cell);
  value->cell.kind = kind;

  return value;
}

static CupelValue *
cupel_value_new_copy (CupelCellKind  kind,
                      gconstpointer  data,
                      gsize          length)
{
  CupelValue *value;
  char *copy;

  if (G_UNLIKELY (length > G_MAXUINT32))
    {
      value = cupel_value_alloc (CUPEL_CELL_TEXT, 0);
      value->cell.v.text = cupel_text_too_long;
      value->cell.length = 1;
      return value;
    }

  value = cupel_value_alloc (kind, length + 1);
  copy = (char *) (value + 1);
  if (length > 0)
    memcpy (copy, data, length);
  copy[length] = '\0';
  value->cell.length = (guint32) length;
  value->cell.v.text = copy;

  return value;
}

/**
 * cupel_value_new_null:
 *
 * Makes an SQL NULL.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_null (void)
{
  return cupel_value_alloc (CUPEL_CELL_NULL, 0);
}

/**
 * cupel_value_new_boolean:
 * @value: a truth value
 *
 * Makes a truth value.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_boolean (gboolean value)
{
  CupelValue *self = cupel_value_alloc (CUPEL_CELL_BOOLEAN, 0);

  self->cell.v.i64 = value != FALSE;

  return self;
}

/**
 * cupel_value_new_int64:
 * @value: a number
 *
 * Makes an integer.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_int64 (gint64 value)
{
  CupelValue *self = cupel_value_alloc (CUPEL_CELL_INT64, 0);

  self->cell.v.i64 = value;

  return self;
}

/**
 * cupel_value_new_double:
 * @value: a number
 *
 * Makes a floating-point number.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_double (double value)
{
  CupelValue *self = cupel_value_alloc (CUPEL_CELL_DOUBLE, 0);

  self->cell.v.f64 = value;

  return self;
}

/**
 * cupel_value_new_string:
 * @value: (nullable): a text, or %NULL for an SQL NULL
 *
 * Makes a text.
 *
 * Text has to be valid UTF-8. That is found out when a statement that holds the value is executed, which then fails with
 * %CUPEL_ERROR_DATA.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_string (const char *value)
{
  if (value == NULL)
    return cupel_value_new_null ();

  return cupel_value_new_copy (CUPEL_CELL_TEXT, value, strlen (value));
}

/**
 * cupel_value_new_bytes:
 * @value: (nullable): bytes, or %NULL for an SQL NULL
 *
 * Makes a binary value.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_bytes (GBytes *value)
{
  gconstpointer data;
  gsize size;

  if (value == NULL)
    return cupel_value_new_null ();

  data = g_bytes_get_data (value, &size);

  return cupel_value_new_copy (CUPEL_CELL_BYTES, data, size);
}

/**
 * cupel_value_new_datetime:
 * @value: (nullable): a point in time, or %NULL for an SQL NULL
 *
 * Makes a date with a time: the instant of @value, as what a clock in UTC shows then.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_datetime (GDateTime *value)
{
  CupelValue *self;

  if (value == NULL)
    return cupel_value_new_null ();

  self = cupel_value_alloc (CUPEL_CELL_DATETIME, 0);
  self->cell.v.i64 = cupel_date_time_to_microseconds (value);

  return self;
}

/**
 * cupel_value_new_from_cell: (skip)
 * @cell: a cell
 *
 * Copies a cell with what it points to.
 *
 * Returns: (transfer full): a new value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_from_cell (const CupelCell *cell)
{
  CupelValue *self;

  g_return_val_if_fail (cell != NULL, NULL);

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_UUID:
      return cupel_value_new_copy (cell->kind, cell->v.text, cell->length);

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DOUBLE:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      self = cupel_value_alloc (cell->kind, 0);
      self->cell.v = cell->v;
      return self;
    }
}

/**
 * cupel_value_new_from_gvalue:
 * @value: a value of a basic type, or a #GBytes, #GDateTime, #GDate or #CupelValue
 * @error: return location for an error, or %NULL
 *
 * Makes a value of what a program or a script has. A pointer, string or boxed value that is %NULL is an SQL NULL.
 *
 * Returns: (transfer full): a new value; %NULL with %CUPEL_ERROR_DATA if a text is not valid UTF-8, or with
 *   %CUPEL_ERROR_INVALID_ARGUMENT if the type has no counterpart in SQL
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_new_from_gvalue (const GValue  *value,
                             GError       **error)
{
  g_autoptr(CupelRowBlock) block = NULL;
  CupelCell cell;

  g_return_val_if_fail (value != NULL, NULL);

  if (G_VALUE_HOLDS (value, CUPEL_TYPE_VALUE) && g_value_get_boxed (value) != NULL)
    return cupel_value_ref (g_value_get_boxed (value));

  block = cupel_row_block_new (0, 0);
  if (!cupel_cell_from_gvalue (block, &cell, NULL, value, error))
    return NULL;

  return cupel_value_new_from_cell (&cell);
}

/**
 * cupel_value_ref:
 * @value: a value
 *
 * Adds a reference. Any thread may do so.
 *
 * Returns: (transfer full): @value
 *
 * Since: 1.0
 */
CupelValue *
cupel_value_ref (CupelValue *value)
{
  g_return_val_if_fail (value != NULL, NULL);

  g_atomic_int_inc (&value->ref_count);

  return value;
}

/**
 * cupel_value_unref:
 * @value: (transfer full): a value
 *
 * Drops a reference. Any thread may do so.
 *
 * Since: 1.0
 */
void
cupel_value_unref (CupelValue *value)
{
  g_return_if_fail (value != NULL);

  if (g_atomic_int_dec_and_test (&value->ref_count))
    g_free (value);
}

/**
 * cupel_value_get_cell: (skip)
 * @value: a value
 *
 * Gets the cell of a value.
 *
 * Returns: (transfer none): the cell, which lives as long as @value
 *
 * Since: 1.0
 */
const CupelCell *
cupel_value_get_cell (const CupelValue *value)
{
  g_return_val_if_fail (value != NULL, NULL);

  return &value->cell;
}

/**
 * cupel_value_equal:
 * @a: a value
 * @b: another
 *
 * Tells whether two values are the same: of the same kind, with the same content. Unlike in SQL a NULL equals a NULL.
 *
 * Returns: whether they are the same
 *
 * Since: 1.0
 */
gboolean
cupel_value_equal (const CupelValue *a,
                   const CupelValue *b)
{
  g_return_val_if_fail (a != NULL, FALSE);
  g_return_val_if_fail (b != NULL, FALSE);

  return a == b || cupel_cell_equal (&a->cell, &b->cell);
}
