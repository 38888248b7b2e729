/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-schema.h"

G_BEGIN_DECLS

struct _CupelColumn
{
  GObject          parent_instance;

  char            *name;
  CupelSqlType    *type;
  CupelTable      *table;            /* not owned: the table owns the column */
  guint            position;
  guint            primary_key   : 1;
  guint            nullable      : 1;
  guint            unique        : 1;
  guint            index         : 1;
  int              autoincrement;    /* -1: by the rule */
  CupelExpression *server_default;   /* nullable */
  char            *foreign_key;      /* "table.column", nullable */
  char            *foreign_table;
  const char      *foreign_column;   /* inside foreign_key */
  const char      *on_delete;        /* nullable, static */
};

struct _CupelTable
{
  GObject        parent_instance;

  char          *name;
  GPtrArray     *columns;            /* CupelColumn */
  GHashTable    *by_name;
  CupelMetadata *metadata;           /* not owned: the metadata owns the table */
  CupelTable    *original;           /* of an alias, nullable */
};

void     cupel_table_set_metadata (CupelTable    *table,
                                   CupelMetadata *metadata);
/* Whether @column refers to a column of @table (or of what it is an alias of); (transfer none) */
CupelColumn *cupel_column_get_target_in (CupelColumn *column,
                                         CupelTable  *table);

G_END_DECLS
