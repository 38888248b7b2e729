/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-driver.h"

G_BEGIN_DECLS

/**
 * CupelThreadedConnection:
 *
 * For client libraries that can only block: a worker thread that is the connection's own. A subclass writes its vfuncs as
 * jobs, each doing as much as it can in one hop.
 */
#define CUPEL_TYPE_THREADED_CONNECTION (cupel_threaded_connection_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelThreadedConnection, cupel_threaded_connection, CUPEL, THREADED_CONNECTION, CupelDriverConnection)

struct _CupelThreadedConnectionClass
{
  CupelDriverConnectionClass parent_class;

  /* Any thread, while a job runs or waits: make it end soon (an atomic flag that a progress handler reads, say). It concerns
   * only the job that is under way: clear the flag when a job starts. NULL: a job cannot be interrupted. */
  void (*interrupt) (CupelThreadedConnection *self);

  gpointer _reserved[8];
};

/**
 * CupelJobFunc: (skip)
 *
 * Runs on the worker thread of a connection; the job belongs to it until it returns.
 *
 * Returns: %TRUE, or %FALSE with @error set
 *
 * Since: 1.0
 */
typedef gboolean (*CupelJobFunc) (CupelThreadedConnection *self, gpointer job, GError **error);

/* Suspends until @func ran on the worker. When the wait is cancelled or times out: interrupt (), then up to one second for the
 * job to come back; after that the connection is given up (status UNKNOWN), and @job is freed by the worker when it ends.
 * So @job is heap memory with its own destroy function, and results are taken out of it only after TRUE or a job's own error.
 * On return the caller owns @job again unless *abandoned. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_threaded_connection_run       (CupelThreadedConnection  *self,
                                              CupelJobFunc              func,
                                              gpointer                  job,
                                              GDestroyNotify            free_job,
                                              gboolean                 *abandoned,
                                              gint64                    deadline,
                                              GCancellable             *cancellable,
                                              GError                  **error);
/* Microseconds that an interrupted job gets to come back before the connection is given up; one second at first. */
CUPEL_AVAILABLE_IN_1_0
void     cupel_threaded_connection_set_grace (CupelThreadedConnection  *self,
                                              gint64                    grace);
/* Runs @func on the calling thread if the worker has nothing to do; FALSE: it did not run. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_threaded_connection_run_here  (CupelThreadedConnection  *self,
                                              CupelJobFunc              func,
                                              gpointer                  job,
                                              gboolean                 *success,
                                              GError                  **error);
/* Queues a job that nobody waits for; the worker frees it. FALSE: it will not run, and was freed. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_threaded_connection_post      (CupelThreadedConnection  *self,
                                              CupelJobFunc              func,
                                              gpointer                  job,
                                              GDestroyNotify            free_job);
/* Queues the last job (close the handle; may be NULL) and forgets: the thread ends after it. Never blocks. The instance is kept alive by the
 * thread until then. Idempotent. */
CUPEL_AVAILABLE_IN_1_0
void     cupel_threaded_connection_shut_down (CupelThreadedConnection  *self,
                                              CupelJobFunc              last,
                                              gpointer                  job,
                                              GDestroyNotify            free_job);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_threaded_connection_is_given_up (CupelThreadedConnection *self);

G_END_DECLS
