/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-dialect-class.h"
#include "engine/cupel-stream.h"

G_BEGIN_DECLS

/**
 * CupelConnection:
 *
 * A connection lent by an engine's pool. The first statement begins a transaction unless the isolation level is
 * AUTOCOMMIT; cupel_connection_commit() or cupel_connection_rollback() ends it; closing rolls back what was not committed.
 *
 * One operation at a time: a second one fails at once with CUPEL_ERROR_BUSY and the first is unharmed.
 * One thread: that of its engine.
 */
#define CUPEL_TYPE_CONNECTION (cupel_connection_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelConnection, cupel_connection, CUPEL, CONNECTION, GObject)

typedef struct _CupelEngine CupelEngine;
typedef struct _CupelTransaction CupelTransaction;

/**
 * CupelBeginFlags:
 * @CUPEL_BEGIN_NONE: as any other
 * @CUPEL_BEGIN_READ_ONLY: the server refuses to write in it
 * @CUPEL_BEGIN_DEFERRABLE: with read-only and SERIALIZABLE: it waits until it can run without a risk of losing a race. SQLite, which
 *   has no such risk, ignores it; MySQL and MariaDB refuse it with %CUPEL_ERROR_UNSUPPORTED
 *
 * How one transaction is to be.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_BEGIN_NONE       = 0,
  CUPEL_BEGIN_READ_ONLY  = 1 << 0,
  CUPEL_BEGIN_DEFERRABLE = 1 << 1,
} CupelBeginFlags;

#define CUPEL_TYPE_BEGIN_FLAGS (cupel_begin_flags_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType cupel_begin_flags_get_type (void) G_GNUC_CONST;

/**
 * CupelConnectionFunc: (skip)
 *
 * Work on a connection, run in a fiber.
 */
typedef gboolean (*CupelConnectionFunc) (CupelConnection  *connection,
                                         gpointer          user_data,
                                         GCancellable     *cancellable,
                                         GError          **error);

CUPEL_AVAILABLE_IN_1_0
CupelEngine *cupel_connection_get_engine (CupelConnection *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_in_transaction (CupelConnection *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_is_closed (CupelConnection *self);
/* The connection's link is lost, or an operation on it was interrupted: after closing, the pool makes a new one. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_is_invalidated (CupelConnection *self);

/* @parameters: (nullable): one set of values for the binds */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_execute_async (CupelConnection *self,
                                     CupelStatement *statement,
                                     CupelParameters *parameters,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_connection_execute_finish (CupelConnection *self,
                                               GAsyncResult *result,
                                               GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_connection_execute (CupelConnection *self,
                                        CupelStatement *statement,
                                        CupelParameters *parameters,
                                        GCancellable *cancellable,
                                        GError **error);
/* Each set of @parameters: one logical statement, in one transaction */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_execute_many_async (CupelConnection *self,
                                          CupelStatement *statement,
                                          CupelParameters *parameters,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_connection_execute_many_finish (CupelConnection *self,
                                                    GAsyncResult *result,
                                                    GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_connection_execute_many (CupelConnection *self,
                                             CupelStatement *statement,
                                             CupelParameters *parameters,
                                             GCancellable *cancellable,
                                             GError **error);
/* @block_rows: rows per block, 0 for the default */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_stream_async (CupelConnection *self,
                                    CupelStatement *statement,
                                    CupelParameters *parameters,
                                    guint block_rows,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelStream *cupel_connection_stream_finish (CupelConnection *self,
                                              GAsyncResult *result,
                                              GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelStream *cupel_connection_stream (CupelConnection *self,
                                       CupelStatement *statement,
                                       CupelParameters *parameters,
                                       guint block_rows,
                                       GCancellable *cancellable,
                                       GError **error);
/* Explicit begin; CUPEL_ERROR_BUSY... when one is open it is an error of the caller: CUPEL_ERROR_INVALID_ARGUMENT */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_begin_async (CupelConnection *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_begin_finish (CupelConnection *self,
                                        GAsyncResult *result,
                                        GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_begin (CupelConnection *self,
                                 GCancellable *cancellable,
                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_commit_async (CupelConnection *self,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_commit_finish (CupelConnection *self,
                                         GAsyncResult *result,
                                         GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_commit (CupelConnection *self,
                                  GCancellable *cancellable,
                                  GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_rollback_async (CupelConnection *self,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_rollback_finish (CupelConnection *self,
                                           GAsyncResult *result,
                                           GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_rollback (CupelConnection *self,
                                    GCancellable *cancellable,
                                    GError **error);
/* For one transaction: a level of its own, read-only, deferrable. Begins by hand, as cupel_connection_begin () does. */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_begin_transaction_async (CupelConnection *self,
                                               CupelIsolationLevel isolation,
                                               CupelBeginFlags flags,
                                               GCancellable *cancellable,
                                               GAsyncReadyCallback callback,
                                               gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_connection_begin_transaction_finish (CupelConnection *self,
                                                             GAsyncResult *result,
                                                             GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_connection_begin_transaction (CupelConnection *self,
                                                      CupelIsolationLevel isolation,
                                                      CupelBeginFlags flags,
                                                      GCancellable *cancellable,
                                                      GError **error);
/* A savepoint. Without a transaction one begins. */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_begin_nested_async (CupelConnection *self,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback,
                                          gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_connection_begin_nested_finish (CupelConnection *self,
                                                        GAsyncResult *result,
                                                        GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_connection_begin_nested (CupelConnection *self,
                                                 GCancellable *cancellable,
                                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_connection_get_transaction (CupelConnection *self);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_connection_get_nested_transaction (CupelConnection *self);
/* @func in a block: committed after it, rolled back when it fails (its error is the one reported) */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_run_transaction_async (CupelConnection *self,
                                             CupelIsolationLevel isolation,
                                             CupelBeginFlags flags,
                                             CupelConnectionFunc func,
                                             gpointer func_data,
                                             GDestroyNotify destroy,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback,
                                             gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_run_transaction_finish (CupelConnection *self,
                                                  GAsyncResult *result,
                                                  GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_run_transaction (CupelConnection *self,
                                           CupelIsolationLevel isolation,
                                           CupelBeginFlags flags,
                                           CupelConnectionFunc func,
                                           gpointer func_data,
                                           GCancellable *cancellable,
                                           GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_run_nested_async (CupelConnection *self,
                                        CupelConnectionFunc func,
                                        gpointer func_data,
                                        GDestroyNotify destroy,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_run_nested_finish (CupelConnection *self,
                                             GAsyncResult *result,
                                             GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_run_nested (CupelConnection *self,
                                      CupelConnectionFunc func,
                                      gpointer func_data,
                                      GCancellable *cancellable,
                                      GError **error);
/* Seconds; 0: none */
CUPEL_AVAILABLE_IN_1_0
double cupel_connection_get_statement_timeout (CupelConnection *self);
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_set_statement_timeout (CupelConnection *self,
                                             double seconds);
/* Before the first statement of a transaction; undone when the connection goes back */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_set_isolation_level_async (CupelConnection *self,
                                                 CupelIsolationLevel level,
                                                 GCancellable *cancellable,
                                                 GAsyncReadyCallback callback,
                                                 gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_set_isolation_level_finish (CupelConnection *self,
                                                      GAsyncResult *result,
                                                      GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_set_isolation_level (CupelConnection *self,
                                               CupelIsolationLevel level,
                                               GCancellable *cancellable,
                                               GError **error);
/* Rolls back what is open and returns it to the pool; idempotent; not cancellable in its effect */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_close_async (CupelConnection *self,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_close_finish (CupelConnection *self,
                                        GAsyncResult *result,
                                        GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_close (CupelConnection *self,
                                 GCancellable *cancellable,
                                 GError **error);
/* Tables of @metadata that do not exist, parents first; one existence query */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_create_all_async (CupelConnection *self,
                                        CupelMetadata *metadata,
                                        GCancellable *cancellable,
                                        GAsyncReadyCallback callback,
                                        gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_create_all_finish (CupelConnection *self,
                                             GAsyncResult *result,
                                             GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_create_all (CupelConnection *self,
                                      CupelMetadata *metadata,
                                      GCancellable *cancellable,
                                      GError **error);
/* Tables of @metadata that exist, children first */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_drop_all_async (CupelConnection *self,
                                      CupelMetadata *metadata,
                                      GCancellable *cancellable,
                                      GAsyncReadyCallback callback,
                                      gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_drop_all_finish (CupelConnection *self,
                                           GAsyncResult *result,
                                           GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_drop_all (CupelConnection *self,
                                    CupelMetadata *metadata,
                                    GCancellable *cancellable,
                                    GError **error);

/* @func in a fiber, with the connection held for it */
CUPEL_AVAILABLE_IN_1_0
void cupel_connection_run_async (CupelConnection *self,
                                 CupelConnectionFunc func,
                                 gpointer func_data,
                                 GDestroyNotify destroy,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_connection_run_finish (CupelConnection *self,
                                      GAsyncResult *result,
                                      GError **error);

G_END_DECLS
