/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-settings.h"

#include <libpq-fe.h>
#include <pg_config.h>
#include <pg_config_manual.h>
#include <string.h>

#define DEFAULT_PORT             5432
#define DEFAULT_CACHE_SIZE       128
#define SYSTEM_ROOTS             "/etc/ssl/certs/ca-certificates.crt"
/* Below a device there is no file, and none can be made. */
#define NO_FILE                  "/dev/null/none"

/* Beside those that every driver of a server has. */
static const char *const options[] = {
  "application_name", "auth", "channel_binding", "pooler", "requirepeer", "search_path", "statement_cache_size", "tcp_user_timeout",
  NULL
};

static const char *const poolers[] = { "none", "transaction", NULL };
static const char *const bindings[] = { "disable", "prefer", "require", NULL };

/* libpq's names. */
static const struct
{
  const char  *name;
  CupelPgAuth  auth;
} auths[] = {
  { "scram-sha-256", CUPEL_PG_AUTH_SCRAM },
  { "md5", CUPEL_PG_AUTH_MD5 },
  { "password", CUPEL_PG_AUTH_PASSWORD },
  { "gss", CUPEL_PG_AUTH_GSS },
  { "none", CUPEL_PG_AUTH_NONE },
};

void
cupel_pg_settings_clear (CupelPgSettings *settings)
{
  g_free (settings->user);
  g_free (settings->database);
  g_free (settings->where);
  memset (settings, 0, sizeof *settings);
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
parse_auth (CupelPgSettings  *settings,
            CupelUrl         *url,
            GError          **error)
{
  const char *text = cupel_url_get_option (url, "auth");
  g_auto(GStrv) names = NULL;

  /* What can be replayed or guessed from a recording is for those who ask for it. */
  settings->auth = CUPEL_PG_AUTH_SCRAM | CUPEL_PG_AUTH_NONE;
  if (text == NULL)
    return TRUE;

  settings->auth = 0;
  names = g_strsplit (text, ",", -1);
  for (gsize i = 0; names[i] != NULL; i++)
    {
      gsize known = 0;

      while (known < G_N_ELEMENTS (auths) && strcmp (auths[known].name, names[i]) != 0)
        known++;
      if (known == G_N_ELEMENTS (auths))
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                               "The URL option \"auth\" is a list of: scram-sha-256, md5, password, gss, none");
          return FALSE;
        }
      settings->auth |= auths[known].auth;
    }
  return TRUE;
}

gboolean
cupel_pg_settings_init (CupelPgSettings      *settings,
                        CupelUrl             *url,
                        const CupelEndpoint  *endpoint,
                        GError              **error)
{
  *settings = (CupelPgSettings) { .port = DEFAULT_PORT, .statement_cache_size = DEFAULT_CACHE_SIZE };

  settings->host = endpoint != NULL ? endpoint->host : cupel_url_get_host (url);
  settings->address = endpoint != NULL ? endpoint->address : NULL;
  settings->is_socket = settings->host == NULL || g_path_is_absolute (settings->host);
  if (endpoint != NULL || cupel_url_get_port (url) > 0)
    settings->port = (guint) (endpoint != NULL ? endpoint->port : cupel_url_get_port (url));

  if (!cupel_network_options_parse (&settings->network, url, settings->is_socket, options, error) ||
      !parse_auth (settings, url, error) ||
      !check_choice (url, "channel_binding", bindings, error) ||
      !check_choice (url, "pooler", poolers, error) ||
      !cupel_url_get_number (url, "statement_cache_size", 0, 100000, &settings->statement_cache_size, error) ||
      !cupel_url_get_number (url, "tcp_user_timeout", 0, 86400000, &(guint) { 0 }, error))
    return FALSE;

  settings->pooler = g_strcmp0 (cupel_url_get_option (url, "pooler"), "transaction") == 0;
  if (settings->pooler && cupel_url_get_option (url, "statement_cache_size") != NULL && settings->statement_cache_size > 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "With pooler=transaction no statement stays prepared: leave the option \"statement_cache_size\" out");
      return FALSE;
    }
  if (settings->pooler)
    settings->statement_cache_size = 0;

  if (settings->is_socket && settings->network.tls > CUPEL_TLS_MODE_PREFER)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "There is no TLS on a UNIX socket; the URL option \"requirepeer\" names the user that the server must be of");
      return FALSE;
    }

  if (cupel_url_get_user (url) != NULL)
    settings->user = g_strdup (cupel_url_get_user (url));
  else if (!settings->network.use_environment)
    settings->user = g_strdup (g_get_user_name ());
  if (cupel_url_get_database (url) != NULL && *cupel_url_get_database (url) != '\0')
    settings->database = g_strdup (cupel_url_get_database (url));
  else if (!settings->network.use_environment)
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

/* libpq's "require_auth", from version 16 on. */
static char *
get_auth (const CupelPgSettings *settings)
{
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (auths); i++)
    if (settings->auth & auths[i].auth)
      g_string_append_printf (text, "%s%s", text->len > 0 ? "," : "", auths[i].name);
  return g_string_free (text, FALSE);
}

static const char *
get_roots (const CupelPgSettings *settings)
{
  if (settings->network.tls_ca != NULL)
    return settings->network.tls_ca;
  /* A file of roots would make "require" mean "verify-ca". */
  if (settings->network.tls < CUPEL_TLS_MODE_VERIFY_CA)
    return NO_FILE;
  if (PQlibVersion () >= 160000 && settings->network.tls == CUPEL_TLS_MODE_VERIFY_FULL)
    return "system";
  return g_file_test (SYSTEM_ROOTS, G_FILE_TEST_EXISTS) ? SYSTEM_ROOTS : NO_FILE;
}

void
cupel_pg_settings_get_keywords (const CupelPgSettings *settings,
                                CupelUrl              *url,
                                GPtrArray             *keywords,
                                GPtrArray             *values)
{
  static const char *const modes[] = { "disable", "prefer", "require", "verify-ca", "verify-full" };
  const CupelNetworkOptions *network = &settings->network;
  const char *name = cupel_url_get_option (url, "application_name");
  const char *user_timeout = cupel_url_get_option (url, "tcp_user_timeout");
  const char *own_file = network->use_environment ? NULL : NO_FILE;
  g_autofree char *session_options = get_session_options (url);
  g_autofree char *auth = get_auth (settings);
  char port[8];

  g_ptr_array_set_free_func (values, wipe);
  if (!network->use_environment)
    add (keywords, values, "dbname", get_neutral_options ());
  else
    add (keywords, values, "dbname", "gssencmode=disable");   /* takes the place of the one that is expanded */

  g_snprintf (port, sizeof port, "%u", settings->port);
  add (keywords, values, "host", settings->host != NULL || network->use_environment ? settings->host : DEFAULT_PGSOCKET_DIR);
  add (keywords, values, "hostaddr", settings->address);
  add (keywords, values, "port", port);
  add (keywords, values, "user", settings->user);
  add (keywords, values, "password", cupel_url_get_password (url));
  add (keywords, values, "dbname", settings->database);

  /* Whatever bears on security is said, so that neither the environment nor a file can say it. */
  add (keywords, values, "sslmode", modes[network->tls]);
  add (keywords, values, "sslrootcert", get_roots (settings));
  add (keywords, values, "sslcert", network->tls_cert != NULL ? network->tls_cert : own_file);
  add (keywords, values, "sslkey", network->tls_key != NULL ? network->tls_key : own_file);
  add (keywords, values, "sslcrl", network->tls_crl);
  add (keywords, values, "ssl_min_protocol_version", "TLSv1.2");
  if (PQlibVersion () >= 160000)
    add (keywords, values, "require_auth", auth);
  if (PQlibVersion () >= 170000)
    add (keywords, values, "sslnegotiation", "postgres");
  add (keywords, values, "channel_binding",
       cupel_url_get_option (url, "channel_binding") != NULL ? cupel_url_get_option (url, "channel_binding") : "prefer");
  add (keywords, values, "requirepeer", cupel_url_get_option (url, "requirepeer"));
  add (keywords, values, "gssencmode", "disable");
  add (keywords, values, "target_session_attrs", "any");

  add (keywords, values, "application_name", name != NULL ? name : g_get_prgname ());
  add (keywords, values, "client_encoding", "UTF8");
  /* A pooler takes no settings for a session: each transaction brings its own. */
  if (!settings->pooler)
    add (keywords, values, "options", session_options);
  if (!settings->is_socket)
    {
      add (keywords, values, "keepalives", "1");
      add (keywords, values, "keepalives_idle", "60");
      add (keywords, values, "keepalives_interval", "10");
      add (keywords, values, "keepalives_count", "5");
      add (keywords, values, "tcp_user_timeout", user_timeout != NULL ? user_timeout : "30000");
    }
  g_ptr_array_add (keywords, NULL);
  g_ptr_array_add (values, NULL);
}
