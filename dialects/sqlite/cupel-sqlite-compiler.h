/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define CUPEL_SQLITE_TYPE_COMPILER (cupel_sqlite_compiler_get_type ())
G_DECLARE_FINAL_TYPE (CupelSqliteCompiler, cupel_sqlite_compiler, CUPEL_SQLITE, COMPILER, CupelCompiler)

G_END_DECLS
