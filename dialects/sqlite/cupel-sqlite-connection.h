/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

#include "cupel-sqlite-options.h"

G_BEGIN_DECLS

#define CUPEL_SQLITE_TYPE_CONNECTION (cupel_sqlite_connection_get_type ())
G_DECLARE_FINAL_TYPE (CupelSqliteConnection, cupel_sqlite_connection, CUPEL_SQLITE, CONNECTION, CupelThreadedConnection)

/* Opens the database that @url names on a thread of its own; suspends. */
CupelDriverConnection *cupel_sqlite_connection_open      (CupelUrl               *url,
                                                          gint64                  deadline,
                                                          GCancellable           *cancellable,
                                                          GError                **error);
gboolean               cupel_sqlite_connection_is_memory (CupelSqliteConnection  *self);

G_END_DECLS
