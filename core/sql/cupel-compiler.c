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

/* How tightly operators bind. What is no operator binds best. */
enum
{
  PRECEDENCE_NONE,         /* no operator around */
  PRECEDENCE_RAW,          /* nobody knows */
  PRECEDENCE_OR,
  PRECEDENCE_AND,
  PRECEDENCE_NOT,
  PRECEDENCE_COMPARISON,
  PRECEDENCE_CONCAT,
  PRECEDENCE_SUM,
  PRECEDENCE_PRODUCT,
  PRECEDENCE_LEAF,
};

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

/* expressions */

void
cupel_compiler_append_slot (CupelCompiler   *compiler,
                            CupelSlotSource  source,
                            guint            index,
                            CupelSqlType    *type)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  CupelSlot slot = {
    .source = source, .index = index, .type = cupel_sql_type_ref (type), .offset = (guint) state->sql->len
  };
  CupelGroupMark mark = { .slot = state->slots->len, .start = state->sql->len };

  if (state->constants)
    cupel_compiler_fail (compiler, CUPEL_ERROR_UNSUPPORTED, "A definition cannot have parameters");

  CUPEL_COMPILER_GET_CLASS (compiler)->placeholder (compiler, state->slots->len + 1, type);
  slot.length = (guint) state->sql->len - slot.offset;
  g_array_append_val (state->slots, slot);
  if (state->marks != NULL)
    {
      mark.end = state->sql->len;
      g_array_append_val (state->marks, mark);
    }
}

static guint
get_precedence (const CupelExpression *expression)
{
  const CupelExpression *child;

  switch ((CupelExpressionKind) expression->kind)
    {
    case CUPEL_EXPRESSION_TEXT:
      return PRECEDENCE_RAW;

    case CUPEL_EXPRESSION_OR:
      return PRECEDENCE_OR;

    case CUPEL_EXPRESSION_AND:
      return PRECEDENCE_AND;

    case CUPEL_EXPRESSION_NOT:
      child = expression->children[0];
      if (child->kind == CUPEL_EXPRESSION_IN || child->kind == CUPEL_EXPRESSION_IN_SELECT ||
          child->kind == CUPEL_EXPRESSION_BETWEEN || child->kind == CUPEL_EXPRESSION_IS_NULL ||
          (child->kind == CUPEL_EXPRESSION_BINARY && child->op == CUPEL_OP_LIKE))
        return PRECEDENCE_COMPARISON;
      return PRECEDENCE_NOT;

    case CUPEL_EXPRESSION_IS_NULL:
    case CUPEL_EXPRESSION_BETWEEN:
    case CUPEL_EXPRESSION_IN:
    case CUPEL_EXPRESSION_IN_SELECT:
      return PRECEDENCE_COMPARISON;

    case CUPEL_EXPRESSION_BINARY:
      switch ((CupelOp) expression->op)
        {
        case CUPEL_OP_ADD:
        case CUPEL_OP_SUBTRACT:
          return PRECEDENCE_SUM;

        case CUPEL_OP_MULTIPLY:
        case CUPEL_OP_DIVIDE:
          return PRECEDENCE_PRODUCT;

        case CUPEL_OP_CONCAT:
          return PRECEDENCE_CONCAT;

        case CUPEL_OP_EQ:
        case CUPEL_OP_NE:
        case CUPEL_OP_LT:
        case CUPEL_OP_LE:
        case CUPEL_OP_GT:
        case CUPEL_OP_GE:
        case CUPEL_OP_LIKE:
        default:
          return PRECEDENCE_COMPARISON;
        }

    case CUPEL_EXPRESSION_LABEL:
      return get_precedence (expression->children[0]);

    case CUPEL_EXPRESSION_COLUMN:
    case CUPEL_EXPRESSION_LITERAL:
    case CUPEL_EXPRESSION_NULL:
    case CUPEL_EXPRESSION_BIND:
    case CUPEL_EXPRESSION_FUNCTION:
    case CUPEL_EXPRESSION_COUNT_ALL:
    case CUPEL_EXPRESSION_EXISTS:
    case CUPEL_EXPRESSION_SUBQUERY:
    case CUPEL_EXPRESSION_CAST:
    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
    default:
      return PRECEDENCE_LEAF;
    }
}

static guint
operator_of (const CupelExpression *expression)
{
  while (expression->kind == CUPEL_EXPRESSION_LABEL)
    expression = expression->children[0];

  return (guint) expression->kind << 8 | expression->op;
}

static gboolean
is_associative (guint op)
{
  return op == CUPEL_EXPRESSION_AND << 8 || op == CUPEL_EXPRESSION_OR << 8 ||
         op == (CUPEL_EXPRESSION_BINARY << 8 | CUPEL_OP_ADD) ||
         op == (CUPEL_EXPRESSION_BINARY << 8 | CUPEL_OP_MULTIPLY) ||
         op == (CUPEL_EXPRESSION_BINARY << 8 | CUPEL_OP_CONCAT);
}

static gboolean
needs_parentheses (const CupelCompilerState *state,
                   const CupelExpression    *expression,
                   guint                     precedence)
{
  if (state->parent == PRECEDENCE_NONE || precedence == PRECEDENCE_LEAF)
    return FALSE;
  if (precedence == state->parent)
    return state->parent_op != operator_of (expression) || !is_associative (state->parent_op);
  /* servers do not agree where || stands */
  if (state->parent == PRECEDENCE_CONCAT && precedence > PRECEDENCE_CONCAT)
    return TRUE;

  return precedence < state->parent;
}

/* Inside brackets, where no operator is around. */
static void
append_inner (CupelCompiler   *compiler,
              CupelExpression *expression)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  guint parent = state->parent;

  state->parent = PRECEDENCE_NONE;
  cupel_compiler_append_expression (compiler, expression);
  state->parent = parent;
}

static const CupelShapeNode *
find_node (CupelCompiler         *compiler,
           const CupelExpression *expression)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  const CupelShapeNode *node = state->nodes != NULL ? g_hash_table_lookup (state->nodes, expression) : NULL;

  if (node == NULL)
    cupel_compiler_fail (compiler, CUPEL_ERROR_INTERNAL, "The dialect writes a parameter that is not in the statement");

  return node;
}

static void
append_literal (CupelCompiler         *compiler,
                const CupelExpression *literal)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  const CupelShapeNode *node;

  if (state->constants)
    {
      cupel_compiler_append_constant (compiler, literal->v.value);
      return;
    }
  node = find_node (compiler, literal);
  if (node != NULL)
    cupel_compiler_append_slot (compiler, CUPEL_SLOT_LITERAL, node->index, node->type);
}

static void
append_bind (CupelCompiler         *compiler,
             const CupelExpression *bind)
{
  const CupelShapeNode *node = find_node (compiler, bind);

  if (node != NULL)
    cupel_compiler_append_slot (compiler, CUPEL_SLOT_BIND, node->index, node->type);
}

/* @types: (nullable): of the binds */
static void
append_raw (CupelCompiler      *compiler,
            const CupelRawSql  *raw,
            CupelSqlType      **types)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  for (guint i = 0; i < raw->n_pieces; i++)
    {
      const CupelRawPiece *piece = &raw->pieces[i];

      if (piece->text != NULL)
        g_string_append (state->sql, piece->text);
      if (piece->bind >= 0)
        {
          CupelSqlType *type = types != NULL ? types[piece->bind] : NULL;
          int index = cupel_shape_find_bind (state->shape, raw->bind_names[piece->bind]);

          /* a definition has no binds */
          cupel_compiler_append_slot (compiler, CUPEL_SLOT_BIND, (guint) MAX (index, 0),
                                      type != NULL ? type : cupel_sql_type_plain (CUPEL_SQL_NULL));
        }
    }
}

static void
append_in (CupelCompiler         *compiler,
           const CupelExpression *in,
           gboolean               negated)
{
  guint padded = (guint) cupel_in_list_padded_size (in->v.list->n_rows);
  const CupelShapeNode *node;

  if (padded == 0)
    {
      cupel_compiler_append (compiler, negated ? "1 = 1" : "1 = 0");
      return;
    }

  cupel_compiler_append_expression (compiler, in->children[0]);
  cupel_compiler_append (compiler, negated ? " NOT IN (" : " IN (");
  node = find_node (compiler, in);
  for (guint i = 0; i < padded && node != NULL; i++)
    {
      if (i > 0)
        cupel_compiler_append (compiler, ", ");
      cupel_compiler_append_slot (compiler, CUPEL_SLOT_LITERAL, node->index + i, node->type);
    }
  cupel_compiler_append (compiler, ")");
}

/* What can be negated in its own words. */
static void
append_predicate (CupelCompiler         *compiler,
                  const CupelExpression *predicate,
                  gboolean               negated)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);

  switch ((CupelExpressionKind) predicate->kind)
    {
    case CUPEL_EXPRESSION_IS_NULL:
      cupel_compiler_append_expression (compiler, predicate->children[0]);
      cupel_compiler_append (compiler, (predicate->negated != 0) != negated ? " IS NOT NULL" : " IS NULL");
      break;

    case CUPEL_EXPRESSION_BETWEEN:
      CUPEL_COMPILER_GET_CLASS (compiler)->between (compiler, negated, predicate->children[0], predicate->children[1],
                                                    predicate->children[2]);
      break;

    case CUPEL_EXPRESSION_IN:
      append_in (compiler, predicate, negated);
      break;

    case CUPEL_EXPRESSION_IN_SELECT:
      cupel_compiler_append_expression (compiler, predicate->children[0]);
      cupel_compiler_append (compiler, negated ? " NOT IN (" : " IN (");
      cupel_compiler_append_select (compiler, predicate->v.select, FALSE);
      cupel_compiler_append (compiler, ")");
      break;

    case CUPEL_EXPRESSION_EXISTS:
      cupel_compiler_append (compiler, negated ? "NOT EXISTS (" : "EXISTS (");
      cupel_compiler_append_select (compiler, predicate->v.select, TRUE);
      cupel_compiler_append (compiler, ")");
      break;

    case CUPEL_EXPRESSION_BINARY:
      CUPEL_COMPILER_GET_CLASS (compiler)->binary (compiler, negated ? "NOT LIKE" : cupel_op_get_text (predicate->op),
                                                   predicate->children[0], predicate->children[1]);
      break;

    case CUPEL_EXPRESSION_COLUMN:
    case CUPEL_EXPRESSION_LITERAL:
    case CUPEL_EXPRESSION_NULL:
    case CUPEL_EXPRESSION_BIND:
    case CUPEL_EXPRESSION_TEXT:
    case CUPEL_EXPRESSION_FUNCTION:
    case CUPEL_EXPRESSION_COUNT_ALL:
    case CUPEL_EXPRESSION_AND:
    case CUPEL_EXPRESSION_OR:
    case CUPEL_EXPRESSION_NOT:
    case CUPEL_EXPRESSION_SUBQUERY:
    case CUPEL_EXPRESSION_CAST:
    case CUPEL_EXPRESSION_LABEL:
    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
    default:
      cupel_compiler_append (compiler, "NOT ");
      if (get_precedence (predicate) == PRECEDENCE_LEAF)
        append_inner (compiler, (CupelExpression *) predicate);
      else
        {
          g_string_append_c (state->sql, '(');
          append_inner (compiler, (CupelExpression *) predicate);
          g_string_append_c (state->sql, ')');
        }
      break;
    }
}

static void
append_node (CupelCompiler   *compiler,
             CupelExpression *expression)
{
  CupelCompilerClass *klass = CUPEL_COMPILER_GET_CLASS (compiler);
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  const CupelExpression *child;
  guint parent;

  switch ((CupelExpressionKind) expression->kind)
    {
    case CUPEL_EXPRESSION_COLUMN:
      if (state->qualify)
        {
          cupel_compiler_append_identifier (compiler, expression->v.column.column->table->name);
          g_string_append_c (state->sql, '.');
        }
      cupel_compiler_append_identifier (compiler, expression->v.column.column->name);
      break;

    case CUPEL_EXPRESSION_LITERAL:
      append_literal (compiler, expression);
      break;

    case CUPEL_EXPRESSION_NULL:
      g_string_append (state->sql, "NULL");
      break;

    case CUPEL_EXPRESSION_BIND:
      append_bind (compiler, expression);
      break;

    case CUPEL_EXPRESSION_TEXT:
      append_raw (compiler, expression->v.raw, NULL);
      break;

    case CUPEL_EXPRESSION_FUNCTION:
      parent = state->parent;
      state->parent = PRECEDENCE_NONE;
      klass->function (compiler, expression->name, expression->children, expression->n_children);
      state->parent = parent;
      break;

    case CUPEL_EXPRESSION_COUNT_ALL:
      g_string_append (state->sql, "count(*)");
      break;

    case CUPEL_EXPRESSION_BINARY:
      klass->binary (compiler, cupel_op_get_text (expression->op), expression->children[0], expression->children[1]);
      break;

    case CUPEL_EXPRESSION_AND:
    case CUPEL_EXPRESSION_OR:
      for (guint i = 0; i < expression->n_children; i++)
        {
          if (i > 0)
            g_string_append (state->sql, expression->kind == CUPEL_EXPRESSION_AND ? " AND " : " OR ");
          cupel_compiler_append_expression (compiler, expression->children[i]);
        }
      break;

    case CUPEL_EXPRESSION_NOT:
      child = expression->children[0];
      if (child->kind == CUPEL_EXPRESSION_BINARY && child->op != CUPEL_OP_LIKE)
        {
          g_string_append (state->sql, "NOT (");
          append_inner (compiler, (CupelExpression *) child);
          g_string_append_c (state->sql, ')');
        }
      else
        append_predicate (compiler, child, TRUE);
      break;

    case CUPEL_EXPRESSION_IS_NULL:
    case CUPEL_EXPRESSION_BETWEEN:
    case CUPEL_EXPRESSION_IN:
    case CUPEL_EXPRESSION_IN_SELECT:
    case CUPEL_EXPRESSION_EXISTS:
      append_predicate (compiler, expression, FALSE);
      break;

    case CUPEL_EXPRESSION_SUBQUERY:
      g_string_append_c (state->sql, '(');
      cupel_compiler_append_select (compiler, expression->v.select, FALSE);
      g_string_append_c (state->sql, ')');
      break;

    case CUPEL_EXPRESSION_CAST:
      g_string_append (state->sql, "CAST(");
      append_inner (compiler, expression->children[0]);
      g_string_append (state->sql, " AS ");
      klass->type_name (compiler, expression->type);
      g_string_append_c (state->sql, ')');
      break;

    case CUPEL_EXPRESSION_LABEL:
      append_node (compiler, expression->children[0]);
      break;

    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
      cupel_compiler_fail (compiler, CUPEL_ERROR_PROGRAMMING, "A direction belongs to the outside of an ORDER BY expression");
      break;

    default:
      g_assert_not_reached ();
    }
}

/**
 * cupel_compiler_append_expression: (skip)
 * @compiler: a compiler, inside one of its vfuncs
 * @expression: an expression of the statement
 *
 * Writes an expression, in parentheses where the operator around needs them.
 *
 * Since: 1.0
 */
void
cupel_compiler_append_expression (CupelCompiler   *compiler,
                                  CupelExpression *expression)
{
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  guint precedence, parent, parent_op;
  gboolean parentheses;

  g_return_if_fail (state->sql != NULL);
  g_return_if_fail (expression != NULL);

  precedence = get_precedence (expression);
  parentheses = needs_parentheses (state, expression, precedence);
  parent = state->parent;
  parent_op = state->parent_op;
  if (precedence != PRECEDENCE_LEAF)
    {
      state->parent = precedence;
      state->parent_op = operator_of (expression);
    }

  if (parentheses)
    g_string_append_c (state->sql, '(');
  append_node (compiler, expression);
  if (parentheses)
    g_string_append_c (state->sql, ')');

  state->parent = parent;
  state->parent_op = parent_op;
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
  state->parent = PRECEDENCE_NONE;
}

static void
state_end (CupelCompilerState *state)
{
  g_string_free (g_steal_pointer (&state->sql), TRUE);
  g_clear_pointer (&state->slots, g_array_unref);
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
      append_raw (compiler, text->raw->v.raw, text->bind_types);
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
