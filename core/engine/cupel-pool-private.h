/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-pool.h"

G_BEGIN_DECLS

typedef enum
{
  CUPEL_RELEASE_NONE              = 0,
  CUPEL_RELEASE_FORCE_RESET       = 1 << 0,  /* cursors may be open although the server says that it is idle */
  CUPEL_RELEASE_RESTORE_ISOLATION = 1 << 1,  /* it is not the one that the next borrower expects */
  CUPEL_RELEASE_DETACHED          = 1 << 2,  /* must not suspend, even in a fiber */
  CUPEL_RELEASE_BROKEN            = 1 << 3,  /* to be ended, whatever the driver says */
  CUPEL_RELEASE_ROLL_BACK         = 1 << 4,  /* only a part of the transaction is there: it must not be committed */
  CUPEL_RELEASE_ANSWERED          = 1 << 5,  /* the server was asked, and answered all of it */
} CupelReleaseFlags;

/* @isolation: the level that the next borrower most likely wants. It need not be set yet, but no other one may be left.
 *
 * TRUE: what was open on it was committed, see CupelPoolReset; known only of what is over when this returns. */
gboolean cupel_pool_release_full (CupelPool             *self,
                                 CupelDriverConnection  *connection,   /* (transfer full) */
                                 CupelReleaseFlags       flags,
                                 CupelIsolationLevel     isolation);
/* An operation of a borrower failed: when that says that the server went away or takes no writes, the connections of the
 * same age are not to be trusted either. */
void  cupel_pool_note_error     (CupelPool              *self,
                                 CupelDriverConnection  *connection,
                                 const GError           *error);
/* Where its own work goes on outside of calls: not in the context of the blocking call in which the pool happens to be made. */
void  cupel_pool_set_context    (CupelPool              *self,
                                 GMainContext           *context);
/* This is a child of the process that made the pool. */
gboolean cupel_pool_is_inherited (CupelPool             *self);

/* The rest is for cupel-pool*.c. */

/* A place is the right to have a connection, and what is in it. It is always in exactly one of the queues of its pool, so that the
 * figures cannot disagree. */
typedef enum
{
  CUPEL_PLACE_CONNECTING,
  CUPEL_PLACE_IDLE,
  CUPEL_PLACE_LEASED,
  CUPEL_PLACE_ENDING,        /* counts no more: the connection is saying good-bye */
  CUPEL_PLACE_N_STATES,
} CupelPlaceState;

typedef struct
{
  GList                  link;
  CupelPool             *pool;          /* borrowed */
  CupelPlaceState        state;
  CupelDriverConnection *connection;    /* NULL while connecting */
  guint64                epoch;         /* when it was begun */
  gint64                 since;         /* in this state */
  gint64                 expires;       /* G_MAXINT64: never */
  guint                  stale : 1;     /* not to be lent again */
  guint                  trusted : 1;   /* comes from a borrower just now: no need to look */
  guint                  resetting : 1;
  guint                  blocking : 1;  /* its fiber goes on only in a blocking call of the thread, or only outside */
  guint                  forgotten : 1; /* its fiber is to clear it up: it is in no queue */

  /* of a lease */
  guint64                number;
  guint64                holder;
  const char            *site;

  /* connecting */
  GSource               *patience;      /* CONNECTING, and who it was for went away: the end of what it still gets */
  GCancellable          *cancellable;
  /* ending */
  gint64                 deadline;
  /* idle */
  GSource               *watch;
} CupelPlace;

enum
{
  CUPEL_POOL_CONNECT,
  CUPEL_POOL_CHECKOUT,
  CUPEL_POOL_CHECKIN,
  CUPEL_POOL_INVALIDATE,
  CUPEL_POOL_CLOSE,
  CUPEL_POOL_N_SIGNALS,
};

typedef struct
{
  CupelPoolOptions      options;
  CupelPoolConnectFunc  connect;
  GObject              *owner;          /* borrowed: it owns the pool */
  GThread              *thread;
  GMainContext         *context;        /* where idle connections are watched */
  guint                 process;        /* see cupel_fork_get_generation () */

  GQueue                places[CUPEL_PLACE_N_STATES];
  GQueue                waiters;
  GQueue                quiet;          /* of CupelCompletion: told when nothing is under way */
  GSource              *watch_timer;
  GArray               *pending;        /* signals to be emitted as soon as the pool is in order */
  gboolean              drained;

  guint64               epoch;
  gint64                invalidated_at;
  guint                 n_failures;     /* connects in a row */
  gint64                retry_time;
  GError               *last_failure;
  guint64               last_lease;
  CupelPoolStatus       figures;
} CupelPoolPrivate;

CupelPoolPrivate *cupel_pool_get_private   (CupelPool              *self);
CupelPlace       *cupel_pool_get_place     (CupelDriverConnection  *connection);
guint             cupel_pool_get_limit     (CupelPoolPrivate       *priv);
guint             cupel_pool_count_places  (CupelPoolPrivate       *priv);
void              cupel_pool_append_leases (CupelPool              *self,
                                            GString                *text,
                                            guint                   max);

/* Signals wait until the pool is in order: a handler may use it. */
void              cupel_pool_note_signal   (CupelPool              *self,
                                            guint                   signal);
void              cupel_pool_flush_signals (CupelPool              *self);

CupelPlace       *cupel_place_new          (CupelPool              *self,
                                            CupelPlaceState         state);
void              cupel_place_set_connection (CupelPlace           *place,
                                            CupelDriverConnection  *connection);   /* (transfer full) */
void              cupel_place_move         (CupelPlace             *place,
                                            CupelPlaceState         state,
                                            gint64                  now);
CupelDriverConnection *cupel_place_take_connection (CupelPlace *place);   /* (transfer full) */
void              cupel_place_free         (CupelPlace             *place);
/* It counts no more; the fiber that works on it clears it up. */
void              cupel_place_forget       (CupelPlace             *place);
/* Neither expired nor invalidated. */
gboolean          cupel_place_is_current   (CupelPlace             *place,
                                            gint64                  now);
/* Nor known to be dead: it may be lent. */
gboolean          cupel_place_is_fit       (CupelPlace             *place,
                                            gint64                  now);

/* The server was not there for @place: nor may it be for others of its age. */
void              cupel_pool_distrust      (CupelPool              *self,
                                            CupelPlace             *place,
                                            const char             *why);

/* cupel-pool-line.c: gives to those who wait what there is, and sees to it that there will be more. */
void              cupel_pool_settle        (CupelPool              *self);
/* Idle, lent to the first in line, or ended. */
void              cupel_pool_put           (CupelPool              *self,
                                            CupelPlace             *place,
                                            gint64                  now);
void              cupel_pool_fail_waiters  (CupelPool              *self,
                                            guint                   n,
                                            const GError           *error);

/* cupel-pool-end.c: @polite: with a good-bye to the server, in the background. */
void              cupel_pool_end_place     (CupelPool              *self,
                                            CupelPlace             *place,
                                            gboolean                polite);
void              cupel_pool_stop          (CupelPool              *self,
                                            gboolean                polite);
void              cupel_pool_write_off     (CupelPool              *self);
void              cupel_pool_tell_quiet    (CupelPool              *self);
/* In a child process: what the parent has is forgotten. */
void              cupel_pool_check_process (CupelPool              *self);

/* cupel-pool-watch.c */
void              cupel_pool_watch_soon    (CupelPool              *self);
void              cupel_place_unwatch      (CupelPlace             *place);
void              cupel_pool_stop_watching (CupelPool              *self);

G_END_DECLS
