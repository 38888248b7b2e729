/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define CUPEL_PG_TYPE_DIALECT (cupel_pg_dialect_get_type ())
G_DECLARE_FINAL_TYPE (CupelPgDialect, cupel_pg_dialect, CUPEL_PG, DIALECT, CupelDialect)

G_END_DECLS
