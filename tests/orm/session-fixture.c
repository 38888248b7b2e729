/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "session-fixture.h"

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
run (const EachUrl *test,
     gboolean       counting)
{
  Fixture f = { .url = test->url, .sql = g_string_new (NULL) };
  g_autoptr(GError) local = NULL;

  f.engine = model_engine (test->url);
  if (counting)
    {
      g_signal_connect (f.engine, "execute", G_CALLBACK (on_execute), &f);
      g_signal_connect (f.engine, "commit", G_CALLBACK (on_commit), &f);
      g_signal_connect (f.engine, "rollback", G_CALLBACK (on_rollback), &f);
    }
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

gboolean
session_run (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  return run (data, FALSE);
}

gboolean
session_run_counting (gpointer       data,
                      GCancellable  *cancellable,
                      GError       **error)
{
  return run (data, TRUE);
}

gboolean
is_server (Fixture *f)
{
  return !g_str_has_prefix (f->url, "sqlite");
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
add (CupelSession *session,
     gpointer      entity)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_session_add (session, entity, &error));
  g_assert_no_error (error);
}

void
flush (CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_flush (session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

void
commit (CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_commit (session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

void
rollback (CupelSession *session)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = cupel_session_rollback (session, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

void
execute (CupelSession *session,
         const char   *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
}

gint64
query_int (CupelSession *session,
           const char   *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_session_execute (session, CUPEL_STATEMENT (text), NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

gint64
count_committed (Fixture    *f,
                 const char *table)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelSession) session = cupel_session_new (f->engine);
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);
  gint64 n = query_int (session, sql);

  g_assert_true (cupel_session_close (session, NULL, &error));
  g_assert_no_error (error);
  return n;
}

void
wait_for_pool (Fixture *f)
{
  CupelPool *pool = cupel_engine_get_pool (f->engine);

  for (guint i = 0; i < 60000 && cupel_pool_get_checked_out (pool) > 0; i++)
    cupel_fiber_sleep (1000, NULL, NULL);
  g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
}

void
fill (Fixture *f,
      guint    n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("author %u", i);
      g_autoptr(Author) author = new_author (name, 2);

      add (f->session, author);
    }
  commit (f->session);
}

GListModel *
list_of (gpointer    entity,
         const char *name)
{
  g_autoptr(GError) error = NULL;
  GListModel *list = cupel_entity_get_list (entity, name, &error);

  g_assert_no_error (error);
  return list;
}

gint64
count_rows (Fixture    *f,
            const char *table)
{
  g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM %s", table);

  return query_int (f->session, sql);
}
