/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The ORM from end to end: mapped classes, eager loading, streaming, and attributes that are awaited.
 *
 * async_orm URL, for instance postgresql://scott:tiger@localhost/test or sqlite:// */

#include <cupel.h>

CUPEL_DECLARE_ENTITY (B, b)

struct _B
{
  CupelEntity parent_instance;
  gint64 id;
  gint64 a_id;
  char *data;
};

static const CupelColumnSpec b_columns[] = {
  CUPEL_COLUMN (B, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (B, a_id, INT64, .not_null = TRUE, .foreign_key = "a.id"),
  CUPEL_COLUMN (B, data, STRING, .length = 50),
};

CUPEL_DEFINE_ENTITY (B, b, "b", b_columns)

CUPEL_DECLARE_ENTITY (A, a)

struct _A
{
  CupelEntity parent_instance;
  gint64 id;
  char *data;
  GDateTime *create_date;
};

static const CupelColumnSpec a_columns[] = {
  CUPEL_COLUMN (A, id, INT64, .primary_key = TRUE),
  CUPEL_COLUMN (A, data, STRING, .length = 50),
  CUPEL_COLUMN (A, create_date, DATETIME, .not_null = TRUE, .server_default = "now()"),
};

CUPEL_DEFINE_ENTITY (A, a, "a", a_columns, CUPEL_HAS_MANY ("bs", b_get_type ()))

static gboolean
add_a (CupelSession *session, const char *data, guint n_bs, GError **error)
{
  g_autoptr(A) a = g_object_new (a_get_type (), "data", data, NULL);

  for (guint i = 0; i < n_bs; i++)
    {
      g_autoptr(B) b = g_object_new (b_get_type (), NULL);

      cupel_entity_append (CUPEL_ENTITY (a), "bs", CUPEL_ENTITY (b));
    }
  return cupel_session_add (session, CUPEL_ENTITY (a), error);
}

static void
print_bs (A *a)
{
  GListModel *bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", NULL);   /* loaded before: no I/O */

  for (guint i = 0; i < g_list_model_get_n_items (bs); i++)
    {
      g_autoptr(B) b = g_list_model_get_item (bs, i);

      g_print ("  B %" G_GINT64_FORMAT " of %s\n", b->id, a->data);
    }
}

/* Runs in a fiber: each call suspends, none blocks the loop. */
static gboolean
async_main (gpointer data, GCancellable *cancellable, GError **error)
{
  CupelEngine *engine = data;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (a_get_type (), b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSessionFactory) factory = cupel_session_factory_new (engine);
  g_autoptr(CupelSession) session = cupel_session_factory_create (factory);
  g_autoptr(CupelSelect) select = cupel_entity_select (a_get_type ());
  g_autoptr(CupelSelect) ordered = cupel_entity_select (a_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelResult) first = NULL;
  g_autoptr(CupelStream) stream = NULL;
  g_autoptr(GError) stream_error = NULL;
  g_autoptr(A) a1 = NULL;
  A *a;

  if (!cupel_engine_drop_all (engine, metadata, cancellable, error) ||
      !cupel_engine_create_all (engine, metadata, cancellable, error))
    return FALSE;

  if (!add_a (session, "a1", 2, error) || !add_a (session, "a2", 1, error) || !add_a (session, "a3", 2, error) ||
      !cupel_session_commit (session, cancellable, error))
    return FALSE;

  /* For eager loading, a loader option goes with the query. */
  cupel_select_add_option (select, cupel_selectinload (a_get_type (), "bs"));

  /* Buffered: the rows are here when the call returns. */
  if (!(result = cupel_session_scalars (session, select, cancellable, error)))
    return FALSE;
  while ((a = cupel_result_next (result)))
    {
      g_autofree char *date = g_date_time_format (a->create_date, "%F %T");

      g_print ("A %" G_GINT64_FORMAT " %s\ncreated at: %s\n", a->id, a->data, date);
      print_bs (a);
    }

  /* Streamed: the rows arrive by blocks while they are read. */
  if (!(stream = cupel_session_stream (session, select, 0, cancellable, error)))
    return FALSE;
  while ((a = cupel_stream_next (stream, cancellable, &stream_error)))
    {
      g_print ("A %" G_GINT64_FORMAT " %s\n", a->id, a->data);
      print_bs (a);
    }
  if (stream_error != NULL)
    return g_propagate_error (error, g_steal_pointer (&stream_error)), FALSE;

  cupel_select_order_by (ordered, cupel_attr (a_get_type (), "id"));
  if (!(first = cupel_session_scalars (session, ordered, cancellable, error)))
    return FALSE;
  a1 = cupel_result_first (first);
  g_object_set (a1, "data", "new data", NULL);
  if (!cupel_session_commit (session, cancellable, error))
    return FALSE;

  /* A relationship that no query loaded is awaited. */
  if (!cupel_entity_load (CUPEL_ENTITY (a1), "bs", cancellable, error))
    return FALSE;
  print_bs (a1);

  return cupel_session_close (session, cancellable, error) && cupel_engine_dispose (engine, cancellable, error);
}

int
main (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new (argc > 1 ? argv[1] : "sqlite://", &error);

  if (engine == NULL || !cupel_run (async_main, engine, NULL, &error))
    return g_printerr ("%s\n", error->message), 1;
  return 0;
}
