/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-dialect.h"

#include <sqlite3.h>
#include <stdio.h>

#include "cupel-sqlite-compiler.h"
#include "cupel-sqlite-connection.h"
#include "cupel-sqlite-driver.h"
#include "cupel-sqlite-error.h"

struct _CupelSqliteDialect
{
  CupelDialect parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelSqliteDialect, cupel_sqlite_dialect, CUPEL_TYPE_DIALECT)

#define VERSION_WITH_RETURNING 3035000

static CupelCompiler *
cupel_sqlite_dialect_create_compiler (CupelDialect *self)
{
  return g_object_new (CUPEL_SQLITE_TYPE_COMPILER, NULL);
}

static CupelDriver *
cupel_sqlite_dialect_create_driver (CupelDialect *self)
{
  return g_object_new (CUPEL_SQLITE_TYPE_DRIVER, NULL);
}

/* The first cell of a probe as text, for a driver that is not ours. */
static char *
probe (CupelDialect           *self,
       CupelDriverConnection  *connection,
       const char             *sql,
       GCancellable           *cancellable,
       GError                **error)
{
  g_auto(CupelReply) reply = { 0 };
  CupelRowBlock *block;

  if (!cupel_dialect_query (self, connection, sql, &reply, cancellable, error))
    return NULL;
  if (reply.blocks == NULL || reply.blocks->len == 0)
    return g_strdup ("");
  block = g_ptr_array_index (reply.blocks, 0);
  if (block->n_rows == 0 || block->n_columns == 0)
    return g_strdup ("");
  return cupel_cell_to_string (cupel_row_block_get_row (block, 0));
}

static gboolean
probe_foreign (CupelDialect           *self,
               CupelDriverConnection  *connection,
               int                    *version,
               CupelCapabilities      *capabilities,
               GCancellable           *cancellable,
               GError                **error)
{
  g_autofree char *text = NULL;
  g_autofree char *foreign_keys = NULL;
  g_autofree char *n_files = NULL;
  int major = 0, minor = 0, micro = 0;

  if ((text = probe (self, connection, "SELECT sqlite_version()", cancellable, error)) == NULL ||
      (foreign_keys = probe (self, connection, "PRAGMA foreign_keys", cancellable, error)) == NULL ||
      (n_files = probe (self, connection,
                        "SELECT count(*) FROM pragma_database_list WHERE name = 'main' AND file <> ''",
                        cancellable, error)) == NULL)
    return FALSE;

  if (sscanf (text, "%d.%d.%d", &major, &minor, &micro) >= 2)
    *version = major * 1000000 + minor * 1000 + micro;
  if (strcmp (foreign_keys, "1") == 0)
    *capabilities |= CUPEL_CAP_FOREIGN_KEYS;
  if (strcmp (n_files, "0") != 0)
    *capabilities |= CUPEL_CAP_PERSISTENT;
  return TRUE;
}

static gboolean
cupel_sqlite_dialect_initialize (CupelDialect           *self,
                                 CupelDriverConnection  *connection,
                                 CupelCapabilities      *capabilities,
                                 GCancellable           *cancellable,
                                 GError                **error)
{
  CupelCapabilities found = CUPEL_CAP_SAVEPOINTS | CUPEL_CAP_TRANSACTIONAL_DDL | CUPEL_CAP_MICROSECONDS;
  int version = 0;

  if (CUPEL_SQLITE_IS_CONNECTION (connection))
    {
      /* The library is the server: nothing to ask. */
      version = sqlite3_libversion_number ();
      found |= CUPEL_CAP_STREAMING | CUPEL_CAP_NESTED_STREAMS | CUPEL_CAP_CANCEL | CUPEL_CAP_FOREIGN_KEYS;
      if (!cupel_sqlite_connection_is_memory (CUPEL_SQLITE_CONNECTION (connection)))
        found |= CUPEL_CAP_PERSISTENT;
    }
  else if (!probe_foreign (self, connection, &version, &found, cancellable, error))
    {
      return FALSE;
    }

  if (version >= VERSION_WITH_RETURNING)
    found |= CUPEL_CAP_INSERT_RETURNING | CUPEL_CAP_INSERT_MANY_RETURNING | CUPEL_CAP_UPDATE_RETURNING |
             CUPEL_CAP_DELETE_RETURNING;
  *capabilities = found;
  return TRUE;
}

static void
append_quoted (GString    *sql,
               const char *text)
{
  g_string_append_c (sql, '\'');
  for (; *text != '\0'; text++)
    {
      if (*text == '\'')
        g_string_append_c (sql, '\'');
      g_string_append_c (sql, *text);
    }
  g_string_append_c (sql, '\'');
}

/* The names as they were asked for: SQLite compares them without regard to case. */
static CupelStatement *
cupel_sqlite_dialect_existing_tables (CupelDialect      *self,
                                      const char *const *names)
{
  g_autoptr(GString) sql = g_string_new ("SELECT wanted.column1 AS name FROM (");
  CupelText *text;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_string_append (sql, i == 0 ? "VALUES (" : ", (");
      append_quoted (sql, names[i]);
      g_string_append_c (sql, ')');
    }
  if (names[0] == NULL)
    g_string_append (sql, "SELECT NULL AS column1 WHERE 0");
  g_string_append (sql, ") AS wanted WHERE EXISTS (SELECT 1 FROM (SELECT type, name FROM sqlite_master UNION ALL "
                        "SELECT type, name FROM sqlite_temp_master) AS known "
                        "WHERE known.type = 'table' AND known.name = wanted.column1 COLLATE NOCASE)");

  text = cupel_text_new (sql->str);
  cupel_text_add_result_type (text, cupel_sql_type_new (CUPEL_SQL_TEXT));
  return CUPEL_STATEMENT (text);
}

/* The rest of what the own driver sets is no statement. */
static const char *const *
cupel_sqlite_dialect_get_session_statements (CupelDialect *self)
{
  static const char *const statements[] = {
    "PRAGMA foreign_keys = ON", "PRAGMA trusted_schema = OFF", "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", NULL
  };

  return statements;
}

/* Other drivers may know the primary code only. SQLite's texts are in no language but its own, and these are its names of the
 * extended ones. */
static int
extend_code (int         code,
             const char *message)
{
  static const struct { const char *prefix; int code; } kinds[] = {
    { "UNIQUE constraint failed", SQLITE_CONSTRAINT_UNIQUE },
    { "NOT NULL constraint failed", SQLITE_CONSTRAINT_NOTNULL },
    { "CHECK constraint failed", SQLITE_CONSTRAINT_CHECK },
    { "FOREIGN KEY constraint failed", SQLITE_CONSTRAINT_FOREIGNKEY },
  };

  for (guint i = 0; code == SQLITE_CONSTRAINT && message != NULL && i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (message, kinds[i].prefix))
      return kinds[i].code;
  return code;
}

static GError *
cupel_sqlite_dialect_create_error (CupelDialect *self,
                                   int           native_code,
                                   const char   *sqlstate,
                                   const char   *message)
{
  g_autofree char *valid = message != NULL ? g_utf8_make_valid (message, -1) : NULL;

  return cupel_sqlite_error_new (extend_code (native_code, valid), valid);
}

static void
cupel_sqlite_dialect_class_init (CupelSqliteDialectClass *klass)
{
  CupelDialectClass *dialect_class = CUPEL_DIALECT_CLASS (klass);

  dialect_class->name = "sqlite";
  dialect_class->create_compiler = cupel_sqlite_dialect_create_compiler;
  dialect_class->create_driver = cupel_sqlite_dialect_create_driver;
  dialect_class->initialize = cupel_sqlite_dialect_initialize;
  dialect_class->existing_tables = cupel_sqlite_dialect_existing_tables;
  dialect_class->get_session_statements = cupel_sqlite_dialect_get_session_statements;
  dialect_class->create_error = cupel_sqlite_dialect_create_error;
}

static void
cupel_sqlite_dialect_init (CupelSqliteDialect *self)
{
}

CUPEL_PLUGIN_DEFINE (DIALECT, dialect, sqlite, "sqlite", NULL, CUPEL_VERSION_STRING, cupel_sqlite_dialect_get_type)
