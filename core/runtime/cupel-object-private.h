/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* What g_object_unref () does, for objects of which many are let go of one after the other. */
void cupel_object_unref   (gpointer  object);

/* For the dispose () of a class below GObject: that of GObject, unless g_object_unref () will do all that by itself right after this. */
void cupel_object_dispose (GObject  *object);

G_END_DECLS
