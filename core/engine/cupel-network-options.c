/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-network-options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The name here comes first; behind it are those that users of client libraries have in their hands. */
static const char *const tls_names[] = { "tls", "sslmode", "ssl-mode", "ssl_mode", NULL };
static const char *const ca_names[] = { "tls-ca", "sslrootcert", "ssl-ca", "ssl_ca", NULL };
static const char *const cert_names[] = { "tls-cert", "sslcert", "ssl-cert", "ssl_cert", NULL };
static const char *const key_names[] = { "tls-key", "sslkey", "ssl-key", "ssl_key", NULL };
static const char *const crl_names[] = { "tls-crl", "sslcrl", "ssl-crl", "ssl_crl", NULL };

/* Of the engine, and above. */
static const char *const common_names[] = {
  "connect_timeout", "load_balance_hosts", "target", "target_session_attrs", "tls", "tls-ca", "tls-cert", "tls-crl", "tls-key",
  "use_environment", NULL
};

static const struct
{
  const char   *name;
  CupelTlsMode  mode;
} modes[] = {
  { "disable", CUPEL_TLS_MODE_DISABLE }, { "disabled", CUPEL_TLS_MODE_DISABLE },
  { "prefer", CUPEL_TLS_MODE_PREFER }, { "preferred", CUPEL_TLS_MODE_PREFER },
  { "require", CUPEL_TLS_MODE_REQUIRE }, { "required", CUPEL_TLS_MODE_REQUIRE },
  { "verify-ca", CUPEL_TLS_MODE_VERIFY_CA }, { "verify_ca", CUPEL_TLS_MODE_VERIFY_CA },
  { "verify-full", CUPEL_TLS_MODE_VERIFY_FULL }, { "verify_identity", CUPEL_TLS_MODE_VERIFY_FULL },
};

GType
cupel_tls_mode_get_type (void)
{
  static gsize once;
  static const GEnumValue values[] = {
    { CUPEL_TLS_MODE_DISABLE, "CUPEL_TLS_MODE_DISABLE", "disable" },
    { CUPEL_TLS_MODE_PREFER, "CUPEL_TLS_MODE_PREFER", "prefer" },
    { CUPEL_TLS_MODE_REQUIRE, "CUPEL_TLS_MODE_REQUIRE", "require" },
    { CUPEL_TLS_MODE_VERIFY_CA, "CUPEL_TLS_MODE_VERIFY_CA", "verify-ca" },
    { CUPEL_TLS_MODE_VERIFY_FULL, "CUPEL_TLS_MODE_VERIFY_FULL", "verify-full" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&once))
    g_once_init_leave (&once, g_enum_register_static ("CupelTlsMode", values));
  return once;
}

static gboolean
is_known (const char        *name,
          const char *const *own_names)
{
  return g_strv_contains (common_names, name) || g_strv_contains (tls_names, name) || g_strv_contains (ca_names, name) ||
         g_strv_contains (cert_names, name) || g_strv_contains (key_names, name) || g_strv_contains (crl_names, name) ||
         g_strv_contains (own_names, name);
}

static int
compare_names (const void *a,
               const void *b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
check_names (CupelUrl           *url,
             const char *const  *own_names,
             GError            **error)
{
  const char *const *names = cupel_url_get_option_names (url);

  for (gsize i = 0; names[i] != NULL; i++)
    if (!is_known (names[i], own_names))
      {
        g_autoptr(GPtrArray) all = g_ptr_array_new ();
        g_autofree char *list = NULL;

        for (gsize j = 0; common_names[j] != NULL; j++)
          g_ptr_array_add (all, (gpointer) common_names[j]);
        for (gsize j = 0; own_names[j] != NULL; j++)
          g_ptr_array_add (all, (gpointer) own_names[j]);
        qsort (all->pdata, all->len, sizeof (gpointer), compare_names);
        g_ptr_array_add (all, NULL);
        list = g_strjoinv (", ", (char **) all->pdata);
        g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                     "Unknown option \"%s\" in a URL of scheme %s; known are: %s", names[i], cupel_url_get_dialect (url), list);
        return FALSE;
      }
  return TRUE;
}

/* The one of @names that is given. Two that mean the same could contradict each other. */
static gboolean
get_one (CupelUrl           *url,
         const char *const  *names,
         const char        **value,
         GError            **error)
{
  const char *found = NULL;

  *value = NULL;
  for (gsize i = 0; names[i] != NULL; i++)
    {
      const char *text = cupel_url_get_option (url, names[i]);

      if (text == NULL)
        continue;
      if (found != NULL)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                       "The URL options \"%s\" and \"%s\" mean the same; give one of them", found, names[i]);
          return FALSE;
        }
      if (*text == '\0')
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The URL option \"%s\" is empty", names[i]);
          return FALSE;
        }
      found = names[i];
      *value = text;
    }
  return TRUE;
}

static gboolean
parse_mode (CupelTlsMode  *mode,
            const char    *text,
            GError       **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    if (g_ascii_strcasecmp (modes[i].name, text) == 0)
      {
        *mode = modes[i].mode;
        return TRUE;
      }
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
               "The URL option \"tls\" is one of: verify-full, verify-ca, require, prefer, disable");
  return FALSE;
}

/**
 * cupel_network_options_parse: (skip)
 * @options: (out caller-allocates): what @url says
 * @url: a URL; it must outlive @options
 * @is_local: whether it names a UNIX socket, where nobody is in between and TLS is off by default
 * @own_names: (nullable) (array zero-terminated=1): the options that only this driver knows; %NULL to look for no others
 * @error: return location for an error
 *
 * Takes the options out of @url that every driver of a server on a network has, and refuses unknown ones. A server on the
 * network has to prove its name unless @url says otherwise, one on the loopback too.
 *
 * Returns: %FALSE with %CUPEL_ERROR_INVALID_URL set when an option is wrong
 *
 * Since: 1.0
 */
gboolean
cupel_network_options_parse (CupelNetworkOptions  *options,
                             CupelUrl             *url,
                             gboolean              is_local,
                             const char *const    *own_names,
                             GError              **error)
{
  const char *mode;

  g_return_val_if_fail (options != NULL, FALSE);
  g_return_val_if_fail (url != NULL, FALSE);

  *options = (CupelNetworkOptions) { .tls = is_local ? CUPEL_TLS_MODE_DISABLE : CUPEL_TLS_MODE_VERIFY_FULL };

  if ((own_names != NULL && !check_names (url, own_names, error)) ||
      !get_one (url, tls_names, &mode, error) ||
      !get_one (url, ca_names, &options->tls_ca, error) ||
      !get_one (url, cert_names, &options->tls_cert, error) ||
      !get_one (url, key_names, &options->tls_key, error) ||
      !get_one (url, crl_names, &options->tls_crl, error) ||
      !cupel_url_get_number (url, "connect_timeout", 1, 86400, &options->connect_timeout, error) ||
      !cupel_url_get_boolean (url, "use_environment", &options->use_environment, error))
    return FALSE;

  return mode == NULL || parse_mode (&options->tls, mode, error);
}

static gboolean
check_file (const char  *name,
            const char  *path,
            GError     **error)
{
  int code = path != NULL && access (path, R_OK) != 0 ? errno : 0;

  if (code == 0 && path != NULL && g_file_test (path, G_FILE_TEST_IS_DIR))
    code = EISDIR;
  if (code == 0)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "The file \"%s\" of the URL option \"%s\" cannot be read: %s", path, name,
               g_strerror (code));
  return FALSE;
}

/**
 * cupel_network_options_check_files: (skip)
 * @options: what cupel_network_options_parse() took out of a URL
 * @error: return location for an error
 *
 * Sees whether the files for TLS can be read that the URL names. A client library may go on without one, and the server then asks for
 * what was never sent. Call it before connecting.
 *
 * Returns: %FALSE with %CUPEL_ERROR_CONNECTION set when one cannot
 *
 * Since: 1.0
 */
gboolean
cupel_network_options_check_files (const CupelNetworkOptions  *options,
                                   GError                    **error)
{
  g_return_val_if_fail (options != NULL, FALSE);

  return options->tls == CUPEL_TLS_MODE_DISABLE ||
         (check_file ("tls-ca", options->tls_ca, error) && check_file ("tls-cert", options->tls_cert, error) &&
          check_file ("tls-key", options->tls_key, error) && check_file ("tls-crl", options->tls_crl, error));
}

/**
 * cupel_url_get_number: (skip)
 * @url: a URL
 * @name: an option
 * @smallest: the smallest number that makes sense
 * @largest: the largest one
 * @number: (inout): set to the number, if the option is given
 * @error: return location for an error
 *
 * Gets an option that is a number.
 *
 * Returns: %FALSE with %CUPEL_ERROR_INVALID_URL set when it is none, or out of range
 *
 * Since: 1.0
 */
gboolean
cupel_url_get_number (const CupelUrl  *url,
                      const char      *name,
                      guint            smallest,
                      guint            largest,
                      guint           *number,
                      GError         **error)
{
  const char *value = cupel_url_get_option (url, name);
  guint64 parsed;

  if (value == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (value, 10, smallest, largest, &parsed, NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "The URL option \"%s\" is a number from %u to %u", name, smallest, largest);
      return FALSE;
    }
  *number = (guint) parsed;
  return TRUE;
}

/**
 * cupel_url_get_boolean: (skip)
 * @url: a URL
 * @name: an option
 * @value: (inout): set to what it says, if the option is given
 * @error: return location for an error
 *
 * Gets an option that is `true` or `false`.
 *
 * Returns: %FALSE with %CUPEL_ERROR_INVALID_URL set when it is neither
 *
 * Since: 1.0
 */
gboolean
cupel_url_get_boolean (const CupelUrl  *url,
                       const char      *name,
                       gboolean        *value,
                       GError         **error)
{
  const char *text = cupel_url_get_option (url, name);

  if (text == NULL)
    return TRUE;
  if (strcmp (text, "true") != 0 && strcmp (text, "false") != 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The URL option \"%s\" is true or false", name);
      return FALSE;
    }
  *value = *text == 't';
  return TRUE;
}
