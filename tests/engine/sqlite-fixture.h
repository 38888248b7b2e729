/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The SQLite driver as a pool or an engine uses it: requests and replies, in a fiber. */

#include <cupel-dialect.h>

G_BEGIN_DECLS

typedef void (*TestBody) (void);

extern CupelDialect *dialect;
extern CupelDriver *driver;
extern CupelCompiler *compiler;
extern char *directory;

gint64 soon (void);
gboolean under_valgrind (void);
/* Within a second of @start; valgrind runs one thread at a time, and slowly. */
void assert_quick (gint64 start);
CupelDriverConnection *open_url (const char *text, GError **error);
CupelDriverConnection *open_memory (void);
char *file_url (const char *name, const char *options);
CupelDriverConnection *open_file (const char *name, const char *options);
void close_it (CupelDriverConnection *connection);
/* A text; the kinds are those of its columns, ended by -1. */
CupelCompiled *compile (const char *sql, ...);
gboolean execute (CupelDriverConnection *connection,
                  CupelCompiled *compiled,
                  CupelRowBlock *sets,
                  CupelRequestFlags flags,
                  CupelReply *reply,
                  GCancellable *cancellable,
                  GError **error);
gboolean try_sql (CupelDriverConnection *connection, const char *sql, CupelRequestFlags flags, GError **error);
void sql (CupelDriverConnection *connection, const char *text);
gint64 scalar (CupelDriverConnection *connection, const char *text);
CupelTransactionStatus status (CupelDriverConnection *connection);
const CupelCell *first_row (CupelReply *reply);

typedef struct
{
  const char *path;
  TestBody    body;   /* in a fiber */
} SqliteTest;

void sqlite_test_init (int *argc, char ***argv);
int sqlite_test_run (const SqliteTest *tests, gsize n_tests);

G_END_DECLS
