/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-jobs.h"

#include <math.h>
#include <stdlib.h>

/* What one formatted value needs at most: cupel_format_datetime() asks for 40. */
#define SCRATCH_SIZE 40

static gboolean
bind_text (sqlite3_stmt *handle,
           int           position,
           const char   *text,
           gsize         length,
           gboolean      copy,
           int          *code)
{
  /* A length of 0 with a NULL pointer would bind NULL. */
  *code = sqlite3_bind_text64 (handle, position, text != NULL ? text : "", length,
                               copy ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8);
  return *code == SQLITE_OK;
}

/* A number for a column of exact decimals: with as many decimals as the column has, so that equal numbers are equal texts.
 * More decimals than that stay: nothing is lost here. */
static char *
pad_decimal (const char *text,
             gsize       length,
             guint       scale)
{
  const char *dot = memchr (text, '.', length);
  gsize decimals = dot != NULL ? length - (gsize) (dot - text) - 1 : 0;
  GString *padded;

  if (decimals >= scale || strspn (text, "+-.0123456789") != length)
    return NULL;

  padded = g_string_new_len (text, length);
  if (dot == NULL)
    g_string_append_c (padded, '.');
  for (; decimals < scale; decimals++)
    g_string_append_c (padded, '0');
  return g_string_free (padded, FALSE);
}

static gboolean
bind_decimal (sqlite3_stmt       *handle,
              int                 position,
              const char         *text,
              gsize               length,
              const CupelSqlType *type,
              gboolean            copy,
              int                *code)
{
  g_autofree char *padded = NULL;

  if (cupel_sql_type_get_kind (type) == CUPEL_SQL_NUMERIC && cupel_sql_type_get_precision (type) > 0)
    padded = pad_decimal (text, length, MIN (cupel_sql_type_get_scale (type), 100));
  if (padded != NULL)
    return bind_text (handle, position, padded, strlen (padded), TRUE, code);
  return bind_text (handle, position, text, length, copy, code);
}

static gboolean
bind_double (sqlite3_stmt        *handle,
             int                  position,
             double               value,
             const CupelSqlType  *type,
             int                 *code,
             GError             **error)
{
  if (isnan (value))
    {
      /* SQLite would make NULL of it and say nothing. */
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                   "The value of parameter %d is not a number: SQLite cannot store NaN", position);
      return FALSE;
    }
  if (cupel_sql_type_get_kind (type) == CUPEL_SQL_NUMERIC && isfinite (value))
    {
      char buffer[G_ASCII_DTOSTR_BUF_SIZE];

      g_ascii_formatd (buffer, sizeof buffer, "%.15g", value);
      if (g_ascii_strtod (buffer, NULL) != value)
        g_ascii_dtostr (buffer, sizeof buffer, value);
      if (strchr (buffer, 'e') == NULL)
        {
          bind_decimal (handle, position, buffer, strlen (buffer), type, TRUE, code);
          return TRUE;
        }
    }
  *code = sqlite3_bind_double (handle, position, value);
  return TRUE;
}

static gsize
format_uuid (const guint8 *bytes,
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
  return (gsize) (p - buffer);
}

/* Dates are texts there: others would neither sort nor be known for dates. */
static gboolean
check_years (const CupelCell  *cell,
             int               position,
             GError          **error)
{
  if (G_LIKELY (cupel_cell_is_within_years (cell, 1, 9999)))
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of parameter %d is a date that SQLite cannot keep: its years are 1 to 9999",
               position);
  return FALSE;
}

static gboolean
bind_cell (sqlite3_stmt        *handle,
           int                  position,
           const CupelCell     *cell,
           const CupelSqlType  *type,
           char                *scratch,
           gboolean             copy,
           int                 *code,
           GError             **error)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      *code = sqlite3_bind_null (handle, position);
      return TRUE;

    case CUPEL_CELL_UINT64:
      if (cell->v.u64 > G_MAXINT64)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                       "The value of parameter %d is above 9223372036854775807, the largest integer of SQLite", position);
          return FALSE;
        }
      G_GNUC_FALLTHROUGH;
    case CUPEL_CELL_INT64:
      if (cupel_sql_type_get_kind (type) == CUPEL_SQL_NUMERIC)
        {
          int length = g_snprintf (scratch, SCRATCH_SIZE, "%" G_GINT64_FORMAT, cell->v.i64);

          bind_decimal (handle, position, scratch, length, type, copy, code);
          return TRUE;
        }
      *code = sqlite3_bind_int64 (handle, position, cell->v.i64);
      return TRUE;

    case CUPEL_CELL_BOOLEAN:
      *code = sqlite3_bind_int (handle, position, cell->v.i64 != 0);
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      return bind_double (handle, position, cell->v.f64, type, code, error);

    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      bind_text (handle, position, cell->v.text, cell->length, FALSE, code);
      return TRUE;

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
      bind_decimal (handle, position, cell->v.text, cell->length, type, FALSE, code);
      return TRUE;

    case CUPEL_CELL_BYTES:
      *code = sqlite3_bind_blob64 (handle, position, cell->length > 0 ? (gconstpointer) cell->v.bytes : "", cell->length,
                                   SQLITE_STATIC);
      return TRUE;

    case CUPEL_CELL_DATE:
      if (!check_years (cell, position, error))
        return FALSE;
      bind_text (handle, position, scratch, cupel_format_date (cell->v.i64, scratch), copy, code);
      return TRUE;

    case CUPEL_CELL_TIME:
      bind_text (handle, position, scratch, cupel_format_time (cell->v.i64, scratch), copy, code);
      return TRUE;

    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      if (!check_years (cell, position, error))
        return FALSE;
      bind_text (handle, position, scratch, cupel_format_datetime (cell->v.i64, scratch), copy, code);
      return TRUE;

    case CUPEL_CELL_UUID:
      if (cell->length != 16)
        break;
      bind_text (handle, position, scratch, format_uuid (cell->v.bytes, scratch), copy, code);
      return TRUE;

    default:
      break;
    }

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of parameter %d is of a kind (%u) that SQLite cannot take",
               position, cell->kind);
  return FALSE;
}

/* Text and blobs are not copied: the job holds them until the handle is reset. What is formatted lives in the connection's
 * scratch until the next statement is bound, or is copied when @keeps is set (a stream outlives that). */
gboolean
cupel_sqlite_bind (CupelSqliteConnection  *connection,
                   CupelSqliteStatement   *statement,
                   const CupelRequest     *request,
                   guint                   set,
                   gboolean                keeps,
                   GError                **error)
{
  const CupelSlot *slots = request->compiled->slots;
  const gboolean *exact = statement->exact;
  sqlite3_stmt *handle = statement->handle;
  guint n_slots = request->compiled->n_slots;
  char *scratch;
  int code = SQLITE_OK;

  if (connection->scratch->len < n_slots * SCRATCH_SIZE)
    g_byte_array_set_size (connection->scratch, n_slots * SCRATCH_SIZE);
  scratch = (char *) connection->scratch->data;

  for (guint i = 0; i < n_slots; i++)
    {
      const CupelCell *cell = cupel_request_get_cell (request, set, i);

      if (cell->kind == CUPEL_CELL_TEXT && !exact[i])
        bind_text (handle, (int) i + 1, cell->v.text, cell->length, FALSE, &code);
      else if (cell->kind == CUPEL_CELL_INT64 && !exact[i])
        code = sqlite3_bind_int64 (handle, (int) i + 1, cell->v.i64);
      else if (!bind_cell (handle, (int) i + 1, cell, slots[i].type, scratch + i * SCRATCH_SIZE, keeps, &code, error))
        return FALSE;
      if (G_UNLIKELY (code != SQLITE_OK))
        return cupel_sqlite_connection_fail (connection, error);
    }
  return TRUE;
}
