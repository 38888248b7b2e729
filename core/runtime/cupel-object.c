/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-object-private.h"

/* The last GLib whose g_object_unref () was read. What a later one keeps of an object elsewhere than in its qdata is not known here. */
#define LAST_KNOWN_MINOR 84

static gpointer
find_dispose (gpointer data)
{
  if (glib_minor_version > LAST_KNOWN_MINOR)
    return NULL;
  return (gpointer) G_OBJECT_CLASS (g_type_class_peek_static (G_TYPE_OBJECT))->dispose;
}

/* Whether the class leaves the end of its objects to GObject. */
static gboolean
is_plain (GObjectClass *klass)
{
  static GOnce once = G_ONCE_INIT;

  return (gpointer) klass->dispose == g_once (&once, find_dispose, NULL);
}

/* Before the last reference goes, g_object_unref () makes a queue for notifications, looks for weak references, closures and toggle
 * references, each under a lock, twice for some, and takes the queue away again: several times of what the object itself takes. All of
 * those are kept in qdata. Where that is empty, and the class has no dispose () of its own, nothing of it can have an effect but
 * for the handlers of signals. Who holds the only reference is alone with the object. */
void
cupel_object_unref (gpointer data)
{
  GObject *object = data;
  GObjectClass *klass = G_OBJECT_GET_CLASS (object);

  if (g_atomic_int_get (&object->ref_count) == 1 && g_atomic_pointer_get (&object->qdata) == NULL && is_plain (klass))
    {
      /* What they were connected with is let go: that is anybody's code, and may take the object for itself. */
      g_signal_handlers_destroy (object);
      if (g_atomic_pointer_get (&object->qdata) == NULL && g_atomic_int_compare_and_exchange ((int *) &object->ref_count, 1, 0))
        {
          klass->finalize (object);
          g_type_free_instance (&object->g_type_instance);
          return;
        }
    }
  g_object_unref (object);
}
