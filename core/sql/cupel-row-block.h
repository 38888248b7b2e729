/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "runtime/cupel-error.h"

G_BEGIN_DECLS

/**
 * CupelCellKind:
 * @CUPEL_CELL_NULL: SQL NULL
 * @CUPEL_CELL_BOOLEAN: i64: 0 or 1
 * @CUPEL_CELL_INT64: i64
 * @CUPEL_CELL_UINT64: u64; only above G_MAXINT64 when read
 * @CUPEL_CELL_DOUBLE: f64
 * @CUPEL_CELL_TEXT: text: valid UTF-8 without U+0000, NUL-terminated; length excludes the NUL
 * @CUPEL_CELL_BYTES: bytes
 * @CUPEL_CELL_DECIMAL: text: exact decimal in ASCII, "-12.340", "NaN", "Infinity"
 * @CUPEL_CELL_DATE: i64: days since 1970-01-01
 * @CUPEL_CELL_TIME: i64: microseconds since midnight
 * @CUPEL_CELL_DATETIME: i64: microseconds since 1970-01-01T00:00:00, a wall clock without a zone
 * @CUPEL_CELL_TIMESTAMP: i64: microseconds since 1970-01-01T00:00:00Z, an instant
 * @CUPEL_CELL_UUID: bytes: 16
 * @CUPEL_CELL_JSON: text
 * @CUPEL_CELL_OTHER: text of a type that the driver does not know; the column names the type
 *
 * The tag of a #CupelCell: what travels between a driver and the rest.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_CELL_NULL,
  CUPEL_CELL_BOOLEAN,
  CUPEL_CELL_INT64,
  CUPEL_CELL_UINT64,
  CUPEL_CELL_DOUBLE,
  CUPEL_CELL_TEXT,
  CUPEL_CELL_BYTES,
  CUPEL_CELL_DECIMAL,
  CUPEL_CELL_DATE,
  CUPEL_CELL_TIME,
  CUPEL_CELL_DATETIME,
  CUPEL_CELL_TIMESTAMP,
  CUPEL_CELL_UUID,
  CUPEL_CELL_JSON,
  CUPEL_CELL_OTHER,
} CupelCellKind;

typedef struct _CupelCell CupelCell;

/**
 * CupelCell: (skip)
 *
 * One value of a row, 16 bytes, owned by its block.
 */
struct _CupelCell
{
  guint8  kind;           /* CupelCellKind */
  guint8  _reserved[3];
  guint32 length;         /* of text or bytes */
  union
  {
    gint64        i64;
    guint64       u64;
    double        f64;
    const char   *text;
    const guint8 *bytes;
  } v;
};

typedef struct _CupelRowBlock CupelRowBlock;

/**
 * CupelRowBlock: (skip)
 *
 * Rows of cells in one arena: what a driver fills with results, and what carries sets of parameters to it.
 * It may be filled on one thread and read on another; it is not locked. No malloc per row.
 */
struct _CupelRowBlock
{
  guint      n_columns;
  guint      n_rows;
  CupelCell *cells;       /* row after row */
  /*< private >*/
  guint      reserved_rows;
  guint      ref_count;
  gpointer   arena;
  gpointer   kept;
};

CUPEL_AVAILABLE_IN_1_0
CupelRowBlock *cupel_row_block_new      (guint           n_columns,
                                         guint           reserve_rows);
CUPEL_AVAILABLE_IN_1_0
CupelRowBlock *cupel_row_block_ref      (CupelRowBlock  *block);
CUPEL_AVAILABLE_IN_1_0
void           cupel_row_block_unref    (CupelRowBlock  *block);
/* Appends one row of NULLs and returns its cells, valid until the next append. */
CUPEL_AVAILABLE_IN_1_0
CupelCell     *cupel_row_block_add_row  (CupelRowBlock  *block);
/* Memory that lives as long as the block; aligned to 8. NULL: not so much memory is left. */
CUPEL_AVAILABLE_IN_1_0
gpointer       cupel_row_block_alloc    (CupelRowBlock  *block,
                                         gsize           size);
/* Copies into the arena (length -1: strlen) and sets kind, length and pointer.
 * FALSE: too large for a cell or the memory; the cell is then NULL. */
CUPEL_AVAILABLE_IN_1_0
gboolean       cupel_row_block_set_text (CupelRowBlock  *block,
                                         CupelCell      *cell,
                                         CupelCellKind   kind,
                                         const char     *text,
                                         gssize          length);
/* Valid UTF-8 without U+0000: what a cell may hold as text. */
CUPEL_AVAILABLE_IN_1_0
gboolean       cupel_is_clean_text      (const char     *text,
                                         gsize           length);
/* The same for text that nobody vouches for: what is not clean goes in as CUPEL_CELL_BYTES. */
CUPEL_AVAILABLE_IN_1_0
gboolean       cupel_row_block_set_checked (CupelRowBlock *block,
                                         CupelCell      *cell,
                                         CupelCellKind   kind,
                                         const char     *text,
                                         gsize           length);
CUPEL_AVAILABLE_IN_1_0
gboolean       cupel_row_block_set_bytes (CupelRowBlock *block,
                                         CupelCell      *cell,
                                         CupelCellKind   kind,
                                         gconstpointer   bytes,
                                         gsize           length);
/* Copies a cell of another block, with what it points to. */
CUPEL_AVAILABLE_IN_1_0
gboolean       cupel_row_block_copy_cell (CupelRowBlock   *block,
                                         CupelCell       *cell,
                                         const CupelCell *from);
/* Keeps @data alive as long as the block: cells may point into it (a PGresult, say). */
CUPEL_AVAILABLE_IN_1_0
void           cupel_row_block_keep     (CupelRowBlock  *block,
                                         gpointer        data,
                                         GDestroyNotify  destroy);

static inline const CupelCell *
cupel_row_block_get_row (const CupelRowBlock *block,
                         guint                row)
{
  return block->cells + (gsize) row * block->n_columns;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelRowBlock, cupel_row_block_unref)

G_END_DECLS
