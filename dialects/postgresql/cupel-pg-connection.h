/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-cancel.h"
#include "cupel-pg-encode.h"
#include "cupel-pg-statements.h"
#include "cupel-pg-traces.h"

G_BEGIN_DECLS

#define CUPEL_PG_TYPE_CONNECTION (cupel_pg_connection_get_type ())
G_DECLARE_FINAL_TYPE (CupelPgConnection, cupel_pg_connection, CUPEL_PG, CONNECTION, CupelDriverConnection)

/* What was handed to libpq and is not answered yet. */
typedef enum
{
  CUPEL_PG_STEP_PREPARE,
  CUPEL_PG_STEP_EXECUTE,
  CUPEL_PG_STEP_QUIET,    /* its failure and its rows matter to nobody */
  CUPEL_PG_STEP_ROLLBACK_AHEAD,
  CUPEL_PG_STEP_SYNC,
} CupelPgStepKind;

typedef struct
{
  CupelPgStepKind   kind;
  gboolean          cached;      /* ran a statement that was prepared earlier */
  CupelPgCommand    command;     /* that is none of the cache's */
  guint             tag;         /* of the caller */
  CupelPgStatement *statement;   /* owned, nullable */
} CupelPgStep;

typedef struct _CupelPgCursor CupelPgCursor;

struct _CupelPgConnection
{
  CupelDriverConnection  parent_instance;

  PGconn                *conn;        /* NULL once it is over */
  CupelIoWatch          *watch;
  char                  *where;       /* for messages */
  CupelIsolationLevel    isolation;
  gboolean               has_next;    /* the next transaction begins in its own way */
  CupelTransactionOptions next;
  char                   begin[96];

  gboolean               busy;        /* a vfunc is under way */
  gboolean               in_flight;   /* bytes may have left that were not answered by ReadyForQuery */
  gboolean               broken;      /* nothing but ending it is left */

  /* of the operation under way */
  GCancellable          *cancellable;
  gint64                 deadline;
  gint64                 grace_end;   /* clean-up: until when a stopped statement may answer; 0: the usual time */
  GError                *stopped;     /* why a cancel request was sent */
  CupelPgCancel         *cancel;      /* that request */
  GArray                *steps;       /* CupelPgStep */
  guint                  first_step;

  CupelPgStatements     *statements;
  CupelPgParams          params;
  guint                  cursor_serial;
  guint                  transaction_serial;   /* moves on whenever the connection is idle */
  guint                  rollback_serial;      /* moves on with each ROLLBACK, of which one may have been to a savepoint */
  guint                  n_hold_cursors;
  gboolean               pooler;               /* the next transaction may be on another session */
  char                  *local_settings;       /* what each transaction begins with then; NULL: nothing */
  gboolean               has_search_path;      /* among them: no statement may do without */
  guint                  traces;               /* CupelPgTraces: what is in the session since the last reset */

  /* The two things that may be in flight while nothing is busy; never both. */
  gboolean               rolling_back;         /* the answer to a ROLLBACK; the first steps are for it */
  /* A block of a stream that was asked for and not yet taken. */
  gboolean               ahead;
  CupelTransactionStatus ahead_status;         /* when it was asked for */
  CupelPgCursor         *ahead_cursor;         /* NULL: nobody wants it any more */
};

CupelPgConnection *cupel_pg_connection_new (PGconn       *conn,      /* (transfer full), connected */
                                            const char   *where,
                                            guint         statement_cache_size);
/* There is a pooler in between: what would need a session is refused, and settings go with each transaction. Before it is settled. */
void               cupel_pg_connection_use_pooler (CupelPgConnection *self,
                                            const char           *search_path);
/* DateStyle, time zone and encoding, where the server did not take them at connect. */
gboolean cupel_pg_connection_settle        (CupelPgConnection    *self,
                                            gint64                deadline,
                                            GCancellable         *cancellable,
                                            GError              **error);
/* With a pooler: FALSE for a statement that would leave something in a session. */
gboolean           cupel_pg_connection_allows (CupelPgConnection *self,
                                            const CupelRequest   *request,
                                            GError              **error);
/* One statement without parameters and rows. @commits: losing the link leaves the outcome open. */
gboolean cupel_pg_connection_run_simple    (CupelPgConnection    *self,
                                            const char           *name,
                                            const char           *sql,
                                            gint64                deadline,
                                            GCancellable         *cancellable,
                                            GError              **error);
/* NULL: no transaction is to be begun. */
const char *cupel_pg_connection_get_begin  (CupelPgConnection    *self);
CupelTransactionStatus cupel_pg_connection_status (CupelPgConnection *self);

/* cupel-pg-link.c: the wire and one operation at a time. Begins with taking the block that is ahead, if there is one. */
gboolean   cupel_pg_link_begin             (CupelPgConnection    *self,
                                            const char           *name,
                                            gint64                deadline,
                                            GCancellable         *cancellable,
                                            GError              **error);
/* What is ahead is given some time, then it is stopped: for clean-up, to which its outcome does not matter. @goes_on: the transaction
 * does, and would fail by that. */
void       cupel_pg_link_drop_ahead        (CupelPgConnection    *self,
                                            gint64                deadline,
                                            gboolean              goes_on);
/* Ends the operation: when it was cancelled, the connection is made sure of or given up. @ok: the outcome so far. */
gboolean   cupel_pg_link_end               (CupelPgConnection    *self,
                                            gboolean              ok,
                                            GError              **error);
gboolean   cupel_pg_link_flush             (CupelPgConnection    *self,
                                            GError              **error);
/* FALSE: the link is lost, @error says why. @result may be NULL: the end of one statement's results. */
gboolean   cupel_pg_link_get_result        (CupelPgConnection    *self,
                                            PGresult            **result,
                                            GError              **error);
void       cupel_pg_link_set_lost          (CupelPgConnection    *self,
                                            GError              **error);
gboolean   cupel_pg_link_is_alive          (CupelPgConnection    *self);
void       cupel_pg_link_terminate         (CupelPgConnection    *self);

G_END_DECLS
