/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "sql/cupel-expression.h"

G_BEGIN_DECLS

#define CUPEL_TYPE_METADATA (cupel_metadata_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelMetadata, cupel_metadata, CUPEL, METADATA, GObject)

#define CUPEL_TYPE_TABLE (cupel_table_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelTable, cupel_table, CUPEL, TABLE, GObject)

#define CUPEL_TYPE_COLUMN (cupel_column_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelColumn, cupel_column, CUPEL, COLUMN, GObject)

/* metadata: a set of tables */
CUPEL_AVAILABLE_IN_1_0
CupelMetadata   *cupel_metadata_new              (void);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_metadata_add_table        (CupelMetadata    *metadata,
                                                  CupelTable       *table,          /* (transfer none) */
                                                  GError          **error);         /* the name is taken */
CUPEL_AVAILABLE_IN_1_0
CupelTable      *cupel_metadata_get_table        (CupelMetadata    *metadata,
                                                  const char       *name);          /* (transfer none) (nullable) */
/* Parents before children; CUPEL_ERROR_MAPPING on an unknown target or a cycle. (transfer container) (element-type CupelTable) */
CUPEL_AVAILABLE_IN_1_0
GPtrArray       *cupel_metadata_get_sorted_tables (CupelMetadata   *metadata,
                                                  GError          **error);

/* table */
CUPEL_AVAILABLE_IN_1_0
CupelTable      *cupel_table_new                 (const char       *name);
/* A second name for @table, with its columns: for a SELECT that needs the table twice. */
CUPEL_AVAILABLE_IN_1_0
CupelTable      *cupel_table_new_alias           (CupelTable       *table,
                                                  const char       *name);
CUPEL_AVAILABLE_IN_1_0
const char      *cupel_table_get_name            (CupelTable       *table);
CUPEL_AVAILABLE_IN_1_0
void             cupel_table_add_column          (CupelTable       *table,
                                                  CupelColumn      *column);        /* (transfer full), chains nicely with the column builders */
CUPEL_AVAILABLE_IN_1_0
CupelColumn     *cupel_table_get_column          (CupelTable       *table,
                                                  const char       *name);          /* (transfer none) (nullable) */
CUPEL_AVAILABLE_IN_1_0
guint            cupel_table_get_n_columns       (CupelTable       *table);
CUPEL_AVAILABLE_IN_1_0
CupelColumn     *cupel_table_get_nth_column      (CupelTable       *table,
                                                  guint             nth);           /* (transfer none) */
/* (transfer none): the expression of a column by name; criticals when there is none */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_table_c                   (CupelTable       *table,
                                                  const char       *name);          /* (transfer full) */

/* column */
CUPEL_AVAILABLE_IN_1_0
CupelColumn     *cupel_column_new                (const char       *name,
                                                  CupelSqlType     *type);          /* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
const char      *cupel_column_get_name           (CupelColumn      *column);
CUPEL_AVAILABLE_IN_1_0
CupelSqlType    *cupel_column_get_sql_type       (CupelColumn      *column);        /* (transfer none): with CUPEL_SQL_NULL and a foreign key, the target's */
CUPEL_AVAILABLE_IN_1_0
CupelTable      *cupel_column_get_table          (CupelColumn      *column);        /* (transfer none) (nullable) */
CUPEL_AVAILABLE_IN_1_0
guint            cupel_column_get_position       (CupelColumn      *column);        /* in its table */
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_primary_key    (CupelColumn      *column,
                                                  gboolean          primary_key);   /* implies NOT NULL */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_column_get_primary_key    (CupelColumn      *column);
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_nullable       (CupelColumn      *column,
                                                  gboolean          nullable);      /* default TRUE */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_column_get_nullable       (CupelColumn      *column);
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_unique         (CupelColumn      *column,
                                                  gboolean          unique);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_column_get_unique         (CupelColumn      *column);
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_index          (CupelColumn      *column,
                                                  gboolean          index);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_column_get_index          (CupelColumn      *column);
/* Generated by the server: by default so for a single integer primary key without a server default or foreign key. */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_column_get_autoincrement  (CupelColumn      *column);
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_autoincrement  (CupelColumn      *column,
                                                  gboolean          autoincrement);
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_server_default (CupelColumn      *column,
                                                  CupelExpression  *expression);    /* (transfer full): cupel_func ("now", NULL), cupel_text (...), a literal */
CUPEL_AVAILABLE_IN_1_0
CupelExpression *cupel_column_get_server_default (CupelColumn      *column);        /* (transfer none) (nullable) */
/* "table.column"; looked up in the metadata when first needed, so order does not matter */
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_foreign_key    (CupelColumn      *column,
                                                  const char       *target);
CUPEL_AVAILABLE_IN_1_0
const char      *cupel_column_get_foreign_key    (CupelColumn      *column);        /* (nullable) */
CUPEL_AVAILABLE_IN_1_0
CupelColumn     *cupel_column_get_foreign_column (CupelColumn      *column);        /* (transfer none) (nullable) */
CUPEL_AVAILABLE_IN_1_0
void             cupel_column_set_on_delete      (CupelColumn      *column,
                                                  const char       *action);        /* "CASCADE", "SET NULL", "RESTRICT", "NO ACTION" */
CUPEL_AVAILABLE_IN_1_0
const char      *cupel_column_get_on_delete      (CupelColumn      *column);

G_END_DECLS
