/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-engine.h"
#include "engine/cupel-frozen-result.h"
#include "orm/cupel-entity.h"

G_BEGIN_DECLS

/**
 * CupelSession:
 *
 * One transaction in progress, and the entities that it knows. It begins by itself, flushes before it queries, and keeps one object
 * per row. It belongs to the thread that made it, and to one operation at a time.
 *
 * Properties: engine, autoflush (TRUE), expire-on-commit (FALSE).
 */
#define CUPEL_TYPE_SESSION (cupel_session_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType cupel_session_get_type (void) G_GNUC_CONST;
#define CUPEL_SESSION(o)    (G_TYPE_CHECK_INSTANCE_CAST ((o), CUPEL_TYPE_SESSION, CupelSession))
#define CUPEL_IS_SESSION(o) (G_TYPE_CHECK_INSTANCE_TYPE ((o), CUPEL_TYPE_SESSION))
typedef struct { GObjectClass parent_class; } CupelSessionClass;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelSession, g_object_unref)

/**
 * CupelSessionFunc: (skip)
 *
 * Work with a session in straight lines, run in a fiber.
 */
typedef gboolean (*CupelSessionFunc) (CupelSession  *session,
                                      gpointer       user_data,
                                      GCancellable  *cancellable,
                                      GError       **error);

CUPEL_AVAILABLE_IN_1_0
CupelSession *cupel_session_new (CupelEngine *engine);
CUPEL_AVAILABLE_IN_1_0
CupelEngine *cupel_session_get_engine (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_get_autoflush (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_set_autoflush (CupelSession *session,
                                  gboolean autoflush);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_get_expire_on_commit (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_set_expire_on_commit (CupelSession *session,
                                         gboolean expire_on_commit);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_in_transaction (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
guint cupel_session_get_n_new (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
guint cupel_session_get_n_dirty (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
guint cupel_session_get_n_deleted (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
guint cupel_session_get_n_persistent (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_contains (CupelSession *session,
                                 CupelEntity *entity);
/* With what it refers to. Nothing is sent before a flush. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_add (CupelSession *session,
                            CupelEntity *entity,
                            GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_add_all (CupelSession *session,
                                CupelEntity **entities,
                                gsize n_entities,
                                GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_delete (CupelSession *session,
                               CupelEntity *entity,
                               GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_expunge (CupelSession *session,
                                CupelEntity *entity,
                                GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_expire_all (CupelSession *session);
/* Copies the entities of a frozen result into this session, without I/O: equal keys become one object. */
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_session_merge_frozen (CupelSession *session,
                                         CupelFrozenResult *frozen,
                                         GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_flush_async (CupelSession *session,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_flush_finish (CupelSession *session,
                                     GAsyncResult *result,
                                     GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_flush (CupelSession *session,
                              GCancellable *cancellable,
                              GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_begin_async (CupelSession *session,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_begin_finish (CupelSession *session,
                                     GAsyncResult *result,
                                     GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_begin (CupelSession *session,
                              GCancellable *cancellable,
                              GError **error);
/* The same with options of that one transaction */
CUPEL_AVAILABLE_IN_1_0
void cupel_session_begin_transaction_async (CupelSession *session,
                                            CupelIsolationLevel isolation,
                                            CupelBeginFlags flags,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback,
                                            gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_begin_transaction_finish (CupelSession *session,
                                                 GAsyncResult *result,
                                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_begin_transaction (CupelSession *session,
                                          CupelIsolationLevel isolation,
                                          CupelBeginFlags flags,
                                          GCancellable *cancellable,
                                          GError **error);
/* Flushes and sets a savepoint */
CUPEL_AVAILABLE_IN_1_0
void cupel_session_begin_nested_async (CupelSession *session,
                                       GCancellable *cancellable,
                                       GAsyncReadyCallback callback,
                                       gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_session_begin_nested_finish (CupelSession *session,
                                                     GAsyncResult *result,
                                                     GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_session_begin_nested (CupelSession *session,
                                              GCancellable *cancellable,
                                              GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelTransaction *cupel_session_get_nested_transaction (CupelSession *session);
/* @func in a nested transaction: committed after it, rolled back when it fails */
CUPEL_AVAILABLE_IN_1_0
void cupel_session_run_nested_async (CupelSession *session,
                                     CupelSessionFunc func,
                                     gpointer func_data,
                                     GDestroyNotify destroy,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_run_nested_finish (CupelSession *session,
                                          GAsyncResult *result,
                                          GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_run_nested (CupelSession *session,
                                   CupelSessionFunc func,
                                   gpointer func_data,
                                   GCancellable *cancellable,
                                   GError **error);
/* Which try of a function the session was made for, from 1 */
CUPEL_AVAILABLE_IN_1_0
guint cupel_session_get_attempt (CupelSession *session);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_commit_async (CupelSession *session,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_commit_finish (CupelSession *session,
                                      GAsyncResult *result,
                                      GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_commit (CupelSession *session,
                               GCancellable *cancellable,
                               GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_rollback_async (CupelSession *session,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_rollback_finish (CupelSession *session,
                                        GAsyncResult *result,
                                        GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_rollback (CupelSession *session,
                                 GCancellable *cancellable,
                                 GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_close_async (CupelSession *session,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_close_finish (CupelSession *session,
                                     GAsyncResult *result,
                                     GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_close (CupelSession *session,
                              GCancellable *cancellable,
                              GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_execute_async (CupelSession *session,
                                  CupelStatement *statement,
                                  CupelParameters *parameters,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_session_execute_finish (CupelSession *session,
                                           GAsyncResult *result,
                                           GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_session_execute (CupelSession *session,
                                    CupelStatement *statement,
                                    CupelParameters *parameters,
                                    GCancellable *cancellable,
                                    GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_scalars_async (CupelSession *session,
                                  CupelSelect *select,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_session_scalars_finish (CupelSession *session,
                                           GAsyncResult *result,
                                           GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelResult *cupel_session_scalars (CupelSession *session,
                                    CupelSelect *select,
                                    GCancellable *cancellable,
                                    GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_stream_async (CupelSession *session,
                                 CupelSelect *select,
                                 guint block_rows,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelStream *cupel_session_stream_finish (CupelSession *session,
                                          GAsyncResult *result,
                                          GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelStream *cupel_session_stream (CupelSession *session,
                                   CupelSelect *select,
                                   guint block_rows,
                                   GCancellable *cancellable,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_get_async (CupelSession *session,
                              GType type,
                              CupelValue *key,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gpointer cupel_session_get_finish (CupelSession *session,
                                   GAsyncResult *result,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
gpointer cupel_session_get (CupelSession *session,
                            GType type,
                            CupelValue *key,
                            GCancellable *cancellable,
                            GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_get_int64_async (CupelSession *session,
                                    GType type,
                                    gint64 key,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gpointer cupel_session_get_int64_finish (CupelSession *session,
                                         GAsyncResult *result,
                                         GError **error);
CUPEL_AVAILABLE_IN_1_0
gpointer cupel_session_get_int64 (CupelSession *session,
                                  GType type,
                                  gint64 key,
                                  GCancellable *cancellable,
                                  GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_refresh_async (CupelSession *session,
                                  CupelEntity *entity,
                                  const char *const *names,
                                  GCancellable *cancellable,
                                  GAsyncReadyCallback callback,
                                  gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_refresh_finish (CupelSession *session,
                                       GAsyncResult *result,
                                       GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_refresh (CupelSession *session,
                                CupelEntity *entity,
                                const char *const *names,
                                GCancellable *cancellable,
                                GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_session_connection_async (CupelSession *session,
                                     CupelIsolationLevel isolation,
                                     GCancellable *cancellable,
                                     GAsyncReadyCallback callback,
                                     gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_session_connection_finish (CupelSession *session,
                                                  GAsyncResult *result,
                                                  GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelConnection *cupel_session_connection (CupelSession *session,
                                           CupelIsolationLevel isolation,
                                           GCancellable *cancellable,
                                           GError **error);
/* @func in a fiber: synchronous-looking code on the loop */
CUPEL_AVAILABLE_IN_1_0
void cupel_session_run_async (CupelSession *session,
                              CupelSessionFunc func,
                              gpointer func_data,
                              GDestroyNotify destroy,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_run_finish (CupelSession *session,
                                   GAsyncResult *result,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_run (CupelSession *session,
                            CupelSessionFunc func,
                            gpointer func_data,
                            GCancellable *cancellable,
                            GError **error);

/**
 * CupelSessionFactory:
 *
 * Makes sessions with the same settings.
 *
 * Properties: engine, autoflush, expire-on-commit.
 */
#define CUPEL_TYPE_SESSION_FACTORY (cupel_session_factory_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_FINAL_TYPE (CupelSessionFactory, cupel_session_factory, CUPEL, SESSION_FACTORY, GObject)

CUPEL_AVAILABLE_IN_1_0
CupelSessionFactory *cupel_session_factory_new (CupelEngine *engine);
CUPEL_AVAILABLE_IN_1_0
CupelSession *cupel_session_factory_create (CupelSessionFactory *factory);
/* @func in a transaction, each time in a session of its own, until it gets through. @retry: (nullable) */
CUPEL_AVAILABLE_IN_1_0
void cupel_session_factory_run_transaction_async (CupelSessionFactory *factory,
                                                  CupelRetry *retry,
                                                  CupelSessionFunc func,
                                                  gpointer func_data,
                                                  GDestroyNotify destroy,
                                                  GCancellable *cancellable,
                                                  GAsyncReadyCallback callback,
                                                  gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_factory_run_transaction_finish (CupelSessionFactory *factory,
                                                       GAsyncResult *result,
                                                       GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_session_factory_run_transaction (CupelSessionFactory *factory,
                                                CupelRetry *retry,
                                                CupelSessionFunc func,
                                                gpointer func_data,
                                                GCancellable *cancellable,
                                                GError **error);

G_END_DECLS
