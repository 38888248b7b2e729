/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-stack-private.h"

#include <sys/mman.h>
#include <unistd.h>

#define MAX_HOT 16
#define MAX_COLD 240

/* What a parked stack needs: its outermost frame and that of the switch. */
#define PARKED_SIZE (16 * 1024)

struct _CupelStack
{
  CupelStack       *next;
  gpointer          map;         /* begins with the guard page */
  gsize             map_size;
  gpointer          base;
  gsize             size;
  CupelContext      context;
  CupelContext     *caller;
  CupelContextFunc  func;
  gpointer          data;
  guint             valgrind_id;
  guint             started : 1;
};

static gsize
get_page_size (void)
{
  static gsize page_size;

  if (g_once_init_enter (&page_size))
    g_once_init_leave (&page_size, (gsize) sysconf (_SC_PAGESIZE));

  return page_size;
}

static CupelStack *
cupel_stack_new (gsize size)
{
  gsize page_size = get_page_size ();
  gsize map_size = size + page_size;
  CupelStack *self;
  gpointer map;

  map = mmap (NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED)
    return NULL;
  if (mprotect (map, page_size, PROT_NONE) != 0)
    {
      munmap (map, map_size);
      return NULL;
    }

  self = g_new0 (CupelStack, 1);
  self->map = map;
  self->map_size = map_size;
  self->base = (char *) map + page_size;
  self->size = size;
#ifdef CUPEL_HAVE_VALGRIND
  self->valgrind_id = VALGRIND_STACK_REGISTER (self->base, (char *) self->base + size);
#endif

  return self;
}

static void
cupel_stack_free (CupelStack *self)
{
#ifdef CUPEL_HAVE_VALGRIND
  VALGRIND_STACK_DEREGISTER (self->valgrind_id);
#endif
#ifdef CUPEL_HAVE_ASAN
  __asan_unpoison_memory_region (self->base, self->size);
#endif
  cupel_context_clear (&self->context);
  munmap (self->map, self->map_size);
  g_free (self);
}

CupelStack *
cupel_stack_pool_acquire (CupelStackPool *pool,
                          gsize           size)
{
  gsize page_size = get_page_size ();
  CupelStack *stack;

  if (size == 0)
    size = CUPEL_STACK_DEFAULT_SIZE;
  size = (size + page_size - 1) & ~(page_size - 1);
  size = MAX (size, 2 * PARKED_SIZE);

  if (size == CUPEL_STACK_DEFAULT_SIZE && pool->hot != NULL)
    {
      stack = pool->hot;
      pool->hot = stack->next;
      pool->n_hot--;
    }
  else if (size == CUPEL_STACK_DEFAULT_SIZE && pool->cold != NULL)
    {
      stack = pool->cold;
      pool->cold = stack->next;
      pool->n_cold--;
    }
  else if (!(stack = cupel_stack_new (size)))
    return NULL;

#ifdef CUPEL_HAVE_ASAN
  __lsan_register_root_region (stack->base, stack->size);
#endif

  return stack;
}

void
cupel_stack_pool_release (CupelStackPool *pool,
                          CupelStack     *stack)
{
#ifdef CUPEL_HAVE_ASAN
  __lsan_unregister_root_region (stack->base, stack->size);
#endif

  if (stack->size != CUPEL_STACK_DEFAULT_SIZE)
    {
      cupel_stack_free (stack);
    }
  else if (pool->n_hot < MAX_HOT)
    {
      stack->next = pool->hot;
      pool->hot = stack;
      pool->n_hot++;
    }
  else if (pool->n_cold < MAX_COLD)
    {
      madvise (stack->base, stack->size - MAX (PARKED_SIZE, get_page_size ()), MADV_DONTNEED);
      stack->next = pool->cold;
      pool->cold = stack;
      pool->n_cold++;
    }
  else
    {
      cupel_stack_free (stack);
    }
}

static void
clear_list (CupelStack *list)
{
  while (list != NULL)
    {
      CupelStack *next = list->next;

      cupel_stack_free (list);
      list = next;
    }
}

void
cupel_stack_pool_clear (CupelStackPool *pool)
{
  clear_list (g_steal_pointer (&pool->hot));
  clear_list (g_steal_pointer (&pool->cold));
  pool->n_hot = pool->n_cold = 0;
}

/* The outermost function of every stack. It has no variables of its own that live while the stack is parked. */
static void CUPEL_NO_ASAN
cupel_stack_main (gpointer data)
{
  CupelStack *self = data;

  for (;;)
    {
      self->func (self->data);
      cupel_context_leave (&self->context, self->caller);
    }
}

void
cupel_stack_enter (CupelStack       *self,
                   CupelContext     *caller,
                   CupelContextFunc  func,
                   gpointer          data)
{
  self->caller = caller;
  self->func = func;
  self->data = data;
  if (G_LIKELY (self->started))
    {
      cupel_context_switch (caller, &self->context);
    }
  else
    {
      self->started = TRUE;
      cupel_context_start (caller, &self->context, self->base, self->size, cupel_stack_main, self);
    }
}

void
cupel_stack_exit (CupelStack *self)
{
  cupel_context_switch (&self->context, self->caller);
}

void
cupel_stack_get_bounds (CupelStack *self,
                        gpointer   *base,
                        gsize      *size)
{
  *base = self->base;
  *size = self->size;
}
