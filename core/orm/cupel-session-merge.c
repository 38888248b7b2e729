/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Entities of another session, copied into this one without I/O. */

#include "engine/cupel-frozen-result-private.h"
#include "engine/cupel-result-private.h"
#include "orm/cupel-session-private.h"
#include "runtime/cupel-fiber.h"

typedef struct
{
  CupelSession *session;
  CupelEntity *from;
  CupelEntity *merged;
  GError **error;
} Merge;

static gboolean
copy_attributes (CupelEntity  *from,
                 CupelEntity  *to,
                 CupelMapper  *mapper,
                 GError      **error)
{
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
  CupelCell *cell = cupel_row_block_add_row (block);

  for (guint i = 0; i < mapper->attributes->len; i++)
    if (cupel_entity_bit (mapper, &from->loaded, i) &&
        (!cupel_entity_fetch_cell (from, mapper, i, block, cell, error) || !cupel_entity_assign_cell (to, i, cell, error)))
      return FALSE;
  return TRUE;
}

static void
merge_one (gpointer data)
{
  Merge *m = data;
  CupelMapper *mapper = cupel_mapper_of (m->from);
  g_autoptr(CupelRowBlock) keys = cupel_row_block_new (mapper->n_key, 1);
  const CupelCell *cells[G_N_ELEMENTS (mapper->key)];
  CupelIdentityKey key;
  CupelEntity *entity;
  gboolean ok;

  if (!(m->from->flags & CUPEL_ENTITY_FLAG_PERSISTENT) || !cupel_session_key_of (m->from, keys, cells, &key))
    {
      g_set_error (m->error, CUPEL_ERROR, CUPEL_ERROR_INVALID_ARGUMENT, "the %s has no row: only what was loaded can be merged",
                   g_type_name (mapper->type));
      return;
    }

  entity = cupel_identity_map_lookup (&m->session->identity, &key);
  if (entity != NULL)
    {
      m->merged = g_object_ref (entity);
      return;
    }

  entity = g_object_new (mapper->type, NULL);
  entity->flags |= CUPEL_ENTITY_FLAG_LOADING;
  ok = copy_attributes (m->from, entity, mapper, m->error);
  entity->flags &= ~CUPEL_ENTITY_FLAG_LOADING;
  /* As when it is loaded: its class may have added it to a session, which would insert it. */
  if (G_UNLIKELY (entity->session != NULL))
    cupel_session_expunge (entity->session, entity, NULL);
  if (!ok)
    {
      g_object_unref (entity);
      return;
    }
  entity->flags |= CUPEL_ENTITY_FLAG_PERSISTENT | (m->from->flags & CUPEL_ENTITY_FLAG_EXPIRED);
  entity->identity = key.identity;
  entity->session = m->session;
  cupel_identity_map_insert (&m->session->identity, entity);
  m->merged = entity;
}

/**
 * cupel_session_merge_frozen:
 * @session: a session
 * @frozen: a frozen result of entities
 * @error: return location for an error
 *
 * Copies entities that another session loaded into this one, without any I/O: rows with equal keys become one object, and one that the session has
 * already stays as it is. This is how the results of several concurrent sessions come together in one.
 *
 * In a fiber, a long result lets others run now and then; for them the session is busy.
 *
 * Returns: (transfer full): the session's own entities, or %NULL with @error set
 *
 * Since: 1.0
 */
CupelResult *
cupel_session_merge_frozen (CupelSession       *session,
                            CupelFrozenResult  *frozen,
                            GError            **error)
{
  g_autoptr(GPtrArray) merged = NULL;
  GPtrArray *entities;

  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);
  g_return_val_if_fail (CUPEL_IS_FROZEN_RESULT (frozen), NULL);

  entities = cupel_frozen_result_get_entities (frozen);
  if (entities == NULL)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_MAPPING,
                           "the frozen result has rows, not entities: thaw it with cupel_frozen_result_thaw()");
      return NULL;
    }
  if (!cupel_session_enter (session, "cupel_session_merge_frozen", error))
    return NULL;

  merged = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < entities->len; i++)
    {
      Merge merge = { .session = session, .from = g_ptr_array_index (entities, i), .error = error };

      cupel_session_run_for_class (cupel_mapper_of (merge.from), merge_one, &merge);
      if (merge.merged == NULL)
        {
          cupel_session_leave (session);
          return NULL;
        }
      g_ptr_array_add (merged, merge.merged);
      cupel_fiber_tick ();
    }
  cupel_session_leave (session);
  return cupel_result_new_entities (g_steal_pointer (&merged), cupel_frozen_result_get_item_type (frozen), NULL, NULL);
}
