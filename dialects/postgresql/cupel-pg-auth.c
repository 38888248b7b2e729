/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-auth.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

/* An 'R', a length, a code. */
#define QUESTION_BYTES 9
/* Questions are short; more than one is not to be answered. */
#define PEEK_BYTES     2048
/* Between two looks at a message that is not whole: the socket is readable all the time. */
#define PATIENCE       (5 * G_TIME_SPAN_MILLISECOND)

gpointer
cupel_pg_find_openssl (const char *function)
{
  Dl_info info;
  gpointer libpq = dladdr ((const void *) PQconnectPoll, &info) != 0 ? dlopen (info.dli_fname, RTLD_LAZY | RTLD_NOLOAD) : NULL;

  /* A handle finds what its library depends on, too. It stays: so does the module. */
  return libpq != NULL ? dlsym (libpq, function) : NULL;
}

/* How many bytes there are to see; 0: the end, or nothing yet that TLS could decrypt. */
static gssize
peek (PGconn *conn,
      guint8 *bytes,
      gsize   length)
{
  static gsize once = 0;
  static int (*ssl_peek) (void *ssl, void *buffer, int size) = NULL;
  void *ssl = PQsslInUse (conn) ? PQsslStruct (conn, "OpenSSL") : NULL;

  if (g_once_init_enter (&once))
    {
      *(void **) &ssl_peek = cupel_pg_find_openssl ("SSL_peek");
      g_once_init_leave (&once, 1);
    }
  if (ssl != NULL)
    return ssl_peek != NULL ? MAX (ssl_peek (ssl, bytes, (int) length), 0) : 0;
  return MAX (recv (PQsocket (conn), bytes, length, MSG_PEEK | MSG_DONTWAIT), 0);
}

static gboolean
refuse (const char  *where,
        const char  *how,
        const char  *option,
        GError     **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION,
               "PostgreSQL at %s %s, which is refused: let the server ask by scram-sha-256, or allow it with the URL option auth=%s",
               where, how, option);
  return FALSE;
}

static gboolean
judge (CupelPgAuthCheck  *self,
       guint32            code,
       const char        *where,
       GError           **error)
{
  switch (code)
    {
    case 0:     /* logged in */
      if (!self->asked && !(self->allowed & CUPEL_PG_AUTH_NONE))
        return refuse (where, "lets everybody in", "none", error);
      return TRUE;
    case 3:
      if (!(self->allowed & CUPEL_PG_AUTH_PASSWORD))
        return refuse (where, "asks for the password in clear", "password", error);
      break;
    case 5:
      if (!(self->allowed & CUPEL_PG_AUTH_MD5))
        return refuse (where, "asks for the password as md5", "md5", error);
      break;
    case 10: case 11: case 12:
      if (!(self->allowed & CUPEL_PG_AUTH_SCRAM))
        return refuse (where, "asks for the password as scram-sha-256", "scram-sha-256", error);
      break;
    case 7: case 8: case 9:
      if (!(self->allowed & CUPEL_PG_AUTH_GSS))
        return refuse (where, "asks for a ticket of Kerberos", "gss", error);
      break;
    default:    /* libpq knows no other, and says so */
      break;
    }
  self->asked = TRUE;
  return TRUE;
}

gboolean
cupel_pg_auth_check (CupelPgAuthCheck  *self,
                     PGconn            *conn,
                     const char        *where,
                     gint64             deadline,
                     GCancellable      *cancellable,
                     GError           **error)
{
  /* From 16 on libpq does this itself. */
  if (PQlibVersion () >= 160000 || PQstatus (conn) != CONNECTION_AWAITING_RESPONSE)
    return TRUE;

  for (;;)
    {
      struct pollfd link = { .fd = PQsocket (conn), .events = POLLRDHUP };
      /* Looked at first: then what is there is all that there will be, and libpq says so of half a message. */
      const gboolean ended = poll (&link, 1, 0) > 0;
      guint8 bytes[PEEK_BYTES];
      gssize n = peek (conn, bytes, sizeof bytes);
      g_autoptr(CupelCompletion) never = NULL;
      g_autoptr(GError) local = NULL;

      if (n == 0 || bytes[0] != 'R')
        return TRUE;
      if (n >= QUESTION_BYTES)
        {
          guint32 code = (guint32) bytes[5] << 24 | (guint32) bytes[6] << 16 | (guint32) bytes[7] << 8 | bytes[8];
          guint32 length = (guint32) bytes[1] << 24 | (guint32) bytes[2] << 16 | (guint32) bytes[3] << 8 | bytes[4];

          /* A question right behind another one would be read by libpq and not by us. */
          if (!judge (self, code, where, error))
            return FALSE;
          if (code == 0 || code == 12 || length >= (guint32) n - 1)
            return TRUE;
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "What answers at %s does not keep to PostgreSQL's protocol", where);
          return FALSE;
        }

      if (ended)
        return TRUE;

      never = cupel_completion_new ();
      if (g_get_monotonic_time () + PATIENCE < deadline || deadline == CUPEL_NO_DEADLINE)
        {
          if (!cupel_completion_wait (never, g_get_monotonic_time () + PATIENCE, cancellable, &local) &&
              g_error_matches (local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT))
            continue;
        }
      else
        g_set_error (&local, CUPEL_ERROR, CUPEL_ERROR_TIMEOUT, "Connecting to PostgreSQL at %s (logging in) took too long", where);
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
}
