/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-driver.h"

#include "cupel-sqlite-connection.h"

struct _CupelSqliteDriver
{
  CupelDriver parent_instance;
};

G_DEFINE_FINAL_TYPE (CupelSqliteDriver, cupel_sqlite_driver, CUPEL_TYPE_DRIVER)

static gboolean
cupel_sqlite_driver_configure (CupelDriver  *self,
                               CupelUrl     *url,
                               GError      **error)
{
  g_auto(CupelSqliteOptions) options = { 0 };

  return cupel_sqlite_options_parse (&options, url, error);
}

static CupelDriverConnection *
cupel_sqlite_driver_connect (CupelDriver   *self,
                             CupelUrl      *url,
                             const CupelEndpoint *endpoint,
                             gint64         deadline,
                             GCancellable  *cancellable,
                             GError       **error)
{
  return cupel_sqlite_connection_open (url, deadline, cancellable, error);
}

/* A database in memory is its connection's own: there is just one. */
static const char *
cupel_sqlite_driver_choose_pool (CupelDriver *self,
                                 CupelUrl    *url)
{
  return cupel_sqlite_url_is_memory (url) ? "static" : NULL;
}

static void
cupel_sqlite_driver_class_init (CupelSqliteDriverClass *klass)
{
  CupelDriverClass *driver_class = CUPEL_DRIVER_CLASS (klass);

  driver_class->name = "sqlite3";
  driver_class->configure = cupel_sqlite_driver_configure;
  driver_class->connect = cupel_sqlite_driver_connect;
  driver_class->choose_pool = cupel_sqlite_driver_choose_pool;
}

static void
cupel_sqlite_driver_init (CupelSqliteDriver *self)
{
}
