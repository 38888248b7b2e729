/* SPDX-License-Identifier: LGPL-2.1-or-later */

#define CUPEL_INSIDE
#include "sql/cupel-row-block.h"
#undef CUPEL_INSIDE

#include <string.h>

static void
test_rows (void)
{
  CupelRowBlock *block = cupel_row_block_new (3, 0);

  for (gint64 i = 0; i < 10000; i++)
    {
      CupelCell *row = cupel_row_block_add_row (block);
      g_autofree char *text = g_strdup_printf ("row %" G_GINT64_FORMAT, i);

      g_assert_cmpint (row[2].kind, ==, CUPEL_CELL_NULL);
      row[0].kind = CUPEL_CELL_INT64;
      row[0].v.i64 = i;
      g_assert_true (cupel_row_block_set_text (block, &row[1], CUPEL_CELL_TEXT, text, -1));
    }
  g_assert_cmpuint (block->n_rows, ==, 10000);

  for (guint i = 0; i < 10000; i++)
    {
      const CupelCell *row = cupel_row_block_get_row (block, i);
      g_autofree char *text = g_strdup_printf ("row %u", i);

      g_assert_cmpint (row[0].v.i64, ==, i);
      g_assert_cmpstr (row[1].v.text, ==, text);
      g_assert_cmpuint (row[1].length, ==, strlen (text));
      g_assert_cmpint (row[2].kind, ==, CUPEL_CELL_NULL);
    }
  cupel_row_block_unref (block);
}

static void
test_arena (void)
{
  CupelRowBlock *block = cupel_row_block_new (1, 1);
  GPtrArray *pieces = g_ptr_array_new ();
  gsize size = 1;

  /* small ones, and larger ones than any chunk, in between */
  for (guint i = 0; i < 2000; i++)
    {
      guint8 *piece;

      size = size * 7 % 9973 + 1;
      if (i % 400 == 399)
        size = 700 * 1024;
      piece = cupel_row_block_alloc (block, size);
      g_assert_cmpuint ((guintptr) piece % 8, ==, 0);
      memset (piece, (int) (i & 0xff), size);
      g_ptr_array_add (pieces, piece);
      g_ptr_array_add (pieces, GSIZE_TO_POINTER (size));
    }
  for (guint i = 0; i < 2000; i++)
    {
      const guint8 *piece = g_ptr_array_index (pieces, 2 * i);

      size = GPOINTER_TO_SIZE (g_ptr_array_index (pieces, 2 * i + 1));
      g_assert_cmpuint (piece[0], ==, i & 0xff);
      g_assert_cmpuint (piece[size - 1], ==, i & 0xff);
    }
  g_assert_null (cupel_row_block_alloc (block, G_MAXSIZE));
  g_assert_null (cupel_row_block_alloc (block, G_MAXSIZE - 8));
  g_ptr_array_unref (pieces);
  cupel_row_block_unref (block);
}

static void
test_cells (void)
{
  CupelRowBlock *block = cupel_row_block_new (2, 4);
  CupelRowBlock *other = cupel_row_block_new (2, 4);
  CupelCell *row = cupel_row_block_add_row (block);
  CupelCell *copy = cupel_row_block_add_row (other);

  g_assert_true (cupel_row_block_set_text (block, &row[0], CUPEL_CELL_JSON, "[1]xyz", 3));
  g_assert_cmpstr (row[0].v.text, ==, "[1]");
  g_assert_cmpint (row[0].kind, ==, CUPEL_CELL_JSON);
  g_assert_true (cupel_row_block_set_text (block, &row[1], CUPEL_CELL_TEXT, NULL, -1));
  g_assert_cmpint (row[1].kind, ==, CUPEL_CELL_NULL);
  g_assert_true (cupel_row_block_set_text (block, &row[1], CUPEL_CELL_TEXT, "", 0));
  g_assert_cmpint (row[1].kind, ==, CUPEL_CELL_TEXT);
  g_assert_cmpstr (row[1].v.text, ==, "");
  g_assert_true (cupel_row_block_set_bytes (block, &row[1], CUPEL_CELL_BYTES, NULL, 0));
  g_assert_cmpint (row[1].kind, ==, CUPEL_CELL_BYTES);
  g_assert_nonnull (row[1].v.bytes);
  g_assert_true (cupel_row_block_set_bytes (block, &row[1], CUPEL_CELL_BYTES, "a\0b", 3));

  /* a length that no cell can say is refused before anything is read */
  g_assert_false (cupel_row_block_set_text (block, &copy[0], CUPEL_CELL_TEXT, "x", (gssize) G_MAXUINT32 + 1));
  g_assert_cmpint (copy[0].kind, ==, CUPEL_CELL_NULL);
  g_assert_false (cupel_row_block_set_bytes (block, &copy[0], CUPEL_CELL_BYTES, "x", (gsize) G_MAXUINT32 + 1));

  g_assert_true (cupel_row_block_copy_cell (other, &copy[0], &row[0]));
  g_assert_true (cupel_row_block_copy_cell (other, &copy[1], &row[1]));
  cupel_row_block_unref (block);
  g_assert_cmpstr (copy[0].v.text, ==, "[1]");
  g_assert_cmpmem (copy[1].v.bytes, copy[1].length, "a\0b", 3);
  cupel_row_block_unref (other);
}

static void
test_checked (void)
{
  static const struct { const char *text; gsize length; gboolean clean; } texts[] = {
    { "", 0, TRUE }, { "a", 1, TRUE }, { "12345678", 8, TRUE }, { "123456789", 9, TRUE }, { "1234567\303\244", 9, TRUE },
    { "\303\244 at first, and a long tail of nothing else", 44, TRUE }, { "12345678\303\244", 10, TRUE },
    { "\0", 1, FALSE }, { "1234567\0", 8, FALSE }, { "12345678\0", 9, FALSE }, { "\377", 1, FALSE }, { "12345678\200", 9, FALSE },
    { "1234\303", 5, FALSE }, { "12345678\303", 9, FALSE }, { "123\0" "4567890", 11, FALSE },
  };
  CupelRowBlock *block = cupel_row_block_new (1, 0);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      CupelCell *cell = cupel_row_block_add_row (block);

      g_assert_cmpint (cupel_is_clean_text (texts[i].text, texts[i].length), ==, texts[i].clean);
      g_assert_true (cupel_row_block_set_checked (block, cell, CUPEL_CELL_JSON, texts[i].text, texts[i].length));
      g_assert_cmpint (cell->kind, ==, texts[i].clean ? CUPEL_CELL_JSON : CUPEL_CELL_BYTES);
      g_assert_cmpmem (cell->v.bytes, cell->length, texts[i].text, texts[i].length);
      g_assert_cmpint (cell->v.text[cell->length], ==, '\0');
    }
  /* wherever it stands, and whatever the length leaves for the last words */
  for (gsize length = 1; length <= 26; length++)
    for (gsize at = 0; at < length; at++)
      {
        char text[26];

        memset (text, 'a', length);
        g_assert_true (cupel_is_clean_text (text, length));
        text[at] = '\0';
        g_assert_false (cupel_is_clean_text (text, length));
        text[at] = '\201';
        g_assert_false (cupel_is_clean_text (text, length));
      }
  {
    CupelCell *cell = cupel_row_block_add_row (block);

    g_assert_false (cupel_row_block_set_checked (block, cell, CUPEL_CELL_TEXT, "x", (gsize) G_MAXUINT32 + 1));
    g_assert_cmpint (cell->kind, ==, CUPEL_CELL_NULL);
  }
  cupel_row_block_unref (block);
}

static void
count_down (gpointer data)
{
  (*(int *) data)--;
}

static gpointer
ref_and_unref (gpointer data)
{
  for (guint i = 0; i < 10000; i++)
    cupel_row_block_unref (cupel_row_block_ref (data));

  return NULL;
}

static void
test_life (void)
{
  CupelRowBlock *block = cupel_row_block_new (0, 0);
  GThread *threads[2];
  int kept = 3;

  for (guint i = 0; i < 3; i++)
    cupel_row_block_keep (block, &kept, count_down);
  /* rows without cells are counted as well */
  g_assert_nonnull (cupel_row_block_add_row (block));
  cupel_row_block_add_row (block);
  g_assert_cmpuint (block->n_rows, ==, 2);

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new (NULL, ref_and_unref, block);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (kept, ==, 3);
  cupel_row_block_unref (block);
  g_assert_cmpint (kept, ==, 0);
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sql/row-block/rows", test_rows);
  g_test_add_func ("/sql/row-block/arena", test_arena);
  g_test_add_func ("/sql/row-block/cells", test_cells);
  g_test_add_func ("/sql/row-block/checked", test_checked);
  g_test_add_func ("/sql/row-block/life", test_life);

  return g_test_run ();
}
