/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-compiler.h"

struct _CupelSqliteCompiler
{
  CupelCompiler parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelSqliteCompiler, cupel_sqlite_compiler, CUPEL_TYPE_COMPILER)

/* SQLite takes any name; what it contains decides what is stored. Exact decimals, JSON and UUIDs need the affinity TEXT
 * (the name has "TEXT" or "CHAR" in it), or numbers in them would become floating point. */
static void
cupel_sqlite_compiler_type_name (CupelCompiler      *self,
                                 const CupelSqlType *type)
{
  guint length = cupel_sql_type_get_length (type);
  guint precision = cupel_sql_type_get_precision (type);

  switch (cupel_sql_type_get_kind (type))
    {
    case CUPEL_SQL_BOOLEAN:
      cupel_compiler_append (self, "BOOLEAN");
      break;
    case CUPEL_SQL_INT16:
      cupel_compiler_append (self, "SMALLINT");
      break;
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      cupel_compiler_append (self, "INTEGER");
      break;
    case CUPEL_SQL_FLOAT:
      cupel_compiler_append (self, "REAL");
      break;
    case CUPEL_SQL_DOUBLE:
      cupel_compiler_append (self, "DOUBLE");
      break;
    case CUPEL_SQL_NUMERIC:
      if (precision > 0)
        cupel_compiler_append_printf (self, "DECIMAL_TEXT(%u, %u)", precision, cupel_sql_type_get_scale (type));
      else
        cupel_compiler_append (self, "DECIMAL_TEXT");
      break;
    case CUPEL_SQL_STRING:
      if (length > 0)
        cupel_compiler_append_printf (self, "VARCHAR(%u)", length);
      else
        cupel_compiler_append (self, "VARCHAR");
      break;
    case CUPEL_SQL_TEXT:
      cupel_compiler_append (self, "TEXT");
      break;
    case CUPEL_SQL_BYTES:
      cupel_compiler_append (self, "BLOB");
      break;
    case CUPEL_SQL_DATE:
      cupel_compiler_append (self, "DATE");
      break;
    case CUPEL_SQL_TIME:
      cupel_compiler_append (self, "TIME");
      break;
    case CUPEL_SQL_DATETIME:
      cupel_compiler_append (self, "DATETIME");
      break;
    case CUPEL_SQL_TIMESTAMP:
      cupel_compiler_append (self, "TIMESTAMP");
      break;
    case CUPEL_SQL_UUID:
      cupel_compiler_append (self, "CHAR(36)");
      break;
    case CUPEL_SQL_JSON:
      cupel_compiler_append (self, "JSON_TEXT");
      break;
    case CUPEL_SQL_NULL:
    default:
      cupel_compiler_fail (self, CUPEL_ERROR_PROGRAMMING,
                           "A type is not known: give the column one, or a foreign key whose target is in the metadata");
      break;
    }
}

static gboolean
is_integer (CupelColumn *column)
{
  switch (cupel_sql_type_get_kind (cupel_column_get_sql_type (column)))
    {
    case CUPEL_SQL_INT16:
    case CUPEL_SQL_INT32:
    case CUPEL_SQL_INT64:
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
is_only_key (CupelColumn *column)
{
  CupelTable *table = cupel_column_get_table (column);
  guint n_keys = 0;

  for (guint i = 0; table != NULL && i < cupel_table_get_n_columns (table); i++)
    n_keys += cupel_column_get_primary_key (cupel_table_get_nth_column (table, i)) ? 1 : 0;
  return n_keys == 1;
}

/* An INTEGER PRIMARY KEY is the row id itself: it is given by SQLite and costs no second index. The word must be INTEGER. */
static gboolean
is_row_id (CupelColumn *column)
{
  return cupel_column_get_primary_key (column) && cupel_column_get_autoincrement (column) && is_integer (column) &&
         is_only_key (column);
}

static gboolean
cupel_sqlite_compiler_inline_primary_key (CupelCompiler *self,
                                          CupelColumn   *column)
{
  return is_row_id (column);
}

static void
cupel_sqlite_compiler_column_definition (CupelCompiler *self,
                                         CupelColumn   *column)
{
  CupelExpression *server_default = cupel_column_get_server_default (column);

  cupel_compiler_append_identifier (self, cupel_column_get_name (column));
  cupel_compiler_append (self, " ");
  if (is_row_id (column))
    {
      cupel_compiler_append (self, "INTEGER NOT NULL PRIMARY KEY");
      return;
    }

  CUPEL_COMPILER_GET_CLASS (self)->type_name (self, cupel_column_get_sql_type (column));
  if (!cupel_column_get_nullable (column) || cupel_column_get_primary_key (column))
    cupel_compiler_append (self, " NOT NULL");
  if (server_default != NULL)
    {
      cupel_compiler_append (self, " DEFAULT ");
      CUPEL_COMPILER_GET_CLASS (self)->server_default (self, server_default);
    }
  if (cupel_column_get_unique (column))
    cupel_compiler_append (self, " UNIQUE");
}

/* The parentheses are needed for all but constants, and harmless there. */
static void
cupel_sqlite_compiler_server_default (CupelCompiler   *self,
                                      CupelExpression *expression)
{
  cupel_compiler_append (self, "(");
  CUPEL_COMPILER_CLASS (cupel_sqlite_compiler_parent_class)->server_default (self, expression);
  cupel_compiler_append (self, ")");
}

static gboolean
is_decimal (CupelExpression *expression)
{
  return cupel_sql_type_get_kind (cupel_expression_get_sql_type (expression)) == CUPEL_SQL_NUMERIC;
}

/* Exact decimals are texts here. Equal ones are equal texts, since they are stored with the decimals of their column, but
 * "9.00" would sort behind "10.00". */
static void
append_as_number (CupelCompiler   *self,
                  CupelExpression *expression)
{
  cupel_compiler_append (self, "CAST(");
  cupel_compiler_append_expression (self, expression);
  cupel_compiler_append (self, " AS REAL)");
}

static gboolean
compares_decimals (const char      *op,
                   CupelExpression *left,
                   CupelExpression *right)
{
  if (op[0] == '<' && op[1] != '>')
    return is_decimal (left) || is_decimal (right);
  if (op[0] == '>')
    return is_decimal (left) || is_decimal (right);
  if (strcmp (op, "=") == 0 || strcmp (op, "<>") == 0 || strcmp (op, "!=") == 0)
    {
      const CupelSqlType *a = cupel_expression_get_sql_type (left);
      const CupelSqlType *b = cupel_expression_get_sql_type (right);

      return is_decimal (left) && is_decimal (right) && cupel_sql_type_get_precision (a) > 0 &&
             cupel_sql_type_get_precision (b) > 0 && cupel_sql_type_get_scale (a) != cupel_sql_type_get_scale (b);
    }
  return FALSE;
}

static void
cupel_sqlite_compiler_binary (CupelCompiler   *self,
                              const char      *op,
                              CupelExpression *left,
                              CupelExpression *right)
{
  if (compares_decimals (op, left, right))
    {
      append_as_number (self, left);
      cupel_compiler_append_printf (self, " %s ", op);
      append_as_number (self, right);
    }
  else if (strcmp (op, "/") == 0)
    {
      /* Two integers would be divided as integers. */
      append_as_number (self, left);
      cupel_compiler_append (self, " / ");
      cupel_compiler_append_expression (self, right);
    }
  else
    {
      CUPEL_COMPILER_CLASS (cupel_sqlite_compiler_parent_class)->binary (self, op, left, right);
    }
}

static void
cupel_sqlite_compiler_between (CupelCompiler   *self,
                               gboolean         negated,
                               CupelExpression *operand,
                               CupelExpression *low,
                               CupelExpression *high)
{
  if (!is_decimal (operand) && !is_decimal (low) && !is_decimal (high))
    {
      CUPEL_COMPILER_CLASS (cupel_sqlite_compiler_parent_class)->between (self, negated, operand, low, high);
      return;
    }
  append_as_number (self, operand);
  cupel_compiler_append (self, negated ? " NOT BETWEEN " : " BETWEEN ");
  append_as_number (self, low);
  cupel_compiler_append (self, " AND ");
  append_as_number (self, high);
}

static void
cupel_sqlite_compiler_order_key (CupelCompiler   *self,
                                 CupelExpression *expression)
{
  if (is_decimal (expression))
    append_as_number (self, expression);
  else
    cupel_compiler_append_expression (self, expression);
}

static void
cupel_sqlite_compiler_function (CupelCompiler    *self,
                                const char       *name,
                                CupelExpression **arguments,
                                gsize             n_arguments)
{
  gboolean decimal = FALSE;

  for (gsize i = 0; i < n_arguments; i++)
    decimal = decimal || is_decimal (arguments[i]);
  if (!decimal || (g_ascii_strcasecmp (name, "min") != 0 && g_ascii_strcasecmp (name, "max") != 0))
    {
      CUPEL_COMPILER_CLASS (cupel_sqlite_compiler_parent_class)->function (self, name, arguments, n_arguments);
      return;
    }

  cupel_compiler_append_printf (self, "%s(", name);
  for (gsize i = 0; i < n_arguments; i++)
    {
      if (i > 0)
        cupel_compiler_append (self, ", ");
      append_as_number (self, arguments[i]);
    }
  cupel_compiler_append (self, ")");
}

static void
cupel_sqlite_compiler_boolean_literal (CupelCompiler *self,
                                       gboolean       value)
{
  cupel_compiler_append (self, value ? "1" : "0");
}

/* OFFSET stands only behind LIMIT. */
static void
cupel_sqlite_compiler_limit (CupelCompiler   *self,
                             CupelExpression *limit,
                             CupelExpression *offset)
{
  if (limit == NULL && offset == NULL)
    return;

  cupel_compiler_append (self, " LIMIT ");
  if (limit != NULL)
    cupel_compiler_append_expression (self, limit);
  else
    cupel_compiler_append (self, "-1");
  if (offset != NULL)
    {
      cupel_compiler_append (self, " OFFSET ");
      cupel_compiler_append_expression (self, offset);
    }
}

static void
cupel_sqlite_compiler_class_init (CupelSqliteCompilerClass *klass)
{
  CupelCompilerClass *compiler_class = CUPEL_COMPILER_CLASS (klass);

  compiler_class->max_identifier = 1024;
  compiler_class->type_name = cupel_sqlite_compiler_type_name;
  compiler_class->column_definition = cupel_sqlite_compiler_column_definition;
  compiler_class->server_default = cupel_sqlite_compiler_server_default;
  compiler_class->binary = cupel_sqlite_compiler_binary;
  compiler_class->between = cupel_sqlite_compiler_between;
  compiler_class->order_key = cupel_sqlite_compiler_order_key;
  compiler_class->function = cupel_sqlite_compiler_function;
  compiler_class->inline_primary_key = cupel_sqlite_compiler_inline_primary_key;
  compiler_class->boolean_literal = cupel_sqlite_compiler_boolean_literal;
  compiler_class->limit = cupel_sqlite_compiler_limit;
}

static void
cupel_sqlite_compiler_init (CupelSqliteCompiler *self)
{
}
