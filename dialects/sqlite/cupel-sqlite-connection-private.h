/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <sqlite3.h>

#include "cupel-sqlite-connection.h"
#include "cupel-sqlite-statement.h"

G_BEGIN_DECLS

/* Statements of our own, prepared once. */
typedef enum
{
  CUPEL_SQLITE_BEGIN,
  CUPEL_SQLITE_BEGIN_IMMEDIATE,
  CUPEL_SQLITE_COMMIT,
  CUPEL_SQLITE_ROLLBACK,
  CUPEL_SQLITE_SAVEPOINT,
  CUPEL_SQLITE_RELEASE,
  CUPEL_SQLITE_ROLLBACK_TO,
  CUPEL_SQLITE_N_OWN
} CupelSqliteOwn;

typedef struct _CupelSqliteRows CupelSqliteRows;

struct _CupelSqliteConnection
{
  CupelThreadedConnection parent_instance;

  CupelSqliteOptions   options;        /* constant after the opening */

  /* any thread, atomic */
  int                  interrupted;    /* the job under way shall end */
  int                  status;         /* CupelTransactionStatus after the last job */
  int                  broken;         /* an I/O error: not to be lent again */
  int                  autocommit;     /* the isolation level AUTOCOMMIT */
  int                  begin_pending;  /* begin () was called: the first statement tells which BEGIN it is to be */
  int                  read_uncommitted;
  int                  next_read_only;    /* the next transaction, and only that one */
  int                  next_uncommitted;

  GMutex               mutex;
  GCond                woken;          /* with interrupted: ends a wait for a lock */
  GSList              *dropped;        /* CupelSqliteRows whose cursors were not closed; changed under mutex, atomically */

  /* the worker's */
  sqlite3             *db;
  int                  length_limit;   /* SQLite's own, while it is another */
  int                  dirty;          /* atomic: a text changed what the next borrower would find: a pragma, a database attached */
  gboolean             can_be_here;    /* what can be done on the thread that asks: see cupel-sqlite-here.h */
  CupelSqliteStatements statements;
  sqlite3_stmt        *own[CUPEL_SQLITE_N_OWN];
  gboolean             running_own;    /* one of them is at work */
  gboolean             preparing;      /* a statement that is not ours */
  gboolean             in_read_only;   /* the transaction that is open */
  gboolean             in_uncommitted;
  char                 refused[16];    /* what the authorizer refused at last */
  gint64               busy_since;
  CupelSqliteRows     *ahead;          /* of the job that reads ahead, while it runs */
  GPtrArray           *open_rows;      /* (element-type CupelSqliteRows): streams not at their end */
  GByteArray          *scratch;        /* formatted dates of the bound set */
};

/* All on the worker. */
gboolean cupel_sqlite_connection_enter      (CupelSqliteConnection  *self,
                                             GError                **error);
void     cupel_sqlite_connection_leave      (CupelSqliteConnection  *self);
gboolean cupel_sqlite_connection_fail       (CupelSqliteConnection  *self,
                                             GError                **error);    /* FALSE, with what the handle says */
gboolean cupel_sqlite_connection_run_own    (CupelSqliteConnection  *self,
                                             CupelSqliteOwn          own,
                                             GError                **error);
void     cupel_sqlite_connection_close_rows (CupelSqliteConnection  *self);
gboolean cupel_sqlite_connection_open_handle (CupelSqliteConnection *self,
                                             GError                **error);
void     cupel_sqlite_connection_close_handle (CupelSqliteConnection *self);
/* Undoes what texts may have changed, but for the data. */
gboolean cupel_sqlite_connection_restore_handle (CupelSqliteConnection *self,
                                             GError                **error);
/* Looks at the clock often, and refuses long values, so that no single step takes long. */
void     cupel_sqlite_connection_watch_closely (CupelSqliteConnection *self,
                                             gboolean                closely);
gboolean cupel_sqlite_connection_is_interrupted (CupelSqliteConnection *self);
/* Any thread. */
void     cupel_sqlite_connection_drop_rows  (CupelSqliteConnection  *self,
                                             CupelSqliteRows        *rows);     /* (transfer full) */
G_END_DECLS
