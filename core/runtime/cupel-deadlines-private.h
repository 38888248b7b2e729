/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A binary heap of deadlines that live in their waiters: a wait with a deadline allocates nothing. */
typedef struct
{
  gint64 time;
  guint  index;   /* from 1; 0: in no heap */
} CupelDeadline;

typedef struct
{
  CupelDeadline **items;   /* from 1 */
  guint           n_items;
  guint           n_allocated;
} CupelDeadlines;

void           cupel_deadlines_insert (CupelDeadlines *self,
                                       CupelDeadline  *deadline,
                                       gint64          time);
void           cupel_deadlines_remove (CupelDeadlines *self,
                                       CupelDeadline  *deadline);
CupelDeadline *cupel_deadlines_peek   (CupelDeadlines *self);
void           cupel_deadlines_clear  (CupelDeadlines *self);

G_END_DECLS
