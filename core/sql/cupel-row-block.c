/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-row-block.h"

#include <string.h>

/* For a row or two, of which malloc () keeps as much at hand. */
#define FIRST_CHUNK  1000u
#define LARGEST_CHUNK (256u * 1024)
#define FIRST_ROWS   8u

/* A block for few rows is one piece: behind it are their cells, and room for so much of what they point to. */
#define FEW_CELLS    64u
#define FEW_BYTES    256u

typedef struct _Chunk Chunk;

struct _Chunk
{
  Chunk *next;
  gsize  size;   /* of data */
  gsize  used;
  gsize  own;    /* it is a part of its block */
  /* data follows, aligned to 8 */
};

/* Lives in the arena. */
typedef struct _Kept Kept;

struct _Kept
{
  Kept           *next;
  gpointer        data;
  GDestroyNotify  destroy;
};

G_STATIC_ASSERT (sizeof (CupelCell) == 16);
G_STATIC_ASSERT (sizeof (Chunk) % 8 == 0);
G_STATIC_ASSERT (sizeof (CupelRowBlock) % 8 == 0);

static inline CupelCell *
own_cells (CupelRowBlock *block)
{
  return (CupelCell *) (block + 1);
}

/**
 * cupel_row_block_new: (skip)
 * @n_columns: cells per row
 * @reserve_rows: how many rows to make room for, 0 when not known
 *
 * Makes a block without rows.
 *
 * Returns: (transfer full): a new block
 *
 * Since: 1.0
 */
CupelRowBlock *
cupel_row_block_new (guint n_columns,
                     guint reserve_rows)
{
  CupelRowBlock *block;

  if (reserve_rows > 0 && (guint64) MAX (n_columns, 1) * reserve_rows <= FEW_CELLS)
    {
      gsize n_cells = (gsize) MAX (n_columns, 1) * reserve_rows;
      Chunk *chunk;

      block = g_malloc (sizeof (CupelRowBlock) + n_cells * sizeof (CupelCell) + sizeof (Chunk) + FEW_BYTES);
      *block = (CupelRowBlock) { .n_columns = n_columns, .reserved_rows = reserve_rows, .ref_count = 1 };
      block->cells = own_cells (block);
      chunk = (Chunk *) (block->cells + n_cells);
      *chunk = (Chunk) { .size = FEW_BYTES, .own = TRUE };
      block->arena = chunk;
      return block;
    }

  block = g_new (CupelRowBlock, 1);
  *block = (CupelRowBlock) { .n_columns = n_columns, .ref_count = 1 };
  if (reserve_rows > 0)
    {
      block->cells = g_malloc_n (MAX (n_columns, 1), reserve_rows * sizeof (CupelCell));
      block->reserved_rows = reserve_rows;
    }

  return block;
}

/**
 * cupel_row_block_ref: (skip)
 * @block: a block
 *
 * Adds a reference. Any thread may do so.
 *
 * Returns: (transfer full): @block
 *
 * Since: 1.0
 */
CupelRowBlock *
cupel_row_block_ref (CupelRowBlock *block)
{
  g_return_val_if_fail (block != NULL, NULL);

  g_atomic_int_inc (&block->ref_count);

  return block;
}

/**
 * cupel_row_block_unref: (skip)
 * @block: (transfer full): a block
 *
 * Drops a reference. With the last one everything that the block keeps is let go, on the thread of the caller.
 *
 * Since: 1.0
 */
void
cupel_row_block_unref (CupelRowBlock *block)
{
  Chunk *chunk;

  g_return_if_fail (block != NULL);

  if (!g_atomic_int_dec_and_test (&block->ref_count))
    return;

  for (Kept *kept = block->kept; kept != NULL; kept = kept->next)
    kept->destroy (kept->data);

  chunk = block->arena;
  while (chunk != NULL)
    {
      Chunk *next = chunk->next;

      if (!chunk->own)
        g_free (chunk);
      chunk = next;
    }

  if (block->cells != own_cells (block))
    g_free (block->cells);
  g_free (block);
}

static void
grow_rows (CupelRowBlock *block)
{
  guint rows = block->reserved_rows;

  if (rows == 0)
    rows = FIRST_ROWS;
  else if (rows > G_MAXUINT / 2)
    rows = G_MAXUINT;
  else
    rows *= 2;

  if (G_UNLIKELY (rows == block->reserved_rows))
    g_error ("A row block cannot hold more than %u rows", G_MAXUINT);

  /* both factors fit 64 bits together; g_realloc_n checks the rest */
  if (block->cells != own_cells (block))
    {
      block->cells = g_realloc_n (block->cells, MAX (block->n_columns, 1), (gsize) rows * sizeof (CupelCell));
    }
  else
    {
      CupelCell *cells = g_malloc_n (MAX (block->n_columns, 1), (gsize) rows * sizeof (CupelCell));

      block->cells = memcpy (cells, block->cells, (gsize) block->n_rows * block->n_columns * sizeof (CupelCell));
    }
  block->reserved_rows = rows;
}

/**
 * cupel_row_block_add_row: (skip)
 * @block: a block
 *
 * Appends one row whose cells are all NULL.
 *
 * Returns: (transfer none): the cells of the row, valid until the next row is added
 *
 * Since: 1.0
 */
CupelCell *
cupel_row_block_add_row (CupelRowBlock *block)
{
  CupelCell *row;

  g_return_val_if_fail (block != NULL, NULL);

  if (G_UNLIKELY (block->n_rows == block->reserved_rows))
    grow_rows (block);

  row = block->cells + (gsize) block->n_rows * block->n_columns;
  memset (row, 0, block->n_columns * sizeof (CupelCell));
  block->n_rows++;

  return row;
}

static gpointer
alloc_slow (CupelRowBlock *block,
            gsize          size)
{
  Chunk *head = block->arena;
  Chunk *chunk;
  gsize chunk_size;

  if (size > G_MAXSIZE - sizeof (Chunk))
    return NULL;

  if (head == NULL || head->own)
    chunk_size = FIRST_CHUNK;
  else
    chunk_size = MIN (MAX (head->size + sizeof (Chunk), FIRST_CHUNK) * 2, LARGEST_CHUNK);

  /* Something big gets a chunk of its own behind the head, so that the rest of the head is not lost. */
  if (size > (chunk_size - sizeof (Chunk)) / 2 && head != NULL)
    {
      chunk = g_try_malloc (sizeof (Chunk) + size);
      if (chunk == NULL)
        return NULL;
      chunk->size = chunk->used = size;
      chunk->own = FALSE;
      chunk->next = head->next;
      head->next = chunk;

      return chunk + 1;
    }

  chunk = g_try_malloc (MAX (chunk_size, sizeof (Chunk) + size));
  if (chunk == NULL)
    return NULL;
  /* a first chunk that is larger than usual counts as a usual one when the next is sized */
  chunk->size = MAX (chunk_size - sizeof (Chunk), size);
  chunk->used = size;
  chunk->own = FALSE;
  chunk->next = head;
  block->arena = chunk;

  return chunk + 1;
}

static inline gpointer
alloc (CupelRowBlock *block,
       gsize          size)
{
  Chunk *chunk = block->arena;
  gsize rounded;

  if (G_UNLIKELY (size > G_MAXSIZE - 7))
    return NULL;
  rounded = (size + 7) & ~(gsize) 7;

  if (G_LIKELY (chunk != NULL && chunk->size - chunk->used >= rounded))
    {
      gpointer memory = (char *) (chunk + 1) + chunk->used;

      chunk->used += rounded;

      return memory;
    }

  return alloc_slow (block, rounded);
}

/**
 * cupel_row_block_alloc: (skip)
 * @block: a block
 * @size: number of bytes
 *
 * Gets memory that lives as long as the block, aligned to 8 bytes and not cleared.
 *
 * Returns: (transfer none) (nullable): the memory, or %NULL when there is no memory left for so large a piece
 *
 * Since: 1.0
 */
gpointer
cupel_row_block_alloc (CupelRowBlock *block,
                       gsize          size)
{
  g_return_val_if_fail (block != NULL, NULL);

  return alloc (block, size);
}

/**
 * cupel_row_block_set_text: (skip)
 * @block: a block
 * @cell: (out caller-allocates): a cell of any owner that lives no longer than @block
 * @kind: a kind whose value is text
 * @text: (nullable): the text; %NULL makes @cell NULL
 * @length: its length in bytes, or -1 if it ends with a NUL
 *
 * Copies a text into the arena and makes @cell point to it.
 *
 * The text is not checked: a driver hands in what its protocol guarantees to be UTF-8.
 *
 * Returns: %TRUE; %FALSE with @cell NULL if the text is too long for a cell (4 GiB) or for the memory
 *
 * Since: 1.0
 */
gboolean
cupel_row_block_set_text (CupelRowBlock *block,
                          CupelCell     *cell,
                          CupelCellKind  kind,
                          const char    *text,
                          gssize         length)
{
  gsize size;
  char *copy;

  g_return_val_if_fail (block != NULL, FALSE);
  g_return_val_if_fail (cell != NULL, FALSE);

  cell->kind = CUPEL_CELL_NULL;
  cell->length = 0;
  cell->v.i64 = 0;
  if (text == NULL)
    return TRUE;

  size = length < 0 ? strlen (text) : (gsize) length;
  if (G_UNLIKELY (size > G_MAXUINT32))
    return FALSE;
  copy = alloc (block, size + 1);
  if (G_UNLIKELY (copy == NULL))
    return FALSE;
  memcpy (copy, text, size);
  copy[size] = '\0';

  cell->kind = kind;
  cell->length = (guint32) size;
  cell->v.text = copy;

  return TRUE;
}

static inline gboolean
is_clean_word (const char *text)
{
  guint64 word;

  memcpy (&word, text, 8);
  return ((word | (word - G_GUINT64_CONSTANT (0x0101010101010101))) & G_GUINT64_CONSTANT (0x8080808080808080)) == 0;
}

static inline gboolean
is_clean (const char *text,
          gsize       length)
{
  gsize i = 0;

  for (; i + 8 <= length; i += 8)
    if (!is_clean_word (text + i))
      return g_utf8_validate_len (text + i, length - i, NULL);
  /* The last word once more, with what is left: that is faster than byte by byte. */
  if (i > 0 && (i == length || is_clean_word (text + length - 8)))
    return TRUE;
  for (; i < length; i++)
    if ((signed char) text[i] <= 0)
      return g_utf8_validate_len (text + i, length - i, NULL);

  return TRUE;
}

/**
 * cupel_is_clean_text: (skip)
 * @text: bytes
 * @length: how many
 *
 * Tells whether bytes are what a cell may hold as text: valid UTF-8 without U+0000. Most text is ASCII, for which this is fast.
 *
 * Returns: %TRUE if they are
 *
 * Since: 1.0
 */
gboolean
cupel_is_clean_text (const char *text,
                     gsize       length)
{
  g_return_val_if_fail (text != NULL || length == 0, FALSE);

  return is_clean (text, length);
}

/**
 * cupel_row_block_set_checked: (skip)
 * @block: a block
 * @cell: (out caller-allocates): a cell of any owner that lives no longer than @block
 * @kind: a kind whose value is text
 * @text: what should be text; may be %NULL only when @length is 0
 * @length: its length in bytes
 *
 * Copies what nobody vouches for into the arena: as @kind if it is text, else as %CUPEL_CELL_BYTES, so that nothing is lost.
 *
 * Returns: %TRUE; %FALSE with @cell NULL if it is too long for a cell (4 GiB) or for the memory
 *
 * Since: 1.0
 */
gboolean
cupel_row_block_set_checked (CupelRowBlock *block,
                             CupelCell     *cell,
                             CupelCellKind  kind,
                             const char    *text,
                             gsize          length)
{
  char *copy;

  g_return_val_if_fail (block != NULL, FALSE);
  g_return_val_if_fail (cell != NULL, FALSE);
  g_return_val_if_fail (text != NULL || length == 0, FALSE);

  cell->kind = CUPEL_CELL_NULL;
  cell->length = 0;
  cell->v.i64 = 0;
  if (G_UNLIKELY (length > G_MAXUINT32))
    return FALSE;
  copy = alloc (block, length + 1);
  if (G_UNLIKELY (copy == NULL))
    return FALSE;
  if (length > 0)
    memcpy (copy, text, length);
  copy[length] = '\0';

  cell->kind = G_LIKELY (is_clean (copy, length)) ? kind : CUPEL_CELL_BYTES;
  cell->length = (guint32) length;
  cell->v.text = copy;

  return TRUE;
}

/**
 * cupel_row_block_set_bytes: (skip)
 * @block: a block
 * @cell: (out caller-allocates): a cell of any owner that lives no longer than @block
 * @kind: %CUPEL_CELL_BYTES or %CUPEL_CELL_UUID
 * @bytes: (nullable): the bytes; may be %NULL only when @length is 0
 * @length: how many
 *
 * Copies bytes into the arena and makes @cell point to them. No bytes at all are an empty value, not NULL.
 *
 * Returns: %TRUE; %FALSE with @cell NULL if there are too many bytes for a cell (4 GiB) or for the memory
 *
 * Since: 1.0
 */
gboolean
cupel_row_block_set_bytes (CupelRowBlock *block,
                           CupelCell     *cell,
                           CupelCellKind  kind,
                           gconstpointer  bytes,
                           gsize          length)
{
  guint8 *copy;

  g_return_val_if_fail (block != NULL, FALSE);
  g_return_val_if_fail (cell != NULL, FALSE);
  g_return_val_if_fail (bytes != NULL || length == 0, FALSE);

  cell->kind = CUPEL_CELL_NULL;
  cell->length = 0;
  cell->v.i64 = 0;
  if (G_UNLIKELY (length > G_MAXUINT32))
    return FALSE;
  copy = alloc (block, MAX (length, 1));
  if (G_UNLIKELY (copy == NULL))
    return FALSE;
  if (length > 0)
    memcpy (copy, bytes, length);

  cell->kind = kind;
  cell->length = (guint32) length;
  cell->v.bytes = copy;

  return TRUE;
}

/**
 * cupel_row_block_copy_cell: (skip)
 * @block: a block
 * @cell: (out caller-allocates): a cell of any owner that lives no longer than @block
 * @from: a cell of another block
 *
 * Copies a cell with what it points to.
 *
 * Returns: %TRUE; %FALSE with @cell NULL if the memory does not suffice
 *
 * Since: 1.0
 */
gboolean
cupel_row_block_copy_cell (CupelRowBlock   *block,
                           CupelCell       *cell,
                           const CupelCell *from)
{
  g_return_val_if_fail (block != NULL, FALSE);
  g_return_val_if_fail (cell != NULL, FALSE);
  g_return_val_if_fail (from != NULL, FALSE);

  switch ((CupelCellKind) from->kind)
    {
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
      return cupel_row_block_set_text (block, cell, from->kind, from->v.text, from->length);

    case CUPEL_CELL_BYTES:
    case CUPEL_CELL_UUID:
      return cupel_row_block_set_bytes (block, cell, from->kind, from->v.bytes, from->length);

    case CUPEL_CELL_NULL:
    case CUPEL_CELL_BOOLEAN:
    case CUPEL_CELL_INT64:
    case CUPEL_CELL_UINT64:
    case CUPEL_CELL_DOUBLE:
    case CUPEL_CELL_DATE:
    case CUPEL_CELL_TIME:
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
    default:
      *cell = *from;
      return TRUE;
    }
}

/**
 * cupel_row_block_keep: (skip)
 * @block: a block
 * @data: (transfer full): what cells of @block point into
 * @destroy: how to let go of @data; called on whichever thread drops the last reference
 *
 * Keeps @data alive as long as the block.
 *
 * Since: 1.0
 */
void
cupel_row_block_keep (CupelRowBlock  *block,
                      gpointer        data,
                      GDestroyNotify  destroy)
{
  Kept *kept;

  g_return_if_fail (block != NULL);
  g_return_if_fail (destroy != NULL);

  kept = cupel_row_block_alloc (block, sizeof (Kept));
  if (G_UNLIKELY (kept == NULL))
    g_error ("Out of memory: failed to allocate %" G_GSIZE_FORMAT " bytes", sizeof (Kept));
  kept->data = data;
  kept->destroy = destroy;
  kept->next = block->kept;
  block->kept = kept;
}
