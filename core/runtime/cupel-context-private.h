/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

#include "runtime/cupel-sanitizer-private.h"

G_BEGIN_DECLS

/* A place in a stack where execution can go on. Nothing here is thread-safe: a context is used by one thread. */

/* The sanitizers intercept longjmp() and take it for an unwinding of one stack. They leave setcontext() alone, and its price is nothing
 * beside theirs. */
#if defined (CUPEL_HAVE_ASAN) || defined (CUPEL_HAVE_TSAN)
# include <ucontext.h>
# define CUPEL_CONTEXT_UCONTEXT 1
typedef ucontext_t CupelContextEnv;
#else
# include <setjmp.h>
typedef jmp_buf CupelContextEnv;
#endif

typedef struct
{
  CupelContextEnv env;
#ifdef CUPEL_HAVE_ASAN
  void           *fake_stack;
  const void     *stack_base;
  gsize           stack_size;
#endif
#ifdef CUPEL_HAVE_TSAN
  void           *tsan_fiber;
#endif
} CupelContext;

typedef void (*CupelContextFunc) (gpointer data);

/* For the context of who calls cupel_context_start () or _switch () from a stack that was not made here. */
void cupel_context_init_caller (CupelContext     *self);

/* Saves the caller in @from and runs @func, which must never return, on the stack given. */
void cupel_context_start       (CupelContext     *from,
                                CupelContext     *to,
                                gpointer          stack_base,
                                gsize             stack_size,
                                CupelContextFunc  func,
                                gpointer          data);
/* Saves the caller in @from and goes on in @to. */
void cupel_context_switch      (CupelContext     *from,
                                CupelContext     *to);
/* The same when nothing that is on the stack of @from is needed any more but the frame of the caller. */
void cupel_context_leave       (CupelContext     *from,
                                CupelContext     *to);
/* The stack of @self is about to be unmapped. */
void cupel_context_clear       (CupelContext     *self);

G_END_DECLS
