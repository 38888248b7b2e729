/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Small helpers around libpq. */

#include "raw-pg.h"

#include <string.h>

PGresult *
raw_must (PGresult *result)
{
  if (PQresultStatus (result) != PGRES_COMMAND_OK && PQresultStatus (result) != PGRES_TUPLES_OK)
    g_error ("%s", PQresultErrorMessage (result));
  return result;
}

void
raw_run (PGconn     *db,
         const char *sql)
{
  PQclear (raw_must (PQexec (db, sql)));
}

void
raw_prepare (PGconn     *db,
             const char *name,
             const char *sql)
{
  PQclear (raw_must (PQprepare (db, name, sql, 0, NULL)));
}

PGresult *
raw_execute (PGconn            *db,
             const char        *name,
             int                n,
             const char *const *values,
             const int         *lengths,
             const int         *formats)
{
  return raw_must (PQexecPrepared (db, name, n, values, lengths, formats, 1));
}

void
raw_forget (Raw *raw)
{
  raw_run (raw->db, "DEALLOCATE ALL");
}

/* Arrays in the binary format. */

void
raw_array_begin (GByteArray *array,
                 guint32     type,
                 guint32     n)
{
  guint32 header[5] = { GUINT32_TO_BE (1), 0, GUINT32_TO_BE (type), GUINT32_TO_BE (n), GUINT32_TO_BE (1) };

  g_byte_array_set_size (array, 0);
  g_byte_array_append (array, (const guint8 *) header, sizeof (header));
}

void
raw_array_add_int64 (GByteArray *array,
                     gint64      value)
{
  guint32 length = GUINT32_TO_BE (8);
  gint64 be = GINT64_TO_BE (value);

  g_byte_array_append (array, (const guint8 *) &length, sizeof (length));
  g_byte_array_append (array, (const guint8 *) &be, sizeof (be));
}

void
raw_array_add_text (GByteArray *array,
                    const char *text,
                    int         n)
{
  guint32 length = GUINT32_TO_BE ((guint32) n);

  g_byte_array_append (array, (const guint8 *) &length, sizeof (length));
  g_byte_array_append (array, (const guint8 *) text, (guint) n);
}
