/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-stack-private.h"

#include <sys/mman.h>
#include <unistd.h>

#define MIN_SIZE (32 * 1024)

/* Stacks are mapped some at a time, for a mapping and its end cost the system more than a short fiber costs. */
#define SLAB_STACKS 16

/* Where many fibers ran at once, many will: stacks that are taken again within this time, in microseconds, stay as they are. Some stay
 * anyhow. */
#define TRIM_INTERVAL G_USEC_PER_SEC
#define KEPT_STACKS (2 * SLAB_STACKS)

/* How many stacks are given back to the system until others have their turn, and for how long, in microseconds */
#define TRIM_STEP 512
#define TRIM_PAUSE 2000

/* Since Linux 6.13. Unlike mprotect() it splits no mapping, of which a process may have some ten thousands. */
#ifndef MADV_GUARD_INSTALL
# define MADV_GUARD_INSTALL 102
#endif

struct _CupelStack
{
  CupelStack       *next;       /* free in the slab */
  CupelStackSlab   *slab;
  gpointer          base;
  gsize             size;
  CupelContext      context;
  CupelContext     *caller;
  CupelContextFunc  func;
  gpointer          data;
  guint             valgrind_id;
  guint             started : 1;
};

struct _CupelStackSlab
{
  GList       link;             /* in the slabs of the pool, while a stack is free */
  gpointer    map;
  gsize       map_size;
  CupelStack *free;             /* the one that ran last is the first */
  guint       n_stacks;
  guint       n_free;
  guint       n_idle;           /* free ones that have memory */
  CupelStack  stacks[];
};

static gsize
get_page_size (void)
{
  static gsize page_size;

  if (g_once_init_enter (&page_size))
    g_once_init_leave (&page_size, (gsize) sysconf (_SC_PAGESIZE));

  return page_size;
}

static gboolean
guard (gpointer page)
{
  return madvise (page, get_page_size (), MADV_GUARD_INSTALL) == 0 || mprotect (page, get_page_size (), PROT_NONE) == 0;
}

static CupelStackSlab *
cupel_stack_slab_new (guint n_stacks,
                      gsize size)
{
  gsize step = get_page_size () + size;
  gsize map_size = n_stacks * step;
  char *map = mmap (NULL, map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  CupelStackSlab *self;

  if (map == MAP_FAILED)
    return NULL;
#ifdef MADV_NOHUGEPAGE
  /* A huge page would be that of several stacks, of each of which little is ever touched. */
  madvise (map, map_size, MADV_NOHUGEPAGE);
#endif
  for (guint i = 0; i < n_stacks; i++)
    if (!guard (map + i * step))
      {
        munmap (map, map_size);
        return NULL;
      }

  self = g_malloc0 (sizeof (CupelStackSlab) + n_stacks * sizeof (CupelStack));
  self->link.data = self;
  self->map = map;
  self->map_size = map_size;
  self->n_stacks = n_stacks;
  self->n_free = n_stacks;
  for (guint i = n_stacks; i-- > 0; )
    {
      CupelStack *stack = &self->stacks[i];

      stack->slab = self;
      stack->base = map + i * step + get_page_size ();
      stack->size = size;
      stack->next = self->free;
      self->free = stack;
    }

  return self;
}

/* It is to lose its memory, and with it the frame that it is parked in. */
static void
cupel_stack_stop (CupelStack *self)
{
  if (!self->started)
    return;
#ifdef CUPEL_HAVE_VALGRIND
  VALGRIND_STACK_DEREGISTER (self->valgrind_id);
#endif
#ifdef CUPEL_HAVE_ASAN
  __asan_unpoison_memory_region (self->base, self->size);
#endif
  cupel_context_clear (&self->context);
  self->started = FALSE;
}

static void
cupel_stack_slab_free (CupelStackSlab *self)
{
  for (guint i = 0; i < self->n_stacks; i++)
    cupel_stack_stop (&self->stacks[i]);
  munmap (self->map, self->map_size);
  g_free (self);
}

static CupelStack *
take (CupelStackPool *pool,
      CupelStackSlab *slab)
{
  CupelStack *stack = slab->free;

  slab->free = stack->next;
  if (--slab->n_free == 0)
    g_queue_unlink (&pool->slabs, &slab->link);
  if (stack->started)
    {
      slab->n_idle--;
      pool->n_idle--;
      pool->n_unneeded = MIN (pool->n_unneeded, pool->n_idle);
    }

  return stack;
}

/* What none is taken from while there is another, is the slab that can be given back as a whole: it comes last. */
static void
put_back (CupelStackPool *pool,
          CupelStack     *stack)
{
  CupelStackSlab *slab = stack->slab;

  stack->next = slab->free;
  slab->free = stack;
  slab->n_idle++;
  pool->n_idle++;
  if (slab->n_free++ > 0)
    {
      if (slab->n_free < slab->n_stacks)
        return;
      g_queue_unlink (&pool->slabs, &slab->link);
    }
  if (slab->n_free == slab->n_stacks)
    g_queue_push_tail_link (&pool->slabs, &slab->link);
  else
    g_queue_push_head_link (&pool->slabs, &slab->link);
}

CupelStack *
cupel_stack_pool_acquire (CupelStackPool *pool,
                          gsize           size)
{
  gsize page_size = get_page_size ();
  CupelStackSlab *slab;
  CupelStack *stack;

  if (size == 0)
    size = CUPEL_STACK_DEFAULT_SIZE;
  size = (size + page_size - 1) & ~(page_size - 1);
  size = MAX (size, MIN_SIZE);

  if (size != CUPEL_STACK_DEFAULT_SIZE)
    {
      if (!(slab = cupel_stack_slab_new (1, size)))
        return NULL;
      stack = slab->free;
    }
  else
    {
      if (pool->slabs.head == NULL)
        {
          if (!(slab = cupel_stack_slab_new (SLAB_STACKS, size)) && !(slab = cupel_stack_slab_new (1, size)))
            return NULL;
          g_queue_push_head_link (&pool->slabs, &slab->link);
        }
      stack = take (pool, pool->slabs.head->data);
    }

#ifdef CUPEL_HAVE_ASAN
  __lsan_register_root_region (stack->base, stack->size);
#endif

  return stack;
}

void
cupel_stack_pool_release (CupelStackPool *pool,
                          CupelStack     *stack,
                          gint64          now)
{
#ifdef CUPEL_HAVE_ASAN
  __lsan_unregister_root_region (stack->base, stack->size);
#endif

  if (stack->size != CUPEL_STACK_DEFAULT_SIZE)
    {
      cupel_stack_slab_free (stack->slab);
      return;
    }

  put_back (pool, stack);
  if (pool->trim_time == 0 && pool->n_idle > KEPT_STACKS)
    {
      pool->trim_time = now + TRIM_INTERVAL;
      pool->n_unneeded = pool->n_idle;
    }
}

/* Where a stack of the slab is in use, it is the pages of the others alone that can be given back. */
static guint
trim_slab (CupelStackPool *pool,
           CupelStackSlab *slab,
           guint           max)
{
  guint n = slab->n_idle;

  if (slab->n_free == slab->n_stacks && n <= max)
    {
      g_queue_unlink (&pool->slabs, &slab->link);
      cupel_stack_slab_free (slab);
    }
  else
    {
      n = 0;
      for (CupelStack *stack = slab->free; stack != NULL && n < max; stack = stack->next)
        if (stack->started)
          {
            cupel_stack_stop (stack);
            madvise (stack->base, stack->size, MADV_DONTNEED);
            n++;
          }
      slab->n_idle -= n;
    }

  pool->n_idle -= n;
  return n;
}

void
cupel_stack_pool_trim (CupelStackPool *pool,
                       gint64          now)
{
  guint n_unneeded = pool->n_unneeded > KEPT_STACKS ? pool->n_unneeded - KEPT_STACKS : 0;
  guint n_left = MIN (n_unneeded, TRIM_STEP);

  for (GList *l = pool->slabs.tail, *prev; l != NULL && n_left > 0; l = prev)
    {
      CupelStackSlab *slab = l->data;

      prev = l->prev;
      if (slab->n_idle > 0)
        n_left -= trim_slab (pool, slab, n_left);
    }

  if (n_unneeded > TRIM_STEP)
    {
      pool->trim_time = now + TRIM_PAUSE;
      pool->n_unneeded -= TRIM_STEP;
    }
  else
    {
      pool->trim_time = pool->n_idle > KEPT_STACKS ? now + TRIM_INTERVAL : 0;
      pool->n_unneeded = pool->n_idle;
    }
}

void
cupel_stack_pool_clear (CupelStackPool *pool)
{
  GList *l;

  while ((l = g_queue_pop_head_link (&pool->slabs)) != NULL)
    cupel_stack_slab_free (l->data);
  pool->n_idle = 0;
  pool->trim_time = 0;
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
#ifdef CUPEL_HAVE_VALGRIND
      self->valgrind_id = VALGRIND_STACK_REGISTER (self->base, (char *) self->base + self->size);
#endif
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
