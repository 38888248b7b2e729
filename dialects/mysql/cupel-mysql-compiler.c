/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

typedef struct
{
  CupelCompiler parent_instance;
  gboolean      in_column;      /* types have other names in CAST */
} CupelMysqlCompiler;

typedef struct
{
  CupelCompilerClass parent_class;
} CupelMysqlCompilerClass;

GType cupel_mysql_compiler_get_type (void) G_GNUC_CONST;

G_DEFINE_TYPE (CupelMysqlCompiler, cupel_mysql_compiler, CUPEL_TYPE_COMPILER)

/* utf8mb4 takes four bytes a character and a row 65535 */
#define CUPEL_MYSQL_MAX_VARCHAR   16383
#define CUPEL_MYSQL_MAX_VARBINARY 65532

static void
cupel_mysql_compiler_decimal (CupelCompiler      *self,
                              const CupelSqlType *type,
                              guint               precision,
                              guint               scale)
{
  if (cupel_sql_type_get_precision (type) > 0)
    {
      precision = cupel_sql_type_get_precision (type);
      scale = cupel_sql_type_get_scale (type);
    }
  if (precision > 65 || scale > MIN (precision, 38))
    {
      cupel_compiler_fail (self, CUPEL_ERROR_UNSUPPORTED,
                           "NUMERIC(%u, %u) is more than MySQL has: 65 digits, 30 of them (MariaDB: 38) after the point",
                           precision, scale);
      return;
    }
  cupel_compiler_append_printf (self, "DECIMAL(%u, %u)", precision, scale);
}

static void
cupel_mysql_compiler_cast_name (CupelCompiler      *self,
                                const CupelSqlType *type)
{
  switch (cupel_sql_type_get_kind (type))
    {
    case CUPEL_SQL_BOOLEAN:
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      cupel_compiler_append (self, "SIGNED");
      break;
    case CUPEL_SQL_FLOAT:
    case CUPEL_SQL_DOUBLE:
      cupel_compiler_append (self, "DOUBLE");
      break;
    case CUPEL_SQL_NUMERIC:
      cupel_mysql_compiler_decimal (self, type, 65, 30);
      break;
    case CUPEL_SQL_BYTES:
      cupel_compiler_append (self, "BINARY");
      break;
    case CUPEL_SQL_DATE:
      cupel_compiler_append (self, "DATE");
      break;
    case CUPEL_SQL_TIME:
      cupel_compiler_append (self, "TIME(6)");
      break;
    case CUPEL_SQL_DATETIME:
    case CUPEL_SQL_TIMESTAMP:
      cupel_compiler_append (self, "DATETIME(6)");
      break;
    case CUPEL_SQL_STRING:
      if (cupel_sql_type_get_length (type) > 0)
        {
          cupel_compiler_append_printf (self, "CHAR(%u)", cupel_sql_type_get_length (type));
          break;
        }
      G_GNUC_FALLTHROUGH;
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_UUID:
    case CUPEL_SQL_JSON:
    case CUPEL_SQL_NULL:
    default:
      cupel_compiler_append (self, "CHAR");
      break;
    }
}

static void
cupel_mysql_compiler_type_name (CupelCompiler      *compiler,
                                const CupelSqlType *type)
{
  CupelMysqlCompiler *self = (CupelMysqlCompiler *) compiler;
  guint length = cupel_sql_type_get_length (type);

  if (!self->in_column)
    {
      cupel_mysql_compiler_cast_name (compiler, type);
      return;
    }

  switch (cupel_sql_type_get_kind (type))
    {
    case CUPEL_SQL_BOOLEAN:
      cupel_compiler_append (compiler, "BOOLEAN");
      break;
    case CUPEL_SQL_INT16:
      cupel_compiler_append (compiler, "SMALLINT");
      break;
    case CUPEL_SQL_INT32:
      cupel_compiler_append (compiler, "INTEGER");
      break;
    case CUPEL_SQL_INT64:
      cupel_compiler_append (compiler, "BIGINT");
      break;
    case CUPEL_SQL_FLOAT:
      cupel_compiler_append (compiler, "FLOAT");
      break;
    case CUPEL_SQL_DOUBLE:
      cupel_compiler_append (compiler, "DOUBLE");
      break;
    case CUPEL_SQL_NUMERIC:
      cupel_mysql_compiler_decimal (compiler, type, 65, 30);
      break;
    case CUPEL_SQL_STRING:
      if (length <= CUPEL_MYSQL_MAX_VARCHAR)
        cupel_compiler_append_printf (compiler, "VARCHAR(%u)", length > 0 ? length : 255);
      else
        cupel_compiler_append (compiler, "LONGTEXT");
      break;
    case CUPEL_SQL_BYTES:
      if (length > 0 && length <= CUPEL_MYSQL_MAX_VARBINARY)
        cupel_compiler_append_printf (compiler, "VARBINARY(%u)", length);
      else
        cupel_compiler_append (compiler, "LONGBLOB");
      break;
    case CUPEL_SQL_DATE:
      cupel_compiler_append (compiler, "DATE");
      break;
    case CUPEL_SQL_TIME:
      cupel_compiler_append (compiler, "TIME(6)");
      break;
    case CUPEL_SQL_DATETIME:
      cupel_compiler_append (compiler, "DATETIME(6)");
      break;
    case CUPEL_SQL_TIMESTAMP:
      cupel_compiler_append (compiler, "TIMESTAMP(6)");
      break;
    case CUPEL_SQL_UUID:
      cupel_compiler_append (compiler, "CHAR(36)");
      break;
    case CUPEL_SQL_JSON:
      cupel_compiler_append (compiler, "JSON");
      break;
    case CUPEL_SQL_TEXT:
    case CUPEL_SQL_NULL:
    default:
      cupel_compiler_append (compiler, "LONGTEXT");
      break;
    }
}

static void
cupel_mysql_compiler_column_definition (CupelCompiler *compiler,
                                        CupelColumn   *column)
{
  CupelMysqlCompiler *self = (CupelMysqlCompiler *) compiler;
  CupelExpression *server_default = cupel_column_get_server_default (column);
  CupelSqlType *type = cupel_column_get_sql_type (column);

  cupel_compiler_append_identifier (compiler, cupel_column_get_name (column));
  cupel_compiler_append (compiler, " ");
  self->in_column = TRUE;
  CUPEL_COMPILER_GET_CLASS (compiler)->type_name (compiler, type);
  self->in_column = FALSE;

  if (!cupel_column_get_nullable (column) || cupel_column_get_primary_key (column))
    cupel_compiler_append (compiler, " NOT NULL");
  else if (cupel_sql_type_get_kind (type) == CUPEL_SQL_TIMESTAMP)
    /* older servers make it NOT NULL, and give it a default, unless told otherwise */
    cupel_compiler_append (compiler, " NULL");

  if (server_default != NULL)
    {
      cupel_compiler_append (compiler, " DEFAULT ");
      CUPEL_COMPILER_GET_CLASS (compiler)->server_default (compiler, server_default);
    }
  if (cupel_column_get_autoincrement (column))
    cupel_compiler_append (compiler, " AUTO_INCREMENT");
  if (cupel_column_get_unique (column))
    cupel_compiler_append (compiler, " UNIQUE");
}

/* Parentheses make it an expression, which every type may have; a bare constant is not allowed for texts and blobs. */
static void
cupel_mysql_compiler_server_default (CupelCompiler   *compiler,
                                     CupelExpression *expression)
{
  cupel_compiler_append (compiler, "(");
  CUPEL_COMPILER_CLASS (cupel_mysql_compiler_parent_class)->server_default (compiler, expression);
  cupel_compiler_append (compiler, ")");
}

static void
cupel_mysql_compiler_create_table_suffix (CupelCompiler *compiler,
                                          CupelTable    *table)
{
  cupel_compiler_append (compiler, " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
}

static void
cupel_mysql_compiler_function (CupelCompiler    *compiler,
                               const char       *name,
                               CupelExpression **arguments,
                               gsize             n_arguments)
{
  /* Without a precision it is cut to seconds. */
  if (n_arguments == 0 &&
      (g_ascii_strcasecmp (name, "now") == 0 || g_ascii_strcasecmp (name, "current_timestamp") == 0))
    cupel_compiler_append (compiler, "CURRENT_TIMESTAMP(6)");
  else
    CUPEL_COMPILER_CLASS (cupel_mysql_compiler_parent_class)->function (compiler, name, arguments, n_arguments);
}

static void
cupel_mysql_compiler_binary (CupelCompiler   *compiler,
                             const char      *op,
                             CupelExpression *left,
                             CupelExpression *right)
{
  if (strcmp (op, "||") != 0)
    {
      CUPEL_COMPILER_CLASS (cupel_mysql_compiler_parent_class)->binary (compiler, op, left, right);
      return;
    }

  /* || is OR here */
  cupel_compiler_append (compiler, "concat(");
  cupel_compiler_append_expression (compiler, left);
  cupel_compiler_append (compiler, ", ");
  cupel_compiler_append_expression (compiler, right);
  cupel_compiler_append (compiler, ")");
}

static void
cupel_mysql_compiler_limit (CupelCompiler   *compiler,
                            CupelExpression *limit,
                            CupelExpression *offset)
{
  if (limit == NULL && offset == NULL)
    return;

  cupel_compiler_append (compiler, " LIMIT ");
  if (limit != NULL)
    cupel_compiler_append_expression (compiler, limit);
  else
    cupel_compiler_append (compiler, "18446744073709551615");
  if (offset != NULL)
    {
      cupel_compiler_append (compiler, " OFFSET ");
      cupel_compiler_append_expression (compiler, offset);
    }
}

static void
cupel_mysql_compiler_default_values (CupelCompiler *compiler)
{
  cupel_compiler_append (compiler, " () VALUES ()");
}

static void
cupel_mysql_compiler_class_init (CupelMysqlCompilerClass *klass)
{
  CupelCompilerClass *compiler_class = CUPEL_COMPILER_CLASS (klass);

  compiler_class->quote_open = '`';
  compiler_class->quote_close = '`';
  compiler_class->max_identifier = 64;
  compiler_class->backslash_escapes = TRUE;
  compiler_class->type_name = cupel_mysql_compiler_type_name;
  compiler_class->column_definition = cupel_mysql_compiler_column_definition;
  compiler_class->create_table_suffix = cupel_mysql_compiler_create_table_suffix;
  compiler_class->server_default = cupel_mysql_compiler_server_default;
  compiler_class->function = cupel_mysql_compiler_function;
  compiler_class->binary = cupel_mysql_compiler_binary;
  compiler_class->limit = cupel_mysql_compiler_limit;
  compiler_class->default_values = cupel_mysql_compiler_default_values;
}

static void
cupel_mysql_compiler_init (CupelMysqlCompiler *self)
{
}

CupelCompiler *
cupel_mysql_compiler_new (void)
{
  return g_object_new (cupel_mysql_compiler_get_type (), NULL);
}
