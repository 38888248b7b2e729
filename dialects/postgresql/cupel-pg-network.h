/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

#include <string.h>

G_BEGIN_DECLS

/* Numbers as they come from the server, aligned or not. */

static inline guint16
cupel_pg_get16 (const char *from)
{
  guint16 value;

  memcpy (&value, from, 2);
  return GUINT16_FROM_BE (value);
}

static inline guint32
cupel_pg_get32 (const char *from)
{
  guint32 value;

  memcpy (&value, from, 4);
  return GUINT32_FROM_BE (value);
}

static inline guint64
cupel_pg_get64 (const char *from)
{
  guint64 value;

  memcpy (&value, from, 8);
  return GUINT64_FROM_BE (value);
}

G_END_DECLS
