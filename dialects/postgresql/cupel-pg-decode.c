/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-decode.h"

#include "cupel-pg-network.h"
#include "cupel-pg-oid.h"
#include "cupel-pg-print.h"

#include <string.h>

typedef enum
{
  DECODE_BOOL,
  DECODE_INT2,
  DECODE_INT4,
  DECODE_INT8,
  DECODE_OID,
  DECODE_FLOAT4,
  DECODE_FLOAT8,
  DECODE_TEXT,
  DECODE_BYTES,
  DECODE_DATE,
  DECODE_TIME,
  DECODE_TIMESTAMP,
  DECODE_TIMESTAMPTZ,
  DECODE_UUID,
  DECODE_JSON,
  DECODE_JSONB,
  DECODE_NUMERIC,
  DECODE_OTHER,
  DECODE_PLAIN,     /* came in text format */
} Decoder;

static Decoder
decoder_for_oid (Oid oid)
{
  switch (oid)
    {
    case PG_OID_BOOL:        return DECODE_BOOL;
    case PG_OID_INT2:        return DECODE_INT2;
    case PG_OID_INT4:        return DECODE_INT4;
    case PG_OID_INT8:        return DECODE_INT8;
    case PG_OID_OID:         return DECODE_OID;
    case PG_OID_FLOAT4:      return DECODE_FLOAT4;
    case PG_OID_FLOAT8:      return DECODE_FLOAT8;
    case PG_OID_TEXT:
    case PG_OID_VARCHAR:
    case PG_OID_BPCHAR:
    case PG_OID_NAME:
    case PG_OID_CHAR:
    case PG_OID_UNKNOWN:     return DECODE_TEXT;
    case PG_OID_BYTEA:       return DECODE_BYTES;
    case PG_OID_DATE:        return DECODE_DATE;
    case PG_OID_TIME:        return DECODE_TIME;
    case PG_OID_TIMESTAMP:   return DECODE_TIMESTAMP;
    case PG_OID_TIMESTAMPTZ: return DECODE_TIMESTAMPTZ;
    case PG_OID_UUID:        return DECODE_UUID;
    case PG_OID_JSON:        return DECODE_JSON;
    case PG_OID_JSONB:       return DECODE_JSONB;
    case PG_OID_NUMERIC:     return DECODE_NUMERIC;
    default:                 return DECODE_OTHER;
    }
}

/* A server whose database is SQL_ASCII checks nothing, so this does. */
static inline void
set_text (CupelCell     *cell,
          CupelCellKind  kind,
          const char    *text,
          guint          length)
{
  cell->kind = cupel_is_clean_text (text, length) ? kind : CUPEL_CELL_BYTES;
  cell->length = length;
  cell->v.text = text;
}

char *
cupel_pg_decode_numeric (CupelRowBlock *block,
                         const char    *value,
                         guint          length,
                         guint         *text_length)
{
  guint n_digits, dscale;
  int weight, sign;
  char *text, *at;

  if (length < 8)
    return NULL;
  n_digits = cupel_pg_get16 (value);
  weight = (gint16) cupel_pg_get16 (value + 2);
  sign = cupel_pg_get16 (value + 4);
  dscale = cupel_pg_get16 (value + 6);
  if (length != 8 + 2 * n_digits || dscale > 0x3fff)
    return NULL;

  if (sign != 0 && sign != 0x4000)
    {
      const char *special = sign == 0xc000 ? "NaN" : sign == 0xd000 ? "Infinity" : sign == 0xf000 ? "-Infinity" : NULL;

      if (special == NULL)
        return NULL;
      *text_length = (guint) strlen (special);
      return memcpy (cupel_row_block_alloc (block, *text_length + 1), special, *text_length + 1);
    }

  at = text = cupel_row_block_alloc (block, 16 + 4 * (gsize) (MAX (weight, 0) + 1) + dscale);
  if (sign == 0x4000)
    *at++ = '-';
  if (weight < 0)
    *at++ = '0';
  for (int d = 0; d <= weight; d++)
    {
      guint digit = d < (int) n_digits ? cupel_pg_get16 (value + 8 + 2 * d) : 0;
      gboolean leading = d == 0;

      if (digit > 9999)
        return NULL;
      for (guint power = 1000; power > 0; power /= 10)
        if (!leading || digit >= power || power == 1)
          *at++ = (char) ('0' + digit / power % 10);
    }
  if (dscale > 0)
    {
      char *point = at;

      *at++ = '.';
      for (int d = weight + 1, i = 0; i < (int) dscale; d++, i += 4)
        {
          guint digit = d >= 0 && d < (int) n_digits ? cupel_pg_get16 (value + 8 + 2 * d) : 0;

          if (digit > 9999)
            return NULL;
          for (guint power = 1000; power > 0; power /= 10)
            *at++ = (char) ('0' + digit / power % 10);
        }
      at = point + 1 + dscale;
    }
  *at = '\0';
  *text_length = (guint) (at - text);
  return text;
}

static inline void
set_special (CupelCell  *cell,
             const char *text)
{
  cell->kind = CUPEL_CELL_OTHER;
  cell->length = (guint32) strlen (text);
  cell->v.text = text;
}

/* What lies beyond the range of a cell, in the words of the server whose time zone is UTC: its years go to 294276, those of
 * microseconds since 1970 end 30 years earlier. */
static void
print_timestamp (CupelRowBlock *block,
                 CupelCell     *cell,
                 CupelCellKind  kind,
                 gint64         value)
{
  const gint64 day = G_GINT64_CONSTANT (86400000000);
  char date[40], time[40];
  gsize length = cupel_format_time (value % day, time);
  char *text;

  cupel_format_date (value / day + PG_EPOCH_DAYS, date);
  while (strchr (time, '.') != NULL && time[length - 1] == '0')
    time[--length] = '\0';
  text = cupel_row_block_alloc (block, 2 * sizeof date);
  g_snprintf (text, 2 * sizeof date, "%s %s%s", date, time, kind == CUPEL_CELL_TIMESTAMP ? "+00" : "");
  set_special (cell, text);
}

static void
set_timestamp (CupelRowBlock *block,
               CupelCell     *cell,
               CupelCellKind  kind,
               gint64         value)
{
  if (value == G_MAXINT64)
    set_special (cell, "infinity");
  else if (value == G_MININT64)
    set_special (cell, "-infinity");
  else if (value > G_MAXINT64 - PG_EPOCH_USEC)
    print_timestamp (block, cell, kind, value);
  else
    {
      cell->kind = (guint8) kind;
      cell->v.i64 = value + PG_EPOCH_USEC;
    }
}

/* A type that only the server knows: text if that is what it sends (enum, citext, domains of text, xml ...), the printed form of
 * what is easy to print, else its bytes. */
static void
set_other (CupelRowBlock *block,
           CupelCell     *cell,
           Oid            oid,
           const char    *value,
           guint          length)
{
  char *text;
  guint text_length;

  if ((text = cupel_pg_print (block, oid, value, length, &text_length)) != NULL)
    {
      cell->kind = CUPEL_CELL_OTHER;
      cell->length = text_length;
      cell->v.text = text;
    }
  else
    set_text (cell, CUPEL_CELL_OTHER, value, length);
}

#define EXPECT(bytes) G_STMT_START { if (length != (bytes)) return FALSE; } G_STMT_END

static inline gboolean
decode (CupelRowBlock *block,
        CupelCell     *cell,
        Decoder        decoder,
        Oid            oid,
        const char    *value,
        guint          length)
{
  union { guint32 u32; float f32; } f;

  switch (decoder)
    {
    case DECODE_BOOL:
      EXPECT (1);
      cell->kind = CUPEL_CELL_BOOLEAN;
      cell->v.i64 = value[0] != 0;
      return TRUE;
    case DECODE_INT2:
      EXPECT (2);
      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = (gint16) cupel_pg_get16 (value);
      return TRUE;
    case DECODE_INT4:
      EXPECT (4);
      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = (gint32) cupel_pg_get32 (value);
      return TRUE;
    case DECODE_INT8:
      EXPECT (8);
      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = (gint64) cupel_pg_get64 (value);
      return TRUE;
    case DECODE_OID:
      EXPECT (4);
      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = cupel_pg_get32 (value);
      return TRUE;
    case DECODE_FLOAT4:
      EXPECT (4);
      f.u32 = cupel_pg_get32 (value);
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.f64 = f.f32;
      return TRUE;
    case DECODE_FLOAT8:
      EXPECT (8);
      cell->kind = CUPEL_CELL_DOUBLE;
      cell->v.u64 = cupel_pg_get64 (value);
      return TRUE;
    case DECODE_TEXT:
      set_text (cell, CUPEL_CELL_TEXT, value, length);
      return TRUE;
    case DECODE_BYTES:
      cell->kind = CUPEL_CELL_BYTES;
      cell->length = length;
      cell->v.text = value;
      return TRUE;
    case DECODE_DATE:
      EXPECT (4);
      cell->kind = CUPEL_CELL_DATE;
      cell->v.i64 = (gint32) cupel_pg_get32 (value);
      if (cell->v.i64 == G_MAXINT32)
        set_special (cell, "infinity");
      else if (cell->v.i64 == G_MININT32)
        set_special (cell, "-infinity");
      else
        cell->v.i64 += PG_EPOCH_DAYS;
      return TRUE;
    case DECODE_TIME:
      EXPECT (8);
      cell->kind = CUPEL_CELL_TIME;
      cell->v.i64 = (gint64) cupel_pg_get64 (value);
      return cell->v.i64 >= 0 && cell->v.i64 <= G_GINT64_CONSTANT (86400000000);
    case DECODE_TIMESTAMP:
      EXPECT (8);
      set_timestamp (block, cell, CUPEL_CELL_DATETIME, (gint64) cupel_pg_get64 (value));
      return TRUE;
    case DECODE_TIMESTAMPTZ:
      EXPECT (8);
      set_timestamp (block, cell, CUPEL_CELL_TIMESTAMP, (gint64) cupel_pg_get64 (value));
      return TRUE;
    case DECODE_UUID:
      EXPECT (16);
      cell->kind = CUPEL_CELL_UUID;
      cell->length = 16;
      cell->v.text = value;
      return TRUE;
    case DECODE_JSONB:
      if (length < 1 || value[0] != 1)
        return FALSE;
      set_text (cell, CUPEL_CELL_JSON, value + 1, length - 1);
      return TRUE;
    case DECODE_JSON:
      set_text (cell, CUPEL_CELL_JSON, value, length);
      return TRUE;
    case DECODE_NUMERIC:
      cell->kind = CUPEL_CELL_DECIMAL;
      return (cell->v.text = cupel_pg_decode_numeric (block, value, length, &cell->length)) != NULL;
    case DECODE_OTHER:
      set_other (block, cell, oid, value, length);
      return TRUE;
    case DECODE_PLAIN:
    default:
      set_text (cell, CUPEL_CELL_OTHER, value, length);
      return TRUE;
    }
}

gboolean
cupel_pg_decode_value (CupelRowBlock *block,
                       CupelCell     *cell,
                       Oid            oid,
                       const char    *value,
                       guint          length)
{
  return decode (block, cell, decoder_for_oid (oid), oid, value, length);
}

/* A copy with the NUL that libpq puts after every value. */
static const char *
copy_value (CupelRowBlock *block,
            const char    *value,
            guint          length)
{
  char *copy = cupel_row_block_alloc (block, (gsize) length + 1);

  memcpy (copy, value, length);
  copy[length] = '\0';
  return copy;
}

static inline gboolean
points_into_value (Decoder decoder)
{
  switch (decoder)
    {
    case DECODE_TEXT:
    case DECODE_BYTES:
    case DECODE_UUID:
    case DECODE_JSON:
    case DECODE_JSONB:
    case DECODE_OTHER:
    case DECODE_PLAIN:
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
cupel_pg_decode_rows (CupelRowBlock   *block,
                      const PGresult  *result,
                      guint            first,
                      guint            n_rows,
                      gboolean         copy,
                      GError         **error)
{
  guint n_columns = block->n_columns;
  guint8 few[64];
  g_autofree guint8 *many = NULL;
  guint8 *decoders = few;
  Oid *oids;
  Oid few_oids[64];
  g_autofree Oid *many_oids = NULL;

  g_return_val_if_fail (n_columns == (guint) PQnfields (result), FALSE);

  oids = few_oids;
  if (n_columns > G_N_ELEMENTS (few))
    {
      decoders = many = g_malloc (n_columns);
      oids = many_oids = g_new (Oid, n_columns);
    }
  for (guint c = 0; c < n_columns; c++)
    {
      oids[c] = PQftype (result, (int) c);
      decoders[c] = PQfformat (result, (int) c) == 1 ? decoder_for_oid (oids[c]) : DECODE_PLAIN;
    }

  for (int r = (int) first; r < (int) (first + n_rows); r++)
    {
      CupelCell *cells = cupel_row_block_add_row (block);

      for (guint c = 0; c < n_columns; c++)
        {
          guint length = (guint) PQgetlength (result, r, (int) c);
          const char *value;

          if (length == 0 && PQgetisnull (result, r, (int) c))
            continue;
          value = PQgetvalue (result, r, (int) c);
          if (copy && points_into_value (decoders[c]))
            value = copy_value (block, value, length);
          if (G_UNLIKELY (!decode (block, &cells[c], decoders[c], oids[c], value, length)))
            {
              g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL,
                           "The server sent a malformed value of the type with OID %u for the column \"%s\"",
                           oids[c], PQfname (result, (int) c));
              return FALSE;
            }
        }
      if ((r & 31) == 31)
        cupel_fiber_tick ();
    }
  return TRUE;
}
