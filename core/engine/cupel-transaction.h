/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-connection.h"

G_BEGIN_DECLS

/**
 * CupelTransaction:
 *
 * A transaction of a connection, or a nested one within it: a savepoint. It is a handle: the transaction does not end when the handle is
 * dropped. Ending one ends those within it.
 */
#define CUPEL_TYPE_TRANSACTION (cupel_transaction_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelTransaction, cupel_transaction, CUPEL, TRANSACTION, GObject)

CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_transaction_get_connection (CupelTransaction *self);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_transaction_get_parent (CupelTransaction *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_transaction_is_nested (CupelTransaction *self);
/* Neither committed nor rolled back, nor ended with an outer one */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_transaction_is_active (CupelTransaction *self);
/* Which try this is, from 1, where the library runs a function again */
CUPEL_AVAILABLE_IN_1_0
guint cupel_transaction_get_attempt (CupelTransaction *self);

CUPEL_AVAILABLE_IN_1_0
void cupel_transaction_commit_async (CupelTransaction *self,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_transaction_commit_finish (CupelTransaction *self,
                                          GAsyncResult *result,
                                          GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_transaction_commit (CupelTransaction *self,
                                   GCancellable *cancellable,
                                   GError **error);
/* After the end it does nothing */
CUPEL_AVAILABLE_IN_1_0
void cupel_transaction_rollback_async (CupelTransaction *self,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_transaction_rollback_finish (CupelTransaction *self,
                                            GAsyncResult *result,
                                            GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_transaction_rollback (CupelTransaction *self,
                                     GCancellable *cancellable,
                                     GError **error);

G_END_DECLS
