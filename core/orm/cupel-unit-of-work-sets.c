/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entities as parameter sets, and what is known of them when those were written. */

#include "orm/cupel-unit-of-work-private.h"

typedef struct
{
  CupelMapperStatement *shape;
  CupelEntity **entities;
  guint n_values;
  CupelRowBlock *sets;
  GError **error;
} FillSets;

static gboolean
fill_set (FillSets    *f,
          CupelEntity *entity,
          CupelMapper *mapper)
{
  CupelCell *row = cupel_row_block_add_row (f->sets);

  for (guint b = 0; b < f->shape->n_binds; b++)
    {
      guint index = f->shape->binds[b];
      const CupelCell *known = b >= f->n_values ? cupel_entity_row_cell (entity, index) : NULL;

      if (known != NULL)
        cupel_row_block_copy_cell (f->sets, &row[b], known);
      else if (!cupel_entity_fetch_cell (entity, mapper, index, f->sets, &row[b], f->error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
fill_sets (gpointer data,
           guint    start,
           guint    end)
{
  FillSets *f = data;
  CupelMapper *mapper = cupel_mapper_of (f->entities[start]);

  for (guint i = start; i < end; i++)
    {
      if (!fill_set (f, f->entities[i], mapper))
        return FALSE;
      cupel_fiber_tick ();
    }
  return TRUE;
}

CupelRowBlock *
cupel_flush_make_sets (CupelMapper           *mapper,
                       CupelMapperStatement  *shape,
                       guint                  n_values,
                       CupelEntity          **entities,
                       guint                  n_entities,
                       GError               **error)
{
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (shape->n_binds, n_entities);
  FillSets f = { shape, entities, n_values, sets, error };

  return cupel_session_run_slices (mapper, n_entities, fill_sets, &f) ? g_steal_pointer (&sets) : NULL;
}

gboolean
cupel_flush_has_shape (CupelEntity           *entity,
                       CupelMapper           *mapper,
                       const CupelEntityBits *bits,
                       const guint64         *shape)
{
  if (memcmp (shape, cupel_entity_peek_bits (mapper, bits), mapper->n_words * sizeof (guint64)) != 0)
    return FALSE;
  entity->flags &= ~CUPEL_ENTITY_FLAG_TOUCHED;
  return TRUE;
}

static void
take_snapshot (CupelEntity     *entity,
               const guint     *binds,
               guint            n_values,
               const CupelCell *row)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = cupel_entity_extra (entity);

  if (extra->snapshot == NULL)
    extra->snapshot = g_new0 (CupelValue *, mapper->attributes->len);
  for (guint b = 0; b < n_values; b++)
    {
      g_clear_pointer (&extra->snapshot[binds[b]], cupel_value_unref);
      extra->snapshot[binds[b]] = cupel_value_new_from_cell (&row[b]);
    }
}

void
cupel_flush_note_written (CupelEntity     *entity,
                          const guint     *binds,
                          guint            n_values,
                          const CupelCell *row)
{
  CupelMapper *mapper = cupel_mapper_of (entity);

  cupel_entity_forget_some (entity, binds, n_values);
  if (!mapper->native)
    take_snapshot (entity, binds, n_values, row);
  if (!(entity->flags & CUPEL_ENTITY_FLAG_TOUCHED))
    return;

  cupel_entity_keep_changes (entity, binds, n_values, row);
  /* An attribute that was changed meanwhile, and was not part of the statement. */
  if (entity->session != NULL && (entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(entity->flags & CUPEL_ENTITY_FLAG_DIRTY) &&
      cupel_entity_bits_any (mapper, &entity->modified))
    cupel_session_entity_dirty (entity->session, entity);
}

gboolean
cupel_flush_check_row_count (CupelMapper  *mapper,
                             const char   *verb,
                             gint64        matched,
                             guint         expected,
                             GError      **error)
{
  if (matched < 0 || matched == expected)
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_STALE,
               "%s of %s was to change %u rows, but %" G_GINT64_FORMAT " matched: somebody else changed or deleted them; "
               "roll back and read again",
               verb, g_type_name (mapper->type), expected, matched);
  return FALSE;
}

static int
compare_identity (gconstpointer a,
                  gconstpointer b)
{
  const CupelEntity *x = *(CupelEntity *const *) a;
  const CupelEntity *y = *(CupelEntity *const *) b;

  return x->identity < y->identity ? -1 : x->identity > y->identity;
}

void
cupel_flush_sort_by_key (GPtrArray *entities)
{
  guint i = 1;

  /* They mostly are what a query gave. */
  while (i < entities->len && compare_identity (&entities->pdata[i - 1], &entities->pdata[i]) <= 0)
    i++;
  if (i < entities->len)
    g_ptr_array_sort (entities, compare_identity);
}

gboolean
cupel_flush_refers_to_itself (CupelMapper *mapper)
{
  for (guint i = 0; i < mapper->relationships->len; i++)
    if (((CupelRelationship *) g_ptr_array_index (mapper->relationships, i))->target_type == mapper->type)
      return TRUE;
  return FALSE;
}
