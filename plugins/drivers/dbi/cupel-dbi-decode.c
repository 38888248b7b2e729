/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From the text of a server into cells. What is no value of its form goes out as it stands, told apart as OTHER. */

#include "cupel-dbi-private.h"

static void
set_text (CupelRowBlock *block,
          CupelCell     *cell,
          CupelCellKind  kind,
          const char    *text,
          gsize          length)
{
  /* What no cell of text can hold is told apart, not lost. */
  if (length == 0 || g_utf8_validate_len (text, length, NULL))
    cupel_row_block_set_text (block, cell, kind, text, (gssize) length);
  else
    cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, text, length);
}

static gboolean
decode_integer (CupelCell  *cell,
                const char *text,
                gsize       length)
{
  char buffer[24];
  guint64 u;

  if (length == 0 || length >= sizeof buffer)
    return FALSE;
  memcpy (buffer, text, length);
  buffer[length] = '\0';
  if (g_ascii_string_to_signed (buffer, 10, G_MININT64, G_MAXINT64, &cell->v.i64, NULL))
    {
      cell->kind = CUPEL_CELL_INT64;
      return TRUE;
    }
  if (g_ascii_string_to_unsigned (buffer, 10, 0, G_MAXUINT64, &u, NULL))
    {
      cell->kind = CUPEL_CELL_UINT64;
      cell->v.u64 = u;
      return TRUE;
    }
  return FALSE;
}

static gboolean
decode_double (CupelCell  *cell,
               const char *text,
               gsize       length,
               gboolean    single)
{
  char buffer[400];
  double value;
  char *end;

  if (length == 0 || length >= sizeof buffer)
    return FALSE;
  memcpy (buffer, text, length);
  buffer[length] = '\0';
  value = g_ascii_strtod (buffer, &end);
  if (*end != '\0')
    return FALSE;
  cell->kind = CUPEL_CELL_DOUBLE;
  cell->v.f64 = single ? (double) (float) value : value;
  return TRUE;
}

static gboolean
decode_boolean (CupelCell  *cell,
                const char *text,
                gsize       length)
{
  CupelCell number;

  if (length == 1 && (text[0] == 't' || text[0] == 'f'))
    {
      cell->kind = CUPEL_CELL_BOOLEAN;
      cell->v.i64 = text[0] == 't';
      return TRUE;
    }
  if (!decode_integer (&number, text, length))
    return FALSE;
  cell->kind = CUPEL_CELL_BOOLEAN;
  cell->v.i64 = number.v.i64 != 0;
  return TRUE;
}

static gboolean
decode_hex (CupelRowBlock *block,
            CupelCell     *cell,
            const char    *text,
            gsize          length)
{
  guint8 *bytes;

  if (length < 2 || length % 2 != 0 || text[0] != '\\' || text[1] != 'x')
    return FALSE;
  length = length / 2 - 1;
  bytes = cupel_row_block_alloc (block, length + 1);
  if (bytes == NULL)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      int high = g_ascii_xdigit_value (text[2 * i + 2]);
      int low = g_ascii_xdigit_value (text[2 * i + 3]);

      if (high < 0 || low < 0)
        return FALSE;
      bytes[i] = (guint8) (high << 4 | low);
    }
  cell->kind = CUPEL_CELL_BYTES;
  cell->length = (guint32) length;
  cell->v.bytes = bytes;
  return TRUE;
}

static gboolean
decode_uuid (CupelRowBlock *block,
             CupelCell     *cell,
             const char    *text,
             gsize          length)
{
  guint8 bytes[16] = { 0 };
  guint n = 0;

  if (length != 36 && length != 32)
    return FALSE;
  for (gsize i = 0; i < length; i++)
    {
      int digit = g_ascii_xdigit_value (text[i]);

      if (text[i] == '-' && length == 36 && (i == 8 || i == 13 || i == 18 || i == 23))
        continue;
      if (digit < 0 || n == 32)
        return FALSE;
      bytes[n / 2] = (guint8) (bytes[n / 2] | (n % 2 == 0 ? digit << 4 : digit));
      n++;
    }
  return n == 32 && cupel_row_block_set_bytes (block, cell, CUPEL_CELL_UUID, bytes, sizeof bytes);
}

static gboolean
decode_datetime (CupelCell     *cell,
                 CupelCellKind  kind,
                 const char    *text,
                 gsize          length)
{
  gint64 value;

  if (length == 10 && cupel_parse_date (text, length, &value))
    value *= G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC;
  else if (!cupel_parse_datetime (text, length, &value, NULL))
    return FALSE;
  cell->kind = kind;
  cell->v.i64 = value;
  return TRUE;
}

static gboolean
decode_day (CupelCell  *cell,
            const char *text,
            gsize       length)
{
  if (!cupel_parse_date (text, length, &cell->v.i64))
    return FALSE;
  cell->kind = CUPEL_CELL_DATE;
  return TRUE;
}

static gboolean
decode_time (CupelCell  *cell,
             const char *text,
             gsize       length)
{
  if (!cupel_parse_time (text, length, &cell->v.i64))
    return FALSE;
  cell->kind = CUPEL_CELL_TIME;
  return TRUE;
}

static gboolean
decode_decimal (CupelRowBlock *block,
                CupelCell     *cell,
                const char    *text,
                gsize          length)
{
  gboolean digits = FALSE;

  for (gsize i = 0; i < length; i++)
    {
      if (g_ascii_isdigit (text[i]))
        digits = TRUE;
      else if (text[i] != '.' && (i > 0 || text[i] != '-'))
        {
          digits = (length == 3 && memcmp (text, "NaN", 3) == 0) || (length == 8 && memcmp (text, "Infinity", 8) == 0) ||
                   (length == 9 && memcmp (text, "-Infinity", 9) == 0);
          break;
        }
    }
  return digits && cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, text, (gssize) length);
}

void
cupel_dbi_decode (CupelRowBlock *block,
                  CupelCell     *cell,
                  CupelDbiForm   form,
                  const char    *text,
                  gsize          length)
{
  gboolean known = FALSE;

  switch (form)
    {
    case CUPEL_DBI_TEXT:
      set_text (block, cell, CUPEL_CELL_TEXT, text, length);
      return;
    case CUPEL_DBI_JSON:
      set_text (block, cell, CUPEL_CELL_JSON, text, length);
      return;
    case CUPEL_DBI_BYTES:
      cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, text, length);
      return;
    case CUPEL_DBI_BOOLEAN:
      known = decode_boolean (cell, text, length);
      break;
    case CUPEL_DBI_INTEGER:
      known = decode_integer (cell, text, length);
      break;
    case CUPEL_DBI_DOUBLE:
    case CUPEL_DBI_FLOAT:
      known = decode_double (cell, text, length, form == CUPEL_DBI_FLOAT);
      break;
    case CUPEL_DBI_DECIMAL:
      known = decode_decimal (block, cell, text, length);
      break;
    case CUPEL_DBI_HEX:
      known = decode_hex (block, cell, text, length);
      break;
    case CUPEL_DBI_DATE:
      known = decode_day (cell, text, length);
      break;
    case CUPEL_DBI_TIME:
      known = decode_time (cell, text, length);
      break;
    case CUPEL_DBI_DATETIME:
      known = decode_datetime (cell, CUPEL_CELL_DATETIME, text, length);
      break;
    case CUPEL_DBI_TIMESTAMP:
      known = decode_datetime (cell, CUPEL_CELL_TIMESTAMP, text, length);
      break;
    case CUPEL_DBI_UUID:
      known = decode_uuid (block, cell, text, length);
      break;
    case CUPEL_DBI_OTHER:
    default:
      break;
    }

  /* infinity, a day before Christ, a span of more than a day */
  if (!known)
    set_text (block, cell, CUPEL_CELL_OTHER, text, length);
}

CupelDbiForm
cupel_dbi_form_of_kind (CupelSqlKind kind)
{
  switch (kind)
    {
    case CUPEL_SQL_BOOLEAN:   return CUPEL_DBI_BOOLEAN;
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:     return CUPEL_DBI_INTEGER;
    case CUPEL_SQL_FLOAT:     return CUPEL_DBI_FLOAT;
    case CUPEL_SQL_DOUBLE:    return CUPEL_DBI_DOUBLE;
    case CUPEL_SQL_NUMERIC:   return CUPEL_DBI_DECIMAL;
    case CUPEL_SQL_BYTES:     return CUPEL_DBI_BYTES;
    case CUPEL_SQL_DATE:      return CUPEL_DBI_DATE;
    case CUPEL_SQL_TIME:      return CUPEL_DBI_TIME;
    case CUPEL_SQL_DATETIME:  return CUPEL_DBI_DATETIME;
    case CUPEL_SQL_TIMESTAMP: return CUPEL_DBI_TIMESTAMP;
    case CUPEL_SQL_UUID:      return CUPEL_DBI_UUID;
    case CUPEL_SQL_JSON:      return CUPEL_DBI_JSON;
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    default:                  return CUPEL_DBI_TEXT;
    }
}

CupelSqlKind
cupel_dbi_get_kind (const CupelCompiled *compiled,
                    guint                column)
{
  if (compiled == NULL || column >= compiled->n_columns || compiled->columns[column].type == NULL)
    return CUPEL_SQL_NULL;
  return cupel_sql_type_get_kind (compiled->columns[column].type);
}

CupelRowBlock *
cupel_dbi_reply_get_block (CupelReply *reply,
                           guint       n_columns,
                           guint       block_rows)
{
  CupelRowBlock *block;

  if (reply->blocks == NULL)
    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  block = reply->blocks->len > 0 ? g_ptr_array_index (reply->blocks, reply->blocks->len - 1) : NULL;
  if (block == NULL || block->n_rows >= block_rows)
    {
      block = cupel_row_block_new (n_columns, block == NULL ? 4 : block_rows);
      g_ptr_array_add (reply->blocks, block);
    }
  return block;
}
