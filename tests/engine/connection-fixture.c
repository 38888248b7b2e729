/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "connection-fixture.h"

static void
on_signal (Fixture *f)
{
  g_assert_false (cupel_in_fiber ());
}

#define RECORD(name)                                            \
  static void on_##name (CupelEngine *engine, Fixture *f)       \
  {                                                             \
    on_signal (f);                                              \
    g_string_append (f->signals, #name " ");                    \
  }

RECORD (connected)
RECORD (checkout)
RECORD (checkin)
RECORD (begin)
RECORD (commit)
RECORD (rollback)

static void
on_execute (CupelEngine *engine,
            const char  *sql,
            guint        n_sets,
            gboolean     cache_hit,
            gint64       duration,
            const GError *failure,
            Fixture     *f)
{
  on_signal (f);
  g_assert_cmpint (duration, >=, 0);
  g_string_append_printf (f->signals, "%s*%u ", sql, n_sets);
}

void
set_up (Fixture       *f,
        gconstpointer  data)
{
  GError *error = NULL;

  fake_database_reset ();
  f->engine = cupel_engine_new ("fake://", &error);
  g_assert_no_error (error);
  f->signals = g_string_new (NULL);
  g_signal_connect (f->engine, "connected", G_CALLBACK (on_connected), f);
  g_signal_connect (f->engine, "checkout", G_CALLBACK (on_checkout), f);
  g_signal_connect (f->engine, "checkin", G_CALLBACK (on_checkin), f);
  g_signal_connect (f->engine, "begin", G_CALLBACK (on_begin), f);
  g_signal_connect (f->engine, "commit", G_CALLBACK (on_commit), f);
  g_signal_connect (f->engine, "rollback", G_CALLBACK (on_rollback), f);
  g_signal_connect (f->engine, "execute", G_CALLBACK (on_execute), f);
}

void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  GError *error = NULL;
  CupelPool *pool = cupel_engine_get_pool (f->engine);

  if (pool != NULL)
    g_assert_cmpuint (cupel_pool_get_checked_out (pool), ==, 0);
  cupel_engine_dispose (f->engine, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  g_assert_finalize_object (f->engine);
  g_string_free (f->signals, TRUE);
}

void
in_fiber (Fixture       *f,
          gconstpointer  data)
{
  GError *error = NULL;

  cupel_run ((CupelRunFunc) data, f, NULL, &error);
  g_assert_no_error (error);
}

void
close_it (CupelConnection *connection)
{
  GError *error = NULL;

  cupel_connection_close (connection, NULL, &error);
  g_assert_no_error (error);
}

void
assert_log (const char *expected)
{
  g_autofree char *log = fake_database_take_log ();

  g_assert_cmpstr (log, ==, expected);
}
