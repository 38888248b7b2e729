/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

#include "../each-url.h"

/* A class with properties of its own, as scripts and Vala have them: its getters and setters are somebody else's code. */

typedef struct _Person Person;
typedef struct { CupelEntityClass parent_class; } PersonClass;

struct _Person
{
  CupelEntity parent_instance;
  char *code;            /* the key */
  char *name;
  int age;
  char *boss_code;
};

GType person_get_type (void);

G_DEFINE_TYPE (Person, person, CUPEL_TYPE_ENTITY)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Person, g_object_unref)

enum
{
  PROP_0,
  PROP_CODE,
  PROP_NAME,
  PROP_AGE,
  PROP_BOSS_CODE,
};

static guint n_sets;
static guint n_gets;
static void (*on_set) (Person *self);

static void
person_set_property (GObject      *object,
                     guint         prop_id,
                     const GValue *value,
                     GParamSpec   *pspec)
{
  Person *self = (Person *) object;

  /* Never on a fiber's stack, unless the fiber is the program's own: the tests set properties on the main stack only. */
  g_assert_false (cupel_in_fiber ());
  n_sets++;
  switch (prop_id)
    {
    case PROP_CODE:
      g_free (self->code);
      self->code = g_value_dup_string (value);
      break;
    case PROP_NAME:
      g_free (self->name);
      self->name = g_value_dup_string (value);
      break;
    case PROP_AGE:
      self->age = g_value_get_int (value);
      break;
    case PROP_BOSS_CODE:
      g_free (self->boss_code);
      self->boss_code = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
  if (on_set != NULL)
    on_set (self);
}

static void
person_get_property (GObject    *object,
                     guint       prop_id,
                     GValue     *value,
                     GParamSpec *pspec)
{
  Person *self = (Person *) object;

  g_assert_false (cupel_in_fiber ());
  n_gets++;
  switch (prop_id)
    {
    case PROP_CODE:
      g_value_set_string (value, self->code);
      break;
    case PROP_NAME:
      g_value_set_string (value, self->name);
      break;
    case PROP_AGE:
      g_value_set_int (value, self->age);
      break;
    case PROP_BOSS_CODE:
      g_value_set_string (value, self->boss_code);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
person_finalize (GObject *object)
{
  Person *self = (Person *) object;

  g_free (self->code);
  g_free (self->name);
  g_free (self->boss_code);

  G_OBJECT_CLASS (person_parent_class)->finalize (object);
}

static void
person_class_init (PersonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = person_set_property;
  object_class->get_property = person_get_property;
  object_class->finalize = person_finalize;
  g_object_class_install_property (object_class, PROP_CODE,
                                   g_param_spec_string ("code", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_NAME,
                                   g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_AGE,
                                   g_param_spec_int ("age", NULL, NULL, 0, 1000, 0, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (object_class, PROP_BOSS_CODE,
                                   g_param_spec_string ("boss-code", NULL, NULL, NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
}

static void
person_init (Person *self)
{
}

static void
map_person (void)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelMapper) mapper = cupel_mapper_new (person_get_type (), "cupel_person");

  cupel_column_set_primary_key (cupel_mapper_add_column (mapper, "code", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 20)), TRUE);
  cupel_mapper_add_column (mapper, "name", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));
  cupel_mapper_add_column (mapper, "age", cupel_sql_type_new (CUPEL_SQL_INT32));
  cupel_column_set_foreign_key (cupel_mapper_add_column (mapper, "boss-code", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 20)),
                                "cupel_person.code");
  cupel_mapper_add_relationship (mapper, "staff", CUPEL_RELATIONSHIP_HAS_MANY, person_get_type (), NULL);
  cupel_mapper_add_relationship (mapper, "boss", CUPEL_RELATIONSHIP_BELONGS_TO, person_get_type (), NULL);
  g_assert_true (cupel_mapper_register (mapper, &error));
  g_assert_no_error (error);
}

/* More attributes than a word has bits */

#define WIDE 70

typedef struct _Wide Wide;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Wide, g_object_unref)

struct _Wide
{
  CupelEntity parent_instance;
  char *key;
  gint64 v[WIDE];
};

static CupelColumnSpec wide_columns[WIDE + 1];

static void
wide_class_init (gpointer klass,
                 gpointer data)
{
  wide_columns[0] = (CupelColumnSpec) CUPEL_COLUMN (Wide, key, STRING, .length = 20, .primary_key = TRUE);
  for (guint i = 0; i < WIDE; i++)
    {
      g_autofree char *name = g_strdup_printf ("v%u", i);

      wide_columns[i + 1] = (CupelColumnSpec) { .name = g_intern_string (name), .kind = CUPEL_SQL_INT64,
                                                .offset = G_STRUCT_OFFSET (Wide, v) + i * sizeof (gint64), .size = sizeof (gint64) };
    }
  cupel_entity_class_map (klass, "cupel_wide", wide_columns, G_N_ELEMENTS (wide_columns), NULL, 0);
}

static GType
wide_get_type (void)
{
  static gsize type_id;

  if (g_once_init_enter (&type_id))
    g_once_init_leave (&type_id, cupel_entity_type_register ("Wide", sizeof (Wide), wide_class_init));
  return type_id;
}

typedef struct
{
  CupelEngine *engine;
  CupelSession *session;
  GString *sql;
} Fixture;

typedef void (*TestFunc) (Fixture *f);

static void
on_execute (CupelEngine *engine,
            const char  *sql,
            guint        n,
            gboolean     cache_hit,
            gint64       duration,
            const GError *failure,
            Fixture     *f)
{
  g_string_append_printf (f->sql, "%s\n", sql);
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const EachUrl *test = data;
  g_autoptr(GError) local = NULL;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (person_get_type (), wide_get_type (), G_TYPE_INVALID);
  Fixture f = { cupel_engine_new (test->url, &local), NULL, g_string_new (NULL) };

  g_assert_no_error (local);
  g_assert_true (cupel_engine_drop_all (f.engine, metadata, NULL, &local));
  g_assert_no_error (local);
  g_assert_true (cupel_engine_create_all (f.engine, metadata, NULL, &local));
  g_assert_no_error (local);
  g_signal_connect (f.engine, "execute", G_CALLBACK (on_execute), &f);
  f.session = cupel_session_new (f.engine);

  ((TestFunc) test->func) (&f);

  g_assert_true (cupel_session_close (f.session, NULL, &local));
  g_assert_no_error (local);
  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f.engine)), ==, 0);
  g_assert_finalize_object (f.session);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, &local));
  g_assert_no_error (local);
  g_object_unref (f.engine);
  g_string_free (f.sql, TRUE);
  return TRUE;
}

static void
ok (gboolean  done,
    GError  **error)
{
  g_assert_no_error (*error);
  g_assert_true (done);
}

static void
commit (Fixture *f)
{
  g_autoptr(GError) error = NULL;

  ok (cupel_session_commit (f->session, NULL, &error), &error);
}

static void
rollback (Fixture *f)
{
  g_autoptr(GError) error = NULL;

  ok (cupel_session_rollback (f->session, NULL, &error), &error);
}

/* What a program does, it does on the main stack. */
typedef struct
{
  Person *person;
  const char *property;
  const char *text;
  int number;
} Assign;

static void
make_person (gpointer data)
{
  Assign *a = data;

  a->person = g_object_new (person_get_type (), "code", a->text, "name", a->text, "age", a->number, NULL);
}

static Person *
new_person (const char *code,
            int         age)
{
  Assign a = { NULL, NULL, code, age };

  cupel_call_on_main_stack (make_person, &a);
  return a.person;
}

static void
assign_text (gpointer data)
{
  Assign *a = data;

  g_object_set (a->person, a->property, a->text, NULL);
}

static void
set_text (Person     *person,
          const char *property,
          const char *text)
{
  Assign a = { person, property, text, 0 };

  cupel_call_on_main_stack (assign_text, &a);
}

static void
assign_number (gpointer data)
{
  Assign *a = data;

  g_object_set (a->person, a->property, a->number, NULL);
}

static void
set_number (Person     *person,
            const char *property,
            int         number)
{
  Assign a = { person, property, NULL, number };

  cupel_call_on_main_stack (assign_number, &a);
}

static void
add (Fixture *f,
     gpointer entity)
{
  g_autoptr(GError) error = NULL;

  ok (cupel_session_add (f->session, entity, &error), &error);
}

static gpointer
get (Fixture    *f,
     GType       type,
     const char *code)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelValue) key = cupel_value_new_string (code);
  gpointer entity = cupel_session_get (f->session, type, key, NULL, &error);

  g_assert_no_error (error);
  return entity;
}

static gint64
query_int (Fixture    *f,
           const char *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

static void
test_person (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Person) one = new_person ("one", 1);
  g_autoptr(Person) two = new_person ("two", 2);
  g_autoptr(Person) same = NULL;

  add (f, one);
  add (f, two);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person"), ==, 2);

  /* The map knows it by its key of text. */
  same = get (f, person_get_type (), "one");
  g_assert_true (same == one);
  g_clear_object (&same);
  g_clear_object (&one);
  one = get (f, person_get_type (), "one");
  g_assert_cmpstr (one->name, ==, "one");
  g_assert_cmpint (one->age, ==, 1);
  g_assert_false (cupel_entity_is_modified (CUPEL_ENTITY (one), "age"));

  /* Only what changed is written; what was set back is not. */
  g_string_truncate (f->sql, 0);
  set_number (one, "age", 7);
  commit (f);
  g_assert_nonnull (strstr (f->sql->str, "UPDATE"));
  g_assert_null (strstr (f->sql->str, "name"));
  g_string_truncate (f->sql, 0);
  set_number (one, "age", 8);
  set_number (one, "age", 7);
  commit (f);
  g_assert_null (strstr (f->sql->str, "UPDATE"));

  /* NULL */
  set_text (one, "name", NULL);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person WHERE name IS NULL"), ==, 1);

  /* Rolled back: what the row has is read again. */
  set_number (one, "age", 99);
  ok (cupel_session_flush (f->session, NULL, &error), &error);
  rollback (f);
  g_assert_false (cupel_entity_is_loaded (CUPEL_ENTITY (one), "age"));
  ok (cupel_entity_load (CUPEL_ENTITY (one), "age", NULL, &error), &error);
  g_assert_cmpint (one->age, ==, 7);
  ok (cupel_session_refresh (f->session, CUPEL_ENTITY (one), NULL, NULL, &error), &error);
  g_assert_cmpint (one->age, ==, 7);

  /* Its key changes: the row is found by the one that it has. */
  set_text (one, "code", "uno");
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person WHERE code = 'uno'"), ==, 1);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person"), ==, 2);

  same = get (f, person_get_type (), "uno");
  g_assert_true (same == one);
  /* and one that is not written yet is taken back. */
  set_text (one, "code", "eins");
  rollback (f);
  g_assert_cmpstr (one->code, ==, "uno");

  ok (cupel_session_delete (f->session, CUPEL_ENTITY (two), &error), &error);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person"), ==, 1);
}

static void
test_person_relationships (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(Person) boss = new_person ("boss", 60);
  g_autoptr(CupelSelect) select = cupel_entity_select (person_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(Person) one = NULL;
  Person *person;
  guint n = 0;

  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *code = g_strdup_printf ("p%u", i);
      g_autoptr(Person) p = new_person (code, 20);

      cupel_entity_append (CUPEL_ENTITY (boss), "staff", CUPEL_ENTITY (p));
    }
  add (f, boss);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person WHERE boss_code = 'boss'"), ==, 100);
  cupel_session_expire_all (f->session);
  g_clear_object (&boss);

  cupel_select_add_option (select, cupel_selectinload (person_get_type (), "staff"));
  cupel_select_add_option (select, cupel_selectinload (person_get_type (), "boss"));
  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  while ((person = cupel_result_next (result)) != NULL)
    {
      GListModel *staff = cupel_entity_get_list (CUPEL_ENTITY (person), "staff", &error);

      g_assert_no_error (error);
      g_assert_cmpuint (g_list_model_get_n_items (staff), ==, g_str_equal (person->code, "boss") ? 100 : 0);
      n++;
      if (g_str_equal (person->code, "boss"))
        boss = g_object_ref (person);
      else if (one == NULL)
        one = g_object_ref (person);
    }
  g_assert_cmpuint (n, ==, 101);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (one), "boss", &error) == boss);

  /* lazily, and from the identity map */
  cupel_session_expire_all (f->session);
  g_assert_true (cupel_entity_get_related (CUPEL_ENTITY (one), "boss", &error) == boss);
  g_assert_no_error (error);
  ok (cupel_entity_load (CUPEL_ENTITY (boss), "staff", NULL, &error), &error);

  /* Those who stay have no boss any more. */
  g_clear_object (&result);
  ok (cupel_session_delete (f->session, CUPEL_ENTITY (boss), &error), &error);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person WHERE boss_code IS NULL"), ==, 100);
  cupel_session_expire_all (f->session);
}

static CupelSession *nosy_session;
static guint n_busy;
static guint n_under_way;
static guint n_missing_fiber;

static void
on_nosy_done (GObject      *source,
              GAsyncResult *result,
              gpointer      data)
{
  g_autoptr(GError) error = NULL;

  n_under_way--;
  if (!cupel_session_flush_finish (CUPEL_SESSION (source), result, &error))
    {
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
      n_busy++;
    }
}

/* A setter that does what it should not. */
static void
nosy (Person *self)
{
  g_autoptr(GError) error = NULL;

  on_set = NULL;
  g_object_notify (G_OBJECT (self), "name");
  g_assert_false (cupel_session_flush (nosy_session, NULL, &error));
  if (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_MISSING_FIBER))
    n_missing_fiber++;
  else
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY);
  n_under_way++;
  cupel_session_flush_async (nosy_session, NULL, on_nosy_done, NULL);
  cupel_session_expire_all (nosy_session);
  on_set = nosy;
}

static void
test_person_nosy (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (person_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(Person) person = NULL;

  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *code = g_strdup_printf ("p%u", i);
      g_autoptr(Person) p = new_person (code, 20);

      add (f, p);
    }
  commit (f);
  nosy_session = f->session;
  n_missing_fiber = n_busy = 0;
  on_set = nosy;
  result = cupel_session_scalars (f->session, select, NULL, &error);
  on_set = NULL;
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 40);
  g_assert_cmpuint (n_missing_fiber, >, 0);
  while (n_under_way > 0)
    cupel_fiber_sleep (1000, NULL, NULL);
  person = cupel_result_first (result);
  ok (cupel_session_refresh (f->session, CUPEL_ENTITY (person), NULL, NULL, &error), &error);
  set_number (person, "age", 3);
  on_set = nosy;
  ok (cupel_session_flush (f->session, NULL, &error), &error);
  on_set = NULL;
  while (n_under_way > 0)
    cupel_fiber_sleep (1000, NULL, NULL);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_person WHERE age = 3"), ==, 1);
}

static void
test_wide (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSelect) select = cupel_entity_select (wide_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(Wide) wide = g_object_new (wide_get_type (), "key", "w", NULL);
  g_autoptr(Wide) other = g_object_new (wide_get_type (), "key", "x", "v69", (gint64) 5, NULL);

  for (guint i = 0; i < WIDE; i += 3)
    {
      g_autofree char *name = g_strdup_printf ("v%u", i);

      g_object_set (wide, name, (gint64) i * 1000, NULL);
    }
  add (f, wide);
  add (f, other);
  commit (f);
  g_clear_object (&wide);
  g_clear_object (&other);
  wide = get (f, wide_get_type (), "w");
  for (guint i = 0; i < WIDE; i++)
    {
      g_autofree char *name = g_strdup_printf ("v%u", i);

      g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (wide), name) == (i % 3 != 0));
      g_assert_cmpint (wide->v[i], ==, i % 3 == 0 ? i * 1000 : 0);
    }

  g_string_truncate (f->sql, 0);
  g_object_set (wide, "v68", (gint64) -1, "v1", (gint64) -2, NULL);
  cupel_entity_set_null (CUPEL_ENTITY (wide), "v69");
  g_assert_true (cupel_entity_is_modified (CUPEL_ENTITY (wide), "v68"));
  commit (f);
  g_assert_nonnull (strstr (f->sql->str, "v68"));
  g_assert_null (strstr (f->sql->str, "v67"));
  g_object_set (wide, "v66", (gint64) 9, NULL);
  rollback (f);
  ok (cupel_entity_load (CUPEL_ENTITY (wide), "v66", NULL, &error), &error);
  g_assert_cmpint (wide->v[66], ==, 66000);
  g_assert_cmpint (wide->v[68], ==, -1);
  g_assert_true (cupel_entity_is_null (CUPEL_ENTITY (wide), "v69"));

  result = cupel_session_scalars (f->session, select, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 2);
  ok (cupel_session_delete (f->session, CUPEL_ENTITY (wide), &error), &error);
  commit (f);
  g_assert_cmpint (query_int (f, "SELECT count(*) FROM cupel_wide"), ==, 1);
}

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/mapper/person", G_CALLBACK (test_person) },
    { "/orm/mapper/person/relationships", G_CALLBACK (test_person_relationships) },
    { "/orm/mapper/person/nosy", G_CALLBACK (test_person_nosy) },
    { "/orm/mapper/wide", G_CALLBACK (test_wide) },
  };

  g_test_init (&argc, &argv, NULL);
  map_person ();
  return each_url_test_run (tests, G_N_ELEMENTS (tests), run_in_fiber);
}
