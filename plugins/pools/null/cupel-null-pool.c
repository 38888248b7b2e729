/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <cupel-dialect.h>

/* Keeps nothing: every checkout makes a connection, every checkin ends it. */

#define CUPEL_TYPE_NULL_POOL (cupel_null_pool_get_type ())
G_DECLARE_FINAL_TYPE (CupelNullPool, cupel_null_pool, CUPEL, NULL_POOL, CupelPool)

struct _CupelNullPool
{
  CupelPool parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelNullPool, cupel_null_pool, CUPEL_TYPE_POOL)

static CupelDriverConnection *
cupel_null_pool_checkout (CupelPool     *pool,
                          GCancellable  *cancellable,
                          GError       **error)
{
  gint64 deadline = g_get_monotonic_time () + cupel_pool_get_options (pool)->timeout;

  return cupel_pool_connect (pool, deadline, cancellable, error);
}

static void
cupel_null_pool_checkin (CupelPool             *pool,
                         CupelDriverConnection *connection,
                         gboolean               usable)
{
  cupel_driver_connection_terminate (connection);
  g_object_unref (connection);
}

static GPtrArray *
cupel_null_pool_drain (CupelPool *pool)
{
  return g_ptr_array_new_with_free_func (g_object_unref);
}

static guint
cupel_null_pool_get_idle (CupelPool *pool)
{
  return 0;
}

static void
cupel_null_pool_class_init (CupelNullPoolClass *klass)
{
  CupelPoolClass *pool_class = CUPEL_POOL_CLASS (klass);

  pool_class->checkout = cupel_null_pool_checkout;
  pool_class->checkin = cupel_null_pool_checkin;
  pool_class->drain = cupel_null_pool_drain;
  pool_class->get_idle = cupel_null_pool_get_idle;
}

static void
cupel_null_pool_init (CupelNullPool *self)
{
}

CUPEL_PLUGIN_DEFINE (POOL, pool, null, "null", NULL, "1.0", cupel_null_pool_get_type)
