/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The transport to a server that is in this very file. What a real one would get over a socket comes at once here, so nothing
 * suspends. */

#include "sample.h"

#include <string.h>

struct _SampleConnection
{
  CupelDriverConnection parent_instance;

  CupelTransactionStatus status;
};

struct _SampleDriver
{
  CupelDriver parent_instance;
};

G_DEFINE_FINAL_TYPE (SampleConnection, sample_connection, CUPEL_TYPE_DRIVER_CONNECTION)
G_DEFINE_FINAL_TYPE (SampleDriver, sample_driver, CUPEL_TYPE_DRIVER)

static gboolean
syntax_error (const char  *sql,
              const char  *at,
              GError     **error)
{
  const CupelErrorDetails details = { .sqlstate = "42601", .native_code = (int) (at - sql) + 1 };

  cupel_set_error_with_details (error, CUPEL_ERROR_PROGRAMMING, &details, "Syntax error at character %d", (int) (at - sql) + 1);
  return FALSE;
}

static void
skip_space (const char **p)
{
  while (g_ascii_isspace (**p))
    (*p)++;
}

/* number | #placeholder { + number | #placeholder } */
static gboolean
evaluate_sum (const CupelRequest  *request,
              const char         **p,
              gint64              *sum,
              GError             **error)
{
  const char *sql = request->compiled->sql;

  *sum = 0;
  for (;;)
    {
      char *end;

      skip_space (p);
      if (**p == '#')
        {
          guint64 number = g_ascii_strtoull (*p + 1, &end, 10);
          const CupelCell *cell;

          if (end == *p + 1 || number < 1 || number > request->compiled->n_slots)
            return syntax_error (sql, *p, error);
          cell = cupel_request_get_cell (request, 0, (guint) number - 1);
          if (cell->kind != CUPEL_CELL_INT64)
            {
              g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_DATA, "Parameter %" G_GUINT64_FORMAT " is not an integer", number);
              return FALSE;
            }
          *sum += cell->v.i64;
        }
      else
        {
          gint64 number = g_ascii_strtoll (*p, &end, 10);

          if (end == *p)
            return syntax_error (sql, *p, error);
          *sum += number;
        }
      *p = end;

      skip_space (p);
      if (**p != '+')
        return TRUE;
      (*p)++;
    }
}

static gboolean
sample_connection_execute (CupelDriverConnection  *connection,
                           const CupelRequest     *request,
                           CupelReply             *reply,
                           GCancellable           *cancellable,
                           GError                **error)
{
  SampleConnection *self = SAMPLE_CONNECTION (connection);
  g_autoptr(CupelRowBlock) block = NULL;
  g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr(GArray) values = g_array_new (FALSE, FALSE, sizeof (gint64));
  const char *p = request->compiled->sql;
  CupelCell *cells;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if ((request->flags & CUPEL_REQUEST_STREAM) != 0)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED, "The sample driver does not stream");
      return FALSE;
    }

  if (g_str_has_prefix (p, "TABLES"))
    {
      block = cupel_row_block_new (1, 0);
      g_ptr_array_add (names, g_strdup ("name"));
    }
  else if (g_str_has_prefix (p, "SELECT "))
    {
      p += strlen ("SELECT ");
      do
        {
          gint64 sum;

          if (!evaluate_sum (request, &p, &sum, error))
            return FALSE;
          g_array_append_val (values, sum);
          g_ptr_array_add (names, g_strdup_printf ("sum%u", values->len));
        }
      while (*p++ == ',');
      if (p[-1] != '\0')
        return syntax_error (request->compiled->sql, p - 1, error);

      block = cupel_row_block_new (values->len, 1);
      cells = cupel_row_block_add_row (block);
      for (guint i = 0; i < values->len; i++)
        {
          cells[i].kind = CUPEL_CELL_INT64;
          cells[i].v.i64 = g_array_index (values, gint64, i);
        }
    }
  else
    return syntax_error (p, p, error);

  if ((request->flags & CUPEL_REQUEST_BEGIN) != 0)
    {
      self->status = CUPEL_TRANSACTION_ACTIVE;
      reply->began = TRUE;
    }
  reply->n_columns = names->len;
  reply->row_count = -1;
  g_ptr_array_add (names, NULL);
  reply->column_names = (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
  reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  g_ptr_array_add (reply->blocks, g_steal_pointer (&block));
  return TRUE;
}

static gboolean
sample_connection_begin (CupelDriverConnection  *connection,
                         GCancellable           *cancellable,
                         GError                **error)
{
  SAMPLE_CONNECTION (connection)->status = CUPEL_TRANSACTION_ACTIVE;
  return TRUE;
}

static gboolean
sample_connection_commit (CupelDriverConnection  *connection,
                          GCancellable           *cancellable,
                          GError                **error)
{
  SAMPLE_CONNECTION (connection)->status = CUPEL_TRANSACTION_IDLE;
  return TRUE;
}

static gboolean
sample_connection_rollback (CupelDriverConnection  *connection,
                            gint64                  deadline,
                            GError                **error)
{
  SAMPLE_CONNECTION (connection)->status = CUPEL_TRANSACTION_IDLE;
  return TRUE;
}

static CupelTransactionStatus
sample_connection_get_status (CupelDriverConnection *connection)
{
  return SAMPLE_CONNECTION (connection)->status;
}

static void
sample_connection_terminate (CupelDriverConnection *connection)
{
  SAMPLE_CONNECTION (connection)->status = CUPEL_TRANSACTION_UNKNOWN;
}

static void
sample_connection_class_init (SampleConnectionClass *klass)
{
  CupelDriverConnectionClass *connection_class = CUPEL_DRIVER_CONNECTION_CLASS (klass);

  /* What else there is has defaults in the base class. */
  connection_class->execute = sample_connection_execute;
  connection_class->begin = sample_connection_begin;
  connection_class->commit = sample_connection_commit;
  connection_class->rollback = sample_connection_rollback;
  connection_class->get_status = sample_connection_get_status;
  connection_class->terminate = sample_connection_terminate;
}

static void
sample_connection_init (SampleConnection *self)
{
  self->status = CUPEL_TRANSACTION_IDLE;
}

static gboolean
sample_driver_configure (CupelDriver  *driver,
                         CupelUrl     *url,
                         GError      **error)
{
  if (cupel_url_get_option_names (url)[0] != NULL)
    {
      g_set_error (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The sample driver has no option \"%s\"",
                   cupel_url_get_option_names (url)[0]);
      return FALSE;
    }
  return TRUE;
}

static CupelDriverConnection *
sample_driver_connect (CupelDriver   *driver,
                       CupelUrl      *url,
                       const CupelEndpoint *endpoint,
                       gint64         deadline,
                       GCancellable  *cancellable,
                       GError       **error)
{
  return g_object_new (SAMPLE_TYPE_CONNECTION, NULL);
}

static void
sample_driver_class_init (SampleDriverClass *klass)
{
  CupelDriverClass *driver_class = CUPEL_DRIVER_CLASS (klass);

  driver_class->name = "sample";
  driver_class->configure = sample_driver_configure;
  driver_class->connect = sample_driver_connect;
}

static void
sample_driver_init (SampleDriver *self)
{
}
