/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-plugin-private.h"

#include <errno.h>
#include <gmodule.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SUFFIX ".so"

typedef const CupelPluginDescriptor *(*DescribeFunc) (void);

/* "libcupel-dialect-" */
static char *
file_prefix (CupelPluginKind kind)
{
  return g_strdup_printf ("libcupel-%s-", cupel_plugin_kind_to_string (kind));
}

static gboolean
environment_counts (void)
{
  return getauxval (AT_SECURE) == 0;
}

static GPtrArray *
search_directories (const char *const *added)
{
  GPtrArray *directories = g_ptr_array_new_with_free_func (g_free);
  const char *variable = environment_counts () ? g_getenv ("CUPEL_PLUGIN_PATH") : NULL;

  for (gsize i = 0; added[i] != NULL; i++)
    g_ptr_array_add (directories, g_strdup (added[i]));

  if (variable != NULL)
    {
      g_auto(GStrv) entries = g_strsplit (variable, G_SEARCHPATH_SEPARATOR_S, -1);

      /* A relative entry would mean another file in every working directory. */
      for (gsize i = 0; entries[i] != NULL; i++)
        if (g_path_is_absolute (entries[i]))
          g_ptr_array_add (directories, g_strdup (entries[i]));
    }

  g_ptr_array_add (directories, g_strdup (CUPEL_PLUGIN_DIR));
  return directories;
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* What the directory has of this kind: read only to tell it in a message. */
static char *
describe_directory (CupelPluginKind  kind,
                    const char      *directory)
{
  g_autofree char *shown = g_filename_display_name (directory);
  g_autofree char *prefix = file_prefix (kind);
  g_autofree char *list = NULL;
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GDir) dir = g_dir_open (directory, 0, NULL);
  const char *file;

  if (dir == NULL)
    return g_strdup_printf ("%s (cannot be read)", shown);

  while ((file = g_dir_read_name (dir)) != NULL)
    {
      gsize length = strlen (file);
      g_autofree char *name = NULL;
      g_autofree char *legal = NULL;

      if (!g_str_has_prefix (file, prefix) || !g_str_has_suffix (file, SUFFIX) ||
          length <= strlen (prefix) + strlen (SUFFIX))
        continue;
      name = g_strndup (file + strlen (prefix), length - strlen (prefix) - strlen (SUFFIX));
      if ((legal = cupel_plugin_normalize_name (kind, name, NULL)))
        g_ptr_array_add (names, g_steal_pointer (&legal));
    }

  if (names->len == 0)
    return g_strdup_printf ("%s (has none)", shown);

  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  list = g_strjoinv (", ", (char **) names->pdata);
  return g_strdup_printf ("%s (has %s)", shown, list);
}

static void
set_not_found (CupelPluginKind   kind,
               const char       *name,
               GPtrArray        *directories,
               const char       *known,
               GError          **error)
{
  const char *kind_name = cupel_plugin_kind_to_string (kind);
  g_autoptr(GString) text = g_string_new (NULL);

  g_string_append_printf (text, "There is no %s \"%s\": no file libcupel-%s-%s" SUFFIX " in ", kind_name, name,
                          kind_name, name);
  for (guint i = 0; i < directories->len; i++)
    {
      g_autofree char *directory = describe_directory (kind, directories->pdata[i]);

      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", directory);
    }
  if (*known != '\0')
    g_string_append_printf (text, "; registered by the program: %s", known);

  g_string_append (text, ". Install the package that brings this file");
  if (environment_counts ())
    g_string_append (text, ", or name its directory in the environment variable CUPEL_PLUGIN_PATH");
  else
    g_string_append (text, " (CUPEL_PLUGIN_PATH is ignored in a program with more rights than its user)");

  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NOT_FOUND, text->str);
}

/* Files of root look like this in a user namespace that does not map root, as in a Flatpak sandbox. */
static gboolean
is_unmapped_owner (const char        *path,
                   const struct stat *st)
{
  static gsize overflow_uid;
  struct statvfs fs;

  if (g_once_init_enter (&overflow_uid))
    {
      g_autofree char *text = NULL;
      guint64 uid = 0;

      if (g_file_get_contents ("/proc/sys/kernel/overflowuid", &text, NULL, NULL))
        uid = g_ascii_strtoull (text, NULL, 10);
      g_once_init_leave (&overflow_uid, uid != 0 ? (gsize) uid : 65534);
    }

  return st->st_uid == (uid_t) overflow_uid && statvfs (path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
}

/* Code that somebody else can change is not run. A directory or file of our own may be writable by its group: that is
 * what a build tree looks like under umask 002. */
static gboolean
check_trust (const char  *path,
             gboolean     directory,
             GError     **error)
{
  const char *reason = NULL;
  struct stat st;

  if (stat (path, &st) != 0)
    {
      int code = errno;
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_LOAD, "Cannot read %s: %s", shown, g_strerror (code));
      return FALSE;
    }

  if (directory ? !S_ISDIR (st.st_mode) : !S_ISREG (st.st_mode))
    reason = directory ? "it is not a directory" : "it is not a regular file";
  else if (st.st_uid != 0 && st.st_uid != geteuid () && !is_unmapped_owner (path, &st))
    reason = "it belongs to another user";
  else if ((st.st_mode & S_IWOTH) != 0)
    reason = "everybody may write to it";
  else if ((st.st_mode & S_IWGRP) != 0 && st.st_uid != geteuid () && st.st_gid != 0)
    reason = "its group may write to it";

  if (reason != NULL)
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_UNTRUSTED,
                   "No plugin is loaded through %s, because %s: it must belong to root or to the user of the program, "
                   "who alone may write to it", shown, reason);
      return FALSE;
    }

  return TRUE;
}

/* The name that the file behind all links has. */
static char *
name_of_file (CupelPluginKind   kind,
              const char       *path,
              GError          **error)
{
  g_autofree char *prefix = file_prefix (kind);
  g_autofree char *file = g_path_get_basename (path);
  g_autofree char *name = NULL;
  g_autofree char *normalized = NULL;

  if (g_str_has_prefix (file, prefix) && g_str_has_suffix (file, SUFFIX) &&
      strlen (file) > strlen (prefix) + strlen (SUFFIX))
    {
      name = g_strndup (file + strlen (prefix), strlen (file) - strlen (prefix) - strlen (SUFFIX));
      normalized = cupel_plugin_normalize_name (kind, name, NULL);
    }

  if (normalized == NULL || strcmp (name, normalized) != 0)
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME,
                   "%s is not named as a %s is: libcupel-%s-NAME" SUFFIX, shown, cupel_plugin_kind_to_string (kind),
                   cupel_plugin_kind_to_string (kind));
      return NULL;
    }

  return g_steal_pointer (&name);
}

static char *
find_file (CupelPluginKind   kind,
           const char       *name,
           GPtrArray        *directories)
{
  g_autofree char *prefix = file_prefix (kind);
  g_autofree char *file = g_strconcat (prefix, name, SUFFIX, NULL);

  for (guint i = 0; i < directories->len; i++)
    {
      g_autofree char *path = g_build_filename (directories->pdata[i], file, NULL);
      struct stat st;

      /* A dangling link is found too: that it is broken is then told. */
      if (lstat (path, &st) == 0)
        return g_steal_pointer (&path);
    }

  return NULL;
}

/* Everything on the way: the directory searched, the one that the file really is in, and the file. */
static char *
resolve (const char  *path,
         GError     **error)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *real_directory = NULL;
  char *resolved = realpath (path, NULL);
  char *result;

  if (resolved == NULL)
    {
      int code = errno;
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_LOAD, "Cannot follow %s: %s", shown, g_strerror (code));
      return NULL;
    }
  result = g_strdup (resolved);
  free (resolved);

  real_directory = g_path_get_dirname (result);
  if (!check_trust (directory, TRUE, error) ||
      (strcmp (directory, real_directory) != 0 && !check_trust (real_directory, TRUE, error)) ||
      !check_trust (result, FALSE, error))
    g_clear_pointer (&result, g_free);

  return result;
}

const CupelPluginDescriptor *
cupel_plugin_open (CupelPluginKind     kind,
                   const char         *name,
                   const char *const  *added,
                   const char         *known,
                   char              **out_path,
                   GError            **error)
{
  g_autoptr(GPtrArray) directories = search_directories (added);
  g_autoptr(GError) local_error = NULL;
  g_autofree char *found = NULL;
  g_autofree char *path = NULL;
  g_autofree char *shown = NULL;
  g_autofree char *file_name = NULL;
  g_autofree char *symbol = NULL;
  const CupelPluginDescriptor *descriptor;
  gpointer describe = NULL;
  GModule *module;

  if (!(found = find_file (kind, name, directories)))
    {
      set_not_found (kind, name, directories, known, error);
      return NULL;
    }

  if (!(path = resolve (found, error)) || !(file_name = name_of_file (kind, path, error)))
    return NULL;
  shown = g_filename_display_name (path);

  /* Not lazily: a symbol that is missing must fail here, not at the first query. */
  if (!(module = g_module_open_full (path, G_MODULE_BIND_LOCAL, &local_error)))
    {
      g_autofree char *reason = g_utf8_make_valid (local_error->message, -1);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_LOAD,
                   "The linker cannot load %s (%s): it is damaged, or a library that it needs is missing or of another version",
                   shown, reason);
      return NULL;
    }
  /* Even if it is refused below: what its constructors left behind may point into it. */
  g_module_make_resident (module);

  symbol = g_strdup_printf ("cupel_plugin_%s_%s_describe", cupel_plugin_kind_to_string (kind), file_name);
  g_strdelimit (symbol, "-", '_');
  if (!g_module_symbol (module, symbol, &describe) || describe == NULL)
    {
      g_autofree char *reason = g_utf8_make_valid (g_module_error () ? g_module_error () : "no text", -1);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_SYMBOL,
                   "%s does not export %s (%s): it is no plugin of Cupel, or CUPEL_PLUGIN_DEFINE has another name than "
                   "the file", shown, symbol, reason);
      return NULL;
    }

  if (!(descriptor = ((DescribeFunc) describe) ()))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TRUNCATED, "%s () in %s gives no descriptor", symbol, shown);
      return NULL;
    }

  if (!cupel_plugin_descriptor_check (descriptor, kind, shown, error))
    return NULL;

  if (strcmp (descriptor->name, file_name) != 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME, "%s says that its name is \"%s\", not \"%s\": the file "
                   "was renamed, or the plugin is wrongly built", shown, descriptor->name, file_name);
      return NULL;
    }

  if (!cupel_plugin_descriptor_has (descriptor, name))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME, "%s, to which the link for \"%s\" leads, does not serve "
                   "this name", shown, name);
      return NULL;
    }

  *out_path = g_steal_pointer (&path);
  return descriptor;
}
