/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-sqlite-connection-private.h"

G_BEGIN_DECLS

/* What is so short that a hop to the worker and back would take many times as long, done on the thread that asks: reading a few
 * rows whose pages are in the cache, and the end of a transaction that wrote nothing. Nothing of it can wait; see cupel-sqlite-vfs.h.
 *
 * FALSE: it was not done, and nothing has changed: the worker has to do it. TRUE: it was done; *@ok and @error say how. */
gboolean cupel_sqlite_here_execute (CupelSqliteConnection  *self,
                                    const CupelRequest     *request,
                                    CupelReply             *reply,
                                    gboolean               *ok,
                                    GError                **error);
/* @func is a job of cupel-sqlite-jobs.h that ends a transaction. */
gboolean cupel_sqlite_here_end     (CupelSqliteConnection  *self,
                                    CupelJobFunc            func);

G_END_DECLS
