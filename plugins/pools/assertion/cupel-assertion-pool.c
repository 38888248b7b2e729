/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* For tests: one connection, lent to one borrower. That a second one asks is the mistake that it is there to find. */

#define CUPEL_TYPE_ASSERTION_POOL (cupel_assertion_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelAssertionPool, cupel_assertion_pool, CUPEL, ASSERTION_POOL, CupelPool)

struct _CupelAssertionPool
{
  CupelPool parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelAssertionPool, cupel_assertion_pool, CUPEL_TYPE_POOL)

static void
cupel_assertion_pool_configure (CupelPool        *pool,
                                CupelPoolOptions *options)
{
  options->size = 1;
  options->max_overflow = 0;
}

static gboolean
cupel_assertion_pool_admit (CupelPool  *pool,
                            GError    **error)
{
  g_autoptr(CupelPoolStatus) status = cupel_pool_get_status (pool);
  g_autofree char *description = NULL;

  if (status->checked_out == 0 && status->waiters == 0)
    return TRUE;

  description = cupel_pool_describe (pool);
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
               "A second connection was asked for while the only one that the assertion pool allows is lent: %s. "
               "Give the first one back before", description);
  return FALSE;
}

static void
cupel_assertion_pool_class_init (CupelAssertionPoolClass *klass)
{
  CUPEL_POOL_CLASS (klass)->configure = cupel_assertion_pool_configure;
  CUPEL_POOL_CLASS (klass)->admit = cupel_assertion_pool_admit;
}

static void
cupel_assertion_pool_init (CupelAssertionPool *self)
{
}

CUPEL_PLUGIN_DEFINE (POOL, pool, assertion, "assertion", NULL, "1.0", cupel_assertion_pool_get_type)
