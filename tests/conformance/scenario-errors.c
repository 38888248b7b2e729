/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What goes wrong: each with an error class and a text of its own, and everything usable afterwards. */

#include "conformance-model.h"
#include "conformance-scenarios.h"

#define PASSWORD "pass-canary-word"

/* An error of making an engine or of its first connection; NULL: there was none */
static GError *
try_url (const char *url)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelEngine) engine = cupel_engine_new (url, &error);
  g_autoptr(CupelConnection) connection = NULL;

  if (engine != NULL && (connection = cupel_engine_connect (engine, NULL, &error)) != NULL)
    cupel_connection_close (connection, NULL, NULL);
  if (engine != NULL)
    {
      CupelPool *pool = cupel_engine_get_pool (engine);

      if (pool != NULL && cupel_pool_get_checked_out (pool) != 0)
        g_set_error (&error, CUPEL_ERROR, CUPEL_ERROR_INTERNAL, "a connection is lent still");
      cupel_engine_dispose (engine, NULL, NULL);
    }
  return g_steal_pointer (&error);
}

static void
check_url (CupelConformanceContext *c,
           const char              *step,
           const char              *url,
           CupelError               code,
           const char              *naming)
{
  g_autoptr(GError) error = try_url (url);

  cupel_conformance_check_error (c, step, "the refusal", error, code, naming);
  cupel_conformance_check (c, step, error == NULL || strstr (error->message, PASSWORD) == NULL, "it does not show the password");
}

static gboolean
run_urls (CupelConformanceContext  *c,
          gpointer                  data,
          GError                  **error)
{
  g_autoptr(CupelUrl) url = cupel_url_new (cupel_conformance_context_get_url (c), error);
  static const struct
  {
    const char *step;
    const char *rest;       /* after the dialect */
    CupelError code;
    const char *naming;
  } bad[] = {
    { "port", "://u:" PASSWORD "@localhost:99999/d", CUPEL_ERROR_INVALID_URL, "port" },
    { "port", "://u:" PASSWORD "@localhost:12x/d", CUPEL_ERROR_INVALID_URL, "port" },
    { "escape", "://u:" PASSWORD "%zz@localhost/d", CUPEL_ERROR_INVALID_URL, "two hexadecimal digits" },
    { "escape", "://u:" PASSWORD "@localhost/d%00", CUPEL_ERROR_INVALID_URL, "control character" },
    { "host", "://u:" PASSWORD "@local;host/d", CUPEL_ERROR_INVALID_URL, "host" },
    { "host", "://u:" PASSWORD "@local=host/d", CUPEL_ERROR_INVALID_URL, "host" },
    { "host", "://u:" PASSWORD "@x%3A%2F%2Flocalhost/d", CUPEL_ERROR_INVALID_URL, "host" },
    { "option", "://?no_such_option=1", CUPEL_ERROR_INVALID_URL, "no_such_option" },
    { "driver", "+nosuchdriver://u:" PASSWORD "@localhost/d", CUPEL_ERROR_PLUGIN_NOT_FOUND, "nosuchdriver" },
  };
  const char *dialect, *host;

  if (url == NULL)
    return FALSE;
  dialect = cupel_url_get_dialect (url);
  host = cupel_url_get_host (url);

  check_url (c, "scheme", "nosuchdialect://u:" PASSWORD "@localhost/d", CUPEL_ERROR_PLUGIN_NOT_FOUND, "nosuchdialect");
  check_url (c, "scheme", "u:" PASSWORD "@localhost/d", CUPEL_ERROR_INVALID_URL, "://");
  check_url (c, "scheme", "../x://u:" PASSWORD "@localhost/d", CUPEL_ERROR_INVALID_URL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *text = g_strconcat (dialect, bad[i].rest, NULL);

      check_url (c, bad[i].step, text, bad[i].code, bad[i].naming);
    }

  if (host != NULL)
    {
      g_autofree char *down = g_strconcat (dialect, "://u:" PASSWORD "@127.0.0.1:1/d", NULL);
      g_autofree char *escaped = g_uri_escape_string (host, NULL, FALSE);
      g_autoptr(GString) refused = g_string_new (dialect);
      const char *const *options = cupel_url_get_option_names (url);

      check_url (c, "down", down, CUPEL_ERROR_CONNECTION, "127.0.0.1|1");
      g_string_append_printf (refused, "://cupel_nobody:" PASSWORD "@%s", escaped);
      if (cupel_url_get_port (url) > 0)
        g_string_append_printf (refused, ":%d", cupel_url_get_port (url));
      g_string_append_printf (refused, "/%s", cupel_url_get_database (url) != NULL ? cupel_url_get_database (url) : "");
      /* How to reach the server and to know it, as the URL says */
      for (guint i = 0; options != NULL && options[i] != NULL; i++)
        {
          g_autofree char *value = g_uri_escape_string (cupel_url_get_option (url, options[i]), NULL, FALSE);

          g_string_append_printf (refused, "%c%s=%s", i == 0 ? '?' : '&', options[i], value);
        }
      check_url (c, "password", refused->str, CUPEL_ERROR_AUTHENTICATION, "cupel_nobody");
    }
  else if (cupel_conformance_context_get_capabilities (c) & CUPEL_CAP_PERSISTENT)
    {
      g_autofree char *missing = g_strconcat (dialect, ":////no-such-folder/no-such-file", NULL);

      check_url (c, "down", missing, CUPEL_ERROR_CONNECTION, "no-such-file");
    }
  return TRUE;
}

/* Fails with @code, in a transaction with a row before it; afterwards that row is gone and the connection good. */
static gboolean
check_failure (CupelConformanceContext  *c,
               CupelEngine              *engine,
               const char               *step,
               const char               *sql,
               CupelError                code,
               const char               *naming,
               GError                  **error)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (engine, NULL, error);
  g_autoptr(CupelText) before = cupel_text_new ("INSERT INTO parent (id, name) VALUES (77, 'before')");
  g_autoptr(CupelText) bad = cupel_text_new (sql);
  g_autoptr(CupelText) after = cupel_text_new ("SELECT count(*) FROM parent");
  g_autoptr(CupelResult) first = NULL;
  g_autoptr(CupelResult) failed = NULL;
  g_autoptr(CupelResult) counted = NULL;
  g_autoptr(GError) local = NULL;
  gboolean integrity = code == CUPEL_ERROR_UNIQUE || code == CUPEL_ERROR_FOREIGN_KEY || code == CUPEL_ERROR_CHECK || code == CUPEL_ERROR_NOT_NULL;

  if (connection == NULL || (first = cupel_connection_execute (connection, CUPEL_STATEMENT (before), NULL, NULL, error)) == NULL)
    return FALSE;
  failed = cupel_connection_execute (connection, CUPEL_STATEMENT (bad), NULL, NULL, &local);
  cupel_conformance_check_error (c, step, sql, local, code, naming);
  cupel_conformance_check (c, step, cupel_error_is_integrity (local) == integrity, "a broken constraint: %s", integrity ? "yes" : "no");
  cupel_conformance_check (c, step, !cupel_error_is_disconnect (local) && !cupel_connection_is_invalidated (connection), "the connection lives on");
  cupel_conformance_check (c, step, cupel_connection_in_transaction (connection), "the transaction is to be ended by the program");
  if (!cupel_connection_rollback (connection, NULL, error))
    return FALSE;
  cupel_conformance_check (c, step, !cupel_connection_in_transaction (connection), "and is over after a rollback");
  if ((counted = cupel_connection_execute (connection, CUPEL_STATEMENT (after), NULL, NULL, error)) == NULL || !cupel_result_step (counted))
    return FALSE;
  cupel_conformance_check_int (c, step, "rows: that of before is undone", cupel_result_get_int64 (counted, 0), 1);
  if (!cupel_connection_close (connection, NULL, error))
    return FALSE;
  cupel_conformance_check_returned (c, step, engine);
  return TRUE;
}

static gboolean
execute_list (CupelConnection  *connection,
              gpointer          list,
              GCancellable     *cancellable,
              GError          **error)
{
  for (const char *const *sql = list; *sql != NULL; sql++)
    {
      g_autoptr(CupelText) text = cupel_text_new (*sql);
      g_autoptr(CupelResult) result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, cancellable, error);

      if (result == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
run_sql (CupelConformanceContext  *c,
         gpointer                  data,
         GError                  **error)
{
  static const char *const set_up[] = {
    "CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(20) UNIQUE)",
    "CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, amount INTEGER NOT NULL, parent_id INTEGER, "
    "CONSTRAINT amount_positive CHECK (amount > 0), "
    "FOREIGN KEY (parent_id) REFERENCES parent (id))",
    "INSERT INTO parent (id, name) VALUES (1, 'one')",
    NULL
  };
  static const char *const tear_down[] = { "DROP TABLE child", "DROP TABLE parent", NULL };
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  gboolean foreign_keys = cupel_conformance_context_get_capabilities (c) & CUPEL_CAP_FOREIGN_KEYS;
  const struct
  {
    const char *step;
    const char *sql;
    CupelError code;
    const char *naming;
  } bad[] = {
    { "syntax", "SELEC 1", CUPEL_ERROR_PROGRAMMING, "SELEC" },
    { "table", "SELECT * FROM no_such_table", CUPEL_ERROR_PROGRAMMING, "no_such_table" },
    { "column", "SELECT no_such_column FROM parent", CUPEL_ERROR_PROGRAMMING, "no_such_column" },
    { "unique", "INSERT INTO parent (id, name) VALUES (2, 'one')", CUPEL_ERROR_UNIQUE, "name" },
    { "key", "INSERT INTO parent (id, name) VALUES (1, 'two')", CUPEL_ERROR_UNIQUE, NULL },
    { "not null", "INSERT INTO child (id, amount) VALUES (1, NULL)", CUPEL_ERROR_NOT_NULL, "amount" },
    { "check", "INSERT INTO child (id, amount) VALUES (1, 0)", CUPEL_ERROR_CHECK, "amount_positive" },
    { "foreign", "INSERT INTO child (id, amount, parent_id) VALUES (1, 1, 4711)", CUPEL_ERROR_FOREIGN_KEY, NULL },
  };

  if (engine == NULL || !cupel_engine_begin (engine, execute_list, (gpointer) set_up, NULL, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    if ((bad[i].code != CUPEL_ERROR_FOREIGN_KEY || foreign_keys) &&
        !check_failure (c, engine, bad[i].step, bad[i].sql, bad[i].code, bad[i].naming, error))
      return FALSE;
  return cupel_engine_begin (engine, execute_list, (gpointer) tear_down, NULL, error);
}

typedef struct
{
  CupelSession *session;
  CupelEntity *entity;
  GError *error;
} Outside;

static void
read_outside (gpointer data)
{
  Outside *outside = data;

  cupel_entity_get_list (outside->entity, "bs", &outside->error);
}

static void
commit_outside (gpointer data)
{
  Outside *outside = data;

  cupel_session_commit (outside->session, NULL, &outside->error);
}

static gboolean
run_session (CupelConformanceContext  *c,
             gpointer                  data,
             GError                  **error)
{
  g_autoptr(CupelEngine) engine = cupel_conformance_context_create_engine (c, error);
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (strict_a_get_type (), strict_b_get_type (), G_TYPE_INVALID);
  g_autoptr(CupelSession) session = NULL;
  g_autoptr(CupelEntity) good = NULL;
  g_autoptr(CupelEntity) bad = NULL;
  g_autoptr(StrictA) a = NULL;
  g_autoptr(GError) local = NULL;
  Outside outside = { NULL, NULL, NULL };

  if (engine == NULL || !cupel_engine_create_all (engine, metadata, NULL, error))
    return FALSE;
  cupel_conformance_context_add_metadata (c, metadata);

  /* data is not null: neither object is inserted, and the session says so until it is rolled back */
  session = cupel_session_new (engine);
  good = model_new_parent (strict_a_get_type (), "good", 1, TRUE);
  bad = model_new_parent (strict_a_get_type (), "bad", 1, FALSE);
  if (!cupel_session_add (session, good, error) || !cupel_session_add (session, bad, error))
    return FALSE;
  cupel_conformance_check (c, "flush", !cupel_session_commit (session, NULL, &local), "the commit fails");
  cupel_conformance_check_error (c, "flush", "a flush that breaks a constraint", local, CUPEL_ERROR_NOT_NULL, "data");
  g_clear_error (&local);
  cupel_conformance_check_returned (c, "flush", engine);
  cupel_conformance_check (c, "flush", !cupel_session_flush (session, NULL, &local), "the next operation is refused");
  cupel_conformance_check_error (c, "flush", "until the rollback", local, CUPEL_ERROR_PENDING_ROLLBACK, "cupel_session_rollback");
  g_clear_error (&local);
  if (!cupel_session_rollback (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "flush", "rows in a", model_query_int (c, engine, "SELECT count(*) FROM a"), 0);
  cupel_conformance_check_int (c, "flush", "objects to insert after the rollback", cupel_session_get_n_new (session), 0);
  if (!cupel_session_add (session, good, error) || !cupel_session_commit (session, NULL, error))
    return FALSE;
  cupel_conformance_check_int (c, "flush", "rows in a, with the good one again", model_query_int (c, engine, "SELECT count(*) FROM a"), 1);
  if (!cupel_session_close (session, NULL, error))
    return FALSE;

  /* an attribute that is not loaded */
  if ((a = cupel_session_get_int64 (session, strict_a_get_type (), ((StrictA *) good)->id, NULL, error)) == NULL)
    return FALSE;
  cupel_conformance_context_take_counts (c, NULL);
  outside.session = session;
  outside.entity = CUPEL_ENTITY (a);
  cupel_call_on_main_stack (read_outside, &outside);
  cupel_conformance_check_error (c, "loop", "a read that would need I/O, outside a fiber", outside.error, CUPEL_ERROR_NOT_LOADED, "StrictA.bs");
  g_clear_error (&outside.error);
  cupel_call_on_main_stack (commit_outside, &outside);
  cupel_conformance_check_error (c, "loop", "a call that would keep the loop", outside.error, CUPEL_ERROR_MISSING_FIBER, "cupel_session_commit");
  g_clear_error (&outside.error);
  cupel_conformance_check_int (c, "loop", "statements", cupel_conformance_context_get_statements (c), 0);
  if (!cupel_session_close (session, NULL, error))
    return FALSE;
  cupel_conformance_check (c, "detached", cupel_entity_get_list (CUPEL_ENTITY (a), "bs", &local) == NULL, "a detached object loads nothing");
  cupel_conformance_check_error (c, "detached", "the read", local, CUPEL_ERROR_DETACHED, "StrictA.bs");
  cupel_conformance_check_string (c, "detached", "what was loaded", a->data, "good");
  cupel_conformance_check_returned (c, "detached", engine);
  return TRUE;
}

void
conformance_add_errors (void)
{
  conformance_add ("bad_urls", "URLs that cannot be used, a server that is down, a wrong password", CUPEL_CAP_NONE, run_urls, NULL);
  conformance_add ("bad_sql", "SQL that fails and constraints that are broken, and the transaction after", CUPEL_CAP_NONE, run_sql, NULL);
  conformance_add ("bad_session", "a flush that fails, and reads and calls that would keep the loop", CUPEL_CAP_NONE, run_session, NULL);
}
