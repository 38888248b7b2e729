/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The SQL of a "server" that can add: SELECT of sums, with placeholders spelled #1, #2 ... */

#include "sample.h"

struct _SampleCompiler
{
  CupelCompiler parent_instance;
};

struct _SampleDialect
{
  CupelDialect parent_instance;
};

G_DEFINE_FINAL_TYPE (SampleCompiler, sample_compiler, CUPEL_TYPE_COMPILER)
G_DEFINE_FINAL_TYPE (SampleDialect, sample_dialect, CUPEL_TYPE_DIALECT)

static void
sample_compiler_placeholder (CupelCompiler      *compiler,
                             guint               number,
                             const CupelSqlType *type)
{
  cupel_compiler_append_printf (compiler, "#%u", number);
}

static void
sample_compiler_class_init (SampleCompilerClass *klass)
{
  CUPEL_COMPILER_CLASS (klass)->placeholder = sample_compiler_placeholder;
}

static void
sample_compiler_init (SampleCompiler *self)
{
}

static CupelCompiler *
sample_dialect_create_compiler (CupelDialect *dialect)
{
  return g_object_new (SAMPLE_TYPE_COMPILER, NULL);
}

static CupelDriver *
sample_dialect_create_driver (CupelDialect *dialect)
{
  return g_object_new (SAMPLE_TYPE_DRIVER, NULL);
}

static gboolean
sample_dialect_initialize (CupelDialect           *dialect,
                           CupelDriverConnection  *connection,
                           CupelCapabilities      *capabilities,
                           GCancellable           *cancellable,
                           GError                **error)
{
  g_auto(CupelReply) reply = { NULL, };

  if (!cupel_dialect_query (dialect, connection, "SELECT 1", &reply, cancellable, error))
    return FALSE;
  *capabilities = CUPEL_CAP_NONE;
  return TRUE;
}

static CupelStatement *
sample_dialect_existing_tables (CupelDialect      *dialect,
                                const char *const *names)
{
  return CUPEL_STATEMENT (cupel_text_new ("TABLES"));
}

static void
sample_dialect_class_init (SampleDialectClass *klass)
{
  CupelDialectClass *dialect_class = CUPEL_DIALECT_CLASS (klass);

  dialect_class->name = "sample";
  dialect_class->create_compiler = sample_dialect_create_compiler;
  dialect_class->create_driver = sample_dialect_create_driver;
  dialect_class->initialize = sample_dialect_initialize;
  dialect_class->existing_tables = sample_dialect_existing_tables;
}

static void
sample_dialect_init (SampleDialect *self)
{
}

CUPEL_PLUGIN_DEFINE (DIALECT, dialect, sample, "sample", NULL, "1.0", sample_dialect_get_type)
