/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-spin-private.h"

#include "runtime/cupel-fiber-private.h"

/* How often to look before the clock is asked */
#define LOOKS 4

/* How many times to do without after being wrong */
#define MIN_REST 8
#define MAX_REST 4096

static inline void
relax (void)
{
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause ();
#elif defined(__aarch64__) || defined(__arm__)
  __asm__ volatile ("yield" ::: "memory");
#else
  __asm__ volatile ("" ::: "memory");
#endif
}

static gboolean
has_processors (void)
{
  static int n_processors;
  int n = g_atomic_int_get (&n_processors);

  if (G_UNLIKELY (n == 0))
    {
      n = (int) g_get_num_processors ();
      g_atomic_int_set (&n_processors, n);
    }

  return n > 1;
}

gboolean
cupel_spin_may (CupelSpin *self)
{
  const guint rest = __atomic_load_n (&self->rest, __ATOMIC_RELAXED);

  if (rest == 0)
    return has_processors ();
  __atomic_store_n (&self->rest, rest - 1, __ATOMIC_RELAXED);
  return FALSE;
}

static gboolean
end_spin (CupelSpin *self,
          gboolean   success)
{
  const guint next = __atomic_load_n (&self->next, __ATOMIC_RELAXED);

  if (success)
    {
      __atomic_store_n (&self->next, next / 2, __ATOMIC_RELAXED);
    }
  else
    {
      const guint rest = CLAMP (next, MIN_REST, MAX_REST);

      __atomic_store_n (&self->rest, rest, __ATOMIC_RELAXED);
      __atomic_store_n (&self->next, 2 * rest, __ATOMIC_RELAXED);
    }
  return success;
}

gboolean
cupel_spin_for_int (CupelSpin *self,
                    const int *value)
{
  const gint64 end = g_get_monotonic_time () + CUPEL_SPIN_TIME;

  do
    for (guint i = 0; i < LOOKS; i++)
      {
        if (g_atomic_int_get (value) != 0)
          return end_spin (self, TRUE);
        relax ();
      }
  while (g_get_monotonic_time () < end);

  return end_spin (self, FALSE);
}

gboolean
cupel_spin_for_completion (CupelSpin       *self,
                           CupelCompletion *completion)
{
  CupelFiber *fiber = cupel_fiber_get_current ();
  const gint64 end = g_get_monotonic_time () + CUPEL_SPIN_TIME;

  if (fiber == NULL)
    return FALSE;

  do
    for (guint i = 0; i < LOOKS; i++)
      {
        if (cupel_completion_is_done (completion))
          return end_spin (self, TRUE);
        relax ();
      }
  while (g_atomic_int_get (&cupel_fiber_get_scheduler (fiber)->n_queued) == 0 && g_get_monotonic_time () < end);

  return end_spin (self, FALSE);
}
