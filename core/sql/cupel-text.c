/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-statement-private.h"

#include <string.h>

G_DEFINE_TYPE (CupelText, cupel_text, CUPEL_TYPE_STATEMENT)

static void
cupel_text_finalize (GObject *object)
{
  CupelText *self = CUPEL_TEXT (object);

  if (self->bind_types != NULL)
    for (guint i = 0; i < self->raw->v.raw->n_binds; i++)
      g_clear_pointer (&self->bind_types[i], cupel_sql_type_unref);
  g_free (self->bind_types);
  g_clear_pointer (&self->raw, cupel_expression_unref);
  g_ptr_array_unref (self->result_types);

  G_OBJECT_CLASS (cupel_text_parent_class)->finalize (object);
}

static void
cupel_text_copy (CupelStatement *statement,
                 CupelStatement *copy)
{
  CupelText *from = CUPEL_TEXT (statement);
  CupelText *to = CUPEL_TEXT (copy);
  guint n_binds = from->raw->v.raw->n_binds;

  to->raw = cupel_expression_ref (from->raw);
  to->bind_types = g_new0 (CupelSqlType *, n_binds);
  for (guint i = 0; i < n_binds; i++)
    if (from->bind_types[i] != NULL)
      to->bind_types[i] = cupel_sql_type_ref (from->bind_types[i]);
  for (guint i = 0; i < from->result_types->len; i++)
    g_ptr_array_add (to->result_types, cupel_sql_type_ref (g_ptr_array_index (from->result_types, i)));
}

static void
cupel_text_class_init (CupelTextClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_text_finalize;
  klass->parent_class.kind = CUPEL_STATEMENT_TEXT;
  klass->parent_class.copy = cupel_text_copy;
}

static void
cupel_text_init (CupelText *self)
{
  self->result_types = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_sql_type_unref);
}

/**
 * cupel_text_new:
 * @sql: SQL in the words of the database, one statement
 *
 * Makes a statement of raw SQL. Never build @sql from input of others, but write `:name` where a value belongs and give the
 * value with the execution.
 *
 * A name starts with a letter or `_` and goes on with letters, digits and `_`. Colons in quoted text (`'...'`, `E'...'`,
 * `$tag$...$tag$`), quoted names (`"..."`, `` `...` ``), comments and casts (`::`), and those that follow a letter or
 * digit, are left alone; write `\:` for any other colon that is meant as such. A backslash quotes nothing in `'...'`, as in the
 * standard.
 *
 * Returns: (transfer full): a new statement
 *
 * Since: 1.0
 */
CupelText *
cupel_text_new (const char *sql)
{
  CupelText *self;

  g_return_val_if_fail (sql != NULL, NULL);

  self = g_object_new (CUPEL_TYPE_TEXT, NULL);
  self->raw = cupel_text (sql);
  self->bind_types = g_new0 (CupelSqlType *, self->raw->v.raw->n_binds);

  return self;
}

/**
 * cupel_text_set_bind_type:
 * @text: a raw statement that is not frozen
 * @name: the name of a bind in it
 * @type: (transfer full): its SQL type
 *
 * Says of what SQL type a bind is. Some servers find that out by themselves, some take it from the value.
 *
 * Since: 1.0
 */
void
cupel_text_set_bind_type (CupelText    *text,
                          const char   *name,
                          CupelSqlType *type)
{
  CupelRawSql *raw;

  g_return_if_fail (CUPEL_IS_TEXT (text));
  g_return_if_fail (name != NULL);
  g_return_if_fail (type != NULL);

  raw = text->raw->v.raw;
  if (cupel_statement_check_mutable (&text->parent_instance, G_STRFUNC, NULL))
    {
      int place = cupel_name_list_find (&raw->binds, name);

      if (place >= 0)
        {
          g_clear_pointer (&text->bind_types[place], cupel_sql_type_unref);
          text->bind_types[place] = type;
          return;
        }
      g_critical ("%s: the statement has no bind \":%s\"", G_STRFUNC, name);
    }
  cupel_sql_type_unref (type);
}

/**
 * cupel_text_add_result_type:
 * @text: a raw statement that is not frozen
 * @type: (transfer full): the SQL type of the next column of the result
 *
 * Says of what SQL type a column of the result is, the first call of the first column and so on; and that rows come back.
 *
 * Since: 1.0
 */
void
cupel_text_add_result_type (CupelText    *text,
                            CupelSqlType *type)
{
  g_return_if_fail (CUPEL_IS_TEXT (text));
  g_return_if_fail (type != NULL);

  if (cupel_statement_check_mutable (&text->parent_instance, G_STRFUNC, NULL))
    g_ptr_array_add (text->result_types, type);
  else
    cupel_sql_type_unref (type);
}
