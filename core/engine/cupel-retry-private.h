/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-retry.h"

G_BEGIN_DECLS

struct _CupelRetry
{
  GObject             parent_instance;

  guint               max_tries;
  gint64              time_limit;    /* microseconds, 0: none */
  gint64              first_delay;
  gint64              max_delay;
  CupelIsolationLevel isolation;
  CupelBeginFlags     flags;
};

/* One try, from borrowing a connection to giving it back. @attempt counts from 1. */
typedef gboolean (*CupelTryFunc) (CupelRetry    *retry,
                                  guint          attempt,
                                  gpointer       data,
                                  GCancellable  *cancellable,
                                  GError       **error);

/* In a fiber. */
gboolean cupel_retry_run (CupelRetry    *self,       /* nullable: the defaults */
                          CupelTryFunc   func,
                          gpointer       data,
                          GCancellable  *cancellable,
                          GError       **error);

G_END_DECLS
