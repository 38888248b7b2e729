/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What MariaDB Connector/C can do at best: binary protocol, array binding, multi-row RETURNING, the non-blocking calls. */

#include <mysql.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "../bench.h"
#include "leases.h"
#include "raw.h"

/* Rows of one INSERT .. VALUES .. RETURNING */
#define MULTI 1000

typedef struct
{
  BenchServer  server;
  MYSQL       *db;
} Raw;

static MYSQL *
open_server (const BenchServer *server)
{
  MYSQL *db = mysql_init (NULL);

  mysql_options (db, MYSQL_OPT_NONBLOCK, NULL);
  mysql_options (db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  if (mysql_real_connect (db, NULL, server->user, NULL, server->database, 0, server->host, CLIENT_FOUND_ROWS) == NULL)
    g_error ("%s", mysql_error (db));
  return db;
}

static void
run (MYSQL      *db,
     const char *sql)
{
  if (mysql_real_query (db, sql, strlen (sql)) != 0)
    g_error ("%s", mysql_error (db));
}

static MYSQL_STMT *
prepare (MYSQL      *db,
         const char *sql)
{
  MYSQL_STMT *statement = mysql_stmt_init (db);

  if (mysql_stmt_prepare (statement, sql, strlen (sql)) != 0)
    g_error ("%s", mysql_stmt_error (statement));
  return statement;
}

static void
execute (MYSQL_STMT *statement)
{
  if (mysql_stmt_execute (statement) != 0)
    g_error ("%s", mysql_stmt_error (statement));
}

/* A row of a, where the library puts it. */
typedef struct
{
  MYSQL_BIND    binds[3];
  gint64        id;
  char          data[256];
  unsigned long length;
  MYSQL_TIME    time;
} RowA;

static void
row_bind (RowA       *row,
          MYSQL_STMT *statement)
{
  memset (row->binds, 0, sizeof (row->binds));
  row->binds[0].buffer_type = MYSQL_TYPE_LONGLONG;
  row->binds[0].buffer = &row->id;
  row->binds[1].buffer_type = MYSQL_TYPE_STRING;
  row->binds[1].buffer = row->data;
  row->binds[1].buffer_length = sizeof (row->data);
  row->binds[1].length = &row->length;
  row->binds[2].buffer_type = MYSQL_TYPE_DATETIME;
  row->binds[2].buffer = &row->time;
  mysql_stmt_bind_result (statement, row->binds);
}

static inline gint64
row_time (const RowA *row)
{
  return raw_time ((int) row->time.year, (int) row->time.month, (int) row->time.day,
                   (int) row->time.hour, (int) row->time.minute, (int) row->time.second);
}

static inline void
row_add (const RowA *row,
         RawRows    *rows)
{
  RawA *a = raw_rows_add (rows);

  a->id = row->id;
  a->data = raw_arena_add (&rows->arena, row->data, row->length);
  a->create_date = row_time (row);
}

static void
load (MYSQL_STMT *statement,
      RawRows    *rows)
{
  RowA row;

  row_bind (&row, statement);
  execute (statement);
  while (mysql_stmt_fetch (statement) == 0)
    row_add (&row, rows);
  mysql_stmt_free_result (statement);
}

static gboolean
w1 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  MYSQL_STMT *statement = prepare (raw->db, "SELECT id, data, create_date FROM bench_100k");

  bench_start (bench);
  load (statement, &rows);
  bench_stop (bench);

  mysql_stmt_close (statement);
  return raw_rows_check (&rows, bench, BENCH_ROWS);
}

static gboolean
w2 (Bench    *bench,
    gpointer  data)
{
  enum { CHUNK = 2000 };
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  g_auto(RawChildren) children = { 0 };
  g_autoptr(GString) sql = g_string_new (NULL);
  MYSQL_STMT *parents = prepare (raw->db, "SELECT id, data, create_date FROM bench_a");
  gint64 sum;

  bench_start (bench);
  load (parents, &rows);
  raw_children_set_parents (&children, &rows);
  for (guint first = 0; first < rows.n; first += CHUNK)
    {
      MYSQL_RES *result;
      MYSQL_ROW row;

      g_string_assign (sql, "SELECT a_id, id, data FROM bench_b WHERE a_id IN (");
      for (guint i = first; i < MIN (rows.n, first + CHUNK); i++)
        g_string_append_printf (sql, i == first ? "%" G_GINT64_FORMAT : ",%" G_GINT64_FORMAT, rows.rows[i].id);
      g_string_append_c (sql, ')');
      run (raw->db, sql->str);
      result = mysql_use_result (raw->db);
      while ((row = mysql_fetch_row (result)) != NULL)
        raw_children_add (&children, g_ascii_strtoll (row[0], NULL, 10), g_ascii_strtoll (row[1], NULL, 10), row[2],
                          mysql_fetch_lengths (result)[2]);
      mysql_free_result (result);
    }
  sum = raw_children_sum (&children, &rows);
  bench_stop (bench);

  mysql_stmt_close (parents);
  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS * BENCH_CHILDREN));
}

static gboolean
w3 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  RawSums sums = { 0 };
  MYSQL_STMT *statement = prepare (raw->db, "SELECT id, data, create_date FROM bench_1m");
  RowA row;

  row_bind (&row, statement);
  bench_mark_memory (bench);
  bench_start (bench);
  execute (statement);
  while (mysql_stmt_fetch (statement) == 0)
    {
      row_add (&row, &rows);
      if (rows.n == RAW_BLOCK)
        {
          raw_sums_add (&sums, &rows);
          raw_rows_reset (&rows);
        }
    }
  raw_sums_add (&sums, &rows);
  bench_stop (bench);

  mysql_stmt_close (statement);
  return raw_sums_check (&sums, bench, BENCH_ROWS_LARGE);
}

static void
empty_tables (Raw *raw)
{
  run (raw->db, "DELETE FROM bench_wb");
  run (raw->db, "DELETE FROM bench_wa");
}

static gint64
query_int64 (Raw        *raw,
             const char *sql)
{
  MYSQL_RES *result;
  gint64 value;

  run (raw->db, sql);
  result = mysql_store_result (raw->db);
  value = g_ascii_strtoll (mysql_fetch_row (result)[0], NULL, 10);
  mysql_free_result (result);
  return value;
}

static MYSQL_STMT *
prepare_multi (MYSQL      *db,
               const char *head,
               const char *group)
{
  g_autoptr(GString) sql = g_string_new (head);

  for (guint i = 0; i < MULTI; i++)
    {
      if (i > 0)
        g_string_append_c (sql, ',');
      g_string_append (sql, group);
    }
  g_string_append (sql, " RETURNING id");
  return prepare (db, sql->str);
}

static void
fetch_ids (MYSQL_STMT *statement,
           gint64     *ids)
{
  MYSQL_BIND bind = { 0 };
  gint64 id;

  bind.buffer_type = MYSQL_TYPE_LONGLONG;
  bind.buffer = &id;
  mysql_stmt_bind_result (statement, &bind);
  while (mysql_stmt_fetch (statement) == 0)
    *ids++ = id;
  mysql_stmt_free_result (statement);
}

static gboolean
w4 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  MYSQL_STMT *insert_a = prepare_multi (raw->db, "INSERT INTO bench_wa (data) VALUES ", "(?)");
  MYSQL_STMT *insert_b = prepare_multi (raw->db, "INSERT INTO bench_wb (a_id, data) VALUES ", "(?,?)");
  g_autofree gint64 *ids = g_new0 (gint64, BENCH_PARENTS * (1 + BENCH_CHILDREN));
  g_autofree MYSQL_BIND *binds = g_new0 (MYSQL_BIND, 2 * MULTI);
  g_autofree char (*texts)[32] = g_malloc_n (MULTI, 32);

  empty_tables (raw);
  bench_start (bench);
  run (raw->db, "BEGIN");
  for (guint first = 0; first < BENCH_PARENTS; first += MULTI)
    {
      for (guint i = 0; i < MULTI; i++)
        {
          binds[i].buffer_type = MYSQL_TYPE_STRING;
          binds[i].buffer = texts[i];
          binds[i].buffer_length = (unsigned long) bench_data (texts[i], first + i + 1);
        }
      mysql_stmt_bind_param (insert_a, binds);
      execute (insert_a);
      fetch_ids (insert_a, ids + first);
    }
  for (guint first = 0; first < BENCH_PARENTS * BENCH_CHILDREN; first += MULTI)
    {
      for (guint i = 0; i < MULTI; i++)
        {
          binds[2 * i] = (MYSQL_BIND) { .buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &ids[(first + i) / BENCH_CHILDREN] };
          binds[2 * i + 1] = (MYSQL_BIND) { .buffer_type = MYSQL_TYPE_STRING, .buffer = texts[i] };
          binds[2 * i + 1].buffer_length = (unsigned long) bench_data (texts[i], first + i + 1);
        }
      mysql_stmt_bind_param (insert_b, binds);
      execute (insert_b);
      fetch_ids (insert_b, ids + BENCH_PARENTS + first);
    }
  run (raw->db, "COMMIT");
  bench_stop (bench);

  mysql_stmt_close (insert_a);
  mysql_stmt_close (insert_b);
  return bench_check_families (bench, query_int64 (raw, BENCH_COUNT_FAMILIES));
}

static gboolean
w5 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  MYSQL_STMT *statement = prepare (raw->db, "SELECT id, data, create_date FROM bench_a WHERE id = ?");
  MYSQL_BIND bind = { 0 };
  g_auto(RawRows) rows = { 0 };   /* all that were read, as one who wants them keeps them */
  gint64 key, sum = 0;

  bind.buffer_type = MYSQL_TYPE_LONGLONG;
  bind.buffer = &key;
  mysql_stmt_bind_param (statement, &bind);
  bench_start (bench);
  run (raw->db, "BEGIN");
  for (key = 1; key <= BENCH_PARENTS; key++)
    {
      load (statement, &rows);
      sum += rows.rows[rows.n - 1].id;
    }
  run (raw->db, "COMMIT");
  bench_stop (bench);

  mysql_stmt_close (statement);
  return bench_check (bench, "sum of ids", sum, BENCH_SUM (BENCH_PARENTS));
}

static gboolean
w6 (Bench    *bench,
    gpointer  data)
{
  static guint generation;
  Raw *raw = data;
  g_auto(RawRows) rows = { 0 };
  MYSQL_STMT *select = prepare (raw->db, "SELECT id, data, create_date FROM bench_u");
  MYSQL_STMT *update = prepare (raw->db, "UPDATE bench_u SET data = ? WHERE id = ?");
  g_autofree char (*texts)[48] = g_malloc_n (BENCH_PARENTS, 48);
  g_autofree char **pointers = g_new (char *, BENCH_PARENTS);
  g_autofree unsigned long *lengths = g_new (unsigned long, BENCH_PARENTS);
  g_autofree gint64 *ids = g_new (gint64, BENCH_PARENTS);
  MYSQL_BIND binds[2] = { { 0 } };
  unsigned int n;

  generation++;
  bench_start (bench);
  run (raw->db, "BEGIN");
  load (select, &rows);
  for (guint i = 0; i < rows.n; i++)
    {
      lengths[i] = (unsigned long) bench_new_data (texts[i], generation, rows.rows[i].id);
      pointers[i] = texts[i];
      ids[i] = rows.rows[i].id;
    }
  n = rows.n;
  mysql_stmt_attr_set (update, STMT_ATTR_ARRAY_SIZE, &n);
  binds[0].buffer_type = MYSQL_TYPE_STRING;
  binds[0].buffer = pointers;
  binds[0].length = lengths;
  binds[1].buffer_type = MYSQL_TYPE_LONGLONG;
  binds[1].buffer = ids;
  mysql_stmt_bind_param (update, binds);
  execute (update);
  run (raw->db, "COMMIT");
  bench_stop (bench);

  mysql_stmt_close (select);
  mysql_stmt_close (update);
  {
    g_autofree char *sql = g_strdup_printf ("SELECT count(*) FROM bench_u WHERE data = CONCAT('new %u ', id)", generation);

    return bench_check_changes (bench, query_int64 (raw, sql));
  }
}

/* W7 and W7T: one thread, eight connections, poll() and the non-blocking calls. With the autocommit mode off a transaction begins
 * with its first statement, and takes a ROLLBACK to end: that is a round trip of its own. */

typedef enum
{
  LANE_EXECUTE,
  LANE_FETCH,
  LANE_ROLL_BACK,
  LANE_DONE,
} LaneStage;

typedef struct
{
  MYSQL      *db;
  MYSQL_STMT *statement;
  MYSQL_BIND  bind;
  RowA        row;
  gint64      key;
  RawTask    *task;
  LaneStage   stage;
  int         waits_for;
} Lane;

/* Begins or goes on with one call of the library. TRUE: it is over; else it waits. */
static gboolean
lane_call (Lane *lane,
           int   ready)
{
  static const char rollback[] = "ROLLBACK";
  int result = 0;

  switch (lane->stage)
    {
    case LANE_EXECUTE:
      lane->waits_for = ready != 0 ? mysql_stmt_execute_cont (&result, lane->statement, ready)
                                   : mysql_stmt_execute_start (&result, lane->statement);
      break;
    case LANE_FETCH:
      lane->waits_for = ready != 0 ? mysql_stmt_fetch_cont (&result, lane->statement, ready)
                                   : mysql_stmt_fetch_start (&result, lane->statement);
      break;
    case LANE_ROLL_BACK:
      lane->waits_for = ready != 0 ? mysql_real_query_cont (&result, lane->db, ready)
                                   : mysql_real_query_start (&result, lane->db, rollback, strlen (rollback));
      break;
    case LANE_DONE:
    default:
      return FALSE;
    }
  if (lane->waits_for == 0 && result != 0)
    g_error ("%s, %s", mysql_stmt_error (lane->statement), mysql_error (lane->db));
  return lane->waits_for == 0;
}

/* Until the lane has to wait, or no task is left. */
static void
lane_go_on (Lane      *lane,
            RawLeases *leases,
            gboolean   in_transaction,
            int        ready)
{
  while (lane->stage != LANE_DONE && lane_call (lane, ready))
    {
      ready = 0;
      if (lane->stage == LANE_EXECUTE)
        {
          lane->stage = LANE_FETCH;
          continue;
        }
      if (lane->stage == LANE_FETCH)
        {
          /* A single row: what follows it is its end and is here already */
          mysql_stmt_free_result (lane->statement);
          row_add (&lane->row, &leases->rows);
          raw_leases_done (leases, lane->task);
          lane->stage = LANE_ROLL_BACK;
          if (in_transaction)
            continue;
        }
      lane->task = raw_leases_take (leases);
      lane->stage = lane->task != NULL ? LANE_EXECUTE : LANE_DONE;
      if (lane->task != NULL)
        lane->key = raw_task_get_key (lane->task);
    }
}

static gboolean
lease (Bench    *bench,
       Raw      *raw,
       gboolean  in_transaction)
{
  RawLeases leases;
  g_autofree Lane *lanes = g_new0 (Lane, BENCH_CONNECTIONS);
  struct pollfd fds[BENCH_CONNECTIONS];
  guint n_busy = BENCH_CONNECTIONS;

  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    {
      Lane *lane = &lanes[i];

      lane->db = open_server (&raw->server);
      run (lane->db, in_transaction ? "SET autocommit=0" : "SET autocommit=1");
      lane->statement = prepare (lane->db, "SELECT id, data, create_date FROM bench_a WHERE id = ?");
      lane->bind.buffer_type = MYSQL_TYPE_LONGLONG;
      lane->bind.buffer = &lane->key;
      mysql_stmt_bind_param (lane->statement, &lane->bind);
      row_bind (&lane->row, lane->statement);
      fds[i] = (struct pollfd) { (int) mysql_get_socket (lane->db), POLLIN, 0 };
    }

  raw_leases_begin (&leases, bench);
  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    {
      lanes[i].task = raw_leases_take (&leases);
      lanes[i].key = raw_task_get_key (lanes[i].task);
      lane_go_on (&lanes[i], &leases, in_transaction, 0);
    }
  while (n_busy > 0)
    {
      for (guint i = 0; i < BENCH_CONNECTIONS; i++)
        fds[i].events = (short) (((lanes[i].waits_for & MYSQL_WAIT_READ) ? POLLIN : 0) |
                                 ((lanes[i].waits_for & MYSQL_WAIT_WRITE) ? POLLOUT : 0));
      poll (fds, BENCH_CONNECTIONS, -1);
      n_busy = 0;
      for (guint i = 0; i < BENCH_CONNECTIONS; i++)
        {
          int ready = ((fds[i].revents & POLLIN) ? MYSQL_WAIT_READ : 0) | ((fds[i].revents & POLLOUT) ? MYSQL_WAIT_WRITE : 0);

          if (ready != 0)
            lane_go_on (&lanes[i], &leases, in_transaction, ready);
          n_busy += lanes[i].stage != LANE_DONE;
        }
    }

  if (!raw_leases_end (&leases))
    return FALSE;
  for (guint i = 0; i < BENCH_CONNECTIONS; i++)
    {
      mysql_stmt_close (lanes[i].statement);
      mysql_close (lanes[i].db);
    }
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
  MYSQL_STMT *insert = prepare (raw->db, "INSERT INTO bench_wa (data) VALUES (?)");
  g_autofree char (*texts)[32] = g_malloc_n (BENCH_ROWS, 32);
  g_autofree char **pointers = g_new (char *, BENCH_ROWS);
  g_autofree unsigned long *lengths = g_new (unsigned long, BENCH_ROWS);
  MYSQL_BIND bind = { 0 };
  unsigned int n = BENCH_ROWS;

  empty_tables (raw);
  bench_start (bench);
  run (raw->db, "BEGIN");
  for (guint i = 0; i < BENCH_ROWS; i++)
    {
      lengths[i] = (unsigned long) bench_data (texts[i], i + 1);
      pointers[i] = texts[i];
    }
  mysql_stmt_attr_set (insert, STMT_ATTR_ARRAY_SIZE, &n);
  bind.buffer_type = MYSQL_TYPE_STRING;
  bind.buffer = pointers;
  bind.length = lengths;
  mysql_stmt_bind_param (insert, &bind);
  execute (insert);
  run (raw->db, "COMMIT");
  bench_stop (bench);

  mysql_stmt_close (insert);
  return bench_check_texts (bench, query_int64 (raw, BENCH_SUM_LENGTHS));
}

static gboolean
w9 (Bench    *bench,
    gpointer  data)
{
  Raw *raw = data;
  MYSQL_STMT *statement = prepare (raw->db, "SELECT id, data, create_date FROM bench_100k");
  RawSums sums = { 0 };
  RowA row;

  row_bind (&row, statement);
  bench_start (bench);
  execute (statement);
  while (mysql_stmt_fetch (statement) == 0)
    {
      sums.n++;
      sums.ids += row.id;
      sums.lengths += (gint64) strlen (row.data);
      sums.seconds += row_time (&row) / G_USEC_PER_SEC;
    }
  bench_stop (bench);

  mysql_stmt_close (statement);
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
      g_printerr ("usage: raw-mysql mysql://USER@/DATABASE?host=/SOCKET CASE [REPETITIONS]\n");
      return EXIT_FAILURE;
    }
  raw.db = open_server (&raw.server);
  status = bench_run ("raw", argc, argv, (const BenchCase *[]) { cases, NULL }, &raw);
  mysql_close (raw.db);
  bench_server_clear (&raw.server);
  return status;
}
