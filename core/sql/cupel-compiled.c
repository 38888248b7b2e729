/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-compiler-private.h"

#include <string.h>

/* How many texts of a many-INSERT are kept: one for full pages, one for the last. */
#define N_MULTI 2

typedef struct
{
  CupelCompiled   base;

  guint           ref_count;
  CupelNameList   binds;          /* base.bind_names */
  CupelCompiler  *compiler;       /* only where there is a group */
  char           *prefix;
  char           *suffix;
  char           *group;
  CupelGroupMark *marks;          /* relative to group */
  guint           n_marks;

  GMutex          lock;
  struct
  {
    guint  n_rows;
    char  *sql;
  } multi[N_MULTI];
  guint           next_multi;

  gpointer        derived;        /* atomic: set once */
  GDestroyNotify  free_derived;
} RealCompiled;

CupelCompiled *
cupel_compiled_new (CupelCompiler      *compiler,
                    CupelCompiledKind   kind,
                    CupelCompilerState *state)
{
  static guint64 last_id;
  RealCompiled *self = g_new0 (RealCompiled, 1);

  self->ref_count = 1;
  g_mutex_init (&self->lock);
  self->base.kind = kind;
  self->base.id = __atomic_add_fetch (&last_id, 1, __ATOMIC_RELAXED);
  self->base.sql_length = state->sql->len;
  self->base.sql = g_strndup (state->sql->str, state->sql->len);
  self->base.n_slots = state->slots->len;
  self->base.slots = (CupelSlot *) g_array_free (g_steal_pointer (&state->slots), FALSE);
  if (state->lists != NULL)
    {
      self->base.n_lists = state->lists->len;
      self->base.lists = (CupelSlotList *) g_array_free (g_steal_pointer (&state->lists), FALSE);
    }
  cupel_name_list_init (&self->binds);
  for (guint i = 0; i < state->shape->n_binds; i++)
    cupel_name_list_add (&self->binds, state->shape->bind_names[i]);
  self->base.bind_names = (const char *const *) cupel_name_list_close (&self->binds);
  self->base.n_binds = state->shape->n_binds;
  self->compiler = g_object_ref (compiler);

  return &self->base;
}

void
cupel_compiled_set_columns (CupelCompiled *compiled,
                            GPtrArray     *expressions)
{
  CupelResultColumn *columns = g_new (CupelResultColumn, expressions->len);

  for (guint i = 0; i < expressions->len; i++)
    {
      const CupelExpression *expression = g_ptr_array_index (expressions, i);
      const char *name = cupel_expression_get_name (expression);

      columns[i].name = name != NULL ? g_strdup (name) : g_strdup_printf ("column_%u", i + 1);
      columns[i].type = cupel_sql_type_ref (cupel_expression_get_sql_type (expression));
    }
  compiled->columns = columns;
  compiled->n_columns = expressions->len;
  compiled->returns_rows = expressions->len > 0;
}

void
cupel_compiled_set_text_columns (CupelCompiled *compiled,
                                 GPtrArray     *types)
{
  CupelResultColumn *columns = g_new (CupelResultColumn, types->len);

  for (guint i = 0; i < types->len; i++)
    {
      columns[i].name = NULL;
      columns[i].type = cupel_sql_type_ref (g_ptr_array_index (types, i));
    }
  compiled->columns = columns;
  compiled->n_columns = types->len;
}

void
cupel_compiled_set_table_name (CupelCompiled *compiled,
                               const char    *name)
{
  compiled->table_name = g_strdup (name);
}

gpointer
cupel_compiled_get_derived (CupelCompiled *compiled)
{
  return g_atomic_pointer_get (&((RealCompiled *) compiled)->derived);
}

gpointer
cupel_compiled_set_derived (CupelCompiled  *compiled,
                            gpointer        data,
                            GDestroyNotify  destroy)
{
  RealCompiled *self = (RealCompiled *) compiled;

  /* All who derive something derive the same. */
  g_atomic_pointer_set (&self->free_derived, destroy);
  if (!g_atomic_pointer_compare_and_exchange (&self->derived, NULL, data))
    destroy (data);
  return g_atomic_pointer_get (&self->derived);
}

void
cupel_compiled_set_group (CupelCompiled *compiled,
                          gsize          start,
                          gsize          end,
                          GArray        *marks)
{
  RealCompiled *self = (RealCompiled *) compiled;

  self->prefix = g_strndup (compiled->sql, start);
  self->group = g_strndup (compiled->sql + start, end - start);
  self->suffix = g_strdup (compiled->sql + end);
  compiled->insert_prefix = self->prefix;
  compiled->insert_suffix = self->suffix;

  self->n_marks = marks->len;
  self->marks = g_new (CupelGroupMark, marks->len);
  for (guint i = 0; i < marks->len; i++)
    {
      self->marks[i] = g_array_index (marks, CupelGroupMark, i);
      self->marks[i].start -= start;
      self->marks[i].end -= start;
    }
}

/**
 * cupel_compiled_ref: (skip)
 * @compiled: a compiled statement
 *
 * Adds a reference. Any thread may do so.
 *
 * Returns: (transfer full): @compiled
 *
 * Since: 1.0
 */
CupelCompiled *
cupel_compiled_ref (CupelCompiled *compiled)
{
  g_return_val_if_fail (compiled != NULL, NULL);

  g_atomic_int_inc (&((RealCompiled *) compiled)->ref_count);

  return compiled;
}

/**
 * cupel_compiled_unref: (skip)
 * @compiled: (transfer full): a compiled statement
 *
 * Drops a reference. Any thread may do so.
 *
 * Since: 1.0
 */
void
cupel_compiled_unref (CupelCompiled *compiled)
{
  RealCompiled *self = (RealCompiled *) compiled;

  g_return_if_fail (compiled != NULL);

  if (!g_atomic_int_dec_and_test (&self->ref_count))
    return;

  if (self->derived != NULL)
    self->free_derived (self->derived);
  for (guint i = 0; i < compiled->n_slots; i++)
    cupel_sql_type_unref (compiled->slots[i].type);
  g_free ((CupelSlot *) compiled->slots);
  g_free ((CupelSlotList *) compiled->lists);
  for (guint i = 0; i < compiled->n_columns; i++)
    {
      g_free ((char *) compiled->columns[i].name);
      cupel_sql_type_unref (compiled->columns[i].type);
    }
  g_free ((CupelResultColumn *) compiled->columns);
  cupel_name_list_clear (&self->binds);
  g_free ((char *) compiled->table_name);
  g_free ((char *) compiled->sql);

  for (guint i = 0; i < N_MULTI; i++)
    g_free (self->multi[i].sql);
  g_free (self->prefix);
  g_free (self->suffix);
  g_free (self->group);
  g_free (self->marks);
  g_object_unref (self->compiler);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static char *
make_multi_insert (RealCompiled *self,
                   guint         n_rows)
{
  CupelCompilerClass *klass = CUPEL_COMPILER_GET_CLASS (self->compiler);
  CupelCompilerState *state = cupel_compiler_get_state (self->compiler);
  gsize group_length = strlen (self->group);
  GString *sql = g_string_sized_new (self->base.sql_length + (group_length + 2 + 4 * (gsize) self->n_marks) * n_rows);
  guint number = 0;

  g_string_append (sql, self->prefix);

  /* the vfunc writes to the text of its compiler */
  g_mutex_lock (&state->lock);
  state->sql = sql;
  for (guint row = 0; row < n_rows; row++)
    {
      gsize done = 0;

      if (row > 0)
        g_string_append (sql, ", ");
      for (guint i = 0; i < self->n_marks; i++)
        {
          const CupelGroupMark *mark = &self->marks[i];

          g_string_append_len (sql, self->group + done, (gssize) (mark->start - done));
          klass->placeholder (self->compiler, ++number, self->base.slots[mark->slot].type);
          done = mark->end;
        }
      g_string_append_len (sql, self->group + done, (gssize) (group_length - done));
    }
  state->sql = NULL;
  g_mutex_unlock (&state->lock);

  g_string_append (sql, self->suffix);

  return g_string_free (sql, FALSE);
}

/**
 * cupel_compiled_dup_multi_insert: (skip)
 * @compiled: an INSERT with an insert_prefix
 * @n_rows: how many rows, at least 1
 *
 * Gets the text that inserts several rows at once: with as many groups of placeholders, numbered on in the dialect's own way.
 * The slots repeat row after row.
 *
 * Any thread may call this.
 *
 * Returns: (transfer full): the text
 *
 * Since: 1.0
 */
char *
cupel_compiled_dup_multi_insert (CupelCompiled *compiled,
                                 guint          n_rows)
{
  RealCompiled *self = (RealCompiled *) compiled;
  char *sql = NULL;

  g_return_val_if_fail (compiled != NULL, NULL);
  g_return_val_if_fail (compiled->insert_prefix != NULL, NULL);
  g_return_val_if_fail (n_rows > 0, NULL);

  if (n_rows == 1)
    return g_strdup (compiled->sql);

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < N_MULTI && sql == NULL; i++)
    if (self->multi[i].n_rows == n_rows)
      sql = g_strdup (self->multi[i].sql);
  if (sql == NULL)
    {
      guint i = self->next_multi++ % N_MULTI;

      sql = make_multi_insert (self, n_rows);
      g_free (self->multi[i].sql);
      self->multi[i].sql = g_strdup (sql);
      self->multi[i].n_rows = n_rows;
    }
  g_mutex_unlock (&self->lock);

  return sql;
}

/**
 * cupel_compiled_find_bind: (skip)
 * @compiled: a compiled statement
 * @name: the name of a bind
 *
 * Finds the place of a bind in a parameter set.
 *
 * Returns: the place, -1 if there is no such bind
 *
 * Since: 1.0
 */
int
cupel_compiled_find_bind (CupelCompiled *compiled,
                          const char    *name)
{
  g_return_val_if_fail (compiled != NULL, -1);
  g_return_val_if_fail (name != NULL, -1);

  return cupel_name_list_find (&((RealCompiled *) compiled)->binds, name);
}
