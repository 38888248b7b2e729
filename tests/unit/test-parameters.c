/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Sets of parameters that go on being filled while a statement has them. */

#include "sql-fixture.h"

#define CUPEL_INSIDE
#include "engine/cupel-parameters-private.h"
#undef CUPEL_INSIDE

/* What a driver was given stays as it is, whatever the program does next. */
static void
test_given_away (void)
{
  static const char *const ways[] = { "set", "next", "next and set" };
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_TYPE_COMPILER, NULL);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT :a, :b");

  for (guint way = 0; way < G_N_ELEMENTS (ways); way++)
    {
      g_autoptr(GError) error = NULL;
      g_autoptr(CupelCompiled) compiled = cupel_compiler_compile (compiler, (CupelStatement *) text, &error);
      g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
      g_autoptr(CupelRowBlock) sets = NULL;
      const CupelCell *cells;
      guint n_sets;

      g_assert_no_error (error);
      cupel_parameters_set_string (parameters, "a", "text");
      cupel_parameters_set_int64 (parameters, "b", 2);
      cupel_parameters_next (parameters);
      g_assert_true (cupel_parameters_bind (parameters, compiled, &sets, &n_sets, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (n_sets, ==, 1);
      cells = sets->cells;

      if (way > 0)
        for (guint i = 0; i < 20; i++)
          cupel_parameters_next (parameters);
      if (way != 1)
        for (guint i = 0; i < 20; i++)
          cupel_parameters_set_int64 (parameters, "b", i);
      g_test_message ("%s", ways[way]);
      g_assert_true (sets->cells == cells);
      g_assert_cmpuint (sets->n_rows, ==, 1);
      g_assert_cmpmem (cells[0].v.text, cells[0].length, "text", 4);
      g_assert_cmpint (cells[1].v.i64, ==, 2);
      g_assert_cmpuint (cupel_parameters_get_n_sets (parameters), ==, way == 0 ? 2 : way == 1 ? 21 : 22);
    }
}

static void
count_down (gpointer data)
{
  --*(guint *) data;
}

/* Filled again and again, with a statement that has them each time and @n_under_way that are not finished: old texts are let go. */
static void
fill_again (guint n_under_way)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_TYPE_COMPILER, NULL);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT :a, :b");
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(GPtrArray) under_way = g_ptr_array_new_with_free_func ((GDestroyNotify) cupel_row_block_unref);
  g_autoptr(GError) error = NULL;
  const CupelRowBlock *last = NULL;
  guint alive = 0, made = 0, most = 0;

  compiled = cupel_compiler_compile (compiler, (CupelStatement *) text, &error);
  g_assert_no_error (error);
  /* In the order of the statement, which gets the very block then. */
  cupel_parameters_set_string (parameters, "a", "first");
  cupel_parameters_set_string (parameters, "b", "stays");
  for (guint i = 0; i < 40000; i++)
    {
      g_autofree char *value = g_strdup_printf ("%s %u", i % 2 == 0 ? "a text that is longer than the others" : "text", i);
      g_autoptr(CupelRowBlock) sets = NULL;
      guint n_sets;

      cupel_parameters_set_string (parameters, "a", value);
      g_assert_true (cupel_parameters_bind (parameters, compiled, &sets, &n_sets, &error));
      g_assert_no_error (error);
      g_assert_cmpstr (cupel_row_block_get_row (sets, 0)[compiled->slots[0].index].v.text, ==, value);
      g_assert_cmpstr (cupel_row_block_get_row (sets, 0)[compiled->slots[1].index].v.text, ==, "stays");
      if (sets != last)
        {
          last = sets;
          made++;
          alive++;
          cupel_row_block_keep (sets, &alive, count_down);
          most = MAX (most, alive);
        }
      if (n_under_way > 0)
        g_ptr_array_add (under_way, g_steal_pointer (&sets));
      if (under_way->len > n_under_way)
        g_ptr_array_remove_index (under_way, 0);
    }
  /* An arena of some kilobytes for each, or one that somebody still reads and some that it keeps. */
  g_assert_cmpuint (made, >, 100);
  g_assert_cmpuint (most, <, n_under_way == 0 ? 3 : 200);
  g_clear_pointer (&parameters, cupel_parameters_unref);
  g_ptr_array_set_size (under_way, 0);
  g_assert_cmpuint (alive, ==, 0);
}

static void
test_filled_again (void)
{
  fill_again (0);
  fill_again (1);
  fill_again (10);
}

/* Many sets, of which the last is filled again: none of the others changes. */
static void
test_last_again (void)
{
  g_autoptr(CupelCompiler) compiler = g_object_new (CUPEL_TYPE_COMPILER, NULL);
  g_autoptr(CupelText) text = cupel_text_new ("SELECT :a, :b");
  g_autoptr(CupelCompiled) compiled = NULL;
  g_autoptr(CupelParameters) parameters = cupel_parameters_new ();
  g_autoptr(CupelRowBlock) sets = NULL;
  g_autoptr(GError) error = NULL;
  guint n_sets;

  compiled = cupel_compiler_compile (compiler, (CupelStatement *) text, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 500; i++)
    {
      if (i > 0)
        cupel_parameters_next (parameters);
      for (guint j = 0; j <= (i % 100 == 0 ? 1000 : 0); j++)
        {
          g_autofree char *value = g_strdup_printf ("set %u value %u", i, j);

          cupel_parameters_set_int64 (parameters, "b", i);
          cupel_parameters_set_string (parameters, "a", value);
        }
    }
  g_assert_true (cupel_parameters_bind (parameters, compiled, &sets, &n_sets, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (n_sets, ==, 500);
  for (guint i = 0; i < 500; i++)
    {
      g_autofree char *value = g_strdup_printf ("set %u value %u", i, i % 100 == 0 ? 1000 : 0);
      const CupelCell *row = cupel_row_block_get_row (sets, i);

      g_assert_cmpstr (row[compiled->slots[0].index].v.text, ==, value);
      g_assert_cmpint (row[compiled->slots[1].index].v.i64, ==, i);
    }
}

int
main (int   argc,
      char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/parameters/given-away", test_given_away);
  g_test_add_func ("/parameters/filled-again", test_filled_again);
  g_test_add_func ("/parameters/last-again", test_last_again);
  return g_test_run ();
}
