/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-connection.h"

G_BEGIN_DECLS

#define CUPEL_PG_TYPE_CURSOR (cupel_pg_cursor_get_type ())
G_DECLARE_FINAL_TYPE (CupelPgCursor, cupel_pg_cursor, CUPEL_PG, CURSOR, CupelDriverCursor)

/* Whether DECLARE takes this statement: it only reads. */
gboolean           cupel_pg_cursor_is_possible  (const CupelCompiled  *compiled);
/* Within an operation: the cursor and its first block in one round trip. Fills @reply. */
gboolean           cupel_pg_cursor_open         (CupelPgConnection    *conn,
                                                 const CupelRequest   *request,
                                                 CupelReply           *reply,
                                                 GError              **error);
/* A stream of what is there already. */
CupelDriverCursor *cupel_pg_cursor_new_buffered (CupelPgConnection    *conn,
                                                 GPtrArray            *blocks);   /* (transfer full) (nullable) */

G_END_DECLS
