/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What the tests of the MySQL driver share. They are made with the sources of the module in them, to look behind its face. */

#include "../unit/scale.h"
#include "cupel-mysql-private.h"
#include "reply.h"

#define URL_VARIABLE "CUPEL_TEST_MYSQL_URL"
#define SECOND       G_USEC_PER_SEC

#define assert_status(connection, status) \
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_##status)

typedef struct
{
  const char *name;
  void      (*func) (CupelDriverConnection *connection);
} Case;

extern CupelDialect *dialect;
extern CupelCompiler *compiler;
extern CupelUrl *url;           /* with a database of the program's own; NULL: there is no server */
extern gboolean on_mysql;       /* the server is Oracle's; set before a case runs */

void                   mysql_test_init    (int                     *argc,
                                           char                  ***argv,
                                           const char              *name);
int                    mysql_test_run     (const Case              *cases,
                                           guint                    n_cases);

/* The URL of the program with one more option. */
CupelUrl              *url_with_option    (const char              *option);
CupelDriver           *driver_for         (CupelUrl                *of);
CupelDriverConnection *connect_to         (CupelUrl                *of,
                                           GError                 **error);
/* A second connection, to the database of the case. */
CupelDriverConnection *connect_again      (void);

CupelCompiled         *compile_statement  (CupelStatement          *statement);
/* Text with binds, and the types of the first columns up to -1. Of MariaDB's own SQL, sequences, SET STATEMENT and @@tx_isolation work on MySQL
 * as well. */
CupelCompiled         *compile            (const char              *sql,
                                           ...);
gboolean               execute_full       (CupelDriverConnection   *connection,
                                           CupelCompiled           *compiled,
                                           CupelRowBlock           *sets,
                                           CupelRequestFlags        flags,
                                           CupelReply              *reply,
                                           GCancellable            *cancellable,
                                           GError                 **error);
/* Those without @error assert that there is none. */
void                   execute            (CupelDriverConnection   *connection,
                                           CupelCompiled           *compiled,
                                           CupelRowBlock           *sets,
                                           CupelReply              *reply);
void                   run                (CupelDriverConnection   *connection,
                                           const char              *sql);
void                   run_in_transaction (CupelDriverConnection   *connection,
                                           const char              *sql);
GError                *fail               (CupelDriverConnection   *connection,
                                           const char              *sql,
                                           CupelRequestFlags        flags);
gint64                 query_int64        (CupelDriverConnection   *connection,
                                           const char              *sql);
/* A counter of the session. */
gint64                 session_status     (CupelDriverConnection   *connection,
                                           const char              *name);
CupelDriverCursor     *open_stream        (CupelDriverConnection   *connection,
                                           CupelCompiled           *compiled,
                                           CupelReply              *reply);
/* Numbers in the first column, one after the other. */
void                   read_stream        (CupelDriverCursor       *cursor,
                                           gint64                   from,
                                           gint64                   to);

void                   set_int64          (CupelCell               *to,
                                           gint64                   value);
