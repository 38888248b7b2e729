/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* MariaDB Connector/C: a call runs on a stack of the library's own and comes back when it would block. */

#pragma once

#define CUPEL_MYSQL_CLIENT_NAME "mariadb"

typedef CupelDriverConnection      CupelMysqlParent;
typedef CupelDriverConnectionClass CupelMysqlParentClass;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelMysqlParent, g_object_unref)
#define CUPEL_TYPE_MYSQL_PARENT CUPEL_TYPE_DRIVER_CONNECTION

/* What a connection holds for the library. */
typedef struct
{
  CupelIoWatch                    *watch;
  void                           (*clear_tls_errors) (void);   /* NULL: not needed */
  struct st_mariadb_methods        methods;                    /* see cupel-mysql-direct.c */
  const struct st_mariadb_methods *library_methods;
  CupelMysqlStatement             *direct;
  MYSQL_RES                     *(*use_result) (MYSQL_STMT *stmt);   /* the library's */
  const guint8                    *row_end;
} CupelMysqlClient;

/* A call that may suspend, as in CUPEL_MYSQL_CALL (self, mysql_ping_start (&r, m), mysql_ping_cont (&r, m, ready)) */
#define CUPEL_MYSQL_CALL(self, start, cont)                             \
  G_STMT_START {                                                        \
    int ready;                                                          \
                                                                        \
    if ((self)->client.clear_tls_errors != NULL)                        \
      (self)->client.clear_tls_errors ();                               \
    ready = (start);                                                    \
    while (ready != 0)                                                  \
      {                                                                 \
        ready = cupel_mysql_client_wait ((self), ready);                \
        ready = (cont);                                                 \
      }                                                                 \
  } G_STMT_END

int      cupel_mysql_client_wait       (CupelMysqlConnection  *self,
                                        int                    status);
/* Prepares and executes in one flight. */
void     cupel_mysql_direct_init       (CupelMysqlConnection  *self);
gboolean cupel_mysql_direct_run        (CupelMysqlConnection  *self,
                                        CupelMysqlStatement   *statement);
/* Array binding. */
gboolean cupel_mysql_many_bulk         (CupelMysqlConnection  *self,
                                        const CupelRequest    *request,
                                        CupelReply            *reply,
                                        gboolean              *handled,
                                        GError               **error);

/* What array binding says of a value, beside the bind. */
static inline void
cupel_mysql_client_mark_null (MYSQL_BIND *bind,
                              char       *indicator,
                              gboolean    is_null)
{
  *indicator = is_null ? STMT_INDICATOR_NULL : STMT_INDICATOR_NONE;
  bind->u.indicator = indicator;
}
