/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the server filled in while it inserted, where INSERT cannot return it: one SELECT for many rows. */

#include "engine/cupel-connection-private.h"
#include "orm/cupel-session-private.h"

/* Rows per SELECT: the list is padded, and no server has trouble with it. */
#define BATCH 500

typedef struct
{
  CupelSession  *session;
  CupelMapper   *mapper;
  CupelEntity  **entities;
  guint          n_entities;
  GArray        *columns;      /* attributes in the order of the columns, after those of the key */
  CupelRowBlock *block;
  GPtrArray     *keys;         /* values */
  GError       **error;
  gboolean       ok;
} Defaults;

static void
collect_keys (gpointer data)
{
  Defaults *d = data;
  g_autoptr(CupelRowBlock) block = cupel_row_block_new (d->mapper->n_key, d->n_entities);
  const CupelCell *cells[G_N_ELEMENTS (d->mapper->key)];
  CupelIdentityKey key;

  for (guint i = 0; i < d->n_entities; i++)
    if (cupel_session_key_of (d->entities[i], block, cells, &key))
      for (guint k = 0; k < d->mapper->n_key; k++)
        g_ptr_array_add (d->keys, cupel_value_new_from_cell (cells[k]));
}

static void
take_defaults (gpointer data)
{
  Defaults *d = data;
  const guint n_key = d->mapper->n_key;
  const CupelCell *cells[G_N_ELEMENTS (d->mapper->key)];

  for (guint i = 0; i < d->block->n_rows && d->ok; i++)
    {
      const CupelCell *row = cupel_row_block_get_row (d->block, i);
      CupelIdentityKey key;
      CupelEntity *entity;

      for (guint k = 0; k < n_key; k++)
        cells[k] = &row[k];
      entity = cupel_identity_key_init (&key, d->mapper, cells) ? cupel_identity_map_lookup (&d->session->identity, &key) : NULL;
      /* A setter of the class may have given it another value by now. */
      for (guint c = 0; entity != NULL && c < d->columns->len && d->ok; c++)
        if (!cupel_entity_bit (d->mapper, &entity->loaded, g_array_index (d->columns, guint, c)))
          d->ok = cupel_entity_assign_cell (entity, g_array_index (d->columns, guint, c), &row[n_key + c], d->error);
    }
}

/* key IN (..), or (key1 = .. AND key2 = ..) OR .. */
static CupelExpression *
condition (CupelMapper *mapper,
           GPtrArray   *keys)
{
  CupelExpression *any = NULL;

  if (mapper->n_key == 1)
    return cupel_in (cupel_column_expression (cupel_mapper_attribute (mapper, mapper->key[0])->column),
                     (CupelValue **) keys->pdata, keys->len);

  for (guint i = 0; i < keys->len; i += mapper->n_key)
    {
      CupelExpression *all = NULL;

      for (guint k = 0; k < mapper->n_key; k++)
        {
          CupelExpression *term = cupel_eq (cupel_column_expression (cupel_mapper_attribute (mapper, mapper->key[k])->column),
                                            cupel_literal (cupel_value_ref (g_ptr_array_index (keys, i + k))));

          all = all == NULL ? term : cupel_and (all, term);
        }
      any = any == NULL ? all : cupel_or (any, all);
    }
  return any;
}

static gboolean
fetch_batch (Defaults      *d,
             GCancellable  *cancellable)
{
  g_autoptr(CupelSelect) select = cupel_select_new ();
  g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_value_unref);
  g_auto(CupelReply) reply = { NULL, };

  d->keys = keys;
  cupel_session_run_for_class (d->mapper, collect_keys, d);
  for (guint k = 0; k < d->mapper->n_key; k++)
    cupel_select_add_column (select, cupel_column_expression (cupel_mapper_attribute (d->mapper, d->mapper->key[k])->column));
  for (guint c = 0; c < d->columns->len; c++)
    cupel_select_add_column (select, cupel_column_expression (
      cupel_mapper_attribute (d->mapper, g_array_index (d->columns, guint, c))->column));
  cupel_select_where (select, condition (d->mapper, keys));

  if (!cupel_connection_run_request (d->session->connection, CUPEL_STATEMENT (select), NULL, CUPEL_REQUEST_NONE, &reply, NULL,
                                     cancellable, d->error))
    return FALSE;
  for (guint i = 0; reply.blocks != NULL && i < reply.blocks->len && d->ok; i++)
    {
      d->block = g_ptr_array_index (reply.blocks, i);
      cupel_session_run_for_class (d->mapper, take_defaults, d);
    }
  return d->ok;
}

gboolean
cupel_session_fetch_defaults (CupelSession  *self,
                              CupelMapper   *mapper,
                              CupelEntity  **entities,
                              guint          n_entities,
                              GCancellable  *cancellable,
                              GError       **error)
{
  g_autoptr(GArray) columns = g_array_new (FALSE, FALSE, sizeof (guint));
  Defaults d = { .session = self, .mapper = mapper, .columns = columns, .error = error, .ok = TRUE };

  /* They are of one shape: what the first lacks, all lack. */
  for (guint i = 0; i < mapper->attributes->len; i++)
    {
      CupelAttribute *attribute = cupel_mapper_attribute (mapper, i);

      if ((attribute->server_default || attribute->generated) && !cupel_entity_bit (mapper, &entities[0]->loaded, i))
        g_array_append_val (columns, i);
    }
  if (columns->len == 0)
    return TRUE;

  for (guint first = 0; first < n_entities; first += BATCH)
    {
      d.entities = entities + first;
      d.n_entities = MIN (BATCH, n_entities - first);
      if (!fetch_batch (&d, cancellable))
        return FALSE;
    }
  return TRUE;
}
