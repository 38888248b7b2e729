/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fault-backend.h"

#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

CupelResult *
fault_execute (CupelConnection  *connection,
               const char       *sql,
               GCancellable     *cancellable,
               GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);

  return cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, cancellable, error);
}

gboolean
fault_tagged_query (CupelConnection  *connection,
                    GRand            *random,
                    GCancellable     *cancellable,
                    GError          **error)
{
  const gint64 tag = (gint64) g_rand_int (random);
  g_autofree char *sql = g_strdup_printf ("SELECT %" G_GINT64_FORMAT, tag);
  g_autoptr(CupelResult) result = fault_execute (connection, sql, cancellable, error);

  if (result == NULL)
    return FALSE;
  if (!cupel_result_step (result))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "No row came back for %" G_GINT64_FORMAT, tag);
      return FALSE;
    }
  if (cupel_result_get_int64 (result, 0) != tag)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "%" G_GINT64_FORMAT " came back for %" G_GINT64_FORMAT,
                   cupel_result_get_int64 (result, 0), tag);
      return FALSE;
    }
  return TRUE;
}

guint
fault_count_fds (void)
{
  GDir *dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  g_dir_close (dir);
  return n;
}

gboolean
fault_backend_command (FaultBackend  *self,
                       const char    *sql,
                       GError       **error)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (self->admin, NULL, error);
  g_autoptr(CupelResult) result = NULL;
  gboolean ok;

  if (connection == NULL)
    return FALSE;
  ok = (result = fault_execute (connection, sql, NULL, error)) != NULL && cupel_connection_commit (connection, NULL, error);
  cupel_connection_close (connection, NULL, NULL);
  return ok;
}

static GArray *
query_ints (FaultBackend  *self,
            const char    *sql,
            GError       **error)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (self->admin, NULL, error);
  g_autoptr(CupelResult) result = NULL;
  GArray *ints = NULL;

  if (connection == NULL)
    return NULL;
  if ((result = fault_execute (connection, sql, NULL, error)) != NULL)
    {
      ints = g_array_new (FALSE, FALSE, sizeof (gint64));
      while (cupel_result_step (result))
        {
          gint64 value = cupel_result_get_int64 (result, 0);

          g_array_append_val (ints, value);
        }
    }
  cupel_connection_close (connection, NULL, NULL);
  return ints;
}

gint64
fault_backend_query_int (FaultBackend  *self,
                         const char    *sql,
                         GError       **error)
{
  g_autoptr(GArray) ints = query_ints (self, sql, error);

  if (ints == NULL)
    return -1;
  if (ints->len != 1)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NO_ROW, "%u rows instead of one from: %s", ints->len, sql);
      return -1;
    }
  return g_array_index (ints, gint64, 0);
}

static int
count (FaultBackend *self,
       const char   *format_postgresql,
       const char   *format_mysql)
{
  g_auto(GStrv) parts = g_strsplit (self->is_mysql ? format_mysql : format_postgresql, "MARK", -1);
  g_autofree char *sql = g_strjoinv (self->mark, parts);

  return (int) fault_backend_query_int (self, sql, NULL);
}

int
fault_backend_count_sessions (FaultBackend *self)
{
  return count (self, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'MARK'",
                "SELECT count(*) FROM information_schema.processlist WHERE user = 'MARK'");
}

int
fault_backend_count_transactions (FaultBackend *self)
{
  return count (self, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'MARK' AND state LIKE 'idle in transaction%'",
                "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p "
                "ON p.id = t.trx_mysql_thread_id WHERE p.user = 'MARK'");
}

int
fault_backend_terminate_sessions (FaultBackend *self)
{
  g_autofree char *sql = g_strdup_printf (self->is_mysql
                                          ? "SELECT id FROM information_schema.processlist WHERE user = '%s'"
                                          : "SELECT pid FROM pg_stat_activity WHERE application_name = '%s'", self->mark);
  g_autoptr(GArray) ids = query_ints (self, sql, NULL);
  int n = 0;

  for (guint i = 0; ids != NULL && i < ids->len; i++)
    {
      g_autofree char *kill = g_strdup_printf (self->is_mysql ? "KILL CONNECTION %" G_GINT64_FORMAT
                                                              : "SELECT pg_terminate_backend(%" G_GINT64_FORMAT ", 60000)",
                                               g_array_index (ids, gint64, i));

      /* It may have ended by itself. */
      n += fault_backend_command (self, kill, NULL);
    }
  return n;
}

gboolean
fault_backend_wait_sessions (FaultBackend *self,
                             gint64        microseconds)
{
  gint64 deadline = g_get_monotonic_time () + microseconds;

  while (fault_backend_count_sessions (self) != 0)
    {
      if (g_get_monotonic_time () > deadline)
        return FALSE;
      cupel_fiber_sleep (10000, NULL, NULL);
    }
  return TRUE;
}

GPid
fault_backend_get_pid (FaultBackend *self)
{
  g_autofree char *text = NULL;

  if (self->pid_file == NULL || !g_file_get_contents (self->pid_file, &text, NULL, NULL))
    return 0;
  return (GPid) g_ascii_strtoll (text, NULL, 10);
}

static GPid
get_parent (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid);
  g_autofree char *text = NULL;
  const char *after;

  /* pid (name) state parent */
  if (!g_file_get_contents (path, &text, NULL, NULL) || (after = strrchr (text, ')')) == NULL || strlen (after) < 5)
    return 0;
  return (GPid) g_ascii_strtoll (after + 4, NULL, 10);
}

void
fault_backend_signal (FaultBackend *self,
                      int           number)
{
  const GPid server = fault_backend_get_pid (self);
  GDir *dir = g_dir_open ("/proc", 0, NULL);
  const char *name;

  g_return_if_fail (server > 1);

  /* The main process first: it makes no more. */
  kill (server, number);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      GPid pid = (GPid) g_ascii_strtoll (name, NULL, 10);

      if (pid > 1 && get_parent (pid) == server)
        kill (pid, number);
    }
  g_dir_close (dir);
}

gboolean
fault_backend_wait_ready (FaultBackend *self,
                          gint64        microseconds)
{
  gint64 deadline = g_get_monotonic_time () + microseconds;

  while (fault_backend_query_int (self, "SELECT 1", NULL) != 1)
    {
      if (g_get_monotonic_time () > deadline)
        return FALSE;
      cupel_fiber_sleep (20000, NULL, NULL);
    }
  return TRUE;
}

/* The socket of the server that the URL names */
static GSocketAddress *
find_address (CupelUrl *url,
              gboolean  is_mysql)
{
  const char *host = cupel_url_get_host (url);
  g_autofree char *path = NULL;

  if (host == NULL)
    host = cupel_url_get_option (url, "host");
  if (host == NULL || *host != '/')
    return g_inet_socket_address_new_from_string (host != NULL ? host : "127.0.0.1",
                                                  (guint) cupel_url_get_port (url));
  path = is_mysql ? g_strdup (host) : g_build_filename (host, ".s.PGSQL.5432", NULL);
  return g_unix_socket_address_new (path);
}

static gboolean
set_up_mark (FaultBackend  *self,
             CupelUrl      *url,
             GError       **error)
{
  g_autofree char *create = NULL;
  g_autofree char *grant = NULL;
  const guint16 port = chaos_proxy_get_port (self->proxy);

  self->mark = g_strdup_printf ("cupel_faults_%d_%u", getpid (), port);
  if (!self->is_mysql)
    {
      self->url = g_strdup_printf ("postgresql://%s@127.0.0.1:%u/%s?sslmode=disable&application_name=%s",
                                   cupel_url_get_user (url), port, cupel_url_get_database (url), self->mark);
      return TRUE;
    }
  self->url = g_strdup_printf ("mysql://%s@127.0.0.1:%u/%s?ssl_mode=DISABLED", self->mark, port, cupel_url_get_database (url));
  /* Those who come on the server's socket are of localhost. */
  create = g_strdup_printf ("CREATE USER %s@localhost", self->mark);
  grant = g_strdup_printf ("GRANT ALL PRIVILEGES ON %s.* TO %s@localhost", cupel_url_get_database (url), self->mark);
  return fault_backend_command (self, create, error) && fault_backend_command (self, grant, error);
}

FaultBackend *
fault_backend_new (const char  *name,
                   GError     **error)
{
  g_autofree char *upper = g_ascii_strup (name, -1);
  g_autofree char *variable = g_strdup_printf ("CUPEL_TEST_%s_URL", upper);
  g_autofree char *pid_variable = g_strdup_printf ("CUPEL_TEST_%s_PID_FILE", upper);
  const char *text = g_getenv (variable);
  g_autoptr(FaultBackend) self = NULL;
  g_autoptr(CupelUrl) url = NULL;
  g_autoptr(GSocketAddress) address = NULL;

  if (text == NULL)
    return NULL;
  self = g_new0 (FaultBackend, 1);
  self->name = name;
  self->is_mysql = strcmp (name, "mysql") == 0;
  self->pid_file = g_strdup (g_getenv (pid_variable));
  if ((url = cupel_url_new (text, error)) == NULL || (self->admin = cupel_engine_new (text, error)) == NULL)
    return NULL;
  /* What it looks at changes by itself, and a connection of before a restart is of no use. */
  g_object_set (self->admin, "isolation-level", CUPEL_ISOLATION_AUTOCOMMIT, "pool-name", "null", NULL);
  address = find_address (url, self->is_mysql);
  self->proxy = chaos_proxy_new (address, self->is_mysql ? CHAOS_FRAMING_MYSQL : CHAOS_FRAMING_POSTGRESQL, error);
  if (self->proxy == NULL || !set_up_mark (self, url, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
fault_backend_free (FaultBackend *self)
{
  if (self->is_mysql && self->mark != NULL)
    {
      g_autofree char *drop = g_strdup_printf ("DROP USER %s@localhost", self->mark);

      fault_backend_command (self, drop, NULL);
    }
  if (self->admin != NULL)
    cupel_engine_dispose (self->admin, NULL, NULL);
  g_clear_object (&self->admin);
  g_clear_pointer (&self->proxy, chaos_proxy_free);
  g_free (self->url);
  g_free (self->mark);
  g_free (self->pid_file);
  g_free (self);
}
