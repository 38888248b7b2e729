/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-connection.h"
#include "engine/cupel-pool.h"
#include "engine/cupel-retry.h"

G_BEGIN_DECLS

/**
 * CupelEngine:
 *
 * A database, named by a URL: its dialect, its driver, its pool and its cache of compiled statements. Making one does no I/O.
 * It belongs to the thread that made it.
 *
 * Signals, emitted on the main stack: ::connected (), ::checkout (), ::checkin (), ::invalidated (),
 * ::before-execute (sql: string, n_sets: uint) and
 * ::execute (sql: string, n_sets: uint, cache_hit: boolean, duration: int64 us, error: GError) around each statement,
 * ::begin (), ::commit (), ::rollback (), ::savepoint (name), ::release-savepoint (name), ::rollback-savepoint (name).
 *
 * Properties: url (construct only), echo (boolean), echo-values (boolean: bound values in the log, off), pool-size, max-overflow,
 * pool-timeout (seconds, double), pool-recycle, pool-max-lifetime, pool-pre-ping, pool-ping-timeout, pool-ping-idle, pool-lifo,
 * pool-reset-on-return, pool-name (string, NULL: the driver's choice), statement-cache-size (500; 0: off), isolation-level,
 * statement-timeout (seconds, double; 0: none). The pool's are taken when it is first used.
 */
#define CUPEL_TYPE_ENGINE (cupel_engine_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelEngine, cupel_engine, CUPEL, ENGINE, GObject)

/* Loads the dialect (and driver) that the URL names; no I/O beyond that. */
CUPEL_AVAILABLE_IN_1_0
CupelEngine *cupel_engine_new (const char *url,
                               GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelUrl *cupel_engine_get_url (CupelEngine *self);
CUPEL_AVAILABLE_IN_1_0
CupelDialect *cupel_engine_get_dialect (CupelEngine *self);
CUPEL_AVAILABLE_IN_1_0
const char *cupel_engine_get_driver_name (CupelEngine *self);
/* (nullable) before the first use */
CUPEL_AVAILABLE_IN_1_0
CupelPool *cupel_engine_get_pool (CupelEngine *self);
/* CUPEL_CAP_NONE before the first connection */
CUPEL_AVAILABLE_IN_1_0
CupelCapabilities cupel_engine_get_capabilities (CupelEngine *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_get_echo (CupelEngine *self);
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_set_echo (CupelEngine *self,
                            gboolean echo);
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_get_cache_stats (CupelEngine *self,
                                   guint64 *hits,
                                   guint64 *misses);

CUPEL_AVAILABLE_IN_1_0
void cupel_engine_connect_async (CupelEngine *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_engine_connect_finish (CupelEngine *self,
                                               GAsyncResult *result,
                                               GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_engine_connect (CupelEngine *self,
                                        GCancellable *cancellable,
                                        GError **error);
/* The same, noting where */
CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_engine_connect_at (CupelEngine *self,
                                           const char *site,
                                           GCancellable *cancellable,
                                           GError **error);
#ifdef CUPEL_TRACE_LEASES
# define cupel_engine_connect(self, cancellable, error) cupel_engine_connect_at ((self), G_STRLOC, (cancellable), (error))
#endif
/* The same for languages in which connect () is about signals */
CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_engine_connect_sync (CupelEngine *self,
                                            GCancellable *cancellable,
                                            GError **error);
/* A connection, a transaction, @func, commit; rollback when @func fails (its error is the one reported); always returned. */
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_begin_async (CupelEngine *self,
                               CupelConnectionFunc func,
                               gpointer func_data,
                               GDestroyNotify destroy,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_begin_finish (CupelEngine *self,
                                    GAsyncResult *result,
                                    GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_begin (CupelEngine *self,
                             CupelConnectionFunc func,
                             gpointer func_data,
                             GCancellable *cancellable,
                             GError **error);
/* The same, run again from the beginning, each time on a connection of its own, when it lost a race. @retry: (nullable) */
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_run_transaction_async (CupelEngine *self,
                                         CupelRetry *retry,
                                         CupelConnectionFunc func,
                                         gpointer func_data,
                                         GDestroyNotify destroy,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback,
                                         gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_run_transaction_finish (CupelEngine *self,
                                              GAsyncResult *result,
                                              GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_run_transaction (CupelEngine *self,
                                       CupelRetry *retry,
                                       CupelConnectionFunc func,
                                       gpointer func_data,
                                       GCancellable *cancellable,
                                       GError **error);
/* Both in a transaction of their own */
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_create_all_async (CupelEngine *self,
                                    CupelMetadata *metadata,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_create_all_finish (CupelEngine *self,
                                         GAsyncResult *result,
                                         GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_create_all (CupelEngine *self,
                                  CupelMetadata *metadata,
                                  GCancellable *cancellable,
                                  GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_drop_all_async (CupelEngine *self,
                                  CupelMetadata *metadata,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_drop_all_finish (CupelEngine *self,
                                       GAsyncResult *result,
                                       GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_drop_all (CupelEngine *self,
                                CupelMetadata *metadata,
                                GCancellable *cancellable,
                                GError **error);
/* Every connection made before now is replaced */
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_invalidate_pool (CupelEngine *self);
/* Waits for what is lent, and closes all */
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_drain_async (CupelEngine *self,
                               double timeout,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_drain_finish (CupelEngine *self,
                                    GAsyncResult *result,
                                    GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_drain (CupelEngine *self,
                             double timeout,
                             GCancellable *cancellable,
                             GError **error);
/* Closes every idle connection; lent ones end when they come back; the engine may be used again */
CUPEL_AVAILABLE_IN_1_0
void cupel_engine_dispose_async (CupelEngine *self,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_dispose_finish (CupelEngine *self,
                                      GAsyncResult *result,
                                      GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_engine_dispose (CupelEngine *self,
                               GCancellable *cancellable,
                               GError **error);

G_END_DECLS
