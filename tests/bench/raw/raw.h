/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* Rows as a driver expert keeps them by hand: structs in a vector, strings in an arena, one hash for what belongs together. */

#include "../bench.h"
#include "../texts.h"

G_BEGIN_DECLS

#define RAW_BLOCK 1000

typedef struct
{
  gint64      id;
  const char *data;
  gint64      create_date;   /* microseconds since 1970 */
} RawA;

typedef struct _RawChunk RawChunk;

typedef struct
{
  RawChunk *chunk;           /* the one that is being filled; earlier ones hang on it */
  gsize     left;
} RawArena;

typedef struct
{
  RawA     *rows;
  guint     n;
  guint     allocated;
  RawArena  arena;
} RawRows;

typedef struct _RawChild RawChild;

typedef struct
{
  RawChild   *children;
  guint       n;
  guint       allocated;
  GHashTable *by_parent;     /* id to the index of the row */
  int        *first;         /* by index of the row: its first child */
  RawArena    arena;
} RawChildren;

typedef struct
{
  gint64 n;
  gint64 ids;
  gint64 lengths;
  gint64 seconds;
} RawSums;

const char *raw_arena_add            (RawArena          *arena,
                                      const char        *text,
                                      gsize              length);
RawA       *raw_rows_grow            (RawRows           *rows);
static inline RawA *
raw_rows_add (RawRows *rows)
{
  return G_LIKELY (rows->n < rows->allocated) ? &rows->rows[rows->n++] : raw_rows_grow (rows);
}
void        raw_rows_reset           (RawRows           *rows);
void        raw_rows_clear           (RawRows           *rows);
gboolean    raw_rows_check           (RawRows           *rows,
                                      Bench             *bench,
                                      guint              n_rows);
void        raw_children_set_parents (RawChildren       *children,
                                      const RawRows     *rows);
void        raw_children_add         (RawChildren       *children,
                                      gint64             parent,
                                      gint64             id,
                                      const char        *data,
                                      gsize              length);
gint64      raw_children_sum         (const RawChildren *children,
                                      const RawRows     *rows);
void        raw_children_clear       (RawChildren       *children);
void        raw_sums_add             (RawSums           *sums,
                                      const RawRows     *rows);
gboolean    raw_sums_check           (const RawSums     *sums,
                                      Bench             *bench,
                                      guint              n_rows);

/* "YYYY-MM-DD HH:MM:SS" to microseconds since 1970 */
gint64      raw_parse_time           (const char        *text);
gint64      raw_time                 (int                year,
                                      int                month,
                                      int                day,
                                      int                hour,
                                      int                minute,
                                      int                second);
void        raw_arena_clear          (RawArena          *arena);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RawRows, raw_rows_clear)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (RawChildren, raw_children_clear)

G_END_DECLS
