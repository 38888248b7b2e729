/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdlib.h>
#include <string.h>

#include "fake-database.h"

FakeKnobs fake_knobs;
FakeFigures fake_figures;

static GPtrArray *heard;
static GHashTable *tables;
static CupelDriverConnection *last;

static void G_GNUC_PRINTF (1, 2)
hear (const char *format,
      ...)
{
  va_list args;

  va_start (args, format);
  g_ptr_array_add (heard, g_strdup_vprintf (format, args));
  va_end (args);
}

/* connection */

#define FAKE_TYPE_CONNECTION (fake_connection_get_type ())
G_DECLARE_FINAL_TYPE (FakeConnection, fake_connection, FAKE, CONNECTION, CupelDriverConnection)

struct _FakeConnection
{
  CupelDriverConnection  parent_instance;
  CupelTransactionStatus status;
  CupelIsolationLevel    isolation;
  gboolean               ended;
  gboolean               lost;
  gboolean               dirty;
};

G_DEFINE_FINAL_TYPE (FakeConnection, fake_connection, CUPEL_TYPE_DRIVER_CONNECTION)

/* cursor */

#define FAKE_TYPE_CURSOR (fake_cursor_get_type ())
G_DECLARE_FINAL_TYPE (FakeCursor, fake_cursor, FAKE, CURSOR, CupelDriverCursor)

struct _FakeCursor
{
  CupelDriverCursor parent_instance;
  guint             next;
  guint             n_rows;
  guint             block_rows;
  gboolean          closed;
};

G_DEFINE_FINAL_TYPE (FakeCursor, fake_cursor, CUPEL_TYPE_DRIVER_CURSOR)

static CupelRowBlock *
make_block (guint first,
            guint n_rows)
{
  CupelRowBlock *block = cupel_row_block_new (2, n_rows);

  for (guint i = 0; i < n_rows; i++)
    {
      CupelCell *cells = cupel_row_block_add_row (block);
      g_autofree char *name = g_strdup_printf ("name %u", first + i);

      cells[0].kind = CUPEL_CELL_INT64;
      cells[0].v.i64 = first + i;
      cupel_row_block_set_text (block, &cells[1], CUPEL_CELL_TEXT, name, -1);
    }

  return block;
}

static CupelRowBlock *
fake_cursor_fetch (CupelDriverCursor  *cursor,
                   GCancellable       *cancellable,
                   GError            **error)
{
  FakeCursor *self = FAKE_CURSOR (cursor);
  guint n = MIN (self->block_rows, self->n_rows - self->next);
  CupelRowBlock *block;

  if (fake_knobs.delay > 0 && !cupel_fiber_sleep (fake_knobs.delay, cancellable, error))
    return NULL;
  cupel_fiber_yield ();
  hear ("fetch");
  if (fake_knobs.disconnect)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED, "The fake link is gone");
      return NULL;
    }
  if (n == 0)
    return NULL;
  block = make_block (self->next + 1, n);
  self->next += n;
  return block;
}

static gboolean
fake_cursor_close (CupelDriverCursor  *cursor,
                   gint64              deadline,
                   GError            **error)
{
  FakeCursor *self = FAKE_CURSOR (cursor);

  if (!self->closed)
    hear ("close cursor");
  if (fake_knobs.delay > 0)
    cupel_fiber_sleep (fake_knobs.delay, NULL, NULL);
  self->closed = TRUE;
  if (fake_knobs.fail_cursor_close)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "The fake cursor stays open");
      return FALSE;
    }
  return TRUE;
}

static void
fake_cursor_class_init (FakeCursorClass *klass)
{
  CUPEL_DRIVER_CURSOR_CLASS (klass)->fetch = fake_cursor_fetch;
  CUPEL_DRIVER_CURSOR_CLASS (klass)->close = fake_cursor_close;
}

static void
fake_cursor_init (FakeCursor *self)
{
}

static gboolean
fail (FakeConnection  *self,
      GError         **error)
{
  if (fake_knobs.disconnect)
    {
      self->status = CUPEL_TRANSACTION_UNKNOWN;
      self->lost = TRUE;
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED, "The fake link is gone");
      return FALSE;
    }
  self->status = fake_knobs.status_after_error;
  cupel_set_error_with_details (error, fake_knobs.error, &(CupelErrorDetails) { .category = fake_knobs.category },
                                "The fake database was told to fail");
  return FALSE;
}

static void
name_columns (CupelReply *reply)
{
  static const char *const names[] = { "id", "name", NULL };

  reply->column_names = g_strdupv ((char **) names);
  reply->n_columns = 2;
}

static gboolean
fake_connection_execute (CupelDriverConnection  *connection,
                         const CupelRequest     *request,
                         CupelReply             *reply,
                         GCancellable           *cancellable,
                         GError                **error)
{
  FakeConnection *self = FAKE_CONNECTION (connection);
  const char *sql = request->compiled->sql;

  g_assert_false (self->ended);
  g_assert_true (cupel_in_fiber ());

  if ((request->flags & CUPEL_REQUEST_BEGIN) != 0)
    {
      g_assert_cmpint (self->status, ==, CUPEL_TRANSACTION_IDLE);
      hear ("BEGIN");
      if (fake_knobs.fail_begin)
        {
          g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "The fake BEGIN was told to fail");
          return FALSE;
        }
      self->status = CUPEL_TRANSACTION_ACTIVE;
      reply->began = TRUE;
    }
  hear ("%s", sql);
  fake_figures.n_executed++;
  for (guint set = 0; set < MAX (request->n_sets, 1); set++)
    for (guint slot = 0; slot < request->compiled->n_slots; slot++)
      g_assert_nonnull (cupel_request_get_cell (request, set, slot));

  if (fake_knobs.delay > 0 || g_str_equal (sql, "slow"))
    {
      gboolean held, slept;

      do
        {
          held = fake_knobs.hold;
          slept = cupel_fiber_sleep (held ? 1000 : fake_knobs.delay > 0 ? fake_knobs.delay : 600 * G_USEC_PER_SEC, cancellable, error);
        }
      while (slept && held);
      if (!slept)
        {
          if (!fake_knobs.clean_cancel)
            self->status = CUPEL_TRANSACTION_UNKNOWN;
          return FALSE;
        }
    }
  else
    {
      cupel_fiber_yield ();
    }

  if (strstr (sql, "SAVEPOINT ") != NULL && fake_knobs.fail_savepoint)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "The fake savepoint was told to fail");
      return FALSE;
    }
  if (g_str_has_prefix (sql, "ROLLBACK TO SAVEPOINT "))
    self->status = CUPEL_TRANSACTION_ACTIVE;

  reply->row_count = -1;
  if (g_str_has_prefix (sql, "fail"))
    return fail (self, error);
  if (g_str_equal (sql, "implicit"))
    self->status = CUPEL_TRANSACTION_IDLE;

  if (g_str_has_prefix (sql, "rows "))
    {
      guint n_rows = (guint) atoi (sql + 5);

      name_columns (reply);
      if ((request->flags & CUPEL_REQUEST_STREAM) != 0)
        {
          FakeCursor *cursor = g_object_new (FAKE_TYPE_CURSOR, NULL);

          cursor->n_rows = n_rows;
          cursor->block_rows = request->block_rows > 0 ? request->block_rows : 1000;
          reply->cursor = CUPEL_DRIVER_CURSOR (cursor);
          return TRUE;
        }
      reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
      for (guint done = 0; done < n_rows; done += 3)
        g_ptr_array_add (reply->blocks, make_block (done + 1, MIN (3, n_rows - done)));
      return TRUE;
    }
  if (g_str_equal (sql, "existing"))
    {
      CupelRowBlock *block = cupel_row_block_new (1, 0);
      GHashTableIter iter;
      gpointer name;

      g_hash_table_iter_init (&iter, tables);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        cupel_row_block_set_text (block, cupel_row_block_add_row (block), CUPEL_CELL_TEXT, name, -1);
      reply->blocks = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
      g_ptr_array_add (reply->blocks, block);
      return TRUE;
    }
  if (g_str_has_prefix (sql, "CREATE TABLE"))
    g_hash_table_add (tables, g_strdup (request->compiled->table_name));
  if (g_str_has_prefix (sql, "DROP TABLE"))
    g_hash_table_remove (tables, request->compiled->table_name);

  reply->row_count = MAX (request->n_sets, 1);
  return TRUE;
}

static gboolean
fake_connection_begin (CupelDriverConnection  *connection,
                       GCancellable           *cancellable,
                       GError                **error)
{
  hear ("BEGIN");
  if (fake_knobs.fail_begin)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "The fake BEGIN was told to fail");
      return FALSE;
    }
  FAKE_CONNECTION (connection)->status = CUPEL_TRANSACTION_ACTIVE;
  return TRUE;
}

static gboolean
fake_connection_commit (CupelDriverConnection  *connection,
                        GCancellable           *cancellable,
                        GError                **error)
{
  FakeConnection *self = FAKE_CONNECTION (connection);

  hear ("COMMIT");
  if (fake_knobs.delay > 0 && !cupel_fiber_sleep (fake_knobs.delay, cancellable, error))
    {
      self->status = CUPEL_TRANSACTION_UNKNOWN;
      return FALSE;
    }
  if (fake_knobs.fail_commit)
    return fail (self, error);
  self->status = CUPEL_TRANSACTION_IDLE;
  return TRUE;
}

static gboolean
fake_connection_rollback (CupelDriverConnection  *connection,
                          gint64                  deadline,
                          GError                **error)
{
  FakeConnection *self = FAKE_CONNECTION (connection);

  hear ("ROLLBACK");
  if (fake_knobs.delay > 0)
    cupel_fiber_sleep (fake_knobs.delay, NULL, NULL);
  if (fake_knobs.fail_rollback)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "The fake ROLLBACK was told to fail");
      return FALSE;
    }
  self->status = CUPEL_TRANSACTION_IDLE;
  return TRUE;
}

static gboolean
fake_connection_set_isolation (CupelDriverConnection  *connection,
                               CupelIsolationLevel     level,
                               GCancellable           *cancellable,
                               GError                **error)
{
  FakeConnection *self = FAKE_CONNECTION (connection);

  if (level == CUPEL_ISOLATION_READ_UNCOMMITTED)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED, "The fake database has no READ UNCOMMITTED");
      return FALSE;
    }
  hear ("isolation %d", level);
  self->isolation = level;
  return TRUE;
}

static gboolean
fake_connection_set_transaction (CupelDriverConnection          *connection,
                                 const CupelTransactionOptions  *options,
                                 GError                        **error)
{
  if (options != NULL && options->isolation == CUPEL_ISOLATION_READ_UNCOMMITTED)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_UNSUPPORTED, "The fake database has no READ UNCOMMITTED");
      return FALSE;
    }
  if (options != NULL)
    hear ("next %d%s%s", options->isolation, options->read_only ? " read-only" : "", options->deferrable ? " deferrable" : "");
  else
    hear ("next as usual");
  return TRUE;
}

static gboolean
fake_connection_needs_reset (CupelDriverConnection *connection)
{
  return FAKE_CONNECTION (connection)->dirty;
}

static void
fake_connection_mark_dirty (CupelDriverConnection *connection)
{
  FAKE_CONNECTION (connection)->dirty = TRUE;
}

static gboolean
fake_connection_reset (CupelDriverConnection  *connection,
                       gint64                  deadline,
                       GError                **error)
{
  FakeConnection *self = FAKE_CONNECTION (connection);

  hear ("reset");
  g_assert_true (cupel_in_fiber ());
  if (fake_knobs.reset_delay > 0)
    cupel_fiber_sleep (fake_knobs.reset_delay, NULL, NULL);
  if (fake_knobs.fail_reset)
    {
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_OPERATIONAL, "The fake reset was told to fail");
      return FALSE;
    }
  self->status = CUPEL_TRANSACTION_IDLE;
  self->dirty = FALSE;
  return TRUE;
}

static gboolean
fake_connection_ping (CupelDriverConnection  *connection,
                      gint64                  deadline,
                      GError                **error)
{
  hear ("ping");
  cupel_fiber_yield ();
  if (!fake_knobs.fail_ping)
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_DISCONNECTED, "No answer");
  return FALSE;
}

static CupelTransactionStatus
fake_connection_get_status (CupelDriverConnection *connection)
{
  return FAKE_CONNECTION (connection)->status;
}

static gboolean
fake_connection_is_alive (CupelDriverConnection *connection)
{
  return !FAKE_CONNECTION (connection)->lost && !fake_knobs.dead;
}

static void
end_it (FakeConnection *self)
{
  if (self->ended)
    return;
  self->ended = TRUE;
  fake_figures.n_connected--;
  fake_figures.n_ended++;
}

static void
fake_connection_close (CupelDriverConnection *connection,
                       gint64                 deadline)
{
  FakeConnection *self = FAKE_CONNECTION (connection);

  if (!self->ended)
    hear ("close");
  cupel_fiber_yield ();
  end_it (self);
}

static void
fake_connection_terminate (CupelDriverConnection *connection)
{
  end_it (FAKE_CONNECTION (connection));
}

static void
fake_connection_finalize (GObject *object)
{
  /* Whoever drops one has to end it before. */
  g_assert_true (FAKE_CONNECTION (object)->ended);
  if (last == (CupelDriverConnection *) object)
    last = NULL;

  G_OBJECT_CLASS (fake_connection_parent_class)->finalize (object);
}

static void
fake_connection_class_init (FakeConnectionClass *klass)
{
  CupelDriverConnectionClass *connection_class = CUPEL_DRIVER_CONNECTION_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = fake_connection_finalize;
  connection_class->execute = fake_connection_execute;
  connection_class->begin = fake_connection_begin;
  connection_class->commit = fake_connection_commit;
  connection_class->rollback = fake_connection_rollback;
  connection_class->set_isolation = fake_connection_set_isolation;
  connection_class->set_transaction = fake_connection_set_transaction;
  connection_class->needs_reset = fake_connection_needs_reset;
  connection_class->mark_dirty = fake_connection_mark_dirty;
  connection_class->reset = fake_connection_reset;
  connection_class->ping = fake_connection_ping;
  connection_class->get_status = fake_connection_get_status;
  connection_class->is_alive = fake_connection_is_alive;
  connection_class->close = fake_connection_close;
  connection_class->terminate = fake_connection_terminate;
}

static void
fake_connection_init (FakeConnection *self)
{
}

/* driver */

#define FAKE_TYPE_DRIVER (fake_driver_get_type ())
G_DECLARE_FINAL_TYPE (FakeDriver, fake_driver, FAKE, DRIVER, CupelDriver)

struct _FakeDriver
{
  CupelDriver parent_instance;
};

G_DEFINE_FINAL_TYPE (FakeDriver, fake_driver, CUPEL_TYPE_DRIVER)

static gboolean
fake_driver_configure (CupelDriver  *driver,
                       CupelUrl     *url,
                       GError      **error)
{
  if (cupel_url_get_option (url, "bad") == NULL)
    return TRUE;
  g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_INVALID_URL, "The fake driver has no option \"bad\"");
  return FALSE;
}

static CupelDriverConnection *
fake_driver_connect (CupelDriver   *driver,
                     CupelUrl      *url,
                     const CupelEndpoint *endpoint,
                     gint64         deadline,
                     GCancellable  *cancellable,
                     GError       **error)
{
  CupelDriverConnection *connection;

  if (fake_knobs.connect_delay > 0)
    {
      if (!cupel_fiber_sleep (fake_knobs.connect_delay, cancellable, error))
        return NULL;
    }
  else
    {
      cupel_fiber_yield ();
    }
  if (fake_knobs.fail_connects > 0)
    {
      fake_knobs.fail_connects--;
      cupel_set_error_with_details (error, CUPEL_ERROR_CONNECTION, &(CupelErrorDetails) { .category = fake_knobs.connect_category },
                                    "The fake server does not listen");
      return NULL;
    }

  connection = g_object_new (FAKE_TYPE_CONNECTION, NULL);
  fake_figures.n_connected++;
  fake_figures.n_connects++;
  last = connection;
  return connection;
}

static void
fake_driver_class_init (FakeDriverClass *klass)
{
  CupelDriverClass *driver_class = CUPEL_DRIVER_CLASS (klass);

  driver_class->name = "fakery";
  driver_class->configure = fake_driver_configure;
  driver_class->connect = fake_driver_connect;
}

static void
fake_driver_init (FakeDriver *self)
{
}

/* compiler and dialect */

#define FAKE_TYPE_COMPILER (fake_compiler_get_type ())
G_DECLARE_FINAL_TYPE (FakeCompiler, fake_compiler, FAKE, COMPILER, CupelCompiler)

struct _FakeCompiler
{
  CupelCompiler parent_instance;
};

G_DEFINE_FINAL_TYPE (FakeCompiler, fake_compiler, CUPEL_TYPE_COMPILER)

static void
fake_compiler_class_init (FakeCompilerClass *klass)
{
}

static void
fake_compiler_init (FakeCompiler *self)
{
}

#define FAKE_TYPE_DIALECT (fake_dialect_get_type ())
G_DECLARE_FINAL_TYPE (FakeDialect, fake_dialect, FAKE, DIALECT, CupelDialect)

struct _FakeDialect
{
  CupelDialect parent_instance;
};

G_DEFINE_FINAL_TYPE (FakeDialect, fake_dialect, CUPEL_TYPE_DIALECT)

static CupelCompiler *
fake_dialect_create_compiler (CupelDialect *dialect)
{
  return g_object_new (FAKE_TYPE_COMPILER, NULL);
}

static CupelDriver *
fake_dialect_create_driver (CupelDialect *dialect)
{
  return g_object_new (FAKE_TYPE_DRIVER, NULL);
}

static gboolean
fake_dialect_initialize (CupelDialect           *dialect,
                         CupelDriverConnection  *connection,
                         CupelCapabilities      *capabilities,
                         GCancellable           *cancellable,
                         GError                **error)
{
  fake_figures.n_initialized++;
  if (!cupel_fiber_sleep (fake_knobs.connect_delay, cancellable, error))
    return FALSE;
  if (fake_knobs.fail_initialize > 0)
    {
      fake_knobs.fail_initialize--;
      g_set_error_literal (error, CUPEL_ERROR, CUPEL_ERROR_CONNECTION, "The fake server does not say what it can do");
      return FALSE;
    }
  *capabilities = (fake_knobs.no_savepoints ? CUPEL_CAP_NONE : CUPEL_CAP_SAVEPOINTS) | CUPEL_CAP_STREAMING;
  return TRUE;
}

static CupelStatement *
fake_dialect_existing_tables (CupelDialect       *dialect,
                              const char *const  *names)
{
  return CUPEL_STATEMENT (cupel_text_new ("existing"));
}

static void
fake_dialect_class_init (FakeDialectClass *klass)
{
  CupelDialectClass *dialect_class = CUPEL_DIALECT_CLASS (klass);

  dialect_class->name = "fake";
  dialect_class->create_compiler = fake_dialect_create_compiler;
  dialect_class->create_driver = fake_dialect_create_driver;
  dialect_class->initialize = fake_dialect_initialize;
  dialect_class->existing_tables = fake_dialect_existing_tables;
}

static void
fake_dialect_init (FakeDialect *self)
{
}

void
fake_database_register (void)
{
  GError *error = NULL;

  cupel_plugin_register_type (CUPEL_PLUGIN_DIALECT, "fake", FAKE_TYPE_DIALECT, &error);
  g_assert_no_error (error);
  heard = g_ptr_array_new_with_free_func (g_free);
  tables = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  fake_database_reset ();
}

void
fake_database_reset (void)
{
  g_ptr_array_set_size (heard, 0);
  g_hash_table_remove_all (tables);
  fake_knobs = (FakeKnobs) { .error = CUPEL_ERROR_PROGRAMMING, .status_after_error = CUPEL_TRANSACTION_FAILED };
  fake_figures = (FakeFigures) { 0 };
}

char *
fake_database_take_log (void)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < heard->len; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", (char *) heard->pdata[i]);
  g_ptr_array_set_size (heard, 0);

  return g_string_free (text, FALSE);
}

void
fake_database_forget_log (void)
{
  g_ptr_array_set_size (heard, 0);
}

CupelDriverConnection *
fake_database_last (void)
{
  return last;
}
