/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-compiler-private.h"
#include "sql/cupel-schema-private.h"
#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-value-private.h"

#include <math.h>
#include <string.h>

typedef struct
{
  CupelCompilerState state;
} CupelCompilerPrivate;

/**
 * CupelCompiler:
 *
 * Walks a statement and writes SQL. Core has one that keeps to the standard; a dialect derives from it and overrides what
 * differs.
 *
 * Since: 1.0
 */
G_DEFINE_TYPE_WITH_PRIVATE (CupelCompiler, cupel_compiler, G_TYPE_OBJECT)

CupelCompilerState *
cupel_compiler_get_state (CupelCompiler *compiler)
{
  CupelCompilerPrivate *priv = cupel_compiler_get_instance_private (compiler);

  return &priv->state;
}

/* the vfuncs of the standard */

static void
cupel_compiler_default_placeholder (CupelCompiler      *self,
                                    guint               number,
                                    const CupelSqlType *type)
{
  cupel_compiler_append (self, "?");
}

static void
cupel_compiler_default_server_default (CupelCompiler   *self,
                                       CupelExpression *expression)
{
  cupel_compiler_append_expression (self, expression);
}

static void
cupel_compiler_default_function (CupelCompiler    *self,
                                 const char       *name,
                                 CupelExpression **arguments,
                                 gsize             n_arguments)
{
  if (n_arguments == 0 && g_ascii_strcasecmp (name, "now") == 0)
    {
      cupel_compiler_append (self, "CURRENT_TIMESTAMP");
      return;
    }

  cupel_compiler_append (self, name);
  cupel_compiler_append (self, "(");
  for (gsize i = 0; i < n_arguments; i++)
    {
      if (i > 0)
        cupel_compiler_append (self, ", ");
      cupel_compiler_append_expression (self, arguments[i]);
    }
  cupel_compiler_append (self, ")");
}

static void
cupel_compiler_default_binary (CupelCompiler   *self,
                               const char      *op,
                               CupelExpression *left,
                               CupelExpression *right)
{
  cupel_compiler_append_expression (self, left);
  cupel_compiler_append (self, " ");
  cupel_compiler_append (self, op);
  cupel_compiler_append (self, " ");
  cupel_compiler_append_expression (self, right);
}

static void
cupel_compiler_default_between (CupelCompiler   *self,
                                gboolean         negated,
                                CupelExpression *operand,
                                CupelExpression *low,
                                CupelExpression *high)
{
  cupel_compiler_append_expression (self, operand);
  cupel_compiler_append (self, negated ? " NOT BETWEEN " : " BETWEEN ");
  cupel_compiler_append_expression (self, low);
  cupel_compiler_append (self, " AND ");
  cupel_compiler_append_expression (self, high);
}

static void
cupel_compiler_default_boolean_literal (CupelCompiler *self,
                                        gboolean       value)
{
  cupel_compiler_append (self, value ? "TRUE" : "FALSE");
}

static void
cupel_compiler_default_limit (CupelCompiler   *self,
                              CupelExpression *limit,
                              CupelExpression *offset)
{
  if (limit != NULL)
    {
      cupel_compiler_append (self, " LIMIT ");
      cupel_compiler_append_expression (self, limit);
    }
  if (offset != NULL)
    {
      cupel_compiler_append (self, " OFFSET ");
      cupel_compiler_append_expression (self, offset);
    }
}

static void
cupel_compiler_default_default_values (CupelCompiler *self)
{
  cupel_compiler_append (self, " DEFAULT VALUES");
}

static void
cupel_compiler_default_create_table_suffix (CupelCompiler *self,
                                            CupelTable    *table)
{
}

static gboolean
cupel_compiler_default_inline_primary_key (CupelCompiler *self,
                                           CupelColumn   *column)
{
  return FALSE;
}

static void
cupel_compiler_finalize (GObject *object)
{
  CupelCompilerState *state = cupel_compiler_get_state (CUPEL_COMPILER (object));

  g_mutex_clear (&state->lock);

  G_OBJECT_CLASS (cupel_compiler_parent_class)->finalize (object);
}

static void
cupel_compiler_class_init (CupelCompilerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_compiler_finalize;

  klass->quote_open = '"';
  klass->quote_close = '"';
  klass->max_identifier = 63;
  klass->placeholder = cupel_compiler_default_placeholder;
  klass->type_name = cupel_compiler_type_name;
  klass->column_definition = cupel_compiler_column_definition;
  klass->create_table_suffix = cupel_compiler_default_create_table_suffix;
  klass->server_default = cupel_compiler_default_server_default;
  klass->function = cupel_compiler_default_function;
  klass->binary = cupel_compiler_default_binary;
  klass->boolean_literal = cupel_compiler_default_boolean_literal;
  klass->limit = cupel_compiler_default_limit;
  klass->default_values = cupel_compiler_default_default_values;
  klass->inline_primary_key = cupel_compiler_default_inline_primary_key;
  klass->between = cupel_compiler_default_between;
  klass->order_key = cupel_compiler_append_expression;
}

static void
cupel_compiler_init (CupelCompiler *self)
{
  g_mutex_init (&cupel_compiler_get_state (self)->lock);
}

/* what vfuncs use */

/**
 * cupel_compiler_append: (skip)
 * @compiler: a compiler, inside one of its vfuncs
 * @text: SQL
 *
 * Writes a piece of SQL.
 *
 * Since: 1.0
 */
void
cupel_compiler_append (CupelCompiler *compiler,
                       const char    *text)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  g_return_if_fail (state->sql != NULL);

  g_string_append (state->sql, text);
}

/**
 * cupel_compiler_append_printf: (skip)
 * @compiler: a compiler, inside one of its vfuncs
 * @format: a printf format
 * @...: what @format asks for; never text from outside
 *
 * Writes a piece of SQL.
 *
 * Since: 1.0
 */
void
cupel_compiler_append_printf (CupelCompiler *compiler,
                              const char    *format,
                              ...)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  va_list args;

  g_return_if_fail (state->sql != NULL);

  va_start (args, format);
  g_string_append_vprintf (state->sql, format, args);
  va_end (args);
}

/**
 * cupel_compiler_append_identifier: (skip)
 * @compiler: a compiler, inside one of its vfuncs
 * @name: the name of a table, column or the like
 *
 * Writes a name, quoted. The compilation fails with %CUPEL_ERROR_PROGRAMMING if it is empty, too long for the server, or not
 * valid UTF-8.
 *
 * Since: 1.0
 */
void
cupel_compiler_append_identifier (CupelCompiler *compiler,
                                  const char    *name)
{
  CupelCompilerClass *klass = CUPEL_COMPILER_GET_CLASS (compiler);
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  gsize length;

  g_return_if_fail (state->sql != NULL);
  g_return_if_fail (name != NULL);

  length = strlen (name);
  if (length == 0)
    cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "The name of a table or column is empty");
  else if (!g_utf8_validate (name, -1, NULL))
    {
      g_autofree char *readable = g_utf8_make_valid (name, -1);

      cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "The name \"%s\" is not valid UTF-8", readable);
    }
  else if (length > klass->max_identifier)
    cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "The name \"%s\" is longer than %u bytes", name,
                         klass->max_identifier);

  g_string_append_c (state->sql, klass->quote_open);
  for (const char *p = name; *p != '\0'; p++)
    {
      if (*p == klass->quote_close)
        g_string_append_c (state->sql, *p);
      g_string_append_c (state->sql, *p);
    }
  g_string_append_c (state->sql, klass->quote_close);
}

/**
 * cupel_compiler_fail: (skip)
 * @compiler: a compiler, inside one of its vfuncs
 * @code: an error code, %CUPEL_ERROR_UNSUPPORTED for what the database cannot do
 * @format: a printf format
 * @...: what @format asks for
 *
 * Makes the compilation fail. The first problem is the one that is told.
 *
 * Since: 1.0
 */
void
cupel_compiler_fail (CupelCompiler *compiler,
                     CupelError     code,
                     const char    *format,
                     ...)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  va_list args;

  if (state->error != NULL)
    return;
  va_start (args, format);
  state->error = g_error_new_valist (CUPEL_ERROR, code, format, args);
  va_end (args);
}

static void
append_quoted (CupelCompiler *compiler,
               const char    *text,
               gsize          length)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  gboolean backslash = CUPEL_COMPILER_GET_CLASS (compiler)->backslash_escapes;

  g_string_append_c (state->sql, '\'');
  for (gsize i = 0; i < length; i++)
    {
      if (text[i] == '\'' || (backslash && text[i] == '\\'))
        g_string_append_c (state->sql, text[i]);
      g_string_append_c (state->sql, text[i]);
    }
  g_string_append_c (state->sql, '\'');
}

/**
 * cupel_compiler_append_constant: (skip)
 * @compiler: a compiler, inside one of its vfuncs
 * @value: a value
 *
 * Writes a value into the text. This is for DDL only, which takes no parameters.
 *
 * Since: 1.0
 */
void
cupel_compiler_append_constant (CupelCompiler    *compiler,
                                const CupelValue *value)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  const CupelCell *cell;
  g_autofree char *text = NULL;
  GError *error = NULL;

  g_return_if_fail (state->sql != NULL);
  g_return_if_fail (value != NULL);

  cell = cupel_value_get_cell (value);
  if (!cupel_cell_validate (cell, NULL, &error))
    {
      cupel_compiler_fail (compiler, CUPEL_ERROR_DATA, "%s", error->message);
      g_error_free (error);
      return;
    }

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_BOOLEAN:
      CUPEL_COMPILER_GET_CLASS (compiler)->boolean_literal (compiler, cell->v.i64 != 0);
      break;

    case CUPEL_CELL_DOUBLE:
      if (!isfinite (cell->v.f64))
        {
          cupel_compiler_fail (compiler, CUPEL_ERROR_UNSUPPORTED, "A number that is not finite cannot be a default");
          break;
        }
      G_GNUC_FALLTHROUGH;
    case CUPEL_CELL_NULL:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
      text = cupel_cell_to_string (cell);
      g_string_append (state->sql, text);
      break;

    case CUPEL_CELL_DECIMAL:
      if (strpbrk (cell->v.text, "NI") != NULL)
        cupel_compiler_fail (compiler, CUPEL_ERROR_UNSUPPORTED, "A number that is not finite cannot be a default");
      g_string_append_len (state->sql, cell->v.text, cell->length);
      break;

    case CUPEL_CELL_BYTES:
      text = cupel_cell_to_string (cell);
      g_string_append_printf (state->sql, "X'%s'", text + 2);
      break;

    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      append_quoted (compiler, cell->v.text, cell->length);
      break;

    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    case CUPEL_CELL_UUID:
    default:
      text = cupel_cell_to_string (cell);
      append_quoted (compiler, text, strlen (text));
      break;
    }
}

/* statements */

static void
append_returning (CupelCompiler *compiler,
                  GPtrArray     *returning)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  if (returning->len == 0)
    return;
  state->qualify = FALSE;
  g_string_append (state->sql, " RETURNING ");
  cupel_compiler_append_column_list (compiler, returning);
}

static void
append_where (CupelCompiler   *compiler,
              CupelExpression *where)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  if (where == NULL)
    return;
  state->qualify = TRUE;
  g_string_append (state->sql, " WHERE ");
  cupel_compiler_append_expression (compiler, where);
}

static void
append_dml_table (CupelCompiler *compiler,
                  CupelTable    *table)
{
  if (table->original != NULL)
    cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "\"%s\" is an alias; only the table \"%s\" itself can be changed",
                         table->name, table->original->name);
  cupel_compiler_append_identifier (compiler, table->name);
}

static void
append_assigned_value (CupelCompiler   *compiler,
                       CupelAssignment *assignment)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  if (assignment->value != NULL)
    cupel_compiler_append_expression (compiler, assignment->value);
  else
    cupel_compiler_append_slot (compiler, CUPEL_SLOT_BIND,
                                (guint) cupel_shape_find_bind (state->shape, assignment->column->name),
                                cupel_column_get_sql_type (assignment->column));
}

static void
append_insert (CupelCompiler *compiler,
               CupelInsert   *insert,
               GArray        *marks,
               gsize         *start,
               gsize         *end)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  g_string_append (state->sql, "INSERT INTO ");
  append_dml_table (compiler, insert->table);
  if (insert->assignments->len == 0)
    CUPEL_COMPILER_GET_CLASS (compiler)->default_values (compiler);
  else
    {
      g_string_append (state->sql, " (");
      for (guint i = 0; i < insert->assignments->len; i++)
        {
          CupelAssignment *assignment = g_ptr_array_index (insert->assignments, i);

          if (i > 0)
            g_string_append (state->sql, ", ");
          cupel_compiler_append_identifier (compiler, assignment->column->name);
        }
      g_string_append (state->sql, ") VALUES ");

      *start = state->sql->len;
      state->marks = marks;
      g_string_append_c (state->sql, '(');
      for (guint i = 0; i < insert->assignments->len; i++)
        {
          if (i > 0)
            g_string_append (state->sql, ", ");
          append_assigned_value (compiler, g_ptr_array_index (insert->assignments, i));
        }
      g_string_append_c (state->sql, ')');
      state->marks = NULL;
      *end = state->sql->len;
    }
  append_returning (compiler, insert->returning);
}

static void
append_update (CupelCompiler *compiler,
               CupelUpdate   *update)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  if (update->assignments->len == 0)
    cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "The UPDATE of \"%s\" sets nothing", update->table->name);

  g_ptr_array_add (state->scope, update->table);
  g_string_append (state->sql, "UPDATE ");
  append_dml_table (compiler, update->table);
  g_string_append (state->sql, " SET ");
  for (guint i = 0; i < update->assignments->len; i++)
    {
      CupelAssignment *assignment = g_ptr_array_index (update->assignments, i);

      if (i > 0)
        g_string_append (state->sql, ", ");
      cupel_compiler_append_identifier (compiler, assignment->column->name);
      g_string_append (state->sql, " = ");
      append_assigned_value (compiler, assignment);
    }
  append_where (compiler, update->where);
  append_returning (compiler, update->returning);
}

static void
append_delete (CupelCompiler *compiler,
               CupelDelete   *delete_)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  g_ptr_array_add (state->scope, delete_->table);
  g_string_append (state->sql, "DELETE FROM ");
  append_dml_table (compiler, delete_->table);
  append_where (compiler, delete_->where);
  append_returning (compiler, delete_->returning);
}

static void
clear_slot (gpointer data)
{
  cupel_sql_type_unref (((CupelSlot *) data)->type);
}

static void
state_begin (CupelCompilerState *state,
             CupelShape         *shape)
{
  state->sql = g_string_sized_new (256);
  state->slots = g_array_new (FALSE, FALSE, sizeof (CupelSlot));
  g_array_set_clear_func (state->slots, clear_slot);
  state->scope = g_ptr_array_new ();
  state->shape = shape;
  if (shape->n_nodes > 0)
    {
      state->nodes = g_hash_table_new (NULL, NULL);
      for (guint i = 0; i < shape->n_nodes; i++)
        g_hash_table_insert (state->nodes, (gpointer) shape->nodes[i].node, &shape->nodes[i]);
    }
  state->qualify = FALSE;
  state->constants = FALSE;
  state->parent = 0;
}

static void
state_end (CupelCompilerState *state)
{
  g_string_free (g_steal_pointer (&state->sql), TRUE);
  g_clear_pointer (&state->slots, g_array_unref);
  g_clear_pointer (&state->lists, g_array_unref);
  g_clear_pointer (&state->scope, g_ptr_array_unref);
  g_clear_pointer (&state->nodes, g_hash_table_unref);
  state->shape = NULL;
  g_clear_error (&state->error);
}

static CupelCompiled *
compile_shape (CupelCompiler      *compiler,
               CupelCompilerState *state,
               CupelStatement     *statement)
{
  static const CupelCompiledKind kinds[] = {
    [CUPEL_STATEMENT_SELECT] = CUPEL_COMPILED_SELECT,
    [CUPEL_STATEMENT_INSERT] = CUPEL_COMPILED_INSERT,
    [CUPEL_STATEMENT_UPDATE] = CUPEL_COMPILED_UPDATE,
    [CUPEL_STATEMENT_DELETE] = CUPEL_COMPILED_DELETE,
    [CUPEL_STATEMENT_TEXT] = CUPEL_COMPILED_TEXT,
    [CUPEL_STATEMENT_CREATE_TABLE] = CUPEL_COMPILED_DDL,
    [CUPEL_STATEMENT_DROP_TABLE] = CUPEL_COMPILED_DDL,
    [CUPEL_STATEMENT_CREATE_INDEX] = CUPEL_COMPILED_DDL,
  };
  CupelStatementKind kind = cupel_statement_get_kind (statement);
  g_autoptr(GArray) marks = g_array_new (FALSE, FALSE, sizeof (CupelGroupMark));
  gsize start = 0, end = 0;
  GPtrArray *columns = NULL;
  CupelTable *table = NULL;
  CupelCompiled *compiled;
  CupelText *text = NULL;

  switch (kind)
    {
    case CUPEL_STATEMENT_SELECT:
      cupel_compiler_append_select (compiler, CUPEL_SELECT (statement), FALSE);
      columns = CUPEL_SELECT (statement)->columns;
      break;

    case CUPEL_STATEMENT_INSERT:
      append_insert (compiler, CUPEL_INSERT (statement), marks, &start, &end);
      columns = CUPEL_INSERT (statement)->returning;
      table = CUPEL_INSERT (statement)->table;
      break;

    case CUPEL_STATEMENT_UPDATE:
      append_update (compiler, CUPEL_UPDATE (statement));
      columns = CUPEL_UPDATE (statement)->returning;
      table = CUPEL_UPDATE (statement)->table;
      break;

    case CUPEL_STATEMENT_DELETE:
      append_delete (compiler, CUPEL_DELETE (statement));
      columns = CUPEL_DELETE (statement)->returning;
      table = CUPEL_DELETE (statement)->table;
      break;

    case CUPEL_STATEMENT_TEXT:
      text = CUPEL_TEXT (statement);
      cupel_compiler_append_raw (compiler, text->raw->v.raw, text->bind_types);
      break;

    case CUPEL_STATEMENT_CREATE_TABLE:
      table = CUPEL_CREATE_TABLE (statement)->table;
      cupel_compiler_append_create_table (compiler, table);
      break;

    case CUPEL_STATEMENT_DROP_TABLE:
      table = CUPEL_DROP_TABLE (statement)->table;
      cupel_compiler_append_drop_table (compiler, table);
      break;

    case CUPEL_STATEMENT_CREATE_INDEX:
      table = CUPEL_CREATE_INDEX (statement)->table;
      cupel_compiler_append_create_index (compiler, CUPEL_CREATE_INDEX (statement)->column);
      break;

    default:
      g_assert_not_reached ();
    }

  if (state->error != NULL)
    return NULL;

  compiled = cupel_compiled_new (compiler, kinds[kind], state);
  if (columns != NULL && columns->len > 0)
    cupel_compiled_set_columns (compiled, columns);
  if (table != NULL)
    cupel_compiled_set_table_name (compiled, table->name);
  if (text != NULL)
    {
      cupel_compiled_set_text_columns (compiled, text->result_types);
      compiled->returns_rows = text->result_types->len > 0 || text->raw->v.raw->returns_rows;
    }
  /* a parameter in RETURNING would have another number in every form */
  if (end > 0 && marks->len == compiled->n_slots)
    cupel_compiled_set_group (compiled, start, end, marks);

  return compiled;
}

CupelCompiled *
cupel_compiler_compile_shape (CupelCompiler   *compiler,
                              CupelStatement  *statement,
                              CupelShape      *shape,
                              GError         **error)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  CupelCompiled *compiled;

  g_mutex_lock (&state->lock);
  state_begin (state, shape);
  compiled = compile_shape (compiler, state, statement);
  if (compiled == NULL)
    g_propagate_error (error, g_steal_pointer (&state->error));
  state_end (state);
  g_mutex_unlock (&state->lock);

  return compiled;
}

/**
 * cupel_compiler_compile: (skip)
 * @compiler: a compiler
 * @statement: a statement; it freezes
 * @error: return location for an error, or %NULL
 *
 * Writes a statement in the words of the compiler's dialect. Any thread may call this.
 *
 * Returns: (transfer full): the compiled statement; %NULL with %CUPEL_ERROR_PROGRAMMING if the statement makes no sense,
 *   %CUPEL_ERROR_UNSUPPORTED if the dialect cannot say it, or %CUPEL_ERROR_DATA if a literal is malformed
 *
 * Since: 1.0
 */
CupelCompiled *
cupel_compiler_compile (CupelCompiler   *compiler,
                        CupelStatement  *statement,
                        GError         **error)
{
  CupelCompiled *compiled = NULL;
  CupelShape *shape;

  g_return_val_if_fail (CUPEL_IS_COMPILER (compiler), NULL);
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), NULL);

  g_mutex_lock (&statement->lock);
  shape = cupel_statement_get_shape (statement, error);
  if (shape != NULL)
    compiled = cupel_compiler_compile_shape (compiler, statement, shape, error);
  g_mutex_unlock (&statement->lock);

  return compiled;
}
