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
#include "engine/cupel-frozen-result.h"
#include "engine/cupel-stream.h"
#include "engine/cupel-connection.h"
#include "engine/cupel-transaction.h"
#include "engine/cupel-retry.h"
#include "engine/cupel-engine.h"
#include "orm/cupel-mapping.h"
#include "orm/cupel-mapper.h"
#include "orm/cupel-collection.h"
#include "orm/cupel-entity.h"
#include "orm/cupel-loader.h"
#include "orm/cupel-session.h"
#undef CUPEL_INSIDE
