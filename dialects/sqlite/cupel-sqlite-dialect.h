/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define CUPEL_SQLITE_TYPE_DIALECT (cupel_sqlite_dialect_get_type ())
G_DECLARE_FINAL_TYPE (CupelSqliteDialect, cupel_sqlite_dialect, CUPEL_SQLITE, DIALECT, CupelDialect)

G_END_DECLS
