/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

/* Marks in the timeline of Sysprof, for what takes time on behalf of the caller. A build without Sysprof has none of it; a process that is
 * not being profiled pays for a look at a variable of its thread. */

#ifdef CUPEL_HAVE_SYSPROF
#include <sysprof-capture.h>

#define CUPEL_PROFILE_BEGIN(mark) \
  const gint64 mark = sysprof_collector_is_active () ? SYSPROF_CAPTURE_CURRENT_TIME : 0

/* @name, a literal: what it was. @message: nullable. A bound value is in neither. */
#define CUPEL_PROFILE_END(mark, name, message) \
  G_STMT_START \
    { \
      if (G_UNLIKELY (mark != 0)) \
        sysprof_collector_mark (mark, SYSPROF_CAPTURE_CURRENT_TIME - mark, "Cupel", name, message); \
    } \
  G_STMT_END

#else
#define CUPEL_PROFILE_BEGIN(mark)               G_STMT_START { } G_STMT_END
#define CUPEL_PROFILE_END(mark, name, message)  G_STMT_START { } G_STMT_END
#endif
