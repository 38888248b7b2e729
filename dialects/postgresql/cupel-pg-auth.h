/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "cupel-pg-settings.h"

#include <libpq-fe.h>

G_BEGIN_DECLS

/* libpq answers whatever a server asks for, up to version 15: with the password in clear if need be. So the question is read before
 * libpq reads it. */
typedef struct
{
  guint    allowed;    /* CupelPgAuth */
  gboolean asked;      /* in a way that is allowed; its end is no login without any */
} CupelPgAuthCheck;

/* Before PQconnectPoll (). Suspends while the server has sent half a question. */
gboolean cupel_pg_auth_check (CupelPgAuthCheck  *self,
                              PGconn            *conn,
                              const char        *where,
                              gint64             deadline,
                              GCancellable      *cancellable,
                              GError           **error);

/* A function of the OpenSSL that libpq uses; NULL: it uses none. */
gpointer cupel_pg_find_openssl (const char *function);

G_END_DECLS
