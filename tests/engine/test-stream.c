/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "client.h"
#include "fake-database.h"

typedef struct
{
  CupelEngine     *engine;
  CupelConnection *connection;
} Fixture;

static void
set_up (Fixture       *f,
        gconstpointer  data)
{
  GError *error = NULL;

  fake_database_reset ();
  f->engine = cupel_engine_new ("fake://", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture       *f,
           gconstpointer  data)
{
  GError *error = NULL;

  g_assert_cmpuint (cupel_pool_get_checked_out (cupel_engine_get_pool (f->engine)), ==, 0);
  cupel_engine_dispose (f->engine, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fake_figures.n_connected, ==, 0);
  g_assert_finalize_object (f->engine);
}

static gboolean
run_with_connection (CupelConnection  *connection,
                     gpointer          data,
                     GCancellable     *cancellable,
                     GError          **error)
{
  Fixture *f = ((gpointer *) data)[0];
  CupelRunFunc func = (CupelRunFunc) ((gpointer *) data)[1];

  f->connection = connection;
  return func (f, cancellable, error);
}

static void
in_fiber (Fixture       *f,
          gconstpointer  data)
{
  gpointer both[2] = { f, (gpointer) data };
  GError *error = NULL;

  cupel_engine_begin (f->engine, run_with_connection, both, NULL, &error);
  g_assert_no_error (error);
}

static CupelStream *
open_stream (Fixture    *f,
             const char *sql,
             guint       block_rows)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  GError *error = NULL;
  CupelStream *stream = cupel_connection_stream (f->connection, CUPEL_STATEMENT (text), NULL, block_rows, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (stream);
  return stream;
}

static void
assert_log (const char *expected)
{
  g_autofree char *log = fake_database_take_log ();

  g_assert_cmpstr (log, ==, expected);
}

static gboolean
test_read (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) stream = open_stream (f, "rows 5", 2);
  gint64 expected = 0;
  GError *local = NULL;

  g_assert_cmpuint (cupel_stream_get_n_columns (stream), ==, 2);
  g_assert_cmpstr (cupel_stream_get_column_name (stream, 1), ==, "name");
  while (cupel_stream_step (stream, NULL, &local))
    {
      g_autofree char *name = g_strdup_printf ("name %" G_GINT64_FORMAT, ++expected);

      g_assert_cmpint (cupel_stream_get_int64 (stream, 0), ==, expected);
      g_assert_cmpstr (cupel_stream_get_string (stream, 1), ==, name);
      if (expected == 3)
        {
          g_autoptr(CupelRow) row = cupel_stream_dup_row (stream);
          g_autofree char *text = cupel_row_to_string (row);

          g_assert_cmpstr (text, ==, "(3, 'name 3')");
        }
    }
  g_assert_no_error (local);
  g_assert_cmpint (expected, ==, 5);
  g_assert_true (cupel_stream_is_closed (stream));
  g_assert_false (cupel_stream_step (stream, NULL, &local));
  g_assert_no_error (local);
  assert_log ("BEGIN; rows 5; fetch; fetch; fetch; fetch");
  g_assert_true (cupel_stream_close (stream, NULL, error));
  g_assert_true (cupel_connection_commit (f->connection, NULL, error));
  return TRUE;
}

static gboolean
test_next_rows (gpointer       data,
                GCancellable  *cancellable,
                GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) stream = open_stream (f, "rows 5", 3);
  g_autoptr(GPtrArray) first = NULL;
  g_autoptr(GPtrArray) second = NULL;
  GError *local = NULL;

  g_assert_true (cupel_stream_step (stream, NULL, error));
  first = cupel_stream_next_rows (stream, NULL, error);
  g_assert_cmpuint (first->len, ==, 2);
  g_assert_cmpint (cupel_row_get_int64 (first->pdata[0], 0), ==, 2);
  second = cupel_stream_next_rows (stream, NULL, error);
  g_assert_cmpuint (second->len, ==, 2);
  g_assert_cmpint (cupel_row_get_int64 (second->pdata[1], 0), ==, 5);
  g_assert_null (cupel_stream_next_rows (stream, NULL, &local));
  g_assert_no_error (local);

  /* Rows outlive everything. */
  g_clear_object (&stream);
  g_assert_cmpstr (cupel_row_get_string (first->pdata[1], 1), ==, "name 3");
  g_assert_cmpstr (cupel_row_get_column_name (first->pdata[1], 1), ==, "name");

  stream = open_stream (f, "rows 1", 0);
  assert_refused (cupel_stream_next_list (stream, NULL, &local), local, CUPEL_ERROR_INVALID_ARGUMENT);
  g_assert_true (cupel_stream_close (stream, NULL, error));
  return TRUE;
}

static gboolean
test_commit (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) stream = open_stream (f, "rows 5", 2);
  GError *local = NULL;

  g_assert_true (cupel_stream_step (stream, NULL, error));
  fake_database_forget_log ();
  assert_refused (cupel_connection_commit (f->connection, NULL, &local), local, CUPEL_ERROR_PROGRAMMING);
  assert_log ("");

  g_assert_true (cupel_stream_close (stream, NULL, error));
  g_assert_true (cupel_stream_close (stream, NULL, error));
  assert_refused (cupel_stream_step (stream, NULL, &local), local, CUPEL_ERROR_CLOSED);
  g_assert_true (cupel_connection_commit (f->connection, NULL, error));
  assert_log ("close cursor; COMMIT");
  return TRUE;
}

static gboolean
test_rollback (gpointer       data,
               GCancellable  *cancellable,
               GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) one = open_stream (f, "rows 5", 2);
  g_autoptr(CupelStream) two = open_stream (f, "rows 5", 2);
  GError *local = NULL;

  g_assert_true (cupel_stream_step (one, NULL, error));
  fake_database_forget_log ();
  g_assert_true (cupel_connection_rollback (f->connection, NULL, error));
  assert_log ("close cursor; close cursor; ROLLBACK");
  g_assert_true (cupel_stream_is_closed (one));
  g_assert_true (cupel_stream_is_closed (two));
  assert_refused (cupel_stream_step (one, NULL, &local), local, CUPEL_ERROR_CLOSED);
  return TRUE;
}

static gboolean
test_nested (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) outer = open_stream (f, "rows 3", 1);
  guint n = 0;

  while (cupel_stream_step (outer, NULL, error))
    {
      g_autoptr(CupelStream) inner = open_stream (f, "rows 2", 1);

      while (cupel_stream_step (inner, NULL, error))
        n++;
      execute (f->connection, "between");
    }
  g_assert_cmpuint (n, ==, 6);
  return TRUE;
}

/* Dropped without closing: the connection closes the cursor before anything else. */
static gboolean
test_dropped (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  CupelStream *stream = open_stream (f, "rows 5", 2);

  g_assert_true (cupel_stream_step (stream, NULL, error));
  fake_database_forget_log ();
  g_object_unref (stream);
  assert_log ("");
  execute (f->connection, "next");
  assert_log ("close cursor; next");

  g_object_unref (open_stream (f, "rows 5", 2));
  fake_database_forget_log ();
  g_assert_true (cupel_connection_commit (f->connection, NULL, error));
  assert_log ("close cursor; COMMIT");
  return TRUE;
}

static gboolean
test_errors (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) stream = open_stream (f, "rows 5", 2);
  GError *local = NULL;

  fake_knobs.disconnect = TRUE;
  assert_refused (cupel_stream_step (stream, NULL, &local), local, CUPEL_ERROR_DISCONNECTED);
  g_assert_true (cupel_stream_is_closed (stream));
  g_assert_true (cupel_connection_is_invalidated (f->connection));
  assert_refused (cupel_stream_step (stream, NULL, &local), local, CUPEL_ERROR_CLOSED);
  fake_knobs.disconnect = FALSE;

  g_assert_true (cupel_connection_rollback (f->connection, NULL, error));
  g_assert_true (cupel_connection_close (f->connection, NULL, error));
  return TRUE;
}

static gboolean
test_many (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelText) text = cupel_text_new ("rows :n");
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  GError *local = NULL;

  cupel_parameters_set_int64 (parameters, "n", 1);
  cupel_parameters_next (parameters);
  cupel_parameters_set_int64 (parameters, "n", 2);
  assert_refused (cupel_connection_stream (f->connection, CUPEL_STATEMENT (text), parameters, 0, NULL, &local),
                  local, CUPEL_ERROR_PROGRAMMING);
  return TRUE;
}

/* buffered results */

static gboolean
test_result (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelText) text = cupel_text_new ("rows 7");
  g_autoptr(CupelText) single = cupel_text_new ("rows 1");
  g_autoptr(CupelText) none = cupel_text_new ("rows 0");
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelRow) row = NULL;
  g_autoptr(GPtrArray) rows = NULL;
  GError *local = NULL;
  guint n = 0;

  result = cupel_connection_execute (f->connection, CUPEL_STATEMENT (text), NULL, NULL, error);
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 7);
  g_assert_cmpint (cupel_result_find_column (result, "name"), ==, 1);
  g_assert_cmpint (cupel_result_find_column (result, "nothing"), ==, -1);
  g_assert_true (cupel_result_returns_rows (result));
  while (cupel_result_step (result))
    {
      g_autoptr(GBytes) bytes = cupel_result_dup_bytes (result, 1);
      g_auto(GValue) value = G_VALUE_INIT;

      n++;
      g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, n);
      g_assert_cmpfloat (cupel_result_get_double (result, 0), ==, n);
      g_assert_null (cupel_result_get_string (result, 0));
      g_assert_false (cupel_result_is_null (result, 1));
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, 6);
      g_assert_true (cupel_result_get_value (result, 0, &value));
      g_assert_true (G_VALUE_HOLDS_INT64 (&value));
      if (n == 4)
        row = cupel_result_dup_row (result);
    }
  g_assert_cmpuint (n, ==, 7);
  g_assert_true (cupel_result_is_closed (result));
  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 7);
  g_assert_cmpstr (cupel_row_get_string (row, 1), ==, "name 4");
  g_clear_object (&result);
  g_assert_cmpstr (cupel_row_get_string (row, 1), ==, "name 4");

  result = cupel_connection_execute (f->connection, CUPEL_STATEMENT (text), NULL, NULL, error);
  g_assert_true (cupel_result_step (result));
  rows = cupel_result_all_rows (result);
  g_assert_cmpuint (rows->len, ==, 6);
  g_assert_true (cupel_result_is_closed (result));
  g_clear_object (&result);

  result = cupel_connection_execute (f->connection, CUPEL_STATEMENT (text), NULL, NULL, error);
  assert_refused (cupel_result_one_row (result, &local), local, CUPEL_ERROR_MULTIPLE_ROWS);
  g_clear_object (&result);

  result = cupel_connection_execute (f->connection, CUPEL_STATEMENT (none), NULL, NULL, error);
  assert_refused (cupel_result_one_row (result, &local), local, CUPEL_ERROR_NO_ROW);
  g_clear_object (&result);

  g_clear_pointer (&row, cupel_row_unref);
  result = cupel_connection_execute (f->connection, CUPEL_STATEMENT (single), NULL, NULL, error);
  row = cupel_result_one_row (result, error);
  g_assert_cmpint (cupel_row_get_int64 (row, 0), ==, 1);
  return TRUE;
}

/* A value that is not there is NULL, and whoever asks for it is told why, by the name of the function. */
#define REFUSED(call, pattern, none)                                          \
  g_test_expect_message ("Cupel", G_LOG_LEVEL_CRITICAL, pattern);             \
  g_assert_true ((call) == (none));                                           \
  g_test_assert_expected_messages ()

static gboolean
test_no_cell (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Fixture *f = data;
  g_autoptr(CupelStream) stream = open_stream (f, "rows 1", 2);
  g_autoptr(CupelText) text = cupel_text_new ("rows 1");
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(CupelRow) row = NULL;
  g_auto(GValue) value = G_VALUE_INIT;

  REFUSED (cupel_stream_get_int64 (stream, 0), "cupel_stream_get_int64(): there is no current row*", 0);
  g_assert_true (cupel_stream_step (stream, NULL, error));
  REFUSED (cupel_stream_is_null (stream, 2), "cupel_stream_is_null(): there is no column 2 in a row of 2*", TRUE);
  REFUSED (cupel_stream_get_double (stream, G_MAXUINT), "cupel_stream_get_double(): there is no column 4294967295 *", 0.0);
  g_assert_false (cupel_stream_step (stream, NULL, error));
  REFUSED (cupel_stream_get_string (stream, 1), "cupel_stream_get_string(): there is no current row*", NULL);
  REFUSED (cupel_stream_dup_bytes ((CupelStream *) f->engine, 1), "cupel_stream_dup_bytes: *CUPEL_IS_STREAM (self)*", NULL);

  result = cupel_connection_execute (f->connection, CUPEL_STATEMENT (text), NULL, NULL, error);
  REFUSED (cupel_result_dup_datetime (result, 0), "cupel_result_dup_datetime(): there is no current row*", NULL);
  g_assert_true (cupel_result_step (result));
  row = cupel_result_dup_row (result);
  REFUSED (cupel_result_get_value (result, 7, &value), "cupel_result_get_value(): there is no column 7 in a row of 2*", FALSE);
  g_assert_false (G_IS_VALUE (&value));
  REFUSED (cupel_result_get_int64 (NULL, 0), "cupel_result_get_int64: *IS_RESULT (self)*", 0);
  g_assert_false (cupel_result_step (result));
  REFUSED (cupel_result_is_null (result, 0), "cupel_result_is_null(): there is no current row*", TRUE);

  REFUSED (cupel_row_get_string (row, 2), "cupel_row_get_string(): there is no column 2 in a row of 2*", NULL);
  REFUSED (cupel_row_get_int64 (NULL, 0), "cupel_row_get_int64: *self != NULL*", 0);
  return TRUE;
}

#define ADD(path, func) g_test_add ("/engine/" path, Fixture, func, set_up, in_fiber, tear_down)

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  fake_database_register ();

  ADD ("stream/read", test_read);
  ADD ("stream/next-rows", test_next_rows);
  ADD ("stream/commit", test_commit);
  ADD ("stream/rollback", test_rollback);
  ADD ("stream/nested", test_nested);
  ADD ("stream/dropped", test_dropped);
  ADD ("stream/errors", test_errors);
  ADD ("stream/many", test_many);
  ADD ("result/read", test_result);
  ADD ("result/no-cell", test_no_cell);

  return g_test_run ();
}
