/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-mysql-private.h"

typedef struct
{
  CupelDriver parent_instance;
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
  g_autoptr(CupelMysqlParams) params = cupel_mysql_params_new (url, NULL, error);

  return params != NULL;
}

static CupelDriverConnection *
cupel_mysql_driver_connect (CupelDriver   *driver,
                            CupelUrl      *url,
                            const CupelEndpoint *endpoint,
                            gint64         deadline,
                            GCancellable  *cancellable,
                            GError       **error)
{
  g_autoptr(CupelMysqlParams) params = cupel_mysql_params_new (url, endpoint, error);
  CupelNetworkOptions network;
  MYSQL *mysql;

  if (params == NULL)
    return NULL;
  network = (CupelNetworkOptions) {
    .tls = params->tls, .tls_ca = params->tls_ca, .tls_cert = params->tls_cert, .tls_key = params->tls_key, .tls_crl = params->tls_crl,
  };
  if (!cupel_network_options_check_files (&network, error))
    return NULL;

  mysql = cupel_mysql_params_connect (params, deadline, cancellable, error);
  return mysql != NULL ? cupel_mysql_connection_new (params, mysql) : NULL;
}

static void
cupel_mysql_driver_class_init (CupelMysqlDriverClass *klass)
{
  CUPEL_DRIVER_CLASS (klass)->name = CUPEL_MYSQL_CLIENT_NAME;
  CUPEL_DRIVER_CLASS (klass)->default_port = CUPEL_MYSQL_PORT;
  CUPEL_DRIVER_CLASS (klass)->configure = cupel_mysql_driver_configure;
  CUPEL_DRIVER_CLASS (klass)->connect = cupel_mysql_driver_connect;

  /* Not safe when two threads connect for the first time at once. */
  mysql_library_init (0, NULL, NULL);
}

static void
cupel_mysql_driver_init (CupelMysqlDriver *self)
{
}
