/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a URL asks for, checked. */

#include "cupel-mysql-private.h"

#include <string.h>

/* Beside those that every driver of a server has. */
static const char *const options[] = { "allow_public_key_retrieval", "statement_cache_size", "unix_socket", NULL };

static void
cupel_mysql_params_free (CupelMysqlParams *params)
{
  if (params->password != NULL)
    explicit_bzero (params->password, strlen (params->password));
  g_free (params->password);
  g_free (params->user);
  g_free (params->host);
  g_free (params->address);
  g_free (params->socket);
  g_free (params->database);
  g_free (params->where);
  g_free (params->tls_ca);
  g_free (params->tls_cert);
  g_free (params->tls_key);
  g_free (params->tls_crl);
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

/* Connector/C takes a host with ';', '=', ',' or "://" for a small language of its own. CupelUrl lets none of these through; this
 * one looks again, for it is what the library gets. */
static gboolean
cupel_mysql_host_is_plain (const char *host)
{
  for (const char *p = host; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr (".-_:%", *p) == NULL)
      return FALSE;
  return *host != '\0';
}

static gboolean
cupel_mysql_params_find_server (CupelMysqlParams     *params,
                                CupelUrl             *url,
                                const CupelEndpoint  *endpoint,
                                GError              **error)
{
  const char *host = endpoint != NULL ? endpoint->host : cupel_url_get_host (url);
  const char *socket = cupel_url_get_option (url, "unix_socket");
  int port = endpoint != NULL ? endpoint->port : cupel_url_get_port (url);

  if (socket == NULL && host != NULL && g_path_is_absolute (host))
    socket = host;
  if (socket != NULL)
    {
      params->socket = g_strdup (socket);
      params->where = g_strdup (socket);
      return TRUE;
    }

  if (host == NULL)
    host = "localhost";
  if (!cupel_mysql_host_is_plain (host))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                           "The host of a MySQL URL is a name, an address or the absolute path of a socket");
      return FALSE;
    }
  params->host = g_strdup (host);
  params->address = g_strdup (endpoint != NULL ? endpoint->address : NULL);
  params->port = port > 0 ? (guint) port : CUPEL_MYSQL_PORT;
  params->where = g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, params->port);
  return TRUE;
}

CupelMysqlParams *
cupel_mysql_params_new (CupelUrl             *url,
                        const CupelEndpoint  *endpoint,
                        GError              **error)
{
  g_autoptr(CupelMysqlParams) params = g_new0 (CupelMysqlParams, 1);
  const char *user = cupel_url_get_user (url);
  const char *password = cupel_url_get_password (url);
  CupelNetworkOptions network;

  g_atomic_ref_count_init (&params->refs);
  params->statement_cache = 128;
  if (!cupel_mysql_params_find_server (params, url, endpoint, error) ||
      !cupel_network_options_parse (&network, url, params->socket != NULL, options, error) ||
      !cupel_url_get_boolean (url, "allow_public_key_retrieval", &params->allow_public_key_retrieval, error) ||
      !cupel_url_get_number (url, "statement_cache_size", 0, 4096, &params->statement_cache, error))
    return NULL;

  params->tls = network.tls;
  params->tls_ca = g_strdup (network.tls_ca);
  params->tls_cert = g_strdup (network.tls_cert);
  params->tls_key = g_strdup (network.tls_key);
  params->tls_crl = g_strdup (network.tls_crl);
  params->user = g_strdup (user != NULL && *user != '\0' ? user : g_get_user_name ());
  /* A password that is NULL would come from the environment. */
  params->password = password == NULL && network.use_environment ? NULL : g_strdup (password != NULL ? password : "");
  params->database = g_strdup (cupel_url_get_database (url));
  return g_steal_pointer (&params);
}
