/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-sqlite-connection-private.h"

G_BEGIN_DECLS

/* A statement under way on the worker. It holds all that it needs: the fiber that asked may have gone. */
typedef struct
{
  gatomicrefcount  ref_count;
  CupelRequest     request;     /* its compiled and sets are references, its literals point into this allocation */
  CupelReply       reply;       /* but for the cursor */
  CupelSqliteRows *rows;        /* of a stream */
} CupelSqliteJob;

/* The open rows of a stream. @statement is the worker's; NULL at the end and when the connection closed it. */
struct _CupelSqliteRows
{
  gatomicrefcount       ref_count;
  CupelSqliteJob       *job;          /* what the handle is bound to */
  CupelSqliteStatement *statement;
  CupelRowBlock        *first_block;  /* fetched in the hop that opened it */
  GQueue                waiting;      /* of CupelRowBlock: read before something was written, which they must not show */
  gsize                 bytes;        /* about what they take */
  gboolean              read;         /* to its end: what waits is all that there is */
  guint                 block_rows;   /* of the next block */
  guint                 most_rows;    /* what that grows to */
  gboolean              at_end;
  int                   cancelled;    /* atomic: nobody wants what is read ahead */
};

/* One round of several statements. */
typedef struct
{
  guint            n_jobs;
  guint            n_done;
  CupelSqliteJob  *jobs[];
} CupelSqlitePipeline;

/* One block on its way. What is read ahead is shared by the cursor and the worker: @ok and @error are told in it then. */
typedef struct
{
  gatomicrefcount  ref_count;
  CupelSqliteRows *rows;
  CupelRowBlock   *block;
  CupelCompletion *done;    /* NULL when the cursor waits for the job itself */
  gboolean         ok;
  GError          *error;
} CupelSqliteFetch;

CupelSqliteJob  *cupel_sqlite_job_new   (const CupelRequest  *request,
                                         GError             **error);
gboolean         cupel_sqlite_job_check_binds (const CupelRequest  *request,
                                               GError             **error);
CupelSqliteJob  *cupel_sqlite_job_ref   (CupelSqliteJob      *job);
void             cupel_sqlite_job_unref (CupelSqliteJob      *job);
void             cupel_sqlite_job_free  (CupelSqliteJob      *job);   /* by who made it */

CupelSqlitePipeline *cupel_sqlite_pipeline_new  (const CupelRequest   *requests,
                                                 guint                 n_requests,
                                                 GError              **error);
void                 cupel_sqlite_pipeline_free (CupelSqlitePipeline  *pipeline);

CupelSqliteRows *cupel_sqlite_rows_ref   (CupelSqliteRows *rows);
void             cupel_sqlite_rows_unref (CupelSqliteRows *rows);
/* On the worker: lets go of the handle. */
void             cupel_sqlite_rows_close (CupelSqliteConnection *connection,
                                          CupelSqliteRows       *rows);

CupelSqliteFetch *cupel_sqlite_fetch_new      (CupelSqliteRows  *rows);
CupelSqliteFetch *cupel_sqlite_fetch_ref      (CupelSqliteFetch *fetch);
void              cupel_sqlite_fetch_unref    (CupelSqliteFetch *fetch);
/* What the worker does with one that it read ahead, or never will. */
void              cupel_sqlite_fetch_complete (CupelSqliteFetch *fetch);

/* Of cupel-sqlite-bind.c */
gboolean cupel_sqlite_bind (CupelSqliteConnection  *connection,
                            CupelSqliteStatement   *statement,
                            const CupelRequest     *request,
                            guint                   set,
                            gboolean                keeps,
                            GError                **error);

/* One SELECT with a handle that is not in use, its transaction begun if that was asked for. */
gboolean cupel_sqlite_job_read          (CupelSqliteConnection   *connection,
                                         CupelSqliteStatement    *statement,
                                         CupelSqliteJob          *job,
                                         GError                 **error);

/* CupelJobFunc: what the worker runs */
gboolean cupel_sqlite_job_open          (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_close         (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_execute       (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_pipeline      (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_commit        (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_rollback      (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_reset         (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_set_isolation (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_fetch         (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_fetch_ahead   (CupelThreadedConnection *connection, gpointer data, GError **error);
gboolean cupel_sqlite_job_close_rows    (CupelThreadedConnection *connection, gpointer data, GError **error);

G_END_DECLS
