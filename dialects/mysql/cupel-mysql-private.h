/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

#include <mysql.h>
#include <errmsg.h>

G_BEGIN_DECLS

/* What an interrupted statement gets to come to its end before the link is given up. */
#define CUPEL_MYSQL_GRACE        (G_USEC_PER_SEC)
/* Of a result that nobody wants, so much is read; beyond it the statement is interrupted. */
#define CUPEL_MYSQL_DRAIN_BYTES  (64 * 1024)
#define CUPEL_MYSQL_DRAIN_TIME   (5 * G_TIME_SPAN_MILLISECOND)
/* A block of rows ends with whatever comes first. */
#define CUPEL_MYSQL_BLOCK_ROWS   1000
#define CUPEL_MYSQL_BLOCK_BYTES  (1024 * 1024)
/* Of a stream that another statement wants out of the way, so much goes into memory. */
#define CUPEL_MYSQL_SETTLE_BYTES (64 * 1024 * 1024)
#define CUPEL_MYSQL_PORT         3306
#define CUPEL_MYSQL_SYSTEM_ROOTS "/etc/ssl/certs/ca-certificates.crt"
/* What a session has beside the character set. The compiler doubles backslashes in the constants of DDL: that has to be right. */
#define CUPEL_MYSQL_SETTINGS \
  "autocommit=0, time_zone='+00:00', sql_mode=" \
  "CONCAT_WS(',',NULLIF(REPLACE(@@sql_mode,'NO_BACKSLASH_ESCAPES',''),''),'STRICT_TRANS_TABLES')"

/* One statement right after connecting. */
#define CUPEL_MYSQL_INIT "SET " CUPEL_MYSQL_SETTINGS

typedef struct _CupelMysqlConnection CupelMysqlConnection;
typedef struct _CupelMysqlParams     CupelMysqlParams;
typedef struct _CupelMysqlKill       CupelMysqlKill;
typedef struct _CupelMysqlStatement  CupelMysqlStatement;
typedef struct _CupelMysqlRows       CupelMysqlRows;
typedef struct _CupelMysqlBinds      CupelMysqlBinds;

#include "cupel-mysql-client.h"   /* that of the folder connector or oracle */

/* dialect, compiler, driver */
GType          cupel_mysql_dialect_get_type  (void) G_GNUC_CONST;
GType          cupel_mysql_driver_get_type   (void) G_GNUC_CONST;
CupelCompiler *cupel_mysql_compiler_new      (void);

struct _CupelMysqlParams
{
  gatomicrefcount  refs;
  char            *user;
  char            *password;        /* NULL: the library looks for one in its environment */
  char            *host;            /* NULL: the socket */
  char            *address;         /* of the host; NULL: the library looks it up */
  guint            port;
  char            *socket;
  char            *database;
  char            *where;           /* for messages */
  CupelTlsMode     tls;
  char            *tls_ca;
  char            *tls_cert;
  char            *tls_key;
  char            *tls_crl;
  gboolean         allow_public_key_retrieval;
  guint            statement_cache;
};

/* One attempt to connect, on a thread that may block. */
typedef enum
{
  CUPEL_MYSQL_STEP_CONNECT,
  CUPEL_MYSQL_STEP_LOGIN,
  CUPEL_MYSQL_STEP_TLS,
} CupelMysqlStep;

typedef struct
{
  const CupelMysqlParams *params;
  MYSQL                  *mysql;
  gint64                  deadline;
  int                     stop_fd;  /* readable: give up; -1: nobody will say so */
  int                     step;     /* atomic: CupelMysqlStep */
  void                   *tls;      /* the library's; NULL: none, or it does not show it */
  gboolean                objected; /* one of both has sent an alert */
  gboolean                lost;     /* the server went away while TLS began */
} CupelMysqlAttempt;

/* connect: what the URL says, and the calls that block; they run on threads of their own */
CupelMysqlParams *cupel_mysql_params_new      (CupelUrl          *url,
                                               const CupelEndpoint *endpoint,     /* nullable */
                                               GError           **error);
CupelMysqlParams *cupel_mysql_params_ref      (CupelMysqlParams  *params);
void              cupel_mysql_params_unref    (CupelMysqlParams  *params);
guint             cupel_mysql_params_get_statement_cache (CupelMysqlParams *params);
const char       *cupel_mysql_params_get_database (CupelMysqlParams *params);   /* nullable */
MYSQL            *cupel_mysql_params_connect  (CupelMysqlParams  *params,
                                               gint64             deadline,
                                               GCancellable      *cancellable,
                                               GError           **error);   /* suspends */
CupelMysqlKill   *cupel_mysql_kill_start      (CupelMysqlParams  *params,
                                               gulong             thread_id);
/* Frees @kill. When the statement has @ended: suspends until KILL QUERY has been answered; FALSE: it was not, or not in time. When it has
 * not, and was given up: the server hears of it for a little longer. */
gboolean          cupel_mysql_kill_finish     (CupelMysqlKill    *kill,
                                               gboolean           ended,
                                               gint64             deadline);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CupelMysqlParams, cupel_mysql_params_unref)

/* connection */
typedef enum
{
  CUPEL_MYSQL_OP_NONE,
  CUPEL_MYSQL_OP_RUNNING,
  CUPEL_MYSQL_OP_INTERRUPTED,   /* cancelled or out of time; the call is being driven to its end */
} CupelMysqlOp;

#define CUPEL_TYPE_MYSQL_CONNECTION (cupel_mysql_connection_get_type ())
G_DECLARE_FINAL_TYPE (CupelMysqlConnection, cupel_mysql_connection, CUPEL, MYSQL_CONNECTION, CupelMysqlParent)

#define CUPEL_TYPE_MYSQL_CURSOR (cupel_mysql_cursor_get_type ())
G_DECLARE_FINAL_TYPE (CupelMysqlCursor, cupel_mysql_cursor, CUPEL, MYSQL_CURSOR, CupelDriverCursor)

struct _CupelMysqlConnection
{
  CupelMysqlParent       parent_instance;

  MYSQL                 *mysql;         /* NULL: closed */
  CupelMysqlParams      *params;
  int                    fd;            /* a duplicate: the library closes its own when it likes */
  CupelMysqlClient       client;
  gboolean               is_mariadb;
  gboolean               has_returning;  /* without it only a statement by itself tells the key that it generated */
  /* What not every library or server has; NULL then. */
  gboolean             (*many_bulk)     (CupelMysqlConnection  *self,      /* array binding */
                                         const CupelRequest    *request,
                                         CupelReply            *reply,
                                         gboolean              *handled,
                                         GError               **error);
  gboolean             (*run_direct)    (CupelMysqlConnection  *self,      /* the first use in one round trip; FALSE: the */
                                         CupelMysqlStatement   *statement); /* errors are in the statement */
  gboolean               last_reads;    /* what the server prepared last has no effects */

  /* the operation that is under way */
  CupelMysqlOp           op;
  GCancellable          *cancellable;
  gint64                 deadline;
  gint64                 grace;         /* INTERRUPTED: when to give up */
  gboolean               killable;
  GError                *op_error;      /* why it was interrupted */
  CupelMysqlKill        *kill;
  gboolean               suspended;     /* inside a call of the library */
  gboolean               broken;        /* the link is lost, or not proved clean */
  gboolean               terminated;

  /* transactions */
  gboolean               in_transaction;
  gboolean               transaction_lost;  /* nothing but a ROLLBACK may follow */
  gboolean               own_transaction;   /* of a batch outside of any other */
  gboolean               read_only;         /* it was begun so */
  CupelTransactionOptions next;             /* how the next one begins */
  gboolean               autocommit;        /* the server's mode */
  CupelIsolationLevel    isolation;
  gboolean               isolation_changed;
  gboolean               dirty;             /* statements left something in the session */
  const char            *collation;         /* of the character set, when it was connected */

  /* prepared statements: most recently used first */
  GHashTable            *statements;
  GQueue                 lru;
  guint                  cache_size;

  gsize                  max_packet;   /* the server's; 0: it was not asked yet */

  /* the one result that is still on the wire */
  CupelMysqlRows        *open;
  CupelMysqlCursor      *cursor;        /* who reads it; not owned; NULL: nobody any more */
  CupelMysqlStatement   *stray;         /* not in the cache and still open when the handle went */
};

CupelDriverConnection *cupel_mysql_connection_new (CupelMysqlParams *params,
                                                   MYSQL            *mysql);

/* Before connecting, on any thread. */
gboolean cupel_mysql_client_set_options (CupelMysqlAttempt       *attempt,
                                         GError                 **error);
/* mysql_real_connect (): to the address, but the certificate is for the name. FALSE: see the errors of the library. */
gboolean cupel_mysql_client_connect     (CupelMysqlAttempt       *attempt);
/* What the library promised, looked at once more. */
gboolean cupel_mysql_client_verify      (CupelMysqlAttempt       *attempt,
                                         GError                 **error);
/* client: what is not the same with both client libraries. These suspend until the call is over, however it ends; on
 * failure the errors are in the handle or the statement. */
gboolean cupel_mysql_client_query         (CupelMysqlConnection  *self,
                                           const char            *sql,
                                           gsize                  length);
gboolean cupel_mysql_client_ping          (CupelMysqlConnection  *self);
gboolean cupel_mysql_client_reset         (CupelMysqlConnection  *self);
gboolean cupel_mysql_client_select_db     (CupelMysqlConnection  *self,
                                           const char            *database);
void     cupel_mysql_client_close         (CupelMysqlConnection  *self);
gboolean cupel_mysql_client_prepare       (CupelMysqlConnection  *self,
                                           CupelMysqlStatement   *statement);
gboolean cupel_mysql_client_execute       (CupelMysqlConnection  *self,
                                           CupelMysqlStatement   *statement);
void     cupel_mysql_client_close_stmt    (CupelMysqlConnection  *self,
                                           MYSQL_STMT            *stmt);
/* Up to @max rows or CUPEL_MYSQL_BLOCK_BYTES into rows->block, or, when there is none, over up to @max rows or
 * CUPEL_MYSQL_DRAIN_BYTES; rows->bytes counts them. 0: there may be more; MYSQL_NO_DATA: the end of this result; 1: failed. */
int      cupel_mysql_client_fetch         (CupelMysqlRows        *rows,
                                           guint                  max);
/* Reads over the results that follow. MYSQL_NO_DATA, or 1: failed. */
int      cupel_mysql_client_skip_results  (CupelMysqlRows        *rows);
/* These do not suspend. */
void     cupel_mysql_client_init          (CupelMysqlConnection  *self);
void     cupel_mysql_client_clear         (CupelMysqlConnection  *self);
void     cupel_mysql_client_drop          (CupelMysqlConnection  *self);    /* the socket is shut down */
int      cupel_mysql_client_get_socket    (MYSQL                 *mysql);
void     cupel_mysql_client_stmt_init     (CupelMysqlStatement   *statement);
/* After the execution: what the columns are. */
void     cupel_mysql_client_describe      (CupelMysqlStatement   *statement);

/* io */
gboolean cupel_mysql_connection_enter     (CupelMysqlConnection  *self,
                                           gint64                 deadline,
                                           GCancellable          *cancellable,
                                           gboolean               killable,
                                           GError               **error);
/* Ends what enter began. Returns @ok, or FALSE with the reason of the interruption in @error in place of what is there. */
gboolean cupel_mysql_connection_leave     (CupelMysqlConnection  *self,
                                           gboolean               ok,
                                           GError               **error);
/* What a wait that ended without what it waited for means. Takes @error. */
void     cupel_mysql_connection_wait_failed (CupelMysqlConnection *self,
                                           GError                *error);
/* Between rows that were all there already: notices a cancellation. TRUE: go on. */
gboolean cupel_mysql_connection_check     (CupelMysqlConnection  *self);
/* Waits for the answer to KILL QUERY and lets a late one hit a statement that does nothing. */
void     cupel_mysql_connection_soak      (CupelMysqlConnection  *self);
void     cupel_mysql_connection_interrupt (CupelMysqlConnection  *self,
                                           GError                *reason);
void     cupel_mysql_connection_break     (CupelMysqlConnection  *self);
void     cupel_mysql_connection_free_handle (CupelMysqlConnection *self);
/* A statement without rows, as text. */
gboolean cupel_mysql_connection_command   (CupelMysqlConnection  *self,
                                           const char            *sql,
                                           GError               **error);
/* Lets the open result go out of the way: into the memory of its cursor. */
gboolean cupel_mysql_connection_settle    (CupelMysqlConnection  *self,
                                           GError               **error);
/* Reads on to the end of the open result; interrupts the statement when that is far. */
gboolean cupel_mysql_connection_abandon_rows (CupelMysqlConnection *self);

/* transaction */
gboolean cupel_mysql_connection_has_transaction (CupelMysqlConnection *self);
void     cupel_mysql_connection_notice_end (CupelMysqlConnection *self,
                                           gboolean               had_begun);
void     cupel_mysql_connection_note_error (CupelMysqlConnection *self,
                                           GError               **error);
/* Brings the server's autocommit mode in line with what a request wants. */
gboolean cupel_mysql_connection_set_autocommit (CupelMysqlConnection *self,
                                           gboolean               autocommit,
                                           GError               **error);
gboolean cupel_mysql_connection_open_transaction (CupelMysqlConnection *self,
                                           GError               **error);
gboolean cupel_mysql_connection_send_commit (CupelMysqlConnection *self,
                                           GError               **error);
gboolean cupel_mysql_connection_set_level (CupelMysqlConnection  *self,
                                           CupelIsolationLevel    level,
                                           GError               **error);
void     cupel_mysql_connection_set_pending_rollback (GError     **error);
gboolean cupel_mysql_connection_begin     (CupelDriverConnection *connection,
                                           GCancellable          *cancellable,
                                           GError               **error);
gboolean cupel_mysql_connection_commit    (CupelDriverConnection *connection,
                                           GCancellable          *cancellable,
                                           GError               **error);
gboolean cupel_mysql_connection_rollback  (CupelDriverConnection *connection,
                                           gint64                 deadline,
                                           GError               **error);
gboolean cupel_mysql_connection_set_isolation (CupelDriverConnection *connection,
                                           CupelIsolationLevel    level,
                                           GCancellable          *cancellable,
                                           GError               **error);
gboolean cupel_mysql_connection_set_transaction (CupelDriverConnection *connection,
                                           const CupelTransactionOptions *options,
                                           GError               **error);

/* session */
gboolean cupel_mysql_sql_leaves_traces    (const char            *sql);
void     cupel_mysql_connection_note_session (CupelMysqlConnection *self);
gboolean cupel_mysql_connection_get_role  (CupelDriverConnection *connection,
                                           CupelServerRole       *role,
                                           GCancellable          *cancellable,
                                           GError               **error);
gboolean cupel_mysql_connection_needs_reset (CupelDriverConnection *connection);
void     cupel_mysql_connection_mark_dirty (CupelDriverConnection *connection);
gboolean cupel_mysql_connection_reset     (CupelDriverConnection *connection,
                                           gint64                 deadline,
                                           GError               **error);

/* execute */
gboolean cupel_mysql_connection_execute   (CupelDriverConnection *connection,
                                           const CupelRequest    *request,
                                           CupelReply            *reply,
                                           GCancellable          *cancellable,
                                           GError               **error);
/* FALSE with @error: the server would not take the text, or the values of one set, and would end the connection. May suspend. */
gboolean cupel_mysql_connection_check_packet (CupelMysqlConnection *self,
                                           const CupelRequest    *request,
                                           guint                  set,
                                           GError               **error);
/* How many sets from @first on go into one packet. */
guint    cupel_mysql_page                 (const CupelRequest    *request,
                                           guint                  first,
                                           guint                  max_rows);
gboolean cupel_mysql_connection_execute_many (CupelMysqlConnection *self,
                                           const CupelRequest    *request,
                                           CupelReply            *reply,
                                           GError               **error);
/* Executes @statement, whose binds are set, with the stale ones prepared again; starts reading its rows. */
gboolean cupel_mysql_connection_run       (CupelMysqlConnection  *self,
                                           CupelMysqlStatement   *statement,
                                           GError               **error);
/* All rows of the open result into @blocks. */
gboolean cupel_mysql_connection_read_all  (CupelMysqlConnection  *self,
                                           CupelMysqlRows        *rows,
                                           guint                  block_rows,
                                           GPtrArray             *blocks,
                                           GError               **error);

/* rows: a result that is being read, by either protocol */
typedef void (*CupelMysqlDecodeFunc) (CupelMysqlRows *rows, guint column, const guint8 *data, gsize length, CupelCell *cell);

typedef struct
{
  guint8   type;          /* enum enum_field_types */
  guint8   kind;          /* CupelCellKind that text and blobs become */
  guint8   expected;      /* CupelSqlKind */
  guint8   decimals;      /* of seconds; more than 6: as many as there are */
  gboolean is_unsigned;
} CupelMysqlColumn;

struct _CupelMysqlRows
{
  CupelMysqlConnection *connection;   /* not owned */
  CupelMysqlStatement  *statement;    /* not owned; or */
  MYSQL_RES            *result;       /* owned, the text protocol */
  guint                 n_columns;
  CupelMysqlColumn     *columns;
  guint                 n_allocated;
  char                **names;        /* only of statements that do not know them */

  CupelRowBlock        *block;        /* being filled; NULL: rows are skipped */
  CupelCell            *cells;
  gboolean              malformed;
  gboolean              done;
  gsize                 bytes;        /* that were read into the block, or skipped */
};

/* What the fields of a result become; @compiled says what the statement expects. */
void     cupel_mysql_rows_describe     (CupelMysqlRows        *rows,
                                        const MYSQL_FIELD     *fields,
                                        guint                  n_fields,
                                        const CupelCompiled   *compiled);
void     cupel_mysql_rows_clear        (CupelMysqlRows        *rows);
/* For how many rows a block makes room at first, that are @wanted: columns may be many. */
static inline guint
cupel_mysql_rows_reserve (const CupelMysqlRows *rows,
                          guint                 wanted)
{
  guint most = CUPEL_MYSQL_BLOCK_BYTES / (sizeof (CupelCell) * MAX (rows->n_columns, 1)) + 1;

  return MIN (MIN (wanted, CUPEL_MYSQL_BLOCK_ROWS), most);
}
/* Takes note that rows of @rows are on the wire. */
void     cupel_mysql_rows_open         (CupelMysqlRows        *rows);
/* As cupel_mysql_client_fetch (), over the results that follow too. After the end and a failure nothing is left on the wire. */
int      cupel_mysql_rows_fetch        (CupelMysqlRows        *rows,
                                        guint                  max);
/* Reads up to @max rows, or about as many as a block holds, into rows->block. FALSE with @error; rows->done at the end. */
gboolean cupel_mysql_rows_read         (CupelMysqlRows        *rows,
                                        guint                  max,
                                        GError               **error);
/* After the end: gives the statement back. @rows is gone. Suspends. */
void     cupel_mysql_rows_release      (CupelMysqlRows        *rows);
/* The value at @data, in a row that ends at @end, into rows->cells, or over it. What follows it; NULL: it is malformed. */
const guint8 *cupel_mysql_decode_binary (CupelMysqlRows       *rows,
                                        guint                  column,
                                        const guint8          *data,
                                        const guint8          *end);
/* A row of the text protocol into rows->block, or over it. */
void     cupel_mysql_decode_text_row   (CupelMysqlRows        *rows,
                                        char                 **row,
                                        const unsigned long   *lengths);

/* text protocol */
gboolean cupel_mysql_connection_query  (CupelMysqlConnection  *self,
                                        const char            *sql,
                                        gsize                  length,
                                        const CupelCompiled   *compiled,
                                        CupelMysqlRows       **rows,        /* (out) (transfer full): NULL: no rows */
                                        GError               **error);

/* binds: parameters on their way to the server; they live as long as the statement */
struct _CupelMysqlBinds
{
  guint          n;
  MYSQL_BIND    *binds;
  struct _CupelMysqlSlotBuffer *buffers;
};

void     cupel_mysql_binds_init        (CupelMysqlBinds       *binds,
                                        guint                  n);
void     cupel_mysql_binds_clear       (CupelMysqlBinds       *binds);
gboolean cupel_mysql_binds_set         (CupelMysqlBinds       *binds,
                                        guint                  nth,
                                        const CupelSqlType    *type,
                                        const CupelCell       *cell,
                                        GError               **error);
/* The type on the wire: MYSQL_TYPE_NULL for NULL. */
enum enum_field_types cupel_mysql_bind_type (const CupelCell *cell);
gsize    cupel_mysql_bind_size         (const CupelCell *cell);

/* statements */
struct _CupelMysqlStatement
{
  guint64          id;          /* of the compiled statement */
  guint            n_rows;      /* groups of VALUES */
  char            *sql;
  gsize            sql_length;
  MYSQL_STMT      *stmt;
  gboolean         prepared;
  gboolean         keep;        /* wants to be in the cache */
  gboolean         cached;
  gboolean         only_reads;
  gboolean         leaves_traces; /* in the session */
  gpointer         bulk;        /* what an array execution reads its sets from */
  GList            link;        /* in the LRU */
  CupelMysqlBinds  binds;
  CupelMysqlRows   rows;
  CupelCompiled   *compiled;
};

/* The statement of @compiled with @n_rows groups: from the cache, or a new one that is not prepared yet. */
CupelMysqlStatement *cupel_mysql_statement_get     (CupelMysqlConnection  *self,
                                                    CupelCompiled         *compiled,
                                                    guint                  n_rows,
                                                    gboolean               keep);
gboolean             cupel_mysql_statement_prepare (CupelMysqlConnection  *self,
                                                    CupelMysqlStatement   *statement,
                                                    GError               **error);
gboolean             cupel_mysql_statement_prepared (CupelMysqlConnection *self,
                                                    CupelMysqlStatement   *statement,
                                                    GError               **error);
GHashTable          *cupel_mysql_statements_new    (void);
/* After use: into the cache, or closed. Suspends. */
void                 cupel_mysql_statement_done    (CupelMysqlConnection  *self,
                                                    CupelMysqlStatement   *statement);
void                 cupel_mysql_statement_close   (CupelMysqlConnection  *self,
                                                    CupelMysqlStatement   *statement);
void                 cupel_mysql_statements_clear  (CupelMysqlConnection  *self);   /* no I/O: the handle is closed */

/* cursor */
CupelDriverCursor *cupel_mysql_cursor_new     (CupelMysqlConnection  *connection,
                                               CupelMysqlRows        *rows,
                                               guint                  block_rows);
/* Takes all rows that are left into memory. */
gboolean           cupel_mysql_cursor_buffer  (CupelMysqlCursor      *self,
                                               GError               **error);
/* The connection is gone. */
void               cupel_mysql_cursor_orphan  (CupelMysqlCursor      *self);

/* errors */
void     cupel_mysql_set_error          (GError               **error,
                                         MYSQL                 *mysql,
                                         MYSQL_STMT            *stmt);      /* nullable */
/* The same from parts; @connecting: no code of a server means that it could not be reached. */
GError  *cupel_mysql_error_new          (guint                  code,
                                         const char            *sqlstate,
                                         const char            *message,
                                         gboolean               connecting);
guint    cupel_mysql_last_errno         (MYSQL                 *mysql,
                                         MYSQL_STMT            *stmt);
gboolean cupel_mysql_error_ends_transaction (const GError       *error);
gboolean cupel_mysql_code_is_lost       (guint                  code);
gboolean cupel_mysql_code_is_stale      (guint                  code);

G_END_DECLS
