/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "sql/cupel-compiler.h"

G_BEGIN_DECLS

/* The engine's cache of compiled statements: LRU by structural key. A frozen statement remembers what it compiled to for
 * the last cache that it met, so that executing it again neither walks nor looks up. */
typedef struct _CupelCompiledCache CupelCompiledCache;

/* What executing one statement needs beside the parameter sets. */
typedef struct
{
  CupelCompiled         *compiled;   /* borrowed: the cache or the statement holds it as long as the statement lives */
  const CupelCell *const *literals;  /* this statement's literals, in walk order; borrowed from it */
  guint                  n_literals;
  gboolean               cache_hit;
} CupelPrepared;

CupelCompiledCache *cupel_compiled_cache_new    (CupelCompiler        *compiler,   /* (transfer none) */
                                                 guint                 capacity);  /* 0: no caching */
void                cupel_compiled_cache_free   (CupelCompiledCache   *cache);
/* Freezes @statement. */
gboolean            cupel_compiled_cache_prepare (CupelCompiledCache  *cache,
                                                 CupelStatement       *statement,
                                                 CupelPrepared        *prepared,
                                                 GError              **error);
void                cupel_compiled_cache_clear  (CupelCompiledCache   *cache);
void                cupel_compiled_cache_get_stats (CupelCompiledCache *cache,
                                                 guint64              *hits,
                                                 guint64              *misses);

G_END_DECLS
