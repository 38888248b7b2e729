/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-traces.h"

#include <string.h>

typedef struct
{
  const char *at;
  gsize       length;   /* 0: the end */
} Word;

static inline gboolean
is_word_char (char c)
{
  return g_ascii_isalnum (c) || c == '_' || (signed char) c < 0;
}

/* The next word; comments are skipped, literals are not: a DO block is one. */
static Word
next_word (const char **sql)
{
  const char *at = *sql, *end;

  for (;;)
    {
      if (*at == '\0')
        {
          *sql = at;
          return (Word) { at, 0 };
        }
      if (at[0] == '-' && at[1] == '-')
        at += strcspn (at, "\n");
      else if (at[0] == '/' && at[1] == '*')
        at = (end = strstr (at + 2, "*/")) != NULL ? end + 2 : at + strlen (at);
      else if (is_word_char (*at))
        break;
      else
        at++;
    }
  for (end = at; is_word_char (*end); end++)
    ;
  *sql = end;
  return (Word) { at, (gsize) (end - at) };
}

static inline gboolean
is (Word        word,
    const char *text)
{
  return strlen (text) == word.length && g_ascii_strncasecmp (word.at, text, word.length) == 0;
}

static gboolean
is_one_of (Word               word,
           const char *const *list)
{
  for (; *list != NULL; list++)
    if (is (word, *list))
      return TRUE;
  return FALSE;
}

static gboolean
begins_with (Word        word,
             const char *text)
{
  return strlen (text) <= word.length && g_ascii_strncasecmp (word.at, text, strlen (text)) == 0;
}

/* What a command leaves behind by being that command. */
static guint
traces_of_command (Word        first,
                   const char *rest)
{
  /* These end with the transaction, or change the database and not the session, or tidy up. */
  static const char *const harmless[] = {
    "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "TABLE", "BEGIN", "START", "COMMIT", "END", "ROLLBACK",
    "ABORT", "SAVEPOINT", "RELEASE", "CREATE", "ALTER", "DROP", "TRUNCATE", "COMMENT", "GRANT", "REVOKE", "ANALYZE", "VACUUM",
    "EXPLAIN", "SHOW", "LOCK", "FETCH", "MOVE", "CLOSE", "NOTIFY", "COPY", "REINDEX", "CLUSTER", "REFRESH", "CHECKPOINT",
    "UNLISTEN", "RESET", "DISCARD", "DEALLOCATE", "IMPORT", "REASSIGN", "SECURITY", NULL
  };
  static const char *const of_transaction[] = { "LOCAL", "TRANSACTION", "CONSTRAINTS", NULL };

  if (first.length == 0 || is_one_of (first, harmless))
    return 0;
  if (is (first, "SET"))
    return is_one_of (next_word (&rest), of_transaction) ? 0 : CUPEL_PG_TRACE_SETTINGS;
  if (is (first, "LISTEN"))
    return CUPEL_PG_TRACE_LISTEN;
  if (is (first, "PREPARE"))
    return is (next_word (&rest), "TRANSACTION") ? 0 : CUPEL_PG_TRACE_PREPARED;
  if (is (first, "DECLARE"))
    return 0;     /* with HOLD it leaves something: that word is looked for everywhere */
  return CUPEL_PG_TRACE_OTHER;
}

guint
cupel_pg_traces_of (const char *sql)
{
  static const char *const before_temp[] = { "CREATE", "REPLACE", "LOCAL", "GLOBAL", NULL };
  Word before = next_word (&sql), word;
  gboolean into_table = is (before, "INSERT") || is (before, "MERGE");
  guint traces = traces_of_command (before, sql);
  gboolean declares = is (before, "DECLARE");

  for (; (word = next_word (&sql)).length > 0; before = word)
    switch (word.at[0])
      {
      case 's': case 'S':
        if (is (word, "set_config"))
          traces |= CUPEL_PG_TRACE_SETTINGS;
        break;
      case 'p': case 'P':
        if (begins_with (word, "pg_advisory_lock") || begins_with (word, "pg_try_advisory_lock"))
          traces |= CUPEL_PG_TRACE_LOCKS;
        else if (is (word, "pg_temp"))
          traces |= CUPEL_PG_TRACE_TEMP;
        break;
      case 't': case 'T':
        if ((is (word, "TEMP") || is (word, "TEMPORARY")) &&
            (is_one_of (before, before_temp) || (is (before, "INTO") && !into_table)))
          traces |= CUPEL_PG_TRACE_TEMP;
        break;
      case 'h': case 'H':
        if (declares && is (word, "HOLD") && is (before, "WITH"))
          traces |= CUPEL_PG_TRACE_CURSORS;
        break;
      default:
        break;
      }
  return traces;
}

const char *
cupel_pg_traces_get_name (guint traces)
{
  if (traces & CUPEL_PG_TRACE_SETTINGS)
    return "a setting of the session (use SET LOCAL)";
  if (traces & CUPEL_PG_TRACE_LISTEN)
    return "LISTEN";
  if (traces & CUPEL_PG_TRACE_TEMP)
    return "a temporary table";
  if (traces & CUPEL_PG_TRACE_LOCKS)
    return "an advisory lock of the session (use pg_advisory_xact_lock)";
  if (traces & CUPEL_PG_TRACE_CURSORS)
    return "a cursor WITH HOLD";
  if (traces & CUPEL_PG_TRACE_PREPARED)
    return "a prepared statement";
  return NULL;
}
