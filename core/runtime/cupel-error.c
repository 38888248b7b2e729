/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "runtime/cupel-error-details.h"
#include "runtime/cupel-error-private.h"

typedef struct
{
  char *sqlstate;
  char *detail;
  char *constraint;
  char *table;
  char *column;
  int native_code;
  gboolean retryable;
  gboolean disconnect;
  CupelErrorCategory category;
} CupelErrorPrivate;

static void
cupel_error_private_init (CupelErrorPrivate *priv)
{
}

static void
cupel_error_private_copy (const CupelErrorPrivate *from,
                          CupelErrorPrivate       *to)
{
  to->sqlstate = g_strdup (from->sqlstate);
  to->detail = g_strdup (from->detail);
  to->constraint = g_strdup (from->constraint);
  to->table = g_strdup (from->table);
  to->column = g_strdup (from->column);
  to->native_code = from->native_code;
  to->retryable = from->retryable;
  to->disconnect = from->disconnect;
  to->category = from->category;
}

static void
cupel_error_private_clear (CupelErrorPrivate *priv)
{
  g_free (priv->sqlstate);
  g_free (priv->detail);
  g_free (priv->constraint);
  g_free (priv->table);
  g_free (priv->column);
}

/**
 * cupel_error_quark:
 *
 * Gets the domain of the library's errors, #CupelError.
 *
 * Returns: the quark
 *
 * Since: 1.0
 */
G_DEFINE_EXTENDED_ERROR (CupelError, cupel_error)

G_GNUC_PRINTF (3, 0)
static GError *
cupel_error_new_valist (CupelError               code,
                        const CupelErrorDetails *details,
                        const char              *format,
                        va_list                  args)
{
  GError *error = g_error_new_valist (CUPEL_ERROR, code, format, args);
  CupelErrorPrivate *priv = cupel_error_get_private (error);

  if (details != NULL)
    {
      priv->sqlstate = g_strdup (details->sqlstate);
      priv->native_code = details->native_code;
      priv->detail = g_strdup (details->detail);
      priv->constraint = g_strdup (details->constraint);
      priv->table = g_strdup (details->table);
      priv->column = g_strdup (details->column);
      priv->retryable = details->retryable;
      priv->disconnect = details->disconnect;
      priv->category = details->category;
    }

  return error;
}

/**
 * cupel_error_new_with_details: (skip)
 * @code: the class of the error
 * @details: (nullable): what the server told beside the message
 * @format: printf format of the message
 * @...: its arguments
 *
 * Makes an error that carries what a server reported.
 *
 * Returns: (transfer full): a new error of the domain %CUPEL_ERROR
 *
 * Since: 1.0
 */
GError *
cupel_error_new_with_details (CupelError               code,
                              const CupelErrorDetails *details,
                              const char              *format,
                              ...)
{
  GError *error;
  va_list args;

  va_start (args, format);
  error = cupel_error_new_valist (code, details, format, args);
  va_end (args);

  return error;
}

/**
 * cupel_set_error_with_details: (skip)
 * @error: (out) (optional): where to put it
 * @code: the class of the error
 * @details: (nullable): what the server told beside the message
 * @format: printf format of the message
 * @...: its arguments
 *
 * Does nothing if @error is %NULL, else sets it as cupel_error_new_with_details() makes it.
 *
 * Since: 1.0
 */
void
cupel_set_error_with_details (GError                 **error,
                              CupelError               code,
                              const CupelErrorDetails *details,
                              const char              *format,
                              ...)
{
  va_list args;

  if (error == NULL)
    return;

  va_start (args, format);
  g_propagate_error (error, cupel_error_new_valist (code, details, format, args));
  va_end (args);
}

void
cupel_error_append (GError     *error,
                    const char *format,
                    ...)
{
  g_autofree char *before = error->message;
  g_autofree char *more = NULL;
  va_list args;

  va_start (args, format);
  more = g_strdup_vprintf (format, args);
  va_end (args);
  error->message = g_strconcat (before, more, NULL);
}

static const CupelErrorPrivate *
peek_private (const GError *error)
{
  return error != NULL && error->domain == CUPEL_ERROR ? cupel_error_get_private (error) : NULL;
}

/**
 * cupel_error_get_sqlstate:
 * @error: (nullable): an error of any domain
 *
 * Gets the SQLSTATE that the server sent.
 *
 * Returns: (nullable): five characters, or %NULL when the server has none
 *
 * Since: 1.0
 */
const char *
cupel_error_get_sqlstate (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv ? priv->sqlstate : NULL;
}

/**
 * cupel_error_get_native_code:
 * @error: (nullable): an error of any domain
 *
 * Gets the error number of the client library or server.
 *
 * Returns: the number, or 0
 *
 * Since: 1.0
 */
int
cupel_error_get_native_code (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv ? priv->native_code : 0;
}

/**
 * cupel_error_get_detail:
 * @error: (nullable): an error of any domain
 *
 * Gets the server's further explanation. It may hold row data, which is why it is no part of the message.
 *
 * Returns: (nullable): the text
 *
 * Since: 1.0
 */
const char *
cupel_error_get_detail (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv ? priv->detail : NULL;
}

/**
 * cupel_error_get_constraint:
 * @error: (nullable): an error of any domain
 *
 * Gets the constraint that was violated.
 *
 * Returns: (nullable): its name, where the server tells it
 *
 * Since: 1.0
 */
const char *
cupel_error_get_constraint (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv ? priv->constraint : NULL;
}

/**
 * cupel_error_get_table:
 * @error: (nullable): an error of any domain
 *
 * Gets the table that the error is about.
 *
 * Returns: (nullable): its name, where the server tells it
 *
 * Since: 1.0
 */
const char *
cupel_error_get_table (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv ? priv->table : NULL;
}

/**
 * cupel_error_get_column:
 * @error: (nullable): an error of any domain
 *
 * Gets the column that the error is about.
 *
 * Returns: (nullable): its name, where the server tells it
 *
 * Since: 1.0
 */
const char *
cupel_error_get_column (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv ? priv->column : NULL;
}

/**
 * cupel_error_get_category:
 * @error: (nullable): an error
 *
 * Tells what can be done about an error: whether the unit may be run again, whether the connection or the server is of no more use.
 * It comes from the code that the server gave, never from the text of a message.
 *
 * Returns: the category, %CUPEL_ERROR_CATEGORY_NONE for errors of other domains
 *
 * Since: 1.0
 */
CupelErrorCategory
cupel_error_get_category (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  if (priv == NULL)
    return CUPEL_ERROR_CATEGORY_NONE;
  if (priv->category != CUPEL_ERROR_CATEGORY_NONE)
    return priv->category;

  switch ((CupelError) error->code)
    {
    case CUPEL_ERROR_OUTCOME_UNKNOWN:
      return CUPEL_ERROR_CATEGORY_UNKNOWN;
    case CUPEL_ERROR_DISCONNECTED:
      return CUPEL_ERROR_CATEGORY_LOST;
    case CUPEL_ERROR_SERIALIZATION:
    case CUPEL_ERROR_DEADLOCK:
      return CUPEL_ERROR_CATEGORY_RETRY;
    case CUPEL_ERROR_INTEGRITY:
    case CUPEL_ERROR_UNIQUE:
    case CUPEL_ERROR_FOREIGN_KEY:
    case CUPEL_ERROR_CHECK:
    case CUPEL_ERROR_NOT_NULL:
    case CUPEL_ERROR_PROGRAMMING:
    case CUPEL_ERROR_DATA:
      return CUPEL_ERROR_CATEGORY_PROGRAM;
    default:
      return priv->disconnect  ? CUPEL_ERROR_CATEGORY_LOST
             : priv->retryable ? CUPEL_ERROR_CATEGORY_RETRY
                               : CUPEL_ERROR_CATEGORY_NONE;
    }
}

/**
 * cupel_error_is_retryable:
 * @error: (nullable): an error of any domain
 *
 * Tells whether running the whole unit of work again, from its beginning, may help.
 *
 * Returns: %TRUE for a lost race, a deadlock and the like
 *
 * Since: 1.0
 */
gboolean
cupel_error_is_retryable (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv != NULL &&
         (priv->retryable || priv->category == CUPEL_ERROR_CATEGORY_RETRY || error->code == CUPEL_ERROR_SERIALIZATION ||
          error->code == CUPEL_ERROR_DEADLOCK);
}

/**
 * cupel_error_is_disconnect:
 * @error: (nullable): an error of any domain
 *
 * Tells whether the connection is gone.
 *
 * Returns: %TRUE if nothing more can be done on that connection
 *
 * Since: 1.0
 */
gboolean
cupel_error_is_disconnect (const GError *error)
{
  const CupelErrorPrivate *priv = peek_private (error);

  return priv != NULL && (priv->disconnect || error->code == CUPEL_ERROR_DISCONNECTED);
}

/**
 * cupel_error_is_integrity:
 * @error: (nullable): an error of any domain
 *
 * Tells whether a constraint was violated, of whatever kind.
 *
 * Returns: %TRUE for %CUPEL_ERROR_INTEGRITY and its special cases
 *
 * Since: 1.0
 */
gboolean
cupel_error_is_integrity (const GError *error)
{
  return error != NULL && error->domain == CUPEL_ERROR &&
         error->code >= CUPEL_ERROR_INTEGRITY && error->code <= CUPEL_ERROR_NOT_NULL;
}
