/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The wider set, for those who write dialects, drivers, pools and loader strategies. It is stable within one plugin ABI major. */

#pragma once

#include "cupel.h"

#define CUPEL_INSIDE
#include "runtime/cupel-error-details.h"
#include "runtime/cupel-wait.h"
#include "sql/cupel-row-block.h"
#include "sql/cupel-compiler.h"
#include "engine/cupel-network-options.h"
#include "engine/cupel-driver.h"
#include "engine/cupel-threaded-connection.h"
#include "engine/cupel-dialect-class.h"
#include "engine/cupel-pool.h"
#undef CUPEL_INSIDE
