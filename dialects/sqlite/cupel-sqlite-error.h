/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>
#include <sqlite3.h>

G_BEGIN_DECLS

/* @code: an extended result code; @text: what sqlite3_errmsg() says. */
GError     *cupel_sqlite_error_new      (int         code,
                                         const char *text);
/* The code is one after which the file or its memory cannot be trusted to answer again. */
gboolean    cupel_sqlite_code_is_lost   (int         code);

G_END_DECLS
