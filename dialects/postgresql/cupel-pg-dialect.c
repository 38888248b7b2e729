/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-dialect.h"

#include "cupel-pg-compiler.h"
#include "cupel-pg-connection.h"
#include "cupel-pg-driver.h"
#include "cupel-pg-error.h"

struct _CupelPgDialect
{
  CupelDialect parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelPgDialect, cupel_pg_dialect, CUPEL_TYPE_DIALECT)

#define OLDEST_SERVER 100000   /* 10: identity columns */

static CupelCompiler *
cupel_pg_dialect_create_compiler (CupelDialect *self)
{
  return g_object_new (CUPEL_PG_TYPE_COMPILER, NULL);
}

static CupelDriver *
cupel_pg_dialect_create_driver (CupelDialect *self)
{
  return g_object_new (CUPEL_PG_TYPE_DRIVER, NULL);
}

/* For a driver that is not ours. */
static gboolean
ask_version (CupelDialect           *self,
             CupelDriverConnection  *connection,
             int                    *version,
             GCancellable           *cancellable,
             GError                **error)
{
  g_auto(CupelReply) reply = { 0 };
  CupelRowBlock *block;

  if (!cupel_dialect_query (self, connection, "SELECT current_setting('server_version_num')", &reply, cancellable, error))
    return FALSE;
  block = reply.blocks != NULL && reply.blocks->len > 0 ? g_ptr_array_index (reply.blocks, 0) : NULL;
  if (block != NULL && block->n_rows > 0 && block->n_columns > 0)
    {
      g_autofree char *text = cupel_cell_to_string (cupel_row_block_get_row (block, 0));
      const char *digits = text;

      while (*digits != '\0' && !g_ascii_isdigit (*digits))
        digits++;
      *version = (int) g_ascii_strtoll (digits, NULL, 10);
    }
  return TRUE;
}

static gboolean
cupel_pg_dialect_initialize (CupelDialect           *self,
                             CupelDriverConnection  *connection,
                             CupelCapabilities      *capabilities,
                             GCancellable           *cancellable,
                             GError                **error)
{
  CupelCapabilities found = CUPEL_CAP_INSERT_RETURNING | CUPEL_CAP_UPDATE_RETURNING | CUPEL_CAP_DELETE_RETURNING |
                            CUPEL_CAP_SAVEPOINTS | CUPEL_CAP_TRANSACTIONAL_DDL | CUPEL_CAP_CONCURRENT_WRITERS |
                            CUPEL_CAP_NATIVE_UUID | CUPEL_CAP_FOREIGN_KEYS | CUPEL_CAP_MICROSECONDS | CUPEL_CAP_PERSISTENT;
  int version = 0;

  if (CUPEL_PG_IS_CONNECTION (connection))
    {
      version = PQserverVersion (CUPEL_PG_CONNECTION (connection)->conn);
      found |= CUPEL_CAP_INSERT_MANY_RETURNING | CUPEL_CAP_STREAMING | CUPEL_CAP_NESTED_STREAMS | CUPEL_CAP_CANCEL;
    }
  else if (!ask_version (self, connection, &version, cancellable, error))
    return FALSE;

  if (version < OLDEST_SERVER)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                   "The server is PostgreSQL %d.%d; version 10 or later is needed", version / 10000, version / 100 % 100);
      return FALSE;
    }
  *capabilities = found;
  return TRUE;
}

static void
append_quoted (GString    *sql,
               const char *text)
{
  /* With an E before it, a backslash means the same whatever standard_conforming_strings says. */
  g_string_append (sql, "E'");
  for (; *text != '\0'; text++)
    {
      if (*text == '\'' || *text == '\\')
        g_string_append_c (sql, *text == '\'' ? '\'' : '\\');
      g_string_append_c (sql, *text);
    }
  g_string_append_c (sql, '\'');
}

static CupelStatement *
cupel_pg_dialect_existing_tables (CupelDialect      *self,
                                  const char *const *names)
{
  g_autoptr(GString) sql = g_string_new ("SELECT c.relname FROM pg_catalog.pg_class AS c WHERE c.relkind IN ('r', 'p', 'f') "
                                         "AND pg_catalog.pg_table_is_visible(c.oid) AND c.relname IN (");
  CupelText *text;

  for (gsize i = 0; names[i] != NULL; i++)
    {
      if (i > 0)
        g_string_append (sql, ", ");
      append_quoted (sql, names[i]);
    }
  if (names[0] == NULL)
    g_string_append (sql, "NULL");
  g_string_append_c (sql, ')');
  text = cupel_text_new (sql->str);
  cupel_text_add_result_type (text, cupel_sql_type_new (CUPEL_SQL_TEXT));
  return CUPEL_STATEMENT (text);
}

static const char *const *
cupel_pg_dialect_get_session_statements (CupelDialect *self)
{
  static const char *const statements[] = { "SET TimeZone TO 'UTC'", "SET DateStyle TO 'ISO'", NULL };

  return statements;
}

static GError *
cupel_pg_dialect_create_error (CupelDialect *self,
                               int           native_code,
                               const char   *sqlstate,
                               const char   *message)
{
  return cupel_pg_error_new_from_state (sqlstate, message);
}

static void
cupel_pg_dialect_class_init (CupelPgDialectClass *class)
{
  CupelDialectClass *dialect_class = CUPEL_DIALECT_CLASS (class);

  dialect_class->name = "postgresql";
  dialect_class->create_compiler = cupel_pg_dialect_create_compiler;
  dialect_class->create_driver = cupel_pg_dialect_create_driver;
  dialect_class->initialize = cupel_pg_dialect_initialize;
  dialect_class->existing_tables = cupel_pg_dialect_existing_tables;
  dialect_class->get_session_statements = cupel_pg_dialect_get_session_statements;
  dialect_class->create_error = cupel_pg_dialect_create_error;
}

static void
cupel_pg_dialect_init (CupelPgDialect *self)
{
}

static const char *const other_names[] = { "postgres", NULL };

CUPEL_PLUGIN_DEFINE (DIALECT, dialect, postgresql, "postgresql", other_names, CUPEL_VERSION_STRING, cupel_pg_dialect_get_type)
