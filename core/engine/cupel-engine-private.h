/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include "engine/cupel-engine.h"
#include "sql/cupel-compiled-cache-private.h"

G_BEGIN_DECLS

typedef enum
{
  CUPEL_ENGINE_CONNECTED,
  CUPEL_ENGINE_CHECKOUT,
  CUPEL_ENGINE_CHECKIN,
  CUPEL_ENGINE_INVALIDATED,
  CUPEL_ENGINE_BEFORE_EXECUTE,
  CUPEL_ENGINE_EXECUTE,
  CUPEL_ENGINE_BEGIN,
  CUPEL_ENGINE_COMMIT,
  CUPEL_ENGINE_ROLLBACK,
  CUPEL_ENGINE_SAVEPOINT,
  CUPEL_ENGINE_RELEASE_SAVEPOINT,
  CUPEL_ENGINE_ROLLBACK_SAVEPOINT,
  CUPEL_ENGINE_N_SIGNALS,
} CupelEngineSignal;

CupelCompiledCache *cupel_engine_get_cache   (CupelEngine        *self);
gboolean            cupel_engine_is_owner    (CupelEngine        *self);   /* of the calling thread */
/* In the dispose of an object that is dropped on a foreign thread: it is kept, and disposed of on the thread of the engine. FALSE: this was
 * done before. */
gboolean            cupel_engine_hand_over   (CupelEngine        *self,
                                              GObject            *object);
/* Borrowing with the checkout signal; in a fiber. @site: nullable, static: where, for reports. */
CupelConnection    *cupel_engine_borrow      (CupelEngine        *self,
                                              const char         *site,
                                              GCancellable       *cancellable,
                                              GError            **error);
/* Echo and signals. Cheap when nobody listens. Handlers run on the main stack. */
void                cupel_engine_emit        (CupelEngine        *self,
                                              CupelEngineSignal   signal);
void                cupel_engine_emit_savepoint (CupelEngine     *self,
                                              CupelEngineSignal   signal,
                                              const char         *name);  /* nullable */
gboolean            cupel_engine_observes    (CupelEngine        *self);   /* execute has a listener: times are worth taking */
void                cupel_engine_log_request (CupelEngine        *self,
                                              const CupelRequest *request,
                                              gboolean            cache_hit);
void                cupel_engine_log_done    (CupelEngine        *self,
                                              const CupelRequest *request,
                                              gboolean            cache_hit,
                                              gint64              duration,
                                              const GError       *error);    /* nullable */
gint64              cupel_engine_get_statement_timeout_us (CupelEngine *self);   /* 0: none */

G_END_DECLS
