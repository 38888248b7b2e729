/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* How long the work of a main context keeps it, from one poll to the next. What the thread waited for a processor is not counted. */
void   loop_watch_start      (GMainContext *context);
void   loop_watch_stop       (GMainContext *context);
/* In microseconds; @share of all turns took no longer. */
gint64 loop_watch_percentile (double        share);
gint64 loop_watch_longest    (void);
