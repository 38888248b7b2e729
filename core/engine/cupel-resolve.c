/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-resolve-private.h"

#include <string.h>

#include "runtime/cupel-error-details.h"

/* A look-up that may outlast the wait for it. */
typedef struct
{
  CupelCompletion *done;
  GAsyncResult    *result;
} Lookup;

static void
lookup_free (gpointer data)
{
  Lookup *lookup = data;

  cupel_completion_unref (lookup->done);
  g_clear_object (&lookup->result);
}

static void
lookup_ready (GObject      *resolver,
              GAsyncResult *result,
              gpointer      data)
{
  Lookup *lookup = data;

  lookup->result = g_object_ref (result);
  cupel_completion_complete (lookup->done);
  g_rc_box_release_full (lookup, lookup_free);
}

static GList *
look_up (const char    *host,
         gint64         deadline,
         GCancellable  *cancellable,
         GError       **error)
{
  g_autoptr(GResolver) resolver = g_resolver_get_default ();
  g_autoptr(GCancellable) stop = g_cancellable_new ();
  Lookup *lookup = g_rc_box_new0 (Lookup);
  GList *found = NULL;

  lookup->done = cupel_completion_new ();
  g_resolver_lookup_by_name_async (resolver, host, stop, lookup_ready, g_rc_box_acquire (lookup));
  if (cupel_completion_wait (lookup->done, deadline, cancellable, error))
    found = g_resolver_lookup_by_name_finish (resolver, lookup->result, error);
  else
    g_cancellable_cancel (stop);
  g_rc_box_release_full (lookup, lookup_free);
  return found;
}

GPtrArray *
cupel_resolve (const char    *host,
               gint64         deadline,
               GCancellable  *cancellable,
               GError       **error)
{
  g_autoptr(GPtrArray) addresses = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GError) local = NULL;
  GList *found;

  /* A ":" is in addresses only; one with a zone is none to GLib. */
  if (g_hostname_is_ip_address (host) || strchr (host, ':') != NULL)
    {
      g_ptr_array_add (addresses, g_strdup (host));
      return g_steal_pointer (&addresses);
    }

  found = look_up (host, deadline, cancellable, &local);
  for (GList *l = found; l != NULL; l = l->next)
    {
      g_autofree char *address = g_inet_address_to_string (l->data);

      if (!g_ptr_array_find_with_equal_func (addresses, address, g_str_equal, NULL))
        g_ptr_array_add (addresses, g_steal_pointer (&address));
    }
  g_resolver_free_addresses (found);
  if (addresses->len > 0)
    return g_steal_pointer (&addresses);

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&local));
  else if (g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "Looking up the host \"%s\" took too long", host);
  else
    cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &(CupelErrorDetails) { .disconnect = TRUE, .retryable = TRUE },
                                  "Could not look up the host \"%s\": %s", host,
                                  local != NULL ? local->message : "it has no address");
  return NULL;
}
