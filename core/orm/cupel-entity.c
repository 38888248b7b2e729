/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "orm/cupel-session-private.h"
#include "runtime/cupel-fiber.h"

G_DEFINE_ABSTRACT_TYPE (CupelEntity, cupel_entity, G_TYPE_OBJECT)

static guint notify_signal;

gboolean
cupel_entity_bits_any (CupelMapper           *mapper,
                       const CupelEntityBits *bits)
{
  const guint64 *words = cupel_entity_peek_bits (mapper, bits);

  for (guint i = 0; i < mapper->n_words; i++)
    if (words[i] != 0)
      return TRUE;
  return FALSE;
}

void
cupel_entity_bits_clear (CupelMapper     *mapper,
                         CupelEntityBits *bits)
{
  if (mapper->n_words == 1)
    bits->word = 0;
  else if (bits->words != NULL)
    memset (bits->words, 0, mapper->n_words * sizeof (guint64));
}

CupelEntityExtra *
cupel_entity_extra (CupelEntity *self)
{
  if (self->extra == NULL)
    {
      CupelMapper *mapper = cupel_mapper_of (self);
      const gsize n_related = mapper != NULL ? mapper->relationships->len : 0;
      CupelEntityExtra *extra = g_malloc0 (sizeof (CupelEntityExtra) + n_related * sizeof (GObject *));

      if (n_related > 0)
        extra->related = (GObject **) (extra + 1);
      self->extra = extra;
    }
  return self->extra;
}

static void
clear_values (CupelValue ***values,
              guint         n)
{
  if (*values == NULL)
    return;
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&(*values)[i], cupel_value_unref);
  g_clear_pointer (values, g_free);
}

/* Casts that are checked would take a tenth of its time. */
static void
cupel_entity_finalize (GObject *object)
{
  CupelEntity *self = (CupelEntity *) object;
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelEntityExtra *extra = self->extra;

  if (self->session != NULL)
    cupel_session_entity_finalized (self->session, self);

  if (extra != NULL)
    {
      if (extra->related != NULL)
        for (guint i = 0; i < mapper->relationships->len; i++)
          cupel_entity_unload_related (self, i);
      if (extra->strategies != NULL)
        for (guint i = 0; i < mapper->relationships->len; i++)
          g_clear_object (&extra->strategies[i]);
      g_free (extra->strategies);
      clear_values (&extra->originals, mapper->attributes->len);
      clear_values (&extra->snapshot, mapper->attributes->len);
      g_free (extra);
    }
  if (mapper != NULL)
    {
      for (guint i = 0; i < mapper->attributes->len; i++)
        {
          CupelAttribute *attribute = cupel_mapper_attribute (mapper, i);
          gpointer *member = G_STRUCT_MEMBER_P (self, attribute->offset);

          switch (attribute->store)
            {
            case CUPEL_STORE_STRING:
              g_free (*member);
              break;
            case CUPEL_STORE_BYTES:
              g_clear_pointer ((GBytes **) member, g_bytes_unref);
              break;
            case CUPEL_STORE_DATETIME:
              g_clear_pointer ((GDateTime **) member, g_date_time_unref);
              break;
            case CUPEL_STORE_DATE:
              g_clear_pointer ((GDate **) member, g_date_free);
              break;
            case CUPEL_STORE_BOOLEAN:
            case CUPEL_STORE_INT:
            case CUPEL_STORE_INT64:
            case CUPEL_STORE_DOUBLE:
            case CUPEL_STORE_PROPERTY:
            default:
              break;
            }
        }
      if (mapper->n_words > 1)
        {
          g_free (self->loaded.words);
          g_free (self->modified.words);
          g_free (self->nulls.words);
        }
    }

  ((GObjectClass *) cupel_entity_parent_class)->finalize (object);
}

/* The properties of a class that is mapped in C: one getter and one setter for all. */
void
cupel_entity_get_property (GObject    *object,
                           guint       prop_id,
                           GValue     *value,
                           GParamSpec *pspec)
{
  CupelEntity *self = CUPEL_ENTITY (object);
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelAttribute *attribute;
  gpointer member;

  if (mapper == NULL || prop_id > mapper->attributes->len)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }
  attribute = cupel_mapper_attribute (mapper, prop_id - 1);
  member = G_STRUCT_MEMBER_P (self, attribute->offset);
  switch (attribute->store)
    {
    case CUPEL_STORE_BOOLEAN:
      g_value_set_boolean (value, *(gboolean *) member);
      break;
    case CUPEL_STORE_INT:
      g_value_set_int (value, *(int *) member);
      break;
    case CUPEL_STORE_INT64:
      g_value_set_int64 (value, *(gint64 *) member);
      break;
    case CUPEL_STORE_DOUBLE:
      g_value_set_double (value, *(double *) member);
      break;
    case CUPEL_STORE_STRING:
      g_value_set_string (value, *(char **) member);
      break;
    case CUPEL_STORE_BYTES:
    case CUPEL_STORE_DATETIME:
    case CUPEL_STORE_DATE:
      g_value_set_boxed (value, *(gpointer *) member);
      break;
    case CUPEL_STORE_PROPERTY:
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

/* TRUE: the member was another value. */
static gboolean
replace_member (CupelAttribute *attribute,
                gpointer        member,
                const GValue   *value)
{
  switch (attribute->store)
    {
    case CUPEL_STORE_BOOLEAN:
      if (!*(gboolean *) member == !g_value_get_boolean (value))
        return FALSE;
      *(gboolean *) member = g_value_get_boolean (value);
      return TRUE;
    case CUPEL_STORE_INT:
      if (*(int *) member == g_value_get_int (value))
        return FALSE;
      *(int *) member = g_value_get_int (value);
      return TRUE;
    case CUPEL_STORE_INT64:
      if (*(gint64 *) member == g_value_get_int64 (value))
        return FALSE;
      *(gint64 *) member = g_value_get_int64 (value);
      return TRUE;
    case CUPEL_STORE_DOUBLE:
      if (memcmp (member, &value->data[0].v_double, sizeof (double)) == 0)
        return FALSE;
      *(double *) member = g_value_get_double (value);
      return TRUE;
    case CUPEL_STORE_STRING:
      if (g_strcmp0 (*(char **) member, g_value_get_string (value)) == 0)
        return FALSE;
      g_free (*(char **) member);
      *(char **) member = g_value_dup_string (value);
      return TRUE;
    case CUPEL_STORE_BYTES:
      {
        GBytes *old = *(GBytes **) member;
        GBytes *new = g_value_get_boxed (value);

        if (old == new || (old != NULL && new != NULL && g_bytes_equal (old, new)))
          return FALSE;
        *(GBytes **) member = g_value_dup_boxed (value);
        g_clear_pointer (&old, g_bytes_unref);
        return TRUE;
      }
    case CUPEL_STORE_DATETIME:
      {
        GDateTime *old = *(GDateTime **) member;
        GDateTime *new = g_value_get_boxed (value);

        if (old == new || (old != NULL && new != NULL && g_date_time_equal (old, new)))
          return FALSE;
        *(GDateTime **) member = g_value_dup_boxed (value);
        g_clear_pointer (&old, g_date_time_unref);
        return TRUE;
      }
    case CUPEL_STORE_DATE:
      {
        GDate *old = *(GDate **) member;
        GDate *new = g_value_get_boxed (value);

        if (old == new || (old != NULL && new != NULL && g_date_compare (old, new) == 0))
          return FALSE;
        *(GDate **) member = g_value_dup_boxed (value);
        g_clear_pointer (&old, g_date_free);
        return TRUE;
      }
    case CUPEL_STORE_PROPERTY:
    default:
      g_assert_not_reached ();
    }
}

static gboolean
value_is_null (const GValue *value)
{
  return (G_VALUE_HOLDS_STRING (value) || G_VALUE_HOLDS_BOXED (value)) && g_value_peek_pointer (value) == NULL;
}

/* Joins the session's dirty, which hold it until it is flushed. */
static void
mark_modified (CupelEntity *self,
               CupelMapper *mapper,
               guint        index)
{
  cupel_entity_set_bit (mapper, &self->modified, index, TRUE);
  cupel_entity_set_bit (mapper, &self->loaded, index, TRUE);
  self->flags |= CUPEL_ENTITY_FLAG_TOUCHED;
  if (self->session != NULL && (self->flags & CUPEL_ENTITY_FLAG_PERSISTENT) && !(self->flags & CUPEL_ENTITY_FLAG_DIRTY))
    cupel_session_entity_dirty (self->session, self);
}

/* What an attribute is now; NULL when it cannot be told. */
static CupelValue *
dup_value (CupelEntity *self,
           CupelMapper *mapper,
           guint        index)
{
  if (cupel_mapper_attribute (mapper, index)->store != CUPEL_STORE_PROPERTY)
    {
      CupelCell cell;

      return cupel_entity_peek_cell (self, mapper, index, &cell, NULL) ? cupel_value_new_from_cell (&cell) : NULL;
    }
  else
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
      CupelCell *cell = cupel_row_block_add_row (block);

      return cupel_entity_fetch_cell (self, mapper, index, block, cell, NULL) ? cupel_value_new_from_cell (cell) : NULL;
    }
}

gboolean
cupel_entity_has_cell (CupelEntity     *self,
                       CupelMapper     *mapper,
                       guint            index,
                       const CupelCell *cell)
{
  if (cupel_mapper_attribute (mapper, index)->store != CUPEL_STORE_PROPERTY)
    {
      CupelCell now;

      return cupel_entity_peek_cell (self, mapper, index, &now, NULL) && cupel_cell_equal (&now, cell);
    }
  else
    {
      g_autoptr(CupelRowBlock) block = cupel_row_block_new (1, 1);
      CupelCell *now = cupel_row_block_add_row (block);

      return cupel_entity_fetch_cell (self, mapper, index, block, now, NULL) && cupel_cell_equal (now, cell);
    }
}

/* TRUE: the original was remembered just now. */
static gboolean
take_original (CupelEntity *self,
               CupelMapper *mapper,
               guint        index)
{
  CupelEntityExtra *extra;

  if (!(self->flags & CUPEL_ENTITY_FLAG_PERSISTENT) || !cupel_entity_bit (mapper, &self->loaded, index) ||
      cupel_entity_bit (mapper, &self->modified, index))
    return FALSE;

  extra = cupel_entity_extra (self);
  if (extra->originals == NULL)
    extra->originals = g_new0 (CupelValue *, mapper->attributes->len);
  if (extra->originals[index] != NULL)
    return FALSE;
  extra->originals[index] = dup_value (self, mapper, index);
  return TRUE;
}

void
cupel_entity_touch (CupelEntity *self,
                    CupelMapper *mapper,
                    guint        index)
{
  take_original (self, mapper, index);
}

/* A value that is set back to what the row has is no change. */
static void
settle (CupelEntity *self,
        CupelMapper *mapper,
        guint        index)
{
  CupelEntityExtra *extra = self->extra;

  mark_modified (self, mapper, index);
  if (extra != NULL && extra->originals != NULL && extra->originals[index] != NULL &&
      cupel_entity_has_cell (self, mapper, index, cupel_value_get_cell (extra->originals[index])))
    {
      cupel_entity_set_bit (mapper, &self->modified, index, FALSE);
      g_clear_pointer (&extra->originals[index], cupel_value_unref);
    }
}

/* Handlers of notify are the user's: they run on the main stack, even when a fiber sets a property. */
typedef struct
{
  GObject *object;
  guint n_pspecs;
  GParamSpec **pspecs;
} Dispatch;

static void
dispatch_on_main_stack (gpointer data)
{
  Dispatch *dispatch = data;

  G_OBJECT_CLASS (cupel_entity_parent_class)->dispatch_properties_changed (dispatch->object, dispatch->n_pspecs, dispatch->pspecs);
}

/* Handlers of "notify" and those of "notify::name" are not found together. */
static gboolean
is_watched (GObject     *object,
            guint        n_pspecs,
            GParamSpec **pspecs)
{
  if (g_signal_has_handler_pending (object, notify_signal, 0, FALSE))
    return TRUE;
  for (guint i = 0; i < n_pspecs; i++)
    if (g_signal_has_handler_pending (object, notify_signal, g_param_spec_get_name_quark (pspecs[i]), FALSE))
      return TRUE;
  return FALSE;
}

static void
cupel_entity_dispatch_properties_changed (GObject     *object,
                                          guint        n_pspecs,
                                          GParamSpec **pspecs)
{
  Dispatch dispatch = { object, n_pspecs, pspecs };

  if (cupel_in_fiber () && is_watched (object, n_pspecs, pspecs))
    cupel_call_on_main_stack (dispatch_on_main_stack, &dispatch);
  else
    dispatch_on_main_stack (&dispatch);
}

/* Classes with properties of their own are watched here. */
static void
cupel_entity_notify (GObject    *object,
                     GParamSpec *pspec)
{
  CupelEntity *self = CUPEL_ENTITY (object);
  CupelMapper *mapper = cupel_mapper_of (self);
  int index;

  if (mapper != NULL && !mapper->native && !(self->flags & CUPEL_ENTITY_FLAG_LOADING) &&
      (index = cupel_mapper_find (mapper, pspec->name)) >= 0)
    {
      cupel_entity_set_bit (mapper, &self->nulls, index, FALSE);
      mark_modified (self, mapper, index);
    }

  if (G_OBJECT_CLASS (cupel_entity_parent_class)->notify != NULL)
    G_OBJECT_CLASS (cupel_entity_parent_class)->notify (object, pspec);
}

/* GObject gives every new object a queue for notifications if its class overrides one of the two functions above, which takes longer
 * than to load it, and takes it away again. A class that is mapped in C needs neither until somebody listens; from then on it has what
 * brings handlers to the main stack. Objects that another thread makes meanwhile get a queue or none, and GObject is fine with both. */
void
cupel_entity_class_hear_nothing (GObjectClass *klass)
{
  const GObjectClass *base = cupel_entity_parent_class;

  if (klass->notify == cupel_entity_notify)
    klass->notify = base->notify;
  if (klass->dispatch_properties_changed == cupel_entity_dispatch_properties_changed)
    klass->dispatch_properties_changed = base->dispatch_properties_changed;
}

void
cupel_entity_class_hear (GObjectClass *klass)
{
  const GObjectClass *base = cupel_entity_parent_class;

  if (klass->notify == base->notify)
    klass->notify = cupel_entity_notify;
  if (klass->dispatch_properties_changed == base->dispatch_properties_changed)
    klass->dispatch_properties_changed = cupel_entity_dispatch_properties_changed;
}

/* A notification that nobody would hear is saved: it takes longer than all the rest. A class may hear it without a handler. */
static void
notify_if_heard (GObject    *object,
                 GParamSpec *pspec)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (object);
  const GObjectClass *base = cupel_entity_parent_class;
  gboolean watched = is_watched (object, 1, &pspec);

  if (watched && klass->dispatch_properties_changed == base->dispatch_properties_changed)
    g_atomic_pointer_set (&klass->dispatch_properties_changed, cupel_entity_dispatch_properties_changed);
  if (watched || (klass->notify != cupel_entity_notify && klass->notify != base->notify) ||
      (klass->dispatch_properties_changed != cupel_entity_dispatch_properties_changed &&
       klass->dispatch_properties_changed != base->dispatch_properties_changed))
    g_object_notify_by_pspec (object, pspec);
}

void
cupel_entity_set_property (GObject      *object,
                           guint         prop_id,
                           const GValue *value,
                           GParamSpec   *pspec)
{
  CupelEntity *self = CUPEL_ENTITY (object);
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelAttribute *attribute;
  guint index = prop_id - 1;
  gboolean was_null, is_null, known, is_first, is_other;
  gpointer member;

  if (mapper == NULL || index >= mapper->attributes->len)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      return;
    }
  attribute = cupel_mapper_attribute (mapper, index);
  member = G_STRUCT_MEMBER_P (self, attribute->offset);
  known = cupel_entity_bit (mapper, &self->loaded, index);
  was_null = cupel_entity_bit (mapper, &self->nulls, index);
  is_null = value_is_null (value);

  is_first = take_original (self, mapper, index);
  is_other = replace_member (attribute, member, value);
  if (!is_other && known && was_null == is_null)
    return;

  cupel_entity_set_bit (mapper, &self->nulls, index, is_null);
  /* What differs from the original at the first change need not be compared with it again. */
  if (is_first && is_other)
    mark_modified (self, mapper, index);
  else
    settle (self, mapper, index);
  notify_if_heard (object, pspec);
}

static void
cupel_entity_class_init (CupelEntityClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = cupel_entity_finalize;
  object_class->notify = cupel_entity_notify;
  object_class->dispatch_properties_changed = cupel_entity_dispatch_properties_changed;

  notify_signal = g_signal_lookup ("notify", G_TYPE_OBJECT);
}

static void
cupel_entity_init (CupelEntity *self)
{
}

char *
cupel_entity_describe (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);
  g_autoptr(CupelRowBlock) block = NULL;
  GString *text = g_string_new (G_OBJECT_TYPE_NAME (self));

  if (mapper == NULL || !mapper->native || !(self->flags & CUPEL_ENTITY_FLAG_PERSISTENT))
    return g_string_free (text, FALSE);

  block = cupel_row_block_new (1, 1);
  g_string_append (text, " with key ");
  for (guint i = 0; i < mapper->n_key; i++)
    {
      CupelCell *cell = cupel_row_block_add_row (block);

      if (cupel_entity_fetch_cell (self, mapper, mapper->key[i], block, cell, NULL))
        {
          g_autofree char *part = cupel_cell_to_string (cell);

          g_string_append_printf (text, i == 0 ? "%s" : ", %s", part);
        }
    }
  return g_string_free (text, FALSE);
}

void
cupel_entity_expire (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);

  cupel_entity_forget_changes (self);
  for (guint i = 0; i < mapper->attributes->len; i++)
    if (!cupel_mapper_attribute (mapper, i)->primary_key)
      cupel_entity_set_bit (mapper, &self->loaded, i, FALSE);
  for (guint i = 0; i < mapper->relationships->len; i++)
    cupel_entity_unload_related (self, i);
  self->flags |= CUPEL_ENTITY_FLAG_EXPIRED;
}

void
cupel_entity_forget_changes (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelEntityExtra *extra = self->extra;

  cupel_entity_bits_clear (mapper, &self->modified);
  if (extra != NULL)
    clear_values (&extra->originals, mapper->attributes->len);
}

void
cupel_entity_forget_some (CupelEntity *self,
                          const guint *binds,
                          guint        n_binds)
{
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelEntityExtra *extra = self->extra;

  for (guint b = 0; b < n_binds; b++)
    {
      cupel_entity_set_bit (mapper, &self->modified, binds[b], FALSE);
      if (extra != NULL && extra->originals != NULL)
        g_clear_pointer (&extra->originals[binds[b]], cupel_value_unref);
    }
}

void
cupel_entity_keep_changes (CupelEntity     *self,
                           const guint     *binds,
                           guint            n_binds,
                           const CupelCell *row)
{
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelEntityExtra *extra = cupel_entity_extra (self);

  self->flags &= ~CUPEL_ENTITY_FLAG_TOUCHED;
  for (guint b = 0; b < n_binds; b++)
    {
      guint index = binds[b];

      if (!cupel_entity_bit (mapper, &self->loaded, index) || cupel_entity_has_cell (self, mapper, index, &row[b]))
        continue;
      if (mapper->native)
        {
          if (extra->originals == NULL)
            extra->originals = g_new0 (CupelValue *, mapper->attributes->len);
          g_clear_pointer (&extra->originals[index], cupel_value_unref);
          extra->originals[index] = cupel_value_new_from_cell (&row[b]);
        }
      mark_modified (self, mapper, index);
    }
}

void
cupel_entity_discard_changes (CupelEntity *self)
{
  CupelMapper *mapper = cupel_mapper_of (self);
  CupelEntityExtra *extra = self->extra;

  if (extra != NULL && extra->originals != NULL)
    for (guint i = 0; i < mapper->attributes->len; i++)
      if (extra->originals[i] != NULL)
        cupel_entity_assign_cell (self, i, cupel_value_get_cell (extra->originals[i]), NULL);
  if (extra != NULL && extra->snapshot != NULL)
    for (guint i = 0; i < mapper->attributes->len; i++)
      if (cupel_entity_bit (mapper, &self->modified, i) && extra->snapshot[i] != NULL)
        {
          g_autoptr(CupelValue) value = cupel_value_ref (extra->snapshot[i]);

          cupel_entity_assign_cell (self, i, cupel_value_get_cell (value), NULL);
        }
  cupel_entity_forget_changes (self);
}

/**
 * cupel_entity_get_state:
 * @entity: an entity
 *
 * Gets where the entity is in its life.
 *
 * Returns: its state
 *
 * Since: 1.0
 */
CupelEntityState
cupel_entity_get_state (CupelEntity *entity)
{
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), CUPEL_ENTITY_TRANSIENT);

  if (entity->session == NULL)
    return entity->flags & CUPEL_ENTITY_FLAG_PERSISTENT ? CUPEL_ENTITY_DETACHED : CUPEL_ENTITY_TRANSIENT;
  if (entity->flags & CUPEL_ENTITY_FLAG_DELETED)
    return CUPEL_ENTITY_DELETED;
  return entity->flags & CUPEL_ENTITY_FLAG_PENDING ? CUPEL_ENTITY_PENDING : CUPEL_ENTITY_PERSISTENT;
}

/**
 * cupel_entity_get_session:
 * @entity: an entity
 *
 * Gets the session that the entity is in.
 *
 * Returns: (transfer none) (nullable): the session, or %NULL
 *
 * Since: 1.0
 */
CupelSession *
cupel_entity_get_session (CupelEntity *entity)
{
  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), NULL);

  return entity->session;
}

static int
find_attribute (CupelEntity *entity,
                const char  *name)
{
  CupelMapper *mapper = cupel_mapper_of (entity);
  int index = mapper != NULL ? cupel_mapper_find (mapper, name) : -1;

  if (index < 0)
    g_critical ("%s has no attribute \"%s\"", G_OBJECT_TYPE_NAME (entity), name);
  return index;
}

/**
 * cupel_entity_is_loaded:
 * @entity: an entity
 * @name: the name of an attribute or a relationship
 *
 * Tells whether an attribute has a value in memory: one that was loaded, or set.
 *
 * Returns: %TRUE if reading it needs no I/O
 *
 * Since: 1.0
 */
gboolean
cupel_entity_is_loaded (CupelEntity *entity,
                        const char  *name)
{
  CupelMapper *mapper;
  CupelRelationship *relationship;
  int index;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  mapper = cupel_mapper_of (entity);
  g_return_val_if_fail (mapper != NULL, FALSE);

  relationship = cupel_mapper_find_relationship (mapper, name);
  if (relationship != NULL)
    return cupel_entity_related_loaded (entity, relationship->index);
  index = find_attribute (entity, name);
  return index >= 0 && cupel_entity_bit (mapper, &entity->loaded, index);
}

/**
 * cupel_entity_is_modified:
 * @entity: an entity
 * @name: the name of an attribute
 *
 * Tells whether the attribute differs from its row: a value that was set back counts as unchanged.
 *
 * Returns: %TRUE if the next flush would write it
 *
 * Since: 1.0
 */
gboolean
cupel_entity_is_modified (CupelEntity *entity,
                          const char  *name)
{
  int index;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  index = find_attribute (entity, name);
  return index >= 0 && cupel_entity_bit (cupel_mapper_of (entity), &entity->modified, index);
}

/**
 * cupel_entity_is_null:
 * @entity: an entity
 * @name: the name of an attribute
 *
 * Tells SQL NULL from 0 and from the empty string.
 *
 * Returns: %TRUE if the attribute is NULL, or was never set
 *
 * Since: 1.0
 */
gboolean
cupel_entity_is_null (CupelEntity *entity,
                      const char  *name)
{
  CupelMapper *mapper;
  int index;

  g_return_val_if_fail (CUPEL_IS_ENTITY (entity), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  mapper = cupel_mapper_of (entity);
  index = find_attribute (entity, name);
  return index >= 0 && (!cupel_entity_bit (mapper, &entity->loaded, index) || cupel_entity_bit (mapper, &entity->nulls, index));
}

/**
 * cupel_entity_set_null:
 * @entity: an entity
 * @name: the name of an attribute
 *
 * Sets an attribute to SQL NULL: the way to do so for a number or a boolean.
 *
 * Since: 1.0
 */
void
cupel_entity_set_null (CupelEntity *entity,
                       const char  *name)
{
  static const CupelCell null = { .kind = CUPEL_CELL_NULL };
  CupelMapper *mapper;
  int index;

  g_return_if_fail (CUPEL_IS_ENTITY (entity));
  g_return_if_fail (name != NULL);

  mapper = cupel_mapper_of (entity);
  index = find_attribute (entity, name);
  if (index < 0 || (cupel_entity_bit (mapper, &entity->loaded, index) && cupel_entity_bit (mapper, &entity->nulls, index)))
    return;

  cupel_entity_touch (entity, mapper, index);
  cupel_entity_change_cell (entity, mapper, index, &null, NULL);
  settle (entity, mapper, index);
  if (mapper->native)
    notify_if_heard (G_OBJECT (entity), cupel_mapper_attribute (mapper, index)->pspec);
}
