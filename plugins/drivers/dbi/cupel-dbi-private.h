/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

#include <cupel-dialect.h>

#include <dbi/dbi.h>
#include <string.h>

G_BEGIN_DECLS

/* libdbi connects, executes text and quotes. Its conversion of results loses what they were: microseconds, integers above 2^63,
 * bytes after a NUL, the last digits of a double. So rows are read with the client library's own functions, which libdbi hands out by
 * name (dbi_driver_specific_function ()), from the handle that dbi-dev.h declares. */

typedef struct _CupelDbiBackend CupelDbiBackend;
typedef struct _CupelDbiLink CupelDbiLink;

/* What a URL asks for, in libdbi's words. */
typedef struct
{
  const CupelDbiBackend *backend;
  GPtrArray             *names;      /* of static texts */
  GPtrArray             *values;     /* wiped */
  char                  *where;      /* for messages */
  gboolean               in_memory;
  guint                  connect_timeout;   /* seconds */
  gint64                 busy_timeout;      /* microseconds; SQLite */
  GSocketAddress        *address;    /* where PostgreSQL should be; NULL: not known */
} CupelDbiSettings;

/* One kind of server. All but interrupt () runs on the worker. */
struct _CupelDbiBackend
{
  const char *name;        /* libdbi's name of its driver */
  const char *dialects[3];
  gboolean    is_server;   /* a link that can be lost and a session that is somewhere else */
  int         first_year;  /* of a date that can be written out */
  int         last_year;

  /* After dbi_conn_connect (). */
  gboolean (*open)      (CupelDbiLink        *link,
                         GError             **error);
  void     (*free_canceller) (CupelDbiLink   *link);
  /* One statement as it is; rows and counts go to @reply (nullable). @compiled (nullable): what the columns are to be. */
  gboolean (*query)     (CupelDbiLink        *link,
                         const char          *sql,
                         const CupelCompiled *compiled,
                         guint                block_rows,
                         CupelReply          *reply,
                         GError             **error);
  /* One set of a request with real parameters; NULL: literals are written into the text. */
  gboolean (*execute)   (CupelDbiLink        *link,
                         const CupelRequest  *request,
                         guint                set,
                         guint                block_rows,
                         CupelReply          *reply,
                         GError             **error);
  /* Appends a value, in the server's words. @type: what it is for. */
  gboolean (*literal)   (CupelDbiLink        *link,
                         GString             *sql,
                         const CupelCell     *cell,
                         const CupelSqlType  *type,
                         GError             **error);
  /* Whether quoting is still what it was: after a text of a user, which may have changed it. FALSE: the session is not to be used. */
  gboolean (*verify)    (CupelDbiLink        *link,
                         GError             **error);
  /* Brings the session to the state after open (); FALSE: nothing but a new connection does. */
  gboolean (*discard)   (CupelDbiLink        *link,
                         GError             **error);
  /* What opens a transaction: statements separated by ';'. NULL: there is none like this. */
  char    *(*begin)     (CupelDbiLink                  *link,
                         const CupelTransactionOptions *options,
                         const CupelCompiled           *first);
  /* Called with FALSE after what begin () says was executed, with TRUE before a statement outside of transactions; NULL: a server that
   * knows by itself. */
  gboolean (*set_autocommit) (CupelDbiLink   *link,
                         gboolean             autocommit,
                         GError             **error);
  /* The statement that sets how transactions are isolated from now on; NULL: the server has no such level. */
  char    *(*isolation) (CupelDbiLink        *link,
                         CupelIsolationLevel  level);
  /* What the server or the library knows after a statement; @error: its error, nullable. */
  CupelTransactionStatus (*status) (CupelDbiLink *link,
                         const GError        *error);
  /* A thread of its own: stops what runs on the server. */
  void     (*stop)      (CupelDbiLink        *link);
};

/* A connection of libdbi. The worker's, but for what is marked. */
struct _CupelDbiLink
{
  const CupelDbiBackend *backend;
  CupelDbiSettings       settings;
  CupelDialect          *dialect;      /* any thread */
  dbi_inst               instance;
  dbi_driver             driver;
  dbi_conn               conn;
  gpointer               handle;       /* the client library's */
  gpointer               functions;    /* of the client library */
  gpointer               canceller;    /* PostgreSQL's PGcancel */
  guint64                session_id;   /* MySQL's */
  gboolean               is_mariadb;
  gboolean               no_autocommit;   /* MySQL's setting */
  guint64                max_packet;   /* what MySQL takes at once; 0: not known */
  gint64                 busy_since;
  gboolean               preparing;    /* SQLite: a user's text */
  gboolean               refused;
  CupelTransactionStatus status;       /* what was known before the statement */
  int                    interrupted;  /* any thread, atomic */
};

extern const CupelDbiBackend cupel_dbi_pgsql;
extern const CupelDbiBackend cupel_dbi_mysql;
extern const CupelDbiBackend cupel_dbi_sqlite3;

const CupelDbiBackend *cupel_dbi_find_backend (const char         *dialect);

gboolean cupel_dbi_settings_init  (CupelDbiSettings       *settings,
                                   const CupelDbiBackend  *backend,
                                   CupelUrl               *url,
                                   const CupelEndpoint    *endpoint,
                                   GError                **error);
void     cupel_dbi_settings_clear (CupelDbiSettings       *settings);
gboolean cupel_dbi_url_is_memory  (CupelUrl               *url);
gboolean cupel_dbi_settings_check_files (const CupelDbiSettings *settings,
                                         CupelUrl               *url,
                                         GError                **error);
/* Blocks for a second at most: whether anybody takes a link where the server should be. TRUE where that is not known. */
gboolean cupel_dbi_settings_is_there (const CupelDbiSettings *settings);

/* After it, and after a failure, cupel_dbi_link_clear () is due. */
gboolean cupel_dbi_link_open      (CupelDbiLink        *link,
                                   gboolean             sets_session,
                                   GError             **error);
void     cupel_dbi_link_close     (CupelDbiLink        *link);
/* When no thread uses it any more: what stop () needs is kept until then. */
void     cupel_dbi_link_clear     (CupelDbiLink        *link);
gpointer cupel_dbi_link_get_function (CupelDbiLink     *link,
                                   const char          *name,
                                   GError             **error);
gpointer cupel_dbi_link_get_handle (CupelDbiLink       *link);
/* The error that libdbi has; FALSE. */
gboolean cupel_dbi_link_fail      (CupelDbiLink        *link,
                                   GError             **error);
gboolean cupel_dbi_link_is_interrupted (CupelDbiLink   *link,
                                   GError             **error);
gboolean cupel_dbi_link_run       (CupelDbiLink        *link,
                                   const char          *sql,
                                   GError             **error);
/* The first cell as text. */
char    *cupel_dbi_link_ask       (CupelDbiLink        *link,
                                   const char          *sql,
                                   GError             **error);

/* The text of one statement with the values of @n_sets sets from @set on; more than one: an INSERT that has a group. */
char    *cupel_dbi_render         (CupelDbiLink        *link,
                                   const CupelRequest  *request,
                                   guint                set,
                                   guint                n_sets,
                                   GError             **error);
gboolean cupel_dbi_pgsql_literal  (CupelDbiLink        *link,
                                   GString             *sql,
                                   const CupelCell     *cell,
                                   const CupelSqlType  *type,
                                   GError             **error);
gboolean cupel_dbi_mysql_literal  (CupelDbiLink        *link,
                                   GString             *sql,
                                   const CupelCell     *cell,
                                   const CupelSqlType  *type,
                                   GError             **error);
/* UTF-8 without U+0000. */
gboolean cupel_dbi_check_text     (const CupelCell     *cell,
                                   GError             **error);
/* @buffer: 37 bytes */
void     cupel_dbi_format_uuid    (const guint8        *bytes,
                                   char                *buffer);

/* What a value in the text of the server becomes. */
typedef enum
{
  CUPEL_DBI_TEXT,
  CUPEL_DBI_BOOLEAN,
  CUPEL_DBI_INTEGER,
  CUPEL_DBI_DOUBLE,
  CUPEL_DBI_FLOAT,
  CUPEL_DBI_DECIMAL,
  CUPEL_DBI_BYTES,        /* as they are */
  CUPEL_DBI_HEX,          /* \x6162 */
  CUPEL_DBI_DATE,
  CUPEL_DBI_TIME,
  CUPEL_DBI_DATETIME,
  CUPEL_DBI_TIMESTAMP,
  CUPEL_DBI_UUID,
  CUPEL_DBI_JSON,
  CUPEL_DBI_OTHER,
} CupelDbiForm;

void     cupel_dbi_decode         (CupelRowBlock       *block,
                                   CupelCell           *cell,
                                   CupelDbiForm         form,
                                   const char          *text,
                                   gsize                length);
CupelDbiForm cupel_dbi_form_of_kind (CupelSqlKind       kind);
CupelSqlKind cupel_dbi_get_kind   (const CupelCompiled *compiled,
                                   guint                column);
/* The block that the next row of @reply goes to. */
CupelRowBlock *cupel_dbi_reply_get_block (CupelReply   *reply,
                                   guint                n_columns,
                                   guint                block_rows);

/* cupel-dbi-connection.c, cupel-dbi-jobs.c */
#define CUPEL_TYPE_DBI_CONNECTION (cupel_dbi_connection_get_type ())
G_DECLARE_FINAL_TYPE (CupelDbiConnection, cupel_dbi_connection, CUPEL, DBI_CONNECTION, CupelThreadedConnection)

struct _CupelDbiConnection
{
  CupelThreadedConnection parent_instance;

  CupelDbiLink            link;

  /* atomic: written by the worker or while it is idle, read by anyone */
  int                     status;          /* CupelTransactionStatus */
  int                     begin_pending;
  int                     autocommit;
  int                     broken;
  int                     socket;
  int                     dirty;           /* a text may have changed the session */
  int                     isolated;        /* the isolation level is not the one of the beginning */

  CupelTransactionOptions options;         /* of the next transaction; the fiber's until a job begins one */
  gint64                  stopped_at;      /* under the lock of interrupt () */
  int                     n_stopping;      /* atomic */
  int                     opened;          /* atomic: stop () has what it needs */
};

CupelDriverConnection *cupel_dbi_connection_open (const CupelDbiBackend *backend,
                                   CupelDialect        *dialect,
                                   CupelUrl            *url,
                                   const CupelEndpoint *endpoint,
                                   gint64               deadline,
                                   GCancellable        *cancellable,
                                   GError             **error);

/* FALSE: the link is lost, or a request to stop a statement may still be on its way and would stop another one. */
gboolean cupel_dbi_connection_check (CupelDbiConnection *self,
                                   GError             **error);

/* A request of which everything that the worker reads is its own. */
typedef struct
{
  CupelRequest             request;
  CupelRowBlock           *literals;
  CupelTransactionOptions  options;
  gboolean                 is_own;   /* no text of a user */
  CupelReply               reply;
} CupelDbiJob;

CupelDbiJob *cupel_dbi_job_new    (const CupelRequest  *request,
                                   GError             **error);
void     cupel_dbi_job_free       (CupelDbiJob         *job);

gboolean cupel_dbi_job_open       (CupelThreadedConnection *base, gpointer data, GError **error);
gboolean cupel_dbi_job_close      (CupelThreadedConnection *base, gpointer data, GError **error);
gboolean cupel_dbi_job_execute    (CupelThreadedConnection *base, gpointer data, GError **error);
gboolean cupel_dbi_job_commit     (CupelThreadedConnection *base, gpointer data, GError **error);
gboolean cupel_dbi_job_rollback   (CupelThreadedConnection *base, gpointer data, GError **error);
gboolean cupel_dbi_job_reset      (CupelThreadedConnection *base, gpointer data, GError **error);
/* @data: a text that the job owns */
gboolean cupel_dbi_job_run        (CupelThreadedConnection *base, gpointer data, GError **error);
gboolean cupel_dbi_job_isolation  (CupelThreadedConnection *base, gpointer data, GError **error);

G_END_DECLS
