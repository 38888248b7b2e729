/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-flight.h"

G_BEGIN_DECLS

/* The tag of steps that belong to no request: BEGIN and the like. */
#define CUPEL_PG_TAG_NONE G_MAXUINT

/* Where the results of a flight go. */
typedef struct
{
  const CupelRequest *requests;   /* by tag, when @by_tag; else the first one for every tag */
  CupelReply         *replies;
  gboolean            by_tag;
  gboolean            gather;     /* rows of many small results: copied into the last block */
} CupelPgGather;

gboolean cupel_pg_gather_take       (gpointer              gather,
                                     guint                 tag,
                                     PGresult             *result,
                                     GError              **error);
gint64   cupel_pg_result_get_count  (const PGresult       *result);

gboolean cupel_pg_wants_begin       (CupelPgConnection    *self,
                                     const CupelRequest   *request);
/* Within an operation, before @request, if that is not NULL: BEGIN if it is wanted, and what a transaction behind a pooler needs. */
gboolean cupel_pg_flight_add_begin  (CupelPgFlight        *flight,
                                     gboolean              wanted,
                                     const CupelRequest   *request);
/* The statement of @request with the parameters that are in conn->params. */
gboolean cupel_pg_flight_add_encoded (CupelPgFlight       *flight,
                                     guint                 tag,
                                     const CupelRequest   *request);
/* After each statement of a long flight: takes answers from time to time, so that libpq never holds much. @paced starts with 0. */
gboolean cupel_pg_flight_pace       (CupelPgFlight        *flight,
                                     gsize                *paced);
gboolean cupel_pg_execute_one       (CupelPgConnection    *self,
                                     const CupelRequest   *request,
                                     CupelReply           *reply,
                                     GError              **error);
/* Each with one set at most, in one round trip and one transaction. */
gboolean cupel_pg_execute_together  (CupelPgConnection    *self,
                                     const CupelRequest   *requests,
                                     CupelReply           *replies,
                                     guint                 n_requests,
                                     gboolean              wants_begin,
                                     GError              **error);
gboolean cupel_pg_execute_many      (CupelPgConnection    *self,
                                     const CupelRequest   *request,
                                     CupelReply           *reply,
                                     GError              **error);
/* Takes @failure; says that the transaction is to be run again when a cached statement was stale. */
void     cupel_pg_propagate_failure (CupelPgFlight        *flight,
                                     GError               *failure,
                                     GError              **error);
/* After a stale statement in a flight that began idle: back to where it began. */
gboolean cupel_pg_undo_flight       (CupelPgConnection    *self,
                                     GError              **error);

G_END_DECLS
