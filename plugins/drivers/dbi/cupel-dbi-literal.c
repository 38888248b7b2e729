/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Values in the text of a statement: libdbi binds none. Every value is written by its type, and in front of it stands a space, so
 * that no letter before it (E'', X'', N'') can become a part of it. Where text may stand, it is checked first: UTF-8 without U+0000,
 * on a connection whose character set is known to be UTF-8. */

#include "cupel-dbi-private.h"

#include <math.h>

gboolean
cupel_dbi_check_text (const CupelCell  *cell,
                      GError          **error)
{
  if (cell->length == 0 || g_utf8_validate_len (cell->v.text, cell->length, NULL))
    return TRUE;

  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A text value is not valid UTF-8, or has U+0000 in it");
  return FALSE;
}

void
cupel_dbi_format_uuid (const guint8 *bytes,
                       char         *buffer)
{
  static const char digits[] = "0123456789abcdef";
  char *p = buffer;

  for (guint i = 0; i < 16; i++)
    {
      if (i == 4 || i == 6 || i == 8 || i == 10)
        *p++ = '-';
      *p++ = digits[bytes[i] >> 4];
      *p++ = digits[bytes[i] & 15];
    }
  *p = '\0';
}

static void
append_hex (GString      *sql,
            const guint8 *bytes,
            gsize         length)
{
  static const char digits[] = "0123456789abcdef";
  gsize at = sql->len;

  g_string_set_size (sql, at + 2 * length);
  for (gsize i = 0; i < length; i++)
    {
      sql->str[at++] = digits[bytes[i] >> 4];
      sql->str[at++] = digits[bytes[i] & 15];
    }
}

/* Digits with a sign and a point, nothing else: they go into the text without quotes. */
static gboolean
is_plain_decimal (const CupelCell *cell)
{
  gsize digits = 0;
  gboolean point = FALSE;

  for (gsize i = 0; i < cell->length; i++)
    {
      char c = cell->v.text[i];

      if (g_ascii_isdigit (c))
        digits++;
      else if (c == '.' && !point)
        point = TRUE;
      else if (i > 0 || (c != '-' && c != '+'))
        return FALSE;
    }
  return digits > 0;
}

static gboolean
fail_length (GError **error)
{
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A UUID has 16 bytes");
  return FALSE;
}

/* What stands between the quotes for values that need no escapes; FALSE: not such a value. @buffer: 40 bytes */
static gboolean
format_plain (const CupelCell *cell,
              char            *buffer)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DATE:
      cupel_format_date (cell->v.i64, buffer);
      return TRUE;
    case CUPEL_CELL_TIME:
      cupel_format_time (cell->v.i64, buffer);
      return TRUE;
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      cupel_format_datetime (cell->v.i64, buffer);
      return TRUE;
    case CUPEL_CELL_INT64:
      g_snprintf (buffer, 40, "%" G_GINT64_FORMAT, cell->v.i64);
      return TRUE;
    case CUPEL_CELL_UINT64:
      g_snprintf (buffer, 40, "%" G_GUINT64_FORMAT, cell->v.u64);
      return TRUE;
    default:
      return FALSE;
    }
}

/* PostgreSQL: a quoted constant with its type, as it would be bound with it. */

static const char *
pgsql_type (const CupelCell    *cell,
            const CupelSqlType *type)
{
  CupelSqlKind kind = cupel_sql_type_get_kind (type);

  if (kind == CUPEL_SQL_NULL)
    switch ((CupelCellKind) cell->kind)
      {
      case CUPEL_CELL_INT64:     kind = CUPEL_SQL_INT64; break;
      case CUPEL_CELL_UINT64:
      case CUPEL_CELL_DECIMAL:   kind = CUPEL_SQL_NUMERIC; break;
      case CUPEL_CELL_DOUBLE:    kind = CUPEL_SQL_DOUBLE; break;
      case CUPEL_CELL_DATE:      kind = CUPEL_SQL_DATE; break;
      case CUPEL_CELL_TIME:      kind = CUPEL_SQL_TIME; break;
      case CUPEL_CELL_DATETIME:  kind = CUPEL_SQL_DATETIME; break;
      case CUPEL_CELL_TIMESTAMP: kind = CUPEL_SQL_TIMESTAMP; break;
      case CUPEL_CELL_UUID:      kind = CUPEL_SQL_UUID; break;
      default:                   break;
      }

  switch (kind)
    {
    case CUPEL_SQL_BOOLEAN:   return "::boolean";
    case CUPEL_SQL_INT16:     return "::int2";
    case CUPEL_SQL_INT32:     return "::int4";
    case CUPEL_SQL_INT64:     return "::int8";
    case CUPEL_SQL_FLOAT:     return "::float4";
    case CUPEL_SQL_DOUBLE:    return "::float8";
    case CUPEL_SQL_NUMERIC:   return "::numeric";
    case CUPEL_SQL_BYTES:     return "::bytea";
    case CUPEL_SQL_DATE:      return "::date";
    case CUPEL_SQL_TIME:      return "::time";
    case CUPEL_SQL_DATETIME:  return "::timestamp";
    case CUPEL_SQL_TIMESTAMP: return "::timestamptz";
    case CUPEL_SQL_UUID:      return "::uuid";
    case CUPEL_SQL_JSON:      return "::jsonb";
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    default:                  return "";
    }
}

/* libdbi's driver quotes with PQescapeString (), which works by the settings of whatever connection of the process spoke last. In the
 * E form a backslash means the same on every server, and in UTF-8 no byte of a character looks like a quote. */
static void
append_escape_string (GString    *sql,
                      const char *text,
                      gsize       length)
{
  g_string_append (sql, " E'");
  for (gsize i = 0; i < length; i++)
    {
      if (text[i] == '\'' || text[i] == '\\')
        g_string_append_c (sql, text[i]);
      g_string_append_c (sql, text[i]);
    }
  g_string_append_c (sql, '\'');
}

gboolean
cupel_dbi_pgsql_literal (CupelDbiLink        *link,
                         GString             *sql,
                         const CupelCell     *cell,
                         const CupelSqlType  *type,
                         GError             **error)
{
  char buffer[64];

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      g_string_append (sql, " NULL");
      return TRUE;

    case CUPEL_CELL_BOOLEAN:
      g_string_append (sql, cell->v.i64 != 0 ? " TRUE" : " FALSE");
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      if (isfinite (cell->v.f64))
        g_ascii_formatd (buffer, sizeof buffer, cupel_sql_type_get_kind (type) == CUPEL_SQL_FLOAT ? "%.9g" : "%.17g", cell->v.f64);
      else
        g_strlcpy (buffer, isnan (cell->v.f64) ? "NaN" : cell->v.f64 > 0 ? "Infinity" : "-Infinity", sizeof buffer);
      if (cupel_sql_type_get_kind (type) == CUPEL_SQL_NUMERIC && isfinite (cell->v.f64))
        {
          /* 0.1 is a tenth where decimals are counted */
          g_ascii_formatd (buffer, sizeof buffer, "%.15g", cell->v.f64);
          if (g_ascii_strtod (buffer, NULL) != cell->v.f64)
            g_ascii_formatd (buffer, sizeof buffer, "%.17g", cell->v.f64);
        }
      g_string_append_printf (sql, " '%s'%s", buffer, pgsql_type (cell, type));
      return TRUE;

    case CUPEL_CELL_BYTES:
      g_string_append (sql, " '\\x");
      append_hex (sql, cell->v.bytes, cell->length);
      g_string_append (sql, "'::bytea");
      return TRUE;

    case CUPEL_CELL_UUID:
      if (cell->length != 16)
        return fail_length (error);
      cupel_dbi_format_uuid (cell->v.bytes, buffer);
      g_string_append_printf (sql, " '%s'%s", buffer, pgsql_type (cell, type));
      return TRUE;

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      if (!cupel_dbi_check_text (cell, error))
        return FALSE;
      append_escape_string (sql, cell->v.text, cell->length);
      g_string_append (sql, pgsql_type (cell, type));
      return TRUE;

    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      if (!format_plain (cell, buffer))
        break;
      g_string_append_printf (sql, " '%s%s'%s", buffer, cell->kind == CUPEL_CELL_TIMESTAMP ? "+00" : "", pgsql_type (cell, type));
      return TRUE;
    }

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value is of a kind (%u) that libdbi cannot send", cell->kind);
  return FALSE;
}

/* MySQL */

static gboolean
append_mysql_text (CupelDbiLink     *link,
                   GString          *sql,
                   const CupelCell  *cell,
                   GError          **error)
{
  g_autofree char *text = NULL;
  char *quoted = NULL;
  gsize length;

  if (!cupel_dbi_check_text (cell, error))
    return FALSE;
  /* It asks the connection what a backslash means and which character set it has. */
  text = g_strndup (cell->v.text, cell->length);
  length = dbi_conn_quote_string_copy (link->conn, text, &quoted);
  if (quoted == NULL || length < 2 || length > 2 * (gsize) cell->length + 2)
    {
      free (quoted);
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "libdbi could not quote a text value");
      return FALSE;
    }
  g_string_append_c (sql, ' ');
  g_string_append_len (sql, quoted, (gssize) length);
  free (quoted);
  return TRUE;
}

static gboolean
append_mysql_number (GString     *sql,
                     const char  *digits,
                     gsize        length)
{
  /* "--1" would be a comment. */
  g_string_append (sql, digits[0] == '-' ? " (" : " ");
  g_string_append_len (sql, digits, (gssize) length);
  g_string_append (sql, digits[0] == '-' ? ")" : "");
  return TRUE;
}

gboolean
cupel_dbi_mysql_literal (CupelDbiLink        *link,
                         GString             *sql,
                         const CupelCell     *cell,
                         const CupelSqlType  *type,
                         GError             **error)
{
  char buffer[64];

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      g_string_append (sql, " NULL");
      return TRUE;

    case CUPEL_CELL_BOOLEAN:
      g_string_append (sql, cell->v.i64 != 0 ? " TRUE" : " FALSE");
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      if (!isfinite (cell->v.f64))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "MySQL cannot store a number that is not finite");
          return FALSE;
        }
      g_ascii_formatd (buffer, sizeof buffer, "%.17g", cell->v.f64);
      /* Without an exponent it would be a decimal. */
      if (strchr (buffer, 'e') == NULL)
        g_strlcat (buffer, "e0", sizeof buffer);
      return append_mysql_number (sql, buffer, strlen (buffer));

    case CUPEL_CELL_DECIMAL:
      if (!is_plain_decimal (cell))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "MySQL has no such decimal: it takes a sign, digits and a point");
          return FALSE;
        }
      return append_mysql_number (sql, cell->v.text, cell->length);

    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
      format_plain (cell, buffer);
      return append_mysql_number (sql, buffer, strlen (buffer));

    case CUPEL_CELL_BYTES:
      g_string_append (sql, " X'");
      append_hex (sql, cell->v.bytes, cell->length);
      g_string_append_c (sql, '\'');
      return TRUE;

    case CUPEL_CELL_UUID:
      if (cell->length != 16)
        return fail_length (error);
      cupel_dbi_format_uuid (cell->v.bytes, buffer);
      g_string_append_printf (sql, " '%s'", buffer);
      return TRUE;

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return append_mysql_text (link, sql, cell, error);

    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      if (!format_plain (cell, buffer))
        break;
      g_string_append_printf (sql, " %s'%s'", cell->kind == CUPEL_CELL_DATE ? "DATE" : cell->kind == CUPEL_CELL_TIME ? "TIME" : "TIMESTAMP",
                              buffer);
      return TRUE;
    }

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value is of a kind (%u) that libdbi cannot send", cell->kind);
  return FALSE;
}

/* The statement, between the bytes @start and @end of its text, which hold all its slots. */
static gboolean
append_set (CupelDbiLink        *link,
            GString             *sql,
            const CupelRequest  *request,
            guint                set,
            gsize                start,
            gsize                end,
            GError             **error)
{
  const CupelCompiled *compiled = request->compiled;
  gsize done = start;

  for (guint i = 0; i < compiled->n_slots; i++)
    {
      const CupelSlot *slot = &compiled->slots[i];
      const CupelCell *cell = cupel_request_get_cell (request, set, i);

      if (!cupel_cell_is_within_years (cell, link->backend->first_year, link->backend->last_year))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                       "The value of parameter %u is a date that the server cannot be told by libdbi: the years are %d to %d", i + 1,
                       link->backend->first_year, link->backend->last_year);
          return FALSE;
        }
      g_string_append_len (sql, compiled->sql + done, (gssize) (slot->offset - done));
      if (!link->backend->literal (link, sql, cell, slot->type, error))
        {
          g_prefix_error (error, "Parameter %u: ", i + 1);
          return FALSE;
        }
      done = (gsize) slot->offset + slot->length;
    }
  g_string_append_len (sql, compiled->sql + done, (gssize) (end - done));
  return TRUE;
}

char *
cupel_dbi_render (CupelDbiLink        *link,
                  const CupelRequest  *request,
                  guint                set,
                  guint                n_sets,
                  GError             **error)
{
  const CupelCompiled *compiled = request->compiled;
  g_autoptr(GString) sql = g_string_sized_new (compiled->sql_length + 64);
  gsize start, end;

  if (n_sets <= 1)
    {
      if (!append_set (link, sql, request, set, 0, compiled->sql_length, error))
        return NULL;
      return g_string_free (g_steal_pointer (&sql), FALSE);
    }

  start = strlen (compiled->insert_prefix);
  end = compiled->sql_length - strlen (compiled->insert_suffix);
  g_string_append (sql, compiled->insert_prefix);
  for (guint i = 0; i < n_sets; i++)
    {
      if (i > 0)
        g_string_append (sql, ", ");
      if (!append_set (link, sql, request, set + i, start, end, error))
        return NULL;
    }
  g_string_append (sql, compiled->insert_suffix);
  return g_string_free (g_steal_pointer (&sql), FALSE);
}
