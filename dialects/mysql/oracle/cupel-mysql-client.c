/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The calls of Oracle's libmysqlclient, each a hop to the connection's thread that does as much as it can: prepare, bind and
 * execute; fetch and decode a block of rows. One is never abandoned: it comes back with the server's answer or because
 * the socket is shut down. */

#include "cupel-mysql-private.h"

#include <signal.h>

typedef struct _Hop Hop;

struct _Hop
{
  CupelMysqlConnection *self;
  void                (*run) (Hop *hop);
  CupelCompletion      *done;
  int                   result;      /* 0: it worked */

  /* what it works on */
  const char           *text;
  gsize                 length;
  CupelMysqlStatement  *statement;
  MYSQL_STMT           *stmt;
  CupelMysqlRows       *rows;
  guint                 max;
};

/* Writing to a link that the server has closed: the library would let the signal come. */
static void
block_sigpipe (sigset_t *before)
{
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  pthread_sigmask (SIG_BLOCK, &set, before);
}

static void
unblock_sigpipe (const sigset_t *before)
{
  const struct timespec now = { 0, 0 };
  sigset_t set;

  sigemptyset (&set);
  sigaddset (&set, SIGPIPE);
  while (!sigismember (before, SIGPIPE) && sigtimedwait (&set, NULL, &now) == SIGPIPE)
    ;
  pthread_sigmask (SIG_SETMASK, before, NULL);
}

static gboolean
run_hop (CupelThreadedConnection  *connection,
         gpointer                  data,
         GError                  **error)
{
  Hop *hop = data;

  hop->run (hop);
  return TRUE;
}

/* The hop is on the stack of the fiber that waits: nothing touches it after this. */
static void
end_hop (gpointer data)
{
  CupelCompletion *done = ((Hop *) data)->done;

  cupel_completion_complete (done);
  cupel_completion_unref (done);
}

static gboolean
begin_thread (CupelThreadedConnection  *connection,
              gpointer                  data,
              GError                  **error)
{
  sigset_t before;

  block_sigpipe (&before);
  mysql_thread_init ();
  return TRUE;
}

static gboolean
end_thread (CupelThreadedConnection  *connection,
            gpointer                  data,
            GError                  **error)
{
  mysql_thread_end ();
  return TRUE;
}

/* Suspends until @hop was run, whatever becomes of the operation that it belongs to. */
static gboolean
take_hop (CupelMysqlConnection  *self,
          void                 (*run) (Hop *hop),
          Hop                   *hop)
{
  CupelThreadedConnection *connection = CUPEL_THREADED_CONNECTION (self);
  g_autoptr(CupelCompletion) done = cupel_completion_new ();

  hop->self = self;
  hop->run = run;
  hop->done = cupel_completion_ref (done);
  hop->result = 1;

  if (!self->client.started)
    self->client.started = cupel_threaded_connection_post (connection, begin_thread, NULL, NULL);
  if (!cupel_threaded_connection_post (connection, run_hop, hop, end_hop))
    {
      cupel_mysql_connection_break (self);
      return FALSE;
    }

  self->suspended = TRUE;
  for (;;)
    {
      gboolean running = self->op == CUPEL_MYSQL_OP_RUNNING && !self->broken;
      /* With the socket shut down, the call comes back by itself. */
      gint64 deadline = self->broken ? CUPEL_NO_DEADLINE : running ? self->deadline : self->grace;
      GError *error = NULL;

      if (cupel_completion_wait (done, deadline, running ? self->cancellable : NULL, &error))
        break;
      cupel_mysql_connection_wait_failed (self, error);
    }
  self->suspended = FALSE;
  return hop->result == 0;
}

/* connecting */

gboolean
cupel_mysql_client_set_options (CupelMysqlAttempt  *attempt,
                                GError            **error)
{
  static const unsigned int modes[] = {
    SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED, SSL_MODE_VERIFY_CA, SSL_MODE_VERIFY_IDENTITY
  };
  const CupelMysqlParams *params = attempt->params;
  MYSQL *mysql = attempt->mysql;
  unsigned int protocol = params->socket != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  unsigned int mode = modes[params->tls];
  unsigned int local_infile = 0;
  unsigned int timeout = (unsigned int) CLAMP ((attempt->deadline - g_get_monotonic_time ()) / G_USEC_PER_SEC + 1, 1, 86400);
  bool get_key = params->allow_public_key_retrieval;
  sigset_t before;

  /* This thread is one of the dialect's own, and ends after connecting or killing. */
  block_sigpipe (&before);

  mysql_options (mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
  mysql_options (mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_options (mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
  mysql_options (mysql, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_options (mysql, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &get_key);
  if (params->tls >= CUPEL_TLS_MODE_VERIFY_CA)
    mysql_options (mysql, MYSQL_OPT_SSL_CA, params->tls_ca != NULL ? params->tls_ca : CUPEL_MYSQL_SYSTEM_ROOTS);
  if (params->tls_cert != NULL)
    mysql_options (mysql, MYSQL_OPT_SSL_CERT, params->tls_cert);
  if (params->tls_key != NULL)
    mysql_options (mysql, MYSQL_OPT_SSL_KEY, params->tls_key);
  if (params->tls_crl != NULL)
    mysql_options (mysql, MYSQL_OPT_SSL_CRL, params->tls_crl);
  /* Last: naming an authority alone would ask for less. */
  mysql_options (mysql, MYSQL_OPT_SSL_MODE, &mode);
  return TRUE;
}

gboolean
cupel_mysql_client_connect (CupelMysqlAttempt *attempt)
{
  const CupelMysqlParams *params = attempt->params;
  /* The library compares the certificate with the host that it is given. So where that is done it gets the name, and looks it up once
   * more, on this thread. */
  const char *host = params->tls < CUPEL_TLS_MODE_VERIFY_FULL && params->address != NULL ? params->address : params->host;

  return mysql_real_connect (attempt->mysql, host, params->user, params->password, params->database, params->port, params->socket,
                             CLIENT_FOUND_ROWS) != NULL &&
         mysql_real_query (attempt->mysql, CUPEL_MYSQL_INIT, strlen (CUPEL_MYSQL_INIT)) == 0;
}

gboolean
cupel_mysql_client_verify (CupelMysqlAttempt  *attempt,
                           GError            **error)
{
  if (attempt->params->tls < CUPEL_TLS_MODE_REQUIRE || mysql_get_ssl_cipher (attempt->mysql) != NULL)
    return TRUE;
  cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &(CupelErrorDetails) { .disconnect = TRUE },
                                "The connection to MySQL at %s is without TLS", attempt->params->where);
  return FALSE;
}

int
cupel_mysql_client_get_socket (MYSQL *mysql)
{
  return mysql->net.fd;
}

static void
run_direct (Hop *hop)
{
  CupelMysqlStatement *statement = hop->statement;

  if (mysql_stmt_prepare (statement->stmt, statement->sql, statement->sql_length) != 0)
    return;
  statement->prepared = TRUE;
  /* A wrong number of parameters is told by the caller. */
  if (mysql_stmt_param_count (statement->stmt) == statement->binds.n &&
      mysql_stmt_bind_param (statement->stmt, statement->binds.binds) == 0)
    hop->result = mysql_stmt_execute (statement->stmt);
}

static gboolean
cupel_mysql_client_run_direct (CupelMysqlConnection *self,
                               CupelMysqlStatement  *statement)
{
  return take_hop (self, run_direct, &(Hop) { .statement = statement });
}

void
cupel_mysql_client_init (CupelMysqlConnection *self)
{
  if (self->fd < 0)
    self->broken = TRUE;
  self->is_mariadb = strstr (mysql_get_server_info (self->mysql), "MariaDB") != NULL;
  self->run_direct = cupel_mysql_client_run_direct;
  self->last_reads = TRUE;
}

void
cupel_mysql_client_clear (CupelMysqlConnection *self)
{
  if (self->client.started)
    cupel_threaded_connection_shut_down (CUPEL_THREADED_CONNECTION (self), end_thread, NULL, NULL);
}

static void
run_query (Hop *hop)
{
  hop->result = mysql_real_query (hop->self->mysql, hop->text, hop->length);
}

gboolean
cupel_mysql_client_query (CupelMysqlConnection *self,
                          const char           *sql,
                          gsize                 length)
{
  return take_hop (self, run_query, &(Hop) { .text = sql, .length = length });
}

static void
run_ping (Hop *hop)
{
  hop->result = mysql_ping (hop->self->mysql);
}

gboolean
cupel_mysql_client_ping (CupelMysqlConnection *self)
{
  return take_hop (self, run_ping, &(Hop) { 0, });
}

static void
run_reset (Hop *hop)
{
  hop->result = mysql_reset_connection (hop->self->mysql);
}

/* The library knows then that the server has forgotten the statements. */
gboolean
cupel_mysql_client_reset (CupelMysqlConnection *self)
{
  return take_hop (self, run_reset, &(Hop) { 0, });
}

static void
run_select_db (Hop *hop)
{
  hop->result = mysql_select_db (hop->self->mysql, hop->text);
}

gboolean
cupel_mysql_client_select_db (CupelMysqlConnection *self,
                              const char           *database)
{
  return take_hop (self, run_select_db, &(Hop) { .text = database });
}

static void
run_close (Hop *hop)
{
  mysql_close (hop->self->mysql);
  hop->result = 0;
}

void
cupel_mysql_client_close (CupelMysqlConnection *self)
{
  take_hop (self, run_close, &(Hop) { 0, });
}

void
cupel_mysql_client_drop (CupelMysqlConnection *self)
{
  sigset_t before;

  block_sigpipe (&before);
  mysql_close (self->mysql);
  unblock_sigpipe (&before);
}

/* statements */

void
cupel_mysql_client_stmt_init (CupelMysqlStatement *statement)
{
}

static void
run_prepare (Hop *hop)
{
  hop->result = mysql_stmt_prepare (hop->statement->stmt, hop->statement->sql, hop->statement->sql_length);
}

gboolean
cupel_mysql_client_prepare (CupelMysqlConnection *self,
                            CupelMysqlStatement  *statement)
{
  return take_hop (self, run_prepare, &(Hop) { .statement = statement });
}

static void
run_execute (Hop *hop)
{
  if (mysql_stmt_bind_param (hop->statement->stmt, hop->statement->binds.binds) == 0)
    hop->result = mysql_stmt_execute (hop->statement->stmt);
}

gboolean
cupel_mysql_client_execute (CupelMysqlConnection *self,
                            CupelMysqlStatement  *statement)
{
  return take_hop (self, run_execute, &(Hop) { .statement = statement });
}

/* Binds of no type: the library converts and copies nothing, and leaves the place of each value in the row that it received. */
void
cupel_mysql_client_describe (CupelMysqlStatement *statement)
{
  guint n = mysql_stmt_field_count (statement->stmt);
  g_autofree MYSQL_BIND *binds = g_new0 (MYSQL_BIND, n);
  MYSQL_RES *result = mysql_stmt_result_metadata (statement->stmt);

  for (guint i = 0; i < n; i++)
    binds[i].buffer_type = MYSQL_TYPE_NULL;
  if (result == NULL || mysql_num_fields (result) != n || mysql_stmt_bind_result (statement->stmt, binds))
    {
      cupel_mysql_rows_describe (&statement->rows, NULL, 0, statement->compiled);
      statement->rows.malformed = TRUE;
    }
  else
    cupel_mysql_rows_describe (&statement->rows, mysql_fetch_fields (result), n, statement->compiled);
  if (result != NULL)
    mysql_free_result (result);
}

static void
run_close_stmt (Hop *hop)
{
  hop->result = mysql_stmt_close (hop->stmt);
}

void
cupel_mysql_client_close_stmt (CupelMysqlConnection *self,
                               MYSQL_STMT           *stmt)
{
  take_hop (self, run_close_stmt, &(Hop) { .stmt = stmt });
}

/* rows */

static int
fetch_binary (CupelMysqlRows *rows)
{
  MYSQL_STMT *stmt = rows->statement->stmt;
  const guint8 *end = rows->connection->mysql->net.buff_end;
  int result = mysql_stmt_fetch (stmt);

  if (result != 0 && result != MYSQL_DATA_TRUNCATED)
    return result;

  if (rows->block != NULL)
    rows->cells = cupel_row_block_add_row (rows->block);
  end = rows->connection->mysql->net.buff_end;
  for (guint i = 0; i < rows->n_columns; i++)
    if (stmt->bind[i].row_ptr != NULL)
      cupel_mysql_decode_binary (rows, i, stmt->bind[i].row_ptr, end);
  return 0;
}

static int
fetch_text (CupelMysqlRows *rows)
{
  MYSQL_ROW row = mysql_fetch_row (rows->result);

  if (row == NULL)
    return mysql_errno (rows->connection->mysql) != 0 ? 1 : MYSQL_NO_DATA;
  cupel_mysql_decode_text_row (rows, row, mysql_fetch_lengths (rows->result));
  return 0;
}

static void
run_fetch (Hop *hop)
{
  CupelMysqlRows *rows = hop->rows;
  gsize end = rows->bytes + (rows->block != NULL ? CUPEL_MYSQL_BLOCK_BYTES : CUPEL_MYSQL_DRAIN_BYTES);

  hop->result = 0;
  for (guint n = 0; n < hop->max && rows->bytes < end && hop->result == 0 && !rows->malformed; n++)
    hop->result = rows->result != NULL ? fetch_text (rows) : fetch_binary (rows);
}

int
cupel_mysql_client_fetch (CupelMysqlRows *rows,
                          guint           max)
{
  Hop hop = { .rows = rows, .max = max };

  take_hop (rows->connection, run_fetch, &hop);
  return hop.result;
}

static void
run_skip_results (Hop *hop)
{
  MYSQL *mysql = hop->self->mysql;
  MYSQL_STMT *stmt = hop->stmt;

  hop->result = MYSQL_NO_DATA;
  while (mysql_more_results (mysql))
    {
      int next = stmt != NULL ? mysql_stmt_next_result (stmt) : mysql_next_result (mysql);
      MYSQL_RES *more;

      if (next != 0)
        {
          hop->result = next < 0 ? MYSQL_NO_DATA : 1;
          return;
        }
      /* the library reads over it */
      if (stmt != NULL && mysql_stmt_field_count (stmt) > 0)
        mysql_stmt_free_result (stmt);
      else if (stmt == NULL && mysql_field_count (mysql) > 0 && (more = mysql_use_result (mysql)) != NULL)
        mysql_free_result (more);
    }
}

int
cupel_mysql_client_skip_results (CupelMysqlRows *rows)
{
  CupelMysqlConnection *self = rows->connection;
  Hop hop = { .stmt = rows->statement != NULL ? rows->statement->stmt : NULL };

  if (!mysql_more_results (self->mysql))
    return MYSQL_NO_DATA;
  take_hop (self, run_skip_results, &hop);
  return hop.result;
}
