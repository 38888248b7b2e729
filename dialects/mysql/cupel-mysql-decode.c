/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the wire into cells. The binary protocol's values are read where the library received them, so a row costs no
 * buffers of ours and long values no second call. */

#include "cupel-mysql-private.h"

#include <string.h>

#define USEC_PER_DAY (24 * 60 * 60 * G_GINT64_CONSTANT (1000000))

void
cupel_mysql_rows_clear (CupelMysqlRows *rows)
{
  g_clear_pointer (&rows->columns, g_free);
  g_clear_pointer (&rows->names, g_strfreev);
  g_clear_pointer (&rows->block, cupel_row_block_unref);
  rows->n_columns = 0;
  rows->n_allocated = 0;
}

static CupelCellKind
cupel_mysql_text_kind (const MYSQL_FIELD *field,
                       CupelSqlKind       expected)
{
  switch (field->type)
    {
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
      return CUPEL_CELL_DECIMAL;
    case MYSQL_TYPE_JSON:
      return CUPEL_CELL_JSON;
    case MYSQL_TYPE_GEOMETRY:
      return CUPEL_CELL_BYTES;
    case MYSQL_TYPE_TINY_BLOB:
    case MYSQL_TYPE_MEDIUM_BLOB:
    case MYSQL_TYPE_LONG_BLOB:
    case MYSQL_TYPE_BLOB:
    case MYSQL_TYPE_VARCHAR:
    case MYSQL_TYPE_VAR_STRING:
    case MYSQL_TYPE_STRING:
    case MYSQL_TYPE_ENUM:
    case MYSQL_TYPE_SET:
    case MYSQL_TYPE_NULL:
      break;
    default:
      return CUPEL_CELL_OTHER;
    }

  switch (expected)
    {
    case CUPEL_SQL_JSON:
      return CUPEL_CELL_JSON;
    case CUPEL_SQL_UUID:
      return CUPEL_CELL_UUID;
    case CUPEL_SQL_BYTES:
      return CUPEL_CELL_BYTES;
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
      return CUPEL_CELL_TEXT;
    default:
      break;
    }

  /* 63 is "binary": bytes without a character set */
  return field->charsetnr == 63 ? CUPEL_CELL_BYTES : CUPEL_CELL_TEXT;
}

void
cupel_mysql_rows_describe (CupelMysqlRows      *rows,
                           const MYSQL_FIELD   *fields,
                           guint                n_fields,
                           const CupelCompiled *compiled)
{
  if (n_fields > rows->n_allocated)
    {
      rows->columns = g_renew (CupelMysqlColumn, rows->columns, n_fields);
      rows->n_allocated = n_fields;
    }
  rows->n_columns = n_fields;
  rows->malformed = FALSE;
  rows->done = FALSE;
  rows->bytes = 0;

  for (guint i = 0; i < n_fields; i++)
    {
      CupelMysqlColumn *column = &rows->columns[i];
      CupelSqlKind expected = compiled != NULL && i < compiled->n_columns && compiled->columns[i].type != NULL
                              ? cupel_sql_type_get_kind (compiled->columns[i].type) : CUPEL_SQL_NULL;

      column->type = fields[i].type;
      column->decimals = (guint8) MIN (fields[i].decimals, 31);
      column->expected = expected;
      column->is_unsigned = (fields[i].flags & UNSIGNED_FLAG) != 0;
      column->kind = cupel_mysql_text_kind (&fields[i], expected);
      if (fields[i].type == MYSQL_TYPE_BIT && expected == CUPEL_SQL_NULL && fields[i].length == 1)
        column->expected = CUPEL_SQL_BOOLEAN;
    }

  g_clear_pointer (&rows->names, g_strfreev);
  if (compiled == NULL || compiled->kind == CUPEL_COMPILED_TEXT || compiled->n_columns != n_fields)
    {
      rows->names = g_new0 (char *, n_fields + 1);
      for (guint i = 0; i < n_fields; i++)
        rows->names[i] = g_utf8_make_valid (fields[i].name != NULL ? fields[i].name : "", -1);
    }
}

/* days since 1970-01-01 in the proleptic Gregorian calendar */
static gint64
cupel_mysql_days (gint64 year,
                  guint  month,
                  guint  day)
{
  gint64 era;
  guint of_era;
  guint of_year;

  year -= month <= 2;
  era = (year >= 0 ? year : year - 399) / 400;
  of_era = (guint) (year - era * 400);
  of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  return era * 146097 + (gint64) (of_era * 365 + of_era / 4 - of_era / 100 + of_year) - 719468;
}

static void
cupel_mysql_decode_integer (const CupelMysqlColumn *column,
                            gint64                  value,
                            CupelCell              *cell)
{
  cell->v.i64 = value;
  switch ((CupelSqlKind) column->expected)
    {
    case CUPEL_SQL_BOOLEAN:
      cell->kind = CUPEL_CELL_BOOLEAN;
      cell->v.i64 = value != 0;
      return;
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = column->is_unsigned ? (double) (guint64) value : (double) value;
      return;
    default:
      cell->kind = column->is_unsigned && value < 0 ? CUPEL_CELL_UINT64 : CUPEL_CELL_INT64;
      return;
    }
}

static void
cupel_mysql_decode_uuid (CupelRowBlock *block,
                         CupelCell     *cell,
                         const guint8  *data,
                         gsize          length)
{
  guint8 bytes[16];
  guint n = 0;

  for (gsize i = 0; length == 36 && i < length && n < 32; i++)
    {
      int digit = g_ascii_xdigit_value (data[i]);

      if (i == 8 || i == 13 || i == 18 || i == 23)
        {
          if (data[i] != '-')
            break;
          continue;
        }
      if (digit < 0)
        break;
      bytes[n / 2] = (guint8) (n % 2 == 0 ? digit << 4 : bytes[n / 2] | digit);
      n++;
    }

  if (n == 32)
    cupel_row_block_set_bytes (block, cell, CUPEL_CELL_UUID, bytes, 16);
  else if (length == 16)
    cupel_row_block_set_bytes (block, cell, CUPEL_CELL_UUID, data, 16);
  else
    cupel_row_block_set_checked (block, cell, CUPEL_CELL_TEXT, (const char *) data, length);
}

static void
cupel_mysql_decode_decimal (CupelRowBlock          *block,
                            const CupelMysqlColumn *column,
                            CupelCell              *cell,
                            const guint8           *data,
                            gsize                   length)
{
  char buffer[96];

  if (length > 0 && length < sizeof buffer)
    {
      memcpy (buffer, data, length);
      buffer[length] = '\0';

      if (column->expected == CUPEL_SQL_DOUBLE || column->expected == CUPEL_SQL_FLOAT)
        {
          cell->kind = CUPEL_CELL_DOUBLE;
          cell->v.f64 = g_ascii_strtod (buffer, NULL);
          return;
        }
      /* sum () over integers is a decimal here */
      if (column->expected == CUPEL_SQL_INT64 || column->expected == CUPEL_SQL_INT32 || column->expected == CUPEL_SQL_INT16)
        {
          gint64 value;

          if (g_ascii_string_to_signed (buffer, 10, G_MININT64, G_MAXINT64, &value, NULL))
            {
              cell->kind = CUPEL_CELL_INT64;
              cell->v.i64 = value;
              return;
            }
        }
    }
  cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, (const char *) data, length);
}

static void
cupel_mysql_decode_string (CupelRowBlock          *block,
                           const CupelMysqlColumn *column,
                           CupelCell              *cell,
                           const guint8           *data,
                           gsize                   length)
{
  if (column->type == MYSQL_TYPE_BIT)
    {
      guint64 value = 0;

      for (gsize i = 0; i < length && i < 8; i++)
        value = value << 8 | data[i];
      cupel_mysql_decode_integer (column, (gint64) value, cell);
      if (cell->kind == CUPEL_CELL_INT64 && cell->v.i64 < 0)
        cell->kind = CUPEL_CELL_UINT64;
      return;
    }

  switch ((CupelCellKind) column->kind)
    {
    case CUPEL_CELL_BYTES:
      cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, data, length);
      return;
    case CUPEL_CELL_DECIMAL:
      cupel_mysql_decode_decimal (block, column, cell, data, length);
      return;
    case CUPEL_CELL_UUID:
      cupel_mysql_decode_uuid (block, cell, data, length);
      return;
    default:
      /* What no cell of text can hold is told apart, not lost. */
      cupel_row_block_set_checked (block, cell, column->kind, (const char *) data, length);
      return;
    }
}

static guint
cupel_mysql_days_of_month (guint year,
                           guint month)
{
  static const guint8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

  if (month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
    return 29;
  return days[month - 1];
}

/* As the server writes it: with as many digits as the column has. */
static void
cupel_mysql_append_fraction (char                   *text,
                             gsize                   size,
                             const CupelMysqlColumn *column,
                             guint32                 micros)
{
  guint decimals = column->decimals <= 6 ? column->decimals : micros != 0 ? 6 : 0;
  gsize length = strlen (text);

  if (decimals == 0)
    return;
  g_snprintf (text + length, size - length, ".%06u", MIN (micros, 999999));
  text[length + 1 + decimals] = '\0';
}

/* A date of zeros or one that no calendar has, a span of more than a day: text, as the server would write it. */
static void
cupel_mysql_decode_odd (CupelRowBlock *block,
                        CupelCell     *cell,
                        const char    *text)
{
  cupel_row_block_set_text (block, cell, CUPEL_CELL_OTHER, text, -1);
}

static void
cupel_mysql_decode_datetime (CupelRowBlock          *block,
                             const CupelMysqlColumn *column,
                             CupelCell              *cell,
                             const guint8           *data,
                             gsize                   length)
{
  guint year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  guint32 micros = 0;
  gint64 days;

  if (length >= 4)
    {
      year = data[0] | data[1] << 8;
      month = data[2];
      day = data[3];
    }
  if (length >= 7)
    {
      hour = data[4];
      minute = data[5];
      second = data[6];
    }
  if (length >= 11)
    micros = data[7] | data[8] << 8 | data[9] << 16 | (guint32) data[10] << 24;

  if (month < 1 || month > 12 || day < 1 || day > cupel_mysql_days_of_month (year, month) || hour > 23 || minute > 59 || second > 59 || micros > 999999)
    {
      char text[64];

      if (column->type == MYSQL_TYPE_DATE || column->type == MYSQL_TYPE_NEWDATE)
        g_snprintf (text, sizeof text, "%04u-%02u-%02u", year, month, day);
      else
        {
          g_snprintf (text, sizeof text, "%04u-%02u-%02u %02u:%02u:%02u", year, month, day, hour, minute, second);
          cupel_mysql_append_fraction (text, sizeof text, column, micros);
        }
      cupel_mysql_decode_odd (block, cell, text);
      return;
    }

  days = cupel_mysql_days (year, month, day);
  if ((column->type == MYSQL_TYPE_DATE || column->type == MYSQL_TYPE_NEWDATE) &&
      column->expected != CUPEL_SQL_DATETIME && column->expected != CUPEL_SQL_TIMESTAMP)
    {
      cell->kind = CUPEL_CELL_DATE;
      cell->v.i64 = days;
      return;
    }
  if (column->expected == CUPEL_SQL_DATE)
    {
      cell->kind = CUPEL_CELL_DATE;
      cell->v.i64 = days;
      return;
    }

  if (column->expected == CUPEL_SQL_TIMESTAMP)
    cell->kind = CUPEL_CELL_TIMESTAMP;
  else if (column->expected == CUPEL_SQL_DATETIME)
    cell->kind = CUPEL_CELL_DATETIME;
  else
    cell->kind = column->type == MYSQL_TYPE_TIMESTAMP ? CUPEL_CELL_TIMESTAMP : CUPEL_CELL_DATETIME;
  cell->v.i64 = days * USEC_PER_DAY + ((hour * 60 + minute) * 60 + second) * G_GINT64_CONSTANT (1000000) + micros;
}

static void
cupel_mysql_decode_time (CupelRowBlock          *block,
                         const CupelMysqlColumn *column,
                         CupelCell              *cell,
                         const guint8           *data,
                         gsize                   length)
{
  gboolean negative = FALSE;
  guint32 days = 0, micros = 0;
  guint hour = 0, minute = 0, second = 0;

  if (length >= 8)
    {
      negative = data[0] != 0;
      days = data[1] | data[2] << 8 | data[3] << 16 | (guint32) data[4] << 24;
      hour = data[5];
      minute = data[6];
      second = data[7];
    }
  if (length >= 12)
    micros = data[8] | data[9] << 8 | data[10] << 16 | (guint32) data[11] << 24;

  if (negative || days > 0 || hour > 23 || minute > 59 || second > 59 || micros > 999999)
    {
      char text[64];

      g_snprintf (text, sizeof text, "%s%02" G_GUINT64_FORMAT ":%02u:%02u", negative ? "-" : "",
                  (guint64) days * 24 + hour, minute, second);
      cupel_mysql_append_fraction (text, sizeof text, column, micros);
      cupel_mysql_decode_odd (block, cell, text);
      return;
    }
  cell->kind = CUPEL_CELL_TIME;
  cell->v.i64 = ((hour * 60 + minute) * 60 + second) * G_GINT64_CONSTANT (1000000) + micros;
}

/* The length in front of a value. FALSE: it does not end within what was received. */
static gboolean
cupel_mysql_read_length (const guint8 **data,
                         const guint8  *end,
                         gsize         *length)
{
  const guint8 *p = *data;
  guint bytes;
  guint64 value = 0;

  if (p >= end)
    return FALSE;
  switch (*p)
    {
    case 252: bytes = 2; break;
    case 253: bytes = 3; break;
    case 254: bytes = 8; break;
    case 251:
    case 255: return FALSE;
    default:
      *length = *p;
      *data = p + 1;
      return (gsize) (end - p) > *length;
    }

  if ((gsize) (end - p) <= bytes)
    return FALSE;
  for (guint i = 0; i < bytes; i++)
    value |= (guint64) p[i + 1] << (8 * i);
  p += bytes + 1;
  if (value > (guint64) (end - p) || value > G_MAXUINT32)
    return FALSE;
  *length = (gsize) value;
  *data = p;
  return TRUE;
}

static guint
cupel_mysql_fixed_size (guint8 type)
{
  switch (type)
    {
    case MYSQL_TYPE_NULL:     return 0;
    case MYSQL_TYPE_TINY:     return 1;
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:     return 2;
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_FLOAT:    return 4;
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_DOUBLE:   return 8;
    default:                  return G_MAXUINT;
    }
}

static gint64
cupel_mysql_read_integer (const guint8 *p,
                          guint         size,
                          gboolean      is_unsigned)
{
  guint64 value = 0;

  for (guint i = 0; i < size; i++)
    value |= (guint64) p[i] << (8 * i);
  if (!is_unsigned && size < 8 && (p[size - 1] & 0x80) != 0)
    value |= G_MAXUINT64 << (8 * size);
  return (gint64) value;
}

static void
cupel_mysql_decode_fixed (const CupelMysqlColumn *column,
                          CupelCell              *cell,
                          const guint8           *data,
                          guint                   size)
{
  if (column->type == MYSQL_TYPE_FLOAT)
    {
      guint32 bits = (guint32) cupel_mysql_read_integer (data, 4, TRUE);
      float value;

      memcpy (&value, &bits, sizeof value);
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = value;
    }
  else if (column->type == MYSQL_TYPE_DOUBLE)
    {
      guint64 bits = (guint64) cupel_mysql_read_integer (data, 8, TRUE);

      cell->kind = CUPEL_CELL_DOUBLE;
      memcpy (&cell->v.f64, &bits, sizeof bits);
    }
  else if (size > 0)
    cupel_mysql_decode_integer (column, cupel_mysql_read_integer (data, size, column->is_unsigned), cell);
}

const guint8 *
cupel_mysql_decode_binary (CupelMysqlRows *rows,
                           guint           column_index,
                           const guint8   *p,
                           const guint8   *end)
{
  const CupelMysqlColumn *column;
  CupelCell *cell;
  guint size;
  gsize length = 0;

  if (rows->malformed || column_index >= rows->n_columns)
    {
      rows->malformed = TRUE;
      return NULL;
    }

  column = &rows->columns[column_index];
  size = cupel_mysql_fixed_size (column->type);
  if (size != G_MAXUINT)
    length = size;
  else if (!cupel_mysql_read_length (&p, end, &length))
    {
      rows->malformed = TRUE;
      return NULL;
    }
  if (p + length > end)
    {
      rows->malformed = TRUE;
      return NULL;
    }

  rows->bytes += length + (rows->block != NULL ? sizeof (CupelCell) : 1);
  if (rows->block == NULL)
    return p + length;

  cell = rows->cells + column_index;
  switch (column->type)
    {
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      cupel_mysql_decode_datetime (rows->block, column, cell, p, length);
      break;
    case MYSQL_TYPE_TIME:
      cupel_mysql_decode_time (rows->block, column, cell, p, length);
      break;
    default:
      if (size != G_MAXUINT)
        cupel_mysql_decode_fixed (column, cell, p, size);
      else
        cupel_mysql_decode_string (rows->block, column, cell, p, length);
      break;
    }
  return p + length;
}

/* The text protocol: statements without parameters that are not kept. */
static void
cupel_mysql_decode_text (CupelMysqlRows *rows,
                         guint           column_index,
                         const char     *data,
                         gsize           length)
{
  const CupelMysqlColumn *column = &rows->columns[column_index];
  CupelCell *cell = rows->cells + column_index;
  gint64 value;

  if (data == NULL)
    return;

  switch (column->type)
    {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_YEAR:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
      value = column->is_unsigned ? (gint64) g_ascii_strtoull (data, NULL, 10) : g_ascii_strtoll (data, NULL, 10);
      cupel_mysql_decode_integer (column, value, cell);
      return;
    case MYSQL_TYPE_FLOAT:
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = (float) g_ascii_strtod (data, NULL);
      return;
    case MYSQL_TYPE_DOUBLE:
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = g_ascii_strtod (data, NULL);
      return;
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
      if (cupel_parse_date (data, length, &value))
        {
          cell->kind = CUPEL_CELL_DATE;
          cell->v.i64 = value;
          return;
        }
      break;
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_TIMESTAMP:
      if (cupel_parse_datetime (data, length, &value, NULL))
        {
          cell->kind = column->expected == CUPEL_SQL_TIMESTAMP ||
                       (column->expected != CUPEL_SQL_DATETIME && column->type == MYSQL_TYPE_TIMESTAMP)
                       ? CUPEL_CELL_TIMESTAMP : CUPEL_CELL_DATETIME;
          cell->v.i64 = value;
          return;
        }
      break;
    case MYSQL_TYPE_TIME:
      if (cupel_parse_time (data, length, &value))
        {
          cell->kind = CUPEL_CELL_TIME;
          cell->v.i64 = value;
          return;
        }
      break;
    default:
      cupel_mysql_decode_string (rows->block, column, cell, (const guint8 *) data, length);
      return;
    }
  cupel_mysql_decode_odd (rows->block, cell, data);
}

void
cupel_mysql_decode_text_row (CupelMysqlRows       *rows,
                             char                **row,
                             const unsigned long  *lengths)
{
  if (rows->block == NULL)
    {
      for (guint i = 0; i < rows->n_columns; i++)
        rows->bytes += lengths[i] + 1;
      return;
    }
  rows->cells = cupel_row_block_add_row (rows->block);
  for (guint i = 0; i < rows->n_columns; i++)
    {
      cupel_mysql_decode_text (rows, i, row[i], lengths[i]);
      rows->bytes += lengths[i] + sizeof (CupelCell);
    }
}
