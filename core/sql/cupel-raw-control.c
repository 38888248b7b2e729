/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Raw SQL that begins or ends a transaction: behind the back of the connection, which has calls for that. What a server does not know as a
 * statement of its own, END say, it would refuse anyway. */

#include "sql/cupel-raw-sql-private.h"

#include "runtime/cupel-error-details.h"

#include <string.h>

/* Past what is no statement; to the end when there is nothing else. What stands in the comments that MySQL executes is one. */
static const char *
skip_blank (const char *p)
{
  for (;;)
    {
      const char *end;

      if (g_ascii_isspace (*p) || *p == ';' || *p == '\v')
        p++;
      else if (*p == '#' || (p[0] == '-' && p[1] == '-'))
        p += strcspn (p, "\n");
      else if (p[0] == '*' && p[1] == '/')
        p += 2;   /* of a comment in a comment, or of one that is executed */
      else if (g_str_has_prefix (p, "/*!") || g_str_has_prefix (p, "/*M!"))
        {
          p = strchr (p, '!') + 1;
          while (g_ascii_isdigit (*p))
            p++;
        }
      else if (p[0] == '/' && p[1] == '*')
        p = (end = strstr (p + 2, "*/")) != NULL ? end + 2 : p + strlen (p);
      else
        return p;
    }
}

static gsize
word_length (const char *p)
{
  gsize length = 0;

  while (g_ascii_isalnum (p[length]) || p[length] == '_' || (guchar) p[length] >= 0x80)
    length++;
  return length;
}

static const char *
next_word (const char *p)
{
  return skip_blank (p + word_length (p));
}

static gboolean
is (const char *p,
    const char *words)
{
  gsize length = word_length (p);

  for (const char *word = words; *word != '\0'; word += strspn (word, " "))
    {
      gsize n = strcspn (word, " ");

      if (n == length && g_ascii_strncasecmp (p, word, n) == 0)
        return TRUE;
      word += n;
    }
  return FALSE;
}

CupelRawControl
cupel_raw_control_of (const char *sql)
{
  const char *first = skip_blank (sql);
  const char *second;

  if (*first == '\0')
    return CUPEL_RAW_NOTHING;
  if (!is (first, "BEGIN START COMMIT END ROLLBACK ABORT SAVEPOINT RELEASE PREPARE XA"))
    return CUPEL_RAW_STATEMENT;

  second = next_word (first);
  if (is (first, "BEGIN"))
    {
      /* MariaDB has blocks that begin so. */
      if (*second == '\0' || is (second, "WORK TRANSACTION TRAN ISOLATION READ DEFERRABLE DEFERRED IMMEDIATE EXCLUSIVE CONCURRENT") ||
          (is (second, "NOT") && is (next_word (second), "DEFERRABLE")))
        return CUPEL_RAW_BEGIN;
      return CUPEL_RAW_STATEMENT;
    }
  if (is (first, "START"))
    return is (second, "TRANSACTION") ? CUPEL_RAW_BEGIN : CUPEL_RAW_STATEMENT;
  /* Of a transaction that was prepared, by any session. */
  if (is (first, "COMMIT ROLLBACK") && is (second, "PREPARED"))
    return CUPEL_RAW_STATEMENT;
  if (is (first, "ROLLBACK") && (is (second, "TO") || (is (second, "WORK TRANSACTION") && is (next_word (second), "TO"))))
    return CUPEL_RAW_SAVEPOINT;
  if (is (first, "COMMIT END"))
    return CUPEL_RAW_COMMIT;
  if (is (first, "ROLLBACK ABORT"))
    return CUPEL_RAW_ROLLBACK;
  if (is (first, "SAVEPOINT RELEASE"))
    return CUPEL_RAW_SAVEPOINT;
  if (is (first, "PREPARE"))
    return is (second, "TRANSACTION") ? CUPEL_RAW_COMMIT : CUPEL_RAW_STATEMENT;
  if (is (second, "START BEGIN"))
    return CUPEL_RAW_BEGIN;
  return is (second, "END PREPARE") ? CUPEL_RAW_COMMIT : CUPEL_RAW_STATEMENT;
}

gboolean
cupel_raw_sql_check (const CupelRawSql  *raw,
                     GError            **error)
{
  static const char *const calls[] = {
    [CUPEL_RAW_BEGIN] = "cupel_connection_begin() or cupel_session_begin()",
    [CUPEL_RAW_COMMIT] = "cupel_connection_commit() or cupel_session_commit()",
    [CUPEL_RAW_ROLLBACK] = "cupel_connection_rollback() or cupel_session_rollback()",
    [CUPEL_RAW_SAVEPOINT] = "cupel_connection_begin_nested() or cupel_session_begin_nested()",
  };
  const CupelErrorDetails details = { .category = CUPEL_ERROR_CATEGORY_PROGRAM };
  const CupelRawControl control = cupel_raw_control_of (raw->sql);
  g_autofree char *word = NULL;
  const char *first;

  if (control == CUPEL_RAW_STATEMENT)
    return TRUE;
  if (control == CUPEL_RAW_NOTHING)
    {
      cupel_set_error_with_details (error, CUPEL_ERROR_PROGRAMMING, &details, "The SQL text holds no statement");
      return FALSE;
    }

  first = skip_blank (raw->sql);
  word = g_ascii_strup (first, (gssize) word_length (first));
  cupel_set_error_with_details (error, CUPEL_ERROR_PROGRAMMING, &details,
                                "%s as an SQL text would hide the transaction's state from the library; use %s instead", word,
                                calls[control]);
  return FALSE;
}
