/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "chaos-proxy.h"

#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK 65536
/* Between the two halves of what is cut: long enough for a client that waits to see the first alone */
#define SPLIT_PAUSE 2

typedef struct _Link Link;

/* One direction of a link */
typedef struct
{
  Link       *link;
  GSocket    *from;
  GSocket    *to;
  GByteArray *pending;      /* read and not written */
  gsize       allowed;      /* of them, those that may go now */
  GSource    *readable;
  GSource    *writable;
  GSource    *timer;
  gboolean    from_server;
  gboolean    ended;        /* @from said that it sends no more */
  guint8      header[5];    /* of the message that passes */
  guint       n_header;
  guint64     body_left;
} Flow;

struct _Link
{
  ChaosProxy *proxy;
  GSocket    *client;
  GSocket    *server;
  Flow        up;
  Flow        down;
};

struct _ChaosProxy
{
  GMainContext   *context;
  GMainLoop      *loop;
  GThread        *thread;
  GSocketAddress *server;
  GSocketAddress *address;
  GSocket        *listener;
  GSource        *acceptable;
  GPtrArray      *links;
  ChaosFraming    framing;
  ChaosMode       mode;
  guint           interval;
  guint64         split;
  ChaosTrigger    trigger;
  char           *pattern;
  gboolean        armed;
  gint64          triggered;
  guint           n_accepted;
  guint64         n_bytes;
  guint           n_messages;
};

static void flow_update (Flow *flow);
static void set_mode    (ChaosProxy *self, ChaosMode mode);

static void
drop_source (GSource **source)
{
  if (*source != NULL)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
flow_stop (Flow *flow)
{
  drop_source (&flow->readable);
  drop_source (&flow->writable);
  drop_source (&flow->timer);
}

static void
link_free (gpointer data)
{
  Link *link = data;

  flow_stop (&link->up);
  flow_stop (&link->down);
  g_byte_array_unref (link->up.pending);
  g_byte_array_unref (link->down.pending);
  g_object_unref (link->client);
  g_object_unref (link->server);
  g_free (link);
}

static void
reset_socket (GSocket *socket)
{
  struct linger linger = { 1, 0 };

  setsockopt (g_socket_get_fd (socket), SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  g_socket_close (socket, NULL);
}

static void
link_end (Link     *link,
          gboolean  reset)
{
  ChaosProxy *self = link->proxy;

  if (reset)
    reset_socket (link->client);
  else
    g_socket_close (link->client, NULL);
  g_socket_close (link->server, NULL);
  g_ptr_array_remove_fast (self->links, link);
}

static void
fire (ChaosProxy *self)
{
  self->armed = FALSE;
  self->triggered = g_get_monotonic_time ();
  set_mode (self, self->trigger.mode);
}

/* Of the server's @length bytes, how many pass before the trigger goes off */
static gsize
count_messages (ChaosProxy   *self,
                Flow         *flow,
                const guint8 *bytes,
                gsize         length)
{
  const guint header = self->framing == CHAOS_FRAMING_POSTGRESQL ? 5 : 4;
  gsize at = 0;

  if (self->framing == CHAOS_FRAMING_NONE)
    return length;
  while (at < length)
    {
      if (flow->n_header < header)
        {
          flow->header[flow->n_header++] = bytes[at++];
          if (flow->n_header < header)
            continue;
          if (self->framing == CHAOS_FRAMING_POSTGRESQL)
            flow->body_left = ((guint64) flow->header[1] << 24 | flow->header[2] << 16 | flow->header[3] << 8 | flow->header[4]) - 4;
          else
            flow->body_left = flow->header[0] | flow->header[1] << 8 | flow->header[2] << 16;
        }
      else
        {
          gsize n = MIN (flow->body_left, length - at);

          flow->body_left -= n;
          at += n;
        }
      if (flow->body_left > 0)
        continue;
      flow->n_header = 0;
      self->n_messages++;
      if (self->armed && self->trigger.after_messages > 0 && self->n_messages >= self->trigger.after_messages)
        return at;
    }
  return length;
}

static gboolean
on_timer (gpointer data)
{
  Flow *flow = data;

  drop_source (&flow->timer);
  flow->allowed = flow->link->proxy->mode == CHAOS_DRIP ? MIN (flow->pending->len, 1) : flow->pending->len;
  flow_update (flow);
  return G_SOURCE_REMOVE;
}

static void
start_timer (Flow  *flow,
             guint  milliseconds)
{
  if (flow->timer != NULL)
    return;
  flow->timer = g_timeout_source_new (milliseconds);
  g_source_set_callback (flow->timer, on_timer, flow, NULL);
  g_source_attach (flow->timer, flow->link->proxy->context);
}

/* What was read is in pending: how much of it may go? FALSE: the link is gone. */
static gboolean
flow_admit (Flow *flow,
            gsize first)
{
  ChaosProxy *self = flow->link->proxy;
  const guint8 *bytes = flow->pending->data + first;
  gsize length = flow->pending->len - first;
  gboolean off = FALSE;

  if (flow->from_server)
    {
      gsize pass = count_messages (self, flow, bytes, length);

      off = self->armed && self->trigger.after_messages > 0 && self->n_messages >= self->trigger.after_messages;
      if (self->armed && self->trigger.after_bytes > 0 && self->n_bytes + length >= self->trigger.after_bytes)
        {
          pass = self->trigger.after_bytes - self->n_bytes;
          off = TRUE;
        }
      if (self->split > 0 && self->split > self->n_bytes && self->split < self->n_bytes + length)
        {
          flow->allowed = first + (self->split - self->n_bytes);
          self->n_bytes += length;
          start_timer (flow, SPLIT_PAUSE);
          return TRUE;
        }
      self->n_bytes += pass;
      if (off)
        {
          g_byte_array_set_size (flow->pending, first + pass);
          /* Those before it arrive. */
          g_socket_send (flow->to, (const char *) flow->pending->data, flow->pending->len, NULL, NULL);
          g_byte_array_set_size (flow->pending, 0);
          flow->allowed = 0;
          fire (self);
          return FALSE;
        }
    }
  else if (self->armed && self->pattern != NULL && memmem (bytes, length, self->pattern, strlen (self->pattern)) != NULL)
    {
      g_byte_array_set_size (flow->pending, first);
      fire (self);
      return FALSE;
    }

  switch (self->mode)
    {
    case CHAOS_DRIP:
    case CHAOS_DELAY:
      start_timer (flow, self->interval);
      break;
    case CHAOS_ACK_ONLY:
      g_byte_array_set_size (flow->pending, 0);
      flow->allowed = 0;
      break;
    default:
      if (flow->timer == NULL)
        flow->allowed = flow->pending->len;
      break;
    }
  return TRUE;
}

static gboolean
on_readable (int          fd,
             GIOCondition condition,
             gpointer     data)
{
  Flow *flow = data;
  Link *link = flow->link;
  gsize before = flow->pending->len;
  gssize n;

  g_byte_array_set_size (flow->pending, before + CHUNK);
  n = g_socket_receive_with_blocking (flow->from, (char *) flow->pending->data + before, CHUNK, FALSE, NULL, NULL);
  g_byte_array_set_size (flow->pending, before + MAX (n, 0));
  if (n < 0 && errno == EAGAIN)
    return G_SOURCE_CONTINUE;
  if (n < 0)
    {
      link_end (link, TRUE);
      return G_SOURCE_REMOVE;
    }
  if (n == 0)
    flow->ended = TRUE;
  else if (!flow_admit (flow, before))
    return G_SOURCE_REMOVE;
  flow_update (flow);
  return G_SOURCE_REMOVE;
}

static gboolean
on_writable (int          fd,
             GIOCondition condition,
             gpointer     data)
{
  Flow *flow = data;
  gssize n = g_socket_send_with_blocking (flow->to, (const char *) flow->pending->data, flow->allowed, FALSE, NULL, NULL);

  if (n < 0 && errno != EAGAIN)
    {
      link_end (flow->link, TRUE);
      return G_SOURCE_REMOVE;
    }
  if (n > 0)
    {
      g_byte_array_remove_range (flow->pending, 0, (guint) n);
      flow->allowed -= (gsize) n;
    }
  flow_update (flow);
  return G_SOURCE_REMOVE;
}

static void
set_source (Flow             *flow,
            GSource         **source,
            gboolean          wanted,
            GSocket          *socket,
            GIOCondition      condition,
            GUnixFDSourceFunc func)
{
  /* A callback that comes here is that of the source that it drops: each is for one time. */
  drop_source (source);
  if (!wanted)
    return;
  *source = g_unix_fd_source_new (g_socket_get_fd (socket), condition);
  g_source_set_callback (*source, G_SOURCE_FUNC (func), flow, NULL);
  g_source_attach (*source, flow->link->proxy->context);
}

static void
flow_update (Flow *flow)
{
  const ChaosMode mode = flow->link->proxy->mode;
  gboolean frozen = mode == CHAOS_BLACKHOLE;

  if (flow->ended && flow->pending->len == 0 && !frozen)
    {
      link_end (flow->link, FALSE);
      return;
    }
  if ((mode == CHAOS_DRIP || mode == CHAOS_DELAY) && flow->pending->len > 0 && flow->allowed == 0)
    start_timer (flow, flow->link->proxy->interval);
  /* A middlebox that only acknowledges has no server any more: what that sends stays where it is. */
  set_source (flow, &flow->readable,
              !flow->ended && flow->pending->len < CHUNK && !frozen && !(flow->from_server && mode == CHAOS_ACK_ONLY),
              flow->from, G_IO_IN, on_readable);
  set_source (flow, &flow->writable, flow->allowed > 0 && !frozen && mode != CHAOS_ACK_ONLY, flow->to, G_IO_OUT, on_writable);
}

static void
end_links (ChaosProxy *self,
           gboolean    reset)
{
  while (self->links->len > 0)
    link_end (self->links->pdata[self->links->len - 1], reset);
}

static gboolean on_acceptable (int fd, GIOCondition condition, gpointer data);

static void
stop_listening (ChaosProxy *self)
{
  drop_source (&self->acceptable);
  if (self->listener != NULL)
    g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
}

static gboolean
start_listening (ChaosProxy  *self,
                 GError     **error)
{
  self->listener = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, error);
  if (self->listener == NULL)
    return FALSE;
  g_socket_set_listen_backlog (self->listener, 1000);
  if (!g_socket_bind (self->listener, self->address, TRUE, error) || !g_socket_listen (self->listener, error))
    return FALSE;
  self->acceptable = g_unix_fd_source_new (g_socket_get_fd (self->listener), G_IO_IN);
  g_source_set_callback (self->acceptable, G_SOURCE_FUNC (on_acceptable), self, NULL);
  g_source_attach (self->acceptable, self->context);
  return TRUE;
}

static void
set_mode (ChaosProxy *self,
          ChaosMode   mode)
{
  self->mode = mode;
  if (mode == CHAOS_REFUSE)
    stop_listening (self);
  else if (self->listener == NULL && !start_listening (self, NULL))
    g_error ("The proxy cannot listen on its port any more");

  if (mode == CHAOS_RESET || mode == CHAOS_FIN)
    {
      end_links (self, mode == CHAOS_RESET);
      return;
    }
  for (guint i = self->links->len; i > 0; i--)
    {
      Link *link = self->links->pdata[i - 1];
      guint before = self->links->len;

      if (mode == CHAOS_PASS)
        {
          link->up.allowed = link->up.pending->len;
          link->down.allowed = link->down.pending->len;
        }
      flow_update (&link->up);
      if (self->links->len == before)
        flow_update (&link->down);
    }
}

static void
flow_init (Flow     *flow,
           Link     *link,
           GSocket  *from,
           GSocket  *to,
           gboolean  from_server)
{
  flow->link = link;
  flow->from = from;
  flow->to = to;
  flow->pending = g_byte_array_new ();
  flow->from_server = from_server;
}

static gboolean
on_acceptable (int          fd,
               GIOCondition condition,
               gpointer     data)
{
  ChaosProxy *self = data;
  g_autoptr(GSocket) client = g_socket_accept (self->listener, NULL, NULL);
  g_autoptr(GSocket) server = NULL;
  Link *link;

  if (client == NULL)
    return G_SOURCE_CONTINUE;
  self->n_accepted++;
  if (self->armed && self->trigger.on_link)
    fire (self);
  if (self->mode == CHAOS_RESET)
    {
      reset_socket (client);
      return G_SOURCE_CONTINUE;
    }
  if (self->mode == CHAOS_FIN)
    return G_SOURCE_CONTINUE;

  server = g_socket_new (g_socket_address_get_family (self->server), G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_DEFAULT, NULL);
  if (server == NULL || !g_socket_connect (server, self->server, NULL, NULL))
    {
      reset_socket (client);
      return G_SOURCE_CONTINUE;
    }
  g_socket_set_option (client, IPPROTO_TCP, TCP_NODELAY, 1, NULL);
  g_socket_set_blocking (client, FALSE);
  g_socket_set_blocking (server, FALSE);

  link = g_new0 (Link, 1);
  link->proxy = self;
  link->client = g_steal_pointer (&client);
  link->server = g_steal_pointer (&server);
  flow_init (&link->up, link, link->client, link->server, FALSE);
  flow_init (&link->down, link, link->server, link->client, TRUE);
  g_ptr_array_add (self->links, link);
  flow_update (&link->up);
  flow_update (&link->down);
  return G_SOURCE_CONTINUE;
}

/* calls from other threads */

typedef struct
{
  void     (*func) (ChaosProxy *self, gpointer data);
  ChaosProxy *proxy;
  gpointer    data;
  GMutex      lock;
  GCond       cond;
  /* Atomic, for a thread sanitizer that cannot look into GLib: what comes before is seen behind. */
  int         posted;
  int         done;
} Invocation;

static gboolean
invoke_there (gpointer data)
{
  Invocation *invocation = data;

  g_assert_true (g_atomic_int_get (&invocation->posted));
  invocation->func (invocation->proxy, invocation->data);
  g_mutex_lock (&invocation->lock);
  g_atomic_int_set (&invocation->done, TRUE);
  g_cond_signal (&invocation->cond);
  g_mutex_unlock (&invocation->lock);
  return G_SOURCE_REMOVE;
}

static void
invoke_full (ChaosProxy *self,
             int         priority,
             void      (*func) (ChaosProxy *self, gpointer data),
             gpointer    data)
{
  Invocation invocation = { .func = func, .proxy = self, .data = data };
  g_autoptr(GSource) source = g_idle_source_new ();

  g_mutex_init (&invocation.lock);
  g_cond_init (&invocation.cond);
  g_source_set_priority (source, priority);
  g_source_set_callback (source, invoke_there, &invocation, NULL);
  g_atomic_int_set (&invocation.posted, TRUE);
  g_source_attach (source, self->context);
  g_mutex_lock (&invocation.lock);
  while (!g_atomic_int_get (&invocation.done))
    g_cond_wait (&invocation.cond, &invocation.lock);
  g_mutex_unlock (&invocation.lock);
  g_mutex_clear (&invocation.lock);
  g_cond_clear (&invocation.cond);
}

static void
invoke (ChaosProxy *self,
        void      (*func) (ChaosProxy *self, gpointer data),
        gpointer    data)
{
  invoke_full (self, G_PRIORITY_HIGH, func, data);
}

static void
do_nothing (ChaosProxy *self,
            gpointer    data)
{
}

void
chaos_proxy_settle (ChaosProxy *self)
{
  /* It has its turn when nothing else is ready. */
  invoke_full (self, G_PRIORITY_LOW, do_nothing, NULL);
}

static void
do_set_mode (ChaosProxy *self,
             gpointer    data)
{
  self->armed = FALSE;
  set_mode (self, *(ChaosMode *) data);
}

void
chaos_proxy_set_mode (ChaosProxy *self,
                      ChaosMode   mode)
{
  invoke (self, do_set_mode, &mode);
}

static void
do_set_interval (ChaosProxy *self,
                 gpointer    data)
{
  self->interval = *(guint *) data;
}

void
chaos_proxy_set_interval (ChaosProxy *self,
                          guint       interval)
{
  invoke (self, do_set_interval, &interval);
}

static void
do_split (ChaosProxy *self,
          gpointer    data)
{
  self->split = *(guint64 *) data;
  self->n_bytes = 0;
  self->n_messages = 0;
}

void
chaos_proxy_split (ChaosProxy *self,
                   guint64     offset)
{
  invoke (self, do_split, &offset);
}

static void
do_arm (ChaosProxy *self,
        gpointer    data)
{
  const ChaosTrigger *trigger = data;

  g_clear_pointer (&self->pattern, g_free);
  self->triggered = 0;
  self->n_bytes = 0;
  self->n_messages = 0;
  self->armed = trigger != NULL;
  if (trigger == NULL)
    return;
  self->trigger = *trigger;
  self->pattern = g_strdup (trigger->pattern);
}

void
chaos_proxy_arm (ChaosProxy         *self,
                 const ChaosTrigger *trigger)
{
  invoke (self, do_arm, (gpointer) trigger);
}

typedef struct
{
  gint64  triggered;
  guint   n_links;
  guint   n_accepted;
  guint64 n_bytes;
  guint   n_messages;
} Figures;

static void
do_read (ChaosProxy *self,
         gpointer    data)
{
  *(Figures *) data = (Figures) { self->triggered, self->links->len, self->n_accepted, self->n_bytes, self->n_messages };
}

static Figures
get_figures (ChaosProxy *self)
{
  Figures figures;

  invoke (self, do_read, &figures);
  return figures;
}

gint64
chaos_proxy_get_triggered (ChaosProxy *self)
{
  return get_figures (self).triggered;
}

guint
chaos_proxy_get_n_links (ChaosProxy *self)
{
  return get_figures (self).n_links;
}

guint
chaos_proxy_get_n_accepted (ChaosProxy *self)
{
  return get_figures (self).n_accepted;
}

guint64
chaos_proxy_get_n_bytes (ChaosProxy *self)
{
  return get_figures (self).n_bytes;
}

guint
chaos_proxy_get_n_messages (ChaosProxy *self)
{
  return get_figures (self).n_messages;
}

guint16
chaos_proxy_get_port (ChaosProxy *self)
{
  return g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (self->address));
}

static gpointer
run (gpointer data)
{
  ChaosProxy *self = data;

  g_main_context_push_thread_default (self->context);
  g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (self->context);
  return NULL;
}

ChaosProxy *
chaos_proxy_new (GSocketAddress  *server,
                 ChaosFraming     framing,
                 GError         **error)
{
  ChaosProxy *self = g_new0 (ChaosProxy, 1);

  self->context = g_main_context_new ();
  self->loop = g_main_loop_new (self->context, FALSE);
  self->server = g_object_ref (server);
  self->framing = framing;
  self->interval = 100;
  self->links = g_ptr_array_new_with_free_func (link_free);
  self->address = g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  if (!start_listening (self, error))
    {
      chaos_proxy_free (self);
      return NULL;
    }
  g_object_unref (self->address);
  self->address = g_socket_get_local_address (self->listener, NULL);
  self->thread = g_thread_new ("chaos-proxy", run, self);
  return self;
}

static void
do_quit (ChaosProxy *self,
         gpointer    data)
{
  end_links (self, TRUE);
  stop_listening (self);
  g_main_loop_quit (self->loop);
}

void
chaos_proxy_free (ChaosProxy *self)
{
  if (self->thread != NULL)
    {
      invoke (self, do_quit, NULL);
      g_thread_join (self->thread);
    }
  stop_listening (self);
  g_ptr_array_unref (self->links);
  g_object_unref (self->address);
  g_object_unref (self->server);
  g_main_loop_unref (self->loop);
  g_main_context_unref (self->context);
  g_free (self->pattern);
  g_free (self);
}
