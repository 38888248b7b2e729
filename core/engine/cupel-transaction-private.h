/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-transaction.h"
#include "runtime/cupel-call-private.h"

G_BEGIN_DECLS

/* How one ended. */
typedef enum
{
  CUPEL_END_NONE,          /* it is active */
  CUPEL_END_COMMITTED,
  CUPEL_END_ROLLED_BACK,
  CUPEL_END_OUTER,         /* together with the one around it */
  CUPEL_END_SERVER,        /* the server gave the whole transaction up, or committed it by itself */
  CUPEL_END_CLOSED,        /* with its connection */
  CUPEL_END_FAILED,        /* what the layer above wrote in it failed, and it was rolled back */
} CupelTransactionEnd;

/* A layer above that has a state of its own to commit or to roll back. It calls the plain functions below. */
typedef struct
{
  gboolean (*commit)   (CupelTransaction  *transaction,
                        gpointer           owner,
                        GCancellable      *cancellable,
                        GError           **error);
  gboolean (*rollback) (CupelTransaction  *transaction,
                        gpointer           owner,
                        GError           **error);
  CupelCallClaim claim;   /* of the owner */
} CupelTransactionLayer;

struct _CupelTransaction
{
  GObject                      parent_instance;

  CupelConnection             *connection;  /* a weak pointer */
  CupelTransaction            *outer;       /* NULL: this is the outermost one */
  char                        *name;        /* of the savepoint; NULL: there is none */
  CupelTransactionEnd          end;
  guint                        attempt;
  const CupelTransactionLayer *layer;       /* nullable */
  gpointer                     owner;       /* a weak pointer */
};

CupelTransaction *cupel_transaction_new           (CupelConnection              *connection,
                                                   CupelTransaction             *outer,
                                                   char                         *name);          /* (transfer full) */
void              cupel_transaction_set_layer     (CupelTransaction             *self,
                                                   const CupelTransactionLayer  *layer,
                                                   gpointer                      owner);         /* a GObject, not held */

/* Of cupel-connection-transaction.c, in a fiber, between enter and leave. */
/* The handle of the outermost transaction, borrowed; NULL: there is none. */
CupelTransaction *cupel_connection_ensure_transaction (CupelConnection *self);
gboolean          cupel_connection_commit_all     (CupelConnection   *self,
                                                   GCancellable      *cancellable,
                                                   GError           **error);
gboolean          cupel_connection_roll_back_all  (CupelConnection   *self,
                                                   GError           **error);
CupelTransaction *cupel_connection_open_nested    (CupelConnection   *self,
                                                   GCancellable      *cancellable,
                                                   GError           **error);    /* (transfer full) */
gboolean          cupel_connection_commit_one     (CupelConnection   *self,
                                                   CupelTransaction  *transaction,
                                                   GCancellable      *cancellable,
                                                   GError           **error);
gboolean          cupel_connection_roll_back_one  (CupelConnection   *self,
                                                   CupelTransaction  *transaction,
                                                   GError           **error);

/* Those within, and the outer one. */
void              cupel_connection_end_handles    (CupelConnection     *self,
                                                   CupelTransactionEnd  end);

/* The block of a function: while it runs and its transaction is over, the connection refuses work. They nest. */
typedef struct _CupelScope CupelScope;

struct _CupelScope
{
  CupelTransaction *transaction;
  CupelScope       *outer;
};

void              cupel_connection_push_scope     (CupelConnection   *self,
                                                   CupelScope        *scope,
                                                   CupelTransaction  *transaction);
/* After the block: commits, or rolls back when @success is FALSE; one that was ended by hand is left alone. The first error wins. */
gboolean          cupel_connection_pop_scope      (CupelConnection   *self,
                                                   CupelScope        *scope,
                                                   gboolean           success,
                                                   GCancellable      *cancellable,
                                                   GError           **error);

G_END_DECLS
