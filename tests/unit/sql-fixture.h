/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#define CUPEL_INSIDE
#include "sql/cupel-compiled-cache-private.h"
#include "sql/cupel-compiler.h"
#undef CUPEL_INSIDE

/* Two tables as everybody has them: b.a_id refers to a.id. */
typedef struct
{
  CupelMetadata *metadata;
  CupelTable    *a;
  CupelTable    *b;
  CupelCompiler *compiler;
} SqlFixture;

static inline CupelColumn *
add_column (CupelTable   *table,
            const char   *name,
            CupelSqlType *type)
{
  CupelColumn *column = cupel_column_new (name, type);

  cupel_table_add_column (table, column);

  return column;
}

static inline void
sql_fixture_set_up (SqlFixture    *fixture,
                    gconstpointer  data)
{
  CupelColumn *column;
  GError *error = NULL;

  fixture->compiler = g_object_new (CUPEL_TYPE_COMPILER, NULL);
  fixture->metadata = cupel_metadata_new ();

  fixture->a = cupel_table_new ("a");
  cupel_column_set_primary_key (add_column (fixture->a, "id", cupel_sql_type_new (CUPEL_SQL_INT64)), TRUE);
  add_column (fixture->a, "data", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));
  add_column (fixture->a, "n", cupel_sql_type_new (CUPEL_SQL_INT32));
  column = add_column (fixture->a, "create_date", cupel_sql_type_new (CUPEL_SQL_DATETIME));
  cupel_column_set_server_default (column, cupel_func ("now", NULL));

  fixture->b = cupel_table_new ("b");
  cupel_column_set_primary_key (add_column (fixture->b, "id", cupel_sql_type_new (CUPEL_SQL_INT64)), TRUE);
  column = add_column (fixture->b, "a_id", cupel_sql_type_new (CUPEL_SQL_NULL));
  cupel_column_set_foreign_key (column, "a.id");
  add_column (fixture->b, "data", cupel_sql_type_new (CUPEL_SQL_TEXT));

  cupel_metadata_add_table (fixture->metadata, fixture->a, &error);
  g_assert_no_error (error);
  cupel_metadata_add_table (fixture->metadata, fixture->b, &error);
  g_assert_no_error (error);
}

static inline void
sql_fixture_tear_down (SqlFixture    *fixture,
                       gconstpointer  data)
{
  g_clear_object (&fixture->metadata);
  g_clear_object (&fixture->a);
  g_clear_object (&fixture->b);
  g_clear_object (&fixture->compiler);
}

/* The kinds of the slots, as "4 8": literals; a bind is ":4". */
static inline char *
describe_slots (const CupelCompiled *compiled)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < compiled->n_slots; i++)
    g_string_append_printf (text, "%s%s%u=%d", i > 0 ? " " : "", compiled->slots[i].source == CUPEL_SLOT_BIND ? ":" : "",
                            compiled->slots[i].index, cupel_sql_type_get_kind (compiled->slots[i].type));

  return g_string_free (text, FALSE);
}

/* Each slot says where its placeholder stands: "?" or "$number". */
static inline void
check_offsets (const CupelCompiled *compiled)
{
  for (guint i = 0; i < compiled->n_slots; i++)
    {
      const CupelSlot *slot = &compiled->slots[i];
      g_autofree char *numbered = g_strdup_printf ("$%u", i + 1);
      g_autofree char *found = NULL;

      g_assert_cmpuint ((gsize) slot->offset + slot->length, <=, compiled->sql_length);
      found = g_strndup (compiled->sql + slot->offset, slot->length);
      if (strcmp (found, "?") != 0)
        g_assert_cmpstr (found, ==, numbered);
    }
}

/* @statement: (transfer full) */
static inline void
check_sql (SqlFixture *fixture,
           gpointer    statement,
           const char *sql)
{
  GError *error = NULL;
  CupelCompiled *compiled = cupel_compiler_compile (fixture->compiler, statement, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (compiled->sql, ==, sql);
  g_assert_cmpuint (compiled->sql_length, ==, strlen (sql));
  check_offsets (compiled);
  cupel_compiled_unref (compiled);
  g_object_unref (statement);
}

/* @statement: (transfer full) */
static inline void
check_error (SqlFixture *fixture,
             gpointer    statement,
             CupelError  code,
             const char *part)
{
  GError *error = NULL;
  CupelCompiled *compiled = cupel_compiler_compile (fixture->compiler, statement, &error);

  g_assert_null (compiled);
  g_assert_error (error, CUPEL_ERROR, (int) code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" is not in \"%s\"", part, error->message);
  g_error_free (error);
  g_object_unref (statement);
}

#define A(name) cupel_table_c (fixture->a, name)
#define B(name) cupel_table_c (fixture->b, name)

/* A SELECT of a.id with this condition. */
static inline CupelSelect *
select_where (SqlFixture      *fixture,
              CupelExpression *condition)
{
  CupelSelect *select = cupel_select_new ();

  cupel_select_add_column (select, A ("id"));
  cupel_select_where (select, condition);

  return select;
}

#define check_where(condition, sql) \
  check_sql (fixture, select_where (fixture, (condition)), "SELECT \"a\".\"id\" FROM \"a\" WHERE " sql)
