/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define CUPEL_PG_TYPE_COMPILER (cupel_pg_compiler_get_type ())
G_DECLARE_FINAL_TYPE (CupelPgCompiler, cupel_pg_compiler, CUPEL_PG, COMPILER, CupelCompiler)

G_END_DECLS
