/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A flush of many entities gives the main loop its turn between any two of them. Here the program does something to the entities in each of
 * these turns, one after the other. Whatever it is, what is committed in the end is what the objects say. */

#include "session-fixture.h"
#include "orm/cupel-unit-of-work-private.h"
#include "runtime/cupel-fiber-private.h"

typedef struct
{
  Fixture *f;
  Author *authors[4];   /* the last one is new; NULL: dropped */
  Book *books[6];
  gboolean out[6];      /* taken out of the session */
  void (*act) (void);
  guint at;             /* the tick at which it acts */
  guint ticks;
} World;

static World *world;

static Book *
new_book (const char *title)
{
  return g_object_new (book_get_type (), "title", title, NULL);
}

static void
append (Author *author,
        Book   *book)
{
  cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
}

static void
act_change (void)
{
  for (guint i = 0; i < 4; i++)
    g_object_set (world->authors[i], "age", 70 + (int) i, NULL);
}

static void
act_change_other (void)
{
  static const char *const others[] = { "other a", "other b", "other c", "other d" };

  for (guint i = 0; i < 4; i++)
    g_object_set (world->authors[i], "name", others[i], NULL);
  for (guint i = 0; i < 6; i++)
    g_object_set (world->books[i], "title", "other", NULL);
}

static void
act_set_back (void)
{
  g_object_set (world->authors[0], "age", 1, NULL);
  g_object_set (world->books[0], "title", "zero", NULL);
}

static void
act_set_null (void)
{
  for (guint i = 0; i < 4; i++)
    cupel_entity_set_null (CUPEL_ENTITY (world->authors[i]), "age");
}

static void
act_move (void)
{
  append (world->authors[1], world->books[0]);
  append (world->authors[3], world->books[1]);
  append (world->authors[0], world->books[5]);
}

static void
act_remove (void)
{
  for (guint i = 0; i < 6; i++)
    for (guint a = 0; a < 4; a++)
      cupel_entity_remove (CUPEL_ENTITY (world->authors[a]), "books", CUPEL_ENTITY (world->books[i]));
}

static void
act_append_new (void)
{
  for (guint i = 0; i < 4; i++)
    {
      g_autoptr(Book) book = new_book ("late");

      append (world->authors[i], book);
    }
}

static void
act_add (void)
{
  g_autoptr(Author) author = new_author ("late", 2);

  add (world->f->session, author);
}

static void
act_expunge (void)
{
  for (guint i = 0; i < 6; i += 2)
    if (cupel_entity_get_session (CUPEL_ENTITY (world->books[i])) != NULL)
      {
        world->out[i] = TRUE;
        g_assert_true (cupel_session_expunge (world->f->session, CUPEL_ENTITY (world->books[i]), NULL));
      }
}

/* The program lets go of all: the session holds what it needs. */
static void
act_drop (void)
{
  for (guint i = 0; i < 4; i++)
    g_clear_object (&world->authors[i]);
  for (guint i = 0; i < 6; i++)
    g_clear_object (&world->books[i]);
}

static void
act_delete (void)
{
  g_autoptr(GError) error = NULL;

  if (cupel_entity_get_state (CUPEL_ENTITY (world->books[2])) == CUPEL_ENTITY_PERSISTENT)
    g_assert_true (cupel_session_delete (world->f->session, CUPEL_ENTITY (world->books[2]), &error));
  g_assert_no_error (error);
}

static void
on_tick (gpointer data)
{
  g_assert_false (cupel_in_fiber ());
  if (++world->ticks == world->at)
    world->act ();
}

/* Three authors with rows, one of them changed, and a new one; books that come, go and stay. */
static void
make_world (World *w)
{
  static const char *const names[] = { "a", "b", "c", "d" };
  static const char *const titles[] = { "zero", "one", "two", "three", "four", "five" };

  execute (w->f->session, "DELETE FROM book");
  execute (w->f->session, "DELETE FROM author");
  for (guint i = 0; i < 4; i++)
    w->authors[i] = g_object_new (author_get_type (), "name", names[i], "age", 1, NULL);
  for (guint i = 0; i < 6; i++)
    w->books[i] = new_book (titles[i]);
  append (w->authors[0], w->books[0]);
  append (w->authors[0], w->books[1]);
  append (w->authors[1], w->books[2]);
  for (guint i = 0; i < 3; i++)
    add (w->f->session, w->authors[i]);
  commit (w->f->session);

  g_object_set (w->authors[0], "age", 2, NULL);
  g_object_set (w->authors[1], "name", "bb", NULL);
  g_object_set (w->books[0], "title", "null", NULL);
  append (w->authors[2], w->books[2]);
  append (w->authors[2], w->books[3]);
  cupel_entity_remove (CUPEL_ENTITY (w->authors[0]), "books", CUPEL_ENTITY (w->books[1]));
  append (w->authors[3], w->books[4]);
  append (w->authors[3], w->books[5]);
  add (w->f->session, w->authors[3]);
}

static void
check_author (World  *w,
              Author *author)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM author WHERE id = %" G_GINT64_FORMAT " AND name = '%s' AND coalesce(age, 0) = %d",
                                          author->id, author->name, author->age);
  GListModel *books = list_of (author, "books");

  g_assert_cmpint (query_int (w->f->session, sql), ==, 1);
  for (guint i = 0; i < g_list_model_get_n_items (books); i++)
    {
      g_autoptr(Book) book = g_list_model_get_item (books, i);

      if (cupel_entity_get_session (CUPEL_ENTITY (book)) != NULL)
        g_assert_cmpint (book->author_id, ==, author->id);
    }
}

static void
check_book (World *w,
            Book  *book)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM book WHERE id = %" G_GINT64_FORMAT " AND title = '%s' AND coalesce(author_id, 0) = %"
                                          G_GINT64_FORMAT,
                                          book->id, book->title, book->author_id);
  gboolean in_a_list = FALSE;

  g_assert_cmpint (query_int (w->f->session, sql), ==, 1);
  for (guint i = 0; i < 4; i++)
    in_a_list |= cupel_collection_contains (CUPEL_COLLECTION (list_of (w->authors[i], "books")), CUPEL_ENTITY (book));
  g_assert_cmpint (book->author_id != 0, ==, in_a_list);
}

/* FALSE: there are not so many ticks. */
static gboolean
try_at (Fixture *f,
        void   (*act) (void),
        guint    at)
{
  World w = { .f = f, .act = act, .at = at };

  make_world (&w);
  world = &w;
  cupel_fiber_set_tick_hook (on_tick);
  flush (f->session);
  cupel_fiber_set_tick_hook (NULL);
  world = NULL;
  commit (f->session);

  for (guint i = 0; i < 4; i++)
    if (w.authors[i] != NULL)
      check_author (&w, w.authors[i]);
  for (guint i = 0; i < 6; i++)
    if (w.books[i] != NULL && !w.out[i] && cupel_entity_get_session (CUPEL_ENTITY (w.books[i])) != NULL)
      check_book (&w, w.books[i]);

  if (w.act == act_drop)
    {
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM author WHERE age = 2 OR name IN ('bb', 'd')"), ==, 3);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE author_id IS NOT NULL"), ==, 5);
    }
  for (guint i = 0; i < 4; i++)
    g_clear_object (&w.authors[i]);
  for (guint i = 0; i < 6; i++)
    g_clear_object (&w.books[i]);
  commit (f->session);
  return w.ticks >= at;
}

static void
sweep (Fixture *f,
       void   (*act) (void))
{
  guint at = 1;

  while (try_at (f, act, at))
    at++;
  /* One at least for each entity, when it is written down and when its row is known. */
  g_assert_cmpuint (at, >, 2 * 8);
}

/* Coming and going: what the program takes out of the session, adds, or deletes while a flush may have begun with it. */

typedef struct
{
  Fixture *f;
  CupelSession *other;
  CupelEntity *entities[6];
  void (*acts[2]) (void);
  guint at[2];
  guint ticks;
} Scene;

static Scene *scene;

static void
on_scene_tick (gpointer data)
{
  scene->ticks++;
  for (guint i = 0; i < 2; i++)
    if (scene->ticks == scene->at[i] && scene->acts[i] != NULL)
      scene->acts[i] ();
}

static CupelEntity *
new_node (const char *name)
{
  return g_object_new (node_get_type (), "name", name, NULL);
}

static void
act_out (void)
{
  if (cupel_entity_get_session (scene->entities[0]) == scene->f->session)
    g_assert_true (cupel_session_expunge (scene->f->session, scene->entities[0], NULL));
}

static void
act_back (void)
{
  add (scene->f->session, scene->entities[0]);
}

/* With its children, for all that belongs together is in one session. */
static void
act_to_other (void)
{
  if (cupel_entity_get_session (scene->entities[0]) != scene->f->session)
    return;
  for (guint i = 0; i < 3; i++)
    if (cupel_entity_get_session (scene->entities[i]) == scene->f->session)
      g_assert_true (cupel_session_expunge (scene->f->session, scene->entities[i], NULL));
  add (scene->other, scene->entities[0]);
}

static void
act_delete_parent (void)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_delete (scene->f->session, scene->entities[0], &error));
  g_assert_no_error (error);
}

/* A node with two children, one alone, a new author and a new book, which are written in between. */
static void
make_scene (Scene *s)
{
  execute (s->f->session, "UPDATE node SET parent_id = NULL");
  execute (s->f->session, "DELETE FROM node");
  execute (s->f->session, "DELETE FROM book");
  execute (s->f->session, "DELETE FROM author");
  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *name = g_strdup_printf ("node %u", i);

      s->entities[i] = new_node (name);
    }
  for (guint i = 1; i < 3; i++)
    cupel_entity_append (s->entities[0], "children", s->entities[i]);
  s->entities[4] = (CupelEntity *) new_author ("author", 1);
  s->entities[5] = (CupelEntity *) new_book ("alone");
}

static void
end_scene (Scene *s)
{
  for (guint i = 0; i < G_N_ELEMENTS (s->entities); i++)
    g_clear_object (&s->entities[i]);
  rollback (s->f->session);
}

static void
flush_scene (Scene *s)
{
  scene = s;
  cupel_fiber_set_tick_hook (on_scene_tick);
  flush (s->f->session);
  cupel_fiber_set_tick_hook (NULL);
  scene = NULL;
}

static void
act_refer (void)
{
  g_assert_true (cupel_entity_set_related (scene->entities[5], "author", scene->entities[4], NULL));
}

/* A book refers to an author whose collection is not loaded: in this flush or in the next its row does so too. */
static void
test_late_reference (Fixture *f)
{
  for (guint has_row = 0; has_row < 2; has_row++)
    for (gboolean more = TRUE; more;)
      {
        static guint at;
        Scene s = { .f = f, .acts = { act_refer, NULL }, .at = { ++at, 0 } };

        make_scene (&s);
        add (f->session, s.entities[4]);
        if (has_row)
          add (f->session, s.entities[5]);
        commit (f->session);
        cupel_session_expire_all (f->session);
        add (f->session, s.entities[5]);
        g_object_set (s.entities[5], "title", "changed", NULL);
        add (f->session, s.entities[3]);
        flush_scene (&s);
        more = s.ticks >= at;
        if (!more)
          at = 0;
        flush (f->session);
        commit (f->session);
        g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE title = 'changed' AND author_id IS NOT NULL"), ==, more);
        g_assert_cmpuint (cupel_session_get_n_dirty (f->session), ==, 0);
        end_scene (&s);
      }
}

/* What goes with it goes too, in this flush or in the next. */
static void
test_late_delete (Fixture *f)
{
  for (gboolean more = TRUE; more;)
    {
      static guint at;
      Scene s = { .f = f, .acts = { act_delete_parent, NULL }, .at = { ++at, 0 } };

      make_scene (&s);
      add (f->session, s.entities[0]);
      add (f->session, s.entities[3]);
      commit (f->session);
      add (f->session, s.entities[4]);
      g_object_set (s.entities[1], "name", "changed", NULL);
      g_assert_true (cupel_session_delete (f->session, s.entities[3], NULL));
      flush_scene (&s);
      more = s.ticks >= at;
      if (!more)
        at = 0;
      commit (f->session);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, more ? 0 : 3);
      end_scene (&s);
    }
}

/* It is inserted once, whenever it comes back. */
static void
test_out_and_back (Fixture *f)
{
  guint last = G_MAXUINT;

  for (guint at = 1; at < last; at++)
    for (guint back = at + 1; back <= last; back += 1 + (back - at) / 4)
      {
        Scene s = { .f = f, .acts = { act_out, act_back }, .at = { at, back } };

        make_scene (&s);
        g_clear_object (&s.entities[0]);
        s.entities[0] = g_object_ref (s.entities[5]);
        for (guint i = 3; i < 6; i++)
          add (f->session, s.entities[i]);
        flush_scene (&s);
        last = MIN (last, s.ticks);
        commit (f->session);
        g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE title = 'alone'"), <=, 1);
        if (s.ticks >= back)
          g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM book WHERE title = 'alone'"), ==, 1);
        end_scene (&s);
      }
}

/* One of three that are to be deleted is taken out, and nobody holds it when the transaction is rolled back. */
static void
test_out_of_deleted (Fixture *f)
{
  for (gboolean more = TRUE; more;)
    {
      static guint at;
      Scene s = { .f = f, .acts = { act_out, NULL }, .at = { ++at, 0 } };

      make_scene (&s);
      cupel_entity_remove (s.entities[0], "children", s.entities[2]);
      cupel_entity_remove (s.entities[0], "children", s.entities[1]);
      cupel_entity_append (s.entities[2], "children", s.entities[1]);
      for (guint i = 0; i < 4; i++)
        add (f->session, s.entities[i]);
      commit (f->session);
      for (guint i = 0; i < 4; i++)
        if (i != 1)
          g_assert_true (cupel_session_delete (f->session, s.entities[i], NULL));
      flush_scene (&s);
      more = s.ticks >= at;
      if (!more)
        at = 0;
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node WHERE name <> 'node 0'"), ==, 0);
      end_scene (&s);
      g_assert_cmpint (query_int (f->session, "SELECT count(*) FROM node"), ==, 4);
    }
}

/* Another session gets it, and goes before this one. */
static void
test_to_other (Fixture *f)
{
  for (guint has_row = 0; has_row < 2; has_row++)
    for (gboolean more = TRUE; more;)
      {
        static guint at;
        Scene s = { .f = f, .acts = { act_to_other, NULL }, .at = { ++at, 0 } };
        g_autoptr(CupelSelect) select = cupel_entity_select (node_get_type ());
        g_autoptr(CupelResult) result = NULL;

        make_scene (&s);
        s.other = cupel_session_new (f->engine);
        if (has_row)
          {
            add (f->session, s.entities[0]);
            commit (f->session);
            g_object_set (s.entities[0], "name", "changed", NULL);
          }
        for (guint i = 0; i < 6; i++)
          add (f->session, s.entities[i]);
        flush_scene (&s);
        more = s.ticks >= at;
        if (!more)
          at = 0;
        g_object_unref (s.other);
        if (more)
          g_assert_null (cupel_entity_get_session (s.entities[0]));
        g_clear_object (&s.entities[0]);
        result = cupel_session_scalars (f->session, select, NULL, NULL);
        g_assert_nonnull (result);
        end_scene (&s);
      }
}

#define SWEEP(what)               \
  static void                     \
  test_##what (Fixture *f)        \
  {                               \
    sweep (f, act_##what);        \
  }

SWEEP (change)
SWEEP (change_other)
SWEEP (set_back)
SWEEP (set_null)
SWEEP (move)
SWEEP (remove)
SWEEP (append_new)
SWEEP (add)
SWEEP (expunge)
SWEEP (drop)
SWEEP (delete)

int
main (int   argc,
      char *argv[])
{
  static const EachUrlTest tests[] = {
    { "/orm/flush-slices/change", G_CALLBACK (test_change) },
    { "/orm/flush-slices/change-other", G_CALLBACK (test_change_other) },
    { "/orm/flush-slices/set-back", G_CALLBACK (test_set_back) },
    { "/orm/flush-slices/set-null", G_CALLBACK (test_set_null) },
    { "/orm/flush-slices/move", G_CALLBACK (test_move) },
    { "/orm/flush-slices/remove", G_CALLBACK (test_remove) },
    { "/orm/flush-slices/append-new", G_CALLBACK (test_append_new) },
    { "/orm/flush-slices/add", G_CALLBACK (test_add) },
    { "/orm/flush-slices/expunge", G_CALLBACK (test_expunge) },
    { "/orm/flush-slices/drop", G_CALLBACK (test_drop) },
    { "/orm/flush-slices/delete", G_CALLBACK (test_delete) },
    { "/orm/flush-slices/late-delete", G_CALLBACK (test_late_delete) },
    { "/orm/flush-slices/late-reference", G_CALLBACK (test_late_reference) },
    { "/orm/flush-slices/out-and-back", G_CALLBACK (test_out_and_back) },
    { "/orm/flush-slices/out-of-deleted", G_CALLBACK (test_out_of_deleted) },
    { "/orm/flush-slices/to-other", G_CALLBACK (test_to_other) },
  };

  /* With an entity each: one is written down, or its row becomes known, while the database has another. */
  if (argc > 1 && g_str_equal (argv[1], "--batches"))
    cupel_flush_set_batch_size (1);
  g_test_init (&argc, &argv, NULL);
  return each_url_test_run (tests, G_N_ELEMENTS (tests), session_run);
}
