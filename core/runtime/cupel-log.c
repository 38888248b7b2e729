/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-log-private.h"

static const char *const topics[] = { "sql", "pool", "plugin", "orm" };

gboolean
cupel_log_enabled (CupelLogTopic  topic,
                   GLogLevelFlags level)
{
  return !g_log_writer_default_would_drop (level, G_LOG_DOMAIN);
}

void
cupel_log (CupelLogTopic   topic,
           GLogLevelFlags  level,
           const char     *format,
           ...)
{
  GLogField fields[4];
  const char *priority;
  char *message;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);

  switch (level & G_LOG_LEVEL_MASK)
    {
    case G_LOG_LEVEL_ERROR:
      priority = "3";
      break;
    case G_LOG_LEVEL_CRITICAL:
    case G_LOG_LEVEL_WARNING:
      priority = "4";
      break;
    case G_LOG_LEVEL_MESSAGE:
      priority = "5";
      break;
    case G_LOG_LEVEL_INFO:
      priority = "6";
      break;
    default:
      priority = "7";
      break;
    }

  fields[0] = (GLogField) { "MESSAGE", message, -1 };
  fields[1] = (GLogField) { "PRIORITY", priority, -1 };
  fields[2] = (GLogField) { "GLIB_DOMAIN", G_LOG_DOMAIN, -1 };
  fields[3] = (GLogField) { "CUPEL_TOPIC", topics[topic], -1 };
  g_log_structured_array (level, fields, G_N_ELEMENTS (fields));
  g_free (message);
}
