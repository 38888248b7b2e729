/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-options.h"

#include <sqlite3.h>

#define DEFAULT_BUSY_TIMEOUT (5 * G_USEC_PER_SEC)
#define DEFAULT_CACHE_SIZE   128

static const char *const known_options[] = {
  "busy_timeout", "journal_mode", "mode", "statement_cache_size", "synchronous", NULL
};
static const char *const modes[] = { "ro", "rw", "rwc", NULL };
static const char *const journal_modes[] = { "WAL", "DELETE", "TRUNCATE", "PERSIST", "MEMORY", NULL };
static const char *const synchronous_levels[] = { "OFF", "NORMAL", "FULL", "EXTRA", NULL };

static gboolean
parse_choice (const char         *name,
              const char         *value,
              const char *const  *choices,
              const char        **choice,
              GError            **error)
{
  g_autofree char *list = NULL;

  for (guint i = 0; choices[i] != NULL; i++)
    {
      if (g_ascii_strcasecmp (value, choices[i]) == 0)
        {
          *choice = choices[i];
          return TRUE;
        }
    }

  list = g_strjoinv (", ", (char **) choices);
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
               "The option %s of an SQLite URL is one of %s", name, list);
  return FALSE;
}

static gboolean
parse_number (const char  *name,
              const char  *value,
              guint64      max,
              guint64     *number,
              GError     **error)
{
  if (g_ascii_string_to_unsigned (value, 10, 0, max, number, NULL))
    return TRUE;

  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
               "The option %s of an SQLite URL is a number from 0 to %" G_GUINT64_FORMAT, name, max);
  return FALSE;
}

gboolean
cupel_sqlite_url_is_memory (CupelUrl *url)
{
  const char *database = cupel_url_get_database (url);

  return database == NULL || *database == '\0' || strcmp (database, ":memory:") == 0;
}

static gboolean
parse_option (CupelSqliteOptions  *options,
              const char          *name,
              const char          *value,
              const char         **mode,
              GError             **error)
{
  guint64 number;

  if (strcmp (name, "mode") == 0)
    return parse_choice (name, value, modes, mode, error);
  if (strcmp (name, "journal_mode") == 0)
    return parse_choice (name, value, journal_modes, &options->journal_mode, error);
  if (strcmp (name, "synchronous") == 0)
    return parse_choice (name, value, synchronous_levels, &options->synchronous, error);
  if (strcmp (name, "busy_timeout") == 0)
    {
      if (!parse_number (name, value, G_MAXINT, &number, error))
        return FALSE;
      options->busy_timeout = (gint64) number * 1000;
      return TRUE;
    }
  if (strcmp (name, "statement_cache_size") == 0)
    {
      if (!parse_number (name, value, 100000, &number, error))
        return FALSE;
      options->cache_size = (guint) number;
      return TRUE;
    }

  {
    g_autofree char *list = g_strjoinv (", ", (char **) known_options);

    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                 "Unknown option \"%s\" in an SQLite URL; the known ones are %s", name, list);
  }
  return FALSE;
}

gboolean
cupel_sqlite_options_parse (CupelSqliteOptions  *options,
                            CupelUrl            *url,
                            GError             **error)
{
  const char *const *names = cupel_url_get_option_names (url);
  const char *host = cupel_url_get_host (url);
  const char *mode = "rwc";

  *options = (CupelSqliteOptions) { .busy_timeout = DEFAULT_BUSY_TIMEOUT, .cache_size = DEFAULT_CACHE_SIZE };

  if ((host != NULL && *host != '\0') || cupel_url_get_user (url) != NULL || cupel_url_get_port (url) != -1)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL,
                   "An SQLite URL has no host, port or user; a relative path is sqlite:///file, "
                   "an absolute one sqlite:////directory/file, a database in memory sqlite://");
      return FALSE;
    }

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      if (!parse_option (options, names[i], cupel_url_get_option (url, names[i]), &mode, error))
        return FALSE;
    }

  options->open_flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (strcmp (mode, "ro") == 0)
    options->open_flags |= SQLITE_OPEN_READONLY;
  else if (strcmp (mode, "rw") == 0)
    options->open_flags |= SQLITE_OPEN_READWRITE;
  else
    options->open_flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;

  if (!cupel_sqlite_url_is_memory (url))
    {
      const char *database = cupel_url_get_database (url);

      /* A library built with SQLITE_USE_URI would read options out of a name that begins like this. */
      options->path = g_str_has_prefix (database, "file:") || *database == ':' ? g_strconcat ("./", database, NULL)
                                                                             : g_strdup (database);
    }

  return TRUE;
}

void
cupel_sqlite_options_clear (CupelSqliteOptions *options)
{
  g_clear_pointer (&options->path, g_free);
}
