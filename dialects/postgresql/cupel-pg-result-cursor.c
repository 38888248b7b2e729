/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-result-cursor.h"

#include "cupel-pg-decode.h"

struct _CupelPgResultCursor
{
  CupelDriverCursor  parent_instance;

  PGresult         **result;      /* a box of it, shared with the blocks that point into it; NULL when closed */
  guint              n_decoded;
};

G_DEFINE_FINAL_TYPE (CupelPgResultCursor, cupel_pg_result_cursor, CUPEL_TYPE_DRIVER_CURSOR)

static void
clear_box (gpointer box)
{
  PQclear (*(PGresult **) box);
}

static void
release_box (gpointer box)
{
  g_atomic_rc_box_release_full (box, clear_box);
}

static CupelRowBlock *
cupel_pg_result_cursor_fetch (CupelDriverCursor  *cursor,
                              GCancellable       *cancellable,
                              GError            **error)
{
  CupelPgResultCursor *self = CUPEL_PG_RESULT_CURSOR (cursor);
  g_autoptr(CupelRowBlock) block = NULL;
  guint n;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (self->result == NULL)
    return NULL;
  n = MIN ((guint) PQntuples (*self->result) - self->n_decoded, CUPEL_PG_BLOCK_ROWS);
  if (n == 0)
    {
      g_clear_pointer (&self->result, release_box);
      return NULL;
    }

  block = cupel_row_block_new ((guint) PQnfields (*self->result), n);
  cupel_row_block_keep (block, g_atomic_rc_box_acquire (self->result), release_box);
  if (!cupel_pg_decode_rows (block, *self->result, self->n_decoded, n, FALSE, error))
    {
      g_clear_pointer (&self->result, release_box);
      return NULL;
    }
  self->n_decoded += n;
  return g_steal_pointer (&block);
}

static gboolean
cupel_pg_result_cursor_close (CupelDriverCursor  *cursor,
                              gint64              deadline,
                              GError            **error)
{
  g_clear_pointer (&CUPEL_PG_RESULT_CURSOR (cursor)->result, release_box);
  return TRUE;
}

static void
cupel_pg_result_cursor_finalize (GObject *object)
{
  g_clear_pointer (&CUPEL_PG_RESULT_CURSOR (object)->result, release_box);

  G_OBJECT_CLASS (cupel_pg_result_cursor_parent_class)->finalize (object);
}

static void
cupel_pg_result_cursor_class_init (CupelPgResultCursorClass *klass)
{
  CupelDriverCursorClass *cursor_class = CUPEL_DRIVER_CURSOR_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = cupel_pg_result_cursor_finalize;
  cursor_class->fetch = cupel_pg_result_cursor_fetch;
  cursor_class->close = cupel_pg_result_cursor_close;
}

static void
cupel_pg_result_cursor_init (CupelPgResultCursor *self)
{
}

CupelDriverCursor *
cupel_pg_result_cursor_new (PGresult *result)
{
  CupelPgResultCursor *self = g_object_new (cupel_pg_result_cursor_get_type (), NULL);

  self->result = g_atomic_rc_box_new (PGresult *);
  *self->result = result;
  return CUPEL_DRIVER_CURSOR (self);
}
