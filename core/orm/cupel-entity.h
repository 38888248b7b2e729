/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "orm/cupel-collection.h"
#include "orm/cupel-mapping.h"

G_BEGIN_DECLS

#define CUPEL_TYPE_ENTITY (cupel_entity_get_type ())
#define CUPEL_ENTITY(o)           (G_TYPE_CHECK_INSTANCE_CAST ((o), CUPEL_TYPE_ENTITY, CupelEntity))
#define CUPEL_ENTITY_CLASS(k)     (G_TYPE_CHECK_CLASS_CAST ((k), CUPEL_TYPE_ENTITY, CupelEntityClass))
#define CUPEL_IS_ENTITY(o)        (G_TYPE_CHECK_INSTANCE_TYPE ((o), CUPEL_TYPE_ENTITY))
#define CUPEL_IS_ENTITY_CLASS(k)  (G_TYPE_CHECK_CLASS_TYPE ((k), CUPEL_TYPE_ENTITY))
#define CUPEL_ENTITY_GET_CLASS(o) (G_TYPE_INSTANCE_GET_CLASS ((o), CUPEL_TYPE_ENTITY, CupelEntityClass))

typedef struct _CupelSession     CupelSession;
typedef struct _CupelEntityClass CupelEntityClass;

/* One bit per attribute: in place up to 64, else in an array. */
typedef union
{
  guint64  word;
  guint64 *words;
} CupelEntityBits;

/**
 * CupelEntity:
 *
 * The base of a mapped class: one row of a table. Its attributes are GObject properties; a change is noticed through
 * them: what is written into a member of the struct never gets into the database. Reading the member is fine.
 *
 * Reading an attribute never does I/O, in a fiber either. What it holds while it is not loaded, after a rollback for instance, says
 * nothing of the row: see cupel_entity_require(), cupel_entity_load() and cupel_session_refresh().
 */
struct _CupelEntity
{
  GObject parent_instance;

  /*< private >*/
  gpointer session;
  gpointer extra;
  gint64 identity;
  CupelEntityBits loaded;
  CupelEntityBits modified;
  CupelEntityBits nulls;
  guint flags;
  guint inserted_in;
};

struct _CupelEntityClass
{
  GObjectClass parent_class;

  /*< private >*/
  gpointer mapper;
  gpointer _reserved[8];
};

/**
 * CupelEntityState:
 * @CUPEL_ENTITY_TRANSIENT: in no session and in no database
 * @CUPEL_ENTITY_PENDING: added to a session; the next flush inserts it
 * @CUPEL_ENTITY_PERSISTENT: in a session, with a row
 * @CUPEL_ENTITY_DELETED: its row was deleted by a flush; the transaction is still open
 * @CUPEL_ENTITY_DETACHED: has or had a row, and belongs to no session
 *
 * What a session knows of an entity.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_ENTITY_TRANSIENT,
  CUPEL_ENTITY_PENDING,
  CUPEL_ENTITY_PERSISTENT,
  CUPEL_ENTITY_DELETED,
  CUPEL_ENTITY_DETACHED,
} CupelEntityState;

CUPEL_AVAILABLE_IN_1_0
GType cupel_entity_get_type (void) G_GNUC_CONST;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelEntity, g_object_unref)

CUPEL_AVAILABLE_IN_1_0
CupelEntityState cupel_entity_get_state (CupelEntity *entity);
CUPEL_AVAILABLE_IN_1_0
CupelSession *cupel_entity_get_session (CupelEntity *entity);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_is_loaded (CupelEntity *entity,
                                 const char *name);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_is_modified (CupelEntity *entity,
                                   const char *name);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_is_null (CupelEntity *entity,
                               const char *name);
CUPEL_AVAILABLE_IN_1_0
void cupel_entity_set_null (CupelEntity *entity,
                            const char *name);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_require (CupelEntity *entity,
                               const char *name,
                               GError **error);
CUPEL_AVAILABLE_IN_1_0
GListModel *cupel_entity_get_list (CupelEntity *entity,
                                   const char *name,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
gpointer cupel_entity_get_related (CupelEntity *entity,
                                   const char *name,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_set_related (CupelEntity *entity,
                                   const char *name,
                                   CupelEntity *related,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
CupelWriteOnlyCollection *cupel_entity_get_write_only (CupelEntity *entity,
                                                       const char *name,
                                                       GError **error);
CUPEL_AVAILABLE_IN_1_0
void cupel_entity_append (CupelEntity *entity,
                          const char *name,
                          CupelEntity *related);
CUPEL_AVAILABLE_IN_1_0
void cupel_entity_remove (CupelEntity *entity,
                          const char *name,
                          CupelEntity *related);
CUPEL_AVAILABLE_IN_1_0
void cupel_entity_load_async (CupelEntity *entity,
                              const char *name,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_load_finish (CupelEntity *entity,
                                   GAsyncResult *result,
                                   GError **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_entity_load (CupelEntity *entity,
                            const char *name,
                            GCancellable *cancellable,
                            GError **error);

G_END_DECLS
