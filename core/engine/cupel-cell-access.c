/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <math.h>

#include "engine/cupel-cell-access-private.h"
#include "sql/cupel-value-private.h"

static const CupelCell null_cell = { .kind = CUPEL_CELL_NULL };

const CupelCell *
cupel_cell_refuse (const char *function,
                   gboolean    is_at_row,
                   guint       column,
                   guint       n_columns)
{
  if (is_at_row)
    g_critical ("%s(): there is no column %u in a row of %u, counted from 0", function, column, n_columns);
  else
    g_critical ("%s(): there is no current row, before the first step and after the last one", function);
  return &null_cell;
}

const CupelCell *
cupel_cell_refuse_self (const char *function,
                        const char *check)
{
  g_return_if_fail_warning (G_LOG_DOMAIN, function, check);
  return &null_cell;
}

static gint64
double_to_int64 (double number)
{
  if (isnan (number))
    return 0;
  if (number >= 9223372036854775808.0)
    return G_MAXINT64;
  if (number <= -9223372036854775808.0)
    return G_MININT64;
  return (gint64) number;
}

gint64
cupel_cell_convert_int64 (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      return cell->v.i64;

    case CUPEL_CELL_UINT64:
      return cell->v.u64 > G_MAXINT64 ? G_MAXINT64 : (gint64) cell->v.u64;

    case CUPEL_CELL_DOUBLE:
      return double_to_int64 (cell->v.f64);

    case CUPEL_CELL_DECIMAL:
      {
        char *end = NULL;
        gint64 whole = g_ascii_strtoll (cell->v.text, &end, 10);

        /* "NaN", "1e20" and the like go the other way. */
        if (end == cell->v.text || (*end != '\0' && *end != '.'))
          return double_to_int64 (g_ascii_strtod (cell->v.text, NULL));
        return whole;
      }

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      return 0;
    }
}

double
cupel_cell_get_double (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DOUBLE:
      return cell->v.f64;

    case CUPEL_CELL_UINT64:
      return (double) cell->v.u64;

    case CUPEL_CELL_DECIMAL:
      return g_ascii_strtod (cell->v.text, NULL);

    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      return (double) cell->v.i64;

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      return 0.0;
    }
}

const char *
cupel_cell_get_string (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return cell->v.text;

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DOUBLE:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    case CUPEL_CELL_UUID:
    default:
      return NULL;
    }
}

GDateTime *
cupel_cell_dup_datetime (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      return cupel_date_time_from_microseconds (cell->v.i64);

    case CUPEL_CELL_DATE:
      if (cell->v.i64 < -1000000 || cell->v.i64 > 4000000)
        return NULL;
      return cupel_date_time_from_microseconds (cell->v.i64 * 86400 * G_USEC_PER_SEC);

    default:
      return NULL;
    }
}

GBytes *
cupel_cell_dup_bytes (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BYTES:
      return g_bytes_new (cell->v.bytes, cell->length);

    case CUPEL_CELL_UUID:
      return g_bytes_new (cell->v.bytes, 16);

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return g_bytes_new (cell->v.text, cell->length);

    default:
      return NULL;
    }
}

gboolean
cupel_cell_get_value (const CupelCell *cell,
                      GValue          *value)
{
  g_autoptr(GError) error = NULL;

  if (cell->kind == CUPEL_CELL_NULL)
    return FALSE;
  if (cupel_cell_to_gvalue (cell, value, &error))
    return TRUE;

  g_debug ("%s", error->message);
  return FALSE;
}
