/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* Keeps nothing: every checkout makes a connection, every checkin ends it. For a server with a pooler before it. */

#define CUPEL_TYPE_NULL_POOL (cupel_null_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelNullPool, cupel_null_pool, CUPEL, NULL_POOL, CupelPool)

struct _CupelNullPool
{
  CupelPool parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelNullPool, cupel_null_pool, CUPEL_TYPE_POOL)

static void
cupel_null_pool_configure (CupelPool        *pool,
                           CupelPoolOptions *options)
{
  options->size = 0;
  options->max_overflow = -1;
  options->max_connecting = G_MAXUINT;
  options->keep_none = TRUE;
}

static void
cupel_null_pool_class_init (CupelNullPoolClass *klass)
{
  CUPEL_POOL_CLASS (klass)->configure = cupel_null_pool_configure;
}

static void
cupel_null_pool_init (CupelNullPool *self)
{
}

CUPEL_PLUGIN_DEFINE (POOL, pool, null, "null", NULL, "1.0", cupel_null_pool_get_type)
