/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

#define CUPEL_PG_TYPE_DRIVER (cupel_pg_driver_get_type ())
G_DECLARE_FINAL_TYPE (CupelPgDriver, cupel_pg_driver, CUPEL_PG, DRIVER, CupelDriver)

G_END_DECLS
