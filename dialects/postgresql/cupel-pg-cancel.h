/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* Requests to a server to stop what it does for a connection, the first at once and more of them while it does not answer. They name
 * the connection and not the statement: until they have surely arrived, or surely never will, nothing else may be sent on that
 * connection. All of it is over after a few seconds, come what may. */
typedef struct _CupelPgCancel CupelPgCancel;

/* (nullable): NULL: it cannot be sent. Never blocks. */
CupelPgCancel *cupel_pg_cancel_send (PGconn         *conn);
/* The statement was answered: no more requests. Waits until the server has taken all that were sent and closed the connections that they
 * came by; FALSE: that never came about. */
gboolean       cupel_pg_cancel_wait (CupelPgCancel  *cancel,
                                     gint64          deadline);
/* (transfer full) @conn: the connection, given up. It stays open until the requests are done: a pooler drops the requests of a client
 * that has gone, and a server does not notice while a statement runs. */
void           cupel_pg_cancel_keep (CupelPgCancel  *cancel,
                                     PGconn         *conn);
/* It is let go, done or not. */
void           cupel_pg_cancel_free (CupelPgCancel  *cancel);

G_END_DECLS
