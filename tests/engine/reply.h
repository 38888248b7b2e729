/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What a driver answered, over all blocks. */

#include <cupel-dialect.h>

static inline guint
count_rows (const CupelReply *reply)
{
  guint n = 0;

  for (guint i = 0; reply->blocks != NULL && i < reply->blocks->len; i++)
    n += ((CupelRowBlock *) reply->blocks->pdata[i])->n_rows;
  return n;
}

static inline const CupelCell *
get_cell (const CupelReply *reply,
          guint             row,
          guint             column)
{
  for (guint i = 0; i < reply->blocks->len; i++)
    {
      CupelRowBlock *block = reply->blocks->pdata[i];

      if (row < block->n_rows)
        return cupel_row_block_get_row (block, row) + column;
      row -= block->n_rows;
    }
  g_assert_not_reached ();
}
