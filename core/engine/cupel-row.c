/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "engine/cupel-cell-access-private.h"
#include "engine/cupel-row-private.h"
#include "sql/cupel-compiler-private.h"

struct _CupelRow
{
  gatomicrefcount  ref_count;
  CupelRowShape      *shape;
  CupelRowBlock   *block;
  const CupelCell *cells;
};

G_DEFINE_BOXED_TYPE (CupelRow, cupel_row, cupel_row_ref, cupel_row_unref)

/* CupelRowShape */

static CupelRowShape *
make_shape (guint          n_columns,
            char         **names,
            CupelCompiled *compiled)
{
  CupelRowShape *shape = g_malloc (sizeof (CupelRowShape) + sizeof (char *) * n_columns);

  g_atomic_ref_count_init (&shape->ref_count);
  shape->keeper = NULL;
  shape->n_columns = n_columns;
  shape->owned_names = names;
  shape->compiled = NULL;

  for (guint i = 0; i < n_columns; i++)
    {
      if (names != NULL)
        shape->names[i] = names[i];
      else if (compiled != NULL && i < compiled->n_columns && compiled->columns[i].name != NULL)
        shape->names[i] = compiled->columns[i].name;
      else
        shape->names[i] = "";
    }

  return shape;
}

CupelRowShape *
cupel_row_shape_new (CupelCompiled *compiled,
                     CupelReply    *reply)
{
  char **names = g_steal_pointer (&reply->column_names);
  CupelRowShape *shape;
  guint n_columns;

  if (names != NULL)
    n_columns = g_strv_length (names);
  else if (compiled != NULL && compiled->n_columns > 0)
    n_columns = compiled->n_columns;
  else
    n_columns = reply->n_columns;

  /* Whatever the statement thinks: no accessor may read past the rows that came. */
  if (reply->blocks != NULL && reply->blocks->len > 0)
    n_columns = MIN (n_columns, ((CupelRowBlock *) reply->blocks->pdata[0])->n_columns);

  if (names == NULL && compiled != NULL && n_columns == compiled->n_columns)
    {
      if ((shape = cupel_compiled_get_derived (compiled)) == NULL)
        {
          shape = make_shape (n_columns, NULL, compiled);
          shape->keeper = compiled;
          shape = cupel_compiled_set_derived (compiled, shape, g_free);
        }
      return cupel_row_shape_ref (shape);
    }

  shape = make_shape (n_columns, names, compiled);
  if (names == NULL && compiled != NULL)
    shape->compiled = cupel_compiled_ref (compiled);
  return shape;
}

CupelRowShape *
cupel_row_shape_ref (CupelRowShape *shape)
{
  if (shape->keeper != NULL)
    cupel_compiled_ref (shape->keeper);
  else
    g_atomic_ref_count_inc (&shape->ref_count);
  return shape;
}

void
cupel_row_shape_unref (CupelRowShape *shape)
{
  if (shape->keeper != NULL)
    {
      cupel_compiled_unref (shape->keeper);
      return;
    }
  if (!g_atomic_ref_count_dec (&shape->ref_count))
    return;

  g_clear_pointer (&shape->compiled, cupel_compiled_unref);
  g_strfreev (shape->owned_names);
  g_free (shape);
}

int
cupel_row_shape_find (CupelRowShape *shape,
                  const char *name)
{
  int found = -1;

  for (guint i = 0; i < shape->n_columns; i++)
    if (strcmp (shape->names[i], name) == 0)
      {
        if (found >= 0)
          return -1;
        found = (int) i;
      }

  return found;
}

/* CupelRow */

CupelRow *
cupel_row_new (CupelRowShape    *shape,
               CupelRowBlock *block,
               guint          index)
{
  CupelRow *self = g_new (CupelRow, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->shape = cupel_row_shape_ref (shape);
  self->block = cupel_row_block_ref (block);
  self->cells = cupel_row_block_get_row (block, index);

  return self;
}

/**
 * cupel_row_ref:
 * @self: a row
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @self
 *
 * Since: 1.0
 */
CupelRow *
cupel_row_ref (CupelRow *self)
{
  g_return_val_if_fail (self != NULL, NULL);

  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

/**
 * cupel_row_unref:
 * @self: (transfer full): a row
 *
 * Drops a reference.
 *
 * Since: 1.0
 */
void
cupel_row_unref (CupelRow *self)
{
  g_return_if_fail (self != NULL);

  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  cupel_row_shape_unref (self->shape);
  cupel_row_block_unref (self->block);
  g_free (self);
}

/**
 * cupel_row_get_n_columns:
 * @self: a row
 *
 * Counts the columns.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_row_get_n_columns (CupelRow *self)
{
  g_return_val_if_fail (self != NULL, 0);

  return self->shape->n_columns;
}

/**
 * cupel_row_get_column_name:
 * @self: a row
 * @column: which column, from 0
 *
 * Gets the name of a column.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_row_get_column_name (CupelRow *self,
                           guint     column)
{
  g_return_val_if_fail (self != NULL, NULL);
  g_return_val_if_fail (column < self->shape->n_columns, NULL);

  return self->shape->names[column];
}

#define CELL(self, column) CUPEL_ROW_CELL (self != NULL, self, column)

/**
 * cupel_row_is_null:
 * @self: a row
 * @column: which column, from 0
 *
 * Tells whether a value is the SQL NULL.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_row_is_null (CupelRow *self,
                   guint     column)
{
  return CELL (self, column)->kind == CUPEL_CELL_NULL;
}

/**
 * cupel_row_get_int64:
 * @self: a row
 * @column: which column, from 0
 *
 * Gets an integer. See cupel_result_get_int64() for what is converted.
 *
 * Returns: the number; 0 for NULL and for what is no number
 *
 * Since: 1.0
 */
gint64
cupel_row_get_int64 (CupelRow *self,
                     guint     column)
{
  return cupel_cell_get_int64 (CELL (self, column));
}

/**
 * cupel_row_get_double:
 * @self: a row
 * @column: which column, from 0
 *
 * Gets a floating point number. See cupel_result_get_double() for what is converted.
 *
 * Returns: the number; 0 for NULL and for what is no number
 *
 * Since: 1.0
 */
double
cupel_row_get_double (CupelRow *self,
                      guint     column)
{
  return cupel_cell_get_double (CELL (self, column));
}

/**
 * cupel_row_get_string:
 * @self: a row
 * @column: which column, from 0
 *
 * Gets a text, an exact decimal or JSON.
 *
 * Returns: (transfer none) (nullable): the text, valid as long as @self; %NULL for NULL and for what is no text
 *
 * Since: 1.0
 */
const char *
cupel_row_get_string (CupelRow *self,
                      guint     column)
{
  return cupel_cell_get_string (CELL (self, column));
}

/**
 * cupel_row_dup_datetime:
 * @self: a row
 * @column: which column, from 0
 *
 * Gets a date or a point in time, in UTC.
 *
 * Returns: (transfer full) (nullable): the date; %NULL for NULL and for what is none
 *
 * Since: 1.0
 */
GDateTime *
cupel_row_dup_datetime (CupelRow *self,
                        guint     column)
{
  return cupel_cell_dup_datetime (CELL (self, column));
}

/**
 * cupel_row_get_value:
 * @self: a row
 * @column: which column, from 0
 * @value: (out caller-allocates): where to put it. Zeroed, it gets the natural type; initialised, the value is converted to its type
 *
 * Gets a value of whatever type.
 *
 * Returns: %FALSE for the SQL NULL, and when the value does not fit; @value is then left alone
 *
 * Since: 1.0
 */
gboolean
cupel_row_get_value (CupelRow *self,
                     guint     column,
                     GValue   *value)
{
  g_return_val_if_fail (value != NULL, FALSE);

  return cupel_cell_get_value (CELL (self, column), value);
}

/**
 * cupel_row_to_string:
 * @self: a row
 *
 * Writes the row for people: `(1, 'some name 1', NULL)`.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
cupel_row_to_string (CupelRow *self)
{
  GString *text;

  g_return_val_if_fail (self != NULL, NULL);

  text = g_string_new ("(");
  for (guint i = 0; i < self->shape->n_columns; i++)
    {
      const CupelCell *cell = &self->cells[i];

      if (i > 0)
        g_string_append (text, ", ");
      if (cell->kind == CUPEL_CELL_NULL)
        {
          g_string_append (text, "NULL");
        }
      else
        {
          g_autofree char *printed = cupel_cell_to_string (cell);
          gboolean quote = cell->kind == CUPEL_CELL_TEXT || cell->kind == CUPEL_CELL_JSON || cell->kind == CUPEL_CELL_OTHER;

          if (quote)
            g_string_append_c (text, '\'');
          g_string_append (text, printed);
          if (quote)
            g_string_append_c (text, '\'');
        }
    }
  g_string_append_c (text, ')');

  return g_string_free (text, FALSE);
}
