/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include <gio/gio.h>

#include "runtime/cupel-visibility.h"

G_BEGIN_DECLS

/**
 * CUPEL_ERROR:
 *
 * The error domain of the library. Cancellation is %G_IO_ERROR_CANCELLED, as everywhere on GIO.
 */
#define CUPEL_ERROR (cupel_error_quark ())

typedef enum
{
  CUPEL_ERROR_FAILED,

  /* reaching a server */
  CUPEL_ERROR_INVALID_URL,
  CUPEL_ERROR_CONNECTION,        /* could not connect */
  CUPEL_ERROR_AUTHENTICATION,
  CUPEL_ERROR_DISCONNECTED,      /* the connection was lost; nothing more can be done on it */

  /* what a server says of a statement */
  CUPEL_ERROR_INTEGRITY,         /* a constraint of a kind not below */
  CUPEL_ERROR_UNIQUE,
  CUPEL_ERROR_FOREIGN_KEY,
  CUPEL_ERROR_CHECK,
  CUPEL_ERROR_NOT_NULL,
  CUPEL_ERROR_PROGRAMMING,       /* syntax, unknown table or column, wrong use of SQL */
  CUPEL_ERROR_DATA,              /* a value that is out of range, malformed, of the wrong type */
  CUPEL_ERROR_OPERATIONAL,       /* the server's own trouble: disk full, shutting down, locked ... */
  CUPEL_ERROR_SERIALIZATION,     /* the transaction lost a race; running the whole unit again may help */
  CUPEL_ERROR_DEADLOCK,
  CUPEL_ERROR_INTERNAL,          /* the server or the library contradicts itself */
  CUPEL_ERROR_OUTCOME_UNKNOWN,   /* COMMIT was sent and the answer never came */

  /* time and use */
  CUPEL_ERROR_TIMEOUT,
  CUPEL_ERROR_POOL_TIMEOUT,
  CUPEL_ERROR_BUSY,              /* another operation is in progress on the same object */
  CUPEL_ERROR_MISSING_FIBER,     /* a suspending call outside a fiber, inside a running main loop */
  CUPEL_ERROR_WRONG_CONTEXT,     /* used from a thread that does not own it */
  CUPEL_ERROR_CLOSED,            /* the object, or the transaction of this block, is over */
  CUPEL_ERROR_PENDING_ROLLBACK,  /* a failed flush or statement: roll back first */
  CUPEL_ERROR_INVALID_ARGUMENT,
  CUPEL_ERROR_UNSUPPORTED,       /* the dialect or driver cannot do this */
  CUPEL_ERROR_NO_ROW,
  CUPEL_ERROR_MULTIPLE_ROWS,

  /* ORM */
  CUPEL_ERROR_MAPPING,           /* a class is not mapped, or wrongly */
  CUPEL_ERROR_NOT_LOADED,        /* reading the attribute would need I/O */
  CUPEL_ERROR_DETACHED,          /* the entity belongs to no session */
  CUPEL_ERROR_STALE,             /* fewer rows matched than expected */

  /* plugins: each way to fail is told apart */
  CUPEL_ERROR_PLUGIN_NOT_FOUND,
  CUPEL_ERROR_PLUGIN_NAME,       /* not a legal name, or the module is for another name */
  CUPEL_ERROR_PLUGIN_LOAD,       /* the linker refused, an unresolved symbol for instance */
  CUPEL_ERROR_PLUGIN_SYMBOL,     /* no entry point */
  CUPEL_ERROR_PLUGIN_ABI,        /* built for another ABI major */
  CUPEL_ERROR_PLUGIN_TOO_NEW,    /* built for a newer ABI minor */
  CUPEL_ERROR_PLUGIN_TRUNCATED,  /* descriptor too short */
  CUPEL_ERROR_PLUGIN_TYPE,       /* its type is not of the kind asked for */
  CUPEL_ERROR_PLUGIN_UNTRUSTED,  /* others may write to the file or its directory */
} CupelError;

CUPEL_AVAILABLE_IN_1_0
GQuark       cupel_error_quark            (void);

/* What a server told beside the message. Every getter accepts an error of any domain and then answers NULL, 0 or FALSE. */
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_error_get_sqlstate     (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
int          cupel_error_get_native_code  (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_error_get_detail       (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_error_get_constraint   (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_error_get_table        (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
const char  *cupel_error_get_column       (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_error_is_retryable     (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_error_is_disconnect    (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_error_is_integrity     (const GError  *error);

G_END_DECLS
