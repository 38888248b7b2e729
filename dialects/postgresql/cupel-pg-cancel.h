/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* A request to a server to stop what it does for a connection. It names the connection and not the statement: until it has surely
 * arrived, or surely never will, nothing else may be sent on that connection. */
typedef struct _CupelPgCancel CupelPgCancel;

/* (nullable): NULL: it cannot be sent. Never blocks. */
CupelPgCancel *cupel_pg_cancel_send (PGconn         *conn);
/* Waits until the server has taken it and closed the connection that it came by; FALSE: that never came about. */
gboolean       cupel_pg_cancel_wait (CupelPgCancel  *cancel,
                                     gint64          deadline);
/* (transfer full) @conn: a connection that is over. It stays open until the request is done: a pooler drops the request of a client that
 * has gone. */
void           cupel_pg_cancel_keep (CupelPgCancel  *cancel,
                                     PGconn         *conn);
/* It is let go, done or not. */
void           cupel_pg_cancel_free (CupelPgCancel  *cancel);

G_END_DECLS
