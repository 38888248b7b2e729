/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* Exactly one connection, for a database that is that connection: SQLite in memory. It is lent to one borrower at a time;
 * the others wait in line. Neither its age nor what happens to others is a reason to replace it: the data would be gone. */

#define CUPEL_TYPE_STATIC_POOL (cupel_static_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelStaticPool, cupel_static_pool, CUPEL, STATIC_POOL, CupelPool)

struct _CupelStaticPool
{
  CupelPool parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelStaticPool, cupel_static_pool, CUPEL_TYPE_POOL)

static void
cupel_static_pool_configure (CupelPool        *pool,
                             CupelPoolOptions *options)
{
  options->size = 1;
  options->max_overflow = 0;
  options->recycle = -1;
  options->max_lifetime = -1;
  options->pre_ping = FALSE;
  options->permanent = TRUE;
}

static void
cupel_static_pool_class_init (CupelStaticPoolClass *klass)
{
  CUPEL_POOL_CLASS (klass)->configure = cupel_static_pool_configure;
}

static void
cupel_static_pool_init (CupelStaticPool *self)
{
}

CUPEL_PLUGIN_DEFINE (POOL, pool, static, "static", NULL, "1.0", cupel_static_pool_get_type)
