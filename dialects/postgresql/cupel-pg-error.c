/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-error.h"

#include <string.h>

/* What a SQLSTATE means for the pool, for a retry and for the caller. A row of five characters comes before its class. */
static const CupelPgErrorClass classes[] = {
  { "03",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "08P01", FALSE, FALSE, CUPEL_ERROR_INTERNAL },
  { "08007", FALSE, TRUE,  CUPEL_ERROR_OUTCOME_UNKNOWN },
  { "08",    TRUE,  TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "09",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "0A",    FALSE, FALSE, CUPEL_ERROR_UNSUPPORTED },
  { "0",     FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "20",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "21",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "22",    FALSE, FALSE, CUPEL_ERROR_DATA },
  { "23001", FALSE, FALSE, CUPEL_ERROR_FOREIGN_KEY },
  { "23502", FALSE, FALSE, CUPEL_ERROR_NOT_NULL },
  { "23503", FALSE, FALSE, CUPEL_ERROR_FOREIGN_KEY },
  { "23505", FALSE, FALSE, CUPEL_ERROR_UNIQUE },
  { "23514", FALSE, FALSE, CUPEL_ERROR_CHECK },
  { "23",    FALSE, FALSE, CUPEL_ERROR_INTEGRITY },
  { "24",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "25006", TRUE,  FALSE, CUPEL_ERROR_OPERATIONAL },      /* not the primary any more */
  { "25P02", FALSE, FALSE, CUPEL_ERROR_PENDING_ROLLBACK },
  { "25P03", FALSE, TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "25P04", FALSE, TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "25",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "26",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "27",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "28",    FALSE, FALSE, CUPEL_ERROR_AUTHENTICATION },
  { "2",     FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "3D",    FALSE, FALSE, CUPEL_ERROR_CONNECTION },
  { "3",     FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "40002", FALSE, FALSE, CUPEL_ERROR_INTEGRITY },
  { "40003", FALSE, FALSE, CUPEL_ERROR_OUTCOME_UNKNOWN },
  { "40P01", TRUE,  FALSE, CUPEL_ERROR_DEADLOCK },
  { "40",    TRUE,  FALSE, CUPEL_ERROR_SERIALIZATION },
  { "42",    FALSE, FALSE, CUPEL_ERROR_PROGRAMMING },
  { "44",    FALSE, FALSE, CUPEL_ERROR_CHECK },
  { "53100", FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },      /* disk full */
  { "53400", FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "53",    TRUE,  FALSE, CUPEL_ERROR_OPERATIONAL },
  { "54",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "55P03", TRUE,  FALSE, CUPEL_ERROR_OPERATIONAL },      /* lock not available */
  { "55",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "57014", FALSE, FALSE, CUPEL_ERROR_TIMEOUT },          /* statement_timeout, or somebody else's cancel */
  { "57P01", TRUE,  TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "57P02", TRUE,  TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "57P03", TRUE,  TRUE,  CUPEL_ERROR_CONNECTION },       /* starting up or shutting down */
  { "57P04", FALSE, TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "57P05", TRUE,  TRUE,  CUPEL_ERROR_DISCONNECTED },
  { "57",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "58",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "72",    TRUE,  FALSE, CUPEL_ERROR_SERIALIZATION },
  { "F0",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "HV",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },
  { "P0",    FALSE, FALSE, CUPEL_ERROR_OPERATIONAL },      /* RAISE in a function */
  { "XX",    FALSE, FALSE, CUPEL_ERROR_INTERNAL },
  { "",      FALSE, FALSE, CUPEL_ERROR_FAILED },
};

const CupelPgErrorClass *
cupel_pg_error_get_table (gsize *n_rows)
{
  *n_rows = G_N_ELEMENTS (classes);
  return classes;
}

const CupelPgErrorClass *
cupel_pg_error_classify (const char *sqlstate)
{
  gsize i = 0;

  if (sqlstate == NULL)
    sqlstate = "";
  while (!g_str_has_prefix (sqlstate, classes[i].state))
    i++;
  return &classes[i];
}

gboolean
cupel_pg_error_is_fatal (const PGresult *result)
{
  const char *severity = PQresultErrorField (result, PG_DIAG_SEVERITY_NONLOCALIZED);

  return severity != NULL && (strcmp (severity, "FATAL") == 0 || strcmp (severity, "PANIC") == 0);
}

gboolean
cupel_pg_error_is_stale (const PGresult *result)
{
  const char *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
  const char *function = PQresultErrorField (result, PG_DIAG_SOURCE_FUNCTION);

  if (state == NULL)
    return FALSE;
  /* 0A000 is every unsupported feature: only that of a cached plan counts. 42P10 comes when the index of an ON CONFLICT was
   * made again, XX000 when an object that a plan names is gone ("cache lookup failed"). */
  if (strcmp (state, "0A000") == 0)
    return function != NULL && strcmp (function, "RevalidateCachedQuery") == 0;
  return strcmp (state, "26000") == 0 || strcmp (state, "42P10") == 0 || strcmp (state, "XX000") == 0;
}

/* The messages of class 22 quote the offending value; the full text goes to the details. */
static char *
hide_quoted (const char *message)
{
  GString *text = g_string_new (NULL);
  const char *open, *close;

  while ((open = strchr (message, '"')) != NULL)
    {
      close = strrchr (open + 1, '"');
      g_string_append_len (text, message, open - message);
      g_string_append (text, "\"…\"");
      message = close != NULL ? close + 1 : "";
    }
  g_string_append (text, message);
  return g_string_free (text, FALSE);
}

GError *
cupel_pg_error_new_from_result (const PGresult *result)
{
  const char *state = PQresultErrorField (result, PG_DIAG_SQLSTATE);
  const char *primary = PQresultErrorField (result, PG_DIAG_MESSAGE_PRIMARY);
  const char *detail = PQresultErrorField (result, PG_DIAG_MESSAGE_DETAIL);
  const char *hint = PQresultErrorField (result, PG_DIAG_MESSAGE_HINT);
  const CupelPgErrorClass *class = cupel_pg_error_classify (state);
  gboolean fatal = cupel_pg_error_is_fatal (result);
  g_autofree char *message = NULL;
  g_autofree char *valid = NULL;
  g_autofree char *full = NULL;
  g_autofree char *advice = NULL;
  CupelErrorDetails details = {
    .sqlstate = state,
    .constraint = PQresultErrorField (result, PG_DIAG_CONSTRAINT_NAME),
    .table = PQresultErrorField (result, PG_DIAG_TABLE_NAME),
    .column = PQresultErrorField (result, PG_DIAG_COLUMN_NAME),
    .retryable = class->retryable,
    .disconnect = class->disconnect || fatal,
  };

  if (primary == NULL)
    primary = PQresultErrorMessage (result);
  valid = g_utf8_make_valid (primary, -1);
  message = g_str_has_prefix (class->state, "22") ? hide_quoted (valid) : g_steal_pointer (&valid);
  g_strchomp (message);
  if (g_str_has_prefix (class->state, "22"))
    {
      full = g_strdup_printf ("%s%s%s", primary, detail ? "\n" : "", detail ? detail : "");
      detail = full;
    }
  details.detail = detail;

  if (state == NULL)
    return cupel_error_new_with_details (class->code, &details, "PostgreSQL: %s", message);
  /* What the server advises about a statement; elsewhere it may quote data. */
  if (g_str_has_prefix (class->state, "42") && hint != NULL)
    advice = g_utf8_make_valid (hint, -1);
  return cupel_error_new_with_details (fatal && !class->disconnect ? CUPEL_ERROR_DISCONNECTED : class->code, &details,
                                       "PostgreSQL: %s (SQLSTATE %s)%s%s", message, state,
                                       advice != NULL ? ". " : "", advice != NULL ? advice : "");
}

GError *
cupel_pg_error_new_from_state (const char *sqlstate,
                               const char *message)
{
  const CupelPgErrorClass *class = cupel_pg_error_classify (sqlstate);
  g_autofree char *valid = g_utf8_make_valid (message != NULL ? message : "unknown error", -1);
  gboolean has_data = g_str_has_prefix (class->state, "22");
  g_autofree char *hidden = has_data ? hide_quoted (valid) : NULL;
  CupelErrorDetails details = {
    .sqlstate = sqlstate, .retryable = class->retryable, .disconnect = class->disconnect, .detail = has_data ? valid : NULL,
  };

  if (sqlstate == NULL)
    return cupel_error_new_with_details (class->code, &details, "PostgreSQL: %s", valid);
  return cupel_error_new_with_details (class->code, &details, "PostgreSQL: %s (SQLSTATE %s)", has_data ? hidden : valid, sqlstate);
}

static gboolean
is_sqlstate (const char *text)
{
  for (int i = 0; i < 5; i++)
    if (!g_ascii_isdigit (text[i]) && !g_ascii_isupper (text[i]))
      return FALSE;
  return TRUE;
}

/* libpq keeps the SQLSTATE of a failed connect to itself, but prints it: "...: FATAL:  28P01: password authentication failed".
 * This is its own fixed form, not the server's words. */
gboolean
cupel_pg_error_split_verbose (char *message,
                              char  sqlstate[6])
{
  char *end, *at;
  gboolean found = FALSE;

  sqlstate[0] = '\0';
  if ((end = strchr (message, '\n')) != NULL)
    *end = '\0';
  for (at = strstr (message, ":  "); at != NULL; at = strstr (at + 1, ":  "))
    if (strlen (at) >= 10 && is_sqlstate (at + 3) && at[8] == ':' && at[9] == ' ')
      {
        memcpy (sqlstate, at + 3, 5);
        sqlstate[5] = '\0';
        memmove (at + 2, at + 10, strlen (at + 10) + 1);
        found = TRUE;
        break;
      }
  g_strchomp (message);
  return found;
}
