/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "mysql-fixture.h"

#include <string.h>

CupelDialect *dialect;
CupelCompiler *compiler;
CupelUrl *url;
gboolean on_mysql;

static CupelUrl *server_url;
static char *database;
static char *theme;

CupelDriver *
driver_for (CupelUrl *of)
{
  CupelDriver *driver = cupel_dialect_create_driver (dialect);
  g_autoptr(GError) error = NULL;

  cupel_driver_configure (driver, of, &error);
  g_assert_no_error (error);
  return driver;
}

CupelDriverConnection *
connect_to (CupelUrl  *of,
            GError   **error)
{
  g_autoptr(CupelDriver) driver = driver_for (of);

  return cupel_driver_connect (driver, of, NULL, g_get_monotonic_time () + scale_bound (20000), NULL, error);
}

CupelCompiled *
compile_statement (CupelStatement *statement)
{
  g_autoptr(GError) error = NULL;
  CupelCompiled *compiled = cupel_compiler_compile (compiler, statement, &error);

  g_assert_no_error (error);
  return compiled;
}

/* A table of numbers in MariaDB is a recursion in MySQL. */
static gboolean
replace_sequence (const GMatchInfo *match,
                  GString          *result,
                  gpointer          data)
{
  g_autofree char *from = g_match_info_fetch (match, 1);
  g_autofree char *to = g_match_info_fetch (match, 2);
  g_autofree char *alias = g_match_info_fetch (match, 3);

  g_string_append_printf (result, "(WITH RECURSIVE n (seq) AS (SELECT %s UNION ALL SELECT seq + 1 FROM n WHERE seq < %s) "
                                  "SELECT seq FROM n)%s", from, to, alias != NULL && *alias != '\0' ? alias : " AS numbers");
  return FALSE;
}

static char *
sql_of_mysql (const char *sql)
{
  g_autoptr(GRegex) sequence = g_regex_new ("\\bseq_(\\d+)_to_(\\d+)( [a-z]+\\b)?", 0, 0, NULL);
  GString *text = g_string_new (NULL);
  g_autofree char *replaced = g_regex_replace_eval (sequence, sql, -1, 0, 0, replace_sequence, NULL, NULL);

  g_string_assign (text, replaced);
  /* SET STATEMENT name=value FOR INSERT ..: the hint of the statement */
  if (g_str_has_prefix (text->str, "SET STATEMENT ") && strstr (text->str, " FOR INSERT ") != NULL)
    {
      g_string_replace (text, "SET STATEMENT ", "INSERT /*+ SET_VAR(", 1);
      g_string_replace (text, " FOR INSERT ", ") */ ", 1);
    }
  g_string_replace (text, "tx_isolation", "transaction_isolation", 0);
  return g_string_free (text, FALSE);
}

CupelCompiled *
compile (const char *sql,
         ...)
{
  g_autofree char *other = on_mysql ? sql_of_mysql (sql) : NULL;
  g_autoptr(CupelText) text = cupel_text_new (other != NULL ? other : sql);
  va_list args;
  int kind;

  va_start (args, sql);
  while ((kind = va_arg (args, int)) >= 0)
    cupel_text_add_result_type (text, cupel_sql_type_new ((CupelSqlKind) kind));
  va_end (args);
  return compile_statement (CUPEL_STATEMENT (text));
}

gboolean
execute_full (CupelDriverConnection  *connection,
              CupelCompiled          *compiled,
              CupelRowBlock          *sets,
              CupelRequestFlags       flags,
              CupelReply             *reply,
              GCancellable           *cancellable,
              GError                **error)
{
  CupelRequest request = {
    .compiled = compiled,
    .sets = sets,
    .n_sets = sets != NULL ? sets->n_rows : 0,
    .flags = flags,
  };

  return cupel_driver_connection_execute (connection, &request, reply, cancellable, error);
}

void
execute (CupelDriverConnection *connection,
         CupelCompiled         *compiled,
         CupelRowBlock         *sets,
         CupelReply            *reply)
{
  g_autoptr(GError) error = NULL;

  execute_full (connection, compiled, sets, CUPEL_REQUEST_NONE, reply, NULL, &error);
  g_assert_no_error (error);
}

void
run (CupelDriverConnection *connection,
     const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };

  execute (connection, compiled, NULL, &reply);
}

void
run_in_transaction (CupelDriverConnection *connection,
                    const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

  execute_full (connection, compiled, NULL, CUPEL_REQUEST_BEGIN, &reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (reply.began);
}

CupelDriverConnection *
connect_again (void)
{
  g_autoptr(GError) error = NULL;
  CupelDriverConnection *connection = connect_to (url, &error);

  g_assert_no_error (error);
  return connection;
}

gint64
query_int64 (CupelDriverConnection *connection,
             const char            *sql)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, CUPEL_SQL_INT64, -1);
  g_auto(CupelReply) reply = { 0, };

  execute (connection, compiled, NULL, &reply);
  g_assert_cmpint (get_cell (&reply, 0, 0)->kind, ==, CUPEL_CELL_INT64);
  return get_cell (&reply, 0, 0)->v.i64;
}

gint64
session_status (CupelDriverConnection *connection,
                const char            *name)
{
  g_autofree char *sql = g_strdup_printf ("SHOW SESSION STATUS LIKE '%s'", name);
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };

  execute (connection, compiled, NULL, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 1);
  return g_ascii_strtoll (get_cell (&reply, 0, 1)->v.text, NULL, 10);
}

GError *
fail (CupelDriverConnection *connection,
      const char            *sql,
      CupelRequestFlags      flags)
{
  g_autoptr(CupelCompiled) compiled = compile (sql, -1);
  g_auto(CupelReply) reply = { 0, };
  GError *error = NULL;

  g_assert_false (execute_full (connection, compiled, NULL, flags, &reply, NULL, &error));
  g_assert_nonnull (error);
  return error;
}

void
set_int64 (CupelCell *to,
           gint64     value)
{
  to->kind = CUPEL_CELL_INT64;
  to->v.i64 = value;
}

CupelDriverCursor *
open_stream (CupelDriverConnection *connection,
             CupelCompiled         *compiled,
             CupelReply            *reply)
{
  CupelRequest request = { .compiled = compiled, .flags = CUPEL_REQUEST_STREAM, .block_rows = 100 };
  g_autoptr(GError) error = NULL;

  cupel_driver_connection_execute (connection, &request, reply, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (reply->cursor);
  return reply->cursor;
}

void
read_stream (CupelDriverCursor *cursor,
             gint64             from,
             gint64             to)
{
  g_autoptr(GError) error = NULL;
  CupelRowBlock *block;
  gint64 next = from;

  while (next <= to && (block = cupel_driver_cursor_fetch (cursor, NULL, &error)) != NULL)
    {
      g_assert_cmpuint (block->n_rows, <=, 100);
      for (guint i = 0; i < block->n_rows; i++)
        g_assert_cmpint (cupel_row_block_get_row (block, i)->v.i64, ==, next++);
      cupel_row_block_unref (block);
    }
  g_assert_no_error (error);
  g_assert_cmpint (next, ==, to + 1);
}

/* Each case has a database of its own, and leaves nothing. */
static gboolean
case_run (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  const Case *test = data;
  g_autofree char *create = g_strdup_printf ("CREATE DATABASE %s DEFAULT CHARSET utf8mb4", database);
  g_autofree char *drop = g_strdup_printf ("DROP DATABASE IF EXISTS %s", database);
  g_autoptr(CupelDriverConnection) keeper = connect_to (server_url, error);
  g_autoptr(CupelDriverConnection) connection = NULL;

  if (keeper == NULL)
    return FALSE;
  on_mysql = !CUPEL_MYSQL_CONNECTION (keeper)->is_mariadb;
  run (keeper, drop);
  run (keeper, create);

  connection = connect_to (url, error);
  if (connection == NULL)
    return FALSE;
  test->func (connection);
  cupel_driver_connection_close (connection, g_get_monotonic_time () + scale_bound (1000));

  run (keeper, "SET SESSION lock_wait_timeout=20");
  run (keeper, drop);
  cupel_driver_connection_close (keeper, g_get_monotonic_time () + scale_bound (1000));
  return TRUE;
}

static void
test_case (gconstpointer data)
{
  g_autoptr(GError) error = NULL;

  if (url == NULL)
    {
      g_test_skip ("CUPEL_TEST_MYSQL_URL is not set");
      return;
    }
  cupel_run (case_run, (gpointer) data, NULL, &error);
  g_assert_no_error (error);
}

/* The same server, with a database of the program's own. */
static CupelUrl *
url_with_database (const char *text,
                   const char *name)
{
  const char *path = strchr (strstr (text, "://") + 3, '/');
  const char *options = strchr (text, '?');
  gsize length = path != NULL ? (gsize) (path - text) : options != NULL ? (gsize) (options - text) : strlen (text);
  g_autofree char *own = g_strdup_printf ("%.*s/%s%s", (int) length, text, name, options != NULL ? options : "");
  g_autoptr(GError) error = NULL;
  CupelUrl *result = cupel_url_new (own, &error);

  g_assert_no_error (error);
  return result;
}

CupelUrl *
url_with_option (const char *option)
{
  const char *text = g_getenv (URL_VARIABLE);
  g_autofree char *more = g_strconcat (text, strchr (text, '?') != NULL ? "&" : "?", option, NULL);

  return url_with_database (more, database);
}

void
mysql_test_init (int          *argc,
                 char       ***argv,
                 const char   *name)
{
  const char *text = g_getenv (URL_VARIABLE);

  g_test_init (argc, argv, NULL);
  theme = g_strdup (name);
  database = g_strconcat ("cupel_test_mysql_", name, NULL);
  dialect = g_object_new (cupel_mysql_dialect_get_type (), NULL);
  compiler = cupel_dialect_create_compiler (dialect);
  if (text != NULL)
    {
      server_url = cupel_url_new (text, NULL);
      url = url_with_database (text, database);
    }
}

int
mysql_test_run (const Case *cases,
                guint       n_cases)
{
  int result;

  for (guint i = 0; i < n_cases; i++)
    {
      g_autofree char *path = g_strconcat ("/engine/mysql/", theme, "/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_case);
    }

  result = g_test_run ();
  g_clear_pointer (&url, cupel_url_unref);
  g_clear_pointer (&server_url, cupel_url_unref);
  g_clear_object (&compiler);
  g_clear_object (&dialect);
  g_clear_pointer (&database, g_free);
  g_clear_pointer (&theme, g_free);
  return result;
}
