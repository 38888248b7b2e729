/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which certificates are taken for which server, in each mode, by both drivers. The server is in here: it tells whether a login, which
 * may have a password in it, came to it. */

#include <cupel.h>

#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rogue-server.h"

#define CANARY "S3cr3tCANARY"

typedef struct
{
  X509     *certificate;
  EVP_PKEY *key;
} Identity;

typedef enum
{
  RIGHT,
  WRONG_NAME,
  EXPIRED,
  SELF_SIGNED,
  UNKNOWN_AUTHORITY,
  N_CERTIFICATES,
} Certificate;

static const char *const certificate_names[] = { "right", "wrong-name", "expired", "self-signed", "unknown-authority" };
static Identity identities[N_CERTIFICATES];
static char *folder;
static char *authority_file;

static Identity
make_identity (const char     *name,
               const Identity *authority,   /* nullable: self-signed */
               gboolean        is_authority,
               long            days)
{
  static long serial = 1;
  Identity made = { X509_new (), EVP_EC_gen ("P-256") };
  X509_NAME *subject = X509_get_subject_name (made.certificate);
  X509V3_CTX context;
  g_autofree char *names = g_strdup_printf ("DNS:%s", name);
  X509_EXTENSION *extension;

  X509_set_version (made.certificate, 2);
  ASN1_INTEGER_set (X509_get_serialNumber (made.certificate), serial++);
  X509_gmtime_adj (X509_getm_notBefore (made.certificate), -10 * 86400);
  X509_gmtime_adj (X509_getm_notAfter (made.certificate), days * 86400);
  X509_set_pubkey (made.certificate, made.key);
  X509_NAME_add_entry_by_txt (subject, "CN", MBSTRING_ASC, (const guchar *) name, -1, -1, 0);
  X509_set_issuer_name (made.certificate, authority != NULL ? X509_get_subject_name (authority->certificate) : subject);
  X509V3_set_ctx (&context, authority != NULL ? authority->certificate : made.certificate, made.certificate, NULL, NULL, 0);
  extension = is_authority ? X509V3_EXT_conf_nid (NULL, &context, NID_basic_constraints, "critical,CA:TRUE")
                           : X509V3_EXT_conf_nid (NULL, &context, NID_subject_alt_name, names);
  g_assert_nonnull (extension);
  X509_add_ext (made.certificate, extension, -1);
  X509_EXTENSION_free (extension);
  g_assert_cmpint (X509_sign (made.certificate, authority != NULL ? authority->key : made.key, EVP_sha256 ()), >, 0);
  return made;
}

static void
make_identities (void)
{
  Identity authority = make_identity ("Cupel Test CA", NULL, TRUE, 10);
  Identity stranger = make_identity ("Another CA", NULL, TRUE, 10);
  FILE *file;

  identities[RIGHT] = make_identity ("db.test", &authority, FALSE, 10);
  identities[WRONG_NAME] = make_identity ("other.test", &authority, FALSE, 10);
  identities[EXPIRED] = make_identity ("db.test", &authority, FALSE, -1);
  identities[SELF_SIGNED] = make_identity ("db.test", NULL, FALSE, 10);
  identities[UNKNOWN_AUTHORITY] = make_identity ("db.test", &stranger, FALSE, 10);

  folder = g_dir_make_tmp ("cupel-tls-XXXXXX", NULL);
  authority_file = g_build_filename (folder, "ca.pem", NULL);
  file = g_fopen (authority_file, "w");
  g_assert_cmpint (PEM_write_X509 (file, authority.certificate), ==, 1);
  fclose (file);
  X509_free (authority.certificate);
  EVP_PKEY_free (authority.key);
  X509_free (stranger.certificate);
  EVP_PKEY_free (stranger.key);
}

/* the server */

typedef struct
{
  gboolean    is_mysql;
  gboolean    has_tls;
  Certificate certificate;
  gboolean    injects;       /* bytes behind the word that TLS begins */
  enum { STAYS, CLOSES, RESETS } end;   /* in the middle of the handshake */
  int         tls_logins;    /* atomic */
  int         plain_logins;
} Server;

static SSL *
begin_tls (Server *server,
           int     fd)
{
  SSL_CTX *context;
  SSL *tls;

  if (server->end != STAYS)
    {
      const struct linger at_once = { .l_onoff = 1 };
      char hello[4096];

      recv (fd, hello, sizeof hello, 0);
      if (server->end == RESETS)
        {
          int other = socket (AF_UNIX, SOCK_STREAM, 0);

          /* The number is still needed, and the link is not. */
          setsockopt (fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
          g_assert_cmpint (dup2 (other, fd), ==, fd);
          close (other);
        }
      return NULL;
    }

  context = SSL_CTX_new (TLS_server_method ());
  SSL_CTX_use_certificate (context, identities[server->certificate].certificate);
  SSL_CTX_use_PrivateKey (context, identities[server->certificate].key);
  tls = SSL_new (context);
  SSL_CTX_free (context);
  SSL_set_fd (tls, fd);
  if (SSL_accept (tls) == 1)
    return tls;
  SSL_free (tls);
  return NULL;
}

static void
serve_postgresql (Server *server,
                  int     fd)
{
  static const char refusal[] = "E\0\0\0\x21" "SFATAL\0" "C28P01\0" "Mnobody of us\0";
  guint8 start[8];
  SSL *tls;

  if (!rogue_read (fd, start, sizeof start))
    return;
  if (memcmp (start + 4, "\x04\xd2\x16\x2f", 4) == 0)
    {
      if (server->injects)
        rogue_write (fd, "SR\0\0\0\x08\0\0\0\x03", 10);
      else
        rogue_write (fd, server->has_tls ? "S" : "N", 1);
      if (server->has_tls)
        {
          if ((tls = begin_tls (server, fd)) == NULL)
            return;
          if (SSL_read (tls, start, sizeof start) == sizeof start)
            g_atomic_int_inc (&server->tls_logins);
          SSL_write (tls, refusal, sizeof refusal);
          SSL_shutdown (tls);
          SSL_free (tls);
          return;
        }
      if (!rogue_read (fd, start, sizeof start))
        return;
    }
  g_atomic_int_inc (&server->plain_logins);
  rogue_write (fd, refusal, sizeof refusal);
}

static void
serve_mysql (Server *server,
             int     fd)
{
  static const char refusal[] = "\xff\x15\x04#28000nobody of us";
  guint8 packet[4 + sizeof refusal - 1] = { sizeof refusal - 1, 0, 0, 3 };
  g_autofree guint8 *reply = NULL;
  gsize length;
  SSL *tls;

  rogue_greet (fd, server->has_tls, "mysql_native_password");
  if ((reply = rogue_read_packet (fd, &length)) == NULL)
    return;
  memcpy (packet + 4, refusal, sizeof refusal - 1);
  if (length > 32)
    {
      g_atomic_int_inc (&server->plain_logins);
      packet[3] = 2;
      rogue_write (fd, packet, sizeof packet);
      return;
    }
  if ((tls = begin_tls (server, fd)) == NULL)
    return;
  if (SSL_read (tls, packet, 4) == 4)
    {
      char rest[4096];

      g_atomic_int_inc (&server->tls_logins);
      SSL_read (tls, rest, sizeof rest);
      packet[0] = sizeof refusal - 1;
      packet[1] = packet[2] = 0;
      packet[3] = 3;
      SSL_write (tls, packet, sizeof packet);
    }
  SSL_shutdown (tls);
  SSL_free (tls);
}

static void
serve (int      fd,
       gpointer data)
{
  Server *server = data;

  if (server->is_mysql)
    serve_mysql (server, fd);
  else
    serve_postgresql (server, fd);
}

/* What became of an attempt by @mode, NULL: the default. */
static GError *
try_server (Server     *server,
            const char *host,
            const char *mode,
            gboolean    with_authority)
{
  g_autoptr(RogueServer) rogue = rogue_server_new (serve, server);
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(CupelEngine) engine = NULL;
  g_autoptr(CupelConnection) connection = NULL;
  GError *error = NULL;

  server->tls_logins = server->plain_logins = 0;
  g_string_printf (text, "%s://me:" CANARY "@%s:%u/x?connect_timeout=20", server->is_mysql ? "mysql" : "postgresql", host,
                   rogue_server_get_port (rogue));
  if (mode != NULL)
    g_string_append_printf (text, "&tls=%s", mode);
  if (with_authority)
    g_string_append_printf (text, "&tls-ca=%s", authority_file);
  engine = cupel_engine_new (text->str, &error);
  g_assert_no_error (error);
  connection = cupel_engine_connect (engine, NULL, &error);
  g_assert_null (connection);
  g_assert_nonnull (error);
  g_assert_null (strstr (error->message, CANARY));
  g_test_message ("%s: %s", mode != NULL ? mode : "default", error->message);
  return error;
}

static void
check (Server     *server,
       const char *host,
       const char *mode,
       gboolean    with_authority,
       gboolean    taken,
       gboolean    in_tls)
{
  g_autoptr(GError) error = try_server (server, host, mode, with_authority);
  int code = taken ? CUPEL_ERROR_AUTHENTICATION : CUPEL_ERROR_CONNECTION;

  g_test_message ("%s, %s, tls=%s, %s a CA", host, certificate_names[server->certificate], mode != NULL ? mode : "(default)",
                  with_authority ? "with" : "without");
  g_assert_cmpint (g_atomic_int_get (&server->tls_logins), ==, (taken && in_tls));
  /* What a server refuses, libpq tries again in clear: to prefer TLS is to do without. */
  if (server->is_mysql || g_strcmp0 (mode, "prefer") != 0)
    g_assert_cmpint (g_atomic_int_get (&server->plain_logins), ==, (taken && !in_tls));
  g_assert_error (error, CUPEL_ERROR, code);
  /* It is the same the next time. */
  g_assert_cmpint (cupel_error_get_category (error), ==, CUPEL_ERROR_CATEGORY_NONE);
  g_assert_false (cupel_error_is_retryable (error));
  g_assert_false (cupel_error_is_disconnect (error));
  if (!taken)
    g_assert_true (strstr (error->message, "TLS") != NULL || strstr (error->message, "SSL") != NULL);
}

static void
test_certificates (gconstpointer is_mysql)
{
  /* verify-full, verify-ca, require, prefer */
  static const gboolean taken[N_CERTIFICATES][4] = {
    [RIGHT] = { TRUE, TRUE, TRUE, TRUE },
    [WRONG_NAME] = { FALSE, TRUE, TRUE, TRUE },
    [EXPIRED] = { FALSE, FALSE, TRUE, TRUE },
    [SELF_SIGNED] = { FALSE, FALSE, TRUE, TRUE },
    [UNKNOWN_AUTHORITY] = { FALSE, FALSE, TRUE, TRUE },
  };
  static const char *const modes[] = { "verify-full", "verify-ca", "require", "prefer" };

  for (guint i = 0; i < N_CERTIFICATES; i++)
    {
      Server server = { .is_mysql = is_mysql != NULL, .has_tls = TRUE, .certificate = i };

      check (&server, "db.test", NULL, TRUE, taken[i][0], TRUE);
      for (guint j = 0; j < G_N_ELEMENTS (modes); j++)
        check (&server, "db.test", modes[j], j < 2, taken[i][j], TRUE);
      check (&server, "db.test", "disable", FALSE, TRUE, FALSE);
    }
}

/* The loopback is a network as others are: its number does not stand for a name. Nor is an authority of nobody's trusted. */
static void
test_no_exceptions (gconstpointer is_mysql)
{
  Server server = { .is_mysql = is_mysql != NULL, .has_tls = TRUE, .certificate = RIGHT };

  check (&server, "127.0.0.1", NULL, TRUE, FALSE, TRUE);
  check (&server, "other.test", NULL, TRUE, FALSE, TRUE);
  check (&server, "db.test", NULL, FALSE, FALSE, TRUE);
  check (&server, "db.test", "verify-ca", FALSE, FALSE, TRUE);
}

/* Somebody in between says that there is no TLS. */
static void
test_stripped (gconstpointer is_mysql)
{
  static const char *const modes[] = { NULL, "verify-full", "verify-ca", "require" };
  Server server = { .is_mysql = is_mysql != NULL, .has_tls = FALSE };

  for (guint i = 0; i < G_N_ELEMENTS (modes); i++)
    check (&server, "db.test", modes[i], i < 3, FALSE, FALSE);
  check (&server, "db.test", "prefer", FALSE, TRUE, FALSE);
}

#ifdef CONNECTOR_C
/* The server goes away in the middle of the handshake, as one that is restarted does: that is no fault of a certificate. Oracle's library
 * does not tell the one from the other. */
static void
test_goes (void)
{
  for (guint end = CLOSES; end <= RESETS; end++)
    {
      Server server = { .is_mysql = TRUE, .has_tls = TRUE, .certificate = RIGHT, .end = end };
      g_autoptr(GError) error = try_server (&server, "db.test", NULL, TRUE);

      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
      g_assert_true (cupel_error_is_retryable (error));
      g_assert_true (cupel_error_is_disconnect (error));
    }
}
#endif

/* Bytes in clear behind the word that TLS begins are not the server's (CVE-2021-23222). */
static void
test_injected (void)
{
  Server server = { .has_tls = TRUE, .certificate = RIGHT, .injects = TRUE };
  g_autoptr(GError) error = try_server (&server, "db.test", NULL, TRUE);

  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_cmpint (g_atomic_int_get (&server.tls_logins), ==, 0);
}

/* A variable that switches the library's verification off is no way around it. */
static void
test_environment (void)
{
  Server server = { .is_mysql = TRUE, .has_tls = TRUE, .certificate = SELF_SIGNED };
  g_autoptr(GError) error = NULL;

  g_setenv ("MARIADB_TLS_DISABLE_PEER_VERIFICATION", "1", TRUE);
  error = try_server (&server, "db.test", NULL, TRUE);
  g_unsetenv ("MARIADB_TLS_DISABLE_PEER_VERIFICATION");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_cmpint (server.tls_logins + server.plain_logins, ==, 0);
}

/* Nor are libpq's, which would ask for less. */
static void
test_environment_postgresql (void)
{
  Server server = { .has_tls = TRUE, .certificate = SELF_SIGNED };
  g_autoptr(GError) error = NULL;

  g_setenv ("PGSSLMODE", "disable", TRUE);
  g_setenv ("PGREQUIRESSL", "0", TRUE);
  error = try_server (&server, "db.test", NULL, TRUE);
  g_unsetenv ("PGSSLMODE");
  g_unsetenv ("PGREQUIRESSL");
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_cmpint (server.tls_logins + server.plain_logins, ==, 0);
}

/* Nor what option files say, which the library reads when it is told to. */
static void
test_option_files (void)
{
  static const char text[] = "[client]\nport=1\nsocket=/nowhere\ndisable-ssl\ndisable-ssl-verify-server-cert\n"
                             "[client-mariadb]\nport=1\ndisable-ssl-verify-server-cert\n";
  g_autofree char *home = g_strdup (g_getenv ("HOME"));
  g_autofree char *own = g_build_filename (folder, ".my.cnf", NULL);
  g_autofree char *common = g_build_filename (folder, "my.cnf", NULL);
  Server right = { .is_mysql = TRUE, .has_tls = TRUE, .certificate = RIGHT };
  Server wrong = { .is_mysql = TRUE, .has_tls = TRUE, .certificate = SELF_SIGNED };

  g_assert_true (g_file_set_contents (own, text, -1, NULL));
  g_assert_true (g_file_set_contents (common, text, -1, NULL));
  g_setenv ("HOME", folder, TRUE);
  g_setenv ("MYSQL_HOME", folder, TRUE);
  g_setenv ("MARIADB_HOME", folder, TRUE);
  check (&right, "db.test", NULL, TRUE, TRUE, TRUE);
  check (&wrong, "db.test", NULL, TRUE, FALSE, TRUE);
  g_unsetenv ("MYSQL_HOME");
  g_unsetenv ("MARIADB_HOME");
  if (home != NULL)
    g_setenv ("HOME", home, TRUE);
  else
    g_unsetenv ("HOME");
  g_unlink (own);
  g_unlink (common);
}

int
main (int    argc,
      char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);   /* of the server: OpenSSL writes as it likes */
  rogue_resolver_install ();
  make_identities ();
  g_test_add_data_func ("/tls/postgresql/certificates", NULL, test_certificates);
  g_test_add_data_func ("/tls/postgresql/no-exceptions", NULL, test_no_exceptions);
  g_test_add_data_func ("/tls/postgresql/stripped", NULL, test_stripped);
  g_test_add_func ("/tls/postgresql/injected", test_injected);
  g_test_add_func ("/tls/postgresql/environment", test_environment_postgresql);
  g_test_add_data_func ("/tls/mysql/certificates", "mysql", test_certificates);
  g_test_add_data_func ("/tls/mysql/no-exceptions", "mysql", test_no_exceptions);
  g_test_add_data_func ("/tls/mysql/stripped", "mysql", test_stripped);
#ifdef CONNECTOR_C
  g_test_add_func ("/tls/mysql/goes", test_goes);
#endif
  g_test_add_func ("/tls/mysql/environment", test_environment);
  g_test_add_func ("/tls/mysql/option-files", test_option_files);
  status = g_test_run ();

  for (guint i = 0; i < N_CERTIFICATES; i++)
    {
      X509_free (identities[i].certificate);
      EVP_PKEY_free (identities[i].key);
    }
  g_unlink (authority_file);
  g_rmdir (folder);
  g_free (authority_file);
  g_free (folder);
  return status;
}
