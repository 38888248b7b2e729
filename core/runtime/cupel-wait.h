/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-fiber.h"

G_BEGIN_DECLS

/* For drivers: what a fiber can suspend on. Deadlines are g_get_monotonic_time() values; -1 means none.
 * A wait that fails sets G_IO_ERROR_CANCELLED or CUPEL_ERROR_TIMEOUT. */

#define CUPEL_NO_DEADLINE ((gint64) -1)

/**
 * CupelCompletion: (skip)
 *
 * Something that happens once: one fiber waits, any thread completes.
 */
typedef struct _CupelCompletion CupelCompletion;

CUPEL_AVAILABLE_IN_1_0
CupelCompletion *cupel_completion_new      (void);
CUPEL_AVAILABLE_IN_1_0
CupelCompletion *cupel_completion_ref      (CupelCompletion  *completion);
CUPEL_AVAILABLE_IN_1_0
void             cupel_completion_unref    (CupelCompletion  *completion);
CUPEL_AVAILABLE_IN_1_0
void             cupel_completion_complete (CupelCompletion  *completion);   /* idempotent, any thread */
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_completion_is_done  (CupelCompletion  *completion);
CUPEL_AVAILABLE_IN_1_0
gboolean         cupel_completion_wait     (CupelCompletion  *completion,
                                            gint64            deadline,
                                            GCancellable     *cancellable,
                                            GError          **error);
/* Makes it usable again; only when it is done and nobody waits. */
CUPEL_AVAILABLE_IN_1_0
void             cupel_completion_reset    (CupelCompletion  *completion);

/**
 * CupelIoWatch: (skip)
 *
 * A file descriptor that one fiber at a time waits for. It keeps its source attached to the context of the last waiter,
 * so that a round trip costs no source set-up. Free it before the descriptor is closed.
 */
typedef struct _CupelIoWatch CupelIoWatch;

CUPEL_AVAILABLE_IN_1_0
CupelIoWatch    *cupel_io_watch_new        (int               fd);
CUPEL_AVAILABLE_IN_1_0
void             cupel_io_watch_free       (CupelIoWatch     *watch);
CUPEL_AVAILABLE_IN_1_0
int              cupel_io_watch_get_fd     (CupelIoWatch     *watch);
/* Returns the conditions that hold (G_IO_HUP and G_IO_ERR may be among them), 0 with @error set on failure. */
CUPEL_AVAILABLE_IN_1_0
GIOCondition     cupel_io_watch_wait       (CupelIoWatch     *watch,
                                            GIOCondition      condition,
                                            gint64            deadline,
                                            GCancellable     *cancellable,
                                            GError          **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelCompletion, cupel_completion_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelIoWatch, cupel_io_watch_free)

G_END_DECLS
