/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "engine/cupel-parameters-private.h"
#include "runtime/cupel-fiber.h"
#include "sql/cupel-name-list-private.h"
#include "sql/cupel-value-private.h"

/* A cell that nobody set; never seen outside of this file. */
#define CELL_UNSET 0xff

/* Most have few names, and short ones: those need no list. */
#define N_FEW       4
#define SHORT_NAME 24

/* Bytes of values that were replaced. It takes as many as there are in use to make a copy of these worth its time. */
#define LEAST_WASTE 8192
/* Of a block, beside its cells */
#define BLOCK_BYTES 256

struct _CupelParameters
{
  gatomicrefcount  ref_count;
  guint            n_names;      /* of the columns of the block, in the order of their first use */
  char             few[N_FEW][SHORT_NAME];
  CupelNameList    names;        /* in place of the few, unless it is not initialized */
  CupelRowBlock   *block;        /* may have more columns than names */
  gboolean         open;         /* the last row of the block is the set that is being filled */
  guint            n_empty;      /* sets without any value, before there is a block */
  gsize            waste;        /* what the block keeps and no cell points to */
  gsize            most_waste;
};

G_DEFINE_BOXED_TYPE (CupelParameters, cupel_parameters, cupel_parameters_ref, cupel_parameters_unref)

/**
 * cupel_parameters_new:
 *
 * Makes an empty set of parameters.
 *
 * Parameters that were given to an operation must not be changed before it is finished.
 *
 * Returns: (transfer full): new parameters
 *
 * Since: 1.0
 */
CupelParameters *
cupel_parameters_new (void)
{
  CupelParameters *parameters = g_new (CupelParameters, 1);

  g_atomic_ref_count_init (&parameters->ref_count);
  parameters->n_names = 0;
  parameters->names = (CupelNameList) { NULL };
  parameters->block = NULL;
  parameters->open = FALSE;
  parameters->n_empty = 0;
  parameters->waste = 0;
  parameters->most_waste = LEAST_WASTE;

  return parameters;
}

/**
 * cupel_parameters_ref:
 * @parameters: parameters
 *
 * Takes a reference.
 *
 * Returns: (transfer full): @parameters
 *
 * Since: 1.0
 */
CupelParameters *
cupel_parameters_ref (CupelParameters *parameters)
{
  g_return_val_if_fail (parameters != NULL, NULL);

  g_atomic_ref_count_inc (&parameters->ref_count);
  return parameters;
}

/**
 * cupel_parameters_unref:
 * @parameters: (transfer full): parameters
 *
 * Drops a reference.
 *
 * Since: 1.0
 */
void
cupel_parameters_unref (CupelParameters *parameters)
{
  g_return_if_fail (parameters != NULL);

  if (!g_atomic_ref_count_dec (&parameters->ref_count))
    return;

  if (parameters->names.names != NULL)
    cupel_name_list_clear (&parameters->names);
  g_clear_pointer (&parameters->block, cupel_row_block_unref);
  g_free (parameters);
}

static gboolean
points_somewhere (const CupelCell *cell)
{
  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_UUID:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return TRUE;

    default:
      return FALSE;
    }
}

static CupelCell *
add_row (CupelRowBlock *block)
{
  CupelCell *row = cupel_row_block_add_row (block);

  for (guint i = 0; i < block->n_columns; i++)
    row[i].kind = CELL_UNSET;

  return row;
}

/* The texts stay where they are: the new block keeps the old one. */
static void
widen (CupelParameters *parameters,
       guint            n_columns)
{
  CupelRowBlock *old = parameters->block;
  guint n_rows = old != NULL ? old->n_rows : parameters->n_empty;
  CupelRowBlock *wide = cupel_row_block_new (n_columns, n_rows + 1);

  for (guint i = 0; i < n_rows; i++)
    {
      CupelCell *row = add_row (wide);

      if (old != NULL)
        memcpy (row, cupel_row_block_get_row (old, i), sizeof (CupelCell) * old->n_columns);
    }
  if (old != NULL)
    {
      cupel_row_block_keep (wide, old, (GDestroyNotify) cupel_row_block_unref);
      parameters->waste += BLOCK_BYTES + sizeof (CupelCell) * old->n_columns * n_rows;
    }

  parameters->block = wide;
  parameters->n_empty = 0;
}

/* Something that is under way, or was cancelled and did not come back in time, may still read it. */
static void
make_own (CupelParameters *parameters)
{
  if (G_UNLIKELY (g_atomic_int_get (&parameters->block->ref_count) > 1))
    widen (parameters, parameters->block->n_columns);
}

/* The values that there are in a block of their own. An arena gives nothing back, and parameters may be filled again and again. */
static void G_GNUC_NO_INLINE
drop_waste (CupelParameters *parameters)
{
  g_autoptr(CupelRowBlock) old = parameters->block;
  g_autoptr(CupelRowBlock) fresh = cupel_row_block_new (old->n_columns, MAX (old->n_rows, 1));
  gsize used = 0;

  parameters->waste = 0;
  for (guint i = 0; i < old->n_rows; i++)
    {
      const CupelCell *from = cupel_row_block_get_row (old, i);
      CupelCell *to = add_row (fresh);

      for (guint j = 0; j < old->n_columns; j++)
        {
          /* No memory: they stay where they are. */
          if (!cupel_row_block_copy_cell (fresh, &to[j], &from[j]))
            {
              g_steal_pointer (&old);
              return;
            }
          used += sizeof (CupelCell) + from[j].length;
        }
    }
  parameters->block = g_steal_pointer (&fresh);
  parameters->most_waste = MAX (LEAST_WASTE, used);
}

/* Sets have the same names: with the second one it is known how many columns that takes. */
static void
add_set (CupelParameters *parameters)
{
  CupelRowBlock *block = parameters->block;

  if (block->n_rows == 1 && parameters->n_names < block->n_columns)
    block->n_columns = parameters->n_names;
  add_row (block);
}

static guint
find_name (CupelParameters *parameters,
           const char      *name)
{
  if (parameters->names.names != NULL)
    {
      int place = cupel_name_list_find (&parameters->names, name);

      return place >= 0 ? (guint) place : G_MAXUINT;
    }
  for (guint i = 0; i < parameters->n_names; i++)
    if (strcmp (parameters->few[i], name) == 0)
      return i;

  return G_MAXUINT;
}

static const char *
get_name (CupelParameters *parameters,
          guint            nth)
{
  return parameters->names.names != NULL ? parameters->names.names->pdata[nth] : parameters->few[nth];
}

static guint
add_name (CupelParameters *parameters,
          const char      *name)
{
  gsize length = strlen (name);

  if (parameters->names.names == NULL && parameters->n_names < N_FEW && length < SHORT_NAME)
    {
      memcpy (parameters->few[parameters->n_names], name, length + 1);
      return parameters->n_names++;
    }
  if (parameters->names.names == NULL)
    {
      cupel_name_list_init (&parameters->names);
      for (guint i = 0; i < parameters->n_names; i++)
        cupel_name_list_add (&parameters->names, parameters->few[i]);
    }
  parameters->n_names++;
  return cupel_name_list_add (&parameters->names, name);
}

static CupelCell *
get_cell (CupelParameters *parameters,
          const char      *name)
{
  guint column = find_name (parameters, name);
  CupelCell *cell;

  if (column == G_MAXUINT)
    column = add_name (parameters, name);
  if (G_UNLIKELY (parameters->waste > parameters->most_waste))
    drop_waste (parameters);
  if (parameters->block == NULL || column >= parameters->block->n_columns)
    widen (parameters, parameters->block == NULL ? N_FEW : parameters->block->n_columns * 2);
  else
    make_own (parameters);

  if (!parameters->open)
    {
      add_set (parameters);
      parameters->open = TRUE;
    }

  cell = &parameters->block->cells[(gsize) (parameters->block->n_rows - 1) * parameters->block->n_columns + column];
  if (points_somewhere (cell))
    parameters->waste += cell->length + 8;
  return cell;
}

static CupelCell *
set_scalar (CupelParameters *parameters,
            const char      *name,
            CupelCellKind    kind)
{
  CupelCell *cell = get_cell (parameters, name);

  cell->kind = kind;
  cell->length = 0;
  cell->v.i64 = 0;
  return cell;
}

/**
 * cupel_parameters_next:
 * @parameters: parameters
 *
 * Ends the set of values that is being filled and starts the next. A last set that got no value does not count.
 *
 * Since: 1.0
 */
void
cupel_parameters_next (CupelParameters *parameters)
{
  g_return_if_fail (parameters != NULL);

  if (!parameters->open)
    {
      if (parameters->block != NULL)
        {
          make_own (parameters);
          add_set (parameters);
        }
      else
        {
          parameters->n_empty++;
        }
    }
  parameters->open = FALSE;
}

/**
 * cupel_parameters_get_n_sets:
 * @parameters: parameters
 *
 * Counts the sets.
 *
 * Returns: how many there are
 *
 * Since: 1.0
 */
guint
cupel_parameters_get_n_sets (CupelParameters *parameters)
{
  g_return_val_if_fail (parameters != NULL, 0);

  return parameters->block != NULL ? parameters->block->n_rows : parameters->n_empty;
}

/**
 * cupel_parameters_set_null:
 * @parameters: parameters
 * @name: the name of a bind
 *
 * Gives a bind the value NULL.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_null (CupelParameters *parameters,
                           const char      *name)
{
  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  set_scalar (parameters, name, CUPEL_CELL_NULL);
}

/**
 * cupel_parameters_set_boolean:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: its value
 *
 * Gives a bind a boolean.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_boolean (CupelParameters *parameters,
                              const char      *name,
                              gboolean         value)
{
  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  set_scalar (parameters, name, CUPEL_CELL_BOOLEAN)->v.i64 = !!value;
}

/**
 * cupel_parameters_set_int64:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: its value
 *
 * Gives a bind an integer.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_int64 (CupelParameters *parameters,
                            const char      *name,
                            gint64           value)
{
  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  set_scalar (parameters, name, CUPEL_CELL_INT64)->v.i64 = value;
}

/**
 * cupel_parameters_set_double:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: its value
 *
 * Gives a bind a floating point number.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_double (CupelParameters *parameters,
                             const char      *name,
                             double           value)
{
  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  set_scalar (parameters, name, CUPEL_CELL_DOUBLE)->v.f64 = value;
}

/**
 * cupel_parameters_set_string:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: (nullable): its value; %NULL is the SQL NULL
 *
 * Gives a bind a text. It must be valid UTF-8: the execution fails with %CUPEL_ERROR_DATA otherwise.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_string (CupelParameters *parameters,
                             const char      *name,
                             const char      *value)
{
  CupelCell *cell;

  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  cell = set_scalar (parameters, name, CUPEL_CELL_NULL);
  if (value != NULL)
    cupel_row_block_set_text (parameters->block, cell, CUPEL_CELL_TEXT, value, -1);
}

/**
 * cupel_parameters_set_bytes:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: (nullable): its value; %NULL is the SQL NULL
 *
 * Gives a bind a sequence of bytes.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_bytes (CupelParameters *parameters,
                            const char      *name,
                            GBytes          *value)
{
  CupelCell *cell;

  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  cell = set_scalar (parameters, name, CUPEL_CELL_NULL);
  if (value != NULL)
    {
      gsize size;
      gconstpointer data = g_bytes_get_data (value, &size);

      cupel_row_block_set_bytes (parameters->block, cell, CUPEL_CELL_BYTES, data, size);
    }
}

/**
 * cupel_parameters_set_datetime:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: (nullable): its value; %NULL is the SQL NULL
 *
 * Gives a bind a point in time: its instant, as the clock of UTC shows it.
 *
 * Since: 1.0
 */
void
cupel_parameters_set_datetime (CupelParameters *parameters,
                               const char      *name,
                               GDateTime       *value)
{
  g_autoptr(CupelValue) owned = NULL;

  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  owned = value != NULL ? cupel_value_new_datetime (value) : cupel_value_new_null ();
  *get_cell (parameters, name) = *cupel_value_get_cell (owned);
}

/**
 * cupel_parameters_set:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: (nullable): its value; %NULL is the SQL NULL
 *
 * Gives a bind a value of any type.
 *
 * Since: 1.0
 */
void
cupel_parameters_set (CupelParameters *parameters,
                      const char      *name,
                      CupelValue      *value)
{
  CupelCell *cell;

  g_return_if_fail (parameters != NULL);
  g_return_if_fail (name != NULL);

  cell = set_scalar (parameters, name, CUPEL_CELL_NULL);
  if (value != NULL)
    cupel_row_block_copy_cell (parameters->block, cell, cupel_value_get_cell (value));
}

/**
 * cupel_parameters_set_gvalue:
 * @parameters: parameters
 * @name: the name of a bind
 * @value: its value
 * @error: return location for an error
 *
 * Gives a bind what a #GValue holds.
 *
 * Returns: %FALSE with @error set when there is no SQL value for it
 *
 * Since: 1.0
 */
gboolean
cupel_parameters_set_gvalue (CupelParameters  *parameters,
                             const char       *name,
                             const GValue     *value,
                             GError          **error)
{
  g_autoptr(CupelValue) owned = NULL;

  g_return_val_if_fail (parameters != NULL, FALSE);
  g_return_val_if_fail (name != NULL, FALSE);
  g_return_val_if_fail (G_IS_VALUE (value), FALSE);

  owned = cupel_value_new_from_gvalue (value, error);
  if (owned == NULL)
    {
      g_prefix_error (error, "Parameter \"%s\": ", name);
      return FALSE;
    }

  cupel_parameters_set (parameters, name, owned);
  return TRUE;
}

/* private */

static gboolean
fail_missing (CupelCompiled  *compiled,
              const char     *name,
              guint           set,
              guint           n_sets,
              GError        **error)
{
  if (n_sets > 1)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "Parameter \"%s\" of the statement has no value in set %u of %u", name, set + 1, n_sets);
  else
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "Parameter \"%s\" of the statement has no value", name);
  return FALSE;
}

static gboolean
check_no_unknown (CupelParameters  *parameters,
                  CupelCompiled    *compiled,
                  GError          **error)
{
  for (guint i = 0; i < parameters->n_names; i++)
    {
      g_autofree char *known = NULL;
      g_autofree char *name = NULL;
      g_autoptr(GPtrArray) names = NULL;

      if (cupel_compiled_find_bind (compiled, get_name (parameters, i)) >= 0)
        continue;

      name = g_utf8_make_valid (get_name (parameters, i), -1);
      if (compiled->n_binds == 0)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                       "There is a value for \"%s\", but the statement has no parameters", name);
          return FALSE;
        }

      names = g_ptr_array_new ();
      for (guint j = 0; j < compiled->n_binds; j++)
        g_ptr_array_add (names, (gpointer) compiled->bind_names[j]);
      g_ptr_array_add (names, NULL);
      known = g_strjoinv ("\", \"", (char **) names->pdata);
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                   "There is a value for \"%s\", but the parameters of the statement are \"%s\"", name, known);
      return FALSE;
    }

  return TRUE;
}

static gboolean
check_set (const CupelCell  *cells,
           CupelCompiled    *compiled,
           guint             set,
           guint             n_sets,
           GError          **error)
{
  for (guint i = 0; i < compiled->n_binds; i++)
    {
      if (cells[i].kind == CELL_UNSET)
        return fail_missing (compiled, compiled->bind_names[i], set, n_sets, error);
      if (!cupel_cell_validate (&cells[i], compiled->bind_names[i], error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_in_order (const guint *columns,
             guint        n)
{
  for (guint i = 0; i < n; i++)
    if (columns[i] != i)
      return FALSE;
  return TRUE;
}

gboolean
cupel_parameters_bind (CupelParameters  *parameters,
                       CupelCompiled    *compiled,
                       CupelRowBlock   **sets,
                       guint            *n_sets,
                       GError          **error)
{
  guint count = parameters != NULL ? cupel_parameters_get_n_sets (parameters) : 0;
  g_autoptr(CupelRowBlock) bound = NULL;
  g_autofree guint *columns_heap = NULL;
  guint columns_stack[32];
  guint *columns = columns_stack;
  gboolean points = FALSE;

  *sets = NULL;
  *n_sets = 0;

  if (parameters != NULL && parameters->n_names > 0 && !check_no_unknown (parameters, compiled, error))
    return FALSE;

  if (compiled->n_binds == 0)
    {
      /* Several sets of nothing: so many executions. */
      if (count > 1)
        {
          *sets = cupel_row_block_new (0, count);
          for (guint i = 0; i < count; i++)
            cupel_row_block_add_row (*sets);
          *n_sets = count;
        }
      return TRUE;
    }

  if (count == 0 || parameters->block == NULL)
    return fail_missing (compiled, compiled->bind_names[0], 0, count, error);

  if (compiled->n_binds > G_N_ELEMENTS (columns_stack))
    columns = columns_heap = g_new (guint, compiled->n_binds);
  for (guint i = 0; i < compiled->n_binds; i++)
    if ((columns[i] = find_name (parameters, compiled->bind_names[i])) == G_MAXUINT)
      return fail_missing (compiled, compiled->bind_names[i], 0, count, error);

  /* Mostly it is there as it is wanted. */
  if (is_in_order (columns, compiled->n_binds))
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_ref (parameters->block);

      for (guint set = 0; set < count; set++)
        {
          if (!check_set (cupel_row_block_get_row (block, set), compiled, set, count, error))
            return FALSE;
          cupel_fiber_tick ();
        }
      *sets = g_steal_pointer (&block);
      *n_sets = count;
      return TRUE;
    }

  /* Cells are copied, what they point to is not. */
  bound = cupel_row_block_new (compiled->n_binds, count);
  for (guint set = 0; set < count; set++)
    {
      const CupelCell *from = cupel_row_block_get_row (parameters->block, set);
      CupelCell *to = cupel_row_block_add_row (bound);

      for (guint i = 0; i < compiled->n_binds; i++)
        {
          to[i] = from[columns[i]];
          points |= points_somewhere (&to[i]);
        }
      if (!check_set (to, compiled, set, count, error))
        return FALSE;
      cupel_fiber_tick ();
    }
  if (points)
    cupel_row_block_keep (bound, cupel_row_block_ref (parameters->block), (GDestroyNotify) cupel_row_block_unref);

  *sets = g_steal_pointer (&bound);
  *n_sets = count;
  return TRUE;
}
