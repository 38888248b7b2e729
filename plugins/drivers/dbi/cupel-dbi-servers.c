/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* PostgreSQL and MySQL: statements go through libdbi as text, rows are read by the client library's functions. */

#include "cupel-dbi-private.h"

#include <dbi/dbi-dev.h>

/* PostgreSQL. The types of libpq are opaque, its constants part of its ABI. */

#define PG_BAD         1     /* CONNECTION_BAD */
#define PG_COMMAND_OK  1     /* PGRES_COMMAND_OK */
#define PG_COPY_OUT    3     /* PGRES_COPY_OUT */
#define PG_COPY_IN     4     /* PGRES_COPY_IN */
#define PG_COPY_BOTH   8     /* PGRES_COPY_BOTH */

typedef struct
{
  int         (*ntuples)     (gconstpointer result);
  char       *(*getvalue)    (gconstpointer result, int row, int column);
  int         (*getlength)   (gconstpointer result, int row, int column);
  int         (*getisnull)   (gconstpointer result, int row, int column);
  guint       (*ftype)       (gconstpointer result, int column);
  int         (*status)      (gconstpointer conn);
  int         (*transaction) (gconstpointer conn);
  const char *(*parameter)   (gconstpointer conn, const char *name);
  int         (*verbosity)   (gpointer conn, int verbosity);
  gpointer    (*prepare)     (gpointer conn, const char *name, const char *sql, int n_types, const guint *types);
  int         (*result_status) (gconstpointer result);
  char       *(*error_field) (gconstpointer result, int field);
  void        (*clear)       (gpointer result);
  gpointer    (*get_cancel)  (gpointer conn);
  void        (*free_cancel) (gpointer cancel);
  int         (*cancel)      (gpointer cancel, char *buffer, int size);
} PgFunctions;

/* MYSQL_FIELD: the same in both client libraries, and what libdbi's driver was compiled with. */
typedef struct
{
  char    *names[7];
  gulong   lengths[2];
  guint    name_lengths[7];
  guint    flags;
  guint    decimals;
  guint    charset;
  int      type;
  gpointer extension;
} MysqlField;

typedef struct
{
  MysqlField       *(*fetch_fields)  (gpointer result);
  char            **(*fetch_row)     (gpointer result);
  unsigned long    *(*fetch_lengths) (gpointer result);
  int               (*set_character_set) (gpointer conn, const char *name);
  unsigned long     (*thread_id)     (gpointer conn);
  void              (*set_local_infile_handler) (gpointer conn,
                                                 int    (*init) (gpointer *data, const char *name, gpointer user_data),
                                                 int    (*read) (gpointer data, char *buffer, unsigned int size),
                                                 void   (*end) (gpointer data),
                                                 int    (*error) (gpointer data, char *buffer, unsigned int size),
                                                 gpointer user_data);
} MysqlFunctions;

typedef struct
{
  const char *name;
  gsize       offset;
} FunctionName;

static gboolean
load_functions (CupelDbiLink        *link,
                const FunctionName  *names,
                gsize                n_names,
                gsize                size,
                GError             **error)
{
  link->functions = g_malloc0 (size);
  for (gsize i = 0; i < n_names; i++)
    {
      gpointer function = cupel_dbi_link_get_function (link, names[i].name, error);

      if (function == NULL)
        return FALSE;
      memcpy ((char *) link->functions + names[i].offset, &function, sizeof function);
    }
  return TRUE;
}

/* What both have in common: executing, counting, names. */
static dbi_result_t *
query (CupelDbiLink        *link,
       const char          *sql,
       const CupelCompiled *compiled,
       CupelReply          *reply,
       GError             **error)
{
  dbi_result_t *result = dbi_conn_query (link->conn, sql);
  guint n_columns;

  if (result == NULL)
    {
      cupel_dbi_link_fail (link, error);
      return NULL;
    }
  if (reply == NULL)
    return result;

  n_columns = result->numfields;
  reply->n_columns = n_columns;
  reply->row_count = -1;
  if (n_columns == 0 || (compiled != NULL && compiled->kind != CUPEL_COMPILED_SELECT && compiled->kind != CUPEL_COMPILED_TEXT))
    reply->row_count = (gint64) dbi_result_get_numrows_affected (result);
  if (compiled != NULL && compiled->kind == CUPEL_COMPILED_DDL)
    reply->row_count = -1;

  if (n_columns > 0 && reply->blocks == NULL)
    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  if (n_columns > 0 && reply->column_names == NULL &&
      (compiled == NULL || compiled->kind == CUPEL_COMPILED_TEXT || compiled->n_columns != n_columns))
    {
      reply->column_names = g_new0 (char *, n_columns + 1);
      for (guint i = 0; i < n_columns; i++)
        {
          const char *name = dbi_result_get_field_name (result, i + 1);

          reply->column_names[i] = g_utf8_make_valid (name != NULL ? name : "", -1);
        }
    }
  return result;
}

static gboolean
check_too_long (gsize    length,
                GError **error)
{
  if (length <= G_MAXUINT32)
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A value is longer than 4 GiB");
  return FALSE;
}

static CupelDbiForm
pgsql_form (guint oid)
{
  switch (oid)
    {
    case 16:   return CUPEL_DBI_BOOLEAN;
    case 17:   return CUPEL_DBI_HEX;
    case 20:
    case 21:
    case 23:
    case 26:   return CUPEL_DBI_INTEGER;
    case 18:
    case 19:
    case 25:
    case 705:
    case 1042:
    case 1043: return CUPEL_DBI_TEXT;
    case 114:
    case 3802: return CUPEL_DBI_JSON;
    case 700:  return CUPEL_DBI_FLOAT;
    case 701:  return CUPEL_DBI_DOUBLE;
    case 1082: return CUPEL_DBI_DATE;
    case 1083: return CUPEL_DBI_TIME;
    case 1114: return CUPEL_DBI_DATETIME;
    case 1184: return CUPEL_DBI_TIMESTAMP;
    case 1700: return CUPEL_DBI_DECIMAL;
    case 2950: return CUPEL_DBI_UUID;
    default:   return CUPEL_DBI_OTHER;
    }
}

static gboolean
pgsql_read (CupelDbiLink   *link,
            gpointer        handle,
            guint           n_columns,
            guint           block_rows,
            CupelReply     *reply,
            GError        **error)
{
  const PgFunctions *pg = link->functions;
  g_autofree CupelDbiForm *forms = g_new (CupelDbiForm, n_columns);
  int n_rows = pg->ntuples (handle);

  for (guint c = 0; c < n_columns; c++)
    forms[c] = pgsql_form (pg->ftype (handle, (int) c));
  for (int r = 0; r < n_rows; r++)
    {
      CupelRowBlock *block = cupel_dbi_reply_get_block (reply, n_columns, block_rows);
      CupelCell *cells = cupel_row_block_add_row (block);

      for (guint c = 0; c < n_columns; c++)
        if (!pg->getisnull (handle, r, (int) c))
          cupel_dbi_decode (block, &cells[c], forms[c], pg->getvalue (handle, r, (int) c),
                            (gsize) pg->getlength (handle, r, (int) c));
      if ((r & 255) == 255 && cupel_dbi_link_is_interrupted (link, error))
        return FALSE;
    }
  return TRUE;
}

/* libdbi executes all statements of a text. The server counts them when it prepares it, and does nothing if they are several. */
static gboolean
pgsql_check_single (CupelDbiLink  *link,
                    const char    *sql,
                    GError       **error)
{
  const PgFunctions *pg = link->functions;
  gpointer result = pg->prepare (link->handle, "", sql, 0, NULL);
  gboolean ok = result != NULL && pg->result_status (result) == PG_COMMAND_OK;

  if (!ok)
    g_propagate_error (error, cupel_dialect_create_error (link->dialect, 0, result != NULL ? pg->error_field (result, 'C') : "08006",
                                                          result != NULL ? pg->error_field (result, 'M') : NULL));
  pg->clear (result);
  return ok;
}

/* libdbi takes the invitation to send or to read data for success, and leaves the session in the middle of it: pgsql_status ()
 * sees that, and the connection is not used any more. */
static gboolean
pgsql_check_copy (CupelDbiLink        *link,
                  const dbi_result_t  *result,
                  GError             **error)
{
  const PgFunctions *pg = link->functions;
  int status = pg->result_status (result->result_handle);

  if (status != PG_COPY_OUT && status != PG_COPY_IN && status != PG_COPY_BOTH)
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                       "COPY from or to the client is not supported: insert many sets, or COPY a file on the server");
  return FALSE;
}

static gboolean
pgsql_query (CupelDbiLink        *link,
             const char          *sql,
             const CupelCompiled *compiled,
             guint                block_rows,
             CupelReply          *reply,
             GError             **error)
{
  dbi_result_t *result;
  gboolean ok = TRUE;

  if (compiled != NULL && compiled->kind == CUPEL_COMPILED_TEXT && strchr (compiled->sql, ';') != NULL &&
      !pgsql_check_single (link, sql, error))
    return FALSE;
  if ((result = query (link, sql, compiled, reply, error)) == NULL)
    return FALSE;
  ok = pgsql_check_copy (link, result, error);
  if (ok && reply != NULL && result->numfields > 0)
    ok = pgsql_read (link, result->result_handle, result->numfields, block_rows, reply, error);
  dbi_result_free (result);
  return ok;
}

static CupelTransactionStatus
pgsql_status (CupelDbiLink *link,
              const GError *error)
{
  const PgFunctions *pg = link->functions;

  if (pg == NULL || link->handle == NULL || pg->status (link->handle) == PG_BAD)
    return CUPEL_TRANSACTION_UNKNOWN;
  switch (pg->transaction (link->handle))
    {
    case 0:  return CUPEL_TRANSACTION_IDLE;
    case 2:  return CUPEL_TRANSACTION_ACTIVE;
    case 3:  return CUPEL_TRANSACTION_FAILED;
    default: return CUPEL_TRANSACTION_UNKNOWN;    /* in the middle of a COPY, say */
    }
}

static gboolean
pgsql_verify (CupelDbiLink  *link,
              GError       **error)
{
  const PgFunctions *pg = link->functions;

  if (g_strcmp0 (pg->parameter (link->handle, "client_encoding"), "UTF8") == 0 &&
      g_strcmp0 (pg->parameter (link->handle, "standard_conforming_strings"), "on") == 0)
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                       "client_encoding is not UTF8 or standard_conforming_strings is not on: quoting would not be safe, and the "
                       "connection is not used any more");
  return FALSE;
}

/* What the texts that are read here look like, and what quoting counts on. */
static gboolean
pgsql_set_up (CupelDbiLink  *link,
              GError       **error)
{
  static const char *const settings[] = {
    "SET client_encoding TO 'UTF8'",
    "SET standard_conforming_strings TO on",
    "SET bytea_output TO 'hex'",
    "SET extra_float_digits TO 3",
    /* libpq writes notices to the standard error output, and nobody can be told of them in another way. */
    "SET client_min_messages TO error",
  };

  for (guint i = 0; i < G_N_ELEMENTS (settings); i++)
    if (!cupel_dbi_link_run (link, settings[i], error))
      return FALSE;
  return pgsql_verify (link, error);
}

static gboolean
pgsql_discard (CupelDbiLink  *link,
               GError       **error)
{
  return cupel_dbi_link_run (link, "DISCARD ALL", error) && pgsql_set_up (link, error);
}

static gboolean
pgsql_open (CupelDbiLink  *link,
            GError       **error)
{
  static const FunctionName names[] = {
    { "PQntuples", G_STRUCT_OFFSET (PgFunctions, ntuples) },
    { "PQgetvalue", G_STRUCT_OFFSET (PgFunctions, getvalue) },
    { "PQgetlength", G_STRUCT_OFFSET (PgFunctions, getlength) },
    { "PQgetisnull", G_STRUCT_OFFSET (PgFunctions, getisnull) },
    { "PQftype", G_STRUCT_OFFSET (PgFunctions, ftype) },
    { "PQstatus", G_STRUCT_OFFSET (PgFunctions, status) },
    { "PQtransactionStatus", G_STRUCT_OFFSET (PgFunctions, transaction) },
    { "PQparameterStatus", G_STRUCT_OFFSET (PgFunctions, parameter) },
    { "PQsetErrorVerbosity", G_STRUCT_OFFSET (PgFunctions, verbosity) },
    { "PQprepare", G_STRUCT_OFFSET (PgFunctions, prepare) },
    { "PQresultStatus", G_STRUCT_OFFSET (PgFunctions, result_status) },
    { "PQresultErrorField", G_STRUCT_OFFSET (PgFunctions, error_field) },
    { "PQclear", G_STRUCT_OFFSET (PgFunctions, clear) },
    { "PQgetCancel", G_STRUCT_OFFSET (PgFunctions, get_cancel) },
    { "PQfreeCancel", G_STRUCT_OFFSET (PgFunctions, free_cancel) },
    { "PQcancel", G_STRUCT_OFFSET (PgFunctions, cancel) },
  };
  const PgFunctions *pg;

  if (!load_functions (link, names, G_N_ELEMENTS (names), sizeof (PgFunctions), error))
    return FALSE;
  pg = link->functions;
  pg->verbosity (link->handle, 0);   /* terse: the other lines quote data */
  link->canceller = pg->get_cancel (link->handle);

  return pgsql_set_up (link, error);
}

static void
pgsql_free_canceller (CupelDbiLink *link)
{
  const PgFunctions *pg = link->functions;

  pg->free_cancel (g_steal_pointer (&link->canceller));
}

static void
pgsql_stop (CupelDbiLink *link)
{
  const PgFunctions *pg = link->functions;
  char message[256];

  if (link->canceller != NULL && !pg->cancel (link->canceller, message, sizeof message))
    g_debug ("Cancelling a statement: %s", message);
}

static const char *
level_name (CupelIsolationLevel level)
{
  switch (level)
    {
    case CUPEL_ISOLATION_READ_UNCOMMITTED: return "READ UNCOMMITTED";
    case CUPEL_ISOLATION_READ_COMMITTED:   return "READ COMMITTED";
    case CUPEL_ISOLATION_REPEATABLE_READ:  return "REPEATABLE READ";
    case CUPEL_ISOLATION_SERIALIZABLE:     return "SERIALIZABLE";
    case CUPEL_ISOLATION_DEFAULT:
    case CUPEL_ISOLATION_AUTOCOMMIT:
    default:                               return NULL;
    }
}

static char *
pgsql_begin (CupelDbiLink                  *link,
             const CupelTransactionOptions *options,
             const CupelCompiled           *first)
{
  const char *level = level_name (options->isolation);

  return g_strconcat ("BEGIN", level != NULL ? " ISOLATION LEVEL " : "", level != NULL ? level : "",
                      options->read_only ? " READ ONLY" : "", options->deferrable ? " DEFERRABLE" : "", NULL);
}

static char *
pgsql_isolation (CupelDbiLink        *link,
                 CupelIsolationLevel  level)
{
  const char *name = level_name (level);

  return name != NULL ? g_strdup_printf ("SET default_transaction_isolation TO '%s'", name)
                      : g_strdup ("RESET default_transaction_isolation");
}

const CupelDbiBackend cupel_dbi_pgsql = {
  .name = "pgsql",
  .dialects = { "postgresql", NULL },
  .is_server = TRUE,
  .first_year = 1,        /* before it says BC */
  .last_year = 294246,    /* all that a cell can hold */
  .open = pgsql_open,
  .free_canceller = pgsql_free_canceller,
  .query = pgsql_query,
  .verify = pgsql_verify,
  .discard = pgsql_discard,
  .literal = cupel_dbi_pgsql_literal,
  .begin = pgsql_begin,
  .isolation = pgsql_isolation,
  .status = pgsql_status,
  .stop = pgsql_stop,
};

/* MySQL */

enum
{
  MYSQL_DECIMAL    = 0,
  MYSQL_FLOAT      = 4,
  MYSQL_DOUBLE     = 5,
  MYSQL_TIMESTAMP  = 7,
  MYSQL_DATE       = 10,
  MYSQL_TIME       = 11,
  MYSQL_DATETIME   = 12,
  MYSQL_NEWDATE    = 14,
  MYSQL_BIT        = 16,
  MYSQL_JSON       = 245,
  MYSQL_NEWDECIMAL = 246,
};

#define MYSQL_CHARSET_BINARY 63

#define SET_AUTOCOMMIT "A text cannot set autocommit, by which transactions are made here: use the isolation level AUTOCOMMIT"

/* What the server says of a column, and what the statement wants of it. */
static CupelDbiForm
mysql_form (const MysqlField *field,
            CupelSqlKind      expected)
{
  switch (field->type)
    {
    case 1: case 2: case 3: case 8: case 9: case 13:
      return expected == CUPEL_SQL_BOOLEAN ? CUPEL_DBI_BOOLEAN
             : expected == CUPEL_SQL_FLOAT || expected == CUPEL_SQL_DOUBLE ? CUPEL_DBI_DOUBLE : CUPEL_DBI_INTEGER;
    case MYSQL_DECIMAL:
    case MYSQL_NEWDECIMAL:
      /* a sum of integers is a decimal here */
      return expected == CUPEL_SQL_FLOAT || expected == CUPEL_SQL_DOUBLE ? CUPEL_DBI_DOUBLE
             : expected == CUPEL_SQL_INT16 || expected == CUPEL_SQL_INT32 || expected == CUPEL_SQL_INT64 ? CUPEL_DBI_INTEGER
                                                                                                     : CUPEL_DBI_DECIMAL;
    case MYSQL_FLOAT:
      return CUPEL_DBI_FLOAT;
    case MYSQL_DOUBLE:
      return CUPEL_DBI_DOUBLE;
    case MYSQL_DATE:
    case MYSQL_NEWDATE:
      return expected == CUPEL_SQL_DATETIME ? CUPEL_DBI_DATETIME : expected == CUPEL_SQL_TIMESTAMP ? CUPEL_DBI_TIMESTAMP
                                                                                                   : CUPEL_DBI_DATE;
    case MYSQL_TIME:
      return CUPEL_DBI_TIME;
    case MYSQL_DATETIME:
      return expected == CUPEL_SQL_TIMESTAMP ? CUPEL_DBI_TIMESTAMP : CUPEL_DBI_DATETIME;
    case MYSQL_TIMESTAMP:
      return expected == CUPEL_SQL_DATETIME ? CUPEL_DBI_DATETIME : CUPEL_DBI_TIMESTAMP;
    case MYSQL_JSON:
      return CUPEL_DBI_JSON;
    default:
      break;
    }

  switch (expected)
    {
    case CUPEL_SQL_JSON:
    case CUPEL_SQL_UUID:
    case CUPEL_SQL_BYTES:
    case CUPEL_SQL_STRING:
    case CUPEL_SQL_TEXT:
      return cupel_dbi_form_of_kind (expected);
    default:
      return field->charset == MYSQL_CHARSET_BINARY ? CUPEL_DBI_BYTES : CUPEL_DBI_TEXT;
    }
}

/* The bits of a BIT, the first byte first. */
static void
mysql_decode_bits (CupelCell    *cell,
                   CupelSqlKind  expected,
                   const char   *bytes,
                   gsize         length)
{
  guint64 value = 0;

  for (gsize i = 0; i < MIN (length, 8); i++)
    value = value << 8 | (guint8) bytes[i];
  cell->kind = expected == CUPEL_SQL_BOOLEAN ? CUPEL_CELL_BOOLEAN : value > G_MAXINT64 ? CUPEL_CELL_UINT64 : CUPEL_CELL_INT64;
  cell->v.u64 = expected == CUPEL_SQL_BOOLEAN ? value != 0 : value;
}

static gboolean
mysql_read (CupelDbiLink         *link,
            const dbi_result_t   *result,
            const CupelCompiled  *compiled,
            guint                 block_rows,
            CupelReply           *reply,
            GError              **error)
{
  const MysqlFunctions *mysql = link->functions;
  guint n_columns = result->numfields;
  const MysqlField *fields = mysql->fetch_fields (result->result_handle);
  g_autofree CupelDbiForm *forms = g_new (CupelDbiForm, n_columns);
  guint n_rows = 0;
  char **row;

  for (guint c = 0; c < n_columns; c++)
    {
      forms[c] = mysql_form (&fields[c], cupel_dbi_get_kind (compiled, c));
      if (forms[c] == CUPEL_DBI_FLOAT)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                       "The column \"%s\" is a FLOAT, of which MySQL tells libdbi six digits only: make it DOUBLE, or "
                       "select CAST(... AS DOUBLE)", fields[c].names[0]);
          return FALSE;
        }
    }
  while ((row = mysql->fetch_row (result->result_handle)) != NULL)
    {
      const unsigned long *lengths = mysql->fetch_lengths (result->result_handle);
      CupelRowBlock *block = cupel_dbi_reply_get_block (reply, n_columns, block_rows);
      CupelCell *cells = cupel_row_block_add_row (block);

      for (guint c = 0; c < n_columns; c++)
        {
          if (row[c] == NULL)
            continue;
          if (!check_too_long (lengths[c], error))
            return FALSE;
          if (fields[c].type == MYSQL_BIT)
            {
              mysql_decode_bits (&cells[c], cupel_dbi_get_kind (compiled, c), row[c], lengths[c]);
              continue;
            }
          cupel_dbi_decode (block, &cells[c], forms[c], row[c], lengths[c]);
          if (cells[c].kind == CUPEL_CELL_OTHER && forms[c] == CUPEL_DBI_INTEGER)
            cupel_dbi_decode (block, &cells[c], CUPEL_DBI_DECIMAL, row[c], lengths[c]);
        }
      if ((n_rows++ & 255) == 255 && cupel_dbi_link_is_interrupted (link, error))
        return FALSE;
    }
  return TRUE;
}

/* SET with the name of the variable outside of texts. */
static gboolean
sets_autocommit (const char *sql)
{
  static const char name[] = "autocommit";
  gboolean inside = FALSE;

  while (g_ascii_isspace (*sql))
    sql++;
  if (g_ascii_strncasecmp (sql, "SET", 3) != 0 || g_ascii_isalnum (sql[3]) || sql[3] == '_')
    return FALSE;
  for (const char *at = sql + 3; *at != '\0'; at++)
    {
      if (*at == '\'')
        inside = !inside;
      else if (!inside && g_ascii_strncasecmp (at, name, strlen (name)) == 0 && !g_ascii_isalnum (at[-1]) && at[-1] != '_' &&
               !g_ascii_isalnum (at[strlen (name)]) && at[strlen (name)] != '_' && (at[-1] != '@' || at[-2] == '@'))
        return TRUE;
    }
  return FALSE;
}

static gboolean
mysql_query (CupelDbiLink        *link,
             const char          *sql,
             const CupelCompiled *compiled,
             guint                block_rows,
             CupelReply          *reply,
             GError             **error)
{
  dbi_result_t *result;
  gboolean ok = TRUE;

  if (compiled != NULL && compiled->kind == CUPEL_COMPILED_TEXT && sets_autocommit (compiled->sql))
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED, SET_AUTOCOMMIT);
      return FALSE;
    }
  /* The server would end the connection. One byte more is the command's. */
  if (G_UNLIKELY (link->max_packet > 0 && strlen (sql) >= link->max_packet))
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_DATA, &(CupelErrorDetails) { .category = CUPEL_ERROR_CATEGORY_PROGRAM },
                                    "The statement with its values is longer than the server's max_allowed_packet, which is %"
                                    G_GUINT64_FORMAT " bytes", link->max_packet);
      return FALSE;
    }
  if ((result = query (link, sql, compiled, reply, error)) == NULL)
    return FALSE;
  if (reply != NULL && result->numfields > 0)
    ok = mysql_read (link, result, compiled, block_rows, reply, error);
  else if (reply != NULL)
    reply->last_insert_id = (gint64) dbi_conn_sequence_last (link->conn, NULL);
  dbi_result_free (result);
  return ok;
}

/* LOAD DATA LOCAL: a server may ask for any file. libdbi does not ask for the feature, and should the client library offer it by
 * itself, no file is ever opened. */
static int
refuse_file (gpointer   *data,
             const char *name,
             gpointer    user_data)
{
  *data = NULL;
  return 1;
}

static int
refuse_read (gpointer     data,
             char        *buffer,
             unsigned int size)
{
  return -1;
}

static void
refuse_end (gpointer data)
{
}

static int
refuse_error (gpointer     data,
              char        *buffer,
              unsigned int size)
{
  g_strlcpy (buffer, "LOAD DATA LOCAL is not allowed", size);
  return 2000;
}

static gboolean
mysql_verify (CupelDbiLink  *link,
              GError       **error)
{
  g_autofree char *state = NULL;
  char *charsets;

  state = cupel_dbi_link_ask (link, "SELECT CONCAT(@@autocommit + 0, ' ', @@character_set_client, ' ', @@character_set_results)", error);
  if (state == NULL)
    return FALSE;
  charsets = strchr (state, ' ');
  if (charsets == NULL || strcmp (++charsets, "utf8mb4 utf8mb4") != 0)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION,
                   "The session has the character sets \"%s\" and not utf8mb4: quoting would not be safe, and the connection is not "
                   "used any more", charsets != NULL ? charsets : state);
      return FALSE;
    }
  /* By a procedure, say, or a statement that was prepared by a text: what sets it in plain words is refused before. */
  if ((state[0] == '0') != link->no_autocommit)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                           SET_AUTOCOMMIT ". What was done so far may be committed, and the connection is not used any more");
      return FALSE;
    }
  return TRUE;
}

static gboolean
mysql_discard (CupelDbiLink  *link,
               GError       **error)
{
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED,
                       "A text changed the session, and libdbi has no way to reset one of MySQL");
  return FALSE;
}

static gboolean
mysql_open (CupelDbiLink  *link,
            GError       **error)
{
  static const FunctionName names[] = {
    { "mysql_fetch_fields", G_STRUCT_OFFSET (MysqlFunctions, fetch_fields) },
    { "mysql_fetch_row", G_STRUCT_OFFSET (MysqlFunctions, fetch_row) },
    { "mysql_fetch_lengths", G_STRUCT_OFFSET (MysqlFunctions, fetch_lengths) },
    { "mysql_set_character_set", G_STRUCT_OFFSET (MysqlFunctions, set_character_set) },
    { "mysql_thread_id", G_STRUCT_OFFSET (MysqlFunctions, thread_id) },
    { "mysql_set_local_infile_handler", G_STRUCT_OFFSET (MysqlFunctions, set_local_infile_handler) },
  };
  const MysqlFunctions *mysql;
  g_autofree char *version = NULL;
  g_autofree char *limits = NULL;

  if (!load_functions (link, names, G_N_ELEMENTS (names), sizeof (MysqlFunctions), error))
    return FALSE;
  mysql = link->functions;
  mysql->set_local_infile_handler (link->handle, refuse_file, refuse_read, refuse_end, refuse_error, NULL);
  link->session_id = mysql->thread_id (link->handle);

  /* Both ends: the library quotes by the set that it knows of. */
  if (mysql->set_character_set (link->handle, "utf8mb4") != 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "The server does not take utf8mb4 as the character set");
      return FALSE;
    }
  limits = cupel_dbi_link_ask (link, "SELECT CONCAT(@@autocommit + 0, ' ', @@max_allowed_packet)", error);
  if (limits == NULL)
    return FALSE;
  link->no_autocommit = limits[0] == '0';
  link->max_packet = strlen (limits) > 2 ? g_ascii_strtoull (limits + 2, NULL, 10) : 0;
  if (!mysql_verify (link, error) || (version = cupel_dbi_link_ask (link, "SELECT version()", error)) == NULL)
    return FALSE;
  link->is_mariadb = strstr (version, "MariaDB") != NULL;
  return TRUE;
}

/* The server says it in its packets, and libdbi does not pass it on: what is known is what was asked for. */
static CupelTransactionStatus
mysql_status (CupelDbiLink *link,
              const GError *error)
{
  if (error == NULL || link->status != CUPEL_TRANSACTION_ACTIVE)
    return link->status;
  switch (cupel_error_get_native_code (error))
    {
    case 1020:
    case 1180:
    case 1205:   /* the whole of it, with innodb_rollback_on_timeout */
    case 1213:
    case 3101:
      return CUPEL_TRANSACTION_FAILED;
    default:
      return link->status;
    }
}

/* KILL needs a connection of its own. */
static void
mysql_stop (CupelDbiLink *link)
{
  CupelDbiLink killer = { .backend = link->backend, .settings = link->settings, .dialect = link->dialect };
  g_autofree char *sql = g_strdup_printf ("KILL QUERY %" G_GUINT64_FORMAT, link->session_id);
  g_autoptr(GError) error = NULL;

  if (cupel_dbi_link_open (&killer, FALSE, &error))
    cupel_dbi_link_run (&killer, sql, &error);
  cupel_dbi_link_clear (&killer);
  if (error != NULL)
    g_debug ("Cancelling a statement: %s", error->message);
}

/* Without autocommit each statement is in a transaction, also after one that ended the transaction before (CREATE TABLE). */
static char *
mysql_begin (CupelDbiLink                  *link,
             const CupelTransactionOptions *options,
             const CupelCompiled           *first)
{
  const char *level = level_name (options->isolation);
  const char *mode = options->read_only ? "START TRANSACTION READ ONLY" : "";

  if (options->deferrable)
    return NULL;
  return g_strconcat (!link->no_autocommit ? "SET autocommit = 0;" : "",
                      level != NULL ? "SET TRANSACTION ISOLATION LEVEL " : "", level != NULL ? level : "",
                      level != NULL ? ";" : "", mode, NULL);
}

static gboolean
mysql_set_autocommit (CupelDbiLink  *link,
                      gboolean       autocommit,
                      GError       **error)
{
  if (link->no_autocommit == !autocommit)
    return TRUE;
  if (autocommit && !cupel_dbi_link_run (link, "SET autocommit = 1", error))
    return FALSE;
  link->no_autocommit = !autocommit;
  return TRUE;
}

static char *
mysql_isolation (CupelDbiLink        *link,
                 CupelIsolationLevel  level)
{
  const char *name = level_name (level);

  return name != NULL ? g_strdup_printf ("SET SESSION TRANSACTION ISOLATION LEVEL %s", name)
                      : g_strdup (link->is_mariadb ? "SET SESSION tx_isolation = DEFAULT"
                                                   : "SET SESSION transaction_isolation = DEFAULT");
}

const CupelDbiBackend cupel_dbi_mysql = {
  .name = "mysql",
  .dialects = { "mysql", "mariadb", NULL },
  .is_server = TRUE,
  .first_year = 0,
  .last_year = 9999,
  .open = mysql_open,
  .query = mysql_query,
  .verify = mysql_verify,
  .discard = mysql_discard,
  .literal = cupel_dbi_mysql_literal,
  .begin = mysql_begin,
  .set_autocommit = mysql_set_autocommit,
  .isolation = mysql_isolation,
  .status = mysql_status,
  .stop = mysql_stop,
};

const CupelDbiBackend *
cupel_dbi_find_backend (const char *dialect)
{
  static const CupelDbiBackend *const all[] = { &cupel_dbi_pgsql, &cupel_dbi_mysql, &cupel_dbi_sqlite3 };

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (g_strv_contains (all[i]->dialects, dialect))
      return all[i];
  return NULL;
}
