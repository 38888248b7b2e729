/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-sqlite-error.h"

typedef struct
{
  int        code;         /* extended, or primary for all of its kind that are not listed */
  CupelError error;
  CupelErrorCategory category;
  guint      retryable : 1;
  guint      disconnect : 1;
} ErrorClass;

/* Extended codes come before their primary one. */
static const ErrorClass classes[] = {
  { SQLITE_CONSTRAINT_UNIQUE,      CUPEL_ERROR_UNIQUE, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT_PRIMARYKEY,  CUPEL_ERROR_UNIQUE, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT_ROWID,       CUPEL_ERROR_UNIQUE, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT_FOREIGNKEY,  CUPEL_ERROR_FOREIGN_KEY, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT_NOTNULL,     CUPEL_ERROR_NOT_NULL, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT_CHECK,       CUPEL_ERROR_CHECK, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT_DATATYPE,    CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_CONSTRAINT,             CUPEL_ERROR_INTEGRITY, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_BUSY_SNAPSHOT,          CUPEL_ERROR_SERIALIZATION, CUPEL_ERROR_CATEGORY_RETRY, .retryable = TRUE },
  { SQLITE_BUSY,                   CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_RETRY, .retryable = TRUE },
  { SQLITE_LOCKED,                 CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_RETRY, .retryable = TRUE },
  { SQLITE_IOERR_NOMEM,            CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_OVERLOAD },
  { SQLITE_IOERR,                  CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_LOST, .disconnect = TRUE },
  { SQLITE_CORRUPT,                CUPEL_ERROR_OPERATIONAL },
  { SQLITE_NOTADB,                 CUPEL_ERROR_OPERATIONAL },
  { SQLITE_FULL,                   CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_FULL },
  { SQLITE_READONLY,               CUPEL_ERROR_OPERATIONAL },
  { SQLITE_CANTOPEN,               CUPEL_ERROR_OPERATIONAL },
  { SQLITE_PERM,                   CUPEL_ERROR_OPERATIONAL },
  { SQLITE_NOMEM,                  CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_OVERLOAD },
  { SQLITE_PROTOCOL,               CUPEL_ERROR_OPERATIONAL, CUPEL_ERROR_CATEGORY_RETRY, .retryable = TRUE },
  { SQLITE_NOLFS,                  CUPEL_ERROR_OPERATIONAL },
  { SQLITE_ABORT,                  CUPEL_ERROR_OPERATIONAL },
  { SQLITE_INTERRUPT,              CUPEL_ERROR_OPERATIONAL },
  { SQLITE_MISMATCH,               CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_TOOBIG,                 CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_RANGE,                  CUPEL_ERROR_DATA, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_ERROR,                  CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_AUTH,                   CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_SCHEMA,                 CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_STALE_STATEMENT },
  { SQLITE_EMPTY,                  CUPEL_ERROR_PROGRAMMING, CUPEL_ERROR_CATEGORY_PROGRAM },
  { SQLITE_MISUSE,                 CUPEL_ERROR_INTERNAL },
  { SQLITE_INTERNAL,               CUPEL_ERROR_INTERNAL },
};

static const ErrorClass *
find_class (int code)
{
  static const ErrorClass other = { SQLITE_ERROR, CUPEL_ERROR_FAILED };

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    {
      if (classes[i].code == code || classes[i].code == (code & 0xff))
        return &classes[i];
    }
  return &other;
}

gboolean
cupel_sqlite_code_is_lost (int code)
{
  return find_class (code)->disconnect;
}

/* "UNIQUE constraint failed: a.data, a.n", "... failed: index 'ix'", "CHECK constraint failed: name". */
static void
parse_details (CupelError          error,
               const char         *text,
               CupelErrorDetails  *details,
               char              **storage)
{
  const char *rest = strstr (text, " constraint failed: ");
  char *dot;

  if (rest == NULL)
    return;
  rest += strlen (" constraint failed: ");
  *storage = g_strdup (rest);

  if (error == CUPEL_ERROR_CHECK)
    {
      details->constraint = *storage;
      return;
    }
  if (g_str_has_prefix (rest, "index '"))
    {
      char *name = *storage + strlen ("index '");
      gsize length = strlen (name);

      if (length > 0 && name[length - 1] == '\'')
        name[length - 1] = '\0';
      details->constraint = name;
      return;
    }
  if (error != CUPEL_ERROR_UNIQUE && error != CUPEL_ERROR_NOT_NULL)
    return;

  if (strstr (*storage, ", ") != NULL)
    {
      /* More than one column: the table is what stands before the first dot, no single column is to blame. */
      if ((dot = strchr (*storage, '.')) != NULL)
        {
          *dot = '\0';
          details->table = *storage;
        }
      return;
    }
  if ((dot = strrchr (*storage, '.')) != NULL)
    {
      *dot = '\0';
      details->table = *storage;
      details->column = dot + 1;
    }
}

GError *
cupel_sqlite_error_new (int         code,
                        const char *text)
{
  const ErrorClass *class = find_class (code);
  CupelErrorDetails details = { .native_code = code, .category = class->category,
                                .retryable = class->retryable, .disconnect = class->disconnect };
  g_autofree char *storage = NULL;

  if (text == NULL)
    text = sqlite3_errstr (code);
  if ((code & 0xff) == SQLITE_CONSTRAINT)
    parse_details (class->error, text, &details, &storage);

  switch (code & 0xff)
    {
    case SQLITE_BUSY:
      if (code == SQLITE_BUSY_SNAPSHOT)
        return cupel_error_new_with_details (class->error, &details,
                                             "Another connection wrote to the SQLite database after this transaction had "
                                             "read from it; roll back and run the whole unit again");
      return cupel_error_new_with_details (class->error, &details,
                                           "The SQLite database is locked by another connection (%s); "
                                           "roll back and try again, or raise busy_timeout", text);
    default:
      return cupel_error_new_with_details (class->error, &details, "%s", text);
    }
}
