/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-row-private.h"
#include "engine/cupel-stream.h"

G_BEGIN_DECLS

/* Makes the entities of one block: an array that owns one reference of each. In a fiber; it may suspend and use the connection. */
typedef GPtrArray *(*CupelStreamMaterialize) (CupelRowBlock  *block,
                                              gpointer        user_data,
                                              GCancellable   *cancellable,
                                              GError        **error);

/* Takes the cursor (or the blocks, when the driver had no cursor) and names out of @reply. @connection: a CupelConnection. */
CupelStream *cupel_stream_new_from_reply (gpointer                connection,
                                          CupelCompiled          *compiled,
                                          CupelReply             *reply);
/* Before the first block is read. */
void         cupel_stream_set_materialize (CupelStream           *self,
                                          GType                   item_type,
                                          CupelStreamMaterialize  materialize,
                                          gpointer                user_data,
                                          GDestroyNotify          destroy);
/* For the connection, inside of an operation of its own: ends the stream; later reads fail with CLOSED.
 * @polite: FALSE: the link is gone, or going to be reset. */
gboolean     cupel_stream_end            (CupelStream            *self,
                                          gboolean                polite,
                                          gint64                  deadline,
                                          GError                **error);

G_END_DECLS
