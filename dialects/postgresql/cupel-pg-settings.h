/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

/* How a server may ask who we are. */
typedef enum
{
  CUPEL_PG_AUTH_NONE     = 1 << 0,   /* not at all, or by a certificate */
  CUPEL_PG_AUTH_PASSWORD = 1 << 1,   /* in clear */
  CUPEL_PG_AUTH_MD5      = 1 << 2,
  CUPEL_PG_AUTH_SCRAM    = 1 << 3,
  CUPEL_PG_AUTH_GSS      = 1 << 4,
} CupelPgAuth;

/* What a URL asks for, checked. */
typedef struct
{
  const char *host;            /* NULL: the default directory of UNIX sockets */
  const char *address;         /* of host; NULL: it is a socket */
  gboolean    is_socket;
  guint       port;
  char       *user;
  char       *database;
  char       *where;           /* for messages */
  guint       auth;            /* CupelPgAuth */
  guint       statement_cache_size;
  gboolean    pooler;          /* between us and the server, and one transaction is all that is sure to be on one session */
  CupelNetworkOptions network;
} CupelPgSettings;

gboolean cupel_pg_settings_init  (CupelPgSettings      *settings,
                                  CupelUrl             *url,
                                  const CupelEndpoint  *endpoint,   /* nullable; it must outlive @settings */
                                  GError              **error);
void     cupel_pg_settings_clear (CupelPgSettings      *settings);

/* Keywords and values for PQconnectStartParams () with expand_dbname set: the first "dbname" is a constant that takes what the
 * environment says out of play; all that comes from the URL stands by itself and is never parsed. NULL-terminated, @values own
 * their strings. */
void     cupel_pg_settings_get_keywords (const CupelPgSettings  *settings,
                                         CupelUrl               *url,
                                         GPtrArray              *keywords,
                                         GPtrArray              *values);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelPgSettings, cupel_pg_settings_clear)

G_END_DECLS
