/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-settings.h"

#include <libpq-fe.h>
#include <pg_config.h>
#include <pg_config_manual.h>
#include <string.h>

#define DEFAULT_PORT             5432
#define DEFAULT_CONNECT_TIMEOUT  30
#define DEFAULT_CACHE_SIZE       128
#define SYSTEM_ROOTS             "/etc/ssl/certs/ca-certificates.crt"
/* Below a device there is no file, and none can be made. */
#define NO_FILE                  "/dev/null/none"

/* Sorted: the message lists them. */
static const char *const options[] = {
  "application_name", "channel_binding", "connect_timeout", "host", "port", "requirepeer", "search_path", "sslcert", "sslcrl",
  "sslkey", "sslmode", "sslrootcert", "statement_cache_size", "tcp_user_timeout", "use_environment", NULL
};

static const char *const ssl_modes[] = { "disable", "allow", "prefer", "require", "verify-ca", "verify-full", NULL };
static const char *const bindings[] = { "disable", "prefer", "require", NULL };

void
cupel_pg_settings_clear (CupelPgSettings *settings)
{
  g_free (settings->user);
  g_free (settings->database);
  g_free (settings->where);
  memset (settings, 0, sizeof *settings);
}

static gboolean
get_number (CupelUrl    *url,
            const char  *name,
            guint        smallest,
            guint        largest,
            guint       *number,
            GError     **error)
{
  const char *value = cupel_url_get_option (url, name);
  guint64 parsed;

  if (value == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (value, 10, smallest, largest, &parsed, NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "The option “%s” of a postgresql URL is a number from %u to %u", name, smallest, largest);
      return FALSE;
    }
  *number = (guint) parsed;
  return TRUE;
}

static gboolean
check_choice (CupelUrl           *url,
              const char         *name,
              const char *const  *choices,
              GError            **error)
{
  const char *value = cupel_url_get_option (url, name);
  g_autofree char *list = NULL;

  if (value == NULL || g_strv_contains (choices, value))
    return TRUE;
  list = g_strjoinv (", ", (char **) choices);
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
               "The option “%s” of a postgresql URL is one of: %s", name, list);
  return FALSE;
}

static gboolean
is_loopback (const char *host)
{
  g_autoptr(GInetAddress) address = g_inet_address_new_from_string (host);

  return address != NULL ? g_inet_address_get_is_loopback (address) : g_ascii_strcasecmp (host, "localhost") == 0;
}

gboolean
cupel_pg_settings_init (CupelPgSettings  *settings,
                        CupelUrl         *url,
                        GError          **error)
{
  const char *const *names = cupel_url_get_option_names (url);
  const char *environment = cupel_url_get_option (url, "use_environment");

  *settings = (CupelPgSettings) {
    .port = DEFAULT_PORT, .connect_timeout = DEFAULT_CONNECT_TIMEOUT, .statement_cache_size = DEFAULT_CACHE_SIZE
  };

  for (gsize i = 0; names != NULL && names[i] != NULL; i++)
    if (!g_strv_contains (options, names[i]))
      {
        g_autofree char *list = g_strjoinv (", ", (char **) options);

        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                     "Unknown option “%s” in a postgresql URL; known are: %s", names[i], list);
        return FALSE;
      }
  if (!check_choice (url, "sslmode", ssl_modes, error) ||
      !check_choice (url, "channel_binding", bindings, error) ||
      !check_choice (url, "use_environment", (const char *const[]) { "true", "false", NULL }, error) ||
      !get_number (url, "connect_timeout", 1, 86400, &settings->connect_timeout, error) ||
      !get_number (url, "statement_cache_size", 0, 100000, &settings->statement_cache_size, error) ||
      !get_number (url, "tcp_user_timeout", 0, 86400000, &(guint) { 0 }, error) ||
      !get_number (url, "port", 1, 65535, &settings->port, error))
    return FALSE;

  if (cupel_url_get_port (url) > 0)
    settings->port = (guint) cupel_url_get_port (url);
  settings->use_environment = g_strcmp0 (environment, "true") == 0;
  settings->host = cupel_url_get_host (url);
  if (settings->host == NULL || *settings->host == '\0')
    settings->host = cupel_url_get_option (url, "host");
  if (settings->host != NULL && *settings->host == '\0')
    settings->host = NULL;
  /* libpq reads a list of hosts at commas, and a socket of the abstract namespace at an @. */
  if (settings->host != NULL && strpbrk (settings->host, ",@") != NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The host of a postgresql URL contains “,” or “@”");
      return FALSE;
    }
  settings->is_socket = settings->host == NULL || g_path_is_absolute (settings->host);
  settings->is_loopback = !settings->is_socket && is_loopback (settings->host);

  if (cupel_url_get_user (url) != NULL)
    settings->user = g_strdup (cupel_url_get_user (url));
  else if (!settings->use_environment)
    settings->user = g_strdup (g_get_user_name ());
  if (cupel_url_get_database (url) != NULL && *cupel_url_get_database (url) != '\0')
    settings->database = g_strdup (cupel_url_get_database (url));
  else if (!settings->use_environment)
    settings->database = g_strdup (settings->user);

  if (settings->is_socket)
    settings->where = g_strdup_printf ("%s/.s.PGSQL.%u", settings->host != NULL ? settings->host : DEFAULT_PGSOCKET_DIR,
                                       settings->port);
  else
    settings->where = g_strdup_printf (strchr (settings->host, ':') != NULL ? "[%s]:%u" : "%s:%u", settings->host,
                                       settings->port);
  return TRUE;
}

/* "keyword='compiled-in value' ..." for every option that libpq would otherwise take from the environment. */
static const char *
get_neutral_options (void)
{
  static gsize once = 0;
  static char *neutral = NULL;

  if (g_once_init_enter (&once))
    {
      /* "service" set to nothing is an error, and so are empty protocol versions. */
      static const char *const skipped[] = { "service", "min_protocol_version", "max_protocol_version", NULL };
      PQconninfoOption *all = PQconndefaults ();
      GString *text = g_string_new (NULL);

      for (PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++)
        if (o->envvar != NULL && !g_strv_contains (skipped, o->keyword))
          g_string_append_printf (text, "%s='%s' ", o->keyword, o->compiled != NULL ? o->compiled : "");
      g_string_append (text, "passfile='" NO_FILE "'");
      PQconninfoFree (all);
      neutral = g_string_free (text, FALSE);
      g_once_init_leave (&once, 1);
    }
  return neutral;
}

static void
wipe (gpointer data)
{
  char *text = data;

  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

/* The session's settings. A space or a backslash would end one of them. */
static char *
get_session_options (CupelUrl *url)
{
  const char *path = cupel_url_get_option (url, "search_path");
  GString *text = g_string_new ("-c timezone=UTC -c datestyle=ISO");

  if (path != NULL)
    {
      g_string_append (text, " -c search_path=");
      for (const char *p = path; *p != '\0'; p++)
        {
          if (g_ascii_isspace (*p) || *p == '\\')
            g_string_append_c (text, '\\');
          g_string_append_c (text, *p);
        }
    }
  return g_string_free (text, FALSE);
}

static void
add (GPtrArray  *keywords,
     GPtrArray  *values,
     const char *keyword,
     const char *value)
{
  if (value == NULL)
    return;
  g_ptr_array_add (keywords, (gpointer) keyword);
  g_ptr_array_add (values, g_strdup (value));
}

void
cupel_pg_settings_get_keywords (const CupelPgSettings *settings,
                                CupelUrl              *url,
                                const char            *address,
                                GPtrArray             *keywords,
                                GPtrArray             *values)
{
  const char *mode = cupel_url_get_option (url, "sslmode");
  const char *roots = cupel_url_get_option (url, "sslrootcert");
  const char *cert = cupel_url_get_option (url, "sslcert");
  const char *key = cupel_url_get_option (url, "sslkey");
  const char *name = cupel_url_get_option (url, "application_name");
  const char *user_timeout = cupel_url_get_option (url, "tcp_user_timeout");
  g_autofree char *session_options = get_session_options (url);
  char port[8];

  g_ptr_array_set_free_func (values, wipe);
  if (!settings->use_environment)
    add (keywords, values, "dbname", get_neutral_options ());
  else
    add (keywords, values, "dbname", "gssencmode=disable");   /* takes the place of the one that is expanded */

  g_snprintf (port, sizeof port, "%u", settings->port);
  add (keywords, values, "host", settings->host != NULL || settings->use_environment ? settings->host : DEFAULT_PGSOCKET_DIR);
  add (keywords, values, "hostaddr", address);
  add (keywords, values, "port", port);
  add (keywords, values, "user", settings->user);
  add (keywords, values, "password", cupel_url_get_password (url));
  add (keywords, values, "dbname", settings->database);

  /* Without a name in the certificate that fits, anybody in between could be the server. On this machine's own loopback there is
   * nobody in between. */
  if (mode == NULL)
    mode = settings->is_socket ? "disable" : roots != NULL || !settings->is_loopback ? "verify-full" : "prefer";
  if (roots == NULL)
    {
      if (g_str_has_prefix (mode, "verify-"))
        roots = PQlibVersion () >= 160000 ? "system" : g_file_test (SYSTEM_ROOTS, G_FILE_TEST_EXISTS) ? SYSTEM_ROOTS : NO_FILE;
      else
        roots = NO_FILE;
    }
  add (keywords, values, "sslmode", mode);
  add (keywords, values, "sslrootcert", roots);
  add (keywords, values, "sslcert", cert != NULL ? cert : settings->use_environment ? NULL : NO_FILE);
  add (keywords, values, "sslkey", key != NULL ? key : settings->use_environment ? NULL : NO_FILE);
  add (keywords, values, "sslcrl", cupel_url_get_option (url, "sslcrl"));
  add (keywords, values, "ssl_min_protocol_version", "TLSv1.2");
  /* Nobody but a server that proved its name gets a password in clear. */
  if (PQlibVersion () >= 160000 && !g_str_has_prefix (mode, "verify-") && !settings->is_socket)
    add (keywords, values, "require_auth", "!password");
  add (keywords, values, "channel_binding", cupel_url_get_option (url, "channel_binding"));
  add (keywords, values, "requirepeer", cupel_url_get_option (url, "requirepeer"));
  add (keywords, values, "gssencmode", "disable");
  add (keywords, values, "target_session_attrs", "any");

  add (keywords, values, "application_name", name != NULL ? name : g_get_prgname ());
  add (keywords, values, "client_encoding", "UTF8");
  add (keywords, values, "options", session_options);
  if (!settings->is_socket)
    {
      add (keywords, values, "keepalives_idle", "60");
      add (keywords, values, "keepalives_interval", "10");
      add (keywords, values, "keepalives_count", "5");
      add (keywords, values, "tcp_user_timeout", user_timeout != NULL ? user_timeout : "30000");
    }
  g_ptr_array_add (keywords, NULL);
  g_ptr_array_add (values, NULL);
}
