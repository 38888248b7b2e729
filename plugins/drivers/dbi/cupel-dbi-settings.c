/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* From a URL to libdbi's options. */

#include "cupel-dbi-private.h"

#include <gio/gunixsocketaddress.h>

#define DEFAULT_CONNECT_TIMEOUT 30
#define DEFAULT_BUSY_TIMEOUT    5000
#define SYSTEM_ROOTS            "/etc/ssl/certs/ca-certificates.crt"
/* Below a device there is no file, and none can be made. */
#define NO_FILE                 "/dev/null/none"

static void
wipe (gpointer data)
{
  char *text = data;

  explicit_bzero (text, strlen (text));
  g_free (text);
}

void
cupel_dbi_settings_clear (CupelDbiSettings *settings)
{
  g_clear_pointer (&settings->names, g_ptr_array_unref);
  g_clear_pointer (&settings->values, g_ptr_array_unref);
  g_clear_pointer (&settings->where, g_free);
  g_clear_object (&settings->address);
}

/* The first character tells a text from a number. */
static void
add (CupelDbiSettings *settings,
     const char       *name,
     const char       *value)
{
  if (value == NULL)
    return;
  g_ptr_array_add (settings->names, (gpointer) name);
  g_ptr_array_add (settings->values, g_strconcat ("=", value, NULL));
}

static void
add_number (CupelDbiSettings *settings,
            const char       *name,
            guint             value)
{
  g_ptr_array_add (settings->names, (gpointer) name);
  g_ptr_array_add (settings->values, g_strdup_printf ("#%u", value));
}

static gboolean
check_options (CupelUrl           *url,
               const char *const  *known,
               GError            **error)
{
  const char *const *names = cupel_url_get_option_names (url);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    if (!g_strv_contains (known, names[i]))
      {
        g_autofree char *list = g_strjoinv (", ", (char **) known);

        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "Unknown option \"%s\" in a %s+dbi URL; known are: %s", names[i],
                     cupel_url_get_dialect (url), list);
        return FALSE;
      }
  return TRUE;
}

static gboolean
get_number (CupelUrl    *url,
            const char  *name,
            guint        largest,
            guint       *number,
            GError     **error)
{
  const char *value = cupel_url_get_option (url, name);
  guint64 parsed;

  if (value == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (value, 10, 0, largest, &parsed, NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The option \"%s\" is a number from 0 to %u", name, largest);
      return FALSE;
    }
  *number = (guint) parsed;
  return TRUE;
}

/* "tls", or what the client libraries call it. */
static const char *
get_tls (CupelUrl *url)
{
  const char *mode = cupel_url_get_option (url, "tls");

  if (mode == NULL)
    mode = cupel_url_get_option (url, "sslmode");
  return mode;
}

static const char *
get_either (CupelUrl   *url,
            const char *name,
            const char *alias)
{
  const char *value = cupel_url_get_option (url, name);

  return value != NULL ? value : cupel_url_get_option (url, alias);
}

static const char *
get_host (CupelUrl            *url,
          const CupelEndpoint *endpoint)
{
  const char *host = endpoint != NULL ? endpoint->host : cupel_url_get_host (url);

  if (host == NULL || *host == '\0')
    host = cupel_url_get_option (url, "host");
  return host != NULL && *host != '\0' ? host : NULL;
}

static guint
get_port (CupelUrl            *url,
          const CupelEndpoint *endpoint,
          guint                standard)
{
  int port = endpoint != NULL ? endpoint->port : cupel_url_get_port (url);

  return port > 0 ? (guint) port : standard;
}

/* The server reads the options like a command line: a space or a backslash would end one of them. */
static char *
get_session_options (CupelUrl *url)
{
  const char *path = cupel_url_get_option (url, "search_path");
  GString *text = g_string_new (NULL);

  if (path != NULL)
    {
      g_string_append (text, "-c search_path=");
      for (const char *p = path; *p != '\0'; p++)
        {
          if (g_ascii_isspace (*p) || *p == '\\')
            g_string_append_c (text, '\\');
          g_string_append_c (text, *p);
        }
    }
  return g_string_free (text, FALSE);
}

/* Nothing comes from the environment: what is not asked for is given as empty. */
static gboolean
init_pgsql (CupelDbiSettings     *settings,
            CupelUrl             *url,
            const CupelEndpoint  *endpoint,
            GError              **error)
{
  static const char *const known[] = {
    "connect_timeout", "host", "port", "search_path", "sslcert", "sslkey", "sslmode", "sslrootcert", "tls", "tls-ca", "tls-cert",
    "tls-key", NULL
  };
  static const char *const modes[] = { "disable", "allow", "prefer", "require", "verify-ca", "verify-full", NULL };
  const char *host = get_host (url, endpoint);
  const char *mode = get_tls (url);
  const char *roots = get_either (url, "tls-ca", "sslrootcert");
  const char *cert = get_either (url, "tls-cert", "sslcert");
  const char *key = get_either (url, "tls-key", "sslkey");
  const char *password = cupel_url_get_password (url);
  const char *user = cupel_url_get_user (url) != NULL ? cupel_url_get_user (url) : g_get_user_name ();
  const char *database = cupel_url_get_database (url);
  g_autofree char *session_options = get_session_options (url);
  guint port = get_port (url, endpoint, 5432);
  gboolean is_socket = host == NULL || g_path_is_absolute (host);

  if (!check_options (url, known, error) || !get_number (url, "connect_timeout", 86400, &settings->connect_timeout, error) ||
      !get_number (url, "port", 65535, &port, error))
    return FALSE;
  /* libpq reads a list of hosts at commas, and a socket of the abstract namespace at an @. */
  if (host != NULL && strpbrk (host, ",@") != NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The host of a URL contains \",\" or \"@\"");
      return FALSE;
    }
  if (mode != NULL && !g_strv_contains (modes, mode))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "The option \"tls\" is one of: disable, allow, prefer, require, verify-ca, verify-full");
      return FALSE;
    }
  if (mode == NULL)
    mode = is_socket ? "disable" : "verify-full";
  if (roots == NULL)
    roots = g_str_has_prefix (mode, "verify-") && g_file_test (SYSTEM_ROOTS, G_FILE_TEST_EXISTS) ? SYSTEM_ROOTS : NO_FILE;

  add (settings, "host", host != NULL ? host : "/var/run/postgresql");
  if (endpoint != NULL && endpoint->address != NULL)
    add (settings, "pgsql_hostaddr", endpoint->address);
  add_number (settings, "port", port);
  add (settings, "username", user);
  add (settings, "password", password != NULL ? password : "");
  add (settings, "dbname", database != NULL && *database != '\0' ? database : user);
  add_number (settings, "timeout", settings->connect_timeout);
  add (settings, "pgsql_passfile", NO_FILE);
  add (settings, "pgsql_sslmode", mode);
  add (settings, "pgsql_sslrootcert", roots);
  add (settings, "pgsql_sslcert", cert != NULL ? cert : NO_FILE);
  add (settings, "pgsql_sslkey", key != NULL ? key : NO_FILE);
  add (settings, "pgsql_ssl_min_protocol_version", "TLSv1.2");
  add (settings, "pgsql_gssencmode", "disable");
  add (settings, "pgsql_channel_binding", "prefer");
  add (settings, "pgsql_target_session_attrs", "any");
  add (settings, "pgsql_requirepeer", "");
  add (settings, "pgsql_options", session_options);
  add (settings, "pgsql_application_name", g_get_prgname () != NULL ? g_get_prgname () : "");
  add (settings, "pgsql_client_encoding", "UTF8");

  settings->where = g_strdup_printf (host != NULL && strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u",
                                     host != NULL ? host : "/var/run/postgresql", port);
  if (is_socket)
    {
      g_autofree char *path = g_strdup_printf ("%s/.s.PGSQL.%u", host != NULL ? host : "/var/run/postgresql", port);

      settings->address = g_unix_socket_address_new (path);
    }
  else
    settings->address = g_inet_socket_address_new_from_string (endpoint != NULL && endpoint->address != NULL ? endpoint->address : host,
                                                               port);
  return TRUE;
}

gboolean
cupel_dbi_settings_check_files (const CupelDbiSettings  *settings,
                                CupelUrl                *url,
                                GError                 **error)
{
  const CupelNetworkOptions network = {
    .tls = g_strcmp0 (get_tls (url), "disable") != 0 ? CUPEL_TLS_MODE_REQUIRE : CUPEL_TLS_MODE_DISABLE,
    .tls_ca = get_either (url, "tls-ca", "sslrootcert"),
    .tls_cert = get_either (url, "tls-cert", "sslcert"),
    .tls_key = get_either (url, "tls-key", "sslkey"),
  };

  return settings->backend != &cupel_dbi_pgsql || cupel_network_options_check_files (&network, error);
}

gboolean
cupel_dbi_settings_is_there (const CupelDbiSettings *settings)
{
  g_autoptr(GSocket) probe = NULL;

  if (settings->address == NULL)
    return TRUE;
  probe = g_socket_new (g_socket_address_get_family (settings->address), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  if (probe == NULL)
    return TRUE;
  g_socket_set_timeout (probe, 1);
  return g_socket_connect (probe, settings->address, NULL, NULL);
}

static gboolean
init_mysql (CupelDbiSettings     *settings,
            CupelUrl             *url,
            const CupelEndpoint  *endpoint,
            GError              **error)
{
  static const char *const known[] = { "connect_timeout", "host", "sslmode", "tls", "unix_socket", NULL };
  const char *host = get_host (url, endpoint);
  const char *path = cupel_url_get_option (url, "unix_socket");
  const char *mode = get_tls (url);
  const char *password = cupel_url_get_password (url);
  const char *database = cupel_url_get_database (url);
  guint port = get_port (url, endpoint, 3306);

  if (!check_options (url, known, error) || !get_number (url, "connect_timeout", 86400, &settings->connect_timeout, error))
    return FALSE;
  if (path == NULL && host != NULL && g_path_is_absolute (host))
    path = host;
  /* The client library reads options out of a host with these in it. */
  if (path == NULL && host != NULL && strpbrk (host, ";=/") != NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The host of a URL contains \";\", \"=\" or \"/\"");
      return FALSE;
    }
  if (mode != NULL && strcmp (mode, "disable") != 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                   "tls=%s: libdbi's driver for MySQL has no TLS; use mysql:// without +dbi, or tls=disable", mode);
      return FALSE;
    }
  if (path == NULL && host != NULL && mode == NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                           "libdbi's driver for MySQL has no TLS: anybody on the way could read and change everything. Use mysql:// "
                           "without +dbi, a UNIX socket, or, where that is no concern, tls=disable");
      return FALSE;
    }

  add (settings, "host", path != NULL || host == NULL ? "localhost" : endpoint != NULL && endpoint->address != NULL
                                                                        ? endpoint->address : host);
  if (path != NULL)
    add (settings, "mysql_unix_socket", path);
  add_number (settings, "port", port);
  add (settings, "username", cupel_url_get_user (url) != NULL ? cupel_url_get_user (url) : g_get_user_name ());
  add (settings, "password", password != NULL ? password : "");
  if (database != NULL && *database != '\0')
    add (settings, "dbname", database);
  add_number (settings, "timeout", settings->connect_timeout);
  add_number (settings, "mysql_client_found_rows", 1);
  settings->where = path != NULL ? g_strdup (path) : g_strdup_printf ("%s:%u", host != NULL ? host : "localhost", port);
  return TRUE;
}

gboolean
cupel_dbi_url_is_memory (CupelUrl *url)
{
  const char *database = cupel_url_get_database (url);

  return database == NULL || *database == '\0' || strcmp (database, ":memory:") == 0;
}

static gboolean
init_sqlite (CupelDbiSettings     *settings,
             CupelUrl             *url,
             const CupelEndpoint  *endpoint,
             GError              **error)
{
  static const char *const known[] = { "busy_timeout", NULL };
  const char *host = cupel_url_get_host (url);
  g_autofree char *folder = NULL;
  g_autofree char *name = NULL;
  guint busy_timeout = DEFAULT_BUSY_TIMEOUT;

  if (!check_options (url, known, error) || !get_number (url, "busy_timeout", G_MAXINT, &busy_timeout, error))
    return FALSE;
  if ((host != NULL && *host != '\0') || cupel_url_get_user (url) != NULL || cupel_url_get_port (url) != -1)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "An SQLite URL has no host, port or user; a relative path is sqlite+dbi:///file, an absolute one "
                           "sqlite+dbi:////directory/file");
      return FALSE;
    }

  settings->busy_timeout = (gint64) busy_timeout * 1000;
  settings->in_memory = cupel_dbi_url_is_memory (url);
  settings->where = settings->in_memory ? g_strdup (":memory:") : g_canonicalize_filename (cupel_url_get_database (url), NULL);
  folder = settings->in_memory ? g_strdup ("/") : g_path_get_dirname (settings->where);
  name = settings->in_memory ? g_strdup (":memory:") : g_path_get_basename (settings->where);
  add (settings, "sqlite3_dbdir", folder);
  add (settings, "dbname", name);
  add (settings, "encoding", "UTF-8");
  add_number (settings, "sqlite3_timeout", busy_timeout);
  return TRUE;
}

gboolean
cupel_dbi_settings_init (CupelDbiSettings       *settings,
                         const CupelDbiBackend  *backend,
                         CupelUrl               *url,
                         const CupelEndpoint    *endpoint,
                         GError                **error)
{
  *settings = (CupelDbiSettings) {
    .backend = backend, .connect_timeout = DEFAULT_CONNECT_TIMEOUT,
    .names = g_ptr_array_new (), .values = g_ptr_array_new_with_free_func (wipe),
  };
  if (backend == &cupel_dbi_pgsql)
    return init_pgsql (settings, url, endpoint, error);
  if (backend == &cupel_dbi_mysql)
    return init_mysql (settings, url, endpoint, error);
  return init_sqlite (settings, url, endpoint, error);
}
