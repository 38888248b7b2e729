/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-driver.h"

G_BEGIN_DECLS

/* The hosts of a URL, what is known of them, and which one a new connection goes to. One thread uses it: the engine's. */
typedef struct _CupelHostList CupelHostList;

CupelHostList         *cupel_host_list_new     (CupelUrl               *url,
                                                CupelDriver            *driver,
                                                GError                **error);
void                   cupel_host_list_free    (CupelHostList          *self);
/* Suspends. */
CupelDriverConnection *cupel_host_list_connect (CupelHostList          *self,
                                                gint64                  timeout,      /* microseconds, of all there is to do */
                                                gint64                  deadline,
                                                GCancellable           *cancellable,
                                                GError                **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelHostList, cupel_host_list_free)

G_END_DECLS
