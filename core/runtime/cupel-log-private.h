/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Structured logging under the domain "Cupel", with CUPEL_TOPIC= one of "sql", "pool", "plugin", "orm".
 * Costs nothing when nobody listens: test cupel_log_enabled () before formatting. */
typedef enum
{
  CUPEL_LOG_SQL,
  CUPEL_LOG_POOL,
  CUPEL_LOG_PLUGIN,
  CUPEL_LOG_ORM,
} CupelLogTopic;

gboolean cupel_log_enabled (CupelLogTopic  topic,
                            GLogLevelFlags level);

void cupel_log (CupelLogTopic   topic,
                GLogLevelFlags  level,
                const char     *format,
                ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
