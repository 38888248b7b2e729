/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-cell-access-private.h"
#include "engine/cupel-result-list-private.h"
#include "engine/cupel-result-private.h"
#include "runtime/cupel-fiber.h"
#include "runtime/cupel-object-private.h"

struct _CupelResult
{
  GObject          parent_instance;

  CupelRowShape      *shape;
  GPtrArray       *blocks;          /* nullable */
  gint64           row_count;
  gint64           last_insert_id;
  GArray          *insert_ids;
  guint            n_rows;
  gboolean         returns_rows;
  gboolean         closed;

  /* where the reader is: before the first row when cells is NULL */
  guint            block;
  guint            row;
  guint            consumed;        /* rows, or entities */
  guint            left;            /* rows in this block, after that one */
  guint            n_cells;         /* from a row to the next */
  const CupelCell *cells;

  /* when the first column is a mapped class */
  gpointer        *entities;        /* each a reference of ours until it is consumed */
  GType            item_type;
};

G_DEFINE_FINAL_TYPE (CupelResult, cupel_result, G_TYPE_OBJECT)

static GType result_type;

/* As CUPEL_IS_RESULT (), for what is called for each row and each value: without asking for the type. */
#define IS_RESULT(self) ((self) != NULL && G_TYPE_FROM_INSTANCE (self) == result_type)

static void
drop_rows (CupelResult *self)
{
  self->cells = NULL;
  self->left = 0;
  if (self->entities != NULL)
    {
      /* The one that was handed out last is still ours. */
      for (guint i = self->consumed > 0 ? self->consumed - 1 : 0; i < self->n_rows; i++)
        g_clear_pointer (&self->entities[i], cupel_object_unref);
      g_clear_pointer (&self->entities, g_free);
    }
  g_clear_pointer (&self->blocks, g_ptr_array_unref);
}

static void
cupel_result_finalize (GObject *object)
{
  CupelResult *self = CUPEL_RESULT (object);

  drop_rows (self);
  g_clear_pointer (&self->insert_ids, g_array_unref);
  g_clear_pointer (&self->shape, cupel_row_shape_unref);

  G_OBJECT_CLASS (cupel_result_parent_class)->finalize (object);
}

static void
cupel_result_class_init (CupelResultClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = cupel_object_dispose;
  G_OBJECT_CLASS (klass)->finalize = cupel_result_finalize;
  result_type = G_TYPE_FROM_CLASS (klass);
}

static void
cupel_result_init (CupelResult *self)
{
  self->row_count = -1;
  self->item_type = G_TYPE_INVALID;
}

CupelResult *
cupel_result_new_from_reply (CupelCompiled *compiled,
                             CupelReply    *reply)
{
  g_autoptr(CupelRowShape) shape = cupel_row_shape_new (compiled, reply);

  return cupel_result_new_with_shape (shape, reply);
}

CupelResult *
cupel_result_new_with_shape (CupelRowShape *shape,
                             CupelReply    *reply)
{
  CupelResult *self = g_object_new (CUPEL_TYPE_RESULT, NULL);

  self->shape = cupel_row_shape_ref (shape);
  self->blocks = g_steal_pointer (&reply->blocks);
  self->row_count = reply->row_count;
  self->last_insert_id = reply->last_insert_id;
  self->insert_ids = g_steal_pointer (&reply->insert_ids);
  self->returns_rows = self->blocks != NULL || self->shape->n_columns > 0;
  if (self->blocks != NULL)
    for (guint i = 0; i < self->blocks->len; i++)
      self->n_rows += ((CupelRowBlock *) self->blocks->pdata[i])->n_rows;
  self->closed = !self->returns_rows;

  return self;
}

CupelResult *
cupel_result_new_entities (GPtrArray     *entities,
                           GType          item_type,
                           CupelCompiled *compiled,
                           CupelReply    *reply)
{
  CupelReply nothing = { .row_count = -1 };
  CupelResult *self = cupel_result_new_from_reply (compiled, reply != NULL ? reply : &nothing);
  gsize length = 0;

  self->entities = g_ptr_array_steal (entities, &length);
  self->n_rows = (guint) length;
  self->item_type = item_type;
  self->returns_rows = TRUE;
  self->closed = FALSE;
  if (self->entities == NULL)
    self->entities = g_new0 (gpointer, 1);
  g_ptr_array_unref (entities);

  return self;
}

GPtrArray *
cupel_result_get_blocks (CupelResult *self)
{
  return self->blocks;
}

CupelRowShape *
cupel_result_get_shape (CupelResult *self)
{
  return self->shape;
}

GType
cupel_result_get_item_type (CupelResult *self)
{
  return self->item_type;
}

/**
 * cupel_result_has_entities:
 * @self: a result
 *
 * Tells whether the first column is a mapped class: cupel_result_next() is for such a result, cupel_result_next_row() for any other.
 *
 * Returns: %TRUE if it has entities
 *
 * Since: 1.0
 */
gboolean
cupel_result_has_entities (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), FALSE);

  return self->item_type != G_TYPE_INVALID;
}

GArray *
cupel_result_get_insert_ids (CupelResult *self)
{
  return self->insert_ids;
}

/**
 * cupel_result_get_n_columns:
 * @self: a result
 *
 * Counts the columns.
 *
 * Returns: how many there are; 0 for a statement that returns no rows
 *
 * Since: 1.0
 */
guint
cupel_result_get_n_columns (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), 0);

  return self->shape->n_columns;
}

/**
 * cupel_result_get_column_name:
 * @self: a result
 * @column: which column, from 0
 *
 * Gets the name of a column.
 *
 * Returns: the name
 *
 * Since: 1.0
 */
const char *
cupel_result_get_column_name (CupelResult *self,
                              guint        column)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), NULL);
  g_return_val_if_fail (column < self->shape->n_columns, NULL);

  return self->shape->names[column];
}

/**
 * cupel_result_find_column:
 * @self: a result
 * @name: the name of a column
 *
 * Looks a column up.
 *
 * Returns: its index, or -1 when there is none or more than one of that name
 *
 * Since: 1.0
 */
int
cupel_result_find_column (CupelResult *self,
                          const char  *name)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), -1);
  g_return_val_if_fail (name != NULL, -1);

  return cupel_row_shape_find (self->shape, name);
}

/**
 * cupel_result_returns_rows:
 * @self: a result
 *
 * Tells whether the statement was of the kind that returns rows, be there any or not.
 *
 * Returns: %TRUE if so
 *
 * Since: 1.0
 */
gboolean
cupel_result_returns_rows (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), FALSE);

  return self->returns_rows;
}

/**
 * cupel_result_get_n_rows:
 * @self: a result
 *
 * Counts the rows of the whole result, those that were consumed included.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_result_get_n_rows (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), 0);

  return self->n_rows;
}

/**
 * cupel_result_get_row_count:
 * @self: a result
 *
 * Gets how many rows an INSERT, UPDATE or DELETE matched.
 *
 * Returns: the number, or -1 when it is not known
 *
 * Since: 1.0
 */
gint64
cupel_result_get_row_count (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), -1);

  return self->row_count;
}

/**
 * cupel_result_get_last_insert_id:
 * @self: a result
 *
 * Gets the key that the server generated for an INSERT, where it tells it without being asked. Of several rows: that of the first.
 *
 * Returns: the key, or 0
 *
 * Since: 1.0
 */
gint64
cupel_result_get_last_insert_id (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), 0);

  return self->last_insert_id;
}

/**
 * cupel_result_is_closed:
 * @self: a result
 *
 * Tells whether there is nothing more to read.
 *
 * Returns: %TRUE if it was consumed or closed
 *
 * Since: 1.0
 */
gboolean
cupel_result_is_closed (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), TRUE);

  return self->closed;
}

/**
 * cupel_result_close:
 * @self: a result
 *
 * Drops the rows that were not read. There is no need for it: it frees memory early.
 *
 * Since: 1.0
 */
void
cupel_result_close (CupelResult *self)
{
  g_return_if_fail (CUPEL_IS_RESULT (self));

  drop_rows (self);
  self->closed = TRUE;
}

/* The next row, or entity, when it is not the next one of a block. */
static gboolean G_GNUC_NO_INLINE
advance_slow (CupelResult *self)
{
  if (self->closed)
    return FALSE;

  if (self->consumed >= self->n_rows)
    {
      cupel_result_close (self);
      return FALSE;
    }

  if (self->entities != NULL && self->consumed > 0)
    g_clear_pointer (&self->entities[self->consumed - 1], cupel_object_unref);
  self->consumed++;

  if (self->blocks == NULL)
    return TRUE;

  if (self->cells != NULL)
    self->row++;
  while (self->block < self->blocks->len &&
         self->row >= ((CupelRowBlock *) self->blocks->pdata[self->block])->n_rows)
    {
      /* What was read is let go: a long result shrinks while it is consumed. */
      if (self->entities == NULL)
        {
          cupel_row_block_unref (self->blocks->pdata[self->block]);
          self->blocks->pdata[self->block] = cupel_row_block_new (0, 0);
        }
      self->block++;
      self->row = 0;
    }
  self->cells = NULL;
  if (self->block < self->blocks->len)
    {
      CupelRowBlock *block = self->blocks->pdata[self->block];

      self->cells = cupel_row_block_get_row (block, self->row);
      self->n_cells = block->n_columns;
      self->left = self->entities == NULL ? block->n_rows - self->row - 1 : 0;
    }

  return TRUE;
}

/* Moves to the next row without any yielding. */
static inline gboolean
advance (CupelResult *self)
{
  if (self->left == 0)
    return advance_slow (self);

  self->left--;
  self->consumed++;
  self->row++;
  self->cells += self->n_cells;
  return TRUE;
}

/**
 * cupel_result_step:
 * @self: a result
 *
 * Moves to the next row; at first, to the first one. No I/O: in a fiber, a long loop lets others run now and then.
 *
 * Returns: %TRUE if there is one; %FALSE at the end
 *
 * Since: 1.0
 */
gboolean
cupel_result_step (CupelResult *self)
{
  g_return_val_if_fail (IS_RESULT (self), FALSE);

  cupel_fiber_tick ();
  return advance (self);
}

#define CELL(self, column) CUPEL_ROW_CELL (IS_RESULT (self), self, column)

/**
 * cupel_result_is_null:
 * @self: a result that is at a row
 * @column: which column, from 0
 *
 * Tells whether a value of the current row is the SQL NULL.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_result_is_null (CupelResult *self,
                      guint        column)
{
  return CELL (self, column)->kind == CUPEL_CELL_NULL;
}

/**
 * cupel_result_get_int64:
 * @self: a result that is at a row
 * @column: which column, from 0
 *
 * Gets an integer of the current row. Booleans, floating point numbers and decimals are converted (cut, and held within the range);
 * a date is days since 1970, a time or a point in time is microseconds.
 *
 * Returns: the number; 0 for NULL and for what is no number
 *
 * Since: 1.0
 */
gint64
cupel_result_get_int64 (CupelResult *self,
                        guint        column)
{
  return cupel_cell_get_int64 (CELL (self, column));
}

/**
 * cupel_result_get_double:
 * @self: a result that is at a row
 * @column: which column, from 0
 *
 * Gets a floating point number of the current row. Integers, booleans and decimals are converted.
 *
 * Returns: the number; 0 for NULL and for what is no number
 *
 * Since: 1.0
 */
double
cupel_result_get_double (CupelResult *self,
                         guint        column)
{
  return cupel_cell_get_double (CELL (self, column));
}

/**
 * cupel_result_get_string:
 * @self: a result that is at a row
 * @column: which column, from 0
 *
 * Gets a text of the current row, or an exact decimal or JSON as text. It is borrowed: copy it to keep it beyond the next step.
 *
 * Returns: (transfer none) (nullable): the text; %NULL for NULL and for what is no text
 *
 * Since: 1.0
 */
const char *
cupel_result_get_string (CupelResult *self,
                         guint        column)
{
  return cupel_cell_get_string (CELL (self, column));
}

/**
 * cupel_result_dup_datetime:
 * @self: a result that is at a row
 * @column: which column, from 0
 *
 * Gets a date or a point in time of the current row, in UTC.
 *
 * Returns: (transfer full) (nullable): the date; %NULL for NULL and for what is none
 *
 * Since: 1.0
 */
GDateTime *
cupel_result_dup_datetime (CupelResult *self,
                           guint        column)
{
  return cupel_cell_dup_datetime (CELL (self, column));
}

/**
 * cupel_result_dup_bytes:
 * @self: a result that is at a row
 * @column: which column, from 0
 *
 * Gets the bytes of a value of the current row.
 *
 * Returns: (transfer full) (nullable): the bytes; %NULL for NULL and for what has none
 *
 * Since: 1.0
 */
GBytes *
cupel_result_dup_bytes (CupelResult *self,
                        guint        column)
{
  return cupel_cell_dup_bytes (CELL (self, column));
}

/**
 * cupel_result_get_value:
 * @self: a result that is at a row
 * @column: which column, from 0
 * @value: (out caller-allocates): where to put it. Zeroed, it gets the natural type; initialised, the value is converted to its type
 *
 * Gets a value of the current row, of whatever type.
 *
 * Returns: %FALSE for the SQL NULL, and when the value does not fit; @value is then left alone
 *
 * Since: 1.0
 */
gboolean
cupel_result_get_value (CupelResult *self,
                        guint        column,
                        GValue      *value)
{
  g_return_val_if_fail (value != NULL, FALSE);

  return cupel_cell_get_value (CELL (self, column), value);
}

/**
 * cupel_result_dup_row:
 * @self: a result that is at a row
 *
 * Gets the current row as a thing of its own. It shares memory with the result and copies nothing.
 *
 * Returns: (transfer full): the row
 *
 * Since: 1.0
 */
CupelRow *
cupel_result_dup_row (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), NULL);
  g_return_val_if_fail (self->cells != NULL, NULL);

  return cupel_row_new (self->shape, self->blocks->pdata[self->block], self->row);
}

/**
 * cupel_result_next_row:
 * @self: a result
 *
 * Moves to the next row and gets it.
 *
 * Returns: (transfer full) (nullable): the row; %NULL at the end
 *
 * Since: 1.0
 */
CupelRow *
cupel_result_next_row (CupelResult *self)
{
  g_return_val_if_fail (CUPEL_IS_RESULT (self), NULL);

  if (!cupel_result_step (self))
    return NULL;
  g_return_val_if_fail (self->cells != NULL, NULL);

  return cupel_result_dup_row (self);
}

/**
 * cupel_result_all_rows:
 * @self: a result
 *
 * Gets all rows that are left, and closes the result.
 *
 * Returns: (transfer container) (element-type CupelRow): the rows
 *
 * Since: 1.0
 */
GPtrArray *
cupel_result_all_rows (CupelResult *self)
{
  GPtrArray *rows;
  CupelRow *row;

  g_return_val_if_fail (CUPEL_IS_RESULT (self), NULL);

  rows = g_ptr_array_new_full (self->n_rows - MIN (self->consumed, self->n_rows), (GDestroyNotify) cupel_row_unref);
  while ((row = cupel_result_next_row (self)) != NULL)
    g_ptr_array_add (rows, row);

  return rows;
}

static gboolean
check_exactly_one (CupelResult  *self,
                   gboolean      none_is_fine,
                   GError      **error)
{
  guint left = self->closed ? 0 : self->n_rows - self->consumed;

  if (left == 1)
    return TRUE;

  if (left > 1)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_MULTIPLE_ROWS, "Exactly one row was expected, %u came", left);
  else if (!none_is_fine)
    g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_NO_ROW, "Exactly one row was expected, none came");

  cupel_result_close (self);
  return FALSE;
}

/**
 * cupel_result_one_row:
 * @self: a result
 * @error: return location for an error
 *
 * Gets the one row that must be there, and closes the result.
 *
 * Fails with %CUPEL_ERROR_NO_ROW or %CUPEL_ERROR_MULTIPLE_ROWS.
 *
 * Returns: (transfer full): the row, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelRow *
cupel_result_one_row (CupelResult  *self,
                      GError      **error)
{
  CupelRow *row;

  g_return_val_if_fail (CUPEL_IS_RESULT (self), NULL);

  if (!check_exactly_one (self, FALSE, error))
    return NULL;

  row = cupel_result_next_row (self);
  cupel_result_close (self);
  return row;
}

/* entities */

#define CHECK_ENTITIES(self)                                                                                     \
  g_return_val_if_fail (CUPEL_IS_RESULT (self), NULL);                                                           \
  if (G_UNLIKELY ((self)->item_type == G_TYPE_INVALID))                                                          \
    {                                                                                                            \
      g_critical ("%s(): the first column of this result is no mapped class: use cupel_result_step()", G_STRFUNC); \
      return NULL;                                                                                               \
    }

static gpointer
next_entity (CupelResult *self)
{
  while (advance (self))
    if (self->entities[self->consumed - 1] != NULL)
      return self->entities[self->consumed - 1];

  return NULL;
}

/**
 * cupel_result_next:
 * @self: a result whose first column is a mapped class
 *
 * Gets the next entity. In a fiber, a long loop lets others run now and then.
 *
 * Returns: (transfer none) (nullable) (type GObject.Object): the entity, valid until the next call unless somebody else holds it;
 *   %NULL at the end
 *
 * Since: 1.0
 */
gpointer
cupel_result_next (CupelResult *self)
{
  CHECK_ENTITIES (self);

  cupel_fiber_tick ();
  return next_entity (self);
}

/**
 * cupel_result_first:
 * @self: a result whose first column is a mapped class
 *
 * Gets the next entity and closes the result: the other rows are discarded.
 *
 * Returns: (transfer full) (nullable) (type GObject.Object): the entity; %NULL when there is none
 *
 * Since: 1.0
 */
gpointer
cupel_result_first (CupelResult *self)
{
  gpointer entity;

  CHECK_ENTITIES (self);

  entity = next_entity (self);
  if (entity != NULL)
    g_object_ref (entity);
  cupel_result_close (self);
  return entity;
}

/**
 * cupel_result_one:
 * @self: a result whose first column is a mapped class
 * @error: return location for an error
 *
 * Gets the one entity that must be there, and closes the result.
 *
 * Fails with %CUPEL_ERROR_NO_ROW or %CUPEL_ERROR_MULTIPLE_ROWS.
 *
 * Returns: (transfer full) (type GObject.Object): the entity, or %NULL with @error set
 *
 * Since: 1.0
 */
gpointer
cupel_result_one (CupelResult  *self,
                  GError      **error)
{
  gpointer entity;

  CHECK_ENTITIES (self);

  if (!check_exactly_one (self, FALSE, error))
    return NULL;

  entity = cupel_result_first (self);
  if (entity == NULL)
    g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_NO_ROW, "Exactly one row was expected, none came");
  return entity;
}

/**
 * cupel_result_one_or_none:
 * @self: a result whose first column is a mapped class
 * @error: return location for an error
 *
 * Gets the one entity that may be there, and closes the result.
 *
 * Fails with %CUPEL_ERROR_MULTIPLE_ROWS.
 *
 * Returns: (transfer full) (nullable) (type GObject.Object): the entity; %NULL without an error when there is none
 *
 * Since: 1.0
 */
gpointer
cupel_result_one_or_none (CupelResult  *self,
                          GError      **error)
{
  CHECK_ENTITIES (self);

  if (!check_exactly_one (self, TRUE, error))
    return NULL;
  return cupel_result_first (self);
}

/**
 * cupel_result_to_list:
 * @self: a result whose first column is a mapped class
 *
 * Gets all entities that are left as a list, and closes the result. The list does not change.
 *
 * Returns: (transfer full): the entities
 *
 * Since: 1.0
 */
GListModel *
cupel_result_to_list (CupelResult *self)
{
  gpointer *items = NULL;
  guint n = 0;

  CHECK_ENTITIES (self);

  if (!self->closed && self->entities != NULL)
    {
      const guint first = self->consumed;

      items = g_steal_pointer (&self->entities);
      if (first > 0)
        g_clear_object (&items[first - 1]);
      for (guint i = first; i < self->n_rows; i++)
        if (items[i] != NULL)
          items[n++] = items[i];
    }
  cupel_result_close (self);

  return G_LIST_MODEL (cupel_result_list_new (self->item_type, items, n));
}
