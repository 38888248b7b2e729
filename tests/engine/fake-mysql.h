/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* A server that says whatever a test wants, on a UNIX socket: logging in works, what follows is the test's. */

#include <gio/gio.h>

G_BEGIN_DECLS

#define FAKE_COM_QUERY         0x03
#define FAKE_COM_PING          0x0e
#define FAKE_COM_STMT_PREPARE  0x16
#define FAKE_COM_STMT_EXECUTE  0x17
#define FAKE_COM_STMT_CLOSE    0x19

typedef struct _FakeMysql     FakeMysql;
typedef struct _FakeMysqlLink FakeMysqlLink;

/* Answers one command, on a thread of the link. FALSE: close the link. */
typedef gboolean (*FakeMysqlFunc) (FakeMysqlLink *link,
                                   guint          command,
                                   const char    *text,       /* NUL-terminated */
                                   gsize          length,
                                   gpointer       user_data);

FakeMysql  *fake_mysql_new         (FakeMysqlFunc   func,
                                    gpointer        user_data);
void        fake_mysql_free        (FakeMysql      *fake);
char       *fake_mysql_dup_url     (FakeMysql      *fake);
/* Links that come after so many are refused, as by a server that is full. */
void        fake_mysql_set_limit   (FakeMysql      *fake,
                                    guint           n_links);
guint       fake_mysql_get_n_links (FakeMysql      *fake);

/* The packets of an answer follow each other in number. */
void        fake_mysql_send        (FakeMysqlLink  *link,
                                    gconstpointer   data,
                                    gsize           length);
void        fake_mysql_send_raw    (FakeMysqlLink  *link,
                                    gconstpointer   data,
                                    gsize           length);
void        fake_mysql_skip_number (FakeMysqlLink  *link);
void        fake_mysql_send_ok     (FakeMysqlLink  *link);
void        fake_mysql_send_eof    (FakeMysqlLink  *link);
void        fake_mysql_send_error  (FakeMysqlLink  *link,
                                    guint           code,
                                    const char     *text);
/* The number of columns, and their descriptions up to the mark of their end. */
void        fake_mysql_send_columns (FakeMysqlLink *link,
                                    guint           n_columns,
                                    guint8          type);
/* What the client sends in the middle of an answer; NULL: it closed the link. */
char       *fake_mysql_receive     (FakeMysqlLink  *link,
                                    gsize          *length);
/* Until the client closes the link. */
void        fake_mysql_stall       (FakeMysqlLink  *link);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FakeMysql, fake_mysql_free)

G_END_DECLS
