/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-pool.h"

G_BEGIN_DECLS

typedef enum
{
  CUPEL_RELEASE_NONE              = 0,
  CUPEL_RELEASE_FORCE_RESET       = 1 << 0,  /* cursors may be open although the server says that it is idle */
  CUPEL_RELEASE_RESTORE_ISOLATION = 1 << 1,  /* it was changed */
  CUPEL_RELEASE_BROKEN            = 1 << 3,  /* to be ended, whatever the driver says */
  CUPEL_RELEASE_DETACHED          = 1 << 2,  /* must not suspend, even in a fiber */
} CupelReleaseFlags;

void  cupel_pool_release_full   (CupelPool              *self,
                                 CupelDriverConnection  *connection,   /* (transfer full) */
                                 CupelReleaseFlags       flags);

G_END_DECLS
