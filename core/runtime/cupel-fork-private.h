/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Another number in a child process than in its parent. Costs no system call, as getpid () would. */
guint cupel_fork_get_generation (void);

G_END_DECLS
