/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-name-list-private.h"

G_BEGIN_DECLS

/* Raw SQL taken apart at its :name binds. Immutable, reference-counted. */
typedef struct
{
  char  *text;    /* what stands before the bind; nullable when empty */
  int    bind;    /* index of its name, -1 at the end */
} CupelRawPiece;

typedef struct
{
  guint           ref_count;
  char           *sql;            /* as it was given */
  CupelRawPiece  *pieces;
  guint           n_pieces;
  CupelNameList   binds;
  char          **bind_names;     /* of the list, NULL at the end */
  guint           n_binds;
  gboolean        returns_rows;   /* TRUE when it cannot be excluded */
} CupelRawSql;

CupelRawSql *cupel_raw_sql_new   (const char  *sql);
CupelRawSql *cupel_raw_sql_ref   (CupelRawSql *raw);
void         cupel_raw_sql_unref (CupelRawSql *raw);

/* What a text does to transactions, by its first words. */
typedef enum
{
  CUPEL_RAW_STATEMENT,   /* nothing that is known */
  CUPEL_RAW_NOTHING,     /* it is empty, or all comment */
  CUPEL_RAW_BEGIN,
  CUPEL_RAW_COMMIT,
  CUPEL_RAW_ROLLBACK,
  CUPEL_RAW_SAVEPOINT,
} CupelRawControl;

CupelRawControl cupel_raw_control_of (const char         *sql);
/* Whether it is a statement, and one for which the connection has no call of its own. */
gboolean        cupel_raw_sql_check  (const CupelRawSql  *raw,
                                      GError            **error);

G_END_DECLS
