/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The flush: UPDATE. */

#include "orm/cupel-unit-of-work-private.h"

/* The parameters of classes with snapshots may be what they were. */
static void
drop_equal_values (gpointer data)
{
  CupelEntity *entity = data;
  CupelMapper *mapper = cupel_mapper_of (entity);
  CupelEntityExtra *extra = entity->extra;
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);

  if (extra == NULL || extra->snapshot == NULL)
    return;
  for (guint i = 0; i < mapper->attributes->len; i++)
    if (cupel_entity_bit (mapper, &entity->modified, i) && extra->snapshot[i] != NULL &&
        cupel_entity_fetch_cell (entity, mapper, i, block, cell, NULL) &&
        cupel_cell_equal (cell, cupel_value_get_cell (extra->snapshot[i])))
      cupel_entity_set_bit (mapper, &entity->modified, i, FALSE);
}

/* The changes that the dirty ones of a class have, in the order of their keys. */
static GPtrArray *
collect_changed (CupelFlush  *flush,
                 CupelMapper *mapper,
                 GPtrArray   *dirty)
{
  GPtrArray *changed = g_ptr_array_sized_new (dirty->len);

  for (guint i = 0; i < dirty->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (dirty, i);

      if (cupel_mapper_of (entity) != mapper || (entity->flags & CUPEL_ENTITY_FLAG_DELETED) || entity->session != flush->session)
        continue;
      if (!mapper->native)
        {
          cupel_call_on_main_stack (drop_equal_values, entity);
          cupel_fiber_tick ();
        }
      if (cupel_entity_bits_any (mapper, &entity->modified))
        g_ptr_array_add (changed, entity);
    }
  cupel_flush_sort_by_key (changed);
  return changed;
}

/* Takes those that changed the attributes @modified out of @changed. */
static GPtrArray *
take_same (CupelFlush     *flush,
           CupelMapper    *mapper,
           const guint64  *modified,
           GPtrArray     **changed)
{
  GPtrArray *same = g_ptr_array_sized_new ((*changed)->len);
  GPtrArray *others = g_ptr_array_new ();

  for (guint i = 0; i < (*changed)->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (*changed, i);

      /* Its change may have been taken back, or forgotten, while others were written. */
      if (entity->session == flush->session && cupel_entity_bits_any (mapper, &entity->modified))
        g_ptr_array_add (cupel_flush_has_shape (entity, mapper, &entity->modified, modified) ? same : others, entity);
      cupel_fiber_tick ();
    }
  g_ptr_array_unref (*changed);
  *changed = others;
  return same;
}

typedef struct
{
  CupelSession *session;
  CupelMapper *mapper;
  CupelMapperStatement *shape;
  guint n_values;
  CupelFlushBatch *batch;
  gboolean new_key;
} Written;

static gboolean
note_written (gpointer data,
              guint    start,
              guint    end)
{
  Written *w = data;

  for (guint i = start; i < end; i++)
    {
      CupelEntity *entity = w->batch->entities[i];
      const gboolean rekeyed = w->new_key && entity->session == w->session;

      if (rekeyed)
        cupel_session_note_rekeyed (w->session, entity);
      cupel_flush_note_written (entity, w->shape->binds, w->n_values, cupel_row_block_get_row (w->batch->sets, i));
      if (rekeyed)
        cupel_session_rekey (w->session, entity);
      cupel_fiber_tick ();
    }
  return TRUE;
}

static gboolean
take_batch (CupelFlushBatch  *batch,
            gpointer          data,
            GError          **error)
{
  Written *w = data;

  w->batch = batch;
  return cupel_flush_check_row_count (w->mapper, "UPDATE", batch->reply.row_count, batch->n_entities, error) &&
         cupel_session_run_slices (w->mapper, batch->n_entities, note_written, w);
}

static gboolean
update_same (CupelFlush     *flush,
             CupelMapper    *mapper,
             const guint64  *modified,
             GPtrArray      *same,
             GError        **error)
{
  CupelMapperStatement *shape = cupel_mapper_update_statement (mapper, modified);
  Written written = { .session = flush->session, .mapper = mapper, .shape = shape, .n_values = shape->n_binds - mapper->n_key };

  for (guint k = 0; k < mapper->n_key; k++)
    written.new_key = written.new_key || ((modified[mapper->key[k] / 64] >> (mapper->key[k] % 64)) & 1);
  return cupel_flush_write (flush, mapper, shape, written.n_values, (CupelEntity **) same->pdata, same->len, take_batch, &written, error);
}

gboolean
cupel_flush_updates (CupelFlush   *flush,
                     CupelMapper  *mapper,
                     GPtrArray    *dirty,
                     GError      **error)
{
  g_autoptr(GPtrArray) changed = collect_changed (flush, mapper, dirty);

  /* Each shape once: those that have it are moved together, in the order of their keys. */
  while (changed->len > 0)
    {
      CupelEntity *first = g_ptr_array_index (changed, 0);
      g_autofree guint64 *modified = g_memdup2 (cupel_entity_peek_bits (mapper, &first->modified), mapper->n_words * sizeof (guint64));
      g_autoptr(GPtrArray) same = take_same (flush, mapper, modified, &changed);

      if (same->len > 0 && !update_same (flush, mapper, modified, same, error))
        return FALSE;
    }
  return TRUE;
}
