/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "../unit/scale.h"
#include "sqlite-fixture.h"

#include <glib/gstdio.h>

CupelDialect *dialect;
CupelDriver *driver;
CupelCompiler *compiler;
char *directory;

static gboolean
run_body (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  TestBody body = *(TestBody *) data;

  body ();
  return TRUE;
}

static void
in_fiber (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_body, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

gint64
soon (void)
{
  return g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
}

gboolean
under_valgrind (void)
{
  const char *preload = g_getenv ("LD_PRELOAD");

  return preload != NULL && strstr (preload, "valgrind") != NULL;
}

void
assert_quick (gint64 start)
{
  g_assert_cmpint (g_get_monotonic_time () - start, <, scale_bound (1000));
}

CupelDriverConnection *
open_url (const char  *text,
          GError     **error)
{
  g_autoptr(CupelUrl) url = cupel_url_new (text, error);

  if (url == NULL || !cupel_driver_configure (driver, url, error))
    return NULL;
  return cupel_driver_connect (driver, url, NULL, soon (), NULL, error);
}

CupelDriverConnection *
open_memory (void)
{
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *connection = open_url ("sqlite://", &error);

  g_assert_no_error (error);
  g_assert_nonnull (connection);
  return connection;
}

char *
file_url (const char *name,
          const char *options)
{
  return g_strdup_printf ("sqlite:///%s/%s%s", directory, name, options);
}

CupelDriverConnection *
open_file (const char *name,
           const char *options)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *url = file_url (name, options);
  CupelDriverConnection *connection = open_url (url, &error);

  g_assert_no_error (error);
  g_assert_nonnull (connection);
  return connection;
}

void
close_it (CupelDriverConnection *connection)
{
  cupel_driver_connection_close (connection, soon ());
  g_object_unref (connection);
}

CupelCompiled *
compile (const char *sql,
         ...)
{
  g_autoptr(GError) error = NULL;
  CupelText *text = cupel_text_new (sql);
  CupelCompiled *compiled;
  va_list args;
  int kind;

  va_start (args, sql);
  while ((kind = va_arg (args, int)) >= 0)
    cupel_text_add_result_type (text, kind == CUPEL_SQL_NUMERIC ? cupel_sql_type_new_numeric (20, 2)
                                                                : cupel_sql_type_new (kind));
  va_end (args);

  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
  g_assert_no_error (error);
  g_assert_nonnull (compiled);
  g_object_unref (text);
  return compiled;
}

gboolean
execute (CupelDriverConnection  *connection,
         CupelCompiled          *compiled,
         CupelRowBlock          *sets,
         CupelRequestFlags       flags,
         CupelReply             *reply,
         GCancellable           *cancellable,
         GError                **error)
{
  CupelRequest request = { .compiled = compiled, .sets = sets, .n_sets = sets != NULL ? sets->n_rows : 0, .flags = flags };

  return cupel_driver_connection_execute (connection, &request, reply, cancellable, error);
}

gboolean
try_sql (CupelDriverConnection  *connection,
         const char             *sql,
         CupelRequestFlags       flags,
         GError                **error)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0 };

  return execute (connection, compiled, NULL, flags, &reply, NULL, error);
}

void
sql (CupelDriverConnection *connection,
     const char            *text)
{
  g_autoptr(GError) error = NULL;

  try_sql (connection, text, CUPEL_REQUEST_NONE, &error);
  g_assert_no_error (error);
}

gint64
scalar (CupelDriverConnection *connection,
        const char            *text)
{
  g_autoptr(CupelCompiled) compiled = compile (text, -1);
  g_auto(CupelReply) reply = { 0 };
  g_autoptr(GError) error = NULL;
  const CupelCell *cell;

  execute (connection, compiled, NULL, CUPEL_REQUEST_NONE, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (reply.blocks->len, ==, 1);
  cell = cupel_row_block_get_row (g_ptr_array_index (reply.blocks, 0), 0);
  g_assert_cmpint (cell->kind, ==, CUPEL_CELL_INT64);
  return cell->v.i64;
}

CupelTransactionStatus
status (CupelDriverConnection *connection)
{
  return cupel_driver_connection_get_status (connection);
}

const CupelCell *
first_row (CupelReply *reply)
{
  g_assert_nonnull (reply->blocks);
  g_assert_cmpuint (reply->blocks->len, >, 0);
  return cupel_row_block_get_row (g_ptr_array_index (reply->blocks, 0), 0);
}

static void
remove_directory (void)
{
  g_autoptr(GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_unlink (path);
    }
  g_rmdir (directory);
  g_free (directory);
}

void
sqlite_test_init (int    *argc,
                  char ***argv)
{
  g_autoptr(GError) error = NULL;
  GType type;

  g_test_init (argc, argv, NULL);

  type = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, "sqlite", CUPEL_TYPE_DIALECT, &error);
  g_assert_no_error (error);
  dialect = g_object_new (type, NULL);
  driver = cupel_dialect_create_driver (dialect);
  compiler = cupel_dialect_create_compiler (dialect);
  directory = g_dir_make_tmp ("cupel-sqlite-XXXXXX", &error);
  g_assert_no_error (error);
}

int
sqlite_test_run (const SqliteTest *tests,
                 gsize             n_tests)
{
  int result;

  for (gsize i = 0; i < n_tests; i++)
    g_test_add_data_func (tests[i].path, &tests[i].body, in_fiber);
  result = g_test_run ();

  g_object_unref (compiler);
  g_object_unref (driver);
  g_object_unref (dialect);
  remove_directory ();
  return result;
}
