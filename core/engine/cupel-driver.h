/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#if !defined (CUPEL_INSIDE) && !defined (CUPEL_COMPILATION)
# error "Only <cupel.h> or <cupel-dialect.h> can be included directly."
#endif

#include "engine/cupel-network-options.h"
#include "engine/cupel-url.h"
#include "runtime/cupel-wait.h"
#include "sql/cupel-compiler.h"

G_BEGIN_DECLS

/* What a driver's connection can do and did. Everything here is transport: a driver knows nothing of sessions or pools.
 *
 * Threading: every vfunc is called on the thread of the fiber that uses the connection, in a fiber (it may suspend) unless
 * it says otherwise. At most one vfunc of one connection is under way at a time, but for terminate (). Different
 * connections are used from different contexts. */

/**
 * CupelIsolationLevel:
 * @CUPEL_ISOLATION_DEFAULT: the level that the connection had at first
 * @CUPEL_ISOLATION_READ_UNCOMMITTED: READ UNCOMMITTED
 * @CUPEL_ISOLATION_READ_COMMITTED: READ COMMITTED
 * @CUPEL_ISOLATION_REPEATABLE_READ: REPEATABLE READ
 * @CUPEL_ISOLATION_SERIALIZABLE: SERIALIZABLE
 * @CUPEL_ISOLATION_AUTOCOMMIT: no transaction: each statement is one of its own
 *
 * How far a transaction is kept apart from others.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_ISOLATION_DEFAULT,
  CUPEL_ISOLATION_READ_UNCOMMITTED,
  CUPEL_ISOLATION_READ_COMMITTED,
  CUPEL_ISOLATION_REPEATABLE_READ,
  CUPEL_ISOLATION_SERIALIZABLE,
  CUPEL_ISOLATION_AUTOCOMMIT,
} CupelIsolationLevel;

#define CUPEL_TYPE_ISOLATION_LEVEL (cupel_isolation_level_get_type ())
CUPEL_AVAILABLE_IN_1_0
GType cupel_isolation_level_get_type (void) G_GNUC_CONST;

/**
 * CupelTransactionStatus:
 * @CUPEL_TRANSACTION_IDLE: none is open
 * @CUPEL_TRANSACTION_ACTIVE: one is open
 * @CUPEL_TRANSACTION_FAILED: one is open and can only be rolled back
 * @CUPEL_TRANSACTION_UNKNOWN: an operation was interrupted or the link is lost; only cupel_driver_connection_terminate() is left
 *
 * What the server last said of the transaction of a connection.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_TRANSACTION_IDLE,
  CUPEL_TRANSACTION_ACTIVE,
  CUPEL_TRANSACTION_FAILED,
  CUPEL_TRANSACTION_UNKNOWN,
} CupelTransactionStatus;

/**
 * CupelTransactionOptions: (skip)
 * @isolation: the isolation level, %CUPEL_ISOLATION_DEFAULT for that of the connection; never %CUPEL_ISOLATION_AUTOCOMMIT
 * @read_only: whether the server shall refuse to write
 * @deferrable: whether a serializable, read-only transaction waits until it can run without a risk of being rolled back
 *
 * How one transaction is to begin.
 *
 * Since: 1.0
 */
typedef struct
{
  CupelIsolationLevel isolation;
  gboolean            read_only;
  gboolean            deferrable;
} CupelTransactionOptions;

/**
 * CupelSavepointOperation:
 * @CUPEL_SAVEPOINT_SET: SAVEPOINT
 * @CUPEL_SAVEPOINT_RELEASE: RELEASE SAVEPOINT
 * @CUPEL_SAVEPOINT_ROLLBACK: ROLLBACK TO SAVEPOINT
 *
 * What is done with a savepoint.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_SAVEPOINT_SET,
  CUPEL_SAVEPOINT_RELEASE,
  CUPEL_SAVEPOINT_ROLLBACK,
} CupelSavepointOperation;

/**
 * CupelServerRole:
 * @CUPEL_SERVER_ROLE_UNKNOWN: it was not found out
 * @CUPEL_SERVER_ROLE_PRIMARY: the server takes writes
 * @CUPEL_SERVER_ROLE_STANDBY: the server is read-only
 *
 * What part a server plays among those that hold the same data.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_SERVER_ROLE_UNKNOWN,
  CUPEL_SERVER_ROLE_PRIMARY,
  CUPEL_SERVER_ROLE_STANDBY,
} CupelServerRole;

/**
 * CupelEndpoint: (skip)
 * @host: the name that the URL has, for the check of a certificate
 * @port: the port, never -1
 * @address: (nullable): the numeric address that @host was resolved to
 *
 * One place on the network where a server may be: names are resolved and hosts are chosen by the engine, so that no client library
 * does it on the main thread.
 *
 * Since: 1.0
 */
typedef struct
{
  const char *host;
  int         port;
  const char *address;
} CupelEndpoint;

/**
 * CupelRequestFlags:
 * @CUPEL_REQUEST_NONE: as any other
 * @CUPEL_REQUEST_BEGIN: open a transaction first, in the same round trip if the protocol can
 * @CUPEL_REQUEST_STREAM: deliver rows through a cursor, by blocks; else all rows in reply->blocks
 * @CUPEL_REQUEST_NO_PREPARE: do not keep a prepared statement
 * @CUPEL_REQUEST_BLOCKWISE: the caller uses the rows block by block and reads to the end at once: a driver that can read on meanwhile
 *   gives the first blocks in reply->blocks and the others through a cursor; any other ignores it
 *
 * How a driver is to execute a statement.
 *
 * Since: 1.0
 */
typedef enum
{
  CUPEL_REQUEST_NONE       = 0,
  CUPEL_REQUEST_BEGIN      = 1 << 0,
  CUPEL_REQUEST_STREAM     = 1 << 1,
  CUPEL_REQUEST_NO_PREPARE = 1 << 2,
  CUPEL_REQUEST_BLOCKWISE  = 1 << 3,
} CupelRequestFlags;

/**
 * CupelRequest: (skip)
 *
 * One statement to execute. Borrowed for the length of the call (and of the stream).
 *
 * With n_sets == 0 there are no binds. With n_sets > 1 it is a "many" execution of one INSERT, UPDATE or DELETE: the driver
 * chooses the fastest form that it has (multi-row VALUES through cupel_compiled_dup_multi_insert(), array binding,
 * a pipeline, a loop on its thread) and splits by its limits; all sets or an error. If the statement returns rows, the reply
 * has exactly one row per set, in the order of the sets. row_count is the sum.
 */
typedef struct
{
  CupelCompiled          *compiled;
  const CupelCell *const *literals;     /* by slot index for CUPEL_SLOT_LITERAL */
  CupelRowBlock          *sets;         /* nullable: parameter sets; columns in the order of compiled->bind_names */
  guint                   first_set;
  guint                   n_sets;
  CupelRequestFlags       flags;
  guint                   block_rows;   /* rows per block of a stream; 0: the driver's choice, about 1000 */
} CupelRequest;

static inline const CupelCell *
cupel_request_get_cell (const CupelRequest *request,
                        guint               set,
                        guint               slot)
{
  const CupelSlot *s = &request->compiled->slots[slot];

  return s->source == CUPEL_SLOT_LITERAL ? request->literals[s->index]
                                         : cupel_row_block_get_row (request->sets, request->first_set + set) + s->index;
}

/**
 * CupelDriverCursor:
 *
 * An open stream of rows.
 */
#define CUPEL_TYPE_DRIVER_CURSOR (cupel_driver_cursor_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelDriverCursor, cupel_driver_cursor, CUPEL, DRIVER_CURSOR, GObject)

/**
 * CupelDriverCursorClass.fetch: (skip)
 */
struct _CupelDriverCursorClass
{
  GObjectClass parent_class;

  /* The next block, or NULL without an error at the server's own end mark. */
  CupelRowBlock *(*fetch) (CupelDriverCursor  *self,
                           GCancellable       *cancellable,
                           GError            **error);
  /* Ends the stream early, bounded in time; idempotent. The connection is usable after TRUE. */
  gboolean       (*close) (CupelDriverCursor  *self,
                           gint64              deadline,
                           GError            **error);
  gpointer _reserved[8];
};

CUPEL_AVAILABLE_IN_1_0
CupelRowBlock *cupel_driver_cursor_fetch (CupelDriverCursor  *self,
                                          GCancellable       *cancellable,
                                          GError            **error);
CUPEL_AVAILABLE_IN_1_0
gboolean       cupel_driver_cursor_close (CupelDriverCursor  *self,
                                          gint64              deadline,
                                          GError            **error);

/**
 * CupelReply: (skip)
 *
 * What came back; zeroed by the caller before, cleared with cupel_reply_clear() after. Filled only on success.
 */
typedef struct
{
  GPtrArray         *blocks;          /* (element-type CupelRowBlock), NULL: no rows; of a stream: NULL */
  CupelDriverCursor *cursor;
  char             **column_names;    /* NULL-terminated; NULL unless the compiled statement does not know them (text) */
  guint              n_columns;
  gint64             row_count;       /* rows matched by DML, -1: not known */
  gint64             last_insert_id;  /* 0: none; of the first row of a many-INSERT */
  GArray            *insert_ids;      /* (element-type gint64): one per set of a many-INSERT when the driver knows them without RETURNING */
  gboolean           began;           /* a transaction is open that CUPEL_REQUEST_BEGIN asked for */
} CupelReply;

CUPEL_AVAILABLE_IN_1_0
void cupel_reply_clear (CupelReply *reply);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CupelReply, cupel_reply_clear)

/**
 * CupelDriverConnection:
 *
 * One connection to a server.
 *
 * After an operation that was cancelled, timed out or lost the link in the middle, get_status () answers UNKNOWN unless the
 * driver has proved that the connection is clean again.
 */
#define CUPEL_TYPE_DRIVER_CONNECTION (cupel_driver_connection_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelDriverConnection, cupel_driver_connection, CUPEL, DRIVER_CONNECTION, GObject)

/**
 * CupelDriverConnectionClass.execute: (skip)
 */
/**
 * CupelDriverConnectionClass.pipeline: (skip)
 */
/**
 * CupelDriverConnectionClass.set_transaction: (skip)
 */
struct _CupelDriverConnectionClass
{
  GObjectClass parent_class;

  gboolean (*execute)       (CupelDriverConnection  *self,
                             const CupelRequest     *request,
                             CupelReply             *reply,
                             GCancellable           *cancellable,
                             GError                **error);
  /* Several statements in one flight where the protocol has it; NULL: the base class runs them one by one. Stops at the
   * first error; replies before it are filled. */
  gboolean (*pipeline)      (CupelDriverConnection  *self,
                             const CupelRequest     *requests,
                             CupelReply             *replies,
                             guint                   n_requests,
                             GCancellable           *cancellable,
                             GError                **error);
  gboolean (*begin)         (CupelDriverConnection  *self,
                             GCancellable           *cancellable,
                             GError                **error);
  gboolean (*commit)        (CupelDriverConnection  *self,
                             GCancellable           *cancellable,
                             GError                **error);
  gboolean (*rollback)      (CupelDriverConnection  *self,
                             gint64                  deadline,      /* clean-up: never a cancellable */
                             GError                **error);
  /* Outside a transaction. DEFAULT is the level the connection had at first. AUTOCOMMIT: CUPEL_REQUEST_BEGIN and begin () do nothing. */
  gboolean (*set_isolation) (CupelDriverConnection  *self,
                             CupelIsolationLevel     level,
                             GCancellable           *cancellable,
                             GError                **error);
  /* Never suspends, no I/O: how the next transaction begins, and only that one; NULL takes it back. FALSE: the server has no such
   * thing. */
  gboolean (*set_transaction) (CupelDriverConnection        *self,
                               const CupelTransactionOptions *options,
                               GError                      **error);
  /* In a transaction. @name is a plain identifier that the library made. SET listens to @cancellable; the others are clean-up. The base
   * class sends what the standard says, as a text that is not prepared. */
  gboolean (*savepoint)     (CupelDriverConnection  *self,
                             CupelSavepointOperation operation,
                             const char             *name,
                             gint64                  deadline,
                             GCancellable           *cancellable,
                             GError                **error);
  /* Never suspends. TRUE: statements left something in the server's session that reset () would take away, although get_status ()
   * says IDLE: settings, temporary tables, locks. A pool then calls reset () before it lends the connection again. */
  gboolean (*needs_reset)   (CupelDriverConnection  *self);
  /* Never suspends. Statements may have left more than can be seen, in a function say: needs_reset () says so from now on, and reset ()
   * takes away all that a session can hold. The base class does nothing. */
  void     (*mark_dirty)    (CupelDriverConnection  *self);
  /* Never suspends. A ROLLBACK goes out with the next operation, which also finds its answer; until then get_status () says IDLE. FALSE:
   * there is more to be done, or the driver cannot; nothing is changed. The base class cannot. */
  gboolean (*roll_back_ahead) (CupelDriverConnection *self);
  /* Never suspends. The next operation lets one wait: what roll_back_ahead () left to it goes out now. Nothing, if it went. */
  void     (*send_ahead)    (CupelDriverConnection  *self);
  /* Never suspends. What is left of @found, a set of CupelCapabilities that the dialect found, and what this driver adds to it: a
   * dialect knows what the server can do, and not what gets through a driver that is not its own. Returns the set. */
  guint    (*adjust_capabilities) (CupelDriverConnection *self,
                             guint                   found);
  /* Makes it as good as new for the next borrower: open cursors closed, rolled back. FALSE: terminate it. */
  gboolean (*reset)         (CupelDriverConnection  *self,
                             gint64                  deadline,
                             GError                **error);
  gboolean (*ping)          (CupelDriverConnection  *self,
                             gint64                  deadline,
                             GError                **error);
  /* Never suspends, no I/O. */
  CupelTransactionStatus (*get_status) (CupelDriverConnection *self);
  /* Never suspends. FALSE when the link is known to be dead (a peek at the socket). */
  gboolean (*is_alive)      (CupelDriverConnection  *self);
  /* Says good-bye to the server, within @deadline, else terminates. */
  void     (*close)         (CupelDriverConnection  *self,
                             gint64                  deadline);
  /* Never blocks, never suspends, idempotent, any state; outside a fiber too. */
  void     (*terminate)     (CupelDriverConnection  *self);
  /* In a child of the process that made the connection: closes the child's descriptors without a word to the server, which is the
   * parent's. Never suspends, waits for no lock and no thread. The object is not used any more, and never finalized. */
  void     (*abandon)       (CupelDriverConnection  *self);
  /* Never suspends. The socket, for a pool that watches idle connections; -1: there is none. It stays the driver's. */
  int      (*get_socket)    (CupelDriverConnection  *self);
  /* What part the server plays now. NULL: not known. */
  gboolean (*get_role)      (CupelDriverConnection  *self,
                             CupelServerRole        *role,
                             GCancellable           *cancellable,
                             GError                **error);

  gpointer _reserved[16];
};

CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_execute   (CupelDriverConnection  *self,
                                            const CupelRequest     *request,
                                            CupelReply             *reply,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_pipeline  (CupelDriverConnection  *self,
                                            const CupelRequest     *requests,
                                            CupelReply             *replies,
                                            guint                   n_requests,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_begin     (CupelDriverConnection  *self,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_commit    (CupelDriverConnection  *self,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_rollback  (CupelDriverConnection  *self,
                                            gint64                  deadline,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_set_isolation (CupelDriverConnection *self,
                                            CupelIsolationLevel     level,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_set_transaction (CupelDriverConnection *self,
                                            const CupelTransactionOptions *options,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_savepoint (CupelDriverConnection  *self,
                                            CupelSavepointOperation operation,
                                            const char             *name,
                                            gint64                  deadline,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
int      cupel_driver_connection_get_socket (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_get_role  (CupelDriverConnection  *self,
                                            CupelServerRole        *role,
                                            GCancellable           *cancellable,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_needs_reset (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
void     cupel_driver_connection_mark_dirty (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_roll_back_ahead (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
void     cupel_driver_connection_send_ahead (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
guint    cupel_driver_connection_adjust_capabilities (CupelDriverConnection *self,
                                            guint                   found);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_reset     (CupelDriverConnection  *self,
                                            gint64                  deadline,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_ping      (CupelDriverConnection  *self,
                                            gint64                  deadline,
                                            GError                **error);
CUPEL_AVAILABLE_IN_1_0
CupelTransactionStatus cupel_driver_connection_get_status (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_is_alive  (CupelDriverConnection  *self);
CUPEL_AVAILABLE_IN_1_0
void     cupel_driver_connection_close     (CupelDriverConnection  *self,
                                            gint64                  deadline);
CUPEL_AVAILABLE_IN_1_0
void     cupel_driver_connection_terminate (CupelDriverConnection  *self);
/* Made by a process that this one is a child of: it may only be abandoned. */
CUPEL_AVAILABLE_IN_1_0
gboolean cupel_driver_connection_is_inherited (CupelDriverConnection *self);
CUPEL_AVAILABLE_IN_1_0
void     cupel_driver_connection_abandon   (CupelDriverConnection  *self);   /* (transfer full) */
CUPEL_AVAILABLE_IN_1_0
void     cupel_driver_abandon_descriptor   (int                     fd);

typedef struct _CupelDialect CupelDialect;

/**
 * CupelDriver:
 *
 * Makes connections. Shared by all connections of an engine; holds no I/O.
 */
#define CUPEL_TYPE_DRIVER (cupel_driver_get_type ())
CUPEL_AVAILABLE_IN_1_0
G_DECLARE_DERIVABLE_TYPE (CupelDriver, cupel_driver, CUPEL, DRIVER, GObject)

/**
 * CupelDriverClass.connect: (skip)
 */
struct _CupelDriverClass
{
  GObjectClass parent_class;

  const char *name;             /* "libpq", "mariadb", "sqlite3" */
  const char *default_pool;     /* NULL: "queue" */
  int         default_port;     /* 0: not on a network */

  /* Checks what the URL asks for, without I/O: unknown options, a missing database. Called when the engine is made. */
  gboolean               (*configure) (CupelDriver   *self,
                                       CupelUrl      *url,
                                       GError       **error);
  /* @endpoint: where on the network, with an address; NULL: the URL names no host of a network, or default_port is 0. */
  CupelDriverConnection *(*connect)   (CupelDriver   *self,
                                       CupelUrl      *url,
                                       const CupelEndpoint *endpoint,
                                       gint64         deadline,
                                       GCancellable  *cancellable,
                                       GError       **error);
  /* The pool that suits this URL; NULL: default_pool. SQLite in memory says "static". */
  const char            *(*choose_pool) (CupelDriver *self,
                                       CupelUrl      *url);
  gpointer _reserved[8];
};

CUPEL_AVAILABLE_IN_1_0
const char            *cupel_driver_get_name    (CupelDriver   *self);
/* The dialect that the URL names, for a driver that serves several: known from before configure () on. */
CUPEL_AVAILABLE_IN_1_0
void                   cupel_driver_set_dialect (CupelDriver   *self,
                                                 CupelDialect  *dialect);
CUPEL_AVAILABLE_IN_1_0
CupelDialect          *cupel_driver_get_dialect (CupelDriver   *self);
CUPEL_AVAILABLE_IN_1_0
gboolean               cupel_driver_configure   (CupelDriver   *self,
                                                 CupelUrl      *url,
                                                 GError       **error);
CUPEL_AVAILABLE_IN_1_0
CupelDriverConnection *cupel_driver_connect     (CupelDriver   *self,
                                                 CupelUrl      *url,
                                                 const CupelEndpoint *endpoint,
                                                 gint64         deadline,
                                                 GCancellable  *cancellable,
                                                 GError       **error);
CUPEL_AVAILABLE_IN_1_0
const char            *cupel_driver_choose_pool (CupelDriver   *self,
                                                 CupelUrl      *url);

G_END_DECLS
