/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-engine.h"

G_BEGIN_DECLS

/* A function of the user's that runs on a connection, and how; an asynchronous call owns a copy. */
typedef struct
{
  CupelConnectionFunc  func;
  gpointer             data;
  GDestroyNotify       destroy;
  CupelIsolationLevel  isolation;
  CupelBeginFlags      flags;
  CupelRetry          *retry;      /* nullable */
} CupelWork;

CupelWork *cupel_work_copy (const CupelWork *from);
void       cupel_work_free (gpointer         data);

G_END_DECLS
