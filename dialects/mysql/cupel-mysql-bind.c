/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From cells to the library's binds. What a bind points at is in buffers that live as long as the statement. */

#include "cupel-mysql-private.h"

#include <math.h>
#include <string.h>

#define USEC_PER_SEC_64 G_GINT64_CONSTANT (1000000)
#define USEC_PER_DAY    (24 * 60 * 60 * USEC_PER_SEC_64)

typedef struct _CupelMysqlSlotBuffer
{
  unsigned long length;
  char          indicator;     /* for array binding */
  union
  {
    gint8       tiny;
    gint64      i64;
    double      f64;
    MYSQL_TIME  time;
    char        uuid[40];
  } v;
} CupelMysqlSlotBuffer;

static void
cupel_mysql_civil (gint64  days,
                   int    *year,
                   guint  *month,
                   guint  *day)
{
  gint64 z = days + 719468;
  gint64 era = (z >= 0 ? z : z - 146096) / 146097;
  guint of_era = (guint) (z - era * 146097);
  guint year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  guint of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  guint mp = (5 * of_year + 2) / 153;

  *day = of_year - (153 * mp + 2) / 5 + 1;
  *month = mp < 10 ? mp + 3 : mp - 9;
  *year = (int) (year_of_era + era * 400) + (*month <= 2);
}

void
cupel_mysql_binds_init (CupelMysqlBinds *binds,
                        guint            n)
{
  binds->n = n;
  binds->binds = g_new0 (MYSQL_BIND, MAX (n, 1));
  binds->buffers = g_new0 (CupelMysqlSlotBuffer, MAX (n, 1));
}

void
cupel_mysql_binds_clear (CupelMysqlBinds *binds)
{
  g_clear_pointer (&binds->binds, g_free);
  g_clear_pointer (&binds->buffers, g_free);
  binds->n = 0;
}

enum enum_field_types
cupel_mysql_bind_type (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:      return MYSQL_TYPE_NULL;
    case CUPEL_CELL_BOOLEAN:   return MYSQL_TYPE_TINY;
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:    return MYSQL_TYPE_LONGLONG;
    case CUPEL_CELL_DOUBLE:    return MYSQL_TYPE_DOUBLE;
    case CUPEL_CELL_DECIMAL:   return MYSQL_TYPE_NEWDECIMAL;
    case CUPEL_CELL_BYTES:     return MYSQL_TYPE_BLOB;
    case CUPEL_CELL_DATE:      return MYSQL_TYPE_DATE;
    case CUPEL_CELL_TIME:      return MYSQL_TYPE_TIME;
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP: return MYSQL_TYPE_DATETIME;
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:                   return MYSQL_TYPE_STRING;
    }
}

/* About what the value takes on the wire. */
gsize
cupel_mysql_bind_size (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return cell->length + 9;
    case CUPEL_CELL_UUID:
      return 37;
    default:
      return 13;
    }
}

static gboolean
cupel_mysql_set_date (MYSQL_TIME  *time,
                      gint64       days,
                      guint        nth,
                      GError     **error)
{
  int year;

  /* 0000-01-01 to 9999-12-31 */
  if (days < -719528 || days > 2932896)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                   "The value of parameter %u is a date that MySQL cannot keep: its years are 0 to 9999", nth + 1);
      return FALSE;
    }
  cupel_mysql_civil (days, &year, &time->month, &time->day);
  time->year = (unsigned int) year;
  return TRUE;
}

static void
cupel_mysql_set_time (MYSQL_TIME *time,
                      gint64      micros)
{
  time->second_part = (unsigned long) (micros % USEC_PER_SEC_64);
  micros /= USEC_PER_SEC_64;
  time->second = (unsigned int) (micros % 60);
  time->minute = (unsigned int) (micros / 60 % 60);
  time->hour = (unsigned int) (micros / 3600);
}

static gboolean
cupel_mysql_bind_time (MYSQL_BIND            *bind,
                       CupelMysqlSlotBuffer  *buffer,
                       const CupelCell       *cell,
                       guint                  nth,
                       GError               **error)
{
  MYSQL_TIME *time = &buffer->v.time;
  gint64 value = cell->v.i64;
  gint64 days;

  memset (time, 0, sizeof *time);
  bind->buffer = time;

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_DATE:
      time->time_type = MYSQL_TIMESTAMP_DATE;
      return cupel_mysql_set_date (time, value, nth, error);

    case CUPEL_CELL_TIME:
      if (value < 0 || value >= USEC_PER_DAY)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of parameter %u is no time of a day", nth + 1);
          return FALSE;
        }
      time->time_type = MYSQL_TIMESTAMP_TIME;
      cupel_mysql_set_time (time, value);
      return TRUE;

    default:
      days = value / USEC_PER_DAY - (value % USEC_PER_DAY < 0 ? 1 : 0);
      time->time_type = MYSQL_TIMESTAMP_DATETIME;
      cupel_mysql_set_time (time, value - days * USEC_PER_DAY);
      return cupel_mysql_set_date (time, days, nth, error);
    }
}

gboolean
cupel_mysql_binds_set (CupelMysqlBinds     *binds,
                       guint                nth,
                       const CupelSqlType  *type,
                       const CupelCell     *cell,
                       GError             **error)
{
  MYSQL_BIND *bind = &binds->binds[nth];
  CupelMysqlSlotBuffer *buffer = &binds->buffers[nth];

  bind->buffer_type = cupel_mysql_bind_type (cell);
  bind->is_unsigned = FALSE;
  bind->is_null = NULL;
  bind->length = &buffer->length;
  cupel_mysql_client_mark_null (bind, &buffer->indicator, cell->kind == CUPEL_CELL_NULL);

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      bind->buffer = NULL;
      return TRUE;

    case CUPEL_CELL_BOOLEAN:
      buffer->v.tiny = cell->v.i64 != 0;
      bind->buffer = &buffer->v;
      return TRUE;

    case CUPEL_CELL_UINT64:
      bind->is_unsigned = TRUE;
      G_GNUC_FALLTHROUGH;
    case CUPEL_CELL_INT64:
      buffer->v.i64 = cell->v.i64;
      bind->buffer = &buffer->v;
      return TRUE;

    case CUPEL_CELL_DOUBLE:
      if (!isfinite (cell->v.f64))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "MySQL has neither infinity nor NaN");
          return FALSE;
        }
      buffer->v.f64 = cell->v.f64;
      bind->buffer = &buffer->v;
      return TRUE;

    case CUPEL_CELL_DECIMAL:
      if (cell->length == 0 || !(g_ascii_isdigit (cell->v.text[0]) || strchr ("+-.", cell->v.text[0]) != NULL))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "MySQL has neither infinity nor NaN");
          return FALSE;
        }
      break;

    case CUPEL_CELL_UUID:
      {
        const guint8 *b = cell->v.bytes;

        buffer->length = (unsigned long) g_snprintf (
          buffer->v.uuid, sizeof buffer->v.uuid,
          "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
          b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
        bind->buffer = buffer->v.uuid;
        bind->buffer_length = buffer->length;
        return TRUE;
      }

    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      return cupel_mysql_bind_time (bind, buffer, cell, nth, error);

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      break;
    }

  /* An empty value still needs an address: NULL means SQL NULL to the library. */
  buffer->length = cell->length;
  bind->buffer = cell->length > 0 ? (void *) cell->v.text : (void *) "";
  bind->buffer_length = cell->length;
  return TRUE;
}
