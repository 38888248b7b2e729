/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-driver.h"

G_BEGIN_DECLS

/**
 * CupelCapabilities:
 * @CUPEL_CAP_NONE: nothing of this
 * @CUPEL_CAP_INSERT_RETURNING: INSERT can return columns of the new row
 * @CUPEL_CAP_INSERT_MANY_RETURNING: a many-INSERT returns one row per set, in order
 * @CUPEL_CAP_UPDATE_RETURNING: UPDATE can return columns
 * @CUPEL_CAP_DELETE_RETURNING: DELETE can return columns
 * @CUPEL_CAP_SAVEPOINTS: a transaction has savepoints
 * @CUPEL_CAP_TRANSACTIONAL_DDL: a rollback undoes CREATE and DROP too
 * @CUPEL_CAP_STREAMING: rows really arrive by blocks
 * @CUPEL_CAP_NESTED_STREAMS: several cursors open at once on one connection without buffering
 * @CUPEL_CAP_CANCEL: a running statement can be stopped
 * @CUPEL_CAP_CONCURRENT_WRITERS: several connections can write at a time
 * @CUPEL_CAP_NATIVE_UUID: there is a type for UUIDs
 * @CUPEL_CAP_FOREIGN_KEYS: foreign keys are enforced
 * @CUPEL_CAP_MICROSECONDS: times keep their microseconds
 * @CUPEL_CAP_PERSISTENT: a second connection sees the same data, which is not so for one in memory
 *
 * What a server can do: found from the live server, never from the URL.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_CAP_NONE                  = 0,
  CUPEL_CAP_INSERT_RETURNING      = 1 << 0,
  CUPEL_CAP_INSERT_MANY_RETURNING = 1 << 1,
  CUPEL_CAP_UPDATE_RETURNING      = 1 << 2,
  CUPEL_CAP_DELETE_RETURNING      = 1 << 3,
  CUPEL_CAP_SAVEPOINTS            = 1 << 4,
  CUPEL_CAP_TRANSACTIONAL_DDL     = 1 << 5,
  CUPEL_CAP_STREAMING             = 1 << 6,
  CUPEL_CAP_NESTED_STREAMS        = 1 << 7,
  CUPEL_CAP_CANCEL                = 1 << 8,
  CUPEL_CAP_CONCURRENT_WRITERS    = 1 << 9,
  CUPEL_CAP_NATIVE_UUID           = 1 << 10,
  CUPEL_CAP_FOREIGN_KEYS          = 1 << 11,
  CUPEL_CAP_MICROSECONDS          = 1 << 12,
  CUPEL_CAP_PERSISTENT            = 1 << 13,
} CupelCapabilities;

/**
 * CupelDialect:
 *
 * SQL knowledge of one kind of server.
 */
#define CUPEL_TYPE_DIALECT (cupel_dialect_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelDialect, cupel_dialect, CUPEL, DIALECT, GObject)

struct _CupelDialectClass
{
  GObjectClass parent_class;

  const char *name;                   /* "postgresql" */

  CupelCompiler *(*create_compiler)   (CupelDialect           *self);
  CupelDriver   *(*create_driver)     (CupelDialect           *self);           /* the native one */
  /* Once per engine, on its first connection: what the server can do. Use cupel_dialect_query () for probes. */
  gboolean       (*initialize)        (CupelDialect           *self,
                                       CupelDriverConnection  *connection,
                                       CupelCapabilities      *capabilities,
                                       GCancellable           *cancellable,
                                       GError                **error);
  /* A statement with one text column: those of @names that exist as tables in the current schema. */
  CupelStatement *(*existing_tables)  (CupelDialect           *self,
                                       const char *const      *names);
  /* For a driver that is not the dialect's own: statements that bring a new session to the state that the dialect counts on.
   * NULL: none. */
  const char *const *(*get_session_statements) (CupelDialect  *self);
  /* Likewise: the error that a server's code means; any thread. @sqlstate and @message may be NULL. */
  GError        *(*create_error)      (CupelDialect           *self,
                                       int                     native_code,
                                       const char             *sqlstate,
                                       const char             *message);

  gpointer _reserved[14];
};

CUPEL_AVAILABLE_IN_1_0
const char       *cupel_dialect_get_name         (CupelDialect           *self);
CUPEL_AVAILABLE_IN_1_0
CupelCompiler    *cupel_dialect_create_compiler  (CupelDialect           *self);
CUPEL_AVAILABLE_IN_1_0
CupelDriver      *cupel_dialect_create_driver    (CupelDialect           *self);
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_dialect_initialize       (CupelDialect           *self,
                                                  CupelDriverConnection  *connection,
                                                  CupelCapabilities      *capabilities,
                                                  GCancellable           *cancellable,
                                                  GError                **error);
CUPEL_AVAILABLE_IN_1_0
CupelStatement   *cupel_dialect_existing_tables  (CupelDialect           *self,
                                                  const char *const      *names);
CUPEL_AVAILABLE_IN_1_0
const char *const *cupel_dialect_get_session_statements (CupelDialect     *self);
CUPEL_AVAILABLE_IN_1_0
GError           *cupel_dialect_create_error     (CupelDialect           *self,
                                                  int                     native_code,
                                                  const char             *sqlstate,
                                                  const char             *message);
/* Compiles @sql as text and executes it outside any transaction bookkeeping: for probes in initialize () and after connect. */
CUPEL_AVAILABLE_IN_1_0
gboolean          cupel_dialect_query            (CupelDialect           *self,
                                                  CupelDriverConnection  *connection,
                                                  const char             *sql,
                                                  CupelReply             *reply,
                                                  GCancellable           *cancellable,
                                                  GError                **error);

G_END_DECLS
