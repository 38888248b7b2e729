/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SQLite. libdbi's driver for it guesses the types of columns by reading the statement, literals included: "from" inside a word
 * makes it loop for ever, an open parenthesis in a text makes it crash, and a long name overruns its buffers. It cuts blobs at a NUL,
 * and its quoting changes U+001A. So only the connection is libdbi's; statements go to the sqlite3 functions that it hands out, with
 * real parameters. */

#include "cupel-dbi-private.h"

#include <math.h>

#define SQLITE_OK           0
#define SQLITE_ERROR        1
#define SQLITE_BUSY         5
#define SQLITE_NOMEM        7
#define SQLITE_INTERRUPT    9
#define SQLITE_IOERR        10
#define SQLITE_FULL         13
#define SQLITE_SCHEMA       17
#define SQLITE_AUTH         23
#define SQLITE_ROW          100
#define SQLITE_DONE         101
#define SQLITE_DENY         1
#define SQLITE_TRANSACTION  22
#define SQLITE_INTEGER      1
#define SQLITE_FLOAT        2
#define SQLITE_BLOB         4
#define SQLITE_NULL         5
#define SQLITE_TRANSIENT    ((void (*) (gpointer)) -1)

/* How often a running statement looks whether it shall end, in instructions of SQLite's machine. */
#define PROGRESS_OPS 1000
#define MAX_PREPARES 10

typedef struct
{
  int           (*prepare)          (gpointer db, const char *sql, int length, gpointer *statement, const char **tail);
  int           (*step)             (gpointer statement);
  int           (*finalize)         (gpointer statement);
  int           (*parameter_count)  (gpointer statement);
  int           (*bind_null)        (gpointer statement, int i);
  int           (*bind_int64)       (gpointer statement, int i, gint64 value);
  int           (*bind_double)      (gpointer statement, int i, double value);
  int           (*bind_text)        (gpointer statement, int i, const char *text, int length, void (*destroy) (gpointer));
  int           (*bind_blob)        (gpointer statement, int i, gconstpointer data, int length, void (*destroy) (gpointer));
  int           (*column_count)     (gpointer statement);
  const char   *(*column_name)      (gpointer statement, int i);
  int           (*column_type)      (gpointer statement, int i);
  gint64        (*column_int64)     (gpointer statement, int i);
  double        (*column_double)    (gpointer statement, int i);
  const char   *(*column_text)      (gpointer statement, int i);
  gconstpointer (*column_blob)      (gpointer statement, int i);
  int           (*column_bytes)     (gpointer statement, int i);
  int           (*changes)          (gpointer db);
  int           (*total_changes)    (gpointer db);
  gint64        (*last_insert_rowid) (gpointer db);
  int           (*errcode)          (gpointer db);
  const char   *(*errmsg)           (gpointer db);
  int           (*busy_handler)     (gpointer db, int (*handler) (gpointer, int), gpointer data);
  void          (*progress_handler) (gpointer db, int n, int (*handler) (gpointer), gpointer data);
  int           (*set_authorizer)   (gpointer db, int (*authorizer) (gpointer, int, const char *, const char *, const char *,
                                                                     const char *), gpointer data);
} SqliteFunctions;

static gboolean
fail (CupelDbiLink  *link,
      GError       **error)
{
  const SqliteFunctions *sqlite = link->functions;

  if (cupel_dbi_link_is_interrupted (link, error))
    return FALSE;
  g_propagate_error (error, cupel_dialect_create_error (link->dialect, sqlite->errcode (link->handle), NULL,
                                                        sqlite->errmsg (link->handle)));
  return FALSE;
}

static int
on_progress (gpointer data)
{
  CupelDbiLink *link = data;

  return g_atomic_int_get (&link->interrupted);
}

/* Another connection has the lock: waits a little, longer each time, until busy_timeout or an interruption. */
static int
on_busy (gpointer data,
         int      n_calls)
{
  CupelDbiLink *link = data;
  gint64 now = g_get_monotonic_time ();

  if (n_calls == 0)
    link->busy_since = now;
  if (now >= link->busy_since + link->settings.busy_timeout || g_atomic_int_get (&link->interrupted))
    return 0;
  g_usleep ((gulong) MIN (n_calls + 1, 20) * 1000);
  return 1;
}

/* Transaction control in an SQL text is refused, by what SQLite understands. */
static int
on_authorize (gpointer    data,
              int         action,
              const char *argument,
              const char *argument2,
              const char *database,
              const char *trigger)
{
  CupelDbiLink *link = data;

  if (action != SQLITE_TRANSACTION || !link->preparing)
    return SQLITE_OK;
  link->refused = TRUE;
  return SQLITE_DENY;
}

static const char *
skip_blank (const char *sql)
{
  for (;;)
    {
      const char *end;

      if (g_ascii_isspace (*sql) || *sql == ';')
        sql++;
      else if (sql[0] == '-' && sql[1] == '-')
        sql += strcspn (sql, "\n");
      else if (sql[0] == '/' && sql[1] == '*')
        sql = (end = strstr (sql + 2, "*/")) != NULL ? end + 2 : sql + strlen (sql);
      else
        return sql;
    }
}

static gboolean
begins_with (const char *sql,
             const char *keyword)
{
  gsize length = strlen (keyword);

  return g_ascii_strncasecmp (sql, keyword, length) == 0 && !g_ascii_isalnum (sql[length]) && sql[length] != '_';
}

static gboolean
prepare (CupelDbiLink  *link,
         const char    *sql,
         guint          n_slots,
         gpointer      *statement,
         GError       **error)
{
  const SqliteFunctions *sqlite = link->functions;
  gsize length = strlen (sql);
  const char *tail = NULL;

  *statement = NULL;
  if (length >= G_MAXINT)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The SQL text is too long for SQLite");
      return FALSE;
    }
  link->refused = FALSE;
  if (sqlite->prepare (link->handle, sql, (int) length + 1, statement, &tail) != SQLITE_OK)
    {
      if (!link->refused)
        return fail (link, error);
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                           "Transaction control as an SQL text would hide the transaction's state from the library; use the "
                           "begin, commit and rollback calls of the connection or the session instead");
      return FALSE;
    }

  if (*statement == NULL)
    g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING, "The SQL text holds no statement");
  else if (*skip_blank (tail) != '\0')
    g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                         "The SQL text holds more than one statement; execute them one by one");
  else if ((guint) sqlite->parameter_count (*statement) != n_slots)
    g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING,
                 "The SQL text has %d placeholders but %u binds; write binds as :name", sqlite->parameter_count (*statement), n_slots);
  else
    return TRUE;

  sqlite->finalize (g_steal_pointer (statement));
  return FALSE;
}

static int
bind_text (CupelDbiLink *link,
           gpointer      statement,
           int           i,
           const char   *text,
           gsize         length)
{
  const SqliteFunctions *sqlite = link->functions;

  return sqlite->bind_text (statement, i, length > 0 ? text : "", (int) length, SQLITE_TRANSIENT);
}

/* With as many decimals as the column has, so that equal numbers are equal texts. */
static int
bind_decimal (CupelDbiLink       *link,
              gpointer            statement,
              int                 i,
              const char         *text,
              gsize               length,
              const CupelSqlType *type)
{
  const char *point = memchr (text, '.', length);
  gsize decimals = point != NULL ? length - (gsize) (point - text) - 1 : 0;
  g_autoptr(GString) padded = g_string_new_len (text, (gssize) length);

  if (cupel_sql_type_get_kind (type) == CUPEL_SQL_NUMERIC && cupel_sql_type_get_precision (type) > 0 &&
      strspn (padded->str, "+-.0123456789") == length)
    {
      guint scale = MIN (cupel_sql_type_get_scale (type), 100);

      if (point == NULL && scale > 0)
        g_string_append_c (padded, '.');
      for (; decimals < scale; decimals++)
        g_string_append_c (padded, '0');
    }
  return bind_text (link, statement, i, padded->str, padded->len);
}

/* Dates are texts there: others would neither sort nor be known for dates. */
static gboolean
check_years (const CupelCell  *cell,
             int               position,
             GError          **error)
{
  if (cupel_cell_is_within_years (cell, 1, 9999))
    return TRUE;
  g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of parameter %d is a date that SQLite cannot keep: its years are 1 to 9999",
               position);
  return FALSE;
}

static gboolean
bind_cell (CupelDbiLink        *link,
           gpointer             statement,
           int                  i,
           const CupelCell     *cell,
           const CupelSqlType  *type,
           GError             **error)
{
  const SqliteFunctions *sqlite = link->functions;
  gboolean numeric = cupel_sql_type_get_kind (type) == CUPEL_SQL_NUMERIC;
  char buffer[64];
  int code = SQLITE_OK;

  switch ((CupelCellKind) cell->kind)
    {
    case CUPEL_CELL_NULL:
      code = sqlite->bind_null (statement, i);
      break;
    case CUPEL_CELL_BOOLEAN:
      code = sqlite->bind_int64 (statement, i, cell->v.i64 != 0);
      break;
    case CUPEL_CELL_UINT64:
      if (cell->v.u64 > G_MAXINT64)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                       "The value of parameter %d is above 9223372036854775807, the largest integer of SQLite", i);
          return FALSE;
        }
      G_GNUC_FALLTHROUGH;
    case CUPEL_CELL_INT64:
      if (numeric)
        {
          g_snprintf (buffer, sizeof buffer, "%" G_GINT64_FORMAT, cell->v.i64);
          code = bind_decimal (link, statement, i, buffer, strlen (buffer), type);
        }
      else
        code = sqlite->bind_int64 (statement, i, cell->v.i64);
      break;
    case CUPEL_CELL_DOUBLE:
      if (isnan (cell->v.f64))
        {
          /* SQLite would make NULL of it and say nothing. */
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA,
                       "The value of parameter %d is not a number: SQLite cannot store NaN", i);
          return FALSE;
        }
      g_ascii_formatd (buffer, sizeof buffer, "%.15g", cell->v.f64);
      if (g_ascii_strtod (buffer, NULL) != cell->v.f64)
        g_ascii_dtostr (buffer, sizeof buffer, cell->v.f64);
      if (numeric && isfinite (cell->v.f64) && strchr (buffer, 'e') == NULL)
        code = bind_decimal (link, statement, i, buffer, strlen (buffer), type);
      else
        code = sqlite->bind_double (statement, i, cell->v.f64);
      break;
    case CUPEL_CELL_BYTES:
      if (cell->length > G_MAXINT)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of parameter %d is too long for SQLite", i);
          return FALSE;
        }
      code = sqlite->bind_blob (statement, i, cell->length > 0 ? (gconstpointer) cell->v.bytes : "", (int) cell->length,
                                SQLITE_TRANSIENT);
      break;
    case CUPEL_CELL_DATE:
      if (!check_years (cell, i, error))
        return FALSE;
      code = bind_text (link, statement, i, buffer, cupel_format_date (cell->v.i64, buffer));
      break;
    case CUPEL_CELL_TIME:
      code = bind_text (link, statement, i, buffer, cupel_format_time (cell->v.i64, buffer));
      break;
    case CUPEL_CELL_DATETIME:
    case CUPEL_CELL_TIMESTAMP:
      if (!check_years (cell, i, error))
        return FALSE;
      code = bind_text (link, statement, i, buffer, cupel_format_datetime (cell->v.i64, buffer));
      break;
    case CUPEL_CELL_UUID:
      if (cell->length != 16)
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "A UUID has 16 bytes");
          return FALSE;
        }
      cupel_dbi_format_uuid (cell->v.bytes, buffer);
      code = bind_text (link, statement, i, buffer, 36);
      break;
    case CUPEL_CELL_TEXT:
    case CUPEL_CELL_DECIMAL:
    case CUPEL_CELL_JSON:
    case CUPEL_CELL_OTHER:
    default:
      if (!cupel_dbi_check_text (cell, error))
        return FALSE;
      if (cell->length > G_MAXINT)
        {
          g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "The value of parameter %d is too long for SQLite", i);
          return FALSE;
        }
      code = numeric ? bind_decimal (link, statement, i, cell->v.text, cell->length, type)
                     : bind_text (link, statement, i, cell->v.text, cell->length);
      break;
    }
  return code == SQLITE_OK || fail (link, error);
}

static void
set_double (CupelCell *cell,
            double     value)
{
  cell->kind = CUPEL_CELL_DOUBLE;
  cell->v.f64 = value;
}

/* A sum of exact decimals comes as a double: with the column's decimals it is the decimal again. */
static gboolean
decode_decimal_sum (CupelRowBlock       *block,
                    CupelCell           *cell,
                    const CupelSqlType  *type,
                    double               value)
{
  char buffer[400];

  if (!isfinite (value) || fabs (value) >= 1e300)
    return FALSE;
  if (cupel_sql_type_get_precision (type) > 0)
    {
      char format[16];

      g_snprintf (format, sizeof format, "%%.%uf", MIN (cupel_sql_type_get_scale (type), 100));
      g_ascii_formatd (buffer, sizeof buffer, format, value);
    }
  else
    {
      g_ascii_formatd (buffer, sizeof buffer, "%.15g", value);
      if (g_ascii_strtod (buffer, NULL) != value)
        g_ascii_dtostr (buffer, sizeof buffer, value);
      if (strchr (buffer, 'e') != NULL)
        return FALSE;
    }
  return cupel_row_block_set_text (block, cell, CUPEL_CELL_DECIMAL, buffer, -1);
}

/* SQLite stores any value in any column: what a value is decides first, what it is to be after that. */
static void
read_cell (CupelDbiLink         *link,
           gpointer              statement,
           int                   i,
           const CupelCompiled  *compiled,
           CupelRowBlock        *block,
           CupelCell            *cell)
{
  const SqliteFunctions *sqlite = link->functions;
  CupelSqlKind kind = cupel_dbi_get_kind (compiled, (guint) i);
  const char *text;
  double real;
  gint64 integer;

  switch (sqlite->column_type (statement, i))
    {
    case SQLITE_NULL:
      return;

    case SQLITE_INTEGER:
      integer = sqlite->column_int64 (statement, i);
      if (kind == CUPEL_SQL_FLOAT || kind == CUPEL_SQL_DOUBLE)
        {
          set_double (cell, (double) integer);
          return;
        }
      if (kind == CUPEL_SQL_NULL || kind == CUPEL_SQL_INT16 || kind == CUPEL_SQL_INT32 || kind == CUPEL_SQL_INT64 ||
          kind == CUPEL_SQL_BOOLEAN)
        {
          cell->kind = kind == CUPEL_SQL_BOOLEAN ? CUPEL_CELL_BOOLEAN : CUPEL_CELL_INT64;
          cell->v.i64 = kind == CUPEL_SQL_BOOLEAN ? integer != 0 : integer;
          return;
        }
      break;

    case SQLITE_FLOAT:
      real = sqlite->column_double (statement, i);
      if (kind == CUPEL_SQL_NULL || kind == CUPEL_SQL_FLOAT || kind == CUPEL_SQL_DOUBLE)
        {
          set_double (cell, real);
          return;
        }
      if (kind == CUPEL_SQL_INT16 || kind == CUPEL_SQL_INT32 || kind == CUPEL_SQL_INT64)
        {
          set_double (cell, real);
          if (fabs (real) <= 9007199254740992.0 && trunc (real) == real)
            {
              cell->kind = CUPEL_CELL_INT64;
              cell->v.i64 = (gint64) real;
            }
          return;
        }
      if (kind == CUPEL_SQL_NUMERIC)
        {
          if (!decode_decimal_sum (block, cell, compiled->columns[i].type, real))
            set_double (cell, real);
          return;
        }
      break;

    case SQLITE_BLOB:
      {
        gconstpointer bytes = sqlite->column_blob (statement, i);

        cupel_row_block_set_bytes (block, cell, CUPEL_CELL_BYTES, bytes != NULL ? bytes : "", (gsize) sqlite->column_bytes (statement, i));
        return;
      }

    default:
      break;
    }

  text = sqlite->column_text (statement, i);
  cupel_dbi_decode (block, cell, kind == CUPEL_SQL_BOOLEAN || kind == CUPEL_SQL_INT16 || kind == CUPEL_SQL_INT32 ||
                    kind == CUPEL_SQL_INT64 || kind == CUPEL_SQL_FLOAT || kind == CUPEL_SQL_DOUBLE
                      ? CUPEL_DBI_OTHER : cupel_dbi_form_of_kind (kind),
                    text != NULL ? text : "", text != NULL ? (gsize) sqlite->column_bytes (statement, i) : 0);
}

/* @statement ends here. */
static gboolean
finish (CupelDbiLink         *link,
        gpointer              statement,
        const CupelCompiled  *compiled,
        const char           *sql,
        int                   total_changes,
        CupelReply           *reply)
{
  const SqliteFunctions *sqlite = link->functions;
  guint n_columns = (guint) sqlite->column_count (statement);
  gboolean is_text = compiled != NULL && compiled->kind == CUPEL_COMPILED_TEXT;
  gboolean inserts = compiled != NULL && (compiled->kind == CUPEL_COMPILED_INSERT ||
                                          (is_text && (begins_with (skip_blank (sql), "INSERT") ||
                                                       begins_with (skip_blank (sql), "REPLACE"))));

  reply->n_columns = n_columns;
  if (n_columns > 0 && reply->blocks == NULL)
    reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  if (n_columns > 0 && reply->column_names == NULL && (compiled == NULL || is_text || compiled->n_columns != n_columns))
    {
      reply->column_names = g_new0 (char *, n_columns + 1);
      for (guint i = 0; i < n_columns; i++)
        {
          const char *name = sqlite->column_name (statement, (int) i);

          reply->column_names[i] = g_utf8_make_valid (name != NULL ? name : "", -1);
        }
    }
  sqlite->finalize (statement);

  reply->row_count = -1;
  if (compiled != NULL && compiled->kind != CUPEL_COMPILED_SELECT && compiled->kind != CUPEL_COMPILED_DDL &&
      (!is_text || inserts || begins_with (skip_blank (sql), "UPDATE") || begins_with (skip_blank (sql), "DELETE") ||
       begins_with (skip_blank (sql), "WITH")))
    reply->row_count = sqlite->total_changes (link->handle) != total_changes ? sqlite->changes (link->handle) : 0;
  if (inserts && sqlite->total_changes (link->handle) != total_changes)
    reply->last_insert_id = sqlite->last_insert_rowid (link->handle);
  return TRUE;
}

/* One statement from its beginning to its end. @request: nullable: parameters */
static gboolean
run (CupelDbiLink         *link,
     const char           *sql,
     const CupelCompiled  *compiled,
     const CupelRequest   *request,
     guint                 set,
     guint                 block_rows,
     CupelReply           *reply,
     GError              **error)
{
  const SqliteFunctions *sqlite = link->functions;
  int total_changes = sqlite->total_changes (link->handle);
  guint n_slots = request != NULL ? request->compiled->n_slots : 0;

  for (guint n_prepares = 0;; n_prepares++)
    {
      gpointer statement;
      guint n_rows = 0;
      int code;

      link->preparing = request != NULL;
      if (!prepare (link, sql, n_slots, &statement, error))
        return FALSE;
      link->preparing = FALSE;
      for (guint i = 0; i < n_slots; i++)
        if (!bind_cell (link, statement, (int) i + 1, cupel_request_get_cell (request, set, i), request->compiled->slots[i].type, error))
          {
            sqlite->finalize (statement);
            return FALSE;
          }

      while ((code = sqlite->step (statement)) == SQLITE_ROW)
        {
          guint n_columns = (guint) sqlite->column_count (statement);
          CupelRowBlock *block;
          CupelCell *cells;

          n_rows++;
          if (reply == NULL)
            continue;
          block = cupel_dbi_reply_get_block (reply, n_columns, block_rows);
          cells = cupel_row_block_add_row (block);
          for (guint i = 0; i < n_columns; i++)
            read_cell (link, statement, (int) i, compiled, block, &cells[i]);
        }
      if (code == SQLITE_DONE)
        {
          if (reply != NULL)
            return finish (link, statement, compiled, sql, total_changes, reply);
          sqlite->finalize (statement);
          return TRUE;
        }

      /* The old sqlite3_prepare () has two peculiarities: the reason comes at the end, and a schema that somebody else changed is
       * the caller's business. */
      code = sqlite->finalize (statement);
      if (code != SQLITE_SCHEMA || n_rows > 0 || n_prepares >= MAX_PREPARES)
        return fail (link, error);
    }
}

static gboolean
sqlite_query (CupelDbiLink        *link,
              const char          *sql,
              const CupelCompiled *compiled,
              guint                block_rows,
              CupelReply          *reply,
              GError             **error)
{
  return run (link, sql, compiled, NULL, 0, block_rows, reply, error);
}

static gboolean
sqlite_execute (CupelDbiLink        *link,
                const CupelRequest  *request,
                guint                set,
                guint                block_rows,
                CupelReply          *reply,
                GError             **error)
{
  gboolean ok = run (link, request->compiled->sql, request->compiled, request, set, block_rows, reply, error);

  link->preparing = FALSE;
  return ok;
}

static gboolean
sqlite_open (CupelDbiLink  *link,
             GError       **error)
{
  static const struct { const char *name; gsize offset; } names[] = {
    { "sqlite3_prepare", G_STRUCT_OFFSET (SqliteFunctions, prepare) },
    { "sqlite3_step", G_STRUCT_OFFSET (SqliteFunctions, step) },
    { "sqlite3_finalize", G_STRUCT_OFFSET (SqliteFunctions, finalize) },
    { "sqlite3_bind_parameter_count", G_STRUCT_OFFSET (SqliteFunctions, parameter_count) },
    { "sqlite3_bind_null", G_STRUCT_OFFSET (SqliteFunctions, bind_null) },
    { "sqlite3_bind_int64", G_STRUCT_OFFSET (SqliteFunctions, bind_int64) },
    { "sqlite3_bind_double", G_STRUCT_OFFSET (SqliteFunctions, bind_double) },
    { "sqlite3_bind_text", G_STRUCT_OFFSET (SqliteFunctions, bind_text) },
    { "sqlite3_bind_blob", G_STRUCT_OFFSET (SqliteFunctions, bind_blob) },
    { "sqlite3_column_count", G_STRUCT_OFFSET (SqliteFunctions, column_count) },
    { "sqlite3_column_name", G_STRUCT_OFFSET (SqliteFunctions, column_name) },
    { "sqlite3_column_type", G_STRUCT_OFFSET (SqliteFunctions, column_type) },
    { "sqlite3_column_int64", G_STRUCT_OFFSET (SqliteFunctions, column_int64) },
    { "sqlite3_column_double", G_STRUCT_OFFSET (SqliteFunctions, column_double) },
    { "sqlite3_column_text", G_STRUCT_OFFSET (SqliteFunctions, column_text) },
    { "sqlite3_column_blob", G_STRUCT_OFFSET (SqliteFunctions, column_blob) },
    { "sqlite3_column_bytes", G_STRUCT_OFFSET (SqliteFunctions, column_bytes) },
    { "sqlite3_changes", G_STRUCT_OFFSET (SqliteFunctions, changes) },
    { "sqlite3_total_changes", G_STRUCT_OFFSET (SqliteFunctions, total_changes) },
    { "sqlite3_last_insert_rowid", G_STRUCT_OFFSET (SqliteFunctions, last_insert_rowid) },
    { "sqlite3_errcode", G_STRUCT_OFFSET (SqliteFunctions, errcode) },
    { "sqlite3_errmsg", G_STRUCT_OFFSET (SqliteFunctions, errmsg) },
    { "sqlite3_busy_handler", G_STRUCT_OFFSET (SqliteFunctions, busy_handler) },
    { "sqlite3_progress_handler", G_STRUCT_OFFSET (SqliteFunctions, progress_handler) },
    { "sqlite3_set_authorizer", G_STRUCT_OFFSET (SqliteFunctions, set_authorizer) },
  };
  const SqliteFunctions *sqlite;

  link->functions = g_malloc0 (sizeof (SqliteFunctions));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gpointer function = cupel_dbi_link_get_function (link, names[i].name, error);

      if (function == NULL)
        return FALSE;
      memcpy ((char *) link->functions + names[i].offset, &function, sizeof function);
    }

  sqlite = link->functions;
  sqlite->busy_handler (link->handle, on_busy, link);
  sqlite->progress_handler (link->handle, PROGRESS_OPS, on_progress, link);
  sqlite->set_authorizer (link->handle, on_authorize, link);
  return TRUE;
}

/* SQLite may have rolled the transaction back by itself, and there is no way to ask but to try. */
static CupelTransactionStatus
sqlite_status (CupelDbiLink *link,
               const GError *error)
{
  int code = error != NULL ? cupel_error_get_native_code (error) & 0xff : 0;

  if (link->status != CUPEL_TRANSACTION_ACTIVE || error == NULL)
    return link->status;
  if (error->domain == CUPEL_ERROR && code != SQLITE_BUSY && code != SQLITE_NOMEM && code != SQLITE_INTERRUPT &&
      code != SQLITE_IOERR && code != SQLITE_FULL)
    return link->status;
  g_atomic_int_set (&link->interrupted, FALSE);
  if (!cupel_dbi_link_run (link, "BEGIN", NULL))
    return link->status;
  return cupel_dbi_link_run (link, "ROLLBACK", NULL) ? CUPEL_TRANSACTION_FAILED : CUPEL_TRANSACTION_UNKNOWN;
}

/* Deferred to read, immediate to write, so that writers queue for the lock instead of failing at the upgrade. */
static char *
sqlite_begin (CupelDbiLink                  *link,
              const CupelTransactionOptions *options,
              const CupelCompiled           *first)
{
  const char *sql = first != NULL ? skip_blank (first->sql) : "";
  gboolean reads = first != NULL && (first->kind == CUPEL_COMPILED_SELECT ||
                                     (first->kind == CUPEL_COMPILED_TEXT &&
                                      (begins_with (sql, "SELECT") || begins_with (sql, "VALUES") || begins_with (sql, "PRAGMA") ||
                                       begins_with (sql, "EXPLAIN"))));

  if (options->read_only || options->deferrable ||
      (options->isolation != CUPEL_ISOLATION_DEFAULT && options->isolation != CUPEL_ISOLATION_SERIALIZABLE))
    return NULL;
  return g_strdup (reads ? "BEGIN" : "BEGIN IMMEDIATE");
}

static char *
sqlite_isolation (CupelDbiLink        *link,
                  CupelIsolationLevel  level)
{
  switch (level)
    {
    case CUPEL_ISOLATION_DEFAULT:
    case CUPEL_ISOLATION_SERIALIZABLE:
    case CUPEL_ISOLATION_AUTOCOMMIT:
      return g_strdup ("PRAGMA read_uncommitted = 0");
    case CUPEL_ISOLATION_READ_UNCOMMITTED:
      return g_strdup ("PRAGMA read_uncommitted = 1");
    case CUPEL_ISOLATION_READ_COMMITTED:
    case CUPEL_ISOLATION_REPEATABLE_READ:
    default:
      return NULL;
    }
}

const CupelDbiBackend cupel_dbi_sqlite3 = {
  .name = "sqlite3",
  .dialects = { "sqlite", NULL },
  .open = sqlite_open,
  .query = sqlite_query,
  .execute = sqlite_execute,
  .begin = sqlite_begin,
  .isolation = sqlite_isolation,
  .status = sqlite_status,
};
