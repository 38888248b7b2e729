/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* The parameters of one execution, as PQsendQueryPrepared () wants them. Kept and used again. */
typedef struct
{
  guint         n;
  guint         reserved;
  Oid          *types;
  const char  **values;
  int          *lengths;
  int          *formats;
  char        (*scratch)[64];    /* what does not fit in place: numbers, times */
} CupelPgParams;

/* A growing buffer for one parameter that is an array. */
typedef struct
{
  guint8 *data;
  gsize   length;
  gsize   reserved;
} CupelPgBuffer;

void     cupel_pg_params_set_size    (CupelPgParams        *params,
                                      guint                 n);
void     cupel_pg_params_clear       (CupelPgParams        *params);
/* The type that a slot is declared with; 0: the server finds out. */
Oid      cupel_pg_oid_for_slot       (CupelSqlKind          kind,
                                      const CupelCell      *cell);
gboolean cupel_pg_params_set_cell    (CupelPgParams        *params,
                                      guint                 slot,
                                      CupelSqlKind          kind,
                                      const CupelCell      *cell,
                                      GError              **error);
gboolean cupel_pg_params_set_request (CupelPgParams        *params,
                                      const CupelRequest   *request,
                                      guint                 set,
                                      GError              **error);

void     cupel_pg_buffer_clear       (CupelPgBuffer        *buffer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelPgBuffer, cupel_pg_buffer_clear)
/* One-dimensional arrays in binary, for INSERT .. SELECT unnest (..). */
gboolean cupel_pg_array_supports     (CupelSqlKind          kind);
const char *cupel_pg_array_get_cast  (CupelSqlKind          kind,
                                      const char          **array_type);   /* what the elements are cast to; NULL: nothing */
Oid      cupel_pg_array_get_oid      (CupelSqlKind          kind);
void     cupel_pg_array_start        (CupelPgBuffer        *buffer,
                                      CupelSqlKind          kind,
                                      guint                 n_elements);
/* FALSE without an error: not in the form that an array needs; the caller takes another way. */
gboolean cupel_pg_array_add          (CupelPgBuffer        *buffer,
                                      CupelPgParams        *params,        /* with a size of 1 at least */
                                      guint                 number,        /* of the parameter, from 0, for messages */
                                      CupelSqlKind          kind,
                                      const CupelCell      *cell,
                                      GError              **error);

G_END_DECLS
