/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-compiled-cache-private.h"

#include "sql/cupel-compiler-private.h"

#include <string.h>

typedef struct
{
  CupelCell      key;        /* bytes, owned */
  guint          hash;
  CupelCompiled *compiled;
  GList          link;       /* in lru; data: the entry */
} Entry;

struct _CupelCompiledCache
{
  CupelCompiler *compiler;
  guint          capacity;
  guint64        serial;     /* changes when the cache is cleared */
  GHashTable    *entries;    /* Entry, a set */
  GQueue         lru;        /* the latest first */
  guint64        hits;
  guint64        misses;
};

static guint
entry_hash (gconstpointer data)
{
  return ((const Entry *) data)->hash;
}

static gboolean
entry_equal (gconstpointer a,
             gconstpointer b)
{
  const Entry *x = a, *y = b;

  return x->hash == y->hash && cupel_cell_equal (&x->key, &y->key);
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free ((guint8 *) entry->key.v.bytes);
  cupel_compiled_unref (entry->compiled);
  g_free (entry);
}

static guint64
next_serial (void)
{
  static guint64 last;

  return __atomic_add_fetch (&last, 1, __ATOMIC_RELAXED);
}

CupelCompiledCache *
cupel_compiled_cache_new (CupelCompiler *compiler,
                          guint          capacity)
{
  CupelCompiledCache *cache;

  g_return_val_if_fail (CUPEL_IS_COMPILER (compiler), NULL);

  cache = g_new0 (CupelCompiledCache, 1);
  cache->compiler = g_object_ref (compiler);
  cache->capacity = capacity;
  cache->serial = next_serial ();
  cache->entries = g_hash_table_new_full (entry_hash, entry_equal, entry_free, NULL);
  g_queue_init (&cache->lru);

  return cache;
}

void
cupel_compiled_cache_free (CupelCompiledCache *cache)
{
  g_return_if_fail (cache != NULL);

  g_hash_table_unref (cache->entries);
  g_object_unref (cache->compiler);
  g_free (cache);
}

void
cupel_compiled_cache_clear (CupelCompiledCache *cache)
{
  g_return_if_fail (cache != NULL);

  g_queue_init (&cache->lru);
  g_hash_table_remove_all (cache->entries);
  cache->serial = next_serial ();
}

void
cupel_compiled_cache_get_stats (CupelCompiledCache *cache,
                                guint64            *hits,
                                guint64            *misses)
{
  g_return_if_fail (cache != NULL);

  if (hits != NULL)
    *hits = cache->hits;
  if (misses != NULL)
    *misses = cache->misses;
}

static void
insert_entry (CupelCompiledCache *cache,
              const CupelShape   *shape,
              CupelCompiled      *compiled)
{
  Entry *entry;

  if (cache->capacity == 0)
    return;

  while (cache->lru.length >= cache->capacity)
    {
      entry = cache->lru.tail->data;
      g_queue_unlink (&cache->lru, &entry->link);
      g_hash_table_remove (cache->entries, entry);
    }

  entry = g_new0 (Entry, 1);
  entry->key = shape->key;
  entry->key.v.bytes = g_memdup2 (shape->key.v.bytes, shape->key.length);
  entry->hash = shape->hash;
  entry->compiled = cupel_compiled_ref (compiled);
  entry->link.data = entry;
  g_queue_push_head_link (&cache->lru, &entry->link);
  g_hash_table_add (cache->entries, entry);
}

/* (transfer full) */
static CupelCompiled *
find_or_compile (CupelCompiledCache  *cache,
                 CupelStatement      *statement,
                 CupelShape          *shape,
                 gboolean            *hit,
                 GError             **error)
{
  Entry wanted = { .key = shape->key, .hash = shape->hash };
  CupelCompiled *compiled;
  Entry *entry = NULL;

  if (shape->key.kind == CUPEL_CELL_BYTES)
    entry = g_hash_table_lookup (cache->entries, &wanted);
  *hit = entry != NULL;
  if (entry != NULL)
    {
      if (cache->lru.head != &entry->link)
        {
          g_queue_unlink (&cache->lru, &entry->link);
          g_queue_push_head_link (&cache->lru, &entry->link);
        }
      return cupel_compiled_ref (entry->compiled);
    }

  /* What is refused never comes into the cache. */
  if (cupel_statement_get_kind (statement) == CUPEL_STATEMENT_TEXT &&
      !cupel_raw_sql_check (CUPEL_TEXT (statement)->raw->v.raw, error))
    return NULL;
  compiled = cupel_compiler_compile_shape (cache->compiler, statement, shape, error);
  if (compiled != NULL && shape->key.kind == CUPEL_CELL_BYTES)
    insert_entry (cache, shape, compiled);

  return compiled;
}

/* Owned by the statement. */
static CupelCompiled *
prepare_locked (CupelCompiledCache  *cache,
                CupelStatement      *statement,
                gboolean            *hit,
                GError             **error)
{
  CupelRemembered *remembered;
  CupelCompiled *compiled;
  CupelShape *shape;

  for (guint i = 0; i < CUPEL_N_REMEMBERED; i++)
    if (statement->remembered[i].serial == cache->serial)
      {
        *hit = TRUE;
        return statement->remembered[i].compiled;
      }

  shape = cupel_statement_get_shape (statement, error);
  if (shape == NULL)
    return NULL;
  compiled = find_or_compile (cache, statement, shape, hit, error);
  if (compiled == NULL)
    return NULL;

  remembered = &statement->remembered[statement->next_remembered++ % CUPEL_N_REMEMBERED];
  g_clear_pointer (&remembered->compiled, cupel_compiled_unref);
  remembered->serial = cache->serial;
  remembered->compiled = compiled;

  return compiled;
}

gboolean
cupel_compiled_cache_prepare (CupelCompiledCache  *cache,
                              CupelStatement      *statement,
                              CupelPrepared       *prepared,
                              GError             **error)
{
  CupelCompiled *compiled;
  gboolean hit = FALSE;

  g_return_val_if_fail (cache != NULL, FALSE);
  g_return_val_if_fail (CUPEL_IS_STATEMENT (statement), FALSE);
  g_return_val_if_fail (prepared != NULL, FALSE);

  g_mutex_lock (&statement->lock);
  compiled = prepare_locked (cache, statement, &hit, error);
  if (compiled != NULL)
    {
      prepared->compiled = compiled;
      prepared->literals = statement->shape->literals;
      prepared->n_literals = statement->shape->n_literals;
      prepared->cache_hit = hit;
    }
  g_mutex_unlock (&statement->lock);

  if (hit)
    cache->hits++;
  else
    cache->misses++;

  return compiled != NULL;
}
