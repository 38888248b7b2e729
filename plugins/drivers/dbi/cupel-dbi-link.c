/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A connection of libdbi: its instance, its options, its errors. */

#include "cupel-dbi-private.h"

#include <dbi/dbi-dev.h>

/* An instance is one connection's at a time, and then another's: it is never shut down, for that would end the client libraries
 * (mysql_server_end ()) while other connections of the process use them. */
static GMutex instances_lock;
static GSList *free_instances;

static gboolean
take_instance (CupelDbiLink  *link,
               GError       **error)
{
  int n_drivers = 1;

  g_mutex_lock (&instances_lock);
  if (free_instances != NULL)
    {
      link->instance = free_instances->data;
      free_instances = g_slist_delete_link (free_instances, free_instances);
    }
  else
    {
      n_drivers = dbi_initialize_r (NULL, &link->instance);
      if (n_drivers >= 0)
        dbi_set_verbosity_r (0, link->instance);
    }
  link->driver = n_drivers > 0 ? dbi_driver_open_r (link->backend->name, link->instance) : NULL;
  if (link->driver != NULL && link->backend == &cupel_dbi_mysql)
    {
      /* Not safe when two threads connect for the first time at once. */
      int (*init) (int, char **, char **) = cupel_dbi_link_get_function (link, "mysql_server_init", NULL);

      if (init != NULL)
        init (0, NULL, NULL);
    }
  g_mutex_unlock (&instances_lock);

  if (link->driver != NULL)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
               "libdbi has no driver \"%s\" here; install it (libdbd-%s in Debian)", link->backend->name, link->backend->name);
  return FALSE;
}

static void
give_instance (CupelDbiLink *link)
{
  link->driver = NULL;
  if (link->instance == NULL)
    return;
  g_mutex_lock (&instances_lock);
  free_instances = g_slist_prepend (free_instances, g_steal_pointer (&link->instance));
  g_mutex_unlock (&instances_lock);
}

gpointer
cupel_dbi_link_get_function (CupelDbiLink  *link,
                             const char    *name,
                             GError       **error)
{
  gpointer function = dbi_driver_specific_function (link->driver, name);

  if (function == NULL && error != NULL && *error == NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                 "The driver \"%s\" of libdbi does not hand out %s(): a version that is not known", link->backend->name, name);
  return function;
}

gpointer
cupel_dbi_link_get_handle (CupelDbiLink *link)
{
  return ((dbi_conn_t *) link->conn)->connection;
}

gboolean
cupel_dbi_link_is_interrupted (CupelDbiLink  *link,
                               GError       **error)
{
  if (!g_atomic_int_get (&link->interrupted))
    return FALSE;
  /* Whoever waits knows better: a cancellation or a deadline. */
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The operation was cancelled");
  return TRUE;
}

/* libdbi's driver for PostgreSQL makes a number of the SQLSTATE: its digits and letters to the base 36. */
static void
decode_sqlstate (int   number,
                 char *sqlstate)
{
  static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  sqlstate[5] = '\0';
  for (int i = 4; i >= 0; i--)
    {
      sqlstate[i] = digits[number % 36];
      number /= 36;
    }
}

gboolean
cupel_dbi_link_fail (CupelDbiLink  *link,
                     GError       **error)
{
  g_autofree char *number = NULL;
  g_autofree char *text = NULL;
  const char *message = NULL;
  char sqlstate[6] = "";
  int code;

  if (cupel_dbi_link_is_interrupted (link, error))
    return FALSE;

  code = dbi_conn_error (link->conn, &message);
  number = g_strdup_printf ("%d: ", code);
  if (message != NULL && g_str_has_prefix (message, number))
    message += strlen (number);
  if (message == NULL || *message == '\0')
    message = "unknown error";
  text = g_strdup (message);
  g_strchomp (text);

  if (link->backend == &cupel_dbi_pgsql)
    {
      char *rest = strstr (text, ":  ");    /* "ERROR:  ", in the words of the server's language */

      if (rest != NULL && code > 0)
        memmove (text, rest + 3, strlen (rest + 3) + 1);
      if (code > 0)
        decode_sqlstate (code, sqlstate);
      else if (link->handle != NULL && link->backend->status (link, NULL) == CUPEL_TRANSACTION_UNKNOWN)
        g_strlcpy (sqlstate, "08006", sizeof sqlstate);
      code = 0;
    }
  g_propagate_error (error, cupel_dialect_create_error (link->dialect, code, sqlstate[0] != '\0' ? sqlstate : NULL, text));
  return FALSE;
}

gboolean
cupel_dbi_link_run (CupelDbiLink  *link,
                    const char    *sql,
                    GError       **error)
{
  return link->backend->query (link, sql, NULL, 1, NULL, error);
}

char *
cupel_dbi_link_ask (CupelDbiLink  *link,
                    const char    *sql,
                    GError       **error)
{
  g_auto(CupelReply) reply = { 0 };
  const CupelRowBlock *block;

  if (!link->backend->query (link, sql, NULL, 1, &reply, error))
    return NULL;
  block = reply.blocks != NULL && reply.blocks->len > 0 ? g_ptr_array_index (reply.blocks, 0) : NULL;
  if (block == NULL || block->n_rows == 0 || block->n_columns == 0 || block->cells->kind == CUPEL_CELL_NULL)
    return g_strdup ("");
  if (block->cells->kind == CUPEL_CELL_TEXT || block->cells->kind == CUPEL_CELL_OTHER)
    return g_strndup (block->cells->v.text, block->cells->length);
  return cupel_cell_to_string (block->cells);
}

static gboolean
connect_link (CupelDbiLink  *link,
              GError       **error)
{
  const CupelDbiSettings *settings = &link->settings;
  g_autofree char *folder = g_path_get_dirname (settings->where);
  g_autoptr(GError) reason = NULL;

  /* libdbi's driver does not close the handle of a file that it could not open. */
  if (settings->backend == &cupel_dbi_sqlite3 && !settings->in_memory && !g_file_test (folder, G_FILE_TEST_IS_DIR))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                   "Cannot open the SQLite database \"%s\": the directory \"%s\" does not exist; create it first",
                   settings->where, folder);
      return FALSE;
    }

  link->conn = dbi_conn_open (link->driver);
  if (link->conn == NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "libdbi could not make a connection object");
      return FALSE;
    }
  for (guint i = 0; i < settings->names->len; i++)
    {
      const char *name = g_ptr_array_index (settings->names, i);
      const char *value = g_ptr_array_index (settings->values, i);

      /* "#12": libdbi keeps numbers apart from texts */
      if (value[0] == '#')
        dbi_conn_set_option_numeric (link->conn, name, (int) g_ascii_strtoll (value + 1, NULL, 10));
      else
        dbi_conn_set_option (link->conn, name, value + 1);
    }

  if (dbi_conn_connect (link->conn) == 0)
    {
      link->handle = cupel_dbi_link_get_handle (link);
      return TRUE;
    }

  cupel_dbi_link_fail (link, &reason);
  if (g_error_matches (reason, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION) || reason->domain != CUPEL_ERROR)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    {
      /* libpq has no numbers for what it finds before the server says anything. */
      const gboolean nobody = cupel_error_get_category (reason) == CUPEL_ERROR_CATEGORY_NOT_READY || !cupel_dbi_settings_is_there (settings);
      const CupelErrorDetails details = {
        .native_code = cupel_error_get_native_code (reason),
        .disconnect = nobody,
        .retryable = nobody || cupel_error_is_retryable (reason),
        .category = !nobody && cupel_error_is_retryable (reason) ? cupel_error_get_category (reason) : CUPEL_ERROR_CATEGORY_NONE,
      };

      cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &details, "Cannot connect to %s: %s", settings->where,
                                    reason->message);
    }
  return FALSE;
}

/* Another program that makes the same SQLite file at the same time has it for itself for a moment, and no busy handler is asked. */
static gboolean
set_up_session (CupelDbiLink  *link,
                const char    *sql,
                GError       **error)
{
  gint64 end = g_get_monotonic_time () + link->settings.busy_timeout;
  GError *local = NULL;

  while (!cupel_dbi_link_run (link, sql, &local))
    {
      if (!cupel_error_is_retryable (local) || g_get_monotonic_time () >= end)
        {
          g_propagate_error (error, local);
          return FALSE;
        }
      g_clear_error (&local);
      g_usleep (5000);
    }
  return TRUE;
}

gboolean
cupel_dbi_link_open (CupelDbiLink  *link,
                     gboolean       sets_session,
                     GError       **error)
{
  const char *const *statements = cupel_dialect_get_session_statements (link->dialect);

  if (!take_instance (link, error) || !connect_link (link, error) || !link->backend->open (link, error))
    {
      cupel_dbi_link_close (link);
      return FALSE;
    }
  for (guint i = 0; sets_session && statements[i] != NULL; i++)
    if (!set_up_session (link, statements[i], error))
      {
        g_prefix_error (error, "Setting up the session: ");
        cupel_dbi_link_close (link);
        return FALSE;
      }
  return TRUE;
}

void
cupel_dbi_link_close (CupelDbiLink *link)
{
  link->handle = NULL;
  if (link->conn != NULL)
    dbi_conn_close (g_steal_pointer (&link->conn));
  give_instance (link);
}

void
cupel_dbi_link_clear (CupelDbiLink *link)
{
  cupel_dbi_link_close (link);
  if (link->canceller != NULL)
    link->backend->free_canceller (link);
  g_clear_pointer (&link->functions, g_free);
}
