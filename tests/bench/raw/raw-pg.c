/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What libpq can do at best: binary format, prepared statements, arrays where there are many. */

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "leases.h"
#include "raw-pg.h"

#define PG_EPOCH       G_GINT64_CONSTANT (946684800)

static PGconn *
open_server (const BenchServer *server)
{
  const char *names[] = { "host", "user", "dbname", NULL };
  const char *values[] = { server->host, server->user, server->database, NULL };
  PGconn *db = PQconnectdbParams (names, values, 0);

  if (PQstatus (db) != CONNECTION_OK)
    g_error ("%s", PQerrorMessage (db));
  return db;
}

static inline gint64
get_time (const PGresult *result,
          int             row,
          int             column)
{
  return raw_get_int64 (result, row, column) + PG_EPOCH * G_USEC_PER_SEC;
}

static void
read_rows (const PGresult *result,
           RawRows        *rows)
{
  int n = PQntuples (result);

  for (int i = 0; i < n; i++)
    {
      RawA *row = raw_rows_add (rows);

      row->id = raw_get_int64 (result, i, 0);
      row->data = raw_arena_add (&rows->arena, PQgetvalue (result, i, 1), (gsize) PQgetlength (result, i, 1));
      row->create_date = get_time (result, i, 2);
    }
}

static gboolean
w1 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  PGresult *result;

  raw_prepare (raw->db, "s", "SELECT id, data, create_date FROM bench_100k");
  bench_start (bench);
  result = raw_execute (raw->db, "s", 0, NULL, NULL, NULL);
  read_rows (result, &rows);
  PQclear (result);
  bench_stop (bench);

  raw_forget (raw);
  return raw_rows_check (&rows, bench, BENCH_ROWS);
}

static gboolean
w2 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  g_auto(RawChildren) children = { 0 };
  g_autoptr(GByteArray) ids = g_byte_array_new ();
  PGresult *result;
  gint64 sum;

  raw_prepare (raw->db, "a", "SELECT id, data, create_date FROM bench_a");
  raw_prepare (raw->db, "b", "SELECT a_id, id, data FROM bench_b WHERE a_id = ANY ($1::bigint[])");
  bench_start (bench);
  result = raw_execute (raw->db, "a", 0, NULL, NULL, NULL);
  read_rows (result, &rows);
  PQclear (result);
  raw_children_set_parents (&children, &rows);
  raw_array_begin (ids, RAW_OID_INT8, rows.n);
  for (guint i = 0; i < rows.n; i++)
    raw_array_add_int64 (ids, rows.rows[i].id);
  result = raw_execute (raw->db, "b", 1, (const char *[]) { (const char *) ids->data }, (int[]) { (int) ids->len }, (int[]) { 1 });
  for (int i = 0; i < PQntuples (result); i++)
    raw_children_add (&children, raw_get_int64 (result, i, 0), raw_get_int64 (result, i, 1),
                      PQgetvalue (result, i, 2), (gsize) PQgetlength (result, i, 2));
  PQclear (result);
  sum = raw_children_sum (&children, &rows);
  bench_stop (bench);

  raw_forget (raw);
  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS * BENCH_CHILDREN));
}

static gboolean
w3 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  RawSums sums = { 0 };
  g_auto(RawRows) rows = { 0 };
  int n;

  raw_run (raw->db, "BEGIN");
  raw_run (raw->db, "DECLARE c NO SCROLL CURSOR FOR SELECT id, data, create_date FROM bench_1m");
  raw_prepare (raw->db, "f", "FETCH 1000 FROM c");
  bench_mark_memory (bench);
  bench_start (bench);
  PQsendQueryPrepared (raw->db, "f", 0, NULL, NULL, NULL, 1);
  do
    {
      PGresult *result = raw_must (PQgetResult (raw->db));

      while (PQgetResult (raw->db) != NULL)
        ;
      n = PQntuples (result);
      /* The server works on the next ones while these are used. */
      if (n > 0)
        PQsendQueryPrepared (raw->db, "f", 0, NULL, NULL, NULL, 1);
      raw_rows_reset (&rows);
      read_rows (result, &rows);
      PQclear (result);
      raw_sums_add (&sums, &rows);
    }
  while (n > 0);
  bench_stop (bench);

  raw_run (raw->db, "COMMIT");
  raw_forget (raw);
  return raw_sums_check (&sums, bench, BENCH_ROWS_LARGE);
}

static gint64
query_int64 (Raw        *raw,
             const char *sql)
{
  PGresult *result = raw_must (PQexec (raw->db, sql));
  gint64 value = g_ascii_strtoll (PQgetvalue (result, 0, 0), NULL, 10);

  PQclear (result);
  return value;
}

static gboolean
w4 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_autoptr(GByteArray) texts = g_byte_array_new ();
  g_autoptr(GByteArray) refs = g_byte_array_new ();
  g_autofree gint64 *ids = g_new0 (gint64, BENCH_PARENTS * (1 + BENCH_CHILDREN));
  PGresult *result;

  raw_run (raw->db, "TRUNCATE bench_wa, bench_wb");
  raw_prepare (raw->db, "a", "INSERT INTO bench_wa (data) SELECT d FROM unnest ($1::text[]) WITH ORDINALITY AS t (d, n) ORDER BY n RETURNING id");
  raw_prepare (raw->db, "b", "INSERT INTO bench_wb (a_id, data) SELECT i, d FROM unnest ($1::bigint[], $2::text[]) WITH ORDINALITY AS t (i, d, n) "
           "ORDER BY n RETURNING id");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  raw_array_begin (texts, RAW_OID_TEXT, BENCH_PARENTS);
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      char text[32];

      raw_array_add_text (texts, text, bench_data (text, i));
    }
  result = raw_execute (raw->db, "a", 1, (const char *[]) { (const char *) texts->data }, (int[]) { (int) texts->len }, (int[]) { 1 });
  for (int i = 0; i < PQntuples (result); i++)
    ids[i] = raw_get_int64 (result, i, 0);
  PQclear (result);
  raw_array_begin (refs, RAW_OID_INT8, BENCH_PARENTS * BENCH_CHILDREN);
  raw_array_begin (texts, RAW_OID_TEXT, BENCH_PARENTS * BENCH_CHILDREN);
  for (guint i = 1; i <= BENCH_PARENTS * BENCH_CHILDREN; i++)
    {
      char text[32];

      raw_array_add_int64 (refs, ids[(i - 1) / BENCH_CHILDREN]);
      raw_array_add_text (texts, text, bench_data (text, i));
    }
  result = raw_execute (raw->db, "b", 2, (const char *[]) { (const char *) refs->data, (const char *) texts->data },
                    (int[]) { (int) refs->len, (int) texts->len }, (int[]) { 1, 1 });
  for (int i = 0; i < PQntuples (result); i++)
    ids[BENCH_PARENTS + i] = raw_get_int64 (result, i, 0);
  PQclear (result);
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  return bench_check_families (bench, query_int64 (raw, BENCH_COUNT_FAMILIES));
}

static gboolean
w5 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };   /* all that were read, as one who wants them keeps them */
  gint64 sum = 0;

  raw_prepare (raw->db, "g", "SELECT id, data, create_date FROM bench_a WHERE id = $1::bigint");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  for (guint i = 1; i <= BENCH_PARENTS; i++)
    {
      gint64 key = GINT64_TO_BE ((gint64) i);
      PGresult *result = raw_execute (raw->db, "g", 1, (const char *[]) { (const char *) &key }, (int[]) { 8 }, (int[]) { 1 });

      read_rows (result, &rows);
      PQclear (result);
      sum += rows.rows[rows.n - 1].id;
    }
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS));
}

static gboolean
w6 (Bench    *bench,
    gpointer  data)
{
  static guint generation;
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  g_autoptr(GByteArray) ids = g_byte_array_new ();
  g_autoptr(GByteArray) texts = g_byte_array_new ();
  PGresult *result;

  generation++;
  raw_prepare (raw->db, "s", "SELECT id, data, create_date FROM bench_u");
  raw_prepare (raw->db, "u", "UPDATE bench_u SET data = t.d FROM unnest ($1::bigint[], $2::text[]) AS t (i, d) WHERE id = t.i");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  result = raw_execute (raw->db, "s", 0, NULL, NULL, NULL);
  read_rows (result, &rows);
  PQclear (result);
  raw_array_begin (ids, RAW_OID_INT8, rows.n);
  raw_array_begin (texts, RAW_OID_TEXT, rows.n);
  for (guint i = 0; i < rows.n; i++)
    {
      char text[48];

      raw_array_add_int64 (ids, rows.rows[i].id);
      raw_array_add_text (texts, text, bench_new_data (text, generation, rows.rows[i].id));
    }
  PQclear (raw_execute (raw->db, "u", 2, (const char *[]) { (const char *) ids->data, (const char *) texts->data },
                    (int[]) { (int) ids->len, (int) texts->len }, (int[]) { 1, 1 }));
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  {
    g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = 'new %u ' || id", generation);

    return bench_check_changes (bench, query_int64 (raw, sql));
  }
}

/* W7 and W7T: one thread, eight connections, poll(). A ROLLBACK goes out with the next task's BEGIN and SELECT. */

typedef struct
{
  PGconn  *db;
  RawTask *task;
  gint64   key;
  gboolean busy;
  gboolean open;   /* a transaction */
} Lane;

static void
lane_run (Lane       *lane,
          const char *name)
{
  PQsendQueryPrepared (lane->db, name, 0, NULL, NULL, NULL, 1);
}

/* Takes the next task; without one nothing is left but to roll back. */
static void
lane_go (Lane      *lane,
         RawLeases *leases,
         gboolean   in_transaction)
{
  lane->task = raw_leases_take (leases);
  lane->busy = lane->task != NULL || lane->open;
  if (!lane->busy)
    return;

  if (lane->open)
    lane_run (lane, "r");
  lane->open = FALSE;
  if (lane->task != NULL)
    {
      if (in_transaction)
        lane_run (lane, "b");
      lane->open = in_transaction;
      lane->key = GINT64_TO_BE (raw_task_get_key (lane->task));
      PQsendQueryPrepared (lane->db, "g", 1, (const char *[]) { (const char *) &lane->key }, (int[]) { 8 }, (int[]) { 1 }, 1);
    }
  if (in_transaction)
    PQpipelineSync (lane->db);
  PQflush (lane->db);
}

/* TRUE: all answers are there. */
static gboolean
lane_read (Lane      *lane,
           RawLeases *leases,
           gboolean   in_transaction)
{
  while (!PQisBusy (lane->db))
    {
      PGresult *result = PQgetResult (lane->db);
      ExecStatusType status = PQresultStatus (result);

      if (status == PGRES_TUPLES_OK)
        read_rows (result, &leases->rows);
      else if (result != NULL && status != PGRES_PIPELINE_SYNC)
        raw_must (result);
      PQclear (result);
      if (in_transaction ? status == PGRES_PIPELINE_SYNC : result == NULL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
lease (Bench    *bench,
       Raw      *raw,
       gboolean  in_transaction)
{
  RawLeases leases;
  Lane lanes[BENCH_CONNECTIONS] = { 0 };
  struct pollfd fds[BENCH_CONNECTIONS];
  guint n_busy = 0;

  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    {
      lanes[i].db = open_server (&raw->server);
      raw_prepare (lanes[i].db, "g", "SELECT id, data, create_date FROM bench_a WHERE id = $1::bigint");
      raw_prepare (lanes[i].db, "b", "BEGIN");
      raw_prepare (lanes[i].db, "r", "ROLLBACK");
      PQsetnonblocking (lanes[i].db, 1);
      if (in_transaction)
        PQenterPipelineMode (lanes[i].db);
      fds[i] = (struct pollfd) { PQsocket (lanes[i].db), POLLIN, 0 };
    }

  raw_leases_begin (&leases, bench);
  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    {
      lane_go (&lanes[i], &leases, in_transaction);
      n_busy += lanes[i].busy;
    }
  while (n_busy > 0)
    {
      poll (fds, BENCH_CONNECTIONS, -1);
      for (guint i = 0; i < BENCH_CONNECTIONS; i++)
        {
          Lane *lane = &lanes[i];

          if ((fds[i].revents & POLLIN) == 0)
            continue;
          PQconsumeInput (lane->db);
          if (!lane_read (lane, &leases, in_transaction))
            continue;
          if (lane->task != NULL)
            raw_leases_done (&leases, lane->task);
          lane_go (lane, &leases, in_transaction);
          n_busy -= !lane->busy;
        }
    }

  if (!raw_leases_end (&leases))
    return FALSE;
  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    PQfinish (lanes[i].db);
  return TRUE;
}

static gboolean
w7 (Bench    *bench,
    gpointer  data)
{
  return lease (bench, data, FALSE);
}

static gboolean
w7t (Bench    *bench,
     gpointer  data)
{
  return lease (bench, data, TRUE);
}

static gboolean
w8 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_autoptr(GByteArray) texts = g_byte_array_new ();

  raw_run (raw->db, "TRUNCATE bench_wa, bench_wb");
  raw_prepare (raw->db, "a", "INSERT INTO bench_wa (data) SELECT * FROM unnest ($1::text[])");
  bench_start (bench);
  raw_run (raw->db, "BEGIN");
  raw_array_begin (texts, RAW_OID_TEXT, BENCH_ROWS);
  for (guint i = 1; i <= BENCH_ROWS; i++)
    {
      char text[32];

      raw_array_add_text (texts, text, bench_data (text, i));
    }
  PQclear (raw_execute (raw->db, "a", 1, (const char *[]) { (const char *) texts->data }, (int[]) { (int) texts->len }, (int[]) { 1 }));
  raw_run (raw->db, "COMMIT");
  bench_stop (bench);

  raw_forget (raw);
  return bench_check_texts (bench, query_int64 (raw, BENCH_SUM_LENGTHS));
}

static gboolean
w9 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  RawSums sums = { 0 };
  PGresult *result;

  raw_prepare (raw->db, "s", "SELECT id, data, create_date FROM bench_100k");
  bench_start (bench);
  result = raw_execute (raw->db, "s", 0, NULL, NULL, NULL);
  sums.n = PQntuples (result);
  for (int i = 0; i < sums.n; i++)
    {
      sums.ids += raw_get_int64 (result, i, 0);
      sums.lengths += (gint64) strlen (PQgetvalue (result, i, 1));
      sums.seconds += get_time (result, i, 2) / G_USEC_PER_SEC;
    }
  PQclear (result);
  bench_stop (bench);

  raw_forget (raw);
  return raw_sums_check (&sums, bench, BENCH_ROWS);
}

static const BenchCase cases[] = {
  { "W1", w1 },
  { "W2", w2 },
  { "W3", w3 },
  { "W4", w4 },
  { "W5", w5 },
  { "W6", w6 },
  { "W7", w7 },
  { "W7T", w7t },
  { "W8", w8 },
  { "W9", w9 },
  { NULL }
};

int
main (int    argc,
      char **argv)
{
  Raw raw = { 0 };
  int status;

  if (argc < 3 || !bench_server_parse (argv[1], &raw.server))
    {
      g_printerr ("usage: raw-pg postgresql://USER@/DATABASE?host=/FOLDER CASE [REPETITIONS]\n");
      return EXIT_FAILURE;
    }
  raw.db = open_server (&raw.server);
  status = bench_run ("raw", argc, argv, (const BenchCase *[]) { cases, raw_pg_suites, NULL }, &raw);
  PQfinish (raw.db);
  bench_server_clear (&raw.server);
  return status;
}
