/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "engine/cupel-connection-private.h"
#include "engine/cupel-cell-access-private.h"
#include "engine/cupel-schema-sync-private.h"
#include "runtime/cupel-call-private.h"

/* Those of @tables that the server has: one query. */
static GHashTable *
find_existing (CupelConnection  *connection,
               GPtrArray        *tables,
               GCancellable     *cancellable,
               GError          **error)
{
  CupelDialect *dialect = cupel_engine_get_dialect (cupel_connection_get_engine (connection));
  g_autoptr(GHashTable) existing = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GPtrArray) names = g_ptr_array_new ();
  g_autoptr(CupelStatement) statement = NULL;
  CupelBatchItem item = { 0 };
  gboolean success;

  for (guint i = 0; i < tables->len; i++)
    g_ptr_array_add (names, (gpointer) cupel_table_get_name (tables->pdata[i]));
  g_ptr_array_add (names, NULL);

  statement = cupel_dialect_existing_tables (dialect, (const char *const *) names->pdata);
  item.statement = statement;
  success = cupel_connection_perform (connection, &item, 1, CUPEL_REQUEST_NO_PREPARE, 0, cancellable, error);

  for (guint i = 0; success && item.reply.blocks != NULL && i < item.reply.blocks->len; i++)
    {
      const CupelRowBlock *block = item.reply.blocks->pdata[i];

      for (guint row = 0; row < block->n_rows && block->n_columns > 0; row++)
        {
          const char *name = cupel_cell_get_string (cupel_row_block_get_row (block, row));

          if (name != NULL)
            g_hash_table_add (existing, g_strdup (name));
        }
    }
  cupel_reply_clear (&item.reply);

  return success ? g_steal_pointer (&existing) : NULL;
}

static gboolean
run_all (CupelConnection  *connection,
         GPtrArray        *statements,
         GCancellable     *cancellable,
         GError          **error)
{
  g_autofree CupelBatchItem *items = g_new0 (CupelBatchItem, MAX (statements->len, 1));
  gboolean success;

  for (guint i = 0; i < statements->len; i++)
    items[i].statement = statements->pdata[i];

  success = cupel_connection_perform (connection, items, statements->len, CUPEL_REQUEST_NO_PREPARE, 0, cancellable, error);

  for (guint i = 0; i < statements->len; i++)
    cupel_reply_clear (&items[i].reply);
  return success;
}

gboolean
cupel_schema_create_all (CupelConnection  *connection,
                         CupelMetadata    *metadata,
                         GCancellable     *cancellable,
                         GError          **error)
{
  g_autoptr(GPtrArray) statements = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GHashTable) existing = NULL;
  g_autoptr(GPtrArray) tables = NULL;

  if ((tables = cupel_metadata_get_sorted_tables (metadata, error)) == NULL)
    return FALSE;
  if (tables->len == 0)
    return TRUE;
  if ((existing = find_existing (connection, tables, cancellable, error)) == NULL)
    return FALSE;

  for (guint i = 0; i < tables->len; i++)
    {
      CupelTable *table = tables->pdata[i];

      if (g_hash_table_contains (existing, cupel_table_get_name (table)))
        continue;

      g_ptr_array_add (statements, cupel_create_table_new (table));
      for (guint column = 0; column < cupel_table_get_n_columns (table); column++)
        if (cupel_column_get_index (cupel_table_get_nth_column (table, column)))
          g_ptr_array_add (statements, cupel_create_index_new (cupel_table_get_nth_column (table, column)));
    }

  return run_all (connection, statements, cancellable, error);
}

gboolean
cupel_schema_drop_all (CupelConnection  *connection,
                       CupelMetadata    *metadata,
                       GCancellable     *cancellable,
                       GError          **error)
{
  g_autoptr(GPtrArray) statements = g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr(GHashTable) existing = NULL;
  g_autoptr(GPtrArray) tables = NULL;

  if ((tables = cupel_metadata_get_sorted_tables (metadata, error)) == NULL)
    return FALSE;
  if (tables->len == 0)
    return TRUE;
  if ((existing = find_existing (connection, tables, cancellable, error)) == NULL)
    return FALSE;

  for (guint i = tables->len; i > 0; i--)
    if (g_hash_table_contains (existing, cupel_table_get_name (tables->pdata[i - 1])))
      g_ptr_array_add (statements, cupel_drop_table_new (tables->pdata[i - 1]));

  return run_all (connection, statements, cancellable, error);
}

/* of a connection */

static gpointer
create_all_body (gpointer       self,
                 gpointer       metadata,
                 GCancellable  *cancellable,
                 GError       **error)
{
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_create_all", FALSE, error))
    return GINT_TO_POINTER (FALSE);

  success = cupel_schema_create_all (self, metadata, cancellable, error);
  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static gpointer
drop_all_body (gpointer       self,
               gpointer       metadata,
               GCancellable  *cancellable,
               GError       **error)
{
  gboolean success;

  if (!cupel_connection_enter (self, "cupel_connection_drop_all", FALSE, error))
    return GINT_TO_POINTER (FALSE);

  success = cupel_schema_drop_all (self, metadata, cancellable, error);
  cupel_connection_leave (self);
  return GINT_TO_POINTER (success);
}

static const CupelCall create_all_call = { "cupel_connection_create_all", create_all_body, .claim = cupel_connection_claim };
static const CupelCall drop_all_call = { "cupel_connection_drop_all", drop_all_body, .claim = cupel_connection_claim };

/**
 * cupel_connection_create_all_async:
 * @self: a connection
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Creates the tables that do not exist. See cupel_connection_create_all().
 *
 * Since: 1.0
 */
void
cupel_connection_create_all_async (CupelConnection     *self,
                                   CupelMetadata       *metadata,
                                   GCancellable        *cancellable,
                                   GAsyncReadyCallback  callback,
                                   gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (CUPEL_IS_METADATA (metadata));

  cupel_call_async (&create_all_call, self, g_object_ref (metadata), g_object_unref, cancellable, callback, user_data);
}

/**
 * cupel_connection_create_all_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_create_all_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_create_all_finish (CupelConnection  *self,
                                    GAsyncResult     *result,
                                    GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&create_all_call, self, result, error));
}

/**
 * cupel_connection_create_all:
 * @self: a connection
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Creates the tables of @metadata that do not exist, parents first, with their indexes. What exists is left as it is: when all
 * tables do, one query is all that is sent.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_create_all (CupelConnection  *self,
                             CupelMetadata    *metadata,
                             GCancellable     *cancellable,
                             GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&create_all_call, self, metadata, cancellable, error));
}

/**
 * cupel_connection_drop_all_async:
 * @self: a connection
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async) (nullable): called when it is done
 * @user_data: for @callback
 *
 * Drops the tables that exist. See cupel_connection_drop_all().
 *
 * Since: 1.0
 */
void
cupel_connection_drop_all_async (CupelConnection     *self,
                                 CupelMetadata       *metadata,
                                 GCancellable        *cancellable,
                                 GAsyncReadyCallback  callback,
                                 gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_CONNECTION (self));
  g_return_if_fail (CUPEL_IS_METADATA (metadata));

  cupel_call_async (&drop_all_call, self, g_object_ref (metadata), g_object_unref, cancellable, callback, user_data);
}

/**
 * cupel_connection_drop_all_finish:
 * @self: a connection
 * @result: what the callback got
 * @error: return location for an error
 *
 * Finishes cupel_connection_drop_all_async().
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_drop_all_finish (CupelConnection  *self,
                                  GAsyncResult     *result,
                                  GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&drop_all_call, self, result, error));
}

/**
 * cupel_connection_drop_all:
 * @self: a connection
 * @metadata: the tables
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Drops the tables of @metadata that exist, children first.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
gboolean
cupel_connection_drop_all (CupelConnection  *self,
                           CupelMetadata    *metadata,
                           GCancellable     *cancellable,
                           GError          **error)
{
  g_return_val_if_fail (CUPEL_IS_CONNECTION (self), FALSE);
  g_return_val_if_fail (CUPEL_IS_METADATA (metadata), FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&drop_all_call, self, metadata, cancellable, error));
}
