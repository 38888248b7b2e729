/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-driver.h"

G_BEGIN_DECLS

/**
 * CupelPool:
 *
 * Keeps connections between uses. The base class knows how to make one and counts; a module decides who waits and what is kept.
 * One thread at a time uses a pool: the engine's. (Each thread's engine has its own.)
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
  gint64 recycle;          /* microseconds of age at which a connection is replaced at checkout; -1: never */
  gboolean pre_ping;
  gboolean lifo;
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
typedef CupelDriverConnection *(*CupelPoolConnectFunc) (gpointer       user_data,
                                                        gint64         deadline,
                                                        GCancellable  *cancellable,
                                                        GError       **error);

struct _CupelPoolClass
{
  GObjectClass parent_class;

  /* In a fiber. */
  CupelDriverConnection *(*checkout) (CupelPool              *self,
                                      GCancellable           *cancellable,
                                      GError                **error);
  /* Never suspends. @usable: it was proved clean and may be lent again; else it is being ended and only its place becomes free.
   * The pool takes the reference. */
  void                   (*checkin)  (CupelPool              *self,
                                      CupelDriverConnection  *connection,
                                      gboolean                usable);
  /* Takes every idle connection out (transfer full), for the caller to close; later checkins are not kept. */
  GPtrArray             *(*drain)    (CupelPool              *self);
  guint                  (*get_idle) (CupelPool              *self);

  gpointer _reserved[12];
};

/* for the engine */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_set_up      (CupelPool              *self,
                                               const CupelPoolOptions *options,
                                               CupelPoolConnectFunc    connect,
                                               gpointer                user_data);
CUPEL_AVAILABLE_IN_1_0
CupelDriverConnection *cupel_pool_checkout    (CupelPool              *self,
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
CUPEL_AVAILABLE_IN_1_0
void                   cupel_pool_terminate   (CupelPool              *self);         /* the same without I/O */
/* for pools */
CUPEL_AVAILABLE_IN_1_0
const CupelPoolOptions *cupel_pool_get_options (CupelPool             *self);
CUPEL_AVAILABLE_IN_1_0
CupelDriverConnection *cupel_pool_connect     (CupelPool              *self,
                                               gint64                  deadline,
                                               GCancellable           *cancellable,
                                               GError                **error);
/* figures */
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
