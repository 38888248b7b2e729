/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "raw.h"

#include <string.h>

#define CHUNK_SIZE (64 * 1024)

struct _RawChunk
{
  RawChunk *next;
  char      bytes[CHUNK_SIZE];
};

struct _RawChild
{
  gint64      id;
  const char *data;
  int         next;
};

const char *
raw_arena_add (RawArena   *arena,
               const char *text,
               gsize       length)
{
  char *copy;

  g_assert (length < CHUNK_SIZE);
  if (arena->left <= length)
    {
      RawChunk *chunk = g_new (RawChunk, 1);

      chunk->next = arena->chunk;
      arena->chunk = chunk;
      arena->left = CHUNK_SIZE;
    }
  copy = arena->chunk->bytes + CHUNK_SIZE - arena->left;
  memcpy (copy, text, length);
  copy[length] = '\0';
  arena->left -= length + 1;
  return copy;
}

void
raw_arena_clear (RawArena *arena)
{
  while (arena->chunk != NULL)
    {
      RawChunk *chunk = arena->chunk;

      arena->chunk = chunk->next;
      g_free (chunk);
    }
  arena->left = 0;
}

RawA *
raw_rows_grow (RawRows *rows)
{
  rows->allocated = rows->allocated > 0 ? rows->allocated * 2 : 16;
  rows->rows = g_renew (RawA, rows->rows, rows->allocated);
  return &rows->rows[rows->n++];
}

void
raw_rows_reset (RawRows *rows)
{
  rows->n = 0;
  raw_arena_clear (&rows->arena);
}

void
raw_rows_clear (RawRows *rows)
{
  raw_rows_reset (rows);
  g_clear_pointer (&rows->rows, g_free);
  rows->allocated = 0;
}

gboolean
raw_rows_check (RawRows *rows,
                Bench   *bench,
                guint    n_rows)
{
  RawSums sums = { 0 };

  raw_sums_add (&sums, rows);
  return raw_sums_check (&sums, bench, n_rows);
}

void
raw_children_set_parents (RawChildren   *children,
                          const RawRows *rows)
{
  children->by_parent = g_hash_table_new (g_int64_hash, g_int64_equal);
  children->first = g_new (int, rows->n);
  for (guint i = 0; i < rows->n; i++)
    {
      children->first[i] = -1;
      g_hash_table_insert (children->by_parent, &rows->rows[i].id, GUINT_TO_POINTER (i));
    }
}

void
raw_children_add (RawChildren *children,
                  gint64       parent,
                  gint64       id,
                  const char  *data,
                  gsize        length)
{
  guint row = GPOINTER_TO_UINT (g_hash_table_lookup (children->by_parent, &parent));

  if (children->n == children->allocated)
    {
      children->allocated = children->allocated > 0 ? children->allocated * 2 : 1024;
      children->children = g_renew (RawChild, children->children, children->allocated);
    }
  children->children[children->n] = (RawChild) { id, raw_arena_add (&children->arena, data, length), children->first[row] };
  children->first[row] = (int) children->n++;
}

gint64
raw_children_sum (const RawChildren *children,
                  const RawRows     *rows)
{
  gint64 sum = 0;

  for (guint i = 0; i < rows->n; i++)
    for (int k = children->first[i]; k >= 0; k = children->children[k].next)
      sum += children->children[k].id;

  return sum;
}

void
raw_children_clear (RawChildren *children)
{
  g_clear_pointer (&children->by_parent, g_hash_table_unref);
  g_clear_pointer (&children->first, g_free);
  g_clear_pointer (&children->children, g_free);
  raw_arena_clear (&children->arena);
}

void
raw_sums_add (RawSums       *sums,
              const RawRows *rows)
{
  for (guint i = 0; i < rows->n; i++)
    {
      sums->ids += rows->rows[i].id;
      sums->lengths += (gint64) strlen (rows->rows[i].data);
      sums->seconds += rows->rows[i].create_date / G_USEC_PER_SEC;
    }
  sums->n += rows->n;
}

gboolean
raw_sums_check (const RawSums *sums,
                Bench         *bench,
                guint          n_rows)
{
  return bench_check (bench, "rows", sums->n, n_rows) &&
         bench_check (bench, "sum of ids", sums->ids, BENCH_SUM (n_rows)) &&
         bench_check (bench, "length of all", sums->lengths, bench_sum_lengths (n_rows)) &&
         bench_check (bench, "sum of dates", sums->seconds, BENCH_EPOCH * n_rows + BENCH_SUM (n_rows));
}

gint64
raw_time (int year,
          int month,
          int day,
          int hour,
          int minute,
          int second)
{
  /* Days from civil, the usual way: years begin in March. */
  int y = month <= 2 ? year - 1 : year;
  int era = y / 400;
  int yoe = y - era * 400;
  int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
  gint64 days = (gint64) era * 146097 + doe - 719468;

  return (days * 86400 + hour * 3600 + minute * 60 + second) * G_USEC_PER_SEC;
}

static inline int
two (const char *text)
{
  return (text[0] - '0') * 10 + text[1] - '0';
}

gint64
raw_parse_time (const char *text)
{
  return raw_time (two (text) * 100 + two (text + 2), two (text + 5), two (text + 8),
                   two (text + 11), two (text + 14), two (text + 17));
}
