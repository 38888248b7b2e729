/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <sqlite3.h>

G_BEGIN_DECLS

struct _CupelSqliteConnection;

typedef struct _CupelSqliteReturning CupelSqliteReturning;

/* How a column is decoded. */
typedef struct
{
  guint8  kind;      /* CupelSqlKind */
  guint8  scaled;    /* NUMERIC with a precision: scale holds */
  guint16 scale;
} CupelSqliteField;

/* A prepared handle with what is known of it. Only the worker touches it. */
typedef struct
{
  guint64           id;         /* of the compiled statement */
  sqlite3_stmt     *handle;
  CupelCompiled    *compiled;
  CupelSqliteField *fields;
  guint             n_columns;
  CupelSqliteReturning *returning;  /* nullable: how it is executed with many sets */
  gboolean         *exact;      /* which binds are of an exact type: a number for one may be written as text */
  guint             read_only : 1;
  guint             counts : 1;   /* an INSERT, UPDATE or DELETE: sqlite3_changes64() speaks of it */
  guint             inserts : 1;
  guint             cached : 1;
  guint             busy : 1;
  guint             pause;        /* how often it is left to the worker before it is tried on the thread that asks again */
  guint             pause_left;
  GList             link;       /* in the order of use */
} CupelSqliteStatement;

/* The prepared handles of a connection, least recently used last. */
typedef struct
{
  GHashTable *by_id;
  GQueue      order;
  guint       capacity;
} CupelSqliteStatements;

void                  cupel_sqlite_statements_init    (CupelSqliteStatements          *statements,
                                                       guint                           capacity);
void                  cupel_sqlite_statements_clear   (CupelSqliteStatements          *statements);

/* A handle for @compiled that is not in use: a kept one or a new one. */
CupelSqliteStatement *cupel_sqlite_statement_acquire  (struct _CupelSqliteConnection  *connection,
                                                       CupelCompiled                  *compiled,
                                                       gboolean                        keep,
                                                       GError                        **error);
/* A kept handle that is not in use, or NULL; its place in the order stays. */
CupelSqliteStatement *cupel_sqlite_statement_peek     (struct _CupelSqliteConnection  *connection,
                                                       CupelCompiled                  *compiled);
/* Resets it and keeps or finalizes it. */
void                  cupel_sqlite_statement_release  (CupelSqliteStatement           *statement);
/* After the first step: SQLite may have prepared it anew for another schema. */
void                  cupel_sqlite_statement_check_plan (CupelSqliteStatement         *statement);
char                **cupel_sqlite_statement_dup_names (CupelSqliteStatement          *statement);

G_END_DECLS
