/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-deadlines-private.h"

static inline void
place (CupelDeadlines *self,
       CupelDeadline  *deadline,
       guint           index)
{
  self->items[index] = deadline;
  deadline->index = index;
}

static void
sift_up (CupelDeadlines *self,
         CupelDeadline  *deadline,
         guint           index)
{
  while (index > 1 && self->items[index / 2]->time > deadline->time)
    {
      place (self, self->items[index / 2], index);
      index /= 2;
    }
  place (self, deadline, index);
}

static void
sift_down (CupelDeadlines *self,
           CupelDeadline  *deadline,
           guint           index)
{
  for (;;)
    {
      guint child = index * 2;

      if (child > self->n_items)
        break;
      if (child < self->n_items && self->items[child + 1]->time < self->items[child]->time)
        child++;
      if (self->items[child]->time >= deadline->time)
        break;
      place (self, self->items[child], index);
      index = child;
    }
  place (self, deadline, index);
}

void
cupel_deadlines_insert (CupelDeadlines *self,
                        CupelDeadline  *deadline,
                        gint64          time)
{
  g_assert (deadline->index == 0);

  if (self->n_items + 1 >= self->n_allocated)
    {
      self->n_allocated = MAX (16, self->n_allocated * 2);
      self->items = g_renew (CupelDeadline *, self->items, self->n_allocated);
    }
  deadline->time = time;
  sift_up (self, deadline, ++self->n_items);
}

void
cupel_deadlines_remove (CupelDeadlines *self,
                        CupelDeadline  *deadline)
{
  guint index = deadline->index;
  CupelDeadline *last;

  if (index == 0)
    return;

  deadline->index = 0;
  last = self->items[self->n_items--];
  if (last == deadline)
    return;

  if (index > 1 && self->items[index / 2]->time > last->time)
    sift_up (self, last, index);
  else
    sift_down (self, last, index);
}

CupelDeadline *
cupel_deadlines_peek (CupelDeadlines *self)
{
  return self->n_items > 0 ? self->items[1] : NULL;
}

void
cupel_deadlines_clear (CupelDeadlines *self)
{
  g_clear_pointer (&self->items, g_free);
  self->n_items = self->n_allocated = 0;
}
