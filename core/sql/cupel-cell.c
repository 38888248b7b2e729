/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-value-private.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define USEC_PER_DAY (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

static const char *const cell_kind_names[] = {
  [CUPEL_CELL_NULL] = "NULL",
  [CUPEL_CELL_BOOLEAN] = "boolean",
  [CUPEL_CELL_INT64] = "integer",
  [CUPEL_CELL_UINT64] = "unsigned integer",
  [CUPEL_CELL_DOUBLE] = "floating-point number",
  [CUPEL_CELL_TEXT] = "text",
  [CUPEL_CELL_BYTES] = "bytes",
  [CUPEL_CELL_DECIMAL] = "decimal",
  [CUPEL_CELL_DATE] = "date",
  [CUPEL_CELL_TIME] = "time",
  [CUPEL_CELL_DATETIME] = "datetime",
  [CUPEL_CELL_TIMESTAMP] = "timestamp",
  [CUPEL_CELL_UUID] = "UUID",
  [CUPEL_CELL_JSON] = "JSON",
  [CUPEL_CELL_OTHER] = "other",
};

const char *
cupel_cell_kind_name (CupelCellKind kind)
{
  return (guint) kind < G_N_ELEMENTS (cell_kind_names) ? cell_kind_names[kind] : "unknown";
}

CupelSqlKind
cupel_cell_kind_to_sql_kind (CupelCellKind kind)
{
  static const guint8 kinds[] = {
    [CUPEL_CELL_NULL] = CUPEL_SQL_NULL,
    [CUPEL_CELL_BOOLEAN] = CUPEL_SQL_BOOLEAN,
    [CUPEL_CELL_INT64] = CUPEL_SQL_INT64,
    [CUPEL_CELL_UINT64] = CUPEL_SQL_NUMERIC,
    [CUPEL_CELL_DOUBLE] = CUPEL_SQL_DOUBLE,
    [CUPEL_CELL_TEXT] = CUPEL_SQL_TEXT,
    [CUPEL_CELL_BYTES] = CUPEL_SQL_BYTES,
    [CUPEL_CELL_DECIMAL] = CUPEL_SQL_NUMERIC,
    [CUPEL_CELL_DATE] = CUPEL_SQL_DATE,
    [CUPEL_CELL_TIME] = CUPEL_SQL_TIME,
    [CUPEL_CELL_DATETIME] = CUPEL_SQL_DATETIME,
    [CUPEL_CELL_TIMESTAMP] = CUPEL_SQL_TIMESTAMP,
    [CUPEL_CELL_UUID] = CUPEL_SQL_UUID,
    [CUPEL_CELL_JSON] = CUPEL_SQL_JSON,
    [CUPEL_CELL_OTHER] = CUPEL_SQL_NULL,
  };

  return (guint) kind < G_N_ELEMENTS (kinds) ? kinds[kind] : CUPEL_SQL_NULL;
}

gint64
cupel_date_time_to_microseconds (GDateTime *date_time)
{
  return g_date_time_to_unix (date_time) * G_USEC_PER_SEC + g_date_time_get_microsecond (date_time);
}

GDateTime *
cupel_date_time_from_microseconds (gint64 microseconds)
{
  gint64 seconds = microseconds / G_USEC_PER_SEC;
  gint64 fraction = microseconds % G_USEC_PER_SEC;
  g_autoptr(GDateTime) whole = NULL;

  if (fraction < 0)
    {
      fraction += G_USEC_PER_SEC;
      seconds--;
    }
  whole = g_date_time_new_from_unix_utc (seconds);
  if (whole == NULL || fraction == 0)
    return g_steal_pointer (&whole);

  return g_date_time_add (whole, fraction);
}

gboolean
cupel_parse_uuid (const char *text,
                  gsize       length,
                  guint8      uuid[16])
{
  guint n = 0;

  if (length == 38 && text[0] == '{' && text[37] == '}')
    {
      text++;
      length -= 2;
    }
  if (length != 36 && length != 32)
    return FALSE;

  for (gsize i = 0; i < length; i += 2)
    {
      int high, low;

      if (length == 36 && (i == 8 || i == 13 || i == 18 || i == 23) && text[i] == '-')
        i++;
      high = g_ascii_xdigit_value (text[i]);
      low = i + 1 < length ? g_ascii_xdigit_value (text[i + 1]) : -1;
      if (high < 0 || low < 0 || n == 16)
        return FALSE;
      uuid[n++] = (guint8) (high << 4 | low);
    }

  return n == 16;
}

void
cupel_format_uuid (const guint8 uuid[16],
                   char         buffer[37])
{
  static const char digits[] = "0123456789abcdef";
  char *p = buffer;

  for (guint i = 0; i < 16; i++)
    {
      if (i == 4 || i == 6 || i == 8 || i == 10)
        *p++ = '-';
      *p++ = digits[uuid[i] >> 4];
      *p++ = digits[uuid[i] & 15];
    }
  *p = '\0';
}

void
cupel_format_double (double  value,
                     char   *buffer)
{
  static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };

  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      g_ascii_formatd (buffer, G_ASCII_DTOSTR_BUF_SIZE, formats[i], value);
      if (g_ascii_strtod (buffer, NULL) == value)
        return;
    }
}

/* [+-]digits[.digits][e[+-]digits], NaN, [+-]Infinity */
static gboolean
is_decimal (const char *text,
            gsize       length)
{
  const char *p = text, *end = text + length;
  guint digits = 0;

  if (length == 3 && memcmp (text, "NaN", 3) == 0)
    return TRUE;
  if (p < end && (*p == '+' || *p == '-'))
    p++;
  if (end - p == 8 && memcmp (p, "Infinity", 8) == 0)
    return TRUE;
  for (; p < end && g_ascii_isdigit (*p); p++)
    digits++;
  if (p < end && *p == '.')
    for (p++; p < end && g_ascii_isdigit (*p); p++)
      digits++;
  if (digits == 0)
    return FALSE;
  if (p < end && (*p == 'e' || *p == 'E'))
    {
      p++;
      if (p < end && (*p == '+' || *p == '-'))
        p++;
      if (p == end)
        return FALSE;
      while (p < end && g_ascii_isdigit (*p))
        p++;
    }

  return p == end;
}

gboolean
cupel_cell_validate (const CupelCell  *cell,
                     const char       *name,
                     GError          **error)
{
  const char *problem;

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      if (g_utf8_validate_len (cell->v.text, cell->length, NULL))
        return TRUE;
      if (cell->v.text == cupel_text_too_long)
        problem = "holds more than 4 GiB";
      else if (memchr (cell->v.text, '\0', cell->length) != NULL)
        problem = "holds the character U+0000, which no text may; use bytes";
      else
        problem = "is not valid UTF-8; convert it, or use bytes";
      break;

    case CUPEL_CELL_DECIMAL:
      if (is_decimal (cell->v.text, cell->length))
        return TRUE;
      problem = "is not a decimal number";
      break;

    case CUPEL_CELL_UUID:
      if (cell->length == 16)
        return TRUE;
      problem = "is not a UUID of 16 bytes";
      break;

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
    default:
      return TRUE;
    }

  if (name != NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of “%s” %s", name, problem);
  else
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A literal of the statement %s", problem);

  return FALSE;
}

static gboolean
no_conversion (CupelCellKind   kind,
               const char     *target,
               GError        **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value of kind %s cannot become %s",
               cupel_cell_kind_name (kind), target);
  return FALSE;
}

static gboolean
bad_text (CupelCellKind   kind,
          const char     *target,
          GError        **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value of kind %s is malformed as %s",
               cupel_cell_kind_name (kind), target);
  return FALSE;
}

static gboolean
out_of_range (CupelCellKind   kind,
              const char     *target,
              GError        **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value of kind %s is out of the range of %s",
               cupel_cell_kind_name (kind), target);
  return FALSE;
}

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

static gint64
floor_div (gint64 a,
           gint64 b)
{
  return a / b - (a % b < 0);
}

/* from cells to GValues */

static gboolean
cell_to_int64 (const CupelCell  *cell,
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
        return out_of_range (cell->kind, target, error);
      integer = cell->v.i64;
      break;

    case CUPEL_CELL_DOUBLE:
      if (!double_to_int64 (cell->v.f64, &integer))
        return out_of_range (cell->kind, target, error);
      break;

    case CUPEL_CELL_DECIMAL:
      /* "12" and "12.00" are integers, "12.5" is none */
      errno = 0;
      integer = g_ascii_strtoll (cell->v.text, &end, 10);
      if (end == cell->v.text || errno != 0)
        return out_of_range (cell->kind, target, error);
      if (*end == '.')
        for (end++; *end == '0'; end++)
          ;
      if (*end != '\0')
        return out_of_range (cell->kind, target, error);
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
      return no_conversion (cell->kind, target, error);
    }

  if (integer < least || integer > greatest)
    return out_of_range (cell->kind, target, error);
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
  else if (cell_to_int64 (cell, target, 0, G_MAXINT64, &integer, error))
    *value = (guint64) integer;
  else
    return FALSE;

  return *value <= greatest || out_of_range (cell->kind, target, error);
}

static gboolean
cell_to_double (const CupelCell  *cell,
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
      return no_conversion (cell->kind, target, error);
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
          return bad_text (cell->kind, "GDateTime", error);
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
      return no_conversion (cell->kind, "GDateTime", error);
    }

  return *date_time != NULL || out_of_range (cell->kind, "GDateTime (the years 1 to 9999)", error);
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
    days = floor_div (cell->v.i64, USEC_PER_DAY);
  else
    return no_conversion (cell->kind, "GDate", error);

  cupel_civil_from_days (days, &year, &month, &day);
  if (year < 1 || year > G_MAXUINT16)
    return out_of_range (cell->kind, "GDate", error);
  *date = g_date_new_dmy ((GDateDay) day, (GDateMonth) month, (GDateYear) year);

  return TRUE;
}

static gboolean
cell_to_natural_gvalue (const CupelCell  *cell,
                        GValue           *value,
                        GError          **error)
{
  static GType natural[G_N_ELEMENTS (cell_kind_names)];
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
      GDateTime *date_time;

      if (!cell_to_date_time (cell, &date_time, error))
        return FALSE;
      g_value_take_boxed (value, date_time);
    }
  else if (type == G_TYPE_DATE)
    {
      GDate *date;

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
          return no_conversion (cell->kind, "GBytes", error);
        }
    }
  else
    return no_conversion (cell->kind, g_type_name (type), error);

  return TRUE;
}

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
  double d;

  g_return_val_if_fail (cell != NULL, FALSE);
  g_return_val_if_fail (cell->kind < G_N_ELEMENTS (cell_kind_names), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  type = G_VALUE_TYPE (value);
  if (type == G_TYPE_INVALID)
    return cell_to_natural_gvalue (cell, value, error);
  name = g_type_name (type);

  switch (G_TYPE_FUNDAMENTAL (type))
    {
    case G_TYPE_BOOLEAN:
      if (!cell_to_int64 (cell, name, 0, 1, &i, error))
        return FALSE;
      g_value_set_boolean (value, (gboolean) i);
      return TRUE;

    case G_TYPE_CHAR:
      if (!cell_to_int64 (cell, name, G_MININT8, G_MAXINT8, &i, error))
        return FALSE;
      g_value_set_schar (value, (gint8) i);
      return TRUE;

    case G_TYPE_UCHAR:
      if (!cell_to_uint64 (cell, name, G_MAXUINT8, &u, error))
        return FALSE;
      g_value_set_uchar (value, (guchar) u);
      return TRUE;

    case G_TYPE_INT:
      if (!cell_to_int64 (cell, name, G_MININT, G_MAXINT, &i, error))
        return FALSE;
      g_value_set_int (value, (int) i);
      return TRUE;

    case G_TYPE_UINT:
      if (!cell_to_uint64 (cell, name, G_MAXUINT, &u, error))
        return FALSE;
      g_value_set_uint (value, (guint) u);
      return TRUE;

    case G_TYPE_LONG:
      if (!cell_to_int64 (cell, name, G_MINLONG, G_MAXLONG, &i, error))
        return FALSE;
      g_value_set_long (value, (glong) i);
      return TRUE;

    case G_TYPE_ULONG:
      if (!cell_to_uint64 (cell, name, G_MAXULONG, &u, error))
        return FALSE;
      g_value_set_ulong (value, (gulong) u);
      return TRUE;

    case G_TYPE_INT64:
      if (!cell_to_int64 (cell, name, G_MININT64, G_MAXINT64, &i, error))
        return FALSE;
      g_value_set_int64 (value, i);
      return TRUE;

    case G_TYPE_UINT64:
      if (!cell_to_uint64 (cell, name, G_MAXUINT64, &u, error))
        return FALSE;
      g_value_set_uint64 (value, u);
      return TRUE;

    case G_TYPE_ENUM:
      if (!cell_to_int64 (cell, name, G_MININT, G_MAXINT, &i, error))
        return FALSE;
      g_value_set_enum (value, (int) i);
      return TRUE;

    case G_TYPE_FLAGS:
      if (!cell_to_uint64 (cell, name, G_MAXUINT, &u, error))
        return FALSE;
      g_value_set_flags (value, (guint) u);
      return TRUE;

    case G_TYPE_FLOAT:
      if (!cell_to_double (cell, name, &d, error))
        return FALSE;
      if (isfinite (d) && fabs (d) > G_MAXFLOAT)
        return out_of_range (cell->kind, name, error);
      g_value_set_float (value, (float) d);
      return TRUE;

    case G_TYPE_DOUBLE:
      if (!cell_to_double (cell, name, &d, error))
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
        return no_conversion (cell->kind, name, error);
      g_value_reset (value);
      return TRUE;
    }
}

/**
 * cupel_cell_to_string: (skip)
 * @cell: a cell
 *
 * Writes a cell for people: texts as they are, dates in ISO 8601, bytes as `\x` with hexadecimal digits.
 *
 * Returns: (transfer full): a text
 *
 * Since: 1.0
 */
char *
cupel_cell_to_string (const CupelCell *cell)
{
  char buffer[64];
  gsize length;

  g_return_val_if_fail (cell != NULL, NULL);

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      return g_strdup ("NULL");

    case CUPEL_CELL_BOOLEAN:
      return g_strdup (cell->v.i64 ? "true" : "false");

    case CUPEL_CELL_INT64:
      return g_strdup_printf ("%" G_GINT64_FORMAT, cell->v.i64);

    case CUPEL_CELL_UINT64:
      return g_strdup_printf ("%" G_GUINT64_FORMAT, cell->v.u64);

    case CUPEL_CELL_DOUBLE:
      cupel_format_double (cell->v.f64, buffer);
      return g_strdup (buffer);

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return g_strndup (cell->v.text, cell->length);

    case CUPEL_CELL_BYTES:
      {
        static const char digits[] = "0123456789abcdef";
        char *text = g_malloc (2 * (gsize) cell->length + 3);
        char *p = text;

        *p++ = '\\';
        *p++ = 'x';
        for (guint32 i = 0; i < cell->length; i++)
          {
            *p++ = digits[cell->v.bytes[i] >> 4];
            *p++ = digits[cell->v.bytes[i] & 15];
          }
        *p = '\0';

        return text;
      }

    case CUPEL_CELL_DATE:
      length = cupel_format_date (cell->v.i64, buffer);
      return g_strndup (buffer, length);

    case CUPEL_CELL_TIME:
      length = cupel_format_time (cell->v.i64, buffer);
      return g_strndup (buffer, length);

    case CUPEL_CELL_DATETIME:
      length = cupel_format_datetime (cell->v.i64, buffer);
      return g_strndup (buffer, length);

    case CUPEL_CELL_TIMESTAMP:
      length = cupel_format_datetime (cell->v.i64, buffer);
      return g_strdup_printf ("%.*s+00", (int) length, buffer);

    case CUPEL_CELL_UUID:
      if (cell->length != 16)
        return g_strdup ("");
      cupel_format_uuid (cell->v.bytes, buffer);
      return g_strdup (buffer);

    default:
      g_return_val_if_reached (NULL);
    }
}

/**
 * cupel_cell_equal: (skip)
 * @a: a cell
 * @b: another
 *
 * Tells whether two cells are the same: of the same kind, with the same content. Unlike in SQL a NULL equals a NULL,
 * and NaN equals NaN. Signed and unsigned integers are compared by their value.
 *
 * Returns: whether they are the same
 *
 * Since: 1.0
 */
gboolean
cupel_cell_equal (const CupelCell *a,
                  const CupelCell *b)
{
  g_return_val_if_fail (a != NULL, FALSE);
  g_return_val_if_fail (b != NULL, FALSE);

  if (a->kind != b->kind)
    {
      if ((a->kind == CUPEL_CELL_INT64 && b->kind == CUPEL_CELL_UINT64) ||
          (a->kind == CUPEL_CELL_UINT64 && b->kind == CUPEL_CELL_INT64))
        return a->v.u64 == b->v.u64 && a->v.u64 <= G_MAXINT64;
      return FALSE;
    }

  switch ((CupelCellKind) a->kind)
    {
    case CUPEL_CELL_NULL:
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      return a->v.f64 == b->v.f64 || (isnan (a->v.f64) && isnan (b->v.f64));

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return a->length == b->length && (a->length == 0 || memcmp (a->v.bytes, b->v.bytes, a->length) == 0);

    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      return a->v.i64 == b->v.i64;
    }
}

static guint
mix (guint64 h)
{
  h ^= h >> 33;
  h *= G_GUINT64_CONSTANT (0xff51afd7ed558ccd);
  h ^= h >> 33;
  h *= G_GUINT64_CONSTANT (0xc4ceb9fe1a85ec53);
  h ^= h >> 33;

  return (guint) h;
}

/**
 * cupel_cell_hash: (skip)
 * @cell: a cell
 *
 * Hashes a cell; cells that are equal have equal hashes.
 *
 * Returns: the hash
 *
 * Since: 1.0
 */
guint
cupel_cell_hash (const CupelCell *cell)
{
  guint64 h, word;

  g_return_val_if_fail (cell != NULL, 0);

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      return 0;

    case CUPEL_CELL_DOUBLE:
      if (cell->v.f64 == 0 || isnan (cell->v.f64))
        return isnan (cell->v.f64) ? 2 : 1;
      return mix (cell->v.u64);

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      {
        const guint8 *p = cell->v.bytes;
        gsize rest = cell->length;

        h = rest;
        for (; rest >= 8; rest -= 8, p += 8)
          {
            memcpy (&word, p, 8);
            h = (h ^ word) * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
            h ^= h >> 32;
          }
        word = 0;
        if (rest > 0)
          memcpy (&word, p, rest);

        return mix (h ^ word);
      }

    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      return mix (cell->v.u64);
    }
}

/* from GValues to cells */

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
    return out_of_range (CUPEL_CELL_TEXT, "a value (4 GiB)", error);

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
         out_of_range (CUPEL_CELL_BYTES, "a value (4 GiB)", error);
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
        return bad_text (CUPEL_CELL_DATE, "a date: the GDate is not valid", error);
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

  if (!cell_to_int64 (cell, target, least, greatest, &value, error))
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
  const gint64 day = USEC_PER_DAY;
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
        return bad_text (cell->kind, target, error);
    }
  else if (cell->kind == CUPEL_CELL_DATETIME || cell->kind == CUPEL_CELL_TIMESTAMP)
    {
      value = cell->v.i64;
      if (wanted == CUPEL_CELL_DATE)
        value = floor_div (value, day);
      else if (wanted == CUPEL_CELL_TIME)
        value -= floor_div (value, day) * day;
    }
  else if (cell->kind == CUPEL_CELL_DATE && wanted != CUPEL_CELL_TIME)
    {
      if (cell->v.i64 > G_MAXINT64 / day || cell->v.i64 < G_MININT64 / day)
        return out_of_range (cell->kind, target, error);
      value = cell->v.i64 * day;
    }
  else if (cell->kind == CUPEL_CELL_INT64 && wanted == CUPEL_CELL_TIME)
    {
      /* a GTimeSpan */
      value = cell->v.i64;
      if (value < 0 || value > day)
        return out_of_range (cell->kind, target, error);
    }
  else
    return no_conversion (cell->kind, target, error);

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
    return no_conversion (cell->kind, "uuid", error);
  if (!cupel_parse_uuid (cell->v.text, cell->length, uuid))
    return bad_text (cell->kind, "uuid", error);

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
      if (!is_decimal (cell->v.text, cell->length))
        return bad_text (cell->kind, "numeric", error);
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
      return no_conversion (cell->kind, "numeric", error);
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

        if (!cell_to_int64 (cell, "boolean", 0, 1, &value, error))
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
      if (!cell_to_double (cell, cupel_sql_kind_name (kind), &number, error))
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
        return no_conversion (cell->kind, cupel_sql_kind_name (kind), error);
      cell->kind = CUPEL_CELL_TEXT;
      return TRUE;

    case CUPEL_SQL_BYTES:
      if (cell->kind != CUPEL_CELL_BYTES && cell->kind != CUPEL_CELL_UUID)
        return no_conversion (cell->kind, "bytes", error);
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
        return no_conversion (cell->kind, "json", error);
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
