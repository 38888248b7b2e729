/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

typedef struct
{
  CupelDialect parent_instance;
} CupelMysqlDialect;

typedef struct
{
  CupelDialectClass parent_class;
} CupelMysqlDialectClass;

G_DEFINE_TYPE (CupelMysqlDialect, cupel_mysql_dialect, CUPEL_TYPE_DIALECT)

static CupelCompiler *
cupel_mysql_dialect_create_compiler (CupelDialect *dialect)
{
  return cupel_mysql_compiler_new ();
}

static CupelDriver *
cupel_mysql_dialect_create_driver (CupelDialect *dialect)
{
  return g_object_new (cupel_mysql_driver_get_type (), NULL);
}

/* "10.11.6-MariaDB-..." and, from behind a proxy or of 10.x, "5.5.5-10.11.6-MariaDB"; "8.0.36" of Oracle's */
static guint
cupel_mysql_parse_version (const char *text,
                           gboolean   *is_mariadb)
{
  guint parts[3] = { 0, };

  *is_mariadb = strstr (text, "MariaDB") != NULL;
  if (*is_mariadb && g_str_has_prefix (text, "5.5.5-"))
    text += strlen ("5.5.5-");

  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    {
      char *end;

      parts[i] = (guint) MIN (g_ascii_strtoull (text, &end, 10), 99);
      if (*end != '.')
        break;
      text = end + 1;
    }
  return parts[0] * 10000 + parts[1] * 100 + parts[2];
}

/* By the native driver the version is known already; another driver has to ask. */
static gboolean
cupel_mysql_dialect_get_version (CupelDialect           *dialect,
                                 CupelDriverConnection  *connection,
                                 char                  **version,
                                 GCancellable           *cancellable,
                                 GError                **error)
{
  g_auto(CupelReply) reply = { 0, };
  const CupelCell *cell = NULL;

  if (CUPEL_IS_MYSQL_CONNECTION (connection))
    {
      MYSQL *mysql = CUPEL_MYSQL_CONNECTION (connection)->mysql;

      *version = g_strdup (mysql != NULL ? mysql_get_server_info (mysql) : "");
      return TRUE;
    }

  if (!cupel_dialect_query (dialect, connection, "SELECT version()", &reply, cancellable, error))
    return FALSE;
  if (reply.blocks != NULL && reply.blocks->len > 0)
    cell = cupel_row_block_get_row (reply.blocks->pdata[0], 0);
  *version = g_strdup (cell != NULL && cell->kind == CUPEL_CELL_TEXT ? cell->v.text : "");
  return TRUE;
}

static gboolean
cupel_mysql_dialect_initialize (CupelDialect           *dialect,
                                CupelDriverConnection  *connection,
                                CupelCapabilities      *capabilities,
                                GCancellable           *cancellable,
                                GError                **error)
{
  g_autofree char *text = NULL;
  gboolean is_mariadb;
  guint version;

  if (!cupel_mysql_dialect_get_version (dialect, connection, &text, cancellable, error))
    return FALSE;

  version = cupel_mysql_parse_version (text, &is_mariadb);
  *capabilities = CUPEL_CAP_SAVEPOINTS | CUPEL_CAP_STREAMING | CUPEL_CAP_CANCEL | CUPEL_CAP_CONCURRENT_WRITERS |
                  CUPEL_CAP_FOREIGN_KEYS | CUPEL_CAP_MICROSECONDS | CUPEL_CAP_PERSISTENT;
  if (is_mariadb && version >= 100500)
    *capabilities |= CUPEL_CAP_INSERT_RETURNING | CUPEL_CAP_INSERT_MANY_RETURNING;
  if (is_mariadb && version >= 100005)
    *capabilities |= CUPEL_CAP_DELETE_RETURNING;
  return TRUE;
}

static CupelStatement *
cupel_mysql_dialect_existing_tables (CupelDialect      *dialect,
                                     const char *const *names)
{
  g_autoptr(GString) sql = g_string_new ("SELECT table_name FROM information_schema.tables "
                                         "WHERE table_schema = DATABASE() AND table_name IN (");
  CupelText *text;

  /* Names come from metadata, not from people, yet they are text like any other: what is not plain goes as hexadecimals. */
  for (gsize i = 0; names[i] != NULL; i++)
    {
      gboolean plain = TRUE;

      for (const char *p = names[i]; plain && *p != '\0'; p++)
        plain = g_ascii_isalnum (*p) || *p == '_';

      if (i > 0)
        g_string_append (sql, ", ");
      if (plain)
        g_string_append_printf (sql, "'%s'", names[i]);
      else
        {
          g_string_append (sql, "_utf8mb4 X'");
          for (const char *p = names[i]; *p != '\0'; p++)
            g_string_append_printf (sql, "%02X", (guint8) *p);
          g_string_append_c (sql, '\'');
        }
    }
  g_string_append (sql, names[0] != NULL ? ")" : "NULL)");

  text = cupel_text_new (sql->str);
  cupel_text_add_result_type (text, cupel_sql_type_new (CUPEL_SQL_TEXT));
  return (CupelStatement *) text;
}

static const char *const *
cupel_mysql_dialect_get_session_statements (CupelDialect *dialect)
{
  static const char *const statements[] = {
    "SET NAMES utf8mb4",
    "SET time_zone='+00:00', sql_mode="
    "CONCAT_WS(',',NULLIF(REPLACE(@@sql_mode,'NO_BACKSLASH_ESCAPES',''),''),'STRICT_TRANS_TABLES')",
    NULL
  };

  return statements;
}

static GError *
cupel_mysql_dialect_create_error (CupelDialect *dialect,
                                  int           native_code,
                                  const char   *sqlstate,
                                  const char   *message)
{
  return cupel_mysql_error_new ((guint) native_code, sqlstate, message, FALSE);
}

static void
cupel_mysql_dialect_class_init (CupelMysqlDialectClass *klass)
{
  CupelDialectClass *dialect_class = CUPEL_DIALECT_CLASS (klass);

  dialect_class->name = "mysql";
  dialect_class->create_compiler = cupel_mysql_dialect_create_compiler;
  dialect_class->create_driver = cupel_mysql_dialect_create_driver;
  dialect_class->initialize = cupel_mysql_dialect_initialize;
  dialect_class->existing_tables = cupel_mysql_dialect_existing_tables;
  dialect_class->get_session_statements = cupel_mysql_dialect_get_session_statements;
  dialect_class->create_error = cupel_mysql_dialect_create_error;
}

static void
cupel_mysql_dialect_init (CupelMysqlDialect *self)
{
}

static const char *const other_names[] = { "mariadb", NULL };

CUPEL_PLUGIN_DEFINE (DIALECT, dialect, mysql, "mysql", other_names, "1.0", cupel_mysql_dialect_get_type)
