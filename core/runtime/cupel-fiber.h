/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/**
 * CupelFiberFunc: (skip)
 * @user_data: what was given to cupel_fiber_spawn()
 *
 * The body of a fiber. It may call anything that suspends.
 */
typedef void (*CupelFiberFunc) (gpointer user_data);

/**
 * CupelRunFunc: (skip)
 *
 * A function in straight lines, run in a fiber.
 *
 * Returns: %TRUE, or %FALSE with @error set
 */
typedef gboolean (*CupelRunFunc) (gpointer       user_data,
                                  GCancellable  *cancellable,
                                  GError       **error);

CUPEL_AVAILABLE_IN_1_0
gboolean cupel_in_fiber       (void);
CUPEL_AVAILABLE_IN_1_0
void     cupel_fiber_spawn    (GMainContext         *context,    /* NULL: the thread-default one */
                               CupelFiberFunc        func,
                               gpointer              user_data,
                               GDestroyNotify        destroy);   /* runs on the main stack */
CUPEL_AVAILABLE_IN_1_0
void     cupel_fiber_spawn_full (GMainContext       *context,
                               const char           *name,       /* static */
                               gsize                 stack_size, /* 0: the default, 256 KiB */
                               CupelFiberFunc        func,
                               gpointer              user_data,
                               GDestroyNotify        destroy);
CUPEL_AVAILABLE_IN_1_0
void     cupel_fiber_yield    (void);                            /* no-op outside a fiber */
CUPEL_AVAILABLE_IN_1_0
void     cupel_fiber_tick     (void);                            /* counts one ready await or row; yields when the slice (2 ms) is used up */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_fiber_sleep    (guint64               microseconds,
                               GCancellable         *cancellable,
                               GError              **error);

/* Runs @func on the main stack and comes back; outside a fiber it just calls it.
 * Code that the user wrote goes through here: signals, notify, property setters, vfuncs of scripts. */
CUPEL_AVAILABLE_IN_1_0
void     cupel_call_on_main_stack (CupelFiberFunc    func,
                               gpointer              user_data);

/* Starts @func in a fiber of the thread-default context; the callback runs on the main stack. */
CUPEL_AVAILABLE_IN_1_0
void     cupel_run_async      (CupelRunFunc          func,
                               gpointer              user_data,
                               GDestroyNotify        destroy,
                               GCancellable         *cancellable,
                               GAsyncReadyCallback   callback,
                               gpointer              callback_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_run_finish     (GAsyncResult         *result,
                               GError              **error);
/* In a fiber: calls @func. Outside a fiber and outside a dispatching loop: drives a private context until @func is
 * done. Outside a fiber while a loop dispatches on this thread: CUPEL_ERROR_MISSING_FIBER. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_run            (CupelRunFunc          func,
                               gpointer              user_data,
                               GCancellable         *cancellable,
                               GError              **error);

G_END_DECLS
