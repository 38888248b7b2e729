/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-print.h"

#include "cupel-pg-decode.h"
#include "cupel-pg-network.h"
#include "cupel-pg-oid.h"

#include <math.h>
#include <string.h>

/* The element type of an array of a built-in type; 0: not an array that is known here. */
static Oid
get_element_oid (Oid oid)
{
  switch (oid)
    {
    case 1000: return PG_OID_BOOL;
    case 1001: return PG_OID_BYTEA;
    case 1002: return PG_OID_CHAR;
    case 1003: return PG_OID_NAME;
    case 1005: return PG_OID_INT2;
    case 1007: return PG_OID_INT4;
    case 1009: return PG_OID_TEXT;
    case 1014: return PG_OID_BPCHAR;
    case 1015: return PG_OID_VARCHAR;
    case 1016: return PG_OID_INT8;
    case 1021: return PG_OID_FLOAT4;
    case 1022: return PG_OID_FLOAT8;
    case 1028: return PG_OID_OID;
    case 1115: return PG_OID_TIMESTAMP;
    case 1182: return PG_OID_DATE;
    case 1183: return PG_OID_TIME;
    case 1185: return PG_OID_TIMESTAMPTZ;
    case 1187: return PG_OID_INTERVAL;
    case 1231: return PG_OID_NUMERIC;
    case 199:  return PG_OID_JSON;
    case 2951: return PG_OID_UUID;
    case 3807: return PG_OID_JSONB;
    default:   return 0;
    }
}

static void
append_unit (GString    *text,
             gint64      amount,
             const char *unit)
{
  if (amount == 0)
    return;
  g_string_append_printf (text, "%s%" G_GINT64_FORMAT " %s%s", text->len > 0 ? " " : "", amount, unit,
                          amount == 1 ? "" : "s");
}

/* As the server's IntervalStyle "postgres" has it. */
static gboolean
print_interval (GString    *text,
                const char *value,
                guint       length)
{
  gsize start = text->len;
  g_autoptr(GString) own = g_string_new (NULL);
  gint64 time, months;
  gint32 days;
  guint64 left;

  if (length != 16)
    return FALSE;
  time = (gint64) cupel_pg_get64 (value);
  days = (gint32) cupel_pg_get32 (value + 8);
  months = (gint32) cupel_pg_get32 (value + 12);

  append_unit (own, months / 12, "year");
  append_unit (own, months % 12, "mon");
  append_unit (own, days, "day");
  if (time != 0 || own->len == 0)
    {
      left = time < 0 ? -(guint64) time : (guint64) time;
      /* A plus after a negative part keeps the two apart. */
      g_string_append_printf (own, "%s%s%02" G_GUINT64_FORMAT ":%02u:%02u", own->len > 0 ? " " : "",
                              time < 0 ? "-" : days < 0 || (days == 0 && months < 0) ? "+" : "",
                              left / 3600000000u, (guint) (left / 60000000u % 60), (guint) (left / 1000000u % 60));
      if (left % 1000000u != 0)
        {
          g_string_append_printf (own, ".%06u", (guint) (left % 1000000u));
          while (own->str[own->len - 1] == '0')
            g_string_truncate (own, own->len - 1);
        }
    }
  g_string_append_len (text, own->str, (gssize) own->len);
  return text->len > start;
}

static void
print_real (GString *text,
            double   value,
            gboolean single)
{
  char buffer[64];
  int digits = single ? 6 : 15;

  if (isnan (value))
    g_string_append (text, "NaN");
  else if (isinf (value))
    g_string_append (text, value > 0 ? "Infinity" : "-Infinity");
  else
    {
      /* The fewest digits that read back as the same number. */
      for (; digits <= 17; digits++)
        {
          char format[8];
          double back;

          g_snprintf (format, sizeof format, "%%.%dg", digits);
          g_ascii_formatd (buffer, sizeof buffer, format, value);
          back = g_ascii_strtod (buffer, NULL);
          if (single ? (float) back == (float) value : back == value)
            break;
        }
      g_string_append (text, buffer);
    }
}

static gboolean
print_scalar (GString    *text,
              Oid         oid,
              const char *value,
              guint       length)
{
  g_autoptr(CupelRowBlock) scratch = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (scratch);
  char buffer[64];

  if (oid == PG_OID_INTERVAL)
    return print_interval (text, value, length);
  if (!cupel_pg_decode_value (scratch, cell, oid, value, length))
    return FALSE;

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:
      g_string_append_c (text, cell->v.i64 ? 't' : 'f');
      return TRUE;
    case CUPEL_CELL_INT64:
      g_string_append_printf (text, "%" G_GINT64_FORMAT, cell->v.i64);
      return TRUE;
    case CUPEL_CELL_DOUBLE:
      print_real (text, cell->v.f64, oid == PG_OID_FLOAT4);
      return TRUE;
    case CUPEL_CELL_DATE:
      cupel_format_date (cell->v.i64, buffer);
      g_string_append (text, buffer);
      return TRUE;
    case CUPEL_CELL_TIME:
      cupel_format_time (cell->v.i64, buffer);
      g_string_append (text, buffer);
      return TRUE;
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      cupel_format_datetime (cell->v.i64, buffer);
      g_string_append (text, buffer);
      if (cell->kind == CUPEL_CELL_TIMESTAMP)
        g_string_append (text, "+00");
      return TRUE;
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      g_string_append_len (text, cell->v.text, cell->length);
      return TRUE;
    case CUPEL_CELL_BYTES:
      g_string_append (text, "\\x");
      for (guint i = 0; i < cell->length; i++)
        g_string_append_printf (text, "%02x", cell->v.bytes[i]);
      return TRUE;
    case CUPEL_CELL_UUID:
      for (guint i = 0; i < 16; i++)
        g_string_append_printf (text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", cell->v.bytes[i]);
      return TRUE;
    case CUPEL_CELL_NULL:
    case CUPEL_CELL_UINT64:
    default:
      return FALSE;
    }
}

static gboolean
needs_quotes (const char *text,
              gsize       length)
{
  if (length == 0 || (length == 4 && g_ascii_strncasecmp (text, "NULL", 4) == 0))
    return TRUE;
  for (gsize i = 0; i < length; i++)
    if (strchr ("{},\"\\ \t\n\r\v\f", text[i]) != NULL)
      return TRUE;
  return FALSE;
}

typedef struct
{
  GString    *text;
  Oid         oid;
  const char *at;
  const char *end;
  guint       n_dimensions;
  guint32     sizes[6];
} ArrayPrinter;

static gboolean
print_dimension (ArrayPrinter *printer,
                 guint         dimension)
{
  g_string_append_c (printer->text, '{');
  for (guint32 i = 0; i < printer->sizes[dimension]; i++)
    {
      g_autoptr(GString) element = NULL;
      guint32 length;

      if (i > 0)
        g_string_append_c (printer->text, ',');
      if (dimension + 1 < printer->n_dimensions)
        {
          if (!print_dimension (printer, dimension + 1))
            return FALSE;
          continue;
        }

      if (printer->end - printer->at < 4)
        return FALSE;
      length = cupel_pg_get32 (printer->at);
      printer->at += 4;
      if (length == (guint32) -1)
        {
          g_string_append (printer->text, "NULL");
          continue;
        }
      if ((gsize) (printer->end - printer->at) < length)
        return FALSE;
      element = g_string_new (NULL);
      if (!print_scalar (element, printer->oid, printer->at, length))
        return FALSE;
      printer->at += length;
      if (!needs_quotes (element->str, element->len))
        {
          g_string_append_len (printer->text, element->str, (gssize) element->len);
          continue;
        }
      g_string_append_c (printer->text, '"');
      for (gsize k = 0; k < element->len; k++)
        {
          if (element->str[k] == '"' || element->str[k] == '\\')
            g_string_append_c (printer->text, '\\');
          g_string_append_c (printer->text, element->str[k]);
        }
      g_string_append_c (printer->text, '"');
    }
  g_string_append_c (printer->text, '}');
  return TRUE;
}

static gboolean
print_array (GString    *text,
             Oid         element_oid,
             const char *value,
             guint       length)
{
  ArrayPrinter printer = { .text = text, .oid = element_oid, .end = value + length };
  gboolean shifted = FALSE;   /* an index that does not start at 1 */

  if (length < 12)
    return FALSE;
  printer.n_dimensions = cupel_pg_get32 (value);
  if (printer.n_dimensions > G_N_ELEMENTS (printer.sizes) || cupel_pg_get32 (value + 8) != element_oid ||
      length < 12 + 8 * printer.n_dimensions)
    return FALSE;
  printer.at = value + 12;
  if (printer.n_dimensions == 0)
    {
      g_string_append (text, "{}");
      return TRUE;
    }
  for (guint i = 0; i < printer.n_dimensions; i++)
    {
      printer.sizes[i] = cupel_pg_get32 (printer.at + 8 * i);
      if (printer.sizes[i] == 0 || printer.sizes[i] > length)
        return FALSE;
      shifted = shifted || cupel_pg_get32 (printer.at + 8 * i + 4) != 1;
    }
  for (guint i = 0; i < printer.n_dimensions; i++, printer.at += 8)
    {
      if (shifted)
        g_string_append_printf (text, "[%d:%" G_GINT64_FORMAT "]", (gint32) cupel_pg_get32 (printer.at + 4),
                                (gint64) (gint32) cupel_pg_get32 (printer.at + 4) + printer.sizes[i] - 1);
    }
  if (text->len > 0)
    g_string_append_c (text, '=');
  return print_dimension (&printer, 0) && printer.at == printer.end;
}

char *
cupel_pg_print (CupelRowBlock *block,
                Oid            oid,
                const char    *value,
                guint          length,
                guint         *text_length)
{
  Oid element_oid = get_element_oid (oid);
  g_autoptr(GString) text = NULL;
  char *copy;

  if (element_oid == 0 && oid != PG_OID_INTERVAL)
    return NULL;
  text = g_string_new (NULL);
  if (!(element_oid != 0 ? print_array (text, element_oid, value, length) : print_interval (text, value, length)))
    return NULL;
  if (!g_utf8_validate_len (text->str, text->len, NULL))
    return NULL;
  copy = cupel_row_block_alloc (block, text->len + 1);
  memcpy (copy, text->str, text->len + 1);
  *text_length = (guint) text->len;
  return copy;
}
