/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-cell-private.h"

#include <errno.h>
#include <math.h>

/* The double that is exactly an integer. */
static gboolean
double_to_int64 (double  value,
                 gint64 *integer)
{
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0) || value != trunc (value))
    return FALSE;
  *integer = (gint64) value;

  return TRUE;
}

gboolean
cupel_cell_to_int64 (const CupelCell  *cell,
                     const char       *target,
                     gint64            least,
                     gint64            greatest,
                     gint64           *value,
                     GError          **error)
{
  gint64 integer;
  char *end;

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      integer = 0;
      break;

    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_TIME:
      integer = cell->v.i64;
      break;

    case CUPEL_CELL_UINT64:
      if (cell->v.u64 > G_MAXINT64)
        return cupel_cell_out_of_range (cell->kind, target, error);
      integer = cell->v.i64;
      break;

    case CUPEL_CELL_DOUBLE:
      if (!double_to_int64 (cell->v.f64, &integer))
        return cupel_cell_out_of_range (cell->kind, target, error);
      break;

    case CUPEL_CELL_DECIMAL:
      /* "12" and "12.00" are integers, "12.5" is none */
      errno = 0;
      integer = g_ascii_strtoll (cell->v.text, &end, 10);
      if (end == cell->v.text || errno != 0)
        return cupel_cell_out_of_range (cell->kind, target, error);
      if (*end == '.')
        for (end++; *end == '0'; end++)
          ;
      if (*end != '\0')
        return cupel_cell_out_of_range (cell->kind, target, error);
      break;

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      return cupel_cell_no_conversion (cell->kind, target, error);
    }

  if (integer < least || integer > greatest)
    return cupel_cell_out_of_range (cell->kind, target, error);
  *value = integer;

  return TRUE;
}

static gboolean
cell_to_uint64 (const CupelCell  *cell,
                const char       *target,
                guint64           greatest,
                guint64          *value,
                GError          **error)
{
  gint64 integer;

  if (cell->kind == CUPEL_CELL_UINT64)
    *value = cell->v.u64;
  else if (cupel_cell_to_int64 (cell, target, 0, G_MAXINT64, &integer, error))
    *value = (guint64) integer;
  else
    return FALSE;

  return *value <= greatest || cupel_cell_out_of_range (cell->kind, target, error);
}

gboolean
cupel_cell_to_double (const CupelCell  *cell,
                      const char       *target,
                      double           *value,
                      GError          **error)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      *value = 0;
      return TRUE;

    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
      *value = (double) cell->v.i64;
      return TRUE;

    case CUPEL_CELL_UINT64:
      *value = (double) cell->v.u64;
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      *value = cell->v.f64;
      return TRUE;

    case CUPEL_CELL_DECIMAL:
      *value = g_ascii_strtod (cell->v.text, NULL);
      return TRUE;

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      return cupel_cell_no_conversion (cell->kind, target, error);
    }
}

static gboolean
cell_to_date_time (const CupelCell  *cell,
                   GDateTime       **date_time,
                   GError          **error)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      *date_time = cupel_date_time_from_microseconds (cell->v.i64);
      break;

    case CUPEL_CELL_DATE:
      if (cell->v.i64 < -1000000 || cell->v.i64 > 4000000)
        *date_time = NULL;
      else
        *date_time = g_date_time_new_from_unix_utc (cell->v.i64 * 86400);
      break;

    case CUPEL_CELL_TEXT:
      {
        gint64 microseconds;

        if (!cupel_parse_datetime (cell->v.text, cell->length, &microseconds, NULL))
          return cupel_cell_bad_text (cell->kind, "GDateTime", error);
        *date_time = cupel_date_time_from_microseconds (microseconds);
      }
      break;

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DOUBLE:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      return cupel_cell_no_conversion (cell->kind, "GDateTime", error);
    }

  return *date_time != NULL || cupel_cell_out_of_range (cell->kind, "GDateTime (the years 1 to 9999)", error);
}

static gboolean
cell_to_date (const CupelCell  *cell,
              GDate           **date,
              GError          **error)
{
  gint64 days, year;
  guint month, day;

  if (cell->kind == CUPEL_CELL_DATE)
    days = cell->v.i64;
  else if (cell->kind == CUPEL_CELL_DATETIME)
    days = cupel_floor_div (cell->v.i64, CUPEL_USEC_PER_DAY);
  else
    return cupel_cell_no_conversion (cell->kind, "GDate", error);

  cupel_civil_from_days (days, &year, &month, &day);
  if (year < 1 || year > G_MAXUINT16)
    return cupel_cell_out_of_range (cell->kind, "GDate", error);
  *date = g_date_new_dmy ((GDateDay) day, (GDateMonth) month, (GDateYear) year);

  return TRUE;
}

static gboolean
cell_to_natural_gvalue (const CupelCell  *cell,
                        GValue           *value,
                        GError          **error)
{
  static GType natural[CUPEL_CELL_OTHER + 1];
  static gsize initialized;

  if (g_once_init_enter (&initialized))
    {
      for (guint i = 0; i < G_N_ELEMENTS (natural); i++)
        natural[i] = G_TYPE_STRING;
      natural[CUPEL_CELL_NULL] = G_TYPE_POINTER;
      natural[CUPEL_CELL_BOOLEAN] = G_TYPE_BOOLEAN;
      natural[CUPEL_CELL_INT64] = G_TYPE_INT64;
      natural[CUPEL_CELL_UINT64] = G_TYPE_UINT64;
      natural[CUPEL_CELL_DOUBLE] = G_TYPE_DOUBLE;
      natural[CUPEL_CELL_BYTES] = G_TYPE_BYTES;
      natural[CUPEL_CELL_DATE] = G_TYPE_DATE;
      natural[CUPEL_CELL_DATETIME] = G_TYPE_DATE_TIME;
      natural[CUPEL_CELL_TIMESTAMP] = G_TYPE_DATE_TIME;
      g_once_init_leave (&initialized, 1);
    }

  g_value_init (value, natural[cell->kind]);
  if (cupel_cell_to_gvalue (cell, value, error))
    return TRUE;
  g_value_unset (value);

  return FALSE;
}

static gboolean
cell_to_boxed (const CupelCell  *cell,
               GValue           *value,
               GError          **error)
{
  GType type = G_VALUE_TYPE (value);

  if (type == CUPEL_TYPE_VALUE)
    g_value_take_boxed (value, cupel_value_new_from_cell (cell));
  else if (cell->kind == CUPEL_CELL_NULL)
    g_value_reset (value);
  else if (type == G_TYPE_DATE_TIME)
    {
      GDateTime *date_time = NULL;

      if (!cell_to_date_time (cell, &date_time, error))
        return FALSE;
      g_value_take_boxed (value, date_time);
    }
  else if (type == G_TYPE_DATE)
    {
      GDate *date = NULL;

      if (!cell_to_date (cell, &date, error))
        return FALSE;
      g_value_take_boxed (value, date);
    }
  else if (type == G_TYPE_BYTES)
    {
      switch ((CupelCellKind) cell->kind)
        {
        case CUPEL_CELL_BYTES:
        case CUPEL_CELL_UUID:
        case CUPEL_CELL_TEXT:
        case CUPEL_CELL_JSON:
        case CUPEL_CELL_OTHER:
          g_value_take_boxed (value, g_bytes_new (cell->v.bytes, cell->length));
          break;

        case CUPEL_CELL_NULL:
        case CUPEL_CELL_BOOLEAN:
        case CUPEL_CELL_INT64:
        case CUPEL_CELL_UINT64:
        case CUPEL_CELL_DOUBLE:
        case CUPEL_CELL_DECIMAL:
        case CUPEL_CELL_DATE:
        case CUPEL_CELL_TIME:
        case CUPEL_CELL_DATETIME:
        case CUPEL_CELL_TIMESTAMP:
        default:
          return cupel_cell_no_conversion (cell->kind, "GBytes", error);
        }
    }
  else
    return cupel_cell_no_conversion (cell->kind, g_type_name (type), error);

  return TRUE;
}

/* A case for each type of integer; they differ in their bounds. */
#define SIGNED(TYPE, type_, c_type, least, most)                              \
  case G_TYPE_##TYPE:                                                         \
    if (!cupel_cell_to_int64 (cell, name, least, most, &i, error))            \
      return FALSE;                                                           \
    g_value_set_##type_ (value, (c_type) i);                                  \
    return TRUE;

#define UNSIGNED(TYPE, type_, c_type, most)                                   \
  case G_TYPE_##TYPE:                                                         \
    if (!cell_to_uint64 (cell, name, most, &u, error))                        \
      return FALSE;                                                           \
    g_value_set_##type_ (value, (c_type) u);                                  \
    return TRUE;

/**
 * cupel_cell_to_gvalue: (skip)
 * @cell: a cell
 * @value: (inout): where to put it; converts to the type it was initialised with, or, when zeroed, is initialised with the
 *   type that is natural for the cell
 * @error: return location for an error, or %NULL
 *
 * Converts a cell to a #GValue.
 *
 * A NULL cell resets @value: 0, %FALSE or %NULL. With a zeroed @value it becomes a %NULL of type %G_TYPE_POINTER. Any cell
 * becomes a string. A number becomes a number of another type when that can hold it exactly, or is floating-point.
 *
 * Returns: %FALSE with %CUPEL_ERROR_DATA if the type cannot hold the value
 *
 * Since: 1.0
 */
gboolean
cupel_cell_to_gvalue (const CupelCell  *cell,
                      GValue           *value,
                      GError          **error)
{
  GType type;
  const char *name;
  gint64 i = 0;
  guint64 u = 0;
  double d = 0;

  g_return_val_if_fail (cell != NULL, FALSE);
  g_return_val_if_fail (cell->kind <= CUPEL_CELL_OTHER, FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  type = G_VALUE_TYPE (value);
  if (type == G_TYPE_INVALID)
    return cell_to_natural_gvalue (cell, value, error);
  name = g_type_name (type);

  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      if (!cupel_cell_to_int64 (cell, name, 0, 1, &i, error))
        return FALSE;
      g_value_set_boolean (value, (gboolean) i);
      return TRUE;

    SIGNED (CHAR, schar, gint8, G_MININT8, G_MAXINT8)
    UNSIGNED (UCHAR, uchar, guchar, G_MAXUINT8)
    SIGNED (INT, int, int, G_MININT, G_MAXINT)
    UNSIGNED (UINT, uint, guint, G_MAXUINT)
    SIGNED (LONG, long, glong, G_MINLONG, G_MAXLONG)
    UNSIGNED (ULONG, ulong, gulong, G_MAXULONG)
    SIGNED (INT64, int64, gint64, G_MININT64, G_MAXINT64)
    UNSIGNED (UINT64, uint64, guint64, G_MAXUINT64)

    case G_TYPE_ENUM:
      if (!cupel_cell_to_int64 (cell, name, G_MININT, G_MAXINT, &i, error))
        return FALSE;
      g_value_set_enum (value, (int) i);
      return TRUE;

    case G_TYPE_FLAGS:
      if (!cell_to_uint64 (cell, name, G_MAXUINT, &u, error))
        return FALSE;
      g_value_set_flags (value, (guint) u);
      return TRUE;

    case G_TYPE_FLOAT:
      if (!cupel_cell_to_double (cell, name, &d, error))
        return FALSE;
      if (isfinite (d) && fabs (d) > G_MAXFLOAT)
        return cupel_cell_out_of_range (cell->kind, name, error);
      g_value_set_float (value, (float) d);
      return TRUE;

    case G_TYPE_DOUBLE:
      if (!cupel_cell_to_double (cell, name, &d, error))
        return FALSE;
      g_value_set_double (value, d);
      return TRUE;

    case G_TYPE_STRING:
      g_value_take_string (value, cell->kind == CUPEL_CELL_NULL ? NULL : cupel_cell_to_string (cell));
      return TRUE;

    case G_TYPE_BOXED:
      return cell_to_boxed (cell, value, error);

    default:
      if (cell->kind != CUPEL_CELL_NULL)
        return cupel_cell_no_conversion (cell->kind, name, error);
      g_value_reset (value);
      return TRUE;
    }
}
