/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Any bytes as a URL: it is refused, or what it was taken for stays the same when it is written and read again. */

#include <cupel.h>

#include <string.h>

#include "fuzz.h"

#define require(condition) G_STMT_START { if (!(condition)) g_error ("Not so: %s", #condition); } G_STMT_END

static void
check_host (const char *host,
            int         port)
{
  require (port == -1 || (port >= 1 && port <= 65535));
  require (host != NULL && *host != '\0' && strpbrk (host, ";=,@ ") == NULL && strstr (host, "://") == NULL);
}

static void
check_text (const char *text)
{
  require (text == NULL || g_utf8_validate (text, -1, NULL));
  for (; text != NULL && *text != '\0'; text++)
    require ((guchar) *text >= 0x20 && *text != 0x7f);
}

/* The names of options that tell no secret have the same values. */
static void
check_equal (const CupelUrl *a,
             const CupelUrl *b)
{
  const char *const *names = cupel_url_get_option_names (a);

  require (g_strcmp0 (cupel_url_get_dialect (a), cupel_url_get_dialect (b)) == 0);
  require (g_strcmp0 (cupel_url_get_driver (a), cupel_url_get_driver (b)) == 0);
  require (g_strcmp0 (cupel_url_get_user (a), cupel_url_get_user (b)) == 0);
  require (g_strcmp0 (cupel_url_get_database (a), cupel_url_get_database (b)) == 0);
  require (cupel_url_get_n_hosts (a) == cupel_url_get_n_hosts (b));
  require (cupel_url_get_port (a) == cupel_url_get_port (b));
  for (guint i = 0; i < cupel_url_get_n_hosts (a); i++)
    {
      int port_a, port_b;

      require (strcmp (cupel_url_get_nth_host (a, i, &port_a), cupel_url_get_nth_host (b, i, &port_b)) == 0);
      require (port_a == port_b);
      check_host (cupel_url_get_nth_host (a, i, NULL), port_a);
    }
  require (g_strv_equal (names, cupel_url_get_option_names (b)));
  for (; *names != NULL; names++)
    {
      const char *value = cupel_url_get_option (b, *names);

      check_text (value);
      require (strcmp (value, "***") == 0 || strcmp (value, cupel_url_get_option (a, *names)) == 0);
    }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data,
                        size_t         size)
{
  g_autofree char *text = g_strndup ((const char *) data, size);
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelUrl) url = cupel_url_new (text, &error);
  g_autoptr(CupelUrl) again = NULL;
  g_autofree char *written = NULL;
  g_autofree char *rewritten = NULL;

  require ((url == NULL) == (error != NULL));
  if (url == NULL)
    {
      require (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL));
      check_text (error->message);
      return 0;
    }

  check_text (cupel_url_get_user (url));
  check_text (cupel_url_get_password (url));
  check_text (cupel_url_get_database (url));
  written = cupel_url_to_string (url);
  again = cupel_url_new (written, &error);
  if (again == NULL)
    g_error ("\"%s\" was written and is not read: %s", written, error->message);
  check_equal (url, again);
  rewritten = cupel_url_to_string (again);
  require (strcmp (written, rewritten) == 0);
  return 0;
}
