/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "chaos-proxy.h"

#include <cupel.h>

/* One server as the programs of this folder see it: directly, for looking at its sessions, and through a proxy. Its functions
 * that do I/O are called in a fiber. */
typedef struct
{
  const char  *name;            /* "postgresql" or "mysql" */
  ChaosProxy  *proxy;
  char        *url;             /* through the proxy, as a user or an application of its own */
  CupelEngine *admin;           /* not through the proxy */
  char        *mark;            /* how its sessions are told from others' */
  char        *pid_file;        /* NULL: the server is not ours to kill or to stop */
  gboolean     is_mysql;
} FaultBackend;

/* NULL without an error when the environment names no such server. */
FaultBackend *fault_backend_new                (const char    *name,
                                                GError       **error);
void          fault_backend_free               (FaultBackend  *self);

/* -1: the server does not tell */
int           fault_backend_count_sessions     (FaultBackend  *self);
/* Those in a transaction */
int           fault_backend_count_transactions (FaultBackend  *self);
/* How many it ended */
int           fault_backend_terminate_sessions (FaultBackend  *self);
/* Waits until no session is left. */
gboolean      fault_backend_wait_sessions      (FaultBackend  *self,
                                                gint64         microseconds);

/* A statement on a connection of its own, directly */
gboolean      fault_backend_command            (FaultBackend  *self,
                                                const char    *sql,
                                                GError       **error);
gint64        fault_backend_query_int          (FaultBackend  *self,
                                                const char    *sql,
                                                GError       **error);

/* The server's main process; 0: not known */
GPid          fault_backend_get_pid            (FaultBackend  *self);
/* All of its processes get the signal. */
void          fault_backend_signal             (FaultBackend  *self,
                                                int            number);
/* Until it answers again, after a kill */
gboolean      fault_backend_wait_ready         (FaultBackend  *self,
                                                gint64         microseconds);

/* What several programs need. */
CupelResult  *fault_execute                    (CupelConnection  *connection,
                                                const char       *sql,
                                                GCancellable     *cancellable,
                                                GError          **error);
/* SELECT of a random number: TRUE if that is what came back. An answer that is another's sets CUPEL_ERROR_INTERNAL. */
gboolean      fault_tagged_query               (CupelConnection  *connection,
                                                GRand            *random,
                                                GCancellable     *cancellable,
                                                GError          **error);
guint         fault_count_fds                  (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FaultBackend, fault_backend_free)
