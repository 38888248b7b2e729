/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What the tests of the PostgreSQL driver share: statements, values, and a connection for each. */

#include <cupel-dialect.h>

#include "../unit/scale.h"
#include "cupel-pg-connection.h"
#include "reply.h"

#define URL_VARIABLE "CUPEL_TEST_POSTGRESQL_URL"

typedef void (*Body) (CupelDriverConnection *connection);

/* One test: it gets a connection of its own. */
typedef struct
{
  Body        body;
  const char *more;   /* options for the URL */
} Job;

typedef struct
{
  GCancellable *cancellable;
  guint         milliseconds;
} Canceller;

typedef struct
{
  const char *path;
  Job         job;
} NamedJob;

#define compile(sql, ...) \
  compile_full (sql, (const CupelSqlKind[]) { __VA_ARGS__ }, \
                sizeof ((const CupelSqlKind[]) { __VA_ARGS__ }) / sizeof (CupelSqlKind))

/* --- statements --- */

/* @kinds: of the binds :p1, :p2 ...; CUPEL_SQL_NULL leaves one untyped */
CupelCompiled         *compile_full   (const char             *sql,
                                       const CupelSqlKind     *kinds,
                                       guint                   n_kinds);
CupelCompiled         *compile_plain  (const char             *sql);
/* INSERT INTO @table (c1, c2 ...) VALUES (:c1, :c2 ...) RETURNING @returning */
CupelCompiled         *compile_insert (const char             *table_name,
                                       const CupelSqlKind     *kinds,
                                       guint                   n_kinds,
                                       const char             *returning);

/* --- values --- */

CupelCell              make_int       (gint64                  value);
CupelCell              make_text      (CupelCellKind           kind,
                                       const char             *text);
CupelCell              make_scalar    (CupelCellKind           kind,
                                       gint64                  value);
CupelRowBlock         *make_set       (const CupelCell        *cells,
                                       guint                   n_cells);

/* --- connections --- */

CupelUrl              *get_url        (const char             *more);
CupelDriverConnection *connect_to     (CupelUrl               *url,
                                       gint64                  deadline,
                                       GError                **error);
CupelDriverConnection *connect_again  (void);
/* A stopped statement has a second to be answered in; then the connection is given up, and not before. On a busy machine a server can need
 * longer. TRUE: *@connection was given up since @start, and is another one now. */
gboolean               replace_given_up (CupelDriverConnection **connection,
                                         gint64                  start);

/* How often a server may be too late before it is none that answers */
#define ROUNDS 20

/* --- executing; those without @error assert that there is none --- */

gboolean               try_exec       (CupelDriverConnection  *connection,
                                       CupelCompiled          *compiled,
                                       CupelRowBlock          *sets,
                                       CupelRequestFlags       flags,
                                       CupelReply             *reply,
                                       GError                **error);
void                   exec           (CupelDriverConnection  *connection,
                                       CupelCompiled          *compiled,
                                       CupelRowBlock          *sets,
                                       CupelRequestFlags       flags,
                                       CupelReply             *reply);
void                   exec_sql       (CupelDriverConnection  *connection,
                                       const char             *sql);
void                   exec_statement (CupelDriverConnection  *connection,
                                       CupelStatement         *statement,
                                       CupelReply             *reply);
GError                *fail_sql       (CupelDriverConnection  *connection,
                                       const char             *sql);
gint64                 query_int      (CupelDriverConnection  *connection,
                                       const char             *sql);
char                  *query_string   (CupelDriverConnection  *connection,
                                       const char             *sql,
                                       CupelCellKind          *kind);
CupelDriverCursor     *open_stream    (CupelDriverConnection  *connection,
                                       CupelCompiled          *compiled,
                                       CupelRowBlock          *set,
                                       CupelRequestFlags       flags,
                                       guint                   block_rows);
CupelRowBlock         *fetch          (CupelDriverCursor      *cursor);
void                   close_stream   (CupelDriverCursor      *cursor);
/* The function of a fiber; @data is a Canceller. */
void                   cancel_later   (gpointer                data);

/* --- programs --- */

void                   add_tests      (const NamedJob         *tests,
                                       gsize                   n_tests);
