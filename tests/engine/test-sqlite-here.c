/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Short reads of SQLite that are done on the thread of the loop, and all that must go to the worker instead. */

#include <cupel.h>
#include <glib/gstdio.h>

#define N_ROWS 20000

typedef struct
{
  CupelEngine   *engine;
  CupelTable    *table;
  CupelMetadata *metadata;
  char          *file;
  guint          n_rounds;   /* of the loop: it goes round only while a fiber is suspended */
  GSource       *counter;
} Fixture;

typedef void (*Body) (Fixture *fixture, CupelConnection *connection);

static gboolean
count_round (gpointer data)
{
  ((Fixture *) data)->n_rounds++;
  return G_SOURCE_CONTINUE;
}

static CupelResult *
query (CupelConnection *connection,
       gpointer         statement,
       gint64           id)
{
  g_autoptr(CupelParameters) parameters = NULL;
  g_autoptr(GError) error = NULL;
  CupelResult *result;

  if (id >= 0)
    {
      parameters = cupel_parameters_new ();
      cupel_parameters_set_int64 (parameters, "id", id);
    }
  result = cupel_connection_execute (connection, statement, parameters, NULL, &error);
  g_assert_no_error (error);
  return result;
}

static CupelSelect *
by_key (Fixture *fixture)
{
  CupelSelect *select = cupel_select_new_from_table (fixture->table);

  cupel_select_where (select, cupel_eq (cupel_table_c (fixture->table, "id"), cupel_bind ("id", NULL)));
  return select;
}

static void
check_row (CupelConnection *connection,
           CupelSelect     *select,
           gint64           id)
{
  g_autoptr(CupelResult) result = query (connection, select, id);
  g_autofree char *expected = g_strdup_printf ("row %" G_GINT64_FORMAT, id);

  g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 1);
  g_assert_true (cupel_result_step (result));
  g_assert_cmpint (cupel_result_get_int64 (result, 0), ==, id);
  g_assert_true (g_str_has_prefix (cupel_result_get_string (result, 1), expected));
}

static void
execute_text (CupelConnection *connection,
              const char      *sql)
{
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = query (connection, text, -1);

  g_assert_nonnull (result);
}

static gint64
scalar (CupelConnection *connection,
        gpointer         statement)
{
  g_autoptr(CupelResult) result = query (connection, statement, -1);

  g_assert_true (cupel_result_step (result));
  return cupel_result_get_int64 (result, 0);
}

static void
commit (CupelConnection *connection)
{
  g_autoptr(GError) error = NULL;

  cupel_connection_commit (connection, NULL, &error);
  g_assert_no_error (error);
}

/* Pages that are in the cache: no round of the loop for a read, nor for the end of a transaction that only read. */
static void
test_short (Fixture         *fixture,
            CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = by_key (fixture);
  guint before;

  for (guint i = 0; i < 3; i++)
    check_row (connection, select, 7);
  before = fixture->n_rounds;
  for (guint i = 0; i < 50; i++)
    check_row (connection, select, 7);
  commit (connection);
  g_assert_false (cupel_connection_in_transaction (connection));
  check_row (connection, select, 7);
  g_assert_true (cupel_connection_in_transaction (connection));
  g_assert_true (cupel_connection_rollback (connection, NULL, NULL));
  g_assert_cmpuint (fixture->n_rounds, ==, before);
}

/* Most of them are not in the cache: the worker reads those, in the same transaction. */
static void
test_not_in_cache (Fixture         *fixture,
                   CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = by_key (fixture);
  guint before;

  execute_text (connection, "INSERT INTO t VALUES (100001, 'row 100001')");
  before = fixture->n_rounds;
  for (guint i = 0; i < 2000; i++)
    check_row (connection, select, 1 + (i * 7919) % N_ROWS);
  check_row (connection, select, 100001);
  if (fixture->file != NULL)
    g_assert_cmpuint (fixture->n_rounds, >, before);
  g_assert_true (cupel_connection_rollback (connection, NULL, NULL));
  {
    g_autoptr(CupelResult) result = query (connection, select, 100001);

    g_assert_cmpuint (cupel_result_get_n_rows (result), ==, 0);
  }
}

/* A statement that takes its time: the worker's, and its transaction stays. */
static void
test_long (Fixture         *fixture,
           CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = cupel_select_new ();
  g_autoptr(CupelTable) other = cupel_table_new_alias (fixture->table, "other");
  g_autoptr(CupelSelect) one = by_key (fixture);
  guint before;

  cupel_select_add_column (select, cupel_count (NULL));
  cupel_select_from (select, fixture->table);
  cupel_select_from (select, other);
  cupel_select_where (select, cupel_le (cupel_table_c (other, "id"), cupel_literal_int64 (40)));

  execute_text (connection, "INSERT INTO t VALUES (100001, 'row 100001')");
  for (guint i = 0; i < 3; i++)
    {
      before = fixture->n_rounds;
      g_assert_cmpint (scalar (connection, select), ==, (N_ROWS + 1) * 40);
      g_assert_cmpuint (fixture->n_rounds, >, before);
      check_row (connection, one, 100001);
    }
  g_assert_true (cupel_connection_in_transaction (connection));
  g_assert_true (cupel_connection_rollback (connection, NULL, NULL));
  g_assert_cmpint (scalar (connection, select), ==, N_ROWS * 40);
}

/* What another connection committed is seen by the next transaction, and by none that is open. */
static void
test_others (Fixture         *fixture,
             CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = by_key (fixture);
  g_autoptr(CupelConnection) other = NULL;
  g_autoptr(GError) error = NULL;

  if (fixture->file == NULL)
    {
      g_test_skip ("capability \"persistent\" missing: a database in memory has one connection");
      return;
    }
  other = cupel_engine_connect (fixture->engine, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *sql = g_strdup_printf ("UPDATE t SET data = 'row 7, %u' WHERE id = 7", i);
      g_autofree char *old = NULL;
      g_autofree char *new = g_strdup_printf ("row 7, %u", i);

      for (guint k = 0; k < 3; k++)
        {
          g_autoptr(CupelResult) result = query (connection, select, 7);

          g_assert_true (cupel_result_step (result));
          g_free (old);
          old = g_strdup (cupel_result_get_string (result, 1));
        }
      /* Held by a writer, and then changed: neither waits nor shows */
      execute_text (other, sql);
      for (guint k = 0; k < 2; k++)
        {
          g_autoptr(CupelResult) result = query (connection, select, 7);

          g_assert_true (cupel_result_step (result));
          g_assert_cmpstr (cupel_result_get_string (result, 1), ==, old);
          if (k == 0)
            commit (other);
        }
      commit (connection);
      {
        g_autoptr(CupelResult) result = query (connection, select, 7);

        g_assert_true (cupel_result_step (result));
        g_assert_cmpstr (cupel_result_get_string (result, 1), ==, new);
      }
      commit (connection);
    }
  cupel_connection_close (other, NULL, &error);
  g_assert_no_error (error);
}

/* A transaction that wrote is committed by the worker, to the last row. */
static void
test_written (Fixture         *fixture,
              CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = by_key (fixture);

  for (gint64 id = 200001; id < 200011; id++)
    {
      g_autofree char *sql = g_strdup_printf ("INSERT INTO t VALUES (%" G_GINT64_FORMAT ", 'row %" G_GINT64_FORMAT "')", id, id);

      check_row (connection, select, 7);
      execute_text (connection, sql);
      check_row (connection, select, id);
      commit (connection);
      check_row (connection, select, id);
      g_assert_true (cupel_connection_rollback (connection, NULL, NULL));
      check_row (connection, select, id);
    }
  execute_text (connection, "DELETE FROM t WHERE id > 200000");
  commit (connection);
}

/* A schema that changes under a kept statement. */
static void
test_schema (Fixture         *fixture,
             CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = by_key (fixture);

  for (guint i = 0; i < 5; i++)
    {
      check_row (connection, select, 7);
      check_row (connection, select, 7);
      execute_text (connection, i % 2 == 0 ? "CREATE INDEX t_data ON t (data)" : "DROP INDEX t_data");
      commit (connection);
    }
  execute_text (connection, "DROP INDEX IF EXISTS t_data");
  check_row (connection, select, 7);
  commit (connection);
}

static void
test_cancelled (Fixture         *fixture,
                CupelConnection *connection)
{
  g_autoptr(CupelSelect) select = by_key (fixture);
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(GError) error = NULL;

  check_row (connection, select, 7);
  cupel_parameters_set_int64 (parameters, "id", 7);
  g_cancellable_cancel (cancellable);
  g_assert_null (cupel_connection_execute (connection, CUPEL_STATEMENT (select), parameters, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  check_row (connection, select, 7);
}

typedef struct
{
  Fixture *fixture;
  Body     body;
} Run;

static gboolean
run_body (gpointer       data,
          GCancellable  *cancellable,
          GError       **error)
{
  Run *run = data;
  Fixture *fixture = run->fixture;
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(GMainContext) context = g_main_context_ref_thread_default ();

  if ((connection = cupel_engine_connect (fixture->engine, NULL, error)) == NULL)
    return FALSE;
  fixture->counter = g_idle_source_new ();
  g_source_set_callback (fixture->counter, count_round, fixture, NULL);
  g_source_attach (fixture->counter, context);
  run->body (fixture, connection);
  g_source_destroy (fixture->counter);
  g_clear_pointer (&fixture->counter, g_source_unref);
  return cupel_connection_close (connection, NULL, error) && cupel_engine_dispose (fixture->engine, NULL, error);
}

static gboolean
set_up (gpointer       data,
        GCancellable  *cancellable,
        GError       **error)
{
  Fixture *fixture = data;
  g_autoptr(CupelConnection) connection = NULL;

  if (!cupel_engine_create_all (fixture->engine, fixture->metadata, NULL, error) ||
      (connection = cupel_engine_connect (fixture->engine, NULL, error)) == NULL)
    return FALSE;
  /* Larger than SQLite's cache */
  execute_text (connection, "INSERT INTO t (id, data) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
                            "SELECT i, 'row ' || i || hex(zeroblob(150)) FROM n");
  return cupel_connection_commit (connection, NULL, error) && cupel_connection_close (connection, NULL, error);
}

static void
test (gconstpointer data,
      gboolean      in_file)
{
  Fixture fixture = { 0 };
  Run run = { &fixture, (Body) data };
  g_autoptr(GError) error = NULL;
  g_autofree char *directory = in_file ? g_dir_make_tmp ("cupel-here-XXXXXX", &error) : NULL;
  g_autofree char *url = in_file ? g_strdup_printf ("sqlite:///%s/t.db", directory) : g_strdup ("sqlite://");

  g_assert_no_error (error);
  fixture.file = directory;
  fixture.engine = cupel_engine_new (url, &error);
  g_assert_no_error (error);
  fixture.metadata = cupel_metadata_new ();
  fixture.table = cupel_table_new ("t");
  {
    CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));

    cupel_column_set_primary_key (id, TRUE);
    cupel_table_add_column (fixture.table, id);
  }
  cupel_table_add_column (fixture.table, cupel_column_new ("data", cupel_sql_type_new (CUPEL_SQL_TEXT)));
  g_assert_true (cupel_metadata_add_table (fixture.metadata, fixture.table, &error));
  cupel_run (set_up, &fixture, NULL, &error);
  g_assert_no_error (error);
  cupel_run (run_body, &run, NULL, &error);
  g_assert_no_error (error);

  g_object_unref (fixture.engine);
  g_object_unref (fixture.metadata);
  g_object_unref (fixture.table);
  if (in_file)
    {
      static const char *const names[] = { "t.db", "t.db-wal", "t.db-shm" };

      for (guint i = 0; i < G_N_ELEMENTS (names); i++)
        {
          g_autofree char *path = g_build_filename (directory, names[i], NULL);

          g_unlink (path);
        }
      g_rmdir (directory);
    }
}

static void
test_file (gconstpointer data)
{
  test (data, TRUE);
}

static void
test_memory (gconstpointer data)
{
  test (data, FALSE);
}

int
main (int    argc,
      char **argv)
{
  static const struct { const char *name; Body body; } tests[] = {
    { "short", test_short }, { "not-in-cache", test_not_in_cache }, { "long", test_long }, { "others", test_others },
    { "written", test_written }, { "schema", test_schema }, { "cancelled", test_cancelled },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *file = g_strdup_printf ("/sqlite-here/file/%s", tests[i].name);
      g_autofree char *memory = g_strdup_printf ("/sqlite-here/memory/%s", tests[i].name);

      g_test_add_data_func (file, (gconstpointer) tests[i].body, test_file);
      g_test_add_data_func (memory, (gconstpointer) tests[i].body, test_memory);
    }
  return g_test_run ();
}
