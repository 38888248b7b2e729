/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Objects that are let go of have to end as g_object_unref () ends them, whatever hangs on them. */

#include "runtime/cupel-object-private.h"

/* Ends of objects, as they come: 'd' for dispose, 'f' for finalize, 'n' for a notification. */
static GString *ends;

typedef struct
{
  GObject parent_instance;
} Plain;

typedef struct
{
  GObjectClass parent_class;
} PlainClass;

GType plain_get_type (void);
G_DEFINE_TYPE (Plain, plain, G_TYPE_OBJECT)

static void
plain_finalize (GObject *object)
{
  g_string_append_c (ends, 'f');
  G_OBJECT_CLASS (plain_parent_class)->finalize (object);
}

static void
plain_class_init (PlainClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = plain_finalize;
  g_signal_new ("poked", plain_get_type (), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
plain_init (Plain *self)
{
}

/* One that has a dispose of its own, below a class that has none. */
typedef struct
{
  Plain    parent_instance;
  gboolean stays;
} Disposing;

typedef struct
{
  PlainClass parent_class;
} DisposingClass;

GType disposing_get_type (void);
G_DEFINE_TYPE (Disposing, disposing, plain_get_type ())

static Disposing *stayed;

static void
disposing_dispose (GObject *object)
{
  Disposing *self = (Disposing *) object;

  g_string_append_c (ends, 'd');
  if (self->stays)
    stayed = g_object_ref (self);
  self->stays = FALSE;
  G_OBJECT_CLASS (disposing_parent_class)->dispose (object);
}

static void
disposing_class_init (DisposingClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = disposing_dispose;
}

static void
disposing_init (Disposing *self)
{
}

static void
note (gpointer data)
{
  g_string_append_c (ends, 'n');
}

static void
check_ends (const char *expected)
{
  g_assert_cmpstr (ends->str, ==, expected);
  g_string_truncate (ends, 0);
}

static void
test_last (void)
{
  GObject *object = g_object_new (plain_get_type (), NULL);

  g_object_ref (object);
  cupel_object_unref (object);
  check_ends ("");
  cupel_object_unref (object);
  check_ends ("f");
}

static void
test_dispose (void)
{
  Disposing *object = g_object_new (disposing_get_type (), NULL);

  cupel_object_unref (object);
  check_ends ("df");

  object = g_object_new (disposing_get_type (), NULL);
  object->stays = TRUE;
  cupel_object_unref (object);
  check_ends ("d");
  g_assert_true (stayed == object);
  cupel_object_unref (g_steal_pointer (&stayed));
  check_ends ("df");
}

static void
on_weak (gpointer  data,
         GObject  *where)
{
  note (NULL);
}

static void
on_toggle (gpointer  data,
           GObject  *object,
           gboolean  is_last)
{
  g_string_append_c (ends, is_last ? 'l' : 'm');
}

static void
test_what_hangs_on_it (void)
{
  GObject *object = g_object_new (plain_get_type (), NULL);
  gpointer pointer;
  GWeakRef weak;

  g_object_set_data_full (object, "note", object, note);
  cupel_object_unref (object);
  check_ends ("fn");

  object = g_object_new (plain_get_type (), NULL);
  g_object_weak_ref (object, on_weak, NULL);
  cupel_object_unref (object);
  check_ends ("nf");

  object = pointer = g_object_new (plain_get_type (), NULL);
  g_object_add_weak_pointer (object, &pointer);
  cupel_object_unref (object);
  check_ends ("f");
  g_assert_null (pointer);

  object = g_object_new (plain_get_type (), NULL);
  g_weak_ref_init (&weak, object);
  cupel_object_unref (object);
  check_ends ("f");
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);

  object = g_object_new (plain_get_type (), NULL);
  g_object_add_toggle_ref (object, on_toggle, NULL);
  cupel_object_unref (object);
  check_ends ("l");
  g_object_remove_toggle_ref (object, on_toggle, NULL);
  check_ends ("f");
}

static void
on_poked (GObject *object)
{
  g_assert_not_reached ();
}

static void
on_closure_gone (gpointer  data,
                 GClosure *closure)
{
  note (NULL);
}

static void
hold_it (gpointer  data,
         GClosure *closure)
{
  note (NULL);
  stayed = g_object_ref (data);
}

static void
mark_it (gpointer  data,
         GClosure *closure)
{
  note (NULL);
  g_object_set_data_full (data, "note", data, note);
}

static void
test_handlers (void)
{
  GObject *object = g_object_new (plain_get_type (), NULL);

  g_signal_connect_data (object, "poked", G_CALLBACK (on_poked), NULL, on_closure_gone, 0);
  cupel_object_unref (object);
  check_ends ("nf");

  /* What goes with the handler may take the object, */
  object = g_object_new (plain_get_type (), NULL);
  g_signal_connect_data (object, "poked", G_CALLBACK (on_poked), object, hold_it, 0);
  cupel_object_unref (object);
  check_ends ("n");
  g_assert_true ((gpointer) stayed == object);
  cupel_object_unref (g_steal_pointer (&stayed));
  check_ends ("f");

  /* or hang something on it. */
  object = g_object_new (plain_get_type (), NULL);
  g_signal_connect_data (object, "poked", G_CALLBACK (on_poked), object, mark_it, 0);
  cupel_object_unref (object);
  check_ends ("nfn");
}

static gpointer
unref_many (gpointer objects)
{
  for (GObject **object = objects; *object != NULL; object++)
    cupel_object_unref (*object);
  return NULL;
}

/* Whoever is last ends it. */
static void
test_threads (void)
{
  enum { N = 1000 };
  GObject *objects[N + 1] = { NULL, };
  GThread *thread;

  for (guint i = 0; i < N; i++)
    {
      objects[i] = g_object_new (G_TYPE_OBJECT, NULL);
      g_object_ref (objects[i]);
    }
  thread = g_thread_new ("other", unref_many, objects);
  unref_many (objects);
  g_thread_join (thread);
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  ends = g_string_new (NULL);

  g_test_add_func ("/object/last", test_last);
  g_test_add_func ("/object/dispose", test_dispose);
  g_test_add_func ("/object/what-hangs-on-it", test_what_hangs_on_it);
  g_test_add_func ("/object/handlers", test_handlers);
  g_test_add_func ("/object/threads", test_threads);

  status = g_test_run ();
  g_string_free (ends, TRUE);
  return status;
}
