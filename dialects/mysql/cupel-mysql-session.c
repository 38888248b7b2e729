/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What statements leave in the server's session, and how the next borrower of the connection gets a clean one. The server tells
 * of settings and of the schema; of variables, temporary tables and locks it does not, so statements are looked at too, each once. */

#include "cupel-mysql-private.h"

#include <string.h>

/* What begins with these leaves nothing by itself. */
static const char *const plain_words[] = {
  "ALTER", "ANALYZE", "CHECK", "CHECKSUM", "COMMIT", "CREATE", "DELETE", "DESC", "DESCRIBE", "DO", "DROP", "EXPLAIN", "GRANT",
  "INSERT", "KILL", "LOAD", "OPTIMIZE", "RELEASE", "RENAME", "REPAIR", "REPLACE", "REVOKE", "ROLLBACK", "SAVEPOINT", "SELECT",
  "SHOW", "START", "TABLE", "TRUNCATE", "UPDATE", "VALUES", "WITH",
};

static const char *
cupel_mysql_skip_space (const char *sql)
{
  for (;;)
    {
      while (g_ascii_isspace (*sql) || *sql == '(')
        sql++;
      if (*sql == '#' || (sql[0] == '-' && sql[1] == '-'))
        {
          sql += strcspn (sql, "\n");
          continue;
        }
      /* the kind that some servers execute is no comment */
      if (sql[0] != '/' || sql[1] != '*' || sql[2] == '!' || sql[2] == 'M')
        return sql;
      sql = strstr (sql + 2, "*/");
      if (sql == NULL)
        return "";
      sql += 2;
    }
}

static gboolean
cupel_mysql_has_word (const char *sql,
                      const char *word)
{
  gsize length = strlen (word);

  for (; *sql != '\0'; sql++)
    if (g_ascii_toupper (*sql) == *word && g_ascii_strncasecmp (sql, word, length) == 0)
      return TRUE;
  return FALSE;
}

/* Whether @sql may leave something: it errs on this side, which costs two round trips when the connection comes back. */
gboolean
cupel_mysql_sql_leaves_traces (const char *sql)
{
  gboolean plain = FALSE;
  gsize length = 0;

  sql = cupel_mysql_skip_space (sql);
  while (g_ascii_isalpha (sql[length]))
    length++;
  for (gsize i = 0; i < G_N_ELEMENTS (plain_words) && !plain; i++)
    plain = strlen (plain_words[i]) == length && g_ascii_strncasecmp (plain_words[i], sql, length) == 0;
  if (!plain)
    return TRUE;

  /* @variable, but not @@setting */
  for (const char *at = strchr (sql, '@'); at != NULL; at = strchr (at, '@'))
    {
      if (at[1] != '@')
        return TRUE;
      at += 2;
    }
  return cupel_mysql_has_word (sql, "GET_LOCK") ||
         (g_ascii_toupper (*sql) == 'C' && cupel_mysql_has_word (sql, "TEMPORARY")) ||
         strstr (sql, "/*!") != NULL || strstr (sql, "/*M!") != NULL;
}

/* After a statement of the user's: what the server says. */
void
cupel_mysql_connection_note_session (CupelMysqlConnection *self)
{
  /* The mode may have been set by hand, and transactions depend on it. */
  self->autocommit = (self->mysql->server_status & SERVER_STATUS_AUTOCOMMIT) != 0;
  if ((self->mysql->server_status & SERVER_SESSION_STATE_CHANGED) != 0)
    {
      self->mysql->server_status &= ~(unsigned int) SERVER_SESSION_STATE_CHANGED;
      self->dirty = TRUE;
    }
}

gboolean
cupel_mysql_connection_needs_reset (CupelDriverConnection *connection)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);

  return self->dirty || self->next.isolation != CUPEL_ISOLATION_DEFAULT || self->next.read_only;
}

void
cupel_mysql_connection_mark_dirty (CupelDriverConnection *connection)
{
  CUPEL_MYSQL_CONNECTION (connection)->dirty = TRUE;
}

/* Which schema a new connection would have. */
static gboolean
cupel_mysql_connection_restore_schema (CupelMysqlConnection  *self,
                                       GError               **error)
{
  const char *database = cupel_mysql_params_get_database (self->params);

  if (database != NULL && *database != '\0')
    {
      if (cupel_mysql_client_select_db (self, database))
        return TRUE;
      cupel_mysql_set_error (error, self->mysql, NULL);
      return FALSE;
    }
  if (self->mysql->db == NULL || *self->mysql->db == '\0')
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL,
               "A session of MySQL that has used a schema cannot go back to none; name the database in the URL");
  return FALSE;
}

static gboolean
cupel_mysql_connection_reset_session (CupelMysqlConnection  *self,
                                      GError               **error)
{
  g_autofree char *sql = NULL;

  if (!cupel_mysql_client_reset (self))
    {
      cupel_mysql_set_error (error, self->mysql, NULL);
      return FALSE;
    }

  /* The server has forgotten them, and the library knows that. */
  cupel_mysql_statements_clear (self);
  self->last_reads = TRUE;
  self->isolation = CUPEL_ISOLATION_DEFAULT;
  self->isolation_changed = FALSE;
  self->autocommit = FALSE;
  self->max_packet = 0;

  /* Some servers forget the character set, too. */
  sql = g_strdup_printf ("SET NAMES utf8mb4 COLLATE %s, %s", self->collation, CUPEL_MYSQL_SETTINGS);
  if (!cupel_mysql_connection_command (self, sql, error) ||
      !cupel_mysql_connection_restore_schema (self, error))
    return FALSE;

  self->dirty = FALSE;
  return TRUE;
}

gboolean
cupel_mysql_connection_reset (CupelDriverConnection  *connection,
                              gint64                  deadline,
                              GError                **error)
{
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  GError *failure = NULL;
  gboolean ok;

  self->next = (CupelTransactionOptions) { 0 };

  /* What is left of a stream interests nobody. */
  if (self->cursor != NULL &&
      !CUPEL_DRIVER_CURSOR_GET_CLASS (self->cursor)->close (CUPEL_DRIVER_CURSOR (self->cursor), deadline, error))
    return FALSE;
  if (!cupel_mysql_connection_rollback (connection, deadline, error))
    return FALSE;
  if (!self->dirty && self->isolation == CUPEL_ISOLATION_DEFAULT && !self->isolation_changed)
    return TRUE;

  if (!cupel_mysql_connection_enter (self, deadline, NULL, FALSE, error))
    return FALSE;
  ok = self->dirty ? cupel_mysql_connection_reset_session (self, &failure)
                   : cupel_mysql_connection_set_level (self, CUPEL_ISOLATION_DEFAULT, &failure);
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

/* What a server says of itself. A replica that nobody made read-only passes for a primary, and it does take writes. */
gboolean
cupel_mysql_connection_get_role (CupelDriverConnection  *connection,
                                 CupelServerRole        *role,
                                 GCancellable           *cancellable,
                                 GError                **error)
{
  static const char sql[] = "SELECT 1 FROM DUAL WHERE @@global.read_only NOT IN ('0', 'OFF') OR @@global.innodb_read_only";
  CupelMysqlConnection *self = CUPEL_MYSQL_CONNECTION (connection);
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  CupelMysqlRows *rows = NULL;
  GError *failure = NULL;
  gboolean ok;

  if (!cupel_mysql_connection_enter (self, CUPEL_NO_DEADLINE, cancellable, TRUE, error))
    return FALSE;
  ok = cupel_mysql_connection_query (self, sql, strlen (sql), NULL, &rows, &failure) && rows != NULL &&
       cupel_mysql_connection_read_all (self, rows, 1, blocks, &failure);
  *role = blocks->len > 0 ? CUPEL_SERVER_ROLE_STANDBY : CUPEL_SERVER_ROLE_PRIMARY;
  ok = cupel_mysql_connection_leave (self, ok, &failure);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}
