/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One statement with many sets of parameters. */

#include "mysql-fixture.h"

#include <string.h>

static CupelCompiled *
compile_insert (const char *returning)
{
  g_autoptr(CupelTable) table = cupel_table_new ("many");
  g_autoptr(CupelInsert) insert = NULL;
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *a = cupel_column_new ("a", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *s = cupel_column_new ("s", cupel_sql_type_new_sized (CUPEL_SQL_STRING, 50));

  cupel_column_set_primary_key (id, TRUE);
  cupel_table_add_column (table, id);
  cupel_table_add_column (table, a);
  cupel_table_add_column (table, s);
  insert = cupel_insert_new (table);
  cupel_insert_add_column (insert, a);
  cupel_insert_add_column (insert, s);
  if (returning != NULL)
    {
      cupel_insert_returning (insert, cupel_table_c (table, "id"));
      cupel_insert_returning (insert, cupel_table_c (table, returning));
    }
  return compile_statement (CUPEL_STATEMENT (insert));
}

static CupelRowBlock *
make_sets (guint n)
{
  CupelRowBlock *sets = cupel_row_block_new (2, n);

  for (guint i = 0; i < n; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);
      char text[32];

      set_int64 (&c[0], (gint64) i * 3);
      g_snprintf (text, sizeof text, "text %u", i);
      if (i % 7 != 0)
        cupel_row_block_set_text (sets, &c[1], CUPEL_CELL_TEXT, text, -1);
    }
  return sets;
}

static void
test_many_insert (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) returning = compile_insert ("a");
  g_autoptr(CupelCompiled) plain = compile_insert (NULL);
  g_autoptr(CupelRowBlock) sets = make_sets (5000);
  g_autoptr(CupelRowBlock) few = make_sets (3);
  g_auto(CupelReply) reply = { 0, };
  g_auto(CupelReply) bulk = { 0, };
  gint64 last = 0;

  run (connection, "CREATE TABLE many (id BIGINT AUTO_INCREMENT PRIMARY KEY, a BIGINT, s VARCHAR(50)) "
                   "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");

  if (on_mysql)
    {
      /* It returns no rows, but it tells the keys. */
      g_autoptr(GError) error = NULL;

      g_assert_false (execute_full (connection, returning, few, CUPEL_REQUEST_NONE, &reply, NULL, &error));
      g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_PROGRAMMING);
      execute (connection, plain, sets, &reply);
      g_assert_null (reply.blocks);
      g_assert_cmpint (reply.row_count, ==, 5000);
      g_assert_nonnull (reply.insert_ids);
      g_assert_cmpuint (reply.insert_ids->len, ==, 5000);
      g_assert_cmpint (reply.last_insert_id, ==, g_array_index (reply.insert_ids, gint64, 0));
      for (guint i = 0; i < 5000; i += 499)
        {
          g_autofree char *sql = g_strdup_printf ("SELECT a FROM many WHERE id = %d",
                                                  (int) g_array_index (reply.insert_ids, gint64, i));

          g_assert_cmpint (query_int64 (connection, sql), ==, (gint64) i * 3);
        }
      assert_status (connection, IDLE);
      return;
    }

  execute (connection, returning, sets, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 5000);
  g_assert_cmpint (reply.row_count, ==, 5000);
  for (guint i = 0; i < 5000; i++)
    {
      g_assert_cmpint (get_cell (&reply, i, 1)->v.i64, ==, (gint64) i * 3);
      g_assert_cmpint (get_cell (&reply, i, 0)->v.i64, >, last);
      last = get_cell (&reply, i, 0)->v.i64;
    }
  cupel_reply_clear (&reply);

  execute (connection, returning, few, &reply);
  g_assert_cmpuint (count_rows (&reply), ==, 3);
  assert_status (connection, IDLE);

  execute (connection, plain, sets, &bulk);
  g_assert_null (bulk.blocks);
  g_assert_cmpint (bulk.row_count, ==, 5000);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM many"), ==, 10003);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM many WHERE s IS NULL"), ==, 715 + 715 + 1);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM many WHERE s = concat('text ', a DIV 3)"), ==, 4285 * 2 + 2);
}

static void
test_many_update (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) update = compile ("UPDATE mu SET v = :v WHERE id = :id", -1);
  g_autoptr(CupelCompiled) remove = compile ("DELETE FROM mu WHERE id = :id", -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 1000);
  g_autoptr(CupelRowBlock) ids = cupel_row_block_new (1, 500);
  g_auto(CupelReply) reply = { 0, };
  int v = cupel_compiled_find_bind (update, "v");
  int id = cupel_compiled_find_bind (update, "id");

  run (connection, "CREATE TABLE mu (id BIGINT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB");
  run (connection, "INSERT INTO mu SELECT seq, 'same' FROM seq_1_to_1000");

  /* "matched" counts, not "changed": half of them change nothing, and ten are not there */
  for (guint i = 1; i <= 1010; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);

      cupel_row_block_set_text (sets, &c[v], CUPEL_CELL_TEXT, i % 2 == 0 ? "same" : "new", -1);
      set_int64 (&c[id], i);
    }
  execute (connection, update, sets, &reply);
  g_assert_cmpint (reply.row_count, ==, 1000);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM mu WHERE v = 'new'"), ==, 500);
  cupel_reply_clear (&reply);

  for (guint i = 1; i <= 500; i++)
    set_int64 (cupel_row_block_add_row (ids), i);
  execute (connection, remove, ids, &reply);
  g_assert_cmpint (reply.row_count, ==, 500);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM mu"), ==, 500);
}

/* All sets or none, without a transaction of the caller's too; columns of more than one type. */
static void
test_many_fails (CupelDriverConnection *connection)
{
  g_autoptr(CupelCompiled) insert = compile ("INSERT INTO mf (id, v) VALUES (:id, :v)", -1);
  g_autoptr(CupelRowBlock) sets = cupel_row_block_new (2, 100);
  g_auto(CupelReply) reply = { 0, };
  g_autoptr(GError) error = NULL;

  run (connection, "CREATE TABLE mf (id BIGINT PRIMARY KEY, v DECIMAL(10,2)) ENGINE=InnoDB");
  for (guint i = 0; i < 100; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);

      set_int64 (&c[0], i == 90 ? 5 : i);
      if (i % 2 == 0)
        set_int64 (&c[1], 1);
      else
        {
          c[1].kind = CUPEL_CELL_DOUBLE;
          c[1].v.f64 = 1.5;
        }
    }
  g_assert_false (execute_full (connection, insert, sets, CUPEL_REQUEST_NONE, &reply, NULL, &error));
  g_assert_error (error, CUPEL_ERROR, CUPEL_ERROR_UNIQUE);
  g_assert_cmpint (query_int64 (connection, "SELECT count(*) FROM mf"), ==, 0);
  assert_status (connection, IDLE);

  set_int64 ((CupelCell *) cupel_row_block_get_row (sets, 90), 90);
  execute (connection, insert, sets, &reply);
  g_assert_cmpint (reply.row_count, ==, 100);
  g_assert_cmpint (query_int64 (connection, "SELECT CAST(sum(v) AS SIGNED) FROM mf"), ==, 125);
}

/* Three sets of four bring their keys, which go down; the others get theirs from the server. */
static CupelRowBlock *
make_keyed (guint  n,
            gint64 writer)
{
  CupelRowBlock *sets = cupel_row_block_new (2, n);

  for (guint i = 0; i < n; i++)
    {
      CupelCell *c = cupel_row_block_add_row (sets);

      set_int64 (&c[0], writer * 1000000 - i);
      if (i % 4 == 3)
        c[0].kind = CUPEL_CELL_NULL;
      set_int64 (&c[1], writer * 100000 + i);
    }
  return sets;
}

typedef struct
{
  CupelDriverConnection *connection;
  CupelCompiled         *insert;
  gint64                 number;
  guint                  n;
} Writer;

/* Each key belongs to its set. */
static void
write_keyed (Writer *writer)
{
  g_autoptr(CupelRowBlock) sets = make_keyed (writer->n, writer->number);
  g_auto(CupelReply) reply = { 0, };

  execute (writer->connection, writer->insert, sets, &reply);
  g_assert_cmpint (reply.row_count, ==, writer->n);
  if (writer->insert->returns_rows)
    g_assert_cmpuint (count_rows (&reply), ==, writer->n);
  else
    g_assert_cmpuint (reply.insert_ids->len, ==, writer->n);
  for (guint i = 0; i < writer->n; i++)
    {
      gint64 id = writer->insert->returns_rows ? get_cell (&reply, i, 0)->v.i64 : g_array_index (reply.insert_ids, gint64, i);
      g_autofree char *sql = g_strdup_printf ("SELECT a FROM keyed WHERE id = %" G_GINT64_FORMAT, id);

      if (i % 4 != 3)
        g_assert_cmpint (id, ==, writer->number * 1000000 - i);
      if (i % 97 == 0 || i % 97 == 51)
        g_assert_cmpint (query_int64 (writer->connection, sql), ==, writer->number * 100000 + i);
    }
}

static gboolean
run_writer (gpointer       data,
            GCancellable  *cancellable,
            GError       **error)
{
  write_keyed (data);
  return TRUE;
}

/* The keys are the right ones and in the order of the sets, while another connection writes and where sets bring keys of their own; with
 * RETURNING, and without on servers that do not have it. */
static void
test_many_keys (CupelDriverConnection *connection)
{
  g_autoptr(CupelDriverConnection) other = connect_again ();
  g_autoptr(CupelTable) table = cupel_table_new ("keyed");
  CupelColumn *id = cupel_column_new ("id", cupel_sql_type_new (CUPEL_SQL_INT64));
  CupelColumn *a = cupel_column_new ("a", cupel_sql_type_new (CUPEL_SQL_INT64));

  cupel_table_add_column (table, id);
  cupel_table_add_column (table, a);
  run (connection, "CREATE TABLE keyed (id BIGINT AUTO_INCREMENT PRIMARY KEY, a BIGINT) ENGINE=InnoDB");
  for (guint round = 0; round < 2; round++)
    {
      gboolean returning = round == 0 && !on_mysql;
      g_autoptr(CupelInsert) insert = cupel_insert_new (table);
      g_autoptr(CupelCompiled) compiled = NULL;
      const guint n = returning ? scale (5000, 1500) : scale (500, 100);
      Writer writers[2];
      CupelTaskGroup *group = cupel_task_group_new (NULL);
      g_autoptr(GError) error = NULL;

      cupel_insert_add_column (insert, id);
      cupel_insert_add_column (insert, a);
      if (returning)
        cupel_insert_returning (insert, cupel_table_c (table, "id"));
      compiled = compile_statement (CUPEL_STATEMENT (insert));
      for (guint i = 0; i < 2; i++)
        {
          writers[i] = (Writer) { i == 0 ? connection : other, compiled, 10 + 2 * round + i, n };
          if (!returning)
            CUPEL_MYSQL_CONNECTION (writers[i].connection)->has_returning = FALSE;
          cupel_task_group_spawn (group, run_writer, &writers[i], NULL);
        }
      cupel_task_group_join (group, &error);
      g_assert_no_error (error);
      cupel_task_group_free (group);
    }
  cupel_driver_connection_terminate (other);
}

static const Case cases[] = {
  { "insert", test_many_insert },
  { "keys", test_many_keys },
  { "update", test_many_update },
  { "fails", test_many_fails },
};

int
main (int    argc,
      char **argv)
{
  mysql_test_init (&argc, &argv, "many");
  return mysql_test_run (cases, G_N_ELEMENTS (cases));
}
