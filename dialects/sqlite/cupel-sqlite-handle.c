/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The sqlite3 handle of a connection: opening, its callbacks, its own statements, closing. All on the worker. */

#include "cupel-sqlite-jobs.h"
#include "cupel-sqlite-error.h"
#include "cupel-sqlite-vfs.h"

#include <errno.h>

/* How often a running statement looks whether it shall end, in instructions of SQLite's machine. */
#define PROGRESS_OPS 1000
/* On a thread that must not be kept: with the longest value that one instruction may move, less than a millisecond. */
#define CLOSE_PROGRESS_OPS 50
#define CLOSE_LENGTH (64 * 1024)

static const char *const own_sql[CUPEL_SQLITE_N_OWN] = {
  [CUPEL_SQLITE_BEGIN]           = "BEGIN",
  [CUPEL_SQLITE_BEGIN_IMMEDIATE] = "BEGIN IMMEDIATE",
  [CUPEL_SQLITE_COMMIT]          = "COMMIT",
  [CUPEL_SQLITE_ROLLBACK]        = "ROLLBACK",
  [CUPEL_SQLITE_SAVEPOINT]       = "SAVEPOINT cupel_many",
  [CUPEL_SQLITE_RELEASE]         = "RELEASE cupel_many",
  [CUPEL_SQLITE_ROLLBACK_TO]     = "ROLLBACK TO cupel_many",
};

gboolean
cupel_sqlite_connection_is_interrupted (CupelSqliteConnection *self)
{
  return g_atomic_int_get (&self->interrupted) || (self->ahead != NULL && g_atomic_int_get (&self->ahead->cancelled));
}

gboolean
cupel_sqlite_connection_fail (CupelSqliteConnection  *self,
                              GError                **error)
{
  int code = self->db != NULL ? sqlite3_extended_errcode (self->db) : SQLITE_MISUSE;

  if (cupel_sqlite_connection_is_interrupted (self))
    {
      /* Whoever waits knows better: a cancellation or a deadline. */
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The operation was cancelled");
      return FALSE;
    }
  if (cupel_sqlite_code_is_lost (code))
    g_atomic_int_set (&self->broken, TRUE);
  if ((code & 0xff) == SQLITE_READONLY && self->in_read_only)
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_PROGRAMMING,
                                    &(CupelErrorDetails) { .native_code = code, .category = CUPEL_ERROR_CATEGORY_PROGRAM },
                                    "The transaction was begun as read-only: %s", sqlite3_errmsg (self->db));
      return FALSE;
    }
  g_propagate_error (error, cupel_sqlite_error_new (code, self->db != NULL ? sqlite3_errmsg (self->db) : NULL));
  return FALSE;
}

static int
on_progress (gpointer data)
{
  CupelSqliteConnection *self = data;

  /* SQLite asks after the last instruction, too: what it was told to end then it reports as failed although it is done. Statements of our
   * own are short; only a lock may keep them waiting, and that on_busy() ends. */
  if (self->running_own)
    return 0;
  return cupel_sqlite_connection_is_interrupted (data) || cupel_sqlite_vfs_is_late ();
}

/* Another connection has the lock: waits a little, longer each time, until busy_timeout or an interruption. */
static int
on_busy (gpointer data,
         int      n_calls)
{
  static const guint8 pauses[] = { 1, 2, 3, 5, 8, 10, 15, 20, 25 };
  CupelSqliteConnection *self = data;
  gint64 now = g_get_monotonic_time ();
  gint64 pause;
  gint64 end;

  if (cupel_sqlite_vfs_is_here ())
    return 0;
  if (n_calls == 0)
    self->busy_since = now;
  end = self->busy_since + self->options.busy_timeout;
  if (now >= end || cupel_sqlite_connection_is_interrupted (self))
    return 0;

  pause = pauses[MIN ((guint) n_calls, G_N_ELEMENTS (pauses) - 1)] * 1000;
  /* Those who wait shall not all come back at the same moment. */
  pause = MIN (pause - pause / 4 + g_random_int_range (0, (gint32) pause / 2 + 1), end - now);

  g_mutex_lock (&self->mutex);
  while (!cupel_sqlite_connection_is_interrupted (self) && g_cond_wait_until (&self->woken, &self->mutex, now + pause))
    ;
  g_mutex_unlock (&self->mutex);
  return !cupel_sqlite_connection_is_interrupted (self);
}

/* Pragmas that only read, whose argument says of what. */
static gboolean
is_question (const char *pragma)
{
  static const char *const questions[] = {
    "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check", "quick_check", "table_info",
    "table_list", "table_xinfo", NULL
  };

  for (guint i = 0; questions[i] != NULL; i++)
    if (g_ascii_strcasecmp (pragma, questions[i]) == 0)
      return TRUE;
  return FALSE;
}

/* Transaction control in an SQL text is refused: by what SQLite understands, not by what the text looks like. (VACUUM
 * controls one of its own while it runs.) */
static int
on_authorize (gpointer    data,
              int         action,
              const char *argument,
              const char *argument2,
              const char *database,
              const char *trigger)
{
  CupelSqliteConnection *self = data;

  if (!self->preparing)
    return SQLITE_OK;
  switch (action)
    {
    case SQLITE_PRAGMA:
      /* With an argument it may set something. */
      if (argument2 != NULL && (argument == NULL || !is_question (argument)))
        g_atomic_int_set (&self->dirty, TRUE);
      return SQLITE_OK;
    case SQLITE_ATTACH:
      /* What is attached has a VFS and a journal of its own. */
      self->can_be_here = FALSE;
      g_atomic_int_set (&self->dirty, TRUE);
      return SQLITE_OK;
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_DETACH:
      g_atomic_int_set (&self->dirty, TRUE);
      return SQLITE_OK;
    case SQLITE_TRANSACTION:
      break;
    default:
      return SQLITE_OK;
    }
  g_strlcpy (self->refused, argument != NULL ? argument : "BEGIN", sizeof self->refused);
  return SQLITE_DENY;
}

gboolean
cupel_sqlite_connection_run_own (CupelSqliteConnection  *self,
                                 CupelSqliteOwn          own,
                                 GError                **error)
{
  gboolean ok = TRUE;

  if (self->own[own] == NULL &&
      sqlite3_prepare_v3 (self->db, own_sql[own], -1, SQLITE_PREPARE_PERSISTENT, &self->own[own], NULL) != SQLITE_OK)
    ok = cupel_sqlite_connection_fail (self, error);
  else
    {
      self->running_own = TRUE;
      if (sqlite3_step (self->own[own]) != SQLITE_DONE)
        ok = cupel_sqlite_connection_fail (self, error);
      self->running_own = FALSE;
    }
  if (self->own[own] != NULL)
    sqlite3_reset (self->own[own]);
  return ok;
}

void
cupel_sqlite_connection_close_rows (CupelSqliteConnection *self)
{
  while (self->open_rows->len > 0)
    cupel_sqlite_rows_close (self, g_ptr_array_index (self->open_rows, self->open_rows->len - 1));
}

static void
close_dropped (CupelSqliteConnection *self)
{
  GSList *dropped;

  if (g_atomic_pointer_get (&self->dropped) == NULL)
    return;
  g_mutex_lock (&self->mutex);
  dropped = self->dropped;
  g_atomic_pointer_set (&self->dropped, NULL);
  g_mutex_unlock (&self->mutex);

  for (GSList *l = dropped; l != NULL; l = l->next)
    cupel_sqlite_rows_close (self, l->data);
  g_slist_free_full (dropped, (GDestroyNotify) cupel_sqlite_rows_unref);
}

gboolean
cupel_sqlite_connection_enter (CupelSqliteConnection  *self,
                               GError                **error)
{
  g_atomic_int_set (&self->interrupted, FALSE);
  if (G_UNLIKELY (self->db == NULL))
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED, "The connection is closed");
      return FALSE;
    }
  close_dropped (self);
  return TRUE;
}

void
cupel_sqlite_connection_leave (CupelSqliteConnection *self)
{
  const gboolean open = !sqlite3_get_autocommit (self->db);
  gboolean active = g_atomic_int_get (&self->begin_pending) || open;

  if (G_UNLIKELY ((self->in_read_only || self->in_uncommitted) && !open))
    {
      if (self->in_read_only)
        sqlite3_exec (self->db, "PRAGMA query_only = 0", NULL, NULL, NULL);
      if (self->in_uncommitted)
        sqlite3_exec (self->db, "PRAGMA read_uncommitted = 0", NULL, NULL, NULL);
      self->in_read_only = self->in_uncommitted = FALSE;
    }
  g_atomic_int_set (&self->status, active ? CUPEL_TRANSACTION_ACTIVE : CUPEL_TRANSACTION_IDLE);
}

static gboolean
fail_open (CupelSqliteConnection  *self,
           int                     code,
           GError                **error)
{
  const char *path = self->options.path != NULL ? self->options.path : ":memory:";
  g_autofree char *directory = g_path_get_dirname (path);
  CupelErrorDetails details = { .native_code = code };
  int system_error = self->db != NULL ? sqlite3_system_errno (self->db) : 0;

  if (cupel_sqlite_connection_is_interrupted (self))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, "The operation was cancelled");
      return FALSE;
    }

  details.retryable = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
  if ((code & 0xff) == SQLITE_CANTOPEN && self->options.path != NULL)
    {
      const char *reason;

      if (!g_file_test (directory, G_FILE_TEST_IS_DIR))
        {
          cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &details,
                                        "Cannot open the SQLite database \"%s\": the directory \"%s\" does not exist; create it first",
                                        path, directory);
          return FALSE;
        }
      if (g_file_test (path, G_FILE_TEST_IS_DIR))
        reason = "it is a directory";
      else if (!g_file_test (path, G_FILE_TEST_EXISTS) && (self->options.open_flags & SQLITE_OPEN_CREATE) == 0)
        reason = "it does not exist; mode=rwc creates it";
      else
        reason = system_error != 0 ? g_strerror (system_error) : sqlite3_errstr (code);
      cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &details,
                                    "Cannot open the SQLite database \"%s\": %s", path, reason);
      return FALSE;
    }

  cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &details, "Cannot open the SQLite database \"%s\": %s", path,
                                self->db != NULL ? sqlite3_errmsg (self->db) : sqlite3_errstr (code));
  return FALSE;
}

/* The first row's text of a pragma, NULL with @code set on failure. */
static char *
run_pragma (CupelSqliteConnection *self,
            const char            *sql,
            int                   *code)
{
  sqlite3_stmt *handle = NULL;
  char *text = NULL;

  *code = sqlite3_prepare_v2 (self->db, sql, -1, &handle, NULL);
  if (*code != SQLITE_OK)
    return NULL;
  *code = sqlite3_step (handle);
  if (*code == SQLITE_ROW)
    text = g_strdup ((const char *) sqlite3_column_text (handle, 0));
  sqlite3_finalize (handle);
  if (*code == SQLITE_ROW || *code == SQLITE_DONE)
    {
      *code = SQLITE_OK;
      return text != NULL ? text : g_strdup ("");
    }
  return NULL;
}

/* Changing to WAL needs the file for a moment alone, and SQLite asks no busy handler then: several programs that make the same
 * database at once would fail. */
static gboolean
set_journal_mode (CupelSqliteConnection  *self,
                  GError                **error)
{
  const char *wanted = self->options.journal_mode != NULL ? self->options.journal_mode : "WAL";
  g_autofree char *sql = g_strdup_printf ("PRAGMA journal_mode = %s", wanted);
  g_autofree char *mode = NULL;
  int code;

  if ((mode = run_pragma (self, "PRAGMA journal_mode", &code)) == NULL)
    return fail_open (self, code, error);
  if (g_ascii_strcasecmp (mode, wanted) == 0)
    return TRUE;

  for (int n_calls = 0;; n_calls++)
    {
      g_clear_pointer (&mode, g_free);
      mode = run_pragma (self, sql, &code);
      if (mode != NULL)
        break;
      if ((code & 0xff) != SQLITE_BUSY || !on_busy (self, n_calls))
        return fail_open (self, code, error);
    }

  if (self->options.journal_mode != NULL && g_ascii_strcasecmp (mode, wanted) != 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                   "The SQLite database \"%s\" cannot have journal_mode=%s; it stays %s",
                   self->options.path != NULL ? self->options.path : ":memory:", wanted, mode);
      return FALSE;
    }
  return TRUE;
}

static void
apply_settings (CupelSqliteConnection *self)
{
  static const struct { int option; int value; } settings[] = {
    { SQLITE_DBCONFIG_ENABLE_FKEY, 1 },
    { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
    { SQLITE_DBCONFIG_DEFENSIVE, 1 },
    { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
    /* A misspelt "column" is an error, not a text. */
    { SQLITE_DBCONFIG_DQS_DML, 0 },
    { SQLITE_DBCONFIG_DQS_DDL, 0 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    sqlite3_db_config (self->db, settings[i].option, settings[i].value, NULL);
  sqlite3_busy_handler (self->db, on_busy, self);
  sqlite3_progress_handler (self->db, PROGRESS_OPS, on_progress, self);
}

void
cupel_sqlite_connection_watch_closely (CupelSqliteConnection *self,
                                       gboolean               closely)
{
  if (closely)
    self->length_limit = sqlite3_limit (self->db, SQLITE_LIMIT_LENGTH, CLOSE_LENGTH);
  else
    sqlite3_limit (self->db, SQLITE_LIMIT_LENGTH, self->length_limit);
  sqlite3_progress_handler (self->db, closely ? CLOSE_PROGRESS_OPS : PROGRESS_OPS, on_progress, self);
}

/* What a query lists, each in a statement of its own; the list is read before anything changes. */
static gboolean
execute_each (CupelSqliteConnection  *self,
              const char             *query,
              GError                **error)
{
  g_autoptr(GPtrArray) statements = g_ptr_array_new_with_free_func (g_free);
  sqlite3_stmt *handle = NULL;
  int code = sqlite3_prepare_v2 (self->db, query, -1, &handle, NULL);

  while (code == SQLITE_OK && sqlite3_step (handle) == SQLITE_ROW)
    g_ptr_array_add (statements, g_strdup ((const char *) sqlite3_column_text (handle, 0)));
  sqlite3_finalize (handle);
  for (guint i = 0; code == SQLITE_OK && i < statements->len; i++)
    code = sqlite3_exec (self->db, statements->pdata[i], NULL, NULL, NULL);
  return code == SQLITE_OK || cupel_sqlite_connection_fail (self, error);
}

gboolean
cupel_sqlite_connection_restore_handle (CupelSqliteConnection  *self,
                                        GError                **error)
{
  static const char pragmas[] =
    "PRAGMA query_only = 0; PRAGMA ignore_check_constraints = 0; PRAGMA recursive_triggers = 0; PRAGMA defer_foreign_keys = 0; "
    "PRAGMA case_sensitive_like = 0; PRAGMA reverse_unordered_selects = 0; PRAGMA writable_schema = 0";

  apply_settings (self);
  if (sqlite3_exec (self->db, pragmas, NULL, NULL, NULL) != SQLITE_OK)
    return cupel_sqlite_connection_fail (self, error);
  if (!execute_each (self, "SELECT printf('DROP %s temp.\"%w\"', type, name) FROM temp.sqlite_schema "
                           "WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'", error) ||
      !execute_each (self, "SELECT printf('DETACH \"%w\"', name) FROM pragma_database_list WHERE name NOT IN ('main', 'temp')", error))
    return FALSE;
  self->can_be_here = self->options.path == NULL;
  return TRUE;
}

static gboolean
configure_handle (CupelSqliteConnection  *self,
                  GError                **error)
{
  const char *synchronous = self->options.synchronous;
  g_autofree char *text = NULL;
  int code;

  apply_settings (self);

  /* The first look into the file: it may be no database, encrypted, locked. */
  if ((text = run_pragma (self, "PRAGMA schema_version", &code)) == NULL)
    return fail_open (self, code, error);
  if (self->options.path != NULL && (self->options.open_flags & SQLITE_OPEN_READONLY) == 0)
    {
      if (sqlite3_db_readonly (self->db, "main") == 1)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                       "The SQLite database \"%s\" is not writable; use mode=ro to only read it", self->options.path);
          return FALSE;
        }
      if (!set_journal_mode (self, error))
        return FALSE;
    }
  else if (self->options.path == NULL && self->options.journal_mode != NULL && !set_journal_mode (self, error))
    {
      return FALSE;
    }

  if (synchronous == NULL && self->options.path != NULL)
    synchronous = "NORMAL";
  if (synchronous != NULL)
    {
      g_autofree char *sql = g_strdup_printf ("PRAGMA synchronous = %s", synchronous);

      if (sqlite3_exec (self->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail_open (self, sqlite3_extended_errcode (self->db), error);
    }

  /* In memory there is no file to wait for, with WAL no lock; in the other modes a reader's first look is at files. */
  self->can_be_here = self->options.path == NULL;
  if (self->options.path != NULL && cupel_sqlite_vfs_get_name () != NULL)
    {
      g_autofree char *mode = run_pragma (self, "PRAGMA journal_mode", &code);

      self->can_be_here = mode != NULL && g_ascii_strcasecmp (mode, "wal") == 0;
    }

  /* Last: what comes before is no text of a user. */
  sqlite3_set_authorizer (self->db, on_authorize, self);
  return TRUE;
}

gboolean
cupel_sqlite_connection_open_handle (CupelSqliteConnection  *self,
                                     GError                **error)
{
  const char *vfs = self->options.path != NULL ? cupel_sqlite_vfs_get_name () : NULL;
  int code = sqlite3_open_v2 (self->options.path != NULL ? self->options.path : ":memory:", &self->db,
                              self->options.open_flags, vfs);

  if (code != SQLITE_OK)
    fail_open (self, code, error);
  else if (configure_handle (self, error))
    return TRUE;

  g_clear_pointer (&self->db, sqlite3_close_v2);
  return FALSE;
}

void
cupel_sqlite_connection_close_handle (CupelSqliteConnection *self)
{
  if (self->db == NULL)
    return;

  close_dropped (self);
  cupel_sqlite_connection_close_rows (self);
  g_atomic_int_set (&self->begin_pending, FALSE);
  cupel_sqlite_statements_clear (&self->statements);
  for (guint i = 0; i < CUPEL_SQLITE_N_OWN; i++)
    g_clear_pointer (&self->own[i], sqlite3_finalize);
  /* Rolls back what is open. */
  sqlite3_close_v2 (self->db);
  self->db = NULL;
  g_atomic_int_set (&self->status, CUPEL_TRANSACTION_UNKNOWN);
}
