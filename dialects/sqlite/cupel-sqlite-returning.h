/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-sqlite-connection-private.h"

G_BEGIN_DECLS

/* How an INSERT .. RETURNING is executed with many sets: SQLite makes a temporary table for each single execution of RETURNING, which takes
 * longer than the insertion. A plain INSERT and a look at the row by its row id give the same where nothing comes in between: in a table of the
 * main database that has row ids and no trigger. */
struct _CupelSqliteReturning
{
  gboolean             possible;
  int                  n_prepared; /* how often SQLite had prepared the statement anew when this was found out */
  CupelSqliteStatement insert;     /* without RETURNING */
  CupelSqliteStatement lookup;     /* no handle: the row id is all that is returned */
};

/* What is found out holds until the end of the transaction, which has the lock for writing, and as long as no schema changes, for then SQLite
 * prepares the statement anew: to be called after the first set. NULL: the statement has to be executed as it is. */
CupelSqliteReturning *
         cupel_sqlite_returning_get   (CupelSqliteConnection      *connection,
                                       CupelSqliteStatement       *statement);
/* After the last set. */
void     cupel_sqlite_returning_reset (CupelSqliteReturning       *self);
void     cupel_sqlite_returning_free  (CupelSqliteReturning       *self);
/* The row that @self->insert has just inserted, appended to @block. */
gboolean cupel_sqlite_returning_read  (CupelSqliteReturning       *self,
                                       CupelSqliteConnection      *connection,
                                       CupelRowBlock              *block,
                                       GError                    **error);

G_END_DECLS
