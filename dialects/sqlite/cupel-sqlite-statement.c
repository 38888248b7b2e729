/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-connection-private.h"
#include "cupel-sqlite-returning.h"

static void
statement_free (CupelSqliteStatement *statement)
{
  sqlite3_finalize (statement->handle);
  cupel_compiled_unref (statement->compiled);
  g_free (statement->fields);
  g_free (statement->exact);
  g_clear_pointer (&statement->returning, cupel_sqlite_returning_free);
  g_free (statement);
}

void
cupel_sqlite_statements_init (CupelSqliteStatements *statements,
                              guint                  capacity)
{
  statements->by_id = g_hash_table_new (g_int64_hash, g_int64_equal);
  statements->capacity = capacity;
  g_queue_init (&statements->order);
}

/* None is in use any more. */
void
cupel_sqlite_statements_clear (CupelSqliteStatements *statements)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&statements->order)) != NULL)
    statement_free (link->data);
  g_clear_pointer (&statements->by_id, g_hash_table_unref);
}

static void
shrink (CupelSqliteStatements *statements)
{
  GList *link = statements->order.tail;

  while (statements->order.length > statements->capacity && link != NULL)
    {
      CupelSqliteStatement *statement = link->data;

      link = link->prev;
      if (statement->busy)
        continue;
      g_queue_unlink (&statements->order, &statement->link);
      g_hash_table_remove (statements->by_id, &statement->id);
      statement_free (statement);
    }
}

/* Past white space, comments and semicolons. */
static const char *
skip_blank (const char *sql)
{
  for (;;)
    {
      const char *end;

      if (g_ascii_isspace (*sql) || *sql == ';' || *sql == '\f')
        sql++;
      else if (sql[0] == '-' && sql[1] == '-')
        sql += strcspn (sql, "\n");
      else if (sql[0] == '/' && sql[1] == '*')
        sql = (end = strstr (sql + 2, "*/")) != NULL ? end + 2 : sql + strlen (sql);
      else
        return sql;
    }
}

static gboolean
has_keyword (const char *sql,
             const char *keyword)
{
  gsize length = strlen (keyword);

  return g_ascii_strncasecmp (sql, keyword, length) == 0 && !g_ascii_isalnum (sql[length]) && sql[length] != '_';
}

static void
classify (CupelSqliteStatement *statement)
{
  const char *sql;

  switch (statement->compiled->kind)
    {
    case CUPEL_COMPILED_INSERT:
      statement->inserts = TRUE;
      statement->counts = TRUE;
      return;
    case CUPEL_COMPILED_UPDATE:
    case CUPEL_COMPILED_DELETE:
      statement->counts = TRUE;
      return;
    case CUPEL_COMPILED_TEXT:
      break;
    case CUPEL_COMPILED_SELECT:
    case CUPEL_COMPILED_DDL:
    default:
      return;
    }

  if (statement->read_only)
    return;
  sql = skip_blank (statement->compiled->sql);
  statement->inserts = has_keyword (sql, "INSERT") || has_keyword (sql, "REPLACE");
  statement->counts = statement->inserts || has_keyword (sql, "UPDATE") || has_keyword (sql, "DELETE") ||
                      has_keyword (sql, "WITH");
}

static void
note_exact (CupelSqliteStatement *statement)
{
  const CupelCompiled *compiled = statement->compiled;

  statement->exact = g_new (gboolean, compiled->n_slots);
  for (guint i = 0; i < compiled->n_slots; i++)
    statement->exact[i] = cupel_sql_type_get_kind (compiled->slots[i].type) == CUPEL_SQL_NUMERIC;
}

static void
make_plan (CupelSqliteStatement *statement)
{
  const CupelCompiled *compiled = statement->compiled;

  statement->n_columns = sqlite3_column_count (statement->handle);
  g_free (statement->fields);
  statement->fields = g_new0 (CupelSqliteField, statement->n_columns);

  for (guint i = 0; i < statement->n_columns && i < compiled->n_columns; i++)
    {
      const CupelSqlType *type = compiled->columns[i].type;

      if (type == NULL)
        continue;
      statement->fields[i].kind = cupel_sql_type_get_kind (type);
      if (statement->fields[i].kind == CUPEL_SQL_NUMERIC && cupel_sql_type_get_precision (type) > 0)
        {
          statement->fields[i].scaled = TRUE;
          statement->fields[i].scale = MIN (cupel_sql_type_get_scale (type), 100);
        }
    }
}

void
cupel_sqlite_statement_check_plan (CupelSqliteStatement *statement)
{
  if (G_UNLIKELY ((guint) sqlite3_column_count (statement->handle) != statement->n_columns))
    make_plan (statement);
}

char **
cupel_sqlite_statement_dup_names (CupelSqliteStatement *statement)
{
  char **names = g_new0 (char *, statement->n_columns + 1);

  for (guint i = 0; i < statement->n_columns; i++)
    {
      const char *name = sqlite3_column_name (statement->handle, i);

      names[i] = g_utf8_make_valid (name != NULL ? name : "", -1);
    }
  return names;
}

static gboolean
refuse_control (CupelSqliteConnection  *connection,
                GError                **error)
{
  const char *call = "the begin, commit and rollback calls of the connection or the session";

  if (strcmp (connection->refused, "BEGIN") == 0)
    call = "cupel_connection_begin() or cupel_session_begin()";
  else if (strcmp (connection->refused, "COMMIT") == 0)
    call = "cupel_connection_commit() or cupel_session_commit()";
  else if (strcmp (connection->refused, "ROLLBACK") == 0)
    call = "cupel_connection_rollback() or cupel_session_rollback()";

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
               "%s as an SQL text would hide the transaction's state from the library; use %s instead",
               connection->refused, call);
  return FALSE;
}

static gboolean
prepare (CupelSqliteConnection  *connection,
         CupelCompiled          *compiled,
         gboolean                keep,
         sqlite3_stmt          **handle,
         GError                **error)
{
  const char *tail = NULL;
  int n_parameters;
  int code;

  if (compiled->sql_length >= G_MAXINT)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "An SQL text of %" G_GSIZE_FORMAT " bytes is too long for SQLite",
                   compiled->sql_length);
      return FALSE;
    }

  connection->refused[0] = '\0';
  connection->preparing = TRUE;
  code = sqlite3_prepare_v3 (connection->db, compiled->sql, (int) compiled->sql_length + 1,
                             keep ? SQLITE_PREPARE_PERSISTENT : 0, handle, &tail);
  connection->preparing = FALSE;
  if (code != SQLITE_OK)
    {
      if (connection->refused[0] != '\0' && sqlite3_errcode (connection->db) == SQLITE_AUTH)
        return refuse_control (connection, error);
      return cupel_sqlite_connection_fail (connection, error);
    }

  if (*handle == NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "The SQL text holds no statement");
  else if (tail != NULL && *skip_blank (tail) != '\0')
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "The SQL text holds more than one statement; execute them one by one");
  else if ((guint) (n_parameters = sqlite3_bind_parameter_count (*handle)) != compiled->n_slots)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "The SQL text has %d placeholders but %u binds; write binds as :name", n_parameters, compiled->n_slots);
  else
    return TRUE;

  g_clear_pointer (handle, sqlite3_finalize);
  return FALSE;
}

CupelSqliteStatement *
cupel_sqlite_statement_acquire (CupelSqliteConnection  *connection,
                                CupelCompiled          *compiled,
                                gboolean                keep,
                                GError                **error)
{
  CupelSqliteStatements *statements = &connection->statements;
  CupelSqliteStatement *statement = g_hash_table_lookup (statements->by_id, &compiled->id);
  sqlite3_stmt *handle = NULL;

  if (statement != NULL && !statement->busy)
    {
      if (statements->order.head != &statement->link)
        {
          g_queue_unlink (&statements->order, &statement->link);
          g_queue_push_head_link (&statements->order, &statement->link);
        }
      statement->busy = TRUE;
      return statement;
    }

  keep = keep && statement == NULL && statements->capacity > 0;
  if (!prepare (connection, compiled, keep, &handle, error))
    return NULL;

  statement = g_new0 (CupelSqliteStatement, 1);
  statement->id = compiled->id;
  statement->handle = handle;
  statement->compiled = cupel_compiled_ref (compiled);
  statement->read_only = sqlite3_stmt_readonly (handle) != 0;
  statement->link.data = statement;
  statement->busy = TRUE;
  statement->cached = keep;
  classify (statement);
  note_exact (statement);
  make_plan (statement);

  if (keep)
    {
      g_hash_table_insert (statements->by_id, &statement->id, statement);
      g_queue_push_head_link (&statements->order, &statement->link);
      shrink (statements);
    }

  return statement;
}

CupelSqliteStatement *
cupel_sqlite_statement_peek (CupelSqliteConnection *connection,
                             CupelCompiled         *compiled)
{
  CupelSqliteStatement *statement = g_hash_table_lookup (connection->statements.by_id, &compiled->id);

  return statement != NULL && !statement->busy ? statement : NULL;
}

void
cupel_sqlite_statement_release (CupelSqliteStatement *statement)
{
  if (!statement->cached)
    {
      statement_free (statement);
      return;
    }
  /* What it failed with was reported when it was stepped. */
  sqlite3_reset (statement->handle);
  statement->busy = FALSE;
}
