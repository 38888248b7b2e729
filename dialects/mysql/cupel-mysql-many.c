/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One statement with many sets of parameters: array binding where MariaDB has it, multi-row VALUES for what returns rows,
 * and a loop for the rest. */

#include "cupel-mysql-private.h"

/* What the COMMIT of a batch gets, which cannot be cancelled. */
#define COMMIT_TIME (10 * G_USEC_PER_SEC)

#define CUPEL_MYSQL_PAGE_ROWS   1000
#define CUPEL_MYSQL_PAGE_BYTES  (512 * 1024)    /* half of the least max_allowed_packet that servers come with */
#define CUPEL_MYSQL_PARAMETERS  65535
#define CUPEL_MYSQL_KEEP_ROWS   32              /* a page of so few rows is worth to be kept as well as a full one */

static gsize
cupel_mysql_set_size (const CupelRequest *request,
                      guint               set)
{
  gsize size = 0;

  for (guint i = 0; i < request->compiled->n_slots; i++)
    size += cupel_mysql_bind_size (cupel_request_get_cell (request, set, i));
  return size;
}

guint
cupel_mysql_page (const CupelRequest *request,
                  guint               first,
                  guint               max_rows)
{
  gsize size = 0;
  guint n = 0;

  while (first + n < request->n_sets && n < max_rows)
    {
      size += cupel_mysql_set_size (request, first + n);
      if (n > 0 && size > CUPEL_MYSQL_PAGE_BYTES)
        break;
      n++;
    }
  return n;
}

/* INSERT .. VALUES (..), (..) [RETURNING ..] */
static gboolean
cupel_mysql_many_pages (CupelMysqlConnection  *self,
                        const CupelRequest    *request,
                        CupelReply            *reply,
                        GError               **error)
{
  CupelCompiled *compiled = request->compiled;
  guint n_slots = compiled->n_slots;
  guint max_rows = MIN (CUPEL_MYSQL_PAGE_ROWS, CUPEL_MYSQL_PARAMETERS / MAX (n_slots, 1));

  for (guint first = 0, n; first < request->n_sets; first += n)
    {
      CupelMysqlStatement *statement;
      gboolean ok = TRUE;

      n = cupel_mysql_page (request, first, max_rows);
      if (n == 1 && !cupel_mysql_connection_check_packet (self, request, first, error))
        return FALSE;
      statement = cupel_mysql_statement_get (self, compiled, n, n == max_rows || n <= CUPEL_MYSQL_KEEP_ROWS);
      for (guint row = 0; ok && row < n; row++)
        for (guint i = 0; ok && i < n_slots; i++)
          ok = cupel_mysql_binds_set (&statement->binds, row * n_slots + i, compiled->slots[i].type,
                                      cupel_request_get_cell (request, first + row, i), error);

      if (!ok || !cupel_mysql_connection_run (self, statement, error))
        {
          cupel_mysql_statement_done (self, statement);
          return FALSE;
        }

      if (self->open == &statement->rows)
        {
          g_clear_pointer (&reply->column_names, g_strfreev);
          reply->n_columns = statement->rows.n_columns;
          reply->column_names = g_steal_pointer (&statement->rows.names);
          if (!cupel_mysql_connection_read_all (self, &statement->rows, n, reply->blocks, error))
            return FALSE;
        }
      else
        {
          reply->row_count += (gint64) mysql_stmt_affected_rows (statement->stmt);
          if (first == 0)
            reply->last_insert_id = (gint64) mysql_stmt_insert_id (statement->stmt);
          cupel_mysql_statement_done (self, statement);
        }
      cupel_fiber_tick ();
    }
  return TRUE;
}

static gboolean
cupel_mysql_many_loop (CupelMysqlConnection  *self,
                       const CupelRequest    *request,
                       CupelReply            *reply,
                       GError               **error)
{
  CupelCompiled *compiled = request->compiled;
  gboolean want_ids = compiled->kind == CUPEL_COMPILED_INSERT && !compiled->returns_rows;

  if (want_ids)
    reply->insert_ids = g_array_sized_new (FALSE, FALSE, sizeof (gint64), request->n_sets);

  for (guint set = 0; set < request->n_sets; set++)
    {
      CupelMysqlStatement *statement;
      gboolean ok = TRUE;

      if (!cupel_mysql_connection_check_packet (self, request, set, error))
        return FALSE;
      statement = cupel_mysql_statement_get (self, compiled, 1, TRUE);
      for (guint i = 0; ok && i < compiled->n_slots; i++)
        ok = cupel_mysql_binds_set (&statement->binds, i, compiled->slots[i].type,
                                    cupel_request_get_cell (request, set, i), error);
      if (!ok || !cupel_mysql_connection_run (self, statement, error))
        {
          cupel_mysql_statement_done (self, statement);
          return FALSE;
        }

      if (self->open == &statement->rows)
        {
          g_clear_pointer (&reply->column_names, g_strfreev);
          reply->n_columns = statement->rows.n_columns;
          reply->column_names = g_steal_pointer (&statement->rows.names);
          if (!cupel_mysql_connection_read_all (self, &statement->rows, 1, reply->blocks, error))
            return FALSE;
          continue;
        }

      reply->row_count += (gint64) mysql_stmt_affected_rows (statement->stmt);
      if (want_ids)
        {
          gint64 id = (gint64) mysql_stmt_insert_id (statement->stmt);

          g_array_append_val (reply->insert_ids, id);
          if (set == 0)
            reply->last_insert_id = id;
        }
      cupel_mysql_statement_done (self, statement);
      cupel_fiber_tick ();
    }
  return TRUE;
}

static gboolean
cupel_mysql_many_dispatch (CupelMysqlConnection  *self,
                           const CupelRequest    *request,
                           CupelReply            *reply,
                           GError               **error)
{
  const CupelCompiled *compiled = request->compiled;
  gboolean is_insert = compiled->kind == CUPEL_COMPILED_INSERT;

  if (is_insert && compiled->returns_rows)
    return compiled->insert_prefix != NULL ? cupel_mysql_many_pages (self, request, reply, error)
                                           : cupel_mysql_many_loop (self, request, reply, error);

  /* The keys may be wanted. */
  if (is_insert && !self->has_returning)
    return cupel_mysql_many_loop (self, request, reply, error);

  if (self->many_bulk != NULL && !compiled->returns_rows && compiled->n_slots > 0)
    {
      gboolean handled;
      gboolean ok = self->many_bulk (self, request, reply, &handled, error);

      if (handled)
        return ok;
    }

  if (is_insert && compiled->insert_prefix != NULL)
    return cupel_mysql_many_pages (self, request, reply, error);
  return cupel_mysql_many_loop (self, request, reply, error);
}

gboolean
cupel_mysql_connection_execute_many (CupelMysqlConnection  *self,
                                     const CupelRequest    *request,
                                     CupelReply            *reply,
                                     GError               **error)
{
  /* All sets or none: outside of a transaction the batch is one of its own. */
  gboolean own = self->autocommit && (self->mysql->server_status & SERVER_STATUS_IN_TRANS) == 0;
  gboolean ok;

  self->own_transaction = own;
  if (own && !cupel_mysql_connection_command (self, "START TRANSACTION", error))
    return FALSE;

  if (request->compiled->returns_rows)
    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  ok = cupel_mysql_many_dispatch (self, request, reply, error);

  if (ok && request->compiled->returns_rows)
    {
      for (guint i = 0; i < reply->blocks->len; i++)
        reply->row_count += ((CupelRowBlock *) reply->blocks->pdata[i])->n_rows;
      if (reply->row_count != request->n_sets)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL,
                       "%u sets of parameters gave %" G_GINT64_FORMAT " rows", request->n_sets, reply->row_count);
          ok = FALSE;
        }
    }

  if (own && !self->broken && self->op == CUPEL_MYSQL_OP_RUNNING)
    {
      /* From here on it can be told as done or as not done, but not as cancelled. */
      if (ok)
        {
          self->cancellable = NULL;
          self->killable = FALSE;
          if (self->deadline == CUPEL_NO_DEADLINE)
            self->deadline = g_get_monotonic_time () + COMMIT_TIME;
          ok = cupel_mysql_connection_send_commit (self, error);
        }
      if (!ok && !self->broken && cupel_mysql_connection_command (self, "ROLLBACK", NULL))
        self->transaction_lost = FALSE;
    }
  return ok;
}
