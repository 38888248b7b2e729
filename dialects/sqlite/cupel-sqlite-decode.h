/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-sqlite-statement.h"

G_BEGIN_DECLS

/* The row that @statement stands on, appended to @block. FALSE: no memory for a text. */
gboolean cupel_sqlite_decode_row (CupelSqliteStatement *statement,
                                  CupelRowBlock        *block);

G_END_DECLS
