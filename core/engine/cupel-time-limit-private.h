/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-fiber.h"

G_BEGIN_DECLS

/* A cancellable that is cancelled when a time has passed, or when the one that the caller gave is. On the stack of a fiber. */
typedef struct
{
  GCancellable *own;
  GCancellable *given;     /* nullable */
  gulong        given_id;
  GSource      *timer;
  gint64        length;
  gboolean      expired;
} CupelTimeLimit;

/* @length: microseconds, from now. Returns what the work is to be given. Every start needs its end. */
GCancellable *cupel_time_limit_start  (CupelTimeLimit  *self,
                                       gint64           length,
                                       GCancellable    *given);
/* TRUE: the time had passed before the end. */
gboolean      cupel_time_limit_end    (CupelTimeLimit  *self);
/* The same; an error that only says "cancelled", and that the limit is to blame for, becomes CUPEL_ERROR_TIMEOUT. */
void          cupel_time_limit_finish (CupelTimeLimit  *self,
                                       const char      *what,       /* "The statement" */
                                       const char      *which,      /* "statement-timeout" */
                                       GError         **error);

G_END_DECLS
