/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Expressions become SQL: operators, parentheses where they are needed, placeholders. */

#include "sql/cupel-compiler-private.h"
#include "sql/cupel-schema-private.h"
#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-value-private.h"

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

void
cupel_compiler_append_raw (CupelCompiler     *compiler,
                           const CupelRawSql *raw,
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
  CupelCompilerState *state = cupel_compiler_get_state (compiler);
  guint padded = (guint) cupel_in_list_padded_size (in->v.list->n_rows);
  CupelSlotList list = { .n_slots = padded, .negated = negated };
  const CupelShapeNode *node;

  if (padded == 0)
    {
      cupel_compiler_append (compiler, negated ? "1 = 1" : "1 = 0");
      return;
    }

  cupel_compiler_append_expression (compiler, in->children[0]);
  node = find_node (compiler, in);
  if (node == NULL)
    return;

  list.start = (guint) state->sql->len;
  list.first_slot = state->slots->len;
  list.type = node->type;
  cupel_compiler_append (compiler, negated ? " NOT IN (" : " IN (");
  for (guint i = 0; i < padded; i++)
    {
      if (i > 0)
        cupel_compiler_append (compiler, ", ");
      cupel_compiler_append_slot (compiler, CUPEL_SLOT_LITERAL, node->index + i, node->type);
    }
  cupel_compiler_append (compiler, ")");
  list.end = (guint) state->sql->len;
  if (state->lists == NULL)
    state->lists = g_array_new (FALSE, FALSE, sizeof (CupelSlotList));
  g_array_append_val (state->lists, list);
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
      cupel_compiler_append_raw (compiler, expression->v.raw, NULL);
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
