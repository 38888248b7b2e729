/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What a CupelEngine holds: for the files that make it up. */

#include "engine/cupel-engine-private.h"
#include "engine/cupel-host-list-private.h"
#include "engine/cupel-pool-private.h"

G_BEGIN_DECLS

struct _CupelEngine
{
  GObject              parent_instance;

  GThread             *thread;
  GMainContext        *context;          /* that of the thread */
  GMutex               lock;
  GPtrArray           *handed_over;      /* under the lock; nullable */
  GSource             *hand_over;        /* takes them in when the loop runs; under the lock, nullable */
  int                  n_handed_over;    /* written under the lock, read without */
  char                *url_string;       /* until it is parsed: it holds the password */
  CupelUrl            *url;
  CupelDialect        *dialect;
  CupelDriver         *driver;
  CupelHostList       *hosts;
  CupelCompiler       *compiler;
  CupelCompiledCache  *cache;
  CupelPool           *pool;
  CupelCapabilities    capabilities;
  gboolean             initialized;      /* the server was asked what it can do */
  gboolean             initializing;
  GQueue               initialize_waiters;  /* of CupelCompletion */

  gboolean             echo;
  gboolean             echo_values;
  CupelPoolOptions     pool_options;
  gboolean             size_given;       /* pool-size was set */
  gboolean             overflow_given;   /* and max-overflow */
  char                *pool_name;
  guint                cache_size;
  CupelIsolationLevel  isolation;
  gint64               statement_timeout; /* microseconds, 0: none */
  double               connect_timeout;  /* seconds */
};

/* On the class. */
void     cupel_engine_install_signals (void);
/* What was dropped on foreign threads meanwhile. */
void     cupel_engine_take_in         (CupelEngine  *self);
gboolean cupel_engine_check_owner     (CupelEngine  *self,
                                       const char   *operation,
                                       GError      **error);

G_END_DECLS
