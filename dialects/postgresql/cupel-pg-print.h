/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <libpq-fe.h>

G_BEGIN_DECLS

/* The text that the server would print of a binary value of a type that has no cell kind of its own. NULL: not one that is known
 * here, or malformed. */
char *cupel_pg_print (CupelRowBlock *block,
                      Oid            oid,
                      const char    *value,
                      guint          length,
                      guint         *text_length);

G_END_DECLS
