/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Array binding, MariaDB's: many sets of parameters in one packet. */

#include "cupel-mysql-private.h"

typedef struct
{
  const CupelRequest    *request;
  guint                  first;
  enum enum_field_types *types;
  GError                *error;
} Bulk;

/* The type of each parameter, the same in all sets. FALSE: there are columns of several types. */
static gboolean
cupel_mysql_bulk_types (const CupelRequest    *request,
                        enum enum_field_types *types)
{
  for (guint i = 0; i < request->compiled->n_slots; i++)
    {
      gboolean is_unsigned = FALSE;

      types[i] = MYSQL_TYPE_NULL;
      for (guint set = 0; set < request->n_sets; set++)
        {
          const CupelCell *cell = cupel_request_get_cell (request, set, i);
          enum enum_field_types type = cupel_mysql_bind_type (cell);

          if (type == MYSQL_TYPE_NULL)
            continue;
          if (types[i] == MYSQL_TYPE_NULL)
            {
              types[i] = type;
              is_unsigned = cell->kind == CUPEL_CELL_UINT64;
            }
          else if (types[i] != type || is_unsigned != (cell->kind == CUPEL_CELL_UINT64))
            return FALSE;
        }
      if (types[i] == MYSQL_TYPE_NULL)
        types[i] = MYSQL_TYPE_STRING;
    }
  return TRUE;
}

/* Called by the library for each set while it writes the packet, on the stack of its coroutine. */
static my_bool
cupel_mysql_bulk_next (void         *user_data,
                       MYSQL_BIND   *binds,
                       unsigned int  row)
{
  CupelMysqlRows *rows = user_data;
  CupelMysqlStatement *statement = rows->statement;
  Bulk *bulk = statement->bulk;
  const CupelCompiled *compiled = bulk->request->compiled;

  for (guint i = 0; i < compiled->n_slots; i++)
    {
      if (!cupel_mysql_binds_set (&statement->binds, i, compiled->slots[i].type,
                                  cupel_request_get_cell (bulk->request, bulk->first + row, i), &bulk->error))
        return 1;
      binds[i].buffer = statement->binds.binds[i].buffer;
      binds[i].buffer_length = *statement->binds.binds[i].length;
    }
  return 0;
}

static gboolean
cupel_mysql_run_bulk (CupelMysqlConnection  *self,
                      CupelMysqlStatement   *statement,
                      Bulk                  *bulk,
                      guint                  n,
                      GError               **error)
{
  unsigned int size = n;
  gboolean ok;

  if (!cupel_mysql_statement_prepare (self, statement, error))
    return FALSE;

  /* The types are sent once, before the first set. */
  for (guint i = 0; i < bulk->request->compiled->n_slots; i++)
    {
      const CupelCell *cell = NULL;

      for (guint set = 0; set < n && (cell == NULL || cell->kind == CUPEL_CELL_NULL); set++)
        cell = cupel_request_get_cell (bulk->request, bulk->first + set, i);
      if (!cupel_mysql_binds_set (&statement->binds, i, bulk->request->compiled->slots[i].type, cell, error))
        return FALSE;
      statement->binds.binds[i].buffer_type = bulk->types[i];
    }

  statement->bulk = bulk;
  mysql_stmt_attr_set (statement->stmt, STMT_ATTR_CB_PARAM, (const void *) cupel_mysql_bulk_next);
  mysql_stmt_attr_set (statement->stmt, STMT_ATTR_ARRAY_SIZE, &size);
  ok = cupel_mysql_connection_run (self, statement, error);

  size = 0;
  if (statement->stmt != NULL)
    {
      mysql_stmt_attr_set (statement->stmt, STMT_ATTR_ARRAY_SIZE, &size);
      mysql_stmt_attr_set (statement->stmt, STMT_ATTR_CB_PARAM, NULL);
    }
  statement->bulk = NULL;
  if (bulk->error != NULL)
    {
      g_clear_error (error);
      g_propagate_error (error, g_steal_pointer (&bulk->error));
    }
  return ok;
}

gboolean
cupel_mysql_many_bulk (CupelMysqlConnection  *self,
                       const CupelRequest    *request,
                       CupelReply            *reply,
                       gboolean              *handled,
                       GError               **error)
{
  g_autofree enum enum_field_types *types = g_new (enum enum_field_types, request->compiled->n_slots);
  Bulk bulk = { .request = request, .types = types };
  CupelMysqlStatement *statement;
  gboolean ok = TRUE;

  *handled = cupel_mysql_bulk_types (request, types);
  if (!*handled)
    return FALSE;

  statement = cupel_mysql_statement_get (self, request->compiled, 1, TRUE);

  while (ok && bulk.first < request->n_sets)
    {
      guint n = cupel_mysql_page (request, bulk.first, G_MAXUINT16);

      ok = (n > 1 || cupel_mysql_connection_check_packet (self, request, bulk.first, error)) &&
           cupel_mysql_run_bulk (self, statement, &bulk, n, error);
      if (ok)
        {
          reply->row_count += (gint64) mysql_stmt_affected_rows (statement->stmt);
          if (bulk.first == 0)
            reply->last_insert_id = (gint64) mysql_stmt_insert_id (statement->stmt);
        }
      bulk.first += n;
      cupel_fiber_tick ();
    }
  cupel_mysql_statement_done (self, statement);
  return ok;
}
