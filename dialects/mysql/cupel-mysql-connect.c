/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a URL asks for, and the two things that block: connecting (the library resolves names inside) and KILL QUERY, which
 * needs a connection of its own. Each has a thread; whoever waits may give up, and the thread cleans up after itself. */

#include "cupel-mysql-private.h"

#include <string.h>

/* One statement right after connecting. */
#define CUPEL_MYSQL_INIT "SET " CUPEL_MYSQL_SETTINGS

#define CUPEL_MYSQL_CONNECT_SECONDS 30

static const char *const known_options[] = {
  "connect_timeout", "host", "ssl_ca", "ssl_cert", "ssl_key", "ssl_mode", "sslmode", "statement_cache_size", "unix_socket", NULL
};

static const struct
{
  const char *name;
  CupelMysqlTlsMode mode;
} tls_modes[] = {
  { "disable", CUPEL_MYSQL_TLS_DISABLE }, { "disabled", CUPEL_MYSQL_TLS_DISABLE },
  { "require", CUPEL_MYSQL_TLS_REQUIRE }, { "required", CUPEL_MYSQL_TLS_REQUIRE },
  { "verify-ca", CUPEL_MYSQL_TLS_VERIFY }, { "verify_ca", CUPEL_MYSQL_TLS_VERIFY },
  { "verify-full", CUPEL_MYSQL_TLS_VERIFY }, { "verify_identity", CUPEL_MYSQL_TLS_VERIFY },
};

static void
cupel_mysql_params_free (CupelMysqlParams *params)
{
  if (params->password != NULL)
    explicit_bzero (params->password, strlen (params->password));
  g_free (params->password);
  g_free (params->user);
  g_free (params->host);
  g_free (params->socket);
  g_free (params->database);
  g_free (params->ssl_ca);
  g_free (params->ssl_cert);
  g_free (params->ssl_key);
  g_free (params);
}

CupelMysqlParams *
cupel_mysql_params_ref (CupelMysqlParams *params)
{
  g_atomic_ref_count_inc (&params->refs);
  return params;
}

void
cupel_mysql_params_unref (CupelMysqlParams *params)
{
  if (g_atomic_ref_count_dec (&params->refs))
    cupel_mysql_params_free (params);
}

guint
cupel_mysql_params_get_statement_cache (CupelMysqlParams *params)
{
  return params->statement_cache;
}

const char *
cupel_mysql_params_get_database (CupelMysqlParams *params)
{
  return params->database;
}

static gboolean
cupel_mysql_parse_number (CupelUrl    *url,
                          const char  *name,
                          guint        max,
                          guint       *value,
                          GError     **error)
{
  const char *text = cupel_url_get_option (url, name);
  guint64 number;

  if (text == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (text, 10, 0, max, &number, NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "The URL option “%s” is a number from 0 to %u, not “%s”", name, max, text);
      return FALSE;
    }
  *value = (guint) number;
  return TRUE;
}

/* The library takes a host with ';', '=', ',' or "://" for a small language of its own. */
static gboolean
cupel_mysql_host_is_plain (const char *host)
{
  for (const char *p = host; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr (".-_:%", *p) == NULL)
      return FALSE;
  return *host != '\0';
}

static gboolean
cupel_mysql_host_is_loopback (const char *host)
{
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string (host);

  return address != NULL ? g_inet_address_get_is_loopback (address) : g_ascii_strcasecmp (host, "localhost") == 0;
}

static gboolean
cupel_mysql_check_options (CupelUrl  *url,
                           GError   **error)
{
  const char *const *names = cupel_url_get_option_names (url);

  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    if (!g_strv_contains (known_options, names[i]))
      {
        g_autofree char *known = g_strjoinv (", ", (char **) known_options);

        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                     "The URL option “%s” is not known to the MySQL driver; it knows %s", names[i], known);
        return FALSE;
      }
  return TRUE;
}

static gboolean
cupel_mysql_params_parse_tls (CupelMysqlParams  *params,
                              CupelUrl          *url,
                              GError           **error)
{
  const char *mode = cupel_url_get_option (url, "sslmode");

  params->ssl_ca = g_strdup (cupel_url_get_option (url, "ssl_ca"));
  params->ssl_cert = g_strdup (cupel_url_get_option (url, "ssl_cert"));
  params->ssl_key = g_strdup (cupel_url_get_option (url, "ssl_key"));

  if (mode == NULL)
    mode = cupel_url_get_option (url, "ssl_mode");
  if (mode == NULL)
    {
      params->tls = params->host == NULL || (params->ssl_ca == NULL && cupel_mysql_host_is_loopback (params->host))
                    ? CUPEL_MYSQL_TLS_DISABLE : CUPEL_MYSQL_TLS_VERIFY;
      return TRUE;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (tls_modes); i++)
    if (g_ascii_strcasecmp (tls_modes[i].name, mode) == 0)
      {
        params->tls = tls_modes[i].mode;
        return TRUE;
      }
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
               "The URL option “sslmode” is disable, require, verify-ca or verify-full, not “%s”", mode);
  return FALSE;
}

CupelMysqlParams *
cupel_mysql_params_new (CupelUrl  *url,
                        GError   **error)
{
  g_autoptr(CupelMysqlParams) params = g_new0 (CupelMysqlParams, 1);
  const char *host = cupel_url_get_host (url);
  const char *socket = cupel_url_get_option (url, "unix_socket");
  const char *user = cupel_url_get_user (url);

  g_atomic_ref_count_init (&params->refs);
  if (!cupel_mysql_check_options (url, error))
    return NULL;

  if (host == NULL)
    host = cupel_url_get_option (url, "host");
  if (socket == NULL && host != NULL && *host == '/')
    socket = host;

  if (socket != NULL)
    params->socket = g_strdup (socket);
  else
    {
      if (host == NULL || *host == '\0')
        host = "localhost";
      if (!cupel_mysql_host_is_plain (host))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                       "The host of a MySQL URL is a name, an address or the absolute path of a socket, not “%s”", host);
          return NULL;
        }
      params->host = g_strdup (host);
    }

  params->port = cupel_url_get_port (url) > 0 ? (guint) cupel_url_get_port (url) : 3306;
  params->user = g_strdup (user != NULL && *user != '\0' ? user : g_get_user_name ());
  params->password = g_strdup (cupel_url_get_password (url));
  params->database = g_strdup (cupel_url_get_database (url));
  params->connect_seconds = CUPEL_MYSQL_CONNECT_SECONDS;
  params->statement_cache = 128;

  if (!cupel_mysql_params_parse_tls (params, url, error) ||
      !cupel_mysql_parse_number (url, "connect_timeout", 3600, &params->connect_seconds, error) ||
      !cupel_mysql_parse_number (url, "statement_cache_size", 4096, &params->statement_cache, error))
    return NULL;
  if (params->connect_seconds == 0)
    params->connect_seconds = CUPEL_MYSQL_CONNECT_SECONDS;

  return g_steal_pointer (&params);
}

/* A LOAD DATA LOCAL that a server asks for by itself. */
static int
cupel_mysql_refuse_infile (void      **ptr,
                           const char *filename,
                           void       *user_data)
{
  *ptr = NULL;
  return 1;
}

static int
cupel_mysql_refuse_infile_read (void         *ptr,
                                char         *buffer,
                                unsigned int  length)
{
  return -1;
}

static void
cupel_mysql_refuse_infile_end (void *ptr)
{
}

static int
cupel_mysql_refuse_infile_error (void         *ptr,
                                 char         *buffer,
                                 unsigned int  length)
{
  if (length > 0)
    g_strlcpy (buffer, "LOAD DATA LOCAL is off", length);
  return CR_UNKNOWN_ERROR;
}

/* Blocks. */
static MYSQL *
cupel_mysql_params_connect_blocking (CupelMysqlParams  *params,
                                     guint              seconds,
                                     GError           **error)
{
  MYSQL *mysql = mysql_init (NULL);

  if (mysql == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "Out of memory while connecting to the MySQL server");
      return NULL;
    }

  mysql_set_local_infile_handler (mysql, cupel_mysql_refuse_infile, cupel_mysql_refuse_infile_read,
                                  cupel_mysql_refuse_infile_end, cupel_mysql_refuse_infile_error, NULL);

  if (!cupel_mysql_client_set_options (mysql, params, seconds, error))
    {
      mysql_close (mysql);
      return NULL;
    }

  /* A password that is NULL would come from the environment. */
  if (mysql_real_connect (mysql, params->host, params->user, params->password != NULL ? params->password : "",
                          params->database, params->port, params->socket, CLIENT_FOUND_ROWS) == NULL ||
      mysql_real_query (mysql, CUPEL_MYSQL_INIT, strlen (CUPEL_MYSQL_INIT)) != 0)
    {
      g_propagate_error (error, cupel_mysql_error_new (mysql_errno (mysql), mysql_sqlstate (mysql),
                                                       mysql_error (mysql), TRUE));
      mysql_close (mysql);
      return NULL;
    }

  if (params->tls != CUPEL_MYSQL_TLS_DISABLE && mysql_get_ssl_cipher (mysql) == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                   "The MySQL server at “%s” offers no TLS; sslmode=disable in the URL allows to do without it",
                   params->host != NULL ? params->host : params->socket);
      mysql_close (mysql);
      return NULL;
    }
  return mysql;
}

/* connecting */

typedef struct
{
  gatomicrefcount   refs;
  CupelMysqlParams *params;
  CupelCompletion  *completion;
  guint             seconds;
  MYSQL            *mysql;       /* written before the completion, read after */
  GError           *error;
} Connect;

static void
connect_unref (Connect *connect)
{
  if (!g_atomic_ref_count_dec (&connect->refs))
    return;

  /* Nobody waits any more: this is the thread, or there is nothing to close. */
  if (connect->mysql != NULL)
    mysql_close (connect->mysql);
  g_clear_error (&connect->error);
  cupel_completion_unref (connect->completion);
  cupel_mysql_params_unref (connect->params);
  g_free (connect);
}

static gpointer
connect_thread (gpointer data)
{
  Connect *connect = data;

  connect->mysql = cupel_mysql_params_connect_blocking (connect->params, connect->seconds, &connect->error);
  cupel_completion_complete (connect->completion);
  connect_unref (connect);
  mysql_thread_end ();
  return NULL;
}

MYSQL *
cupel_mysql_params_connect (CupelMysqlParams  *params,
                            gint64             deadline,
                            GCancellable      *cancellable,
                            GError           **error)
{
  gint64 limit = g_get_monotonic_time () + params->connect_seconds * G_USEC_PER_SEC;
  Connect *connect;
  GThread *thread;
  MYSQL *mysql = NULL;

  if (deadline == CUPEL_NO_DEADLINE || deadline > limit)
    deadline = limit;

  connect = g_new0 (Connect, 1);
  g_atomic_ref_count_init (&connect->refs);
  connect->params = cupel_mysql_params_ref (params);
  connect->completion = cupel_completion_new ();
  connect->seconds = (guint) CLAMP ((deadline - g_get_monotonic_time ()) / G_USEC_PER_SEC + 1, 1, 3600);

  g_atomic_ref_count_inc (&connect->refs);
  thread = g_thread_try_new ("cupel-mysql-connect", connect_thread, connect, error);
  if (thread == NULL)
    {
      connect_unref (connect);
      connect_unref (connect);
      return NULL;
    }
  g_thread_unref (thread);

  if (cupel_completion_wait (connect->completion, deadline, cancellable, error))
    {
      mysql = g_steal_pointer (&connect->mysql);
      if (mysql == NULL)
        g_propagate_error (error, g_steal_pointer (&connect->error));
    }
  connect_unref (connect);
  return mysql;
}

/* KILL QUERY */

struct _CupelMysqlKill
{
  gatomicrefcount   refs;
  CupelMysqlParams *params;
  CupelCompletion  *completion;
  gulong            thread_id;
  gboolean          answered;
};

static void
cupel_mysql_kill_unref (CupelMysqlKill *kill)
{
  if (!g_atomic_ref_count_dec (&kill->refs))
    return;
  cupel_completion_unref (kill->completion);
  cupel_mysql_params_unref (kill->params);
  g_free (kill);
}

static gpointer
cupel_mysql_kill_thread (gpointer data)
{
  CupelMysqlKill *kill = data;
  MYSQL *mysql = cupel_mysql_params_connect_blocking (kill->params, 2, NULL);

  if (mysql != NULL)
    {
      char sql[64];

      g_snprintf (sql, sizeof sql, "KILL QUERY %lu", kill->thread_id);
      /* 1094: no such thread, so there is nothing left to kill */
      kill->answered = mysql_real_query (mysql, sql, strlen (sql)) == 0 || mysql_errno (mysql) == 1094;
      mysql_close (mysql);
    }
  cupel_completion_complete (kill->completion);
  cupel_mysql_kill_unref (kill);
  mysql_thread_end ();
  return NULL;
}

CupelMysqlKill *
cupel_mysql_kill_start (CupelMysqlParams *params,
                        gulong            thread_id)
{
  CupelMysqlKill *kill = g_new0 (CupelMysqlKill, 1);
  GThread *thread;

  g_atomic_ref_count_init (&kill->refs);
  kill->params = cupel_mysql_params_ref (params);
  kill->completion = cupel_completion_new ();
  kill->thread_id = thread_id;

  g_atomic_ref_count_inc (&kill->refs);
  thread = g_thread_try_new ("cupel-mysql-kill", cupel_mysql_kill_thread, kill, NULL);
  if (thread != NULL)
    g_thread_unref (thread);
  else
    {
      cupel_completion_complete (kill->completion);
      cupel_mysql_kill_unref (kill);
    }
  return kill;
}

gboolean
cupel_mysql_kill_finish (CupelMysqlKill *kill,
                         gint64          deadline)
{
  gboolean answered = cupel_completion_wait (kill->completion, deadline, NULL, NULL) && kill->answered;

  cupel_mysql_kill_unref (kill);
  return answered;
}
