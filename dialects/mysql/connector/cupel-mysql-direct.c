/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* MariaDB takes PREPARE and EXECUTE in one flight, and the library has a call for it, mariadb_stmt_execute_direct (), but no
 * form of that call that can suspend. What makes any call able to suspend is to run on the library's coroutine; so a call
 * that does have such a form, mysql_ping_start (), is what starts the coroutine, and in place of the ping this runs there.
 * The table of methods through which the library sends commands is the one that its connection plugins replace, too.
 *
 * EXECUTE then means "what was prepared last". A server that has no room for one more statement (error 1461) does not
 * prepare, and yet executes: the one before. So this is done only where the one before does no more than read. */

#include "cupel-mysql-private.h"

#include <mariadb_version.h>

static int
cupel_mysql_direct_command (MYSQL                    *mysql,
                            enum enum_server_command  command,
                            const char               *arg,
                            size_t                    length,
                            my_bool                   skip_check,
                            void                     *opt_arg)
{
  const CupelMysqlConnection *self = (const CupelMysqlConnection *)
    ((const char *) mysql->methods - G_STRUCT_OFFSET (CupelMysqlConnection, client.methods));
  CupelMysqlStatement *statement = self->client.direct;

  mysql->methods = self->client.library_methods;
  if (statement == NULL || command != COM_PING)
    return mysql->methods->db_command (mysql, command, arg, length, skip_check, opt_arg);
  return mariadb_stmt_execute_direct (statement->stmt, statement->sql, statement->sql_length);
}

/* Only where the table is laid out as it was when this was built. */
void
cupel_mysql_direct_init (CupelMysqlConnection *self)
{
  self->client.library_methods = self->mysql->methods;
  if (self->many_bulk == NULL || self->mysql->net.compress || mysql_get_client_version () / 100 != MARIADB_PACKAGE_VERSION_ID / 100)
    return;
  self->client.methods = *self->client.library_methods;
  self->client.methods.db_command = cupel_mysql_direct_command;
  self->run_direct = cupel_mysql_direct_run;
  self->last_reads = TRUE;
}

/* FALSE: the error is with the statement. statement->prepared tells how far it went. */
gboolean
cupel_mysql_direct_run (CupelMysqlConnection *self,
                        CupelMysqlStatement  *statement)
{
  unsigned int n = statement->binds.n;
  int failed = 1;

  if (n > 0)
    {
      mysql_stmt_attr_set (statement->stmt, STMT_ATTR_PREBIND_PARAMS, &n);
      if (mysql_stmt_bind_param (statement->stmt, statement->binds.binds) != 0)
        return FALSE;
    }

  self->client.direct = statement;
  self->mysql->methods = &self->client.methods;
  CUPEL_MYSQL_CALL (self,
                    mysql_ping_start (&failed, self->mysql),
                    mysql_ping_cont (&failed, self->mysql, ready));
  self->mysql->methods = self->client.library_methods;
  self->client.direct = NULL;

  statement->prepared = statement->stmt->state >= MYSQL_STMT_PREPARED;
  return !failed;
}
