/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* The usual pool: a bounded number of connections, some of them kept when idle, and a line of those who wait for one. This is what
 * the base class does with the options of the engine as they are. */

#define CUPEL_TYPE_QUEUE_POOL (cupel_queue_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelQueuePool, cupel_queue_pool, CUPEL, QUEUE_POOL, CupelPool)

struct _CupelQueuePool
{
  CupelPool parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelQueuePool, cupel_queue_pool, CUPEL_TYPE_POOL)

static void
cupel_queue_pool_class_init (CupelQueuePoolClass *klass)
{
}

static void
cupel_queue_pool_init (CupelQueuePool *self)
{
}

CUPEL_PLUGIN_DEFINE (POOL, pool, queue, "queue", NULL, "1.0", cupel_queue_pool_get_type)
