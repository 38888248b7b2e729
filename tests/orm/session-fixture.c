/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session-fixture.h"

#include "../each-url.h"

static void
on_execute (CupelEngine *engine,
            const char  *sql,
            guint        n_sets,
            gboolean     cache_hit,
            gint64       duration,
            const GError *failure,
            Fixture     *f)
{
  g_assert_false (cupel_in_fiber ());
  f->statements++;
  g_string_append_printf (f->sql, "%s\n", sql);
}

void
count (CupelEngine *engine,
       guint       *counter)
{
  ++*counter;
}

static void
on_commit (CupelEngine *engine,
           Fixture     *f)
{
  count (engine, &f->commits);
}

static void
on_rollback (CupelEngine *engine,
             Fixture     *f)
{
  count (engine, &f->rollbacks);
}

guint
statements (Fixture *f)
{
  guint n = f->statements;

  f->statements = 0;
  g_string_truncate (f->sql, 0);
  return n;
}

static gboolean
run_in_fiber (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  const EachUrl *test = data;
  Fixture f = { NULL, };
  g_autoptr(GError) local = NULL;
  CupelPool *pool;

  f.engine = model_engine (test->url);
  f.sql = g_string_new (NULL);
  g_signal_connect (f.engine, "execute", G_CALLBACK (on_execute), &f);
  g_signal_connect (f.engine, "commit", G_CALLBACK (on_commit), &f);
  g_signal_connect (f.engine, "rollback", G_CALLBACK (on_rollback), &f);
  f.session = cupel_session_new (f.engine);

  ((TestFunc) test->func) (&f);

  g_assert_true (cupel_session_close (f.session, NULL, &local));
  g_assert_no_error (local);
  pool = cupel_engine_get_pool (f.engine);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  g_assert_finalize_object (f.session);
  g_assert_true (cupel_engine_dispose (f.engine, NULL, &local));
  g_assert_no_error (local);
  g_object_unref (f.engine);
  g_string_free (f.sql, TRUE);
  return TRUE;
}

static void
run_test (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_run (run_in_fiber, (gpointer) data, NULL, &error));
  g_assert_no_error (error);
}

Author *
new_author (const char *name,
            guint       n_books)
{
  Author *author = g_object_new (author_get_type (), "name", name, NULL);

  for (guint i = 0; i < n_books; i++)
    {
      g_autofree char *title = g_strdup_printf ("%s %u", name, i + 1);
      g_autoptr(Book) book = g_object_new (book_get_type (), "title", title, NULL);

      cupel_entity_append (CUPEL_ENTITY (author), "books", CUPEL_ENTITY (book));
    }
  return author;
}

void
add (Fixture *f,
     gpointer entity)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_add (f->session, entity, &error));
  g_assert_no_error (error);
}

void
flush (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_flush (f->session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

void
commit (Fixture *f)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_commit (f->session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

gint64
count_rows (Fixture    *f,
            const char *table)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (f->session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

int
session_test_main (int                argc,
                   char              *argv[],
                   const SessionTest *tests,
                   gsize              n_tests)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < n_tests; i++)
    each_url_add (tests[i].path, G_CALLBACK (tests[i].func), run_test);
  return g_test_run ();
}
