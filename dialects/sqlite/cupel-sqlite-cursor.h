/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-sqlite-jobs.h"

G_BEGIN_DECLS

#define CUPEL_SQLITE_TYPE_CURSOR (cupel_sqlite_cursor_get_type ())
G_DECLARE_FINAL_TYPE (CupelSqliteCursor, cupel_sqlite_cursor, CUPEL_SQLITE, CURSOR, CupelDriverCursor)

/* @rows: (transfer full) */
CupelDriverCursor *cupel_sqlite_cursor_new (CupelSqliteConnection *connection,
                                            CupelSqliteRows       *rows);

G_END_DECLS
