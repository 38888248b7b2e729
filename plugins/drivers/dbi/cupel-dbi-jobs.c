/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the worker does: one hop executes a statement with all its sets, in a transaction if that is what was asked for. */

#include "cupel-dbi-private.h"

#define DEFAULT_BLOCK_ROWS 1000
/* Of one INSERT of many rows. */
#define MAX_ROWS           500
#define MANY               "cupel_many"

/* The literals belong to the statement, which the caller may free while an abandoned job still runs: copied into a block. */
CupelDbiJob *
cupel_dbi_job_new (const CupelRequest  *request,
                   GError             **error)
{
  const CupelCompiled *compiled = request->compiled;
  CupelDbiJob *job;
  CupelRowBlock *block;
  CupelCell *cells;
  const CupelCell **pointers;
  guint n_literals = 0;

  for (guint i = 0; i < compiled->n_slots; i++)
    {
      if (compiled->slots[i].source == CUPEL_SLOT_LITERAL)
        n_literals = MAX (n_literals, compiled->slots[i].index + 1);
      else if (request->n_sets == 0 || request->sets == NULL || compiled->slots[i].index >= request->sets->n_columns)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "The bind \"%s\" has no value",
                       compiled->slots[i].index < compiled->n_binds ? compiled->bind_names[compiled->slots[i].index] : "?");
          return NULL;
        }
    }

  block = cupel_row_block_new (MAX (n_literals, 1), 1);
  cells = cupel_row_block_add_row (block);
  pointers = cupel_row_block_alloc (block, MAX (n_literals, 1) * sizeof *pointers);
  for (guint i = 0; i < n_literals; i++)
    {
      pointers[i] = &cells[i];
      if (request->literals[i] != NULL && !cupel_row_block_copy_cell (block, &cells[i], request->literals[i]))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "Not enough memory for the values of the statement");
          cupel_row_block_unref (block);
          return NULL;
        }
    }

  job = g_new0 (CupelDbiJob, 1);
  job->literals = block;
  job->request = *request;
  job->request.literals = pointers;
  cupel_compiled_ref (job->request.compiled);
  if (job->request.sets != NULL)
    cupel_row_block_ref (job->request.sets);
  job->reply.row_count = -1;
  return job;
}

void
cupel_dbi_job_free (CupelDbiJob *job)
{
  cupel_reply_clear (&job->reply);
  g_clear_pointer (&job->request.sets, cupel_row_block_unref);
  cupel_compiled_unref (job->request.compiled);
  cupel_row_block_unref (job->literals);
  g_free (job);
}

static gboolean
enter (CupelDbiConnection  *self,
       GError             **error)
{
  if (self->link.handle == NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The connection is closed");
      return FALSE;
    }
  if (!cupel_dbi_connection_check (self, error))
    return FALSE;
  g_atomic_int_set (&self->link.interrupted, FALSE);
  return TRUE;
}

/* @error: what the job ends with, nullable */
static void
leave (CupelDbiConnection *self,
       const GError       *error)
{
  CupelDbiLink *link = &self->link;

  if (error != NULL && cupel_error_is_disconnect (error))
    g_atomic_int_set (&self->broken, TRUE);
  link->status = link->backend->status (link, error);
  if (link->status == CUPEL_TRANSACTION_UNKNOWN)
    g_atomic_int_set (&self->broken, TRUE);
  g_atomic_int_set (&self->status, link->status == CUPEL_TRANSACTION_IDLE && g_atomic_int_get (&self->begin_pending)
                                     ? CUPEL_TRANSACTION_ACTIVE : link->status);
}

/* What a job does with a connection that is there. */
typedef gboolean (*Work) (CupelDbiConnection  *self,
                          gpointer             data,
                          GError             **error);

static gboolean
perform (CupelThreadedConnection  *base,
         Work                      work,
         gpointer                  data,
         GError                  **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  GError *local = NULL;
  gboolean ok;

  if (!enter (self, error))
    return FALSE;
  ok = work (self, data, &local);
  leave (self, local);
  if (!ok)
    g_propagate_error (error, local);
  return ok;
}

static gboolean
begin (CupelDbiConnection             *self,
       const CupelTransactionOptions  *options,
       const CupelCompiled            *first,
       GError                        **error)
{
  CupelDbiLink *link = &self->link;
  g_autofree char *sql = link->backend->begin (link, options, first);
  g_auto(GStrv) parts = g_strsplit (sql, ";", -1);

  for (guint i = 0; parts[i] != NULL; i++)
    if (*parts[i] != '\0' && !cupel_dbi_link_run (link, parts[i], error))
      return FALSE;
  if (link->backend->set_autocommit != NULL && !link->backend->set_autocommit (link, FALSE, error))
    return FALSE;
  link->status = CUPEL_TRANSACTION_ACTIVE;
  return TRUE;
}

static gboolean
end (CupelDbiConnection  *self,
     const char          *sql,
     GError             **error)
{
  if (!cupel_dbi_link_run (&self->link, sql, error))
    return FALSE;
  self->link.status = CUPEL_TRANSACTION_IDLE;
  return TRUE;
}

static guint
get_block_rows (const CupelRequest *request)
{
  return request->block_rows > 0 ? request->block_rows : DEFAULT_BLOCK_ROWS;
}

/* @n_sets sets by one statement. */
static gboolean
execute_once (CupelDbiConnection  *self,
              CupelDbiJob         *job,
              guint                set,
              guint                n_sets,
              GError             **error)
{
  CupelDbiLink *link = &self->link;
  const CupelRequest *request = &job->request;
  guint block_rows = get_block_rows (request);
  g_autofree char *sql = NULL;

  if (link->backend->execute != NULL)
    return link->backend->execute (link, request, set, block_rows, &job->reply, error);
  if (request->compiled->n_slots == 0 && n_sets <= 1)
    return link->backend->query (link, request->compiled->sql, request->compiled, block_rows, &job->reply, error);
  sql = cupel_dbi_render (link, request, set, n_sets, error);
  return sql != NULL && link->backend->query (link, sql, request->compiled, block_rows, &job->reply, error);
}

static guint
count_rows (const CupelReply *reply)
{
  guint n = 0;

  for (guint i = 0; reply->blocks != NULL && i < reply->blocks->len; i++)
    n += ((CupelRowBlock *) g_ptr_array_index (reply->blocks, i))->n_rows;
  return n;
}

/* How many sets one statement can take. PostgreSQL promises no order of the rows that come back; MySQL tells no more than the first of
 * the generated keys. */
static guint
get_step (CupelDbiConnection  *self,
          const CupelRequest  *request)
{
  if (request->compiled->insert_prefix == NULL)
    return 1;
  if (self->link.backend == &cupel_dbi_pgsql)
    return request->compiled->n_columns == 0 ? MAX_ROWS : 1;
  if (self->link.backend == &cupel_dbi_mysql)
    return request->compiled->n_columns > 0 ? MAX_ROWS : 1;
  return 1;
}

static gboolean
execute_sets (CupelDbiConnection  *self,
              CupelDbiJob         *job,
              GError             **error)
{
  const CupelRequest *request = &job->request;
  CupelReply *reply = &job->reply;
  guint step = get_step (self, request);
  gboolean wants_ids = request->compiled->kind == CUPEL_COMPILED_INSERT && request->compiled->n_columns == 0 && step == 1;
  gint64 row_count = 0;
  gint64 first_id = 0;

  if (wants_ids)
    reply->insert_ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), request->n_sets);
  for (guint set = 0; set < request->n_sets; set += step)
    {
      guint n = MIN (step, request->n_sets - set);

      if (cupel_dbi_link_is_interrupted (&self->link, error))
        return FALSE;
      reply->last_insert_id = 0;
      if (!execute_once (self, job, set, n, error))
        return FALSE;
      row_count = row_count < 0 || reply->row_count < 0 ? -1 : row_count + reply->row_count;
      if (set == 0)
        first_id = reply->last_insert_id;
      /* A table without generated keys: then ids say nothing. */
      wants_ids = wants_ids && reply->last_insert_id != 0;
      if (wants_ids)
        g_array_append_val (reply->insert_ids, reply->last_insert_id);
      if (reply->n_columns > 0 && count_rows (reply) != set + n)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                       "%u sets returned %u rows: a statement that is executed with many sets returns one row for each", set + n,
                       count_rows (reply));
          return FALSE;
        }
    }
  if (!wants_ids)
    g_clear_pointer (&reply->insert_ids, g_array_unref);
  reply->row_count = row_count;
  reply->last_insert_id = first_id;
  return TRUE;
}

/* All sets or none: what was there before the first one is there again after an error. @began: by this very statement */
static gboolean
execute_many (CupelDbiConnection  *self,
              CupelDbiJob         *job,
              gboolean             began,
              GError             **error)
{
  static const CupelTransactionOptions standard = { 0 };
  CupelDbiLink *link = &self->link;
  gboolean inside = link->status == CUPEL_TRANSACTION_ACTIVE;

  if (began)
    return execute_sets (self, job, error);
  if (!(inside ? cupel_dbi_link_run (link, "SAVEPOINT " MANY, error) : begin (self, &standard, NULL, error)))
    return FALSE;
  if (execute_sets (self, job, error) &&
      (inside ? cupel_dbi_link_run (link, "RELEASE SAVEPOINT " MANY, error) : end (self, "COMMIT", error)))
    return TRUE;

  if (g_atomic_int_get (&link->interrupted) && link->backend->is_server)
    return FALSE;   /* nothing more will be done with this connection */
  g_atomic_int_set (&link->interrupted, FALSE);
  if (!inside)
    {
      /* SQLite may have done so itself. */
      end (self, "ROLLBACK", NULL);
      link->status = CUPEL_TRANSACTION_IDLE;
    }
  else if (cupel_dbi_link_run (link, "ROLLBACK TO SAVEPOINT " MANY, NULL))
    cupel_dbi_link_run (link, "RELEASE SAVEPOINT " MANY, NULL);
  return FALSE;
}

/* What cannot leave anything in the session but the end of a transaction. */
static gboolean
is_harmless (const char *sql)
{
  static const char *const words[] = {
    "SELECT", "VALUES", "TABLE", "WITH", "INSERT", "REPLACE", "UPDATE", "DELETE", "MERGE", "EXPLAIN", "SHOW", "DESCRIBE", "DROP", "ALTER",
    "CREATE TABLE", "CREATE INDEX", "CREATE UNIQUE", "CREATE SCHEMA", "CREATE DATABASE", "TRUNCATE", "GRANT", "REVOKE",
  };

  while (g_ascii_isspace (*sql))
    sql++;
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i]);

      if (g_ascii_strncasecmp (sql, words[i], length) == 0 && !g_ascii_isalnum (sql[length]) && sql[length] != '_')
        return TRUE;
    }
  return FALSE;
}

static gboolean
execute (CupelDbiConnection  *self,
         gpointer             data,
         GError             **error)
{
  CupelDbiJob *job = data;
  const CupelRequest *request = &job->request;
  gboolean pending = g_atomic_int_get (&self->begin_pending) != 0;
  gboolean asked = (request->flags & CUPEL_REQUEST_BEGIN) != 0 && !g_atomic_int_get (&self->autocommit);
  gboolean ok;

  if (self->link.status == CUPEL_TRANSACTION_FAILED && self->link.backend != &cupel_dbi_pgsql)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
                           "The server has rolled the transaction back after an error; roll back and run the whole unit again");
      return FALSE;
    }
  if ((pending || asked) && self->link.status == CUPEL_TRANSACTION_IDLE)
    {
      if (!begin (self, &job->options, request->compiled, error))
        return FALSE;
      g_atomic_int_set (&self->begin_pending, FALSE);
      job->reply.began = TRUE;
    }
  else if (self->link.status == CUPEL_TRANSACTION_IDLE && self->link.backend->set_autocommit != NULL && request->n_sets <= 1 &&
           !self->link.backend->set_autocommit (&self->link, TRUE, error))
    return FALSE;

  if (request->n_sets > 1)
    ok = execute_many (self, job, job->reply.began, error);
  else
    ok = execute_once (self, job, 0, 1, error);
  if (ok && request->compiled->kind == CUPEL_COMPILED_TEXT && !job->is_own && !is_harmless (request->compiled->sql))
    {
      g_atomic_int_set (&self->dirty, TRUE);
      if (self->link.backend->verify != NULL && !self->link.backend->verify (&self->link, error))
        {
          g_atomic_int_set (&self->broken, TRUE);
          return FALSE;
        }
    }
  if (ok && (request->flags & CUPEL_REQUEST_BEGIN) != 0)
    job->reply.began = self->link.status == CUPEL_TRANSACTION_ACTIVE;
  return ok;
}

gboolean
cupel_dbi_job_execute (CupelThreadedConnection  *base,
                       gpointer                  data,
                       GError                  **error)
{
  return perform (base, execute, data, error);
}

gboolean
cupel_dbi_job_commit (CupelThreadedConnection  *base,
                      gpointer                  data,
                      GError                  **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  GError *local = NULL;
  gboolean ok = TRUE;

  if (!enter (self, error))
    return FALSE;
  if (self->link.status == CUPEL_TRANSACTION_FAILED)
    {
      g_set_error_literal (&local, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
                           "Nothing was committed: a statement of the transaction failed; roll back");
      ok = FALSE;
    }
  else if (self->link.status != CUPEL_TRANSACTION_IDLE)
    ok = end (self, "COMMIT", &local);
  leave (self, local);
  if (ok)
    return TRUE;
  if (cupel_error_is_disconnect (local))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_OUTCOME_UNKNOWN,
                   "The connection was lost while COMMIT was under way: whether it took effect is not known (%s)", local->message);
      g_error_free (local);
    }
  else
    g_propagate_error (error, local);
  return FALSE;
}

static gboolean
roll_back (CupelDbiConnection  *self,
           gpointer             always,
           GError             **error)
{
  CupelDbiLink *link = &self->link;

  g_atomic_int_set (&self->begin_pending, FALSE);
  if (link->status == CUPEL_TRANSACTION_IDLE && always == NULL)
    return TRUE;
  if (link->status == CUPEL_TRANSACTION_FAILED && !link->backend->is_server)
    {
      link->status = CUPEL_TRANSACTION_IDLE;    /* SQLite has done it */
      return TRUE;
    }
  return end (self, "ROLLBACK", error);
}

gboolean
cupel_dbi_job_rollback (CupelThreadedConnection  *base,
                        gpointer                  data,
                        GError                  **error)
{
  return perform (base, roll_back, NULL, error);
}

static gboolean
run (CupelDbiConnection  *self,
     gpointer             sql,
     GError             **error)
{
  return cupel_dbi_link_run (&self->link, sql, error);
}

gboolean
cupel_dbi_job_isolation (CupelThreadedConnection  *base,
                         gpointer                  data,
                         GError                  **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);
  g_autofree char *sql = self->link.backend->isolation (&self->link, (CupelIsolationLevel) GPOINTER_TO_INT (data));

  if (sql == NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED, "The server does not have this isolation level");
      return FALSE;
    }
  return perform (base, run, sql, error);
}

/* A text may have opened a transaction that nobody told of, and changed settings. */
static gboolean
reset (CupelDbiConnection  *self,
       gpointer             data,
       GError             **error)
{
  CupelDbiLink *link = &self->link;
  const char *const *statements = cupel_dialect_get_session_statements (link->dialect);
  g_autofree char *isolation = link->backend->isolation (link, CUPEL_ISOLATION_DEFAULT);
  gboolean dirty = g_atomic_int_get (&self->dirty) != 0;
  gboolean ok = roll_back (self, GINT_TO_POINTER (link->backend == &cupel_dbi_mysql && dirty), error);

  if (ok && dirty && link->backend->discard != NULL)
    {
      ok = link->backend->discard (link, error);
      for (guint i = 0; ok && statements[i] != NULL; i++)
        ok = cupel_dbi_link_run (link, statements[i], error);
    }
  else if (ok && link->backend->is_server && g_atomic_int_get (&self->isolated))
    ok = cupel_dbi_link_run (link, isolation, error);
  else if (ok && !link->backend->is_server)
    ok = cupel_dbi_link_run (link, isolation, error) && cupel_dbi_link_run (link, "PRAGMA foreign_keys = ON", error);
  if (ok)
    {
      g_atomic_int_set (&self->dirty, FALSE);
      g_atomic_int_set (&self->isolated, FALSE);
      g_atomic_int_set (&self->autocommit, FALSE);
    }
  return ok;
}

gboolean
cupel_dbi_job_reset (CupelThreadedConnection  *base,
                     gpointer                  data,
                     GError                  **error)
{
  return perform (base, reset, NULL, error);
}

gboolean
cupel_dbi_job_run (CupelThreadedConnection  *base,
                   gpointer                  data,
                   GError                  **error)
{
  return perform (base, run, data, error);
}

gboolean
cupel_dbi_job_open (CupelThreadedConnection  *base,
                    gpointer                  data,
                    GError                  **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  g_atomic_int_set (&self->link.interrupted, FALSE);
  if (!cupel_dbi_link_open (&self->link, TRUE, error))
    return FALSE;
  if (self->link.backend->is_server)
    g_atomic_int_set (&self->socket, dbi_conn_get_socket (self->link.conn));
  return TRUE;
}

gboolean
cupel_dbi_job_close (CupelThreadedConnection  *base,
                     gpointer                  data,
                     GError                  **error)
{
  CupelDbiConnection *self = CUPEL_DBI_CONNECTION (base);

  g_atomic_int_set (&self->socket, -1);
  cupel_dbi_link_close (&self->link);
  g_atomic_int_set (&self->status, CUPEL_TRANSACTION_UNKNOWN);
  return TRUE;
}
