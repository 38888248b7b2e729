/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "postgresql-fixture.h"

#include <string.h>

#include "cupel-pg-compiler.h"
#include "cupel-pg-driver.h"

/* --- statements --- */

/* @kinds: of the binds :p1, :p2 ...; CUPEL_SQL_NULL leaves one untyped */
CupelCompiled *
compile_full (const char         *sql,
              const CupelSqlKind *kinds,
              guint               n_kinds)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled;

  for (guint i = 0; i < n_kinds; i++)
    {
      g_autofree char *name = g_strdup_printf ("p%u", i + 1);

      if (kinds[i] != CUPEL_SQL_NULL)
        cupel_text_set_bind_type (text, name, cupel_sql_type_new (kinds[i]));
    }
  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (compiled->n_slots, ==, n_kinds);
  return compiled;
}

CupelCompiled *
compile_plain (const char *sql)
{
  return compile_full (sql, NULL, 0);
}

/* INSERT INTO @table (c1, c2 ...) VALUES (:c1, :c2 ...) RETURNING @returning */
CupelCompiled *
compile_insert (const char         *table_name,
                const CupelSqlKind *kinds,
                guint               n_kinds,
                const char         *returning)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
  g_autoptr(CupelTable) table = cupel_table_new (table_name);
  g_autoptr(CupelInsert) insert = NULL;
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled;

  cupel_table_add_column (table, cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64)));
  insert = cupel_insert_new (table);
  for (guint i = 0; i < n_kinds; i++)
    {
      g_autofree char *name = g_strdup_printf ("c%u", i + 1);

      cupel_table_add_column (table, cupel_column_new (name, cupel_sql_type_new (kinds[i])));
      cupel_insert_add_column (insert, cupel_table_get_column (table, name));
    }
  if (returning != NULL)
    cupel_insert_returning (insert, cupel_table_c (table, returning));
  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (insert), &error);
  g_assert_no_error (error);
  return compiled;
}

/* --- values --- */

CupelCell
make_int (gint64 value)
{
  return (CupelCell) { .kind = CUPEL_CELL_INT64, .v.i64 = value };
}

CupelCell
make_text (CupelCellKind  kind,
           const char    *text)
{
  return (CupelCell) { .kind = (guint8) kind, .length = (guint32) strlen (text), .v.text = text };
}

CupelCell
make_scalar (CupelCellKind kind,
             gint64        value)
{
  return (CupelCell) { .kind = (guint8) kind, .v.i64 = value };
}

CupelRowBlock *
make_set (const CupelCell *cells,
          guint            n_cells)
{
  CupelRowBlock *block = cupel_row_block_new (n_cells, 1);

  memcpy (cupel_row_block_add_row (block), cells, n_cells * sizeof (CupelCell));
  return block;
}

/* --- running --- */

CupelUrl *
get_url (const char *more)
{
  const char *base = g_getenv (URL_VARIABLE);
  g_autofree char *text = g_strconcat (base, more != NULL ? strchr (base, '?') != NULL ? "&" : "?" : "", more, NULL);
  g_autoptr(GError) error = NULL;
  CupelUrl *url = cupel_url_new (text, &error);

  g_assert_no_error (error);
  return url;
}

CupelDriverConnection *
connect_to (CupelUrl  *url,
            gint64     deadline,
            GError   **error)
{
  g_autoptr(CupelDriver) driver = g_object_new (CUPEL_PG_TYPE_DRIVER, NULL);

  if (!cupel_driver_configure (driver, url, error))
    return NULL;
  return cupel_driver_connect (driver, url, NULL, deadline, NULL, error);
}

CupelDriverConnection *
connect_again (void)
{
  g_autoptr(CupelUrl) url = get_url (NULL);
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *connection = connect_to (url, CUPEL_NO_DEADLINE, &error);

  g_assert_no_error (error);
  return connection;
}

gboolean
replace_given_up (CupelDriverConnection **connection,
                  gint64                  start)
{
  if (cupel_driver_connection_get_status (*connection) != CUPEL_TRANSACTION_UNKNOWN)
    return FALSE;
  g_assert_cmpint (g_get_monotonic_time () - start, >, 900 * 1000);
  g_test_message ("given up");
  g_object_unref (*connection);
  *connection = connect_again ();
  return TRUE;
}

static gboolean
run_job (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Job *job = data;
  g_autoptr(CupelUrl) url = get_url (job->more);
  g_autoptr(CupelDriverConnection) connection = connect_to (url, CUPEL_NO_DEADLINE, error);

  if (connection == NULL)
    return FALSE;
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
  job->body (connection);
  cupel_driver_connection_close (connection, g_get_monotonic_time () + scale_bound (1000));
  return TRUE;
}

static void
run_test (gconstpointer data)
{
  const Job *job = data;
  g_autoptr(GError) error = NULL;

  if (g_getenv (URL_VARIABLE) == NULL)
    {
      g_test_skip (URL_VARIABLE " is not set");
      return;
    }
  cupel_run (run_job, (gpointer) job, NULL, &error);
  g_assert_no_error (error);
}

gboolean
try_exec (CupelDriverConnection  *connection,
          CupelCompiled          *compiled,
          CupelRowBlock          *sets,
          CupelRequestFlags       flags,
          CupelReply             *reply,
          GError                **error)
{
  CupelRequest request = {
    .compiled = compiled, .sets = sets, .n_sets = sets != NULL ? sets->n_rows : 0, .flags = flags
  };

  return cupel_driver_connection_execute (connection, &request, reply, NULL, error);
}

void
exec (CupelDriverConnection *connection,
      CupelCompiled         *compiled,
      CupelRowBlock         *sets,
      CupelRequestFlags      flags,
      CupelReply            *reply)
{
  g_autoptr(GError) error = NULL;

  try_exec (connection, compiled, sets, flags, reply, &error);
  g_assert_no_error (error);
}

void
exec_sql (CupelDriverConnection *connection,
          const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };

  exec (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply);
}

GError *
fail_sql (CupelDriverConnection *connection,
          const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };
  GError *error = NULL;

  g_assert_false (try_exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, &error));
  g_assert_nonnull (error);
  g_assert_null (reply.blocks);
  return error;
}

gint64
query_int (CupelDriverConnection *connection,
           const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };

  exec (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 1);
  g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_INT64);
  return get_cell (&reply, 0, 0)->v.i64;
}

char *
query_string (CupelDriverConnection *connection,
              const char            *sql,
              CupelCellKind         *kind)
{
  g_autoptr(CupelCompiled) compiled = compile_plain (sql);
  g_auto(CupelReply) reply = { 0 };
  const CupelCell *cell;

  exec (connection, compiled, NULL, CUPEL_REQUEST_NO_PREPARE, &reply);
  cell = get_cell (&reply, 0, 0);
  if (kind != NULL)
    *kind = cell->kind;
  g_assert_true (cell->kind == CUPEL_CELL_TEXT || cell->kind == CUPEL_CELL_DECIMAL || cell->kind == CUPEL_CELL_OTHER ||
                 cell->kind == CUPEL_CELL_JSON);
  return g_strndup (cell->v.text, cell->length);
}

void
exec_statement (CupelDriverConnection *connection,
                CupelStatement        *statement,
                CupelReply            *reply)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, statement, &error);

  g_assert_no_error (error);
  exec (connection, compiled, NULL, CUPEL_REQUEST_NONE, reply);
}

CupelDriverCursor *
open_stream (CupelDriverConnection *connection,
             CupelCompiled         *compiled,
             CupelRowBlock         *set,
             CupelRequestFlags      flags,
             guint                  block_rows)
{
  CupelRequest request = {
    .compiled = compiled, .sets = set, .n_sets = set != NULL ? 1 : 0, .flags = flags | CUPEL_REQUEST_STREAM,
    .block_rows = block_rows
  };
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_execute (connection, &request, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply.cursor);
  g_assert_null (reply.blocks);
  return g_object_ref (reply.cursor);
}

CupelRowBlock *
fetch (CupelDriverCursor *cursor)
{
  g_autoptr(GError) error = NULL;
  CupelRowBlock *block = CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->fetch (cursor, NULL, &error);

  g_assert_no_error (error);
  return block;
}

void
close_stream (CupelDriverCursor *cursor)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->close (cursor, g_get_monotonic_time () + scale_bound (1000), &error));
  g_assert_no_error (error);
  g_assert_true (CUPEL_DRIVER_CURSOR_GET_CLASS (cursor)->close (cursor, -1, &error));
}

void
cancel_later (gpointer data)
{
  Canceller *canceller = data;

  cupel_fiber_sleep (canceller->milliseconds * 1000, NULL, NULL);
  g_cancellable_cancel (canceller->cancellable);
}

void
add_tests (const NamedJob *tests,
           gsize           n_tests)
{
  for (gsize i = 0; i < n_tests; i++)
    g_test_add_data_func (tests[i].path, &tests[i].job, run_test);
}
