/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-driver.h"

G_BEGIN_DECLS

/**
 * CupelPoolReset:
 * @CUPEL_POOL_RESET_ROLLBACK: what is open is rolled back
 * @CUPEL_POOL_RESET_COMMIT: what is open is committed; rolled back if that fails
 * @CUPEL_POOL_RESET_NONE: nothing is sent; a connection with an open transaction is ended
 * @CUPEL_POOL_RESET_SESSION: what is open is rolled back, and the session is emptied of all that it can hold, every time, whether something
 *   was seen that leaves anything there or not; that takes round trips, and statements are prepared anew
 *
 * What becomes of a transaction that is open, and of the session, when a connection goes back to the pool.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_POOL_RESET_ROLLBACK,
  CUPEL_POOL_RESET_COMMIT,
  CUPEL_POOL_RESET_NONE,
  CUPEL_POOL_RESET_SESSION,
} CupelPoolReset;

#define CUPEL_TYPE_POOL_RESET (cupel_pool_reset_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType cupel_pool_reset_get_type (void) G_GNUC_CONST;

/**
 * CupelPoolStatus:
 * @max_connections: how many connections there may be at once; %G_MAXUINT: no limit
 * @checked_out: lent, those that are being made clean included
 * @idle: kept for the next borrower
 * @connecting: being made
 * @closing: saying good-bye; they count no more
 * @overflow: how many there are beyond the size of the pool
 * @waiters: how many wait for one
 * @peak_checked_out: the most that were ever lent at the same time
 * @epoch: how often all connections were invalidated
 * @n_connects: connections ever made
 * @n_connect_failures: attempts that failed
 * @n_checkouts: how often one was lent
 * @n_checkins: how often one was given back
 * @n_invalidated: connections that were ended because they were invalidated, or found dead
 * @n_timeouts: how often a borrower waited in vain
 * @wait_time: how long borrowers waited in all, in microseconds
 * @max_wait_time: the longest wait, in microseconds
 * @lease_time: how long connections were lent in all, in microseconds
 *
 * The figures of a pool at one moment. The connections that there are, @checked_out, @idle and @connecting, are never more than
 * @max_connections.
 *
 * Since: 1.0
 */
typedef struct
{
  guint   max_connections;
  guint   checked_out;
  guint   idle;
  guint   connecting;
  guint   closing;
  guint   overflow;
  guint   waiters;
  guint   peak_checked_out;
  guint64 epoch;
  guint64 n_connects;
  guint64 n_connect_failures;
  guint64 n_checkouts;
  guint64 n_checkins;
  guint64 n_invalidated;
  guint64 n_timeouts;
  gint64  wait_time;
  gint64  max_wait_time;
  gint64  lease_time;
} CupelPoolStatus;

#define CUPEL_TYPE_POOL_STATUS (cupel_pool_status_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType            cupel_pool_status_get_type (void) G_GNUC_CONST;
CUPEL_AVAILABLE_IN_1_0
CupelPoolStatus *cupel_pool_status_copy     (const CupelPoolStatus *self);
CUPEL_AVAILABLE_IN_1_0
void             cupel_pool_status_free     (CupelPoolStatus       *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelPoolStatus, cupel_pool_status_free)

/**
 * CupelPool:
 *
 * Keeps connections between uses. The base class makes connections, lends them, lets borrowers wait in line, makes clean what comes
 * back and ends what must not be lent again; a module decides how many there may be, who is let in and what is kept.
 *
 * One thread at a time uses a pool: the engine's. (Each thread's engine has its own.) After fork() the child's pool forgets the
 * connections of the parent and makes new ones.
 */
#define CUPEL_TYPE_POOL (cupel_pool_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelPool, cupel_pool, CUPEL, POOL, GObject)

/**
 * CupelPoolOptions: (skip)
 *
 * What an engine asks of its pool.
 *
 * Since: 1.0
 */
typedef struct
{
  guint  size;             /* 5; 0: no limit */
  int    max_overflow;     /* 10; -1: no limit */
  gint64 timeout;          /* microseconds; 30 s */
  gint64 recycle;          /* microseconds of age at which a connection is replaced; -1: never */
  gboolean pre_ping;
  gboolean lifo;
  gint64 max_lifetime;     /* the same as recycle, but up to a tenth less, by lot, so that not all are replaced at once; -1: never */
  gint64 ping_timeout;     /* microseconds that a ping may take, 0.5 to 5 s; 1 s */
  gint64 ping_idle;        /* microseconds: who was idle for less is not asked; 1 s */
  CupelPoolReset reset;
  gint64 connect_timeout;  /* microseconds that @connect takes at most; 10 s */
  guint  max_connecting;   /* how many are made at once for those who wait; 0: size, or 10 when that has no limit */
  gboolean keep_none;      /* what comes back is ended */
  gboolean permanent;      /* a connection is the database: it is replaced only when it is broken itself */
} CupelPoolOptions;

/**
 * CupelPoolConnectFunc: (skip)
 *
 * Makes a connection that is ready: connected and initialized. Suspends the fiber.
 *
 * Returns: (transfer full): the connection, or %NULL with @error set
 *
 * Since: 1.0
 */
typedef CupelDriverConnection *(*CupelPoolConnectFunc) (gpointer       owner,
                                                        gint64         deadline,
                                                        GCancellable  *cancellable,
                                                        GError       **error);

/**
 * CupelPoolClass.configure: (skip)
 */
/* All of them may be NULL; none suspends. */
struct _CupelPoolClass
{
  GObjectClass parent_class;

  /* Once, before the first use: turns what the engine asks for into what this kind of pool does. */
  void     (*configure) (CupelPool         *self,
                         CupelPoolOptions  *options);
  /* Before a connection is lent or waited for; FALSE: refused. */
  gboolean (*admit)     (CupelPool         *self,
                         GError           **error);

  gpointer _reserved[12];
};

/* for the engine; @owner is referenced while a connection is being made */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_set_up      (CupelPool              *self,
                                               const CupelPoolOptions *options,
                                               CupelPoolConnectFunc    connect,
                                               GObject                *owner);
CUPEL_AVAILABLE_IN_1_0
CupelDriverConnection *cupel_pool_checkout    (CupelPool              *self,
                                               const char             *site,          /* nullable, static: where, for reports */
                                               GCancellable           *cancellable,
                                               GError                **error);
/* Returns a connection: lends it again if the server says that it is idle, else resets it within 2 s (suspending in a fiber; in a
 * fiber of its own when called outside one), else terminates it. */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_release     (CupelPool              *self,
                                               CupelDriverConnection  *connection);   /* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_close       (CupelPool              *self,
                                               gint64                  deadline);     /* in a fiber: drains and closes */
/* The same, but waits for those that are lent. */
CUPEL_AVAILABLE_IN_1_0
gboolean               cupel_pool_drain       (CupelPool              *self,
                                               gint64                  deadline,
                                               GCancellable           *cancellable,
                                               GError                **error);
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_terminate   (CupelPool              *self);         /* the same without I/O */

/* Every connection made before now is replaced: idle ones at once, lent ones when they come back. */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_invalidate  (CupelPool              *self);
/* One that is lent: not lent again (@hard: ended at once, whatever goes on). */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_invalidate_connection (CupelPool    *self,
                                               CupelDriverConnection  *connection,
                                               gboolean                hard);
/* for pools */
CUPEL_AVAILABLE_IN_1_0
const CupelPoolOptions *cupel_pool_get_options (CupelPool             *self);
/* figures */
CUPEL_AVAILABLE_IN_1_0
CupelPoolStatus       *cupel_pool_get_status  (CupelPool              *self);
/* For people: the figures, and who holds connections since when. */
CUPEL_AVAILABLE_IN_1_0
char                  *cupel_pool_describe    (CupelPool              *self);
CUPEL_AVAILABLE_IN_1_0
guint                  cupel_pool_get_checked_out (CupelPool          *self);         /* lent, being reset included */
CUPEL_AVAILABLE_IN_1_0
guint                  cupel_pool_get_checked_in  (CupelPool          *self);         /* idle */
CUPEL_AVAILABLE_IN_1_0
guint64                cupel_pool_get_n_connects  (CupelPool          *self);         /* ever made */
CUPEL_AVAILABLE_IN_1_0
guint64                cupel_pool_get_n_checkouts (CupelPool          *self);
CUPEL_AVAILABLE_IN_1_0
guint                  cupel_pool_get_peak_checked_out (CupelPool     *self);

G_END_DECLS
