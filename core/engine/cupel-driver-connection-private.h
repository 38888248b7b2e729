/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-driver.h"

G_BEGIN_DECLS

/* Not known: it was being changed, or a reset may have restored it. No CupelIsolationLevel. */
#define CUPEL_ISOLATION_UNKNOWN -1

/* What a connection carries for those who lend and borrow it; drivers do not see it. */
typedef struct
{
  guint    process;     /* see cupel_fork_get_generation () */
  int      isolation;   /* what the driver was told last */
  gpointer place;       /* the pool's, borrowed; NULL: it is in none */
} CupelDriverConnectionPrivate;

CupelDriverConnectionPrivate *cupel_driver_connection_get_private (CupelDriverConnection *self);

G_END_DECLS
