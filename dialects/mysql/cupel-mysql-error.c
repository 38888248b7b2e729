/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the numbers of the server and of the client library mean. Classes come from numbers, never from texts. */

#include "cupel-mysql-private.h"

#define NONE        CUPEL_ERROR_CATEGORY_NONE
#define PROGRAM     CUPEL_ERROR_CATEGORY_PROGRAM
#define RETRY       CUPEL_ERROR_CATEGORY_RETRY
#define NOT_PRIMARY CUPEL_ERROR_CATEGORY_NOT_PRIMARY
#define NOT_READY   CUPEL_ERROR_CATEGORY_NOT_READY
#define LOST        CUPEL_ERROR_CATEGORY_LOST
#define STALE       CUPEL_ERROR_CATEGORY_STALE_STATEMENT
#define OVERLOAD    CUPEL_ERROR_CATEGORY_OVERLOAD
#define FULL        CUPEL_ERROR_CATEGORY_FULL

typedef enum
{
  CODE_RETRY    = 1 << 0,   /* the whole unit again may help */
  CODE_LOST     = 1 << 1,   /* the link is gone */
  CODE_HAS_DATA = 1 << 2,   /* the server's text quotes values: it becomes the detail, and ours the message */
  CODE_STALE    = 1 << 3,   /* a prepared statement that has to be prepared again */
} CodeFlags;

typedef struct
{
  guint       code;
  guint       class;
  guint       category;   /* CupelErrorCategory */
  guint       flags;
  const char *text;
} Code;

/* Sorted by number. */
static const Code codes[] = {
  { 1020, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },      /* record has changed since last read */
  { 1021, CUPEL_ERROR_OPERATIONAL,    FULL,        0, NULL },      /* disk full */
  { 1022, CUPEL_ERROR_UNIQUE,         PROGRAM,     CODE_HAS_DATA, "Duplicate key" },
  { 1037, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    0, NULL },      /* out of memory */
  { 1038, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    0, NULL },
  { 1040, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    CODE_RETRY, NULL },      /* too many connections */
  { 1041, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    0, NULL },
  { 1042, CUPEL_ERROR_CONNECTION,     NONE,        0, NULL },
  { 1043, CUPEL_ERROR_CONNECTION,     NONE,        0, NULL },      /* bad handshake */
  { 1044, CUPEL_ERROR_AUTHENTICATION, NONE,        0, NULL },
  { 1045, CUPEL_ERROR_AUTHENTICATION, NONE,        0, NULL },
  { 1046, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },      /* no database selected */
  { 1047, CUPEL_ERROR_OPERATIONAL,    NOT_READY,   CODE_RETRY, NULL },      /* node not ready */
  { 1048, CUPEL_ERROR_NOT_NULL,       PROGRAM,     0, NULL },
  { 1049, CUPEL_ERROR_CONNECTION,     NONE,        0, NULL },      /* unknown database */
  { 1050, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1051, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1052, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1053, CUPEL_ERROR_DISCONNECTED,   NOT_READY,   CODE_LOST, NULL },      /* server shutdown in progress */
  { 1054, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1062, CUPEL_ERROR_UNIQUE,         PROGRAM,     CODE_HAS_DATA, "Duplicate entry" },
  { 1064, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1065, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1091, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1104, CUPEL_ERROR_OPERATIONAL,    PROGRAM,     0, NULL },
  { 1105, CUPEL_ERROR_OPERATIONAL,    NONE,        0, NULL },
  { 1114, CUPEL_ERROR_OPERATIONAL,    FULL,        0, NULL },      /* table full */
  { 1130, CUPEL_ERROR_AUTHENTICATION, NONE,        0, NULL },      /* host not allowed */
  { 1136, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1142, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },      /* no privilege on the table */
  { 1143, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1146, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1149, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1152, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 1153, CUPEL_ERROR_DATA,           PROGRAM,     CODE_LOST, "A value is larger than the server's max_allowed_packet" },
  { 1158, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 1159, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 1160, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 1161, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 1169, CUPEL_ERROR_UNIQUE,         PROGRAM,     CODE_HAS_DATA, "Duplicate entry" },
  { 1180, CUPEL_ERROR_OPERATIONAL,    RETRY,       CODE_RETRY, NULL },      /* error during COMMIT */
  { 1184, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 1203, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    CODE_RETRY, NULL },
  { 1205, CUPEL_ERROR_OPERATIONAL,    RETRY,       CODE_RETRY, NULL },      /* lock wait timeout */
  { 1206, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    CODE_RETRY, NULL },
  { 1213, CUPEL_ERROR_DEADLOCK,       RETRY,       CODE_RETRY, NULL },
  { 1216, CUPEL_ERROR_FOREIGN_KEY,    PROGRAM,     0, NULL },
  { 1217, CUPEL_ERROR_FOREIGN_KEY,    PROGRAM,     0, NULL },
  { 1226, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    CODE_RETRY, NULL },
  { 1242, CUPEL_ERROR_DATA,           PROGRAM,     0, NULL },      /* subquery returns more than one row */
  { 1243, CUPEL_ERROR_PROGRAMMING,    STALE,       CODE_STALE, NULL },      /* unknown prepared statement */
  { 1251, CUPEL_ERROR_AUTHENTICATION, NONE,        0, NULL },
  { 1264, CUPEL_ERROR_DATA,           PROGRAM,     0, NULL },
  { 1265, CUPEL_ERROR_DATA,           PROGRAM,     0, NULL },
  { 1267, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1290, CUPEL_ERROR_OPERATIONAL,    NOT_PRIMARY, CODE_RETRY, NULL },      /* read only */
  { 1292, CUPEL_ERROR_DATA,           PROGRAM,     CODE_HAS_DATA, "A value is not valid for its type" },
  { 1305, CUPEL_ERROR_PROGRAMMING,    PROGRAM,     0, NULL },
  { 1317, CUPEL_ERROR_OPERATIONAL,    NONE,        0, NULL },      /* interrupted */
  { 1364, CUPEL_ERROR_NOT_NULL,       PROGRAM,     0, NULL },
  { 1365, CUPEL_ERROR_DATA,           PROGRAM,     0, NULL },      /* division by 0 */
  { 1366, CUPEL_ERROR_DATA,           PROGRAM,     CODE_HAS_DATA, "A value is not valid" },
  { 1367, CUPEL_ERROR_DATA,           PROGRAM,     CODE_HAS_DATA, "A value is not valid" },
  { 1406, CUPEL_ERROR_DATA,           PROGRAM,     0, NULL },
  { 1411, CUPEL_ERROR_DATA,           PROGRAM,     CODE_HAS_DATA, "A value is not valid for a function" },
  { 1451, CUPEL_ERROR_FOREIGN_KEY,    PROGRAM,     0, NULL },
  { 1452, CUPEL_ERROR_FOREIGN_KEY,    PROGRAM,     0, NULL },
  { 1461, CUPEL_ERROR_OPERATIONAL,    OVERLOAD,    0,
    "The server has no room for one more prepared statement: raise its max_prepared_stmt_count" },
  { 1557, CUPEL_ERROR_FOREIGN_KEY,    PROGRAM,     CODE_HAS_DATA, "Duplicate entry in a table that refers to this one" },
  { 1586, CUPEL_ERROR_UNIQUE,         PROGRAM,     CODE_HAS_DATA, "Duplicate entry" },
  { 1613, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },      /* XA: time, deadlock */
  { 1614, CUPEL_ERROR_DEADLOCK,       RETRY,       CODE_RETRY, NULL },
  { 1615, CUPEL_ERROR_OPERATIONAL,    STALE,       CODE_STALE | CODE_RETRY, NULL },      /* has to be prepared again */
  { 1644, CUPEL_ERROR_OPERATIONAL,    NONE,        0, NULL },      /* SIGNAL */
  { 1690, CUPEL_ERROR_DATA,           PROGRAM,     CODE_HAS_DATA, "A number is out of range" },
  { 1698, CUPEL_ERROR_AUTHENTICATION, NONE,        0, NULL },
  { 1761, CUPEL_ERROR_UNIQUE,         PROGRAM,     CODE_HAS_DATA, "Duplicate entry in a table that refers to this one" },
  { 1762, CUPEL_ERROR_UNIQUE,         PROGRAM,     CODE_HAS_DATA, "Duplicate entry in a table that refers to this one" },
  { 1792, CUPEL_ERROR_OPERATIONAL,    NOT_PRIMARY, CODE_RETRY, NULL },      /* a read-only transaction */
  { 1836, CUPEL_ERROR_OPERATIONAL,    NOT_PRIMARY, CODE_RETRY, NULL },      /* read only */
  { 1927, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },      /* connection was killed */
  { 1969, CUPEL_ERROR_TIMEOUT,        NONE,        0, NULL },      /* max_statement_time */
  { 2002, CUPEL_ERROR_CONNECTION,     NOT_READY,   CODE_LOST, NULL },
  { 2003, CUPEL_ERROR_CONNECTION,     NOT_READY,   CODE_LOST, NULL },
  { 2005, CUPEL_ERROR_CONNECTION,     NOT_READY,   CODE_LOST, NULL },      /* unknown host */
  { 2006, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 2008, CUPEL_ERROR_OPERATIONAL,    NONE,        CODE_LOST, NULL },      /* client out of memory */
  { 2012, CUPEL_ERROR_CONNECTION,     LOST,        CODE_LOST, NULL },
  { 2013, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 2014, CUPEL_ERROR_INTERNAL,       LOST,        CODE_LOST, NULL },      /* commands out of sync */
  { 2020, CUPEL_ERROR_DATA,           PROGRAM,     CODE_LOST, "A value is larger than max_allowed_packet" },
  { 2026, CUPEL_ERROR_CONNECTION,     LOST,        CODE_LOST, NULL },      /* TLS */
  { 2027, CUPEL_ERROR_INTERNAL,       LOST,        CODE_LOST, NULL },      /* malformed packet */
  { 2048, CUPEL_ERROR_INTERNAL,       NONE,        CODE_LOST, NULL },
  { 2055, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 2057, CUPEL_ERROR_PROGRAMMING,    STALE,       CODE_STALE, NULL },      /* the number of columns changed */
  { 2058, CUPEL_ERROR_AUTHENTICATION, NONE,        CODE_LOST, NULL },      /* plugin not loaded */
  { 2059, CUPEL_ERROR_AUTHENTICATION, NONE,        CODE_LOST, NULL },
  { 2061, CUPEL_ERROR_AUTHENTICATION, NONE,        CODE_LOST, NULL },
  { 3024, CUPEL_ERROR_TIMEOUT,        NONE,        0, NULL },      /* max_execution_time */
  { 3101, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },      /* group replication */
  { 3140, CUPEL_ERROR_DATA,           PROGRAM,     CODE_HAS_DATA, "Not valid JSON" },
  { 3572, CUPEL_ERROR_OPERATIONAL,    RETRY,       CODE_RETRY, NULL },      /* NOWAIT of MySQL */
  { 3819, CUPEL_ERROR_CHECK,          PROGRAM,     0, NULL },      /* MySQL */
  { 4025, CUPEL_ERROR_CHECK,          PROGRAM,     0, NULL },      /* MariaDB */
  { 4031, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },      /* idle too long */
  { 5010, CUPEL_ERROR_AUTHENTICATION, NONE,        CODE_LOST, NULL },      /* a plugin that is not allowed */
  { 5012, CUPEL_ERROR_CONNECTION,     LOST,        CODE_LOST, NULL },
  { 5013, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },      /* read and write errors of the socket */
  { 5014, CUPEL_ERROR_DISCONNECTED,   LOST,        CODE_LOST, NULL },
  { 5015, CUPEL_ERROR_INTERNAL,       LOST,        CODE_LOST, NULL },
  { 5026, CUPEL_ERROR_INTERNAL,       LOST,        CODE_LOST, NULL },
  { 8002, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },      /* TiDB */
  { 8022, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },
  { 8028, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },
  { 9007, CUPEL_ERROR_SERIALIZATION,  RETRY,       CODE_RETRY, NULL },
};

/* What a number that is not above means, by the first two characters of the SQLSTATE. */
static const struct
{
  char  state[3];
  guint class;
  guint category;
  guint flags;
} states[] = {
  { "08", CUPEL_ERROR_DISCONNECTED,   LOST,    CODE_LOST },
  { "21", CUPEL_ERROR_PROGRAMMING,    PROGRAM, 0 },
  { "22", CUPEL_ERROR_DATA,           PROGRAM, CODE_HAS_DATA },
  { "23", CUPEL_ERROR_INTEGRITY,      PROGRAM, CODE_HAS_DATA },
  { "28", CUPEL_ERROR_AUTHENTICATION, NONE,    0 },
  { "40", CUPEL_ERROR_SERIALIZATION,  RETRY,   CODE_RETRY },
  { "42", CUPEL_ERROR_PROGRAMMING,    PROGRAM, 0 },
};

/* The client libraries' own numbers, and a failure without one: nobody can say what is still on the wire. */
static const Code strange = { 0, CUPEL_ERROR_INTERNAL, LOST, CODE_LOST, NULL };

static const Code *
cupel_mysql_find_code (guint code)
{
  gsize low = 0;
  gsize high = G_N_ELEMENTS (codes);

  while (low < high)
    {
      gsize middle = (low + high) / 2;

      if (codes[middle].code == code)
        return &codes[middle];
      if (codes[middle].code < code)
        low = middle + 1;
      else
        high = middle;
    }
  return code == 0 || (code >= 2000 && code < 3000) || (code >= 5000 && code < 5100) ? &strange : NULL;
}

gboolean
cupel_mysql_code_is_lost (guint code)
{
  const Code *found = cupel_mysql_find_code (code);

  return found != NULL && (found->flags & CODE_LOST) != 0;
}

gboolean
cupel_mysql_code_is_stale (guint code)
{
  const Code *found = cupel_mysql_find_code (code);

  return found != NULL && (found->flags & CODE_STALE) != 0;
}

/* Whether the transaction that @error came up in is over at the server, or no longer what its owner takes it for. A lock wait
 * that timed out undoes one statement or all of them, by a setting of the server: with the others it can only be rolled back. */
gboolean
cupel_mysql_error_ends_transaction (const GError *error)
{
  return cupel_error_get_category (error) == RETRY || cupel_error_get_native_code (error) == 1206;
}

guint
cupel_mysql_last_errno (MYSQL      *mysql,
                        MYSQL_STMT *stmt)
{
  guint code = stmt != NULL ? mysql_stmt_errno (stmt) : 0;

  return code != 0 ? code : mysql_errno (mysql);
}

/* The name between the quotes that follow the last @before in @message. */
static char *
cupel_mysql_quoted_name (const char *message,
                         const char *before,
                         char        quote)
{
  const char *start = g_strrstr (message, before);
  const char *end;

  if (start == NULL)
    return NULL;
  start += strlen (before);
  end = strchr (start, quote);
  return end != NULL ? g_strndup (start, end - start) : NULL;
}

/* "table.key" of MySQL 8, "key" of everyone else. */
static void
cupel_mysql_split_key (char **table,
                       char **constraint)
{
  char *dot = *constraint != NULL ? strchr (*constraint, '.') : NULL;

  if (dot == NULL)
    return;
  *table = g_strndup (*constraint, dot - *constraint);
  memmove (*constraint, dot + 1, strlen (dot + 1) + 1);
}

/* The last part of "`database`.`table`.`column`" whose end is at @end, a quote. */
static char *
cupel_mysql_last_part (const char *message,
                       const char *before)
{
  const char *found = g_strrstr (message, before);
  const char *start;
  const char *end;

  if (found == NULL)
    return NULL;
  start = found + strlen (before);
  if (*start != '`')
    return NULL;
  while ((end = strchr (start + 1, '`')) != NULL && end[1] == '.' && end[2] == '`')
    start = end + 2;
  return end != NULL ? g_strndup (start + 1, end - start - 1) : NULL;
}

GError *
cupel_mysql_error_new (guint       code,
                       const char *sqlstate,
                       const char *message,
                       gboolean    connecting)
{
  const Code *found = cupel_mysql_find_code (code);
  g_autofree char *valid = g_utf8_make_valid (message != NULL && *message != '\0' ? message : "The answer of the MySQL server could not be understood", -1);
  g_autofree char *constraint = NULL;
  g_autofree char *table = NULL;
  g_autofree char *column = NULL;
  g_autoptr(GString) text = NULL;
  CupelErrorDetails details = { 0, };
  guint class = CUPEL_ERROR_OPERATIONAL;
  guint category = NONE;
  guint flags = 0;

  if (found != NULL)
    {
      class = found->class;
      category = found->category;
      flags = found->flags;
    }
  else if (sqlstate != NULL)
    {
      for (guint i = 0; i < G_N_ELEMENTS (states); i++)
        if (strncmp (states[i].state, sqlstate, 2) == 0)
          {
            class = states[i].class;
            category = states[i].category;
            flags = states[i].flags;
          }
    }
  if (connecting && class != CUPEL_ERROR_AUTHENTICATION && class != CUPEL_ERROR_TIMEOUT &&
      (class != CUPEL_ERROR_OPERATIONAL || code >= 2000))
    class = CUPEL_ERROR_CONNECTION;

  switch (code)
    {
    case 1022: case 1062: case 1169: case 1586:
      constraint = cupel_mysql_quoted_name (valid, "for key '", '\'');
      cupel_mysql_split_key (&table, &constraint);
      break;
    case 1048:
      column = cupel_mysql_quoted_name (valid, "Column '", '\'');
      break;
    case 1364:
      column = cupel_mysql_quoted_name (valid, "Field '", '\'');
      break;
    case 1264: case 1265: case 1406:
      column = cupel_mysql_quoted_name (valid, "for column '", '\'');
      if (column == NULL)
        column = cupel_mysql_quoted_name (valid, "for column `", '`');
      break;
    case 1292: case 1366:
      column = cupel_mysql_last_part (valid, "for column ");
      if (column == NULL)
        column = cupel_mysql_quoted_name (valid, "for column '", '\'');
      break;
    case 1451: case 1452:
      constraint = cupel_mysql_quoted_name (valid, "CONSTRAINT `", '`');
      table = cupel_mysql_last_part (valid, "constraint fails (");
      break;
    case 3819:
      constraint = cupel_mysql_quoted_name (valid, "Check constraint '", '\'');
      break;
    case 4025:
      constraint = cupel_mysql_quoted_name (valid, "CONSTRAINT `", '`');
      table = cupel_mysql_last_part (valid, "failed for ");
      break;
    default:
      break;
    }

  text = g_string_new (NULL);
  if (found != NULL && found->text != NULL)
    g_string_append (text, found->text);
  else if (flags & CODE_HAS_DATA)
    g_string_append (text, "The server refused a value");
  else
    g_string_append (text, valid);
  if (flags & CODE_HAS_DATA)
    {
      if (constraint != NULL)
        g_string_append_printf (text, " for key “%s”", constraint);
      if (column != NULL)
        g_string_append_printf (text, " in column “%s”", column);
      details.detail = valid;
    }

  details.sqlstate = sqlstate;
  details.native_code = (int) code;
  details.constraint = constraint;
  details.table = table;
  details.column = column;
  details.retryable = (flags & CODE_RETRY) != 0;
  details.disconnect = (flags & CODE_LOST) != 0;
  details.category = (CupelErrorCategory) category;
  return cupel_error_new_with_details (class, &details, "%s (MySQL error %u)", text->str, code);
}

void
cupel_mysql_set_error (GError     **error,
                       MYSQL       *mysql,
                       MYSQL_STMT  *stmt)
{
  if (stmt != NULL && mysql_stmt_errno (stmt) != 0)
    g_propagate_error (error, cupel_mysql_error_new (mysql_stmt_errno (stmt), mysql_stmt_sqlstate (stmt),
                                                     mysql_stmt_error (stmt), FALSE));
  else
    g_propagate_error (error, cupel_mysql_error_new (mysql_errno (mysql), mysql_sqlstate (mysql),
                                                     mysql_error (mysql), FALSE));
}
