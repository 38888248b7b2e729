/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The servers' own TLS: see ci/servers --tls. Their certificates are for the name "localhost". */

#include <cupel.h>

#include <string.h>

typedef struct
{
  const char *name;
  const char *variable;
  const char *plain_variable;   /* the same kind of server, without TLS */
  const char *ask_tls;          /* 1: this session has it */
} Server;

static const Server servers[] = {
  { "postgresql", "CUPEL_TEST_POSTGRESQL_TLS_URL", "CUPEL_TEST_POSTGRESQL_TCP_URL",
    "SELECT count(*) FROM pg_stat_ssl WHERE ssl AND pid = pg_backend_pid()" },
  { "mysql", "CUPEL_TEST_MYSQL_TLS_URL", "CUPEL_TEST_MYSQL_TCP_URL",
    "SELECT count(*) FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher' AND variable_value <> ''" },
};

/* @url up to its options, with others. */
static char *
with_options (const char *url,
              const char *host,
              const char *options)
{
  g_autofree char *base = g_strndup (url, strcspn (url, "?"));
  g_autofree char *full = g_strconcat (base, "?", options, NULL);
  g_auto(GStrv) parts = g_strsplit (full, "@localhost:", 2);

  return host != NULL && parts[1] != NULL ? g_strconcat (parts[0], "@", host, ":", parts[1], NULL) : g_strdup (full);
}

/* The value of the option tls-ca, which is the last one. */
static const char *
get_authority (const Server *server)
{
  const char *option = strstr (g_getenv (server->variable), "tls-ca=");

  g_assert_nonnull (option);
  return option + strlen ("tls-ca=");
}

typedef struct
{
  const char *url;
  const char *sql;
  gint64      number;
} Question;

static gboolean
run_question (gpointer       data,
              GCancellable  *cancellable,
              GError       **error)
{
  Question *question = data;
  g_autoptr(CupelEngine) engine = cupel_engine_new (question->url, error);
  g_autoptr(CupelConnection) connection = engine != NULL ? cupel_engine_connect (engine, NULL, error) : NULL;
  g_autoptr(CupelText) text = cupel_text_new (question->sql);
  g_autoptr(CupelResult) result = NULL;

  if (connection == NULL)
    return FALSE;
  result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, error);
  if (result == NULL)
    return FALSE;
  g_assert_true (cupel_result_step (result));
  question->number = cupel_result_get_int64 (result, 0);
  g_clear_object (&result);
  return cupel_connection_close (connection, NULL, error) && cupel_engine_dispose (engine, NULL, error);
}

/* @n_tls: of sessions, 1 or 0 */
static void
check_accepted (const Server *server,
                const char   *url,
                int           n_tls)
{
  Question question = { .url = url, .sql = server->ask_tls, .number = -1 };
  g_autoptr(GError) error = NULL;

  cupel_run (run_question, &question, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (question.number, ==, n_tls);
}

static void
check_refused (const Server *server,
               const char   *url,
               const char   *reason)
{
  Question question = { .url = url, .sql = server->ask_tls };
  g_autoptr(GError) error = NULL;

  g_assert_false (cupel_run (run_question, &question, NULL, &error));
  g_assert_nonnull (error);
  g_test_message ("%s: %s", server->name, error->message);
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_nonnull (strstr (error->message, reason));
}

static void
test_right (const Server *server)
{
  const char *url = g_getenv (server->variable);
  g_autofree char *require = with_options (url, "127.0.0.1", "tls=require");
  g_autofree char *prefer = with_options (url, "127.0.0.1", "tls=prefer");
  g_autofree char *disable = with_options (url, NULL, "tls=disable");
  g_autofree char *ca = g_strconcat ("tls=verify-ca&tls-ca=", get_authority (server), NULL);
  g_autofree char *verify_ca = with_options (url, "127.0.0.1", ca);

  check_accepted (server, url, 1);
  check_accepted (server, verify_ca, 1);
  check_accepted (server, require, 1);
  check_accepted (server, prefer, 1);
  check_accepted (server, disable, 0);
}

static void
test_wrong_name (const Server *server)
{
  g_autofree char *options = g_strconcat ("tls-ca=", get_authority (server), NULL);
  g_autofree char *url = with_options (g_getenv (server->variable), "127.0.0.1", options);

  check_refused (server, url, "127.0.0.1");
}

static void
test_unknown_authority (const Server *server)
{
  g_autofree char *other = g_strconcat ("tls-ca=", g_getenv ("CUPEL_TEST_TLS_OTHER_CA"), NULL);
  g_autofree char *by_other = with_options (g_getenv (server->variable), NULL, other);
  g_autofree char *by_system = with_options (g_getenv (server->variable), NULL, "tls=verify-full");

  check_refused (server, by_other, "certificate");
  check_refused (server, by_system, "certificate");
}

/* A server that has none, or from which somebody keeps it: the password does not go out in clear. */
static void
test_none_offered (const Server *server)
{
  const char *plain = g_getenv (server->plain_variable);
  g_autofree char *ca = g_strconcat ("tls=verify-full&tls-ca=", get_authority (server), NULL);
  g_autofree char *verify = NULL;
  g_autofree char *require = NULL;
  g_autofree char *prefer = NULL;

  if (plain == NULL)
    {
      g_autofree char *reason = g_strdup_printf ("%s is not set", server->plain_variable);

      g_test_skip (reason);
      return;
    }
  verify = with_options (plain, NULL, ca);
  require = with_options (plain, NULL, "tls=require");
  prefer = with_options (plain, NULL, "tls=prefer");
  check_refused (server, verify, "SSL");
  check_refused (server, require, "SSL");
  check_accepted (server, prefer, 0);
}

typedef struct
{
  const Server *server;
  void        (*func) (const Server *server);
} Case;

static void
run_case (gconstpointer data)
{
  const Case *c = data;

  if (g_getenv (c->server->variable) == NULL)
    {
      g_autofree char *reason = g_strdup_printf ("%s is not set", c->server->variable);

      g_test_skip (reason);
      return;
    }
  c->func (c->server);
}

int
main (int    argc,
      char **argv)
{
  static const struct
  {
    const char *name;
    void      (*func) (const Server *server);
  } tests[] = {
    { "right", test_right },
    { "wrong-name", test_wrong_name },
    { "unknown-authority", test_unknown_authority },
    { "none-offered", test_none_offered },
  };
  static Case cases[G_N_ELEMENTS (servers)][G_N_ELEMENTS (tests)];

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (servers); i++)
    for (guint j = 0; j < G_N_ELEMENTS (tests); j++)
      {
        g_autofree char *path = g_strdup_printf ("/tls-servers/%s/%s", servers[i].name, tests[j].name);

        cases[i][j] = (Case) { &servers[i], tests[j].func };
        g_test_add_data_func (path, &cases[i][j], run_case);
      }
  return g_test_run ();
}
