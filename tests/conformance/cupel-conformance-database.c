/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-conformance-private.h"

#include <glib/gstdio.h>
#include <unistd.h>

typedef struct
{
  const char *url;
  const char *sql;
} Command;

static gboolean
execute (CupelConnection  *connection,
         gpointer          sql,
         GCancellable     *cancellable,
         GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, cancellable, error);

  return result != NULL;
}

static gboolean
run_command (gpointer       data,
             GCancellable  *cancellable,
             GError       **error)
{
  Command *command = data;
  g_autoptr(CupelEngine) engine = cupel_engine_new (command->url, error);
  gboolean done;

  if (engine == NULL)
    return FALSE;
  done = cupel_engine_begin (engine, execute, (gpointer) command->sql, cancellable, error);
  cupel_engine_dispose (engine, NULL, NULL);
  return done;
}

static gboolean
command (const char  *url,
         const char  *sql,
         GError     **error)
{
  Command c = { url, sql };

  return cupel_run (run_command, &c, NULL, error);
}

/* @url with another path, or with an option more */
static char *
replace_path (const char *url,
              const char *path)
{
  const char *authority = strstr (url, "://") + 3;
  gsize end = strcspn (authority, "/?");
  const char *rest = strchr (authority, '?');

  return g_strdup_printf ("%.*s/%s%s", (int) (authority + end - url), url, path, rest != NULL ? rest : "");
}

static char *
add_option (const char *url,
            const char *option)
{
  return g_strdup_printf ("%s%c%s", url, strchr (url, '?') != NULL ? '&' : '?', option);
}

CupelConformanceDatabase *
cupel_conformance_database_new (const char  *url,
                                GError     **error)
{
  g_autoptr(CupelConformanceDatabase) self = g_new0 (CupelConformanceDatabase, 1);
  g_autoptr(CupelUrl) parsed = cupel_url_new (url, error);
  static guint n;
  g_autofree char *name = NULL;
  const char *dialect;

  if (parsed == NULL)
    return NULL;
  dialect = cupel_url_get_dialect (parsed);
  name = g_strdup_printf ("cupel_%d_%u", (int) getpid (), ++n);
  self->base_url = g_strdup (url);

  if (g_str_equal (dialect, "sqlite"))
    {
      const char *file = cupel_url_get_database (parsed);

      if (file == NULL || *file == '\0' || g_str_equal (file, ":memory:"))
        self->url = g_strdup (url);
      else
        {
          g_autofree char *folder = g_path_get_dirname (file);
          g_autofree char *base = g_strconcat (name, ".db", NULL);
          g_autofree char *escaped = NULL;

          self->path = g_build_filename (folder, base, NULL);
          escaped = g_uri_escape_string (self->path, "/", TRUE);
          self->url = replace_path (url, escaped);
        }
    }
  else if (g_str_equal (dialect, "postgresql") || g_str_equal (dialect, "postgres"))
    {
      g_autofree char *create = g_strdup_printf ("CREATE SCHEMA %s", name);
      g_autofree char *option = g_strdup_printf ("search_path=%s", name);

      if (!command (url, create, error))
        return NULL;
      self->undo = g_strdup_printf ("DROP SCHEMA %s CASCADE", name);
      self->url = add_option (url, option);
    }
  else if (g_str_equal (dialect, "mysql") || g_str_equal (dialect, "mariadb"))
    {
      g_autofree char *create = g_strdup_printf ("CREATE DATABASE %s CHARACTER SET utf8mb4", name);

      if (!command (url, create, error))
        return NULL;
      self->undo = g_strdup_printf ("DROP DATABASE %s", name);
      self->url = replace_path (url, name);
    }
  else
    self->url = g_strdup (url);
  return g_steal_pointer (&self);
}

gboolean
cupel_conformance_database_drop (CupelConformanceDatabase  *self,
                                 GError                   **error)
{
  static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

  if (self->path != NULL)
    for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
      {
        g_autofree char *path = g_strconcat (self->path, suffixes[i], NULL);

        g_unlink (path);
      }
  return self->undo == NULL || command (self->base_url, self->undo, error);
}

void
cupel_conformance_database_free (CupelConformanceDatabase *self)
{
  g_free (self->url);
  g_free (self->base_url);
  g_free (self->undo);
  g_free (self->path);
  g_free (self);
}
