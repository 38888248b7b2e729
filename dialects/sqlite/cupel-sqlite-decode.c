/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-decode.h"

#include <math.h>

static void
set_int64 (CupelCell     *cell,
           CupelCellKind  kind,
           gint64         value)
{
  cell->kind = kind;
  cell->v.i64 = value;
}

static void
set_double (CupelCell *cell,
            double     value)
{
  cell->kind = CUPEL_CELL_DOUBLE;
  cell->v.f64 = value;
}

static gboolean
is_decimal (const char *text,
            gsize       length)
{
  gsize digits = 0;
  gsize i = 0;
  gboolean dot = FALSE;

  if (i < length && (text[i] == '-' || text[i] == '+'))
    i++;
  for (; i < length; i++)
    {
      if (g_ascii_isdigit (text[i]))
        digits++;
      else if (text[i] == '.' && !dot)
        dot = TRUE;
      else
        return FALSE;
    }
  return digits > 0;
}

/* A sum or an average of exact decimals comes as a double: with the column's decimals it is the decimal again. */
static void
set_decimal_from_double (CupelRowBlock          *block,
                         CupelCell              *cell,
                         const CupelSqliteField *field,
                         double                  value)
{
  char buffer[512];

  if (!isfinite (value))
    g_strlcpy (buffer, value > 0 ? "Infinity" : "-Infinity", sizeof buffer);
  else if (field->scaled && fabs (value) < 1e300)
    {
      char format[16];

      g_snprintf (format, sizeof format, "%%.%uf", (guint) field->scale);
      g_ascii_formatd (buffer, sizeof buffer, format, value);
    }
  else
    {
      g_ascii_formatd (buffer, sizeof buffer, "%.15g", value);
      if (g_ascii_strtod (buffer, NULL) != value)
        g_ascii_dtostr (buffer, sizeof buffer, value);
      if (strchr (buffer, 'e') != NULL)
        {
          /* Not exact, and without a plain form of reasonable length: it stays what it is. */
          set_double (cell, value);
          return;
        }
    }
  cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, buffer, -1);
}

static gboolean
parse_uuid (const char *text,
            gsize       length,
            guint8     *bytes)
{
  guint n = 0;

  if (length != 36 && length != 32)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      int digit;

      if (text[i] == '-' && length == 36 && (i == 8 || i == 13 || i == 18 || i == 23))
        continue;
      digit = g_ascii_xdigit_value (text[i]);
      if (digit < 0 || n == 32)
        return FALSE;
      if (n % 2 == 0)
        bytes[n / 2] = (guint8) (digit << 4);
      else
        bytes[n / 2] |= (guint8) digit;
      n++;
    }
  return n == 32;
}

static void
decode_text (CupelRowBlock          *block,
             CupelCell              *cell,
             const CupelSqliteField *field,
             const char             *text,
             gsize                   length)
{
  guint8 uuid[16];
  gint64 number;

  switch ((CupelSqlKind) field->kind)
    {
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
      cupel_row_block_set_checked (block, cell, CUPEL_CELL_TEXT, text, length);
      return;

    case CUPEL_SQL_JSON:
      cupel_row_block_set_checked (block, cell, CUPEL_CELL_JSON, text, length);
      return;

    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
      if (cupel_parse_datetime (text, length, &number, NULL))
        {
          set_int64 (cell, field->kind == CUPEL_SQL_DATETIME ? CUPEL_CELL_DATETIME : CUPEL_CELL_TIMESTAMP, number);
          return;
        }
      break;

    case CUPEL_SQL_DATE:
      if (cupel_parse_date (text, length, &number))
        {
          set_int64 (cell, CUPEL_CELL_DATE, number);
          return;
        }
      break;

    case CUPEL_SQL_TIME:
      if (cupel_parse_time (text, length, &number))
        {
          set_int64 (cell, CUPEL_CELL_TIME, number);
          return;
        }
      break;

    case CUPEL_SQL_NUMERIC:
      if (is_decimal (text, length))
        {
          cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, text, (gssize) length);
          return;
        }
      if ((length == 3 && memcmp (text, "NaN", 3) == 0) || (length == 8 && memcmp (text, "Infinity", 8) == 0) ||
          (length == 9 && memcmp (text, "-Infinity", 9) == 0))
        {
          cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, text, (gssize) length);
          return;
        }
      break;

    case CUPEL_SQL_UUID:
      if (parse_uuid (text, length, uuid))
        {
          cupel_row_block_set_bytes (block, cell, CUPEL_CELL_UUID, uuid, sizeof uuid);
          return;
        }
      break;

    case CUPEL_SQL_BYTES:
      cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, text, length);
      return;

    case CUPEL_SQL_BOOLEAN:
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
    default:
      break;
    }

  /* SQLite stores any value in any column: what is no value of the type goes out as it stands. */
  cupel_row_block_set_checked (block, cell, CUPEL_CELL_OTHER, text, length);
}

static gboolean G_GNUC_NO_INLINE
decode_as_text (sqlite3_value          *value,
                CupelRowBlock          *block,
                CupelCell              *cell,
                const CupelSqliteField *field)
{
  const char *text = (const char *) sqlite3_value_text (value);

  if (G_UNLIKELY (text == NULL))
    return FALSE;
  decode_text (block, cell, field, text, (gsize) sqlite3_value_bytes (value));
  return TRUE;
}

static gboolean
decode_integer (sqlite3_value          *value,
                CupelRowBlock          *block,
                CupelCell              *cell,
                const CupelSqliteField *field)
{
  gint64 number = sqlite3_value_int64 (value);

  switch ((CupelSqlKind) field->kind)
    {
    case CUPEL_SQL_BOOLEAN:
      set_int64 (cell, CUPEL_CELL_BOOLEAN, number != 0);
      return TRUE;
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      set_int64 (cell, CUPEL_CELL_INT64, number);
      return TRUE;
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      set_double (cell, (double) number);
      return TRUE;
    case CUPEL_SQL_NUMERIC:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_JSON:
      return decode_as_text (value, block, cell, field);
    case CUPEL_SQL_BYTES:
    case CUPEL_SQL_DATE:
    case CUPEL_SQL_TIME:
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
    case CUPEL_SQL_UUID:
    default:
      {
        char buffer[32];

        g_snprintf (buffer, sizeof buffer, "%" G_GINT64_FORMAT, number);
        cupel_row_block_set_text (block, cell, CUPEL_CELL_OTHER, buffer, -1);
        return TRUE;
      }
    }
}

static gboolean
decode_real (sqlite3_value          *value,
             CupelRowBlock          *block,
             CupelCell              *cell,
             const CupelSqliteField *field)
{
  double number = sqlite3_value_double (value);

  switch ((CupelSqlKind) field->kind)
    {
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      set_double (cell, number);
      return TRUE;
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      if (number >= -9007199254740992.0 && number <= 9007199254740992.0 && (double) (gint64) number == number)
        set_int64 (cell, CUPEL_CELL_INT64, (gint64) number);
      else
        set_double (cell, number);
      return TRUE;
    case CUPEL_SQL_NUMERIC:
      set_decimal_from_double (block, cell, field, number);
      return TRUE;
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_JSON:
      return decode_as_text (value, block, cell, field);
    case CUPEL_SQL_BOOLEAN:
    case CUPEL_SQL_BYTES:
    case CUPEL_SQL_DATE:
    case CUPEL_SQL_TIME:
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
    case CUPEL_SQL_UUID:
    default:
      {
        char buffer[G_ASCII_DTOSTR_BUF_SIZE];

        g_ascii_dtostr (buffer, sizeof buffer, number);
        cupel_row_block_set_text (block, cell, CUPEL_CELL_OTHER, buffer, -1);
        return TRUE;
      }
    }
}

static gboolean
decode_blob (sqlite3_value          *value,
             CupelRowBlock          *block,
             CupelCell              *cell,
             const CupelSqliteField *field)
{
  gconstpointer bytes = sqlite3_value_blob (value);
  gsize length = (gsize) sqlite3_value_bytes (value);

  if (G_UNLIKELY (bytes == NULL && length > 0))
    return FALSE;
  if (field->kind == CUPEL_SQL_UUID && length == 16)
    cupel_row_block_set_bytes (block, cell, CUPEL_CELL_UUID, bytes, length);
  else
    cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, bytes != NULL ? bytes : "", length);
  return TRUE;
}

/* The common kinds of text; the others are decode_as_text ()'s. */
static inline gboolean
decode_plain_text (sqlite3_value          *value,
                   CupelRowBlock          *block,
                   CupelCell              *cell,
                   const CupelSqliteField *field)
{
  const char *text = (const char *) sqlite3_value_text (value);
  gsize length = (gsize) sqlite3_value_bytes (value);

  if (G_UNLIKELY (text == NULL))
    return FALSE;
  switch ((CupelSqlKind) field->kind)
    {
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
      cupel_row_block_set_checked (block, cell, CUPEL_CELL_TEXT, text, length);
      return TRUE;
    case CUPEL_SQL_DATETIME:
      if (!cupel_parse_datetime (text, length, &cell->v.i64, NULL))
        break;
      cell->kind = CUPEL_CELL_DATETIME;
      return TRUE;
    default:
      break;
    }
  return decode_as_text (value, block, cell, field);
}

/* The handle is opened without a mutex, and one thread at a time has it: there the value of a column is as good as any, and asking it
 * several questions is cheaper than asking for the column each time. */
gboolean
cupel_sqlite_decode_row (CupelSqliteStatement *statement,
                         CupelRowBlock        *block)
{
  CupelCell *cells = cupel_row_block_add_row (block);
  sqlite3_stmt *handle = statement->handle;
  const guint n = statement->n_columns;

  for (guint i = 0; i < n; i++)
    {
      const CupelSqliteField *field = &statement->fields[i];
      sqlite3_value *value = sqlite3_column_value (handle, (int) i);
      gboolean ok = TRUE;

      switch (sqlite3_value_type (value))
        {
        case SQLITE_INTEGER:
          if (G_LIKELY (field->kind == CUPEL_SQL_INT64 || field->kind == CUPEL_SQL_INT32))
            set_int64 (&cells[i], CUPEL_CELL_INT64, sqlite3_value_int64 (value));
          else
            ok = decode_integer (value, block, &cells[i], field);
          break;
        case SQLITE_FLOAT:
          ok = decode_real (value, block, &cells[i], field);
          break;
        case SQLITE_TEXT:
          ok = decode_plain_text (value, block, &cells[i], field);
          break;
        case SQLITE_BLOB:
          ok = decode_blob (value, block, &cells[i], field);
          break;
        default:
          break;
        }
      if (G_UNLIKELY (!ok))
        return FALSE;
    }
  return TRUE;
}
