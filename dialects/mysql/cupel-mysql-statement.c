/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prepared statements, a bounded number of them per connection. */

#include "cupel-mysql-private.h"

#define CUPEL_MYSQL_NO_ROOM 1461   /* max_prepared_stmt_count */

static void
cupel_mysql_statement_free (CupelMysqlStatement *statement)
{
  cupel_mysql_rows_clear (&statement->rows);
  cupel_mysql_binds_clear (&statement->binds);
  if (statement->n_rows > 1)
    g_free (statement->sql);
  cupel_compiled_unref (statement->compiled);
  g_free (statement);
}

/* Without I/O: the handle is closed, or the statement is not known to the server. */
static void
cupel_mysql_statement_drop (CupelMysqlStatement *statement)
{
  if (statement->stmt != NULL)
    mysql_stmt_close (statement->stmt);
  cupel_mysql_statement_free (statement);
}

static void
cupel_mysql_statement_close_handle (CupelMysqlConnection *self,
                                    CupelMysqlStatement  *statement)
{
  MYSQL_STMT *stmt = g_steal_pointer (&statement->stmt);

  statement->prepared = FALSE;
  if (stmt == NULL)
    return;
  if (self->mysql == NULL)
    mysql_stmt_close (stmt);
  else
    cupel_mysql_client_close_stmt (self, stmt);
}

static void
cupel_mysql_statement_uncache (CupelMysqlConnection *self,
                               CupelMysqlStatement  *statement)
{
  if (!statement->cached)
    return;
  g_hash_table_remove (self->statements, statement);
  g_queue_unlink (&self->lru, &statement->link);
  statement->cached = FALSE;
}

void
cupel_mysql_statement_close (CupelMysqlConnection *self,
                             CupelMysqlStatement  *statement)
{
  cupel_mysql_statement_uncache (self, statement);
  cupel_mysql_statement_close_handle (self, statement);
  cupel_mysql_statement_free (statement);
}

void
cupel_mysql_statements_clear (CupelMysqlConnection *self)
{
  GList *link;

  g_hash_table_remove_all (self->statements);
  while ((link = g_queue_pop_head_link (&self->lru)) != NULL)
    cupel_mysql_statement_drop (link->data);
}

static gboolean
cupel_mysql_compiled_only_reads (const CupelCompiled *compiled)
{
  const char *sql = compiled->sql;

  if (compiled->kind != CUPEL_COMPILED_TEXT)
    return compiled->kind == CUPEL_COMPILED_SELECT;
  while (g_ascii_isspace (*sql) || *sql == '(')
    sql++;
  return g_ascii_strncasecmp (sql, "SELECT", 6) == 0 || g_ascii_strncasecmp (sql, "SHOW", 4) == 0;
}

CupelMysqlStatement *
cupel_mysql_statement_get (CupelMysqlConnection *self,
                           CupelCompiled        *compiled,
                           guint                 n_rows,
                           gboolean              keep)
{
  CupelMysqlStatement key = { .id = compiled->id, .n_rows = n_rows };
  CupelMysqlStatement *statement = g_hash_table_lookup (self->statements, &key);

  if (statement != NULL)
    {
      if (self->lru.head != &statement->link)
        {
          g_queue_unlink (&self->lru, &statement->link);
          g_queue_push_head_link (&self->lru, &statement->link);
        }
      return statement;
    }

  statement = g_new0 (CupelMysqlStatement, 1);
  statement->id = compiled->id;
  statement->n_rows = n_rows;
  statement->compiled = cupel_compiled_ref (compiled);
  statement->sql = n_rows > 1 ? cupel_compiled_dup_multi_insert (compiled, n_rows) : (char *) compiled->sql;
  statement->sql_length = n_rows > 1 ? strlen (statement->sql) : compiled->sql_length;
  statement->link.data = statement;
  statement->rows.connection = self;
  statement->rows.statement = statement;
  statement->keep = keep && self->cache_size > 0;
  statement->only_reads = cupel_mysql_compiled_only_reads (compiled);
  statement->leaves_traces = compiled->kind == CUPEL_COMPILED_TEXT && cupel_mysql_sql_leaves_traces (compiled->sql);
  cupel_mysql_binds_init (&statement->binds, compiled->n_slots * n_rows);
  return statement;
}

/* Before PREPARE: so the server never holds more than the bound. */
static gboolean
cupel_mysql_statement_make_room (CupelMysqlConnection  *self,
                                 CupelMysqlStatement   *statement,
                                 GError               **error)
{
  while (statement->keep && !statement->cached && self->lru.length >= self->cache_size)
    cupel_mysql_statement_close (self, self->lru.tail->data);
  if (statement->stmt != NULL)
    return TRUE;

  statement->stmt = mysql_stmt_init (self->mysql);
  if (statement->stmt == NULL)
    {
      cupel_mysql_set_error (error, self->mysql, NULL);
      return FALSE;
    }
  cupel_mysql_client_stmt_init (statement);
  return TRUE;
}

gboolean
cupel_mysql_statement_prepare (CupelMysqlConnection  *self,
                               CupelMysqlStatement   *statement,
                               GError               **error)
{
  gboolean ok = FALSE;

  if (statement->prepared)
    return TRUE;

  /* All connections share what a server has room for: when it is full, the ones that are kept here go. */
  for (guint attempt = 0; !ok && attempt < 2; attempt++)
    {
      if (attempt > 0 && (mysql_stmt_errno (statement->stmt) != CUPEL_MYSQL_NO_ROOM || self->op != CUPEL_MYSQL_OP_RUNNING))
        break;
      if (attempt > 0)
        {
          cupel_mysql_statement_uncache (self, statement);
          cupel_mysql_statement_close_handle (self, statement);
          while (self->lru.length > 0)
            cupel_mysql_statement_close (self, self->lru.tail->data);
        }

      if (!cupel_mysql_statement_make_room (self, statement, error))
        return FALSE;
      ok = cupel_mysql_client_prepare (self, statement);
    }
  if (!ok)
    {
      cupel_mysql_set_error (error, self->mysql, statement->stmt);
      return FALSE;
    }
  return cupel_mysql_statement_prepared (self, statement, error);
}

/* What follows a successful PREPARE. */
gboolean
cupel_mysql_statement_prepared (CupelMysqlConnection  *self,
                                CupelMysqlStatement   *statement,
                                GError               **error)
{
  statement->prepared = TRUE;
  self->last_reads = statement->only_reads;
  if (mysql_stmt_param_count (statement->stmt) != statement->binds.n)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                   "The statement has %lu placeholders for the MySQL server, but %u parameters; write a literal “?” as a bind",
                   mysql_stmt_param_count (statement->stmt), statement->binds.n);
      return FALSE;
    }

  if (statement->keep && !statement->cached)
    {
      statement->cached = TRUE;
      g_hash_table_add (self->statements, statement);
      g_queue_push_head_link (&self->lru, &statement->link);
    }
  return TRUE;
}

void
cupel_mysql_statement_done (CupelMysqlConnection *self,
                            CupelMysqlStatement  *statement)
{
  g_clear_pointer (&statement->rows.block, cupel_row_block_unref);
  if (!statement->cached)
    cupel_mysql_statement_close (self, statement);
}

gboolean
cupel_mysql_connection_run (CupelMysqlConnection  *self,
                            CupelMysqlStatement   *statement,
                            GError               **error)
{
  self->dirty |= statement->leaves_traces;
  for (guint attempt = 0; ; attempt++)
    {
      GError *failure = NULL;
      gboolean ok;
      guint code;

      if (!statement->prepared && self->run_direct != NULL && self->last_reads && statement->bulk == NULL && attempt == 0)
        {
          if (!cupel_mysql_statement_make_room (self, statement, error))
            return FALSE;
          ok = self->run_direct (self, statement);
          if (statement->prepared && !cupel_mysql_statement_prepared (self, statement, error))
            return FALSE;
        }
      else if (!cupel_mysql_statement_prepare (self, statement, error))
        return FALSE;
      else
        ok = cupel_mysql_client_execute (self, statement);
      if (ok)
        break;

      cupel_mysql_set_error (&failure, self->mysql, statement->stmt);
      code = cupel_mysql_last_errno (self->mysql, statement->stmt);
      /* The server has no room; the other way to prepare makes some. */
      if (code == CUPEL_MYSQL_NO_ROOM && !statement->prepared && attempt == 0 && self->op == CUPEL_MYSQL_OP_RUNNING)
        {
          cupel_mysql_statement_close_handle (self, statement);
          g_error_free (failure);
          continue;
        }
      if (cupel_mysql_code_is_stale (code) && !self->broken && self->op == CUPEL_MYSQL_OP_RUNNING)
        {
          gboolean again = attempt == 0 && statement->bulk == NULL &&
                           /* comes after the execution: only reading may be repeated */
                           (code != CR_NEW_STMT_METADATA || statement->only_reads);

          cupel_mysql_statement_close_handle (self, statement);
          if (again)
            {
              g_error_free (failure);
              continue;
            }
        }
      g_propagate_error (error, failure);
      return FALSE;
    }

  if (mysql_stmt_field_count (statement->stmt) > 0)
    {
      cupel_mysql_client_describe (statement);
      cupel_mysql_rows_open (&statement->rows);
    }
  return TRUE;
}

static guint
cupel_mysql_statement_hash (gconstpointer data)
{
  const CupelMysqlStatement *statement = data;

  return (guint) statement->id * 31 + statement->n_rows;
}

static gboolean
cupel_mysql_statement_equal (gconstpointer a,
                             gconstpointer b)
{
  const CupelMysqlStatement *one = a;
  const CupelMysqlStatement *other = b;

  return one->id == other->id && one->n_rows == other->n_rows;
}

GHashTable *
cupel_mysql_statements_new (void)
{
  return g_hash_table_new (cupel_mysql_statement_hash, cupel_mysql_statement_equal);
}
