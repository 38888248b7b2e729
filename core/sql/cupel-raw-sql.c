/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "sql/cupel-raw-sql-private.h"

#include <string.h>

static gboolean
is_word (char c)
{
  return g_ascii_isalnum (c) || c == '_' || (guchar) c >= 0x80;
}

static gboolean
is_word_start (char c)
{
  return g_ascii_isalpha (c) || c == '_';
}

/* Past the closing @quote, which counts when it is not doubled; to the end when there is none. */
static const char *
skip_quoted (const char *p,
             char        quote,
             gboolean    backslash)
{
  for (p++; *p != '\0'; p++)
    {
      if (backslash && *p == '\\' && p[1] != '\0')
        p++;
      else if (*p == quote)
        {
          if (p[1] != quote)
            return p + 1;
          p++;
        }
    }

  return p;
}

/* $tag$ ... $tag$; NULL when @p does not start one */
static const char *
skip_dollar_quoted (const char *p)
{
  const char *end = p + 1;
  gsize length;

  if (is_word_start (*end))
    while (g_ascii_isalnum (*end) || *end == '_')
      end++;
  if (*end != '$')
    return NULL;

  length = (gsize) (end + 1 - p);
  for (end++; *end != '\0'; end++)
    if (*end == '$' && strncmp (end, p, length) == 0)
      return end + length;

  return end;
}

/* Past what hides its content at @p: quoted text, a quoted name, a comment; @p itself when nothing does. @start: of the text. */
static const char *
skip_opaque (const char *p,
             const char *start)
{
  const char *end;

  switch (*p)
    {
    case '\'':
      /* only E'...' knows backslashes, by the standard and by default */
      return skip_quoted (p, '\'', p > start && (p[-1] == 'E' || p[-1] == 'e') && (p - 1 == start || !is_word (p[-2])));

    case '"':
    case '`':
      return skip_quoted (p, *p, FALSE);

    case '$':
      if (p > start && is_word (p[-1]))
        return p;
      end = skip_dollar_quoted (p);
      return end != NULL ? end : p;

    case '-':
      if (p[1] != '-')
        return p;
      return p + strcspn (p, "\n");

    case '/':
      if (p[1] != '*')
        return p;
      end = strstr (p + 2, "*/");
      return end != NULL ? end + 2 : p + strlen (p);

    default:
      return p;
    }
}

static gboolean
word_is (const char        *word,
         gsize              length,
         const char *const *list)
{
  for (; *list != NULL; list++)
    if (strlen (*list) == length && g_ascii_strncasecmp (word, *list, length) == 0)
      return TRUE;

  return FALSE;
}

/* Only what surely answers without rows is told apart: being wrong the other way costs nothing but a description. */
static gboolean
may_return_rows (const char *sql)
{
  static const char *const changes[] = { "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE", NULL };
  static const char *const never[] = {
    "CREATE", "DROP", "ALTER", "TRUNCATE", "GRANT", "REVOKE", "COMMENT", "RENAME", "REINDEX", "VACUUM",
    "BEGIN", "START", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "LOCK", "UNLOCK", "USE",
    "ATTACH", "DETACH", "NOTIFY", "LISTEN", "UNLISTEN", "DO", NULL
  };
  static const char *const returning[] = { "RETURNING", NULL };
  const char *p = sql;
  gboolean first = TRUE;

  while (*p != '\0')
    {
      const char *next = skip_opaque (p, sql);

      if (next != p)
        p = next;
      else if (is_word (*p))
        {
          gsize length = 0;

          while (is_word (p[length]))
            length++;
          if (first)
            {
              if (word_is (p, length, never))
                return FALSE;
              if (!word_is (p, length, changes))
                return TRUE;
              first = FALSE;
            }
          else if (word_is (p, length, returning))
            return TRUE;
          p += length;
        }
      else
        p++;
    }

  return first && *sql != '\0';
}

static void
end_piece (GArray  *pieces,
           GString *text,
           int      bind)
{
  CupelRawPiece piece = { .text = text->len > 0 ? g_strdup (text->str) : NULL, .bind = bind };

  g_array_append_val (pieces, piece);
  g_string_truncate (text, 0);
}

CupelRawSql *
cupel_raw_sql_new (const char *sql)
{
  CupelRawSql *raw = g_new0 (CupelRawSql, 1);
  GArray *pieces = g_array_new (FALSE, FALSE, sizeof (CupelRawPiece));
  g_autoptr(GString) text = g_string_new (NULL);
  g_autoptr(GString) name = g_string_new (NULL);
  const char *p = sql;

  cupel_name_list_init (&raw->binds);

  while (*p != '\0')
    {
      const char *next = skip_opaque (p, sql);

      if (next != p)
        {
          g_string_append_len (text, p, next - p);
          p = next;
        }
      else if (*p == '\\' && p[1] == ':')
        {
          g_string_append_c (text, ':');
          p += 2;
        }
      else if (*p == ':' && p[1] == ':')
        {
          g_string_append (text, "::");
          p += 2;
        }
      else if (*p == ':' && is_word_start (p[1]) && (p == sql || !is_word (p[-1])))
        {
          gsize length = 1;

          while (g_ascii_isalnum (p[1 + length]) || p[1 + length] == '_')
            length++;
          g_string_truncate (name, 0);
          g_string_append_len (name, p + 1, (gssize) length);
          end_piece (pieces, text, (int) cupel_name_list_add (&raw->binds, name->str));
          p += 1 + length;
        }
      else
        g_string_append_c (text, *p++);
    }
  end_piece (pieces, text, -1);

  raw->ref_count = 1;
  raw->sql = g_strdup (sql);
  raw->n_pieces = pieces->len;
  raw->pieces = (CupelRawPiece *) g_array_free (pieces, FALSE);
  raw->n_binds = raw->binds.names->len;
  raw->bind_names = cupel_name_list_close (&raw->binds);
  raw->returns_rows = may_return_rows (sql);

  return raw;
}

CupelRawSql *
cupel_raw_sql_ref (CupelRawSql *raw)
{
  g_atomic_int_inc (&raw->ref_count);

  return raw;
}

void
cupel_raw_sql_unref (CupelRawSql *raw)
{
  if (!g_atomic_int_dec_and_test (&raw->ref_count))
    return;

  for (guint i = 0; i < raw->n_pieces; i++)
    g_free (raw->pieces[i].text);
  g_free (raw->pieces);
  cupel_name_list_clear (&raw->binds);
  g_free (raw->sql);
  g_free (raw);
}
