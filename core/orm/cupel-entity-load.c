/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Loading what is missing of an entity, when it is asked for. */

#include "orm/cupel-session-private.h"
#include "runtime/cupel-call-private.h"

/* What stands in the way of reading an attribute without I/O. */
static gboolean
not_loaded (CupelEntity  *entity,
            const char   *name,
            GError      **error)
{
  const char *type = G_OBJECT_TYPE_NAME (entity);

  if (entity->session == NULL)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DETACHED,
                 "%s.%s is not loaded, and the entity belongs to no session that could load it", type, name);
  else
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_NOT_LOADED,
                 "%s.%s is %s: reading it would need I/O; await cupel_entity_load_async(), load it with the query, or read it in a fiber",
                 type, name, entity->flags & CUPEL_ENTITY_FLAG_EXPIRED ? "expired" : "not loaded");
  return FALSE;
}

/**
 * cupel_entity_require:
 * @entity: an entity
 * @name: the name of an attribute or a relationship
 * @error: return location for an error
 *
 * Makes sure that an attribute can be read. Outside a fiber this never does I/O: it fails with %CUPEL_ERROR_NOT_LOADED, or with
 * %CUPEL_ERROR_DETACHED when the entity is in no session. In a fiber it loads what is missing, suspending.
 *
 * Returns: %TRUE if the attribute has its value
 *
 * Since: 1.0
 */
gboolean
cupel_entity_require (CupelEntity  *entity,
                      const char   *name,
                      GError      **error)
{
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if (cupel_entity_is_loaded (entity, name))
    return TRUE;
  if (entity->session == NULL || !cupel_in_fiber ())
    return not_loaded (entity, name, error);
  return cupel_entity_load (entity, name, NULL, error);
}

static const char **
claim_for_load (gpointer      self,
                gpointer      args,
                const char   *operation,
                GObject     **owner,
                GError      **error)
{
  CupelEntity *entity = self;

  return entity->session != NULL && !cupel_entity_is_loaded (entity, args) ? cupel_session_claim (entity->session, NULL, operation, owner, error) : NULL;
}

static gpointer
load_body (gpointer       self,
           gpointer       args,
           GCancellable  *cancellable,
           GError       **error)
{
  CupelEntity *entity = self;
  const char *name = args;
  CupelSession *session = entity->session;
  gboolean ok;

  if (cupel_entity_is_loaded (entity, name))
    return GINT_TO_POINTER (TRUE);
  if (session == NULL)
    return GINT_TO_POINTER (not_loaded (entity, name, error));
  if (!cupel_session_enter (session, "cupel_entity_load", error))
    return NULL;

  g_object_ref (session);
  g_object_ref (entity);
  ok = cupel_session_load_attribute (session, entity, name, cancellable, error);
  cupel_session_leave (session);
  g_object_unref (entity);
  g_object_unref (session);
  return GINT_TO_POINTER (ok);
}

static const CupelCall load_call = { "cupel_entity_load", load_body, .claim = claim_for_load };

/**
 * cupel_entity_load:
 * @entity: an entity
 * @name: the name of an attribute or a relationship
 * @cancellable: (nullable): a #GCancellable
 * @error: return location for an error
 *
 * Loads an attribute unless it is loaded: an expired or deferred column, or a relationship by its loader strategy. It suspends in a fiber, and blocks
 * where no main loop is running.
 *
 * Returns: %TRUE if the attribute has its value
 *
 * Since: 1.0
 */
gboolean
cupel_entity_load (CupelEntity   *entity,
                   const char    *name,
                   GCancellable  *cancellable,
                   GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  return GPOINTER_TO_INT (cupel_call_sync (&load_call, entity, (gpointer) name, cancellable, error));
}

/**
 * cupel_entity_load_async:
 * @entity: an entity
 * @name: the name of an attribute or a relationship
 * @cancellable: (nullable): a #GCancellable
 * @callback: (scope async): called when it is done
 * @user_data: data for @callback
 *
 * Loads an attribute unless it is loaded. See cupel_entity_load().
 *
 * Since: 1.0
 */
void
cupel_entity_load_async (CupelEntity         *entity,
                         const char          *name,
                         GCancellable        *cancellable,
                         GAsyncReadyCallback  callback,
                         gpointer             user_data)
{
  g_return_if_fail (CUPEL_IS_ENTITY (entity));
  g_return_if_fail (name != NULL);

  cupel_call_async (&load_call, entity, g_strdup (name), g_free, cancellable, callback, user_data);
}

/**
 * cupel_entity_load_finish:
 * @entity: an entity
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends cupel_entity_load_async().
 *
 * Returns: %TRUE if the attribute has its value
 *
 * Since: 1.0
 */
gboolean
cupel_entity_load_finish (CupelEntity   *entity,
                          GAsyncResult  *result,
                          GError       **error)
{
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);

  return GPOINTER_TO_INT (cupel_call_finish (&load_call, entity, result, error));
}
