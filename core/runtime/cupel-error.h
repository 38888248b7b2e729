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

/**
 * CupelError:
 * @CUPEL_ERROR_FAILED: what no other code says
 * @CUPEL_ERROR_INVALID_URL: the URL of a database cannot be used; the message tells the part and the place
 * @CUPEL_ERROR_CONNECTION: could not connect
 * @CUPEL_ERROR_AUTHENTICATION: the server refused the user or the password
 * @CUPEL_ERROR_DISCONNECTED: the connection was lost; nothing more can be done on it
 * @CUPEL_ERROR_INTEGRITY: a constraint of a kind not below was violated
 * @CUPEL_ERROR_UNIQUE: a unique constraint or a primary key was violated
 * @CUPEL_ERROR_FOREIGN_KEY: a foreign key was violated
 * @CUPEL_ERROR_CHECK: a check constraint was violated
 * @CUPEL_ERROR_NOT_NULL: NULL in a column that must not have it
 * @CUPEL_ERROR_PROGRAMMING: syntax, an unknown table or column, a wrong use of SQL
 * @CUPEL_ERROR_DATA: a value that is out of range, malformed, or of the wrong type
 * @CUPEL_ERROR_OPERATIONAL: the server's own trouble: disk full, shutting down, locked ...
 * @CUPEL_ERROR_SERIALIZATION: the transaction lost a race; running the whole unit again may help
 * @CUPEL_ERROR_DEADLOCK: the transaction was chosen to end a deadlock; running the whole unit again may help
 * @CUPEL_ERROR_INTERNAL: the server or the library contradicts itself
 * @CUPEL_ERROR_OUTCOME_UNKNOWN: COMMIT was sent and the answer never came
 * @CUPEL_ERROR_TIMEOUT: an operation took longer than it may
 * @CUPEL_ERROR_POOL_TIMEOUT: no connection became free in time
 * @CUPEL_ERROR_BUSY: another operation is in progress on the same object
 * @CUPEL_ERROR_MISSING_FIBER: a suspending call outside a fiber, inside a running main loop
 * @CUPEL_ERROR_WRONG_CONTEXT: used from a thread that does not own it
 * @CUPEL_ERROR_CLOSED: the object, or the transaction of this block, is over
 * @CUPEL_ERROR_PENDING_ROLLBACK: a flush or a statement failed: roll back first
 * @CUPEL_ERROR_INVALID_ARGUMENT: a value that the call cannot take
 * @CUPEL_ERROR_UNSUPPORTED: the dialect or the driver cannot do this
 * @CUPEL_ERROR_NO_ROW: one row was asked for and there is none
 * @CUPEL_ERROR_MULTIPLE_ROWS: one row was asked for and there are more
 * @CUPEL_ERROR_MAPPING: a class is not mapped, or wrongly
 * @CUPEL_ERROR_NOT_LOADED: reading the attribute would need I/O
 * @CUPEL_ERROR_DETACHED: the entity belongs to no session
 * @CUPEL_ERROR_STALE: fewer rows matched than expected
 * @CUPEL_ERROR_PLUGIN_NOT_FOUND: no directory has the file
 * @CUPEL_ERROR_PLUGIN_NAME: not a legal name, or the module is for another name
 * @CUPEL_ERROR_PLUGIN_LOAD: the linker refused, because of an unresolved symbol for instance
 * @CUPEL_ERROR_PLUGIN_SYMBOL: the module has no entry point
 * @CUPEL_ERROR_PLUGIN_ABI: the module was built for another ABI major
 * @CUPEL_ERROR_PLUGIN_TOO_NEW: the module was built for a newer ABI minor
 * @CUPEL_ERROR_PLUGIN_TRUNCATED: the descriptor of the module is too short
 * @CUPEL_ERROR_PLUGIN_TYPE: the type of the module is not of the kind asked for
 * @CUPEL_ERROR_PLUGIN_UNTRUSTED: others may write to the file or to its directory
 *
 * What went wrong.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_ERROR_FAILED,

  /* reaching a server */
  CUPEL_ERROR_INVALID_URL,
  CUPEL_ERROR_CONNECTION,
  CUPEL_ERROR_AUTHENTICATION,
  CUPEL_ERROR_DISCONNECTED,

  /* what a server says of a statement */
  CUPEL_ERROR_INTEGRITY,
  CUPEL_ERROR_UNIQUE,
  CUPEL_ERROR_FOREIGN_KEY,
  CUPEL_ERROR_CHECK,
  CUPEL_ERROR_NOT_NULL,
  CUPEL_ERROR_PROGRAMMING,
  CUPEL_ERROR_DATA,
  CUPEL_ERROR_OPERATIONAL,
  CUPEL_ERROR_SERIALIZATION,
  CUPEL_ERROR_DEADLOCK,
  CUPEL_ERROR_INTERNAL,
  CUPEL_ERROR_OUTCOME_UNKNOWN,

  /* time and use */
  CUPEL_ERROR_TIMEOUT,
  CUPEL_ERROR_POOL_TIMEOUT,
  CUPEL_ERROR_BUSY,
  CUPEL_ERROR_MISSING_FIBER,
  CUPEL_ERROR_WRONG_CONTEXT,
  CUPEL_ERROR_CLOSED,
  CUPEL_ERROR_PENDING_ROLLBACK,
  CUPEL_ERROR_INVALID_ARGUMENT,
  CUPEL_ERROR_UNSUPPORTED,
  CUPEL_ERROR_NO_ROW,
  CUPEL_ERROR_MULTIPLE_ROWS,

  /* ORM */
  CUPEL_ERROR_MAPPING,
  CUPEL_ERROR_NOT_LOADED,
  CUPEL_ERROR_DETACHED,
  CUPEL_ERROR_STALE,

  /* plugins: each way to fail is told apart */
  CUPEL_ERROR_PLUGIN_NOT_FOUND,
  CUPEL_ERROR_PLUGIN_NAME,
  CUPEL_ERROR_PLUGIN_LOAD,
  CUPEL_ERROR_PLUGIN_SYMBOL,
  CUPEL_ERROR_PLUGIN_ABI,
  CUPEL_ERROR_PLUGIN_TOO_NEW,
  CUPEL_ERROR_PLUGIN_TRUNCATED,
  CUPEL_ERROR_PLUGIN_TYPE,
  CUPEL_ERROR_PLUGIN_UNTRUSTED,
} CupelError;

/**
 * CupelErrorCategory:
 * @CUPEL_ERROR_CATEGORY_NONE: no server said it, or none of those below
 * @CUPEL_ERROR_CATEGORY_PROGRAM: the statement or its values are wrong: trying again gives the same
 * @CUPEL_ERROR_CATEGORY_RETRY: the transaction lost a race; running the whole unit again may help
 * @CUPEL_ERROR_CATEGORY_NOT_PRIMARY: the server takes no writes (any more); another one may
 * @CUPEL_ERROR_CATEGORY_NOT_READY: the server is starting, stopping or joining; later, or another host
 * @CUPEL_ERROR_CATEGORY_LOST: the connection is gone
 * @CUPEL_ERROR_CATEGORY_UNKNOWN: nobody knows whether a COMMIT took effect
 * @CUPEL_ERROR_CATEGORY_STALE_STATEMENT: a prepared statement has to be prepared again
 * @CUPEL_ERROR_CATEGORY_OVERLOAD: too many connections or too little memory: later
 * @CUPEL_ERROR_CATEGORY_FULL: the disk or the table is full
 *
 * What can be done about an error: what a pool, a retry or a router looks at.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_ERROR_CATEGORY_NONE,
  CUPEL_ERROR_CATEGORY_PROGRAM,
  CUPEL_ERROR_CATEGORY_RETRY,
  CUPEL_ERROR_CATEGORY_NOT_PRIMARY,
  CUPEL_ERROR_CATEGORY_NOT_READY,
  CUPEL_ERROR_CATEGORY_LOST,
  CUPEL_ERROR_CATEGORY_UNKNOWN,
  CUPEL_ERROR_CATEGORY_STALE_STATEMENT,
  CUPEL_ERROR_CATEGORY_OVERLOAD,
  CUPEL_ERROR_CATEGORY_FULL,
} CupelErrorCategory;

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
CupelErrorCategory cupel_error_get_category (const GError *error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_error_is_retryable     (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_error_is_disconnect    (const GError  *error);
CUPEL_AVAILABLE_IN_1_0
gboolean     cupel_error_is_integrity     (const GError  *error);

G_END_DECLS
