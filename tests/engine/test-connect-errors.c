/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* How connecting fails, alike with every driver: what is wrong for good is not to be tried again, and no link was lost. For certificates
 * and for servers without TLS see test-tls.c, which asks the same of them. */

#include <cupel.h>

#include <string.h>

typedef enum
{
  WRONG_PASSWORD,
  NO_PASSWORD,
  UNKNOWN_USER,
  UNKNOWN_DATABASE,
  NO_SOCKET,
  NO_PORT,
  NO_FILE,
  N_FAILURES
} Failure;

static const char *const failure_names[N_FAILURES] = {
  "wrong-password", "no-password", "unknown-user", "unknown-database", "no-socket", "no-port", "no-file",
};

typedef struct
{
  const char *name;
  const char *variable;
  const char *driver;          /* nullable */
  gboolean    tells_reasons;   /* libdbi keeps to itself what PostgreSQL's refusal was for */
} Driver;

static const Driver drivers[] = {
  { "postgresql", "CUPEL_TEST_POSTGRESQL_AUTH_URL", NULL, TRUE },
  { "mysql", "CUPEL_TEST_MYSQL_AUTH_URL", NULL, TRUE },
  { "mysql9", "CUPEL_TEST_MYSQL9_AUTH_URL", NULL, TRUE },
  { "postgresql-dbi", "CUPEL_TEST_POSTGRESQL_AUTH_URL", "dbi", FALSE },
  { "mysql-dbi", "CUPEL_TEST_MYSQL_AUTH_URL", "dbi", TRUE },
};

typedef struct
{
  const Driver *driver;
  Failure       failure;
} Case;

/* The URL of the server with what makes it fail. */
static char *
make_url (const Driver *driver,
          Failure       failure)
{
  const char *url = g_getenv (driver->variable);
  const char *rest = strstr (url, "://") + 3;
  const char *at = strrchr (rest, '@');
  const char *options = strchr (at, '?');
  g_autofree char *scheme = g_strndup (url, (gsize) (rest - 3 - url));
  g_autofree char *full = driver->driver != NULL ? g_strconcat (scheme, "+", driver->driver, NULL) : g_strdup (scheme);
  g_autofree char *user = g_strndup (rest, strcspn (rest, ":"));
  g_autofree char *login = g_strndup (rest, (gsize) (at - rest));

  switch (failure)
    {
    case WRONG_PASSWORD:
      return g_strdup_printf ("%s://%s:wrong@/cupel%s", full, user, options);
    case NO_PASSWORD:
      return g_strdup_printf ("%s://%s@/cupel%s", full, user, options);
    case UNKNOWN_USER:
      return g_strdup_printf ("%s://cupel_nobody:wrong@/cupel%s", full, options);
    case UNKNOWN_DATABASE:
      {
        /* The user of MySQL's that may know that it does not exist. */
        g_autofree char *trusted = g_strndup (driver->variable, strlen (driver->variable) - strlen ("_AUTH_URL"));
        g_autofree char *variable = g_strconcat (trusted, "_URL", NULL);
        const char *other = strstr (g_getenv (variable), "://") + 3;
        g_autofree char *other_login = g_strndup (other, strcspn (other, "@"));

        return g_strdup_printf ("%s://%s@/cupel_nowhere%s", full, other_login, options);
      }
    case NO_SOCKET:
      return g_strdup_printf ("%s://%s@/cupel?host=/nowhere/at/all", full, login);
    case NO_PORT:
      return g_strdup_printf ("%s://%s@127.0.0.1:1/cupel?tls=disable", full, login);
    case NO_FILE:
      return g_strdup_printf ("%s://%s@127.0.0.1:1/cupel?tls=require&tls-cert=/nowhere/client.pem&tls-key=/nowhere/client.key", full,
                              login);
    case N_FAILURES:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
try_to_connect (gpointer       url,
                GCancellable  *cancellable,
                GError       **error)
{
  g_autoptr(CupelEngine) engine = cupel_engine_new (url, error);
  g_autoptr(CupelConnection) connection = engine != NULL ? cupel_engine_connect (engine, cancellable, error) : NULL;

  return connection != NULL;
}

static void
test_failure (gconstpointer data)
{
  const Case *c = data;
  const gboolean nobody = c->failure == NO_SOCKET || c->failure == NO_PORT;
  const gboolean login = c->failure == WRONG_PASSWORD || c->failure == NO_PASSWORD || c->failure == UNKNOWN_USER;
  g_autofree char *url = NULL;
  g_autoptr(GError) error = NULL;

  if (g_getenv (c->driver->variable) == NULL)
    {
      g_autofree char *reason = g_strdup_printf ("%s is not set", c->driver->variable);

      g_test_skip (reason);
      return;
    }
  url = make_url (c->driver, c->failure);
  g_assert_false (cupel_run (try_to_connect, url, NULL, &error));
  g_test_message ("%d, category %d: %s", error->code, cupel_error_get_category (error), error->message);
  if (g_error_matches (error, CUPEL_ERROR, CUPEL_ERROR_PLUGIN_NOT_FOUND))
    {
      g_test_skip ("the driver for libdbi was not built");
      return;
    }
  /* There is no TLS to give a certificate to. */
  if (c->failure == NO_FILE && g_strcmp0 (c->driver->name, "mysql-dbi") == 0)
    {
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL);
      return;
    }

  if (login && c->driver->tells_reasons)
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_AUTHENTICATION);
  else
    g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION);
  g_assert_cmpint (cupel_error_get_category (error), ==, nobody ? CUPEL_ERROR_CATEGORY_LOST : CUPEL_ERROR_CATEGORY_NONE);
  g_assert_cmpint (cupel_error_is_retryable (error), ==, nobody);
  g_assert_cmpint (cupel_error_is_disconnect (error), ==, nobody);
  if (c->failure == NO_FILE)
    g_assert_nonnull (strstr (error->message, "/nowhere/client.pem"));
  if (c->failure == UNKNOWN_DATABASE)
    g_assert_nonnull (strstr (error->message, "cupel_nowhere"));
}

int
main (int    argc,
      char **argv)
{
  static Case cases[G_N_ELEMENTS (drivers)][N_FAILURES];

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (drivers); i++)
    for (Failure j = 0; j < N_FAILURES; j++)
      {
        g_autofree char *path = g_strdup_printf ("/connect-errors/%s/%s", drivers[i].name, failure_names[j]);

        cases[i][j] = (Case) { &drivers[i], j };
        g_test_add_data_func (path, &cases[i][j], test_failure);
      }
  return g_test_run ();
}
