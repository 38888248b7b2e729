/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-context-private.h"

G_BEGIN_DECLS

#define CUPEL_STACK_DEFAULT_SIZE (256 * 1024)

/* A stack with a guard page below it. Between two uses it stays parked in its own outermost frame, so that the next use is
 * one switch. */
typedef struct _CupelStack CupelStack;

/* Spares of the default size. Used by one thread. */
typedef struct
{
  CupelStack *hot;
  CupelStack *cold;   /* their pages were given back to the system */
  guint       n_hot;
  guint       n_cold;
} CupelStackPool;

CupelStack *cupel_stack_pool_acquire (CupelStackPool   *pool,
                                      gsize             size);      /* NULL when the system has no more */
void        cupel_stack_pool_release (CupelStackPool   *pool,
                                      CupelStack       *stack);
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
