/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-fiber.h"

G_BEGIN_DECLS

/**
 * CupelAwait: (skip)
 *
 * Awaits one GIO `_async` call from a fiber:
 *
 * |[<!-- language="C" -->
 *   g_autoptr(CupelAwait) await = cupel_await_new ();
 *   g_autoptr(GAsyncResult) result = NULL;
 *
 *   g_file_load_contents_async (file, cancellable, cupel_await_ready, cupel_await_ref (await));
 *   if (!(result = cupel_await_wait (await, cancellable, error)))
 *     return FALSE;
 *   return g_file_load_contents_finish (file, result, &text, &length, NULL, error);
 * ]|
 */
typedef struct _CupelAwait CupelAwait;

CUPEL_AVAILABLE_IN_1_0
CupelAwait   *cupel_await_new   (void);
CUPEL_AVAILABLE_IN_1_0
CupelAwait   *cupel_await_ref   (CupelAwait   *await);
CUPEL_AVAILABLE_IN_1_0
void          cupel_await_unref (CupelAwait   *await);
/* A GAsyncReadyCallback that takes over the reference given as its user_data. */
CUPEL_AVAILABLE_IN_1_0
void          cupel_await_ready (GObject      *source,
                                 GAsyncResult *result,
                                 gpointer      await);
/* Suspends until the callback came: its result (transfer full). A cancelled wait fails at once; the call itself ends when its own cancellable says so. */
CUPEL_AVAILABLE_IN_1_0
GAsyncResult *cupel_await_wait  (CupelAwait   *await,
                                 GCancellable *cancellable,
                                 GError      **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelAwait, cupel_await_unref)

G_END_DECLS
