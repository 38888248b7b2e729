/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-plugin-private.h"

#include <string.h>

/* Nothing here holds the lock while it runs a module's code: two threads that ask for the same name may both open the
 * file, which the linker turns into one, and the first answer is the one that stays. */

typedef struct
{
  GType        (*get_type) (void);   /* NULL when the type itself was registered */
  GType          type;
  char          *origin;
} Entry;

static GMutex lock;
static GHashTable *registered;      /* "dialect/sqlite" -> Entry */
static GHashTable *loaded;          /* the same, from files */
static GPtrArray *search_paths;

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->origin);
  g_free (entry);
}

static GHashTable *
ensure_table (GHashTable **table)
{
  if (*table == NULL)
    *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, entry_free);
  return *table;
}

static char *
make_key (CupelPluginKind  kind,
          const char      *name)
{
  return g_strconcat (cupel_plugin_kind_to_string (kind), "/", name, NULL);
}

const char *
cupel_plugin_kind_to_string (CupelPluginKind kind)
{
  static const char *const names[] = { "dialect", "driver", "pool", "loader" };

  return (guint) kind < G_N_ELEMENTS (names) ? names[kind] : NULL;
}

char *
cupel_plugin_normalize_name (CupelPluginKind   kind,
                             const char       *name,
                             GError          **error)
{
  gsize length = strlen (name);
  gboolean good = length >= 1 && length <= CUPEL_PLUGIN_NAME_MAX;

  for (gsize i = 0; good && i < length; i++)
    good = g_ascii_isalnum (name[i]) || name[i] == '_' || name[i] == '-';

  if (!good)
    {
      g_autofree char *start = g_strndup (name, CUPEL_PLUGIN_NAME_MAX);
      g_autofree char *shown = g_strescape (start, NULL);

      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME,
                   "\"%s%s\" cannot be the name of a %s: a name has 1 to %d letters, digits, \"_\" or \"-\"",
                   shown, length > CUPEL_PLUGIN_NAME_MAX ? "..." : "", cupel_plugin_kind_to_string (kind),
                   CUPEL_PLUGIN_NAME_MAX);
      return NULL;
    }

  return g_ascii_strdown (name, length);
}

gboolean
cupel_plugin_descriptor_has (const CupelPluginDescriptor *descriptor,
                             const char                  *name)
{
  return g_strcmp0 (descriptor->name, name) == 0 ||
         (descriptor->other_names != NULL && g_strv_contains (descriptor->other_names, name));
}

gboolean
cupel_plugin_descriptor_check (const CupelPluginDescriptor  *descriptor,
                               CupelPluginKind               kind,
                               const char                   *origin,
                               GError                      **error)
{
  /* The size comes first in every version: nothing behind it is read before it is known to be there. */
  if (descriptor->size < sizeof (CupelPluginDescriptor))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TRUNCATED,
                   "The descriptor in %s has %u bytes where plugin ABI %d.%d of Cupel %s has %" G_GSIZE_FORMAT
                   ": rebuild the plugin with the headers of this version",
                   origin, descriptor->size, CUPEL_PLUGIN_ABI_MAJOR, CUPEL_PLUGIN_ABI_MINOR, CUPEL_VERSION_STRING,
                   sizeof (CupelPluginDescriptor));
      return FALSE;
    }

  if (descriptor->abi_major != CUPEL_PLUGIN_ABI_MAJOR)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_ABI,
                   "%s was built for plugin ABI %u.%u, and Cupel %s has %d.%d: install the plugin's build for this version",
                   origin, descriptor->abi_major, descriptor->abi_minor, CUPEL_VERSION_STRING,
                   CUPEL_PLUGIN_ABI_MAJOR, CUPEL_PLUGIN_ABI_MINOR);
      return FALSE;
    }

  if (descriptor->abi_minor > CUPEL_PLUGIN_ABI_MINOR)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TOO_NEW,
                   "%s was built for plugin ABI %u.%u, and Cupel %s has only %d.%d: update Cupel, or install an older "
                   "build of the plugin",
                   origin, descriptor->abi_major, descriptor->abi_minor, CUPEL_VERSION_STRING,
                   CUPEL_PLUGIN_ABI_MAJOR, CUPEL_PLUGIN_ABI_MINOR);
      return FALSE;
    }

  if (descriptor->name == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME, "The descriptor in %s has no name", origin);
      return FALSE;
    }

  if (descriptor->kind != kind)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TYPE, "The descriptor in %s is not that of a %s", origin,
                   cupel_plugin_kind_to_string (kind));
      return FALSE;
    }

  if (descriptor->get_type == NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TYPE, "The descriptor in %s gives no type", origin);
      return FALSE;
    }

  return TRUE;
}

/* Takes @keys; all of them or none. */
static gboolean
register_names (GPtrArray    *keys,
                const Entry  *entry,
                GError      **error)
{
  GHashTable *table;
  gboolean good = TRUE;

  g_mutex_lock (&lock);
  table = ensure_table (&registered);

  for (guint i = 0; good && i < keys->len; i++)
    {
      const Entry *old = g_hash_table_lookup (table, keys->pdata[i]);

      if (old != NULL && (old->get_type != entry->get_type || (entry->get_type == NULL && old->type != entry->type)))
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NAME, "%s is already registered, for another type",
                       (const char *) keys->pdata[i]);
          good = FALSE;
        }
    }

  for (guint i = 0; good && i < keys->len; i++)
    {
      Entry *copy;

      if (g_hash_table_contains (table, keys->pdata[i]))
        continue;
      copy = g_new0 (Entry, 1);
      copy->get_type = entry->get_type;
      copy->type = entry->type;
      copy->origin = g_strdup (entry->origin);
      g_hash_table_insert (table, g_strdup (keys->pdata[i]), copy);
    }
  g_mutex_unlock (&lock);

  return good;
}

/**
 * cupel_plugin_register: (skip)
 * @descriptor: what a module would export; it must stay valid for the rest of the process
 * @error: return location for an error
 *
 * Registers a plugin of this process under its name and its other names, so that no file is looked for: for static
 * builds and tests. What is registered comes before any file, from then on. Registering the same again does nothing.
 *
 * May be called from any thread.
 *
 * Returns: %TRUE, or %FALSE with one of the `CUPEL_ERROR_PLUGIN_` codes: the descriptor is short, for another version,
 *   wrongly named, or a name is taken by another type
 *
 * Since: 1.0
 */
gboolean
cupel_plugin_register (const CupelPluginDescriptor  *descriptor,
                       GError                      **error)
{
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  Entry entry = { NULL, };
  char *name;

  g_return_val_if_fail (descriptor != NULL, FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (descriptor->size >= sizeof (CupelPluginDescriptor))
    g_return_val_if_fail (cupel_plugin_kind_to_string (descriptor->kind) != NULL, FALSE);

  if (!cupel_plugin_descriptor_check (descriptor, descriptor->kind, "the program itself", error))
    return FALSE;

  if (!(name = cupel_plugin_normalize_name (descriptor->kind, descriptor->name, error)))
    return FALSE;
  g_ptr_array_add (keys, make_key (descriptor->kind, name));
  g_free (name);

  for (gsize i = 0; descriptor->other_names != NULL && descriptor->other_names[i] != NULL; i++)
    {
      if (!(name = cupel_plugin_normalize_name (descriptor->kind, descriptor->other_names[i], error)))
        return FALSE;
      g_ptr_array_add (keys, make_key (descriptor->kind, name));
      g_free (name);
    }

  entry.get_type = descriptor->get_type;
  entry.origin = (char *) "the program itself";
  return register_names (keys, &entry, error);
}

/**
 * cupel_plugin_register_type:
 * @kind: what it is
 * @name: 1 to 32 letters, digits, `_` or `-`; case does not matter
 * @type: a class derived from that of the kind, not abstract
 * @error: return location for an error
 *
 * Registers a class of this process under a name, so that no file is looked for: this is how a script provides a plugin.
 * What is registered comes before any file, from then on. Registering the same again does nothing.
 *
 * Whether @type derives from what @kind needs is checked when it is asked for.
 *
 * May be called from any thread.
 *
 * Returns: %TRUE, or %FALSE with %CUPEL_ERROR_PLUGIN_NAME: not a legal name, or taken by another type
 *
 * Since: 1.0
 */
gboolean
cupel_plugin_register_type (CupelPluginKind   kind,
                            const char       *name,
                            GType             type,
                            GError          **error)
{
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *normalized = NULL;
  Entry entry = { NULL, };

  g_return_val_if_fail (cupel_plugin_kind_to_string (kind) != NULL, FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (G_TYPE_IS_OBJECT (type), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  if (!(normalized = cupel_plugin_normalize_name (kind, name, error)))
    return FALSE;

  g_ptr_array_add (keys, make_key (kind, normalized));
  entry.type = type;
  entry.origin = (char *) "the program itself";
  return register_names (keys, &entry, error);
}

/**
 * cupel_plugin_add_search_path:
 * @directory: (type filename): an absolute path
 *
 * Adds a directory in which modules are looked for: after those added before, and before those of `CUPEL_PLUGIN_PATH`
 * and the one of the installation. What was found before stays.
 *
 * May be called from any thread.
 *
 * Since: 1.0
 */
void
cupel_plugin_add_search_path (const char *directory)
{
  g_return_if_fail (directory != NULL && g_path_is_absolute (directory));

  g_mutex_lock (&lock);
  if (search_paths == NULL)
    search_paths = g_ptr_array_new_with_free_func (g_free);
  if (!g_ptr_array_find_with_equal_func (search_paths, directory, g_str_equal, NULL))
    g_ptr_array_add (search_paths, g_strdup (directory));
  g_mutex_unlock (&lock);
}

static gboolean
check_type (CupelPluginKind   kind,
            const char       *name,
            const char       *origin,
            GType             type,
            GType             base_type,
            GError          **error)
{
  if (type == G_TYPE_INVALID || type == G_TYPE_NONE || !g_type_is_a (type, base_type))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TYPE,
                   "The type %s, which %s gives for the %s \"%s\", does not derive from %s",
                   type == G_TYPE_INVALID ? "(none)" : g_type_name (type), origin, cupel_plugin_kind_to_string (kind),
                   name, g_type_name (base_type));
      return FALSE;
    }

  if (G_TYPE_IS_ABSTRACT (type))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_TYPE,
                   "The type %s, which %s gives for the %s \"%s\", is abstract", g_type_name (type), origin,
                   cupel_plugin_kind_to_string (kind), name);
      return FALSE;
    }

  return TRUE;
}

static int
compare_names (gconstpointer a,
               gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* With the lock held: the names of @kind that the program registered. */
static char *
list_registered (CupelPluginKind kind)
{
  g_autofree char *prefix = make_key (kind, "");
  g_autoptr(GPtrArray) names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer key;

  if (registered == NULL)
    return g_strdup ("");

  g_hash_table_iter_init (&iter, registered);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    if (g_str_has_prefix (key, prefix))
      g_ptr_array_add (names, (char *) key + strlen (prefix));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);

  return g_strjoinv (", ", (char **) names->pdata);
}

/**
 * cupel_plugin_find:
 * @kind: what is looked for
 * @name: its name; case does not matter
 * @base_type: what its type must derive from
 * @error: return location for an error
 *
 * Finds the type that serves a name: one registered in this process, or that of the one file that the name decides,
 * `libcupel-KIND-NAME.so`. It is looked for in the directories given to cupel_plugin_add_search_path(), then in those
 * of the environment variable `CUPEL_PLUGIN_PATH` (absolute paths with colons between; ignored in a program that runs
 * with more rights than its user), then in the directory of the installation. The first that has the file decides;
 * it is opened once and never unloaded.
 *
 * May be called from any thread.
 *
 * Returns: the type, or %G_TYPE_INVALID with an error set: %CUPEL_ERROR_PLUGIN_NAME, %CUPEL_ERROR_PLUGIN_NOT_FOUND,
 *   %CUPEL_ERROR_PLUGIN_UNTRUSTED, %CUPEL_ERROR_PLUGIN_LOAD, %CUPEL_ERROR_PLUGIN_SYMBOL,
 *   %CUPEL_ERROR_PLUGIN_TRUNCATED, %CUPEL_ERROR_PLUGIN_ABI, %CUPEL_ERROR_PLUGIN_TOO_NEW or %CUPEL_ERROR_PLUGIN_TYPE
 *
 * Since: 1.0
 */
GType
cupel_plugin_find (CupelPluginKind   kind,
                   const char       *name,
                   GType             base_type,
                   GError          **error)
{
  g_autoptr(GPtrArray) directories = NULL;
  g_autofree char *normalized = NULL;
  g_autofree char *key = NULL;
  g_autofree char *known = NULL;
  g_autofree char *origin = NULL;
  const CupelPluginDescriptor *descriptor;
  GType (*get_type) (void) = NULL;
  GType type = G_TYPE_INVALID;
  Entry *entry = NULL;

  g_return_val_if_fail (cupel_plugin_kind_to_string (kind) != NULL, G_TYPE_INVALID);
  g_return_val_if_fail (name != NULL, G_TYPE_INVALID);
  g_return_val_if_fail (base_type != G_TYPE_INVALID, G_TYPE_INVALID);
  g_return_val_if_fail (error == NULL || *error == NULL, G_TYPE_INVALID);

  if (!(normalized = cupel_plugin_normalize_name (kind, name, error)))
    return G_TYPE_INVALID;
  key = make_key (kind, normalized);

  g_mutex_lock (&lock);
  if (registered != NULL)
    entry = g_hash_table_lookup (registered, key);
  if (entry == NULL && loaded != NULL)
    entry = g_hash_table_lookup (loaded, key);
  if (entry != NULL)
    {
      get_type = entry->get_type;
      type = entry->type;
      origin = g_strdup (entry->origin);
    }
  else
    {
      known = list_registered (kind);
      directories = g_ptr_array_new_with_free_func (g_free);
      for (guint i = 0; search_paths != NULL && i < search_paths->len; i++)
        g_ptr_array_add (directories, g_strdup (search_paths->pdata[i]));
      g_ptr_array_add (directories, NULL);
    }
  g_mutex_unlock (&lock);

  if (entry == NULL)
    {
      g_autofree char *path = NULL;

      descriptor = cupel_plugin_open (kind, normalized, (const char *const *) directories->pdata, known, &path, error);
      if (descriptor == NULL)
        return G_TYPE_INVALID;
      get_type = descriptor->get_type;
      origin = g_filename_display_name (path);
    }

  if (get_type != NULL)
    type = get_type ();

  if (!check_type (kind, normalized, origin, type, base_type, error))
    return G_TYPE_INVALID;

  if (entry == NULL)
    {
      g_mutex_lock (&lock);
      if (!g_hash_table_contains (ensure_table (&loaded), key))
        {
          entry = g_new0 (Entry, 1);
          entry->type = type;
          entry->origin = g_steal_pointer (&origin);
          g_hash_table_insert (loaded, g_steal_pointer (&key), entry);
        }
      g_mutex_unlock (&lock);
    }

  return type;
}
