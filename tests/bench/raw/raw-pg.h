/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <libpq-fe.h>
#include <string.h>

#include "raw.h"

G_BEGIN_DECLS

#define RAW_OID_INT8 20
#define RAW_OID_TEXT 25

typedef struct
{
  BenchServer  server;
  PGconn      *db;
} Raw;

extern const BenchCase raw_pg_suites[];

PGresult *raw_must            (PGresult          *result);
void      raw_run             (PGconn            *db,
                               const char        *sql);
void      raw_prepare         (PGconn            *db,
                               const char        *name,
                               const char        *sql);
PGresult *raw_execute         (PGconn            *db,
                               const char        *name,
                               int                n,
                               const char *const *values,
                               const int         *lengths,
                               const int         *formats);
void      raw_forget          (Raw               *raw);

/* Arrays in the binary format */
void      raw_array_begin     (GByteArray        *array,
                               guint32            type,
                               guint32            n);
void      raw_array_add_int64 (GByteArray        *array,
                               gint64             value);
void      raw_array_add_text  (GByteArray        *array,
                               const char        *text,
                               int                n);

static inline gint64
raw_get_int64 (const PGresult *result,
               int             row,
               int             column)
{
  gint64 value;

  memcpy (&value, PQgetvalue (result, row, column), sizeof (value));
  return GINT64_FROM_BE (value);
}

G_END_DECLS
