/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* The texts that are written. All programs put them together with the same functions: printf () takes as long for two of them as SQLite
 * for a third of the row. Each ends with a NUL; what is returned is the length. */

#include <glib.h>

G_BEGIN_DECLS

/* PREFIX and the number */
int bench_text     (char       *text,
                    const char *prefix,
                    guint64     number);
/* "data NUMBER" */
int bench_data     (char       *text,
                    guint64     number);
/* "new GENERATION ID" */
int bench_new_data (char       *text,
                    guint       generation,
                    gint64      id);

G_END_DECLS
