/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-parameters.h"
#include "sql/cupel-compiler.h"

G_BEGIN_DECLS

/* The sets in the order of the binds of @compiled, every one present and valid. @parameters may be NULL.
 * *n_sets is 0 when there is nothing to bind and one execution is meant; the block is NULL then. */
gboolean cupel_parameters_bind (CupelParameters  *parameters,
                                CupelCompiled    *compiled,
                                CupelRowBlock   **sets,
                                guint            *n_sets,
                                GError          **error);

G_END_DECLS
