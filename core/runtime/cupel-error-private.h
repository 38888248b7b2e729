/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/* Adds to the message of an error that stays what it is. */
void cupel_error_append (GError     *error,
                         const char *format,
                         ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
