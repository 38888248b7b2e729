/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "dollar-compiler.h"

#define TYPE_DOLLAR_COMPILER (dollar_compiler_get_type ())
G_DECLARE_FINAL_TYPE (DollarCompiler, dollar_compiler, DOLLAR, COMPILER, CupelCompiler)

struct _DollarCompiler
{
  CupelCompiler parent_instance;
};

G_DEFINE_FINAL_TYPE (DollarCompiler, dollar_compiler, CUPEL_TYPE_COMPILER)

static void
dollar_placeholder (CupelCompiler      *self,
                    guint               number,
                    const CupelSqlType *type)
{
  cupel_compiler_append_printf (self, "$%u", number);
}

static void
dollar_binary (CupelCompiler   *self,
               const char      *op,
               CupelExpression *left,
               CupelExpression *right)
{
  if (strcmp (op, "||") != 0)
    {
      CUPEL_COMPILER_CLASS (dollar_compiler_parent_class)->binary (self, op, left, right);
      return;
    }
  cupel_compiler_append (self, "concat(");
  cupel_compiler_append_expression (self, left);
  cupel_compiler_append (self, ", ");
  cupel_compiler_append_expression (self, right);
  cupel_compiler_append (self, ")");
}

/* The offset first: slots do not follow the walk. */
static void
dollar_limit (CupelCompiler   *self,
              CupelExpression *limit,
              CupelExpression *offset)
{
  cupel_compiler_append (self, " SKIP ");
  cupel_compiler_append_expression (self, offset);
  cupel_compiler_append (self, " TAKE ");
  cupel_compiler_append_expression (self, limit);
}

static void
dollar_default_values (CupelCompiler *self)
{
  cupel_compiler_append (self, " () VALUES ()");
}

static void
dollar_boolean_literal (CupelCompiler *self,
                        gboolean       value)
{
  cupel_compiler_append (self, value ? "1" : "0");
}

static gboolean
dollar_inline_primary_key (CupelCompiler *self,
                           CupelColumn   *column)
{
  return TRUE;
}

static void
dollar_column_definition (CupelCompiler *self,
                          CupelColumn   *column)
{
  CUPEL_COMPILER_CLASS (dollar_compiler_parent_class)->column_definition (self, column);
  if (cupel_column_get_primary_key (column))
    cupel_compiler_append (self, " PRIMARY KEY");
}

static void
dollar_create_table_suffix (CupelCompiler *self,
                            CupelTable    *table)
{
  cupel_compiler_append (self, " STRICT");
}

static void
dollar_compiler_class_init (DollarCompilerClass *klass)
{
  CupelCompilerClass *compiler_class = CUPEL_COMPILER_CLASS (klass);

  compiler_class->quote_open = '[';
  compiler_class->quote_close = ']';
  compiler_class->max_identifier = 20;
  compiler_class->backslash_escapes = TRUE;
  compiler_class->placeholder = dollar_placeholder;
  compiler_class->binary = dollar_binary;
  compiler_class->limit = dollar_limit;
  compiler_class->default_values = dollar_default_values;
  compiler_class->boolean_literal = dollar_boolean_literal;
  compiler_class->inline_primary_key = dollar_inline_primary_key;
  compiler_class->column_definition = dollar_column_definition;
  compiler_class->create_table_suffix = dollar_create_table_suffix;
}

static void
dollar_compiler_init (DollarCompiler *self)
{
}

void
use_dollars (SqlFixture *fixture)
{
  g_set_object (&fixture->compiler, NULL);
  fixture->compiler = g_object_new (TYPE_DOLLAR_COMPILER, NULL);
}
