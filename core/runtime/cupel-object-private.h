/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* What g_object_unref () does, for objects of which many are let go of one after the other. */
void cupel_object_unref (gpointer object);

G_END_DECLS
