/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cupel-pg-error.h"

#include <string.h>

/* What a SQLSTATE means for the pool, for a retry, for a router and for the caller. A row of five characters comes before its class. */
#define ROW(state, retryable, disconnect, category, code) \
  { state, retryable, disconnect, CUPEL_ERROR_CATEGORY_ ## category, CUPEL_ERROR_ ## code }

static const CupelPgErrorClass classes[] = {
  ROW ("03",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("08P01", FALSE, FALSE, LOST,            INTERNAL),
  ROW ("08007", FALSE, TRUE,  UNKNOWN,         OUTCOME_UNKNOWN),
  ROW ("08",    TRUE,  TRUE,  LOST,            DISCONNECTED),
  ROW ("09",    FALSE, FALSE, PROGRAM,         OPERATIONAL),
  ROW ("0A",    FALSE, FALSE, PROGRAM,         UNSUPPORTED),
  ROW ("0",     FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("20",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("21",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("22",    FALSE, FALSE, PROGRAM,         DATA),
  ROW ("23001", FALSE, FALSE, PROGRAM,         FOREIGN_KEY),
  ROW ("23502", FALSE, FALSE, PROGRAM,         NOT_NULL),
  ROW ("23503", FALSE, FALSE, PROGRAM,         FOREIGN_KEY),
  ROW ("23505", FALSE, FALSE, PROGRAM,         UNIQUE),
  ROW ("23514", FALSE, FALSE, PROGRAM,         CHECK),
  ROW ("23",    FALSE, FALSE, PROGRAM,         INTEGRITY),
  ROW ("24",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("25006", TRUE,  FALSE, NOT_PRIMARY,     OPERATIONAL),             /* not the primary any more */
  ROW ("25P02", FALSE, FALSE, NONE,            PENDING_ROLLBACK),
  ROW ("25P03", FALSE, TRUE,  LOST,            DISCONNECTED),
  ROW ("25P04", FALSE, TRUE,  LOST,            DISCONNECTED),
  ROW ("25",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("26",    FALSE, FALSE, STALE_STATEMENT, PROGRAMMING),
  ROW ("27",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("28",    FALSE, FALSE, NONE,            AUTHENTICATION),
  ROW ("2",     FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("3D",    FALSE, FALSE, PROGRAM,         CONNECTION),
  ROW ("3",     FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("40002", FALSE, FALSE, PROGRAM,         INTEGRITY),
  ROW ("40003", FALSE, FALSE, UNKNOWN,         OUTCOME_UNKNOWN),
  ROW ("40P01", TRUE,  FALSE, RETRY,           DEADLOCK),
  ROW ("40",    TRUE,  FALSE, RETRY,           SERIALIZATION),
  ROW ("42",    FALSE, FALSE, PROGRAM,         PROGRAMMING),
  ROW ("44",    FALSE, FALSE, PROGRAM,         CHECK),
  ROW ("53100", FALSE, FALSE, FULL,            OPERATIONAL),             /* disk full */
  ROW ("53400", FALSE, FALSE, OVERLOAD,        OPERATIONAL),
  ROW ("53",    TRUE,  FALSE, OVERLOAD,        OPERATIONAL),
  ROW ("54",    FALSE, FALSE, PROGRAM,         OPERATIONAL),
  ROW ("55P03", TRUE,  FALSE, RETRY,           OPERATIONAL),             /* lock not available */
  ROW ("55",    FALSE, FALSE, NONE,            OPERATIONAL),
  ROW ("57014", FALSE, FALSE, NONE,            TIMEOUT),                 /* statement_timeout, or somebody else's cancel */
  ROW ("57P01", TRUE,  TRUE,  LOST,            DISCONNECTED),
  ROW ("57P02", TRUE,  TRUE,  LOST,            DISCONNECTED),
  ROW ("57P03", TRUE,  TRUE,  NOT_READY,       CONNECTION),              /* starting up or shutting down */
  ROW ("57P04", FALSE, TRUE,  LOST,            DISCONNECTED),
  ROW ("57P05", TRUE,  TRUE,  LOST,            DISCONNECTED),
  ROW ("57",    FALSE, FALSE, NONE,            OPERATIONAL),
  ROW ("58",    FALSE, FALSE, NONE,            OPERATIONAL),
  ROW ("72",    TRUE,  FALSE, RETRY,           SERIALIZATION),
  ROW ("F0",    FALSE, FALSE, NONE,            OPERATIONAL),
  ROW ("HV",    FALSE, FALSE, NONE,            OPERATIONAL),
  ROW ("P0",    FALSE, FALSE, PROGRAM,         OPERATIONAL),             /* RAISE in a function */
  ROW ("XX",    FALSE, FALSE, NONE,            INTERNAL),
  ROW ("",      FALSE, FALSE, NONE,            FAILED),
};

#undef ROW

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
    return function == NULL || strcmp (function, "RevalidateCachedQuery") == 0;
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
      g_string_append (text, "\"...\"");
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
    .category = fatal && class->category == CUPEL_ERROR_CATEGORY_NONE ? CUPEL_ERROR_CATEGORY_LOST : class->category,
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
  /* Another session answers than the one in which it was prepared, or somebody else's name is in the way. */
  else if (strcmp (state, "26000") == 0 || strcmp (state, "42P05") == 0)
    advice = g_strdup ("If a pooler of transactions stands before the server, as PgBouncer may, say so with the URL option pooler=transaction");
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
