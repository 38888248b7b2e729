/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-connection.h"

G_BEGIN_DECLS

/* In a fiber, between enter and leave. */
gboolean cupel_schema_create_all (CupelConnection  *connection,
                                  CupelMetadata    *metadata,
                                  GCancellable     *cancellable,
                                  GError          **error);
gboolean cupel_schema_drop_all   (CupelConnection  *connection,
                                  CupelMetadata    *metadata,
                                  GCancellable     *cancellable,
                                  GError          **error);

G_END_DECLS
