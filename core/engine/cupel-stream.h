/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-result.h"

G_BEGIN_DECLS

/**
 * CupelStream:
 *
 * Rows that arrive by bounded blocks while they are read. A consumer that is slow makes the server wait.
 * Close it, or read it to its end: a connection cannot commit before.
 */
#define CUPEL_TYPE_STREAM (cupel_stream_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelStream, cupel_stream, CUPEL, STREAM, GObject)

/* To the next row. TRUE: there is one; FALSE without an error: the end. Suspends only between blocks. */
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_step            (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GError              **error);
/* The accessors of the current row are those of CupelResult. */
CUPEL_AVAILABLE_IN_1_0
guint        cupel_stream_get_n_columns   (CupelStream          *self);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_stream_get_column_name (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_is_null         (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
gint64       cupel_stream_get_int64       (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
double       cupel_stream_get_double      (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_stream_get_string      (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
GDateTime   *cupel_stream_dup_datetime    (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
GBytes      *cupel_stream_dup_bytes       (CupelStream          *self,
                                           guint                 column);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_get_value       (CupelStream          *self,
                                           guint                 column,
                                           GValue               *value);
CUPEL_AVAILABLE_IN_1_0
CupelRow    *cupel_stream_dup_row         (CupelStream          *self);

/* The next entity, (transfer none) (nullable) (type GObject.Object); NULL without an error: the end. */
CUPEL_AVAILABLE_IN_1_0
gpointer     cupel_stream_next            (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GError              **error);
/* For scripts and whole-batch readers: the next block as a GListModel of entities, or as an array of rows; NULL at the end. */
CUPEL_AVAILABLE_IN_1_0
void         cupel_stream_next_list_async (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GAsyncReadyCallback   callback,
                                           gpointer              user_data);
CUPEL_AVAILABLE_IN_1_0
GListModel  *cupel_stream_next_list_finish (CupelStream         *self,
                                           GAsyncResult         *result,
                                           GError              **error);
CUPEL_AVAILABLE_IN_1_0
GListModel  *cupel_stream_next_list       (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GError              **error);
CUPEL_AVAILABLE_IN_1_0
void         cupel_stream_next_rows_async (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GAsyncReadyCallback   callback,
                                           gpointer              user_data);
CUPEL_AVAILABLE_IN_1_0
GPtrArray   *cupel_stream_next_rows_finish (CupelStream         *self,
                                           GAsyncResult         *result,
                                           GError              **error);
CUPEL_AVAILABLE_IN_1_0
GPtrArray   *cupel_stream_next_rows       (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GError              **error);
CUPEL_AVAILABLE_IN_1_0
void         cupel_stream_close_async     (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GAsyncReadyCallback   callback,
                                           gpointer              user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_close_finish    (CupelStream          *self,
                                           GAsyncResult         *result,
                                           GError              **error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_close           (CupelStream          *self,
                                           GCancellable         *cancellable,
                                           GError              **error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_has_entities    (CupelStream          *self);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_stream_is_closed       (CupelStream          *self);

G_END_DECLS
