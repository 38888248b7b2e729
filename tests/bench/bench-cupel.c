/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The workloads W1 to W9 with Cupel, as a program that uses it would have them: in a fiber, on a main loop in which a timer of a
 * millisecond tells how late the loop is.
 *
 *     bench-cupel URL CASE [REPETITIONS]
 *     bench-cupel URL prepare
 *
 * prepare makes the tables that all programs of the benchmark read and write. */

#include <cupel.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define DEFINE_A(Type, prefix, table, ...)                                                              \
  CUPEL_DECLARE_ENTITY (Type, prefix)                                                                   \
  struct _##Type                                                                                        \
  {                                                                                                     \
    CupelEntity parent_instance;                                                                        \
    gint64 id;                                                                                          \
    char *data;                                                                                         \
    GDateTime *create_date;                                                                             \
  };                                                                                                    \
  static const CupelColumnSpec prefix##_columns[] = {                                                   \
    CUPEL_COLUMN (Type, id, INT64, .primary_key = TRUE),                                                \
    CUPEL_COLUMN (Type, data, STRING, .length = 255),                                                   \
    CUPEL_COLUMN (Type, create_date, DATETIME, .not_null = TRUE, .server_default = "now()"),            \
  };                                                                                                    \
  CUPEL_DEFINE_ENTITY (Type, prefix, table, prefix##_columns, ##__VA_ARGS__)

#define DEFINE_B(Type, prefix, table, parent)                                                           \
  CUPEL_DECLARE_ENTITY (Type, prefix)                                                                   \
  struct _##Type                                                                                        \
  {                                                                                                     \
    CupelEntity parent_instance;                                                                        \
    gint64 id;                                                                                          \
    gint64 a_id;                                                                                        \
    char *data;                                                                                         \
  };                                                                                                    \
  static const CupelColumnSpec prefix##_columns[] = {                                                   \
    CUPEL_COLUMN (Type, id, INT64, .primary_key = TRUE),                                                \
    CUPEL_COLUMN (Type, a_id, INT64, .foreign_key = parent ".id", .index = TRUE),                       \
    CUPEL_COLUMN (Type, data, STRING, .length = 255),                                                   \
  };                                                                                                    \
  CUPEL_DEFINE_ENTITY (Type, prefix, table, prefix##_columns)

DEFINE_A (Large, large, "bench_1m")
DEFINE_A (Many, many, "bench_100k")
DEFINE_A (Changed, changed, "bench_u")
DEFINE_B (Bb, bb, "bench_b", "bench_a")
DEFINE_A (Aa, aa, "bench_a", CUPEL_HAS_MANY ("bs", bb_get_type ()))
DEFINE_B (NewB, new_b, "bench_wb", "bench_wa")
DEFINE_A (NewA, new_a, "bench_wa", CUPEL_HAS_MANY ("bs", new_b_get_type ()))

/* The engine that all repetitions of a case share: what can be kept between uses is kept. */
typedef struct
{
  CupelEngine *engine;
  GError      *error;
} Context;

static gboolean
failed (Bench   *bench,
        Context *context)
{
  bench_wrong (bench, "%s", context->error != NULL ? context->error->message : "failed without an error");
  g_clear_error (&context->error);
  return FALSE;
}

static gboolean
execute (Context    *context,
         const char *sql)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, &context->error);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = NULL;

  return connection != NULL &&
         (result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &context->error)) != NULL &&
         cupel_connection_commit (connection, NULL, &context->error) &&
         cupel_connection_close (connection, NULL, &context->error);
}

static gint64
query_int64 (Context    *context,
             const char *sql)
{
  g_autoptr(CupelConnection) connection = cupel_engine_connect (context->engine, NULL, &context->error);
  g_autoptr(CupelText) text = cupel_text_new (sql);
  g_autoptr(CupelResult) result = NULL;

  cupel_text_add_result_type (text, cupel_sql_type_new (CUPEL_SQL_INT64));
  if (connection == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (text), NULL, NULL, &context->error)) == NULL ||
      !cupel_result_step (result))
    return -1;
  return cupel_result_get_int64 (result, 0);
}

static gint64
to_unix (GDateTime *time)
{
  return g_date_time_to_unix (time);
}

static gboolean
w1 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (many_get_type ());
  g_autoptr(CupelResult) result = NULL;
  g_autoptr(GPtrArray) entities = g_ptr_array_new_full (BENCH_ROWS, g_object_unref);
  gint64 ids = 0, lengths = 0, seconds = 0;
  Many *many;

  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((many = cupel_result_next (result)) != NULL)
    g_ptr_array_add (entities, g_object_ref (many));
  bench_stop (bench);

  for (guint i = 0; i < entities->len; i++)
    {
      many = entities->pdata[i];
      ids += many->id;
      lengths += (gint64) strlen (many->data);
      seconds += to_unix (many->create_date);
    }
  return bench_check (bench, "rows", entities->len, BENCH_ROWS) &&
         bench_check (bench, "sum of ids", ids, BENCH_SUM (BENCH_ROWS)) &&
         bench_check (bench, "length of all", lengths, bench_sum_lengths (BENCH_ROWS)) &&
         bench_check (bench, "sum of dates", seconds, BENCH_EPOCH * BENCH_ROWS + BENCH_SUM (BENCH_ROWS));
}

static gboolean
w2 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (aa_get_type ());
  g_autoptr(CupelResult) result = NULL;
  gint64 sum = 0;
  Aa *a;

  cupel_select_add_option (select, cupel_selectinload (aa_get_type (), "bs"));
  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((a = cupel_result_next (result)) != NULL)
    {
      GListModel *bs = cupel_entity_get_list (CUPEL_ENTITY (a), "bs", NULL);
      guint n = g_list_model_get_n_items (bs);

      for (guint i = 0; i < n; i++)
        {
          g_autoptr(Bb) b = g_list_model_get_item (bs, i);

          sum += b->id;
        }
    }
  bench_stop (bench);

  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS * BENCH_CHILDREN));
}

static gboolean
w3 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (large_get_type ());
  g_autoptr(CupelStream) stream = NULL;
  gint64 n = 0, ids = 0, lengths = 0, seconds = 0;
  Large *large;

  bench_mark_memory (bench);
  bench_start (bench);
  if ((stream = cupel_session_stream (session, select, 0, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((large = cupel_stream_next (stream, NULL, &context->error)) != NULL)
    {
      n++;
      ids += large->id;
      lengths += (gint64) strlen (large->data);
      seconds += to_unix (large->create_date);
    }
  if (context->error != NULL)
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "rows", n, BENCH_ROWS_LARGE) &&
         bench_check (bench, "sum of ids", ids, BENCH_SUM (BENCH_ROWS_LARGE)) &&
         bench_check (bench, "length of all", lengths, bench_sum_lengths (BENCH_ROWS_LARGE)) &&
         bench_check (bench, "sum of dates", seconds, BENCH_EPOCH * BENCH_ROWS_LARGE + BENCH_SUM (BENCH_ROWS_LARGE));
}

static gboolean
empty_tables (Context *context)
{
  return execute (context, "DELETE FROM bench_wb") && execute (context, "DELETE FROM bench_wa");
}

static gboolean
w4 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(GPtrArray) entities = g_ptr_array_new_full (BENCH_PARENTS, g_object_unref);
  guint child = 0;

  if (!empty_tables (context))
    return failed (bench, context);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      g_autofree char *text = g_strdup_printf ("data %u", i);
      NewA *a = g_object_new (new_a_get_type (), "data", text, NULL);

      for (guint k = 0; k < BENCH_CHILDREN; k++)
        {
          g_autofree char *child_text = g_strdup_printf ("data %u", ++child);
          g_autoptr(NewB) b = g_object_new (new_b_get_type (), "data", child_text, NULL);

          cupel_entity_append (CUPEL_ENTITY (a), "bs", CUPEL_ENTITY (b));
        }
      g_ptr_array_add (entities, a);
    }

  bench_start (bench);
  if (!cupel_session_add_all (session, (CupelEntity **) entities->pdata, entities->len, &context->error) ||
      !cupel_session_flush (session, NULL, &context->error) ||
      !cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  for (guint i = 0; i < entities->len; i++)
    if (((NewA *) entities->pdata[i])->id <= 0)
      return bench_wrong (bench, "no key came back");
  return bench_check (bench, "rows", query_int64 (context, "SELECT count(*) FROM bench_wb JOIN bench_wa ON a_id = bench_wa.id"),
                      BENCH_PARENTS * BENCH_CHILDREN);
}

static gboolean
w5 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  gint64 sum = 0;

  bench_start (bench);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      g_autoptr(Aa) a = cupel_session_get_int64 (session, aa_get_type (), i, NULL, &context->error);

      if (a == NULL)
        return failed (bench, context);
      sum += a->id;
    }
  if (!cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS));
}

static gboolean
w6 (Bench    *bench,
    gpointer  data)
{
  static guint generation;
  Context *context = data;
  g_autoptr(CupelSession) session = cupel_session_new (context->engine);
  g_autoptr(CupelSelect) select = cupel_entity_select (changed_get_type ());
  g_autoptr(CupelResult) result = NULL;
  Changed *a;

  generation++;
  bench_start (bench);
  if ((result = cupel_session_scalars (session, select, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while ((a = cupel_result_next (result)) != NULL)
    {
      char text[64];

      g_snprintf (text, sizeof (text), "new %u %" G_GINT64_FORMAT, generation, a->id);
      g_object_set (a, "data", text, NULL);
    }
  if (!cupel_session_flush (session, NULL, &context->error) || !cupel_session_commit (session, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  {
    const char *dialect = cupel_url_get_dialect (cupel_engine_get_url (context->engine));
    g_autofree char *sql =
      strcmp (dialect, "mysql") == 0
        ? g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = CONCAT('new %u ', id)", generation)
        : g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = 'new %u ' || id", generation);

    return bench_check (bench, "rows changed", query_int64 (context, sql), BENCH_PARENTS);
  }
}

typedef struct
{
  Context     *context;
  Bench       *bench;
  CupelSelect *select;
  guint        number;
  gint64      *sum;
} Task;

static gboolean
task_func (gpointer       data,
           GCancellable  *cancellable,
           GError       **error)
{
  Task *task = data;
  gint64 ready = g_get_monotonic_time ();

  for (guint i = 0; i < BENCH_TASK_OPS; i++)
    {
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelConnection) connection = NULL;
      g_autoptr(CupelResult) result = NULL;
      gint64 now;

      cupel_parameters_set_int64 (parameters, "id", BENCH_KEY (task->number, i));
      if ((connection = cupel_engine_connect (task->context->engine, cancellable, error)) == NULL ||
          (result = cupel_connection_execute (connection, CUPEL_STATEMENT (task->select), parameters, cancellable, error)) == NULL ||
          !cupel_result_step (result))
        return FALSE;
      *task->sum += cupel_result_get_int64 (result, 0);
      if (!cupel_connection_close (connection, cancellable, error))
        return FALSE;
      now = g_get_monotonic_time ();
      bench_latency (task->bench, now - ready);
      ready = now;
    }
  return TRUE;
}

static gboolean
w7 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelTaskGroup) group = cupel_task_group_new (NULL);
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (cupel_entity_get_table (aa_get_type ()));
  Task tasks[BENCH_TASKS];
  gint64 sum = 0, expected = 0;

  cupel_select_where (select, cupel_eq (cupel_attr (aa_get_type (), "id"), cupel_bind ("id", NULL)));
  bench_start (bench);
  for (guint i = 0; i < BENCH_TASKS; i++)
    {
      tasks[i] = (Task) { context, bench, select, i, &sum };
      cupel_task_group_spawn (group, task_func, &tasks[i], NULL);
    }
  if (!cupel_task_group_join (group, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  for (guint i = 0; i < BENCH_TASKS; i++)
    for (guint k = 0; k < BENCH_TASK_OPS; k++)
      expected += BENCH_KEY (i, k);
  return bench_check (bench, "sum of ids", sum, expected);
}

static gboolean
w8 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  CupelTable *table = cupel_entity_get_table (new_a_get_type ());
  g_autoptr(CupelInsert) insert = cupel_insert_new (table);
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;

  if (!empty_tables (context))
    return failed (bench, context);
  cupel_insert_add_column (insert, cupel_table_get_column (table, "data"));
  for (guint i = 1; i <= BENCH_ROWS; i++)
    {
      char text[32];

      if (i > 1)
        cupel_parameters_next (parameters);
      g_snprintf (text, sizeof (text), "data %u", i);
      cupel_parameters_set_string (parameters, "data", text);
    }

  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute_many (connection, CUPEL_STATEMENT (insert), parameters, NULL, &context->error)) == NULL ||
      !cupel_connection_commit (connection, NULL, &context->error) ||
      !cupel_connection_close (connection, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "length of all", query_int64 (context, "SELECT sum(length(data)) FROM bench_wa"),
                      bench_sum_lengths (BENCH_ROWS));
}

static gboolean
w9 (Bench    *bench,
    gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelSelect) select = cupel_select_new_from_table (cupel_entity_get_table (many_get_type ()));
  g_autoptr(CupelConnection) connection = NULL;
  g_autoptr(CupelResult) result = NULL;
  gint64 n = 0, ids = 0, lengths = 0, seconds = 0;

  bench_start (bench);
  if ((connection = cupel_engine_connect (context->engine, NULL, &context->error)) == NULL ||
      (result = cupel_connection_execute (connection, CUPEL_STATEMENT (select), NULL, NULL, &context->error)) == NULL)
    return failed (bench, context);
  while (cupel_result_step (result))
    {
      g_autoptr(GDateTime) time = cupel_result_dup_datetime (result, 2);

      n++;
      ids += cupel_result_get_int64 (result, 0);
      lengths += (gint64) strlen (cupel_result_get_string (result, 1));
      seconds += to_unix (time);
    }
  if (!cupel_connection_close (connection, NULL, &context->error))
    return failed (bench, context);
  bench_stop (bench);

  return bench_check (bench, "rows", n, BENCH_ROWS) &&
         bench_check (bench, "sum of ids", ids, BENCH_SUM (BENCH_ROWS)) &&
         bench_check (bench, "length of all", lengths, bench_sum_lengths (BENCH_ROWS)) &&
         bench_check (bench, "sum of dates", seconds, BENCH_EPOCH * BENCH_ROWS + BENCH_SUM (BENCH_ROWS));
}

static const BenchCase cases[] = {
  { "W1", BENCH_ROWS, w1 },
  { "W2", BENCH_PARENTS * (1 + BENCH_CHILDREN), w2 },
  { "W3", BENCH_ROWS_LARGE, w3 },
  { "W4", BENCH_PARENTS * (1 + BENCH_CHILDREN), w4 },
  { "W5", BENCH_PARENTS, w5 },
  { "W6", BENCH_PARENTS, w6 },
  { "W7", BENCH_TASKS * BENCH_TASK_OPS, w7 },
  { "W8", BENCH_ROWS, w8 },
  { "W9", BENCH_ROWS, w9 },
  { NULL }
};

/* the data */

static const struct
{
  const char *dialect;
  const char *numbers;   /* SELECT of i from 1 to a number */
  const char *data;
  const char *date;
} fills[] = {
  { "sqlite", "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %u) SELECT %s FROM n", "'data ' || i",
    "datetime(1577836800 + i, 'unixepoch')" },
  { "postgresql", "SELECT %2$s FROM generate_series(1, %1$u) AS n (i)", "'data ' || i",
    "timestamp '2020-01-01' + i * interval '1 second'" },
  { "mysql", "SELECT %2$s FROM (SELECT seq AS i FROM seq_1_to_%1$u) AS n", "CONCAT('data ', i)",
    "TIMESTAMPADD(SECOND, i, '2020-01-01')" },
};

static gboolean
fill (Context    *context,
      const char *table,
      guint       n_rows,
      gboolean    children)
{
  const char *dialect = cupel_url_get_dialect (cupel_engine_get_url (context->engine));
  g_autofree char *columns = NULL;
  g_autofree char *select = NULL;
  g_autofree char *sql = NULL;
  gsize i = 0;

  while (strcmp (fills[i].dialect, dialect) != 0)
    g_assert (++i < G_N_ELEMENTS (fills));
  columns = children ? g_strdup_printf ("i, (i + %d) / %d, %s", BENCH_CHILDREN - 1, BENCH_CHILDREN, fills[i].data)
                     : g_strdup_printf ("i, %s, %s", fills[i].data, fills[i].date);
  /* An integer division everywhere */
  if (children && i == 2)
    {
      g_free (columns);
      columns = g_strdup_printf ("i, (i + %d) DIV %d, %s", BENCH_CHILDREN - 1, BENCH_CHILDREN, fills[i].data);
    }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  select = g_strdup_printf (fills[i].numbers, n_rows, columns);   /* of the table above */
#pragma GCC diagnostic pop
  sql = g_strdup_printf ("INSERT INTO %s (id, %s) %s", table, children ? "a_id, data" : "data, create_date", select);
  return execute (context, sql);
}

static gboolean
prepare (Bench    *bench,
         gpointer  data)
{
  Context *context = data;
  g_autoptr(CupelMetadata) metadata = cupel_entity_metadata (large_get_type (), many_get_type (), changed_get_type (), aa_get_type (),
                                                             bb_get_type (), new_a_get_type (), new_b_get_type (), G_TYPE_INVALID);

  if (!cupel_engine_drop_all (context->engine, metadata, NULL, &context->error) ||
      !cupel_engine_create_all (context->engine, metadata, NULL, &context->error) ||
      !fill (context, "bench_1m", BENCH_ROWS_LARGE, FALSE) || !fill (context, "bench_100k", BENCH_ROWS, FALSE) ||
      !fill (context, "bench_u", BENCH_PARENTS, FALSE) || !fill (context, "bench_a", BENCH_PARENTS, FALSE) ||
      !fill (context, "bench_b", BENCH_PARENTS * BENCH_CHILDREN, TRUE))
    return failed (bench, context);
  return TRUE;
}

static const BenchCase preparations[] = { { "prepare", 0, prepare }, { NULL } };

/* the loop */

typedef struct
{
  Context context;
  char  **arguments;
  int     n_arguments;
  int     status;
} Program;

static gint64 timer_due;

static gboolean
on_timer (gpointer data)
{
  GSource *source = g_main_current_source ();
  gint64 now = g_get_monotonic_time ();

  bench_late (now - timer_due);
  timer_due = now + 1000;
  g_source_set_ready_time (source, timer_due);
  return G_SOURCE_CONTINUE;
}

/* What is overdue when a case ends was late as well. */
static void
on_stop (void)
{
  bench_late (g_get_monotonic_time () - timer_due);
}

/* Lets the timer fire before, so that the lateness is the case's own. */
static const BenchCase *timed_case;

static gboolean
run_timed (Bench    *bench,
           gpointer  data)
{
  cupel_fiber_sleep (3000, NULL, NULL);
  return timed_case->run (bench, data);
}

static gboolean
program (gpointer       data,
         GCancellable  *cancellable,
         GError       **error)
{
  Program *self = data;
  const char *name = self->arguments[2];
  const BenchCase *list = strcmp (name, "prepare") == 0 ? preparations : cases;
  BenchCase timed[] = { { name, 0, run_timed }, { NULL } };

  for (timed_case = list; timed_case->name != NULL && strcmp (timed_case->name, name) != 0; timed_case++)
    ;
  if (timed_case->name != NULL)
    {
      timed[0].ops = timed_case->ops;
      list = timed;
    }
  self->status = bench_run ("cupel", self->arguments[1], list, name,
                            strcmp (name, "prepare") == 0 ? 0 : self->n_arguments > 3 ? (guint) atoi (self->arguments[3]) : 3,
                            &self->context);
  cupel_engine_dispose (self->context.engine, NULL, NULL);
  return TRUE;
}

static void
on_done (GObject      *source,
         GAsyncResult *result,
         gpointer      loop)
{
  g_autoptr(GError) error = NULL;

  if (!cupel_run_finish (result, &error))
    g_printerr ("%s\n", error->message);
  g_main_loop_quit (loop);
}

static gboolean
dispatch (GSource     *source,
          GSourceFunc  callback,
          gpointer     user_data)
{
  return callback (user_data);
}

int
main (int    argc,
      char **argv)
{
  static GSourceFuncs functions = { .dispatch = dispatch };
  g_autoptr(GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr(GError) error = NULL;
  g_autoptr(GSource) timer = NULL;
  Program self = { .arguments = argv, .n_arguments = argc, .status = EXIT_FAILURE };

  if (argc < 3)
    {
      g_printerr ("usage: bench-cupel URL CASE|prepare [REPETITIONS]\n");
      return EXIT_FAILURE;
    }
  if ((self.context.engine = cupel_engine_new (argv[1], &error)) == NULL)
    {
      g_printerr ("%s\n", error->message);
      return EXIT_FAILURE;
    }
  g_object_set (self.context.engine, "pool-size", BENCH_CONNECTIONS, "max-overflow", 0, NULL);

  timer = g_source_new (&functions, sizeof (GSource));
  g_source_set_callback (timer, on_timer, NULL, NULL);
  g_source_set_ready_time (timer, 0);
  g_source_attach (timer, NULL);
  bench_set_stop_func (on_stop);
  cupel_run_async (program, &self, NULL, NULL, on_done, loop);
  g_main_loop_run (loop);
  g_source_destroy (timer);
  g_object_unref (self.context.engine);
  return self.status;
}
