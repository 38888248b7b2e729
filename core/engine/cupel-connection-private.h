/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-connection.h"
#include "engine/cupel-driver-connection-private.h"
#include "engine/cupel-engine-private.h"
#include "engine/cupel-parameters-private.h"
#include "engine/cupel-result-private.h"

G_BEGIN_DECLS

/* How long clean-up may take: rolling back, closing a stream. */
#define CUPEL_CLEAN_UP_TIME (10 * G_USEC_PER_SEC)

/* Only cupel-connection*.c, the stream and the transaction look inside. */
struct _CupelConnection
{
  GObject                parent_instance;

  CupelEngine           *engine;
  CupelPool             *pool;
  CupelDriverConnection *driver;            /* NULL: closed */
  const char            *operation;         /* in flight, NULL: none */
  GPtrArray             *streams;           /* open ones, borrowed */
  GPtrArray             *orphans;           /* cursors to close; nullable */
  CupelIsolationLevel    isolation;         /* asked for; the driver may not have been told yet */
  CupelIsolationLevel    usual_isolation;   /* of the engine */
  CupelTransaction      *transaction;       /* the handle of the open one; NULL until somebody asks for it */
  GPtrArray             *nested;            /* (element-type CupelTransaction) within it, innermost last; nullable */
  struct _CupelScope    *scope;             /* the innermost block under way; nullable */
  CupelTransactionOptions options;          /* of the open transaction */
  guint                  n_savepoints;      /* made in it, for their names */
  guint                  attempt;           /* which try the transactions of this connection belong to; 0: none */
  gint64                 statement_timeout; /* microseconds, 0: none */
  const char            *abort_reason;      /* static, while aborted */
  CupelErrorCategory     abort_category;
  guint                  begun : 1;         /* a transaction, as the caller sees it; the server may hear of it with the next statement */
  guint                  aborted : 1;       /* the server ended it by itself, or may as well have: only rollback is left */
  guint                  has_options : 1;   /* options says something */
  guint                  invalidated : 1;
  guint                  lost : 1;          /* invalidated because the link is gone */
  guint                  cursors_used : 1;  /* the driver may still hold some: reset it although the server is idle */
  guint                  answered : 1;      /* the server has answered something, and */
  guint                  failed : 1;        /* something of what was asked failed, for whatever reason */
};

CupelConnection *cupel_connection_new (CupelEngine           *engine,
                                       CupelPool             *pool,
                                       CupelDriverConnection *driver_connection,   /* (transfer full) */
                                       CupelIsolationLevel    isolation);

/* The one operation slot. enter () fails with WRONG_CONTEXT, CLOSED, BUSY, and, unless @clean_up, with what an interrupted
 * operation left behind. Every leave () belongs to an enter () that returned TRUE. */
gboolean cupel_connection_enter       (CupelConnection    *self,
                                       const char         *operation,     /* static, without parentheses */
                                       gboolean            clean_up,
                                       GError            **error);
void     cupel_connection_leave       (CupelConnection    *self);
/* The claim of a CupelCall on a connection. */
const char **cupel_connection_claim   (gpointer            self,
                                       gpointer            args,
                                       const char         *operation,
                                       GObject           **owner,
                                       GError            **error);

/* For the layer above, in a fiber. The transaction begins by itself with the first request.
 *
 * @sets: (nullable): parameter sets, columns in the order of the binds, known to be valid; more than one row is a many execution.
 * @compiled: (out) (optional) (transfer none): valid as long as @statement. */
gboolean cupel_connection_run_request (CupelConnection      *self,
                                       CupelStatement       *statement,
                                       CupelRowBlock        *sets,
                                       CupelRequestFlags     flags,
                                       CupelReply           *reply,
                                       const CupelCompiled **compiled,
                                       GCancellable         *cancellable,
                                       GError              **error);

/* Takes a block of a result (transfer none). It may let others run, but not use the connection. */
typedef gboolean (*CupelTakeBlock) (CupelRowBlock  *block,
                                    gpointer        user_data,
                                    GError        **error);

/* One SELECT whose rows are given to @take as they come: what it does overlaps with reading on where the driver can do that. Nothing of
 * the result is left open, whatever happens. */
gboolean cupel_connection_run_select  (CupelConnection      *self,
                                       CupelStatement       *statement,
                                       CupelRowBlock        *sets,
                                       CupelTakeBlock        take,
                                       gpointer              user_data,
                                       GCancellable         *cancellable,
                                       GError              **error);

/* One statement of a batch. */
typedef struct
{
  CupelStatement *statement;   /* borrowed */
  CupelRowBlock  *sets;        /* borrowed, nullable */
  CupelReply      reply;       /* zeroed before; filled up to the first error; the caller clears it */
  CupelCompiled  *compiled;    /* (transfer none): set as soon as it is known; valid as long as @statement */
  CupelPrepared   prepared;    /* zeroed, or what the cache said of @statement */
  CupelTakeBlock  take;        /* nullable: the rows go there, and not into @reply */
  gpointer        take_data;
} CupelBatchItem;

/* Several in one flight where the driver has it; stops at the first error. */
gboolean cupel_connection_run_batch   (CupelConnection      *self,
                                       CupelBatchItem       *items,
                                       guint                 n_items,
                                       GCancellable         *cancellable,
                                       GError              **error);

/* Forms the parameter sets of an execution as the public calls do. @sets is NULL when there is nothing to bind. */
gboolean cupel_connection_bind        (CupelConnection      *self,
                                       CupelStatement       *statement,
                                       CupelParameters      *parameters,
                                       CupelRowBlock       **sets,
                                       GError              **error);

/* The parts of operations: between enter and leave. */
gboolean cupel_connection_close_orphans (CupelConnection    *self,
                                         GError            **error);
void     cupel_connection_note_begin    (CupelConnection    *self,
                                         gboolean            implicit);

gboolean cupel_connection_perform       (CupelConnection    *self,
                                         CupelBatchItem     *items,
                                         guint               n_items,
                                         CupelRequestFlags   flags,
                                         guint               block_rows,
                                         GCancellable       *cancellable,
                                         GError            **error);

/* For streams: they end before the transaction does. */
void     cupel_connection_add_stream    (CupelConnection    *self,
                                         CupelStream        *stream);
void     cupel_connection_remove_stream (CupelConnection    *self,
                                         CupelStream        *stream);
/* A cursor whose stream was dropped without closing: it is closed before the next operation. */
void     cupel_connection_adopt_cursor  (CupelConnection    *self,
                                         CupelDriverCursor  *cursor);     /* (transfer full) */
/* After a driver call that failed: finds out what state it left. */
void     cupel_connection_note_failure  (CupelConnection    *self,
                                         const GError       *error);
/* Before that, for a statement: what a server says for itself may be the program's own wish, a transaction that is read-only. */
void     cupel_connection_judge_failure (CupelConnection    *self,
                                         GError            **error);
/* The same for a statement: what became of the transaction, which was @before. */
void     cupel_connection_note_failed_statement (CupelConnection        *self,
                                                 CupelTransactionStatus  before,
                                                 const GError           *error);
/* After a driver call that succeeded: it may have committed by itself, as DDL does on some servers. */
void     cupel_connection_note_success  (CupelConnection        *self,
                                         CupelTransactionStatus  before);
/* Whether the server may be asked. *begin: a transaction has to be begun with it. */
gboolean cupel_connection_make_ready    (CupelConnection    *self,
                                         gboolean           *begin,
                                         GCancellable       *cancellable,
                                         GError            **error);
/* What was said of the transaction that is open holds no longer. */
void     cupel_connection_forget_options (CupelConnection   *self);
void     cupel_connection_note_end      (CupelConnection    *self,
                                         CupelEngineSignal   signal);
/* Ends them politely, before what they read in ends. */
void     cupel_connection_end_streams   (CupelConnection    *self);

G_END_DECLS
