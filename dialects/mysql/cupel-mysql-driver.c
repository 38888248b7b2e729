/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

typedef struct
{
  CupelDriver       parent_instance;
  CupelMysqlParams *params;      /* of the URL that was configured last */
  CupelUrl         *url;
} CupelMysqlDriver;

typedef struct
{
  CupelDriverClass parent_class;
} CupelMysqlDriverClass;

G_DEFINE_TYPE (CupelMysqlDriver, cupel_mysql_driver, CUPEL_TYPE_DRIVER)

static gboolean
cupel_mysql_driver_configure (CupelDriver  *driver,
                              CupelUrl     *url,
                              GError      **error)
{
  CupelMysqlDriver *self = (CupelMysqlDriver *) driver;
  CupelMysqlParams *params = cupel_mysql_params_new (url, error);

  if (params == NULL)
    return FALSE;

  g_clear_pointer (&self->params, cupel_mysql_params_unref);
  g_clear_pointer (&self->url, cupel_url_unref);
  self->params = params;
  self->url = cupel_url_ref (url);
  return TRUE;
}

static CupelDriverConnection *
cupel_mysql_driver_connect (CupelDriver   *driver,
                            CupelUrl      *url,
                            const CupelEndpoint *endpoint,
                            gint64         deadline,
                            GCancellable  *cancellable,
                            GError       **error)
{
  CupelMysqlDriver *self = (CupelMysqlDriver *) driver;
  g_autoptr(CupelMysqlParams) params = NULL;
  MYSQL *mysql;

  params = url == self->url ? cupel_mysql_params_ref (self->params) : cupel_mysql_params_new (url, error);
  if (params == NULL)
    return NULL;

  mysql = cupel_mysql_params_connect (params, deadline, cancellable, error);
  return mysql != NULL ? cupel_mysql_connection_new (params, mysql) : NULL;
}

static void
cupel_mysql_driver_finalize (GObject *object)
{
  CupelMysqlDriver *self = (CupelMysqlDriver *) object;

  g_clear_pointer (&self->params, cupel_mysql_params_unref);
  g_clear_pointer (&self->url, cupel_url_unref);
  G_OBJECT_CLASS (cupel_mysql_driver_parent_class)->finalize (object);
}

static void
cupel_mysql_driver_class_init (CupelMysqlDriverClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = cupel_mysql_driver_finalize;
  CUPEL_DRIVER_CLASS (klass)->name = CUPEL_MYSQL_CLIENT_NAME;
  CUPEL_DRIVER_CLASS (klass)->configure = cupel_mysql_driver_configure;
  CUPEL_DRIVER_CLASS (klass)->connect = cupel_mysql_driver_connect;

  /* Not safe when two threads connect for the first time at once. */
  mysql_library_init (0, NULL, NULL);
}

static void
cupel_mysql_driver_init (CupelMysqlDriver *self)
{
}
