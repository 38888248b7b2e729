/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-driver.h"
#include "runtime/cupel-fork-private.h"

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

/* As the public functions of these names, of what is known to be a connection: these are asked several times for each statement. */
static inline CupelTransactionStatus
cupel_driver_connection_ask_status (CupelDriverConnection *self)
{
  return CUPEL_DRIVER_CONNECTION_GET_CLASS (self)->get_status (self);
}

static inline gboolean
cupel_driver_connection_ask_inherited (CupelDriverConnection *self)
{
  return cupel_driver_connection_get_private (self)->process != cupel_fork_get_generation ();
}

static inline gboolean
cupel_driver_connection_ask_alive (CupelDriverConnection *self)
{
  return CUPEL_DRIVER_CONNECTION_GET_CLASS (self)->is_alive (self);
}

G_END_DECLS
