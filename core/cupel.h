/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

#define CUPEL_INSIDE
#include "runtime/cupel-visibility.h"
#include "runtime/cupel-error.h"
#include "runtime/cupel-fiber.h"
#include "runtime/cupel-await.h"
#include "runtime/cupel-task-group.h"
#include "runtime/cupel-plugin.h"
#include "sql/cupel-sql-type.h"
#include "sql/cupel-value.h"
#include "sql/cupel-expression.h"
#include "sql/cupel-schema.h"
#include "sql/cupel-statement.h"
#include "engine/cupel-url.h"
#include "engine/cupel-parameters.h"
#include "engine/cupel-result.h"
#include "engine/cupel-stream.h"
#include "engine/cupel-connection.h"
#include "engine/cupel-engine.h"
#undef CUPEL_INSIDE
