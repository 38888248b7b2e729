/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Connecting by Connector/C, on a thread. The library looks names up by itself, and compares the certificate with what it was given
 * as a host. So that it connects to the address that was chosen, and yet compares with the name, it is given the address, and the name
 * is put in its place when TLS begins: OpenSSL tells when the object of the connection is made, which is after connecting and before
 * the certificate is looked at. If OpenSSL did not tell, the address would be compared, and refused. */

#include "cupel-mysql-private.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CUPEL_MYSQL_STACK          (512 * 1024)
#define CUPEL_MYSQL_AUTH_PLUGINS   "mysql_native_password,client_ed25519"
#define CUPEL_MYSQL_UNSAFE         "MARIADB_TLS_DISABLE_PEER_VERIFICATION"

/* The attempt of this thread. */
static GPrivate current = G_PRIVATE_INIT (NULL);

/* Whether the handshake failed for want of a server: the link is at its end, and no side had an objection. One that ends too early OpenSSL
 * objects to itself, as to something that cannot be decoded. */
static void
cupel_mysql_on_tls_state (const SSL *tls,
                          int        where,
                          int        value)
{
  CupelMysqlAttempt *attempt = g_private_get (&current);
  char byte;
  ssize_t n;

  if (attempt == NULL || attempt->tls != tls)
    return;
  if ((where & SSL_CB_ALERT) != 0)
    {
      attempt->objected |= (where & SSL_CB_READ) != 0 || (value & 0xff) != SSL_AD_DECODE_ERROR;
      return;
    }
  if (where != SSL_CB_CONNECT_EXIT || value > 0 || attempt->objected)
    return;
  do
    n = recv (SSL_get_fd (tls), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  attempt->lost = n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
}

/* CRYPTO_EX_new: a connection of OpenSSL's was made, anybody's. */
static void
cupel_mysql_on_new_tls (void           *parent,
                        void           *value,
                        CRYPTO_EX_DATA *data,
                        int             index,
                        long            argl,
                        void           *argp)
{
  CupelMysqlAttempt *attempt = g_private_get (&current);

  if (attempt == NULL || attempt->tls != NULL)
    return;
  attempt->tls = parent;
  SSL_set_info_callback (parent, cupel_mysql_on_tls_state);
  g_atomic_int_set (&attempt->step, CUPEL_MYSQL_STEP_TLS);
  if (attempt->params->address != NULL && attempt->mysql->host != NULL)
    {
      free (attempt->mysql->host);   /* the library's own allocation, and it will free this one */
      attempt->mysql->host = strdup (attempt->params->host);
    }
}

static gboolean
cupel_mysql_has_openssl (void)
{
  static gsize once = 0;
  static gboolean has = FALSE;

  if (g_once_init_enter (&once))
    {
      const char *library = NULL;

      mariadb_get_infov (NULL, MARIADB_TLS_LIBRARY, &library);
      has = library != NULL && strstr (library, "OpenSSL") != NULL &&
            SSL_get_ex_new_index (0, NULL, cupel_mysql_on_new_tls, NULL, NULL) >= 0;
      g_once_init_leave (&once, 1);
    }
  return has;
}

/* Every wait of the library on this thread: one deadline for all of them, whatever a server drips. */
static int
cupel_mysql_wait_in_thread (my_socket fd,
                            my_bool   is_read,
                            int       timeout)
{
  CupelMysqlAttempt *attempt = g_private_get (&current);
  struct pollfd fds[2] = {
    { .fd = fd, .events = is_read ? POLLIN : POLLOUT },
    { .fd = attempt != NULL ? attempt->stop_fd : -1, .events = POLLIN },
  };

  if (attempt != NULL && is_read && g_atomic_int_get (&attempt->step) == CUPEL_MYSQL_STEP_CONNECT)
    g_atomic_int_set (&attempt->step, CUPEL_MYSQL_STEP_LOGIN);
  for (;;)
    {
      gint64 left = attempt != NULL ? attempt->deadline - g_get_monotonic_time () : G_MAXINT32;
      int ready = left <= 0 ? 0 : poll (fds, G_N_ELEMENTS (fds), (int) MIN (left / 1000 + 1, G_MAXINT32));

      if (ready < 0 && errno == EINTR)
        continue;
      if (ready > 0 && fds[1].revents != 0)
        ready = 0;
      if (ready == 0)
        errno = ETIMEDOUT;
      return ready;
    }
}

static gboolean
cupel_mysql_client_set_tls (const CupelMysqlParams  *params,
                            MYSQL                   *mysql,
                            GError                 **error)
{
  my_bool verify = params->tls == CUPEL_TLS_MODE_VERIFY_FULL;
  my_bool enforce = params->tls != CUPEL_TLS_MODE_DISABLE;

  if (params->tls >= CUPEL_TLS_MODE_VERIFY_CA && g_getenv (CUPEL_MYSQL_UNSAFE) != NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                           CUPEL_MYSQL_UNSAFE " is set, so the server's certificate would not be verified; "
                           "unset it, or say tls=require in the URL");
      return FALSE;
    }

  mysql_optionsv (mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
  mysql_optionsv (mysql, MYSQL_OPT_SSL_ENFORCE, &enforce);
  if (!enforce)
    return TRUE;

  /* Without any, the library believes whomever. With one, it looks at the certificate in every mode. */
  if (params->tls >= CUPEL_TLS_MODE_VERIFY_CA)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_CA, params->tls_ca != NULL ? params->tls_ca : CUPEL_MYSQL_SYSTEM_ROOTS);
  if (params->tls_cert != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_CERT, params->tls_cert);
  if (params->tls_key != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_KEY, params->tls_key);
  if (params->tls_crl != NULL)
    mysql_optionsv (mysql, MYSQL_OPT_SSL_CRL, params->tls_crl);
  /* To "enforce" is to do without when the server has none, unless its certificate is to be known; one without a print is any. */
  if (params->tls != CUPEL_TLS_MODE_PREFER)
    mysql_optionsv (mysql, MARIADB_OPT_SSL_FP, "");
  return TRUE;
}

gboolean
cupel_mysql_client_set_options (CupelMysqlAttempt  *attempt,
                                GError            **error)
{
  const CupelMysqlParams *params = attempt->params;
  MYSQL *mysql = attempt->mysql;
  unsigned int protocol = params->socket != NULL ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
  unsigned int local_infile = 0;
  unsigned int timeout = (unsigned int) CLAMP ((attempt->deadline - g_get_monotonic_time ()) / G_USEC_PER_SEC + 1, 1, 86400);
  size_t stack = CUPEL_MYSQL_STACK;
  /* Its password goes to the server, in clear or by a key that whoever is in between may have handed out. */
  gboolean is_private = params->socket != NULL || params->tls >= CUPEL_TLS_MODE_REQUIRE || params->allow_public_key_retrieval;

  mysql_optionsv (mysql, MYSQL_OPT_NONBLOCK, &stack);
  mysql_optionsv (mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
  mysql_optionsv (mysql, MARIADB_OPT_IO_WAIT, cupel_mysql_wait_in_thread);
  mysql_optionsv (mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  mysql_optionsv (mysql, MYSQL_OPT_LOCAL_INFILE, &local_infile);
  mysql_optionsv (mysql, MYSQL_OPT_PROTOCOL, &protocol);
  mysql_optionsv (mysql, MARIADB_OPT_RESTRICTED_AUTH,
                  is_private ? CUPEL_MYSQL_AUTH_PLUGINS ",caching_sha2_password" : CUPEL_MYSQL_AUTH_PLUGINS);
#ifdef CUPEL_MYSQL_PLUGIN_DIR
  mysql_optionsv (mysql, MYSQL_PLUGIN_DIR, CUPEL_MYSQL_PLUGIN_DIR);
#endif
  return cupel_mysql_client_set_tls (params, mysql, error);
}

gboolean
cupel_mysql_client_connect (CupelMysqlAttempt *attempt)
{
  const CupelMysqlParams *params = attempt->params;
  MYSQL *mysql = attempt->mysql;
  /* Another TLS cannot be told the name: then the library looks it up once more. */
  gboolean by_address = params->address != NULL && (params->tls < CUPEL_TLS_MODE_VERIFY_FULL || cupel_mysql_has_openssl ());
  gboolean connected;

  cupel_mysql_has_openssl ();
  g_private_set (&current, attempt);
  connected = mysql_real_connect (mysql, by_address ? params->address : params->host, params->user, params->password,
                                  params->database, params->port, params->socket, CLIENT_FOUND_ROWS) != NULL &&
              mysql_real_query (mysql, CUPEL_MYSQL_INIT, strlen (CUPEL_MYSQL_INIT)) == 0;
  g_private_set (&current, NULL);
  if (connected)
    mysql_optionsv (mysql, MARIADB_OPT_IO_WAIT, NULL);
  return connected;
}

static gboolean
cupel_mysql_is_for_name (SSL        *tls,
                         const char *name)
{
  X509 *certificate = SSL_get1_peer_certificate (tls);
  gboolean is = certificate != NULL && (X509_check_host (certificate, name, 0, 0, NULL) == 1 ||
                                        X509_check_ip_asc (certificate, name, 0) == 1);

  X509_free (certificate);
  return is;
}

gboolean
cupel_mysql_client_verify (CupelMysqlAttempt  *attempt,
                           GError            **error)
{
  const CupelMysqlParams *params = attempt->params;
  const char *fault = NULL;

  if (params->tls < CUPEL_TLS_MODE_REQUIRE)
    return TRUE;
  if (mysql_get_ssl_cipher (attempt->mysql) == NULL)
    fault = "is without TLS";
  else if (params->tls >= CUPEL_TLS_MODE_VERIFY_CA && attempt->tls != NULL && SSL_get_verify_result (attempt->tls) != X509_V_OK)
    fault = "has a certificate of an authority that is not trusted";
  else if (params->tls >= CUPEL_TLS_MODE_VERIFY_CA && attempt->tls == NULL && cupel_mysql_has_openssl ())
    fault = "has a certificate that was not looked at";
  else if (params->tls == CUPEL_TLS_MODE_VERIFY_FULL && attempt->tls != NULL && !cupel_mysql_is_for_name (attempt->tls, params->host))
    fault = "has a certificate for another host";
  if (fault == NULL)
    return TRUE;

  cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &(CupelErrorDetails) { .disconnect = TRUE },
                                "The connection to MySQL at %s (TLS) %s", params->where, fault);
  return FALSE;
}
