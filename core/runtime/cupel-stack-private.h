/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-context-private.h"

G_BEGIN_DECLS

#define CUPEL_STACK_DEFAULT_SIZE (256 * 1024)

/* A stack with a guard page below it. Between two uses it stays parked in its own outermost frame, so that the next use is
 * one switch. */
typedef struct _CupelStack CupelStack;

/* Some of the default size that were mapped as one */
typedef struct _CupelStackSlab CupelStackSlab;

/* Spares of the default size. Used by one thread. */
typedef struct
{
  GQueue slabs;           /* with a free stack; last come those without any other */
  guint  n_idle;          /* free ones that have memory */
  guint  n_unneeded;      /* the fewest of them that there were since the time to trim was set */
  gint64 trim_time;       /* 0: there is nothing to trim */
} CupelStackPool;

CupelStack *cupel_stack_pool_acquire (CupelStackPool   *pool,
                                      gsize             size);      /* NULL when the system has no more */
void        cupel_stack_pool_release (CupelStackPool   *pool,
                                      CupelStack       *stack,
                                      gint64            now);
/* At the trim time: gives memory back that was not needed lately. A little at a time: there may be a new trim time at once. */
void        cupel_stack_pool_trim    (CupelStackPool   *pool,
                                      gint64            now);
void        cupel_stack_pool_clear   (CupelStackPool   *pool);

/* From @caller: runs @func on the stack, or goes on where it left; back at the next cupel_stack_exit () or when @func returns. */
void        cupel_stack_enter        (CupelStack       *self,
                                      CupelContext     *caller,
                                      CupelContextFunc  func,
                                      gpointer          data);
void        cupel_stack_exit         (CupelStack       *self);
void        cupel_stack_get_bounds   (CupelStack       *self,
                                      gpointer         *base,
                                      gsize            *size);

G_END_DECLS
