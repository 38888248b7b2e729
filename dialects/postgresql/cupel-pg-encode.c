/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-encode.h"

#include "cupel-pg-oid.h"

#include <math.h>
#include <string.h>

/* A field of PostgreSQL ends at 1 GiB. */
#define MAX_LENGTH 0x3fffffff

void
cupel_pg_params_set_size (CupelPgParams *params,
                          guint          n)
{
  params->n = n;
  if (n <= params->reserved)
    return;
  params->reserved = MAX (n, 16);
  params->types = g_renew (Oid, params->types, params->reserved);
  params->values = g_renew (const char *, params->values, params->reserved);
  params->lengths = g_renew (int, params->lengths, params->reserved);
  params->formats = g_renew (int, params->formats, params->reserved);
  params->scratch = g_realloc_n (params->scratch, params->reserved, sizeof *params->scratch);
}

void
cupel_pg_params_clear (CupelPgParams *params)
{
  g_free (params->types);
  g_free (params->values);
  g_free (params->lengths);
  g_free (params->formats);
  g_free (params->scratch);
  memset (params, 0, sizeof *params);
}

static const struct
{
  const char *name;
  Oid         oid;
  Oid         array_oid;
} kinds[] = {
  [CUPEL_SQL_NULL]      = { "unknown", 0, 0 },
  [CUPEL_SQL_BOOLEAN]   = { "boolean", PG_OID_BOOL, 1000 },
  [CUPEL_SQL_INT16]     = { "smallint", PG_OID_INT2, 1005 },
  [CUPEL_SQL_INT32]     = { "integer", PG_OID_INT4, 1007 },
  [CUPEL_SQL_INT64]     = { "bigint", PG_OID_INT8, 1016 },
  [CUPEL_SQL_FLOAT]     = { "real", PG_OID_FLOAT4, 1021 },
  [CUPEL_SQL_DOUBLE]    = { "double precision", PG_OID_FLOAT8, 1022 },
  [CUPEL_SQL_NUMERIC]   = { "numeric", PG_OID_NUMERIC, 1231 },
  [CUPEL_SQL_STRING]    = { "text", PG_OID_TEXT, 1009 },
  [CUPEL_SQL_TEXT]      = { "text", PG_OID_TEXT, 1009 },
  [CUPEL_SQL_BYTES]     = { "bytea", PG_OID_BYTEA, 1001 },
  [CUPEL_SQL_DATE]      = { "date", PG_OID_DATE, 1182 },
  [CUPEL_SQL_TIME]      = { "time", PG_OID_TIME, 1183 },
  [CUPEL_SQL_DATETIME]  = { "timestamp", PG_OID_TIMESTAMP, 1115 },
  [CUPEL_SQL_TIMESTAMP] = { "timestamptz", PG_OID_TIMESTAMPTZ, 1185 },
  [CUPEL_SQL_UUID]      = { "uuid", PG_OID_UUID, 2951 },
  [CUPEL_SQL_JSON]      = { "jsonb", PG_OID_JSONB, 3807 },
};

/* What a value is sent as when the statement does not say what it is for. */
static CupelSqlKind
kind_of_cell (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:   return CUPEL_SQL_BOOLEAN;
    case CUPEL_CELL_INT64:     return CUPEL_SQL_INT64;
    case CUPEL_CELL_UINT64:    return CUPEL_SQL_NUMERIC;
    case CUPEL_CELL_DOUBLE:    return CUPEL_SQL_DOUBLE;
    case CUPEL_CELL_BYTES:     return CUPEL_SQL_BYTES;
    case CUPEL_CELL_DECIMAL:   return CUPEL_SQL_NUMERIC;
    case CUPEL_CELL_DATE:      return CUPEL_SQL_DATE;
    case CUPEL_CELL_TIME:      return CUPEL_SQL_TIME;
    case CUPEL_CELL_DATETIME:  return CUPEL_SQL_DATETIME;
    case CUPEL_CELL_TIMESTAMP: return CUPEL_SQL_TIMESTAMP;
    case CUPEL_CELL_UUID:      return CUPEL_SQL_UUID;
    case CUPEL_CELL_NULL:
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:                   return CUPEL_SQL_NULL;
    }
}

Oid
cupel_pg_oid_for_slot (CupelSqlKind     kind,
                       const CupelCell *cell)
{
  return kinds[kind != CUPEL_SQL_NULL ? kind : kind_of_cell (cell)].oid;
}

static inline void
put16 (char    *to,
       guint16  value)
{
  value = GUINT16_TO_BE (value);
  memcpy (to, &value, 2);
}

static inline void
put32 (char    *to,
       guint32  value)
{
  value = GUINT32_TO_BE (value);
  memcpy (to, &value, 4);
}

static inline void
put64 (char    *to,
       guint64  value)
{
  value = GUINT64_TO_BE (value);
  memcpy (to, &value, 8);
}

static gboolean
misfit (guint         slot,
        CupelSqlKind  kind,
        const char   *why,
        GError      **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "Parameter %u: the value %s for the type %s",
               slot + 1, why, kinds[kind].name);
  return FALSE;
}

static inline gboolean
in_scratch (CupelPgParams *params,
            guint          slot,
            int            length,
            int            format)
{
  params->values[slot] = params->scratch[slot];
  params->lengths[slot] = length;
  params->formats[slot] = format;
  return TRUE;
}

/* The server reads it as it reads a quoted literal, and checks it. */
static gboolean
as_text (CupelPgParams   *params,
         guint            slot,
         CupelSqlKind     kind,
         const CupelCell *cell,
         GError         **error)
{
  if (cell->length > MAX_LENGTH)
    return misfit (slot, kind, "is longer than 1 GiB", error);
  if (memchr (cell->v.text, '\0', cell->length) != NULL)
    return misfit (slot, kind, "contains U+0000, which PostgreSQL does not store,", error);
  params->values[slot] = cell->v.text;
  params->lengths[slot] = (int) cell->length;
  params->formats[slot] = 0;
  return TRUE;
}

static gboolean
as_bytes (CupelPgParams   *params,
          guint            slot,
          CupelSqlKind     kind,
          const CupelCell *cell,
          GError         **error)
{
  if (cell->length > MAX_LENGTH)
    return misfit (slot, kind, "is longer than 1 GiB", error);
  params->values[slot] = cell->length > 0 ? cell->v.text : "";
  params->lengths[slot] = (int) cell->length;
  params->formats[slot] = 1;
  return TRUE;
}

static int
format_double (char   *buffer,
               double  value)
{
  if (isnan (value))
    strcpy (buffer, "NaN");
  else if (isinf (value))
    strcpy (buffer, value > 0 ? "Infinity" : "-Infinity");
  else
    {
      g_ascii_formatd (buffer, 64, "%.15g", value);
      if (g_ascii_strtod (buffer, NULL) != value)
        g_ascii_formatd (buffer, 64, "%.17g", value);
    }
  return (int) strlen (buffer);
}

static int
format_uuid (char         *buffer,
             const guint8 *b)
{
  return g_snprintf (buffer, 64, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                     b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
                     b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

/* Before that the server says BC, and counts backwards. */
static gboolean
is_ad (const CupelCell *cell)
{
  return cupel_cell_is_within_years (cell, 1, G_MAXINT32);
}

/* Any scalar as the text that the server would print; 0: it has none. */
static int
format_cell (char            *buffer,
             const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:   return g_snprintf (buffer, 64, "%s", cell->v.i64 ? "true" : "false");
    case CUPEL_CELL_INT64:     return g_snprintf (buffer, 64, "%" G_GINT64_FORMAT, cell->v.i64);
    case CUPEL_CELL_UINT64:    return g_snprintf (buffer, 64, "%" G_GUINT64_FORMAT, cell->v.u64);
    case CUPEL_CELL_DOUBLE:    return format_double (buffer, cell->v.f64);
    case CUPEL_CELL_DATE:      return is_ad (cell) ? (int) cupel_format_date (cell->v.i64, buffer) : 0;
    case CUPEL_CELL_TIME:      return (int) cupel_format_time (cell->v.i64, buffer);
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP: return is_ad (cell) ? (int) cupel_format_datetime (cell->v.i64, buffer) : 0;
    case CUPEL_CELL_UUID:      return cell->length == 16 ? format_uuid (buffer, cell->v.bytes) : 0;
    case CUPEL_CELL_NULL:
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:                   return 0;
    }
}

static inline gboolean
is_text (const CupelCell *cell)
{
  return cell->kind == CUPEL_CELL_TEXT || cell->kind == CUPEL_CELL_DECIMAL || cell->kind == CUPEL_CELL_JSON ||
         cell->kind == CUPEL_CELL_OTHER;
}

/* The integer in a cell. */
static gboolean
get_integer (const CupelCell *cell,
             gint64          *value,
             const char     **why)
{
  *why = "is out of range";
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
      *value = cell->v.i64;
      return TRUE;
    case CUPEL_CELL_UINT64:
      *value = (gint64) cell->v.u64;
      return cell->v.u64 <= G_MAXINT64;
    case CUPEL_CELL_DOUBLE:
      if (!(cell->v.f64 >= -9223372036854775808.0 && cell->v.f64 < 9223372036854775808.0))
        return FALSE;
      *value = (gint64) cell->v.f64;
      *why = "has a fraction";
      return (double) *value == cell->v.f64;
    default:
      *why = "does not fit";
      return FALSE;
    }
}

static gboolean
set_integer (CupelPgParams   *params,
             guint            slot,
             CupelSqlKind     kind,
             const CupelCell *cell,
             GError         **error)
{
  const char *why;
  gint64 value;

  if (!get_integer (cell, &value, &why))
    return misfit (slot, kind, why, error);
  switch (kind)
    {
    case CUPEL_SQL_INT16:
      if (value < G_MININT16 || value > G_MAXINT16)
        break;
      put16 (params->scratch[slot], (guint16) value);
      return in_scratch (params, slot, 2, 1);
    case CUPEL_SQL_INT32:
      if (value < G_MININT32 || value > G_MAXINT32)
        break;
      put32 (params->scratch[slot], (guint32) value);
      return in_scratch (params, slot, 4, 1);
    case CUPEL_SQL_BOOLEAN:
      if (value != 0 && value != 1)
        break;
      params->scratch[slot][0] = (char) value;
      return in_scratch (params, slot, 1, 1);
    default:
      put64 (params->scratch[slot], (guint64) value);
      return in_scratch (params, slot, 8, 1);
    }
  return misfit (slot, kind, "is out of range", error);
}

static gboolean
set_real (CupelPgParams   *params,
          guint            slot,
          CupelSqlKind     kind,
          const CupelCell *cell,
          GError         **error)
{
  union { double f64; guint64 u64; } d;
  union { float f32; guint32 u32; } f;

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DOUBLE:  d.f64 = cell->v.f64; break;
    case CUPEL_CELL_INT64:   d.f64 = (double) cell->v.i64; break;
    case CUPEL_CELL_UINT64:  d.f64 = (double) cell->v.u64; break;
    default:                 return misfit (slot, kind, "does not fit", error);
    }
  if (kind == CUPEL_SQL_DOUBLE)
    {
      put64 (params->scratch[slot], d.u64);
      return in_scratch (params, slot, 8, 1);
    }
  if (isfinite (d.f64) && fabs (d.f64) > G_MAXFLOAT)
    return misfit (slot, kind, "is out of range", error);
  f.f32 = (float) d.f64;
  put32 (params->scratch[slot], f.u32);
  return in_scratch (params, slot, 4, 1);
}

static gboolean
set_time (CupelPgParams   *params,
          guint            slot,
          CupelSqlKind     kind,
          const CupelCell *cell,
          GError         **error)
{
  gint64 value = cell->v.i64;

  switch (kind)
    {
    case CUPEL_SQL_DATE:
      if (cell->kind == CUPEL_CELL_DATETIME || cell->kind == CUPEL_CELL_TIMESTAMP)
        {
          if (value % G_GINT64_CONSTANT (86400000000) != 0)
            return misfit (slot, kind, "has a time of day", error);
          value /= G_GINT64_CONSTANT (86400000000);
        }
      else if (cell->kind != CUPEL_CELL_DATE)
        break;
      /* The ends are infinity. */
      if (value - PG_EPOCH_DAYS <= G_MININT32 || value >= G_MAXINT32)
        return misfit (slot, kind, "is out of range", error);
      put32 (params->scratch[slot], (guint32) (value - PG_EPOCH_DAYS));
      return in_scratch (params, slot, 4, 1);

    case CUPEL_SQL_TIME:
      if (cell->kind != CUPEL_CELL_TIME)
        break;
      if (value < 0 || value > G_GINT64_CONSTANT (86400000000))
        return misfit (slot, kind, "is out of range", error);
      put64 (params->scratch[slot], (guint64) value);
      return in_scratch (params, slot, 8, 1);

    default:
      /* The session's zone is UTC, so that a wall clock and an instant are the same number. */
      if (cell->kind == CUPEL_CELL_DATE)
        {
          if (value < -2500000 || value > 110000000)
            return misfit (slot, kind, "is out of range", error);
          value *= G_GINT64_CONSTANT (86400000000);
        }
      else if (cell->kind != CUPEL_CELL_DATETIME && cell->kind != CUPEL_CELL_TIMESTAMP)
        break;
      if (value < G_MININT64 + PG_EPOCH_USEC + 1)
        return misfit (slot, kind, "is out of range", error);
      put64 (params->scratch[slot], (guint64) (value - PG_EPOCH_USEC));
      return in_scratch (params, slot, 8, 1);
    }
  return misfit (slot, kind, "does not fit", error);
}

gboolean
cupel_pg_params_set_cell (CupelPgParams   *params,
                          guint            slot,
                          CupelSqlKind     kind,
                          const CupelCell *cell,
                          GError         **error)
{
  int length;

  if (cell->kind == CUPEL_CELL_NULL)
    {
      params->values[slot] = NULL;
      params->lengths[slot] = 0;
      params->formats[slot] = 1;
      return TRUE;
    }
  if (kind == CUPEL_SQL_NULL)
    kind = kind_of_cell (cell);

  switch (kind)
    {
    case CUPEL_SQL_BOOLEAN:
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      return is_text (cell) ? as_text (params, slot, kind, cell, error)
                            : set_integer (params, slot, kind, cell, error);
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      return is_text (cell) ? as_text (params, slot, kind, cell, error)
                            : set_real (params, slot, kind, cell, error);
    case CUPEL_SQL_DATE:
    case CUPEL_SQL_TIME:
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
      return is_text (cell) ? as_text (params, slot, kind, cell, error)
                            : set_time (params, slot, kind, cell, error);
    case CUPEL_SQL_UUID:
      if (cell->kind == CUPEL_CELL_UUID || cell->kind == CUPEL_CELL_BYTES)
        return cell->length == 16 ? as_bytes (params, slot, kind, cell, error)
                                  : misfit (slot, kind, "has not 16 bytes", error);
      if (is_text (cell))
        return as_text (params, slot, kind, cell, error);
      break;
    case CUPEL_SQL_BYTES:
      if (is_text (cell) || cell->kind == CUPEL_CELL_BYTES || cell->kind == CUPEL_CELL_UUID)
        return as_bytes (params, slot, kind, cell, error);
      break;
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
      /* In binary a text is its bytes, and its length is known. */
      if (is_text (cell))
        return as_bytes (params, slot, kind, cell, error);
      if ((length = format_cell (params->scratch[slot], cell)) > 0)
        return in_scratch (params, slot, length, 1);
      break;
    case CUPEL_SQL_NUMERIC:
      if (is_text (cell))
        return as_text (params, slot, kind, cell, error);
      if ((cell->kind == CUPEL_CELL_INT64 || cell->kind == CUPEL_CELL_UINT64 || cell->kind == CUPEL_CELL_DOUBLE) &&
          (length = format_cell (params->scratch[slot], cell)) > 0)
        return in_scratch (params, slot, length, 0);
      break;
    case CUPEL_SQL_JSON:
      if (is_text (cell))
        return as_text (params, slot, kind, cell, error);
      if ((cell->kind == CUPEL_CELL_INT64 || cell->kind == CUPEL_CELL_UINT64 || cell->kind == CUPEL_CELL_BOOLEAN ||
           (cell->kind == CUPEL_CELL_DOUBLE && isfinite (cell->v.f64))) &&
          (length = format_cell (params->scratch[slot], cell)) > 0)
        return in_scratch (params, slot, length, 0);
      break;
    case CUPEL_SQL_NULL:
    default:
      return as_text (params, slot, kind, cell, error);
    }
  return misfit (slot, kind, "does not fit", error);
}

gboolean
cupel_pg_params_set_request (CupelPgParams      *params,
                             const CupelRequest *request,
                             guint               set,
                             GError            **error)
{
  const CupelCompiled *compiled = request->compiled;
  guint64 total = 0;

  if (compiled->n_slots > 65535)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                   "The statement has %u parameters and PostgreSQL takes 65535: split it", compiled->n_slots);
      return FALSE;
    }

  cupel_pg_params_set_size (params, compiled->n_slots);
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      CupelSqlKind kind = cupel_sql_type_get_kind (compiled->slots[i].type);
      const CupelCell *cell = cupel_request_get_cell (request, set, i);

      params->types[i] = cupel_pg_oid_for_slot (kind, cell);
      if (!cupel_pg_params_set_cell (params, i, kind, cell, error))
        return FALSE;
      total += 8 + (guint64) params->lengths[i];
    }
  /* They travel in one message, and the server ends a connection that sends a longer one. */
  if (total > MAX_LENGTH - 4096)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                           "The values of the statement are together longer than 1 GiB, which is all that PostgreSQL takes at once");
      return FALSE;
    }
  return TRUE;
}

void
cupel_pg_buffer_clear (CupelPgBuffer *buffer)
{
  g_free (buffer->data);
  memset (buffer, 0, sizeof *buffer);
}

static char *
buffer_grow (CupelPgBuffer *buffer,
             gsize          more)
{
  char *at;

  if (buffer->length + more > buffer->reserved)
    {
      buffer->reserved = MAX (buffer->length + more, buffer->reserved + buffer->reserved / 2 + 256);
      buffer->data = g_realloc (buffer->data, buffer->reserved);
    }
  at = (char *) buffer->data + buffer->length;
  buffer->length += more;
  return at;
}

/* These travel as text and are cast on the server. */
static inline gboolean
travels_as_text (CupelSqlKind kind)
{
  return kind == CUPEL_SQL_NUMERIC || kind == CUPEL_SQL_JSON;
}

gboolean
cupel_pg_array_supports (CupelSqlKind kind)
{
  return kind != CUPEL_SQL_NULL;
}

Oid
cupel_pg_array_get_oid (CupelSqlKind kind)
{
  return kinds[travels_as_text (kind) ? CUPEL_SQL_TEXT : kind].array_oid;
}

const char *
cupel_pg_array_get_cast (CupelSqlKind  kind,
                         const char  **array_type)
{
  *array_type = kinds[travels_as_text (kind) ? CUPEL_SQL_TEXT : kind].name;
  return travels_as_text (kind) ? kinds[kind].name : NULL;
}

void
cupel_pg_array_start (CupelPgBuffer *buffer,
                      CupelSqlKind   kind,
                      guint          n_elements)
{
  char *head;

  buffer->length = 0;
  head = buffer_grow (buffer, 20);
  put32 (head, 1);               /* dimensions */
  put32 (head + 4, 1);           /* there may be NULLs */
  put32 (head + 8, kinds[travels_as_text (kind) ? CUPEL_SQL_TEXT : kind].oid);
  put32 (head + 12, n_elements);
  put32 (head + 16, 1);          /* the first index */
}

gboolean
cupel_pg_array_add (CupelPgBuffer   *buffer,
                    CupelPgParams   *params,
                    guint            number,
                    CupelSqlKind     kind,
                    const CupelCell *cell,
                    GError         **error)
{
  GError *local = NULL;
  char *at;

  if (!cupel_pg_params_set_cell (params, 0, kind, cell, &local))
    {
      g_clear_error (&local);
      cupel_pg_params_set_size (params, number + 1);     /* once more, for the right number in the message */
      return cupel_pg_params_set_cell (params, number, kind, cell, error);
    }
  if (params->values[0] == NULL)
    {
      put32 (buffer_grow (buffer, 4), (guint32) -1);
      return TRUE;
    }
  if (params->formats[0] == 0 && !travels_as_text (kind))
    return FALSE;
  at = buffer_grow (buffer, 4 + (gsize) params->lengths[0]);
  put32 (at, (guint32) params->lengths[0]);
  if (params->lengths[0] > 0)
    memcpy (at + 4, params->values[0], (gsize) params->lengths[0]);
  return TRUE;
}
