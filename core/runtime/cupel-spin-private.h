/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-wait.h"

G_BEGIN_DECLS

/* To sleep and be woken takes a thread longer than many a job that it sleeps for. So who has reason to think that what he waits for is a matter
 * of microseconds looks for it for a while first. On a busy machine, where the other one is not running, that is in vain and worse than
 * sleeping: who was wrong does without for a while, and for twice as long the next time. Several threads may share one: what they lose of each
 * other's experience does no harm. */
typedef struct
{
  guint rest;    /* how many times to do without */
  guint next;    /* when wrong once more */
} CupelSpin;

/* For how long, in microseconds: about what it takes to sleep and to be woken */
#define CUPEL_SPIN_TIME 50

/* Whether to spin this time. Never on a single processor: whom one waits for could not run meanwhile. */
gboolean cupel_spin_may            (CupelSpin       *self);
/* Until *@value is not 0. Returns whether it is. */
gboolean cupel_spin_for_int        (CupelSpin       *self,
                                    const int       *value);
/* Until @completion is done, or another fiber of this thread wants to run. Returns whether it is done. In a fiber. */
gboolean cupel_spin_for_completion (CupelSpin       *self,
                                    CupelCompletion *completion);

G_END_DECLS
