/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

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
  char          **bind_names;     /* each once, NULL at the end */
  guint           n_binds;
  gboolean        returns_rows;   /* TRUE when it cannot be excluded */
} CupelRawSql;

CupelRawSql *cupel_raw_sql_new   (const char  *sql);
CupelRawSql *cupel_raw_sql_ref   (CupelRawSql *raw);
void         cupel_raw_sql_unref (CupelRawSql *raw);

G_END_DECLS
