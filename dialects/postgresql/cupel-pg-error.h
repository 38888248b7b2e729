/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

typedef struct
{
  char       state[6];    /* five characters, or the two of a class */
  guint8     retryable;   /* running the whole unit again may help */
  guint8     disconnect;
  guint8     category;    /* CupelErrorCategory */
  CupelError code;
} CupelPgErrorClass;

const CupelPgErrorClass *cupel_pg_error_classify        (const char      *sqlstate);   /* never NULL */
const CupelPgErrorClass *cupel_pg_error_get_table       (gsize           *n_rows);
gboolean                 cupel_pg_error_is_fatal        (const PGresult  *result);
/* The server no longer knows a prepared statement, or its plan no longer fits. */
gboolean                 cupel_pg_error_is_stale        (const PGresult  *result);
GError                  *cupel_pg_error_new_from_result (const PGresult  *result);
/* For a driver that knows no more than this of what failed. */
GError                  *cupel_pg_error_new_from_state  (const char      *sqlstate,
                                                         const char      *message);
/* The SQLSTATE in what libpq says after a failed connect with PQERRORS_VERBOSE; @message becomes fit for people. */
gboolean                 cupel_pg_error_split_verbose   (char            *message,
                                                         char             sqlstate[6]);

G_END_DECLS
