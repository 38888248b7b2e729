/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-cursor.h"

#include "cupel-pg-execute.h"

#include <string.h>

/* A stream is a cursor that is read by blocks. While one block is used, the server makes the next: FETCH for it is sent before the
 * rows of this one are handed out. That is done from the second block on, so that a stream that is left after a few rows waits for
 * nothing, and only while blocks come fast, because closing has to wait for the one that is on its way. */

/* Of a thousand narrow rows nearly all time goes into the rows; a block of wide ones is to stay small. */
#define FIRST_ROWS  64
#define MOST_ROWS   1000
#define BLOCK_BYTES (256 * 1024)
#define FAST        (G_USEC_PER_SEC / 10)

struct _CupelPgCursor
{
  CupelDriverCursor  parent_instance;

  CupelPgConnection *conn;
  CupelCompiled     *compiled;      /* nullable */
  char               name[24];      /* "" for one that is buffered */
  guint              block_rows;    /* of the next FETCH */
  gboolean           adapts;        /* nobody said how many rows a block has */
  gboolean           fast;          /* the last block came without much waiting */
  guint              transaction;   /* in which it lives */
  guint              rollbacks;     /* that were there when it surely was */
  gboolean           hold;          /* it outlives its transaction */
  gboolean           at_end;
  gboolean           closed;
  GPtrArray         *blocks;        /* there already */
  guint              next_block;
  GError            *failure;       /* of a block that was asked for ahead */
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

/* What one FETCH brings. */
typedef struct
{
  CupelPgCursor *cursor;    /* NULL: it is thrown away */
  CupelRequest   request;
  CupelReply     reply;
  CupelPgGather  gather;
  guint          asked;     /* rows */
  gsize          bytes;
} Fetch;

static gboolean
fetch_take (gpointer    data,
            guint       tag,
            PGresult   *result,
            GError    **error)
{
  Fetch *fetch = data;

  if (fetch->cursor == NULL)
    {
      PQclear (result);
      return TRUE;
    }
  fetch->bytes += PQresultMemorySize (result);
  return cupel_pg_gather_take (&fetch->gather, tag, result, error);
}

static void
fetch_init (Fetch             *fetch,
            CupelPgFlight     *flight,
            CupelPgConnection *conn,
            CupelPgCursor     *cursor)
{
  *fetch = (Fetch) { .cursor = cursor, .request = { .compiled = cursor != NULL ? cursor->compiled : NULL } };
  fetch->reply.row_count = -1;
  fetch->gather = (CupelPgGather) { .requests = &fetch->request, .replies = &fetch->reply };
  fetch->asked = cursor != NULL ? cursor->block_rows : 0;
  cupel_pg_flight_init (flight, conn, fetch_take, fetch);
}

static gboolean
add_fetch (CupelPgCursor *self,
           CupelPgFlight *flight)
{
  char sql[64];

  g_snprintf (sql, sizeof sql, "FETCH FORWARD %u FROM %s", self->block_rows, self->name);
  return cupel_pg_flight_add_simple (flight, CUPEL_PG_STEP_EXECUTE, 0, sql);
}

/* The blocks that a FETCH brought. The server says that it is the end by giving fewer rows than it was asked for. */
static void
take_blocks (CupelPgCursor *self,
             Fetch         *fetch,
             gint64         start)
{
  guint n_rows = 0;

  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  self->blocks = g_steal_pointer (&fetch->reply.blocks);
  self->next_block = 0;
  for (guint i = 0; self->blocks != NULL && i < self->blocks->len; i++)
    n_rows += ((CupelRowBlock *) g_ptr_array_index (self->blocks, i))->n_rows;
  self->at_end = n_rows < fetch->asked;
  self->fast = g_get_monotonic_time () - start < FAST;
  if (self->adapts && n_rows > 0)
    self->block_rows = (guint) CLAMP (BLOCK_BYTES / (fetch->bytes / n_rows + 1), 1, MOST_ROWS);
}

gboolean
cupel_pg_cursor_open (CupelPgConnection   *conn,
                      const CupelRequest  *request,
                      CupelReply          *reply,
                      GError             **error)
{
  g_autoptr(CupelPgCursor) self = g_object_new (CUPEL_PG_TYPE_CURSOR, NULL);
  gboolean wants_begin = cupel_pg_wants_begin (conn, request);
  guint traces = conn->traces | cupel_pg_traces_of (request->compiled->sql);
  g_autofree char *sql = NULL;
  gint64 start = g_get_monotonic_time ();
  CupelPgFlight flight;
  Fetch fetch;

  self->conn = g_object_ref (conn);
  self->compiled = cupel_compiled_ref (request->compiled);
  self->adapts = request->block_rows == 0;
  self->block_rows = self->adapts ? FIRST_ROWS : request->block_rows;
  self->hold = !wants_begin && cupel_pg_connection_status (conn) != CUPEL_TRANSACTION_ACTIVE;
  if (self->hold && conn->pooler)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                           "A stream outside a transaction needs a session and the URL says pooler=transaction: begin a transaction");
      self->closed = TRUE;
      return FALSE;
    }
  self->transaction = conn->transaction_serial;
  g_snprintf (self->name, sizeof self->name, "cupel_%u", ++conn->cursor_serial);
  sql = g_strdup_printf ("DECLARE %s NO SCROLL CURSOR %s FOR %s", self->name, self->hold ? "WITH HOLD" : "WITHOUT HOLD",
                         request->compiled->sql);

  if (!cupel_pg_params_set_request (&conn->params, request, 0, error))
    {
      self->closed = TRUE;
      return FALSE;
    }
  fetch_init (&fetch, &flight, conn, self);
  if (cupel_pg_flight_add_evicted (&flight) &&
      cupel_pg_flight_add_begin (&flight, wants_begin, request) &&
      cupel_pg_flight_add_statement (&flight, CUPEL_PG_TAG_NONE, 0, CUPEL_PG_FORM_PLAIN, sql) &&
      add_fetch (self, &flight) &&
      cupel_pg_flight_sync (&flight))
    cupel_pg_flight_collect (&flight);
  conn->traces = traces;
  if (!cupel_pg_flight_finish (&flight, error))
    {
      cupel_reply_clear (&fetch.reply);
      self->closed = TRUE;
      return FALSE;
    }

  if (self->hold)
    conn->n_hold_cursors++;
  self->rollbacks = conn->rollback_serial;
  take_blocks (self, &fetch, start);
  *reply = fetch.reply;
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

gboolean
cupel_pg_cursor_take_ahead (CupelPgConnection  *conn,
                            GError            **error)
{
  g_autoptr(CupelPgCursor) self = conn->ahead_cursor != NULL ? g_object_ref (conn->ahead_cursor) : NULL;
  g_autoptr(GError) failure = NULL;
  gint64 start = g_get_monotonic_time ();
  CupelPgFlight flight;
  Fetch fetch;

  conn->ahead = FALSE;
  conn->ahead_cursor = NULL;
  fetch_init (&fetch, &flight, conn, self);
  if (cupel_pg_flight_finish (&flight, &failure))
    {
      if (self != NULL)
        take_blocks (self, &fetch, start);
    }
  else if (self != NULL)
    self->failure = g_error_copy (failure);
  cupel_reply_clear (&fetch.reply);

  /* What became of the block concerns its stream. The operation that had to wait goes on, unless it was stopped meanwhile. */
  if (conn->stopped == NULL && !conn->broken)
    return TRUE;
  g_propagate_error (error, failure != NULL ? g_steal_pointer (&failure) : g_error_copy (conn->stopped));
  return FALSE;
}

/* Within an operation, as its last act. */
static void
ask_ahead (CupelPgCursor *self)
{
  CupelPgConnection *conn = self->conn;
  CupelTransactionStatus status = cupel_pg_connection_status (conn);
  CupelPgFlight flight;

  if (self->at_end || !self->fast || conn->stopped != NULL || conn->broken)
    return;
  cupel_pg_flight_init (&flight, conn, NULL, NULL);
  if (add_fetch (self, &flight) && cupel_pg_flight_sync (&flight))
    {
      /* What does not go at once, which so little hardly ever does, goes with the next wait. */
      PQflush (conn->conn);
      conn->ahead = TRUE;
      conn->ahead_status = status;
      conn->ahead_cursor = self;
    }
  g_clear_error (&flight.failure);
}

/* The cursor should be there, by what is known without asking. */
static gboolean
may_be_there (CupelPgCursor *self)
{
  CupelTransactionStatus status = cupel_pg_connection_status (self->conn);

  if (self->name[0] == '\0')
    return FALSE;
  if (self->hold)
    return status == CUPEL_TRANSACTION_IDLE || status == CUPEL_TRANSACTION_ACTIVE;
  return status == CUPEL_TRANSACTION_ACTIVE && self->transaction == self->conn->transaction_serial;
}

static gboolean
take_found (gpointer    found,
            guint       tag,
            PGresult   *result,
            GError    **error)
{
  *(gboolean *) found = PQntuples (result) > 0;
  PQclear (result);
  return TRUE;
}

/* Within an operation. A rollback to a savepoint takes the cursors with it that were opened after; to name one of those would fail the
 * transaction. FALSE: it is gone, or @error is set. */
static gboolean
is_there (CupelPgCursor  *self,
          GError        **error)
{
  CupelPgFlight flight;
  gboolean found = FALSE;
  char sql[96];

  if (self->rollbacks == self->conn->rollback_serial)
    return TRUE;
  g_snprintf (sql, sizeof sql, "SELECT 1 FROM pg_catalog.pg_cursors WHERE name = '%s'", self->name);
  cupel_pg_flight_init (&flight, self->conn, take_found, &found);
  if (cupel_pg_flight_add_simple (&flight, CUPEL_PG_STEP_EXECUTE, 0, sql) && cupel_pg_flight_sync (&flight))
    cupel_pg_flight_collect (&flight);
  if (!cupel_pg_flight_finish (&flight, error) || !found)
    return FALSE;
  self->rollbacks = self->conn->rollback_serial;
  return TRUE;
}

static void
set_gone (GError **error)
{
  if (error != NULL && *error == NULL)
    g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
                         "The transaction or the savepoint that the stream reads in is over: read streams to their end before that");
}

static gboolean
fetch_now (CupelPgCursor  *self,
           GError        **error)
{
  gint64 start = g_get_monotonic_time ();
  CupelPgFlight flight;
  gboolean ok;
  Fetch fetch;

  fetch_init (&fetch, &flight, self->conn, self);
  if (add_fetch (self, &flight) && cupel_pg_flight_sync (&flight))
    cupel_pg_flight_collect (&flight);
  ok = cupel_pg_flight_finish (&flight, error);
  if (ok)
    take_blocks (self, &fetch, start);
  cupel_reply_clear (&fetch.reply);
  return ok;
}

static CupelRowBlock *
cupel_pg_cursor_fetch (CupelDriverCursor  *cursor,
                       GCancellable       *cancellable,
                       GError            **error)
{
  CupelPgCursor *self = CUPEL_PG_CURSOR (cursor);
  g_autoptr(GError) local = NULL;
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
      if (self->failure != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&self->failure));
          return NULL;
        }
      if (self->at_end)
        return NULL;

      if (!may_be_there (self))
        {
          set_gone (error);
          return NULL;
        }
      if (!cupel_pg_link_begin (self->conn, "fetch", CUPEL_NO_DEADLINE, cancellable, error))
        {
          /* It was this stream's own block that could not be had: that was the answer. */
          g_clear_error (&self->failure);
          return NULL;
        }
      ok = self->blocks != NULL || self->at_end || self->failure != NULL ||
           (is_there (self, &local) && fetch_now (self, &local));
      if (ok && self->failure == NULL)
        ask_ahead (self);
      if (!cupel_pg_link_end (self->conn, ok, NULL))
        {
          set_gone (&local);
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
    }
}

static gboolean
cupel_pg_cursor_close (CupelDriverCursor  *cursor,
                       gint64              deadline,
                       GError            **error)
{
  CupelPgCursor *self = CUPEL_PG_CURSOR (cursor);
  CupelPgConnection *conn = self->conn;
  g_autoptr(GError) local = NULL;
  CupelPgFlight flight;
  gboolean ok;
  char sql[40];

  if (self->closed)
    return TRUE;
  self->closed = TRUE;
  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  if (!may_be_there (self))
    return TRUE;
  if (conn->ahead)
    {
      cupel_pg_link_drop_ahead (conn, deadline, TRUE);
      if (!may_be_there (self))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PENDING_ROLLBACK,
                               "Closing the stream had to stop the server, which failed the transaction: roll it back");
          return FALSE;
        }
    }

  if (!cupel_pg_link_begin (conn, "close stream", deadline, NULL, error))
    return FALSE;
  ok = is_there (self, &local);
  if (ok)
    {
      g_snprintf (sql, sizeof sql, "CLOSE %s", self->name);
      cupel_pg_flight_init (&flight, conn, NULL, NULL);
      if (cupel_pg_flight_add_simple (&flight, CUPEL_PG_STEP_EXECUTE, 0, sql) && cupel_pg_flight_sync (&flight))
        cupel_pg_flight_collect (&flight);
      ok = cupel_pg_flight_finish (&flight, &local);
      if (ok && self->hold && conn->n_hold_cursors > 0)
        conn->n_hold_cursors--;
    }
  /* Gone is as good as closed. */
  if (cupel_pg_link_end (conn, ok, NULL) || local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static void
cupel_pg_cursor_finalize (GObject *object)
{
  CupelPgCursor *self = CUPEL_PG_CURSOR (object);

  if (self->conn != NULL && self->conn->ahead_cursor == self)
    self->conn->ahead_cursor = NULL;
  g_clear_pointer (&self->blocks, g_ptr_array_unref);
  g_clear_pointer (&self->compiled, cupel_compiled_unref);
  g_clear_error (&self->failure);
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
