/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-wait.h"

G_BEGIN_DECLS

/* The numeric addresses of @host, in the order in which they are to be tried; (transfer full) (element-type utf8). Never empty.
 * Suspends. Fails with CUPEL_ERROR_CONNECTION when there are none. */
GPtrArray *cupel_resolve (const char    *host,
                          gint64         deadline,
                          GCancellable  *cancellable,
                          GError       **error);

G_END_DECLS
