/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session-fixture.h"

/* A class that adds each of its objects to a session by itself, those that a query or a merge makes too. */

CUPEL_DECLARE_ENTITY (Active, active)

struct _Active
{
  CupelEntity parent_instance;
  gint64 id;
  char *name;
};

static CupelSession *active_session;

static void
active_constructed (GObject *object)
{
  G_OBJECT_CLASS (g_type_class_peek (CUPEL_TYPE_ENTITY))->constructed (object);
  if (active_session != NULL)
    add (active_session, object);
}

static void
active_class_init (gpointer klass,
                   gpointer data)
{
  static const CupelColumnSpec columns[] = {
    CUPEL_COLUMN (Active, id, INT64, .primary_key = TRUE),
    CUPEL_COLUMN (Active, name, STRING, .length = 20),
  };

  cupel_entity_class_map (klass, "active", columns, G_N_ELEMENTS (columns), NULL, 0);
  G_OBJECT_CLASS (klass)->constructed = active_constructed;
}

GType
active_get_type (void)
{
  static gsize type_id;

  if (g_once_init_enter (&type_id))
    g_once_init_leave (&type_id, cupel_entity_type_register ("Active", sizeof (Active), active_class_init));
  return type_id;
}

static void
test_loaded (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (active_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSelect) select = cupel_entity_select (active_get_type ());
  g_autoptr(CupelSession) other = cupel_session_new (f->engine);

  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, &error));
  g_assert_true (cupel_engine_create_all (f->engine, metadata, NULL, &error));
  active_session = f->session;
  g_object_unref (g_object_new (active_get_type (), "name", "one", NULL));
  commit (f->session);
  g_assert_cmpint (count_committed (f, "active"), ==, 1);

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(CupelResult) result = NULL;
      CupelEntity *entity;

      active_session = i == 0 ? f->session : other;
      result = cupel_session_scalars (f->session, select, NULL, &error);
      g_assert_no_error (error);
      entity = cupel_result_next (result);
      g_assert_true (cupel_entity_get_session (entity) == f->session);
      g_assert_cmpint (cupel_entity_get_state (entity), ==, CUPEL_ENTITY_PERSISTENT);
      g_assert_cmpuint (cupel_session_get_n_new (f->session) + cupel_session_get_n_new (other), ==, 0);
    }
  active_session = NULL;
  commit (f->session);
  commit (other);
  g_assert_cmpint (count_committed (f, "active"), ==, 1);
  g_assert_true (cupel_session_close (other, NULL, NULL));
  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, &error));
  g_assert_no_error (error);
}

/* Of an entity of another session that cannot be copied nothing stays, in no session; one that can is this session's. */
static void
test_merged (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (active_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSelect) select = cupel_entity_select (active_get_type ());
  g_autoptr(CupelSession) other = cupel_session_new (f->engine);
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelFrozenResult) frozen = NULL;
  g_autoptr(CupelEntity) entity = NULL;
  Active *active = g_object_new (active_get_type (), "name", "one", NULL);

  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, &error));
  g_assert_true (cupel_engine_create_all (f->engine, metadata, NULL, &error));
  add (other, active);
  commit (other);
  result = cupel_session_scalars (other, select, NULL, &error);
  g_assert_no_error (error);
  frozen = cupel_result_freeze (result);

  active->name[0] = '\xff';
  for (guint i = 0; i < 2; i++)
    {
      active_session = i == 0 ? f->session : other;
      g_assert_null (cupel_session_merge_frozen (f->session, frozen, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA);
      g_clear_error (&error);
      g_assert_cmpuint (cupel_session_get_n_new (f->session) + cupel_session_get_n_new (other), ==, 0);
    }

  active->name[0] = 'o';
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr(CupelResult) merged = NULL;

      active_session = i == 0 ? f->session : other;
      merged = cupel_session_merge_frozen (f->session, frozen, &error);
      g_assert_no_error (error);
      g_clear_object (&entity);
      entity = cupel_result_one (merged, &error);
      g_assert_true (cupel_entity_get_session (entity) == f->session);
      g_assert_cmpint (cupel_entity_get_state (entity), ==, CUPEL_ENTITY_PERSISTENT);
      g_assert_cmpuint (cupel_session_get_n_new (f->session) + cupel_session_get_n_new (other), ==, 0);
      g_assert_true (cupel_session_expunge (f->session, entity, &error));
    }
  active_session = NULL;
  g_object_unref (active);
  commit (f->session);
  commit (other);
  g_assert_cmpint (count_committed (f, "active"), ==, 1);
  g_assert_true (cupel_session_close (other, NULL, NULL));
  g_assert_true (cupel_engine_drop_all (f->engine, metadata, NULL, &error));
  g_assert_no_error (error);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/self-adding/loaded", G_CALLBACK (test_loaded) },
    { "/orm/self-adding/merged", G_CALLBACK (test_merged) },
  };

  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
