/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-transaction-private.h"
#include "orm/cupel-identity-map-private.h"
#include "orm/cupel-mapper-private.h"
#include "orm/cupel-session.h"

G_BEGIN_DECLS

/* What a nested transaction did to entities: what a rollback of it undoes. */
typedef struct
{
  CupelTransaction *transaction;
  GHashTable       *inserted;    /* set of CupelEntity, held */
  GPtrArray        *changed;     /* (element-type CupelEntity): written, or children of theirs were */
  guint             n_gone;      /* of session->gone, before it */
  guint             n_rekeyed;   /* of session->rekeyed, before it */
} CupelSessionLevel;

/* A function that is run in a transaction: when that is over, the session refuses work until the function has returned. */
typedef struct _CupelSessionBlock CupelSessionBlock;

struct _CupelSessionBlock
{
  CupelTransaction  *transaction;   /* nullable: it is nested */
  guint              serial;        /* of the outermost one */
  CupelSessionBlock *outer;
};

struct _CupelSession
{
  GObject          parent_instance;

  CupelEngine     *engine;
  GThread         *thread;
  CupelConnection *connection;     /* of the transaction in progress */
  CupelIdentityMap identity;
  GPtrArray       *new_;           /* (element-type CupelEntity), in the order of adding; holds references */
  GPtrArray       *dirty;          /* the same, of persistent ones that changed */
  GPtrArray       *deleted;        /* marked for deletion */
  GPtrArray       *gone;           /* deleted in this transaction, until it ends */
  GPtrArray       *kept;           /* parents that only children of theirs held; nullable */
  GPtrArray       *rekeyed;        /* (element-type CupelRekeyed): changes of keys in this transaction; nullable */
  guint            transaction;    /* its number, by which entities that it inserted are known; never 0 */
  const char      *operation;      /* in flight, NULL: none */
  GPtrArray       *inherited;      /* (element-type CupelLoaderOption) what the statement under way says of deeper levels; borrowed */
  char            *failure;        /* why a rollback is pending */
  CupelIsolationLevel isolation;   /* of this transaction */
  CupelBeginFlags  begin_flags;    /* likewise */
  GPtrArray       *levels;         /* (element-type CupelSessionLevel): nested transactions, innermost last; nullable */
  CupelTransaction *failed;        /* the nested one whose rollback the failure waits for; NULL: the outermost one's */
  CupelErrorCategory failure_category;
  CupelSessionBlock *block;        /* the innermost one under way; nullable */
  guint            serial;         /* counts transactions that ended */
  guint            attempt;        /* which try of a function this session is for, from 1 */
  guint            autoflush : 1;
  guint            expire_on_commit : 1;
  guint            own_isolation : 1; /* isolation is for the connection, until it goes back, and not for the transaction */
  guint            begun : 1;      /* a transaction of the session's own is in progress, perhaps without a statement yet */
  guint            flushing : 1;
  guint            expire_later : 1; /* wanted while a flush was at work */
};

/* One operation at a time, on the thread that made the session. */
gboolean         cupel_session_enter          (CupelSession    *self,
                                               const char      *operation,
                                               GError         **error);
/* The same for what ends a failed transaction. */
gboolean         cupel_session_enter_cleanup  (CupelSession    *self,
                                               const char      *operation,
                                               GError         **error);
void             cupel_session_leave          (CupelSession    *self);
/* The claim of a CupelCall on a session. */
const char     **cupel_session_claim          (gpointer         self,
                                               gpointer         args,
                                               const char      *operation,
                                               GObject        **owner,
                                               GError         **error);

/* The parts of operations: in a fiber, between enter and leave. */
CupelConnection *cupel_session_acquire        (CupelSession    *self,
                                               GCancellable    *cancellable,
                                               GError         **error);
gboolean         cupel_session_do_flush       (CupelSession    *self,
                                               GCancellable    *cancellable,
                                               GError         **error);
gboolean         cupel_session_do_rollback    (CupelSession    *self,
                                               GError         **error);
gboolean         cupel_session_do_commit      (CupelSession    *self,
                                               GCancellable    *cancellable,
                                               GError         **error);
void             cupel_session_do_close       (CupelSession    *self);
/* After a flush that failed: rolls back what it was in. */
void             cupel_session_fail           (CupelSession    *self,
                                               const GError    *failure);
void             cupel_session_release        (CupelSession    *self);
void             cupel_session_clear_failure  (CupelSession    *self);
/* New ones that were not written are transient again. */
void             cupel_session_drop_new       (CupelSession    *self);

/* Nested transactions. */
void             cupel_session_note_inserted  (CupelSession    *self,
                                               CupelEntity     *entity);
void             cupel_session_note_changed   (CupelSession    *self,
                                               GPtrArray       *entities);
void             cupel_session_forget_levels  (CupelSession    *self);
/* Takes over the reference of a child to its parent, which has the child in a collection now: until nobody holds one of its children, or
 * somebody else holds it; that is looked for when a transaction ends. */
void             cupel_session_keep           (CupelSession    *self,
                                               CupelEntity     *entity);         /* (transfer full) */
void             cupel_session_sweep_kept     (CupelSession    *self);
/* Changes of primary keys: noted before what the row had is forgotten, and undone down to the first @n_left. */
void             cupel_session_note_rekeyed   (CupelSession    *self,
                                               CupelEntity     *entity);
void             cupel_session_undo_rekeyed   (CupelSession    *self,
                                               guint            n_left);
gboolean         cupel_session_autoflush_now  (CupelSession    *self,
                                               GCancellable    *cancellable,
                                               GError         **error);
/* Rows of a select over a mapped class become entities, with everything that its loader options ask for. */
GPtrArray       *cupel_session_query          (CupelSession    *self,
                                               CupelSelect     *select,
                                               CupelRowBlock   *sets,
                                               gboolean         populate_existing,
                                               GCancellable    *cancellable,
                                               GError         **error);
gboolean         cupel_session_materialize    (CupelSession    *self,
                                               CupelMapper     *mapper,
                                               CupelRowBlock   *block,
                                               gboolean         populate_existing,
                                               GPtrArray       *entities,
                                               GError         **error);
gboolean         cupel_session_run_loaders    (CupelSession    *self,
                                               CupelMapper     *mapper,
                                               CupelStatement  *statement,
                                               CupelEntity    **parents,
                                               guint            n_parents,
                                               GCancellable    *cancellable,
                                               GError         **error);
/* Whether entities of a class that come now have something loaded with them. */
gboolean         cupel_session_loads_more     (CupelSession    *self,
                                               CupelMapper     *mapper);
gboolean         cupel_session_load_attribute (CupelSession    *self,
                                               CupelEntity     *entity,
                                               const char      *name,
                                               GCancellable    *cancellable,
                                               GError         **error);
gboolean         cupel_session_do_refresh     (CupelSession    *self,
                                               CupelEntity     *entity,
                                               gboolean         populate_existing,
                                               GCancellable    *cancellable,
                                               GError         **error);

/* What the server gave to rows that were just inserted, all of one shape, and did not return. */
gboolean         cupel_session_fetch_defaults (CupelSession    *self,
                                               CupelMapper     *mapper,
                                               CupelEntity    **entities,
                                               guint            n_entities,
                                               GCancellable    *cancellable,
                                               GError         **error);

/* Called by entities and collections. */
void             cupel_session_entity_dirty     (CupelSession  *self,
                                                 CupelEntity   *entity);
void             cupel_session_entity_finalized (CupelSession  *self,
                                                 CupelEntity   *entity);
void             cupel_session_cascade_add      (CupelSession  *self,
                                                 CupelEntity   *entity);
gboolean         cupel_session_attach           (CupelSession  *self,
                                                 CupelEntity   *entity,
                                                 GError       **error);
/* After an INSERT: the entity has a row now. Its key is known. */
gboolean         cupel_session_adopt            (CupelSession  *self,
                                                 CupelEntity   *entity,
                                                 GError       **error);
/* After an UPDATE of its key. */
void             cupel_session_rekey            (CupelSession  *self,
                                                 CupelEntity   *entity);
/* The object of its row again, after what happened since was rolled back; one that has its key is detached. */
void             cupel_session_put_back         (CupelSession     *self,
                                                 CupelEntity      *entity);
/* The key of an entity as it is in memory. @block keeps the cells; FALSE: a part is NULL. */
gboolean         cupel_session_key_of           (CupelEntity      *entity,
                                                 CupelRowBlock    *block,
                                                 const CupelCell **cells,
                                                 CupelIdentityKey *key);
/* Does a part of the work on many entities of one class. For a native class it runs in the fiber, and ticks itself for each. */
typedef gboolean (*CupelSliceFunc) (gpointer data,
                                    guint    start,
                                    guint    end);
/* Runs @func where the getters and setters of the class may run, in slices between which the main loop has its turn. */
gboolean         cupel_session_run_slices       (CupelMapper    *mapper,
                                                 guint           n,
                                                 CupelSliceFunc  func,
                                                 gpointer        data);
/* Runs @func where the getters and setters of the class may run. */
void             cupel_session_run_for_class    (CupelMapper   *mapper,
                                                 CupelFiberFunc func,
                                                 gpointer       data);

G_END_DECLS
