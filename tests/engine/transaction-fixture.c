/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "transaction-fixture.h"

void
set_up (Fixture       *f,
        gconstpointer  data)
{
  GError *error = NULL;

  fake_database_reset ();
  f->engine = cupel_engine_new ("fake://", &error);
  g_assert_no_error (error);
  f->signals = g_string_new (NULL);
}

void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  GError *error = NULL;

  g_clear_object (&f->connection);
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

  f->connection = cupel_engine_connect (f->engine, NULL, &error);
  g_assert_no_error (error);
  cupel_run ((CupelRunFunc) data, f, NULL, &error);
  g_assert_no_error (error);
  cupel_connection_close (f->connection, NULL, &error);
  g_assert_no_error (error);
}

void
refuse (CupelConnection *connection,
        const char      *sql,
        CupelError       code)
{
  g_autoptr(GError) error = NULL;

  g_assert_false (can_execute (connection, sql, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, (int) code);
}

CupelStream *
open_stream (CupelConnection *connection)
{
  GError *error = NULL;
  g_autoptr(CupelText) text = cupel_text_new ("rows 50");
  CupelStream *stream = cupel_connection_stream (connection, CUPEL_STATEMENT (text), NULL, 10, NULL, &error);

  g_assert_no_error (error);
  return stream;
}

void
assert_log (const char *expected)
{
  g_autofree char *log = fake_database_take_log ();

  g_assert_cmpstr (log, ==, expected);
}
