/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-object-private.h"

/* The last GLib whose g_object_unref () was read. What a later one keeps of an object elsewhere than in its qdata is not known here. */
#define LAST_KNOWN_MINOR 74

typedef void (*Dispose) (GObject *object);

/* That of GObject */
static Dispose
get_dispose (void)
{
  static Dispose dispose;

  if (G_UNLIKELY (g_atomic_pointer_get (&dispose) == NULL))
    g_atomic_pointer_set (&dispose, G_OBJECT_CLASS (g_type_class_peek_static (G_TYPE_OBJECT))->dispose);
  return g_atomic_pointer_get (&dispose);
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

  if (glib_minor_version <= LAST_KNOWN_MINOR && klass->dispose == get_dispose () &&
      g_atomic_int_get (&object->ref_count) == 1 && g_atomic_pointer_get (&object->qdata) == NULL)
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

void
cupel_object_dispose (GObject *object)
{
  /* Signal handlers, closures and weak references go once more after dispose (), for somebody may have added some in it. One who calls
   * g_object_run_dispose () holds a reference, and so does that itself. */
  if (glib_minor_version > LAST_KNOWN_MINOR || g_atomic_int_get (&object->ref_count) > 1)
    get_dispose () (object);
}
