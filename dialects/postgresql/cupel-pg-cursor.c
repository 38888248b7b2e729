/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-cursor.h"

#include "cupel-pg-execute.h"

#include <string.h>

#define DEFAULT_BLOCK_ROWS 1000

struct _CupelPgCursor
{
  CupelDriverCursor  parent_instance;

  CupelPgConnection *conn;
  CupelCompiled     *compiled;      /* nullable */
  char               name[24];      /* "" for one that is buffered */
  guint              block_rows;
  guint              transaction;   /* in which it lives */
  gboolean           hold;          /* it outlives its transaction */
  gboolean           at_end;
  gboolean           closed;
  GPtrArray         *blocks;        /* there already */
  guint              next_block;
};

G_DEFINE_FINAL_TYPE (CupelPgCursor, cupel_pg_cursor, CUPEL_TYPE_DRIVER_CURSOR)

static const char *
skip_blanks (const char *sql)
{
  for (;;)
    {
      if (g_ascii_isspace (*sql) || *sql == '(')
        sql++;
      else if (sql[0] == '-' && sql[1] == '-')
        sql += strcspn (sql, "\n");
      else if (sql[0] == '/' && sql[1] == '*' && strstr (sql, "*/") != NULL)
        sql = strstr (sql, "*/") + 2;
      else
        return sql;
    }
}

static gboolean
is_word (const char *at,
         const char *word)
{
  gsize length = strlen (word);

  return g_ascii_strncasecmp (at, word, length) == 0 && !g_ascii_isalnum (at[length]) && at[length] != '_';
}

static gboolean
has_word (const char *sql,
          const char *word)
{
  for (const char *at = sql; *at != '\0'; at++)
    if ((at == sql || (!g_ascii_isalnum (at[-1]) && at[-1] != '_')) && is_word (at, word))
      return TRUE;
  return FALSE;
}

gboolean
cupel_pg_cursor_is_possible (const CupelCompiled *compiled)
{
  const char *sql;

  if (compiled->kind == CUPEL_COMPILED_SELECT)
    return TRUE;
  if (compiled->kind != CUPEL_COMPILED_TEXT)
    return FALSE;
  /* A word too many in a literal only means that the rows come at once. */
  sql = skip_blanks (compiled->sql);
  if (!is_word (sql, "SELECT") && !is_word (sql, "WITH") && !is_word (sql, "VALUES") && !is_word (sql, "TABLE"))
    return FALSE;
  return !has_word (sql, "INTO") && !has_word (sql, "INSERT") && !has_word (sql, "UPDATE") && !has_word (sql, "DELETE") &&
         !has_word (sql, "MERGE");
}

static gboolean
add_fetch (CupelPgCursor *self,
           CupelPgFlight *flight)
{
  char sql[64];

  g_snprintf (sql, sizeof sql, "FETCH FORWARD %u FROM %s", self->block_rows, self->name);
  return cupel_pg_flight_add_simple (flight, CUPEL_PG_STEP_EXECUTE, 0, sql);
}

/* Takes the block that a FETCH brought. */
static void
take_blocks (CupelPgCursor *self,
             CupelReply    *reply)
{
  guint n_rows = 0;

  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  self->blocks = g_steal_pointer (&reply->blocks);
  self->next_block = 0;
  for (guint i = 0; self->blocks != NULL && i < self->blocks->len; i++)
    n_rows += ((CupelRowBlock *) g_ptr_array_index (self->blocks, i))->n_rows;
  self->at_end = n_rows < self->block_rows;
}

gboolean
cupel_pg_cursor_open (CupelPgConnection   *conn,
                      const CupelRequest  *request,
                      CupelReply          *reply,
                      GError             **error)
{
  g_autoptr(CupelPgCursor) self = g_object_new (CUPEL_PG_TYPE_CURSOR, NULL);
  g_auto(CupelReply) local = { .row_count = -1 };
  CupelPgGather gather = { .requests = request, .replies = &local };
  gboolean wants_begin = cupel_pg_wants_begin (conn, request);
  g_autofree char *sql = NULL;
  CupelPgFlight flight;

  self->conn = g_object_ref (conn);
  self->compiled = cupel_compiled_ref (request->compiled);
  self->block_rows = request->block_rows > 0 ? request->block_rows : DEFAULT_BLOCK_ROWS;
  self->hold = !wants_begin && cupel_pg_connection_status (conn) != CUPEL_TRANSACTION_ACTIVE;
  self->transaction = conn->transaction_serial;
  g_snprintf (self->name, sizeof self->name, "cupel_%u", ++conn->cursor_serial);
  sql = g_strdup_printf ("DECLARE %s NO SCROLL CURSOR %s FOR %s", self->name, self->hold ? "WITH HOLD" : "WITHOUT HOLD",
                         request->compiled->sql);

  if (!cupel_pg_params_set_request (&conn->params, request, 0, error))
    return FALSE;
  cupel_pg_flight_init (&flight, conn, cupel_pg_gather_take, &gather);
  if (cupel_pg_flight_add_evicted (&flight) &&
      cupel_pg_flight_add_begin (&flight, wants_begin) &&
      cupel_pg_flight_add_statement (&flight, CUPEL_PG_TAG_NONE, 0, CUPEL_PG_FORM_PLAIN, sql) &&
      add_fetch (self, &flight) &&
      cupel_pg_flight_sync (&flight))
    cupel_pg_flight_collect (&flight);
  if (!cupel_pg_flight_finish (&flight, error))
    {
      self->closed = TRUE;
      return FALSE;
    }

  if (self->hold)
    conn->n_hold_cursors++;
  take_blocks (self, &local);
  *reply = local;
  memset (&local, 0, sizeof local);
  reply->cursor = CUPEL_DRIVER_CURSOR (g_steal_pointer (&self));
  reply->began = wants_begin;
  return TRUE;
}

CupelDriverCursor *
cupel_pg_cursor_new_buffered (CupelPgConnection *conn,
                              GPtrArray         *blocks)
{
  CupelPgCursor *self = g_object_new (CUPEL_PG_TYPE_CURSOR, NULL);

  self->conn = g_object_ref (conn);
  self->blocks = blocks;
  self->at_end = TRUE;
  return CUPEL_DRIVER_CURSOR (self);
}

/* The cursor is still there on the server. */
static gboolean
is_there (CupelPgCursor *self)
{
  CupelTransactionStatus status = cupel_pg_connection_status (self->conn);

  if (self->name[0] == '\0')
    return FALSE;
  if (self->hold)
    return status == CUPEL_TRANSACTION_IDLE || status == CUPEL_TRANSACTION_ACTIVE;
  return status == CUPEL_TRANSACTION_ACTIVE && self->transaction == self->conn->transaction_serial;
}

static CupelRowBlock *
cupel_pg_cursor_fetch (CupelDriverCursor  *cursor,
                       GCancellable       *cancellable,
                       GError            **error)
{
  CupelPgCursor *self = CUPEL_PG_CURSOR (cursor);
  CupelRequest request = { .compiled = self->compiled };
  g_auto(CupelReply) local = { .row_count = -1 };
  CupelPgGather gather = { .requests = &request, .replies = &local };
  CupelPgFlight flight;
  gboolean ok;

  if (self->closed)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The stream is closed");
      return NULL;
    }
  for (;;)
    {
      while (self->blocks != NULL && self->next_block < self->blocks->len)
        {
          CupelRowBlock *block = g_ptr_array_index (self->blocks, self->next_block++);

          if (block->n_rows > 0)
            return cupel_row_block_ref (block);
        }
      g_clear_pointer (&self->blocks, g_ptr_array_unref);
      if (self->at_end)
        return NULL;

      if (!is_there (self))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
                               "The transaction that the stream reads in is over: read streams to their end before commit or rollback");
          return NULL;
        }
      if (!cupel_pg_link_begin (self->conn, "fetch", CUPEL_NO_DEADLINE, cancellable, error))
        return NULL;
      cupel_pg_flight_init (&flight, self->conn, cupel_pg_gather_take, &gather);
      if (add_fetch (self, &flight) && cupel_pg_flight_sync (&flight))
        cupel_pg_flight_collect (&flight);
      ok = cupel_pg_flight_finish (&flight, error);
      if (!cupel_pg_link_end (self->conn, ok, error))
        return NULL;
      take_blocks (self, &local);
    }
}

static gboolean
cupel_pg_cursor_close (CupelDriverCursor  *cursor,
                       gint64              deadline,
                       GError            **error)
{
  CupelPgCursor *self = CUPEL_PG_CURSOR (cursor);
  char sql[40];

  if (self->closed)
    return TRUE;
  self->closed = TRUE;
  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  if (!is_there (self))
    return TRUE;
  g_snprintf (sql, sizeof sql, "CLOSE %s", self->name);
  if (!cupel_pg_connection_run_simple (self->conn, "close stream", sql, deadline, NULL, error))
    return FALSE;
  if (self->hold && self->conn->n_hold_cursors > 0)
    self->conn->n_hold_cursors--;
  return TRUE;
}

static void
cupel_pg_cursor_finalize (GObject *object)
{
  CupelPgCursor *self = CUPEL_PG_CURSOR (object);

  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  g_clear_pointer (&self->compiled, cupel_compiled_unref);
  g_clear_object (&self->conn);
  G_OBJECT_CLASS (cupel_pg_cursor_parent_class)->finalize (object);
}

static void
cupel_pg_cursor_class_init (CupelPgCursorClass *class)
{
  CupelDriverCursorClass *cursor_class = CUPEL_DRIVER_CURSOR_CLASS (class);

  G_OBJECT_CLASS (class)->finalize = cupel_pg_cursor_finalize;
  cursor_class->fetch = cupel_pg_cursor_fetch;
  cursor_class->close = cupel_pg_cursor_close;
}

static void
cupel_pg_cursor_init (CupelPgCursor *self)
{
}
