/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What a statement may leave behind in its session beyond its transaction. */
typedef enum
{
  CUPEL_PG_TRACE_SETTINGS = 1 << 0,   /* SET, set_config () */
  CUPEL_PG_TRACE_LISTEN   = 1 << 1,
  CUPEL_PG_TRACE_TEMP     = 1 << 2,   /* temporary tables and the like */
  CUPEL_PG_TRACE_LOCKS    = 1 << 3,   /* advisory locks of the session */
  CUPEL_PG_TRACE_CURSORS  = 1 << 4,   /* WITH HOLD */
  CUPEL_PG_TRACE_PREPARED = 1 << 5,   /* PREPARE */
  CUPEL_PG_TRACE_OTHER    = 1 << 6,   /* no telling what: DO, CALL, a command that is not known */
  CUPEL_PG_TRACE_ALL      = (1 << 7) - 1,
} CupelPgTraces;

/* By the words of the statement: one too many costs a reset, one that hides in a function is not seen. */
guint       cupel_pg_traces_of          (const char  *sql);
/* For messages; NULL: none of those that have a name. */
const char *cupel_pg_traces_get_name    (guint        traces);

G_END_DECLS
