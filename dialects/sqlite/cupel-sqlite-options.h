/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

/* What a URL asks for. */
typedef struct
{
  char       *path;            /* NULL: a private database in memory */
  int         open_flags;      /* SQLITE_OPEN_* */
  const char *journal_mode;    /* static; NULL: WAL for files */
  const char *synchronous;     /* static; NULL: NORMAL for files */
  gint64      busy_timeout;    /* microseconds */
  guint       cache_size;      /* prepared statements kept */
} CupelSqliteOptions;

gboolean cupel_sqlite_options_parse (CupelSqliteOptions  *options,
                                     CupelUrl            *url,
                                     GError             **error);
void     cupel_sqlite_options_clear (CupelSqliteOptions  *options);
gboolean cupel_sqlite_url_is_memory (CupelUrl            *url);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelSqliteOptions, cupel_sqlite_options_clear)

G_END_DECLS
