/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-cell-private.h"

#include <math.h>
#include <string.h>

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

#define FIRST_SECOND G_GINT64_CONSTANT (-62135596800)   /* 0001-01-01T00:00:00Z */
#define END_SECOND   G_GINT64_CONSTANT (253402300800)   /* 10000-01-01T00:00:00Z */

gboolean
cupel_date_time_is_readable (GDateTime *date_time)
{
  const gint64 seconds = g_date_time_to_unix (date_time);

  return seconds >= FIRST_SECOND && seconds < END_SECOND;
}

/* Counting from a date that is there already costs one new GDateTime, whether there is a fraction or not. */
GDateTime *
cupel_date_time_from_microseconds (gint64 microseconds)
{
  static GDateTime *epoch;

  if (microseconds < FIRST_SECOND * G_USEC_PER_SEC || microseconds >= END_SECOND * G_USEC_PER_SEC)
    return NULL;
  if (g_once_init_enter (&epoch))
    g_once_init_leave (&epoch, g_date_time_new_from_unix_utc (0));
  return g_date_time_add (epoch, microseconds);
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

gboolean
cupel_is_decimal (const char *text,
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
      if (cupel_is_clean_text (cell->v.text, cell->length))
        return TRUE;
      if (cell->v.text == cupel_text_too_long)
        problem = "holds more than 4 GiB";
      else if (memchr (cell->v.text, '\0', cell->length) != NULL)
        problem = "holds the character U+0000, which no text may; use bytes";
      else
        problem = "is not valid UTF-8; convert it, or use bytes";
      break;

    case CUPEL_CELL_DECIMAL:
      if (cupel_is_decimal (cell->v.text, cell->length))
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
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of \"%s\" %s", name, problem);
  else
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A literal of the statement %s", problem);

  return FALSE;
}

gboolean
cupel_cell_no_conversion (CupelCellKind   kind,
                          const char     *target,
                          GError        **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value of kind %s cannot become %s",
               cupel_cell_kind_name (kind), target);
  return FALSE;
}

gboolean
cupel_cell_bad_text (CupelCellKind   kind,
                     const char     *target,
                     GError        **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value of kind %s is malformed as %s",
               cupel_cell_kind_name (kind), target);
  return FALSE;
}

gboolean
cupel_cell_out_of_range (CupelCellKind   kind,
                         const char     *target,
                         GError        **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value of kind %s is out of the range of %s",
               cupel_cell_kind_name (kind), target);
  return FALSE;
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
