/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <gio/gio.h>

/* A proxy between a client and a server that does to their bytes what networks do. It has a thread of its own: a loop
 * that the test blocks does not stop it. Every function may be called from any thread and has taken effect when it returns. */
typedef struct _ChaosProxy ChaosProxy;

typedef enum
{
  CHAOS_PASS,
  CHAOS_REFUSE,       /* nobody listens; links that are there go on */
  CHAOS_RESET,        /* every link, and every new one, ends with a reset */
  CHAOS_FIN,          /* the same, with an orderly end */
  CHAOS_BLACKHOLE,    /* nothing is read and nothing written, as if packets were lost */
  CHAOS_ACK_ONLY,     /* the client's bytes are taken and nothing comes back, as a balancer does whose server is gone */
  CHAOS_DRIP,         /* a byte at a time, both ways */
  CHAOS_DELAY,        /* every segment comes later */
} ChaosMode;

typedef enum
{
  CHAOS_FRAMING_NONE,
  CHAOS_FRAMING_POSTGRESQL,
  CHAOS_FRAMING_MYSQL,
} ChaosFraming;

/* When something is about to pass, the mode changes; the first condition of those that are set. */
typedef struct
{
  ChaosMode   mode;
  const char *pattern;            /* the client sends this, which does not pass any more */
  guint64     after_bytes;        /* so many bytes of the server have passed since this was armed, and no more do */
  guint       after_messages;     /* the same, in whole messages of the server */
  gboolean    on_link;            /* a new link comes */
} ChaosTrigger;

ChaosProxy *chaos_proxy_new           (GSocketAddress      *server,
                                       ChaosFraming         framing,
                                       GError             **error);
void        chaos_proxy_free          (ChaosProxy          *self);
/* What came to it before has been passed on, or whatever the mode makes of it. */
void        chaos_proxy_settle        (ChaosProxy          *self);
/* Where it listens on 127.0.0.1 */
guint16     chaos_proxy_get_port      (ChaosProxy          *self);

void        chaos_proxy_set_mode      (ChaosProxy          *self,
                                       ChaosMode            mode);
/* Of DRIP and DELAY, in milliseconds */
void        chaos_proxy_set_interval  (ChaosProxy          *self,
                                       guint                interval);
/* What the server sends next is cut after @offset bytes, and the rest comes a moment later; 0: no more. Starts a new count. */
void        chaos_proxy_split         (ChaosProxy          *self,
                                       guint64              offset);
/* NULL disarms */
void        chaos_proxy_arm           (ChaosProxy          *self,
                                       const ChaosTrigger  *trigger);
/* When the trigger went off, by g_get_monotonic_time(); 0: it did not */
gint64      chaos_proxy_get_triggered (ChaosProxy          *self);

guint       chaos_proxy_get_n_links   (ChaosProxy          *self);
guint       chaos_proxy_get_n_accepted (ChaosProxy         *self);
/* What the server sent since the last arm or split */
guint64     chaos_proxy_get_n_bytes   (ChaosProxy          *self);
guint       chaos_proxy_get_n_messages (ChaosProxy         *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ChaosProxy, chaos_proxy_free)
