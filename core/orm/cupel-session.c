/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The session's state: what it knows, what is to be written, and one operation at a time. */

#include "engine/cupel-connection-private.h"
#include "runtime/cupel-error-details.h"
#include "orm/cupel-session-private.h"

G_DEFINE_FINAL_TYPE (CupelSession, cupel_session, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_ENGINE,
  PROP_AUTOFLUSH,
  PROP_EXPIRE_ON_COMMIT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

/* Every entity of the identity map, held: letting go of one may free others. */
static GPtrArray *
snapshot (CupelSession *self)
{
  GPtrArray *all = g_ptr_array_new_full (self->identity.count, g_object_unref);
  CupelEntity *entity;
  guint position = 0;

  while ((entity = cupel_identity_map_next (&self->identity, &position)) != NULL)
    g_ptr_array_add (all, g_object_ref (entity));
  return all;
}

void
cupel_session_keep (CupelSession *self,
                    CupelEntity  *entity)
{
  if (self->kept == NULL)
    self->kept = g_ptr_array_new_with_free_func (g_object_unref);
  g_ptr_array_add (self->kept, entity);
}

/* Who else holds one keeps it from now on. */
void
cupel_session_sweep_kept (CupelSession *self)
{
  for (guint i = self->kept != NULL ? self->kept->len : 0; i > 0; i--)
    {
      CupelEntity *entity = i <= self->kept->len ? g_ptr_array_index (self->kept, i - 1) : NULL;

      if (entity != NULL && (g_atomic_int_get (&G_OBJECT (entity)->ref_count) > 1 || !cupel_entity_is_held_by_child (entity)))
        g_object_unref (g_ptr_array_steal_index_fast (self->kept, i - 1));
    }
}

/* Taken out of this session, one may be in another by now. */
static void
detach_list (CupelSession *self,
             GPtrArray    *entities)
{
  for (guint i = 0; i < entities->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (entities, i);

      if (entity->session != self)
        continue;
      entity->session = NULL;
      entity->flags &= ~(CUPEL_ENTITY_FLAG_PENDING | CUPEL_ENTITY_FLAG_DIRTY | CUPEL_ENTITY_FLAG_DELETED);
    }
}

static void
detach_all (CupelSession *self)
{
  g_autoptr(GPtrArray) new_ = g_steal_pointer (&self->new_);
  g_autoptr(GPtrArray) dirty = g_steal_pointer (&self->dirty);
  g_autoptr(GPtrArray) deleted = g_steal_pointer (&self->deleted);
  g_autoptr(GPtrArray) gone = g_steal_pointer (&self->gone);
  CupelEntity *entity;
  guint position = 0;

  self->new_ = g_ptr_array_new_with_free_func (g_object_unref);
  self->dirty = g_ptr_array_new_with_free_func (g_object_unref);
  self->deleted = g_ptr_array_new_with_free_func (g_object_unref);
  self->gone = g_ptr_array_new_with_free_func (g_object_unref);
  g_clear_pointer (&self->rekeyed, g_ptr_array_unref);

  while ((entity = cupel_identity_map_next (&self->identity, &position)) != NULL)
    {
      entity->session = NULL;
      entity->flags &= ~(CUPEL_ENTITY_FLAG_DIRTY | CUPEL_ENTITY_FLAG_DELETED);
    }
  cupel_identity_map_clear (&self->identity);
  detach_list (self, new_);
  detach_list (self, dirty);
  detach_list (self, deleted);
  detach_list (self, gone);
  for (guint i = 0; self->kept != NULL && i < self->kept->len; i++)
    if (g_atomic_int_get (&((GObject *) g_ptr_array_index (self->kept, i))->ref_count) == 1)
      cupel_entity_return_to_children (g_ptr_array_index (self->kept, i));
  g_clear_pointer (&self->kept, g_ptr_array_unref);
}

static void
cupel_session_dispose (GObject *object)
{
  CupelSession *self = CUPEL_SESSION (object);

  cupel_session_forget_levels (self);
  if (self->new_ != NULL)
    detach_all (self);
  /* An open transaction goes to the pool, which rolls it back on its own. */
  g_clear_object (&self->connection);
  g_clear_object (&self->engine);

  G_OBJECT_CLASS (cupel_session_parent_class)->dispose (object);
}

static void
cupel_session_finalize (GObject *object)
{
  CupelSession *self = CUPEL_SESSION (object);

  g_clear_pointer (&self->new_, g_ptr_array_unref);
  g_clear_pointer (&self->dirty, g_ptr_array_unref);
  g_clear_pointer (&self->deleted, g_ptr_array_unref);
  g_clear_pointer (&self->gone, g_ptr_array_unref);
  g_clear_pointer (&self->kept, g_ptr_array_unref);
  g_clear_pointer (&self->levels, g_ptr_array_unref);
  cupel_session_clear_failure (self);

  G_OBJECT_CLASS (cupel_session_parent_class)->finalize (object);
}

static void
cupel_session_get_property (GObject    *object,
                            guint       prop_id,
                            GValue     *value,
                            GParamSpec *pspec)
{
  CupelSession *self = CUPEL_SESSION (object);

  switch (prop_id)
    {
    case PROP_ENGINE:
      g_value_set_object (value, self->engine);
      break;
    case PROP_AUTOFLUSH:
      g_value_set_boolean (value, self->autoflush);
      break;
    case PROP_EXPIRE_ON_COMMIT:
      g_value_set_boolean (value, self->expire_on_commit);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
cupel_session_set_property (GObject      *object,
                            guint         prop_id,
                            const GValue *value,
                            GParamSpec   *pspec)
{
  CupelSession *self = CUPEL_SESSION (object);

  switch (prop_id)
    {
    case PROP_ENGINE:
      self->engine = g_value_dup_object (value);
      break;
    case PROP_AUTOFLUSH:
      cupel_session_set_autoflush (self, g_value_get_boolean (value));
      break;
    case PROP_EXPIRE_ON_COMMIT:
      cupel_session_set_expire_on_commit (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
cupel_session_class_init (CupelSessionClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->dispose = cupel_session_dispose;
  object_class->finalize = cupel_session_finalize;
  object_class->get_property = cupel_session_get_property;
  object_class->set_property = cupel_session_set_property;

  /**
   * CupelSession:engine:
   *
   * The engine whose database the session works on.
   *
   * Since: 1.0
   */
  properties[PROP_ENGINE] =
    g_param_spec_object ("engine", NULL, NULL, CUPEL_TYPE_ENGINE,
                         G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * CupelSession:autoflush:
   *
   * Whether what is pending is flushed before each query.
   *
   * Since: 1.0
   */
  properties[PROP_AUTOFLUSH] =
    g_param_spec_boolean ("autoflush", NULL, NULL, TRUE, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  /**
   * CupelSession:expire-on-commit:
   *
   * Whether a commit forgets the attributes of all entities, so that they are loaded again when wanted.
   *
   * Since: 1.0
   */
  properties[PROP_EXPIRE_ON_COMMIT] =
    g_param_spec_boolean ("expire-on-commit", NULL, NULL, FALSE, G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
cupel_session_init (CupelSession *self)
{
  self->thread = g_thread_self ();
  self->attempt = 1;
  self->transaction = 1;
  self->autoflush = TRUE;
  self->new_ = g_ptr_array_new_with_free_func (g_object_unref);
  self->dirty = g_ptr_array_new_with_free_func (g_object_unref);
  self->deleted = g_ptr_array_new_with_free_func (g_object_unref);
  self->gone = g_ptr_array_new_with_free_func (g_object_unref);
}

static void
set_error_busy (CupelSession  *self,
                const char    *operation,
                GError       **error)
{
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_BUSY,
               "%s() was called while %s() is in progress on the same session; use one session per task", operation, self->operation);
}

const char **
cupel_session_claim (gpointer      self_,
                     gpointer      args,
                     const char   *operation,
                     GObject     **owner,
                     GError      **error)
{
  CupelSession *self = self_;

  if (self->thread != g_thread_self ())
    return NULL;
  if (self->operation != NULL)
    {
      set_error_busy (self, operation, error);
      return NULL;
    }

  self->operation = operation;
  *owner = G_OBJECT (g_object_ref (self));
  return &self->operation;
}

gboolean
cupel_session_enter_cleanup (CupelSession  *self,
                             const char    *operation,
                             GError       **error)
{
  if (self->thread != g_thread_self ())
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_WRONG_CONTEXT,
                   "%s() was called from another thread than the one that made the session; make one session per thread", operation);
      return FALSE;
    }
  if (self->operation != NULL)
    {
      set_error_busy (self, operation, error);
      return FALSE;
    }
  self->operation = operation;
  return TRUE;
}

gboolean
cupel_session_enter (CupelSession  *self,
                     const char    *operation,
                     GError       **error)
{
  if (!cupel_session_enter_cleanup (self, operation, error))
    return FALSE;
  if (G_UNLIKELY (self->failure != NULL))
    {
      const CupelErrorDetails details = { .category = self->failure_category };

      self->operation = NULL;
      cupel_set_error_with_details (error, CUPEL_ERROR_PENDING_ROLLBACK, &details,
                                    "%s(): the %stransaction was rolled back because a flush failed (%s); call %s() first",
                                    operation, self->failed != NULL ? "nested " : "", self->failure,
                                    self->failed != NULL ? "cupel_transaction_rollback" : "cupel_session_rollback");
      return FALSE;
    }
  if (G_UNLIKELY (self->block != NULL) &&
      (self->block->serial != self->serial ||
       (self->block->transaction != NULL && self->block->transaction->end != CUPEL_END_NONE)))
    {
      self->operation = NULL;
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CLOSED,
                   "%s() cannot be done: the transaction of the block in which it was called is over. Leave the block first", operation);
      return FALSE;
    }
  return TRUE;
}

void
cupel_session_leave (CupelSession *self)
{
  self->operation = NULL;
}

CupelConnection *
cupel_session_acquire (CupelSession  *self,
                       GCancellable  *cancellable,
                       GError       **error)
{
  if (self->connection == NULL)
    {
      g_autoptr(CupelConnection) connection = cupel_engine_connect (self->engine, cancellable, error);
      const gboolean has_options = !self->own_isolation && (self->isolation != CUPEL_ISOLATION_DEFAULT ||
                                                            self->begin_flags != CUPEL_BEGIN_NONE);

      if (connection == NULL)
        return NULL;
      if (self->own_isolation && self->isolation != CUPEL_ISOLATION_DEFAULT &&
          !cupel_connection_set_isolation_level (connection, self->isolation, cancellable, error))
        {
          cupel_connection_close (connection, NULL, NULL);
          return NULL;
        }
      connection->attempt = self->attempt;
      if (has_options)
        {
          g_autoptr(CupelTransaction) transaction = cupel_connection_begin_transaction (connection, self->isolation, self->begin_flags,
                                                                                       cancellable, error);

          if (transaction == NULL)
            {
              cupel_connection_close (connection, NULL, NULL);
              return NULL;
            }
        }
      self->connection = g_steal_pointer (&connection);
    }
  return self->connection;
}

/* The transaction is over: the connection goes back. */
void
cupel_session_release (CupelSession *self)
{
  g_autoptr(CupelConnection) connection = g_steal_pointer (&self->connection);

  self->serial++;
  self->begun = FALSE;
  self->isolation = CUPEL_ISOLATION_DEFAULT;
  self->own_isolation = FALSE;
  self->begin_flags = CUPEL_BEGIN_NONE;
  if (connection != NULL)
    cupel_connection_close (connection, NULL, NULL);
}

void
cupel_session_clear_failure (CupelSession *self)
{
  g_clear_pointer (&self->failure, g_free);
  g_clear_object (&self->failed);
  self->failure_category = CUPEL_ERROR_CATEGORY_NONE;
}

void
cupel_session_drop_new (CupelSession *self)
{
  g_autoptr(GPtrArray) new_ = g_steal_pointer (&self->new_);

  self->new_ = g_ptr_array_new_with_free_func (g_object_unref);
  for (guint i = 0; i < new_->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (new_, i);

      if (entity->flags & CUPEL_ENTITY_FLAG_PENDING)
        {
          entity->session = NULL;
          entity->flags &= ~CUPEL_ENTITY_FLAG_PENDING;
        }
    }
}

static void
end_transaction (CupelSession *self)
{
  if (++self->transaction == 0)
    self->transaction = 1;
}

/* In the transaction that is under way */
static gboolean
was_inserted (CupelSession *self,
              CupelEntity  *entity)
{
  return entity->inserted_in == self->transaction;
}

/* New ones are transient again, deleted ones are back, and of the others nothing is known any more. */
static void
restore (CupelSession *self)
{
  g_autoptr(GPtrArray) all = snapshot (self);
  g_autoptr(GPtrArray) gone = g_steal_pointer (&self->gone);

  /* @all holds what these hold. */
  g_ptr_array_set_size (self->dirty, 0);
  g_ptr_array_set_size (self->deleted, 0);
  self->gone = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; i < gone->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (gone, i);

      if (was_inserted (self, entity))
        {
          entity->session = NULL;
          entity->flags = 0;
          continue;
        }
      g_ptr_array_add (all, g_object_ref (entity));
    }
  cupel_session_drop_new (self);
  for (guint i = 0; i < all->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (all, i);

      if (was_inserted (self, entity))
        {
          cupel_identity_map_remove (&self->identity, entity);
          cupel_entity_forget_changes (entity);
          entity->session = NULL;
          entity->flags = 0;
          continue;
        }
      entity->flags &= ~(CUPEL_ENTITY_FLAG_DELETED | CUPEL_ENTITY_FLAG_DIRTY);
      cupel_entity_discard_changes (entity);
      cupel_entity_expire (entity);
    }
  cupel_session_undo_rekeyed (self, 0);
  /* The first that was deleted had the row before others with its key came. */
  for (guint i = gone->len; i > 0; i--)
    if (((CupelEntity *) g_ptr_array_index (gone, i - 1))->session == self)
      cupel_session_put_back (self, g_ptr_array_index (gone, i - 1));
  cupel_session_sweep_kept (self);
  end_transaction (self);
}

gboolean
cupel_session_do_rollback (CupelSession  *self,
                           GError       **error)
{
  gboolean ok = self->connection == NULL || cupel_connection_rollback (self->connection, NULL, error);

  /* Closing rolls back too, or ends a connection that cannot be. */
  cupel_session_release (self);
  cupel_session_forget_levels (self);
  restore (self);
  return ok;
}

gboolean
cupel_session_autoflush_now (CupelSession  *self,
                             GCancellable  *cancellable,
                             GError       **error)
{
  if (!self->autoflush || self->flushing || cupel_session_do_flush (self, cancellable, error))
    return TRUE;
  g_prefix_error (error, "before the query (autoflush): ");
  return FALSE;
}

static void
forget_deleted (CupelSession *self)
{
  for (guint i = 0; i < self->gone->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (self->gone, i);

      entity->session = NULL;
      entity->flags &= ~CUPEL_ENTITY_FLAG_DIRTY;
    }
  g_ptr_array_set_size (self->gone, 0);
}

gboolean
cupel_session_do_commit (CupelSession  *self,
                         GCancellable  *cancellable,
                         GError       **error)
{
  if (!cupel_session_do_flush (self, cancellable, error))
    return FALSE;
  if (self->connection != NULL && !cupel_connection_commit (self->connection, cancellable, error))
    {
      /* A stream that is open is the caller's to close: nothing was sent, and nothing is lost. */
      if (cupel_connection_in_transaction (self->connection) && !cupel_connection_is_invalidated (self->connection))
        return FALSE;
      cupel_session_do_rollback (self, NULL);
      return FALSE;
    }
  cupel_session_release (self);
  cupel_session_forget_levels (self);

  forget_deleted (self);
  g_clear_pointer (&self->rekeyed, g_ptr_array_unref);
  end_transaction (self);
  if (self->expire_on_commit)
    cupel_session_expire_all (self);
  cupel_session_sweep_kept (self);
  return TRUE;
}

void
cupel_session_do_close (CupelSession *self)
{
  cupel_session_release (self);
  cupel_session_forget_levels (self);
  cupel_session_clear_failure (self);
  detach_all (self);
}

/**
 * cupel_session_new:
 * @engine: an engine
 *
 * Makes a session. No connection is used before the first statement.
 *
 * Returns: (transfer full): a new session, which belongs to this thread
 *
 * Since: 1.0
 */
CupelSession *
cupel_session_new (CupelEngine *engine)
{
  g_return_val_if_fail (CUPEL_IS_ENGINE (engine), NULL);

  return g_object_new (CUPEL_TYPE_SESSION, "engine", engine, NULL);
}

/**
 * cupel_session_get_engine:
 * @session: a session
 *
 * Gets the engine.
 *
 * Returns: (transfer none): the engine
 *
 * Since: 1.0
 */
CupelEngine *
cupel_session_get_engine (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), NULL);

  return session->engine;
}

/**
 * cupel_session_get_autoflush:
 * @session: a session
 *
 * Gets whether what is pending is flushed before each query.
 *
 * Returns: %TRUE if it is
 *
 * Since: 1.0
 */
gboolean
cupel_session_get_autoflush (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return session->autoflush;
}

/**
 * cupel_session_set_autoflush:
 * @session: a session
 * @autoflush: whether what is pending is flushed before each query
 *
 * Sets whether what is pending is flushed before each query.
 *
 * Since: 1.0
 */
void
cupel_session_set_autoflush (CupelSession *session,
                             gboolean      autoflush)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  if (session->autoflush == !!autoflush)
    return;
  session->autoflush = !!autoflush;
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_AUTOFLUSH]);
}

/**
 * cupel_session_get_expire_on_commit:
 * @session: a session
 *
 * Gets whether a commit forgets the attributes of all entities.
 *
 * Returns: %TRUE if it does
 *
 * Since: 1.0
 */
gboolean
cupel_session_get_expire_on_commit (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return session->expire_on_commit;
}

/**
 * cupel_session_set_expire_on_commit:
 * @session: a session
 * @expire_on_commit: whether a commit forgets the attributes of all entities
 *
 * Sets whether a commit forgets the attributes of all entities.
 *
 * Since: 1.0
 */
void
cupel_session_set_expire_on_commit (CupelSession *session,
                                    gboolean      expire_on_commit)
{
  g_return_if_fail (CUPEL_IS_SESSION (session));

  if (session->expire_on_commit == !!expire_on_commit)
    return;
  session->expire_on_commit = !!expire_on_commit;
  g_object_notify_by_pspec (G_OBJECT (session), properties[PROP_EXPIRE_ON_COMMIT]);
}

/**
 * cupel_session_in_transaction:
 * @session: a session
 *
 * Tells whether a transaction is in progress: begun by cupel_session_begin(), or by a statement.
 *
 * Returns: %TRUE if there is one
 *
 * Since: 1.0
 */
gboolean
cupel_session_in_transaction (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), FALSE);

  return session->begun || session->connection != NULL;
}

/**
 * cupel_session_get_n_new:
 * @session: a session
 *
 * Counts the entities that wait for their INSERT.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
cupel_session_get_n_new (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), 0);

  return session->new_->len;
}

/**
 * cupel_session_get_n_dirty:
 * @session: a session
 *
 * Counts the entities that differ from their rows.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
cupel_session_get_n_dirty (CupelSession *session)
{
  guint n = 0;

  g_return_val_if_fail (CUPEL_IS_SESSION (session), 0);

  for (guint i = 0; i < session->dirty->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (session->dirty, i);

      n += cupel_entity_bits_any (cupel_mapper_of (entity), &entity->modified);
    }
  return n;
}

/**
 * cupel_session_get_n_deleted:
 * @session: a session
 *
 * Counts the entities that wait for their DELETE.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
cupel_session_get_n_deleted (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), 0);

  return session->deleted->len;
}

/**
 * cupel_session_get_n_persistent:
 * @session: a session
 *
 * Counts the entities that the session knows: those with a row that somebody still holds.
 *
 * Returns: how many
 *
 * Since: 1.0
 */
guint
cupel_session_get_n_persistent (CupelSession *session)
{
  g_return_val_if_fail (CUPEL_IS_SESSION (session), 0);

  return session->identity.count;
}

/**
 * cupel_session_expire_all:
 * @session: a session
 *
 * Forgets the attributes of all entities but for their keys, and with them changes that are not flushed. Each is loaded again when it is wanted.
 * While a flush is in progress it waits for its end.
 *
 * Since: 1.0
 */
void
cupel_session_expire_all (CupelSession *session)
{
  g_autoptr(GPtrArray) all = NULL;

  g_return_if_fail (CUPEL_IS_SESSION (session));

  /* A flush needs what it is about to write. */
  if (session->flushing)
    {
      session->expire_later = TRUE;
      return;
    }
  session->expire_later = FALSE;
  all = snapshot (session);
  g_ptr_array_set_size (session->dirty, 0);
  for (guint i = 0; i < all->len; i++)
    {
      CupelEntity *entity = g_ptr_array_index (all, i);

      entity->flags &= ~CUPEL_ENTITY_FLAG_DIRTY;
      cupel_entity_expire (entity);
    }
}
