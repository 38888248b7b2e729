/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* SQLite's default file system, with a call that fails: the nth from when it was armed, and if @lasting all after it. */
void  fail_vfs_install   (void);
void  fail_vfs_arm       (int      nth,
                          gboolean lasting);
/* How many calls there were since; what could fail is counted. */
int   fail_vfs_disarm    (void);
/* Each lock of a database with WAL takes so long, as on a machine that is busy; 0: none does. */
void  fail_vfs_delay     (int      microseconds);
