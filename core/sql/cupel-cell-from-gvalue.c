/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-cell-private.h"
#include "sql/cupel-sql-type-private.h"

#include <math.h>
#include <string.h>

static gboolean
set_user_text (CupelRowBlock  *block,
               CupelCell      *cell,
               const char     *text,
               GError        **error)
{
  if (text != NULL && !g_utf8_validate (text, -1, NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A text is not valid UTF-8; convert it, or use bytes");
      return FALSE;
    }
  if (!cupel_row_block_set_text (block, cell, CUPEL_CELL_TEXT, text, -1))
    return cupel_cell_out_of_range (CUPEL_CELL_TEXT, "a value (4 GiB)", error);

  return TRUE;
}

static gboolean
set_user_bytes (CupelRowBlock  *block,
                CupelCell      *cell,
                gconstpointer   data,
                gsize           size,
                GError        **error)
{
  return cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, data, size) ||
         cupel_cell_out_of_range (CUPEL_CELL_BYTES, "a value (4 GiB)", error);
}

static gboolean
boxed_to_cell (CupelRowBlock  *block,
               CupelCell      *cell,
               const GValue   *value,
               GError        **error)
{
  GType type = G_VALUE_TYPE (value);
  gpointer boxed = g_value_get_boxed (value);

  if (boxed == NULL)
    return TRUE;

  if (type == G_TYPE_DATE_TIME)
    {
      if (!cupel_date_time_is_readable (boxed))
        return cupel_cell_out_of_range (CUPEL_CELL_DATETIME, "the years 1 to 9999, in UTC", error);
      cell->kind = CUPEL_CELL_DATETIME;
      cell->v.i64 = cupel_date_time_to_microseconds (boxed);
    }
  else if (type == G_TYPE_BYTES)
    {
      gsize size;
      gconstpointer data = g_bytes_get_data (boxed, &size);

      return set_user_bytes (block, cell, data, size, error);
    }
  else if (type == G_TYPE_BYTE_ARRAY)
    return set_user_bytes (block, cell, ((GByteArray *) boxed)->data, ((GByteArray *) boxed)->len, error);
  else if (type == G_TYPE_DATE)
    {
      GDate *date = boxed;

      if (!g_date_valid (date))
        return cupel_cell_bad_text (CUPEL_CELL_DATE, "a date: the GDate is not valid", error);
      cell->kind = CUPEL_CELL_DATE;
      cell->v.i64 = cupel_days_from_civil (g_date_get_year (date), g_date_get_month (date), g_date_get_day (date));
    }
  else if (type == CUPEL_TYPE_VALUE)
    {
      const CupelCell *from = cupel_value_get_cell (boxed);

      return cupel_cell_validate (from, NULL, error) && cupel_row_block_copy_cell (block, cell, from);
    }
  else
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "The type %s has no counterpart in SQL",
                   g_type_name (type));
      return FALSE;
    }

  return TRUE;
}

static gboolean
gvalue_to_cell (CupelRowBlock  *block,
                CupelCell      *cell,
                const GValue   *value,
                GError        **error)
{
  GType type = G_VALUE_TYPE (value);
  guint64 u;

  memset (cell, 0, sizeof *cell);
  if (type == G_TYPE_INVALID)
    return TRUE;

  cell->kind = CUPEL_CELL_INT64;
  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      cell->kind = CUPEL_CELL_BOOLEAN;
      cell->v.i64 = g_value_get_boolean (value) != FALSE;
      return TRUE;

    case G_TYPE_CHAR:
      cell->v.i64 = g_value_get_schar (value);
      return TRUE;

    case G_TYPE_UCHAR:
      cell->v.i64 = g_value_get_uchar (value);
      return TRUE;

    case G_TYPE_INT:
      cell->v.i64 = g_value_get_int (value);
      return TRUE;

    case G_TYPE_UINT:
      cell->v.i64 = g_value_get_uint (value);
      return TRUE;

    case G_TYPE_LONG:
      cell->v.i64 = g_value_get_long (value);
      return TRUE;

    case G_TYPE_INT64:
      cell->v.i64 = g_value_get_int64 (value);
      return TRUE;

    case G_TYPE_ULONG:
    case G_TYPE_UINT64:
      u = G_TYPE_FUNDAMENTAL (type) == G_TYPE_ULONG ? g_value_get_ulong (value) : g_value_get_uint64 (value);
      if (u > G_MAXINT64)
        cell->kind = CUPEL_CELL_UINT64;
      cell->v.u64 = u;
      return TRUE;

    case G_TYPE_ENUM:
      cell->v.i64 = g_value_get_enum (value);
      return TRUE;

    case G_TYPE_FLAGS:
      cell->v.i64 = g_value_get_flags (value);
      return TRUE;

    case G_TYPE_FLOAT:
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = g_value_get_float (value);
      return TRUE;

    case G_TYPE_DOUBLE:
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = g_value_get_double (value);
      return TRUE;

    case G_TYPE_STRING:
      return set_user_text (block, cell, g_value_get_string (value), error);

    case G_TYPE_BOXED:
      cell->kind = CUPEL_CELL_NULL;
      return boxed_to_cell (block, cell, value, error);

    default:
      cell->kind = CUPEL_CELL_NULL;
      if (G_VALUE_HOLDS_POINTER (value) && g_value_get_pointer (value) == NULL)
        return TRUE;
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "The type %s has no counterpart in SQL",
                   g_type_name (type));
      return FALSE;
    }
}

static gboolean
to_integer (CupelCell      *cell,
            CupelSqlKind    kind,
            GError        **error)
{
  const char *target = cupel_sql_kind_name (kind);
  gint64 least = kind == CUPEL_SQL_INT16 ? G_MININT16 : kind == CUPEL_SQL_INT32 ? G_MININT32 : G_MININT64;
  gint64 greatest = kind == CUPEL_SQL_INT16 ? G_MAXINT16 : kind == CUPEL_SQL_INT32 ? G_MAXINT32 : G_MAXINT64;
  gint64 value;

  if (!cupel_cell_to_int64 (cell, target, least, greatest, &value, error))
    return FALSE;
  cell->kind = CUPEL_CELL_INT64;
  cell->length = 0;
  cell->v.i64 = value;

  return TRUE;
}

static gboolean
to_time (CupelCell      *cell,
         CupelSqlKind    kind,
         GError        **error)
{
  const gint64 day = CUPEL_USEC_PER_DAY;
  const char *target = cupel_sql_kind_name (kind);
  CupelCellKind wanted = kind == CUPEL_SQL_DATE ? CUPEL_CELL_DATE :
                         kind == CUPEL_SQL_TIME ? CUPEL_CELL_TIME :
                         kind == CUPEL_SQL_DATETIME ? CUPEL_CELL_DATETIME : CUPEL_CELL_TIMESTAMP;
  gint64 value;

  if (cell->kind == wanted)
    return TRUE;

  if (cell->kind == CUPEL_CELL_TEXT)
    {
      gboolean good = wanted == CUPEL_CELL_DATE ? cupel_parse_date (cell->v.text, cell->length, &value) :
                      wanted == CUPEL_CELL_TIME ? cupel_parse_time (cell->v.text, cell->length, &value) :
                      cupel_parse_datetime (cell->v.text, cell->length, &value, NULL);

      if (!good)
        return cupel_cell_bad_text (cell->kind, target, error);
    }
  else if (cell->kind == CUPEL_CELL_DATETIME || cell->kind == CUPEL_CELL_TIMESTAMP)
    {
      value = cell->v.i64;
      if (wanted == CUPEL_CELL_DATE)
        value = cupel_floor_div (value, day);
      else if (wanted == CUPEL_CELL_TIME)
        value -= cupel_floor_div (value, day) * day;
    }
  else if (cell->kind == CUPEL_CELL_DATE && wanted != CUPEL_CELL_TIME)
    {
      if (cell->v.i64 > G_MAXINT64 / day || cell->v.i64 < G_MININT64 / day)
        return cupel_cell_out_of_range (cell->kind, target, error);
      value = cell->v.i64 * day;
    }
  else if (cell->kind == CUPEL_CELL_INT64 && wanted == CUPEL_CELL_TIME)
    {
      /* a GTimeSpan */
      value = cell->v.i64;
      if (value < 0 || value > day)
        return cupel_cell_out_of_range (cell->kind, target, error);
    }
  else
    return cupel_cell_no_conversion (cell->kind, target, error);

  cell->kind = wanted;
  cell->length = 0;
  cell->v.i64 = value;

  return TRUE;
}

static gboolean
to_uuid (CupelRowBlock  *block,
         CupelCell      *cell,
         GError        **error)
{
  guint8 uuid[16];

  if (cell->kind == CUPEL_CELL_UUID)
    return TRUE;
  if (cell->kind == CUPEL_CELL_BYTES && cell->length == 16)
    {
      cell->kind = CUPEL_CELL_UUID;
      return TRUE;
    }
  if (cell->kind != CUPEL_CELL_TEXT)
    return cupel_cell_no_conversion (cell->kind, "uuid", error);
  if (!cupel_parse_uuid (cell->v.text, cell->length, uuid))
    return cupel_cell_bad_text (cell->kind, "uuid", error);

  return cupel_row_block_set_bytes (block, cell, CUPEL_CELL_UUID, uuid, sizeof uuid);
}

static gboolean
to_numeric (CupelRowBlock  *block,
            CupelCell      *cell,
            GError        **error)
{
  char buffer[G_ASCII_DTOSTR_BUF_SIZE];

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DECIMAL:
      return TRUE;

    case CUPEL_CELL_BOOLEAN:
      cell->kind = CUPEL_CELL_INT64;
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      if (isnan (cell->v.f64))
        g_strlcpy (buffer, "NaN", sizeof buffer);
      else if (isinf (cell->v.f64))
        g_strlcpy (buffer, cell->v.f64 < 0 ? "-Infinity" : "Infinity", sizeof buffer);
      else
        cupel_format_double (cell->v.f64, buffer);
      return cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, buffer, -1);

    case CUPEL_CELL_TEXT:
      if (!cupel_is_decimal (cell->v.text, cell->length))
        return cupel_cell_bad_text (cell->kind, "numeric", error);
      cell->kind = CUPEL_CELL_DECIMAL;
      return TRUE;

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      return cupel_cell_no_conversion (cell->kind, "numeric", error);
    }
}

gboolean
cupel_cell_convert (CupelRowBlock       *block,
                    CupelCell           *cell,
                    const CupelSqlType  *type,
                    GError             **error)
{
  CupelSqlKind kind = cupel_sql_type_get_kind (type);
  double number;

  if (cell->kind == CUPEL_CELL_NULL)
    return TRUE;

  switch (kind)
    {
    case CUPEL_SQL_NULL:
      return TRUE;

    case CUPEL_SQL_BOOLEAN:
      {
        gint64 value;

        if (!cupel_cell_to_int64 (cell, "boolean", 0, 1, &value, error))
          return FALSE;
        cell->kind = CUPEL_CELL_BOOLEAN;
        cell->length = 0;
        cell->v.i64 = value;
        return TRUE;
      }

    case CUPEL_SQL_INT64:
      /* what a server with unsigned columns can hold is not ours to refuse */
      if (cell->kind == CUPEL_CELL_UINT64)
        return TRUE;
      return to_integer (cell, kind, error);

    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
      return to_integer (cell, kind, error);

    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      if (!cupel_cell_to_double (cell, cupel_sql_kind_name (kind), &number, error))
        return FALSE;
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->length = 0;
      cell->v.f64 = number;
      return TRUE;

    case CUPEL_SQL_NUMERIC:
      return to_numeric (block, cell, error);

    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
      if (cell->kind == CUPEL_CELL_TEXT)
        return TRUE;
      if (cell->kind != CUPEL_CELL_JSON && cell->kind != CUPEL_CELL_OTHER && cell->kind != CUPEL_CELL_DECIMAL)
        return cupel_cell_no_conversion (cell->kind, cupel_sql_kind_name (kind), error);
      cell->kind = CUPEL_CELL_TEXT;
      return TRUE;

    case CUPEL_SQL_BYTES:
      if (cell->kind != CUPEL_CELL_BYTES && cell->kind != CUPEL_CELL_UUID)
        return cupel_cell_no_conversion (cell->kind, "bytes", error);
      cell->kind = CUPEL_CELL_BYTES;
      return TRUE;

    case CUPEL_SQL_DATE:
    case CUPEL_SQL_TIME:
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
      return to_time (cell, kind, error);

    case CUPEL_SQL_UUID:
      return to_uuid (block, cell, error);

    case CUPEL_SQL_JSON:
      if (cell->kind != CUPEL_CELL_TEXT && cell->kind != CUPEL_CELL_JSON)
        return cupel_cell_no_conversion (cell->kind, "json", error);
      cell->kind = CUPEL_CELL_JSON;
      return TRUE;

    default:
      g_return_val_if_reached (FALSE);
    }
}

/**
 * cupel_cell_from_gvalue: (skip)
 * @block: where texts and bytes go
 * @cell: (out caller-allocates): a cell of any owner that lives no longer than @block
 * @type: (nullable): the SQL type that the cell is for, or %NULL for what is natural for @value
 * @value: a value of a basic type, or a #GBytes, #GByteArray, #GDateTime, #GDate or #CupelValue
 * @error: return location for an error, or %NULL
 *
 * Converts a #GValue to a cell. A #GValue that is unset, or a string, boxed value or pointer that is %NULL, is an SQL NULL.
 *
 * With a @type numbers are checked for its range, and dates, decimals and UUIDs are read from text.
 *
 * Returns: %FALSE with %CUPEL_ERROR_DATA if the value does not fit or a text is not valid UTF-8, or with
 *   %CUPEL_ERROR_INVALID_ARGUMENT if its type has no counterpart in SQL
 *
 * Since: 1.0
 */
gboolean
cupel_cell_from_gvalue (CupelRowBlock       *block,
                        CupelCell           *cell,
                        const CupelSqlType  *type,
                        const GValue        *value,
                        GError             **error)
{
  g_return_val_if_fail (block != NULL, FALSE);
  g_return_val_if_fail (cell != NULL, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (!gvalue_to_cell (block, cell, value, error))
    return FALSE;

  return type == NULL || cupel_cell_convert (block, cell, type, error);
}
