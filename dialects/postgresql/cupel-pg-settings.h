/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

G_BEGIN_DECLS

/* What a URL asks for, checked. */
typedef struct
{
  const char *host;            /* NULL: the default directory of UNIX sockets */
  gboolean    is_socket;
  gboolean    is_loopback;
  guint       port;
  char       *user;
  char       *database;
  char       *where;           /* for messages */
  gboolean    use_environment;
  guint       connect_timeout; /* seconds */
  guint       statement_cache_size;
} CupelPgSettings;

gboolean cupel_pg_settings_init  (CupelPgSettings  *settings,
                                  CupelUrl         *url,
                                  GError          **error);
void     cupel_pg_settings_clear (CupelPgSettings  *settings);

/* Keywords and values for PQconnectStartParams () with expand_dbname set: the first "dbname" is a constant that takes what the
 * environment says out of play; all that comes from the URL stands by itself and is never parsed. NULL-terminated, @values own
 * their strings. */
void     cupel_pg_settings_get_keywords (const CupelPgSettings  *settings,
                                         CupelUrl               *url,
                                         const char             *address,    /* nullable: numeric, of the host */
                                         GPtrArray              *keywords,
                                         GPtrArray              *values);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelPgSettings, cupel_pg_settings_clear)

G_END_DECLS
