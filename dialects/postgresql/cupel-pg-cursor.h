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
/* Within an operation: takes the block that was asked for ahead, for its stream. FALSE: the operation is over, because it was stopped
 * or the link is lost; a failure of the block itself is kept for the stream. */
gboolean           cupel_pg_cursor_take_ahead   (CupelPgConnection    *conn,
                                                 GError              **error);
/* A stream of what is there already. */
CupelDriverCursor *cupel_pg_cursor_new_buffered (CupelPgConnection    *conn,
                                                 GPtrArray            *blocks);   /* (transfer full) (nullable) */

G_END_DECLS
