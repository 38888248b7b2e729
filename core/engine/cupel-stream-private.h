/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-connection.h"
#include "engine/cupel-row-private.h"
#include "engine/cupel-stream.h"

G_BEGIN_DECLS

/* Makes the entities of one block: an array that owns one reference of each. In a fiber; it may suspend and use the connection. */
typedef GPtrArray *(*CupelStreamMaterialize) (CupelRowBlock  *block,
                                              gpointer        user_data,
                                              GCancellable   *cancellable,
                                              GError        **error);

struct _CupelStream
{
  GObject                parent_instance;

  CupelConnection       *connection;
  CupelRowShape         *shape;
  CupelDriverCursor     *cursor;        /* NULL: the driver had none, or the stream is over */
  GPtrArray             *waiting;       /* blocks that came without a cursor; nullable */
  guint                  n_taken;       /* of those */
  gboolean               over;          /* the end mark was seen, or it was closed */
  gboolean               cut_short;     /* by the end of its transaction: reading on is an error */
  gboolean               linked;        /* the connection knows it */

  CupelRowBlock         *block;
  guint                  row;           /* the next one to hand out */
  const CupelCell       *cells;         /* of the current row */

  GType                  item_type;     /* G_TYPE_INVALID: plain rows */
  CupelStreamMaterialize materialize;
  gpointer               materialize_data;
  GDestroyNotify         materialize_destroy;
  GPtrArray             *entities;      /* of the block */
  guint                  entity;        /* the next one to hand out */
};

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
