/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define CUPEL_SQLITE_TYPE_DRIVER (cupel_sqlite_driver_get_type ())
G_DECLARE_FINAL_TYPE (CupelSqliteDriver, cupel_sqlite_driver, CUPEL_SQLITE, DRIVER, CupelDriver)

G_END_DECLS
