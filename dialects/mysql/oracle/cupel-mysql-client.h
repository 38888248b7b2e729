/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Oracle's libmysqlclient: a call blocks, on a thread that is the connection's own. */

#pragma once

#include <mysqld_error.h>

#define CUPEL_MYSQL_CLIENT_NAME "mysqlclient"

/* An error of MariaDB Connector/C, which never comes here. */
#define CR_ERR_NET_WRITE 5014

typedef CupelThreadedConnection      CupelMysqlParent;
typedef CupelThreadedConnectionClass CupelMysqlParentClass;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelMysqlParent, g_object_unref)
#define CUPEL_TYPE_MYSQL_PARENT CUPEL_TYPE_THREADED_CONNECTION

/* What a connection holds for the library. */
typedef struct
{
  gboolean started;     /* there is a thread to end */
} CupelMysqlClient;

/* Only array binding needs to be told beside the bind, and the library has none. */
static inline void
cupel_mysql_client_mark_null (MYSQL_BIND *bind,
                              char       *indicator,
                              gboolean    is_null)
{
  *indicator = is_null;
}
