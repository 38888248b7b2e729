/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A server ends the connection of who sends more at once than its max_allowed_packet. So what is large is measured before it is sent,
 * and the server is asked for its limit when that can matter for the first time. */

#include "cupel-mysql-private.h"

/* No server that works has a lower limit. */
#define CUPEL_MYSQL_SMALL 65536

/* How long the number is that tells the length of a text. */
static gsize
cupel_mysql_length_size (gsize length)
{
  return length < 251 ? 1 : length < 65536 ? 3 : length < 16777216 ? 4 : 9;
}

static gsize
cupel_mysql_execute_size (const CupelRequest *request,
                          guint               set)
{
  const guint n = request->compiled->n_slots;
  gsize size = 11 + (n + 7) / 8 + 2 * n;

  for (guint i = 0; i < n; i++)
    {
      const CupelCell *cell = cupel_request_get_cell (request, set, i);

      switch ((CupelCellKind) cell->kind)
        {
        case CUPEL_CELL_TEXT:
        case CUPEL_CELL_BYTES:
        case CUPEL_CELL_DECIMAL:
        case CUPEL_CELL_JSON:
        case CUPEL_CELL_OTHER:
          size += cupel_mysql_length_size (cell->length) + cell->length;
          break;
        case CUPEL_CELL_UUID:
          size += 37;
          break;
        default:
          size += 12;
          break;
        }
    }
  return size;
}

static gboolean
cupel_mysql_connection_ask_max_packet (CupelMysqlConnection  *self,
                                       GError               **error)
{
  static const char sql[] = "SELECT @@max_allowed_packet";
  g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  CupelMysqlRows *rows = NULL;

  if (!cupel_mysql_connection_query (self, sql, strlen (sql), NULL, &rows, error) ||
      (rows != NULL && !cupel_mysql_connection_read_all (self, rows, 1, blocks, error)))
    return FALSE;
  self->max_packet = G_MAXSIZE;
  if (blocks->len > 0)
    {
      const CupelCell *cell = cupel_row_block_get_row (g_ptr_array_index (blocks, 0), 0);

      if ((cell->kind == CUPEL_CELL_INT64 || cell->kind == CUPEL_CELL_UINT64) && cell->v.u64 > 0)
        self->max_packet = (gsize) cell->v.u64;
    }
  return TRUE;
}

gboolean
cupel_mysql_connection_check_packet (CupelMysqlConnection  *self,
                                     const CupelRequest    *request,
                                     guint                  set,
                                     GError               **error)
{
  /* The text is sent first and alone, then the values. */
  const gsize size = MAX (request->compiled->sql_length + 1, cupel_mysql_execute_size (request, set));

  if (G_LIKELY (size < CUPEL_MYSQL_SMALL))
    return TRUE;
  if (self->max_packet == 0 && !cupel_mysql_connection_ask_max_packet (self, error))
    return FALSE;
  if (size < self->max_packet)
    return TRUE;
  cupel_set_error_with_details (error, CUPEL_ERROR_DATA, &(CupelErrorDetails) { .category = CUPEL_ERROR_CATEGORY_PROGRAM },
                                "The statement or its values take %" G_GSIZE_FORMAT " bytes, and the server takes less than %" G_GSIZE_FORMAT
                                " at once: send less, or raise its max_allowed_packet", size, self->max_packet);
  return FALSE;
}
