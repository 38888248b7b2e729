/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "fake-mysql.h"

#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct _FakeMysql
{
  FakeMysqlFunc  func;
  gpointer       user_data;
  char          *folder;
  char          *path;
  GSocket       *socket;
  GThread       *thread;
  GPtrArray     *threads;
  int            n_links;     /* atomic */
  int            limit;       /* atomic */
  GMutex         lock;
  GArray        *fds;
};

struct _FakeMysqlLink
{
  FakeMysql *fake;
  int        fd;
  guint8     number;
};

static gboolean
read_all (int      fd,
          gpointer data,
          gsize    length)
{
  char *p = data;

  while (length > 0)
    {
      gssize n = read (fd, p, length);

      if (n <= 0)
        return FALSE;
      p += n;
      length -= (gsize) n;
    }
  return TRUE;
}

void
fake_mysql_send_raw (FakeMysqlLink *link,
                     gconstpointer  data,
                     gsize          length)
{
  const char *p = data;

  while (length > 0)
    {
      gssize n = send (link->fd, p, length, MSG_NOSIGNAL);

      if (n <= 0)
        return;
      p += n;
      length -= (gsize) n;
    }
}

void
fake_mysql_send (FakeMysqlLink *link,
                 gconstpointer  data,
                 gsize          length)
{
  guint8 header[4] = { (guint8) length, (guint8) (length >> 8), (guint8) (length >> 16), link->number++ };

  fake_mysql_send_raw (link, header, sizeof header);
  fake_mysql_send_raw (link, data, length);
}

void
fake_mysql_skip_number (FakeMysqlLink *link)
{
  link->number += 7;
}

char *
fake_mysql_receive (FakeMysqlLink *link,
                    gsize         *length)
{
  guint8 header[4];
  char *data;

  if (!read_all (link->fd, header, sizeof header))
    return NULL;
  *length = header[0] | header[1] << 8 | header[2] << 16;
  link->number = header[3] + 1;
  data = g_malloc0 (*length + 1);
  if (read_all (link->fd, data, *length))
    return data;
  g_free (data);
  return NULL;
}

void
fake_mysql_stall (FakeMysqlLink *link)
{
  char byte;

  while (read (link->fd, &byte, 1) > 0)
    continue;
}

void
fake_mysql_send_ok (FakeMysqlLink *link)
{
  /* no rows, no key, autocommit, no warnings */
  fake_mysql_send (link, "\0\0\0\2\0\0\0", 7);
}

void
fake_mysql_send_eof (FakeMysqlLink *link)
{
  fake_mysql_send (link, "\xfe\0\0\2\0", 5);
}

void
fake_mysql_send_error (FakeMysqlLink *link,
                       guint          code,
                       const char    *text)
{
  g_autoptr(GString) packet = g_string_new ("\xff");

  g_string_append_c (packet, (char) (code & 0xff));
  g_string_append_c (packet, (char) (code >> 8));
  g_string_append (packet, "#HY000");
  g_string_append (packet, text);
  fake_mysql_send (link, packet->str, packet->len);
}

void
fake_mysql_send_columns (FakeMysqlLink *link,
                         guint          n_columns,
                         guint8         type)
{
  guint8 count[3] = { 0xfc, (guint8) n_columns, (guint8) (n_columns >> 8) };

  if (n_columns < 251)
    fake_mysql_send (link, count + 1, 1);
  else
    fake_mysql_send (link, count, 3);
  for (guint i = 0; i < n_columns; i++)
    {
      /* catalog, schema, table, its own name, the column, its own name; utf8mb4, 100 wide */
      char packet[24] = "\3def\0\0\0\1c\1c\x0c\x2d\0\x64\0\0\0";

      packet[18] = (char) type;
      fake_mysql_send (link, packet, sizeof packet);
    }
  fake_mysql_send_eof (link);
}

static void
greet (FakeMysqlLink *link)
{
  static const char greeting[] =
    "\x0a" "5.5.5-10.11.0-MariaDB\0" "\x2a\0\0\0" "12345678\0"
    "\x8e\xa2" "\x2d" "\2\0" "\x0e\0" "\x15" "\0\0\0\0\0\0\0\0\0\0" "123456789012\0" "mysql_native_password";

  link->number = 0;
  fake_mysql_send (link, greeting, sizeof greeting);
}

static gpointer
link_thread (gpointer data)
{
  FakeMysqlLink *link = data;
  FakeMysql *fake = link->fake;
  gboolean refused = g_atomic_int_add (&fake->n_links, 1) >= g_atomic_int_get (&fake->limit);
  gboolean on = !refused;
  gsize length;
  char *packet;

  if (refused)
    {
      fake_mysql_send_error (link, 1040, "Too many connections");
    }
  else
    {
      greet (link);
      g_free (fake_mysql_receive (link, &length));
      fake_mysql_send_ok (link);
    }

  while (on && (packet = fake_mysql_receive (link, &length)) != NULL)
    {
      /* what the driver sets for itself */
      if (length > 4 && packet[0] == FAKE_COM_QUERY && g_str_has_prefix (packet + 1, "SET "))
        fake_mysql_send_ok (link);
      else
        on = length > 0 && fake->func (link, (guint8) packet[0], packet + 1, length - 1, fake->user_data);
      g_free (packet);
    }

  g_mutex_lock (&fake->lock);
  for (guint i = 0; i < fake->fds->len; i++)
    if (g_array_index (fake->fds, int, i) == link->fd)
      g_array_remove_index_fast (fake->fds, i--);
  close (link->fd);
  g_mutex_unlock (&fake->lock);
  g_free (link);
  return NULL;
}

static gpointer
accept_thread (gpointer data)
{
  FakeMysql *fake = data;
  int fd;

  while ((fd = accept4 (g_socket_get_fd (fake->socket), NULL, NULL, SOCK_CLOEXEC)) >= 0)
    {
      FakeMysqlLink *link = g_new0 (FakeMysqlLink, 1);

      link->fake = fake;
      link->fd = fd;
      g_mutex_lock (&fake->lock);
      g_array_append_val (fake->fds, fd);
      g_mutex_unlock (&fake->lock);
      g_ptr_array_add (fake->threads, g_thread_new ("fake-mysql-link", link_thread, link));
    }
  return NULL;
}

FakeMysql *
fake_mysql_new (FakeMysqlFunc func,
                gpointer      user_data)
{
  FakeMysql *fake = g_new0 (FakeMysql, 1);
  g_autoptr(GSocketAddress) address = NULL;
  g_autoptr(GError) error = NULL;

  fake->func = func;
  fake->user_data = user_data;
  fake->limit = G_MAXINT;
  fake->fds = g_array_new (FALSE, FALSE, sizeof (int));
  fake->threads = g_ptr_array_new ();
  g_mutex_init (&fake->lock);
  fake->folder = g_dir_make_tmp ("cupel-fake-mysql-XXXXXX", &error);
  g_assert_no_error (error);
  fake->path = g_build_filename (fake->folder, "socket", NULL);
  fake->socket = g_socket_new (G_SOCKET_FAMILY_UNIX, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (fake->socket, TRUE);
  address = g_unix_socket_address_new (fake->path);
  g_assert_true (g_socket_bind (fake->socket, address, FALSE, NULL));
  g_assert_true (g_socket_listen (fake->socket, NULL));
  /* g_socket is never blocking underneath; accept () here is to be */
  g_unix_set_fd_nonblocking (g_socket_get_fd (fake->socket), FALSE, NULL);
  fake->thread = g_thread_new ("fake-mysql", accept_thread, fake);
  return fake;
}

void
fake_mysql_free (FakeMysql *fake)
{
  shutdown (g_socket_get_fd (fake->socket), SHUT_RDWR);
  g_thread_join (fake->thread);
  g_mutex_lock (&fake->lock);
  for (guint i = 0; i < fake->fds->len; i++)
    shutdown (g_array_index (fake->fds, int, i), SHUT_RDWR);
  g_mutex_unlock (&fake->lock);
  for (guint i = 0; i < fake->threads->len; i++)
    g_thread_join (fake->threads->pdata[i]);
  g_ptr_array_unref (fake->threads);
  g_array_unref (fake->fds);
  g_object_unref (fake->socket);
  g_unlink (fake->path);
  g_rmdir (fake->folder);
  g_free (fake->path);
  g_free (fake->folder);
  g_mutex_clear (&fake->lock);
  g_free (fake);
}

char *
fake_mysql_dup_url (FakeMysql *fake)
{
  return g_strdup_printf ("mysql://user@/base?unix_socket=%s", fake->path);
}

void
fake_mysql_set_limit (FakeMysql *fake,
                      guint      n_links)
{
  g_atomic_int_set (&fake->limit, (int) n_links);
}

guint
fake_mysql_get_n_links (FakeMysql *fake)
{
  return (guint) g_atomic_int_get (&fake->n_links);
}
