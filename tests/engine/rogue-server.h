/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Servers on the loopback that do what a test wants, and a resolver that knows the names of tests. */

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _RogueServer RogueServer;

/* Serves one link, on a thread of it. The link is closed after. */
typedef void (*RogueFunc) (int fd, gpointer user_data);

RogueServer *rogue_server_new         (RogueFunc     func,
                                       gpointer      user_data);
void         rogue_server_free        (RogueServer  *self);
guint        rogue_server_get_port    (RogueServer  *self);
guint        rogue_server_get_n_links (RogueServer  *self);

/* FALSE: the other end is gone. */
gboolean     rogue_read               (int           fd,
                                       gpointer      data,
                                       gsize         length);
void         rogue_write              (int           fd,
                                       gconstpointer data,
                                       gsize         length);
/* The greeting of a MySQL server. */
void         rogue_greet              (int           fd,
                                       gboolean      has_tls,
                                       const char   *plugin);
/* One packet of MySQL's; NULL: the other end is gone. */
guint8      *rogue_read_packet        (int           fd,
                                       gsize        *length);
void         rogue_write_packet       (int           fd,
                                       guint8        number,
                                       gconstpointer data,
                                       gsize         length);
/* Until the other end closes the link. */
void         rogue_stall              (int           fd);

/* Makes the default resolver one that answers "*.test":
 * db.test: 127.0.0.1; other.test: 127.0.0.2; none.test: not found; slow.test: 127.0.0.1, after 5 seconds;
 * many.test: 127.0.0.11 to 127.0.0.25, and then 127.0.0.1 */
void         rogue_resolver_install   (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RogueServer, rogue_server_free)

G_END_DECLS
