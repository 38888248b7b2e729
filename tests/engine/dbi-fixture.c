/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dbi-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  const Case *test;
  const char *url;
} Run;

const char *url_text;
CupelDialect *dialect;
CupelDriver *driver;
CupelCompiler *compiler;
CupelDriverConnection *connection;

gboolean
is_dialect (const char *name)
{
  return strcmp (cupel_dialect_get_name (dialect), name) == 0;
}

gint64
soon (void)
{
  return g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
}

CupelDriverConnection *
connect_with (CupelDriver  *with,
              const char   *text,
              GError      **error)
{
  g_autoptr(CupelUrl) url = cupel_url_new (text, error);

  if (url == NULL || !cupel_driver_configure (with, url, error))
    return NULL;
  return cupel_driver_connect (with, url, NULL, soon (), NULL, error);
}

CupelCompiled *
compile (const char *sql,
         ...)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled;
  va_list arguments;
  int kind;

  va_start (arguments, sql);
  while ((kind = va_arg (arguments, int)) >= 0)
    cupel_text_add_result_type (text, cupel_sql_type_new (kind));
  va_end (arguments);
  compiled = cupel_compiler_compile (compiler, CUPEL_STATEMENT (text), &error);
  g_assert_no_error (error);
  return compiled;
}

CupelCompiled *
compile_statement (gpointer statement)
{
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled = cupel_compiler_compile (compiler, statement, &error);

  g_assert_no_error (error);
  g_object_unref (statement);
  return compiled;
}

gboolean
try_execute (CupelDriverConnection  *on,
             CupelCompiled          *compiled,
             CupelRowBlock          *sets,
             CupelReply             *reply,
             GError                **error)
{
  CupelRequest request = { .compiled = compiled, .sets = sets, .n_sets = sets != NULL ? sets->n_rows : 0 };

  return cupel_driver_connection_execute (on, &request, reply, NULL, error);
}

void
execute (CupelDriverConnection *on,
         CupelCompiled         *compiled,
         CupelRowBlock         *sets,
         CupelReply            *reply)
{
  g_autoptr(GError) error = NULL;

  try_execute (on, compiled, sets, reply, &error);
  g_assert_no_error (error);
}

void
run (const char *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0 };

  execute (connection, compiled, NULL, &reply);
}

GError *
fail (const char *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0 };
  GError *error = NULL;

  g_assert_false (try_execute (connection, compiled, NULL, &reply, &error));
  g_assert_nonnull (error);
  return error;
}

gint64
query_int64 (const char *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0 };

  execute (connection, compiled, NULL, &reply);
  g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_INT64);
  return get_cell (&reply, 0, 0)->v.i64;
}

void
assert_cell (const CupelCell *found,
             const CupelCell *expected)
{
  g_autofree char *a = cupel_cell_to_string (found);
  g_autofree char *b = cupel_cell_to_string (expected);

  g_assert_cmpstr (a, ==, b);
  g_assert_cmpint (found->kind, ==, expected->kind);
  g_assert_true (cupel_cell_equal (found, expected));
}

CupelTable *
make_table (const char   *name,
            CupelSqlType *type)
{
  CupelTable *table = cupel_table_new (name);
  g_autofree char *drop = g_strdup_printf ("DROP TABLE IF EXISTS %s", name);
  g_autoptr(CupelCompiled) create = NULL;
  g_auto(CupelReply) reply = { 0 };
  CupelColumn *column;

  column = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  cupel_column_set_primary_key (column, TRUE);
  cupel_column_set_autoincrement (column, FALSE);
  cupel_table_add_column (table, column);
  cupel_table_add_column (table, cupel_column_new ("v", type));
  run (drop);
  create = compile_statement (cupel_create_table_new (table));
  execute (connection, create, NULL, &reply);
  return table;
}

CupelCompiled *
compile_insert (CupelTable *table)
{
  CupelInsert *insert = cupel_insert_new (table);

  cupel_insert_add_column (insert, cupel_table_get_column (table, "id"));
  cupel_insert_add_column (insert, cupel_table_get_column (table, "v"));
  return compile_statement (insert);
}

CupelCompiled *
compile_select (CupelTable *table)
{
  CupelSelect *select = cupel_select_new ();

  cupel_select_add_column (select, cupel_table_c (table, "v"));
  cupel_select_order_by (select, cupel_table_c (table, "id"));
  return compile_statement (select);
}

CupelRowBlock *
one_set (gint64           id,
         const CupelCell *value)
{
  CupelRowBlock *set = cupel_row_block_new (2, 1);
  CupelCell *cells = cupel_row_block_add_row (set);

  cells[0].kind = CUPEL_CELL_INT64;
  cells[0].v.i64 = id;
  g_assert_true (cupel_row_block_copy_cell (set, &cells[1], value));
  return set;
}

void
assert_fails (const char *sql,
              CupelError  code)
{
  g_autoptr(GError) error = fail (sql);

  g_test_message ("%s", error->message);
  g_assert_error (error, CUPEL_ERROR, (int) code);
  g_assert_cmpint (cupel_driver_connection_get_status (connection), ==, CUPEL_TRANSACTION_IDLE);
}

guint
count_threads (void)
{
  g_autoptr(GDir) tasks = g_dir_open ("/proc/self/task", 0, NULL);
  const char *id;
  guint n = 0;

  while ((id = g_dir_read_name (tasks)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/self/task/%s/comm", id);
      g_autofree char *name = NULL;

      if (g_file_get_contents (path, &name, NULL, NULL) && g_str_has_prefix (name, "cupel-db"))
        n++;
    }
  return n;
}

void
assert_threads (guint n)
{
  for (guint i = 0; i < 3000 && count_threads () != n; i++)
    g_usleep (20000);
  g_assert_cmpuint (count_threads (), ==, n);
}

static gboolean
run_case (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  const Run *wanted = data;
  g_autoptr(CupelUrl) url = cupel_url_new (wanted->url, error);
  GType type;

  if (url == NULL)
    return FALSE;
  url_text = wanted->url;
  type = cupel_plugin_find (CUPEL_PLUGIN_DIALECT, cupel_url_get_dialect (url), CUPEL_TYPE_DIALECT, error);
  if (type == G_TYPE_INVALID)
    return FALSE;
  dialect = g_object_new (type, NULL);
  type = cupel_plugin_find (CUPEL_PLUGIN_DRIVER, "dbi", CUPEL_TYPE_DRIVER, error);
  if (type == G_TYPE_INVALID)
    return FALSE;
  driver = g_object_new (type, NULL);
  cupel_driver_set_dialect (driver, dialect);
  compiler = cupel_dialect_create_compiler (dialect);
  connection = connect_with (driver, url_text, error);
  if (connection == NULL)
    return FALSE;

  wanted->test->func ();
  cupel_driver_connection_close (connection, soon ());
  g_clear_object (&connection);
  g_clear_object (&compiler);
  g_clear_object (&driver);
  g_clear_object (&dialect);
  assert_threads (0);
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  cupel_run (run_case, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

int
dbi_test_main (int          argc,
               char       **argv,
               const Case  *cases,
               gsize        n_cases)
{
  static const char *const endings[] = { "", "-wal", "-shm" };
  const char *list = g_getenv ("CUPEL_TEST_DBI_URLS");
  g_auto(GStrv) urls = g_strsplit (list != NULL ? list : "", " ", -1);
  g_autofree char *folder = g_dir_make_tmp ("cupel-dbi-XXXXXX", NULL);
  g_autofree char *file = g_strdup_printf ("sqlite+dbi:///%s/own.db", folder);
  g_autoptr(GArray) runs = g_array_new (FALSE, FALSE, sizeof (Run));
  int result;

  g_test_init (&argc, &argv, NULL);
  /* a file of its own: others use the one in the list */
  for (guint i = 0; i < n_cases; i++)
    g_array_append_val (runs, ((Run) { &cases[i], file }));
  for (guint u = 0; urls[u] != NULL; u++)
    for (guint i = 0; *urls[u] != '\0' && !g_str_has_prefix (urls[u], "sqlite") && i < n_cases; i++)
      g_array_append_val (runs, ((Run) { &cases[i], urls[u] }));
  for (guint i = 0; i < runs->len; i++)
    {
      const Run *wanted = &g_array_index (runs, Run, i);
      g_autofree char *path = g_strdup_printf ("/engine/dbi/%.*s/%s", (int) strcspn (wanted->url, "+"), wanted->url,
                                               wanted->test->name);

      g_test_add_data_func (path, wanted, test_case);
    }
  result = g_test_run ();

  for (guint i = 0; i < G_N_ELEMENTS (endings); i++)
    {
      g_autofree char *path = g_strconcat (folder, "/own.db", endings[i], NULL);

      g_unlink (path);
    }
  g_rmdir (folder);
  return result;
}
