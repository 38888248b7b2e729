/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* SQLite on the thread of the main loop, for what cannot make it wait.
 *
 * Between begin and end, on the calling thread, nothing that could block is done for files that were opened through the VFS of
 * this name: a page that is not in SQLite's cache is not read, no lock is waited for, nothing is written. The statement ends with
 * SQLITE_INTERRUPT instead, which leaves a transaction as it is when the statement only reads, and is executed once more on the worker. */

/* The name for sqlite3_open_v2 (), NULL when the default VFS is not to be wrapped. */
const char *cupel_sqlite_vfs_get_name   (void);

void        cupel_sqlite_vfs_begin_here (gint64 time_limit);   /* microseconds */
void        cupel_sqlite_vfs_end_here   (void);
gboolean    cupel_sqlite_vfs_is_here    (void);
/* The time limit is over. */
gboolean    cupel_sqlite_vfs_is_late    (void);

G_END_DECLS
