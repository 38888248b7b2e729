/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-url.h"

#include <string.h>

/* Nothing of a URL but its scheme is ever put into a message: what looks like a host or a port may be a piece of a password
 * that was not percent-encoded. Messages give the part and its place instead. */

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define NAME_MAX_LENGTH 32   /* of dialects and drivers, as in the plugin registry */
#define HOST_MAX_LENGTH 255
#define MAX_HOSTS       64

typedef struct
{
  char *host;    /* NULL: none, or what the option `host` says */
  int   port;    /* -1: the dialect's own */
} Place;

struct _CupelUrl
{
  gatomicrefcount   ref_count;
  char             *dialect;
  char             *driver;
  char             *user;
  char             *password;
  Place            *places;      /* at least one */
  guint             n_places;
  char             *database;
  char            **option_names;
  char            **option_values;
};

G_DEFINE_BOXED_TYPE (CupelUrl, cupel_url, cupel_url_ref, cupel_url_unref)

static void
wipe (char *text)
{
  if (text != NULL)
    explicit_bzero (text, strlen (text));
  g_free (text);
}

typedef char Secret;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Secret, wipe)

static gboolean
is_secret_option (const char *name)
{
  static const char *const words[] = { "pass", "pwd", "secret", "key", "token", "credential" };
  g_autofree char *lower = g_ascii_strdown (name, -1);

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (strstr (lower, words[i]) != NULL)
      return TRUE;
  return FALSE;
}

static void
cupel_url_free (CupelUrl *url)
{
  g_free (url->dialect);
  g_free (url->driver);
  g_free (url->user);
  wipe (url->password);
  for (guint i = 0; i < url->n_places; i++)
    g_free (url->places[i].host);
  g_free (url->places);
  g_free (url->database);
  for (gsize i = 0; url->option_names != NULL && url->option_names[i] != NULL; i++)
    {
      wipe (url->option_values[i]);
      g_free (url->option_names[i]);
    }
  g_free (url->option_names);
  g_free (url->option_values);
  g_free (url);
}

static gboolean
is_name (const char *start,
         gsize       length)
{
  if (length < 1 || length > NAME_MAX_LENGTH || !g_ascii_isalpha (start[0]))
    return FALSE;
  for (gsize i = 1; i < length; i++)
    if (!g_ascii_isalnum (start[i]) && start[i] != '_' && start[i] != '-')
      return FALSE;
  return TRUE;
}

/* The text from the first ":" on, which is "://". */
static const char *
parse_scheme (CupelUrl    *url,
              const char  *text,
              GError     **error)
{
  gsize length = strcspn (text, ":/?#@");
  const char *plus = memchr (text, '+', length);
  gsize name_length = plus != NULL ? (gsize) (plus - text) : length;

  if (!g_str_has_prefix (text + length, "://"))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "Invalid database URL: there is no \"://\" after the scheme. "
                   "It is DIALECT://USER:PASSWORD@HOST:PORT/DATABASE?OPTION=VALUE");
      return NULL;
    }
  if (length == 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "Invalid database URL: there is no scheme before \"://\"");
      return NULL;
    }
  if (!is_name (text, name_length) || (plus != NULL && !is_name (plus + 1, length - name_length - 1)))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "Invalid database URL: the scheme must be DIALECT or DIALECT+DRIVER, each a letter and then up to %d "
                   "letters, digits, \"_\" or \"-\"", NAME_MAX_LENGTH - 1);
      return NULL;
    }

  url->dialect = g_ascii_strdown (text, name_length);
  if (plus != NULL)
    url->driver = g_ascii_strdown (plus + 1, length - name_length - 1);
  return text + length;
}

G_GNUC_PRINTF (4, 5)
static gboolean
fail (const CupelUrl  *url,
      gsize            offset,    /* in bytes; told from 1 */
      GError         **error,
      const char      *format,
      ...)
{
  g_autofree char *what = NULL;
  va_list args;

  va_start (args, format);
  what = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "Invalid database URL of scheme %s%s%s, at byte %"
               G_GSIZE_FORMAT ": %s", url->dialect, url->driver != NULL ? "+" : "",
               url->driver != NULL ? url->driver : "", offset + 1, what);
  return FALSE;
}

/* Every byte and every escape; what passes can be decoded without further thought, but for UTF-8. */
static gboolean
check_bytes (const CupelUrl  *url,
             const char      *text,
             gsize            offset,
             GError         **error)
{
  const char *end;

  for (gsize i = offset; text[i] != '\0'; i++)
    {
      guchar c = text[i];

      if (c < 0x20 || c == 0x7f)
        return fail (url, i, error, "a control character");
      if (c == ' ')
        return fail (url, i, error, "a space; it is written %%20");
      if (c == '#')
        return fail (url, i, error, "a \"#\" begins a fragment, which means nothing here; as part of a name or a password it "
                     "is written %%23");
      if (c == '%')
        {
          int high = g_ascii_xdigit_value (text[i + 1]);
          int low = high >= 0 ? g_ascii_xdigit_value (text[i + 2]) : -1;

          if (low < 0)
            return fail (url, i, error, "a \"%%\" without two hexadecimal digits; a percent sign is written %%25");
          if (high < 2 || (high == 7 && low == 15))
            return fail (url, i, error, "an encoded control character");
          i += 2;
        }
    }

  if (!g_utf8_validate (text, -1, &end))
    return fail (url, end - text, error, "this is not UTF-8");
  return TRUE;
}

static gboolean
decode (const CupelUrl  *url,
        const char      *text,
        gsize            length,
        const char      *part,
        gsize            offset,
        char           **decoded,
        GError         **error)
{
  g_autoptr(Secret) result = g_uri_unescape_segment (text, text + length, NULL);

  if (result == NULL || !g_utf8_validate (result, -1, NULL))
    return fail (url, offset, error, "%s is not UTF-8 when decoded", part);
  *decoded = g_steal_pointer (&result);
  return TRUE;
}

static gboolean
is_address (const char *text)
{
  const char *zone = strchr (text, '%');   /* fe80::1%eth0 */
  g_autofree char *address = NULL;

  if (zone == NULL)
    return g_hostname_is_ip_address (text);

  address = g_strndup (text, zone - text);
  return strchr (address, ':') != NULL && g_hostname_is_ip_address (address) &&
         zone[1] != '\0' && zone[1 + strspn (zone + 1, HOST_CHARACTERS)] == '\0';
}

/* A name, an address or an absolute path, and nothing that a client library would take for more: for some of them a host is a
 * little language with options in it, or a list. */
static gboolean
check_host (const CupelUrl  *url,
            gsize            offset,
            char           **host,
            GError         **error)
{
  const char *text = *host;

  if (strpbrk (text, ";=,@ ") != NULL || strstr (text, "://") != NULL)
    return fail (url, offset, error, "a host must not have \";\", \"=\", \",\", \"@\", \"://\" or a space in it");
  if (text[0] == '/' || is_address (text))
    return TRUE;
  if (strchr (text, ':') != NULL)
    return fail (url, offset, error, "the host is no valid address");
  if (g_hostname_is_non_ascii (text))
    {
      char *ascii = g_hostname_to_ascii (text);

      if (ascii == NULL)
        return fail (url, offset, error, "the host is no valid name");
      g_free (*host);
      *host = ascii;
      text = ascii;
    }

  if (strlen (text) > HOST_MAX_LENGTH || text[0] == '-' || text[0] == '.' || strstr (text, "..") != NULL ||
      text[strspn (text, HOST_CHARACTERS)] != '\0')
    return fail (url, offset, error, "the host is neither a name, nor an address, nor an absolute path");
  return TRUE;
}

static gboolean
parse_port (const CupelUrl  *url,
            const char      *text,
            gsize            offset,
            int             *port,
            GError         **error)
{
  guint64 number;

  if (!g_ascii_string_to_unsigned (text, 10, 1, 65535, &number, NULL))
    return fail (url, offset, error, "the port is not a number from 1 to 65535");
  *port = (int) number;
  return TRUE;
}

/* The options `host` and `port` are for what cannot stand in an authority well, a path above all. The port is that of every host
 * of a list that has none of its own. */
static gboolean
take_option (CupelUrl    *url,
             const char  *name,
             const char  *value,
             gsize        offset,
             gboolean    *taken,
             GError     **error)
{
  Place *first = &url->places[0];

  *taken = TRUE;

  if (strcmp (name, "host") == 0)
    {
      g_autofree char *host = g_strdup (value);

      if (*host == '\0')
        return fail (url, offset, error, "the option \"host\" is empty");
      if (!check_host (url, offset, &host, error))
        return FALSE;
      if (url->n_places > 1 || (first->host != NULL && strcmp (first->host, host) != 0))
        return fail (url, offset, error, "the option \"host\" contradicts the host before the path");
      g_free (first->host);
      first->host = g_steal_pointer (&host);
    }
  else if (strcmp (name, "port") == 0)
    {
      int port = -1;

      if (!parse_port (url, value, offset, &port, error))
        return FALSE;
      if (url->n_places == 1 && first->port != -1 && first->port != port)
        return fail (url, offset, error, "the option \"port\" contradicts the port before the path");
      for (guint i = 0; i < url->n_places; i++)
        if (url->places[i].port == -1)
          url->places[i].port = port;
    }
  else
    *taken = FALSE;

  return TRUE;
}

static gboolean
is_option_name (const char *name)
{
  if (!g_ascii_isalpha (name[0]) && name[0] != '_')
    return FALSE;
  for (gsize i = 1; name[i] != '\0'; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("_-.", name[i]) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
parse_options (CupelUrl    *url,
               const char  *query,
               gsize        offset,
               GError     **error)
{
  g_autoptr(GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) wipe);
  const char *p = query;

  while (p != NULL && *query != '\0')
    {
      gsize at = offset + (p - query);
      gsize length = strcspn (p, "&");
      const char *equals = memchr (p, '=', length);
      g_autofree char *name = NULL;
      g_autoptr(Secret) value = NULL;
      gboolean taken;

      if (equals == NULL)
        return fail (url, at, error, "an option without \"=\"");
      if (!decode (url, p, equals - p, "the name of an option", at, &name, error) ||
          !decode (url, equals + 1, length - (equals - p) - 1, "the value of an option", at + (equals - p) + 1, &value, error))
        return FALSE;
      if (!is_option_name (name))
        return fail (url, at, error, "the name of an option must be of letters, digits, \"_\", \"-\" and \".\"");
      if (!g_hash_table_add (seen, g_strdup (name)))
        return fail (url, at, error, "this option is given twice");
      if (!take_option (url, name, value, at, &taken, error))
        return FALSE;
      if (!taken)
        {
          g_ptr_array_add (names, g_steal_pointer (&name));
          g_ptr_array_add (values, g_steal_pointer (&value));
        }

      p = p[length] == '&' ? p + length + 1 : NULL;
    }

  g_ptr_array_add (names, NULL);
  g_ptr_array_add (values, NULL);
  url->option_names = (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
  url->option_values = (char **) g_ptr_array_free (g_steal_pointer (&values), FALSE);
  return TRUE;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static gboolean
parse_place (CupelUrl    *url,
             const char  *start,
             gsize        length,
             gsize        offset,
             Place       *place,
             GError     **error)
{
  g_autofree char *text = g_strdup_printf ("//%.*s", (int) length, start);
  g_autofree char *host = NULL;
  g_autoptr(GError) local_error = NULL;

  if (!g_uri_split_with_user (text, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_NON_DNS | G_URI_FLAGS_ENCODED, NULL,
                              NULL, NULL, NULL, &host, &place->port, NULL, NULL, NULL, &local_error))
    {
      if (g_error_matches (local_error, G_URI_ERROR, G_URI_ERROR_BAD_PORT))
        return fail (url, offset, error, "the port is not a number from 1 to 65535 (an IPv6 address stands in "
                     "brackets, and \":\", \"/\" and \"?\" in a password are written %%3A, %%2F and %%3F)");
      return fail (url, offset, error, "the host is not valid");
    }
  if (place->port == 0)
    return fail (url, offset, error, "the port is not a number from 1 to 65535");
  if (host == NULL || *host == '\0')
    return TRUE;

  /* GUri decodes what is in brackets, and only that. */
  if (*start == '[')
    place->host = g_steal_pointer (&host);
  else if (!decode (url, host, strlen (host), "the host", offset, &place->host, error))
    return FALSE;
  return check_host (url, offset, &place->host, error);
}

/* One host, or several with a "," between them, or nothing. */
static gboolean
parse_places (CupelUrl    *url,
              const char  *start,
              gsize        length,
              gsize        offset,
              GError     **error)
{
  const char *end = start + length;
  guint n = 1;

  for (const char *p = start; p < end; p++)
    n += *p == ',';
  if (n > MAX_HOSTS)
    return fail (url, offset, error, "there are more than %d hosts", MAX_HOSTS);

  url->n_places = n;
  url->places = g_new0 (Place, n);
  for (guint i = 0; i < n; i++)
    {
      Place *place = &url->places[i];
      const char *comma = memchr (start, ',', end - start);
      gsize part = (comma != NULL ? comma : end) - start;

      place->port = -1;
      if (!parse_place (url, start, part, offset, place, error))
        return FALSE;
      if (n > 1 && place->host == NULL)
        return fail (url, offset, error, "a host of the list is empty");
      if (n > 1 && place->host[0] == '/')
        return fail (url, offset, error, "a list of hosts has no paths in it");
      start += part + 1;
      offset += part + 1;
    }
  return TRUE;
}

static gboolean
parse_rest (CupelUrl    *url,
            const char  *text,
            const char  *rest,    /* from "//" on */
            GError     **error)
{
  const char *authority = rest + 2;
  gsize authority_length = strcspn (authority, "/?");
  const char *path_start = authority + authority_length;
  const char *at = memchr (authority, '@', authority_length);
  const char *host_start = at != NULL ? at + 1 : authority;
  gsize host_length = path_start - host_start;
  const char *query_start = strchr (path_start, '?');
  g_autoptr(Secret) without_hosts = NULL;
  g_autofree char *user = NULL;
  g_autoptr(Secret) password = NULL;
  g_autofree char *path = NULL;
  g_autoptr(Secret) query = NULL;

  if (at != NULL && memchr (host_start, '@', host_length) != NULL)
    return fail (url, authority - text, error, "an \"@\" in the user or the password is written %%40");
  /* user:pass/word@host: half a password would become a port and the rest a database. */
  if (at == NULL && authority_length > 0 && memchr (path_start, '@', strcspn (path_start, "?")) != NULL)
    return fail (url, path_start - text, error, "an \"@\" after the host; a \"/\" in the user or the password is written %%2F, "
                 "and an \"@\" in the database %%40");

  /* scheme://other://x would be the host "other" with an empty port. */
  if (host_length > 0 && host_start[host_length - 1] == ':' && g_str_has_prefix (path_start, "//"))
    return fail (url, host_start - text, error, "the host contains \"://\"");

  if (!parse_places (url, host_start, host_length, host_start - text, error))
    return FALSE;

  without_hosts = g_strdup_printf ("%.*s%s", (int) (host_start - rest), rest, path_start);
  if (!g_uri_split_with_user (without_hosts, G_URI_FLAGS_HAS_PASSWORD | G_URI_FLAGS_NON_DNS | G_URI_FLAGS_ENCODED, NULL,
                              &user, &password, NULL, NULL, NULL, &path, &query, NULL, NULL))
    return fail (url, authority - text, error, "this cannot be taken apart");

  if (user != NULL && *user != '\0' &&
      !decode (url, user, strlen (user), "the user", authority - text, &url->user, error))
    return FALSE;
  if (password != NULL &&
      !decode (url, password, strlen (password), "the password", authority - text, &url->password, error))
    return FALSE;
  if (path != NULL && path[0] == '/' && path[1] != '\0' &&
      !decode (url, path + 1, strlen (path + 1), "the database", path_start - text, &url->database, error))
    return FALSE;

  return parse_options (url, query != NULL ? query : "", query_start != NULL ? query_start + 1 - text : 0, error);
}

/**
 * cupel_url_new:
 * @url: `dialect[+driver]://user:password@host:port/database?option=value`
 * @error: return location for an error
 *
 * Parses the URL of a database. Only the dialect and the `://` must be there. In every part, a character that means
 * something to a URL is percent-encoded.
 *
 * The host may be an absolute path, that of a UNIX socket or of the directory it is in: `%2Frun%2Fdb` as the host, or the
 * option `host=/run/db` when there is no host before the path. The options `host` and `port` are not among the
 * options that cupel_url_get_option() knows.
 *
 * There may be several hosts, each with its own port: `postgresql://me@db1:5432,db2,db3:5433/shop`. The options `target` and
 * `load_balance_hosts` say which of them a connection goes to.
 *
 * No error message holds any part of the URL but its scheme.
 *
 * Returns: (transfer full): the URL, or %NULL with %CUPEL_ERROR_INVALID_URL set
 *
 * Since: 1.0
 */
CupelUrl *
cupel_url_new (const char  *url,
               GError     **error)
{
  g_autoptr(CupelUrl) self = NULL;
  const char *rest;

  g_return_val_if_fail (url != NULL, NULL);
  g_return_val_if_fail (error == NULL || *error == NULL, NULL);

  self = g_new0 (CupelUrl, 1);
  g_atomic_ref_count_init (&self->ref_count);
  if (!(rest = parse_scheme (self, url, error)) ||
      !check_bytes (self, url, rest - url, error) ||
      !parse_rest (self, url, rest + 1, error))
    return NULL;

  return g_steal_pointer (&self);
}

/**
 * cupel_url_ref:
 * @url: a URL
 *
 * Takes a reference. May be called from any thread.
 *
 * Returns: (transfer full): @url
 *
 * Since: 1.0
 */
CupelUrl *
cupel_url_ref (CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  g_atomic_ref_count_inc (&url->ref_count);
  return url;
}

/**
 * cupel_url_unref:
 * @url: (transfer full): a URL
 *
 * Gives up a reference. With the last one the memory that held the password is overwritten. May be called from any thread.
 *
 * Since: 1.0
 */
void
cupel_url_unref (CupelUrl *url)
{
  g_return_if_fail (url != NULL);

  if (g_atomic_ref_count_dec (&url->ref_count))
    cupel_url_free (url);
}

/**
 * cupel_url_get_dialect:
 * @url: a URL
 *
 * Gets the name of the dialect, what stands before `+` or `://`.
 *
 * Returns: the name, in lower case: "postgresql"
 *
 * Since: 1.0
 */
const char *
cupel_url_get_dialect (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return url->dialect;
}

/**
 * cupel_url_get_driver:
 * @url: a URL
 *
 * Gets the name of the driver, what stands between `+` and `://`.
 *
 * Returns: (nullable): the name, in lower case, or %NULL for the dialect's own driver
 *
 * Since: 1.0
 */
const char *
cupel_url_get_driver (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return url->driver;
}

/**
 * cupel_url_get_user:
 * @url: a URL
 *
 * Gets the name to log in with, decoded.
 *
 * Returns: (nullable): the user
 *
 * Since: 1.0
 */
const char *
cupel_url_get_user (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return url->user;
}

/**
 * cupel_url_get_password: (skip)
 * @url: a URL
 *
 * Gets the password, decoded: for drivers, which must not copy it to where it is kept.
 *
 * Returns: (nullable): the password; an empty one is not the same as none
 *
 * Since: 1.0
 */
const char *
cupel_url_get_password (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return url->password;
}

/**
 * cupel_url_get_host:
 * @url: a URL
 *
 * Gets the host, decoded: a name (in its ASCII form), an address without brackets, or the absolute path of a socket or of its
 * directory. It is made sure that nothing else is in it. Of a list it is the first.
 *
 * Returns: (nullable): the host
 *
 * Since: 1.0
 */
const char *
cupel_url_get_host (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return url->places[0].host;
}

/**
 * cupel_url_get_port:
 * @url: a URL
 *
 * Gets the port of the (first) host.
 *
 * Returns: 1 to 65535, or -1 for the dialect's own
 *
 * Since: 1.0
 */
int
cupel_url_get_port (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, -1);

  return url->places[0].port;
}

/**
 * cupel_url_get_n_hosts:
 * @url: a URL
 *
 * Counts the hosts.
 *
 * Returns: how many there are; 0 without any
 *
 * Since: 1.0
 */
guint
cupel_url_get_n_hosts (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, 0);

  return url->places[0].host != NULL ? url->n_places : 0;
}

/**
 * cupel_url_get_nth_host:
 * @url: a URL
 * @nth: which one, from 0
 * @port: (out) (optional): its port, or -1 for the dialect's own
 *
 * Gets one of the hosts, in the order of the URL.
 *
 * Returns: the host
 *
 * Since: 1.0
 */
const char *
cupel_url_get_nth_host (const CupelUrl *url,
                        guint           nth,
                        int            *port)
{
  g_return_val_if_fail (url != NULL, NULL);
  g_return_val_if_fail (nth < cupel_url_get_n_hosts (url), NULL);

  if (port != NULL)
    *port = url->places[nth].port;
  return url->places[nth].host;
}

/**
 * cupel_url_get_database:
 * @url: a URL
 *
 * Gets the database, decoded: what stands behind the first `/` of the path. In `sqlite:///data.db` it is "data.db", in
 * `sqlite:////var/data.db` it is "/var/data.db".
 *
 * Returns: (nullable): the database
 *
 * Since: 1.0
 */
const char *
cupel_url_get_database (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return url->database;
}

/**
 * cupel_url_get_option:
 * @url: a URL
 * @name: an option; case matters
 *
 * Gets the value of an option, decoded. A `+` stands for itself.
 *
 * Returns: (nullable): the value, or %NULL if the option was not given
 *
 * Since: 1.0
 */
const char *
cupel_url_get_option (const CupelUrl *url,
                      const char     *name)
{
  g_return_val_if_fail (url != NULL, NULL);
  g_return_val_if_fail (name != NULL, NULL);

  for (gsize i = 0; url->option_names[i] != NULL; i++)
    if (strcmp (url->option_names[i], name) == 0)
      return url->option_values[i];
  return NULL;
}

/**
 * cupel_url_get_option_names:
 * @url: a URL
 *
 * Gets the names of the options that were given, in their order.
 *
 * Returns: (transfer none) (array zero-terminated=1): the names
 *
 * Since: 1.0
 */
const char *const *
cupel_url_get_option_names (const CupelUrl *url)
{
  g_return_val_if_fail (url != NULL, NULL);

  return (const char *const *) url->option_names;
}

/**
 * cupel_url_to_string:
 * @url: a URL
 *
 * Writes the URL for people and logs, with `***` for the password and for the value of each option whose name sounds like that
 * of a secret. Without secrets, cupel_url_new() makes an equal URL of it.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
cupel_url_to_string (const CupelUrl *url)
{
  GString *text;

  g_return_val_if_fail (url != NULL, NULL);

  text = g_string_new (url->dialect);
  if (url->driver != NULL)
    g_string_append_printf (text, "+%s", url->driver);
  g_string_append (text, "://");

  if (url->user != NULL)
    g_string_append_uri_escaped (text, url->user, NULL, FALSE);
  if (url->password != NULL)
    g_string_append (text, ":***");
  if (url->user != NULL || url->password != NULL)
    g_string_append_c (text, '@');
  for (guint i = 0; i < url->n_places; i++)
    {
      const Place *place = &url->places[i];

      if (i > 0)
        g_string_append_c (text, ',');
      if (place->host != NULL && place->host[0] != '/' && strchr (place->host, ':') != NULL)
        {
          g_string_append_c (text, '[');
          g_string_append_uri_escaped (text, place->host, ":", FALSE);
          g_string_append_c (text, ']');
        }
      else if (place->host != NULL)
        g_string_append_uri_escaped (text, place->host, NULL, FALSE);
      if (place->port != -1)
        g_string_append_printf (text, ":%d", place->port);
    }

  if (url->database != NULL)
    {
      g_string_append_c (text, '/');
      g_string_append_uri_escaped (text, url->database, "/:", FALSE);
    }

  for (gsize i = 0; url->option_names[i] != NULL; i++)
    {
      g_string_append_c (text, i == 0 ? '?' : '&');
      g_string_append (text, url->option_names[i]);
      g_string_append_c (text, '=');
      if (is_secret_option (url->option_names[i]))
        g_string_append (text, "***");
      else
        g_string_append_uri_escaped (text, url->option_values[i], "/:,", FALSE);
    }

  return g_string_free (text, FALSE);
}
