/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* Which text of one compiled statement was prepared. */
typedef enum
{
  CUPEL_PG_FORM_PLAIN,
  CUPEL_PG_FORM_UNNEST,   /* INSERT .. SELECT unnest (..): one parameter per column, an array */
  CUPEL_PG_FORM_LIST,     /* = ANY ($1) for IN ($1, $2, ...) */
} CupelPgForm;

/* What goes with nearly every transaction, prepared by itself */
typedef enum
{
  CUPEL_PG_COMMAND_NONE,
  CUPEL_PG_COMMAND_BEGIN,
  CUPEL_PG_COMMAND_ROLLBACK,
  CUPEL_PG_N_COMMANDS,
} CupelPgCommand;

/* A prepared statement of one connection. */
typedef struct
{
  int          ref_count;
  guint64      id;          /* of the compiled statement */
  CupelPgForm  form;
  gboolean     cached;      /* in the cache */
  guint        traces;      /* CupelPgTraces of its text */
  guint        n_types;
  Oid         *types;       /* as they were declared */
  char         name[24];
  GList        link;        /* in the order of use */
} CupelPgStatement;

typedef struct _CupelPgStatements CupelPgStatements;

CupelPgStatements *cupel_pg_statements_new       (guint               capacity);   /* 0: nothing is ever kept */
void               cupel_pg_statements_free      (CupelPgStatements  *self);
gboolean           cupel_pg_statements_is_enabled (CupelPgStatements *self);
guint              cupel_pg_statements_get_size  (CupelPgStatements  *self);
CupelPgStatement  *cupel_pg_statements_find      (CupelPgStatements  *self,
                                                  guint64             id,
                                                  CupelPgForm         form,
                                                  const Oid          *types,
                                                  guint               n_types);
/* (transfer none): a new entry with a name of its own; the least recently used one goes to the evicted. */
CupelPgStatement  *cupel_pg_statements_add       (CupelPgStatements  *self,
                                                  guint64             id,
                                                  CupelPgForm         form,
                                                  const Oid          *types,
                                                  guint               n_types);
/* @on_server: it still exists there and is to be deallocated. */
void               cupel_pg_statements_drop      (CupelPgStatements  *self,
                                                  CupelPgStatement   *statement,
                                                  gboolean            on_server);
/* The server forgot all of them. */
void               cupel_pg_statements_forget    (CupelPgStatements  *self);
guint              cupel_pg_statements_get_n_evicted (CupelPgStatements *self);
char              *cupel_pg_statements_take_evicted (CupelPgStatements *self);      /* (transfer full) (nullable): a name */
const char        *cupel_pg_command_get_sql      (CupelPgCommand      command);
/* The name of a command. @is_new: it is to be prepared. */
const char        *cupel_pg_statements_get_command (CupelPgStatements *self,
                                                  CupelPgCommand      command,
                                                  gboolean           *is_new);
void               cupel_pg_statements_forget_command (CupelPgStatements *self,
                                                  CupelPgCommand      command);
CupelPgStatement  *cupel_pg_statement_ref        (CupelPgStatement   *statement);
void               cupel_pg_statement_unref      (CupelPgStatement   *statement);

G_END_DECLS
