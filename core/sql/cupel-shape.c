/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The walk that makes the cache key of a statement. Everything that decides about the text and the types of the slots goes
 * into the key; values never do. The key is unambiguous: every node is a tag, followed by what the tag says. */

#include "sql/cupel-shape-private.h"

#include "sql/cupel-schema-private.h"
#include "sql/cupel-sql-type-private.h"
#include "sql/cupel-statement-private.h"
#include "sql/cupel-value-private.h"

#include <string.h>

typedef struct
{
  GString     *key;
  GPtrArray   *literals;      /* const CupelCell */
  CupelNameList binds;
  GArray      *nodes;         /* CupelShapeNode */
  GHashTable  *by_node;       /* nullable: node -> index + 1 in nodes; made when something may come by twice */
  gboolean     shared;        /* something of what was walked has more than one owner */
  GPtrArray   *scope;         /* CupelTable: of the statements around */
  guint        depth;         /* of the expressions around */
  GError      *error;
} Walk;

static void walk_expression (Walk                  *walk,
                             const CupelExpression *expression,
                             CupelSqlType          *context);
static void walk_select     (Walk                  *walk,
                             CupelSelect           *select);

static void
put_tag (Walk *walk,
         char  tag)
{
  g_string_append_c (walk->key, tag);
}

static void
put_number (Walk  *walk,
            guint  number)
{
  /* most are small */
  while (number >= 0x80)
    {
      g_string_append_c (walk->key, (char) (number | 0x80));
      number >>= 7;
    }
  g_string_append_c (walk->key, (char) number);
}

static void
put_string (Walk       *walk,
            const char *string)
{
  g_string_append_len (walk->key, string, (gssize) strlen (string) + 1);
}

static void
put_type (Walk               *walk,
          const CupelSqlType *type)
{
  guint length = cupel_sql_type_get_length (type);
  guint precision = cupel_sql_type_get_precision (type);

  g_string_append_c (walk->key, (char) (cupel_sql_type_get_kind (type) | (length > 0 ? 0x40 : 0) | (precision > 0 ? 0x80 : 0)));
  if (length > 0)
    put_number (walk, length);
  if (precision > 0)
    {
      put_number (walk, precision);
      put_number (walk, cupel_sql_type_get_scale (type));
    }
}

G_GNUC_PRINTF (2, 3)
static void
fail (Walk       *walk,
      const char *format,
      ...)
{
  va_list args;

  if (walk->error != NULL)
    return;
  va_start (args, format);
  walk->error = g_error_new_valist (CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, format, args);
  va_end (args);
}

static gboolean
is_known (const CupelSqlType *type)
{
  return type != NULL && cupel_sql_type_get_kind (type) != CUPEL_SQL_NULL;
}

/* Whether a literal of this kind is better off with its own type: 1.5 compared with an integer column must not become one. */
static gboolean
keeps_own_type (CupelCellKind       kind,
                const CupelSqlType *context)
{
  CupelSqlKind target = context != NULL ? cupel_sql_type_get_kind (context) : CUPEL_SQL_NULL;

  return (kind == CUPEL_CELL_DOUBLE || kind == CUPEL_CELL_DECIMAL) &&
         (target == CUPEL_SQL_INT16 || target == CUPEL_SQL_INT32 || target == CUPEL_SQL_INT64);
}

/* A node that was walked before: the same slot source again, and the key says so, since elsewhere it may be two. */
static gboolean
walk_again (Walk                  *walk,
            const CupelExpression *node)
{
  guint place;

  if (!walk->shared)
    return FALSE;
  if (walk->by_node == NULL)
    {
      walk->by_node = g_hash_table_new (NULL, NULL);
      for (guint i = 0; i < walk->nodes->len; i++)
        g_hash_table_insert (walk->by_node, (gpointer) g_array_index (walk->nodes, CupelShapeNode, i).node,
                             GUINT_TO_POINTER (i + 1));
    }
  place = GPOINTER_TO_UINT (g_hash_table_lookup (walk->by_node, node));
  if (place == 0)
    return FALSE;

  put_tag (walk, 'R');
  put_number (walk, place - 1);

  return TRUE;
}

static void
add_node (Walk                  *walk,
          const CupelExpression *expression,
          guint                  index,
          CupelSqlType          *type)
{
  CupelShapeNode node = { .node = expression, .index = index, .type = cupel_sql_type_ref (type) };

  g_array_append_val (walk->nodes, node);
  if (walk->by_node != NULL)
    g_hash_table_insert (walk->by_node, (gpointer) expression, GUINT_TO_POINTER (walk->nodes->len));
}

static void
walk_literal (Walk                  *walk,
              const CupelExpression *literal,
              CupelSqlType          *context)
{
  const CupelCell *cell = cupel_value_get_cell (literal->v.value);

  if (walk_again (walk, literal))
    return;

  if (walk->error == NULL)
    cupel_cell_validate (cell, NULL, &walk->error);
  if (is_known (context) && !keeps_own_type (cell->kind, context))
    put_tag (walk, 'L');
  else
    {
      context = cupel_sql_type_plain (cupel_cell_kind_to_sql_kind (cell->kind));
      put_tag (walk, 'l');
      put_number (walk, cell->kind);
    }
  add_node (walk, literal, walk->literals->len, context);
  g_ptr_array_add (walk->literals, (gpointer) cell);
}

static void
walk_in (Walk                  *walk,
         const CupelExpression *in,
         CupelSqlType          *context)
{
  const CupelRowBlock *list = in->v.list;
  guint padded = (guint) cupel_in_list_padded_size (list->n_rows);
  CupelCellKind kind = CUPEL_CELL_NULL;

  walk_expression (walk, in->children[0], NULL);
  if (walk_again (walk, in))
    return;

  for (guint i = 0; i < list->n_rows && walk->error == NULL; i++)
    {
      const CupelCell *cell = &list->cells[i];

      cupel_cell_validate (cell, NULL, &walk->error);
      if (kind == CUPEL_CELL_NULL || keeps_own_type (cell->kind, context))
        kind = cell->kind;
    }

  if (is_known (context) && !keeps_own_type (kind, context))
    put_tag (walk, 'I');
  else
    {
      context = cupel_sql_type_plain (cupel_cell_kind_to_sql_kind (kind));
      put_tag (walk, 'i');
      put_number (walk, kind);
    }
  put_number (walk, padded);
  add_node (walk, in, walk->literals->len, context);
  for (guint i = 0; i < padded; i++)
    g_ptr_array_add (walk->literals, (gpointer) &list->cells[MIN (i, list->n_rows - 1)]);
}

static guint
add_bind (Walk       *walk,
          const char *name)
{
  const guint n = walk->binds.names->len;
  const guint place = cupel_name_list_add (&walk->binds, name);

  if (place == n && !g_utf8_validate (name, -1, NULL))
    fail (walk, "The name of a parameter is not valid UTF-8");

  return place;
}

static void
walk_bind (Walk                  *walk,
           const CupelExpression *bind,
           CupelSqlType          *context)
{
  guint index;

  if (walk_again (walk, bind))
    return;

  index = add_bind (walk, bind->name);
  if (bind->type != NULL)
    context = bind->type;
  else if (!is_known (context))
    context = cupel_sql_type_plain (CUPEL_SQL_NULL);
  put_tag (walk, bind->type != NULL ? 'B' : 'b');
  put_string (walk, bind->name);
  if (bind->type != NULL)
    put_type (walk, bind->type);
  add_node (walk, bind, index, context);
}

static void
walk_raw (Walk              *walk,
          const CupelRawSql *raw)
{
  if (!g_utf8_validate (raw->sql, -1, NULL))
    fail (walk, "The SQL text is not valid UTF-8");
  put_tag (walk, 'x');
  put_string (walk, raw->sql);
  for (guint i = 0; i < raw->n_binds; i++)
    add_bind (walk, raw->bind_names[i]);
}

static void
walk_column (Walk        *walk,
             CupelColumn *column)
{
  CupelTable *table = cupel_column_get_table (column);

  if (table == NULL)
    {
      fail (walk, "The column \"%s\" belongs to no table", column->name);
      return;
    }
  put_tag (walk, 'C');
  put_string (walk, table->name);
  put_string (walk, column->name);
  put_type (walk, cupel_column_get_sql_type (column));
}

/* What the one side says of the type of the other. A literal says less than anything else. */
static CupelSqlType *
other_type (const CupelExpression *other,
            CupelSqlType          *context)
{
  CupelSqlType *type = cupel_expression_get_sql_type (other);

  if (is_known (type) && (other->kind != CUPEL_EXPRESSION_LITERAL || !is_known (context)))
    return type;

  return context;
}

static void
walk_binary (Walk                  *walk,
             const CupelExpression *binary,
             CupelSqlType          *context)
{
  const CupelExpression *left = binary->children[0];
  const CupelExpression *right = binary->children[1];

  put_tag (walk, 'O');
  put_tag (walk, (char) ('a' + binary->op));

  switch ((CupelOp) binary->op)
    {
    case CUPEL_OP_ADD:
    case CUPEL_OP_SUBTRACT:
    case CUPEL_OP_MULTIPLY:
    case CUPEL_OP_DIVIDE:
      walk_expression (walk, left, other_type (right, context));
      walk_expression (walk, right, other_type (left, context));
      break;

    case CUPEL_OP_LIKE:
    case CUPEL_OP_CONCAT:
      walk_expression (walk, left, cupel_sql_type_plain (CUPEL_SQL_TEXT));
      walk_expression (walk, right, cupel_sql_type_plain (CUPEL_SQL_TEXT));
      break;

    case CUPEL_OP_EQ:
    case CUPEL_OP_NE:
    case CUPEL_OP_LT:
    case CUPEL_OP_LE:
    case CUPEL_OP_GT:
    case CUPEL_OP_GE:
    default:
      walk_expression (walk, left, other_type (right, NULL));
      walk_expression (walk, right, other_type (left, NULL));
      break;
    }
}

static void
walk_children (Walk                  *walk,
               const CupelExpression *expression,
               CupelSqlType          *context)
{
  put_number (walk, expression->n_children);
  for (guint i = 0; i < expression->n_children; i++)
    walk_expression (walk, expression->children[i], context);
}

static void
walk_expression (Walk                  *walk,
                 const CupelExpression *expression,
                 CupelSqlType          *context)
{
  CupelSqlType *type;

  if (g_atomic_int_get ((guint *) &expression->ref_count) > 1)
    walk->shared = TRUE;

  switch ((CupelExpressionKind) expression->kind)
    {
    case CUPEL_EXPRESSION_COLUMN:
      walk_column (walk, expression->v.column.column);
      break;

    case CUPEL_EXPRESSION_LITERAL:
      walk_literal (walk, expression, context);
      break;

    case CUPEL_EXPRESSION_NULL:
      put_tag (walk, 'N');
      break;

    case CUPEL_EXPRESSION_BIND:
      walk_bind (walk, expression, context);
      break;

    case CUPEL_EXPRESSION_TEXT:
      walk_raw (walk, expression->v.raw);
      break;

    case CUPEL_EXPRESSION_FUNCTION:
      put_tag (walk, 'F');
      put_string (walk, expression->name);
      walk_children (walk, expression, NULL);
      break;

    case CUPEL_EXPRESSION_COUNT_ALL:
      put_tag (walk, '*');
      break;

    case CUPEL_EXPRESSION_BINARY:
      walk_binary (walk, expression, context);
      break;

    case CUPEL_EXPRESSION_AND:
    case CUPEL_EXPRESSION_OR:
      put_tag (walk, expression->kind == CUPEL_EXPRESSION_AND ? '&' : '|');
      walk_children (walk, expression, cupel_sql_type_plain (CUPEL_SQL_BOOLEAN));
      break;

    case CUPEL_EXPRESSION_NOT:
      put_tag (walk, '!');
      walk_expression (walk, expression->children[0], cupel_sql_type_plain (CUPEL_SQL_BOOLEAN));
      break;

    case CUPEL_EXPRESSION_IS_NULL:
      put_tag (walk, expression->negated ? 'U' : 'u');
      walk_expression (walk, expression->children[0], NULL);
      break;

    case CUPEL_EXPRESSION_BETWEEN:
      put_tag (walk, 'W');
      type = other_type (expression->children[1], NULL);
      walk_expression (walk, expression->children[0], is_known (type) ? type : other_type (expression->children[2], NULL));
      type = other_type (expression->children[0], NULL);
      walk_expression (walk, expression->children[1], type);
      walk_expression (walk, expression->children[2], type);
      break;

    case CUPEL_EXPRESSION_IN:
      walk_in (walk, expression, other_type (expression->children[0], NULL));
      break;

    case CUPEL_EXPRESSION_IN_SELECT:
      put_tag (walk, 'n');
      if (expression->v.select->columns->len > 0)
        type = other_type (g_ptr_array_index (expression->v.select->columns, 0), NULL);
      else
        type = NULL;
      walk_expression (walk, expression->children[0], type);
      walk->depth += expression->depth;
      walk_select (walk, expression->v.select);
      walk->depth -= expression->depth;
      break;

    case CUPEL_EXPRESSION_EXISTS:
    case CUPEL_EXPRESSION_SUBQUERY:
      put_tag (walk, expression->kind == CUPEL_EXPRESSION_EXISTS ? 'e' : 'q');
      walk->depth += expression->depth;
      walk_select (walk, expression->v.select);
      walk->depth -= expression->depth;
      break;

    case CUPEL_EXPRESSION_CAST:
      put_tag (walk, 'c');
      put_type (walk, expression->type);
      walk_expression (walk, expression->children[0], expression->type);
      break;

    case CUPEL_EXPRESSION_LABEL:
      put_tag (walk, 'A');
      put_string (walk, expression->name);
      walk_expression (walk, expression->children[0], context);
      break;

    case CUPEL_EXPRESSION_ASC:
    case CUPEL_EXPRESSION_DESC:
      put_tag (walk, expression->kind == CUPEL_EXPRESSION_ASC ? '+' : '-');
      walk_expression (walk, expression->children[0], context);
      break;

    default:
      g_assert_not_reached ();
    }
}

/* Every expression of a statement comes in here: the walks recurse, and so does what looks for tables. */
static gboolean
check_depth (Walk                  *walk,
             const CupelExpression *expression)
{
  if (walk->error == NULL && walk->depth + expression->depth > CUPEL_MAX_DEPTH)
    fail (walk, "An expression is nested deeper than %d levels; split it, or write it as cupel_text()", CUPEL_MAX_DEPTH);

  return walk->error == NULL;
}

static void
walk_root (Walk                  *walk,
           char                   tag,
           const CupelExpression *expression,
           CupelSqlType          *context)
{
  if (expression == NULL || !check_depth (walk, expression))
    return;
  put_tag (walk, tag);
  walk_expression (walk, expression, context);
}

static void
walk_roots (Walk      *walk,
            char       tag,
            GPtrArray *expressions)
{
  if (expressions->len == 0)
    return;
  put_tag (walk, tag);
  put_number (walk, expressions->len);
  for (guint i = 0; i < expressions->len; i++)
    walk_root (walk, ' ', g_ptr_array_index (expressions, i), NULL);
}

static void
walk_table (Walk       *walk,
            CupelTable *table)
{
  put_tag (walk, table->original != NULL ? 'T' : 't');
  put_string (walk, table->name);
  if (table->original != NULL)
    put_string (walk, table->original->name);
}

static gboolean
check_select (Walk        *walk,
              CupelSelect *select)
{
  GPtrArray *const arrays[] = { select->columns, select->group_by, select->order_by };

  for (guint i = 0; i < G_N_ELEMENTS (arrays); i++)
    for (guint j = 0; j < arrays[i]->len; j++)
      if (!check_depth (walk, g_ptr_array_index (arrays[i], j)))
        return FALSE;
  for (guint i = 0; i < select->joins->len; i++)
    {
      CupelJoin *join = g_ptr_array_index (select->joins, i);

      if (join->on != NULL && !check_depth (walk, join->on))
        return FALSE;
    }

  return (select->where == NULL || check_depth (walk, select->where)) &&
         (select->having == NULL || check_depth (walk, select->having));
}

static void
walk_select (Walk        *walk,
             CupelSelect *select)
{
  g_autoptr(GPtrArray) froms = NULL;
  guint n_scope = walk->scope->len;

  cupel_statement_freeze (&select->parent_instance);
  /* what it holds is owned once by it, but it may be owned by many */
  walk->shared = walk->shared || n_scope > 0;
  if ((walk->error == NULL && !cupel_statement_check (&select->parent_instance, &walk->error)) || !check_select (walk, select))
    return;

  put_tag (walk, select->distinct ? 'D' : 'S');
  froms = cupel_select_get_froms (select, walk->scope);
  for (guint i = 0; i < froms->len; i++)
    g_ptr_array_add (walk->scope, g_ptr_array_index (froms, i));
  for (guint i = 0; i < select->joins->len; i++)
    g_ptr_array_add (walk->scope, ((CupelJoin *) g_ptr_array_index (select->joins, i))->table);

  walk_roots (walk, 's', select->columns);
  put_tag (walk, 'f');
  put_number (walk, froms->len);
  for (guint i = 0; i < froms->len; i++)
    walk_table (walk, g_ptr_array_index (froms, i));
  for (guint i = 0; i < select->joins->len && walk->error == NULL; i++)
    {
      CupelJoin *join = g_ptr_array_index (select->joins, i);

      put_tag (walk, join->outer ? 'J' : 'j');
      walk_table (walk, join->table);
      if (join->on == NULL)
        {
          g_autoptr(CupelExpression) on = cupel_select_get_join_condition (select, i, froms, &walk->error);

          if (on != NULL)
            walk_expression (walk, on, NULL);
        }
      else
        walk_expression (walk, join->on, NULL);
    }
  walk_root (walk, 'w', select->where, cupel_sql_type_plain (CUPEL_SQL_BOOLEAN));
  walk_roots (walk, 'g', select->group_by);
  walk_root (walk, 'h', select->having, cupel_sql_type_plain (CUPEL_SQL_BOOLEAN));
  walk_roots (walk, 'o', select->order_by);
  walk_root (walk, 'm', select->limit, cupel_sql_type_plain (CUPEL_SQL_INT64));
  walk_root (walk, 'k', select->offset, cupel_sql_type_plain (CUPEL_SQL_INT64));
  put_tag (walk, '.');

  g_ptr_array_set_size (walk->scope, (int) n_scope);
}

static void
walk_assignments (Walk       *walk,
                  GPtrArray  *assignments)
{
  put_number (walk, assignments->len);
  for (guint i = 0; i < assignments->len; i++)
    {
      CupelAssignment *assignment = g_ptr_array_index (assignments, i);

      walk_column (walk, assignment->column);
      if (assignment->value != NULL)
        walk_root (walk, '=', assignment->value, cupel_column_get_sql_type (assignment->column));
      else
        {
          /* its name and type are those of the column */
          add_bind (walk, assignment->column->name);
          put_tag (walk, ':');
        }
    }
}

static void
walk_text (Walk      *walk,
           CupelText *text)
{
  walk_raw (walk, text->raw->v.raw);
  for (guint i = 0; i < text->raw->v.raw->n_binds; i++)
    if (text->bind_types[i] != NULL)
      put_type (walk, text->bind_types[i]);
    else
      put_tag (walk, CUPEL_SQL_NULL);
  for (guint i = 0; i < text->result_types->len; i++)
    put_type (walk, g_ptr_array_index (text->result_types, i));
}

/* FALSE: not one to cache */
static gboolean
walk_statement (Walk           *walk,
                CupelStatement *statement)
{
  switch (cupel_statement_get_kind (statement))
    {
    case CUPEL_STATEMENT_SELECT:
      walk_select (walk, CUPEL_SELECT (statement));
      return TRUE;

    case CUPEL_STATEMENT_INSERT:
      {
        CupelInsert *insert = CUPEL_INSERT (statement);

        put_tag (walk, '1');
        walk_table (walk, insert->table);
        walk_assignments (walk, insert->assignments);
        walk_roots (walk, 'r', insert->returning);
        return TRUE;
      }

    case CUPEL_STATEMENT_UPDATE:
      {
        CupelUpdate *update = CUPEL_UPDATE (statement);

        g_ptr_array_add (walk->scope, update->table);
        put_tag (walk, '2');
        walk_table (walk, update->table);
        walk_assignments (walk, update->assignments);
        walk_root (walk, 'w', update->where, cupel_sql_type_plain (CUPEL_SQL_BOOLEAN));
        walk_roots (walk, 'r', update->returning);
        return TRUE;
      }

    case CUPEL_STATEMENT_DELETE:
      {
        CupelDelete *delete_ = CUPEL_DELETE (statement);

        g_ptr_array_add (walk->scope, delete_->table);
        put_tag (walk, '3');
        walk_table (walk, delete_->table);
        walk_root (walk, 'w', delete_->where, cupel_sql_type_plain (CUPEL_SQL_BOOLEAN));
        walk_roots (walk, 'r', delete_->returning);
        return TRUE;
      }

    case CUPEL_STATEMENT_TEXT:
      put_tag (walk, '4');
      walk_text (walk, CUPEL_TEXT (statement));
      return TRUE;

    case CUPEL_STATEMENT_CREATE_TABLE:
    case CUPEL_STATEMENT_DROP_TABLE:
    case CUPEL_STATEMENT_CREATE_INDEX:
    default:
      return FALSE;
    }
}

static void
clear_node (gpointer data)
{
  cupel_sql_type_unref (((CupelShapeNode *) data)->type);
}

CupelShape *
cupel_shape_new (CupelStatement  *statement,
                 GError         **error)
{
  Walk walk = { 0, };
  CupelShape *shape = NULL;
  gboolean cached;

  walk.key = g_string_sized_new (256);
  walk.literals = g_ptr_array_new ();
  cupel_name_list_init (&walk.binds);
  walk.nodes = g_array_new (FALSE, FALSE, sizeof (CupelShapeNode));
  g_array_set_clear_func (walk.nodes, clear_node);
  walk.scope = g_ptr_array_new ();

  cached = walk_statement (&walk, statement);

  if (walk.error != NULL)
    g_propagate_error (error, walk.error);
  else
    {
      shape = g_new0 (CupelShape, 1);
      shape->n_literals = walk.literals->len;
      shape->literals = (const CupelCell **) g_ptr_array_free (g_steal_pointer (&walk.literals), FALSE);
      shape->n_binds = walk.binds.names->len;
      shape->binds = walk.binds;
      walk.binds = (CupelNameList) { NULL, NULL };
      shape->bind_names = cupel_name_list_close (&shape->binds);
      shape->n_nodes = walk.nodes->len;
      shape->nodes = (CupelShapeNode *) g_array_free (g_steal_pointer (&walk.nodes), FALSE);
      if (cached)
        {
          shape->key.kind = CUPEL_CELL_BYTES;
          shape->key.length = (guint32) walk.key->len;
          shape->key.v.text = g_string_free (g_steal_pointer (&walk.key), FALSE);
          shape->hash = cupel_cell_hash (&shape->key);
        }
    }

  if (walk.key != NULL)
    g_string_free (walk.key, TRUE);
  g_clear_pointer (&walk.literals, g_ptr_array_unref);
  cupel_name_list_clear (&walk.binds);
  g_clear_pointer (&walk.nodes, g_array_unref);
  g_clear_pointer (&walk.by_node, g_hash_table_unref);
  g_ptr_array_unref (walk.scope);

  return shape;
}

void
cupel_shape_free (CupelShape *shape)
{
  for (guint i = 0; i < shape->n_nodes; i++)
    cupel_sql_type_unref (shape->nodes[i].type);
  g_free (shape->nodes);
  cupel_name_list_clear (&shape->binds);
  g_free (shape->literals);
  if (shape->key.kind == CUPEL_CELL_BYTES)
    g_free ((char *) shape->key.v.text);
  g_free (shape);
}

int
cupel_shape_find_bind (const CupelShape *shape,
                       const char       *name)
{
  return cupel_name_list_find (&shape->binds, name);
}
