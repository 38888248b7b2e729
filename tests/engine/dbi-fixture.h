/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The driver for libdbi, under each dialect: what goes through it comes back as it was, or there is an error. */

#include "reply.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  void      (*func) (void);
} Case;

#define I64(kind_, number)   { .kind = (kind_), .v.i64 = (number) }
#define F64(number)          { .kind = CUPEL_CELL_DOUBLE, .v.f64 = (number) }
#define STR(kind_, text_)    { .kind = (kind_), .length = sizeof (text_) - 1, .v.text = (text_) }
#define DAY                  (G_GINT64_CONSTANT (86400) * G_USEC_PER_SEC)

/* Of the case that runs. */
extern const char *url_text;
extern CupelDialect *dialect;
extern CupelDriver *driver;
extern CupelCompiler *compiler;
extern CupelDriverConnection *connection;

gboolean is_dialect (const char *name);
gint64 soon (void);
CupelDriverConnection *connect_with (CupelDriver *with, const char *text, GError **error);
/* @...: the types of the first columns, up to -1 */
CupelCompiled *compile (const char *sql, ...);
/* @statement: (transfer full) */
CupelCompiled *compile_statement (gpointer statement);
gboolean try_execute (CupelDriverConnection *on, CupelCompiled *compiled, CupelRowBlock *sets, CupelReply *reply, GError **error);
void execute (CupelDriverConnection *on, CupelCompiled *compiled, CupelRowBlock *sets, CupelReply *reply);
void run (const char *sql);
GError *fail (const char *sql);
gint64 query_int64 (const char *sql);
void assert_cell (const CupelCell *found, const CupelCell *expected);
CupelTable *make_table (const char *name, CupelSqlType *type);
CupelCompiled *compile_insert (CupelTable *table);
CupelCompiled *compile_select (CupelTable *table);
CupelRowBlock *one_set (gint64 id, const CupelCell *value);
void assert_fails (const char *sql, CupelError code);
guint count_threads (void);
/* Threads end by themselves, but soon. */
void assert_threads (guint n);

/* Runs each on a file of SQLite's and on the servers of CUPEL_TEST_DBI_URLS. */
int dbi_test_main (int argc, char **argv, const Case *cases, gsize n_cases);

G_END_DECLS
