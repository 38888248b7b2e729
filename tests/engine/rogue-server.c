/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "rogue-server.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct _RogueServer
{
  RogueFunc  func;
  gpointer   user_data;
  int        fd;
  guint      port;
  int        n_links;    /* atomic */
  GThread   *thread;
  GMutex     lock;
  GPtrArray *threads;
  GArray    *fds;
};

typedef struct
{
  RogueServer *server;
  int          fd;
} Link;

static gpointer
serve (gpointer data)
{
  Link *link = data;

  link->server->func (link->fd, link->server->user_data);
  shutdown (link->fd, SHUT_RDWR);
  g_free (link);
  return NULL;
}

static gpointer
listen_thread (gpointer data)
{
  RogueServer *self = data;
  int fd;

  while ((fd = accept (self->fd, NULL, NULL)) >= 0)
    {
      Link *link = g_new (Link, 1);

      link->server = self;
      link->fd = fd;
      g_atomic_int_inc (&self->n_links);
      g_mutex_lock (&self->lock);
      g_array_append_val (self->fds, fd);
      g_ptr_array_add (self->threads, g_thread_new ("rogue-link", serve, link));
      g_mutex_unlock (&self->lock);
    }
  return NULL;
}

/* On all addresses: which of them was meant, the link knows. */
RogueServer *
rogue_server_new (RogueFunc func,
                  gpointer  user_data)
{
  RogueServer *self = g_new0 (RogueServer, 1);
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_ANY) };
  socklen_t length = sizeof address;

  self->func = func;
  self->user_data = user_data;
  self->threads = g_ptr_array_new ();
  self->fds = g_array_new (FALSE, FALSE, sizeof (int));
  g_mutex_init (&self->lock);
  self->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (self->fd, (struct sockaddr *) &address, length), ==, 0);
  g_assert_cmpint (listen (self->fd, 64), ==, 0);
  g_assert_cmpint (getsockname (self->fd, (struct sockaddr *) &address, &length), ==, 0);
  self->port = ntohs (address.sin_port);
  self->thread = g_thread_new ("rogue-server", listen_thread, self);
  return self;
}

void
rogue_server_free (RogueServer *self)
{
  shutdown (self->fd, SHUT_RDWR);
  g_thread_join (self->thread);
  close (self->fd);
  for (guint i = 0; i < self->fds->len; i++)
    shutdown (g_array_index (self->fds, int, i), SHUT_RDWR);
  for (guint i = 0; i < self->threads->len; i++)
    g_thread_join (self->threads->pdata[i]);
  for (guint i = 0; i < self->fds->len; i++)
    close (g_array_index (self->fds, int, i));
  g_ptr_array_unref (self->threads);
  g_array_unref (self->fds);
  g_mutex_clear (&self->lock);
  g_free (self);
}

guint
rogue_server_get_port (RogueServer *self)
{
  return self->port;
}

guint
rogue_server_get_n_links (RogueServer *self)
{
  return (guint) g_atomic_int_get (&self->n_links);
}

gboolean
rogue_read (int      fd,
            gpointer data,
            gsize    length)
{
  char *p = data;

  while (length > 0)
    {
      gssize n = recv (fd, p, length, 0);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return FALSE;
      p += n;
      length -= (gsize) n;
    }
  return TRUE;
}

void
rogue_write (int           fd,
             gconstpointer data,
             gsize         length)
{
  const char *p = data;

  while (length > 0)
    {
      gssize n = send (fd, p, length, MSG_NOSIGNAL);

      if (n <= 0)
        return;
      p += n;
      length -= (gsize) n;
    }
}

void
rogue_write_packet (int           fd,
                    guint8        number,
                    gconstpointer data,
                    gsize         length)
{
  const guint8 header[4] = { length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff, number };

  rogue_write (fd, header, sizeof header);
  rogue_write (fd, data, length);
}

guint8 *
rogue_read_packet (int    fd,
                   gsize *length)
{
  guint8 header[4];
  guint8 *data;

  if (!rogue_read (fd, header, sizeof header))
    return NULL;
  *length = (gsize) header[0] | (gsize) header[1] << 8 | (gsize) header[2] << 16;
  data = g_malloc0 (*length + 1);
  if (rogue_read (fd, data, *length))
    return data;
  g_free (data);
  return NULL;
}

void
rogue_greet (int         fd,
             gboolean    has_tls,
             const char *plugin)
{
  /* found rows, a database, protocol 4.1, transactions, challenges, plugins */
  const guint32 flags = 0x0008a20f | (has_tls ? 0x800 : 0);
  g_autoptr(GByteArray) packet = g_byte_array_new ();
  const guint8 middle[] = { flags & 0xff, (flags >> 8) & 0xff, 45, 2, 0, (flags >> 16) & 0xff, flags >> 24, 21,
                            0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

  g_byte_array_append (packet, (const guint8 *) "\n8.0.0-rogue", 13);
  g_byte_array_append (packet, (const guint8 *) "\1\0\0\0" "abcdefgh", 13);
  g_byte_array_append (packet, middle, sizeof middle);
  g_byte_array_append (packet, (const guint8 *) "ijklmnopqrst", 13);
  g_byte_array_append (packet, (const guint8 *) plugin, (guint) strlen (plugin) + 1);
  rogue_write_packet (fd, 0, packet->data, packet->len);
}

void
rogue_stall (int fd)
{
  char byte;

  while (rogue_read (fd, &byte, 1))
    ;
}

/* the resolver */

#define ROGUE_TYPE_RESOLVER (rogue_resolver_get_type ())
G_DECLARE_FINAL_TYPE (RogueResolver, rogue_resolver, ROGUE, RESOLVER, GResolver)

struct _RogueResolver
{
  GResolver parent_instance;
};

G_DEFINE_FINAL_TYPE (RogueResolver, rogue_resolver, G_TYPE_RESOLVER)

static void
free_addresses (gpointer list)
{
  g_resolver_free_addresses (list);
}

static gboolean
answer_late (gpointer task)
{
  if (!g_task_return_error_if_cancelled (task))
    g_task_return_pointer (task, g_list_append (NULL, g_inet_address_new_from_string ("127.0.0.1")), free_addresses);
  return G_SOURCE_REMOVE;
}

static void
rogue_resolver_lookup_async (GResolver           *resolver,
                             const char          *name,
                             GCancellable        *cancellable,
                             GAsyncReadyCallback  callback,
                             gpointer             user_data)
{
  g_autoptr(GTask) task = g_task_new (resolver, cancellable, callback, user_data);
  GList *found = NULL;

  if (strcmp (name, "slow.test") == 0)
    {
      g_autoptr(GSource) source = g_timeout_source_new (60 * 1000);

      g_source_set_callback (source, answer_late, g_steal_pointer (&task), g_object_unref);
      g_source_attach (source, g_main_context_get_thread_default ());
      return;
    }
  if (strcmp (name, "many.test") == 0)
    for (guint i = 11; i <= 25; i++)
      {
        g_autofree char *address = g_strdup_printf ("127.0.0.%u", i);

        found = g_list_append (found, g_inet_address_new_from_string (address));
      }
  if (strcmp (name, "many.test") == 0 || strcmp (name, "db.test") == 0)
    found = g_list_append (found, g_inet_address_new_from_string ("127.0.0.1"));
  if (strcmp (name, "other.test") == 0)
    found = g_list_append (found, g_inet_address_new_from_string ("127.0.0.2"));

  if (found != NULL)
    g_task_return_pointer (task, found, free_addresses);
  else
    g_task_return_new_error (task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "nobody knows \"%s\"", name);
}

static GList *
rogue_resolver_lookup_finish (GResolver     *resolver,
                              GAsyncResult  *result,
                              GError       **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
rogue_resolver_class_init (RogueResolverClass *klass)
{
  G_RESOLVER_CLASS (klass)->lookup_by_name_async = rogue_resolver_lookup_async;
  G_RESOLVER_CLASS (klass)->lookup_by_name_finish = rogue_resolver_lookup_finish;
}

static void
rogue_resolver_init (RogueResolver *self)
{
}

void
rogue_resolver_install (void)
{
  g_autoptr(GResolver) resolver = g_object_new (ROGUE_TYPE_RESOLVER, NULL);

  g_resolver_set_default (resolver);
}
