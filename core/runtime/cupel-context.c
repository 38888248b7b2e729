/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The checked longjmp() of glibc takes a jump to another stack for corruption. */
#undef _FORTIFY_SOURCE

#include "runtime/cupel-context-private.h"

#include <ucontext.h>

/* makecontext() and setcontext() enter a new stack, since they know the calling convention of every CPU; from then on
 * _setjmp() and _longjmp() switch, because swapcontext() costs two system calls for the signal mask each time.
 *
 * All functions here are kept out of line, so that no caller holds the address of a thread-local variable across a switch. */

#ifdef CUPEL_CONTEXT_UCONTEXT
# define DECLARE_RETURNED volatile gboolean returned = FALSE;
# define SAVE_ENV(env) (getcontext (&(env)) == 0 && !returned && (returned = TRUE))
# define JUMP_ENV(env) setcontext (&(env))
#else
# define DECLARE_RETURNED
# define SAVE_ENV(env) (_setjmp (env) == 0)
# define JUMP_ENV(env) _longjmp (env, 1)
#endif

typedef struct
{
  CupelContext     *from;
  CupelContext     *to;
  CupelContextFunc  func;
  gpointer          data;
} Start;

static inline __attribute__((always_inline)) void CUPEL_NO_SANITIZER
before_switch (CupelContext *from,
               CupelContext *to,
               gboolean      last)
{
#ifdef CUPEL_HAVE_ASAN
  __sanitizer_start_switch_fiber (last ? NULL : &from->fake_stack, to->stack_base, to->stack_size);
  if (last)
    from->fake_stack = NULL;
#endif
#ifdef CUPEL_HAVE_TSAN
  __tsan_switch_to_fiber (to->tsan_fiber, 0);
#endif
}

/* The very first thing on the other side. The bounds of the stack that was left are learned here: nobody knows those of the main stack. */
static inline __attribute__((always_inline)) void CUPEL_NO_SANITIZER
after_switch (CupelContext *self,
              CupelContext *from)
{
#ifdef CUPEL_HAVE_ASAN
  const void *base = NULL;
  gsize size = 0;

  __sanitizer_finish_switch_fiber (self->fake_stack, &base, &size);
  if (from != NULL)
    {
      from->stack_base = base;
      from->stack_size = size;
    }
#endif
}

void
cupel_context_init_caller (CupelContext *self)
{
#ifdef CUPEL_HAVE_ASAN
  self->fake_stack = NULL;
  self->stack_base = NULL;
  self->stack_size = 0;
#endif
#ifdef CUPEL_HAVE_TSAN
  self->tsan_fiber = __tsan_get_current_fiber ();
#endif
}

static void G_GNUC_NO_INLINE CUPEL_NO_SANITIZER
enter (guint high,
       guint low)
{
  Start *start = (Start *) (gsize) (((guint64) high << 32) | low);
  CupelContextFunc func;
  gpointer data;

  after_switch (start->to, start->from);
  func = start->func;
  data = start->data;
  func (data);

  g_assert_not_reached ();
}

void G_GNUC_NO_INLINE CUPEL_NO_SANITIZER
cupel_context_start (CupelContext     *from,
                     CupelContext     *to,
                     gpointer          stack_base,
                     gsize             stack_size,
                     CupelContextFunc  func,
                     gpointer          data)
{
  Start start = { from, to, func, data };
  ucontext_t context;
  DECLARE_RETURNED

#ifdef CUPEL_HAVE_ASAN
  to->fake_stack = NULL;
  to->stack_base = stack_base;
  to->stack_size = stack_size;
#endif
#ifdef CUPEL_HAVE_TSAN
  to->tsan_fiber = __tsan_create_fiber (0);
#endif

  if (getcontext (&context) != 0)
    g_assert_not_reached ();
  context.uc_link = NULL;
  context.uc_stack.ss_sp = stack_base;
  context.uc_stack.ss_size = stack_size;
  makecontext (&context, (void (*) (void)) enter, 2,
               (guint) ((guint64) (gsize) &start >> 32), (guint) (guint64) (gsize) &start);

  if (SAVE_ENV (from->env))
    {
      before_switch (from, to, FALSE);
      setcontext (&context);
      g_assert_not_reached ();
    }
  after_switch (from, NULL);
}

void G_GNUC_NO_INLINE CUPEL_NO_SANITIZER
cupel_context_switch (CupelContext *from,
                      CupelContext *to)
{
  DECLARE_RETURNED

  if (SAVE_ENV (from->env))
    {
      before_switch (from, to, FALSE);
      JUMP_ENV (to->env);
    }
  after_switch (from, NULL);
}

void G_GNUC_NO_INLINE CUPEL_NO_SANITIZER
cupel_context_leave (CupelContext *from,
                     CupelContext *to)
{
  DECLARE_RETURNED

  if (SAVE_ENV (from->env))
    {
      before_switch (from, to, TRUE);
      JUMP_ENV (to->env);
    }
  after_switch (from, NULL);
}

void
cupel_context_clear (CupelContext *self)
{
#ifdef CUPEL_HAVE_TSAN
  g_clear_pointer (&self->tsan_fiber, __tsan_destroy_fiber);
#endif
}
