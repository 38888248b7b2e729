/* SPDX-License-Identifier: LGPL-2.1-or-later */

#pragma once

/* What a program does with an engine, each a line of a test, which fails if it does. Those with @error assert nothing. */

#include <cupel-dialect.h>

/* The call gave nothing, and this error, which is forgotten then. */
#define assert_refused(call, error, code)        \
  G_STMT_START                                   \
    {                                            \
      g_assert_true (!(call));                   \
      g_assert_error (error, CUPEL_ERROR, code); \
      g_clear_error (&error);                    \
    }                                            \
  G_STMT_END

static inline CupelConnection *
borrow (CupelEngine *engine)
{
  g_autoptr(GError) error = NULL;
  CupelConnection *connection = cupel_engine_connect (engine, NULL, &error);

  g_assert_no_error (error);
  return connection;
}

/* @connection: (transfer full) */
static inline void
give_back (CupelConnection *connection)
{
  g_autoptr(GError) error = NULL;

  g_assert_true (cupel_connection_close (connection, NULL, &error));
  g_assert_no_error (error);
  g_object_unref (connection);
}

static inline CupelResult *
try_execute (CupelConnection  *connection,
             const char       *sql,
             GCancellable     *cancellable,
             GError          **error)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);

  return cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, cancellable, error);
}

static inline gboolean
can_execute (CupelConnection  *connection,
             const char       *sql,
             GCancellable     *cancellable,
             GError          **error)
{
  g_autoptr(CupelResult) result = try_execute (connection, sql, cancellable, error);

  return result != NULL;
}

static inline void
execute (CupelConnection *connection,
         const char      *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelResult) result = try_execute (connection, sql, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
}

/* The first value of the first row. */
static inline gint64
number (CupelConnection *connection,
        const char      *sql)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(CupelResult) result = try_execute (connection, sql, NULL, &error);

  g_assert_no_error (error);
  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

static inline CupelTransaction *
nest (CupelConnection *connection)
{
  g_autoptr(GError) error = NULL;
  CupelTransaction *transaction = cupel_connection_begin_nested (connection, NULL, &error);

  g_assert_no_error (error);
  return transaction;
}

static inline gboolean
is_dialect (CupelEngine *engine,
            const char  *name)
{
  return g_str_equal (cupel_url_get_dialect (cupel_engine_get_url (engine)), name);
}
