/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-sql-type.h"

G_BEGIN_DECLS

/* The shared type of a kind: needs no unref. */
CupelSqlType *cupel_sql_type_plain (CupelSqlKind        kind);
/* For messages. */
const char   *cupel_sql_kind_name  (CupelSqlKind        kind);
gboolean      cupel_sql_type_equal (const CupelSqlType *a,
                                     const CupelSqlType *b);

G_END_DECLS
