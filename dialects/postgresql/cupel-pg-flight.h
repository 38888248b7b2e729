/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-connection.h"

G_BEGIN_DECLS

/* What one statement gave. (transfer full) @result. */
typedef gboolean (*CupelPgTakeFunc) (gpointer    user_data,
                                     guint       tag,
                                     PGresult   *result,
                                     GError    **error);

/* Several statements in one round trip, within one operation of a connection. */
typedef struct
{
  CupelPgConnection *conn;
  CupelPgTakeFunc    take;
  gpointer           user_data;
  GError            *failure;     /* the first thing that went wrong */
  guint              failed_tag;
  gboolean           stale;       /* it was that a cached statement no longer fits */
  gboolean           synced;      /* nothing since the last sync */
} CupelPgFlight;

void     cupel_pg_flight_init          (CupelPgFlight      *flight,
                                        CupelPgConnection  *conn,
                                        CupelPgTakeFunc     take,
                                        gpointer            user_data);
/* All of these hand something to libpq and do not suspend; FALSE: the connection is lost, the failure says why. */
gboolean cupel_pg_flight_add_simple    (CupelPgFlight      *flight,
                                        CupelPgStepKind     kind,
                                        guint               tag,
                                        const char         *sql);
/* What the server need not parse each time */
gboolean cupel_pg_flight_add_command   (CupelPgFlight      *flight,
                                        CupelPgStepKind     kind,
                                        guint               tag,
                                        CupelPgCommand      command);
/* With the parameters that are in conn->params. @id: 0: do not keep it prepared */
gboolean cupel_pg_flight_add_statement (CupelPgFlight      *flight,
                                        guint               tag,
                                        guint64             id,
                                        CupelPgForm         form,
                                        const char         *sql);
gboolean cupel_pg_flight_add_statement_func (CupelPgFlight *flight,
                                        guint               tag,
                                        guint64             id,
                                        CupelPgForm         form,
                                        char             *(*make_sql) (gpointer data),
                                        gpointer            data);
gboolean cupel_pg_flight_add_evicted   (CupelPgFlight      *flight);
gboolean cupel_pg_flight_sync          (CupelPgFlight      *flight);
/* Asks for the answers so far without ending what an implicit transaction spans. */
gboolean cupel_pg_flight_nudge         (CupelPgFlight      *flight);
/* Sends and takes all that was added. FALSE: there is a failure (the statements up to the next sync did not run), or the link is lost. */
gboolean cupel_pg_flight_collect       (CupelPgFlight      *flight);
/* Ends it: a last sync if there is something after the last one; hands the failure out. */
gboolean cupel_pg_flight_finish        (CupelPgFlight      *flight,
                                        GError            **error);

G_END_DECLS
