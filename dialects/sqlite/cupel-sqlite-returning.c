/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-returning.h"
#include "cupel-sqlite-decode.h"
#include "cupel-sqlite-error.h"

/* One row: whether the table is one that this can be done with, and the name of the column that is the row id. */
static const char inquiry[] =
  "SELECT (SELECT count(*) FROM pragma_table_list(?1)) = 1"
  " AND (SELECT count(*) FROM pragma_table_list(?1) WHERE schema = 'main' AND type = 'table' AND wr = 0) = 1"
  " AND NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE)"
  " AND NOT EXISTS (SELECT 1 FROM temp.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE)"
  " AND NOT EXISTS (SELECT 1 FROM pragma_table_xinfo(?1) WHERE name = 'rowid' COLLATE NOCASE),"
  " (SELECT max(name) FROM pragma_table_info(?1) WHERE pk > 0 HAVING count(*) = 1 AND max(type) = 'INTEGER' COLLATE NOCASE"
  " AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk'))";

/* Past one quoted name, or NULL. */
static const char *
skip_name (const char *sql)
{
  if (*sql != '"')
    return NULL;
  for (sql++; *sql != '\0'; sql++)
    if (*sql == '"' && *++sql != '"')
      return sql;
  return NULL;
}

/* The names after RETURNING, when it returns nothing but columns. */
static const char *
get_names (const CupelCompiled *compiled)
{
  static const char returning[] = " RETURNING ";
  const char *names, *end;

  if (compiled->insert_suffix == NULL || compiled->table_name == NULL || !g_str_has_prefix (compiled->insert_suffix, returning))
    return NULL;
  names = compiled->insert_suffix + strlen (returning);
  for (end = skip_name (names); end != NULL && end[0] == ',' && end[1] == ' '; end = skip_name (end + 2))
    ;
  return end != NULL && *end == '\0' ? names : NULL;
}

/* The row ids alone need no look at the rows. */
static gboolean
is_row_id (const CupelSqliteStatement *statement,
           const char                 *name)
{
  if (name == NULL || statement->n_columns != 1 || statement->compiled->n_columns != 1 ||
      g_ascii_strcasecmp (statement->compiled->columns[0].name, name) != 0)
    return FALSE;
  switch ((CupelSqlKind) statement->fields[0].kind)
    {
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      return TRUE;
    case CUPEL_SQL_NULL:
    case CUPEL_SQL_BOOLEAN:
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
    case CUPEL_SQL_NUMERIC:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_BYTES:
    case CUPEL_SQL_DATE:
    case CUPEL_SQL_TIME:
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
    case CUPEL_SQL_UUID:
    case CUPEL_SQL_JSON:
    default:
      return FALSE;
    }
}

static gboolean
inquire (CupelSqliteConnection      *connection,
         const CupelSqliteStatement *statement,
         gboolean                   *is_id)
{
  sqlite3_stmt *handle = NULL;
  gboolean possible = FALSE;

  if (sqlite3_prepare_v2 (connection->db, inquiry, -1, &handle, NULL) == SQLITE_OK &&
      sqlite3_bind_text (handle, 1, statement->compiled->table_name, -1, SQLITE_STATIC) == SQLITE_OK &&
      sqlite3_step (handle) == SQLITE_ROW)
    {
      possible = sqlite3_column_int (handle, 0) != 0;
      *is_id = is_row_id (statement, (const char *) sqlite3_column_text (handle, 1));
    }
  sqlite3_finalize (handle);
  return possible;
}

static gboolean
prepare (CupelSqliteReturning       *self,
         CupelSqliteConnection      *connection,
         const CupelSqliteStatement *statement)
{
  const CupelCompiled *compiled = statement->compiled;
  const char *names = get_names (compiled);
  g_autoptr(GString) table = NULL;
  g_autofree char *insert = NULL;
  g_autofree char *lookup = NULL;
  gboolean is_id = FALSE;

  if (names == NULL || !inquire (connection, statement, &is_id))
    return FALSE;

  table = g_string_new (compiled->table_name);
  g_string_replace (table, "\"", "\"\"", 0);
  insert = g_strndup (compiled->sql, compiled->sql_length - strlen (compiled->insert_suffix));
  lookup = g_strdup_printf ("SELECT %s FROM \"%s\" WHERE rowid = ?1", names, table->str);
  return sqlite3_prepare_v3 (connection->db, insert, -1, SQLITE_PREPARE_PERSISTENT, &self->insert.handle, NULL) == SQLITE_OK &&
         (is_id || sqlite3_prepare_v3 (connection->db, lookup, -1, SQLITE_PREPARE_PERSISTENT, &self->lookup.handle, NULL) == SQLITE_OK);
}

CupelSqliteReturning *
cupel_sqlite_returning_get (CupelSqliteConnection *connection,
                            CupelSqliteStatement  *statement)
{
  const int n_prepared = sqlite3_stmt_status (statement->handle, SQLITE_STMTSTATUS_REPREPARE, FALSE);
  CupelSqliteReturning *self = statement->returning;

  if (self == NULL || self->n_prepared != n_prepared)
    {
      g_clear_pointer (&statement->returning, cupel_sqlite_returning_free);
      self = statement->returning = g_new (CupelSqliteReturning, 1);
      *self = (CupelSqliteReturning) { .n_prepared = n_prepared, .insert = *statement, .lookup = *statement };
      self->insert.handle = self->lookup.handle = NULL;
      self->possible = prepare (self, connection, statement);
    }
  return self->possible ? self : NULL;
}

void
cupel_sqlite_returning_reset (CupelSqliteReturning *self)
{
  sqlite3_reset (self->insert.handle);
  sqlite3_reset (self->lookup.handle);
}

void
cupel_sqlite_returning_free (CupelSqliteReturning *self)
{
  sqlite3_finalize (self->insert.handle);
  sqlite3_finalize (self->lookup.handle);
  g_free (self);
}

gboolean
cupel_sqlite_returning_read (CupelSqliteReturning   *self,
                             CupelSqliteConnection  *connection,
                             CupelRowBlock          *block,
                             GError                **error)
{
  gint64 id = sqlite3_last_insert_rowid (connection->db);
  sqlite3_stmt *handle = self->lookup.handle;
  gboolean ok = TRUE;

  if (handle == NULL)
    {
      CupelCell *cell = cupel_row_block_add_row (block);

      cell->kind = CUPEL_CELL_INT64;
      cell->v.i64 = id;
      return TRUE;
    }

  if (sqlite3_bind_int64 (handle, 1, id) != SQLITE_OK || sqlite3_step (handle) != SQLITE_ROW)
    ok = cupel_sqlite_connection_fail (connection, error);
  else if (G_UNLIKELY (!cupel_sqlite_decode_row (&self->lookup, block)))
    {
      g_propagate_error (error, cupel_sqlite_error_new (SQLITE_NOMEM, NULL));
      ok = FALSE;
    }
  sqlite3_reset (handle);
  return ok;
}
