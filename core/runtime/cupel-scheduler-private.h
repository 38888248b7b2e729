/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-fiber.h"
#include "runtime/cupel-stack-private.h"

G_BEGIN_DECLS

/* One scheduler per GMainContext runs the fibers of that context from one GSource. */
typedef struct _CupelScheduler CupelScheduler;
typedef struct _CupelFiber CupelFiber;

/* A fiber may hold the loop for as long, in microseconds. */
#define CUPEL_SLICE 2000

typedef enum
{
  CUPEL_PARK_READY,
  CUPEL_PARK_TIMEOUT,
  CUPEL_PARK_CANCELLED,
  CUPEL_PARK_FORBIDDEN,   /* a caller's bug, already reported by g_critical () */
} CupelParkResult;

/* The scheduler of a context that the caller keeps alive. */
CupelScheduler  *cupel_scheduler_get         (GMainContext     *context);
/* With NULL, that of the thread-default context. A fiber of a context that is being destroyed stays with it. */
CupelScheduler  *cupel_scheduler_get_for_caller (GMainContext  *context);
/* NULL when the context is being destroyed. */
GMainContext    *cupel_scheduler_get_context (CupelScheduler   *self);
guint            cupel_scheduler_get_n_fibers (CupelScheduler  *self);
void             cupel_scheduler_spawn       (CupelScheduler   *self,
                                              const char       *name,
                                              gsize             stack_size,
                                              CupelFiberFunc    func,
                                              gpointer          user_data,
                                              GDestroyNotify    destroy);
/* Runs what is runnable, for one slice, from the dispatch function of a source of the context. Does nothing and returns FALSE while sources of a
 * lower priority come first. */
gboolean         cupel_scheduler_dispatch    (CupelScheduler   *self);
/* From now on no wait suspends: each fails with CANCELLED, so that the fibers come to their ends. Runs them until they have. */
void             cupel_scheduler_close       (CupelScheduler   *self);

/* The fiber on whose stack the caller runs; NULL outside, and in what a main loop nested in a fiber dispatches. */
CupelFiber      *cupel_fiber_get_current     (void);
CupelScheduler  *cupel_fiber_get_scheduler   (CupelFiber       *fiber);
void             cupel_fiber_get_stack       (CupelFiber       *fiber,
                                              gpointer         *base,
                                              gsize            *size);

/* Suspends the current fiber until *@done, which someone sets (atomically) before cupel_fiber_wake (). A wait that is done wins over the rest.
 * @done may be NULL. */
CupelParkResult  cupel_fiber_park            (CupelFiber       *fiber,
                                              const int        *done,
                                              gint64            deadline,
                                              GCancellable     *cancellable);
/* Any thread, any number of times; the caller knows that @fiber is alive. */
void             cupel_fiber_wake            (CupelFiber       *fiber);
/* Sets @error and returns FALSE unless @result is READY. */
gboolean         cupel_park_result_check     (CupelParkResult   result,
                                              GError          **error);
/* Sets CUPEL_ERROR_MISSING_FIBER for a function that has no blocking form. */
void             cupel_set_error_not_in_fiber (GError         **error,
                                              const char       *function);

G_END_DECLS
