/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-conformance-private.h"

G_BEGIN_DECLS

void conformance_add (const char           *name,
                      const char           *description,
                      CupelCapabilities     required,
                      CupelConformanceFunc  func,
                      gpointer              user_data);

/* one per file */
void conformance_add_async_orm (void);
void conformance_add_writeonly (void);
void conformance_add_basic     (void);
void conformance_add_gather    (void);
void conformance_add_forms     (void);
void conformance_add_streaming (void);
void conformance_add_misuse    (void);
void conformance_add_errors    (void);
void conformance_add_transactions (void);

G_END_DECLS
